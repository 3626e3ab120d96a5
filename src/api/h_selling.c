/* How a show sells: its rules, what it says of single SKUs, purchase windows, staff sale. */
#include <string.h>

#include "api/req.h"

#include "base/str.h"

enum { SECONDS_MAX = 86400, MS_MAX = 60000, UNITS_MAX = TG_STOCK_MAX, NUMBER_MAX = 999999999 };
/* Media time in ms: a hundred years after the show was made. */
#define MEDIA_MS_MAX ((int64_t)100 * 366 * 86400 * 1000)

/* A whole number or absent; false: a problem was answered. */
static bool get_int(struct tg_req *q, json_t *body, const char *field, int64_t max, int64_t absent,
                    int64_t *ret)
{
    const json_t *value = json_object_get(body, field);
    char detail[128];
    int64_t number;

    *ret = absent;
    if (value == NULL || json_is_null(value))
        return true;
    number = json_integer_value(value);
    if (json_is_integer(value) && number >= 0 && number <= max) {
        *ret = number;
        return true;
    }
    tg_str_printf(detail, sizeof(detail), "\"%s\" must be a whole number from 0 to %lld.", field,
                  (long long)max);
    tg_reply_problem(q, 400, field, detail);
    return false;
}

static bool get_int32(struct tg_req *q, json_t *body, const char *field, int64_t max, int32_t *ret)
{
    int64_t value;

    if (!get_int(q, body, field, max, 0, &value))
        return false;
    *ret = (int32_t)value; /* every max here fits */
    return true;
}

static bool get_bool(struct tg_req *q, json_t *body, const char *field, bool needed, bool *ret)
{
    const json_t *value = json_object_get(body, field);
    char detail[64];

    *ret = json_is_true(value);
    if (json_is_boolean(value) || (!needed && (value == NULL || json_is_null(value))))
        return true;
    tg_str_printf(detail, sizeof(detail), "\"%s\" must be true or false.", field);
    tg_reply_problem(q, 400, field, detail);
    return false;
}

/* A request to sale for the path's show, which the token must be for; NULL: it was answered. */
static struct tg_sale_req *show_request(struct tg_req *q, enum tg_op_kind kind)
{
    struct tg_show_info show;
    struct tg_sale_req *msg;

    if (!tg_req_show(q, &show))
        return NULL;
    if (!tg_auth_may(&q->auth, show.ord, 0)) {
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
        return NULL;
    }
    msg = tg_req_sale(q, TG_SALE_OP);
    if (msg == NULL)
        return NULL;
    msg->show = show.ord;
    msg->op.kind = kind;
    return msg;
}

/* The path's SKU; false: there cannot be one like it. */
static bool path_sku(struct tg_req *q, char out[TG_SKU_MAX + 1])
{
    struct tg_span sku = tg_req_param(q, 1);

    if (sku.len > 0 && tg_utf8_printable((const char *)sku.data, sku.len) &&
        tg_str_copy(out, TG_SKU_MAX + 1, (const char *)sku.data, sku.len) == TG_OK)
        return true;
    tg_reply_problem(q, 404, "sku", "There is no product with this SKU.");
    return false;
}

/* With the body read: the message goes, or has been answered. */
static void finish(struct tg_req *q, struct tg_sale_req *msg, json_t *body, bool ok)
{
    json_decref(body);
    if (ok)
        tg_req_ask_sale(q, msg);
    else
        tg_msg_free(msg);
}

void tg_h_show_rules(struct tg_req *q)
{
    struct tg_sale_req *msg = show_request(q, TG_OP_SHOW_LOOK);

    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}

void tg_h_show_rules_put(struct tg_req *q)
{
    struct tg_sale_req *msg;
    json_t *body = tg_req_json(q);
    bool ok;

    if (body == NULL)
        return;
    msg = show_request(q, TG_OP_RULES);
    if (msg == NULL) {
        json_decref(body);
        return;
    }
    ok = get_bool(q, body, "first_paid", false, &msg->op.u.rules.first_paid) &&
         get_bool(q, body, "waiting", false, &msg->op.u.rules.waiting) &&
         get_bool(q, body, "comments", false, &msg->op.u.rules.comments) &&
         get_bool(q, body, "comment_bare", false, &msg->op.u.rules.comment_bare) &&
         tg_req_text(q, body, "comment_word", msg->op.u.rules.comment_word,
                     sizeof(msg->op.u.rules.comment_word), false) &&
         get_int(q, body, "hold_s", SECONDS_MAX, 0, &msg->op.u.rules.hold_s) &&
         get_int(q, body, "turn_s", SECONDS_MAX, 0, &msg->op.u.rules.turn_s) &&
         get_int32(q, body, "person_units", UNITS_MAX, &msg->op.u.rules.person_units) &&
         get_int32(q, body, "lag_ms", MS_MAX, &msg->op.u.rules.lag_ms);
    finish(q, msg, body, ok);
}

void tg_h_show_items(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_read_req *msg;

    if (!tg_req_show(q, &show))
        return;
    if (!tg_auth_may(&q->auth, show.ord, 0)) {
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
        return;
    }
    msg = tg_req_read(q, TG_READ_SHOW_ITEMS);
    if (msg == NULL)
        return;
    msg->show = show.ord;
    tg_req_ask_read(q, msg);
}

/* GET and DELETE: nothing but the SKU. */
static void item_request(struct tg_req *q, enum tg_op_kind kind)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;

    if (!path_sku(q, sku))
        return;
    msg = show_request(q, kind);
    if (msg == NULL)
        return;
    memcpy(msg->op.u.item.sku, sku, sizeof(sku));
    msg->op.u.item.from_ms = -1;
    msg->op.u.item.until_ms = -1;
    tg_req_ask_sale(q, msg);
}

void tg_h_show_item(struct tg_req *q)
{
    item_request(q, TG_OP_SHOW_LOOK);
}

void tg_h_show_item_delete(struct tg_req *q)
{
    item_request(q, TG_OP_ITEM);
}

void tg_h_show_item_put(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;
    int64_t number = 0;
    json_t *body;
    bool ok;

    if (!path_sku(q, sku))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    msg = show_request(q, TG_OP_ITEM);
    if (msg == NULL) {
        json_decref(body);
        return;
    }
    memcpy(msg->op.u.item.sku, sku, sizeof(sku));
    ok = get_int(q, body, "number", NUMBER_MAX, 0, &number) &&
         get_int32(q, body, "units_max", UNITS_MAX, &msg->op.u.item.units_max) &&
         get_int32(q, body, "person_max", UNITS_MAX, &msg->op.u.item.person_max) &&
         get_int(q, body, "from", MEDIA_MS_MAX, -1, &msg->op.u.item.from_ms) &&
         get_int(q, body, "until", MEDIA_MS_MAX, -1, &msg->op.u.item.until_ms) &&
         get_bool(q, body, "show_only", false, &msg->op.u.item.show_only);
    if (ok)
        msg->op.u.item.number = (uint32_t)number;
    finish(q, msg, body, ok);
}

void tg_h_show_window(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;
    json_t *body;
    bool ok;

    if (!path_sku(q, sku))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    msg = show_request(q, TG_OP_WINDOW);
    if (msg == NULL) {
        json_decref(body);
        return;
    }
    memcpy(msg->op.u.window.sku, sku, sizeof(sku));
    ok = get_bool(q, body, "open", true, &msg->op.u.window.open) &&
         get_int32(q, body, "for_s", SECONDS_MAX, &msg->op.u.window.for_s);
    finish(q, msg, body, ok);
}

/* "p" and base64url, as people have it. */
static bool buyer_ok(struct tg_req *q, const char *person)
{
    bool ok = person[0] == '\0' || person[0] == 'p';

    for (const char *c = person; ok && *c != '\0'; c++)
        ok = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
             *c == '-' || *c == '_';
    if (!ok)
        tg_reply_problem(q, 400, "person", "\"person\" must be a buyer's person id.");
    return ok;
}

void tg_h_show_sale(struct tg_req *q)
{
    struct tg_sale_req *msg;
    json_t *body = tg_req_json(q);
    int64_t qty = 1;
    bool ok;

    if (body == NULL)
        return;
    msg = show_request(q, TG_OP_SELL);
    if (msg == NULL) {
        json_decref(body);
        return;
    }
    ok = tg_req_text(q, body, "sku", msg->op.u.sell.sku, sizeof(msg->op.u.sell.sku), true) &&
         get_int(q, body, "qty", TG_QTY_MAX, 1, &qty) &&
         get_int(q, body, "price", INT64_MAX, -1, &msg->op.u.sell.price) &&
         tg_req_text(q, body, "name", msg->op.u.sell.name, sizeof(msg->op.u.sell.name), true) &&
         tg_req_text(q, body, "person", msg->op.u.sell.person, sizeof(msg->op.u.sell.person),
                     false) &&
         buyer_ok(q, msg->op.u.sell.person) &&
         tg_req_text(q, body, "code", msg->op.u.sell.code, sizeof(msg->op.u.sell.code), false) &&
         tg_req_text(q, body, "location", msg->op.u.sell.location, sizeof(msg->op.u.sell.location),
                     false) &&
         get_bool(q, body, "back_order", false, &msg->op.u.sell.back_order);
    if (ok)
        msg->op.u.sell.qty = (int32_t)qty;
    finish(q, msg, body, ok);
}
