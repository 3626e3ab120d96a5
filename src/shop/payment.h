/*
 * payment.h - between the shop and whoever moves the money.
 *
 * The shop never waits for a provider. What it wants is an *intent*: a row that is written with the
 * decision it follows from, so that no crash forgets to capture, to let go of or to pay back. A
 * provider that answers at once (the sandbox) does so from ask(); one beyond the network leaves the
 * intent open and its answer, or its webhook, comes back as TG_CLAIM_NEWS: late, twice, in any
 * order. An intent is named by (order, number), which is the idempotency key towards the provider.
 *
 * Rules: an order is paid when its money is promised (authorised) and its goods are its own; only
 * then is the money taken (captured). Money for goods that are gone is let go of (voided) or paid
 * back (refunded). No goods leave the house before the money has come. Each authorisation has an
 * account of its own: at most its amount is captured, at most what was captured goes back; one of
 * them pays the order (order->paid_by), the money of every other goes back whole.
 */
#ifndef TG_SHOP_PAYMENT_H
#define TG_SHOP_PAYMENT_H

#include "shop/order.h"

/* The values are kept on disk: never renumber. */
enum tg_intent_kind {
    TG_INTENT_AUTHORISE = 1,
    TG_INTENT_CAPTURE = 2,
    TG_INTENT_VOID = 3,
    TG_INTENT_REFUND = 4,
};
/* "authorise", "capture", "void", "refund"; NULL beyond. */
const char *tg_intent_kind_name(enum tg_intent_kind kind);

/* The values are kept on disk: never renumber. */
enum tg_intent_state { TG_INTENT_ASKED = 0, TG_INTENT_DONE = 1, TG_INTENT_FAILED = 2 };
/* "asked", "done", "failed"; NULL beyond. */
const char *tg_intent_state_name(enum tg_intent_state state);

struct tg_intent {
    enum tg_intent_kind kind;
    enum tg_intent_state state;
    uint32_t number; /* 1.. within the order */
    uint32_t of;     /* the authorisation's number: what is captured, voided, refunded; else 0 */
    uint32_t asks;   /* how often it was asked */
    int64_t amount;  /* asked; once done: what was moved */
    char provider[TG_PROVIDER_SIZE];
    char reference[TG_REFERENCE_SIZE]; /* the provider's id; "" = not known */
    char operation[TG_REFERENCE_SIZE]; /* ... of this capture, void or refund; "" = not known */
    tg_us asked_wall;
    tg_us changed_wall; /* answered, or asked last */

    enum tg_intent_state before_state; /* the shop's own */
    int64_t before_amount;
    uint32_t before_asks;
    char before_operation[TG_REFERENCE_SIZE];
    tg_us before_changed_wall;
};

/* Who gets no answer asks again: first after TG_INTENT_WAIT_US, then after twice as long each time,
 * up to TG_INTENT_WAIT_MAX_US; and no more when it has waited for TG_INTENT_GIVE_UP_US. */
#define TG_INTENT_WAIT_US ((tg_us)60 * TG_US_PER_S)
#define TG_INTENT_WAIT_MAX_US ((tg_us)6 * 3600 * TG_US_PER_S)
#define TG_INTENT_GIVE_UP_US ((tg_us)14 * 24 * 3600 * TG_US_PER_S)
bool tg_intent_due(const struct tg_intent *in, tg_us wall);

/*
 * A provider inside this process. Pure: called while a batch is decided, which may be undone, so it
 * must not move money itself; one that does answers TG_INTENT_ASKED and reads the open intents
 * after the commit. May fill intent->operation. What stays open is asked again (intent->asks > 1)
 * after a while and after a restart: the same number is the same question, so what was done already
 * is not done twice.
 */
struct tg_provider {
    const char *name; /* kept with each intent */
    enum tg_intent_state (*ask)(const struct tg_order *order, struct tg_intent *intent);
};

/*
 * The sandbox: no money moves. Amounts decide how it fails, by their last four digits (minor units,
 * 166.13): 6613 = capture fails, 6614 = void fails, 6615 = refund fails, 6616 = captures are
 * answered later (by news, or when asked again), 6617 = refunds are. Declining and late paying are
 * buttons of its page.
 */
extern const struct tg_provider tg_provider_sandbox;

/* Takes nothing; a row of the database. `intents` keep the order of their numbers. LIMIT: more than
 * TG_INTENTS_MAX, or not the next number. NOMEM. */
TG_MUST_CHECK tg_err tg_order_add_intent(struct tg_order *order, const struct tg_intent *intent);
/* The order's sums are those of its intents, and no account has paid back more than came. */
bool tg_payment_adds_up(const struct tg_order *order);

#endif
