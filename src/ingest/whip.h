/*
 * whip.h - WHIP publishers: browsers, phones and encoders that send H.264 or VP8 with Opus over
 * WebRTC. Spec: RFC 9725; CONTRACT, "Hosts send video".
 *
 * One handler for each rtc worker; sessions live on that worker's thread, where the functions of
 * the configuration are called and must not block. Owner: app/ (new before the workers, free after
 * them).
 */
#ifndef TG_INGEST_WHIP_H
#define TG_INGEST_WHIP_H

#include <stdbool.h>

#include "msg/live.h"
#include "msg/media.h"
#include "net/rtc_worker.h"

struct tg_whip;

enum { TG_WHIP_WORKERS_MAX = 64, TG_WHIP_PUBLISHERS_MAX = 64 };

struct tg_whip_cfg {
    unsigned workers; /* 1..TG_WHIP_WORKERS_MAX */
    unsigned
        publishers_max;  /* of all workers; 0 = TG_WHIP_PUBLISHERS_MAX, which is also the most */
    tg_us grace_us;      /* a line that is gone for so long ends its session; 0 = 60 s */
    unsigned start_kbps; /* what browsers begin with; 0 = not said */
    struct tg_source_ops ops;
    /* Asked every 5 s: may this token (its public id) still publish to the show? */
    bool (*still_valid)(void *ctx, const char *token, uint16_t show);
    /* Once a second for every connected publisher, waiting or on air; head is not set. */
    void (*uplink)(void *ctx, const struct tg_live_uplink *uplink);
    /* Something the host must know, in plain words. */
    void (*notice)(void *ctx, uint16_t show, const char *text);
    void *ctx; /* of the three above; each may be NULL */
};

/* Errors: NOMEM, LIMIT (workers, publishers_max). */
TG_MUST_CHECK tg_err tg_whip_new(struct tg_whip **ret, const struct tg_whip_cfg *cfg);
/* After the rtc workers have stopped. NULL is legal. */
void tg_whip_free(struct tg_whip *whip);
/* For tg_rtc_worker_cfg.handlers of worker `index`. Valid until free. */
const struct tg_rtc_handler *tg_whip_handler(struct tg_whip *whip, unsigned index);
/* Any thread: sessions now, connected or not. */
unsigned tg_whip_publishers(const struct tg_whip *whip);

#endif
