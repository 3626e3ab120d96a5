/*
 * test_net.c - loop, UDP batches, TCP and the rtc worker, over loopback sockets on free ports.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "base/thread.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/rtc_worker.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "proto/sdp_whip.h"

enum { PATIENCE_MS = 5000 };

static const struct tg_addr localhost = {
    .ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};

/* --- loop ------------------------------------------------------------------------------------- */

struct ticker {
    struct tg_loop *loop;
    struct tg_timer a;
    struct tg_timer b;
    char order[8];
    unsigned turns;
};

static void on_b(void *ctx, tg_us now)
{
    struct ticker *t = ctx;

    (void)now;
    strncat(t->order, "b", 2);
    tg_loop_stop(t->loop);
}

static void on_a(void *ctx, tg_us now)
{
    struct ticker *t = ctx;

    strncat(t->order, "a", 2);
    if (strlen(t->order) < 3)
        assert_int_equal(tg_loop_timer_set(t->loop, &t->a, now + 1000, on_a, t), TG_OK);
}

static void count_turn(void *ctx, tg_us now)
{
    struct ticker *t = ctx;

    (void)now;
    t->turns++;
}

static void test_loop_runs_timers_in_order_and_stops(void **state)
{
    struct ticker t = {0};
    const tg_us now = tg_clock_mono();

    (void)state;
    assert_int_equal(tg_loop_new(&t.loop), TG_OK);
    tg_loop_turn(t.loop, count_turn, &t);
    assert_int_equal(tg_loop_timer_set(t.loop, &t.b, now + 200 * TG_US_PER_MS, on_b, &t), TG_OK);
    assert_int_equal(tg_loop_timer_set(t.loop, &t.a, now + 1000, on_a, &t), TG_OK);
    tg_loop_run(t.loop);
    assert_string_equal(t.order, "aaab");
    assert_true(t.turns >= 2 && t.turns < 50); /* it waits, it does not spin */
    tg_loop_free(t.loop);
}

struct waker {
    struct tg_loop *loop;
    atomic_uint posted;
    unsigned seen;
};

static void wake_often(void *ctx)
{
    struct waker *k = ctx;

    for (int i = 0; i < 20000; i++) {
        (void)atomic_fetch_add(&k->posted, 1);
        tg_loop_wake(k->loop);
    }
}

static void on_waked_turn(void *ctx, tg_us now)
{
    struct waker *k = ctx;

    (void)now;
    k->seen = atomic_load(&k->posted);
    if (k->seen == 20000)
        tg_loop_stop(k->loop);
}

/* A lost wake would leave the loop asleep for ever: the test would time out. */
static void test_loop_wake_from_another_thread_is_never_lost(void **state)
{
    struct waker k = {0};
    struct tg_thread *thread = NULL;

    (void)state;
    assert_int_equal(tg_loop_new(&k.loop), TG_OK);
    tg_loop_turn(k.loop, on_waked_turn, &k);
    assert_int_equal(tg_thread_start(&thread, "waker", wake_often, &k), TG_OK);
    tg_loop_run(k.loop);
    tg_thread_join(thread);
    assert_int_equal(k.seen, 20000);
    tg_loop_free(k.loop);
}

struct pair {
    struct tg_loop *loop;
    struct tg_watch watch[2];
    unsigned calls;
};

static void unwatch_both(void *ctx, uint32_t events, tg_us now)
{
    struct pair *p = ctx;

    (void)events;
    (void)now;
    p->calls++;
    tg_loop_unwatch(p->loop, &p->watch[0]);
    tg_loop_unwatch(p->loop, &p->watch[1]);
}

static void test_loop_unwatch_within_a_turn_silences_pending_events(void **state)
{
    struct pair p = {0};
    int a[2];
    int b[2];

    (void)state;
    assert_int_equal(tg_loop_new(&p.loop), TG_OK);
    assert_int_equal(pipe(a) + pipe(b), 0);
    assert_int_equal(tg_loop_watch(p.loop, &p.watch[0], a[0], EPOLLIN, unwatch_both, &p), TG_OK);
    assert_int_equal(tg_loop_watch(p.loop, &p.watch[1], b[0], EPOLLIN, unwatch_both, &p), TG_OK);
    assert_int_equal(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
    tg_loop_once(p.loop, 0);
    tg_loop_once(p.loop, 0);
    assert_int_equal(p.calls, 1);
    for (int i = 0; i < 2; i++)
        (void)(close(a[i]) + close(b[i]));
    tg_loop_free(p.loop);
}

/* --- UDP -------------------------------------------------------------------------------------- */

static struct tg_udp *udp_on(struct tg_addr at)
{
    struct tg_udp *u = NULL;

    assert_int_equal(tg_udp_new(&u, &at), TG_OK);
    return u;
}

/* Waits for at least one datagram. */
static size_t receive(struct tg_udp *u, const struct tg_udp_packet **packets)
{
    struct pollfd p = {.fd = tg_udp_fd(u), .events = POLLIN};

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    return tg_udp_receive(u, packets);
}

static void commit(struct tg_udp *u, const struct tg_addr *to, uint8_t fill, size_t len)
{
    uint8_t *out = tg_udp_reserve(u, len);

    assert_non_null(out);
    memset(out, fill, len);
    tg_udp_commit(u, to, len);
}

/* Runs of 1200 with a shorter end, other sizes and another destination between. */
static void send_mixed(struct tg_udp *u, const struct tg_addr *to, const struct tg_addr *other)
{
    for (uint8_t i = 0; i < 10; i++)
        commit(u, to, i, 1200);
    commit(u, to, 10, 300);
    commit(u, to, 11, 1200);
    commit(u, other, 99, 1200);
    commit(u, to, 12, 100);
    commit(u, to, 13, 1300);
    assert_true(tg_udp_flush(u));
}

static void expect_mixed(struct tg_udp *rx)
{
    static const size_t sizes[] = {1200, 1200, 1200, 1200, 1200, 1200, 1200,
                                   1200, 1200, 1200, 300,  1200, 100,  1300};
    size_t at = 0;

    while (at < TG_ARRAY_LEN(sizes)) {
        const struct tg_udp_packet *packets;
        const size_t n = receive(rx, &packets);

        for (size_t i = 0; i < n; i++, at++) {
            assert_true(at < TG_ARRAY_LEN(sizes));
            assert_int_equal(packets[i].len, sizes[at]);
            assert_int_equal(packets[i].bytes[0], at);
            assert_int_equal(packets[i].bytes[packets[i].len - 1], at);
        }
    }
}

static void test_udp_runs_arrive_as_single_datagrams(void **state)
{
    struct tg_udp *tx = udp_on(localhost);
    struct tg_udp *rx = udp_on(localhost);
    struct tg_udp *other = udp_on(localhost);
    const struct tg_addr to = tg_udp_addr(rx);
    const struct tg_addr elsewhere = tg_udp_addr(other);
    const struct tg_udp_packet *packets;
    uint64_t calls;

    (void)state;
    send_mixed(tx, &to, &elsewhere);
    expect_mixed(rx);
    assert_int_equal(receive(other, &packets), 1);
    assert_int_equal(packets[0].bytes[5], 99);
    calls = tg_udp_stats(tx)->calls_out;
    if (tg_udp_stats(tx)->segments)
        assert_int_equal(calls, 5); /* 10+1 | 1 | other | 1 | 1 */
    assert_int_equal(tg_udp_stats(tx)->packets_out, 15);
    /* Refused segmentation: the same, one by one. */
    tg_udp_disable_segments(tx);
    send_mixed(tx, &to, &elsewhere);
    expect_mixed(rx);
    assert_int_equal(tg_udp_stats(tx)->calls_out, calls + 15);
    tg_udp_free(tx);
    tg_udp_free(rx);
    tg_udp_free(other);
}

static void test_udp_long_run_is_cut_at_the_kernels_bounds(void **state)
{
    struct tg_udp *tx = udp_on(localhost);
    struct tg_udp *rx = udp_on(localhost);
    const struct tg_addr to = tg_udp_addr(rx);
    size_t got = 0;

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 130; i++)
            commit(tx, &to, (uint8_t)i, round == 1 ? 1200 : 60);
        assert_true(tg_udp_flush(tx));
        for (got = 0; got < 130;) {
            const struct tg_udp_packet *packets;
            const size_t n = receive(rx, &packets);

            for (size_t i = 0; i < n; i++)
                assert_int_equal(packets[i].bytes[0], got + i);
            got += n;
        }
    }
    assert_int_equal(tg_udp_stats(tx)->dropped_out, 0);
    tg_udp_free(tx);
    tg_udp_free(rx);
}

static void test_udp_full_arena_drops_and_recovers(void **state)
{
    struct tg_udp *tx = udp_on(localhost);
    struct tg_udp *rx = udp_on(localhost);
    const struct tg_addr to = tg_udp_addr(rx);

    (void)state;
    /* More than the arena holds: it flushes by itself, nobody allocates, nothing breaks. */
    for (int i = 0; i < TG_UDP_ARENA / 1200 * 2; i++) {
        uint8_t *out = tg_udp_reserve(tx, 1200);

        if (out != NULL)
            tg_udp_commit(tx, &to, 1200);
    }
    (void)tg_udp_flush(tx);
    assert_true(tg_udp_stats(tx)->packets_out + tg_udp_stats(tx)->dropped_out >=
                (uint64_t)(TG_UDP_ARENA / 1200 * 2));
    tg_udp_free(tx);
    tg_udp_free(rx);
}

static void test_udp_unreachable_destination_is_dropped_not_retried(void **state)
{
    struct tg_udp *tx = udp_on(localhost);
    const struct tg_addr nowhere = tg_addr_v4(127, 0, 0, 1, 0);

    (void)state;
    for (int i = 0; i < 5; i++)
        commit(tx, &nowhere, 1, 200);
    assert_true(tg_udp_flush(tx));
    assert_int_equal(tg_udp_stats(tx)->dropped_out, 5);
    tg_udp_free(tx);
}

static void test_udp_oversize_is_dropped_and_counted(void **state)
{
    struct tg_udp *rx = udp_on(localhost);
    const struct tg_addr to = tg_udp_addr(rx);
    static uint8_t big[TG_UDP_PACKET_MAX + 1];
    struct sockaddr_storage sa;
    const socklen_t len = tg_addr_to_sockaddr(&sa, &to, false);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const struct tg_udp_packet *packets;

    (void)state;
    assert_int_equal(sendto(fd, big, sizeof(big), 0, (struct sockaddr *)&sa, len), sizeof(big));
    assert_int_equal(receive(rx, &packets), 0);
    assert_int_equal(tg_udp_stats(rx)->oversize_in, 1);
    assert_int_equal(sendto(fd, big, sizeof(big) - 1, 0, (struct sockaddr *)&sa, len),
                     sizeof(big) - 1);
    assert_int_equal(receive(rx, &packets), 1);
    (void)close(fd);
    tg_udp_free(rx);
}

/* Bound to every address: the answer must come from the one that was asked. */
static void test_udp_answers_leave_from_the_address_they_were_asked_at(void **state)
{
    struct tg_udp *server = udp_on((struct tg_addr){0});
    struct tg_udp *client = udp_on(localhost);
    const uint16_t port = tg_udp_addr(server).port;
    const struct tg_addr asked[] = {tg_addr_v4(127, 0, 0, 1, port), tg_addr_v4(127, 0, 0, 2, port),
                                    tg_addr_v4(127, 0, 0, 1, port)};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(asked); i++) {
        const struct tg_udp_packet *packets;

        assert_true(tg_udp_send(client, &asked[i], "ask", 3));
        assert_true(tg_udp_flush(client));
        assert_int_equal(receive(server, &packets), 1);
        assert_true(packets[0].from.via != 0);
        /* A segmented run carries both control messages. */
        const struct tg_addr from = packets[0].from;
        commit(server, &from, 1, 500);
        commit(server, &from, 2, 500);
        assert_true(tg_udp_flush(server));
        assert_true(receive(client, &packets) >= 1);
        assert_true(tg_addr_equal(&packets[0].from, &asked[i]));
        (void)tg_udp_receive(client, &packets);
    }
    assert_int_equal(tg_udp_stats(server)->dropped_out, 0);
    tg_udp_free(server);
    tg_udp_free(client);
}

static void test_udp_port_in_use_is_an_error(void **state)
{
    struct tg_udp *a = udp_on(localhost);
    const struct tg_addr same = tg_udp_addr(a);
    struct tg_udp *b = NULL;

    (void)state;
    assert_int_equal(tg_udp_new(&b, &same), TG_ERR_IO);
    assert_null(b);
    tg_udp_free(a);
}

static void test_addr_parse_and_kinds(void **state)
{
    struct tg_addr a;

    (void)state;
    assert_int_equal(tg_addr_parse(&a, "192.0.2.1", 9, 5), TG_OK);
    assert_true(tg_addr_is_v4(&a) && !tg_addr_is_any(&a) && !tg_addr_is_loopback(&a));
    assert_int_equal(tg_addr_parse(&a, "::1", 3, 5), TG_OK);
    assert_true(tg_addr_is_loopback(&a) && !tg_addr_is_v4(&a));
    assert_int_equal(tg_addr_parse(&a, "0.0.0.0", 7, 5), TG_OK);
    assert_true(tg_addr_is_any(&a));
    assert_int_equal(tg_addr_parse(&a, "example.org", 11, 5), TG_ERR_MALFORMED);
    assert_int_equal(tg_addr_parse(&a, "", 0, 5), TG_ERR_MALFORMED);
}

/* --- TCP -------------------------------------------------------------------------------------- */

struct tcp_side {
    struct tg_loop *loop;
    struct tg_tcp *conn;
    size_t got;
    uint32_t sum;
    bool echo;
    bool closed;
    bool free_on_data;
    size_t out_max;
    tg_err why;
};

static void on_tcp_data(void *ctx, const uint8_t *bytes, size_t len, tg_us now)
{
    struct tcp_side *s = ctx;

    (void)now;
    s->got += len;
    for (size_t i = 0; i < len; i++)
        s->sum += bytes[i];
    if (s->echo)
        assert_int_equal(tg_tcp_send(s->conn, bytes, len), TG_OK);
    if (s->free_on_data) {
        tg_tcp_free(s->conn);
        s->conn = NULL;
    }
}

static void on_tcp_closed(void *ctx, tg_err why, tg_us now)
{
    struct tcp_side *s = ctx;

    (void)now;
    assert_false(s->closed);
    s->closed = true;
    s->why = why;
    tg_tcp_free(s->conn); /* inside its own callback */
    s->conn = NULL;
}

static void open_side(struct tcp_side *s, int fd)
{
    const struct tg_tcp_cfg cfg = {
        .on_data = on_tcp_data, .on_closed = on_tcp_closed, .ctx = s, .out_max = s->out_max};

    assert_int_equal(tg_tcp_new(&s->conn, s->loop, fd, &cfg), TG_OK);
}

static void on_accept(void *ctx, int fd, const struct tg_addr *from, tg_us now)
{
    (void)now;
    assert_true(tg_addr_is_loopback(from));
    open_side(ctx, fd);
}

struct tcp_world {
    struct tg_loop *loop;
    struct tg_tcp_listener *listener;
    struct tcp_side server;
    struct tcp_side client;
};

static void tcp_open(struct tcp_world *t, size_t server_out, size_t client_out)
{
    struct sockaddr_storage sa;
    struct tg_addr at;
    socklen_t len;
    int fd;

    memset(t, 0, sizeof(*t));
    assert_int_equal(tg_loop_new(&t->loop), TG_OK);
    t->server = (struct tcp_side){.loop = t->loop, .out_max = server_out};
    t->client = (struct tcp_side){.loop = t->loop, .out_max = client_out};
    assert_int_equal(tg_tcp_listen(&t->listener, t->loop, &localhost, on_accept, &t->server),
                     TG_OK);
    at = tg_tcp_listener_addr(t->listener);
    len = tg_addr_to_sockaddr(&sa, &at, false);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    open_side(&t->client, fd);
    while (t->server.conn == NULL)
        tg_loop_once(t->loop, PATIENCE_MS * TG_US_PER_MS);
}

static void tcp_close(struct tcp_world *t)
{
    tg_tcp_free(t->server.conn);
    tg_tcp_free(t->client.conn);
    tg_tcp_listener_free(t->listener);
    tg_loop_free(t->loop);
}

static void test_tcp_echo_of_more_than_the_socket_buffers(void **state)
{
    static uint8_t bytes[1 << 20];
    struct tcp_world t;
    uint32_t sum = 0;

    (void)state;
    tcp_open(&t, 16 << 20, 16 << 20);
    t.server.echo = true;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
        sum += bytes[i];
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(tg_tcp_send(t.client.conn, bytes, sizeof(bytes)), TG_OK);
    while (t.client.got < 8 * sizeof(bytes))
        tg_loop_once(t.loop, PATIENCE_MS * TG_US_PER_MS);
    assert_int_equal(t.client.got, 8 * sizeof(bytes));
    assert_int_equal(t.client.sum, sum * 8);
    tcp_close(&t);
}

static void test_tcp_queue_out_is_bounded(void **state)
{
    static uint8_t bytes[65536];
    struct tcp_world t;
    tg_err err = TG_OK;
    size_t sent = 0;

    (void)state;
    tcp_open(&t, 1, 1 << 20);
    while (err == TG_OK && sent < (64 << 20)) { /* nobody reads */
        err = tg_tcp_send(t.client.conn, bytes, sizeof(bytes));
        sent += sizeof(bytes);
    }
    assert_int_equal(err, TG_ERR_LIMIT);
    assert_true(tg_tcp_queued(t.client.conn) <= 1 << 20);
    tcp_close(&t);
}

static void test_tcp_finish_sends_the_rest_then_closes(void **state)
{
    static uint8_t bytes[1 << 20];
    struct tcp_world t;

    (void)state;
    tcp_open(&t, 1, 16 << 20);
    for (int i = 0; i < 8; i++)
        assert_int_equal(tg_tcp_send(t.client.conn, bytes, sizeof(bytes)), TG_OK);
    tg_tcp_finish(t.client.conn, tg_clock_mono(), 5 * (tg_us)TG_US_PER_S);
    assert_int_equal(tg_tcp_send(t.client.conn, bytes, 1), TG_ERR_CLOSED);
    while (!t.server.closed || !t.client.closed)
        tg_loop_once(t.loop, PATIENCE_MS * TG_US_PER_MS);
    assert_int_equal(t.server.got, 8 * sizeof(bytes));
    assert_int_equal(t.client.why, TG_OK);
    assert_int_equal(t.server.why, TG_ERR_CLOSED);
    tcp_close(&t);
}

static void test_tcp_finish_gives_up_on_a_peer_that_does_not_read(void **state)
{
    static uint8_t bytes[1 << 20];
    struct tcp_side s = {.out_max = 32 << 20};
    int fds[2];

    (void)state;
    assert_int_equal(tg_loop_new(&s.loop), TG_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    open_side(&s, fds[0]);
    for (int i = 0; i < 16; i++)
        assert_int_equal(tg_tcp_send(s.conn, bytes, sizeof(bytes)), TG_OK);
    tg_tcp_finish(s.conn, tg_clock_mono(), 50 * TG_US_PER_MS);
    while (!s.closed)
        tg_loop_once(s.loop, PATIENCE_MS * TG_US_PER_MS);
    assert_int_equal(s.why, TG_ERR_TIMEOUT);
    (void)close(fds[1]);
    tg_loop_free(s.loop);
}

static void test_tcp_may_be_freed_in_on_data(void **state)
{
    struct tcp_world t;

    (void)state;
    tcp_open(&t, 100, 100);
    t.server.free_on_data = true;
    assert_int_equal(tg_tcp_send(t.client.conn, "x", 1), TG_OK);
    while (!t.client.closed)
        tg_loop_once(t.loop, PATIENCE_MS * TG_US_PER_MS);
    assert_int_equal(t.server.got, 1);
    tcp_close(&t);
}

/* --- the rtc worker --------------------------------------------------------------------------- */

/* A handler that accepts every offer and sends media back as it came. */
struct echo {
    struct tg_rtc_worker *w;
    const struct tg_rtc_handler *self;
    atomic_uint connected;
    atomic_uint closed;
    atomic_uint moved;
    atomic_uint turns;
    atomic_int reason;
    atomic_uint rehearsals;
    atomic_bool hold;    /* keeps the worker in its turn function */
    atomic_uint in_turn; /* connected since then */
    atomic_uint in_turn_max;
    bool stopped;
    tg_err start_err;
    tg_us consent_us; /* of the sessions that it opens */
    uint16_t show;
    bool publisher;
};

static tg_err echo_start(void *ctx, struct tg_rtc_worker *w)
{
    struct echo *e = ctx;

    e->w = w;
    return e->start_err;
}

static void echo_connected(void *ctx, struct tg_rtc_session *s, tg_us now)
{
    struct echo *e = ctx;

    (void)now;
    assert_true(s->remote.port != 0 && s->user == e);
    (void)atomic_fetch_add(&e->connected, 1);
    const unsigned in_turn = atomic_fetch_add(&e->in_turn, 1) + 1;

    if (in_turn > atomic_load(&e->in_turn_max))
        atomic_store(&e->in_turn_max, in_turn);
}

static void echo_moved(void *ctx, struct tg_rtc_session *s, tg_us now)
{
    struct echo *e = ctx;

    (void)s;
    (void)now;
    (void)atomic_fetch_add(&e->moved, 1);
}

static void echo_rtp(void *ctx, struct tg_rtc_session *s, struct tg_span packet, tg_us now)
{
    struct echo *e = ctx;
    const struct tg_srtp_plain in = {.header = tg_span(packet.data, 12),
                                     .payload = tg_span(packet.data + 12, packet.len - 12)};
    uint8_t *out = tg_rtc_reserve(e->w, s, packet.len + TG_SRTP_RTP_TRAILER);
    size_t len = 0;

    (void)now;
    assert_non_null(out);
    assert_int_equal(
        tg_srtp_tx_protect(tg_peer_tx(s->peer), &in, out, packet.len + TG_SRTP_RTP_TRAILER, &len),
        TG_OK);
    tg_rtc_commit(e->w, s, len);
    assert_true(tg_rtc_send_rtcp(e->w, s, (const uint8_t *)"\x80\xc9\0\1\0\0\0\7", 8));
}

static void echo_closed(void *ctx, struct tg_rtc_session *s, enum tg_peer_reason reason, tg_us now)
{
    struct echo *e = ctx;

    (void)s;
    (void)now;
    atomic_store(&e->reason, (int)reason);
    (void)atomic_fetch_add(&e->closed, 1);
}

static void echo_turn(void *ctx, tg_us now)
{
    struct echo *e = ctx;

    (void)now;
    (void)atomic_fetch_add(&e->turns, 1);
    atomic_store(&e->in_turn, 0);
    while (atomic_load(&e->hold))
        (void)poll(NULL, 0, 1);
}

static void echo_stop(void *ctx, tg_us now)
{
    struct echo *e = ctx;

    (void)now;
    e->stopped = true;
}

static bool echo_request(void *ctx, struct tg_rtc_req *req, tg_us now)
{
    static struct tg_sdp offer; /* the worker's thread only */
    struct echo *e = ctx;
    struct tg_sdp_whep pick;
    struct tg_sdp_local local = {
        .video_ssrc = 1, .rtx_ssrc = 2, .audio_ssrc = 3, .cname = "c", .stream_id = "s"};
    struct tg_rtc_session *s = NULL;
    struct tg_buf out;
    const char *reason = "";
    tg_err err;

    if (req->what == TG_RTC_REHEARSE)
        (void)atomic_fetch_add(&e->rehearsals, 1);
    if (req->what != TG_RTC_WHEP_OFFER)
        return false;
    err = tg_sdp_parse(&offer, (const char *)req->sdp->data, req->sdp->len, &reason);
    if (err == TG_OK)
        err = tg_sdp_whep_pick(&pick, &offer, &reason);
    if (err != TG_OK) {
        tg_rtc_reply(req, err, reason, NULL, NULL);
        return true;
    }
    const struct tg_rtc_open open = {.remote_ufrag = pick.ice_ufrag,
                                     .remote_pwd = pick.ice_pwd,
                                     .remote_sha256 = pick.fingerprint,
                                     .consent_us = e->consent_us,
                                     .show = e->show,
                                     .publisher = e->publisher,
                                     .receives = true,
                                     .user = e};
    assert_int_equal(tg_rtc_open(e->w, e->self, &open, now, &s), TG_OK);
    tg_rtc_local(e->w, s, &local);
    tg_buf_init(&out, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_answer(&out, &offer, &pick, &local), TG_OK);
    tg_rtc_reply(req, TG_OK, NULL, s, &out);
    tg_buf_done(&out);
    return true;
}

/* One viewer with its own socket and clock. */
struct viewer {
    struct tg_rng rng;
    struct tg_dtls_ctx *ctx;
    struct tg_peer *peer;
    struct tg_udp *udp;
    struct tg_mailbox *replies;
    char session[TG_RTC_SESSION_SIZE];
    char etag[32];
    uint16_t show; /* what its requests name */
    bool publisher;
    bool connected;
    bool retired;
    bool closed;
    unsigned rtp;
    unsigned rtcp;
};

struct worker_world {
    struct echo echo;
    struct tg_rtc_handler handler;
    struct tg_rtc_worker *w;
};

static tg_err start_world_at(struct worker_world *ww, const struct tg_addr *listen,
                             const struct tg_addr *advertise, size_t advertise_count)
{
    struct tg_rtc_worker_cfg cfg = {
        .index = 3, .listen = *listen, .advertise_count = advertise_count, .handler_count = 1};

    for (size_t i = 0; i < advertise_count; i++)
        cfg.advertise[i] = advertise[i];
    ww->handler = (struct tg_rtc_handler){.name = "echo",
                                          .ctx = &ww->echo,
                                          .on_start = echo_start,
                                          .on_request = echo_request,
                                          .on_connected = echo_connected,
                                          .on_moved = echo_moved,
                                          .on_rtp = echo_rtp,
                                          .on_closed = echo_closed,
                                          .on_turn = echo_turn,
                                          .on_stop = echo_stop};
    ww->echo.self = &ww->handler;
    cfg.handlers[0] = &ww->handler;
    return tg_rtc_worker_start(&ww->w, &cfg);
}

static tg_err start_world(struct worker_world *ww)
{
    return start_world_at(ww, &localhost, NULL, 0);
}

static struct tg_rtc_req *new_req(const struct viewer *v, enum tg_rtc_what what)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn.mb = v->replies;
    req->show = v->show;
    req->publisher = v->publisher;
    memcpy(req->session, v->session, sizeof(req->session));
    return req;
}

static struct tg_rtc_reply *ask(const struct worker_world *ww, struct viewer *v,
                                struct tg_rtc_req *req)
{
    void *reply = NULL;

    assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(ww->w), req), TG_OK);
    tg_mailbox_wait(v->replies, PATIENCE_MS * TG_US_PER_MS);
    assert_int_equal(tg_mailbox_take(v->replies, &reply, 1), 1);
    return reply;
}

/* at: its own address; it speaks to the candidate with that number. */
static void viewer_open_at(struct viewer *v, const struct worker_world *ww,
                           const struct tg_addr *at, uint8_t candidate)
{
    static struct tg_sdp answer;
    struct tg_sdp_local local = {.ice_ufrag = "VIEW", .ice_pwd = "viewerPasswordOf24chars+"};
    struct tg_rtc_req *req;
    struct tg_rtc_reply *reply;
    struct tg_peer_cfg cfg = {.client = true, .receives = true, .rng = &v->rng};
    struct tg_buf text;
    const char *reason = "";

    memset(v, 0, sizeof(*v));
    v->show = ww->echo.show;
    v->publisher = ww->echo.publisher;
    v->rng = tg_rng_os();
    v->udp = udp_on(*at);
    assert_int_equal(tg_mailbox_new(&v->replies, 4, tg_msg_free), TG_OK);
    assert_int_equal(tg_dtls_ctx_new(&v->ctx), TG_OK);
    memcpy(local.fingerprint, tg_dtls_ctx_fingerprint(v->ctx), sizeof(local.fingerprint));
    tg_buf_init(&text, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_offer(&text, &local), TG_OK);
    req = new_req(v, TG_RTC_WHEP_OFFER);
    req->sdp = tg_slab_copy(text.data, text.len);
    tg_buf_done(&text);
    reply = ask(ww, v, req);
    assert_int_equal(reply->err, TG_OK);
    assert_int_equal(strlen(reply->etag), 16);
    assert_memory_equal(reply->session, "3.", 2);
    memcpy(v->session, reply->session, sizeof(v->session));
    memcpy(v->etag, reply->etag, sizeof(v->etag));
    assert_int_equal(
        tg_sdp_parse(&answer, (const char *)reply->sdp->data, reply->sdp->len, &reason), TG_OK);
    cfg.local_ufrag = local.ice_ufrag;
    cfg.local_pwd = local.ice_pwd;
    cfg.remote_ufrag = answer.media[0].ice_ufrag;
    cfg.remote_pwd = answer.media[0].ice_pwd;
    cfg.dtls_ctx = v->ctx;
    memcpy(cfg.remote_sha256, answer.media[0].fingerprint, sizeof(cfg.remote_sha256));
    assert_int_equal(tg_peer_new(&v->peer, &cfg, tg_clock_mono()), TG_OK);
    assert_true(candidate < answer.media[0].candidate_count);
    tg_peer_connect(v->peer, tg_clock_mono(), &answer.media[0].candidates[candidate]);
    tg_msg_free(reply);
}

static void viewer_open(struct viewer *v, const struct worker_world *ww)
{
    viewer_open_at(v, ww, &localhost, 0);
}

static void viewer_drain(struct viewer *v)
{
    struct tg_peer_out out;

    while (tg_peer_poll(v->peer, &out)) {
        v->connected = v->connected || out.kind == TG_PEER_OUT_CONNECTED;
        v->retired = v->retired || out.kind == TG_PEER_OUT_RETIRED;
        v->closed = v->closed || out.kind == TG_PEER_OUT_CLOSED;
        v->rtp += out.kind == TG_PEER_OUT_RTP ? 1 : 0;
        v->rtcp += out.kind == TG_PEER_OUT_RTCP ? 1 : 0;
        if (out.kind == TG_PEER_OUT_SEND)
            (void)tg_udp_send(v->udp, &out.addr, out.bytes.data, out.bytes.len);
    }
    (void)tg_udp_flush(v->udp);
}

static void viewer_turn(struct viewer *v)
{
    struct pollfd p = {.fd = tg_udp_fd(v->udp), .events = POLLIN};
    const struct tg_udp_packet *packets;
    size_t n;

    viewer_drain(v);
    (void)poll(&p, 1, 20);
    n = tg_udp_receive(v->udp, &packets);
    for (size_t i = 0; i < n; i++) {
        (void)tg_peer_input(v->peer, tg_clock_mono(), &packets[i].from, packets[i].bytes,
                            packets[i].len);
        viewer_drain(v);
    }
    tg_peer_tick(v->peer, tg_clock_mono());
    viewer_drain(v);
}

static void viewer_until(struct viewer *v, const bool *flag)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;

    while (!*flag && tg_clock_mono() < end)
        viewer_turn(v);
    assert_true(*flag);
}

static void viewer_free(struct viewer *v)
{
    tg_peer_free(v->peer);
    tg_dtls_ctx_free(v->ctx);
    tg_udp_free(v->udp);
    tg_mailbox_free(v->replies);
}

static void viewer_send_rtp(struct viewer *v, uint8_t seq)
{
    const uint8_t header[12] = {0x80, 96, 0, seq, 0, 0, 0, 0, 0, 0, 0, 5};
    const struct tg_srtp_plain in = {.header = tg_span(header, sizeof(header)),
                                     .payload = tg_span("hello", 5)};
    uint8_t out[64];
    size_t len = 0;

    assert_int_equal(tg_srtp_tx_protect(tg_peer_tx(v->peer), &in, out, sizeof(out), &len), TG_OK);
    assert_true(tg_udp_send(v->udp, tg_peer_remote(v->peer), out, len));
    assert_true(tg_udp_flush(v->udp));
}

static void wait_count(const atomic_uint *count, unsigned want)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;

    while (atomic_load(count) < want && tg_clock_mono() < end)
        (void)poll(NULL, 0, 1);
    assert_int_equal(atomic_load(count), want);
}

/* --- PATCH ------------------------------------------------------------------------------------ */

static struct tg_rtc_req *patch_req(const struct viewer *v, const char *if_match, const char *body)
{
    struct tg_rtc_req *req = new_req(v, TG_RTC_PATCH);

    tg_str_printf(req->if_match, sizeof(req->if_match), "%s", if_match);
    req->sdp = tg_slab_copy(body, strlen(body));
    assert_non_null(req->sdp);
    return req;
}

static tg_err patch(const struct worker_world *ww, struct viewer *v, const char *if_match,
                    const char *body)
{
    struct tg_rtc_reply *reply = ask(ww, v, patch_req(v, if_match, body));
    const tg_err err = reply->err;

    assert_true(err == TG_OK || reply->detail[0] != '\0');
    assert_null(reply->sdp);
    tg_msg_free(reply);
    return err;
}

static const char trickle[] = "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                              "a=ice-ufrag:VIEW\r\na=ice-pwd:viewerPasswordOf24chars+\r\n"
                              "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n";
static const char renew[] = "a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\n"
                            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                            "a=ice-ufrag:NEXT\r\na=ice-pwd:viewerPasswordNumberTwo+\r\n";

static void test_worker_serves_a_viewer_from_offer_to_delete(void **state)
{
    struct worker_world ww = {0};
    struct viewer v;
    struct tg_rtc_reply *reply;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    wait_count(&ww.echo.connected, 1);
    for (uint8_t i = 0; i < 5; i++)
        viewer_send_rtp(&v, i);
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
    while ((v.rtp < 5 || v.rtcp < 5) && tg_clock_mono() < end)
        viewer_turn(&v);
    assert_int_equal(v.rtp, 5);
    assert_int_equal(v.rtcp, 5);
    reply = ask(&ww, &v, new_req(&v, TG_RTC_PATCH)); /* without a fragment */
    assert_int_equal(reply->err, TG_ERR_MALFORMED);
    tg_msg_free(reply);
    assert_int_equal(patch(&ww, &v, "", trickle), TG_ERR_AGAIN);
    reply = ask(&ww, &v, new_req(&v, TG_RTC_DELETE));
    assert_int_equal(reply->err, TG_OK);
    tg_msg_free(reply);
    viewer_until(&v, &v.closed); /* close_notify came */
    wait_count(&ww.echo.closed, 1);
    reply = ask(&ww, &v, new_req(&v, TG_RTC_DELETE));
    assert_int_equal(reply->err, TG_ERR_NOTFOUND);
    tg_msg_free(reply);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
    assert_true(ww.echo.stopped);
}

/* RFC 9725 s4.3: asks for a restart and takes the answer's credentials. */
static void viewer_restart(struct viewer *v, const struct worker_world *ww, const char *if_match)
{
    struct tg_rtc_reply *reply = ask(ww, v, patch_req(v, if_match, renew));
    struct tg_sdp_frag frag;
    const char *reason = "";
    struct tg_ice_creds creds = {.local_ufrag = "NEXT",
                                 .local_pwd = "viewerPasswordNumberTwo+",
                                 .remote_ufrag = frag.ice_ufrag,
                                 .remote_pwd = frag.ice_pwd};

    assert_int_equal(reply->err, TG_OK);
    assert_string_equal(reply->session, v->session);
    assert_string_not_equal(reply->etag, v->etag);
    memcpy(v->etag, reply->etag, sizeof(v->etag));
    assert_non_null(reply->sdp);
    assert_int_equal(
        tg_sdp_frag_parse(&frag, (const char *)reply->sdp->data, reply->sdp->len, &reason), TG_OK);
    tg_msg_free(reply);
    assert_string_equal(frag.mid, "0");
    assert_int_equal(frag.kind, TG_SDP_AUDIO);
    assert_int_equal(frag.candidate_count, 1);
    assert_true(frag.end_of_candidates);
    viewer_drain(v);
    assert_int_equal(tg_peer_restart(v->peer, tg_clock_mono(), &creds), TG_OK);
}

/* Another socket, new credentials: media goes on under the old keys, over the new path. */
static void test_worker_restarts_ice_on_a_new_socket(void **state)
{
    struct worker_world ww = {0};
    struct viewer v;
    const int64_t before = tg_metric_get(TG_M_rtc_restarts_total);
    const tg_us end = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    wait_count(&ww.echo.connected, 1);
    tg_udp_free(v.udp);
    v.udp = udp_on(localhost);
    viewer_restart(&v, &ww, "*");
    viewer_until(&v, &v.retired); /* at once, not at the next keepalive */
    while (atomic_load(&ww.echo.moved) == 0 && tg_clock_mono() < end)
        viewer_turn(&v); /* answers the worker's own check */
    assert_int_equal(atomic_load(&ww.echo.moved), 1);
    viewer_send_rtp(&v, 1);
    while (v.rtp < 1 && tg_clock_mono() < end)
        viewer_turn(&v);
    assert_int_equal(v.rtp, 1);
    assert_int_equal(atomic_load(&ww.echo.connected), 1);
    assert_int_equal(tg_metric_get(TG_M_rtc_restarts_total) - before, 1);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
    assert_int_equal(atomic_load(&ww.echo.closed), 1);
}

/* Five in a row, each before the one in front was used: the table of ufrags stays exact. */
static void test_worker_restarts_that_nobody_used_are_dropped(void **state)
{
    struct worker_world ww = {0};
    struct viewer v;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    for (int i = 0; i < 5; i++) {
        char body[sizeof(renew)];
        struct tg_rtc_reply *reply;

        memcpy(body, renew, sizeof(body));
        *(strstr(body, "NEXT") + 3) = (char)('a' + i);
        reply = ask(&ww, &v, patch_req(&v, "*", body));
        assert_int_equal(reply->err, TG_OK);
        tg_msg_free(reply);
    }
    viewer_restart(&v, &ww, "*");
    viewer_until(&v, &v.retired);
    assert_int_equal(patch(&ww, &v, "*", renew), TG_OK); /* these are the session's own now */
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_patch_preconditions(void **state)
{
    struct worker_world ww = {.echo = {.publisher = true, .show = 7}};
    struct viewer v;
    char tag[64];

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    tg_str_printf(tag, sizeof(tag), "\"other\", \"%s\"", v.etag);
    assert_int_equal(patch(&ww, &v, "", trickle), TG_ERR_AGAIN);
    assert_int_equal(patch(&ww, &v, "", renew), TG_ERR_AGAIN);
    assert_int_equal(patch(&ww, &v, "\"stale\"", trickle), TG_ERR_CONFLICT);
    assert_int_equal(patch(&ww, &v, "\"stale\"", renew), TG_ERR_CONFLICT);
    assert_int_equal(patch(&ww, &v, tag, trickle), TG_OK);
    assert_int_equal(patch(&ww, &v, "*", trickle), TG_OK);
    assert_int_equal(patch(&ww, &v, "\"*\"", trickle), TG_OK);
    assert_int_equal(patch(&ww, &v, "*", "{}"), TG_ERR_MALFORMED);
    assert_int_equal(patch(&ww, &v, "*", "\r\n"), TG_ERR_MALFORMED);
    assert_int_equal(patch(&ww, &v, "*", "a=ice-ufrag:NEXT\r\n"), TG_ERR_MALFORMED);
    viewer_restart(&v, &ww, tag); /* the current tag does as well as a star */
    assert_int_equal(patch(&ww, &v, tag, trickle), TG_ERR_CONFLICT); /* late, of the old session */
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_session_of_another_show_or_kind_is_not_found(void **state)
{
    struct worker_world ww = {.echo = {.publisher = true, .show = 7}};
    struct viewer v;
    struct tg_rtc_req *req;
    struct tg_rtc_reply *reply;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    for (int i = 0; i < 4; i++) {
        req = i < 2 ? new_req(&v, TG_RTC_DELETE) : patch_req(&v, "*", trickle);
        req->publisher = (i & 1) != 0;
        req->show = (i & 1) != 0 ? 8 : 7;
        reply = ask(&ww, &v, req);
        assert_int_equal(reply->err, TG_ERR_NOTFOUND);
        tg_msg_free(reply);
    }
    reply = ask(&ww, &v, new_req(&v, TG_RTC_DELETE));
    assert_int_equal(reply->err, TG_OK);
    assert_int_equal(reply->show, 7);
    tg_msg_free(reply);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_consent_time_is_the_openers(void **state)
{
    struct worker_world ww = {.echo = {.consent_us = 1500 * TG_US_PER_MS}};
    struct viewer v;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    wait_count(&ww.echo.closed, 1); /* the viewer is silent from here */
    assert_int_equal(atomic_load(&ww.echo.reason), TG_PEER_CONSENT);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_tells_a_rehearsal_to_every_handler_without_an_answer(void **state)
{
    struct worker_world ww = {0};
    struct viewer v = {0};
    struct tg_rtc_reply *reply;

    (void)state;
    assert_int_equal(tg_mailbox_new(&v.replies, 4, tg_msg_free), TG_OK);
    assert_int_equal(start_world(&ww), TG_OK);
    assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(ww.w), new_req(&v, TG_RTC_REHEARSE)),
                     TG_OK);
    reply = ask(&ww, &v, new_req(&v, TG_RTC_WHIP_OFFER)); /* this handler takes none */
    assert_int_equal(reply->what, TG_RTC_WHIP_OFFER);
    assert_int_equal(reply->err, TG_ERR_UNSUPPORTED);
    assert_int_equal(atomic_load(&ww.echo.rehearsals), 1);
    tg_msg_free(reply);
    tg_rtc_worker_stop(ww.w);
    tg_mailbox_free(v.replies);
}

static void test_worker_frees_a_session_at_the_viewers_close(void **state)
{
    struct worker_world ww = {0};
    struct viewer v;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    wait_count(&ww.echo.connected, 1);
    tg_peer_close(v.peer, tg_clock_mono());
    viewer_drain(&v);
    wait_count(&ww.echo.closed, 1);
    assert_int_equal(atomic_load(&ww.echo.reason), TG_PEER_REMOTE_CLOSED);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
}

/* The viewer's socket changes, as when a phone leaves Wi-Fi. */
static void test_worker_follows_a_viewer_to_a_new_port(void **state)
{
    struct worker_world ww = {0};
    struct viewer v;
    const tg_us end = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    tg_udp_free(v.udp);
    v.udp = udp_on(localhost);
    while (atomic_load(&ww.echo.moved) == 0 && tg_clock_mono() < end)
        viewer_turn(&v); /* its next check comes within 2.5 s */
    assert_int_equal(atomic_load(&ww.echo.moved), 1);
    viewer_send_rtp(&v, 1);
    while (v.rtp < 1 && tg_clock_mono() < end)
        viewer_turn(&v);
    assert_int_equal(v.rtp, 1);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
    assert_int_equal(atomic_load(&ww.echo.closed), 1);
    assert_int_equal(atomic_load(&ww.echo.reason), TG_PEER_LOCAL_CLOSED);
}

/* One check with a forged source must not cut the line of who really is there. */
static void test_worker_wins_back_an_address_that_another_claimed(void **state)
{
    struct worker_world ww = {0};
    struct viewer v;
    struct viewer thief;
    struct tg_udp *own;
    const tg_us end = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    viewer_open(&v, &ww);
    viewer_until(&v, &v.connected);
    viewer_open(&thief, &ww);
    own = thief.udp;
    thief.udp = v.udp;
    viewer_drain(&thief); /* its first check */
    thief.udp = own;
    for (uint8_t seq = 1; v.rtp == 0 && tg_clock_mono() < end; seq++) {
        viewer_send_rtp(&v, seq);
        viewer_turn(&v); /* its next check comes within 2.5 s */
        (void)poll(NULL, 0, 50);
    }
    assert_true(v.rtp > 0);
    viewer_free(&thief);
    viewer_free(&v);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_ignores_a_flood_of_strangers(void **state)
{
    struct worker_world ww = {0};
    struct tg_udp *u = udp_on(localhost);
    struct viewer v;
    struct tg_addr to;
    const int64_t before = tg_metric_get(TG_M_rtc_unknown_total);
    uint8_t junk[200];
    struct tg_rng rng = tg_rng_seeded(1);
    int64_t seen = 0;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    to = tg_rtc_worker_addr(ww.w);
    for (int i = 0; i < 10000; i++) {
        tg_rng_bytes(&rng, junk, sizeof(junk));
        assert_true(tg_udp_send(u, &to, junk, sizeof(junk)));
        if (i % 50 == 49) { /* at a pace that the socket buffer takes */
            assert_true(tg_udp_flush(u));
            const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
            do
                seen = tg_metric_get(TG_M_rtc_unknown_total) - before;
            while (seen <= i && tg_clock_mono() < end);
        }
    }
    assert_int_equal(seen, 10000);
    viewer_open(&v, &ww); /* still serving */
    viewer_until(&v, &v.connected);
    viewer_free(&v);
    tg_udp_free(u);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_answers_bad_offers_and_unknown_sessions(void **state)
{
    struct worker_world ww = {0};
    struct viewer v = {0};
    struct tg_rtc_req *req;
    struct tg_rtc_reply *reply;

    (void)state;
    assert_int_equal(tg_mailbox_new(&v.replies, 4, tg_msg_free), TG_OK);
    assert_int_equal(start_world(&ww), TG_OK);
    req = new_req(&v, TG_RTC_WHEP_OFFER);
    req->sdp = tg_slab_copy("v=0\r\n", 5);
    reply = ask(&ww, &v, req);
    assert_int_equal(reply->err, TG_ERR_UNSUPPORTED);
    assert_string_equal(reply->detail, "the SDP offers no receiving video or audio");
    assert_null(reply->sdp);
    tg_msg_free(reply);
    reply = ask(&ww, &v, new_req(&v, TG_RTC_PATCH));
    assert_int_equal(reply->err, TG_ERR_NOTFOUND);
    tg_msg_free(reply);
    tg_rtc_worker_stop(ww.w);
    tg_mailbox_free(v.replies);
}

/* An offer's answer as text. */
static void offer_text(const struct worker_world *ww, char *out, size_t size)
{
    struct viewer v = {.rng = tg_rng_os()};
    struct tg_sdp_local local = {.ice_ufrag = "VIEW", .ice_pwd = "viewerPasswordOf24chars+"};
    struct tg_rtc_req *req;
    struct tg_rtc_reply *reply;
    struct tg_buf text;

    assert_int_equal(tg_mailbox_new(&v.replies, 4, tg_msg_free), TG_OK);
    tg_buf_init(&text, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_offer(&text, &local), TG_OK);
    req = new_req(&v, TG_RTC_WHEP_OFFER);
    req->sdp = tg_slab_copy(text.data, text.len);
    tg_buf_done(&text);
    reply = ask(ww, &v, req);
    assert_int_equal(reply->err, TG_OK);
    tg_str_cut(out, size, "");
    assert_int_equal(tg_str_copy(out, size, (const char *)reply->sdp->data, reply->sdp->len),
                     TG_OK);
    tg_msg_free(reply);
    tg_mailbox_free(v.replies);
}

/* rtc.advertise behind a NAT: all of them, in the order given, with the worker's own port. */
static void test_worker_advertises_several_addresses_of_both_families(void **state)
{
    static const char *const ips[] = {"203.0.113.9", "2001:db8::9", "198.51.100.4"};
    static const char *const starts[] = {"1 1 udp 2130706431", "2 1 udp 2130706175",
                                         "3 1 udp 2130705919"};
    static char answer[TG_SDP_MAX];
    struct worker_world ww = {0};
    struct tg_addr advertise[3];
    const char *before = answer;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tg_addr_parse(&advertise[i], ips[i], strlen(ips[i]), 0), TG_OK);
    assert_int_equal(start_world_at(&ww, &localhost, advertise, 3), TG_OK);
    offer_text(&ww, answer, sizeof(answer));
    for (size_t i = 0; i < 3; i++) {
        char want[128];
        const char *at;

        tg_str_printf(want, sizeof(want), "\r\na=candidate:%s %s %u typ host\r\n", starts[i],
                      ips[i], (unsigned)tg_rtc_worker_addr(ww.w).port);
        at = strstr(answer, want);
        assert_non_null(at);
        assert_true(at > before);
        before = at;
    }
    tg_rtc_worker_stop(ww.w);
}

/*
 * One port for both families, bound to every address: media flows, and each viewer is answered from
 * the address that it asked at (else its ICE would refuse the answer).
 */
static void test_worker_serves_both_families_on_every_address(void **state)
{
    struct worker_world ww = {0};
    const struct tg_addr any = {0};
    const struct tg_addr v6 = {.ip = {[15] = 1}};
    const struct tg_addr at[] = {v6, tg_addr_v4(127, 0, 0, 1, 0), tg_addr_v4(127, 0, 0, 2, 0)};
    struct tg_udp *probe = NULL;

    (void)state;
    if (tg_udp_new(&probe, &v6) != TG_OK) {
        print_message("no IPv6 here\n");
        skip();
    }
    tg_udp_free(probe);
    assert_int_equal(start_world_at(&ww, &any, at, TG_ARRAY_LEN(at)), TG_OK);
    for (uint8_t i = 0; i < TG_ARRAY_LEN(at); i++) {
        const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
        struct viewer v;

        viewer_open_at(&v, &ww, i == 0 ? &v6 : &localhost, i);
        viewer_until(&v, &v.connected);
        assert_memory_equal(tg_peer_remote(v.peer)->ip, at[i].ip, sizeof(at[i].ip));
        for (uint8_t seq = 0; seq < 3; seq++)
            viewer_send_rtp(&v, seq);
        while ((v.rtp < 3 || v.rtcp < 3) && tg_clock_mono() < end)
            viewer_turn(&v);
        assert_int_equal(v.rtp, 3);
        assert_int_equal(v.rtcp, 3);
        tg_peer_close(v.peer, tg_clock_mono());
        viewer_drain(&v);
        wait_count(&ww.echo.closed, i + 1U);
        viewer_free(&v);
    }
    tg_rtc_worker_stop(ww.w);
}

/* A joiner's last flight, kept until all the others have theirs. */
struct joiner {
    struct viewer v;
    bool hello_sent;
    size_t kept;
    struct tg_addr to;
    uint8_t bytes[4][TG_UDP_PACKET_MAX];
    size_t lens[4];
};

static void joiner_out(struct joiner *j, const struct tg_peer_out *out, bool same_input)
{
    const bool dtls = tg_peer_classify(out->bytes.data, out->bytes.len) == TG_PEER_DTLS;

    if (!dtls || !j->hello_sent) {
        (void)tg_udp_send(j->v.udp, &out->addr, out->bytes.data, out->bytes.len);
        j->hello_sent = j->hello_sent || dtls;
    } else if (same_input && j->kept < TG_ARRAY_LEN(j->bytes)) {
        memcpy(j->bytes[j->kept], out->bytes.data, out->bytes.len);
        j->lens[j->kept++] = out->bytes.len;
        j->to = out->addr;
    }
}

/* No tick: its retransmissions do not matter here. */
static void joiner_turn(struct joiner *j)
{
    struct pollfd p = {.fd = tg_udp_fd(j->v.udp), .events = POLLIN};
    const struct tg_udp_packet *packets = NULL;
    struct tg_peer_out out;
    size_t n = 0;

    while (tg_peer_poll(j->v.peer, &out)) {
        if (out.kind == TG_PEER_OUT_SEND)
            joiner_out(j, &out, false);
    }
    (void)tg_udp_flush(j->v.udp);
    if (poll(&p, 1, 5) == 1)
        n = tg_udp_receive(j->v.udp, &packets);
    for (size_t i = 0; i < n; i++) {
        const bool had = j->kept > 0;

        (void)tg_peer_input(j->v.peer, tg_clock_mono(), &packets[i].from, packets[i].bytes,
                            packets[i].len);
        while (tg_peer_poll(j->v.peer, &out)) {
            if (out.kind == TG_PEER_OUT_SEND)
                joiner_out(j, &out, !had);
        }
    }
    (void)tg_udp_flush(j->v.udp);
}

enum { CROWD = 24 };

/* Each of them is a last flight away from being connected. */
static void crowd_open(struct joiner crowd[CROWD], struct worker_world *ww)
{
    const tg_us end = tg_clock_mono() + 4 * PATIENCE_MS * TG_US_PER_MS;

    memset(crowd, 0, CROWD * sizeof(*crowd));
    for (size_t i = 0; i < CROWD; i++) {
        viewer_open(&crowd[i].v, ww);
        while (crowd[i].kept == 0 && tg_clock_mono() < end)
            joiner_turn(&crowd[i]);
        assert_true(crowd[i].kept > 0);
    }
    assert_int_equal(atomic_load(&ww->echo.connected), 0);
}

/* The last flights are there when the worker, which is held, goes on. */
static void crowd_arrive(struct joiner crowd[CROWD], struct worker_world *ww)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
    const unsigned turns = atomic_load(&ww->echo.turns);

    atomic_store(&ww->echo.hold, true);
    tg_rtc_worker_wake(ww->w);
    while (atomic_load(&ww->echo.turns) == turns && tg_clock_mono() < end)
        (void)poll(NULL, 0, 1);
    for (size_t i = 0; i < CROWD; i++) {
        for (size_t k = 0; k < crowd[i].kept; k++)
            assert_true(
                tg_udp_send(crowd[i].v.udp, &crowd[i].to, crowd[i].bytes[k], crowd[i].lens[k]));
        assert_true(tg_udp_flush(crowd[i].v.udp));
    }
}

/*
 * The last flights of a crowd come in one turn, each worth two public-key operations: they must not
 * all be answered before the next frame. That it takes more than one turn needs no fast machine.
 */
static void test_worker_spreads_a_crowds_handshakes_over_turns(void **state)
{
    static struct joiner crowd[CROWD];
    struct worker_world ww = {0};
    const int64_t parked = tg_metric_get(TG_M_rtc_parked);

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    crowd_open(crowd, &ww);
    crowd_arrive(crowd, &ww);
    atomic_store(&ww.echo.hold, false);
    wait_count(&ww.echo.connected, CROWD);
    assert_in_range(atomic_load(&ww.echo.in_turn_max), 1, CROWD - 1);
    for (size_t i = 0; i < CROWD; i++)
        viewer_free(&crowd[i].v);
    assert_int_equal(tg_metric_get(TG_M_rtc_parked), parked + CROWD);
    tg_rtc_worker_stop(ww.w);
    assert_int_equal(tg_metric_get(TG_M_rtc_parked), parked);
    assert_int_equal(tg_metric_get(TG_M_rtc_handshakes_waiting), 0);
}

/* Half of them end in the very turn that puts their flights aside, half while those still wait. */
static void test_worker_forgets_joins_of_sessions_that_end(void **state)
{
    static struct joiner crowd[CROWD];
    struct worker_world ww = {0};
    const int64_t parked = tg_metric_get(TG_M_rtc_parked);
    const int64_t sessions = tg_metric_get(TG_M_rtc_sessions);

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    crowd_open(crowd, &ww);
    crowd_arrive(crowd, &ww);
    for (size_t i = 0; i < CROWD; i++) {
        struct tg_rtc_req *req = new_req(&crowd[i].v, TG_RTC_DELETE);

        if (i == CROWD / 2)
            atomic_store(&ww.echo.hold, false);
        assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(ww.w), req), TG_OK);
    }
    wait_count(&ww.echo.closed, CROWD);
    assert_in_range(atomic_load(&ww.echo.connected), 0, CROWD - 1);
    tg_rtc_worker_stop(ww.w);
    assert_int_equal(tg_metric_get(TG_M_rtc_sessions), sessions);
    assert_int_equal(tg_metric_get(TG_M_rtc_parked), parked);
    assert_int_equal(tg_metric_get(TG_M_rtc_handshakes_waiting), 0);
    for (size_t i = 0; i < CROWD; i++)
        viewer_free(&crowd[i].v);
}

static void test_worker_wake_runs_a_turn(void **state)
{
    struct worker_world ww = {0};
    unsigned before;

    (void)state;
    assert_int_equal(start_world(&ww), TG_OK);
    (void)poll(NULL, 0, 20);
    before = atomic_load(&ww.echo.turns);
    assert_true(before < 10); /* idle means idle */
    tg_rtc_worker_wake(ww.w);
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
    while (atomic_load(&ww.echo.turns) == before && tg_clock_mono() < end)
        (void)poll(NULL, 0, 1);
    assert_true(atomic_load(&ww.echo.turns) > before);
    tg_rtc_worker_stop(ww.w);
}

static void test_worker_start_reports_what_failed(void **state)
{
    struct worker_world ww = {.echo = {.start_err = TG_ERR_LIMIT}};
    struct tg_udp *taken = udp_on(localhost);
    struct tg_rtc_worker_cfg cfg = {.listen = tg_udp_addr(taken)};
    struct tg_rtc_worker *w = NULL;

    (void)state;
    assert_int_equal(start_world(&ww), TG_ERR_LIMIT);
    assert_int_equal(tg_rtc_worker_start(&w, &cfg), TG_ERR_IO);
    assert_null(w);
    tg_udp_free(taken);
}

static void test_worker_start_and_stop_100_times(void **state)
{
    const int probe = dup(0);

    (void)state;
    (void)close(probe);
    for (int i = 0; i < 100; i++) {
        struct worker_world ww = {0};

        assert_int_equal(start_world(&ww), TG_OK);
        tg_rtc_worker_stop(ww.w);
        assert_true(ww.echo.stopped);
    }
    const int after = dup(0);
    assert_int_equal(after, probe); /* no descriptor is left */
    (void)close(after);
}

static void test_worker_start_without_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 60; n++) {
        struct worker_world ww = {0};
        tg_err err;
        bool failed;

        tg_alloc_fail_nth(n);
        err = start_world(&ww);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        tg_rtc_worker_stop(err == TG_OK ? ww.w : NULL);
        if (!failed) {
            assert_int_equal(err, TG_OK);
            return;
        }
        assert_int_equal(err, TG_ERR_NOMEM);
    }
    fail_msg("never succeeded");
}

static void test_advertise_default_by_listen_address(void **state)
{
    const struct tg_addr any = {.port = 8189};
    const struct tg_addr one = tg_addr_v4(192, 0, 2, 1, 8189);
    struct tg_addr out[4];
    size_t n;

    (void)state;
    assert_int_equal(tg_rtc_advertise_default(out, 4, &one, true), 1);
    assert_true(tg_addr_equal(&out[0], &one));
    n = tg_rtc_advertise_default(out, 4, &any, true);
    assert_true(n >= 1);
    assert_true(tg_addr_is_loopback(&out[n - 1]));
    assert_int_equal(out[n - 1].port, 8189);
    assert_int_equal(tg_rtc_advertise_default(out, 0, &any, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_runs_timers_in_order_and_stops),
        cmocka_unit_test(test_loop_wake_from_another_thread_is_never_lost),
        cmocka_unit_test(test_loop_unwatch_within_a_turn_silences_pending_events),
        cmocka_unit_test(test_udp_runs_arrive_as_single_datagrams),
        cmocka_unit_test(test_udp_long_run_is_cut_at_the_kernels_bounds),
        cmocka_unit_test(test_udp_full_arena_drops_and_recovers),
        cmocka_unit_test(test_udp_unreachable_destination_is_dropped_not_retried),
        cmocka_unit_test(test_udp_oversize_is_dropped_and_counted),
        cmocka_unit_test(test_udp_answers_leave_from_the_address_they_were_asked_at),
        cmocka_unit_test(test_udp_port_in_use_is_an_error),
        cmocka_unit_test(test_addr_parse_and_kinds),
        cmocka_unit_test(test_tcp_echo_of_more_than_the_socket_buffers),
        cmocka_unit_test(test_tcp_queue_out_is_bounded),
        cmocka_unit_test(test_tcp_finish_sends_the_rest_then_closes),
        cmocka_unit_test(test_tcp_finish_gives_up_on_a_peer_that_does_not_read),
        cmocka_unit_test(test_tcp_may_be_freed_in_on_data),
        cmocka_unit_test(test_worker_serves_a_viewer_from_offer_to_delete),
        cmocka_unit_test(test_worker_restarts_ice_on_a_new_socket),
        cmocka_unit_test(test_worker_restarts_that_nobody_used_are_dropped),
        cmocka_unit_test(test_worker_patch_preconditions),
        cmocka_unit_test(test_worker_session_of_another_show_or_kind_is_not_found),
        cmocka_unit_test(test_worker_consent_time_is_the_openers),
        cmocka_unit_test(test_worker_tells_a_rehearsal_to_every_handler_without_an_answer),
        cmocka_unit_test(test_worker_frees_a_session_at_the_viewers_close),
        cmocka_unit_test(test_worker_follows_a_viewer_to_a_new_port),
        cmocka_unit_test(test_worker_wins_back_an_address_that_another_claimed),
        cmocka_unit_test(test_worker_ignores_a_flood_of_strangers),
        cmocka_unit_test(test_worker_answers_bad_offers_and_unknown_sessions),
        cmocka_unit_test(test_worker_advertises_several_addresses_of_both_families),
        cmocka_unit_test(test_worker_serves_both_families_on_every_address),
        cmocka_unit_test(test_worker_spreads_a_crowds_handshakes_over_turns),
        cmocka_unit_test(test_worker_forgets_joins_of_sessions_that_end),
        cmocka_unit_test(test_worker_wake_runs_a_turn),
        cmocka_unit_test(test_worker_start_reports_what_failed),
        cmocka_unit_test(test_worker_start_and_stop_100_times),
        cmocka_unit_test(test_worker_start_without_memory),
        cmocka_unit_test(test_advertise_default_by_listen_address),
    };

    tg_log_set_level(TG_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
