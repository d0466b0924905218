/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpucaps.h: the media types, built and parsed in one place.
 *
 * audio/x-logmel: format=F32LE, mels={80,128}, rate=16000, n-fft=400, hop=160,
 *   layout={frame-major,mel-major}, norm={none,whisper}, frames=[1,3000]
 *   (the most frames of a buffer)
 * audio/x-whisper-hidden: format={F32LE,F16LE}, model=base, layers=6,
 *   width=512, positions=1500
 * other/tensors (NNStreamer): whole windows of log-mel frames, normalised;
 *   dimensions=80:3000 is frame-major, 3000:80 mel-major
 */
#ifndef GST_NPU_CAPS_H
#define GST_NPU_CAPS_H

#include <gst/gst.h>

#include "npubackend.h"

G_BEGIN_DECLS

#define GST_NPU_LOGMEL_MEDIA_TYPE "audio/x-logmel"
#define GST_NPU_HIDDEN_MEDIA_TYPE "audio/x-whisper-hidden"

/* For static pad templates. */
#define GST_NPU_LOGMEL_STREAM_CAPS                                             \
  GST_NPU_LOGMEL_MEDIA_TYPE                                                    \
  ", format=(string)F32LE, mels=(int){80,128}, "                               \
  "rate=(int)16000, n-fft=(int)400, hop=(int)160, "                            \
  "layout=(string)frame-major, norm=(string)none, frames=(int)[1,3000]"
#define GST_NPU_LOGMEL_WINDOW_CAPS                                             \
  GST_NPU_LOGMEL_MEDIA_TYPE                                                    \
  ", format=(string)F32LE, mels=(int){80,128}, "                               \
  "rate=(int)16000, n-fft=(int)400, hop=(int)160, "                            \
  "layout=(string){mel-major,frame-major}, norm=(string)whisper, "             \
  "frames=(int)3000"
#define GST_NPU_HIDDEN_CAPS                                                    \
  GST_NPU_HIDDEN_MEDIA_TYPE ", format=(string){F32LE,F16LE}"

typedef struct {
  gint mels;
  gint frames;         /* the most frames of a buffer */
  gboolean mel_major;  /* [mels][frames] instead of [frames][mels] */
  gboolean normalized; /* norm=whisper: whole windows */
} GstNpuLogmelInfo;

/* FALSE if @caps are not fixed log-mel caps, nor those of a window as tensor. */
gboolean gst_npu_logmel_info_from_caps (
    GstNpuLogmelInfo *info, const GstCaps *caps);
/* (transfer full) */
GstCaps *gst_npu_logmel_info_to_caps (const GstNpuLogmelInfo *info);
/* (transfer full): every window as tensor. */
GstCaps *gst_npu_logmel_tensor_caps_new (void);
/* (transfer full): @template_caps limited to @mels bands. */
GstCaps *gst_npu_logmel_caps_with_mels (GstCaps *template_caps, gint mels);

/* (transfer full): in either format, F32LE first. */
GstCaps *gst_npu_hidden_caps_new (
    const gchar *model, const NpuEncoderShape *shape, guint positions);

G_END_DECLS
#endif /* GST_NPU_CAPS_H */
