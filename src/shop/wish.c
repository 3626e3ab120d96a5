/* What a claim asks for: its lines as variants and quantities, then the stages that judge it. */
#include <string.h>

#include "shop/shop_priv.h"

static bool shape_ok(const struct tg_claim *c, struct tg_verdict *out)
{
    if (c->person[0] == '\0') {
        tg_refuse(out, TG_CODE_UNAUTHORIZED, "Join first.");
        return false;
    }
    return true;
}

/* All or nothing: the first stage that cannot be passed decides. */
static void pass_stages(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_wish *wish, struct tg_verdict *out)
{
    if (tg_wish_window(shop, c, wish, out) && tg_wish_limits(shop, c, wish, out) &&
        tg_wish_stock(shop, c, wish, out) && tg_wish_price(shop, now, c, wish, out))
        tg_order_place(shop, now, c, wish, out);
}

/* Units that are held for this person's turn in the waiting list are there for this claim, too,
 * however it came. */
static bool lend(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                 struct tg_wish *wish, struct tg_waiter *turns[TG_CART_LINES_MAX])
{
    bool any = false;

    for (uint32_t i = 0; i < wish->count && shop->turns.count > 0; i++) {
        struct tg_want *want = &wish->wants[i];

        turns[i] = tg_line_turn(shop, now, c->person, want->variant->sku);
        if (turns[i] == NULL)
            continue;
        want->on_turn = TG_MIN(turns[i]->offered, want->qty);
        want->turn_at = turns[i]->location;
        tg_line_lend(shop, now, turns[i], want->on_turn);
        any = true;
    }
    return any;
}

static void judge(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                  struct tg_wish *wish, struct tg_verdict *out)
{
    size_t effects = shop->effect_count;
    struct tg_waiter *turns[TG_CART_LINES_MAX];
    struct tg_claim claim = *c;
    bool lent = lend(shop, now, c, wish, turns);

    /* For the books alone: what a turn allows stands in the wants. */
    if (lent && c->kind == TG_CLAIM_BUY && c->channel == TG_CHANNEL_BUTTON)
        claim.channel = TG_CHANNEL_WAITING;
    pass_stages(shop, now, &claim, wish, out);
    for (uint32_t i = 0; i < wish->count && lent; i++) {
        if (turns[i] == NULL) /* NOLINT: lend filled in as many */
            continue;
        if (out->order != NULL)
            tg_line_bought(shop, now, turns[i], wish->wants[i].qty);
        else
            tg_line_unlend(shop, now, turns[i], wish->wants[i].on_turn);
    }
    if (lent && out->order == NULL)
        while (shop->effect_count > effects) /* there and back again: nothing happened */
            tg_stock_unmove(shop, &shop->effects[--shop->effect_count]);
}

void tg_decide_buy(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out)
{
    struct tg_wish wish;

    out->ticket = tg_ticket_next(shop, now);
    if (!shape_ok(c, out))
        return;
    wish.count = 1;
    wish.wants[0] = (struct tg_want){.variant = tg_shop_find_sold(shop, c->sku),
                                     .qty = c->qty,
                                     .shown = c->price,
                                     .said = c->price >= 0};
    if (wish.wants[0].variant == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (c->qty < 1 || c->qty > TG_QTY_MAX) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "qty must be 1 to %d.", (int)TG_QTY_MAX);
        return;
    }
    judge(shop, now, c, &wish, out);
}

/* What the page says it showed; else what stood beside the line when it was put in. */
static int64_t shown_price(const struct tg_shop *shop, const struct tg_claim *c,
                           const struct tg_cart_line *line, bool *ret_said)
{
    for (uint32_t i = 0; i < c->price_count; i++)
        if (strcmp(c->prices[i].sku, line->sku) == 0) {
            *ret_said = true;
            return c->prices[i].amount;
        }
    *ret_said = false;
    return tg_claim_in_own_currency(shop, c) ? line->price : -1;
}

static bool add_want(struct tg_shop *shop, const struct tg_claim *c, struct tg_wish *wish,
                     const struct tg_cart_line *line)
{
    struct tg_variant *v = tg_shop_find_sold(shop, line->sku);
    struct tg_want *want;

    if (v == NULL)
        return false;
    for (uint32_t i = 0; i < wish->count; i++)
        if (wish->wants[i].variant == v) {
            wish->wants[i].qty += line->qty; /* at most 50 lines of 100: no overflow */
            return true;
        }
    want = &wish->wants[wish->count++];
    *want = (struct tg_want){.variant = v, .qty = line->qty};
    want->shown = shown_price(shop, c, line, &want->said);
    return true;
}

void tg_decide_checkout(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out)
{
    struct tg_cart *cart = tg_map_get_str(&shop->cart_by_person, c->person);
    struct tg_wish wish;

    out->cart = cart;
    out->ticket = tg_ticket_next(shop, now);
    if (!shape_ok(c, out))
        return;
    if (cart == NULL || cart->line_count == 0) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "The cart is empty.");
        return;
    }
    wish.count = 0;
    for (uint32_t i = 0; i < cart->line_count; i++)
        if (!add_want(shop, c, &wish, &cart->lines[i])) {
            tg_refuse(out, TG_CODE_NOT_FOUND, "%s is no longer sold here.", cart->lines[i].sku);
            return;
        }
    judge(shop, now, c, &wish, out);
    if (out->order == NULL)
        return;
    tg_shop_touch_cart(shop, cart, c, 0);
    cart->line_count = 0;
}
