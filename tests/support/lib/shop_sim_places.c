/*
 * shop_sim_places.c - in wide histories places close, open and are made, and tokens come and go, on
 * either node while the other sells; see shop_sim.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/shop_sim.h"

enum { BERGEN = SIM_PLACES };
/* A turn is held where it was offered, also when the place closes; and what everybody must know
 * has had time to be told. */
#define TURN_US ((tg_us)60 * TG_US_PER_S)
#define KNOWN_US ((tg_us)2 * TG_US_PER_S)

static uint64_t dice(struct sim *s, uint64_t below)
{
    return tg_rng_below(&s->wide_rng, below);
}

static const char *place_id(size_t i)
{
    return i == BERGEN ? "bergen" : i == 0 ? "main" : sim_places[i];
}

static void change_place(struct sim *s, struct sim_request *r)
{
    static const uint8_t kinds[SIM_ALL_PLACES] = {
        TG_PLACE_WAREHOUSE, TG_PLACE_STORE, TG_PLACE_ALLOTMENT, TG_PLACE_PROMISE, TG_PLACE_STORE};
    size_t at = 1 + dice(s, SIM_ALL_PLACES - 1);

    sim_by_staff(r, TG_ROLE_ADMIN, TG_SALE_PLACE, place_id(at));
    r->has_place = true;
    r->place.kind = kinds[at];
    r->place.show = kinds[at] == TG_PLACE_ALLOTMENT ? 1 : UINT16_MAX;
    r->place.priority = (int32_t)dice(s, 4);
    r->place.closed = dice(s, 100) < 40;
    r->place.ships_from_wall_us = -1;
    /* The second that makes it is told so. */
    r->place.make = at == BERGEN && dice(s, 100) < 40;
    tg_str_cut(r->place.id, sizeof(r->place.id), place_id(at));
    tg_str_cut(r->place.name, sizeof(r->place.name), "Place");
}

/* Units for where orders seldom find any. */
static void bring(struct sim *s, struct sim_request *r)
{
    struct tg_stock_change *row = &r->stock.row;

    sim_by_staff(r, TG_ROLE_ADMIN, TG_SALE_STOCK_ROWS, "");
    r->stock.given = true;
    *row = (struct tg_stock_change){.how = TG_CHANGE_RECEIVE,
                                    .value = 1 + (int32_t)dice(s, 6),
                                    .if_version = -1,
                                    .counted_wall_us = -1};
    tg_str_cut(row->sku, sizeof(row->sku), sim_skus[dice(s, SIM_PAIR)]);
    tg_str_cut(row->location, sizeof(row->location), place_id(1 + dice(s, SIM_ALL_PLACES - 1)));
}

static void make_token(struct sim *s, struct sim_request *r)
{
    sim_by_staff(r, TG_ROLE_ADMIN, TG_SALE_TOKEN_CREATE, "");
    r->req.number = dice(s, 2) == 0 ? TG_ROLE_HOST : TG_ROLE_MERCHANDISER;
    tg_str_cut(r->req.text, sizeof(r->req.text), "a till");
}

static bool revoke_token(struct sim *s, struct sim_request *r)
{
    size_t from = s->request_count == 0 ? 0 : dice(s, s->request_count);

    for (size_t i = from; i < s->request_count; i++) {
        const struct sim_request *made = &s->requests[i];

        if (made->req.what != TG_SALE_TOKEN_CREATE || made->token[0] == '\0')
            continue;
        sim_by_staff(r, TG_ROLE_ADMIN, TG_SALE_TOKEN_REVOKE, made->token);
        tg_str_cut(r->token, sizeof(r->token), made->token);
        return true;
    }
    return false;
}

bool sim_places_request(struct sim *s, struct sim_request *r)
{
    uint64_t which = dice(s, 100);

    if (which < 2) {
        make_token(s, r);
        return true;
    }
    if (which < 4)
        return revoke_token(s, r);
    if (which >= 12 || !sim_has_places(s))
        return false;
    if (which < 8)
        change_place(s, r);
    else
        bring(s, r);
    return true;
}

void sim_places_copy(const struct sim_request *r, struct tg_sale_req *copy)
{
    if (!r->has_place)
        return;
    copy->place = tg_calloc(1, sizeof(*copy->place));
    SIM_CHECK(copy->place != NULL, "memory");
    *copy->place = r->place;
}

bool sim_is_token(const struct sim_request *r)
{
    return r->req.what == TG_SALE_TOKEN_CREATE;
}

void sim_places_answer(struct sim *s, struct sim_request *r, const char *json)
{
    const char *id = strstr(json, "\"id\":\"t");

    s->t.places += r->has_place;
    s->t.revoked += r->req.what == TG_SALE_TOKEN_REVOKE;
    if (!sim_is_token(r))
        return;
    SIM_CHECK(id != NULL, "no token in %s", json);
    id += strlen("\"id\":\"");
    SIM_CHECK(tg_str_copy(r->token, sizeof(r->token), id, strcspn(id, "\"")) == TG_OK, "%s", json);
    s->t.tokens++;
}

/* --- what must hold --- */

/* A place that opens may close again in the same batch, and was open to claims in between. */
void sim_places_open(struct sim *s, void *const *msgs, size_t count)
{
    for (size_t i = 0; s->wide && i < count; i++) {
        const struct tg_sale_req *req = msgs[i];

        if (req->head.kind != TG_MSG_SALE_REQ || req->what != TG_SALE_PLACE || req->place->closed)
            continue;
        for (size_t at = 0; at < SIM_ALL_PLACES; at++)
            if (strcmp(req->place->id, place_id(at)) == 0)
                (void)sim_track(s, &s->selling->open[at], 1);
    }
}

void sim_places_look(struct sim *s, const struct tg_shop *shop)
{
    for (size_t i = 0; i < SIM_ALL_PLACES; i++) {
        const struct tg_location *l = tg_shop_location(shop, place_id(i));

        (void)sim_track(s, &s->selling->open[i], l != NULL && !l->closed);
    }
}

void sim_places_check(struct sim *s, const struct tg_order *order)
{
    /* An order that was paid late took its goods anew, whenever that was. */
    tg_us until = order->state == TG_ORDER_AWAITING ? order->created_wall : s->now.wall;

    for (uint32_t i = 0; i < order->take_count; i++)
        for (size_t at = 1; at < SIM_ALL_PLACES; at++) {
            if (strcmp(order->takes[i].place, place_id(at)) != 0)
                continue;
            SIM_CHECK(sim_was(s, &s->selling->open[at], order->created_wall - TURN_US, until, 1),
                      "order %lld took %s from %s, which is closed", (long long)order->number,
                      order->takes[i].sku, place_id(at));
            s->t.elsewhere += s->settled;
        }
}

/* Nobody asked for that, so far. */
static bool never_revoked(const struct sim *s, const char *token)
{
    for (size_t i = 0; i < s->request_count; i++)
        if (s->requests[i].req.what == TG_SALE_TOKEN_REVOKE &&
            strcmp(s->requests[i].token, token) == 0)
            return false;
    return true;
}

void sim_tokens_check(struct sim *s)
{
    for (size_t i = 0; i < s->request_count; i++) {
        const struct sim_request *r = &s->requests[i];
        bool revoked = r->req.what == TG_SALE_TOKEN_REVOKE;
        bool stays = sim_is_token(r) && never_revoked(s, r->token);

        if (!r->ok || r->told_at + KNOWN_US > s->now.mono || (!revoked && !stays))
            continue;
        for (unsigned n = 0; n < s->node_count; n++) {
            const struct sim_node *node = &s->nodes[n];
            struct tg_token_info token;

            if (!node->alive || node->trouble_at + KNOWN_US > s->now.mono)
                continue;
            SIM_CHECK((tg_registry_token_get(node->registry, r->token, &token) == TG_OK) == stays,
                      "token %s: node %u does not know that it %s", r->token, n,
                      stays ? "was made" : "was revoked");
        }
    }
}
