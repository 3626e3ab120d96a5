/*
 * order.h - one order as a value: what was bought, at which price, by whom, and how far it came.
 *
 * Personal data is not in here: `person` is an id. Amounts are minor units of `currency`.
 */
#ifndef TG_SHOP_ORDER_H
#define TG_SHOP_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/limits.h"
#include "base/macros.h"
#include "base/uuid.h"

enum {
    TG_PERSON_ID_SIZE = 24,  /* "p" + 22 characters, or "s" + a number, and the NUL */
    TG_PAYMENT_ID_SIZE = 37, /* 14 hex digits that rise, and 128 random bits in base64url */
    TG_OPTIONS_SIZE = 96,    /* JSON object of a variant's options */
    TG_SOURCE_SIZE = TG_SOURCE_MAX * 4 + 1,
    TG_DISCOUNT_CODE_SIZE = 33, /* a discount code */
    TG_ORDER_CODES_MAX = 3,     /* ... so many of one order, with commas: TG_CODES_SIZE */
    TG_CODES_SIZE = TG_ORDER_CODES_MAX * TG_DISCOUNT_CODE_SIZE,
    TG_LOCATION_SIZE = 33,
};

/* How it was bought. The values are kept on disk: never renumber. */
enum tg_channel {
    TG_CHANNEL_BUTTON = 0,
    TG_CHANNEL_CART = 1,
    TG_CHANNEL_COMMENT = 2, /* a comment like "shop 12 x2 M" */
    TG_CHANNEL_STAFF = 3,   /* from the desk, for somebody else */
    TG_CHANNEL_WAITING = 4, /* a turn of the waiting list */
};
/* "button", "cart", "comment", "staff", "waiting"; NULL beyond. */
const char *tg_channel_name(enum tg_channel channel);

/* The values are kept on disk: never renumber. */
enum tg_order_state {
    TG_ORDER_AWAITING = 0, /* stock is held until pay_by, unless the order is `unheld` */
    TG_ORDER_PAID = 1,
    TG_ORDER_FULFILLED = 2,
    TG_ORDER_EXPIRED = 3,
    TG_ORDER_CANCELLED = 4,
    TG_ORDER_RETURNED = 5, /* all that was sent came back */
    TG_ORDER_PARTLY = 6,   /* paid; some units were sent, others wait */
};
enum { TG_ORDER_STATE_COUNT = 7 };
/* "awaiting_payment", "paid", "fulfilled", "expired", "cancelled", "returned",
 * "partly_fulfilled"; NULL beyond. */
const char *tg_order_state_name(enum tg_order_state state);

/* The values are kept on disk: never renumber. */
enum tg_payment_state {
    TG_PAYMENT_PENDING = 0,
    TG_PAYMENT_DECLINED = 1,
    TG_PAYMENT_PAID = 2,       /* captured */
    TG_PAYMENT_AUTHORISED = 3, /* promised, not captured yet */
    TG_PAYMENT_VOIDED = 4,     /* promised, and let go of */
    TG_PAYMENT_PARTLY_REFUNDED = 5,
    TG_PAYMENT_REFUNDED = 6,
};
/* "pending", "declined", "paid", "authorised", "voided", "partly_refunded", "refunded"; NULL
 * beyond. */
const char *tg_payment_state_name(enum tg_payment_state state);

struct tg_order_line {
    char sku[TG_SKU_MAX + 1];
    char title[TG_TITLE_SIZE]; /* as it was at the sale; an order never changes its words */
    char options[TG_OPTIONS_SIZE];
    int32_t qty;
    int64_t price;     /* of one */
    int64_t cost;      /* cost price of one at the sale, for attribution; -1 = unknown */
    int64_t discount;  /* off the whole line, >= 0; the line's sum is price * qty - discount */
    int32_t tax_bp;    /* VAT within the price, hundredths of a percent */
    int64_t tax;       /* ... of the line's sum */
    tg_us flash_since; /* the flash price it was sold at, by its start; 0 = none */
    int32_t cancelled; /* units of qty that were taken back */
    int32_t fulfilled; /* ... that left the house */
    int32_t returned;  /* ... of those fulfilled that came back */

    int32_t before_cancelled; /* the shop's own */
    int32_t before_fulfilled;
    int32_t before_returned;
};

/* From where the units of a line come; a bundle has one for each of its parts and places. */
struct tg_order_take {
    uint32_t line;            /* index in lines */
    char sku[TG_SKU_MAX + 1]; /* the inventory item: the line's own SKU, or a bundle's part */
    uint16_t location;        /* ordinal, see stock.h */
    int32_t each;             /* units of it in one of the line: 1, or the bundle's part */
    int32_t qty;              /* units still promised there: falls with cancelling and shipping */
    tg_us ships_from_wall;    /* 0 = from the shelf; -1 = promised without a date; else the date */
    char place[TG_LOCATION_SIZE]; /* the location's id */

    /* The shop's own. */
    int32_t before_qty;
};

struct tg_order {
    char id[TG_UUID_SIZE];
    int64_t number; /* for people: 1001, 1002 ... */
    enum tg_order_state state;
    char person[TG_PERSON_ID_SIZE];
    char name[TG_NAME_SIZE]; /* display name at the claim; goes to the people table, not here */
    uint16_t show;           /* where it was bought; UINT16_MAX = no show */
    char source[TG_SOURCE_SIZE];
    char currency[4];
    int64_t total;    /* what is paid: the lines' sums, without units taken back */
    int64_t discount; /* of all lines, without units taken back */
    int64_t tax;      /* ... within the total */
    enum tg_channel channel;
    int64_t ticket;            /* place in the order of all decisions, rising */
    char codes[TG_CODES_SIZE]; /* discount codes that counted, separated by commas; "" = none */
    bool unheld;               /* first-paid mode: nothing is held until it is paid */
    bool back_order;           /* its buyer agreed to wait for what is promised */
    bool takes_sold;           /* the takes' units are sold, no longer held */
    uint16_t from; /* location that the buyer chose; UINT16_MAX = wherever there is some */
    tg_us created_wall;
    tg_us changed_wall;
    tg_us pay_by_wall;
    char payment[TG_PAYMENT_ID_SIZE];
    enum tg_payment_state payment_state;
    uint32_t payment_tries;
    uint32_t paid_by; /* number of the authorisation that pays it; 0 = none */
    /* Of that authorisation; while none pays, of all, and all of it goes back. */
    int64_t authorised; /* promised by the provider and not let go of */
    int64_t captured;   /* money that came */
    int64_t refunded;   /* ... and went back */
    int64_t refund_due; /* what has to go back in all, >= refunded once all is done */
    uint32_t events;    /* rows of its history */
    uint32_t intent_count;
    uint32_t intent_cap;
    struct tg_intent *intents; /* payment.h; the order's own block, NULL = none yet */

    /* The shop's own (shop.h): the store leaves them alone. */
    struct tg_heap_node expiry;
    struct tg_order *batch_next;
    bool in_batch;    /* linked in the batch's list */
    bool fresh;       /* made in this batch */
    bool changed;     /* in this batch: its buyer is told */
    bool dirty;       /* its row must be written */
    bool lines_dirty; /* ... and the counts of its lines */
    enum tg_order_state before_state;
    enum tg_payment_state before_payment_state;
    uint32_t before_payment_tries;
    tg_us before_changed_wall;
    bool takes_changed; /* in this batch */
    bool takes_found;   /* ... and are others than before */
    bool before_takes_sold;
    uint32_t before_take_count;
    struct {
        int64_t total;
        int64_t discount;
        int64_t tax;
        int64_t authorised;
        int64_t captured;
        int64_t refunded;
        int64_t refund_due;
        uint32_t events;
        uint32_t intent_count;
        uint32_t paid_by;
        bool unheld;
    } before;

    uint32_t take_count;
    struct tg_order_take *takes;       /* in the order's own block, or takes_apart */
    struct tg_order_take *takes_apart; /* owned */
    uint32_t line_count;
    struct tg_order_line lines[];
};

/* Zeroed, with room for its lines and takes. LIMIT: no line, more than TG_CART_LINES_MAX, or more
 * takes than TG_TAKES_MAX and one a line. NOMEM. */
TG_MUST_CHECK tg_err tg_order_new(struct tg_order **ret, size_t lines, size_t takes);
void tg_order_free(struct tg_order *order);
/* Room for other takes than it was made with, zeroed. LIMIT, NOMEM: nothing changed. */
TG_MUST_CHECK tg_err tg_order_set_takes(struct tg_order *order, size_t takes);
/* The line's only take, of its own SKU at `main`: what the line itself says already, so that the
 * disk keeps no row of it. */
bool tg_order_take_plain(const struct tg_order *order, uint32_t take);
/* Units of the line that are promised beyond the shelves, and from when they ship (-1 = no date).
 */
int32_t tg_order_line_promised(const struct tg_order *order, uint32_t line, tg_us *ret_ships_from);
/* Sum of the lines less their discounts, without units taken back; LIMIT when it does not fit 63
 * bits or a line is out of range. */
TG_MUST_CHECK tg_err tg_order_sum(int64_t *ret, const struct tg_order *order);
/*
 * What `units` of a line cost: its price less their share of the discount, both shares rounded half
 * up. A unit more or less is the difference of two such sums, so that parts always add up to the
 * whole. 0 <= units <= qty.
 */
int64_t tg_line_worth(const struct tg_order_line *line, int32_t units);
int64_t tg_line_tax(const struct tg_order_line *line, int32_t units);
int64_t tg_line_discount(const struct tg_order_line *line, int32_t units);
/* Units that were neither taken back nor sent. */
int32_t tg_line_open(const struct tg_order_line *line);
/* total, discount and tax anew from the lines, which tg_order_sum has accepted before. */
void tg_order_resum(struct tg_order *order);
/* Units of the order that are promised to somebody: it awaits payment (and holds), or is paid. */
bool tg_order_promises(const struct tg_order *order);

#endif
