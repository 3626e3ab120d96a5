/*
 * viewer_priv.h - what viewer.c (packets) and viewer_rtcp.c (reports, feedback) share.
 */
#ifndef TG_FANOUT_VIEWER_PRIV_H
#define TG_FANOUT_VIEWER_PRIV_H

#include "fanout/viewer.h"

/* Where a protected packet goes. */
struct tg_viewer_sink {
    struct tg_srtp_tx *tx;
    uint8_t *out;
    size_t cap;
    size_t len; /* result */
};

/* The payload types of a codec on a track; NULL = it was not negotiated. */
const struct tg_viewer_codec *tg_viewer_codec_of(const struct tg_viewer_track *t, uint8_t codec);

/* The viewer misses one packet: queue it again unless it was just answered or is one too many. */
void tg_viewer_nack(struct tg_viewer *v, tg_us now, enum tg_track track, uint16_t seq);

#endif
