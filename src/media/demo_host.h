/*
 * demo_host.h - the built-in host of a demo show: makes picture and sound while somebody watches
 * and no publisher has the show. Media thread.
 *
 * Asleep it holds no pipeline at all; each waking is a new generation, so that nobody is started
 * from a keyframe of before the sleep.
 */
#ifndef TG_MEDIA_DEMO_HOST_H
#define TG_MEDIA_DEMO_HOST_H

#include "media/media_priv.h"

struct tg_demo_host;

struct tg_demo_host_cfg {
    struct tg_air_switch *air;
    GMainContext *context;
    uint16_t ordinal;
    tg_us epoch_us;              /* media time = mono now - epoch */
    struct tg_demo_scene *scene; /* borrowed until free */
    tg_us sleep_us;
    void (*on_awake)(void *ctx); /* on air with a new generation, before its first frame */
    void *ctx;
};

struct tg_demo_host *tg_demo_host_new(const struct tg_demo_host_cfg *cfg);
void tg_demo_host_free(struct tg_demo_host *host);
/* The show is the host's (again); the audience may be there already. */
void tg_demo_host_take(struct tg_demo_host *host);
/* A publisher is on air: stops at once. */
void tg_demo_host_leave(struct tg_demo_host *host);
void tg_demo_host_watchers(struct tg_demo_host *host, uint32_t count);
/* At most one forced keyframe per 500 ms; a wish within that comes at its end. */
void tg_demo_host_keyframe(struct tg_demo_host *host);

#endif
