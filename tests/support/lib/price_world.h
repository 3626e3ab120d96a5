/*
 * price_world.h - a small shop for tests of prices: MUG at 149.00 with 25 % tax, BEANS at 99.00
 * with 15 %, a hundred of each, and short ways to ask it for something.
 */
#ifndef TESTS_SUPPORT_PRICE_WORLD_H
#define TESTS_SUPPORT_PRICE_WORLD_H

#include "shop/shop.h"

#define SECOND_US TG_US_PER_S
#define MINUTE_US ((tg_us)60 * TG_US_PER_S)
#define DAY_US ((tg_us)24 * 3600 * TG_US_PER_S)
#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
};

/* MUG at 149.00, 25 %; BEANS at 99.00, food 15 %. */
tg_err open_world(struct world *w);
struct world *world_new(void);
void world_free(struct world *w);
void pass(struct world *w, tg_us us);
struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, const char *sku);
enum tg_code decide(struct world *w, const struct tg_claim *c);
enum tg_code buy(struct world *w, const char *sku, int32_t qty, int64_t shown);
/* A tap `back_ms` ago by the show's clock. */
enum tg_code buy_at(struct world *w, const char *sku, int32_t qty, int64_t shown, int64_t back_ms);
enum tg_code flash(struct world *w, const char *sku, int64_t amount, int32_t limit);
enum tg_code list_price(struct world *w, const char *sku, int64_t price, int64_t compare_at);
const struct tg_variant *of(const struct world *w, const char *sku);
enum tg_code cart(struct world *w, const char *sku, int32_t qty);
size_t effects_of(struct world *w, enum tg_effect_kind kind);

#endif
