/*
 * The capacity guard of all workers: admission.c behind a lock. Offers, ends and reports a few
 * times a second come here, packets never. Nothing is called out with the lock held.
 */
#include "base/metrics.h"
#include "fanout/fanout_priv.h"

_Static_assert((int)TG_FANOUT_WORKERS_MAX <= (int)TG_ADMISSION_WORKERS_MAX, "every worker counts");

#define REPORT_US (250 * (tg_us)TG_US_PER_MS)

enum {
    IP_UDP_BYTES = 28, /* IPv4; what the packets' own bytes do not show */
    LIFTS = 16,        /* viewers that a report looks at: gentle, and bounded */
};

static struct tg_admission_limits limits_of(const struct tg_fanout_limits *l)
{
    return (struct tg_admission_limits){.egress_bps = l->egress_bps,
                                        .cpu_permille_max =
                                            l->cpu_permille_max == 0 ? 1000 : l->cpu_permille_max};
}

tg_err tg_guard_init(struct tg_fanout *f)
{
    const struct tg_admission_cfg cfg = {.workers = f->cfg.workers,
                                         .waiting_max = f->cfg.waiting_max,
                                         .guess_bps = f->cfg.guess_bps,
                                         .limits = limits_of(&f->cfg.limits)};

    tg_mutex_init(&f->guard.lock);
    return tg_admission_new(&f->guard.core, &cfg);
}

void tg_guard_done(struct tg_fanout *f)
{
    tg_admission_free(f->guard.core);
    tg_mutex_done(&f->guard.lock);
}

void tg_fanout_set_limits(struct tg_fanout *f, const struct tg_fanout_limits *limits)
{
    const struct tg_admission_limits l = limits_of(limits);

    tg_mutex_lock(&f->guard.lock);
    tg_admission_set_limits(f->guard.core, &l);
    tg_mutex_unlock(&f->guard.lock);
}

/* --- viewers ---------------------------------------------------------------------------------- */

static void count_answer(struct tg_fanout *f, const struct tg_admission_answer *answer)
{
    if (!answer->admitted)
        TG_COUNT(fanout_waits_total);
    tg_metric_set(TG_M_fanout_waiting, tg_admission_waiting(f->guard.core));
}

void tg_guard_ask(struct tg_shard *s, const struct tg_rtc_req *req, tg_us now, bool full,
                  struct tg_admission_answer *ret)
{
    struct tg_fanout *f = s->fanout;
    struct tg_rng *rng = tg_rtc_rng(atomic_load_explicit(&s->worker, memory_order_relaxed));
    const struct tg_admission_ask ask = {.show = req->show,
                                         .worker = s->index,
                                         .staff = req->staff,
                                         .full = full,
                                         .ticket = req->ticket};

    tg_mutex_lock(&f->guard.lock);
    tg_admission_ask(f->guard.core, now, rng, &ask, ret);
    count_answer(f, ret);
    tg_mutex_unlock(&f->guard.lock);
}

void tg_guard_undo(struct tg_shard *s, const struct tg_admission_grant *grant, tg_us now,
                   struct tg_admission_answer *ret)
{
    struct tg_fanout *f = s->fanout;
    struct tg_rng *rng = tg_rtc_rng(atomic_load_explicit(&s->worker, memory_order_relaxed));

    tg_mutex_lock(&f->guard.lock);
    tg_admission_undo(f->guard.core, now, rng, grant, ret);
    count_answer(f, ret);
    tg_mutex_unlock(&f->guard.lock);
}

void tg_guard_connected(struct tg_shard *s, struct tg_shard_viewer *v, tg_us now)
{
    struct tg_fanout *f = s->fanout;

    tg_mutex_lock(&f->guard.lock);
    tg_admission_connected(f->guard.core, now, &v->grant);
    tg_mutex_unlock(&f->guard.lock);
}

void tg_guard_drop(struct tg_shard *s, struct tg_admission_grant *inout)
{
    struct tg_fanout *f = s->fanout;

    tg_mutex_lock(&f->guard.lock);
    tg_admission_left(f->guard.core, inout);
    tg_mutex_unlock(&f->guard.lock);
}

void tg_guard_took(struct tg_shard *s, struct tg_shard_viewer *v,
                   const struct tg_admission_grant *grant)
{
    v->grant = *grant;
    TG_COUNT(fanout_admitted_total);
    if (grant->best == 0)
        return;
    s->started_low++;
    TG_COUNT(fanout_admitted_low_total);
}

void tg_guard_left(struct tg_shard *s, struct tg_shard_viewer *v)
{
    if (v->grant.best > 0)
        s->started_low--;
    tg_guard_drop(s, &v->grant);
}

/* --- reports ---------------------------------------------------------------------------------- */

/* All workers see the same frames; the first one tells what comes. */
static void tell_shows(struct tg_shard *s, tg_us now)
{
    struct tg_fanout *f = s->fanout;
    uint32_t bps[TG_LAYERS_MAX];

    for (unsigned i = 0; i < TG_SHOWS_MAX; i++) {
        const struct tg_fanout_show *show = tg_fanout_show_get(f, (uint16_t)i);

        if (s->shows[i] == NULL || show == NULL)
            continue;
        for (size_t l = 0; l < TG_LAYERS_MAX; l++)
            bps[l] = s->shows[i]->source.video[l].bps;
        tg_admission_show(f->guard.core, now, (uint16_t)i, !atomic_load(&show->off_air), bps);
    }
}

/* Some of those who started small may have more now. */
static void lift(struct tg_shard *s, tg_us now)
{
    struct tg_fanout *f = s->fanout;
    unsigned looked = 0;

    for (size_t i = 0; s->started_low > 0 && i < TG_SHOWS_MAX; i++) {
        const struct tg_shard_show *ss = s->shows[i];

        for (size_t k = 0; ss != NULL && k < ss->viewer_count && looked < LIFTS; k++) {
            struct tg_shard_viewer *v = ss->viewers[k];

            if (v->grant.best == 0)
                continue;
            looked++;
            if (!tg_admission_lift(f->guard.core, now, &v->grant))
                continue;
            s->started_low--;
            v->core.quality.best_allowed = 0; /* when its way carries it */
            TG_COUNT(fanout_lifted_total);
        }
    }
}

void tg_guard_turn(struct tg_shard *s, tg_us now)
{
    struct tg_fanout *f = s->fanout;
    struct tg_rtc_worker *w = atomic_load_explicit(&s->worker, memory_order_relaxed);
    uint64_t egress;

    s->sent_bytes += s->counts.bytes + (uint64_t)s->counts.packets * IP_UDP_BYTES;
    if (now < s->reported_at + REPORT_US)
        return;
    s->reported_at = now;
    tg_mutex_lock(&f->guard.lock);
    tg_admission_load(f->guard.core, now, s->index, s->sent_bytes, tg_rtc_load_permille(w));
    if (s->index == 0)
        tell_shows(s, now);
    lift(s, now);
    egress = tg_admission_egress_bps(f->guard.core);
    tg_metric_set(TG_M_fanout_waiting, tg_admission_waiting(f->guard.core));
    tg_mutex_unlock(&f->guard.lock);
    s->sent_bytes = 0;
    tg_metric_set(TG_M_fanout_egress_bps, (int64_t)egress);
}
