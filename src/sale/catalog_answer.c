/* What requests about the catalogue are answered, and what is remembered of it. */
#include <string.h>

#include "base/metrics.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/catalog_work_priv.h"

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

void tg_catalog_key(struct tg_catalog_work *w, const struct tg_sale_req *req)
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

void tg_catalog_send(struct tg_catalog_work *w, const struct tg_sale_req *req, int status)
{
    post(req, status, "", w->out.err == TG_OK ? tg_slab_copy(w->out.data, w->out.len) : NULL);
}

bool tg_catalog_succeed(struct tg_catalog_work *w, struct tg_shop_now now,
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

void tg_catalog_problem(struct tg_catalog_work *w, const struct tg_sale_req *req, int status,
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
    tg_catalog_send(w, req, status);
}

void tg_catalog_answer_faults(struct tg_catalog_work *w, const struct tg_sale_req *req,
                              bool missing)
{
    const struct tg_feed_fault *f = &w->faults[0];
    char detail[sizeof(f->reason) + sizeof(f->value) + sizeof(f->fix) + sizeof(" Value:  ")];

    tg_str_printf(detail, sizeof(detail), "%s%s%s %s", f->reason,
                  f->value[0] != '\0' ? " Value: " : "", f->value, f->fix);
    if (w->stale)
        tg_catalog_problem(w, req, 412, "stale", "If-Match", detail);
    else if (missing)
        tg_catalog_problem(w, req, 404, "not_found", f->field, detail);
    else
        tg_catalog_problem(w, req, 422, "bad_request", f->field, detail);
}

void tg_catalog_busy(struct tg_catalog_work *w, const struct tg_sale_req *req)
{
    tg_catalog_problem(w, req, 503, "busy", "",
                       "The shop cannot save anything right now. Try again.");
}

bool tg_catalog_repeated(struct tg_catalog_work *w, struct tg_shop_now now,
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
        tg_catalog_problem(w, req, repeat == TG_REPEAT_OTHER ? 422 : 409,
                           repeat == TG_REPEAT_OTHER ? "conflict" : "busy", "Idempotency-Key",
                           tg_repeat_text(repeat));
    }
    tg_catalog_slice_drop(&w->slice);
    return true;
}
