/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecmath.h: elementary functions on vectors.
 *
 * The polynomials are minimax fits (Remez exchange in double precision) with
 * the weights told below.  tests/kernels checks the errors.
 */
#ifndef NPU_VECMATH_H
#define NPU_VECMATH_H

/*
 * 2^t for t <= 127.  t = n + f with |f| <= 1/2; 2^f = 1 + f q (f), q of degree
 * 4 with a relative error of 9.2e-8; in all 2.5e-7.  t below -125 counts as
 * -125; 2^0 is exactly 1.
 */
static inline vec
vec_exp2 (vec t)
{
  vec n, f, q;

  t = vec_max (vec_set1 (-125.0f), t);
  n = vec_round (t);
  f = t - n;
  q = vec_set1 (0.0013264727f);
  q = vec_fma (q, f, vec_set1 (0.0096715126f));
  q = vec_fma (q, f, vec_set1 (0.055507337f));
  q = vec_fma (q, f, vec_set1 (0.24022242f));
  q = vec_fma (q, f, vec_set1 (0.69314698f));
  return vec_scale (vec_fma (q, f, vec_set1 (1.0f)), n);
}

/*
 * x / 2 (1 + erf (x / sqrt 2)) = max (x, 0) - g (|x|), where
 * g (u) = u / 2 erfc (u / sqrt 2) is a bump that fades.  erfc is the -16th
 * power of a function that a polynomial q of degree 6 fits well; q is chosen
 * for the least absolute error of g: 2.2e-7.  Rounding included, the error is
 * at most 6e-7 + 2^-24 |x|.
 */
static inline vec
vec_gelu (vec x)
{
  vec u = vec_abs (x);
  vec q = vec_set1 (6.6911263e-6f);

  q = vec_fma (q, u, vec_set1 (3.7973180e-5f));
  q = vec_fma (q, u, vec_set1 (7.2113833e-5f));
  q = vec_fma (q, u, vec_set1 (0.0032276334f));
  q = vec_fma (q, u, vec_set1 (0.021176153f));
  q = vec_fma (q, u, vec_set1 (0.049856641f));
  q = vec_fma (q, u, vec_set1 (1.0000010f));
  q *= q;
  q *= q;
  q *= q;
  q *= q;
  return vec_max (vec_zero (), x) - vec_set1 (0.5f) * u / q;
}

/*
 * log10 of normal x > 0.  x = m 2^e, log10 m = f p (f) with f = m - 1 and p of
 * degree 7: 1.5e-8; in all an error of 1e-7 + 1e-7 |log10 x|.
 */
static inline vec
vec_log10 (vec x)
{
  vec e, f = vec_split (x, &e) - vec_set1 (1.0f);
  vec p = vec_set1 (-0.043873481f);

  p = vec_fma (p, f, vec_set1 (0.071311122f));
  p = vec_fma (p, f, vec_set1 (-0.075278279f));
  p = vec_fma (p, f, vec_set1 (0.086307542f));
  p = vec_fma (p, f, vec_set1 (-0.10839705f));
  p = vec_fma (p, f, vec_set1 (0.14477720f));
  p = vec_fma (p, f, vec_set1 (-0.21715014f));
  p = vec_fma (p, f, vec_set1 (0.43429440f));
  return vec_fma (e, vec_set1 (0.30103000f), p * f);
}

#endif /* NPU_VECMATH_H */
