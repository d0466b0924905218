/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperstream.h: what npuwhisperenc's streaming thread does, as functions
 * of its GstBaseTransformClass.
 */
#ifndef GST_NPU_WHISPER_STREAM_H
#define GST_NPU_WHISPER_STREAM_H

#include "gstnpuwhisperenc-private.h"

G_BEGIN_DECLS

gboolean gst_npu_whisper_stream_start (GstBaseTransform *trans);
gboolean gst_npu_whisper_stream_stop (GstBaseTransform *trans);
gboolean gst_npu_whisper_stream_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps);
gboolean gst_npu_whisper_stream_decide_allocation (
    GstBaseTransform *trans, GstQuery *query);
GstFlowReturn gst_npu_whisper_stream_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer);
GstFlowReturn gst_npu_whisper_stream_generate_output (
    GstBaseTransform *trans, GstBuffer **outbuf);
gboolean gst_npu_whisper_stream_sink_event (
    GstBaseTransform *trans, GstEvent *event);

G_END_DECLS
#endif /* GST_NPU_WHISPER_STREAM_H */
