#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-fuzzer.sh FUZZER SEEDS REGRESSIONS: a short run from the seeds; what it
# finds is left in a folder of its own and told.
set -eu
fuzzer=$1
shift
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
"$fuzzer" -max_total_time="${NPU_FUZZ_SECONDS:-10}" -rss_limit_mb=2048 \
  -timeout=5 -max_len=524288 -len_control=0 -print_final_stats=1 \
  -artifact_prefix="$(dirname "$fuzzer")/found-" "$corpus" "$@"
