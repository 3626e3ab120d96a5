/* What becomes of an order after the claim: lines are cancelled, sent, and come back. */
#include <string.h>

#include "base/str.h"
#include "shop/shop_priv.h"

/* Units that a claim picks of each line. */
struct picks {
    int32_t qty[TG_CART_LINES_MAX];
    uint32_t lines; /* with a quantity */
    int64_t units;
};

typedef int32_t (*left_fn)(const struct tg_order_line *line);

static int32_t returnable(const struct tg_order_line *line)
{
    return line->fulfilled - line->returned;
}

static bool pick_named(const struct tg_order *order, const struct tg_claim *c, left_fn left,
                       struct picks *p, struct tg_verdict *out)
{
    for (uint32_t i = 0; i < c->line_count; i++) {
        const struct tg_line_qty *want = &c->lines[i];
        int32_t most;

        if (want->line >= order->line_count) {
            tg_refuse_field(out, "lines", TG_CODE_BAD_REQUEST, "The order has no line %u.",
                            (unsigned)want->line + 1);
            return false;
        }
        most = left(&order->lines[want->line]) - p->qty[want->line];
        if (want->qty < 1 || want->qty > TG_QTY_MAX) {
            tg_refuse_field(out, "lines", TG_CODE_BAD_REQUEST, "qty must be 1 to %d.",
                            (int)TG_QTY_MAX);
            return false;
        }
        if (want->qty > most) {
            tg_refuse_field(out, "lines", TG_CODE_CONFLICT, "Only %d of line %u are left for this.",
                            (int)most, (unsigned)want->line + 1);
            return false;
        }
        p->qty[want->line] += want->qty;
    }
    return true;
}

/* Each quantity is checked against what is left of its line. No lines named = all that is left. */
static bool pick(const struct tg_order *order, const struct tg_claim *c, left_fn left,
                 struct picks *p, struct tg_verdict *out)
{
    *p = (struct picks){.lines = 0};
    if (c->line_count > 0 && !pick_named(order, c, left, p, out))
        return false;
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (c->line_count == 0)
            p->qty[i] = left(&order->lines[i]);
        p->lines += p->qty[i] > 0;
        p->units += p->qty[i];
    }
    if (p->units > 0)
        return true;
    tg_refuse(out, TG_CODE_CONFLICT, "Nothing of the order is left for this.");
    return false;
}

static struct tg_event_detail *detail_of(struct tg_shop *shop, const struct tg_claim *c,
                                         const struct tg_order *order, const struct picks *p,
                                         struct tg_verdict *out)
{
    struct tg_event_detail *d = tg_event_detail_new(shop, c, p->lines, out);

    for (uint32_t i = 0; d != NULL && i < order->line_count; i++)
        if (p->qty[i] > 0)
            d->lines[d->line_count++] = (struct tg_line_qty){.line = i, .qty = p->qty[i]};
    return d;
}

static int64_t units_left(const struct tg_order *order, left_fn left)
{
    int64_t units = 0;

    for (uint32_t i = 0; i < order->line_count; i++)
        units += left(&order->lines[i]);
    return units;
}

static int64_t units_sent(const struct tg_order *order)
{
    int64_t units = 0;

    for (uint32_t i = 0; i < order->line_count; i++)
        units += order->lines[i].fulfilled;
    return units;
}

/* A paid order's state, from what was sent and what came back. */
static void follow_lines(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    enum tg_order_state state = TG_ORDER_PARTLY;

    if (units_sent(order) == 0)
        state = TG_ORDER_PAID;
    else if (units_left(order, tg_line_open) == 0)
        state = units_left(order, returnable) == 0 ? TG_ORDER_RETURNED : TG_ORDER_FULFILLED;
    if (state != order->state)
        tg_order_enter(shop, order, state, wall);
}

/* --- cancelling --- */

/*
 * What the picked units cost. Units are cancelled from the end of a line's and come back (`back`)
 * from its beginning: they are worth the same in whatever order that happens, and all of them
 * together what the line cost.
 */
static int64_t worth_of(const struct tg_order *order, const struct picks *p, bool back)
{
    int64_t worth = 0;

    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];
        int32_t first = back ? line->returned : line->qty - line->cancelled - p->qty[i];

        worth += tg_line_worth(line, first + p->qty[i]) - tg_line_worth(line, first);
    }
    return worth;
}

static void give_up(struct tg_shop *shop, struct tg_order *order, const struct picks *p, tg_us wall)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (p->qty[i] == 0)
            continue;
        if (tg_order_promises(order))
            tg_takes_release(shop, order, i, p->qty[i], wall);
        tg_order_count_units(shop, order, i, -p->qty[i]);
    }
}

/* Its lines stay as they were: what was ordered can still be read. */
static void cancel_all(struct tg_shop *shop, struct tg_order *order, const char *actor,
                       const struct tg_event_detail *detail, tg_us wall)
{
    bool paid = order->state != TG_ORDER_AWAITING;

    tg_charge_return(shop, order, wall);
    tg_order_enter(shop, order, TG_ORDER_CANCELLED, wall);
    tg_order_note(shop, order, TG_EVENT_CANCELLED, order->total, actor, detail, wall);
    if (paid)
        tg_payment_undo(shop, order, wall);
}

static void cancel_part(struct tg_shop *shop, struct tg_order *order, const struct picks *p,
                        const char *actor, const struct tg_event_detail *detail, tg_us wall)
{
    int64_t worth = worth_of(order, p, false);

    tg_order_change(shop, order, wall);
    order->lines_dirty = true;
    for (uint32_t i = 0; i < order->line_count; i++) {
        tg_charge_return_units(shop, &order->lines[i], p->qty[i]);
        order->lines[i].cancelled += p->qty[i];
    }
    tg_order_resum(order);
    tg_order_note(shop, order, TG_EVENT_PART_CANCELLED, worth, actor, detail, wall);
    if (order->state != TG_ORDER_AWAITING) {
        tg_payment_give_back(shop, order, worth, wall);
        follow_lines(shop, order, wall);
    } else if (order->total == 0) {
        tg_order_paid(shop, order, wall); /* what is left costs nothing */
    }
}

/*
 * What is left of an order that holds nothing costs nothing: nobody has to pay for it, so its goods
 * are claimed now. When they are gone all of it is cancelled (`p` then says so). False: refused,
 * nothing changed.
 */
static bool claim_rest(struct tg_shop *shop, struct tg_order *order, struct picks *p, tg_us wall,
                       struct tg_verdict *out)
{
    tg_err err;

    if (order->state != TG_ORDER_AWAITING || !order->unheld ||
        p->units == units_left(order, tg_line_open) || worth_of(order, p, false) < order->total)
        return true;
    for (uint32_t i = 0; i < order->line_count; i++)
        order->lines[i].cancelled += p->qty[i];
    err = tg_order_goods_find(shop, order);
    for (uint32_t i = 0; i < order->line_count; i++)
        order->lines[i].cancelled -= p->qty[i];
    if (err == TG_ERR_NOTFOUND) {
        tg_order_note(shop, order, TG_EVENT_SOLD_OUT, -1, "", NULL, wall);
        for (uint32_t i = 0; i < order->line_count; i++)
            p->qty[i] = tg_line_open(&order->lines[i]);
        p->units = units_left(order, tg_line_open);
    } else if (err != TG_OK) {
        tg_refuse(out, err == TG_ERR_LIMIT ? TG_CODE_LIMIT : TG_CODE_INTERNAL,
                  err == TG_ERR_LIMIT ? "What is left would come from too many places."
                                      : "The server is out of memory.");
        return false;
    }
    return true;
}

static bool may_cancel(const struct tg_order *order, const struct tg_claim *c,
                       struct tg_verdict *out)
{
    bool paid = order->state == TG_ORDER_PAID || order->state == TG_ORDER_PARTLY;
    bool own = strcmp(order->person, c->person) == 0;

    if (order->state == TG_ORDER_AWAITING)
        return true;
    if (!paid) {
        tg_refuse_over(out, order->state);
        return false;
    }
    if (!own && (c->reason == NULL || c->reason[0] == '\0')) {
        tg_refuse_field(out, "reason", TG_CODE_BAD_REQUEST,
                        "Say why this paid order is cancelled.");
        return false;
    }
    return true;
}

void tg_decide_cancel(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out)
{
    struct tg_order *order = tg_order_asked(shop, c, out);
    const struct tg_event_detail *detail;
    struct picks p;

    if (order == NULL || (order->state == TG_ORDER_CANCELLED && c->line_count == 0))
        return; /* told twice */
    if (!may_cancel(order, c, out) || !pick(order, c, tg_line_open, &p, out) ||
        (order->state != TG_ORDER_AWAITING && !tg_intents_ready(order, false, out)))
        return;
    detail = detail_of(shop, c, order, &p, out);
    if (detail == NULL || !claim_rest(shop, order, &p, now.wall, out))
        return;
    tg_order_change(shop, order, now.wall);
    give_up(shop, order, &p, now.wall);
    if (p.units == units_left(order, tg_line_open) && units_sent(order) == 0)
        cancel_all(shop, order, c->person, detail, now.wall);
    else
        cancel_part(shop, order, &p, c->person, detail, now.wall);
}

/* --- sending --- */

void tg_decide_fulfil(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out)
{
    struct tg_order *order = tg_order_asked(shop, c, out);
    const struct tg_event_detail *detail;
    struct picks p;

    if (order == NULL)
        return;
    if (order->state != TG_ORDER_PAID && order->state != TG_ORDER_PARTLY) {
        tg_refuse(out, TG_CODE_CLOSED, "The order is %s; only a paid one is sent.",
                  tg_order_state_name(order->state));
        return;
    }
    if (!tg_payment_came(order)) {
        tg_refuse(out, TG_CODE_CONFLICT,
                  "The money has not come yet. Ask the provider again, then send the goods.");
        return;
    }
    if (tg_payment_went_back(order)) {
        tg_refuse(out, TG_CODE_CONFLICT,
                  "All of the money went back. Cancel what was not sent instead.");
        return;
    }
    if (!pick(order, c, tg_line_open, &p, out))
        return;
    detail = detail_of(shop, c, order, &p, out);
    if (detail == NULL)
        return;
    tg_order_change(shop, order, now.wall);
    order->lines_dirty = true;
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (p.qty[i] == 0)
            continue;
        tg_takes_ship(shop, order, i, p.qty[i], now.wall);
        order->lines[i].fulfilled += p.qty[i];
    }
    tg_order_note(shop, order, TG_EVENT_FULFILLED, -1, c->person, detail, now.wall);
    follow_lines(shop, order, now.wall);
}

/* --- coming back --- */

/* What is paid back: what staff say, or what the units cost, as far as money is left. */
static bool refund_of(const struct tg_order *order, const struct tg_claim *c, int64_t worth,
                      int64_t *ret, struct tg_verdict *out)
{
    int64_t left = tg_payment_left(order);

    if (c->currency != NULL && c->currency[0] != '\0' &&
        strcmp(c->currency, order->currency) != 0) {
        tg_refuse_field(out, "amount", TG_CODE_BAD_REQUEST, "The order is in %s, not in %s.",
                        order->currency, c->currency);
        return false;
    }
    if (c->amount > left || c->amount < -1) {
        char text[TG_MONEY_SIZE];

        tg_money_text(text, left, order->currency);
        tg_refuse_field(out, "amount", TG_CODE_BAD_REQUEST, "At most %s of what was paid is left.",
                        text);
        return false;
    }
    *ret = c->amount >= 0 ? c->amount : TG_MIN(worth, left);
    return true;
}

static bool room_for(struct tg_shop *shop, const struct tg_order *order, const struct tg_claim *c,
                     const struct picks *p, struct tg_verdict *out)
{
    tg_err err = c->restock ? tg_order_return_ready(shop, order, p->qty, c->location) : TG_OK;

    if (err == TG_ERR_NOTFOUND)
        tg_refuse_field(out, "location", TG_CODE_NOT_FOUND,
                        "Goods cannot come back to this place.");
    else if (err == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_LIMIT, "The place would hold too many units.");
    else if (err != TG_OK)
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
    return err == TG_OK;
}

void tg_decide_return(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out)
{
    struct tg_order *order = tg_order_asked(shop, c, out);
    struct tg_event_detail *detail;
    struct picks p;
    int64_t refund;

    if (order == NULL)
        return;
    if (units_sent(order) == 0) {
        tg_refuse(out, TG_CODE_CLOSED, "Nothing of the order was sent, so nothing can come back.");
        return;
    }
    if (!pick(order, c, returnable, &p, out) ||
        !refund_of(order, c, worth_of(order, &p, true), &refund, out) ||
        !tg_intents_ready(order, false, out))
        return;
    detail = detail_of(shop, c, order, &p, out);
    if (detail == NULL || !room_for(shop, order, c, &p, out))
        return;
    detail->restock = c->restock;
    tg_order_change(shop, order, now.wall);
    order->lines_dirty = true;
    if (c->restock)
        tg_order_goods_return(shop, order, p.qty, c->location, now.wall);
    for (uint32_t i = 0; i < order->line_count; i++)
        order->lines[i].returned += p.qty[i];
    tg_order_note(shop, order, TG_EVENT_RETURNED, refund, c->person, detail, now.wall);
    order->refund_due += refund;
    tg_payment_settle(shop, order, now.wall);
    follow_lines(shop, order, now.wall);
}

void tg_decide_refund(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out)
{
    struct tg_order *order = tg_order_asked(shop, c, out);
    const struct tg_event_detail *detail = NULL;
    int64_t refund = 0;
    uint32_t before;

    if (order == NULL)
        return;
    if (c->amount == 0) {
        tg_refuse_field(out, "amount", TG_CODE_BAD_REQUEST,
                        "amount must be 1 or more minor units.");
        return;
    }
    if (!refund_of(order, c, 0, &refund, out) || !tg_intents_ready(order, false, out))
        return;
    if (refund > 0) {
        detail = tg_event_detail_new(shop, c, 0, out);
        if (detail == NULL)
            return;
    }
    before = order->intent_count;
    order->refund_due += refund;
    tg_payment_settle(shop, order, now.wall);
    if (order->intent_count == before) {
        tg_refuse(out, TG_CODE_CONFLICT, "Nothing is due to be paid back.");
        return;
    }
    tg_order_change(shop, order, now.wall);
    if (detail != NULL && detail->reason[0] != '\0')
        tg_order_note(shop, order, TG_EVENT_NOTE, refund, c->person, detail, now.wall);
}

void tg_decide_note(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out)
{
    struct tg_order *order = tg_order_asked(shop, c, out);
    const struct tg_event_detail *detail;

    if (order == NULL)
        return;
    if (c->reason == NULL || c->reason[0] == '\0') {
        tg_refuse_field(out, "text", TG_CODE_BAD_REQUEST, "text must say something.");
        return;
    }
    detail = tg_event_detail_new(shop, c, 0, out);
    if (detail != NULL)
        tg_order_note(shop, order, TG_EVENT_NOTE, -1, c->person, detail, now.wall);
}
