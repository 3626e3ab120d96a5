/*
 * test_api_routes.c - every row of the table of routes, asked by somebody whom nobody trusts: each
 * has a limit, each POST that must not be done twice asks for its key, none ends the server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/auth.h"
#include "api/req.h"
#include "api/web.h"
#include "base/str.h"
#include "base/thread.h"
#include "msg/web.h"
#include "support/lib/schema.h"
#include "support/lib/web_client.h"

enum { BOXES = 4 }; /* live, sale, read, rtc */

static struct {
    struct tg_registry *reg;
    struct tg_web *web;
    struct tg_mailbox *boxes[BOXES];
    struct tg_thread *thread;
    atomic_bool stop;
    uint16_t port;
    char admin[TG_TOKEN_SIZE];
    const char *trusted;
} t;

static bool ready(void *ctx)
{
    (void)ctx;
    return true;
}

static void answer(const struct tg_conn *conn)
{
    struct tg_web_reply *reply;

    if (conn->mb == NULL)
        return;
    reply = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*reply));
    assert_non_null(reply);
    reply->conn = *conn;
    reply->status = 204;
    (void)tg_mailbox_post_reply(conn->mb, reply); /* closed: the test is over */
}

static void take(struct tg_mailbox *mb)
{
    void *msgs[16];
    size_t count = tg_mailbox_take(mb, msgs, TG_ARRAY_LEN(msgs));

    for (size_t i = 0; i < count; i++) {
        const struct tg_msg *head = msgs[i];

        if (head->kind == TG_MSG_SALE_REQ)
            answer(&((const struct tg_sale_req *)msgs[i])->conn);
        else if (head->kind == TG_MSG_READ_REQ)
            answer(&((const struct tg_read_req *)msgs[i])->conn);
        tg_msg_free(msgs[i]);
    }
}

/* The threads behind the API: whatever it is, it was done. */
static void others(void *ctx)
{
    (void)ctx;
    while (!atomic_load(&t.stop)) {
        for (int i = 0; i < BOXES; i++)
            take(t.boxes[i]);
        tg_mailbox_wait(t.boxes[1], TG_US_PER_MS);
    }
}

static int set_up_from(const char *trusted)
{
    struct tg_show_info show = {.ord = 0, .id = "demo", .title = "Demo", .state = TG_SHOW_LIVE};
    struct tg_token_info info = {.ordinal = 1, .roles = TG_ROLE_ADMIN, .id = "t1"};
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = 1, .sandbox = true};
    struct tg_web_peers peers = {.read_count = 1};
    const char *key = NULL;

    t.trusted = trusted;
    cfg.trusted_networks = (struct tg_texts){.items = &t.trusted, .count = trusted == NULL ? 0 : 1};
    assert_int_equal(tg_registry_new(&t.reg), TG_OK);
    assert_int_equal(tg_registry_show_put(t.reg, &show), TG_OK);
    tg_token_mint(t.admin, info.hash);
    info.expires_wall_us = TG_US_NEVER;
    assert_int_equal(tg_registry_token_put(t.reg, &info), TG_OK);
    for (int i = 0; i < BOXES; i++)
        assert_int_equal(tg_mailbox_new(&t.boxes[i], 1024, tg_msg_free), TG_OK);
    peers.live = t.boxes[0];
    peers.sale = t.boxes[1];
    peers.read = &t.boxes[2];
    cfg.registry = t.reg;
    cfg.ready = ready;
    assert_int_equal(tg_web_new(&t.web, &cfg, &key), TG_OK);
    t.port = tg_web_port(t.web);
    assert_int_equal(tg_web_start(t.web, &peers), TG_OK);
    atomic_store(&t.stop, false);
    assert_int_equal(tg_thread_start(&t.thread, "others", others, NULL), TG_OK);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_from(NULL);
}

/* Somebody who may ask as often as they like. */
static int set_up_trusted(void **state)
{
    (void)state;
    return set_up_from("127.0.0.1/32");
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&t.stop, true);
    tg_mailbox_wake(t.boxes[1]);
    tg_thread_join(t.thread);
    tg_web_stop(t.web);
    tg_web_free(t.web);
    for (int i = 0; i < BOXES; i++)
        tg_mailbox_free(t.boxes[i]);
    tg_registry_free(t.reg);
    return 0;
}

static const char *method_name(enum tg_method method)
{
    static const char *const names[TG_METHOD_COUNT] = {"GET",   "HEAD",   "POST",   "PUT",
                                                       "PATCH", "DELETE", "OPTIONS"};

    return names[method];
}

/* "POST /api/v1/orders/x/cancel" of a row: each parameter is "x", shows are there. */
static void line_of(char out[160], enum tg_method method, const char *pattern)
{
    size_t at;

    tg_str_printf(out, 160, "%s ", method_name(method));
    at = strlen(out);
    while (*pattern != '\0') {
        const char *put = "x";
        size_t len = strcspn(pattern, "{*");

        memcpy(out + at, pattern, len);
        at += len;
        pattern += len;
        if (*pattern == '\0')
            break;
        if (strncmp(pattern, "{show}", 6) == 0)
            put = "demo";
        memcpy(out + at, put, strlen(put));
        at += strlen(put);
        pattern += *pattern == '*' ? 1 : strcspn(pattern, "}") + 1;
    }
    out[at] = '\0';
}

/* One request on a connection of its own; `headers` may be "". */
static struct web_answer ask(struct web_client *c, enum tg_method method, const char *pattern,
                             const char *headers)
{
    bool body = method == TG_POST || method == TG_PUT || method == TG_PATCH;
    char line[160];
    char all[512];

    line_of(line, method, pattern);
    (void)snprintf(all, sizeof(all), "%s%s", headers,
                   body ? "Content-Type: application/json\r\n" : "");
    *c = web_open(t.port, 0);
    return web_ask(c, line, all, body ? "{}" : NULL);
}

static int status_of(enum tg_method method, const char *pattern, const char *headers)
{
    struct web_client c;
    int status = ask(&c, method, pattern, headers).status;

    web_close(&c);
    return status;
}

static void test_routes_once_each_from_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < tg_route_count; i++) {
        const struct tg_route *r = &tg_routes[i];
        int status = status_of(r->method, r->pattern, "");

        if (status < 200 || status > 599 || status == 500)
            fail_msg("%s %s: %d", method_name(r->method), r->pattern, status);
        assert_true(tg_address_rates[r->rate].per_min > 0 && tg_address_rates[r->rate].burst > 0);
    }
    assert_int_equal(status_of(TG_GET, "/healthz", ""), 200);
}

/* A row of the class that is answered by the worker alone: OPTIONS where it comes first. */
static void use_up(enum tg_rate_class rate)
{
    const struct tg_route *row = NULL;
    bool options = false;
    char line[160];
    struct web_client c = web_open(t.port, 0);

    for (size_t i = 0; i < tg_route_count && !options; i++) {
        if (tg_routes[i].rate != rate)
            continue;
        row = &tg_routes[i];
        options = i == 0 || strcmp(tg_routes[i - 1].pattern, row->pattern) != 0;
    }
    assert_non_null(row);
    line_of(line, options ? TG_OPTIONS : row->method, row->pattern);
    for (uint32_t n = 0; n <= tg_address_rates[rate].burst * 2; n++) {
        struct web_answer a = web_ask(&c, line, "", options ? NULL : "");

        if (a.status == 429) {
            assert_true(web_has(&a, "Retry-After", ""));
            web_close(&c);
            return;
        }
        if (a.status == 0) {
            web_close(&c);
            c = web_open(t.port, 0);
        }
    }
    fail_msg("class %d has no end: %s", (int)rate, line);
}

static void test_routes_have_an_end(void **state)
{
    bool used[TG_RATE_COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < tg_route_count; i++) {
        const struct tg_route *r = &tg_routes[i];
        struct web_client c;
        struct web_answer a;

        if (!used[r->rate])
            use_up(r->rate);
        used[r->rate] = true;
        a = ask(&c, r->method, r->pattern, "");
        for (int again = 0; a.status != 429 && again < 5; again++) { /* time went on */
            web_close(&c);
            use_up(r->rate);
            a = ask(&c, r->method, r->pattern, "");
        }
        if (a.status != 429)
            fail_msg("%s %s: %d", method_name(r->method), r->pattern, a.status);
        web_close(&c);
    }
}

/* What may be done twice, and why. */
static bool harmless(const char *pattern)
{
    static const char *const rows[] = {
        "/api/v1/session",                         /* a cookie */
        "/api/v1/session/code",                    /* a picture that ends by itself */
        "/api/v1/shows",                           /* the second is refused: the id is taken */
        "/api/v1/exports",                         /* one more file, which goes by itself */
        "/api/v1/carts/mine/merge",                /* the second finds nothing to take over */
        "/api/v1/shows/{show}/items/{sku}/window", /* open is open */
        "/api/v1/webhooks/{webhook}/rotate", /* one more secret, the old ones sign for a day */
        "/api/v1/webhooks/{webhook}/ping",   /* receivers know messages by their id */
        "/api/v1/webhooks/{webhook}/replay",
        "/api/v1/webhooks/{webhook}/deliveries/{message}/replay",
    };

    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i], pattern) == 0)
            return true;
    return strncmp(pattern, "/api/", 5) != 0; /* video */
}

static void test_routes_that_make_or_move_need_a_key(void **state)
{
    char headers[160];
    char bad[200];

    (void)state;
    (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", t.admin);
    (void)snprintf(bad, sizeof(bad), "%sIdempotency-Key: not a key\r\n", headers);
    for (size_t i = 0; i < tg_route_count; i++) {
        const struct tg_route *r = &tg_routes[i];
        bool keyed = (r->flags & TG_ROUTE_IDEMPOTENT) != 0;
        struct web_client c;
        struct web_answer a;

        if (r->method != TG_POST)
            continue;
        if (keyed == harmless(r->pattern))
            fail_msg("%s: %s", r->pattern, keyed ? "needs no key" : "needs a key");
        if (!keyed)
            continue;
        a = ask(&c, TG_POST, r->pattern, headers);
        if (a.status != 400 || strstr(a.body, "\"field\":\"Idempotency-Key\"") == NULL)
            fail_msg("%s without a key: %d %s", r->pattern, a.status, a.body);
        web_close(&c);
        assert_int_equal(status_of(TG_POST, r->pattern, bad), 400);
    }
}

/* As on the show channel: a person has less than the address, whose other people go on. */
static void test_routes_limit_persons(void **state)
{
    char secret[TG_TOKEN_SIZE];
    char headers[192];
    struct web_client c;
    int status = 0;
    uint32_t n;

    (void)state;
    assert_true(tg_person_rates[TG_RATE_BUY].burst < tg_address_rates[TG_RATE_BUY].burst / 2);
    for (int person = 0; person < 2; person++) {
        tg_resume_mint(secret);
        (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", secret);
        for (n = 0; status != 429 && n < tg_address_rates[TG_RATE_BUY].burst; n++) {
            struct web_answer a = ask(&c, TG_POST, "/api/v1/orders", headers);

            status = a.status;
            assert_true(status == 400 || status == 429);
            if (status == 429)
                assert_true(web_has(&a, "Retry-After", ""));
            web_close(&c);
        }
        assert_int_equal(status, 429);
        assert_in_range(n, tg_person_rates[TG_RATE_BUY].burst,
                        tg_person_rates[TG_RATE_BUY].burst + 5);
        status = 0;
    }
}

/* --- what is sent along, and what openapi.json says of it --- */

struct oddity {
    const char *query;
    const char *header;
    uint32_t flags;    /* whose routes refuse it */
    const char *field; /* ... and name this */
};

static void check_oddity(const json_t *operation, const struct tg_route *r, const char *who,
                         const struct oddity *odd)
{
    bool needed = (r->flags & odd->flags) != 0;
    char pattern[160];
    char headers[256];
    char status[8];
    char field[48];
    struct web_client c;
    struct web_answer a;
    bool named;

    (void)snprintf(pattern, sizeof(pattern), "%s%s", r->pattern, odd->query);
    (void)snprintf(headers, sizeof(headers), "%s%s", who, odd->header);
    a = ask(&c, r->method, pattern, headers);
    (void)snprintf(status, sizeof(status), "%d", a.status);
    (void)snprintf(field, sizeof(field), "\"field\":\"%s\"", odd->field);
    /* 204: the threads behind did it. */
    if (a.status != 204 && json_object_get(json_object_get(operation, "responses"), status) == NULL)
        fail_msg("openapi.json does not say that %s %s may answer %s: %s", method_name(r->method),
                 pattern, status, a.body);
    named = a.status == 400 && strstr(a.body, field) != NULL;
    if (a.status == 401 || a.status == 403)
        needed = false; /* whoever may not ask is not told what is wrong */
    if (named != needed)
        fail_msg("%s %s with %s: %d %s", method_name(r->method), pattern, odd->header, a.status,
                 a.body);
    web_close(&c);
}

static void test_routes_answer_oddities_as_described(void **state)
{
    static const struct oddity odd[] = {
        {"?lang=!", "Idempotency-Key: k1\r\n", TG_ROUTE_LANG, "lang"},
        {"?lang=nb", "Idempotency-Key: k1\r\nAccept-Language: !\r\n", 0, "lang"},
        {"?limit=x&cursor=x", "Idempotency-Key: k1\r\n", TG_ROUTE_LIST, "limit"},
        {"", "Idempotency-Key: not a key\r\n", TG_ROUTE_IDEMPOTENT | TG_ROUTE_KEY_TAKEN,
         "Idempotency-Key"},
    };
    struct schema_doc *doc = schema_load("openapi");
    char admin[160];
    char secret[TG_TOKEN_SIZE];
    char viewer[160];
    const char *who[] = {"", viewer, admin};
    const json_t *paths;

    (void)state;
    assert_non_null(doc);
    paths = json_object_get(schema_root(doc), "paths");
    tg_resume_mint(secret);
    (void)snprintf(viewer, sizeof(viewer), "Authorization: Bearer %s\r\n", secret);
    (void)snprintf(admin, sizeof(admin), "Authorization: Bearer %s\r\n", t.admin);
    for (size_t i = 0; i < tg_route_count * TG_ARRAY_LEN(odd) * TG_ARRAY_LEN(who); i++) {
        const struct tg_route *r = &tg_routes[i / TG_ARRAY_LEN(odd) / TG_ARRAY_LEN(who)];
        char lower[8] = "";
        const json_t *operation;

        for (size_t at = 0; method_name(r->method)[at] != '\0'; at++)
            lower[at] = (char)(method_name(r->method)[at] | 0x20);
        operation = json_object_get(json_object_get(paths, r->pattern), lower);
        if (operation != NULL && strncmp(r->pattern, "/api/", 5) == 0)
            check_oddity(operation, r, who[i % TG_ARRAY_LEN(who)],
                         &odd[i / TG_ARRAY_LEN(who) % TG_ARRAY_LEN(odd)]);
    }
    schema_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_routes_once_each_from_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_routes_have_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_routes_that_make_or_move_need_a_key, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_routes_limit_persons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_routes_answer_oddities_as_described, set_up_trusted,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
