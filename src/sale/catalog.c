/* Requests about the catalogue: single changes at once, imports a slice a turn. */
#include <string.h>

#include "base/alloc.h"
#include "base/metrics.h"
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
    bool stale;          /* ... one of them is about If-Match */
    struct tg_claim key; /* of the request at hand; op "" = it has none */
    uint64_t digest;
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

/* --- repeats --- */

static const char *op_of(enum tg_sale_what what)
{
    switch (what) {
    case TG_SALE_IMPORT:
        return "http.import";
    case TG_SALE_IMPORT_UNDO:
        return "http.undo";
    case TG_SALE_PRODUCT_NEW:
        return "http.product";
    case TG_SALE_VARIANT_NEW:
        return "http.variant";
    default: /* PATCH has If-Match, DELETE is the same twice */
        return "";
    }
}

static void key_of(struct tg_catalog_work *w, const struct tg_sale_req *req)
{
    bool keyed = req->idempotency[0] != '\0';

    w->key = (struct tg_claim){.kind = TG_CLAIM_NONE,
                               .person = req->who.id,
                               .op = keyed ? op_of(req->what) : "",
                               .id = req->idempotency,
                               .sku = "",
                               .code = "",
                               .key = "",
                               .show = UINT16_MAX};
    w->digest = tg_idem_digest_int(0, req->what);
    w->digest = tg_idem_digest_str(w->digest, req->key);
    w->digest = tg_idem_digest_int(w->digest, req->number);
    w->digest = tg_idem_digest_int(w->digest, (int64_t)req->content);
    if (req->what == TG_SALE_IMPORT) /* the body is where the file happens to lie */
        w->digest = tg_idem_digest_str(w->digest, req->text);
    else if (req->body != NULL)
        w->digest = tg_idem_digest(w->digest, req->body->data, req->body->len);
}

/* --- answers --- */

static void post(const struct tg_sale_req *req, int status, const char *location,
                 struct tg_slab *take_json)
{
    struct tg_web_reply *reply =
        req->conn.mb == NULL ? NULL : tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*reply));

    if (reply == NULL) { /* without memory nobody can be told */
        tg_slab_unref(take_json);
        return;
    }
    reply->conn = req->conn;
    reply->status = take_json == NULL ? 503 : status;
    tg_str_cut(reply->location, sizeof(reply->location), location);
    reply->json = take_json;
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* closed: the worker is stopping */
}

static void send(struct tg_catalog_work *w, const struct tg_sale_req *req, int status,
                 const char *location)
{
    post(req, status, location, w->out.err == TG_OK ? tg_slab_copy(w->out.data, w->out.len) : NULL);
}

/* A success in w->out: remembered with the transaction that made it true, and answered after it.
 * false: nothing is kept. */
static bool succeed(struct tg_catalog_work *w, struct tg_shop_now now,
                    const struct tg_sale_req *req, int status, const char *location)
{
    struct tg_idem_entry answer = {.digest = w->digest, .status = status};
    tg_err err = w->out.err;

    if (err == TG_OK)
        answer.reply = tg_slab_copy(w->out.data, w->out.len);
    if (answer.reply == NULL)
        err = TG_ERR_NOMEM;
    if (err == TG_OK)
        err = tg_repeat_keep(w->slice.sale, now, &w->key, &answer, true);
    if (w->slice.err == TG_OK)
        w->slice.err = err;
    if (tg_catalog_slice_end(&w->slice) != TG_OK) {
        tg_slab_unref(answer.reply);
        return false;
    }
    post(req, status, location, answer.reply);
    return true;
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

/* The first answer again, or why there is none; true = the request is done. */
static bool repeated(struct tg_catalog_work *w, struct tg_shop_now now,
                     const struct tg_sale_req *req)
{
    const struct tg_idem_entry *entry = NULL;
    enum tg_repeat repeat =
        tg_repeat_look(w->slice.sale, now, &w->key, w->digest, req->http, &entry);
    char location[128];

    if (repeat == TG_REPEAT_NONE)
        return false;
    if (repeat == TG_REPEAT_SAME) {
        tg_repeat_location(location, w->key.op, entry);
        post(req, entry->status, location, entry->reply == NULL ? NULL : tg_slab_ref(entry->reply));
        TG_COUNT(sale_repeats_total);
    } else {
        problem(w, req, repeat == TG_REPEAT_OTHER ? 422 : 409,
                repeat == TG_REPEAT_OTHER ? "conflict" : "busy", "Idempotency-Key",
                tg_repeat_text(repeat));
    }
    tg_catalog_slice_drop(&w->slice);
    return true;
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
    return succeed(w, now, req, 202, location);
}

static void start_job(struct tg_sale *sale, struct tg_shop_now now, struct tg_sale_req *req)
{
    struct tg_catalog_work *w = sale->catalog;
    char why[160] = "";
    tg_err err;

    if (w->job != NULL) {
        tg_catalog_slice_drop(&w->slice);
        problem(w, req, 409, "conflict", "", "An import is running. Wait for its end.");
        return;
    }
    err = req->what == TG_SALE_IMPORT ? tg_catalog_job_import(&w->job, sale, now, req, why)
                                      : tg_catalog_job_undo(&w->job, sale, now, req, why);
    if (err == TG_OK) {
        if (answer_job(w, now, req))
            return;
        tg_catalog_job_free(w->job);
        w->job = NULL;
        busy(w, req);
        return;
    }
    tg_catalog_slice_drop(&w->slice);
    if (err == TG_ERR_NOTFOUND)
        problem(w, req, 404, "not_found", "import", why);
    else if (err == TG_ERR_CONFLICT)
        problem(w, req, 409, "conflict", "import", why);
    else if (why[0] != '\0')
        problem(w, req, 422, "bad_request", "file", why);
    else
        busy(w, req);
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
    return succeed(w, now, req, made ? 201 : 200, made ? location : "");
}

/* The request is decided: it is made whole, or not at all. */
static void settle(struct tg_catalog_work *w, struct tg_shop_now now, const struct tg_sale_req *req,
                   bool missing, const char *id, const char *sku, int64_t version)
{
    if (w->fault_count == 0)
        tg_catalog_slice_decide(&w->slice);
    if (w->fault_count > 0 && w->slice.err == TG_OK) {
        tg_catalog_slice_drop(&w->slice);
        answer_faults(w, req, missing);
    } else if (answer_product(w, now, req, id, sku, version)) {
        w->dirty = true;
    } else {
        busy(w, req);
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
    bool job = req->what == TG_SALE_IMPORT || req->what == TG_SALE_IMPORT_UNDO;

    if ((req->who.roles & (TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN)) == 0) {
        problem(w, req, 403, "forbidden", "", "You may not change the catalogue.");
        return;
    }
    if (req->body == NULL && req->what != TG_SALE_IMPORT_UNDO) {
        problem(w, req, 400, "bad_request", "", "The request needs a body.");
        return;
    }
    w->fault_count = 0;
    w->stale = false;
    key_of(w, req);
    tg_str_cut(w->slice.actor, sizeof(w->slice.actor), req->who.id);
    tg_catalog_slice_begin(&w->slice, now, &w->key);
    if (w->slice.err != TG_OK) {
        tg_catalog_slice_drop(&w->slice);
        busy(w, req);
    } else if (!repeated(w, now, req)) {
        if (job)
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
