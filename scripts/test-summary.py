#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what `meson test` did, from its own log.

Usage: test-summary.py BUILD-DIR...

Prints why tests were skipped, and ends with "N passed, N failed, N skipped".
A test that is in a build but not in its log has failed.  Exit status 1 if
one failed, or none passed in one of the builds.
"""

import json
import pathlib
import sys

PASSED = {"OK", "EXPECTEDFAIL"}


def skip_reason(text):
    lines = text.strip().splitlines()
    reason = lines[-1].strip() if lines else "it gave no reason"
    return reason.removeprefix("skipped: ")


def count(build_dir):
    """(passed, failed, skipped) of one build folder."""
    known = json.loads((build_dir / "meson-info/intro-tests.json").read_text("utf-8"))
    # Meson puts a wrapper's name into that of the log.
    logs = (build_dir / "meson-logs").glob("testlog*.json")
    lines = [line for log in logs for line in log.read_text("utf-8").splitlines()]
    results = [json.loads(line) for line in lines if line]

    passed = sum(test["result"] in PASSED for test in results)
    skipped = [test for test in results if test["result"] == "SKIP"]
    for test in skipped:
        reason = skip_reason(test.get("stderr") or test.get("stdout") or "")
        print(f"skipped: {test['name']}: {reason}")
    failed = max(len(known), len(results)) - passed - len(skipped)
    return passed, failed, len(skipped)


def main():
    counts = [count(pathlib.Path(name)) for name in sys.argv[1:]]
    passed, failed, skipped = map(sum, zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not all(passed for passed, _, _ in counts) else 0


sys.exit(main())
