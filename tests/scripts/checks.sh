# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# checks.sh: what the tests of the scripts share.  Sourced.

# shellcheck disable=SC2034 # the tests use it
project_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
failures=0

# A folder for the test, with a space in its path like a user's may have.
work_dir=$(mktemp -d "${TMPDIR:-/tmp}/npu scripts.XXXXXX")
trap 'rm -rf -- "$work_dir"' EXIT

# check DESCRIPTION COMMAND...: is COMMAND successful?
check ()
{
  local description=$1
  shift
  if "$@"; then
    printf 'ok      %s\n' "$description"
  else
    printf 'FAILED  %s: %s\n' "$description" "$*"
    failures=$((failures + 1))
  fi
}

# expect STATUS COMMAND...: runs COMMAND, keeps what it prints in $out and $err
# and the seconds it took in $seconds, and checks its exit status.
expect ()
{
  local wanted=$1 status=0 begin=$SECONDS
  shift
  "$@" >"$work_dir/stdout" 2>"$work_dir/stderr" </dev/null || status=$?
  seconds=$((SECONDS - begin))
  out=$(cat "$work_dir/stdout")
  err=$(cat "$work_dir/stderr")
  if [ "$status" -eq "$wanted" ]; then
    printf 'ok      exit status %s of %s\n' "$status" "$*"
  else
    printf 'FAILED  exit status %s instead of %s of %s\n%s\n%s\n' "$status" "$wanted" "$*" "$out" "$err"
    failures=$((failures + 1))
  fi
}

contains ()
{
  [[ "$1" == *"$2"* ]]
}

finish ()
{
  [ "$failures" -eq 0 ] || printf '%s checks failed\n' "$failures"
  exit "$((failures > 0))"
}
