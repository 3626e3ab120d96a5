/*
 * test_api_rtc.c - WHIP and WHEP on the HTTP side, and one-time codes: real web workers on a free
 * port, fake rtc workers and a fake sale behind the mailboxes, raw sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "api/ice_link.h"
#include "api/web.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "msg/rtc.h"
#include "msg/sale.h"
#include "msg/web.h"
#include "support/lib/schema.h"
#include "support/lib/web_client.h"

enum { RTC = 2 };

static struct {
    struct tg_registry *reg;
    struct tg_web *web;
    struct tg_mailbox *live;
    struct tg_mailbox *sale;
    struct tg_mailbox *read[1];
    struct tg_mailbox *rtc[RTC];
    uint16_t port;
    struct schema_doc *openapi;
    char admin[TG_TOKEN_SIZE];
    char host[TG_TOKEN_SIZE];  /* of demo */
    char other[TG_TOKEN_SIZE]; /* host of the show other */
    char merch[TG_TOKEN_SIZE]; /* merchandiser and moderator of demo */
    char mod[TG_TOKEN_SIZE];   /* moderator of demo */
    char key[TG_TOKEN_SIZE];   /* stream key of demo */
    char viewer[TG_TOKEN_SIZE];
} t;

static void add_show(uint16_t ord, const char *id)
{
    struct tg_show_info show = {.ord = ord, .state = TG_SHOW_LIVE, .epoch_us = 1000 + ord};

    tg_str_printf(show.id, sizeof(show.id), "%s", id);
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

static void start_web(bool trusted, const struct tg_texts *ice, const char *secret,
                      const char *base_url)
{
    static const char *const loopback[] = {"loopback"};
    static const char *const embed[] = {"https://shop.example"};
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = 1, .registry = t.reg};
    struct tg_web_peers peers = {t.live, t.sale, t.read, 1, t.rtc, RTC};
    const char *key = NULL;

    cfg.trusted_networks = (struct tg_texts){loopback, trusted ? 1 : 0};
    cfg.embed_origins = (struct tg_texts){embed, 1};
    cfg.base_url = base_url;
    if (ice != NULL)
        cfg.ice_servers = *ice;
    cfg.turn_secret = secret;
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
    (void)state;
    t.openapi = schema_load("openapi");
    assert_non_null(t.openapi);
    assert_int_equal(tg_registry_new(&t.reg), TG_OK);
    add_show(0, "other");
    add_show(1, "demo");
    add_token(t.admin, 1, TG_ROLE_ADMIN, -1, false);
    add_token(t.host, 2, TG_ROLE_HOST, 1, false);
    add_token(t.other, 3, TG_ROLE_HOST, 0, false);
    add_token(t.merch, 4, TG_ROLE_MERCHANDISER | TG_ROLE_MODERATOR | TG_ROLE_ADVISOR, 1, false);
    add_token(t.mod, 5, TG_ROLE_MODERATOR, 1, false);
    add_token(t.key, 6, TG_ROLE_HOST, 1, true);
    tg_resume_mint(t.viewer);
    assert_int_equal(tg_mailbox_new(&t.live, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.sale, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.read[0], 64, tg_msg_free), TG_OK);
    for (int i = 0; i < RTC; i++)
        assert_int_equal(tg_mailbox_new(&t.rtc[i], 64, tg_msg_free), TG_OK);
    start_web(true, NULL, NULL, NULL);
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
    schema_free(t.openapi);
    return 0;
}

static void *take(struct tg_mailbox *mb, int wait_ms)
{
    tg_us until = tg_clock_mono() + (tg_us)wait_ms * TG_US_PER_MS;
    void *msg = NULL;

    while (tg_mailbox_take(mb, &msg, 1) == 0 && tg_clock_mono() < until)
        tg_mailbox_wait(mb, 10 * TG_US_PER_MS);
    return msg;
}

static struct tg_rtc_req *take_rtc(void)
{
    for (int tries = 0; tries < 200; tries++) {
        struct tg_rtc_req *req = take(t.rtc[tries % RTC], 10);

        if (req != NULL)
            return req;
    }
    fail_msg("no rtc worker was asked");
    return NULL;
}

static void nobody_was_asked(void)
{
    for (int i = 0; i < RTC; i++)
        assert_null(take(t.rtc[i], 1));
    assert_null(take(t.sale, 1));
}

struct rtc_answer {
    tg_err err;
    const char *detail;
    const char *session;
    const char *publisher;
    const char *sdp;
};

static void answer_rtc(struct tg_rtc_req *req, struct rtc_answer a)
{
    struct tg_rtc_reply *msg = tg_msg_new(TG_MSG_RTC_REPLY, sizeof(*msg));

    msg->conn = req->conn;
    msg->what = req->what;
    msg->show = req->show;
    msg->err = a.err;
    tg_str_printf(msg->session, sizeof(msg->session), "%s", a.session == NULL ? "" : a.session);
    tg_str_printf(msg->etag, sizeof(msg->etag), "e2");
    tg_str_printf(msg->detail, sizeof(msg->detail), "%s", a.detail == NULL ? "" : a.detail);
    tg_str_printf(msg->publisher, sizeof(msg->publisher), "%s",
                  a.publisher == NULL ? "" : a.publisher);
    if (a.sdp != NULL)
        msg->sdp = tg_slab_copy(a.sdp, strlen(a.sdp));
    assert_int_equal(tg_mailbox_post_reply(req->conn.mb, msg), TG_OK);
    tg_msg_free(req);
}

/* The request's text; headers end with \r\n each; token "" = none. Static memory. */
static const char *request(const char *line, const char *token, const char *headers,
                           const char *body)
{
    static char text[4096];
    char auth[128] = "";
    char length[48] = "";

    if (token[0] != '\0')
        tg_str_printf(auth, sizeof(auth), "Authorization: Bearer %s\r\n", token);
    if (body != NULL)
        tg_str_printf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    tg_str_printf(text, sizeof(text), "%s HTTP/1.1\r\nHost: torg.test\r\n%s%s%s\r\n%s", line, auth,
                  headers, length, body == NULL ? "" : body);
    return text;
}

/* Ask on a fresh connection; every problem must be as openapi.json says. */
static struct web_answer ask(const char *line, const char *token, const char *headers,
                             const char *body)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a;
    char why[256];

    web_send_text(&c, request(line, token, headers, body));
    a = web_read_answer(&c, strncmp(line, "HEAD", 4) == 0);
    web_close(&c);
    if (a.status >= 400 && strncmp(line, "HEAD", 4) != 0) {
        assert_true(web_has(&a, "Content-Type", "application/problem+json"));
        if (!schema_check(t.openapi, "Problem", a.body, a.body_len, why))
            fail_msg("%s: %s: %s", line, a.body, why);
    }
    return a;
}

static int status(const char *line, const char *token, const char *headers, const char *body)
{
    return ask(line, token, headers, body).status;
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("\"%s\" is not in: %s", (part), (text));                                      \
    } while (0)

static const char sdp[] = "Content-Type: application/sdp\r\n";
static const char frag[] = "Content-Type: application/trickle-ice-sdpfrag\r\n";
static const char json[] = "Content-Type: application/json\r\n";

/* --- WHIP ------------------------------------------------------------------------------------- */

static void test_whip_offer_becomes_a_session(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_rtc_req *req;
    struct web_answer a;

    (void)state;
    web_send_text(&c, request("POST /whip/demo", t.key, sdp, "v=0\r\n"));
    req = take_rtc();
    assert_int_equal(req->what, TG_RTC_WHIP_OFFER);
    assert_int_equal(req->show, 1);
    assert_int_equal(req->epoch_us, 1001);
    assert_string_equal(req->token, "t6");
    assert_memory_equal(req->sdp->data, "v=0\r\n", 5);
    answer_rtc(req, (struct rtc_answer){.session = "1.abc", .publisher = "w1-7", .sdp = "v=0 an"});
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 201);
    assert_string_equal(a.body, "v=0 an");
    assert_true(web_has(&a, "Location", "/whip/demo/1.abc\r\n"));
    assert_true(web_has(&a, "ETag", "\"e2\"\r\n"));
    assert_true(web_has(&a, "Content-Type", "application/sdp\r\n"));
    assert_true(web_has(&a, "Torg-Publisher", "w1-7\r\n"));
    assert_true(web_has(&a, "Cache-Control", "no-store"));
    assert_false(web_has(&a, "Link", ""));
    web_close(&c);
}

/* nobody, viewer, unknown, stream key, host, host of another show, merchandiser, admin */
static void test_whip_is_for_stream_keys_and_hosts_of_the_show(void **state)
{
    const char *const who[] = {"",     t.viewer, "tg_unknown", t.key,
                               t.host, t.other,  t.merch,      t.admin};
    static const struct {
        const char *line;
        const char *headers;
        const char *body;
        int expect[8];
    } rows[] = {
        /* 415, 404: let in, and then refused for what they sent */
        {"POST /whip/demo", json, "x", {401, 403, 401, 415, 415, 403, 403, 415}},
        {"POST /whip/nosuch", sdp, "x", {401, 403, 401, 404, 404, 404, 403, 404}},
        {"PATCH /whip/demo/0.x", sdp, "x", {401, 403, 401, 415, 415, 403, 403, 415}},
        {"DELETE /whip/demo/nodot", "", NULL, {401, 403, 401, 404, 404, 403, 403, 404}},
        {"GET /whip/demo", "", NULL, {204, 204, 401, 204, 204, 204, 204, 204}},
        {"GET /whip/demo/0.x", "", NULL, {204, 204, 401, 204, 204, 204, 204, 204}},
        {"POST /whip", sdp, "x", {401, 403, 401, 307, 307, 307, 403, 404}},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < TG_ARRAY_LEN(who); k++) {
            struct web_answer a = ask(rows[i].line, who[k], rows[i].headers, rows[i].body);

            if (a.status != rows[i].expect[k])
                fail_msg("%s by %zu: %d, not %d", rows[i].line, k, a.status, rows[i].expect[k]);
            if (a.status == 401)
                assert_true(web_has(&a, "WWW-Authenticate",
                                    k == 0 ? "Bearer\r\n" : "Bearer error=\"invalid_token\"\r\n"));
        }
    }
    nobody_was_asked();
}

static void test_whip_cookie_counts_on_our_own_pages_only(void **state)
{
    char headers[256];

    (void)state;
    tg_str_printf(headers, sizeof(headers),
                  "Origin: http://torg.test\r\nCookie: torg_session=%s\r\n%s", t.host, json);
    assert_int_equal(status("POST /whip/demo", "", headers, "x"), 415);
    tg_str_printf(headers, sizeof(headers),
                  "Origin: https://shop.example\r\nCookie: torg_session=%s\r\n%s", t.host, json);
    assert_int_equal(status("POST /whip/demo", "", headers, "x"), 401);
    tg_str_printf(headers, sizeof(headers), "Cookie: torg_session=%s\r\n%s", t.host, json);
    assert_int_equal(status("POST /whip/demo", "", headers, "x"), 401);
    /* A token works from any site. */
    assert_int_equal(status("POST /whip/demo", t.key,
                            "Origin: https://any.example\r\nContent-Type: text/plain\r\n", "x"),
                     415);
}

static void test_whip_wrong_types_and_bodies(void **state)
{
    static char huge[TG_SDP_MAX + 2];
    struct web_client c;
    struct web_answer a = ask("POST /whip/demo", t.key, json, "{}");

    (void)state;
    assert_int_equal(a.status, 415);
    assert_true(web_has(&a, "Accept-Post", "application/sdp"));
    a = ask("PATCH /whip/demo/0.x", t.key, sdp, "v=0");
    assert_int_equal(a.status, 415);
    assert_true(web_has(&a, "Accept-Patch", "application/trickle-ice-sdpfrag"));
    assert_int_equal(status("POST /whip/demo", t.key, sdp, ""), 400);
    assert_int_equal(status("PATCH /whip/demo/0.x", t.key, frag, ""), 400);
    assert_int_equal(status("PATCH /whip/demo/9.x", t.key, frag, "a="), 404); /* no such worker */
    assert_int_equal(
        status("DELETE /whip/demo/0.0123456789012345678901234567890123456789", t.key, "", NULL),
        404);
    memset(huge, 'a', sizeof(huge) - 1);
    c = web_open(t.port, 0);
    web_send_text(&c, request("POST /whip/demo", t.key, sdp, NULL));
    assert_int_equal(web_read_answer(&c, false).status, 411);
    web_close(&c);
    c = web_open(t.port, 0);
    a = web_ask(&c, "POST /whip/demo", sdp, huge);
    assert_int_equal(a.status, 413);
    web_close(&c);
    nobody_was_asked();
}

static void test_whip_other_methods_are_405_with_allow(void **state)
{
    static const struct {
        const char *line;
        const char *allow;
    } rows[] = {
        {"PUT /whip/demo", "GET, HEAD, POST, OPTIONS\r\n"},
        {"PATCH /whip/demo", "GET, HEAD, POST, OPTIONS\r\n"},
        {"DELETE /whip/demo", "GET, HEAD, POST, OPTIONS\r\n"},
        {"POST /whip/demo/0.x", "GET, HEAD, PATCH, DELETE, OPTIONS\r\n"},
        {"PUT /whip/demo/0.x", "GET, HEAD, PATCH, DELETE, OPTIONS\r\n"},
        {"POST /whep/demo/0.x", "GET, HEAD, PATCH, DELETE, OPTIONS\r\n"},
        {"DELETE /whep/demo", "GET, HEAD, POST, OPTIONS\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct web_answer a = ask(rows[i].line, t.key, sdp, "x");

        assert_int_equal(a.status, 405);
        if (!web_has(&a, "Allow", rows[i].allow))
            fail_msg("%s: %s", rows[i].line, a.head);
    }
}

/* What the worker says becomes the status of RFC 9725; the session is asked for by kind and show.
 */
static void test_rtc_errors_become_statuses(void **state)
{
    static const struct {
        tg_err err;
        int status;
    } rows[] = {
        {TG_ERR_AGAIN, 428},     {TG_ERR_CONFLICT, 412},    {TG_ERR_NOTFOUND, 404},
        {TG_ERR_MALFORMED, 400}, {TG_ERR_UNSUPPORTED, 422}, {TG_ERR_AUTH, 403},
        {TG_ERR_LIMIT, 503},     {TG_ERR_CLOSED, 503},      {TG_ERR_BUG, 500},
    };
    static const char *const lines[] = {"PATCH /whip/demo/1.x", "PATCH /whep/demo/1.x",
                                        "POST /whip/demo", "POST /whep/demo"};
    char why[256];

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows) * TG_ARRAY_LEN(lines); i++) {
        const char *line = lines[i % TG_ARRAY_LEN(lines)];
        bool patch = line[1] == 'A';
        bool whip = strstr(line, "whip") != NULL;
        struct web_client c = web_open(t.port, 0);
        struct tg_rtc_req *req;
        struct web_answer a;

        web_send_text(&c, request(line, whip ? t.host : "", patch ? frag : sdp, "a="));
        req = take_rtc();
        assert_int_equal(req->show, 1);
        if (patch) {
            assert_int_equal(req->publisher, whip);
            assert_string_equal(req->session, "1.x");
        }
        answer_rtc(req, (struct rtc_answer){.err = rows[i / TG_ARRAY_LEN(lines)].err,
                                            .detail = i % 2 == 0 ? "Because." : NULL});
        a = web_read_answer(&c, false);
        assert_int_equal(a.status, rows[i / TG_ARRAY_LEN(lines)].status);
        assert_true(schema_check(t.openapi, "Problem", a.body, a.body_len, why));
        if (i % 2 == 0)
            assert_contains(a.body, "Because.");
        assert_int_equal(web_has(&a, "Retry-After", ""), a.status == 503);
        web_close(&c);
    }
}

static void test_rtc_patch_trickle_and_restart(void **state)
{
    static const char *const doors[] = {"PATCH /whip/demo/1.x", "PATCH /whep/demo/1.x"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(doors); i++) {
        struct web_client c = web_open(t.port, 0);
        struct web_answer a;

        web_send_text(&c, request(doors[i], t.host, frag, "a="));
        answer_rtc(take_rtc(), (struct rtc_answer){.session = "1.x"});
        a = web_read_answer(&c, false);
        assert_int_equal(a.status, 204);
        assert_false(web_has(&a, "ETag", "")); /* RFC 9725 s4.3.2 */
        web_send_text(&c, request(doors[i], t.host, frag, "a="));
        answer_rtc(take_rtc(), (struct rtc_answer){.session = "1.x", .sdp = "a=ice-ufrag:new"});
        a = web_read_answer(&c, false);
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, "a=ice-ufrag:new");
        assert_true(web_has(&a, "Content-Type", "application/trickle-ice-sdpfrag\r\n"));
        assert_true(web_has(&a, "ETag", "\"e2\"\r\n"));
        web_close(&c);
    }
}

static void test_rtc_delete_ignores_tags(void **state)
{
    struct web_client c = web_open(t.port, 0);
    struct tg_rtc_req *req;

    (void)state;
    web_send_text(&c, request("DELETE /whip/demo/1.x", t.key, "If-Match: nonsense\r\n", NULL));
    req = take_rtc();
    assert_int_equal(req->what, TG_RTC_DELETE);
    assert_true(req->publisher);
    assert_int_equal(req->show, 1);
    assert_string_equal(req->if_match, "");
    answer_rtc(req, (struct rtc_answer){.err = TG_OK});
    assert_int_equal(web_read_answer(&c, false).status, 200);
    web_close(&c);
}

static void test_rtc_if_match_reaches_the_worker_in_plain_form(void **state)
{
    static const struct {
        const char *header;
        const char *passed; /* NULL = 400 */
    } rows[] = {
        {"", ""},
        {"If-Match: *\r\n", "*"},
        {"If-Match: \"*\"\r\n", "\"*\""}, /* RFC 9725's own example; the worker knows it */
        {"If-Match: \"e1\"\r\n", "\"e1\""},
        {"If-Match: \"a\",\"b\"\r\n", "\"a\", \"b\""},
        {"If-Match: \"a\"\r\nIf-Match: \"b\"\r\n", "\"a\", \"b\""},
        {"If-Match: W/\"e1\"\r\n", "\"\""}, /* weak tags never match */
        {"If-Match: W/\"e1\", \"e2\"\r\n", "\"e2\""},
        {"If-Match: e1\r\n", NULL},
    };
    char longest[700];

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct web_client c = web_open(t.port, 0);
        char headers[256];
        struct tg_rtc_req *req;

        tg_str_printf(headers, sizeof(headers), "%s%s", frag, rows[i].header);
        web_send_text(&c, request("PATCH /whip/demo/1.x", t.host, headers, "a="));
        if (rows[i].passed != NULL) {
            req = take_rtc();
            assert_string_equal(req->if_match, rows[i].passed);
            answer_rtc(req, (struct rtc_answer){.err = TG_OK});
            assert_int_equal(web_read_answer(&c, false).status, 204);
        } else {
            assert_int_equal(web_read_answer(&c, false).status, 400);
        }
        web_close(&c);
    }
    tg_str_printf(longest, sizeof(longest), "%sIf-Match: \"%0600d\"\r\n", frag, 1);
    assert_int_equal(status("PATCH /whip/demo/1.x", t.host, longest, "a="), 400);
    nobody_was_asked();
}

static void test_rtc_redirects_keep_the_method_and_name_the_show(void **state)
{
    struct web_answer a = ask("POST /whip", t.key, sdp, "v=0");

    (void)state;
    assert_int_equal(a.status, 307);
    assert_true(web_has(&a, "Location", "/whip/demo\r\n"));
    a = ask("POST /whip/", t.other, sdp, "v=0");
    assert_int_equal(a.status, 307);
    assert_true(web_has(&a, "Location", "/whip/other\r\n"));
    a = ask("POST /whip", t.admin, sdp, "v=0");
    assert_int_equal(a.status, 404);
    assert_contains(a.body, "/whip/{show}");
    a = ask("POST /whip/demo/", t.key, sdp, "v=0");
    assert_int_equal(a.status, 307);
    assert_true(web_has(&a, "Location", "/whip/demo\r\n"));
    a = ask("POST /whep/demo/", "", sdp, "v=0");
    assert_int_equal(a.status, 307);
    assert_true(web_has(&a, "Location", "/whep/demo\r\n"));
    assert_int_equal(status("POST /whep/nosuch/", "", sdp, "v=0"), 404);
    nobody_was_asked();
}

static void test_rtc_preflight_of_any_site(void **state)
{
    static const char *const lines[] = {"OPTIONS /whip/demo", "OPTIONS /whip/demo/0.x",
                                        "OPTIONS /whep/demo", "OPTIONS /whep/demo/0.x"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(lines); i++) {
        struct web_answer a =
            ask(lines[i], "",
                "Origin: https://any.example\r\nAccess-Control-Request-Method: POST\r\n"
                "Access-Control-Request-Headers: authorization,content-type\r\n",
                NULL);

        assert_int_equal(a.status, 200);
        assert_true(web_has(&a, "Access-Control-Allow-Origin", "*"));
        assert_true(web_has(&a, "Access-Control-Allow-Methods", "GET, HEAD, "));
        assert_true(web_has(&a, "Access-Control-Allow-Headers", "Authorization, Content-Type"));
        assert_contains(a.head, "If-Match");
        assert_true(web_has(&a, "Accept-Post", "application/sdp"));
        assert_int_equal(web_has(&a, "Accept-Patch", "application/trickle-ice-sdpfrag"), i % 2);
        for (const char *const *name =
                 (const char *const[]){"Location", "ETag", "Link", "Accept-Post", "Retry-After",
                                       "Torg-Publisher", "WWW-Authenticate", NULL};
             *name != NULL; name++)
            assert_contains(strstr(a.head, "Access-Control-Expose-Headers"), *name);
    }
    /* Our own page or no page: nothing to allow, the rest all the same. */
    struct web_answer a = ask("OPTIONS /whip/demo", "", "", NULL);

    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Content-Length", "0"));
    assert_true(web_has(&a, "Accept-Post", "application/sdp"));
    assert_false(web_has(&a, "Access-Control-Allow-Origin", ""));
    assert_int_equal(status("OPTIONS /whip/demo", "tg_unknown", "", NULL), 401);
}

static void test_rtc_ice_servers_are_told_to_who_may(void **state)
{
    static const char *const uris[] = {"stun:stun.example:3478",
                                       "turn:turn.example:3478?transport=udp"};
    const struct tg_texts ice = {uris, 2};
    struct web_client c;
    struct web_answer a;
    char password[TG_TURN_PASSWORD_SIZE];
    char username[64];
    const char *at;

    (void)state;
    stop_web();
    start_web(true, &ice, "north-sea", NULL);
    c = web_open(t.port, 0);
    web_send_text(&c, request("POST /whip/demo", t.key, sdp, "v=0"));
    answer_rtc(take_rtc(), (struct rtc_answer){.session = "1.x", .sdp = "v=0"});
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 201);
    assert_contains(a.head, "Link: <stun:stun.example:3478>; rel=\"ice-server\"\r\n");
    assert_contains(a.head, "Link: <turn:turn.example:3478?transport=udp>; rel=\"ice-server\"; ");
    at = strstr(a.head, "username=\"");
    assert_non_null(at);
    at += strlen("username=\"");
    assert_int_equal(tg_str_copy(username, sizeof(username), at, strcspn(at, "\"")), TG_OK);
    assert_contains(username, ":torg");
    assert_int_equal(tg_turn_password(password, "north-sea", username), TG_OK);
    assert_memory_equal(strstr(a.head, "credential=\"") + strlen("credential=\""), password,
                        strlen(password));
    web_close(&c);
    a = ask("OPTIONS /whip/demo", t.key, "", NULL);
    assert_contains(a.head, "Link: <turn:");
    a = ask("OPTIONS /whip/demo", "", "", NULL);
    assert_false(web_has(&a, "Link", ""));
    a = ask("OPTIONS /whip/demo", t.key, "Access-Control-Request-Method: POST\r\n", NULL);
    assert_false(web_has(&a, "Link", ""));
}

static void test_rtc_ice_servers_are_checked(void **state)
{
    static const char *const bad[] = {"https://turn.example", "turn:a>b", "stun:", "turn:a\r\nX: y",
                                      "turn:a\"b"};
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = 1, .registry = t.reg};
    struct tg_web *web = NULL;
    const char *key = NULL;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++) {
        cfg.ice_servers = (struct tg_texts){&bad[i], 1};
        assert_int_equal(tg_web_new(&web, &cfg, &key), TG_ERR_MALFORMED);
        assert_string_equal(key, "rtc.ice_servers");
    }
}

static void test_whip_post_is_limited_by_address_and_token(void **state)
{
    int served = 0;

    (void)state;
    stop_web();
    start_web(false, NULL, NULL, NULL);
    while (served < 20 && status("POST /whip/demo", t.key, json, "x") == 415)
        served++;
    assert_int_equal(served, 10);
    struct web_answer a = ask("POST /whip/demo", t.key, json, "x");

    assert_int_equal(a.status, 429);
    assert_true(web_has(&a, "Retry-After", ""));
    assert_int_equal(status("POST /whip/demo", t.host, json, "x"), 415);     /* another token */
    assert_int_equal(status("PATCH /whip/demo/0.x", t.key, json, "x"), 415); /* another class */
}

static void test_whip_guessing_is_limited_as_logins_are(void **state)
{
    int refused = 0;

    (void)state;
    stop_web();
    start_web(false, NULL, NULL, NULL);
    while (refused < 20 && status("POST /whip/demo", "tg_guess", sdp, "v=0") == 401)
        refused++;
    assert_int_equal(refused, 10);
    assert_int_equal(status("POST /whip/demo", "tg_guess", sdp, "v=0"), 429);
    assert_int_equal(status("POST /api/v1/session", "", json, "{\"token\":\"z\"}"), 429);
}

static void test_whip_client_that_gives_up_leaves_no_session(void **state)
{
    const struct linger hard = {.l_onoff = 1};
    struct web_client c = web_open(t.port, 0);
    struct tg_rtc_req *req;

    (void)state;
    web_send_text(&c, request("POST /whip/demo", t.key, sdp, "v=0"));
    req = take_rtc();
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    web_close(&c);
    for (int i = 0; i < 20; i++) /* its worker sees the reset before our answer */
        assert_int_equal(status("GET /healthz", "", "", NULL), 200);
    answer_rtc(req, (struct rtc_answer){.session = "0.sess", .sdp = "v=0"});
    req = take(t.rtc[0], 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_RTC_DELETE);
    assert_int_equal(req->show, 1);
    assert_true(req->publisher);
    tg_msg_free(req);
}

static void test_whep_offer_says_who_is_staff_of_the_show(void **state)
{
    const struct {
        const char *token;
        bool staff;
    } rows[] = {{"", false},   {t.viewer, false}, {t.host, true},
                {t.mod, true}, {t.admin, true},   {t.other, false}};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct web_client c = web_open(t.port, 0);
        struct tg_rtc_req *req;

        web_send_text(&c, request("POST /whep/demo", rows[i].token, sdp, "v=0"));
        req = take_rtc();
        assert_int_equal(req->what, TG_RTC_WHEP_OFFER);
        assert_int_equal(req->staff, rows[i].staff);
        assert_int_equal(req->epoch_us, 1001);
        answer_rtc(req, (struct rtc_answer){.session = "0.s", .sdp = "v=0"});
        assert_int_equal(web_read_answer(&c, false).status, 201);
        web_close(&c);
    }
    assert_int_equal(status("POST /whep/demo", t.key, sdp, "v=0"), 403);
}

/* --- one-time codes --------------------------------------------------------------------------- */

static struct web_answer ask_code(const char *token, const char *headers, const char *body)
{
    char all[256];

    tg_str_printf(all, sizeof(all), "%s%s", json, headers);
    return ask("POST /api/v1/session/code", token, all, body);
}

/* The code of an answer. */
static const char *code_in(const struct web_answer *a)
{
    static char code[64];
    const char *at = strstr(a->body, "\"code\":\"");

    assert_non_null(at);
    at += strlen("\"code\":\"");
    assert_int_equal(tg_str_copy(code, sizeof(code), at, strcspn(at, "\"")), TG_OK);
    assert_int_equal(strlen(code), TG_CODE_SIZE - 1);
    assert_memory_equal(code, "tc_", 3);
    return code;
}

/* token = the phone's login that its browser still has, "" = none. */
static void send_login_with(struct web_client *c, const char *code, const char *token)
{
    char body[128];
    char headers[512];

    tg_str_printf(body, sizeof(body), "{\"code\":\"%s\"}", code);
    tg_str_printf(headers, sizeof(headers),
                  "Content-Type: application/json\r\nOrigin: http://torg.test\r\n"
                  "Idempotency-Key: mine\r\n%s%s%s",
                  token[0] == '\0' ? "" : "Cookie: torg_session=", token,
                  token[0] == '\0' ? "" : "\r\n");
    web_send_text(c, request("POST /api/v1/session", "", headers, body));
}

static void send_login(struct web_client *c, const char *code)
{
    send_login_with(c, code, "");
}

/* Makes the token that was asked for, as sale does. */
static void make_token(struct tg_sale_req *req, char out[TG_TOKEN_SIZE], uint32_t ordinal)
{
    struct tg_token_info info = {.ordinal = ordinal, .roles = (uint32_t)req->number, .show = 1};
    struct tg_web_reply *msg = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*msg));
    char text[256];

    tg_token_mint(out, info.hash);
    info.one_show = true;
    info.expires_wall_us = req->until_wall_us;
    tg_str_printf(info.id, sizeof(info.id), "t%u", ordinal);
    tg_str_printf(info.label, sizeof(info.label), "%s", req->text);
    assert_int_equal(tg_registry_token_put(t.reg, &info), TG_OK);
    tg_str_printf(text, sizeof(text), "{\"id\":\"t%u\",\"token\":\"%s\"}", ordinal, out);
    msg->conn = req->conn;
    msg->status = 201;
    msg->json = tg_slab_copy(text, strlen(text));
    assert_int_equal(tg_mailbox_post_reply(req->conn.mb, msg), TG_OK);
}

static int login_status(const char *code)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a;

    send_login(&c, code);
    a = web_read_answer(&c, false);
    web_close(&c);
    return a.status;
}

static void test_code_logs_a_phone_in_once(void **state)
{
    struct web_answer a = ask_code(t.merch, "", "{\"show\":\"demo\"}");
    struct web_client c = web_open(t.port, 0);
    struct tg_sale_req *req;
    char token[TG_TOKEN_SIZE];
    char text[128];
    char code[64];
    char why[256];
    tg_us left;

    (void)state;
    assert_int_equal(a.status, 201);
    assert_true(schema_check(t.openapi, "SessionCode", a.body, a.body_len, why));
    assert_true(web_has(&a, "Cache-Control", "no-store"));
    tg_str_printf(code, sizeof(code), "%s", code_in(&a));
    tg_str_printf(text, sizeof(text), "\"url\":\"http://torg.test/studio/demo#code=%s\"", code);
    assert_contains(a.body, text);
    send_login(&c, code);
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->what, TG_SALE_TOKEN_CREATE);
    assert_int_equal(req->number, TG_ROLE_HOST | TG_ROLE_MERCHANDISER | TG_ROLE_MODERATOR);
    assert_string_equal(req->key, "demo");
    assert_string_equal(req->text, "phone");
    assert_string_equal(req->who.id, "s4");
    assert_int_equal(req->who.roles, TG_ROLE_ADMIN); /* sale makes tokens for nobody else */
    assert_string_equal(req->idempotency, "");
    assert_false(req->flag);
    left = req->until_wall_us - tg_clock_wall();
    assert_in_range(left / TG_US_PER_S, 12 * 3600 - 10, 12 * 3600);
    assert_int_equal(login_status(code), 401); /* used, although not answered yet */
    make_token(req, token, 50);
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 200);
    assert_true(schema_check(t.openapi, "You", a.body, a.body_len, why));
    assert_contains(a.body, "\"id\":\"s50\"");
    assert_contains(a.body, "\"show\":\"demo\"");
    assert_null(strstr(a.body, "tg_"));
    tg_str_printf(text, sizeof(text), "torg_session=%s; Path=/; HttpOnly; Secure", token);
    assert_true(web_has(&a, "Set-Cookie", text));
    assert_contains(a.head, "Max-Age=431");
    assert_int_equal(login_status(code), 401);
    web_close(&c);
}

/* Its own token is of one show, which may make no tokens; the code's maker may. */
static void test_code_logs_in_a_phone_that_is_logged_in(void **state)
{
    struct web_answer a = ask_code(t.merch, "", "{\"show\":\"demo\"}");
    struct web_client c = web_open(t.port, 0);
    struct tg_sale_req *req;
    char token[TG_TOKEN_SIZE];

    (void)state;
    assert_int_equal(a.status, 201);
    send_login(&c, code_in(&a));
    req = take(t.sale, 2000);
    assert_non_null(req);
    make_token(req, token, 51);
    tg_msg_free(req);
    assert_int_equal(web_read_answer(&c, false).status, 200);
    web_close(&c);
    a = ask_code(t.merch, "", "{\"show\":\"demo\"}");
    assert_int_equal(a.status, 201);
    c = web_open(t.port, 0);
    send_login_with(&c, code_in(&a), token);
    req = take(t.sale, 2000);
    assert_non_null(req);
    assert_int_equal(req->who.roles, TG_ROLE_ADMIN);
    assert_false(req->who.one_show);
    assert_int_equal(req->show, UINT16_MAX);
    make_token(req, token, 52);
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 200);
    assert_contains(a.body, "\"id\":\"s52\"");
    web_close(&c);
}

static void test_code_is_for_who_runs_the_show(void **state)
{
    static const char demo[] = "{\"show\":\"demo\"}";

    (void)state;
    assert_int_equal(ask_code("", "", demo).status, 401);
    assert_int_equal(ask_code(t.viewer, "", demo).status, 403);
    assert_int_equal(ask_code(t.mod, "", demo).status, 403);
    assert_int_equal(ask_code(t.key, "", demo).status, 403);
    assert_int_equal(ask_code(t.other, "", demo).status, 403);
    assert_int_equal(ask_code(t.host, "", demo).status, 201);
    assert_int_equal(ask_code(t.admin, "", demo).status, 201);
    assert_int_equal(ask_code(t.admin, "", "{\"show\":\"nosuch\"}").status, 404);
    assert_int_equal(ask_code(t.admin, "", "{}").status, 400);
    assert_int_equal(ask_code(t.admin, "", "{\"show\":7}").status, 400);
    assert_int_equal(ask_code(t.admin, "", "[").status, 400);
    assert_int_equal(status("POST /api/v1/session/code", t.admin, sdp, demo), 415);
    assert_int_equal(ask_code(t.admin, "Origin: https://evil.example\r\n", demo).status, 403);
}

static void test_code_dies_with_its_maker_and_wrong_ones_are_refused(void **state)
{
    struct web_answer a = ask_code(t.host, "", "{\"show\":\"demo\"}");
    char code[64];

    (void)state;
    tg_str_printf(code, sizeof(code), "%s", code_in(&a));
    assert_int_equal(tg_registry_token_del(t.reg, "t2"), TG_OK);
    assert_int_equal(login_status(code), 401);
    assert_int_equal(login_status("tc_0123456789012345678901"), 401);
    assert_int_equal(login_status("tc_"), 401);
    assert_int_equal(login_status(t.admin), 401);
    assert_int_equal(status("POST /api/v1/session", "", json, "{\"code\":\"a\",\"token\":\"b\"}"),
                     400);
    assert_int_equal(status("POST /api/v1/session", "", json, "{\"code\":5}"), 400);
    assert_int_equal(status("POST /api/v1/session", "", json, "{}"), 400);
    assert_int_equal(status("POST /api/v1/session", "",
                            "Origin: https://shop.example\r\nContent-Type: application/json\r\n",
                            "{\"code\":\"tc_0\"}"),
                     403);
    nobody_was_asked();
}

static void test_code_guessing_is_limited(void **state)
{
    int refused = 0;

    (void)state;
    stop_web();
    start_web(false, NULL, NULL, NULL);
    while (refused < 20 && login_status("tc_0123456789012345678901") == 401)
        refused++;
    assert_int_equal(refused, 10);
    assert_int_equal(login_status("tc_0123456789012345678901"), 429);
}

static void test_code_url_is_where_the_world_sees_us(void **state)
{
    struct web_answer a = ask_code(t.host, "Origin: https://torg.test\r\n", "{\"show\":\"demo\"}");

    (void)state;
    /* A proxy ends TLS: our own page's origin knows better than we do. */
    assert_contains(a.body, "\"url\":\"https://torg.test/studio/demo#code=tc_");
    stop_web();
    start_web(true, NULL, NULL, "https://live.shop.example/");
    a = ask_code(t.host, "", "{\"show\":\"demo\"}");
    assert_contains(a.body, "\"url\":\"https://live.shop.example/studio/demo#code=tc_");
}

static void test_code_that_sale_cannot_serve_is_told(void **state)
{
    struct web_answer a = ask_code(t.host, "", "{\"show\":\"demo\"}");
    struct web_client c = web_open(t.port, 0);
    struct tg_web_reply *msg = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*msg));
    struct tg_sale_req *req;

    (void)state;
    send_login(&c, code_in(&a));
    req = take(t.sale, 2000);
    assert_non_null(req);
    msg->conn = req->conn;
    msg->status = 503;
    assert_int_equal(tg_mailbox_post_reply(req->conn.mb, msg), TG_OK);
    tg_msg_free(req);
    a = web_read_answer(&c, false);
    assert_int_equal(a.status, 503);
    assert_contains(a.body, "new code");
    assert_false(web_has(&a, "Set-Cookie", ""));
    web_close(&c);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_whip_offer_becomes_a_session),
        CASE(test_whip_is_for_stream_keys_and_hosts_of_the_show),
        CASE(test_whip_cookie_counts_on_our_own_pages_only),
        CASE(test_whip_wrong_types_and_bodies),
        CASE(test_whip_other_methods_are_405_with_allow),
        CASE(test_rtc_errors_become_statuses),
        CASE(test_rtc_patch_trickle_and_restart),
        CASE(test_rtc_delete_ignores_tags),
        CASE(test_rtc_if_match_reaches_the_worker_in_plain_form),
        CASE(test_rtc_redirects_keep_the_method_and_name_the_show),
        CASE(test_rtc_preflight_of_any_site),
        CASE(test_rtc_ice_servers_are_told_to_who_may),
        CASE(test_rtc_ice_servers_are_checked),
        CASE(test_whip_post_is_limited_by_address_and_token),
        CASE(test_whip_guessing_is_limited_as_logins_are),
        CASE(test_whip_client_that_gives_up_leaves_no_session),
        CASE(test_whep_offer_says_who_is_staff_of_the_show),
        CASE(test_code_logs_a_phone_in_once),
        CASE(test_code_logs_in_a_phone_that_is_logged_in),
        CASE(test_code_is_for_who_runs_the_show),
        CASE(test_code_dies_with_its_maker_and_wrong_ones_are_refused),
        CASE(test_code_guessing_is_limited),
        CASE(test_code_url_is_where_the_world_sees_us),
        CASE(test_code_that_sale_cannot_serve_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
