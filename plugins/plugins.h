/*
 * plugins.h - torg's GStreamer elements.
 *
 * One plugin, "torg": registered statically by app/ (and by tests), and built as libgsttorg.so for
 * gst-inspect-1.0 and gst-launch-1.0. Properties and signals: msg/element.h and gst-inspect-1.0.
 */
#ifndef TG_PLUGINS_PLUGINS_H
#define TG_PLUGINS_PLUGINS_H

#include <gst/gst.h>

#include "base/err.h"
#include "msg/element.h"

/* After gst_init; any number of times. Errors: IO (GStreamer refused). */
TG_MUST_CHECK tg_err tg_plugins_register(void);

/*
 * Hand one access unit to a torgingestsrc or torgrtcsrc. Any one thread; never blocks. Takes
 * au->data. Errors: LIMIT (queue full, or waiting for a keyframe after that), AGAIN (dropped: no
 * set-up bytes came yet, or no keyframe of a codec without them, or the frame is of before the
 * show's media time 0), UNSUPPORTED (a codec that the element does not take, or another than the
 * first), CLOSED (after end-of-stream).
 */
tg_err tg_ingest_src_push(GstElement *src, const struct tg_au *take_au);
/* What is queued still flows, then EOS. */
void tg_ingest_src_end(GstElement *src);

/* Frames go to out->fn from the next one on. The struct is copied. */
void tg_fanout_sink_set_out(GstElement *sink, const struct tg_fanout_out *out);
/* Ask the encoder upstream for a keyframe (GstForceKeyUnit). Any thread; without limit. */
void tg_fanout_sink_request_keyframe(GstElement *sink);

/* GObject types, for the registration only. */
GType tg_ingest_src_get_type(void);
GType tg_rtc_src_get_type(void);
GType tg_fanout_sink_get_type(void);

#endif
