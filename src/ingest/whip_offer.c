/*
 * whip_offer.c - a WHIP offer becomes a session with a receiver, or a clear refusal.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "ingest/whip_priv.h"

enum {
    OF_SHOW_PART = 4, /* a show has a quarter of the places ... */
    OF_SHOW_MIN = 4   /* ... and room for takeovers when they are few */
};

static const char busy_reason[] = "the server is busy, try again";

static tg_err offer_read(struct tg_whip_worker *w, const struct tg_rtc_req *req,
                         struct tg_sdp_whip *ret_pick, const char **reterr_reason)
{
    tg_err err;

    if (req->sdp == NULL || req->sdp->len == 0 || req->sdp->len > TG_SDP_MAX) {
        *reterr_reason = "the request has no session description";
        return TG_ERR_MALFORMED;
    }
    err = tg_sdp_parse(w->offer, (const char *)req->sdp->data, req->sdp->len, reterr_reason);
    if (err == TG_ERR_LIMIT)
        return TG_ERR_MALFORMED; /* LIMIT would read as "come back later" */
    return err != TG_OK ? err : tg_sdp_whip_pick(ret_pick, w->offer, reterr_reason);
}

static tg_err session_open(struct tg_whip_worker *w, const struct tg_rtc_req *req,
                           const struct tg_sdp_whip *pick, tg_us now, struct tg_whip_session **ret)
{
    struct tg_whip_session *s = NULL;
    tg_err err = tg_whip_session_new(&s, w, req, pick, now);

    if (err != TG_OK)
        return err;
    const struct tg_rtc_open open = {
        .remote_ufrag = pick->ice_ufrag,
        .remote_pwd = pick->ice_pwd,
        .remote_sha256 = pick->fingerprint,
        .consent_us = w->whip->cfg.grace_us,
        .show = req->show,
        .publisher = true,
        .receives = true,
        .user = s,
    };

    err = tg_rtc_open(w->rtc, &w->handler, &open, now, &s->rtc);
    if (err != TG_OK) {
        tg_whip_session_free(s);
        return err;
    }
    tg_str_printf(s->rtc->name, sizeof(s->rtc->name), "%s", s->media.info.publisher);
    *ret = s;
    return TG_OK;
}

static tg_err offer_accept(struct tg_whip_worker *w, const struct tg_rtc_req *req,
                           const struct tg_sdp_whip *pick, tg_us now)
{
    struct tg_whip_session *s = NULL;
    struct tg_sdp_local local = {.cname = "torg", .stream_id = "torg"};
    struct tg_buf answer;
    tg_err err = session_open(w, req, pick, now, &s);

    if (err != TG_OK)
        return err;
    tg_buf_init(&answer, TG_SDP_MAX);
    tg_rtc_local(w->rtc, s->rtc, &local);
    err = tg_sdp_write_whip_answer(&answer, w->offer, pick, &local, w->whip->cfg.start_kbps);
    if (err == TG_OK)
        tg_rtc_reply(req, TG_OK, NULL, s->rtc, &answer);
    else
        tg_rtc_close(w->rtc, s->rtc, now); /* on_closed frees the session */
    tg_buf_done(&answer);
    return err;
}

/* A key that went astray must not take the other shows' places. */
static unsigned of_show_max(const struct tg_whip *whip)
{
    const unsigned max = whip->cfg.publishers_max;

    return TG_MAX(max / OF_SHOW_PART, TG_MIN(max, (unsigned)OF_SHOW_MIN));
}

/* NULL = there is. */
static const char *no_room(struct tg_whip *whip, uint16_t show)
{
    if (atomic_load(&whip->publishers) >= whip->cfg.publishers_max)
        return "this server has as many publishers as it may take";
    if (atomic_load(&whip->of_show[show]) >= of_show_max(whip))
        return "this show has as many publishers as it may have";
    return NULL;
}

void tg_whip_offer(struct tg_whip_worker *w, const struct tg_rtc_req *req, tg_us now)
{
    struct tg_sdp_whip pick = {0};
    const char *reason;
    tg_err err = TG_ERR_LIMIT;

    TG_ASSERT(req->show < TG_SHOWS_MAX);
    reason = no_room(w->whip, req->show);
    if (reason == NULL) {
        err = offer_read(w, req, &pick, &reason);
        if (err == TG_OK) {
            err = offer_accept(w, req, &pick, now);
            /* Out of memory, too many handshakes, a library that refused: all of them pass. */
            if (err != TG_OK) {
                err = TG_ERR_LIMIT;
                reason = busy_reason;
            }
        }
    }
    if (err == TG_OK)
        return;
    TG_COUNT(whip_refused_total);
    tg_log_info("whip", "refused", "show=%u err=%s reason=%s", (unsigned)req->show,
                tg_err_name(err), TG_LOG_Q(reason != NULL ? reason : ""));
    tg_rtc_reply(req, err, reason, NULL, NULL);
}
