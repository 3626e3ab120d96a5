/* Undoing an import: what it changed goes back, unless somebody changed it since. */
#include <string.h>

#include "base/str.h"
#include "sale/catalog_job_priv.h"

static void undo_count(struct tg_catalog_job *job, const struct tg_import_change *change)
{
    struct tg_catalog_slice *s = &job->slice;
    const struct tg_variant *v = tg_shop_variant(job->sale->shop, change->item);
    const struct tg_place *main = v == NULL ? NULL : tg_variant_place(v, 0);
    int64_t free_units =
        main == NULL ? 0 : main->count.on_hand - main->count.held - main->count.sold;
    int64_t back = TG_MIN(change->qty, free_units);
    struct tg_catalog_claim *c;

    if (back < change->qty)
        tg_catalog_fault(s, 0, "stock", change->item,
                         "Not all units of the first count can be taken back: some are gone.",
                         "Correct the stock by hand if it is wrong.");
    if (back <= 0)
        return;
    c = &s->claims[s->claim_count++];
    *c = (struct tg_catalog_claim){.kind = TG_CLAIM_STOCK, .value = (int32_t)-back};
    tg_str_cut(c->sku, sizeof(c->sku), change->item);
}

static void undo_product(struct tg_catalog_job *job, const struct tg_import_change *change)
{
    struct tg_catalog_want want = {.whole = change->before[0] != '\0', .if_digest = change->after};
    struct tg_feed_product p;
    int64_t version;

    if (change->before[0] == '\0') {
        tg_feed_product_init(&p);
        p.archived = 1;
    } else if (tg_feed_product_read(&job->slice.arena, &p, change->before, strlen(change->before),
                                    NULL, NULL) != TG_OK) {
        job->slice.err = TG_ERR_MALFORMED;
        return;
    }
    p.id = change->item;
    (void)tg_catalog_product(&job->slice, &p, &want, &version); /* a refusal is a fault */
}

static void undo_variant(struct tg_catalog_job *job, const struct tg_import_change *change)
{
    struct tg_catalog_want want = {.whole = change->before[0] != '\0', .if_digest = change->after};
    struct tg_feed_variant v;
    int64_t version;
    bool counted;

    if (change->before[0] == '\0') {
        tg_feed_variant_init(&v);
        v.archived = 1;
        v.parts.given = true; /* none: what its parts were before may need them free */
    } else if (tg_feed_variant_read(&job->slice.arena, &v, change->before, strlen(change->before),
                                    NULL, NULL) != TG_OK) {
        job->slice.err = TG_ERR_MALFORMED;
        return;
    }
    v.sku = change->item;
    (void)tg_catalog_variant(&job->slice, "", &v, &want, &counted, &version); /* as above */
}

static tg_err read_ahead(struct tg_catalog_job *job)
{
    struct tg_catalog_slice *s = &job->slice;
    struct tg_catalog_ahead *a = s->ahead;

    job->ahead_at = 0;
    job->ahead_count = 0;
    a->product_count = 0;
    a->variant_count = 0;
    s->err = tg_cat_changes_below(job->sale->cfg.store, &s->arena, job->import.id, job->below,
                                  job->ahead, TG_CATALOG_AHEAD, &job->ahead_count);
    for (size_t i = 0; i < job->ahead_count; i++) {
        if (job->ahead[i].kind == TG_IMPORT_PRODUCT)
            a->ids[a->product_count++] = job->ahead[i].item;
        else if (job->ahead[i].kind == TG_IMPORT_VARIANT)
            a->skus[a->variant_count++] = job->ahead[i].item;
    }
    tg_catalog_ask_ahead(s);
    return s->err;
}

/* NOTFOUND: none is left. */
static tg_err next_change(struct tg_catalog_job *job, struct tg_import_change *ret)
{
    tg_err err = job->ahead_at == job->ahead_count ? read_ahead(job) : TG_OK;

    if (err != TG_OK || job->ahead_count == 0) {
        job->ahead_count = 0;
        return err != TG_OK ? err : TG_ERR_NOTFOUND;
    }
    *ret = job->ahead[job->ahead_at++];
    return TG_OK;
}

void tg_catalog_undo_step(struct tg_catalog_job *job)
{
    struct tg_import_change change;
    tg_err err = next_change(job, &change);

    if (err == TG_ERR_NOTFOUND) {
        job->phase = TG_CATALOG_FINISH;
        return;
    }
    if (err != TG_OK) {
        job->slice.err = err;
        return;
    }
    /* Its prices and parts of now are known when the claims of this slice are decided. */
    if (change.kind == TG_IMPORT_VARIANT && tg_catalog_wrote_variant(&job->slice, change.item)) {
        job->cut = true;
        return;
    }
    job->below = change.seq;
    /* In the transaction that takes it back, so nothing is taken back twice. */
    job->slice.err = tg_cat_drop_change(job->sale->cfg.store, job->import.id, change.seq);
    if (job->slice.err != TG_OK)
        return;
    switch (change.kind) {
    case TG_IMPORT_PRODUCT:
        undo_product(job, &change);
        break;
    case TG_IMPORT_VARIANT:
        undo_variant(job, &change);
        break;
    case TG_IMPORT_COUNT:
        undo_count(job, &change);
        break;
    }
}
