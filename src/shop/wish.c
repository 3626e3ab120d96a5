/* What a claim asks for: its lines as variants and quantities, then the stages that judge it. */
#include <string.h>

#include "shop/shop_priv.h"

static bool shape_ok(const struct tg_claim *c, struct tg_verdict *out)
{
    if (c->location[0] != '\0' && strcmp(c->location, TG_LOCATION_MAIN) != 0) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such location.");
        return false;
    }
    if (c->person[0] == '\0') {
        tg_refuse(out, TG_CODE_UNAUTHORIZED, "Join first.");
        return false;
    }
    return true;
}

/* All or nothing: the first stage that cannot be passed decides. */
static void judge(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                  struct tg_wish *wish, struct tg_verdict *out)
{
    if (tg_wish_limits(shop, c, wish, out) && tg_wish_stock(shop, c, wish, out) &&
        tg_wish_price(shop, now, c, wish, out))
        tg_order_place(shop, now, c, wish, out);
}

void tg_decide_buy(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out)
{
    struct tg_wish wish;

    if (!shape_ok(c, out))
        return;
    wish.count = 1;
    wish.wants[0] =
        (struct tg_want){.variant = tg_shop_find(shop, c->sku), .qty = c->qty, .shown = c->price};
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

static int64_t shown_price(const struct tg_claim *c, const char *sku)
{
    for (uint32_t i = 0; i < c->price_count; i++)
        if (strcmp(c->prices[i].sku, sku) == 0)
            return c->prices[i].amount;
    return -1;
}

static bool add_want(struct tg_shop *shop, const struct tg_claim *c, struct tg_wish *wish,
                     const struct tg_cart_line *line)
{
    struct tg_variant *v = tg_shop_find(shop, line->sku);

    if (v == NULL)
        return false;
    for (uint32_t i = 0; i < wish->count; i++)
        if (wish->wants[i].variant == v) {
            wish->wants[i].qty += line->qty; /* at most 50 lines of 100: no overflow */
            return true;
        }
    wish->wants[wish->count++] =
        (struct tg_want){.variant = v, .qty = line->qty, .shown = shown_price(c, line->sku)};
    return true;
}

void tg_decide_checkout(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out)
{
    struct tg_cart *cart = tg_map_get_str(&shop->cart_by_person, c->person);
    struct tg_wish wish;

    out->cart = cart;
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
    tg_shop_touch_cart(shop, cart);
    cart->line_count = 0;
}
