#include "sale/export.h"

#include "base/buf.h"
#include "store/catalogue.h"

enum { PAGE = 200, TEXT_MAX = 16 << 20 };

struct run {
    const struct tg_export *x;
    FILE *out;
    struct tg_buf text;
    int64_t last;
    uint32_t count;
};

static tg_err flush_text(struct run *r)
{
    if (r->text.err != TG_OK)
        return r->text.err;
    if (r->text.len > 0 && fwrite(r->text.data, r->text.len, 1, r->out) != 1)
        return TG_ERR_IO;
    tg_buf_clear(&r->text);
    return TG_OK;
}

static tg_err add(void *ctx, const struct tg_cat_view *view)
{
    struct run *r = ctx;

    tg_export_product(r->x, &r->text, &view->product, view->available);
    r->last = view->product.number;
    r->count++;
    return flush_text(r);
}

tg_err tg_catalog_export(struct tg_read_db *db, const struct tg_export *x, FILE *out)
{
    struct run r = {.x = x, .out = out};
    tg_err err;

    tg_buf_init(&r.text, TEXT_MAX);
    tg_export_head(x, &r.text);
    do {
        r.count = 0;
        err = tg_read_products(db, r.last, PAGE, add, &r);
    } while (err == TG_OK && r.count == PAGE);
    tg_export_tail(x, &r.text);
    if (err == TG_OK)
        err = flush_text(&r);
    tg_buf_done(&r.text);
    return err == TG_OK && fflush(out) != 0 ? TG_ERR_IO : err;
}
