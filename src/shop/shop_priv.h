/* shop_priv.h - what the files of this room share. */
#ifndef TG_SHOP_SHOP_PRIV_H
#define TG_SHOP_SHOP_PRIV_H

#include "shop/rules.h"
#include "shop/shop.h"

struct tg_units {
    char key[TG_PERSON_ID_SIZE + TG_SKU_MAX + 2]; /* person, NUL, SKU */
    size_t key_len;
    int32_t units;
};

/*
 * What a claim asks for while it is decided. Every variant stands once, so that demand is summed
 * before it is judged. Each stage fills its part: wish.c variants and quantities, price.c the
 * money, stock.c the takes. No stage changes the shop: all or nothing.
 */
struct tg_want {
    struct tg_variant *variant;
    int32_t qty;
    int64_t shown;    /* price of one that the page showed, -1 = none */
    int64_t price;    /* ... and that counts */
    int64_t discount; /* off the line */
    int32_t tax_bp;
    int64_t tax;
};

struct tg_take {
    uint32_t want;              /* index in wants */
    struct tg_variant *variant; /* the inventory item: the want's own, or a bundle's part */
    uint16_t location;
    int32_t qty;
};

struct tg_wish {
    struct tg_want wants[TG_CART_LINES_MAX];
    uint32_t count;
    struct tg_take takes[TG_TAKES_MAX];
    uint32_t take_count;
    char codes[TG_CODES_SIZE]; /* the codes that counted */
};

struct tg_shop {
    struct tg_shop_cfg cfg;
    struct tg_product **products; /* by number */
    size_t product_count;
    size_t product_cap;
    struct tg_map product_by_id;
    struct tg_map variant_by_sku;
    struct tg_map order_by_id; /* owns the orders */
    struct tg_map order_by_payment;
    struct tg_map cart_by_person; /* owns the carts */
    struct tg_map units;          /* owns struct tg_units */
    struct tg_map show_sales;     /* owns struct tg_show_sales */
    struct tg_map rules;          /* by show; owns struct tg_show_rules */
    struct tg_map show_items;     /* owns what rules.c keeps */
    struct tg_heap expiries;      /* of orders */
    struct tg_heap flash_ends;    /* of variants */
    int64_t next_number;

    /* The batch. */
    struct tg_effect *effects;
    size_t effect_count;
    size_t effect_cap;
    bool sealed; /* the closing effects (stock, cart, sales) are in */
    int64_t before_number;
    bool numbered; /* before_number is set */
    struct tg_variant *batch_variants;
    struct tg_order *batch_orders;
    struct tg_cart *batch_carts;
    struct tg_show_sales *batch_sales;
};

enum { TG_PRICE_MAX_MINOR = 1000000000 }; /* ten million kroner for one unit */

/* Room for `more` further effects. */
TG_MUST_CHECK tg_err tg_shop_reserve(struct tg_shop *shop, size_t more);
/* After a reserve that covers it. */
struct tg_effect *tg_shop_effect(struct tg_shop *shop, enum tg_effect_kind kind, tg_us wall);
/* Remember the object as it is before its first change in the batch. */
void tg_shop_touch_variant(struct tg_shop *shop, struct tg_variant *v);
void tg_shop_touch_order(struct tg_shop *shop, struct tg_order *order);
void tg_shop_touch_cart(struct tg_shop *shop, struct tg_cart *cart);
void tg_shop_touch_sales(struct tg_shop *shop, struct tg_show_sales *sales);

/* stock.c: change the counts and note the movement (reserved by the caller). */
void tg_stock_move(struct tg_shop *shop, struct tg_variant *v, const struct tg_effect *movement);
struct tg_variant *tg_shop_find(const struct tg_shop *shop, const char *sku);

/* The verdict's code, message and nothing else. */
void tg_refuse(struct tg_verdict *out, enum tg_code code, const char *fmt, ...) TG_PRINTF(3, 4);
/* "349.00 NOK". */
enum { TG_MONEY_SIZE = 40 };
void tg_money_text(char out[TG_MONEY_SIZE], int64_t amount, const char *currency);

/* The stages of a claim, in this order; false = refused, and the verdict says why. */
bool tg_wish_limits(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out); /* limits.c */
bool tg_wish_stock(const struct tg_shop *shop, const struct tg_claim *c, struct tg_wish *wish,
                   struct tg_verdict *out); /* stock.c: fills takes */
bool tg_wish_price(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_wish *wish, struct tg_verdict *out); /* price.c: fills the money */
/* orders.c: the order of a wish that passed; holds its stock. */
void tg_order_place(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out);
bool tg_price_ok(int64_t amount, int64_t min); /* min..TG_PRICE_MAX_MINOR */
/* price.c: a heap deadline for a wall time that lies ahead; due at once when it has passed. */
tg_us tg_mono_of(struct tg_shop_now now, tg_us wall);

/* The deciders. */
void tg_decide_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out);
void tg_decide_stock(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out);
void tg_decide_cart_set(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_cart_merge(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_buy(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out);
void tg_decide_checkout(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out);
void tg_decide_pay(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out);
void tg_decide_cancel(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out);
/* The order leaves awaiting_payment; reserved by the caller (2 + its lines). */
void tg_order_leave(struct tg_shop *shop, struct tg_order *order, enum tg_order_state state,
                    tg_us wall);
void tg_flash_end(struct tg_shop *shop, struct tg_variant *v, tg_us wall);

/* limits.c: per-person sums and the shows' sales. */
TG_MUST_CHECK tg_err tg_units_ready(struct tg_shop *shop, const char *person, const char *sku);
int32_t tg_units_get(const struct tg_shop *shop, const char *person, const char *sku);
void tg_units_add(struct tg_shop *shop, const char *person, const char *sku, int32_t units);
void tg_units_clear(struct tg_shop *shop);
/* OK without an entry when the table is full: such sales are just not counted. */
TG_MUST_CHECK tg_err tg_sales_ready(struct tg_shop *shop, uint16_t show, struct tg_variant *v);
void tg_sales_add(struct tg_shop *shop, uint16_t show, const char *sku, int32_t units);

#endif
