/* Places, and of items what is not in their own row: counts elsewhere, rules, parts of bundles. */
#include <string.h>

#include "base/str.h"
#include "store/changes.h"
#include "store/rows_priv.h"

/* What is left of a bundle changes with its parts. */
static void tell(const struct tg_reload *r, const struct tg_variant *v)
{
    if (v == NULL)
        return;
    tg_reload_tell(r, TG_CHANGE_VARIANT, v->sku);
    for (const struct tg_part *p = v->part_of; p != NULL; p = p->next_of_item)
        tg_reload_tell(r, TG_CHANGE_VARIANT, p->bundle->sku);
}

/* Closed or open again: less or more may be had of everything that is there. */
static void tell_all_at(const struct tg_reload *r, uint16_t location)
{
    const struct tg_product *p;

    for (size_t i = 0; (p = tg_shop_product_at(r->shop, i)) != NULL; i++)
        for (const struct tg_variant *v = p->first; v != NULL; v = v->next)
            if (tg_variant_place(v, location) != NULL)
                tell(r, v);
}

static tg_err take_location(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const struct tg_location *have;
    struct tg_location l;
    bool turned;
    tg_err err;

    (void)i;
    tg_row_location(q, &l);
    have = tg_shop_location(r->shop, l.id);
    turned = have != NULL && have->closed != l.closed;
    err = tg_row_err(r->db, "location", l.id, tg_shop_put_location(r->shop, &l));
    if (err == TG_OK && turned && r->keys != NULL)
        tell_all_at(r, l.ord);
    return err;
}

tg_err tg_reload_locations(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = tg_reload_ask_number, .row = take_location, .ctx = &ctx};

    return tg_reload_walk(r, TG_SQL_LOCATIONS, TG_SQL_LOCATION_BY_ORD, &many);
}

static tg_err take_place(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const struct tg_place_row row = {.sku = tg_q_get_text(q, 0),
                                     .location = (uint16_t)tg_q_get_int(q, 1),
                                     .on_hand = (int32_t)tg_q_get_int(q, 2),
                                     .held = (int32_t)tg_q_get_int(q, 3),
                                     .sold = (int32_t)tg_q_get_int(q, 4),
                                     .version = tg_q_get_int(q, 5)};

    (void)i;
    if (!tg_row_kept(r->shop, row.sku))
        return TG_OK;
    return tg_row_err(r->db, "stock of", row.sku, tg_shop_put_place(r->shop, &row));
}

static tg_err take_rules(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const struct tg_stock_rules rules = {.safety = (int32_t)tg_q_get_int(q, 1),
                                         .order_max = (int32_t)tg_q_get_int(q, 2),
                                         .person_max = (int32_t)tg_q_get_int(q, 3)};
    const char *sku = tg_q_get_text(q, 0);

    (void)i;
    if (!tg_row_kept(r->shop, sku))
        return TG_OK;
    return tg_row_err(r->db, "stock rules of", sku, tg_shop_put_stock_rules(r->shop, sku, &rules));
}

/* --- bundles: the parts of one come together --- */

struct bundle {
    struct tg_reload reload; /* first: what asks for keys looks here */
    char sku[TG_SKU_MAX + 1];
    struct tg_part_row parts[TG_BUNDLE_PARTS_MAX];
    uint32_t count;
};

static tg_err put_bundle(struct bundle *b)
{
    uint32_t count = b->count;

    b->count = 0;
    if (!tg_row_kept(b->reload.shop, b->sku))
        return TG_OK;
    return tg_row_err(b->reload.db, "bundle", b->sku,
                      tg_shop_put_parts(b->reload.shop, b->sku, b->parts, count));
}

static tg_err take_part(void *ctx, size_t i, const struct tg_q *q)
{
    struct bundle *b = ctx;
    struct tg_part_row *part;
    tg_err err = TG_OK;

    (void)i;
    if (b->count > 0 && strcmp(b->sku, tg_q_get_text(q, 0)) != 0)
        err = put_bundle(b);
    tg_q_copy_text(q, 0, b->sku, sizeof(b->sku));
    if (b->count == TG_BUNDLE_PARTS_MAX)
        err = tg_row_err(b->reload.db, "bundle", b->sku, TG_ERR_LIMIT);
    if (err != TG_OK)
        return err;
    part = &b->parts[b->count++];
    tg_q_copy_text(q, 1, part->sku, sizeof(part->sku));
    part->qty = (int32_t)tg_q_get_int(q, 2);
    return TG_OK;
}

/* Also of an item that is no bundle, or none any more. */
static tg_err end_bundle(void *ctx, size_t i)
{
    struct bundle *b = ctx;

    tg_str_cut(b->sku, sizeof(b->sku), b->reload.keys[i]);
    return put_bundle(b);
}

/* None of these is a bundle, until all of them are read: what was a part may be a bundle now. */
static tg_err no_bundles(const struct tg_reload *r)
{
    const struct tg_product *p;
    tg_err err = TG_OK;

    for (size_t i = 0; r->keys != NULL && err == TG_OK && i < r->count; i++)
        if (tg_row_kept(r->shop, r->keys[i]))
            err = tg_shop_put_parts(r->shop, r->keys[i], NULL, 0);
    for (size_t i = 0; r->keys == NULL && (p = tg_shop_product_at(r->shop, i)) != NULL; i++)
        for (const struct tg_variant *v = p->first; err == TG_OK && v != NULL; v = v->next)
            if (v->part_count > 0)
                err = tg_shop_put_parts(r->shop, v->sku, NULL, 0);
    return err;
}

static tg_err load_parts(const struct tg_reload *r)
{
    struct bundle b = {.reload = *r};
    const struct tg_q_many many = {
        .bind = tg_reload_ask_text, .row = take_part, .end = end_bundle, .ctx = &b};
    tg_err err = no_bundles(r);

    if (err == TG_OK)
        err = tg_reload_walk(r, TG_SQL_PARTS, TG_SQL_PARTS_OF, &many);
    return err == TG_OK && b.count > 0 ? put_bundle(&b) : err;
}

tg_err tg_reload_stock(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many places = {.bind = tg_reload_ask_text, .row = take_place, .ctx = &ctx};
    const struct tg_q_many rules = {.bind = tg_reload_ask_text, .row = take_rules, .ctx = &ctx};
    tg_err err = tg_reload_walk(r, TG_SQL_PLACES, TG_SQL_PLACES_OF, &places);

    if (err == TG_OK)
        err = tg_reload_walk(r, TG_SQL_STOCK_RULES, TG_SQL_STOCK_RULES_OF, &rules);
    if (err == TG_OK)
        err = load_parts(r);
    for (size_t i = 0; err == TG_OK && r->keys != NULL && i < r->count; i++)
        tell(r, tg_shop_variant(r->shop, r->keys[i]));
    return err;
}
