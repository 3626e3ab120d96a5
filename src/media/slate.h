/*
 * slate.h - what viewers see while the host is away: the show's title and a few words, as a picture
 * of the publisher's last size and codec, with silence as sound so that players' clocks go on.
 * Media thread.
 */
#ifndef TG_MEDIA_SLATE_H
#define TG_MEDIA_SLATE_H

#include "media/media_priv.h"

enum {
    TG_SLATE_SIDE_MAX = 1280, /* larger pictures get a smaller slate of the same shape */
    TG_SLATE_SIDE_MIN = 128,
    TG_SLATE_FPS = 5,
};

struct tg_slate_cfg {
    struct tg_air_switch *air;
    GMainContext *context;
    tg_us epoch_us; /* media time = mono now - epoch */
    const char *title;
    const char *text;
    unsigned width; /* the publisher's; 0 = 1280x720 */
    unsigned height;
    bool vp8;                    /* else H.264, constrained baseline */
    void (*on_error)(void *ctx); /* it may free the slate */
    void *ctx;
};
struct tg_slate;

/* title and text are borrowed for the call. NULL: GStreamer refused. */
struct tg_slate *tg_slate_new(const struct tg_slate_cfg *cfg);
/* Its first keyframe comes at once, so put its feeder on the air before. Errors: IO. */
TG_MUST_CHECK tg_err tg_slate_play(struct tg_slate *slate);
/* Leaves the air. NULL is legal. */
void tg_slate_free(struct tg_slate *slate);
struct tg_feeder *tg_slate_feeder(const struct tg_slate *slate);
/* At most one forced keyframe per 500 ms. */
void tg_slate_keyframe(struct tg_slate *slate);

/* The size of the slate for a picture of that size: even, within the limits, of the same shape. */
void tg_slate_size(unsigned width, unsigned height, int *ret_width, int *ret_height);

/* --- slate_art.c --- */
/* The picture as I420 without padding, BT.709; width and height from tg_slate_size. g_free it. */
uint8_t *tg_slate_picture(int width, int height, const char *title, const char *text);

#endif
