/* Stock, its movements and places. */
#include <string.h>

#include "base/str.h"
#include "sale/reader_priv.h"
#include "shop/stock_json.h"

static bool may_see_stock(struct tg_reader *r, const struct tg_read_req *req)
{
    if ((req->who.roles & TG_ROLE_STAFF) != 0)
        return true;
    tg_reader_problem(r, req, 403, "forbidden", "You may not see stock.");
    return false;
}

/* Rows come place by place; an item's are together. */
struct stock_list {
    struct tg_reader_list list;
    const char *only; /* location; "" = all */
    char sku[TG_SKU_MAX + 1];
    bool open;
    int64_t version;
};

static void end_item(struct stock_list *s)
{
    if (!s->open)
        return;
    tg_jo_end_arr(&s->list.j);
    tg_jo_int(&s->list.j, "version", s->version);
    tg_jo_end_obj(&s->list.j);
    s->open = false;
}

static tg_err add_place(void *ctx, const struct tg_stock_read *row)
{
    struct stock_list *s = ctx;
    const struct tg_stock_view view = {
        .sku = row->sku, .available = row->available, .rules = row->rules};

    if (strcmp(s->sku, row->sku) != 0) {
        end_item(s);
        tg_str_cut(s->sku, sizeof(s->sku), row->sku);
        if (!tg_page_row_text(&s->list.page, row->sku))
            return TG_OK;
        tg_stock_write_open(&s->list.j, NULL, &view);
        tg_jo_arr(&s->list.j, "places");
        s->version = 0;
        s->open = true;
    }
    s->version += row->version;
    if (s->open && row->location[0] != '\0' &&
        (s->only[0] == '\0' || strcmp(s->only, row->location) == 0))
        tg_stock_write_place(&s->list.j, row->location, &row->count);
    return s->list.reader->buf.err;
}

void tg_reader_stock(struct tg_reader *r, const struct tg_read_req *req)
{
    char above[TG_PAGE_KEY_SIZE];
    struct stock_list s = {.only = req->key};
    struct tg_stock_page page = {.above = above, .moved_after = req->moved_after};
    int64_t position = 0;
    tg_err err;

    if (!may_see_stock(r, req) || !tg_reader_cursor_text(r, req, 'k', above))
        return;
    tg_reader_list(&s.list, r, req, 'k', "stock");
    page.limit = tg_reader_rows(&s.list);
    err = tg_read_stock(r->db, &page, add_place, &s, &position);
    end_item(&s);
    tg_page_end_rows(&s.list.page);
    tg_jo_int(&s.list.j, "position", position);
    tg_jo_end_obj(&s.list.j);
    tg_reader_list_said(&s.list, req, err);
}

static tg_err add_movement(void *ctx, const struct tg_movement_read *row)
{
    struct tg_reader_list *list = ctx;
    struct tg_jo *j = &list->j;
    char place[48];

    tg_str_printf(place, sizeof(place), "%lld:%lld", (long long)row->as_of_wall,
                  (long long)row->id);
    if (!tg_page_row_text(&list->page, place))
        return TG_OK;
    tg_jo_obj(j, NULL);
    tg_jo_int(j, "id", row->id);
    tg_jo_str(j, "movement", tg_movement_name(row->movement));
    tg_jo_str(j, "location", row->location);
    tg_jo_int(j, "qty", row->qty);
    if (row->order > 0)
        tg_jo_int(j, "order", row->order);
    else
        tg_jo_null(j, "order");
    tg_jo_str(j, "actor", row->actor[0] == '\0' ? NULL : row->actor);
    tg_jo_str(j, "cause", row->cause[0] == '\0' ? NULL : row->cause);
    tg_reader_when(j, "at", row->at_wall);
    tg_reader_when(j, "as_of", row->as_of_wall);
    tg_jo_end_obj(j);
    return list->reader->buf.err;
}

/* "as_of:id" of the last one seen; "" = from the newest. */
static bool read_place(const char *text, tg_us *ret_as_of, int64_t *ret_id)
{
    const char *colon = strchr(text, ':');

    *ret_as_of = INT64_MAX;
    *ret_id = INT64_MAX;
    if (text[0] == '\0')
        return true;
    return colon != NULL &&
           tg_parse_i64(ret_as_of, text, (size_t)(colon - text), INT64_MIN + 1, INT64_MAX) ==
               TG_OK &&
           tg_parse_i64(ret_id, colon + 1, strlen(colon + 1), 0, INT64_MAX) == TG_OK;
}

void tg_reader_movements(struct tg_reader *r, const struct tg_read_req *req)
{
    char above[TG_PAGE_KEY_SIZE];
    struct tg_reader_list list;
    tg_us as_of;
    int64_t id;

    if (!may_see_stock(r, req) || !tg_reader_cursor_text(r, req, 'm', above))
        return;
    if (!read_place(above, &as_of, &id)) {
        tg_reader_bad_cursor(r, req);
        return;
    }
    tg_reader_list(&list, r, req, 'm', "movements");
    tg_reader_list_end(
        &list, req,
        tg_read_movements(r->db, req->key, as_of, id, tg_reader_rows(&list), add_movement, &list));
}

/* Shoppers see the stores that are open, and how many of a product as they see it everywhere. */
struct location_list {
    struct tg_reader_list list;
    bool staff;
};

static tg_err add_location(void *ctx, const struct tg_location *l, int32_t left)
{
    struct location_list *s = ctx;
    struct tg_jo *j = &s->list.j;

    if (!s->staff && (l->kind != TG_LOCATION_STORE || l->closed))
        return TG_OK;
    tg_jo_obj(j, NULL);
    tg_location_write_open(j, l, s->staff);
    if (left > s->list.reader->cfg.stock_band && !s->staff)
        tg_jo_str(j, "stock", "many");
    else if (left >= 0)
        tg_jo_int(j, "stock", left);
    tg_jo_end_obj(j);
    return s->list.reader->buf.err;
}

void tg_reader_locations(struct tg_reader *r, const struct tg_read_req *req)
{
    struct location_list s = {.staff = (req->who.roles & TG_ROLE_STAFF) != 0,
                              .list = {.reader = r, .j = tg_jo(&r->buf)}};
    tg_err err;

    tg_jo_obj(&s.list.j, NULL);
    tg_jo_arr(&s.list.j, "locations");
    err = tg_read_locations(r->db, req->key, add_location, &s);
    tg_jo_end_arr(&s.list.j);
    tg_jo_null(&s.list.j, "next"); /* never more than TG_LOCATIONS_MAX */
    tg_jo_end_obj(&s.list.j);
    tg_reader_answer(r, req, err, "");
}
