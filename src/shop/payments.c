/* Payments: what the provider says of an order's money, and what is asked of it. */
#include "shop/payment.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

#define AMOUNT_MAX INT64_C(1000000000000000) /* sums of a few of them fit 63 bits */

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
    if (cap == order->intent_cap)
        return TG_OK;
    if (order->intent_count + more > TG_INTENTS_MAX)
        return TG_ERR_LIMIT;
    grown = tg_realloc(order->intents, cap, sizeof(*grown));
    if (grown == NULL)
        return TG_ERR_NOMEM;
    order->intents = grown;
    order->intent_cap = cap;
    return TG_OK;
}

bool tg_intents_ready(struct tg_order *order, struct tg_verdict *out)
{
    tg_err err = make_room(order, TG_INTENTS_ROOM);

    if (err == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_LIMIT,
                  "Too many payments and refunds of this order; see to the rest at the provider.");
    else if (err != TG_OK)
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
    return err == TG_OK;
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

int64_t tg_order_refunds_open(const struct tg_order *order)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == TG_INTENT_REFUND &&
            order->intents[i].state == TG_INTENT_ASKED)
            sum += order->intents[i].amount;
    return sum;
}

int64_t tg_payment_left(const struct tg_order *order)
{
    return TG_MAX(order->captured - order->refund_due, (int64_t)0);
}

static void write_intent(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in,
                         tg_us wall)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_INTENT, wall);

    in->changed_wall = wall;
    e->order = order;
    e->intent = in->number - 1;
}

/* Its row is written by the caller, once its state is known. */
static struct tg_intent *add(const struct tg_shop *shop, struct tg_order *order,
                             enum tg_intent_kind kind, uint32_t of, int64_t amount, tg_us wall)
{
    struct tg_intent *in;

    TG_ASSERT(order->intent_count < order->intent_cap); /* tg_intents_ready */
    in = &order->intents[order->intent_count++];
    *in = (struct tg_intent){.kind = kind,
                             .number = order->intent_count,
                             .of = of,
                             .amount = amount,
                             .asked_wall = wall};
    if (shop->cfg.provider != NULL)
        tg_str_cut(in->provider, sizeof(in->provider), shop->cfg.provider->name);
    if (of > 0)
        memcpy(in->reference, order->intents[of - 1].reference, sizeof(in->reference));
    return in;
}

static void restate(struct tg_order *order)
{
    if (order->refunded > 0)
        order->payment_state =
            order->refunded >= order->captured ? TG_PAYMENT_REFUNDED : TG_PAYMENT_PARTLY_REFUNDED;
    else if (order->captured > 0)
        order->payment_state = TG_PAYMENT_PAID;
    else if (order->authorised > 0)
        order->payment_state = TG_PAYMENT_AUTHORISED;
    else
        order->payment_state = TG_PAYMENT_VOIDED;
}

/* The provider's answer to one intent. quiet: what it did is said by another event. */
static void answered(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in, bool done,
                     bool quiet, tg_us wall)
{
    enum tg_order_event event = TG_EVENT_CAPTURED;

    in->state = done ? TG_INTENT_DONE : TG_INTENT_FAILED;
    switch (in->kind) {
    case TG_INTENT_AUTHORISE:
        return;
    case TG_INTENT_CAPTURE:
        order->captured += done ? in->amount : 0;
        event = done ? TG_EVENT_CAPTURED : TG_EVENT_CAPTURE_FAILED;
        break;
    case TG_INTENT_VOID:
        order->authorised -= done ? TG_MIN(in->amount, order->authorised) : 0;
        event = done ? TG_EVENT_VOIDED : TG_EVENT_VOID_FAILED;
        break;
    case TG_INTENT_REFUND:
        order->refunded += done ? in->amount : 0;
        event = done ? TG_EVENT_REFUNDED : TG_EVENT_REFUND_FAILED;
        break;
    }
    restate(order);
    tg_order_change(shop, order, wall);
    write_intent(shop, order, in, wall);
    if (!quiet || !done)
        tg_order_note(shop, order, event, in->amount, "", NULL, wall);
}

static void ask(struct tg_shop *shop, struct tg_order *order, enum tg_intent_kind kind, uint32_t of,
                int64_t amount, bool quiet, tg_us wall)
{
    const struct tg_provider *provider = shop->cfg.provider;
    struct tg_intent *in = add(shop, order, kind, of, amount, wall);
    enum tg_intent_state state = TG_INTENT_ASKED;

    if (provider != NULL)
        state = provider->ask(order, in);
    if (state != TG_INTENT_ASKED) {
        answered(shop, order, in, state == TG_INTENT_DONE, quiet, wall);
        return;
    }
    tg_order_change(shop, order, wall);
    write_intent(shop, order, in, wall);
}

/* NULL = none. */
static struct tg_intent *last_of(const struct tg_order *order, enum tg_intent_kind kind,
                                 uint32_t of)
{
    for (uint32_t i = order->intent_count; i > 0; i--)
        if (order->intents[i - 1].kind == kind && (of == 0 || order->intents[i - 1].of == of))
            return &order->intents[i - 1];
    return NULL;
}

/* The authorisation that pays the order: the first that was captured, or asked to be. */
static uint32_t paying(const struct tg_order *order)
{
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == TG_INTENT_CAPTURE)
            return order->intents[i].of;
    return 0;
}

void tg_payment_settle(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    int64_t due = TG_MIN(order->refund_due, order->captured);
    int64_t more = due - order->refunded - tg_order_refunds_open(order);

    if (more > 0)
        ask(shop, order, TG_INTENT_REFUND, paying(order), more, false, wall);
}

static bool capture_open(const struct tg_order *order)
{
    const struct tg_intent *in = last_of(order, TG_INTENT_CAPTURE, 0);

    return in != NULL && in->state == TG_INTENT_ASKED;
}

void tg_payment_give_back(struct tg_shop *shop, struct tg_order *order, int64_t worth, tg_us wall)
{
    /* Nothing was taken and nothing is on its way: the order's new total is what will be. */
    if (order->captured == 0 && !capture_open(order))
        return;
    order->refund_due += worth;
    tg_order_change(shop, order, wall);
    tg_payment_settle(shop, order, wall);
}

void tg_payment_undo(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    const struct tg_intent *capture = last_of(order, TG_INTENT_CAPTURE, 0);

    if (order->captured > 0 || capture_open(order)) {
        order->refund_due = order->captured + (capture_open(order) ? capture->amount : 0);
        tg_order_change(shop, order, wall);
        tg_payment_settle(shop, order, wall);
        return;
    }
    for (uint32_t i = 0; i < order->intent_count; i++) {
        const struct tg_intent *in = &order->intents[i];

        if (in->kind == TG_INTENT_AUTHORISE && last_of(order, TG_INTENT_VOID, in->number) == NULL) {
            ask(shop, order, TG_INTENT_VOID, in->number, in->amount, false, wall);
            return; /* two promises at once are let go of when the second one comes */
        }
    }
}

/* More was taken than the order costs now: units were cancelled while the money was on its way. */
static void tidy(struct tg_order *order)
{
    bool kept = order->state != TG_ORDER_EXPIRED && order->state != TG_ORDER_CANCELLED;
    int64_t surplus = order->captured - (kept ? order->total : 0);

    order->refund_due = TG_MAX(order->refund_due, surplus);
}

/* --- the order is paid --- */

void tg_order_paid(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    bool again = order->state == TG_ORDER_EXPIRED;

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

/* What becomes of new money. OK: it pays the order. CLOSED: nothing is to be paid. LIMIT: it is too
 * little. NOTFOUND: the goods are gone. Others: ask again later; nothing was changed. */
static tg_err judge(struct tg_shop *shop, struct tg_order *order, int64_t amount)
{
    bool open = order->state == TG_ORDER_AWAITING;

    if (!open && order->state != TG_ORDER_EXPIRED)
        return TG_ERR_CLOSED;
    if (amount < order->total)
        return TG_ERR_LIMIT;
    if (open && !order->unheld)
        return TG_OK;
    /* It ran out in this very batch: what it held cannot be brought back and undone, too. */
    if (!open && order->in_batch && order->before_state == TG_ORDER_AWAITING)
        return TG_ERR_AGAIN;
    if (!open && (!tg_codes_left(shop, order) || !tg_limits_left(shop, order)))
        return TG_ERR_NOTFOUND; /* its code, or what may be sold to one person, was used since */
    /* Late, or in first-paid mode: the goods are claimed now, or there are none. */
    return tg_order_goods_find(shop, order);
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

static void refuse_fate(struct tg_verdict *out, const struct tg_order *order, tg_err fate)
{
    if (fate == TG_ERR_CLOSED)
        tg_refuse_over(out, order->state);
    else if (fate == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_CONFLICT,
                  "The amount is less than the order costs. The money is let go of.");
    else if (fate == TG_ERR_NOTFOUND)
        tg_refuse(out, TG_CODE_SOLD_OUT,
                  "The goods are gone. Your money is let go of or comes back.");
    else
        tg_refuse(out, TG_CODE_BUSY, "The payment cannot be taken in right now; try again.");
}

/* What came for nothing: let go of it, or pay it back when it was taken already. */
static void send_back(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                      bool taken, tg_us wall)
{
    if (!taken) {
        ask(shop, order, TG_INTENT_VOID, of, amount, false, wall);
        return;
    }
    answered(shop, order, add(shop, order, TG_INTENT_CAPTURE, of, amount, wall), true, false, wall);
    order->refund_due += amount;
    ask(shop, order, TG_INTENT_REFUND, of, amount, false, wall);
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
    if (taken)
        answered(shop, order, add(shop, order, TG_INTENT_CAPTURE, of, amount, wall), true, true,
                 wall);
    tg_order_paid(shop, order, wall);
    if (!taken)
        ask(shop, order, TG_INTENT_CAPTURE, of, order->total, true, wall);
    restate(order);
    tidy(order);
    tg_payment_settle(shop, order, wall);
}

/* New money: promised, or taken at once (the news of the promise may come later, or never). */
static void money_came(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                       const struct tg_claim *c, bool taken, struct tg_verdict *out)
{
    tg_err fate = judge(shop, order, c->amount);
    struct tg_intent *auth;

    if (fate != TG_OK)
        refuse_fate(out, order, fate);
    if (out->code == TG_CODE_BUSY)
        return;
    auth = add(shop, order, TG_INTENT_AUTHORISE, 0, c->amount, now.wall);
    auth->state = TG_INTENT_DONE;
    tg_str_cut(auth->reference, sizeof(auth->reference), c->reference);
    order->authorised += c->amount;
    order->payment_tries++;
    write_intent(shop, order, auth, now.wall);
    tg_order_change(shop, order, now.wall);
    if (fate == TG_OK) {
        take_money(shop, order, auth->number, c->amount, taken, now.wall);
        return;
    }
    if (fate == TG_ERR_NOTFOUND)
        lose_goods(shop, order, now.wall);
    send_back(shop, order, auth->number, c->amount, taken, now.wall);
}

/* --- news --- */

static struct tg_intent *authorisation(const struct tg_order *order, const char *reference)
{
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == TG_INTENT_AUTHORISE &&
            strcmp(order->intents[i].reference, reference) == 0)
            return &order->intents[i];
    return NULL;
}

/* The intent that the news answer: by its number, else the oldest that is not done. NULL = none. */
static struct tg_intent *asked_for(const struct tg_order *order, const struct tg_claim *c,
                                   enum tg_intent_kind kind)
{
    if (c->intent > 0) {
        struct tg_intent *in =
            c->intent <= order->intent_count ? &order->intents[c->intent - 1] : NULL;

        return in != NULL && in->kind == kind ? in : NULL;
    }
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == kind && order->intents[i].state != TG_INTENT_DONE &&
            strcmp(order->intents[i].reference, c->reference) == 0)
            return &order->intents[i];
    return NULL;
}

static void declined(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    /* Of an attempt before the one that worked, or when it no longer matters. */
    if (order->state != TG_ORDER_AWAITING || order->payment_tries >= TG_PAYMENT_TRIES_MAX)
        return;
    order->payment_tries++;
    order->payment_state = TG_PAYMENT_DECLINED;
    tg_order_change(shop, order, wall);
    tg_order_note(shop, order, TG_EVENT_DECLINED, -1, "", NULL, wall);
}

static void captured(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                     const struct tg_claim *c, struct tg_verdict *out)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in;

    if (auth == NULL) {
        money_came(shop, now, order, c, true, out);
        return;
    }
    in = asked_for(order, c, TG_INTENT_CAPTURE);
    if (in != NULL && in->state != TG_INTENT_DONE) {
        answered(shop, order, in, true, false, now.wall);
        tidy(order);
        tg_payment_settle(shop, order, now.wall);
    } else if (in == NULL && last_of(order, TG_INTENT_CAPTURE, auth->number) == NULL) {
        /* Taken though it was let go of: nothing is sold for it. */
        send_back(shop, order, auth->number, c->amount, true, now.wall);
    }
}

static void refunded(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                     struct tg_verdict *out, tg_us wall)
{
    struct tg_intent *in = asked_for(order, c, TG_INTENT_REFUND);

    if (in != NULL) {
        if (in->state != TG_INTENT_DONE)
            answered(shop, order, in, true, false, wall);
        return;
    }
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (strcmp(order->intents[i].reference, c->reference) == 0)
            return; /* told twice */
    if (c->amount < 1 || c->amount > order->captured - order->refunded) {
        tg_refuse(out, TG_CODE_CONFLICT, "More would be paid back than was taken.");
        return;
    }
    /* Somebody paid it back at the provider, past us. */
    in = add(shop, order, TG_INTENT_REFUND, 0, c->amount, wall);
    tg_str_cut(in->reference, sizeof(in->reference), c->reference);
    answered(shop, order, in, true, false, wall);
    order->refund_due = TG_MIN(order->refund_due + c->amount, order->captured);
}

static void voided(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                   tg_us wall)
{
    struct tg_intent *in = asked_for(order, c, TG_INTENT_VOID);
    const struct tg_intent *auth = authorisation(order, c->reference);

    if (in == NULL && auth != NULL && last_of(order, TG_INTENT_VOID, auth->number) == NULL &&
        last_of(order, TG_INTENT_CAPTURE, auth->number) == NULL)
        in = add(shop, order, TG_INTENT_VOID, auth->number, auth->amount, wall); /* it ran out */
    if (in != NULL && in->state != TG_INTENT_DONE)
        answered(shop, order, in, true, false, wall);
}

static void failed(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                   enum tg_intent_kind kind, tg_us wall)
{
    struct tg_intent *in = asked_for(order, c, kind);

    if (in != NULL && in->state == TG_INTENT_ASKED)
        answered(shop, order, in, false, false, wall);
}

static void hear(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                 const struct tg_claim *c, struct tg_verdict *out)
{
    switch (c->news) {
    case TG_NEWS_AUTHORISED:
        if (authorisation(order, c->reference) == NULL)
            money_came(shop, now, order, c, false, out);
        break;
    case TG_NEWS_DECLINED:
        if (authorisation(order, c->reference) == NULL)
            declined(shop, order, now.wall);
        break;
    case TG_NEWS_CAPTURED:
        captured(shop, now, order, c, out);
        break;
    case TG_NEWS_CAPTURE_FAILED:
        failed(shop, order, c, TG_INTENT_CAPTURE, now.wall);
        break;
    case TG_NEWS_VOIDED:
        voided(shop, order, c, now.wall);
        break;
    case TG_NEWS_VOID_FAILED:
        failed(shop, order, c, TG_INTENT_VOID, now.wall);
        break;
    case TG_NEWS_REFUNDED:
        refunded(shop, order, c, out, now.wall);
        break;
    case TG_NEWS_REFUND_FAILED:
        failed(shop, order, c, TG_INTENT_REFUND, now.wall);
        break;
    }
}

/* The order of a payment; NULL: the verdict says why. What awaits payment beyond its time, because
 * its turn in the clock's queue has not come yet, still holds its goods and may be paid. */
static struct tg_order *order_of(struct tg_shop *shop, const struct tg_claim *c,
                                 struct tg_verdict *out)
{
    struct tg_order *order = tg_map_get_str(&shop->order_by_payment, c->key);

    if (order == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such payment.");
        return NULL;
    }
    if (!tg_intents_ready(order, out))
        return NULL;
    out->order = order;
    tg_shop_touch_order(shop, order);
    return order;
}

void tg_decide_news(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out)
{
    struct tg_order *order = order_of(shop, c, out);

    if (order == NULL)
        return;
    if (c->reference == NULL || c->reference[0] == '\0') {
        tg_refuse_field(out, "reference", TG_CODE_BAD_REQUEST,
                        "reference must name the provider's payment.");
        return;
    }
    if ((c->news == TG_NEWS_AUTHORISED || c->news == TG_NEWS_CAPTURED) &&
        (c->amount < 1 || c->amount > AMOUNT_MAX)) {
        tg_refuse_field(out, "amount", TG_CODE_BAD_REQUEST,
                        "amount must be 1 or more minor units.");
        return;
    }
    hear(shop, now, order, c, out);
}

/* The sandbox's buttons: a provider that says one word. */
void tg_decide_pay(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out)
{
    struct tg_order *order = order_of(shop, c, out);
    struct tg_claim news = *c;

    if (order == NULL)
        return;
    if (!c->paid && order->state != TG_ORDER_AWAITING) {
        tg_refuse_over(out, order->state);
        return;
    }
    if (!c->paid && order->payment_tries >= TG_PAYMENT_TRIES_MAX) {
        tg_refuse(out, TG_CODE_LIMIT, "This payment was declined too many times.");
        return;
    }
    news.reference = order->payment;
    news.amount = order->total;
    if (c->paid && authorisation(order, news.reference) != NULL) {
        /* Told twice: nothing happens twice. */
        if (order->state == TG_ORDER_EXPIRED || order->state == TG_ORDER_CANCELLED)
            tg_refuse_over(out, order->state);
        return;
    }
    news.news = c->paid ? TG_NEWS_AUTHORISED : TG_NEWS_DECLINED;
    hear(shop, now, order, &news, out);
}

/* --- asking again --- */

static bool wants_capture(const struct tg_order *order)
{
    const struct tg_intent *in = last_of(order, TG_INTENT_CAPTURE, 0);

    return order->state == TG_ORDER_PAID && order->captured == 0 && in != NULL &&
           in->state == TG_INTENT_FAILED;
}

void tg_decide_retry(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out)
{
    struct tg_order *order = order_of(shop, c, out);
    uint32_t before;
    const struct tg_intent *lost;

    if (order == NULL)
        return;
    if (!c->staff || (c->show != UINT16_MAX && c->show != order->show)) {
        out->order = NULL;
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such payment.");
        return;
    }
    before = order->intent_count;
    lost = last_of(order, TG_INTENT_VOID, 0);
    if (wants_capture(order))
        ask(shop, order, TG_INTENT_CAPTURE, paying(order), order->total, false, now.wall);
    else if (lost != NULL && lost->state == TG_INTENT_FAILED)
        ask(shop, order, TG_INTENT_VOID, lost->of, lost->amount, false, now.wall);
    tg_payment_settle(shop, order, now.wall);
    if (order->intent_count == before)
        tg_refuse(out, TG_CODE_CONFLICT, "Nothing failed that could be tried again.");
}
