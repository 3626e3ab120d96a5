/* libwebsockets' callback for HTTP: hands requests to req.h and back. HTTP/1.1 only (README). */
#include <sys/socket.h>
#include <unistd.h>

#include "api/h_whep_events.h"
#include "api/req.h"

#include "base/alloc.h"
#include "base/metrics.h"

struct pss {
    struct tg_req *q; /* the request of this transaction; NULL = none */
};

enum {
    SEND_TIMEOUT_S = 30,      /* for an answer to be read, and for each ... */
    SEND_BYTES = 1024 * 1024, /* ... of it that is begun */
    DISCARD_TIMEOUT_S = 3,
    CHUNKS_PER_TURN = 4,
};

static int on_request(struct lws *wsi, struct pss *pss, const char *path, size_t len)
{
    struct tg_worker *w = tg_worker_of(wsi);
    struct tg_req *q;

    tg_worker_clock(w);
    TG_COUNT(http_requests_total);
    tg_req_free(pss->q);
    pss->q = tg_req_new(w, wsi);
    q = pss->q;
    if (q == NULL)
        return -1;
    return tg_req_begin(q, path, len);
}

/* Bytes of a refused body are read so that the client sees our answer instead of a reset. */
static int drop_body(struct tg_req *q, size_t len)
{
    q->discarded += len;
    q->body_left -= TG_MIN(q->body_left, len);
    if (q->discarded > TG_HTTP_DISCARD_MAX)
        return -1;
    return q->state == TG_REQ_DISCARD && q->body_left == 0 ? -1 : 0;
}

/* A repeat under the same Idempotency-Key must bring the same file. FNV-1a, 64 bits. */
static void add_digest(struct tg_req *q, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        q->upload_digest = (q->upload_digest ^ data[i]) * UINT64_C(0x100000001b3);
}

static int on_body(struct tg_req *q, const void *data, size_t len)
{
    if (q == NULL)
        return -1;
    if (q->state == TG_REQ_STREAM)
        return -1; /* nothing is awaited there */
    if (q->state != TG_REQ_BODY)
        return drop_body(q, len);
    if ((q->match.route->flags & TG_ROUTE_UPLOAD) == 0)
        tg_buf_add(&q->body, data, len); /* bounded by the announced length, checked before */
    else if (!q->upload_failed && write(q->upload_fd, data, len) != (ssize_t)len)
        q->upload_failed = true; /* told when the body is complete */
    if ((q->match.route->flags & TG_ROUTE_UPLOAD) != 0)
        add_digest(q, data, len);
    q->body_left -= TG_MIN(q->body_left, len);
    return 0;
}

static int on_body_done(struct tg_req *q)
{
    if (q == NULL)
        return -1;
    if (q->state == TG_REQ_DISCARD)
        return -1;
    if (q->state != TG_REQ_BODY)
        return 0;
    tg_worker_clock(q->w);
    tg_req_run(q);
    tg_worker_flush(q->w);
    return 0;
}

/* The answer is out; the client still sends a body that nobody wants. */
static int linger(struct tg_req *q)
{
    q->state = TG_REQ_DISCARD;
    if (!q->w->web->tls)
        (void)shutdown(lws_get_socket_fd(q->wsi), SHUT_WR); /* already gone: the read tells */
    lws_set_timeout(q->wsi, PENDING_TIMEOUT_HTTP_CONTENT, DISCARD_TIMEOUT_S);
    return 0;
}

static int on_sent(struct tg_req *q)
{
    if (lws_partial_buffered(q->wsi)) {
        lws_callback_on_writable(q->wsi);
        return 0;
    }
    if (q->close)
        return q->body_left > 0 ? linger(q) : -1;
    /* Frees q through HTTP_DROP_PROTOCOL. */
    return lws_http_transaction_completed(q->wsi) != 0 ? -1 : 0;
}

/*
 * Who takes a few bytes now and then must not keep the answer in memory; the timeout below begins
 * anew with each write. What is compiled in, and files, may take their time.
 */
static bool too_slow(struct tg_req *q)
{
    tg_us time = q->w->web->cfg.send_us;

    if (q->slab == NULL && q->out.len == 0)
        return false;
    tg_worker_clock(q->w);
    if (time == 0)
        time = (tg_us)SEND_TIMEOUT_S * TG_US_PER_S;
    if (q->send_by == 0)
        q->send_by = q->w->now + time * (tg_us)(1 + q->content.len / (size_t)SEND_BYTES);
    return q->w->now > q->send_by;
}

static int on_writeable(struct tg_req *q)
{
    if (q != NULL && q->state == TG_REQ_STREAM)
        return tg_events_write(q);
    if (q == NULL || q->state != TG_REQ_SEND)
        return 0;
    if (too_slow(q))
        return -1;
    for (int i = 0; i < CHUNKS_PER_TURN; i++) {
        if (tg_reply_write(q) != 0)
            return -1;
        if (q->head_sent && q->sent == q->content.len)
            return on_sent(q);
        if (lws_partial_buffered(q->wsi))
            break;
    }
    lws_set_timeout(q->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S);
    lws_callback_on_writable(q->wsi);
    return 0;
}

static int on_gone(struct pss *pss)
{
    if (pss != NULL) {
        tg_req_free(pss->q);
        pss->q = NULL;
    }
    return 0;
}

static void count_conn(struct lws *wsi, int delta)
{
    struct tg_worker *w = tg_worker_of(wsi);

    if (w == NULL)
        return;
    w->conns = (size_t)((long)w->conns + delta);
    tg_metric_add(TG_M_http_connections, delta);
}

int tg_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    struct pss *pss = user;

    _Static_assert(sizeof(struct pss) <= TG_HTTP_PSS_SIZE, "libwebsockets allocates it");
    switch ((int)reason) { /* libwebsockets knows a hundred more */
    case LWS_CALLBACK_WSI_CREATE:
        count_conn(wsi, 1);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        count_conn(wsi, -1);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        tg_worker_messages(tg_worker_of(wsi));
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return tg_ws_upgrade(tg_worker_of(wsi), wsi, in);
    case LWS_CALLBACK_HTTP:
        return on_request(wsi, pss, in, len);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(pss->q, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_done(pss->q);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writeable(pss->q);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        return on_gone(pss);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* a WebSocket that names this protocol */
    case LWS_CALLBACK_RAW_ADOPT:                  /* CONNECT, which libwebsockets takes for raw */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    default:
        return 0;
    }
}
