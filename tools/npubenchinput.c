/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchinput.c: the input of all rows and the results it must give.
 *
 * With NPU_TEST_DATA and its weights, input and results are OpenAI's own
 * (golden/).  Otherwise the input is a synthetic voice, and the results are
 * those of the plain C kernels, which are the specification.
 */
#include "npubench.h"

#include <math.h>
#include <string.h>

#include "whispermel.h"

#define WINDOW_SAMPLES (30 * NPU_MEL_RATE)

/* A glottal pulse train of varying pitch with three formants' worth of
 * harmonics, pauses between "syllables", and faint noise: every band and
 * every level that speech has.  In 16 bits, as sound files have it. */
static void
make_voice (gfloat *samples, gsize n)
{
  gdouble phase = 0;
  guint32 noise = 1;

  for (gsize i = 0; i < n; i++) {
    gdouble t = (gdouble) i / NPU_MEL_RATE;
    gdouble syllable = fmax (0, sin (2 * G_PI * 1.7 * t));
    gdouble value = 0;

    phase += (120 + 30 * sin (2 * G_PI * 0.4 * t)) / NPU_MEL_RATE;
    for (guint harmonic = 1; harmonic <= 30; harmonic++)
      value += sin (2 * G_PI * harmonic * phase)
               / (harmonic * (1 + 0.5 * sin (0.7 * t * harmonic)));
    noise = noise * 1664525u + 1013904223u;
    value =
        0.1 * syllable * value + 1e-3 * ((gdouble) noise / G_MAXUINT32 - 0.5);
    samples[i] = (gfloat) (rint (CLAMP (value, -1, 0.99) * 32768) / 32768);
  }
}

static gchar *
golden_path (const gchar *name)
{
  const gchar *data = g_getenv ("NPU_TEST_DATA");

  return data != NULL ? g_build_filename (data, name, NULL) : NULL;
}

/* The contents of a golden file of exactly @bytes (0: any size), or NULL. */
static gchar *
read_golden (const gchar *name, gsize bytes, gsize *length)
{
  gchar *path = golden_path (name);
  gchar *contents = NULL;

  if (path != NULL && g_file_get_contents (path, &contents, length, NULL)
      && bytes != 0 && *length != bytes)
    g_clear_pointer (&contents, g_free);
  g_free (path);
  return contents;
}

static gboolean
has_golden_weights (WhisperModel *model)
{
  gchar *path = golden_path ("whisper-base/encoder.safetensors");
  gboolean same = g_strcmp0 (path, whisper_model_get_location (model)) == 0;

  g_free (path);
  return same;
}

/* jfk.wav is 16 kHz mono s16; silence follows it up to 30 s. */
static gboolean
load_golden_samples (BenchInput *input)
{
  gsize length, data, n_samples = 0;
  guchar *wav = (guchar *) read_golden ("golden/jfk.wav", 0, &length);

  if (wav == NULL)
    return FALSE;
  for (data = 12; data + 8 <= length;) {
    guint32 size = wav[data + 4] | wav[data + 5] << 8 | wav[data + 6] << 16
                   | (guint32) wav[data + 7] << 24;

    if (memcmp (wav + data, "data", 4) == 0) {
      n_samples = MIN (MIN (size, length - data - 8) / 2, WINDOW_SAMPLES);
      for (gsize i = 0; i < n_samples; i++) {
        const guchar *s = wav + data + 8 + 2 * i;

        input->samples[i] = (gint16) (s[0] | s[1] << 8) / 32768.0f;
      }
      break;
    }
    data += 8 + size + (size & 1);
  }
  g_free (wav);
  return n_samples > 0;
}

/* The golden log-mel is mel-major, [80][3000]. */
static gboolean
load_golden_results (BenchInput *input)
{
  gsize length;
  gsize mels = input->shape.n_mels, frames = WHISPER_MEL_FRAMES;
  gfloat *mel = (gfloat *) read_golden (
      "golden/jfk.logmel.f32", mels * frames * sizeof (gfloat), &length);

  input->reference_states =
      (gfloat *) read_golden ("golden/jfk.encoder-base.f32",
          (gsize) input->shape.positions * input->shape.width * sizeof (gfloat),
          &length);
  if (mel != NULL && input->reference_states != NULL) {
    input->reference = "OpenAI's reference (golden)";
    for (gsize band = 0; band < mels; band++)
      for (gsize frame = 0; frame < frames; frame++)
        input->reference_mel[frame * mels + band] = mel[band * frames + frame];
  }
  g_free (mel);
  return input->reference != NULL;
}

gboolean
bench_mel (
    NpuBackend *backend, const BenchInput *input, gfloat *out, GError **error)
{
  WhisperMel *mel = whisper_mel_new (backend, input->shape.n_mels);
  gboolean ok;

  whisper_mel_push (mel, input->samples, WINDOW_SAMPLES);
  whisper_mel_drain (mel);
  ok = whisper_mel_pull (mel, WHISPER_MEL_FRAMES, out, error);
  whisper_mel_free (mel);
  return ok;
}

static gboolean
compute_states (BenchInput *input, NpuBackend *backend, GError **error)
{
  WhisperProgram *program =
      whisper_program_new (backend, input->model, NPU_PRECISION_F32, error);
  WhisperEncoder *encoder;
  gboolean ok = FALSE;

  if (program == NULL)
    return FALSE;
  encoder = whisper_encoder_new (program, input->positions, 0, error);
  if (encoder != NULL) {
    input->reference_states =
        g_new (gfloat, (gsize) input->positions * input->shape.width);
    ok = whisper_encoder_run (encoder, input->mel, 2 * (gsize) input->positions,
        input->reference_states, error);
    whisper_encoder_free (encoder);
  }
  whisper_program_free (program);
  return ok;
}

/* Everything that the plain C kernels are asked for. */
static gboolean
compute_reference (BenchInput *input, gboolean golden, GError **error)
{
  NpuBackend *backend = npu_cpu_backend_new ("c", error);
  gsize values = (gsize) WHISPER_MEL_FRAMES * input->shape.n_mels;
  gboolean ok;

  if (backend == NULL)
    return FALSE;
  ok = bench_mel (backend, input, input->mel, error);
  /* The golden states are those of a whole window. */
  golden = golden && input->positions == input->shape.positions;
  if (ok && !(golden && load_golden_results (input))) {
    input->reference = "the plain C kernels";
    whisper_mel_normalize (input->mel, values, input->reference_mel);
    ok = compute_states (input, backend, error);
  }
  backend->ops->free (backend);
  return ok;
}

BenchInput *
bench_input_new (WhisperModel *model, guint audio_ctx, GError **error)
{
  BenchInput *input = g_new0 (BenchInput, 1);
  gboolean golden = has_golden_weights (model);
  gsize values;

  input->model = model;
  input->shape = *whisper_model_get_shape (model);
  if (audio_ctx > input->shape.positions) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--audio-ctx is at most %u with this model", input->shape.positions);
    bench_input_free (input);
    return NULL;
  }
  input->positions = audio_ctx > 0 ? audio_ctx : input->shape.positions;
  values = (gsize) WHISPER_MEL_FRAMES * input->shape.n_mels;
  input->samples = g_new0 (gfloat, WINDOW_SAMPLES);
  input->mel = g_new (gfloat, values);
  input->reference_mel = g_new (gfloat, values);

  golden = golden && load_golden_samples (input);
  if (!golden)
    make_voice (input->samples, WINDOW_SAMPLES);
  if (!compute_reference (input, golden, error)) {
    bench_input_free (input);
    return NULL;
  }
  return input;
}

void
bench_input_free (BenchInput *input)
{
  whisper_model_unref (input->model);
  g_free (input->samples);
  g_free (input->mel);
  g_free (input->reference_mel);
  g_free (input->reference_states);
  g_free (input);
}
