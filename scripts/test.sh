#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# test.sh: installs what is missing, builds with warnings as errors, runs every
# test; builds again with sanitizers and runs the tests and a short fuzzing of
# each file format; and ends with how many passed, failed and were skipped.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="Usage: scripts/test.sh [--no-deps] [--quick] [--build DIR]

  --no-deps    install nothing
  --build DIR  build there instead of in build-test (and DIR-sanitize)
  --quick      without the sanitizers and the fuzzing

Tests with real weights and recordings need the folder of golden data in
NPU_TEST_DATA; without it they are skipped."

build_dir=$project_dir/build-test
install=yes
quick=no
while [ $# -gt 0 ]; do
  case $1 in
    --no-deps) install=no ;;
    --quick) quick=yes ;;
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

# run_tests DIR [OPTION...]: sets status to 1 if one fails.
run_tests ()
{
  local dir=$1
  shift
  # The log of an earlier run must not be counted.
  rm -f -- "$dir/meson-logs"/testlog*.json
  # No limit of time should fail a test on a slow machine.
  meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 4 "$@" ||
    status=1
}

status=0
builds=("$build_dir")
configure_and_compile "$build_dir" -Dwerror=true
run_tests "$build_dir"

if [ "$quick" = no ]; then
  sanitize_dir=$build_dir-sanitize
  builds+=("$sanitize_dir")
  CC=clang CXX=clang++ configure_and_compile "$sanitize_dir" -Dwerror=true -Dfuzz=true \
    -Db_sanitize=address,undefined -Db_lundef=false
  # Meson splits the wrapper like a shell.
  run_tests "$sanitize_dir" --wrapper "'$project_dir/tests/sanitized.sh'"
fi

python3 "$project_dir/scripts/test-summary.py" "${builds[@]}" || status=1
exit "$status"
