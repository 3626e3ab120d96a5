/*
 * test_price.c - what a claim is charged: tax, flash prices with window and limit, the price at the
 * tap; all of it undone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "shop/rules.h"
#include "support/lib/price_world.h"

/* --- tax --- */

static void test_lines_and_orders_carry_their_tax(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    (void)state;
    assert_int_equal(cart(w, "MUG", 3), TG_CODE_OK);
    assert_int_equal(cart(w, "BEANS", 1), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].tax_bp, 2500);
    assert_int_equal(w->v.order->lines[0].tax, 8940); /* of 447.00 */
    assert_int_equal(w->v.order->lines[1].tax_bp, 1500);
    assert_int_equal(w->v.order->lines[1].tax, 1291); /* of 99.00 */
    assert_int_equal(w->v.order->tax, 8940 + 1291);
    assert_int_equal(w->v.order->total, 3 * 14900 + 9900);
    world_free(w);
}

/* --- flash prices --- */

static void test_flash_limit_is_counted_and_ends_the_price_by_itself(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 3, 9900), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 9900);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 2);
    /* More than is left: asked about, and whoever agrees pays the ordinary price for all. */
    assert_int_equal(buy(w, "MUG", 3, 9900), TG_CODE_PRICE_CHANGED);
    assert_string_equal(w->v.message,
                        "Only 2 of Mug left at 99.00 NOK; more cost 149.00 NOK each.");
    assert_int_equal(buy(w, "MUG", 3, -1), TG_CODE_PRICE_CHANGED);
    assert_int_equal(buy(w, "MUG", 3, 14900), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 14900);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 2);
    assert_int_equal(buy(w, "MUG", 2, 9900), TG_CODE_OK);
    assert_int_equal(of(w, "MUG")->flash, -1);
    assert_int_equal(buy(w, "MUG", 1, 9900), TG_CODE_PRICE_CHANGED);
    assert_int_equal(w->v.changes[0].price, 14900);
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 1000), TG_CODE_PRICE_CHANGED); /* used up is over */
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 2);
    assert_int_equal(effects_of(w, TG_EFFECT_FLASH_USED), 1);
    world_free(w);
}

static void test_flash_units_come_back_only_while_it_runs(void **state)
{
    struct world *w = world_new();
    struct tg_claim cancel = claim_of(TG_CLAIM_CANCEL, "pA", "");
    char first[TG_UUID_SIZE];
    char second[TG_UUID_SIZE];

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 2, 9900), TG_CODE_OK);
    memcpy(first, w->v.order->id, sizeof(first));
    assert_int_equal(buy(w, "MUG", 1, 9900), TG_CODE_OK);
    memcpy(second, w->v.order->id, sizeof(second));
    tg_shop_commit(w->shop);
    cancel.key = first;
    assert_int_equal(decide(w, &cancel), TG_CODE_OK);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 4);
    tg_shop_commit(w->shop);
    /* Another flash price of the same amount is another one. */
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    cancel.key = second;
    assert_int_equal(decide(w, &cancel), TG_CODE_OK);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 5);
    world_free(w);
}

static void test_expired_order_gives_flash_units_back(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 4, 9900), TG_CODE_OK);
    tg_shop_commit(w->shop);
    pass(w, 11 * MINUTE_US);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 5);
    tg_shop_rollback(w->shop);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 1);
    world_free(w);
}

static void test_flash_limit_below_what_is_sold_is_refused(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 3, -1), TG_CODE_OK);
    assert_int_equal(flash(w, "MUG", 9900, 3), TG_CODE_BAD_REQUEST);
    assert_int_equal(flash(w, "MUG", 9900, 4), TG_CODE_OK); /* the same flash, shorter */
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 1);
    assert_int_equal(flash(w, "MUG", 8900, 3), TG_CODE_OK); /* another one */
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 3);
    assert_int_equal(flash(w, "MUG", 8900, -1), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static void test_planned_flash_begins_and_ends_by_the_clock(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", "MUG");

    (void)state;
    c.amount = 9900;
    c.limit = 7;
    c.from_wall = WALL_US + MINUTE_US;
    c.until_wall = WALL_US + MINUTE_US;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.until_wall = WALL_US + 3 * MINUTE_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(effects_of(w, TG_EFFECT_PLAN), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 0);
    tg_shop_commit(w->shop);
    assert_int_equal(tg_variant_price(of(w, "MUG")), 14900);
    assert_int_equal(tg_shop_flash_plan(w->shop, "MUG").limit, 7);
    assert_int_equal(tg_shop_deadline(w->shop), w->now.mono + MINUTE_US);
    pass(w, MINUTE_US);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(tg_variant_price(of(w, "MUG")), 9900);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 7);
    tg_shop_rollback(w->shop); /* the disk refused: it begins again */
    assert_int_equal(tg_variant_price(of(w, "MUG")), 14900);
    assert_int_equal(tg_shop_flash_plan(w->shop, "MUG").amount, 9900);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(tg_shop_flash_plan(w->shop, "MUG").amount, -1);
    pass(w, 2 * MINUTE_US);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(tg_variant_price(of(w, "MUG")), 14900);
    world_free(w);
}

static void test_no_amount_takes_back_the_plan_too(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", "MUG");

    (void)state;
    c.amount = 9900;
    c.from_wall = WALL_US + MINUTE_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    assert_int_equal(tg_shop_flash_plan(w->shop, "MUG").amount, -1);
    assert_int_equal(tg_shop_deadline(w->shop), TG_US_NEVER);
    tg_shop_commit(w->shop);
    world_free(w);
}

static void test_plan_that_the_server_slept_through_is_dropped(void **state)
{
    struct world *w = world_new();
    const struct tg_flash_plan plan = {
        .amount = 5000, .from_wall = WALL_US - 2 * MINUTE_US, .until_wall = WALL_US - MINUTE_US};

    (void)state;
    assert_int_equal(tg_shop_put_flash_plan(w->shop, w->now, "MUG", &plan), TG_OK);
    assert_int_equal(tg_shop_put_flash_plan(w->shop, w->now, "NONE", &plan), TG_ERR_NOTFOUND);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
    assert_int_equal(tg_variant_price(of(w, "MUG")), 14900);
    assert_int_equal(effects_of(w, TG_EFFECT_PLAN), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 0);
    world_free(w);
}

/* --- the price at the tap --- */

static void test_price_at_the_tap_is_honoured_within_the_lag(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 0), TG_CODE_OK);
    pass(w, MINUTE_US);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    tg_shop_commit(w->shop);
    pass(w, 5 * SECOND_US);
    assert_int_equal(buy(w, "MUG", 1, 9900), TG_CODE_PRICE_CHANGED);          /* no word of when */
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 4000), TG_CODE_PRICE_CHANGED); /* after the end */
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 6000), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 9900);
    assert_int_equal(w->v.order->lines[0].flash_since, 0);
    assert_int_equal(buy_at(w, "MUG", 1, 9800, 6000), TG_CODE_PRICE_CHANGED); /* never shown */
    assert_int_equal(buy_at(w, "MUG", 1, 12000, 6000), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 9900);
    pass(w, 11 * SECOND_US); /* 16 s after the end: beyond what a picture lags */
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 60000), TG_CODE_PRICE_CHANGED);
    world_free(w);
}

/* A comment says when it was written, not what stood there. */
static enum tg_code comment_at(struct world *w, int32_t qty, int64_t back_ms)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG");

    c.channel = TG_CHANNEL_COMMENT;
    c.qty = qty;
    c.media_ms = 1000000;
    c.at_ms = c.media_ms - back_ms;
    return decide(w, &c);
}

static void test_comment_is_charged_what_stood_there_when_it_was_written(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 3), TG_CODE_OK);
    pass(w, 10 * SECOND_US);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    pass(w, 3 * SECOND_US);
    assert_int_equal(comment_at(w, 1, 8000), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 9900);
    assert_int_equal(comment_at(w, 3, 8000), TG_CODE_PRICE_CHANGED); /* two are left */
    assert_int_equal(w->v.changes[0].price, 14900);
    assert_int_equal(comment_at(w, 1, 1000), TG_CODE_OK); /* it was over on their screen, too */
    assert_int_equal(w->v.order->lines[0].price, 14900);
    world_free(w);
}

static void test_checkout_holds_to_what_the_cart_showed(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");
    struct tg_price_shown shown = {.sku = "MUG", .amount = 15900};

    (void)state;
    assert_int_equal(cart(w, "MUG", 1), TG_CODE_OK);
    assert_int_equal(list_price(w, "MUG", 15900, TG_AS_IS), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED); /* 149.00 when it was put in */
    assert_int_equal(w->v.changes[0].price, 15900);
    c.prices = &shown; /* asked again, and agreed */
    c.price_count = 1;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 15900);
    world_free(w);
}

static void test_cart_of_before_the_flash_is_held_to_the_flash(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    (void)state;
    assert_int_equal(cart(w, "MUG", 3), TG_CODE_OK); /* at 149.00 */
    assert_int_equal(flash(w, "MUG", 9900, 2), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED); /* the page says 99.00, for two */
    assert_int_equal(w->v.changes[0].price, 14900);
    c.at_ms = 1000;
    c.media_ms = 2000;
    pass(w, 5 * SECOND_US);
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    world_free(w);
}

static void test_planned_flash_of_the_running_amount_counts_anew(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", "MUG");

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 0), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 5, 9900), TG_CODE_OK);
    c.amount = 9900;
    c.from_wall = w->now.wall + MINUTE_US;
    c.limit = 3;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    pass(w, MINUTE_US);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 100), 1);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 3);
    assert_int_equal(buy(w, "MUG", 3, 9900), TG_CODE_OK);
    assert_int_equal(of(w, "MUG")->flash, -1);
    world_free(w);
}

static void test_lag_is_the_shows(void **state)
{
    struct world *w = world_new();
    const struct tg_show_rules rules = {.show = 3, .lag_ms = 2000};

    (void)state;
    assert_int_equal(tg_shop_put_rules(w->shop, &rules), TG_OK);
    assert_int_equal(flash(w, "MUG", 9900, 0), TG_CODE_OK);
    pass(w, MINUTE_US);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    pass(w, 3 * SECOND_US);
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 6000), TG_CODE_PRICE_CHANGED);
    world_free(w);
}

static void test_price_at_the_tap_of_an_ordinary_price(void **state)
{
    struct world *w = world_new();

    (void)state;
    pass(w, MINUTE_US);
    assert_int_equal(list_price(w, "MUG", 19900, TG_AS_IS), TG_CODE_OK);
    pass(w, SECOND_US);
    assert_int_equal(buy_at(w, "MUG", 1, 14900, 2000), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 14900);
    assert_int_equal(buy_at(w, "MUG", 1, 14900, 500), TG_CODE_PRICE_CHANGED);
    assert_int_equal(w->v.changes[0].price, 19900);
    /* A tap in the future is a tap now. */
    assert_int_equal(buy_at(w, "MUG", 1, 14900, -5000), TG_CODE_PRICE_CHANGED);
    world_free(w);
}

static void test_honoured_units_are_those_that_were_left(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 2, 9900), TG_CODE_OK);
    pass(w, MINUTE_US);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    tg_shop_commit(w->shop);
    pass(w, SECOND_US);
    assert_int_equal(buy_at(w, "MUG", 2, 9900, 2000), TG_CODE_OK);
    assert_int_equal(buy_at(w, "MUG", 2, 9900, 2000), TG_CODE_PRICE_CHANGED);
    tg_shop_rollback(w->shop);
    assert_int_equal(buy_at(w, "MUG", 3, 9900, 2000), TG_CODE_OK);
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 2000), TG_CODE_PRICE_CHANGED);
    world_free(w);
}

static void test_cart_names_every_line_that_is_dearer(void **state)
{
    struct world *w = world_new();
    const struct tg_price_shown shown[] = {{"MUG", 14000}, {"BEANS", 9000}};
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    (void)state;
    assert_int_equal(cart(w, "MUG", 1), TG_CODE_OK);
    assert_int_equal(cart(w, "BEANS", 2), TG_CODE_OK);
    c.prices = shown;
    c.price_count = 2;
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    assert_int_equal(w->v.change_count, 2);
    assert_string_equal(w->v.changes[1].variant->sku, "BEANS");
    assert_int_equal(w->v.changes[1].price, 9900);
    assert_string_equal(w->v.message, "Mug costs 149.00 NOK now, and 1 more prices changed.");
    assert_null(w->v.order);
    world_free(w);
}

static void test_past_prices_outlive_a_restart(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(tg_shop_load_price_past(w->shop, "MUG", WALL_US - SECOND_US, 9900, -1), TG_OK);
    assert_int_equal(tg_shop_load_price_past(w->shop, "NONE", WALL_US - SECOND_US, 9900, -1),
                     TG_ERR_NOTFOUND);
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 500), TG_CODE_PRICE_CHANGED);
    assert_int_equal(buy_at(w, "MUG", 1, 9900, 2000), TG_CODE_OK);
    world_free(w);
}

/* --- all of it undone, and without memory --- */

static void test_rollback_restores_every_price(void **state)
{
    struct world *w = world_new();
    struct tg_variant before;
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", "MUG");

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 5), TG_CODE_OK);
    tg_shop_commit(w->shop);
    before = *of(w, "MUG");
    assert_int_equal(list_price(w, "MUG", 12900, 19900), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 5, -1), TG_CODE_OK); /* uses it up */
    c.amount = 7700;
    c.from_wall = WALL_US + MINUTE_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    assert_int_equal(of(w, "MUG")->price, before.price);
    assert_int_equal(of(w, "MUG")->compare_at, before.compare_at);
    assert_int_equal(of(w, "MUG")->flash, 9900);
    assert_int_equal(of(w, "MUG")->flash_since_wall, before.flash_since_wall);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 5);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 14900);
    assert_int_equal(tg_shop_flash_plan(w->shop, "MUG").amount, -1);
    assert_int_equal(tg_shop_deadline(w->shop), TG_US_NEVER);
    /* and what was past stays past: nothing to honour */
    assert_int_equal(buy_at(w, "MUG", 1, 100, 1), TG_CODE_PRICE_CHANGED);
    world_free(w);
}

static void everything(struct world *w, tg_err *ret_err, bool *ret_internal)
{
    enum tg_code codes[6] = {TG_CODE_OK};
    struct tg_claim c = claim_of(TG_CLAIM_LIST_PRICE, "s1", "MUG");

    *ret_internal = false;
    *ret_err = open_world(w);
    if (*ret_err == TG_OK) {
        const struct tg_effect *effects = NULL;
        size_t count = 0;

        codes[0] = flash(w, "MUG", 9900, 2);
        codes[1] = buy(w, "MUG", 2, 9900);
        codes[2] = list_price(w, "BEANS", 8900, 9900);
        c.currency = "SEK";
        c.amount = 100;
        codes[3] = decide(w, &c);
        c = claim_of(TG_CLAIM_PRICE, "s1", "BEANS");
        c.amount = 5000;
        c.from_wall = WALL_US + SECOND_US;
        c.until_wall = WALL_US + MINUTE_US;
        codes[4] = decide(w, &c);
        pass(w, 2 * SECOND_US);
        (void)tg_shop_tick(w->shop, w->now, 10); /* later, when it finds no memory */
        *ret_err = tg_shop_effects(w->shop, w->now.wall, &effects, &count);
        for (size_t i = 0; i < 6; i++)
            *ret_internal |= codes[i] == TG_CODE_INTERNAL || codes[i] == TG_CODE_PRICE_CHANGED;
        tg_shop_rollback(w->shop);
        assert_int_equal(tg_variant_price(of(w, "MUG")), 14900);
        assert_int_equal(tg_variant_price(of(w, "BEANS")), 9900);
        assert_int_equal(of(w, "MUG")->stock.held, 0);
    }
    tg_shop_free(w->shop);
}

static void test_prices_without_memory_refuse_and_stay_whole(void **state)
{
    bool internal = true;
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    for (long n = 0; err != TG_OK || internal; n++) {
        struct world w;

        assert_in_range(n, 0, 500);
        tg_alloc_fail_nth(n);
        everything(&w, &err, &internal);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_orders_carry_their_tax),
        cmocka_unit_test(test_flash_limit_is_counted_and_ends_the_price_by_itself),
        cmocka_unit_test(test_flash_units_come_back_only_while_it_runs),
        cmocka_unit_test(test_expired_order_gives_flash_units_back),
        cmocka_unit_test(test_flash_limit_below_what_is_sold_is_refused),
        cmocka_unit_test(test_planned_flash_begins_and_ends_by_the_clock),
        cmocka_unit_test(test_no_amount_takes_back_the_plan_too),
        cmocka_unit_test(test_plan_that_the_server_slept_through_is_dropped),
        cmocka_unit_test(test_price_at_the_tap_is_honoured_within_the_lag),
        cmocka_unit_test(test_comment_is_charged_what_stood_there_when_it_was_written),
        cmocka_unit_test(test_checkout_holds_to_what_the_cart_showed),
        cmocka_unit_test(test_cart_of_before_the_flash_is_held_to_the_flash),
        cmocka_unit_test(test_planned_flash_of_the_running_amount_counts_anew),
        cmocka_unit_test(test_lag_is_the_shows),
        cmocka_unit_test(test_price_at_the_tap_of_an_ordinary_price),
        cmocka_unit_test(test_honoured_units_are_those_that_were_left),
        cmocka_unit_test(test_cart_names_every_line_that_is_dearer),
        cmocka_unit_test(test_past_prices_outlive_a_restart),
        cmocka_unit_test(test_rollback_restores_every_price),
        cmocka_unit_test(test_prices_without_memory_refuse_and_stay_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
