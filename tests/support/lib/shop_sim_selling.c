/*
 * shop_sim_selling.c - ways to buy, and the rules that bind them; see shop_sim.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "base/str.h"
#include "shop/rules.h"
#include "support/lib/shop_sim.h"

/* Of show SIM_LIMITS. FEW and SOME are short there, MANY has a window, PAIR is sold there alone. */
enum { FEW = 1, SOME = 2, MANY = 3, PAIR = 4 };

static const struct tg_show_item rules_of[] = {
    [FEW] = {.show = SIM_LIMITS,
             .sku = "FEW",
             .number = 12,
             .units_max = 12,
             .person_max = 3,
             .from_ms = -1,
             .until_ms = -1},
    [SOME] = {.show = SIM_LIMITS,
              .sku = "SOME",
              .number = 13,
              .units_max = 9,
              .from_ms = -1,
              .until_ms = -1},
    [MANY] = {.show = SIM_LIMITS,
              .sku = "MANY",
              .number = 14,
              .person_max = 6,
              .from_ms = 60000,
              .until_ms = 150000},
    [PAIR] = {.show = SIM_LIMITS, .sku = "PAIR", .from_ms = -1, .until_ms = -1, .show_only = true},
};

const struct tg_show_item *sim_rule(size_t sku)
{
    static const struct tg_show_item none = {.from_ms = -1, .until_ms = -1};

    return sku < TG_ARRAY_LEN(rules_of) && rules_of[sku].show == SIM_LIMITS ? &rules_of[sku]
                                                                            : &none;
}

void sim_selling_seed(struct sim *s, struct tg_store *store)
{
    const struct tg_show_rules rules = {.show = SIM_LIMITS,
                                        .waiting = true,
                                        .comments = true,
                                        .comment_bare = true,
                                        .turn_us = (tg_us)60 * TG_US_PER_S,
                                        .person_units = SIM_PERSON_UNITS,
                                        .lag_ms = SIM_LAG_MS};
    const struct tg_effect effect = {.kind = TG_EFFECT_RULES, .rules = &rules, .wall = s->now.wall};
    tg_err err = store->ops->write(store, &effect);

    for (size_t sku = 0; err == TG_OK && sku < TG_ARRAY_LEN(rules_of); sku++) {
        const struct tg_effect item = {
            .kind = TG_EFFECT_SHOW_ITEM, .item = &rules_of[sku], .wall = s->now.wall};

        if (rules_of[sku].show == SIM_LIMITS)
            err = store->ops->write(store, &item);
    }
    for (uint16_t ord = 0; err == TG_OK && ord <= SIM_LIMITS; ord++) {
        struct tg_show_info show = {.ord = ord, .state = TG_SHOW_SCHEDULED};

        show.created_wall_us = s->now.wall;
        tg_str_printf(show.id, sizeof(show.id), "show%u", ord);
        tg_str_cut(show.title, sizeof(show.title), show.id);
        err = store->ops->write_show(store, &show, "sim");
    }
    SIM_CHECK(err == TG_OK, "seeding: %s", tg_err_name(err));
}

int64_t sim_tap(struct sim *s)
{
    int64_t media = (s->now.wall - s->selling->epoch_wall) / 1000;
    int64_t late = (int64_t)tg_rng_below(&s->rng, sim_chance(s, 80) ? 12000 : 30000);

    return sim_chance(s, 40) ? -1 : TG_MAX(media - late, (int64_t)0);
}

/* --- what people want --- */

static void comment(struct sim *s, struct sim_request *r)
{
    static const char *const words[] = {"shop 12",        "shop 13 x2", "2x 13",       "12 x3",
                                        "KJ\xc3\x98P 14", "shop 14 x4", "shop 12, tre"};

    r->req.what = TG_SALE_COMMENT;
    r->req.show = SIM_LIMITS;
    r->req.op.kind = TG_OP_CHAT;
    r->req.op.u.chat.at = sim_tap(s);
    tg_str_cut(r->req.op.u.chat.text, sizeof(r->req.op.u.chat.text),
               sim_chance(s, 20) ? "angre" : words[tg_rng_below(&s->rng, TG_ARRAY_LEN(words))]);
}

static bool is_undo(const struct sim_request *r)
{
    return r->req.what == TG_SALE_COMMENT && strcmp(r->req.op.u.chat.text, "angre") == 0;
}

static void staff(struct sim_request *r)
{
    r->req.who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(r->req.who.id, sizeof(r->req.who.id), "s1");
}

static void sell(struct sim *s, struct sim_request *r)
{
    char buyer[TG_PERSON_SIZE];

    tg_str_cut(buyer, sizeof(buyer), r->req.who.id);
    staff(r);
    r->req.what = TG_SALE_OP;
    r->req.show = SIM_LIMITS;
    r->req.op.kind = TG_OP_SELL;
    tg_str_cut(r->req.op.u.sell.sku, sizeof(r->req.op.u.sell.sku),
               sim_skus[tg_rng_below(&s->rng, PAIR + 1)]);
    r->req.op.u.sell.qty = (int32_t)tg_rng_below(&s->rng, 3) + 1;
    r->req.op.u.sell.price = -1;
    r->req.op.u.sell.back_order = sim_chance(s, 30);
    tg_str_cut(r->req.op.u.sell.name, sizeof(r->req.op.u.sell.name), "Ola");
    tg_str_cut(r->req.op.u.sell.person, sizeof(r->req.op.u.sell.person), buyer);
}

/* The button in the show with the rules; sometimes by who waits there. */
static void buy(struct sim *s, struct sim_request *r)
{
    bool wait = sim_chance(s, 20);
    size_t sku = tg_rng_below(&s->rng, wait ? MANY : PAIR + 1);

    if (!wait && sim_chance(s, 40)) /* it has the window */
        sku = MANY;
    r->req.what = TG_SALE_OP;
    r->req.show = SIM_LIMITS;
    r->req.op.kind = wait ? TG_OP_WAIT : TG_OP_BUY;
    if (wait) {
        tg_str_cut(r->req.op.u.wait.sku, sizeof(r->req.op.u.wait.sku), sim_skus[sku]);
        r->req.op.u.wait.qty = (int32_t)tg_rng_below(&s->rng, 3) + 1;
        r->req.op.u.wait.at = -1;
        return;
    }
    tg_str_cut(r->req.op.u.line.sku, sizeof(r->req.op.u.line.sku), sim_skus[sku]);
    r->req.op.u.line.qty = (int32_t)tg_rng_below(&s->rng, 3) + 1;
    r->req.op.u.line.price = sim_chance(s, 50) ? -1 : sim_price(sku);
    r->req.op.u.line.at = sim_tap(s);
}

static void merge(struct sim *s, struct sim_request *r)
{
    r->req.what = TG_SALE_CART_MERGE;
    r->req.http = true;
    tg_str_printf(r->req.key, sizeof(r->req.key), "p%u",
                  (unsigned)tg_rng_below(&s->rng, SIM_PERSONS));
}

static void checkout(struct sim *s, struct sim_request *r)
{
    r->req.what = TG_SALE_OP;
    r->req.show = SIM_LIMITS;
    r->req.op.kind = TG_OP_CHECKOUT;
    r->req.op.u.checkout.at = sim_tap(s);
    r->req.op.u.checkout.back_order = sim_chance(s, 30);
}

/* A count may speak of a moment that is long gone, and arrive twice. */
static void stock_rows(struct sim *s, struct sim_request *r)
{
    static const enum tg_change_how hows[] = {
        TG_CHANGE_SET,     TG_CHANGE_SET,   TG_CHANGE_TRANSFER, TG_CHANGE_TRANSFER,
        TG_CHANGE_RECEIVE, TG_CHANGE_GRANT, TG_CHANGE_TAKE_BACK};
    struct tg_stock_change *row = &r->stock.row;

    staff(r);
    r->req.what = TG_SALE_STOCK_ROWS;
    r->req.http = true;
    r->stock.given = true;
    *row = (struct tg_stock_change){.if_version = -1, .counted_wall_us = -1};
    row->how = (uint8_t)hows[tg_rng_below(&s->rng, TG_ARRAY_LEN(hows))];
    tg_str_cut(row->sku, sizeof(row->sku), sim_skus[tg_rng_below(&s->rng, PAIR)]);
    row->value = (int32_t)tg_rng_below(&s->rng, 9);
    if (sim_has_places(s)) {
        tg_str_cut(row->location, sizeof(row->location),
                   sim_places[tg_rng_below(&s->rng, SIM_PLACES)]);
        tg_str_cut(row->to, sizeof(row->to), sim_places[tg_rng_below(&s->rng, SIM_PLACES)]);
    }
    if (row->how != TG_CHANGE_TRANSFER)
        row->to[0] = '\0';
    if (row->how == TG_CHANGE_SET && sim_chance(s, 70))
        row->counted_wall_us = s->now.wall - (tg_us)tg_rng_below(&s->rng, 90) * TG_US_PER_S;
}

static void archive(struct sim *s, struct sim_request *r)
{
    staff(r);
    r->req.what = TG_SALE_VARIANT_SET;
    r->req.http = true;
    r->archive = sim_chance(s, 40) ? 1 : 2;
    tg_str_cut(r->req.key, sizeof(r->req.key), sim_skus[sim_chance(s, 50) ? SOME : MANY]);
}

bool sim_selling_request(struct sim *s, struct sim_request *r)
{
    uint64_t dice = tg_rng_below(&s->rng, 100);

    if (dice >= 40)
        return false;
    if (dice < 13)
        comment(s, r);
    else if (dice < 17)
        sell(s, r);
    else if (dice < 29)
        buy(s, r);
    else if (dice < 31)
        merge(s, r);
    else if (dice < 34)
        checkout(s, r);
    else if (dice < 38)
        stock_rows(s, r);
    else
        archive(s, r);
    return true;
}

void sim_selling_copy(struct sim *s, const struct sim_request *r, struct tg_sale_req *copy)
{
    static const char *const archived[] = {"", "{\"archived\":true}", "{\"archived\":false}"};

    (void)s;
    if (r->stock.given) {
        copy->stock = tg_calloc(1, sizeof(*copy->stock) + sizeof(copy->stock->rows[0]));
        SIM_CHECK(copy->stock != NULL, "memory");
        copy->stock->count = 1;
        copy->stock->rows[0] = r->stock.row;
    }
    if (r->body_len > 0) {
        copy->body = tg_slab_copy(r->body, r->body_len);
        SIM_CHECK(copy->body != NULL, "memory");
    }
    if (r->archive != 0) {
        copy->body = tg_slab_copy(archived[r->archive], strlen(archived[r->archive]));
        SIM_CHECK(copy->body != NULL, "memory");
    }
}

const char *sim_buyer(const struct sim_request *r)
{
    return r->req.what == TG_SALE_OP && r->req.op.kind == TG_OP_SELL ? r->req.op.u.sell.person
                                                                     : r->req.who.id;
}

bool sim_buys(const struct sim_request *r)
{
    if (r->req.what == TG_SALE_COMMENT)
        return !is_undo(r);
    return r->req.what == TG_SALE_OP &&
           (r->req.op.kind == TG_OP_BUY || r->req.op.kind == TG_OP_CHECKOUT ||
            r->req.op.kind == TG_OP_SELL);
}

/* --- answers --- */

/* A tap that came in time, whatever the picture's delay, is not too late; nor too early. */
static void check_closed(struct sim *s, const struct sim_request *r, const char *json)
{
    const struct tg_show_item *rule = sim_rule(MANY);
    int64_t now = (s->now.wall - s->selling->epoch_wall) / 1000;
    int64_t sent = (r->sent_wall - s->selling->epoch_wall) / 1000;
    int64_t slack = sim_slack(s) / 1000;
    int64_t at = r->req.what == TG_SALE_COMMENT     ? r->req.op.u.chat.at
                 : r->req.op.kind == TG_OP_CHECKOUT ? r->req.op.u.checkout.at
                                                    : r->req.op.u.line.at;

    if (r->req.show != SIM_LIMITS || strstr(json, "in its show only") != NULL)
        return;
    s->t.windows++;
    if (strstr(json, "cannot be bought yet") != NULL)
        SIM_CHECK((at < 0 ? sent : TG_MIN(at, sent)) < rule->from_ms + slack,
                  "tapped at %lld, told: %s", (long long)at, json);
    else if (strstr(json, "is over") != NULL)
        SIM_CHECK((at < 0 ? now : TG_MAX(at, now - SIM_LAG_MS)) >= rule->until_ms - slack,
                  "tapped at %lld, told at %lld: %s", (long long)at, (long long)now, json);
}

void sim_selling_answer(struct sim *s, struct sim_request *r, const char *json, bool ok)
{
    if (!ok) {
        s->t.limits += strstr(json, "\"code\":\"limit\"") != NULL;
        if (strstr(json, "\"code\":\"closed\"") != NULL && sim_buys(r))
            check_closed(s, r, json);
        return;
    }
    if (is_undo(r)) {
        const char *at = strstr(json, "\"order\":{\"id\":\"");

        SIM_CHECK(at != NULL, "undone what? %s", json);
        tg_str_cut(r->undone, sizeof(r->undone), at + strlen("\"order\":{\"id\":\""));
        s->t.undone++;
    }
    s->t.comments += r->req.what == TG_SALE_COMMENT && !is_undo(r);
    s->t.staff_sales += r->req.what == TG_SALE_OP && r->req.op.kind == TG_OP_SELL;
    s->t.counted += r->stock.given;
    s->t.archived += r->archive != 0;
    sim_catalog_answer(s, r);
    s->t.merged += r->req.what == TG_SALE_CART_MERGE;
}

/* --- prices --- */

bool sim_track(struct sim *s, struct sim_prices *p, int64_t amount)
{
    tg_us dead_wall = s->selling->dead_wall;

    if (p->count > 0 && p->from[p->count - 1].amount == amount)
        return false;
    SIM_CHECK(p->count < SIM_PRICES_MAX, "more prices than anybody sees");
    p->from[p->count].first_wall = dead_wall > 0 ? dead_wall : s->now.wall;
    p->from[p->count].last_wall = s->now.wall;
    p->from[p->count++].amount = amount;
    return p->count > 1;
}

void sim_selling_prices(struct sim *s, const struct sim_node *node)
{
    const struct tg_shop *shop = tg_sale_shop(node->sale);

    for (size_t sku = 0; sku < SIM_SKUS && (s->node_count == 1 || s->wide); sku++)
        (void)sim_track(s, &s->selling->prices[sku],
                        tg_variant_price(tg_shop_variant(shop, sim_skus[sku])));
    if (s->wide) {
        sim_catalog_look(s, shop);
        sim_places_look(s, shop);
    }
}
