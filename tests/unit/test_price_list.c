/*
 * test_price_list.c - ordinary prices, the lowest price of 30 days, further currencies, quotes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "shop/shop_json.h"
#include "support/lib/price_world.h"

/* --- the lowest price of 30 days --- */

static void test_lowest_price_is_that_before_the_reduction(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 0);
    assert_int_equal(list_price(w, "MUG", 12900, -1), TG_CODE_OK); /* a new price, no reduction */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 0);
    pass(w, 5 * DAY_US);
    assert_int_equal(list_price(w, "MUG", 17900, -1), TG_CODE_OK);
    pass(w, 5 * DAY_US);
    assert_int_equal(flash(w, "MUG", 13900, 0), TG_CODE_OK);
    /* "before 179, now 139" - but ten days ago it cost 129 */
    assert_int_equal(tg_variant_compare_at(of(w, "MUG")), 17900);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 12900);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 0);
    pass(w, 31 * DAY_US);
    assert_int_equal(flash(w, "MUG", 15000, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 17900);
    world_free(w);
}

static void test_lowest_price_stays_while_a_reduction_only_falls(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(list_price(w, "MUG", 12000, 14900), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 14900);
    pass(w, DAY_US);
    assert_int_equal(list_price(w, "MUG", 10000, 14900), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 14900);
    assert_int_equal(flash(w, "MUG", 8000, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 14900);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK); /* up: a reduction anew */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 8000);
    pass(w, DAY_US);
    assert_int_equal(list_price(w, "MUG", 11000, 14900), TG_CODE_OK); /* and again */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 8000);
    tg_shop_rollback(w->shop);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 0);
    assert_int_equal(of(w, "MUG")->price, 14900);
    world_free(w);
}

static void test_lowest_price_after_a_flash_is_the_flash(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(list_price(w, "MUG", 12000, 14900), TG_CODE_OK);
    pass(w, DAY_US);
    assert_int_equal(flash(w, "MUG", 9000, 2), TG_CODE_OK);
    tg_shop_commit(w->shop);
    pass(w, MINUTE_US);
    assert_int_equal(buy(w, "MUG", 2, 9000), TG_CODE_OK); /* its last units end it */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 9000);
    tg_shop_rollback(w->shop);
    assert_int_equal(of(w, "MUG")->lowest, 14900);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 9000);
    pass(w, DAY_US);
    assert_int_equal(flash(w, "MUG", 10000, 0), TG_CODE_OK); /* yesterday it cost less */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 9000);
    /* One above the ordinary price is no reduction, and what comes after it is one anew. */
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    pass(w, 31 * DAY_US);
    assert_int_equal(flash(w, "MUG", 13000, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 0);
    pass(w, DAY_US);
    assert_int_equal(flash(w, "MUG", -1, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 12000);
    world_free(w);
}

static void test_lowest_price_of_a_flash_that_becomes_a_reduction(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 14900, 0), TG_CODE_OK); /* as the ordinary one */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 0);
    tg_shop_commit(w->shop);
    pass(w, DAY_US);
    assert_int_equal(list_price(w, "MUG", 19900, TG_AS_IS), TG_CODE_OK);
    assert_int_equal(tg_variant_compare_at(of(w, "MUG")), 19900);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 14900);
    tg_shop_rollback(w->shop);
    assert_int_equal(of(w, "MUG")->flash_lowest, 0);
    world_free(w);
}

static void test_lowest_price_is_never_too_high_when_the_memory_is_full(void **state)
{
    struct world *w = world_new();

    (void)state;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(list_price(w, "MUG", i == 3 ? 5000 : 14000 + i, -1), TG_CODE_OK);
        pass(w, MINUTE_US);
    }
    assert_int_equal(flash(w, "MUG", 13000, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 5000);
    world_free(w);
}

/* --- ordinary prices --- */

static void test_ordinary_price_below_the_flash_ends_it(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_PRICE, "s1", "MUG");

    (void)state;
    c.amount = 9900;
    c.limit = 5;
    c.until_wall = WALL_US + 60 * MINUTE_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(buy(w, "MUG", 2, 9900), TG_CODE_OK);
    tg_shop_commit(w->shop);
    pass(w, MINUTE_US);
    assert_int_equal(list_price(w, "MUG", 9901, TG_AS_IS), TG_CODE_OK); /* above: it goes on */
    assert_int_equal(of(w, "MUG")->flash, 9900);
    tg_shop_commit(w->shop);
    assert_int_equal(list_price(w, "MUG", 8000, 14900), TG_CODE_OK);
    assert_int_equal(of(w, "MUG")->flash, -1);
    assert_int_equal(tg_shop_deadline(w->shop), w->now.mono + 9 * MINUTE_US); /* an order's */
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 14900); /* it only fell since */
    assert_int_equal(buy(w, "MUG", 3, 9900), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].price, 8000);
    assert_int_equal(w->v.order->lines[0].flash_since, 0);
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 1); /* from 99.00 to 80.00, nothing between */
    tg_shop_rollback(w->shop);                           /* all of it comes back, with its end */
    assert_int_equal(of(w, "MUG")->flash, 9900);
    assert_int_equal(tg_variant_flash_left(of(w, "MUG")), 3);
    assert_int_equal(list_price(w, "MUG", 9900, TG_AS_IS), TG_CODE_OK); /* equal: nothing to gain */
    assert_int_equal(of(w, "MUG")->flash, -1);
    tg_shop_rollback(w->shop);
    pass(w, 60 * MINUTE_US);
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 2); /* the order, and the flash */
    assert_int_equal(tg_variant_price(of(w, "MUG")), 9901);
    world_free(w);
}

static void test_flash_that_an_ordinary_price_ended_is_past(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 0), TG_CODE_OK);
    pass(w, DAY_US);
    assert_int_equal(list_price(w, "MUG", 8000, TG_AS_IS), TG_CODE_OK);
    pass(w, DAY_US);
    assert_int_equal(list_price(w, "MUG", 14900, TG_AS_IS), TG_CODE_OK);
    assert_int_equal(tg_variant_price(of(w, "MUG")), 14900); /* it does not come back */
    pass(w, DAY_US);
    assert_int_equal(flash(w, "MUG", 12000, 0), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 8000);
    assert_int_equal(list_price(w, "MUG", 13000, TG_AS_IS), TG_CODE_OK);
    assert_int_equal(tg_variant_lowest(of(w, "MUG")), 8000);
    world_free(w);
}

static void test_list_price_is_recorded_and_conditional(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_LIST_PRICE, "s1", "MUG");
    char tag[TG_PRICE_TAG_SIZE];

    (void)state;
    tg_variant_price_tag(tag, of(w, "MUG"));
    c.amount = 15900;
    c.if_match = "\"p1_2\"";
    assert_int_equal(decide(w, &c), TG_CODE_STALE);
    c.if_match = tag;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(of(w, "MUG")->price, 15900);
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(decide(w, &c), TG_CODE_STALE);
    c.if_match = "*";
    assert_int_equal(decide(w, &c), TG_CODE_OK); /* as it is already */
    assert_int_equal(effects_of(w, TG_EFFECT_PRICE), 0);
    tg_shop_commit(w->shop);
    c.amount = -1;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.sku = "NONE";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    world_free(w);
}

/* --- currencies --- */

static void test_order_in_another_currency(void **state)
{
    struct world *w = world_new();
    struct tg_claim price = claim_of(TG_CLAIM_LIST_PRICE, "s1", "MUG");
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG");

    (void)state;
    c.currency = "EUR";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    price.currency = "EUR";
    price.amount = 1290;
    assert_int_equal(decide(w, &price), TG_CODE_OK);
    assert_int_equal(effects_of(w, TG_EFFECT_CURRENCY_PRICE), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(flash(w, "MUG", 9900, 0), TG_CODE_OK); /* in NOK only */
    c.price = 1200;
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    assert_string_equal(w->v.message, "Mug costs 12.90 EUR now.");
    assert_string_equal(w->v.currency, "EUR");
    c.price = 1290;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_string_equal(w->v.order->currency, "EUR");
    assert_int_equal(w->v.order->total, 1290);
    assert_int_equal(w->v.order->tax, 258);
    tg_shop_commit(w->shop);
    price.amount = -1;
    assert_int_equal(decide(w, &price), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    tg_shop_rollback(w->shop);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    price.currency = "euro";
    assert_int_equal(decide(w, &price), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static void put_many(struct world *w, int from, int count)
{
    char sku[16];

    for (int i = from; i < from + count; i++) {
        struct tg_variant v = {.price = 14900, .compare_at = -1, .cost = -1, .flash = -1};

        tg_str_printf(sku, sizeof(sku), "M%d", i);
        tg_str_cut(v.sku, sizeof(v.sku), sku);
        assert_int_equal(tg_shop_load_variant(w->shop, w->now, of(w, "MUG")->product->id, &v),
                         TG_OK);
        assert_int_equal(tg_shop_put_currency_price(w->shop, sku, "EUR", 1290), TG_OK);
        assert_int_equal(tg_shop_put_currency_price(w->shop, sku, "SEK", 15900), TG_OK);
    }
}

/* Another node's import changes all of them: each is forgotten for itself. A look at all for each
 * would take longer than a test has. */
static void test_forgetting_the_prices_of_many_costs_what_they_are(void **state)
{
    enum { MANY = 100000 };
    struct world *w = world_new();
    char sku[16];

    (void)state;
    put_many(w, 0, MANY + 1);
    for (int i = 0; i < MANY; i++) {
        tg_str_printf(sku, sizeof(sku), "M%d", i);
        tg_shop_forget_currency_prices(w->shop, sku);
        assert_int_equal(tg_shop_price_in(w->shop, of(w, sku), "EUR"), -1);
        assert_int_equal(tg_shop_price_in(w->shop, of(w, sku), "SEK"), -1);
    }
    tg_str_printf(sku, sizeof(sku), "M%d", MANY);
    assert_int_equal(tg_shop_price_in(w->shop, of(w, sku), "EUR"), 1290);
    assert_int_equal(tg_shop_price_in(w->shop, of(w, sku), "SEK"), 15900);
    world_free(w);
}

/* --- a quote --- */

static void test_quote_shows_and_claims_nothing(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CART, "pA", "");
    struct tg_quote q;
    struct tg_buf buf;
    struct tg_jo j;

    (void)state;
    tg_shop_quote(w->shop, w->now, &c, &q);
    assert_int_equal(q.line_count, 0);
    assert_int_equal(cart(w, "MUG", 2), TG_CODE_OK);
    assert_int_equal(cart(w, "BEANS", 1), TG_CODE_OK);
    tg_shop_commit(w->shop);
    c.code = "NOPE";
    tg_shop_quote(w->shop, w->now, &c, &q);
    assert_int_equal(q.line_count, 2);
    assert_int_equal(q.total, 2 * 14900 + 9900);
    assert_int_equal(q.tax, 5960 + 1291);
    assert_int_equal(q.code_verdict, TG_CODE_NOT_FOUND);
    tg_buf_init(&buf, 8192);
    j = tg_jo(&buf);
    tg_quote_write(&j, NULL, &q, "");
    assert_non_null(strstr(tg_buf_cstr(&buf), "\"code_error\":{\"code\":\"not_found\""));
    assert_non_null(strstr(tg_buf_cstr(&buf), "\"tax\":{\"amount\":7251,\"currency\":\"NOK\"}"));
    tg_buf_done(&buf);
    c.currency = "EUR"; /* nothing of it has a price there */
    tg_shop_quote(w->shop, w->now, &c, &q);
    assert_int_equal(q.line_count, 2);
    assert_null(q.lines[0].variant);
    assert_int_equal(q.total, 0);
    assert_int_equal(of(w, "MUG")->stock.held, 0);
    world_free(w);
}

static void cart_json(struct world *w, char out[2048])
{
    struct tg_buf buf;
    struct tg_jo j;

    tg_buf_init(&buf, 2047);
    j = tg_jo(&buf);
    tg_cart_write(&j, NULL, w->shop, tg_shop_cart(w->shop, "pA"), UINT16_MAX, "");
    tg_str_cut(out, 2048, tg_buf_cstr(&buf));
    tg_buf_done(&buf);
}

static void test_cart_shows_a_flash_price_only_while_it_has_units(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CHECKOUT, "pA", "");
    struct tg_price_shown shown = {.sku = "MUG", .amount = 14900};
    struct tg_quote q;
    char json[2048];

    (void)state;
    assert_int_equal(flash(w, "MUG", 9900, 3), TG_CODE_OK);
    assert_int_equal(cart(w, "MUG", 3), TG_CODE_OK);
    cart_json(w, json);
    assert_non_null(strstr(json, "\"total\":{\"amount\":29700,"));
    assert_non_null(strstr(json, "\"changes\":[]"));
    assert_int_equal(buy(w, "MUG", 1, 9900), TG_CODE_OK); /* two are left */
    cart_json(w, json);
    assert_non_null(strstr(json, "\"price\":{\"amount\":14900,"));
    assert_non_null(strstr(json, "\"total\":{\"amount\":44700,"));
    assert_non_null(strstr(json, "\"tax\":{\"amount\":8940,"));
    assert_non_null(
        strstr(json, "\"changes\":[\"price_changed\"],\"price_was\":{\"amount\":9900,"));
    tg_shop_quote(w->shop, w->now, &c, &q); /* a quote says the same */
    assert_int_equal(q.total, 44700);
    c.prices = &shown;
    c.price_count = 1;
    assert_int_equal(decide(w, &c), TG_CODE_OK); /* and so does the order */
    assert_int_equal(w->v.order->total, 44700);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lowest_price_is_that_before_the_reduction),
        cmocka_unit_test(test_lowest_price_stays_while_a_reduction_only_falls),
        cmocka_unit_test(test_lowest_price_after_a_flash_is_the_flash),
        cmocka_unit_test(test_lowest_price_of_a_flash_that_becomes_a_reduction),
        cmocka_unit_test(test_lowest_price_is_never_too_high_when_the_memory_is_full),
        cmocka_unit_test(test_ordinary_price_below_the_flash_ends_it),
        cmocka_unit_test(test_flash_that_an_ordinary_price_ended_is_past),
        cmocka_unit_test(test_list_price_is_recorded_and_conditional),
        cmocka_unit_test(test_order_in_another_currency),
        cmocka_unit_test(test_forgetting_the_prices_of_many_costs_what_they_are),
        cmocka_unit_test(test_quote_shows_and_claims_nothing),
        cmocka_unit_test(test_cart_shows_a_flash_price_only_while_it_has_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
