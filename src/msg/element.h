/*
 * element.h - how media/ speaks to torg's own GStreamer elements. media/ never includes plugins/:
 * it makes the elements by their factory names and uses the properties and signals below.
 *
 *   torgingestsrc   action signal "push-au" (const struct tg_au *take_au) -> int (tg_err)
 *                   action signal "end-of-stream" ()
 *   torgrtcsrc      as torgingestsrc, for WebRTC publishers: also VP8 and Opus, and
 *                   signal "keyframe-wanted" () when an element downstream asks for one
 *                   (GstForceKeyUnit, upstream); emitted on the asking thread
 *   torgfanoutsink  property "out" (const struct tg_fanout_out *, copied by the element)
 *                   action signal "request-keyframe" ()
 */
#ifndef TG_MSG_ELEMENT_H
#define TG_MSG_ELEMENT_H

#include "msg/media.h"

#define TG_ELEMENT_INGEST_SRC "torgingestsrc"
#define TG_ELEMENT_RTC_SRC "torgrtcsrc"
#define TG_ELEMENT_FANOUT_SINK "torgfanoutsink"

/* Where a torgfanoutsink hands its frames, and what it writes into each. */
struct tg_fanout_out {
    tg_frame_out_fn fn; /* NULL = count frames only */
    void *ctx;
    uint16_t show;
    uint8_t layer;
    uint32_t generation;
};

#endif
