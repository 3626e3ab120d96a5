/* catalogue_priv.h - rows of the catalogue as values; shared by the writing and the reading side.
 */
#ifndef TG_STORE_CATALOGUE_PRIV_H
#define TG_STORE_CATALOGUE_PRIV_H

#include "store/catalogue.h"

/* The current row of a CAT_PRODUCT* query. */
TG_MUST_CHECK tg_err tg_cat_row_product(const struct tg_q *row, struct tg_feed_arena *a,
                                        struct tg_feed_product *ret, int64_t *ret_version);
/* ... of a CAT_VARIANT* query, without prices and parts. */
TG_MUST_CHECK tg_err tg_cat_row_variant(const struct tg_q *row, struct tg_feed_arena *a,
                                        struct tg_feed_variant *ret,
                                        struct tg_cat_place *ret_place);
/* Its prices in further currencies and its parts, by queries of their own. */
TG_MUST_CHECK tg_err tg_cat_more(struct tg_db *db, struct tg_feed_arena *a,
                                 struct tg_feed_variant *v);
/* The words by which the search finds a product, and its categories. */
TG_MUST_CHECK tg_err tg_cat_index(struct tg_db *db, const struct tg_feed_product *p);
void tg_cat_row_import(const struct tg_q *row, struct tg_import *ret);
TG_MUST_CHECK tg_err tg_cat_db_import(struct tg_db *db, int64_t id, struct tg_import *ret);
/* read.c */
struct tg_db *tg_read_connection(struct tg_read_db *db);

#endif
