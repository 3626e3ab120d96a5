/* Limits: how much one person may buy, and what the shows have sold. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

/* --- how many units one person has bought: of a SKU, of a SKU in a show, in a show --- */

static size_t units_key(char out[TG_UNITS_KEY_SIZE], const struct tg_units_key *key)
{
    size_t person_len = strnlen(key->person, TG_PERSON_ID_SIZE - 1);
    size_t sku_len = strnlen(key->sku, TG_SKU_MAX);

    memcpy(out, key->person, person_len);
    out[person_len] = '\0';
    memcpy(out + person_len + 1, key->sku, sku_len);
    out[person_len + 1 + sku_len] = '\0';
    memcpy(out + person_len + 2 + sku_len, &key->show, sizeof(key->show));
    return person_len + 2 + sku_len + sizeof(key->show);
}

static struct tg_units *units_find(const struct tg_shop *shop, const struct tg_units_key *key)
{
    char bytes[TG_UNITS_KEY_SIZE];
    size_t len = units_key(bytes, key);

    return tg_map_get(&shop->units, bytes, len);
}

/* How many one person may have by this sum; 0 = no limit. */
static int32_t units_max(const struct tg_shop *shop, const struct tg_units_key *key)
{
    const struct tg_show_item *item;
    const struct tg_variant *v;

    if (key->sku[0] == '\0')
        return key->show == UINT16_MAX ? 0 : tg_shop_rules(shop, key->show)->person_units;
    if (key->show != UINT16_MAX) {
        item = tg_shop_show_item(shop, key->show, key->sku);
        return item == NULL ? 0 : item->person_max;
    }
    v = tg_shop_variant(shop, key->sku);
    return v != NULL && v->rules.person_max > 0 ? v->rules.person_max : shop->cfg.person_units_max;
}

bool tg_shop_limits_in_shows(const struct tg_shop *shop)
{
    return shop->rules.count > 0 || shop->show_items.count > 0;
}

bool tg_shop_needs_units(const struct tg_shop *shop, const struct tg_units_key *key)
{
    return units_max(shop, key) > 0 && units_find(shop, key) == NULL;
}

tg_err tg_shop_load_units(struct tg_shop *shop, const struct tg_units_key *key, int32_t units)
{
    struct tg_units *u = tg_calloc(1, sizeof(*u));
    tg_err err;

    if (u == NULL)
        return TG_ERR_NOMEM;
    u->key_len = units_key(u->key, key);
    u->units = units;
    err = tg_map_put(&shop->units, u->key, u->key_len, u);
    if (err != TG_OK) {
        tg_free(u);
        return err;
    }
    if (shop->units_last == NULL)
        shop->units_first = u;
    else
        shop->units_last->later = u;
    shop->units_last = u;
    return TG_OK;
}

uint32_t tg_units_keys(struct tg_units_key out[TG_UNITS_KEYS], const char *person, const char *sku,
                       uint16_t show)
{
    out[0] = (struct tg_units_key){.person = person, .sku = sku, .show = UINT16_MAX};
    if (show == UINT16_MAX)
        return 1;
    out[1] = (struct tg_units_key){.person = person, .sku = sku, .show = show};
    out[2] = (struct tg_units_key){.person = person, .sku = "", .show = show};
    return TG_UNITS_KEYS;
}

void tg_units_add(struct tg_shop *shop, const char *person, const char *sku, uint16_t show,
                  int32_t units)
{
    struct tg_units_key keys[TG_UNITS_KEYS];
    uint32_t count = tg_units_keys(keys, person, sku, show);

    /* Not in memory: the next claim that needs it reads the committed sum from disk. */
    for (uint32_t i = 0; shop->units.count > 0 && i < count; i++) {
        struct tg_units *u = units_find(shop, &keys[i]);

        if (u != NULL)
            u->units = TG_MAX(u->units + units, 0);
    }
}

static void forget_first(struct tg_shop *shop)
{
    struct tg_units *u = shop->units_first;

    (void)tg_map_del(&shop->units, u->key, u->key_len);
    shop->units_first = u->later;
    if (shop->units_first == NULL)
        shop->units_last = NULL;
    tg_free(u);
}

void tg_units_forget(struct tg_shop *shop)
{
    while (shop->units.count > TG_LIMITS_CACHED)
        forget_first(shop);
}

void tg_units_clear(struct tg_shop *shop)
{
    while (shop->units_first != NULL)
        forget_first(shop);
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

static bool order_ok(const struct tg_want *w, struct tg_verdict *out)
{
    int32_t max = w->variant->rules.order_max > 0 ? w->variant->rules.order_max : TG_QTY_MAX;

    if (w->qty <= max)
        return true;
    tg_refuse(out, TG_CODE_LIMIT, "At most %d of one product in an order.", (int)max);
    return false;
}

static int64_t wanted(const struct tg_wish *wish, const char *sku)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < wish->count; i++)
        if (sku[0] == '\0' || strcmp(wish->wants[i].variant->sku, sku) == 0)
            sum += wish->wants[i].qty;
    return sum;
}

static bool person_ok(const struct tg_shop *shop, const struct tg_wish *wish,
                      const struct tg_units_key *key, struct tg_verdict *out)
{
    int32_t max = units_max(shop, key);
    const struct tg_units *had = max > 0 ? units_find(shop, key) : NULL;

    if (max == 0)
        return true;
    if (had == NULL) {
        /* The limit, or the line, is of this very batch: what is not known is not nothing. */
        tg_refuse(out, TG_CODE_BUSY, "What you bought before is being looked up; ask again.");
        return false;
    }
    if (had->units + wanted(wish, key->sku) <= max)
        return true;
    if (key->sku[0] == '\0')
        tg_refuse(out, TG_CODE_LIMIT, "At most %d pieces per person in this show.", (int)max);
    else
        tg_refuse(out, TG_CODE_LIMIT, "At most %d of this product per person%s.", (int)max,
                  key->show == UINT16_MAX ? "" : " in this show");
    return false;
}

static bool show_ok(const struct tg_shop *shop, const struct tg_claim *c, const struct tg_want *w,
                    struct tg_verdict *out)
{
    const struct tg_show_item *item =
        c->show == UINT16_MAX ? NULL : tg_shop_show_item(shop, c->show, w->variant->sku);
    const struct tg_show_sales *sales;
    int32_t left;

    if (item == NULL || item->units_max == 0)
        return true;
    sales = sales_find(shop, c->show, w->variant->sku);
    if (sales == NULL && shop->show_sales.count >= TG_SHOW_SALES_MAX) {
        tg_refuse(out, TG_CODE_BUSY, "This server counts the sales of too many shows.");
        return false;
    }
    left = item->units_max - (sales == NULL ? 0 : sales->units);
    if (w->qty <= left)
        return true;
    if (left > 0)
        tg_refuse(out, TG_CODE_LIMIT, "Only %d of %s left for this show.", (int)left,
                  w->variant->product->title);
    else
        tg_refuse(out, TG_CODE_LIMIT, "%s is sold out in this show.", w->variant->product->title);
    return false;
}

int32_t tg_limit_left(const struct tg_shop *shop, const char *person, uint16_t show,
                      const struct tg_variant *v)
{
    const struct tg_show_item *item =
        show == UINT16_MAX ? NULL : tg_shop_show_item(shop, show, v->sku);
    int32_t left = v->rules.order_max > 0 ? v->rules.order_max : INT32_MAX;
    struct tg_units_key keys[TG_UNITS_KEYS];
    uint32_t count = tg_units_keys(keys, person, v->sku, show);

    if (item != NULL && item->units_max > 0)
        left = TG_MIN(left, item->units_max - tg_shop_show_units(shop, show, v->sku));
    for (uint32_t k = 0; k < count; k++) {
        int32_t max = units_max(shop, &keys[k]);
        const struct tg_units *had = max > 0 ? units_find(shop, &keys[k]) : NULL;

        if (max > 0)
            left = TG_MIN(left, max - (had == NULL ? 0 : had->units));
    }
    return left == INT32_MAX ? -1 : TG_MAX(left, 0);
}

static int64_t open_units(const struct tg_order *order, const char *sku)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < order->line_count; i++)
        if (sku[0] == '\0' || strcmp(order->lines[i].sku, sku) == 0)
            sum += tg_line_open(&order->lines[i]);
    return sum;
}

static bool person_left(const struct tg_shop *shop, const struct tg_order *order,
                        const struct tg_units_key *key)
{
    int32_t max = units_max(shop, key);
    const struct tg_units *had = max > 0 ? units_find(shop, key) : NULL;

    return max == 0 || (had != NULL && had->units + open_units(order, key->sku) <= max);
}

bool tg_limits_left(const struct tg_shop *shop, const struct tg_order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const char *sku = order->lines[i].sku;
        const struct tg_show_item *item =
            order->show == UINT16_MAX ? NULL : tg_shop_show_item(shop, order->show, sku);
        struct tg_units_key keys[TG_UNITS_KEYS];
        uint32_t count = tg_units_keys(keys, order->person, sku, order->show);

        if (item != NULL && item->units_max > 0 &&
            tg_shop_show_units(shop, order->show, sku) + open_units(order, sku) > item->units_max)
            return false;
        for (uint32_t k = 0; k < count; k++)
            if (!person_left(shop, order, &keys[k]))
                return false;
    }
    return true;
}

bool tg_wish_limits(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out)
{
    for (uint32_t i = 0; i < wish->count; i++) {
        const struct tg_want *w = &wish->wants[i];
        struct tg_units_key keys[TG_UNITS_KEYS];
        uint32_t count = tg_units_keys(keys, c->person, w->variant->sku, c->show);

        out->variant = w->variant;
        if (!order_ok(w, out) || !show_ok(shop, c, w, out))
            return false;
        for (uint32_t k = 0; k < count; k++)
            if (!person_ok(shop, wish, &keys[k], out))
                return false;
    }
    return true;
}
