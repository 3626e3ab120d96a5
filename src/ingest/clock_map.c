/*
 * clock_map.c - see clock_map.h.
 */
#include "ingest/clock_map.h"

#include "base/seq.h"

enum {
    DRIFT_MAX_US = 250 * TG_US_PER_MS, /* beyond it: jump */
    SETTLE_US = 3 * TG_US_PER_S,
    BUCKET_US = TG_US_PER_S,
    STEP_MIN_US = TG_US_PER_MS, /* two different tags of a track never share a time */
    GAP_MAX_MS = 10000,         /* timestamps further ahead are a new time line */
    BACK_MAX_MS = 3000,         /* audio and video interleave closer than this */
    TRACK_BACK_MAX_MS = 500,
    SLOWER_PART = 20, /* ahead of arrival: 5 % slower */
    FASTER_PART = 100 /* behind it: 1 % faster */
};

void tg_clock_map_init(struct tg_clock_map *m)
{
    *m = (struct tg_clock_map){.out_us = {-1, -1}};
}

/* A new time line: this timestamp is now. Results already given out stay in front. */
static void anchor(struct tg_clock_map *m, uint32_t ts_ms, tg_us arrival_us)
{
    tg_us floor = TG_MAX(m->out_us[TG_TRACK_VIDEO], m->out_us[TG_TRACK_AUDIO]);

    if (m->started)
        m->jumps++;
    m->started = true;
    m->seen[TG_TRACK_VIDEO] = false;
    m->seen[TG_TRACK_AUDIO] = false;
    m->front_ts_ms = ts_ms;
    m->front_ts_us = (tg_us)ts_ms * TG_US_PER_MS;
    m->front_out_us = TG_MAX(arrival_us, floor + STEP_MIN_US);
    m->settle_until_us = arrival_us + SETTLE_US;
    m->bucket_end_us = arrival_us + BUCKET_US;
    m->offset_min_us[0] = arrival_us - m->front_ts_us;
    m->offset_min_us[1] = m->offset_min_us[0];
}

static bool is_new_time_line(const struct tg_clock_map *m, enum tg_track track, uint32_t ts_ms)
{
    int32_t to_front = tg_ts_diff(ts_ms, m->front_ts_ms);

    if (to_front > GAP_MAX_MS || to_front < -BACK_MAX_MS)
        return true;
    return m->seen[track] && tg_ts_diff(ts_ms, m->ts_ms[track]) < -TRACK_BACK_MAX_MS;
}

/* The least arrival - timestamp of the last one to two seconds. */
static tg_us note_offset(struct tg_clock_map *m, tg_us offset_us, tg_us arrival_us)
{
    if (arrival_us >= m->bucket_end_us) {
        /*
         * After a silence too the second before counts: a stall of the line ends with a burst whose
         * last tags are on time again, and only a pause of the encoder stays late.
         */
        m->offset_min_us[1] = m->offset_min_us[0];
        m->offset_min_us[0] = offset_us;
        m->bucket_end_us = arrival_us + BUCKET_US;
    }
    m->offset_min_us[0] = TG_MIN(m->offset_min_us[0], offset_us);
    return TG_MIN(m->offset_min_us[0], m->offset_min_us[1]);
}

/* Both tracks' front moves on by step_us of the encoder's time. */
static void advance(struct tg_clock_map *m, tg_us step_us, tg_us arrival_us, tg_us offset_us)
{
    tg_us out_us = m->front_out_us + step_us;
    tg_us wrong_us = out_us - (m->front_ts_us + offset_us); /* > 0: lies in the future */

    if (wrong_us > DRIFT_MAX_US || (wrong_us > 0 && arrival_us < m->settle_until_us)) {
        if (wrong_us > DRIFT_MAX_US && arrival_us >= m->settle_until_us)
            m->jumps++;
        out_us -= TG_MIN(wrong_us, step_us - TG_MIN(step_us, (tg_us)STEP_MIN_US));
    } else if (wrong_us > 0) {
        out_us -= TG_MIN(wrong_us, step_us / SLOWER_PART);
    } else if (wrong_us < -DRIFT_MAX_US) {
        m->jumps++;
        out_us -= wrong_us;
    } else {
        out_us += TG_MIN(-wrong_us, step_us / FASTER_PART);
    }
    m->front_out_us = out_us;
}

tg_us tg_clock_map_input(struct tg_clock_map *m, enum tg_track track, uint32_t ts_ms,
                         tg_us arrival_us)
{
    tg_us arrived_us = TG_MAX(arrival_us, 0);
    tg_us step_us;
    tg_us offset_us;
    tg_us out_us;

    if (!m->started || is_new_time_line(m, track, ts_ms))
        anchor(m, ts_ms, arrived_us);
    step_us = (tg_us)tg_ts_diff(ts_ms, m->front_ts_ms) * TG_US_PER_MS;
    offset_us = note_offset(m, arrived_us - (m->front_ts_us + step_us), arrived_us);
    if (step_us > 0) {
        m->front_ts_ms = ts_ms;
        m->front_ts_us += step_us;
        advance(m, step_us, arrived_us, offset_us);
        step_us = 0;
    }
    out_us = m->front_out_us + step_us; /* the other track may be a little behind the front */
    /* The same timestamp twice (slices, repeated headers) is the same time. */
    if (m->seen[track] && ts_ms == m->ts_ms[track])
        out_us = m->out_us[track];
    else if (m->out_us[track] >= 0)
        out_us = TG_MAX(out_us, m->out_us[track] + STEP_MIN_US);
    out_us = TG_MAX(out_us, 0);
    m->seen[track] = true;
    m->ts_ms[track] = ts_ms;
    m->out_us[track] = out_us;
    return out_us;
}
