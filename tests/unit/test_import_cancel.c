/*
 * test_import_cancel.c - an import, or an undo, that somebody ends: what it did stays and can be
 * undone, whatever the database says meanwhile; one that a crash ended says what to do. On both
 * engines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/import_rig.h"

enum { MANY = 600 };

/* That many products "p<i>" with the number i + 1, ten units of each. */
static void many(struct tg_rig *r, int from, int to)
{
    struct tg_buf text;

    tg_buf_init(&text, 1 << 20);
    for (int i = from; i < to; i++)
        tg_buf_printf(
            &text,
            "{\"id\":\"p%d\",\"number\":%d,\"title\":\"P\",\"variants\":[{\"sku\":\"P%d\","
            "\"price\":100,\"stock\":10}]}\n",
            i, i + 1, i);
    tg_rig_file(r, text.data, text.len);
    tg_buf_done(&text);
}

static void start(struct tg_rig *r, uint32_t flags, bool uploaded)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);

    tg_str_cut(req->key, sizeof(req->key), "auto");
    req->number = flags;
    req->flag = uploaded;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 202);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_RUNNING);
}

static void start_undo(struct tg_rig *r, int64_t id)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);

    req->number = id;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 202);
}

static void cancel(struct tg_rig *r, int64_t id, int status)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT_CANCEL, NULL, 0);

    req->number = id;
    tg_rig_ask(r, req);
    if (r->status != status)
        fail_msg("%d %s", r->status, r->text);
}

static void text_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s has no %s", text, part);
}

/* Units in the shop's memory. */
static int64_t units(struct tg_rig *r)
{
    int64_t all = 0;

    for (int i = 0; i < MANY; i++) {
        const struct tg_variant *v;
        char sku[16];

        tg_str_printf(sku, sizeof(sku), "P%d", i);
        v = tg_shop_variant(tg_sale_shop(r->sale), sku);
        all += v == NULL ? 0 : v->stock.on_hand;
    }
    return all;
}

static void test_cancelled_import_stays_as_far_as_it_was_and_is_undone(void **state)
{
    struct tg_rig *r = tg_rig_open();
    int64_t done;
    char *before;
    char *after;

    (void)state;
    many(r, 0, 1);
    tg_rig_import(r, 0);
    before = tg_rig_export(r, TG_EXPORT_TORG);
    many(r, 1, MANY);
    start(r, 0, true);
    cancel(r, r->import.id, 200);
    text_has(r->text, "\"id\":\"i2\",\"state\":\"cancelled\"");
    text_has(r->text, "undo takes it back");
    assert_int_equal(access(r->file, F_OK), -1); /* an upload goes with its import */
    assert_int_equal(tg_rig_settle(r) > 1, false);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_CANCELLED);
    assert_int_equal(r->import.ended_wall, r->now.wall);
    done = r->import.variants.added;
    assert_in_range(done, 1, MANY - 2); /* it was in the middle */
    assert_int_equal(units(r), (done + 1) * 10);
    tg_rig_restart(r);
    assert_int_equal(units(r), (done + 1) * 10);
    tg_rig_undo(r, 0); /* the last import is this one */
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_int_equal(r->import.faults, 0);
    assert_string_equal(r->import.reason, "");
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    assert_int_equal(units(r), 10);
    many(r, 1, MANY);
    tg_rig_import(r, 0); /* and the next one may come */
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    assert_int_equal(units(r), MANY * 10);
    tg_free(before);
    tg_free(after);
    tg_rig_close(r);
}

static void test_cancelled_undo_is_undone_again(void **state)
{
    struct tg_rig *r = tg_rig_open();
    char *before = tg_rig_export(r, TG_EXPORT_TORG);
    char *after;

    (void)state;
    many(r, 0, MANY);
    tg_rig_import(r, 0);
    start_undo(r, 1);
    cancel(r, 0, 200); /* the one that runs */
    text_has(r->text, "\"id\":\"i1\",\"state\":\"cancelled\"");
    text_has(r->text, "undo it again");
    assert_in_range(units(r), 10, MANY * 10 - 10);
    cancel(r, 0, 404);
    tg_rig_undo(r, 1);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_UNDONE);
    assert_string_equal(r->import.reason, "");
    assert_int_equal(r->import.faults, 0);
    assert_int_equal(units(r), 0);
    after = tg_rig_export(r, TG_EXPORT_TORG);
    assert_string_equal(before, after);
    tg_free(before);
    tg_free(after);
    tg_rig_close(r);
}

static void test_cancel_refusals(void **state)
{
    struct tg_rig *r = tg_rig_open();
    struct tg_sale_req *req;

    (void)state;
    cancel(r, 0, 404);
    text_has(r->text, "No import is running.");
    cancel(r, 7, 404);
    many(r, 0, MANY);
    start(r, TG_IMPORT_DRY, false);
    cancel(r, 2, 404);
    req = tg_rig_req(r, TG_SALE_IMPORT_CANCEL, NULL, 0);
    req->who.roles = TG_ROLE_HOST | TG_ROLE_MODERATOR;
    req->number = 1;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 403);
    cancel(r, 1, 200);
    text_has(r->text, "A dry run changes nothing.");
    cancel(r, 1, 409);
    text_has(r->text, "it is cancelled.");
    req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);
    req->number = 1;
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 409);
    tg_rig_import(r, 0);
    cancel(r, 2, 409);
    text_has(r->text, "it is done.");
    tg_rig_undo(r, 2);
    cancel(r, 2, 409);
    text_has(r->text, "it is undone.");
    tg_rig_close(r);
}

/* Whichever call the database refuses: the import is over at once, its row as soon as it can be
 * written, and what it did is undone. */
static void test_cancel_while_the_database_refuses(void **state)
{
    unsigned long refused = 1;
    unsigned later = 0;

    (void)state;
    for (long n = 0; refused > 0; n++) {
        struct tg_rig *r = tg_rig_open();
        char *before = tg_rig_export(r, TG_EXPORT_TORG);
        char *after;

        many(r, 0, MANY);
        start(r, 0, false);
        r->faulty.fault = TG_FAULT_REFUSE;
        r->faulty.fail_in = n;
        r->status = -1;
        {
            struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT_CANCEL, NULL, 0);

            req->number = 1;
            tg_rig_ask(r, req);
        }
        r->faulty.fail_in = -1;
        refused = r->faulty.refused;
        assert_true(r->status == 200 || r->status == 202);
        assert_true(refused > 0 || r->status == 200);
        later += r->status == 202;
        text_has(r->text, "\"state\":\"cancelled\"");
        (void)tg_rig_settle(r);
        tg_rig_look(r);
        assert_int_equal(r->import.state, TG_IMPORT_CANCELLED);
        assert_int_equal(units(r), r->import.variants.added * 10);
        tg_rig_undo(r, 1);
        after = tg_rig_export(r, TG_EXPORT_TORG);
        assert_string_equal(before, after);
        tg_free(before);
        tg_free(after);
        tg_rig_close(r);
    }
    assert_true(later > 1);
}

/* One that waits for the database, and has to read its file anew, has no more to wait for. */
static void test_cancel_of_an_import_that_waits(void **state)
{
    struct tg_rig *r = tg_rig_open();
    int64_t done;

    (void)state;
    many(r, 0, MANY);
    start(r, 0, false);
    done = r->import.variants.added;
    r->faulty.fault = TG_FAULT_REFUSE;
    r->faulty.fail_in = 5;
    tg_sale_turn(r->sale, r->now, NULL, 0);
    assert_int_equal(r->faulty.refused, 1);
    assert_true(tg_sale_deadline(r->sale) > r->now.mono);
    r->faulty.fail_in = 1; /* the batch has a call of its own */
    cancel(r, 1, 202);
    r->faulty.fail_in = 1;
    cancel(r, 0, 202); /* the same again */
    r->faulty.fail_in = -1;
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_RUNNING);
    (void)tg_rig_settle(r);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_CANCELLED);
    assert_int_equal(r->import.variants.added, done);
    assert_int_equal(units(r), done * 10);
    tg_rig_close(r);
}

/* What a crash ended says what to do about it. */
static void test_cut_off_says_what_to_do(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    many(r, 0, MANY);
    tg_rig_import(r, 0);
    start_undo(r, 1);
    r->now.mono += TG_IMPORT_LEASE_US + 1; /* until then it might be another node's */
    r->now.wall += TG_IMPORT_LEASE_US + 1;
    tg_rig_restart(r);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_FAILED);
    text_has(r->import.reason, "Undo it again");
    tg_rig_undo(r, 1);
    many(r, 0, MANY);
    start(r, 0, false);
    r->now.mono += TG_IMPORT_LEASE_US + 1;
    r->now.wall += TG_IMPORT_LEASE_US + 1;
    tg_rig_restart(r);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_FAILED);
    text_has(r->import.reason, "Import the file again");
    tg_rig_close(r);
}

/* While what the file lacks is archived, one of it moves to where that has been already. */
static void test_archive_missing_finds_what_moves(void **state)
{
    static const char number[] = "{\"number\":3}";
    struct tg_rig *r = tg_rig_open();
    const struct tg_shop *shop;
    struct tg_sale_req *req;

    (void)state;
    many(r, 0, MANY);
    tg_rig_import(r, 0);
    shop = tg_sale_shop(r->sale);
    many(r, 0, 1);
    start(r, TG_IMPORT_ARCHIVE_MISSING, false);
    while (!tg_shop_product(shop, "p2")->archived)
        tg_sale_turn(r->sale, r->now, NULL, 0);
    assert_false(tg_shop_product(shop, "p599")->archived);
    req = tg_rig_req(r, TG_SALE_PRODUCT_SET, number, sizeof(number) - 1);
    tg_str_cut(req->key, sizeof(req->key), "p599");
    tg_rig_ask(r, req);
    assert_int_equal(r->status, 200);
    assert_false(tg_shop_product(shop, "p599")->archived);
    (void)tg_rig_settle(r);
    tg_rig_look(r);
    assert_int_equal(r->import.state, TG_IMPORT_DONE);
    assert_int_equal(r->import.products.archived, MANY - 1);
    assert_int_equal(r->import.variants.archived, MANY - 1);
    assert_true(tg_shop_product(shop, "p599")->archived);
    tg_rig_close(r);
}

/* The first answer again, with its header. */
static void test_repeated_undo_has_its_location(void **state)
{
    struct tg_rig *r = tg_rig_open();

    (void)state;
    many(r, 0, 1);
    tg_rig_import(r, 0);
    for (int i = 0; i < 3; i++) {
        struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);

        if (i == 2)
            tg_rig_restart(r); /* then from the disk */
        req->number = 1;
        tg_str_cut(req->idempotency, sizeof(req->idempotency), "k1");
        tg_rig_ask(r, req);
        assert_int_equal(r->status, 202);
        assert_string_equal(r->location, "/api/v1/imports/i1");
        (void)tg_rig_settle(r);
    }
    tg_rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancelled_import_stays_as_far_as_it_was_and_is_undone),
        cmocka_unit_test(test_cancelled_undo_is_undone_again),
        cmocka_unit_test(test_cancel_refusals),
        cmocka_unit_test(test_cancel_while_the_database_refuses),
        cmocka_unit_test(test_cancel_of_an_import_that_waits),
        cmocka_unit_test(test_cut_off_says_what_to_do),
        cmocka_unit_test(test_archive_missing_finds_what_moves),
        cmocka_unit_test(test_repeated_undo_has_its_location),
    };

    return tg_rig_on_both(tests, TG_ARRAY_LEN(tests));
}
