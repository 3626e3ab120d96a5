/* The catalogue as shoppers see it: lists, the search, one product; and staff's list of variants.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/reader_priv.h"
#include "shop/shop_json.h"
#include "store/catalogue.h"

/* A page ends early rather than growing beyond this; a product of 2,048 variants is 1 MB. */
enum { PAGE_BYTES = 2 * 1024 * 1024 };

struct shelf {
    struct tg_reader_list list;
    struct tg_jo *j;
    bool staff;
};

/* They come by variant: `next` is the first that is not written yet. */
static void write_prices(struct tg_jo *j, const struct tg_list_view *view, uint32_t at,
                         uint32_t *next)
{
    uint32_t first = *next;

    for (; *next < view->price_count && view->prices[*next].variant == at; (*next)++) {
        if (*next == first)
            tg_jo_arr(j, "prices");
        tg_money_write(j, NULL, view->prices[*next].price, view->prices[*next].currency);
    }
    if (*next > first)
        tg_jo_end_arr(j);
}

static void write_variant(struct shelf *s, const struct tg_list_view *view, uint32_t at,
                          uint32_t *next_price)
{
    const struct tg_variant_view *v = &view->variants[at];
    const char *currency = s->list.reader->cfg.currency;
    struct tg_jo *j = s->j;

    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", v->sku);
    tg_jo_raw(j, "options", v->options, strlen(v->options));
    tg_money_write(j, "price", v->price, currency);
    if (v->compare_at >= 0)
        tg_money_write(j, "compare_at", v->compare_at, currency);
    if (v->lowest > 0)
        tg_money_write(j, "lowest_30d", v->lowest, currency);
    if (v->price_until_wall_us >= 0)
        tg_reader_when(j, "until", v->price_until_wall_us);
    if (v->price_left > 0)
        tg_jo_int(j, "left", v->price_left);
    tg_jo_int(j, "tax_bp", v->tax_bp);
    tg_money_write(j, "tax", tg_money_tax(v->price, v->tax_bp), currency);
    write_prices(j, view, at, next_price);
    if (v->available > s->list.reader->cfg.stock_band && !s->staff)
        tg_jo_str(j, "stock", "many");
    else
        tg_jo_int(j, "stock", v->available);
    tg_jo_end_obj(j);
}

static void write_variants(struct shelf *s, const struct tg_list_view *view)
{
    uint32_t next_price = 0;

    tg_jo_arr(s->j, "variants");
    for (uint32_t i = 0; i < view->product->variant_count; i++)
        write_variant(s, view, i, &next_price);
    tg_jo_end_arr(s->j);
}

static tg_err add_product(void *ctx, const struct tg_list_view *view)
{
    struct shelf *s = ctx;

    if (s->list.page.count > 0 && s->list.reader->buf.len > PAGE_BYTES)
        return TG_ERR_AGAIN;
    if (!tg_page_row(&s->list.page, view->cursor))
        return TG_ERR_AGAIN;
    s->list.reader->in_lang = s->list.reader->in_lang || view->in_lang;
    tg_product_write_open(s->j, view->product, NULL);
    write_variants(s, view);
    tg_jo_end_obj(s->j);
    return s->list.reader->buf.err;
}

void tg_reader_products(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_cat_filter filter = {.price_min = req->find.price_min > 0 ? req->find.price_min : -1,
                                   .price_max = req->find.price_max > 0 ? req->find.price_max : -1,
                                   .show = req->find.by_show ? req->find.show : -1};
    struct shelf s = {.staff = (req->who.roles & TG_ROLE_STAFF) != 0};
    int64_t next = -1;
    tg_err err;

    if (!tg_reader_cursor(r, req, 'p', 0, &filter.above))
        return;
    tg_str_cut(filter.words, sizeof(filter.words), req->find.words);
    tg_str_cut(filter.category, sizeof(filter.category), req->find.category);
    for (size_t i = 0; i < TG_READ_ATTRIBUTES_MAX; i++) {
        tg_str_cut(filter.attributes[i].name, TG_CAT_SLUG_SIZE, req->find.attributes[i].name);
        tg_str_cut(filter.attributes[i].value, TG_CAT_SLUG_SIZE, req->find.attributes[i].value);
    }
    tg_reader_list(&s.list, r, req, 'p', "products");
    s.j = &s.list.j;
    filter.limit = s.list.page.limit;
    err = tg_read_list(r->db, &filter, req->who.lang, add_product, &s, &next);
    if (next >= 0)
        tg_reader_more(&s.list, next);
    tg_reader_list_end(&s.list, req, err);
}

/* --- one product --- */

/* What a page shows of a product beyond a list: all pictures, attributes, what goes with it. */
static tg_err write_details(void *ctx, const struct tg_cat_view *view)
{
    struct shelf *s = ctx;
    const struct tg_feed_product *p = &view->product;
    const struct tg_feed_lang *text = tg_cat_lang(&p->texts, s->list.view_lang);
    struct tg_feed_product shown = *p;
    struct tg_jo *j = s->j;

    if (p->archived == 1)
        return TG_ERR_NOTFOUND;
    s->list.reader->in_lang = text != NULL;
    if (text != NULL && text->title != NULL)
        shown.title = text->title;
    if (text != NULL && text->description != NULL)
        shown.description = text->description;
    shown.texts.count = 0; /* one of them is what is shown */
    tg_jo_obj(j, NULL);
    tg_jo_obj(j, "product");
    tg_jo_str(j, "id", p->id);
    tg_jo_int(j, "number", p->number);
    tg_feed_write_details(j, &shown);
    tg_jo_arr(j, "languages");
    for (uint32_t i = 0; i < p->texts.count; i++)
        tg_jo_str(j, NULL, p->texts.at[i].lang);
    tg_jo_end_arr(j);
    return s->list.reader->buf.err;
}

static tg_err write_its_variants(void *ctx, const struct tg_list_view *view)
{
    struct shelf *s = ctx;

    write_variants(s, view);
    return s->list.reader->buf.err;
}

static void product_for_shoppers(struct tg_reader *r, const struct tg_read_req *req)
{
    struct shelf s = {.staff = (req->who.roles & TG_ROLE_STAFF) != 0,
                      .list = {.reader = r, .j = tg_jo(&r->buf), .view_lang = req->who.lang}};
    tg_err err;

    s.j = &s.list.j;
    err = tg_read_product_alone(r->db, req->key, write_details, &s);
    if (err == TG_OK)
        err = tg_read_list_one(r->db, req->key, req->who.lang, write_its_variants, &s);
    tg_jo_end_obj(s.j);
    tg_jo_end_obj(s.j);
    tg_reader_answer(r, req, err, "There is no such product.");
}

void tg_reader_product(struct tg_reader *r, const struct tg_read_req *req)
{
    if (req->flag)
        tg_reader_catalog(r, req);
    else
        product_for_shoppers(r, req);
}

/* --- variants --- */

static tg_err add_variant(void *ctx, const struct tg_variant_row *row)
{
    struct shelf *s = ctx;

    if (!tg_page_row_text(&s->list.page, row->variant->sku))
        return TG_ERR_AGAIN;
    tg_jo_obj(s->j, NULL);
    tg_jo_raw(s->j, "variant", "", 0); /* the key; its value is written next */
    s->j->comma = false;
    tg_feed_write_variant(s->j, row->variant, s->list.reader->cfg.currency);
    tg_jo_str(s->j, "product", row->place.product_id);
    tg_jo_int(s->j, "version", row->place.version);
    tg_jo_int(s->j, "available", row->available);
    tg_jo_end_obj(s->j);
    return s->list.reader->buf.err;
}

void tg_reader_variants(struct tg_reader *r, const struct tg_read_req *req)
{
    const struct tg_variant_filter filter = {.product = req->filter.product,
                                             .barcode = req->filter.barcode,
                                             .archived = req->filter.archived};
    char above[TG_PAGE_KEY_SIZE];
    char next[TG_SKU_MAX + 1] = "";
    struct shelf s = {.staff = true};
    tg_err err;

    if ((req->who.roles & TG_ROLE_MAY_PRICE) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "You may not see this.");
        return;
    }
    if (!tg_reader_cursor_text(r, req, 'a', above))
        return;
    tg_reader_list(&s.list, r, req, 'a', "variants");
    s.j = &s.list.j;
    err = tg_read_variants(r->db, &filter, above, s.list.page.limit, add_variant, &s, next);
    if (next[0] != '\0') {
        s.list.page.more = true;
        tg_str_cut(s.list.page.last, sizeof(s.list.page.last), next);
    }
    tg_reader_list_end(&s.list, req, err);
}
