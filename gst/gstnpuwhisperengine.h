/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperengine.h: what npuwhisperenc computes with from READY on: the
 * weights, packed for a device and shared through its context, and an encoder
 * for one window at a time.
 */
#ifndef GST_NPU_WHISPER_ENGINE_H
#define GST_NPU_WHISPER_ENGINE_H

#include "gstnpucontext-private.h"
#include "gstnpuwhispersettings.h"
#include "whisperencoder.h"

G_BEGIN_DECLS

typedef struct {
  GstNpuContext *context;
  WhisperProgram *program; /* belongs to the context's cache */
  gchar *program_key;
  WhisperEncoder *encoder; /* NULL unless open */
  gchar *model_name;
} GstNpuEngine;

/* Reads and packs the weights: slow.  FALSE after an error was posted on
 * @element; @engine is closed then. */
gboolean gst_npu_engine_open (GstNpuEngine *engine, GstElement *element,
    GstNpuContext *context, const GstNpuWhisperSettings *settings);
void gst_npu_engine_close (GstNpuEngine *engine);

/* Of an open engine. */
const NpuEncoderShape *gst_npu_engine_get_shape (const GstNpuEngine *engine);
guint gst_npu_engine_get_positions (const GstNpuEngine *engine);
const gchar *gst_npu_engine_get_backend (const GstNpuEngine *engine);
const gchar *gst_npu_engine_get_precision (const GstNpuEngine *engine);
/* Windows of all elements that wait for the device now. */
guint gst_npu_engine_get_waiting (const GstNpuEngine *engine);
/* Bytes of a window's states. */
gsize gst_npu_engine_get_states_size (const GstNpuEngine *engine);

G_END_DECLS
#endif /* GST_NPU_WHISPER_ENGINE_H */
