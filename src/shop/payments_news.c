/*
 * What the provider says of an order's money: late, twice, in any order, and of other amounts than
 * were asked. Each piece of news finds its question by the provider's own id of what it moved, by
 * number, or by authorisation, amount and age; what is done already is a repeat and does nothing.
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

static bool named(const struct tg_claim *c)
{
    return c->operation != NULL && c->operation[0] != '\0';
}

/* What the provider told under the same id of its own. */
static struct tg_intent *operation(const struct tg_order *order, const struct tg_claim *c,
                                   enum tg_intent_kind kind)
{
    for (uint32_t i = 0; i < order->intent_count && named(c); i++)
        if (order->intents[i].kind == kind &&
            strcmp(order->intents[i].operation, c->operation) == 0)
            return &order->intents[i];
    return NULL;
}

/* May the news be of this question, of `amount` (< 1 = of any)? What has another id is another. */
static bool fits(const struct tg_intent *in, const struct tg_claim *c, enum tg_intent_kind kind,
                 uint32_t of, enum tg_intent_state state, int64_t amount)
{
    return in->kind == kind && in->of == of && in->state == state &&
           (amount < 1 || in->amount == amount) && (!named(c) || in->operation[0] == '\0');
}

static uint32_t alike(const struct tg_order *order, const struct tg_claim *c,
                      enum tg_intent_kind kind, uint32_t of, enum tg_intent_state state,
                      int64_t amount)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < order->intent_count; i++)
        count += fits(&order->intents[i], c, kind, of, state, amount);
    return count;
}

/* The newest. */
static struct tg_intent *match(const struct tg_order *order, const struct tg_claim *c,
                               enum tg_intent_kind kind, uint32_t of, enum tg_intent_state state,
                               int64_t amount)
{
    for (uint32_t i = order->intent_count; i > 0; i--)
        if (fits(&order->intents[i - 1], c, kind, of, state, amount))
            return &order->intents[i - 1];
    return NULL;
}

/* Another amount under an id of its own is other money than what was asked for. */
static bool exact(const struct tg_claim *c)
{
    return named(c) && c->amount > 0;
}

struct guess {
    enum tg_intent_state state;
    bool of_amount;
};

/* A question that failed is answered only when no other that was asked for the same has been: its
 * retry counts instead. */
static const struct guess of_done[] = {
    {TG_INTENT_ASKED, true},  {TG_INTENT_DONE, true},  {TG_INTENT_ASKED, false},
    {TG_INTENT_FAILED, true}, {TG_INTENT_DONE, false}, {TG_INTENT_FAILED, false},
};
static const struct guess of_failed[] = {
    {TG_INTENT_ASKED, true},
    {TG_INTENT_FAILED, true},
    {TG_INTENT_ASKED, false},
};

/* NULL: there was no such question. One that is in the state that is told: this was told before. */
static struct tg_intent *asked_for(const struct tg_order *order, const struct tg_claim *c,
                                   enum tg_intent_kind kind, const struct tg_intent *auth,
                                   bool done)
{
    const struct guess *guesses = done ? of_done : of_failed;
    size_t count = done ? TG_ARRAY_LEN(of_done) : TG_ARRAY_LEN(of_failed);
    struct tg_intent *in = operation(order, c, kind);

    if (in != NULL || c->intent > 0)
        return in != NULL ? in : &order->intents[c->intent - 1];
    for (size_t i = 0; auth != NULL && in == NULL && i < count; i++) {
        if (!guesses[i].of_amount && exact(c))
            continue;
        in = match(order, c, kind, auth->number, guesses[i].state,
                   guesses[i].of_amount ? c->amount : 0);
    }
    return in;
}

/* The number it names is no such question, or one about another payment. */
static bool misnumbered(const struct tg_order *order, const struct tg_claim *c,
                        enum tg_intent_kind kind, const struct tg_intent *auth)
{
    const struct tg_intent *in;

    if (c->intent == 0)
        return false;
    if (c->intent > order->intent_count)
        return true;
    in = &order->intents[c->intent - 1];
    return in->kind != kind || (auth != NULL && in->of != auth->number);
}

/*
 * Of several questions alike it must say which: news that is told twice would answer another one,
 * too, of which nothing is known yet. With an id of its own a repeat is known, and which of those
 * that wait for the same amount is answered first makes no difference.
 */
static bool several(const struct tg_order *order, const struct tg_claim *c,
                    enum tg_intent_kind kind, const struct tg_intent *auth, bool done)
{
    enum tg_intent_state state = done ? TG_INTENT_DONE : TG_INTENT_FAILED;
    uint32_t asked = alike(order, c, kind, auth->number, TG_INTENT_ASKED, c->amount);
    uint32_t told = alike(order, c, kind, auth->number, state, c->amount);

    if (asked == 0 && told == 0)
        return !exact(c) && alike(order, c, kind, auth->number, TG_INTENT_ASKED, 0) > 1;
    return asked > 0 && (told > 0 || (asked > 1 && !exact(c)));
}

/* Which question it answers cannot be told: the verdict says so. */
static bool unclear(const struct tg_order *order, const struct tg_claim *c,
                    enum tg_intent_kind kind, const struct tg_intent *auth, bool done,
                    struct tg_verdict *out)
{
    if (operation(order, c, kind) != NULL)
        return false;
    if (misnumbered(order, c, kind, auth)) {
        tg_refuse_field(out, "intent", TG_CODE_BAD_REQUEST, "Question %u is not a %s of this.",
                        c->intent, tg_intent_kind_name(kind));
        return true;
    }
    if (c->intent > 0 || auth == NULL || !several(order, c, kind, auth, done))
        return false;
    tg_refuse_field(
        out, "intent", TG_CODE_CONFLICT,
        "Several questions are alike; intent or operation must say which one is answered.");
    return true;
}

/* From now on its repeats are known. */
static void name(struct tg_intent *in, const struct tg_claim *c)
{
    if (named(c) && in->operation[0] == '\0')
        tg_str_cut(in->operation, sizeof(in->operation), c->operation);
}

/* ... of one that was told before, without its id. */
static void name_told(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in,
                      const struct tg_claim *c, tg_us wall)
{
    if (!named(c) || in->operation[0] != '\0')
        return;
    name(in, c);
    tg_intent_write(shop, order, in, wall);
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

/* New money, or more of a promise than was asked for. */
static void taken_unasked(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                          const struct tg_claim *c, const struct tg_intent *auth,
                          struct tg_verdict *out)
{
    uint32_t first = order->intent_count;
    uint32_t of = auth == NULL ? 0 : auth->number;

    if (of == 0)
        tg_payment_new(shop, now, order, c, true, out);
    /* Without an id of its own it is a repeat, unless nothing was ever asked: it was let go of. */
    else if ((named(c) || tg_intent_last(order, TG_INTENT_CAPTURE, of) == NULL) &&
             tg_intents_ready(order, true, out))
        tg_payment_take_more(shop, order, of, c->amount, now.wall);
    for (uint32_t i = first; i < order->intent_count; i++)
        if (order->intents[i].kind == TG_INTENT_CAPTURE)
            name(&order->intents[i], c);
}

static void captured(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                     const struct tg_claim *c, struct tg_verdict *out)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in;

    if (unclear(order, c, TG_INTENT_CAPTURE, auth, true, out))
        return;
    in = asked_for(order, c, TG_INTENT_CAPTURE, auth, true);
    if (in == NULL) {
        taken_unasked(shop, now, order, c, auth, out);
        return;
    }
    if (in->state == TG_INTENT_DONE) {
        name_told(shop, order, in, c, now.wall);
        return;
    }
    name(in, c);
    tg_intent_book(shop, order, in, c->amount, now.wall);
    tg_payment_tidy(order);
    tg_payment_settle(shop, order, now.wall);
}

static bool may_go_back(const struct tg_order *order, uint32_t of, int64_t amount)
{
    const struct tg_intent ask = {.kind = TG_INTENT_REFUND, .of = of};

    return of > 0 && order->intents[of - 1].kind == TG_INTENT_AUTHORISE &&
           tg_intent_room(order, &ask) >= amount;
}

/* Of which authorisation's money somebody paid back so much at the provider: of the one that is
 * named, else of any; 0 = none has it. */
static uint32_t paid_back_of(const struct tg_order *order, const struct tg_intent *auth,
                             int64_t amount)
{
    const uint32_t first = auth != NULL ? auth->number : order->paid_by;

    if (may_go_back(order, first, amount))
        return first;
    for (uint32_t of = 1; auth == NULL && of <= order->intent_count; of++)
        if (may_go_back(order, of, amount))
            return of;
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
            strcmp(order->intents[i].reference, c->reference) == 0 &&
            (!named(c) || order->intents[i].operation[0] == '\0'))
            return true;
    return false;
}

/* Somebody paid it back at the provider, past us. */
static void back_unasked(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                         const struct tg_intent *auth, struct tg_verdict *out, tg_us wall)
{
    struct tg_intent *in;
    uint32_t of;

    if (auth == NULL && told_before(order, c))
        return;
    if (auth == NULL && named(c)) { /* its own money would have to go back once it is known */
        tg_refuse_field(out, "reference", TG_CODE_CONFLICT,
                        "Nothing is known of this payment yet; tell of it first.");
        return;
    }
    of = c->amount < 1 ? 0 : paid_back_of(order, auth, c->amount);
    if (of == 0) {
        tg_refuse(out, TG_CODE_CONFLICT, "More would be paid back than was taken.");
        return;
    }
    if (!tg_intents_ready(order, true, out))
        return;
    in = tg_intent_add(shop, order, TG_INTENT_REFUND, of, c->amount, wall);
    tg_str_cut(in->reference, sizeof(in->reference), c->reference);
    name(in, c);
    tg_intent_answer(shop, order, in, true, false, wall);
    follow_refund(order);
}

static void refunded(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                     struct tg_verdict *out, tg_us wall)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in;
    uint32_t of;

    if (unclear(order, c, TG_INTENT_REFUND, auth, true, out))
        return;
    in = asked_for(order, c, TG_INTENT_REFUND, auth, true);
    if (in == NULL) {
        back_unasked(shop, order, c, auth, out, wall);
        return;
    }
    if (in->state == TG_INTENT_DONE) {
        name_told(shop, order, in, c, wall);
        return;
    }
    of = in->of;
    name(in, c);
    tg_intent_book(shop, order, in, c->amount, wall);
    follow_refund(order);
    /* Less than was asked: the rest is still owed. */
    tg_payment_settle_of(shop, order, of, wall);
}

static bool untaken(const struct tg_order *order, uint32_t of)
{
    return tg_intent_sum(order, TG_INTENT_CAPTURE, TG_INTENT_DONE, of) == 0 &&
           tg_intent_newest(order, TG_INTENT_CAPTURE, of, TG_INTENT_ASKED) == NULL;
}

static void voided(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                   struct tg_verdict *out, tg_us wall)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    uint32_t of = auth == NULL ? 0 : auth->number;
    int64_t amount = auth == NULL ? 0 : auth->amount;
    struct tg_intent *in;

    if (unclear(order, c, TG_INTENT_VOID, auth, true, out))
        return;
    in = asked_for(order, c, TG_INTENT_VOID, auth, true);
    if (in == NULL && of > 0)
        in = tg_intent_last(order, TG_INTENT_VOID, of);
    if (in == NULL && of > 0 && untaken(order, of) && tg_intents_ready(order, true, out))
        in = tg_intent_add(shop, order, TG_INTENT_VOID, of, amount, wall); /* it ran out */
    if (in == NULL)
        return;
    if (in->state == TG_INTENT_DONE) {
        name_told(shop, order, in, c, wall);
        return;
    }
    name(in, c);
    tg_intent_answer(shop, order, in, true, false, wall);
}

static void failed(struct tg_shop *shop, struct tg_order *order, const struct tg_claim *c,
                   enum tg_intent_kind kind, struct tg_verdict *out, tg_us wall)
{
    const struct tg_intent *auth = authorisation(order, c->reference);
    struct tg_intent *in;

    if (unclear(order, c, kind, auth, false, out))
        return;
    in = asked_for(order, c, kind, auth, false);
    if (in == NULL || in->state == TG_INTENT_DONE)
        return;
    if (in->state == TG_INTENT_FAILED) {
        name_told(shop, order, in, c, wall);
        return;
    }
    name(in, c);
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
        voided(shop, order, c, out, now.wall);
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
    out->order = order;
    tg_shop_touch_order(shop, order);
    tg_intents_grow(order);
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
    news.operation = "";
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
