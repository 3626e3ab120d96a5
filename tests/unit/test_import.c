/*
 * test_import.c - files into the catalogue through the sale's turns: what the report says, repeats,
 * dry runs, strict ones, undo, single changes, and the search.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/store_priv.h"
#include "support/lib/import_rig.h"

/* Of each format; ThreadSanitizer makes everything many times slower. */
#ifdef __SANITIZE_THREAD__
enum { ROWS = 1000 };
#else
enum { ROWS = 5000 };
#endif

/* --- realistic files --- */

/* 5,000 rows of each format: the dry run says what the run does, the same file again changes
 * nothing, and undo brings back the export byte for byte. */
static void test_import_every_format_repeats_and_is_undone(void **state)
{
    (void)state;
    for (int format = TG_FEED_GOOGLE_XML; format < TG_FEED_FORMAT_COUNT; format++) {
        struct tg_rig *r = tg_rig_open();
        struct tg_feeds_made made;
        struct tg_import dry;
        struct tg_buf dry_faults;
        struct tg_buf faults;
        char *before;
        char *after;

        tg_rig_import_text(
            r,
            "{\"id\":\"old\",\"number\":999999,\"title\":\"Old\",\"variants\":[{\"sku\":"
            "\"OLD\",\"price\":100}]}",
            0);
        before = tg_rig_export(r, TG_EXPORT_TORG);
        tg_rig_make_file(r, (enum tg_feed_format)format, 5, ROWS, 9, &made);
        tg_rig_import(r, TG_IMPORT_DRY);
        dry = r->import;
        tg_rig_faults(r, &dry_faults);
        assert_int_equal(dry.state, TG_IMPORT_DONE);
        after = tg_rig_export(r, TG_EXPORT_TORG);
        assert_string_equal(before, after);
        tg_free(after);

        tg_rig_import(r, 0);
        tg_rig_faults(r, &faults);
        assert_int_equal(r->import.state, TG_IMPORT_DONE);
        if (r->import.variants.added != made.variants)
            fail_msg("%s: %.3000s", tg_feed_format_name((enum tg_feed_format)format),
                     tg_buf_cstr(&faults));
        assert_true(r->import.faults >= made.faults);
        assert_memory_equal(&dry.products, &r->import.products, sizeof(dry.products));
        assert_memory_equal(&dry.variants, &r->import.variants, sizeof(dry.variants));
        assert_int_equal(dry.counted, r->import.counted);
        assert_string_equal(tg_buf_cstr(&dry_faults), tg_buf_cstr(&faults));
        assert_int_equal(tg_shop_variant_count(tg_sale_shop(r->sale)), made.variants + 1);

        tg_rig_import(r, 0);
        tg_rig_counts(&r->import, 0, 0, made.variants, 0);
        assert_int_equal(r->import.products.added + r->import.products.changed, 0);
        assert_int_equal(r->import.counted, 0);

        tg_rig_undo(r, r->import.id);
        tg_rig_undo(r, 0); /* the last one that is not undone: the one that added */
        after = tg_rig_export(r, TG_EXPORT_TORG);
        assert_string_equal(before, after);
        tg_free(after);
        tg_free(before);
        tg_buf_done(&faults);
        tg_buf_done(&dry_faults);
        tg_rig_close(r);
    }
}

/* What was exported comes in again without a change, in all formats that come in. */
static void test_import_of_an_export_changes_nothing(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_feeds_made made;
    char *first;
    char *again;

    (void)state;
    tg_rig_make_file(r, TG_FEED_TORG, 11, 2000, 0, &made);
    tg_rig_import(r, 0);
    assert_int_equal(r->import.faults, 0);
    for (int x = 0; x < TG_EXPORT_FORMAT_COUNT; x++) {
        first = tg_rig_export(r, (enum tg_export_format)x);
        again = tg_rig_export(r, (enum tg_export_format)x);
        assert_string_equal(first, again);
        tg_free(again);
        if (x == TG_EXPORT_TORG) {
            tg_rig_import_text(r, first, TG_IMPORT_ARCHIVE_MISSING);
            tg_rig_counts(&r->import, 0, 0, made.variants, 0);
            assert_int_equal(r->import.products.changed, 0);
        } else {
            tg_rig_import_text(r, first, TG_IMPORT_DRY);
            assert_int_equal(r->import.faults, 0);
            assert_int_equal(r->import.variants.added, 0);
        }
        tg_free(first);
    }
    tg_rig_close(r);
}

/* --- what it costs --- */

/* Statements that were waited for, without those of each slice. */
struct asked {
    uint32_t of[TG_SQL_COUNT];
};

static const struct tg_db *writer_of(struct tg_rig *r)
{
    return &tg_store_db(r->store->ops->real(r->store))->db;
}

static void mark_asked(struct tg_rig *r, struct asked *ret)
{
    memcpy(ret->of, writer_of(r)->asked, sizeof(ret->of));
}

static int64_t asked_since(struct tg_rig *r, const struct asked *before)
{
    const uint32_t *now = writer_of(r)->asked;
    int64_t slices = now[TG_SQL_COMMIT] - before->of[TG_SQL_COMMIT];
    int64_t sum = 0;

    for (size_t i = 0; i < TG_SQL_COUNT; i++) {
        int64_t times = (int64_t)now[i] - before->of[i] - 2 * slices - 2;

        sum += times > 0 ? times : 0;
    }
    return sum;
}

/* A server answers each question after a round trip, and with what was written before it: rows must
 * not have questions of their own. */
static void test_import_and_undo_ask_little(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_feeds_made made;
    struct asked before;

    (void)state;
    tg_rig_make_file(r, TG_FEED_SHOPIFY, 5, 2000, 0, &made);
    mark_asked(r, &before);
    tg_rig_import(r, 0);
    tg_rig_counts(&r->import, made.variants, 0, 0, 0);
    assert_in_range(asked_since(r, &before), 0, made.variants / 5);
    mark_asked(r, &before);
    tg_rig_import(r, 0);
    tg_rig_counts(&r->import, 0, 0, made.variants, 0);
    assert_in_range(asked_since(r, &before), 0, made.products * 2);
    mark_asked(r, &before);
    tg_rig_undo(r, 1);
    assert_int_equal(tg_read_import(r->db, 1, &r->import), TG_OK);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_in_range(asked_since(r, &before), 0, made.variants / 5);
    tg_rig_close(r);
}

/* With something on the disk that memory lacks, what memory does not know may still be there. */
static void test_import_asks_when_memory_is_not_all(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_feeds_made made;
    struct asked before;

    (void)state;
    tg_rig_make_file(r, TG_FEED_SHOPIFY, 5, 1000, 0, &made);
    tg_store_db(r->store->ops->real(r->store))->left_out = true;
    mark_asked(r, &before);
    tg_rig_import(r, 0);
    tg_rig_counts(&r->import, made.variants, 0, 0, 0);
    assert_true(writer_of(r)->asked[TG_SQL_CAT_VARIANT] - before.of[TG_SQL_CAT_VARIANT] >=
                made.variants);
    assert_true(writer_of(r)->asked[TG_SQL_CAT_PRODUCT] - before.of[TG_SQL_CAT_PRODUCT] >=
                made.products);
    tg_rig_close(r);
}

/* --- rules --- */

static const char shirts[] =
    "{\"id\":\"s\",\"title\":\"Shirt\",\"brand\":\"B\",\"categories\":[\"Clothes > Tops\"],"
    "\"variants\":[{\"sku\":\"S-1\",\"options\":{\"size\":\"S\"},\"price\":20000,\"stock\":5},"
    "{\"sku\":\"S-2\",\"options\":{\"size\":\"M\"},\"price\":20000,\"barcode\":\"4006381333931\","
    "\"prices\":[{\"price\":{\"amount\":1900,\"currency\":\"EUR\"}}]}]}\n"
    "{\"id\":\"h\",\"number\":7,\"title\":\"Hat\",\"variants\":[{\"sku\":\"H\",\"price\":9900}]}\n";

static void test_import_changes_only_what_is_given_and_undo_restores(void **state)
{
    struct tg_rig *r = tg_rig_open();
    const struct tg_variant *v;
    char *before;
    char *after;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    tg_rig_counts(&r->import, 3, 0, 0, 0);
    assert_int_equal(r->import.counted, 1);
    v = tg_shop_variant(tg_sale_shop(r->sale), "S-1");
    assert_int_equal(v->stock.on_hand, 5);
    assert_int_equal(v->product->number, 1);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "H")->product->number, 7);
    before = tg_rig_export(r, TG_EXPORT_TORG);
    tg_rig_import_text(
        r,
        "{\"id\":\"s\",\"brand\":null,\"variants\":[{\"sku\":\"S-2\",\"price\":18000,"
        "\"compare_at\":{\"amount\":20000,\"currency\":\"NOK\"},\"prices\":[]},"
        "{\"sku\":\"S-1\",\"stock\":99}]}\n{\"id\":\"n\",\"title\":\"New\",\"variants\":"
        "[{\"sku\":\"N\",\"price\":1,\"stock\":2}]}",
        0);
    tg_rig_counts(&r->import, 1, 1, 1, 0);
    assert_int_equal(r->import.counted, 1); /* S-1 was counted before: its number is not touched */
    v = tg_shop_variant(tg_sale_shop(r->sale), "S-2");
    assert_int_equal(v->price, 18000);
    assert_int_equal(v->compare_at, 20000);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "S-1")->stock.on_hand, 5);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "N")->product->number, 2);
    tg_rig_undo(r, 0);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "S-2")->price, 20000);
    assert_true(tg_shop_variant(tg_sale_shop(r->sale), "N")->archived);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "N")->stock.on_hand, 0);
    tg_free(before);
    tg_free(after);
    tg_rig_close(r);
}

static void restart(struct tg_rig *r)
{
    struct tg_sale_cfg sale = {.web_count = 1};

    sale.store = r->store;
    sale.web = &r->web;
    tg_sale_free(r->sale);
    r->sale = NULL;
    tg_registry_free(r->registry);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    sale.registry = r->registry;
    assert_int_equal(tg_sale_new(&r->sale, &sale, r->now), TG_OK);
}

static void test_import_survives_a_restart(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_cfg sale = {.web_count = 1};
    struct tg_sale *again = NULL;
    const struct tg_variant *v;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    tg_rig_import_text(r, "{\"id\":\"h\",\"archived\":true}", 0);
    sale.store = r->store;
    sale.registry = r->registry;
    sale.web = &r->web;
    tg_sale_free(r->sale);
    r->sale = NULL;
    tg_registry_free(r->registry);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    sale.registry = r->registry;
    assert_int_equal(tg_sale_new(&again, &sale, r->now), TG_OK);
    r->sale = again;
    v = tg_shop_variant(tg_sale_shop(again), "S-2");
    assert_non_null(v);
    assert_string_equal(v->options, "{\"size\":\"M\"}");
    assert_int_equal(tg_shop_price_in(tg_sale_shop(again), v, "EUR"), 1900);
    assert_true(tg_shop_product(tg_sale_shop(again), "h")->archived);
    tg_rig_close(r);
}

static void test_import_strict_writes_nothing_when_there_is_a_fault(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(
        r, "{\"id\":\"a\",\"title\":\"A\",\"variants\":[{\"sku\":\"A\",\"price\":1}]}\n{\"id\":1}",
        TG_IMPORT_STRICT);
    assert_int_equal(r->import.state, TG_IMPORT_FAILED);
    assert_int_equal(r->import.faults, 1);
    assert_null(tg_shop_variant(tg_sale_shop(r->sale), "A"));
    tg_rig_import_text(
        r, "{\"id\":\"a\",\"title\":\"A\",\"variants\":[{\"sku\":\"A\",\"price\":1}]}\n",
        TG_IMPORT_STRICT);
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    tg_rig_counts(&r->import, 1, 0, 0, 0);
    tg_rig_close(r);
}

static void test_import_archives_what_the_whole_file_does_not_have(void **state)
{
    struct tg_rig *r = tg_rig_open();
    const struct tg_shop *shop;
    char *before;
    char *after;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    before = tg_rig_export(r, TG_EXPORT_TORG);
    tg_rig_import_text(r, "{\"id\":\"s\",\"variants\":[{\"sku\":\"S-1\"},{\"sku\":\"S-9\"}]}",
                       TG_IMPORT_ARCHIVE_MISSING);
    tg_rig_counts(&r->import, 0, 0, 1, 0); /* a fault: nothing is archived */
    tg_rig_import_text(r, "{\"id\":\"s\",\"variants\":[{\"sku\":\"S-1\"}]}",
                       TG_IMPORT_ARCHIVE_MISSING);
    tg_rig_counts(&r->import, 0, 0, 1, 2);
    assert_int_equal(r->import.products.archived, 1);
    shop = tg_sale_shop(r->sale);
    assert_true(tg_shop_product(shop, "h")->archived);
    assert_true(tg_shop_variant(shop, "S-2")->archived);
    assert_false(tg_shop_variant(shop, "S-1")->archived);
    tg_rig_undo(r, 0);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(before);
    tg_free(after);
    tg_rig_close(r);
}

static void test_import_names_conflicts(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_buf faults;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    tg_rig_import_text(r,
                       "{\"id\":\"x\",\"number\":7,\"title\":\"X\"}\n"
                       "{\"id\":\"y\",\"title\":\"Y\",\"variants\":[{\"sku\":\"H\",\"price\":1},"
                       "{\"sku\":\"Y\"},{\"sku\":\"Z\",\"price\":5},{\"sku\":\"Z\",\"price\":5}]}\n"
                       "{\"id\":\"y\",\"title\":\"Y2\"}\n{\"id\":\"z\"}\n",
                       0);
    tg_rig_faults(r, &faults);
    assert_string_equal(tg_buf_cstr(&faults),
                        "1 number: The short number belongs to the product h.\n"
                        "2 sku: The SKU belongs to the product h.\n"
                        "2 price: A new variant needs its price.\n"
                        "2 sku: This SKU stands in the file twice.\n"
                        "3 id: This product stands in the file twice.\n"
                        "4 title: A new product needs its title.\n");
    tg_rig_counts(&r->import, 1, 0, 0, 0);
    tg_buf_done(&faults);
    tg_rig_close(r);
}

static void test_undo_leaves_alone_what_was_changed_since(void **state)
{
    struct tg_rig *r = tg_rig_open();
    int64_t id;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    id = r->import.id;
    tg_rig_import_text(r, "{\"id\":\"h\",\"title\":\"Better hat\"}", 0);
    tg_rig_undo(r, id);
    assert_false(tg_shop_product(tg_sale_shop(r->sale), "h")->archived);
    assert_true(tg_shop_product(tg_sale_shop(r->sale), "s")->archived);
    assert_int_equal(tg_read_import(r->db, id, &r->import), TG_OK);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_int_equal(r->import.faults, 1);
    tg_rig_close(r);
}

static void test_archived_variant_cannot_be_bought(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    tg_rig_import_text(r, "{\"id\":\"s\",\"variants\":[{\"sku\":\"S-1\",\"archived\":true}]}", 0);
    tg_rig_counts(&r->import, 0, 0, 0, 1);
    req = tg_rig_req(r, TG_SALE_OP, NULL, 0);
    req->op.kind = TG_OP_BUY;
    tg_str_cut(req->op.id, sizeof(req->op.id), "b");
    tg_str_cut(req->idempotency, sizeof(req->idempotency), "b");
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "S-1");
    req->op.u.line.qty = 1;
    req->op.u.line.price = -1;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 404);
    tg_rig_close(r);
}

static void test_bundle_comes_with_its_parts_and_goes_with_undo(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char *before;
    char *after;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    before = tg_rig_export(r, TG_EXPORT_TORG);
    tg_rig_import_text(
        r,
        "{\"id\":\"set\",\"title\":\"Set\",\"variants\":[{\"sku\":\"SET\",\"price\":30000,"
        "\"parts\":[{\"sku\":\"S-1\",\"qty\":2},{\"sku\":\"H\",\"qty\":1}]}]}",
        0);
    assert_int_equal(r->import.faults, 0);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "SET")->part_count, 2);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_non_null(
        strstr(after, "\"parts\":[{\"sku\":\"H\",\"qty\":1},{\"sku\":\"S-1\",\"qty\":2}]"));
    tg_rig_import_text(r, after, 0);
    tg_rig_counts(&r->import, 0, 0, 4, 0);
    tg_free(after);
    tg_rig_undo(r, r->import.id - 1);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(before);
    tg_free(after);
    tg_rig_close(r);
}

/* --- single changes --- */

static void put(struct tg_rig *r, enum tg_sale_what what, const char *key, const char *body,
                int64_t version)
{
    struct tg_sale_req *req = tg_rig_req(r, what, body, strlen(body));

    tg_str_cut(req->key, sizeof(req->key), key);
    req->number = version;
    tg_rig_ask(r, req);
}

static void test_single_changes_and_their_refusals(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    put(r, TG_SALE_PRODUCT_NEW, "",
        "{\"id\":\"p\",\"title\":\"P\",\"variants\":[{\"sku\":\"P-1\","
        "\"price\":{\"amount\":100,\"currency\":\"NOK\"}}]}",
        0);
    assert_int_equal(r->status, 201);
    assert_non_null(tg_shop_variant(tg_sale_shop(r->sale), "P-1"));
    put(r, TG_SALE_PRODUCT_NEW, "", "{\"id\":\"p\",\"title\":\"P\"}", 0);
    assert_int_equal(r->status, 422);
    put(r, TG_SALE_PRODUCT_SET, "p", "{\"title\":\"Q\"}", 1);
    assert_int_equal(r->status, 200);
    assert_string_equal(r->text, "{\"id\":\"p\",\"version\":2}");
    assert_string_equal(tg_shop_product(tg_sale_shop(r->sale), "p")->title, "Q");
    put(r, TG_SALE_PRODUCT_SET, "p", "{\"title\":\"R\"}", 1);
    assert_int_equal(r->status, 412);
    put(r, TG_SALE_PRODUCT_SET, "p", "{\"titel\":\"R\"}", 0);
    assert_int_equal(r->status, 422);
    assert_non_null(strstr(r->text, "\"field\":\"titel\""));
    put(r, TG_SALE_PRODUCT_SET, "none", "{\"title\":\"R\"}", 0);
    assert_int_equal(r->status, 404);
    put(r, TG_SALE_VARIANT_NEW, "p", "{\"sku\":\"P-2\",\"price\":200}", 0);
    assert_int_equal(r->status, 201);
    put(r, TG_SALE_VARIANT_SET, "P-2", "{\"barcode\":\"123\"}", 0);
    assert_int_equal(r->status, 422);
    put(r, TG_SALE_VARIANT_SET, "P-2", "{\"archived\":true}", 1);
    assert_int_equal(r->status, 200);
    assert_true(tg_shop_variant(tg_sale_shop(r->sale), "P-2")->archived);
    req = tg_rig_req(r, TG_SALE_PRODUCT_SET, "{}", 2);
    req->who.roles = TG_ROLE_HOST;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 403);
    tg_rig_close(r);
}

/* --- search --- */

static void find(struct tg_rig *r, struct tg_cat_filter filter, const char *expected)
{
    struct tg_cat_found *found = tg_calloc(1, sizeof(*found));
    struct tg_buf ids;

    if (filter.show == 0)
        filter.show = -1;
    if (filter.limit == 0)
        filter.limit = 100;
    if (filter.price_min == 0)
        filter.price_min = -1;
    if (filter.price_max == 0)
        filter.price_max = -1;
    tg_buf_init(&ids, 4096);
    assert_non_null(found);
    assert_int_equal(tg_read_find(r->db, &filter, found), TG_OK);
    for (uint32_t i = 0; i < found->count; i++)
        tg_buf_printf(&ids, "%s ", found->at[i].id);
    tg_free(found);
    assert_string_equal(tg_buf_cstr(&ids), expected);
    tg_buf_done(&ids);
}

static void test_search_forgives_typing(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(
        r,
        "{\"id\":\"a\",\"title\":\"Sjøgrønn ullgenser\",\"brand\":\"Norrsken\",\"categories\":"
        "[\"Klær > Overdeler\"],\"variants\":[{\"sku\":\"A-1\",\"price\":90000,"
        "\"barcode\":\"4006381333931\"}]}\n"
        "{\"id\":\"b\",\"title\":\"Blå genser\",\"variants\":[{\"sku\":\"B-1\",\"price\":50000}]}\n"
        "{\"id\":\"c\",\"title\":\"Ryggsekk\",\"texts\":{\"sv\":{\"title\":\"Ryggsäck\"}},"
        "\"variants\":[{\"sku\":\"C-1\",\"price\":70000}]}\n",
        0);
    assert_int_equal(r->import.faults, 0);
    find(r, (struct tg_cat_filter){.words = "genser"}, "b ");
    find(r, (struct tg_cat_filter){.words = "gesner"}, "b ");
    find(r, (struct tg_cat_filter){.words = "ullgensr"}, "a ");
    find(r, (struct tg_cat_filter){.words = "blå gens"}, "b ");
    find(r, (struct tg_cat_filter){.words = "bla genser"}, "b ");
    find(r, (struct tg_cat_filter){.words = "ryggsack"}, "c ");
    find(r, (struct tg_cat_filter){.words = "sjogronn"}, "a ");
    find(r, (struct tg_cat_filter){.words = "norsken"}, "a ");
    find(r, (struct tg_cat_filter){.words = "4006381333931"}, "a ");
    find(r, (struct tg_cat_filter){.words = "C-1"}, "c ");
    find(r, (struct tg_cat_filter){.words = "sykkel"}, "");
    find(r, (struct tg_cat_filter){.category = "Klær"}, "a ");
    find(r, (struct tg_cat_filter){.price_max = 70000}, "b c ");
    find(r, (struct tg_cat_filter){.limit = 2}, "a b ");
    find(r, (struct tg_cat_filter){.limit = 2, .above = 2}, "c ");
    tg_rig_close(r);
}

static void test_search_by_descriptions_and_filters(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_cat_filter red = {.attributes = {{"colour", "dark-red"}}};
    struct tg_cat_filter red_wool = {.attributes = {{"colour", "dark-red"}, {"material", "ull"}}};

    (void)state;
    tg_rig_import_text(
        r,
        "{\"id\":\"a\",\"title\":\"Genser\",\"description\":\"Strikket av hjemmespunnet garn\","
        "\"attributes\":[{\"name\":\"Material\",\"value\":\"Ull\"}],\"categories\":[\"Klær\"],"
        "\"variants\":[{\"sku\":\"A-1\",\"price\":90000,\"options\":{\"Colour\":\"Dark Red\"}},"
        "{\"sku\":\"A-2\",\"price\":90000,\"options\":{\"Colour\":\"Blue\"}}]}\n"
        "{\"id\":\"b\",\"title\":\"Garn\",\"variants\":[{\"sku\":\"B-1\",\"price\":5000,"
        "\"options\":{\"colour\":\"DARK RED\"}}]}\n"
        "{\"id\":\"c\",\"title\":\"Sekk\",\"texts\":{\"sv\":{\"title\":\"Säck\",\"description\":"
        "\"Vattentät\"}},\"variants\":[{\"sku\":\"C-1\",\"price\":70000}]}\n",
        0);
    assert_int_equal(r->import.faults, 0);
    /* A word of the title stands before one of a description. */
    find(r, (struct tg_cat_filter){.words = "garn"}, "b a ");
    find(r, (struct tg_cat_filter){.words = "hjemmespunet"}, "a ");
    find(r, (struct tg_cat_filter){.words = "genser hjemmespunnet"}, "a ");
    find(r, (struct tg_cat_filter){.words = "sekk hjemmespunnet"}, "");
    find(r, (struct tg_cat_filter){.words = "vattentat"}, "c ");
    find(r, red, "a b ");
    find(r, red_wool, "a ");
    red.price_max = 10000;
    find(r, red, "b ");
    red.price_max = 0;
    tg_str_cut(red.words, sizeof(red.words), "garn");
    tg_str_cut(red.category, sizeof(red.category), "Klær");
    find(r, red, "a ");
    /* What a variant was stays behind when it is archived; a new number takes its place. */
    put(r, TG_SALE_VARIANT_SET, "A-1", "{\"archived\":true}", 0);
    find(r, red, "");
    red.words[0] = red.category[0] = '\0';
    put(r, TG_SALE_PRODUCT_SET, "b", "{\"number\":77}", 0);
    assert_int_equal(r->status, 200);
    find(r, red, "b ");
    red.above = 50;
    find(r, red, "b ");
    put(r, TG_SALE_PRODUCT_SET, "b", "{\"archived\":true}", 0);
    find(r, red, "");
    find(r, (struct tg_cat_filter){.words = "garn"}, "a ");
    tg_rig_close(r);
}

static tg_err add_listed(void *ctx, const struct tg_list_view *view)
{
    struct tg_buf *text = ctx;

    tg_buf_printf(text, "%s|%s|", view->product->title, view->product->description);
    for (uint32_t i = 0; i < view->product->variant_count; i++)
        tg_buf_printf(text, "%s:%d", view->variants[i].options, view->variants[i].available);
    for (uint32_t i = 0; i < view->price_count; i++)
        tg_buf_printf(text, "|%u %s %lld", view->prices[i].variant, view->prices[i].currency,
                      (long long)view->prices[i].price);
    return TG_OK;
}

static void listed_in(struct tg_rig *r, const char *lang, const char *expected)
{
    const struct tg_cat_filter all = {.price_min = -1, .price_max = -1, .show = -1, .limit = 10};
    struct tg_buf text;
    int64_t next;

    tg_buf_init(&text, 4096);
    assert_int_equal(tg_read_list(r->db, &all, lang, add_listed, &text, &next), TG_OK);
    assert_int_equal(next, -1);
    assert_string_equal(tg_buf_cstr(&text), expected);
    tg_buf_done(&text);
}

static void test_texts_are_kept_and_read_in_each_language(void **state)
{
    struct tg_rig *r = tg_rig_open();
    const struct tg_product *p;

    (void)state;
    tg_rig_import_text(
        r,
        "{\"id\":\"a\",\"title\":\"Mug\",\"description\":\"Holds.\",\"texts\":{\"nb\":{\"title\":"
        "\"Kopp\",\"options\":{\"red\":\"rød\",\"colour\":\"farge\"}},\"sv\":{\"description\":"
        "\"Rymmer.\"}},\"variants\":[{\"sku\":\"A-1\",\"price\":90000,\"stock\":7,\"options\":"
        "{\"colour\":\"red\"},\"prices\":[{\"price\":{\"amount\":800,\"currency\":\"EUR\"}}]}]}\n",
        0);
    assert_int_equal(r->import.faults, 0);
    listed_in(r, "", "Mug|Holds.|{\"colour\":\"red\"}:7|0 EUR 800");
    listed_in(r, "nb-NO", "Kopp|Holds.|{\"farge\":\"rød\"}:7|0 EUR 800");
    listed_in(r, "sv", "Mug|Rymmer.|{\"colour\":\"red\"}:7|0 EUR 800");
    listed_in(r, "fi", "Mug|Holds.|{\"colour\":\"red\"}:7|0 EUR 800");
    p = tg_shop_product(tg_sale_shop(r->sale), "a");
    assert_string_equal(tg_langs_pick(p->texts, "nn")->title, "Kopp");
    restart(r);
    p = tg_shop_product(tg_sale_shop(r->sale), "a");
    assert_string_equal(tg_langs_pick(p->texts, "no")->title, "Kopp");
    assert_string_equal(tg_langs_pick(p->texts, "sv")->description, "Rymmer.");
    /* What is taken away is away: on disk, in memory, for whoever reads. */
    put(r, TG_SALE_PRODUCT_SET, "a", "{\"texts\":{\"sv\":{\"title\":\"Mugg\"}}}", 0);
    assert_int_equal(r->status, 200);
    p = tg_shop_product(tg_sale_shop(r->sale), "a");
    assert_null(tg_langs_pick(p->texts, "nb"));
    assert_string_equal(tg_langs_pick(p->texts, "sv")->title, "Mugg");
    listed_in(r, "nb", "Mug|Holds.|{\"colour\":\"red\"}:7|0 EUR 800");
    put(r, TG_SALE_PRODUCT_SET, "a", "{\"texts\":{}}", 0);
    assert_null(tg_shop_product(tg_sale_shop(r->sale), "a")->texts);
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test(test_import_every_format_repeats_and_is_undone),
        cmocka_unit_test(test_import_of_an_export_changes_nothing),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_and_undo_ask_little),
        cmocka_unit_test(test_import_asks_when_memory_is_not_all),
        cmocka_unit_test(test_import_changes_only_what_is_given_and_undo_restores),
        cmocka_unit_test(test_import_survives_a_restart),
        cmocka_unit_test(test_import_strict_writes_nothing_when_there_is_a_fault),
        cmocka_unit_test(test_import_archives_what_the_whole_file_does_not_have),
        cmocka_unit_test(test_import_names_conflicts),
        cmocka_unit_test(test_undo_leaves_alone_what_was_changed_since),
        cmocka_unit_test(test_archived_variant_cannot_be_bought),
        cmocka_unit_test(test_bundle_comes_with_its_parts_and_goes_with_undo),
        cmocka_unit_test(test_single_changes_and_their_refusals),
        cmocka_unit_test(test_search_forgives_typing),
        cmocka_unit_test(test_search_by_descriptions_and_filters),
        cmocka_unit_test(test_texts_are_kept_and_read_in_each_language),
    };

    int failed = cmocka_run_group_tests(files, NULL, NULL);

    failed += cmocka_run_group_tests(tests, NULL, NULL);
    if (!tg_pg_server_start(&tg_rig_postgres))
        return failed + 1;
    failed += cmocka_run_group_tests(files, NULL, NULL);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    tg_pg_server_stop(&tg_rig_postgres);
    return failed;
}
