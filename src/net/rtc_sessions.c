/* The table of sessions: by id, by ufrag, by address; their peers' input, output and deadlines. */
#include "net/rtc_worker_priv.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "proto/ice_lite.h"

/* --- small parts ------------------------------------------------------------------------------ */

static const struct tg_rtc_handler *handler_of(const struct session *s)
{
    return s->pub.handler;
}

void tg_rtc_doom(struct tg_rtc_worker *w, struct session *s)
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

/* Nobody is behind that connection any more. */
static void hang_up(struct tg_rtc_worker *w, const struct tg_addr *addr, tg_us now)
{
    if (addr->tcp != 0 && w->tcp != NULL)
        tg_rtc_tcp_close(w->tcp, addr, now);
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
            tg_rtc_doom(w, s);
        return;
    }
}

static void drop_key(struct tg_rtc_worker *w, struct session *s, int key)
{
    if (key < 0 || s->keys[key][0] == '\0')
        return;
    (void)tg_map_del(&w->by_ufrag, s->keys[key], strlen(s->keys[key]));
    s->keys[key][0] = '\0';
}

static void arm(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    tg_us at = tg_peer_deadline(s->pub.peer, now);

    if (s->lost_until != 0)
        at = TG_MIN(at, s->lost_until);
    if (at == TG_US_NEVER)
        tg_heap_remove(&w->timers, &s->timer);
    else if (tg_heap_set(&w->timers, &s->timer, at) != TG_OK)
        tg_rtc_doom(w, s);
}

/* --- what a peer says ------------------------------------------------------------------------- */

void tg_rtc_writable(struct session *s, tg_us now)
{
    const struct tg_rtc_handler *h = handler_of(s);

    if (!s->pub.stalled)
        return;
    s->pub.stalled = false;
    if (h->on_writable != NULL && !s->doomed)
        h->on_writable(h->ctx, &s->pub, now);
}

static void on_peer_moved(struct session *s, const struct tg_addr *to, tg_us now)
{
    const bool first = s->pub.remote.port == 0;

    s->pub.remote = *to;
    s->lost_until = 0;
    tg_rtc_writable(s, now);
    if (!first && handler_of(s)->on_moved != NULL)
        handler_of(s)->on_moved(handler_of(s)->ctx, &s->pub, now);
}

static void on_peer_connected(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    TG_ASSERT(w->handshakes > 0);
    w->handshakes--;
    s->pub.connected = true;
    TG_COUNT(rtc_connected_total);
    s->parked = tg_peer_parked(s->pub.peer);
    if (s->parked)
        tg_metric_add(TG_M_rtc_parked, 1);
    else
        TG_COUNT(rtc_parked_not_total);
    if (handler_of(s)->on_connected != NULL)
        handler_of(s)->on_connected(handler_of(s)->ctx, &s->pub, now);
}

static void on_peer_out(struct tg_rtc_worker *w, struct session *s, const struct tg_peer_out *out,
                        tg_us now)
{
    const struct tg_rtc_handler *h = handler_of(s);

    switch (out->kind) {
    case TG_PEER_OUT_SEND:
        (void)tg_rtc_io_send(w, &out->addr, out->bytes); /* false: as if lost */
        break;
    case TG_PEER_OUT_ADDR:
        take_addr(w, s, &out->addr);
        break;
    case TG_PEER_OUT_ADDR_OFF:
        drop_addr(w, s, &out->addr);
        hang_up(w, &out->addr, now);
        break;
    case TG_PEER_OUT_MOVED:
        on_peer_moved(s, &out->addr, now);
        break;
    case TG_PEER_OUT_RETIRED:
        drop_key(w, s, s->key_old);
        s->key_old = -1;
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
        tg_rtc_doom(w, s);
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

static void forget(struct tg_rtc_worker *w, struct session *s, tg_us now)
{
    (void)tg_map_del(&w->by_id, s->pub.id, strlen(s->pub.id));
    for (int i = 0; i < (int)TG_ARRAY_LEN(s->keys); i++)
        drop_key(w, s, i);
    for (size_t i = 0; i < TG_ICE_ADDRS_MAX; i++) {
        if (!s->addr_used[i])
            continue;
        (void)tg_map_del(&w->by_addr, &s->addrs[i], TG_ADDR_KEY_LEN);
        hang_up(w, &s->addrs[i], now);
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
    if (s->lost)
        s->reason = TG_PEER_CONSENT; /* as it would have been a little later */
    forget(w, s, now);
    tg_log_debug("rtc", "session_closed", "peer=%" PRIu32 " reason=%s", s->pub.ordinal,
                 tg_peer_reason_name(s->reason));
    if (h->on_closed != NULL)
        h->on_closed(h->ctx, &s->pub, s->reason, now);
    if (s->handshake_waits > 0)
        tg_rtc_handshakes_forget(w->waiting, s);
    if (s->parked)
        tg_metric_add(TG_M_rtc_parked, -1);
    tg_peer_free(s->pub.peer);
    tg_free(s);
    tg_metric_add(TG_M_rtc_sessions, -1);
}

/* Handlers may doom more while this runs. */
void tg_rtc_reap(struct tg_rtc_worker *w, tg_us now)
{
    while (w->doomed != NULL) {
        struct session *s = w->doomed;

        w->doomed = s->next_doomed;
        end_session(w, s, now);
    }
}

void tg_rtc_doom_all(struct tg_rtc_worker *w)
{
    size_t cursor = 0;
    struct session *s;

    while ((s = tg_map_each(&w->by_id, &cursor)) != NULL)
        tg_rtc_doom(w, s);
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

struct session *tg_rtc_by_addr(const struct tg_rtc_worker *w, const struct tg_addr *addr)
{
    return tg_map_get(&w->by_addr, addr, TG_ADDR_KEY_LEN);
}

/*
 * A browser connects again by itself, or restarts ICE when it comes back from another network: the
 * session stays for that. A publisher's has a patience of its own, which is configured.
 */
void tg_rtc_lost(struct tg_rtc_worker *w, const struct tg_addr *addr, tg_us now)
{
    struct session *s = tg_rtc_by_addr(w, addr);

    if (s == NULL)
        return;
    drop_addr(w, s, addr);
    if (s->pub.publisher || !tg_addr_equal(&s->pub.remote, addr))
        return;
    s->lost_until = now + (w->cfg.tcp_lost_us > 0 ? w->cfg.tcp_lost_us
                                                  : TG_RTC_TCP_LOST_S * (tg_us)TG_US_PER_S);
    arm(w, s, now);
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

/*
 * A check with a forged source takes an address away from who is there; its own next check, which
 * found it by ufrag, takes it back. Without that one datagram would cut a line for good, since its
 * consent goes on.
 */
static void keep_addr(struct tg_rtc_worker *w, struct session *s, const struct tg_addr *from)
{
    if (tg_map_get(&w->by_addr, from, TG_ADDR_KEY_LEN) != s && tg_peer_knows(s->pub.peer, from))
        take_addr(w, s, from);
}

/* One session may not fill the queue for all. */
static void put_aside(struct tg_rtc_worker *w, struct session *s, const struct tg_udp_packet *p)
{
    if (s->handshake_waits < TG_RTC_HANDSHAKE_SHARE &&
        tg_rtc_handshakes_put(w->waiting, s, &p->from, p->bytes, p->len))
        s->handshake_waits++;
    else
        TG_COUNT(rtc_handshakes_dropped_total);
}

void tg_rtc_input(struct tg_rtc_worker *w, const struct tg_udp_packet *p, tg_us now)
{
    struct session *s = find_session(w, p);
    enum tg_peer_class class;
    tg_err err;

    if (s == NULL) {
        w->counts.unknown++;
        return;
    }
    class = tg_peer_classify(p->bytes, p->len);
    if (class == TG_PEER_DTLS && !s->pub.connected) {
        put_aside(w, s, p);
        return;
    }
    err = tg_peer_input(s->pub.peer, now, &p->from, p->bytes, p->len);
    count_error(w, err);
    if (p->from.tcp != 0 && class == TG_PEER_STUN && err == TG_OK)
        tg_rtc_tcp_prove(w->tcp, &p->from, now); /* before the answer goes out */
    drain_peer(w, s, now);
    if (class == TG_PEER_STUN && err == TG_OK)
        keep_addr(w, s, &p->from);
    /* Media does not move a deadline. */
    if (class == TG_PEER_STUN || class == TG_PEER_DTLS)
        arm(w, s, now);
}

/* --- joins --------------------------------------------------------------------------------------
 */

struct handshake_run {
    struct tg_rtc_worker *w;
    tg_us now;
};

static void on_handshake(void *ctx, void *owner, const struct tg_addr *from, uint8_t *bytes,
                         size_t len)
{
    const struct handshake_run *run = ctx;
    struct session *s = owner;

    s->handshake_waits--;
    if (s->doomed)
        return;
    count_error(run->w, tg_peer_input(s->pub.peer, run->now, from, bytes, len));
    drain_peer(run->w, s, run->now);
    arm(run->w, s, run->now);
}

bool tg_rtc_run_handshakes(struct tg_rtc_worker *w, tg_us now)
{
    struct handshake_run run = {.w = w, .now = now};
    const bool any = tg_rtc_handshakes_count(w->waiting) > 0;
    const tg_us began = any ? tg_rtc_load_cpu() : 0;
    const size_t done = tg_rtc_handshakes_run(w->waiting, tg_clock_mono, TG_RTC_HANDSHAKE_BUDGET_US,
                                              on_handshake, &run);
    const int64_t left = (int64_t)tg_rtc_handshakes_count(w->waiting);

    if (any)
        tg_rtc_load_aside(&w->load, tg_rtc_load_cpu() - began);
    if (left != w->waiting_reported) {
        tg_metric_add(TG_M_rtc_handshakes_waiting, left - w->waiting_reported);
        w->waiting_reported = left;
    }
    return done > 0;
}

/* --- time ---------------------------------------------------------------------------------- */

void tg_rtc_run_deadlines(struct tg_rtc_worker *w, tg_us now)
{
    struct tg_heap_node *node;

    while ((node = tg_heap_pop_due(&w->timers, now)) != NULL) {
        struct session *s = TG_CONTAINER_OF(node, struct session, timer);

        if (s->lost_until != 0 && now >= s->lost_until) {
            s->lost_until = 0;
            s->lost = true;
            tg_rtc_doom(w, s);
        }
        tg_peer_tick(s->pub.peer, now);
        drain_peer(w, s, now);
        arm(w, s, now + 1); /* strictly later: a deadline that stays due must not spin here */
    }
}

/* --- sessions for handlers -------------------------------------------------------------------- */

static void new_etag(struct tg_rtc_worker *w, struct session *s)
{
    uint8_t random[(TG_RTC_ETAG_SIZE - 1) * 3 / 4];

    tg_rng_bytes(&w->rng, random, sizeof(random));
    tg_b64url_encode(s->pub.etag, sizeof(s->pub.etag), random, sizeof(random));
}

static void name_session(struct tg_rtc_worker *w, struct session *s)
{
    uint8_t secret[16];
    char text[32];

    tg_rng_bytes(&w->rng, secret, sizeof(secret));
    tg_b64url_encode(text, sizeof(text), secret, sizeof(secret));
    tg_str_printf(s->pub.id, sizeof(s->pub.id), "%u.%s", w->cfg.index, text);
    tg_ice_credentials(&w->rng, s->pub.ufrag, s->pub.pwd);
    memcpy(s->keys[0], s->pub.ufrag, sizeof(s->keys[0]));
    s->key_old = -1;
    new_etag(w, s);
    s->sdp_id = tg_rng_u64(&w->rng) >> 2;
    s->pub.ordinal = ++w->ordinal;
}

static tg_err make_peer(struct tg_rtc_worker *w, struct session *s, const struct tg_rtc_open *open,
                        tg_us now)
{
    struct tg_peer_cfg cfg = {.receives = open->receives,
                              .local_ufrag = s->pub.ufrag,
                              .local_pwd = s->pub.pwd,
                              .remote_ufrag = open->remote_ufrag,
                              .remote_pwd = open->remote_pwd,
                              .consent_us = open->consent_us,
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
    err = tg_map_put(&w->by_ufrag, s->keys[0], strlen(s->keys[0]), s);
    if (err != TG_OK) {
        (void)tg_map_del(&w->by_id, s->pub.id, strlen(s->pub.id));
        return err;
    }
    err = tg_heap_set(&w->timers, &s->timer, tg_peer_deadline(s->pub.peer, now));
    if (err != TG_OK) {
        drop_key(w, s, 0);
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
    s->pub.show = cfg->show;
    s->pub.publisher = cfg->publisher;
    tg_str_cut(s->remote_ufrag, sizeof(s->remote_ufrag), cfg->remote_ufrag);
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

/* --- ICE restarts ----------------------------------------------------------------------------- */

static int free_key(const struct session *s)
{
    int key = 0;

    while (key == s->key_now || key == s->key_old)
        key++;
    return key; /* two of the three are in use at most */
}

tg_err tg_rtc_restart(struct tg_rtc_worker *w, struct session *s, const char *remote_ufrag,
                      const char *remote_pwd, tg_us now)
{
    const int key = free_key(s);
    char pwd[TG_ICE_LOCAL_PWD + 1];
    const struct tg_ice_creds creds = {.local_ufrag = s->keys[key],
                                       .local_pwd = pwd,
                                       .remote_ufrag = remote_ufrag,
                                       .remote_pwd = remote_pwd};
    tg_err err;

    tg_ice_credentials(&w->rng, s->keys[key], pwd);
    err = tg_map_put(&w->by_ufrag, s->keys[key], strlen(s->keys[key]), s);
    if (err != TG_OK) {
        s->keys[key][0] = '\0';
        return TG_ERR_NOMEM; /* or another session drew the same 48 bits: as rare */
    }
    err = tg_peer_restart(s->pub.peer, now, &creds);
    if (err != TG_OK) {
        drop_key(w, s, key);
        return err;
    }
    /* As the peer does it: credentials that nobody used yet make room, used ones live on. */
    if (s->key_old < 0)
        s->key_old = s->key_now;
    else
        drop_key(w, s, s->key_now);
    s->key_now = key;
    memcpy(s->pub.ufrag, s->keys[key], sizeof(s->pub.ufrag));
    memcpy(s->pub.pwd, pwd, sizeof(s->pub.pwd));
    tg_str_cut(s->remote_ufrag, sizeof(s->remote_ufrag), remote_ufrag);
    new_etag(w, s);
    TG_COUNT(rtc_restarts_total);
    tg_log_debug("rtc", "ice_restarted", "peer=%" PRIu32, s->pub.ordinal);
    drain_peer(w, s, now);
    arm(w, s, now);
    return TG_OK;
}

/* --- for handlers, while a session lives ------------------------------------------------------ */

void tg_rtc_local(struct tg_rtc_worker *w, const struct tg_rtc_session *s,
                  struct tg_sdp_local *inout)
{
    const struct session *whole = session_of(s);

    inout->ice_ufrag = s->ufrag;
    inout->ice_pwd = s->pwd;
    memcpy(inout->fingerprint, tg_dtls_ctx_fingerprint(w->dtls), sizeof(inout->fingerprint));
    inout->candidates = w->candidates;
    inout->candidate_count = w->candidate_count;
    inout->tcp = w->tcp != NULL;
    inout->session_id = whole->sdp_id;
}

void tg_rtc_close(struct tg_rtc_worker *w, struct tg_rtc_session *s, tg_us now)
{
    struct session *whole = TG_CONTAINER_OF(s, struct session, pub);

    tg_rtc_doom(w, whole);
    tg_loop_wake_at(w->loop, now);
}

bool tg_rtc_send_rtcp(struct tg_rtc_worker *w, struct tg_rtc_session *s, const uint8_t *packet,
                      size_t len)
{
    uint8_t bytes[TG_RTP_MTU + TG_SRTP_RTCP_TRAILER];
    struct tg_srtp_tx *tx = tg_peer_tx(s->peer);
    size_t out_len = 0;

    if (tx == NULL || s->remote.port == 0 || len > TG_RTP_MTU)
        return false;
    memcpy(bytes, packet, len);
    if (tg_srtp_tx_protect_rtcp(tx, bytes, len, sizeof(bytes), &out_len) != TG_OK)
        return false;
    return tg_rtc_io_send(w, &s->remote, tg_span(bytes, out_len));
}

/* --- the table -------------------------------------------------------------------------------- */

void tg_rtc_sessions_init(struct tg_rtc_worker *w)
{
    tg_map_init(&w->by_id, &w->rng);
    tg_map_init(&w->by_ufrag, &w->rng);
    tg_map_init(&w->by_addr, &w->rng);
}

void tg_rtc_sessions_done(struct tg_rtc_worker *w)
{
    TG_ASSERT(w->by_id.count == 0);
    tg_map_done(&w->by_id);
    tg_map_done(&w->by_ufrag);
    tg_map_done(&w->by_addr);
    tg_heap_done(&w->timers);
}
