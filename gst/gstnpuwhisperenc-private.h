/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperenc-private.h: the element npuwhisperenc, for the two files that
 * make it: gstnpuwhisperenc.c is what an application sees and gstnpuwhisperstream.c
 * what its streaming thread does.
 */
#ifndef GST_NPU_WHISPER_ENC_PRIVATE_H
#define GST_NPU_WHISPER_ENC_PRIVATE_H

#include "gstnpucaps.h"
#include "gstnpuheldevents.h"
#include "gstnpuwhisperenc.h"
#include "gstnpuwhisperengine.h"
#include "gstnpuwhisperlive.h"
#include "gstnpuwhisperreport.h"
#include "gstnpuwindow.h"

G_BEGIN_DECLS

struct _GstNpuWhisperEnc {
  GstBaseTransform parent;

  /* Under the OBJECT_LOCK. */
  GstNpuWhisperSettings settings;
  gboolean settings_changed; /* since the encoder was opened */
  GstNpuContext *context;
  GstCaps *sink_caps, *src_caps; /* NULL until the model is known */
  gchar *active_model;
  const gchar *active_backend, *active_precision;
  gsize window_frames;    /* 0 unless open */
  gboolean whole_windows; /* come from upstream */
  GstClockTime stride_time, processing_time;
  GstClockTime stats_interval; /* 0: at the end only */

  /* From NULL→READY to READY→NULL. */
  GstNpuEngine engine;
  GstNpuWindow window;

  /* The streaming thread's. */
  GstNpuLogmelInfo in_info;
  gfloat *states; /* to become 16-bit floats; NULL if they stay as they are */
  gboolean wants_tensor_meta; /* downstream */
  GstNpuInput input;
  GstClockTime next_pts; /* if the stream goes on as it should */
  gboolean discont;      /* the next window is the first */
  gboolean segment_refused, caps_refused; /* its error has been posted */
  gboolean prerolled;                     /* gst_npu_preroll() */
  GstNpuHeldEvents held;                  /* they follow the open window */
  GstNpuWhisperLive live;
  GstClockTime stats_posted; /* monotonic clock */

  GstNpuWhisperReport report; /* locks for itself */
};

/* Any thread. */
GstNpuWhisperPace gst_npu_whisper_enc_get_pace (GstNpuWhisperEnc *self);
void gst_npu_whisper_enc_post_latency (GstNpuWhisperEnc *self);
/* Says in @structure what it is that runs. */
void gst_npu_whisper_enc_add_active (
    GstNpuWhisperEnc *self, GstStructure *structure);

G_END_DECLS
#endif /* GST_NPU_WHISPER_ENC_PRIVATE_H */
