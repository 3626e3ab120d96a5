/*
 * test_store_orders.c - orders on disk: what becomes of their takes when the goods are found late,
 * rows that make no sense, and questions to the payment provider that nobody answered; on both
 * engines.
 */
#include "shop/rules.h"
#include "store/read.h"
#include "support/lib/store_box.h"

#define MINUTE_US ((tg_us)60 * TG_US_PER_S)

enum { FIRST_PAID_SHOW = 7 };

static void reopen(struct box *b)
{
    audit(b);
    close_all(b);
    open_all(b);
    audit(b);
}

static struct box *sandbox_new(void)
{
    struct box *b = box_new();

    b->provider = &tg_provider_sandbox;
    open_all(b);
    return b;
}

static void sandbox_free(struct box *b)
{
    close_all(b);
    box_free(b);
}

static enum tg_code pay(struct box *b, const char *payment)
{
    struct tg_claim c = claim_of(TG_CLAIM_PAY, "x", "");

    c.key = payment;
    c.paid = true;
    return one(b, &c, NULL, NULL).code;
}

static enum tg_code change(struct box *b, enum tg_claim_kind kind, const char *order, int32_t qty)
{
    struct tg_claim c = claim_of(kind, "s1", "");
    struct tg_line_qty line = {.line = 0, .qty = qty};

    c.key = order;
    c.staff = true;
    c.show = UINT16_MAX;
    c.reason = "as agreed";
    c.lines = &line;
    c.line_count = qty > 0 ? 1 : 0;
    return one(b, &c, NULL, NULL).code;
}

static void recipe(struct box *b, const char *part, int32_t qty)
{
    struct tg_part_row row = {.qty = qty};
    const struct tg_rules_change rules = {
        .sku = "SHEEPSKIN-ONE", .set_parts = true, .parts = &row, .part_count = 1};
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_RULES, "s1", "");

    tg_str_cut(row.sku, sizeof(row.sku), part);
    c.rules_change = &rules;
    assert_int_equal(one(b, &c, NULL, NULL).code, TG_CODE_OK);
}

static void later(struct box *b, tg_us us)
{
    b->now.mono += us;
    b->now.wall += us;
}

/* The clock's own batch. */
static void tick(struct box *b)
{
    struct tg_claim look = claim_of(TG_CLAIM_NONE, "", "");

    look.op = "";
    load(b, &look);
    (void)tg_shop_tick(b->shop, b->now, 100);
    (void)one(b, &look, NULL, NULL);
}

/* What it had and what it found are different goods; the disk must know of the last ones alone. */
static void late_payment_of_another_recipe(struct box *b, const char *part, int32_t qty)
{
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "SHEEPSKIN-ONE");
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];

    recipe(b, "MUG-RED", 3);
    assert_int_equal(one(b, &buy, order, payment).code, TG_CODE_OK);
    later(b, 11 * MINUTE_US);
    tick(b);
    recipe(b, part, qty);
    assert_int_equal(pay(b, payment), TG_CODE_OK);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, order, 0), TG_CODE_OK);
    reopen(b);
}

static void test_recipe_that_changed_before_a_late_payment_counts(void **state)
{
    struct box *b = sandbox_new();
    struct tg_claim none = claim_of(TG_CLAIM_STOCK, "s1", "SHEEPSKIN-ONE");

    (void)state;
    none.absolute = true; /* a bundle has no stock of its own */
    none.value = 0;
    assert_int_equal(one(b, &none, NULL, NULL).code, TG_CODE_OK);
    late_payment_of_another_recipe(b, "MUG-RED", 2);
    late_payment_of_another_recipe(b, "MUG-RED", 4);
    late_payment_of_another_recipe(b, "THERMOS-1L-SAND", 1);
    sandbox_free(b);
}

/* The takes of an order that found its goods when it was paid follow what is sent of it. */
static void test_goods_found_with_the_payment_are_sent_in_parts(void **state)
{
    struct box *b = sandbox_new();
    const struct tg_show_rules rules = {.show = FIRST_PAID_SHOW, .first_paid = true};
    struct tg_claim set = claim_of(TG_CLAIM_RULES, "s1", "");
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    set.rules = &rules;
    set.show = FIRST_PAID_SHOW;
    assert_int_equal(one(b, &set, NULL, NULL).code, TG_CODE_OK);
    buy.show = FIRST_PAID_SHOW;
    buy.qty = 3;
    assert_int_equal(one(b, &buy, order, payment).code, TG_CODE_OK);
    reopen(b);
    assert_int_equal(pay(b, payment), TG_CODE_OK);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, order, 1), TG_CODE_OK);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_CANCEL, order, 1), TG_CODE_OK);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, order, 0), TG_CODE_OK);
    reopen(b);
    sandbox_free(b);
}

/* --- rows that make no sense --- */

static tg_err count_order(void *ctx, const struct tg_order *order)
{
    (void)order;
    ++*(int *)ctx;
    return TG_OK;
}

static int orders_in_lists(struct box *b)
{
    struct tg_read_db *db = NULL;
    char why[256] = "";
    int count = 0;

    assert_int_equal(tg_read_db_new(&db, &(struct tg_db_cfg){.url = b->url}, why), TG_OK);
    assert_int_equal(tg_read_orders(db, NULL, INT64_MAX, 100, count_order, &count), TG_OK);
    tg_read_db_free(db);
    return count;
}

static void test_damaged_order_harms_no_other(void **state)
{
    struct box *b = sandbox_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    struct tg_claim batch[2] = {claim_of(TG_CLAIM_CANCEL, "pA", ""),
                                claim_of(TG_CLAIM_CANCEL, "pA", "")};
    char orders[3][TG_UUID_SIZE];
    char payments[3][TG_PAYMENT_ID_SIZE];
    struct tg_verdict v;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(one(b, &buy, orders[i], payments[i]).code, TG_CODE_OK);
        if (i < 2)
            assert_int_equal(pay(b, payments[i]), TG_CODE_OK);
    }
    assert_int_equal(orders_in_lists(b), 3);
    /* More went back than came. */
    assert_int_equal(sql(b, "UPDATE orders SET refunded = captured + 1 WHERE number = 1001"), 0);
    assert_int_equal(orders_in_lists(b), 2);
    batch[0].key = orders[0];
    batch[1].key = orders[1];
    assert_int_equal(b->store->ops->load(b->store, b->now, batch, 2, b->shop, b->idem), TG_OK);
    tg_shop_decide(b->shop, b->now, &batch[0], &v);
    assert_int_equal(v.code, TG_CODE_INTERNAL);
    tg_shop_decide(b->shop, b->now, &batch[1], &v);
    assert_int_equal(v.code, TG_CODE_OK);
    b->store->ops->rollback(b->store);
    tg_shop_rollback(b->shop);
    /* The sum is right, the questions say otherwise. */
    assert_int_equal(sql(b, "UPDATE orders SET captured = captured - 1 WHERE number = 1002"), 0);
    assert_int_equal(one(b, &batch[1], NULL, NULL).code, TG_CODE_INTERNAL);
    /* An unpaid one does not keep the shop from starting. */
    assert_int_equal(sql(b, "UPDATE orders SET total = total + 1 WHERE number = 1003"), 0);
    close_all(b);
    open_all(b);
    assert_int_equal(tg_shop_order_count(b->shop), 0);
    assert_int_equal(one(b, &buy, orders[0], payments[0]).code, TG_CODE_OK);
    sandbox_free(b);
}

/* --- lists that ask for little of much --- */

struct seen {
    int rows;
    int requests;
    int64_t order_number; /* of the last one */
};

static tg_err see_order(void *ctx, const struct tg_order *order)
{
    struct seen *seen = ctx;

    seen->rows++;
    seen->order_number = order->number;
    return TG_OK;
}

static tg_err see_intent(void *ctx, const struct tg_intent_row *row)
{
    struct seen *seen = ctx;

    seen->rows++;
    seen->order_number = row->order_number;
    return TG_OK;
}

static tg_err see_return(void *ctx, const struct tg_event_row *row)
{
    struct seen *seen = ctx;

    seen->rows++;
    seen->order_number = row->order_number;
    return TG_OK;
}

/* All of a list: how many rows, in how many requests, and the order of the last one. */
static void expect_orders(struct tg_read_db *db, int state, uint16_t show, int64_t number,
                          int requests)
{
    struct tg_order_filter filter = {
        .person = "", .show = show, .state = state, .below = INT64_MAX, .limit = 10};
    struct seen seen = {.rows = 0};
    int64_t left;

    do {
        assert_int_equal(tg_read_orders_by(db, &filter, see_order, &seen, &left), TG_OK);
        seen.requests++;
        assert_true(left < filter.below);
        filter.below = left;
    } while (left > 0);
    assert_int_equal(seen.rows, 1);
    assert_int_equal(seen.order_number, number);
    assert_int_equal(seen.requests, requests);
}

static void expect_history(struct tg_read_db *db, bool returns, int state, uint16_t show, int rows,
                           int requests)
{
    struct tg_history_page page = {
        .order_number = INT64_MAX, .number = 0, .state = state, .show = show, .limit = 10};
    struct seen seen = {.rows = 0};
    int64_t left;

    do {
        tg_err err = returns ? tg_read_returns(db, &page, see_return, &seen, &left)
                             : tg_read_intents(db, &page, see_intent, &seen, &left);

        assert_int_equal(err, TG_OK);
        seen.requests++;
        assert_true(left < page.order_number);
        page.order_number = left;
        page.number = 0;
    } while (left > 0);
    assert_int_equal(seen.rows, rows);
    if (rows > 0)
        assert_int_equal(seen.order_number, 1002);
    assert_int_equal(seen.requests, requests);
}

/* A show of 45,000 orders, and what is looked for is the oldest: each request has its bound, and
 * the next one goes on. Without a show there is an index. */
static void test_lists_find_what_is_rare(void **state)
{
    struct box *b = sandbox_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    struct tg_read_db *db = NULL;
    char orders[3][TG_UUID_SIZE];
    char payments[3][TG_PAYMENT_ID_SIZE];
    char why[256] = "";

    (void)state;
    buy.show = 2;
    for (int i = 0; i < 3; i++)
        assert_int_equal(one(b, &buy, orders[i], payments[i]).code, TG_CODE_OK);
    assert_int_equal(change(b, TG_CLAIM_CANCEL, orders[0], 0), TG_CODE_OK);
    assert_int_equal(pay(b, payments[1]), TG_CODE_OK);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, orders[1], 0), TG_CODE_OK);
    assert_int_equal(change(b, TG_CLAIM_RETURN, orders[1], 1), TG_CODE_OK);
    assert_int_equal(sql(b, "WITH RECURSIVE n (i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n"
                            " WHERE i < 46999) INSERT INTO orders (number, id, state, person,"
                            " show_ord, source, currency, total, created_us, changed_us, pay_by_us,"
                            " payment) SELECT i, 'x' || i, 3, 'pZ', 2, '', 'NOK', 0, 1, 1, 1,"
                            " 'x' || i FROM n"),
                     0);
    assert_int_equal(tg_read_db_new(&db, &(struct tg_db_cfg){.url = b->url}, why), TG_OK);
    expect_orders(db, TG_ORDER_CANCELLED, UINT16_MAX, 1001, 1);
    expect_orders(db, TG_ORDER_RETURNED, UINT16_MAX, 1002, 1);
    expect_orders(db, TG_ORDER_AWAITING, UINT16_MAX, 1003, 1);
    expect_orders(db, TG_ORDER_CANCELLED, 2, 1001, 3);
    expect_orders(db, TG_ORDER_AWAITING, 2, 1003, 3);
    expect_history(db, true, -1, UINT16_MAX, 1, 1);
    expect_history(db, true, -1, 2, 1, 3);
    expect_history(db, false, TG_INTENT_DONE, UINT16_MAX, 3, 1);
    expect_history(db, false, TG_INTENT_FAILED, UINT16_MAX, 0, 1);
    expect_history(db, false, TG_INTENT_ASKED, UINT16_MAX, 0, 1);
    expect_history(db, false, TG_INTENT_DONE, 2, 3, 3);
    expect_history(db, false, -1, 2, 3, 3);
    tg_read_db_free(db);
    sandbox_free(b);
}

/* --- nobody answers --- */

static size_t unanswered(struct box *b, char ret[TG_PAYMENT_ID_SIZE], bool *ret_open)
{
    char payments[4][TG_PAYMENT_ID_SIZE];
    size_t count = 0;

    assert_int_equal(
        b->store->ops->unanswered(b->store, b->now.wall, payments, 4, &count, ret_open), TG_OK);
    if (count > 0)
        memcpy(ret, payments[0], TG_PAYMENT_ID_SIZE);
    return count;
}

static void test_open_questions_are_found_after_a_restart(void **state)
{
    struct box *b = sandbox_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    struct tg_claim again = claim_of(TG_CLAIM_ASK_AGAIN, "", "");
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
    char found[TG_PAYMENT_ID_SIZE];
    bool open = true;

    (void)state;
    close_all(b);
    assert_int_equal(sql(b, "UPDATE variants SET price = 16616 WHERE sku = 'MUG-RED'"), 0);
    open_all(b);
    assert_int_equal(unanswered(b, found, &open), 0);
    assert_false(open);
    assert_int_equal(one(b, &buy, order, payment).code, TG_CODE_OK);
    assert_int_equal(pay(b, payment), TG_CODE_OK); /* its capture is answered later */
    reopen(b);
    assert_int_equal(unanswered(b, found, &open), 0); /* too early */
    assert_true(open);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, order, 0), TG_CODE_CONFLICT);
    later(b, TG_INTENT_WAIT_US);
    assert_int_equal(unanswered(b, found, &open), 1);
    assert_string_equal(found, payment);
    again.key = found;
    assert_int_equal(one(b, &again, NULL, NULL).code, TG_CODE_OK);
    assert_int_equal(unanswered(b, found, &open), 0);
    assert_false(open);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, order, 0), TG_CODE_OK);
    sandbox_free(b);
}

#define CONTRACT                                                                                   \
    cmocka_unit_test(test_recipe_that_changed_before_a_late_payment_counts),                       \
        cmocka_unit_test(test_goods_found_with_the_payment_are_sent_in_parts),                     \
        cmocka_unit_test(test_damaged_order_harms_no_other),                                       \
        cmocka_unit_test(test_lists_find_what_is_rare),                                            \
        cmocka_unit_test(test_open_questions_are_found_after_a_restart)

int main(void)
{
    static struct tg_pg_server server;
    const struct CMUnitTest tests[] = {CONTRACT};
    int failed = cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);

    if (!tg_pg_server_start(&server))
        return 1;
    postgres = &server;
    failed += cmocka_run_group_tests_name("postgres", tests, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
