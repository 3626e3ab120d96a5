/*
 * test_api_whep.c - WHEP beyond offers: what other sites may read of refusals, layers, event
 * streams, the waiting room. Real web workers on a free port, fake rtc workers behind the
 * mailboxes.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "api/web.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "msg/rtc.h"
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
} t;

static void start_web(unsigned workers, bool trusted)
{
    static const char *const loopback[] = {"loopback"};
    struct tg_web_cfg cfg = {.listen = "127.0.0.1:0", .workers = workers, .registry = t.reg};
    struct tg_web_peers peers = {t.live, t.sale, t.read, 1, t.rtc, RTC};
    const char *key = NULL;

    cfg.trusted_networks = (struct tg_texts){loopback, trusted ? 1 : 0};
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
    struct tg_show_info show = {.ord = 1, .state = TG_SHOW_LIVE, .epoch_us = 1001, .id = "demo"};

    (void)state;
    t.openapi = schema_load("openapi");
    assert_non_null(t.openapi);
    assert_int_equal(tg_registry_new(&t.reg), TG_OK);
    assert_int_equal(tg_registry_show_put(t.reg, &show), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.live, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.sale, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&t.read[0], 64, tg_msg_free), TG_OK);
    for (int i = 0; i < RTC; i++)
        assert_int_equal(tg_mailbox_new(&t.rtc[i], 64, tg_msg_free), TG_OK);
    start_web(1, true);
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

static struct tg_rtc_req *take_rtc_within(int wait_ms)
{
    tg_us until = tg_clock_mono() + (tg_us)wait_ms * TG_US_PER_MS;
    void *msg = NULL;

    do {
        for (int i = 0; i < RTC; i++) {
            if (tg_mailbox_take(t.rtc[i], &msg, 1) == 1)
                return msg;
        }
        tg_mailbox_wait(t.rtc[0], 5 * TG_US_PER_MS);
    } while (tg_clock_mono() < until);
    return NULL;
}

static struct tg_rtc_req *take_rtc(void)
{
    struct tg_rtc_req *req = take_rtc_within(5000);

    assert_non_null(req);
    return req;
}

/* Answers and frees the request. `layers`: two of them, 720 lines are sent. */
static void answer_rtc(struct tg_rtc_req *req, const struct tg_rtc_reply *what)
{
    struct tg_rtc_reply *msg = tg_msg_new(TG_MSG_RTC_REPLY, sizeof(*msg));

    *msg = *what;
    msg->head.kind = TG_MSG_RTC_REPLY;
    msg->conn = req->conn;
    msg->what = req->what;
    msg->show = req->show;
    assert_int_equal(tg_mailbox_post_reply(req->conn.mb, msg), TG_OK);
    tg_msg_free(req);
}

static const struct tg_rtc_reply two_layers = {
    .layer = 0,
    .layer_pin = TG_RTC_LAYER_AUTO,
    .layers = {{.on = true, .width = 1280, .height = 720, .bps = 2000000},
               {.on = true, .width = 640, .height = 360, .bps = 500000},
               {.on = false, .width = 320, .height = 180}},
};

static void ask_with(struct web_client *c, const char *line, const char *headers, const char *body)
{
    char text[2048];
    char length[48] = "";

    if (body != NULL)
        tg_str_printf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    tg_str_printf(text, sizeof(text), "%s HTTP/1.1\r\nHost: torg.test\r\n%s%s\r\n%s", line, headers,
                  length, body == NULL ? "" : body);
    web_send_text(c, text);
}

/* Nobody has to be asked for the answer. */
static struct web_answer ask(const char *line, const char *headers, const char *body)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a;

    ask_with(&c, line, headers, body);
    a = web_read_answer(&c, strncmp(line, "HEAD", 4) == 0);
    web_close(&c);
    return a;
}

/* ... an rtc worker is asked, and says this. */
static struct web_answer ask_rtc(const char *line, const char *headers, const char *body,
                                 const struct tg_rtc_reply *reply)
{
    struct web_client c = web_open(t.port, 0);
    struct web_answer a;

    ask_with(&c, line, headers, body);
    answer_rtc(take_rtc(), reply);
    a = web_read_answer(&c, strncmp(line, "HEAD", 4) == 0);
    web_close(&c);
    return a;
}

static void check_schema(const char *name, const struct web_answer *a)
{
    char why[256];

    if (!schema_check(t.openapi, name, a->body, a->body_len, why))
        fail_msg("%s: %s", a->body, why);
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("\"%s\" is not in: %s", (part), (text));                                      \
    } while (0)

static const char sdp[] = "Content-Type: application/sdp\r\n";
static const char json[] = "Content-Type: application/json\r\n";
static const char elsewhere[] = "Origin: https://any.example\r\nContent-Type: application/json\r\n";

/* --- HTTP ------------------------------------------------------------------------------------- */

static void test_whep_refusals_can_be_read_by_other_sites(void **state)
{
    static const struct {
        const char *line;
        const char *body;
        int status;
    } rows[] = {
        {"PUT /whep/demo", "x", 405},
        {"DELETE /whep/demo", NULL, 405},
        {"POST /whep/demo/0.x", "x", 405},
        {"GET /whep/demo/0.x/sse", NULL, 405},
        {"PUT /whep/demo/0.x/layer", "x", 405},
        {"POST /whep/demo", "x", 415},
        {"POST /whep/demo", NULL, 411},
        {"POST /whep/nosuch", "x", 404},
        {"DELETE /whep/demo/9.x", NULL, 404},
        {"GET /whep/demo/9.x/layer", NULL, 404},
        {"POST /whep/demo/0.x/layer", "[]", 400},
        {"POST /whep/demo/0.x/sse", "{}", 400},
        {"GET /whep/demo/0.x/sse/nonsense", NULL, 404},
        {"PUT /whip/demo", "x", 405},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct web_answer a = ask(rows[i].line, elsewhere, rows[i].body);

        if (a.status != rows[i].status)
            fail_msg("%s: %d, not %d", rows[i].line, a.status, rows[i].status);
        if (!web_has(&a, "Access-Control-Allow-Origin", "*\r\n") ||
            !web_has(&a, "Access-Control-Expose-Headers", "Location, ETag, Link, Allow"))
            fail_msg("%s: %s", rows[i].line, a.head);
        assert_int_equal(web_has(&a, "Allow", ""), a.status == 405);
        check_schema("Problem", &a);
    }
    assert_null(take_rtc_within(1));
}

static void test_whep_accept_never_makes_it_406(void **state)
{
    static const struct tg_rtc_reply ok = {.session = "0.s", .etag = "e1"};
    static const char headers[] =
        "Accept: text/html;q=0.1\r\nAccept-Encoding: nothing\r\nAccept-Language: tlh\r\n";
    char all[256];

    (void)state;
    tg_str_printf(all, sizeof(all), "%s%s", headers, sdp);
    assert_int_equal(ask("GET /whep/demo", headers, NULL).status, 200);
    assert_int_equal(ask("HEAD /whep/demo", headers, NULL).status, 200);
    assert_int_equal(ask("GET /whep/demo/0.x", headers, NULL).status, 204);
    assert_int_equal(ask("OPTIONS /whep/demo", headers, NULL).status, 200);
    assert_int_equal(ask_rtc("POST /whep/demo", all, "v=0\r\n", &ok).status, 201);
    assert_int_equal(ask_rtc("DELETE /whep/demo/0.x", headers, NULL, &ok).status, 200);
    assert_int_equal(ask_rtc("GET /whep/demo/0.x/layer", headers, NULL, &two_layers).status, 200);
}

static void test_whep_head_is_get_without_content(void **state)
{
    struct web_answer a = ask("HEAD /whep/demo", "", NULL);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Content-Type", "application/sdp\r\n"));
    assert_true(web_has(&a, "Content-Length", "0\r\n"));
    a = ask("HEAD /whep/demo/0.x", "", NULL);
    assert_int_equal(a.status, 204);
    a = ask_rtc("HEAD /whep/demo/0.x/layer", "", NULL, &two_layers);
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Content-Type", "application/json\r\n"));
    a = ask("HEAD /whep/nosuch", "", NULL);
    assert_int_equal(a.status, 404);
}

static void test_whep_preflights_of_the_extensions(void **state)
{
    static const struct {
        const char *line;
        const char *methods;
    } rows[] = {
        {"OPTIONS /whep/demo/0.x/layer", "GET, HEAD, POST, OPTIONS\r\n"},
        {"OPTIONS /whep/demo/0.x/sse", "POST, OPTIONS\r\n"},
        {"OPTIONS /whep/demo/0.x/sse/y", "GET, HEAD, DELETE, OPTIONS\r\n"},
        {"OPTIONS /whep/demo", "GET, HEAD, POST, OPTIONS\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct web_answer a = ask(rows[i].line, elsewhere, NULL);

        assert_in_range(a.status, 200, 204);
        assert_true(web_has(&a, "Access-Control-Allow-Methods", rows[i].methods));
        assert_contains(a.head, "Torg-Ticket");
    }
}

/* --- offers ----------------------------------------------------------------------------------- */

static struct tg_slab *slab_of(const char *text)
{
    return tg_slab_copy(text, strlen(text));
}

static void test_whep_answer_links_its_extensions(void **state)
{
    struct tg_rtc_reply ok = {.session = "1.abc", .etag = "e1"};
    struct web_answer a;

    (void)state;
    ok.sdp = slab_of("v=0\r\nm=video 9 x\r\nm=audio 9 x\r\n");
    a = ask_rtc("POST /whep/demo", sdp, "v=0\r\n", &ok);
    assert_int_equal(a.status, 201);
    assert_contains(a.head, "Link: </whep/demo/1.abc/layer>; "
                            "rel=\"urn:ietf:params:whep:ext:core:layer\"\r\n");
    assert_contains(a.head, "Link: </whep/demo/1.abc/sse>; "
                            "rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                            "events=\"active,inactive,layers,viewercount,reconnect\"\r\n");
    /* Sound first: its players call the video "1". */
    ok.sdp = slab_of("v=0\r\nm=audio 9 x\r\nm=video 9 x\r\n");
    a = ask_rtc("POST /whep/demo", sdp, "v=0\r\n", &ok);
    assert_contains(a.head, "Link: </whep/demo/1.abc/layer?video=1>; ");
    assert_contains(a.head, "Link: </whep/demo/1.abc/sse?video=1>; ");
}

static void test_whep_no_room_gives_a_place_in_line(void **state)
{
    static const struct tg_rtc_reply full = {.err = TG_ERR_LIMIT,
                                             .detail = "All places are taken.",
                                             .position = 12,
                                             .retry_s = 7,
                                             .ticket = "0123456789abcdefABCD-_"};
    static const struct tg_rtc_reply busy = {.err = TG_ERR_LIMIT};
    struct web_answer a = ask_rtc("POST /whep/demo", sdp, "v=0\r\n", &full);

    (void)state;
    assert_int_equal(a.status, 503);
    assert_true(web_has(&a, "Retry-After", "7\r\n"));
    assert_true(web_has(&a, "Torg-Ticket", "0123456789abcdefABCD-_\r\n"));
    assert_true(web_has(&a, "Content-Type", "application/problem+json"));
    assert_contains(a.body, "\"detail\":\"All places are taken.\"");
    assert_contains(a.body, "\"position\":12");
    assert_contains(a.body, "\"ticket\":\"0123456789abcdefABCD-_\"");
    assert_contains(a.body, "\"retry_s\":7");
    check_schema("Problem", &a);
    /* A refusal without a place is an ordinary one. */
    a = ask_rtc("POST /whep/demo", sdp, "v=0\r\n", &busy);
    assert_int_equal(a.status, 503);
    assert_true(web_has(&a, "Retry-After", "2\r\n"));
    assert_null(strstr(a.body, "position"));
    assert_null(strstr(a.body, "ticket"));
}

static void test_whep_ticket_reaches_the_worker_or_is_refused(void **state)
{
    static const char *const bad[] = {"short", "0123456789abcdefABCD-_x", "0123456789abcdefABCD+/",
                                      "", "0123456789abcdefABCD-_0123456789abcdefABCD-_"};
    static const struct tg_rtc_reply ok = {.session = "0.s", .etag = "e1"};
    char headers[256];

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++) {
        struct web_answer a;

        tg_str_printf(headers, sizeof(headers), "%sTorg-Ticket: %s\r\n", sdp, bad[i]);
        a = ask("POST /whep/demo", headers, "v=0\r\n");
        if (a.status != 400)
            fail_msg("\"%s\": %d", bad[i], a.status);
        assert_contains(a.body, "\"field\":\"Torg-Ticket\"");
    }
    for (int i = 0; i < 2; i++) {
        struct web_client c = web_open(t.port, 0);
        struct tg_rtc_req *req;

        tg_str_printf(headers, sizeof(headers), "%s%s", sdp,
                      i == 0 ? "" : "Torg-Ticket: 0123456789abcdefABCD-_\r\n");
        ask_with(&c, "POST /whep/demo", headers, "v=0\r\n");
        req = take_rtc();
        assert_string_equal(req->ticket, i == 0 ? "" : "0123456789abcdefABCD-_");
        answer_rtc(req, &ok);
        assert_int_equal(web_read_answer(&c, false).status, 201);
        web_close(&c);
    }
}

/* --- layers ----------------------------------------------------------------------------------- */

static void test_layers_are_told_as_the_draft_says(void **state)
{
    struct tg_rtc_reply reply = two_layers;
    struct web_answer a = ask_rtc("GET /whep/demo/0.x/layer", "", NULL, &reply);

    (void)state;
    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Cache-Control", "no-store"));
    check_schema("WhepLayers", &a);
    assert_string_equal(
        a.body, "{\"0\":[{\"rid\":\"0\",\"width\":1280,\"height\":720,\"bitrate\":2000000,"
                "\"current\":true},{\"rid\":\"1\",\"width\":640,\"height\":360,\"bitrate\":500000},"
                "{\"rid\":\"2\",\"width\":320,\"height\":180}]}");
    reply.layer = -1;
    reply.layer_pin = 1;
    a = ask_rtc("GET /whep/demo/0.x/layer?video=1", "", NULL, &reply);
    assert_memory_equal(a.body, "{\"1\":[", 6);
    assert_null(strstr(a.body, "current"));
    assert_contains(a.body, "\"bitrate\":500000,\"pinned\":true}");
    reply = (struct tg_rtc_reply){.layer = -1, .layer_pin = TG_RTC_LAYER_AUTO};
    a = ask_rtc("GET /whep/demo/0.x/layer?video=nonsense", "", NULL, &reply);
    assert_string_equal(a.body, "{\"0\":[]}");
    check_schema("WhepLayers", &a);
}

static void test_layer_choice_reaches_the_session(void **state)
{
    static const struct {
        const char *line;
        const char *body;
        int layer; /* -3 = 422 */
    } rows[] = {
        {"POST /whep/demo/1.x/layer", "{\"rid\":\"0\"}", 0},
        {"POST /whep/demo/1.x/layer", "{\"mediaId\":\"0\",\"rid\":\"3\"}", 3},
        {"POST /whep/demo/1.x/layer?video=1", "{\"mediaId\":\"1\",\"encodingId\":\"2\"}", 2},
        {"POST /whep/demo/1.x/layer", "{\"rid\":\"auto\"}", TG_RTC_LAYER_AUTO},
        {"POST /whep/demo/1.x/layer", "{\"rid\":null,\"maxWidth\":null}", TG_RTC_LAYER_AUTO},
        {"POST /whep/demo/1.x/layer", "{\"mediaId\":\"0\"}", TG_RTC_LAYER_AUTO},
        {"POST /whep/demo/1.x/layer", "{}", TG_RTC_LAYER_AUTO},
        {"POST /whep/demo/1.x/layer", "{\"rid\":\"4\"}", -3},
        {"POST /whep/demo/1.x/layer", "{\"rid\":\"-1\"}", -3},
        {"POST /whep/demo/1.x/layer", "{\"rid\":\"hd\"}", -3},
        {"POST /whep/demo/1.x/layer", "{\"rid\":1}", -3},
        {"POST /whep/demo/1.x/layer", "{\"mediaId\":\"1\",\"rid\":\"1\"}", -3},
        {"POST /whep/demo/1.x/layer", "{\"mediaId\":0,\"rid\":\"1\"}", -3},
        {"POST /whep/demo/1.x/layer", "{\"rid\":\"1\",\"spatialLayerId\":1}", -3},
        {"POST /whep/demo/1.x/layer", "{\"maxHeight\":360}", -3},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        struct web_client c = web_open(t.port, 0);
        struct tg_rtc_req *req;
        struct web_answer a;

        ask_with(&c, rows[i].line, json, rows[i].body);
        if (rows[i].layer != -3) {
            req = take_rtc();
            assert_int_equal(req->what, TG_RTC_LAYER);
            assert_int_equal(req->layer, rows[i].layer);
            assert_int_equal(req->show, 1);
            assert_string_equal(req->session, "1.x");
            assert_false(req->publisher);
            assert_null(req->sdp);
            answer_rtc(req, &two_layers);
        }
        a = web_read_answer(&c, false);
        if (a.status != (rows[i].layer == -3 ? 422 : 200))
            fail_msg("%s: %d", rows[i].body, a.status);
        check_schema(a.status == 200 ? "WhepLayers" : "Problem", &a);
        web_close(&c);
    }
    assert_int_equal(ask("POST /whep/demo/1.x/layer", sdp, "{}").status, 415);
    assert_int_equal(ask("POST /whep/demo/1.x/layer", json, "{").status, 400);
    assert_int_equal(ask("POST /whep/nosuch/1.x/layer", json, "{}").status, 404);
    assert_null(take_rtc_within(1));
}

/* Another show's, a publisher's or an ended session: the worker knows none of them as a viewer. */
static void test_layer_of_no_session_of_ours(void **state)
{
    static const struct {
        tg_err err;
        int status;
    } rows[] = {{TG_ERR_NOTFOUND, 404}, {TG_ERR_UNSUPPORTED, 422}, {TG_ERR_CLOSED, 503}};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        const struct tg_rtc_reply reply = {.err = rows[i].err};
        struct web_answer a = ask_rtc("GET /whep/demo/0.x/layer", "", NULL, &reply);

        assert_int_equal(a.status, rows[i].status);
        a = ask_rtc("POST /whep/demo/0.x/layer", json, "{}", &reply);
        assert_int_equal(a.status, rows[i].status);
        a = ask_rtc("POST /whep/demo/0.x/sse", json, "[\"layers\"]", &reply);
        assert_int_equal(a.status, rows[i].status);
        check_schema("Problem", &a);
    }
}

static void test_layer_asks_do_not_use_up_offers(void **state)
{
    int served = 0;

    (void)state;
    stop_web();
    start_web(1, false);
    while (served < 300 && ask("GET /whep/demo/9.x/layer", "", NULL).status == 404)
        served++;
    assert_in_range(served, 120, 140);
    assert_int_equal(ask("POST /whep/demo/9.x/sse", "", "").status, 429);
    assert_int_equal(ask("POST /whep/demo", json, "x").status, 415);
}

/* --- events ----------------------------------------------------------------------------------- */

/* The path of a new stream of session 0.x. Static memory. */
static const char *make_stream(const char *query, const char *body)
{
    static char path[160];
    char line[96];
    struct web_answer a;
    const char *at;

    tg_str_printf(line, sizeof(line), "POST /whep/demo/0.x/sse%s", query);
    a = ask_rtc(line, body == NULL ? "" : json, body == NULL ? "" : body, &two_layers);
    assert_int_equal(a.status, 201);
    assert_int_equal(a.body_len, 0);
    at = strstr(a.head, "Location: ");
    assert_non_null(at);
    at += strlen("Location: ");
    assert_int_equal(tg_str_copy(path, sizeof(path), at, strcspn(at, "\r")), TG_OK);
    assert_memory_equal(path, "/whep/demo/0.x/sse/", 19);
    return path;
}

/* What came on the connection so far, until `part` is in it. */
static void expect(struct web_client *c, char *text, size_t size, const char *part)
{
    size_t len = strlen(text);

    while (strstr(text, part) == NULL) {
        struct pollfd fd = {.fd = c->fd, .events = POLLIN};
        ssize_t got = poll(&fd, 1, 8000) == 1 ? recv(c->fd, text + len, size - 1 - len, 0) : -1;

        if (got <= 0)
            fail_msg("\"%s\" never came: %s", part, text);
        len += (size_t)got;
        text[len] = '\0';
    }
}

/* Opens the stream; its first words are in text. */
static struct web_client open_stream(const char *path, char *text, size_t size, const char *first)
{
    struct web_client c = web_open(t.port, 0);
    char line[192];

    tg_str_printf(line, sizeof(line), "GET %s", path);
    ask_with(&c, line, elsewhere, NULL);
    answer_rtc(take_rtc(), &two_layers);
    text[0] = '\0';
    expect(&c, text, size, first);
    return c;
}

/* Answers the workers' questions until the text is there. */
static void expect_asking(struct web_client *c, char *text, size_t size, const char *part,
                          const struct tg_rtc_reply *reply)
{
    tg_us until = tg_clock_mono() + 10 * TG_US_PER_S;

    while (strstr(text, part) == NULL) {
        struct tg_rtc_req *req = take_rtc_within(50);
        size_t len = strlen(text);
        ssize_t got;

        if (req != NULL) {
            assert_int_equal(req->layer, TG_RTC_LAYER_ASK);
            assert_string_equal(req->session, "0.x");
            answer_rtc(req, reply);
        }
        got = recv(c->fd, text + len, size - 1 - len, MSG_DONTWAIT);
        if (got == 0 || tg_clock_mono() > until)
            fail_msg("\"%s\" never came: %s", part, text);
        if (got > 0)
            text[len + (size_t)got] = '\0';
    }
}

static void test_events_tell_source_viewers_and_layers(void **state)
{
    struct tg_rtc_reply reply = two_layers;
    char text[8192];
    struct web_client c;

    (void)state;
    tg_registry_show_set_viewers(t.reg, 1, 3);
    c = open_stream(make_stream("?video=1", NULL), text, sizeof(text),
                    "event: viewercount\ndata: {\"viewercount\":3}\n\n");
    assert_contains(text, "HTTP/1.1 200 OK\r\n");
    assert_contains(text, "Content-Type: text/event-stream\r\n");
    assert_contains(text, "Cache-Control: no-store\r\n");
    assert_contains(text, "Access-Control-Allow-Origin: *\r\n");
    assert_contains(text, "event: layers\ndata: {\"1\":[{\"rid\":\"0\",");
    assert_null(strstr(text, "active\n")); /* nothing was there, so nothing has gone */
    tg_registry_show_set_on_air(t.reg, 1, true);
    expect_asking(&c, text, sizeof(text), "event: active\ndata: {}\n\n", &reply);
    tg_registry_show_set_viewers(t.reg, 1, 4);
    expect_asking(&c, text, sizeof(text), "{\"viewercount\":4}", &reply);
    tg_registry_show_set_on_air(t.reg, 1, false);
    expect_asking(&c, text, sizeof(text), "event: inactive\ndata: {}\n\n", &reply);
    reply.layer = 1;
    reply.layer_pin = 1;
    expect_asking(&c, text, sizeof(text), "\"current\":true,\"pinned\":true}", &reply);
    web_close(&c);
}

static void test_events_only_what_was_asked_for(void **state)
{
    static const char *const bad[] = {"[\"scte35\"]", "[\"layers\",\"dance\"]", "[1]",
                                      "[]",           "{\"layers\":true}",      "[\"layers\""};
    char text[4096];
    char other[4096];
    struct web_client c;
    struct web_client all;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++) {
        struct web_answer a = ask("POST /whep/demo/0.x/sse", json, bad[i]);

        if (a.status != 400)
            fail_msg("%s: %d", bad[i], a.status);
        assert_contains(a.body, "viewercount");
    }
    assert_int_equal(ask("POST /whep/demo/0.x/sse", sdp, "[\"layers\"]").status, 415);
    tg_registry_show_set_on_air(t.reg, 1, true);
    c = open_stream(make_stream("", "[\"active\"]"), text, sizeof(text), "event: active\n");
    all = open_stream(make_stream("", "[\"inactive\",\"viewercount\"]"), other, sizeof(other),
                      "event: viewercount\n");
    tg_registry_show_set_viewers(t.reg, 1, 5);
    tg_registry_show_set_on_air(t.reg, 1, false);
    expect(&all, other, sizeof(other), "event: inactive\n");
    tg_registry_show_set_on_air(t.reg, 1, true);
    text[0] = '\0';
    expect(&c, text, sizeof(text), "event: active\n");
    assert_null(strstr(text, "viewercount"));
    assert_null(strstr(text, "inactive"));
    assert_null(strstr(text, "layers"));
    web_close(&c);
    web_close(&all);
}

static void test_events_end_with_the_session(void **state)
{
    const struct tg_rtc_reply gone = {.err = TG_ERR_NOTFOUND};
    char text[4096];
    char path[160];
    struct web_client c;

    (void)state;
    tg_str_printf(path, sizeof(path), "%s", make_stream("", "[\"layers\"]"));
    c = open_stream(path, text, sizeof(text), "event: layers\n");
    answer_rtc(take_rtc(), &gone);
    assert_true(web_ended(&c));
    web_close(&c);
    tg_str_printf(text, sizeof(text), "GET %s", path);
    assert_int_equal(ask_rtc(text, "", NULL, &gone).status, 404);
}

/* The stream may live on another worker than the one that hears its DELETE. */
static void test_events_delete_ends_it_everywhere(void **state)
{
    char path[160];
    char line[192];
    char text[4096];

    (void)state;
    stop_web();
    start_web(4, true);
    for (int i = 0; i < 6; i++) {
        struct web_client c;

        tg_str_printf(path, sizeof(path), "%s", make_stream("", "[\"viewercount\"]"));
        c = open_stream(path, text, sizeof(text), "event: viewercount\n");
        tg_str_printf(line, sizeof(line), "DELETE %s", path);
        assert_int_equal(ask_rtc(line, elsewhere, NULL, &two_layers).status, 200);
        assert_true(web_ended(&c));
        web_close(&c);
        tg_str_printf(line, sizeof(line), "GET %s", path);
        for (int k = 0; k < 8; k++)
            assert_int_equal(ask(line, "", NULL).status, 404);
        tg_str_printf(line, sizeof(line), "DELETE %s", path);
        assert_int_equal(ask(line, "", NULL).status, 404);
    }
}

static void test_events_are_bounded_for_a_session(void **state)
{
    struct web_client c[TG_WHEP_EVENTS_SESSION_MAX];
    char text[4096];
    char line[192];

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(c); i++)
        c[i] = open_stream(make_stream("", "[\"viewercount\"]"), text, sizeof(text),
                           "event: viewercount\n");
    tg_str_printf(line, sizeof(line), "GET %s", make_stream("", "[\"viewercount\"]"));
    struct web_answer a = ask_rtc(line, "", NULL, &two_layers);

    assert_int_equal(a.status, 503);
    assert_true(web_has(&a, "Retry-After", ""));
    web_close(&c[0]);
    /* A place is free as soon as its worker has seen the end. */
    for (tg_us until = tg_clock_mono() + 5 * TG_US_PER_S; a.status == 503;) {
        assert_true(tg_clock_mono() < until);
        c[0] = web_open(t.port, 0);
        ask_with(&c[0], line, "", NULL);
        answer_rtc(take_rtc(), &two_layers);
        text[0] = '\0';
        expect(&c[0], text, sizeof(text), "\r\n\r\n");
        a.status = strstr(text, "503") != NULL ? 503 : 200;
        if (a.status == 503)
            web_close(&c[0]);
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(c); i++)
        web_close(&c[i]);
}

static void test_events_say_reconnect_before_the_server_stops(void **state)
{
    char text[4096];
    struct web_client c;
    struct web_client quiet;

    (void)state;
    quiet = open_stream(make_stream("", "[\"viewercount\"]"), text, sizeof(text), "viewercount\n");
    c = open_stream(make_stream("", "[\"reconnect\",\"viewercount\"]"), text, sizeof(text),
                    "viewercount\n");
    tg_web_stop(t.web);
    expect(&c, text, sizeof(text), "event: reconnect\ndata: {\"retry_ms\":");
    assert_true(web_ended(&c));
    assert_true(web_ended(&quiet));
    web_close(&c);
    web_close(&quiet);
}

static void test_events_stream_takes_nothing_more(void **state)
{
    char text[4096];
    struct web_client c =
        open_stream(make_stream("", "[\"viewercount\"]"), text, sizeof(text), "viewercount\n");

    (void)state;
    ask_with(&c, "GET /healthz", "", NULL);
    assert_int_equal(ask("GET /healthz", "", NULL).status, 200); /* and nobody spins */
    web_close(&c);
    c = web_open(t.port, 0);
    ask_with(&c, "HEAD /whep/demo/0.x/sse/080ABCDEFGHIJKLMNOPQRSTUV", "", NULL);
    answer_rtc(take_rtc(), &two_layers);
    struct web_answer a = web_read_answer(&c, true);

    assert_int_equal(a.status, 200);
    assert_true(web_has(&a, "Content-Type", "text/event-stream\r\n"));
    web_close(&c);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_whep_refusals_can_be_read_by_other_sites),
        CASE(test_whep_accept_never_makes_it_406),
        CASE(test_whep_head_is_get_without_content),
        CASE(test_whep_preflights_of_the_extensions),
        CASE(test_whep_answer_links_its_extensions),
        CASE(test_whep_no_room_gives_a_place_in_line),
        CASE(test_whep_ticket_reaches_the_worker_or_is_refused),
        CASE(test_layers_are_told_as_the_draft_says),
        CASE(test_layer_choice_reaches_the_session),
        CASE(test_layer_of_no_session_of_ours),
        CASE(test_layer_asks_do_not_use_up_offers),
        CASE(test_events_tell_source_viewers_and_layers),
        CASE(test_events_only_what_was_asked_for),
        CASE(test_events_end_with_the_session),
        CASE(test_events_delete_ends_it_everywhere),
        CASE(test_events_are_bounded_for_a_session),
        CASE(test_events_say_reconnect_before_the_server_stops),
        CASE(test_events_stream_takes_nothing_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
