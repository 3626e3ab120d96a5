/* Limits: how much one person may buy, and what the shows have sold. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

/* --- how many units of a SKU one person has bought --- */

static size_t units_key(char out[TG_PERSON_ID_SIZE + TG_SKU_MAX + 2], const char *person,
                        const char *sku)
{
    size_t person_len = strnlen(person, TG_PERSON_ID_SIZE - 1);
    size_t sku_len = strnlen(sku, TG_SKU_MAX);

    memcpy(out, person, person_len);
    out[person_len] = '\0';
    memcpy(out + person_len + 1, sku, sku_len);
    return person_len + 1 + sku_len;
}

static struct tg_units *units_find(const struct tg_shop *shop, const char *person, const char *sku)
{
    char key[TG_PERSON_ID_SIZE + TG_SKU_MAX + 2];
    size_t len = units_key(key, person, sku);

    return tg_map_get(&shop->units, key, len);
}

bool tg_shop_needs_units(const struct tg_shop *shop, const char *person, const char *sku)
{
    return shop->cfg.person_units_max > 0 && units_find(shop, person, sku) == NULL;
}

tg_err tg_shop_load_units(struct tg_shop *shop, const char *person, const char *sku, int32_t units)
{
    struct tg_units *u = tg_calloc(1, sizeof(*u));
    tg_err err;

    if (u == NULL)
        return TG_ERR_NOMEM;
    u->key_len = units_key(u->key, person, sku);
    u->units = units;
    err = tg_map_put(&shop->units, u->key, u->key_len, u);
    if (err != TG_OK)
        tg_free(u);
    return err;
}

tg_err tg_units_ready(struct tg_shop *shop, const char *person, const char *sku)
{
    if (!tg_shop_needs_units(shop, person, sku))
        return TG_OK;
    return tg_shop_load_units(shop, person, sku, 0);
}

int32_t tg_units_get(const struct tg_shop *shop, const char *person, const char *sku)
{
    const struct tg_units *u = units_find(shop, person, sku);

    return u == NULL ? 0 : u->units;
}

void tg_units_add(struct tg_shop *shop, const char *person, const char *sku, int32_t units)
{
    struct tg_units *u = units_find(shop, person, sku);

    /* Not in memory: the next claim that needs it reads the committed sum from disk. */
    if (u != NULL)
        u->units = TG_MAX(u->units + units, 0);
}

void tg_units_clear(struct tg_shop *shop)
{
    struct tg_rng *rng = shop->cfg.rng;
    size_t cursor = 0;
    struct tg_units *u;

    while ((u = tg_map_each(&shop->units, &cursor)) != NULL)
        tg_free(u);
    tg_map_done(&shop->units);
    tg_map_init(&shop->units, rng);
}

/* --- how many units of a SKU one show has sold --- */

static struct tg_show_sales *sales_find(const struct tg_shop *shop, uint16_t show, const char *sku)
{
    struct tg_show_sales probe;

    memset(&probe, 0, sizeof(probe));
    tg_str_cut(probe.key.sku, sizeof(probe.key.sku), sku);
    probe.key.show = show;
    return tg_map_get(&shop->show_sales, &probe.key, sizeof(probe.key));
}

int32_t tg_shop_show_units(const struct tg_shop *shop, uint16_t show, const char *sku)
{
    const struct tg_show_sales *s = sales_find(shop, show, sku);

    return s == NULL ? 0 : s->units;
}

static tg_err sales_new(struct tg_shop *shop, uint16_t show, const struct tg_variant *v,
                        int32_t units)
{
    struct tg_show_sales *s;
    tg_err err;

    if (shop->show_sales.count >= TG_SHOW_SALES_MAX)
        return TG_ERR_LIMIT;
    s = tg_calloc(1, sizeof(*s));
    if (s == NULL)
        return TG_ERR_NOMEM;
    tg_str_cut(s->key.sku, sizeof(s->key.sku), v->sku);
    s->key.show = show;
    s->units = units;
    s->variant = v;
    err = tg_map_put(&shop->show_sales, &s->key, sizeof(s->key), s);
    if (err != TG_OK)
        tg_free(s);
    return err;
}

tg_err tg_shop_load_show_sales(struct tg_shop *shop, uint16_t show, const char *sku, int32_t units)
{
    const struct tg_variant *v = tg_shop_variant(shop, sku);
    struct tg_show_sales *have = sales_find(shop, show, sku);

    if (have != NULL) {
        have->units = units;
        return TG_OK;
    }
    return v == NULL ? TG_ERR_NOTFOUND : sales_new(shop, show, v, units);
}

tg_err tg_sales_ready(struct tg_shop *shop, uint16_t show, struct tg_variant *v)
{
    tg_err err;

    if (show == UINT16_MAX || sales_find(shop, show, v->sku) != NULL)
        return TG_OK;
    err = sales_new(shop, show, v, 0);
    return err == TG_ERR_LIMIT ? TG_OK : err;
}

void tg_sales_add(struct tg_shop *shop, uint16_t show, const char *sku, int32_t units)
{
    struct tg_show_sales *s = show == UINT16_MAX ? NULL : sales_find(shop, show, sku);

    if (s == NULL)
        return;
    tg_shop_touch_sales(shop, s);
    s->units = TG_MAX(s->units + units, 0);
}

/* --- the stage of a claim --- */

static bool limit_ok(const struct tg_shop *shop, const struct tg_claim *c, const struct tg_want *w,
                     struct tg_verdict *out)
{
    int32_t max = shop->cfg.person_units_max;

    if (w->qty > TG_QTY_MAX) {
        tg_refuse(out, TG_CODE_LIMIT, "At most %d of one product in an order.", (int)TG_QTY_MAX);
        return false;
    }
    if (max > 0 && (int64_t)tg_units_get(shop, c->person, w->variant->sku) + w->qty > max) {
        tg_refuse(out, TG_CODE_LIMIT, "At most %d of this product per person.", (int)max);
        return false;
    }
    return true;
}

bool tg_wish_limits(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out)
{
    for (uint32_t i = 0; i < wish->count; i++) {
        out->variant = wish->wants[i].variant;
        if (!limit_ok(shop, c, &wish->wants[i], out))
            return false;
    }
    return true;
}
