/*
 * test_sale.c - requests to the sale logic and thread: answers, repeats, events, roles, shows and
 * tokens, a full disk, and a burst through the real thread and database.
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

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/reader.h"
#include "sale/sale.h"
#include "support/lib/faulty_store.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

struct rig {
    char dir[64];
    char path[96];
    struct tg_faulty_store faulty;
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *live;
    struct tg_mailbox *web[2];
    struct tg_sale *sale;
    struct tg_shop_now now;
    struct tg_show_info added; /* by the callback */
    char text[8192];           /* of the last answer */
    int status;                /* 0 = on a socket */
};

static void show_added(void *ctx, const struct tg_show_info *show)
{
    ((struct rig *)ctx)->added = *show;
}

static struct rig *rig_open(bool allow_sandbox, bool fast)
{
    struct rig *r = tg_calloc(1, sizeof(*r));
    struct tg_db_cfg cfg = {.fast = fast};
    struct tg_sale_cfg sale = {
        .web_count = 2, .allow_sandbox = allow_sandbox, .on_show_added = show_added, .ctx = r};
    struct tg_store *inner = NULL;
    char why[256] = "";

    assert_non_null(r);
    tg_log_set_level(TG_LOG_ERROR);
    r->now = (struct tg_shop_now){.mono = tg_clock_mono(), .wall = WALL_US};
    tg_str_printf(r->dir, sizeof(r->dir), "/tmp/torg-sale-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    tg_str_printf(r->path, sizeof(r->path), "%s/shop.db", r->dir);
    cfg.url = r->path;
    assert_int_equal(tg_store_new(&inner, &cfg, why), TG_OK);
    r->store = tg_faulty_store_init(&r->faulty, inner);
    assert_int_equal(tg_demo_seed(r->store, WALL_US), TG_OK);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->live, TG_MB_LIVE, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->web[0], TG_MB_WEB, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->web[1], TG_MB_WEB, tg_msg_free), TG_OK);
    sale.store = r->store;
    sale.registry = r->registry;
    sale.live = r->live;
    sale.web = r->web;
    assert_int_equal(tg_sale_new(&r->sale, &sale, r->now), TG_OK);
    return r;
}

static void rig_close(struct rig *r)
{
    static const char *const tails[] = {"shop.db", "shop.db-wal", "shop.db-shm"};
    char path[128];

    tg_sale_free(r->sale);
    tg_registry_free(r->registry);
    tg_store_free(r->store);
    tg_mailbox_free(r->live);
    tg_mailbox_free(r->web[0]);
    tg_mailbox_free(r->web[1]);
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s/%s", r->dir, tails[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(r->dir), 0);
    tg_free(r);
}

static struct tg_sale_req *req_of(struct rig *r, enum tg_sale_what what, const char *person,
                                  uint32_t roles)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web[0], .slot = 9, .generation = 4};
    req->http = what != TG_SALE_OP;
    req->show = 2;
    req->until_wall_us = -1;
    req->who.roles = roles;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    return req;
}

static struct tg_sale_req *line_of(struct rig *r, enum tg_op_kind kind, const char *id,
                                   const char *sku, int32_t qty)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);

    req->op.kind = kind;
    tg_str_cut(req->op.id, sizeof(req->op.id), id);
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), sku);
    req->op.u.line.qty = qty;
    req->op.u.line.price = -1;
    return req;
}

/* The answer goes to r->text; events to persons are dropped. */
static void take_answers(struct rig *r)
{
    void *msg;

    r->text[0] = '\0';
    r->status = -1;
    while (tg_mailbox_take(r->web[0], &msg, 1) == 1) {
        const struct tg_msg *head = msg;
        const struct tg_slab *json = NULL;

        if (head->kind == TG_MSG_WEB_SEND) {
            json = ((struct tg_web_send *)msg)->json;
            r->status = 0;
            assert_int_equal(((struct tg_web_send *)msg)->conn.slot, 9);
        } else if (head->kind == TG_MSG_WEB_REPLY) {
            json = ((struct tg_web_reply *)msg)->json;
            r->status = ((struct tg_web_reply *)msg)->status;
        }
        if (json != NULL)
            assert_int_equal(
                tg_str_copy(r->text, sizeof(r->text), (const char *)json->data, json->len), TG_OK);
        tg_msg_free(msg);
    }
}

static const char *turn(struct rig *r, struct tg_sale_req *take_req)
{
    void *msgs[1] = {take_req};

    tg_sale_turn(r->sale, r->now, msgs, 1);
    take_answers(r);
    return r->text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

/* The value of a JSON string member into out. */
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

static size_t drain(struct tg_mailbox *mb)
{
    void *msg;
    size_t count = 0;

    for (; tg_mailbox_take(mb, &msg, 1) == 1; count++)
        tg_msg_free(msg);
    return count;
}

/* --- the show channel --- */

static void test_buy_is_answered_with_the_order(void **state)
{
    struct rig *r = rig_open(true, true);

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 2));
    has(r->text, "{\"re\":\"b1\",\"ok\":true,\"order\":{\"id\":\"");
    has(r->text, "\"number\":1001,\"state\":\"awaiting_payment\"");
    has(r->text, "\"total\":{\"amount\":29800,\"currency\":\"NOK\"}");
    has(r->text, "\"pay_by\":\"");
    has(r->text, "\"pay_url\":\"/pay/sandbox/");
    rig_close(r);
}

static void test_same_id_gets_the_same_answer_and_no_second_order(void **state)
{
    struct rig *r = rig_open(true, true);
    static char first[8192];
    void *twins[2];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 2));
    memcpy(first, r->text, sizeof(first));
    assert_string_equal(turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 2)), first);
    has(turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 3)), "\"code\":\"conflict\"");
    twins[0] = line_of(r, TG_OP_BUY, "b2", "MUG-RED", 1); /* twice in one batch */
    twins[1] = line_of(r, TG_OP_BUY, "b2", "MUG-RED", 1);
    tg_sale_turn(r->sale, r->now, twins, 2);
    take_answers(r);
    has(r->text, "\"number\":1002");
    assert_int_equal(tg_shop_order_count(tg_sale_shop(r->sale)), 2);
    rig_close(r);
}

static void test_refusals_say_what_is_true_now(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *low = line_of(r, TG_OP_BUY, "b3", "MUG-RED", 1);

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "SHEEPSKIN-ONE", 1));
    turn(r, line_of(r, TG_OP_BUY, "b2", "SHEEPSKIN-ONE", 1));
    assert_string_equal(r->text, "{\"re\":\"b2\",\"ok\":false,\"code\":\"sold_out\",\"message\":"
                                 "\"Sheepskin Saue is sold out.\",\"sku\":\"SHEEPSKIN-ONE\","
                                 "\"available\":0,\"ticket\":1780000000000001}");
    low->op.u.line.price = 100;
    turn(r, low);
    has(r->text, "\"code\":\"price_changed\"");
    has(r->text, "\"price\":{\"amount\":14900,\"currency\":\"NOK\"}");
    rig_close(r);
}

static void test_staff_operations_need_the_role(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER | TG_ROLE_HOST);

    (void)state;
    req->op.kind = TG_OP_PRICE;
    tg_str_cut(req->op.id, sizeof(req->op.id), "x1");
    tg_str_cut(req->op.u.price.sku, sizeof(req->op.u.price.sku), "MUG-RED");
    req->op.u.price.amount = 100;
    req->op.u.price.until_wall_us = -1;
    has(turn(r, req), "\"code\":\"forbidden\"");
    req = req_of(r, TG_SALE_OP, "s1", TG_ROLE_MERCHANDISER);
    req->op.kind = TG_OP_STOCK;
    tg_str_cut(req->op.id, sizeof(req->op.id), "x2");
    tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), "MUG-RED");
    req->op.u.stock.absolute = true;
    req->op.u.stock.value = 7;
    has(turn(r, req), "\"available\":7,\"on_hand\":7,\"held\":0,\"sold\":0}");
    rig_close(r);
}

static void test_staff_of_one_show_leave_the_whole_shop_alone(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *stock = req_of(r, TG_SALE_OP, "s1", TG_ROLE_MERCHANDISER);
    struct tg_sale_req *price = req_of(r, TG_SALE_OP, "s1", TG_ROLE_MERCHANDISER);
    struct tg_sale_req *code = req_of(r, TG_SALE_CODE_END, "s1", TG_ROLE_MERCHANDISER);

    (void)state;
    stock->who.one_show = true;
    stock->op.kind = TG_OP_STOCK;
    tg_str_cut(stock->op.id, sizeof(stock->op.id), "x1");
    tg_str_cut(stock->op.u.stock.sku, sizeof(stock->op.u.stock.sku), "MUG-RED");
    stock->op.u.stock.absolute = true;
    has(turn(r, stock), "\"code\":\"forbidden\"");
    code->who.one_show = true;
    code->http = true;
    tg_str_cut(code->key, sizeof(code->key), "SUMMER");
    turn(r, code);
    assert_int_equal(r->status, 403);
    price->who.one_show = true; /* a flash price is a tool of the show */
    price->op.kind = TG_OP_PRICE;
    tg_str_cut(price->op.id, sizeof(price->op.id), "x2");
    tg_str_cut(price->op.u.price.sku, sizeof(price->op.u.price.sku), "MUG-RED");
    price->op.u.price.amount = 9900;
    price->op.u.price.from_wall_us = -1;
    price->op.u.price.until_wall_us = -1;
    has(turn(r, price), "\"ok\":true");
    rig_close(r);
}

static void test_join_goes_to_live_with_the_cart(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *req = req_of(r, TG_SALE_JOIN, "pA", TG_ROLE_VIEWER);
    struct tg_live_join *join = tg_msg_new(TG_MSG_LIVE_JOIN, sizeof(*join));
    void *msg = NULL;

    (void)state;
    assert_non_null(join);
    turn(r, line_of(r, TG_OP_CART_SET, "c1", "MUG-RED", 2));
    has(r->text, "{\"re\":\"c1\",\"ok\":true,\"cart\":{\"lines\":[{\"sku\":\"MUG-RED\",\"qty\":2");
    req->http = false;
    req->join = join;
    turn(r, req);
    assert_int_equal(r->status, -1); /* live answers, not sale */
    assert_int_equal(tg_mailbox_take(r->live, &msg, 1), 1);
    assert_ptr_equal(msg, join);
    assert_non_null(join->cart_json);
    assert_memory_equal(join->cart_json->data, "{\"lines\":[{\"sku\":\"MUG-RED\"", 26);
    tg_msg_free(msg);
    rig_close(r);
}

/* `busy` and `joined` both would leave the socket unjoined here and joined there. */
static void test_join_without_disk_is_answered_by_live_alone(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *req = req_of(r, TG_SALE_JOIN, "pA", TG_ROLE_VIEWER);
    void *msg = NULL;

    (void)state;
    req->http = false;
    req->join = tg_msg_new(TG_MSG_LIVE_JOIN, sizeof(*req->join));
    assert_non_null(req->join);
    r->faulty.fault = TG_FAULT_REFUSE;
    r->faulty.fail_in = 0; /* loading */
    turn(r, req);
    assert_int_equal(r->faulty.refused, 1);
    assert_int_equal(r->status, -1);
    assert_int_equal(tg_mailbox_take(r->live, &msg, 1), 1);
    assert_int_equal(((struct tg_msg *)msg)->kind, TG_MSG_LIVE_JOIN);
    tg_msg_free(msg);
    rig_close(r);
}

static void test_staff_of_one_show_leave_other_shows_orders_alone(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *req = req_of(r, TG_SALE_CANCEL, "s1", TG_ROLE_MERCHANDISER);
    struct tg_sale_req *again = req_of(r, TG_SALE_CANCEL, "s1", TG_ROLE_MERCHANDISER);
    char order[64];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1)); /* in show 2 */
    member(order, sizeof(order), r->text, "\"order\":{\"id\":\"");
    tg_str_cut(req->key, sizeof(req->key), order);
    tg_str_cut(again->key, sizeof(again->key), order);
    req->show = 3;
    again->show = 2;
    turn(r, req);
    assert_int_equal(r->status, 404);
    turn(r, again);
    assert_int_equal(r->status, 200);
    rig_close(r);
}

static void test_everybody_hears_of_a_sale_once_a_batch(void **state)
{
    struct rig *r = rig_open(true, true);
    void *msgs[3] = {line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1),
                     line_of(r, TG_OP_BUY, "b2", "MUG-RED", 1),
                     line_of(r, TG_OP_BUY, "b3", "MUG-RED", 1)};
    const struct tg_live_sale *sale;
    void *msg = NULL;

    (void)state;
    tg_sale_turn(r->sale, r->now, msgs, 3);
    assert_int_equal(tg_mailbox_take(r->live, &msg, 1), 1);
    sale = msg;
    assert_true(sale->stock_changed && !sale->price_changed);
    assert_int_equal(sale->available, 117);
    assert_int_equal(sale->show, UINT16_MAX);
    tg_msg_free(msg);
    assert_int_equal(tg_mailbox_take(r->live, &msg, 1), 1);
    sale = msg;
    assert_false(sale->stock_changed);
    assert_int_equal(sale->show, 2);
    assert_int_equal(sale->sold_count, 3);
    tg_msg_free(msg);
    assert_int_equal(drain(r->live), 0);
    assert_int_equal(drain(r->web[1]), 3); /* an `order` event each, on every worker */
    rig_close(r);
}

static void test_unpaid_order_expires_and_the_buyer_hears_it(void **state)
{
    struct rig *r = rig_open(true, true);
    const struct tg_web_person *event;
    void *msg = NULL;

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "SHEEPSKIN-ONE", 1));
    (void)drain(r->web[1]);
    r->now.mono += (tg_us)600 * TG_US_PER_S;
    r->now.wall += (tg_us)600 * TG_US_PER_S;
    assert_int_equal(tg_sale_deadline(r->sale), r->now.mono);
    tg_sale_turn(r->sale, r->now, NULL, 0);
    assert_int_equal(tg_mailbox_take(r->web[1], &msg, 1), 1);
    event = msg;
    assert_int_equal(
        tg_str_copy(r->text, sizeof(r->text), (const char *)event->json->data, event->json->len),
        TG_OK);
    has(r->text, "{\"ev\":\"order\",\"order\":{\"id\":\"");
    has(r->text, "\"state\":\"expired\"");
    assert_string_equal(event->person, "pA");
    tg_msg_free(msg);
    has(turn(r, line_of(r, TG_OP_BUY, "b2", "SHEEPSKIN-ONE", 1)), "\"ok\":true");
    rig_close(r);
}

/* --- HTTP --- */

static struct tg_sale_req *pay_of(struct rig *r, const char *payment, const char *key, bool paid)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_PAY, "xhash", TG_ROLE_VIEWER);

    req->flag = paid;
    tg_str_cut(req->key, sizeof(req->key), payment);
    tg_str_cut(req->idempotency, sizeof(req->idempotency), key);
    return req;
}

static void test_declined_payment_may_be_tried_again(void **state)
{
    struct rig *r = rig_open(true, true);
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1));
    member(payment, sizeof(payment), r->text, "/pay/sandbox/");
    has(turn(r, pay_of(r, payment, "k1", false)), "\"state\":\"declined\"");
    assert_int_equal(r->status, 200);
    has(turn(r, pay_of(r, payment, "k2", true)), "\"state\":\"paid\",\"lines\"");
    has(turn(r, pay_of(r, payment, "k3", true)), "\"payment\":{\"id\":\"");
    assert_int_equal(r->status, 200);
    turn(r, pay_of(r, payment, "k3", false));
    assert_int_equal(r->status, 422); /* the key was used for another body */
    turn(r, pay_of(r, "nothing", "k4", true));
    assert_int_equal(r->status, 404);
    rig_close(r);
}

static void test_payment_after_the_time_claims_what_is_still_there(void **state)
{
    struct rig *r = rig_open(true, true);
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1));
    member(payment, sizeof(payment), r->text, "/pay/sandbox/");
    r->now.mono += (tg_us)3600 * TG_US_PER_S;
    r->now.wall += (tg_us)3600 * TG_US_PER_S;
    turn(r, pay_of(r, payment, "k1", false)); /* it expires in this batch */
    assert_int_equal(r->status, 409);
    has(r->text, "Nothing was charged.");
    turn(r, pay_of(r, payment, "k2", true));
    assert_int_equal(r->status, 200);
    has(r->text, "\"state\":\"paid\"");
    rig_close(r);
}

static void test_without_the_sandbox_nothing_can_be_paid_by_it(void **state)
{
    struct rig *r = rig_open(false, true);

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1));
    assert_null(strstr(r->text, "pay_url"));
    turn(r, pay_of(r, "anything", "k1", true));
    assert_int_equal(r->status, 403);
    rig_close(r);
}

/* --- keys over HTTP: the same rules for whatever moves stock or money --- */

enum keyed { KEYED_BUY, KEYED_CHECKOUT, KEYED_CANCEL, KEYED_PAY, KEYED_COUNT };

struct keyed_world {
    struct rig *r;
    char order[TG_UUID_SIZE];
    char other_order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
};

static struct tg_sale_req *keyed_request(struct keyed_world *w, enum keyed what, bool other)
{
    struct tg_sale_req *req;

    if (what == KEYED_PAY) {
        req = pay_of(w->r, w->payment, "", !other);
    } else if (what == KEYED_CANCEL) {
        req = req_of(w->r, TG_SALE_CANCEL, "pA", TG_ROLE_VIEWER);
        tg_str_cut(req->key, sizeof(req->key), other ? w->other_order : w->order);
    } else {
        req = line_of(w->r, what == KEYED_BUY ? TG_OP_BUY : TG_OP_CHECKOUT, "-", "MUG-RED", 1);
        if (what == KEYED_BUY)
            req->op.u.line.qty = other ? 2 : 1;
        else
            req->op.u = (__typeof__(req->op.u)){.checkout.price_count = other};
    }
    req->http = true;
    tg_str_cut(req->idempotency, sizeof(req->idempotency), "key-1");
    return req;
}

/* Statuses and bodies of the batch's HTTP answers, in order. */
static size_t http_answers(struct rig *r, int *status, char (*text)[2048])
{
    size_t count = 0;
    void *msg;

    while (tg_mailbox_take(r->web[0], &msg, 1) == 1) {
        const struct tg_web_reply *reply = msg;

        if (reply->head.kind == TG_MSG_WEB_REPLY && count < 4) {
            status[count] = reply->status;
            assert_int_equal(
                tg_str_copy(text[count++], 2048, (const char *)reply->json->data, reply->json->len),
                TG_OK);
        }
        tg_msg_free(msg);
    }
    return count;
}

static void keyed_world_open(struct keyed_world *w)
{
    w->r = rig_open(true, true);
    turn(w->r, line_of(w->r, TG_OP_BUY, "b1", "MUG-RED", 1));
    member(w->order, sizeof(w->order), w->r->text, "\"order\":{\"id\":\"");
    turn(w->r, line_of(w->r, TG_OP_BUY, "b2", "MUG-RED", 1));
    member(w->other_order, sizeof(w->other_order), w->r->text, "\"order\":{\"id\":\"");
    member(w->payment, sizeof(w->payment), w->r->text, "/pay/sandbox/");
    turn(w->r, line_of(w->r, TG_OP_CART_SET, "c1", "MUG-RED", 1));
}

static void test_http_key_in_flight_repeat_and_other_body(void **state)
{
    static const int first_status[KEYED_COUNT] = {201, 201, 200, 200};

    (void)state;
    for (enum keyed what = KEYED_BUY; what < KEYED_COUNT; what++) {
        struct keyed_world w;
        char text[4][2048];
        int status[4];
        void *msgs[3];

        keyed_world_open(&w);
        msgs[0] = keyed_request(&w, what, false);
        msgs[1] = keyed_request(&w, what, false); /* overtakes the commit of the first */
        msgs[2] = keyed_request(&w, what, true);
        tg_sale_turn(w.r->sale, w.r->now, msgs, 3);
        assert_int_equal(http_answers(w.r, status, text), 3);
        assert_int_equal(status[0], first_status[what]);
        assert_int_equal(status[1], 409);
        has(text[1], "\"code\":\"busy\"");
        assert_int_equal(status[2], 422);
        msgs[0] = keyed_request(&w, what, false);
        msgs[1] = keyed_request(&w, what, true);
        tg_sale_turn(w.r->sale, w.r->now, msgs, 2);
        assert_int_equal(http_answers(w.r, status + 1, text + 1), 2);
        assert_int_equal(status[1], first_status[what]);
        assert_string_equal(text[1], text[0]);
        assert_int_equal(status[2], 422);
        rig_close(w.r);
    }
}

/* Nobody was told anything of a batch that the disk refused, so its key is free again. */
static void test_http_key_is_free_after_a_lost_batch(void **state)
{
    struct keyed_world w;
    char text[4][2048];
    int status[4];
    void *msgs[1];

    (void)state;
    keyed_world_open(&w);
    w.r->faulty.fault = TG_FAULT_REFUSE;
    w.r->faulty.fail_in = 1; /* begin */
    msgs[0] = keyed_request(&w, KEYED_BUY, false);
    tg_sale_turn(w.r->sale, w.r->now, msgs, 1);
    assert_int_equal(http_answers(w.r, status, text), 1);
    assert_int_equal(status[0], 503);
    msgs[0] = keyed_request(&w, KEYED_BUY, true);
    tg_sale_turn(w.r->sale, w.r->now, msgs, 1);
    assert_int_equal(http_answers(w.r, status, text), 1);
    assert_int_equal(status[0], 201);
    rig_close(w.r);
}

static void test_cart_merge_over_http(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *req;

    (void)state;
    turn(r, line_of(r, TG_OP_CART_SET, "c1", "MUG-RED", 2));
    for (int i = 0; i < 2; i++) {
        req = req_of(r, TG_SALE_CART_MERGE, "s7", TG_ROLE_CUSTOMER);
        tg_str_cut(req->key, sizeof(req->key), "pA");
        has(turn(r, req), "{\"cart\":{\"lines\":[{\"sku\":\"MUG-RED\",\"qty\":2");
        assert_int_equal(r->status, 200);
        has(r->text, "\"changes\":[]");
        has(r->text, "\"left_out\":[]");
    }
    has(turn(r, req_of(r, TG_SALE_CART, "pA", TG_ROLE_VIEWER)), "{\"cart\":{\"lines\":[]");
    req = req_of(r, TG_SALE_OP, "s1", TG_ROLE_ADMIN);
    req->op.kind = TG_OP_PRICE;
    tg_str_cut(req->op.id, sizeof(req->op.id), "p1");
    tg_str_cut(req->op.u.price.sku, sizeof(req->op.u.price.sku), "MUG-RED");
    req->op.u.price.amount = 100;
    req->op.u.price.until_wall_us = -1;
    turn(r, req);
    has(turn(r, req_of(r, TG_SALE_CART, "s7", TG_ROLE_CUSTOMER)),
        "\"changes\":[\"price_changed\"],\"price_was\":{\"amount\":14900,");
    rig_close(r);
}

/* --- an order's life --- */

static struct tg_sale_req *order_req(struct rig *r, enum tg_sale_what what, const char *person,
                                     uint32_t roles, const char *key, const char *idem)
{
    struct tg_sale_req *req = req_of(r, what, person, roles);

    req->http = true;
    req->show = UINT16_MAX;
    req->order = tg_calloc(1, sizeof(*req->order));
    assert_non_null(req->order);
    req->order->amount = -1;
    tg_str_cut(req->order->reason, sizeof(req->order->reason), "as agreed");
    tg_str_cut(req->key, sizeof(req->key), key);
    tg_str_cut(req->idempotency, sizeof(req->idempotency), idem);
    return req;
}

static void test_orders_are_changed_by_those_who_may(void **state)
{
    static const enum tg_sale_what staff_only[] = {TG_SALE_FULFIL, TG_SALE_RETURN, TG_SALE_REFUND,
                                                   TG_SALE_NOTE, TG_SALE_RETRY};
    struct rig *r = rig_open(true, true);
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 2));
    member(order, sizeof(order), r->text, "\"order\":{\"id\":\"");
    member(payment, sizeof(payment), r->text, "/pay/sandbox/");
    turn(r, pay_of(r, payment, "k1", true));
    assert_int_equal(r->status, 200);
    for (size_t i = 0; i < TG_ARRAY_LEN(staff_only); i++) {
        const char *key = staff_only[i] == TG_SALE_RETRY ? payment : order;

        turn(r, order_req(r, staff_only[i], "pA", TG_ROLE_VIEWER, key, "v"));
        assert_int_equal(r->status, 403);
        turn(r, order_req(r, staff_only[i], "s9", TG_ROLE_MODERATOR | TG_ROLE_HOST, key, "h"));
        assert_int_equal(r->status, 403);
    }
    turn(r, order_req(r, TG_SALE_CANCEL, "pOther", TG_ROLE_VIEWER, order, "c"));
    assert_int_equal(r->status, 404);
    turn(r, order_req(r, TG_SALE_FULFIL, "s1", TG_ROLE_MERCHANDISER, order, "f1"));
    assert_int_equal(r->status, 200);
    has(r->text, "\"state\":\"fulfilled\"");
    turn(r, order_req(r, TG_SALE_FULFIL, "s1", TG_ROLE_MERCHANDISER, order, "f1"));
    assert_int_equal(r->status, 200); /* the same key: the first result again */
    turn(r, order_req(r, TG_SALE_FULFIL, "s1", TG_ROLE_MERCHANDISER, order, "f2"));
    assert_int_equal(r->status, 409);
    turn(r, order_req(r, TG_SALE_RETURN, "s1", TG_ROLE_ADMIN, order, "r1"));
    assert_int_equal(r->status, 200);
    has(r->text, "\"state\":\"returned\"");
    has(r->text, "\"refunded\"");
    rig_close(r);
}

static void test_provider_news_are_taken_once(void **state)
{
    struct rig *r = rig_open(true, true);
    char payment[TG_PAYMENT_ID_SIZE];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1));
    member(payment, sizeof(payment), r->text, "/pay/sandbox/");
    for (int i = 0; i < 3; i++) {
        struct tg_sale_req *req =
            order_req(r, TG_SALE_NEWS, "xhash", TG_ROLE_VIEWER, payment, i == 2 ? "e2" : "e1");

        tg_str_cut(req->order->news, sizeof(req->order->news), "captured");
        tg_str_cut(req->order->reference, sizeof(req->order->reference), "ref-1");
        req->order->amount = 10000000;
        turn(r, req);
        assert_int_equal(r->status, 200);
        has(r->text, "\"state\":\"paid\"");
        has(r->text, "\"paid\":{\"amount\":10000000,");
    }
    {
        struct tg_sale_req *req =
            order_req(r, TG_SALE_NEWS, "xhash", TG_ROLE_VIEWER, payment, "e3");

        tg_str_cut(req->order->news, sizeof(req->order->news), "stolen");
        turn(r, req);
        assert_int_equal(r->status, 400);
        has(r->text, "\"field\":\"news\"");
    }
    rig_close(r);
}

static struct tg_sale_req *show_of(struct rig *r, const char *id, const char *key)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_SHOW_CREATE, "s1", TG_ROLE_HOST);

    tg_str_cut(req->key, sizeof(req->key), id);
    tg_str_cut(req->text, sizeof(req->text), "Winter & <wool>");
    tg_str_cut(req->idempotency, sizeof(req->idempotency), key);
    return req;
}

static void test_show_is_made_once_and_announced(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_show_info show;
    struct tg_sale_req *req;
    void *msg = NULL;

    (void)state;
    turn(r, show_of(r, "winter", "k1"));
    assert_int_equal(r->status, 201);
    has(r->text, "{\"id\":\"winter\",\"title\":\"Winter & ");
    assert_string_equal(r->added.id, "winter");
    assert_int_equal(tg_registry_show_get(r->registry, "winter", 6, &show), TG_OK);
    assert_int_equal(tg_mailbox_take(r->live, &msg, 1), 1);
    assert_int_equal(((struct tg_msg *)msg)->kind, TG_MSG_LIVE_SHOW);
    tg_msg_free(msg);
    turn(r, show_of(r, "winter", "k2"));
    assert_int_equal(r->status, 409);
    turn(r, show_of(r, "Wi nter", "k3"));
    assert_int_equal(r->status, 400);
    req = show_of(r, "spring", "k4");
    req->who.roles = TG_ROLE_MODERATOR;
    turn(r, req);
    assert_int_equal(r->status, 403);
    req = req_of(r, TG_SALE_SHOW_STATE, "", 0);
    req->show = show.ord;
    req->number = TG_SHOW_LIVE;
    turn(r, req);
    assert_int_equal(r->status, -1);
    assert_int_equal(tg_registry_show_get(r->registry, "winter", 6, &show), TG_OK);
    assert_int_equal(show.state, TG_SHOW_LIVE);
    for (int64_t number = TG_SHOW_REHEARSAL; number < TG_SHOW_REHEARSAL + 2; number++) {
        req = req_of(r, TG_SALE_SHOW_STATE, "", 0);
        req->show = show.ord;
        req->number = number; /* the second one is no state */
        turn(r, req);
    }
    assert_int_equal(tg_registry_show_get(r->registry, "winter", 6, &show), TG_OK);
    assert_int_equal(show.state, TG_SHOW_REHEARSAL);
    rig_close(r);
}

static struct tg_sale_req *token_of(struct rig *r, const char *key)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_TOKEN_CREATE, "s1", TG_ROLE_ADMIN);

    req->number = TG_ROLE_HOST | TG_ROLE_MERCHANDISER;
    tg_str_cut(req->text, sizeof(req->text), "desk");
    tg_str_cut(req->idempotency, sizeof(req->idempotency), key);
    return req;
}

static void test_token_is_given_once_and_revoked_at_once(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_token_info info;
    struct tg_sale_req *req;
    char text[TG_TOKEN_SIZE];

    (void)state;
    turn(r, token_of(r, "k1"));
    assert_int_equal(r->status, 201);
    member(text, sizeof(text), r->text, "\"token\":\"");
    has(r->text, "\"roles\":[\"host\",\"merchandiser\"]");
    assert_int_equal(tg_registry_token_check(r->registry, WALL_US, text, strlen(text), &info),
                     TG_OK);
    has(turn(r, token_of(r, "k1")), "\"token\":null"); /* a repeat does not know it any more */
    req = token_of(r, "k2");
    req->flag = true;
    turn(r, req);
    assert_int_equal(r->status, 400); /* a stream key needs its show */
    req = req_of(r, TG_SALE_TOKEN_REVOKE, "s1", TG_ROLE_ADMIN);
    tg_str_cut(req->key, sizeof(req->key), info.id);
    turn(r, req);
    assert_int_equal(r->status, 204);
    assert_int_equal(tg_registry_token_check(r->registry, WALL_US, text, strlen(text), &info),
                     TG_ERR_AUTH);
    rig_close(r);
}

static tg_err must_agree(void *ctx, const struct tg_audit_row *row)
{
    struct rig *r = ctx;
    char why[160];

    if (!tg_shop_audit(tg_sale_shop(r->sale), row, why))
        fail_msg("%s: %s", row->sku, why);
    return TG_OK;
}

/* Memory against the disk, as the sale thread does it, and the disk against itself. */
static void audit(struct rig *r)
{
    turn(r, req_of(r, TG_SALE_STOCK_AUDIT, "s1", TG_ROLE_ADMIN));
    has(r->text, "\"ok\":true");
    assert_int_equal(r->store->ops->audit(r->store, must_agree, r), TG_OK);
}

static void test_audit_is_clean_after_trade(void **state)
{
    struct rig *r = rig_open(true, true);

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 3));
    turn(r, req_of(r, TG_SALE_STOCK_AUDIT, "s1", TG_ROLE_ADMIN));
    assert_int_equal(r->status, 200);
    has(r->text, "{\"differences\":[],\"ok\":true,\"difference_count\":0}");
    audit(r);
    turn(r, req_of(r, TG_SALE_STOCK_AUDIT, "pA", TG_ROLE_VIEWER));
    assert_int_equal(r->status, 403);
    rig_close(r);
}

static void test_audit_compares_memory_with_the_disk_above_a_sku(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_sale_req *req = req_of(r, TG_SALE_STOCK_AUDIT, "s1", TG_ROLE_ADMIN);
    sqlite3 *raw = NULL;

    (void)state;
    assert_int_equal(sqlite3_open(r->path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw,
                                  "UPDATE stock SET on_hand = on_hand + 1"
                                  " WHERE sku = 'MUG-RED'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
    turn(r, req);
    has(r->text, "{\"differences\":[{\"sku\":\"MUG-RED\",\"problem\":\"on hand: memory says ");
    has(r->text, "\"ok\":false,\"difference_count\":1}");
    req = req_of(r, TG_SALE_STOCK_AUDIT, "s1", TG_ROLE_ADMIN);
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    turn(r, req);
    has(r->text, "\"difference_count\":0}");
    rig_close(r);
}

static void test_boot_makes_shows_and_tokens(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_boot_token want = {.roles = TG_ROLE_HOST,
                                 .publish_only = true,
                                 .expires_wall_us = TG_US_NEVER,
                                 .label = "demo"};
    struct tg_show_info show;
    struct tg_token_info info;
    char text[TG_TOKEN_SIZE];

    (void)state;
    assert_int_equal(tg_sale_boot_show(r->sale, r->now, "demo", "Demo", true, &show), TG_OK);
    assert_int_equal(tg_sale_boot_show(r->sale, r->now, "demo", "Demo", true, &show),
                     TG_ERR_CONFLICT);
    want.show = show.ord;
    assert_int_equal(tg_sale_boot_token(r->sale, r->now, &want, text), TG_OK);
    assert_int_equal(tg_registry_token_check(r->registry, WALL_US, text, strlen(text), &info),
                     TG_OK);
    assert_int_equal(tg_sale_boot_revoke(r->sale, r->now, "other"), TG_OK);
    assert_int_equal(tg_registry_token_check(r->registry, WALL_US, text, strlen(text), &info),
                     TG_OK);
    assert_int_equal(tg_sale_boot_revoke(r->sale, r->now, "demo"), TG_OK);
    assert_int_equal(tg_registry_token_check(r->registry, WALL_US, text, strlen(text), &info),
                     TG_ERR_AUTH);
    rig_close(r);
}

/* --- when the disk or memory refuses --- */

static void test_full_disk_answers_busy_and_forgets(void **state)
{
    struct rig *r = rig_open(true, true);
    void *msgs[2];

    (void)state;
    for (long n = 1; n < 12; n++) {
        char id[16];

        tg_str_printf(id, sizeof(id), "b%ld", n);
        r->faulty.fault = TG_FAULT_REFUSE;
        r->faulty.fail_in = n;
        msgs[0] = line_of(r, TG_OP_BUY, id, "SHEEPSKIN-ONE", 1);
        msgs[1] = line_of(r, TG_OP_BUY, "other", "SHEEPSKIN-ONE", 1);
        if (r->faulty.refused < (unsigned long)(n - 1)) {
            tg_msg_free(msgs[0]);
            tg_msg_free(msgs[1]);
            break; /* the fault came too late for this batch: all its calls were tried */
        }
        tg_sale_turn(r->sale, r->now, msgs, 2);
        take_answers(r);
        if (r->faulty.refused == (unsigned long)n)
            has(r->text, "\"code\":\"busy\"");
    }
    assert_true(r->faulty.refused > 5);
    r->faulty.fail_in = -1;
    audit(r);
    rig_close(r);
}

static void test_show_state_survives_a_full_disk(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_show_info show;
    struct tg_sale_req *req;

    (void)state;
    assert_int_equal(tg_sale_boot_show(r->sale, r->now, "winter", "Winter", false, &show), TG_OK);
    req = req_of(r, TG_SALE_SHOW_STATE, "", 0);
    req->show = show.ord;
    req->number = TG_SHOW_LIVE;
    r->faulty.fault = TG_FAULT_REFUSE;
    r->faulty.fail_in = 1; /* begin */
    turn(r, req);
    assert_int_equal(r->faulty.refused, 1);
    assert_int_equal(tg_registry_show_at(r->registry, show.ord, &show), TG_OK);
    assert_int_equal(show.state, TG_SHOW_SCHEDULED); /* as on disk */
    assert_int_equal(tg_sale_deadline(r->sale), r->now.mono + TG_US_PER_S);
    r->now.mono += TG_US_PER_S;
    tg_sale_turn(r->sale, r->now, NULL, 0); /* nobody asked again */
    assert_int_equal(tg_registry_show_at(r->registry, show.ord, &show), TG_OK);
    assert_int_equal(show.state, TG_SHOW_LIVE);
    assert_int_equal(tg_sale_deadline(r->sale), TG_US_NEVER);
    rig_close(r);
}

static void test_batch_without_memory_is_undone(void **state)
{
    struct rig *r = rig_open(true, true);

    (void)state;
    for (long n = 0;; n++) {
        char id[16];
        struct tg_sale_req *req;

        tg_str_printf(id, sizeof(id), "b%ld", n);
        req = line_of(r, TG_OP_BUY, id, "MUG-RED", 1);
        tg_alloc_fail_nth(n);
        turn(r, req);
        if (!tg_alloc_failed())
            break;
        tg_alloc_fail_nth(-1);
        audit(r);
    }
    tg_alloc_fail_nth(-1);
    has(r->text, "\"ok\":true,\"order\"");
    rig_close(r);
}

/* --- the read thread --- */

static const char *ask(struct rig *r, struct tg_reader *reader, enum tg_read_what what,
                       const char *person, uint32_t roles, const char *key)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web[0]};
    req->show = 2;
    req->limit = 1;
    req->who.roles = roles;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    tg_str_cut(req->key, sizeof(req->key), key);
    tg_reader_turn(reader, req);
    take_answers(r);
    return r->text;
}

static const char *page(struct rig *r, struct tg_reader *reader, enum tg_read_what what,
                        const char *cursor)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web[0]};
    req->limit = 1;
    tg_str_cut(req->who.id, sizeof(req->who.id), "pA");
    tg_str_cut(req->cursor, sizeof(req->cursor), cursor);
    tg_reader_turn(reader, req);
    take_answers(r);
    return r->text;
}

static void test_reader_answers_pages(void **state)
{
    struct rig *r = rig_open(true, true);
    struct tg_reader_cfg cfg = {.db = {.url = r->path}, .allow_sandbox = true};
    struct tg_reader *reader = NULL;
    char why[256] = "";
    char payment[TG_PAYMENT_ID_SIZE];
    char order[TG_UUID_SIZE];

    (void)state;
    turn(r, line_of(r, TG_OP_BUY, "b1", "MUG-RED", 1));
    member(payment, sizeof(payment), r->text, "/pay/sandbox/");
    member(order, sizeof(order), r->text, "\"order\":{\"id\":\"");
    turn(r, line_of(r, TG_OP_BUY, "b2", "MUG-RED", 1));
    assert_int_equal(tg_reader_new(&reader, &cfg, why), TG_OK);
    has(ask(r, reader, TG_READ_MY_ORDERS, "pA", TG_ROLE_VIEWER, ""), "\"number\":1002");
    has(r->text, "\"next\":\"bzEwMDI\"}"); /* "o1002" */
    has(page(r, reader, TG_READ_MY_ORDERS, "bzEwMDI"), "\"number\":1001");
    has(r->text, "\"next\":null");
    (void)page(r, reader, TG_READ_MY_ORDERS, "1002");
    assert_int_equal(r->status, 400);
    has(r->text, "\"field\":\"cursor\"");
    (void)page(r, reader, TG_READ_PRODUCTS, "bzEwMDI"); /* of another list */
    assert_int_equal(r->status, 400);
    has(ask(r, reader, TG_READ_MY_ORDERS, "pB", TG_ROLE_VIEWER, ""),
        "{\"orders\":[],\"next\":null}");
    has(ask(r, reader, TG_READ_ORDER, "pA", TG_ROLE_VIEWER, order), "\"pay_url\"");
    (void)ask(r, reader, TG_READ_ORDER, "pB", TG_ROLE_VIEWER, order);
    assert_int_equal(r->status, 404);
    has(ask(r, reader, TG_READ_ORDER, "s1", TG_ROLE_ADMIN, order), "\"person\":\"pA\"");
    has(ask(r, reader, TG_READ_PAYMENT, "", TG_ROLE_VIEWER, payment),
        "\"amount\":{\"amount\":14900,\"currency\":\"NOK\"}");
    (void)ask(r, reader, TG_READ_ORDERS, "pA", TG_ROLE_VIEWER, "");
    assert_int_equal(r->status, 403);
    has(ask(r, reader, TG_READ_PRODUCTS, "pA", TG_ROLE_VIEWER, ""), "\"stock\":\"many\"");
    has(ask(r, reader, TG_READ_TOKENS, "s1", TG_ROLE_ADMIN, ""), "{\"tokens\":[],\"next\":null}");
    has(ask(r, reader, TG_READ_REPORT, "s1", TG_ROLE_HOST, "demo"),
        "\"awaiting_payment\":{\"orders\":2,\"units\":2,\"buyers\":1");
    tg_reader_free(reader);
    rig_close(r);
}

/* --- the thread --- */

static void test_thread_starts_and_stops_many_times(void **state)
{
    struct rig *r = rig_open(true, true);

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct tg_sale_cfg cfg = {
            .store = r->store, .live = r->live, .web = r->web, .web_count = 2};
        struct tg_registry *reg = NULL;
        struct tg_sale *sale = NULL;
        struct tg_reader_cfg rcfg = {.db = {.url = r->path}};
        struct tg_reader *reader = NULL;
        char why[256];

        assert_int_equal(tg_registry_new(&reg), TG_OK);
        cfg.registry = reg;
        assert_int_equal(tg_sale_new(&sale, &cfg, r->now), TG_OK);
        assert_int_equal(tg_sale_start(sale), TG_OK);
        assert_int_equal(tg_reader_new(&reader, &rcfg, why), TG_OK);
        assert_int_equal(tg_reader_start(reader), TG_OK);
        tg_reader_stop(reader);
        tg_reader_free(reader);
        tg_sale_stop(sale);
        tg_sale_free(sale);
        tg_registry_free(reg);
    }
    rig_close(r);
}

enum { BURST = 10000, UNITS = 500, SOCKETS = 200 };

static void count_answers(struct rig *r, size_t *sold, size_t *refused)
{
    void *msg;

    while (tg_mailbox_take(r->web[0], &msg, 1) == 1) {
        const struct tg_web_send *send = msg;

        if (send->head.kind == TG_MSG_WEB_SEND) {
            const char *text = (const char *)send->json->data;

            *sold += memmem(text, send->json->len, "\"ok\":true", 9) != NULL;
            *refused += memmem(text, send->json->len, "\"sold_out\"", 10) != NULL;
        }
        tg_msg_free(msg);
    }
}

static void test_burst_of_10000_buys_sells_exactly_500(void **state)
{
    struct rig *r = rig_open(true, false);
    struct tg_sale_req *stock = req_of(r, TG_SALE_OP, "s1", TG_ROLE_ADMIN);
    size_t sold = 0;
    size_t refused = 0;

    (void)state;
    stock->op.kind = TG_OP_STOCK;
    stock->op.u.stock.absolute = true;
    stock->op.u.stock.value = UNITS;
    tg_str_cut(stock->op.u.stock.sku, sizeof(stock->op.u.stock.sku), "MUG-WHITE");
    has(turn(r, stock), "\"available\":500");
    assert_int_equal(tg_sale_start(r->sale), TG_OK);
    for (unsigned i = 0; i < BURST; i++) {
        char id[16];
        struct tg_sale_req *req;

        tg_str_printf(id, sizeof(id), "b%u", i / SOCKETS);
        req = line_of(r, TG_OP_BUY, id, "MUG-WHITE", 1);
        tg_str_printf(req->who.id, sizeof(req->who.id), "p%u", i % SOCKETS);
        assert_int_equal(tg_mailbox_post(tg_sale_mailbox(r->sale), req), TG_OK);
    }
    tg_sale_stop(r->sale);
    count_answers(r, &sold, &refused);
    assert_int_equal(sold, UNITS);
    assert_int_equal(refused, BURST - UNITS);
    assert_int_equal(tg_shop_order_count(tg_sale_shop(r->sale)), UNITS);
    audit(r);
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buy_is_answered_with_the_order),
        cmocka_unit_test(test_same_id_gets_the_same_answer_and_no_second_order),
        cmocka_unit_test(test_refusals_say_what_is_true_now),
        cmocka_unit_test(test_staff_operations_need_the_role),
        cmocka_unit_test(test_staff_of_one_show_leave_the_whole_shop_alone),
        cmocka_unit_test(test_join_goes_to_live_with_the_cart),
        cmocka_unit_test(test_join_without_disk_is_answered_by_live_alone),
        cmocka_unit_test(test_staff_of_one_show_leave_other_shows_orders_alone),
        cmocka_unit_test(test_everybody_hears_of_a_sale_once_a_batch),
        cmocka_unit_test(test_unpaid_order_expires_and_the_buyer_hears_it),
        cmocka_unit_test(test_declined_payment_may_be_tried_again),
        cmocka_unit_test(test_payment_after_the_time_claims_what_is_still_there),
        cmocka_unit_test(test_without_the_sandbox_nothing_can_be_paid_by_it),
        cmocka_unit_test(test_orders_are_changed_by_those_who_may),
        cmocka_unit_test(test_provider_news_are_taken_once),
        cmocka_unit_test(test_http_key_in_flight_repeat_and_other_body),
        cmocka_unit_test(test_http_key_is_free_after_a_lost_batch),
        cmocka_unit_test(test_cart_merge_over_http),
        cmocka_unit_test(test_show_is_made_once_and_announced),
        cmocka_unit_test(test_token_is_given_once_and_revoked_at_once),
        cmocka_unit_test(test_audit_is_clean_after_trade),
        cmocka_unit_test(test_audit_compares_memory_with_the_disk_above_a_sku),
        cmocka_unit_test(test_boot_makes_shows_and_tokens),
        cmocka_unit_test(test_full_disk_answers_busy_and_forgets),
        cmocka_unit_test(test_show_state_survives_a_full_disk),
        cmocka_unit_test(test_batch_without_memory_is_undone),
        cmocka_unit_test(test_reader_answers_pages),
        cmocka_unit_test(test_thread_starts_and_stops_many_times),
        cmocka_unit_test(test_burst_of_10000_buys_sells_exactly_500),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
