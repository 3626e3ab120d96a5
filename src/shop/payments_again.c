/*
 * Questions to the provider that failed, or that nobody answered: asked again by staff, or by the
 * clock after a while and after a restart, with ever longer waits; given up by staff.
 */
#include <string.h>

#include "base/str.h"
#include "shop/payments_priv.h"

static bool unsent(const struct tg_order *order)
{
    return order->state == TG_ORDER_PAID || order->state == TG_ORDER_PARTLY;
}

static bool staff_may(const struct tg_order *order, const struct tg_claim *c,
                      struct tg_verdict *out)
{
    if (c->staff && (c->show == UINT16_MAX || c->show == order->show))
        return true;
    out->order = NULL;
    tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such payment.");
    return false;
}

/* --- failed --- */

static bool wants_capture(const struct tg_order *order)
{
    return unsent(order) && order->paid_by > 0 && !tg_payment_came(order) &&
           !tg_payment_void(order, order->paid_by) &&
           tg_intent_newest(order, TG_INTENT_CAPTURE, order->paid_by, TG_INTENT_ASKED) == NULL;
}

/* Promises that could not be let go of. */
static void let_go_again(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    uint32_t count = order->intent_count;

    for (uint32_t i = 0; i < count && tg_intents_left(order); i++) {
        const struct tg_intent *lost = tg_intent_last(order, TG_INTENT_VOID, i + 1);

        if (order->intents[i].kind == TG_INTENT_AUTHORISE && lost != NULL &&
            lost->state == TG_INTENT_FAILED && !tg_payment_void(order, i + 1) &&
            tg_payment_idle(order, i + 1))
            tg_payment_let_go(shop, order, i + 1, wall);
    }
}

void tg_decide_retry(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out)
{
    struct tg_order *order = tg_payment_order(shop, c, out);
    uint32_t before;

    if (order == NULL || !staff_may(order, c, out) || !tg_intents_ready(order, false, out))
        return;
    before = order->intent_count;
    if (wants_capture(order))
        tg_intent_ask(shop, order, TG_INTENT_CAPTURE, order->paid_by,
                      order->total - order->captured, false, now.wall);
    let_go_again(shop, order, now.wall);
    tg_payment_settle(shop, order, now.wall);
    if (order->intent_count == before)
        tg_refuse(out, TG_CODE_CONFLICT, "Nothing failed that could be tried again.");
}

/* --- never answered --- */

bool tg_intent_due(const struct tg_intent *in, tg_us wall)
{
    tg_us waited = TG_MAX(in->changed_wall - in->asked_wall, (tg_us)TG_INTENT_WAIT_US);

    return in->state == TG_INTENT_ASKED && wall - in->asked_wall < TG_INTENT_GIVE_UP_US &&
           wall - in->changed_wall >= TG_MIN(waited, (tg_us)TG_INTENT_WAIT_MAX_US);
}

/*
 * News that came under an operation alone was taken for the answer to another question of the same
 * amount. That one was never answered: it is asked again by its number.
 */
static bool told_of_other(struct tg_shop *shop, struct tg_order *order, const struct tg_intent *in,
                          tg_us wall)
{
    for (uint32_t i = 0; in->operation[0] != '\0' && i < order->intent_count; i++) {
        struct tg_intent *other = &order->intents[i];

        if (other == in || other->kind != in->kind || strcmp(other->operation, in->operation) != 0)
            continue;
        other->operation[0] = '\0';
        other->state = TG_INTENT_ASKED;
        tg_intent_write(shop, order, other, wall);
        return true;
    }
    return false;
}

/* The same question under the same number: whoever answered it already answers alike. */
static void ask_again(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in,
                      tg_us wall)
{
    enum tg_intent_state state;

    in->asks++;
    state = shop->cfg.provider->ask(order, in);
    if (state == TG_INTENT_ASKED) {
        tg_order_change(shop, order, wall);
        tg_intent_write(shop, order, in, wall);
        return;
    }
    if (told_of_other(shop, order, in, wall))
        tg_intent_answer(shop, order, in, state == TG_INTENT_DONE, true, wall);
    else if (state == TG_INTENT_DONE && in->kind != TG_INTENT_VOID)
        tg_intent_book(shop, order, in, in->amount, wall); /* somebody may have moved it by hand */
    else
        tg_intent_answer(shop, order, in, state == TG_INTENT_DONE, false, wall);
    if (in->kind == TG_INTENT_CAPTURE && state == TG_INTENT_FAILED)
        tg_payment_unwanted(shop, order, in->of, wall);
}

void tg_decide_ask_again(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                         struct tg_verdict *out)
{
    struct tg_order *order = tg_payment_order(shop, c, out);
    uint32_t count = order == NULL ? 0 : order->intent_count;
    bool any = false;

    for (uint32_t i = 0; i < count && shop->cfg.provider != NULL; i++) {
        if (!tg_intent_due(&order->intents[i], now.wall))
            continue;
        ask_again(shop, order, &order->intents[i], now.wall);
        any = true;
    }
    if (!any)
        return;
    tg_payment_tidy(order);
    tg_payment_settle(shop, order, now.wall);
}

void tg_decide_give_up(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                       struct tg_verdict *out)
{
    struct tg_order *order = tg_payment_order(shop, c, out);
    const struct tg_event_detail *detail;
    struct tg_intent *in;

    if (order == NULL || !staff_may(order, c, out))
        return;
    in = c->intent > 0 && c->intent <= order->intent_count ? &order->intents[c->intent - 1] : NULL;
    if (in == NULL || in->state != TG_INTENT_ASKED) {
        tg_refuse_field(out, "intent", TG_CODE_CONFLICT,
                        "This is no question that waits for an answer.");
        return;
    }
    if (c->reason == NULL || c->reason[0] == '\0') {
        tg_refuse_field(out, "reason", TG_CODE_BAD_REQUEST, "Say why it is given up.");
        return;
    }
    detail = tg_event_detail_new(shop, c, 0, out);
    if (detail == NULL)
        return;
    tg_intent_answer(shop, order, in, false, false, now.wall);
    tg_order_note(shop, order, TG_EVENT_NOTE, in->amount, c->person, detail, now.wall);
    if (in->kind == TG_INTENT_CAPTURE)
        tg_payment_unwanted(shop, order, in->of, now.wall);
}
