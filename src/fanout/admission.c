#include "fanout/admission.h"

#include "base/alloc.h"
#include "base/str.h"
#include "fanout/waiting.h"
#include "msg/frame.h"

enum {
    BUDGET_PERCENT = 90, /* of the line: the rest is for retransmissions, keyframes, other talk */
    SOFT_PERCENT = 80,   /* of the budget */
    HEADERS_SHARE = 16,  /* 60 to 80 bytes of headers for each 1,000 to 1,200 of the picture */
    SOUND_BPS = 100 * 1000, /* Opus at 32-64 kbit/s, 50 packets/s with 60 bytes of headers */
    RATE_SLOTS = 8,         /* reports that the measured egress spans: 2 s, a usual GOP */
    SETTLE_SLOTS = 12,
    /* A worker that sends little does not say what a bit costs. bits/s for one permille of a core:
     * PEERS.md has 7 million as the limit of OpenSSL; a small machine makes half of it. */
    RATIO_DEFAULT = 4 * 1000 * 1000,
    RATIO_MIN = 1 * 1000 * 1000,
    RATIO_MAX = 16 * 1000 * 1000,
    RATIO_PERMILLE_MIN = 100, /* below it the fixed costs are most of the load */
    POSITIONS_PER_RETRY_S = 100,
};
#define SETTLE_STEP_US (TG_ADMISSION_SETTLE_US / SETTLE_SLOTS)
/* Layers' rates: keyframes make single seconds differ. */
#define RATE_TAU_US (5 * (tg_us)TG_US_PER_S)
/* ... and the first measure of a layer may be half as much again. */
#define WARM_UP_US (3 * (tg_us)TG_US_PER_S)
/* A show's full rate is forgotten this slowly. */
#define PEAK_TAU_US (600 * (tg_us)TG_US_PER_S)
#define RATE_STEP_MAX_US (10 * (tg_us)TG_US_PER_S)

struct worker {
    struct {
        uint64_t bytes;
        tg_us us;
    } rates[RATE_SLOTS];
    unsigned rate_at;
    tg_us reported_at;
    uint64_t egress_bps;
    unsigned permille;
    uint64_t pending_bps; /* promised, not connected */
    uint64_t settling_bps;
    uint64_t settling[SETTLE_SLOTS]; /* by the time they connected */
    int64_t settle_step;
};

struct show {
    uint32_t inside;             /* connected viewers */
    uint32_t bps[TG_LAYERS_MAX]; /* averaged, 0 = nothing now */
    uint32_t peak[TG_LAYERS_MAX];
    tg_us since[TG_LAYERS_MAX]; /* when it began to come */
    tg_us reported_at;
};

struct tg_admission {
    struct tg_admission_cfg cfg;
    struct tg_waiting *waiting;
    struct worker workers[TG_ADMISSION_WORKERS_MAX];
    struct show shows[TG_SHOWS_MAX];
};

tg_err tg_admission_new(struct tg_admission **ret, const struct tg_admission_cfg *cfg)
{
    struct tg_admission *a;

    if (cfg->workers < 1 || cfg->workers > TG_ADMISSION_WORKERS_MAX)
        return TG_ERR_LIMIT;
    a = tg_calloc(1, sizeof(*a));
    if (a == NULL)
        return TG_ERR_NOMEM;
    a->cfg = *cfg;
    tg_err err = tg_waiting_new(&a->waiting, cfg->waiting_max);

    if (err != TG_OK) {
        tg_free(a);
        return err;
    }
    *ret = a;
    return TG_OK;
}

void tg_admission_free(struct tg_admission *a)
{
    if (a == NULL)
        return;
    tg_waiting_free(a->waiting);
    tg_free(a);
}

void tg_admission_set_limits(struct tg_admission *a, const struct tg_admission_limits *limits)
{
    a->cfg.limits = *limits;
}

/* --- what is measured ------------------------------------------------------------------------- */

void tg_admission_load(struct tg_admission *a, tg_us now, unsigned worker, uint64_t bytes,
                       unsigned permille)
{
    TG_ASSERT(worker < a->cfg.workers);
    struct worker *w = &a->workers[worker];
    uint64_t sum = 0;
    tg_us span = 0;

    tg_waiting_expire(a->waiting, now); /* they may all have left: then nobody asks any more */
    w->permille = permille;
    if (w->reported_at != 0 && now > w->reported_at) {
        w->rates[w->rate_at].bytes = bytes;
        w->rates[w->rate_at].us = now - w->reported_at;
        w->rate_at = (w->rate_at + 1) % RATE_SLOTS;
    }
    w->reported_at = now;
    for (size_t i = 0; i < RATE_SLOTS; i++) {
        sum += w->rates[i].bytes;
        span += w->rates[i].us;
    }
    w->egress_bps = span > 0 ? sum * 8 * TG_US_PER_S / (uint64_t)span : 0;
}

/* a + (b - a) * num / den, for rates. */
static uint32_t toward(uint32_t from, uint32_t to, tg_us num, tg_us den)
{
    return (uint32_t)((int64_t)from + ((int64_t)to - (int64_t)from) * num / den);
}

void tg_admission_show(struct tg_admission *a, tg_us now, uint16_t show, bool on_air,
                       const uint32_t bps[TG_LAYERS_MAX])
{
    TG_ASSERT(show < TG_SHOWS_MAX);
    struct show *s = &a->shows[show];
    const tg_us dt = TG_MIN(now - s->reported_at, RATE_STEP_MAX_US);

    s->reported_at = now;
    for (size_t i = 0; i < TG_LAYERS_MAX; i++) {
        if (s->bps[i] == 0 || bps[i] == 0)
            s->since[i] = now;
        const bool fresh = now - s->since[i] < WARM_UP_US;

        s->bps[i] = fresh ? bps[i] : toward(s->bps[i], bps[i], dt, dt + RATE_TAU_US);
        if (!on_air || fresh) /* a slate says nothing about the show, nor does the first burst */
            continue;
        s->peak[i] = TG_MAX(s->bps[i], toward(s->peak[i], 0, dt, dt + PEAK_TAU_US));
    }
}

static uint32_t with_headers(uint32_t bps)
{
    return bps + bps / HEADERS_SHARE + SOUND_BPS;
}

/* Payload of a layer when the show is at its full rate. */
static uint32_t full_bps(const struct tg_admission *a, const struct show *s, unsigned layer)
{
    if (layer == 0 && s->peak[0] == 0)
        return TG_MAX(s->bps[0], a->cfg.guess_bps);
    return TG_MAX(s->bps[layer], s->peak[layer]);
}

uint32_t tg_admission_cost_bps(const struct tg_admission *a, uint16_t show, unsigned layer)
{
    TG_ASSERT(show < TG_SHOWS_MAX && layer < TG_LAYERS_MAX);
    return with_headers(full_bps(a, &a->shows[show], layer));
}

/* The lowest layer that is sent now; 0 = there is no choice. */
static unsigned lowest_layer(const struct show *s)
{
    for (unsigned i = TG_LAYERS_MAX - 1; i > 0; i--) {
        if (s->bps[i] > 0)
            return i;
    }
    return 0;
}

uint64_t tg_admission_egress_bps(const struct tg_admission *a)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < a->cfg.workers; i++)
        sum += a->workers[i].egress_bps;
    return sum;
}

/* --- the budget ------------------------------------------------------------------------------- */

static void settle(struct worker *w, tg_us now)
{
    const int64_t step = now / SETTLE_STEP_US;

    if (step - w->settle_step > SETTLE_SLOTS)
        w->settle_step = step - SETTLE_SLOTS;
    while (w->settle_step < step) {
        uint64_t *over = &w->settling[++w->settle_step % SETTLE_SLOTS];

        w->settling_bps -= *over;
        *over = 0;
    }
}

/* What those inside will need more when their shows are at their full rates. */
static uint64_t held_back(const struct tg_admission *a)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < TG_SHOWS_MAX; i++) {
        const struct show *s = &a->shows[i];

        if (s->inside > 0)
            sum += (uint64_t)s->inside * (full_bps(a, s, 0) - s->bps[0]);
    }
    return sum + sum / HEADERS_SHARE;
}

/* Permille of a core that so many bits/s more cost this worker. */
static uint64_t cpu_of(const struct worker *w, uint64_t bps)
{
    uint64_t ratio = RATIO_DEFAULT;

    if (w->permille >= RATIO_PERMILLE_MIN)
        ratio =
            TG_MIN(TG_MAX(w->egress_bps / w->permille, (uint64_t)RATIO_MIN), (uint64_t)RATIO_MAX);
    return bps / ratio;
}

enum room { ROOMY, TIGHT, NONE };

static enum room room_in(uint64_t need, uint64_t budget)
{
    if (need > budget)
        return NONE;
    return need > budget * SOFT_PERCENT / 100 ? TIGHT : ROOMY;
}

/* ahead: for those who wait in front; cost: for the one who asks. */
static enum room room_for(struct tg_admission *a, unsigned worker, tg_us now, uint64_t ahead,
                          uint64_t cost)
{
    TG_ASSERT(worker < a->cfg.workers);
    const struct tg_admission_limits *l = &a->cfg.limits;
    const struct worker *w = &a->workers[worker];
    const uint64_t held = held_back(a);
    uint64_t promised = 0;
    enum room line = ROOMY;
    enum room cpu = ROOMY;

    for (unsigned i = 0; i < a->cfg.workers; i++) {
        settle(&a->workers[i], now);
        promised += a->workers[i].pending_bps + a->workers[i].settling_bps;
    }
    if (l->egress_bps > 0)
        line = room_in(tg_admission_egress_bps(a) + promised + held + ahead + cost,
                       l->egress_bps * BUDGET_PERCENT / 100);
    if (l->cpu_permille_max < 1000)
        cpu = room_in(w->permille + cpu_of(w, w->pending_bps + w->settling_bps + cost +
                                                  (held + ahead) / a->cfg.workers),
                      l->cpu_permille_max);
    return TG_MAX(line, cpu);
}

/* Which layer there is room for; false = none. */
static bool choose(struct tg_admission *a, const struct tg_admission_ask *ask, tg_us now,
                   uint32_t ahead, unsigned *ret_best)
{
    const unsigned low = lowest_layer(&a->shows[ask->show]);
    const uint64_t cost_low = tg_admission_cost_bps(a, ask->show, low);
    const uint64_t cost = tg_admission_cost_bps(a, ask->show, 0);
    const enum room room = room_for(a, ask->worker, now, ahead * cost_low, cost);

    *ret_best = 0;
    if (room == ROOMY || (low == 0 && room == TIGHT))
        return true;
    *ret_best = low;
    return low > 0 && room_for(a, ask->worker, now, ahead * cost_low, cost_low) != NONE;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void admit(struct tg_admission *a, const struct tg_admission_ask *ask, unsigned best,
                  struct tg_admission_answer *ret)
{
    const uint32_t bps = tg_admission_cost_bps(a, ask->show, best);

    ret->admitted = true;
    ret->grant = (struct tg_admission_grant){.show = ask->show,
                                             .worker = (uint8_t)ask->worker,
                                             .best = (uint8_t)best,
                                             .given = true,
                                             .bps = bps,
                                             .place = UINT64_MAX};
    a->workers[ask->worker].pending_bps += bps;
}

/* Far back the answer changes slowly; and retries that came together shall not come together again.
 */
static uint16_t retry_of(uint32_t position, struct tg_rng *rng)
{
    const uint32_t base = TG_MIN(TG_ADMISSION_RETRY_NEAR_S + position / POSITIONS_PER_RETRY_S,
                                 (uint32_t)TG_ADMISSION_RETRY_FAR_S * 4 / 5);

    return (uint16_t)(base + tg_rng_below(rng, (base + 2) / 4 + 1));
}

static void place_told(struct tg_admission *a, tg_us now, struct tg_rng *rng, uint64_t place,
                       struct tg_admission_answer *ret)
{
    ret->position = tg_waiting_position(a->waiting, place);
    ret->retry_s = retry_of(ret->position, rng);
    tg_waiting_seen(a->waiting, now, place, ret->retry_s);
}

static void place_new(struct tg_admission *a, tg_us now, struct tg_rng *rng,
                      struct tg_admission_answer *ret)
{
    uint64_t place;

    if (tg_waiting_push(a->waiting, rng, ret->ticket, &place))
        place_told(a, now, rng, place, ret);
    else
        ret->retry_s = TG_ADMISSION_RETRY_FULL_S;
}

void tg_admission_ask(struct tg_admission *a, tg_us now, struct tg_rng *rng,
                      const struct tg_admission_ask *ask, struct tg_admission_answer *ret)
{
    TG_ASSERT(ask->show < TG_SHOWS_MAX && ask->worker < a->cfg.workers);
    uint64_t place = UINT64_MAX;
    unsigned best = 0;

    *ret = (struct tg_admission_answer){0};
    tg_waiting_expire(a->waiting, now);
    const bool waits = tg_waiting_find(a->waiting, ask->ticket, &place);
    const uint32_t ahead = waits ? tg_waiting_position(a->waiting, place) - 1 : 0;
    /* A newcomer never goes before those who wait. */
    const bool turn = waits || tg_waiting_count(a->waiting) == 0;

    if (ask->staff || (!ask->full && turn && choose(a, ask, now, ahead, &best))) {
        admit(a, ask, best, ret);
        if (waits) {
            ret->grant.place = place;
            tg_waiting_remove(a->waiting, place);
        }
        return;
    }
    if (!waits) {
        place_new(a, now, rng, ret);
        return;
    }
    tg_str_cut(ret->ticket, sizeof(ret->ticket), ask->ticket);
    place_told(a, now, rng, place, ret);
}

void tg_admission_undo(struct tg_admission *a, tg_us now, struct tg_rng *rng,
                       const struct tg_admission_grant *grant, struct tg_admission_answer *ret)
{
    struct tg_admission_grant back = *grant; /* which may lie in *ret */

    *ret = (struct tg_admission_answer){0};
    tg_waiting_expire(a->waiting, now);
    tg_admission_left(a, &back);
    if (back.place == UINT64_MAX || !tg_waiting_restore(a->waiting, back.place)) {
        place_new(a, now, rng, ret);
        return;
    }
    tg_waiting_ticket(a->waiting, back.place, ret->ticket);
    place_told(a, now, rng, back.place, ret);
}

/* --- those inside ----------------------------------------------------------------------------- */

static void settle_add(struct worker *w, tg_us now, uint32_t bps)
{
    settle(w, now);
    w->settling[w->settle_step % SETTLE_SLOTS] += bps;
    w->settling_bps += bps;
}

void tg_admission_connected(struct tg_admission *a, tg_us now, struct tg_admission_grant *inout)
{
    struct worker *w = &a->workers[inout->worker];

    if (!inout->given || inout->connected)
        return;
    inout->connected = true;
    w->pending_bps -= inout->bps;
    settle_add(w, now, inout->bps);
    a->shows[inout->show].inside++;
}

void tg_admission_left(struct tg_admission *a, struct tg_admission_grant *inout)
{
    if (!inout->given)
        return;
    if (inout->connected)
        a->shows[inout->show].inside--; /* what is settling ends by itself */
    else
        a->workers[inout->worker].pending_bps -= inout->bps;
    inout->given = false;
}

bool tg_admission_lift(struct tg_admission *a, tg_us now, struct tg_admission_grant *inout)
{
    if (!inout->given || !inout->connected || inout->best == 0 || tg_waiting_count(a->waiting) > 0)
        return false;
    const uint32_t cost = tg_admission_cost_bps(a, inout->show, 0);
    const uint32_t more = cost - TG_MIN(cost, inout->bps);

    if (room_for(a, inout->worker, now, 0, more) != ROOMY)
        return false;
    settle_add(&a->workers[inout->worker], now, more);
    inout->best = 0;
    inout->bps = cost;
    return true;
}

uint32_t tg_admission_waiting(const struct tg_admission *a)
{
    return tg_waiting_count(a->waiting);
}
