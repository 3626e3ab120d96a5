#include "api/h_rtc.h"

#include <string.h>

#include "api/ice_link.h"
#include "api/if_match.h"
#include "base/str.h"

bool tg_rtc_body(struct tg_req *q, const char *type, const char *what)
{
    char detail[96];

    if (strcmp(q->content_type, type) != 0) {
        tg_str_printf(detail, sizeof(detail), "Send Content-Type: %s.", type);
        tg_reply_start(q, 415);
        tg_reply_header(q, q->method == TG_PATCH ? "Accept-Patch" : "Accept-Post", "%s", type);
        tg_problem_text(&q->out, 415, detail);
        tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
        return false;
    }
    if (q->body.len > 0)
        return true;
    tg_str_printf(detail, sizeof(detail), "Send %s as the body.", what);
    tg_reply_problem(q, 400, NULL, detail);
    return false;
}

static struct tg_rtc_req *new_request(struct tg_req *q, enum tg_rtc_what what, uint16_t show)
{
    struct tg_rtc_req *msg = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*msg));
    bool has_sdp = what != TG_RTC_LAYER && q->body.len > 0;

    if (msg != NULL) {
        msg->what = what;
        msg->show = show;
        if (has_sdp)
            msg->sdp = tg_slab_copy(q->body.data, q->body.len);
    }
    if (msg == NULL || (has_sdp && msg->sdp == NULL)) {
        tg_msg_free(msg);
        tg_reply_retry(q, 503, 1000, "Out of memory. Try again.");
        return NULL;
    }
    return msg;
}

struct tg_rtc_req *tg_rtc_offer(struct tg_req *q, enum tg_rtc_what what,
                                const struct tg_show_info *show)
{
    struct tg_rtc_req *msg;

    if (q->w->web->peers.rtc_count == 0) {
        tg_reply_problem(q, 503, NULL, "There is no media worker for video.");
        return NULL;
    }
    msg = new_request(q, what, show->ord);
    if (msg != NULL)
        msg->epoch_us = show->epoch_us;
    return msg;
}

void tg_rtc_ask_any(struct tg_req *q, struct tg_rtc_req *take_msg)
{
    tg_req_ask_rtc(q, q->w->next_rtc++ % (unsigned)q->w->web->peers.rtc_count, take_msg);
}

bool tg_rtc_worker_of(const struct tg_worker *w, const char *session, size_t len, unsigned *ret)
{
    const char *dot = memchr(session, '.', len);
    int64_t worker;

    if (dot == NULL || tg_parse_i64(&worker, session, (size_t)(dot - session), 0,
                                    (int64_t)w->web->peers.rtc_count - 1) != TG_OK)
        return false;
    *ret = (unsigned)worker;
    return true;
}

/* If-Match in the form that an rtc worker compares; false: 400 was answered. */
static bool read_if_match(struct tg_req *q, struct tg_rtc_req *msg)
{
    if (!q->if_match_long &&
        tg_if_match_parse(msg->if_match, sizeof(msg->if_match), q->if_match) == TG_OK)
        return true;
    tg_reply_problem(q, 400, "If-Match",
                     "If-Match is * or the session's ETag as it came, with its quotes.");
    return false;
}

/* For the session of the path; NULL: 404 or 503 was answered. */
static struct tg_rtc_req *session_request(struct tg_req *q, enum tg_rtc_what what,
                                          const struct tg_show_info *show, unsigned *ret_worker)
{
    struct tg_span id = tg_req_param(q, 1);
    struct tg_rtc_req *msg;

    if (id.len >= TG_RTC_SESSION_SIZE ||
        !tg_rtc_worker_of(q->w, (const char *)id.data, id.len, ret_worker)) {
        tg_reply_problem(q, 404, "session", "This session has ended or never was.");
        return NULL;
    }
    msg = new_request(q, what, show->ord);
    if (msg != NULL)
        tg_str_printf(msg->session, sizeof(msg->session), "%.*s", (int)id.len,
                      (const char *)id.data);
    return msg;
}

void tg_rtc_ask_layer(struct tg_req *q, const struct tg_show_info *show, int8_t layer)
{
    unsigned worker;
    struct tg_rtc_req *msg = session_request(q, TG_RTC_LAYER, show, &worker);

    if (msg == NULL)
        return;
    msg->layer = layer;
    tg_req_ask_rtc(q, worker, msg);
}

void tg_rtc_ask_session(struct tg_req *q, enum tg_rtc_what what, const struct tg_show_info *show,
                        bool publisher)
{
    unsigned worker;
    struct tg_rtc_req *msg = session_request(q, what, show, &worker);

    if (msg == NULL)
        return;
    msg->publisher = publisher;
    /* A tag says nothing about a DELETE (RFC 9725 s4.3.1). */
    if (what != TG_RTC_PATCH || read_if_match(q, msg))
        tg_req_ask_rtc(q, worker, msg);
    else
        tg_msg_free(msg);
}

void tg_rtc_links(struct tg_req *q)
{
    const struct tg_web_cfg *cfg = &q->w->web->cfg;
    char value[TG_ICE_LINK_SIZE];

    for (size_t i = 0; i < cfg->ice_servers.count; i++) {
        if (tg_ice_link(value, cfg->ice_servers.items[i], cfg->turn_secret, q->w->now_wall) ==
            TG_OK)
            tg_reply_header(q, "Link", "%s", value);
    }
}

void tg_rtc_redirect(struct tg_req *q, const char *door, const char *show)
{
    tg_reply_start(q, 307);
    tg_reply_header(q, "Location", "/%s/%s", door, show);
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

/* --- answers ---------------------------------------------------------------------------------- */

static int status_of(tg_err err)
{
    switch (err) {
    case TG_ERR_MALFORMED:
    case TG_ERR_TRUNCATED:
        return 400;
    case TG_ERR_AUTH:
        return 403;
    case TG_ERR_NOTFOUND:
        return 404;
    case TG_ERR_CONFLICT:
        return 412;
    case TG_ERR_UNSUPPORTED:
        return 422;
    case TG_ERR_AGAIN:
        return 428;
    case TG_ERR_LIMIT:
    case TG_ERR_NOMEM:
    case TG_ERR_CLOSED:
        return 503;
    default:
        return 500;
    }
}

static const char *default_detail(int status)
{
    switch (status) {
    case 404:
        return "This session has ended or never was.";
    case 412:
        return "The session has another ETag now; your request belongs to an earlier one.";
    case 428:
        return "Send If-Match with the session's ETag, or * to restart ICE.";
    case 503:
        return "No room now. Try again in a moment.";
    default:
        return tg_status_text(status);
    }
}

/* A place in the waiting room: for programs in the body, and as a header for the next offer. */
static void answer_wait(struct tg_req *q, const struct tg_rtc_reply *reply)
{
    unsigned retry_s = TG_MAX(reply->retry_s, (uint16_t)1);
    struct tg_jo j = tg_jo(&q->out);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "type", "about:blank");
    tg_jo_str(&j, "title", tg_status_text(503));
    tg_jo_int(&j, "status", 503);
    tg_jo_str(&j, "detail",
              reply->detail[0] != '\0' ? reply->detail : "No room now. You are in line.");
    tg_jo_int(&j, "position", reply->position);
    tg_jo_str(&j, "ticket", reply->ticket);
    tg_jo_int(&j, "retry_s", retry_s);
    tg_jo_end_obj(&j);
    tg_reply_start(q, 503);
    tg_reply_header(q, "Retry-After", "%u", retry_s);
    tg_reply_header(q, "Torg-Ticket", "%s", reply->ticket);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
}

static void answer_error(struct tg_req *q, const struct tg_rtc_reply *reply)
{
    int status = status_of(reply->err);
    const char *detail = reply->detail[0] != '\0' ? reply->detail : default_detail(status);

    if (reply->err == TG_ERR_LIMIT && reply->ticket[0] != '\0')
        answer_wait(q, reply);
    else if (status == 503)
        tg_reply_retry(q, 503, reply->retry_s > 0 ? reply->retry_s * 1000 : 2000, detail);
    else
        tg_reply_problem(q, status, NULL, detail);
}

static void answer_offer(struct tg_req *q, struct tg_rtc_reply *reply)
{
    struct tg_span show = tg_req_param(q, 0);
    struct tg_slab *sdp = reply->sdp;

    reply->sdp = NULL;
    tg_reply_start(q, 201);
    tg_reply_header(q, "Location", "/%s/%.*s/%s",
                    reply->what == TG_RTC_WHIP_OFFER ? "whip" : "whep", (int)show.len,
                    (const char *)show.data, reply->session);
    tg_reply_header(q, "ETag", "\"%s\"", reply->etag);
    tg_reply_header(q, "Accept-Patch", TG_TYPE_SDPFRAG);
    tg_reply_header(q, "Cache-Control", "no-store");
    if (reply->publisher[0] != '\0')
        tg_reply_header(q, "Torg-Publisher", "%s", reply->publisher);
    if (reply->what == TG_RTC_WHEP_OFFER)
        tg_whep_links(q, reply->session, sdp == NULL ? 0 : tg_whep_video_line(sdp->data, sdp->len));
    tg_rtc_links(q);
    tg_reply_slab(q, TG_TYPE_SDP, sdp);
}

/* 204 without a tag after a trickle, 200 with ours after an ICE restart (RFC 9725 s4.3.2, 4.3.3) */
static void answer_patch(struct tg_req *q, struct tg_rtc_reply *reply)
{
    struct tg_slab *fragment = reply->sdp;

    if (fragment == NULL) {
        tg_reply_empty(q, 204);
        return;
    }
    reply->sdp = NULL;
    tg_reply_start(q, 200);
    tg_reply_header(q, "ETag", "\"%s\"", reply->etag);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_slab(q, TG_TYPE_SDPFRAG, fragment);
}

void tg_rtc_answer(struct tg_req *q, struct tg_rtc_reply *reply)
{
    if (reply->err != TG_OK)
        answer_error(q, reply);
    else if (q->finish_rtc != NULL)
        q->finish_rtc(q, reply);
    else if (reply->what == TG_RTC_PATCH)
        answer_patch(q, reply);
    else if (reply->what == TG_RTC_DELETE)
        tg_reply_empty(q, 200);
    else
        answer_offer(q, reply);
}

/* A session was made for a client that gave up meanwhile: end it, or it would wait for DTLS. */
void tg_reply_orphan(struct tg_worker *w, void *msg)
{
    const struct tg_rtc_reply *reply = msg;
    struct tg_rtc_req *end;
    unsigned worker;

    if ((reply->what != TG_RTC_WHEP_OFFER && reply->what != TG_RTC_WHIP_OFFER) ||
        reply->err != TG_OK ||
        !tg_rtc_worker_of(w, reply->session, strlen(reply->session), &worker))
        return;
    end = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*end));
    if (end == NULL)
        return; /* its DTLS timeout ends it */
    end->what = TG_RTC_DELETE;
    end->show = reply->show;
    end->publisher = reply->what == TG_RTC_WHIP_OFFER;
    tg_str_printf(end->session, sizeof(end->session), "%s", reply->session);
    /* Full: the DTLS timeout ends it. */
    (void)tg_mailbox_post(w->web->peers.rtc[worker], end);
}
