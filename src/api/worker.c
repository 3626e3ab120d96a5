/* One web worker: its libwebsockets context, its listening socket, its mailbox and its clock. */
#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/h_whep_events.h"
#include "api/web_priv.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"

enum {
    ACCEPTS_PER_TURN = 64,
    MESSAGES_PER_TURN = 4096, /* then sockets get their turn */
    BATCH = 256,
    WS_RX_SIZE = 1024, /* kept per socket by libwebsockets; operations are a few hundred bytes */
    HEADERS_S = 10,
    KEEPALIVE_S = 30,
    STOP_US = 700 * TG_US_PER_MS,
};

static int accept_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len);
static int mail_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t len);

/* Names are what a WebSocket may ask for, so those that are not for them refuse it. */
static const struct lws_protocols protocols[] = {
    {"torg-http", tg_http_callback, TG_HTTP_PSS_SIZE, 4096, 0, NULL, 65536},
    {"torg.v1", tg_ws_callback, TG_WS_PSS_SIZE, WS_RX_SIZE, 0, NULL, 65536},
    {"torg-accept", accept_callback, 0, 0, 0, NULL, 0},
    {"torg-mail", mail_callback, 0, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

/* No per-connection validity timers: pings are ours, one sweep a second (sorted lists cost). */
static const lws_retry_bo_t no_validity = {.secs_since_valid_ping = 0,
                                           .secs_since_valid_hangup = 0};

void tg_worker_clock(struct tg_worker *w)
{
    w->now = tg_clock_mono();
    w->now_wall = tg_clock_wall();
}

static void accept_some(struct tg_worker *w, int listen_fd)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                TG_COUNT(web_conns_refused_total);
            return; /* EAGAIN: none left; others concern one connection that is gone */
        }
        if (w->conns >= w->web->conns_max) {
            TG_COUNT(web_conns_refused_total);
            (void)close(fd); /* nothing was said on it */
            continue;
        }
        (void)lws_adopt_socket_vhost(w->vhost, fd); /* closes it when it fails */
    }
}

static int accept_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    struct tg_worker *w = tg_worker_of(wsi);

    (void)user;
    (void)in;
    (void)len;
    switch ((int)reason) { /* libwebsockets knows a hundred more */
    case LWS_CALLBACK_RAW_RX_FILE:
        if (w->stopping)
            return -1;
        accept_some(w, lws_get_socket_fd(wsi));
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    default:
        return 0;
    }
}

static int mail_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        tg_worker_messages(tg_worker_of(wsi));
    return reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION ? -1 : 0;
}

static void on_tick(lws_sorted_usec_list_t *timer)
{
    struct tg_worker *w = TG_CONTAINER_OF(timer, struct tg_worker, tick_timer);

    tg_worker_clock(w);
    tg_worker_flush(w);
}

static void on_second(lws_sorted_usec_list_t *timer)
{
    struct tg_worker *w = TG_CONTAINER_OF(timer, struct tg_worker, second_timer);

    tg_worker_clock(w);
    tg_req_second(w);
    tg_ws_second(w);
    tg_events_second(w);
    tg_worker_flush(w);
    lws_sul_schedule(w->lws, 0, &w->second_timer, on_second,
                     w->stopping ? 20 * TG_US_PER_MS : TG_US_PER_S);
}

void tg_worker_flush(struct tg_worker *w)
{
    tg_us next = tg_tick_run(&w->tick, w->now);

    w->tick_at = next;
    if (next != TG_US_NEVER)
        lws_sul_schedule(w->lws, 0, &w->tick_timer, on_tick, TG_MAX(next - w->now, (tg_us)1));
}

static void begin_stop(struct tg_worker *w)
{
    w->stopping = true;
    w->stop_at = w->now + STOP_US;
    tg_ws_stop(w);
    tg_events_stop(w);
    lws_sul_schedule(w->lws, 0, &w->second_timer, on_second, 20 * TG_US_PER_MS);
}

static void handle(struct tg_worker *w, void *msg)
{
    if (!tg_req_message(w, msg) && !tg_ws_message(w, msg))
        tg_log_error("api", "stray_message", "kind=%d", (int)((struct tg_msg *)msg)->kind);
    tg_msg_free(msg);
}

void tg_worker_messages(struct tg_worker *w)
{
    void *batch[BATCH];
    size_t done = 0;
    size_t count;

    tg_worker_clock(w);
    if (atomic_load(&w->stop) && !w->stopping)
        begin_stop(w);
    do {
        count = tg_mailbox_take(w->mb, batch, BATCH);
        for (size_t i = 0; i < count; i++)
            handle(w, batch[i]);
        done += count;
    } while (count == BATCH && done < MESSAGES_PER_TURN);
    tg_worker_flush(w); /* if more waits the box's descriptor stays ready */
}

void tg_worker_turn_ends(struct tg_worker *w)
{
    if (w->sale_waits == 0)
        return;
    w->sale_waits = 0;
    tg_mailbox_wake(w->web->peers.sale);
}

static void log_line(int level, const char *line)
{
    /* Clients cause most of it; our own code logs what matters. */
    (void)level;
    tg_log_debug("api", "lws", "line=%s", TG_LOG_Q(line));
}

static tg_err create_context(struct tg_worker *w)
{
    const struct tg_web *web = w->web;
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN_SERVER};

    info.protocols = protocols;
    info.user = w;
    info.gid = -1;
    info.uid = -1;
    info.vhost_name = "torg";
    info.pt_serv_buf_size = 65536; /* FINDINGS s7 */
    info.max_http_header_data = TG_HTTP_HEADERS_MAX;
    info.timeout_secs = HEADERS_S;
    info.keepalive_timeout = KEEPALIVE_S;
    info.retry_and_idle_policy = &no_validity;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (web->tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = web->tls_cert;
        info.ssl_private_key_filepath = web->tls_key;
        info.alpn = "http/1.1"; /* no h2: README */
        info.ssl_options_set = (long)(SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
    }
    w->lws = lws_create_context(&info);
    if (w->lws == NULL)
        return TG_ERR_NOMEM;
    w->vhost = lws_create_vhost(w->lws, &info);
    return w->vhost == NULL ? TG_ERR_IO : TG_OK;
}

/* libwebsockets closes it at its end. */
static tg_err adopt(struct tg_worker *w, int take_fd, const char *protocol)
{
    lws_sock_file_fd_type fd = {.filefd = take_fd};

    return take_fd < 0 || lws_adopt_descriptor_vhost(w->vhost, LWS_ADOPT_RAW_FILE_DESC, fd,
                                                     protocol, NULL) == NULL
               ? TG_ERR_IO
               : TG_OK;
}

static tg_err adopt_listener(struct tg_worker *w)
{
    tg_err err = adopt(w, w->listen_fd, "torg-accept");

    if (err == TG_OK)
        w->listen_fd = -1;
    return err;
}

tg_err tg_worker_open(struct tg_worker *w)
{
    tg_err err;

    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    w->rng = tg_rng_os();
    tg_dlist_init(&w->socks);
    tg_dlist_init(&w->waiting);
    tg_dlist_init(&w->events);
    tg_map_init(&w->people, &w->rng);
    tg_tick_init(&w->tick, tg_ws_wake, w);
    tg_worker_clock(w);
    w->next_rtc = w->index; /* workers begin with different ones */
    w->next_read = w->index;
    err = tg_rate_new(&w->rate, TG_WEB_RATE_ENTRIES, &w->rng);
    if (err == TG_OK)
        err = create_context(w);
    if (err == TG_OK)
        err = adopt_listener(w);
    if (err == TG_OK)
        err = adopt(w, dup(tg_mailbox_fd(w->mb)), "torg-mail");
    if (err == TG_OK)
        err = tg_look_open(w);
    if (err != TG_OK)
        return err;
    lws_sul_schedule(w->lws, 0, &w->second_timer, on_second, TG_US_PER_S);
    return TG_OK;
}

void tg_worker_run(void *worker)
{
    struct tg_worker *w = worker;

    tg_worker_messages(w); /* what came before the thread ran */
    while (tg_look(w)) {
        /* Only the context's own descriptors are left, or somebody does not answer our close. */
        if (w->stopping && ((tg_dlist_empty(&w->socks) && tg_dlist_empty(&w->events)) ||
                            tg_clock_mono() >= w->stop_at))
            break;
    }
}

void tg_worker_close(struct tg_worker *w)
{
    if (w->lws != NULL) {
        lws_sul_cancel(&w->tick_timer);
        lws_sul_cancel(&w->second_timer);
        lws_context_destroy(w->lws);
        w->lws = NULL;
    }
    tg_look_close(w);
    if (w->listen_fd >= 0)
        (void)close(w->listen_fd); /* nobody was accepted */
    w->listen_fd = -1;
    if (w->socks.next != NULL)
        tg_ws_done(w);
    tg_free(w->events_ended);
    w->events_ended = NULL;
    tg_slots_done(&w->slots);
    tg_rate_free(w->rate);
    w->rate = NULL;
}
