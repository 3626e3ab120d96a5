/*
 * rtmp.h - the RTMP listener: encoders (OBS, ffmpeg, hardware) publish H.264 and AAC to a show.
 * Spec: CONTRACT, "Hosts send video"; the protocol is proto/rtmp_session.h. RTMPS is planned.
 *
 * One thread with one loop owns the listener and all its sessions. It calls the functions of the
 * configuration, which must not block.
 */
#ifndef TG_INGEST_RTMP_H
#define TG_INGEST_RTMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/macros.h"
#include "msg/live.h"
#include "msg/media.h"

struct tg_rtmp;

struct tg_rtmp_cfg {
    struct tg_addr listen; /* port 0 = any free one */
    unsigned sessions_max; /* 0 = TG_RTMP_SESSIONS_MAX, which is also the most */
    bool trust_loopback;   /* demo: no limits per address for 127.0.0.0/8 and ::1 */
    tg_us latency_us;      /* ingest.latency_ms: from the camera to our door */
    tg_us start_us_max;    /* from connect to publish; 0 = 10 s */
    tg_us idle_us_max;     /* a publisher that sends nothing is closed; 0 = 30 s */
    struct tg_source_ops ops;
    /*
     * May this key publish? show is "" when the encoder gave the key alone. Asked at publish and
     * again every 5 s, so that a revoked key ends its stream. Errors: AUTH, NOTFOUND; anything else
     * means "cannot say now".
     */
    tg_err (*check_key)(void *ctx, const char *show, const char *key, uint16_t *ret_show,
                        tg_us *ret_epoch_us);
    /* Something the host must know, in plain words, beyond the encoder's own message. May be
     * NULL. */
    void (*notice)(void *ctx, uint16_t show, const char *text);
    /* Once a second for every publisher, waiting or on air; head is not set. May be NULL. */
    void (*uplink)(void *ctx, const struct tg_live_uplink *uplink);
    void *ctx; /* of the three above */
};

/* Listens when it returns. Errors: NOMEM, LIMIT (sessions_max), IO (port in use; errno tells). */
TG_MUST_CHECK tg_err tg_rtmp_start(struct tg_rtmp **ret, const struct tg_rtmp_cfg *cfg);
/* Tells the publishers, closes their sources, joins the thread. NULL is legal. */
void tg_rtmp_stop(struct tg_rtmp *rtmp);
struct tg_addr tg_rtmp_addr(const struct tg_rtmp *rtmp);

#endif
