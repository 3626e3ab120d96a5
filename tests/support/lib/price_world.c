#include "support/lib/price_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"

static struct tg_variant variant_of(const char *sku, int64_t price, const char *tax)
{
    struct tg_variant v = {.price = price,
                           .compare_at = -1,
                           .cost = -1,
                           .flash = -1,
                           .flash_until_wall = -1,
                           .stock = {.on_hand = 100}};

    tg_str_cut(v.sku, sizeof(v.sku), sku);
    tg_str_cut(v.options, sizeof(v.options), "{}");
    tg_str_cut(v.tax_class, sizeof(v.tax_class), tax);
    return v;
}

/* MUG at 149.00, 25 %; BEANS at 99.00, food 15 %. */
tg_err open_world(struct world *w)
{
    struct tg_shop_cfg cfg = {
        .rng = &w->rng, .currency = "NOK", .hold_us = 10 * MINUTE_US, .taxes = tg_taxes_norway};
    struct tg_product p = {.id = "p1", .number = 1, .title = "Mug"};
    struct tg_variant mug = variant_of("MUG", 14900, "");
    struct tg_variant beans = variant_of("BEANS", 9900, "food");
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = tg_shop_load_product(w->shop, &p);
    if (err == TG_OK)
        err = tg_shop_load_variant(w->shop, w->now, "p1", &mug);
    if (err == TG_OK)
        err = tg_shop_load_variant(w->shop, w->now, "p1", &beans);
    return err;
}

struct world *world_new(void)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w), TG_OK);
    return w;
}

void world_free(struct world *w)
{
    tg_shop_rollback(w->shop);
    tg_shop_free(w->shop);
    tg_free(w);
}

void pass(struct world *w, tg_us us)
{
    w->now.mono += us;
    w->now.wall += us;
}

struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, const char *sku)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "",
                             .source = "",
                             .show = 3,
                             .op = "",
                             .id = "",
                             .sku = sku,
                             .qty = 1,
                             .price = -1,
                             .at_ms = -1,
                             .media_ms = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .from_wall = -1,
                             .until_wall = -1,
                             .compare_at = TG_AS_IS,
                             .key = "",
                             .currency = "",
                             .if_match = ""};
}

enum tg_code decide(struct world *w, const struct tg_claim *c)
{
    tg_shop_decide(w->shop, w->now, c, &w->v);
    return w->v.code;
}

enum tg_code buy(struct world *w, const char *sku, int32_t qty, int64_t shown)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", sku);

    c.qty = qty;
    c.price = shown;
    return decide(w, &c);
}

/* A tap `back_ms` ago by the show's clock. */
enum tg_code buy_at(struct world *w, const char *sku, int32_t qty, int64_t shown, int64_t back_ms)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", sku);

    c.qty = qty;
    c.price = shown;
    c.media_ms = 1000000;
    c.at_ms = c.media_ms - back_ms;
    return decide(w, &c);
}

enum tg_code flash(struct world *w, const char *sku, int64_t amount, int32_t limit)
{
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", sku);

    c.amount = amount;
    c.limit = limit;
    return decide(w, &c);
}

enum tg_code list_price(struct world *w, const char *sku, int64_t price, int64_t compare_at)
{
    struct tg_claim c = claim_of(TG_CLAIM_LIST_PRICE, "s1", sku);

    c.amount = price;
    c.compare_at = compare_at;
    return decide(w, &c);
}

const struct tg_variant *of(const struct world *w, const char *sku)
{
    return tg_shop_variant(w->shop, sku);
}

enum tg_code cart(struct world *w, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_CART_SET, "pA", sku);

    c.qty = qty;
    return decide(w, &c);
}

size_t effects_of(struct world *w, enum tg_effect_kind kind)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        found += effects[i].kind == kind;
    return found;
}
