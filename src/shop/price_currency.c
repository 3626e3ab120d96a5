/* Ordinary prices in further currencies: they have no flash price and no past. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

static size_t currency_key(char out[TG_SKU_MAX + TG_CURRENCY_SIZE + 1], const char *sku,
                           const char *currency)
{
    size_t sku_len = strnlen(sku, TG_SKU_MAX);
    size_t currency_len = strnlen(currency, TG_CURRENCY_SIZE - 1);

    memcpy(out, sku, sku_len);
    out[sku_len] = '\0';
    memcpy(out + sku_len + 1, currency, currency_len);
    return sku_len + 1 + currency_len;
}

static struct tg_currency_price *currency_find(const struct tg_shop *shop, const char *sku,
                                               const char *currency)
{
    char key[TG_SKU_MAX + TG_CURRENCY_SIZE + 1];
    size_t len = currency_key(key, sku, currency);

    return tg_map_get(&shop->currency_prices, key, len);
}

/* They are few: all prices of a SKU are found by asking for each. */
static tg_err currency_known(struct tg_shop *shop, const char *currency)
{
    char(*more)[TG_CURRENCY_SIZE];

    for (size_t i = 0; i < shop->currency_count; i++)
        if (strcmp(shop->currencies[i], currency) == 0)
            return TG_OK;
    more = tg_realloc(shop->currencies, shop->currency_count + 1, sizeof(*more));
    if (more == NULL)
        return TG_ERR_NOMEM;
    shop->currencies = more;
    tg_str_cut(more[shop->currency_count++], sizeof(*more), currency);
    return TG_OK;
}

static tg_err currency_ready(struct tg_shop *shop, const char *sku, const char *currency,
                             struct tg_currency_price **ret)
{
    struct tg_currency_price *p = currency_find(shop, sku, currency);
    tg_err err = p == NULL ? currency_known(shop, currency) : TG_OK;

    if (err != TG_OK)
        return err;
    if (p == NULL) {
        if (shop->currency_prices.count >= TG_CURRENCY_PRICES_MAX)
            return TG_ERR_LIMIT;
        p = tg_calloc(1, sizeof(*p));
        if (p == NULL)
            return TG_ERR_NOMEM;
        p->price = -1;
        p->key_len = currency_key(p->key, sku, currency);
        err = tg_map_put(&shop->currency_prices, p->key, p->key_len, p);
        if (err != TG_OK) {
            tg_free(p);
            return err;
        }
    }
    *ret = p;
    return TG_OK;
}

tg_err tg_shop_put_currency_price(struct tg_shop *shop, const char *sku, const char *currency,
                                  int64_t price)
{
    struct tg_currency_price *p = NULL;
    tg_err err;

    if (tg_shop_find(shop, sku) == NULL)
        return TG_ERR_NOTFOUND;
    if (!tg_currency_ok(currency) || !tg_price_ok(price, -1))
        return TG_ERR_LIMIT;
    err = currency_ready(shop, sku, currency, &p);
    if (err != TG_OK)
        return err;
    TG_ASSERT(!p->in_batch);
    p->price = price;
    return TG_OK;
}

void tg_shop_forget_currency_prices(struct tg_shop *shop, const char *sku)
{
    for (size_t i = 0; i < shop->currency_count; i++) {
        struct tg_currency_price *p = currency_find(shop, sku, shop->currencies[i]);

        if (p != NULL)
            p->price = -1;
    }
}

int64_t tg_shop_price_in(const struct tg_shop *shop, const struct tg_variant *v,
                         const char *currency)
{
    const struct tg_currency_price *p;

    if (strcmp(currency, shop->cfg.currency) == 0)
        return tg_variant_price(v);
    p = currency_find(shop, v->sku, currency);
    return p == NULL ? -1 : p->price;
}

void tg_decide_currency_price(struct tg_shop *shop, struct tg_shop_now now, struct tg_variant *v,
                              const struct tg_claim *c, struct tg_verdict *out)
{
    struct tg_currency_price *p = NULL;
    struct tg_effect *e;
    tg_err err = currency_ready(shop, v->sku, c->currency, &p);

    if (err != TG_OK) {
        tg_refuse(out, err == TG_ERR_LIMIT ? TG_CODE_LIMIT : TG_CODE_INTERNAL,
                  err == TG_ERR_LIMIT ? "The shop has as many prices as it can hold."
                                      : "The server is out of memory.");
        return;
    }
    if (p->price == c->amount)
        return;
    if (!p->in_batch) {
        p->in_batch = true;
        p->before = p->price;
        p->batch_next = shop->batch_currency_prices;
        shop->batch_currency_prices = p;
    }
    e = tg_shop_effect(shop, TG_EFFECT_CURRENCY_PRICE, now.wall);
    e->variant = v;
    e->price = (struct tg_price_change){.price = c->amount,
                                        .compare_at = -1,
                                        .flash = -1,
                                        .until_wall = -1,
                                        .was = p->price,
                                        .amount = c->amount,
                                        .left = -1};
    tg_str_cut(e->price.currency, sizeof(e->price.currency), c->currency);
    tg_str_cut(e->actor, sizeof(e->actor), c->person);
    p->price = c->amount;
}
