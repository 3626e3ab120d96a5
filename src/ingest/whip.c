/*
 * whip.c - the handlers, one for each rtc worker, and what they share.
 */
#include "ingest/whip.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/whip_priv.h"

#define GRACE_US (60 * (tg_us)TG_US_PER_S)

static tg_err on_start(void *ctx, struct tg_rtc_worker *rtc)
{
    struct tg_whip_worker *w = ctx;

    w->offer = tg_calloc(1, sizeof(*w->offer));
    if (w->offer == NULL)
        return TG_ERR_NOMEM;
    w->rtc = rtc;
    return TG_OK;
}

static bool on_request(void *ctx, struct tg_rtc_req *req, tg_us now)
{
    if (req->what != TG_RTC_WHIP_OFFER)
        return false;
    tg_whip_offer(ctx, req, now);
    return true;
}

static void on_connected(void *ctx, struct tg_rtc_session *rtc, tg_us now)
{
    (void)ctx;
    tg_whip_session_connected(rtc->user, now);
}

static void on_rtp(void *ctx, struct tg_rtc_session *rtc, struct tg_span packet, tg_us now)
{
    (void)ctx;
    tg_whip_session_rtp(rtc->user, packet, now);
}

static void on_rtcp(void *ctx, struct tg_rtc_session *rtc, struct tg_span packet, tg_us now)
{
    (void)ctx;
    tg_whip_session_rtcp(rtc->user, packet, now);
}

static void on_closed(void *ctx, struct tg_rtc_session *rtc, enum tg_peer_reason reason, tg_us now)
{
    struct tg_whip_session *s = rtc->user;

    (void)ctx;
    (void)now;
    tg_log_info("whip", "publish_end", "sess=%u show=%u reason=%s frames=%llu", rtc->ordinal,
                (unsigned)s->media.info.show, tg_peer_reason_name(reason),
                (unsigned long long)s->media.frames);
    rtc->user = NULL;
    tg_whip_session_free(s);
}

static void on_turn(void *ctx, tg_us now)
{
    struct tg_whip_worker *w = ctx;

    /* Ending a session only marks it; on_closed, which unlinks, comes later. */
    for (struct tg_whip_session *s = w->sessions; s != NULL; s = s->next)
        tg_whip_session_turn(s, now);
}

static tg_us deadline(void *ctx, tg_us now)
{
    struct tg_whip_worker *w = ctx;
    tg_us at = TG_US_NEVER;

    (void)now;
    for (struct tg_whip_session *s = w->sessions; s != NULL; s = s->next)
        at = TG_MIN(at, tg_whip_session_deadline(s));
    return at;
}

static void on_stop(void *ctx, tg_us now)
{
    struct tg_whip_worker *w = ctx;

    (void)now;
    TG_ASSERT(w->sessions == NULL);
    tg_free(w->offer);
    w->offer = NULL;
    w->rtc = NULL;
}

static void worker_init(struct tg_whip *whip, unsigned index)
{
    struct tg_whip_worker *w = &whip->workers[index];

    w->whip = whip;
    w->index = index;
    w->handler = (struct tg_rtc_handler){
        .name = "whip",
        .ctx = w,
        .on_start = on_start,
        .on_request = on_request,
        .on_connected = on_connected,
        .on_rtp = on_rtp,
        .on_rtcp = on_rtcp,
        .on_closed = on_closed,
        .on_turn = on_turn,
        .deadline = deadline,
        .on_stop = on_stop,
    };
}

tg_err tg_whip_new(struct tg_whip **ret, const struct tg_whip_cfg *cfg)
{
    struct tg_whip *whip;

    if (cfg->workers == 0 || cfg->workers > TG_WHIP_WORKERS_MAX ||
        cfg->publishers_max > TG_WHIP_PUBLISHERS_MAX)
        return TG_ERR_LIMIT;
    whip = tg_calloc(1, sizeof(*whip) + cfg->workers * sizeof(whip->workers[0]));
    if (whip == NULL)
        return TG_ERR_NOMEM;
    whip->cfg = *cfg;
    if (whip->cfg.publishers_max == 0)
        whip->cfg.publishers_max = TG_WHIP_PUBLISHERS_MAX;
    if (whip->cfg.grace_us == 0)
        whip->cfg.grace_us = GRACE_US;
    for (unsigned i = 0; i < cfg->workers; i++)
        worker_init(whip, i);
    *ret = whip;
    return TG_OK;
}

void tg_whip_free(struct tg_whip *whip)
{
    if (whip == NULL)
        return;
    TG_ASSERT(atomic_load(&whip->publishers) == 0);
    tg_free(whip);
}

const struct tg_rtc_handler *tg_whip_handler(struct tg_whip *whip, unsigned index)
{
    TG_ASSERT(index < whip->cfg.workers);
    return &whip->workers[index].handler;
}

unsigned tg_whip_publishers(const struct tg_whip *whip)
{
    return atomic_load(&whip->publishers);
}
