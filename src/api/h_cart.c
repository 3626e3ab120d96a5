/*
 * The cart over HTTP, and buying without a socket. "mine" is whoever the bearer token or the cookie
 * says: staff, or an anonymous viewer by the resume secret. Customers with accounts (a later part)
 * come in the same way, as a person id of their own in q->auth; merging is how their cart gets
 * there.
 */
#include <string.h>

#include "api/channel_parse.h"
#include "api/req.h"
#include "base/str.h"

struct tg_sale_req *tg_req_op(struct tg_req *q, json_t *body, const char *op)
{
    struct tg_channel_error error;
    struct tg_sale_req *msg = tg_req_sale(q, TG_SALE_OP);
    json_malloc_t alloc_fn;
    json_free_t free_fn;
    char *text = NULL;
    tg_err err = TG_ERR_NOMEM;

    if (msg == NULL)
        return NULL;
    if (json_object_set_new(body, "op", json_string(op)) == 0 &&
        json_object_set_new(body, "id",
                            json_string(q->idempotency[0] == '\0' ? "-" : q->idempotency)) == 0)
        text = json_dumps(body, JSON_COMPACT);
    if (text != NULL)
        err = tg_channel_parse(&msg->op, text, strlen(text), &error);
    json_get_alloc_funcs(&alloc_fn, &free_fn);
    free_fn(text);
    if (err == TG_OK)
        return msg;
    tg_msg_free(msg);
    if (err == TG_ERR_NOMEM)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    else
        tg_reply_problem(q, 400, error.field[0] == '\0' ? NULL : error.field, error.message);
    return NULL;
}

/* Where it is bought; a token of one show buys there. False: a problem was answered. */
static bool find_show(struct tg_req *q, const char *id, uint16_t *ret)
{
    struct tg_show_info show;

    *ret = q->auth.one_show ? q->auth.show : UINT16_MAX;
    if (id[0] == '\0')
        return true;
    if (tg_registry_show_get(q->w->web->cfg.registry, id, strlen(id), &show) != TG_OK) {
        tg_reply_problem(q, 404, "show", "There is no show with this id.");
        return false;
    }
    if (q->auth.one_show && q->auth.show != show.ord) {
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
        return false;
    }
    *ret = show.ord;
    return true;
}

bool tg_req_body_show(struct tg_req *q, json_t *body, uint16_t *ret)
{
    char id[TG_SHOW_ID_MAX + 1];

    return tg_req_text(q, body, "show", id, sizeof(id), false) && find_show(q, id, ret);
}

static bool query_show(struct tg_req *q, uint16_t *ret)
{
    char id[TG_SHOW_ID_MAX + 1];

    return tg_req_query(q, "show", id, sizeof(id)) && find_show(q, id, ret);
}

static void ask_op(struct tg_req *q, const char *op)
{
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg;
    uint16_t show;

    if (body == NULL)
        return;
    msg = tg_req_body_show(q, body, &show) ? tg_req_op(q, body, op) : NULL;
    json_decref(body);
    if (msg == NULL)
        return;
    msg->show = show;
    tg_req_ask_sale(q, msg);
}

void tg_h_order_buy(struct tg_req *q)
{
    ask_op(q, "buy");
}

void tg_h_cart_checkout(struct tg_req *q)
{
    ask_op(q, "checkout");
}

void tg_h_cart(struct tg_req *q)
{
    struct tg_sale_req *msg = tg_req_sale(q, TG_SALE_CART);
    char currency[8];

    if (msg == NULL)
        return;
    if (!query_show(q, &msg->show) || !tg_req_query(q, "code", msg->text, TG_OP_CODES_SIZE) ||
        !tg_req_query(q, "currency", currency, sizeof(currency))) {
        tg_msg_free(msg);
        return;
    }
    if (strlen(currency) != 0 && strlen(currency) != 3) {
        tg_msg_free(msg);
        tg_reply_problem(q, 400, "currency", "\"currency\" must be an ISO 4217 code, like NOK.");
        return;
    }
    tg_str_cut(msg->price.currency, sizeof(msg->price.currency), currency);
    tg_req_ask_sale(q, msg);
}

/* The path's SKU instead of one in the body. */
static void set_line(struct tg_req *q, json_t *body)
{
    struct tg_span sku = tg_req_param(q, 0);
    struct tg_sale_req *msg = NULL;
    json_t *text = json_stringn((const char *)sku.data, sku.len);

    if (text == NULL) /* not UTF-8 */
        tg_reply_problem(q, 404, "sku", "There is no such product.");
    else if (json_object_set_new(body, "sku", text) != 0)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    else
        msg = tg_req_op(q, body, "cart.set");
    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}

void tg_h_cart_line_put(struct tg_req *q)
{
    json_t *body = tg_req_json(q);

    if (body != NULL)
        set_line(q, body);
    json_decref(body);
}

void tg_h_cart_line_delete(struct tg_req *q)
{
    json_t *body = json_pack("{s:i}", "qty", 0);

    if (body == NULL)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    else
        set_line(q, body);
    json_decref(body);
}

/* Who shows another person's resume secret is that person too. */
void tg_h_cart_merge(struct tg_req *q)
{
    char token[TG_TOKEN_SIZE];
    char person[TG_PERSON_SIZE];
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg;
    bool ok;

    if (body == NULL)
        return;
    ok = tg_req_text(q, body, "token", token, sizeof(token), true);
    json_decref(body);
    if (!ok)
        return;
    if (tg_resume_person(person, token, strlen(token)) != TG_OK) {
        tg_reply_problem(q, 400, "token",
                         "\"token\" must be the resume secret (tp_...) of the cart's owner.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_CART_MERGE);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", person);
    tg_req_ask_sale(q, msg);
}
