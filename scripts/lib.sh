# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# lib.sh: what the scripts share.  Sourced, never run.

# The project's folder, from wherever a script was called.
project_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Messages go to stderr, so that a script's stdout is only its result.
say ()
{
  printf '%s\n' "$*" >&2
}

die ()
{
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The folder under the user's data folder where npuwhisperenc looks for weights
# (docs/models.md).  A relative XDG_DATA_HOME is to be ignored, as that
# specification says.
models_dir ()
{
  local data=${XDG_DATA_HOME:-}
  [[ "$data" == /* ]] || data=${HOME:?is not set}/.local/share
  printf '%s\n' "$data/gst-npu/models"
}

# configure_and_compile DIR [MESON-OPTION...]: makes DIR a build folder with
# these options, or keeps the one that is there, and brings it up to date.
configure_and_compile ()
{
  local dir=$1
  shift
  if [ -f "$dir/meson-private/coredata.dat" ]; then
    meson setup --reconfigure "$@" "$dir" "$project_dir" >&2
  else
    meson setup "$@" "$dir" "$project_dir" >&2
  fi
  meson compile -C "$dir" >&2
}
