/* test_feed_fields.c - fields of files: what comes out of them can be stored and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "support/lib/feed_fields.h"

struct seen {
    struct tg_buf products; /* a JSON line each */
    struct tg_buf faults;   /* "field: reason" */
    enum tg_feed_format format;
    tg_err err;
};

/* What the store does with it: documents and options go out and come in again. */
static void assert_storable(const struct tg_feed_product *p)
{
    struct tg_feed_arena a = {0};
    struct tg_feed_product product;
    struct tg_feed_variant variant;
    struct tg_buf doc;

    tg_buf_init(&doc, 1 << 20);
    tg_feed_product_doc(&doc, p);
    if (tg_feed_product_read(&a, &product, tg_buf_cstr(&doc), doc.len, NULL, NULL) != TG_OK)
        fail_msg("cannot be read again: %s", tg_buf_cstr(&doc));
    for (uint32_t i = 0; i < p->variants.count; i++) {
        struct tg_feed_pairs options = {0};

        tg_buf_clear(&doc);
        tg_feed_variant_doc(&doc, &p->variants.at[i]);
        assert_int_equal(tg_feed_variant_read(&a, &variant, tg_buf_cstr(&doc), doc.len, NULL, NULL),
                         TG_OK);
        tg_buf_clear(&doc);
        tg_feed_options_json(&doc, &p->variants.at[i].options);
        if (tg_feed_options_read(&a, &options, tg_buf_cstr(&doc)) != TG_OK)
            fail_msg("cannot be read again: %s", tg_buf_cstr(&doc));
    }
    tg_buf_done(&doc);
    tg_feed_arena_done(&a);
}

static void take(struct seen *s, struct tg_feed *f)
{
    enum tg_feed_got got;

    while ((got = tg_feed_next(f)) != TG_FEED_NONE) {
        struct tg_jo j = tg_jo(&s->products);

        if (got == TG_FEED_FAULT) {
            tg_buf_printf(&s->faults, "%s: %s\n", tg_feed_fault(f)->field,
                          tg_feed_fault(f)->reason);
            continue;
        }
        assert_storable(tg_feed_product(f));
        tg_feed_write_torg(&j, tg_feed_product(f), "NOK");
        tg_buf_add_str(&s->products, "\n");
    }
}

static void look(struct seen *s, enum tg_feed_format format, const char *text)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_feed_cfg cfg = {.format = format, .currency = "NOK", .rng = &rng};
    struct tg_feed *f = NULL;

    *s = (struct seen){.err = TG_OK};
    tg_buf_init(&s->products, 1 << 20);
    tg_buf_init(&s->faults, 1 << 20);
    assert_int_equal(tg_feed_new(&f, &cfg), TG_OK);
    tg_feed_input(f, text, strlen(text));
    take(s, f);
    tg_feed_end(f);
    take(s, f);
    s->err = tg_feed_error(f);
    s->format = tg_feed_format_of(f);
    tg_feed_free(f);
}

static void assert_has(struct tg_buf *b, const char *text)
{
    if (strstr(tg_buf_cstr(b), text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, tg_buf_cstr(b));
}

static void forget(struct seen *s)
{
    tg_buf_done(&s->products);
    tg_buf_done(&s->faults);
}

static void test_odd_texts_never_come_out(void **state)
{
    static const char *const odd[] = {"\n",   "\r\n \n",  "\t",           "\r", "\x01", "\x1f",
                                      "\x7f", "\xc2\x85", "\xe2\x80\xa8", "<",  "\"\"", "\\"};

    (void)state;
    for (int x = TG_FEED_GOOGLE_XML; x < TG_FEED_FORMAT_COUNT; x++) {
        enum tg_feed_format format = (enum tg_feed_format)x;

        for (unsigned i = 0; i < tg_feed_fields_count(format); i++) {
            for (size_t k = 0; k < TG_ARRAY_LEN(odd); k++) {
                struct tg_buf text;
                struct seen s;

                tg_buf_init(&text, 1 << 16);
                tg_feed_fields_make(&text, format, i, odd[k]);
                look(&s, format, tg_buf_cstr(&text)); /* asserts that what comes is storable */
                if (odd[k][0] == '\x01' && format != TG_FEED_GOOGLE_XML && s.faults.len == 0 &&
                    strstr(tg_buf_cstr(&s.products), "\\u0001") != NULL)
                    fail_msg("field %u of %s", i, tg_feed_format_name(format));
                forget(&s);
                tg_buf_done(&text);
            }
        }
    }
}

static void test_line_ends_become_blanks_where_one_line_is_due(void **state)
{
    struct seen s;

    (void)state;
    look(&s, TG_FEED_SHOPIFY,
         "Handle,Title,Vendor,Type,Tags,Variant SKU,Variant Price,Image Src,Image Alt Text\n"
         "h,\"Wool\n  sweater  x\",\"\tB\r\nC \",\"Home\n>\tLight\nlamps\",\"a,\nb\",\" H \",1,"
         "https://x.no/1.jpg,\"two\nlines\"\n");
    assert_string_equal(tg_buf_cstr(&s.faults), "");
    assert_has(&s.products, "\"title\":\"Wool sweater  x\"");
    assert_has(&s.products, "\"brand\":\"B C\"");
    assert_has(&s.products, "\"alt\":\"two lines\"");
    assert_has(&s.products, "[\"Home > Light lamps\"]");
    assert_has(&s.products, "\"value\":\"a,\\nb\""); /* an attribute may have lines */
    assert_has(&s.products, "\"sku\":\"H\"");
    forget(&s);
}

/* Documents of the API are refused where the files' texts are mended. */
static void test_json_refuses_what_it_could_not_read_again(void **state)
{
    static const char *const bad[] = {
        "{\"title\":\"a\\nb\"}",
        "{\"brand\":\"a\\tb\"}",
        "{\"categories\":[\"a\\nb\"]}",
        "{\"attributes\":[{\"name\":\"a\\nb\",\"value\":\"x\"}]}",
        "{\"pictures\":[{\"url\":\"/a.jpg\",\"alt\":\"a\\nb\"}]}",
        "{\"texts\":{\"nb\":{\"options\":{\"a\\nb\":\"x\"}}}}",
        "{\"variants\":[{\"sku\":\"A\",\"options\":{\"a\\nb\":\"x\"}}]}",
        "{\"variants\":[{\"sku\":\"A\",\"options\":{\"a\":\"x\\ny\"}}]}",
        "{\"variants\":[{\"sku\":\"A\",\"options\":{\"a\":\"x\",\"a\":\"y\"}}]}"};
    struct tg_feed_arena a = {0};
    struct tg_feed_product p;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_equal(tg_feed_product_read(&a, &p, bad[i], strlen(bad[i]), NULL, NULL),
                         TG_ERR_MALFORMED);
    tg_feed_arena_done(&a);
}

static void test_amounts_of_another_currency_are_faults(void **state)
{
    struct seen s;

    (void)state;
    look(&s, TG_FEED_SHOPIFY,
         "Handle,Title,Variant SKU,Variant Price,Variant Compare At Price,Cost per item\n"
         "a,A,A,100,150 EUR,\nb,B,B,100,,10 USD\nc,C,C,100 SEK,,\nd,D,D,NOK 100,150 NOK,1 NOK\n");
    assert_string_equal(
        tg_buf_cstr(&s.faults),
        "Variant Compare At Price: The amount is in another currency than the shop's.\n"
        "Cost per item: The amount is in another currency than the shop's.\n"
        "Variant Price: The amount is in another currency than the shop's.\n");
    assert_has(&s.products, "\"sku\":\"D\",\"price\":{\"amount\":10000");
    forget(&s);
    look(&s, TG_FEED_GOOGLE_TSV,
         "id\ttitle\tprice\tsale price\tcost of goods sold\nA\tA\t100\t\t10 USD\n"
         "B\tB\t100\t90 USD\t\n");
    assert_string_equal(tg_buf_cstr(&s.faults),
                        "cost_of_goods_sold: The amount is in another currency than the shop's.\n"
                        "sale_price: The amount is in another currency than the shop's.\n");
    forget(&s);
}

static void test_a_table_without_a_header_stops(void **state)
{
    static const enum tg_feed_format tables[] = {TG_FEED_GOOGLE_TSV, TG_FEED_SHOPIFY,
                                                 TG_FEED_WOOCOMMERCE};
    static const char *const empty[] = {"", "\n\r\n", "\xef\xbb\xbf", "\xef\xbb\xbf\n"};
    struct seen s;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(tables); i++) {
        for (size_t k = 0; k < TG_ARRAY_LEN(empty); k++) {
            look(&s, tables[i], empty[k]);
            assert_string_equal(tg_buf_cstr(&s.faults),
                                ": The file ends before its first row, which names the columns.\n");
            assert_int_equal(s.err, TG_ERR_MALFORMED);
            forget(&s);
        }
    }
    look(&s, TG_FEED_AUTO, "\xef\xbb\xbf \n");
    assert_string_equal(tg_buf_cstr(&s.faults), ": The file is empty.\n");
    forget(&s);
    for (int i = 0; i < 2; i++) {
        look(&s, i == 0 ? TG_FEED_AUTO : TG_FEED_SHOPIFY,
             "Handle,Title,\"Variant SKU\",\"Variant Price\"\r\"a\",A,A,100\rb,B,B,100\r");
        assert_string_equal(tg_buf_cstr(&s.faults),
                            ": The lines end with CR alone, as old Macs wrote them.\n");
        assert_int_equal(s.err, TG_ERR_MALFORMED);
        forget(&s);
    }
    look(&s, TG_FEED_SHOPIFY, "Handle,Title,Variant SKU,Variant Price\r\r\na,A,A,100\r\r\n");
    assert_string_equal(tg_buf_cstr(&s.faults), "");
    assert_has(&s.products, "\"sku\":\"A\"");
    forget(&s);
}

static void test_google_is_told_apart_by_its_first_byte(void **state)
{
    struct seen s;

    (void)state;
    assert_int_equal(tg_feed_format_parse("google"), TG_FEED_GOOGLE);
    assert_int_equal(tg_feed_format_parse("google-xml"), TG_FEED_GOOGLE_XML);
    assert_int_equal(tg_feed_format_parse("google-tsv"), TG_FEED_GOOGLE_TSV);
    assert_int_equal(tg_feed_format_parse("gogle"), TG_FEED_AUTO);
    look(&s, TG_FEED_GOOGLE, "\xef\xbb\xbfprice\tid\ttitle\n1\tA\tA\n");
    assert_int_equal(s.format, TG_FEED_GOOGLE_TSV);
    assert_has(&s.products, "\"sku\":\"A\"");
    forget(&s);
    look(&s, TG_FEED_GOOGLE,
         "\n<rss xmlns:g=\"http://base.google.com/ns/1.0\"><item><g:id>A</g:id><title>A</title>"
         "<g:price>1</g:price></item></rss>");
    assert_int_equal(s.format, TG_FEED_GOOGLE_XML);
    assert_has(&s.products, "\"sku\":\"A\"");
    forget(&s);
    look(&s, TG_FEED_GOOGLE, "");
    assert_string_equal(tg_buf_cstr(&s.faults), ": The file is empty.\n");
    forget(&s);
}

static void test_weights_are_rounded(void **state)
{
    static const struct {
        const char *text;
        const char *unit;
        int64_t grams;
    } good[] = {{"453.59237", "g", 454},  {"0.45359", "kg", 454},
                {"0.45359 kg", "g", 454}, {"1,0004999", "kg", 1000},
                {"0.9996", "g", 1},       {"1.2345678901234567890", "kg", 1235},
                {"1 299,5004", "g", 1300}};
    static const char *const bad[] = {"1.2.34567", "0.45x59", "1.2345.6", ".", "1.-23456"};
    int64_t grams;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(good); i++) {
        assert_int_equal(tg_feed_weight(&grams, good[i].text, good[i].unit), TG_OK);
        assert_int_equal(grams, good[i].grams);
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_not_equal(tg_feed_weight(&grams, bad[i], "g"), TG_OK);
}

static void test_times_as_feeds_write_them(void **state)
{
    static const struct {
        const char *text;
        int64_t second;
    } good[] = {{"1970-01-01", 0},
                {"2000-02-29T12:00Z", 951825600},
                {"2026-05-28T20:26:40Z", 1780000000},
                {"2026-05-28T22:26:40+0200", 1780000000},
                {"2026-05-28T22:26:40.5+02:00", 1780000000},
                {"2026-05-28T15:26:40-05", 1780000000},
                {"2026-05-28 20:26:40", 1780000000},
                {" 2026-05-28 20:26:40 +0000 ", 1780000000},
                {"2026-05-27T24:00", 1779926400}};
    static const char *const bad[] = {"",           "2026-05",           "2026-13-01",
                                      "2026-02-29", "2026-05-28T25:00",  "2026-05-28T20",
                                      "28.05.2026", "2026-05-28T20:26+", "2026-05-28x",
                                      "1969-01-01", "2026-05-28T24:01",  "2026-05-28T10:00:0"};
    tg_us at;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(good); i++) {
        assert_int_equal(tg_feed_time(&at, good[i].text, false), TG_OK);
        assert_int_equal(at, good[i].second * TG_US_PER_S);
    }
    assert_int_equal(tg_feed_time(&at, "1970-01-01", true), TG_OK);
    assert_int_equal(at, (tg_us)86400 * TG_US_PER_S);
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_not_equal(tg_feed_time(&at, bad[i], false), TG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_texts_never_come_out),
        cmocka_unit_test(test_line_ends_become_blanks_where_one_line_is_due),
        cmocka_unit_test(test_json_refuses_what_it_could_not_read_again),
        cmocka_unit_test(test_amounts_of_another_currency_are_faults),
        cmocka_unit_test(test_a_table_without_a_header_stops),
        cmocka_unit_test(test_google_is_told_apart_by_its_first_byte),
        cmocka_unit_test(test_weights_are_rounded),
        cmocka_unit_test(test_times_as_feeds_write_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
