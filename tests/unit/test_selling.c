/*
 * test_selling.c - rules, waiting list, comments and staff sale through the sale thread's turn, on
 * a database.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale.h"
#include "shop/waiting.h"
#include "store/read.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

enum { SLOT = 9, ADVANCE_S = 10 };

struct rig {
    char dir[64];
    char path[96];
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *live;
    struct tg_mailbox *web;
    struct tg_sale *sale;
    struct tg_shop_now now;
    struct tg_show_info show;
    char text[8192];  /* of the last answer; "" = none */
    char event[8192]; /* of the last event to a person */
    char person[TG_PERSON_SIZE];
    char selling[8192]; /* what live was told last; "" = nothing */
    bool comments;
};

static void start(struct rig *r)
{
    struct tg_db_cfg cfg = {.url = r->path, .fast = true};
    struct tg_sale_cfg sale = {.web_count = 1, .allow_sandbox = true};
    char why[256] = "";

    assert_int_equal(tg_store_new(&r->store, &cfg, why), TG_OK);
    assert_int_equal(tg_demo_seed(r->store, WALL_US), TG_OK);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    sale.store = r->store;
    sale.registry = r->registry;
    sale.live = r->live;
    sale.web = &r->web;
    assert_int_equal(tg_sale_new(&r->sale, &sale, r->now), TG_OK);
}

static void stop(struct rig *r)
{
    tg_sale_free(r->sale);
    tg_registry_free(r->registry);
    tg_store_free(r->store);
}

static struct rig *rig_open(void)
{
    struct rig *r = tg_calloc(1, sizeof(*r));

    assert_non_null(r);
    tg_log_set_level(TG_LOG_ERROR);
    r->now = (struct tg_shop_now){.mono = (tg_us)1000 * TG_US_PER_S, .wall = WALL_US};
    tg_str_printf(r->dir, sizeof(r->dir), "/tmp/torg-selling-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    tg_str_printf(r->path, sizeof(r->path), "%s/shop.db", r->dir);
    assert_int_equal(tg_mailbox_new(&r->live, TG_MB_LIVE, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->web, TG_MB_WEB, tg_msg_free), TG_OK);
    start(r);
    assert_int_equal(tg_sale_boot_show(r->sale, r->now, "s", "Show", false, &r->show), TG_OK);
    return r;
}

static void rig_close(struct rig *r)
{
    static const char *const tails[] = {"shop.db", "shop.db-wal", "shop.db-shm"};
    char path[128];

    stop(r);
    tg_mailbox_free(r->live);
    tg_mailbox_free(r->web);
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s/%s", r->dir, tails[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(r->dir), 0);
    tg_free(r);
}

static void keep(char *out, size_t size, const struct tg_slab *slab)
{
    if (slab != NULL)
        assert_int_equal(tg_str_copy(out, size, (const char *)slab->data, slab->len), TG_OK);
}

static void listen(struct rig *r)
{
    void *msg;

    r->text[0] = '\0';
    r->event[0] = '\0';
    r->selling[0] = '\0';
    while (tg_mailbox_take(r->web, &msg, 1) == 1) {
        const struct tg_msg *head = msg;
        const struct tg_web_person *person = msg;

        if (head->kind == TG_MSG_WEB_SEND)
            keep(r->text, sizeof(r->text), ((struct tg_web_send *)msg)->json);
        else if (head->kind == TG_MSG_WEB_REPLY)
            keep(r->text, sizeof(r->text), ((struct tg_web_reply *)msg)->json);
        else if (head->kind == TG_MSG_WEB_PERSON &&
                 memmem(person->json->data, person->json->len, "\"waiting\"", 9) != NULL) {
            keep(r->event, sizeof(r->event), person->json);
            memcpy(r->person, person->person, sizeof(r->person));
        }
        tg_msg_free(msg);
    }
    while (tg_mailbox_take(r->live, &msg, 1) == 1) {
        const struct tg_live_rules *rules = msg;

        if (rules->head.kind == TG_MSG_LIVE_RULES) {
            keep(r->selling, sizeof(r->selling), rules->event);
            r->comments = rules->comments;
        }
        tg_msg_free(msg);
    }
}

static struct tg_sale_req *req_of(struct rig *r, const char *person, uint32_t roles,
                                  enum tg_op_kind kind, const char *id)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = TG_SALE_OP;
    req->conn = (struct tg_conn){.mb = r->web, .slot = SLOT};
    req->show = r->show.ord;
    req->until_wall_us = -1;
    req->who.roles = roles;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    req->op.kind = kind;
    tg_str_cut(req->op.id, sizeof(req->op.id), id);
    return req;
}

static const char *turn(struct rig *r, struct tg_sale_req *take_req)
{
    void *msgs[1] = {take_req};

    tg_sale_turn(r->sale, r->now, msgs, 1);
    listen(r);
    return r->text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static void allow_all(struct rig *r)
{
    struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_MERCHANDISER, TG_OP_RULES, "");

    req->http = true;
    req->op.u.rules.waiting = true;
    req->op.u.rules.comments = true;
    req->op.u.rules.turn_s = 60;
    turn(r, req);
}

static struct tg_sale_req *buy_of(struct rig *r, const char *person, const char *id,
                                  const char *sku, int32_t qty)
{
    struct tg_sale_req *req = req_of(r, person, TG_ROLE_VIEWER, TG_OP_BUY, id);

    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), sku);
    req->op.u.line.qty = qty;
    req->op.u.line.price = -1;
    req->op.u.line.at = -1;
    return req;
}

static struct tg_sale_req *wait_of(struct rig *r, const char *person, const char *id,
                                   const char *sku)
{
    struct tg_sale_req *req = req_of(r, person, TG_ROLE_VIEWER, TG_OP_WAIT, id);

    tg_str_cut(req->op.u.wait.sku, sizeof(req->op.u.wait.sku), sku);
    req->op.u.wait.qty = 1;
    req->op.u.wait.at = -1;
    return req;
}

static struct tg_sale_req *receive_of(struct rig *r, const char *sku, int32_t units)
{
    struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_MERCHANDISER, TG_OP_STOCK, "");

    tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), sku);
    req->op.u.stock.value = units;
    return req;
}

static struct tg_sale_req *comment_of(struct rig *r, const char *person, const char *id,
                                      const char *text)
{
    struct tg_sale_req *req = req_of(r, person, TG_ROLE_VIEWER, TG_OP_CHAT, id);

    req->what = TG_SALE_COMMENT;
    tg_str_cut(req->op.u.chat.text, sizeof(req->op.u.chat.text), text);
    req->op.u.chat.at = -1;
    return req;
}

static tg_err audit_row(void *ctx, const struct tg_audit_row *row)
{
    struct rig *r = ctx;
    char why[160];

    if (!tg_shop_audit(tg_sale_shop(r->sale), row, why))
        fail_msg("%s: %s", row->sku, why);
    return TG_OK;
}

static void audit(struct rig *r)
{
    assert_int_equal(r->store->ops->audit(r->store, audit_row, r), TG_OK);
}

/* --- rules --- */

static void test_rules_are_set_told_and_kept(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = req_of(r, "pA", TG_ROLE_VIEWER, TG_OP_RULES, "");

    (void)state;
    req->http = true;
    has(turn(r, req), "\"code\":\"forbidden\"");
    allow_all(r);
    has(r->text, "\"waiting\":true,\"comments\":true");
    has(r->text, "\"turn_s\":60");
    has(r->selling, "{\"ev\":\"selling\",\"waiting\":true");
    assert_true(r->comments);
    req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_ITEM, "");
    req->http = true;
    tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), "MUG-RED");
    req->op.u.item.number = 77;
    req->op.u.item.from_ms = -1;
    req->op.u.item.until_ms = 5000;
    has(turn(r, req), "{\"sku\":\"MUG-RED\",\"number\":77,\"from\":null,\"until\":5000");
    has(r->selling, "{\"ev\":\"window\",\"sku\":\"MUG-RED\",\"number\":77");
    stop(r);
    start(r);
    req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_SHOW_LOOK, "");
    req->http = true;
    tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), "MUG-RED");
    has(turn(r, req), "{\"sku\":\"MUG-RED\",\"number\":77,");
    req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_SHOW_LOOK, "");
    req->http = true;
    has(turn(r, req), "\"waiting\":true,\"comments\":true");
    rig_close(r);
}

/* A walk over all items of all shows: once a show and batch, not once an item. */
static void test_what_a_show_sells_is_written_once_a_batch(void **state)
{
    static const char *const skus[] = {"MUG-RED", "MUG-WHITE", "MUG-GREEN"};
    struct rig *r = rig_open();
    void *msgs[TG_ARRAY_LEN(skus)];
    struct tg_slab *json = NULL;
    unsigned told = 0;
    void *msg;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(skus); i++) {
        struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_ITEM, "");

        req->http = true;
        tg_str_printf(req->idempotency, sizeof(req->idempotency), "k%zu", i);
        tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), skus[i]);
        req->op.u.item.from_ms = -1;
        req->op.u.item.until_ms = 5000;
        msgs[i] = req;
    }
    listen(r); /* what was told before */
    tg_sale_turn(r->sale, r->now, msgs, TG_ARRAY_LEN(skus));
    while (tg_mailbox_take(r->live, &msg, 1) == 1) {
        const struct tg_live_rules *rules = msg;

        if (rules->head.kind == TG_MSG_LIVE_RULES) {
            char text[1024] = "";

            told++;
            assert_non_null(rules->event);
            assert_true(json == NULL || json == rules->json);
            if (json == NULL)
                json = tg_slab_ref(rules->json);
            keep(text, sizeof(text), rules->json);
            for (size_t i = 0; i < TG_ARRAY_LEN(skus); i++)
                has(text, skus[i]);
        }
        tg_msg_free(msg);
    }
    assert_int_equal(told, TG_ARRAY_LEN(skus));
    tg_slab_unref(json);
    rig_close(r);
}

static tg_err keep_item(void *ctx, const struct tg_show_item *item)
{
    *(struct tg_show_item *)ctx = *item;
    return TG_OK;
}

/* Whoever lists, changes one thing and puts the rest back must put back everything. */
static void test_the_list_of_items_has_all_of_them(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;
    struct tg_show_item item = {0};
    struct tg_read_db *db = NULL;
    const struct tg_db_cfg cfg = {.url = r->path};
    char why[256] = "";

    (void)state;
    req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_ITEM, "");
    req->http = true;
    tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), "MUG-RED");
    req->op.u.item.number = 77;
    req->op.u.item.units_max = 9;
    req->op.u.item.person_max = 2;
    req->op.u.item.from_ms = 1000;
    req->op.u.item.until_ms = 5000;
    req->op.u.item.show_only = true;
    has(turn(r, req), "\"show_only\":true");
    if (tg_read_db_new(&db, &cfg, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(tg_read_show_items(db, r->show.ord, "", 10, keep_item, &item), TG_OK);
    tg_read_db_free(db);
    assert_string_equal(item.sku, "MUG-RED");
    assert_int_equal(item.number, 77);
    assert_int_equal(item.units_max, 9);
    assert_int_equal(item.person_max, 2);
    assert_int_equal(item.from_ms, 1000);
    assert_int_equal(item.until_ms, 5000);
    assert_true(item.show_only);
    rig_close(r);
}

static void test_window_opens_now_and_counts_the_tap(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_WINDOW, "w1");

    (void)state;
    r->now.mono += (tg_us)ADVANCE_S * TG_US_PER_S;
    tg_str_cut(req->op.u.window.sku, sizeof(req->op.u.window.sku), "MUG-RED");
    req->op.u.window.open = true;
    req->op.u.window.for_s = 5;
    has(turn(r, req), "\"ok\":true,\"item\":{\"sku\":\"MUG-RED\",\"number\":null,\"from\":10000,"
                      "\"until\":15000");
    r->now.mono += (tg_us)7 * TG_US_PER_S;
    has(turn(r, buy_of(r, "pA", "b1", "MUG-RED", 1)), "\"code\":\"closed\"");
    req = buy_of(r, "pA", "b2", "MUG-RED", 1);
    req->op.u.line.at = 14000; /* tapped in time, by a picture three seconds old */
    has(turn(r, req), "\"ok\":true");
    rig_close(r);
}

/* --- waiting --- */

static void test_line_lives_over_a_restart_and_is_audited(void **state)
{
    struct rig *r = rig_open();
    const struct tg_shop *shop;

    (void)state;
    allow_all(r);
    has(turn(r, buy_of(r, "pX", "b1", "SHEEPSKIN-ONE", 1)), "\"ok\":true");
    has(turn(r, wait_of(r, "pA", "w1", "SHEEPSKIN-ONE")),
        "{\"re\":\"w1\",\"ok\":true,\"waiting\":{\"sku\":\"SHEEPSKIN-ONE\",\"state\":\"waiting\","
        "\"place\":1,\"qty\":1,\"until\":null}}");
    has(turn(r, wait_of(r, "pB", "w2", "SHEEPSKIN-ONE")), "\"place\":2");
    turn(r, receive_of(r, "SHEEPSKIN-ONE", 1));
    has(r->event, "{\"ev\":\"waiting\",\"sku\":\"SHEEPSKIN-ONE\",\"state\":\"turn\",\"place\":1,"
                  "\"qty\":1,\"until\":\"2026-");
    assert_string_equal(r->person, "pA");
    audit(r);
    stop(r);
    start(r);
    audit(r);
    shop = tg_sale_shop(r->sale);
    assert_int_equal(tg_shop_waiting(shop, "SHEEPSKIN-ONE"), 2);
    assert_int_equal(tg_shop_waiter(shop, "pA", "SHEEPSKIN-ONE")->offered, 1);
    has(turn(r, wait_of(r, "pA", "w1", "SHEEPSKIN-ONE")), "\"place\":1"); /* the same answer */
    has(turn(r, buy_of(r, "pB", "b2", "SHEEPSKIN-ONE", 1)), "\"code\":\"sold_out\"");
    r->now.mono += (tg_us)60 * TG_US_PER_S;
    r->now.wall += (tg_us)60 * TG_US_PER_S;
    assert_true(tg_sale_deadline(r->sale) <= r->now.mono);
    has(turn(r, buy_of(r, "pB", "b3", "SHEEPSKIN-ONE", 1)), "\"ok\":true"); /* pA's turn is over */
    assert_int_equal(tg_shop_waiting(tg_sale_shop(r->sale), "SHEEPSKIN-ONE"), 0);
    audit(r);
    rig_close(r);
}

static void test_who_joins_learns_what_they_wait_for(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = req_of(r, "pA", TG_ROLE_VIEWER, TG_OP_JOIN, "");
    struct tg_live_join *join = tg_msg_new(TG_MSG_LIVE_JOIN, sizeof(*join));
    void *msgs[1] = {req};
    void *got = NULL;

    (void)state;
    allow_all(r);
    turn(r, buy_of(r, "pX", "b1", "SHEEPSKIN-ONE", 1));
    turn(r, wait_of(r, "pA", "w1", "SHEEPSKIN-ONE"));
    assert_non_null(join);
    tg_str_cut(join->who.id, sizeof(join->who.id), "pA");
    req->what = TG_SALE_JOIN;
    req->join = join;
    tg_sale_turn(r->sale, r->now, msgs, 1);
    assert_int_equal(tg_mailbox_take(r->live, &got, 1), 1);
    assert_ptr_equal(got, join);
    assert_non_null(join->waiting_json);
    assert_non_null(memmem(join->waiting_json->data, join->waiting_json->len, "\"place\":1", 9));
    tg_msg_free(got);
    rig_close(r);
}

/* --- comments --- */

static void test_comment_buys_once_and_is_told(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    assert_string_equal(turn(r, comment_of(r, "pA", "c1", "shop 1 x2 red")), ""); /* not here */
    allow_all(r);
    assert_string_equal(turn(r, comment_of(r, "pA", "c2", "what a nice mug, 10 of 10")), "");
    turn(r, comment_of(r, "pA", "c3", "shop 1"));
    has(r->text, "{\"ev\":\"comment\",\"id\":\"c3\",\"ok\":false,\"code\":\"bad_request\"");
    has(r->text, "\"choices\":[{\"sku\":\"");
    assert_int_equal(tg_shop_order_count(tg_sale_shop(r->sale)), 0);
    rig_close(r);
}

static void number_the_mug(struct rig *r)
{
    struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_HOST, TG_OP_ITEM, "");

    req->http = true;
    tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), "MUG-RED");
    req->op.u.item.number = 55;
    req->op.u.item.from_ms = -1;
    req->op.u.item.until_ms = -1;
    turn(r, req);
}

static void test_comment_repeats_and_is_undone(void **state)
{
    struct rig *r = rig_open();
    static char first[8192];

    (void)state;
    allow_all(r);
    number_the_mug(r);
    turn(r, comment_of(r, "pA", "c1", "KJ\xc3\x98P 55 x2"));
    has(r->text, "{\"ev\":\"comment\",\"id\":\"c1\",\"ok\":true,\"order\":{");
    has(r->text, "\"qty\":2");
    memcpy(first, r->text, sizeof(first));
    assert_string_equal(turn(r, comment_of(r, "pA", "c1", "KJ\xc3\x98P 55 x2")), first);
    assert_int_equal(tg_shop_order_count(tg_sale_shop(r->sale)), 1);
    has(turn(r, comment_of(r, "pB", "c9", "angre")), "\"code\":\"not_found\"");
    turn(r, comment_of(r, "pA", "c2", "angre"));
    has(r->text, "\"id\":\"c2\",\"ok\":true,\"order\":{");
    has(r->text, "\"state\":\"cancelled\"");
    has(turn(r, comment_of(r, "pA", "c3", "undo")), "\"code\":\"not_found\"");
    audit(r);
    rig_close(r);
}

static void test_undo_finds_what_another_server_took(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    allow_all(r);
    number_the_mug(r);
    turn(r, comment_of(r, "pA", "c1", "shop 55"));
    turn(r, comment_of(r, "pA", "c2", "shop 55 x2"));
    /* As after another node's touch. */
    tg_shop_forget_order((struct tg_shop *)(uintptr_t)tg_sale_shop(r->sale), NULL);
    turn(r, comment_of(r, "pA", "c3", "angre"));
    has(r->text, "\"id\":\"c3\",\"ok\":true,\"order\":{");
    has(r->text, "\"qty\":2");
    stop(r);
    start(r);
    has(turn(r, comment_of(r, "pA", "c4", "angre")), "\"state\":\"cancelled\"");
    has(turn(r, comment_of(r, "pA", "c5", "angre")), "\"code\":\"not_found\"");
    audit(r);
    rig_close(r);
}

/* --- staff sale --- */

static struct tg_sale_req *sell_of(struct rig *r, uint32_t roles, const char *id,
                                   const char *person)
{
    struct tg_sale_req *req = req_of(r, "s1", roles, TG_OP_SELL, id);

    tg_str_cut(req->op.u.sell.sku, sizeof(req->op.u.sell.sku), "MUG-RED");
    req->op.u.sell.qty = 1;
    req->op.u.sell.price = -1;
    tg_str_cut(req->op.u.sell.name, sizeof(req->op.u.sell.name), "Ola by phone");
    tg_str_cut(req->op.u.sell.person, sizeof(req->op.u.sell.person), person);
    return req;
}

static void test_staff_sell_for_somebody(void **state)
{
    struct rig *r = rig_open();
    static char first[8192];
    const struct tg_order *order;
    size_t cursor = 0;

    (void)state;
    has(turn(r, sell_of(r, TG_ROLE_HOST, "s1", "")), "\"code\":\"forbidden\"");
    turn(r, sell_of(r, TG_ROLE_MERCHANDISER, "s2", ""));
    has(r->text, "{\"re\":\"s2\",\"ok\":true,\"order\":{");
    has(r->text, "\"pay_url\":\"/pay/sandbox/");
    memcpy(first, r->text, sizeof(first));
    /* The key is the seller's, whoever the buyer came to be. */
    assert_string_equal(turn(r, sell_of(r, TG_ROLE_MERCHANDISER, "s2", "")), first);
    assert_int_equal(tg_shop_order_count(tg_sale_shop(r->sale)), 1);
    order = tg_shop_order_each(tg_sale_shop(r->sale), &cursor);
    assert_int_equal(order->channel, TG_CHANNEL_STAFF);
    assert_int_equal(order->person[0], 'p');
    assert_int_equal(strlen(order->person), 23);
    assert_string_equal(order->name, "Ola by phone");
    turn(r, sell_of(r, TG_ROLE_MERCHANDISER, "s3", "pKnown"));
    has(r->text, "\"ok\":true");
    audit(r);
    rig_close(r);
}

/* The last event to a person that says this. */
static void told(struct rig *r, const char *what)
{
    void *msg;

    r->event[0] = '\0';
    while (tg_mailbox_take(r->web, &msg, 1) == 1) {
        const struct tg_web_person *event = msg;

        if (event->head.kind == TG_MSG_WEB_PERSON &&
            memmem(event->json->data, event->json->len, what, strlen(what)) != NULL) {
            keep(r->event, sizeof(r->event), event->json);
            memcpy(r->person, event->person, sizeof(r->person));
        }
        tg_msg_free(msg);
    }
}

static void reads_in(struct rig *r, const char *person, const char *lang)
{
    struct tg_sale_req *req = req_of(r, person, TG_ROLE_VIEWER, TG_OP_BUY, "");

    req->what = TG_SALE_JOIN;
    tg_str_cut(req->who.lang, sizeof(req->who.lang), lang);
    turn(r, req);
}

static void test_staff_sale_is_told_in_the_buyers_language(void **state)
{
    static const struct tg_text texts[] = {
        {.lang = "nb", .title = "Krus", .description = "", .options = "{}"},
        {.lang = "sv", .title = "Mugg", .description = "", .options = "{}"}};
    struct rig *r = rig_open();
    struct tg_shop *shop = (struct tg_shop *)(uintptr_t)tg_sale_shop(r->sale);
    struct tg_sale_req *req = sell_of(r, TG_ROLE_MERCHANDISER, "s1", "pKnown");
    struct tg_langs *langs = NULL;
    void *msgs[1] = {req};

    (void)state;
    assert_int_equal(tg_langs_new(&langs, texts, 2), TG_OK);
    tg_shop_put_texts(shop, tg_shop_variant(shop, "MUG-RED")->product->id, langs);
    reads_in(r, "pKnown", "sv");
    tg_str_cut(req->who.lang, sizeof(req->who.lang), "nb");
    tg_sale_turn(r->sale, r->now, msgs, 1);
    told(r, "\"order\"");
    assert_string_equal(r->person, "pKnown");
    has(r->event, "\"title\":\"Mugg\"");
    /* Who buys in a language hears it in that one. */
    msgs[0] = req = buy_of(r, "pKnown", "b1", "MUG-RED", 1);
    tg_str_cut(req->who.lang, sizeof(req->who.lang), "nb");
    tg_sale_turn(r->sale, r->now, msgs, 1);
    told(r, "\"order\"");
    has(r->event, "\"title\":\"Krus\"");
    rig_close(r);
}

static void test_cart_event_says_nothing_of_one_show(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_MERCHANDISER, TG_OP_ITEM, "");
    void *msgs[1];

    (void)state;
    req->http = true;
    tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), "MUG-RED");
    req->op.u.item.person_max = 2;
    req->op.u.item.from_ms = -1;
    req->op.u.item.until_ms = -1;
    turn(r, req);
    req = buy_of(r, "pA", "c1", "MUG-RED", 1);
    req->op.kind = TG_OP_CART_SET;
    has(turn(r, req), "\"limit\":2"); /* its answer does */
    req = buy_of(r, "pA", "c2", "MUG-RED", 2);
    req->op.kind = TG_OP_CART_SET;
    msgs[0] = req;
    tg_sale_turn(r->sale, r->now, msgs, 1);
    told(r, "\"ev\":\"cart\"");
    has(r->event, "\"sku\":\"MUG-RED\"");
    assert_null(strstr(r->event, "\"limit\":"));
    rig_close(r);
}

static bool woken(struct tg_mailbox *mb)
{
    struct pollfd p = {.fd = tg_mailbox_fd(mb), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static struct tg_sale_req *body_of(struct rig *r, enum tg_sale_what what, const char *key,
                                   const char *body)
{
    struct tg_sale_req *req = req_of(r, "s1", TG_ROLE_MERCHANDISER, TG_OP_RULES, "");

    req->what = what;
    req->http = true;
    req->show = UINT16_MAX;
    req->conn.mb = NULL;
    tg_str_cut(req->key, sizeof(req->key), key);
    req->body = tg_slab_copy(body, strlen(body));
    return req;
}

/* Counted by the catalogue's work, after the batch: whoever gets a turn of it is woken. */
static void test_turn_by_the_catalogue_wakes_the_pages(void **state)
{
    struct rig *r = rig_open();
    void *msgs[1];

    (void)state;
    allow_all(r);
    turn(r, body_of(r, TG_SALE_PRODUCT_NEW, "",
                    "{\"id\":\"lamp\",\"title\":\"Lamp\",\"variants\":[{\"sku\":\"LAMP\","
                    "\"price\":100}]}"));
    assert_non_null(tg_shop_variant(tg_sale_shop(r->sale), "LAMP"));
    has(turn(r, wait_of(r, "pA", "w1", "LAMP")), "\"ok\":true");
    assert_false(woken(r->web));
    msgs[0] = body_of(r, TG_SALE_VARIANT_SET, "LAMP", "{\"stock\":3}");
    tg_sale_turn(r->sale, r->now, msgs, 1);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "LAMP")->stock.on_hand, 3);
    assert_true(woken(r->web));
    listen(r);
    has(r->event, "\"state\":\"turn\"");
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_are_set_told_and_kept),
        cmocka_unit_test(test_what_a_show_sells_is_written_once_a_batch),
        cmocka_unit_test(test_staff_sale_is_told_in_the_buyers_language),
        cmocka_unit_test(test_cart_event_says_nothing_of_one_show),
        cmocka_unit_test(test_turn_by_the_catalogue_wakes_the_pages),
        cmocka_unit_test(test_the_list_of_items_has_all_of_them),
        cmocka_unit_test(test_window_opens_now_and_counts_the_tap),
        cmocka_unit_test(test_line_lives_over_a_restart_and_is_audited),
        cmocka_unit_test(test_who_joins_learns_what_they_wait_for),
        cmocka_unit_test(test_comment_buys_once_and_is_told),
        cmocka_unit_test(test_comment_repeats_and_is_undone),
        cmocka_unit_test(test_undo_finds_what_another_server_took),
        cmocka_unit_test(test_staff_sell_for_somebody),
    };

    return cmocka_run_group_tests_name("selling", tests, NULL, NULL);
}
