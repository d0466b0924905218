/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpucontext.h: a device that elements and pipelines share. */
#ifndef GST_NPU_CONTEXT_H
#define GST_NPU_CONTEXT_H

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * GstNpuContext:
 *
 * A #GstNpuContext stands for one opened device: an NPU or the CPU.  Elements
 * find or make one with gst_npu_ensure_element_context() and hand it on by
 * GStreamer's context protocol (%GST_NPU_CONTEXT_TYPE), so that a pipeline opens
 * its device once.  An application may make one itself and set it on its
 * pipelines.
 *
 * The context also keeps what is dear to make and may be shared, such as packed
 * weights.  All functions are thread-safe; the last reference may be dropped on
 * any thread.
 *
 * A child process that was made by fork() and not replaced by exec() opens
 * devices of its own: gst_npu_context_new() and elements never find the
 * parent's there.  A context of the CPU that the child inherited may still be
 * used by it explicitly, for instance to share weights that are packed already,
 * if no other thread was using it at the time of the fork.
 *
 * Since: 0.1
 */
#define GST_TYPE_NPU_CONTEXT (gst_npu_context_get_type ())
G_DECLARE_FINAL_TYPE (
    GstNpuContext, gst_npu_context, GST, NPU_CONTEXT, GstObject)

/**
 * GST_NPU_CONTEXT_TYPE:
 *
 * Type of the #GstContext that carries a #GstNpuContext from element to
 * element.  Its structure has the fields "context" (#GstNpuContext) and
 * "device" (string).
 *
 * Since: 0.1
 */
#define GST_NPU_CONTEXT_TYPE "gst.npu.context"

/**
 * gst_npu_context_new:
 * @device: (nullable): "auto" (also %NULL): the best device; "cpu"
 * @error: return location for an error
 *
 * Opens @device, or takes another reference on the context of this process that
 * has it open: there is one for each device, as long as someone holds it.
 *
 * GStreamer must be initialised.  Any thread; blocks while a device is opened.
 *
 * Returns: (transfer full) (nullable): a context, or %NULL with @error set:
 *     %GST_RESOURCE_ERROR_NOT_FOUND for a device that is not there,
 *     %GST_LIBRARY_ERROR_SETTINGS for an NPU_ISA in the environment that the
 *     processor lacks, %G_IO_ERROR_NO_SPACE without memory for worker threads
 *
 * Since: 0.1
 */
GstNpuContext *gst_npu_context_new (const gchar *device, GError **error);

/**
 * gst_npu_context_get_device:
 * @context: a #GstNpuContext
 *
 * Returns: (transfer none): the device that is open, "cpu" for instance; never
 *     "auto"
 *
 * Since: 0.1
 */
const gchar *gst_npu_context_get_device (GstNpuContext *context);

/**
 * gst_npu_context_is_hardware:
 * @context: a #GstNpuContext
 *
 * Returns: %TRUE if the device is an NPU, %FALSE if it is the CPU
 *
 * Since: 0.1
 */
gboolean gst_npu_context_is_hardware (GstNpuContext *context);

/**
 * gst_npu_context_get_stats:
 * @context: a #GstNpuContext
 *
 * Tells what the device is and who uses it, at this moment:
 *
 * | field | type | what |
 * |---|---|---|
 * | `device` | string | as gst_npu_context_get_device() says |
 * | `backend` | string | what runs: "cpu" |
 * | `description` | string | of the device, for people: instruction set, threads |
 * | `users` | uint | elements that have weights open on it: each npuwhisperenc from READY on; npumel needs none and is not counted |
 * | `programs` | uint | sets of packed weights: one for each file and precision in use, however many elements use it |
 * | `packed-bytes` | uint64 | memory that these take, in bytes |
 * | `windows` | uint64 | windows that were begun since the device was opened |
 * | `queue-time` | uint64 | nanoseconds that these waited for their turn, in all |
 * | `waiting` | uint | windows that wait for their turn now |
 *
 * May be called on any thread, while windows run.
 *
 * Returns: (transfer full): a new structure "npu-context-stats"
 *
 * Since: 0.1
 */
GstStructure *gst_npu_context_get_stats (GstNpuContext *context);

/**
 * gst_context_new_npu_context:
 * @context: a #GstNpuContext
 * @persistent: whether elements keep it in the NULL state; %TRUE is for
 *     applications that own the context
 *
 * Packs @context for gst_element_set_context(): on a pipeline before it leaves
 * the NULL state, or on the element that posted a NEED_CONTEXT message, in a
 * sync handler of its bus.  The result holds a reference on @context.
 *
 * Returns: (transfer full): a #GstContext that carries @context
 *
 * Since: 0.1
 */
GstContext *gst_context_new_npu_context (
    GstNpuContext *context, gboolean persistent);

G_END_DECLS
#endif /* GST_NPU_CONTEXT_H */
