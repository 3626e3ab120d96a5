/* Orders and what becomes of them, payments, returns. */
#include <openssl/evp.h>
#include <string.h>

#include "api/channel_parse.h"
#include "api/req.h"
#include "base/alloc.h"
#include "base/str.h"

/* The path's object id into key; false: it cannot exist, 404. */
static bool object_id(struct tg_req *q, char *key, size_t size, const char *what)
{
    struct tg_span id = tg_req_param(q, 0);
    char detail[64];
    bool ok = id.len > 0 && id.len <= 40 &&
              tg_str_copy(key, size, (const char *)id.data, id.len) == TG_OK;

    for (size_t i = 0; ok && i < id.len; i++) {
        char c = key[i];

        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    }
    if (ok)
        return true;
    tg_str_printf(detail, sizeof(detail), "There is no %s with this id.", what);
    tg_reply_problem(q, 404, what, detail);
    return false;
}

static void read_object(struct tg_req *q, enum tg_read_what what, const char *name)
{
    char key[TG_SKU_MAX + 1];
    struct tg_read_req *msg;

    if (!object_id(q, key, sizeof(key), name))
        return;
    msg = tg_req_read(q, what);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    tg_req_ask_read(q, msg);
}

void tg_h_order(struct tg_req *q)
{
    read_object(q, TG_READ_ORDER, "order");
}

void tg_h_order_events(struct tg_req *q)
{
    read_object(q, TG_READ_EVENTS, "order");
}

void tg_h_payment(struct tg_req *q)
{
    read_object(q, TG_READ_PAYMENT, "payment");
}

/* --- lists --- */

/* A token of one show lists that show's whatever it asks for. */
static bool show_filter(struct tg_req *q, uint16_t *show)
{
    struct tg_show_info info;
    char id[TG_SHOW_ID_MAX + 1];

    if (!tg_req_query(q, "show", id, sizeof(id)))
        return false;
    if (id[0] == '\0')
        return true;
    if (tg_registry_show_get(q->w->web->cfg.registry, id, strlen(id), &info) != TG_OK) {
        tg_reply_problem(q, 404, "show", "There is no show with this id.");
        return false;
    }
    if (q->auth.one_show && info.ord != q->auth.show) {
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
        return false;
    }
    *show = info.ord;
    return true;
}

static bool order_filters(struct tg_req *q, struct tg_read_req *msg)
{
    char since[40];

    if (!tg_req_query(q, "since", since, sizeof(since)) ||
        !tg_req_query(q, "person", msg->person, sizeof(msg->person)) ||
        !tg_req_query(q, "state", msg->word, sizeof(msg->word)))
        return false;
    msg->since_wall_us = since[0] == '\0' ? 0 : tg_time_parse(since);
    if (msg->since_wall_us < 0) {
        tg_reply_problem(q, 400, "since", "\"since\" must be a time like 2026-05-28T20:00:00Z.");
        return false;
    }
    return show_filter(q, &msg->show);
}

/* Staff see the orders of their shop or show; a buyer (also one who works here, with ?mine=1) sees
 * their own. */
void tg_h_orders(struct tg_req *q)
{
    bool staff = (q->auth.who.roles & TG_ROLE_STAFF) != 0;
    struct tg_read_req *msg;
    bool mine;

    if (!tg_req_query_flag(q, "mine", &mine))
        return;
    staff = staff && !mine;
    msg = tg_req_read(q, staff ? TG_READ_ORDERS : TG_READ_MY_ORDERS);
    if (msg == NULL)
        return;
    if (order_filters(q, msg))
        tg_req_ask_read(q, msg);
    else
        tg_msg_free(msg);
}

static void history_list(struct tg_req *q, enum tg_read_what what)
{
    struct tg_read_req *msg = tg_req_read(q, what);

    if (msg == NULL)
        return;
    if (tg_req_query(q, "state", msg->word, sizeof(msg->word)) && show_filter(q, &msg->show))
        tg_req_ask_read(q, msg);
    else
        tg_msg_free(msg);
}

void tg_h_payments(struct tg_req *q)
{
    history_list(q, TG_READ_PAYMENTS);
}

void tg_h_returns(struct tg_req *q)
{
    history_list(q, TG_READ_RETURNS);
}

/* --- what is asked of an order --- */

static bool read_lines(struct tg_req *q, const json_t *lines, struct tg_order_ask *ask)
{
    const json_t *item;
    size_t i;

    if (lines == NULL)
        return true;
    if (!json_is_array(lines) || json_array_size(lines) < 1 ||
        json_array_size(lines) > TG_CART_LINES_MAX) {
        tg_reply_problem(q, 400, "lines", "\"lines\" must list 1 to 50 of {\"line\", \"qty\"}.");
        return false;
    }
    json_array_foreach(lines, i, item)
    {
        const json_t *line = json_object_get(item, "line");
        const json_t *qty = json_object_get(item, "qty");

        if (!json_is_integer(line) || json_integer_value(line) < 1 ||
            json_integer_value(line) > TG_CART_LINES_MAX || !json_is_integer(qty) ||
            json_integer_value(qty) < 1 || json_integer_value(qty) > TG_QTY_MAX) {
            tg_reply_problem(q, 400, "lines",
                             "Each of \"lines\" needs \"line\", a line's number in the order (the "
                             "first is 1), and \"qty\", 1 to 100.");
            return false;
        }
        ask->lines[i].line = (uint32_t)json_integer_value(line) - 1;
        ask->lines[i].qty = (int32_t)json_integer_value(qty);
    }
    ask->line_count = (uint32_t)json_array_size(lines);
    return true;
}

/* Minor units of the order's currency, or with their currency; absent: -1. */
static bool read_amount(struct tg_req *q, const json_t *amount, struct tg_order_ask *ask)
{
    if (json_is_object(amount)) {
        const json_t *currency = json_object_get(amount, "currency");

        if (currency != NULL && json_string_length(currency) != sizeof(ask->currency) - 1) {
            tg_reply_problem(q, 400, "amount", "\"currency\" must be three letters.");
            return false;
        }
        if (currency != NULL)
            tg_str_cut(ask->currency, sizeof(ask->currency), json_string_value(currency));
        amount = json_object_get(amount, "amount");
    }
    if (amount == NULL)
        return true;
    if (!json_is_integer(amount) || json_integer_value(amount) < 0) {
        tg_reply_problem(q, 400, "amount", "\"amount\" must be minor units, 0 or more.");
        return false;
    }
    ask->amount = json_integer_value(amount);
    return true;
}

static bool read_ask(struct tg_req *q, json_t *body, struct tg_order_ask *ask)
{
    const json_t *restock = json_object_get(body, "restock");

    if (restock != NULL && !json_is_boolean(restock)) {
        tg_reply_problem(q, 400, "restock", "\"restock\" must be true or false.");
        return false;
    }
    ask->restock = json_is_true(restock);
    return read_lines(q, json_object_get(body, "lines"), ask) &&
           read_amount(q, json_object_get(body, "amount"), ask) &&
           tg_req_text(q, body, "reason", ask->reason, sizeof(ask->reason), false) &&
           tg_req_text(q, body, "carrier", ask->carrier, sizeof(ask->carrier), false) &&
           tg_req_text(q, body, "tracking", ask->tracking, sizeof(ask->tracking), false) &&
           tg_req_text(q, body, "location", ask->location, sizeof(ask->location), false);
}

static struct tg_order_ask *new_ask(struct tg_req *q)
{
    struct tg_order_ask *ask = tg_calloc(1, sizeof(*ask));

    if (ask == NULL)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    else
        ask->amount = -1;
    return ask;
}

/* Takes what is asked; the path names the order or payment. */
static void ask_sale(struct tg_req *q, enum tg_sale_what what, const char *key,
                     struct tg_order_ask *take_ask)
{
    struct tg_sale_req *msg = tg_req_sale(q, what);

    if (msg == NULL) {
        tg_free(take_ask);
        return;
    }
    msg->order = take_ask;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    tg_req_ask_sale(q, msg);
}

static void ask_order(struct tg_req *q, enum tg_sale_what what)
{
    char key[TG_SKU_MAX + 1];
    struct tg_order_ask *ask;
    json_t *body = NULL;
    bool ok;

    if (!object_id(q, key, sizeof(key), "order"))
        return;
    if (q->body.len > 0) {
        body = tg_req_json(q);
        if (body == NULL)
            return;
    }
    ask = new_ask(q);
    ok = ask != NULL && (body == NULL || read_ask(q, body, ask));
    json_decref(body);
    if (ok)
        ask_sale(q, what, key, ask);
    else
        tg_free(ask);
}

void tg_h_order_cancel(struct tg_req *q)
{
    ask_order(q, TG_SALE_CANCEL);
}

void tg_h_order_fulfil(struct tg_req *q)
{
    ask_order(q, TG_SALE_FULFIL);
}

void tg_h_order_return(struct tg_req *q)
{
    ask_order(q, TG_SALE_RETURN);
}

void tg_h_order_refund(struct tg_req *q)
{
    ask_order(q, TG_SALE_REFUND);
}

void tg_h_order_note(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];
    struct tg_order_ask *ask;
    json_t *body;
    bool ok;

    if (!object_id(q, key, sizeof(key), "order"))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    ask = new_ask(q);
    ok = ask != NULL && tg_req_text(q, body, "text", ask->reason, sizeof(ask->reason), true);
    json_decref(body);
    if (ok)
        ask_sale(q, TG_SALE_NOTE, key, ask);
    else
        tg_free(ask);
}

void tg_h_payment_retry(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];

    if (object_id(q, key, sizeof(key), "payment"))
        ask_sale(q, TG_SALE_RETRY, key, NULL);
}

/* The number of a question to the provider; absent: 0. */
static bool read_intent(struct tg_req *q, const json_t *intent, uint32_t *ret)
{
    if (intent != NULL && (!json_is_integer(intent) || json_integer_value(intent) < 1 ||
                           json_integer_value(intent) > TG_INTENTS_MAX)) {
        tg_reply_problem(q, 400, "intent", "\"intent\" must be the number of a question.");
        return false;
    }
    *ret = (uint32_t)json_integer_value(intent);
    return true;
}

void tg_h_payment_give_up(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];
    struct tg_order_ask *ask;
    json_t *body;
    bool ok;

    if (!object_id(q, key, sizeof(key), "payment"))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    ask = new_ask(q);
    ok = ask != NULL && read_intent(q, json_object_get(body, "intent"), &ask->intent) &&
         tg_req_text(q, body, "reason", ask->reason, sizeof(ask->reason), true);
    json_decref(body);
    if (ok)
        ask_sale(q, TG_SALE_GIVE_UP, key, ask);
    else
        tg_free(ask);
}

/* --- the sandbox --- */

/*
 * A provider's page has no login: the unguessable payment id is the permission. The idempotency key
 * is then scoped to the payment, as if it were a person ("x" + hash).
 */
static void payment_person(struct tg_person *who, const char *payment)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_Digest(payment, strlen(payment), hash, &len, EVP_sha256(), NULL) != 1)
        memset(hash, 0, sizeof(hash)); /* out of memory: one shared scope */
    who->id[0] = 'x';
    tg_b64url_encode(who->id + 1, sizeof(who->id) - 1, hash, 16);
}

static bool read_news(struct tg_req *q, json_t *body, struct tg_order_ask *ask)
{
    return tg_req_text(q, body, "news", ask->news, sizeof(ask->news), true) &&
           tg_req_text(q, body, "reference", ask->reference, sizeof(ask->reference), true) &&
           tg_req_text(q, body, "operation", ask->operation, sizeof(ask->operation), false) &&
           read_amount(q, json_object_get(body, "amount"), ask) &&
           read_intent(q, json_object_get(body, "intent"), &ask->intent);
}

/* What a provider's webhook would say; the Idempotency-Key is its event id. */
static void tell_news(struct tg_req *q, const char *key, json_t *body)
{
    struct tg_order_ask *ask = new_ask(q);
    struct tg_sale_req *msg = NULL;

    if (ask != NULL && read_news(q, body, ask))
        msg = tg_req_sale(q, TG_SALE_NEWS);
    if (msg == NULL) {
        tg_free(ask);
        return;
    }
    msg->order = ask;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    payment_person(&msg->who, key);
    tg_req_ask_sale(q, msg);
}

static void tell_verdict(struct tg_req *q, const char *key, const json_t *paid)
{
    struct tg_sale_req *msg;

    if (!json_is_boolean(paid)) {
        tg_reply_problem(q, 400, "paid", "\"paid\" must be true or false.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_PAY);
    if (msg == NULL)
        return;
    msg->flag = json_is_true(paid);
    tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    payment_person(&msg->who, key);
    tg_req_ask_sale(q, msg);
}

void tg_h_payment_sandbox(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];
    json_t *body;

    if (!q->w->web->cfg.sandbox) {
        tg_reply_problem(q, 404, NULL, "The sandbox payment provider is switched off.");
        return;
    }
    if (!object_id(q, key, sizeof(key), "payment"))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    if (json_object_get(body, "news") != NULL)
        tell_news(q, key, body);
    else
        tell_verdict(q, key, json_object_get(body, "paid"));
    json_decref(body);
}
