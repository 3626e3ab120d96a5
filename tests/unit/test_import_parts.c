/*
 * test_import_parts.c - bundles in files: what the shop would refuse is refused in the dry run, by
 * strict and in each repeat alike; what stands above its parts gets them; undo brings back the
 * export byte for byte. Both engines.
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

#define ITEM(id, sku)                                                                              \
    "{\"id\":\"" id "\",\"title\":\"T\",\"variants\":[{\"sku\":\"" sku "\",\"price\":100}]}\n"
#define BUNDLE(id, sku, parts)                                                                     \
    "{\"id\":\"" id "\",\"title\":\"T\",\"variants\":[{\"sku\":\"" sku                             \
    "\",\"price\":100,\"parts\":[" parts "]}]}\n"
#define OF(sku) "{\"sku\":\"" sku "\",\"qty\":1}"

static uint32_t parts_of(struct tg_rig *r, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(tg_sale_shop(r->sale), sku);

    return v == NULL ? 0 : v->part_count;
}

static bool same_counts(const struct tg_import *a, const struct tg_import *b)
{
    return memcmp(&a->products, &b->products, sizeof(a->products)) == 0 &&
           memcmp(&a->variants, &b->variants, sizeof(a->variants)) == 0 &&
           a->counted == b->counted && a->faults == b->faults;
}

static void same_faults(struct tg_rig *r, const char *expected)
{
    struct tg_buf faults;

    tg_rig_faults(r, &faults);
    assert_string_equal(tg_buf_cstr(&faults), expected);
    tg_buf_done(&faults);
}

/* Dry, strict, for real, once more, and back: all tell the same of it. */
static void all_ways(struct tg_rig *r, const char *file, const char *faults)
{
    char *before = tg_rig_export(r, TG_EXPORT_TORG);
    struct tg_import dry;
    int64_t id;
    char *after;

    tg_rig_import_text(r, file, TG_IMPORT_DRY);
    same_faults(r, faults);
    dry = r->import;
    tg_rig_import_text(r, file, TG_IMPORT_STRICT | TG_IMPORT_DRY);
    same_faults(r, faults);
    if (faults[0] != '\0') {
        tg_rig_import_text(r, file, TG_IMPORT_STRICT);
        assert_int_equal(r->import.state, TG_IMPORT_FAILED);
        same_faults(r, faults);
    }
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(after);

    tg_rig_import_text(r, file, faults[0] == '\0' ? TG_IMPORT_STRICT : 0);
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    same_faults(r, faults);
    if (!same_counts(&dry, &r->import))
        fail_msg(
            "dry: %lld added %lld changed %lld unchanged %lld faults; then %lld %lld %lld %lld",
            (long long)dry.variants.added, (long long)dry.variants.changed,
            (long long)dry.variants.unchanged, (long long)dry.faults,
            (long long)r->import.variants.added, (long long)r->import.variants.changed,
            (long long)r->import.variants.unchanged, (long long)r->import.faults);
    id = r->import.id;
    tg_rig_import_text(r, file, 0);
    tg_rig_counts(&r->import, 0, 0,
                  dry.variants.added + dry.variants.changed + dry.variants.unchanged, 0);
    assert_int_equal(r->import.products.changed, 0);
    same_faults(r, faults);
    tg_rig_undo(r, id);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(after);
    tg_free(before);
    assert_int_equal(tg_read_import(r->db, id, &r->import), TG_OK);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_int_equal(r->import.faults, dry.faults); /* none of its own */
}

static const char shop[] = ITEM("a", "A") ITEM("b", "B") ITEM("c", "C")
    BUNDLE("s", "S", OF("A")) "{\"id\":\"k\",\"title\":\"T\",\"variants\":[{\"sku\":\"K\","
                              "\"price\":100,\"stock\":3}]}\n";

static void test_what_a_bundle_may_not_be_is_known_before(void **state)
{
    static const struct {
        const char *file;
        const char *faults;
    } cases[] = {
        {BUNDLE("b", "B", OF("NOPE")), "1 parts: A part of it is not known.\n"},
        {BUNDLE("n", "N", OF("NOPE")), "1 parts: A part of it is not known.\n"},
        {BUNDLE("k", "K", OF("B")), "1 parts: It has stock of its own: take that away first.\n"},
        {BUNDLE("a", "A", OF("B")),
         "1 parts: It is a part of a bundle: no bundle within a bundle.\n"},
        {BUNDLE("b", "B", OF("S")),
         "1 parts: A part of it is a bundle: no bundle within a bundle.\n"},
        {BUNDLE("b", "B", OF("B")),
         "1 parts: A part of it is a bundle: no bundle within a bundle.\n"},
        /* What the rows before made counts. */
        {BUNDLE("b", "B", OF("C")) BUNDLE("n", "N", OF("B")),
         "2 parts: A part of it is a bundle: no bundle within a bundle.\n"},
        {BUNDLE("n", "N", OF("B")) BUNDLE("b", "B", OF("C")),
         "2 parts: It is a part of a bundle: no bundle within a bundle.\n"},
        {BUNDLE("s", "S", "") BUNDLE("a", "A", OF("B")) BUNDLE("n", "N", OF("S")), ""},
        {BUNDLE("s", "S", OF("B")) BUNDLE("a", "A", OF("C")), ""},
        /* A row that was refused is nobody's part. */
        {"{\"id\":\"x\",\"title\":\"X\",\"variants\":[{\"sku\":\"X\"}]}\n" BUNDLE("n", "N",
                                                                                  OF("X")),
         "1 price: A new variant needs its price.\n2 parts: A part of it is not known.\n"},
        {"{\"id\":\"n\",\"title\":\"N\",\"variants\":[{\"sku\":\"N\",\"price\":1,\"stock\":4,"
         "\"parts\":[" OF("B") "]}]}",
         "1 stock: A bundle has no stock of its own.\n"},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(cases); i++) {
        struct tg_rig *r = tg_rig_open();

        tg_rig_import_text(r, shop, 0);
        assert_int_equal(r->import.faults, 0);
        all_ways(r, cases[i].file, cases[i].faults);
        tg_rig_close(r);
    }
}

/* The price of the row stands although its parts do not. */
static void test_refused_parts_cost_only_themselves(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, shop, 0);
    tg_rig_import_text(
        r, "{\"id\":\"s\",\"variants\":[{\"sku\":\"S\",\"price\":120,\"parts\":[" OF("NOPE") "]}]}",
        0);
    tg_rig_counts(&r->import, 0, 1, 0, 0);
    assert_int_equal(r->import.faults, 1);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "S")->price, 120);
    assert_int_equal(parts_of(r, "S"), 1);
    tg_rig_close(r);
}

static void test_bundles_above_their_parts_get_them(void **state)
{
    static const char file[] =
        BUNDLE("n", "N", OF("X") "," OF("Y")) BUNDLE("m", "M", OF("A") "," OF("Y")) ITEM("x", "X")
            ITEM("y", "Y") BUNDLE("z", "Z", OF("Q")) BUNDLE("q", "Q", OF("X"));
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, shop, 0);
    all_ways(r, file, "5 parts: A part of it is a bundle: no bundle within a bundle.\n");
    tg_rig_import_text(r, file, 0);
    assert_int_equal(parts_of(r, "N"), 2);
    assert_int_equal(parts_of(r, "M"), 2);
    tg_rig_close(r);
}

/* One that was there gets other parts, archived by the file or not. */
static void test_bundle_that_was_there_gets_new_parts(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, shop, 0);
    all_ways(r, BUNDLE("s", "S", OF("X")) ITEM("x", "X"), "");
    all_ways(r,
             "{\"id\":\"s\",\"variants\":[{\"sku\":\"S\",\"price\":70,\"parts\":[" OF(
                 "X") "]}]}\n" ITEM("x", "X"),
             "");
    tg_rig_import_text(
        r,
        "{\"id\":\"s\",\"variants\":[{\"sku\":\"S\",\"archived\":true,\"parts\":[" OF(
            "Z") "]}]}\n" ITEM("z", "Z"),
        0);
    assert_int_equal(r->import.faults, 0);
    assert_true(tg_shop_variant(tg_sale_shop(r->sale), "S")->archived);
    assert_int_equal(parts_of(r, "S"), 1);
    tg_rig_close(r);
}

/* Many of them, more than one slice has, in the first place of the file; and the whole export comes
 * back in an empty shop. */
static void test_export_with_bundles_first_comes_back_whole(void **state)
{
    enum { BUNDLES = 300 };
    struct tg_rig *r = tg_rig_open();
    struct tg_rig *empty;
    struct tg_buf file;
    char *text;
    char *again;

    (void)state;
    tg_buf_init(&file, 4 << 20);
    for (int i = 0; i < BUNDLES; i++)
        tg_buf_printf(
            &file,
            "{\"id\":\"s%d\",\"number\":%d,\"title\":\"T\",\"variants\":[{\"sku\":\"S%d\","
            "\"price\":5,\"parts\":[{\"sku\":\"I%d\",\"qty\":2},{\"sku\":\"J%d\",\"qty\":1}]}]}\n",
            i, i + 1, i, i, i % 7);
    for (int i = 0; i < BUNDLES; i++)
        tg_buf_printf(
            &file,
            "{\"id\":\"i%d\",\"number\":%d,\"title\":\"T\",\"variants\":[{\"sku\":\"I%d\","
            "\"price\":5},{\"sku\":\"J%d\",\"price\":5}]}\n",
            i, BUNDLES + i + 1, i, i);
    all_ways(r, tg_buf_cstr(&file), "");
    tg_rig_file(r, file.data, file.len);
    tg_rig_import(r, 0);
    assert_int_equal(r->import.faults, 0);
    for (int i = 0; i < BUNDLES; i++) {
        char sku[16];

        tg_str_printf(sku, sizeof(sku), "S%d", i);
        assert_int_equal(parts_of(r, sku), 2);
    }
    text = tg_rig_export(r, TG_EXPORT_TORG);
    empty = tg_rig_open();
    tg_rig_import_text(empty, text, TG_IMPORT_STRICT);
    assert_int_equal(empty->import.faults, 0);
    again = tg_rig_export(empty, TG_EXPORT_TORG);
    assert_string_equal(text, again);
    tg_free(text);
    tg_free(again);
    tg_buf_done(&file);
    tg_rig_close(empty);
    tg_rig_close(r);
}

/* The database refuses in every place: the same comes out. */
static void test_bundles_above_their_parts_when_the_database_refuses(void **state)
{
    enum { CALLS = 12 }; /* of load, begin, write and commit while it runs */
    static const char file[] = BUNDLE("n", "N", OF("X") "," OF("Y")) BUNDLE("z", "Z", OF("NOPE"))
        ITEM("x", "X") ITEM("y", "Y");

    (void)state;
    for (unsigned nth = 0; nth < 2 * CALLS; nth++) {
        struct tg_rig *r = tg_rig_open();
        struct tg_sale_req *req;

        tg_rig_import_text(r, shop, 0);
        tg_rig_file(r, file, strlen(file));
        req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);
        tg_str_cut(req->key, sizeof(req->key), "torg");
        req->number = TG_IMPORT_STRICT * (nth % 2);
        tg_rig_ask(r, req);
        assert_int_equal(r->status, 202);
        r->faulty.fault = TG_FAULT_REFUSE;
        r->faulty.fail_in = nth / 2;
        (void)tg_rig_settle(r);
        assert_int_equal(r->faulty.refused, 1);
        tg_rig_look(r);
        same_faults(r, "2 parts: A part of it is not known.\n");
        if (nth % 2 == 0) {
            assert_int_equal(r->import.state, TG_IMPORT_DONE);
            assert_int_equal(parts_of(r, "N"), 2);
            tg_rig_counts(&r->import, 4, 0, 0, 0);
        } else {
            assert_int_equal(r->import.state, TG_IMPORT_FAILED);
        }
        tg_rig_close(r);
    }
}

static void put(struct tg_rig *r, enum tg_sale_what what, const char *key, const char *body)
{
    struct tg_sale_req *req = tg_rig_req(r, what, body, strlen(body));

    tg_str_cut(req->key, sizeof(req->key), key);
    tg_rig_ask(r, req);
}

static void test_requests_about_bundles(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    tg_rig_import_text(r, shop, 0);
    put(r, TG_SALE_PRODUCT_NEW, "",
        "{\"id\":\"p\",\"title\":\"P\",\"variants\":[{\"sku\":\"PS\",\"price\":1,\"parts\":[" OF(
            "P1") "]},{\"sku\":\"P1\",\"price\":1}]}");
    assert_int_equal(r->status, 201);
    assert_int_equal(parts_of(r, "PS"), 1);
    put(r, TG_SALE_VARIANT_SET, "PS", "{\"weight_g\":5,\"parts\":[" OF("NOPE") "]}");
    assert_int_equal(r->status, 422);
    assert_non_null(strstr(r->text, "\"field\":\"parts\""));
    put(r, TG_SALE_VARIANT_SET, "PS", "{\"parts\":[" OF("S") "]}");
    assert_int_equal(r->status, 422);
    put(r, TG_SALE_VARIANT_SET, "PS", "{\"parts\":[" OF("B") "]}");
    assert_int_equal(r->status, 200);
    put(r, TG_SALE_PRODUCT_SET, "p",
        "{\"variants\":[{\"sku\":\"P1\",\"parts\":[" OF("P2") "]},{\"sku\":\"P2\",\"price\":1,"
                                                              "\"parts\":[" OF("B") "]}]}");
    assert_int_equal(r->status, 422);
    assert_int_equal(parts_of(r, "P1"), 0);
    assert_null(tg_shop_variant(tg_sale_shop(r->sale), "P2"));
    tg_rig_close(r);
}

/* What the shop refuses after all (here: without memory) is noted as it is, so undo knows it. */
static void test_refused_claims_are_undone_as_made(void **state)
{
    static const char file[] =
        "{\"id\":\"a\",\"variants\":[{\"sku\":\"A\",\"price\":90,\"weight_g\":4,\"prices\":[{"
        "\"price\":"
        "{\"amount\":9,\"currency\":\"EUR\"}}]}]}\n"
        "{\"id\":\"b\",\"variants\":[{\"sku\":\"B\",\"price\":80,\"parts\":[" OF("C") "]}]}";
    struct tg_rig *r = tg_rig_open();
    char *before;
    unsigned refused = 0;
    bool failed = true;
    int64_t last;

    (void)state;
    tg_rig_import_text(r, shop, 0);
    last = r->import.id;
    before = tg_rig_export(r, TG_EXPORT_TORG);
    for (long nth = 0; failed; nth++) {
        struct tg_sale_req *req;
        char *after;

        tg_rig_file(r, file, strlen(file));
        req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);
        tg_str_cut(req->key, sizeof(req->key), "torg");
        tg_alloc_fail_nth(nth);
        tg_rig_ask(r, req);
        for (int i = 0; i < 10; i++)
            tg_sale_turn(r->sale, r->now, NULL, 0);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        (void)tg_rig_settle(r);
        tg_rig_look(r);
        if (r->import.id == last)
            continue; /* it did not begin */
        last = r->import.id;
        if (r->import.state == TG_IMPORT_DONE && r->import.faults > 0)
            refused++;
        tg_rig_undo(r, r->import.id);
        after = tg_rig_export(r, TG_EXPORT_TORG);
        if (strcmp(before, after) != 0)
            fail_msg("%ld: %s", nth, after);
        tg_free(after);
    }
    assert_true(refused > 0);
    tg_free(before);
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_bundle_may_not_be_is_known_before),
        cmocka_unit_test(test_refused_parts_cost_only_themselves),
        cmocka_unit_test(test_bundles_above_their_parts_get_them),
        cmocka_unit_test(test_bundle_that_was_there_gets_new_parts),
        cmocka_unit_test(test_export_with_bundles_first_comes_back_whole),
        cmocka_unit_test(test_requests_about_bundles),
        cmocka_unit_test(test_refused_claims_are_undone_as_made),
        cmocka_unit_test(test_bundles_above_their_parts_when_the_database_refuses),
    };

    return tg_rig_on_both(tests, TG_ARRAY_LEN(tests));
}
