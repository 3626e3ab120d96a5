/* Orders in a batch: as they were before it, forgotten when it ends, and those that cannot be read.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

void tg_shop_touch_order(struct tg_shop *shop, struct tg_order *order)
{
    if (order->in_batch)
        return;
    order->in_batch = true;
    order->before_state = order->state;
    order->before_payment_state = order->payment_state;
    order->before_payment_tries = order->payment_tries;
    order->before_changed_wall = order->changed_wall;
    order->before_takes_sold = order->takes_sold;
    order->before_take_count = order->take_count;
    for (uint32_t i = 0; i < order->take_count; i++)
        order->takes[i].before_qty = order->takes[i].qty;
    order->before.total = order->total;
    order->before.discount = order->discount;
    order->before.tax = order->tax;
    order->before.authorised = order->authorised;
    order->before.captured = order->captured;
    order->before.refunded = order->refunded;
    order->before.refund_due = order->refund_due;
    order->before.events = order->events;
    order->before.intent_count = order->intent_count;
    order->before.paid_by = order->paid_by;
    order->before.unheld = order->unheld;
    for (uint32_t i = 0; i < order->line_count; i++) {
        order->lines[i].before_cancelled = order->lines[i].cancelled;
        order->lines[i].before_fulfilled = order->lines[i].fulfilled;
        order->lines[i].before_returned = order->lines[i].returned;
    }
    for (uint32_t i = 0; i < order->intent_count; i++) {
        struct tg_intent *in = &order->intents[i];

        in->before_state = in->state;
        in->before_amount = in->amount;
        in->before_asks = in->asks;
        memcpy(in->before_operation, in->operation, sizeof(in->before_operation));
        in->before_changed_wall = in->changed_wall;
    }
    order->batch_next = shop->batch_orders;
    shop->batch_orders = order;
}

void tg_order_forget(struct tg_shop *shop, struct tg_order *order)
{
    tg_heap_remove(&shop->expiries, &order->expiry);
    (void)tg_map_del(&shop->order_by_payment, order->payment, strlen(order->payment));
    (void)tg_map_del(&shop->order_by_id, order->id,
                     strlen(order->id)); /* in both, by index_order */
    tg_order_free(order);
}

void tg_shop_forget_order(struct tg_shop *shop, const char *id)
{
    struct tg_rng *rng = shop->cfg.rng;
    struct tg_order *order;

    TG_ASSERT(shop->batch_orders == NULL);
    if (id != NULL) {
        order = tg_map_get_str(&shop->order_by_id, id);
        if (order != NULL)
            tg_order_forget(shop, order);
        return;
    }
    tg_shop_free_orders(shop);
    tg_map_init(&shop->order_by_id, rng);
    tg_map_init(&shop->order_by_payment, rng);
    tg_heap_done(&shop->expiries);
    shop->expiries = (struct tg_heap){.count = 0};
}

bool tg_shop_has_order(const struct tg_shop *shop, const char *id)
{
    return tg_map_get_str(&shop->order_by_id, id) != NULL;
}

void tg_shop_free_orders(struct tg_shop *shop)
{
    size_t cursor = 0;
    struct tg_order *order;

    while ((order = tg_map_each(&shop->order_by_id, &cursor)) != NULL)
        tg_order_free(order);
    tg_map_done(&shop->order_by_id);
    tg_map_done(&shop->order_by_payment);
}

tg_err tg_shop_note_damaged(struct tg_shop *shop, const char *key)
{
    struct tg_damaged *d = tg_calloc(1, sizeof(*d));

    if (d == NULL)
        return TG_ERR_NOMEM;
    tg_str_cut(d->key, sizeof(d->key), key);
    d->next = shop->batch_damaged;
    shop->batch_damaged = d;
    return TG_OK;
}

void tg_shop_free_damaged(struct tg_shop *shop)
{
    struct tg_damaged *next;

    for (struct tg_damaged *d = shop->batch_damaged; d != NULL; d = next) {
        next = d->next;
        tg_free(d);
    }
    shop->batch_damaged = NULL;
}

void tg_order_undo(struct tg_shop *shop, struct tg_order *order)
{
    bool was_open = order->before_state == TG_ORDER_AWAITING;

    if (order->fresh || !was_open) {
        tg_order_forget(shop, order);
        return;
    }
    if (order->state != TG_ORDER_AWAITING)
        /* It had a place before this batch and heaps never shrink: there is room. */
        TG_ASSERT(tg_heap_set(&shop->expiries, &order->expiry, order->expiry.at) == TG_OK);
    order->state = order->before_state;
    order->payment_state = order->before_payment_state;
    order->payment_tries = order->before_payment_tries;
    order->changed_wall = order->before_changed_wall;
    order->takes_sold = order->before_takes_sold;
    order->take_count = order->before_take_count;
    for (uint32_t i = 0; i < order->take_count; i++)
        order->takes[i].qty = order->takes[i].before_qty;
    order->takes_changed = false;
    order->takes_found = false;
    order->total = order->before.total;
    order->discount = order->before.discount;
    order->tax = order->before.tax;
    order->authorised = order->before.authorised;
    order->captured = order->before.captured;
    order->refunded = order->before.refunded;
    order->refund_due = order->before.refund_due;
    order->events = order->before.events;
    order->intent_count = order->before.intent_count;
    order->paid_by = order->before.paid_by;
    order->unheld = order->before.unheld;
    /* It may have been paid, sent and given back, all in this batch. */
    for (uint32_t i = 0; i < order->line_count; i++) {
        order->lines[i].cancelled = order->lines[i].before_cancelled;
        order->lines[i].fulfilled = order->lines[i].before_fulfilled;
        order->lines[i].returned = order->lines[i].before_returned;
    }
    for (uint32_t i = 0; i < order->intent_count; i++) {
        struct tg_intent *in = &order->intents[i];

        in->state = in->before_state;
        in->amount = in->before_amount;
        in->asks = in->before_asks;
        memcpy(in->operation, in->before_operation, sizeof(in->operation));
        in->changed_wall = in->before_changed_wall;
    }
    order->in_batch = false;
    order->changed = false;
    order->dirty = false;
    order->lines_dirty = false;
}
