/* The sandbox: a payment provider that answers at once and moves no money. */
#include "shop/payment.h"

/* Four digits, so that no sum of ordinary prices and discounts meets one by chance. */
enum {
    CAPTURE_FAILS = 6613,
    VOID_FAILS = 6614,
    REFUND_FAILS = 6615,
    CAPTURE_LATER = 6616,
    REFUND_LATER = 6617
};

static enum tg_intent_state ask(const struct tg_order *order, struct tg_intent *intent)
{
    int64_t mode = intent->amount % 10000;

    (void)order;
    switch (intent->kind) {
    case TG_INTENT_AUTHORISE:
        return TG_INTENT_ASKED; /* the buyer decides on the payment page */
    case TG_INTENT_CAPTURE:
        if (mode == CAPTURE_LATER && intent->asks == 1)
            return TG_INTENT_ASKED;
        return mode == CAPTURE_FAILS ? TG_INTENT_FAILED : TG_INTENT_DONE;
    case TG_INTENT_VOID:
        return mode == VOID_FAILS ? TG_INTENT_FAILED : TG_INTENT_DONE;
    case TG_INTENT_REFUND:
        if (mode == REFUND_LATER && intent->asks == 1)
            return TG_INTENT_ASKED;
        return mode == REFUND_FAILS ? TG_INTENT_FAILED : TG_INTENT_DONE;
    }
    return TG_INTENT_FAILED;
}

const struct tg_provider tg_provider_sandbox = {.name = "sandbox", .ask = ask};
