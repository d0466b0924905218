/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refgemm.h: what the products of all formats end with. */
#ifndef NPU_REFGEMM_H
#define NPU_REFGEMM_H

#include <math.h>

#include "refnorm.h"

#define PANEL 8
#define ROWS_PER_TASK 48

static inline float
gelu (float x)
{
  return 0.5f * x * (1.0f + erff (x * 0.70710678118654752f));
}

/* Bias, activation and addend of one row of a panel, from column
 * @n on. */
static inline void
finish_row (const NpuGemm *args, size_t row, size_t n, const float *sums)
{
  size_t columns = args->w->n - n < PANEL ? args->w->n - n : PANEL;
  float *c = args->c + row * args->ldc + n;

  for (size_t j = 0; j < columns; j++) {
    float value = sums[j] + args->w->bias[n + j];

    if (args->activation == NPU_ACTIVATION_GELU)
      value = gelu (value);
    if (args->addend)
      value += args->addend[row * args->ld_addend + n + j];
    c[j] = value;
  }
}

#endif /* NPU_REFGEMM_H */
