#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# get-model.sh: downloads Whisper weights to where npuwhisperenc finds them.
#
# The file is checked against the SHA-256 that the server states for it (or
# that --sha256 pins) before it gets its name, so a file under that name is
# whole.  What came of a download that broke off is kept, and continued by the
# next run.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sizes="tiny tiny.en base base.en small small.en medium medium.en large large-v2 large-v3 large-v3-turbo"
size=
url=${HF_ENDPOINT:-https://huggingface.co}
dest=$(models_dir)
pinned_hash=

usage="Usage: scripts/get-model.sh [SIZE] [--url BASE] [--dest DIR] [--sha256 HEX]

Downloads OpenAI's Whisper weights in Hugging Face's format to
DIR/whisper-SIZE.safetensors, and prints that path.

  SIZE      one of $sizes;
            default base
  --url     a server laid out like Hugging Face; default $url
            (HF_ENDPOINT in the environment changes it)
  --dest    default $dest
  --sha256  the hash that the file must have, instead of the one that the
            server states

Exit status: 0 the file is there, 2 wrong usage, 3 the network failed (run it
again to continue), 4 the server refused, 5 wrong hash, 6 trouble on this
machine (disk, rights, tools)."

# Without a network all is over within 10 s.
connect_seconds=4               # to resolve the name and connect
header_seconds=7                # for the whole answer about the file
stall_seconds=3                 # below 1000 bytes a second for so long: stalled

fail ()
{
  local status=$1
  shift
  say "get-model.sh: $*"
  exit "$status"
}

parse_arguments ()
{
  while [ $# -gt 0 ]; do
    case $1 in
      --url | --dest | --sha256)
        [ $# -ge 2 ] || fail 2 "$1 needs a value"
        case $1 in
          --url) url=${2%/} ;;
          --dest) dest=$2 ;;
          --sha256) pinned_hash=${2,,} ;;
        esac
        shift
        ;;
      -h | --help) echo "$usage"; exit 0 ;;
      -*) say "$usage"; exit 2 ;;
      *)
        [ -z "$size" ] || fail 2 "one size at a time"
        size=$1
        ;;
    esac
    shift
  done
  size=${size:-base}
  [[ " $sizes " == *" $size "* ]] || fail 2 "there is no Whisper of size $size; sizes are $sizes"
  [[ "$url" =~ ^https?:// ]] || fail 2 "--url must begin with https:// or http://"
  [[ -z "$pinned_hash" || "$pinned_hash" =~ ^[0-9a-f]{64}$ ]] || fail 2 "--sha256 must be 64 hexadecimal digits"
}

# curl with what all requests share; from https nothing redirects to http.
fetch ()
{
  local protocols='=http,https'
  [[ "$url" != https://* ]] || protocols='=https'
  curl -fL --proto "$protocols" --proto-redir "$protocols" \
    --connect-timeout "$connect_seconds" "$@"
}

# The status, SHA-256 and size (empty where unknown) that the headers of a HEAD
# request on stdin tell.  Hugging Face states them as X-Linked-Etag and
# X-Linked-Size in its own answer and then redirects to another server, which
# may refuse HEAD; a plain mirror states them as ETag and Content-Length.
parse_headers ()
{
  tr -d '\r' | LC_ALL=C awk '
    /^HTTP\// { status = $2; etag = ""; bytes = ""; next }
    { name = tolower($1); value = tolower($2); gsub(/^w\/|"/, "", value) }
    name == "x-linked-etag:" && linked_etag == "" { linked_etag = value }
    name == "x-linked-size:" && linked_bytes == "" { linked_bytes = value }
    name == "etag:" { etag = value }
    name == "content-length:" { bytes = value }
    END {
      if (linked_etag != "") { status = 200; etag = linked_etag; bytes = linked_bytes }
      if (length (etag) != 64 || etag ~ /[^0-9a-f]/) etag = ""
      if (bytes ~ /[^0-9]/) bytes = ""
      printf "%s,%s,%s\n", status, etag, bytes
    }'
}

# Sets expected_hash and expected_bytes.
ask_server ()
{
  local headers="" curl_status=0 http_status
  headers=$(fetch -sSI --max-time "$header_seconds" -- "$file_url") || curl_status=$?
  IFS=, read -r http_status expected_hash expected_bytes < <(parse_headers <<<"$headers")
  # 22 is an HTTP status of 400 or more, and told by http_status.
  case $curl_status in
    0 | 22) ;;
    *) fail 3 "cannot reach $url (see curl's message above). Without a network, copy the file from another machine to $file" ;;
  esac
  case $http_status in
    2*) ;;
    *) fail 4 "the server answered $http_status for $file_url" ;;
  esac
  expected_hash=${pinned_hash:-$expected_hash}
  [ -n "$expected_hash" ] || fail 4 "the server states no SHA-256 for $file_url, so nothing could tell whether the file is whole; give the right one with --sha256"
}

# Is there room for what is still to come?
check_space ()
{
  local have=$1 free_kb
  [ -n "$expected_bytes" ] || return 0
  free_kb=$(LC_ALL=C df -Pk -- "$dest" | awk 'NR == 2 { print $4 }')
  [ $((expected_bytes - have)) -le $((free_kb * 1024)) ] ||
    fail 6 "$dest has room for $((free_kb / 1024)) MiB, and $(((expected_bytes - have) >> 20)) MiB are to come; free some or give another folder with --dest"
}

run_curl ()
{
  local progress=-sS
  [ ! -t 2 ] || progress=--progress-bar
  fetch "$progress" -Y 1000 -y "$stall_seconds" -C - -o "$part" -- "$file_url"
}

# Downloads to $part, from where an earlier run left off.
download ()
{
  local have=0 status=0
  [ ! -f "$part" ] || have=$(stat -c %s -- "$part")
  if [ "$have" -gt "${expected_bytes:-0}" ]; then
    rm -f -- "$part"
    have=0
  fi
  check_space "$have"
  if [ "$have" -gt 0 ]; then
    [ "$have" -lt "$expected_bytes" ] || return 0
    say "Continuing at $((have / 1000000)) MB."
  fi

  run_curl || status=$?
  # 33: the server cannot begin in the middle.
  if [ "$status" -eq 33 ]; then
    say "The server cannot continue a download: from the beginning."
    rm -f -- "$part"
    status=0
    run_curl || status=$?
  fi
  case $status in
    0) ;;
    22) fail 4 "the server refused $file_url (see curl's message above)" ;;
    23) fail 6 "cannot write $part: is the disk full?" ;;
    *) fail 3 "the download broke off (see curl's message above). Run the same command again to continue it" ;;
  esac
}

# check_hash FILE HASH
check_hash ()
{
  local sum
  sum=$(sha256sum <"$1")
  [ "${sum%% *}" = "$2" ]
}

parse_arguments "$@"
file=$dest/whisper-$size.safetensors
part=$file.part
file_url=$url/openai/whisper-$size/resolve/main/model.safetensors

if [ -e "$file" ]; then
  [ -z "$pinned_hash" ] || check_hash "$file" "$pinned_hash" ||
    fail 5 "$file is there, but its SHA-256 is not $pinned_hash; remove it to download it again"
  say "Already there; nothing downloaded."
  printf '%s\n' "$file"
  exit 0
fi

command -v curl >/dev/null || fail 6 "curl is missing; scripts/deps.sh installs it"
mkdir -p -- "$dest" || fail 6 "cannot make $dest; give another folder with --dest"
# One download at a time: two would write into the same unfinished file.
exec {lock}<"$dest"
flock -n "$lock" || fail 6 "another download to $dest is under way"

ask_server
say "Downloading $file_url${expected_bytes:+ ($(((expected_bytes + 999999) / 1000000)) MB)}"
download
if ! check_hash "$part" "$expected_hash"; then
  rm -f -- "$part"
  fail 5 "what was downloaded has not the SHA-256 $expected_hash, and was removed. Run the same command to try again"
fi
mv -- "$part" "$file"
printf '%s\n' "$file"
