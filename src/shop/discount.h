/*
 * discount.h - a discount code as a value: what it takes off, of what, for whom, how often.
 *
 * Codes are written in capital letters, A-Z 0-9 - and _, and found however they are typed. Several
 * codes of one purchase are separated by commas.
 *
 * Which codes count: every code given must be one that may be used now, else the purchase is
 * refused. Then the dearest for the shop wins: the best single code, or all combinable ones
 * together. Together the percentages come off first (multiplied, rounded once per line), then the
 * amounts in the order in which they were given, each split over the lines it is for, never more
 * than is left of them. Codes that do not count are not used up.
 */
#ifndef TG_SHOP_DISCOUNT_H
#define TG_SHOP_DISCOUNT_H

#include "base/clock.h"
#include "shop/money.h"
#include "shop/order.h"

/* The values are kept on disk: never renumber. */
enum tg_discount_kind { TG_DISCOUNT_PERCENT = 0, TG_DISCOUNT_AMOUNT = 1 };

struct tg_discount {
    char code[TG_DISCOUNT_CODE_SIZE];
    enum tg_discount_kind kind;
    int32_t bp;                      /* percent: hundredths of a percent off, 1..10000 */
    int64_t amount;                  /* amount: off the whole purchase, > 0 */
    char currency[TG_CURRENCY_SIZE]; /* of amount and minimum; "" = any (percent, no minimum) */
    int64_t minimum;                 /* the goods it is for must cost so much, before discounts */
    uint16_t show;                   /* only in this show; UINT16_MAX = everywhere */
    int32_t person_max;              /* uses of one person; 0 = no limit */
    int32_t uses_max;                /* ... of all; 0 = no limit */
    tg_us from_wall;                 /* -1 = open */
    tg_us until_wall;                /* -1 = open */
    bool combinable;
    bool ended; /* taken back; the code is never given again */
    int32_t uses;
    uint32_t sku_count; /* only these goods; 0 = all */
    uint32_t person_count;
    char (*skus)[TG_SKU_MAX + 1];       /* both in the discount's own block */
    char (*persons)[TG_PERSON_ID_SIZE]; /* only these people; 0 = all */
};

/* Zeroed, of every show, without window. LIMIT: more than TG_CODE_LIST_MAX in a list. NOMEM. */
TG_MUST_CHECK tg_err tg_discount_new(struct tg_discount **ret, size_t skus, size_t persons);
TG_MUST_CHECK tg_err tg_discount_copy(struct tg_discount **ret, const struct tg_discount *from);
void tg_discount_free(struct tg_discount *discount);
/* What is wrong with its definition, in plain words beginning with the field; NULL = nothing. */
const char *tg_discount_flaw(const struct tg_discount *discount);

/* A code as it is kept, from however it was typed; false: no code has this form. */
bool tg_code_canon(char out[TG_DISCOUNT_CODE_SIZE], const char *text, size_t len);
/*
 * "summer, vip10": the codes, each once, in the order given; how many. -1: more than
 * TG_ORDER_CODES_MAX. A part that has no code's form is "?", which no code is.
 */
int tg_codes_split(char out[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE], const char *text);

/* --- one purchase --- */

struct tg_discount_line {
    const char *sku;
    int64_t sum;      /* before discounts */
    int64_t discount; /* filled */
};

bool tg_discount_for_sku(const struct tg_discount *discount, const char *sku);
bool tg_discount_for_person(const struct tg_discount *discount, const char *person);
/*
 * The best of `codes` for these lines (count <= TG_ORDER_CODES_MAX, lines <= TG_CART_LINES_MAX);
 * codes may not be used otherwise. Bits of the codes that count; 0 = none takes anything off.
 */
unsigned tg_discount_best(struct tg_discount_line *lines, size_t line_count,
                          const struct tg_discount *const *codes, size_t count);

#endif
