/*
 * test_store_cost.c - what an order must not cost: how statements find their rows, which rows are
 * not written at all, and that what is written only where it changed reads back whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/str.h"
#include "msg/webhook.h"
#include "store/store.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

static const char *const texts[] = {
#define TG_SQL(name, text) [TG_SQL_##name] = text,
#include "store/sql.def"
};

struct box {
    char dir[64];
    char path[96];
    struct tg_rng rng;
    struct tg_store *store;
    struct tg_shop *shop;
    struct tg_idem *idem;
    struct tg_shop_now now;
};

static void open_all(struct box *b)
{
    struct tg_db_cfg cfg = {.url = b->path, .fast = true};
    struct tg_shop_cfg shop = {.rng = &b->rng,
                               .currency = "NOK",
                               .hold_us = (tg_us)600 * TG_US_PER_S,
                               .person_units_max = 50};
    char why[256] = "";

    assert_int_equal(tg_store_new(&b->store, &cfg, why), TG_OK);
    assert_int_equal(tg_demo_seed(b->store, b->now.wall), TG_OK);
    assert_int_equal(tg_shop_new(&b->shop, &shop), TG_OK);
    assert_int_equal(tg_idem_new(&b->idem, 1024, &b->rng), TG_OK);
    assert_int_equal(b->store->ops->load_shop(b->store, b->now, b->shop), TG_OK);
}

static void close_all(struct box *b)
{
    tg_idem_free(b->idem);
    tg_shop_free(b->shop);
    tg_store_free(b->store);
}

static int setup(void **state)
{
    struct box *b = tg_calloc(1, sizeof(*b));

    assert_non_null(b);
    b->now = (struct tg_shop_now){.mono = 1, .wall = WALL_US};
    b->rng = tg_rng_seeded(7);
    tg_str_printf(b->dir, sizeof(b->dir), "/tmp/torg-cost-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    tg_str_printf(b->path, sizeof(b->path), "%s/shop.db", b->dir);
    open_all(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    struct box *b = *state;
    char path[128];

    close_all(b);
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s%s", b->path, tails[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(b->dir), 0);
    tg_free(b);
    return 0;
}

static struct tg_claim claim_of(enum tg_claim_kind kind, const char *sku, int32_t qty)
{
    return (struct tg_claim){.kind = kind,
                             .person = "pA",
                             .name = "Kari",
                             .source = "",
                             .show = 2,
                             .op = "",
                             .id = "",
                             .sku = sku,
                             .qty = qty,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = ""};
}

/* One batch: load, decide all, write, commit. */
static void batch(struct box *b, const struct tg_claim *claims, size_t count)
{
    const struct tg_effect *effects = NULL;
    size_t written = 0;

    assert_int_equal(b->store->ops->load(b->store, b->now, claims, count, b->shop, b->idem), TG_OK);
    for (size_t i = 0; i < count; i++) {
        struct tg_verdict v;

        tg_shop_decide(b->shop, b->now, &claims[i], &v);
        assert_int_equal(v.code, TG_CODE_OK);
    }
    assert_int_equal(tg_shop_effects(b->shop, b->now.wall, &effects, &written), TG_OK);
    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    for (size_t i = 0; i < written; i++)
        assert_int_equal(b->store->ops->write(b->store, &effects[i]), TG_OK);
    assert_int_equal(b->store->ops->commit(b->store), TG_OK);
    tg_shop_commit(b->shop);
}

/* The only value of a row of anybody's SQL. */
static int64_t ask(const struct box *b, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    int64_t value;

    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

/* --- how rows are found --- */

static void plan_of(const struct box *b, enum tg_sql which, char *out, size_t size)
{
    char sql[4096];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    size_t len = 0;

    out[0] = '\0';
    tg_str_printf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", texts[which]);
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        tg_str_printf(out + len, size - len, "%s; ", (const char *)sqlite3_column_text(st, 3));
        len = strlen(out);
    }
    sqlite3_finalize(st);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A buyer with a thousand orders must not be slower than a new one. */
static void test_what_a_purchase_asks_is_found_by_index(void **state)
{
    static const struct {
        enum tg_sql which;
        const char *by;
    } asked[] = {
        {TG_SQL_PERSON_UNITS, "order_lines_by_person (person=? AND sku=?)"},
        {TG_SQL_PERSON_UNITS_IN_SHOW, "order_lines_by_person (person=? AND sku=?)"},
        {TG_SQL_PERSON_SHOW_UNITS, "order_lines_by_person (person=?)"},
        {TG_SQL_ORDERS_ALL_OF_PERSON, "order_lines_by_person (person=?)"},
        {TG_SQL_IDEM, "(id=? AND person=? AND op=?)"},
        {TG_SQL_CART, "PRIMARY KEY (person=?)"},
    };
    char plan[2048];

    for (size_t i = 0; i < TG_ARRAY_LEN(asked); i++) {
        plan_of(*state, asked[i].which, plan, sizeof(plan));
        if (strstr(plan, asked[i].by) == NULL || strstr(plan, "SCAN") != NULL)
            fail_msg("%s\n%s", texts[asked[i].which], plan);
    }
}

/* What another node changed is read key by key under the shop's lock. */
static void test_past_prices_of_a_sku_are_found_by_index(void **state)
{
    static const enum tg_sql asked[] = {TG_SQL_PRICE_PAST_OF, TG_SQL_SET_PRICE_LEFT};
    char plan[2048];

    for (size_t i = 0; i < TG_ARRAY_LEN(asked); i++) {
        plan_of(*state, asked[i], plan, sizeof(plan));
        if (strstr(plan, "price_changes_by_sku (sku=? AND at_us") == NULL)
            fail_msg("%s\n%s", texts[asked[i]], plan);
    }
}

/* --- what is not written --- */

static void make_endpoint(const struct box *b, const char *topics)
{
    char sql[512];
    sqlite3 *db = NULL;

    tg_str_printf(sql, sizeof(sql),
                  "INSERT INTO webhooks (public_id, url, topics, description, enabled, off_reason,"
                  " failing_since_us, created_us, created_by, changed_us, deleted_us)"
                  " VALUES ('w%s', 'https://shop.example/', '%s', '', 1, '', -1, 1, 'x', 1, -1)",
                  topics, topics);
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_a_message_is_written_only_when_an_endpoint_wants_it(void **state)
{
    struct box *b = *state;
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "MUG-RED", 1);

    batch(b, &buy, 1);
    assert_int_equal(ask(b, "SELECT count(*) FROM outbox"), 0);
    make_endpoint(b, "order.paid");
    batch(b, &buy, 1);
    assert_int_equal(ask(b, "SELECT count(*) FROM outbox"), 0);
    make_endpoint(b, "order.created");
    batch(b, &buy, 1);
    assert_int_equal(ask(b, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(ask(b, "SELECT count(*) FROM deliveries"), 1);
    assert_int_equal(ask(b, "SELECT order_number FROM outbox"),
                     ask(b, "SELECT max(number) FROM orders"));
}

/* --- carts, written where they changed --- */

static void put(struct box *b, const char *sku, int32_t qty)
{
    struct tg_claim set = claim_of(TG_CLAIM_CART_SET, sku, qty);

    batch(b, &set, 1);
}

/* What is in memory is what a start would find. */
static void check_cart(struct box *b, uint32_t lines)
{
    const struct tg_claim look = claim_of(TG_CLAIM_CART, "", 0);
    struct tg_cart before = {.line_count = 0};
    const struct tg_cart *cart = tg_shop_cart(b->shop, "pA");

    if (cart != NULL)
        before = *cart;
    assert_int_equal(before.line_count, lines);
    close_all(b);
    open_all(b);
    assert_int_equal(b->store->ops->load(b->store, b->now, &look, 1, b->shop, b->idem), TG_OK);
    cart = tg_shop_cart(b->shop, "pA");
    assert_int_equal(cart == NULL ? 0 : cart->line_count, lines);
    for (uint32_t i = 0; i < lines; i++) {
        assert_string_equal(cart->lines[i].sku, before.lines[i].sku);
        assert_int_equal(cart->lines[i].qty, before.lines[i].qty);
        assert_int_equal(cart->lines[i].price, before.lines[i].price);
    }
}

static void test_a_cart_is_written_where_it_changed(void **state)
{
    struct box *b = *state;
    struct tg_claim both[2];

    put(b, "MUG-RED", 1);
    put(b, "MUG-GREEN", 2);
    b->now.wall += TG_US_PER_S;
    put(b, "THERMOS-1L-SAND", 3);
    check_cart(b, 3);
    assert_int_equal(ask(b, "SELECT count(DISTINCT changed_us) FROM carts"), 2);
    put(b, "MUG-GREEN", 5); /* one in the middle */
    check_cart(b, 3);
    put(b, "MUG-RED", 0); /* the first goes, the others move up */
    check_cart(b, 2);
    both[0] = claim_of(TG_CLAIM_CART_SET, "THERMOS-1L-SAND", 0); /* out and in again */
    both[1] = claim_of(TG_CLAIM_CART_SET, "MUG-RED", 4);
    batch(b, both, 2);
    check_cart(b, 2);
    both[0] = claim_of(TG_CLAIM_CHECKOUT, "", 0);
    batch(b, both, 1);
    check_cart(b, 0);
    put(b, "MUG-RED", 1);
    check_cart(b, 1);
}

/* Whoever took old lines away with other means left numbers out. */
static void test_a_cart_with_gaps_is_written_anew(void **state)
{
    struct box *b = *state;
    sqlite3 *db = NULL;

    put(b, "MUG-RED", 1);
    put(b, "MUG-GREEN", 2);
    put(b, "THERMOS-1L-SAND", 3);
    close_all(b);
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM carts WHERE line = 0", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    open_all(b);
    put(b, "MUG-RED", 4);
    check_cart(b, 3);
    put(b, "MUG-GREEN", 0);
    check_cart(b, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_a_purchase_asks_is_found_by_index, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_past_prices_of_a_sku_are_found_by_index, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_message_is_written_only_when_an_endpoint_wants_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cart_is_written_where_it_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cart_with_gaps_is_written_anew, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
