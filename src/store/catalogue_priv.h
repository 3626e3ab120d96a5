/* catalogue_priv.h - rows of the catalogue as values; shared by the writing and the reading side.
 */
#ifndef TG_STORE_CATALOGUE_PRIV_H
#define TG_STORE_CATALOGUE_PRIV_H

#include "store/catalogue.h"

/* What is read at once stops here, so that the arena has room for a large product. */
enum { TG_CAT_AHEAD_BYTES = TG_FEED_PRODUCT_MAX / 8 };

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
struct tg_store_db;
/* catalogue_index.c: the words by which the search finds a product, its categories and attributes;
 * none of one that is archived. is_new: it has none yet. */
TG_MUST_CHECK tg_err tg_cat_index(struct tg_store_db *s, const struct tg_feed_product *p,
                                  bool is_new);
/* The options of a variant, as attributes of its product. place->version 1 = it is new. */
TG_MUST_CHECK tg_err tg_cat_index_variant(struct tg_db *db, const struct tg_cat_place *place,
                                          const struct tg_feed_variant *v);
void tg_cat_row_import(const struct tg_q *row, struct tg_import *ret);
TG_MUST_CHECK tg_err tg_cat_db_import(struct tg_db *db, int64_t id, struct tg_import *ret);
/* read.c */
struct tg_db *tg_read_connection(struct tg_read_db *db);
const struct tg_taxes *tg_read_taxes(const struct tg_read_db *db);
/* read_search.c: ids first, for a statement is not open while others run (PostgreSQL), and memory
 * stays small. Adds those that are not there yet, until it is full; cursor = the number. */
TG_MUST_CHECK tg_err tg_cat_take_ids(struct tg_q *q, struct tg_cat_found *found, int number_column,
                                     int id_column);
/* The filter's values of TG_SQL_PASSES, from ?3 on. */
void tg_cat_bind_filter(struct tg_q *q, const struct tg_cat_filter *filter);
/* By words: the products at filter->above and behind it, within the caller's snapshot. */
TG_MUST_CHECK tg_err tg_cat_search(struct tg_db *db, const struct tg_cat_filter *filter,
                                   struct tg_cat_found *ret);

#endif
