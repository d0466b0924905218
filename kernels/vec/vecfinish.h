/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecfinish.h: the shape of a block of sums, the same for the products of all
 * formats, and what is done to the sums at the end (ref/refgemm.h).
 */
#ifndef NPU_VECFINISH_H
#define NPU_VECFINISH_H

#define PANEL (2 * VEC_LANES)
#define BLOCK_ROWS 48

/* Bias, activation and addend of one vector; @n is below VEC_LANES only at the
 * matrix's right edge. */
static inline __attribute__ ((always_inline)) void
finish (
    const NpuGemm *args, const float *sums, size_t row, size_t column, size_t n)
{
  float *c = args->c + row * args->ldc + column;
  vec v = vec_load (sums) + vec_load (args->w->bias + column);

  if (args->activation == NPU_ACTIVATION_GELU)
    v = vec_gelu (v);
  if (args->addend) {
    const float *addend = args->addend + row * args->ld_addend + column;

    v += n == VEC_LANES ? vec_load (addend) : vec_load_n (addend, n);
  }
  if (n == VEC_LANES)
    vec_store (c, v);
  else
    vec_store_n (c, v, n);
}

static inline void
finish_block (const NpuGemm *args, const float *sums, size_t first_row,
    size_t rows, size_t column)
{
  for (size_t j = 0; j < PANEL && column + j < args->w->n; j += VEC_LANES) {
    size_t n = args->w->n - column - j;

    for (size_t i = 0; i < rows; i++)
      if (n >= VEC_LANES)
        finish (
            args, sums + i * PANEL + j, first_row + i, column + j, VEC_LANES);
      else
        finish (args, sums + i * PANEL + j, first_row + i, column + j, n);
  }
}

#endif /* NPU_VECFINISH_H */
