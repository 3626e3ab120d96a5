/* Payments: what is asked of the provider, and the books of what came of it. */
#include "shop/payment.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/payments_priv.h"

const char *tg_intent_kind_name(enum tg_intent_kind kind)
{
    static const char *const names[] = {NULL, "authorise", "capture", "void", "refund"};

    return (size_t)kind < TG_ARRAY_LEN(names) ? names[kind] : NULL;
}

const char *tg_intent_state_name(enum tg_intent_state state)
{
    static const char *const names[] = {"asked", "done", "failed"};

    return (size_t)state < TG_ARRAY_LEN(names) ? names[state] : NULL;
}

/* --- intents --- */

static tg_err make_room(struct tg_order *order, uint32_t more)
{
    uint32_t cap = order->intent_cap == 0 ? TG_INTENTS_ROOM : order->intent_cap;
    struct tg_intent *grown;

    while (cap < order->intent_count + more)
        cap *= 2;
    if (order->intent_count + more > TG_INTENTS_MAX)
        return TG_ERR_LIMIT;
    if (cap == order->intent_cap)
        return TG_OK;
    grown = tg_realloc(order->intents, cap, sizeof(*grown));
    if (grown == NULL)
        return TG_ERR_NOMEM;
    order->intents = grown;
    order->intent_cap = cap;
    return TG_OK;
}

bool tg_intents_ready(struct tg_order *order, bool told, struct tg_verdict *out)
{
    const uint32_t keep = told ? 0 : TG_INTENTS_TOLD;
    tg_err err = order->intent_count + TG_INTENTS_ROOM + keep > TG_INTENTS_MAX
                     ? TG_ERR_LIMIT
                     : make_room(order, TG_INTENTS_ROOM);

    if (err == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_LIMIT,
                  "Too many payments and refunds of this order; see to the rest at the provider.");
    else if (err != TG_OK)
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
    return err == TG_OK;
}

void tg_intents_grow(struct tg_order *order)
{
    if (make_room(order, TG_INTENTS_ROOM) != TG_OK)
        return; /* answers need none; what follows from them is asked with the next decision */
}

bool tg_intents_left(const struct tg_order *order)
{
    return order->intent_count < TG_MIN(order->intent_cap, (uint32_t)TG_INTENTS_MAX);
}

tg_err tg_order_add_intent(struct tg_order *order, const struct tg_intent *intent)
{
    tg_err err;

    if (intent->number != order->intent_count + 1)
        return TG_ERR_LIMIT;
    err = make_room(order, 1);
    if (err == TG_OK)
        order->intents[order->intent_count++] = *intent;
    return err;
}

struct tg_intent *tg_intent_last(const struct tg_order *order, enum tg_intent_kind kind,
                                 uint32_t of)
{
    for (uint32_t i = order->intent_count; i > 0; i--)
        if (order->intents[i - 1].kind == kind && (of == 0 || order->intents[i - 1].of == of))
            return &order->intents[i - 1];
    return NULL;
}

struct tg_intent *tg_intent_newest(const struct tg_order *order, enum tg_intent_kind kind,
                                   uint32_t of, enum tg_intent_state state)
{
    for (uint32_t i = order->intent_count; i > 0; i--)
        if (order->intents[i - 1].kind == kind && order->intents[i - 1].of == of &&
            order->intents[i - 1].state == state)
            return &order->intents[i - 1];
    return NULL;
}

void tg_intent_write(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in, tg_us wall)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_INTENT, wall);

    in->changed_wall = wall;
    e->order = order;
    e->intent = in->number - 1;
}

struct tg_intent *tg_intent_add(const struct tg_shop *shop, struct tg_order *order,
                                enum tg_intent_kind kind, uint32_t of, int64_t amount, tg_us wall)
{
    struct tg_intent *in;

    TG_ASSERT(order->intent_count < order->intent_cap); /* tg_intents_ready */
    in = &order->intents[order->intent_count++];
    *in = (struct tg_intent){.kind = kind,
                             .number = order->intent_count,
                             .of = of,
                             .amount = amount,
                             .asks = 1,
                             .asked_wall = wall,
                             .changed_wall = wall};
    if (shop->cfg.provider != NULL)
        tg_str_cut(in->provider, sizeof(in->provider), shop->cfg.provider->name);
    if (of > 0)
        memcpy(in->reference, order->intents[of - 1].reference, sizeof(in->reference));
    return in;
}

/* More of the order's money than it costs, taken or on its way. */
static int64_t surplus(const struct tg_order *order, bool coming)
{
    bool kept = order->state != TG_ORDER_EXPIRED && order->state != TG_ORDER_CANCELLED;
    int64_t sum = order->captured - (kept ? order->total : 0);

    if (coming)
        sum += tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_ASKED, order->paid_by);
    return TG_MAX(sum, (int64_t)0);
}

/* What was to go back of money that did not come is not due: it would be paid back of the rest. */
static void expect_less(struct tg_order *order, int64_t before)
{
    int64_t lost = before - surplus(order, true);
    int64_t gone =
        order->refunded + tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_ASKED, order->paid_by);

    if (order->paid_by > 0 && lost > 0)
        order->refund_due = TG_MAX(order->refund_due - lost, gone);
}

void tg_intent_answer(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in, bool done,
                      bool quiet, tg_us wall)
{
    static const enum tg_order_event of_done[] = {
        [TG_INTENT_CAPTURE] = TG_EVENT_CAPTURED,
        [TG_INTENT_VOID] = TG_EVENT_VOIDED,
        [TG_INTENT_REFUND] = TG_EVENT_REFUNDED,
    };
    static const enum tg_order_event of_failed[] = {
        [TG_INTENT_CAPTURE] = TG_EVENT_CAPTURE_FAILED,
        [TG_INTENT_VOID] = TG_EVENT_VOID_FAILED,
        [TG_INTENT_REFUND] = TG_EVENT_REFUND_FAILED,
    };
    int64_t before = surplus(order, true);

    if (in->kind == TG_INTENT_VOID) /* of the rest of a promise only the shop wants to know */
        quiet = quiet || tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, in->of) > 0;
    in->state = done ? TG_INTENT_DONE : TG_INTENT_FAILED;
    tg_payment_recount(order);
    expect_less(order, before);
    tg_order_change(shop, order, wall);
    tg_intent_write(shop, order, in, wall);
    if (in->kind != TG_INTENT_AUTHORISE && (!quiet || !done))
        tg_order_note(shop, order, done ? of_done[in->kind] : of_failed[in->kind], in->amount, "",
                      NULL, wall);
}

void tg_intent_ask(struct tg_shop *shop, struct tg_order *order, enum tg_intent_kind kind,
                   uint32_t of, int64_t amount, bool quiet, tg_us wall)
{
    const struct tg_provider *provider = shop->cfg.provider;
    struct tg_intent *in = tg_intent_add(shop, order, kind, of, amount, wall);
    enum tg_intent_state state = TG_INTENT_ASKED;

    if (provider != NULL)
        state = provider->ask(order, in);
    if (state != TG_INTENT_ASKED) {
        tg_intent_answer(shop, order, in, state == TG_INTENT_DONE, quiet, wall);
        return;
    }
    tg_payment_recount(order);
    tg_order_change(shop, order, wall);
    tg_intent_write(shop, order, in, wall);
}

/* --- the books --- */

int64_t tg_intent_sum(const struct tg_order *order, enum tg_intent_kind kind,
                      enum tg_intent_state state, uint32_t of)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == kind && order->intents[i].state == state &&
            (of == 0 || order->intents[i].of == of))
            sum += order->intents[i].amount;
    return sum;
}

int64_t tg_payment_kept(const struct tg_order *order, uint32_t of)
{
    return tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, of) -
           tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_DONE, of) -
           tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_ASKED, of);
}

bool tg_payment_void(const struct tg_order *order, uint32_t of)
{
    return tg_intent_newest(order, TG_INTENT_VOID, of, TG_INTENT_DONE) != NULL;
}

static int64_t promised(const struct tg_order *order)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < order->intent_count; i++) {
        const struct tg_intent *in = &order->intents[i];

        if (in->kind == TG_INTENT_AUTHORISE && in->state == TG_INTENT_DONE &&
            (order->paid_by == 0 || order->paid_by == in->number))
            sum += tg_payment_void(order, in->number)
                       ? tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, in->number)
                       : in->amount;
    }
    return sum;
}

static enum tg_payment_state state_of(const struct tg_order *order)
{
    if (order->refunded > 0)
        return order->refunded >= order->captured ? TG_PAYMENT_REFUNDED
                                                  : TG_PAYMENT_PARTLY_REFUNDED;
    if (order->captured > 0 && (order->paid_by == 0 || order->captured >= order->total))
        return TG_PAYMENT_PAID;
    return order->authorised > 0 || order->captured > 0 ? TG_PAYMENT_AUTHORISED : TG_PAYMENT_VOIDED;
}

void tg_payment_recount(struct tg_order *order)
{
    order->authorised = promised(order);
    order->captured = tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, order->paid_by);
    order->refunded = tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_DONE, order->paid_by);
    if (order->paid_by == 0)
        order->refund_due = order->captured; /* nothing is sold for it */
    TG_ASSERT(order->refunded <= order->captured);
    order->payment_state = state_of(order);
}

/* of: an authorisation of the order. */
static bool account_ok(const struct tg_order *order, uint32_t of)
{
    int64_t captured = tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, of);

    return captured <= order->intents[of - 1].amount &&
           tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_DONE, of) <= captured;
}

bool tg_payment_adds_up(const struct tg_order *order)
{
    for (uint32_t i = 0; i < order->intent_count; i++) {
        const struct tg_intent *in = &order->intents[i];
        bool promise = in->kind == TG_INTENT_AUTHORISE;

        if (promise ? in->of != 0 || !account_ok(order, in->number)
                    : in->of == 0 || order->intents[in->of - 1].kind != TG_INTENT_AUTHORISE)
            return false;
    }
    if (order->paid_by > order->intent_count ||
        (order->paid_by > 0 && order->intents[order->paid_by - 1].kind != TG_INTENT_AUTHORISE))
        return false;
    return order->captured ==
               tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, order->paid_by) &&
           order->refunded ==
               tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_DONE, order->paid_by);
}

int64_t tg_payment_left(const struct tg_order *order)
{
    return TG_MAX(order->captured - order->refund_due, (int64_t)0);
}

bool tg_payment_came(const struct tg_order *order)
{
    return order->total == 0 || (order->paid_by > 0 && order->captured >= order->total);
}

bool tg_payment_went_back(const struct tg_order *order)
{
    return order->total > 0 && order->paid_by > 0 && order->captured > 0 &&
           tg_payment_kept(order, order->paid_by) <= 0;
}

void tg_payment_tidy(struct tg_order *order)
{
    order->refund_due = TG_MAX(order->refund_due, surplus(order, false));
}

/* --- what the provider moved --- */

int64_t tg_intent_room(const struct tg_order *order, const struct tg_intent *in)
{
    int64_t captured = tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, in->of);

    if (in->kind == TG_INTENT_CAPTURE)
        return order->intents[in->of - 1].amount - captured;
    return captured - tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_DONE, in->of);
}

void tg_intent_book(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in,
                    int64_t amount, tg_us wall)
{
    int64_t asked = in->amount;
    int64_t told = amount > 0 ? amount : asked;
    int64_t booked = TG_MAX(TG_MIN(told, tg_intent_room(order, in)), (int64_t)0);
    int64_t before = surplus(order, true);

    /* Done even without room: whoever tells it again tells nothing new. */
    in->amount = booked;
    tg_intent_answer(shop, order, in, true, booked == 0, wall);
    expect_less(order, before);
    if (booked < told)
        tg_order_note(shop, order, TG_EVENT_EXCESS, told - booked, "", NULL, wall);
    /* The rest waits for somebody to ask for it; that of a refund is asked for at once. */
    if (in->kind == TG_INTENT_CAPTURE && booked > 0 && told < asked)
        tg_order_note(shop, order, TG_EVENT_CAPTURE_FAILED, asked - booked, "", NULL, wall);
}

void tg_payment_take_in(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                        bool quiet, tg_us wall)
{
    const struct tg_intent ask = {.kind = TG_INTENT_CAPTURE, .of = of};
    int64_t booked = TG_MAX(TG_MIN(amount, tg_intent_room(order, &ask)), (int64_t)0);

    tg_intent_answer(shop, order, tg_intent_add(shop, order, TG_INTENT_CAPTURE, of, booked, wall),
                     true, quiet || booked == 0, wall);
    if (booked < amount)
        tg_order_note(shop, order, TG_EVENT_EXCESS, amount - booked, "", NULL, wall);
}

void tg_payment_take_more(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                          tg_us wall)
{
    int64_t before = surplus(order, true);

    tg_payment_take_in(shop, order, of, amount, false, wall);
    if (of == order->paid_by)
        order->refund_due += surplus(order, true) - before;
    tg_payment_settle(shop, order, wall);
}

/* --- money goes back --- */

/* What of the authorisation's money has to go back and is not on its way. */
static int64_t due_of(const struct tg_order *order, uint32_t of)
{
    int64_t kept = tg_payment_kept(order, of);

    if (of == order->paid_by)
        kept = TG_MIN(kept, TG_MIN(order->refund_due, order->captured) - order->refunded -
                                tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_ASKED, of));
    return kept;
}

void tg_payment_settle_of(struct tg_shop *shop, struct tg_order *order, uint32_t of, tg_us wall)
{
    int64_t more = due_of(order, of);

    /* Without room: with the next decision. */
    if (more > 0 && tg_intents_left(order))
        tg_intent_ask(shop, order, TG_INTENT_REFUND, of, more, false, wall);
}

void tg_payment_settle(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    uint32_t count = order->intent_count;

    for (uint32_t i = 0; i < count; i++)
        if (order->intents[i].kind == TG_INTENT_AUTHORISE) {
            tg_payment_settle_of(shop, order, i + 1, wall);
            tg_payment_unwanted(shop, order, i + 1, wall);
        }
}

void tg_payment_give_back(struct tg_shop *shop, struct tg_order *order, int64_t worth, tg_us wall)
{
    int64_t coming = tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_ASKED, order->paid_by);
    int64_t missing = order->total + worth - order->captured - coming;

    if (order->paid_by == 0)
        return;
    /* What was neither taken nor is on its way is just not taken any more. */
    order->refund_due += TG_MAX(worth - TG_MAX(missing, (int64_t)0), (int64_t)0);
    tg_payment_recount(order);
    tg_order_change(shop, order, wall);
    tg_payment_settle(shop, order, wall);
}

void tg_payment_let_go(struct tg_shop *shop, struct tg_order *order, uint32_t of, tg_us wall)
{
    const struct tg_intent *in = tg_intent_last(order, TG_INTENT_VOID, of);
    const struct tg_intent take = {.kind = TG_INTENT_CAPTURE, .of = of};

    if (in == NULL || in->state == TG_INTENT_FAILED)
        tg_intent_ask(shop, order, TG_INTENT_VOID, of, tg_intent_room(order, &take), false, wall);
}

bool tg_payment_idle(const struct tg_order *order, uint32_t of)
{
    const struct tg_intent take = {.kind = TG_INTENT_CAPTURE, .of = of};
    bool over = order->state == TG_ORDER_EXPIRED || order->state == TG_ORDER_CANCELLED;

    return (over || of != order->paid_by || order->captured >= order->total) &&
           tg_intent_room(order, &take) > 0 &&
           tg_intent_newest(order, TG_INTENT_CAPTURE, of, TG_INTENT_ASKED) == NULL;
}

void tg_payment_unwanted(struct tg_shop *shop, struct tg_order *order, uint32_t of, tg_us wall)
{
    /* Without room: with the next decision. */
    if (tg_payment_idle(order, of) && tg_intent_last(order, TG_INTENT_VOID, of) == NULL &&
        tg_intents_left(order))
        tg_payment_let_go(shop, order, of, wall);
}

void tg_payment_undo(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    int64_t coming = tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_ASKED, order->paid_by);

    if (order->paid_by == 0)
        return; /* it cost nothing */
    if (order->captured + coming > 0) {
        order->refund_due = order->captured + coming;
        tg_order_change(shop, order, wall);
        tg_payment_settle(shop, order, wall);
        return;
    }
    tg_payment_let_go(shop, order, order->paid_by, wall);
}

/* --- the order is paid --- */

void tg_order_paid(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    bool again = order->state == TG_ORDER_EXPIRED;

    for (uint32_t i = 0; i < order->line_count; i++)
        TG_ASSERT(tg_line_open(&order->lines[i]) == 0 || order->take_count > 0);
    if (again || order->unheld)
        tg_takes_hold(shop, order, wall);
    for (uint32_t i = 0; again && i < order->line_count; i++)
        tg_order_count_units(shop, order, i, tg_line_open(&order->lines[i]));
    if (again)
        tg_charge_again(shop, order, wall);
    order->unheld = false;
    tg_takes_sell(shop, order, wall);
    tg_order_enter(shop, order, TG_ORDER_PAID, wall);
    if (order->total == 0)
        order->payment_state = TG_PAYMENT_PAID;
    tg_order_note(shop, order, TG_EVENT_PAID, order->total, "", NULL, wall);
}
