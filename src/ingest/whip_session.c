/*
 * whip_session.c - one publisher: packets in, feedback out, and what is due from time to time.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "ingest/whip_priv.h"

#define POLL_US (100 * (tg_us)TG_US_PER_MS)
#define SECOND_US ((tg_us)TG_US_PER_S)
#define RECHECK_US (5 * (tg_us)TG_US_PER_S)
/* A keyframe that was asked for is on its way for so long before the wish is repeated. */
#define ASK_AGAIN_US (600 * (tg_us)TG_US_PER_MS)

static const struct tg_whip_cfg *cfg_of(const struct tg_whip_session *s)
{
    return &s->worker->whip->cfg;
}

static void link_in(struct tg_whip_worker *w, struct tg_whip_session *s)
{
    s->worker = w;
    s->next = w->sessions;
    if (w->sessions != NULL)
        w->sessions->prev = s;
    w->sessions = s;
    (void)atomic_fetch_add(&w->whip->of_show[s->media.info.show], 1);
    tg_metric_set(TG_M_whip_sessions, (int64_t)atomic_fetch_add(&w->whip->publishers, 1) + 1);
}

static void link_out(struct tg_whip_session *s)
{
    struct tg_whip_worker *w = s->worker;

    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        w->sessions = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    (void)atomic_fetch_sub(&w->whip->of_show[s->media.info.show], 1);
    tg_metric_set(TG_M_whip_sessions, (int64_t)atomic_fetch_sub(&w->whip->publishers, 1) - 1);
}

tg_err tg_whip_session_new(struct tg_whip_session **ret, struct tg_whip_worker *w,
                           const struct tg_rtc_req *req, const struct tg_sdp_whip *pick, tg_us now)
{
    struct tg_whip_session *s = tg_calloc(1, sizeof(*s));
    struct tg_source_info info = {.show = req->show, .kind = TG_SOURCE_WHIP};
    struct tg_receiver_cfg receiver = {.pick = pick};
    tg_err err;

    if (s == NULL)
        return TG_ERR_NOMEM;
    do
        receiver.ssrc = tg_rng_u32(tg_rtc_rng(w->rtc));
    while (receiver.ssrc == 0);
    err = tg_receiver_new(&s->receiver, &receiver, now);
    if (err != TG_OK) {
        tg_free(s);
        return err;
    }
    tg_str_printf(info.publisher, sizeof(info.publisher), "w%u-%u", w->index, ++w->ordinal);
    tg_str_printf(s->token, sizeof(s->token), "%s", req->token);
    tg_whip_media_init(&s->media, &w->whip->cfg.ops, &info, pick, req->epoch_us);
    link_in(w, s);
    *ret = s;
    return TG_OK;
}

void tg_whip_session_free(struct tg_whip_session *s)
{
    if (s->second_at > 0) /* connected: the last part of a second counts too */
        (void)tg_whip_meter_take(&s->meter, s->receiver, &s->media, s->poll_at);
    link_out(s);
    tg_whip_media_done(&s->media);
    tg_receiver_free(s->receiver);
    tg_free(s);
}

void tg_whip_session_connected(struct tg_whip_session *s, tg_us now)
{
    s->heard_at = now;
    s->poll_at = now + POLL_US;
    s->second_at = now + SECOND_US;
    s->recheck_at = now + RECHECK_US;
    tg_whip_meter_init(&s->meter, now);
    TG_COUNT(whip_publishes_total);
    tg_log_info("whip", "publish_start", "sess=%u show=%u publisher=%s video=%s", s->rtc->ordinal,
                (unsigned)s->media.info.show, s->media.info.publisher,
                !s->media.has_video ? "none"
                : s->media.vp8      ? "vp8"
                                    : "h264");
}

/* --- the end ---------------------------------------------------------------------------------- */

static void end(struct tg_whip_session *s, const char *why, tg_us now)
{
    tg_log_info("whip", "closing", "sess=%u show=%u reason=%s", s->rtc->ordinal,
                (unsigned)s->media.info.show, TG_LOG_Q(why));
    s->ending = true;
    tg_rtc_close(s->worker->rtc, s->rtc, now);
}

static void tell_host(const struct tg_whip_session *s, const char *text)
{
    if (cfg_of(s)->notice != NULL)
        cfg_of(s)->notice(cfg_of(s)->ctx, s->media.info.show, text);
}

/* The show said no. The one who took over is on everybody's desk already: no notice for that. */
static void end_by_show(struct tg_whip_session *s, tg_err err, const char *reason, tg_us now)
{
    if (err == TG_ERR_CLOSED) {
        TG_COUNT(whip_taken_over_total);
        end(s, reason != NULL ? reason : "another publisher took the show over", now);
        return;
    }
    if (err == TG_ERR_UNSUPPORTED)
        TG_COUNT(whip_unsupported_total);
    else
        reason = err == TG_ERR_NOTFOUND ? "This show does not exist any more."
                                        : "The server has no room for this stream now.";
    tell_host(s, reason != NULL ? reason : "The server cannot use this stream.");
    end(s, reason != NULL ? reason : "unsupported", now);
}

/* --- keyframes -------------------------------------------------------------------------------- */

static void ask_keys(struct tg_whip_session *s, tg_us now)
{
    uint32_t wishes = s->media.key_wishes;
    uint32_t wanted = tg_layers_wanted(&s->media.layers);

    s->media.key_wishes = 0;
    for (unsigned e = 0; e < TG_WHIP_RIDS_MAX; e++) {
        bool fill = (wanted >> e & 1U) != 0 && now - s->asked_at[e] >= ASK_AGAIN_US;

        if (fill)
            s->asked_at[e] = now;
        if (fill || (wishes >> e & 1U) != 0)
            tg_receiver_want_key(s->receiver, now, e);
    }
}

/* --- packets ---------------------------------------------------------------------------------- */

/* False: the session is ending. */
static bool take(struct tg_whip_session *s, const struct tg_receiver_out *out, tg_us now)
{
    const char *reason = NULL;
    tg_err err = TG_OK;

    switch (out->kind) {
    case TG_RECEIVER_FRAME:
        err = tg_whip_media_frame(&s->media, out, now, &reason);
        break;
    case TG_RECEIVER_RTCP:
        /* Feedback that does not go out is followed by the next. */
        (void)tg_rtc_send_rtcp(s->worker->rtc, s->rtc, out->bytes.data, out->bytes.len);
        break;
    case TG_RECEIVER_CLOCK:
        tg_rtp_clock_report(&s->media.clock, out->encoding, out->rtp_ts, out->ntp,
                            out->arrival - s->media.epoch_us, tg_receiver_rtt(s->receiver));
        break;
    case TG_RECEIVER_BYE:
        if (out->encoding != TG_RECEIVER_AUDIO)
            tg_layers_end(&s->media.layers, out->encoding);
        break;
    }
    if (err == TG_OK)
        return true;
    end_by_show(s, err, reason, now);
    return false;
}

/* What the receiver hands out is valid until its next call: keyframes are asked for afterwards. */
static void drain(struct tg_whip_session *s, tg_us now)
{
    struct tg_receiver_out out;

    for (unsigned round = 0; round < 2; round++) {
        while (tg_receiver_poll(s->receiver, &out)) {
            if (!take(s, &out, now))
                return;
        }
        if (round == 0)
            ask_keys(s, now); /* a PLI may go out at once */
    }
}

void tg_whip_session_rtp(struct tg_whip_session *s, struct tg_span packet, tg_us now)
{
    if (s->ending)
        return;
    if (tg_receiver_rtp(s->receiver, now, packet) == TG_OK) /* bad ones are counted in its stats */
        s->heard_at = now;
    drain(s, now);
}

void tg_whip_session_rtcp(struct tg_whip_session *s, struct tg_span packet, tg_us now)
{
    if (s->ending)
        return;
    (void)tg_receiver_rtcp(s->receiver, now, packet); /* what was well formed counts */
    drain(s, now);
}

/* --- what is due ------------------------------------------------------------------------------ */

static void poll_show(struct tg_whip_session *s, tg_us now)
{
    const char *reason = NULL;
    tg_err err = tg_whip_media_poll(&s->media, &reason);

    s->poll_at = now + POLL_US;
    if (err != TG_OK)
        end_by_show(s, err, reason, now);
    else if (now - s->heard_at >= cfg_of(s)->grace_us) /* its consent alone keeps no place */
        end(s, "no media", now);
}

static void tell_uplink(struct tg_whip_session *s, tg_us now)
{
    struct tg_live_uplink uplink = tg_whip_meter_take(&s->meter, s->receiver, &s->media, now);

    s->second_at += SECOND_US;
    if (s->second_at <= now)
        s->second_at = now + SECOND_US; /* the thread was held up */
    if (cfg_of(s)->uplink != NULL)
        cfg_of(s)->uplink(cfg_of(s)->ctx, &uplink);
}

static void recheck(struct tg_whip_session *s, tg_us now)
{
    const struct tg_whip_cfg *cfg = cfg_of(s);

    s->recheck_at = now + RECHECK_US;
    if (cfg->still_valid == NULL || cfg->still_valid(cfg->ctx, s->token, s->media.info.show))
        return;
    TG_COUNT(whip_revoked_total);
    tell_host(s, "The link or key of this host was revoked.");
    end(s, "the token was revoked", now);
}

void tg_whip_session_turn(struct tg_whip_session *s, tg_us now)
{
    if (s->ending || s->rtc == NULL || !s->rtc->connected)
        return;
    if (now >= s->poll_at)
        poll_show(s, now);
    if (!s->ending && now >= s->second_at)
        tell_uplink(s, now);
    if (!s->ending && now >= s->recheck_at)
        recheck(s, now);
    if (s->ending)
        return;
    if (now >= tg_receiver_deadline(s->receiver))
        tg_receiver_tick(s->receiver, now);
    drain(s, now);
}

tg_us tg_whip_session_deadline(const struct tg_whip_session *s)
{
    if (s->ending || s->rtc == NULL || !s->rtc->connected)
        return TG_US_NEVER; /* the worker keeps the peer's own deadlines */
    return TG_MIN(TG_MIN(s->poll_at, tg_receiver_deadline(s->receiver)),
                  TG_MIN(s->second_at, s->recheck_at));
}
