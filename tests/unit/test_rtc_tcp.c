/*
 * test_rtc_tcp.c - ICE-TCP: connections, their bounds and queues, and viewers of an rtc worker who
 * have nothing but TCP. Loopback sockets on free ports.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/addr.h"
#include "net/rtc_tcp.h"
#include "net/rtc_worker.h"
#include "proto/rfc4571.h"

enum { PATIENCE_MS = 5000, PACKET = 1200 };

static const struct tg_addr localhost = {
    .ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};

/* --- a client's socket ------------------------------------------------------------------------ */

struct line {
    int fd;
    struct tg_rfc4571 in;
    uint8_t bytes[64 * 1024];
    size_t at;
    size_t len;
    bool closed;
};

/* From 127.0.0.<host>; a small receive buffer, so that not reading is soon noticed. */
static void line_open(struct line *l, uint16_t port, uint8_t host)
{
    const struct tg_addr own = tg_addr_v4(127, 0, 0, host, 0);
    const struct tg_addr to = tg_addr_v4(127, 0, 0, 1, port);
    struct sockaddr_storage sa;
    socklen_t len = tg_addr_to_sockaddr(&sa, &own, false);
    const int size = 16 * 1024;

    memset(l, 0, sizeof(*l));
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(l->fd >= 0);
    assert_int_equal(setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&sa, len), 0);
    len = tg_addr_to_sockaddr(&sa, &to, false);
    assert_int_equal(connect(l->fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(fcntl(l->fd, F_SETFL, O_NONBLOCK), 0);
}

static void line_close(struct line *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
}

static void line_send(struct line *l, const void *packet, size_t len)
{
    uint8_t frame[TG_RFC4571_HEAD + 2048];

    tg_rfc4571_head(frame, len);
    memcpy(frame + TG_RFC4571_HEAD, packet, len);
    if (send(l->fd, frame, TG_RFC4571_HEAD + len, MSG_NOSIGNAL) < 0)
        l->closed = true;
}

/* The next packet that is there; false = none now. */
static bool line_next(struct line *l, uint8_t **packet, size_t *len)
{
    for (;;) {
        struct tg_rd in = tg_rd(l->bytes + l->at, l->len - l->at);
        const tg_err err = tg_rfc4571_next(&l->in, &in, packet, len);
        ssize_t n;

        l->at = l->len - tg_rd_left(&in);
        if (err == TG_OK)
            return true;
        assert_int_equal(err, TG_ERR_AGAIN);
        n = recv(l->fd, l->bytes, sizeof(l->bytes), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            l->closed = true;
        if (n <= 0)
            return false;
        l->at = 0;
        l->len = (size_t)n;
    }
}

/* --- connections alone ------------------------------------------------------------------------ */

struct world {
    struct tg_loop *loop;
    struct tg_rtc_tcp *t;
    uint16_t port;
    bool prove; /* every frame proves its connection */
    bool echo;
    unsigned frames;
    size_t bytes;
    unsigned writable;
    unsigned closed;
    struct tg_addr last;
};

static void on_frame(void *ctx, const struct tg_udp_packet *p, tg_us now)
{
    struct world *w = ctx;
    uint8_t *out;

    w->frames++;
    w->bytes += p->len;
    w->last = p->from;
    if (w->prove)
        tg_rtc_tcp_prove(w->t, &p->from, now);
    out = w->echo ? tg_rtc_tcp_reserve(w->t, &p->from, p->len) : NULL;
    if (out == NULL)
        return;
    memcpy(out, p->bytes, p->len);
    tg_rtc_tcp_commit(w->t, &p->from, p->len);
}

static void on_writable(void *ctx, const struct tg_addr *addr, tg_us now)
{
    struct world *w = ctx;

    (void)now;
    assert_true(tg_addr_equal(addr, &w->last));
    w->writable++;
}

static void on_closed(void *ctx, const struct tg_addr *addr, tg_us now)
{
    struct world *w = ctx;

    (void)now;
    assert_int_not_equal(addr->tcp, 0);
    w->closed++;
}

static void on_turn(void *ctx, tg_us now)
{
    struct world *w = ctx;

    tg_rtc_tcp_turn(w->t, now);
}

static tg_err try_open(struct world *w)
{
    struct tg_rtc_tcp_cfg cfg = {.listen = localhost,
                                 .on_frame = on_frame,
                                 .on_writable = on_writable,
                                 .on_closed = on_closed,
                                 .ctx = w};
    tg_err err = tg_loop_new(&w->loop);
    struct tg_udp *twin = NULL;

    if (err == TG_OK)
        err = tg_udp_new(&twin, &localhost); /* a number that is free, as the worker finds it */
    if (err == TG_OK) {
        cfg.loop = w->loop;
        cfg.listen.port = w->port = tg_udp_addr(twin).port;
        err = tg_rtc_tcp_new(&w->t, &cfg);
    }
    tg_udp_free(twin);
    if (err == TG_OK)
        tg_loop_turn(w->loop, on_turn, w);
    return err;
}

static void world_open(struct world *w, bool prove, bool echo)
{
    tg_err err;

    do { /* a TCP port of that number may be taken */
        *w = (struct world){.prove = prove, .echo = echo};
        err = try_open(w);
        if (err != TG_OK)
            tg_loop_free(w->loop);
    } while (err == TG_ERR_IO && errno == EADDRINUSE);
    assert_int_equal(err, TG_OK);
}

static void world_close(struct world *w)
{
    tg_rtc_tcp_free(w->t);
    tg_loop_free(w->loop);
}

static void turns_until(struct world *w, const unsigned *count, unsigned want)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;

    while (*count < want && tg_clock_mono() < end)
        tg_loop_once(w->loop, 20 * TG_US_PER_MS);
    assert_int_equal(*count, want);
}

/* The server closed it, within our patience. */
static void expect_end(struct world *w, struct line *l)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
    uint8_t *packet;
    size_t len;

    while (!l->closed && tg_clock_mono() < end) {
        tg_loop_once(w->loop, 10 * TG_US_PER_MS);
        (void)line_next(l, &packet, &len);
    }
    assert_true(l->closed);
}

/* How many of these are still open, once nothing is new. */
static size_t open_lines(struct world *w, struct line *lines, size_t count)
{
    size_t open = 0;

    for (int i = 0; i < 40; i++)
        tg_loop_once(w->loop, TG_US_PER_MS);
    for (size_t i = 0; i < count; i++) {
        uint8_t *packet;
        size_t len;

        (void)line_next(&lines[i], &packet, &len);
        open += lines[i].closed ? 0 : 1;
    }
    return open;
}

static void test_tcp_packets_go_both_ways(void **state)
{
    static struct line l;
    struct world w;
    uint8_t packet[1500];
    unsigned got = 0;

    (void)state;
    world_open(&w, true, true);
    line_open(&l, w.port, 1);
    for (size_t i = 1; i <= 1500; i += 13) {
        memset(packet, (int)i, i);
        line_send(&l, packet, i);
        for (const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
             tg_clock_mono() < end;) {
            uint8_t *back;
            size_t len = 0;

            tg_loop_once(w.loop, 20 * TG_US_PER_MS);
            if (!line_next(&l, &back, &len))
                continue;
            assert_int_equal(len, i);
            assert_memory_equal(back, packet, len);
            got++;
            break;
        }
    }
    assert_int_equal(got, 116);
    assert_int_equal(tg_rtc_tcp_stats(w.t)->packets_in, 116);
    assert_int_equal(tg_rtc_tcp_stats(w.t)->packets_out, 116);
    line_close(&l);
    turns_until(&w, &w.closed, 1);
    assert_null(tg_rtc_tcp_reserve(w.t, &w.last, 10));
    world_close(&w);
}

static void test_tcp_packets_of_one_turn_leave_in_one_send(void **state)
{
    static struct line l;
    struct world w;

    (void)state;
    world_open(&w, true, true);
    line_open(&l, w.port, 1);
    tg_loop_once(w.loop, PATIENCE_MS * TG_US_PER_MS); /* accepts */
    for (int i = 0; i < 10; i++)
        line_send(&l, "0123456789", 10);
    turns_until(&w, &w.frames, 10);
    assert_int_equal(tg_rtc_tcp_stats(w.t)->packets_out, 10);
    assert_true(tg_rtc_tcp_stats(w.t)->calls_out <= 2);
    line_close(&l);
    world_close(&w);
}

static void test_tcp_first_frame_that_proves_nothing_ends_it(void **state)
{
    static struct line l;
    struct world w;

    (void)state;
    world_open(&w, false, false);
    line_open(&l, w.port, 1);
    line_send(&l, "GET / HTTP/1.1", 14);
    line_send(&l, "more", 4);
    expect_end(&w, &l);
    assert_int_equal(w.frames, 1);
    assert_int_equal(w.closed, 0); /* nobody's connection */
    line_close(&l);
    world_close(&w);
}

static void test_tcp_broken_frames_end_it(void **state)
{
    static const uint8_t ends[][2] = {{0, 0}, {0x05, 0xdd}, {0xff, 0xff}};
    static struct line l;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(ends); i++) {
        struct world w;

        world_open(&w, true, false);
        line_open(&l, w.port, 1);
        line_send(&l, "check", 5);
        assert_int_equal(send(l.fd, ends[i], 2, MSG_NOSIGNAL), 2);
        expect_end(&w, &l);
        assert_int_equal(w.frames, 1);
        assert_int_equal(w.closed, 1);
        line_close(&l);
        world_close(&w);
    }
}

/* Frames of one byte cost as much work as any: one read of them is bounded, then it is over. */
static void test_tcp_swarm_of_tiny_frames_ends_it(void **state)
{
    static struct line l;
    static uint8_t swarm[60 * 1024];
    struct world w;
    unsigned before;

    (void)state;
    for (size_t i = 0; i < sizeof(swarm); i++)
        swarm[i] = i % 3 == 0 ? 0 : 1; /* length 0001, one byte */
    world_open(&w, true, false);
    line_open(&l, w.port, 1);
    line_send(&l, "check", 5);
    turns_until(&w, &w.frames, 1);
    before = w.frames;
    assert_true(send(l.fd, swarm, sizeof(swarm), MSG_NOSIGNAL) > 20 * 1024);
    turns_until(&w, &w.closed, 1);
    assert_in_range(w.frames - before, 1, 600);
    line_close(&l);
    world_close(&w);
}

static void test_tcp_silent_newcomer_is_closed_after_ten_seconds(void **state)
{
    static struct line l;
    static struct line good;
    struct world w;
    const tg_us before = tg_clock_mono();

    (void)state;
    world_open(&w, true, false);
    line_open(&l, w.port, 1);
    line_open(&good, w.port, 1);
    line_send(&good, "check", 5);
    turns_until(&w, &w.frames, 1);
    assert_int_equal(send(l.fd, "", 1, 0), 1); /* half a head is no frame */
    const tg_us at = tg_rtc_tcp_deadline(w.t);
    assert_in_range(at, before + 10 * TG_US_PER_S, tg_clock_mono() + 10 * TG_US_PER_S);
    tg_rtc_tcp_turn(w.t, at - 1);
    assert_int_equal(tg_rtc_tcp_deadline(w.t), at);
    tg_rtc_tcp_turn(w.t, at);
    assert_int_equal(tg_rtc_tcp_deadline(w.t), TG_US_NEVER);
    expect_end(&w, &l);
    assert_int_equal(open_lines(&w, &good, 1), 1); /* a proved one may be silent */
    line_close(&l);
    line_close(&good);
    world_close(&w);
}

/* Slow clients' newcomers: so many of one address, so many in all, then the oldest goes. */
static void test_tcp_unproved_connections_are_bounded(void **state)
{
    enum { HOSTS = 9, EACH = TG_RTC_TCP_WAITING_FROM_MAX + 2 };
    struct line *lines = tg_calloc((size_t)HOSTS * EACH, sizeof(*lines));
    struct world w;
    size_t n = 0;

    (void)state;
    world_open(&w, true, false);
    for (uint8_t host = 1; host <= HOSTS; host++) {
        for (int i = 0; i < EACH; i++, n++) {
            line_open(&lines[n], w.port, host);
            tg_loop_once(w.loop, 0);
        }
        if (host == 1)
            assert_int_equal(open_lines(&w, lines, n), TG_RTC_TCP_WAITING_FROM_MAX);
    }
    assert_int_equal(open_lines(&w, lines, n), TG_RTC_TCP_WAITING_MAX);
    assert_true(lines[0].closed);         /* the oldest made room */
    assert_false(lines[n - EACH].closed); /* for these */
    for (size_t i = 0; i < n; i++)
        line_close(&lines[i]);
    tg_free(lines);
    world_close(&w);
}

/* As many packets as there is room for; each carries its number. */
static unsigned fill(struct world *w, unsigned *next)
{
    unsigned sent = 0;
    uint8_t *out;

    while ((out = tg_rtc_tcp_reserve(w->t, &w->last, PACKET)) != NULL) {
        memset(out, 0, PACKET);
        memcpy(out, next, sizeof(*next));
        tg_rtc_tcp_commit(w->t, &w->last, PACKET);
        ++*next;
        sent++;
    }
    return sent;
}

static void expect_numbers(struct line *l, unsigned *seen)
{
    uint8_t *packet;
    size_t len;

    while (line_next(l, &packet, &len)) {
        unsigned number;

        assert_int_equal(len, PACKET);
        memcpy(&number, packet, sizeof(number));
        assert_int_equal(number, *seen);
        ++*seen;
    }
}

static void test_tcp_slow_reader_is_bounded_and_goes_on(void **state)
{
    static struct line l;
    struct world w;
    unsigned next = 0;
    unsigned seen = 0;
    uint64_t calls;

    (void)state;
    world_open(&w, true, false);
    line_open(&l, w.port, 1);
    line_send(&l, "check", 5);
    turns_until(&w, &w.frames, 1);
    for (int i = 0; i < 50; i++) {
        (void)fill(&w, &next);
        tg_loop_once(w.loop, TG_US_PER_MS);
    }
    /* Ours, the kernel's of both sides with their overhead. */
    assert_in_range(next * PACKET, TG_RTC_TCP_OUT, TG_RTC_TCP_OUT + 512 * 1024);
    calls = tg_rtc_tcp_stats(w.t)->calls_out;
    for (int i = 0; i < 100; i++)
        assert_int_equal(fill(&w, &next), 0);
    assert_int_equal(tg_rtc_tcp_stats(w.t)->calls_out, calls); /* and costs no system calls */
    const unsigned writable = w.writable;
    for (int round = 0; round < 20; round++) {
        const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
        const unsigned before = w.writable;

        while (w.writable == before && tg_clock_mono() < end) {
            expect_numbers(&l, &seen);
            tg_loop_once(w.loop, TG_US_PER_MS);
        }
        assert_true(w.writable > before);
        assert_true(fill(&w, &next) * PACKET >= TG_RTC_TCP_OUT / 2 - 2 * PACKET);
    }
    assert_true(w.writable >= writable + 20);
    for (const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
         seen < next && tg_clock_mono() < end;) {
        expect_numbers(&l, &seen);
        tg_loop_once(w.loop, TG_US_PER_MS);
    }
    assert_int_equal(seen, next); /* not a packet is lost or out of order */
    line_close(&l);
    world_close(&w);
}

static void test_tcp_close_sends_what_is_queued(void **state)
{
    static struct line l;
    struct world w;
    uint8_t *packet;
    size_t len = 0;

    (void)state;
    world_open(&w, true, false);
    line_open(&l, w.port, 1);
    line_send(&l, "check", 5);
    turns_until(&w, &w.frames, 1);
    memcpy(tg_rtc_tcp_reserve(w.t, &w.last, 3), "bye", 3);
    tg_rtc_tcp_commit(w.t, &w.last, 3);
    tg_rtc_tcp_close(w.t, &w.last, tg_clock_mono());
    tg_rtc_tcp_close(w.t, &w.last, tg_clock_mono());
    assert_null(tg_rtc_tcp_reserve(w.t, &w.last, 3));
    turns_until(&w, &w.closed, 1);
    assert_true(line_next(&l, &packet, &len));
    assert_int_equal(len, 3);
    expect_end(&w, &l);
    line_close(&l);
    world_close(&w);
}

static void test_tcp_number_is_not_used_again_soon(void **state)
{
    static struct line l;
    struct world w;
    uint16_t numbers[100];

    (void)state;
    world_open(&w, true, false);
    for (unsigned i = 0; i < TG_ARRAY_LEN(numbers); i++) {
        line_open(&l, w.port, 1);
        line_send(&l, "check", 5);
        turns_until(&w, &w.frames, i + 1);
        numbers[i] = w.last.tcp;
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(numbers[k], numbers[i]);
        line_close(&l);
        turns_until(&w, &w.closed, i + 1);
    }
    world_close(&w);
}

static void test_tcp_without_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 60; n++) {
        struct world w = {.prove = true};
        tg_err err;
        bool failed;

        tg_alloc_fail_nth(n);
        err = try_open(&w);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        if (err != TG_OK) {
            tg_loop_free(w.loop);
            assert_true(err == TG_ERR_NOMEM || (err == TG_ERR_IO && errno == EADDRINUSE));
        } else {
            world_close(&w);
        }
        if (!failed)
            return;
    }
    fail_msg("never succeeded");
}

/* Neither a connection without memory nor one without a queue hurts the next. */
static void test_tcp_connections_without_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 10; n++) {
        static struct line l;
        struct world w;
        bool failed;

        world_open(&w, true, true);
        line_open(&l, w.port, 1);
        line_send(&l, "check", 5);
        tg_alloc_fail_nth(n);
        for (int i = 0; i < 5; i++)
            tg_loop_once(w.loop, TG_US_PER_MS);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        if (failed)
            expect_end(&w, &l);
        line_close(&l);
        line_open(&l, w.port, 1);
        line_send(&l, "check", 5);
        const unsigned before = w.frames;
        turns_until(&w, &w.frames, before + 1);
        line_close(&l);
        world_close(&w);
        if (!failed)
            return;
    }
    fail_msg("never succeeded");
}

/* --- viewers of a worker ---------------------------------------------------------------------- */

struct service {
    struct tg_rtc_worker *w;
    struct tg_rtc_handler handler;
    struct tg_rtc_session *session;
    atomic_uint connected;
    atomic_uint moved;
    atomic_uint writable;
    atomic_uint closed;
    atomic_uint reason;
    atomic_uint flood; /* packets still to send to the last session that connected */
    atomic_uint stalled;
};

static tg_err service_start(void *ctx, struct tg_rtc_worker *w)
{
    struct service *e = ctx;

    e->w = w;
    return TG_OK;
}

static bool service_request(void *ctx, struct tg_rtc_req *req, tg_us now)
{
    static struct tg_sdp offer; /* the worker's thread only */
    struct service *e = ctx;
    struct tg_sdp_whep pick;
    struct tg_sdp_local local = {
        .video_ssrc = 1, .rtx_ssrc = 2, .audio_ssrc = 3, .cname = "c", .stream_id = "s"};
    struct tg_rtc_session *s = NULL;
    struct tg_buf out;
    const char *reason = "";

    if (req->what != TG_RTC_WHEP_OFFER)
        return false;
    assert_int_equal(tg_sdp_parse(&offer, (const char *)req->sdp->data, req->sdp->len, &reason),
                     TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    const struct tg_rtc_open open = {.remote_ufrag = pick.ice_ufrag,
                                     .remote_pwd = pick.ice_pwd,
                                     .remote_sha256 = pick.fingerprint,
                                     .user = e};
    assert_int_equal(tg_rtc_open(e->w, &e->handler, &open, now, &s), TG_OK);
    tg_rtc_local(e->w, s, &local);
    assert_true(local.tcp);
    tg_buf_init(&out, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_answer(&out, &offer, &pick, &local), TG_OK);
    tg_rtc_reply(req, TG_OK, NULL, s, &out);
    tg_buf_done(&out);
    return true;
}

static void service_connected(void *ctx, struct tg_rtc_session *s, tg_us now)
{
    struct service *e = ctx;

    (void)now;
    e->session = s;
    (void)atomic_fetch_add(&e->connected, 1);
}

static void service_moved(void *ctx, struct tg_rtc_session *s, tg_us now)
{
    struct service *e = ctx;

    (void)s;
    (void)now;
    (void)atomic_fetch_add(&e->moved, 1);
}

static void service_writable(void *ctx, struct tg_rtc_session *s, tg_us now)
{
    struct service *e = ctx;

    (void)now;
    assert_false(s->stalled);
    (void)atomic_fetch_add(&e->writable, 1);
}

static void service_closed(void *ctx, struct tg_rtc_session *s, enum tg_peer_reason reason,
                           tg_us now)
{
    struct service *e = ctx;

    (void)now;
    if (e->session == s)
        e->session = NULL;
    atomic_store(&e->reason, (unsigned)reason);
    (void)atomic_fetch_add(&e->closed, 1);
}

static void service_turn(void *ctx, tg_us now)
{
    static const uint8_t header[12] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5};
    static const uint8_t payload[1000];
    struct service *e = ctx;
    const struct tg_srtp_plain in = {.header = tg_span(header, sizeof(header)),
                                     .payload = tg_span(payload, sizeof(payload))};

    (void)now;
    while (e->session != NULL && atomic_load(&e->flood) > 0) {
        uint8_t *out = tg_rtc_reserve(e->w, e->session, PACKET);
        size_t len = 0;

        if (out == NULL) {
            assert_true(e->session->stalled);
            (void)atomic_fetch_add(&e->stalled, 1);
            return;
        }
        assert_int_equal(tg_srtp_tx_protect(tg_peer_tx(e->session->peer), &in, out, PACKET, &len),
                         TG_OK);
        tg_rtc_commit(e->w, e->session, len);
        (void)atomic_fetch_sub(&e->flood, 1);
    }
}

static void service_open(struct service *e, tg_us lost_us)
{
    struct tg_rtc_worker_cfg cfg = {
        .index = 3, .listen = localhost, .tcp = true, .tcp_lost_us = lost_us, .handler_count = 1};

    memset(e, 0, sizeof(*e));
    e->handler = (struct tg_rtc_handler){.name = "service",
                                         .ctx = e,
                                         .on_start = service_start,
                                         .on_request = service_request,
                                         .on_connected = service_connected,
                                         .on_moved = service_moved,
                                         .on_writable = service_writable,
                                         .on_closed = service_closed,
                                         .on_turn = service_turn};
    cfg.handlers[0] = &e->handler;
    assert_int_equal(tg_rtc_worker_start(&e->w, &cfg), TG_OK);
}

struct viewer {
    struct tg_rng rng;
    struct tg_dtls_ctx *ctx;
    struct tg_peer *peer;
    struct line line;
    struct tg_mailbox *replies;
    struct tg_addr server;
    bool connected;
    bool closed;
    unsigned rtp;
};

static struct tg_rtc_reply *ask_offer(struct service *e, struct viewer *v,
                                      const struct tg_sdp_local *local)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));
    struct tg_buf text;
    void *reply = NULL;

    assert_non_null(req);
    tg_buf_init(&text, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_offer(&text, local), TG_OK);
    req->what = TG_RTC_WHEP_OFFER;
    req->conn.mb = v->replies;
    req->sdp = tg_slab_copy(text.data, text.len);
    tg_buf_done(&text);
    assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(e->w), req), TG_OK);
    tg_mailbox_wait(v->replies, PATIENCE_MS * TG_US_PER_MS);
    assert_int_equal(tg_mailbox_take(v->replies, &reply, 1), 1);
    return reply;
}

/* The answer's TCP candidate is where the worker listens, behind the UDP one. */
static void check_candidates(const struct tg_rtc_reply *reply, uint16_t port)
{
    char text[160];
    struct tg_buf sdp;

    tg_buf_init(&sdp, TG_SDP_MAX);
    tg_buf_add(&sdp, reply->sdp->data, reply->sdp->len);
    (void)snprintf(text, sizeof(text),
                   "a=candidate:1 1 udp 2130706431 127.0.0.1 %u typ host\r\n"
                   "a=candidate:2 1 tcp 1520435199 127.0.0.1 %u typ host tcptype passive\r\n",
                   port, port);
    assert_non_null(strstr(tg_buf_cstr(&sdp), text));
    tg_buf_done(&sdp);
}

static void viewer_open(struct viewer *v, struct service *e)
{
    static struct tg_sdp answer;
    struct tg_sdp_local local = {.ice_ufrag = "VIEW", .ice_pwd = "viewerPasswordOf24chars+"};
    struct tg_peer_cfg cfg = {.client = true, .receives = true, .rng = &v->rng};
    struct tg_rtc_reply *reply;
    const char *reason = "";

    memset(v, 0, sizeof(*v));
    v->rng = tg_rng_os();
    assert_int_equal(tg_mailbox_new(&v->replies, 4, tg_msg_free), TG_OK);
    assert_int_equal(tg_dtls_ctx_new(&v->ctx), TG_OK);
    memcpy(local.fingerprint, tg_dtls_ctx_fingerprint(v->ctx), sizeof(local.fingerprint));
    reply = ask_offer(e, v, &local);
    assert_int_equal(reply->err, TG_OK);
    check_candidates(reply, tg_rtc_worker_addr(e->w).port);
    assert_int_equal(
        tg_sdp_parse(&answer, (const char *)reply->sdp->data, reply->sdp->len, &reason), TG_OK);
    assert_int_equal(answer.media[0].candidate_count, 1); /* UDP alone, as ever */
    cfg.local_ufrag = local.ice_ufrag;
    cfg.local_pwd = local.ice_pwd;
    cfg.remote_ufrag = answer.media[0].ice_ufrag;
    cfg.remote_pwd = answer.media[0].ice_pwd;
    cfg.dtls_ctx = v->ctx;
    memcpy(cfg.remote_sha256, answer.media[0].fingerprint, sizeof(cfg.remote_sha256));
    assert_int_equal(tg_peer_new(&v->peer, &cfg, tg_clock_mono()), TG_OK);
    v->server = answer.media[0].candidates[0];
    v->server.tcp = 1;
    line_open(&v->line, v->server.port, 1);
    tg_peer_connect(v->peer, tg_clock_mono(), &v->server);
    tg_msg_free(reply);
}

static void viewer_drain(struct viewer *v)
{
    struct tg_peer_out out;

    while (tg_peer_poll(v->peer, &out)) {
        v->connected = v->connected || out.kind == TG_PEER_OUT_CONNECTED;
        v->closed = v->closed || out.kind == TG_PEER_OUT_CLOSED;
        v->rtp += out.kind == TG_PEER_OUT_RTP ? 1 : 0;
        if (out.kind == TG_PEER_OUT_SEND)
            line_send(&v->line, out.bytes.data, out.bytes.len);
    }
}

static void viewer_turn(struct viewer *v)
{
    struct pollfd p = {.fd = v->line.fd, .events = POLLIN};
    uint8_t *packet;
    size_t len;

    viewer_drain(v);
    (void)poll(&p, 1, 20);
    while (line_next(&v->line, &packet, &len)) {
        (void)tg_peer_input(v->peer, tg_clock_mono(), &v->server, packet, len);
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

static void viewer_until_count(struct viewer *v, const atomic_uint *count, unsigned want)
{
    const tg_us end = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;

    while (atomic_load(count) < want && tg_clock_mono() < end)
        viewer_turn(v);
    assert_true(atomic_load(count) >= want);
}

static void viewer_free(struct viewer *v)
{
    tg_peer_free(v->peer);
    tg_dtls_ctx_free(v->ctx);
    tg_mailbox_free(v->replies);
    line_close(&v->line);
}

static void wait_count(const atomic_uint *count, unsigned want)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;

    while (atomic_load(count) < want && tg_clock_mono() < end)
        (void)poll(NULL, 0, 1);
    assert_int_equal(atomic_load(count), want);
}

static void flood(struct service *e, unsigned packets)
{
    atomic_store(&e->flood, packets);
    tg_rtc_worker_wake(e->w);
}

static void test_worker_serves_a_viewer_by_tcp_alone(void **state)
{
    static struct viewer v;
    static struct service e;
    const tg_us end = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;
    const int64_t open_before = tg_metric_get(TG_M_rtc_tcp_connections);

    (void)state;
    service_open(&e, 0);
    viewer_open(&v, &e);
    viewer_until(&v, &v.connected);
    wait_count(&e.connected, 1);
    flood(&e, 30);
    while (v.rtp < 1 && tg_clock_mono() < end)
        viewer_turn(&v);
    assert_true(v.rtp >= 1); /* all have one number: the others are replays to the receiver */
    tg_peer_close(v.peer, tg_clock_mono());
    viewer_drain(&v);
    wait_count(&e.closed, 1);
    assert_int_equal(atomic_load(&e.reason), TG_PEER_REMOTE_CLOSED);
    while (!v.line.closed && tg_clock_mono() < end) /* its connection ends with it */
        viewer_turn(&v);
    assert_true(v.line.closed);
    viewer_free(&v);
    tg_rtc_worker_stop(e.w);
    assert_int_equal(tg_metric_get(TG_M_rtc_tcp_connections), open_before);
}

static void test_worker_stalls_a_viewer_who_does_not_read(void **state)
{
    static struct viewer v;
    static struct service e;
    const tg_us end = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;

    (void)state;
    service_open(&e, 0);
    viewer_open(&v, &e);
    viewer_until(&v, &v.connected);
    wait_count(&e.connected, 1);
    flood(&e, 5000);
    while (atomic_load(&e.stalled) == 0 && tg_clock_mono() < end)
        (void)poll(NULL, 0, 1);
    assert_true(atomic_load(&e.stalled) > 0);
    assert_true(atomic_load(&e.flood) > 4000); /* bounded: the most of 5 MB was not taken */
    assert_int_equal(atomic_load(&e.writable), 0);
    viewer_until_count(&v, &e.writable, 1); /* reading makes room */
    const tg_us then = tg_clock_mono() + 2 * PATIENCE_MS * TG_US_PER_MS;

    while (atomic_load(&e.flood) > 0 && tg_clock_mono() < then)
        viewer_turn(&v);
    assert_int_equal(atomic_load(&e.flood), 0); /* far more than fits, so again and again */
    viewer_free(&v);
    tg_rtc_worker_stop(e.w);
}

static void test_worker_follows_a_viewer_to_a_new_connection(void **state)
{
    static struct viewer v;
    static struct service e;

    (void)state;
    service_open(&e, 0);
    viewer_open(&v, &e);
    viewer_until(&v, &v.connected);
    wait_count(&e.connected, 1);
    line_close(&v.line);
    line_open(&v.line, v.server.port, 1);
    viewer_until_count(&v, &e.moved, 1); /* its next check comes within 2.5 s */
    flood(&e, 1);
    for (const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
         v.rtp == 0 && tg_clock_mono() < end;)
        viewer_turn(&v);
    assert_int_equal(v.rtp, 1);
    assert_int_equal(atomic_load(&e.closed), 0);
    viewer_free(&v);
    tg_rtc_worker_stop(e.w);
}

static void test_worker_ends_a_viewer_who_does_not_come_back(void **state)
{
    static struct viewer v;
    static struct service e;

    (void)state;
    service_open(&e, 300 * TG_US_PER_MS);
    viewer_open(&v, &e);
    viewer_until(&v, &v.connected);
    wait_count(&e.connected, 1);
    line_close(&v.line);
    wait_count(&e.closed, 1); /* consent alone would last 30 s */
    assert_int_equal(atomic_load(&e.reason), TG_PEER_CONSENT);
    viewer_free(&v);
    tg_rtc_worker_stop(e.w);
}

/* A check for nobody, a check with a wrong password, something else: closed at once. */
static void test_worker_closes_connections_of_strangers(void **state)
{
    static struct line l;
    static struct service e;
    static const char name[] = "AAAAAAAA:BBBB";
    const struct tg_stun check = {.type = TG_STUN_REQUEST,
                                  .username = {(const uint8_t *)name, sizeof(name) - 1},
                                  .has_controlling = true};
    uint8_t stun[TG_STUN_SIZE_MAX];
    size_t len = 0;

    (void)state;
    service_open(&e, 0);
    assert_int_equal(tg_stun_write(stun, sizeof(stun), &len, &check, "wrongPasswordOf24chars++"),
                     TG_OK);
    for (int i = 0; i < 2; i++) {
        const tg_us end = tg_clock_mono() + PATIENCE_MS * TG_US_PER_MS;
        uint8_t *packet;
        size_t got;

        line_open(&l, tg_rtc_worker_addr(e.w).port, 1);
        if (i == 0)
            line_send(&l, stun, len);
        else
            line_send(&l, "\x16\xfe\xfd", 3);
        while (!l.closed && tg_clock_mono() < end)
            (void)line_next(&l, &packet, &got);
        assert_true(l.closed);
        line_close(&l);
    }
    tg_rtc_worker_stop(e.w);
}

static void test_worker_tcp_port_taken_is_an_error(void **state)
{
    static struct service e;
    struct tg_rtc_worker_cfg cfg = {.listen = localhost, .tcp = true};
    struct tg_rtc_worker *w = NULL;

    (void)state;
    service_open(&e, 0);
    cfg.listen.port = tg_rtc_worker_addr(e.w).port;
    assert_int_equal(tg_rtc_worker_start(&w, &cfg), TG_ERR_IO);
    assert_null(w);
    tg_rtc_worker_stop(e.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_packets_go_both_ways),
        cmocka_unit_test(test_tcp_packets_of_one_turn_leave_in_one_send),
        cmocka_unit_test(test_tcp_first_frame_that_proves_nothing_ends_it),
        cmocka_unit_test(test_tcp_broken_frames_end_it),
        cmocka_unit_test(test_tcp_swarm_of_tiny_frames_ends_it),
        cmocka_unit_test(test_tcp_silent_newcomer_is_closed_after_ten_seconds),
        cmocka_unit_test(test_tcp_unproved_connections_are_bounded),
        cmocka_unit_test(test_tcp_slow_reader_is_bounded_and_goes_on),
        cmocka_unit_test(test_tcp_close_sends_what_is_queued),
        cmocka_unit_test(test_tcp_number_is_not_used_again_soon),
        cmocka_unit_test(test_tcp_without_memory),
        cmocka_unit_test(test_tcp_connections_without_memory),
        cmocka_unit_test(test_worker_serves_a_viewer_by_tcp_alone),
        cmocka_unit_test(test_worker_stalls_a_viewer_who_does_not_read),
        cmocka_unit_test(test_worker_follows_a_viewer_to_a_new_connection),
        cmocka_unit_test(test_worker_ends_a_viewer_who_does_not_come_back),
        cmocka_unit_test(test_worker_closes_connections_of_strangers),
        cmocka_unit_test(test_worker_tcp_port_taken_is_an_error),
    };
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* 1,200 sockets of both sides */
    }
    tg_log_set_level(TG_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
