/* rows_priv.h - rows of the database as values; shared by the writing and the reading side. */
#ifndef TG_STORE_ROWS_PRIV_H
#define TG_STORE_ROWS_PRIV_H

#include "shop/shop.h"
#include "store/db.h"

/*
 * The order in the current row of a TG_SQL_ORDER_* query, with its lines. MALFORMED: the row breaks
 * the schema's rules. NOMEM, IO. NOTFOUND is for the caller to see: no row.
 */
TG_MUST_CHECK tg_err tg_row_order(struct tg_db *db, const struct tg_q *row, struct tg_order **ret);
/* An order that cannot be read (MALFORMED) is told of, now and then, and passed over: OK. Other
 * errors come back. */
TG_MUST_CHECK tg_err tg_row_damaged(struct tg_db *db, tg_us mono, tg_err err);
/*
 * The same in pieces, when many orders are read at once: the order without its lines and takes, and
 * how many rows of takes it has; the rows of ORDER_LINES and ORDER_TAKES in their order (false:
 * more than there may be); then what it must add up to.
 */
TG_MUST_CHECK tg_err tg_row_order_head(const struct tg_q *row, struct tg_order **ret,
                                       uint32_t *ret_takes);
TG_MUST_CHECK bool tg_row_order_line(struct tg_order *order, uint32_t at, const struct tg_q *row);
TG_MUST_CHECK bool tg_row_order_take(struct tg_order *order, uint32_t rows, const struct tg_q *row);
TG_MUST_CHECK tg_err tg_row_order_whole(struct tg_db *db, struct tg_order *order);
/* What was asked of its payment provider, into the order. MALFORMED, NOMEM, IO. */
TG_MUST_CHECK tg_err tg_row_intents(struct tg_db *db, struct tg_order *order);
/* One order by a text key (ORDER_BY_ID, ORDER_BY_PAYMENT). NOTFOUND. */
TG_MUST_CHECK tg_err tg_row_order_by(struct tg_db *db, enum tg_sql which, const char *key,
                                     struct tg_order **ret);
void tg_row_location(const struct tg_q *row, struct tg_location *ret);
void tg_row_product(const struct tg_q *row, struct tg_product *ret);
/* Columns from `first` on: sku ... sold, version, as in VARIANTS without product_id. */
void tg_row_variant(const struct tg_q *row, int first, struct tg_variant *ret);
/* rows_price.c: the code in the current row of a TG_SQL_CODE_COLUMNS query, with its lists; show =
 * its show's public id, "" = every show. MALFORMED, NOMEM, IO. */
TG_MUST_CHECK tg_err tg_row_discount(struct tg_db *db, const struct tg_q *row,
                                     struct tg_discount **ret, char show[TG_SHOW_ID_MAX + 1]);

struct tg_hook;
/* Of a TG_SQL_HOOK_COLUMNS query. */
void tg_row_hook(const struct tg_q *row, struct tg_hook *ret);

struct tg_read_db;
/* read.c: a reader's connection, for the room's other reading files. */
struct tg_db *tg_read_conn(struct tg_read_db *db);
/* One snapshot for a read of several statements; ends it and passes err on. */
TG_MUST_CHECK tg_err tg_read_begin(struct tg_read_db *db);
TG_MUST_CHECK tg_err tg_read_end(struct tg_read_db *db, tg_err err);

#endif
