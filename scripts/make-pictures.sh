#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# make-pictures.sh: the README's pictures, from real runs on this machine.
#
#   docs/images/bench.svg   gst-npu-bench --plot
#   docs/images/report.png  a screenshot of gst-npu-report's page
#
# Needs a finished build and Chromium (Debian: chromium), for the screenshot.
# Leave the machine alone meanwhile: it takes minutes.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="Usage: scripts/make-pictures.sh [BUILD-DIR]   (default: build)

Weights: NPU_WHISPER_MODEL, else \$NPU_TEST_DATA/whisper-base/encoder.safetensors,
else what docs/models.md says."

case ${1:-} in
  -h | --help) echo "$usage"; exit 0 ;;
esac
[ $# -le 1 ] || { say "$usage"; exit 2; }
build_dir=$(cd "${1:-$project_dir/build}" && pwd) ||
  die "there is no build: meson setup build && meson compile -C build"
images_dir=$project_dir/docs/images

browser=
for name in chromium chromium-browser google-chrome; do
  [ -n "$browser" ] || browser=$(command -v "$name") || true
done
[ -n "$browser" ] || die "a screenshot needs Chromium; on Debian: apt-get install chromium"

weights=${NPU_TEST_DATA:-}/whisper-base/encoder.safetensors
if [ -z "${NPU_WHISPER_MODEL:-}" ] && [ -f "$weights" ]; then
  export NPU_WHISPER_MODEL=$weights
fi

work_dir=$(mktemp -d)
trap 'rm -rf -- "$work_dir"' EXIT
mkdir -p "$images_dir"

say "gst-npu-report …"
GST_REGISTRY=$work_dir/registry meson devenv -C "$build_dir" --workdir "$project_dir" \
  "$build_dir/tools/gst-npu-report" data/speech.ogg -o "$work_dir/report.html" >&2
# It is to reach nothing but the page.
"$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync \
  --hide-scrollbars --user-data-dir="$work_dir/profile" --window-size=900,1420 \
  --screenshot="$work_dir/report.png" "file://$work_dir/report.html" 2>/dev/null
mv -- "$work_dir/report.png" "$images_dir/report.png"

say "gst-npu-bench …"
"$build_dir/tools/gst-npu-bench" --no-pipelines --plot "$images_dir/bench.svg" >&2
