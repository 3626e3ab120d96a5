/*
 * What the provider says of an order's money: late, twice, in any order, and of other amounts than
 * were asked. Each piece of news finds its question by number, or by authorisation, amount and
 * age; what is done already is a repeat and does nothing.
 */
#include <string.h>

#include "base/str.h"
#include "shop/payments_priv.h"

#define AMOUNT_MAX INT64_C(1000000000000000) /* sums of a few of them fit 63 bits */

/* --- which question is answered --- */

static struct tg_intent *authorisation(const struct tg_order *order, const char *reference)
{
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == TG_INTENT_AUTHORISE &&
            strcmp(order->intents[i].reference, reference) == 0)
            return &order->intents[i];
    return NULL;
}

/* The newest in this state; of this amount, when one is told. */
static struct tg_intent *match(const struct tg_order *order, enum tg_intent_kind kind, uint32_t of,
                               enum tg_intent_state state, int64_t amount)
{
    for (uint32_t i = order->intent_count; i > 0; i--) {
        struct tg_intent *in = &order->intents[i - 1];

        if (in->kind == kind && in->of == of && in->state == state &&
            (amount < 1 || in->amount == amount))
            return in;
    }
    return NULL;
}

/* By its number. NULL: none is named. *ret_bad: it is no such question. */
static struct tg_intent *numbered(const struct tg_order *order, const struct tg_claim *c,
                                  enum tg_intent_kind kind)
{
    struct tg_intent *in =
        c->intent > 0 && c->intent <= order->intent_count ? &order->intents[c->intent - 1] : NULL;

    return in != NULL && in->kind == kind ? in : NULL;
}

/*
 * NULL: there was no such question. One that is DONE: this was told before. A question that failed
 * is answered only when no other that was asked for the same has been: its retry counts instead.
 */
static struct tg_intent *asked_for(const struct tg_order *order, const struct tg_claim *c,
                                   enum tg_intent_kind kind, const struct tg_intent *auth)
{
    static const struct {
        enum tg_intent_state state;
        bool of_amount;
    } order_of_trying[] = {
        {TG_INTENT_ASKED, true},  {TG_INTENT_DONE, true},  {TG_INTENT_ASKED, false},
        {TG_INTENT_FAILED, true}, {TG_INTENT_DONE, false}, {TG_INTENT_FAILED, false},
    };
    struct tg_intent *in = NULL;

    if (c->intent > 0)
        return numbered(order, c, kind);
    for (size_t i = 0; auth != NULL && in == NULL && i < TG_ARRAY_LEN(order_of_trying); i++)
        in = match(order, kind, auth->number, order_of_trying[i].state,
                   order_of_trying[i].of_amount ? c->amount : 0);
    return in;
}

static size_t alike(const struct tg_order *order, enum tg_intent_kind kind, uint32_t of,
                    enum tg_intent_state state, int64_t amount)
{
    size_t count = 0;

    for (uint32_t i = 0; i < order->intent_count; i++) {
        const struct tg_intent *in = &order->intents[i];

        count += in->kind == kind && in->of == of && in->state == state &&
                 (amount < 1 || in->amount == amount);
    }
    return count;
}

/*
 * Of several questions alike it must say which: news that is told twice would answer another one,
 * too, of which nothing is known yet.
 */
static bool unclear(const struct tg_order *order, const struct tg_claim *c,
                    enum tg_intent_kind kind, const struct tg_intent *auth, bool done,
                    struct tg_verdict *out)
{
    size_t asked;
    size_t told;

    if (c->intent > 0 || auth == NULL)
        return false;
    asked = alike(order, kind, auth->number, TG_INTENT_ASKED, c->amount);
    told = alike(order, kind, auth->number, TG_INTENT_DONE, c->amount);
    if (asked == 0 && told == 0)
        asked = alike(order, kind, auth->number, TG_INTENT_ASKED, 0);
    if (asked == 0 || (asked == 1 && (told == 0 || !done)))
        return false;
    tg_refuse_field(out, "intent", TG_CODE_CONFLICT,
                    "Several questions are alike; intent must say which one is answered.");
    return true;
}

/* --- news of questions --- */

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
    struct tg_intent *in = asked_for(order, c, TG_INTENT_CAPTURE, auth);

    if (unclear(order, c, TG_INTENT_CAPTURE, auth, true, out))
        return;
    if (in == NULL && auth == NULL) {
        tg_payment_new(shop, now, order, c, true, out);
        return;
    }
    if (in == NULL) {
        /* Taken though it was let go of: nothing is sold for it. */
        if (tg_intent_last(order, TG_INTENT_CAPTURE, auth->number) == NULL)
            tg_payment_send_back(shop, order, auth->number, TG_MIN(c->amount, auth->amount), true,
                                 now.wall);
        return;
    }
    if (in->state == TG_INTENT_DONE)
        return;
    tg_intent_book(shop, order, in, c->amount, now.wall);
    tg_payment_tidy(order);
    tg_payment_settle(shop, order, now.wall);
}

/* Of which authorisation's money somebody paid back so much at the provider; 0 = none has it. */
static uint32_t paid_back_of(const struct tg_order *order, const struct tg_intent *auth,
                             int64_t amount)
{
    uint32_t first = auth != NULL ? auth->number : order->paid_by;

    for (uint32_t i = 0; i <= order->intent_count; i++) {
        const uint32_t of = i == 0 ? first : i;
        const struct tg_intent ask = {.kind = TG_INTENT_REFUND, .of = of};

        if (of > 0 && order->intents[of - 1].kind == TG_INTENT_AUTHORISE &&
            tg_intent_room(order, &ask) >= amount)
            return of;
    }
    return 0;
}

/* Money that went back past us: it counts as what was due, if anything is. */
static void follow_refund(struct tg_order *order)
{
    int64_t gone =
        order->refunded + tg_intent_sum(order, TG_INTENT_REFUND, TG_INTENT_ASKED, order->paid_by);

    order->refund_due = TG_MIN(TG_MAX(order->refund_due, gone), order->captured);
}

static bool told_before(const struct tg_order *order, const struct tg_claim *c)
{
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].kind == TG_INTENT_REFUND &&
            strcmp(order->intents[i].reference, c->reference) == 0)
            return true;
    return false;
}

static void refunded(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                     struct tg_verdict *out, tg_us wall)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in = asked_for(order, c, TG_INTENT_REFUND, auth);
    uint32_t of;

    if (unclear(order, c, TG_INTENT_REFUND, auth, true, out))
        return;
    if (in != NULL) {
        if (in->state == TG_INTENT_DONE)
            return;
        of = in->of;
        tg_intent_book(shop, order, in, c->amount, wall);
        follow_refund(order);
        /* Less than was asked: the rest is still owed. */
        tg_payment_settle_of(shop, order, of, wall);
        return;
    }
    if (auth == NULL && told_before(order, c))
        return;
    of = c->amount < 1 ? 0 : paid_back_of(order, auth, c->amount);
    if (of == 0) {
        tg_refuse(out, TG_CODE_CONFLICT, "More would be paid back than was taken.");
        return;
    }
    /* Somebody paid it back at the provider, past us. */
    in = tg_intent_add(shop, order, TG_INTENT_REFUND, of, c->amount, wall);
    tg_str_cut(in->reference, sizeof(in->reference), c->reference);
    tg_intent_answer(shop, order, in, true, false, wall);
    follow_refund(order);
}

static void voided(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                   tg_us wall)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in = asked_for(order, c, TG_INTENT_VOID, auth);

    if (in == NULL && auth != NULL &&
        tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, auth->number) == 0 &&
        tg_intent_newest(order, TG_INTENT_CAPTURE, auth->number, TG_INTENT_ASKED) == NULL)
        in = tg_intent_add(shop, order, TG_INTENT_VOID, auth->number, auth->amount,
                           wall); /* it ran out */
    if (in != NULL && in->state != TG_INTENT_DONE)
        tg_intent_answer(shop, order, in, true, false, wall);
}

static void failed(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                   enum tg_intent_kind kind, struct tg_verdict *out, tg_us wall)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in = asked_for(order, c, kind, auth);

    if (unclear(order, c, kind, auth, false, out) || in == NULL || in->state != TG_INTENT_ASKED)
        return;
    tg_intent_answer(shop, order, in, false, false, wall);
    tg_payment_unwanted(shop, order, in->of, wall);
}

static void hear(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                 const struct tg_claim *c, struct tg_verdict *out)
{
    switch (c->news) {
    case TG_NEWS_AUTHORISED:
        if (authorisation(order, c->reference) == NULL)
            tg_payment_new(shop, now, order, c, false, out);
        break;
    case TG_NEWS_DECLINED:
        if (authorisation(order, c->reference) == NULL)
            declined(shop, order, now.wall);
        break;
    case TG_NEWS_CAPTURED:
        captured(shop, now, order, c, out);
        break;
    case TG_NEWS_CAPTURE_FAILED:
        failed(shop, order, c, TG_INTENT_CAPTURE, out, now.wall);
        break;
    case TG_NEWS_VOIDED:
        voided(shop, order, c, now.wall);
        break;
    case TG_NEWS_VOID_FAILED:
        failed(shop, order, c, TG_INTENT_VOID, out, now.wall);
        break;
    case TG_NEWS_REFUNDED:
        refunded(shop, order, c, out, now.wall);
        break;
    case TG_NEWS_REFUND_FAILED:
        failed(shop, order, c, TG_INTENT_REFUND, out, now.wall);
        break;
    }
}

/* --- the claims --- */

/* What awaits payment beyond its time, because its turn in the clock's queue has not come yet,
 * still holds its goods and may be paid. */
struct tg_order *tg_payment_order(struct tg_shop *shop, const struct tg_claim *c,
                                  struct tg_verdict *out)
{
    struct tg_order *order = tg_map_get_str(&shop->order_by_payment, c->key);

    if (order == NULL) {
        tg_refuse_missing(shop, c, "There is no such payment.", out);
        return NULL;
    }
    if (!tg_intents_ready(order, out))
        return NULL;
    out->order = order;
    tg_shop_touch_order(shop, order);
    return order;
}

static bool news_ok(const struct tg_order *order, const struct tg_claim *c, struct tg_verdict *out)
{
    if (c->reference == NULL || c->reference[0] == '\0')
        tg_refuse_field(out, "reference", TG_CODE_BAD_REQUEST,
                        "reference must name the provider's payment.");
    else if ((c->news == TG_NEWS_AUTHORISED || c->news == TG_NEWS_CAPTURED) && c->amount < 1)
        tg_refuse_field(out, "amount", TG_CODE_BAD_REQUEST,
                        "amount must be 1 or more minor units.");
    else if (c->amount > AMOUNT_MAX)
        tg_refuse_field(out, "amount", TG_CODE_BAD_REQUEST, "amount is too large.");
    else if (c->currency != NULL && c->currency[0] != '\0' &&
             strcmp(c->currency, order->currency) != 0)
        tg_refuse_field(out, "amount", TG_CODE_CONFLICT, "The order is in %s, not in %s.",
                        order->currency, c->currency);
    return out->code == TG_CODE_OK;
}

void tg_decide_news(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out)
{
    struct tg_order *order = tg_payment_order(shop, c, out);

    if (order != NULL && news_ok(order, c, out))
        hear(shop, now, order, c, out);
}

/* The sandbox's buttons: a provider that says one word. */
void tg_decide_pay(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out)
{
    struct tg_order *order = tg_payment_order(shop, c, out);
    struct tg_claim news = *c;
    char another[TG_REFERENCE_SIZE];

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
    news.intent = 0;
    if (c->paid && authorisation(order, news.reference) != NULL) {
        /* Told twice: nothing happens twice. */
        if (order->state == TG_ORDER_EXPIRED || order->state == TG_ORDER_CANCELLED)
            tg_refuse_over(out, order->state);
        if (order->state != TG_ORDER_AWAITING)
            return;
        /* That promise was let go of. */
        tg_str_printf(another, sizeof(another), "%s-%u", order->payment, order->intent_count + 1);
        news.reference = another;
    }
    news.news = c->paid ? TG_NEWS_AUTHORISED : TG_NEWS_DECLINED;
    hear(shop, now, order, &news, out);
}
