/*
 * WHEP (draft-ietf-wish-whep): offers, trickle and the end of viewers' sessions go to an rtc
 * worker; the session id's first part names it.
 */
#include <string.h>

#include "api/req.h"

#include "base/metrics.h"
#include "base/str.h"

static bool type_is(struct tg_req *q, const char *type)
{
    char detail[96];

    if (strcmp(q->content_type, type) == 0)
        return true;
    tg_str_printf(detail, sizeof(detail), "Send Content-Type: %s.", type);
    tg_reply_start(q, 415);
    tg_reply_header(q, "Accept-Post", "application/sdp");
    tg_problem_text(&q->out, 415, detail);
    tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
    return false;
}

static struct tg_rtc_req *new_request(struct tg_req *q, enum tg_rtc_what what, uint16_t show)
{
    struct tg_rtc_req *msg = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*msg));

    if (msg != NULL) {
        msg->what = what;
        msg->show = show;
        if (q->body.len > 0)
            msg->sdp = tg_slab_copy(q->body.data, q->body.len);
    }
    if (msg == NULL || (q->body.len > 0 && msg->sdp == NULL)) {
        tg_msg_free(msg);
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return NULL;
    }
    return msg;
}

void tg_h_whep(struct tg_req *q)
{
    const struct tg_web_peers *peers = &q->w->web->peers;
    struct tg_show_info show;
    struct tg_rtc_req *msg;

    if (!tg_req_show(q, &show) || !type_is(q, "application/sdp"))
        return;
    if (q->body.len == 0) {
        tg_reply_problem(q, 400, NULL, "Send a recvonly SDP offer as the body.");
        return;
    }
    if (peers->rtc_count == 0) {
        tg_reply_problem(q, 503, NULL, "There is no media worker to send video.");
        return;
    }
    msg = new_request(q, TG_RTC_WHEP_OFFER, show.ord);
    if (msg != NULL)
        tg_req_ask_rtc(q, q->w->next_rtc++ % (unsigned)peers->rtc_count, msg);
}

/* "<worker>.<secret>" of this show; false: 404 was answered. */
static bool find_session(struct tg_req *q, struct tg_show_info *show, char *session, size_t size,
                         unsigned *ret_worker)
{
    struct tg_span id = tg_req_param(q, 1);
    const uint8_t *dot = memchr(id.data, '.', id.len);
    int64_t worker = 0;

    if (!tg_req_show(q, show))
        return false;
    if (dot == NULL ||
        tg_parse_i64(&worker, (const char *)id.data, (size_t)(dot - id.data), 0,
                     (int64_t)q->w->web->peers.rtc_count - 1) != TG_OK ||
        tg_str_copy(session, size, (const char *)id.data, id.len) != TG_OK) {
        tg_reply_problem(q, 404, "session", "This session has ended or never was.");
        return false;
    }
    *ret_worker = (unsigned)worker;
    return true;
}

static void ask_session(struct tg_req *q, enum tg_rtc_what what)
{
    struct tg_show_info show;
    char session[TG_RTC_SESSION_SIZE];
    unsigned worker;
    struct tg_rtc_req *msg;

    if (!find_session(q, &show, session, sizeof(session), &worker))
        return;
    msg = new_request(q, what, show.ord);
    if (msg == NULL)
        return;
    tg_str_printf(msg->session, sizeof(msg->session), "%s", session);
    tg_req_ask_rtc(q, worker, msg);
}

void tg_h_whep_patch(struct tg_req *q)
{
    if (type_is(q, "application/trickle-ice-sdpfrag"))
        ask_session(q, TG_RTC_PATCH);
}

void tg_h_whep_delete(struct tg_req *q)
{
    ask_session(q, TG_RTC_DELETE);
}

void tg_h_whep_head(struct tg_req *q)
{
    struct tg_show_info show;

    if (!tg_req_show(q, &show))
        return;
    tg_reply_start(q, 204);
    tg_reply_header(q, "Accept-Post", "application/sdp");
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

static int status_of(tg_err err)
{
    switch (err) {
    case TG_ERR_MALFORMED:
    case TG_ERR_TRUNCATED:
        return 400;
    case TG_ERR_UNSUPPORTED:
        return 422;
    case TG_ERR_NOTFOUND:
        return 404;
    case TG_ERR_AUTH:
        return 403;
    case TG_ERR_LIMIT:
    case TG_ERR_NOMEM:
    case TG_ERR_CLOSED:
        return 503;
    default:
        return 500;
    }
}

static void answer_offer(struct tg_req *q, struct tg_rtc_reply *reply)
{
    struct tg_span show = tg_req_param(q, 0);
    struct tg_slab *sdp = reply->sdp;

    reply->sdp = NULL;
    tg_reply_start(q, 201);
    tg_reply_header(q, "Location", "/whep/%.*s/%s", (int)show.len, (const char *)show.data,
                    reply->session);
    tg_reply_header(q, "ETag", "\"%s\"", reply->etag);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_slab(q, "application/sdp", sdp);
}

/* If-Match against the session's tag; absent is allowed, since trickle changes nothing here. */
static bool precondition(const struct tg_req *q, const struct tg_rtc_reply *reply)
{
    char quoted[40];

    if (q->if_match[0] == '\0' || strcmp(q->if_match, "*") == 0 || reply->etag[0] == '\0')
        return true;
    tg_str_printf(quoted, sizeof(quoted), "\"%s\"", reply->etag);
    return strcmp(q->if_match, quoted) == 0;
}

void tg_whep_answer(struct tg_req *q, struct tg_rtc_reply *reply)
{
    int status = status_of(reply->err);

    if (reply->err != TG_OK && status == 503)
        tg_reply_retry(q, 503, 2000, reply->detail[0] != '\0' ? reply->detail : "No room now.");
    else if (reply->err != TG_OK)
        tg_reply_problem(q, status, NULL,
                         reply->detail[0] != '\0' ? reply->detail : tg_status_text(status));
    else if (reply->what == TG_RTC_WHEP_OFFER)
        answer_offer(q, reply);
    else if (reply->what == TG_RTC_DELETE)
        tg_reply_empty(q, 200);
    else if (!precondition(q, reply))
        tg_reply_problem(q, 412, "If-Match", "The session has another ETag now.");
    else
        tg_reply_empty(q, 204);
}

/* A session was made for a client that gave up meanwhile: end it, or it would wait for DTLS. */
void tg_reply_orphan(struct tg_worker *w, void *msg)
{
    struct tg_rtc_reply *reply = msg;
    struct tg_rtc_req *end;
    const char *dot = strchr(reply->session, '.');
    int64_t worker;

    if (reply->what != TG_RTC_WHEP_OFFER || reply->err != TG_OK || dot == NULL ||
        tg_parse_i64(&worker, reply->session, (size_t)(dot - reply->session), 0,
                     (int64_t)w->web->peers.rtc_count - 1) != TG_OK)
        return;
    end = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*end));
    if (end == NULL)
        return; /* its DTLS timeout ends it */
    end->what = TG_RTC_DELETE;
    tg_str_printf(end->session, sizeof(end->session), "%s", reply->session);
    /* Full: the DTLS timeout ends it. */
    (void)tg_mailbox_post(w->web->peers.rtc[worker], end);
}
