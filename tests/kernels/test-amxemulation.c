/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-amxemulation.c: the emulated tiles against what Intel's manual says of the
 * instructions: products of all shapes, roundings, and each fault that a wrong
 * use has.
 */
#include "testutil.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amxemulation.h"

/* LDTILECFG's operand. */
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} Config;

static void
configure (const Config *config)
{
  amx_emulation_loadconfig (config);
}

/* Tile 0 [rows][columns of 4 bytes] += tile 1 [rows][depth] tile 2. */
static Config
config_of (unsigned rows, unsigned columns, unsigned depth)
{
  Config config = { .palette = 1 };

  config.rows[0] = config.rows[1] = (uint8_t) rows;
  config.rows[2] = (uint8_t) depth;
  config.row_bytes[0] = config.row_bytes[2] = (uint16_t) (4 * columns);
  config.row_bytes[1] = (uint16_t) (4 * depth);
  return config;
}

static void
check_int8_tiles (unsigned rows, unsigned columns, unsigned depth)
{
  Config config = config_of (rows, columns, depth);
  int8_t a[16][64], b[16][64];
  int32_t c[16][16], before[16][16];

  test_name ("TDPBSSD %u x %u x %u", rows, columns, 4 * depth);
  for (unsigned i = 0; i < 16 * 64; i++) {
    a[i / 64][i % 64] = (int8_t) (test_random () & 0xff);
    b[i / 64][i % 64] = (int8_t) (test_random () & 0xff);
  }
  for (unsigned i = 0; i < 16 * 16; i++)
    before[i / 16][i % 16] = (int32_t) test_random_below (1000) - 500;
  memcpy (c, before, sizeof c);
  configure (&config);
  amx_emulation_load (0, before, sizeof before[0]);
  amx_emulation_load (1, a, sizeof a[0]);
  amx_emulation_load (2, b, sizeof b[0]);
  amx_emulation_dpbssd (0, 1, 2);
  amx_emulation_store (0, c, sizeof c[0]);
  amx_emulation_release ();
  for (unsigned i = 0; i < 16; i++)
    for (unsigned j = 0; j < 16; j++) {
      int32_t sum = before[i][j];

      for (unsigned p = 0; i < rows && j < columns && p < 4 * depth; p++)
        sum += a[i][p] * b[p / 4][4 * j + p % 4];
      test_check (c[i][j] == sum, "[%u][%u] is %d, not %d", i, j, c[i][j], sum);
    }
}

/* One sum of one row: a[0] b[0] + a[1] b[1] + … + c, as float bits. */
static uint32_t
dot_bf16 (const uint16_t a[4], const uint16_t b[4], uint32_t c)
{
  Config config = config_of (1, 1, 2);
  uint32_t result;

  configure (&config);
  amx_emulation_load (0, &c, sizeof c);
  amx_emulation_load (1, a, 4 * sizeof *a);
  amx_emulation_load (2, b, 2 * sizeof *b);
  amx_emulation_dpbf16ps (0, 1, 2);
  amx_emulation_store (0, &result, sizeof result);
  amx_emulation_release ();
  return result;
}

static void
check_bf16_tiles (void)
{
  static const struct {
    const char *what;
    uint16_t a[4], b[4];
    uint32_t c, expected;
  } cases[] = {
    { "1 2 + 3 4 + 5 6 + 7 8 + 0.5", { 0x3f80, 0x4040, 0x40a0, 0x40e0 },
        { 0x4000, 0x4080, 0x40c0, 0x4100 }, 0x3f000000, 0x42c90000 },
    /* in the order of k the 1s would be lost in 2^24 */
    { "even and odd values are summed apart",
        { 0x4b80, 0x3f80, 0xcb80, 0x3f80 }, { 0x3f80, 0x3f80, 0x3f80, 0x3f80 },
        0, 0x40000000 },
    { "ties go to even", { 0x4b80, 0x3f80, 0, 0 }, { 0x3f80, 0x3f80, 0, 0 }, 0,
        0x4b800000 },
    { "denormal values are zeros", { 0x0040, 0, 0, 0 }, { 0x7f00, 0, 0, 0 }, 0,
        0 },
    { "denormal products are zeros", { 0x0080, 0, 0, 0 }, { 0x3f00, 0, 0, 0 },
        0, 0 },
    { "denormal sums are zeros", { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, 0x00400000,
        0 },
    { "infinity times zero", { 0x7f80, 0, 0, 0 }, { 0, 0, 0, 0 }, 0,
        0x7fc00000 },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t result = dot_bf16 (cases[i].a, cases[i].b, cases[i].c);

    test_name ("TDPBF16PS: %s", cases[i].what);
    test_check ((result & 0x7fffffff) == cases[i].expected,
        "0x%08x, not 0x%08x", result, cases[i].expected);
  }
}

static void
use_unconfigured (Config *config)
{
  amx_emulation_zero (0);
}

static void
use_released (Config *config)
{
  configure (config);
  amx_emulation_release ();
  amx_emulation_zero (0);
}

static void
use_missing_tile (Config *config)
{
  configure (config);
  amx_emulation_zero (3);
}

static void
use_tile_twice (Config *config)
{
  configure (config);
  amx_emulation_dpbssd (0, 1, 1);
}

static void
differ_in_rows (Config *config)
{
  config->rows[1]--;
  configure (config);
  amx_emulation_dpbssd (0, 1, 2);
}

static void
differ_in_columns (Config *config)
{
  config->row_bytes[2] -= 4;
  configure (config);
  amx_emulation_dpbf16ps (0, 1, 2);
}

static void
differ_in_depth (Config *config)
{
  config->rows[2]--;
  configure (config);
  amx_emulation_dpbf16ps (0, 1, 2);
}

static void
configure_other_palette (Config *config)
{
  config->palette = 2;
  configure (config);
}

static void
configure_17_rows (Config *config)
{
  config->rows[0] = 17;
  configure (config);
}

static void
configure_rows_without_bytes (Config *config)
{
  config->row_bytes[0] = 0;
  configure (config);
}

/* What faults on a processor must end the emulation: in a child. */
static void
check_fault (const char *what, void (*cause) (Config *config))
{
  Config config = config_of (8, 8, 8);
  int status = 0;
  pid_t child;

  test_name ("emulated fault: %s", what);
  fflush (NULL);
  child = fork ();
  if (child == 0) {
    if (!freopen ("/dev/null", "w", stderr))
      _exit (EXIT_FAILURE);
    cause (&config);
    _exit (EXIT_SUCCESS);
  }
  test_check (child > 0 && waitpid (child, &status, 0) == child
                  && WIFSIGNALED (status) && WTERMSIG (status) == SIGABRT,
      "status 0x%x", (unsigned) status);
}

int
main (void)
{
  NpuKernels kernels;

  /* the emulation is compiled for the same processors */
  if (!test_amx_emulated (&kernels)) {
    printf ("skipped: the emulation needs AVX-512 with VNNI and BF16\n");
    return TEST_SKIPPED;
  }
  check_int8_tiles (16, 16, 16);
  check_int8_tiles (1, 1, 1);
  for (int i = 0; i < 20; i++)
    check_int8_tiles (1 + (unsigned) test_random_below (16),
        1 + (unsigned) test_random_below (16),
        1 + (unsigned) test_random_below (16));
  check_bf16_tiles ();
  check_fault ("no configuration", use_unconfigured);
  check_fault ("released", use_released);
  check_fault ("a tile without rows", use_missing_tile);
  check_fault ("a tile twice", use_tile_twice);
  check_fault ("rows", differ_in_rows);
  check_fault ("columns", differ_in_columns);
  check_fault ("depth", differ_in_depth);
  check_fault ("palette", configure_other_palette);
  check_fault ("17 rows", configure_17_rows);
  check_fault ("rows without bytes", configure_rows_without_bytes);
  return test_result ();
}
