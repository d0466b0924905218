#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized.sh COMMAND [ARGUMENT...]: runs a sanitized test, and again if the
# leak sanitizer itself died: clang 14's does so now and then at a program's end,
# when it stops the threads that libraries have left ("Tracer caught signal 11").
# A leak, or any other finding, is one the first time.
set -uo pipefail
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
for _ in 1 2 3; do
  "$@" 2>"$log"
  status=$?
  cat -- "$log" >&2
  [ "$status" -ne 0 ] || exit 0
  grep -q "LeakSanitizer has encountered a fatal error" "$log" || exit "$status"
done
exit "$status"
