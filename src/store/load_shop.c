/* The shop as a whole: at the start, from one snapshot, and what of it another node changed. */
#include <string.h>

#include "base/metrics.h"
#include "base/str.h"
#include "store/catalogue.h"
#include "store/changes.h"
#include "store/rows_priv.h"

/* No room for it. */
static void leave_out(const struct tg_reload *r)
{
    TG_COUNT(store_left_out_total);
    if (r->store != NULL)
        r->store->left_out = true;
}

bool tg_store_holds_all(struct tg_store *store)
{
    return !tg_store_db(store->ops->real(store))->left_out;
}

/* --- products --- */

static tg_err take_product(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    struct tg_product p;

    (void)i;
    tg_row_product(q, &p);
    if (tg_shop_product(r->shop, p.id) == NULL &&
        tg_shop_product_count(r->shop) >= TG_VARIANTS_MAX) {
        leave_out(r);
        return TG_OK;
    }
    return tg_reload_told(r, TG_CHANGE_PRODUCT, p.id,
                          tg_row_err(r->db, "product", p.id, tg_shop_take_product(r->shop, &p)));
}

tg_err tg_reload_products(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = tg_reload_ask_text, .row = take_product, .ctx = &ctx};
    const struct tg_product *first;
    tg_err err = tg_reload_walk(r, TG_SQL_PRODUCTS, TG_SQL_PRODUCT_BY_ID, &many);

    /* Whoever lost its number to another one must have been given a new one by now. */
    first = err == TG_OK ? tg_shop_product_at(r->shop, 0) : NULL;
    if (first == NULL || first->number != 0)
        return err;
    return tg_row_err(r->db, "product", first->id, TG_ERR_CONFLICT);
}

/* --- variants --- */

/* Pages show it as it was: it is new to them, or looks otherwise. */
static bool looks_new(const struct tg_variant *have, const struct tg_variant *v)
{
    return have == NULL || have->archived != v->archived ||
           strcmp(have->options, v->options) != 0 || strcmp(have->tax_class, v->tax_class) != 0;
}

/* What was left on the disk when all sales were read has come: its own with it. */
static tg_err bring_sales(const struct tg_reload *r, const char *sku)
{
    struct tg_q q = tg_q(r->db, TG_SQL_SHOW_SALES_OF_SKU);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_text(&q, sku);
    while (err == TG_OK && tg_q_row(&q)) {
        err = tg_shop_load_show_sales(r->shop, (uint16_t)tg_q_get_int(&q, 0), sku,
                                      (int32_t)tg_q_get_int(&q, 1));
        if (err == TG_ERR_LIMIT) /* more counters than memory keeps */
            err = TG_OK;
    }
    ended = tg_q_end(&q);
    return err == TG_OK ? ended : tg_row_err(r->db, "sales of", sku, err);
}

static tg_err take_variant(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const char *product = tg_q_get_text(q, 0);
    const struct tg_variant *have;
    struct tg_variant v;
    bool fresh;
    tg_err err;

    (void)i;
    tg_row_variant(q, 1, &v);
    have = tg_shop_variant(r->shop, v.sku);
    if (have == NULL && r->known)
        return TG_OK;
    /* Nobody writes more than fit, but a node that runs for long may keep more archived ones. */
    if (have == NULL && tg_shop_variant_count(r->shop) >= TG_VARIANTS_MAX) {
        leave_out(r);
        return TG_OK;
    }
    fresh = looks_new(have, &v);
    err = tg_row_err(r->db, "variant", v.sku, tg_shop_put_variant(r->shop, r->now, product, &v));
    if (err == TG_OK && have == NULL && r->keys != NULL && (r->store == NULL || r->store->left_out))
        err = bring_sales(r, v.sku);
    /* The rest is told of by tg_reload_stock, when all of it is read. */
    return fresh ? tg_reload_told(r, TG_CHANGE_PRODUCT, product, err) : err;
}

tg_err tg_reload_variants(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = tg_reload_ask_text, .row = take_variant, .ctx = &ctx};

    return tg_reload_walk(r, r->lean ? TG_SQL_VARIANTS_KEPT : TG_SQL_VARIANTS,
                          TG_SQL_VARIANT_BY_SKU, &many);
}

tg_err tg_bring_variant(struct tg_db *db, struct tg_shop_now now, struct tg_shop *shop,
                        const char *sku)
{
    const struct tg_reload r = {.db = db, .now = now, .shop = shop, .keys = &sku, .count = 1};
    tg_err err;

    if (tg_shop_variant(shop, sku) != NULL)
        return TG_OK;
    err = tg_reload_variants(&r);
    if (err != TG_OK || tg_shop_variant(shop, sku) == NULL)
        return err;
    err = tg_reload_stock(&r);
    return err == TG_OK ? tg_reload_prices(&r) : err;
}

tg_err tg_store_bring_variant(struct tg_store *store, struct tg_shop_now now, struct tg_shop *shop,
                              const char *sku)
{
    return tg_bring_variant(&tg_store_db(store->ops->real(store))->db, now, shop, sku);
}

/* Archived ones without units stay on the disk when there are so many that new ones would find no
 * room. */
static tg_err is_lean(struct tg_db *db, bool *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_VARIANT_COUNT);

    *ret = tg_q_row(&q) && tg_q_get_int(&q, 0) > TG_VARIANTS_MAX / 10 * 9;
    return tg_q_end(&q);
}

tg_err tg_reload_catalogue(const struct tg_reload *r)
{
    struct tg_reload all = *r;
    const size_t before = tg_shop_variant_count(r->shop);
    tg_err err = is_lean(r->db, &all.lean);

    if (all.lean && r->store != NULL)
        r->store->left_out = true;
    if (err == TG_OK)
        err = tg_reload_products(&all);
    if (err == TG_OK)
        err = tg_reload_texts(&all);
    if (err == TG_OK)
        err = tg_reload_variants(&all);
    /* Memory may have some of those that stay on the disk: archived since, by another node. */
    all.known = all.lean && before > 0;
    all.lean = false;
    return err == TG_OK && all.known ? tg_reload_variants(&all) : err;
}

/* --- units sold in shows --- */

/* The key is the show's ordinal, a space and the SKU. */
static bool ask_sales(void *ctx, size_t i, struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const char *sku = strchr(r->keys[i], ' ');
    int64_t show = 0;

    if (sku == NULL ||
        tg_parse_i64(&show, r->keys[i], (size_t)(sku - r->keys[i]), 0, UINT16_MAX) != TG_OK)
        return false;
    tg_q_int(q, show);
    tg_q_text(q, sku + 1);
    return true;
}

static tg_err take_sales(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const char *sku = tg_q_get_text(q, 1);
    tg_err err = TG_OK;

    if (tg_row_kept(r->shop, sku))
        err = tg_shop_load_show_sales(r->shop, (uint16_t)tg_q_get_int(q, 0), sku,
                                      (int32_t)tg_q_get_int(q, 2));
    if (err == TG_ERR_LIMIT)
        return TG_OK; /* more counters than memory keeps: those shows just get no `sold` event */
    return tg_reload_told(r, TG_CHANGE_SALES, r->keys == NULL ? "" : r->keys[i],
                          tg_row_err(r->db, "sales of", sku, err));
}

tg_err tg_reload_sales(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = ask_sales, .row = take_sales, .ctx = &ctx};

    return tg_reload_walk(r, TG_SQL_SHOW_SALES, TG_SQL_SHOW_SALES_OF, &many);
}

/* --- everything --- */

tg_err tg_load_next_number(const struct tg_reload *r)
{
    struct tg_q q = tg_q(r->db, TG_SQL_LAST_NUMBER);
    tg_err err;

    /* With no order yet the shop's own first number stands. */
    if (tg_q_row(&q) && !tg_q_is_null(&q, 0) && tg_q_get_int(&q, 0) > 0)
        tg_shop_load_next_number(r->shop, tg_q_get_int(&q, 0) + 1);
    err = tg_q_end(&q);
    if (err != TG_OK)
        return err;
    q = tg_q(r->db, TG_SQL_LAST_TICKET);
    if (tg_q_row(&q))
        tg_shop_load_ticket(r->shop, tg_q_get_int(&q, 0));
    return tg_q_end(&q);
}

static tg_err load_everything(const struct tg_reload *r)
{
    tg_err err = tg_changes_start(r->store);

    if (err == TG_OK)
        err = tg_reload_locations(r);
    if (err == TG_OK)
        err = tg_reload_catalogue(r);
    if (err == TG_OK)
        err = tg_reload_stock(r);
    if (err == TG_OK)
        err = tg_store_load_prices(r->db, r->now, r->shop);
    if (err == TG_OK)
        err = tg_reload_sales(r);
    if (err == TG_OK)
        err = tg_reload_orders(r);
    if (err == TG_OK)
        err = tg_load_next_number(r);
    if (err == TG_OK)
        err = tg_reload_rules(r);
    if (err == TG_OK)
        err = tg_reload_lines(r);
    return err;
}

/* Other nodes go on selling meanwhile: all is read from one snapshot, and what they did since comes
 * with the first batch. */
tg_err tg_store_load_shop(struct tg_store *store, struct tg_shop_now now, struct tg_shop *shop)
{
    struct tg_store_db *s = tg_store_db(store);
    const struct tg_reload r = {.store = s, .db = &s->db, .now = now, .shop = shop};
    struct tg_q q = tg_q(&s->db, TG_SQL_BEGIN_READ);
    tg_err err = tg_q_run(&q);

    if (err == TG_OK)
        err = load_everything(&r);
    tg_db_rollback(&s->db); /* nothing was written */
    return err;
}
