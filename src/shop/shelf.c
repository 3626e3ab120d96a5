/* Products and variants that a batch puts in: taken out again, or as they were, when it fails. */
#include <string.h>

#include "base/alloc.h"
#include "shop/shop_priv.h"

/* What one put did, the newest first. */
struct tg_shelved {
    struct tg_shelved *older;
    struct tg_product *product; /* of the shop; NULL = it is a variant */
    struct tg_variant *variant;
    bool fresh;
    struct tg_product before; /* unless fresh, of a product */
    struct {
        char options[TG_OPTIONS_SIZE];
        char tax_class[TG_TAX_CLASS_SIZE];
        int64_t cost;
        bool archived;
    } was; /* unless fresh, of a variant */
};

static void keep(struct tg_shop *shop, struct tg_shelved *take_s)
{
    take_s->older = shop->batch_shelved;
    shop->batch_shelved = take_s;
}

tg_err tg_shop_shelve_product(struct tg_shop *shop, const struct tg_product *p)
{
    struct tg_shelved *s = tg_calloc(1, sizeof(*s));
    struct tg_product *have = tg_map_get_str(&shop->product_by_id, p->id);
    tg_err err;

    if (s == NULL)
        return TG_ERR_NOMEM;
    s->fresh = have == NULL;
    if (have != NULL) {
        s->before = *have;
        s->before.texts = tg_langs_ref(have->texts);
    }
    err = tg_shop_put_product(shop, p);
    if (err != TG_OK) {
        tg_langs_unref(s->before.texts);
        tg_free(s);
        return err;
    }
    s->product = tg_map_get_str(&shop->product_by_id, p->id);
    keep(shop, s);
    return TG_OK;
}

tg_err tg_shop_shelve_variant(struct tg_shop *shop, struct tg_shop_now now, const char *product_id,
                              const struct tg_variant *v)
{
    struct tg_shelved *s = tg_calloc(1, sizeof(*s));
    struct tg_variant *have = tg_shop_find(shop, v->sku);
    tg_err err;

    if (s == NULL)
        return TG_ERR_NOMEM;
    s->fresh = have == NULL;
    if (have != NULL) {
        memcpy(s->was.options, have->options, sizeof(s->was.options));
        memcpy(s->was.tax_class, have->tax_class, sizeof(s->was.tax_class));
        s->was.cost = have->cost;
        s->was.archived = have->archived;
        err = tg_shop_describe(shop, v);
    } else {
        err = tg_shop_load_variant(shop, now, product_id, v);
    }
    if (err != TG_OK) {
        tg_free(s);
        return err;
    }
    s->variant = tg_shop_find(shop, v->sku);
    keep(shop, s);
    return TG_OK;
}

/* It is the last of its product: whatever came later has been taken out already. */
static void take_out_variant(struct tg_shop *shop, struct tg_variant *v)
{
    struct tg_product *p = v->product;
    struct tg_variant *before = NULL;

    TG_ASSERT(p->last == v);
    for (struct tg_variant *each = p->first; each != v; each = each->next)
        before = each;
    p->last = before;
    if (before == NULL)
        p->first = NULL;
    else
        before->next = NULL;
    p->variant_count--;
    tg_heap_remove(&shop->flash_ends, &v->flash_end);
    (void)tg_map_del(&shop->variant_by_sku, v->sku, strlen(v->sku)); /* load put it there */
    tg_free(v->places);
    tg_parts_free(v);
    tg_free(v);
}

static void take_out_product(struct tg_shop *shop, struct tg_product *p)
{
    size_t at = 0;

    TG_ASSERT(p->variant_count == 0);
    while (at < shop->product_count && shop->products[at] != p)
        at++;
    TG_ASSERT(at < shop->product_count);
    shop->product_count--;
    memmove(&shop->products[at], &shop->products[at + 1],
            (shop->product_count - at) * sizeof(struct tg_product *));
    (void)tg_map_del(&shop->product_by_id, p->id, strlen(p->id)); /* load put it there */
    tg_langs_unref(p->texts);
    tg_free(p);
}

static void undo(struct tg_shop *shop, const struct tg_shelved *s)
{
    if (s->fresh && s->product != NULL) {
        take_out_product(shop, s->product);
    } else if (s->fresh) {
        take_out_variant(shop, s->variant);
    } else if (s->product != NULL) {
        /* Newest first, so its number is free again, and nothing is allocated. */
        TG_ASSERT(tg_shop_put_product(shop, &s->before) == TG_OK);
    } else {
        memcpy(s->variant->options, s->was.options, sizeof(s->was.options));
        memcpy(s->variant->tax_class, s->was.tax_class, sizeof(s->was.tax_class));
        s->variant->cost = s->was.cost;
        s->variant->archived = s->was.archived;
    }
}

void tg_shelf_end_batch(struct tg_shop *shop, bool undone)
{
    struct tg_shelved *older;

    for (struct tg_shelved *s = shop->batch_shelved; s != NULL; s = older) {
        older = s->older;
        if (undone)
            undo(shop, s);
        tg_langs_unref(s->before.texts);
        tg_free(s);
    }
    shop->batch_shelved = NULL;
}
