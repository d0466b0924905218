/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuhalf.c: float32 → half precision against its definition. */
#include <gst/check/gstcheck.h>
#include <math.h>

#include "gstnpuhalf.h"

#define INFINITE 0x7c00

static guint16
convert (gfloat value)
{
  guint8 bytes[3] = { 0 };

  /* not aligned */
  gst_npu_half_from_float (&value, 1, bytes + 1);
  return (guint16) (bytes[1] | bytes[2] << 8);
}

/* The value of finite @half. */
static gdouble
value_of (guint16 half)
{
  gint exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff;
  gdouble value = exponent == 0 ? ldexp (mantissa, -24)
                                : ldexp (1024 + mantissa, exponent - 25);

  return half & 0x8000 ? -value : value;
}

/* Every value there is, and what lies between it and the next: the middle goes
 * to the even one, all else to the nearest. */
GST_START_TEST (test_all_values)
{
  for (guint half = 0; half < INFINITE; half++) {
    gdouble here = value_of (half);
    gdouble next = half + 1 < INFINITE ? value_of (half + 1) : 65536.0;
    gfloat middle = (here + next) / 2;

    if (convert (here) != half || convert (-here) != (half | 0x8000)
        || convert (middle) != half + (half & 1)
        || convert (nextafterf (middle, 0)) != half
        || convert (nextafterf (middle, INFINITY)) != half + 1
        || convert (-nextafterf (middle, INFINITY)) != ((half + 1) | 0x8000))
      fail ("at %#x", half);
  }
}
GST_END_TEST;

GST_START_TEST (test_what_is_no_half)
{
  fail_unless_equals_int (convert (65519.996f), 0x7bff);
  fail_unless_equals_int (convert (65520), INFINITE);
  fail_unless_equals_int (convert (3e38f), INFINITE);
  fail_unless_equals_int (convert (INFINITY), INFINITE);
  fail_unless_equals_int (convert (-INFINITY), INFINITE | 0x8000);
  fail_unless_equals_int (convert (NAN) & 0x7fff, INFINITE | 0x200);
  fail_unless_equals_int (convert (1e-45f), 0);
  fail_unless_equals_int (convert (-1e-45f), 0x8000);
  fail_unless_equals_int (convert (-0.0f), 0x8000);
}
GST_END_TEST;

static Suite *
npuhalf_suite (void)
{
  Suite *suite = suite_create ("npuhalf");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_all_values);
  tcase_add_test (tcase, test_what_is_no_half);
  return suite;
}

GST_CHECK_MAIN (npuhalf);
