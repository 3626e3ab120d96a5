/*
 * viewer_priv.h - what the files of the viewer share.
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

/* The source packet behind a sequence number that was sent; false = forgotten. */
bool tg_viewer_packet_of(const struct tg_viewer_track *t, uint64_t seq, uint64_t *ret_packet,
                         uint8_t *ret_layer);

/* viewer_quality.c */
enum { TG_VIEWER_LAYERS_MASK = (1 << TG_LAYERS_MAX) - 1 };
/* The layer to begin with, and the pace. */
void tg_viewer_quality_start(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now);
/* Due at quality_at: which layer, pause, probe, pace. */
void tg_viewer_quality_run(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now);
/*
 * layer_to differs from layer: goes there when its keyframe is there. True: the video frame at the
 * cursor must wait, because the other layer's frame of that time may be the keyframe.
 */
bool tg_viewer_switch(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now);
/* Packets wait long in the viewer's way. */
bool tg_viewer_congested(const struct tg_viewer *v);
/* Lets go of the frame kept for probes. */
void tg_viewer_probe_drop(struct tg_viewer *v);
/* The next packet of the probe under way. IDLE = it is over. */
enum tg_viewer_step tg_viewer_probe_next(struct tg_viewer *v, const struct tg_viewer_source *src,
                                         tg_us now, struct tg_viewer_packet *ret);

/* viewer_stream.c: each look at the quality of a viewer by TCP; then what the choice is made by. */
void tg_viewer_stream_tick(struct tg_viewer *v, tg_us now);
void tg_viewer_stream_input(struct tg_viewer *v, struct tg_quality_in *inout);

#endif
