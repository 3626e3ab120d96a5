#include "fanout/fanout.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "fanout/fanout_priv.h"

tg_err tg_fanout_new(struct tg_fanout **ret, const struct tg_fanout_cfg *cfg)
{
    if (cfg->workers < 1 || cfg->workers > TG_FANOUT_WORKERS_MAX)
        return TG_ERR_LIMIT;
    struct tg_fanout *f = tg_calloc(1, sizeof(*f));

    if (f == NULL)
        return TG_ERR_NOMEM;
    f->cfg = *cfg;
    /* Taken once: media, reports and capture times must lie on one line even if the wall jumps. */
    f->wall_offset_us = tg_clock_wall() - tg_clock_mono();
    for (unsigned i = 0; i < cfg->workers; i++)
        tg_shard_init(&f->shards[i], f, i);
    tg_err err = tg_guard_init(f);

    if (err != TG_OK) {
        tg_fanout_free(f);
        return err;
    }
    *ret = f;
    return TG_OK;
}

static void show_free(struct tg_fanout_show *show, unsigned workers)
{
    if (show == NULL)
        return;
    for (unsigned w = 0; show->feeds != NULL && w < workers; w++) {
        for (size_t t = 0; t < TG_TRACK_COUNT; t++) {
            struct tg_ring *ring = show->feeds[w].rings[t];
            struct tg_frame *frame;

            while (ring != NULL && (frame = tg_ring_pop(ring)) != NULL)
                tg_frame_unref(frame);
            tg_ring_free(ring);
        }
    }
    tg_free(show->feeds);
    tg_free(show);
}

void tg_fanout_free(struct tg_fanout *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < TG_SHOWS_MAX; i++)
        show_free(atomic_load(&f->shows[i]), f->cfg.workers);
    tg_guard_done(f);
    tg_free(f);
}

const struct tg_rtc_handler *tg_fanout_handler(struct tg_fanout *f, unsigned worker)
{
    TG_ASSERT(worker < f->cfg.workers);
    return &f->shards[worker].handler;
}

/* --- shows ---------------------------------------------------------------------------------- */

static void wake(struct tg_shard *shard)
{
    struct tg_rtc_worker *worker = atomic_load(&shard->worker);

    if (worker != NULL)
        tg_rtc_worker_wake(worker);
}

static tg_err feeds_new(struct tg_fanout_show *show, unsigned workers)
{
    tg_err err = TG_OK;

    show->feeds = tg_calloc(workers, sizeof(*show->feeds));
    if (show->feeds == NULL)
        return TG_ERR_NOMEM;
    for (unsigned w = 0; w < workers && err == TG_OK; w++) {
        for (size_t t = 0; t < TG_TRACK_COUNT && err == TG_OK; t++)
            err = tg_ring_new(&show->feeds[w].rings[t], TG_FRAME_RING);
    }
    return err;
}

tg_err tg_fanout_show_add(struct tg_fanout *f, uint16_t show, tg_us epoch_us)
{
    struct tg_fanout_show *none = NULL;
    unsigned end = atomic_load(&f->show_end);

    if (show >= TG_SHOWS_MAX)
        return TG_ERR_LIMIT;
    struct tg_fanout_show *made = tg_calloc(1, sizeof(*made));

    if (made == NULL)
        return TG_ERR_NOMEM;
    made->ordinal = show;
    made->epoch_us = epoch_us;
    tg_err err = feeds_new(made, f->cfg.workers);

    if (err == TG_OK && !atomic_compare_exchange_strong(&f->shows[show], &none, made))
        err = TG_ERR_CONFLICT;
    if (err != TG_OK) {
        show_free(made, f->cfg.workers);
        return err;
    }
    while (end < show + 1U && !atomic_compare_exchange_weak(&f->show_end, &end, show + 1U)) {
    }
    /* A worker that sleeps without a deadline knows of no show whose rings it must empty. */
    for (unsigned w = 0; w < f->cfg.workers; w++)
        wake(&f->shards[w]);
    return TG_OK;
}

struct tg_fanout_show *tg_fanout_show_get(struct tg_fanout *f, uint16_t show)
{
    return show < TG_SHOWS_MAX ? atomic_load(&f->shows[show]) : NULL;
}

void tg_fanout_show_on_air(struct tg_fanout *f, uint16_t show, bool on_air)
{
    struct tg_fanout_show *s = tg_fanout_show_get(f, show);

    if (s != NULL)
        atomic_store(&s->off_air, !on_air);
}

void tg_fanout_want_key(struct tg_fanout *f, struct tg_fanout_show *show, unsigned layer, tg_us now)
{
    TG_ASSERT(layer < TG_LAYERS_MAX);
    tg_us asked = atomic_load(&show->keys[layer].asked_at);

    if (asked != 0 && now - asked < TG_KEYFRAME_INTERVAL_US) {
        atomic_store(&show->keys[layer].pending, true);
        return;
    }
    /* Who loses this race lost it to a thread that asks right now. */
    if (!atomic_compare_exchange_strong(&show->keys[layer].asked_at, &asked, now))
        return;
    atomic_store(&show->keys[layer].pending, false);
    TG_COUNT(fanout_keyframes_asked_total);
    if (f->cfg.request_keyframe != NULL)
        f->cfg.request_keyframe(f->cfg.ctx, show->ordinal, layer);
}

tg_us tg_fanout_key_retry(struct tg_fanout *f, struct tg_fanout_show *show, tg_us now)
{
    tg_us at = TG_US_NEVER;

    for (unsigned layer = 0; layer < TG_LAYERS_MAX; layer++) {
        if (!atomic_load(&show->keys[layer].pending))
            continue;
        tg_us due = atomic_load(&show->keys[layer].asked_at) + TG_KEYFRAME_INTERVAL_US;

        if (now < due)
            at = TG_MIN(at, due);
        else
            tg_fanout_want_key(f, show, layer, now);
    }
    return at;
}

void tg_fanout_count(struct tg_fanout *f, struct tg_fanout_show *show, unsigned worker, bool came)
{
    unsigned told;

    if (came) {
        atomic_fetch_add(&show->feeds[worker].viewers, 1);
        atomic_fetch_add(&show->viewers, 1);
    } else {
        atomic_fetch_sub(&show->feeds[worker].viewers, 1);
        atomic_fetch_sub(&show->viewers, 1);
    }
    tg_metric_add(TG_M_fanout_viewers, came ? 1 : -1);
    if (f->cfg.viewers == NULL)
        return;
    /* Workers tell at the same time; the one that finishes last has seen the last number. */
    do {
        told = atomic_load(&show->viewers);
        f->cfg.viewers(f->cfg.ctx, show->ordinal, told);
    } while (atomic_load(&show->viewers) != told);
}

/* --- frames in ------------------------------------------------------------------------------ */

/* False: dropped. */
static bool feed_push(struct tg_fanout_feed *feed, struct tg_frame *frame)
{
    bool video = frame->track == TG_TRACK_VIDEO;
    bool *skip = &feed->skip_to_key[frame->layer];

    if (video && *skip && (frame->flags & TG_FRAME_KEY) == 0)
        return false;
    if (!tg_ring_push(feed->rings[frame->track], tg_frame_ref(frame))) {
        tg_frame_unref(frame);
        if (video)
            *skip = true;
        return false;
    }
    if (video)
        *skip = false;
    return true;
}

void tg_fanout_emit(void *fanout, struct tg_frame *take_frame)
{
    struct tg_fanout *f = fanout;
    struct tg_fanout_show *show = tg_fanout_show_get(f, take_frame->show);
    int dropped = 0;

    if (show == NULL || take_frame->track >= TG_TRACK_COUNT || take_frame->layer >= TG_LAYERS_MAX) {
        TG_COUNT(fanout_frames_dropped_total);
        tg_frame_unref(take_frame);
        return;
    }
    for (unsigned w = 0; w < f->cfg.workers; w++) {
        struct tg_fanout_feed *feed = &show->feeds[w];

        if (!feed_push(feed, take_frame))
            dropped++;
        /* A worker without viewers of this show looks by itself, see shard.c. */
        if (atomic_load_explicit(&feed->viewers, memory_order_relaxed) > 0)
            wake(&f->shards[w]);
    }
    if (take_frame->track == TG_TRACK_VIDEO && (take_frame->flags & TG_FRAME_KEY) != 0)
        atomic_store(&show->keys[take_frame->layer].pending,
                     false); /* what was asked for is here */
    if (dropped > 0) {
        tg_metric_add(TG_M_fanout_frames_dropped_total, dropped);
        if (take_frame->track == TG_TRACK_VIDEO)
            tg_fanout_want_key(f, show, take_frame->layer, tg_clock_mono());
    }
    tg_frame_unref(take_frame);
}
