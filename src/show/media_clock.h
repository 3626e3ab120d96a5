/*
 * media_clock.h - one clock for picture and shop: media time = monotonic now - the show's epoch.
 *
 * Every event carries `at`, milliseconds on this clock; every frame's RTP time follows from it. The
 * epoch is derived from the show's creation, so media time goes on over a restart of the server.
 * Pure.
 */
#ifndef TG_SHOW_MEDIA_CLOCK_H
#define TG_SHOW_MEDIA_CLOCK_H

#include <stdint.h>

#include "base/macros.h"

struct tg_media_clock {
    tg_us epoch_us; /* monotonic time at which media time was 0; may be negative */
};

/* Never below 0: a wall clock that was set back must not make negative media times. */
static inline tg_us tg_media_us(struct tg_media_clock clock, tg_us now)
{
    return now > clock.epoch_us ? now - clock.epoch_us : 0;
}

static inline int64_t tg_media_ms(struct tg_media_clock clock, tg_us now)
{
    return tg_media_us(clock, now) / TG_US_PER_MS;
}

#endif
