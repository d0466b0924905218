#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh on the build that is being tested, where no weights can be had, with
# small ones that are named, and when it fails.  Usage: test-demo.sh BUILD-DIR
# shellcheck disable=SC2317 # functions that expect and check call
set -euo pipefail
# shellcheck source=tests/scripts/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

build_dir=$1
test_data=${NPU_TEST_DATA:-}
demo=$project_dir/scripts/demo.sh
# A user with nothing, and no network.
export HOME="$work_dir" HF_ENDPOINT=http://127.0.0.1:1 no_proxy=127.0.0.1
unset NPU_WHISPER_MODEL NPU_TEST_DATA XDG_DATA_HOME XDG_CACHE_HOME HF_HOME HF_HUB_CACHE

# The sample's 392890 samples at 22.05 kHz are 17.82 s: 1782 content frames.
result='^RESULT windows=1 frames=1782 mel_ms=[0-9]+\.[0-9]+ encoder_ms=[0-9]+\.[0-9]+ realtime=[0-9]+\.[0-9]+ device=[^ ]+ precision=[a-z0-9]+ model='

last_line_matches ()
{
  tail -n 1 <<<"$out" | grep -Eq -- "$1"
}

echo "# made-up weights, from another folder, in another language"
cd /
expect 0 env LC_ALL=de_DE.UTF-8 LANGUAGE=de "$demo" --built "$build_dir"
check "the last line has the figures" last_line_matches "${result}synthetic-base\$"
check "that the weights are made up is said" contains "$err" "hidden states mean nothing"

echo
echo "# weights that are named"
expect 0 env NPU_WHISPER_MODEL=synthetic:tiny "$demo" --built "$build_dir"
check "they were used" last_line_matches "${result}synthetic-tiny\$"
check "nothing was downloaded" [ "${err/get-model/}" = "$err" ]

echo
echo "# weights that are named and missing"
expect 1 env NPU_WHISPER_MODEL="$work_dir/none.safetensors" "$demo" --built "$build_dir"
check "there are no figures" [ "${out/RESULT/}" = "$out" ]
check "the message names the file" contains "$err" "none.safetensors"

if [ -n "$test_data" ]; then
  echo
  echo "# real weights"
  expect 0 env NPU_TEST_DATA="$test_data" "$demo" --built "$build_dir"
  check "they were used" last_line_matches "${result}base\$"
fi

echo
echo "# the line of figures, from the elements' messages"
log=$work_dir/log
figures ()
{
  LC_ALL=C awk -f "$project_dir/scripts/demo-result.awk" "$log"
}
mel_message='Got message #41 from element "npumel0" (element): npu-stats, frames=(guint64)1784, mel-ns=(guint64)12345678;'
encoder_message='Got message #42 from element "npuwhisperenc0" (element): npu-stats, windows=(guint64)1, encoder-ns=(guint64)987654321, realtime=(double)18.04, device=(string)"cpu\ \(2\ threads\)", precision=(string)f32, model=(string)base;'
printf '%s\n' "$mel_message" "$encoder_message" >"$log"
expect 0 figures
check "units, decimals and quotes" [ "$out" = "RESULT windows=1 frames=1784 mel_ms=12.35 encoder_ms=987.7 realtime=18.0 device=cpu-(2-threads) precision=f32 model=base" ]
printf '%s\n' "$mel_message" >"$log"
expect 1 figures
check "half of the figures are none" [ -z "$out" ]
printf '%s\n' "$mel_message" "${encoder_message/realtime/unreal}" >"$log"
expect 1 figures
check "the message names the field" contains "$err" realtime

finish
