/* The goods of an order after the claim: found late, given up, coming back. */
#include <string.h>

#include "shop/shop_priv.h"

tg_err tg_order_goods_find(struct tg_shop *shop, struct tg_order *order)
{
    /* What it had was released long ago, or it never had anything. */
    order->take_count = 0;
    order->takes_sold = false;
    return tg_takes_find(shop, order);
}

static const struct tg_location *place_of(const struct tg_shop *shop, const char *place)
{
    const struct tg_location *at =
        tg_shop_location(shop, place[0] == '\0' ? TG_LOCATION_MAIN : place);

    if (at == NULL || (at->kind != TG_LOCATION_WAREHOUSE && at->kind != TG_LOCATION_STORE))
        return NULL;
    return at;
}

/* Units of an item that come back with all lines together. */
static int64_t units_back(const struct tg_order *order, const char *sku, const int32_t *qty)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < order->take_count; i++) {
        const struct tg_order_take *t = &order->takes[i];
        bool counted = strcmp(t->sku, sku) != 0;

        /* Takes of one line at several places are of the same units. */
        for (uint32_t k = 0; k < i && !counted; k++)
            counted = order->takes[k].line == t->line && strcmp(order->takes[k].sku, sku) == 0;
        if (!counted)
            sum += (int64_t)t->each * qty[t->line];
    }
    return sum;
}

tg_err tg_order_return_ready(struct tg_shop *shop, const struct tg_order *order, const int32_t *qty,
                             const char *place)
{
    const struct tg_location *at = place_of(shop, place);
    tg_err err = at == NULL ? TG_ERR_NOTFOUND : TG_OK;

    for (uint32_t i = 0; err == TG_OK && i < order->take_count; i++) {
        const struct tg_order_take *t = &order->takes[i];
        struct tg_variant *v = tg_shop_find(shop, t->sku);

        TG_ASSERT(v != NULL); /* a variant with stock in orders is never taken out of the shop */
        if (qty[t->line] == 0)
            continue;
        if (v->stock.on_hand + units_back(order, t->sku, qty) > TG_STOCK_MAX)
            return TG_ERR_LIMIT;
        err = tg_place_ready(shop, v, at->ord);
    }
    return err == TG_OK ? tg_shop_reserve(shop, TG_TAKES_MAX + TG_CART_LINES_MAX) : err;
}

void tg_order_goods_return(struct tg_shop *shop, const struct tg_order *order, const int32_t *qty,
                           const char *place, tg_us wall)
{
    const struct tg_location *at = place_of(shop, place);

    TG_ASSERT(at != NULL); /* tg_order_return_ready */
    for (uint32_t i = 0; i < order->line_count; i++)
        if (qty[i] > 0)
            TG_ASSERT(tg_takes_return(shop, order, i, at->ord, qty[i], wall) == TG_OK);
}

void tg_order_count_units(struct tg_shop *shop, struct tg_order *order, uint32_t line,
                          int32_t units)
{
    tg_units_add(shop, order->person, order->lines[line].sku, order->show, units);
    tg_sales_add(shop, order->show, order->lines[line].sku, units);
}
