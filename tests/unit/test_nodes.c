/*
 * test_nodes.c - two nodes on one PostgreSQL database: exact together, each hears of the other, a
 * dead one's orders expire, and a server that is killed costs nobody an order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale.h"
#include "store/read.h"
#include "support/lib/two_nodes.h"

enum { INTENTS = 2000 };

static void test_two_nodes_sell_exactly_what_there_is(void **state)
{
    struct pair *p = pair_open();

    (void)state;
    for (int i = 0; i < INTENTS;) {
        struct node *n = &p->nodes[(i / 7) % 2];
        void *msgs[7];
        size_t count = 0;

        while (count < 7 && i < INTENTS) {
            char person[16];
            char id[16];

            tg_str_printf(person, sizeof(person), "p%d", i % 300);
            tg_str_printf(id, sizeof(id), "i%d", i);
            msgs[count++] = node_buy(n, person, id, i % HOT_SKUS);
            i++;
        }
        pair_pass(p, 1000);
        tg_sale_turn(n->sale, p->now, msgs, count);
        node_take(n);
    }
    assert_int_equal(p->nodes[0].sold + p->nodes[1].sold, HOT_SKUS * UNITS);
    assert_true(p->nodes[0].sold > 0 && p->nodes[1].sold > 0);
    node_audit(p, &p->nodes[0]);
    node_audit(p, &p->nodes[1]);
    pair_close(p);
}

static void test_each_shows_the_other_ones_stock(void **state)
{
    struct pair *p = pair_open();

    (void)state;
    assert_false(node_poll(p, &p->nodes[1]));
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "1", 3)), "\"ok\":true");
    assert_int_equal(p->nodes[0].last_available, UNITS - 1);
    assert_true(node_poll(p, &p->nodes[1]));
    assert_int_equal(p->nodes[1].stock_told, 1);
    assert_int_equal(p->nodes[1].last_available, UNITS - 1);
    assert_int_equal(tg_shop_show_units(tg_sale_shop(p->nodes[1].sale), 2, "SKU-3"), 1);
    assert_false(node_poll(p, &p->nodes[1]));
    pair_close(p);
}

static void test_an_order_of_one_node_is_paid_on_the_other(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_sale_req *req;
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    text_member(order, sizeof(order), a->text, "\"order\":{\"id\":\"");
    text_member(payment, sizeof(payment), a->text, "/pay/sandbox/");
    req = node_req(b, TG_SALE_PAY, "");
    tg_str_cut(req->key, sizeof(req->key), payment);
    req->flag = true;
    text_has(node_turn(p, b, req), "\"state\":\"paid\"");
    req = node_req(a, TG_SALE_CANCEL, "pA");
    tg_str_cut(req->key, sizeof(req->key), order);
    text_has(node_turn(p, a, req), "paid");
    assert_int_equal(tg_shop_order_count(tg_sale_shop(a->sale)), 0);
    /* The same key on the other node finds the first answer. */
    text_has(node_turn(p, b, node_buy(b, "pA", "1", 0)), order);
    node_audit(p, a);
    node_audit(p, b);
    pair_close(p);
}

static void test_orders_of_a_dead_node_expire_on_the_other(void **state)
{
    struct pair *p = pair_open();
    struct node *b = &p->nodes[1];

    (void)state;
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
    node_close(&p->nodes[0]);
    assert_true(node_poll(p, b));
    assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-0")->stock.held, 1);
    pair_pass(p, (tg_us)599 * TG_US_PER_S);
    assert_false(node_poll(p, b));
    pair_pass(p, TG_US_PER_S + 1);
    assert_true(node_poll(p, b));
    assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-0")->stock.held, 0);
    assert_false(node_poll(p, b));
    node_audit(p, b);
    node_open(&p->nodes[0], p->url, p->now);
    pair_close(p);
}

/* Fails where it is not so: a number that is divided by 0. */
static void counts(const struct pair *p, const char *what, int count)
{
    char sql[200];

    tg_str_printf(sql, sizeof(sql), "SELECT 1 / (CASE WHEN (%s) = %d THEN 1 ELSE 0 END)", what,
                  count);
    assert_true(tg_pg_server_sql(p->url, sql));
}

/* A newer torg started elsewhere and changed the schema: this one was left running. */
static void test_an_older_torg_writes_nothing_more(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    bool more = false;
    bool something = false;

    (void)state;
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    assert_true(tg_pg_server_sql(p->url, "UPDATE torg_schema SET version = version + 1;"
                                         "UPDATE idempotency SET at_us = 0"));
    assert_true(tg_sale_ready(a->sale));
    text_has(node_turn(p, a, node_buy(a, "pA", "2", 0)), "\"code\":\"busy\"");
    assert_false(tg_sale_ready(a->sale));
    text_has(a->store->ops->error(a->store), "schema");
    pair_pass(p, (tg_us)601 * TG_US_PER_S); /* the hold is over: not even that is written */
    (void)node_turn(p, a, NULL);
    assert_int_equal(a->store->ops->purge(a->store, p->now.wall, 10, &more), TG_ERR_UNSUPPORTED);
    counts(p, "SELECT count(*) FROM orders WHERE state = 0", 1);
    counts(p, "SELECT count(*) FROM orders", 1);
    counts(p, "SELECT count(*) FROM idempotency", 1);
    /* The other one hears of it although nobody asks for anything. */
    assert_int_equal(p->nodes[1].store->ops->poll(p->nodes[1].store, p->now, &something),
                     TG_ERR_UNSUPPORTED);
    assert_false(something);
    assert_true(p->nodes[1].store->ops->behind(p->nodes[1].store));
    assert_true(tg_pg_server_sql(p->url, "UPDATE torg_schema SET version = version - 1"));
    pair_pass(p, (tg_us)2 * TG_US_PER_S);
    (void)node_turn(p, a, NULL);
    assert_true(tg_sale_ready(a->sale));
    counts(p, "SELECT count(*) FROM orders WHERE state = 0", 0);
    text_has(node_turn(p, a, node_buy(a, "pA", "3", 0)), "\"ok\":true");
    pair_close(p);
}

/* It was there first and waits for the lock that who migrates holds. */
static void test_who_waited_for_a_migration_sees_it(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    pid_t child;
    int status = 0;

    (void)state;
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(tg_pg_server_sql(p->url, "BEGIN; SELECT one FROM shop_version FOR UPDATE;"
                                       "UPDATE torg_schema SET version = version + 1;"
                                       "SELECT pg_sleep(1.5); COMMIT")
                  ? 0
                  : 1);
    assert_true(tg_pg_server_sql(
        p->url, "DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE"
                " wait_event = 'PgSleep' AND pid <> pg_backend_pid()) LOOP"
                " PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$"));
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"code\":\"busy\"");
    counts(p, "SELECT count(*) FROM orders", 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pair_close(p);
}

static void test_limits_and_carts_are_shared(void **state)
{
    struct pair *p = pair_open();
    struct tg_sale_req *req;

    (void)state;
    for (int i = 0; i < 2; i++) { /* 30 on one node, 30 on the other: 50 are allowed */
        req = node_buy(&p->nodes[i], "pA", i == 0 ? "1" : "2", 1);
        req->op.u.line.qty = 30;
        text_has(node_turn(p, &p->nodes[i], req), i == 0 ? "\"ok\":true" : "\"ok\":false");
    }
    for (int i = 0; i < 2; i++) {
        req = node_buy(&p->nodes[i], "pB", i == 0 ? "3" : "4", 5 + i);
        req->op.kind = TG_OP_CART_SET;
        text_has(node_turn(p, &p->nodes[i], req), "\"ok\":true");
    }
    text_has(p->nodes[1].text, "SKU-5");
    text_has(p->nodes[1].text, "SKU-6");
    pair_close(p);
}

static void test_shows_and_tokens_reach_the_other_node(void **state)
{
    struct pair *p = pair_open();
    struct tg_show_info one;
    struct tg_show_info two;
    struct tg_token_info info;
    struct tg_boot_token want = {
        .roles = TG_ROLE_HOST, .show = UINT16_MAX, .expires_wall_us = TG_US_NEVER, .label = "host"};
    char a[TG_TOKEN_SIZE];
    char b[TG_TOKEN_SIZE];

    (void)state;
    assert_int_equal(tg_sale_boot_show(p->nodes[0].sale, p->now, "one", "One", false, &one), TG_OK);
    assert_int_equal(tg_sale_boot_show(p->nodes[1].sale, p->now, "two", "Two", false, &two), TG_OK);
    assert_int_not_equal(one.ord, two.ord);
    assert_int_equal(tg_sale_boot_show(p->nodes[1].sale, p->now, "one", "One", false, &two),
                     TG_ERR_CONFLICT);
    assert_int_equal(tg_sale_boot_token(p->nodes[0].sale, p->now, &want, a), TG_OK);
    assert_int_equal(tg_sale_boot_token(p->nodes[1].sale, p->now, &want, b), TG_OK);
    assert_int_equal(
        tg_registry_token_check(p->nodes[1].registry, p->now.wall, a, strlen(a), &info), TG_OK);
    assert_true(node_poll(p, &p->nodes[0]));
    assert_int_equal(
        tg_registry_token_check(p->nodes[0].registry, p->now.wall, b, strlen(b), &info), TG_OK);
    assert_int_equal(tg_sale_boot_revoke(p->nodes[0].sale, p->now, "host"), TG_OK);
    assert_true(node_poll(p, &p->nodes[1]));
    assert_int_equal(
        tg_registry_token_check(p->nodes[1].registry, p->now.wall, a, strlen(a), &info),
        TG_ERR_AUTH);
    pair_close(p);
}

static void test_a_node_that_was_away_reads_everything_anew(void **state)
{
    struct pair *p = pair_open();

    (void)state;
    for (int i = 0; i < 5; i++) {
        char id[8];

        tg_str_printf(id, sizeof(id), "%d", i);
        text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", id, i)), "\"ok\":true");
    }
    assert_true(tg_pg_server_sql(p->url, "DELETE FROM changes WHERE version <"
                                         " (SELECT max(version) - 2 FROM changes)"));
    assert_true(node_poll(p, &p->nodes[1]));
    for (int i = 0; i < 5; i++) {
        char sku[16];

        tg_str_printf(sku, sizeof(sku), "SKU-%d", i);
        assert_int_equal(tg_shop_variant(tg_sale_shop(p->nodes[1].sale), sku)->stock.held, 1);
    }
    assert_int_equal(tg_shop_order_count(tg_sale_shop(p->nodes[1].sale)), 5);
    node_audit(p, &p->nodes[1]);
    pair_close(p);
}

static void test_a_killed_server_costs_nobody_an_order(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    char order[TG_UUID_SIZE];

    (void)state;
    tg_log_set_level(TG_LOG_ERROR);
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    text_member(order, sizeof(order), a->text, "\"order\":{\"id\":\"");
    assert_true(tg_sale_ready(a->sale));
    tg_pg_server_kill(&nodes_server);
    text_has(node_turn(p, a, node_buy(a, "pA", "2", 0)), "\"code\":\"busy\"");
    text_has(a->text, "retry_ms");
    assert_false(tg_sale_ready(a->sale));
    text_has(node_turn(p, a, node_buy(a, "pA", "2", 0)), "\"code\":\"busy\"");
    assert_true(tg_pg_server_restart(&nodes_server));
    node_come_back(p, a);
    text_has(node_turn(p, a, node_buy(a, "pA", "2", 0)), "\"ok\":true");
    assert_true(tg_sale_ready(a->sale));
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), order);
    node_come_back(p, &p->nodes[1]);
    node_audit(p, &p->nodes[1]);
    pair_close(p);
}

static tg_err count_order(void *ctx, const struct tg_order *order)
{
    (void)order;
    (*(int *)ctx)++;
    return TG_OK;
}

static void test_readers_come_back(void **state)
{
    struct pair *p = pair_open();
    const struct tg_db_cfg cfg = {.url = p->url};
    struct tg_read_db *db = NULL;
    int count = 0;
    char why[256] = "";
    tg_err err = TG_ERR_CLOSED;

    (void)state;
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
    assert_int_equal(tg_read_db_new(&db, &cfg, why), TG_OK);
    assert_int_equal(tg_read_orders(db, NULL, INT64_MAX, 10, count_order, &count), TG_OK);
    assert_int_equal(count, 1);
    assert_true(tg_pg_server_sql(p->url,
                                 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                 " WHERE pid <> pg_backend_pid() AND application_name = 'torg'"));
    for (int i = 0; i < 10 && err != TG_OK; i++)
        err = tg_read_orders(db, NULL, INT64_MAX, 10, count_order, &count);
    assert_int_equal(err, TG_OK);
    assert_int_equal(count, 2);
    tg_read_db_free(db);
    pair_close(p);
}

enum { KEYS = 300, KILLS = 6 };

struct buyer {
    char order[TG_UUID_SIZE]; /* as acknowledged first */
};

/* One try of a key at one of the nodes. */
static void try_key(struct pair *p, struct buyer *buyers, int key, unsigned node)
{
    struct node *n = &p->nodes[node];
    char person[16];
    char id[16];
    char order[TG_UUID_SIZE];

    tg_str_printf(person, sizeof(person), "p%d", key);
    tg_str_printf(id, sizeof(id), "k%d", key);
    pair_pass(p, 20000);
    if (strstr(node_turn(p, n, node_buy(n, person, id, key % HOT_SKUS)), "\"ok\":true") == NULL) {
        text_has(n->text, "\"code\":\"busy\"");
        return;
    }
    text_member(order, sizeof(order), n->text, "\"order\":{\"id\":\"");
    if (buyers[key].order[0] != '\0')
        assert_string_equal(buyers[key].order, order);
    memcpy(buyers[key].order, order, sizeof(order));
}

static void test_kills_under_load_lose_and_double_nothing(void **state)
{
    struct pair *p = pair_open();
    struct buyer *buyers = tg_calloc(KEYS, sizeof(*buyers));
    const struct tg_db_cfg cfg = {.url = p->url};
    struct tg_read_db *db = NULL;
    struct tg_rng rng = tg_rng_seeded(11);
    int count = 0;
    int at = 0;
    char why[256] = "";

    (void)state;
    assert_non_null(buyers);
    for (int kill = 0; kill < KILLS; kill++) {
        int until = (kill + 1) * KEYS / KILLS;
        pid_t killer =
            tg_pg_server_kill_later(&nodes_server, 2000 + (unsigned)tg_rng_below(&rng, 60000));

        for (int i = at; i < until; i++)
            try_key(p, buyers, i, (unsigned)i % 2);
        assert_int_equal(waitpid(killer, NULL, 0), killer);
        try_key(p, buyers, at, 1);
        tg_pg_server_kill(&nodes_server);
        assert_true(tg_pg_server_restart(&nodes_server));
        node_come_back(p, &p->nodes[0]);
        node_come_back(p, &p->nodes[1]);
        for (int i = at; i < until; i++) /* everybody asks again, at the other node */
            try_key(p, buyers, i, (unsigned)(i + 1) % 2);
        at = until;
    }
    for (int i = 0; i < KEYS; i++)
        assert_int_not_equal(buyers[i].order[0], '\0');
    assert_int_equal(tg_read_db_new(&db, &cfg, why), TG_OK);
    assert_int_equal(tg_read_orders(db, NULL, INT64_MAX, 10000, count_order, &count), TG_OK);
    assert_int_equal(count, KEYS);
    tg_read_db_free(db);
    node_audit(p, &p->nodes[0]);
    node_audit(p, &p->nodes[1]);
    tg_free(buyers);
    pair_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_nodes_sell_exactly_what_there_is),
        cmocka_unit_test(test_each_shows_the_other_ones_stock),
        cmocka_unit_test(test_an_order_of_one_node_is_paid_on_the_other),
        cmocka_unit_test(test_orders_of_a_dead_node_expire_on_the_other),
        cmocka_unit_test(test_an_older_torg_writes_nothing_more),
        cmocka_unit_test(test_who_waited_for_a_migration_sees_it),
        cmocka_unit_test(test_limits_and_carts_are_shared),
        cmocka_unit_test(test_shows_and_tokens_reach_the_other_node),
        cmocka_unit_test(test_a_node_that_was_away_reads_everything_anew),
        cmocka_unit_test(test_readers_come_back),
        cmocka_unit_test(test_a_killed_server_costs_nobody_an_order),
        cmocka_unit_test(test_kills_under_load_lose_and_double_nothing),
    };

    return nodes_run(tests, TG_ARRAY_LEN(tests));
}
