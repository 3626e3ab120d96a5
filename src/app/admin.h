/*
 * admin.h - the operator's commands: one JSON object in, one out.
 *
 * torgctl sends them over DIR/torgd.sock (mode 0600; whoever can open it may do everything), or
 * runs them in its own process when no server holds the data directory. Each command becomes
 * ordinary requests to the sale, read and live threads and waits for their answer.
 *
 *   {"cmd":"show.create","show":"spring","title":"Spring"}
 *   {"ok":true,...}   or   {"ok":false,"message":"..."}
 *
 * Thread: the caller's, one command at a time; as many of them as there are callers.
 */
#ifndef TG_APP_ADMIN_H
#define TG_APP_ADMIN_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "base/mailbox.h"
#include "store/db.h"
#include "store/registry.h"

enum { TG_ADMIN_LINE_MAX = 16 * 1024, TG_ADMIN_ANSWER_MAX = 4 * 1024 * 1024 };

struct tg_admin {
    struct tg_registry *registry;
    struct tg_mailbox *sale;
    struct tg_mailbox *live;
    struct tg_mailbox *read;
    struct tg_db_cfg db; /* for backups; borrowed texts, url NULL = none can be made */
    struct tg_cidr_list hook_networks; /* webhooks.allow_networks */
    const atomic_bool *stop;           /* breaks off what takes long; NULL = nothing does */
    unsigned lane;            /* a number of its own among those that work at the same time */
    struct tg_mailbox *inbox; /* where answers come; owned, see tg_admin_init */
    uint32_t next; /* numbers requests, so that a late answer is not taken for another's */
};

/* The mailboxes are borrowed. Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_admin_init(struct tg_admin *admin, struct tg_registry *registry,
                                   struct tg_mailbox *sale, struct tg_mailbox *live,
                                   struct tg_mailbox *read);
void tg_admin_done(struct tg_admin *admin);
/* Runs one command; out always gets one JSON object (without newline). Waits up to 10 s for a
 * thread's answer; backup and audit take as long as they take. */
void tg_admin_run(struct tg_admin *admin, const char *line, size_t len, struct tg_buf *out);
#endif
