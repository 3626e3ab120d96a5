/*
 * audit.h - does what is on the disk agree with itself? Every number is derived anew from the
 * movements and orders. For `torgctl stock audit`, and before and after the schema changes.
 */
#ifndef TG_STORE_AUDIT_H
#define TG_STORE_AUDIT_H

#include "store/store.h"

/* Every item and place with its numbers, by SKU and place. In the caller's transaction. */
TG_MUST_CHECK tg_err tg_db_audit(struct tg_db *db, tg_audit_fn each, void *ctx);

/*
 * The same on one snapshot of a connection of its own: nobody waits for it, and it takes as long as
 * it takes (a million orders: 3 s of a core on SQLite, 4 s on PostgreSQL). Errors: as
 * tg_db_open with reterr; CLOSED when *stop became true. Blocks; any thread.
 */
TG_MUST_CHECK tg_err tg_audit_snapshot(const struct tg_db_cfg *cfg, const atomic_bool *stop,
                                       tg_audit_fn each, void *ctx, char reterr[256]);

/* Only kept_* and offered are filled: what the disk keeps of the SKUs above `above`, so many of
 * them. On the sale thread, where memory must agree. */
TG_MUST_CHECK tg_err tg_store_audit_page(struct tg_store *store, const char *above, uint32_t limit,
                                         tg_audit_fn each, void *ctx);

/* How much there is of everything that no step of the schema may lose. */
enum { TG_TALLY_SIZE = 10 };
struct tg_tally {
    int64_t rows[TG_TALLY_SIZE];
};
TG_MUST_CHECK tg_err tg_db_tally(struct tg_db *db, struct tg_tally *ret);
/* After the last step, inside its transaction: nothing is lost, nothing dangles, the stock adds up.
 * MALFORMED with the reason in db->error. */
TG_MUST_CHECK tg_err tg_db_verify(struct tg_db *db, const struct tg_tally *before);

#endif
