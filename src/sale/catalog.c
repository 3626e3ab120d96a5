/* Requests about the catalogue: single changes at once, imports a slice a turn. */
#include <string.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/catalog_priv.h"

enum { ANSWER_MAX = 4 << 20, FAULTS_SHOWN = 16 };
#define ANNOUNCE_EVERY_US ((tg_us)2 * TG_US_PER_S)

struct tg_catalog_work {
    struct tg_sale_req *queue[TG_SALE_BATCH_MAX];
    size_t count;
    struct tg_catalog_slice slice; /* of single changes */
    struct tg_catalog_job *job;    /* that runs; NULL = none */
    bool dirty;                    /* open pages do not know yet */
    tg_us announce_at;
    struct tg_feed_fault faults[FAULTS_SHOWN]; /* of the request at hand */
    size_t fault_count;
    bool stale; /* ... one of them is about If-Match */
    struct tg_buf out;
};

static void keep_fault(void *ctx, const struct tg_feed_fault *fault)
{
    struct tg_catalog_work *w = ctx;

    w->stale = w->stale || strcmp(fault->field, "If-Match") == 0;
    if (w->fault_count < FAULTS_SHOWN)
        w->faults[w->fault_count++] = *fault;
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
           req->what == TG_SALE_PRODUCT_NEW || req->what == TG_SALE_PRODUCT_SET ||
           req->what == TG_SALE_VARIANT_NEW || req->what == TG_SALE_VARIANT_SET;
}

void tg_catalog_take(struct tg_sale *sale, struct tg_sale_req *take_req)
{
    struct tg_catalog_work *w = sale->catalog;

    TG_ASSERT(w->count < TG_SALE_BATCH_MAX); /* a turn takes no more, and empties the queue */
    w->queue[w->count++] = take_req;
}

/* --- answers --- */

static void send(struct tg_catalog_work *w, const struct tg_sale_req *req, int status,
                 const char *location)
{
    struct tg_web_reply *reply;

    if (req->conn.mb == NULL)
        return;
    reply = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*reply));
    if (reply == NULL)
        return; /* without memory nobody can be told */
    reply->conn = req->conn;
    reply->status = status;
    tg_str_cut(reply->location, sizeof(reply->location), location);
    if (w->out.err == TG_OK)
        reply->json = tg_slab_copy(w->out.data, w->out.len);
    if (reply->json == NULL)
        reply->status = 503;
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* closed: the worker is stopping */
}

static void problem(struct tg_catalog_work *w, const struct tg_sale_req *req, int status,
                    const char *code, const char *field, const char *detail)
{
    struct tg_jo j = tg_jo(&w->out);

    tg_buf_clear(&w->out);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "type", "about:blank");
    tg_jo_str(&j, "title", code);
    tg_jo_int(&j, "status", status);
    tg_jo_str(&j, "detail", detail);
    tg_jo_str(&j, "code", code);
    if (field[0] != '\0')
        tg_jo_str(&j, "field", field);
    tg_jo_end_obj(&j);
    send(w, req, status, "");
}

static void answer_faults(struct tg_catalog_work *w, const struct tg_sale_req *req, bool missing)
{
    const struct tg_feed_fault *f = &w->faults[0];
    char detail[400];

    tg_str_printf(detail, sizeof(detail), "%s%s%s %s", f->reason,
                  f->value[0] != '\0' ? " Value: " : "", f->value, f->fix);
    if (w->stale)
        problem(w, req, 412, "stale", "If-Match", detail);
    else if (missing)
        problem(w, req, 404, "not_found", f->field, detail);
    else
        problem(w, req, 422, "bad_request", f->field, detail);
}

static void busy(struct tg_catalog_work *w, const struct tg_sale_req *req)
{
    problem(w, req, 503, "busy", "", "The shop cannot save anything right now. Try again.");
}

/* --- imports --- */

static void answer_job(struct tg_catalog_work *w, const struct tg_sale_req *req)
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
    send(w, req, 202, location);
}

static void start_job(struct tg_sale *sale, struct tg_shop_now now, const struct tg_sale_req *req)
{
    struct tg_catalog_work *w = sale->catalog;
    char why[160] = "";
    tg_err err;

    if (w->job != NULL) {
        problem(w, req, 409, "conflict", "", "An import is running. Wait for its end.");
        return;
    }
    err = req->what == TG_SALE_IMPORT ? tg_catalog_job_import(&w->job, sale, now, req, why)
                                      : tg_catalog_job_undo(&w->job, sale, now, req, why);
    if (err == TG_OK)
        answer_job(w, req);
    else if (err == TG_ERR_NOTFOUND)
        problem(w, req, 404, "not_found", "import", why);
    else if (err == TG_ERR_CONFLICT)
        problem(w, req, 409, "conflict", "import", why);
    else if (why[0] != '\0')
        problem(w, req, 422, "bad_request", "file", why);
    else
        busy(w, req);
}

/* --- single changes --- */

static void answer_product(struct tg_catalog_work *w, const struct tg_sale_req *req, bool made,
                           const char *id, const char *sku, int64_t version)
{
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
    send(w, req, made ? 201 : 200, made ? location : "");
}

/* The slice of the request is over: kept only when nothing was at fault. */
static bool settled(struct tg_catalog_work *w, const struct tg_sale_req *req, bool missing)
{
    struct tg_store *store = w->slice.sale->cfg.store;

    if (w->fault_count > 0 && w->slice.err == TG_OK) {
        store->ops->rollback(store);
        answer_faults(w, req, missing);
        return false;
    }
    if (tg_catalog_slice_end(&w->slice) != TG_OK) {
        busy(w, req);
        return false;
    }
    w->dirty = true;
    if (w->fault_count == 0)
        return true;
    answer_faults(w, req, false); /* the shop refused a price or a count; the rest is kept */
    return false;
}

static void change_product(struct tg_sale *sale, const struct tg_sale_req *req, bool fresh)
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
    if (fresh)
        want.number = tg_shop_free_number(sale->shop, 1);
    if (w->fault_count == 0 && w->slice.err == TG_OK)
        (void)tg_catalog_product(&w->slice, &p, &want, &version); /* a refusal is a fault */
    for (uint32_t i = 0; w->fault_count == 0 && w->slice.err == TG_OK && i < p.variants.count &&
                         !tg_catalog_slice_full(&w->slice);
         i++) {
        struct tg_catalog_want each = {.must_be_new = fresh};
        int64_t variant_version;
        bool counted;

        (void)tg_catalog_variant(&w->slice, p.id, &p.variants.at[i], &each, &counted,
                                 &variant_version); /* as above */
    }
    if (settled(w, req, missing))
        answer_product(w, req, fresh, p.id, "", version);
}

static void change_variant(struct tg_sale *sale, const struct tg_sale_req *req, bool fresh)
{
    struct tg_catalog_work *w = sale->catalog;
    struct tg_catalog_want want = {.must_be_new = fresh, .if_version = req->number};
    struct tg_feed_variant v;
    int64_t version = 0;
    bool counted;
    tg_err err = tg_feed_variant_read(&w->slice.arena, &v, (const char *)req->body->data,
                                      req->body->len, keep_fault, w);
    bool missing = fresh ? tg_shop_product(sale->shop, req->key) == NULL
                         : tg_shop_variant(sale->shop, req->key) == NULL;

    if (err != TG_OK && err != TG_ERR_MALFORMED)
        w->slice.err = err;
    if (fresh && v.sku == NULL && err == TG_OK)
        tg_catalog_fault(&w->slice, 0, "sku", "", "A variant needs a SKU.", "Give it one.");
    if (!fresh)
        v.sku = req->key;
    if (missing)
        tg_catalog_fault(&w->slice, 0, fresh ? "product" : "variant", req->key,
                         "There is no such thing.", "");
    if (w->fault_count == 0 && w->slice.err == TG_OK)
        (void)tg_catalog_variant(&w->slice, fresh ? req->key : "", &v, &want, &counted,
                                 &version); /* a refusal is a fault */
    if (settled(w, req, missing))
        answer_product(w, req, fresh, fresh ? req->key : "", v.sku, version);
}

static void change(struct tg_sale *sale, struct tg_shop_now now, const struct tg_sale_req *req)
{
    struct tg_catalog_work *w = sale->catalog;

    w->fault_count = 0;
    w->stale = false;
    if (req->body == NULL) {
        problem(w, req, 400, "bad_request", "", "The request needs a body.");
        return;
    }
    tg_str_cut(w->slice.actor, sizeof(w->slice.actor), req->who.id);
    tg_catalog_slice_begin(&w->slice, now);
    if (req->what == TG_SALE_PRODUCT_NEW || req->what == TG_SALE_PRODUCT_SET)
        change_product(sale, req, req->what == TG_SALE_PRODUCT_NEW);
    else
        change_variant(sale, req, req->what == TG_SALE_VARIANT_NEW);
}

/* --- the turn --- */

static void answer_request(struct tg_sale *sale, struct tg_shop_now now,
                           const struct tg_sale_req *req)
{
    if ((req->who.roles & (TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN)) == 0)
        problem(sale->catalog, req, 403, "forbidden", "", "You may not change the catalogue.");
    else if (req->what == TG_SALE_IMPORT || req->what == TG_SALE_IMPORT_UNDO)
        start_job(sale, now, req);
    else
        change(sale, now, req);
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
    /* Open pages learn of it at the end of an import, and of single changes now and then. */
    if (w->dirty && w->job == NULL && w->announce_at <= now.mono) {
        w->dirty = false;
        w->announce_at = now.mono + ANNOUNCE_EVERY_US;
        tg_announce_catalog(sale);
    }
}

tg_us tg_catalog_deadline(const struct tg_sale *sale)
{
    const struct tg_catalog_work *w = sale->catalog;

    if (w->job != NULL || w->count > 0)
        return 0;
    return w->dirty ? w->announce_at : TG_US_NEVER;
}
