#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the library and the plugin export and link to.

Usage: exports.py [--bridge MODULE] LIBRARY PLUGIN MAP HEADER...

The library's public symbols are those that the installed headers declare; its
private ones those that the map lists; of the kernels nothing gets out.  The
plugin exports what GStreamer looks up, and both link to nothing that a bare
GStreamer lacks, save json-glib: neither to XRT nor to a C++ library.  Only the
bridge to XRT does, which exports its table and nothing of C++.
"""

import argparse
import pathlib
import re
import subprocess
import sys

PUBLIC, PRIVATE = "GSTNPU_1.0", "GSTNPU_PRIVATE"
PLUGIN_EXPORTS = {"gst_plugin_npu_get_desc", "gst_plugin_npu_register"}
NEEDED = re.compile(
    r"lib(gstnpu-1\.0|gst(reamer|base|audio|analytics)-1\.0|json-glib-1\.0"
    r"|g(lib|object|io|module)-2\.0|c|m|pthread)\.so\.\d+"
    r"|ld-linux.*\.so\.\d+"
)
BRIDGE_EXPORTS = {"npu_xrt_get_api"}
BRIDGE_NEEDED = re.compile(
    r"lib(xrt_coreutil|stdc\+\+|gcc_s|c|m)\.so\.\d+|ld-linux.*\.so\.\d+"
)


def run(*command):
    return subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout


def exported(path):
    """name → version, as the dynamic linker sees them."""
    lines = run("nm", "-D", "--defined-only", "--with-symbol-versions", path)
    symbols = {}
    for line in lines.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":  # the versions themselves
            name, _, version = name.partition("@")
            symbols[name] = version.lstrip("@")
    return symbols


def declared(headers):
    """Functions that the installed headers declare."""
    names = set()
    for header in headers:
        text = pathlib.Path(header).read_text("utf-8")
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        text = re.sub(r"\\\n", " ", text)
        names |= set(
            re.findall(r"G_DECLARE_\w+\s*\(\s*\w+\s*,\s*(\w+)", text)
            and [f"{name}_get_type" for name in
                 re.findall(r"G_DECLARE_\w+\s*\(\s*\w+\s*,\s*(\w+)", text)]
        )
        text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
        names |= set(re.findall(r"\b(gst_\w+)\s*\([^;{}]*\)[^;{}()]*;", text))
    return names


def listed(map_file, version):
    """The patterns under a version of the linker's map."""
    text = re.sub(r"/\*.*?\*/", "", pathlib.Path(map_file).read_text("utf-8"),
                  flags=re.S)
    block = re.search(re.escape(version) + r"\s*\{(.*?)\}", text, re.S)[1]
    block = block.split("local:")[0].replace("global:", "")
    return [name.strip() for name in block.split(";") if name.strip()]


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-dW", path))


def bridge_faults(path):
    exports = set(exported(path))
    faults = [f"{path} links to {name}"
              for name in needed(path) if not BRIDGE_NEEDED.fullmatch(name)]
    if exports != BRIDGE_EXPORTS:
        faults.append(f"the bridge exports {', '.join(sorted(exports))}")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bridge")
    parser.add_argument("library")
    parser.add_argument("plugin")
    parser.add_argument("map_file")
    parser.add_argument("headers", nargs="+")
    args = parser.parse_args()
    library, plugin = args.library, args.plugin
    map_file, headers = args.map_file, args.headers
    wrong = bridge_faults(args.bridge) if args.bridge else []

    symbols = exported(library)
    public = {name for name, version in symbols.items() if version == PUBLIC}
    expected = declared(headers)
    wrong += [f"{name}: declared, not exported" for name in expected - public]
    wrong += [f"{name}: exported, not declared" for name in public - expected]

    allowed = [re.escape(name).replace(r"\*", r"\w*")
               for name in listed(map_file, PRIVATE)]
    for name, version in symbols.items():
        if version == PUBLIC:
            continue
        if version != PRIVATE or not any(re.fullmatch(a, name) for a in allowed):
            wrong.append(f"{name}@{version}: not meant to be exported")
        if re.match(r"npu_(ref|avx|vec|vnni|amx|kernels_init)", name):
            wrong.append(f"{name}: a kernel")

    exports = set(exported(plugin))
    if exports != PLUGIN_EXPORTS:
        wrong.append(f"the plugin exports {', '.join(sorted(exports))}")
    for path in (library, plugin):
        wrong += [f"{path} links to {name}"
                  for name in needed(path) if not NEEDED.fullmatch(name)]

    print("\n".join(wrong) or f"{len(public)} public symbols, "
          f"{len(symbols) - len(public)} private")
    return 1 if wrong or not public else 0


sys.exit(main())
