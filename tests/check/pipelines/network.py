#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Log-mel frames that go to another process: the commands of docs/embedding.md
give the states of one pipeline, to the byte, and either side survives the death
of the other.

Usage: network.py tcp|shm|unixfd|killed-receiver|killed-sender

Nothing here depends on time: what is waited for is waited for until the test's
own limit.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

SOURCE = pathlib.Path(os.environ["NPU_TEST_SOURCE"])
LAUNCH = ["gst-launch-1.0", "-v"]
PATIENCE = 250  # seconds; less than the test's limit
SKIPPED = 77

WINDOW_FRAMES = 100
FRAME_BYTES = 80 * 4
FRAME_NS = 10_000_000
# A window of a second, told of by an identity.
ENCODER = (
    f"npuwhisperenc model=synthetic:test audio-ctx={WINDOW_FRAMES // 2} ! "
    "identity name=told silent=false"
)
N_WINDOWS = 18  # of data/speech.ogg, 17.8 s
STATES_BYTES = WINDOW_FRAMES // 2 * 64 * 4


def find_python():
    """A python3 with PyGObject; the first one found may be another."""
    for python in ("python3", "/usr/bin/python3"):
        command = [python, "-c", "import gi; gi.require_version('Gst', '1.0')"]
        if not shutil.which(python):
            continue
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


class Launched:
    """A gst-launch-1.0, or the like, whose output is read as it comes."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self.changed = threading.Condition()
        self.ended = False
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, pattern):
        """The first match of @pattern in a line, or None if there is none until
        the end."""
        def found():
            matches = (re.search(pattern, line) for line in self.lines)
            return next(filter(None, matches), None) or self.ended

        with self.changed:
            match = self.changed.wait_for(found, PATIENCE)
        assert match, f"no {pattern} came:\n{self.text()}"
        return None if match is True else match

    def wait(self):
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.wait()

    def text(self):
        # Caps may hold whole headers of files.
        return "".join(line[:300].rstrip() + "\n" for line in self.lines)

    def windows(self):
        """Size, times, offsets and flags of each window."""
        told = re.compile(r"/GstIdentity:told: last-message = chain .*?\((\d+ bytes.*?)\) 0x")
        return [match[1] for match in map(told.search, self.lines) if match]


class Stage:
    """A folder, and processes that end with it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.launched = []

    def path(self, name):
        return self.folder / name

    def launch(self, pipeline):
        self.launched.append(Launched(LAUNCH + shlex.split(pipeline)))
        return self.launched[-1]

    def launch_at_zero(self, pipeline):
        """The same with a base time of 0."""
        script = pathlib.Path(__file__).with_name("launch-at-zero.py")
        self.launched.append(Launched([find_python(), script, pipeline]))
        return self.launched[-1]

    def end(self):
        for launched in self.launched:
            if launched.process.poll() is None:
                launched.kill()


def documented(element):
    """The pipeline with @element that the documentation tells users."""
    text = (SOURCE / "docs/embedding.md").read_text("utf-8")
    commands = re.findall(r"^    (?:gst-launch-1\.0 )?(.* ! .*)$", text, re.M)
    return next(c for c in commands if re.search(rf"\b{element}\b", c))


def fill_in(pipeline, **values):
    for name, value in values.items():
        name = name.replace("_", "-")
        pipeline, n = re.subn(rf"\b{name}=\S+", f'{name}="{value}"', pipeline)
        assert n == 1, f"{name} in {pipeline}"
    return pipeline.replace("npuwhisperenc", ENCODER)


def run_alone(stage, source='filesrc location="{}" ! decodebin'):
    """What one pipeline makes: its states and its windows."""
    out = stage.path("alone.f32")
    source = source.format(SOURCE / "data/speech.ogg")
    alone = stage.launch(f'{source} ! npumel ! {ENCODER} ! filesink location="{out}"')
    assert alone.wait() == 0, alone.text()
    return out.read_bytes(), alone.windows()


def check_all(stage, sender, receiver):
    """Both end well, and the receiver made what one pipeline makes."""
    assert sender.wait() == 0, sender.text()
    assert receiver.wait() == 0, receiver.text()
    states, windows = run_alone(stage)
    assert len(windows) == N_WINDOWS, windows
    assert receiver.windows() == windows, f"{receiver.windows()}\n{windows}"
    assert stage.path("states.f32").read_bytes() == states, "other states"


def port_of(receiver):
    match = receiver.wait_for(r"current-port = ([1-9]\d*)")
    assert match, f"the receiver does not listen:\n{receiver.text()}"
    return match[1]


def check_tcp(stage):
    receiver = stage.launch(
        fill_in(documented("tcpserversrc"), host="127.0.0.1", port=0,
                location=stage.path("states.f32"))
    )
    sender = stage.launch(
        fill_in(documented("tcpclientsink"), host="127.0.0.1", port=port_of(receiver),
                location=SOURCE / "data/speech.ogg")
    )
    check_all(stage, sender, receiver)


def open_socket(stage, launch, sink, source):
    """The sender makes the socket, and waits for whoever opens it."""
    path = stage.path("socket")
    sender = launch(
        fill_in(documented(sink), socket_path=path, location=SOURCE / "data/speech.ogg")
    )
    while not path.exists():
        assert sender.process.poll() is None, sender.text()
        threading.Event().wait(0.02)
    receiver = launch(
        fill_in(documented(source), socket_path=path, location=stage.path("states.f32"))
    )
    return sender, receiver


def check_shm(stage):
    """It does not tell of the end: that is an error for the receiver, which may
    lose the last window by it."""
    sender, receiver = open_socket(stage, stage.launch, "shmsink", "shmsrc")
    sender.wait()
    receiver.wait()
    # Not its exit status: shmsink 1.22 complains of being stopped.
    assert 'Got EOS from element "pipeline0"' in sender.text(), sender.text()
    assert "Control socket has closed" in receiver.text(), receiver.text()
    states, _ = run_alone(stage)
    received = stage.path("states.f32").read_bytes()
    assert len(received) // STATES_BYTES >= N_WINDOWS - 1, len(received)
    assert received == states[: len(received)], "other states"


def check_unixfd(stage):
    sender, receiver = open_socket(stage, stage.launch_at_zero, "unixfdsink", "unixfdsrc")
    check_all(stage, sender, receiver)


def endless_pair(stage):
    """A receiver that keeps the frames too, and a sender that never ends."""
    receiver = stage.launch(
        "tcpserversrc host=127.0.0.1 port=0 ! gdpdepay ! tee name=frames  "
        f"frames. ! queue ! filesink buffer-mode=unbuffered location={stage.path('mel.f32')}  "
        f"frames. ! queue ! {ENCODER} ! filesink location={stage.path('states.f32')}"
    )
    sender = stage.launch(
        "audiotestsrc wave=ticks tick-interval=730000000 ! npumel ! gdppay ! "
        f"tcpclientsink host=127.0.0.1 port={port_of(receiver)} sync=false"
    )
    assert receiver.wait_for("told: last-message = chain"), receiver.text()
    return sender, receiver


def check_killed_receiver(stage):
    sender, receiver = endless_pair(stage)
    receiver.kill()
    assert sender.wait() != 0, sender.text()
    assert "ERROR" in sender.text(), sender.text()


def check_killed_sender(stage):
    sender, receiver = endless_pair(stage)
    sender.kill()
    assert receiver.wait() == 0, receiver.text()

    frames = stage.path("mel.f32").stat().st_size // FRAME_BYTES
    full, rest = divmod(frames, WINDOW_FRAMES)
    states = stage.path("states.f32").read_bytes()
    assert full >= 1
    assert len(states) == (full + (rest > 0)) * STATES_BYTES, (frames, len(states))
    last = receiver.windows()[-1]
    duration = (rest or WINDOW_FRAMES) * FRAME_NS
    seconds, ns = divmod(duration, 1_000_000_000)
    assert f"duration: 0:00:{seconds:02}.{ns:09}," in last, (frames, last)

    # 44.1 kHz, 1024 samples in a buffer: enough for all full windows and more.
    buffers = (full + 2) * 44100 // 1024
    alone, _ = run_alone(
        stage, f"audiotestsrc wave=ticks tick-interval=730000000 num-buffers={buffers}"
    )
    assert states[: full * STATES_BYTES] == alone[: full * STATES_BYTES], "other states"


CHECKS = {
    "tcp": (check_tcp, "gdppay gdpdepay tcpserversrc tcpclientsink"),
    "shm": (check_shm, "gdppay gdpdepay shmsink shmsrc"),
    # Version 1.26: unixfdsink can wait for the receiver.
    "unixfd": (check_unixfd, "unixfdsink unixfdsrc", "1.26"),
    "killed-receiver": (check_killed_receiver, "gdppay gdpdepay tcpserversrc tcpclientsink"),
    "killed-sender": (check_killed_sender, "gdppay gdpdepay tcpserversrc tcpclientsink"),
}


def main():
    check, elements, *version = CHECKS[sys.argv[1]]
    for element in elements.split():
        exists = ["gst-inspect-1.0", "--exists", element]
        if version:
            exists.append(f"--atleast-version={version[0]}")
        if subprocess.run(exists).returncode != 0:
            print("skipped: there is no", element, *version)
            return SKIPPED
    if check is check_unixfd and not find_python():
        print("skipped: there is no python3 with PyGObject")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="npu-network") as folder:
        stage = Stage(folder)
        try:
            check(stage)
        finally:
            stage.end()
    print(f"{sys.argv[1]}: fine")
    return 0


sys.exit(main())
