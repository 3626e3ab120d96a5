#include "net/rtc_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "net/addr.h"
#include "net/rtc_worker_priv.h"
#include "proto/sdp_whip.h"

/* --- requests --------------------------------------------------------------------------------- */

/* NULL: nobody waits, or out of memory; then the web worker's own timeout answers. */
static struct tg_rtc_reply *reply_new(const struct tg_rtc_req *req, tg_err err, const char *detail)
{
    struct tg_rtc_reply *reply =
        req->conn.mb == NULL ? NULL : tg_msg_new(TG_MSG_RTC_REPLY, sizeof(*reply));

    if (reply == NULL)
        return NULL;
    reply->conn = req->conn;
    reply->what = req->what;
    reply->show = req->show;
    reply->err = err;
    if (detail != NULL)
        tg_str_cut(reply->detail, sizeof(reply->detail), detail);
    return reply;
}

void tg_rtc_reply_wait(const struct tg_rtc_req *req, const char *detail, uint32_t position,
                       uint16_t retry_s, const char *ticket)
{
    struct tg_rtc_reply *reply = reply_new(req, TG_ERR_LIMIT, detail);

    if (reply == NULL)
        return;
    reply->position = position;
    reply->retry_s = retry_s;
    tg_str_cut(reply->ticket, sizeof(reply->ticket), ticket);
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* a web worker that ends needs no answer */
}

void tg_rtc_reply(const struct tg_rtc_req *req, tg_err err, const char *detail,
                  const struct tg_rtc_session *s, const struct tg_buf *answer)
{
    struct tg_rtc_reply *reply = reply_new(req, err, detail);

    if (reply == NULL)
        return;
    if (s != NULL) {
        memcpy(reply->session, s->id, sizeof(reply->session));
        tg_str_printf(reply->etag, sizeof(reply->etag), "%s", s->etag);
        tg_str_printf(reply->publisher, sizeof(reply->publisher), "%s", s->name);
    }
    if (answer != NULL) {
        reply->sdp = tg_slab_copy(answer->data, answer->len);
        if (reply->sdp == NULL)
            reply->err = TG_ERR_NOMEM;
    }
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* a web worker that ends needs no answer */
}

void tg_rtc_reply_layers(const struct tg_rtc_req *req, const struct tg_rtc_session *s,
                         const struct tg_rtc_layers *now)
{
    struct tg_rtc_reply *reply = reply_new(req, TG_OK, NULL);

    if (reply == NULL)
        return;
    memcpy(reply->session, s->id, sizeof(reply->session));
    reply->layer = now->layer;
    reply->layer_pin = now->pin;
    memcpy(reply->layers, now->layers, sizeof(reply->layers));
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* a web worker that ends needs no answer */
}

struct tg_rtc_session *tg_rtc_find(struct tg_rtc_worker *w, const char *id)
{
    struct session *s = tg_map_get_str(&w->by_id, id);

    return s == NULL || s->doomed ? NULL : &s->pub;
}

/* The header is in plain form (msg/rtc.h); the example of RFC 9725 s4.3.3 quotes the star. */
static bool if_match_holds(const char *header, const char *etag)
{
    char quoted[TG_RTC_ETAG_SIZE + 2];

    if (strcmp(header, "*") == 0 || strcmp(header, "\"*\"") == 0)
        return true;
    tg_str_printf(quoted, sizeof(quoted), "\"%s\"", etag);
    return strstr(header, quoted) != NULL;
}

static void reply_restart(struct tg_rtc_worker *w, const struct tg_rtc_req *req, struct session *s,
                          const struct tg_sdp_frag *frag, tg_us now)
{
    struct tg_sdp_local local = {0};
    struct tg_buf answer;
    tg_err err;

    if (frag->ice_pwd[0] == '\0') {
        tg_rtc_reply(req, TG_ERR_MALFORMED, "a new ice-ufrag needs a new ice-pwd", NULL, NULL);
        return;
    }
    err = tg_rtc_restart(w, s, frag->ice_ufrag, frag->ice_pwd, now);
    if (err != TG_OK) {
        tg_rtc_reply(req, err == TG_ERR_CLOSED ? TG_ERR_NOTFOUND : TG_ERR_LIMIT,
                     "ICE could not be restarted; the session is as it was", NULL, NULL);
        return;
    }
    tg_buf_init(&answer, TG_SDP_MAX);
    tg_rtc_local(w, &s->pub, &local);
    err = tg_sdp_frag_write(&answer, &local, frag);
    tg_rtc_reply(req, err, NULL, &s->pub, err == TG_OK ? &answer : NULL);
    tg_buf_done(&answer);
}

/*
 * RFC 9725 s4.3: other credentials than the session's restart ICE and need If-Match, "*" or the
 * current tag; else it is a trickle, of which a lite agent needs nothing.
 */
static void on_patch(struct tg_rtc_worker *w, const struct tg_rtc_req *req, struct session *s,
                     tg_us now)
{
    struct tg_sdp_frag frag;
    const char *reason = "the SDP fragment is empty";
    tg_err err = req->sdp == NULL ? TG_ERR_MALFORMED
                                  : tg_sdp_frag_parse(&frag, (const char *)req->sdp->data,
                                                      req->sdp->len, &reason);

    if (err != TG_OK) { /* LIMIT would read as "come back later" */
        tg_rtc_reply(req, TG_ERR_MALFORMED, reason, NULL, NULL);
        return;
    }
    const bool restart = frag.ice_ufrag[0] != '\0' && strcmp(frag.ice_ufrag, s->remote_ufrag) != 0;

    if (req->if_match[0] == '\0')
        tg_rtc_reply(req, TG_ERR_AGAIN, "send If-Match: the session's ETag, or * to restart ICE",
                     NULL, NULL);
    else if (!if_match_holds(req->if_match, s->pub.etag))
        tg_rtc_reply(req, TG_ERR_CONFLICT, "the session has another ETag now", NULL, NULL);
    else if (restart)
        reply_restart(w, req, s, &frag, now);
    else
        tg_rtc_reply(req, TG_OK, NULL, &s->pub, NULL);
}

static void on_session_request(struct tg_rtc_worker *w, const struct tg_rtc_req *req, tg_us now)
{
    struct session *s = tg_map_get_str(&w->by_id, req->session);
    /* Nobody waits for the answer: a worker of ours ends a session that it made. */
    const bool internal = req->conn.mb == NULL;

    if (s == NULL || s->doomed ||
        (!internal && (s->pub.show != req->show || s->pub.publisher != req->publisher))) {
        tg_rtc_reply(req, TG_ERR_NOTFOUND, "no such session", NULL, NULL);
        return;
    }
    if (req->what == TG_RTC_PATCH) {
        on_patch(w, req, s, now);
        return;
    }
    tg_rtc_reply(req, TG_OK, NULL, &s->pub, NULL);
    tg_rtc_doom(w, s);
}

/* News of a show: for every handler, without an answer. */
static bool for_all(enum tg_rtc_what what)
{
    return what == TG_RTC_SHOW_ADD || what == TG_RTC_REHEARSE;
}

static void on_handler_request(struct tg_rtc_worker *w, struct tg_rtc_req *req, tg_us now)
{
    bool taken = false;

    for (size_t i = 0; i < w->cfg.handler_count; i++) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i];

        if (h->on_request != NULL && (!taken || for_all(req->what)))
            taken = h->on_request(h->ctx, req, now) || taken;
    }
    if (!taken && !for_all(req->what))
        tg_rtc_reply(req, TG_ERR_UNSUPPORTED, "this server does not do that", NULL, NULL);
}

static void on_message(void *ctx, void *take_msg, tg_us now)
{
    struct tg_rtc_worker *w = ctx;
    struct tg_rtc_req *req = take_msg;

    TG_ASSERT(req->head.kind == TG_MSG_RTC_REQ);
    switch (req->what) {
    case TG_RTC_STOP:
        atomic_store(&w->stopping, true);
        break;
    case TG_RTC_PATCH:
    case TG_RTC_DELETE:
        on_session_request(w, req, now);
        break;
    case TG_RTC_WHEP_OFFER:
    case TG_RTC_WHIP_OFFER:
    case TG_RTC_SHOW_ADD:
    case TG_RTC_REHEARSE:
    default:
        on_handler_request(w, req, now);
        break;
    }
    tg_msg_free(req);
}

/* --- a turn ----------------------------------------------------------------------------------- */

static tg_us handlers_deadline(struct tg_rtc_worker *w, tg_us now)
{
    tg_us at = TG_US_NEVER;

    for (size_t i = 0; i < w->cfg.handler_count; i++) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i];

        if (h->deadline != NULL)
            at = TG_MIN(at, h->deadline(h->ctx, now));
    }
    return at;
}

static void wake_in_time(struct tg_rtc_worker *w, tg_us now)
{
    tg_us at = TG_MIN(handlers_deadline(w, now), tg_heap_deadline(&w->timers));

    if (w->tcp != NULL)
        at = TG_MIN(at, tg_rtc_tcp_deadline(w->tcp));
    tg_loop_wake_at(w->loop, at);
}

static void on_turn(void *ctx, tg_us now)
{
    struct tg_rtc_worker *w = ctx;

    tg_rtc_run_deadlines(w, now);
    tg_rtc_reap(w, now);
    for (size_t i = 0; i < w->cfg.handler_count; i++) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i];

        if (h->on_turn != NULL)
            h->on_turn(h->ctx, now);
    }
    if (atomic_load(&w->stopping)) {
        tg_rtc_doom_all(w);
        tg_loop_stop(w->loop);
    }
    tg_rtc_reap(w, now);
    tg_rtc_io_flush(w, now);
    if (tg_rtc_run_handshakes(w, now)) {
        tg_rtc_io_flush(w, now);
        tg_loop_wake_at(w->loop, now); /* for those that wait, and first frames of who connected */
    }
    tg_rtc_io_report(w);
    tg_rtc_load_turn(&w->load, now);
    wake_in_time(w, now);
}

/* --- for handlers ------------------------------------------------------------------------------
 */

struct tg_rng *tg_rtc_rng(struct tg_rtc_worker *w)
{
    return &w->rng;
}

/* --- start and stop --------------------------------------------------------------------------- */

size_t tg_rtc_advertise_default(struct tg_addr *out, size_t max, const struct tg_addr *listen,
                                bool with_loopback)
{
    size_t count;

    if (max == 0)
        return 0;
    if (!tg_addr_is_any(listen)) {
        out[0] = *listen;
        return 1;
    }
    count = tg_addr_local(out, max, listen->port);
    if ((with_loopback || count == 0) && count < max)
        out[count++] = tg_addr_v4(127, 0, 0, 1, listen->port);
    return count;
}

static void set_candidates(struct tg_rtc_worker *w)
{
    const struct tg_addr at = tg_udp_addr(w->udp);

    w->candidate_count = TG_MIN(w->cfg.advertise_count, (size_t)TG_RTC_ADVERTISE_MAX);
    memcpy(w->candidates, w->cfg.advertise, w->candidate_count * sizeof(w->candidates[0]));
    if (w->candidate_count == 0)
        w->candidate_count =
            tg_rtc_advertise_default(w->candidates, TG_RTC_ADVERTISE_MAX, &at, false);
    for (size_t i = 0; i < w->candidate_count; i++)
        w->candidates[i].port = at.port;
}

static void call_stop(struct tg_rtc_worker *w, size_t handlers)
{
    const tg_us now = tg_clock_mono();

    for (size_t i = handlers; i > 0; i--) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i - 1];

        if (h->on_stop != NULL)
            h->on_stop(h->ctx, now);
    }
}

/* Started handlers in *ret_count, also on errors. */
static tg_err call_start(struct tg_rtc_worker *w, size_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < w->cfg.handler_count; i++) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i];
        tg_err err = h->on_start == NULL ? TG_OK : h->on_start(h->ctx, w);

        if (err != TG_OK)
            return err;
        ++*ret_count;
    }
    return TG_OK;
}

static void run_worker(void *ctx)
{
    struct tg_rtc_worker *w = ctx;
    size_t handlers = 0;
    tg_err *result = tg_calloc(1, sizeof(*result));
    tg_err err = result == NULL ? TG_ERR_NOMEM : call_start(w, &handlers);

    if (result != NULL)
        *result = err;
    /* A box that closes without a message means out of memory. */
    if (result != NULL)
        (void)tg_mailbox_post(w->started, result);
    tg_mailbox_close(w->started);
    if (err == TG_OK)
        tg_loop_run(w->loop);
    tg_rtc_load_done(&w->load);
    call_stop(w, handlers);
}

/*
 * A publisher's first SRTP session costs libsrtp's crypto library 30 ms or more to set up: not in
 * the loop, where it would delay every viewer.
 */
static tg_err warm_up(void)
{
    const struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};
    struct tg_srtp *srtp = NULL;
    const tg_err err = tg_srtp_new(&srtp, &keys, TG_SRTP_SERVER);

    if (err == TG_OK)
        tg_srtp_free(srtp);
    return err;
}

static tg_err make_parts(struct tg_rtc_worker *w)
{
    tg_err err = tg_loop_new(&w->loop);

    if (err == TG_OK)
        err = tg_rtc_io_open(w);
    if (err == TG_OK)
        err = tg_dtls_ctx_new(&w->dtls);
    if (err == TG_OK)
        err = tg_rtc_handshakes_new(&w->waiting, TG_RTC_HANDSHAKE_WAIT_MAX);
    if (err == TG_OK)
        err = warm_up();
    if (err == TG_OK)
        err = tg_mailbox_new(&w->mailbox, TG_MB_RTC, tg_msg_free);
    if (err == TG_OK)
        err = tg_mailbox_new(&w->started, 1, tg_free);
    if (err == TG_OK)
        err = tg_loop_mailbox(w->loop, w->mailbox, on_message, w);
    return err;
}

static void free_worker(struct tg_rtc_worker *w)
{
    const int saved = errno; /* why a bind failed */

    tg_rtc_sessions_done(w);
    tg_mailbox_free(w->started);
    tg_mailbox_free(w->mailbox);
    tg_rtc_handshakes_free(w->waiting);
    tg_dtls_ctx_free(w->dtls);
    tg_rtc_io_close(w);
    tg_loop_free(w->loop);
    tg_free(w);
    errno = saved;
}

static tg_err start_thread(struct tg_rtc_worker *w)
{
    char name[16];
    void *result = NULL;
    tg_err err;

    tg_str_printf(name, sizeof(name), "rtc-%u", w->cfg.index);
    err = tg_thread_start(&w->thread, name, run_worker, w);
    if (err != TG_OK)
        return err;
    tg_mailbox_wait(w->started, TG_US_NEVER);
    if (tg_mailbox_take(w->started, &result, 1) != 1)
        err = TG_ERR_NOMEM;
    else
        err = *(tg_err *)result;
    tg_free(result);
    if (err != TG_OK)
        tg_thread_join(w->thread);
    return err;
}

tg_err tg_rtc_worker_start(struct tg_rtc_worker **ret, const struct tg_rtc_worker_cfg *cfg)
{
    struct tg_rtc_worker *w = tg_calloc(1, sizeof(*w));
    tg_err err;

    if (w == NULL)
        return TG_ERR_NOMEM;
    w->cfg = *cfg;
    w->rng = tg_rng_os();
    atomic_init(&w->stopping, false);
    tg_rtc_sessions_init(w);
    err = make_parts(w);
    if (err == TG_OK) {
        set_candidates(w);
        tg_loop_turn(w->loop, on_turn, w);
        err = start_thread(w);
    }
    if (err != TG_OK) {
        free_worker(w);
        return err;
    }
    tg_log_info("rtc", "worker_started", "worker=%u port=%u segments=%d tcp=%d srtp=%s", cfg->index,
                (unsigned)tg_udp_addr(w->udp).port, tg_udp_stats(w->udp)->segments ? 1 : 0,
                w->tcp != NULL ? 1 : 0, tg_srtp_tx_engine_name());
    *ret = w;
    return TG_OK;
}

void tg_rtc_worker_stop(struct tg_rtc_worker *w)
{
    if (w == NULL)
        return;
    atomic_store(&w->stopping, true);
    tg_loop_wake(w->loop);
    tg_thread_join(w->thread);
    tg_mailbox_close(w->mailbox);
    free_worker(w);
}

struct tg_mailbox *tg_rtc_worker_mailbox(struct tg_rtc_worker *w)
{
    return w->mailbox;
}

void tg_rtc_worker_wake(struct tg_rtc_worker *w)
{
    tg_loop_wake(w->loop);
}

struct tg_addr tg_rtc_worker_addr(const struct tg_rtc_worker *w)
{
    return tg_udp_addr(w->udp);
}

unsigned tg_rtc_load_permille(const struct tg_rtc_worker *w)
{
    return atomic_load(&w->load.permille);
}
