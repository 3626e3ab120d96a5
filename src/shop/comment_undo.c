/*
 * "angre": which order by comment was the person's last. The disk knows, so nothing is remembered
 * here: the store brings the ids before the batch, and what was placed in the batch is in its list.
 */
#include <string.h>

#include "shop/shop_priv.h"

static bool can_be_undone(const struct tg_order *order, const struct tg_claim *c)
{
    return order->state == TG_ORDER_AWAITING && order->channel == TG_CHANNEL_COMMENT &&
           order->show == c->show && strcmp(order->person, c->person) == 0;
}

bool tg_shop_load_undo(struct tg_shop *shop, const char *id)
{
    struct tg_order *order = tg_map_get_str(&shop->order_by_id, id);

    if (order == NULL)
        return false;
    tg_shop_touch_order(shop, order); /* so that the batch's list has it */
    return true;
}

void tg_decide_undo(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out)
{
    const struct tg_order *last = NULL;
    struct tg_claim cancel = *c;

    for (const struct tg_order *o = shop->batch_orders; o != NULL; o = o->batch_next)
        if (can_be_undone(o, c) && (last == NULL || o->number > last->number))
            last = o;
    if (last == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no order by comment that can be undone.");
        return;
    }
    cancel.kind = TG_CLAIM_CANCEL;
    cancel.key = last->id;
    cancel.staff = false;
    tg_decide_cancel(shop, now, &cancel, out);
}
