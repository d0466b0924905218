#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server on 127.0.0.1 that hands out a file like Hugging Face does, or badly.

Usage: model-server.py FILE LOG

Prints its port, then one line per request to LOG: method, path and Range.
The first part of a request's path chooses how the server behaves:

  hub        like Hugging Face: SHA-256 and size in X-Linked-*, then a
             redirection to a server that has ranges and refuses HEAD
  plain      a mirror that states the SHA-256 as ETag
  no-ranges  the same without ranges
  no-hash    the same without an ETag
  cut        breaks off after half of what was asked for
  corrupt    the right size, the wrong bytes
  stall      falls silent after half of what was asked for
  silent     accepts the connection and never answers
  missing    404
"""

import hashlib
import http.server
import re
import sys
import threading

MODEL_PATH = "openai/whisper-tiny/resolve/main/model.safetensors"

with open(sys.argv[1], "rb") as model:
    CONTENT = model.read()
HASH = hashlib.sha256(CONTENT).hexdigest()
LOG = open(sys.argv[2], "a", encoding="utf-8", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, with_body):
        LOG.write(f"{self.command} {self.path} {self.headers.get('Range', '-')}\n")
        mode, _, path = self.path[1:].partition("/")
        if mode == "silent":
            threading.Event().wait()
        if mode == "storage":
            if with_body:
                self.send_content("plain", with_body)
            else:
                self.send_error(403)
        elif mode == "missing" or path != MODEL_PATH:
            self.send_error(404)
        elif mode == "hub":
            self.send_response(302)
            self.send_header("X-Linked-Size", str(len(CONTENT)))
            self.send_header("X-Linked-Etag", f'"{HASH}"')
            self.send_header("ETag", '"not the hash"')
            self.send_header("Location", "/storage/" + path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_content(mode, with_body)

    def send_content(self, mode, with_body):
        content = CONTENT[::-1] if mode == "corrupt" else CONTENT
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and mode != "no-ranges":
            first = int(asked.group(1))
            if first >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            content = content[first:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        if mode != "no-hash":
            self.send_header("ETag", f'"{HASH}"')
        self.end_headers()
        if not with_body:
            return
        if mode in ("cut", "stall"):
            content = content[: len(content) // 2]
        try:
            self.wfile.write(content)
            self.wfile.flush()
        except ConnectionError:
            return
        if mode == "stall":
            threading.Event().wait()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
