#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/uuid.h"
#include "shop/shop_priv.h"

/* One line that a claim asks for; every SKU once, so that demand is summed before it is judged. */
struct want {
    struct tg_variant *variant;
    int32_t qty;
    int64_t shown; /* price the page showed, -1 = none */
};

struct wish {
    struct want wants[TG_CART_LINES_MAX];
    uint32_t count;
};

static bool shape_ok(const struct tg_claim *c, struct tg_verdict *out)
{
    if (c->code[0] != '\0') {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such code.");
        return false;
    }
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

static bool limit_ok(const struct tg_shop *shop, const struct tg_claim *c, const struct want *w,
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

static bool stock_ok(const struct want *w, struct tg_verdict *out)
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

static bool price_ok(const struct tg_shop *shop, const struct want *w, struct tg_verdict *out)
{
    char text[TG_MONEY_SIZE];

    /* A fall in price is a gift and never asked about. */
    if (w->shown < 0 || tg_variant_price(w->variant) <= w->shown)
        return true;
    tg_money_text(text, tg_variant_price(w->variant), shop->cfg.currency);
    tg_refuse(out, TG_CODE_PRICE_CHANGED, "%s costs %s now.", w->variant->product->title, text);
    return false;
}

/* All or nothing: the first line that cannot be had decides. */
static bool wish_ok(const struct tg_shop *shop, const struct tg_claim *c, const struct wish *wish,
                    struct tg_verdict *out)
{
    for (uint32_t i = 0; i < wish->count; i++) {
        const struct want *w = &wish->wants[i];

        out->variant = w->variant;
        if (!limit_ok(shop, c, w, out) || !stock_ok(w, out) || !price_ok(shop, w, out))
            return false;
    }
    return true;
}

static void fill_line(struct tg_order_line *line, const struct want *w)
{
    const struct tg_variant *v = w->variant;

    tg_str_cut(line->sku, sizeof(line->sku), v->sku);
    tg_str_cut(line->title, sizeof(line->title), v->product->title);
    tg_str_cut(line->options, sizeof(line->options), v->options);
    line->qty = w->qty;
    line->price = tg_variant_price(v);
    line->cost = v->cost;
}

static void fill_order(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                       struct tg_order *order)
{
    uint8_t payment[16];

    tg_uuid7(order->id, now.wall, shop->cfg.rng);
    tg_rng_bytes(shop->cfg.rng, payment, sizeof(payment));
    tg_b64url_encode(order->payment, sizeof(order->payment), payment, sizeof(payment));
    tg_str_cut(order->person, sizeof(order->person), c->person);
    tg_str_cut(order->name, sizeof(order->name), c->name);
    tg_str_cut(order->source, sizeof(order->source), c->source);
    memcpy(order->currency, shop->cfg.currency, sizeof(order->currency));
    order->show = c->show;
    order->created_wall = now.wall;
    order->changed_wall = now.wall;
    order->pay_by_wall = now.wall + shop->cfg.hold_us;
}

static tg_err index_order(struct tg_shop *shop, struct tg_order *order)
{
    tg_err err = tg_map_put(&shop->order_by_id, order->id, strlen(order->id), order);

    if (err != TG_OK)
        return err;
    err = tg_map_put(&shop->order_by_payment, order->payment, strlen(order->payment), order);
    if (err != TG_OK)
        (void)tg_map_del(&shop->order_by_id, order->id, strlen(order->id)); /* put just above */
    return err;
}

/* Everything that can fail, before anything of the shop changes. */
static tg_err prepare_order(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                            const struct wish *wish, struct tg_order **ret)
{
    struct tg_order *order = NULL;
    tg_err err = tg_order_new(&order, wish->count);

    if (err == TG_OK && shop->order_by_id.count >= TG_OPEN_ORDERS_MAX)
        err = TG_ERR_LIMIT;
    for (uint32_t i = 0; err == TG_OK && i < wish->count; i++) {
        fill_line(&order->lines[i], &wish->wants[i]);
        err = tg_units_ready(shop, c->person, order->lines[i].sku);
        if (err == TG_OK)
            err = tg_sales_ready(shop, c->show, wish->wants[i].variant);
    }
    if (err == TG_OK)
        err = tg_order_sum(&order->total, order);
    if (err == TG_OK) {
        fill_order(shop, now, c, order);
        err = tg_heap_set(&shop->expiries, &order->expiry, now.mono + shop->cfg.hold_us);
    }
    if (err == TG_OK)
        err = index_order(shop, order);
    if (err != TG_OK) {
        if (order != NULL)
            tg_heap_remove(&shop->expiries, &order->expiry);
        tg_order_free(order);
        return err;
    }
    *ret = order;
    return TG_OK;
}

static void place_order(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        const struct wish *wish, struct tg_verdict *out)
{
    struct tg_order *order = NULL;
    tg_err err;

    if (!wish_ok(shop, c, wish, out))
        return;
    err = prepare_order(shop, now, c, wish, &order);
    if (err != TG_OK) {
        tg_refuse(out, err == TG_ERR_LIMIT ? TG_CODE_BUSY : TG_CODE_INTERNAL,
                  err == TG_ERR_LIMIT ? "Too many open orders; try again in a minute."
                                      : "The server is out of memory.");
        return;
    }
    if (!shop->numbered) {
        shop->before_number = shop->next_number;
        shop->numbered = true;
    }
    order->number = shop->next_number++;
    tg_shop_touch_order(shop, order);
    order->fresh = true;
    tg_shop_effect(shop, TG_EFFECT_ORDER_NEW, now.wall)->order = order;
    for (uint32_t i = 0; i < wish->count; i++) {
        struct tg_effect move = {
            .movement = TG_MOVE_HOLD, .qty = wish->wants[i].qty, .order = order, .wall = now.wall};

        tg_stock_move(shop, wish->wants[i].variant, &move);
        tg_units_add(shop, c->person, order->lines[i].sku, move.qty);
        tg_sales_add(shop, c->show, order->lines[i].sku, move.qty);
    }
    out->order = order;
}

void tg_decide_buy(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out)
{
    struct wish wish = {.count = 1};

    if (!shape_ok(c, out))
        return;
    wish.wants[0] =
        (struct want){.variant = tg_shop_find(shop, c->sku), .qty = c->qty, .shown = c->price};
    if (wish.wants[0].variant == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (c->qty < 1 || c->qty > TG_QTY_MAX) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "qty must be 1 to %d.", (int)TG_QTY_MAX);
        return;
    }
    place_order(shop, now, c, &wish, out);
}

static int64_t shown_price(const struct tg_claim *c, const char *sku)
{
    for (uint32_t i = 0; i < c->price_count; i++)
        if (strcmp(c->prices[i].sku, sku) == 0)
            return c->prices[i].amount;
    return -1;
}

static bool add_want(struct tg_shop *shop, const struct tg_claim *c, struct wish *wish,
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
        (struct want){.variant = v, .qty = line->qty, .shown = shown_price(c, line->sku)};
    return true;
}

void tg_decide_checkout(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out)
{
    struct tg_cart *cart = tg_map_get_str(&shop->cart_by_person, c->person);
    struct wish wish = {.count = 0};

    out->cart = cart;
    if (!shape_ok(c, out))
        return;
    if (cart == NULL || cart->line_count == 0) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "The cart is empty.");
        return;
    }
    for (uint32_t i = 0; i < cart->line_count; i++)
        if (!add_want(shop, c, &wish, &cart->lines[i])) {
            tg_refuse(out, TG_CODE_NOT_FOUND, "%s is no longer sold here.", cart->lines[i].sku);
            return;
        }
    place_order(shop, now, c, &wish, out);
    if (out->order == NULL)
        return;
    tg_shop_touch_cart(shop, cart);
    cart->line_count = 0;
}

/* --- after the claim --- */

tg_err tg_shop_load_order(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *take_order)
{
    struct tg_order *order = take_order;
    tg_err err;

    order->expiry = (struct tg_heap_node){0};
    order->in_batch = false;
    order->fresh = false;
    order->changed = false;
    err = index_order(shop, order);
    if (err != TG_OK) {
        tg_order_free(order);
        return err;
    }
    if (order->state != TG_ORDER_AWAITING) {
        tg_shop_touch_order(shop, order); /* forgotten again when the batch ends */
        return TG_OK;
    }
    err = tg_heap_set(&shop->expiries, &order->expiry,
                      now.mono + TG_MAX(order->pay_by_wall - now.wall, (tg_us)0));
    if (err != TG_OK) {
        (void)tg_map_del(&shop->order_by_payment, order->payment, strlen(order->payment));
        (void)tg_map_del(&shop->order_by_id, order->id, strlen(order->id)); /* both put above */
        tg_order_free(order);
    }
    return err;
}

bool tg_shop_needs_order(const struct tg_shop *shop, const struct tg_claim *c)
{
    if (c->kind == TG_CLAIM_PAY)
        return tg_map_get_str(&shop->order_by_payment, c->key) == NULL;
    return c->kind == TG_CLAIM_CANCEL && tg_map_get_str(&shop->order_by_id, c->key) == NULL;
}

size_t tg_shop_order_count(const struct tg_shop *shop)
{
    return shop->order_by_id.count;
}

const struct tg_order *tg_shop_order_each(const struct tg_shop *shop, size_t *cursor)
{
    return tg_map_each(&shop->order_by_id, cursor);
}

void tg_order_leave(struct tg_shop *shop, struct tg_order *order, enum tg_order_state state,
                    tg_us wall)
{
    bool sold = state == TG_ORDER_PAID;

    TG_ASSERT(order->state == TG_ORDER_AWAITING);
    tg_shop_touch_order(shop, order);
    order->changed = true;
    order->state = state;
    order->changed_wall = wall;
    tg_heap_remove(&shop->expiries, &order->expiry);
    tg_shop_effect(shop, TG_EFFECT_ORDER_STATE, wall)->order = order;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];
        struct tg_variant *v = tg_shop_find(shop, line->sku);
        struct tg_effect move = {.movement = sold ? TG_MOVE_SELL : TG_MOVE_RELEASE,
                                 .qty = line->qty,
                                 .order = order,
                                 .wall = wall};

        TG_ASSERT(v != NULL); /* a variant with stock in orders is never taken out of the shop */
        tg_stock_move(shop, v, &move);
        if (sold)
            continue;
        tg_units_add(shop, order->person, line->sku, -line->qty);
        tg_sales_add(shop, order->show, line->sku, -line->qty);
    }
}

static void refuse_over(struct tg_verdict *out, enum tg_order_state state)
{
    switch (state) {
    case TG_ORDER_EXPIRED:
        tg_refuse(out, TG_CODE_CLOSED,
                  "The time to pay ran out and the goods were released. Nothing was charged.");
        break;
    case TG_ORDER_CANCELLED:
        tg_refuse(out, TG_CODE_CLOSED, "The order was cancelled. Nothing was charged.");
        break;
    case TG_ORDER_PAID:
    case TG_ORDER_FULFILLED:
        tg_refuse(out, TG_CODE_CLOSED, "The order is paid already.");
        break;
    case TG_ORDER_AWAITING:
        break;
    }
}

void tg_decide_pay(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out)
{
    struct tg_order *order = tg_map_get_str(&shop->order_by_payment, c->key);

    out->order = order;
    if (order == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such payment.");
        return;
    }
    /* Its turn in the clock's queue has not come yet, but its time is over all the same. */
    if (order->state == TG_ORDER_AWAITING && order->expiry.at <= now.mono)
        tg_order_leave(shop, order, TG_ORDER_EXPIRED, now.wall);
    if (order->state != TG_ORDER_AWAITING) {
        /* Told again that it was paid: the provider repeats itself, nothing happens twice. */
        if (!c->paid || order->payment_state != TG_PAYMENT_PAID)
            refuse_over(out, order->state);
        return;
    }
    tg_shop_touch_order(shop, order);
    order->payment_tries++;
    order->payment_state = c->paid ? TG_PAYMENT_PAID : TG_PAYMENT_DECLINED;
    tg_shop_effect(shop, TG_EFFECT_PAYMENT, now.wall)->order = order;
    if (c->paid)
        tg_order_leave(shop, order, TG_ORDER_PAID, now.wall);
}

void tg_decide_cancel(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out)
{
    struct tg_order *order = tg_map_get_str(&shop->order_by_id, c->key);
    bool staff = c->staff && order != NULL && (c->show == UINT16_MAX || c->show == order->show);

    /* Another person's order does not exist for a buyer. */
    if (order == NULL || (!staff && strcmp(order->person, c->person) != 0)) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such order.");
        return;
    }
    out->order = order;
    if (order->state == TG_ORDER_AWAITING)
        tg_order_leave(shop, order, TG_ORDER_CANCELLED, now.wall);
    else if (order->state != TG_ORDER_CANCELLED)
        refuse_over(out, order->state);
}
