/*
 * An import's bundles that stand above their parts in the file: they are written without them, and
 * get them when all of the file is done. And what a dry run decided, which memory does not say.
 */
#include <string.h>

#include "base/alloc.h"
#include "sale/catalog_job_priv.h"

/* --- what a dry run decided --- */

enum { KEY_SIZE = TG_SKU_MAX + 2 };

void tg_catalog_decided(struct tg_catalog_job *job, char kind, const char *sku)
{
    size_t len = strlen(sku);
    char *key = tg_calloc(1, len + 2);
    tg_err err;

    if (key == NULL) {
        job->slice.err = TG_ERR_NOMEM;
        return;
    }
    key[0] = kind;
    memcpy(key + 1, sku, len);
    err = tg_map_put(&job->decided, key, len + 1, key);
    if (err == TG_OK)
        return;
    tg_free(key);
    if (err != TG_ERR_CONFLICT)
        job->slice.err = err;
}

bool tg_catalog_has_decided(const struct tg_catalog_job *job, char kind, const char *sku)
{
    size_t len = strlen(sku);
    char key[KEY_SIZE];

    if (len > TG_SKU_MAX)
        return false;
    key[0] = kind;
    memcpy(key + 1, sku, len);
    return tg_map_get(&job->decided, key, len + 1) != NULL;
}

/* --- those that wait --- */

/* False: there are too many, or no memory (then s->err). */
static bool keep(struct tg_catalog_job *job, const struct tg_feed_variant *v)
{
    struct tg_feed_arena *a = &job->later_arena;
    struct tg_catalog_later *l;

    if (a->used > TG_FEED_PRODUCT_MAX / 2)
        return false;
    l = tg_feed_alloc(a, sizeof(*l));
    if (l == NULL) {
        job->slice.err = a->err;
        return false;
    }
    tg_feed_variant_init(&l->v);
    l->v.sku = tg_feed_text(a, v->sku, strlen(v->sku));
    l->v.line = v->line;
    l->v.archived = v->archived;
    for (uint32_t i = 0; i < v->parts.count; i++) {
        struct tg_feed_part *part = TG_FEED_ADD(a, &l->v.parts, TG_BUNDLE_PARTS_MAX);

        if (part == NULL)
            break;
        part->sku = tg_feed_text(a, v->parts.at[i].sku, strlen(v->parts.at[i].sku));
        part->qty = v->parts.at[i].qty;
    }
    if (a->err != TG_OK) {
        job->slice.err = a->err;
        return false;
    }
    if (job->last == NULL)
        job->first = l;
    else
        job->last->next = l;
    job->last = l;
    return true;
}

bool tg_catalog_later_parts(void *ctx, const struct tg_feed_variant *v, bool unknown)
{
    struct tg_catalog_job *job = ctx;

    if (unknown)
        return (job->phase == TG_CATALOG_CHECK || job->phase == TG_CATALOG_APPLY) && keep(job, v);
    if (!job->slice.dry)
        return true;
    tg_catalog_decided(job, TG_CATALOG_KNOWN_CHANGED, v->sku);
    if (v->parts.count > 0)
        tg_catalog_decided(job, TG_CATALOG_KNOWN_BUNDLE, v->sku);
    for (uint32_t i = 0; i < v->parts.count; i++)
        tg_catalog_decided(job, TG_CATALOG_KNOWN_PART, v->parts.at[i].sku);
    return true;
}

void tg_catalog_later_outcome(struct tg_catalog_job *job, struct tg_catalog_later *last,
                              enum tg_catalog_outcome outcome)
{
    if (job->last == last)
        return;
    job->last->unchanged = outcome == TG_CATALOG_UNCHANGED;
    if (outcome == TG_CATALOG_REFUSED)
        tg_catalog_later_cut(job, last);
}

void tg_catalog_later_cut(struct tg_catalog_job *job, struct tg_catalog_later *last)
{
    job->last = last;
    if (last == NULL)
        job->first = NULL;
    else
        last->next = NULL;
}

void tg_catalog_later_done(struct tg_catalog_job *job)
{
    size_t cursor = 0;
    void *text;

    while ((text = tg_map_each(&job->decided, &cursor)) != NULL)
        tg_free(text);
    tg_map_done(&job->decided);
    tg_feed_arena_done(&job->later_arena);
}

/* --- at the file's end --- */

static void ask_ahead(struct tg_catalog_job *job)
{
    struct tg_catalog_ahead *a = job->slice.ahead;

    a->product_count = 0;
    a->variant_count = 0;
    for (const struct tg_catalog_later *l = job->later_at;
         l != NULL && a->variant_count < TG_CATALOG_AHEAD; l = l->next)
        if (tg_shop_variant(job->sale->shop, l->v.sku) != NULL)
            a->skus[a->variant_count++] = l->v.sku;
    job->ahead_count = a->variant_count;
    job->ahead_at = 0;
    tg_catalog_ask_ahead(&job->slice);
}

/* Its parts, and nothing else. */
static bool gets_parts(struct tg_catalog_job *job, const struct tg_feed_variant *given)
{
    const struct tg_catalog_want want = {.known = true};
    struct tg_feed_variant v = *given;
    enum tg_catalog_outcome outcome;
    int64_t version;
    bool counted;

    if (job->slice.dry)
        return tg_catalog_settle_parts(&job->slice, NULL, &v);
    outcome = tg_catalog_variant(&job->slice, "", given, &want, &counted, &version);
    return outcome != TG_CATALOG_REFUSED && outcome != TG_CATALOG_UNCHANGED;
}

void tg_catalog_later_step(struct tg_catalog_job *job)
{
    struct tg_catalog_later *l = job->later_at;

    if (l == NULL) {
        job->phase = TG_CATALOG_READ;
        return;
    }
    if (job->ahead_at == job->ahead_count && !job->slice.dry)
        ask_ahead(job);
    if (job->slice.err != TG_OK)
        return;
    job->ahead_at++;
    job->later_at = l->next;
    if (gets_parts(job, &l->v) && l->unchanged) {
        job->import.variants.unchanged--;
        job->import.variants.changed++;
    }
}
