/*
 * New money for an order: whether it pays the order, and what becomes of it when it does not. Late
 * and first-paid orders claim their goods at this moment.
 */
#include "base/str.h"
#include "shop/payments_priv.h"

enum fate {
    PAYS,       /* ... the order */
    INSTEAD,    /* ... in the place of a promise that could not be taken */
    UNWANTED,   /* nothing is to be paid */
    TOO_LITTLE, /* it costs more */
    GONE,       /* its goods are */
    SPREAD,     /* they lie at more places than one order can take from */
    LATER,      /* ask again; nothing was changed */
};

/* Paid, but its money cannot be had: another payment is welcome. */
static bool wants_other(const struct tg_order *order)
{
    return order->state == TG_ORDER_PAID && order->total > 0 && order->paid_by > 0 &&
           order->captured == 0 &&
           tg_intent_newest(order, TG_INTENT_CAPTURE, order->paid_by, TG_INTENT_ASKED) == NULL;
}

static enum fate fate_of_goods(tg_err found)
{
    if (found == TG_OK)
        return PAYS;
    if (found == TG_ERR_NOTFOUND)
        return GONE;
    return found == TG_ERR_LIMIT ? SPREAD : LATER;
}

static enum fate judge(struct tg_shop *shop, struct tg_order *order, int64_t amount)
{
    bool open = order->state == TG_ORDER_AWAITING;

    if (wants_other(order) && amount >= order->total)
        return INSTEAD;
    if (!open && order->state != TG_ORDER_EXPIRED)
        return UNWANTED;
    if (amount < order->total)
        return TOO_LITTLE;
    if (open && !order->unheld)
        return PAYS;
    /* It ran out in this very batch: what it held cannot be brought back and undone, too. */
    if (!open && order->in_batch && order->before_state == TG_ORDER_AWAITING)
        return LATER;
    if (!open && (!tg_codes_left(shop, order) || !tg_limits_left(shop, order)))
        return GONE; /* its code, or what may be sold to one person, was used since */
    /* Late, or in first-paid mode: the goods are claimed now, or there are none. */
    return fate_of_goods(tg_order_goods_find(shop, order));
}

void tg_refuse_over(struct tg_verdict *out, enum tg_order_state state)
{
    switch (state) {
    case TG_ORDER_EXPIRED:
        tg_refuse(out, TG_CODE_CLOSED,
                  "The time to pay ran out and the goods were released. Nothing was charged.");
        break;
    case TG_ORDER_CANCELLED:
        tg_refuse(out, TG_CODE_CLOSED, "The order was cancelled. You are not charged for it.");
        break;
    case TG_ORDER_PAID:
    case TG_ORDER_PARTLY:
    case TG_ORDER_FULFILLED:
    case TG_ORDER_RETURNED:
        tg_refuse(out, TG_CODE_CLOSED, "The order is paid already.");
        break;
    case TG_ORDER_AWAITING:
        break;
    }
}

static void refuse_fate(struct tg_verdict *out, const struct tg_order *order, enum fate fate)
{
    switch (fate) {
    case PAYS:
    case INSTEAD:
        break;
    case UNWANTED:
        tg_refuse_over(out, order->state);
        break;
    case TOO_LITTLE:
        tg_refuse(out, TG_CODE_CONFLICT,
                  "The amount is less than the order costs. The money is let go of.");
        break;
    case GONE:
        tg_refuse(out, TG_CODE_SOLD_OUT,
                  "The goods are gone. Your money is let go of or comes back.");
        break;
    case SPREAD:
        tg_refuse(out, TG_CODE_LIMIT,
                  "The goods would come from too many places for one order. "
                  "Your money is let go of or comes back.");
        break;
    case LATER:
        tg_refuse(out, TG_CODE_BUSY, "The payment cannot be taken in right now; try again.");
        break;
    }
}

void tg_payment_send_back(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                          bool taken, tg_us wall)
{
    if (!taken) {
        tg_payment_let_go(shop, order, of, wall);
        return;
    }
    tg_payment_take_in(shop, order, of, amount, false, wall);
    tg_payment_settle(shop, order, wall);
}

static void lose_goods(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    tg_order_note(shop, order, TG_EVENT_SOLD_OUT, -1, "", NULL, wall);
    if (order->state != TG_ORDER_AWAITING)
        return;
    for (uint32_t i = 0; i < order->line_count; i++)
        tg_order_count_units(shop, order, i, -tg_line_open(&order->lines[i]));
    tg_charge_return(shop, order, wall);
    tg_order_enter(shop, order, TG_ORDER_CANCELLED, wall);
    tg_order_note(shop, order, TG_EVENT_CANCELLED, -1, "", NULL, wall);
}

static void take_money(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                       bool taken, tg_us wall)
{
    uint32_t before = order->paid_by;
    bool first = before == 0 || order->state == TG_ORDER_EXPIRED;

    order->paid_by = of;
    order->refund_due = 0; /* an account of its own */
    if (taken)
        tg_payment_take_in(shop, order, of, amount, first, wall);
    if (first)
        tg_order_paid(shop, order, wall);
    if (!taken && order->total > 0)
        tg_intent_ask(shop, order, TG_INTENT_CAPTURE, of, order->total, first, wall);
    else if (!taken)
        tg_payment_let_go(shop, order, of, wall);
    if (before > 0 && tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, before) == 0)
        tg_payment_let_go(shop, order, before, wall);
    tg_payment_recount(order);
    tg_payment_tidy(order);
    tg_payment_settle(shop, order, wall);
}

void tg_payment_new(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                    const struct tg_claim *c, bool taken, struct tg_verdict *out)
{
    struct tg_intent *auth;
    enum fate fate;

    if (!tg_intents_ready(order, true, out))
        return;
    fate = judge(shop, order, c->amount);
    refuse_fate(out, order, fate);
    if (fate == LATER)
        return;
    auth = tg_intent_add(shop, order, TG_INTENT_AUTHORISE, 0, c->amount, now.wall);
    auth->state = TG_INTENT_DONE;
    tg_str_cut(auth->reference, sizeof(auth->reference), c->reference);
    order->payment_tries++;
    tg_intent_write(shop, order, auth, now.wall);
    tg_payment_recount(order);
    tg_order_change(shop, order, now.wall);
    if (fate == PAYS || fate == INSTEAD) {
        take_money(shop, order, auth->number, c->amount, taken, now.wall);
        return;
    }
    if (fate == GONE || fate == SPREAD)
        lose_goods(shop, order, now.wall);
    tg_payment_send_back(shop, order, auth->number, c->amount, taken, now.wall);
}
