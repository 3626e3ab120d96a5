#include "support/lib/hook_rig.h"

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
#include "outbound/sign.h"

struct tg_pg_server *rig_postgres;
tg_us rig_purge_us;

void rig_out_start(struct rig *r, const char *node, bool allow)
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

static void start_sale(struct rig *r)
{
    struct tg_shop_now now = {.mono = tg_clock_mono(), .wall = tg_clock_wall()};
    struct tg_sale_cfg cfg = {.store = r->store,
                              .registry = r->registry,
                              .web = r->webs,
                              .web_count = 1,
                              .allow_sandbox = true,
                              .purge_us = rig_purge_us,
                              .person_units_max = 100000};

    assert_int_equal(tg_sale_new(&r->sale, &cfg, now), TG_OK);
    assert_int_equal(tg_sale_start(r->sale), TG_OK);
}

void rig_restart_sale(struct rig *r)
{
    tg_sale_stop(r->sale);
    tg_sale_free(r->sale);
    start_sale(r);
}

struct rig *rig_open(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct tg_db_cfg db = {.url = r->path, .fast = true};
    struct tg_shop_now now = {.mono = tg_clock_mono(), .wall = tg_clock_wall()};
    struct tg_reader_cfg reader = {.db = db};
    char why[256] = "";

    assert_non_null(r);
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/torg-outbound-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->path, sizeof(r->path), "%s/torg.db", r->dir);
    if (rig_postgres != NULL)
        assert_true(tg_pg_server_url(rig_postgres, r->path, sizeof(r->path)));
    assert_int_equal(tg_store_new(&r->store, &db, why), TG_OK);
    assert_int_equal(tg_demo_seed(r->store, now.wall), TG_OK);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->web, 65536, tg_msg_free), TG_OK);
    r->webs[0] = r->web;
    start_sale(r);
    assert_int_equal(tg_reader_new(&r->reader, &reader, why), TG_OK);
    assert_int_equal(tg_read_db_new(&r->db, &db, why), TG_OK);
    r->receiver = hook_receiver_new();
    assert_non_null(r->receiver);
    return r;
}

void rig_close(struct rig *r)
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
void rig_take_answer(struct rig *r)
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
            memcpy(r->location, reply->location, sizeof(r->location));
            memcpy(r->etag, reply->etag, sizeof(r->etag));
            r->in_lang = reply->in_lang;
            if (reply->json != NULL)
                assert_int_equal(tg_str_copy(r->text, sizeof(r->text),
                                             (const char *)reply->json->data, reply->json->len),
                                 TG_OK);
        }
        tg_msg_free(msg);
    }
}

struct tg_sale_req *rig_request(struct rig *r, enum tg_sale_what what, const char *person,
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

struct tg_hook_req *rig_hook(struct tg_sale_req *req, enum tg_hook_do verb, const char *id)
{
    req->hook = tg_calloc(1, sizeof(*req->hook));
    assert_non_null(req->hook);
    req->hook->verb = verb;
    tg_str_cut(req->hook->hook.id, sizeof(req->hook->hook.id), id);
    return req->hook;
}

void rig_ask(struct rig *r, struct tg_sale_req *take_req, int status)
{
    assert_int_equal(tg_mailbox_post(tg_sale_mailbox(r->sale), take_req), TG_OK);
    rig_take_answer(r);
    if (r->status != status)
        fail_msg("%d: %s", r->status, r->text);
}

void rig_out_stop(struct rig *r)
{
    tg_outbound_stop(r->out);
    /* What sale answers now it answers after what it had of outbound. */
    rig_ask(r, rig_request(r, TG_SALE_CART, "pZ", TG_ROLE_VIEWER), 200);
    tg_outbound_free(r->out);
    r->out = NULL;
}

void rig_act(struct rig *r, enum tg_hook_do verb, int status)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);

    (void)rig_hook(req, verb, r->hook);
    rig_ask(r, req, status);
}

void rig_member(char *out, size_t size, const char *text, const char *key)
{
    const char *at = strstr(text, key);

    if (at == NULL)
        fail_msg("no %s in %s", key, text);
    else
        (void)snprintf(out, size, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
}

void rig_create(struct rig *r, const char *scheme_host, const char *topics)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    struct tg_hook_req *h = rig_hook(req, TG_HOOK_CREATE, "");

    tg_str_printf(h->hook.url, sizeof(h->hook.url), "%s:%u/hook", scheme_host,
                  hook_receiver_port(r->receiver));
    h->has_url = true;
    tg_str_cut(h->hook.topics, sizeof(h->hook.topics), topics);
    h->has_topics = true;
    rig_ask(r, req, 201);
    rig_member(r->hook, sizeof(r->hook), r->text, "\"id\":\"");
    rig_member(r->secret, sizeof(r->secret), r->text, "\"secret\":\"");
}

void rig_buy(struct rig *r)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);

    req->op.kind = TG_OP_BUY;
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "b%u", r->buys++);
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-WHITE");
    req->op.u.line.qty = 1;
    req->op.u.line.price = -1;
    rig_ask(r, req, 201);
}

void rig_stock(struct rig *r, int32_t units)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_OP, "s1", TG_ROLE_ADMIN);

    req->op.kind = TG_OP_STOCK;
    tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), "MUG-WHITE");
    req->op.u.stock.absolute = true;
    req->op.u.stock.value = units;
    rig_ask(r, req, 200);
}

const char *rig_read(struct rig *r, enum tg_read_what what, const char *message)
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
    rig_take_answer(r);
    return r->text;
}

/* Until the text of this read holds `part`; the outbound thread is at work meanwhile. */
void rig_until(struct rig *r, enum tg_read_what what, const char *message, const char *part)
{
    tg_us end = tg_clock_mono() + 10 * (tg_us)TG_US_PER_S;

    while (strstr(rig_read(r, what, message), part) == NULL) {
        if (tg_clock_mono() > end)
            fail_msg("no %s in %s", part, r->text);
        (void)usleep(5000);
    }
}

void rig_sql(struct rig *r, const char *text)
{
    sqlite3 *db = NULL;
    char *error = NULL;

    if (rig_postgres != NULL) {
        assert_true(tg_pg_server_sql(r->path, text));
        return;
    }
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", text, error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void rig_signed_by(const struct hook_seen *seen, const char *secret, bool first)
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
