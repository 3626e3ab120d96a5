/* Requests about the catalogue: single changes at once, imports a slice a turn. */
#include <string.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/catalog_work_priv.h"

enum { ANSWER_MAX = 4 << 20 };
#define ANNOUNCE_EVERY_US ((tg_us)2 * TG_US_PER_S)

static void keep_fault(void *ctx, const struct tg_feed_fault *fault)
{
    struct tg_catalog_work *w = ctx;

    w->stale = w->stale || strcmp(fault->field, "If-Match") == 0;
    if (w->fault_count < TG_CATALOG_FAULTS_SHOWN)
        w->faults[w->fault_count++] = *fault;
}

/* Bundles may stand above their parts: the request is made whole, or not at all. */
static bool in_request(void *ctx, enum tg_catalog_known kind, const char *text)
{
    const struct tg_catalog_work *w = ctx;

    for (uint32_t i = 0; kind == TG_CATALOG_KNOWN_VARIANT && i < w->given.count; i++)
        if (strcmp(w->given.at[i].sku, text) == 0)
            return true;
    return false;
}

tg_err tg_catalog_work_new(struct tg_sale *sale, struct tg_shop_now now)
{
    struct tg_catalog_work *w = tg_calloc(1, sizeof(*w));
    tg_err err;

    if (w == NULL)
        return TG_ERR_NOMEM;
    tg_buf_init(&w->out, ANSWER_MAX);
    err = tg_catalog_slice_init(&w->slice, sale);
    if (err != TG_OK) {
        tg_free(w);
        return err;
    }
    w->slice.on_fault = keep_fault;
    w->slice.knows = in_request;
    w->slice.ctx = w;
    sale->catalog = w;
    return tg_cat_tidy(sale->cfg.store, now.wall);
}

void tg_catalog_work_free(struct tg_sale *sale)
{
    struct tg_catalog_work *w = sale->catalog;

    if (w == NULL)
        return;
    for (size_t i = 0; i < w->count; i++)
        tg_msg_free(w->queue[i]);
    tg_catalog_job_free(w->job);
    tg_catalog_slice_done(&w->slice);
    tg_buf_done(&w->out);
    tg_free(w);
    sale->catalog = NULL;
}

bool tg_catalog_takes(const struct tg_sale_req *req)
{
    return req->what == TG_SALE_IMPORT || req->what == TG_SALE_IMPORT_UNDO ||
           req->what == TG_SALE_IMPORT_CANCEL || req->what == TG_SALE_PRODUCT_NEW ||
           req->what == TG_SALE_PRODUCT_SET || req->what == TG_SALE_VARIANT_NEW ||
           req->what == TG_SALE_VARIANT_SET;
}

void tg_catalog_take(struct tg_sale *sale, struct tg_sale_req *take_req)
{
    struct tg_catalog_work *w = sale->catalog;

    TG_ASSERT(w->count < TG_SALE_BATCH_MAX); /* a turn takes no more, and empties the queue */
    w->queue[w->count++] = take_req;
}

/* --- imports --- */

static bool answer_job(struct tg_catalog_work *w, struct tg_shop_now now,
                       const struct tg_sale_req *req)
{
    struct tg_jo j = tg_jo(&w->out);
    char location[64];
    char id[24];

    tg_str_printf(id, sizeof(id), "i%lld", (long long)tg_catalog_job_id(w->job));
    tg_str_printf(location, sizeof(location), "/api/v1/imports/%s", id);
    tg_buf_clear(&w->out);
    tg_jo_obj(&j, NULL);
    tg_jo_obj(&j, "import");
    tg_jo_str(&j, "id", id);
    tg_jo_str(&j, "state", req->what == TG_SALE_IMPORT ? "running" : "undoing");
    tg_jo_end_obj(&j);
    tg_jo_end_obj(&j);
    return tg_catalog_succeed(w, now, req, 202, location);
}

static void start_job(struct tg_sale *sale, struct tg_shop_now now, struct tg_sale_req *req)
{
    struct tg_catalog_work *w = sale->catalog;
    char why[160] = "";
    tg_err err;

    if (w->job != NULL) {
        tg_catalog_slice_drop(&w->slice);
        tg_catalog_problem(w, req, 409, "conflict", "", "An import is running. Wait for its end.");
        return;
    }
    err = req->what == TG_SALE_IMPORT ? tg_catalog_job_import(&w->job, sale, now, req, why)
                                      : tg_catalog_job_undo(&w->job, sale, now, req, why);
    if (err == TG_OK) {
        if (answer_job(w, now, req))
            return;
        tg_catalog_job_free(w->job);
        w->job = NULL;
        tg_catalog_busy(w, req);
        return;
    }
    tg_catalog_slice_drop(&w->slice);
    if (err == TG_ERR_NOTFOUND)
        tg_catalog_problem(w, req, 404, "not_found", "import", why);
    else if (err == TG_ERR_CONFLICT)
        tg_catalog_problem(w, req, 409, "conflict", "import", why);
    else if (why[0] != '\0')
        tg_catalog_problem(w, req, 422, "bad_request", "file", why);
    else
        tg_catalog_busy(w, req);
}

static void answer_cancelled(struct tg_catalog_work *w, const struct tg_import *import)
{
    struct tg_jo j = tg_jo(&w->out);

    tg_buf_clear(&w->out);
    tg_jo_obj(&j, NULL);
    tg_import_write(&j, "import", import);
    tg_jo_end_obj(&j);
}

/* The one that runs here ends although the database refuses to hear of it: its row follows as soon
 * as it listens. False: it is not that one. */
static bool give_up_job(struct tg_catalog_work *w, struct tg_shop_now now,
                        const struct tg_sale_req *req)
{
    if (w->job == NULL || (req->number != 0 && req->number != tg_catalog_job_id(w->job)))
        return false;
    answer_cancelled(w, tg_catalog_job_cancel(w->job, now));
    tg_catalog_send(w, req, 202);
    return true;
}

/* Between two slices nothing is half done. Another node sees in the row that it is over. */
static void cancel_job(struct tg_catalog_work *w, struct tg_shop_now now,
                       const struct tg_sale_req *req)
{
    struct tg_import import;
    char detail[96];
    tg_err err = tg_cat_cancel(w->slice.sale->cfg.store, req->number, now.wall, &import);

    if (err == TG_OK) {
        answer_cancelled(w, &import);
        if (tg_catalog_succeed(w, now, req, 200, "")) {
            if (w->job != NULL && tg_catalog_job_id(w->job) == import.id) {
                tg_catalog_job_free(w->job);
                w->job = NULL;
            }
            w->dirty = true;
            w->announce_at = now.mono;
            return;
        }
    } else {
        tg_catalog_slice_drop(&w->slice);
    }
    if (err == TG_ERR_NOTFOUND) {
        tg_catalog_problem(w, req, 404, "not_found", "import",
                           req->number == 0 ? "No import is running." : "There is no such import.");
    } else if (err == TG_ERR_CONFLICT) {
        tg_str_printf(detail, sizeof(detail), "That import is over already: it is %s.",
                      tg_import_state_name(import.state));
        tg_catalog_problem(w, req, 409, "conflict", "import", detail);
    } else if (!give_up_job(w, now, req)) {
        tg_catalog_busy(w, req);
    }
}

/* --- single changes --- */

static bool answer_product(struct tg_catalog_work *w, struct tg_shop_now now,
                           const struct tg_sale_req *req, const char *id, const char *sku,
                           int64_t version)
{
    bool made = req->what == TG_SALE_PRODUCT_NEW || req->what == TG_SALE_VARIANT_NEW;
    struct tg_jo j = tg_jo(&w->out);
    char location[128];

    tg_str_printf(location, sizeof(location), "/api/v1/products/%s", id);
    tg_buf_clear(&w->out);
    tg_jo_obj(&j, NULL);
    if (id[0] != '\0')
        tg_jo_str(&j, "id", id);
    if (sku[0] != '\0')
        tg_jo_str(&j, "sku", sku);
    tg_jo_int(&j, "version", version);
    tg_jo_end_obj(&j);
    return tg_catalog_succeed(w, now, req, made ? 201 : 200, made ? location : "");
}

/* The request is decided: it is made whole, or not at all. */
static void settle(struct tg_catalog_work *w, struct tg_shop_now now, const struct tg_sale_req *req,
                   bool missing, const char *id, const char *sku, int64_t version)
{
    if (w->fault_count == 0)
        tg_catalog_slice_decide(&w->slice);
    if (w->fault_count > 0 && w->slice.err == TG_OK) {
        tg_catalog_slice_drop(&w->slice);
        tg_catalog_answer_faults(w, req, missing);
    } else if (answer_product(w, now, req, id, sku, version)) {
        w->dirty = true;
    } else {
        tg_catalog_busy(w, req);
    }
}

static void too_many(struct tg_catalog_work *w, uint32_t fit)
{
    char value[24];

    tg_str_printf(value, sizeof(value), "%u", fit);
    tg_catalog_fault(&w->slice, 0, "variants", value, "So many variants do not fit one request.",
                     "Send as many with the product, and the others to its /variants or by an "
                     "import.");
}

/* Amounts of another currency are prices beside the shop's own, and only there. */
static void check_currency(struct tg_catalog_work *w, const struct tg_feed_variant *v,
                           const char *where)
{
    const char *member = v->price != TG_FEED_KEEP        ? "price"
                         : v->compare_at != TG_FEED_KEEP ? "compare_at"
                                                         : "cost";
    char field[64];

    if (v->currency[0] == '\0' || strcmp(v->currency, w->slice.sale->cfg.currency) == 0)
        return;
    tg_str_printf(field, sizeof(field), "%s%s", where, member);
    tg_catalog_fault(&w->slice, 0, field, v->currency, "The amounts are in another currency.",
                     "Put them into \"prices\", and the shop's own currency into \"price\".");
}

static void check_currencies(struct tg_catalog_work *w, const struct tg_feed_product *p)
{
    char where[40];

    for (uint32_t i = 0; w->fault_count == 0 && i < p->variants.count; i++) {
        tg_str_printf(where, sizeof(where), "variants[%u].", i);
        check_currency(w, &p->variants.at[i], where);
    }
}

static void change_product(struct tg_sale *sale, struct tg_shop_now now,
                           const struct tg_sale_req *req, bool fresh)
{
    struct tg_catalog_work *w = sale->catalog;
    struct tg_catalog_want want = {.must_be_new = fresh, .if_version = req->number};
    struct tg_feed_product p;
    int64_t version = 0;
    tg_err err = tg_feed_product_read(&w->slice.arena, &p, (const char *)req->body->data,
                                      req->body->len, keep_fault, w);
    bool missing = false;

    if (err != TG_OK && err != TG_ERR_MALFORMED)
        w->slice.err = err;
    if (fresh && p.id == NULL && err == TG_OK)
        tg_catalog_fault(&w->slice, 0, "id", "", "A product needs an id.",
                         "Use 1 to 39 of A-Z, a-z, 0-9, - and _.");
    if (!fresh)
        p.id = req->key;
    missing = !fresh && tg_shop_product(sale->shop, p.id) == NULL;
    if (missing)
        tg_catalog_fault(&w->slice, 0, "product", req->key, "There is no such product.", "");
    w->given = p.variants;
    check_currencies(w, &p);
    if (fresh)
        want.number = tg_shop_free_number(sale->shop, 1);
    if (w->fault_count == 0 && w->slice.err == TG_OK)
        (void)tg_catalog_product(&w->slice, &p, &want, &version); /* a refusal is a fault */
    for (uint32_t i = 0; w->fault_count == 0 && w->slice.err == TG_OK && i < p.variants.count;
         i++) {
        struct tg_catalog_want each = {.must_be_new = fresh};
        int64_t variant_version;
        bool counted;

        if (tg_catalog_slice_full(&w->slice))
            too_many(w, i);
        else
            (void)tg_catalog_variant(&w->slice, p.id, &p.variants.at[i], &each, &counted,
                                     &variant_version); /* as above */
    }
    settle(w, now, req, missing, p.id == NULL ? "" : p.id, "", version);
}

static void change_variant(struct tg_sale *sale, struct tg_shop_now now,
                           const struct tg_sale_req *req, bool fresh)
{
    struct tg_catalog_work *w = sale->catalog;
    struct tg_catalog_want want = {.must_be_new = fresh, .if_version = req->number};
    struct tg_feed_variant v;
    int64_t version = 0;
    bool counted;
    tg_err err = tg_feed_variant_read(&w->slice.arena, &v, (const char *)req->body->data,
                                      req->body->len, keep_fault, w);
    bool missing = fresh ? tg_shop_product(sale->shop, req->key) == NULL
                         : !tg_catalog_knows_variant(&w->slice, req->key);

    if (err != TG_OK && err != TG_ERR_MALFORMED)
        w->slice.err = err;
    if (fresh && v.sku == NULL && err == TG_OK)
        tg_catalog_fault(&w->slice, 0, "sku", "", "A variant needs a SKU.", "Give it one.");
    if (!fresh)
        v.sku = req->key;
    check_currency(w, &v, "");
    if (missing)
        tg_catalog_fault(&w->slice, 0, fresh ? "product" : "variant", req->key,
                         "There is no such thing.", "");
    if (w->fault_count == 0 && w->slice.err == TG_OK)
        (void)tg_catalog_variant(&w->slice, fresh ? req->key : "", &v, &want, &counted,
                                 &version); /* a refusal is a fault */
    settle(w, now, req, missing, fresh ? req->key : "", v.sku == NULL ? "" : v.sku, version);
}

static void change(struct tg_sale *sale, struct tg_shop_now now, const struct tg_sale_req *req)
{
    if (req->what == TG_SALE_PRODUCT_NEW || req->what == TG_SALE_PRODUCT_SET)
        change_product(sale, now, req, req->what == TG_SALE_PRODUCT_NEW);
    else
        change_variant(sale, now, req, req->what == TG_SALE_VARIANT_NEW);
}

/* --- the turn --- */

static void answer_request(struct tg_sale *sale, struct tg_shop_now now, struct tg_sale_req *req)
{
    struct tg_catalog_work *w = sale->catalog;
    bool cancel = req->what == TG_SALE_IMPORT_CANCEL;
    bool undo = req->what == TG_SALE_IMPORT_UNDO;

    if ((req->who.roles & (TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN)) == 0) {
        tg_catalog_problem(w, req, 403, "forbidden", "", "You may not change the catalogue.");
        return;
    }
    if (req->body == NULL && !undo && !cancel) {
        tg_catalog_problem(w, req, 400, "bad_request", "", "The request needs a body.");
        return;
    }
    w->fault_count = 0;
    w->stale = false;
    w->given = (struct tg_feed_variants){.count = 0};
    tg_catalog_key(w, req);
    tg_str_cut(w->slice.actor, sizeof(w->slice.actor), req->who.id);
    tg_catalog_slice_begin(&w->slice, now, &w->key);
    if (w->slice.err != TG_OK) {
        tg_catalog_slice_drop(&w->slice);
        if (!cancel || !give_up_job(w, now, req))
            tg_catalog_busy(w, req);
    } else if (!tg_catalog_repeated(w, now, req)) {
        if (cancel)
            cancel_job(w, now, req);
        else if (undo || req->what == TG_SALE_IMPORT)
            start_job(sale, now, req);
        else
            change(sale, now, req);
    }
}

void tg_catalog_work(struct tg_sale *sale, struct tg_shop_now now)
{
    struct tg_catalog_work *w = sale->catalog;

    for (size_t i = 0; i < w->count; i++) {
        answer_request(sale, now, w->queue[i]);
        tg_msg_free(w->queue[i]);
    }
    w->count = 0;
    if (w->job != NULL) {
        w->dirty = true;
        if (tg_catalog_job_step(w->job, now)) {
            tg_catalog_job_free(w->job);
            w->job = NULL;
            w->announce_at = now.mono;
        }
    }
}

/* Open pages learn of it at the end of an import, and of single changes and of another node's
 * import now and then: a message holds the whole catalogue. */
void tg_catalog_announce(struct tg_sale *sale, struct tg_shop_now now)
{
    struct tg_catalog_work *w = sale->catalog;

    w->dirty = w->dirty || sale->catalog_stale;
    sale->catalog_stale = false;
    if (!w->dirty || w->job != NULL || w->announce_at > now.mono)
        return;
    w->dirty = false;
    w->announce_at = now.mono + ANNOUNCE_EVERY_US;
    tg_announce_catalog(sale);
}

tg_us tg_catalog_deadline(const struct tg_sale *sale)
{
    const struct tg_catalog_work *w = sale->catalog;

    if (w->count > 0)
        return 0;
    if (w->job != NULL)
        return tg_catalog_job_deadline(w->job);
    return w->dirty ? w->announce_at : TG_US_NEVER;
}
