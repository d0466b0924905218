/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecdft400.h: the power spectrum of 400 real samples, one transform per lane.
 *
 * The samples count as 200 complex ones, z[j] = x[2 j] + i x[2 j + 1].  Their
 * DFT is done in three passes of Stockham's kind (decimation in frequency, the
 * order comes right by itself), 200 = 8 * 5 * 5.  A pass of radix r over
 * sequences of n with stride s:
 *
 *   y[q + s (r p + k)] = w_n^(p k) sum_j w_r^(j k) x[q + s (p + j n / r)]
 *
 * with w_n = exp (-2 pi i / n), p < n / r, q < s.  The real signal's spectrum is
 * X[k] = E + w_400^k O with E = (Z[k] + Z*[200 - k]) / 2 and
 * O = (Z[k] - Z*[200 - k]) / 2i, and X[200 - k] = (E - w_400^k O)*.
 */
#ifndef NPU_VECDFT400_H
#define NPU_VECDFT400_H

#define DFT_SIZE 200
#define ROOT_HALF 0.70710678118654752f
#define COS_72 0.30901699437494742f
#define COS_144 -0.80901699437494742f
#define SIN_72 0.95105651629515357f
#define SIN_144 0.58778525229247313f

typedef struct {
  vec re, im;
} Complex;

static inline Complex
c_add (Complex a, Complex b)
{
  return (Complex){ a.re + b.re, a.im + b.im };
}

static inline Complex
c_sub (Complex a, Complex b)
{
  return (Complex){ a.re - b.re, a.im - b.im };
}

/* a - i b and a + i b */
static inline Complex
c_sub_i (Complex a, Complex b)
{
  return (Complex){ a.re + b.im, a.im - b.re };
}

static inline Complex
c_add_i (Complex a, Complex b)
{
  return (Complex){ a.re - b.im, a.im + b.re };
}

/* a * exp (-2 pi i index / 400) */
static inline Complex
c_turn (Complex a, const NpuMelPlan *plan, unsigned index)
{
  vec c = vec_set1 (plan->cosine[index]);
  vec s = vec_set1 (plan->sine[index]);

  return (Complex){ vec_fma (a.im, s, a.re * c), vec_fnma (a.re, s, a.im * c) };
}

/* DFT of 4: from x[0], x[stride], … */
static inline void
dft4 (const Complex *x, unsigned stride, Complex y[4])
{
  Complex even = c_add (x[0], x[2 * stride]);
  Complex even_difference = c_sub (x[0], x[2 * stride]);
  Complex odd = c_add (x[stride], x[3 * stride]);
  Complex odd_difference = c_sub (x[stride], x[3 * stride]);

  y[0] = c_add (even, odd);
  y[1] = c_sub_i (even_difference, odd_difference);
  y[2] = c_sub (even, odd);
  y[3] = c_add_i (even_difference, odd_difference);
}

/* DFT of 8 from those of the even and the odd samples. */
static inline void
dft8 (const Complex *x, unsigned stride, Complex y[8])
{
  const vec root = vec_set1 (ROOT_HALF);
  Complex even[4], odd[4], t;

  dft4 (x, 2 * stride, even);
  dft4 (x + stride, 2 * stride, odd);
  y[0] = c_add (even[0], odd[0]);
  y[4] = c_sub (even[0], odd[0]);
  t = (Complex){ root * (odd[1].re + odd[1].im),
    root * (odd[1].im - odd[1].re) };
  y[1] = c_add (even[1], t);
  y[5] = c_sub (even[1], t);
  y[2] = c_sub_i (even[2], odd[2]);
  y[6] = c_add_i (even[2], odd[2]);
  t = (Complex){ root * (odd[3].re - odd[3].im),
    root * (odd[3].im + odd[3].re) };
  y[3] = c_sub (even[3], t);
  y[7] = c_add (even[3], t);
}

/* a + b * factor */
static inline Complex
c_fma (Complex a, Complex b, float factor)
{
  vec f = vec_set1 (factor);

  return (Complex){ vec_fma (b.re, f, a.re), vec_fma (b.im, f, a.im) };
}

static inline Complex
c_scale (Complex a, float factor)
{
  return (Complex){ a.re * vec_set1 (factor), a.im * vec_set1 (factor) };
}

static inline void
dft5 (const Complex *x, unsigned stride, Complex y[5])
{
  Complex s1 = c_add (x[stride], x[4 * stride]);
  Complex d1 = c_sub (x[stride], x[4 * stride]);
  Complex s2 = c_add (x[2 * stride], x[3 * stride]);
  Complex d2 = c_sub (x[2 * stride], x[3 * stride]);
  Complex t1 = c_fma (c_fma (x[0], s1, COS_72), s2, COS_144);
  Complex t2 = c_fma (c_fma (x[0], s1, COS_144), s2, COS_72);
  Complex u1 = c_fma (c_scale (d1, SIN_72), d2, SIN_144);
  Complex u2 = c_fma (c_scale (d1, SIN_144), d2, -SIN_72);

  y[0] = c_add (x[0], c_add (s1, s2));
  y[1] = c_sub_i (t1, u1);
  y[2] = c_sub_i (t2, u2);
  y[3] = c_add_i (t2, u2);
  y[4] = c_add_i (t1, u1);
}

/* Pass 1: n = 200, radix 8, stride 1. */
static void
dft_pass8 (const NpuMelPlan *plan, const Complex *x, Complex *y)
{
  for (unsigned p = 0; p < 25; p++) {
    Complex t[8];

    dft8 (x + p, 25, t);
    y[8 * p] = t[0];
    for (unsigned k = 1; k < 8; k++)
      y[8 * p + k] = c_turn (t[k], plan, 2 * p * k);
  }
}

/* Pass 2: n = 25, radix 5, stride 8. */
static void
dft_pass5 (const NpuMelPlan *plan, const Complex *x, Complex *y)
{
  for (unsigned p = 0; p < 5; p++)
    for (unsigned q = 0; q < 8; q++) {
      Complex t[5];

      dft5 (x + q + 8 * p, 40, t);
      y[q + 40 * p] = t[0];
      for (unsigned k = 1; k < 5; k++)
        y[q + 8 * (5 * p + k)] = c_turn (t[k], plan, 16 * p * k);
    }
}

/* Pass 3: n = 5, radix 5, stride 40. */
static void
dft_last_pass5 (const Complex *x, Complex *y)
{
  for (unsigned q = 0; q < 40; q++) {
    Complex t[5];

    dft5 (x + q, 40, t);
    for (unsigned k = 0; k < 5; k++)
      y[q + 40 * k] = t[k];
  }
}

static inline vec
c_power (Complex a)
{
  return vec_fma (a.re, a.re, a.im * a.im);
}

/* power[k] = 4 |X[k]|^2: the factor saves halving E and O. */
static void
spectrum_power (const NpuMelPlan *plan, const Complex *z, vec *power)
{
  vec first = vec_set1 (2.0f) * (z[0].re + z[0].im);
  vec last = vec_set1 (2.0f) * (z[0].re - z[0].im);

  power[0] = first * first;
  power[DFT_SIZE] = last * last;
  power[DFT_SIZE / 2] = vec_set1 (4.0f) * c_power (z[DFT_SIZE / 2]);
  for (unsigned k = 1; k < DFT_SIZE / 2; k++) {
    Complex a = z[k], b = z[DFT_SIZE - k];
    Complex even = { a.re + b.re, a.im - b.im };
    Complex odd = { a.im + b.im, b.re - a.re };

    odd = c_turn (odd, plan, k);
    power[k] = c_power (c_add (even, odd));
    power[DFT_SIZE - k] = c_power (c_sub (even, odd));
  }
}

/* power[0 … 200] = 4 |DFT of the samples|^2; @z holds the samples, two of them
 * to a complex number, and is overwritten. */
static void
dft400_power (const NpuMelPlan *plan, Complex *z, vec *power)
{
  Complex other[DFT_SIZE];

  dft_pass8 (plan, z, other);
  dft_pass5 (plan, other, z);
  dft_last_pass5 (z, other);
  spectrum_power (plan, other, power);
}

#endif /* NPU_VECDFT400_H */
