/* Products and variants with their details: rows to values and back. */
#include <string.h>

#include "base/str.h"
#include "store/catalogue_priv.h"
#include "store/changes.h"
#include "store/store_priv.h"
#include "store/texts_priv.h"

enum { DOC_MAX = 4 << 20 };

static struct tg_db *db_of(struct tg_store *store)
{
    return &tg_store_db(store->ops->real(store))->db;
}

static const char *column(const struct tg_q *row, struct tg_feed_arena *a, int index)
{
    const char *text = tg_q_get_text(row, index);

    return tg_feed_text(a, text, strlen(text));
}

/* --- rows to values --- */

enum product_column {
    P_ID,
    P_NUMBER,
    P_ARCHIVED,
    P_VERSION,
    P_TITLE,
    P_TEXT,
    P_IMAGE,
    P_ALT,
    P_DOC
};

static tg_err from_columns(const struct tg_q *row, struct tg_feed_arena *a,
                           struct tg_feed_product *p)
{
    const char *doc = tg_q_get_text(row, P_DOC);

    if (doc[0] != '\0')
        return tg_feed_product_read(a, p, doc, strlen(doc), NULL, NULL);
    tg_feed_product_init(p);
    p->title = column(row, a, P_TITLE);
    p->description = column(row, a, P_TEXT);
    if (tg_q_get_text(row, P_IMAGE)[0] != '\0') {
        struct tg_feed_picture *picture = TG_FEED_ADD(a, &p->pictures, TG_FEED_PICTURES_MAX);

        if (picture == NULL)
            return a->err;
        picture->url = column(row, a, P_IMAGE);
        picture->alt = column(row, a, P_ALT);
    }
    return TG_OK;
}

static void say_everything(struct tg_feed_product *p)
{
    p->description = p->description == NULL ? "" : p->description;
    p->brand = p->brand == NULL ? "" : p->brand;
    p->title = p->title == NULL ? "" : p->title;
    p->texts.given = true;
    p->pictures.given = true;
    p->categories.given = true;
    p->attributes.given = true;
    p->accessories.given = true;
    p->related.given = true;
}

tg_err tg_cat_row_product(const struct tg_q *row, struct tg_feed_arena *a,
                          struct tg_feed_product *ret, int64_t *ret_version)
{
    tg_err err = from_columns(row, a, ret);

    if (err != TG_OK)
        return err;
    ret->id = column(row, a, P_ID);
    ret->number = tg_q_get_int(row, P_NUMBER);
    ret->archived = tg_q_get_int(row, P_ARCHIVED);
    *ret_version = tg_q_get_int(row, P_VERSION);
    say_everything(ret);
    return a->err;
}

enum variant_column {
    V_SKU,
    V_PRODUCT,
    V_POSITION,
    V_VERSION,
    V_ARCHIVED,
    V_OPTIONS,
    V_PRICE,
    V_COMPARE,
    V_COST,
    V_TAX,
    V_BARCODE,
    V_DOC,
    V_FLASH,
    V_MORE /* of TG_SQL_CAT_VARIANT: prices in further currencies, and parts */
};

tg_err tg_cat_row_variant(const struct tg_q *row, struct tg_feed_arena *a,
                          struct tg_feed_variant *ret, struct tg_cat_place *ret_place)
{
    const char *doc = tg_q_get_text(row, V_DOC);
    tg_err err = TG_OK;

    if (doc[0] != '\0')
        err = tg_feed_variant_read(a, ret, doc, strlen(doc), NULL, NULL);
    else
        tg_feed_variant_init(ret);
    if (err == TG_OK)
        err = tg_feed_options_read(a, &ret->options, tg_q_get_text(row, V_OPTIONS));
    if (err != TG_OK)
        return err;
    ret->sku = column(row, a, V_SKU);
    ret->price = tg_q_get_int(row, V_PRICE);
    ret->compare_at = tg_q_get_int(row, V_COMPARE);
    ret->cost = tg_q_get_int(row, V_COST);
    ret->archived = tg_q_get_int(row, V_ARCHIVED);
    ret->tax_class = column(row, a, V_TAX);
    ret->barcode = column(row, a, V_BARCODE);
    if (ret->weight_g == TG_FEED_KEEP)
        ret->weight_g = -1;
    ret->pictures.given = true;
    *ret_place = (struct tg_cat_place){.position = tg_q_get_int(row, V_POSITION),
                                       .version = tg_q_get_int(row, V_VERSION)};
    tg_q_copy_text(row, V_PRODUCT, ret_place->product_id, sizeof(ret_place->product_id));
    return a->err;
}

tg_err tg_cat_more(struct tg_db *db, struct tg_feed_arena *a, struct tg_feed_variant *v)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_PRICES);
    tg_err err;

    v->prices = (struct tg_feed_prices){.given = true};
    v->parts = (struct tg_feed_parts){.given = true};
    tg_q_text(&q, v->sku);
    while (tg_q_row(&q)) {
        struct tg_feed_price *price = TG_FEED_ADD(a, &v->prices, TG_FEED_PRICES_MAX);

        if (price == NULL)
            break;
        tg_q_copy_text(&q, 0, price->currency, sizeof(price->currency));
        price->price = tg_q_get_int(&q, 1);
    }
    err = tg_q_end(&q);
    if (err != TG_OK)
        return err;
    q = tg_q(db, TG_SQL_CAT_PARTS);
    tg_q_text(&q, v->sku);
    while (tg_q_row(&q)) {
        struct tg_feed_part *part = TG_FEED_ADD(a, &v->parts, TG_BUNDLE_PARTS_MAX);

        if (part == NULL)
            break;
        part->sku = column(&q, a, 0);
        part->qty = tg_q_get_int(&q, 1);
    }
    err = tg_q_end(&q);
    return err != TG_OK ? err : a->err;
}

/* --- the writing side --- */

tg_err tg_cat_product(struct tg_store *store, struct tg_feed_arena *a, const char *id,
                      struct tg_feed_product *ret, int64_t *ret_version)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_PRODUCT);
    tg_err err = TG_ERR_NOTFOUND;
    tg_err ended;

    tg_q_text(&q, id);
    if (tg_q_row(&q))
        err = tg_cat_row_product(&q, a, ret, ret_version);
    ended = tg_q_end(&q);
    return ended != TG_OK ? ended : err;
}

tg_err tg_cat_variant(struct tg_store *store, struct tg_feed_arena *a, const char *sku,
                      struct tg_feed_variant *ret, struct tg_cat_place *ret_place)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_VARIANT);
    tg_err err = TG_ERR_NOTFOUND;
    bool more = false;
    tg_err ended;

    tg_q_text(&q, sku);
    if (tg_q_row(&q)) {
        err = tg_cat_row_variant(&q, a, ret, ret_place);
        more = tg_q_get_int(&q, V_MORE) > 0;
    }
    ended = tg_q_end(&q);
    if (ended != TG_OK || err != TG_OK)
        return ended != TG_OK ? ended : err;
    ret->prices = (struct tg_feed_prices){.given = true};
    ret->parts = (struct tg_feed_parts){.given = true};
    return more ? tg_cat_more(db_of(store), a, ret) : TG_OK;
}

/* --- many at once --- */

struct asking {
    struct tg_feed_arena *arena;
    const char *const *keys;
    struct tg_cat_got_product *products;
    struct tg_cat_got_variant *variants;
};

static bool ask_key(void *ctx, size_t i, struct tg_q *q)
{
    const struct asking *w = ctx;

    tg_q_text(q, w->keys[i]);
    return true;
}

static tg_err got_product(void *ctx, size_t i, const struct tg_q *q)
{
    struct asking *w = ctx;
    struct tg_cat_got_product *got = &w->products[i];

    got->found = w->arena->used < TG_CAT_AHEAD_BYTES;
    got->left = !got->found;
    if (got->left)
        return TG_OK;
    return tg_cat_row_product(q, w->arena, &got->product, &got->version);
}

static tg_err got_variant(void *ctx, size_t i, const struct tg_q *q)
{
    struct asking *w = ctx;
    struct tg_cat_got_variant *got = &w->variants[i];

    got->found = w->arena->used < TG_CAT_AHEAD_BYTES;
    got->left = !got->found;
    if (got->left)
        return TG_OK;
    got->more = tg_q_get_int(q, V_MORE) > 0;
    return tg_cat_row_variant(q, w->arena, &got->variant, &got->place);
}

tg_err tg_cat_products(struct tg_store *store, struct tg_feed_arena *a, const char *const *ids,
                       size_t count, struct tg_cat_got_product *ret)
{
    struct asking w = {.arena = a, .keys = ids, .products = ret};
    const struct tg_q_many many = {.bind = ask_key, .row = got_product, .ctx = &w};

    memset(ret, 0, count * sizeof(*ret));
    return count == 0 ? TG_OK : tg_q_each(db_of(store), TG_SQL_CAT_PRODUCT, count, &many);
}

tg_err tg_cat_variants(struct tg_store *store, struct tg_feed_arena *a, const char *const *skus,
                       size_t count, struct tg_cat_got_variant *ret)
{
    struct asking w = {.arena = a, .keys = skus, .variants = ret};
    const struct tg_q_many many = {.bind = ask_key, .row = got_variant, .ctx = &w};
    tg_err err = TG_OK;

    memset(ret, 0, count * sizeof(*ret));
    if (count > 0)
        err = tg_q_each(db_of(store), TG_SQL_CAT_VARIANT, count, &many);
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        ret[i].variant.prices = (struct tg_feed_prices){.given = true};
        ret[i].variant.parts = (struct tg_feed_parts){.given = true};
        if (ret[i].more)
            err = tg_cat_more(db_of(store), a, &ret[i].variant);
    }
    return err;
}

tg_err tg_cat_next_position(struct tg_store *store, const char *product_id, int64_t *ret)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_NEXT_POSITION);

    tg_q_text(&q, product_id);
    *ret = tg_q_row(&q) ? tg_q_get_int(&q, 0) : 0;
    return tg_q_end(&q);
}

tg_err tg_cat_counted(struct tg_store *store, const char *sku, bool *ret)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_COUNTED);

    tg_q_text(&q, sku);
    *ret = tg_q_row(&q);
    return tg_q_end(&q);
}

static tg_err put_product_row(struct tg_db *db, const struct tg_feed_product *p, int64_t version,
                              tg_us wall, const char *doc)
{
    const struct tg_feed_picture *picture = p->pictures.count > 0 ? &p->pictures.at[0] : NULL;
    struct tg_q q = tg_q(db, TG_SQL_CAT_PUT_PRODUCT);
    char title[TG_TITLE_SIZE];
    char text[512];
    char alt[TG_TITLE_SIZE];

    /* What memory and the pages of a show keep is short. */
    tg_str_cut(title, sizeof(title), p->title == NULL ? "" : p->title);
    tg_str_cut(text, sizeof(text), p->description == NULL ? "" : p->description);
    tg_str_cut(alt, sizeof(alt), picture == NULL || picture->alt == NULL ? "" : picture->alt);
    tg_q_text(&q, p->id);
    tg_q_int(&q, p->number);
    tg_q_text(&q, title);
    tg_q_text(&q, text);
    tg_q_text(&q, picture == NULL ? "" : picture->url);
    tg_q_text(&q, alt);
    tg_q_int(&q, wall);
    tg_q_int(&q, p->archived);
    tg_q_int(&q, version);
    tg_q_text(&q, doc);
    return tg_q_run(&q);
}

tg_err tg_cat_put_product(struct tg_store *store, const struct tg_feed_product *p, int64_t version,
                          tg_us wall)
{
    struct tg_store_db *s = tg_store_db(store->ops->real(store));
    struct tg_buf doc;
    tg_err err;

    tg_buf_init(&doc, DOC_MAX);
    tg_feed_product_doc(&doc, p);
    (void)tg_buf_cstr(&doc); /* its error is looked at below */
    err = doc.err;
    if (err == TG_OK)
        err = put_product_row(&s->db, p, version, wall, tg_buf_cstr(&doc));
    if (err == TG_OK)
        err = tg_cat_index(s, p, version <= 1);
    if (err == TG_OK)
        err = tg_cat_put_texts(&s->db, p, version <= 1);
    if (err == TG_OK)
        err = tg_outbox_product(s, p, version, wall);
    tg_changes_note(s, TG_CHANGE_PRODUCT, p->id);
    tg_buf_done(&doc);
    return err;
}

tg_err tg_cat_put_variant(struct tg_store *store, const struct tg_cat_place *place,
                          const struct tg_feed_variant *v, tg_us wall)
{
    struct tg_store_db *s = tg_store_db(store->ops->real(store));
    struct tg_q q;
    struct tg_buf doc;
    struct tg_buf options;
    tg_err err;

    tg_buf_init(&doc, DOC_MAX);
    tg_buf_init(&options, 4096);
    tg_feed_variant_doc(&doc, v);
    tg_feed_options_json(&options, &v->options);
    (void)tg_buf_cstr(&doc);     /* its error is looked at below */
    (void)tg_buf_cstr(&options); /* so is this */
    err = doc.err != TG_OK ? doc.err : options.err;
    if (err == TG_OK) {
        q = tg_q(&s->db, TG_SQL_CAT_PUT_VARIANT);
        tg_q_text(&q, v->sku);
        tg_q_text(&q, place->product_id);
        tg_q_int(&q, place->position);
        tg_q_text(&q, tg_buf_cstr(&options));
        tg_q_int(&q, v->price);
        tg_q_int(&q, v->compare_at);
        tg_q_int(&q, v->cost);
        tg_q_int(&q, wall);
        tg_q_int(&q, v->archived);
        tg_q_int(&q, place->version);
        tg_q_text(&q, v->barcode == NULL ? "" : v->barcode);
        tg_q_text(&q, v->tax_class == NULL ? "" : v->tax_class);
        tg_q_text(&q, tg_buf_cstr(&doc));
        err = tg_q_run(&q);
    }
    if (err == TG_OK)
        err = tg_cat_index_variant(&s->db, place, v);
    if (err == TG_OK)
        err = tg_outbox_product_variant(s, place, v, wall);
    tg_changes_note(s, TG_CHANGE_VARIANT, v->sku);
    tg_buf_done(&doc);
    tg_buf_done(&options);
    return err;
}

tg_err tg_cat_set_version(struct tg_store *store, const char *sku, int64_t version)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_SET_VERSION);

    tg_q_int(&q, version);
    tg_q_text(&q, sku);
    return tg_q_run(&q);
}
