/*
 * test_nodes_told.c - what people hear on one node of what happened to them on the other, and what
 * nodes keep from each other's time and names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/read.h"
#include "support/lib/two_nodes.h"

static void settle(struct pair *p, struct node *n)
{
    for (int i = 0; i < 100 && (node_poll(p, n) || tg_sale_deadline(n->sale) <= p->now.mono); i++)
        (void)node_turn(p, n, NULL);
}

static void test_orders_reach_their_buyer_on_every_node(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_sale_req *req;
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    tg_registry_person_came(b->registry, "pA");
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    text_member(payment, sizeof(payment), a->text, "/pay/sandbox/");
    settle(p, b);
    assert_int_equal(b->persons_told, 1);
    assert_string_equal(b->person, "pA");
    text_has(b->event, "{\"ev\":\"order\",\"order\":{\"id\":");
    text_has(b->event, "\"state\":\"awaiting_payment\"");
    req = node_req(a, TG_SALE_PAY, "");
    tg_str_cut(req->key, sizeof(req->key), payment);
    req->flag = true;
    text_has(node_turn(p, a, req), "\"state\":\"paid\"");
    settle(p, b);
    assert_int_equal(b->persons_told, 2);
    text_has(b->event, "\"state\":\"paid\"");
    /* Nobody looks on: nobody is read and told. */
    tg_registry_person_left(b->registry, "pA");
    text_has(node_turn(p, a, node_buy(a, "pA", "2", 0)), "\"ok\":true");
    settle(p, b);
    assert_int_equal(b->persons_told, 2);
    pair_close(p);
}

static void set_cart(struct pair *p, struct node *n, const char *id, int sku, int32_t qty)
{
    struct tg_sale_req *req = node_buy(n, "pA", id, sku);

    req->op.kind = TG_OP_CART_SET;
    req->op.u.line.qty = qty;
    text_has(node_turn(p, n, req), "\"ok\":true");
}

static void test_carts_reach_their_owner_on_every_node(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    set_cart(p, a, "1", 3, 2);
    settle(p, b);
    assert_int_equal(b->persons_told, 0); /* nobody looks on */
    tg_registry_person_came(b->registry, "pA");
    for (int i = 0; i < 2; i++) { /* coalesced: the cart as it is now */
        char id[8];

        tg_str_printf(id, sizeof(id), "a%d", i);
        set_cart(p, a, id, 4 + i, 1);
    }
    settle(p, b);
    assert_int_equal(b->persons_told, 1);
    assert_string_equal(b->person, "pA");
    assert_string_equal(b->event, a->event); /* as for the own sockets */
    text_has(b->event, "{\"ev\":\"cart\",\"cart\":{\"lines\":[");
    text_has(b->event, "SKU-3");
    text_has(b->event, "SKU-5");
    set_cart(p, b, "b", 3, 0);
    set_cart(p, b, "c", 4, 0);
    set_cart(p, b, "d", 5, 0);
    tg_registry_person_came(a->registry, "pA");
    settle(p, a);
    assert_string_equal(a->event, b->event); /* empty */
    assert_null(strstr(a->event, "SKU-"));
    pair_close(p);
}

static void test_many_orders_are_told_in_portions(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    for (int i = 0; i < 100; i++) {
        char person[16];

        tg_str_printf(person, sizeof(person), "p%d", i);
        tg_registry_person_came(b->registry, person);
        text_has(node_turn(p, a, node_buy(a, person, "1", i % HOT_SKUS)), "\"ok\":true");
    }
    assert_true(node_poll(p, b));
    assert_in_range(b->persons_told, 1, 50);
    assert_true(tg_sale_deadline(b->sale) <= p->now.mono);
    settle(p, b);
    assert_int_equal(b->persons_told, 100);
    pair_close(p);
}

static void wait_for(struct pair *p, struct node *n, const char *person, const char *id)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_OP, person);

    req->op.kind = TG_OP_WAIT;
    tg_str_cut(req->op.id, sizeof(req->op.id), id);
    tg_str_cut(req->op.u.wait.sku, sizeof(req->op.u.wait.sku), "SKU-0");
    req->op.u.wait.qty = 1;
    req->op.u.wait.at = -1;
    text_has(node_turn(p, n, req), "\"ok\":true");
}

static void test_a_turn_that_lapsed_is_told_on_every_node(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_show_info show;
    struct tg_sale_req *req;
    char order[TG_UUID_SIZE];

    (void)state;
    for (int i = 0; i < 3; i++) {
        char id[8];

        tg_str_printf(id, sizeof(id), "s%d", i);
        assert_int_equal(tg_sale_boot_show(a->sale, p->now, id, id, false, &show), TG_OK);
    }
    req = node_req(a, TG_SALE_OP, "s1");
    req->http = true;
    req->who.roles = TG_ROLE_MERCHANDISER;
    req->op.kind = TG_OP_RULES;
    req->op.u.rules.waiting = true;
    req->op.u.rules.turn_s = 60;
    (void)node_turn(p, a, req);
    assert_int_equal(a->status, 200);
    req = node_buy(a, "pA", "1", 0);
    req->op.u.line.qty = UNITS;
    text_member(order, sizeof(order), node_turn(p, a, req), "\"order\":{\"id\":\"");
    tg_registry_person_came(b->registry, "pB");
    wait_for(p, a, "pB", "w");
    settle(p, b);
    text_has(b->event, "{\"ev\":\"waiting\",\"sku\":\"SKU-0\",\"state\":\"waiting\"");
    req = node_req(a, TG_SALE_CANCEL, "pA");
    tg_str_cut(req->key, sizeof(req->key), order);
    (void)node_turn(p, a, req);
    settle(p, b);
    text_has(b->event, "\"state\":\"turn\"");
    pair_pass(p, (tg_us)61 * TG_US_PER_S);
    (void)node_turn(p, a, NULL);
    settle(p, b);
    text_has(b->event, "\"state\":\"lapsed\"");
    assert_string_equal(b->person, "pB");
    pair_close(p);
}

static void buy_as(struct pair *p, struct node *n, const char *id, const char *name)
{
    struct tg_sale_req *req = node_buy(n, "pN", id, 2);

    tg_str_cut(req->who.name, sizeof(req->who.name), name);
    text_has(node_turn(p, n, req), "\"ok\":true");
}

static void test_the_last_name_counts_whichever_node_wrote_it(void **state)
{
    struct pair *p = pair_open();

    (void)state;
    buy_as(p, &p->nodes[0], "1", "Ola");
    buy_as(p, &p->nodes[1], "2", "Kari");
    buy_as(p, &p->nodes[0], "3", "Ola");
    assert_true(tg_pg_server_sql(
        p->url, "SELECT 1 / (SELECT count(*) FROM people WHERE id = 'pN' AND name = 'Ola')"));
    pair_close(p);
}

/* Its clock is five seconds ahead: it would end everybody's holds five seconds early. */
static void test_holds_end_by_the_databases_clock(void **state)
{
    static const tg_us ahead = (tg_us)5 * TG_US_PER_S;
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_shop_now now = p->now;
    struct tg_shop_now wrong;

    (void)state;
    node_close(b);
    now.wall += ahead;
    node_open_wrong(b, p->url, now, ahead);
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    for (int s = 599; s <= 601; s += 2) {
        pair_pass(p, (tg_us)(s == 599 ? 599 : 2) * TG_US_PER_S);
        wrong = p->now;
        wrong.wall += ahead;
        tg_sale_turn(b->sale, wrong, NULL, 0);
        tg_sale_turn(b->sale, wrong, NULL, 0);
        assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-0")->stock.held, s == 599);
    }
    pair_close(p);
}

/* What an audit reads of the others is of the same time as what a turn reads. */
static void test_an_audit_goes_by_the_databases_clock(void **state)
{
    const struct timespec later = {.tv_nsec = 300 * 1000 * 1000};
    struct pair *p = pair_open();
    struct node *b = &p->nodes[1];

    (void)state;
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
    assert_true(node_poll(p, b));
    /* This machine's clock is years ahead of the shop's, and orders that are due are looked for. */
    assert_int_equal(nanosleep(&later, NULL), 0);
    node_audit(p, b);
    assert_int_equal(tg_shop_order_count(tg_sale_shop(b->sale)), 0); /* not due for 10 minutes */
    pair_close(p);
}

/* What is left alone until then, and what others read, has one time for all nodes. */
static void test_all_write_and_lease_by_the_databases_clock(void **state)
{
    static const tg_us ahead = (tg_us)86400 * TG_US_PER_S;
    static const tg_us hour = (tg_us)3600 * TG_US_PER_S;
    struct pair *p = pair_open();
    struct node *b = &p->nodes[1];
    const struct tg_db_cfg cfg = {.url = p->url, .clock_wrong_us = ahead};
    struct tg_shop_now wrong = p->now;
    struct tg_read_db *db = NULL;
    char why[256] = "";

    (void)state;
    node_close(b);
    wrong.wall += ahead;
    node_open_wrong(b, p->url, wrong, ahead);
    text_has(node_turn(p, b, node_buy(b, "pA", "1", 0)), "\"ok\":true");
    /* Fails where there is any: a number that is divided by 0. */
    assert_true(tg_pg_server_sql(
        p->url, "SELECT 1 / (CASE WHEN count(*) = 0 THEN 1 ELSE 0 END) FROM changes WHERE"
                " at_us > extract(epoch FROM now()) * 1000000 + 3600000000"));
    assert_int_equal(tg_read_db_new(&db, &cfg, why), TG_OK);
    assert_true(tg_read_wall(db) > tg_clock_wall() + hour);
    tg_read_look_at_clock(db);
    assert_in_range(tg_read_wall(db), tg_clock_wall() - hour, tg_clock_wall() + hour);
    tg_read_db_free(db);
    pair_close(p);
}

/* Once in a while it is looked at again; meanwhile the others end in time. */
static void test_a_damaged_order_wakes_nobody(void **state)
{
    struct pair *p = pair_open();
    struct node *b = &p->nodes[1];

    (void)state;
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
    pair_pass(p, (tg_us)30 * TG_US_PER_S);
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "2", 1)), "\"ok\":true");
    node_close(&p->nodes[0]);
    assert_true(tg_pg_server_sql(p->url, "UPDATE order_lines SET price = price + 1"
                                         " WHERE sku = 'SKU-0'"));
    settle(p, b);
    pair_pass(p, (tg_us)571 * TG_US_PER_S);
    assert_true(node_poll(p, b));
    for (int i = 0; i < 28; i++) {
        assert_false(node_poll(p, b));
        pair_pass(p, TG_US_PER_S);
    }
    assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-1")->stock.held, 1);
    pair_pass(p, (tg_us)2 * TG_US_PER_S);
    assert_true(node_poll(p, b));
    assert_int_equal(tg_shop_variant(tg_sale_shop(b->sale), "SKU-1")->stock.held, 0);
    assert_false(node_poll(p, b));
    pair_pass(p, (tg_us)60 * TG_US_PER_S);
    assert_true(node_poll(p, b));
    assert_false(node_poll(p, b));
    node_open(&p->nodes[0], p->url, p->now);
    pair_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_reach_their_buyer_on_every_node),
        cmocka_unit_test(test_carts_reach_their_owner_on_every_node),
        cmocka_unit_test(test_many_orders_are_told_in_portions),
        cmocka_unit_test(test_a_turn_that_lapsed_is_told_on_every_node),
        cmocka_unit_test(test_the_last_name_counts_whichever_node_wrote_it),
        cmocka_unit_test(test_holds_end_by_the_databases_clock),
        cmocka_unit_test(test_a_damaged_order_wakes_nobody),
        cmocka_unit_test(test_an_audit_goes_by_the_databases_clock),
        cmocka_unit_test(test_all_write_and_lease_by_the_databases_clock),
    };

    return nodes_run(tests, TG_ARRAY_LEN(tests));
}
