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
    bool comment_bare;     /* ... also without the word in front */
    char comment_word[17]; /* the word in front, "" = shop, kjøp, köp or buy; see comment.h */
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
    bool show_only;     /* sold in this show (and others that say so) and nowhere else */
};

enum { TG_LAG_MS = 15000, TG_LAG_MS_MAX = 60000, TG_NUMBER_MAX = 999999999 };
#define TG_TURN_US ((tg_us)120 * TG_US_PER_S)
/* What a turn and a hold may be set to. */
#define TG_TERM_MIN_US ((tg_us)10 * TG_US_PER_S)
#define TG_TERM_MAX_US ((tg_us)86400 * TG_US_PER_S)

/* Never NULL: a show without rules has the default ones. show UINT16_MAX = no show. */
const struct tg_show_rules *tg_shop_rules(const struct tg_shop *shop, uint16_t show);
/* NULL = nothing special. */
const struct tg_show_item *tg_shop_show_item(const struct tg_shop *shop, uint16_t show,
                                             const char *sku);
/* Says nothing special: kept nowhere. */
bool tg_show_item_plain(const struct tg_show_item *item);

/* For the store, outside a batch: new or instead of the old one. Errors: NOMEM, LIMIT (out of
 * range, or too many), CONFLICT (another product of the show has the number). */
TG_MUST_CHECK tg_err tg_shop_put_rules(struct tg_shop *shop, const struct tg_show_rules *rules);
TG_MUST_CHECK tg_err tg_shop_put_show_item(struct tg_shop *shop, const struct tg_show_item *item);

/* Before they are read anew. */
void tg_shop_forget_show_items(struct tg_shop *shop);

/* What the batch changed; start with *cursor = NULL. NULL = end. */
const struct tg_show_rules *tg_shop_each_rules(const struct tg_shop *shop,
                                               const struct tg_show_rules **cursor);
const struct tg_show_item *tg_shop_each_show_item(const struct tg_shop *shop,
                                                  const struct tg_show_item **cursor);
/* All of one show, in no order; start with *cursor = 0. NULL = end. */
const struct tg_show_item *tg_shop_show_item_each(const struct tg_shop *shop, uint16_t show,
                                                  size_t *cursor);

/*
 * May it be bought at this tap? The tap's media time counts, but never one that lies further back
 * than the show's lag or in the future: a viewer who sees the picture late is not too late, and
 * nobody can claim another time. -1 at_ms = the time now.
 */
enum tg_window { TG_WINDOW_OPEN, TG_WINDOW_EARLY, TG_WINDOW_LATE };
enum tg_window tg_window_at(const struct tg_show_rules *rules, const struct tg_show_item *item,
                            int64_t media_ms, int64_t at_ms);

#endif
