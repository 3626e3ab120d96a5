/* Flash prices and the waiting list over HTTP: the show channel's operations, by path. */
#include <string.h>

#include "api/req.h"
#include "base/str.h"

/* The path's SKU into the operation; false: 404 was answered. */
static bool set_sku(struct tg_req *q, json_t *body)
{
    char sku[TG_SKU_MAX + 1];

    if (!tg_req_key(q, sku, sizeof(sku), "variant"))
        return false;
    if (json_object_set_new(body, "sku", json_string(sku)) == 0)
        return true;
    tg_reply_problem(q, 404, "sku", "There is no such variant."); /* no UTF-8, too */
    return false;
}

static void no_memory(struct tg_req *q)
{
    tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
}

/* --- flash prices --- */

/* {"price": {"amount","currency"}} as the channel's amount; the currency is checked by sale, who
 * knows the shop's. */
static bool read_amount(struct tg_req *q, json_t *body, char currency[4])
{
    json_t *price = json_object_get(body, "price");
    json_t *amount = json_object_get(price, "amount");
    const char *code = json_string_value(json_object_get(price, "currency"));

    if (!json_is_integer(amount) || json_integer_value(amount) <= 0 || code == NULL ||
        strlen(code) != 3)
        return tg_req_wrong(q, "price", "an amount (minor units, above 0) and a currency");
    tg_str_cut(currency, 4, code);
    if (json_object_set(body, "amount", amount) == 0 && json_object_del(body, "price") == 0)
        return true;
    no_memory(q);
    return false;
}

void tg_h_flash(struct tg_req *q)
{
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg = NULL;
    char currency[4];

    if (body == NULL)
        return;
    if (read_amount(q, body, currency) && set_sku(q, body))
        msg = tg_req_op(q, body, "price");
    json_decref(body);
    if (msg == NULL)
        return;
    tg_str_cut(msg->price.currency, sizeof(msg->price.currency), currency);
    tg_req_ask_sale(q, msg);
}

void tg_h_flash_end(struct tg_req *q)
{
    json_t *body = json_object();
    struct tg_sale_req *msg = NULL;

    if (body == NULL) {
        no_memory(q);
        return;
    }
    if (set_sku(q, body))
        msg = tg_req_op(q, body, "price");
    json_decref(body);
    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}

/* --- the waiting list --- */

void tg_h_waiting(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_read_req *msg;

    if (!tg_req_key(q, sku, sizeof(sku), "variant"))
        return;
    msg = tg_req_read(q, TG_READ_WAITING);
    if (msg == NULL)
        return;
    tg_str_cut(msg->key, sizeof(msg->key), sku);
    tg_req_ask_read(q, msg);
}

void tg_h_waiting_come(struct tg_req *q)
{
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg = NULL;
    uint16_t show;

    if (body == NULL)
        return;
    if (tg_req_body_show(q, body, &show) && set_sku(q, body))
        msg = tg_req_op(q, body, "wait");
    json_decref(body);
    if (msg == NULL)
        return;
    msg->show = show;
    msg->op.u.wait.leave = false; /* that is DELETE's */
    tg_req_ask_sale(q, msg);
}

void tg_h_waiting_leave(struct tg_req *q)
{
    json_t *body = json_pack("{s:b}", "leave", 1);
    struct tg_sale_req *msg = NULL;

    if (body == NULL) {
        no_memory(q);
        return;
    }
    if (set_sku(q, body))
        msg = tg_req_op(q, body, "wait");
    json_decref(body);
    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}
