/*
 * rx_stream_priv.h - between rx_stream.c (packets in, feedback out) and rx_frames.c (frames out).
 */
#ifndef TG_RTC_RX_STREAM_PRIV_H
#define TG_RTC_RX_STREAM_PRIV_H

#include "rtc/rx_stream.h"

enum {
    TG_RX_HOLE_US_MAX = TG_US_PER_S,           /* then it is given up */
    TG_RX_HOLE_KEY_US_MIN = 150 * TG_US_PER_MS /* a keyframe costs as much as many repairs */
};

/* A newer whole keyframe may go ahead of a hole of that age. */
static inline tg_us tg_rx_hole_jump_us(const struct tg_rx_stream *s)
{
    return TG_MAX(s->cfg.rtt_us + s->cfg.rtt_us / 4, (tg_us)60 * TG_US_PER_MS);
}

/* A keyframe is asked for when a hole gets that old. */
static inline tg_us tg_rx_hole_key_us(const struct tg_rx_stream *s)
{
    return TG_MIN(TG_MAX(s->cfg.rtt_us * 5 / 2, (tg_us)TG_RX_HOLE_KEY_US_MIN),
                  (tg_us)TG_RX_HOLE_US_MAX);
}

tg_us tg_rx_audio_wait_us(const struct tg_rx_stream *s);
/* The ring was started anew. */
void tg_rx_frames_begin(struct tg_rx_stream *s);
/* All below `to` is lost or dropped; video then waits for a keyframe. */
void tg_rx_frames_give_up(struct tg_rx_stream *s, tg_us now, uint64_t to);

#endif
