/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * refencoder.h: Whisper's encoder from its formulas, in double precision, for
 * tests.  Written apart from kernels/ and shares no code with it: convolutions
 * are sums over taps, attention holds all its scores, nothing is packed.
 */
#ifndef REFENCODER_H
#define REFENCODER_H

#include "npubackend.h"

G_BEGIN_DECLS

/* @mel: un-normalised frames [n_frames][n_mels], padded with silence to
 * 2 * @positions.  Returns (transfer full) the states [positions][width]. */
double *ref_encoder_run (const NpuWeights *weights, const gfloat *mel,
    gsize n_frames, guint positions);

/* sqrt (sum (a - b)^2 / sum b^2); NaN if a value is. */
double ref_relative_rms (const gfloat *a, const double *b, gsize n);

G_END_DECLS
#endif /* REFENCODER_H */
