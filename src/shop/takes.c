/* What becomes of an order's units: held, sold, given back, sent, returned. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

void tg_takes_fill(struct tg_order *order, const struct tg_wish *wish)
{
    for (uint32_t i = 0; i < order->take_count; i++) {
        const struct tg_take *from = &wish->takes[i];
        struct tg_order_take *to = &order->takes[i];

        *to = (struct tg_order_take){
            .line = from->want, .location = from->at->ord, .each = from->each, .qty = from->qty};
        if (from->at->kind == TG_LOCATION_PROMISE)
            to->ships_from_wall = from->at->ships_from_wall > 0 ? from->at->ships_from_wall : -1;
        tg_str_cut(to->sku, sizeof(to->sku), from->variant->sku);
        tg_str_cut(to->place, sizeof(to->place), from->at->id);
    }
}

static void move_take(struct tg_shop *shop, const struct tg_order *order,
                      const struct tg_order_take *t, enum tg_movement movement, int32_t qty,
                      tg_us wall)
{
    struct tg_variant *v = tg_shop_find(shop, t->sku);
    struct tg_effect move = {
        .movement = movement, .qty = qty, .location = t->location, .order = order, .wall = wall};

    TG_ASSERT(v != NULL); /* a variant with stock in orders is never taken out of the shop */
    tg_stock_move(shop, v, &move);
}

void tg_takes_hold(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    for (uint32_t i = 0; i < order->take_count; i++)
        move_take(shop, order, &order->takes[i], TG_MOVE_HOLD, order->takes[i].qty, wall);
}

void tg_takes_sell(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    TG_ASSERT(!order->takes_sold);
    TG_ASSERT(order->in_batch);
    order->takes_sold = true;
    for (uint32_t i = 0; i < order->take_count; i++)
        if (order->takes[i].qty > 0)
            move_take(shop, order, &order->takes[i], TG_MOVE_SELL, order->takes[i].qty, wall);
}

static void less(struct tg_shop *shop, struct tg_order *order, struct tg_order_take *t,
                 enum tg_movement movement, int32_t qty, tg_us wall)
{
    if (qty == 0)
        return;
    TG_ASSERT(order->in_batch);
    t->qty -= qty;
    order->takes_changed = true;
    move_take(shop, order, t, movement, qty, wall);
}

void tg_takes_release_all(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    enum tg_movement movement = order->takes_sold ? TG_MOVE_UNSELL : TG_MOVE_RELEASE;

    for (uint32_t i = 0; i < order->take_count; i++)
        less(shop, order, &order->takes[i], movement, order->takes[i].qty, wall);
}

static bool same_item(const struct tg_order_take *a, const struct tg_order_take *b)
{
    return a->line == b->line && strcmp(a->sku, b->sku) == 0;
}

/* The first take of its line's item in the list. */
static bool leads(const struct tg_order *order, uint32_t take)
{
    for (uint32_t i = 0; i < take; i++)
        if (same_item(&order->takes[i], &order->takes[take]))
            return false;
    return true;
}

/* `qty` units of the line less, of each of its items: from the end of the takes when they are given
 * back (what is promised last goes first), from the front when they leave. */
static void line_less(struct tg_shop *shop, struct tg_order *order, uint32_t line, int32_t qty,
                      enum tg_movement movement, tg_us wall)
{
    for (uint32_t i = 0; i < order->take_count; i++) {
        int32_t need = order->takes[i].each * qty;

        if (order->takes[i].line != line || !leads(order, i))
            continue;
        for (uint32_t k = 0; k < order->take_count && need > 0; k++) {
            uint32_t at = movement == TG_MOVE_SHIP ? k : order->take_count - 1 - k;
            struct tg_order_take *t = &order->takes[at];
            int32_t now = TG_MIN(need, t->qty);

            if (!same_item(t, &order->takes[i]))
                continue;
            less(shop, order, t, movement, now, wall);
            need -= now;
        }
        TG_ASSERT(need == 0); /* the caller asks for no more than the line still promises */
    }
}

void tg_takes_release(struct tg_shop *shop, struct tg_order *order, uint32_t line, int32_t qty,
                      tg_us wall)
{
    line_less(shop, order, line, qty, order->takes_sold ? TG_MOVE_UNSELL : TG_MOVE_RELEASE, wall);
}

void tg_takes_ship(struct tg_shop *shop, struct tg_order *order, uint32_t line, int32_t qty,
                   tg_us wall)
{
    TG_ASSERT(order->takes_sold);
    line_less(shop, order, line, qty, TG_MOVE_SHIP, wall);
}

/* Everything that can fail, for all items of the line, before the first one moves. */
static tg_err return_ready(struct tg_shop *shop, const struct tg_order *order, uint32_t line,
                           uint16_t location, int32_t qty)
{
    const struct tg_location *at = tg_shop_location_at(shop, location);
    tg_err err = at == NULL || !tg_on_shelves(at) ? TG_ERR_NOTFOUND : TG_OK;

    for (uint32_t i = 0; err == TG_OK && i < order->take_count; i++) {
        const struct tg_order_take *t = &order->takes[i];
        struct tg_variant *v = tg_shop_find(shop, t->sku);

        if (t->line != line || !leads(order, i))
            continue;
        TG_ASSERT(v != NULL);
        if ((int64_t)v->stock.on_hand + (int64_t)t->each * qty > TG_STOCK_MAX)
            return TG_ERR_LIMIT;
        err = tg_place_ready(shop, v, location);
    }
    return err == TG_OK ? tg_shop_reserve(shop, order->take_count) : err;
}

tg_err tg_takes_return(struct tg_shop *shop, const struct tg_order *order, uint32_t line,
                       uint16_t location, int32_t qty, tg_us wall)
{
    tg_err err = return_ready(shop, order, line, location, qty);

    for (uint32_t i = 0; err == TG_OK && i < order->take_count; i++)
        if (order->takes[i].line == line && leads(order, i))
            err = tg_stock_return(shop, tg_shop_find(shop, order->takes[i].sku), location,
                                  order->takes[i].each * qty, order, wall);
    return err;
}
