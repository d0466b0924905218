/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhispersettings.h: what an application asks of npuwhisperenc, as
 * properties of the element.  The element's OBJECT_LOCK guards them.
 */
#ifndef GST_NPU_WHISPER_SETTINGS_H
#define GST_NPU_WHISPER_SETTINGS_H

#include <gst/gst.h>

#include "npubackend.h"

G_BEGIN_DECLS

/* NpuPrecision as a registered enumeration. */
#define GST_TYPE_NPU_PRECISION (gst_npu_precision_get_type ())
GType gst_npu_precision_get_type (void);

/* Property numbers; the element's own begin at GST_NPU_N_SETTINGS. */
enum {
  GST_NPU_SETTING_DEVICE = 1,
  GST_NPU_SETTING_PRECISION,
  GST_NPU_SETTING_MODEL,
  GST_NPU_SETTING_THREADS,
  GST_NPU_SETTING_AUDIO_CTX,
  GST_NPU_SETTING_STRIDE,
  GST_NPU_N_SETTINGS
};

typedef struct {
  gchar *device;
  NpuPrecision precision;
  gchar *model;        /* a file or synthetic[:size]; NULL: search */
  guint threads;       /* 0: as many as the process may use */
  guint audio_ctx;     /* positions in a window; 0: the model's */
  GstClockTime stride; /* from window to window; NONE: a whole window */
} GstNpuWhisperSettings;

void gst_npu_whisper_settings_init (GstNpuWhisperSettings *settings);
void gst_npu_whisper_settings_copy (
    GstNpuWhisperSettings *to, const GstNpuWhisperSettings *from);
void gst_npu_whisper_settings_clear (GstNpuWhisperSettings *settings);

void gst_npu_whisper_settings_install (GObjectClass *gobject_class);
/* FALSE if @prop_id is not a setting. */
gboolean gst_npu_whisper_settings_set (
    GstNpuWhisperSettings *settings, guint prop_id, const GValue *value);
gboolean gst_npu_whisper_settings_get (
    const GstNpuWhisperSettings *settings, guint prop_id, GValue *value);

/* The stride in frames, for windows of @size; 0 if it cannot be one. */
gsize gst_npu_whisper_settings_get_stride (
    const GstNpuWhisperSettings *settings, gsize size);

G_END_DECLS
#endif /* GST_NPU_WHISPER_SETTINGS_H */
