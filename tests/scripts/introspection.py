#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What other languages see of the library: contexts, and the protocol for an
element that is not written in C."""

import os
import signal

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstNpu", "1.0")
from gi.repository import GLib, Gst, GstApp, GstNpu  # noqa: E402, F401

Gst.init(None)
context = GstNpu.Context.new("cpu")
assert context == GstNpu.Context.new(None), "a second device"
assert context.get_device() == "cpu" and not context.is_hardware()
assert context.get_stats().get_value("windows") == 0
assert GstNpu.CONTEXT_TYPE == "gst.npu.context"

# A child process runs pipelines, on a device of its own.
child = os.fork()
if child == 0:
    signal.alarm(60)  # if it hangs
    pipeline = Gst.parse_launch(
        "audiotestsrc num-buffers=20 ! npumel ! "
        "npuwhisperenc model=synthetic:test audio-ctx=50 ! fakesink"
    )
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR
    )
    pipeline.set_state(Gst.State.NULL)
    os._exit(message.type != Gst.MessageType.EOS)
assert os.waitpid(child, 0)[1] == 0, "the child process failed"

try:
    GstNpu.Context.new("/dev/none")
    raise AssertionError("there is no such device")
except GLib.Error as error:
    assert error.matches(Gst.ResourceError.quark(), Gst.ResourceError.NOT_FOUND)
    assert "/dev/none" in error.message

# A pipeline takes the application's context, and an element finds it.
pipeline = Gst.parse_launch("fakesrc ! npumel name=mel ! fakesink")
pipeline.set_context(context.new_npu_context(True))
mel = pipeline.get_by_name("mel")
pipeline.set_state(Gst.State.READY)
query = Gst.Query.new_context(GstNpu.CONTEXT_TYPE)
assert mel.get_static_pad("src").query(query)
carrier = query.parse_context()
assert carrier.get_structure().get_value("context") == context
pipeline.set_state(Gst.State.NULL)

# The element's side.
element = Gst.ElementFactory.make("identity")
ok, found = GstNpu.ensure_element_context(element, "cpu", None)
assert ok and found == context
query = Gst.Query.new_context(GstNpu.CONTEXT_TYPE)
assert GstNpu.handle_context_query(element, query, found)
assert not GstNpu.handle_context_query(element, Gst.Query.new_latency(), found)
# What a window's buffer says of it.
pipeline = Gst.parse_launch(
    "audiotestsrc num-buffers=40 samplesperbuffer=441 ! npumel ! "
    "npuwhisperenc model=synthetic:test audio-ctx=10 ! appsink name=states"
)
pipeline.set_state(Gst.State.PLAYING)
buffers = [pipeline.get_by_name("states").pull_sample().get_buffer() for _ in "12"]
for index, buffer in enumerate(buffers):
    facts = buffer.get_custom_meta("GstNpuWindowMeta").get_structure()
    assert facts.get_value("index") == index == buffer.offset
    assert facts.get_value("window-start") == buffer.pts == index * Gst.SECOND // 5
    assert facts.get_value("valid-frames") == 20
    assert facts.get_value("started") <= facts.get_value("ended")
pipeline.set_state(Gst.State.NULL)
print("GstNpu can be used from Python")
