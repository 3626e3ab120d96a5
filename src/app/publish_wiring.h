/*
 * publish_wiring.h - who may publish, and the way of publishers (RTMP, WHIP) into a show: joins
 * ingest with media's source operations, the registry of tokens and live.
 *
 * Thread: main, except tg_publish_tell_live (any). The callbacks behind it run on rtmp and rtc
 * workers.
 */
#ifndef TG_APP_PUBLISH_WIRING_H
#define TG_APP_PUBLISH_WIRING_H

#include "app/config.h"
#include "msg/live.h"
#include "net/rtc_worker.h"
#include "store/registry.h"

struct tg_publish;

/* Borrowed until tg_publish_free. */
struct tg_publish_cfg {
    const struct tg_config *config;
    bool demo;
    unsigned workers; /* rtc workers */
    struct tg_source_ops ops;
    struct tg_registry *registry;
    struct tg_mailbox *live;
};

/* Errors: NOMEM, LIMIT. */
TG_MUST_CHECK tg_err tg_publish_new(struct tg_publish **ret, const struct tg_publish_cfg *cfg,
                                    char *reason, size_t reason_size);
/* For rtc worker `index`: WHIP sessions. */
const struct tg_rtc_handler *tg_publish_handler(struct tg_publish *p, unsigned index);
/* Opens the RTMP port, unless it is off. */
TG_MUST_CHECK tg_err tg_publish_listen(struct tg_publish *p, char *reason, size_t reason_size);
/* Ends RTMP publishers; WHIP ends with the rtc workers. */
void tg_publish_unlisten(struct tg_publish *p);
/* After the rtc workers. NULL is legal. */
void tg_publish_free(struct tg_publish *p);
/* 0 = RTMP is off. */
unsigned tg_publish_rtmp_port(const struct tg_publish *p);

/* change = false: what live knows of the source stays as it is, the notice is news. */
void tg_publish_tell_live(struct tg_mailbox *live, const struct tg_air *air, bool change);

#endif
