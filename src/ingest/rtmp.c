/*
 * rtmp.c - the thread, its listener and its table of connections.
 */
#include "ingest/rtmp.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/rtmp_priv.h"

#define START_US (10 * (tg_us)TG_US_PER_S)
#define IDLE_US (30 * (tg_us)TG_US_PER_S)

static bool is_loopback(const struct tg_addr *a)
{
    static const uint8_t v6[16] = {[15] = 1};

    return tg_addr_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, v6, sizeof(v6)) == 0;
}

/* One address gets a quarter of the places, so that it cannot lock the others out. */
static bool too_many_from(const struct tg_rtmp *rtmp, const struct tg_addr *from)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rtmp->conn_count; i++)
        if (tg_rtmp_conn_is_from(rtmp->conns[i], from))
            count++;
    return count >= TG_MAX(rtmp->cfg.sessions_max / 4, 1U);
}

static void on_accept(void *ctx, int take_fd, const struct tg_addr *from, tg_us now)
{
    struct tg_rtmp *rtmp = ctx;
    bool trusted = rtmp->cfg.trust_loopback && is_loopback(from);

    if (rtmp->conn_count >= rtmp->cfg.sessions_max ||
        (!trusted &&
         (tg_failures_blocked(&rtmp->failures, from, now) || too_many_from(rtmp, from)))) {
        TG_COUNT(rtmp_limited_total);
        (void)close(take_fd); /* nothing can be done about a failing close */
        return;
    }
    tg_rtmp_conn_accept(rtmp, take_fd, from, now);
}

static void run(void *ctx)
{
    struct tg_rtmp *rtmp = ctx;

    tg_loop_run(rtmp->loop);
    while (rtmp->conn_count > 0)
        tg_rtmp_conn_end(rtmp->conns[0]);
}

tg_err tg_rtmp_start(struct tg_rtmp **ret, const struct tg_rtmp_cfg *cfg)
{
    struct tg_rtmp *rtmp;
    tg_err err;

    if (cfg->sessions_max > TG_RTMP_SESSIONS_MAX)
        return TG_ERR_LIMIT;
    rtmp = tg_calloc(1, sizeof(*rtmp));
    if (rtmp == NULL)
        return TG_ERR_NOMEM;
    rtmp->cfg = *cfg;
    if (rtmp->cfg.sessions_max == 0)
        rtmp->cfg.sessions_max = TG_RTMP_SESSIONS_MAX;
    if (rtmp->cfg.start_us_max == 0)
        rtmp->cfg.start_us_max = START_US;
    if (rtmp->cfg.idle_us_max == 0)
        rtmp->cfg.idle_us_max = IDLE_US;
    rtmp->rng = tg_rng_os();
    tg_failures_init(&rtmp->failures);
    err = tg_loop_new(&rtmp->loop);
    if (err == TG_OK)
        err = tg_tcp_listen(&rtmp->listener, rtmp->loop, &cfg->listen, on_accept, rtmp);
    if (err == TG_OK)
        err = tg_thread_start(&rtmp->thread, "rtmp", run, rtmp);
    if (err != TG_OK) {
        tg_rtmp_stop(rtmp);
        return err;
    }
    *ret = rtmp;
    return TG_OK;
}

void tg_rtmp_stop(struct tg_rtmp *rtmp)
{
    if (rtmp == NULL)
        return;
    if (rtmp->thread != NULL) {
        tg_loop_stop(rtmp->loop);
        tg_thread_join(rtmp->thread);
    }
    tg_tcp_listener_free(rtmp->listener);
    tg_loop_free(rtmp->loop);
    tg_free(rtmp);
}

struct tg_addr tg_rtmp_addr(const struct tg_rtmp *rtmp)
{
    return tg_tcp_listener_addr(rtmp->listener);
}
