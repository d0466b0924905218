#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What gst-inspect-1.0 says of the plugin's elements, as docs/inspect.txt.

Usage: inspect.py [--update] FILE

Compares FILE with what it should be, or writes it.  What differs from machine
to machine, or says nothing of this plugin, is left out.  What is left differs
between series of GStreamer: the comparison is skipped where FILE is of another
one.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys

SKIPPED = 77
INHERITED = {"name", "parent", "qos"}
MACHINE = re.compile(r"  (Filename|Version|Source release date|Documentation) ")
PROPERTY = re.compile(r"  (\S+) +: ")


def inspect(*arguments):
    env = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="C")
    return subprocess.run(
        ["gst-inspect-1.0", "--no-colors", *arguments],
        check=True, capture_output=True, text=True, env=env,
    ).stdout


def series():
    """1.22.5 → 1.22"""
    return re.search(r"version (\d+\.\d+)", inspect("--version")).group(1)


def elements():
    return re.findall(r"^  (\w+): ", inspect("--plugin", "npu"), flags=re.M)


def describe(element):
    """Its page without what is not ours."""
    kept, skipping = [], False
    for line in inspect(element).splitlines():
        match = PROPERTY.match(line)
        if match or not line.startswith("  "):
            skipping = bool(match) and match.group(1) in INHERITED
        if not skipping and not MACHINE.match(line):
            kept.append(line.rstrip())
    return "\n".join(kept).strip()


def document():
    title = (
        f"gst-inspect-1.0 of GStreamer {series()}, as\n"
        "`meson compile -C build update-inspect` writes it."
    )
    return "\n\n\n".join([title] + [describe(e) for e in elements()]) + "\n"


def main():
    update = sys.argv[1:2] == ["--update"]
    path = pathlib.Path(sys.argv[-1])
    if update:
        path.write_text(document(), "utf-8")
        return 0
    found = path.read_text("utf-8")
    if f"GStreamer {series()}," not in found.splitlines()[0]:
        print(f"skipped: {path.name} is not of GStreamer {series()}")
        return SKIPPED
    diff = list(difflib.unified_diff(
        found.splitlines(), document().splitlines(),
        path.name, "gst-inspect-1.0", lineterm=""))
    if diff:
        print("\n".join(diff))
        print("Not current: run  meson compile -C build update-inspect")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
