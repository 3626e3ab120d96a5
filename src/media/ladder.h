/*
 * ladder.h - the rendition ladder: smaller pictures of a publisher's only video layer, decoded once
 * and encoded for each rendition in the codec it came in. Media thread.
 *
 * It has a pipeline of its own, fed with references of the access units that the publisher's chain
 * gets, so nothing here can hold up layer 0: a decoder that is behind loses frames up to the next
 * keyframe, an encoder that is behind whole pictures (media_rendition_dropped_total). Times are
 * kept: a picture has one media time on all layers.
 *
 *   torgrtcsrc ─► avdec_h264 | vp8dec ─► tee ─┬► queue ─► scale ─► encoder ─► torgfanoutsink, layer
 * 1 └► queue ─► scale ─► encoder ─► torgfanoutsink, layer 2
 */
#ifndef TG_MEDIA_LADDER_H
#define TG_MEDIA_LADDER_H

#include "media/media_priv.h"

struct tg_ladder;

struct tg_ladder_cfg {
    struct tg_source *source; /* borrowed until free */
    struct tg_feeder *feeder; /* borrowed until free */
    unsigned width;           /* of the source's pictures */
    unsigned height;
    bool vp8; /* else H.264 */
    /* GStreamer gave up (logged); it may free the ladder. */
    void (*on_error)(void *ctx);
    void *ctx;
};

/*
 * The renditions of media's configuration that are smaller than the source's pictures; the largest
 * is layer 1. Begins at the source's next keyframe. *ret is NULL when there is none to make.
 * Errors: IO (an element is missing or refused).
 */
TG_MUST_CHECK tg_err tg_ladder_new(struct tg_ladder **ret, const struct tg_ladder_cfg *cfg);
/* Its streaming threads have ended when it returns. NULL is legal. */
void tg_ladder_free(struct tg_ladder *ladder);
/* At most one forced keyframe per 500 ms. false: it has no such layer; NULL is legal. */
bool tg_ladder_keyframe(struct tg_ladder *ladder, unsigned layer);

/*
 * The size of a rendition whose shorter side is `lines`, of the same shape and even; false: the
 * picture is not larger than that.
 */
bool tg_ladder_size(unsigned width, unsigned height, unsigned lines, unsigned *ret_width,
                    unsigned *ret_height);

#endif
