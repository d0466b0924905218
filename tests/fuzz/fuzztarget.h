/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzztarget.h: what a fuzz target offers, to libFuzzer or to fuzzreplay.c.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* How many of the inputs were taken for sound. */
extern unsigned fuzz_accepted;

/* libFuzzer's name for it.  Returns 0. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#endif /* FUZZ_TARGET_H */
