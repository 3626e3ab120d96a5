/*
 * demo_src.h - a live source that computes its buffers: every `interval` of media time one buffer,
 * stamped with exactly that media time. Private to media/, so it is no registered element.
 */
#ifndef TG_MEDIA_DEMO_SRC_H
#define TG_MEDIA_DEMO_SRC_H

#include "media/media_priv.h"

/* Fill `size` bytes for buffer number `index` (its media time is index * interval). */
typedef void (*tg_demo_fill_fn)(void *ctx, uint8_t *out, size_t size, int64_t index);

struct tg_demo_src_cfg {
    const char *caps;
    size_t size;
    tg_us interval_us;
    tg_us epoch_us;       /* media time = mono now - epoch */
    tg_demo_fill_fn fill; /* streaming thread */
    void *ctx;
};

/* (transfer floating). cfg is copied, caps too. */
GstElement *tg_demo_src_new(const struct tg_demo_src_cfg *cfg);

#endif
