/*
 * changes.h - what several nodes on one PostgreSQL database tell each other.
 *
 * A batch begins with the shop's lock (the row of shop_version), then reads which keys other nodes
 * changed since the version that this node's memory is of, and reads those keys anew: under the
 * lock memory is the truth, and deciding needs to know nothing of other nodes. A batch that wrote
 * adds its own keys in the same transaction. Nothing looks at which node it was: a batch of our own
 * whose COMMIT was cut off comes back the same way.
 *
 * What a person alone owns (carts, sums) is not read anew key by key: such caches are forgotten
 * whenever another node wrote; of a cart whoever looks on is told. Unpaid orders of others are
 * fetched when somebody needs them, or when they are due.
 *
 * To add a kind: a letter in store.h, a row in changes.c with the function that reads its keys (or
 * all of them), and a tg_changes_note where it is written. Owner: the sale thread.
 */
#ifndef TG_STORE_CHANGES_H
#define TG_STORE_CHANGES_H

#include "store/store_priv.h"

/* The batch touched this key. SQLite: nothing. Memory that fails shows at the commit. */
void tg_changes_note(struct tg_store_db *s, enum tg_change kind, const char *key);
/* ... by what a decision did. */
void tg_changes_note_effect(struct tg_store_db *s, const struct tg_effect *effect);
/* Takes the shop's lock. UNSUPPORTED: as tg_changes_fence(). On failure the transaction is over. */
TG_MUST_CHECK tg_err tg_changes_lock(struct tg_store_db *s);
/*
 * A newer torg may have changed the schema while this one ran: what this one would write is no use
 * there. The version comes with the lock and with each poll; who writes without the lock asks here.
 * UNSUPPORTED, and nothing is decided until it is ours again.
 */
TG_MUST_CHECK tg_err tg_changes_fence(struct tg_store_db *s);
/*
 * When a key that was read anew does not fit memory (MALFORMED) everything is read once; when that
 * does not fit either the node is behind: it decides nothing, says that it is not ready, and tries
 * again every two seconds.
 *
 * Opens the batch's transaction, takes the lock, brings memory up to date and loads unpaid orders
 * whose time is over. Errors: CLOSED (no connection), those of the store.
 */
TG_MUST_CHECK tg_err tg_changes_catch_up(struct tg_store_db *s, struct tg_shop_now now,
                                         struct tg_shop *shop);
/* Write what was noted, before the commit; the version that holds after it is *ret. */
TG_MUST_CHECK tg_err tg_changes_write(struct tg_store_db *s, tg_us wall, int64_t *ret);
/* Has another node written, or is an order due that nobody may have in memory? No lock. */
TG_MUST_CHECK tg_err tg_changes_poll(struct tg_store_db *s, struct tg_shop_now now, bool *ret);
/* Compare the clocks, when it is time; what cannot be measured well is left as it was. */
void tg_changes_clock(struct tg_db *db, struct tg_store_clock *clock, tg_us mono);
/* Now, by the database's clock. */
tg_us tg_changes_wall(const struct tg_store_clock *clock);
/* What memory is loaded from is of this version or a later one. */
TG_MUST_CHECK tg_err tg_changes_start(struct tg_store_db *s);

/* What a reload function gets. keys NULL = everything there is. */
struct tg_reload {
    struct tg_store_db *store; /* whose watcher hears of it; NULL = nobody, and no registry */
    struct tg_db *db;
    struct tg_shop_now now;
    struct tg_shop *shop;
    const char *const *keys;
    size_t count;
    bool lean;  /* everything: without archived ones that have no units */
    bool known; /* everything: only what memory has */
};
/* load_shop.c: replace what is in memory by what is on disk. Short numbers may change hands within
 * one call, in any order. */
TG_MUST_CHECK tg_err tg_reload_products(const struct tg_reload *r);
/* texts.c: what they are called in further languages; after the products. */
TG_MUST_CHECK tg_err tg_reload_texts(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_reload_variants(const struct tg_reload *r);
/* All of both, or without what finds no room and is not sold. */
TG_MUST_CHECK tg_err tg_reload_catalogue(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_load_next_number(const struct tg_reload *r);
/* One variant, when memory lacks it; nobody is told. */
TG_MUST_CHECK tg_err tg_bring_variant(struct tg_db *db, struct tg_shop_now now,
                                      struct tg_shop *shop, const char *sku);
/* load_stock.c: places; of variants all counts but main's, their rules and parts. */
TG_MUST_CHECK tg_err tg_reload_locations(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_reload_stock(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_reload_sales(const struct tg_reload *r);
/* load_registry.c */
TG_MUST_CHECK tg_err tg_reload_shows(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_reload_tokens(const struct tg_reload *r);
/* load_orders.c: those that await payment; and those whose time is over and that are not in
 * memory. */
TG_MUST_CHECK tg_err tg_reload_orders(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_load_due(const struct tg_reload *r);
/* show_rules.c */
TG_MUST_CHECK tg_err tg_reload_rules(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_reload_lines(const struct tg_reload *r);
/* load_price.c */
TG_MUST_CHECK tg_err tg_reload_prices(const struct tg_reload *r);
TG_MUST_CHECK tg_err tg_reload_codes(const struct tg_reload *r);
/* load.c. All rows of `all`, or those of the keys. */
TG_MUST_CHECK tg_err tg_reload_walk(const struct tg_reload *r, enum tg_sql all, enum tg_sql one,
                                    const struct tg_q_many *many);
/* tg_q_many.bind for keys that are texts, and numbers; ctx is the tg_reload. */
bool tg_reload_ask_text(void *ctx, size_t i, struct tg_q *q);
bool tg_reload_ask_number(void *ctx, size_t i, struct tg_q *q);
void tg_reload_tell(const struct tg_reload *r, enum tg_change kind, const char *key);
/* Tells the watcher of one key that was read anew; `err` goes through. */
TG_MUST_CHECK tg_err tg_reload_told(const struct tg_reload *r, enum tg_change kind, const char *key,
                                    tg_err err);
/* Is it in memory? Rows of a SKU that is archived and has no units may not be (tg_reload_catalogue)
 */
bool tg_row_kept(const struct tg_shop *shop, const char *sku);
/* What a loader says of a row that the shop refuses: it cannot have come from us. */
TG_MUST_CHECK tg_err tg_row_err(struct tg_db *db, const char *what, const char *id, tg_err err);

#endif
