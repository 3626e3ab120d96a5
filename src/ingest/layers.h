/*
 * layers.h - which of a publisher's simulcast encodings is which layer of the show.
 * Pure. Owner: one WHIP session.
 *
 * Layer 0 is the best encoding, layers 1 and 2 the next ones; best = most pixels. A better one that
 * comes later takes its place, and the others move down, each at its next keyframe, for which the
 * publisher is asked. Chromium turns the best encoding off when the line gets thin, and back on
 * later: it keeps its layer, which is silent meanwhile, and the fan-out moves the layer's viewers.
 * An encoding flows unless the others are TG_LAYERS_PAUSE_US ahead of it. Only an encoding that the
 * publisher ended (BYE) gives its layer up.
 */
#ifndef TG_INGEST_LAYERS_H
#define TG_INGEST_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/sdp_whip.h"

#define TG_LAYERS_PAUSE_US (700 * (tg_us)TG_US_PER_MS)

struct tg_layers {
    uint32_t changes; /* readable: an encoding took another one's layer */

    struct { /* private from here */
        bool seen;
        bool wait_key;
        int layer; /* -1 = none yet, or lost it to another */
        uint16_t width;
        uint16_t height;
        tg_us last;
    } encodings[TG_WHIP_RIDS_MAX];
    int owner[TG_WHIP_RIDS_MAX]; /* encoding of a layer, -1 = nobody */
    tg_us newest;
};

void tg_layers_init(struct tg_layers *l);
/*
 * A whole frame of an encoding, in order; width and height of a keyframe, 0 = not known. Returns
 * its layer, or -1: drop it, it waits for a keyframe.
 */
int tg_layers_frame(struct tg_layers *l, unsigned encoding, bool key, unsigned width,
                    unsigned height, tg_us now);
/* A frame was lost behind us: nothing of the encoding until its next keyframe. */
void tg_layers_lost(struct tg_layers *l, unsigned encoding);
/* The publisher ended an encoding (BYE). */
void tg_layers_end(struct tg_layers *l, unsigned encoding);
/* Encodings (1 << index) that need a keyframe to take their place. */
uint32_t tg_layers_wanted(const struct tg_layers *l);
/* The encoding that is this layer now, -1 = none. */
int tg_layers_encoding(const struct tg_layers *l, unsigned layer);
/* The best encoding that flows, -1 = none. */
int tg_layers_best(const struct tg_layers *l);
/* Its picture; zeros when there is none yet. */
void tg_layers_size(const struct tg_layers *l, uint16_t *ret_width, uint16_t *ret_height);

#endif
