/*
 * server.h - torgd as one object: who is created, wired, started and stopped in which order.
 *
 * Thread: main. The one list of the order is in server.c, start_all and tg_server_stop.
 */
#ifndef TG_APP_SERVER_H
#define TG_APP_SERVER_H

#include <stdbool.h>

#include "app/config.h"
#include "base/err.h"

struct tg_server;

struct tg_server_cfg {
    const struct tg_config *config; /* borrowed until stop */
    const char *data_dir;
    bool demo;
    bool no_backup; /* see tg_core_cfg */
};

/* Starts everything. reason says in plain words what is wrong; nothing is left running then. */
TG_MUST_CHECK tg_err tg_server_start(struct tg_server **ret, const struct tg_server_cfg *cfg,
                                     char *reason, size_t reason_size);
/* Prints URLs and, in the demo, freshly minted logins to stdout; ends with "torg is ready.". */
void tg_server_announce(struct tg_server *server);
/* Waits for SIGTERM or SIGINT; reload() on SIGHUP. The signals are blocked. */
void tg_server_run(void (*reload)(void *ctx), void *ctx);
/* The keys that SIGHUP applies, except log.level. fresh is checked, and borrowed for the call. */
void tg_server_reload(struct tg_server *server, const struct tg_config *fresh);
/* Stops every thread and frees. NULL is legal. */
void tg_server_stop(struct tg_server *server);

#endif
