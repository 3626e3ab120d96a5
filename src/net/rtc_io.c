/* The worker's two ways in and out: one UDP port, and the TCP port of the same number. */
#include <errno.h>
#include <string.h>

#include "base/metrics.h"
#include "net/rtc_worker_priv.h"

/* A free UDP port whose TCP twin is taken is given back, and another tried. */
enum { PORT_TRIES = 32 };

/* --- in --------------------------------------------------------------------------------------- */

static void read_input(struct tg_rtc_worker *w, tg_us now)
{
    for (int i = 0; i < TG_RTC_BATCHES_PER_TURN; i++) {
        const struct tg_udp_packet *packets;
        const size_t count = tg_udp_receive(w->udp, &packets);

        for (size_t k = 0; k < count; k++)
            tg_rtc_input(w, &packets[k], now);
        if (count < TG_UDP_BATCH) /* what came meanwhile makes the socket readable again */
            return;
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

static void on_tcp_frame(void *ctx, const struct tg_udp_packet *packet, tg_us now)
{
    tg_rtc_input(ctx, packet, now);
}

static void on_tcp_writable(void *ctx, const struct tg_addr *addr, tg_us now)
{
    struct session *s = tg_rtc_by_addr(ctx, addr);

    if (s != NULL && tg_addr_equal(&s->pub.remote, addr))
        tg_rtc_writable(s, now);
}

static void on_tcp_closed(void *ctx, const struct tg_addr *addr, tg_us now)
{
    tg_rtc_lost(ctx, addr, now);
}

/* --- out -------------------------------------------------------------------------------------- */

uint8_t *tg_rtc_reserve(struct tg_rtc_worker *w, struct tg_rtc_session *s, size_t cap)
{
    uint8_t *out;

    if (s->remote.tcp == 0)
        return tg_udp_reserve(w->udp, cap);
    out = w->tcp == NULL ? NULL : tg_rtc_tcp_reserve(w->tcp, &s->remote, cap);
    s->stalled = out == NULL;
    return out;
}

void tg_rtc_commit(struct tg_rtc_worker *w, struct tg_rtc_session *s, size_t len)
{
    if (s->remote.tcp == 0)
        tg_udp_commit(w->udp, &s->remote, len);
    else
        tg_rtc_tcp_commit(w->tcp, &s->remote, len);
}

void tg_rtc_pass(struct tg_rtc_worker *w)
{
    tg_udp_pass(w->udp);
}

bool tg_rtc_io_send(struct tg_rtc_worker *w, const struct tg_addr *to, struct tg_span packet)
{
    uint8_t *out;

    if (to->tcp == 0)
        return tg_udp_send(w->udp, to, packet.data, packet.len);
    out = w->tcp == NULL || packet.len > TG_UDP_PACKET_MAX
              ? NULL
              : tg_rtc_tcp_reserve(w->tcp, to, packet.len);
    if (out == NULL)
        return false;
    memcpy(out, packet.data, packet.len);
    tg_rtc_tcp_commit(w->tcp, to, packet.len);
    return true;
}

void tg_rtc_io_flush(struct tg_rtc_worker *w, tg_us now)
{
    const bool left = !tg_udp_flush(w->udp);

    if (left != w->udp_wants_out) {
        w->udp_wants_out = left;
        tg_loop_rewatch(w->loop, &w->udp_watch, EPOLLIN | (left ? EPOLLOUT : 0u));
    }
    if (w->tcp != NULL)
        tg_rtc_tcp_turn(w->tcp, now);
}

/* --- counting --------------------------------------------------------------------------------- */

static void add(enum tg_metric metric, uint64_t now, uint64_t before)
{
    if (now != before)
        tg_metric_add(metric, (int64_t)(now - before));
}

static void report_tcp(struct tg_rtc_worker *w)
{
    const struct tg_rtc_tcp_stats *now = tg_rtc_tcp_stats(w->tcp);
    struct tg_rtc_tcp_stats *old = &w->tcp_reported;

    add(TG_M_rtc_packets_in_total, now->packets_in, old->packets_in);
    add(TG_M_rtc_bytes_in_total, now->bytes_in, old->bytes_in);
    add(TG_M_rtc_packets_out_total, now->packets_out, old->packets_out);
    add(TG_M_rtc_bytes_out_total, now->bytes_out, old->bytes_out);
    add(TG_M_rtc_sends_total, now->calls_out, old->calls_out);
    add(TG_M_rtc_tcp_full_total, now->full, old->full);
    *old = *now;
}

void tg_rtc_io_report(struct tg_rtc_worker *w)
{
    const struct tg_udp_stats *now = tg_udp_stats(w->udp);
    struct tg_udp_stats *old = &w->reported;

    add(TG_M_rtc_packets_in_total, now->packets_in, old->packets_in);
    add(TG_M_rtc_bytes_in_total, now->bytes_in, old->bytes_in);
    add(TG_M_rtc_malformed_total, now->oversize_in, old->oversize_in);
    add(TG_M_rtc_packets_out_total, now->packets_out, old->packets_out);
    add(TG_M_rtc_bytes_out_total, now->bytes_out, old->bytes_out);
    add(TG_M_rtc_sends_total, now->calls_out, old->calls_out);
    add(TG_M_rtc_send_dropped_total, now->dropped_out, old->dropped_out);
    *old = *now;
    if (w->tcp != NULL)
        report_tcp(w);
    add(TG_M_rtc_malformed_total, (uint64_t)w->counts.malformed, 0);
    add(TG_M_rtc_unknown_total, (uint64_t)w->counts.unknown, 0);
    add(TG_M_rtc_auth_failed_total, (uint64_t)w->counts.auth, 0);
    add(TG_M_rtc_refused_total, (uint64_t)w->counts.refused, 0);
    w->counts = (struct counts){0};
}

/* --- ports ------------------------------------------------------------------------------------ */

static tg_err open_tcp(struct tg_rtc_worker *w)
{
    struct tg_rtc_tcp_cfg cfg = {.loop = w->loop,
                                 .listen = w->cfg.listen,
                                 .on_frame = on_tcp_frame,
                                 .on_writable = on_tcp_writable,
                                 .on_closed = on_tcp_closed,
                                 .ctx = w};

    cfg.listen.port = tg_udp_addr(w->udp).port;
    return tg_rtc_tcp_new(&w->tcp, &cfg);
}

static tg_err open_ports(struct tg_rtc_worker *w)
{
    tg_err err = TG_OK;

    for (int i = 0; i < PORT_TRIES; i++) {
        err = tg_udp_new(&w->udp, &w->cfg.listen);
        if (err == TG_OK && w->cfg.tcp)
            err = open_tcp(w);
        if (err != TG_ERR_IO || errno != EADDRINUSE || w->cfg.listen.port != 0)
            return err;
        tg_udp_free(w->udp);
        w->udp = NULL;
    }
    return err;
}

tg_err tg_rtc_io_open(struct tg_rtc_worker *w)
{
    tg_err err = open_ports(w);

    if (err == TG_OK)
        err = tg_loop_watch(w->loop, &w->udp_watch, tg_udp_fd(w->udp), EPOLLIN, on_udp, w);
    return err;
}

void tg_rtc_io_close(struct tg_rtc_worker *w)
{
    tg_rtc_tcp_free(w->tcp);
    tg_udp_free(w->udp);
}
