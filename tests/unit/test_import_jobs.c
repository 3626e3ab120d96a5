/*
 * test_import_jobs.c - what happens around an import: a database that is lost meanwhile, repeats
 * under a key, what somebody changed before the undo, an undo that is cut off, changes that are
 * made whole or not at all, files that nobody takes. On both engines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/import_rig.h"

static const char shirts[] =
    "{\"id\":\"s\",\"title\":\"Shirt\",\"variants\":["
    "{\"sku\":\"S-1\",\"options\":{\"size\":\"S\"},\"price\":20000,\"stock\":5},"
    "{\"sku\":\"S-2\",\"options\":{\"size\":\"M\"},\"price\":20000,"
    "\"prices\":[{\"price\":{\"amount\":1900,\"currency\":\"EUR\"}}]}]}\n"
    "{\"id\":\"h\",\"number\":7,\"title\":\"Hat\",\"variants\":[{\"sku\":\"H\",\"price\":9900}]}\n";

static const struct tg_variant *variant(struct tg_rig *r, const char *sku)
{
    return tg_shop_variant(tg_sale_shop(r->sale), sku);
}

static void put(struct tg_rig *r, enum tg_sale_what what, const char *key, const char *id,
                const char *body)
{
    struct tg_sale_req *req = tg_rig_req(r, what, body, strlen(body));

    tg_str_cut(req->key, sizeof(req->key), key);
    tg_str_cut(req->idempotency, sizeof(req->idempotency), id);
    tg_rig_ask(r, req);
}

static void start(struct tg_rig *r, uint32_t flags)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);

    tg_str_cut(req->key, sizeof(req->key), "auto");
    req->number = flags;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 202);
}

/* What disk and memory say of each SKU. */
static void assert_memory_is_disk(struct tg_rig *r)
{
    struct tg_sale_cfg sale = {.web_count = 1};
    const struct tg_shop *shop = tg_sale_shop(r->sale);
    struct tg_registry *registry = NULL;
    struct tg_sale *again = NULL;

    assert_int_equal(tg_registry_new(&registry), TG_OK);
    sale.store = r->store;
    sale.registry = registry;
    sale.web = &r->web;
    assert_int_equal(tg_sale_new(&again, &sale, r->now), TG_OK);
    assert_int_equal(tg_shop_product_count(shop), tg_shop_product_count(tg_sale_shop(again)));
    assert_int_equal(tg_shop_variant_count(shop), tg_shop_variant_count(tg_sale_shop(again)));
    for (size_t i = 0; i < tg_shop_product_count(shop); i++) {
        const struct tg_product *a = tg_shop_product_at(shop, i);
        const struct tg_product *b = tg_shop_product_at(tg_sale_shop(again), i);

        assert_string_equal(a->id, b->id);
        assert_string_equal(a->title, b->title);
        assert_int_equal(a->archived, b->archived);
        assert_int_equal(a->variant_count, b->variant_count);
        for (const struct tg_variant *v = a->first; v != NULL; v = v->next) {
            const struct tg_variant *w = tg_shop_variant(tg_sale_shop(again), v->sku);

            assert_non_null(w);
            assert_int_equal(v->price, w->price);
            assert_int_equal(v->archived, w->archived);
            assert_int_equal(v->stock.on_hand, w->stock.on_hand);
            assert_int_equal(v->part_count, w->part_count);
            assert_int_equal(tg_shop_price_in(shop, v, "EUR"),
                             tg_shop_price_in(tg_sale_shop(again), w, "EUR"));
        }
    }
    tg_sale_free(again);
    tg_registry_free(registry);
}

/* --- a database that is lost --- */

/* A file with faults, of several slices. */
static void disturbed(long fail_in, uint32_t flags, struct tg_import *ret, char **ret_export,
                      struct tg_buf *ret_faults, unsigned long *ret_refused)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_feeds_made made;

    tg_rig_import_text(r, shirts, 0);
    tg_rig_make_file(r, TG_FEED_TORG, 3, 400, 20, &made);
    start(r, flags);
    r->faulty.fault = TG_FAULT_REFUSE;
    r->faulty.fail_in = fail_in;
    (void)tg_rig_settle(r);
    r->faulty.fail_in = -1;
    tg_rig_look(r);
    *ret = r->import;
    *ret_refused = r->faulty.refused;
    *ret_export = tg_rig_export(r, TG_EXPORT_TORG);
    tg_rig_faults(r, ret_faults);
    assert_memory_is_disk(r);
    tg_rig_close(r);
}

/* Whichever call the database refuses, the import ends as if it had not. */
static void test_import_waits_for_the_database_and_goes_on(void **state)
{
    static const uint32_t flags[] = {0, TG_IMPORT_DRY};
    long step = tg_rig_postgres.pid != 0 ? 131 : 31;

    (void)state;
    for (size_t f = 0; f < TG_ARRAY_LEN(flags); f++) {
        struct tg_import right;
        struct tg_buf faults;
        char *text;
        unsigned long refused = 0;

        disturbed(-1, flags[f], &right, &text, &faults, &refused);
        assert_int_equal(right.state, TG_IMPORT_DONE);
        refused = 1;
        for (long n = f == 0 ? 0 : 1; refused > 0 && n < 500; n += step) {
            struct tg_import got;
            struct tg_buf got_faults;
            char *got_text;

            disturbed(n, flags[f], &got, &got_text, &got_faults, &refused);
            if (got.state != TG_IMPORT_DONE)
                fail_msg("call %ld: %s %s", n, tg_import_state_name(got.state), got.reason);
            tg_rig_counts(&got, right.variants.added, right.variants.changed,
                          right.variants.unchanged, right.variants.archived);
            assert_memory_equal(&got.products, &right.products, sizeof(right.products));
            assert_int_equal(got.counted, right.counted);
            assert_int_equal(got.faults, right.faults);
            assert_int_equal(got.bytes_done, right.bytes_done);
            assert_string_equal(tg_buf_cstr(&got_faults), tg_buf_cstr(&faults));
            assert_string_equal(got_text, text);
            tg_free(got_text);
            tg_buf_done(&got_faults);
        }
        tg_free(text);
        tg_buf_done(&faults);
    }
}

/* An undo, too, with counts and prices in it. */
static void test_undo_waits_for_the_database_and_goes_on(void **state)
{
    unsigned long refused = 1;

    (void)state;
    for (long n = 0; refused > 0 && n < 100; n += 3) {
        struct tg_rig *r = tg_rig_open();
        char *before = tg_rig_export(r, TG_EXPORT_TORG);
        char *after;

        tg_rig_import_text(r, shirts, 0);
        r->faulty.fault = TG_FAULT_REFUSE;
        r->faulty.fail_in = n;
        tg_rig_ask(r, tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0));
        if (r->status == 503) /* the request itself was refused: nothing has begun */
            tg_rig_ask(r, tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0));
        assert_int_equal(r->status, 202);
        (void)tg_rig_settle(r);
        r->faulty.fail_in = -1;
        refused = r->faulty.refused;
        tg_rig_look(r);
        assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
        assert_int_equal(r->import.faults, 0);
        after = tg_rig_export(r, TG_EXPORT_TORG);
        assert_string_equal(before, after);
        assert_int_equal(variant(r, "S-1")->stock.on_hand, 0);
        assert_memory_is_disk(r);
        tg_free(before);
        tg_free(after);
        tg_rig_close(r);
    }
}

/* --- undo and what happened since --- */

static void undo_under_a_key(struct tg_rig *r)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);

    tg_str_cut(req->idempotency, sizeof(req->idempotency), "u1");
    req->number = 1;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 202);
    assert_string_equal(r->location, "/api/v1/imports/i1");
}

static void test_undo_asked_again_is_answered_alike(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char first[256];

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    undo_under_a_key(r);
    tg_str_cut(first, sizeof(first), r->text);
    (void)tg_rig_settle(r);
    undo_under_a_key(r);
    assert_string_equal(r->text, first);
    tg_rig_close(r);
}

static void set_price(struct tg_rig *r, const char *sku, const char *currency, int64_t amount)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_LIST_PRICE, NULL, 0);

    tg_str_cut(req->key, sizeof(req->key), sku);
    req->price.amount = amount;
    req->price.compare_at = -2;
    tg_str_cut(req->price.currency, sizeof(req->price.currency), currency);
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 200);
}

static int64_t version_of(struct tg_rig *r, const char *sku)
{
    struct tg_feed_arena a = {0};
    struct tg_feed_variant v;
    struct tg_cat_place place;

    assert_int_equal(r->store->ops->begin(r->store), TG_OK);
    assert_int_equal(tg_cat_variant(r->store, &a, sku, &v, &place), TG_OK);
    r->store->ops->rollback(r->store);
    tg_feed_arena_done(&a);
    return place.version;
}

static void test_undo_leaves_prices_alone_that_somebody_set_since(void **state)
{
    struct tg_rig *r = tg_rig_open();
    int64_t version;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    tg_rig_import_text(r,
                       "{\"id\":\"s\",\"variants\":[{\"sku\":\"S-1\",\"price\":18000},"
                       "{\"sku\":\"S-2\",\"price\":18000}]}\n"
                       "{\"id\":\"h\",\"variants\":[{\"sku\":\"H\",\"price\":9000}]}",
                       0);
    tg_rig_counts(&r->import, 0, 3, 0, 0);
    version = version_of(r, "S-1");
    set_price(r, "S-1", "", 17000);
    assert_int_equal(version_of(r, "S-1"), version + 1);
    version = version_of(r, "S-2");
    set_price(r, "S-2", "EUR", 1700);
    assert_int_equal(version_of(r, "S-2"), version + 1);
    tg_rig_undo(r, 0);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_int_equal(r->import.faults, 2);
    assert_int_equal(variant(r, "S-1")->price, 17000);
    assert_int_equal(variant(r, "S-2")->price, 18000);
    assert_int_equal(variant(r, "H")->price, 9900);
    assert_memory_is_disk(r);
    tg_rig_close(r);
}

/* Two nights' files of prices, both undone: the second undo finds what the first import made. */
static void test_imports_are_undone_one_after_the_other(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char *before;
    char *after;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    before = tg_rig_export(r, TG_EXPORT_TORG);
    for (int night = 1; night <= 3; night++) {
        char text[160];

        tg_str_printf(
            text, sizeof(text),
            "{\"id\":\"s\",\"title\":\"Shirt %d\",\"variants\":[{\"sku\":\"S-1\",\"price\":"
            "%d},{\"sku\":\"S-2\",\"prices\":[]}]}",
            night, 20000 - 100 * night);
        tg_rig_import_text(r, text, 0);
    }
    for (int night = 3; night >= 1; night--) {
        tg_rig_undo(r, 0);
        assert_int_equal(tg_read_import(r->db, night + 1, &r->import), TG_OK);
        assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
        assert_int_equal(r->import.faults, 0);
    }
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(before);
    tg_free(after);
    tg_rig_close(r);
}

/* The server stops in the middle of an undo, goods arrive, the undo is done again. */
static void test_undo_that_was_cut_off_takes_nothing_back_twice(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_buf text;
    struct tg_sale_req *req;
    int64_t all = 0;
    unsigned cut = 0;

    (void)state;
    tg_buf_init(&text, 1 << 20);
    for (int i = 0; i < 600; i++)
        tg_buf_printf(&text,
                      "{\"id\":\"p%d\",\"title\":\"P\",\"variants\":[{\"sku\":\"P%d\",\"price\":"
                      "100,\"stock\":10}]}\n",
                      i, i);
    tg_rig_import_text(r, tg_buf_cstr(&text), 0);
    tg_buf_done(&text);
    assert_int_equal(r->import.counted, 600);
    req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 202);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_UNDOING);
    r->now.mono += TG_IMPORT_LEASE_US + 1; /* until then it might be another node's */
    r->now.wall += TG_IMPORT_LEASE_US + 1;
    tg_rig_restart(r);
    for (int i = 0; i < 600; i++) {
        char sku[16];

        tg_str_printf(sku, sizeof(sku), "P%d", i);
        cut += variant(r, sku)->stock.on_hand == 0;
        req = tg_rig_req(r, TG_SALE_OP, NULL, 0);
        req->op.kind = TG_OP_STOCK;
        tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), sku);
        req->op.u.stock.value = 3;
        tg_rig_ask(r, req);
        assert_int_equal(r->status, 200);
    }
    assert_in_range(cut, 1, 599); /* it was in the middle */
    tg_rig_undo(r, 0);
    for (int i = 0; i < 600; i++) {
        char sku[16];

        tg_str_printf(sku, sizeof(sku), "P%d", i);
        all += variant(r, sku)->stock.on_hand;
        assert_true(variant(r, sku)->archived);
    }
    assert_int_equal(all, 600 * 3);
    assert_int_equal(tg_read_import(r->db, 1, &r->import), TG_OK);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_memory_is_disk(r);
    tg_rig_close(r);
}

/* --- single changes --- */

static const char lamp[] =
    "{\"id\":\"lamp\",\"title\":\"Lamp\",\"variants\":[{\"sku\":\"L-1\",\"price\":100,\"stock\":4,"
    "\"prices\":[{\"price\":{\"amount\":9,\"currency\":\"EUR\"}}]},{\"sku\":\"L-2\",\"price\":200}]"
    "}";

/* Whichever call the database refuses: told so, and nothing is there; told 201, and all is. */
static void test_product_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct tg_rig *r = tg_rig_open();
        unsigned long refused;

        r->faulty.fault = TG_FAULT_REFUSE;
        r->faulty.fail_in = n;
        put(r, TG_SALE_PRODUCT_NEW, "", "k1", lamp);
        r->faulty.fail_in = -1;
        refused = r->faulty.refused;
        if (r->status == 201) {
            assert_int_equal(variant(r, "L-1")->stock.on_hand, 4);
        } else {
            assert_int_equal(r->status, 503);
            assert_null(variant(r, "L-1"));
            assert_null(tg_shop_product(tg_sale_shop(r->sale), "lamp"));
            assert_memory_is_disk(r);
            put(r, TG_SALE_PRODUCT_NEW, "", "k1", lamp);
            assert_int_equal(r->status, 201);
        }
        assert_int_equal(variant(r, "L-1")->stock.on_hand, 4);
        assert_memory_is_disk(r);
        tg_rig_close(r);
        if (refused == 0)
            break;
    }
}

/* A change of which the shop refuses a part is refused whole, in memory too. */
static void test_change_with_a_refused_part_is_refused_whole(void **state)
{
    struct tg_rig *r = tg_rig_open();
    int64_t version;

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    version = version_of(r, "S-1");
    put(r, TG_SALE_VARIANT_SET, "S-1", "",
        "{\"weight_g\":100,\"price\":1,\"parts\":[{\"sku\":\"H\",\"qty\":1}]}");
    assert_int_equal(r->status, 422); /* it has stock, so it can be no bundle */
    assert_int_equal(variant(r, "S-1")->price, 20000);
    assert_int_equal(version_of(r, "S-1"), version);
    put(r, TG_SALE_PRODUCT_NEW, "", "k",
        "{\"id\":\"b\",\"title\":\"B\",\"variants\":[{\"sku\":\"B\",\"price\":1,"
        "\"parts\":[{\"sku\":\"NONE\",\"qty\":1}]}]}");
    assert_int_equal(r->status, 422);
    assert_null(variant(r, "B"));
    assert_null(tg_shop_product(tg_sale_shop(r->sale), "b"));
    assert_memory_is_disk(r);
    tg_rig_close(r);
}

/* The version in the answer is the one that the next If-Match needs, whatever prices changed. */
static void test_answered_version_is_the_one_on_disk(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char expected[64];

    (void)state;
    tg_rig_import_text(r, shirts, 0);
    put(r, TG_SALE_VARIANT_SET, "S-2", "",
        "{\"weight_g\":100,\"price\":1,\"prices\":[{\"price\":{\"amount\":7,\"currency\":"
        "\"SEK\"}}]}");
    assert_int_equal(r->status, 200);
    tg_str_printf(expected, sizeof(expected), "{\"sku\":\"S-2\",\"version\":%lld}",
                  (long long)version_of(r, "S-2"));
    assert_string_equal(r->text, expected);
    tg_rig_close(r);
}

static void test_product_with_more_than_fits_is_refused(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_buf text;

    (void)state;
    tg_buf_init(&text, 1 << 20);
    tg_buf_add_str(&text, "{\"id\":\"many\",\"title\":\"Many\",\"variants\":[");
    for (int i = 0; i < 140; i++)
        tg_buf_printf(&text, "%s{\"sku\":\"M%d\",\"options\":{\"n\":\"%d\"},\"price\":1}",
                      i == 0 ? "" : ",", i, i);
    tg_buf_add_str(&text, "]}");
    put(r, TG_SALE_PRODUCT_NEW, "", "k", tg_buf_cstr(&text));
    assert_int_equal(r->status, 422);
    assert_non_null(strstr(r->text, "\"field\":\"variants\""));
    assert_null(variant(r, "M0"));
    tg_buf_done(&text);
    tg_rig_close(r);
}

/* --- repeats under a key --- */

static void test_key_gives_the_first_answer_again(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char first[512];

    (void)state;
    put(r, TG_SALE_PRODUCT_NEW, "", "k1", lamp);
    assert_int_equal(r->status, 201);
    assert_string_equal(r->location, "/api/v1/products/lamp");
    tg_str_cut(first, sizeof(first), r->text);
    for (int round = 0; round < 2; round++) { /* from memory, then from disk */
        put(r, TG_SALE_PRODUCT_NEW, "", "k1", lamp);
        assert_int_equal(r->status, 201);
        assert_string_equal(r->text, first);
        assert_string_equal(r->location, "/api/v1/products/lamp");
        put(r, TG_SALE_PRODUCT_NEW, "", "k1", "{\"id\":\"other\",\"title\":\"O\"}");
        assert_int_equal(r->status, 422);
        assert_non_null(strstr(r->text, "Idempotency-Key"));
        tg_rig_restart(r);
    }
    assert_int_equal(variant(r, "L-1")->stock.on_hand, 4);
    put(r, TG_SALE_VARIANT_NEW, "lamp", "k1", "{\"sku\":\"L-3\",\"price\":5,\"stock\":2}");
    assert_int_equal(r->status, 201);
    put(r, TG_SALE_VARIANT_NEW, "lamp", "k1", "{\"sku\":\"L-3\",\"price\":5,\"stock\":2}");
    assert_int_equal(r->status, 201);
    assert_int_equal(variant(r, "L-3")->stock.on_hand, 2);
    put(r, TG_SALE_PRODUCT_NEW, "", "k2", lamp); /* another key is another request */
    assert_int_equal(r->status, 422);
    tg_rig_close(r);
}

static void start_keyed(struct tg_rig *r, const char *id, uint64_t content)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);

    tg_str_cut(req->key, sizeof(req->key), "auto");
    tg_str_cut(req->idempotency, sizeof(req->idempotency), id);
    req->content = content;
    tg_rig_ask(r, req);
}

static void test_key_makes_one_import_and_one_undo(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    tg_rig_file(r, shirts, strlen(shirts));
    start_keyed(r, "k", 7);
    assert_int_equal(r->status, 202);
    assert_string_equal(r->location, "/api/v1/imports/i1");
    start_keyed(r, "k", 7); /* while it runs, and after it */
    assert_int_equal(r->status, 202);
    assert_string_equal(r->location, "/api/v1/imports/i1");
    start_keyed(r, "k", 8);
    assert_int_equal(r->status, 422);
    (void)tg_rig_settle(r);
    start_keyed(r, "k", 7);
    assert_int_equal(r->status, 202);
    tg_rig_look(r);
    assert_int_equal(r->import.id, 1);
    for (int i = 0; i < 2; i++) {
        req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);
        req->number = 1;
        tg_str_cut(req->idempotency, sizeof(req->idempotency), "u");
        tg_rig_ask(r, req);
        assert_int_equal(r->status, 202);
        (void)tg_rig_settle(r);
    }
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    tg_rig_close(r);
}

/* --- files --- */

static void upload(struct tg_rig *r, uint32_t role)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);

    tg_str_cut(req->key, sizeof(req->key), "auto");
    req->flag = true;
    req->who.roles = role;
    tg_rig_ask(r, req);
}

static void test_upload_never_stays(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    tg_rig_file(r, shirts, strlen(shirts));
    upload(r, TG_ROLE_HOST);
    assert_int_equal(r->status, 403);
    assert_int_equal(access(r->file, F_OK), -1);

    tg_rig_file(r, shirts, strlen(shirts)); /* nobody takes the message */
    req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);
    req->flag = true;
    tg_msg_free(req);
    assert_int_equal(access(r->file, F_OK), -1);

    for (long n = 0; n < 8; n++) { /* the database refuses */
        tg_rig_file(r, shirts, strlen(shirts));
        r->faulty.fault = TG_FAULT_REFUSE;
        r->faulty.fail_in = n;
        upload(r, TG_ROLE_MERCHANDISER);
        (void)tg_rig_settle(r);
        assert_int_equal(access(r->file, F_OK), -1);
    }
    tg_rig_close(r);
}

/* ... also when one is running; that one's file stays until it is done. */
static void test_upload_beside_a_running_import_goes(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_feeds_made made;
    char other[128];
    struct tg_sale_req *req;
    FILE *f;

    (void)state;
    tg_rig_make_file(r, TG_FEED_TORG, 1, 2000, 0, &made);
    upload(r, TG_ROLE_MERCHANDISER);
    assert_int_equal(r->status, 202);
    tg_str_printf(other, sizeof(other), "%s/other", r->dir);
    f = fopen(other, "wb");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    req = tg_rig_req(r, TG_SALE_IMPORT, other, strlen(other) + 1);
    tg_str_cut(req->key, sizeof(req->key), "auto");
    req->flag = true;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 409);
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(access(r->file, F_OK), 0);
    (void)tg_rig_settle(r);
    assert_int_equal(access(r->file, F_OK), -1);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    tg_rig_close(r);
}

/* Opening a pipe would wait for who writes it. */
static void test_import_of_a_pipe_is_refused_at_once(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    assert_int_equal(mkfifo(r->file, 0600), 0);
    req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);
    tg_str_cut(req->key, sizeof(req->key), "auto");
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 422);
    assert_non_null(strstr(r->text, "\"field\":\"file\""));
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_waits_for_the_database_and_goes_on),
        cmocka_unit_test(test_undo_waits_for_the_database_and_goes_on),
        cmocka_unit_test(test_undo_leaves_prices_alone_that_somebody_set_since),
        cmocka_unit_test(test_undo_asked_again_is_answered_alike),
        cmocka_unit_test(test_imports_are_undone_one_after_the_other),
        cmocka_unit_test(test_undo_that_was_cut_off_takes_nothing_back_twice),
        cmocka_unit_test(test_product_is_made_whole_or_not_at_all),
        cmocka_unit_test(test_change_with_a_refused_part_is_refused_whole),
        cmocka_unit_test(test_answered_version_is_the_one_on_disk),
        cmocka_unit_test(test_product_with_more_than_fits_is_refused),
        cmocka_unit_test(test_key_gives_the_first_answer_again),
        cmocka_unit_test(test_key_makes_one_import_and_one_undo),
        cmocka_unit_test(test_upload_never_stays),
        cmocka_unit_test(test_upload_beside_a_running_import_goes),
        cmocka_unit_test(test_import_of_a_pipe_is_refused_at_once),
    };

    return tg_rig_on_both(tests, TG_ARRAY_LEN(tests));
}
