/* What staff read of a shop and its shows: reports, items of shows, tokens, discount codes. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/reader_priv.h"
#include "shop/shop_json.h"

/* --- reports --- */

static void write_sum(struct tg_jo *j, const struct tg_report_sum *sum)
{
    tg_jo_int(j, "orders", sum->orders);
    tg_money_write(j, "amount", sum->amount, sum->currency);
    tg_money_write(j, "refunded", sum->refunded, sum->currency);
}

/* The sums in the shop's own currency stand in front, zero when there are none. */
static void write_part(struct tg_jo *j, const char *key, const struct tg_report_part *part,
                       const char *currency, bool cost)
{
    struct tg_report_sum own = {.orders = 0};

    tg_str_cut(own.currency, sizeof(own.currency), currency);
    for (uint32_t i = 0; i < part->sum_count; i++)
        if (strcmp(part->sums[i].currency, currency) == 0)
            own = part->sums[i];
    tg_jo_obj(j, key);
    tg_jo_int(j, "orders", part->orders);
    tg_jo_int(j, "units", part->units);
    tg_jo_int(j, "buyers", part->buyers);
    tg_jo_int(j, "returned", part->returned);
    tg_money_write(j, "amount", own.amount, currency);
    tg_money_write(j, "refunded", own.refunded, currency);
    if (cost)
        tg_money_write(j, "cost", part->cost, currency);
    tg_jo_arr(j, "currencies");
    for (uint32_t i = 0; i < part->sum_count; i++) {
        tg_jo_obj(j, NULL);
        write_sum(j, &part->sums[i]);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
    tg_jo_end_obj(j);
}

static void write_report(struct tg_reader *r, const struct tg_read_req *req,
                         const struct tg_report *rep)
{
    struct tg_jo j = tg_jo(&r->buf);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "show", req->key[0] == '\0' ? NULL : req->key);
    for (int state = 0; state < TG_ORDER_STATE_COUNT; state++)
        write_part(&j, tg_order_state_name((enum tg_order_state)state), &rep->by_state[state],
                   r->cfg.currency, (req->who.roles & TG_ROLE_MAY_PRICE) != 0);
    tg_jo_arr(&j, "sources");
    for (uint32_t i = 0; i < rep->source_count; i++) {
        tg_jo_obj(&j, NULL);
        tg_jo_str(&j, "source", rep->sources[i].source[0] == '\0' ? NULL : rep->sources[i].source);
        tg_jo_int(&j, "orders", rep->sources[i].orders);
        tg_money_write(&j, "amount", rep->sources[i].amount, rep->sources[i].currency);
        tg_money_write(&j, "refunded", rep->sources[i].refunded, rep->sources[i].currency);
        tg_jo_end_obj(&j);
    }
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
}

void tg_reader_report(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_report *rep;
    tg_err err;

    if ((req->who.roles & TG_ROLE_STAFF) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "You may not see reports.");
        return;
    }
    rep = tg_calloc(1, sizeof(*rep));
    err = rep == NULL ? TG_ERR_NOMEM : tg_read_report(r->db, req->show, rep);
    if (err == TG_OK)
        write_report(r, req, rep);
    tg_free(rep);
    tg_reader_answer(r, req, err, "");
}

/* --- what shows say of SKUs --- */

static tg_err add_item(void *ctx, const struct tg_show_item *item)
{
    struct tg_reader_list *list = ctx;

    if (!tg_page_row_text(&list->page, item->sku))
        return TG_OK;
    tg_jo_obj(&list->j, NULL);
    tg_show_item_write(&list->j, item);
    tg_jo_end_obj(&list->j);
    return list->reader->buf.err;
}

void tg_reader_show_items(struct tg_reader *r, const struct tg_read_req *req)
{
    char above[TG_PAGE_KEY_SIZE];
    struct tg_reader_list list;

    if ((req->who.roles & TG_ROLE_MAY_RUN) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "You may not see this.");
        return;
    }
    if (!tg_reader_cursor_text(r, req, 'w', above))
        return;
    tg_reader_list(&list, r, req, 'w', "items");
    tg_reader_list_end(
        &list, req,
        tg_read_show_items(r->db, req->show, above, tg_reader_rows(&list), add_item, &list));
}

/* --- the waiting list --- */

void tg_reader_waiting(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_jo j = tg_jo(&r->buf);
    struct tg_waiter waiter;
    uint32_t place = 0;
    int64_t count = 0;
    tg_err err = tg_read_waiting(r->db, req->key, req->who.id, &waiter, &place, &count);

    tg_jo_obj(&j, NULL);
    if (place == 0) {
        tg_jo_null(&j, "waiting");
    } else {
        tg_jo_obj(&j, "waiting");
        tg_waiter_write(&j, &waiter, place);
        tg_jo_end_obj(&j);
    }
    if ((req->who.roles & TG_ROLE_STAFF) != 0)
        tg_jo_int(&j, "people", count);
    tg_jo_end_obj(&j);
    tg_reader_answer(r, req, err, "");
}

/* --- tokens --- */

static tg_err add_token(void *ctx, const struct tg_token_row *row)
{
    struct tg_reader_list *list = ctx;
    struct tg_jo *j = &list->j;
    char id[24];

    if (!tg_page_row(&list->page, row->ordinal))
        return TG_OK;
    tg_str_printf(id, sizeof(id), "t%u", row->ordinal);
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "id", id);
    tg_jo_arr(j, "roles");
    for (uint32_t role = 1; role < TG_ROLE_ALL; role <<= 1)
        if ((row->roles & role) != 0)
            tg_jo_str(j, NULL, tg_role_name(role));
    tg_jo_end_arr(j);
    tg_jo_str(j, "show", row->show[0] == '\0' ? NULL : row->show);
    tg_jo_bool(j, "publish_only", row->publish_only);
    tg_jo_str(j, "label", row->label);
    tg_reader_when(j, "created", row->created_wall);
    tg_reader_when(j, "expires", row->expires_wall);
    tg_reader_when(j, "revoked", row->revoked_wall);
    tg_jo_end_obj(j);
    return list->reader->buf.err;
}

void tg_reader_tokens(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_reader_list list;
    int64_t above;
    tg_err err;

    if ((req->who.roles & TG_ROLE_ADMIN) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "Only an admin may see tokens.");
        return;
    }
    if (!tg_reader_cursor(r, req, 't', 0, &above))
        return;
    tg_reader_list(&list, r, req, 't', "tokens");
    err = tg_read_tokens(r->db, (uint32_t)TG_MIN(above, (int64_t)UINT32_MAX), tg_reader_rows(&list),
                         add_token, &list);
    tg_reader_list_end(&list, req, err);
}

/* --- discount codes --- */

static tg_err add_code(void *ctx, const struct tg_discount *d, const char *show)
{
    struct tg_reader_list *list = ctx;

    if (tg_page_row_text(&list->page, d->code))
        tg_discount_write(list->page.j, NULL, d, show[0] == '\0' ? NULL : show);
    return list->reader->buf.err;
}

static bool may_see_codes(struct tg_reader *r, const struct tg_read_req *req)
{
    if ((req->who.roles & TG_ROLE_MAY_PRICE) != 0)
        return true;
    tg_reader_problem(r, req, 403, "forbidden", "You may not see codes.");
    return false;
}

void tg_reader_codes(struct tg_reader *r, const struct tg_read_req *req)
{
    char above[TG_PAGE_KEY_SIZE];
    struct tg_reader_list list;

    if (!may_see_codes(r, req) || !tg_reader_cursor_text(r, req, 'd', above))
        return;
    tg_reader_list(&list, r, req, 'd', "codes");
    tg_reader_list_end(&list, req,
                       tg_read_codes(r->db, above, tg_reader_rows(&list), add_code, &list));
}

static tg_err only_code(void *ctx, const struct tg_discount *d, const char *show)
{
    tg_discount_write(ctx, "code", d, show[0] == '\0' ? NULL : show);
    return TG_OK;
}

void tg_reader_code(struct tg_reader *r, const struct tg_read_req *req)
{
    char code[TG_DISCOUNT_CODE_SIZE] = "?";
    struct tg_jo j = tg_jo(&r->buf);
    tg_err err;

    if (!may_see_codes(r, req))
        return;
    (void)tg_code_canon(code, req->key, strlen(req->key)); /* "?" is found nowhere */
    tg_jo_obj(&j, NULL);
    err = tg_read_code(r->db, code, only_code, &j);
    tg_jo_end_obj(&j);
    tg_reader_answer(r, req, err, "There is no such code.");
}
