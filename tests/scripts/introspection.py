#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What other languages see of the library: contexts, and the protocol for an
element that is not written in C."""

import os
import signal

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstNpu", "1.0")
from gi.repository import GLib, Gst, GstNpu  # noqa: E402

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
print("GstNpu can be used from Python")
