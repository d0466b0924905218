#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hidden states of a file as numpy arrays.

Usage: hidden_states.py FILE [MODEL]

Prints what hidden-states.c prints; windows() is for use in other programs.
"""

import sys

import gi
import numpy

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstNpu", "1.0")
from gi.repository import GLib, Gst, GstApp, GstNpu  # noqa: E402, F401

POSITION_TIME = 20 * Gst.MSECOND


def read_states(sample):
    """[positions][width] float32, as the caps say; a copy."""
    caps = sample.get_caps().get_structure(0)
    shape = caps.get_value("positions"), caps.get_value("width")
    buffer = sample.get_buffer()
    states = numpy.frombuffer(
        buffer.extract_dup(0, buffer.get_size()), numpy.float32
    )
    return states.reshape(shape)  # fails unless the sizes fit


def windows(file, context, model=None):
    """Yields (pts, duration, states) of each window, times in nanoseconds."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! decodebin ! npumel ! npuwhisperenc name=encoder ! "
        "appsink name=states sync=false"
    )
    pipeline.get_by_name("file").set_property("location", file)
    pipeline.get_by_name("encoder").set_property("model", model)
    pipeline.set_context(context.new_npu_context(True))
    sink = pipeline.get_by_name("states")
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            # A sink does not see errors, so the bus is looked at now and then.
            message = bus.pop_filtered(Gst.MessageType.ERROR)
            if message:
                raise message.parse_error().gerror
            sample = sink.try_pull_sample(Gst.SECOND // 10)
            if sample:
                buffer = sample.get_buffer()
                yield buffer.pts, buffer.duration, read_states(sample)
            elif sink.is_eos():
                break
    finally:
        pipeline.set_state(Gst.State.NULL)


def print_windows(all_windows):
    for pts, duration, states in all_windows:
        # Only these positions heard audio; the others saw silence.
        valid = states[: -(-duration // POSITION_TIME)].astype(numpy.float64)
        print(
            f"pts={pts / Gst.SECOND:.3f} duration={duration / Gst.SECOND:.3f} "
            f"shape={states.shape[0]}x{states.shape[1]} "
            f"mean={valid.mean():.6f} norm={numpy.sqrt((valid**2).sum()):.3f}"
        )


def main():
    Gst.init(None)
    if len(sys.argv) not in (2, 3):
        print("Usage: hidden_states.py FILE [MODEL]", file=sys.stderr)
        return 2
    try:
        context = GstNpu.Context.new("auto")
        print_windows(windows(sys.argv[1], context, *sys.argv[2:]))
    except GLib.Error as error:
        print(error.message, file=sys.stderr)
        return 1
    print(context.get_stats().to_string(), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
