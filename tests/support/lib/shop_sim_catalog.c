/*
 * shop_sim_catalog.c - in wide histories the catalogue changes while both nodes sell from it: short
 * numbers change hands, titles, prices and what is sold change, by hand and by imports; see
 * shop_sim.h.
 */
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "support/lib/shop_sim.h"

/* Of one product with two variants, or two products: a slice takes a file whole, whatever the real
 * clock says, so that a history can be repeated. */
enum { FILES = 8 };
static const char *const files[FILES] = {
    "{\"products\":[{\"id\":\"p1\",\"variants\":["
    "{\"sku\":\"SOME\",\"price\":{\"amount\":2700,\"currency\":\"NOK\"}},"
    "{\"sku\":\"MANY\",\"price\":{\"amount\":3900,\"currency\":\"NOK\"}}]}]}",
    "{\"products\":[{\"id\":\"p1\",\"title\":\"Thing of the file\",\"variants\":["
    "{\"sku\":\"FEW\",\"price\":{\"amount\":2500,\"currency\":\"NOK\"}},"
    "{\"sku\":\"MANY\",\"price\":{\"amount\":4400,\"currency\":\"NOK\"}}]}]}",
    "{\"products\":[{\"id\":\"p1\",\"variants\":["
    "{\"sku\":\"LAST\",\"price\":{\"amount\":900,\"currency\":\"NOK\"}},"
    "{\"sku\":\"SOME\",\"archived\":true}]}]}",
    "{\"products\":[{\"id\":\"p1\",\"variants\":["
    "{\"sku\":\"SOME\",\"archived\":false,\"price\":{\"amount\":3000,\"currency\":\"NOK\"}},"
    "{\"sku\":\"PAIR\",\"price\":{\"amount\":5200,\"currency\":\"NOK\"}}]}]}",
    "{\"products\":[{\"id\":\"p2\",\"number\":5},{\"id\":\"p3\",\"number\":2}]}",
    "{\"products\":[{\"id\":\"p3\",\"number\":3},{\"id\":\"p2\",\"number\":2}]}",
    "{\"products\":[{\"id\":\"p3\",\"archived\":true},{\"id\":\"p2\",\"number\":3}]}",
    "{\"products\":[{\"id\":\"p3\",\"number\":5},{\"id\":\"p2\",\"number\":3}]}",
};

static uint64_t dice(struct sim *s, uint64_t below)
{
    return tg_rng_below(&s->wide_rng, below);
}

static void path_of(const struct sim *s, size_t file, char out[128])
{
    tg_str_printf(out, 128, "%s/feed%zu", s->dir, file);
}

void sim_catalog_begin(struct sim *s)
{
    char path[128];

    for (size_t i = 0; s->wide && i < FILES; i++) {
        FILE *f;

        path_of(s, i, path);
        f = fopen(path, "we");
        SIM_CHECK(f != NULL && fputs(files[i], f) >= 0 && fclose(f) == 0, "%s", path);
    }
}

void sim_catalog_end(const struct sim *s)
{
    char path[128];

    for (size_t i = 0; s->wide && i < FILES; i++) {
        path_of(s, i, path);
        (void)unlink(path); /* it is a scratch file */
    }
}

/* The last SKUs are products of their own. */
void sim_catalog_seed(struct sim *s, struct tg_store *store, const struct tg_variant *variants)
{
    for (size_t sku = SIM_P2; sku < SIM_SKUS; sku++) {
        struct tg_product_import import = {
            .product = {.title = "Thing"}, .variants = &variants[sku], .variant_count = 1};
        tg_err err;

        import.product.number = (uint32_t)(sku == SIM_COMBO ? 9 : sku - SIM_P2 + 2);
        tg_str_printf(import.product.id, sizeof(import.product.id), "p%zu", sku - SIM_P2 + 2);
        err = store->ops->write_product(store, &import, s->now.wall, "sim");
        SIM_CHECK(err == TG_OK, "seeding: %s", tg_err_name(err));
    }
}

/* --- what staff want --- */

static void edit(struct sim *s, struct sim_request *r)
{
    static const char *const ids[] = {"p2", "p3", "p1"};
    static const unsigned numbers[] = {2, 3, 5};
    uint64_t how = dice(s, 100);

    sim_by_staff(r, 0, TG_SALE_PRODUCT_SET, ids[dice(s, how < 60 ? 2 : 3)]);
    if (how < 45)
        tg_str_printf(r->body, sizeof(r->body), "{\"number\":%u}", numbers[dice(s, 3)]);
    else if (how < 60)
        tg_str_printf(r->body, sizeof(r->body), "{\"archived\":%s}",
                      dice(s, 100) < 30 ? "true" : "false");
    else
        tg_str_printf(r->body, sizeof(r->body), "{\"title\":\"Thing %u\"}", (unsigned)dice(s, 20));
    r->body_len = strlen(r->body);
}

static void edit_variant(struct sim *s, struct sim_request *r)
{
    size_t sku = dice(s, SIM_PAIR + 1);

    sim_by_staff(r, 0, TG_SALE_VARIANT_SET, sim_skus[sku]);
    if (dice(s, 100) < 70)
        tg_str_printf(r->body, sizeof(r->body),
                      "{\"price\":{\"amount\":%lld,\"currency\":\"NOK\"}}",
                      (long long)(sim_price(sku) * (80 + (int64_t)dice(s, 40)) / 100));
    else
        tg_str_printf(r->body, sizeof(r->body), "{\"archived\":%s}",
                      dice(s, 100) < 30 ? "true" : "false");
    r->body_len = strlen(r->body);
}

static void import(struct sim *s, struct sim_request *r)
{
    if (dice(s, 100) < 20) {
        sim_by_staff(r, 0, TG_SALE_IMPORT_UNDO, "");
        return;
    }
    sim_by_staff(r, 0, TG_SALE_IMPORT, "auto");
    path_of(s, dice(s, FILES), r->body);
    r->body_len = strlen(r->body) + 1;
    tg_str_cut(r->req.text, sizeof(r->req.text), "feed");
}

static void comment(struct sim *s, struct sim_request *r)
{
    r->req.what = TG_SALE_COMMENT;
    r->req.show = SIM_LIMITS;
    r->req.op.kind = TG_OP_CHAT;
    r->req.op.u.chat.at = sim_tap(s);
    tg_str_printf(r->req.op.u.chat.text, sizeof(r->req.op.u.chat.text), "shop %u",
                  SIM_FIRST_NUMBER + (unsigned)dice(s, SIM_NUMBERS));
}

bool sim_catalog_request(struct sim *s, struct sim_request *r)
{
    uint64_t which = dice(s, 100);

    if (which >= 20)
        return false;
    if (which < 5)
        edit(s, r);
    else if (which < 9)
        edit_variant(s, r);
    else if (which < 12)
        import(s, r);
    else
        comment(s, r);
    return true;
}

bool sim_tells_last(const struct sim_request *r)
{
    return r->req.what == TG_SALE_PRODUCT_SET || r->req.what == TG_SALE_VARIANT_SET;
}

void sim_catalog_answer(struct sim *s, const struct sim_request *r)
{
    s->t.edited += sim_tells_last(r) && r->archive == 0;
    s->t.imports += r->req.what == TG_SALE_IMPORT || r->req.what == TG_SALE_IMPORT_UNDO;
}

/* --- what must hold --- */

static int64_t sku_of(const struct tg_product *p)
{
    return p == NULL || p->archived   ? -1
           : strcmp(p->id, "p2") == 0 ? SIM_P2
           : strcmp(p->id, "p3") == 0 ? SIM_P3
                                      : -1;
}

void sim_catalog_look(struct sim *s, const struct tg_shop *shop)
{
    for (uint32_t i = 0; i < SIM_NUMBERS; i++)
        s->t.moved += sim_track(s, &s->selling->numbers[i],
                                sku_of(tg_shop_product_numbered(shop, SIM_FIRST_NUMBER + i)));
    for (size_t sku = 0; sku < SIM_SKUS; sku++) {
        const struct tg_variant *v = tg_shop_variant(shop, sim_skus[sku]);

        (void)sim_track(s, &s->selling->sold[sku], !v->archived && !v->product->archived);
        s->t.priced += sim_track(s, &s->selling->listed[sku], v->price);
    }
}

bool sim_was(const struct sim *s, const struct sim_prices *p, tg_us from, tg_us to, int64_t amount)
{
    tg_us slack = sim_slack(s);

    if (p->count == 0 || p->from[0].first_wall > from)
        return true;
    for (size_t i = 0; i < p->count && p->from[i].first_wall <= to + slack; i++)
        if (p->from[i].amount == amount &&
            (i + 1 == p->count || p->from[i + 1].last_wall >= from - slack))
            return true;
    return false;
}

static bool by_number(const struct sim_request *r, uint32_t *ret)
{
    const char *text = r->req.op.u.chat.text;

    if (r->req.what != TG_SALE_COMMENT || strlen(text) != strlen("shop 2"))
        return false;
    *ret = (uint32_t)(text[strlen("shop ")] - '0') - SIM_FIRST_NUMBER;
    return *ret < SIM_NUMBERS;
}

void sim_catalog_check(struct sim *s, const struct tg_order *order, const struct sim_request *r)
{
    tg_us at = order->created_wall;
    tg_us read = at - TG_STORE_POLL_US; /* numbers are read before the batch hears of the other's */
    uint32_t number;

    for (uint32_t i = 0; i < order->line_count; i++)
        for (size_t sku = 0; sku < SIM_SKUS; sku++)
            SIM_CHECK(strcmp(order->lines[i].sku, sim_skus[sku]) != 0 ||
                          sim_was(s, &s->selling->sold[sku], at, at, 1),
                      "order %lld: %s was archived", (long long)order->number, sim_skus[sku]);
    if (!by_number(r, &number))
        return;
    for (size_t sku = SIM_P2; sku <= SIM_P3; sku++)
        SIM_CHECK(strcmp(order->lines[0].sku, sim_skus[sku]) != 0 ||
                      sim_was(s, &s->selling->numbers[number], read, at, (int64_t)sku),
                  "order %lld: \"%s\" bought %s", (long long)order->number, r->req.op.u.chat.text,
                  sim_skus[sku]);
    s->t.by_number += s->settled;
}
