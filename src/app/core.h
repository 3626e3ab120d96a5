/*
 * core.h - the part of the server that needs no network: data directory, registry, store, and the
 * threads sale, live, journal and read. torgd puts media, rtc, rtmp and web around it; torgctl runs
 * it alone when no server holds the data directory.
 *
 * Thread: main. Order: open -> prepare -> run -> (work) -> halt -> free.
 */
#ifndef TG_APP_CORE_H
#define TG_APP_CORE_H

#include "app/admin.h"
#include "app/config.h"
#include "sale/sale.h"

struct tg_core;

struct tg_core_cfg {
    const char *data_dir;
    const struct tg_config *config; /* borrowed until free; NULL = the defaults */
    bool demo;                      /* seed the demo catalogue, allow the sandbox provider */
    bool no_backup; /* when the schema changes: the operator has a copy of his own */
};

/* What the threads need from outside; all may be empty. */
struct tg_core_peers {
    struct tg_mailbox *const *webs; /* live until tg_core_free */
    size_t web_count;
    void (*on_show_added)(void *ctx, const struct tg_show_info *show); /* on the sale thread */
    /* On the live thread: see tg_live_cfg.state_changed. */
    void (*on_show_state)(void *ctx, uint16_t show, enum tg_show_state state);
    void *ctx;
};

/*
 * Locks the data directory, opens the database and loads registry and shop. reason says in plain
 * words what is wrong. Errors: CONFLICT (another process has the directory), IO, NOMEM, MALFORMED,
 * UNSUPPORTED.
 */
TG_MUST_CHECK tg_err tg_core_open(struct tg_core **ret, const struct tg_core_cfg *cfg, char *reason,
                                  size_t reason_size);
struct tg_registry *tg_core_registry(struct tg_core *core);
/* Creates the services; their mailboxes exist from now on. */
TG_MUST_CHECK tg_err tg_core_prepare(struct tg_core *core, const struct tg_core_peers *peers,
                                     char *reason, size_t reason_size);
struct tg_sale *tg_core_sale(struct tg_core *core);
/* Where the shop is; its texts live as long as the core. */
struct tg_db_cfg tg_core_database(const struct tg_core *core);
struct tg_mailbox *tg_core_live_mailbox(struct tg_core *core);
struct tg_mailbox *const *tg_core_read_mailboxes(struct tg_core *core, size_t *ret_count);
/* Starts the threads. */
TG_MUST_CHECK tg_err tg_core_run(struct tg_core *core, char *reason, size_t reason_size);
/*
 * Stops the threads that run; what was posted before is still handled. The mailboxes stay, so late
 * posters (media, rtc workers) do no harm.
 */
void tg_core_halt(struct tg_core *core);
/* After halt: closes the database, gives the lock back, frees. NULL and half-made cores are legal.
 */
void tg_core_free(struct tg_core *core);

/* The operator's commands on this core's threads. Done with tg_admin_done. */
TG_MUST_CHECK tg_err tg_core_admin(struct tg_core *core, struct tg_admin *ret);

#endif
