/* test_board.c - what is told of products in a flush, and what waits for the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "live/board.h"

enum { SKUS = 5 };

static void board_new(struct tg_board *b, struct tg_rng *rng)
{
    struct tg_catalog *catalog = tg_catalog_new(1, SKUS);

    assert_non_null(catalog);
    catalog->products[0].variant_count = SKUS;
    for (int i = 0; i < SKUS; i++) {
        tg_str_printf(catalog->variants[i].sku, sizeof(catalog->variants[i].sku), "S%d", i);
        catalog->variants[i].available = 10;
    }
    tg_board_init(b, rng, 5);
    assert_int_equal(tg_board_set_catalog(b, catalog), TG_OK);
}

static void sale(struct tg_board *b, int sku, int32_t sold, int32_t available)
{
    struct tg_live_sale msg = {
        .show = 1, .sold_count = sold, .available = available, .stock_changed = available != 10};
    bool must_flush;

    tg_str_printf(msg.sku, sizeof(msg.sku), "S%d", sku);
    assert_true(tg_board_apply(b, &msg, &must_flush));
    assert_false(must_flush);
}

static void test_products_in_the_languages_of_the_catalogue(void **state)
{
    static const struct tg_text nb = {
        .lang = "nb", .title = "Kopp", .options = "{\"red\":\"r\xc3\xb8\x64\"}"};
    struct tg_catalog *catalog = tg_catalog_new(1, 1);
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_live_sale now = {.sku = "S", .show = UINT16_MAX, .stock_changed = true};
    struct tg_board b;
    const char *json;
    bool must_flush;
    size_t len;
    bool more;

    (void)state;
    assert_non_null(catalog);
    assert_int_equal(tg_langs_new(&catalog->products[0].texts, &nb, 1), TG_OK);
    tg_str_cut(catalog->products[0].title, TG_TITLE_SIZE, "Mug");
    catalog->products[0].variant_count = 1;
    tg_str_cut(catalog->variants[0].sku, sizeof(catalog->variants[0].sku), "S");
    tg_str_cut(catalog->variants[0].options, sizeof(catalog->variants[0].options),
               "{\"color\":\"red\"}");
    catalog->variants[0].available = 3;
    tg_board_init(&b, &rng, 5);
    assert_int_equal(tg_board_set_catalog(&b, catalog), TG_OK);
    assert_int_equal(tg_board_products(&b, false, "no", &json, &len, &more), TG_OK);
    assert_non_null(strstr(json, "\"title\":\"Kopp\""));
    assert_non_null(strstr(json, "{\"color\":\"r\xc3\xb8\x64\"}"));
    assert_int_equal(tg_board_products(&b, false, "sv", &json, &len, &more), TG_OK);
    assert_non_null(strstr(json, "\"title\":\"Mug\""));
    assert_true(tg_board_apply(&b, &now, &must_flush));
    assert_int_equal(tg_board_products(&b, false, "nb-NO", &json, &len, &more), TG_OK);
    assert_non_null(strstr(json, "\"stock\":0"));
    tg_board_done(&b);
}

static void test_sales_that_are_not_told_stay_first_in_the_queue(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_board b;
    struct tg_board_variant *v;

    (void)state;
    board_new(&b, &rng);
    for (int i = 0; i < SKUS; i++)
        sale(&b, i, 1, 10);
    for (int i = 0; (v = tg_board_next(&b)) != NULL; i++)
        tg_board_told(&b, v, i < 2);
    sale(&b, 0, 2, 10); /* behind those who wait already */
    for (int i = 0; i < SKUS - 2; i++) {
        v = tg_board_next(&b);
        assert_non_null(v);
        assert_int_equal(v->view->sku[1], '2' + i);
        assert_true(v->sold_changed);
        tg_board_told(&b, v, true);
    }
    v = tg_board_next(&b);
    assert_non_null(v);
    assert_string_equal(v->view->sku, "S0");
    assert_int_equal(v->sold_count, 2);
    tg_board_told(&b, v, true);
    assert_null(tg_board_next(&b));
    assert_null(tg_board_next(&b)); /* and nothing is left for another time */
    tg_board_done(&b);
}

static void test_the_last_unit_is_urgent_and_a_count_is_not(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_board b;

    (void)state;
    board_new(&b, &rng);
    sale(&b, 1, 1, 9);
    assert_false(b.urgent);
    sale(&b, 2, 1, 0);
    assert_true(b.urgent);
    for (struct tg_board_variant *v; (v = tg_board_next(&b)) != NULL;)
        tg_board_told(&b, v, true);
    assert_false(b.urgent);
    sale(&b, 2, 1, 1); /* there is one again */
    assert_true(b.urgent);
    tg_board_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_in_the_languages_of_the_catalogue),
        cmocka_unit_test(test_sales_that_are_not_told_stay_first_in_the_queue),
        cmocka_unit_test(test_the_last_unit_is_urgent_and_a_count_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
