/*
 * test_import_numbers.c - short numbers that move between products in imports and go back with
 * undo, what is archived while others move, and pages of products with many variants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/import_rig.h"

static unsigned number_of(struct tg_rig *r, const char *id)
{
    const struct tg_product *p = tg_shop_product(tg_sale_shop(r->sale), id);

    assert_non_null(p);
    return p->number;
}

static void expect_export(struct tg_rig *r, const char *before)
{
    char *after = tg_rig_export(r, TG_EXPORT_TORG);

    assert_string_equal(before, after);
    tg_free(after);
}

static const char two[] =
    "{\"id\":\"a\",\"number\":1,\"title\":\"A\",\"variants\":[{\"sku\":\"A\",\"price\":1}]}\n"
    "{\"id\":\"b\",\"number\":2,\"title\":\"B\",\"variants\":[{\"sku\":\"B\",\"price\":1}]}\n";

/* A's number went to a product that the import brought. */
static void test_undo_gives_a_number_back_that_went_to_a_new_product(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char *before;

    (void)state;
    tg_rig_import_text(r, two, 0);
    before = tg_rig_export(r, TG_EXPORT_TORG);
    tg_rig_import_text(r,
                       "{\"id\":\"a\",\"number\":9}\n{\"id\":\"c\",\"number\":1,\"title\":\"C\","
                       "\"variants\":[{\"sku\":\"C\",\"price\":1}]}\n",
                       0);
    assert_int_equal(r->import.faults, 0);
    assert_int_equal(number_of(r, "a"), 9);
    assert_int_equal(number_of(r, "c"), 1);
    tg_rig_undo(r, 0);
    tg_rig_look(r);
    assert_int_equal(r->import.faults, 0);
    assert_int_equal(number_of(r, "a"), 1);
    assert_true(tg_shop_product(tg_sale_shop(r->sale), "c")->archived);
    expect_export(r, before);
    tg_free(before);
    tg_rig_close(r);
}

/* In one slice or in many: what a row before this one set free is free. */
static void test_numbers_go_on_by_one(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_buf text;
    char *before;

    (void)state;
    for (int count = 2; count <= 300; count += 298) {
        tg_buf_init(&text, 1 << 20);
        for (int i = 1; i <= count; i++)
            tg_buf_printf(&text, "{\"id\":\"p%d\",\"number\":%d,\"title\":\"P\"}\n", i, i);
        tg_rig_import_text(r, tg_buf_cstr(&text), 0);
        assert_int_equal(r->import.faults, 0);
        before = tg_rig_export(r, TG_EXPORT_TORG);
        tg_buf_clear(&text);
        for (int i = count; i >= 1; i--)
            tg_buf_printf(&text, "{\"id\":\"p%d\",\"number\":%d}\n", i, i + 1);
        tg_rig_import_text(r, tg_buf_cstr(&text), TG_IMPORT_DRY);
        assert_int_equal(r->import.faults, 0);
        tg_rig_import_text(r, tg_buf_cstr(&text), 0);
        assert_int_equal(r->import.faults, 0);
        assert_int_equal(r->import.products.changed, count);
        assert_int_equal(number_of(r, "p1"), 2);
        tg_rig_undo(r, r->import.id);
        expect_export(r, before);
        tg_free(before);
        tg_buf_done(&text);
    }
    tg_rig_close(r);
}

/* What is archived gives its number up, and has it again after undo. */
static void test_an_archived_product_gives_its_number_up(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, two, 0);
    tg_rig_import_text(r, "{\"id\":\"a\",\"archived\":true}", 0);
    tg_rig_import_text(r, "{\"id\":\"d\",\"number\":1,\"title\":\"D\"}", 0);
    assert_int_equal(r->import.faults, 0);
    assert_int_equal(number_of(r, "d"), 1);
    assert_int_equal(number_of(r, "a"), 3);
    tg_rig_import_text(r, "{\"id\":\"e\",\"number\":2,\"title\":\"E\"}", 0);
    assert_int_equal(r->import.faults, 1); /* B is sold */
    tg_rig_undo(r, r->import.id);
    tg_rig_undo(r, 0);
    assert_int_equal(number_of(r, "a"), 1);
    assert_true(tg_shop_product(tg_sale_shop(r->sale), "d")->archived);
    tg_rig_close(r);
}

/* Somebody moves what was looked at already behind the place where archiving stands. */
static void test_archiving_goes_by_number(void **state)
{
    static const char last[] = "{\"id\":\"p300\",\"variants\":[{\"sku\":\"V300\"}]}";
    struct tg_rig *r = tg_rig_open();
    const struct tg_shop *shop = tg_sale_shop(r->sale);
    struct tg_sale_req *req;
    struct tg_buf text;

    (void)state;
    tg_buf_init(&text, 1 << 20);
    for (int i = 1; i <= 300; i++)
        tg_buf_printf(&text,
                      "{\"id\":\"p%d\",\"number\":%d,\"title\":\"P\",\"variants\":[{\"sku\":"
                      "\"V%d\",\"price\":1}]}\n",
                      i, i, i);
    tg_rig_import_text(r, tg_buf_cstr(&text), 0);
    tg_rig_file(r, last, sizeof(last) - 1);
    req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);
    tg_str_cut(req->key, sizeof(req->key), "auto");
    tg_str_cut(req->text, sizeof(req->text), "feed");
    req->number = TG_IMPORT_ARCHIVE_MISSING;
    tg_rig_ask(r, req);
    while (!tg_shop_product(shop, "p1")->archived)
        tg_sale_turn(r->sale, r->now, NULL, 0);
    assert_false(tg_shop_product(shop, "p299")->archived);
    req = tg_rig_req(r, TG_SALE_PRODUCT_SET, "{\"number\":1000}", 15);
    tg_str_cut(req->key, sizeof(req->key), "p1");
    tg_rig_ask(r, req);
    (void)tg_rig_settle(r);
    assert_int_equal(number_of(r, "p1"), 1000);
    for (int i = 2; i < 300; i++) {
        char id[16];
        char sku[16];

        tg_str_printf(id, sizeof(id), "p%d", i);
        tg_str_printf(sku, sizeof(sku), "V%d", i);
        if (!tg_shop_product(shop, id)->archived || !tg_shop_variant(shop, sku)->archived)
            fail_msg("%s was left out", id);
    }
    assert_false(tg_shop_product(shop, "p300")->archived);
    tg_buf_done(&text);
    tg_rig_close(r);
}

struct page {
    unsigned products;
    unsigned variants;
    unsigned prices;
};

static tg_err count_product(void *ctx, const struct tg_list_view *view)
{
    struct page *page = ctx;

    page->products++;
    page->variants += view->product->variant_count;
    page->prices += view->price_count;
    for (uint32_t i = 0; i < view->price_count; i++) {
        const char *sku = view->variants[view->prices[i].variant].sku;

        /* Every third has one, which is its own number. */
        assert_int_equal(strtol(strrchr(sku, '-') + 1, NULL, 10), view->prices[i].price);
    }
    return TG_OK;
}

/* A page ends before it has more variants than it may read; the next goes on there. */
static void test_a_page_has_so_many_variants(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_cat_filter filter = {
        .price_min = -1, .price_max = -1, .show = -1, .above = 0, .limit = 50};
    struct tg_buf text;
    int64_t next = 0;

    (void)state;
    tg_buf_init(&text, 4 << 20);
    for (int p = 1; p <= 5; p++) {
        int variants = p <= 3 ? 1200 : 10;

        tg_buf_printf(&text, "{\"id\":\"p%d\",\"title\":\"P\",\"variants\":[", p);
        for (int v = 1; v <= variants; v++)
            tg_buf_printf(&text, "%s{\"sku\":\"P%d-%d\",\"price\":5,\"options\":{\"n\":\"%d\"}}",
                          v == 1 ? "" : ",", p, v, v);
        tg_buf_add_str(&text, "]}\n");
    }
    tg_rig_import_text(r, tg_buf_cstr(&text), 0);
    assert_int_equal(r->import.faults, 0);
    tg_buf_clear(&text);
    tg_buf_add_str(&text, "{\"id\":\"p1\",\"variants\":[");
    for (int v = 3; v <= 1200; v += 3)
        tg_buf_printf(&text,
                      "%s{\"sku\":\"P1-%d\",\"prices\":[{\"price\":{\"amount\":%d,\"currency\":"
                      "\"EUR\"}}]}",
                      v == 3 ? "" : ",", v, v);
    tg_buf_add_str(&text, "]}\n");
    tg_rig_import_text(r, tg_buf_cstr(&text), 0);
    assert_int_equal(r->import.faults, 0);
    for (size_t i = 0; i < 3; i++) {
        struct page page = {0};

        assert_true(next >= 0);
        filter.above = next;
        assert_int_equal(tg_read_list(r->db, &filter, "", count_product, &page, &next), TG_OK);
        if (i < 2) {
            assert_int_equal(page.products, 1);
            assert_int_equal(page.variants, 1200);
            assert_int_equal(page.prices, i == 0 ? 400 : 0);
        } else {
            assert_int_equal(page.products, 3); /* the small ones fit beside the last large one */
            assert_int_equal(page.variants, 1220);
        }
    }
    assert_int_equal(next, -1);
    tg_buf_done(&text);
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undo_gives_a_number_back_that_went_to_a_new_product),
        cmocka_unit_test(test_numbers_go_on_by_one),
        cmocka_unit_test(test_an_archived_product_gives_its_number_up),
        cmocka_unit_test(test_archiving_goes_by_number),
        cmocka_unit_test(test_a_page_has_so_many_variants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
