/*
 * WHIP (RFC 9725): hosts' offers, trickle, ICE restarts and the end. Who may: a stream key of the
 * show, or a host or admin whose token is not for another show (the routes ask for the role).
 */
#include "api/h_rtc.h"
#include "base/str.h"

static bool find_show(struct tg_req *q, struct tg_show_info *ret)
{
    if (!tg_req_show(q, ret))
        return false;
    if (!q->auth.one_show || q->auth.show == ret->ord)
        return true;
    tg_reply_problem(q, 403, "show", "Your token is for another show.");
    return false;
}

static bool check_rate(struct tg_req *q)
{
    uint32_t wait_ms = 0;

    if (tg_rate_addr_token(q->w, &q->peer, q->auth.token, TG_RATE_WHIP, &wait_ms))
        return true;
    tg_reply_retry(q, 429, wait_ms, "You began sending video very often. Wait and try again.");
    return false;
}

void tg_h_whip(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_rtc_req *msg;

    if (!check_rate(q) || !find_show(q, &show) ||
        !tg_rtc_body(q, TG_TYPE_SDP, "a sendonly SDP offer"))
        return;
    msg = tg_rtc_offer(q, TG_RTC_WHIP_OFFER, &show);
    if (msg == NULL)
        return;
    tg_str_printf(msg->token, sizeof(msg->token), "%s", q->auth.token);
    tg_rtc_ask_any(q, msg);
}

void tg_h_whip_patch(struct tg_req *q)
{
    struct tg_show_info show;

    if (find_show(q, &show) && tg_rtc_body(q, TG_TYPE_SDPFRAG, "the SDP fragment"))
        tg_rtc_ask_session(q, TG_RTC_PATCH, &show, true);
}

void tg_h_whip_delete(struct tg_req *q)
{
    struct tg_show_info show;

    if (find_show(q, &show))
        tg_rtc_ask_session(q, TG_RTC_DELETE, &show, true);
}

/* RFC 9725 s4.1: an endpoint and a session answer GET with 2xx and no content. */
void tg_h_rtc_empty(struct tg_req *q)
{
    struct tg_show_info show;

    if (!tg_req_show(q, &show))
        return;
    tg_reply_start(q, 204);
    tg_reply_header(q, "Accept-Post", TG_TYPE_SDP);
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

void tg_h_whip_slash(struct tg_req *q)
{
    struct tg_show_info show;

    if (tg_req_show(q, &show))
        tg_rtc_redirect(q, "whip", show.id);
}

/* An encoder that knows only the server and its key: the key knows the show. */
void tg_h_whip_no_show(struct tg_req *q)
{
    struct tg_show_info show;

    if (q->auth.one_show &&
        tg_registry_show_at(q->w->web->cfg.registry, q->auth.show, &show) == TG_OK)
        tg_rtc_redirect(q, "whip", show.id);
    else
        tg_reply_problem(q, 404, "show",
                         "Name the show in the address, /whip/{show}: your token is for all.");
}
