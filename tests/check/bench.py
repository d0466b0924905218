#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-npu-bench: its rows, its exit status, its messages; and of what it
measures, what does not depend on the machine's speed.

Usage: bench.py GST-NPU-BENCH [sanitized]
"""

import array
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

# Relative RMS error of each precision at most.
GATES = {"f32": 1e-4, "bf16": 0.015, "int8": 0.064}

OPERATIONS = {
    "conv-stem", "ln-qkv", "attention", "out-residual", "ln-fc1-gelu",
    "fc2-residual", "final-norm",
}
WHOLE = {"start-up", "memory", "pipeline", "pipelines=8"}

MODEL = ["--model", "synthetic:test"]
BAD = [
    ["--nonsense"],
    ["left over"],
    ["--model", "synthetic:huge"],
    ["--model", "/no/such/file.safetensors"],
    [*MODEL, "--precision", "int3"],
    [*MODEL, "--isa", "mmx"],
    [*MODEL, "--threads", "-1"],
    [*MODEL, "--threads", "100000"],
    [*MODEL, "--runs", "0"],
    [*MODEL, "--runs", "many"],
    [*MODEL, "--audio-ctx", "-1"],
    [*MODEL, "--audio-ctx", "1501"],
    [*MODEL, "--plot", "picture.gif"],
    [*MODEL, "--plot", "/no/such/folder/picture.svg"],
]


def run(bench, *options, **environment):
    return subprocess.run(
        [bench, *options], capture_output=True, text=True,
        env={**os.environ, **environment},
    )


def rows_of(result):
    return json.loads(result.stdout)["results"]


def check_numbers(row):
    if row["stage"] == "pipeline" and "skipped" in row:
        return  # windows of the test's model are near the noise of a busy machine
    assert row["passed"] is True, row
    assert row["model"] == "synthetic-test", row
    if row["stage"] != "memory":
        assert 0 < row["min_ms"] <= row["median_ms"] <= row["max_ms"], row
    if row["stage"] == "mel":
        assert 0 <= row["max_abs"] <= 1e-4, row
    elif row["stage"] == "encoder":
        assert row["rel_rms"] <= GATES[row["precision"]], row
        assert row["gflops"] > 0 and row["cpu_ms"] > 0, row
        assert row["isa"] == "c" or row["fraction_of_peak"] > 0, row
    elif row["stage"] == "pipelines=8":
        assert row["weight_copies"] == 1, row
        assert row["throughput_of_one"] > 0, row
        assert row["slowest_by_fastest"] >= 1, row


def check_memory(row):
    """A longer stream may need another output buffer, but not one for each
    window."""
    assert row["peak_mb"] <= row["one_window_peak_mb"] + 4, row


def check_json(bench, sanitized):
    """Short windows: whole ones take the plain C kernels too long.  Returns the
    best instruction set."""
    result = run(bench, *MODEL, "--json", "--runs", "1", "--audio-ctx", "100")
    assert result.returncode == 0, result
    whole = json.loads(result.stdout)
    rows = whole["results"]
    threads = {1, whole["machine"]["threads"]}
    for precision in GATES:
        some = [row for row in rows if row["precision"] == precision]
        stages = {row["stage"] for row in some}
        assert stages >= {"encoder", "pack", *OPERATIONS, *WHOLE}, stages
        assert threads == {row["threads"] for row in some}, some
    for row in rows:
        assert row["audio_ctx"] == 100, row
        check_numbers(row)
        if row["stage"] == "memory" and not sanitized:
            check_memory(row)
    return rows[-1]["isa"]


def check_table(bench):
    result = run(
        bench, *MODEL, "--runs", "1", "--threads", "1", "--isa", "c",
        "--audio-ctx", "100", "--no-pipelines",
    )
    assert result.returncode == 0, result
    assert "encoder" in result.stdout and "FAILED" not in result.stdout, result
    assert "pipeline" not in result.stdout, result


def check_plot(bench):
    """A bar for each operation and one for log-mel, with the table's times."""
    options = [*MODEL, "--runs", "1", "--threads", "1", "--isa", "c",
               "--precision", "f32", "--audio-ctx", "10", "--no-pipelines"]
    with tempfile.TemporaryDirectory() as folder:
        svg, png = folder + "/plot.svg", folder + "/plot.png"
        result = run(bench, *options, "--json", "--plot", svg)
        assert result.returncode == 0, result
        titles = [title.text for title in xml.etree.ElementTree.parse(svg).iter(
            "{http://www.w3.org/2000/svg}title")][1:]
        times = {row["stage"]: row["median_ms"] for row in rows_of(result)}
        assert len(titles) == len(OPERATIONS) + 1, titles
        for title in titles:
            name, ms, _ = title.split()
            assert abs(float(ms) - times[name]) <= 0.051, (title, times)

        result = run(bench, *options, "--plot", png)
        if result.returncode == 0:
            assert pathlib.Path(png).read_bytes()[:4] == b"\x89PNG"
        else:
            assert "write a .svg" in result.stderr, result


def check_missing_elements(bench):
    """Without GStreamer's own plugins there is no pipeline to measure."""
    with tempfile.TemporaryDirectory() as folder:
        options = [*MODEL, "--runs", "1", "--threads", "1", "--isa", "c",
                   "--precision", "f32", "--audio-ctx", "10"]
        environment = {
            "GST_PLUGIN_SYSTEM_PATH_1_0": folder,
            "GST_REGISTRY": folder + "/registry",
        }
        result = run(bench, *options, "--json", **environment)
        assert result.returncode == 0, result
        skipped = [row for row in rows_of(result) if "skipped" in row]
        assert {row["stage"] for row in skipped} == WHOLE, skipped
        for row in skipped:
            assert "filesrc" in row["skipped"], row
            assert "passed" not in row and "median_ms" not in row, row
        result = run(bench, *options, **environment)
        assert result.returncode == 0, result
        assert "skipped: " in result.stdout, result


def check_failed_rows(bench, isa, data):
    """States that differ from the reference by a tenth are no int8 any more."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "golden").mkdir()
        (folder / "whisper-base").symlink_to(data / "whisper-base")
        for path in (data / "golden").iterdir():
            if path.name != "jfk.encoder-base.f32":
                (folder / "golden" / path.name).symlink_to(path)
        states = array.array("f")
        states.frombytes((data / "golden/jfk.encoder-base.f32").read_bytes())
        wrong = array.array("f", [x * 1.1 for x in states])
        (folder / "golden/jfk.encoder-base.f32").write_bytes(wrong.tobytes())
        result = run(
            bench, "--json", "--runs", "1", "--threads", "2", "--precision",
            "int8", "--isa", isa, NPU_TEST_DATA=name,
        )
    assert result.returncode == 1, result
    for row in rows_of(result):
        assert row["passed"] is (row["stage"] == "mel"), row
        assert ("median_ms" in row) is row["passed"], row
        assert "gflops" not in row and "peak_mb" not in row, row


def check_bad_options(bench):
    for options in BAD:
        result = run(bench, *options)
        assert result.returncode == 2, (options, result)
        assert result.stderr.startswith("gst-npu-bench: "), (options, result)
        assert result.stdout == "", (options, result)


def main():
    bench = sys.argv[1]
    data = os.environ.get("NPU_TEST_DATA")
    isa = check_json(bench, sys.argv[2:] == ["sanitized"])
    check_table(bench)
    check_plot(bench)
    check_missing_elements(bench)
    check_bad_options(bench)
    if data is None:
        print("skipped: rows that fail, as NPU_TEST_DATA is not set")
    else:
        check_failed_rows(bench, isa, pathlib.Path(data))
    return 0


sys.exit(main())
