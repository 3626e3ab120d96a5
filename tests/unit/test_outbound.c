/*
 * test_outbound.c - webhooks from the outbox to a real receiver on loopback: the sale thread, the
 * store on a real file and the outbound thread together.
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
#include "base/str.h"
#include "msg/web.h"
#include "outbound/outbound.h"
#include "outbound/sign.h"
#include "sale/reader.h"
#include "sale/sale.h"
#include "support/lib/hook_receiver.h"
#include "support/lib/postgres_server.h"

static struct tg_pg_server *postgres; /* NULL = the tests run on SQLite */

struct rig {
    char dir[64];
    char path[512]; /* or PostgreSQL's URL */
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *web;
    struct tg_mailbox *webs[1];
    struct tg_sale *sale;
    struct tg_reader *reader;
    struct tg_read_db *db;
    struct tg_outbound *out;
    struct hook_receiver *receiver;
    char hook[TG_UUID_SIZE];
    char secret[TG_HOOK_SECRET_SIZE];
    int status;
    char text[16384];
    unsigned buys;
};

static void out_start(struct rig *r, const char *node, bool allow)
{
    struct tg_outbound_cfg cfg = {.db = r->db,
                                  .sale = tg_sale_mailbox(r->sale),
                                  .version = "1.2",
                                  .poll_us = 20 * TG_US_PER_MS,
                                  .timeout_us = 700 * TG_US_PER_MS};

    tg_str_cut(cfg.node, sizeof(cfg.node), node);
    if (allow)
        assert_int_equal(tg_cidr_list_add(&cfg.allow, "loopback"), TG_OK);
    assert_int_equal(tg_outbound_new(&r->out, &cfg), TG_OK);
    assert_int_equal(tg_outbound_start(r->out), TG_OK);
}

static struct rig *rig_open(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct tg_db_cfg db = {.url = r->path, .fast = true};
    struct tg_shop_now now = {.mono = tg_clock_mono(), .wall = tg_clock_wall()};
    struct tg_sale_cfg cfg = {.web = r->webs, .web_count = 1, .person_units_max = 100000};
    struct tg_reader_cfg reader = {.db = db};
    char why[256] = "";

    assert_non_null(r);
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/torg-outbound-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->path, sizeof(r->path), "%s/torg.db", r->dir);
    if (postgres != NULL)
        assert_true(tg_pg_server_url(postgres, r->path, sizeof(r->path)));
    assert_int_equal(tg_store_new(&r->store, &db, why), TG_OK);
    assert_int_equal(tg_demo_seed(r->store, now.wall), TG_OK);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->web, 65536, tg_msg_free), TG_OK);
    r->webs[0] = r->web;
    cfg.store = r->store;
    cfg.registry = r->registry;
    assert_int_equal(tg_sale_new(&r->sale, &cfg, now), TG_OK);
    assert_int_equal(tg_sale_start(r->sale), TG_OK);
    assert_int_equal(tg_reader_new(&r->reader, &reader, why), TG_OK);
    assert_int_equal(tg_read_db_new(&r->db, &db, why), TG_OK);
    r->receiver = hook_receiver_new();
    assert_non_null(r->receiver);
    return r;
}

static void rig_close(struct rig *r)
{
    char command[96];

    if (r->out != NULL)
        tg_outbound_stop(r->out);
    tg_sale_stop(r->sale);
    tg_outbound_free(r->out);
    tg_sale_free(r->sale);
    tg_reader_free(r->reader);
    tg_read_db_free(r->db);
    tg_mailbox_free(r->web);
    tg_registry_free(r->registry);
    tg_store_free(r->store);
    hook_receiver_free(r->receiver);
    (void)snprintf(command, sizeof(command), "%s/torg.db", r->dir);
    (void)unlink(command);
    (void)snprintf(command, sizeof(command), "%s/torg.db-wal", r->dir);
    (void)unlink(command);
    (void)snprintf(command, sizeof(command), "%s/torg.db-shm", r->dir);
    (void)unlink(command);
    (void)rmdir(r->dir);
    free(r);
}

/* --- asking --- */

/* The next answer; events to persons are dropped. */
static void take_answer(struct rig *r)
{
    r->status = -1;
    r->text[0] = '\0';
    while (r->status < 0) {
        void *msg;
        const struct tg_web_reply *reply;

        tg_mailbox_wait(r->web, 10 * (tg_us)TG_US_PER_S);
        if (tg_mailbox_take(r->web, &msg, 1) == 0)
            fail_msg("no answer");
        reply = msg;
        if (reply->head.kind == TG_MSG_WEB_REPLY) {
            r->status = reply->status;
            if (reply->json != NULL)
                assert_int_equal(tg_str_copy(r->text, sizeof(r->text),
                                             (const char *)reply->json->data, reply->json->len),
                                 TG_OK);
        }
        tg_msg_free(msg);
    }
}

static struct tg_sale_req *request(struct rig *r, enum tg_sale_what what, const char *person,
                                   uint32_t roles)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->http = true;
    req->show = UINT16_MAX;
    req->until_wall_us = -1;
    req->conn = (struct tg_conn){.mb = r->web};
    req->who.roles = roles;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    return req;
}

static struct tg_hook_req *hook_req(struct tg_sale_req *req, enum tg_hook_do verb, const char *id)
{
    req->hook = tg_calloc(1, sizeof(*req->hook));
    assert_non_null(req->hook);
    req->hook->verb = verb;
    tg_str_cut(req->hook->hook.id, sizeof(req->hook->hook.id), id);
    return req->hook;
}

static void ask(struct rig *r, struct tg_sale_req *take_req, int status)
{
    assert_int_equal(tg_mailbox_post(tg_sale_mailbox(r->sale), take_req), TG_OK);
    take_answer(r);
    if (r->status != status)
        fail_msg("%d: %s", r->status, r->text);
}

static void out_stop(struct rig *r)
{
    tg_outbound_stop(r->out);
    /* What sale answers now it answers after what it had of outbound. */
    ask(r, request(r, TG_SALE_CART, "pZ", TG_ROLE_VIEWER), 200);
    tg_outbound_free(r->out);
    r->out = NULL;
}

static void act(struct rig *r, enum tg_hook_do verb, int status)
{
    struct tg_sale_req *req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);

    (void)hook_req(req, verb, r->hook);
    ask(r, req, status);
}

static void member(char *out, size_t size, const char *text, const char *key)
{
    const char *at = strstr(text, key);

    if (at == NULL)
        fail_msg("no %s in %s", key, text);
    else
        (void)snprintf(out, size, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
}

static void create(struct rig *r, const char *scheme_host, const char *topics)
{
    struct tg_sale_req *req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    struct tg_hook_req *h = hook_req(req, TG_HOOK_CREATE, "");

    tg_str_printf(h->hook.url, sizeof(h->hook.url), "%s:%u/hook", scheme_host,
                  hook_receiver_port(r->receiver));
    h->has_url = true;
    tg_str_cut(h->hook.topics, sizeof(h->hook.topics), topics);
    h->has_topics = true;
    ask(r, req, 201);
    member(r->hook, sizeof(r->hook), r->text, "\"id\":\"");
    member(r->secret, sizeof(r->secret), r->text, "\"secret\":\"");
}

static void buy(struct rig *r)
{
    struct tg_sale_req *req = request(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);

    req->op.kind = TG_OP_BUY;
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "b%u", r->buys++);
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-WHITE");
    req->op.u.line.qty = 1;
    req->op.u.line.price = -1;
    ask(r, req, 201);
}

static void stock(struct rig *r, int32_t units)
{
    struct tg_sale_req *req = request(r, TG_SALE_OP, "s1", TG_ROLE_ADMIN);

    req->op.kind = TG_OP_STOCK;
    tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), "MUG-WHITE");
    req->op.u.stock.absolute = true;
    req->op.u.stock.value = units;
    ask(r, req, 200);
}

static const char *read_text(struct rig *r, enum tg_read_what what, const char *message)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web};
    req->who.roles = TG_ROLE_ADMIN;
    req->state = -1;
    req->limit = 100;
    tg_str_cut(req->key, sizeof(req->key), r->hook);
    if (message[0] != '\0')
        assert_int_equal(tg_hook_message_parse(&req->message, message), TG_OK);
    tg_reader_turn(r->reader, req);
    take_answer(r);
    return r->text;
}

/* Until the text of this read holds `part`; the outbound thread is at work meanwhile. */
static void until(struct rig *r, enum tg_read_what what, const char *message, const char *part)
{
    tg_us end = tg_clock_mono() + 10 * (tg_us)TG_US_PER_S;

    while (strstr(read_text(r, what, message), part) == NULL) {
        if (tg_clock_mono() > end)
            fail_msg("no %s in %s", part, r->text);
        (void)usleep(5000);
    }
}

static void sql(struct rig *r, const char *text)
{
    sqlite3 *db = NULL;
    char *error = NULL;

    if (postgres != NULL) {
        assert_true(tg_pg_server_sql(r->path, text));
        return;
    }
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", text, error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void signed_by(const struct hook_seen *seen, const char *secret, bool first)
{
    struct tg_buf out;
    const char *sig = first ? seen->signature : strchr(seen->signature, ' ');

    assert_non_null(sig);
    tg_buf_init(&out, 1024);
    assert_int_equal(tg_hook_sign(&out, secret, seen->id, strtoll(seen->timestamp, NULL, 10),
                                  seen->body, strlen(seen->body)),
                     TG_OK);
    assert_memory_equal(first ? sig : sig + 1, tg_buf_cstr(&out), out.len);
    tg_buf_done(&out);
}

/* --- tests --- */

static void test_message_arrives_signed(void **state)
{
    struct rig *r = rig_open();
    struct hook_seen seen;
    char when[TG_RFC3339_SIZE];

    (void)state;
    create(r, "http://127.0.0.1", "order.*");
    assert_int_equal(strlen(r->secret), 6 + 44);
    buy(r);
    out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    seen = hook_receiver_at(r->receiver, 0);
    signed_by(&seen, r->secret, true);
    assert_null(strchr(seen.signature, ' '));
    assert_string_equal(seen.agent, "torg-webhooks/1.2");
    assert_int_equal(strncmp(seen.body, "{\"type\":\"order.created\",\"timestamp\":\"", 37), 0);
    tg_rfc3339(when, tg_clock_wall());
    assert_non_null(strstr(seen.body, ",\"data\":{\"id\":\""));
    assert_null(strstr(seen.body, "whsec_"));
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\",\"attempts\":1,\"status\":200");
    assert_non_null(strstr(r->text, seen.id));
    until(r, TG_READ_DELIVERY, seen.id, "\"error\":null,\"answer\":\"\"");
    assert_null(strstr(read_text(r, TG_READ_HOOKS, ""), "secret"));
    rig_close(r);
}

static void test_only_wanted_topics_and_pings(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    create(r, "http://127.0.0.1", "stock.changed");
    buy(r);
    act(r, TG_HOOK_PING, 202);
    assert_non_null(strstr(r->text, "\"message\":\"msg_"));
    out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\"");
    assert_int_equal(hook_receiver_count(r->receiver), 1);
    assert_non_null(strstr(hook_receiver_at(r->receiver, 0).body, "\"type\":\"webhook.ping\""));
    rig_close(r);
}

static void test_rotation_signs_twice_for_a_day(void **state)
{
    struct rig *r = rig_open();
    char old[TG_HOOK_SECRET_SIZE];
    struct hook_seen seen;

    (void)state;
    create(r, "http://127.0.0.1", "");
    memcpy(old, r->secret, sizeof(old));
    act(r, TG_HOOK_ROTATE, 200);
    member(r->secret, sizeof(r->secret), r->text, "\"secret\":\"");
    assert_string_not_equal(old, r->secret);
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    seen = hook_receiver_at(r->receiver, 0);
    signed_by(&seen, r->secret, true);
    signed_by(&seen, old, false);
    out_stop(r);
    sql(r, "UPDATE webhook_secrets SET until_us = until_us - 86400000000 WHERE until_us < "
           "9000000000000000000");
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 2));
    seen = hook_receiver_at(r->receiver, 1);
    signed_by(&seen, r->secret, true);
    assert_null(strchr(seen.signature, ' '));
    rig_close(r);
}

static void test_failure_waits_and_replay_brings_the_same_id(void **state)
{
    struct rig *r = rig_open();
    static const char answer[] = "no such user kari@example.com";
    struct tg_sale_req *req;
    struct hook_seen first;

    (void)state;
    create(r, "http://127.0.0.1", "");
    hook_receiver_answer(r->receiver, 500, "", answer, sizeof(answer) - 1, 0);
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    first = hook_receiver_at(r->receiver, 0);
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":500");
    until(r, TG_READ_DELIVERY, first.id, "\"answer\":\"no such user ...\"");
    assert_null(strstr(read_text(r, TG_READ_HOOK, ""), "\"failing_since\":null"));
    hook_receiver_answer(r->receiver, 204, "", "", 0, 0);
    req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    assert_int_equal(
        tg_hook_message_parse(&hook_req(req, TG_HOOK_REPLAY, r->hook)->message, first.id), TG_OK);
    ask(r, req, 202);
    assert_true(hook_receiver_wait(r->receiver, 2));
    assert_string_equal(hook_receiver_at(r->receiver, 1).id, first.id);
    assert_string_equal(hook_receiver_at(r->receiver, 1).body, first.body);
    until(r, TG_READ_DELIVERY, first.id, "\"state\":\"delivered\",\"attempts\":2");
    until(r, TG_READ_HOOK, "", "\"failing_since\":null");
    req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    hook_req(req, TG_HOOK_REPLAY, r->hook)->message = 12345;
    ask(r, req, 404);
    rig_close(r);
}

static void test_replay_of_all_that_failed(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;

    (void)state;
    create(r, "http://127.0.0.1", "");
    for (int i = 0; i < 5; i++)
        act(r, TG_HOOK_PING, 202);
    sql(r, "UPDATE deliveries SET state = 2, tries = 15");
    sql(r, "UPDATE deliveries SET created_us = 1000 WHERE message_id ="
           " (SELECT min(message_id) FROM deliveries)");
    req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    hook_req(req, TG_HOOK_REPLAY_FAILED, r->hook)->since_wall = 2000;
    ask(r, req, 202);
    assert_string_equal(r->text, "{\"queued\":4}");
    out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 4));
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"failed\"");
    assert_int_equal(hook_receiver_count(r->receiver), 4);
    rig_close(r);
}

static void test_gone_and_long_failing_switch_off(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;

    (void)state;
    create(r, "http://127.0.0.1", "");
    hook_receiver_answer(r->receiver, 410, "", "", 0, 0);
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    until(r, TG_READ_HOOK, "", "\"enabled\":false,\"off\":\"gone\"");
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"failed\"");
    act(r, TG_HOOK_PING, 409);
    req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    hook_req(req, TG_HOOK_CHANGE, r->hook)->has_enabled = true;
    req->hook->hook.enabled = true;
    ask(r, req, 200);
    assert_non_null(strstr(r->text, "\"enabled\":true,\"off\":null,\"failing_since\":null"));
    hook_receiver_answer(r->receiver, 500, "", "", 0, 0);
    out_stop(r);
    sql(r, "UPDATE webhooks SET failing_since_us = 1000");
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    until(r, TG_READ_HOOK, "", "\"enabled\":false,\"off\":\"failing\"");
    rig_close(r);
}

static void test_redirects_long_answers_and_silence(void **state)
{
    struct rig *r = rig_open();
    char *long_answer = calloc(1, 100000);
    char header[96];

    (void)state;
    assert_non_null(long_answer);
    memset(long_answer, 'x', 100000);
    create(r, "http://127.0.0.1", "");
    hook_receiver_answer(r->receiver, 200, "", long_answer, 100000, 0);
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\",\"attempts\":1,\"status\":200");
    (void)snprintf(header, sizeof(header), "Location: http://127.0.0.1:%u/else\r\n",
                   hook_receiver_port(r->receiver));
    hook_receiver_answer(r->receiver, 302, header, "", 0, 0);
    act(r, TG_HOOK_PING, 202);
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":302");
    assert_int_equal(hook_receiver_count(r->receiver), 2);
    hook_receiver_answer(r->receiver, 200, "", "", 0, 1500);
    sql(r, "DELETE FROM deliveries");
    act(r, TG_HOOK_PING, 202);
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":null");
    rig_close(r);
    free(long_answer);
}

/* Whatever the name: the address that the connection would be made to decides. */
static void test_internal_addresses_are_never_called(void **state)
{
    static const char *const hosts[] = {
        "https://localhost",  "https://127.0.0.1", "https://[::1]",  "https://[::ffff:127.0.0.1]",
        "https://2130706433", "https://127.1",     "https://0x7f.1", "https://0.0.0.0",
        "http://127.0.0.1",
    };
    struct rig *r = rig_open();

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(hosts); i++) {
        create(r, hosts[i], "");
        act(r, TG_HOOK_PING, 202);
        out_start(r, "alone", false);
        until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":null");
        out_stop(r);
        act(r, TG_HOOK_DELETE, 204);
    }
    assert_int_equal(hook_receiver_count(r->receiver), 0);
    rig_close(r);
}

static void test_leases_of_an_earlier_life_and_of_others(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    create(r, "http://127.0.0.1", "");
    act(r, TG_HOOK_PING, 202);
    sql(r, "UPDATE deliveries SET leased_by = 'alone', leased_until_us = 9000000000000000");
    out_start(r, "alone", true); /* killed with the lease in hand */
    assert_true(hook_receiver_wait(r->receiver, 1));
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\"");
    out_stop(r);
    act(r, TG_HOOK_PING, 202);
    act(r, TG_HOOK_PING, 202);
    sql(r, "UPDATE deliveries SET leased_by = 'other', leased_until_us = 9000000000000000"
           " WHERE state = 0");
    sql(r, "UPDATE deliveries SET leased_until_us = 1000 WHERE message_id ="
           " (SELECT max(message_id) FROM deliveries)");
    out_start(r, "", true);
    assert_true(hook_receiver_wait(r->receiver, 2));
    (void)usleep(200000); /* the other's must not come */
    assert_int_equal(hook_receiver_count(r->receiver), 2);
    rig_close(r);
}

enum { MANY = 300 };

/* Two nodes on one database: every message once, and no endpoint is flooded. */
static void test_two_nodes_share_a_backlog(void **state)
{
    struct rig *r = rig_open();
    struct tg_outbound *first;
    struct tg_read_db *db2 = NULL;
    struct tg_read_db *db1;
    struct tg_db_cfg db = {.url = r->path, .fast = true};
    char why[256];

    (void)state;
    stock(r, 100000);
    create(r, "http://127.0.0.1", "order.created");
    for (int i = 0; i < MANY; i++)
        buy(r);
    assert_int_equal(tg_read_db_new(&db2, &db, why), TG_OK);
    hook_receiver_answer(r->receiver, 200, "", "", 0, 2);
    out_start(r, "", true);
    first = r->out;
    db1 = r->db;
    r->db = db2;
    out_start(r, "", true);
    assert_true(hook_receiver_wait(r->receiver, MANY));
    tg_outbound_stop(first);
    out_stop(r);
    tg_outbound_free(first);
    assert_int_equal(hook_receiver_count(r->receiver), MANY);
    assert_true(hook_receiver_peak(r->receiver) <= 8);
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hook_receiver_at(r->receiver, (size_t)i).id,
                                    hook_receiver_at(r->receiver, (size_t)k).id);
    tg_read_db_free(db1);
    rig_close(r);
}

static void test_only_admins_and_at_most_32(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_MERCHANDISER);

    (void)state;
    (void)hook_req(req, TG_HOOK_CREATE, "");
    ask(r, req, 403);
    for (int i = 0; i < TG_WEBHOOKS_MAX; i++)
        create(r, "http://127.0.0.1", "");
    req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    (void)hook_req(req, TG_HOOK_CREATE, "");
    ask(r, req, 409);
    act(r, TG_HOOK_DELETE, 204);
    act(r, TG_HOOK_DELETE, 404);
    act(r, TG_HOOK_PING, 404);
    create(r, "http://127.0.0.1", "");
    rig_close(r);
}

static void test_old_messages_are_cut_off(void **state)
{
    struct rig *r = rig_open();
    tg_us day = 86400 * (tg_us)TG_US_PER_S;

    (void)state;
    create(r, "http://127.0.0.1", "");
    act(r, TG_HOOK_PING, 202);
    out_start(r, "alone", true);
    until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\"");
    out_stop(r);
    tg_sale_stop(r->sale); /* the store is ours now */
    assert_int_equal(r->store->ops->purge(r->store, tg_clock_wall() + 29 * day, 100), TG_OK);
    assert_non_null(strstr(read_text(r, TG_READ_DELIVERIES, ""), "\"state\":\"delivered\""));
    assert_int_equal(r->store->ops->purge(r->store, tg_clock_wall() + 31 * day, 100), TG_OK);
    assert_string_equal(read_text(r, TG_READ_DELIVERIES, ""), "{\"deliveries\":[],\"next\":null}");
    rig_close(r);
}

static void test_secret_is_told_once(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tg_sale_req *req = request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
        struct tg_hook_req *h = hook_req(req, TG_HOOK_CREATE, "");

        tg_str_cut(h->hook.url, sizeof(h->hook.url), "https://shop.example/x");
        h->has_url = true;
        tg_str_cut(req->idempotency, sizeof(req->idempotency), "k1");
        ask(r, req, 201);
        assert_non_null(strstr(r->text, i == 0 ? "\"secret\":\"whsec_" : "\"secret\":null"));
    }
    rig_close(r);
}

static void test_starts_and_stops_many_times(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    create(r, "http://127.0.0.1", "");
    act(r, TG_HOOK_PING, 202);
    hook_receiver_answer(r->receiver, 500, "", "", 0, 30);
    for (int i = 0; i < 20; i++) {
        out_start(r, "alone", true);
        out_stop(r);
    }
    rig_close(r);
}

static void test_new_without_memory(void **state)
{
    struct rig *r = rig_open();
    struct tg_outbound_cfg cfg = {.db = r->db, .sale = tg_sale_mailbox(r->sale)};

    (void)state;
    for (long nth = 0;; nth++) {
        struct tg_outbound *o = NULL;
        bool failed;
        tg_err err;

        tg_alloc_fail_nth(nth);
        err = tg_outbound_new(&o, &cfg);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        tg_outbound_free(o);
        assert_int_equal(err, failed ? TG_ERR_NOMEM : TG_OK);
        if (!failed)
            break;
    }
    rig_close(r);
}

#define CASES                                                                                      \
    cmocka_unit_test(test_message_arrives_signed),                                                 \
        cmocka_unit_test(test_only_wanted_topics_and_pings),                                       \
        cmocka_unit_test(test_rotation_signs_twice_for_a_day),                                     \
        cmocka_unit_test(test_failure_waits_and_replay_brings_the_same_id),                        \
        cmocka_unit_test(test_replay_of_all_that_failed),                                          \
        cmocka_unit_test(test_gone_and_long_failing_switch_off),                                   \
        cmocka_unit_test(test_redirects_long_answers_and_silence),                                 \
        cmocka_unit_test(test_internal_addresses_are_never_called),                                \
        cmocka_unit_test(test_leases_of_an_earlier_life_and_of_others),                            \
        cmocka_unit_test(test_two_nodes_share_a_backlog),                                          \
        cmocka_unit_test(test_only_admins_and_at_most_32),                                         \
        cmocka_unit_test(test_secret_is_told_once),                                                \
        cmocka_unit_test(test_old_messages_are_cut_off),                                           \
        cmocka_unit_test(test_starts_and_stops_many_times),                                        \
        cmocka_unit_test(test_new_without_memory),

int main(void)
{
    static struct tg_pg_server server;
    const struct CMUnitTest on_sqlite[] = {CASES};
    const struct CMUnitTest on_postgres[] = {CASES};
    int failed = cmocka_run_group_tests(on_sqlite, NULL, NULL);

    if (!tg_pg_server_start(&server))
        return 1;
    postgres = &server;
    failed += cmocka_run_group_tests(on_postgres, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
