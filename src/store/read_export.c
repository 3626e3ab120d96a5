/* The catalogue for exports: a page of whole products by four queries, all in one snapshot. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/catalogue_priv.h"

enum { V_AVAILABLE = 13 };

TG_FEED_LIST(units, int64_t);

struct page {
    struct tg_db *db;
    struct tg_feed_arena arena;
    uint32_t count;
    struct tg_cat_view *views;
    struct units *available;
    struct tg_feed_variant **variants; /* of all the products, in their order */
    size_t variant_count;
};

static tg_err plain(struct tg_read_db *db, enum tg_sql which)
{
    struct tg_q q = tg_q(tg_read_connection(db), which);

    return tg_q_run(&q);
}

tg_err tg_read_snapshot(struct tg_read_db *db)
{
    return plain(db, TG_SQL_BEGIN_READ);
}

tg_err tg_read_snapshot_end(struct tg_read_db *db)
{
    return plain(db, TG_SQL_ROLLBACK);
}

tg_err tg_read_product_count(struct tg_read_db *db, int64_t *ret)
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_PRODUCT_COUNT);

    *ret = tg_q_row(&q) ? tg_q_get_int(&q, 0) : 0;
    return tg_q_end(&q);
}

static tg_err read_products(struct page *p, int64_t above, uint32_t limit)
{
    struct tg_q q = tg_q(p->db, TG_SQL_CAT_PRODUCTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && p->count < limit && tg_q_row(&q)) {
        struct tg_cat_view *view = &p->views[p->count++];

        err = tg_cat_row_product(&q, &p->arena, &view->product, &view->version);
        view->product.variants.given = true;
    }
    ended = tg_q_end(&q);
    return ended != TG_OK ? ended : err;
}

static bool bind_product(void *ctx, size_t i, struct tg_q *q)
{
    const struct page *p = ctx;

    tg_q_text(q, p->views[i].product.id);
    return true;
}

static tg_err take_variant(void *ctx, size_t i, const struct tg_q *q)
{
    struct page *p = ctx;
    struct tg_feed_variant v;
    struct tg_cat_place place;
    struct tg_feed_variant *put;
    int64_t *units;
    tg_err err = tg_cat_row_variant(q, &p->arena, &v, &place);

    if (err != TG_OK || v.archived != 0)
        return err;
    put = TG_FEED_ADD(&p->arena, &p->views[i].product.variants, TG_FEED_VARIANTS_MAX);
    units = TG_FEED_ADD(&p->arena, &p->available[i], TG_FEED_VARIANTS_MAX);
    if (put == NULL || units == NULL)
        return p->arena.err;
    *put = v;
    *units = tg_q_get_int(q, V_AVAILABLE);
    p->variant_count++;
    return TG_OK;
}

static bool bind_variant(void *ctx, size_t i, struct tg_q *q)
{
    const struct page *p = ctx;

    tg_q_text(q, p->variants[i]->sku);
    return true;
}

static tg_err take_price(void *ctx, size_t i, const struct tg_q *q)
{
    struct page *p = ctx;
    struct tg_feed_price *price =
        TG_FEED_ADD(&p->arena, &p->variants[i]->prices, TG_FEED_PRICES_MAX);

    if (price == NULL)
        return p->arena.err;
    tg_q_copy_text(q, 0, price->currency, sizeof(price->currency));
    price->price = tg_q_get_int(q, 1);
    return TG_OK;
}

static tg_err take_part(void *ctx, size_t i, const struct tg_q *q)
{
    struct page *p = ctx;
    struct tg_feed_part *part = TG_FEED_ADD(&p->arena, &p->variants[i]->parts, TG_BUNDLE_PARTS_MAX);

    if (part == NULL)
        return p->arena.err;
    part->sku = tg_feed_text(&p->arena, tg_q_get_text(q, 0), strlen(tg_q_get_text(q, 0)));
    part->qty = tg_q_get_int(q, 1);
    return TG_OK;
}

static tg_err read_variants(struct page *p)
{
    const struct tg_q_many variants = {.bind = bind_product, .row = take_variant, .ctx = p};
    const struct tg_q_many prices = {.bind = bind_variant, .row = take_price, .ctx = p};
    const struct tg_q_many parts = {.bind = bind_variant, .row = take_part, .ctx = p};
    tg_err err = tg_q_each(p->db, TG_SQL_CAT_VARIANTS_OF, p->count, &variants);
    size_t n = 0;

    if (err != TG_OK || p->variant_count == 0)
        return err;
    p->variants = tg_calloc(p->variant_count, sizeof(struct tg_feed_variant *));
    if (p->variants == NULL)
        return TG_ERR_NOMEM;
    for (uint32_t i = 0; i < p->count; i++)
        for (uint32_t k = 0; k < p->views[i].product.variants.count; k++) {
            struct tg_feed_variant *v = &p->views[i].product.variants.at[k];

            v->prices = (struct tg_feed_prices){.given = true};
            v->parts = (struct tg_feed_parts){.given = true};
            p->variants[n++] = v;
        }
    err = tg_q_each(p->db, TG_SQL_CAT_PRICES, n, &prices);
    return err == TG_OK ? tg_q_each(p->db, TG_SQL_CAT_PARTS, n, &parts) : err;
}

static tg_err one_page(struct tg_read_db *db, int64_t above, uint32_t limit, tg_cat_view_fn each,
                       void *ctx, uint32_t *ret_count)
{
    struct page p = {.db = tg_read_connection(db)};
    tg_err err = TG_ERR_NOMEM;

    TG_ASSERT(limit > 0);
    p.views = tg_calloc(limit, sizeof(*p.views));
    p.available = tg_calloc(limit, sizeof(*p.available));
    if (p.views != NULL && p.available != NULL)
        err = read_products(&p, above, limit);
    if (err == TG_OK && p.count > 0)
        err = read_variants(&p);
    if (err == TG_OK)
        err = p.arena.err;
    for (uint32_t i = 0; err == TG_OK && i < p.count; i++) {
        p.views[i].available = p.available[i].at;
        err = each(ctx, &p.views[i]);
    }
    *ret_count = p.count;
    tg_feed_arena_done(&p.arena);
    tg_free(p.views);
    tg_free(p.available);
    tg_free(p.variants);
    return err;
}

tg_err tg_read_page(struct tg_read_db *db, int64_t above, uint32_t limit, tg_cat_view_fn each,
                    void *ctx, uint32_t *ret_count)
{
    tg_err err = one_page(db, above, limit, each, ctx, ret_count);

    /* Products too large for one page's memory: fewer of them. Nothing was given yet. */
    while (err == TG_ERR_LIMIT && limit > 1) {
        limit = (limit + 3) / 4;
        err = one_page(db, above, limit, each, ctx, ret_count);
    }
    return err;
}
