/*
 * shop_sim_clients.c - people, their network, and what they make of the answers; see shop_sim.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "support/lib/shop_sim.h"

enum { LATE_S = 1200 };

/* --- what people want --- */

static void base_request(struct sim *s, struct tg_sale_req *req, size_t index)
{
    unsigned person = (unsigned)tg_rng_below(&s->rng, SIM_PERSONS);

    *req = (struct tg_sale_req){.head = {.kind = TG_MSG_SALE_REQ}, .show = 1, .until_wall_us = -1};
    tg_str_printf(req->who.id, sizeof(req->who.id), "p%u", person);
    tg_str_cut(req->who.name, sizeof(req->who.name), "Kari");
    req->who.roles = TG_ROLE_VIEWER;
    tg_str_printf(req->source, sizeof(req->source), "r%zu", index);
    tg_str_printf(req->op.id, sizeof(req->op.id), "op%zu", index);
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "op%zu", index);
}

int sim_acked_buy(struct sim *s)
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
    size_t sku = sim_any_sku(s);

    req->what = TG_SALE_OP;
    req->op.kind = kind;
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), sim_skus[sku]);
    req->op.u.line.qty =
        (int32_t)tg_rng_below(&s->rng, kind == TG_OP_BUY ? 3 : 4) + (kind == TG_OP_BUY);
    req->op.u.line.price = sim_chance(s, 50) ? -1 : sim_price(sku);
    req->op.u.line.at = sim_tap(s);
    if (kind == TG_OP_BUY && sim_has_places(s) && sim_chance(s, 15))
        tg_str_cut(req->op.u.line.location, sizeof(req->op.u.line.location),
                   sim_places[tg_rng_below(&s->rng, SIM_PLACES)]);
    req->op.u.line.back_order = kind == TG_OP_BUY && sim_chance(s, 30);
    if (kind == TG_OP_BUY && sim_chance(s, 20))
        tg_str_cut(req->op.u.line.code, sizeof(req->op.u.line.code), "tenth");
}

static void wait_op(struct sim *s, struct tg_sale_req *req)
{
    req->what = TG_SALE_OP;
    req->op.kind = TG_OP_WAIT;
    tg_str_cut(req->op.u.wait.sku, sizeof(req->op.u.wait.sku), sim_skus[tg_rng_below(&s->rng, 3)]);
    req->op.u.wait.qty = (int32_t)tg_rng_below(&s->rng, 4) + 1;
    req->op.u.wait.leave = sim_chance(s, 10);
    req->op.u.wait.at = -1;
}

static void staff_op(struct sim *s, struct tg_sale_req *req)
{
    size_t sku = sim_any_sku(s);

    req->what = TG_SALE_OP;
    req->who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(req->who.id, sizeof(req->who.id), "s1");
    if (sim_chance(s, 50)) {
        req->op.kind = TG_OP_STOCK;
        tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), sim_skus[sku]);
        req->op.u.stock.value = (int32_t)tg_rng_below(&s->rng, 7) - 3;
        if (sim_has_places(s) && sim_chance(s, 60))
            tg_str_cut(req->op.u.stock.location, sizeof(req->op.u.stock.location),
                       sim_places[tg_rng_below(&s->rng, SIM_PLACES)]);
    } else {
        req->op.kind = TG_OP_PRICE;
        tg_str_cut(req->op.u.price.sku, sizeof(req->op.u.price.sku), sim_skus[sku]);
        req->op.u.price.from_wall_us =
            sim_chance(s, 20) ? s->now.wall + (tg_us)tg_rng_below(&s->rng, 60) * TG_US_PER_S : -1;
        req->op.u.price.limit = sim_chance(s, 50) ? (int32_t)tg_rng_below(&s->rng, 9) + 1 : 0;
        req->op.u.price.amount = sim_chance(s, 30) ? -1 : (int64_t)tg_rng_below(&s->rng, 5000) + 1;
        req->op.u.price.until_wall_us =
            sim_chance(s, 50) ? -1
                              : s->now.wall + (tg_us)tg_rng_below(&s->rng, 900) * TG_US_PER_S + 1;
    }
}

static void http_op(struct tg_sale_req *req, enum tg_sale_what what, const struct sim_request *buy,
                    bool paid)
{
    req->what = what;
    req->http = true;
    req->flag = paid;
    tg_str_cut(req->key, sizeof(req->key), what == TG_SALE_PAY ? buy->payment : buy->order);
    memcpy(req->who.id, buy->req.who.id, sizeof(req->who.id));
}

void sim_new_request(struct sim *s)
{
    size_t index = s->request_count;
    struct sim_request *r = &s->requests[index];
    uint64_t dice = tg_rng_below(&s->rng, 100);

    if (index >= SIM_ASKS_MAX)
        return;
    *r = (struct sim_request){.of = -1};
    base_request(s, &r->req, index);
    r->sent_wall = s->now.wall;
    if (s->wide && (sim_catalog_request(s, r) || sim_places_request(s, r))) {
        s->request_count++;
        return;
    }
    if (sim_life_request(s, r)) {
        s->request_count++;
        return;
    }
    r->of = -1;
    if (sim_selling_request(s, r)) {
        s->request_count++;
        return;
    }
    if (dice < 26)
        r->of = sim_acked_buy(s);
    if (dice < 20 && r->of >= 0 && s->requests[r->of].payment[0] != '\0')
        http_op(&r->req, TG_SALE_PAY, &s->requests[r->of], sim_chance(s, 80));
    else if (dice < 26 && r->of >= 0)
        http_op(&r->req, TG_SALE_CANCEL, &s->requests[r->of], false);
    else if (dice < 36)
        staff_op(s, &r->req);
    else if (dice < 44)
        line_op(s, &r->req, TG_OP_CART_SET);
    else if (dice < 52)
        wait_op(s, &r->req);
    else if (dice < 60) {
        r->req.what = TG_SALE_OP;
        r->req.op.kind = TG_OP_CHECKOUT;
        r->req.op.u.checkout.at = sim_tap(s);
    } else
        line_op(s, &r->req, TG_OP_BUY);
    if (dice >= 52 && sim_chance(s, 30))
        r->req.show = SIM_FIRST_PAID;
    s->request_count++;
}

void sim_by_staff(struct sim_request *r, uint32_t roles, enum tg_sale_what what, const char *key)
{
    r->req.who.roles = TG_ROLE_MERCHANDISER | roles;
    tg_str_cut(r->req.who.id, sizeof(r->req.who.id), "s1");
    r->req.what = what;
    r->req.http = true;
    r->req.show = UINT16_MAX;
    tg_str_cut(r->req.key, sizeof(r->req.key), key);
}

struct sim_request *sim_add_request(struct sim *s)
{
    struct sim_request *r = &s->requests[s->request_count];

    SIM_CHECK(s->request_count < SIM_REQS_MAX, "too many requests");
    *r = (struct sim_request){.of = -1, .sent_wall = s->now.wall};
    base_request(s, &r->req, s->request_count++);
    return r;
}

/* --- the network: lose, delay, double, reorder --- */

static void post(struct sim *s, size_t request)
{
    unsigned copies = sim_chance(s, 20) ? 0 : sim_chance(s, 25) ? 2 : 1;

    while (copies-- > 0 && s->flight_count < SIM_FLIGHT_MAX) {
        struct sim_flight *f = &s->flights[s->flight_count++];
        bool late = sim_chance(s, 2);

        *f = (struct sim_flight){.request = request,
                                 .node = (unsigned)tg_rng_below(&s->rng, s->node_count),
                                 .at = s->now.mono +
                                       (tg_us)tg_rng_below(&s->rng, 3 * (uint64_t)TG_US_PER_S)};
        if (!late)
            continue;
        f->at += (tg_us)tg_rng_below(&s->rng, LATE_S) * TG_US_PER_S;
        s->t.late++;
    }
}

void sim_retry(struct sim *s)
{
    for (size_t i = 0; i < s->request_count; i++) {
        struct sim_request *r = &s->requests[i];

        /* Now and then somebody asks again although everything was answered. */
        if (r->again_at > s->now.mono || (r->answered && !sim_chance(s, 1)))
            continue;
        r->again_at = s->now.mono + (tg_us)tg_rng_below(&s->rng, 4 * (uint64_t)TG_US_PER_S);
        post(s, i);
    }
}

void sim_tell_again(struct sim *s)
{
    for (size_t i = 0; i < s->request_count; i++)
        if (s->requests[i].of_provider && !s->requests[i].answered)
            post(s, i);
}

size_t sim_arrivals(struct sim *s, const struct sim_node *node, void **out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < s->flight_count && count < max;) {
        const struct sim_flight *f = &s->flights[i];
        struct tg_sale_req *copy;

        if (f->at > s->now.mono || f->node != node->index) {
            i++;
            continue;
        }
        copy = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*copy));
        SIM_CHECK(copy != NULL, "memory");
        *copy = s->requests[f->request].req;
        sim_life_copy(&s->requests[f->request], copy);
        sim_selling_copy(s, &s->requests[f->request], copy);
        sim_places_copy(&s->requests[f->request], copy);
        copy->conn = (struct tg_conn){.mb = node->web, .slot = (uint32_t)f->request};
        out[count++] = copy;
        s->flights[i] = s->flights[--s->flight_count]; /* and that reorders them */
    }
    return count;
}

static void drain(struct tg_mailbox *mb)
{
    void *msg;

    while (tg_mailbox_take(mb, &msg, 1) == 1)
        tg_msg_free(msg);
}

/* --- answers --- */

static void field(char *out, size_t size, const char *json, const char *name)
{
    const char *at = strstr(json, name);
    const char *end;

    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(name);
    end = strchr(at, '"');
    SIM_CHECK(end != NULL && tg_str_copy(out, size, at, (size_t)(end - at)) == TG_OK, "reply %s",
              json);
}

static int64_t amount_of(const char *json, const char *name)
{
    const char *at = strstr(json, name);

    SIM_CHECK(at != NULL, "no %s in %s", name, json);
    return strtoll(at + strlen(name), NULL, 10);
}

static void success(struct sim *s, struct sim_request *r, const char *json)
{
    /* Of the catalogue the last state is told. */
    bool settled = (r->req.op.kind != TG_OP_CART_SET || r->req.http) && !sim_tells_last(r) &&
                   !sim_is_token(r); /* its secret is told once */

    if (r->ok && r->reply != NULL) {
        /* The same id gets the same answer, over crashes too. */
        SIM_CHECK(!settled || strcmp(r->reply, json) == 0, "another answer\n  %s\n  %s", r->reply,
                  json);
        s->t.duplicates++;
        return;
    }
    r->answered = true;
    r->ok = true;
    r->reply = tg_strdup(json);
    SIM_CHECK(r->reply != NULL, "memory");
    r->told_at = s->now.mono;
    sim_selling_answer(s, r, json, true);
    sim_places_answer(s, r, json);
    if (sim_buys(r)) {
        field(r->order, sizeof(r->order), json, "\"order\":{\"id\":\"");
        field(r->payment, sizeof(r->payment), json, "/pay/sandbox/");
        /* What costs nothing is paid at once. */
        SIM_CHECK(r->order[0] != '\0' &&
                      (r->payment[0] != '\0' || strstr(json, "\"state\":\"paid\"") != NULL),
                  "no order in %s", json);
        r->total = amount_of(json, "\"total\":{\"amount\":");
        s->t.orders_acked++;
    }
}

static void answer(struct sim *s, size_t index, const char *json, bool ok)
{
    struct sim_request *r;

    SIM_CHECK(index < s->request_count, "answer to nobody");
    r = &s->requests[index];
    if (ok) {
        success(s, r, json);
        return;
    }
    s->t.sold_out += strstr(json, "\"sold_out\"") != NULL;
    if (strstr(json, "\"busy\"") != NULL)
        return; /* asked again */
    SIM_CHECK(strstr(json, "\"internal\"") == NULL, "%s", json);
    /* A cart line is remembered in memory alone, and its product may be gone since. */
    SIM_CHECK(!r->ok || sim_tells_last(r) || r->req.op.kind == TG_OP_CART_SET,
              "a success became %s", json);
    if (r->ok)
        return;
    sim_selling_answer(s, r, json, false);
    r->answered = !r->of_provider;
}

static void hear(struct sim *s, const void *msg)
{
    const struct tg_msg *head = msg;
    const struct tg_web_send *send = msg;
    const struct tg_web_reply *reply = msg;
    const struct tg_slab *json = NULL;
    char text[SIM_REPLY_MAX] = "";
    bool bare; /* done, and nothing to say */

    if (head->kind == TG_MSG_WEB_SEND)
        json = send->json;
    else if (head->kind == TG_MSG_WEB_REPLY)
        json = reply->json;
    bare = json == NULL && head->kind == TG_MSG_WEB_REPLY && reply->status == 204;
    if ((json == NULL && !bare) || sim_chance(s, 20)) /* answers are lost, too */
        return;
    SIM_CHECK(bare || tg_str_copy(text, sizeof(text), (const char *)json->data, json->len) == TG_OK,
              "long answer");
    if (head->kind == TG_MSG_WEB_SEND)
        answer(s, send->conn.slot, text, strstr(text, "\"ok\":true") != NULL);
    else
        answer(s, reply->conn.slot, text, reply->status < 400);
}

void sim_receive(struct sim *s, struct sim_node *node)
{
    void *msg;

    while (tg_mailbox_take(node->web, &msg, 1) == 1) {
        hear(s, msg);
        tg_msg_free(msg);
    }
    drain(node->live);
}

void sim_lose(struct sim *s, struct sim_node *node)
{
    if (sim_chance(s, 50))
        sim_receive(s, node); /* it was on the wire before the end */
    drain(node->web);
    drain(node->live);
    for (size_t i = 0; i < s->flight_count;) {
        if (s->flights[i].node == node->index)
            s->flights[i] = s->flights[--s->flight_count];
        else
            i++;
    }
}
