/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_NPU_WHISPER_ENC_H
#define GST_NPU_WHISPER_ENC_H

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_NPU_WHISPER_ENC (gst_npu_whisper_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstNpuWhisperEnc, gst_npu_whisper_enc, GST,
    NPU_WHISPER_ENC, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (npuwhisperenc)

G_END_DECLS
#endif /* GST_NPU_WHISPER_ENC_H */
