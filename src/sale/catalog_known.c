/*
 * What a change of the catalogue must know of the disk. Each question is a round trip when the
 * database is a server, and takes what was written so far along; so what memory does not have is
 * not asked for, and what will be needed is asked for together.
 */
#include <string.h>

#include "base/str.h"
#include "sale/catalog_priv.h"

/* Written by this slice: what was asked before is not true any more, and memory comes later. */
static bool put_product(const struct tg_catalog_slice *s, const char *id)
{
    for (size_t i = s->product_count; i > 0; i--)
        if (strcmp(s->products[i - 1].id, id) == 0)
            return true;
    return false;
}

bool tg_catalog_wrote_variant(const struct tg_catalog_slice *s, const char *sku)
{
    for (size_t i = s->variant_count; i > 0; i--)
        if (strcmp(s->variants[i - 1].variant.sku, sku) == 0)
            return true;
    return false;
}

tg_err tg_catalog_old_product(struct tg_catalog_slice *s, const char *id,
                              struct tg_feed_product *ret, int64_t *ret_version)
{
    struct tg_store *store = s->sale->cfg.store;

    if (put_product(s, id))
        return tg_cat_product(store, &s->arena, id, ret, ret_version);
    if (tg_store_holds_all(store) && tg_shop_product(s->sale->shop, id) == NULL)
        return TG_ERR_NOTFOUND;
    for (size_t i = 0; i < s->ahead->product_count; i++) {
        const struct tg_cat_got_product *got = &s->ahead->products[i];

        if (got->left || strcmp(s->ahead->ids[i], id) != 0)
            continue;
        *ret = got->product;
        *ret_version = got->version;
        return got->found ? TG_OK : TG_ERR_NOTFOUND;
    }
    return tg_cat_product(store, &s->arena, id, ret, ret_version);
}

tg_err tg_catalog_old_variant(struct tg_catalog_slice *s, const char *sku,
                              struct tg_feed_variant *ret, struct tg_cat_place *ret_place)
{
    struct tg_store *store = s->sale->cfg.store;

    if (tg_catalog_wrote_variant(s, sku))
        return tg_cat_variant(store, &s->arena, sku, ret, ret_place);
    if (tg_store_holds_all(store) && tg_shop_variant(s->sale->shop, sku) == NULL)
        return TG_ERR_NOTFOUND;
    for (size_t i = 0; i < s->ahead->variant_count; i++) {
        const struct tg_cat_got_variant *got = &s->ahead->variants[i];

        if (got->left || strcmp(s->ahead->skus[i], sku) != 0)
            continue;
        *ret = got->variant;
        *ret_place = got->place;
        return got->found ? TG_OK : TG_ERR_NOTFOUND;
    }
    return tg_cat_variant(store, &s->arena, sku, ret, ret_place);
}

void tg_catalog_ask_ahead(struct tg_catalog_slice *s)
{
    struct tg_store *store = s->sale->cfg.store;
    struct tg_catalog_ahead *a = s->ahead;

    if (s->err == TG_OK)
        s->err = tg_cat_products(store, &s->arena, a->ids, a->product_count, a->products);
    if (s->err == TG_OK)
        s->err = tg_cat_variants(store, &s->arena, a->skus, a->variant_count, a->variants);
}

tg_err tg_catalog_next_position(struct tg_catalog_slice *s, const char *product_id, int64_t *ret)
{
    tg_err err = TG_OK;

    if (strcmp(s->next.product_id, product_id) != 0) {
        const struct tg_product *p = tg_shop_product(s->sale->shop, product_id);
        bool empty = tg_store_holds_all(s->sale->cfg.store) && (p == NULL || p->first == NULL);

        for (size_t i = 0; empty && i < s->variant_count; i++)
            empty = strcmp(s->variants[i].product_id, product_id) != 0;
        s->next.position = 0;
        if (!empty)
            err = tg_cat_next_position(s->sale->cfg.store, product_id, &s->next.position);
        tg_str_cut(s->next.product_id, sizeof(s->next.product_id), product_id);
    }
    *ret = s->next.position++;
    return err;
}
