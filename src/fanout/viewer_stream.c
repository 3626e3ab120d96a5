/*
 * A viewer by TCP. Delay and REMB say little there: the connection repairs and paces by itself, and
 * a line that stood still for a moment looks like an hour's congestion to the receiver. What tells
 * is whether its queue was full, and then how much left it.
 */
#include "fanout/viewer_priv.h"

#define WINDOW_US ((tg_us)TG_US_PER_S)

enum { LOW_LOSS_PM = 1000 }; /* how the choice of layer is told that a try has failed */

void tg_viewer_stream_set(struct tg_viewer *v, tg_us now, bool on)
{
    v->stream = (struct tg_viewer_stream){.on = on, .since = now};
}

/* One full second may be the edge of a stall; of two in a row the better one is what the line
 * carries. A second in which nothing left is no measurement at all. */
void tg_viewer_stream_tick(struct tg_viewer *v, tg_us now)
{
    struct tg_viewer_stream *s = &v->stream;
    const tg_us passed = now - s->since;
    uint32_t bps = 0;

    if (passed < WINDOW_US)
        return;
    if (s->full)
        bps = (uint32_t)TG_MIN(s->bytes * 8 * TG_US_PER_S / (uint64_t)passed, (uint64_t)UINT32_MAX);
    s->estimate_bps = s->last_bps > 0 && bps > 0 ? TG_MAX(s->last_bps, bps) : 0;
    s->last_bps = bps;
    s->bytes = 0;
    s->full = false;
    s->since = now;
}

void tg_viewer_stream_input(struct tg_viewer *v, struct tg_quality_in *inout)
{
    const uint32_t bps = v->stream.estimate_bps;

    v->bwe.estimate_bps = bps; /* for the pace */
    v->bwe.hard = false;
    inout->estimate_bps = bps;
    inout->proves = false;
    inout->stream = true;
    inout->hard = false;
    inout->loss_pm = bps > 0 && bps < inout->layers[v->layer].bps ? LOW_LOSS_PM : 0;
}
