/*
 * stock.h - where goods are, how many there are, and every way in which that changes by hand.
 *
 * An item (a variant that is no bundle) has a count for each place that has or had any of it:
 * on hand (units that are there), held (unpaid orders), sold (paid, not left the house yet). One
 * rule holds for each item and place, always: held + sold <= on hand. So a promise beyond the
 * shelves is a place, too, with a number of units that may be promised. A bundle has no counts: it
 * is sold by taking its parts.
 *
 * Owner: the sale thread.
 */
#ifndef TG_SHOP_STOCK_H
#define TG_SHOP_STOCK_H

#include "shop/claim.h"

struct tg_shop;
struct tg_variant;

enum { TG_ADDRESS_SIZE = 256, TG_HOURS_SIZE = 512, TG_CAUSE_SIZE = 81 };

/* The values are kept on disk: never renumber. */
enum tg_location_kind {
    TG_LOCATION_WAREHOUSE = 0,
    TG_LOCATION_STORE = 1,     /* people can go there; sells online, too */
    TG_LOCATION_ALLOTMENT = 2, /* of one show: only its claims take from it, and first */
    TG_LOCATION_PROMISE = 3, /* back-order, pre-order: on hand = what may be promised; used last */
};
/* "warehouse", "store", "allotment", "promise"; NULL beyond. */
const char *tg_location_kind_name(enum tg_location_kind kind);

struct tg_location {
    uint16_t ord;               /* < TG_LOCATIONS_MAX, given once; 0 is `main` */
    char id[TG_LOCATION_SIZE];  /* 1-32 of [a-z0-9-] */
    enum tg_location_kind kind; /* never changes */
    char name[TG_TITLE_SIZE];
    char address[TG_ADDRESS_SIZE]; /* of a store, for people */
    char hours[TG_HOURS_SIZE];     /* opening hours: text, or JSON as the pages like it */
    int32_t priority;              /* lower is taken from first; 0..1000 */
    bool closed;                   /* nothing is taken from it any more */
    uint16_t show;                 /* of an allotment, never changes; else UINT16_MAX */
    tg_us ships_from_wall;         /* of a promise; -1 = no date yet */
};

/* What one item (or bundle) allows. */
struct tg_stock_rules {
    int32_t safety;     /* units of the shelves that are not sold online; staff may */
    int32_t order_max;  /* in one order; 0 = TG_QTY_MAX */
    int32_t person_max; /* to one person, ever; 0 = the shop's rule */
};

struct tg_part_row {
    char sku[TG_SKU_MAX + 1];
    int32_t qty; /* 1..TG_QTY_MAX in one bundle */
};

/* Who counts. */
enum tg_stock_owner {
    TG_STOCK_TORG,      /* torg is the master: staff counts, receives, corrects */
    TG_STOCK_ALLOTMENT, /* the shop's own system is: it grants units and takes them back */
};

/* --- changes by hand, one or up to TG_STOCK_ROWS_MAX in one claim --- */

enum tg_stock_how {
    TG_STOCK_SET,       /* counted `value` at `counted_wall`; what moved since then is kept */
    TG_STOCK_ADJUST,    /* + value, may be negative */
    TG_STOCK_RECEIVE,   /* + value, a delivery */
    TG_STOCK_TRANSFER,  /* value from `location` to `to` */
    TG_STOCK_GRANT,     /* + value: the master lets torg sell so many more */
    TG_STOCK_TAKE_BACK, /* - value, or as many as are free */
    TG_STOCK_HOW_COUNT
};
/* "set", "adjust", "receive", "transfer", "grant", "take_back"; NULL beyond. */
const char *tg_stock_how_name(enum tg_stock_how how);

struct tg_stock_row {
    enum tg_stock_how how;
    char sku[TG_SKU_MAX + 1];
    char location[TG_LOCATION_SIZE]; /* "" = main */
    char to[TG_LOCATION_SIZE];
    int32_t value;
    tg_us counted_wall; /* of a set; -1 = now */
    int64_t if_version; /* only when the item's version is this; -1 = whatever it is */
    char cause[TG_CAUSE_SIZE];

    /* The store's, before the batch is decided, when counted_wall is given: what was added to on
     * hand after it, and when that item was last counted there (-1 = never). */
    int64_t moved_since;
    tg_us newest_count_wall;

    /* The answer. */
    enum tg_code code;
    int32_t done;    /* units really moved */
    int32_t on_hand; /* of the item at the location, afterwards */
    int32_t held;
    int32_t sold;
    int32_t available; /* of the item, to everybody */
    int64_t version;   /* of the item */
    char message[160];
};

/* A change of a location, or a new one (its ord is not looked at). */
struct tg_location_change {
    struct tg_location location;
    bool make; /* CONFLICT when it is there; otherwise NOT_FOUND when it is not */
};

struct tg_rules_change {
    const char *sku;
    struct tg_stock_rules rules;
    bool set_parts;
    const struct tg_part_row *parts;
    uint32_t part_count; /* 0 = no bundle (any more) */
};

/* --- loading: new, or instead of what is there --- */

/* LIMIT: ordinal, id, kind or texts out of range. CONFLICT: the id has another ordinal, or the
 * ordinal another id. NOMEM. */
TG_MUST_CHECK tg_err tg_shop_put_location(struct tg_shop *shop, const struct tg_location *l);
/* NOTFOUND: no such SKU or location. LIMIT: breaks the rule of counts. NOMEM. */
struct tg_place_row {
    const char *sku;
    uint16_t location;
    int32_t on_hand;
    int32_t held;
    int32_t sold;
    int64_t version;
};
TG_MUST_CHECK tg_err tg_shop_put_place(struct tg_shop *shop, const struct tg_place_row *row);
/* NOTFOUND, LIMIT. */
TG_MUST_CHECK tg_err tg_shop_put_stock_rules(struct tg_shop *shop, const char *sku,
                                             const struct tg_stock_rules *rules);
/* What a bundle consists of; count 0 = no bundle. NOTFOUND: a SKU is not known. LIMIT: a bundle
 * within a bundle, one with stock of its own, one part twice, too many, quantities. NOMEM. */
TG_MUST_CHECK tg_err tg_shop_put_parts(struct tg_shop *shop, const char *sku,
                                       const struct tg_part_row *parts, uint32_t count);

/* --- looking --- */

/* NULL = no such one. */
const struct tg_location *tg_shop_location(const struct tg_shop *shop, const char *id);
const struct tg_location *tg_shop_location_at(const struct tg_shop *shop, uint16_t ord);

/* What is left for everybody online, and for claims of one show (with its allotments). Of a bundle:
 * as many as its scarcest part allows. */
int32_t tg_variant_available(const struct tg_variant *v);
int32_t tg_variant_available_in(const struct tg_variant *v, uint16_t show);
/* ... without what is only promised: what a claim gets that does not agree to wait. */
int32_t tg_variant_here_in(const struct tg_variant *v, uint16_t show);
/* Rises with each change of a count of the item. */
int64_t tg_variant_version(const struct tg_variant *v);

#endif
