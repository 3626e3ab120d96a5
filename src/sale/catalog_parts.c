/*
 * What bundles are of. The shop decides it as a claim, by shop/bundles.c; but what it refuses must
 * be known before the variant is written and noted, and in a dry run: so the same rules are asked
 * here first, of memory and of what the claims before will make of it.
 */
#include <string.h>

#include "base/str.h"
#include "sale/catalog_priv.h"

struct tg_catalog_claim *tg_catalog_add_claim(struct tg_catalog_slice *s, enum tg_claim_kind kind,
                                              const struct tg_feed_variant *v)
{
    struct tg_catalog_claim *c;

    TG_ASSERT(s->claim_count < TG_CATALOG_SLICE_CLAIMS); /* see tg_catalog_slice_full() */
    c = &s->claims[s->claim_count++];
    *c = (struct tg_catalog_claim){
        .kind = kind, .amount = TG_AS_IS, .compare_at = TG_AS_IS, .line = v->line};
    tg_str_cut(c->sku, sizeof(c->sku), v->sku);
    return c;
}

bool tg_catalog_same_parts(const struct tg_feed_parts *a, const struct tg_feed_parts *b)
{
    bool same = a->count == b->count;

    for (uint32_t i = 0; same && i < a->count; i++)
        same = strcmp(a->at[i].sku, b->at[i].sku) == 0 && a->at[i].qty == b->at[i].qty;
    return same;
}

void tg_catalog_claim_parts(struct tg_catalog_slice *s, const struct tg_feed_variant *v)
{
    struct tg_part_row *rows = tg_feed_alloc(&s->arena, (v->parts.count + 1) * sizeof(*rows));
    struct tg_catalog_claim *c;

    if (rows == NULL) {
        s->err = s->arena.err;
        return;
    }
    for (uint32_t i = 0; i < v->parts.count; i++) {
        tg_str_cut(rows[i].sku, sizeof(rows[i].sku), v->parts.at[i].sku);
        rows[i].qty = (int32_t)v->parts.at[i].qty;
    }
    c = tg_catalog_add_claim(s, TG_CLAIM_STOCK_RULES, v);
    c->parts = rows;
    c->part_count = v->parts.count;
}

/* --- what the claims before make of memory --- */

static bool knows(const struct tg_catalog_slice *s, enum tg_catalog_known kind, const char *sku)
{
    return s->knows != NULL && s->knows(s->ctx, kind, sku);
}

/* NULL: its parts stay. */
static const struct tg_catalog_claim *claim_on(const struct tg_catalog_slice *s, const char *sku)
{
    for (size_t i = s->claim_count; i-- > 0;)
        if (s->claims[i].kind == TG_CLAIM_STOCK_RULES && strcmp(s->claims[i].sku, sku) == 0)
            return &s->claims[i];
    return NULL;
}

static bool is_changed(const struct tg_catalog_slice *s, const char *sku)
{
    return claim_on(s, sku) != NULL || (s->dry && knows(s, TG_CATALOG_KNOWN_CHANGED, sku));
}

static bool is_bundle(const struct tg_catalog_slice *s, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(s->sale->shop, sku);
    const struct tg_catalog_claim *c = claim_on(s, sku);

    if (c != NULL)
        return c->part_count > 0;
    if (is_changed(s, sku))
        return knows(s, TG_CATALOG_KNOWN_BUNDLE, sku);
    return v != NULL && v->part_count > 0;
}

static bool claim_names(const struct tg_catalog_claim *c, const char *sku)
{
    for (uint32_t i = 0; i < c->part_count; i++)
        if (strcmp(c->parts[i].sku, sku) == 0)
            return true;
    return false;
}

static bool is_part(const struct tg_catalog_slice *s, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(s->sale->shop, sku);

    for (const struct tg_part *p = v == NULL ? NULL : v->part_of; p != NULL; p = p->next_of_item)
        if (!is_changed(s, p->bundle->sku))
            return true;
    for (size_t i = 0; i < s->claim_count; i++)
        if (s->claims[i].kind == TG_CLAIM_STOCK_RULES && claim_names(&s->claims[i], sku) &&
            claim_on(s, s->claims[i].sku) == &s->claims[i])
            return true;
    return s->dry && knows(s, TG_CATALOG_KNOWN_PART, sku);
}

static bool has_stock(const struct tg_catalog_slice *s, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(s->sale->shop, sku);
    int64_t on_hand = v == NULL ? 0 : v->stock.on_hand;

    for (size_t i = 0; i < s->claim_count; i++)
        if (s->claims[i].kind == TG_CLAIM_STOCK && strcmp(s->claims[i].sku, sku) == 0)
            on_hand = (s->claims[i].absolute ? 0 : on_hand) + s->claims[i].value;
    return on_hand > 0 || (v != NULL && (v->stock.held > 0 || v->stock.sold > 0));
}

static bool is_there(const struct tg_catalog_slice *s, const char *sku)
{
    return tg_shop_variant(s->sale->shop, sku) != NULL || tg_catalog_wrote_variant(s, sku) ||
           knows(s, TG_CATALOG_KNOWN_VARIANT, sku);
}

/* --- the rules --- */

/* NULL = legal; otherwise why not. */
static const char *parts_wrong(const struct tg_catalog_slice *s, const struct tg_feed_variant *v,
                               bool *ret_unknown)
{
    *ret_unknown = false;
    if (v->parts.count == 0)
        return NULL;
    if (has_stock(s, v->sku))
        return "It has stock of its own: take that away first.";
    if (is_part(s, v->sku))
        return "It is a part of a bundle: no bundle within a bundle.";
    for (uint32_t i = 0; i < v->parts.count; i++) {
        if (strcmp(v->parts.at[i].sku, v->sku) == 0 || is_bundle(s, v->parts.at[i].sku))
            return "A part of it is a bundle: no bundle within a bundle.";
        *ret_unknown = *ret_unknown || !is_there(s, v->parts.at[i].sku);
    }
    if (tg_shop_waiting(s->sale->shop, v->sku) > 0) {
        *ret_unknown = false;
        return "People wait for it, and nobody can wait for a bundle.";
    }
    return *ret_unknown ? "A part of it is not known." : NULL;
}

bool tg_catalog_settle_parts(struct tg_catalog_slice *s, const struct tg_feed_parts *was,
                             struct tg_feed_variant *v)
{
    static const struct tg_feed_parts none = {.given = true};
    const struct tg_feed_parts *before = was == NULL ? &none : was;
    bool unknown;
    bool later;
    const char *why;

    if (tg_catalog_same_parts(before, &v->parts))
        return true;
    why = parts_wrong(s, v, &unknown);
    later = s->on_parts != NULL && (why == NULL || unknown) && s->on_parts(s->ctx, v, unknown);
    if (why == NULL)
        return true;
    if (!later)
        tg_catalog_fault(s, v->line, "parts", v->sku, why,
                         "Change it by hand, or correct the file.");
    v->parts = *before;
    return false;
}
