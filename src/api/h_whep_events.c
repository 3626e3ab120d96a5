#include "api/h_whep_events.h"

#include <string.h>

#include "api/h_rtc.h"
#include "base/alloc.h"
#include "base/str.h"

enum { STREAM_LEN = 25 }; /* two hex digits: kinds, one: the video's m-line, then 128 random bits */

/* --- a stream's id ---------------------------------------------------------------------------- */

static void make_id(struct tg_events *e)
{
    uint8_t secret[16];

    tg_rng_bytes(&e->q->w->rng, secret, sizeof(secret));
    tg_str_printf(e->stream, sizeof(e->stream), "%02x%x", (unsigned)e->wanted, e->video);
    tg_b64url_encode(e->stream + 3, sizeof(e->stream) - 3, secret, sizeof(secret));
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_id(struct tg_events *e, struct tg_span id)
{
    const char *text = (const char *)id.data;

    if (id.len != STREAM_LEN || hex(text[0]) < 0 || hex(text[1]) < 0 || hex(text[2]) < 0 ||
        tg_str_copy(e->stream, sizeof(e->stream), text, id.len) != TG_OK)
        return false;
    e->wanted = (uint32_t)(hex(text[0]) << 4 | hex(text[1]));
    e->video = (unsigned)hex(text[2]);
    return e->wanted != 0 && e->wanted < 1U << TG_EVENTS_KINDS;
}

/* --- requests --------------------------------------------------------------------------------- */

static struct tg_events *new_events(struct tg_req *q)
{
    struct tg_events *e = tg_calloc(1, sizeof(*e));

    if (e == NULL) {
        tg_reply_retry(q, 503, 1000, "Out of memory. Try again.");
        return NULL;
    }
    e->q = q;
    q->events = e;
    return e;
}

/* An array of some of our events; no body at all: all of them. */
static bool read_wanted(const struct tg_req *q, uint32_t *ret)
{
    json_t *list;
    size_t count;

    *ret = q->body.len == 0 ? (1U << TG_EVENTS_KINDS) - 1 : 0;
    if (q->body.len == 0)
        return true;
    list = json_loadb((const char *)q->body.data, q->body.len, 0, NULL);
    count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        int kind = 0;

        while (kind < TG_EVENTS_KINDS && (name == NULL || strcmp(name, tg_events_names[kind]) != 0))
            kind++;
        if (kind == TG_EVENTS_KINDS) {
            *ret = 0;
            break;
        }
        *ret |= 1U << kind;
    }
    json_decref(list);
    return *ret != 0;
}

static void created(struct tg_req *q, struct tg_rtc_reply *reply)
{
    struct tg_span show = tg_req_param(q, 0);
    struct tg_span session = tg_req_param(q, 1);

    (void)reply; /* the session lives */
    tg_reply_start(q, 201);
    tg_reply_header(q, "Location", "/whep/%.*s/%.*s/sse/%s", (int)show.len, (const char *)show.data,
                    (int)session.len, (const char *)session.data, q->events->stream);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

void tg_h_whep_events(struct tg_req *q)
{
    struct tg_show_info show;
    uint32_t wanted;
    struct tg_events *e;

    if (!tg_req_show(q, &show))
        return;
    if (q->body.len > 0 && strcmp(q->content_type, "application/json") != 0) {
        tg_reply_problem(q, 415, "Content-Type",
                         "Send application/json, or no body for all events.");
        return;
    }
    if (!read_wanted(q, &wanted)) {
        tg_reply_problem(q, 400, "events", "Send an array of some of: " TG_WHEP_EVENTS ".");
        return;
    }
    e = new_events(q);
    if (e == NULL)
        return;
    e->wanted = wanted;
    e->video = tg_whep_video_of(q);
    make_id(e);
    q->finish_rtc = created;
    tg_rtc_ask_layer(q, &show, TG_RTC_LAYER_ASK);
}

/* The stream of the path; NULL: 404 was answered. */
static struct tg_events *find(struct tg_req *q, struct tg_show_info *show)
{
    struct tg_span session = tg_req_param(q, 1);
    struct tg_events *e;

    if (!tg_req_show(q, show))
        return NULL;
    e = new_events(q);
    if (e == NULL)
        return NULL;
    if (tg_str_copy(e->session, sizeof(e->session), (const char *)session.data, session.len) ==
            TG_OK &&
        tg_rtc_worker_of(q->w, e->session, session.len, &e->worker) &&
        read_id(e, tg_req_param(q, 2)) && !tg_events_was_ended(q->w, e->stream)) {
        e->show = show->ord;
        return e;
    }
    tg_reply_problem(q, 404, "stream", "This event stream has ended or never was.");
    return NULL;
}

static void stream(struct tg_req *q, struct tg_rtc_reply *reply)
{
    if (q->method == TG_HEAD) {
        tg_reply_start(q, 200);
        tg_reply_send(q, "text/event-stream", tg_span(NULL, 0));
    } else if (tg_events_begin(q, reply) != TG_OK) {
        tg_reply_retry(q, 503, 10000, "There are too many event streams now. Try again.");
    }
}

void tg_h_whep_events_get(struct tg_req *q)
{
    struct tg_show_info show;

    if (find(q, &show) == NULL)
        return;
    q->finish_rtc = stream;
    tg_rtc_ask_layer(q, &show, TG_RTC_LAYER_ASK);
}

/* Its owner asked: all workers hear it, the stream may be anywhere. */
static void finished(struct tg_req *q, struct tg_rtc_reply *reply)
{
    const struct tg_web *web = q->w->web;

    (void)reply;
    for (size_t i = 0; i < web->worker_count; i++) {
        struct tg_web_events_end *msg = NULL;

        if (i != q->w->index)
            msg = tg_msg_new(TG_MSG_WEB_EVENTS_END, sizeof(*msg));
        if (msg == NULL)
            continue;
        memcpy(msg->stream, q->events->stream, sizeof(msg->stream));
        (void)tg_mailbox_post(web->mailboxes[i], msg); /* full: that stream ends with its session */
    }
    tg_events_ended(q->w, q->events->stream);
    tg_reply_empty(q, 200);
}

void tg_h_whep_events_end(struct tg_req *q)
{
    struct tg_show_info show;

    if (find(q, &show) == NULL)
        return;
    q->finish_rtc = finished;
    tg_rtc_ask_layer(q, &show, TG_RTC_LAYER_ASK);
}
