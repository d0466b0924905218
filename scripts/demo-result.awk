# SPDX-License-Identifier: LGPL-2.1-or-later
# demo-result.awk: the RESULT line of demo.sh, from what gst-launch-1.0 -m says.
#
# npumel posts "npu-stats" with frames and mel-ns, npuwhisperenc one with
# windows, encoder-ns, realtime, device, precision and model.  Exits with 1 if
# one of them or one of their fields is missing.  Run it with LC_ALL=C: other
# locales have other decimal points.

# The value of a field of a serialised GstStructure: name=(type)value, where
# the value is a word or a quoted string, with backslashes before what is not a
# letter or digit.  Blanks become "-", so that the line has words only.
function field (line, name,    value, quoted, i, c)
{
  if (!match (line, "[ ,]" name "=\\([a-z0-9]+\\)")) {
    printf "demo-result.awk: no %s in: %s\n", name, line > "/dev/stderr"
    failed = 1
    return ""
  }
  i = RSTART + RLENGTH
  quoted = substr (line, i, 1) == "\""
  i += quoted
  for (; i <= length (line); i++) {
    c = substr (line, i, 1)
    if (quoted ? c == "\"" : c ~ /[,; ]/)
      break
    if (c == "\\")
      c = substr (line, ++i, 1)
    value = value (c == " " ? "-" : c)
  }
  return value
}

/ npu-stats,/ && / encoder-ns=/ { encoder = $0 }
/ npu-stats,/ && / mel-ns=/ { mel = $0 }

END {
  result = sprintf ("RESULT windows=%d frames=%d mel_ms=%.2f encoder_ms=%.1f realtime=%.1f device=%s precision=%s model=%s",
      field(encoder, "windows"), field(mel, "frames"),
      field(mel, "mel-ns") / 1e6, field(encoder, "encoder-ns") / 1e6,
      field(encoder, "realtime"), field(encoder, "device"),
      field(encoder, "precision"), field(encoder, "model"))
  if (failed)
    exit 1
  print result
}
