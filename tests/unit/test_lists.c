/* test_lists.c - what a page of a list costs does not grow with the catalogue: steps are counted.
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
#include <sqlite3.h>

#include "base/str.h"
#include "store/db_priv.h"
#include "store/store.h"

enum { STEPS_MAX = 20000, PRODUCTS = 20000, VARIANTS_EACH = 5 };

static char path[] = "/tmp/torg-lists-XXXXXX";
static sqlite3 *db;

static void run(const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int open_shop(void **state)
{
    struct tg_db_cfg cfg = {.url = path, .fast = true};
    struct tg_store *store = NULL;
    char why[256];
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || close(fd) != 0 || unlink(path) != 0 || tg_store_new(&store, &cfg, why) != TG_OK)
        return -1;
    tg_store_free(store);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        return -1;
    run("BEGIN;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " INSERT INTO products (id, number, title, description, image, image_alt, created_us,"
        " changed_us) SELECT 'p' || i, i, 't', '', '', '', 0, 0 FROM n;"
        "INSERT INTO variants (sku, product_id, position, options, price, compare_at, cost, flash,"
        " flash_until_us, created_us, changed_us) SELECT p.id || '-' || k.i, p.id, k.i, '{}', 100,"
        " -1, -1, -1, -1, 0, 0 FROM products p,"
        " (SELECT 1 AS i UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) k;"
        "INSERT INTO stock (sku, location, on_hand, held, sold, version)"
        " SELECT sku, 0, 9, 0, 0, 1 FROM variants;"
        "INSERT INTO product_categories SELECT 'All', number, id FROM products;"
        "INSERT INTO product_attributes SELECT 'colour', 'red', number, id, '' FROM products;"
        "INSERT INTO search_words (word, product_id, place) SELECT 'shirt', id, 0 FROM products;"
        "INSERT INTO movements (sku, location, kind, qty, actor, cause, at_us, as_of_us)"
        " SELECT 'p1-1', 0, 1, 1, '', '', number, number FROM products;"
        /* 20,000 orders that were fulfilled, in one show, but for the ten oldest of each state;
           all were paid at once, but for the ten oldest. */
        "INSERT INTO orders (number, id, state, person, show_ord, source, currency, total,"
        " created_us, changed_us, pay_by_us, payment) SELECT number, id, CASE WHEN number > 80"
        " THEN 2 ELSE number % 8 END, 'p', 1, '', 'NOK', 0, 0, 0, 0, id FROM products;"
        "INSERT INTO payment_intents (order_number, number, kind, state, of_number, provider,"
        " reference, amount, currency, asked_us, changed_us) SELECT number, 1, 1,"
        " CASE WHEN number > 30 THEN 1 ELSE number % 3 END, 0, 's', '', 1, 'NOK', 0, 0"
        " FROM products;"
        "UPDATE variants SET price = 70000 WHERE product_id IN ('p19000', 'p19500', 'p7');"
        "COMMIT");
    return 0;
}

static int close_shop(void **state)
{
    char tail[64];

    (void)state;
    (void)sqlite3_close(db);
    (void)unlink(path);
    (void)snprintf(tail, sizeof(tail), "%s-wal", path);
    (void)unlink(tail);
    (void)snprintf(tail, sizeof(tail), "%s-shm", path);
    (void)unlink(tail);
    return 0;
}

/* Steps of SQLite's machine for the first `rows` rows; 0 = there are none. */
static int steps_of(enum tg_sql which, int rows, const char *const *values, int count)
{
    sqlite3_stmt *st = NULL;
    int got = 0;
    int steps;

    assert_int_equal(sqlite3_prepare_v2(db, tg_sql_texts[which].sqlite, -1, &st, NULL), SQLITE_OK);
    for (int i = 0; i < count; i++) {
        char *end;
        long long number = strtoll(values[i], &end, 10);

        if (*end == '\0' && end != values[i])
            assert_int_equal(sqlite3_bind_int64(st, i + 1, number), SQLITE_OK);
        else
            assert_int_equal(sqlite3_bind_text(st, i + 1, values[i], -1, SQLITE_STATIC), SQLITE_OK);
    }
    if (rows == 0)
        assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    while (got < rows && sqlite3_step(st) == SQLITE_ROW)
        got++;
    assert_int_equal(got, rows);
    steps = sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
    (void)sqlite3_finalize(st);
    return steps;
}

#define STEPS(which, rows, ...)                                                                    \
    steps_of(TG_SQL_##which, rows, (const char *const[]){__VA_ARGS__},                             \
             (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)))
#define ONLY(category, name, value) "-1", "-1", category, name, value, "", "", "", "", "-1"

static void test_a_page_costs_a_page(void **state)
{
    (void)state;
    assert_in_range(STEPS(LIST_ALL, 51, "15000", "51"), 1, STEPS_MAX);
    assert_in_range(STEPS(LIST_VARIANTS, VARIANTS_EACH, "p15000"), 1, STEPS_MAX);
    assert_in_range(STEPS(LIST_BY_NUMBER, 51, "15000", "2000", ONLY("", "", "")), 1, STEPS_MAX);
    assert_in_range(STEPS(LIST_BY_CATEGORY, 51, "15000", "2000", ONLY("All", "", "")), 1,
                    STEPS_MAX);
    assert_in_range(STEPS(STOCK_PAGE, 51, "p15", "51"), 1, STEPS_MAX);
    assert_in_range(STEPS(MOVEMENTS_OF, 51, "p1-1", "10000", "10000", "51"), 1, STEPS_MAX);
    assert_in_range(STEPS(CAT_VARIANTS_AFTER, 51, "p15", "2000"), 1, STEPS_MAX);
    /* Its DISTINCT looks at what one request may pass over, not at the catalogue. */
    assert_in_range(STEPS(LIST_BY_ATTRIBUTE, 51, "15000", "2000", ONLY("", "colour", "red")), 1,
                    10 * STEPS_MAX);
}

#define OF_STATE(state) "30000", state, "-1", "", "0", "10", "0"
#define ASKED_FOR(state) "30000", "0", state, "-1", "10", "0"

/* What is rare is not looked for in all that ever was. */
static void test_what_is_rare_is_found_by_index(void **state)
{
    (void)state;
    assert_in_range(STEPS(ORDERS_ALL_IN_STATE, 10, OF_STATE("5")), 1, STEPS_MAX);
    assert_in_range(STEPS(ORDERS_ALL_UNPAID, 10, OF_STATE("0")), 1, STEPS_MAX);
    assert_in_range(STEPS(INTENTS_ASKED, 10, ASKED_FOR("0")), 1, STEPS_MAX);
    assert_in_range(STEPS(INTENTS_FAILED, 10, ASKED_FOR("2")), 1, STEPS_MAX);
    assert_in_range(STEPS(PRICED_COUNT, 1, "50000", "90000", "4000"), 1, STEPS_MAX);
    assert_in_range(
        STEPS(LIST_BY_PRICE, 3, "0", "2000", "50000", "90000", "", "", "", "", "", "", "", "-1"), 1,
        STEPS_MAX);
    /* A show's: as far as its window goes. */
    assert_in_range(STEPS(ORDERS_ALL_OF_SHOW, 51, "30000", "-1", "1", "", "0", "51", "0"), 1,
                    STEPS_MAX);
    assert_in_range(STEPS(INTENTS_OF_SHOW, 51, "30000", "0", "-1", "1", "51", "0"), 1, STEPS_MAX);
    assert_in_range(STEPS(INTENTS_OF_SHOW, 0, "30000", "0", "2", "1", "51", "19500"), 1, STEPS_MAX);
    assert_in_range(STEPS(RETURNS_OF_SHOW, 0, "30000", "0", "1", "51", "19500"), 1, STEPS_MAX);
    assert_in_range(STEPS(SHOW_WINDOW, 1, "1", "30000", "1000"), 1, STEPS_MAX);
    assert_in_range(STEPS(UNDO_ORDERS, 0, "pX", "1", "5"), 1, STEPS_MAX);
}

#define WORD "shirt", "shirt", "shirt", "shirt", "shirt", "shirt", "shirt", "shirt"

/* A word that every product has: so many are looked at, and no more. */
static void test_a_search_looks_at_so_many_products(void **state)
{
    (void)state;
    assert_in_range(STEPS(FIND_PRODUCTS, 51, "1", "1000", ONLY("", "", ""), WORD, WORD, WORD), 1,
                    25 * STEPS_MAX);
}

static void test_counting_can_fail(void **state)
{
    sqlite3_stmt *st = NULL;

    (void)state;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT count(*) FROM variants WHERE price > 0", -1, &st, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_true(sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0) > STEPS_MAX);
    (void)sqlite3_finalize(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_costs_a_page),
        cmocka_unit_test(test_what_is_rare_is_found_by_index),
        cmocka_unit_test(test_a_search_looks_at_so_many_products),
        cmocka_unit_test(test_counting_can_fail),
    };

    return cmocka_run_group_tests(tests, open_shop, close_shop);
}
