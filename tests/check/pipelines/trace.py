#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The npu tracer: what it writes of real pipelines, and that no misfortune of
its file stops one.

Usage: trace.py TRACED
  TRACED  the program of traced.c
"""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Windows of 1 s, fed in 100 ms, of which npumel makes buffers of 100 ms.
SOURCE = ("audiotestsrc num-buffers=%d samplesperbuffer=1600 ! "
          "audio/x-raw, rate=16000, channels=1")
ENCODER = "npuwhisperenc model=synthetic:test audio-ctx=50 threads=1"
PARTS = ["wait", "queue", "upload", "run", "download"]
NS = 0.001  # the file's resolution, in its microseconds
STALL = 50  # ms


class Trace:
    def __init__(self, path):
        # NaN and the like are no JSON, whatever Python thinks.
        text = pathlib.Path(path).read_text(encoding="utf-8")
        self.events = json.loads(
            text, parse_constant=lambda name: sys.exit(f"{name} in {path}"))
        self.names = {
            (e["pid"], e["tid"]): e["args"]["name"]
            for e in self.events
            if e["ph"] == "M" and e["name"] == "thread_name"
        }
        self.tracks = collections.defaultdict(list)
        for event in self.events:
            if event["ph"] == "X":
                self.tracks[self.name(event)].append(event)
        for spans in self.tracks.values():
            spans.sort(key=lambda e: e["ts"])

    def name(self, event):
        return self.names[event["pid"], event["tid"]]

    def phase(self, phase):
        return [e for e in self.events if e["ph"] == phase]

    def spans(self, track):
        return self.tracks[track]

    def ms(self, track):
        return [e["dur"] / 1e3 for e in self.tracks[track]]


def run(traced, folder, description, tracers=None, arguments=(), **environment):
    """Runs a pipeline under the tracer; returns the process and its trace."""
    path = folder / "trace.json"
    path.unlink(missing_ok=True)
    if tracers is None:
        tracers = f'npu(file="{path}")'
    result = subprocess.run(
        [traced, *arguments, description], capture_output=True, text=True,
        cwd=folder, env={**os.environ, "GST_TRACERS": tracers, **environment})
    assert result.returncode == 0, (description, tracers, result)
    return result, path


def trace(traced, folder, description, **options):
    result, path = run(traced, folder, description, **options)
    assert "WARNING" not in result.stderr, result.stderr
    return Trace(path)


def chain(source=35, before="", between="", behind=""):
    def part(text):
        return f"{text} ! " if text else ""

    return (f"{SOURCE % source} ! {part(before)}npumel ! {part(between)}"
            f"{ENCODER} ! {part(behind)}fakesink")


def assert_nested(spans):
    """Each span lies within, or behind, the one before."""
    open_ends = []
    for span in spans:
        end = span["ts"] + span["dur"]
        while open_ends and open_ends[-1] <= span["ts"] + NS:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1] + NS, span
        open_ends.append(end)


def contains(span, event):
    return span["ts"] - NS <= event["ts"] <= span["ts"] + span["dur"] + NS


def assert_flows(trace):
    """Every flow begins in an input and ends in a window, no earlier, of the
    elements that belong together by their numbers."""
    starts = {e["id"]: e for e in trace.phase("s")}
    assert len(starts) == len(trace.phase("s"))
    for end in trace.phase("f"):
        start = starts.pop(end["id"])
        assert start["ts"] <= end["ts"], (start, end)
        inputs, windows = trace.name(start), trace.name(end)
        assert inputs.endswith(": input") and windows.endswith(": window")
        assert (inputs[len("npumel"):].split(":")[0]
                == windows[len("npuwhisperenc"):].split(":")[0])
        assert sum(contains(s, start) for s in trace.spans(inputs)) == 1
        assert sum(contains(s, end) for s in trace.spans(windows)) == 1
    assert not starts, starts


def assert_parts_make_total(trace, element="npuwhisperenc0"):
    columns = [trace.spans(f"{element}: {part}") for part in PARTS]
    totals = trace.spans(f"{element}: total")
    assert all(len(column) == len(totals) for column in columns)
    for *parts, total in zip(*columns, totals):
        at = total["ts"]
        for part in parts:
            assert abs(part["ts"] - at) <= 2 * NS, (part, total)
            at += part["dur"]
        assert abs(at - total["ts"] - total["dur"]) <= 6 * NS, (parts, total)


def check_contents(traced, folder):
    t = trace(traced, folder, chain())
    assert t.events[0]["name"] == "process_name"
    assert t.events[0]["args"]["gst-npu"]
    for spans in t.tracks.values():
        assert_nested(spans)
    assert len(t.spans("npumel0: input")) == 35
    assert len(t.spans("npumel0: convert")) == 35
    assert len(t.spans("npumel0: mel")) == 36  # the tail is one
    windows = t.spans("npuwhisperenc0: window")
    assert [w["args"]["window"] for w in windows] == [0, 1, 2, 3]
    assert [w["args"]["duration_ns"] for w in windows] == 3 * [10**9] + [5 * 10**8]
    assert all(w["args"]["device"] == "cpu" for w in windows)
    assert len(t.phase("s")) == len(t.phase("f")) == 35
    assert_flows(t)
    assert_parts_make_total(t)
    operations = t.spans("npuwhisperenc0: operations (sums over layers)")
    assert len(operations) == 7 * 4
    assert (sum(e["dur"] for e in operations)
            <= sum(w["dur"] for w in windows) + 7 * 4 * NS)
    counters = {e["name"] for e in t.phase("C")}
    assert counters >= {"npuwhisperenc0: realtime factor",
                        "npuwhisperenc0: frames waiting",
                        "npuwhisperenc0: windows waiting"}, counters
    assert {t.name(e) for e in t.phase("i")} == {
        "npumel0: reported latency", "npuwhisperenc0: reported latency"}


def check_stalls(traced, folder):
    """50 ms where an element sleeps show there, and do not elsewhere."""
    stall = f"identity sleep-time={STALL * 1000}"
    ours = ["npumel0: convert", "npumel0: mel", "npuwhisperenc0: upload",
            "npuwhisperenc0: queue"]

    t = trace(traced, folder, chain(20, between=stall))
    assert min(t.ms("npumel0: push")) >= STALL
    assert min(t.ms("npuwhisperenc0: wait")) >= 9 * STALL
    assert all(min(t.ms(track)) < STALL for track in ours)
    assert min(t.ms("npuwhisperenc0: push")) < STALL

    t = trace(traced, folder, chain(20, behind=stall))
    assert min(t.ms("npuwhisperenc0: push")) >= STALL
    assert all(min(t.ms(track)) < STALL for track in ours)
    assert min(t.ms("npumel0: push")) < STALL

    t = trace(traced, folder, chain(20, before=stall))
    starts = [e["ts"] / 1e3 for e in t.spans("npumel0: input")]
    assert min(b - a for a, b in zip(starts, starts[1:])) >= STALL
    # npumel looks ahead, and makes the last buffer at the end.
    assert min(t.ms("npuwhisperenc0: wait")) >= 8 * STALL
    assert all(min(t.ms(track)) < STALL for track in ours)
    assert min(t.ms("npumel0: push")) < STALL


def check_two_pipelines(traced, folder):
    """At once and with threads between their elements."""
    t = trace(traced, folder, f"{chain(between='queue')} {chain(between='queue')}")
    for spans in t.tracks.values():
        assert_nested(spans)
    assert len(t.phase("f")) == 70
    assert_flows(t)
    for element in "npuwhisperenc0", "npuwhisperenc1":
        assert_parts_make_total(t, element)


def check_names(traced, folder):
    """Of files and elements."""
    path = folder / 'a "b" c.json'
    description = chain().replace("npumel !", 'npumel name="Zürich \\"2\\"" !')
    escaped = str(path).replace('"', '\\"')
    run(traced, folder, description, tracers=f'npu(file="{escaped}")')
    assert len(Trace(path).spans('Zürich "2": input')) == 35


def check_ends(traced, folder):
    """All events are there however the process ends in peace."""
    t = trace(traced, folder, chain(), arguments=["--exit"])
    assert len(t.spans("npuwhisperenc0: push")) == 4


def check_killed(traced, folder):
    """What had happened a little before is there."""
    live = chain().replace("num-buffers=35", "is-live=true")
    path = folder / "killed.json"
    for reason in signal.SIGINT, signal.SIGTERM, signal.SIGKILL:
        path.unlink(missing_ok=True)
        process = subprocess.Popen(
            [traced, live],
            env={**os.environ, "GST_TRACERS": f'npu(file="{path}")'})
        while not path.exists() or path.stat().st_size < 4096:
            time.sleep(0.02)
            assert process.poll() is None
        process.send_signal(reason)
        assert process.wait() == -reason
        assert len(Trace(path).spans("npumel0: input")) > 0


def check_misfortunes(traced, folder):
    """One warning, and the pipeline goes on."""
    path = folder / "limited.json"
    cases = [
        f'npu(file="{folder}/missing/trace.json")',
        f'npu(file="{folder}")',
        f'npu(file="{path}",max-events=20)',
        f'npu(file="{path}",max-events=-1)',
        f'npu(file="{path}",max-events=many)',
        f'npu(file="{path}");npu(file="{path}")',
        "npu(file=)",
    ]
    if os.access("/dev/full", os.W_OK):
        cases.append("npu(file=/dev/full)")
    for tracers in cases:
        result, _ = run(traced, folder, chain(), tracers=tracers)
        assert result.stderr.count("WARNING **") == 1, (tracers, result.stderr)
        assert "CRITICAL" not in result.stderr, result.stderr
        if "max-events=20" in tracers:
            assert len(Trace(path).events) == 20


def check_latency_tracer(traced, folder):
    """The stock one at the same time."""
    path = folder / "both.json"
    log = folder / "log"
    run(traced, folder, chain(), tracers=f'latency;npu(file="{path}")',
        GST_DEBUG="GST_TRACER:7", GST_DEBUG_FILE=str(log))
    assert_flows(Trace(path))
    assert " latency, " in log.read_text(errors="replace")


def check_without_file(traced, folder):
    """A file is named or has a name of its own; describing a plugin, which
    makes a tracer too, makes none."""
    inspect = shutil.which("gst-inspect-1.0")
    if inspect is not None:
        subprocess.run([inspect, "npu"], cwd=folder, capture_output=True)
        assert not (folder / "npu-trace.json").exists()
    run(traced, folder, chain(), tracers="npu")
    assert_flows(Trace(folder / "npu-trace.json"))


def main():
    traced, = sys.argv[1:]
    traced = str(pathlib.Path(traced).absolute())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_contents(traced, folder)
        check_stalls(traced, folder)
        check_two_pipelines(traced, folder)
        check_names(traced, folder)
        check_ends(traced, folder)
        check_killed(traced, folder)
        check_misfortunes(traced, folder)
        check_latency_tracer(traced, folder)
        check_without_file(traced, folder)


if __name__ == "__main__":
    main()
