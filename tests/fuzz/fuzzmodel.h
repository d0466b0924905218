/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzzmodel.h: what the fuzz targets of the weight formats share.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* Opens the bytes as a weight file and, if they are one, reads every value of
 * every tensor, in each precision; aborts unless a refusal says why. */
void fuzz_open_model (const uint8_t *data, size_t size);

#endif /* FUZZ_MODEL_H */
