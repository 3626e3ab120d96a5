/*
 * uplink_health.c - see uplink_health.h.
 */
#include "ingest/uplink_health.h"

/* Seconds in a row until a trouble is told, and until it is taken back. */
static const struct {
    uint8_t raise;
    uint8_t clear;
} patience[TG_UPLINK_TROUBLE_COUNT] = {
    [TG_UPLINK_LOW] = {3, 4},     [TG_UPLINK_FALLING] = {2, 3}, [TG_UPLINK_LOSS] = {2, 4},
    [TG_UPLINK_JITTER] = {3, 4},  [TG_UPLINK_FROZEN] = {2, 2}, /* pictures are back: plain to see */
    [TG_UPLINK_SILENT] = {5, 1},                               /* one sound proves the microphone */
    [TG_UPLINK_CLIPPED] = {3, 4},
};

/* What a second says of a trouble; between the two thresholds it says nothing. */
enum verdict { UNSURE, BAD, GOOD };

static enum verdict both(bool bad, bool good)
{
    return bad ? BAD : good ? GOOD : UNSURE;
}

static uint32_t needed_bps(const struct tg_live_uplink *u)
{
    uint32_t bps = (uint32_t)u->width * u->height / 10 * 7; /* <= 3e9: fits */

    return TG_MAX((uint32_t)TG_UPLINK_LOW_MIN_BPS, TG_MIN(bps, (uint32_t)TG_UPLINK_LOW_MAX_BPS));
}

static enum verdict low(const struct tg_uplink_health *h, const struct tg_live_uplink *u)
{
    uint32_t need = needed_bps(u);

    if (u->frames == 0)
        return UNSURE; /* FROZEN says it */
    return both(h->seconds > TG_UPLINK_LOW_AFTER_S &&
                u->video_bps<need, u->video_bps> need + need / 8);
}

static enum verdict falling(const struct tg_uplink_health *h, const struct tg_live_uplink *u)
{
    return both(h->mean_bps >= TG_UPLINK_FALLING_MIN_BPS &&
                u->video_bps<h->mean_bps / 2, u->video_bps> h->mean_bps / 10 * 7);
}

static enum verdict loss(const struct tg_live_uplink *u)
{
    return both(u->loss_permille >= TG_UPLINK_LOSS_PERMILLE ||
                    u->unrepaired_permille >= TG_UPLINK_UNREPAIRED_PERMILLE,
                u->loss_permille < TG_UPLINK_LOSS_OVER_PERMILLE && u->unrepaired_permille == 0);
}

static enum verdict silent(const struct tg_live_uplink *u)
{
    bool quiet = u->audio_dbov <= 0 && u->audio_dbov < TG_UPLINK_SILENT_DBOV;

    return both(u->audio_bps == 0 || quiet, u->audio_bps > 0 && !quiet);
}

static void judge(const struct tg_uplink_health *h, const struct tg_live_uplink *u, bool has_video,
                  enum verdict ret[TG_UPLINK_TROUBLE_COUNT])
{
    ret[TG_UPLINK_LOW] = has_video ? low(h, u) : GOOD;
    ret[TG_UPLINK_FALLING] = has_video ? falling(h, u) : GOOD;
    ret[TG_UPLINK_LOSS] = loss(u);
    ret[TG_UPLINK_JITTER] =
        both(u->jitter_ms >= TG_UPLINK_JITTER_MS, u->jitter_ms < TG_UPLINK_JITTER_OVER_MS);
    ret[TG_UPLINK_FROZEN] = both(has_video && u->frames == 0, true);
    ret[TG_UPLINK_SILENT] = silent(u);
    ret[TG_UPLINK_CLIPPED] =
        both(u->audio_dbov <= 0 && u->audio_dbov >= TG_UPLINK_CLIPPED_DBOV, true);
}

void tg_uplink_health_init(struct tg_uplink_health *h)
{
    *h = (struct tg_uplink_health){0};
}

uint32_t tg_uplink_health_second(struct tg_uplink_health *h, const struct tg_live_uplink *u,
                                 bool has_video)
{
    enum verdict verdicts[TG_UPLINK_TROUBLE_COUNT];

    h->seconds += h->seconds < UINT32_MAX ? 1 : 0;
    judge(h, u, has_video, verdicts);
    for (unsigned t = 0; t < TG_UPLINK_TROUBLE_COUNT; t++) {
        h->bad[t] = verdicts[t] == BAD ? (uint8_t)TG_MIN(h->bad[t] + 1, UINT8_MAX) : 0;
        h->good[t] = verdicts[t] == GOOD ? (uint8_t)TG_MIN(h->good[t] + 1, UINT8_MAX) : 0;
        if (h->bad[t] >= patience[t].raise)
            h->troubles |= 1U << t;
        else if (h->good[t] >= patience[t].clear)
            h->troubles &= ~(1U << t);
    }
    /* A mean over about ten seconds; it falls too, so FALLING ends by itself and LOW takes over. */
    h->mean_bps = h->seconds == 1 ? u->video_bps
                                  : (uint32_t)(((uint64_t)h->mean_bps * 9 + u->video_bps) / 10);
    return h->troubles;
}
