/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispermel.c: framing, history, tail and normalisation.
 *
 * The samples that a later frame may still look at lie in one array, in the
 * coordinates of the padded signal: position p holds sample p - 200, so that
 * frame t is the positions 160 t … 160 t + 399 and the mirrored start needs no
 * special case once it has been filled in.  Everything that is computed is a
 * function of positions, so the way the samples were cut cannot show.
 */
#include "whispermel.h"

#include <math.h>
#include <string.h>

#define HALF_WINDOW (NPU_MEL_WINDOW / 2)

/* The power of a frame of samples as large as this is (400 * 1e15)^2 = 1.6e35,
 * still a float. */
#define MAX_SAMPLE 1e15f

G_STATIC_ASSERT (WHISPER_MEL_LOOKAHEAD == HALF_WINDOW);

struct _WhisperMel {
  NpuBackend *backend;
  NpuMelPlan plan;

  guint64 samples;   /* pushed */
  guint64 pulled;    /* frames */
  gboolean mirrored; /* the positions before sample 0 are filled */
  gboolean drained;

  gfloat *history;
  gsize first;  /* index of position 160 * pulled */
  gsize filled; /* floats in use, those before first included */
  gsize allocated;
};

static void
reserve (WhisperMel *mel, gsize n)
{
  gsize kept = mel->filled - mel->first;

  if (mel->allocated - mel->filled >= n)
    return;
  /* Moving what is kept costs no more than the samples consumed since the
   * last move: linear in all, and the array stays as small as its contents. */
  if (mel->first > 0 && mel->first >= kept) {
    memmove (mel->history, mel->history + mel->first, kept * sizeof (gfloat));
    mel->first = 0;
    mel->filled = kept;
  }
  if (mel->allocated - mel->filled < n) {
    mel->allocated = MAX (2 * mel->allocated, mel->filled + n);
    mel->history = g_renew (gfloat, mel->history, mel->allocated);
  }
}

static void
append_silence (WhisperMel *mel, gsize n)
{
  reserve (mel, n);
  memset (mel->history + mel->filled, 0, n * sizeof (gfloat));
  mel->filled += n;
}

/* x[-i] = x[i]; no frame was pulled before that, so sample 0 is at 200. */
static void
mirror_start (WhisperMel *mel)
{
  gfloat *x = mel->history + mel->first + HALF_WINDOW;

  for (gint i = 1; i <= HALF_WINDOW; i++)
    x[-i] = x[i];
  mel->mirrored = TRUE;
}

WhisperMel *
whisper_mel_new (NpuBackend *backend, guint n_bands)
{
  WhisperMel *mel = g_new0 (WhisperMel, 1);

  mel->backend = backend;
  npu_mel_plan_init (&mel->plan, n_bands);
  whisper_mel_reset (mel);
  return mel;
}

void
whisper_mel_free (WhisperMel *mel)
{
  g_free (mel->history);
  g_free (mel);
}

void
whisper_mel_reset (WhisperMel *mel)
{
  mel->samples = 0;
  mel->pulled = 0;
  mel->mirrored = FALSE;
  mel->drained = FALSE;
  mel->first = 0;
  mel->filled = 0;
  append_silence (mel, HALF_WINDOW);
}

void
whisper_mel_push (WhisperMel *mel, const gfloat *samples, gsize n)
{
  gfloat *out;

  g_return_if_fail (!mel->drained);
  reserve (mel, n);
  out = mel->history + mel->filled;
  /* What is no number counts as silence: one such sample in a file must not
   * make a whole window of the encoder useless. */
  for (gsize i = 0; i < n; i++)
    out[i] = fabsf (samples[i]) <= MAX_SAMPLE ? samples[i] : 0.0f;
  mel->filled += n;
  mel->samples += n;
  if (!mel->mirrored && mel->samples > HALF_WINDOW)
    mirror_start (mel);
}

/* Frames whose centre lies on a sample that was pushed. */
static guint64
content_frames (WhisperMel *mel)
{
  return (mel->samples + NPU_MEL_HOP - 1) / NPU_MEL_HOP;
}

/* Frames that see any of the samples. */
static guint64
all_frames (WhisperMel *mel)
{
  if (mel->samples == 0)
    return 0;
  return (mel->samples + HALF_WINDOW + NPU_MEL_HOP - 1) / NPU_MEL_HOP;
}

void
whisper_mel_drain (WhisperMel *mel)
{
  guint64 frames = all_frames (mel);
  gsize wanted;

  if (mel->drained)
    return;
  mel->drained = TRUE;
  if (frames == 0)
    return;
  /* From the next frame's first position to the last frame's last. */
  wanted = (frames - mel->pulled - 1) * NPU_MEL_HOP + NPU_MEL_WINDOW;
  /* A stream of less than 201 samples is mirrored with the zeros behind it, as
   * the reference does, which pads with zeros first. */
  if (!mel->mirrored)
    wanted = MAX (wanted, 2 * HALF_WINDOW + 1);
  if (wanted > mel->filled - mel->first)
    append_silence (mel, wanted - (mel->filled - mel->first));
  if (!mel->mirrored)
    mirror_start (mel);
}

guint64
whisper_mel_get_samples (WhisperMel *mel)
{
  return mel->samples;
}

gsize
whisper_mel_available (WhisperMel *mel)
{
  guint64 ready;

  if (mel->drained)
    ready = content_frames (mel);
  else if (mel->mirrored)
    ready = (mel->samples - HALF_WINDOW) / NPU_MEL_HOP + 1;
  else
    ready = 0;
  return ready > mel->pulled ? ready - mel->pulled : 0;
}

gsize
whisper_mel_available_tail (WhisperMel *mel)
{
  guint64 content = content_frames (mel);

  return mel->drained ? all_frames (mel) - MAX (content, mel->pulled) : 0;
}

gboolean
whisper_mel_pull (WhisperMel *mel, gsize n_frames, gfloat *out, GError **error)
{
  gsize ready = whisper_mel_available (mel) + whisper_mel_available_tail (mel);

  g_return_val_if_fail (n_frames <= ready, FALSE);
  if (!mel->backend->ops->mel (mel->backend, &mel->plan,
          mel->history + mel->first, n_frames, out, error))
    return FALSE;
  mel->first += n_frames * NPU_MEL_HOP;
  mel->pulled += n_frames;
  return TRUE;
}

void
whisper_mel_normalize (const gfloat *in, gsize n, gfloat *out)
{
  guint32 mode = npu_cpu_enter_float_mode ();
  gfloat maximum = NPU_MEL_SILENCE;
  gfloat floor_value;

  for (gsize i = 0; i < n; i++)
    maximum = in[i] > maximum ? in[i] : maximum;
  floor_value = maximum - 8.0f;
  for (gsize i = 0; i < n; i++)
    out[i] = ((in[i] > floor_value ? in[i] : floor_value) + 4.0f) / 4.0f;
  npu_cpu_leave_float_mode (mode);
}
