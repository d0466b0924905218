#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-npu-bench: its JSON, its exit status, its messages.

Usage: bench.py GST-NPU-BENCH
"""

import json
import subprocess
import sys

# Relative RMS error of each precision at most.
GATES = {"f32": 1e-4, "bf16": 0.015, "int8": 0.064}

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
]


def run(bench, *options):
    return subprocess.run([bench, *options], capture_output=True, text=True)


def check_json(bench):
    result = run(bench, *MODEL, "--json", "--runs", "1", "--threads", "2")
    assert result.returncode == 0, result
    rows = json.loads(result.stdout)["results"]
    assert {"mel", "encoder"} <= {row["stage"] for row in rows}, rows
    assert set(GATES) == {row["precision"] for row in rows}, rows
    for row in rows:
        assert row["passed"] is True, row
        assert row["model"] == "synthetic-test", row
        assert 0 < row["min_ms"] <= row["median_ms"] <= row["max_ms"], row
        if row["stage"] == "mel":
            assert 0 <= row["max_abs"] <= 1e-4, row
        elif row["stage"] == "encoder":
            assert row["rel_rms"] <= GATES[row["precision"]], row
            assert row["threads"] == 2 and row["gflops"] > 0, row
            assert row["isa"] == "c" or row["fraction_of_peak"] > 0, row


def check_table(bench):
    result = run(bench, *MODEL, "--runs", "1", "--threads", "1", "--isa", "c")
    assert result.returncode == 0, result
    assert "encoder" in result.stdout and "FAILED" not in result.stdout, result


def check_bad_options(bench):
    for options in BAD:
        result = run(bench, *options)
        assert result.returncode == 2, (options, result)
        assert result.stderr.startswith("gst-npu-bench: "), (options, result)
        assert result.stdout == "", (options, result)


def main():
    bench = sys.argv[1]
    check_json(bench)
    check_table(bench)
    check_bad_options(bench)
    return 0


sys.exit(main())
