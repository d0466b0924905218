/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesign.h: a program for an NPU, read and checked: a folder with a
 * manifest, an xclbin, an insts file for each sequence, and a known answer.
 * Needs no NPU and no XRT.
 */
#ifndef NPU_DESIGN_H
#define NPU_DESIGN_H

#include "npuinsts.h"
#include "npumanifest.h"
#include "npuxclbin.h"

G_BEGIN_DECLS

typedef struct {
  GBytes *bytes;
  NpuInsts info;
} NpuDesignInsts;

/* Immutable: may be read by any thread that holds a reference. */
typedef struct {
  gint refs; /* atomic */
  gchar *folder;
  const NpuManifest *manifest;
  GBytes *xclbin;
  NpuXclbin info;        /* of the xclbin */
  NpuDesignInsts *insts; /* one for each of the manifest's sequences */
  GBytes *known_answer;
} NpuDesign;

/* Reads the design in @folder: each file is sound and has the length and the
 * SHA-256 of the manifest, and they agree on device, columns, kernel and
 * buffers.  NULL with an NPU_DESIGN_ERROR if not. */
NpuDesign *npu_design_load (const gchar *folder, GError **error);
NpuDesign *npu_design_ref (NpuDesign *design);
void npu_design_unref (NpuDesign *design);

G_END_DECLS
#endif /* NPU_DESIGN_H */
