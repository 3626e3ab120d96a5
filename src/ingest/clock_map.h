/*
 * clock_map.h - an encoder's timestamps on the show's media clock.
 * Pure. Owner: one publisher session; one map for its audio and video, so that lip-sync is kept.
 *
 * The first tag maps to its arrival; from then on media time runs with the encoder's timestamps.
 * The tag that travelled fastest tells the true offset between the two clocks, so the map moves to
 * the smallest (arrival - timestamp) of the last seconds:
 *   - a start-up burst (an encoder catching up) is squeezed together at once, so nothing lies in
 *     the future afterwards;
 *   - drift and jitter up to 250 ms are worked off slowly (5 % faster or 1 % slower running);
 *   - more than that (a pause, a timestamp reset, a 32-bit jump) is a jump to the arrival.
 * The result never goes backwards within a track.
 */
#ifndef TG_INGEST_CLOCK_MAP_H
#define TG_INGEST_CLOCK_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "msg/frame.h"

struct tg_clock_map {
    uint32_t jumps; /* readable: how often the map had to jump */

    bool started; /* private from here */
    bool seen[TG_TRACK_COUNT];
    uint32_t ts_ms[TG_TRACK_COUNT]; /* last of the track */
    tg_us out_us[TG_TRACK_COUNT];   /* last result of the track, kept over jumps */
    uint32_t front_ts_ms;           /* newest timestamp of both tracks ... */
    tg_us front_ts_us;              /* ... unwrapped */
    tg_us front_out_us;             /* ... and what it maps to */
    tg_us settle_until_us;          /* start-up: corrections are immediate */
    tg_us bucket_end_us;
    tg_us offset_min_us[2]; /* least arrival - timestamp: this second and the one before */
};

void tg_clock_map_init(struct tg_clock_map *m);
/*
 * One tag in order of arrival. ts_ms: the encoder's decoding timestamp, wrapping. arrival_us: on
 * the show's media clock, with the show's ingest latency taken off; never goes back. Returns the
 * tag's media time, >= 0.
 */
tg_us tg_clock_map_input(struct tg_clock_map *m, enum tg_track track, uint32_t ts_ms,
                         tg_us arrival_us);

#endif
