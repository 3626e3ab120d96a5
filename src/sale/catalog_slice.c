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
    s->ahead = tg_calloc(1, sizeof(*s->ahead));
    if (s->products != NULL && s->variants != NULL && s->claims != NULL && s->ahead != NULL)
        return TG_OK;
    tg_catalog_slice_done(s);
    return TG_ERR_NOMEM;
}

/* Of products that did not come into memory. */
static void forget_texts(struct tg_catalog_slice *s)
{
    for (size_t i = 0; s->products != NULL && i < s->product_count; i++)
        tg_langs_unref(s->products[i].texts);
    s->product_count = 0;
}

void tg_catalog_slice_done(struct tg_catalog_slice *s)
{
    forget_texts(s);
    tg_feed_arena_done(&s->arena);
    tg_free(s->products);
    tg_free(s->variants);
    tg_free(s->claims);
    tg_free(s->ahead);
    s->products = NULL;
    s->variants = NULL;
    s->claims = NULL;
    s->ahead = NULL;
}

void tg_catalog_slice_begin(struct tg_catalog_slice *s, struct tg_shop_now now,
                            const struct tg_claim *key)
{
    struct tg_store *store = s->sale->cfg.store;

    s->now = now;
    forget_texts(s);
    s->variant_count = 0;
    s->claim_count = 0;
    s->next.product_id[0] = '\0';
    s->ahead->product_count = 0;
    s->ahead->variant_count = 0;
    tg_feed_arena_clear(&s->arena);
    /* Takes the lock and brings memory up to date, as before each batch. */
    s->err = store->ops->load(store, now, key, key == NULL ? 0 : 1, s->sale->shop, s->sale->idem);
    if (s->err == TG_OK)
        s->err = store->ops->begin(store);
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

/* Until the batch ends this can be undone. */
static void to_memory(struct tg_catalog_slice *s)
{
    struct tg_shop *shop = s->sale->shop;

    for (size_t i = 0; s->err == TG_OK && i < s->product_count; i++)
        s->err = tg_shop_shelve_product(shop, &s->products[i]);
    for (size_t i = 0; s->err == TG_OK && i < s->variant_count; i++)
        s->err = tg_shop_shelve_variant(shop, s->now, s->variants[i].product_id,
                                        &s->variants[i].variant);
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

/* What one claim did is written with its own reason to be undone. */
static void claimed(struct tg_catalog_slice *s, const struct tg_catalog_claim *c)
{
    struct tg_store *store = s->sale->cfg.store;
    const struct tg_import_change change = {
        .seq = s->seq + 1, .kind = TG_IMPORT_COUNT, .item = c->sku, .before = "", .qty = c->value};

    if (c->first && s->import != 0) {
        s->err = tg_cat_add_change(store, s->import, &change);
        s->seq++;
    }
}

static void decide(struct tg_catalog_slice *s, struct tg_catalog_claim *c)
{
    struct tg_claim claim = claim_of(s, c);
    struct tg_rules_change rules;
    struct tg_verdict verdict;

    rules_of(s, c, &rules);
    claim.rules_change = &rules;
    tg_shop_decide(s->sale->shop, s->now, &claim, &verdict);
    c->refused = verdict.code != TG_CODE_OK;
    if (!c->refused)
        claimed(s, c);
    else
        tg_catalog_fault(s, c->line, field_of(claim.kind), claim.sku, verdict.message,
                         "Change it by hand, or correct the file.");
}

/* What was refused was noted as wanted: an undo must know what was made. */
static void note_as_made(struct tg_catalog_slice *s, const struct tg_catalog_claim *c)
{
    struct tg_store *store = s->sale->cfg.store;
    struct tg_feed_variant v;
    struct tg_cat_place place;
    const char *text = NULL;

    s->err = tg_cat_variant(store, &s->arena, c->sku, &v, &place);
    if (s->err == TG_OK)
        text = tg_catalog_variant_text(s, &v);
    if (s->err == TG_OK)
        s->err = tg_cat_set_change(store, s->import, c->change, tg_catalog_digest(text));
}

static void write_effects(struct tg_catalog_slice *s)
{
    struct tg_store *store = s->sale->cfg.store;
    const struct tg_effect *effects = NULL;
    size_t count = 0;

    s->err = tg_shop_effects(s->sale->shop, s->now.wall, &effects, &count);
    for (size_t i = 0; s->err == TG_OK && i < count; i++)
        s->err = store->ops->write(store, &effects[i]);
    /* Each price raised the version of its own; for who looks from outside it is one change. */
    for (size_t i = 0; s->err == TG_OK && i < s->claim_count; i++)
        if (s->claims[i].version > 0)
            s->err = tg_cat_set_version(store, s->claims[i].sku, s->claims[i].version);
    for (size_t i = 0; s->err == TG_OK && i < s->claim_count; i++)
        if (s->claims[i].refused && s->claims[i].change > 0)
            note_as_made(s, &s->claims[i]);
}

void tg_catalog_slice_decide(struct tg_catalog_slice *s)
{
    if (s->dry || s->err != TG_OK)
        return;
    to_memory(s);
    for (size_t i = 0; s->err == TG_OK && i < s->claim_count; i++)
        decide(s, &s->claims[i]);
    if (s->err == TG_OK && s->claim_count > 0)
        write_effects(s);
}

void tg_catalog_slice_drop(struct tg_catalog_slice *s)
{
    struct tg_store *store = s->sale->cfg.store;

    store->ops->rollback(store);
    tg_shop_rollback(s->sale->shop);
    tg_idem_rollback(s->sale->idem);
}

tg_err tg_catalog_slice_end(struct tg_catalog_slice *s)
{
    struct tg_sale *sale = s->sale;
    struct tg_store *store = sale->cfg.store;

    if (s->err == TG_OK)
        s->err = tg_repeat_write(sale, s->now.wall);
    if (s->err == TG_OK)
        s->err = store->ops->commit(store);
    if (s->err != TG_OK) {
        tg_catalog_slice_drop(s);
        return s->err;
    }
    if (s->claim_count > 0)
        tg_announce_batch(sale);
    tg_idem_commit(sale->idem);
    tg_shop_commit(sale->shop);
    return TG_OK;
}
