/* The catalogue for pages and tools: found products, whole ones, imports. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/catalog_priv.h"
#include "sale/reader_priv.h"
#include "store/catalogue.h"

static bool may(struct tg_reader *r, const struct tg_read_req *req)
{
    if ((req->who.roles & TG_ROLE_MAY_PRICE) != 0)
        return true;
    tg_reader_problem(r, req, 403, "forbidden", "You may not see this.");
    return false;
}

/* --- whole products --- */

struct whole {
    struct tg_reader *r;
    const char *sku; /* of the one variant that is wanted; NULL = the product */
    bool found;
};

static tg_err write_whole(void *ctx, const struct tg_cat_view *view)
{
    struct whole *w = ctx;
    struct tg_jo j = tg_jo(&w->r->buf);

    tg_jo_obj(&j, NULL);
    tg_jo_raw(&j, "product", "", 0); /* the key; its value is written next */
    j.comma = false;
    tg_feed_write_torg(&j, &view->product, w->r->cfg.currency);
    tg_jo_int(&j, "version", view->version);
    tg_jo_arr(&j, "variants");
    for (uint32_t i = 0; i < view->product.variants.count; i++) {
        tg_jo_obj(&j, NULL);
        tg_jo_str(&j, "sku", view->product.variants.at[i].sku);
        tg_jo_int(&j, "version", view->versions[i]);
        tg_jo_int(&j, "on_shelves", view->available[i]);
        tg_jo_end_obj(&j);
    }
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
    w->found = true;
    return w->r->buf.err;
}

static tg_err write_one_variant(void *ctx, const struct tg_cat_view *view)
{
    struct whole *w = ctx;
    struct tg_jo j = tg_jo(&w->r->buf);

    for (uint32_t i = 0; i < view->product.variants.count; i++) {
        if (strcmp(view->product.variants.at[i].sku, w->sku) != 0)
            continue;
        tg_jo_obj(&j, NULL);
        tg_jo_raw(&j, "variant", "", 0); /* the key; its value is written next */
        j.comma = false;
        tg_feed_write_variant(&j, &view->product.variants.at[i], w->r->cfg.currency);
        tg_jo_str(&j, "product", view->product.id);
        tg_jo_int(&j, "version", view->versions[i]);
        tg_jo_int(&j, "on_shelves", view->available[i]);
        tg_jo_end_obj(&j);
        w->found = true;
    }
    return w->r->buf.err;
}

static void one_product(struct tg_reader *r, const struct tg_read_req *req)
{
    struct whole w = {.r = r};

    if (may(r, req))
        tg_reader_answer(r, req, tg_read_product(r->db, req->key, write_whole, &w),
                         "There is no such product.");
}

static void one_variant(struct tg_reader *r, const struct tg_read_req *req)
{
    struct whole w = {.r = r, .sku = req->key};
    char product[TG_FEED_ID_SIZE];
    tg_err err;

    if (!may(r, req))
        return;
    err = tg_read_product_of(r->db, req->key, product);
    if (err == TG_OK)
        err = tg_read_product(r->db, product, write_one_variant, &w);
    tg_reader_answer(r, req, err == TG_OK && !w.found ? TG_ERR_NOTFOUND : err,
                     "There is no such variant.");
}

/* --- imports --- */

static void write_counts(struct tg_jo *j, const char *key, const struct tg_import_counts *c)
{
    tg_jo_obj(j, key);
    tg_jo_int(j, "added", c->added);
    tg_jo_int(j, "changed", c->changed);
    tg_jo_int(j, "unchanged", c->unchanged);
    tg_jo_int(j, "archived", c->archived);
    tg_jo_end_obj(j);
}

void tg_import_write(struct tg_jo *j, const char *key, const struct tg_import *i)
{
    char id[24];

    tg_str_printf(id, sizeof(id), "i%lld", (long long)i->id);
    tg_jo_obj(j, key);
    tg_jo_str(j, "id", id);
    tg_jo_str(j, "state", tg_import_state_name(i->state));
    tg_jo_str(j, "format", i->format);
    tg_jo_str(j, "file", i->file);
    tg_jo_bool(j, "dry_run", (i->flags & TG_IMPORT_DRY) != 0);
    tg_jo_bool(j, "strict", (i->flags & TG_IMPORT_STRICT) != 0);
    tg_jo_bool(j, "archive_missing", (i->flags & TG_IMPORT_ARCHIVE_MISSING) != 0);
    tg_jo_int(j, "bytes", i->bytes);
    tg_jo_int(j, "bytes_done", i->bytes_done);
    write_counts(j, "products", &i->products);
    write_counts(j, "variants", &i->variants);
    tg_jo_int(j, "first_counts", i->counted);
    tg_jo_int(j, "faults", i->faults);
    tg_jo_str(j, "reason", i->reason[0] == '\0' ? NULL : i->reason);
    tg_reader_when(j, "started", i->started_wall);
    tg_reader_when(j, "ended", i->ended_wall == 0 ? -1 : i->ended_wall);
    tg_reader_when(j, "undone", i->undone_wall == 0 ? -1 : i->undone_wall);
    tg_jo_end_obj(j);
}

static tg_err add_import(void *ctx, const struct tg_import *import)
{
    struct tg_reader_list *list = ctx;

    if (tg_page_row(&list->page, import->id))
        tg_import_write(&list->j, NULL, import);
    return list->reader->buf.err;
}

static void imports(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_reader_list list;
    int64_t below;

    if (!may(r, req) || !tg_reader_cursor(r, req, 'i', INT64_MAX, &below))
        return;
    tg_reader_list(&list, r, req, 'i', "imports");
    tg_reader_list_end(&list, req,
                       tg_read_imports(r->db, below, tg_reader_rows(&list), add_import, &list));
}

/* "i12"; 0 = none of ours. */
static int64_t import_id(const char *text)
{
    int64_t id = 0;

    if (text[0] != 'i' || tg_parse_i64(&id, text + 1, strlen(text + 1), 1, INT64_MAX - 1) != TG_OK)
        return 0;
    return id;
}

static void one_import(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_jo j = tg_jo(&r->buf);
    struct tg_import import;
    tg_err err;

    if (!may(r, req))
        return;
    err = tg_read_import(r->db, import_id(req->key), &import);
    if (err == TG_OK) {
        tg_jo_obj(&j, NULL);
        tg_import_write(&j, "import", &import);
        tg_jo_end_obj(&j);
    }
    tg_reader_answer(r, req, err, "There is no such import.");
}

static tg_err add_fault(void *ctx, int64_t seq, const struct tg_feed_fault *fault)
{
    struct tg_reader_list *list = ctx;
    struct tg_jo *j = &list->j;

    if (!tg_page_row(&list->page, seq))
        return TG_OK;
    tg_jo_obj(j, NULL);
    if (fault->line > 0)
        tg_jo_int(j, "line", fault->line);
    tg_jo_str(j, "field", fault->field);
    tg_jo_str(j, "value", fault->value);
    tg_jo_str(j, "reason", fault->reason);
    tg_jo_str(j, "fix", fault->fix);
    tg_jo_end_obj(j);
    return list->reader->buf.err;
}

static void faults(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_reader_list list;
    struct tg_import import;
    int64_t above;
    tg_err err;

    if (!may(r, req) || !tg_reader_cursor(r, req, 'f', 0, &above))
        return;
    err = tg_read_import(r->db, import_id(req->key), &import);
    if (err != TG_OK) {
        tg_reader_answer(r, req, err, "There is no such import.");
        return;
    }
    tg_reader_list(&list, r, req, 'f', "faults");
    tg_reader_list_end(
        &list, req,
        tg_read_import_faults(r->db, import.id, above, tg_reader_rows(&list), add_fault, &list));
}

void tg_reader_catalog(struct tg_reader *r, const struct tg_read_req *req)
{
    switch (req->what) {
    case TG_READ_PRODUCT:
        one_product(r, req);
        break;
    case TG_READ_VARIANT:
        one_variant(r, req);
        break;
    case TG_READ_IMPORTS:
        imports(r, req);
        break;
    case TG_READ_IMPORT:
        one_import(r, req);
        break;
    case TG_READ_IMPORT_FAULTS:
        faults(r, req);
        break;
    default: /* the others are not of this file */
        break;
    }
}
