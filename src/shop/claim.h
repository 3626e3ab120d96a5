/*
 * claim.h - what somebody wants of the shop, and what the shop answered.
 *
 * Every way to buy becomes a claim; they are decided one by one, in arrival order. Strings are
 * borrowed for the call and NUL-terminated; NULL is not allowed, "" means "not given".
 */
#ifndef TG_SHOP_CLAIM_H
#define TG_SHOP_CLAIM_H

#include "shop/discount.h"
#include "shop/order.h"

enum tg_claim_kind {
    TG_CLAIM_NONE,        /* nothing for the shop in this place of the batch */
    TG_CLAIM_BUY,         /* sku, qty, price: one line, an order to pay */
    TG_CLAIM_CART_SET,    /* sku, qty (0 removes) */
    TG_CLAIM_CHECKOUT,    /* the person's whole cart, all or nothing; prices as shown */
    TG_CLAIM_CART,        /* only look at the cart */
    TG_CLAIM_CART_MERGE,  /* take over the cart of the person in `key`, who is the same human */
    TG_CLAIM_PRICE,       /* sku, amount (-1 ends the flash price), from_wall (-1 = now), until_wall
                             (-1 = open), limit */
    TG_CLAIM_STOCK,       /* sku, value, absolute */
    TG_CLAIM_PAY,         /* key = payment id, paid */
    TG_CLAIM_CANCEL,      /* key = order id, lines (none = all that is left), reason; by the
                             buyer or by staff */
    TG_CLAIM_LIST_PRICE,  /* sku: its ordinary price in `currency`: amount, compare_at */
    TG_CLAIM_CODE_NEW,    /* discount */
    TG_CLAIM_CODE_SET,    /* discount, instead of what its code meant */
    TG_CLAIM_CODE_END,    /* key = code; it cannot be used any more */
    TG_CLAIM_WAIT,        /* sku, qty: a place in the waiting list; leave: out of it */
    TG_CLAIM_UNDO,        /* cancel the person's last unpaid order by comment in the show */
    TG_CLAIM_RULES,       /* rules: the show's, instead of the old ones */
    TG_CLAIM_SHOW_ITEM,   /* item: what the show says of one SKU, instead of before */
    TG_CLAIM_SHOW_LOOK,   /* only look: the show's rules, or what it says of sku */
    TG_CLAIM_WINDOW,      /* sku, open, for_ms: the purchase window opens or closes now */
    TG_CLAIM_STOCK_ROWS,  /* rows, all_or_nothing; the rows are answered one by one */
    TG_CLAIM_LOCATION,    /* location_change */
    TG_CLAIM_STOCK_RULES, /* rules_change */
    TG_CLAIM_NEWS,  /* what the provider says: key = payment id, news, reference, amount, intent */
    TG_CLAIM_RETRY, /* staff: key = payment id; ask the provider again for what failed */
    TG_CLAIM_ASK_AGAIN, /* the clock: key = payment id; what has waited too long for an answer */
    TG_CLAIM_GIVE_UP,   /* staff: key = payment id, intent, reason: it will not be answered */
    TG_CLAIM_FULFIL,    /* staff: key = order id, lines (none = all), carrier, tracking */
    TG_CLAIM_RETURN, /* staff: key = order id, lines, restock, amount (-1 = what they cost), reason
                      */
    TG_CLAIM_REFUND, /* staff: key = order id, amount (-1 = what is still due), reason */
    TG_CLAIM_NOTE,   /* staff: key = order id, reason = the words */
};

/* Units of one line; it counts from 0. */
struct tg_line_qty {
    uint32_t line;
    int32_t qty;
};

/*
 * What a payment provider tells of one payment, in any order and any number of times. `reference`
 * is the provider's id of the authorisation, the same in all its news; a refund made outside of
 * torg may have an id of its own there, when it has no `operation`. That is the provider's id of
 * this capture, void or refund: news with the same one is a repeat, with another one it is of other
 * money.
 */
enum tg_payment_news {
    TG_NEWS_AUTHORISED,
    TG_NEWS_DECLINED,
    TG_NEWS_CAPTURED,
    TG_NEWS_CAPTURE_FAILED,
    TG_NEWS_VOIDED,
    TG_NEWS_VOID_FAILED,
    TG_NEWS_REFUNDED,
    TG_NEWS_REFUND_FAILED,
};
/* "authorised" ... "refund_failed"; NULL beyond. */
const char *tg_payment_news_name(enum tg_payment_news news);

struct tg_show_rules;
struct tg_show_item;
struct tg_stock_row;
struct tg_location_change;
struct tg_rules_change;
struct tg_location;

struct tg_price_shown {
    const char *sku;
    int64_t amount;
};

struct tg_claim {
    enum tg_claim_kind kind;
    uint32_t ref;       /* the caller's own number of it, see tg_cart.changed_by */
    const char *person; /* who asks */
    const char *name;
    const char *source;
    uint16_t show;
    bool staff; /* may act on other people's orders */
    enum tg_channel channel;
    int64_t at_ms;    /* media time of the tap, as the page says; -1 = not given */
    int64_t media_ms; /* the show's media time now; -1 = no show */
    const char *op;   /* idempotency key: (person, op, id); op "" = none */
    const char *id;
    const char *sku;
    int32_t qty;
    int64_t price;        /* shown at the tap; -1 = not given */
    const char *code;     /* discount codes, separated by commas */
    const char *location; /* id; "" = wherever there is some; stock: main */
    bool back_order;      /* the buyer agrees to wait for what is only promised */
    const struct tg_price_shown *prices;
    uint32_t price_count;
    int64_t amount;
    tg_us until_wall;
    bool absolute;
    int32_t value;
    const char *key;
    bool paid;
    const char *currency; /* "" (or NULL) = the shop's */
    tg_us from_wall;
    int32_t limit;      /* units at the flash price; 0 = all there are */
    int64_t compare_at; /* -1 = none; TG_AS_IS */
    const char
        *if_match; /* "" or NULL = whatever it is now; else a list with its price tag, or "*" */
    const struct tg_discount *discount;
    const char *by; /* whose idempotency key it is; NULL or "" = the person's */
    bool leave;
    bool open;
    int64_t for_ms; /* 0 = until it is closed */
    const struct tg_show_rules *rules;
    const struct tg_show_item *item;
    struct tg_stock_row *rows; /* the shop writes the answers */
    uint32_t row_count;
    bool all_or_nothing;
    const struct tg_location_change *location_change;
    const struct tg_rules_change *rules_change;
    const struct tg_line_qty *lines;
    uint32_t line_count;
    bool restock;
    enum tg_payment_news news;
    uint32_t intent; /* the number that the question had, 1..; 0 = not given */
    const char *reference;
    const char *operation; /* the provider's own id of what it moved; "" or NULL = not given */
    const char *reason;
    const char *carrier;
    const char *tracking;
};

/* Of amount and compare_at of TG_CLAIM_LIST_PRICE: leave it. */
enum { TG_AS_IS = -2 };

/* A line whose price is not what the page showed. */
struct tg_price_now {
    const struct tg_variant *variant;
    int64_t price; /* of one, as the claim would be charged now */
};

/* Whose key (person, op, id) is. */
static inline const char *tg_claim_key_person(const struct tg_claim *c)
{
    return c->by != NULL && c->by[0] != '\0' ? c->by : c->person;
}

/* The place that is always there: ordinal 0. */
#define TG_LOCATION_MAIN "main"

enum tg_code {
    TG_CODE_OK,
    TG_CODE_BAD_REQUEST,
    TG_CODE_UNAUTHORIZED,
    TG_CODE_FORBIDDEN,
    TG_CODE_NOT_FOUND,
    TG_CODE_SOLD_OUT,
    TG_CODE_PRICE_CHANGED,
    TG_CODE_LIMIT,
    TG_CODE_CONFLICT,
    TG_CODE_CLOSED,
    TG_CODE_BUSY,
    TG_CODE_INTERNAL,
    TG_CODE_STALE, /* what the caller says it saw is not what is there */
};
/* The contract's words: "ok", "bad_request" ... "internal". */
const char *tg_code_name(enum tg_code code);

struct tg_variant;
struct tg_cart;
struct tg_cart_line;

/* Pointers are valid until the shop's next commit or rollback. */
struct tg_verdict {
    enum tg_code code;
    char message[160];            /* plain words; "" on OK */
    const char *field;            /* what of the request is wrong; NULL = nothing single */
    const struct tg_order *order; /* buy, checkout, and all that is about an order */
    const struct tg_cart *cart;   /* cart.set, cart, checkout; NULL = empty */
    /* cart merge: what found no room; in the other cart's memory, so read it at once */
    const struct tg_cart_line *left_out;
    uint32_t left_out_count;
    const struct tg_variant *variant; /* the SKU it is about, also in refusals; may be NULL */
    /* sold_out: units that are promised beyond the shelves, and from when they ship (-1 = no date):
     * the same claim with back_order gets them. 0 = none, or they are not enough either. */
    int32_t back_order;
    tg_us ships_from_wall;
    int64_t total; /* price_changed, no line alone: what all costs now; 0 = it was a line */
    /* price_changed: every line that is dearer now, until the next decision. */
    const struct tg_price_now *changes;
    uint32_t change_count;
    char currency[4];                   /* ... of their prices */
    const struct tg_discount *discount; /* code.new, code.set, code.end */
    const struct tg_waiter *waiter;     /* wait */
    uint32_t place;                     /* ... in line, 1 = the head; 0 = not any more */
    const struct tg_show_rules *rules;
    const struct tg_show_item *item;    /* show_item, window */
    const struct tg_location *location; /* location */
    int64_t ticket; /* buy, checkout: place in the order of all decisions; 0 = none */
};

#endif
