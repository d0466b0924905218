#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# test.sh: installs what is missing, builds with warnings as errors, runs every
# test, and ends with how many passed, failed and were skipped.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="Usage: scripts/test.sh [--no-deps] [--build DIR]

  --no-deps    install nothing
  --build DIR  build there instead of in build-test

Tests with real weights and recordings need the folder of golden data in
NPU_TEST_DATA; without it they are skipped."

build_dir=$project_dir/build-test
install=yes
while [ $# -gt 0 ]; do
  case $1 in
    --no-deps) install=no ;;
    --build)
      [ $# -ge 2 ] || die "--build needs a folder"
      build_dir=$2
      shift
      ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) say "$usage"; exit 2 ;;
  esac
  shift
done

if [ -n "${NPU_TEST_DATA:-}" ]; then
  [ -d "$NPU_TEST_DATA" ] || die "NPU_TEST_DATA=$NPU_TEST_DATA is not a folder"
  NPU_TEST_DATA=$(cd "$NPU_TEST_DATA" && pwd)
  export NPU_TEST_DATA
fi

[ "$install" = no ] || "$project_dir/scripts/deps.sh"
configure_and_compile "$build_dir" -Dwerror=true

# The log of an earlier run must not be counted.
rm -f -- "$build_dir/meson-logs/testlog.json"
status=0
# No limit of time should fail a test on a slow machine.
meson test -C "$build_dir" --no-rebuild --print-errorlogs \
  --timeout-multiplier 4 || status=$?
python3 "$project_dir/scripts/test-summary.py" "$build_dir" || status=1
exit "$status"
