/*
 * test_stock.c - stock at places: from where claims take, bundles, promises, allotments, limits,
 * counts and grants by hand, and what becomes of takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/rules.h"
#include "shop/shop.h"
#include "shop/shop_json.h"
#include "shop/shop_priv.h"
#include "support/lib/known_units.h"

#define MINUTE_US ((tg_us)60 * TG_US_PER_S)
#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

enum { MAIN = 0, OSLO = 1, SHOW3 = 2, LATER = 3, SHOW = 3 };

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
};

static tg_err add_variant(struct world *w, const char *sku, int32_t on_hand)
{
    struct tg_variant v = {.price = 10000,
                           .compare_at = -1,
                           .cost = -1,
                           .flash = -1,
                           .flash_until_wall = -1,
                           .stock = {.on_hand = on_hand}};

    tg_str_cut(v.sku, sizeof(v.sku), sku);
    tg_str_cut(v.options, sizeof(v.options), "{}");
    return tg_shop_load_variant(w->shop, w->now, "p1", &v);
}

static tg_err add_places(struct world *w)
{
    const struct tg_location places[] = {
        {.ord = OSLO,
         .id = "oslo",
         .kind = TG_LOCATION_STORE,
         .name = "Oslo",
         .priority = 10,
         .show = UINT16_MAX,
         .ships_from_wall = -1},
        {.ord = SHOW3,
         .id = "spring",
         .kind = TG_LOCATION_ALLOTMENT,
         .name = "Spring",
         .show = SHOW,
         .ships_from_wall = -1},
        {.ord = LATER,
         .id = "later",
         .kind = TG_LOCATION_PROMISE,
         .name = "Next delivery",
         .show = UINT16_MAX,
         .ships_from_wall = WALL_US + (tg_us)86400 * TG_US_PER_S},
    };
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < TG_ARRAY_LEN(places); i++)
        err = tg_shop_put_location(w->shop, &places[i]);
    return err;
}

/* MUG: 10 at main. LID: 4 at main. SET: a bundle of 1 MUG and 2 LID. */
static tg_err open_world(struct world *w, enum tg_stock_owner owner)
{
    const struct tg_part_row parts[] = {{.sku = "MUG", .qty = 1}, {.sku = "LID", .qty = 2}};
    struct tg_shop_cfg cfg = {
        .rng = &w->rng, .currency = "NOK", .hold_us = 10 * MINUTE_US, .stock_owner = owner};
    struct tg_product p = {.id = "p1", .number = 1, .title = "Mug"};
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = add_places(w);
    if (err == TG_OK)
        err = tg_shop_load_product(w->shop, &p);
    if (err == TG_OK)
        err = add_variant(w, "MUG", 10);
    if (err == TG_OK)
        err = add_variant(w, "LID", 4);
    if (err == TG_OK)
        err = add_variant(w, "SET", 0);
    if (err == TG_OK)
        err = tg_shop_put_parts(w->shop, "SET", parts, 2);
    return err;
}

static struct world *world_of(enum tg_stock_owner owner)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w, owner), TG_OK);
    return w;
}

static struct world *world_new(void)
{
    return world_of(TG_STOCK_TORG);
}

static void world_free(struct world *w)
{
    tg_shop_free(w->shop);
    tg_free(w);
}

static void put(struct world *w, const char *sku, uint16_t location, int32_t on_hand)
{
    const struct tg_place_row row = {.sku = sku, .location = location, .on_hand = on_hand};

    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_OK);
}

static struct tg_claim claim_of(enum tg_claim_kind kind, const char *sku, int32_t qty)
{
    return (struct tg_claim){.kind = kind,
                             .person = "pA",
                             .name = "",
                             .source = "",
                             .show = UINT16_MAX,
                             .op = "",
                             .id = "",
                             .sku = sku,
                             .qty = qty,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = ""};
}

static enum tg_code decide(struct world *w, const struct tg_claim *c)
{
    know_units_of(w->shop, c);
    tg_shop_decide(w->shop, w->now, c, &w->v);
    return w->v.code;
}

static enum tg_code buy(struct world *w, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, sku, qty);

    return decide(w, &c);
}

/* ... by somebody who agrees to wait for what is promised. */
static enum tg_code order_back(struct world *w, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, sku, qty);

    c.back_order = true;
    return decide(w, &c);
}

static enum tg_code buy_in(struct world *w, uint16_t show, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, sku, qty);

    c.show = show;
    return decide(w, &c);
}

static enum tg_code buy_at(struct world *w, const char *location, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, sku, qty);

    c.location = location;
    return decide(w, &c);
}

static struct tg_stock_count at(struct world *w, const char *sku, uint16_t location)
{
    const struct tg_place *p = tg_variant_place(tg_shop_variant(w->shop, sku), location);

    return p == NULL ? (struct tg_stock_count){0} : p->count;
}

static int32_t available(struct world *w, const char *sku)
{
    return tg_variant_available(tg_shop_variant(w->shop, sku));
}

static struct tg_order *order_of(struct world *w)
{
    struct tg_order *order = tg_map_get_str(&w->shop->order_by_id, w->v.order->id);

    assert_non_null(order);
    return order;
}

static enum tg_code pay(struct world *w, const struct tg_order *order)
{
    struct tg_claim c = claim_of(TG_CLAIM_PAY, "", 0);

    c.key = order->payment;
    c.paid = true;
    return decide(w, &c);
}

static struct tg_stock_row row_of(enum tg_stock_how how, const char *sku, int32_t value)
{
    struct tg_stock_row row = {
        .how = how, .value = value, .counted_wall = -1, .if_version = -1, .newest_count_wall = -1};

    tg_str_cut(row.sku, sizeof(row.sku), sku);
    return row;
}

static enum tg_code change(struct world *w, struct tg_stock_row *rows, uint32_t count, bool all)
{
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_ROWS, "", 0);

    c.rows = rows;
    c.row_count = count;
    c.all_or_nothing = all;
    return decide(w, &c);
}

static size_t effects_of(struct world *w, enum tg_effect_kind kind)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        found += effects[i].kind == kind;
    return found;
}

/* --- from where a claim takes --- */

static void test_one_place_that_has_all_goes_before_a_split(void **state)
{
    struct world *w = world_new();

    (void)state;
    put(w, "MUG", MAIN, 3);
    put(w, "MUG", OSLO, 5);
    assert_int_equal(available(w, "MUG"), 8);
    assert_int_equal(buy(w, "MUG", 4), TG_CODE_OK);
    assert_int_equal(w->v.order->take_count, 1);
    assert_string_equal(w->v.order->takes[0].place, "oslo");
    assert_int_equal(buy(w, "MUG", 3), TG_CODE_OK); /* by priority */
    assert_string_equal(w->v.order->takes[0].place, "main");
    assert_int_equal(at(w, "MUG", OSLO).held, 4);
    assert_int_equal(at(w, "MUG", MAIN).held, 3);
    assert_int_equal(buy(w, "MUG", 2), TG_CODE_SOLD_OUT);
    assert_string_equal(w->v.message, "Only 1 of Mug left.");
    world_free(w);
}

static void test_split_over_places_by_priority(void **state)
{
    struct world *w = world_new();

    (void)state;
    put(w, "MUG", MAIN, 3);
    put(w, "MUG", OSLO, 5);
    assert_int_equal(buy(w, "MUG", 7), TG_CODE_OK);
    assert_int_equal(w->v.order->take_count, 2);
    assert_int_equal(at(w, "MUG", MAIN).held, 3);
    assert_int_equal(at(w, "MUG", OSLO).held, 4);
    assert_int_equal(w->v.order->line_count, 1);
    world_free(w);
}

static void test_named_place_is_the_only_one(void **state)
{
    struct world *w = world_new();

    (void)state;
    put(w, "MUG", OSLO, 2);
    assert_int_equal(buy_at(w, "oslo", "MUG", 3), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_at(w, "oslo", "MUG", 2), TG_CODE_OK);
    assert_int_equal(at(w, "MUG", OSLO).held, 2);
    assert_int_equal(buy_at(w, "moon", "MUG", 1), TG_CODE_NOT_FOUND);
    assert_int_equal(buy_at(w, "spring", "MUG", 1), TG_CODE_NOT_FOUND); /* another show's */
    world_free(w);
}

static void test_allotment_is_its_shows_alone_and_comes_first(void **state)
{
    struct world *w = world_new();

    (void)state;
    put(w, "MUG", MAIN, 1);
    put(w, "MUG", SHOW3, 2);
    assert_int_equal(available(w, "MUG"), 1);
    assert_int_equal(tg_variant_available_in(tg_shop_variant(w->shop, "MUG"), SHOW), 3);
    assert_int_equal(buy_in(w, 4, "MUG", 2), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_in(w, SHOW, "MUG", 1), TG_CODE_OK);
    assert_int_equal(at(w, "MUG", SHOW3).held, 1);
    assert_int_equal(at(w, "MUG", MAIN).held, 0);
    assert_int_equal(buy_in(w, SHOW, "MUG", 2), TG_CODE_OK); /* the rest of it, then the shelf */
    assert_int_equal(at(w, "MUG", SHOW3).held, 2);
    assert_int_equal(at(w, "MUG", MAIN).held, 1);
    assert_int_equal(buy_in(w, SHOW, "MUG", 1), TG_CODE_SOLD_OUT);
    world_free(w);
}

static void test_promise_is_used_last_and_says_so(void **state)
{
    struct world *w = world_new();
    struct tg_buf buf;
    struct tg_jo j;
    tg_us from = 0;

    (void)state;
    put(w, "MUG", MAIN, 2);
    put(w, "MUG", LATER, 3);
    assert_int_equal(available(w, "MUG"), 5);
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    assert_int_equal(tg_order_line_promised(w->v.order, 0, &from), 0);
    assert_int_equal(buy(w, "MUG", 3), TG_CODE_SOLD_OUT); /* nobody waits without being asked */
    assert_string_equal(w->v.message,
                        "Only 1 of Mug left. 2 can be ordered now and are sent when they come.");
    assert_int_equal(w->v.back_order, 2);
    assert_int_equal(w->v.ships_from_wall, WALL_US + (tg_us)86400 * TG_US_PER_S);
    assert_int_equal(buy(w, "MUG", 5), TG_CODE_SOLD_OUT);
    assert_int_equal(w->v.back_order, 0); /* not enough with it either */
    assert_int_equal(order_back(w, "MUG", 3), TG_CODE_OK);
    assert_int_equal(tg_order_line_promised(w->v.order, 0, &from), 2);
    assert_int_equal(from, WALL_US + (tg_us)86400 * TG_US_PER_S);
    assert_int_equal(at(w, "MUG", LATER).held, 2);
    tg_buf_init(&buf, 4096);
    j = tg_jo(&buf);
    tg_order_write(&j, NULL, w->v.order, NULL, TG_ORDER_VIEW_BUYER);
    assert_non_null(strstr(tg_buf_cstr(&buf),
                           "\"back_order\":2,\"ships_from\":\"2026-05-29T20:26:40.000Z\"}]"));
    tg_buf_done(&buf);
    assert_int_equal(order_back(w, "MUG", 2), TG_CODE_SOLD_OUT); /* a promise is kept, too */
    assert_int_equal(tg_variant_here_in(tg_shop_variant(w->shop, "MUG"), UINT16_MAX), 0);
    world_free(w);
}

static void test_closed_place_sells_nothing(void **state)
{
    struct world *w = world_new();
    struct tg_location_change change_it = {.location = *tg_shop_location(w->shop, "oslo")};
    struct tg_claim c = claim_of(TG_CLAIM_LOCATION, "", 0);

    (void)state;
    put(w, "MUG", MAIN, 0);
    put(w, "MUG", OSLO, 2);
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    change_it.location.closed = true;
    c.location_change = &change_it;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(available(w, "MUG"), 0);
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_at(w, "oslo", "MUG", 1), TG_CODE_CLOSED);
    assert_int_equal(at(w, "MUG", OSLO).held, 1); /* what is promised stays */
    tg_shop_rollback(w->shop);
    assert_int_equal(available(w, "MUG"), 2);
    world_free(w);
}

static void test_safety_stock_is_for_staff(void **state)
{
    struct world *w = world_new();
    const struct tg_stock_rules rules = {.safety = 3};
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "MUG", 3);

    (void)state;
    assert_int_equal(tg_shop_put_stock_rules(w->shop, "MUG", &rules), TG_OK);
    put(w, "MUG", MAIN, 2);
    put(w, "MUG", OSLO, 2);
    put(w, "MUG", LATER, 1);
    assert_int_equal(available(w, "MUG"), 2); /* one of the shelves and one promised */
    assert_int_equal(order_back(w, "MUG", 3), TG_CODE_SOLD_OUT);
    assert_int_equal(order_back(w, "MUG", 2), TG_CODE_OK);
    assert_int_equal(at(w, "MUG", LATER).held, 1);
    assert_int_equal(buy_at(w, "oslo", "MUG", 1), TG_CODE_SOLD_OUT);
    c.channel = TG_CHANNEL_STAFF;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    world_free(w);
}

/* --- bundles --- */

static void test_bundle_takes_its_parts(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(available(w, "SET"), 2); /* 4 lids */
    assert_int_equal(buy(w, "SET", 3), TG_CODE_SOLD_OUT);
    assert_string_equal(w->v.message, "Only 2 of Mug left.");
    assert_int_equal(buy(w, "SET", 2), TG_CODE_OK);
    assert_int_equal(w->v.order->take_count, 2);
    assert_int_equal(at(w, "MUG", MAIN).held, 2);
    assert_int_equal(at(w, "LID", MAIN).held, 4);
    assert_int_equal(available(w, "SET"), 0);
    assert_int_equal(effects_of(w, TG_EFFECT_STOCK), 2);
    world_free(w);
}

static void cart_line(struct world *w, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_CART_SET, sku, qty);

    assert_int_equal(decide(w, &c), TG_CODE_OK);
}

static void test_bundle_and_its_part_in_one_cart_are_summed(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "", 0);

    (void)state;
    cart_line(w, "SET", 1);
    cart_line(w, "LID", 3);
    assert_int_equal(decide(w, &c), TG_CODE_SOLD_OUT); /* 2 + 3 of 4 */
    assert_string_equal(w->v.message, "Only 4 of Mug left, the cart needs 5.");
    assert_int_equal(at(w, "MUG", MAIN).held, 0);
    cart_line(w, "LID", 2);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(at(w, "LID", MAIN).held, 4);
    assert_int_equal(at(w, "MUG", MAIN).held, 1);
    world_free(w);
}

static void test_bundle_changes_are_seen_when_a_part_changes(void **state)
{
    struct world *w = world_new();
    const struct tg_variant *cursor = NULL;
    const struct tg_variant *v;
    bool seen = false;

    (void)state;
    assert_int_equal(buy(w, "LID", 1), TG_CODE_OK);
    while ((v = tg_shop_each_variant(w->shop, &cursor)) != NULL)
        if (strcmp(v->sku, "SET") == 0) {
            seen = true;
            assert_int_equal(v->before_available, 2);
            assert_int_equal(tg_variant_available(v), 1);
        }
    assert_true(seen);
    world_free(w);
}

static void test_bundle_rules(void **state)
{
    struct world *w = world_new();
    const struct tg_part_row set[] = {{.sku = "SET", .qty = 1}};
    const struct tg_part_row self[] = {{.sku = "MUG", .qty = 1}};
    const struct tg_part_row twice[] = {{.sku = "MUG", .qty = 1}, {.sku = "MUG", .qty = 1}};
    const struct tg_part_row none[] = {{.sku = "MUG", .qty = 0}};
    const struct tg_part_row what[] = {{.sku = "WHAT", .qty = 1}};

    (void)state;
    assert_int_equal(add_variant(w, "BOX", 0), TG_OK);
    assert_int_equal(tg_shop_put_parts(w->shop, "BOX", set, 1), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_put_parts(w->shop, "MUG", self, 1), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_put_parts(w->shop, "LID", self, 1), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_put_parts(w->shop, "BOX", twice, 2), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_put_parts(w->shop, "BOX", none, 1), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_put_parts(w->shop, "BOX", what, 1), TG_ERR_NOTFOUND);
    assert_int_equal(tg_shop_put_parts(w->shop, "BOX", self, 1), TG_OK);
    assert_int_equal(available(w, "BOX"), 10);
    assert_int_equal(tg_shop_put_parts(w->shop, "BOX", NULL, 0), TG_OK); /* no bundle any more */
    assert_int_equal(available(w, "BOX"), 0);
    assert_int_equal(available(w, "SET"), 2); /* the other one is whole */
    world_free(w);
}

static void test_rules_and_parts_are_undone_with_the_batch(void **state)
{
    struct world *w = world_new();
    const struct tg_part_row parts[] = {{.sku = "LID", .qty = 1}};
    struct tg_rules_change rules = {.sku = "SET",
                                    .rules = {.order_max = 1},
                                    .set_parts = true,
                                    .parts = parts,
                                    .part_count = 1};
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_RULES, "", 0);

    (void)state;
    c.rules_change = &rules;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(available(w, "SET"), 4);
    assert_int_equal(buy(w, "SET", 2), TG_CODE_LIMIT);
    assert_int_equal(decide(w, &c), TG_CODE_OK); /* twice in one batch */
    assert_int_equal(effects_of(w, TG_EFFECT_PARTS), 2);
    tg_shop_rollback(w->shop);
    assert_int_equal(available(w, "SET"), 2);
    assert_int_equal(buy(w, "SET", 2), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    tg_shop_commit(w->shop);
    assert_int_equal(available(w, "SET"), 4);
    rules.rules.safety = -1;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    rules = (struct tg_rules_change){.sku = "WHAT"};
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    world_free(w);
}

/* --- what becomes of takes --- */

static void test_takes_follow_the_order_to_the_end(void **state)
{
    struct world *w = world_new();
    struct tg_order *order;

    (void)state;
    put(w, "LID", OSLO, 4);
    assert_int_equal(buy(w, "SET", 3), TG_CODE_OK); /* 6 lids: 4 of one place, 2 of the other */
    order = order_of(w);
    assert_int_equal(order->take_count, 3);
    assert_int_equal(pay(w, order), TG_CODE_OK);
    assert_int_equal(at(w, "LID", MAIN).sold + at(w, "LID", OSLO).sold, 6);
    assert_true(order->takes_sold);
    assert_int_equal(tg_shop_reserve(w->shop, TG_TAKES_MAX), TG_OK);
    tg_takes_release(w->shop, order, 0, 1, w->now.wall); /* a paid unit is cancelled */
    assert_int_equal(at(w, "MUG", MAIN).sold, 2);
    assert_int_equal(at(w, "LID", MAIN).sold + at(w, "LID", OSLO).sold, 4);
    order->lines[0].cancelled = 1;
    tg_takes_ship(w->shop, order, 0, 2, w->now.wall);
    order->lines[0].fulfilled = 2;
    assert_int_equal(at(w, "MUG", MAIN).sold, 0);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 8);
    assert_int_equal(at(w, "LID", MAIN).on_hand + at(w, "LID", OSLO).on_hand, 4);
    assert_int_equal(tg_takes_return(w->shop, order, 0, OSLO, 1, w->now.wall), TG_OK);
    assert_int_equal(at(w, "MUG", OSLO).on_hand, 1);
    assert_int_equal(tg_takes_return(w->shop, order, 0, LATER, 1, w->now.wall), TG_ERR_NOTFOUND);
    assert_int_equal(tg_takes_return(w->shop, order, 0, 9, 1, w->now.wall), TG_ERR_NOTFOUND);
    assert_int_equal(effects_of(w, TG_EFFECT_TAKES), 1);
    tg_shop_rollback(w->shop);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 10);
    assert_int_equal(at(w, "MUG", OSLO).on_hand, 0);
    assert_int_equal(at(w, "LID", OSLO).on_hand, 4);
    world_free(w);
}

static void test_what_is_promised_is_given_back_first(void **state)
{
    struct world *w = world_new();
    struct tg_order *order;

    (void)state;
    put(w, "MUG", MAIN, 2);
    put(w, "MUG", LATER, 5);
    assert_int_equal(order_back(w, "MUG", 4), TG_CODE_OK);
    order = order_of(w);
    tg_shop_commit(w->shop);
    assert_int_equal(tg_shop_reserve(w->shop, TG_TAKES_MAX), TG_OK);
    tg_shop_touch_order(w->shop, order);
    tg_takes_release(w->shop, order, 0, 1, w->now.wall);
    assert_int_equal(at(w, "MUG", LATER).held, 1);
    assert_int_equal(at(w, "MUG", MAIN).held, 2);
    tg_shop_rollback(w->shop);
    assert_int_equal(at(w, "MUG", LATER).held, 2);
    assert_int_equal(order->takes[1].qty, 2);
    w->now.mono += 11 * MINUTE_US; /* and an expiry gives all of it back */
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(at(w, "MUG", LATER).held, 0);
    assert_int_equal(at(w, "MUG", MAIN).held, 0);
    tg_shop_commit(w->shop);
    world_free(w);
}

static void test_plain_takes_need_no_row(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(buy(w, "MUG", 2), TG_CODE_OK);
    assert_true(tg_order_take_plain(w->v.order, 0));
    put(w, "LID", OSLO, 4);
    assert_int_equal(buy(w, "LID", 5), TG_CODE_OK);
    assert_false(tg_order_take_plain(w->v.order, 0)); /* two places for one line */
    assert_int_equal(buy(w, "SET", 1), TG_CODE_OK);
    assert_false(tg_order_take_plain(w->v.order, 0));
    tg_shop_commit(w->shop);
    world_free(w);
}

static void test_first_paid_finds_its_units_when_it_pays(void **state)
{
    struct world *w = world_new();
    struct tg_order *order = NULL;

    (void)state;
    assert_int_equal(tg_order_new(&order, 1, 0), TG_OK);
    tg_str_cut(order->lines[0].sku, sizeof(order->lines[0].sku), "SET");
    order->lines[0].qty = 2;
    order->show = UINT16_MAX;
    assert_int_equal(tg_takes_find(w->shop, order), TG_OK);
    assert_int_equal(order->take_count, 2);
    order->take_count = 0;
    order->lines[0].qty = 3;
    assert_int_equal(tg_takes_find(w->shop, order), TG_ERR_NOTFOUND);
    assert_int_equal(order->take_count, 0);
    tg_order_free(order);
    world_free(w);
}

/* --- limits --- */

static void test_limits_of_an_order_and_a_person(void **state)
{
    struct world *w = world_new();
    const struct tg_stock_rules rules = {.order_max = 2, .person_max = 3};

    (void)state;
    assert_int_equal(tg_shop_put_stock_rules(w->shop, "MUG", &rules), TG_OK);
    assert_int_equal(buy(w, "MUG", 3), TG_CODE_LIMIT);
    assert_string_equal(w->v.message, "At most 2 of one product in an order.");
    assert_int_equal(buy(w, "MUG", 2), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 2), TG_CODE_LIMIT);
    assert_string_equal(w->v.message, "At most 3 of this product per person.");
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    world_free(w);
}

static void test_limits_of_a_show(void **state)
{
    struct world *w = world_new();
    struct tg_show_item item = {
        .show = SHOW, .sku = "MUG", .units_max = 3, .person_max = 2, .from_ms = -1, .until_ms = -1};
    const struct tg_show_rules rules = {.show = SHOW, .person_units = 4};

    (void)state;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(tg_shop_put_rules(w->shop, &rules), TG_OK);
    assert_true(tg_shop_limits_in_shows(w->shop));
    assert_int_equal(buy_in(w, SHOW, "MUG", 3), TG_CODE_LIMIT);
    assert_string_equal(w->v.message, "At most 2 of this product per person in this show.");
    assert_int_equal(buy_in(w, SHOW, "MUG", 2), TG_CODE_OK);
    assert_int_equal(buy_in(w, SHOW, "LID", 3), TG_CODE_LIMIT);
    assert_string_equal(w->v.message, "At most 4 pieces per person in this show.");
    assert_int_equal(buy_in(w, SHOW, "LID", 2), TG_CODE_OK);
    item.person_max = 0;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(buy_in(w, SHOW, "MUG", 2), TG_CODE_LIMIT);
    assert_string_equal(w->v.message, "Only 1 of Mug left for this show.");
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK); /* elsewhere nothing holds ... */
    item.show_only = true;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_CLOSED); /* ... unless the show has it for itself */
    assert_string_equal(w->v.message, "Mug is sold in its show only.");
    assert_int_equal(buy_in(w, SHOW + 1, "MUG", 1), TG_CODE_CLOSED);
    assert_int_equal(buy_in(w, SHOW, "MUG", 1), TG_CODE_LIMIT); /* there only its limits hold */
    item.show_only = false;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    world_free(w);
}

/* A variant that stayed on the disk comes into memory after the rules of its shows. */
static void test_goods_that_come_late_are_of_their_show_alone(void **state)
{
    struct world *w = world_new();
    const struct tg_variant like = *tg_shop_variant(w->shop, "MUG");
    struct tg_variant late = {.price = like.price,
                              .compare_at = -1,
                              .cost = -1,
                              .flash = -1,
                              .flash_until_wall = -1,
                              .stock = {.on_hand = 5},
                              .options = "{}"};
    struct tg_show_item item = {
        .show = SHOW, .sku = "LATE", .show_only = true, .from_ms = -1, .until_ms = -1};

    (void)state;
    tg_str_cut(late.sku, sizeof(late.sku), "LATE");
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    item.show = SHOW + 3;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(tg_shop_load_variant(w->shop, w->now, like.product->id, &late), TG_OK);
    assert_int_equal(buy(w, "LATE", 1), TG_CODE_CLOSED);
    assert_int_equal(buy_in(w, SHOW + 1, "LATE", 1), TG_CODE_CLOSED);
    assert_int_equal(buy_in(w, SHOW, "LATE", 1), TG_CODE_OK);
    item.show_only = false;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(buy(w, "LATE", 1), TG_CODE_CLOSED);
    tg_shop_commit(w->shop);
    tg_shop_forget_show_items(w->shop);
    assert_int_equal(buy(w, "LATE", 1), TG_CODE_OK);
    world_free(w);
}

static void test_tickets_rise_with_every_decision(void **state)
{
    struct world *w = world_new();
    int64_t last;

    (void)state;
    tg_shop_load_ticket(w->shop, WALL_US + 5); /* the clock went back */
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    last = w->v.ticket;
    assert_int_equal(last, WALL_US + 6);
    assert_int_equal(w->v.order->ticket, last);
    assert_int_equal(buy(w, "MUG", 100), TG_CODE_SOLD_OUT);
    assert_int_equal(w->v.ticket, last + 1);
    w->now.wall += MINUTE_US;
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    assert_int_equal(w->v.ticket, w->now.wall);
    world_free(w);
}

/* --- by hand --- */

static void test_late_count_keeps_what_moved_since(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row row = row_of(TG_STOCK_SET, "MUG", 12);

    (void)state;
    row.counted_wall = WALL_US - MINUTE_US;
    row.moved_since = -3; /* three were shipped after the count, 10 are here: there were 13 */
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(row.done, -1);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 9);
    assert_int_equal(effects_of(w, TG_EFFECT_MOVEMENT), 1);
    tg_shop_commit(w->shop);
    world_free(w);
}

static void test_same_count_twice_counts_once(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row rows[] = {row_of(TG_STOCK_SET, "MUG", 12), row_of(TG_STOCK_SET, "MUG", 12),
                                  row_of(TG_STOCK_ADJUST, "MUG", 2),
                                  row_of(TG_STOCK_SET, "MUG", 12), row_of(TG_STOCK_SET, "MUG", 7)};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        rows[i].counted_wall = WALL_US - MINUTE_US;
    rows[4].counted_wall -= 1; /* an older count, arriving last */
    assert_int_equal(change(w, rows, 5, true), TG_CODE_OK);
    assert_int_equal(rows[0].done, 2);
    assert_int_equal(rows[1].done, 0);
    assert_int_equal(rows[3].done, 0);
    assert_int_equal(rows[4].done, 0);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 14);
    world_free(w);
}

static void test_rows_one_by_one_or_all_or_nothing(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row rows[] = {
        row_of(TG_STOCK_RECEIVE, "MUG", 5), row_of(TG_STOCK_ADJUST, "LID", -5),
        row_of(TG_STOCK_ADJUST, "WHAT", 1), row_of(TG_STOCK_SET, "LID", 3)};
    int64_t version = tg_variant_version(tg_shop_variant(w->shop, "MUG"));

    (void)state;
    assert_int_equal(change(w, rows, 4, true), TG_CODE_BAD_REQUEST);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 10);
    assert_int_equal(at(w, "LID", MAIN).on_hand, 4);
    assert_int_equal(tg_variant_version(tg_shop_variant(w->shop, "MUG")), version);
    assert_int_equal(effects_of(w, TG_EFFECT_MOVEMENT), 0);
    assert_int_equal(effects_of(w, TG_EFFECT_STOCK), 0);
    tg_shop_commit(w->shop);
    assert_int_equal(change(w, rows, 4, false), TG_CODE_OK);
    assert_int_equal(rows[0].code, TG_CODE_OK);
    assert_int_equal(rows[0].on_hand, 15);
    assert_int_equal(rows[1].code, TG_CODE_BAD_REQUEST);
    assert_int_equal(rows[2].code, TG_CODE_NOT_FOUND);
    assert_int_equal(rows[3].on_hand, 3);
    assert_int_equal(effects_of(w, TG_EFFECT_MOVEMENT), 2);
    world_free(w);
}

static void test_conditional_change_sees_every_other(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row row = row_of(TG_STOCK_ADJUST, "MUG", 1);

    (void)state;
    row.if_version = tg_variant_version(tg_shop_variant(w->shop, "MUG"));
    assert_int_equal(buy(w, "MUG", 1), TG_CODE_OK);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_STALE);
    row.if_version = row.version;
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 11);
    world_free(w);
}

static void test_transfer_moves_what_is_free(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row row = row_of(TG_STOCK_TRANSFER, "MUG", 9);

    (void)state;
    assert_int_equal(buy(w, "MUG", 2), TG_CODE_OK);
    tg_str_cut(row.to, sizeof(row.to), "oslo");
    assert_int_equal(change(w, &row, 1, true), TG_CODE_SOLD_OUT);
    assert_string_equal(w->v.message, "Only 8 are free at main.");
    row.value = 8;
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 2);
    assert_int_equal(at(w, "MUG", OSLO).on_hand, 8);
    assert_int_equal(tg_shop_variant(w->shop, "MUG")->stock.on_hand, 10);
    tg_str_cut(row.to, sizeof(row.to), "later");
    assert_int_equal(change(w, &row, 1, true), TG_CODE_BAD_REQUEST);
    tg_str_cut(row.to, sizeof(row.to), "main");
    assert_int_equal(change(w, &row, 1, true), TG_CODE_BAD_REQUEST);
    tg_str_cut(row.to, sizeof(row.to), "");
    assert_int_equal(change(w, &row, 1, true), TG_CODE_NOT_FOUND);
    world_free(w);
}

static void test_values_out_of_range_are_refused(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row row = row_of(TG_STOCK_RECEIVE, "MUG", 0);

    (void)state;
    assert_int_equal(change(w, &row, 1, true), TG_CODE_BAD_REQUEST);
    row.value = TG_STOCK_MAX; /* with the 10 that are there */
    assert_int_equal(change(w, &row, 1, true), TG_CODE_BAD_REQUEST);
    row = row_of(TG_STOCK_SET, "MUG", INT32_MIN);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_BAD_REQUEST);
    row = row_of(TG_STOCK_SET, "SET", 1);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_CONFLICT);
    row = row_of((enum tg_stock_how)99, "MUG", 1);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_BAD_REQUEST);
    world_free(w);
}

/* --- whose stock --- */

static void test_master_grants_and_takes_back_what_is_free(void **state)
{
    struct world *w = world_of(TG_STOCK_ALLOTMENT);
    struct tg_stock_row row = row_of(TG_STOCK_GRANT, "MUG", 5);
    struct tg_claim desk = claim_of(TG_CLAIM_STOCK, "MUG", 0);

    (void)state;
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(row.on_hand, 15);
    assert_int_equal(buy(w, "MUG", 12), TG_CODE_OK);
    row = row_of(TG_STOCK_TAKE_BACK, "MUG", 5);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(row.done, 3); /* the others are promised */
    assert_int_equal(row.available, 0);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(row.done, 0);
    desk.value = 1;
    assert_int_equal(decide(w, &desk), TG_CODE_CONFLICT);
    row = row_of(TG_STOCK_SET, "MUG", 50);
    assert_int_equal(change(w, &row, 1, true), TG_CODE_CONFLICT);
    world_free(w);
}

static void test_master_counts_returns_itself(void **state)
{
    struct world *w = world_of(TG_STOCK_ALLOTMENT);
    struct tg_variant *mug = tg_shop_find(w->shop, "MUG");

    (void)state;
    assert_int_equal(tg_stock_return(w->shop, mug, MAIN, 1, NULL, WALL_US), TG_OK);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 10);
    world_free(w);
}

static void test_own_stock_knows_no_grants(void **state)
{
    struct world *w = world_new();
    struct tg_stock_row row = row_of(TG_STOCK_GRANT, "MUG", 5);

    (void)state;
    assert_int_equal(change(w, &row, 1, true), TG_CODE_CONFLICT);
    row.how = TG_STOCK_TAKE_BACK;
    assert_int_equal(change(w, &row, 1, true), TG_CODE_CONFLICT);
    assert_int_equal(at(w, "MUG", MAIN).on_hand, 10);
    world_free(w);
}

/* --- places --- */

static void test_places_are_made_changed_and_undone(void **state)
{
    struct world *w = world_new();
    struct tg_location_change ch = {.location = {.id = "bergen",
                                                 .kind = TG_LOCATION_STORE,
                                                 .name = "Bergen",
                                                 .show = UINT16_MAX,
                                                 .ships_from_wall = -1},
                                    .make = true};
    struct tg_claim c = claim_of(TG_CLAIM_LOCATION, "", 0);
    struct tg_stock_row row = row_of(TG_STOCK_RECEIVE, "MUG", 5);

    (void)state;
    c.location_change = &ch;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.location->ord, 4);
    assert_int_equal(decide(w, &c), TG_CODE_CONFLICT);
    tg_str_cut(row.location, sizeof(row.location), "bergen");
    assert_int_equal(change(w, &row, 1, true), TG_CODE_OK);
    assert_int_equal(available(w, "MUG"), 15);
    tg_shop_rollback(w->shop);
    assert_null(tg_shop_location(w->shop, "bergen"));
    assert_int_equal(available(w, "MUG"), 10);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    tg_shop_commit(w->shop);
    ch.make = false;
    tg_str_cut(ch.location.name, sizeof(ch.location.name), "Bergen sentrum");
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_string_equal(tg_shop_location(w->shop, "bergen")->name, "Bergen sentrum");
    tg_shop_rollback(w->shop);
    assert_string_equal(tg_shop_location(w->shop, "bergen")->name, "Bergen");
    ch.location.kind = TG_LOCATION_WAREHOUSE;
    assert_int_equal(decide(w, &c), TG_CODE_CONFLICT);
    tg_str_cut(ch.location.id, sizeof(ch.location.id), "Not an id");
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static void test_loading_places_refuses_what_breaks_the_rules(void **state)
{
    struct world *w = world_new();
    struct tg_location l = *tg_shop_location(w->shop, "oslo");
    struct tg_place_row row = {.sku = "MUG", .location = OSLO, .on_hand = 1, .held = 1, .sold = 1};

    (void)state;
    l.ord = LATER; /* another's */
    assert_int_equal(tg_shop_put_location(w->shop, &l), TG_ERR_CONFLICT);
    l.ord = 9; /* a gap */
    assert_int_equal(tg_shop_put_location(w->shop, &l), TG_ERR_LIMIT);
    l.ord = OSLO;
    l.show = 1; /* of a store */
    assert_int_equal(tg_shop_put_location(w->shop, &l), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_ERR_LIMIT);
    row.held = -1;
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_ERR_LIMIT);
    row = (struct tg_place_row){.sku = "MUG", .location = OSLO, .on_hand = TG_STOCK_MAX};
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_ERR_LIMIT);
    row.location = 9;
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_ERR_NOTFOUND);
    row = (struct tg_place_row){.sku = "MUG", .location = OSLO, .on_hand = 4, .version = 7};
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_OK);
    row.on_hand = 6; /* read again: instead of what was there */
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_OK);
    assert_int_equal(tg_shop_variant(w->shop, "MUG")->stock.on_hand, 16);
    assert_int_equal(tg_variant_version(tg_shop_variant(w->shop, "MUG")), 7);
    world_free(w);
}

/* More bundles than an order has room for, all of different items. */
static void test_order_of_too_many_items_is_refused(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "", 0);

    (void)state;
    for (int b = 0; b < 17; b++) {
        struct tg_part_row parts[TG_BUNDLE_PARTS_MAX];
        char sku[16];

        for (int i = 0; i < TG_BUNDLE_PARTS_MAX; i++) {
            tg_str_printf(parts[i].sku, sizeof(parts[i].sku), "I-%d-%d", b, i);
            parts[i].qty = 1;
            assert_int_equal(add_variant(w, parts[i].sku, 5), TG_OK);
        }
        tg_str_printf(sku, sizeof(sku), "B-%d", b);
        assert_int_equal(add_variant(w, sku, 0), TG_OK);
        assert_int_equal(tg_shop_put_parts(w->shop, sku, parts, TG_BUNDLE_PARTS_MAX), TG_OK);
        cart_line(w, sku, 1);
    }
    assert_int_equal(decide(w, &c), TG_CODE_LIMIT);
    cart_line(w, "B-16", 0);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->take_count, TG_TAKES_MAX);
    tg_shop_commit(w->shop);
    world_free(w);
}

/* --- without memory --- */

static void everything(struct world *w, tg_err *ret_err, bool *ret_internal)
{
    const struct tg_part_row parts[] = {{.sku = "LID", .qty = 1}};
    struct tg_rules_change rules = {
        .sku = "SET", .set_parts = true, .parts = parts, .part_count = 1};
    struct tg_location_change place = {.location = {.id = "bergen",
                                                    .kind = TG_LOCATION_STORE,
                                                    .name = "Bergen",
                                                    .show = UINT16_MAX,
                                                    .ships_from_wall = -1},
                                       .make = true};
    struct tg_claim c = claim_of(TG_CLAIM_LOCATION, "", 0);
    struct tg_stock_row row = row_of(TG_STOCK_TRANSFER, "MUG", 5);
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    enum tg_code codes[4] = {TG_CODE_OK, TG_CODE_OK, TG_CODE_OK, TG_CODE_OK};

    *ret_err = open_world(w, TG_STOCK_TORG);
    if (*ret_err == TG_OK) {
        c.location_change = &place;
        codes[0] = decide(w, &c);
        tg_str_cut(row.to, sizeof(row.to), "oslo");
        codes[1] = change(w, &row, 1, true);
        c = claim_of(TG_CLAIM_STOCK_RULES, "", 0);
        c.rules_change = &rules;
        codes[2] = decide(w, &c);
        codes[3] = buy(w, "SET", 2);
        *ret_err = tg_shop_effects(w->shop, w->now.wall, &effects, &count);
        tg_shop_rollback(w->shop);
        assert_int_equal(at(w, "MUG", MAIN).on_hand, 10);
        assert_int_equal(at(w, "LID", MAIN).held, 0);
        assert_int_equal(available(w, "SET"), 2);
    }
    tg_shop_free(w->shop);
    *ret_internal = false;
    for (size_t i = 0; i < 4; i++)
        *ret_internal |= codes[i] == TG_CODE_INTERNAL;
}

static void test_stock_without_memory_refuses_and_stays_whole(void **state)
{
    struct world w;
    bool internal = false;
    tg_err err;
    long n;

    (void)state;
    for (n = 0;; n++) {
        tg_alloc_fail_nth(n);
        everything(&w, &err, &internal);
        if (!tg_alloc_failed())
            break;
        assert_true(err == TG_ERR_NOMEM || internal);
    }
    tg_alloc_fail_nth(-1);
    assert_int_equal(err, TG_OK);
    assert_false(internal);
    assert_true(n > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_place_that_has_all_goes_before_a_split),
        cmocka_unit_test(test_split_over_places_by_priority),
        cmocka_unit_test(test_named_place_is_the_only_one),
        cmocka_unit_test(test_allotment_is_its_shows_alone_and_comes_first),
        cmocka_unit_test(test_promise_is_used_last_and_says_so),
        cmocka_unit_test(test_closed_place_sells_nothing),
        cmocka_unit_test(test_safety_stock_is_for_staff),
        cmocka_unit_test(test_bundle_takes_its_parts),
        cmocka_unit_test(test_bundle_and_its_part_in_one_cart_are_summed),
        cmocka_unit_test(test_bundle_changes_are_seen_when_a_part_changes),
        cmocka_unit_test(test_bundle_rules),
        cmocka_unit_test(test_rules_and_parts_are_undone_with_the_batch),
        cmocka_unit_test(test_takes_follow_the_order_to_the_end),
        cmocka_unit_test(test_what_is_promised_is_given_back_first),
        cmocka_unit_test(test_plain_takes_need_no_row),
        cmocka_unit_test(test_first_paid_finds_its_units_when_it_pays),
        cmocka_unit_test(test_limits_of_an_order_and_a_person),
        cmocka_unit_test(test_limits_of_a_show),
        cmocka_unit_test(test_goods_that_come_late_are_of_their_show_alone),
        cmocka_unit_test(test_tickets_rise_with_every_decision),
        cmocka_unit_test(test_late_count_keeps_what_moved_since),
        cmocka_unit_test(test_same_count_twice_counts_once),
        cmocka_unit_test(test_rows_one_by_one_or_all_or_nothing),
        cmocka_unit_test(test_conditional_change_sees_every_other),
        cmocka_unit_test(test_transfer_moves_what_is_free),
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_master_grants_and_takes_back_what_is_free),
        cmocka_unit_test(test_master_counts_returns_itself),
        cmocka_unit_test(test_own_stock_knows_no_grants),
        cmocka_unit_test(test_places_are_made_changed_and_undone),
        cmocka_unit_test(test_loading_places_refuses_what_breaks_the_rules),
        cmocka_unit_test(test_order_of_too_many_items_is_refused),
        cmocka_unit_test(test_stock_without_memory_refuses_and_stays_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
