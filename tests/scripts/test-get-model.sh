#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# get-model.sh against a server on this machine, good and bad.
set -euo pipefail
# shellcheck source=tests/scripts/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

command -v curl >/dev/null || { echo "SKIP: curl is not installed"; exit 77; }

original=$work_dir/original
log=$work_dir/requests
dest=$work_dir/models
file=$dest/whisper-tiny.safetensors
export XDG_DATA_HOME="$work_dir/data" no_proxy=127.0.0.1
unset HF_ENDPOINT

head -c 3000000 /dev/urandom >"$original"
: >"$log"
coproc server { exec python3 "$project_dir/tests/scripts/model-server.py" "$original" "$log"; }
# shellcheck disable=SC2154 # coproc sets it
server_id=$server_PID
trap 'kill "$server_id"; rm -rf -- "$work_dir"' EXIT
# shellcheck disable=SC2154 # coproc sets it
read -r -t 30 port <&"${server[0]}"

# get_model STATUS MODE [ARGUMENT...]
get_model ()
{
  local wanted=$1 mode=$2
  shift 2
  expect "$wanted" "$project_dir/scripts/get-model.sh" tiny --url "http://127.0.0.1:$port/$mode" --dest "$dest" "$@"
}

start_over ()
{
  echo
  echo "# $1"
  rm -rf -- "$dest"
  : >"$log"
}

# The number of requests of METHOD so far.
requests ()
{
  grep -c "^$1 " "$log" || true
}

start_over "nobody listens"
expect 3 "$project_dir/scripts/get-model.sh" tiny --url http://127.0.0.1:1 --dest "$dest"
# Nothing to wait for there: what it took says how slow this machine is.
limit=$((10 + 5 * seconds))

start_over "a fresh download from a server like Hugging Face"
get_model 0 hub
check "the file is whole" cmp "$original" "$file"
check "its path is all that goes to stdout" [ "$out" = "$file" ]
check "nothing else is left" [ "$(ls -A "$dest")" = whisper-tiny.safetensors ]

echo
echo "# the same again"
: >"$log"
get_model 0 hub
check "the path is told" [ "$out" = "$file" ]
check "no request was made" [ ! -s "$log" ]
get_model 5 hub --sha256 "$(printf '0%.0s' {1..64})"
check "a file that is not the pinned one is kept" cmp "$original" "$file"

start_over "from a plain mirror, to the default folder"
expect 0 "$project_dir/scripts/get-model.sh" --url "http://127.0.0.1:$port/plain/" tiny
check "the file is in the user's data folder" cmp "$original" "$XDG_DATA_HOME/gst-npu/models/whisper-tiny.safetensors"

start_over "HF_ENDPOINT names the server"
expect 0 env HF_ENDPOINT="http://127.0.0.1:$port/hub" "$project_dir/scripts/get-model.sh" tiny --dest "$dest"
check "the file is whole" cmp "$original" "$file"

start_over "a download that breaks off, and its continuation"
get_model 3 cut
check "there is no file" [ ! -e "$file" ]
check "half of it is kept" [ "$(stat -c %s "$file.part")" -eq 1500000 ]
get_model 0 hub
check "only the rest was asked for" grep -q '^GET /storage/.* bytes=1500000-$' "$log"
check "the file is whole" cmp "$original" "$file"

start_over "all there but the name"
mkdir -p "$dest"
cp "$original" "$file.part"
get_model 0 hub
check "nothing was downloaded" [ "$(requests GET)" -eq 0 ]
check "the file is whole" cmp "$original" "$file"

start_over "more there than the file has"
mkdir -p "$dest"
cat "$original" "$original" >"$file.part"
get_model 0 hub
check "the file is whole" cmp "$original" "$file"

start_over "a server without ranges"
mkdir -p "$dest"
head -c 1000 "$original" >"$file.part"
get_model 0 no-ranges
check "the file is whole" cmp "$original" "$file"

start_over "the wrong bytes"
get_model 5 corrupt
check "the message names the hash" contains "$err" "SHA-256"
check "nothing is kept" [ -z "$(ls -A "$dest")" ]

start_over "the right end on a wrong beginning"
mkdir -p "$dest"
head -c 1500000 /dev/zero >"$file.part"
get_model 5 hub
check "nothing is kept" [ -z "$(ls -A "$dest")" ]

start_over "not the pinned file"
get_model 5 hub --sha256 "$(printf 'a%.0s' {1..64})"
check "nothing is kept" [ -z "$(ls -A "$dest")" ]

start_over "a server that states no hash"
get_model 4 no-hash
check "the message says what to do" contains "$err" "--sha256"
check "nothing was downloaded" [ "$(requests GET)" -eq 0 ]
hash=$(sha256sum <"$original")
get_model 0 no-hash --sha256 "${hash%% *}"
check "the file is whole" cmp "$original" "$file"

start_over "no such file there"
get_model 4 missing
check "the message names the status" contains "$err" 404

start_over "a server that never answers"
get_model 3 silent
check "given up within 10 s ($seconds)" [ "$seconds" -le "$limit" ]
check "the message says where to put a copy" contains "$err" "$file"

start_over "a server that falls silent"
get_model 3 stall
check "given up within 10 s ($seconds)" [ "$seconds" -le "$limit" ]
check "half of it is kept" [ "$(stat -c %s "$file.part")" -eq 1500000 ]
get_model 0 hub
check "the file is whole" cmp "$original" "$file"

start_over "a folder that cannot be made"
: >"$work_dir/file"
expect 6 "$project_dir/scripts/get-model.sh" tiny --url "http://127.0.0.1:$port/hub" --dest "$work_dir/file/models"

start_over "another download under way"
mkdir -p "$dest"
exec {lock}<"$dest"
flock "$lock"
get_model 6 hub
exec {lock}<&-

start_over "wrong usage"
expect 2 "$project_dir/scripts/get-model.sh" huge
check "the message lists the sizes" contains "$err" large-v3-turbo
expect 2 "$project_dir/scripts/get-model.sh" tiny base
expect 2 "$project_dir/scripts/get-model.sh" --url ftp://127.0.0.1
expect 2 "$project_dir/scripts/get-model.sh" --sha256 abc
expect 2 "$project_dir/scripts/get-model.sh" --dest
expect 0 "$project_dir/scripts/get-model.sh" --help

finish
