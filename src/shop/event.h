/*
 * event.h - what happened to an order, as it is kept: appended, never changed. No personal data:
 * the actor is an id, and words that staff write are their responsibility.
 */
#ifndef TG_SHOP_EVENT_H
#define TG_SHOP_EVENT_H

#include "shop/claim.h"

/* The values are kept on disk: never renumber. */
enum tg_order_event {
    TG_EVENT_CREATED = 0, /* has no row: the order itself says when and by whom */
    TG_EVENT_PAYMENT_TRIED = 1,
    TG_EVENT_AUTHORISED = 2,
    TG_EVENT_CAPTURED = 3,
    TG_EVENT_VOIDED = 4,
    TG_EVENT_REFUNDED = 5,
    TG_EVENT_PAID = 6,
    TG_EVENT_CANCELLED = 7,
    TG_EVENT_PART_CANCELLED = 8,
    TG_EVENT_FULFILLED = 9, /* some or all units were sent */
    TG_EVENT_RETURNED = 10, /* some or all units came back */
    TG_EVENT_EXPIRED = 11,
    TG_EVENT_NOTE = 12,
    TG_EVENT_DECLINED = 13,
    TG_EVENT_CAPTURE_FAILED = 14,
    TG_EVENT_VOID_FAILED = 15,
    TG_EVENT_REFUND_FAILED = 16,
    TG_EVENT_SOLD_OUT = 17, /* paid when the goods were gone: the money goes back */
    TG_EVENT_EXCESS = 18,   /* the provider tells of more money than was promised, or came: `amount`
                               is not in the books; see to it at the provider */
};
enum { TG_EVENT_COUNT = 19 };
/* "created", "payment_tried", ...; NULL beyond. */
const char *tg_order_event_name(enum tg_order_event event);
/* The outbox topic, "order.paid"; NULL = nobody outside is told. */
const char *tg_order_event_topic(enum tg_order_event event);
/* May the buyer read it? Notes and failures between shop and provider are the shop's own. */
bool tg_order_event_public(enum tg_order_event event);

/* What an event says beside its kind and amount; the shop's, until the batch ends. */
struct tg_event_detail {
    struct tg_event_detail *next;
    char reason[TG_REASON_SIZE];
    char carrier[TG_CARRIER_SIZE];
    char tracking[TG_TRACKING_SIZE];
    bool restock;
    uint32_t line_count;
    struct tg_line_qty lines[];
};

#endif
