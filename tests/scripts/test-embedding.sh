#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What an application sees of gst-npu once it is installed: headers, pkg-config,
# the library, the typelib; and the examples, built on these alone.
#
# Usage: test-embedding.sh BUILD-DIR
set -euo pipefail
# shellcheck source=tests/scripts/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

build_dir=$1
examples=$project_dir/examples
speech=$project_dir/data/speech.ogg

# A python3 with PyGObject and numpy; the first one found may be another.
find_python ()
{
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import gi, numpy; gi.require_version("GstApp", "1.0")' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  return 1
}

# Installs into a folder, as a packager does, and lets pkg-config find it there.
install_into ()
{
  local destination=$1 pc
  expect 0 meson install -C "$build_dir" --no-rebuild --quiet --destdir "$destination"
  pc=$(find "$destination" -name gstreamer-npu-1.0.pc)
  check "one pkg-config file" [ -f "$pc" ]
  prefix=$destination$(sed -n 's/^prefix=//p' "$pc")
  # pkg-config splits at spaces, unless they are escaped.
  sed -i "s|^prefix=.*|prefix=${prefix// /\\\\ }|" "$pc"
  export PKG_CONFIG_PATH=${pc%/*}
  libdir=$(dirname "${pc%/*}")
}

# compile OUTPUT COMPILER ARGUMENT...: with the flags that pkg-config tells, and
# the strictest of the compiler's own.
compile ()
{
  local output=$1
  local -a flags
  shift
  eval "flags=($(pkg-config --cflags --libs gstreamer-npu-1.0 gstreamer-app-1.0))"
  expect 0 "$@" -Wall -Wextra -Wpedantic -Werror -o "$work_dir/$output" "${flags[@]}" -lm
}

# check_example COMMAND...: what an example prints, and how it tells of errors.
check_example ()
{
  expect 0 "$@" "$speech" synthetic:tiny
  check "one window of 17.8 s" grep -qxE \
    'pts=0\.000 duration=17\.818 shape=1500x384 mean=-?0\.[0-9]+ norm=[1-9][0-9]*\.[0-9]{3}' <<<"$out"
  printf '%s\n' "$out" >>"$work_dir/printed"
  check "statistics of the context" contains "$err" "windows=(guint64)1"
  expect 1 "$@" "$speech" /no/such/file
  check "the error names the file" contains "$err" "/no/such/file"
  expect 1 "$@" "$project_dir/data/speech.txt" synthetic:tiny
  check "an error" [ -n "$err" ]
  check "no window" [ -z "$out" ]
  expect 2 "$@"
}

echo "# an installed copy"
install_into "$work_dir/root"
version=$(pkg-config --modversion gstreamer-npu-1.0)
check "the version is told" grep -q "version : '$version'" "$project_dir/meson.build"
eval "plugins_dir=$(pkg-config --variable=pluginsdir gstreamer-npu-1.0)"
# shellcheck disable=SC2154 # eval
check "the plugins' folder is told" [ -f "$plugins_dir/libgstnpu.so" ]
check "no private header is installed" \
  [ "$(cd "$prefix/include" && find . -name '*.h' | sort | xargs)" = \
  "./gstreamer-1.0/gst/npu/gstnpucontext.h ./gstreamer-1.0/gst/npu/gstnpuutils.h ./gstreamer-1.0/gst/npu/npu.h" ]
check "a versioned library" [ -L "$libdir/libgstnpu-1.0.so.0" ]

echo
echo "# the headers, in C and C++"
cat >"$work_dir/use.c" <<'C'
#include <gst/npu/npu.h>
int
main (void)
{
  GstNpuContext *context;
  GstContext *carrier;
  gboolean ok;

  gst_init (NULL, NULL);
  context = gst_npu_context_new (NULL, NULL);
  carrier = gst_context_new_npu_context (context, TRUE);
  ok = GST_IS_NPU_CONTEXT (context)
       && gst_context_has_context_type (carrier, GST_NPU_CONTEXT_TYPE);
  gst_context_unref (carrier);
  gst_object_unref (context);
  return ok ? 0 : 1;
}
C
cp "$work_dir/use.c" "$work_dir/use.cpp"
export LD_LIBRARY_PATH="$libdir" GST_PLUGIN_PATH="$libdir/gstreamer-1.0"
export GST_REGISTRY="$work_dir/registry"
compile use-gcc gcc -std=c11 "$work_dir/use.c"
compile use-clang clang -std=c11 "$work_dir/use.c"
compile use-cpp g++ -std=c++17 "$work_dir/use.cpp"
for program in use-gcc use-clang use-cpp; do
  expect 0 "$work_dir/$program"
done

echo
echo "# the examples"
compile hidden-states gcc -std=c11 "$examples/hidden-states.c"
check_example "$work_dir/hidden-states"
if [ ! -f "$build_dir/gst/npu/GstNpu-1.0.typelib" ]; then
  missing="there is no typelib: gobject-introspection was missing when this was built"
elif ! python=$(find_python); then
  missing="python3-gi, python3-numpy or GStreamer's typelibs are missing"
else
  export GI_TYPELIB_PATH="$libdir/girepository-1.0"
  check "a GIR" [ -f "$prefix/share/gir-1.0/GstNpu-1.0.gir" ]
  check_example "$python" "$examples/hidden_states.py"
  check "both print the same numbers" [ "$(sort -u "$work_dir/printed" | wc -l)" -eq 1 ]
  expect 0 "$python" "$project_dir/tests/scripts/introspection.py"
fi

echo
echo "# from the build folder, without installing"
unset GI_TYPELIB_PATH
export PKG_CONFIG_PATH="$build_dir/meson-uninstalled"
compile uninstalled gcc -std=c11 "$examples/hidden-states.c"
export LD_LIBRARY_PATH="$build_dir/gst/npu" GST_PLUGIN_PATH="$build_dir/gst"
expect 0 "$work_dir/uninstalled" "$speech" synthetic:tiny
check "the same numbers" [ "$out" = "$(head -n 1 "$work_dir/printed")" ]

if [ "$failures" -eq 0 ] && [ -n "${missing:-}" ]; then
  echo "skipped: all but the Python example passed; $missing" >&2
  exit 77
fi
finish
