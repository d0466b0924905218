#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-npu-report's page in a real browser: it renders, says nothing on the
console, shows the JSON's numbers, and fits on a phone.

Skipped where no Chromium is installed (scripts/deps.sh does not install one).
Usage: reportbrowser.py GST-NPU-REPORT [FOLDER]
  FOLDER  keeps the page and the screenshots, to be looked at
"""

import contextlib
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

from reportpage import Page, check_page, run, write_speech

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]
# It must reach nothing but the page, and leave nothing behind.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--disable-extensions", "--enable-logging=stderr", "--v=0"]
DARK = ["--blink-settings=preferredColorScheme=0"]
LIGHT = ["--blink-settings=preferredColorScheme=1"]
# Written into a copy of the page: how wide it is to a browser.
MEASURE = ("<script>document.title=document.documentElement.scrollWidth+'/'"
           "+document.documentElement.clientWidth</script>")


def browse(browser, page, width, *options):
    with tempfile.TemporaryDirectory() as profile:
        result = subprocess.run(
            [browser, *FLAGS, f"--user-data-dir={profile}",
             f"--window-size={width},1000", *options, page.as_uri()],
            capture_output=True, text=True, check=True)
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    assert not console, console
    return result.stdout


def read_png(path):
    """Its rows, as bytes of pixels; 8 bits per channel, not interlaced."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(
                ">IIBBBBB", body)
            assert (depth, interlace) == (8, 0) and colour in (2, 6)
        elif kind == b"IDAT":
            parts += body
        at += 12 + size
    n = 4 if colour == 6 else 3
    raw, stride, rows = zlib.decompress(parts), width * n, []
    before = bytes(stride)
    for y in range(height):
        start = y * (stride + 1)
        before = unfilter(raw[start], bytearray(raw[start + 1:start + 1 + stride]),
                          before, n)
        rows.append([before[x:x + 3] for x in range(0, stride, n)])
    return rows


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def unfilter(kind, row, before, n):
    for x, value in enumerate(row):
        left = row[x - n] if x >= n else 0
        corner = before[x - n] if x >= n else 0
        row[x] = (value + (0, left, before[x], (left + before[x]) // 2,
                           paeth(left, before[x], corner))[kind]) & 255
    return bytes(row)


def check_screenshot(path, dark):
    rows = read_png(path)
    colours = {pixel for row in rows for pixel in row}
    background = rows[1][1]
    filled = sum(pixel != background for row in rows for pixel in row)
    assert len(colours) > 100, len(colours)
    assert filled > len(rows) * len(rows[0]) / 20
    assert (sum(background) < 3 * 64) == dark, background
    # In every tenth of the page there is something.
    for part in range(10):
        tenth = rows[part * len(rows) // 10:(part + 1) * len(rows) // 10]
        assert any(pixel != background for row in tenth for pixel in row), part


def check(tool, browser, folder):
    wav, html = folder / "speech.wav", folder / "report.html"
    write_speech(wav, 3)
    result = run(tool, wav, "-o", html)
    assert result.returncode == 0, result

    dom = Page(browse(browser, html, 1000, "--dump-dom"))
    check_page(dom, Page(html.read_text()).json)
    for name, width, options in [("light", 800, LIGHT), ("dark", 800, DARK),
                                 ("phone", 500, LIGHT)]:
        path = folder / f"{name}.png"
        browse(browser, html, width, f"--screenshot={path}", *options)
        check_screenshot(path, name == "dark")

    measured = folder / "measured.html"
    measured.write_text(html.read_text() + MEASURE)
    for width in 360, 1000:
        title = browse(browser, measured, width, "--dump-dom").partition(
            "<title>")[2].partition("</title>")[0]
        scroll, client = map(int, title.split("/"))
        assert scroll <= client, (width, title)


def main():
    tool, *keep = sys.argv[1:]
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"skipped: none of {', '.join(BROWSERS)} is installed")
        sys.exit(77)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(
            keep[0] if keep else stack.enter_context(
                tempfile.TemporaryDirectory()))
        check(tool, browser, folder.absolute())


if __name__ == "__main__":
    main()
