#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plays a pipeline whose base time is 0, and tells what gst-launch-1.0 -v would
of an identity named "told".

Usage: launch-at-zero.py PIPELINE
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
# unixfdsink adds its base time to time stamps, unixfdsrc takes its own away.
pipeline.set_start_time(Gst.CLOCK_TIME_NONE)
pipeline.set_base_time(0)
told = pipeline.get_by_name("told")
if told:
    told.connect(
        "notify::last-message",
        lambda *_: print(
            "/GstIdentity:told: last-message =",
            told.get_property("last-message"),
            flush=True,
        ),
    )
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(
    Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR
)
pipeline.set_state(Gst.State.NULL)
if message.type == Gst.MessageType.ERROR:
    sys.exit(f"ERROR: {message.parse_error()}")
