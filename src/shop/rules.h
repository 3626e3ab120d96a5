/*
 * rules.h - how one show sells: hold time, limits, waiting list, comments, and what it says of
 * single SKUs. Kept in memory for every show that has any; the sale thread's.
 */
#ifndef TG_SHOP_RULES_H
#define TG_SHOP_RULES_H

#include "base/clock.h"
#include "shop/order.h"

struct tg_shop;

/* Of a whole show. All zero but `show` is what a show without rules has. */
struct tg_show_rules {
    uint16_t show;
    bool first_paid;       /* nothing is held: who pays first gets it */
    bool waiting;          /* what is sold out can be waited for */
    bool comments;         /* comments like "shop 12 x2 M" buy */
    char comment_word[17]; /* the word in front, "" = "shop"; case does not count */
    tg_us hold_us;         /* 0 = the shop's */
    tg_us turn_us;         /* how long a turn of the waiting list lasts; 0 = TG_TURN_US */
    int32_t person_units;  /* units of all SKUs one person may buy in the show; 0 = no limit */
    int32_t lag_ms;        /* a tap's media time may lie so far back; 0 = TG_LAG_MS */
};

/* Of one SKU in one show. */
struct tg_show_item {
    uint16_t show;
    char sku[TG_SKU_MAX + 1];
    uint32_t number;    /* what people type here; 0 = the product's own */
    int32_t units_max;  /* the show sells no more of it; 0 = no limit */
    int32_t person_max; /* ... to one person; 0 = no limit */
    int64_t from_ms;    /* purchase window on the show's media time; -1 = open */
    int64_t until_ms;   /* ... */
};

enum { TG_LAG_MS = 15000 };
#define TG_TURN_US ((tg_us)120 * TG_US_PER_S)

/* Never NULL: a show without rules has the default ones. show UINT16_MAX = no show. */
const struct tg_show_rules *tg_shop_rules(const struct tg_shop *shop, uint16_t show);
/* NULL = nothing special. */
const struct tg_show_item *tg_shop_show_item(const struct tg_shop *shop, uint16_t show,
                                             const char *sku);
/* New or instead of the old one. Errors: NOMEM, LIMIT. */
TG_MUST_CHECK tg_err tg_shop_put_rules(struct tg_shop *shop, const struct tg_show_rules *rules);
TG_MUST_CHECK tg_err tg_shop_put_show_item(struct tg_shop *shop, const struct tg_show_item *item);

#endif
