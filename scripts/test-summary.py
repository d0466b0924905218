#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what `meson test` did, from its own log.

Usage: test-summary.py BUILD-DIR

Prints why tests were skipped, and ends with "N passed, N failed, N skipped".
A test that is in the build but not in the log has failed.  Exit status 1 if
one failed or none passed.
"""

import json
import pathlib
import sys

PASSED = {"OK", "EXPECTEDFAIL"}


def skip_reason(text):
    lines = text.strip().splitlines()
    reason = lines[-1].strip() if lines else "it gave no reason"
    return reason.removeprefix("skipped: ")


def main():
    build_dir = pathlib.Path(sys.argv[1])
    known = json.loads((build_dir / "meson-info/intro-tests.json").read_text("utf-8"))
    log = build_dir / "meson-logs/testlog.json"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    results = [json.loads(line) for line in lines if line]

    passed = sum(test["result"] in PASSED for test in results)
    skipped = [test for test in results if test["result"] == "SKIP"]
    failed = max(len(known), len(results)) - passed - len(skipped)

    for test in skipped:
        reason = skip_reason(test.get("stderr") or test.get("stdout") or "")
        print(f"skipped: {test['name']}: {reason}")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
