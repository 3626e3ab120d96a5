/* Prices of variants and discount codes: staff's side of money. */
#include <string.h>

#include "api/channel_parse.h"
#include "api/req.h"
#include "base/alloc.h"
#include "base/str.h"
#include "msg/code.h"

/* Sentinels of tg_sale_req.price, see msg/sale.h. */
enum { AS_IS = -2, NONE = -1 };

/* --- prices --- */

/* {"amount","currency"}; absent leaves it, null takes it away (when it may be). */
static bool read_money(struct tg_req *q, const json_t *body, const char *field, int64_t *ret,
                       char currency[4])
{
    const json_t *value = json_object_get(body, field);
    const json_t *amount = json_object_get(value, "amount");
    const char *code = json_string_value(json_object_get(value, "currency"));

    *ret = AS_IS;
    if (value == NULL)
        return true;
    *ret = NONE;
    if (json_is_null(value))
        return true;
    if (!json_is_integer(amount) || json_integer_value(amount) < 0 || code == NULL ||
        strlen(code) != 3)
        return tg_req_wrong(q, field, "an amount (minor units) and a currency");
    if (currency[0] != '\0' && strcmp(currency, code) != 0)
        return tg_req_wrong(q, field, "in the same currency as the rest");
    tg_str_cut(currency, 4, code);
    *ret = json_integer_value(amount);
    return true;
}

static bool read_prices(struct tg_req *q, const json_t *body, struct tg_sale_req *msg)
{
    const json_t *currency = json_object_get(body, "currency");
    const char *code = json_string_value(currency);

    if (currency != NULL && (code == NULL || strlen(code) != 3))
        return tg_req_wrong(q, "currency", "an ISO 4217 code, like NOK");
    if (code != NULL)
        tg_str_cut(msg->price.currency, sizeof(msg->price.currency), code);
    if (!read_money(q, body, "price", &msg->price.amount, msg->price.currency) ||
        !read_money(q, body, "compare_at", &msg->price.compare_at, msg->price.currency))
        return false;
    if (msg->price.amount == AS_IS && msg->price.compare_at == AS_IS)
        return tg_req_wrong(q, "price", "given, or compare_at");
    return true;
}

static struct tg_sale_req *price_request(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;

    if (!tg_req_key(q, sku, sizeof(sku), "variant"))
        return NULL;
    msg = tg_req_sale(q, TG_SALE_LIST_PRICE);
    if (msg == NULL)
        return NULL;
    tg_str_cut(msg->key, sizeof(msg->key), sku);
    msg->price.amount = AS_IS;
    msg->price.compare_at = AS_IS;
    return msg;
}

void tg_h_prices(struct tg_req *q)
{
    struct tg_sale_req *msg = price_request(q);

    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}

void tg_h_prices_patch(struct tg_req *q)
{
    char if_match[TG_IF_MATCH_MAX + 1];
    struct tg_sale_req *msg;
    json_t *body;

    if (q->if_match[0] == '\0' && !q->if_match_long) {
        tg_reply_problem(q, 428, "If-Match",
                         "Send If-Match with the ETag of the prices that you saw, or *.");
        return;
    }
    if (q->if_match_long || tg_if_match_parse(if_match, sizeof(if_match), q->if_match) != TG_OK ||
        strlen(if_match) >= sizeof(msg->price.if_match)) {
        tg_reply_problem(q, 400, "If-Match", "If-Match is * or an ETag as it came.");
        return;
    }
    body = tg_req_json(q);
    if (body == NULL)
        return;
    msg = price_request(q);
    if (msg != NULL && read_prices(q, body, msg)) {
        tg_str_cut(msg->price.if_match, sizeof(msg->price.if_match), if_match);
        tg_req_ask_sale(q, msg);
    } else {
        tg_msg_free(msg);
    }
    json_decref(body);
}

/* --- codes --- */

static bool read_int(struct tg_req *q, const json_t *body, const char *field, int64_t max,
                     int64_t *ret)
{
    const json_t *value = json_object_get(body, field);

    *ret = 0;
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return tg_req_wrong(q, field, "a whole number, not below 0 and not too large");
    *ret = json_integer_value(value);
    return true;
}

static bool read_limit(struct tg_req *q, const json_t *body, const char *field, int32_t *ret)
{
    int64_t value;

    if (!read_int(q, body, field, INT32_MAX, &value))
        return false;
    *ret = (int32_t)value;
    return true;
}

static bool read_when(struct tg_req *q, json_t *body, const char *field, tg_us *ret)
{
    char text[40];

    if (json_is_null(json_object_get(body, field)))
        return true;
    if (!tg_req_text(q, body, field, text, sizeof(text), false))
        return false;
    if (text[0] == '\0')
        return true;
    *ret = tg_time_parse(text);
    return *ret >= 0 || tg_req_wrong(q, field, "a time like 2026-11-22T20:00:00Z");
}

/* A list of texts of at most size - 1 bytes each. */
static bool read_texts(struct tg_req *q, const json_t *body, const char *field, char *out,
                       size_t size)
{
    const json_t *list = json_object_get(body, field);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        size_t len = json_string_length(item);

        if (!json_is_string(item) || len == 0 || !tg_utf8_printable(json_string_value(item), len) ||
            tg_str_copy(out + i * size, size, json_string_value(item), len) != TG_OK)
            return tg_req_wrong(q, field, "a list of texts");
    }
    return true;
}

static bool read_show(struct tg_req *q, json_t *body, struct tg_code_def *def)
{
    struct tg_show_info show;

    if (json_is_null(json_object_get(body, "show")))
        return true;
    if (!tg_req_text(q, body, "show", def->show_id, sizeof(def->show_id), false))
        return false;
    if (def->show_id[0] == '\0')
        return true;
    if (tg_registry_show_get(q->w->web->cfg.registry, def->show_id, strlen(def->show_id), &show) !=
        TG_OK) {
        tg_reply_problem(q, 404, "show", "There is no show with this id.");
        return false;
    }
    def->show = show.ord;
    return true;
}

static bool given(const json_t *body, const char *field)
{
    const json_t *value = json_object_get(body, field);

    return value != NULL && !json_is_null(value);
}

/* What the code takes off: one of percent_bp and amount. */
static bool read_worth(struct tg_req *q, const json_t *body, struct tg_code_def *def)
{
    bool percent = given(body, "percent_bp");
    int64_t bp;

    if (percent == given(body, "amount"))
        return tg_req_wrong(q, "percent_bp", "given, or amount, and not both");
    def->percent = percent;
    if (!read_int(q, body, "percent_bp", 10000, &bp) ||
        !read_int(q, body, "amount", INT64_MAX, &def->amount) ||
        !read_int(q, body, "minimum", INT64_MAX, &def->minimum))
        return false;
    def->bp = (int32_t)bp;
    return true;
}

static bool read_def(struct tg_req *q, json_t *body, struct tg_code_def *def)
{
    const json_t *combinable = json_object_get(body, "combinable");

    if (combinable != NULL && !json_is_boolean(combinable))
        return tg_req_wrong(q, "combinable", "true or false");
    def->combinable = json_is_true(combinable);
    return read_worth(q, body, def) &&
           tg_req_text(q, body, "currency", def->currency, sizeof(def->currency), false) &&
           read_show(q, body, def) && read_limit(q, body, "person_max", &def->person_max) &&
           read_limit(q, body, "uses_max", &def->uses_max) &&
           read_when(q, body, "from", &def->from_wall_us) &&
           read_when(q, body, "until", &def->until_wall_us) &&
           read_texts(q, body, "skus", def->skus[0], sizeof(def->skus[0])) &&
           read_texts(q, body, "persons", def->persons[0], sizeof(def->persons[0]));
}

/* NULL: a problem was answered. */
static struct tg_code_def *new_def(struct tg_req *q, const json_t *body)
{
    const json_t *skus = json_object_get(body, "skus");
    const json_t *persons = json_object_get(body, "persons");
    struct tg_code_def *def;

    if ((skus != NULL && !json_is_array(skus)) || json_array_size(skus) > TG_CODE_LIST_MAX) {
        (void)tg_req_wrong(q, "skus", "a list of at most 500");
        return NULL;
    }
    if ((persons != NULL && !json_is_array(persons)) ||
        json_array_size(persons) > TG_CODE_LIST_MAX) {
        (void)tg_req_wrong(q, "persons", "a list of at most 500");
        return NULL;
    }
    def = tg_code_def_new(json_array_size(skus), json_array_size(persons));
    if (def == NULL)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    return def;
}

/* The body as a code; its name is in the body, or (fixed) in the path. Body and fixed are borrowed.
 */
static void ask_code(struct tg_req *q, enum tg_sale_what what, const char *fixed)
{
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg = NULL;
    struct tg_code_def *def = body == NULL ? NULL : new_def(q, body);
    bool ok = def != NULL && read_def(q, body, def);

    if (ok && fixed == NULL)
        ok = tg_req_text(q, body, "code", def->code, sizeof(def->code), true);
    else if (ok)
        tg_str_cut(def->code, sizeof(def->code), fixed);
    json_decref(body);
    msg = ok ? tg_req_sale(q, what) : NULL;
    if (msg == NULL) {
        tg_free(def);
        return;
    }
    msg->code = def;
    tg_req_ask_sale(q, msg);
}

void tg_h_code_create(struct tg_req *q)
{
    ask_code(q, TG_SALE_CODE_NEW, NULL);
}

void tg_h_code_put(struct tg_req *q)
{
    char code[33];

    if (tg_req_key(q, code, sizeof(code), "code"))
        ask_code(q, TG_SALE_CODE_SET, code);
}

void tg_h_code_end(struct tg_req *q)
{
    char code[33];
    struct tg_sale_req *msg;

    if (!tg_req_key(q, code, sizeof(code), "code"))
        return;
    msg = tg_req_sale(q, TG_SALE_CODE_END);
    if (msg == NULL)
        return;
    tg_str_cut(msg->key, sizeof(msg->key), code);
    tg_req_ask_sale(q, msg);
}

void tg_h_codes(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_CODES);

    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

void tg_h_code(struct tg_req *q)
{
    char code[33];
    struct tg_read_req *msg;

    if (!tg_req_key(q, code, sizeof(code), "code"))
        return;
    msg = tg_req_read(q, TG_READ_CODE);
    if (msg == NULL)
        return;
    tg_str_cut(msg->key, sizeof(msg->key), code);
    tg_req_ask_read(q, msg);
}
