/*
 * uplink_health.h - what is wrong with a publisher's line, from one second's figures at a time.
 * Pure. Owner: one publisher session.
 *
 * A trouble is told after it has lasted and taken back after it has been gone for some seconds, so
 * that the host does not read warnings that flicker. Thresholds, each with its reason:
 */
#ifndef TG_INGEST_UPLINK_HEALTH_H
#define TG_INGEST_UPLINK_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "msg/live.h"

enum {
    /*
     * LOW: below 0.7 bit a pixel and second (720p: 645 kbit/s) people see blocks; under 250 kbit/s
     * no picture of any size is good; above 1.2 Mbit/s none is bad enough for a warning.
     */
    TG_UPLINK_LOW_MIN_BPS = 250000,
    TG_UPLINK_LOW_MAX_BPS = 1200000,
    /* Encoders begin low on purpose and climb: no word about it in the first seconds. */
    TG_UPLINK_LOW_AFTER_S = 6,
    /* FALLING: half of what the last ten seconds had; small streams jump about by themselves. */
    TG_UPLINK_FALLING_MIN_BPS = 500000,
    /* LOSS: 2 % is where repair begins to cost delay and Chromium lowers its rate. */
    TG_UPLINK_LOSS_PERMILLE = 20,
    TG_UPLINK_LOSS_OVER_PERMILLE = 10,
    /* ... or some is never repaired: every such frame is a still picture until a keyframe. */
    TG_UPLINK_UNREPAIRED_PERMILLE = 5,
    /* JITTER: two frames of 30 per second; players add as much delay. */
    TG_UPLINK_JITTER_MS = 60,
    TG_UPLINK_JITTER_OVER_MS = 40,
    /* SILENT: a quiet room with an open microphone is louder than -60 dBov. */
    TG_UPLINK_SILENT_DBOV = -60,
    /* CLIPPED: the loudest of each second at the ceiling; speech well set stays under -3. */
    TG_UPLINK_CLIPPED_DBOV = -1,
};

struct tg_uplink_health {
    uint32_t troubles; /* readable */

    uint32_t seconds; /* private from here */
    uint32_t mean_bps;
    uint8_t bad[TG_UPLINK_TROUBLE_COUNT]; /* seconds in a row */
    uint8_t good[TG_UPLINK_TROUBLE_COUNT];
};

void tg_uplink_health_init(struct tg_uplink_health *h);
/*
 * One second: all of u but troubles is read. has_video: the publisher means to send video. Returns
 * the troubles now, as for u->troubles.
 */
uint32_t tg_uplink_health_second(struct tg_uplink_health *h, const struct tg_live_uplink *u,
                                 bool has_video);

#endif
