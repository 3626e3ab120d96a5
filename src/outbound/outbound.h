/*
 * outbound.h - the thread that calls the world: webhooks from the outbox.
 *
 * Rows of `outbox` and `deliveries` are written by sale in the transaction of what they tell of.
 * This thread reads them on a connection of its own, asks sale to lease some (TG_SALE_HOOK_WORK),
 * delivers those that it got after the commit, and sends what came of them back the same way.
 * At least once: a crash between the answer of an endpoint and the commit delivers again, under the
 * same webhook-id. Spec: Standard Webhooks 1.0.
 */
#ifndef TG_OUTBOUND_OUTBOUND_H
#define TG_OUTBOUND_OUTBOUND_H

#include "base/mailbox.h"
#include "base/rng.h"
#include "msg/webhook.h"
#include "store/hooks.h"

struct tg_outbound;

struct tg_outbound_cfg {
    struct tg_read_db *db;     /* borrowed; this thread's alone from start to stop */
    struct tg_mailbox *sale;   /* borrowed */
    struct tg_cidr_list allow; /* internal networks that may be called, also with http:// */
    const char *version;       /* for User-Agent; NULL = none; static */
    /*
     * Who leases. "" = a random name: other nodes have this database too, and what they hold is
     * left alone until its lease ends. A fixed name says that there is only one: what its own
     * earlier life held is taken up at once.
     */
    char node[TG_HOOK_NODE_SIZE];
    struct tg_rng *rng; /* NULL = the kernel's; borrowed */
    tg_us timeout_us;   /* of one call, 0 = 15 s */
    tg_us poll_us;      /* between two looks into the database, 0 = 250 ms */
    tg_us failing_us;   /* an endpoint that takes nothing for so long is switched off; 0 = 5 days */
};

/* Errors: NOMEM, IO (libcurl cannot start). Call before other threads run: it initialises libcurl.
 */
TG_MUST_CHECK tg_err tg_outbound_new(struct tg_outbound **ret, const struct tg_outbound_cfg *cfg);
/* When sale has stopped: it answers into our mailbox. NULL is legal. */
void tg_outbound_free(struct tg_outbound *o);
/* Sale answers here. Capacity TG_MB_OUTBOUND. */
struct tg_mailbox *tg_outbound_mailbox(struct tg_outbound *o);
/* Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_outbound_start(struct tg_outbound *o);
/*
 * Ends and joins, after 1.5 s at the latest: calls that still run then are broken off and their
 * leases given back, so stop it before sale. Legal without a start.
 */
void tg_outbound_stop(struct tg_outbound *o);

#endif
