# SPDX-License-Identifier: LGPL-2.1-or-later
"""What report.py and reportbrowser.py know of gst-npu-report and its pages."""

import array
import html.parser
import json
import math
import os
import subprocess
import wave

VOID = {"meta", "link", "img", "br"}
RATE = 16000


class Page(html.parser.HTMLParser):
    """Fails for what is not well nested; gathers what is to be checked."""

    def __init__(self, text):
        super().__init__()
        self.open, self.data, self.links, self.scripts = [], [], [], []
        self.texts = []
        self.feed(text)
        self.close()
        assert not self.open, self.open
        self.json = json.loads(self.scripts[0])

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in "href", "src":
            if name in attributes:
                self.links.append(attributes[name])
        if tag == "data":
            self.data.append([attributes["data-path"], attributes["value"], ""])
        if tag == "script":
            assert attributes["type"] == "application/json", attributes
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "data":
            self.data[-1][2] += data
        elif self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.texts.append(data)


def resolve(report, path):
    for name in path.split("."):
        report = report[int(name)] if isinstance(report, list) else report[name]
    return report


def check_page(page, report):
    """The page carries @report, and shows its numbers."""
    assert page.json == report
    assert len(page.scripts) == 1
    assert page.links and all(link.startswith("data:") for link in page.links)
    assert len(page.data) > 50
    for path, value, text in page.data:
        number = resolve(report, path)
        assert float(value) == number, (path, value, number)
        decimals = len(text.partition(".")[2])
        assert abs(float(text) - number) <= 0.5001 * 10 ** -decimals, (path, text)
        # Three digits at least.
        assert abs(float(text) - number) <= 0.006 * abs(number), (path, text)


def write_speech(path, seconds):
    """Something with syllables."""
    samples = array.array("h", (
        round(9000 * max(0, math.sin(2 * math.pi * 2 * i / RATE))
              * sum(math.sin(2 * math.pi * 150 * k * i / RATE) / k
                    for k in range(1, 8)))
        for i in range(int(seconds * RATE))))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def run(tool, *arguments, **environment):
    return subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True,
        env={**os.environ, "NPU_WHISPER_MODEL": "synthetic:test", **environment})
