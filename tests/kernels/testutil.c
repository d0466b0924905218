/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* testutil.c: see testutil.h. */
#include "testutil.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef HAVE_AMX_EMULATION
#include "amxemulation.h"
#endif

#define CANARY 0xff
/* Failures that are printed; all are counted. */
#define MAX_PRINTED 20

static char name[256];
static unsigned n_checks, n_failures;

/* A touch of a guard page ends the program, but not silently. */
static void
tell_fault (int number)
{
  static const char message[] = "FAILED by touching forbidden memory: ";

  if (write (STDOUT_FILENO, message, sizeof message - 1) < 0
      || write (STDOUT_FILENO, name, strlen (name)) < 0
      || write (STDOUT_FILENO, "\n", 1) < 0)
    _exit (EXIT_FAILURE);
  signal (number, SIG_DFL);
  raise (number);
}

/* Leaves handlers of others, such as a sanitizer's, alone. */
static void
handle_fault (int number)
{
  struct sigaction before;

  if (sigaction (number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
    signal (number, tell_fault);
}

void
test_name (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (name, sizeof name, format, args);
  va_end (args);
}

bool
test_check (bool ok, const char *format, ...)
{
  va_list args;

  n_checks++;
  if (ok || n_failures++ >= MAX_PRINTED)
    return ok;
  printf ("FAILED %s: ", name);
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  printf ("\n");
  fflush (stdout);
  return ok;
}

int
test_result (void)
{
  printf ("%u checks, %u failures\n", n_checks, n_failures);
  return n_failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

uint32_t
test_random (void)
{
  static uint64_t state = 0x9e3779b97f4a7c15u;

  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t) (state >> 32);
}

size_t
test_random_below (size_t n)
{
  return test_random () % n;
}

float
test_random_float (float scale)
{
  return ((float) (test_random () >> 8) * 0x1p-23f - 1.0f) * scale;
}

void
test_fill_random (float *p, size_t n, float scale)
{
  for (size_t i = 0; i < n; i++)
    p[i] = test_random_float (scale);
}

void *
guarded_alloc (Guarded *guarded, size_t size, size_t alignment)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t inner = (size + alignment + page - 1) / page * page;
  uintptr_t data;

  guarded->map_size = inner + 2 * page;
  guarded->map = mmap (
      NULL, guarded->map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (guarded->map == MAP_FAILED
      || mprotect (guarded->map + page, inner, PROT_READ | PROT_WRITE) != 0) {
    perror ("mmap");
    exit (EXIT_FAILURE);
  }
  guarded->begin = guarded->map + page;
  guarded->end = guarded->begin + inner;
  memset (guarded->begin, CANARY, inner);
  data = (uintptr_t) (guarded->end - size);
  guarded->data = guarded->end - size - data % alignment;
  guarded->size = size;
  return guarded->data;
}

float *
guarded_floats (Guarded *guarded, size_t n)
{
  return guarded_alloc (guarded, n * sizeof (float), sizeof (float));
}

float *
guarded_aligned (Guarded *guarded, size_t n)
{
  return guarded_alloc (guarded, n * sizeof (float), NPU_ALIGNMENT);
}

bool
guarded_intact (const Guarded *guarded)
{
  for (const uint8_t *p = guarded->begin; p < guarded->data; p++)
    if (*p != CANARY)
      return false;
  for (const uint8_t *p = guarded->data + guarded->size; p < guarded->end; p++)
    if (*p != CANARY)
      return false;
  return true;
}

void
guarded_free (Guarded *guarded)
{
  munmap (guarded->map, guarded->map_size);
}

bool
test_is_untouched (float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  return bits == 0xffffffff;
}

bool
test_amx_emulated (NpuKernels *kernels)
{
#ifdef HAVE_AMX_EMULATION
  if (!(npu_cpu_flags () & NPU_CPU_AVX512_BF16)
      || npu_kernels_init (kernels, npu_cpu_flags (), "avx512vnni") != 0)
    return false;
  npu_amx_emulated_init (kernels);
  kernels->isa = "amx (emulated)";
  return true;
#else
  return false;
#endif
}

void
test_each_isa (void (*run) (const NpuKernels *c, const NpuKernels *kernels))
{
  NpuKernels c, kernels;

  handle_fault (SIGSEGV);
  handle_fault (SIGBUS);
  npu_kernels_init (&c, 0, "c");
  for (const char *const *isa = npu_kernels_isas (); *isa; isa++) {
    if (npu_kernels_init (&kernels, npu_cpu_flags (), *isa) < 0) {
      printf ("%s: not on this processor\n", *isa);
      continue;
    }
    run (&c, &kernels);
    printf ("%s: done\n", *isa);
  }
  if (test_amx_emulated (&kernels)) {
    run (&c, &kernels);
    printf ("%s: done\n", kernels.isa);
  }
}

void
packed_weights_init (PackedWeights *weights, const NpuProduct *product,
    const float *w, const float *bias, size_t n, size_t k)
{
  size_t panel = product->panel;
  size_t n_panels = (n + panel - 1) / panel;
  void *panels = guarded_alloc (
      &weights->panels, n_panels * product->panel_bytes (k), NPU_ALIGNMENT);
  float *padded = guarded_aligned (&weights->bias, n_panels * panel);

  memset (padded, 0, n_panels * panel * sizeof *padded);
  memcpy (padded, bias, n * sizeof *padded);
  product->pack (w, k, k, 0, n, panels);
  weights->n_panels = n_panels;
  weights->packed = (NpuPacked){ n, k, panels, padded };
}

void
packed_weights_clear (PackedWeights *weights)
{
  test_check (guarded_intact (&weights->panels), "packed panels overrun");
  guarded_free (&weights->panels);
  guarded_free (&weights->bias);
}
