/* texts_priv.h - rows of product_texts as values; shared by the writing and the reading side. */
#ifndef TG_STORE_TEXTS_PRIV_H
#define TG_STORE_TEXTS_PRIV_H

#include "base/texts.h"
#include "feed/product.h"
#include "store/db.h"

enum { TG_TEXT_OPTIONS_MAX = 16 * 1024 };

/* Rows of one product, one after the other. */
struct tg_texts_row {
    uint32_t count;
    struct tg_text texts[TG_TEXTS_MAX];
    char *owned[TG_TEXTS_MAX][3];
};
void tg_texts_row_init(struct tg_texts_row *t);
/* The current row of a TEXTS* query. NOMEM. */
TG_MUST_CHECK tg_err tg_texts_row_add(struct tg_texts_row *t, const struct tg_q *q);
/* What came so far; *ret NULL = none. Empty again. NOMEM. */
TG_MUST_CHECK tg_err tg_texts_row_take(struct tg_texts_row *t, struct tg_langs **ret);
void tg_texts_row_done(struct tg_texts_row *t);

/* Within the batch. is_new: there were none before. */
TG_MUST_CHECK tg_err tg_cat_put_texts(struct tg_db *db, const struct tg_feed_product *p,
                                      bool is_new);

#endif
