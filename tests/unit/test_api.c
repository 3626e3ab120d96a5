/* Real web workers on a free port, fake other threads, raw sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/web.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "msg/live.h"
#include "msg/rtc.h"
#include "msg/sale.h"
#include "msg/web.h"
#include "support/lib/web_client.h"

enum { WORKERS = 2, RTC = 2 };

static struct {
    struct tg_registry *reg;
    struct tg_web *web;
    struct tg_mailbox *live;
    struct tg_mailbox *sale;
    struct tg_mailbox *read[1];
    struct tg_mailbox *rtc[RTC];
    uint16_t port;
    char admin[TG_TOKEN_SIZE];
    char merch[TG_TOKEN_SIZE];
    char other[TG_TOKEN_SIZE]; /* merchandiser of another show */
    char key[TG_TOKEN_SIZE];   /* a stream key */
    atomic_bool is_ready;
    const char *proxy; /* the trusted one; NULL = none */
} t;

static bool ready(void *ctx)
{
    return atomic_load((atomic_bool *)ctx);
}

static void add_show(uint16_t ord, const char *id)
{
    struct tg_show_info show = {.ord = ord, .state = TG_SHOW_LIVE};

    tg_str_printf(show.id, sizeof(show.id), "%s", id);
    tg_str_printf(show.title, sizeof(show.title), "Show %s", id);
    assert_int_equal(tg_registry_show_put(t.reg, &show), TG_OK);
}

static void add_token(char out[TG_TOKEN_SIZE], uint32_t ordinal, uint32_t roles, int show, bool key)
{
    struct tg_token_info info = {.ordinal = ordinal, .roles = roles, .publish_only = key};

    tg_token_mint(out, info.hash);
    tg_str_printf(info.id, sizeof(info.id), "t%u", ordinal);
    info.one_show = show >= 0;
    info.show = show >= 0 ? (uint16_t)show : 0;
    info.expires_wall_us = TG_US_NEVER;
    assert_int_equal(tg_registry_token_put(t.reg, &info), TG_OK);
}

static const uint8_t page_bytes[] = "<!doctype html><title>watch</title>";
static const uint8_t gz_bytes[] = "not really gzip";
static uint8_t script_bytes[300000];
static const struct tg_asset files[] = {
    {"api/openapi.json", "application/json", "o1", false, (const uint8_t *)"{}", 2, NULL, 0},
    {"assets/app-ABCD1234.js", "text/javascript", "h1", true, script_bytes, sizeof(script_bytes),
     gz_bytes, sizeof(gz_bytes) - 1},
    {"pages/shows.html", "text/html", "p1", false, page_bytes, sizeof(page_bytes) - 1, NULL, 0},
    {"pages/watch.html", "text/html", "p2", false, page_bytes, sizeof(page_bytes) - 1, NULL, 0},
};
static const struct tg_assets assets = {files, 4};

static void start_web(const char *const *trusted, size_t trusted_count, unsigned workers)
{
    static const char *const embed[] = {"https://shop.example"};
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = workers, .registry = t.reg};
    struct tg_web_peers peers = {t.live, t.sale, t.read, 1, t.rtc, RTC};
    const char *key = NULL;

    cfg.embed_origins = (struct tg_texts){embed, 1};
    cfg.trusted_networks = (struct tg_texts){trusted, trusted_count};
    cfg.trusted_proxies = (struct tg_texts){&t.proxy, t.proxy == NULL ? 0 : 1};
    cfg.sandbox = true;
    cfg.ready = ready;
    cfg.ready_ctx = &t.is_ready;
    cfg.assets = &assets;
    assert_int_equal(tg_web_new(&t.web, &cfg, &key), TG_OK);
    t.port = tg_web_port(t.web);
    assert_int_equal(tg_web_start(t.web, &peers), TG_OK);
}

static void stop_web(void)
{
    tg_web_stop(t.web);
    tg_web_free(t.web);
    t.web = NULL;
}

static int set_up(void **state)
{
    static const char *const loopback[] = {"loopback"};

    (void)state;
    t.is_ready = true;
    t.proxy = NULL;
    assert_int_equal(tg_registry_new(&t.reg), TG_OK);
    add_show(0, "demo");
    add_show(1, "other");
    add_token(t.admin, 1, TG_ROLE_ADMIN, -1, false);
    add_token(t.merch, 2, TG_ROLE_MERCHANDISER, 0, false);
    add_token(t.other, 3, TG_ROLE_MERCHANDISER, 1, false);
    add_token(t.key, 4, 0, 0, true);
    assert_int_equal(tg_mailbox_new(&t.live, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.sale, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.read[0], 64, tg_msg_free), TG_OK);
    for (int i = 0; i < RTC; i++)
        assert_int_equal(tg_mailbox_new(&t.rtc[i], 64, tg_msg_free), TG_OK);
    start_web(loopback, 1, WORKERS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (t.web != NULL)
        stop_web();
    tg_mailbox_free(t.live);
    tg_mailbox_free(t.sale);
    tg_mailbox_free(t.read[0]);
    for (int i = 0; i < RTC; i++)
        tg_mailbox_free(t.rtc[i]);
    tg_registry_free(t.reg);
    return 0;
}

/* The next message of a fake thread; NULL after wait_ms. */
static void *take(struct tg_mailbox *mb, int wait_ms)
{
    tg_us until = tg_clock_mono() + (tg_us)wait_ms * TG_US_PER_MS;
    void *msg = NULL;

    while (tg_mailbox_take(mb, &msg, 1) == 0 && tg_clock_mono() < until)
        tg_mailbox_wait(mb, 10 * TG_US_PER_MS);
    return msg;
}

static void post_reply(struct tg_conn conn, int status, const char *json)
{
    struct tg_web_reply *msg = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*msg));

    msg->conn = conn;
    msg->status = status;
    msg->json = tg_slab_copy(json, strlen(json));
    assert_int_equal(tg_mailbox_post_reply(conn.mb, msg), TG_OK);
}

/* A body with texts in the language that was asked for. */
static void post_in_lang(struct tg_conn conn, const char *json)
{
    struct tg_web_reply *msg = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*msg));

    msg->conn = conn;
    msg->status = 200;
    msg->in_lang = true;
    msg->json = tg_slab_copy(json, strlen(json));
    assert_int_equal(tg_mailbox_post_reply(conn.mb, msg), TG_OK);
}

static void post_send(struct tg_conn conn, bool joined, const char *json)
{
    struct tg_web_send *msg = tg_msg_new(TG_MSG_WEB_SEND, sizeof(*msg));

    msg->conn = conn;
    msg->joined = joined;
    msg->json = tg_slab_copy(json, strlen(json));
    assert_int_equal(tg_mailbox_post_reply(conn.mb, msg), TG_OK);
}

static void post_cast(enum tg_audience audience, const char *json)
{
    size_t count;
    struct tg_mailbox *const *boxes = tg_web_mailboxes(t.web, &count);
    struct tg_slab *slab = tg_slab_copy(json, strlen(json));

    for (size_t i = 0; i < count; i++) {
        struct tg_web_cast *msg = tg_msg_new(TG_MSG_WEB_CAST, sizeof(*msg));

        msg->audience = audience;
        msg->json = tg_slab_ref(slab);
        assert_int_equal(tg_mailbox_post(boxes[i], msg), TG_OK);
    }
    tg_slab_unref(slab);
}

static const char *bearer(const char *token)
{
    static char header[128];

    tg_str_printf(header, sizeof(header), "Authorization: Bearer %s\r\n", token);
    return header;
}

/* Ask on a fresh connection. */
static struct web_answer ask(const char *line, const char *headers, const char *body)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a = web_ask(&c, line, headers, body);

    web_close(&c);
    return a;
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("\"%s\" is not in: %s", (part), (text));                                      \
    } while (0)

/* --- HTTP --- */

static void test_http_pages_and_files(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a = web_ask(&c, "GET /s/demo", "", NULL);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, (const char *)page_bytes);
    assert_true(web_has(&a, "Content-Security-Policy", "default-src 'none'; script-src 'self'"));
    assert_contains(a.head, "frame-ancestors 'self' https://shop.example");
    assert_true(web_has(&a, "X-Content-Type-Options", "nosniff"));
    a = web_ask(&c, "GET /s/no-such-show", "", NULL); /* shells answer anyone */
    assert_int_equal(a.status, 200);
    a = web_ask(&c, "GET /", "", NULL);
    assert_contains(a.head, "frame-ancestors 'none'");
    a = web_ask(&c, "GET /desk/demo", "", NULL); /* not in this table */
    assert_int_equal(a.status, 501);
    a = web_ask(&c, "GET /assets/app-ABCD1234.js", "", NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, sizeof(script_bytes));
    assert_true(web_has(&a, "Cache-Control", "public, max-age=31536000, immutable"));
    a = web_ask(&c, "HEAD /assets/app-ABCD1234.js", "", NULL);
    assert_true(web_has(&a, "Content-Length", "300000"));
    a = web_ask(&c, "GET /assets/app-ABCD1234.js", "Accept-Encoding: br, gzip\r\n", NULL);
    assert_true(web_has(&a, "Content-Encoding", "gzip"));
    assert_int_equal(a.body_len, sizeof(gz_bytes) - 1);
    a = web_ask(&c, "GET /assets/app-ABCD1234.js", "If-None-Match: \"h1\"\r\n", NULL);
    assert_int_equal(a.status, 304);
    a = web_ask(&c, "GET /pages/watch.html", "", NULL);
    assert_int_equal(a.status, 404);
    a = web_ask(&c, "GET /api/v1/openapi.json", "", NULL);
    assert_int_equal(a.status, 200);
    web_close(&c);
}

static void test_http_unknown_path_and_method(void **state)
{
    struct web_answer a = ask("GET /nope", "", NULL);

    (void)state;
    assert_int_equal(a.status, 404);
    assert_true(web_has(&a, "Content-Type", "application/problem+json"));
    assert_contains(a.body, "\"status\":404");
    a = ask("DELETE /api/v1/shows", "", NULL);
    assert_int_equal(a.status, 405);
    assert_true(web_has(&a, "Allow", "GET, HEAD, POST, OPTIONS"));
    a = ask("OPTIONS /api/v1/shows", "", NULL);
    assert_int_equal(a.status, 204);
    assert_true(web_has(&a, "Allow", "GET, HEAD, POST, OPTIONS"));
    a = ask("GET /hls/demo/index.m3u8", "", NULL);
    assert_int_equal(a.status, 501);
}

static void test_http_body_limits(void **state)
{
    static char huge[300 * 1024];
    struct web_client c = web_open(t.port, 0);
    struct web_answer a;

    (void)state;
    memset(huge, 'a', sizeof(huge) - 1);
    web_send_text(&c,
                  "POST /whep/demo HTTP/1.1\r\nHost: h\r\nContent-Type: application/sdp\r\n\r\n");
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 411);
    assert_true(web_ended(&c));
    web_close(&c);
    a = ask("POST /whep/demo", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
    assert_int_equal(a.status, 411);
    c = web_open(t.port, 0);
    a = web_ask(&c, "POST /whep/demo", "Content-Type: application/sdp\r\n", huge);
    assert_int_equal(a.status, 413); /* read although the body came with it: no reset */
    assert_true(web_has(&a, "Connection", "close"));
    assert_true(web_ended(&c));
    web_close(&c);
    a = ask("POST /whep/demo", "Content-Length: 5x\r\n", NULL);
    assert_int_equal(a.status, 400);
}

static void test_http_refused_body_keeps_the_connection(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a = web_ask(&c, "POST /nope/at/all", "", "{\"a\":1}");

    (void)state;
    assert_int_equal(a.status, 404);
    a = web_ask(&c, "GET /healthz", "", NULL);
    assert_int_equal(a.status, 200);
    web_close(&c);
}

static void test_http_expect_continue_is_told_to_go_on(void **state)
{
    struct web_client c = web_open(t.port, 0);

    (void)state;
    web_send_text(&c, "POST /api/v1/session HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                      "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n");
    assert_int_equal(web_read_answer(&c, true).status, 100);
    web_send_text(&c, "{\"token\":\"z\"}");
    assert_int_equal(web_read_answer(&c, false).status, 401);
    web_close(&c);
}

static void test_http_keep_alive_and_pipelining(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_read_req *req;
    struct web_answer a;

    (void)state;
    web_send_text(&c, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
                      "GET /api/v1/products HTTP/1.1\r\nHost: h\r\n\r\n"
                      "GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n");
    a = web_read_answer(&c, false);
    assert_string_equal(a.body, "ok\n");
    req = take(t.read[0], 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_READ_PRODUCTS);
    post_reply(req->conn, 200, "{\"products\":[]}");
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_string_equal(a.body, "{\"products\":[]}");
    a = web_read_answer(&c, false);
    assert_string_equal(a.body, "ready\n");
    web_close(&c);
}

static void test_http_odd_requests_do_no_harm(void **state)
{
    static const char *const odd[] = {
        "CONNECT torg.test:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\r\n\r\n\r\n",
        "GET",
        "FOO / HTTP/1.1\r\n\r\n",
        "GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: tea\r\nConnection: Upgrade\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct web_client c = web_open(t.port, 0);

        web_send_text(&c, odd[i]);
        if (i != 3 && i != 2)
            (void)web_ended(&c);
        web_close(&c);
    }
    assert_int_equal(ask("GET /healthz", "", NULL).status, 200);
}

static void test_http_long_headers_end_the_connection(void **state)
{
    struct web_client c = web_open(t.port, 0);

    (void)state;
    web_send_text(&c, "GET / HTTP/1.1\r\nHost: h\r\nCookie: ");
    for (int i = 0; i < 200; i++)
        web_send_text(&c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_true(web_ended(&c));
    web_close(&c);
    assert_int_equal(ask("GET /healthz", "", NULL).status, 200);
}

static void test_http_foreign_origin_is_refused(void **state)
{
    struct web_answer a = ask("POST /api/v1/session",
                              "Origin: https://evil.example\r\nContent-Type: application/json\r\n",
                              "{\"token\":\"x\"}");

    (void)state;
    assert_int_equal(a.status, 403);
    assert_contains(a.body, "\"field\":\"Origin\"");
    assert_false(web_has(&a, "Access-Control-Allow-Origin", ""));
    a = ask("GET /api/v1/shows", "Origin: https://shop.example\r\n", NULL);
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Access-Control-Allow-Origin", "https://shop.example"));
    assert_contains(a.body, "\"id\":\"demo\"");
    a = ask("OPTIONS /api/v1/orders", "Origin: https://shop.example\r\n", NULL);
    assert_true(web_has(&a, "Access-Control-Allow-Headers", "Authorization"));
    a = ask("OPTIONS /api/v1/orders", "Origin: https://evil.example\r\n", NULL);
    assert_false(web_has(&a, "Access-Control-Allow-Headers", ""));
}

static void test_http_roles_of_each_endpoint(void **state)
{
    static const struct {
        const char *line;
        const char *body;
        int nobody, merch, key;
    } rows[] = {
        {"POST /api/v1/shows", "{}", 401, 403, 403},
        {"GET /api/v1/tokens", NULL, 401, 403, 403},
        {"POST /api/v1/tokens", "{}", 401, 403, 403},
        {"DELETE /api/v1/tokens/t1", NULL, 401, 403, 403},
        {"GET /api/v1/reports/other", NULL, 401, 403, 403}, /* merch is for demo only */
        {"GET /api/v1/codes", NULL, 401, 403, 403},         /* ... and codes are the shop's */
        {"POST /api/v1/codes", "{}", 401, 403, 403},
        {"GET /api/v1/codes/X", NULL, 401, 403, 403},
        {"PUT /api/v1/codes/X", "{}", 401, 403, 403},
        {"DELETE /api/v1/codes/X", NULL, 401, 403, 403},
        {"GET /api/v1/variants/X/prices", NULL, 401, 403, 403},
        {"PATCH /api/v1/variants/X/prices", "{}", 401, 403, 403},
        {"GET /api/v1/variants", NULL, 401, 403, 403},
        {"POST /api/v1/variants/X/flash", "{}", 401, 400, 403}, /* 400: no Idempotency-Key */
        {"DELETE /api/v1/variants/X/flash", NULL, 401, 0, 403},
        {"GET /api/v1/variants/X/waiting", NULL, 401, 0, 403},
        {"POST /api/v1/variants/X/waiting", "{}", 401, 400, 403}, /* 400: no Idempotency-Key */
        {"DELETE /api/v1/variants/X/waiting", NULL, 401, 0, 403},
        {"GET /api/v1/products/X", NULL, 0, 0, 403},
        {"GET /api/v1/orders", NULL, 401, 0, 403},
        {"GET /api/v1/orders/x", NULL, 401, 0, 403},
        {"POST /api/v1/orders/x/cancel", "{}", 401, 400, 403}, /* 400: no Idempotency-Key */
        {"POST /api/v1/payments/x/sandbox", "{}", 400, 400, 403},
        {"GET /api/v1/payments/x", NULL, 0, 0, 403},
        {"GET /api/v1/products", NULL, 0, 0, 403},
        {"GET /api/v1/shows", NULL, 200, 200, 403},
        {"GET /api/v1/session", NULL, 200, 200, 403},
        {"POST /whep/demo", "v=0", 415, 415, 403},
        {"GET /metrics", NULL, 200, 200, 403},
        {"POST /whip/demo", "v=0", 401, 403, 415},          /* the one thing a key is for */
        {"POST /api/v1/session/code", "{}", 401, 400, 403}, /* 400: no show */
    };
    static const char json[] = "Content-Type: application/json\r\n";
    char headers[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].nobody != 0)
            assert_int_equal(ask(rows[i].line, json, rows[i].body).status, rows[i].nobody);
        tg_str_printf(headers, sizeof(headers), "%s%s", json, bearer(t.key));
        assert_int_equal(ask(rows[i].line, headers, rows[i].body).status, rows[i].key);
        if (rows[i].merch == 0)
            continue;
        tg_str_printf(headers, sizeof(headers), "%s%s", json, bearer(t.merch));
        assert_int_equal(ask(rows[i].line, headers, rows[i].body).status, rows[i].merch);
    }
    assert_int_equal(ask("GET /api/v1/shows", bearer("tg_wrong"), NULL).status, 401);
    tg_str_printf(headers, sizeof(headers), "Authorization: Bearer %0400d\r\n", 1);
    assert_int_equal(ask("GET /api/v1/shows", headers, NULL).status, 401);
}

static void send_get(struct web_client *c, const char *path, const char *headers)
{
    web_send_text(c, "GET ");
    web_send_text(c, path);
    web_send_text(c, " HTTP/1.1\r\nHost: h\r\n");
    web_send_text(c, headers);
    web_send_text(c, "\r\n");
}

static void test_http_product_filters_and_languages(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_read_req *req;
    struct web_answer a;
    char headers[512];

    (void)state;
    send_get(&c,
             "/api/v1/products?q=ull%C3%A6&attr.Colour=Dark%20Red&attr.size=M&price_max=5000"
             "&show=demo",
             "Accept-Language: sv-SE,en;q=0.8\r\n");
    req = take(t.read[0], 2000);
    assert_non_null(req);
    assert_string_equal(req->find.words, "ull\xc3\xa6");
    assert_string_equal(req->find.attributes[0].name, "colour");
    assert_string_equal(req->find.attributes[0].value, "dark-red");
    assert_string_equal(req->find.attributes[1].value, "m");
    assert_int_equal(req->find.price_max, 5000);
    assert_true(req->find.by_show);
    assert_string_equal(req->who.lang, "sv-SE");
    post_reply(req->conn, 200, "{\"products\":[]}"); /* no text was there in it */
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 200);
    assert_false(web_has(&a, "Content-Language", ""));
    /* Who reads thirty languages likes one best, wherever it stands. */
    tg_str_printf(headers, sizeof(headers), "Accept-Language: en;q=0.1%*s, nn-NO\r\n", 400, "");
    send_get(&c, "/api/v1/products", headers);
    req = take(t.read[0], 2000);
    assert_non_null(req);
    assert_string_equal(req->who.lang, "nn-NO");
    post_in_lang(req->conn, "{\"products\":[]}");
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_true(web_has(&a, "Content-Language", "nn-NO"));
    send_get(&c, "/api/v1/products?lang=nb", "Accept-Language: sv\r\n");
    req = take(t.read[0], 2000);
    assert_non_null(req);
    assert_string_equal(req->who.lang, "nb");
    post_reply(req->conn, 200, "{\"products\":[]}");
    tg_msg_free(req);
    assert_int_equal(web_read_answer(&c, false).status, 200);
    web_close(&c);
}

/* What is no text, or beyond all bounds, is refused by name, before anybody else is asked. */
static void test_http_queries_are_text(void **state)
{
    static const struct {
        const char *line;
        const char *field;
    } rows[] = {
        {"GET /api/v1/products?q=%FF", "\"field\":\"q\""},
        {"GET /api/v1/products?category=%C3", "\"field\":\"category\""},
        {"GET /api/v1/products?attr.colour=%FF", "\"field\":\"attr.\""},
        {"GET /api/v1/products?price_min=3000000000", "\"field\":\"price_min\""},
        {"GET /api/v1/products?price_max=-1", "\"field\":\"price_max\""},
        {"GET /api/v1/products?lang=%FF", "\"field\":\"lang\""},
        {"GET /api/v1/products?lang=x", "\"field\":\"lang\""},
        {"GET /api/v1/products?cursor=%FF", "\"field\":\"cursor\""},
        {"GET /api/v1/products?attr.a=1&attr.b=1&attr.c=1&attr.d=1", "\"field\":\"attr.\""},
        {"GET /api/v1/locations?sku=%FF", "\"field\":\"sku\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct web_answer a = ask(rows[i].line, "", NULL);

        assert_int_equal(a.status, 400);
        assert_contains(a.body, rows[i].field);
    }
    assert_int_equal(ask("GET /api/v1/products?show=none", "", NULL).status, 404);
}

static void test_http_waiting_is_the_channels_operation(void **state)
{
    char secret[TG_TOKEN_SIZE];
    char headers[512];
    struct web_client c = web_open(t.port, 0);
    struct tg_sale_req *req;

    (void)state;
    tg_resume_mint(secret);
    tg_str_printf(headers, sizeof(headers),
                  "%sIdempotency-Key: w1\r\nContent-Type: application/json\r\n"
                  "Content-Length: 23\r\n",
                  bearer(secret));
    web_send_text(&c, "POST /api/v1/variants/MUG%20RED/waiting HTTP/1.1\r\nHost: h\r\n");
    web_send_text(&c, headers);
    web_send_text(&c, "\r\n{\"show\":\"demo\",\"qty\":2}");
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->op.kind, TG_OP_WAIT);
    assert_string_equal(req->op.u.wait.sku, "MUG RED");
    assert_int_equal(req->op.u.wait.qty, 2);
    assert_false(req->op.u.wait.leave);
    assert_string_equal(req->idempotency, "w1");
    post_reply(req->conn, 200, "{}");
    tg_msg_free(req);
    assert_int_equal(web_read_answer(&c, false).status, 200);
    web_close(&c);
}

static void test_http_orders_say_who_asks(void **state)
{
    char secret[TG_TOKEN_SIZE];
    char person[TG_PERSON_SIZE];
    struct web_client c = web_open(t.port, 0);
    struct tg_read_req *req;

    (void)state;
    tg_resume_mint(secret);
    assert_int_equal(tg_resume_person(person, secret, strlen(secret)), TG_OK);
    web_send_text(&c, "GET /api/v1/orders?limit=7&cursor=abc HTTP/1.1\r\nHost: h\r\n");
    web_send_text(&c, bearer(secret));
    web_send_text(&c, "\r\n");
    req = take(t.read[0], 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_READ_MY_ORDERS);
    assert_string_equal(req->who.id, person);
    assert_int_equal(req->limit, 7);
    assert_string_equal(req->cursor, "abc");
    post_reply(req->conn, 200, "{}");
    tg_msg_free(req);
    assert_int_equal(web_read_answer(&c, false).status, 200);
    web_send_text(&c, "GET /api/v1/orders HTTP/1.1\r\nHost: h\r\n");
    web_send_text(&c, bearer(t.admin));
    web_send_text(&c, "\r\n");
    req = take(t.read[0], 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_READ_ORDERS);
    post_reply(req->conn, 200, "{}");
    tg_msg_free(req);
    assert_int_equal(web_read_answer(&c, false).status, 200);
    assert_int_equal(ask("GET /api/v1/orders?limit=101", bearer(secret), NULL).status, 400);
    web_close(&c);
}

static void test_http_sandbox_payment_reaches_sale(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_sale_req *req;
    struct web_answer a;

    (void)state;
    web_send_text(&c, "POST /api/v1/payments/0192-ab/sandbox HTTP/1.1\r\nHost: h\r\n"
                      "Idempotency-Key: k_1\r\nContent-Type: application/json; charset=utf-8\r\n"
                      "Content-Length: 13\r\n\r\n{\"paid\":true}");
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_PAY);
    assert_true(req->flag && req->http);
    assert_string_equal(req->key, "0192-ab");
    assert_string_equal(req->idempotency, "k_1");
    assert_int_equal(req->who.id[0], 'x');
    post_reply(req->conn, 409, "{\"status\":409}");
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 409);
    assert_true(web_has(&a, "Content-Type", "application/problem+json"));
    a = web_ask(&c, "POST /api/v1/payments/p/sandbox",
                "Idempotency-Key: k\r\nContent-Type: application/json\r\n", "{\"paid\":1}");
    assert_int_equal(a.status, 400);
    assert_contains(a.body, "\"field\":\"paid\"");
    a = web_ask(&c, "POST /api/v1/payments/p/sandbox",
                "Idempotency-Key: bad key\r\nContent-Type: application/json\r\n",
                "{\"paid\":true}");
    assert_int_equal(a.status, 400);
    a = web_ask(&c, "POST /api/v1/payments/p/sandbox",
                "Idempotency-Key: k\r\nContent-Type: application/json\r\n", "{\"paid\":");
    assert_int_equal(a.status, 400);
    a = web_ask(&c, "POST /api/v1/payments/p/sandbox", "Idempotency-Key: k\r\n", "{\"paid\":true}");
    assert_int_equal(a.status, 415);
    web_close(&c);
}

static void test_http_tokens_and_shows_are_made_by_sale(void **state)
{
    static const char json[] = "Content-Type: application/json\r\nIdempotency-Key: k\r\n";
    char headers[256];
    struct web_client c = web_open(t.port, 0);
    struct tg_sale_req *req;
    const char *body = "{\"roles\":[\"host\",\"moderator\"],\"show\":\"demo\",\"label\":\"Kari\","
                       "\"expires\":3600}";
    char text[512];

    (void)state;
    tg_str_printf(text, sizeof(text),
                  "POST /api/v1/tokens HTTP/1.1\r\nHost: h\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                  json, bearer(t.admin), strlen(body), body);
    web_send_text(&c, text);
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_TOKEN_CREATE);
    assert_int_equal(req->number, TG_ROLE_HOST | TG_ROLE_MODERATOR);
    assert_string_equal(req->key, "demo");
    assert_string_equal(req->text, "Kari");
    assert_int_equal(req->lasts_s, 3600); /* as it was said: its repeat says the same */
    assert_int_equal(req->until_wall_us, -1);
    post_reply(req->conn, 201, "{}");
    tg_msg_free(req);
    assert_int_equal(web_read_answer(&c, false).status, 201);
    web_close(&c);
    tg_str_printf(headers, sizeof(headers), "%s%s", json, bearer(t.admin));
    assert_int_equal(ask("POST /api/v1/tokens", headers, "{\"roles\":[\"king\"]}").status, 400);
    assert_int_equal(ask("POST /api/v1/tokens", headers, "{\"publish_only\":true}").status, 400);
    assert_int_equal(
        ask("POST /api/v1/tokens", headers, "{\"roles\":[\"host\"],\"show\":\"no\"}").status, 404);
    assert_int_equal(ask("POST /api/v1/shows", headers, "{\"id\":\"A B\",\"title\":\"t\"}").status,
                     400);
    assert_int_equal(ask("POST /api/v1/shows", headers, "{\"id\":\"ab\"}").status, 400);
}

/* What sale is asked for; NULL = it was refused before, and status says how. */
static struct tg_sale_req *asked(const char *line, const char *extra, const char *body,
                                 int *ret_status)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_sale_req *req;
    char text[2048];

    tg_str_printf(text, sizeof(text),
                  "%s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n%s%s%s"
                  "Content-Length: %zu\r\n\r\n%s",
                  line, bearer(t.admin), extra,
                  strstr(extra, "Idempotency-Key") == NULL ? "Idempotency-Key: k\r\n" : "",
                  strlen(body), body);
    web_send_text(&c, text);
    req = take(t.sale, 100);
    if (req != NULL)
        post_reply(req->conn, 200, "{}");
    *ret_status = web_read_answer(&c, false).status;
    web_close(&c);
    return req;
}

static void test_http_codes_and_prices_reach_sale(void **state)
{
    static const struct {
        const char *line, *extra, *body;
        int status;
    } wrong[] = {
        {"POST /api/v1/codes", "", "{\"code\":\"A\"}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"amount\":1}", 400},
        {"POST /api/v1/codes", "", "{\"percent_bp\":1000}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":10001}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"skus\":\"B\"}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"skus\":[\"\"]}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"from\":\"soon\"}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"combinable\":1}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"uses_max\":-1}", 400},
        {"POST /api/v1/codes", "", "{\"code\":\"A\",\"percent_bp\":1,\"show\":\"no\"}", 404},
        {"PATCH /api/v1/variants/MUG/prices", "", "{}", 428},
        {"PATCH /api/v1/variants/MUG/prices", "If-Match: bad\r\n", "{}", 400},
        {"PATCH /api/v1/variants/MUG/prices", "If-Match: *\r\n", "{}", 400},
        {"PATCH /api/v1/variants/MUG/prices", "If-Match: *\r\n", "{\"price\":5}", 400},
        {"PATCH /api/v1/variants/MUG/prices", "If-Match: *\r\n",
         "{\"price\":{\"amount\":1,\"currency\":\"NOK\"},"
         "\"compare_at\":{\"amount\":2,\"currency\":\"SEK\"}}",
         400},
    };
    struct tg_sale_req *req;
    int status;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(asked(wrong[i].line, wrong[i].extra, wrong[i].body, &status));
        assert_int_equal(status, wrong[i].status);
    }
    req = asked("POST /api/v1/codes", "",
                "{\"code\":\"Summer\",\"amount\":5000,\"currency\":\"NOK\",\"show\":\"demo\","
                "\"skus\":[\"A\",\"B\"],\"persons\":[\"p1\"],\"until\":\"2026-11-22T20:00:00Z\","
                "\"combinable\":true,\"uses_max\":7}",
                &status);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_CODE_NEW);
    assert_string_equal(req->code->code, "Summer");
    assert_false(req->code->percent);
    assert_int_equal(req->code->sku_count, 2);
    assert_string_equal(req->code->skus[1], "B");
    assert_string_equal(req->code->persons[0], "p1");
    assert_int_equal(req->code->uses_max, 7);
    assert_true(req->code->until_wall_us > 0 && req->code->from_wall_us == -1);
    tg_msg_free(req);
    req = asked("PUT /api/v1/codes/VIP", "", "{\"percent_bp\":1000}", &status);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_CODE_SET);
    assert_string_equal(req->code->code, "VIP");
    tg_msg_free(req);
    req = asked("PATCH /api/v1/variants/MUG/prices", "If-Match: \"p1_-1\"\r\n",
                "{\"price\":{\"amount\":900,\"currency\":\"NOK\"},\"compare_at\":null}", &status);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_LIST_PRICE);
    assert_string_equal(req->key, "MUG");
    assert_int_equal(req->price.amount, 900);
    assert_int_equal(req->price.compare_at, -1);
    assert_string_equal(req->price.if_match, "\"p1_-1\"");
    tg_msg_free(req);
}

static void test_http_session_cookie_needs_our_origin(void **state)
{
    char body[128];
    char cookie[256];
    struct web_answer a;

    (void)state;
    tg_str_printf(body, sizeof(body), "{\"token\":\"%s\"}", t.merch);
    a = ask("POST /api/v1/session",
            "Content-Type: application/json\r\nOrigin: http://torg.test\r\n", body);
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Set-Cookie", "torg_session=tg_"));
    assert_contains(a.head, "; HttpOnly; Secure; SameSite=Strict");
    assert_contains(a.body, "\"roles\":[\"viewer\",\"merchandiser\"],\"show\":\"demo\"");
    tg_str_printf(cookie, sizeof(cookie), "Cookie: x=1; torg_session=%s\r\n", t.merch);
    a = ask("GET /api/v1/session", cookie, NULL);
    assert_contains(a.body, "\"roles\":[\"viewer\"]");
    tg_str_printf(cookie, sizeof(cookie),
                  "Cookie: torg_session=%s\r\nSec-Fetch-Site: same-origin\r\n", t.merch);
    a = ask("GET /api/v1/session", cookie, NULL);
    assert_contains(a.body, "merchandiser");
    tg_str_printf(cookie, sizeof(cookie),
                  "Cookie: torg_session=%s\r\nOrigin: https://shop.example\r\n", t.merch);
    a = ask("GET /api/v1/session", cookie, NULL);
    assert_contains(a.body, "\"roles\":[\"viewer\"]");
    tg_str_printf(body, sizeof(body), "{\"token\":\"%s\"}", t.key);
    assert_int_equal(ask("POST /api/v1/session", "Content-Type: application/json\r\n", body).status,
                     403);
    assert_int_equal(
        ask("POST /api/v1/session", "Content-Type: application/json\r\n", "{\"token\":\"z\"}")
            .status,
        401);
    a = ask("DELETE /api/v1/session", "", NULL);
    assert_int_equal(a.status, 204);
    assert_contains(a.head, "Max-Age=0");
}

static void test_http_health_ready_metrics(void **state)
{
    struct web_answer a = ask("GET /metrics", "", NULL);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_contains(a.body, "torg_http_requests_total ");
    /* Through a proxy that we were not told about: loopback proves nothing. */
    a = ask("GET /metrics", "X-Forwarded-For: 203.0.113.9\r\n", NULL);
    assert_int_equal(a.status, 403);
    t.is_ready = false;
    assert_int_equal(ask("GET /readyz", "", NULL).status, 503);
    t.is_ready = true;
    assert_int_equal(ask("GET /readyz", "", NULL).status, 200);
}

static int metrics_through(const char *forwarded)
{
    static char header[1024];

    tg_str_printf(header, sizeof(header), "X-Forwarded-For: %s\r\n", forwarded);
    return ask("GET /metrics", header, NULL).status;
}

static void test_http_strangers_behind_a_proxy_are_not_loopback(void **state)
{
    char chain[700];

    (void)state;
    stop_web();
    t.proxy = "10.0.0.0/8"; /* not the one that stands on our loopback */
    start_web(NULL, 0, 1);
    assert_int_equal(metrics_through("203.0.113.9"), 403);
    stop_web();
    t.proxy = "127.0.0.0/8";
    start_web(NULL, 0, 1);
    assert_int_equal(metrics_through("203.0.113.9"), 403);
    assert_int_equal(metrics_through("127.0.0.1, 203.0.113.9"), 403);
    assert_int_equal(metrics_through("unknown"), 403);
    assert_int_equal(metrics_through("x, 127.0.0.1"), 403);
    tg_str_printf(chain, sizeof(chain), "%0600d, 203.0.113.9", 1);
    assert_int_equal(metrics_through(chain), 403);
    assert_int_equal(metrics_through("127.0.0.1"), 200);
    assert_int_equal(ask("GET /metrics", "", NULL).status, 200);
}

static void test_http_full_mailbox_is_busy(void **state)
{
    struct web_client waiting[64];
    struct web_answer a;

    (void)state;
    for (int i = 0; i < 64; i++) {
        waiting[i] = web_open(t.port, 0);
        web_send_text(&waiting[i], "GET /api/v1/products HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (int tries = 0; tries < 200; tries++) { /* until all 64 are in the box */
        a = ask("GET /api/v1/products?limit=0", "", NULL);
        assert_int_equal(a.status, 400);
    }
    a = ask("GET /api/v1/products", "", NULL);
    assert_int_equal(a.status, 503);
    assert_true(web_has(&a, "Retry-After", "1"));
    for (int i = 0; i < 64; i++)
        web_close(&waiting[i]);
}

static void test_http_unanswered_request_times_out(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a = {.status = 0};
    struct tg_read_req *req;

    (void)state;
    web_send_text(&c, "GET /api/v1/products HTTP/1.1\r\nHost: h\r\n\r\n");
    req = take(t.read[0], 2000);
    assert_non_null(req);
    for (int i = 0; i < 3 && a.status == 0; i++)
        a = web_read_answer(&c, false);
    assert_int_equal(a.status, 503);
    post_reply(req->conn, 200, "{\"late\":true}"); /* nobody waits any more */
    tg_msg_free(req);
    assert_int_equal(web_ask(&c, "GET /healthz", "", NULL).status, 200);
    web_close(&c);
}

static void test_http_rate_limit_without_trust(void **state)
{
    struct web_client c;
    struct web_answer a = {.status = 0};
    int served = 0;

    (void)state;
    stop_web();
    start_web(NULL, 0, 1);
    c = web_open(t.port, 0);
    for (int i = 0; i < 400; i++) {
        a = web_ask(&c, "GET /api/v1/shows", "", NULL);
        if (a.status != 200)
            break;
        served++;
    }
    assert_int_equal(a.status, 429);
    assert_true(web_has(&a, "Retry-After", "1"));
    assert_in_range(served, 100, 200);
    assert_int_equal(web_ask(&c, "GET /healthz", "", NULL).status, 200);
    web_close(&c);
}

static void test_workers_share_a_port_and_nobody_else_does(void **state)
{
    struct tg_web_cfg cfg = {.workers = 1, .registry = t.reg};
    struct tg_web *second = NULL;
    const char *key = NULL;
    char listen[32];

    (void)state;
    for (int i = 0; i < 40; i++)
        assert_int_equal(ask("GET /healthz", "", NULL).status, 200);
    tg_str_printf(listen, sizeof(listen), "127.0.0.1:%u", t.port);
    cfg.listen = listen;
    assert_int_equal(tg_web_new(&second, &cfg, &key), TG_ERR_CONFLICT);
    assert_string_equal(key, "http.listen");
    cfg.listen = "nowhere";
    assert_int_equal(tg_web_new(&second, &cfg, &key), TG_ERR_MALFORMED);
    cfg.listen = "127.0.0.1:0";
    cfg.workers = 0;
    assert_int_equal(tg_web_new(&second, &cfg, &key), TG_ERR_LIMIT);
}

/* --- WHEP --- */

static struct tg_rtc_req *take_rtc(int *ret_worker)
{
    for (int tries = 0; tries < 100; tries++) {
        for (int i = 0; i < RTC; i++) {
            struct tg_rtc_req *req = take(t.rtc[i], 10);

            *ret_worker = i;
            if (req != NULL)
                return req;
        }
    }
    return NULL;
}

static void answer_rtc(struct tg_rtc_req *req, tg_err err, const char *session, const char *sdp)
{
    struct tg_rtc_reply *msg = tg_msg_new(TG_MSG_RTC_REPLY, sizeof(*msg));

    msg->conn = req->conn;
    msg->what = req->what;
    msg->err = err;
    tg_str_printf(msg->session, sizeof(msg->session), "%s", session);
    tg_str_printf(msg->etag, sizeof(msg->etag), "e1");
    if (err != TG_OK)
        tg_str_printf(msg->detail, sizeof(msg->detail), "No codec in common.");
    if (sdp != NULL)
        msg->sdp = tg_slab_copy(sdp, strlen(sdp));
    assert_int_equal(tg_mailbox_post_reply(req->conn.mb, msg), TG_OK);
    tg_msg_free(req);
}

static void send_offer(struct web_client *c)
{
    web_send_text(c, "POST /whep/demo HTTP/1.1\r\nHost: h\r\nOrigin: https://any.example\r\n"
                     "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
}

static void test_whep_offer_patch_delete(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_rtc_req *req;
    struct web_answer a;
    int worker;

    (void)state;
    send_offer(&c);
    req = take_rtc(&worker);
    assert_non_null(req);
    assert_int_equal(req->what, TG_RTC_WHEP_OFFER);
    assert_int_equal(req->show, 0);
    assert_memory_equal(req->sdp->data, "v=0\r\n", 5);
    answer_rtc(req, TG_OK, "1.abcdefghij", "v=0 answer");
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 201);
    assert_string_equal(a.body, "v=0 answer");
    assert_true(web_has(&a, "Location", "/whep/demo/1.abcdefghij\r\n"));
    assert_true(web_has(&a, "ETag", "\"e1\"\r\n"));
    assert_true(web_has(&a, "Access-Control-Allow-Origin", "*"));
    assert_true(web_has(&a, "Access-Control-Expose-Headers", "Location, ETag"));
    web_send_text(&c,
                  "PATCH /whep/demo/1.abcdefghij HTTP/1.1\r\nHost: h\r\nIf-Match: \"old\"\r\n"
                  "Content-Type: application/trickle-ice-sdpfrag\r\nContent-Length: 2\r\n\r\na=");
    req = take(t.rtc[1], 2000);
    assert_non_null(req);
    assert_string_equal(req->session, "1.abcdefghij");
    assert_string_equal(req->if_match, "\"old\"");
    answer_rtc(req, TG_ERR_CONFLICT, "", NULL);
    assert_int_equal(web_read_answer(&c, false).status, 412);
    web_send_text(&c, "DELETE /whep/demo/1.abcdefghij HTTP/1.1\r\nHost: h\r\n\r\n");
    req = take(t.rtc[1], 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_RTC_DELETE);
    answer_rtc(req, TG_OK, "", NULL);
    assert_int_equal(web_read_answer(&c, false).status, 200);
    web_close(&c);
}

static void test_whep_bad_requests(void **state)
{
    static const char sdp[] = "Content-Type: application/sdp\r\n";
    struct web_client c = web_open(t.port, 0);
    struct tg_rtc_req *req;
    struct web_answer a;
    int worker;

    (void)state;
    assert_int_equal(ask("POST /whep/no-show", sdp, "v=0").status, 404);
    assert_int_equal(ask("POST /whep/demo", "Content-Type: text/plain\r\n", "v=0").status, 415);
    assert_int_equal(ask("POST /whep/demo", sdp, "").status, 400);
    assert_int_equal(ask("DELETE /whep/demo/9.x", "", NULL).status, 404);
    assert_int_equal(ask("DELETE /whep/demo/nodot", "", NULL).status, 404);
    assert_int_equal(ask("PUT /whep/demo", "", "x").status, 405);
    a = ask("HEAD /whep/demo", "", NULL);
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Content-Type", "application/sdp"));
    a = ask("GET /whep/demo", "", NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, 0);
    a = ask("OPTIONS /whep/demo", "Origin: https://x.example\r\n", NULL);
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Accept-Post", "application/sdp"));
    assert_true(web_has(&a, "Access-Control-Allow-Methods", ""));
    send_offer(&c);
    req = take_rtc(&worker);
    assert_non_null(req);
    answer_rtc(req, TG_ERR_UNSUPPORTED, "", NULL);
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 422);
    assert_contains(a.body, "No codec in common.");
    web_close(&c);
}

static void test_whep_client_that_gives_up_leaves_no_session(void **state)
{
    const struct linger hard = {.l_onoff = 1};
    struct web_client c = web_open(t.port, 0);
    struct tg_rtc_req *req;
    int worker;

    (void)state;
    send_offer(&c);
    req = take_rtc(&worker);
    assert_non_null(req);
    /* A reset is seen even while the worker does not read. */
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    web_close(&c);
    for (int i = 0; i < 20; i++) /* its worker sees the reset before our answer */
        assert_int_equal(ask("GET /healthz", "", NULL).status, 200);
    answer_rtc(req, TG_OK, "0.sessionid", "v=0");
    req = take(t.rtc[0], 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_RTC_DELETE);
    assert_false(req->publisher);
    assert_int_equal(req->show, 0);
    assert_string_equal(req->session, "0.sessionid");
    tg_msg_free(req);
}

/* --- the show channel --- */

static const char v1[] = "Sec-WebSocket-Protocol: torg.v1\r\n";

static struct web_client open_socket(int rcvbuf)
{
    struct web_client c = web_open(t.port, rcvbuf);
    struct web_answer a = web_ws_open(&c, "/ws/demo", v1);

    assert_int_equal(a.status, 101);
    assert_true(web_has(&a, "Sec-WebSocket-Protocol", "torg.v1"));
    assert_true(web_has(&a, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    return c;
}

/* Joins and answers as live would; gives back where its answers go. */
static struct tg_conn join_as(struct web_client *c, const char *token, struct tg_person *ret_who)
{
    struct tg_sale_req *req;
    struct tg_conn conn;
    char text[160];
    int close_code;

    tg_str_printf(text, sizeof(text), "{\"op\":\"join\",\"name\":\"Ola\",\"token\":\"%s\"}", token);
    web_ws_send(c, token[0] == '\0' ? "{\"op\":\"join\",\"name\":\"Ola\"}" : text);
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_JOIN);
    assert_non_null(req->join);
    conn = req->join->conn;
    if (ret_who != NULL)
        *ret_who = req->join->who;
    tg_msg_free(req);
    post_send(conn, true, "{\"ev\":\"joined\"}");
    assert_string_equal(web_ws_read(c, &close_code), "[{\"ev\":\"joined\"}]");
    return conn;
}

static void expect_leave(struct tg_conn conn)
{
    struct tg_live_leave *leave = take(t.live, 3000);

    assert_non_null(leave);
    assert_int_equal(leave->head.kind, TG_MSG_LIVE_LEAVE);
    assert_ptr_equal(leave->conn.mb, conn.mb);
    assert_int_equal(leave->conn.slot, conn.slot);
    tg_msg_free(leave);
}

static void test_ws_handshake_refusals(void **state)
{
    static const struct {
        const char *path;
        const char *headers;
        int status;
    } rows[] = {
        {"/ws/no-show", "Sec-WebSocket-Protocol: torg.v1\r\n", 404},
        {"/elsewhere", "Sec-WebSocket-Protocol: torg.v1\r\n", 404},
        {"/ws/demo", "", 400},
        {"/ws/demo", "Sec-WebSocket-Protocol: torg-http\r\n", 400},
        {"/ws/demo", "Sec-WebSocket-Protocol: torg.v1\r\nOrigin: https://evil.example\r\n", 403},
        {"/ws/demo", "Sec-WebSocket-Protocol: torg.v1\r\nOrigin: https://shop.example\r\n", 101},
        {"/ws/demo", "Sec-WebSocket-Protocol: x, torg.v1\r\nOrigin: http://torg.test\r\n", 101},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct web_client c = web_open(t.port, 0);
        struct web_answer a = web_ws_open(&c, rows[i].path, rows[i].headers);

        assert_int_equal(a.status, rows[i].status);
        web_close(&c);
    }
}

static void test_ws_join_ops_and_leave(void **state)
{
    struct web_client c = open_socket(0);
    struct tg_person who;
    struct tg_conn conn = join_as(&c, "", &who);
    struct tg_live_op *op;
    struct tg_sale_req *req;
    int code;

    (void)state;
    assert_int_equal(who.id[0], 'p');
    assert_string_equal(who.name, "Ola");
    assert_int_equal(who.roles, TG_ROLE_VIEWER);
    web_ws_send(&c, "{\"op\":\"chat\",\"id\":\"c1\",\"text\":\"hei\"}");
    op = take(t.live, 2000);
    assert_non_null(op);
    assert_int_equal(op->op.kind, TG_OP_CHAT);
    assert_string_equal(op->who.id, who.id);
    tg_msg_free(op);
    web_ws_send(&c, "{\"op\":\"buy\",\"id\":\"b1\",\"sku\":\"A\",\"qty\":1}");
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_OP);
    assert_false(req->http);
    tg_msg_free(req);
    post_send(conn, false, "{\"re\":\"b1\",\"ok\":true}");
    assert_string_equal(web_ws_read(&c, &code), "[{\"re\":\"b1\",\"ok\":true}]");
    web_ws_send(&c, "{\"op\":\"ping\",\"id\":\"p1\"}");
    assert_string_equal(web_ws_read(&c, &code), "[{\"re\":\"p1\",\"ok\":true}]");
    web_ws_send(&c, "{\"op\":\"vote\",\"id\":\"v\",\"poll\":\"1\",\"option\":1}");
    assert_contains(web_ws_read(&c, &code), "is not built yet");
    web_close(&c);
    expect_leave(conn);
}

static void test_ws_what_follows_join_waits_for_it(void **state)
{
    struct web_client c = open_socket(0);
    struct tg_sale_req *req;
    struct tg_live_op *op;
    int code;

    (void)state;
    web_ws_send(&c, "{\"op\":\"join\"}");
    web_ws_send(&c, "{\"op\":\"chat\",\"id\":\"c1\",\"text\":\"first!\"}");
    web_ws_send(&c, "{\"op\":\"ping\",\"id\":\"p1\"}");
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_null(take(t.live, 150));
    post_send(req->join->conn, true, "{\"ev\":\"joined\"}");
    tg_msg_free(req);
    op = take(t.live, 2000);
    assert_non_null(op);
    assert_int_equal(op->op.kind, TG_OP_CHAT);
    tg_msg_free(op);
    assert_string_equal(web_ws_read(&c, &code), "[{\"ev\":\"joined\"}]");
    assert_string_equal(web_ws_read(&c, &code), "[{\"re\":\"p1\",\"ok\":true}]");
    web_close(&c);
}

static void test_ws_closed_while_joining_leaves_after_the_join(void **state)
{
    struct web_client c = open_socket(0);
    struct tg_sale_req *req;
    struct tg_conn conn;

    (void)state;
    web_ws_send(&c, "{\"op\":\"join\"}");
    req = take(t.sale, 2000);
    assert_non_null(req);
    conn = req->join->conn;
    tg_msg_free(req);
    web_ws_send_frame(&c, 0x88, "\x03\xe8", 2);
    web_close(&c);
    assert_null(take(t.live, 150));
    post_send(conn, true, "{\"ev\":\"joined\"}");
    expect_leave(conn);
}

static void test_ws_roles_and_tokens(void **state)
{
    static const char *const staff_ops[] = {
        "{\"op\":\"pin\",\"id\":\"x\",\"sku\":\"A\"}",
        "{\"op\":\"unpin\",\"id\":\"x\",\"sku\":\"A\"}",
        "{\"op\":\"price\",\"id\":\"x\",\"sku\":\"A\",\"amount\":100}",
        "{\"op\":\"stock\",\"id\":\"x\",\"sku\":\"A\",\"set\":1}",
        "{\"op\":\"hide\",\"id\":\"x\",\"message\":\"c1\"}",
        "{\"op\":\"mute\",\"id\":\"x\",\"person\":\"p1\"}",
        "{\"op\":\"show.start\",\"id\":\"x\"}",
        "{\"op\":\"show.end\",\"id\":\"x\"}",
        "{\"op\":\"show.rehearse\",\"id\":\"x\",\"on\":true}",
    };
    struct web_client c = open_socket(0);
    struct tg_person who;
    char text[128];
    int code;

    (void)state;
    (void)join_as(&c, "", NULL);
    for (size_t i = 0; i < sizeof(staff_ops) / sizeof(staff_ops[0]); i++) {
        web_ws_send(&c, staff_ops[i]);
        assert_contains(web_ws_read(&c, &code), "\"code\":\"forbidden\"");
    }
    web_close(&c);
    c = open_socket(0);
    tg_str_printf(text, sizeof(text), "{\"op\":\"join\",\"token\":\"%s\"}", t.key);
    web_ws_send(&c, text);
    assert_contains(web_ws_read(&c, &code), "\"code\":\"forbidden\"");
    tg_str_printf(text, sizeof(text), "{\"op\":\"join\",\"token\":\"%s\"}", t.other);
    web_ws_send(&c, text);
    assert_contains(web_ws_read(&c, &code), "another show");
    (void)join_as(&c, t.merch, &who);
    assert_string_equal(who.id, "s2");
    assert_int_equal(who.roles, TG_ROLE_MERCHANDISER | TG_ROLE_VIEWER);
    web_close(&c);
}

static void test_ws_revoked_token_ends_its_sockets(void **state)
{
    struct web_client speaks = open_socket(0);
    struct web_client listens = open_socket(0);
    struct tg_conn conn = join_as(&speaks, t.merch, NULL);
    int code;

    (void)state;
    (void)join_as(&listens, t.merch, NULL);
    assert_int_equal(tg_registry_token_del(t.reg, "t2"), TG_OK);
    web_ws_send(&speaks, "{\"op\":\"price\",\"id\":\"x\",\"sku\":\"A\",\"amount\":1}");
    assert_contains(web_ws_read(&speaks, &code), "\"code\":\"unauthorized\"");
    assert_null(take(t.sale, 50)); /* nothing was done with it */
    assert_string_equal(web_ws_read(&speaks, &code), "");
    assert_int_equal(code, 1008);
    expect_leave(conn);
    assert_string_equal(web_ws_read(&listens, &code), ""); /* it hears nothing more either */
    assert_int_equal(code, 1008);
    web_close(&speaks);
    web_close(&listens);
}

static void test_ws_cookie_of_our_page_and_resume(void **state)
{
    struct web_client c = web_open(t.port, 0);
    char headers[256];
    char secret[TG_TOKEN_SIZE];
    char person[TG_PERSON_SIZE];
    struct tg_person who;

    (void)state;
    tg_str_printf(headers, sizeof(headers),
                  "%sOrigin: http://torg.test\r\nCookie: torg_session=%s\r\n", v1, t.merch);
    assert_int_equal(web_ws_open(&c, "/ws/demo", headers).status, 101);
    (void)join_as(&c, "", &who);
    assert_string_equal(who.id, "s2");
    web_close(&c);
    c = web_open(t.port, 0);
    tg_str_printf(headers, sizeof(headers),
                  "%sOrigin: https://shop.example\r\nCookie: torg_session=%s\r\n", v1, t.merch);
    assert_int_equal(web_ws_open(&c, "/ws/demo", headers).status, 101);
    (void)join_as(&c, "", &who);
    assert_int_equal(who.id[0], 'p');
    web_close(&c);
    c = open_socket(0);
    tg_resume_mint(secret);
    assert_int_equal(tg_resume_person(person, secret, strlen(secret)), TG_OK);
    (void)join_as(&c, secret, &who);
    assert_string_equal(who.id, person);
    web_close(&c);
}

static void test_ws_five_bad_frames_close_with_1008(void **state)
{
    static char big[20000];
    struct web_client c = open_socket(0);
    int code = 0;

    (void)state;
    memset(big, ' ', sizeof(big));
    web_ws_send(&c, "{nonsense");
    assert_contains(web_ws_read(&c, &code), "\"code\":\"bad_request\"");
    web_ws_send(&c, "{\"op\":\"chat\",\"id\":\"c\",\"text\":\"hei\"}"); /* before join */
    assert_contains(web_ws_read(&c, &code), "join");
    web_ws_send_frame(&c, 0x81, big, sizeof(big));
    assert_contains(web_ws_read(&c, &code), "16384");
    web_ws_send_frame(&c, 0x82, "{}", 2);
    assert_contains(web_ws_read(&c, &code), "text frames");
    web_ws_send(&c, "{\"op\":\"buy\",\"id\":\"b\",\"qty\":\"one\"}");
    assert_contains(web_ws_read(&c, &code), "\"field\":");
    assert_string_equal(web_ws_read(&c, &code), "");
    assert_int_equal(code, 1008);
    web_close(&c);
}

static void test_ws_fragments_make_one_message(void **state)
{
    struct web_client c = open_socket(0);
    struct tg_sale_req *req;

    (void)state;
    web_ws_send_frame(&c, 0x01, "{\"op\":", 6);
    web_ws_send_frame(&c, 0x89, "ping", 4); /* control frames come in between */
    web_ws_send_frame(&c, 0x00, "\"jo", 3);
    web_ws_send_frame(&c, 0x80, "in\"}", 4);
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_JOIN);
    tg_msg_free(req);
    web_close(&c);
}

static void test_ws_casts_reach_their_audience_in_order(void **state)
{
    struct web_client viewer = open_socket(0);
    struct web_client staff = open_socket(0);
    char got[1024] = "";
    int code;

    (void)state;
    (void)join_as(&viewer, "", NULL);
    (void)join_as(&staff, t.merch, NULL);
    post_cast(TG_AUDIENCE_STAFF, "{\"n\":1}");
    post_cast(TG_AUDIENCE_ALL, "{\"n\":2}");
    post_cast(TG_AUDIENCE_VIEWERS, "{\"n\":3}");
    post_cast(TG_AUDIENCE_ALL, "{\"n\":4}");
    while (strstr(got, "{\"n\":4}") == NULL)
        tg_str_printf(got + strlen(got), sizeof(got) - strlen(got), "%s",
                      web_ws_read(&viewer, &code));
    assert_null(strstr(got, "{\"n\":1}"));
    assert_true(strstr(got, "{\"n\":2}") < strstr(got, "{\"n\":3}"));
    assert_true(strstr(got, "{\"n\":3}") < strstr(got, "{\"n\":4}"));
    got[0] = '\0';
    while (strstr(got, "{\"n\":4}") == NULL)
        tg_str_printf(got + strlen(got), sizeof(got) - strlen(got), "%s",
                      web_ws_read(&staff, &code));
    assert_non_null(strstr(got, "{\"n\":1}"));
    assert_null(strstr(got, "{\"n\":3}"));
    web_close(&viewer);
    web_close(&staff);
}

static void test_ws_person_gets_own_events_on_all_devices(void **state)
{
    char secret[TG_TOKEN_SIZE];
    struct tg_person who;
    struct web_client phone = open_socket(0);
    struct web_client desktop = open_socket(0);
    size_t count;
    struct tg_mailbox *const *boxes = tg_web_mailboxes(t.web, &count);
    int code;

    (void)state;
    tg_resume_mint(secret);
    (void)join_as(&phone, secret, &who);
    (void)join_as(&desktop, secret, NULL);
    for (size_t i = 0; i < count; i++) {
        struct tg_web_person *msg = tg_msg_new(TG_MSG_WEB_PERSON, sizeof(*msg));

        tg_str_printf(msg->person, sizeof(msg->person), "%s", who.id);
        msg->json = tg_slab_copy("{\"ev\":\"cart\"}", 13);
        assert_int_equal(tg_mailbox_post(boxes[i], msg), TG_OK);
    }
    assert_string_equal(web_ws_read(&phone, &code), "[{\"ev\":\"cart\"}]");
    assert_string_equal(web_ws_read(&desktop, &code), "[{\"ev\":\"cart\"}]");
    web_close(&phone);
    web_close(&desktop);
}

static void test_ws_client_that_does_not_read_is_cut_with_1013(void **state)
{
    static char big[8000];
    struct web_client lazy = open_socket(4096);
    struct web_client good = open_socket(0);
    int64_t before = tg_metric_get(TG_M_ws_cut_slow_total);
    int code = 0;

    (void)state;
    (void)join_as(&lazy, "", NULL);
    (void)join_as(&good, "", NULL);
    memset(big, 'z', sizeof(big) - 1);
    big[0] = '"';
    big[sizeof(big) - 2] = '"';
    for (int i = 0; i < 3000 && tg_metric_get(TG_M_ws_cut_slow_total) == before; i++) {
        post_cast(TG_AUDIENCE_ALL, big);
        if (i % 8 == 7) {
            tg_mailbox_wait(t.live, 25 * TG_US_PER_MS); /* a tick */
            assert_non_null(web_ws_read(&good, &code));
        }
    }
    assert_int_equal(tg_metric_get(TG_M_ws_cut_slow_total), before + 1);
    while (code == 0 && web_ws_read(&lazy, &code) != NULL) /* reads at last */
        continue;
    assert_int_equal(code, 1013);
    web_ws_send(&good, "{\"op\":\"ping\",\"id\":\"alive\"}");
    while (strstr(web_ws_read(&good, &code), "alive") == NULL)
        assert_int_equal(code, 0);
    web_close(&lazy);
    web_close(&good);
}

static void test_ws_full_mailbox_is_busy(void **state)
{
    struct web_client c = open_socket(0);
    int code;
    int busy = 0;

    (void)state;
    (void)join_as(&c, "", NULL);
    for (int i = 0; i < 70; i++)
        web_ws_send(&c, "{\"op\":\"buy\",\"id\":\"b1\",\"sku\":\"A\",\"qty\":1}");
    web_ws_send(&c, "{\"op\":\"ping\",\"id\":\"end\"}");
    for (;;) {
        const char *text = web_ws_read(&c, &code);

        assert_non_null(text);
        for (const char *at = text; (at = strstr(at, "\"code\":\"busy\"")) != NULL; at++)
            busy++;
        if (strstr(text, "end") != NULL)
            break;
    }
    assert_int_equal(busy, 6); /* the box holds 64 */
    web_close(&c);
}

static void test_ws_rates_without_trust(void **state)
{
    struct web_client c;
    int code;
    const char *text = "";

    (void)state;
    stop_web();
    start_web(NULL, 0, 1);
    c = open_socket(0);
    (void)join_as(&c, "", NULL);
    for (int i = 0; i < 12; i++)
        web_ws_send(&c, "{\"op\":\"chat\",\"id\":\"c1\",\"text\":\"spam\"}");
    text = web_ws_read(&c, &code);
    assert_contains(text, "\"code\":\"rate\"");
    assert_contains(text, "\"retry_ms\":");
    web_close(&c);
}

static void test_ws_cut_and_stop(void **state)
{
    struct web_client a = open_socket(0);
    struct web_client b = open_socket(0);
    struct tg_conn conn = join_as(&a, "", NULL);
    struct tg_web_cut *cut = tg_msg_new(TG_MSG_WEB_CUT, sizeof(*cut));
    int code = 0;

    (void)state;
    cut->conn = conn;
    cut->code = 4003;
    assert_int_equal(tg_mailbox_post(conn.mb, cut), TG_OK);
    assert_string_equal(web_ws_read(&a, &code), "");
    assert_int_equal(code, 4003);
    tg_web_stop(t.web);
    assert_string_equal(web_ws_read(&b, &code), "");
    assert_int_equal(code, 1012);
    web_close(&a);
    web_close(&b);
}

static void test_self_signed_tls_starts(void **state)
{
    static const char *const none[1] = {NULL};
    char dir[] = "/tmp/torg-api-XXXXXX";
    char path[64];
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = 2, .registry = t.reg};
    struct tg_web *web = NULL;
    const char *key = NULL;

    (void)state;
    (void)none;
    assert_non_null(mkdtemp(dir));
    cfg.tls_self_signed = true;
    cfg.data_dir = dir;
    for (int again = 0; again < 2; again++) { /* the second time it is found */
        struct tg_web_peers peers = {t.live, t.sale, t.read, 1, t.rtc, RTC};

        assert_int_equal(tg_web_new(&web, &cfg, &key), TG_OK);
        assert_true(tg_web_is_tls(web));
        assert_int_equal(tg_web_start(web, &peers), TG_OK);
        tg_str_printf(path, sizeof(path), "curl -sk --max-time 5 https://127.0.0.1:%u/healthz",
                      tg_web_port(web));
        FILE *curl = popen(path, "r");
        char text[16] = "";

        assert_non_null(curl);
        assert_true(fread(text, 1, sizeof(text) - 1, curl) < sizeof(text));
        (void)pclose(curl);
        assert_string_equal(text, "ok\n");
        tg_web_stop(web);
        tg_web_free(web);
    }
    cfg.tls_self_signed = false;
    cfg.tls_cert = "/nonexistent.crt";
    cfg.tls_key = "/nonexistent.key";
    assert_int_equal(tg_web_new(&web, &cfg, &key), TG_ERR_IO);
    assert_string_equal(key, "http.tls");
    tg_str_printf(path, sizeof(path), "%s/tls-self.key", dir);
    assert_int_equal(unlink(path), 0);
    tg_str_printf(path, sizeof(path), "%s/tls-self.crt", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_start_stop_many_times(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct web_client c = open_socket(0);

        if (i % 2 == 0)
            (void)join_as(&c, "", NULL);
        stop_web();
        start_web(NULL, 0, 2);
        web_close(&c);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_http_pages_and_files),
        CASE(test_http_unknown_path_and_method),
        CASE(test_http_body_limits),
        CASE(test_http_refused_body_keeps_the_connection),
        CASE(test_http_expect_continue_is_told_to_go_on),
        CASE(test_http_keep_alive_and_pipelining),
        CASE(test_http_odd_requests_do_no_harm),
        CASE(test_http_long_headers_end_the_connection),
        CASE(test_http_foreign_origin_is_refused),
        CASE(test_http_roles_of_each_endpoint),
        CASE(test_http_product_filters_and_languages),
        CASE(test_http_queries_are_text),
        CASE(test_http_waiting_is_the_channels_operation),
        CASE(test_http_orders_say_who_asks),
        CASE(test_http_sandbox_payment_reaches_sale),
        CASE(test_http_tokens_and_shows_are_made_by_sale),
        CASE(test_http_codes_and_prices_reach_sale),
        CASE(test_http_session_cookie_needs_our_origin),
        CASE(test_http_health_ready_metrics),
        CASE(test_http_strangers_behind_a_proxy_are_not_loopback),
        CASE(test_http_full_mailbox_is_busy),
        CASE(test_http_unanswered_request_times_out),
        CASE(test_http_rate_limit_without_trust),
        CASE(test_workers_share_a_port_and_nobody_else_does),
        CASE(test_whep_offer_patch_delete),
        CASE(test_whep_bad_requests),
        CASE(test_whep_client_that_gives_up_leaves_no_session),
        CASE(test_ws_handshake_refusals),
        CASE(test_ws_join_ops_and_leave),
        CASE(test_ws_what_follows_join_waits_for_it),
        CASE(test_ws_closed_while_joining_leaves_after_the_join),
        CASE(test_ws_roles_and_tokens),
        CASE(test_ws_revoked_token_ends_its_sockets),
        CASE(test_ws_cookie_of_our_page_and_resume),
        CASE(test_ws_five_bad_frames_close_with_1008),
        CASE(test_ws_fragments_make_one_message),
        CASE(test_ws_casts_reach_their_audience_in_order),
        CASE(test_ws_person_gets_own_events_on_all_devices),
        CASE(test_ws_client_that_does_not_read_is_cut_with_1013),
        CASE(test_ws_full_mailbox_is_busy),
        CASE(test_ws_rates_without_trust),
        CASE(test_ws_cut_and_stop),
        CASE(test_self_signed_tls_starts),
        CASE(test_start_stop_many_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
