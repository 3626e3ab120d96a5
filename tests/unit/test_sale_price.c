/*
 * test_sale_price.c - prices and codes through the sale thread's turn, the SQLite store and the
 * reader: who may, what is answered, and that all of it is there again after a restart.
 */
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
#include "base/str.h"
#include "msg/web.h"
#include "sale/reader.h"
#include "sale/sale.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)
#define MINUTE_US ((tg_us)60 * TG_US_PER_S)

struct rig {
    char dir[64];
    char path[96];
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_sale *sale;
    struct tg_reader *reader;
    struct tg_mailbox *web;
    struct tg_shop_now now;
    int status;
    char etag[40];
    char text[65536];
};

static void start(struct rig *r)
{
    const struct tg_db_cfg db = {.url = r->path, .fast = true};
    struct tg_sale_cfg sale = {.allow_sandbox = true, .taxes = tg_taxes_norway};
    const struct tg_reader_cfg reader = {.db = {.url = r->path}, .taxes = &tg_taxes_norway};
    char why[256];

    assert_int_equal(tg_store_new(&r->store, &db, why), TG_OK);
    assert_int_equal(tg_demo_seed(r->store, WALL_US), TG_OK);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    sale.store = r->store;
    sale.registry = r->registry;
    sale.web = &r->web;
    sale.web_count = 1;
    assert_int_equal(tg_sale_new(&r->sale, &sale, r->now), TG_OK);
    assert_int_equal(tg_reader_new(&r->reader, &reader, why), TG_OK);
}

static void stop(struct rig *r)
{
    tg_reader_free(r->reader);
    tg_sale_free(r->sale);
    tg_registry_free(r->registry);
    tg_store_free(r->store);
}

static struct rig *rig_open(void)
{
    struct rig *r = tg_calloc(1, sizeof(*r));

    assert_non_null(r);
    r->now = (struct tg_shop_now){.mono = 1000, .wall = WALL_US};
    tg_str_cut(r->dir, sizeof(r->dir), "/tmp/torg-price-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    tg_str_printf(r->path, sizeof(r->path), "%s/shop.db", r->dir);
    assert_int_equal(tg_mailbox_new(&r->web, TG_MB_WEB, tg_msg_free), TG_OK);
    start(r);
    return r;
}

static void rig_close(struct rig *r)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[128];

    stop(r);
    tg_mailbox_free(r->web);
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s%s", r->path, tails[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(r->dir), 0);
    tg_free(r);
}

static void restart(struct rig *r)
{
    stop(r);
    start(r);
}

/* The last answer to a request; events to people are dropped. */
static void take_answer(struct rig *r)
{
    void *msg;

    r->text[0] = '\0';
    while (tg_mailbox_take(r->web, &msg, 1) == 1) {
        const struct tg_msg *head = msg;
        const struct tg_slab *json = NULL;

        if (head->kind == TG_MSG_WEB_SEND)
            json = ((struct tg_web_send *)msg)->json;
        if (head->kind == TG_MSG_WEB_REPLY) {
            json = ((struct tg_web_reply *)msg)->json;
            r->status = ((struct tg_web_reply *)msg)->status;
            memcpy(r->etag, ((struct tg_web_reply *)msg)->etag, sizeof(r->etag));
        }
        if (json != NULL)
            assert_int_equal(
                tg_str_copy(r->text, sizeof(r->text), (const char *)json->data, json->len), TG_OK);
        tg_msg_free(msg);
    }
}

static struct tg_sale_req *req_of(struct rig *r, enum tg_sale_what what, const char *person,
                                  uint32_t roles)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web, .slot = 9};
    req->http = what != TG_SALE_OP;
    req->show = UINT16_MAX;
    req->until_wall_us = -1;
    req->who.roles = roles;
    req->price.amount = -2;
    req->price.compare_at = -2;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    return req;
}

static void turn(struct rig *r, struct tg_sale_req *take_req)
{
    void *msgs[] = {take_req};

    tg_sale_turn(r->sale, r->now, msgs, take_req == NULL ? 0 : 1);
    take_answer(r);
}

static void has(const struct rig *r, const char *part)
{
    if (strstr(r->text, part) == NULL)
        fail_msg("%s\nis not in\n%s", part, r->text);
}

static struct tg_sale_req *code_of(struct rig *r, enum tg_sale_what what, uint32_t roles,
                                   const char *code, int32_t bp)
{
    struct tg_sale_req *req = req_of(r, what, "s1", roles);

    req->code = tg_code_def_new(1, 0);
    assert_non_null(req->code);
    tg_str_cut(req->code->skus[0], sizeof(req->code->skus[0]), "MUG-RED");
    tg_str_cut(req->code->code, sizeof(req->code->code), code);
    req->code->percent = true;
    req->code->bp = bp;
    req->code->person_max = 1;
    return req;
}

static int op_count;

static void buy(struct rig *r, const char *person, const char *sku, int32_t qty, const char *code)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_OP, person, TG_ROLE_VIEWER);

    req->op.kind = TG_OP_BUY;
    tg_str_printf(req->op.id, sizeof(req->op.id), "op%d", op_count++);
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), sku);
    tg_str_cut(req->op.u.line.code, sizeof(req->op.u.line.code), code);
    req->op.u.line.qty = qty;
    req->op.u.line.price = -1;
    req->op.u.line.at = -1;
    turn(r, req);
}

static void flash(struct rig *r, const char *sku, int64_t amount, tg_us from, int32_t limit)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_OP, "s1", TG_ROLE_MERCHANDISER);

    req->op.kind = TG_OP_PRICE;
    tg_str_printf(req->op.id, sizeof(req->op.id), "op%d", op_count++);
    tg_str_cut(req->op.u.price.sku, sizeof(req->op.u.price.sku), sku);
    req->op.u.price.amount = amount;
    req->op.u.price.from_wall_us = from;
    req->op.u.price.until_wall_us = -1;
    req->op.u.price.limit = limit;
    turn(r, req);
    has(r, "\"ok\":true");
}

static void read_of(struct rig *r, enum tg_read_what what, const char *key, uint32_t roles)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web, .slot = 9};
    req->limit = 100;
    req->show = UINT16_MAX;
    req->who.roles = roles;
    tg_str_cut(req->key, sizeof(req->key), key);
    tg_reader_turn(r->reader, req);
    take_answer(r);
}

static void test_code_is_made_used_and_known_after_a_restart(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_VIEWER, "summer", 1000));
    assert_int_equal(r->status, 403);
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_HOST | TG_ROLE_MODERATOR, "summer", 1000));
    assert_int_equal(r->status, 403);
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_MERCHANDISER, "summer", 10001));
    assert_int_equal(r->status, 400);
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_MERCHANDISER, "sum mer", 1000));
    assert_int_equal(r->status, 400);
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_MERCHANDISER, "summer", 1000));
    assert_int_equal(r->status, 201);
    has(r, "{\"code\":{\"code\":\"SUMMER\",\"percent_bp\":1000,\"show\":null,"
           "\"skus\":[\"MUG-RED\"],\"person_max\":1,");
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_ADMIN, "SUMMER", 2000));
    assert_int_equal(r->status, 409);
    buy(r, "pA", "MUG-GREEN", 1, "summer");
    has(r, "\"code\":\"not_found\"");
    buy(r, "pA", "MUG-RED", 1, "summer");
    has(r, "\"total\":{\"amount\":13410,\"currency\":\"NOK\"},\"discount\":{\"amount\":1490,"
           "\"currency\":\"NOK\"},\"codes\":[\"SUMMER\"],\"tax\":{\"amount\":2682,");
    restart(r);
    buy(r, "pA", "MUG-RED", 1, "summer");
    has(r, "\"code\":\"limit\""); /* her use is on disk */
    buy(r, "pB", "MUG-RED", 1, "SUMMER");
    has(r, "\"ok\":true");
    read_of(r, TG_READ_CODE, "Summer", TG_ROLE_ADMIN);
    has(r, "\"uses\":2");
    r->now.mono += 11 * MINUTE_US; /* nobody pays: both uses come back */
    r->now.wall += 11 * MINUTE_US;
    turn(r, NULL);
    restart(r);
    read_of(r, TG_READ_CODES, "", TG_ROLE_MERCHANDISER);
    has(r, "\"uses\":0");
    buy(r, "pA", "MUG-RED", 1, "SUMMER");
    has(r, "\"ok\":true");
    rig_close(r);
}

static void pay_last(struct rig *r, const char *payment, const char *id)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_PAY, "x", TG_ROLE_VIEWER);

    tg_str_cut(req->key, sizeof(req->key), payment);
    tg_str_cut(req->idempotency, sizeof(req->idempotency), id);
    req->flag = true;
    turn(r, req);
}

static void payment_of(const struct rig *r, char payment[TG_PAYMENT_ID_SIZE])
{
    const char *at = strstr(r->text, "/pay/sandbox/");

    assert_non_null(at);
    at += strlen("/pay/sandbox/");
    assert_int_equal(tg_str_copy(payment, TG_PAYMENT_ID_SIZE, at, strcspn(at, "\"")), TG_OK);
}

static void test_late_payment_uses_its_code_again_while_it_may(void **state)
{
    struct rig *r = rig_open();
    char first[TG_PAYMENT_ID_SIZE];
    char second[TG_PAYMENT_ID_SIZE];

    (void)state;
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_MERCHANDISER, "once", 1000));
    buy(r, "pA", "MUG-RED", 1, "once");
    payment_of(r, first);
    for (int i = 0; i < 2; i++) {
        r->now.mono += 11 * MINUTE_US;
        r->now.wall += 11 * MINUTE_US;
        turn(r, NULL); /* nobody paid: the use came back */
        restart(r);    /* and this server knows nothing of her */
        if (i == 0) {
            buy(r, "pA", "MUG-RED", 1, "once");
            payment_of(r, second);
        }
    }
    pay_last(r, first, "k1");
    has(r, "\"state\":\"paid\"");
    restart(r);
    pay_last(r, second, "k2"); /* used up by the other order now */
    has(r, "\"title\":");
    assert_int_equal(r->status, 409);
    rig_close(r);
}

static void test_code_is_changed_and_ended(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *end;

    (void)state;
    turn(r, code_of(r, TG_SALE_CODE_SET, TG_ROLE_MERCHANDISER, "VIP", 1000));
    assert_int_equal(r->status, 404);
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_MERCHANDISER, "VIP", 1000));
    turn(r, code_of(r, TG_SALE_CODE_SET, TG_ROLE_MERCHANDISER, "vip", 5000));
    assert_int_equal(r->status, 200);
    restart(r);
    buy(r, "pA", "MUG-RED", 1, "vip");
    has(r, "\"total\":{\"amount\":7450,");
    end = req_of(r, TG_SALE_CODE_END, "pA", TG_ROLE_VIEWER);
    tg_str_cut(end->key, sizeof(end->key), "vip");
    turn(r, end);
    assert_int_equal(r->status, 403);
    end = req_of(r, TG_SALE_CODE_END, "s1", TG_ROLE_MERCHANDISER);
    tg_str_cut(end->key, sizeof(end->key), "vip");
    turn(r, end);
    assert_int_equal(r->status, 204);
    restart(r);
    buy(r, "pB", "MUG-RED", 1, "vip");
    has(r, "\"code\":\"not_found\"");
    read_of(r, TG_READ_CODE, "VIP", TG_ROLE_ADMIN);
    assert_int_equal(r->status, 404);
    read_of(r, TG_READ_CODES, "", TG_ROLE_ADMIN);
    has(r, "{\"codes\":[],\"next\":null}");
    read_of(r, TG_READ_CODES, "", TG_ROLE_CUSTOMER);
    assert_int_equal(r->status, 403);
    rig_close(r);
}

static void test_flash_limit_and_plan_outlive_a_restart(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    flash(r, "MUG-RED", 9900, -1, 5);
    buy(r, "pA", "MUG-RED", 3, "");
    flash(r, "MUG-GREEN", 8800, WALL_US + 5 * MINUTE_US, 4);
    has(r, "\"planned\":{\"price\":{\"amount\":8800,");
    restart(r);
    read_of(r, TG_READ_PRODUCTS, "", TG_ROLE_VIEWER);
    has(r, "\"price\":{\"amount\":9900,\"currency\":\"NOK\"},\"compare_at\":{\"amount\":14900,"
           "\"currency\":\"NOK\"},\"lowest_30d\":{\"amount\":14900,\"currency\":\"NOK\"},"
           "\"left\":2,\"tax_bp\":2500,\"tax\":{\"amount\":1980,\"currency\":\"NOK\"}");
    buy(r, "pB", "MUG-RED", 3, "");
    has(r, "\"code\":\"price_changed\"");
    has(r, "\"prices\":[{\"sku\":\"MUG-RED\",\"price\":{\"amount\":14900,\"currency\":\"NOK\"}}]");
    buy(r, "pB", "MUG-RED", 2, "");
    has(r, "\"total\":{\"amount\":19800,");
    r->now.mono += 6 * MINUTE_US;
    r->now.wall += 6 * MINUTE_US;
    restart(r); /* it was asleep when the plan was due */
    turn(r, NULL);
    buy(r, "pB", "MUG-GREEN", 1, "");
    has(r, "\"total\":{\"amount\":8800,");
    r->now.mono += 11 * MINUTE_US;
    r->now.wall += 11 * MINUTE_US;
    turn(r, NULL); /* the orders expire: the used-up price stays over, the other one has 4 again */
    restart(r);
    assert_int_equal(tg_shop_variant(tg_sale_shop(r->sale), "MUG-RED")->flash, -1);
    assert_int_equal(tg_variant_flash_left(tg_shop_variant(tg_sale_shop(r->sale), "MUG-GREEN")), 4);
    rig_close(r);
}

static void list_price(struct rig *r, const char *sku, int64_t amount, int64_t compare_at)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_MERCHANDISER);

    tg_str_cut(req->key, sizeof(req->key), sku);
    req->price.amount = amount;
    req->price.compare_at = compare_at;
    turn(r, req);
    assert_int_equal(r->status, 200);
}

static void test_lowest_price_after_a_flash_outlives_a_restart(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    list_price(r, "MUG-RED", 12900, 14900);
    r->now.wall += MINUTE_US;
    flash(r, "MUG-RED", 9900, -1, 2);
    r->now.wall += MINUTE_US;
    buy(r, "pA", "MUG-RED", 2, ""); /* its last units end it */
    restart(r);
    read_of(r, TG_READ_PRODUCTS, "", TG_ROLE_VIEWER);
    has(r, "\"price\":{\"amount\":12900,\"currency\":\"NOK\"},\"compare_at\":{\"amount\":14900,"
           "\"currency\":\"NOK\"},\"lowest_30d\":{\"amount\":9900,");
    flash(r, "MUG-RED", 11900, -1, 0);
    has(r, "\"lowest_30d\":{\"amount\":9900,");
    rig_close(r);
}

static void test_flash_that_an_ordinary_price_ended_stays_ended_after_a_restart(void **state)
{
    struct rig *r = rig_open();
    const struct tg_variant *v;

    (void)state;
    flash(r, "MUG-RED", 9900, -1, 5);
    r->now.wall += MINUTE_US;
    list_price(r, "MUG-RED", 8000, -1);
    has(r, "\"price\":{\"amount\":8000,");
    restart(r);
    v = tg_shop_variant(tg_sale_shop(r->sale), "MUG-RED");
    assert_int_equal(v->flash, -1);
    assert_int_equal(v->price, 8000);
    r->now.wall += MINUTE_US;
    list_price(r, "MUG-RED", 14900, -1);
    restart(r);
    flash(r, "MUG-RED", 13900, -1, 0);
    has(r, "\"lowest_30d\":{\"amount\":8000,");
    rig_close(r);
}

static void test_list_price_is_conditional_and_for_staff(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = req_of(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_MERCHANDISER);

    (void)state;
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    turn(r, req); /* only looking */
    assert_int_equal(r->status, 200);
    assert_string_equal(r->etag, "\"p14900_-1\"");
    has(r, "\"ordinary\":{\"amount\":14900,");
    req = req_of(r, TG_SALE_LIST_PRICE, "pA", TG_ROLE_VIEWER);
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    turn(r, req);
    assert_int_equal(r->status, 403);
    req = req_of(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_MERCHANDISER);
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    req->price.amount = 11900;
    req->price.compare_at = 14900;
    tg_str_cut(req->price.if_match, sizeof(req->price.if_match), "\"p1_1\"");
    turn(r, req);
    assert_int_equal(r->status, 412);
    req = req_of(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_MERCHANDISER);
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    req->price.amount = 11900;
    req->price.compare_at = 14900;
    tg_str_cut(req->price.if_match, sizeof(req->price.if_match), "\"p14900_-1\"");
    turn(r, req);
    assert_int_equal(r->status, 200);
    has(r, "\"lowest_30d\":{\"amount\":14900,");
    assert_string_equal(r->etag, "\"p11900_14900\"");
    restart(r);
    read_of(r, TG_READ_PRODUCTS, "", TG_ROLE_VIEWER);
    has(r, "\"price\":{\"amount\":11900,\"currency\":\"NOK\"},\"compare_at\":{\"amount\":14900,"
           "\"currency\":\"NOK\"},\"lowest_30d\":{\"amount\":14900,");
    /* What the past was is known, too: up and down again states the lower price. */
    req = req_of(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_MERCHANDISER);
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    req->price.amount = 14900;
    req->price.compare_at = -1;
    r->now.wall += MINUTE_US;
    turn(r, req);
    restart(r);
    flash(r, "MUG-RED", 13000, -1, 0);
    has(r, "\"lowest_30d\":{\"amount\":11900,");
    rig_close(r);
}

static void test_currency_price_and_quote(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = req_of(r, TG_SALE_LIST_PRICE, "s1", TG_ROLE_ADMIN);

    (void)state;
    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    req->price.amount = 1290;
    tg_str_cut(req->price.currency, sizeof(req->price.currency), "EUR");
    turn(r, req);
    has(r, "\"sku\":\"MUG-RED\",\"price\":{\"amount\":1290,\"currency\":\"EUR\"}");
    turn(r, code_of(r, TG_SALE_CODE_NEW, TG_ROLE_MERCHANDISER, "VIP", 1000));
    restart(r);
    req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);
    req->op.kind = TG_OP_CART_SET;
    tg_str_cut(req->op.id, sizeof(req->op.id), "c1");
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-RED");
    req->op.u.line.qty = 2;
    turn(r, req);
    has(r, "\"tax\":{\"amount\":5960,\"currency\":\"NOK\"}}");
    req = req_of(r, TG_SALE_CART, "pA", TG_ROLE_VIEWER);
    tg_str_cut(req->text, sizeof(req->text), "vip");
    turn(r, req);
    has(r, "\"total\":{\"amount\":26820,\"currency\":\"NOK\"},\"discount\":{\"amount\":2980,"
           "\"currency\":\"NOK\"},\"codes\":[\"VIP\"],\"tax\":{\"amount\":5364,");
    req = req_of(r, TG_SALE_CART, "pA", TG_ROLE_VIEWER);
    tg_str_cut(req->text, sizeof(req->text), "nope");
    turn(r, req);
    has(r, "\"code_error\":{\"code\":\"not_found\",\"message\":\"There is no such code.\"}");
    req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);
    req->op.kind = TG_OP_CHECKOUT;
    tg_str_cut(req->op.id, sizeof(req->op.id), "c1");
    tg_str_cut(req->op.u.checkout.code, sizeof(req->op.u.checkout.code), "vip");
    req->op.u.checkout.at = -1;
    req->op.u.checkout.total_shown = true;
    req->op.u.checkout.total = 26819;
    turn(r, req);
    has(r, "\"code\":\"price_changed\",");
    has(r, "\"total\":{\"amount\":26820,\"currency\":\"NOK\"}");
    req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);
    req->op.kind = TG_OP_CHECKOUT;
    tg_str_cut(req->op.id, sizeof(req->op.id), "c2");
    tg_str_cut(req->op.u.checkout.currency, sizeof(req->op.u.checkout.currency), "EUR");
    req->op.u.checkout.at = -1;
    turn(r, req);
    has(r, "\"total\":{\"amount\":2580,\"currency\":\"EUR\"},\"tax\":{\"amount\":516,");
    rig_close(r);
}

/* A tap two seconds ago by the show's clock, at a price that ended since. */
static void test_price_at_the_tap_by_the_shows_clock(void **state)
{
    struct rig *r = rig_open();
    struct tg_show_info show;

    (void)state;
    assert_int_equal(tg_sale_boot_show(r->sale, r->now, "evening", "Evening", false, &show), TG_OK);
    r->now.mono += MINUTE_US;
    r->now.wall += MINUTE_US;
    flash(r, "MUG-RED", 9900, -1, 0);
    r->now.mono += MINUTE_US;
    r->now.wall += MINUTE_US;
    flash(r, "MUG-RED", -1, -1, 0);
    restart(r); /* what the price was is remembered */
    r->now.mono += TG_US_PER_S;
    r->now.wall += TG_US_PER_S;
    for (int i = 0; i < 2; i++) {
        struct tg_sale_req *req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);

        req->show = show.ord;
        req->op.kind = TG_OP_BUY;
        tg_str_printf(req->op.id, sizeof(req->op.id), "tap%d", i);
        tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-RED");
        req->op.u.line.qty = 1;
        req->op.u.line.price = 9900;
        req->op.u.line.at = 121000 - (i == 0 ? 500 : 2000); /* ms since the show was made */
        turn(r, req);
        has(r, i == 0 ? "\"code\":\"price_changed\"" : "\"total\":{\"amount\":9900,");
    }
    rig_close(r);
}

static void tap(struct rig *r, const struct tg_show_info *show, int id, int64_t back_ms)
{
    struct tg_sale_req *req = req_of(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);

    req->show = show->ord;
    req->op.kind = TG_OP_BUY;
    tg_str_printf(req->op.id, sizeof(req->op.id), "late%d", id);
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-RED");
    req->op.u.line.qty = 1;
    req->op.u.line.price = 9900;
    req->op.u.line.at = (r->now.mono - 1000) / 1000 - back_ms;
    turn(r, req);
}

static void test_units_of_a_price_that_is_over_outlive_a_restart(void **state)
{
    struct rig *r = rig_open();
    struct tg_show_info show;

    (void)state;
    assert_int_equal(tg_sale_boot_show(r->sale, r->now, "s", "Show", false, &show), TG_OK);
    r->now.mono += MINUTE_US;
    r->now.wall += MINUTE_US;
    flash(r, "MUG-RED", 9900, -1, 2);
    r->now.mono += MINUTE_US;
    r->now.wall += MINUTE_US;
    flash(r, "MUG-RED", -1, -1, 0);
    r->now.mono += TG_US_PER_S;
    r->now.wall += TG_US_PER_S;
    tap(r, &show, 1, 2000);
    has(r, "\"total\":{\"amount\":9900,");
    restart(r);
    tap(r, &show, 2, 2000);
    has(r, "\"total\":{\"amount\":9900,");
    restart(r);
    tap(r, &show, 3, 2000); /* both are gone, whoever sold them */
    has(r, "\"code\":\"price_changed\"");
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_is_made_used_and_known_after_a_restart),
        cmocka_unit_test(test_late_payment_uses_its_code_again_while_it_may),
        cmocka_unit_test(test_code_is_changed_and_ended),
        cmocka_unit_test(test_flash_limit_and_plan_outlive_a_restart),
        cmocka_unit_test(test_lowest_price_after_a_flash_outlives_a_restart),
        cmocka_unit_test(test_flash_that_an_ordinary_price_ended_stays_ended_after_a_restart),
        cmocka_unit_test(test_list_price_is_conditional_and_for_staff),
        cmocka_unit_test(test_currency_price_and_quote),
        cmocka_unit_test(test_price_at_the_tap_by_the_shows_clock),
        cmocka_unit_test(test_units_of_a_price_that_is_over_outlive_a_restart),
    };

    tg_log_set_level(TG_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
