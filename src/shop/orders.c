/* Orders: how they are placed, and what becomes of them. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/uuid.h"
#include "shop/shop_priv.h"

static void fill_line(struct tg_order_line *line, const struct tg_want *w)
{
    const struct tg_variant *v = w->variant;

    tg_str_cut(line->sku, sizeof(line->sku), v->sku);
    tg_str_cut(line->title, sizeof(line->title), v->product->title);
    tg_str_cut(line->options, sizeof(line->options), v->options);
    line->qty = w->qty;
    line->price = w->price;
    line->cost = v->cost;
    line->discount = w->discount;
    line->tax_bp = w->tax_bp;
    line->tax = w->tax;
    line->flash_since = w->flash ? v->flash_since_wall : 0;
}

static void fill_order(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                       const struct tg_wish *wish, struct tg_order *order)
{
    uint8_t payment[16];

    tg_uuid7(order->id, now.wall, shop->cfg.rng);
    tg_rng_bytes(shop->cfg.rng, payment, sizeof(payment));
    tg_b64url_encode(order->payment, sizeof(order->payment), payment, sizeof(payment));
    tg_str_cut(order->person, sizeof(order->person), c->person);
    tg_str_cut(order->name, sizeof(order->name), c->name);
    tg_str_cut(order->source, sizeof(order->source), c->source);
    memcpy(order->currency, wish->currency, sizeof(order->currency));
    memcpy(order->codes, wish->codes, sizeof(order->codes));
    order->show = c->show;
    order->channel = c->channel;
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
                            const struct tg_wish *wish, struct tg_order **ret)
{
    struct tg_order *order = NULL;
    tg_err err = tg_order_new(&order, wish->count, wish->take_count);

    if (err == TG_OK && shop->order_by_id.count >= TG_OPEN_ORDERS_MAX)
        err = TG_ERR_LIMIT;
    if (err == TG_OK)
        err = tg_codes_ready(shop, wish->codes, c->person);
    for (uint32_t i = 0; err == TG_OK && i < wish->count; i++) {
        fill_line(&order->lines[i], &wish->wants[i]);
        order->discount += wish->wants[i].discount;
        order->tax += wish->wants[i].tax;
        err = tg_units_ready(shop, c->person, order->lines[i].sku, c->show);
        if (err == TG_OK)
            err = tg_sales_ready(shop, c->show, wish->wants[i].variant);
    }
    if (err == TG_OK)
        err = tg_order_sum(&order->total, order);
    if (err == TG_OK) {
        fill_order(shop, now, c, wish, order);
        tg_takes_fill(order, wish);
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

void tg_order_place(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out)
{
    struct tg_order *order = NULL;
    tg_err err;

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
    order->ticket = out->ticket;
    tg_shop_touch_order(shop, order);
    order->fresh = true;
    tg_shop_effect(shop, TG_EFFECT_ORDER_NEW, now.wall)->order = order;
    tg_takes_hold(shop, order, now.wall);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        tg_units_add(shop, c->person, line->sku, c->show, line->qty);
        tg_sales_add(shop, c->show, line->sku, line->qty);
    }
    tg_charge_taken(shop, now, order, wish);
    out->order = order;
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
    } else {
        tg_comment_note(shop, order);
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
    if (sold) {
        tg_takes_sell(shop, order, wall);
        return;
    }
    tg_charge_return(shop, order, wall);
    tg_takes_release_all(shop, order, wall);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        tg_units_add(shop, order->person, line->sku, order->show, -line->qty);
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
