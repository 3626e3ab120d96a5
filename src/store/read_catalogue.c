/* The catalogue for tools and exports: whole products, imports. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "msg/page.h"
#include "store/catalogue_priv.h"

/* What one read keeps: everything in it goes when the read ends. */
struct reading {
    struct tg_db *db;
    struct tg_feed_arena arena;
    bool archived; /* variants, too */
    bool alone;    /* no variants at all */
    tg_cat_view_fn each;
    void *ctx;
};

static tg_err begin(struct tg_db *db)
{
    struct tg_q q = tg_q(db, TG_SQL_BEGIN_READ);

    return tg_q_run(&q);
}

static tg_err end(struct tg_db *db, tg_err err)
{
    struct tg_q q = tg_q(db, TG_SQL_ROLLBACK);
    tg_err ended = tg_q_run(&q);

    return err != TG_OK ? err : ended;
}

/* --- prices and parts of variants, by two questions however many they are --- */

struct more {
    struct tg_feed_arena *arena;
    struct tg_feed_variant *at;
};

static bool ask_sku(void *ctx, size_t i, struct tg_q *q)
{
    const struct more *m = ctx;

    tg_q_text(q, m->at[i].sku);
    return true;
}

static tg_err take_price(void *ctx, size_t i, const struct tg_q *q)
{
    const struct more *m = ctx;
    struct tg_feed_price *price = TG_FEED_ADD(m->arena, &m->at[i].prices, TG_FEED_PRICES_MAX);

    if (price == NULL)
        return m->arena->err;
    tg_q_copy_text(q, 0, price->currency, sizeof(price->currency));
    price->price = tg_q_get_int(q, 1);
    return TG_OK;
}

static tg_err take_part(void *ctx, size_t i, const struct tg_q *q)
{
    const struct more *m = ctx;
    struct tg_feed_part *part = TG_FEED_ADD(m->arena, &m->at[i].parts, TG_BUNDLE_PARTS_MAX);
    const char *sku = tg_q_get_text(q, 0);

    if (part == NULL)
        return m->arena->err;
    part->sku = tg_feed_text(m->arena, sku, strlen(sku));
    part->qty = tg_q_get_int(q, 1);
    return TG_OK;
}

static tg_err take_more(struct tg_db *db, struct tg_feed_arena *a, struct tg_feed_variant *at,
                        size_t count)
{
    struct more more = {.arena = a, .at = at};
    const struct tg_q_many prices = {.bind = ask_sku, .row = take_price, .ctx = &more};
    const struct tg_q_many parts = {.bind = ask_sku, .row = take_part, .ctx = &more};
    tg_err err;

    if (count == 0)
        return TG_OK;
    for (size_t i = 0; i < count; i++) {
        at[i].prices = (struct tg_feed_prices){.given = true};
        at[i].parts = (struct tg_feed_parts){.given = true};
    }
    err = tg_q_each(db, TG_SQL_CAT_PRICES, count, &prices);
    return err == TG_OK ? tg_q_each(db, TG_SQL_CAT_PARTS, count, &parts) : err;
}

/* --- whole products --- */

struct numbers {
    int64_t versions[TG_FEED_VARIANTS_MAX];
    int64_t available[TG_FEED_VARIANTS_MAX];
    int64_t prices[TG_FEED_VARIANTS_MAX];
};

enum { V_ARCHIVED = 4, V_BARCODE = 10, V_FLASH = 12, V_AVAILABLE = 13 };

static tg_err take_variants(struct reading *r, struct tg_feed_product *p, struct numbers *n)
{
    struct tg_q q = tg_q(r->db, TG_SQL_CAT_VARIANTS_OF);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_text(&q, p->id);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_feed_variant v;
        struct tg_cat_place place;
        struct tg_feed_variant *put;

        err = tg_cat_row_variant(&q, &r->arena, &v, &place);
        if (err != TG_OK || (v.archived != 0 && !r->archived))
            continue;
        put = TG_FEED_ADD(&r->arena, &p->variants, TG_FEED_VARIANTS_MAX);
        if (put == NULL)
            break;
        n->versions[p->variants.count - 1] = place.version;
        n->available[p->variants.count - 1] = tg_q_get_int(&q, V_AVAILABLE);
        n->prices[p->variants.count - 1] =
            tg_q_get_int(&q, V_FLASH) >= 0 ? tg_q_get_int(&q, V_FLASH) : v.price;
        *put = v;
    }
    ended = tg_q_end(&q);
    if (err == TG_OK)
        err = ended;
    if (err == TG_OK)
        err = take_more(r->db, &r->arena, p->variants.at, p->variants.count);
    return err != TG_OK ? err : r->arena.err;
}

static tg_err give(struct reading *r, struct tg_cat_view *view)
{
    struct numbers *n;
    tg_err err;

    if (r->alone)
        return r->each(r->ctx, view);
    n = tg_feed_alloc(&r->arena, sizeof(*n));
    if (n == NULL)
        return r->arena.err;
    view->product.variants.given = true;
    err = take_variants(r, &view->product, n);
    if (err != TG_OK)
        return err;
    view->versions = n->versions;
    view->available = n->available;
    view->prices = n->prices;
    return r->each(r->ctx, view);
}

static tg_err by_id(struct reading *r, const char *id)
{
    struct tg_q q = tg_q(r->db, TG_SQL_CAT_PRODUCT);
    struct tg_cat_view view = {.version = 0};
    tg_err err = TG_ERR_NOTFOUND;
    tg_err ended;

    tg_feed_arena_clear(&r->arena);
    tg_q_text(&q, id);
    if (tg_q_row(&q))
        err = tg_cat_row_product(&q, &r->arena, &view.product, &view.version);
    ended = tg_q_end(&q);
    if (ended != TG_OK || err != TG_OK)
        return ended != TG_OK ? ended : err;
    return give(r, &view);
}

static tg_err read_one(struct reading *r, const char *id)
{
    tg_err err = begin(r->db);

    if (err == TG_OK)
        err = end(r->db, by_id(r, id));
    tg_feed_arena_done(&r->arena);
    return err;
}

tg_err tg_read_product(struct tg_read_db *db, const char *id, tg_cat_view_fn each, void *ctx)
{
    struct reading r = {.db = tg_read_connection(db), .archived = true, .each = each, .ctx = ctx};

    return read_one(&r, id);
}

tg_err tg_read_product_alone(struct tg_read_db *db, const char *id, tg_cat_view_fn each, void *ctx)
{
    struct reading r = {.db = tg_read_connection(db), .alone = true, .each = each, .ctx = ctx};

    return read_one(&r, id);
}

tg_err tg_read_product_of(struct tg_read_db *db, const char *sku, char ret[TG_FEED_ID_SIZE])
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_VARIANT);
    bool found;
    tg_err err;

    tg_q_text(&q, sku);
    found = tg_q_row(&q);
    if (found)
        tg_q_copy_text(&q, 1, ret, TG_FEED_ID_SIZE);
    err = tg_q_end(&q);
    return err == TG_OK && !found ? TG_ERR_NOTFOUND : err;
}

/* --- staff's list of variants --- */

enum { LOOKED_AT_MAX = 2000 };

struct rows {
    struct tg_feed_arena arena;
    uint32_t count;
    struct tg_feed_variant variants[TG_PAGE_LIMIT_MAX];
    struct tg_variant_row rows[TG_PAGE_LIMIT_MAX];
};

static struct tg_q ask_variants(struct tg_db *db, const struct tg_variant_filter *f,
                                const char *above)
{
    bool product = f->product[0] != '\0';
    bool barcode = !product && f->barcode[0] != '\0';
    struct tg_q q = tg_q(db, product   ? TG_SQL_CAT_PRODUCTS_VARIANTS_AFTER
                             : barcode ? TG_SQL_CAT_BARCODES_AFTER
                                       : TG_SQL_CAT_VARIANTS_AFTER);

    tg_q_text(&q, above);
    tg_q_int(&q, LOOKED_AT_MAX);
    if (product || barcode)
        tg_q_text(&q, product ? f->product : f->barcode);
    return q;
}

static tg_err take_row(struct rows *r, const struct tg_q *q)
{
    struct tg_variant_row *row = &r->rows[r->count];
    tg_err err = tg_cat_row_variant(q, &r->arena, &r->variants[r->count], &row->place);

    row->variant = &r->variants[r->count];
    row->available = tg_q_get_int(q, V_AVAILABLE);
    r->count += err == TG_OK ? 1 : 0;
    return err;
}

static bool passes(const struct tg_q *q, const struct tg_variant_filter *f)
{
    bool archived = tg_q_get_int(q, V_ARCHIVED) != 0;

    if (f->product[0] != '\0' && f->barcode[0] != '\0' &&
        strcmp(tg_q_get_text(q, V_BARCODE), f->barcode) != 0)
        return false;
    return f->archived < 0 || archived == (f->archived == 1);
}

static tg_err take_rows(struct rows *r, struct tg_q *q, const struct tg_variant_filter *f,
                        uint32_t limit, char ret_next[TG_SKU_MAX + 1])
{
    char last[TG_SKU_MAX + 1] = "";
    uint32_t seen = 0;
    bool more = false;
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && !more && tg_q_row(q)) {
        more = ++seen == LOOKED_AT_MAX;
        if (passes(q, f)) {
            if (r->count == limit) {
                more = true;
                break;
            }
            err = take_row(r, q);
        }
        tg_q_copy_text(q, 0, last, sizeof(last));
    }
    ended = tg_q_end(q);
    if (more)
        tg_str_cut(ret_next, TG_SKU_MAX + 1, last);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_variants(struct tg_read_db *db, const struct tg_variant_filter *filter,
                        const char *above, uint32_t limit, tg_variant_fn each, void *ctx,
                        char ret_next[TG_SKU_MAX + 1])
{
    struct tg_db *conn = tg_read_connection(db);
    struct rows *r = tg_calloc(1, sizeof(*r));
    struct tg_q q;
    tg_err err = r == NULL ? TG_ERR_NOMEM : begin(conn);

    ret_next[0] = '\0';
    if (err == TG_OK) {
        q = ask_variants(conn, filter, above);
        err = take_rows(r, &q, filter, TG_MIN(limit, (uint32_t)TG_PAGE_LIMIT_MAX), ret_next);
        if (err == TG_OK)
            err = take_more(conn, &r->arena, r->variants, r->count);
        err = end(conn, err);
    }
    for (uint32_t i = 0; err == TG_OK && i < r->count; i++)
        err = each(ctx, &r->rows[i]);
    if (r != NULL)
        tg_feed_arena_done(&r->arena);
    tg_free(r);
    return err == TG_ERR_AGAIN ? TG_OK : err;
}

/* --- imports --- */

tg_err tg_read_import(struct tg_read_db *db, int64_t id, struct tg_import *ret)
{
    return tg_cat_db_import(tg_read_connection(db), id, ret);
}

tg_err tg_read_imports(struct tg_read_db *db, int64_t below, uint32_t limit, tg_import_fn each,
                       void *ctx)
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_IMPORTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, below);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_import import;

        tg_cat_row_import(&q, &import);
        err = each(ctx, &import);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_import_faults(struct tg_read_db *db, int64_t id, int64_t above, uint32_t limit,
                             tg_import_fault_fn each, void *ctx)
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_FAULTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, id);
    tg_q_int(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_feed_fault fault = {.line = (uint32_t)tg_q_get_int(&q, 1)};

        tg_q_copy_text(&q, 2, fault.field, sizeof(fault.field));
        tg_q_copy_text(&q, 3, fault.value, sizeof(fault.value));
        tg_q_copy_text(&q, 4, fault.reason, sizeof(fault.reason));
        tg_q_copy_text(&q, 5, fault.fix, sizeof(fault.fix));
        err = each(ctx, tg_q_get_int(&q, 0), &fault);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}
