/* The workers' side of the fan-out: histories, pumping viewers, the handler of net/rtc_worker.h. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "fanout/fanout_priv.h"

/* A worker without viewers of a show takes its frames this often: rings hold > 4 s. */
#define IDLE_DRAIN_US (500 * (tg_us)TG_US_PER_MS)
/* A video layer without frames for so long is not sent any more. */
#define RATE_SILENCE_US (1500 * (tg_us)TG_US_PER_MS)

/* What catching up may take of a turn, looked at after so many viewers. */
#define BUSY_US (4 * (tg_us)TG_US_PER_MS)
enum { BUSY_LOOKS = 8 };

enum { HISTORY_VIDEO_FRAMES = 1024 }; /* 17 s at 60 fps; packets end it earlier */

static void counts_take(struct tg_viewer_counts *sum, struct tg_viewer_counts *from)
{
    sum->packets += from->packets;
    sum->bytes += from->bytes;
    sum->resent += from->resent;
    sum->nacked += from->nacked;
    sum->nack_held += from->nack_held;
    sum->nack_gone += from->nack_gone;
    sum->plis += from->plis;
    sum->feedback += from->feedback;
    sum->sync_lost += from->sync_lost;
    sum->skipped += from->skipped;
    sum->rtcp_bad += from->rtcp_bad;
    sum->switches += from->switches;
    sum->probes += from->probes;
    sum->probed += from->probed;
    sum->starved += from->starved;
    *from = (struct tg_viewer_counts){0};
}

/* --- viewers -------------------------------------------------------------------------------- */

/* At the end: who waits longest is served first. */
static void busy_add(struct tg_shard *s, struct tg_shard_viewer *v)
{
    if (v->busy)
        return;
    v->busy = true;
    v->busy_prev = s->busy_last;
    v->busy_next = NULL;
    if (s->busy_last != NULL)
        s->busy_last->busy_next = v;
    else
        s->busy = v;
    s->busy_last = v;
}

static void busy_remove(struct tg_shard *s, struct tg_shard_viewer *v)
{
    if (!v->busy)
        return;
    v->busy = false;
    if (v->busy_prev != NULL)
        v->busy_prev->busy_next = v->busy_next;
    else
        s->busy = v->busy_next;
    if (v->busy_next != NULL)
        v->busy_next->busy_prev = v->busy_prev;
    else
        s->busy_last = v->busy_prev;
}

static struct tg_shard_show *show_of(struct tg_shard *s, uint16_t show)
{
    if (s->shows[show] == NULL)
        s->shows[show] = tg_calloc(1, sizeof(*s->shows[show]));
    return s->shows[show];
}

tg_err tg_shard_join(struct tg_shard *s, struct tg_fanout_show *show, struct tg_shard_viewer *v)
{
    struct tg_shard_show *ss = show_of(s, show->ordinal);

    if (ss == NULL)
        return TG_ERR_NOMEM;
    if (ss->viewer_count == ss->viewer_cap) {
        size_t cap = ss->viewer_cap == 0 ? 16 : ss->viewer_cap * 2;
        struct tg_shard_viewer **grown =
            tg_realloc(ss->viewers, cap, sizeof(struct tg_shard_viewer *));

        if (grown == NULL)
            return TG_ERR_NOMEM;
        ss->viewers = grown;
        ss->viewer_cap = cap;
    }
    v->show = show->ordinal;
    v->index = ss->viewer_count;
    ss->viewers[ss->viewer_count++] = v;
    s->viewer_count++;
    tg_fanout_count(s->fanout, show, s->index, true);
    return TG_OK;
}

void tg_shard_leave(struct tg_shard *s, struct tg_shard_viewer *v)
{
    struct tg_shard_show *ss = s->shows[v->show];

    busy_remove(s, v);
    ss->viewer_count--;
    ss->viewers[v->index] = ss->viewers[ss->viewer_count];
    ss->viewers[v->index]->index = v->index;
    s->viewer_count--;
    tg_guard_left(s, v);
    tg_fanout_count(s->fanout, tg_fanout_show_get(s->fanout, v->show), s->index, false);
    tg_viewer_done(&v->core);
    counts_take(&s->counts, &v->core.counts);
    tg_free(v);
}

/* --- pumping -------------------------------------------------------------------------------- */

/* Sends what the viewer may have now. False: there is more, but not in this millisecond. */
static bool packets_send(struct tg_shard *s, struct tg_shard_viewer *v, tg_us now)
{
    const struct tg_viewer_source *src = &s->shows[v->show]->source;
    struct tg_rtc_worker *w = atomic_load_explicit(&s->worker, memory_order_relaxed);
    struct tg_viewer_packet p;
    enum tg_viewer_step step;

    while ((step = tg_viewer_next(&v->core, src, now, &p)) == TG_VIEWER_SEND) {
        uint8_t *out = tg_rtc_reserve(w, v->session, TG_VIEWER_PACKET_MAX);
        size_t len = 0;

        if (out == NULL) {
            v->core.stream.full = true;
            return false; /* no room; nothing was consumed */
        }
        if (tg_viewer_write(&v->core, &p, v->tx, now, out, TG_VIEWER_PACKET_MAX, &len) == TG_OK)
            tg_rtc_commit(w, v->session, len);
        else
            s->send_failed++;
        v->core.stream.bytes += len;
    }
    return step == TG_VIEWER_IDLE;
}

static void report_send(struct tg_shard *s, struct tg_shard_viewer *v, tg_us now)
{
    uint8_t out[TG_VIEWER_REPORT_MAX];
    size_t len = tg_viewer_report(&v->core, now, out, sizeof(out));

    if (len > 0) /* a report that is dropped is followed by another in a second */
        (void)tg_rtc_send_rtcp(atomic_load_explicit(&s->worker, memory_order_relaxed), v->session,
                               out, len);
}

/*
 * Thousands of viewers do not fit into the cache: each would cost some forty misses a frame, one
 * after the other. Asked for while the one before is served, they come meanwhile.
 */
static void warm(const struct tg_shard_viewer *v)
{
    tg_viewer_warm(&v->core);
    __builtin_prefetch(&v->session);
    if (v->tx == NULL)
        return;
    tg_srtp_tx_warm(v->tx);
    __builtin_prefetch(v->session);
    __builtin_prefetch(&v->session->remote);
}

static void pump(struct tg_shard *s, struct tg_shard_viewer *v, tg_us now)
{
    if (v->turn == s->turn || v->tx == NULL)
        return;
    v->turn = s->turn;
    /* A full TCP connection is not looked at again each millisecond: on_writable comes. */
    if (packets_send(s, v, now) || v->session->stalled)
        busy_remove(s, v);
    else
        busy_add(s, v);
    tg_rtc_pass(atomic_load_explicit(&s->worker, memory_order_relaxed));
    if (now >= tg_viewer_report_at(&v->core))
        report_send(s, v, now);
    for (unsigned layer = 0; v->core.wants_key != 0; layer++) {
        if ((v->core.wants_key & 1U << layer) == 0)
            continue;
        v->core.wants_key ^= (uint8_t)(1U << layer);
        tg_fanout_want_key(s->fanout, tg_fanout_show_get(s->fanout, v->show), layer, now);
    }
    counts_take(&s->counts, &v->core.counts);
}

/* --- frames in ------------------------------------------------------------------------------ */

/* The numbers by which viewers choose their layer. */
static void layer_note(struct tg_shard_show *ss, const struct tg_frame *f, tg_us now)
{
    struct tg_viewer_layer *layer = &ss->source.video[f->layer];
    struct tg_shard_rate *rate = &ss->rates[f->layer];

    layer->history = ss->histories[TG_TRACK_VIDEO][f->layer];
    if (f->width != 0) {
        layer->width = f->width;
        layer->height = f->height;
    }
    if (layer->bps == 0 && now - rate->since >= RATE_SILENCE_US)
        *rate = (struct tg_shard_rate){.since = now}; /* the first frame, or after a silence */
    rate->bytes += f->bytes_len;
    if (now - rate->since < TG_US_PER_S)
        return;
    layer->bps = (uint32_t)(rate->bytes * 8 * TG_US_PER_S / (uint64_t)(now - rate->since));
    *rate = (struct tg_shard_rate){.since = now};
}

/* A publisher may stop one of its layers: nobody should wait for it. */
static void layers_check(struct tg_shard_show *ss, tg_us now)
{
    for (size_t i = 0; i < TG_LAYERS_MAX; i++) {
        struct tg_viewer_layer *layer = &ss->source.video[i];

        if (layer->bps > 0 && now - layer->history->head_at >= RATE_SILENCE_US)
            layer->bps = 0;
    }
}

static void frame_take(struct tg_shard *s, struct tg_shard_show *ss, struct tg_frame *take_frame,
                       tg_us now)
{
    bool video = take_frame->track == TG_TRACK_VIDEO;
    struct tg_history **h = &ss->histories[take_frame->track][take_frame->layer];

    s->frames_in++;
    if (*h == NULL && tg_history_new(h, video ? HISTORY_VIDEO_FRAMES : TG_HISTORY_AUDIO) != TG_OK) {
        s->frames_dropped++;
        tg_frame_unref(take_frame);
        return;
    }
    if (video)
        layer_note(ss, take_frame, now);
    else if (take_frame->layer == 0)
        ss->source.audio = *h;
    if (!tg_history_push(*h, take_frame, now))
        s->frames_dropped++;
    ss->fresh = true;
}

static void feed_drain(struct tg_shard *s, struct tg_fanout_show *show, tg_us now)
{
    struct tg_fanout_feed *feed = &show->feeds[s->index];
    struct tg_frame *frame;

    for (size_t t = 0; t < TG_TRACK_COUNT; t++) {
        /* Ends: a ring holds TG_FRAME_RING, and sources are slower than this loop. */
        while ((frame = tg_ring_pop(feed->rings[t])) != NULL) {
            struct tg_shard_show *ss = show_of(s, show->ordinal);

            if (ss != NULL) {
                frame_take(s, ss, frame, now);
            } else {
                s->frames_dropped++;
                tg_frame_unref(frame);
            }
        }
    }
}

/* --- a turn --------------------------------------------------------------------------------- */

static void metrics_add(struct tg_shard *s)
{
    const struct {
        enum tg_metric metric;
        uint32_t n;
    } rows[] = {
        {TG_M_fanout_packets_total, s->counts.packets},
        {TG_M_fanout_bytes_total, s->counts.bytes},
        {TG_M_fanout_resent_total, s->counts.resent},
        {TG_M_fanout_nacks_total, s->counts.nacked},
        {TG_M_fanout_nack_held_total, s->counts.nack_held},
        {TG_M_fanout_nack_gone_total, s->counts.nack_gone},
        {TG_M_fanout_plis_total, s->counts.plis},
        {TG_M_fanout_feedback_total, s->counts.feedback},
        {TG_M_fanout_sync_lost_total, s->counts.sync_lost},
        {TG_M_fanout_frames_skipped_total, s->counts.skipped},
        {TG_M_fanout_rtcp_bad_total, s->counts.rtcp_bad},
        {TG_M_fanout_layer_switches_total, s->counts.switches},
        {TG_M_fanout_probes_total, s->counts.probes},
        {TG_M_fanout_probe_packets_total, s->counts.probed},
        {TG_M_fanout_frames_in_total, s->frames_in},
        {TG_M_fanout_frames_dropped_total, s->frames_dropped},
        {TG_M_fanout_send_failed_total, s->send_failed},
    };

    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        if (rows[i].n > 0)
            tg_metric_add(rows[i].metric, rows[i].n);
    }
    if (s->counts.starved != 0)
        tg_metric_add(TG_M_fanout_starved, s->counts.starved);
    s->counts = (struct tg_viewer_counts){0};
    s->frames_in = 0;
    s->frames_dropped = 0;
    s->send_failed = 0;
}

/* New frames, for those who have all that was before. */
static void fresh_run(struct tg_shard *s, const struct tg_shard_show *ss, tg_us now)
{
    for (size_t k = 0; k < ss->viewer_count; k++) {
        if (k + 1 < ss->viewer_count)
            warm(ss->viewers[k + 1]);
        if (!ss->viewers[k]->busy)
            pump(s, ss->viewers[k], now);
    }
}

/*
 * Those who have more to get: the rest of a keyframe, the picture so far of somebody new, answers.
 * For a while only, then the next turn goes on: a crowd that comes in must not make those wait who
 * watch already.
 */
static void busy_run(struct tg_shard *s, tg_us now)
{
    const struct tg_shard_viewer *last = s->busy_last;
    const tg_us until = tg_clock_mono() + BUSY_US;
    struct tg_shard_viewer *v = s->busy;

    s->busy_left = false;
    for (unsigned n = 1; v != NULL; n++) {
        const bool done = v == last;

        if (v->busy_next != NULL)
            warm(v->busy_next);
        busy_remove(s, v);
        if (v->turn == s->turn)
            busy_add(s, v); /* came in by a frame of this turn */
        else
            pump(s, v, now);
        if (done)
            return;
        v = s->busy;
        if (n % BUSY_LOOKS == 0 && tg_clock_mono() >= until)
            break;
    }
    s->busy_left = v != NULL;
}

static void on_turn(void *ctx, tg_us now)
{
    struct tg_shard *s = ctx;
    unsigned end = atomic_load(&s->fanout->show_end);

    s->turn++;
    for (unsigned i = 0; i < end; i++) {
        struct tg_fanout_show *show = tg_fanout_show_get(s->fanout, (uint16_t)i);

        if (show == NULL)
            continue;
        feed_drain(s, show, now);
        struct tg_shard_show *ss = s->shows[i];

        if (ss == NULL || !ss->fresh)
            continue;
        ss->fresh = false;
        layers_check(ss, now);
        fresh_run(s, ss, now);
    }
    busy_run(s, now);
    tg_guard_turn(s, now);
    metrics_add(s);
}

static tg_us deadline(void *ctx, tg_us now)
{
    struct tg_shard *s = ctx;
    unsigned end = atomic_load(&s->fanout->show_end);
    tg_us at = end > 0 ? now + IDLE_DRAIN_US : TG_US_NEVER;

    if (s->busy != NULL)
        at = s->busy_left ? now : now + TG_US_PER_MS;
    for (unsigned i = 0; i < end; i++) {
        struct tg_fanout_show *show = tg_fanout_show_get(s->fanout, (uint16_t)i);

        if (show != NULL && s->shows[i] != NULL && s->shows[i]->viewer_count > 0)
            at = TG_MIN(at, tg_fanout_key_retry(s->fanout, show, now));
    }
    return at;
}

/* --- the rest of the handler ---------------------------------------------------------------- */

static tg_err on_start(void *ctx, struct tg_rtc_worker *w)
{
    struct tg_shard *s = ctx;

    s->offer = tg_calloc(1, sizeof(*s->offer));
    if (s->offer == NULL)
        return TG_ERR_NOMEM;
    atomic_store(&s->worker, w);
    tg_rtc_worker_wake(w); /* shows that are there already: see tg_fanout_show_add */
    return TG_OK;
}

/* Those who joined before the doors closed are shown out. */
static void rehearse(struct tg_shard *s, const struct tg_rtc_req *req, tg_us now)
{
    if (req->show >= TG_SHOWS_MAX)
        return;
    const struct tg_shard_show *ss = s->shows[req->show];

    s->rehearsing[req->show] = req->on;
    for (size_t i = 0; req->on && ss != NULL && i < ss->viewer_count; i++) {
        if (!ss->viewers[i]->staff) /* it stays in the list until on_closed */
            tg_rtc_close(atomic_load_explicit(&s->worker, memory_order_relaxed),
                         ss->viewers[i]->session, now);
    }
}

static bool on_request(void *ctx, struct tg_rtc_req *req, tg_us now)
{
    struct tg_shard *s = ctx;

    if (req->what == TG_RTC_WHEP_OFFER)
        tg_shard_offer(s, req, now);
    else if (req->what == TG_RTC_LAYER)
        tg_shard_layer(s, req);
    else if (req->what == TG_RTC_REHEARSE)
        rehearse(s, req, now);
    else
        return false; /* SHOW_ADD: shows come through tg_fanout_show_add */
    return true;
}

static void on_connected(void *ctx, struct tg_rtc_session *session, tg_us now)
{
    struct tg_shard *s = ctx;
    struct tg_shard_viewer *v = session->user;

    v->tx = tg_peer_tx(session->peer);
    TG_ASSERT(v->tx != NULL);
    tg_guard_connected(s, v, now);
    tg_viewer_stream_set(&v->core, now, session->remote.tcp != 0);
    tg_viewer_start(&v->core, &s->shows[v->show]->source, now);
    busy_add(s, v); /* this turn's pump sends the cached picture */
    tg_log_debug("fanout", "viewer_connected", "sess=%u show=%u", session->ordinal,
                 (unsigned)v->show);
}

static void on_rtcp(void *ctx, struct tg_rtc_session *session, struct tg_span packet, tg_us now)
{
    struct tg_shard *s = ctx;
    struct tg_shard_viewer *v = session->user;

    tg_viewer_rtcp(&v->core, now, packet);
    if (v->core.bye)
        tg_rtc_close(atomic_load_explicit(&s->worker, memory_order_relaxed), session, now);
    busy_add(s, v); /* answers leave in this turn */
}

static void on_moved(void *ctx, struct tg_rtc_session *session, tg_us now)
{
    struct tg_shard_viewer *v = session->user;

    (void)ctx;
    if (v->core.stream.on != (session->remote.tcp != 0))
        tg_viewer_stream_set(&v->core, now, session->remote.tcp != 0);
}

static void on_writable(void *ctx, struct tg_rtc_session *session, tg_us now)
{
    (void)now;
    busy_add(ctx, session->user);
}

static void on_closed(void *ctx, struct tg_rtc_session *session, enum tg_peer_reason reason,
                      tg_us now)
{
    struct tg_shard *s = ctx;
    struct tg_shard_viewer *v = session->user;

    (void)now;
    tg_log_debug("fanout", "viewer_closed", "sess=%u show=%u reason=%s", session->ordinal,
                 (unsigned)v->show, tg_peer_reason_name(reason));
    counts_take(&s->counts, &v->core.counts);
    session->user = NULL;
    tg_shard_leave(s, v);
}

static void on_stop(void *ctx, tg_us now)
{
    struct tg_shard *s = ctx;

    (void)now;
    atomic_store(&s->worker, NULL);
    metrics_add(s);
    for (size_t i = 0; i < TG_SHOWS_MAX; i++) {
        struct tg_shard_show *ss = s->shows[i];

        if (ss == NULL)
            continue;
        TG_ASSERT(ss->viewer_count == 0);
        for (size_t t = 0; t < TG_TRACK_COUNT; t++) {
            for (size_t l = 0; l < TG_LAYERS_MAX; l++)
                tg_history_free(ss->histories[t][l]);
        }
        tg_free(ss->viewers);
        tg_free(ss);
        s->shows[i] = NULL;
    }
    tg_free(s->offer);
    s->offer = NULL;
}

void tg_shard_init(struct tg_shard *s, struct tg_fanout *f, unsigned index)
{
    s->fanout = f;
    s->index = index;
    s->handler = (struct tg_rtc_handler){
        .name = "fanout",
        .ctx = s,
        .on_start = on_start,
        .on_request = on_request,
        .on_connected = on_connected,
        .on_rtcp = on_rtcp,
        .on_moved = on_moved,
        .on_writable = on_writable,
        .on_closed = on_closed,
        .on_turn = on_turn,
        .deadline = deadline,
        .on_stop = on_stop,
    };
}
