#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh: from a fresh clone to Whisper's hidden states of a speech sample.
#
# Installs what is missing, builds, finds or downloads weights, runs
#   filesrc ! decodebin ! npumel ! npuwhisperenc ! fakesink
# and ends with a line of the figures that the elements posted on the bus.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="Usage: scripts/demo.sh [--no-deps] [--built DIR]

  --no-deps    install nothing
  --built DIR  use the finished build in DIR; install and build nothing

Weights: NPU_WHISPER_MODEL, else \$NPU_TEST_DATA/whisper-base/encoder.safetensors,
else what is in the places that docs/models.md lists, else they are downloaded;
if that fails, made-up weights, which take the same time and mean nothing."

sample=data/speech.ogg
build_dir=$project_dir/build
install=yes
build=yes
while [ $# -gt 0 ]; do
  case $1 in
    --no-deps) install=no ;;
    --built)
      [ $# -ge 2 ] || die "--built needs a folder"
      build_dir=$(cd "$2" && pwd)
      install=no
      build=no
      shift
      ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) say "$usage"; exit 2 ;;
  esac
  shift
done

# Chooses the weights; what can be found is npuwhisperenc's own search to say.
find_weights ()
{
  local test_weights=${NPU_TEST_DATA:-}/whisper-base/encoder.safetensors
  if [ -z "${NPU_WHISPER_MODEL:-}" ]; then
    unset NPU_WHISPER_MODEL
    if [ -n "${NPU_TEST_DATA:-}" ] && [ -f "$test_weights" ]; then
      export NPU_WHISPER_MODEL=$test_weights
    fi
  fi

  say "Weights:"
  if "$build_dir/tools/gst-npu-bench" --list-models >&2; then
    return
  elif [ -n "${NPU_WHISPER_MODEL:-}" ]; then
    die "NPU_WHISPER_MODEL is set to something that cannot be used (see above)"
  elif NPU_WHISPER_MODEL=$("$project_dir/scripts/get-model.sh" base); then
    export NPU_WHISPER_MODEL
  else
    unset NPU_WHISPER_MODEL
    say "NOTE: there are no Whisper weights here and none could be downloaded, so this runs"
    say "on made-up ones of the same size: the times are real, the hidden states mean nothing."
  fi
}

# Runs the pipeline with the plugin from the build folder; its output goes to
# $log.  A registry of its own, so that what an older scan of the user's
# plugins remembers does not matter.
run_pipeline ()
{
  local pipeline=(filesrc "location=$sample" ! decodebin ! npumel ! npuwhisperenc ! fakesink)
  say "Running: gst-launch-1.0 -m ${pipeline[*]}"
  GST_REGISTRY=$work_dir/registry meson devenv -C "$build_dir" --workdir "$project_dir" \
    gst-launch-1.0 -m "${pipeline[@]}" >"$log" 2>&1
}

[ "$install" = no ] || "$project_dir/scripts/deps.sh"
[ "$build" = no ] || configure_and_compile "$build_dir"
find_weights

work_dir=$(mktemp -d)
trap 'rm -rf -- "$work_dir"' EXIT
log=$work_dir/log
if ! run_pipeline; then
  tail -n 40 "$log" >&2
  die "the pipeline failed (its last words are above)"
fi
# Warnings, and the elements' messages without their histograms.
sed -n -e '/^WARNING/p' -e '/ npu-stats,/{s/, [a-z0-9-]*=(structure).*//;p}' "$log"
LC_ALL=C awk -f "$project_dir/scripts/demo-result.awk" "$log" || {
  tail -n 40 "$log" >&2
  die "the pipeline ended without the elements' figures (its last words are above)"
}
