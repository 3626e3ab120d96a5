/*
 * test_shop.c - the decide core: prices, stock, carts, orders, holds, limits, rollback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop.h"
#include "shop/shop_json.h"
#include "support/lib/known_units.h"

#define MINUTE_US ((tg_us)60 * TG_US_PER_S)
#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
};

static struct tg_variant variant_of(const char *sku, int64_t price, int32_t on_hand)
{
    struct tg_variant v = {.price = price,
                           .compare_at = -1,
                           .cost = price / 2,
                           .flash = -1,
                           .flash_until_wall = -1,
                           .stock = {.on_hand = on_hand}};

    tg_str_cut(v.sku, sizeof(v.sku), sku);
    tg_str_cut(v.options, sizeof(v.options), "{}");
    return v;
}

/* MUG: 100 at 149.00; LAST: 1 at 1190.00. */
static tg_err open_world(struct world *w, int32_t person_units_max)
{
    struct tg_shop_cfg cfg = {.rng = &w->rng,
                              .currency = "NOK",
                              .hold_us = 10 * MINUTE_US,
                              .person_units_max = person_units_max};
    struct tg_product p = {.id = "p1", .number = 1, .title = "Mug"};
    struct tg_variant mug = variant_of("MUG", 14900, 100);
    struct tg_variant last = variant_of("LAST", 119000, 1);
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = tg_shop_load_product(w->shop, &p);
    if (err == TG_OK)
        err = tg_shop_load_variant(w->shop, w->now, "p1", &mug);
    if (err == TG_OK)
        err = tg_shop_load_variant(w->shop, w->now, "p1", &last);
    return err;
}

static struct world *world_new(int32_t person_units_max)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w, person_units_max), TG_OK);
    return w;
}

static void world_free(struct world *w)
{
    tg_shop_free(w->shop);
    tg_free(w);
}

static struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, const char *sku)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "",
                             .source = "mail",
                             .show = 3,
                             .op = "",
                             .id = "",
                             .sku = sku,
                             .qty = 1,
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

static enum tg_code buy(struct world *w, const char *person, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, person, sku);

    c.qty = qty;
    return decide(w, &c);
}

static enum tg_code pay(struct world *w, const char *payment, bool paid)
{
    struct tg_claim c = claim_of(TG_CLAIM_PAY, "x", "");

    c.key = payment;
    c.paid = paid;
    return decide(w, &c);
}

static struct tg_stock_count stock_of(struct world *w, const char *sku)
{
    return tg_shop_variant(w->shop, sku)->stock;
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

/* --- buying --- */

static void test_buy_makes_an_order_and_holds_stock(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(buy(w, "pA", "MUG", 3), TG_CODE_OK);
    assert_int_equal(w->v.order->number, 1001);
    assert_int_equal(w->v.order->total, 3 * 14900);
    assert_int_equal(w->v.order->state, TG_ORDER_AWAITING);
    assert_int_equal(w->v.order->pay_by_wall, WALL_US + 10 * MINUTE_US);
    assert_int_equal(w->v.order->lines[0].cost, 7450);
    assert_string_equal(w->v.order->source, "mail");
    assert_int_equal(strlen(w->v.order->payment), TG_PAYMENT_ID_SIZE - 1);
    assert_int_equal(stock_of(w, "MUG").held, 3);
    assert_int_equal(tg_variant_available(tg_shop_variant(w->shop, "MUG")), 97);
    assert_int_equal(effects_of(w, TG_EFFECT_ORDER_NEW), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_MOVEMENT), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_STOCK), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_SHOW_SALES), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(buy(w, "pB", "MUG", 1), TG_CODE_OK);
    assert_int_equal(w->v.order->number, 1002);
    tg_shop_commit(w->shop);
    world_free(w);
}

/* What is made later sorts later, so that the index on it grows at its end. */
static void test_payment_ids_rise(void **state)
{
    struct world *w = world_new(0);
    char before[TG_PAYMENT_ID_SIZE] = "";

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(buy(w, "pA", "MUG", 1), TG_CODE_OK);
        assert_true(strcmp(w->v.order->payment, before) > 0);
        memcpy(before, w->v.order->payment, sizeof(before));
        tg_shop_commit(w->shop);
    }
    world_free(w);
}

static void test_last_unit_goes_to_the_first(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(buy(w, "pA", "LAST", 1), TG_CODE_OK);
    assert_int_equal(buy(w, "pB", "LAST", 1), TG_CODE_SOLD_OUT);
    assert_string_equal(w->v.message, "Mug is sold out.");
    assert_null(w->v.order);
    assert_int_equal(effects_of(w, TG_EFFECT_ORDER_NEW), 1);
    assert_int_equal(buy(w, "pB", "MUG", 101), TG_CODE_BAD_REQUEST);
    assert_int_equal(buy(w, "pB", "MUG", 0), TG_CODE_BAD_REQUEST);
    assert_int_equal(buy(w, "pB", "NONE", 1), TG_CODE_NOT_FOUND);
    assert_int_equal(buy(w, "", "MUG", 1), TG_CODE_UNAUTHORIZED);
    tg_shop_commit(w->shop);
    world_free(w);
}

static void test_partly_available_says_how_many(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(buy(w, "pA", "MUG", 98), TG_CODE_OK);
    assert_int_equal(buy(w, "pB", "MUG", 3), TG_CODE_SOLD_OUT);
    assert_string_equal(w->v.message, "Only 2 of Mug left.");
    world_free(w);
}

static void test_price_rise_is_asked_about_and_fall_is_a_gift(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG");

    (void)state;
    c.price = 14899;
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    assert_string_equal(w->v.message, "Mug costs 149.00 NOK now.");
    assert_int_equal(tg_variant_price(w->v.variant), 14900);
    c.price = 20000;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->total, 14900);
    world_free(w);
}

static void test_unknown_code_or_location_is_not_found(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG");

    (void)state;
    c.code = "BLACK";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    c.code = "";
    c.location = "moon";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    c.location = "main";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    world_free(w);
}

static void test_person_limit_counts_all_orders_of_the_sku(void **state)
{
    struct world *w = world_new(5);
    const struct tg_units_key key = {.person = "pA", .sku = "MUG", .show = UINT16_MAX};

    (void)state;
    assert_true(tg_shop_needs_units(w->shop, &key));
    assert_int_equal(tg_shop_load_units(w->shop, &key, 2), TG_OK);
    assert_false(tg_shop_needs_units(w->shop, &key));
    assert_int_equal(buy(w, "pA", "MUG", 2), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", "MUG", 2), TG_CODE_LIMIT);
    assert_int_equal(buy(w, "pA", "MUG", 1), TG_CODE_OK);
    assert_int_equal(buy(w, "pB", "MUG", 5), TG_CODE_OK);
    world_free(w);
}

static void test_the_oldest_sums_are_forgotten(void **state)
{
    struct world *w = world_new(5);
    struct tg_units_key key = {.sku = "MUG", .show = UINT16_MAX};
    char person[24];

    (void)state;
    key.person = person;
    for (int i = 0; i < TG_LIMITS_CACHED + 2; i++) {
        tg_str_printf(person, sizeof(person), "p%d", i);
        assert_int_equal(tg_shop_load_units(w->shop, &key, 1), TG_OK);
    }
    assert_int_equal(buy(w, "p0", "MUG", 1), TG_CODE_OK); /* within a batch all are there */
    assert_false(tg_shop_needs_units(w->shop, &key));
    tg_shop_commit(w->shop);
    key.person = "p0";
    assert_true(tg_shop_needs_units(w->shop, &key));
    key.person = "p1";
    assert_true(tg_shop_needs_units(w->shop, &key));
    key.person = "p2";
    assert_false(tg_shop_needs_units(w->shop, &key));
    world_free(w);
}

static void test_limit_that_is_not_known_is_not_nothing(void **state)
{
    struct world *w = world_new(5);
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG");

    (void)state;
    tg_shop_decide(w->shop, w->now, &c, &w->v); /* the sum was not loaded: it may be 5 already */
    assert_int_equal(w->v.code, TG_CODE_BUSY);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    world_free(w);
}

/* --- carts --- */

static enum tg_code cart_set(struct world *w, const char *person, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_CART_SET, person, sku);

    c.qty = qty;
    return decide(w, &c);
}

static void test_checkout_takes_all_or_nothing(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    (void)state;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST); /* empty */
    assert_int_equal(cart_set(w, "pA", "MUG", 2), TG_CODE_OK);
    assert_int_equal(cart_set(w, "pA", "LAST", 2), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_SOLD_OUT);
    assert_int_equal(stock_of(w, "MUG").held, 0);
    assert_int_equal(tg_shop_cart(w->shop, "pA")->line_count, 2);
    assert_int_equal(cart_set(w, "pA", "LAST", 1), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->line_count, 2);
    assert_int_equal(w->v.order->total, 2 * 14900 + 119000);
    assert_int_equal(tg_shop_cart(w->shop, "pA")->line_count, 0);
    assert_int_equal(effects_of(w, TG_EFFECT_CART), 1); /* one row set, however often it changed */
    world_free(w);
}

static void test_checkout_checks_every_shown_price(void **state)
{
    struct world *w = world_new(0);
    struct tg_price_shown shown[] = {{"MUG", 14900}, {"LAST", 100000}};
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    (void)state;
    c.prices = shown;
    c.price_count = 2;
    assert_int_equal(cart_set(w, "pA", "MUG", 1), TG_CODE_OK);
    assert_int_equal(cart_set(w, "pA", "LAST", 1), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    assert_string_equal(w->v.variant->sku, "LAST");
    world_free(w);
}

static void test_same_sku_twice_in_a_stored_cart_is_summed(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");
    struct tg_cart cart = {.person = "pA",
                           .line_count = 2,
                           .lines = {{.sku = "LAST", .qty = 1}, {.sku = "LAST", .qty = 1}}};

    (void)state;
    assert_int_equal(tg_shop_load_cart(w->shop, &cart), TG_OK);
    assert_int_equal(decide(w, &c), TG_CODE_SOLD_OUT);
    assert_int_equal(stock_of(w, "LAST").held, 0);
    world_free(w);
}

static void test_cart_set_refuses_what_it_cannot_hold(void **state)
{
    struct world *w = world_new(0);
    struct tg_cart full = {.person = "pA", .line_count = TG_CART_LINES_MAX};

    (void)state;
    for (uint32_t i = 0; i < TG_CART_LINES_MAX; i++) {
        tg_str_printf(full.lines[i].sku, sizeof(full.lines[i].sku), "OLD-%u", i);
        full.lines[i].qty = 1;
    }
    assert_int_equal(tg_shop_load_cart(w->shop, &full), TG_OK);
    assert_int_equal(cart_set(w, "pA", "MUG", 1), TG_CODE_LIMIT);
    assert_int_equal(cart_set(w, "pA", "NONE", 1), TG_CODE_NOT_FOUND);
    assert_int_equal(cart_set(w, "pA", "MUG", TG_QTY_MAX + 1), TG_CODE_BAD_REQUEST);
    assert_int_equal(effects_of(w, TG_EFFECT_CART), 0);
    tg_shop_rollback(w->shop);
    world_free(w);
}

static enum tg_code merge(struct world *w, const char *into, const char *from)
{
    struct tg_claim c = claim_of(TG_CLAIM_CART_MERGE, into, "");

    c.key = from;
    return decide(w, &c);
}

static void test_merge_takes_the_larger_quantity_once(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(cart_set(w, "s1", "MUG", 2), TG_CODE_OK);
    assert_int_equal(cart_set(w, "pA", "MUG", 3), TG_CODE_OK);
    assert_int_equal(cart_set(w, "pA", "LAST", 1), TG_CODE_OK);
    assert_int_equal(merge(w, "s1", "pA"), TG_CODE_OK);
    assert_int_equal(w->v.cart->line_count, 2);
    assert_int_equal(w->v.cart->lines[0].qty, 3);
    assert_string_equal(w->v.cart->lines[1].sku, "LAST");
    assert_int_equal(w->v.left_out_count, 0);
    assert_int_equal(tg_shop_cart(w->shop, "pA")->line_count, 0);
    assert_int_equal(merge(w, "s1", "pA"), TG_CODE_OK); /* nothing more is in it */
    assert_int_equal(w->v.cart->lines[0].qty, 3);
    assert_int_equal(merge(w, "s1", "s1"), TG_CODE_OK);
    assert_int_equal(w->v.cart->line_count, 2);
    assert_int_equal(merge(w, "s1", "pNobody"), TG_CODE_OK);
    assert_int_equal(merge(w, "", "pA"), TG_CODE_UNAUTHORIZED);
    assert_int_equal(effects_of(w, TG_EFFECT_CART), 2);
    tg_shop_rollback(w->shop);
    assert_null(tg_shop_cart(w->shop, "s1")); /* both are read again */
    world_free(w);
}

static void test_merge_keeps_own_lines_and_names_what_is_left_out(void **state)
{
    struct world *w = world_new(0);
    struct tg_cart own = {.person = "s1", .line_count = TG_CART_LINES_MAX - 1};
    struct tg_cart other = {.person = "pA",
                            .line_count = 4,
                            .lines = {{.sku = "OWN-1", .qty = 9},
                                      {.sku = "NEW-1", .qty = 1},
                                      {.sku = "NEW-2", .qty = 2},
                                      {.sku = "NEW-3", .qty = 3}}};

    (void)state;
    for (uint32_t i = 0; i < own.line_count; i++) {
        tg_str_printf(own.lines[i].sku, sizeof(own.lines[i].sku), "OWN-%u", i);
        own.lines[i].qty = 1;
    }
    assert_int_equal(tg_shop_load_cart(w->shop, &own), TG_OK);
    assert_int_equal(tg_shop_load_cart(w->shop, &other), TG_OK);
    assert_int_equal(merge(w, "s1", "pA"), TG_CODE_OK);
    assert_int_equal(w->v.cart->line_count, TG_CART_LINES_MAX);
    assert_int_equal(w->v.cart->lines[1].qty, 9);
    assert_string_equal(w->v.cart->lines[TG_CART_LINES_MAX - 1].sku, "NEW-1");
    assert_int_equal(w->v.left_out_count, 2);
    assert_string_equal(w->v.left_out[0].sku, "NEW-2");
    assert_int_equal(w->v.left_out[1].qty, 3);
    tg_shop_rollback(w->shop);
    world_free(w);
}

static void test_removing_a_line_that_is_no_longer_sold_works(void **state)
{
    struct world *w = world_new(0);
    struct tg_cart cart = {.person = "pA", .line_count = 1, .lines = {{.sku = "OLD", .qty = 1}}};

    (void)state;
    assert_int_equal(tg_shop_load_cart(w->shop, &cart), TG_OK);
    assert_int_equal(cart_set(w, "pA", "OLD", 0), TG_CODE_OK);
    assert_int_equal(w->v.cart->line_count, 0);
    world_free(w);
}

/* --- paying, expiring, cancelling --- */

static void test_paid_order_sells_the_stock(void **state)
{
    struct world *w = world_new(0);
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    assert_int_equal(buy(w, "pA", "MUG", 2), TG_CODE_OK);
    memcpy(payment, w->v.order->payment, sizeof(payment));
    tg_shop_commit(w->shop);
    assert_int_equal(pay(w, payment, false), TG_CODE_OK);
    assert_int_equal(w->v.order->state, TG_ORDER_AWAITING);
    assert_int_equal(w->v.order->payment_state, TG_PAYMENT_DECLINED);
    assert_int_equal(pay(w, payment, true), TG_CODE_OK);
    assert_int_equal(w->v.order->state, TG_ORDER_PAID);
    assert_int_equal(pay(w, payment, true), TG_CODE_OK); /* told twice */
    assert_int_equal(pay(w, payment, false), TG_CODE_CLOSED);
    assert_int_equal(stock_of(w, "MUG").held, 0);
    assert_int_equal(stock_of(w, "MUG").sold, 2);
    assert_int_equal(effects_of(w, TG_EFFECT_ORDER), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(tg_shop_order_count(w->shop), 0);
    assert_int_equal(pay(w, "nothing", true), TG_CODE_NOT_FOUND);
    world_free(w);
}

static void test_unpaid_order_expires_and_gives_back(void **state)
{
    struct world *w = world_new(0);
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    assert_int_equal(buy(w, "pA", "LAST", 1), TG_CODE_OK);
    memcpy(payment, w->v.order->payment, sizeof(payment));
    tg_shop_commit(w->shop);
    assert_int_equal(tg_shop_deadline(w->shop), 1000 + 10 * MINUTE_US);
    w->now.mono += 10 * MINUTE_US - 1;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 0);
    w->now.mono += 1;
    w->now.wall += 10 * MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(stock_of(w, "LAST").held, 0);
    assert_int_equal(pay(w, payment, true), TG_CODE_BUSY); /* late payments: test_orders.c */
    tg_shop_commit(w->shop);
    assert_int_equal(tg_shop_deadline(w->shop), TG_US_NEVER);
    assert_int_equal(buy(w, "pB", "LAST", 1), TG_CODE_OK);
    world_free(w);
}

static void test_payment_after_the_deadline_counts_before_the_tick(void **state)
{
    struct world *w = world_new(0);
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    assert_int_equal(buy(w, "pA", "LAST", 1), TG_CODE_OK);
    memcpy(payment, w->v.order->payment, sizeof(payment));
    tg_shop_commit(w->shop);
    w->now.mono += 10 * MINUTE_US;
    assert_int_equal(pay(w, payment, true), TG_CODE_OK); /* the goods are still held */
    assert_int_equal(w->v.order->state, TG_ORDER_PAID);
    assert_int_equal(stock_of(w, "LAST").sold, 1);
    world_free(w);
}

static void test_cancel_is_for_the_buyer_and_staff(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_CANCEL, "pB", "");
    char id[TG_UUID_SIZE];

    (void)state;
    assert_int_equal(buy(w, "pA", "MUG", 1), TG_CODE_OK);
    memcpy(id, w->v.order->id, sizeof(id));
    c.key = id;
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    c.person = "pA";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->state, TG_ORDER_CANCELLED);
    assert_int_equal(stock_of(w, "MUG").held, 0);
    assert_int_equal(decide(w, &c), TG_CODE_OK); /* told twice */
    world_free(w);
}

/* --- prices and stock by hand --- */

static void test_flash_price_starts_and_ends_by_the_clock(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", "MUG");

    (void)state;
    c.amount = 9900;
    c.until_wall = WALL_US + MINUTE_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(tg_variant_price(w->v.variant), 9900);
    assert_int_equal(tg_variant_compare_at(w->v.variant), 14900);
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_STOCK), 0);
    tg_shop_commit(w->shop);
    w->now.mono += MINUTE_US;
    w->now.wall += MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(tg_variant_price(tg_shop_variant(w->shop, "MUG")), 14900);
    assert_int_equal(tg_shop_deadline(w->shop), TG_US_NEVER);
    tg_shop_commit(w->shop);
    c.amount = 0;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.amount = 9900; /* and until lies in the past now */
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static enum tg_code stock(struct world *w, bool absolute, int32_t value)
{
    struct tg_claim c = claim_of(TG_CLAIM_STOCK, "s1", "MUG");

    c.absolute = absolute;
    c.value = value;
    return decide(w, &c);
}

static void test_stock_never_goes_below_what_is_promised(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(buy(w, "pA", "MUG", 10), TG_CODE_OK);
    assert_int_equal(stock(w, true, 9), TG_CODE_BAD_REQUEST);
    assert_string_equal(w->v.message,
                        "set cannot go below 10: that many are held or sold already.");
    assert_int_equal(stock(w, false, -91), TG_CODE_BAD_REQUEST);
    assert_int_equal(stock(w, false, -90), TG_CODE_OK);
    assert_int_equal(tg_variant_available(w->v.variant), 0);
    assert_int_equal(stock(w, true, TG_STOCK_MAX), TG_CODE_OK);
    assert_int_equal(stock(w, false, 1), TG_CODE_BAD_REQUEST);
    assert_int_equal(stock(w, false, INT32_MIN), TG_CODE_BAD_REQUEST);
    world_free(w);
}

/* --- rollback --- */

static void test_rollback_restores_everything(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim price = claim_of(TG_CLAIM_PRICE, "s1", "MUG");
    struct tg_stock_count before;
    char payment[TG_PAYMENT_ID_SIZE];
    tg_us deadline;

    (void)state;
    assert_int_equal(buy(w, "pA", "MUG", 2), TG_CODE_OK);
    memcpy(payment, w->v.order->payment, sizeof(payment));
    assert_int_equal(cart_set(w, "pA", "MUG", 1), TG_CODE_OK);
    tg_shop_commit(w->shop);
    before = stock_of(w, "MUG");
    deadline = tg_shop_deadline(w->shop);

    price.amount = 100;
    price.until_wall = WALL_US + 1;
    assert_int_equal(buy(w, "pB", "MUG", 5), TG_CODE_OK);
    assert_int_equal(pay(w, payment, true), TG_CODE_OK);
    assert_int_equal(decide(w, &price), TG_CODE_OK);
    assert_int_equal(cart_set(w, "pA", "LAST", 1), TG_CODE_OK);
    assert_int_equal(stock(w, false, 7), TG_CODE_OK);
    (void)effects_of(w, TG_EFFECT_STOCK);
    tg_shop_rollback(w->shop);

    assert_memory_equal(&before, &tg_shop_variant(w->shop, "MUG")->stock, sizeof(before));
    assert_int_equal(tg_variant_price(tg_shop_variant(w->shop, "MUG")), 14900);
    assert_int_equal(tg_shop_deadline(w->shop), deadline);
    assert_int_equal(tg_shop_order_count(w->shop), 1);
    assert_null(tg_shop_cart(w->shop, "pA")); /* to be read from disk again */
    assert_int_equal(effects_of(w, TG_EFFECT_MOVEMENT), 0);
    tg_shop_commit(w->shop);
    assert_int_equal(pay(w, payment, true), TG_CODE_OK);
    assert_int_equal(buy(w, "pC", "MUG", 1), TG_CODE_OK);
    assert_int_equal(w->v.order->number, 1002);
    world_free(w);
}

static void test_rollback_of_an_expiry_expires_again(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(buy(w, "pA", "LAST", 1), TG_CODE_OK);
    tg_shop_commit(w->shop);
    w->now.mono += 11 * MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    tg_shop_rollback(w->shop);
    assert_int_equal(stock_of(w, "LAST").held, 1);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(stock_of(w, "LAST").held, 0);
    world_free(w);
}

/* --- loading --- */

static void test_loading_refuses_what_breaks_the_rules(void **state)
{
    struct world *w = world_new(0);
    struct tg_product same_number = {.id = "p2", .number = 1};
    struct tg_product zero = {.id = "p3", .number = 0};
    struct tg_variant v = variant_of("MUG", 100, 1);

    (void)state;
    assert_int_equal(tg_shop_load_product(w->shop, &same_number), TG_ERR_CONFLICT);
    assert_int_equal(tg_shop_load_product(w->shop, &zero), TG_ERR_LIMIT);
    assert_int_equal(tg_shop_load_variant(w->shop, w->now, "p1", &v), TG_ERR_CONFLICT);
    assert_int_equal(tg_shop_load_variant(w->shop, w->now, "p9", &v), TG_ERR_NOTFOUND);
    v = variant_of("OVERSOLD", 100, 1);
    v.stock.sold = 2;
    assert_int_equal(tg_shop_load_variant(w->shop, w->now, "p1", &v), TG_ERR_LIMIT);
    v = variant_of("DEAR", INT64_MAX, 1);
    assert_int_equal(tg_shop_load_variant(w->shop, w->now, "p1", &v), TG_ERR_LIMIT);
    world_free(w);
}

static void test_order_sum_that_overflows_is_refused(void **state)
{
    struct tg_order *order = NULL;
    int64_t sum = 0;

    (void)state;
    assert_int_equal(tg_order_new(&order, 2, 0), TG_OK);
    order->lines[0] = (struct tg_order_line){.qty = 1, .price = INT64_MAX};
    order->lines[1] = (struct tg_order_line){.qty = 1, .price = 1};
    assert_int_equal(tg_order_sum(&sum, order), TG_ERR_LIMIT);
    order->lines[0].price = INT64_MAX / 2;
    order->lines[0].qty = 3;
    assert_int_equal(tg_order_sum(&sum, order), TG_ERR_LIMIT);
    tg_order_free(order);
    assert_int_equal(tg_order_new(&order, 0, 0), TG_ERR_LIMIT);
    assert_int_equal(tg_order_new(&order, TG_CART_LINES_MAX + 1, 0), TG_ERR_LIMIT);
}

static void test_audit_names_the_difference(void **state)
{
    struct world *w = world_new(0);
    struct tg_audit_row row = {.sku = "MUG", .moved_on_hand = 100, .kept_on_hand = 100};
    char why[160];

    (void)state;
    assert_true(tg_shop_audit(w->shop, &row, why));
    row.orders_sold = 1;
    assert_false(tg_shop_audit(w->shop, &row, why));
    assert_string_equal(why, "sold by paid orders: the stock table says 0, derived is 1");
    row.orders_sold = 0;
    row.moved_on_hand = row.kept_on_hand = 99;
    assert_true(tg_audit_row_ok(&row, why));
    assert_false(tg_shop_audit(w->shop, &row, why));
    assert_string_equal(why, "on hand: memory says 100, the disk 99");
    world_free(w);
}

static void test_order_json_is_the_contracts(void **state)
{
    struct world *w = world_new(0);
    struct tg_buf buf;
    struct tg_jo j;
    char want[1024];

    (void)state;
    tg_buf_init(&buf, 4096);
    j = tg_jo(&buf);
    assert_int_equal(buy(w, "pA", "MUG", 2), TG_CODE_OK);
    tg_order_write(&j, NULL, w->v.order, "/pay/sandbox/", TG_ORDER_VIEW_BUYER);
    tg_str_printf(
        want, sizeof(want),
        "{\"id\":\"%s\",\"number\":1001,\"state\":\"awaiting_payment\",\"lines\":[{\"line\":1,"
        "\"sku\":"
        "\"MUG\",\"title\":\"Mug\",\"options\":{},\"qty\":2,\"price\":{\"amount\":14900,"
        "\"currency\":\"NOK\"},\"total\":{\"amount\":29800,\"currency\":\"NOK\"},\"tax_bp\":0,"
        "\"tax\":{\"amount\":0,\"currency\":\"NOK\"}}],"
        "\"total\":{\"amount\":29800,\"currency\":\"NOK\"},"
        "\"tax\":{\"amount\":0,\"currency\":\"NOK\"},"
        "\"created\":\"2026-05-28T20:26:40.000Z\",\"pay_by\":\"2026-05-28T20:36:40.000Z\","
        "\"pay_url\":\"/pay/sandbox/%s\"}",
        w->v.order->id, w->v.order->payment);
    assert_string_equal(tg_buf_cstr(&buf), want);
    tg_buf_done(&buf);
    world_free(w);
}

/* --- without memory --- */

static void everything(struct world *w, tg_err *ret_err, bool *ret_internal)
{
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    enum tg_code codes[4] = {TG_CODE_OK, TG_CODE_OK, TG_CODE_OK, TG_CODE_OK};

    *ret_err = open_world(w, 9);
    if (*ret_err == TG_OK) {
        codes[0] = buy(w, "pA", "MUG", 1);
        codes[1] = cart_set(w, "pA", "LAST", 1);
        codes[2] = decide(w, &c);
        codes[3] = stock(w, true, 50);
        *ret_err = tg_shop_effects(w->shop, w->now.wall, &effects, &count);
        tg_shop_rollback(w->shop);
        assert_int_equal(stock_of(w, "MUG").held, 0);
    }
    tg_shop_free(w->shop);
    *ret_internal = false;
    for (size_t i = 0; i < 4; i++)
        /* A cart that could not be made is empty at the checkout. */
        *ret_internal |= codes[i] == TG_CODE_INTERNAL || codes[i] == TG_CODE_BUSY;
}

static void test_shop_without_memory_refuses_and_stays_whole(void **state)
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
        cmocka_unit_test(test_buy_makes_an_order_and_holds_stock),
        cmocka_unit_test(test_the_oldest_sums_are_forgotten),
        cmocka_unit_test(test_limit_that_is_not_known_is_not_nothing),
        cmocka_unit_test(test_payment_ids_rise),
        cmocka_unit_test(test_last_unit_goes_to_the_first),
        cmocka_unit_test(test_partly_available_says_how_many),
        cmocka_unit_test(test_price_rise_is_asked_about_and_fall_is_a_gift),
        cmocka_unit_test(test_unknown_code_or_location_is_not_found),
        cmocka_unit_test(test_person_limit_counts_all_orders_of_the_sku),
        cmocka_unit_test(test_checkout_takes_all_or_nothing),
        cmocka_unit_test(test_checkout_checks_every_shown_price),
        cmocka_unit_test(test_same_sku_twice_in_a_stored_cart_is_summed),
        cmocka_unit_test(test_cart_set_refuses_what_it_cannot_hold),
        cmocka_unit_test(test_merge_takes_the_larger_quantity_once),
        cmocka_unit_test(test_merge_keeps_own_lines_and_names_what_is_left_out),
        cmocka_unit_test(test_removing_a_line_that_is_no_longer_sold_works),
        cmocka_unit_test(test_paid_order_sells_the_stock),
        cmocka_unit_test(test_unpaid_order_expires_and_gives_back),
        cmocka_unit_test(test_payment_after_the_deadline_counts_before_the_tick),
        cmocka_unit_test(test_cancel_is_for_the_buyer_and_staff),
        cmocka_unit_test(test_flash_price_starts_and_ends_by_the_clock),
        cmocka_unit_test(test_stock_never_goes_below_what_is_promised),
        cmocka_unit_test(test_rollback_restores_everything),
        cmocka_unit_test(test_rollback_of_an_expiry_expires_again),
        cmocka_unit_test(test_loading_refuses_what_breaks_the_rules),
        cmocka_unit_test(test_order_sum_that_overflows_is_refused),
        cmocka_unit_test(test_audit_names_the_difference),
        cmocka_unit_test(test_order_json_is_the_contracts),
        cmocka_unit_test(test_shop_without_memory_refuses_and_stays_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
