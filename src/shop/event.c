#include "shop/event.h"

static const struct {
    const char *name;
    const char *topic;
    bool shown;
} kinds[TG_EVENT_COUNT] = {
    [TG_EVENT_CREATED] = {"created", "order.created", true},
    [TG_EVENT_PAYMENT_TRIED] = {"payment_tried", NULL, true},
    [TG_EVENT_AUTHORISED] = {"authorised", NULL, true},
    [TG_EVENT_CAPTURED] = {"captured", "order.captured", true},
    [TG_EVENT_VOIDED] = {"voided", "order.voided", true},
    [TG_EVENT_REFUNDED] = {"refunded", "order.refunded", true},
    [TG_EVENT_PAID] = {"paid", "order.paid", true},
    [TG_EVENT_CANCELLED] = {"cancelled", "order.cancelled", true},
    [TG_EVENT_PART_CANCELLED] = {"part_cancelled", "order.part_cancelled", true},
    [TG_EVENT_FULFILLED] = {"fulfilled", "order.fulfilled", true},
    [TG_EVENT_RETURNED] = {"returned", "order.returned", true},
    [TG_EVENT_EXPIRED] = {"expired", "order.expired", true},
    [TG_EVENT_NOTE] = {"note", NULL, false},
    [TG_EVENT_DECLINED] = {"declined", NULL, true},
    [TG_EVENT_CAPTURE_FAILED] = {"capture_failed", "order.capture_failed", false},
    [TG_EVENT_VOID_FAILED] = {"void_failed", "order.void_failed", false},
    [TG_EVENT_REFUND_FAILED] = {"refund_failed", "order.refund_failed", false},
    [TG_EVENT_SOLD_OUT] = {"sold_out", "order.sold_out", true},
    [TG_EVENT_EXCESS] = {"excess", "order.excess", false},
};

const char *tg_order_event_name(enum tg_order_event event)
{
    return (size_t)event < TG_EVENT_COUNT ? kinds[event].name : NULL;
}

const char *tg_order_event_topic(enum tg_order_event event)
{
    return (size_t)event < TG_EVENT_COUNT ? kinds[event].topic : NULL;
}

bool tg_order_event_public(enum tg_order_event event)
{
    return (size_t)event < TG_EVENT_COUNT && kinds[event].shown;
}

const char *tg_payment_news_name(enum tg_payment_news news)
{
    static const char *const names[] = {"authorised", "declined",    "captured", "capture_failed",
                                        "voided",     "void_failed", "refunded", "refund_failed"};

    return (size_t)news < TG_ARRAY_LEN(names) ? names[news] : NULL;
}
