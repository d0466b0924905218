#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-npu-report: its numbers are those of the trace, its page shows them, and
what goes wrong leaves a message and no file.

Usage: report.py GST-NPU-REPORT TRACED
  TRACED  the program of pipelines/traced.c
"""

import collections
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from reportpage import Page, check_page, run, write_speech

PIPELINE = ("audiotestsrc num-buffers=45 samplesperbuffer=1600 ! "
            "audio/x-raw, rate=16000, channels=1 ! npumel ! npuwhisperenc "
            "model=synthetic:test audio-ctx=50 ! fakesink")
PARTS = ["wait_ms", "queue_ms", "upload_ms", "run_ms", "download_ms"]
PERCENTILES = {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=2e-6)


def durations_of(trace):
    """(element, stage) → sorted milliseconds."""
    events = json.loads(trace.read_text())
    names = {e["tid"]: tuple(e["args"]["name"].rsplit(": ", 1)) for e in events
             if e["ph"] == "M" and e["name"] == "thread_name"}
    durations = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            durations[names[event["tid"]]].append(event["dur"] / 1e3)
    return {name: sorted(values) for name, values in durations.items()}


def check_stages(report, durations):
    assert len(report["stages"]) == 11
    for stage in report["stages"]:
        values = durations[stage["element"], stage["stage"]]
        assert stage["count"] == len(values)
        assert near(stage["total_ms"], sum(values))
        assert near(stage["mean_ms"], sum(values) / len(values))
        assert near(stage["min_ms"], values[0])
        assert near(stage["max_ms"], values[-1])
        for name, percent in PERCENTILES.items():
            rank = math.ceil(len(values) * percent / 100)
            assert near(stage[name], values[rank - 1]), (name, stage)
        if stage["max_ms"] > 0:
            counts = [bucket["count"] for bucket in stage["histogram"]]
            assert sum(counts) == len(values) and counts[0] and counts[-1]


def check_windows(report):
    windows = report["windows"]
    assert [w["window"] for w in windows] == list(range(5))
    for window in windows:
        assert abs(sum(window[part] for part in PARTS)
                   - window["total_ms"]) < 1e-5, window
    totals = sorted(w["total_ms"] for w in windows)
    computed = sorted(w["total_ms"] - w["wait_ms"] for w in windows)
    latency = report["latency"]
    assert near(latency["accumulated"]["p50_ms"], totals[2])
    assert near(latency["measured"]["p50_ms"], computed[2])
    reported = {one["element"]: one["min_ms"] for one in latency["reported"]}
    assert reported["npuwhisperenc0"] >= 1000 + reported["npumel0"]
    realtime = report["realtime"]
    assert near(realtime["audio_s"], 4.5)
    assert abs(realtime["pipeline"] - 4.5 / realtime["wall_s"]) \
        < 1e-3 * realtime["pipeline"]


def check_operations(report):
    operations = report["operations"]
    assert len(operations) == 7
    assert abs(sum(o["share"] for o in operations) - 1) < 1e-4
    for operation in operations:
        if operation["name"] != "final-norm":
            assert operation["gflops"] > 0
            assert operation["fraction_of_peak"] > 0


def check_trace(tool, traced, folder):
    trace, html = folder / "trace.json", folder / "trace.html"
    subprocess.run(
        [traced, PIPELINE], check=True,
        env={**os.environ, "GST_TRACERS": f'npu(file="{trace}")'})
    result = run(tool, trace, "--json", "-o", html)
    assert result.returncode == 0 and not result.stderr, result
    report = json.loads(result.stdout)
    assert report["source"]["kind"] == "trace"
    assert report["encoder"]["model"] == "synthetic-test"
    check_stages(report, durations_of(trace))
    check_windows(report)
    check_operations(report)
    check_page(Page(html.read_text()), report)

    # The same events in an object, with others among them, of another machine.
    events = json.loads(trace.read_text())
    for event in events:
        event.get("args", {}).pop("processor", None)
    other = folder / "other.json"
    other.write_text(json.dumps({"traceEvents": [
        {"ph": "X", "pid": 1, "tid": 1, "ts": 0, "dur": 5, "name": "x"},
        {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1,
         "args": {"name": "somebody else's"}}, *events, 3, None, {}]}))
    again = json.loads(run(tool, other, "--json").stdout)
    assert again["stages"] == report["stages"]
    assert again["windows"] == report["windows"]
    assert not any("fraction_of_peak" in o for o in again["operations"])


def check_file(tool, folder):
    wav, html = folder / "<sound> & 'co'.wav", folder / "file.html"
    write_speech(wav, 1.5)
    result = run(tool, wav, "--json", f"--output={html}", LC_ALL="de_DE.UTF-8")
    assert result.returncode == 0, result
    report = json.loads(result.stdout)
    assert report["source"]["kind"] == "file"
    assert report["mel"]["frames"] == 150 and report["mel"]["bands"] == 80
    page = Page(html.read_text())
    check_page(page, report)
    assert any(link.startswith("data:image/png;base64,iVBOR")
               for link in page.links)
    assert str(wav) in page.texts

    summary = run(tool, wav)
    assert summary.returncode == 0 and "real time" in summary.stdout, summary
    # Milliseconds of work; a machine that is slow to start makes up for it.
    write_speech(wav, 3)
    report = json.loads(run(tool, "--live", "--json", wav).stdout)
    assert report["realtime"]["wall_s"] >= 0.5, report["realtime"]


def check_pipelines(tool, folder):
    """Without an encoder; and one that ends when told to."""
    result = run(tool, "--json", *PIPELINE.split(" ! npuwhisperenc")[0].split(),
                 "!", "fakesink")
    report = json.loads(result.stdout)
    assert report["source"]["kind"] == "pipeline"
    assert not report["windows"] and len(report["stages"]) == 4

    live = PIPELINE.replace("num-buffers=45", "is-live=true")
    html = folder / "live.html"
    process = subprocess.Popen([tool, live, "-o", str(html)],
                               stdout=subprocess.PIPE, text=True)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0 and "npuwhisperenc0" in output, output
    page = Page(html.read_text())
    check_page(page, page.json)
    assert page.json["latency"]["reported"][0]["live"] is True


def check_misuse(tool, folder):
    bad, page = folder / "bad.json", folder / "bad.html"
    contents = ["", "[", "{}", "[]", '[{"ph":"X"}]', "[[[", "\0\1\2",
                '{"traceEvents":{}}', '[{"ph":"M","name":"thread_name"}]']
    for text in contents:
        bad.write_text(text)
        result = run(tool, bad, "-o", page)
        assert result.returncode == 1 and str(bad) in result.stderr, result
    for arguments in [
            ["/no/such/file.wav"], [folder], ["fakesrc ! fakesink"],
            ["fakesrc ! nonsense"], ["--live", bad],
            [PIPELINE.replace("fakesink", "fakesink state-error=ready-to-paused")],
            [PIPELINE.replace("synthetic:test", "/no/such/model")],
            [PIPELINE.replace("audiotestsrc", "fakesrc")]]:
        result = run(tool, *arguments, "-o", page)
        assert result.returncode == 1, (arguments, result)
        assert result.stderr.startswith("gst-npu-report: "), result
        assert not result.stdout, result
    for arguments in [], ["--nonsense"]:
        assert run(tool, *arguments).returncode == 2
    for output in folder, folder / "missing" / "page.html":
        result = run(tool, PIPELINE, "-o", output)
        assert result.returncode == 1 and str(output) in result.stderr, result
    assert not page.exists()


def main():
    tool, traced = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ["TMPDIR"] = str(folder / "tmp")
        (folder / "tmp").mkdir()
        check_trace(tool, traced, folder)
        check_file(tool, folder)
        check_pipelines(tool, folder)
        check_misuse(tool, folder)
        assert not list((folder / "tmp").iterdir())


if __name__ == "__main__":
    main()
