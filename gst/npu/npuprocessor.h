/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuprocessor.h: what the processor is called. */
#ifndef NPU_PROCESSOR_H
#define NPU_PROCESSOR_H

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): for people, and to tell whether two runs were made on the
 * same machine; "unknown processor" where the system does not say. */
gchar *npu_processor_name (void);

G_END_DECLS
#endif /* NPU_PROCESSOR_H */
