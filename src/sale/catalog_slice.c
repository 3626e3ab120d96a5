/* One transaction of the catalogue, and the claims that follow from it. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/catalog_priv.h"

tg_err tg_catalog_slice_init(struct tg_catalog_slice *s, struct tg_sale *sale)
{
    *s = (struct tg_catalog_slice){.sale = sale};
    s->products = tg_calloc(TG_CATALOG_SLICE_ITEMS, sizeof(*s->products));
    s->variants = tg_calloc(TG_CATALOG_SLICE_ITEMS, sizeof(*s->variants));
    s->claims = tg_calloc(TG_CATALOG_SLICE_CLAIMS, sizeof(*s->claims));
    if (s->products != NULL && s->variants != NULL && s->claims != NULL)
        return TG_OK;
    tg_catalog_slice_done(s);
    return TG_ERR_NOMEM;
}

void tg_catalog_slice_done(struct tg_catalog_slice *s)
{
    tg_feed_arena_done(&s->arena);
    tg_free(s->products);
    tg_free(s->variants);
    tg_free(s->claims);
    s->products = NULL;
    s->variants = NULL;
    s->claims = NULL;
}

void tg_catalog_slice_begin(struct tg_catalog_slice *s, struct tg_shop_now now)
{
    struct tg_store *store = s->sale->cfg.store;

    s->now = now;
    s->product_count = 0;
    s->variant_count = 0;
    s->claim_count = 0;
    tg_feed_arena_clear(&s->arena);
    /* Takes the lock and brings memory up to date, as before each batch. */
    s->err = store->ops->load(store, now, NULL, 0, s->sale->shop, s->sale->idem);
    if (s->err == TG_OK)
        s->err = store->ops->begin(store);
    s->open = s->err == TG_OK;
}

/* A variant makes up to one claim for each currency, one for its own and one for its count. */
bool tg_catalog_slice_full(const struct tg_catalog_slice *s)
{
    return s->arena.used > TG_FEED_PRODUCT_MAX / 4 ||
           s->product_count + 2 >= TG_CATALOG_SLICE_ITEMS ||
           s->variant_count + 2 >= TG_CATALOG_SLICE_ITEMS ||
           s->claim_count + TG_FEED_PRICES_MAX * 2 + 4 >= TG_CATALOG_SLICE_CLAIMS;
}

void tg_catalog_fault(struct tg_catalog_slice *s, uint32_t line, const char *field,
                      const char *value, const char *reason, const char *fix)
{
    struct tg_feed_fault fault = {.line = line};

    tg_str_cut(fault.field, sizeof(fault.field), field);
    tg_str_cut(fault.value, sizeof(fault.value), value);
    tg_str_cut(fault.reason, sizeof(fault.reason), reason);
    tg_str_cut(fault.fix, sizeof(fault.fix), fix);
    if (s->on_fault != NULL)
        s->on_fault(s->ctx, &fault);
}

/* What is on disk now goes into memory. Without memory for it a restart brings it. */
static void to_memory(struct tg_catalog_slice *s)
{
    struct tg_shop *shop = s->sale->shop;
    tg_err err = TG_OK;

    for (size_t i = 0; i < s->product_count; i++) {
        tg_err one = tg_shop_put_product(shop, &s->products[i]);

        err = err != TG_OK ? err : one;
    }
    for (size_t i = 0; i < s->variant_count; i++) {
        const struct tg_variant *v = &s->variants[i].variant;
        tg_err one = tg_shop_describe(shop, v);

        if (one == TG_ERR_NOTFOUND)
            one = tg_shop_put_variant(shop, s->now, s->variants[i].product_id, v);
        err = err != TG_OK ? err : one;
    }
    if (err != TG_OK)
        tg_log_error("sale", "catalogue-behind", "err=%s", tg_err_name(err));
}

/* What a bundle is of; its other rules stay. */
static void rules_of(const struct tg_catalog_slice *s, const struct tg_catalog_claim *c,
                     struct tg_rules_change *ret)
{
    const struct tg_variant *v = tg_shop_variant(s->sale->shop, c->sku);

    *ret = (struct tg_rules_change){
        .sku = c->sku, .set_parts = true, .parts = c->parts, .part_count = c->part_count};
    if (v != NULL)
        ret->rules = v->rules;
}

static const char *field_of(enum tg_claim_kind kind)
{
    return kind == TG_CLAIM_STOCK ? "stock" : kind == TG_CLAIM_STOCK_RULES ? "parts" : "price";
}

static struct tg_claim claim_of(const struct tg_catalog_slice *s, const struct tg_catalog_claim *c)
{
    return (struct tg_claim){.kind = c->kind,
                             .person = s->actor,
                             .name = "",
                             .source = "",
                             .show = UINT16_MAX,
                             .staff = true,
                             .at_ms = -1,
                             .media_ms = -1,
                             .op = "",
                             .id = "",
                             .sku = c->sku,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = c->amount,
                             .until_wall = -1,
                             .absolute = c->absolute,
                             .value = c->value,
                             .key = "",
                             .currency = c->currency,
                             .from_wall = -1,
                             .compare_at = c->compare_at,
                             .if_match = ""};
}

static tg_err write_effects(struct tg_sale *sale, tg_us wall)
{
    struct tg_store *store = sale->cfg.store;
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    tg_err err = tg_shop_effects(sale->shop, wall, &effects, &count);

    if (err == TG_OK && count == 0) {
        store->ops->rollback(store);
        return TG_OK;
    }
    if (err == TG_OK)
        err = store->ops->begin(store);
    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = store->ops->write(store, &effects[i]);
    return err == TG_OK ? store->ops->commit(store) : err;
}

/* Prices of what was there and first counts: decided by the shop, in a batch of their own. */
static tg_err decide_claims(struct tg_catalog_slice *s)
{
    struct tg_sale *sale = s->sale;
    struct tg_store *store = sale->cfg.store;
    tg_err err = store->ops->load(store, s->now, NULL, 0, sale->shop, sale->idem);

    for (size_t i = 0; err == TG_OK && i < s->claim_count; i++) {
        struct tg_claim claim = claim_of(s, &s->claims[i]);
        struct tg_rules_change rules;
        struct tg_verdict verdict;

        rules_of(s, &s->claims[i], &rules);
        claim.rules_change = &rules;
        tg_shop_decide(sale->shop, s->now, &claim, &verdict);
        if (verdict.code != TG_CODE_OK)
            tg_catalog_fault(s, s->claims[i].line, field_of(claim.kind), claim.sku, verdict.message,
                             "Change it by hand, or correct the file.");
    }
    if (err == TG_OK)
        err = write_effects(sale, s->now.wall);
    if (err == TG_OK) {
        tg_announce_batch(sale);
        tg_shop_commit(sale->shop);
    } else {
        store->ops->rollback(store);
        tg_shop_rollback(sale->shop);
    }
    return err;
}

tg_err tg_catalog_slice_end(struct tg_catalog_slice *s)
{
    struct tg_store *store = s->sale->cfg.store;

    if (s->open && s->err == TG_OK)
        s->err = store->ops->commit(store);
    if (s->err != TG_OK)
        store->ops->rollback(store);
    s->open = false;
    if (s->err == TG_OK && !s->dry) {
        to_memory(s);
        if (s->claim_count > 0)
            s->err = decide_claims(s);
    }
    return s->err;
}
