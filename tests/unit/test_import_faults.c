/*
 * test_import_faults.c - what a file or a request has wrong: refused by name, each row of it, the
 * same in a dry run; and what a broken file must not do. Both engines.
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

static void put(struct tg_rig *r, enum tg_sale_what what, const char *key, const char *body)
{
    struct tg_sale_req *req = tg_rig_req(r, what, body, strlen(body));

    tg_str_cut(req->key, sizeof(req->key), key);
    tg_rig_ask(r, req);
}

static void refused(struct tg_rig *r, const char *field)
{
    char member[80];

    tg_str_printf(member, sizeof(member), "\"field\":\"%s\"", field);
    if (r->status != 422 || strstr(r->text, member) == NULL)
        fail_msg("%s: %d %s", field, r->status, r->text);
}

static int64_t price_of(struct tg_rig *r, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(tg_sale_shop(r->sale), sku);

    return v == NULL ? -1 : v->price;
}

/* 19.90 EUR are not 19.90 NOK. */
static void test_requests_name_amounts_of_another_currency(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    put(r, TG_SALE_PRODUCT_NEW, "",
        "{\"id\":\"x\",\"title\":\"X\",\"variants\":[{\"sku\":\"X0\",\"price\":5},{\"sku\":\"X1\","
        "\"price\":{\"amount\":1990,\"currency\":\"EUR\"}}]}");
    refused(r, "variants[1].price");
    assert_null(tg_shop_product(tg_sale_shop(r->sale), "x"));
    put(r, TG_SALE_PRODUCT_NEW, "",
        "{\"id\":\"x\",\"title\":\"X\",\"variants\":[{\"sku\":\"X1\",\"price\":{\"amount\":100,"
        "\"currency\":\"NOK\"}}]}");
    assert_int_equal(r->status, 201);
    put(r, TG_SALE_VARIANT_SET, "X1",
        "{\"price\":{\"amount\":1990,\"currency\":\"EUR\"},\"weight_g\":5}");
    refused(r, "price");
    put(r, TG_SALE_VARIANT_SET, "X1", "{\"compare_at\":{\"amount\":1990,\"currency\":\"EUR\"}}");
    refused(r, "compare_at");
    put(r, TG_SALE_VARIANT_SET, "X1", "{\"cost\":{\"amount\":10,\"currency\":\"USD\"}}");
    refused(r, "cost");
    put(r, TG_SALE_VARIANT_NEW, "x",
        "{\"sku\":\"X2\",\"price\":{\"amount\":1990,\"currency\":\"EUR\"}}");
    refused(r, "price");
    assert_int_equal(price_of(r, "X1"), 100);
    assert_int_equal(price_of(r, "X2"), -1);
    tg_rig_close(r);
}

/* The list would win over the price, in each import anew. */
static void test_own_currency_is_no_further_price(void **state)
{
    static const char file[] =
        "{\"id\":\"x\",\"title\":\"X\",\"variants\":[{\"sku\":\"X1\",\"price\":100,\"prices\":["
        "{\"price\":{\"amount\":90,\"currency\":\"NOK\"}}]},{\"sku\":\"X2\",\"price\":7}]}";
    struct tg_rig *r = tg_rig_open();
    struct tg_buf faults;

    (void)state;
    for (uint32_t flags = TG_IMPORT_DRY;; flags = 0) {
        tg_rig_import_text(r, file, flags);
        tg_rig_counts(&r->import, 1, 0, 0, 0);
        tg_rig_faults(r, &faults);
        assert_string_equal(tg_buf_cstr(&faults), "1 prices: This is the shop's own currency.\n");
        tg_buf_done(&faults);
        if (flags == 0)
            break;
    }
    put(r, TG_SALE_VARIANT_SET, "X2",
        "{\"prices\":[{\"price\":{\"amount\":90,\"currency\":\"NOK\"}}]}");
    refused(r, "prices");
    assert_int_equal(price_of(r, "X2"), 7);
    tg_rig_close(r);
}

/* Each of many rows at fault is in the report, in the run as in the dry run. */
static void test_report_has_each_row_at_fault(void **state)
{
    enum { ROWS = 5000 };
    struct tg_rig *r = tg_rig_open();
    struct tg_buf file;
    struct tg_buf faults;

    (void)state;
    tg_buf_init(&file, 4 << 20);
    tg_buf_add_str(&file, "id\ttitle\tprice\tavailability\n");
    for (int i = 0; i < ROWS; i++) {
        tg_buf_printf(&file, "a%d\tA %d\tno price\tin_stock\n", i, i);
    }
    for (uint32_t flags = TG_IMPORT_DRY;; flags = 0) {
        const char *at;
        int line = 2;

        tg_rig_file(r, file.data, file.len);
        tg_rig_import(r, flags);
        assert_int_equal(r->import.faults, ROWS);
        tg_rig_faults(r, &faults);
        for (at = tg_buf_cstr(&faults); *at != '\0'; at = strchr(at, '\n') + 1)
            if (strtol(at, NULL, 10) != line++)
                fail_msg("line %d: %.60s", line - 1, at);
        assert_int_equal(line, ROWS + 2);
        tg_buf_done(&faults);
        if (flags == 0)
            break;
    }
    tg_buf_done(&file);
    tg_rig_close(r);
}

/* The exporter failed: that takes nothing off sale. */
static void test_file_without_products_archives_nothing(void **state)
{
    static const char *const files[] = {
        "",
        "\n",
        "[]",
        "Handle,Title,Variant SKU,Variant Price\n",
        "Handle,Title,Variant SKU,Variant Price\rx,X,X,5\r",
    };
    struct tg_rig *r = tg_rig_open();
    struct tg_buf faults;

    (void)state;
    tg_rig_import_text(
        r, "{\"id\":\"h\",\"title\":\"H\",\"variants\":[{\"sku\":\"H\",\"price\":9900}]}", 0);
    for (size_t i = 0; i < TG_ARRAY_LEN(files) * 3; i++) {
        static const uint32_t flags[] = {0, TG_IMPORT_DRY, TG_IMPORT_STRICT};

        tg_rig_import_text(r, files[i / 3], TG_IMPORT_ARCHIVE_MISSING | flags[i % 3]);
        tg_rig_faults(r, &faults);
        if (r->import.state != TG_IMPORT_FAILED || r->import.reason[0] == '\0' || faults.len == 0 ||
            r->import.faults == 0)
            fail_msg("%zu: state %d, %s %s", i, (int)r->import.state, r->import.reason,
                     tg_buf_cstr(&faults));
        assert_int_equal(r->import.products.archived, 0);
        assert_false(tg_shop_product(tg_sale_shop(r->sale), "h")->archived);
        tg_buf_done(&faults);
    }
    /* With a product in it, it is a file. */
    tg_rig_import_text(r, "{\"id\":\"n\",\"title\":\"N\"}", TG_IMPORT_ARCHIVE_MISSING);
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    assert_true(tg_shop_product(tg_sale_shop(r->sale), "h")->archived);
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_name_amounts_of_another_currency),
        cmocka_unit_test(test_own_currency_is_no_further_price),
        cmocka_unit_test(test_report_has_each_row_at_fault),
        cmocka_unit_test(test_file_without_products_archives_nothing),
    };

    return tg_rig_on_both(tests, TG_ARRAY_LEN(tests));
}
