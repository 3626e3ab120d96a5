/*
 * test_import_fields.c - what stands in the fields of files: text that must not spoil the shop's
 * exports, columns that are not there, sale prices and their windows, what is not published.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/feed_fields.h"
#include "support/lib/import_rig.h"

static const struct tg_variant *variant(struct tg_rig *r, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(tg_sale_shop(r->sale), sku);

    assert_non_null(v);
    return v;
}

/* All exports can be made, and torg's comes in again as it went out. */
static void assert_sound(struct tg_rig *r)
{
    char *text;

    for (int x = 0; x < TG_EXPORT_FORMAT_COUNT; x++) {
        text = tg_rig_export(r, (enum tg_export_format)x);
        if (x == TG_EXPORT_TORG) {
            tg_rig_import_text(r, text, 0);
            assert_int_equal(r->import.state, TG_IMPORT_DONE);
            assert_int_equal(r->import.faults, 0);
            assert_int_equal(r->import.products.added + r->import.products.changed, 0);
            assert_int_equal(r->import.variants.added + r->import.variants.changed, 0);
        }
        tg_free(text);
    }
}

static void odd_field(struct tg_rig *r, enum tg_feed_format format, unsigned field, const char *odd)
{
    char *before = tg_rig_export(r, TG_EXPORT_TORG);
    struct tg_buf text;
    char *after;

    tg_buf_init(&text, 1 << 16);
    tg_feed_fields_make(&text, format, field, odd);
    tg_rig_import_text(r, tg_buf_cstr(&text), 0);
    assert_int_not_equal(r->import.state, TG_IMPORT_RUNNING);
    assert_sound(r);
    tg_rig_import_text(r, tg_buf_cstr(&text), 0);
    if (r->import.products.added + r->import.products.changed + r->import.variants.added +
            r->import.variants.changed >
        0)
        fail_msg("field %u again:\n%s", field, tg_buf_cstr(&text));
    tg_rig_undo(r, 0);
    tg_rig_undo(r, 0);
    tg_rig_undo(r, 0);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(after);
    tg_free(before);
    tg_buf_done(&text);
}

/* A line end in whatever field: the import names it or takes it; exports, the same file again and
 * undo go on working. */
static void test_line_ends_in_any_field_spoil_nothing(void **state)
{
    (void)state;
    for (int x = TG_FEED_GOOGLE_XML; x < TG_FEED_FORMAT_COUNT; x++) {
        enum tg_feed_format format = (enum tg_feed_format)x;
        struct tg_rig *r = tg_rig_open();

        tg_rig_import_text(
            r, "{\"id\":\"old\",\"title\":\"Old\",\"variants\":[{\"sku\":\"OLD\",\"price\":1}]}",
            0);
        for (unsigned i = 0; i < tg_feed_fields_count(format); i++)
            odd_field(r, format, i, "\n");
        tg_rig_close(r);
    }
}

static void test_options_of_one_name_spoil_nothing(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_buf faults;

    (void)state;
    tg_rig_import_text(r,
                       "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
                       "Variant SKU,Variant Price\n"
                       "h,Hat,Size,M,\"Size\n\",L,H,100\n",
                       0);
    tg_rig_faults(r, &faults);
    assert_string_equal(tg_buf_cstr(&faults), "2 options: Two options have the same name.\n");
    tg_buf_done(&faults);
    tg_rig_import_text(r,
                       "Type,SKU,Name,Parent,Regular price,Attribute 1 name,Attribute 1 value(s),"
                       "Attribute 2 name,Attribute 2 value(s)\n"
                       "variable,W,Wool,,,,,,\nvariation,W-1,,W,100,Size,M,Size,L\n",
                       0);
    assert_int_equal(r->import.faults, 1);
    assert_sound(r);
    tg_rig_close(r);
}

/* --- columns that are not there --- */

static const char full[] =
    "{\"id\":\"P\",\"title\":\"P\",\"attributes\":[{\"name\":\"Care\",\"value\":\"30\"}],"
    "\"variants\":[{\"sku\":\"P-S\",\"options\":{\"size\":\"S\"},\"price\":8000,"
    "\"compare_at\":10000},{\"sku\":\"P-M\",\"options\":{\"size\":\"M\"},\"price\":8000,"
    "\"compare_at\":10000}]}\n"
    "{\"id\":\"Q\",\"title\":\"Q\",\"attributes\":[{\"name\":\"Care\",\"value\":\"30\"}],"
    "\"variants\":[{\"sku\":\"Q\",\"price\":8000,\"compare_at\":10000}]}\n";

static void test_a_column_that_is_missing_erases_nothing(void **state)
{
    static const char shopify[] =
        "Handle,Title,Variant SKU,Variant Price\nP,P,P-S,80\nP,,P-M,80\nQ,Q,Q,80\n";
    static const char woo[] = "Type,SKU,Name,Parent,Regular price\nvariable,P,P,,\n"
                              "variation,P-S,,P,80\nvariation,P-M,,P,80\nsimple,Q,Q,,80\n";
    static const char google[] =
        "id\ttitle\tprice\titem group id\nP-S\tP\t80\tP\nP-M\tP\t80\tP\nQ\tQ\t80\t\n";
    static const char *const files[] = {shopify, woo, google};
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, full, 0);
    for (size_t i = 0; i < TG_ARRAY_LEN(files); i++) {
        tg_rig_import_text(r, files[i], 0);
        assert_int_equal(r->import.faults, 0);
        tg_rig_counts(&r->import, 0, 0, 3, 0);
        assert_int_equal(r->import.products.unchanged, 2);
    }
    /* A price that reaches the one that was struck through ends the sale. */
    tg_rig_import_text(r, "Handle,Title,Variant SKU,Variant Price\nQ,Q,Q,100\n", 0);
    assert_int_equal(variant(r, "Q")->price, 10000);
    assert_int_equal(variant(r, "Q")->compare_at, -1);
    tg_rig_close(r);
}

static void test_an_empty_cell_erases(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, full, 0);
    tg_rig_import_text(r,
                       "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,"
                       "Variant Compare At Price\nP,P,,,P-S,80,\n",
                       0);
    assert_string_equal(variant(r, "P-S")->options, "{}");
    assert_int_equal(variant(r, "P-S")->compare_at, -1);
    tg_rig_import_text(r,
                       "<rss xmlns:g=\"http://base.google.com/ns/1.0\"><item><g:id>P-M</g:id>"
                       "<g:item_group_id>P</g:item_group_id><title>P</title><g:price>80 NOK"
                       "</g:price></item></rss>",
                       0);
    assert_string_equal(variant(r, "P-M")->options, "{\"size\":\"M\"}");
    assert_int_equal(variant(r, "P-M")->compare_at, -1);
    tg_rig_close(r);
}

/* --- sale prices --- */

/* TG_RIG_WALL_US is 2026-05-28T20:26:40Z. The same file again after the sale ended ends it. */
static void test_sale_prices_hold_within_their_window(void **state)
{
    static const char file[] = "id\ttitle\tprice\tsale price\tsale price effective date\n"
                               "now\tA\t500\t300\t2026-05-28T22:00+0200/2026-05-28T23:00+0200\n"
                               "over\tB\t500\t300\t2026-05-01/2026-05-27\n"
                               "soon\tC\t500\t300\t2026-05-28T20:27Z/2026-06-10T00:00Z\n"
                               "day\tD\t500\t300\t2026-05-28/2026-05-28\n"
                               "odd\tE\t500\t300\tnext week\n"
                               "back\tF\t500\t300\t2026-05-29/2026-05-01\n"
                               "free\tG\t500\t300\t\n";
    static const struct {
        const char *sku;
        int64_t price;
    } want[] = {{"now", 30000}, {"over", 50000}, {"soon", 50000}, {"day", 30000}, {"free", 30000}};
    struct tg_rig *r = tg_rig_open();
    struct tg_buf faults;

    (void)state;
    r->now.wall = TG_RIG_WALL_US;
    tg_rig_import_text(r, file, 0);
    for (size_t i = 0; i < TG_ARRAY_LEN(want); i++)
        assert_int_equal(variant(r, want[i].sku)->price, want[i].price);
    tg_rig_faults(r, &faults);
    assert_string_equal(tg_buf_cstr(&faults),
                        "6 sale_price_effective_date: These are not two times.\n"
                        "7 sale_price_effective_date: The sale ends before it begins.\n");
    tg_buf_done(&faults);
    r->now.wall += (tg_us)86400 * TG_US_PER_S;
    tg_rig_import_text(r, file, 0);
    assert_int_equal(variant(r, "now")->price, 50000);
    assert_int_equal(variant(r, "soon")->price, 30000);
    tg_rig_import_text(r,
                       "Type,SKU,Name,Sale price,Date sale price starts,Date sale price ends,"
                       "Regular price\nsimple,W1,W1,300,2026-05-29 00:00:00,,500\n"
                       "simple,W2,W2,300,2026-06-05,,500\nsimple,W3,W3,300,,2026-05-28,500\n"
                       "simple,W4,W4,300,,2026-05-29,500\nsimple,W5,W5,300,,soon,500\n",
                       0);
    assert_int_equal(variant(r, "W1")->price, 30000);
    assert_int_equal(variant(r, "W2")->price, 50000);
    assert_int_equal(variant(r, "W3")->price, 50000);
    assert_int_equal(variant(r, "W4")->price, 30000);
    assert_int_equal(r->import.faults, 1);
    tg_rig_close(r);
}

/* The check and the writing of a strict import agree, though the sale ends between them. */
static void test_the_time_of_an_import_is_its_start(void **state)
{
    static const char file[] = "id\ttitle\tprice\tsale price\tsale price effective date\n"
                               "A\tA\t500\t300\t2026-05-28T20:00Z/2026-05-28T20:30Z\n";
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    tg_rig_file(r, file, strlen(file));
    req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);
    tg_str_cut(req->key, sizeof(req->key), "google");
    req->number = TG_IMPORT_STRICT;
    r->now.wall = TG_RIG_WALL_US;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 202);
    assert_null(tg_shop_variant(tg_sale_shop(r->sale), "A"));
    r->now.wall += (tg_us)86400 * TG_US_PER_S;
    (void)tg_rig_settle(r);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    assert_string_equal(r->import.format, "google-tsv");
    assert_int_equal(variant(r, "A")->price, 30000);
    tg_rig_close(r);
}

/* --- what is not published --- */

static void test_what_is_not_published_is_not_sold(void **state)
{
    static const char file[] = "Type,SKU,Name,Parent,Regular price,Published\n"
                               "variable,W,W,,,1\nvariation,W-S,,W,80,0\nvariation,W-M,,W,80,1\n"
                               "variation,W-L,,W,80,yes\n";
    static const char shopify[] = "Handle,Title,Published,Variant SKU,Variant Price\n"
                                  "a,A,false,A,80\nb,B,TRUE,B,80\nc,C,perhaps,C,80\n";
    struct tg_rig *r = tg_rig_open();
    char *text;

    (void)state;
    for (int i = 0; i < 2; i++) { /* nor does the next import sell it again */
        tg_rig_import_text(r, file, 0);
        assert_int_equal(r->import.faults, 1);
        assert_true(variant(r, "W-S")->archived);
        assert_false(variant(r, "W-M")->archived);
        assert_null(tg_shop_variant(tg_sale_shop(r->sale), "W-L"));
    }
    text = tg_rig_export(r, TG_EXPORT_WOOCOMMERCE);
    tg_rig_import_text(r, text, 0);
    tg_free(text);
    assert_int_equal(r->import.faults, 0);
    assert_true(variant(r, "W-S")->archived);
    tg_rig_import_text(r, shopify, 0);
    assert_int_equal(r->import.faults, 1);
    assert_true(variant(r, "A")->product->archived);
    assert_false(variant(r, "B")->product->archived);
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_ends_in_any_field_spoil_nothing),
        cmocka_unit_test(test_options_of_one_name_spoil_nothing),
        cmocka_unit_test(test_a_column_that_is_missing_erases_nothing),
        cmocka_unit_test(test_an_empty_cell_erases),
        cmocka_unit_test(test_sale_prices_hold_within_their_window),
        cmocka_unit_test(test_the_time_of_an_import_is_its_start),
        cmocka_unit_test(test_what_is_not_published_is_not_sold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
