#include <string.h>

#include "base/str.h"
#include "shop/shop_priv.h"

void tg_stock_move(struct tg_shop *shop, struct tg_variant *v, const struct tg_effect *movement)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_MOVEMENT, movement->wall);
    struct tg_stock_count *s = &v->stock;

    tg_shop_touch_variant(shop, v);
    *e = *movement;
    e->kind = TG_EFFECT_MOVEMENT;
    e->variant = v;
    switch (movement->movement) {
    case TG_MOVE_RECEIVE:
    case TG_MOVE_ADJUST:
        s->on_hand += movement->qty;
        break;
    case TG_MOVE_HOLD:
        s->held += movement->qty;
        break;
    case TG_MOVE_RELEASE:
        s->held -= movement->qty;
        break;
    case TG_MOVE_SELL:
        s->held -= movement->qty;
        s->sold += movement->qty;
        break;
    }
    /* The promise of this room. Every caller has checked before it moved. */
    TG_ASSERT(s->on_hand >= 0);
    TG_ASSERT(s->held >= 0);
    TG_ASSERT(s->sold >= 0);
    TG_ASSERT(tg_variant_available(v) >= 0);
    tg_line_freed(shop, v);
}

static bool location_ok(const char *location)
{
    return location[0] == '\0' || strcmp(location, TG_LOCATION_MAIN) == 0;
}

void tg_decide_stock(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out)
{
    struct tg_variant *v = tg_shop_find(shop, c->sku);
    int64_t target;
    int32_t bound;
    struct tg_effect move = {.movement = TG_MOVE_ADJUST, .wall = now.wall};

    out->variant = v;
    if (v == NULL || !location_ok(c->location)) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such %s.",
                  v == NULL ? "product" : "location");
        return;
    }
    bound = v->stock.held + v->stock.sold;
    target = c->absolute ? c->value : (int64_t)v->stock.on_hand + c->value;
    if (target < bound) {
        tg_refuse(out, TG_CODE_BAD_REQUEST,
                  "%s cannot go below %d: that many are held or sold already.",
                  c->absolute ? "set" : "delta", (int)bound);
        return;
    }
    if (target > TG_STOCK_MAX) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "%s is above %d.", c->absolute ? "set" : "delta",
                  (int)TG_STOCK_MAX);
        return;
    }
    if (target == v->stock.on_hand)
        return;
    move.qty = (int32_t)(target - v->stock.on_hand);
    tg_str_cut(move.actor, sizeof(move.actor), c->person);
    tg_stock_move(shop, v, &move);
}

static bool differ(char why[160], const char *what, int64_t memory, int64_t other)
{
    if (memory == other)
        return false;
    tg_str_printf(why, 160, "%s: memory says %lld, derived is %lld", what, (long long)memory,
                  (long long)other);
    return true;
}

bool tg_shop_audit(const struct tg_shop *shop, const struct tg_audit_row *row, char why[160])
{
    const struct tg_variant *v = tg_shop_variant(shop, row->sku);

    if (v == NULL) {
        tg_str_printf(why, 160, "the SKU is on disk, but not in memory");
        return false;
    }
    return !differ(why, "on hand by movements", v->stock.on_hand, row->moved_on_hand) &&
           !differ(why, "held by movements", v->stock.held, row->moved_held) &&
           !differ(why, "sold by movements", v->stock.sold, row->moved_sold) &&
           !differ(why, "on hand in the stock table", v->stock.on_hand, row->kept_on_hand) &&
           !differ(why, "held in the stock table", v->stock.held, row->kept_held) &&
           !differ(why, "sold in the stock table", v->stock.sold, row->kept_sold) &&
           !differ(why, "held by holds and turns", v->stock.held, row->holds + row->offered) &&
           !differ(why, "held by unpaid orders and turns", v->stock.held,
                   row->orders_held + row->offered) &&
           !differ(why, "offered to the waiting list", tg_shop_offered(shop, row->sku),
                   row->offered) &&
           !differ(why, "sold by paid orders", v->stock.sold, row->orders_sold);
}

/* --- the stage of a claim --- */

static bool stock_ok(const struct tg_want *w, struct tg_verdict *out)
{
    int32_t available = tg_variant_available(w->variant);

    if (available >= w->qty)
        return true;
    if (available == 0)
        tg_refuse(out, TG_CODE_SOLD_OUT, "%s is sold out.", w->variant->product->title);
    else
        tg_refuse(out, TG_CODE_SOLD_OUT, "Only %d of %s left.", (int)available,
                  w->variant->product->title);
    return false;
}

bool tg_wish_stock(const struct tg_shop *shop, const struct tg_claim *c, struct tg_wish *wish,
                   struct tg_verdict *out)
{
    (void)shop;
    (void)c;
    wish->take_count = 0;
    for (uint32_t i = 0; i < wish->count; i++) {
        const struct tg_want *w = &wish->wants[i];

        out->variant = w->variant;
        if (!stock_ok(w, out))
            return false;
        wish->takes[wish->take_count++] =
            (struct tg_take){.want = i, .variant = w->variant, .qty = w->qty};
    }
    return true;
}
