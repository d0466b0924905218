#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The count that ends scripts/test.sh, from made-up logs of meson.
set -euo pipefail
# shellcheck source=tests/scripts/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

mkdir "$work_dir/meson-info" "$work_dir/meson-logs"
log=$work_dir/meson-logs/testlog.json

# summary STATUS LAST-LINE RESULT...: three tests are known, these were run.
summary ()
{
  local wanted=$1 line=$2
  shift 2
  echo '[{"name": "a"}, {"name": "b"}, {"name": "c"}]' >"$work_dir/meson-info/intro-tests.json"
  for result; do
    printf '{"name": "a test", "result": "%s", "stdout": "one\\nno data\\n"}\n' "$result"
  done >"$log"
  expect "$wanted" python3 "$project_dir/scripts/test-summary.py" "$work_dir"
  check "$line" [ "$(tail -n 1 <<<"$out")" = "$line" ]
}

summary 0 "3 passed, 0 failed, 0 skipped" OK OK EXPECTEDFAIL
summary 0 "2 passed, 0 failed, 1 skipped" OK SKIP OK
check "the reason is told" contains "$out" "skipped: a test: no data"
summary 1 "2 passed, 1 failed, 0 skipped" OK FAIL OK
summary 1 "1 passed, 2 failed, 0 skipped" OK TIMEOUT ERROR
summary 1 "2 passed, 1 failed, 0 skipped" OK UNEXPECTEDPASS OK
# A test that never ran.
summary 1 "2 passed, 1 failed, 0 skipped" OK OK
summary 1 "0 passed, 3 failed, 0 skipped"
# Nothing was tested.
summary 1 "0 passed, 0 failed, 3 skipped" SKIP SKIP SKIP
rm "$log"
expect 1 python3 "$project_dir/scripts/test-summary.py" "$work_dir"
check "no log at all" [ "$out" = "0 passed, 3 failed, 0 skipped" ]

finish
