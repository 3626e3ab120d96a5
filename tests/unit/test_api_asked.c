/*
 * test_api_asked.c - a real web worker, asked over a socket: what the threads behind it are asked
 * for, and which headers their answers get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/web.h"
#include "base/macros.h"
#include "base/str.h"
#include "msg/sale.h"
#include "msg/web.h"
#include "support/lib/web_client.h"

static struct {
    struct tg_registry *reg;
    struct tg_web *web;
    struct tg_mailbox *live;
    struct tg_mailbox *sale;
    struct tg_mailbox *read[1];
    uint16_t port;
    char admin[TG_TOKEN_SIZE];
    struct web_client client;
} t;

static bool ready(void *ctx)
{
    (void)ctx;
    return true;
}

static int set_up_with(size_t trusted_count, tg_us send_us)
{
    static const char *const trusted[] = {"loopback"};
    struct tg_show_info show = {.ord = 0, .id = "demo", .title = "Demo", .state = TG_SHOW_LIVE};
    struct tg_token_info info = {
        .ordinal = 1, .roles = TG_ROLE_ADMIN, .id = "t1", .expires_wall_us = TG_US_NEVER};
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = 1, .ready = ready};
    struct tg_web_peers peers = {.read_count = 1};
    const char *key = NULL;

    cfg.send_us = send_us;
    cfg.trusted_networks = (struct tg_texts){trusted, trusted_count};
    assert_int_equal(tg_registry_new(&t.reg), TG_OK);
    assert_int_equal(tg_registry_show_put(t.reg, &show), TG_OK);
    tg_token_mint(t.admin, info.hash);
    assert_int_equal(tg_registry_token_put(t.reg, &info), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.live, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.sale, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.read[0], 64, tg_msg_free), TG_OK);
    peers.live = t.live;
    peers.sale = t.sale;
    peers.read = t.read;
    cfg.registry = t.reg;
    assert_int_equal(tg_web_new(&t.web, &cfg, &key), TG_OK);
    t.port = tg_web_port(t.web);
    assert_int_equal(tg_web_start(t.web, &peers), TG_OK);
    t.client = web_open(t.port, 0);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(1, 0);
}

static int set_up_hasty(void **state)
{
    (void)state;
    return set_up_with(1, 300 * TG_US_PER_MS);
}

static int set_up_stranger(void **state)
{
    (void)state;
    return set_up_with(0, 0);
}

static int tear_down(void **state)
{
    (void)state;
    web_close(&t.client);
    tg_web_stop(t.web);
    tg_web_free(t.web);
    tg_mailbox_free(t.live);
    tg_mailbox_free(t.sale);
    tg_mailbox_free(t.read[0]);
    tg_registry_free(t.reg);
    return 0;
}

/* The next message of sale or a reader; NULL = nobody was asked. */
static void *take(void)
{
    struct tg_mailbox *boxes[] = {t.sale, t.read[0]};
    void *msg;

    for (int ms = 0; ms < 200; ms++) {
        for (size_t i = 0; i < TG_ARRAY_LEN(boxes); i++)
            if (tg_mailbox_take(boxes[i], &msg, 1) == 1)
                return msg;
        tg_mailbox_wait(t.sale, TG_US_PER_MS);
    }
    return NULL;
}

static void send_request(const char *line, const char *body)
{
    char text[2048];

    tg_str_printf(text, sizeof(text),
                  "%s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nIf-Match: *\r\n"
                  "Content-Type: application/json\r\nIdempotency-Key: k\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  line, t.admin, strlen(body), body);
    web_send_text(&t.client, text);
}

static struct tg_web_reply *reply_to(struct tg_conn conn, int status)
{
    struct tg_web_reply *reply = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*reply));

    assert_non_null(reply);
    reply->conn = conn;
    reply->status = status;
    reply->json = tg_slab_copy("{}", 2);
    assert_non_null(reply->json);
    return reply;
}

static struct tg_conn conn_of(void *msg)
{
    const struct tg_msg *head = msg;

    assert_non_null(msg);
    return head->kind == TG_MSG_READ_REQ ? ((struct tg_read_req *)msg)->conn
                                         : ((struct tg_sale_req *)msg)->conn;
}

static struct web_answer answer_with(struct tg_web_reply *take_reply)
{
    assert_int_equal(tg_mailbox_post_reply(take_reply->conn.mb, take_reply), TG_OK);
    return web_read_answer(&t.client, false);
}

/* What sale is asked for, answered with 200; NULL = it was refused before, and status says how. */
static struct tg_sale_req *asked(const char *line, const char *body, int *ret_status)
{
    struct tg_sale_req *req;

    send_request(line, body);
    req = take();
    if (req == NULL) {
        *ret_status = web_read_answer(&t.client, false).status;
        return NULL;
    }
    assert_int_equal(req->head.kind, TG_MSG_SALE_REQ);
    *ret_status = answer_with(reply_to(req->conn, 200)).status;
    return req;
}

/* Nothing said is nothing done: never "none left". */
static void test_null_is_no_count(void **state)
{
    static const struct {
        const char *line, *body;
    } wrong[] = {
        {"POST /api/v1/stock", "{\"rows\":[{\"sku\":\"MUG\",\"set\":null}]}"},
        {"POST /api/v1/stock", "{\"rows\":[{\"sku\":\"MUG\",\"set\":null,\"adjust\":null}]}"},
        {"POST /api/v1/stock", "{\"rows\":[{\"sku\":\"MUG\",\"set\":1,\"adjust\":3}]}"},
        {"POST /api/v1/stock/transfers",
         "{\"rows\":[{\"sku\":\"MUG\",\"transfer\":null,\"from\":\"a\",\"to\":\"b\"}]}"},
        {"PATCH /api/v1/stock/MUG", "{\"set\":null}"},
        {"PATCH /api/v1/stock/MUG", "{}"},
    };
    struct tg_sale_req *req;
    int status;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(wrong); i++) {
        assert_null(asked(wrong[i].line, wrong[i].body, &status));
        assert_int_equal(status, 400);
    }
    req = asked("PATCH /api/v1/stock/MUG", "{\"set\":null,\"adjust\":3}", &status);
    assert_non_null(req);
    assert_int_equal(req->stock->rows[0].how, TG_CHANGE_ADJUST);
    assert_int_equal(req->stock->rows[0].value, 3);
    tg_msg_free(req);
    req =
        asked("POST /api/v1/codes", "{\"code\":\"A\",\"percent_bp\":null,\"amount\":500}", &status);
    assert_non_null(req);
    assert_false(req->code->percent);
    tg_msg_free(req);
}

/* The database would refuse what is no text, and with it the batch of everybody. */
static void test_webhook_ids_have_their_alphabet(void **state)
{
    static const char *const ids[] = {
        ("%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff"
         "%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff"),
        "0192fd6e-7d1c-7000-8000-00000000000G",
        "0192fd6e-7d1c-7000-8000-0000000000",
    };
    struct tg_sale_req *req;
    char line[256];
    int status;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(ids); i++) {
        tg_str_printf(line, sizeof(line), "DELETE /api/v1/webhooks/%s", ids[i]);
        assert_null(asked(line, "", &status));
        assert_int_equal(status, 404);
    }
    req = asked("DELETE /api/v1/webhooks/0192fd6e-7d1c-7000-8000-00000000000f", "", &status);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_HOOK);
    tg_msg_free(req);
}

/* The SKU that a message of either kind is about. */
static const char *sku_of(const void *msg)
{
    const struct tg_msg *head = msg;
    const struct tg_sale_req *req = msg;

    if (head->kind == TG_MSG_READ_REQ)
        return ((const struct tg_read_req *)msg)->key;
    switch (req->what) {
    case TG_SALE_STOCK_ROWS:
        return req->stock->rows[0].sku;
    case TG_SALE_OP:
        if (req->op.kind == TG_OP_PRICE)
            return req->op.u.price.sku;
        if (req->op.kind == TG_OP_CART_SET)
            return req->op.u.line.sku;
        if (req->op.kind == TG_OP_WAIT)
            return req->op.u.wait.sku;
        if (req->op.kind == TG_OP_WINDOW)
            return req->op.u.window.sku;
        return req->op.u.item.sku;
    default:
        return req->key;
    }
}

/* Every kind of address with a SKU, as jeans and screws have them. */
static void test_skus_with_slashes_are_reached(void **state)
{
    static const struct {
        const char *line, *rest, *body;
    } rows[] = {
        {"GET /api/v1/variants/", "", ""},
        {"PATCH /api/v1/variants/", "", "{\"compare_at\":null}"},
        {"GET /api/v1/variants/", "/prices", ""},
        {"PATCH /api/v1/variants/", "/prices", "{\"compare_at\":null}"},
        {"POST /api/v1/variants/", "/flash", "{\"price\":{\"amount\":5,\"currency\":\"NOK\"}}"},
        {"DELETE /api/v1/variants/", "/flash", ""},
        {"GET /api/v1/variants/", "/waiting", ""},
        {"POST /api/v1/variants/", "/waiting", "{}"},
        {"DELETE /api/v1/variants/", "/waiting", ""},
        {"GET /api/v1/stock/", "", ""},
        {"PATCH /api/v1/stock/", "", "{\"set\":1}"},
        {"PUT /api/v1/stock/", "/rules", "{}"},
        {"GET /api/v1/stock/", "/movements", ""},
        {"GET /api/v1/shows/demo/items/", "", ""},
        {"PUT /api/v1/shows/demo/items/", "", "{}"},
        {"DELETE /api/v1/shows/demo/items/", "", ""},
        {"POST /api/v1/shows/demo/items/", "/window", "{\"open\":true}"},
        {"PUT /api/v1/carts/mine/lines/", "", "{\"qty\":1}"},
        {"DELETE /api/v1/carts/mine/lines/", "", ""},
    };
    static const char *const written[] = {"W31%2FL32", "W31%2fL32", "W31/L32"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows) * TG_ARRAY_LEN(written); i++) {
        size_t row = i / TG_ARRAY_LEN(written);
        const char *sku = written[i % TG_ARRAY_LEN(written)];
        char line[128];
        void *msg;

        tg_str_printf(line, sizeof(line), "%s%s%s", rows[row].line, sku, rows[row].rest);
        send_request(line, rows[row].body);
        msg = take();
        if (msg == NULL)
            fail_msg("%s: %s", line, web_read_answer(&t.client, false).body);
        if (strcmp(sku_of(msg), "W31/L32") != 0)
            fail_msg("%s: asked for \"%s\"", line, sku_of(msg));
        (void)answer_with(reply_to(conn_of(msg), 200));
        tg_msg_free(msg);
    }
}

/* As the document says: who is told that the shop is busy is told when to come back. */
static void test_busy_says_when_to_ask_again(void **state)
{
    static const struct {
        const char *line, *body;
        int status;
        const char *json;
        bool again;
    } rows[] = {
        {"GET /api/v1/orders", "", 503, "{\"status\":503,\"code\":\"busy\"}", true},
        {"GET /api/v1/orders", "", 200, "{\"orders\":[]}", false},
        {"GET /api/v1/exports/e1/file", "", 503, "{\"status\":503,\"code\":\"busy\"}", true},
        {"PATCH /api/v1/stock/MUG", "{\"set\":1}", 503, "{\"code\":\"busy\"}", true},
        {"PATCH /api/v1/stock/MUG", "{\"set\":1}", 503, NULL, true},
        {"PATCH /api/v1/stock/MUG", "{\"set\":1}", 409, "{\"code\":\"busy\"}", true},
        {"PATCH /api/v1/stock/MUG", "{\"set\":1}", 409, "{\"code\":\"sold_out\"}", false},
        {"PATCH /api/v1/stock/MUG", "{\"set\":1}", 409, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct tg_web_reply *reply;
        struct web_answer a;
        void *msg;

        send_request(rows[i].line, rows[i].body);
        msg = take();
        reply = reply_to(conn_of(msg), rows[i].status);
        tg_slab_unref(reply->json);
        reply->json =
            rows[i].json == NULL ? NULL : tg_slab_copy(rows[i].json, strlen(rows[i].json));
        a = answer_with(reply);
        assert_int_equal(a.status, rows[i].status);
        if (web_has(&a, "Retry-After", "1") != rows[i].again)
            fail_msg("%s %d %s: %s", rows[i].line, rows[i].status, rows[i].json, a.head);
        tg_msg_free(msg);
    }
}

/* RFC 8288: an address, whatever the SKU. */
static void test_link_to_the_next_page_is_an_address(void **state)
{
    struct tg_web_reply *reply;
    struct web_answer a;
    void *msg;

    (void)state;
    send_request("GET /api/v1/stock/MUG%20%231%3e%c3%a5/movements?limit=2", "");
    msg = take();
    reply = reply_to(conn_of(msg), 200);
    tg_str_cut(reply->next, sizeof(reply->next), "m.7");
    a = answer_with(reply);
    assert_non_null(strstr(a.head, "Link: </api/v1/stock/MUG%20%231%3E%C3%A5/movements?limit=2&"
                                   "cursor=m.7>; rel=\"next\"\r\n"));
    tg_msg_free(msg);
}

static struct tg_web_reply *large_reply(struct tg_conn conn, size_t len)
{
    struct tg_web_reply *reply = reply_to(conn, 200);
    char *text = calloc(1, len);

    assert_non_null(text);
    memset(text, 'x', len);
    tg_slab_unref(reply->json);
    reply->json = tg_slab_copy(text, len);
    assert_non_null(reply->json);
    free(text);
    return reply;
}

/* Bytes read, up to `most`, `step` each millisecond; less: it ended. */
static size_t read_some(size_t most, size_t step)
{
    static char part[65536];
    size_t got = 0;

    while (got < most) {
        ssize_t n = recv(t.client.fd, part, TG_MIN(step, most - got), 0);

        if (n <= 0)
            break;
        got += (size_t)n;
        (void)usleep(1000);
    }
    return got;
}

enum { LARGE = 16 * 1024 * 1024 }; /* more than the kernel takes off our hands */

/* It would stay in memory for as long as its reader likes. */
static void test_answer_that_is_read_slowly_is_cut(void **state)
{
    void *msg;

    (void)state;
    web_close(&t.client);
    t.client = web_open(t.port, 4096);
    send_request("GET /api/v1/orders", "");
    msg = take();
    assert_int_equal(tg_mailbox_post_reply(conn_of(msg).mb, large_reply(conn_of(msg), LARGE)),
                     TG_OK);
    tg_msg_free(msg);
    for (int i = 0; i < 70; i++) { /* 7 s: the answer has 17 times 300 ms */
        assert_int_equal(read_some(100, 100), 100);
        (void)usleep(100000);
    }
    assert_true(read_some(LARGE - 8000, 65536) < LARGE - 8000);
}

static void test_answer_that_is_read_arrives(void **state)
{
    void *msg;

    (void)state;
    send_request("GET /api/v1/orders", "");
    msg = take();
    assert_int_equal(tg_mailbox_post_reply(conn_of(msg).mb, large_reply(conn_of(msg), LARGE)),
                     TG_OK);
    assert_int_equal(read_some(LARGE, 65536), LARGE);
    tg_msg_free(msg);
}

/* An anonymous address gets so many bytes a minute, not so many answers of any size. */
static void test_large_answers_count_as_many(void **state)
{
    struct web_answer a = {.status = 200};
    int answers = 0;

    (void)state;
    while (a.status == 200 && answers < 100) {
        void *msg;

        send_request("GET /api/v1/products", "");
        msg = take();
        if (msg == NULL) {
            a = web_read_answer(&t.client, false);
            break;
        }
        a = answer_with(large_reply(conn_of(msg), 1024 * 1024));
        tg_msg_free(msg);
        answers++;
    }
    assert_int_equal(a.status, 429);
    assert_in_range(answers, 15, 17); /* 120 at once, 8 each */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_null_is_no_count),
        CASE(test_webhook_ids_have_their_alphabet),
        CASE(test_skus_with_slashes_are_reached),
        CASE(test_busy_says_when_to_ask_again),
        CASE(test_link_to_the_next_page_is_an_address),
        cmocka_unit_test_setup_teardown(test_answer_that_is_read_slowly_is_cut, set_up_hasty,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_answer_that_is_read_arrives, set_up_hasty, tear_down),
        cmocka_unit_test_setup_teardown(test_large_answers_count_as_many, set_up_stranger,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
