/*
 * shop_sim_life.c - what becomes of orders after the claim: they are cancelled in part, sent, come
 * back, are paid back; the provider says what it likes, about payments that exist and others, and
 * recipes of bundles change meanwhile; see shop_sim.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/shop_sim.h"

static void about(struct sim_request *r, enum tg_sale_what what, const char *key)
{
    r->req.what = what;
    r->req.http = true;
    r->req.show = UINT16_MAX;
    tg_str_cut(r->req.key, sizeof(r->req.key), key);
}

static struct tg_order_ask *ask_of(struct sim_request *r)
{
    r->has_ask = true;
    r->ask = (struct tg_order_ask){.amount = -1};
    return &r->ask;
}

static void staff(struct sim_request *r)
{
    r->req.who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(r->req.who.id, sizeof(r->req.who.id), "s1");
}

/* Mostly one unit of one line, or all there is. */
static void some_lines(struct sim *s, struct tg_order_ask *ask, unsigned all_percent)
{
    if (sim_chance(s, all_percent))
        return;
    ask->line_count = 1;
    ask->lines[0].line = sim_chance(s, 80) ? 0 : 1;
    ask->lines[0].qty = sim_chance(s, 80) ? 1 : 2;
}

/* --- the provider --- */

static void provider_says(struct sim *s, struct sim_request *r, const struct sim_request *buy)
{
    struct tg_order_ask *ask = ask_of(r);
    bool by_hand = false;

    about(r, TG_SALE_NEWS, buy->payment);
    tg_str_cut(ask->news, sizeof(ask->news),
               tg_payment_news_name((enum tg_payment_news)tg_rng_below(&s->rng, 8)));
    /* Most news are of money that came. */
    if (sim_chance(s, 25))
        tg_str_cut(ask->news, sizeof(ask->news), sim_chance(s, 70) ? "captured" : "refunded");
    by_hand = strcmp(ask->news, "refunded") == 0 && sim_chance(s, 30);
    if (by_hand)
        tg_str_printf(ask->reference, sizeof(ask->reference), "hand-%u",
                      (unsigned)tg_rng_below(&s->rng, 3));
    else if (sim_chance(s, 70))
        tg_str_cut(ask->reference, sizeof(ask->reference), buy->payment);
    else
        tg_str_printf(ask->reference, sizeof(ask->reference), "alt-%u",
                      (unsigned)tg_rng_below(&s->rng, 2));
    ask->amount = buy->total;
    if (sim_chance(s, 25))
        ask->amount = by_hand || sim_chance(s, 50) ? 1 + (int64_t)tg_rng_below(&s->rng, 4000)
                                                   : buy->total + 100;
    if (sim_chance(s, 10))
        ask->intent = (uint32_t)tg_rng_below(&s->rng, 6) + 1;
    if (sim_chance(s, 3))
        tg_str_cut(ask->currency, sizeof(ask->currency), "SEK");
}

/* --- staff --- */

static void send_or_take_back(struct sim *s, struct sim_request *r, const struct sim_request *buy,
                              bool send)
{
    struct tg_order_ask *ask = ask_of(r);

    staff(r);
    about(r, send ? TG_SALE_FULFIL : TG_SALE_RETURN, buy->order);
    some_lines(s, ask, 50);
    if (send)
        return;
    ask->restock = sim_chance(s, 70);
    if (sim_chance(s, 30))
        ask->amount = (int64_t)tg_rng_below(&s->rng, 900);
    if (sim_has_places(s) && sim_chance(s, 30))
        tg_str_cut(ask->location, sizeof(ask->location), "oslo");
}

static void pay_back(struct sim *s, struct sim_request *r, const struct sim_request *buy)
{
    struct tg_order_ask *ask = ask_of(r);

    staff(r);
    about(r, TG_SALE_REFUND, buy->order);
    if (!sim_chance(s, 40))
        return; /* what is due */
    ask->amount = 1 + (int64_t)tg_rng_below(&s->rng, 900);
    tg_str_cut(ask->reason, sizeof(ask->reason), SIM_GOODWILL);
}

static void see_to_payment(struct sim *s, struct sim_request *r, const struct sim_request *buy)
{
    staff(r);
    if (sim_chance(s, 60)) {
        about(r, TG_SALE_RETRY, buy->payment);
        return;
    }
    about(r, TG_SALE_GIVE_UP, buy->payment);
    ask_of(r)->intent = (uint32_t)tg_rng_below(&s->rng, 6) + 1;
    tg_str_cut(r->ask.reason, sizeof(r->ask.reason), "no answer");
}

static void cancel_some(struct sim *s, struct sim_request *r, const struct sim_request *buy)
{
    bool own = sim_chance(s, 70);

    if (own)
        memcpy(r->req.who.id, buy->req.who.id, sizeof(r->req.who.id));
    else
        staff(r);
    about(r, TG_SALE_CANCEL, buy->order);
    some_lines(s, ask_of(r), 20);
    if (!own)
        tg_str_cut(r->ask.reason, sizeof(r->ask.reason), "damaged");
}

/* COMBO's recipe is never the same for long. */
static void new_recipe(struct sim *s, struct sim_request *r)
{
    static const char *const parts[] = {"SOME", "MANY", "FEW"};

    staff(r);
    about(r, TG_SALE_STOCK_RULES, "COMBO");
    r->has_rules = true;
    r->rules = (struct tg_stock_rules_def){.set_parts = true};
    for (size_t i = 0; i < TG_ARRAY_LEN(parts); i++) {
        uint32_t at = r->rules.part_count;

        if (!sim_chance(s, 60) && (at > 0 || i + 1 < TG_ARRAY_LEN(parts)))
            continue;
        tg_str_cut(r->rules.parts[at].sku, sizeof(r->rules.parts[at].sku), parts[i]);
        r->rules.parts[at].qty = (int32_t)tg_rng_below(&s->rng, 3) + 1;
        r->rules.part_count++;
    }
}

bool sim_life_request(struct sim *s, struct sim_request *r)
{
    uint64_t dice = tg_rng_below(&s->rng, 100);
    const struct sim_request *buy;

    if (dice >= 40)
        return false;
    if (dice < 2) {
        new_recipe(s, r);
        return true;
    }
    r->of = sim_acked_buy(s);
    if (r->of < 0)
        return false;
    buy = &s->requests[r->of];
    if (buy->payment[0] == '\0' && (dice < 14 || (dice >= 31 && dice < 35)))
        dice = 20; /* it cost nothing, so there is no payment */
    if (dice < 14 && sim_provider_on(s))
        see_to_payment(s, r, buy);
    else if (dice < 14)
        provider_says(s, r, buy);
    else if (dice < 24)
        send_or_take_back(s, r, buy, true);
    else if (dice < 28)
        send_or_take_back(s, r, buy, false);
    else if (dice < 31)
        pay_back(s, r, buy);
    else if (dice < 35)
        see_to_payment(s, r, buy);
    else
        cancel_some(s, r, buy);
    return true;
}

void sim_life_copy(const struct sim_request *r, struct tg_sale_req *copy)
{
    if (r->has_ask) {
        copy->order = tg_calloc(1, sizeof(*copy->order));
        SIM_CHECK(copy->order != NULL, "memory");
        *copy->order = r->ask;
    }
    if (r->has_rules) {
        copy->rules = tg_calloc(1, sizeof(*copy->rules));
        SIM_CHECK(copy->rules != NULL, "memory");
        *copy->rules = r->rules;
    }
}
