#include "support/lib/two_nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/live.h"
#include "msg/web.h"

struct tg_pg_server nodes_server;

static void seed(struct tg_store *store)
{
    struct tg_variant v[HOT_SKUS];
    struct tg_product_import import = {.product = {.id = "p1", .number = 1, .title = "Thing"},
                                       .variants = v,
                                       .variant_count = HOT_SKUS};

    for (int i = 0; i < HOT_SKUS; i++) {
        v[i] = (struct tg_variant){.price = 1000,
                                   .compare_at = -1,
                                   .cost = -1,
                                   .flash = -1,
                                   .flash_until_wall = -1,
                                   .stock = {.on_hand = UNITS},
                                   .options = "{}"};
        tg_str_printf(v[i].sku, sizeof(v[i].sku), "SKU-%d", i);
    }
    assert_int_equal(store->ops->begin(store), TG_OK);
    assert_int_equal(store->ops->write_product(store, &import, NODES_WALL_US, "test"), TG_OK);
    assert_int_equal(store->ops->commit(store), TG_OK);
}

void node_open(struct node *n, const char *url, struct tg_shop_now now)
{
    node_open_wrong(n, url, now, 0);
}

void node_open_wrong(struct node *n, const char *url, struct tg_shop_now now, tg_us ahead)
{
    const struct tg_db_cfg db = {.url = url, .clock_wrong_us = ahead};
    struct tg_sale_cfg cfg = {
        .web_count = 1, .web = &n->web, .allow_sandbox = true, .person_units_max = 50};
    bool any = true;
    char why[256] = "";

    if (tg_store_new(&n->store, &db, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(n->store->ops->has_products(n->store, &any), TG_OK);
    if (!any)
        seed(n->store);
    assert_int_equal(tg_registry_new(&n->registry), TG_OK);
    assert_int_equal(tg_mailbox_new(&n->live, TG_MB_LIVE, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&n->web, TG_MB_WEB, tg_msg_free), TG_OK);
    cfg.store = n->store;
    cfg.registry = n->registry;
    cfg.live = n->live;
    assert_int_equal(tg_sale_new(&n->sale, &cfg, now), TG_OK);
}

void node_close(struct node *n)
{
    tg_sale_free(n->sale);
    tg_registry_free(n->registry);
    tg_store_free(n->store);
    tg_mailbox_free(n->live);
    tg_mailbox_free(n->web);
    memset(n, 0, sizeof(*n));
}

struct pair *pair_open(void)
{
    struct pair *p = tg_calloc(1, sizeof(*p));

    assert_non_null(p);
    tg_log_set_level(TG_LOG_ERROR);
    p->now = (struct tg_shop_now){.mono = tg_clock_mono(), .wall = NODES_WALL_US};
    assert_true(tg_pg_server_url(&nodes_server, p->url, sizeof(p->url)));
    node_open(&p->nodes[0], p->url, p->now);
    node_open(&p->nodes[1], p->url, p->now);
    return p;
}

void pair_close(struct pair *p)
{
    node_close(&p->nodes[0]);
    node_close(&p->nodes[1]);
    tg_free(p);
}

void pair_pass(struct pair *p, tg_us us)
{
    p->now.mono += us;
    p->now.wall += us;
}

static void keep(char *out, size_t size, const struct tg_slab *json)
{
    tg_str_cut(out, size, "");
    if (json != NULL)
        assert_int_equal(tg_str_copy(out, size, (const char *)json->data, json->len), TG_OK);
}

static void from_web(struct node *n, const void *msg)
{
    const struct tg_web_send *send = msg;
    const struct tg_web_reply *reply = msg;
    const struct tg_web_person *person = msg;

    if (send->head.kind == TG_MSG_WEB_PERSON) {
        n->persons_told++;
        tg_str_cut(n->person, sizeof(n->person), person->person);
        keep(n->event, sizeof(n->event), person->json);
    } else if (send->head.kind == TG_MSG_WEB_SEND || send->head.kind == TG_MSG_WEB_REPLY) {
        bool http = send->head.kind == TG_MSG_WEB_REPLY;

        n->status = http ? reply->status : 0;
        keep(n->text, sizeof(n->text), http ? reply->json : send->json);
        n->sold += strstr(n->text, "\"ok\":true") != NULL;
    }
}

static void from_live(struct node *n, const void *msg)
{
    const struct tg_live_sale *sale = msg;
    const struct tg_live_rules *rules = msg;
    const struct tg_live_catalog *catalog = msg;

    if (sale->head.kind == TG_MSG_LIVE_SALE && sale->stock_changed) {
        n->stock_told++;
        n->last_available = sale->available;
        tg_str_cut(n->last_sku, sizeof(n->last_sku), sale->sku);
    } else if (sale->head.kind == TG_MSG_LIVE_CATALOG) {
        n->catalogs++;
        n->catalog_variants = catalog->catalog->variant_count;
    } else if (sale->head.kind == TG_MSG_LIVE_RULES) {
        n->rules_told++;
        n->comments = rules->comments;
        keep(n->selling, sizeof(n->selling), rules->event != NULL ? rules->event : rules->json);
    }
}

void node_take(struct node *n)
{
    void *msg;

    while (tg_mailbox_take(n->web, &msg, 1) == 1) {
        from_web(n, msg);
        tg_msg_free(msg);
    }
    while (tg_mailbox_take(n->live, &msg, 1) == 1) {
        from_live(n, msg);
        tg_msg_free(msg);
    }
}

struct tg_sale_req *node_req(struct node *n, enum tg_sale_what what, const char *person)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));
    static unsigned keys;

    assert_non_null(req);
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "k%u", ++keys);
    req->what = what;
    req->conn = (struct tg_conn){.mb = n->web};
    req->http = what != TG_SALE_OP;
    req->show = 2;
    req->until_wall_us = -1;
    req->who.roles = TG_ROLE_VIEWER;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    return req;
}

struct tg_sale_req *node_buy(struct node *n, const char *person, const char *id, int sku)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_OP, person);

    req->op.kind = TG_OP_BUY;
    tg_str_cut(req->op.id, sizeof(req->op.id), id);
    tg_str_printf(req->op.u.line.sku, sizeof(req->op.u.line.sku), "SKU-%d", sku);
    req->op.u.line.qty = 1;
    req->op.u.line.price = -1;
    return req;
}

const char *node_turn(struct pair *p, struct node *n, struct tg_sale_req *take_req)
{
    void *msgs[1] = {take_req};

    n->text[0] = '\0';
    n->status = 0;
    tg_sale_turn(n->sale, p->now, msgs, take_req == NULL ? 0 : 1);
    node_take(n);
    return n->text;
}

const char *node_catalog(struct pair *p, struct node *n, enum tg_sale_what what, const char *key,
                         const char *body)
{
    struct tg_sale_req *req = node_req(n, what, "pM");

    req->who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(req->key, sizeof(req->key), key);
    if (body != NULL)
        req->body = tg_slab_copy(body, strlen(body));
    return node_turn(p, n, req);
}

void text_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

void text_member(char *out, size_t size, const char *text, const char *start)
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

static tg_err must_agree(void *ctx, const struct tg_audit_row *row)
{
    struct node *n = ctx;
    char why[160];

    if (!tg_shop_audit(tg_sale_shop(n->sale), row, why))
        fail_msg("%s: %s", row->sku, why);
    return TG_OK;
}

void node_audit(struct pair *p, struct node *n)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_STOCK_AUDIT, "s1");

    req->who.roles = TG_ROLE_ADMIN;
    text_has(node_turn(p, n, req), "\"ok\":true");
    assert_int_equal(n->store->ops->audit(n->store, must_agree, n), TG_OK);
}

/* Is there something of the other node's to take over? Then a turn takes it. */
bool node_poll(struct pair *p, struct node *n)
{
    bool something = false;

    assert_int_equal(n->store->ops->poll(n->store, p->now, &something), TG_OK);
    if (something)
        (void)node_turn(p, n, NULL);
    return something;
}

void node_come_back(struct pair *p, struct node *n)
{
    bool something = false;
    tg_err err = TG_ERR_CLOSED;

    for (int i = 0; i < 400 && err != TG_OK; i++) {
        pair_pass(p, 50000);
        err = n->store->ops->poll(n->store, p->now, &something);
    }
    assert_int_equal(err, TG_OK);
}

int nodes_run(const struct CMUnitTest *tests, size_t count)
{
    int failed;

    if (!tg_pg_server_start(&nodes_server))
        return 1;
    failed = _cmocka_run_group_tests("PostgreSQL", tests, count, NULL, NULL);
    tg_pg_server_stop(&nodes_server);
    return failed;
}
