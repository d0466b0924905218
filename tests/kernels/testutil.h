/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * testutil.h: what the kernels' tests share: failures with their place, random
 * numbers, and memory that faults when it is overrun.
 */
#ifndef TEST_UTIL_H
#define TEST_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npukernels.h"

/* The exit code that Meson takes for "skipped". */
#define TEST_SKIPPED 77

/* What is being tested, told with each failure; printf style. */
void test_name (const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));
/* Counts and prints a failure, unless @ok.  Returns @ok. */
bool test_check (bool ok, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/* Ends the program's tests: prints a summary, returns its exit code. */
int test_result (void);

/* Pseudo-random numbers, the same in every run. */
uint32_t test_random (void);
/* 0 … n - 1 */
size_t test_random_below (size_t n);
/* Uniform in [-scale, scale). */
float test_random_float (float scale);
void test_fill_random (float *p, size_t n, float scale);

/*
 * Memory between two pages that must not be touched, as near to the upper one
 * as the alignment allows.  All bytes begin as 0xff, which is NaN for a float.
 */
typedef struct {
  uint8_t *map;
  size_t map_size;
  uint8_t *begin, *end; /* usable, between the pages */
  uint8_t *data;
  size_t size;
} Guarded;

void *guarded_alloc (Guarded *guarded, size_t size, size_t alignment);
float *guarded_floats (Guarded *guarded, size_t n);
/* @n floats at NPU_ALIGNMENT. */
float *guarded_aligned (Guarded *guarded, size_t n);
/* Whether every byte before and behind the data is as it was. */
bool guarded_intact (const Guarded *guarded);
void guarded_free (Guarded *guarded);

/* Whether a float is as guarded_alloc() left it. */
bool test_is_untouched (float value);

/* The AMX kernels' source on emulated tiles (amxemulation.h), over avx512vnni's
 * table; false where this machine lacks what the rest of it needs. */
bool test_amx_emulated (NpuKernels *kernels);

/* Calls @run for each table that this machine can run, "c" first, and for that of
 * emulated AMX. */
void test_each_isa (
    void (*run) (const NpuKernels *c, const NpuKernels *kernels));

/* W and bias packed for @product, in guarded memory. */
typedef struct {
  NpuPacked packed;
  size_t n_panels;
  Guarded panels, bias;
} PackedWeights;

void packed_weights_init (PackedWeights *weights, const NpuProduct *product,
    const float *w, const float *bias, size_t n, size_t k);
void packed_weights_clear (PackedWeights *weights);

#endif /* TEST_UTIL_H */
