#include "sale/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/slab.h"
#include "base/str.h"
#include "base/thread.h"
#include "msg/web.h"
#include "sale/reader_priv.h"
#include "sale/sale.h"
#include "shop/shop_json.h"
#include "store/catalogue.h"

enum { BODY_MAX = 8 * 1024 * 1024, TAKE_MAX = 32 };

tg_err tg_reader_new(struct tg_reader **ret, const struct tg_reader_cfg *cfg, char reterr[256])
{
    struct tg_reader *r = tg_calloc(1, sizeof(*r));
    tg_err err;

    if (r == NULL) {
        tg_str_cut(reterr, 256, "out of memory");
        return TG_ERR_NOMEM;
    }
    r->cfg = *cfg;
    if (r->cfg.sandbox_base == NULL)
        r->cfg.sandbox_base = "/pay/sandbox/";
    if (r->cfg.currency == NULL)
        r->cfg.currency = "NOK";
    r->cfg.stock_band = tg_stock_band(r->cfg.stock_band);
    tg_buf_init(&r->buf, BODY_MAX);
    err = tg_read_db_new(&r->db, &cfg->db, reterr);
    if (err == TG_OK && cfg->taxes != NULL)
        tg_read_db_taxes(r->db, cfg->taxes);
    if (err == TG_OK) {
        err = tg_mailbox_new(&r->mailbox, TG_MB_READ, tg_msg_free);
        if (err != TG_OK)
            tg_str_cut(reterr, 256, "no mailbox for a read thread");
    }
    if (err != TG_OK) {
        tg_reader_free(r);
        return err;
    }
    *ret = r;
    return TG_OK;
}

void tg_reader_free(struct tg_reader *reader)
{
    if (reader == NULL)
        return;
    TG_ASSERT(reader->thread == NULL);
    tg_mailbox_free(reader->mailbox);
    tg_reader_exports_free(reader);
    tg_read_db_free(reader->db);
    tg_buf_done(&reader->buf);
    tg_free(reader);
}

struct tg_mailbox *tg_reader_mailbox(struct tg_reader *reader)
{
    return reader->mailbox;
}

/* --- answers --- */

void tg_reader_send(struct tg_reader *r, const struct tg_read_req *req, int status)
{
    struct tg_web_reply *reply;

    if (req->conn.mb == NULL)
        return;
    reply = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*reply));
    if (reply == NULL)
        return;
    reply->conn = req->conn;
    reply->status = status;
    memcpy(reply->next, r->next, sizeof(reply->next));
    tg_str_cut(reply->location, sizeof(reply->location), r->location);
    reply->in_lang = status < 400 && r->in_lang;
    if (r->buf.err == TG_OK)
        reply->json = tg_slab_copy(r->buf.data, r->buf.len);
    if (reply->json == NULL)
        reply->status = 503;
    (void)tg_mailbox_post_reply(req->conn.mb, reply); /* closed: the worker is stopping */
}

void tg_reader_problem_at(struct tg_reader *r, const struct tg_read_req *req, int status,
                          const char *code, const char *field, const char *detail)
{
    struct tg_jo j = tg_jo(&r->buf);

    tg_buf_clear(&r->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "type", "about:blank");
    tg_jo_str(&j, "title", code);
    tg_jo_int(&j, "status", status);
    if (field != NULL)
        tg_jo_str(&j, "field", field);
    tg_jo_str(&j, "detail", detail);
    tg_jo_str(&j, "code", code);
    tg_jo_end_obj(&j);
    tg_reader_send(r, req, status);
}

void tg_reader_problem(struct tg_reader *r, const struct tg_read_req *req, int status,
                       const char *code, const char *detail)
{
    tg_reader_problem_at(r, req, status, code, NULL, detail);
}

void tg_reader_answer(struct tg_reader *r, const struct tg_read_req *req, tg_err err,
                      const char *missing)
{
    if (err == TG_OK && r->buf.err == TG_OK) {
        tg_reader_send(r, req, 200);
    } else if (err == TG_ERR_NOTFOUND) {
        tg_reader_problem(r, req, 404, "not_found", missing);
    } else {
        tg_log_error("read", "read-failed", "what=%d err=%s", (int)req->what,
                     tg_err_name(err != TG_OK ? err : r->buf.err));
        tg_reader_problem(r, req, 503, "busy", "The database could not be read. Try again.");
    }
}

void tg_reader_when(struct tg_jo *j, const char *key, tg_us wall)
{
    char text[TG_RFC3339_SIZE];

    if (wall < 0 || wall == TG_US_NEVER) {
        tg_jo_null(j, key);
        return;
    }
    tg_rfc3339(text, wall);
    tg_jo_str(j, key, text);
}

/* 400 for a cursor that is not this list's. */
bool tg_reader_bad_cursor(struct tg_reader *r, const struct tg_read_req *req)
{
    tg_reader_problem_at(r, req, 400, "bad_request", "cursor",
                         "\"cursor\" must be the \"next\" of the page before, of the same list.");
    return false;
}

bool tg_reader_cursor(struct tg_reader *r, const struct tg_read_req *req, char list, int64_t start,
                      int64_t *ret)
{
    return tg_cursor_number(ret, req->cursor, list, start) == TG_OK || tg_reader_bad_cursor(r, req);
}

bool tg_reader_cursor_text(struct tg_reader *r, const struct tg_read_req *req, char list,
                           char ret[TG_PAGE_KEY_SIZE])
{
    return tg_cursor_text(ret, TG_PAGE_KEY_SIZE, req->cursor, list) == TG_OK ||
           tg_reader_bad_cursor(r, req);
}

void tg_reader_more(struct tg_reader_list *list, int64_t next)
{
    list->page.more = true;
    tg_str_printf(list->page.last, sizeof(list->page.last), "%lld", (long long)next);
}

void tg_reader_list(struct tg_reader_list *list, struct tg_reader *r, const struct tg_read_req *req,
                    char letter, const char *name)
{
    *list = (struct tg_reader_list){.reader = r, .j = tg_jo(&r->buf)};
    tg_page_open(&list->page, &list->j, letter, req->limit, name);
}

/* Rows to ask the database for. */
uint32_t tg_reader_rows(const struct tg_reader_list *list)
{
    return list->page.limit + 1;
}

void tg_reader_list_end(struct tg_reader_list *list, const struct tg_read_req *req, tg_err err)
{
    tg_page_close(&list->page);
    tg_reader_list_said(list, req, err);
}

void tg_reader_list_said(struct tg_reader_list *list, const struct tg_read_req *req, tg_err err)
{
    memcpy(list->reader->next, list->page.next, sizeof(list->reader->next));
    tg_reader_answer(list->reader, req, err, "");
    list->reader->next[0] = '\0';
}

/* --- orders --- */

enum tg_order_view tg_reader_staff_view(const struct tg_read_req *req)
{
    return (req->who.roles & TG_ROLE_MAY_PRICE) != 0 ? TG_ORDER_VIEW_STAFF : TG_ORDER_VIEW_WORLD;
}

static tg_err add_order(void *ctx, const struct tg_order *order)
{
    struct tg_reader_list *list = ctx;

    if (tg_page_row(&list->page, order->number))
        tg_order_write_in(list->page.j, NULL, order, tg_reader_pay_base(list->reader), list->view,
                          list->view != TG_ORDER_VIEW_BUYER ? NULL : &list->in.texts);
    return list->reader->buf.err;
}

static void orders(struct tg_reader *r, const struct tg_read_req *req, bool all)
{
    struct tg_reader_list list;
    struct tg_order_filter filter = {.person = all ? req->person : req->who.id,
                                     .show = all ? req->show : UINT16_MAX,
                                     .since_wall = req->since_wall_us};
    int64_t below;
    int64_t left;
    tg_err err;

    if (all && (req->who.roles & TG_ROLE_STAFF) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "You may not see these orders.");
        return;
    }
    if (!tg_reader_cursor(r, req, 'o', INT64_MAX, &below) ||
        !tg_reader_order_state(r, req, &filter.state))
        return;
    tg_reader_list(&list, r, req, 'o', "orders");
    list.view = all ? tg_reader_staff_view(req) : TG_ORDER_VIEW_BUYER;
    tg_reader_texts(&list.in, r, req);
    filter.below = below;
    filter.limit = tg_reader_rows(&list);
    err = tg_read_orders_by(r->db, &filter, add_order, &list, &left);
    if (err == TG_OK && left > 0 && !list.page.more)
        tg_reader_more(&list, left);
    tg_reader_texts_end(&list.in);
    tg_reader_list_end(&list, req, err);
}

/* --- thread --- */

void tg_reader_turn(struct tg_reader *reader, void *take_msg)
{
    const struct tg_read_req *req = take_msg;

    TG_ASSERT(req->head.kind == TG_MSG_READ_REQ);
    tg_buf_clear(&reader->buf);
    reader->in_lang = false;
    switch (req->what) {
    case TG_READ_MY_ORDERS:
        orders(reader, req, false);
        break;
    case TG_READ_ORDERS:
        orders(reader, req, true);
        break;
    case TG_READ_ORDER:
        tg_read_one_order(reader, req);
        break;
    case TG_READ_PAYMENT:
        tg_read_payment_page(reader, req);
        break;
    case TG_READ_PRODUCT:
        tg_reader_product(reader, req);
        break;
    case TG_READ_VARIANTS:
        tg_reader_variants(reader, req);
        break;
    case TG_READ_WAITING:
        tg_reader_waiting(reader, req);
        break;
    case TG_READ_SHOW_ITEMS:
        tg_reader_show_items(reader, req);
        break;
    case TG_READ_VARIANT:
    case TG_READ_IMPORTS:
    case TG_READ_IMPORT:
    case TG_READ_IMPORT_FAULTS:
        tg_reader_catalog(reader, req);
        break;
    case TG_READ_EXPORT:
    case TG_READ_EXPORT_STATE:
    case TG_READ_EXPORT_FILE:
        tg_reader_export(reader, req);
        break;
    case TG_READ_PRODUCTS:
        tg_reader_products(reader, req);
        break;
    case TG_READ_CODES:
        tg_reader_codes(reader, req);
        break;
    case TG_READ_CODE:
        tg_reader_code(reader, req);
        break;
    case TG_READ_STOCK:
        tg_reader_stock(reader, req);
        break;
    case TG_READ_MOVEMENTS:
        tg_reader_movements(reader, req);
        break;
    case TG_READ_LOCATIONS:
        tg_reader_locations(reader, req);
        break;
    case TG_READ_TOKENS:
        tg_reader_tokens(reader, req);
        break;
    case TG_READ_HOOKS:
    case TG_READ_HOOK:
    case TG_READ_DELIVERIES:
    case TG_READ_DELIVERY:
        tg_reader_hooks(reader, req);
        break;
    case TG_READ_REPORT:
        tg_reader_report(reader, req);
        break;
    case TG_READ_EVENTS:
        tg_read_order_events(reader, req);
        break;
    case TG_READ_PAYMENTS:
        tg_read_payment_list(reader, req);
        break;
    case TG_READ_RETURNS:
        tg_read_return_list(reader, req);
        break;
    }
    tg_msg_free(take_msg);
}

static void run(void *ctx)
{
    struct tg_reader *r = ctx;
    void *taken[TAKE_MAX];

    while (!tg_mailbox_ended(r->mailbox)) {
        size_t count = tg_mailbox_take(r->mailbox, taken, TAKE_MAX);
        tg_us now = tg_clock_mono();
        tg_us tidy_at = tg_reader_tidy(r, now);

        for (size_t i = 0; i < count; i++)
            tg_reader_turn(r, taken[i]);
        if (!tg_reader_work(r) && count == 0)
            tg_mailbox_wait(r->mailbox, tidy_at == TG_US_NEVER ? TG_US_NEVER : tidy_at - now);
    }
}

tg_err tg_reader_start(struct tg_reader *reader)
{
    return tg_thread_start(&reader->thread, "read", run, reader);
}

void tg_reader_stop(struct tg_reader *reader)
{
    tg_mailbox_close(reader->mailbox);
    tg_thread_join(reader->thread);
    reader->thread = NULL;
}
