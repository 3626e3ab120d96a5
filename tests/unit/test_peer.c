/*
 * test_peer.c - two peers back to back in memory: server (lite) and client.
 *
 * Virtual time, but for the cases that lose handshake datagrams: OpenSSL's retransmission timer
 * runs on its own clock, so those wait for real deadlines (0.2 s each).
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "rtc/peer.h"

enum { WIRE_MAX = 64, T0 = TG_US_PER_S };

struct side {
    struct tg_peer *peer;
    struct tg_addr addr; /* where the other one sees it */
    unsigned connected;
    unsigned moved;
    unsigned retired;
    unsigned rtp;
    unsigned rtcp;
    unsigned closed;
    enum tg_peer_reason reason;
    size_t last_len;
    uint8_t last[TG_UDP_PACKET_MAX];
};

struct datagram {
    struct side *to;
    struct tg_addr from;
    size_t len;
    uint8_t bytes[TG_UDP_PACKET_MAX];
};

struct world {
    struct tg_rng rng;
    struct tg_dtls_ctx *ctx[2];
    struct side server;
    struct side client;
    struct datagram wire[WIRE_MAX];
    size_t wire_count;
    unsigned sent;  /* datagrams put on the wire so far */
    uint64_t drops; /* bit n: the n-th is lost */
};

static struct world w;

static struct tg_peer_cfg cfg_of(bool client)
{
    struct tg_peer_cfg cfg = {
        .client = client,
        .receives = true,
        .local_ufrag = client ? "CLNT" : "SERV",
        .local_pwd = client ? "clientPasswordOf24chars+" : "serverPassword+24+chars+",
        .remote_ufrag = client ? "SERV" : "CLNT",
        .remote_pwd = client ? "serverPassword+24+chars+" : "clientPasswordOf24chars+",
        .dtls_ctx = w.ctx[client],
        .rng = &w.rng};

    memcpy(cfg.remote_sha256, tg_dtls_ctx_fingerprint(w.ctx[!client]), TG_FINGERPRINT_LEN);
    return cfg;
}

static int setup(void **state)
{
    struct tg_peer_cfg server;
    struct tg_peer_cfg client;

    (void)state;
    memset(&w, 0, sizeof(w));
    w.rng = tg_rng_seeded(3);
    assert_int_equal(tg_dtls_ctx_new(&w.ctx[0]), TG_OK);
    assert_int_equal(tg_dtls_ctx_new(&w.ctx[1]), TG_OK);
    server = cfg_of(false);
    client = cfg_of(true);
    assert_int_equal(tg_peer_new(&w.server.peer, &server, T0), TG_OK);
    assert_int_equal(tg_peer_new(&w.client.peer, &client, T0), TG_OK);
    w.server.addr = tg_addr_v4(10, 0, 0, 1, 8189);
    w.client.addr = tg_addr_v4(10, 0, 0, 2, 5000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_peer_free(w.server.peer);
    tg_peer_free(w.client.peer);
    tg_dtls_ctx_free(w.ctx[0]);
    tg_dtls_ctx_free(w.ctx[1]);
    return 0;
}

static void put_on_wire(struct side *from, struct side *to, struct tg_span bytes)
{
    const bool lost = w.sent < 64 && (w.drops >> w.sent & 1) != 0;
    struct datagram *d = &w.wire[w.wire_count];

    w.sent++;
    if (lost)
        return;
    assert_true(w.wire_count < WIRE_MAX);
    d->to = to;
    d->from = from->addr;
    d->len = bytes.len;
    memcpy(d->bytes, bytes.data, bytes.len);
    w.wire_count++;
}

static void drain(struct side *s)
{
    struct tg_peer_out out;
    struct side *other = s == &w.server ? &w.client : &w.server;

    while (tg_peer_poll(s->peer, &out)) {
        switch (out.kind) {
        case TG_PEER_OUT_SEND:
            put_on_wire(s, other, out.bytes);
            break;
        case TG_PEER_OUT_CONNECTED:
            s->connected++;
            break;
        case TG_PEER_OUT_MOVED:
            s->moved++;
            break;
        case TG_PEER_OUT_RTP:
        case TG_PEER_OUT_RTCP:
            s->rtp += out.kind == TG_PEER_OUT_RTP ? 1 : 0;
            s->rtcp += out.kind == TG_PEER_OUT_RTCP ? 1 : 0;
            s->last_len = out.bytes.len;
            memcpy(s->last, out.bytes.data, out.bytes.len);
            break;
        case TG_PEER_OUT_CLOSED:
            s->closed++;
            s->reason = out.reason;
            break;
        case TG_PEER_OUT_RETIRED:
            s->retired++;
            break;
        case TG_PEER_OUT_ADDR:
        case TG_PEER_OUT_ADDR_OFF:
            break;
        }
    }
}

/* Until both are silent. */
static void pump(tg_us now)
{
    drain(&w.server);
    drain(&w.client);
    while (w.wire_count > 0) {
        struct datagram d = w.wire[0];

        w.wire_count--;
        memmove(w.wire, w.wire + 1, w.wire_count * sizeof(w.wire[0]));
        (void)tg_peer_input(d.to->peer, now, &d.from, d.bytes, d.len);
        drain(d.to);
    }
}

static void tick(tg_us now)
{
    tg_peer_tick(w.server.peer, now);
    drain(&w.server);
    tg_peer_tick(w.client.peer, now);
    pump(now);
}

static void connect_both(tg_us now)
{
    tg_peer_connect(w.client.peer, now, &w.server.addr);
    pump(now);
}

static const uint8_t plain_rtp[] = {0x80, 0x60, 0x00, 0x01, 0, 0, 0, 9, 0, 0, 0x11, 0x11, 'h', 'i'};

static size_t protect_rtp(struct side *s, uint8_t *out, size_t cap)
{
    const struct tg_srtp_plain in = {.header = tg_span(plain_rtp, 12),
                                     .payload = tg_span(plain_rtp + 12, 2)};
    size_t len = 0;

    assert_int_equal(tg_srtp_tx_protect(tg_peer_tx(s->peer), &in, out, cap, &len), TG_OK);
    return len;
}

static void test_peer_both_connect_and_media_passes(void **state)
{
    static uint32_t rr[16] = {0};
    uint8_t *rtcp = (uint8_t *)rr;
    uint8_t bytes[256];
    size_t len;

    (void)state;
    assert_null(tg_peer_tx(w.server.peer));
    assert_null(tg_peer_remote(w.server.peer));
    connect_both(T0);
    assert_int_equal(w.server.connected, 1);
    assert_int_equal(w.client.connected, 1);
    assert_int_equal(w.server.moved, 1);
    assert_true(tg_addr_equal(tg_peer_remote(w.server.peer), &w.client.addr));
    len = protect_rtp(&w.server, bytes, sizeof(bytes));
    assert_int_equal(tg_peer_input(w.client.peer, T0, &w.server.addr, bytes, len), TG_OK);
    drain(&w.client);
    assert_int_equal(w.client.rtp, 1);
    assert_int_equal(w.client.last_len, sizeof(plain_rtp));
    assert_memory_equal(w.client.last, plain_rtp, sizeof(plain_rtp));
    memcpy(rtcp, "\x80\xc9\x00\x01\x00\x00\x00\x07", 8);
    assert_int_equal(tg_srtp_tx_protect_rtcp(tg_peer_tx(w.client.peer), rtcp, 8, sizeof(rr), &len),
                     TG_OK);
    assert_int_equal(tg_peer_input(w.server.peer, T0, &w.client.addr, rtcp, len), TG_OK);
    drain(&w.server);
    assert_int_equal(w.server.rtcp, 1);
    assert_int_equal(w.server.last_len, 8);
}

/* A viewer's session: RTP is refused before any key is touched, RTCP goes both ways. */
static void test_peer_that_does_not_receive_takes_rtcp_only(void **state)
{
    struct tg_peer_cfg server = cfg_of(false);
    uint8_t bytes[256] = {0};
    uint8_t before[256];
    size_t len;

    (void)state;
    tg_peer_free(w.server.peer);
    server.receives = false;
    assert_int_equal(tg_peer_new(&w.server.peer, &server, T0), TG_OK);
    connect_both(T0);
    assert_null(tg_peer_srtp(w.server.peer));
    assert_non_null(tg_peer_srtp(w.client.peer));
    len = protect_rtp(&w.client, bytes, sizeof(bytes));
    memcpy(before, bytes, len);
    assert_int_equal(tg_peer_input(w.server.peer, T0, &w.client.addr, bytes, len),
                     TG_ERR_UNSUPPORTED);
    assert_memory_equal(bytes, before, len);
    drain(&w.server);
    assert_int_equal(w.server.rtp, 0);
    for (int to_server = 0; to_server < 2; to_server++) {
        struct side *from = to_server ? &w.client : &w.server;
        struct side *to = to_server ? &w.server : &w.client;

        memcpy(bytes, "\x80\xc9\x00\x01\x00\x00\x00\x07", 8);
        assert_int_equal(
            tg_srtp_tx_protect_rtcp(tg_peer_tx(from->peer), bytes, 8, sizeof(bytes), &len), TG_OK);
        memcpy(before, bytes, len);
        assert_int_equal(tg_peer_input(to->peer, T0, &from->addr, bytes, len), TG_OK);
        drain(to);
        assert_int_equal(to->rtcp, 1);
        assert_int_equal(tg_peer_input(to->peer, T0, &from->addr, before, len), TG_ERR_CONFLICT);
    }
}

static const char after_spwd[] = "serverPasswordAfterwards";
static const char after_cpwd[] = "clientPasswordAfterwards";

static void restart_both(tg_us now)
{
    const struct tg_ice_creds server = {.local_ufrag = "SRV2",
                                        .local_pwd = after_spwd,
                                        .remote_ufrag = "CLN2",
                                        .remote_pwd = after_cpwd};
    const struct tg_ice_creds client = {.local_ufrag = "CLN2",
                                        .local_pwd = after_cpwd,
                                        .remote_ufrag = "SRV2",
                                        .remote_pwd = after_spwd};

    assert_int_equal(tg_peer_restart(w.server.peer, now, &server), TG_OK);
    drain(&w.server);
    assert_int_equal(tg_peer_restart(w.client.peer, now, &client), TG_OK);
    drain(&w.client);
}

static tg_err server_hears(tg_us now, const struct tg_addr *from)
{
    uint8_t bytes[256];
    const size_t len = protect_rtp(&w.client, bytes, sizeof(bytes));
    const tg_err err = tg_peer_input(w.server.peer, now, from, bytes, len);

    drain(&w.server);
    return err;
}

/* A new network: the keys stay, the server moves to where the new credentials were proved. */
static void test_peer_restart_moves_and_keeps_the_keys(void **state)
{
    const tg_us later = T0 + 10 * TG_US_PER_S;
    const struct tg_addr before = w.client.addr;

    (void)state;
    connect_both(T0);
    w.client.addr = tg_addr_v4(10, 0, 0, 3, 6000);
    restart_both(later);
    assert_true(tg_addr_equal(tg_peer_remote(w.server.peer), &before));
    pump(later);
    assert_true(tg_addr_equal(tg_peer_remote(w.server.peer), &w.client.addr));
    assert_int_equal(server_hears(later, &w.client.addr), TG_OK);
    assert_int_equal(w.server.rtp, 1);
    assert_int_equal(w.server.moved, 2);
    assert_int_equal(w.server.retired, 1);
    assert_int_equal(w.client.retired, 1);
    assert_int_equal(w.server.connected + w.client.connected, 2); /* no second handshake */
    assert_int_equal(w.server.closed + w.client.closed, 0);
}

static void test_peer_restart_nobody_takes_up_leaves_media_as_it_was(void **state)
{
    (void)state;
    connect_both(T0);
    w.drops = ~0ull; /* no new check arrives */
    restart_both(T0 + TG_US_PER_S);
    pump(T0 + TG_US_PER_S);
    assert_int_equal(server_hears(T0 + TG_US_PER_S, &w.client.addr), TG_OK);
    tg_peer_tick(w.server.peer, T0 + TG_US_PER_S + TG_ICE_RESTART_US - 1);
    drain(&w.server);
    assert_true(tg_peer_connected(w.server.peer));
    assert_int_equal(w.server.retired, 0);
    tg_peer_tick(w.server.peer, T0 + TG_US_PER_S + TG_ICE_RESTART_US);
    drain(&w.server);
    assert_int_equal(w.server.closed, 1); /* consent was re-armed by the restart, once */
    assert_int_equal(w.server.reason, TG_PEER_CONSENT);
}

static void test_peer_restart_with_bad_credentials_or_closed_is_refused(void **state)
{
    struct tg_ice_creds creds = {.local_ufrag = "SRV2",
                                 .local_pwd = after_spwd,
                                 .remote_ufrag = "CLN2",
                                 .remote_pwd = "short"};

    (void)state;
    connect_both(T0);
    assert_int_equal(tg_peer_restart(w.server.peer, T0, &creds), TG_ERR_LIMIT);
    assert_int_equal(server_hears(T0, &w.client.addr), TG_OK);
    creds.remote_pwd = after_cpwd;
    tg_peer_close(w.server.peer, T0);
    assert_int_equal(tg_peer_restart(w.server.peer, T0, &creds), TG_ERR_CLOSED);
    drain(&w.server);
}

static void test_peer_waits_as_long_as_its_consent_time(void **state)
{
    struct tg_peer_cfg cfg = cfg_of(false);

    (void)state;
    tg_peer_free(w.server.peer);
    cfg.consent_us = 70 * TG_US_PER_S;
    assert_int_equal(tg_peer_new(&w.server.peer, &cfg, T0), TG_OK);
    connect_both(T0);
    tg_peer_tick(w.server.peer, T0 + 70 * TG_US_PER_S - 1);
    drain(&w.server);
    assert_int_equal(w.server.closed, 0);
    tg_peer_tick(w.server.peer, T0 + 70 * TG_US_PER_S);
    drain(&w.server);
    assert_int_equal(w.server.closed, 1);
}

static void test_peer_replayed_forged_and_stray_packets_are_refused(void **state)
{
    uint8_t bytes[256];
    uint8_t copy[256];
    const struct tg_addr stranger = tg_addr_v4(6, 6, 6, 6, 6);
    size_t len;

    (void)state;
    connect_both(T0);
    len = protect_rtp(&w.server, bytes, sizeof(bytes));
    memcpy(copy, bytes, len);
    copy[13] ^= 1;
    assert_int_equal(tg_peer_input(w.client.peer, T0, &w.server.addr, copy, len), TG_ERR_AUTH);
    memcpy(copy, bytes, len);
    assert_int_equal(tg_peer_input(w.client.peer, T0, &stranger, copy, len), TG_ERR_NOTFOUND);
    assert_int_equal(tg_peer_input(w.client.peer, T0, &w.server.addr, copy, len), TG_OK);
    drain(&w.client);
    memcpy(copy, bytes, len);
    assert_int_equal(tg_peer_input(w.client.peer, T0, &w.server.addr, copy, len), TG_ERR_CONFLICT);
    copy[0] = 0x7f;
    assert_int_equal(tg_peer_input(w.client.peer, T0, &w.server.addr, copy, len), TG_ERR_MALFORMED);
    drain(&w.client);
    assert_int_equal(w.client.rtp, 1);
}

static void test_peer_dtls_before_a_valid_check_is_dropped(void **state)
{
    uint8_t record[64] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 51};

    (void)state;
    assert_int_equal(tg_peer_input(w.server.peer, T0, &w.client.addr, record, sizeof(record)),
                     TG_ERR_NOTFOUND);
    drain(&w.server);
    assert_int_equal(w.sent, 0);
}

static void test_peer_without_a_check_ends_after_15_s(void **state)
{
    (void)state;
    assert_int_equal(tg_peer_deadline(w.server.peer, T0), T0 + TG_PEER_ICE_US);
    tg_peer_tick(w.server.peer, T0 + TG_PEER_ICE_US - 1);
    drain(&w.server);
    assert_int_equal(w.server.closed, 0);
    tg_peer_tick(w.server.peer, T0 + TG_PEER_ICE_US);
    drain(&w.server);
    assert_int_equal(w.server.closed, 1);
    assert_int_equal(w.server.reason, TG_PEER_ICE_TIMEOUT);
    assert_int_equal(tg_peer_deadline(w.server.peer, T0), TG_US_NEVER);
}

static void test_peer_that_never_finishes_dtls_ends_after_10_s(void **state)
{
    tg_us now = T0;

    (void)state;
    w.drops = ~UINT64_C(3); /* the check and its answer pass, nothing else */
    connect_both(now);
    w.drops = 0;
    assert_int_equal(w.server.moved, 1);
    for (; now < T0 + TG_PEER_DTLS_US; now += TG_US_PER_S) {
        tg_peer_tick(w.server.peer, now);
        drain(&w.server);
        assert_int_equal(w.server.closed, 0);
    }
    tg_peer_tick(w.server.peer, now);
    drain(&w.server);
    assert_int_equal(w.server.reason, TG_PEER_DTLS_TIMEOUT);
    assert_int_equal(w.server.closed, 1);
}

static void test_peer_wrong_fingerprint_fails_the_handshake(void **state)
{
    struct tg_peer_cfg cfg = cfg_of(false);

    (void)state;
    tg_peer_free(w.server.peer);
    cfg.remote_sha256[5] ^= 1;
    assert_int_equal(tg_peer_new(&w.server.peer, &cfg, T0), TG_OK);
    connect_both(T0);
    assert_int_equal(w.server.connected, 0);
    assert_int_equal(w.server.reason, TG_PEER_DTLS_FAILED);
    assert_null(tg_peer_tx(w.server.peer));
}

static void test_peer_close_is_told_to_the_other(void **state)
{
    (void)state;
    connect_both(T0);
    tg_peer_close(w.client.peer, T0);
    pump(T0);
    assert_int_equal(w.client.reason, TG_PEER_LOCAL_CLOSED);
    assert_int_equal(w.server.reason, TG_PEER_REMOTE_CLOSED);
    assert_int_equal(w.server.closed, 1);
    tg_peer_close(w.client.peer, T0);
    pump(T0);
    assert_int_equal(w.client.closed, 1);
}

static void test_peer_stays_while_checked_and_ends_without_consent(void **state)
{
    tg_us now = T0;

    (void)state;
    connect_both(now);
    for (; now < T0 + 120 * (tg_us)TG_US_PER_S; now += TG_US_PER_S)
        tick(now);
    assert_int_equal(w.server.closed + w.client.closed, 0);
    for (tg_us end = now + 31 * TG_US_PER_S; now < end; now += TG_US_PER_S) {
        tg_peer_tick(w.server.peer, now);
        drain(&w.server);
        w.wire_count = 0;
    }
    assert_int_equal(w.server.reason, TG_PEER_CONSENT);
}

static void test_peer_follows_the_client_to_a_new_address(void **state)
{
    const struct tg_addr old = w.client.addr;

    (void)state;
    connect_both(T0);
    w.client.addr = tg_addr_v4(172, 16, 0, 9, 7777);
    /* Media alone does not move it. */
    uint8_t bytes[256];
    const size_t len = protect_rtp(&w.client, bytes, sizeof(bytes));
    assert_int_equal(tg_peer_input(w.server.peer, T0, &w.client.addr, bytes, len), TG_ERR_NOTFOUND);
    drain(&w.server);
    assert_true(tg_addr_equal(tg_peer_remote(w.server.peer), &old));
    tick(T0 + 3 * TG_US_PER_S); /* the client's keepalive check, the server's own, its answer */
    assert_int_equal(w.server.moved, 2);
    assert_true(tg_addr_equal(tg_peer_remote(w.server.peer), &w.client.addr));
}

/* Real time: wait for what the peers wait for. */
static void run_real(tg_us patience)
{
    const tg_us end = tg_clock_mono() + patience;
    tg_us now = tg_clock_mono();

    while (now < end && (w.server.connected == 0 || w.client.connected == 0)) {
        const tg_us a = tg_peer_deadline(w.server.peer, now);
        const tg_us b = tg_peer_deadline(w.client.peer, now);
        const tg_us wait = TG_MIN(TG_MIN(a, b), end) - now;

        if (wait > 0)
            (void)poll(NULL, 0, (int)(wait / TG_US_PER_MS) + 1);
        now = tg_clock_mono();
        tick(now);
    }
}

static void test_peer_connects_whatever_single_datagram_is_lost(void **state)
{
    for (unsigned n = 0; n < 10; n++) {
        const tg_us now = tg_clock_mono();
        struct tg_peer_cfg server;
        struct tg_peer_cfg client;

        teardown(state);
        setup(state);
        server = cfg_of(false);
        client = cfg_of(true);
        tg_peer_free(w.server.peer);
        tg_peer_free(w.client.peer);
        assert_int_equal(tg_peer_new(&w.server.peer, &server, now), TG_OK);
        assert_int_equal(tg_peer_new(&w.client.peer, &client, now), TG_OK);
        w.drops = UINT64_C(1) << n;
        connect_both(now);
        run_real(5 * (tg_us)TG_US_PER_S);
        assert_int_equal(w.server.connected, 1);
        assert_int_equal(w.client.connected, 1);
    }
}

static void test_peer_new_without_memory_leaks_nothing(void **state)
{
    const struct tg_peer_cfg cfg = cfg_of(false);

    (void)state;
    for (long n = 0;; n++) {
        struct tg_peer *p = NULL;
        tg_err err;
        bool failed;

        tg_alloc_fail_nth(n);
        err = tg_peer_new(&p, &cfg, T0);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        tg_peer_free(p);
        if (!failed) {
            assert_int_equal(err, TG_OK);
            assert_true(n > 0);
            break;
        }
        assert_int_equal(err, TG_ERR_NOMEM);
        assert_null(p);
    }
}

static void test_peer_classify_by_first_bytes(void **state)
{
    static const struct {
        uint8_t bytes[2];
        enum tg_peer_class class;
    } rows[] = {{{0, 1}, TG_PEER_STUN},     {{3, 0}, TG_PEER_STUN},     {{4, 0}, TG_PEER_JUNK},
                {{19, 0}, TG_PEER_JUNK},    {{20, 0}, TG_PEER_DTLS},    {{63, 0}, TG_PEER_DTLS},
                {{64, 0}, TG_PEER_JUNK},    {{128, 96}, TG_PEER_RTP},   {{128, 63}, TG_PEER_RTP},
                {{128, 200}, TG_PEER_RTCP}, {{191, 192}, TG_PEER_RTCP}, {{191, 223}, TG_PEER_RTCP},
                {{128, 0xe0}, TG_PEER_RTP}, {{192, 96}, TG_PEER_JUNK},  {{255, 96}, TG_PEER_JUNK}};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++)
        assert_int_equal(tg_peer_classify(rows[i].bytes, 2), rows[i].class);
    assert_int_equal(tg_peer_classify(rows[0].bytes, 1), TG_PEER_JUNK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_peer_both_connect_and_media_passes),
        CASE(test_peer_that_does_not_receive_takes_rtcp_only),
        CASE(test_peer_restart_moves_and_keeps_the_keys),
        CASE(test_peer_restart_nobody_takes_up_leaves_media_as_it_was),
        CASE(test_peer_restart_with_bad_credentials_or_closed_is_refused),
        CASE(test_peer_waits_as_long_as_its_consent_time),
        CASE(test_peer_replayed_forged_and_stray_packets_are_refused),
        CASE(test_peer_dtls_before_a_valid_check_is_dropped),
        CASE(test_peer_without_a_check_ends_after_15_s),
        CASE(test_peer_that_never_finishes_dtls_ends_after_10_s),
        CASE(test_peer_wrong_fingerprint_fails_the_handshake),
        CASE(test_peer_close_is_told_to_the_other),
        CASE(test_peer_stays_while_checked_and_ends_without_consent),
        CASE(test_peer_follows_the_client_to_a_new_address),
        CASE(test_peer_connects_whatever_single_datagram_is_lost),
        CASE(test_peer_new_without_memory_leaks_nothing),
        CASE(test_peer_classify_by_first_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
