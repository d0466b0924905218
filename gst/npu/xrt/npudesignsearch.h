/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesignsearch.h: where designs for NPUs are looked for.
 *
 * In this order:
 *   1. the folders of NPU_DESIGN_PATH, separated by colons;
 *   2. the user's data folder, $XDG_DATA_HOME/gst-npu/designs;
 *   3. what was installed with the plugin, $libdir/gst-npu/designs.
 * Each holds a folder per design; a folder of NPU_DESIGN_PATH may also be a
 * design itself.  Of two designs of one name for one device, the first counts.
 * A process that runs with more rights than its user (setuid) looks at no
 * variable.
 */
#ifndef NPU_DESIGN_SEARCH_H
#define NPU_DESIGN_SEARCH_H

#include "npudesign.h"

G_BEGIN_DECLS

typedef enum {
  NPU_DESIGN_PLACE_VARIABLE,
  NPU_DESIGN_PLACE_DATA,
  NPU_DESIGN_PLACE_INSTALLED
} NpuDesignPlace;

/* Either a design or the reason why it was skipped. */
typedef struct {
  NpuDesignPlace place;
  gchar *path; /* of a design's folder, or of a place without any */
  NpuDesign *design;
  gchar *reason;
} NpuDesignCandidate;

/* "NPU_DESIGN_PATH", "data folder", "installed" */
const gchar *npu_design_place_name (NpuDesignPlace place);

/* Everything that was found, loaded, in order, as NpuDesignCandidate.  A place
 * with nothing in it is there once, with its reason.  @installed stands for
 * the third place; NULL: where this build's own are installed. */
GPtrArray *npu_design_search (const gchar *installed);

/* The design of that name for that device (transfer none), or NULL. */
NpuDesign *npu_design_search_find (
    GPtrArray *candidates, const gchar *name, guint generation);

G_END_DECLS
#endif /* NPU_DESIGN_SEARCH_H */
