#include "sale/export.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "store/catalogue.h"

enum { PAGE = 200, TEXT_MAX = 16 << 20 };

struct tg_export_run {
    struct tg_read_db *db;
    struct tg_export x;
    FILE *out;
    struct tg_buf text;
    int64_t last; /* number of the last product */
    struct tg_export_progress progress;
};

static tg_err flush_text(struct tg_export_run *r)
{
    if (r->text.err != TG_OK)
        return r->text.err;
    if (r->text.len > 0 && fwrite(r->text.data, r->text.len, 1, r->out) != 1)
        return TG_ERR_IO;
    r->progress.bytes += (int64_t)r->text.len;
    tg_buf_clear(&r->text);
    return TG_OK;
}

static tg_err add(void *ctx, const struct tg_cat_view *view)
{
    struct tg_export_run *r = ctx;

    tg_export_product(&r->x, &r->text, &view->product, view->available);
    r->last = view->product.number;
    r->progress.products++;
    return flush_text(r);
}

tg_err tg_export_begin(struct tg_export_run **ret, struct tg_read_db *db, const struct tg_export *x,
                       FILE *out)
{
    struct tg_export_run *r = tg_calloc(1, sizeof(*r));
    tg_err err;

    if (r == NULL)
        return TG_ERR_NOMEM;
    r->x = *x;
    r->out = out;
    tg_buf_init(&r->text, TEXT_MAX);
    err = tg_read_snapshot(db);
    if (err == TG_OK) {
        r->db = db;
        err = tg_read_product_count(db, &r->progress.products_all);
    }
    tg_export_head(x, &r->text);
    if (err == TG_OK)
        err = flush_text(r);
    if (err != TG_OK) {
        tg_export_end(r);
        return err;
    }
    *ret = r;
    return TG_OK;
}

tg_err tg_export_step(struct tg_export_run *run, bool *ret_done)
{
    uint32_t count = 0;
    tg_err err = tg_read_page(run->db, run->last, PAGE, add, run, &count);

    *ret_done = false;
    if (err != TG_OK || count > 0)
        return err;
    tg_export_tail(&run->x, &run->text);
    err = flush_text(run);
    if (err == TG_OK && fflush(run->out) != 0)
        err = TG_ERR_IO;
    *ret_done = err == TG_OK;
    return err;
}

struct tg_export_progress tg_export_progress(const struct tg_export_run *run)
{
    return run->progress;
}

void tg_export_end(struct tg_export_run *run)
{
    if (run == NULL)
        return;
    /* Nothing was written; when this fails the next use of the connection says why. */
    if (run->db != NULL && tg_read_snapshot_end(run->db) != TG_OK)
        run->db = NULL;
    tg_buf_done(&run->text);
    tg_free(run);
}

tg_err tg_catalog_export(struct tg_read_db *db, const struct tg_export *x, FILE *out)
{
    struct tg_export_run *run = NULL;
    tg_err err = tg_export_begin(&run, db, x, out);
    bool done = false;

    while (err == TG_OK && !done)
        err = tg_export_step(run, &done);
    tg_export_end(run);
    return err;
}
