/* The life of one stream of WHEP events: what it tells, and when it ends. */
#include "api/h_whep_events.h"

#include <string.h>
#include <sys/socket.h>

#include "api/h_rtc.h"
#include "base/alloc.h"
#include "base/metrics.h"
#include "base/str.h"

const char *const tg_events_names[TG_EVENTS_KINDS] = {"active", "inactive", "layers", "viewercount",
                                                      "reconnect"};

enum {
    ASK_LAYERS_S = 2,    /* the rtc worker, for layers */
    ASK_S = 5,           /* ... only whether the session lives */
    LAYERS_AGAIN_S = 10, /* bitrates change all the time */
    SILENCE_S = 15,      /* a comment then, so that proxies keep the connection */
    BLOCKED_S = 30,      /* a client that does not read is cut */
    RECONNECT_MIN_MS = 1000,
    RECONNECT_SPREAD_MS = 4000,
};

/* --- what is told ----------------------------------------------------------------------------- */

/* One event with its data, which must be one line. */
static void tell(struct tg_events *e, enum tg_events_kind kind, const char *data)
{
    tg_buf_printf(&e->q->out, "event: %s\ndata: %s\n\n", tg_events_names[kind], data);
    TG_COUNT(whep_events_total);
    lws_callback_on_writable(e->q->wsi);
}

static bool wants(const struct tg_events *e, enum tg_events_kind kind)
{
    return (e->wanted >> kind & 1) != 0;
}

static void tell_show(struct tg_events *e)
{
    struct tg_show_info show;
    char data[48];

    if (tg_registry_show_at(e->q->w->web->cfg.registry, e->show, &show) != TG_OK)
        return;
    /* Nobody is told that nothing was there from the start. */
    if (e->told_air ? show.on_air != e->on_air : show.on_air) {
        enum tg_events_kind kind = show.on_air ? TG_EVENTS_ACTIVE : TG_EVENTS_INACTIVE;

        if (wants(e, kind))
            tell(e, kind, "{}");
        e->told_air = true;
        e->on_air = show.on_air;
    }
    if (wants(e, TG_EVENTS_VIEWERCOUNT) && (!e->told_viewers || show.viewers != e->viewers)) {
        tg_str_printf(data, sizeof(data), "{\"viewercount\":%u}", (unsigned)show.viewers);
        tell(e, TG_EVENTS_VIEWERCOUNT, data);
        e->told_viewers = true;
        e->viewers = show.viewers;
    }
}

static void tell_layers(struct tg_events *e, const struct tg_rtc_reply *reply)
{
    tg_us now = e->q->w->now;
    struct tg_events_shape shape;
    struct tg_buf data;

    shape.words[0] = (uint64_t)(uint8_t)reply->layer << 8 | (uint8_t)reply->layer_pin;
    for (size_t i = 0; i < TG_LAYERS_MAX; i++)
        shape.words[1 + i] = (uint64_t)reply->layers[i].on << 32 |
                             (uint64_t)reply->layers[i].width << 16 | reply->layers[i].height;
    if (!wants(e, TG_EVENTS_LAYERS) || e->q->out.len > 0 ||
        (e->told_layers && memcmp(&shape, &e->shape, sizeof(shape)) == 0 &&
         now - e->layers_at < (tg_us)LAYERS_AGAIN_S * TG_US_PER_S))
        return;
    tg_buf_init(&data, 1024);
    tg_whep_layers_write(&data, reply, e->video);
    if (data.err == TG_OK)
        tell(e, TG_EVENTS_LAYERS, tg_buf_cstr(&data));
    tg_buf_done(&data);
    e->told_layers = true;
    e->shape = shape;
    e->layers_at = now;
}

/* --- a stream's life -------------------------------------------------------------------------- */

void tg_events_free(struct tg_events *e)
{
    if (e == NULL)
        return;
    if (tg_dlist_in(&e->in_events)) {
        tg_dlist_del(&e->in_events);
        tg_slots_del(&e->q->w->slots, e->slot);
        e->q->w->event_streams--;
        tg_metric_add(TG_M_whep_event_streams, -1);
    }
    tg_free(e);
}

int tg_events_write(struct tg_req *q)
{
    struct tg_events *e = q->events;

    if (lws_partial_buffered(q->wsi)) {
        lws_callback_on_writable(q->wsi);
        return 0;
    }
    q->content = tg_span(q->out.data, q->out.len);
    q->sent = 0;
    if (tg_reply_write(q) != 0)
        return -1;
    TG_ASSERT(q->sent == q->content.len); /* a few events are far less than a chunk */
    q->content = tg_span(NULL, 0);
    q->sent = 0;
    tg_buf_clear(&q->out);
    e->wrote_at = q->w->now;
    if (!e->end)
        return 0;
    lws_callback_on_writable(q->wsi);
    return lws_partial_buffered(q->wsi) ? 0 : -1;
}

static void end(struct tg_events *e)
{
    e->end = true;
    lws_callback_on_writable(e->q->wsi);
}

static void ask(struct tg_events *e)
{
    struct tg_worker *w = e->q->w;
    struct tg_rtc_req *msg = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*msg));

    e->asked_at = w->now;
    if (msg == NULL)
        return; /* asked again later */
    msg->what = TG_RTC_LAYER;
    msg->layer = TG_RTC_LAYER_ASK;
    msg->show = e->show;
    msg->conn = (struct tg_conn){.mb = w->mb, .slot = e->slot, .generation = e->generation};
    memcpy(msg->session, e->session, sizeof(msg->session));
    (void)tg_mailbox_post(w->web->peers.rtc[e->worker], msg); /* full: asked again later */
}

bool tg_events_reply(struct tg_worker *w, const struct tg_rtc_reply *reply)
{
    struct tg_events *e =
        tg_slots_get(&w->slots, TG_SLOT_EVENTS, reply->conn.slot, reply->conn.generation);

    if (e == NULL)
        return false;
    if (e->end)
        return true;
    if (reply->err == TG_OK)
        tell_layers(e, reply);
    else if (reply->err == TG_ERR_NOTFOUND || reply->err == TG_ERR_CLOSED)
        end(e);
    return true;
}

/* libwebsockets reads nothing while an answer goes on, so the client's end is ours to see. */
static bool client_left(const struct tg_events *e)
{
    char byte;

    return recv(lws_get_socket_fd(e->q->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void look(struct tg_events *e)
{
    tg_us now = e->q->w->now;
    tg_us quiet = now - e->wrote_at;
    int ask_s = wants(e, TG_EVENTS_LAYERS) ? ASK_LAYERS_S : ASK_S;

    if (e->end)
        return;
    if (client_left(e)) {
        lws_set_timeout(e->q->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        return;
    }
    if (e->q->out.len > 0 || lws_partial_buffered(e->q->wsi)) {
        if (quiet > (tg_us)BLOCKED_S * TG_US_PER_S)
            lws_set_timeout(e->q->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
        return;
    }
    tell_show(e);
    if (now - e->asked_at >= (tg_us)ask_s * TG_US_PER_S)
        ask(e);
    if (e->q->out.len == 0 && quiet > (tg_us)SILENCE_S * TG_US_PER_S) {
        tg_buf_add_str(&e->q->out, ":\n\n");
        lws_callback_on_writable(e->q->wsi);
    }
}

void tg_events_second(struct tg_worker *w)
{
    TG_DLIST_EACH(node, &w->events)
    look(TG_CONTAINER_OF(node, struct tg_events, in_events));
}

void tg_events_stop(struct tg_worker *w)
{
    TG_DLIST_EACH(node, &w->events)
    {
        struct tg_events *e = TG_CONTAINER_OF(node, struct tg_events, in_events);
        char data[48];

        tg_str_printf(data, sizeof(data), "{\"retry_ms\":%u}",
                      RECONNECT_MIN_MS + (unsigned)tg_rng_below(&w->rng, RECONNECT_SPREAD_MS));
        if (wants(e, TG_EVENTS_RECONNECT))
            tell(e, TG_EVENTS_RECONNECT, data);
        end(e);
    }
}

void tg_events_ended(struct tg_worker *w, const char *stream)
{
    TG_DLIST_EACH(node, &w->events)
    {
        struct tg_events *e = TG_CONTAINER_OF(node, struct tg_events, in_events);

        if (strcmp(e->stream, stream) == 0) {
            tg_buf_clear(&e->q->out); /* what waits is dropped, says the draft */
            end(e);
        }
    }
    if (w->events_ended == NULL)
        w->events_ended = tg_calloc(TG_WHEP_EVENTS_ENDED_MAX, sizeof(*w->events_ended));
    if (w->events_ended == NULL)
        return; /* it can be opened again; the session's own end is not forgotten */
    tg_str_printf(w->events_ended[w->events_ended_count++ % TG_WHEP_EVENTS_ENDED_MAX],
                  TG_EVENTS_ID_SIZE, "%s", stream);
}

bool tg_events_was_ended(const struct tg_worker *w, const char *stream)
{
    size_t count = TG_MIN(w->events_ended_count, (size_t)TG_WHEP_EVENTS_ENDED_MAX);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(w->events_ended[i], stream) == 0)
            return true;
    }
    return false;
}

static bool has_room(const struct tg_worker *w, const struct tg_events *e)
{
    size_t same = 0;

    if (w->stopping || w->event_streams >= TG_WHEP_EVENTS_MAX)
        return false;
    TG_DLIST_EACH(node, &w->events)
    same += strcmp(TG_CONTAINER_OF(node, struct tg_events, in_events)->session, e->session) == 0;
    return same < TG_WHEP_EVENTS_SESSION_MAX;
}

tg_err tg_events_begin(struct tg_req *q, const struct tg_rtc_reply *reply)
{
    struct tg_worker *w = q->w;
    struct tg_events *e = q->events;

    if (!has_room(w, e) ||
        tg_slots_put(&w->slots, TG_SLOT_EVENTS, e, &e->slot, &e->generation) != TG_OK)
        return TG_ERR_LIMIT;
    tg_dlist_add(&w->events, &e->in_events);
    w->event_streams++;
    tg_metric_add(TG_M_whep_event_streams, 1);
    e->asked_at = w->now;
    e->wrote_at = w->now;
    tg_reply_start(q, 200);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_header(q, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    tg_reply_stream(q, "text/event-stream");
    tell_layers(e, reply);
    tell_show(e);
    return TG_OK;
}
