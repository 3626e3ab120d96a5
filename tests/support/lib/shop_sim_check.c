/*
 * shop_sim_check.c - what must hold of memory and disk, whatever happened; see shop_sim.h.
 */
#include <string.h>

#include "base/str.h"
#include "shop/waiting.h"
#include "store/read.h"
#include "support/lib/shop_sim.h"

/* The promise: a hold is over a second after its term; a server that failed or began needs one to
 * try again. */
enum { OVERDUE_US = TG_US_PER_S, RETRY_US = TG_US_PER_S };

/* --- stock --- */

static tg_err audit_row(void *ctx, const struct tg_audit_row *row)
{
    struct sim_node *node = ctx;
    char why[160];

    SIM_CHECK(tg_shop_audit(tg_sale_shop(node->sale), row, why), "%s: %s", row->sku, why);
    SIM_CHECK(row->kept_held + row->kept_sold <= row->kept_on_hand, "%s is oversold", row->sku);
    return TG_OK;
}

void sim_check_audit(struct sim *s, struct sim_node *node)
{
    struct tg_store *inner = node->faulty.inner;
    tg_err err = inner->ops->audit(inner, audit_row, node);

    (void)s;
    SIM_CHECK(err == TG_OK, "audit: %s: %s", tg_err_name(err), inner->ops->error(inner));
}

/* --- orders --- */

void sim_check_lines(struct sim *s, const struct sim_node *node)
{
    const struct tg_shop *shop = tg_sale_shop(node->sale);

    /* What is sold again, or was read anew, is offered at the next wake, which is now. */
    if (tg_shop_deadline(shop) <= s->now.mono)
        return;
    for (size_t i = 0; i < SIM_SKUS; i++) {
        /* Nobody waits for a promise: that can be had at once by who agrees to it. */
        const struct tg_variant *v = tg_shop_variant(shop, sim_skus[i]);
        int32_t free = v->archived || v->product->archived ? 0 : tg_variant_here_in(v, UINT16_MAX);
        /* A turn is held at one place; what is free elsewhere meanwhile may be the next one's. */
        bool one_place = !sim_has_places(s);
        bool short_of = false; /* somebody in front has not got all */
        int64_t ticket = 0;

        for (const struct tg_waiter *w = tg_shop_line_first(shop, sim_skus[i]); w != NULL;
             w = w->next) {
            SIM_CHECK(w->ticket > ticket, "%s: the line of %s is out of order", w->person, w->sku);
            SIM_CHECK(w->offered == 0 || !short_of || !one_place,
                      "%s was served before others who wait for %s", w->person, w->sku);
            SIM_CHECK((one_place ? w->offered == w->qty : w->offered > 0) || free == 0,
                      "%d of %s lie free while %s waits", (int)free, w->sku, w->person);
            SIM_CHECK(w->offered == 0 || w->until_wall > s->now.wall - OVERDUE_US ||
                          s->now.mono - node->trouble_at <= RETRY_US,
                      "the turn of %s outlived it", w->person);
            short_of = short_of || w->offered < w->qty;
            ticket = w->ticket;
            s->t.turns += w->offered > 0;
        }
    }
}

static size_t request_of(const struct tg_order *order)
{
    int64_t index = -1;

    SIM_CHECK(order->source[0] == 'r' &&
                  tg_parse_i64(&index, order->source + 1, strlen(order->source + 1), 0,
                               SIM_REQS_MAX) == TG_OK,
              "order of nobody: %s", order->source);
    return (size_t)index;
}

static size_t index_of(const char *sku)
{
    for (size_t i = 0; i < SIM_SKUS; i++)
        if (strcmp(sku, sim_skus[i]) == 0)
            return i;
    SIM_CHECK(false, "what is %s?", sku);
    return 0;
}

/* COMBO's recipe at the sale is in the order's takes alone: every item whole for each open unit. */
static void count_combo(struct sim *s, const struct tg_order *order, uint32_t line)
{
    int32_t open = tg_line_open(&order->lines[line]);
    uint32_t items = 0;

    for (uint32_t i = 0; i < order->take_count; i++) {
        const struct tg_order_take *t = &order->takes[i];
        int64_t units = 0;

        if (t->line != line)
            continue;
        items++;
        s->sold[index_of(t->sku)] += t->qty;
        for (uint32_t k = 0; k < order->take_count; k++) {
            const struct tg_order_take *other = &order->takes[k];

            if (other->line != line || strcmp(other->sku, t->sku) != 0)
                continue;
            units += other->qty;
            SIM_CHECK(other->each == t->each, "order %lld: two recipes of one line",
                      (long long)order->number);
        }
        SIM_CHECK(units == (int64_t)t->each * open, "order %lld: %lld of %s for %d of COMBO",
                  (long long)order->number, (long long)units, t->sku, open);
    }
    SIM_CHECK(items > 0, "order %lld: a bundle of nothing", (long long)order->number);
    s->t.combos += s->settled;
}

/* By the recipes and not by the order's takes: a bundle that takes too little is found here. */
static void count_sold(struct sim *s, const struct tg_order *order)
{
    if (order->state != TG_ORDER_PAID && order->state != TG_ORDER_PARTLY)
        return;
    s->t.bundles += s->settled && strcmp(order->lines[0].sku, "PAIR") == 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        size_t sku = index_of(order->lines[i].sku);

        if (sku == SIM_COMBO) {
            count_combo(s, order, i);
            continue;
        }
        for (size_t item = 0; item < SIM_SKUS; item++)
            s->sold[item] += (int64_t)tg_line_open(&order->lines[i]) * sim_units_in(sku, item);
    }
}

/* What a show has sold: all that was ordered there and not given up. */
static void count_show(struct sim *s, const struct tg_order *order)
{
    if (order->state == TG_ORDER_EXPIRED || order->state == TG_ORDER_CANCELLED)
        return;
    for (uint32_t i = 0; i < order->line_count; i++)
        s->show_units[order->show][index_of(order->lines[i].sku)] +=
            order->lines[i].qty - order->lines[i].cancelled;
}

static void check_shows(const struct sim *s)
{
    const struct sim_node *node = &s->nodes[0];

    if (s->node_count > 1 || !node->alive)
        return;
    for (uint16_t show = 1; show < SIM_SHOWS; show++)
        for (size_t sku = 0; sku < SIM_SKUS; sku++)
            SIM_CHECK(tg_shop_show_units(tg_sale_shop(node->sale), show, sim_skus[sku]) ==
                          s->show_units[show][sku],
                      "show %u, %s: %d units, the orders say %lld", show, sim_skus[sku],
                      tg_shop_show_units(tg_sale_shop(node->sale), show, sim_skus[sku]),
                      (long long)s->show_units[show][sku]);
}

static tg_err sold_row(void *ctx, const struct tg_audit_row *row)
{
    struct sim *s = ctx;

    for (size_t item = 0; item < SIM_SKUS; item++)
        if (strcmp(row->sku, sim_skus[item]) == 0)
            s->sold[item] -= row->kept_sold;
    return TG_OK;
}

/* After all orders were counted: exactly as much is sold. */
static void check_sold(struct sim *s)
{
    for (unsigned i = 0; i < s->node_count; i++) {
        struct tg_store *inner = s->nodes[i].faulty.inner;

        if (!s->nodes[i].alive)
            continue;
        SIM_CHECK(inner->ops->audit(inner, sold_row, s) == TG_OK, "audit");
        for (size_t item = 0; item < SIM_SKUS; item++)
            SIM_CHECK(s->sold[item] == 0, "%s: %lld more in paid orders than are sold",
                      sim_skus[item], (long long)s->sold[item]);
        return;
    }
}

/* To the øre: lines, discounts and taxes make the totals, and nobody pays more than was shown. */
static void check_money(const struct tg_order *order, const struct sim_request *r)
{
    int64_t total = 0;
    int64_t discount = 0;
    int64_t tax = 0;

    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        int32_t kept = line->qty - line->cancelled;

        SIM_CHECK(line->qty > 0 && line->price >= 0 && line->discount >= 0 &&
                      line->discount <= line->price * line->qty && line->tax >= 0 &&
                      line->tax <= line->price * line->qty - line->discount,
                  "order %lld, line %u: no such amounts", (long long)order->number, i);
        total +=
            kept == line->qty ? line->price * kept - line->discount : tg_line_worth(line, kept);
        discount += tg_line_discount(line, kept);
        tax += tg_line_tax(line, kept);
        if (r->req.op.kind == TG_OP_BUY && r->req.op.u.line.price >= 0)
            SIM_CHECK(line->price <= r->req.op.u.line.price, "charged more than was shown");
    }
    SIM_CHECK(total == order->total && discount == order->discount && tax == order->tax,
              "order %lld: %lld, %lld off, %lld tax; its lines say %lld, %lld, %lld",
              (long long)order->number, (long long)order->total, (long long)order->discount,
              (long long)order->tax, (long long)total, (long long)discount, (long long)tax);
}

/* What living orders hold of the code, and of flash prices that run. */
static void count_scarce(struct sim *s, const struct tg_order *order)
{
    const struct tg_shop *shop = s->nodes[0].alive ? tg_sale_shop(s->nodes[0].sale) : NULL;

    if (order->state == TG_ORDER_EXPIRED || order->state == TG_ORDER_CANCELLED)
        return;
    if (strcmp(order->codes, SIM_CODE) == 0) {
        s->code_uses++;
        s->code_of[order->person[1] - '0']++;
    }
    for (uint32_t i = 0; shop != NULL && i < order->line_count; i++)
        for (size_t sku = 0; sku < SIM_SKUS; sku++) {
            const struct tg_variant *v = tg_shop_variant(shop, sim_skus[sku]);

            if (strcmp(order->lines[i].sku, sim_skus[sku]) == 0 && v->flash >= 0 &&
                order->lines[i].flash_since == v->flash_since_wall)
                s->flash_units[sku] += order->lines[i].qty - order->lines[i].cancelled;
        }
}

static tg_err check_code(void *ctx, const struct tg_discount *d, const char *show)
{
    const struct sim *s = ctx;

    (void)show;
    SIM_CHECK(d->uses == s->code_uses, "%d uses kept, %d orders", d->uses, s->code_uses);
    SIM_CHECK(d->uses <= SIM_CODE_USES, "the code was used %d times", d->uses);
    for (size_t p = 0; p < SIM_PERSONS; p++)
        SIM_CHECK(s->code_of[p] <= SIM_CODE_PERSON, "p%zu used the code %d times", p,
                  s->code_of[p]);
    return TG_OK;
}

/* Never more than the limit at a flash price; units come back while it runs. Of two nodes the one
 * asked may not have heard of the other's last batch. */
static void check_flash(const struct sim *s)
{
    bool knows = s->node_count == 1 && s->nodes[0].alive;

    for (size_t sku = 0; knows && sku < SIM_SKUS; sku++) {
        const struct tg_variant *v = tg_shop_variant(tg_sale_shop(s->nodes[0].sale), sim_skus[sku]);

        if (v->flash < 0)
            continue;
        SIM_CHECK(v->flash_used == s->flash_units[sku], "%s: %d units at the flash price, not %lld",
                  v->sku, v->flash_used, (long long)s->flash_units[sku]);
        SIM_CHECK(v->flash_limit == 0 || v->flash_used < v->flash_limit,
                  "%s: %d of %d units, and the price goes on", v->sku, v->flash_used,
                  v->flash_limit);
    }
}

static void check_term(const struct sim *s, const struct tg_order *order)
{
    if (order->state != TG_ORDER_AWAITING)
        return;
    for (unsigned i = 0; i < s->node_count; i++) {
        const struct sim_node *node = &s->nodes[i];
        tg_us ready = s->now.wall - (s->now.mono - node->trouble_at) + RETRY_US;

        if (node->alive) /* one is enough, whichever took the order */
            SIM_CHECK(s->now.wall <= TG_MAX(order->pay_by_wall, ready) + OVERDUE_US,
                      "order %lld is held %.3f s beyond its term, and node %u lives",
                      (long long)order->number,
                      (double)(s->now.wall - order->pay_by_wall) / TG_US_PER_S, i);
    }
    SIM_CHECK(!s->settled, "order %lld never expired", (long long)order->number);
}

static tg_err check_order(void *ctx, const struct tg_order *order)
{
    struct sim *s = ctx;
    struct sim_request *r = &s->requests[request_of(order)];

    SIM_CHECK(!r->seen, "request %s made two orders", order->source);
    r->seen = true;
    SIM_CHECK(strcmp(order->person, sim_buyer(r)) == 0, "order of %s given to %s", sim_buyer(r),
              order->person);
    if (r->ok)
        SIM_CHECK(strcmp(r->order, order->id) == 0, "another order than acknowledged");
    check_money(order, r);
    sim_book_note(s, order);
    count_sold(s, order);
    count_show(s, order);
    count_scarce(s, order);
    sim_limits_note(s, order, r);
    if (s->wide) {
        sim_catalog_check(s, order, r);
        sim_places_check(s, order);
    }
    check_term(s, order);
    s->t.expired += s->settled && order->state == TG_ORDER_EXPIRED;
    return TG_OK;
}

static bool nothing_open(const struct tg_order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++)
        if (tg_line_open(&order->lines[i]) > 0)
            return false;
    return true;
}

/* What was acknowledged of an order is on disk: paid is paid, and all is gone, or cancelled, for
 * good. */
static void check_verdict(struct sim *s, struct tg_read_db *db, const struct sim_request *r)
{
    bool paid = r->req.what == TG_SALE_PAY && r->req.flag;
    bool whole =
        (r->req.what == TG_SALE_CANCEL || r->req.what == TG_SALE_FULFIL) && r->ask.line_count == 0;
    struct tg_order *order = NULL;
    tg_err err;

    if (!r->ok || r->of < 0 || !r->req.http || (!paid && !whole))
        return;
    err = tg_read_order(db, s->requests[r->of].order, &order);
    SIM_CHECK(err == TG_OK, "acknowledged order is gone: %s", tg_err_name(err));
    SIM_CHECK(!paid || (order->state != TG_ORDER_AWAITING && order->state != TG_ORDER_EXPIRED),
              "acknowledged as paid, is %s", tg_order_state_name(order->state));
    SIM_CHECK(!whole || order->state == TG_ORDER_CANCELLED || nothing_open(order),
              "all of it was acknowledged, it is %s", tg_order_state_name(order->state));
    tg_order_free(order);
}

void sim_check_disk(struct sim *s)
{
    struct tg_read_db *db = NULL;
    char why[256] = "";
    tg_err err = tg_read_db_new(&db, &(struct tg_db_cfg){.url = s->path}, why);

    SIM_CHECK(err == TG_OK, "%s", why);
    memset(s->sold, 0, sizeof(s->sold));
    for (size_t i = 0; i < s->request_count; i++)
        s->requests[i].seen = false;
    memset(s->show_units, 0, sizeof(s->show_units));
    s->book_count = 0;
    sim_limits_begin(s);
    s->code_uses = 0;
    memset(s->code_of, 0, sizeof(s->code_of));
    memset(s->flash_units, 0, sizeof(s->flash_units));
    /* Each order read is also checked to add up (store/rows.c). */
    err = tg_read_orders(db, NULL, INT64_MAX, UINT32_MAX, check_order, s);
    SIM_CHECK(err == TG_OK, "reading orders: %s", tg_err_name(err));
    err = tg_read_code(db, SIM_CODE, check_code, s);
    SIM_CHECK(err == TG_OK, "reading the code: %s", tg_err_name(err));
    check_flash(s);
    check_shows(s);
    sim_check_books(s, db);
    sim_limits_check(s);
    if (s->wide)
        sim_tokens_check(s);
    for (size_t i = 0; i < s->request_count; i++) {
        const struct sim_request *r = &s->requests[i];

        SIM_CHECK(!r->ok || r->order[0] == '\0' || r->seen,
                  "acknowledged order of request %zu is lost", i);
        check_verdict(s, db, r);
    }
    tg_read_db_free(db);
    check_sold(s);
}
