#include "net/rtc_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/str.h"
#include "base/thread.h"
#include "net/addr.h"
#include "net/loop.h"
#include "proto/ice_lite.h"

/* One session; handlers see `pub`. */
struct session {
    struct tg_rtc_session pub;
    struct tg_heap_node timer;
    struct tg_addr addrs[TG_ICE_ADDRS_MAX]; /* keys of by_addr */
    bool addr_used[TG_ICE_ADDRS_MAX];
    uint64_t sdp_id;
    bool doomed; /* in the doomed list: ends later in this turn */
    bool closed; /* the peer said CLOSED */
    enum tg_peer_reason reason;
    struct session *next_doomed;
};

/* Counted on the way, added to the metrics once a turn. */
struct counts {
    int64_t unknown;
    int64_t malformed;
    int64_t auth;
    int64_t refused;
};

struct tg_rtc_worker {
    struct tg_rtc_worker_cfg cfg;
    struct tg_loop *loop;
    struct tg_udp *udp;
    struct tg_watch udp_watch;
    bool udp_wants_out;
    struct tg_mailbox *mailbox;
    struct tg_mailbox *started; /* one tg_err from the thread, then gone */
    struct tg_thread *thread;
    struct tg_dtls_ctx *dtls;
    struct tg_rng rng;
    struct tg_addr candidates[TG_RTC_ADVERTISE_MAX + 1];
    size_t candidate_count;
    struct tg_map by_id;
    struct tg_map by_ufrag;
    struct tg_map by_addr;
    struct tg_heap timers;
    size_t handshakes;
    uint32_t ordinal;
    struct session *doomed;
    struct counts counts;
    struct tg_udp_stats reported; /* what the metrics have of udp's stats */
    bool more_input;              /* the last turn stopped reading at its bound */
    atomic_bool stopping;
};

/* --- small parts ------------------------------------------------------------------------------ */

/* Handlers hold the public part, which is a member. */
static const struct session *whole_of(const struct tg_rtc_session *s)
{
    return (const struct session *)(const void *)((const char *)s - offsetof(struct session, pub));
}

static const struct tg_rtc_handler *handler_of(const struct session *s)
{
    return s->pub.handler;
}

static void doom(struct tg_rtc_worker *w, struct session *s)
{
    if (s->doomed)
        return;
    s->doomed = true;
    s->next_doomed = w->doomed;
    w->doomed = s;
}

static void drop_addr(struct tg_rtc_worker *w, struct session *s, const struct tg_addr *addr)
{
    for (size_t i = 0; i < TG_ICE_ADDRS_MAX; i++) {
        if (s->addr_used[i] && tg_addr_equal(&s->addrs[i], addr)) {
            (void)tg_map_del(&w->by_addr, &s->addrs[i], TG_ADDR_KEY_LEN);
            s->addr_used[i] = false;
        }
    }
}

/* The newest session that has proved an address owns it: browsers and NATs reuse ports. */
static void take_addr(struct tg_rtc_worker *w, struct session *s, const struct tg_addr *addr)
{
    struct session *old = tg_map_get(&w->by_addr, addr, TG_ADDR_KEY_LEN);

    if (old != NULL)
        drop_addr(w, old, addr);
    for (size_t i = 0; i < TG_ICE_ADDRS_MAX; i++) {
        if (s->addr_used[i])
            continue;
        s->addrs[i] = *addr;
        s->addr_used[i] = tg_map_put(&w->by_addr, &s->addrs[i], TG_ADDR_KEY_LEN, s) == TG_OK;
        if (!s->addr_used[i]) /* no memory: without a route the session is of no use */
            doom(w, s);
        return;
    }
}

static void arm(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    const tg_us at = tg_peer_deadline(s->pub.peer, now);

    if (at == TG_US_NEVER)
        tg_heap_remove(&w->timers, &s->timer);
    else if (tg_heap_set(&w->timers, &s->timer, at) != TG_OK)
        doom(w, s);
}

/* --- what a peer says ------------------------------------------------------------------------- */

static void on_peer_moved(struct session *s, const struct tg_addr *to, tg_us now)
{
    const bool first = s->pub.remote.port == 0;

    s->pub.remote = *to;
    if (!first && handler_of(s)->on_moved != NULL)
        handler_of(s)->on_moved(handler_of(s)->ctx, &s->pub, now);
}

static void on_peer_connected(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    TG_ASSERT(w->handshakes > 0);
    w->handshakes--;
    s->pub.connected = true;
    TG_COUNT(rtc_connected_total);
    if (handler_of(s)->on_connected != NULL)
        handler_of(s)->on_connected(handler_of(s)->ctx, &s->pub, now);
}

static void on_peer_out(struct tg_rtc_worker *w, struct session *s, const struct tg_peer_out *out,
                        tg_us now)
{
    const struct tg_rtc_handler *h = handler_of(s);

    switch (out->kind) {
    case TG_PEER_OUT_SEND:
        (void)tg_udp_send(w->udp, &out->addr, out->bytes.data, out->bytes.len); /* as if lost */
        break;
    case TG_PEER_OUT_ADDR:
        take_addr(w, s, &out->addr);
        break;
    case TG_PEER_OUT_ADDR_OFF:
        drop_addr(w, s, &out->addr);
        break;
    case TG_PEER_OUT_MOVED:
        on_peer_moved(s, &out->addr, now);
        break;
    case TG_PEER_OUT_CONNECTED:
        on_peer_connected(w, s, now);
        break;
    case TG_PEER_OUT_RTP:
        if (h->on_rtp != NULL && !s->doomed)
            h->on_rtp(h->ctx, &s->pub, out->bytes, now);
        break;
    case TG_PEER_OUT_RTCP:
        if (h->on_rtcp != NULL && !s->doomed)
            h->on_rtcp(h->ctx, &s->pub, out->bytes, now);
        break;
    case TG_PEER_OUT_CLOSED:
        s->closed = true;
        s->reason = out->reason;
        doom(w, s);
        break;
    }
}

static void drain_peer(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    struct tg_peer_out out;

    while (tg_peer_poll(s->pub.peer, &out))
        on_peer_out(w, s, &out, now);
}

/* --- the end of a session --------------------------------------------------------------------- */

static void forget(struct tg_rtc_worker *w, struct session *s)
{
    (void)tg_map_del(&w->by_id, s->pub.id, strlen(s->pub.id));
    (void)tg_map_del(&w->by_ufrag, s->pub.ufrag, strlen(s->pub.ufrag));
    for (size_t i = 0; i < TG_ICE_ADDRS_MAX; i++) {
        if (s->addr_used[i])
            (void)tg_map_del(&w->by_addr, &s->addrs[i], TG_ADDR_KEY_LEN);
    }
    tg_heap_remove(&w->timers, &s->timer);
}

static void end_session(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    const struct tg_rtc_handler *h = handler_of(s);

    if (!s->closed) {
        tg_peer_close(s->pub.peer, now);
        drain_peer(w, s, now); /* close_notify goes out, CLOSED comes */
    }
    if (!s->pub.connected)
        w->handshakes--;
    forget(w, s);
    tg_log_debug("rtc", "session_closed", "peer=%" PRIu32 " reason=%s", s->pub.ordinal,
                 tg_peer_reason_name(s->reason));
    if (h->on_closed != NULL)
        h->on_closed(h->ctx, &s->pub, s->reason, now);
    tg_peer_free(s->pub.peer);
    tg_free(s);
    tg_metric_add(TG_M_rtc_sessions, -1);
}

/* Handlers may doom more while this runs. */
static void reap(struct tg_rtc_worker *w, tg_us now)
{
    while (w->doomed != NULL) {
        struct session *s = w->doomed;

        w->doomed = s->next_doomed;
        end_session(w, s, now);
    }
}

static void doom_all(struct tg_rtc_worker *w)
{
    size_t cursor = 0;
    struct session *s;

    while ((s = tg_map_each(&w->by_id, &cursor)) != NULL)
        doom(w, s);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static struct session *find_session(struct tg_rtc_worker *w, const struct tg_udp_packet *p)
{
    struct tg_span ufrag;

    if (tg_peer_classify(p->bytes, p->len) == TG_PEER_STUN &&
        tg_ice_peek_ufrag(p->bytes, p->len, &ufrag))
        return tg_map_get(&w->by_ufrag, ufrag.data, ufrag.len);
    return tg_map_get(&w->by_addr, &p->from, TG_ADDR_KEY_LEN);
}

static void count_error(struct tg_rtc_worker *w, tg_err err)
{
    switch (err) {
    case TG_OK:
    case TG_ERR_CLOSED: /* late datagrams of a session that ends are normal */
        break;
    case TG_ERR_AUTH:
        w->counts.auth++;
        break;
    case TG_ERR_MALFORMED:
    case TG_ERR_TRUNCATED:
    case TG_ERR_LIMIT:
        w->counts.malformed++;
        break;
    default:
        w->counts.refused++;
    }
}

static void on_packet(struct tg_rtc_worker *w, const struct tg_udp_packet *p, tg_us now)
{
    struct session *s = find_session(w, p);
    enum tg_peer_class class;

    if (s == NULL) {
        w->counts.unknown++;
        return;
    }
    class = tg_peer_classify(p->bytes, p->len);
    count_error(w, tg_peer_input(s->pub.peer, now, &p->from, p->bytes, p->len));
    drain_peer(w, s, now);
    /* Media does not move a deadline. */
    if (class == TG_PEER_STUN || class == TG_PEER_DTLS)
        arm(w, s, now);
}

static void read_input(struct tg_rtc_worker *w, tg_us now)
{
    w->more_input = true;
    for (int i = 0; i < TG_RTC_BATCHES_PER_TURN; i++) {
        const struct tg_udp_packet *packets;
        const size_t count = tg_udp_receive(w->udp, &packets);

        for (size_t k = 0; k < count; k++)
            on_packet(w, &packets[k], now);
        if (count == 0) {
            w->more_input = false;
            return;
        }
    }
}

static void on_udp(void *ctx, uint32_t events, tg_us now)
{
    struct tg_rtc_worker *w = ctx;

    if ((events & EPOLLOUT) != 0)
        (void)tg_udp_flush(w->udp); /* the turn's end looks at what is left */
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        read_input(w, now);
}

/* --- requests --------------------------------------------------------------------------------- */

void tg_rtc_reply(const struct tg_rtc_req *req, tg_err err, const char *detail,
                  const struct tg_rtc_session *s, const struct tg_buf *answer)
{
    struct tg_rtc_reply *reply;

    if (req->conn.mb == NULL)
        return;
    reply = tg_msg_new(TG_MSG_RTC_REPLY, sizeof(*reply));
    if (reply == NULL)
        return; /* the web worker's own timeout answers */
    reply->conn = req->conn;
    reply->what = req->what;
    reply->err = err;
    if (detail != NULL)
        tg_str_cut(reply->detail, sizeof(reply->detail), detail);
    if (s != NULL) {
        const struct session *whole = whole_of(s);

        memcpy(reply->session, s->id, sizeof(reply->session));
        tg_str_printf(reply->etag, sizeof(reply->etag), "%016" PRIx64, whole->sdp_id);
    }
    if (answer != NULL) {
        reply->sdp = tg_slab_copy(answer->data, answer->len);
        if (reply->sdp == NULL)
            reply->err = TG_ERR_NOMEM;
    }
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* a web worker that ends needs no answer */
}

static void on_session_request(struct tg_rtc_worker *w, const struct tg_rtc_req *req)
{
    struct session *s = tg_map_get_str(&w->by_id, req->session);

    if (s == NULL || s->doomed) {
        tg_rtc_reply(req, TG_ERR_NOTFOUND, "no such session", NULL, NULL);
        return;
    }
    tg_rtc_reply(req, TG_OK, NULL, &s->pub, NULL);
    if (req->what == TG_RTC_DELETE)
        doom(w, s);
}

static void on_handler_request(struct tg_rtc_worker *w, struct tg_rtc_req *req, tg_us now)
{
    bool taken = false;

    for (size_t i = 0; i < w->cfg.handler_count; i++) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i];

        if (h->on_request != NULL && (!taken || req->what == TG_RTC_SHOW_ADD))
            taken = h->on_request(h->ctx, req, now) || taken;
    }
    if (!taken && req->what != TG_RTC_SHOW_ADD)
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
        on_session_request(w, req);
        break;
    case TG_RTC_WHEP_OFFER:
    case TG_RTC_SHOW_ADD:
    default:
        on_handler_request(w, req, now);
        break;
    }
    tg_msg_free(req);
}

/* --- a turn ----------------------------------------------------------------------------------- */

static void run_deadlines(struct tg_rtc_worker *w, tg_us now)
{
    struct tg_heap_node *node;

    while ((node = tg_heap_pop_due(&w->timers, now)) != NULL) {
        struct session *s = TG_CONTAINER_OF(node, struct session, timer);

        tg_peer_tick(s->pub.peer, now);
        drain_peer(w, s, now);
        arm(w, s, now + 1); /* strictly later: a deadline that stays due must not spin here */
    }
}

static void report(struct tg_rtc_worker *w)
{
    const struct tg_udp_stats *now = tg_udp_stats(w->udp);
    struct tg_udp_stats *old = &w->reported;

    if (now->packets_in != old->packets_in || now->oversize_in != old->oversize_in) {
        tg_metric_add(TG_M_rtc_packets_in_total, (int64_t)(now->packets_in - old->packets_in));
        tg_metric_add(TG_M_rtc_bytes_in_total, (int64_t)(now->bytes_in - old->bytes_in));
        tg_metric_add(TG_M_rtc_malformed_total,
                      w->counts.malformed + (int64_t)(now->oversize_in - old->oversize_in));
        tg_metric_add(TG_M_rtc_unknown_total, w->counts.unknown);
        tg_metric_add(TG_M_rtc_auth_failed_total, w->counts.auth);
        tg_metric_add(TG_M_rtc_refused_total, w->counts.refused);
        w->counts = (struct counts){0};
    }
    if (now->packets_out != old->packets_out || now->dropped_out != old->dropped_out) {
        tg_metric_add(TG_M_rtc_packets_out_total, (int64_t)(now->packets_out - old->packets_out));
        tg_metric_add(TG_M_rtc_bytes_out_total, (int64_t)(now->bytes_out - old->bytes_out));
        tg_metric_add(TG_M_rtc_sends_total, (int64_t)(now->calls_out - old->calls_out));
        tg_metric_add(TG_M_rtc_send_dropped_total, (int64_t)(now->dropped_out - old->dropped_out));
    }
    *old = *now;
}

static void flush_out(struct tg_rtc_worker *w)
{
    const bool left = !tg_udp_flush(w->udp);

    if (left != w->udp_wants_out) {
        w->udp_wants_out = left;
        tg_loop_rewatch(w->loop, &w->udp_watch, EPOLLIN | (left ? EPOLLOUT : 0u));
    }
}

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

static void on_turn(void *ctx, tg_us now)
{
    struct tg_rtc_worker *w = ctx;

    run_deadlines(w, now);
    reap(w, now);
    for (size_t i = 0; i < w->cfg.handler_count; i++) {
        const struct tg_rtc_handler *h = w->cfg.handlers[i];

        if (h->on_turn != NULL)
            h->on_turn(h->ctx, now);
    }
    if (atomic_load(&w->stopping)) {
        doom_all(w);
        tg_loop_stop(w->loop);
    }
    reap(w, now);
    flush_out(w);
    report(w);
    tg_loop_wake_at(w->loop, TG_MIN(handlers_deadline(w, now), tg_heap_deadline(&w->timers)));
    if (w->more_input)
        tg_loop_wake_at(w->loop, now);
}

/* --- sessions for handlers -------------------------------------------------------------------- */

static void name_session(struct tg_rtc_worker *w, struct session *s)
{
    uint8_t secret[16];
    char text[32];

    tg_rng_bytes(&w->rng, secret, sizeof(secret));
    tg_b64url_encode(text, sizeof(text), secret, sizeof(secret));
    tg_str_printf(s->pub.id, sizeof(s->pub.id), "%u.%s", w->cfg.index, text);
    tg_ice_credentials(&w->rng, s->pub.ufrag, s->pub.pwd);
    s->sdp_id = tg_rng_u64(&w->rng) >> 2;
    s->pub.ordinal = ++w->ordinal;
}

static tg_err make_peer(struct tg_rtc_worker *w, struct session *s, const struct tg_rtc_open *open,
                        tg_us now)
{
    struct tg_peer_cfg cfg = {.local_ufrag = s->pub.ufrag,
                              .local_pwd = s->pub.pwd,
                              .remote_ufrag = open->remote_ufrag,
                              .remote_pwd = open->remote_pwd,
                              .dtls_ctx = w->dtls,
                              .rng = &w->rng};

    memcpy(cfg.remote_sha256, open->remote_sha256, sizeof(cfg.remote_sha256));
    return tg_peer_new(&s->pub.peer, &cfg, now);
}

static tg_err index_session(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    tg_err err = tg_map_put(&w->by_id, s->pub.id, strlen(s->pub.id), s);

    if (err != TG_OK)
        return err;
    err = tg_map_put(&w->by_ufrag, s->pub.ufrag, strlen(s->pub.ufrag), s);
    if (err == TG_OK)
        err = tg_heap_set(&w->timers, &s->timer, tg_peer_deadline(s->pub.peer, now));
    if (err != TG_OK) {
        if (tg_map_get_str(&w->by_ufrag, s->pub.ufrag) == s)
            (void)tg_map_del(&w->by_ufrag, s->pub.ufrag, strlen(s->pub.ufrag));
        (void)tg_map_del(&w->by_id, s->pub.id, strlen(s->pub.id));
    }
    return err;
}

tg_err tg_rtc_open(struct tg_rtc_worker *w, const struct tg_rtc_handler *handler,
                   const struct tg_rtc_open *cfg, tg_us now, struct tg_rtc_session **ret)
{
    struct session *s;
    tg_err err;

    if (w->by_id.count >= TG_RTC_SESSIONS_MAX || w->handshakes >= TG_RTC_HANDSHAKES_MAX)
        return TG_ERR_LIMIT;
    s = tg_calloc(1, sizeof(*s));
    if (s == NULL)
        return TG_ERR_NOMEM;
    s->pub.handler = handler;
    s->pub.user = cfg->user;
    name_session(w, s);
    err = make_peer(w, s, cfg, now);
    if (err == TG_OK)
        err = index_session(w, s, now);
    if (err != TG_OK) {
        tg_peer_free(s->pub.peer);
        tg_free(s);
        return err;
    }
    w->handshakes++;
    tg_metric_add(TG_M_rtc_sessions, 1);
    *ret = &s->pub;
    return TG_OK;
}

void tg_rtc_local(struct tg_rtc_worker *w, const struct tg_rtc_session *s,
                  struct tg_sdp_local *inout)
{
    const struct session *whole = whole_of(s);

    inout->ice_ufrag = s->ufrag;
    inout->ice_pwd = s->pwd;
    memcpy(inout->fingerprint, tg_dtls_ctx_fingerprint(w->dtls), sizeof(inout->fingerprint));
    inout->candidates = w->candidates;
    inout->candidate_count = w->candidate_count;
    inout->session_id = whole->sdp_id;
}

void tg_rtc_close(struct tg_rtc_worker *w, struct tg_rtc_session *s, tg_us now)
{
    struct session *whole = TG_CONTAINER_OF(s, struct session, pub);

    doom(w, whole);
    tg_loop_wake_at(w->loop, now);
}

struct tg_udp *tg_rtc_udp(struct tg_rtc_worker *w)
{
    return w->udp;
}

bool tg_rtc_send_rtcp(struct tg_rtc_worker *w, struct tg_rtc_session *s, const uint8_t *packet,
                      size_t len)
{
    uint32_t aligned[(TG_RTP_MTU + TG_SRTP_RTCP_TRAILER + 3) / 4]; /* libsrtp reads words */
    uint8_t *bytes = (uint8_t *)aligned;
    struct tg_srtp *srtp = tg_peer_srtp(s->peer);
    size_t out_len = 0;

    if (srtp == NULL || s->remote.port == 0 || len > TG_RTP_MTU)
        return false;
    memcpy(bytes, packet, len);
    if (tg_srtp_protect_rtcp(srtp, bytes, len, sizeof(aligned), &out_len) != TG_OK)
        return false;
    return tg_udp_send(w->udp, &s->remote, bytes, out_len);
}

struct tg_rng *tg_rtc_rng(struct tg_rtc_worker *w)
{
    return &w->rng;
}

size_t tg_rtc_session_count(const struct tg_rtc_worker *w)
{
    return w->by_id.count;
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
    call_stop(w, handlers);
}

static tg_err make_parts(struct tg_rtc_worker *w)
{
    tg_err err = tg_loop_new(&w->loop);

    if (err == TG_OK)
        err = tg_udp_new(&w->udp, &w->cfg.listen);
    if (err == TG_OK)
        err = tg_dtls_ctx_new(&w->dtls);
    if (err == TG_OK)
        err = tg_mailbox_new(&w->mailbox, TG_MB_RTC, tg_msg_free);
    if (err == TG_OK)
        err = tg_mailbox_new(&w->started, 1, tg_free);
    if (err == TG_OK)
        err = tg_loop_mailbox(w->loop, w->mailbox, on_message, w);
    if (err == TG_OK)
        err = tg_loop_watch(w->loop, &w->udp_watch, tg_udp_fd(w->udp), EPOLLIN, on_udp, w);
    return err;
}

static void free_worker(struct tg_rtc_worker *w)
{
    const int saved = errno; /* why a bind failed */

    TG_ASSERT(w->by_id.count == 0);
    tg_map_done(&w->by_id);
    tg_map_done(&w->by_ufrag);
    tg_map_done(&w->by_addr);
    tg_heap_done(&w->timers);
    tg_mailbox_free(w->started);
    tg_mailbox_free(w->mailbox);
    tg_dtls_ctx_free(w->dtls);
    tg_udp_free(w->udp);
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
    tg_map_init(&w->by_id, &w->rng);
    tg_map_init(&w->by_ufrag, &w->rng);
    tg_map_init(&w->by_addr, &w->rng);
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
    tg_log_info("rtc", "worker_started", "worker=%u port=%u segments=%d", cfg->index,
                (unsigned)tg_udp_addr(w->udp).port, tg_udp_stats(w->udp)->segments ? 1 : 0);
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

unsigned tg_rtc_worker_index(const struct tg_rtc_worker *w)
{
    return w->cfg.index;
}
