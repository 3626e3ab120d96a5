/*
 * test_outbound_shop.c - what other systems are told of stock, prices, products and orders: end to
 * end to a real receiver, and as web/api/openapi.json describes it.
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
#include "base/slab.h"
#include "base/str.h"
#include "msg/webhook.h"
#include "shop/event.h"
#include "support/lib/hook_rig.h"
#include "support/lib/schema.h"

static struct schema_doc *openapi;

/* The index-th message: of this type, its data as the document says. */
static const char *message(struct rig *r, size_t index, const char *type, const char *schema)
{
    static char body[HOOK_TEXT_SIZE];
    char begin[64];
    char why[256];
    const char *data;

    if (!hook_receiver_wait(r->receiver, index + 1))
        fail_msg("no message %zu (%s)", index, type);
    tg_str_cut(body, sizeof(body), hook_receiver_at(r->receiver, index).body);
    (void)snprintf(begin, sizeof(begin), "{\"type\":\"%s\",\"timestamp\":\"", type);
    if (strncmp(body, begin, strlen(begin)) != 0)
        fail_msg("no %s: %s", type, body);
    data = strstr(body, ",\"data\":");
    assert_non_null(data);
    data += strlen(",\"data\":");
    body[strlen(body) - 1] = '\0'; /* the message's own end */
    if (!schema_check(openapi, schema, data, strlen(data), why))
        fail_msg("%s: %s", why, data);
    return data;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("%s in %s", part, text);
}

/* Nothing more comes after a ping that is wanted by nobody's topic but sent all the same. */
static void then_only_a_ping(struct rig *r, size_t index)
{
    rig_act(r, TG_HOOK_PING, 202);
    (void)message(r, index, "webhook.ping", "WebhookPing");
    (void)usleep(50000);
    assert_int_equal(hook_receiver_count(r->receiver), index + 1);
}

static void change(struct rig *r, const char *sku, uint8_t how, int32_t value, int32_t again)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_STOCK_ROWS, "s1", TG_ROLE_ADMIN);
    struct tg_stock_changes *c = tg_calloc(1, sizeof(*c) + 2 * sizeof(c->rows[0]));

    assert_non_null(c);
    c->count = again == 0 ? 1 : 2;
    c->all = true;
    for (uint32_t i = 0; i < c->count; i++) {
        tg_str_cut(c->rows[i].sku, sizeof(c->rows[i].sku), sku);
        c->rows[i].how = how;
        c->rows[i].value = i == 0 ? value : again;
        c->rows[i].counted_wall_us = -1;
        c->rows[i].if_version = -1;
    }
    req->stock = c;
    rig_ask(r, req, 200);
}

static void test_stock_changed_once_a_sku_and_batch(void **state)
{
    struct rig *r = rig_open();
    const char *data;

    (void)state;
    rig_create(r, "http://127.0.0.1", "stock.changed");
    rig_out_start(r, "alone", true);
    rig_stock(r, 40);
    data = message(r, 0, "stock.changed", "StockItem");
    has(data, "\"sku\":\"MUG-WHITE\",\"available\":40,");
    has(data, "\"places\":[{\"location\":\"main\",\"on_hand\":40,\"held\":0,\"sold\":0}]");
    has(data, "\"version\":2}");
    change(r, "MUG-WHITE", TG_CHANGE_RECEIVE, 5, 3); /* twice in one batch */
    data = message(r, 1, "stock.changed", "StockItem");
    has(data, "\"available\":48,");
    rig_buy(r);
    data = message(r, 2, "stock.changed", "StockItem");
    has(data, "\"available\":47,");
    has(data, "\"on_hand\":48,\"held\":1,\"sold\":0");
    then_only_a_ping(r, 3);
    rig_close(r);
}

/* What nobody wants is not even written. */
static void test_unwanted_is_not_written(void **state)
{
    static const char none[] = "INSERT INTO show_sales (show_ord, sku, units)"
                               " SELECT 7, 'MUG-WHITE', -1 FROM outbox"; /* refused: units < 0 */
    struct rig *r = rig_open();

    (void)state;
    rig_stock(r, 40);
    rig_buy(r);
    rig_sql(r, none);
    rig_create(r, "http://127.0.0.1", "price.changed");
    rig_stock(r, 41);
    rig_buy(r);
    rig_sql(r, none);
    rig_close(r);
}

static void bundle(struct rig *r)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_STOCK_RULES, "s1", TG_ROLE_ADMIN);

    req->rules = tg_calloc(1, sizeof(*req->rules));
    assert_non_null(req->rules);
    req->rules->set_parts = true;
    req->rules->part_count = 1;
    tg_str_cut(req->rules->parts[0].sku, sizeof(req->rules->parts[0].sku), "MUG-WHITE");
    req->rules->parts[0].qty = 2;
    tg_str_cut(req->key, sizeof(req->key), "SET-2");
    rig_ask(r, req, 200);
}

static void product(struct rig *r, enum tg_sale_what what, const char *key, const char *body,
                    int status)
{
    struct tg_sale_req *req = rig_request(r, what, "s1", TG_ROLE_ADMIN);

    tg_str_cut(req->key, sizeof(req->key), key);
    tg_str_cut(req->idempotency, sizeof(req->idempotency), body + 1);
    for (char *c = req->idempotency; *c != '\0'; c++)
        if (strchr("\":,{}[] .", *c) != NULL)
            *c = '-';
    req->body = tg_slab_copy(body, strlen(body));
    assert_non_null(req->body);
    rig_ask(r, req, status);
}

static void test_bundles_are_told_with_their_parts(void **state)
{
    struct rig *r = rig_open();
    const char *first;
    const char *second;
    char one[HOOK_TEXT_SIZE];

    (void)state;
    rig_stock(r, 40);
    product(r, TG_SALE_PRODUCT_NEW, "",
            "{\"id\":\"set\",\"title\":\"Set\",\"variants\":[{\"sku\":\"SET-2\",\"price\":100}]}",
            201);
    rig_create(r, "http://127.0.0.1", "stock.changed");
    rig_out_start(r, "alone", true);
    bundle(r);
    has(message(r, 0, "stock.changed", "StockItem"),
        "\"parts\":[{\"sku\":\"MUG-WHITE\",\"qty\":2}]");
    rig_stock(r, 30);
    first = message(r, 1, "stock.changed", "StockItem");
    tg_str_cut(one, sizeof(one), first);
    second = message(r, 2, "stock.changed", "StockItem");
    if (strstr(one, "SET-2") == NULL) { /* either may be the first */
        has(one, "\"sku\":\"MUG-WHITE\",\"available\":30,");
        has(second, "\"sku\":\"SET-2\",\"available\":15,");
    } else {
        has(one, "\"sku\":\"SET-2\",\"available\":15,");
        has(second, "\"sku\":\"MUG-WHITE\",\"available\":30,");
    }
    then_only_a_ping(r, 3);
    rig_close(r);
}

static void test_price_changed(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;
    const char *data;

    (void)state;
    rig_create(r, "http://127.0.0.1", "price.changed");
    rig_out_start(r, "alone", true);
    req = rig_request(r, TG_SALE_OP, "s1", TG_ROLE_ADMIN);
    req->op.kind = TG_OP_PRICE;
    tg_str_cut(req->op.u.price.sku, sizeof(req->op.u.price.sku), "MUG-WHITE");
    req->op.u.price.amount = 9900;
    req->op.u.price.from_wall_us = -1;
    req->op.u.price.until_wall_us = -1;
    req->op.u.price.limit = 10;
    rig_ask(r, req, 200);
    data = message(r, 0, "price.changed", "PriceMessage");
    has(data, "{\"sku\":\"MUG-WHITE\",\"price\":{\"amount\":9900,\"currency\":\"NOK\"}");
    has(data, "\"flash\":{\"price\":{\"amount\":9900,\"currency\":\"NOK\"},\"until\":null,"
              "\"limit\":10}");
    rig_buy(r); /* a unit at the flash price is no news of the price */
    req = rig_request(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_ADMIN);
    tg_str_cut(req->key, sizeof(req->key), "MUG-WHITE");
    req->price.amount = 17900;
    req->price.compare_at = -2;
    rig_ask(r, req, 200);
    has(message(r, 1, "price.changed", "PriceMessage"),
        "\"ordinary\":{\"amount\":17900,\"currency\":\"NOK\"}");
    req = rig_request(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_ADMIN);
    tg_str_cut(req->key, sizeof(req->key), "MUG-WHITE");
    tg_str_cut(req->price.currency, sizeof(req->price.currency), "SEK");
    req->price.amount = 19900;
    req->price.compare_at = -2;
    rig_ask(r, req, 200);
    assert_string_equal(message(r, 2, "price.changed", "PriceMessage"),
                        "{\"sku\":\"MUG-WHITE\",\"currency\":\"SEK\",\"price\":{\"amount\":19900,"
                        "\"currency\":\"SEK\"}}");
    then_only_a_ping(r, 3);
    rig_close(r);
}

static void test_products_are_told_whole(void **state)
{
    struct rig *r = rig_open();
    const char *data;

    (void)state;
    rig_create(r, "http://127.0.0.1", "product.*");
    rig_out_start(r, "alone", true);
    product(r, TG_SALE_PRODUCT_NEW, "",
            "{\"id\":\"lamp\",\"title\":\"Lamp\",\"variants\":[{\"sku\":\"LAMP-1\",\"price\":100},"
            "{\"sku\":\"LAMP-2\",\"price\":200}]}",
            201);
    data = message(r, 0, "product.changed", "ProductMessage");
    has(data, "{\"id\":\"lamp\",\"number\":");
    has(data, "\"title\":\"Lamp\",\"archived\":false,\"version\":1,\"variants\":[{\"sku\":"
              "\"LAMP-1\",\"archived\":false,\"version\":1},{\"sku\":\"LAMP-2\",");
    product(r, TG_SALE_VARIANT_SET, "LAMP-2", "{\"archived\":true}", 200);
    assert_string_equal(message(r, 1, "product.changed", "ProductMessage"),
                        "{\"id\":\"lamp\",\"variants\":[{\"sku\":\"LAMP-2\",\"archived\":true,"
                        "\"version\":2}]}");
    /* What is refused is undone, and so is its message. */
    product(r, TG_SALE_PRODUCT_SET, "lamp",
            "{\"title\":\"Other\",\"variants\":[{\"sku\":\"MUG-WHITE\"}]}", 422);
    product(r, TG_SALE_PRODUCT_SET, "lamp", "{\"archived\":true}", 200);
    has(message(r, 2, "product.archived", "ProductMessage"), "\"title\":\"Lamp\",\"archived\":true,"
                                                             "\"version\":2,");
    then_only_a_ping(r, 3);
    rig_close(r);
}

static void test_places_are_told(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;

    (void)state;
    rig_create(r, "http://127.0.0.1", "location.changed");
    rig_out_start(r, "alone", true);
    req = rig_request(r, TG_SALE_PLACE, "s1", TG_ROLE_ADMIN);
    req->place = tg_calloc(1, sizeof(*req->place));
    assert_non_null(req->place);
    req->place->make = true;
    req->place->kind = 1;
    req->place->show = UINT16_MAX;
    req->place->priority = 10;
    req->place->ships_from_wall_us = -1;
    tg_str_cut(req->place->id, sizeof(req->place->id), "oslo");
    tg_str_cut(req->place->name, sizeof(req->place->name), "Oslo");
    rig_ask(r, req, 201);
    has(message(r, 0, "location.changed", "Location"), "\"id\":\"oslo\",\"kind\":\"store\"");
    then_only_a_ping(r, 1);
    rig_close(r);
}

static void order_ask(struct rig *r, enum tg_sale_what what, const char *id, int status)
{
    struct tg_sale_req *req = rig_request(r, what, "s1", TG_ROLE_ADMIN);

    req->order = tg_calloc(1, sizeof(*req->order));
    assert_non_null(req->order);
    req->order->amount = -1;
    req->order->restock = true;
    req->order->line_count = 1;
    req->order->lines[0].qty = 1;
    if (what == TG_SALE_FULFIL) {
        tg_str_cut(req->order->carrier, sizeof(req->order->carrier), "Posten");
        tg_str_cut(req->order->tracking, sizeof(req->order->tracking), "NO1");
    }
    tg_str_cut(req->order->reason, sizeof(req->order->reason), "Kari called");
    tg_str_cut(req->key, sizeof(req->key), id);
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "o%d", (int)what);
    rig_ask(r, req, status);
}

/* Who ships, what, with which number; no cost prices, and no words that staff wrote. */
static void test_orders_say_what_happened(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;
    char id[TG_UUID_SIZE];
    char payment[TG_UUID_SIZE];
    const char *data;

    (void)state;
    rig_create(r, "http://127.0.0.1", "order.paid order.fulfilled order.returned");
    rig_out_start(r, "alone", true);
    rig_buy(r);
    rig_member(id, sizeof(id), r->text, "\"id\":\"");
    rig_member(payment, sizeof(payment), r->text, "/pay/sandbox/");
    req = rig_request(r, TG_SALE_PAY, "pA", TG_ROLE_VIEWER);
    req->flag = true;
    tg_str_cut(req->key, sizeof(req->key), payment);
    tg_str_cut(req->idempotency, sizeof(req->idempotency), "p");
    rig_ask(r, req, 200);
    data = message(r, 0, "order.paid", "OrderMessage");
    has(data, "\"event\":{\"kind\":\"paid\",");
    order_ask(r, TG_SALE_FULFIL, id, 200);
    data = message(r, 1, "order.fulfilled", "OrderMessage");
    has(data, "\"carrier\":\"Posten\",\"tracking\":\"NO1\",\"lines\":[{\"line\":1,\"sku\":"
              "\"MUG-WHITE\",\"qty\":1}]}");
    has_not(data, "Kari");
    has_not(data, "\"cost\"");
    order_ask(r, TG_SALE_RETURN, id, 200);
    data = message(r, 2, "order.returned", "OrderMessage");
    has(data, "\"restock\":true,\"lines\":[{\"line\":1,\"sku\":\"MUG-WHITE\",\"qty\":1}]");
    then_only_a_ping(r, 3);
    rig_close(r);
}

/* A page of stock into r->text; the position in it. */
static int64_t moved(struct rig *r, int64_t since)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));
    int64_t position = -1;
    const char *at;
    char why[256];

    assert_non_null(req);
    req->what = TG_READ_STOCK;
    req->conn = (struct tg_conn){.mb = r->web};
    req->who.roles = TG_ROLE_ADMIN;
    req->limit = 100;
    req->moved_after = since;
    tg_reader_turn(r->reader, req);
    rig_take_answer(r);
    assert_int_equal(r->status, 200);
    if (!schema_check(openapi, "StockPage", r->text, strlen(r->text), why))
        fail_msg("%s: %s", why, r->text);
    at = strstr(r->text, "\"position\":");
    assert_non_null(at);
    at += strlen("\"position\":");
    assert_int_equal(tg_parse_i64(&position, at, strspn(at, "0123456789"), 0, INT64_MAX), TG_OK);
    return position;
}

/* Who cannot be called asks what moved. */
static void test_stock_that_moved_since_a_position(void **state)
{
    struct rig *r = rig_open();
    int64_t start;
    int64_t next;

    (void)state;
    start = moved(r, 0);
    has(r->text, "MUG-WHITE");
    has(r->text, "MUG-GREEN");
    assert_int_equal(moved(r, start), start);
    has(r->text, "\"stock\":[]");
    change(r, "MUG-GREEN", TG_CHANGE_RECEIVE, 5, 3);
    rig_buy(r);
    next = moved(r, start);
    assert_true(next > start);
    has(r->text, "\"sku\":\"MUG-GREEN\",\"available\":188,");
    has(r->text, "\"sku\":\"MUG-WHITE\",\"available\":239,");
    has_not(r->text, "MUG-RED");
    rig_buy(r);
    (void)moved(r, next);
    has(r->text, "MUG-WHITE");
    has_not(r->text, "MUG-GREEN");
    rig_close(r);
}

/* What can be asked for is what is sent. */
static void test_topics_are_those_of_the_events(void **state)
{
    size_t known = 0;

    (void)state;
    for (int e = 0; e < TG_EVENT_COUNT; e++) {
        const char *topic = tg_order_event_topic((enum tg_order_event)e);

        if (topic != NULL && !tg_hook_topic_ok(topic))
            fail_msg("%s cannot be asked for", topic);
        known += topic != NULL;
    }
    for (size_t i = 0; tg_hook_topic_at(i) != NULL; i++)
        known -= strncmp(tg_hook_topic_at(i), "order.", 6) == 0;
    assert_int_equal(known, 0);
    assert_false(tg_hook_topic_ok("stock.low"));
    assert_false(tg_hook_topic_ok("order.authorised"));
    assert_true(tg_hook_topics_ok("order.* stock.changed"));
    assert_false(tg_hook_topics_ok("order.* stok.changed"));
}

static int setup(void **state)
{
    (void)state;
    openapi = schema_load("openapi");
    return openapi == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    schema_free(openapi);
    return 0;
}

#define CASES                                                                                      \
    cmocka_unit_test(test_stock_changed_once_a_sku_and_batch),                                     \
        cmocka_unit_test(test_unwanted_is_not_written),                                            \
        cmocka_unit_test(test_bundles_are_told_with_their_parts),                                  \
        cmocka_unit_test(test_price_changed), cmocka_unit_test(test_products_are_told_whole),      \
        cmocka_unit_test(test_places_are_told), cmocka_unit_test(test_orders_say_what_happened),   \
        cmocka_unit_test(test_stock_that_moved_since_a_position),                                  \
        cmocka_unit_test(test_topics_are_those_of_the_events),

int main(void)
{
    static struct tg_pg_server server;
    const struct CMUnitTest on_sqlite[] = {CASES};
    const struct CMUnitTest on_postgres[] = {CASES};
    int failed = cmocka_run_group_tests(on_sqlite, setup, teardown);

    if (!tg_pg_server_start(&server))
        return 1;
    rig_postgres = &server;
    failed += cmocka_run_group_tests(on_postgres, setup, teardown);
    tg_pg_server_stop(&server);
    return failed;
}
