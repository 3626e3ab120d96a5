/* What pages read of orders: one with its history, payments, what came back. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "sale/reader_priv.h"
#include "shop/shop_json.h"

/* A place in the history of all orders as one number: order number and place in the order. */
enum { PLACES = 10000 };

struct list {
    struct tg_jo j;
    struct tg_page page;
    bool staff;
    const char *currency;
};

static void when(struct tg_jo *j, const char *key, tg_us wall)
{
    char text[TG_RFC3339_SIZE];

    tg_rfc3339(text, wall);
    tg_jo_str(j, key, text);
}

/* --- in somebody's language --- */

static const struct tg_text *text_of(void *ctx, const char *sku)
{
    struct tg_reader_texts *t = ctx;
    const struct tg_text *text;

    tg_langs_unref(t->langs);
    t->langs = NULL;
    if (t->lang[0] == '\0' || tg_read_texts(t->reader->db, sku, &t->langs) != TG_OK)
        return NULL; /* as it was written first is better than no order */
    text = tg_langs_pick(t->langs, t->lang);
    t->reader->in_lang = t->reader->in_lang || text != NULL;
    return text;
}

void tg_reader_texts(struct tg_reader_texts *t, struct tg_reader *r, const struct tg_read_req *req)
{
    *t = (struct tg_reader_texts){
        .reader = r, .lang = req->who.lang, .texts = {.of = text_of, .ctx = t}};
}

void tg_reader_texts_end(struct tg_reader_texts *t)
{
    tg_langs_unref(t->langs);
}

/* --- one order --- */

static tg_err add_event(void *ctx, const struct tg_event_row *row)
{
    struct list *list = ctx;
    struct tg_jo *j = &list->j;

    if (!list->staff && !tg_order_event_public(row->kind))
        return TG_OK;
    tg_jo_obj(j, NULL);
    tg_jo_int(j, "seq", row->seq);
    tg_jo_str(j, "kind", tg_order_event_name(row->kind));
    when(j, "at", row->at_wall);
    if (row->amount >= 0)
        tg_money_write(j, "amount", row->amount, list->currency);
    if (row->data[0] != '\0')
        tg_jo_raw(j, "data", row->data, strlen(row->data));
    if (list->staff) {
        tg_jo_str(j, "actor", row->actor[0] == '\0' ? NULL : row->actor);
        tg_jo_str(j, "reason", row->reason[0] == '\0' ? NULL : row->reason);
    }
    tg_jo_end_obj(j);
    return TG_OK;
}

static tg_err write_events(struct tg_reader *r, struct list *list, const struct tg_order *order)
{
    struct tg_jo *j = &list->j;
    tg_err err;

    list->currency = order->currency;
    tg_jo_arr(j, "events");
    tg_jo_obj(j, NULL);
    tg_jo_int(j, "seq", 0);
    tg_jo_str(j, "kind", tg_order_event_name(TG_EVENT_CREATED));
    when(j, "at", order->created_wall);
    if (list->staff) {
        tg_jo_str(j, "actor", order->person);
        tg_jo_null(j, "reason");
    }
    tg_jo_end_obj(j);
    err = tg_read_events(r->db, order->number, add_event, list);
    tg_jo_end_arr(j);
    return err;
}

/* The order, when this person may see it; staff of one show see that show's. */
static tg_err find(struct tg_reader *r, const struct tg_read_req *req, struct tg_order **ret,
                   bool *ret_staff)
{
    struct tg_order *order = NULL;
    bool staff = (req->who.roles & TG_ROLE_STAFF) != 0;
    tg_err err = tg_read_order(r->db, req->key, &order);

    if (err != TG_OK)
        return err;
    if (req->show != UINT16_MAX && order->show != req->show)
        staff = false; /* of another show */
    /* Another person's order does not exist for a buyer. */
    if (!staff && strcmp(order->person, req->who.id) != 0) {
        tg_order_free(order);
        return TG_ERR_NOTFOUND;
    }
    *ret = order;
    *ret_staff = staff;
    return TG_OK;
}

static void read_order(struct tg_reader *r, const struct tg_read_req *req, bool whole)
{
    struct list list = {.j = tg_jo(&r->buf)};
    struct tg_order *order = NULL;
    struct tg_reader_texts in;
    tg_err err = find(r, req, &order, &list.staff);

    tg_reader_texts(&in, r, req);
    if (err == TG_OK) {
        tg_jo_obj(&list.j, NULL);
        if (whole)
            tg_order_write_in(&list.j, "order", order, tg_reader_pay_base(r),
                              list.staff ? tg_reader_staff_view(req) : TG_ORDER_VIEW_BUYER,
                              list.staff ? NULL : &in.texts);
        err = write_events(r, &list, order);
        tg_jo_end_obj(&list.j);
    }
    tg_reader_texts_end(&in);
    tg_order_free(order);
    tg_reader_answer(r, req, err, "There is no such order.");
}

void tg_read_one_order(struct tg_reader *r, const struct tg_read_req *req)
{
    read_order(r, req, true);
}

void tg_read_order_events(struct tg_reader *r, const struct tg_read_req *req)
{
    read_order(r, req, false);
}

/* --- payments --- */

void tg_read_payment_page(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_jo j = tg_jo(&r->buf);
    struct tg_order *order = NULL;
    struct tg_reader_texts in;
    tg_err err = tg_read_payment(r->db, req->key, &order);

    tg_reader_texts(&in, r, req);
    if (err == TG_OK) {
        tg_jo_obj(&j, NULL);
        tg_jo_str(&j, "id", order->payment);
        tg_jo_str(&j, "provider", "sandbox");
        tg_jo_str(&j, "state", tg_payment_state_name(order->payment_state));
        tg_money_write(&j, "amount", order->total, order->currency);
        tg_order_write_in(&j, "order", order, tg_reader_pay_base(r), TG_ORDER_VIEW_BUYER,
                          &in.texts);
        tg_jo_end_obj(&j);
    }
    tg_reader_texts_end(&in);
    tg_order_free(order);
    tg_reader_answer(r, req, err, "There is no such payment.");
}

static bool open_list(struct tg_reader *r, const struct tg_read_req *req, char letter,
                      const char *name, struct list *list, struct tg_history_page *page)
{
    int64_t place = INT64_MAX;

    if ((req->who.roles & TG_ROLE_MAY_PRICE) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "You may not see this list.");
        return false;
    }
    if (!tg_reader_cursor(r, req, letter, INT64_MAX, &place))
        return false;
    *list = (struct list){.j = tg_jo(&r->buf), .staff = true};
    tg_page_open(&list->page, &list->j, letter, req->limit, name);
    *page = (struct tg_history_page){.order_number = place / PLACES,
                                     .number = place % PLACES,
                                     .state = -1,
                                     .show = req->show,
                                     .limit = list->page.limit + 1};
    return true;
}

/* left: orders below it were not looked at; 0 = none. */
static void close_list(struct tg_reader *r, const struct tg_read_req *req, struct list *list,
                       tg_err err, int64_t left)
{
    if (err == TG_OK && left > 0 && !list->page.more) {
        list->page.more = true;
        tg_str_printf(list->page.last, sizeof(list->page.last), "%lld", (long long)left * PLACES);
    }
    tg_page_close(&list->page);
    memcpy(r->next, list->page.next, sizeof(r->next));
    tg_reader_answer(r, req, err, "");
    r->next[0] = '\0';
}

static bool add_place(struct list *list, int64_t order_number, uint32_t number)
{
    return tg_page_row(&list->page, order_number * PLACES + number);
}

static tg_err add_intent(void *ctx, const struct tg_intent_row *row)
{
    struct list *list = ctx;
    struct tg_jo *j = &list->j;

    if (!add_place(list, row->order_number, row->intent.number))
        return TG_OK;
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "id", row->payment);
    tg_jo_str(j, "order", row->order_id);
    tg_jo_int(j, "number", row->order_number);
    tg_jo_int(j, "intent", row->intent.number);
    tg_jo_str(j, "kind", tg_intent_kind_name(row->intent.kind));
    tg_jo_str(j, "state", tg_intent_state_name(row->intent.state));
    tg_money_write(j, "amount", row->intent.amount, row->currency);
    tg_jo_str(j, "provider", row->intent.provider);
    tg_jo_str(j, "reference", row->intent.reference[0] == '\0' ? NULL : row->intent.reference);
    tg_jo_str(j, "operation", row->intent.operation[0] == '\0' ? NULL : row->intent.operation);
    tg_jo_int(j, "asks", row->intent.asks);
    when(j, "asked", row->intent.asked_wall);
    when(j, "changed", row->intent.changed_wall);
    tg_jo_end_obj(j);
    return TG_OK;
}

bool tg_reader_order_state(struct tg_reader *r, const struct tg_read_req *req, int *ret)
{
    *ret = -1;
    if (req->word[0] == '\0')
        return true;
    for (int state = 0; state < TG_ORDER_STATE_COUNT; state++)
        if (strcmp(req->word, tg_order_state_name((enum tg_order_state)state)) == 0)
            *ret = state;
    if (*ret < 0)
        tg_reader_problem_at(
            r, req, 400, "bad_request", "state",
            "\"state\" must be awaiting_payment, paid, partly_fulfilled, fulfilled, "
            "expired, cancelled or returned.");
    return *ret >= 0;
}

static bool intent_state(struct tg_reader *r, const struct tg_read_req *req, int *ret)
{
    *ret = -1;
    if (req->word[0] == '\0')
        return true;
    for (int state = TG_INTENT_ASKED; state <= TG_INTENT_FAILED; state++)
        if (strcmp(req->word, tg_intent_state_name((enum tg_intent_state)state)) == 0)
            *ret = state;
    if (*ret < 0)
        tg_reader_problem_at(r, req, 400, "bad_request", "state",
                             "\"state\" must be asked, done or failed.");
    return *ret >= 0;
}

void tg_read_payment_list(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_history_page page;
    struct list list;
    int64_t left = 0;
    int state;
    tg_err err;

    if (!intent_state(r, req, &state))
        return;
    if (open_list(r, req, 'y', "payments", &list, &page)) {
        page.state = state;
        err = tg_read_intents(r->db, &page, add_intent, &list, &left);
        close_list(r, req, &list, err, left);
    }
}

/* --- what came back --- */

static tg_err add_return(void *ctx, const struct tg_event_row *row)
{
    struct list *list = ctx;
    struct tg_jo *j = &list->j;

    if (!add_place(list, row->order_number, row->seq))
        return TG_OK;
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "order", row->order_id);
    tg_jo_int(j, "number", row->order_number);
    tg_jo_int(j, "seq", row->seq);
    when(j, "at", row->at_wall);
    tg_money_write(j, "refund", TG_MAX(row->amount, (int64_t)0), row->currency);
    tg_jo_raw(j, "data", row->data[0] == '\0' ? "{}" : row->data,
              row->data[0] == '\0' ? 2 : strlen(row->data));
    tg_jo_str(j, "actor", row->actor[0] == '\0' ? NULL : row->actor);
    tg_jo_str(j, "reason", row->reason[0] == '\0' ? NULL : row->reason);
    tg_jo_end_obj(j);
    return TG_OK;
}

void tg_read_return_list(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_history_page page;
    struct list list;
    int64_t left = 0;
    tg_err err;

    if (open_list(r, req, 'r', "returns", &list, &page)) {
        err = tg_read_returns(r->db, &page, add_return, &list, &left);
        close_list(r, req, &list, err, left);
    }
}
