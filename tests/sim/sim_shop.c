/*
 * sim_shop.c - the real shop, sale logic and SQLite store under a virtual clock, with clients whose
 * requests and answers are lost, doubled and reordered, and a server that dies at every step of a
 * transaction.
 *
 *     sim_shop [--seeds N] [--seed N]      N runs, or one run again
 *
 * After every death and at the end: never oversold, no acknowledged order lost, no request made two
 * orders, nothing paid without being sold, money adds up, audit clean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale.h"
#include "store/read.h"
#include "support/lib/faulty_store.h"

enum { PERSONS = 6, SKUS = 4, REQS_MAX = 400, STEPS = 220, FLIGHT_MAX = 4096, SEEDS_DEFAULT = 200 };

struct request {
    struct tg_sale_req req; /* as sent, again and again */
    int of;                 /* pay, cancel: index of the buy; -1 = none */
    bool answered;          /* the client got an answer that settles it */
    bool ok;                /* ... and it was a success */
    char *reply;            /* bytes of the first success */
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
    bool seen; /* scratch of the check: orders on disk that carry its mark */
    tg_us again_at;
};

struct flight {
    size_t request;
    tg_us at;
};

struct sim {
    uint64_t seed;
    struct tg_rng rng;
    struct tg_rng server_rng;
    char dir[64];
    char path[96];
    struct tg_shop_now now;
    struct tg_faulty_store faulty;
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_sale *sale;
    struct tg_mailbox *live;
    struct tg_mailbox *web;
    struct request *requests;
    size_t request_count;
    struct flight *flights;
    size_t flight_count;
    bool settled; /* an hour has passed: nothing may wait any more */
    unsigned long crashes;
    unsigned long refusals;
    unsigned long orders_acked;
    unsigned long duplicates;
    unsigned long sold_out;
};

static struct sim *running; /* for the failure line */

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "sim_shop: seed %llu: %s: ", (unsigned long long)running->seed,        \
                    #cond);                                                                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n  replay: sim_shop --seed %llu\n",                                  \
                    (unsigned long long)running->seed);                                            \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static bool chance(struct sim *s, unsigned percent)
{
    return tg_rng_below(&s->rng, 100) < percent;
}

static const char *const skus[SKUS] = {"LAST", "FEW", "SOME", "MANY"};
static const int32_t counts[SKUS] = {1, 5, 25, 400};

/* --- the server --- */

static void seed_catalogue(struct sim *s)
{
    struct tg_variant v[SKUS];
    struct tg_product_import import = {.product = {.id = "p1", .number = 1, .title = "Thing"},
                                       .variants = v,
                                       .variant_count = SKUS};
    tg_err err;

    for (size_t i = 0; i < SKUS; i++) {
        v[i] = (struct tg_variant){.price = 1000 * ((int64_t)i + 1),
                                   .compare_at = -1,
                                   .cost = 400,
                                   .flash = -1,
                                   .flash_until_wall = -1,
                                   .stock = {.on_hand = counts[i]},
                                   .options = "{}"};
        tg_str_cut(v[i].sku, sizeof(v[i].sku), skus[i]);
    }
    err = s->store->ops->begin(s->store);
    if (err == TG_OK)
        err = s->store->ops->write_product(s->store, &import, s->now.wall, "sim");
    if (err == TG_OK)
        err = s->store->ops->commit(s->store);
    CHECK(err == TG_OK, "seeding: %s", tg_err_name(err));
}

static tg_err audit_row(void *ctx, const struct tg_audit_row *row)
{
    struct sim *s = ctx;
    char why[160];

    CHECK(tg_shop_audit(tg_sale_shop(s->sale), row, why), "%s: %s", row->sku, why);
    CHECK(row->kept_held + row->kept_sold <= row->kept_on_hand, "%s is oversold", row->sku);
    return TG_OK;
}

static void start(struct sim *s)
{
    struct tg_db_cfg cfg = {.url = s->path, .fast = true};
    struct tg_store *inner = NULL;
    struct tg_sale_cfg sale = {.live = s->live,
                               .web = &s->web,
                               .web_count = 1,
                               .allow_sandbox = true,
                               .person_units_max = 60,
                               .rng = &s->server_rng};
    bool any = true;
    char why[256] = "";
    tg_err err = tg_store_new(&inner, &cfg, why);

    CHECK(err == TG_OK, "%s", why);
    s->store = tg_faulty_store_init(&s->faulty, inner);
    err = s->store->ops->has_products(s->store, &any);
    CHECK(err == TG_OK, "%s", tg_err_name(err));
    if (!any)
        seed_catalogue(s);
    err = tg_registry_new(&s->registry);
    CHECK(err == TG_OK, "%s", tg_err_name(err));
    sale.store = s->store;
    sale.registry = s->registry;
    err = tg_sale_new(&s->sale, &sale, s->now);
    CHECK(err == TG_OK, "%s", tg_err_name(err));
    err = s->store->ops->audit(s->store, audit_row, s);
    CHECK(err == TG_OK, "audit: %s", tg_err_name(err));
}

static void stop(struct sim *s)
{
    tg_sale_free(s->sale);
    tg_registry_free(s->registry);
    tg_store_free(s->store);
    s->sale = NULL;
}

static void drain(struct tg_mailbox *mb)
{
    void *msg;

    while (tg_mailbox_take(mb, &msg, 1) == 1)
        tg_msg_free(msg);
}

/* --- clients --- */

static void base_request(struct sim *s, struct tg_sale_req *req, size_t index)
{
    unsigned person = (unsigned)tg_rng_below(&s->rng, PERSONS);

    *req = (struct tg_sale_req){.head = {.kind = TG_MSG_SALE_REQ}, .show = 1, .until_wall_us = -1};
    req->conn = (struct tg_conn){.mb = s->web, .slot = (uint32_t)index};
    tg_str_printf(req->who.id, sizeof(req->who.id), "p%u", person);
    tg_str_cut(req->who.name, sizeof(req->who.name), "Kari");
    req->who.roles = TG_ROLE_VIEWER;
    tg_str_printf(req->source, sizeof(req->source), "r%zu", index);
    tg_str_printf(req->op.id, sizeof(req->op.id), "op%zu", index);
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "op%zu", index);
}

static int acked_buy(struct sim *s)
{
    for (int tries = 0; tries < 8 && s->request_count > 0; tries++) {
        size_t i = tg_rng_below(&s->rng, s->request_count);

        if (s->requests[i].ok && s->requests[i].order[0] != '\0')
            return (int)i;
    }
    return -1;
}

static void line_op(struct sim *s, struct tg_sale_req *req, enum tg_op_kind kind)
{
    size_t sku = tg_rng_below(&s->rng, SKUS);

    req->what = TG_SALE_OP;
    req->op.kind = kind;
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), skus[sku]);
    req->op.u.line.qty =
        (int32_t)tg_rng_below(&s->rng, kind == TG_OP_BUY ? 3 : 4) + (kind == TG_OP_BUY);
    req->op.u.line.price = chance(s, 50) ? -1 : 1000 * ((int64_t)sku + 1);
}

static void staff_op(struct sim *s, struct tg_sale_req *req)
{
    size_t sku = tg_rng_below(&s->rng, SKUS);

    req->what = TG_SALE_OP;
    req->who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(req->who.id, sizeof(req->who.id), "s1");
    if (chance(s, 50)) {
        req->op.kind = TG_OP_STOCK;
        tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), skus[sku]);
        req->op.u.stock.value = (int32_t)tg_rng_below(&s->rng, 7) - 3;
    } else {
        req->op.kind = TG_OP_PRICE;
        tg_str_cut(req->op.u.price.sku, sizeof(req->op.u.price.sku), skus[sku]);
        req->op.u.price.amount = chance(s, 30) ? -1 : (int64_t)tg_rng_below(&s->rng, 5000) + 1;
        req->op.u.price.until_wall_us =
            chance(s, 50) ? -1 : s->now.wall + (tg_us)tg_rng_below(&s->rng, 900) * TG_US_PER_S + 1;
    }
}

static void http_op(struct tg_sale_req *req, enum tg_sale_what what, const struct request *buy,
                    bool paid)
{
    req->what = what;
    req->http = true;
    req->flag = paid;
    tg_str_cut(req->key, sizeof(req->key), what == TG_SALE_PAY ? buy->payment : buy->order);
    memcpy(req->who.id, buy->req.who.id, sizeof(req->who.id));
}

static void new_request(struct sim *s)
{
    size_t index = s->request_count;
    struct request *r = &s->requests[index];
    uint64_t dice = tg_rng_below(&s->rng, 100);

    if (index == REQS_MAX)
        return;
    *r = (struct request){.of = -1};
    base_request(s, &r->req, index);
    if (dice < 20 || (dice < 26 && index > 0))
        r->of = acked_buy(s);
    if (dice < 20 && r->of >= 0)
        http_op(&r->req, TG_SALE_PAY, &s->requests[r->of], chance(s, 80));
    else if (dice < 26 && r->of >= 0)
        http_op(&r->req, TG_SALE_CANCEL, &s->requests[r->of], false);
    else if (dice < 36)
        staff_op(s, &r->req);
    else if (dice < 50)
        line_op(s, &r->req, TG_OP_CART_SET);
    else if (dice < 60) {
        r->req.what = TG_SALE_OP;
        r->req.op.kind = TG_OP_CHECKOUT;
    } else
        line_op(s, &r->req, TG_OP_BUY);
    s->request_count++;
}

/* The network: lose, delay, double. */
static void post(struct sim *s, size_t request)
{
    unsigned copies = chance(s, 20) ? 0 : chance(s, 25) ? 2 : 1;

    while (copies-- > 0 && s->flight_count < FLIGHT_MAX)
        s->flights[s->flight_count++] = (struct flight){
            .request = request, .at = s->now.mono + (tg_us)tg_rng_below(&s->rng, 3000000)};
}

static void retry(struct sim *s)
{
    for (size_t i = 0; i < s->request_count; i++) {
        struct request *r = &s->requests[i];

        /* Now and then somebody asks again although everything was answered. */
        if (r->again_at > s->now.mono || (r->answered && !chance(s, 1)))
            continue;
        r->again_at = s->now.mono + (tg_us)tg_rng_below(&s->rng, 4000000);
        post(s, i);
    }
}

static void field(char *out, size_t size, const char *json, const char *name)
{
    const char *at = strstr(json, name);
    const char *end;

    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(name);
    end = strchr(at, '"');
    CHECK(end != NULL && tg_str_copy(out, size, at, (size_t)(end - at)) == TG_OK, "reply %s", json);
}

static void success(struct sim *s, struct request *r, const char *json)
{
    bool settled = r->req.op.kind != TG_OP_CART_SET || r->req.http;

    if (r->ok && r->reply != NULL) {
        /* The same id gets the same answer, over crashes too. */
        CHECK(!settled || strcmp(r->reply, json) == 0, "another answer\n  %s\n  %s", r->reply,
              json);
        s->duplicates++;
        return;
    }
    r->answered = true;
    r->ok = true;
    r->reply = tg_strdup(json);
    CHECK(r->reply != NULL, "memory");
    if (!r->req.http && (r->req.op.kind == TG_OP_BUY || r->req.op.kind == TG_OP_CHECKOUT)) {
        field(r->order, sizeof(r->order), json, "\"order\":{\"id\":\"");
        field(r->payment, sizeof(r->payment), json, "/pay/sandbox/");
        CHECK(r->order[0] != '\0' && r->payment[0] != '\0', "no order in %s", json);
        s->orders_acked++;
    }
}

static void answer(struct sim *s, size_t index, const char *json, bool ok)
{
    struct request *r;

    CHECK(index < s->request_count, "answer to nobody");
    r = &s->requests[index];
    if (ok) {
        success(s, r, json);
        return;
    }
    s->sold_out += strstr(json, "\"sold_out\"") != NULL;
    if (strstr(json, "\"busy\"") != NULL)
        return; /* asked again */
    CHECK(strstr(json, "\"internal\"") == NULL, "%s", json);
    CHECK(!r->ok, "a success became %s", json);
    r->answered = true;
}

static void receive(struct sim *s)
{
    void *msg;

    while (tg_mailbox_take(s->web, &msg, 1) == 1) {
        const struct tg_msg *head = msg;
        const struct tg_web_send *send = msg;
        const struct tg_web_reply *reply = msg;
        const struct tg_slab *json = NULL;
        char text[8192];

        if (head->kind == TG_MSG_WEB_SEND)
            json = send->json;
        else if (head->kind == TG_MSG_WEB_REPLY)
            json = reply->json;
        if (json != NULL && !chance(s, 20)) { /* answers are lost, too */
            CHECK(tg_str_copy(text, sizeof(text), (const char *)json->data, json->len) == TG_OK,
                  "long answer");
            if (head->kind == TG_MSG_WEB_SEND)
                answer(s, send->conn.slot, text, strstr(text, "\"ok\":true") != NULL);
            else
                answer(s, reply->conn.slot, text, reply->status < 400);
        }
        tg_msg_free(msg);
    }
    drain(s->live);
}

/* --- checks on what is on disk --- */

static size_t request_of(const struct tg_order *order)
{
    int64_t index = -1;

    CHECK(order->source[0] == 'r' && tg_parse_i64(&index, order->source + 1,
                                                  strlen(order->source + 1), 0, REQS_MAX) == TG_OK,
          "order of nobody: %s", order->source);
    return (size_t)index;
}

static tg_err check_order(void *ctx, const struct tg_order *order)
{
    struct sim *s = ctx;
    struct request *r = &s->requests[request_of(order)];

    CHECK(!r->seen, "request %s made two orders", order->source);
    r->seen = true;
    CHECK(strcmp(order->person, r->req.who.id) == 0, "order of %s given to %s", r->req.who.id,
          order->person);
    CHECK((order->state == TG_ORDER_PAID) == (order->payment_state == TG_PAYMENT_PAID),
          "order %lld: %s but payment %s", (long long)order->number,
          tg_order_state_name(order->state), tg_payment_state_name(order->payment_state));
    CHECK(!s->settled || order->state != TG_ORDER_AWAITING, "order %lld never expired",
          (long long)order->number);
    if (r->ok)
        CHECK(strcmp(r->order, order->id) == 0, "another order than acknowledged");
    for (uint32_t i = 0; i < order->line_count && r->req.op.kind == TG_OP_BUY; i++)
        CHECK(r->req.op.u.line.price < 0 || order->lines[i].price <= r->req.op.u.line.price,
              "charged more than was shown");
    return TG_OK;
}

/* The state of an acknowledged payment or cancellation must be on disk. */
static void check_verdict(struct sim *s, struct tg_read_db *db, const struct request *r)
{
    struct tg_order *order = NULL;
    enum tg_order_state want = r->req.what == TG_SALE_CANCEL ? TG_ORDER_CANCELLED : TG_ORDER_PAID;
    tg_err err;

    if (!r->ok || !r->req.http || (r->req.what == TG_SALE_PAY && !r->req.flag))
        return;
    err = tg_read_order(db, s->requests[r->of].order, &order);
    CHECK(err == TG_OK, "acknowledged order is gone: %s", tg_err_name(err));
    CHECK(order->state == want, "acknowledged as %s, is %s", tg_order_state_name(want),
          tg_order_state_name(order->state));
    tg_order_free(order);
}

static void check_disk(struct sim *s)
{
    struct tg_read_db *db = NULL;
    char why[256] = "";
    tg_err err = tg_read_db_new(&db, &(struct tg_db_cfg){.url = s->path}, why);

    CHECK(err == TG_OK, "%s", why);
    for (size_t i = 0; i < s->request_count; i++)
        s->requests[i].seen = false;
    /* Each order read is also checked to add up (store/rows.c). */
    err = tg_read_orders(db, NULL, INT64_MAX, UINT32_MAX, check_order, s);
    CHECK(err == TG_OK, "reading orders: %s", tg_err_name(err));
    for (size_t i = 0; i < s->request_count; i++) {
        CHECK(!s->requests[i].ok || s->requests[i].order[0] == '\0' || s->requests[i].seen,
              "acknowledged order of request %zu is lost", i);
        check_verdict(s, db, &s->requests[i]);
    }
    tg_read_db_free(db);
}

/* --- the run --- */

static size_t due(struct sim *s, void **out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < s->flight_count && count < max;) {
        struct tg_sale_req *copy;

        if (s->flights[i].at > s->now.mono) {
            i++;
            continue;
        }
        copy = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*copy));
        CHECK(copy != NULL, "memory");
        *copy = s->requests[s->flights[i].request].req;
        out[count++] = copy;
        s->flights[i] = s->flights[--s->flight_count]; /* and that reorders them */
    }
    return count;
}

static void arm(struct sim *s)
{
    static const enum tg_fault faults[] = {TG_FAULT_REFUSE, TG_FAULT_CRASH, TG_FAULT_CRASH_AFTER};

    s->refusals += s->faulty.refused;
    s->faulty.refused = 0;
    s->faulty.fail_in = -1;
    if (!chance(s, 25))
        return;
    s->faulty.fault = faults[tg_rng_below(&s->rng, TG_ARRAY_LEN(faults))];
    /* Few calls for a lone refusal, many for a batch: half of the faults hit near the end. */
    s->faulty.fail_in = (long)tg_rng_below(&s->rng, chance(s, 50) ? 12 : 120);
}

static void step(struct sim *s)
{
    void *msgs[64];
    tg_us jump = (tg_us)tg_rng_below(&s->rng, chance(s, 3) ? 700 : 2) * TG_US_PER_S +
                 (tg_us)tg_rng_below(&s->rng, 500000);
    size_t count;

    s->now.mono += jump;
    s->now.wall += jump;
    for (uint64_t n = tg_rng_below(&s->rng, 5); n > 0; n--)
        new_request(s);
    retry(s);
    arm(s);
    count = due(s, msgs, 1 + tg_rng_below(&s->rng, TG_ARRAY_LEN(msgs)));
    if (count > 0 || tg_sale_deadline(s->sale) <= s->now.mono)
        tg_sale_turn(s->sale, s->now, msgs, count);
    if (!s->faulty.crashed) {
        receive(s);
        return;
    }
    /* Dead: what it wanted to say was never said, what was under way to it is lost. */
    s->crashes++;
    drain(s->web);
    drain(s->live);
    s->flight_count = 0;
    stop(s);
    start(s);
    check_disk(s);
}

static void settle(struct sim *s)
{
    s->faulty.fail_in = -1;
    s->now.mono += (tg_us)3600 * TG_US_PER_S;
    s->now.wall += (tg_us)3600 * TG_US_PER_S;
    while (tg_sale_deadline(s->sale) <= s->now.mono)
        tg_sale_turn(s->sale, s->now, NULL, 0);
    receive(s);
    s->settled = true;
    CHECK(tg_shop_order_count(tg_sale_shop(s->sale)) == 0, "holds outlived their time");
    CHECK(s->store->ops->audit(s->store, audit_row, s) == TG_OK, "audit");
    check_disk(s);
}

static void files_gone(const struct sim *s)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[128];

    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s%s", s->path, tails[i]);
        (void)unlink(path); /* some of them may not exist */
    }
    (void)rmdir(s->dir);
}

static void run(uint64_t seed, struct sim *s)
{
    *s = (struct sim){.seed = seed,
                      .rng = tg_rng_seeded(seed),
                      .server_rng = tg_rng_seeded(seed ^ UINT64_C(0x5a5a5a5a)),
                      .now = {.mono = 1, .wall = (tg_us)1780000000 * TG_US_PER_S}};
    running = s;
    /* In memory where that is to be had: 2,000 restarts would otherwise wait for the disk. */
    tg_str_printf(s->dir, sizeof(s->dir), "%s/torg-sim-XXXXXX",
                  access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(s->dir) != NULL, "no directory");
    tg_str_printf(s->path, sizeof(s->path), "%s/shop.db", s->dir);
    s->requests = tg_calloc(REQS_MAX, sizeof(*s->requests));
    s->flights = tg_calloc(FLIGHT_MAX, sizeof(*s->flights));
    CHECK(s->requests != NULL && s->flights != NULL, "memory");
    CHECK(tg_mailbox_new(&s->live, TG_MB_LIVE, tg_msg_free) == TG_OK, "mailbox");
    CHECK(tg_mailbox_new(&s->web, TG_MB_WEB, tg_msg_free) == TG_OK, "mailbox");
    start(s);
    for (int i = 0; i < STEPS; i++)
        step(s);
    settle(s);
    stop(s);
    files_gone(s);
    for (size_t i = 0; i < s->request_count; i++)
        tg_free(s->requests[i].reply);
    tg_free(s->requests);
    tg_free(s->flights);
    tg_mailbox_free(s->live);
    tg_mailbox_free(s->web);
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t seeds = SEEDS_DEFAULT;
    unsigned long crashes = 0;
    unsigned long acked = 0;
    unsigned long duplicates = 0;
    unsigned long refusals = 0;
    unsigned long sold_out = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t value = 0;

        if (tg_parse_i64(&value, argv[i + 1], strlen(argv[i + 1]), 1, INT64_MAX) != TG_OK)
            return 2;
        if (strcmp(argv[i], "--seed") == 0) {
            first = (uint64_t)value;
            seeds = 1;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            seeds = (uint64_t)value;
        }
    }
    tg_log_set_level(TG_LOG_ERROR);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct sim s;

        run(seed, &s);
        crashes += s.crashes;
        acked += s.orders_acked;
        duplicates += s.duplicates;
        refusals += s.refusals;
        sold_out += s.sold_out;
    }
    printf(
        "sim_shop: %llu seeds, %lu orders acknowledged, %lu repeats answered alike, %lu sold out,"
        " %lu deaths, %lu refused commits: never oversold, nothing lost\n",
        (unsigned long long)seeds, acked, duplicates, sold_out, crashes, refusals);
    /* A simulation in which nothing happens proves nothing. */
    return seeds < 10 || (crashes > 0 && acked > 0 && duplicates > 0 && sold_out > 0) ? 0 : 1;
}
