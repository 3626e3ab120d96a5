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
#include "support/lib/postgres_server.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

enum { HOT_SKUS = 20, UNITS = 37, INTENTS = 2000 };

static struct tg_pg_server server;

struct node {
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *live;
    struct tg_mailbox *web;
    struct tg_sale *sale;
    char text[8192]; /* of the last answer */
    unsigned sold;   /* answers that were a success */
    unsigned stock_told;
    int32_t last_available; /* as live was told last */
};

struct pair {
    char url[256];
    struct tg_shop_now now;
    struct node nodes[2];
};

static void seed(struct tg_store *store)
{
    struct tg_variant v[HOT_SKUS];
    struct tg_product_import import = {.product = {.id = "p1", .number = 1, .title = "Thing"},
                                       .variants = v,
                                       .variant_count = HOT_SKUS};

    for (int i = 0; i < HOT_SKUS; i++) {
        v[i] = (struct tg_variant){.price = 1000,
                                   .compare_at = -1,
                                   .cost = -1,
                                   .flash = -1,
                                   .flash_until_wall = -1,
                                   .stock = {.on_hand = UNITS},
                                   .options = "{}"};
        tg_str_printf(v[i].sku, sizeof(v[i].sku), "SKU-%d", i);
    }
    assert_int_equal(store->ops->begin(store), TG_OK);
    assert_int_equal(store->ops->write_product(store, &import, WALL_US, "test"), TG_OK);
    assert_int_equal(store->ops->commit(store), TG_OK);
}

static void node_open(struct node *n, const char *url, struct tg_shop_now now)
{
    const struct tg_db_cfg db = {.url = url};
    struct tg_sale_cfg cfg = {
        .web_count = 1, .web = &n->web, .allow_sandbox = true, .person_units_max = 50};
    bool any = true;
    char why[256] = "";

    if (tg_store_new(&n->store, &db, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(n->store->ops->has_products(n->store, &any), TG_OK);
    if (!any)
        seed(n->store);
    assert_int_equal(tg_registry_new(&n->registry), TG_OK);
    assert_int_equal(tg_mailbox_new(&n->live, TG_MB_LIVE, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&n->web, TG_MB_WEB, tg_msg_free), TG_OK);
    cfg.store = n->store;
    cfg.registry = n->registry;
    cfg.live = n->live;
    assert_int_equal(tg_sale_new(&n->sale, &cfg, now), TG_OK);
}

static void node_close(struct node *n)
{
    tg_sale_free(n->sale);
    tg_registry_free(n->registry);
    tg_store_free(n->store);
    tg_mailbox_free(n->live);
    tg_mailbox_free(n->web);
    *n = (struct node){.sold = 0};
}

static struct pair *pair_open(void)
{
    struct pair *p = tg_calloc(1, sizeof(*p));

    assert_non_null(p);
    tg_log_set_level(TG_LOG_ERROR);
    p->now = (struct tg_shop_now){.mono = tg_clock_mono(), .wall = WALL_US};
    assert_true(tg_pg_server_url(&server, p->url, sizeof(p->url)));
    node_open(&p->nodes[0], p->url, p->now);
    node_open(&p->nodes[1], p->url, p->now);
    return p;
}

static void pair_close(struct pair *p)
{
    node_close(&p->nodes[0]);
    node_close(&p->nodes[1]);
    tg_free(p);
}

static void pass(struct pair *p, tg_us us)
{
    p->now.mono += us;
    p->now.wall += us;
}

static void take(struct node *n)
{
    void *msg;

    while (tg_mailbox_take(n->web, &msg, 1) == 1) {
        const struct tg_msg *head = msg;
        const struct tg_slab *json = NULL;

        if (head->kind == TG_MSG_WEB_SEND)
            json = ((struct tg_web_send *)msg)->json;
        else if (head->kind == TG_MSG_WEB_REPLY)
            json = ((struct tg_web_reply *)msg)->json;
        if (json != NULL) {
            tg_str_cut(n->text, sizeof(n->text), "");
            assert_int_equal(
                tg_str_copy(n->text, sizeof(n->text), (const char *)json->data, json->len), TG_OK);
            n->sold += strstr(n->text, "\"ok\":true") != NULL;
        }
        tg_msg_free(msg);
    }
    while (tg_mailbox_take(n->live, &msg, 1) == 1) {
        const struct tg_live_sale *told = msg;

        if (told->head.kind == TG_MSG_LIVE_SALE && told->stock_changed) {
            n->stock_told++;
            n->last_available = told->available;
        }
        tg_msg_free(msg);
    }
}

static struct tg_sale_req *req_of(struct node *n, enum tg_sale_what what, const char *person)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = n->web};
    req->http = what != TG_SALE_OP;
    req->show = 2;
    req->until_wall_us = -1;
    req->who.roles = TG_ROLE_VIEWER;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    return req;
}

static struct tg_sale_req *buy_of(struct node *n, const char *person, const char *id, int sku)
{
    struct tg_sale_req *req = req_of(n, TG_SALE_OP, person);

    req->op.kind = TG_OP_BUY;
    tg_str_cut(req->op.id, sizeof(req->op.id), id);
    tg_str_printf(req->op.u.line.sku, sizeof(req->op.u.line.sku), "SKU-%d", sku);
    req->op.u.line.qty = 1;
    req->op.u.line.price = -1;
    return req;
}

static const char *turn(struct pair *p, struct node *n, struct tg_sale_req *take_req)
{
    void *msgs[1] = {take_req};

    n->text[0] = '\0';
    tg_sale_turn(n->sale, p->now, msgs, take_req == NULL ? 0 : 1);
    take(n);
    return n->text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static void member(char *out, size_t size, const char *text, const char *start)
{
    const char *at = strstr(text, start);
    const char *end;

    if (at == NULL) {
        fail_msg("no %s in %s", start, text);
        return;
    }
    at += strlen(start);
    end = strchr(at, '"');
    assert_non_null(end);
    assert_int_equal(tg_str_copy(out, size, at, (size_t)(end - at)), TG_OK);
}

static void audit(struct pair *p, struct node *n)
{
    struct tg_sale_req *req = req_of(n, TG_SALE_STOCK_AUDIT, "s1");

    req->who.roles = TG_ROLE_ADMIN;
    has(turn(p, n, req), "\"ok\":true");
}

/* Is there something of the other node's to take over? Then a turn takes it. */
static bool poll_turn(struct pair *p, struct node *n)
{
    bool something = false;

    assert_int_equal(n->store->ops->poll(n->store, p->now, &something), TG_OK);
    if (something)
        (void)turn(p, n, NULL);
    return something;
}

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
            msgs[count++] = buy_of(n, person, id, i % HOT_SKUS);
            i++;
        }
        pass(p, 1000);
        tg_sale_turn(n->sale, p->now, msgs, count);
        take(n);
    }
    assert_int_equal(p->nodes[0].sold + p->nodes[1].sold, HOT_SKUS * UNITS);
    assert_true(p->nodes[0].sold > 0 && p->nodes[1].sold > 0);
    audit(p, &p->nodes[0]);
    audit(p, &p->nodes[1]);
    pair_close(p);
}

static void test_each_shows_the_other_ones_stock(void **state)
{
    struct pair *p = pair_open();

    (void)state;
    assert_false(poll_turn(p, &p->nodes[1]));
    has(turn(p, &p->nodes[0], buy_of(&p->nodes[0], "pA", "1", 3)), "\"ok\":true");
    assert_int_equal(p->nodes[0].last_available, UNITS - 1);
    assert_true(poll_turn(p, &p->nodes[1]));
    assert_int_equal(p->nodes[1].stock_told, 1);
    assert_int_equal(p->nodes[1].last_available, UNITS - 1);
    assert_int_equal(tg_shop_show_units(tg_sale_shop(p->nodes[1].sale), 2, "SKU-3"), 1);
    assert_false(poll_turn(p, &p->nodes[1]));
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
    has(turn(p, a, buy_of(a, "pA", "1", 0)), "\"ok\":true");
    member(order, sizeof(order), a->text, "\"order\":{\"id\":\"");
    member(payment, sizeof(payment), a->text, "/pay/sandbox/");
    req = req_of(b, TG_SALE_PAY, "");
    tg_str_cut(req->key, sizeof(req->key), payment);
    req->flag = true;
    has(turn(p, b, req), "\"state\":\"paid\"");
    req = req_of(a, TG_SALE_CANCEL, "pA");
    tg_str_cut(req->key, sizeof(req->key), order);
    has(turn(p, a, req), "paid");
    assert_int_equal(tg_shop_order_count(tg_sale_shop(a->sale)), 0);
    /* The same key on the other node finds the first answer. */
    has(turn(p, b, buy_of(b, "pA", "1", 0)), order);
    audit(p, a);
    audit(p, b);
    pair_close(p);
}

static void test_orders_of_a_dead_node_expire_on_the_other(void **state)
{
    struct pair *p = pair_open();
    struct node *b = &p->nodes[1];

    (void)state;
    has(turn(p, &p->nodes[0], buy_of(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
    node_close(&p->nodes[0]);
    assert_true(poll_turn(p, b));
    assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-0")->stock.held, 1);
    pass(p, (tg_us)599 * TG_US_PER_S);
    assert_false(poll_turn(p, b));
    pass(p, TG_US_PER_S + 1);
    assert_true(poll_turn(p, b));
    assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-0")->stock.held, 0);
    assert_false(poll_turn(p, b));
    audit(p, b);
    node_open(&p->nodes[0], p->url, p->now);
    pair_close(p);
}

static void test_limits_and_carts_are_shared(void **state)
{
    struct pair *p = pair_open();
    struct tg_sale_req *req;

    (void)state;
    for (int i = 0; i < 2; i++) { /* 30 on one node, 30 on the other: 50 are allowed */
        req = buy_of(&p->nodes[i], "pA", i == 0 ? "1" : "2", 1);
        req->op.u.line.qty = 30;
        has(turn(p, &p->nodes[i], req), i == 0 ? "\"ok\":true" : "\"ok\":false");
    }
    for (int i = 0; i < 2; i++) {
        req = buy_of(&p->nodes[i], "pB", i == 0 ? "3" : "4", 5 + i);
        req->op.kind = TG_OP_CART_SET;
        has(turn(p, &p->nodes[i], req), "\"ok\":true");
    }
    has(p->nodes[1].text, "SKU-5");
    has(p->nodes[1].text, "SKU-6");
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
    assert_true(poll_turn(p, &p->nodes[0]));
    assert_int_equal(
        tg_registry_token_check(p->nodes[0].registry, p->now.wall, b, strlen(b), &info), TG_OK);
    assert_int_equal(tg_sale_boot_revoke(p->nodes[0].sale, p->now, "host"), TG_OK);
    assert_true(poll_turn(p, &p->nodes[1]));
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
        has(turn(p, &p->nodes[0], buy_of(&p->nodes[0], "pA", id, i)), "\"ok\":true");
    }
    assert_true(tg_pg_server_sql(p->url, "DELETE FROM changes WHERE version <"
                                         " (SELECT max(version) - 2 FROM changes)"));
    assert_true(poll_turn(p, &p->nodes[1]));
    for (int i = 0; i < 5; i++) {
        char sku[16];

        tg_str_printf(sku, sizeof(sku), "SKU-%d", i);
        assert_int_equal(tg_shop_variant(tg_sale_shop(p->nodes[1].sale), sku)->stock.held, 1);
    }
    assert_int_equal(tg_shop_order_count(tg_sale_shop(p->nodes[1].sale)), 5);
    audit(p, &p->nodes[1]);
    pair_close(p);
}

static void come_back(struct pair *p, struct node *n)
{
    bool something = false;
    tg_err err = TG_ERR_CLOSED;

    for (int i = 0; i < 400 && err != TG_OK; i++) {
        pass(p, 50000);
        err = n->store->ops->poll(n->store, p->now, &something);
    }
    assert_int_equal(err, TG_OK);
}

static void test_a_killed_server_costs_nobody_an_order(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    char order[TG_UUID_SIZE];

    (void)state;
    tg_log_set_level(TG_LOG_ERROR);
    has(turn(p, a, buy_of(a, "pA", "1", 0)), "\"ok\":true");
    member(order, sizeof(order), a->text, "\"order\":{\"id\":\"");
    assert_true(tg_sale_ready(a->sale));
    tg_pg_server_kill(&server);
    has(turn(p, a, buy_of(a, "pA", "2", 0)), "\"code\":\"busy\"");
    has(a->text, "retry_ms");
    assert_false(tg_sale_ready(a->sale));
    has(turn(p, a, buy_of(a, "pA", "2", 0)), "\"code\":\"busy\"");
    assert_true(tg_pg_server_restart(&server));
    come_back(p, a);
    has(turn(p, a, buy_of(a, "pA", "2", 0)), "\"ok\":true");
    assert_true(tg_sale_ready(a->sale));
    has(turn(p, a, buy_of(a, "pA", "1", 0)), order);
    come_back(p, &p->nodes[1]);
    audit(p, &p->nodes[1]);
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
    has(turn(p, &p->nodes[0], buy_of(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
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
    pass(p, 20000);
    if (strstr(turn(p, n, buy_of(n, person, id, key % HOT_SKUS)), "\"ok\":true") == NULL) {
        has(n->text, "\"code\":\"busy\"");
        return;
    }
    member(order, sizeof(order), n->text, "\"order\":{\"id\":\"");
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
        pid_t killer = tg_pg_server_kill_later(&server, 2000 + (unsigned)tg_rng_below(&rng, 60000));

        for (int i = at; i < until; i++)
            try_key(p, buyers, i, (unsigned)i % 2);
        assert_int_equal(waitpid(killer, NULL, 0), killer);
        try_key(p, buyers, at, 1);
        tg_pg_server_kill(&server);
        assert_true(tg_pg_server_restart(&server));
        come_back(p, &p->nodes[0]);
        come_back(p, &p->nodes[1]);
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
    audit(p, &p->nodes[0]);
    audit(p, &p->nodes[1]);
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
        cmocka_unit_test(test_limits_and_carts_are_shared),
        cmocka_unit_test(test_shows_and_tokens_reach_the_other_node),
        cmocka_unit_test(test_a_node_that_was_away_reads_everything_anew),
        cmocka_unit_test(test_readers_come_back),
        cmocka_unit_test(test_a_killed_server_costs_nobody_an_order),
        cmocka_unit_test(test_kills_under_load_lose_and_double_nothing),
    };
    int failed;

    if (!tg_pg_server_start(&server))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
