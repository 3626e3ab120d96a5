#include "fanout/quality.h"

enum {
    NONE = TG_LAYERS_MAX,
    STAY_PCT = 95, /* of its rate: a layer that is sent already may stay */
    FIT_PCT = 110, /* ... and going down, one with some room is chosen */
    RAISE_PCT = 115,
    PROBE_PCT = 130, /* proves RAISE_PCT with some loss */
    LOST_PCT = 60,   /* so little that nothing needs to be confirmed */
    STARVE_PCT = 90,
    STARVE_PLAIN_PCT = 50,      /* REMB errs on the low side when little is sent */
    STARVE_PLAIN_LOSS_PM = 100, /* ... and when the player's machine is busy: losses must agree */
    TRY_PCT = 130,              /* of what is sent now: an estimate that does not hold back */
    TRY_LOSS_PM = 20,
    TRY_FAIL_PM = 50,
    PAUSE_DOUBLE_MAX = 4,
};

void tg_quality_init(struct tg_quality *q)
{
    *q = (struct tg_quality){.pin = TG_QUALITY_AUTO, .up_wait = TG_QUALITY_UP_US};
}

static uint32_t percent(uint32_t bps, uint32_t pct)
{
    return (uint32_t)TG_MIN((uint64_t)bps * pct / 100, (uint64_t)UINT32_MAX);
}

/* The best layer from `from` on that is on; NONE. */
static unsigned first_on(const struct tg_quality_in *in, unsigned from)
{
    while (from < TG_LAYERS_MAX && !in->layers[from].on)
        from++;
    return from;
}

/* The lowest one that is on and measured; NONE. */
static unsigned lowest_of(const struct tg_quality_in *in)
{
    for (unsigned i = TG_LAYERS_MAX; i > 0; i--) {
        if (in->layers[i - 1].on && in->layers[i - 1].bps > 0)
            return i - 1;
    }
    return NONE;
}

static bool carries(const struct tg_quality_in *in, unsigned layer, uint32_t pct)
{
    return in->estimate_bps >= (uint64_t)percent(in->layers[layer].bps, pct) + in->audio_bps;
}

/* The best layer at or below `from` that fits, else the lowest; NONE = nothing is on there. */
static unsigned fitting(const struct tg_quality_in *in, unsigned from)
{
    unsigned last = NONE;

    for (unsigned i = first_on(in, from); i < TG_LAYERS_MAX; i = first_on(in, i + 1)) {
        last = i;
        if (in->layers[i].bps > 0 && (in->estimate_bps == 0 || carries(in, i, FIT_PCT)))
            return i;
    }
    return last;
}

static void change(struct tg_quality *q, tg_us now, unsigned layer)
{
    q->raised = layer < q->layer;
    q->layer = (uint8_t)layer;
    q->changed_at = now;
    q->low = false;
}

void tg_quality_start(struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    unsigned from = q->pin >= 0 ? TG_MAX((unsigned)q->pin, q->best_allowed) : q->best_allowed;
    unsigned layer = first_on(in, from);

    if (layer == NONE)
        layer = first_on(in, 0);
    q->layer = (uint8_t)(layer == NONE ? TG_MIN(from, (unsigned)TG_LAYERS_MAX - 1) : layer);
    q->changed_at = now;
    q->up_at = now;
}

/* --- pause ------------------------------------------------------------------------------------ */

static bool too_little(const struct tg_quality_in *in, unsigned lowest)
{
    uint32_t pct = in->proves ? STARVE_PCT : STARVE_PLAIN_PCT;

    if (in->estimate_bps == 0 || lowest == NONE)
        return false;
    if (in->stream || (!in->proves && in->loss_pm < STARVE_PLAIN_LOSS_PM))
        return false;
    return in->estimate_bps < TG_QUALITY_STARVED_BPS ||
           in->estimate_bps < percent(in->layers[lowest].bps, pct);
}

static void pause(struct tg_quality *q, tg_us now)
{
    q->starved = true;
    q->paused_at = now;
    q->low = false;
    q->pause_count = (uint8_t)TG_MIN(q->pause_count + 1, PAUSE_DOUBLE_MAX);
}

/* True: on again. Where nothing can be proved it is tried, more rarely each time. */
static bool resumes(const struct tg_quality *q, tg_us now, const struct tg_quality_in *in,
                    unsigned lowest)
{
    tg_us wait = TG_QUALITY_PAUSE_US << (q->pause_count > 0 ? q->pause_count - 1 : 0);

    if (lowest == NONE)
        return true; /* nothing is sent now anyway */
    if (in->proves)
        return now - q->paused_at >= TG_QUALITY_PAUSE_US && carries(in, lowest, FIT_PCT) &&
               in->estimate_bps >= TG_QUALITY_STARVED_BPS;
    return now - q->paused_at >= 2 * wait;
}

static void paused_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in,
                        unsigned lowest)
{
    q->probe_bps = 0;
    if (resumes(q, now, in, lowest)) {
        q->starved = false;
        if (lowest != NONE && q->pin < 0)
            change(q, now, lowest);
        q->up_at = now + TG_QUALITY_UP_US;
        return;
    }
    if (in->proves)
        q->probe_bps = TG_MAX(percent(in->layers[lowest].bps, PROBE_PCT) + in->audio_bps,
                              percent(TG_QUALITY_STARVED_BPS, PROBE_PCT));
}

/* --- up and down ------------------------------------------------------------------------------ */

/* Too little, and for long enough. */
static bool low_confirmed(struct tg_quality *q, tg_us now, bool low, bool hard)
{
    if (!low) {
        q->low = false;
        return false;
    }
    if (!q->low) {
        q->low = true;
        q->low_at = now;
    }
    return hard || now - q->low_at >= TG_QUALITY_DOWN_US;
}

static void go_down(struct tg_quality *q, tg_us now, unsigned layer)
{
    if (q->raised && now - q->changed_at < TG_QUALITY_TRUST_US)
        q->up_wait = TG_MIN(q->up_wait * 2, TG_QUALITY_UP_MAX_US);
    else
        q->up_wait = TG_QUALITY_UP_US;
    q->up_at = now + q->up_wait;
    change(q, now, layer);
}

/* Nobody measures a way by REMB alone: what holds nothing back is tried, seldom. */
static bool worth_a_try(const struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    return !in->proves && now - q->changed_at >= TG_QUALITY_TRY_US && in->loss_pm < TRY_LOSS_PM &&
           (in->estimate_bps == 0 || carries(in, q->layer, TRY_PCT));
}

static void up_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    unsigned best = NONE;
    unsigned next = NONE;

    for (unsigned i = q->layer; i > q->best_allowed; i--) {
        if (!in->layers[i - 1].on || in->layers[i - 1].bps == 0)
            continue;
        next = next == NONE ? i - 1 : next;
        if (in->estimate_bps != 0 && carries(in, i - 1, RAISE_PCT))
            best = i - 1;
    }
    if (next == NONE || now < q->up_at || now - q->changed_at < TG_QUALITY_HOLD_US)
        return;
    q->raised_bps = in->estimate_bps;
    if (best != NONE)
        change(q, now, best);
    else if (worth_a_try(q, now, in))
        change(q, now, next);
    else if (in->proves)
        q->probe_bps = percent(in->layers[next].bps, PROBE_PCT) + in->audio_bps;
}

/*
 * What is sent does not fit. After a try nothing is proved yet: a REMB grows only while more comes,
 * so only its falling, or loss, says that the try failed.
 */
static bool is_low(const struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    if (in->layers[q->layer].bps == 0 || in->estimate_bps == 0)
        return false;
    if (!in->proves && q->raised && now - q->changed_at < TG_QUALITY_TRY_US)
        return in->loss_pm > TRY_FAIL_PM || in->estimate_bps < percent(q->raised_bps, STARVE_PCT);
    return !carries(in, q->layer, STAY_PCT);
}

static void auto_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    bool low = is_low(q, now, in);
    bool lost = low && !carries(in, q->layer, LOST_PCT);

    if (low_confirmed(q, now, low, in->hard || lost)) {
        unsigned layer = fitting(in, q->layer + 1U);

        if (layer != NONE)
            go_down(q, now, layer);
        return;
    }
    if (!low)
        up_tick(q, now, in);
}

/* The wish, but for what is off. */
static void pin_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    unsigned layer = first_on(in, TG_MAX((unsigned)q->pin, q->best_allowed));

    if (layer != NONE && layer != q->layer)
        change(q, now, layer);
}

/* The layer stopped: the best that fits at or below it, else whatever there is. */
static void dead_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    unsigned layer = fitting(in, TG_MAX(q->layer, q->best_allowed));

    if (layer == NONE) /* only better ones are left: the nearest */
        for (unsigned i = 0; i < q->layer; i++)
            layer = in->layers[i].on ? i : layer;
    if (layer != NONE)
        change(q, now, layer);
}

void tg_quality_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in)
{
    unsigned lowest = lowest_of(in);
    bool at_bottom;

    q->probe_bps = 0;
    if (q->starved) {
        paused_tick(q, now, in, lowest);
        return;
    }
    if (q->pause_count > 0 && now - q->changed_at > 3 * TG_QUALITY_UP_MAX_US)
        q->pause_count = 0;
    if (!in->layers[q->layer].on)
        dead_tick(q, now, in);
    at_bottom = q->layer == lowest || q->pin >= 0;
    if (at_bottom && too_little(in, lowest)) {
        if (low_confirmed(q, now, true, false))
            pause(q, now);
        return;
    }
    if (q->pin >= 0)
        pin_tick(q, now, in);
    else
        auto_tick(q, now, in);
}
