/*
 * shop_sim_pair.c - two nodes with clocks of their own; see shop_sim.h.
 */
#include <string.h>

#include "shop/rules.h"
#include "support/lib/shop_sim.h"

/* A clock is known to some milliseconds, and what is less than CLOCK_FINE_US is not corrected. */
#define CLOCK_WRONG_US ((int64_t)600 * TG_US_PER_S)
#define CLOCK_KNOWN_US ((int64_t)40 * 1000)

static tg_us within(struct sim *s, int64_t most_us)
{
    return (tg_us)tg_rng_below(&s->wide_rng, 2 * (uint64_t)most_us + 1) - most_us;
}

/* The others are as they always were: seeds that failed once keep their histories. */
void sim_pair_begin(struct sim *s)
{
    s->wide = s->node_count > 1 && (s->seed % 4 == 1 || s->seed % 4 == 2);
    s->wide_rng = tg_rng_seeded(s->seed ^ UINT64_C(0x7a7a7a7a));
}

/* PostgreSQL measures for itself, against a real clock: there both go right. */
void sim_pair_clock(struct sim *s, struct sim_node *node)
{
    if (s->wide && sim_postgres == NULL)
        node->wrong_us = within(s, node->index == 0 ? CLOCK_KNOWN_US : CLOCK_WRONG_US);
}

tg_us sim_pair_measured(struct sim *s, const struct sim_node *node)
{
    return s->wide && sim_postgres == NULL ? node->wrong_us + within(s, CLOCK_KNOWN_US) : 0;
}

struct tg_shop_now sim_node_now(const struct sim_node *node)
{
    struct tg_shop_now now = node->sim->now;

    now.wall += node->wrong_us;
    return now;
}

tg_us sim_slack(const struct sim *s)
{
    return s->wide ? 3 * CLOCK_KNOWN_US : 0;
}

static bool same_item(const struct tg_shop *a, const struct tg_shop *b, const char *sku)
{
    const struct tg_show_item *x = tg_shop_show_item(a, SIM_LIMITS, sku);
    const struct tg_show_item *y = tg_shop_show_item(b, SIM_LIMITS, sku);

    return (x == NULL) == (y == NULL) &&
           (x == NULL || (x->number == y->number && x->from_ms == y->from_ms &&
                          x->until_ms == y->until_ms && x->units_max == y->units_max));
}

static void same_products(const struct tg_shop *a, const struct tg_shop *b)
{
    SIM_CHECK(tg_shop_product_count(a) == tg_shop_product_count(b), "one has more products");
    for (size_t i = 0; i < tg_shop_product_count(a); i++) {
        const struct tg_product *p = tg_shop_product_at(a, i);
        const struct tg_product *q = tg_shop_product_at(b, i);

        SIM_CHECK(strcmp(p->id, q->id) == 0 && p->number == q->number, "%u is %s here, %u %s there",
                  p->number, p->id, q->number, q->id);
        SIM_CHECK(p->archived == q->archived && strcmp(p->title, q->title) == 0,
                  "%s is \"%s\" here, \"%s\" there", p->id, p->title, q->title);
    }
}

static void same_places(const struct tg_shop *a, const struct tg_shop *b)
{
    for (uint16_t ord = 0;; ord++) {
        const struct tg_location *l = tg_shop_location_at(a, ord);
        const struct tg_location *m = tg_shop_location_at(b, ord);

        SIM_CHECK((l == NULL) == (m == NULL), "one has more places");
        if (l == NULL)
            return;
        SIM_CHECK(strcmp(l->id, m->id) == 0 && l->closed == m->closed && l->priority == m->priority,
                  "%s is another place there", l->id);
    }
}

void sim_pair_agree(struct sim *s)
{
    const struct tg_shop *a = tg_sale_shop(s->nodes[0].sale);
    const struct tg_shop *b = tg_sale_shop(s->nodes[1].sale);

    same_products(a, b);
    same_places(a, b);
    sim_tokens_check(s);
    for (size_t sku = 0; sku < SIM_SKUS; sku++) {
        const struct tg_variant *v = tg_shop_variant(a, sim_skus[sku]);
        const struct tg_variant *w = tg_shop_variant(b, sim_skus[sku]);

        SIM_CHECK(tg_variant_price(v) == tg_variant_price(w), "%s costs %lld here, %lld there",
                  v->sku, (long long)tg_variant_price(v), (long long)tg_variant_price(w));
        SIM_CHECK(v->flash_used == w->flash_used || v->flash < 0,
                  "%s: %d at the flash price here, %d there", v->sku, v->flash_used, w->flash_used);
        SIM_CHECK(v->archived == w->archived && v->price == w->price,
                  "%s is another thing here than there", v->sku);
        SIM_CHECK(tg_variant_here_in(v, UINT16_MAX) == tg_variant_here_in(w, UINT16_MAX),
                  "%s: %d here, %d there", v->sku, tg_variant_here_in(v, UINT16_MAX),
                  tg_variant_here_in(w, UINT16_MAX));
        SIM_CHECK(same_item(a, b, v->sku), "%s: the show's rules differ", v->sku);
    }
}
