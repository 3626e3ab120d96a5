#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "feed/feed.h"
#include "feed/words.h"
#include "support/lib/feeds.h"

/* Everything that a file gives: products as torg JSON, faults as "line field: reason". */
struct read {
    struct tg_buf products;
    struct tg_buf faults;
    uint32_t product_count;
    uint32_t variant_count;
    uint32_t fault_count;
    enum tg_feed_format format;
    tg_err err;
};

static void read_init(struct read *r)
{
    *r = (struct read){.err = TG_OK};
    tg_buf_init(&r->products, 64 << 20);
    tg_buf_init(&r->faults, 16 << 20);
}

static void read_done(struct read *r)
{
    tg_buf_done(&r->products);
    tg_buf_done(&r->faults);
}

static void take(struct read *r, struct tg_feed *f)
{
    enum tg_feed_got got;

    while ((got = tg_feed_next(f)) != TG_FEED_NONE) {
        if (got == TG_FEED_PRODUCT) {
            const struct tg_feed_product *p = tg_feed_product(f);
            struct tg_jo j = tg_jo(&r->products);

            tg_feed_write_torg(&j, p, "NOK");
            tg_buf_add_str(&r->products, "\n");
            r->product_count++;
            r->variant_count += p->variants.count;
        } else {
            const struct tg_feed_fault *fault = tg_feed_fault(f);

            tg_buf_printf(&r->faults, "%u %s: %s\n", (unsigned)fault->line, fault->field,
                          fault->reason);
            r->fault_count++;
        }
    }
}

static tg_err read_all(struct read *r, enum tg_feed_format format, const char *data, size_t len,
                       size_t chunk)
{
    static struct tg_rng rng;
    struct tg_feed_cfg cfg = {.format = format, .currency = "NOK", .rng = &rng};
    struct tg_feed *f = NULL;
    tg_err err;

    rng = tg_rng_seeded(1);
    err = tg_feed_new(&f, &cfg);
    if (err != TG_OK)
        return err;
    for (size_t at = 0; at < len; at += chunk) {
        tg_feed_input(f, data + at, TG_MIN(chunk, len - at));
        take(r, f);
    }
    tg_feed_end(f);
    take(r, f);
    r->err = tg_feed_error(f);
    r->format = tg_feed_format_of(f);
    tg_feed_free(f);
    return r->err == TG_ERR_NOMEM ? TG_ERR_NOMEM : TG_OK;
}

static void read_text(struct read *r, enum tg_feed_format format, const char *text)
{
    read_init(r);
    assert_int_equal(read_all(r, format, text, strlen(text), 7), TG_OK);
}

static void assert_has(struct tg_buf *b, const char *text)
{
    if (strstr(tg_buf_cstr(b), text) == NULL)
        fail_msg("\"%s\" is not in:\n%s", text, tg_buf_cstr(b));
}

/* --- values --- */

static void test_money_as_people_write_it(void **state)
{
    static const struct {
        const char *text;
        int64_t amount;
        const char *currency;
    } good[] = {{"349.00 NOK", 34900, "NOK"},
                {"NOK 349", 34900, "NOK"},
                {"349,50", 34950, ""},
                {"1 299.50", 129950, ""},
                {"1,299", 129900, ""},
                {"1.299,00 SEK", 129900, "SEK"},
                {"0", 0, ""},
                {"12.3", 1230, ""},
                {"500 JPY", 500, "JPY"},
                {"1.234 KWD", 1234, "KWD"},
                {" 7 ", 700, ""},
                {"5.5000", 550, ""},
                {"1,299,000", 129900000, ""},
                {"1'299.50", 129950, ""},
                {"1 299 000,5", 129900050, ""}};
    static const char *const bad[] = {
        "",          "free",           "-1",       "1.2.x",   "NOK",
        "1e5",       "99999999999999", "1.2.3",    "1,2,3",   "1.299.50",
        "12,34,567", "1,299 000",      "1299,500", "1,29.50", "2024.01.02"};
    char currency[4];
    int64_t amount;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(good); i++) {
        assert_int_equal(tg_feed_money(&amount, currency, good[i].text, "NOK"), TG_OK);
        assert_int_equal(amount, good[i].amount);
        assert_string_equal(currency, good[i].currency);
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_not_equal(tg_feed_money(&amount, currency, bad[i], "NOK"), TG_OK);
}

/* A row of 512 KiB of '<' is read once, not once for each: that took minutes, more than a test has.
 */
static void test_html_without_an_end_is_read_in_linear_time(void **state)
{
    enum { LEN = 512 * 1024 };
    struct tg_feed_arena a = {0};
    char *html = tg_calloc(1, LEN + 1);
    const char *plain;

    (void)state;
    assert_non_null(html);
    memset(html, '<', LEN);
    plain = tg_feed_plain(&a, html);
    assert_int_equal(strlen(plain), LEN);
    tg_feed_arena_done(&a);
    tg_free(html);
}

static void test_skus_that_addresses_can_carry(void **state)
{
    static const char *const skus[] = {"A", "A.B", "W31/L32", "...", "a b", "K\xc3\x98PP"};
    static const char *const not_skus[] = {"",  " A",  "A ",   "/A",     "A/", "A//B",
                                           ".", "A/.", "../A", "A/../B", "/",  "A\nB"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(skus); i++)
        assert_true(tg_feed_sku_ok(skus[i], strlen(skus[i])));
    for (size_t i = 0; i < TG_ARRAY_LEN(not_skus); i++)
        assert_false(tg_feed_sku_ok(not_skus[i], strlen(not_skus[i])));
}

static void test_gtin_check_digit(void **state)
{
    (void)state;
    assert_true(tg_feed_gtin_ok("4006381333931")); /* GS1's own examples */
    assert_true(tg_feed_gtin_ok("96385074"));
    assert_true(tg_feed_gtin_ok("036000291452"));
    assert_true(tg_feed_gtin_ok("10614141000415"));
    assert_false(tg_feed_gtin_ok("4006381333932"));
    assert_false(tg_feed_gtin_ok("400638133393"));
    assert_false(tg_feed_gtin_ok("40063813339a1"));
    assert_false(tg_feed_gtin_ok(""));
}

static void test_weight_in_grams(void **state)
{
    int64_t g;

    (void)state;
    assert_int_equal(tg_feed_weight(&g, "1.5 kg", "g"), TG_OK);
    assert_int_equal(g, 1500);
    assert_int_equal(tg_feed_weight(&g, "0.4", "kg"), TG_OK);
    assert_int_equal(g, 400);
    assert_int_equal(tg_feed_weight(&g, "12oz", "g"), TG_OK);
    assert_int_equal(g, 340);
    assert_int_not_equal(tg_feed_weight(&g, "heavy", "g"), TG_OK);
    assert_int_not_equal(tg_feed_weight(&g, "1 stone", "g"), TG_OK);
}

static void test_ids_stay_the_same_and_fit(void **state)
{
    char id[TG_FEED_ID_SIZE];
    char again[TG_FEED_ID_SIZE];

    (void)state;
    tg_feed_id(id, "wool-sweater_2");
    assert_string_equal(id, "wool-sweater_2");
    tg_feed_id(id, "a very long handle of a product that nobody can type by hand 123");
    tg_feed_id(again, "a very long handle of a product that nobody can type by hand 124");
    assert_true(strlen(id) < TG_FEED_ID_SIZE);
    assert_string_not_equal(id, again);
    tg_feed_id(again, id);
    assert_string_equal(id, again);
}

/* --- formats --- */

static void test_csv_quotes_newlines_bom_and_missing_end(void **state)
{
    struct read r;

    (void)state;
    read_text(&r, TG_FEED_SHOPIFY,
              "\xef\xbb\xbfHandle,Title,Body (HTML),Variant SKU,Variant Price\r\n"
              "a,\"Sweater, \"\"soft\"\"\",\"<p>one\ntwo</p>\",A-1,349.00\r\n"
              "b,Hat,,B-1,99");
    assert_int_equal(r.fault_count, 0);
    assert_int_equal(r.product_count, 2);
    assert_has(&r.products, "\"title\":\"Sweater, \\\"soft\\\"\",\"description\":\"one\\ntwo\"");
    assert_has(&r.products, "{\"sku\":\"B-1\",\"price\":{\"amount\":9900,\"currency\":\"NOK\"}}");
    read_done(&r);
}

static void test_csv_faults_name_their_line(void **state)
{
    struct read r;

    (void)state;
    read_text(&r, TG_FEED_SHOPIFY,
              "Handle,Title,Variant SKU,Variant Price\n"
              "a,One,A-1,10\n"
              "a,,A-2\n"
              "a,,A-3,\"x\n"
              "y\"\n"
              "b,Bl\xe5,B-1,10\n"
              "c,\"Three\"x,C-1,10\n"
              "d,Four,D-1,10\n"
              "a,,A-4,10\n"
              "e,,E-1,10\n"
              "f,Six,F-1,\"10");
    assert_string_equal(tg_buf_cstr(&r.faults),
                        "3 : The row has 3 columns, the header has 4.\n"
                        "4 Variant Price: This is no amount of money.\n"
                        "6 : The row is not UTF-8; it looks like Latin-1 or Windows-1252.\n"
                        "7 : Text follows a closing quote.\n"
                        "9 Handle: This handle stood further up, with others between.\n"
                        "10 Title: The first row of a product has its title.\n"
                        "11 : A quote is opened here and never closed.\n");
    assert_int_equal(r.product_count, 2);
    read_done(&r);
}

static void test_header_missing_or_twice_stops(void **state)
{
    struct read r;

    (void)state;
    read_text(&r, TG_FEED_SHOPIFY, "Handle,Variant SKU\na,b\n");
    assert_int_equal(r.err, TG_ERR_MALFORMED);
    assert_has(&r.faults, "1 Title: The first row must name the columns");
    read_done(&r);
    read_text(&r, TG_FEED_GOOGLE_TSV, "id\ttitle\tprice\tprice\n");
    assert_has(&r.faults, "1 price: The column stands there twice.");
    read_done(&r);
    read_text(&r, TG_FEED_SHOPIFY, "\xff\xfeH\0a\0");
    assert_has(&r.faults, "UTF-16");
    read_done(&r);
}

static void test_google_rss_atom_and_groups(void **state)
{
    struct read r;

    (void)state;
    read_text(&r, TG_FEED_AUTO,
              "<?xml version=\"1.0\"?><rss xmlns:g=\"http://base.google.com/ns/1.0\"><channel>"
              "<title>Shop</title><item><g:id>A-1</g:id><g:item_group_id>a</g:item_group_id>"
              "<title>Blue &amp; soft</title><link>https://x.example/1</link>"
              "<g:price>100 NOK</g:price><g:sale_price>80 NOK</g:sale_price><g:size>S</g:size>"
              "<g:shipping><g:price>49 NOK</g:price></g:shipping>"
              "<g:product_detail><g:attribute_name>Wool</g:attribute_name>"
              "<g:attribute_value>100 %</g:attribute_value></g:product_detail></item>"
              "<item><g:id>A-2</g:id><g:item_group_id>a</g:item_group_id><title>Blue M</title>"
              "<g:price>100 NOK</g:price><g:size>M</g:size></item></channel></rss>");
    assert_int_equal(r.format, TG_FEED_GOOGLE_XML);
    assert_string_equal(tg_buf_cstr(&r.faults), "");
    assert_has(&r.products, "{\"id\":\"a\",\"title\":\"Blue & soft\"");
    assert_has(&r.products, "{\"name\":\"Wool\",\"value\":\"100 %\"}");
    assert_has(&r.products, "\"price\":{\"amount\":8000,\"currency\":\"NOK\"},\"compare_at\":{"
                            "\"amount\":10000,\"currency\":\"NOK\"}");
    assert_has(&r.products, "{\"id\":\"a\",\"variants\":[{\"sku\":\"A-2\"");
    read_done(&r);
    read_text(&r, TG_FEED_GOOGLE_XML,
              "<feed xmlns=\"http://www.w3.org/2005/Atom\" "
              "xmlns:g=\"http://base.google.com/ns/1.0\"><entry><g:id>B</g:id>"
              "<id>https://x.example/b</id><title>Cup</title><summary>For tea</summary>"
              "<link href=\"https://x.example/b\"/><g:price>10.00 NOK</g:price></entry></feed>");
    assert_has(&r.products, "{\"id\":\"B\",\"title\":\"Cup\",\"description\":\"For tea\"");
    read_done(&r);
}

static void test_google_xml_refuses_doctype_and_broken_xml(void **state)
{
    struct read r;

    (void)state;
    read_text(
        &r, TG_FEED_GOOGLE_XML,
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><rss><item>&b;</item></rss>");
    assert_has(&r.faults, "DOCTYPE: A document type is not allowed in a feed.");
    assert_int_equal(r.err, TG_ERR_MALFORMED);
    read_done(&r);
    read_text(&r, TG_FEED_GOOGLE_XML, "<rss>\n<item>\n<g>a & b</g></item></rss>");
    assert_has(&r.faults, "3 : The XML is broken");
    read_done(&r);
    read_text(&r, TG_FEED_GOOGLE_XML, "<rss><item>");
    assert_has(&r.faults, "The XML is broken");
    read_done(&r);
}

static void test_woo_parents_and_variations(void **state)
{
    struct read r;

    (void)state;
    read_text(&r, TG_FEED_AUTO,
              "ID,Type,SKU,Name,Published,Regular price,Sale price,Parent,Tax class,"
              "Attribute 1 name,Attribute 1 value(s)\n"
              "1,variable,W,Sweater,1,,,,,Size,\"S, M\"\n"
              "2,variation,W-S,Sweater - S,1,100,80,W,parent,Size,S\n"
              "3,variation,W-M,Sweater - M,1,100,,id:1,reduced-rate,Size,M\n"
              "4,variation,X-M,Lost,1,100,,id:9,,Size,M\n"
              "5,\"simple, virtual\",G,Gift card,-1,500,,,,Colour,red\n"
              "6,grouped,Z,Set,1,,,,,,\n");
    assert_int_equal(r.format, TG_FEED_WOOCOMMERCE);
    assert_string_equal(tg_buf_cstr(&r.faults),
                        "5 Parent: The parent of this variation does not stand further up.\n"
                        "7 Type: torg does not know this type of product.\n");
    assert_has(&r.products, "{\"id\":\"W\",\"variants\":[{\"sku\":\"W-M\",\"options\":{\"Size\":"
                            "\"M\"},\"price\":{\"amount\":10000,\"currency\":\"NOK\"},"
                            "\"tax_class\":\"reduced-rate\"}]}");
    assert_has(&r.products, "\"attributes\":[{\"name\":\"Colour\",\"value\":\"red\"}],"
                            "\"archived\":true");
    read_done(&r);
}

static void test_torg_lines_arrays_and_faults(void **state)
{
    static const char body[] =
        "{\"id\":\"a\",\"title\":\"A\",\"variants\":[{\"sku\":\"A-1\",\"price\":100},"
        "{\"sku\":\"A-2\",\"price\":-1}]}";
    char text[512];
    struct read r;

    (void)state;
    for (int form = 0; form < 3; form++) {
        (void)snprintf(text, sizeof(text),
                       form == 0   ? "%s\n%s\n"
                       : form == 1 ? "[%s,\n%s]"
                                   : "{\"products\":[%s,\n%s]}",
                       body, "{\"id\":\"b\",\"title\":\"B\",\"wrong\":1}");
        read_text(&r, TG_FEED_AUTO, text);
        assert_int_equal(r.err, TG_OK);
        assert_string_equal(tg_buf_cstr(&r.faults),
                            "1 variants[1].price: This is not a number that is allowed here.\n"
                            "2 wrong: A product has no such field.\n");
        assert_int_equal(r.product_count, 1);
        assert_int_equal(r.variant_count, 1);
        read_done(&r);
    }
    read_text(&r, TG_FEED_TORG, "{\"id\":\"a\",\n");
    assert_has(&r.faults, "1 : The file ends within this product.");
    read_done(&r);
    read_text(&r, TG_FEED_TORG, "{\"id\":\"a\",}\n{\"id\":\"b\",\"title\":\"B\"}");
    assert_int_equal(r.fault_count, 1);
    assert_int_equal(r.product_count, 1);
    read_done(&r);
}

static void test_product_bigger_than_allowed_is_named(void **state)
{
    struct tg_buf text;
    struct read r;

    (void)state;
    tg_buf_init(&text, 8 << 20);
    tg_buf_add_str(&text, "{\"id\":\"a\",\"description\":\"");
    while (text.len < (3U << 20))
        tg_buf_add_str(&text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    tg_buf_add_str(&text, "\"}\n{\"id\":\"b\",\"title\":\"B\"}\n");
    read_init(&r);
    assert_int_equal(read_all(&r, TG_FEED_TORG, (const char *)text.data, text.len, 5000), TG_OK);
    assert_has(&r.faults, "1 : The product has more than 2 MiB.");
    assert_int_equal(r.product_count, 1);
    read_done(&r);
    tg_buf_done(&text);
}

static const char *auto_text(enum tg_feed_format format, struct tg_buf *out, uint32_t faulty,
                             struct tg_feeds_made *made)
{
    struct tg_feeds_cfg cfg = {.format = format, .seed = 7, .variants = 5000, .faulty = faulty};

    tg_buf_init(out, 64 << 20);
    tg_feeds_make(out, &cfg, made);
    assert_int_equal(out->err, TG_OK);
    return tg_buf_cstr(out);
}

/* 5,000 rows of each format: what is good comes out, each row at fault is named. */
static void test_realistic_files_give_what_is_in_them(void **state)
{
    (void)state;
    for (int format = TG_FEED_GOOGLE_XML; format < TG_FEED_FORMAT_COUNT; format++) {
        struct tg_feeds_made made;
        struct tg_buf text;
        struct read r;

        (void)auto_text((enum tg_feed_format)format, &text, 9, &made);
        read_init(&r);
        assert_int_equal(read_all(&r, TG_FEED_AUTO, (const char *)text.data, text.len, 4096),
                         TG_OK);
        assert_int_equal(r.err, TG_OK);
        assert_int_equal(r.format, format);
        if (r.variant_count != made.variants || r.fault_count < made.faults)
            fail_msg("%s: %u of %u variants, %u of %u faults\n%.2000s",
                     tg_feed_format_name(r.format), (unsigned)r.variant_count,
                     (unsigned)made.variants, (unsigned)r.fault_count, (unsigned)made.faults,
                     tg_buf_cstr(&r.faults));
        read_done(&r);
        tg_buf_done(&text);
    }
}

/* However a file is cut into chunks, the same comes out. */
static void test_chunks_make_no_difference(void **state)
{
    (void)state;
    for (int format = TG_FEED_GOOGLE_XML; format < TG_FEED_FORMAT_COUNT; format++) {
        struct tg_feeds_cfg cfg = {
            .format = (enum tg_feed_format)format, .seed = 3, .variants = 60, .faulty = 4};
        static const size_t chunks[] = {1, 13, 100000};
        struct tg_feeds_made made;
        struct tg_buf text;
        struct read r[TG_ARRAY_LEN(chunks)];

        tg_buf_init(&text, 1 << 20);
        tg_feeds_make(&text, &cfg, &made);
        for (size_t i = 0; i < TG_ARRAY_LEN(chunks); i++) {
            read_init(&r[i]);
            assert_int_equal(
                read_all(&r[i], TG_FEED_AUTO, (const char *)text.data, text.len, chunks[i]), TG_OK);
            assert_string_equal(tg_buf_cstr(&r[0].products), tg_buf_cstr(&r[i].products));
            assert_string_equal(tg_buf_cstr(&r[0].faults), tg_buf_cstr(&r[i].faults));
        }
        for (size_t i = 0; i < TG_ARRAY_LEN(chunks); i++)
            read_done(&r[i]);
        tg_buf_done(&text);
    }
}

static void test_without_memory_says_so(void **state)
{
    (void)state;
    for (int format = TG_FEED_GOOGLE_XML; format < TG_FEED_FORMAT_COUNT; format++) {
        struct tg_feeds_cfg cfg = {
            .format = (enum tg_feed_format)format, .seed = 3, .variants = 6, .faulty = 3};
        struct tg_feeds_made made;
        struct tg_buf text;

        tg_buf_init(&text, 1 << 20);
        tg_feeds_make(&text, &cfg, &made);
        for (long n = 0;; n++) {
            struct read r;
            tg_err err;
            bool failed;

            read_init(&r);
            tg_alloc_fail_nth(n);
            err =
                read_all(&r, (enum tg_feed_format)format, (const char *)text.data, text.len, 4096);
            failed = tg_alloc_failed();
            tg_alloc_fail_nth(-1);
            /* The test's own buffers allocate too; then the feed itself is fine. */
            assert_true(err == TG_OK || err == TG_ERR_NOMEM);
            read_done(&r);
            if (!failed)
                break;
        }
        tg_buf_done(&text);
    }
}

/* --- merging, documents, exports --- */

static void test_merge_keeps_what_is_not_given(void **state)
{
    static const char base[] = "{\"title\":\"A\",\"brand\":\"B\",\"categories\":[\"x\"]}";
    static const char given[] = "{\"title\":\"C\",\"categories\":[]}";
    struct tg_feed_arena a = {0};
    struct tg_feed_product p;
    struct tg_feed_product q;
    struct tg_buf out;

    (void)state;
    assert_int_equal(tg_feed_product_read(&a, &p, base, strlen(base), NULL, NULL), TG_OK);
    assert_int_equal(tg_feed_product_read(&a, &q, given, strlen(given), NULL, NULL), TG_OK);
    tg_feed_merge_product(&p, &q);
    tg_buf_init(&out, 4096);
    tg_feed_product_doc(&out, &p);
    assert_string_equal(tg_buf_cstr(&out), "{\"title\":\"C\",\"brand\":\"B\"}");
    tg_buf_done(&out);
    tg_feed_arena_done(&a);
}

/* An export read again is the same export. */
static void test_exports_are_read_again(void **state)
{
    static const enum tg_feed_format back[] = {TG_FEED_TORG, TG_FEED_GOOGLE_XML, TG_FEED_SHOPIFY,
                                               TG_FEED_WOOCOMMERCE};
    struct tg_feeds_made made;
    struct tg_buf text;

    (void)state;
    (void)auto_text(TG_FEED_TORG, &text, 0, &made);
    for (int x = 0; x < TG_EXPORT_FORMAT_COUNT; x++) {
        struct tg_export export = {.format = (enum tg_export_format)x, .currency = "NOK"};
        struct tg_feed_arena a = {0};
        const char *line = tg_buf_cstr(&text);
        struct tg_buf out;
        struct read r;
        uint32_t variants = 0;

        tg_buf_init(&out, 64 << 20);
        tg_export_head(&export, &out);
        for (int i = 0; i < 200; i++) {
            static const int64_t none[TG_FEED_VARIANTS_MAX];
            struct tg_feed_product p;
            size_t len = strcspn(line, "\n");

            tg_feed_arena_clear(&a);
            assert_int_equal(tg_feed_product_read(&a, &p, line, len, NULL, NULL), TG_OK);
            variants += p.variants.count;
            tg_export_product(&export, &out, &p, none);
            line += len + 1;
        }
        tg_export_tail(&export, &out);
        read_init(&r);
        assert_int_equal(read_all(&r, TG_FEED_AUTO, (const char *)out.data, out.len, 4096), TG_OK);
        assert_string_equal(tg_buf_cstr(&r.faults), "");
        assert_int_equal(r.format, back[x]);
        assert_int_equal(r.variant_count, variants);
        if (x == TG_EXPORT_TORG)
            assert_string_equal(tg_buf_cstr(&r.products), tg_buf_cstr(&out));
        read_done(&r);
        tg_buf_done(&out);
        tg_feed_arena_done(&a);
    }
    tg_buf_done(&text);
}

/* Whatever the format has a column for comes back. */
static void test_csv_exports_have_all_that_fits(void **state)
{
    static const char lamp[] =
        "{\"id\":\"lamp\",\"title\":\"Lamp, big\",\"description\":\"5 \\u003c 6 & "
        "\\\"so\\\"\\nmore\","
        "\"brand\":\"B\",\"pictures\":[{\"url\":\"https://x.no/1,2.jpg\"},{\"url\":"
        "\"https://x.no/3.jpg\"}],\"categories\":[\"Home > Light\",\"Sale, now\"],\"attributes\":["
        "{\"name\":\"Tags\",\"value\":\"a, b\"}],\"accessories\":[\"bulb\"],\"related\":[\"desk\"],"
        "\"variants\":[{\"sku\":\"L-1\",\"options\":{\"colour\":\"Red\"},\"price\":900,\"compare_"
        "at\":"
        "1000,\"cost\":500,\"tax_class\":\"reduced-rate\",\"barcode\":\"4006381333931\",\"weight_"
        "g\":450},"
        "{\"sku\":\"L-2\",\"options\":{\"colour\":\"Blue\"},\"price\":1000}]}";
    static const int64_t available[] = {7, 0};
    static const char *const always[] = {"\"id\":\"lamp\"",
                                         "\"title\":\"Lamp, big\"",
                                         "5 \\u003c 6 & \\\"so\\\"\\nmore",
                                         "\"brand\":\"B\"",
                                         "https://x.no/1,2.jpg",
                                         "https://x.no/3.jpg",
                                         "\"Home > Light\",\"Sale, now\"",
                                         "\"a, b\"",
                                         "\"sku\":\"L-1\"",
                                         "\"colour\":\"Red\"",
                                         "{\"amount\":900,",
                                         "{\"amount\":1000,",
                                         "\"tax_class\":\"reduced-rate\"",
                                         "4006381333931",
                                         "\"weight_g\":450",
                                         "\"sku\":\"L-2\""};

    (void)state;
    for (int x = TG_EXPORT_SHOPIFY; x <= TG_EXPORT_WOOCOMMERCE; x++) {
        struct tg_export export = {.format = (enum tg_export_format)x, .currency = "NOK"};
        struct tg_feed_arena a = {0};
        struct tg_feed_product p;
        struct tg_buf out;
        struct read r;

        tg_buf_init(&out, 1 << 20);
        assert_int_equal(tg_feed_product_read(&a, &p, lamp, strlen(lamp), NULL, NULL), TG_OK);
        tg_export_head(&export, &out);
        tg_export_product(&export, &out, &p, available);
        read_init(&r);
        assert_int_equal(read_all(&r, TG_FEED_AUTO, (const char *)out.data, out.len, 4096), TG_OK);
        assert_string_equal(tg_buf_cstr(&r.faults), "");
        for (size_t i = 0; i < TG_ARRAY_LEN(always); i++)
            assert_has(&r.products, always[i]);
        assert_has(&out, ",7,"); /* the count, which a product's JSON does not have */
        if (x == TG_EXPORT_SHOPIFY)
            assert_has(&r.products, "\"cost\":{\"amount\":500,");
        else
            assert_has(&r.products, "\"accessories\":[\"bulb\"],\"related\":[\"desk\"]");
        read_done(&r);
        tg_buf_done(&out);
        tg_feed_arena_done(&a);
    }
}

/* --- words --- */

/* What a spreadsheet would run goes out as text, and comes in as it was. */
static void test_csv_exports_run_in_no_spreadsheet(void **state)
{
    static const char evil[] =
        "{\"id\":\"-p\",\"title\":\"=HYPERLINK(\\\"x\\\")\",\"description\":\"@SUM(A1)\","
        "\"brand\":\"'+1\",\"categories\":[\"-5 degrees\"],\"attributes\":[{\"name\":\"Tags\","
        "\"value\":\"''=a, b\"}],\"variants\":[{\"sku\":\"-S\",\"options\":{\"=cut\":"
        "\"+2\"},\"price\":900,\"tax_class\":\"plain\"},{\"sku\":\"S\",\"options\":{\"=cut\":"
        "\"'plain\"},\"price\":1000}]}";
    static const char *const outside[] = {"'=HYPERLINK(", "\"'@SUM(A1)\"", "''+1",    "'-5 degrees",
                                          "\"'''=a, b\"", ",'-S,",         ",'=cut,", ",'+2,",
                                          ",'plain,",     ",9.00,"};
    static const char *const inside[] = {"\"title\":\"=HYPERLINK(",
                                         "\"description\":\"@SUM(A1)\"",
                                         "\"brand\":\"'+1\"",
                                         "\"-5 degrees\"",
                                         "\"''=a, b\"",
                                         "\"sku\":\"-S\"",
                                         "{\"=cut\":\"+2\"}",
                                         "{\"=cut\":\"'plain\"}",
                                         "\"id\":\"-p\""};
    static const int64_t available[] = {7, 0};

    (void)state;
    for (int x = TG_EXPORT_SHOPIFY; x <= TG_EXPORT_WOOCOMMERCE; x++) {
        struct tg_export export = {.format = (enum tg_export_format)x, .currency = "NOK"};
        struct tg_feed_arena a = {0};
        struct tg_feed_product p;
        struct tg_buf out;
        struct read r;

        tg_buf_init(&out, 1 << 20);
        assert_int_equal(tg_feed_product_read(&a, &p, evil, strlen(evil), NULL, NULL), TG_OK);
        tg_export_head(&export, &out);
        tg_export_product(&export, &out, &p, available);
        for (size_t i = 0; i < TG_ARRAY_LEN(outside); i++)
            assert_has(&out, outside[i]);
        read_init(&r);
        assert_int_equal(read_all(&r, TG_FEED_AUTO, (const char *)out.data, out.len, 4096), TG_OK);
        assert_string_equal(tg_buf_cstr(&r.faults), "");
        for (size_t i = 0; i < TG_ARRAY_LEN(inside); i++)
            assert_has(&r.products, inside[i]);
        read_done(&r);
        tg_buf_done(&out);
        tg_feed_arena_done(&a);
    }
}

static void test_words_are_folded(void **state)
{
    struct tg_words w = {0};

    (void)state;
    tg_words_add(&w, "Sjøgrønn GENSER, blåbær-rød (ull) Crème 501 genser");
    assert_int_equal(w.count, 7);
    assert_string_equal(w.at[0], "sjogronn");
    assert_string_equal(w.at[1], "genser");
    assert_string_equal(w.at[2], "blabar");
    assert_string_equal(w.at[3], "rod");
    assert_string_equal(w.at[5], "creme");
    assert_string_equal(w.at[6], "501");
}

static void test_words_distance_allows_typing_mistakes(void **state)
{
    (void)state;
    assert_int_equal(tg_word_distance("genser", "genser"), 0);
    assert_int_equal(tg_word_distance("gens", "genser"), 1);
    assert_int_equal(tg_word_distance("gesner", "genser"), 2);
    assert_int_equal(tg_word_distance("genserr", "genser"), 2);
    assert_int_equal(tg_word_distance("ryggsekk", "rygsek"), 3);
    assert_int_equal(tg_word_distance("lue", "luf"), -1);
    assert_int_equal(tg_word_distance("genser", "bukse"), -1);
    assert_true(tg_word_distance("gesner", "gensere") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_money_as_people_write_it),
        cmocka_unit_test(test_html_without_an_end_is_read_in_linear_time),
        cmocka_unit_test(test_csv_exports_have_all_that_fits),
        cmocka_unit_test(test_csv_exports_run_in_no_spreadsheet),
        cmocka_unit_test(test_skus_that_addresses_can_carry),
        cmocka_unit_test(test_gtin_check_digit),
        cmocka_unit_test(test_weight_in_grams),
        cmocka_unit_test(test_ids_stay_the_same_and_fit),
        cmocka_unit_test(test_csv_quotes_newlines_bom_and_missing_end),
        cmocka_unit_test(test_csv_faults_name_their_line),
        cmocka_unit_test(test_header_missing_or_twice_stops),
        cmocka_unit_test(test_google_rss_atom_and_groups),
        cmocka_unit_test(test_google_xml_refuses_doctype_and_broken_xml),
        cmocka_unit_test(test_woo_parents_and_variations),
        cmocka_unit_test(test_torg_lines_arrays_and_faults),
        cmocka_unit_test(test_product_bigger_than_allowed_is_named),
        cmocka_unit_test(test_realistic_files_give_what_is_in_them),
        cmocka_unit_test(test_chunks_make_no_difference),
        cmocka_unit_test(test_without_memory_says_so),
        cmocka_unit_test(test_merge_keeps_what_is_not_given),
        cmocka_unit_test(test_exports_are_read_again),
        cmocka_unit_test(test_words_are_folded),
        cmocka_unit_test(test_words_distance_allows_typing_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
