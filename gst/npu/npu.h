/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npu.h: the whole of the library's public interface. */
#ifndef GST_NPU_H
#define GST_NPU_H

#include "gstnpucontext.h"
#include "gstnpuutils.h"

#endif /* GST_NPU_H */
