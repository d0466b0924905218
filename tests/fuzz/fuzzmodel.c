/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzzmodel.c: any bytes as a weight file. */
#include "fuzzmodel.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "npubackend.h"
#include "whispermodel.h"

static NpuBackend *
get_backend (void)
{
  static NpuBackend *backend;

  if (backend == NULL)
    backend = npu_cpu_backend_new (NULL, NULL);
  return backend;
}

/* The CPU backend reads all of a model's weights when it packs them. */
static void
pack (WhisperModel *model)
{
  NpuBackend *backend = get_backend ();
  NpuProgram *program;
  NpuWeights weights;

  whisper_model_get_weights (model, &weights);
  program =
      backend->ops->program_new (backend, &weights, NPU_PRECISION_F32, NULL);
  if (program != NULL)
    backend->ops->program_free (program);
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
    pack (model);
    whisper_model_unref (model);
  } else {
    check_refusal (error);
  }
  g_free (path);
  close (fd);
}
