/*
 * shop_sim_limits.c - limits, windows and prices of shows, counted from the orders themselves; see
 * shop_sim.h.
 */
#include <string.h>

#include "base/str.h"
#include "shop/rules.h"
#include "support/lib/shop_sim.h"

enum { EVERYWHERE_MAX = 60 }; /* sale.person_units_max */

void sim_limits_begin(struct sim *s)
{
    memset(s->selling->of_show, 0, sizeof(s->selling->of_show));
    memset(s->selling->of_person, 0, sizeof(s->selling->of_person));
    memset(s->selling->everywhere, 0, sizeof(s->selling->everywhere));
}

static size_t sku_index(const char *sku)
{
    for (size_t i = 0; i < SIM_SKUS; i++)
        if (strcmp(sku, sim_skus[i]) == 0)
            return i;
    SIM_CHECK(false, "what is %s?", sku);
    return 0;
}

static int64_t said_at(const struct sim_request *r)
{
    if (r->req.what == TG_SALE_COMMENT)
        return r->req.op.u.chat.at;
    if (r->req.op.kind == TG_OP_CHECKOUT)
        return r->req.op.u.checkout.at;
    return r->req.op.kind == TG_OP_BUY ? r->req.op.u.line.at : -1;
}

static int64_t media_of(const struct sim *s, tg_us wall)
{
    return (wall - s->selling->epoch_wall) / 1000;
}

static int64_t lag_of(const struct tg_order *order)
{
    return order->show == SIM_LIMITS ? SIM_LAG_MS : TG_LAG_MS;
}

static void check_window(struct sim *s, const struct tg_order *order, size_t sku,
                         const struct sim_request *r)
{
    const struct tg_show_item *rule = sim_rule(sku);
    int64_t media = media_of(s, order->created_wall);
    int64_t at = said_at(r) < 0 ? media : TG_MIN(said_at(r), media);

    if (rule->show_only)
        SIM_CHECK(order->show == SIM_LIMITS || order->channel == TG_CHANNEL_STAFF,
                  "order %lld: %s outside of its show", (long long)order->number, sim_skus[sku]);
    if (order->show != SIM_LIMITS || order->channel == TG_CHANNEL_STAFF)
        return;
    at = TG_MAX(at, media - SIM_LAG_MS);
    SIM_CHECK(rule->from_ms < 0 || at >= rule->from_ms, "order %lld: before the window",
              (long long)order->number);
    SIM_CHECK(rule->until_ms < 0 || at < rule->until_ms, "order %lld: after the window",
              (long long)order->number);
    s->t.late_taps += s->settled && rule->until_ms >= 0 && media >= rule->until_ms;
}

/* What one cost at this instant; while it may have changed, the dearer of both. 0 = not known. */
static int64_t price_at(const struct sim_prices *p, tg_us wall, tg_us slack)
{
    int64_t amount = 0;

    for (size_t i = 0; i < p->count && p->from[i].first_wall <= wall + slack; i++)
        amount = p->from[i].last_wall + slack >= wall ? TG_MAX(amount, p->from[i].amount)
                                                      : p->from[i].amount;
    return amount;
}

/* Nobody is charged more than what stood there when they tapped. */
static void check_tap(struct sim *s, const struct tg_order *order, uint32_t line, size_t sku,
                      const struct sim_request *r)
{
    bool priced =
        r->req.what == TG_SALE_OP && r->req.op.kind == TG_OP_BUY && r->req.op.u.line.price >= 0;
    int64_t back = media_of(s, order->created_wall) - said_at(r);
    int64_t shown;

    if ((s->node_count > 1 && !s->wide) || said_at(r) < 0 || priced)
        return;
    back = TG_MIN(TG_MAX(back, (int64_t)0), lag_of(order));
    shown = price_at(&s->selling->prices[sku], order->created_wall - back * 1000, sim_slack(s));
    SIM_CHECK(shown == 0 || order->lines[line].price <= shown,
              "order %lld: %lld for %s, tapped %lld ms before at %lld", (long long)order->number,
              (long long)order->lines[line].price, sim_skus[sku], (long long)back,
              (long long)shown);
}

void sim_limits_note(struct sim *s, const struct tg_order *order, const struct sim_request *r)
{
    size_t person = (size_t)(order->person[1] - '0');
    bool living = order->state != TG_ORDER_EXPIRED && order->state != TG_ORDER_CANCELLED;

    SIM_CHECK(person < SIM_PERSONS, "who is %s?", order->person);
    for (uint32_t i = 0; i < order->line_count; i++) {
        size_t sku = sku_index(order->lines[i].sku);
        int64_t units = order->lines[i].qty - order->lines[i].cancelled;

        check_window(s, order, sku, r);
        check_tap(s, order, i, sku, r);
        if (!living)
            continue;
        s->selling->everywhere[person][sku] += units;
        if (order->show != SIM_LIMITS)
            continue;
        s->selling->of_show[sku] += units;
        s->selling->of_person[person][sku] += units;
    }
    for (size_t i = 0; i < s->request_count; i++)
        if (strcmp(s->requests[i].undone, order->id) == 0)
            SIM_CHECK(order->state == TG_ORDER_CANCELLED && order->channel == TG_CHANNEL_COMMENT &&
                          strcmp(s->requests[i].req.who.id, order->person) == 0,
                      "order %lld was undone, and is %s", (long long)order->number,
                      tg_order_state_name(order->state));
}

void sim_limits_check(struct sim *s)
{
    const struct sim_selling *sell = s->selling;

    for (size_t sku = 0; sku < SIM_SKUS; sku++) {
        const struct tg_show_item *rule = sim_rule(sku);

        SIM_CHECK(rule->units_max == 0 || sell->of_show[sku] <= rule->units_max,
                  "the show sold %lld of %s", (long long)sell->of_show[sku], sim_skus[sku]);
        for (size_t p = 0; p < SIM_PERSONS; p++) {
            SIM_CHECK(rule->person_max == 0 || sell->of_person[p][sku] <= rule->person_max,
                      "p%zu bought %lld of %s in the show", p, (long long)sell->of_person[p][sku],
                      sim_skus[sku]);
            SIM_CHECK(sell->everywhere[p][sku] <= EVERYWHERE_MAX, "p%zu bought %lld of %s", p,
                      (long long)sell->everywhere[p][sku], sim_skus[sku]);
        }
    }
    for (size_t p = 0; p < SIM_PERSONS; p++) {
        int64_t all = 0;

        for (size_t sku = 0; sku < SIM_SKUS; sku++)
            all += sell->of_person[p][sku];
        SIM_CHECK(all <= SIM_PERSON_UNITS, "p%zu bought %lld in the show", p, (long long)all);
    }
}
