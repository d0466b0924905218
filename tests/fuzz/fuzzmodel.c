/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzzmodel.c: any bytes as a weight file. */
#include "fuzzmodel.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzztarget.h"
#include "npubackend.h"
#include "whispermodel.h"

unsigned fuzz_accepted;

/* The best kernels, and the plain C ones, whose every conversion UBSan sees. */
static NpuBackend *const *
get_backends (void)
{
  static NpuBackend *backends[2];

  if (backends[0] == NULL) {
    backends[0] = npu_cpu_backend_new (NULL, NULL);
    backends[1] = npu_cpu_backend_new ("c", NULL);
  }
  return backends;
}

static void
pack (NpuBackend *backend, const NpuWeights *weights, NpuPrecision precision)
{
  NpuProgram *program =
      backend->ops->program_new (backend, weights, precision, NULL);

  if (program != NULL)
    backend->ops->program_free (program);
}

/* The CPU backend reads all of a model's weights when it packs them. */
static void
pack_all (WhisperModel *model)
{
  NpuWeights weights;

  whisper_model_get_weights (model, &weights);
  for (guint i = 0; i < 2; i++)
    for (gint precision = NPU_PRECISION_F32; precision <= NPU_PRECISION_INT8;
         precision++)
      pack (get_backends ()[i], &weights, precision);
}

static void
check_refusal (GError *error)
{
  if (error == NULL || error->domain != WHISPER_MODEL_ERROR
      || error->message[0] == '\0')
    abort ();
  g_error_free (error);
}

void
fuzz_open_model (const uint8_t *data, size_t size)
{
  int fd = memfd_create ("model", MFD_CLOEXEC);
  gchar *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  GError *error = NULL;
  WhisperModel *model;

  if (fd < 0 || write (fd, data, size) != (ssize_t) size)
    abort ();
  model = whisper_model_open (path, &error);
  if (model != NULL) {
    fuzz_accepted++;
    pack_all (model);
    whisper_model_unref (model);
  } else {
    check_refusal (error);
  }
  g_free (path);
  close (fd);
}
