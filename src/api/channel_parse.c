#include "api/channel_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    DEPTH_MAX = 8,
    MUTE_SECONDS_DEFAULT = 600,
    MUTE_SECONDS_MAX = 86400,
    WINDOW_SECONDS_MAX = 86400
};

/* One frame being read. The first complaint wins; after it every getter does nothing. */
struct reader {
    json_t *root;
    struct tg_channel_error *error;
    bool bad;
};

static void TG_PRINTF(3, 4) complain(struct reader *r, const char *field, const char *fmt, ...)
{
    va_list args;

    if (r->bad)
        return;
    r->bad = true;
    tg_str_cut(r->error->field, sizeof(r->error->field), field);
    va_start(args, fmt);
    (void)vsnprintf(r->error->message, sizeof(r->error->message), fmt, args); /* cut is fine */
    va_end(args);
}

/* The field's value; NULL when absent or null, with a complaint when it was required. */
static const json_t *field(struct reader *r, const char *name, bool required)
{
    const json_t *value;

    if (r->bad)
        return NULL;
    value = json_object_get(r->root, name);
    if (value != NULL && !json_is_null(value))
        return value;
    if (required)
        complain(r, name, "The field \"%s\" is missing.", name);
    return NULL;
}

enum text_rule { REQUIRED = 1, MAY_BE_EMPTY = 2, ANY_CHARACTER = 4 };

/* A text of at most chars_max characters into out[size]; "" when absent. */
static void get_text(struct reader *r, const char *name, char *out, size_t size, size_t chars_max,
                     int rules)
{
    const json_t *value = field(r, name, (rules & REQUIRED) != 0);
    const char *text;
    size_t len;

    out[0] = '\0';
    if (value == NULL)
        return;
    if (!json_is_string(value)) {
        complain(r, name, "The field \"%s\" must be a text.", name);
        return;
    }
    text = json_string_value(value);
    len = json_string_length(value);
    if (len == 0 && (rules & MAY_BE_EMPTY) == 0) {
        complain(r, name, "The field \"%s\" must not be empty.", name);
        return;
    }
    if (tg_utf8_chars(text, len) > chars_max || tg_str_copy(out, size, text, len) != TG_OK) {
        complain(r, name, "The field \"%s\" must have at most %zu characters.", name, chars_max);
        out[0] = '\0';
        return;
    }
    if ((rules & ANY_CHARACTER) == 0 && !tg_utf8_printable(text, len))
        complain(r, name, "The field \"%s\" must not contain control characters.", name);
}

static int64_t get_int(struct reader *r, const char *name, int64_t min, int64_t max,
                       const int64_t *absent)
{
    const json_t *value = field(r, name, absent == NULL);
    int64_t number;

    if (value == NULL)
        return absent == NULL ? 0 : *absent;
    if (!json_is_integer(value)) {
        complain(r, name, "The field \"%s\" must be a whole number.", name);
        return 0;
    }
    number = json_integer_value(value);
    if (number < min || number > max) {
        complain(r, name, "The field \"%s\" must be between %lld and %lld.", name, (long long)min,
                 (long long)max);
        return 0;
    }
    return number;
}

static int64_t need_int(struct reader *r, const char *name, int64_t min, int64_t max)
{
    return get_int(r, name, min, max, NULL);
}

static int64_t get_int_or(struct reader *r, const char *name, int64_t min, int64_t max,
                          int64_t absent)
{
    return get_int(r, name, min, max, &absent);
}

static bool get_bool(struct reader *r, const char *name)
{
    const json_t *value = field(r, name, false);

    if (value != NULL && !json_is_boolean(value))
        complain(r, name, "The field \"%s\" must be true or false.", name);
    return value != NULL && json_is_true(value);
}

static void get_sku(struct reader *r, char out[TG_SKU_MAX + 1])
{
    get_text(r, "sku", out, TG_SKU_MAX + 1, TG_SKU_MAX, REQUIRED);
}

/* ISO 4217: three capital letters; "" when absent. */
static void get_currency(struct reader *r, char out[4])
{
    get_text(r, "currency", out, 4, 3, 0);
    if (r->bad || out[0] == '\0')
        return;
    if (strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        complain(r, "currency", "The field \"currency\" must be an ISO 4217 code, like NOK.");
}

/* Chat message ids are "c" and a decimal number without leading zeros. */
static void get_chat_id(struct reader *r, const char *name, char out[TG_CHAT_ID_SIZE], int rules)
{
    int64_t n;

    get_text(r, name, out, TG_CHAT_ID_SIZE, TG_CHAT_ID_SIZE - 1, rules);
    if (r->bad || out[0] == '\0')
        return;
    if (out[0] != 'c' || out[1] == '0' ||
        tg_parse_i64(&n, out + 1, strlen(out + 1), 1, INT64_MAX) != TG_OK)
        complain(r, name, "The field \"%s\" must be the id of a chat message, like \"c12\".", name);
}

/* --- times: RFC 3339 with "Z" or an offset -------------------------------------------------------
 */

/* Two or four digits; -1 when they are not. */
static int digits(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* "Z", "+hh:mm" or "-hh:mm" as minutes east of UTC. */
static bool parse_offset(int *ret_minutes, const char *text)
{
    int hours;
    int minutes;

    if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0') {
        *ret_minutes = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':')
        return false;
    hours = digits(text + 1, 2);
    minutes = digits(text + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

/* Microseconds since 1970; -1 when text is no RFC 3339 time (s5.6). A leap second counts as :59. */
int64_t tg_time_parse(const char *text)
{
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int offset;
    int64_t days;
    int64_t fraction_us = 0;

    if (strlen(text) < 20 || text[4] != '-' || text[7] != '-' ||
        (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
        return -1;
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
    hour = digits(text + 11, 2);
    minute = digits(text + 14, 2);
    second = digits(text + 17, 2);
    if (!tg_date_days(&days, year, month, day) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return -1;
    text += 19;
    if (*text == '.') {
        int64_t unit = 100000;

        if (digits(text + 1, 1) < 0)
            return -1;
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            fraction_us += (*text - '0') * unit;
    }
    if (!parse_offset(&offset, text))
        return -1;
    return (days * 86400 + hour * 3600 + minute * 60 + TG_MIN(second, 59) - (int64_t)offset * 60) *
               TG_US_PER_S +
           fraction_us;
}

static int64_t get_time(struct reader *r, const char *name)
{
    char text[40];
    int64_t wall_us;

    get_text(r, name, text, sizeof(text), sizeof(text) - 1, 0);
    if (r->bad || text[0] == '\0')
        return -1;
    wall_us = tg_time_parse(text);
    if (wall_us < 0)
        complain(r, name, "The field \"%s\" must be a time like 2026-11-22T20:00:00Z.", name);
    return wall_us;
}

/* --- operations ----------------------------------------------------------------------------------
 */

static bool id_is_valid(const char *text, size_t len)
{
    if (len < 1 || len > TG_OP_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

static void read_join(struct reader *r, struct tg_op *op)
{
    get_text(r, "name", op->u.join.name, sizeof(op->u.join.name), TG_NAME_MAX, MAY_BE_EMPTY);
    get_text(r, "token", op->u.join.token, sizeof(op->u.join.token), TG_TOKEN_SIZE - 1,
             MAY_BE_EMPTY);
    get_text(r, "source", op->u.join.source, sizeof(op->u.join.source), TG_SOURCE_MAX,
             MAY_BE_EMPTY);
    op->u.join.since = get_int_or(r, "since", 0, INT64_MAX, -1);
    get_text(r, "since_epoch", op->u.join.since_epoch, sizeof(op->u.join.since_epoch), TG_EPOCH_MAX,
             MAY_BE_EMPTY);
    get_text(r, "lang", op->u.join.lang, sizeof(op->u.join.lang), TG_LANG_SIZE - 1, MAY_BE_EMPTY);
    if (op->u.join.lang[0] != '\0' && !tg_lang_ok(op->u.join.lang, strlen(op->u.join.lang)))
        complain(r, "lang", "\"lang\" must be a language, as nb or sv-SE.");
}

static void read_chat(struct reader *r, struct tg_op *op)
{
    /* What may stand in a chat line is the show's rule, and its answer names the field, too. */
    get_text(r, "text", op->u.chat.text, sizeof(op->u.chat.text), TG_CHAT_MAX,
             REQUIRED | ANY_CHARACTER);
    get_chat_id(r, "reply_to", op->u.chat.reply_to, 0);
    op->u.chat.at = get_int_or(r, "at", 0, INT64_MAX, -1);
}

static void read_react(struct reader *r, struct tg_op *op)
{
    static const char *const kinds[TG_REACT_COUNT] = {"heart", "fire", "clap", "laugh", "wow"};
    char kind[16];
    size_t i;

    get_text(r, "kind", kind, sizeof(kind), sizeof(kind) - 1, REQUIRED);
    for (i = 0; i < TG_REACT_COUNT && strcmp(kind, kinds[i]) != 0;)
        i++;
    if (i == TG_REACT_COUNT)
        complain(r, "kind", "The field \"kind\" must be heart, fire, clap, laugh or wow.");
    else
        op->u.react.kind = (enum tg_react)i;
    op->u.react.n = (uint8_t)need_int(r, "n", 1, 50);
}

static void read_line(struct reader *r, struct tg_op *op)
{
    get_sku(r, op->u.line.sku);
    op->u.line.qty = (int32_t)need_int(r, "qty", op->kind == TG_OP_BUY ? 1 : 0, TG_QTY_MAX);
    op->u.line.price = -1;
    op->u.line.at = -1;
    if (op->kind != TG_OP_BUY)
        return;
    op->u.line.price = get_int_or(r, "price", 0, INT64_MAX, -1);
    op->u.line.total = get_int_or(r, "total", 0, INT64_MAX, -1);
    op->u.line.total_shown = op->u.line.total >= 0;
    op->u.line.at = get_int_or(r, "at", 0, INT64_MAX, -1);
    get_text(r, "code", op->u.line.code, sizeof(op->u.line.code), TG_OP_CODES_SIZE - 1,
             MAY_BE_EMPTY);
    get_currency(r, op->u.line.currency);
    get_text(r, "location", op->u.line.location, sizeof(op->u.line.location), 32, MAY_BE_EMPTY);
    op->u.line.back_order = get_bool(r, "back_order");
}

static void read_checkout_price(struct reader *r, struct tg_op *op, json_t *entry)
{
    struct reader line = {.root = entry, .error = r->error};
    uint32_t at = op->u.checkout.price_count;

    if (!json_is_object(entry)) {
        complain(r, "prices", "Each of \"prices\" must be an object with sku and amount.");
        return;
    }
    get_sku(&line, op->u.checkout.prices[at].sku);
    op->u.checkout.prices[at].amount = need_int(&line, "amount", 0, INT64_MAX);
    op->u.checkout.price_count++;
    r->bad = line.bad;
}

static void read_checkout(struct reader *r, struct tg_op *op)
{
    const json_t *prices;

    op->u.checkout.at = get_int_or(r, "at", 0, INT64_MAX, -1);
    op->u.checkout.total = get_int_or(r, "total", 0, INT64_MAX, -1);
    op->u.checkout.total_shown = op->u.checkout.total >= 0;
    get_text(r, "code", op->u.checkout.code, sizeof(op->u.checkout.code), TG_OP_CODES_SIZE - 1,
             MAY_BE_EMPTY);
    get_currency(r, op->u.checkout.currency);
    get_text(r, "location", op->u.checkout.location, sizeof(op->u.checkout.location), 32,
             MAY_BE_EMPTY);
    op->u.checkout.back_order = get_bool(r, "back_order");
    prices = field(r, "prices", false);
    if (prices == NULL)
        return;
    if (!json_is_array(prices) || json_array_size(prices) > TG_CART_LINES_MAX) {
        complain(r, "prices", "The field \"prices\" must be a list of at most %d lines.",
                 TG_CART_LINES_MAX);
        return;
    }
    for (size_t i = 0; i < json_array_size(prices) && !r->bad; i++)
        read_checkout_price(r, op, json_array_get(prices, i));
}

static void read_pin(struct reader *r, struct tg_op *op)
{
    get_sku(r, op->u.pin.sku);
}

static void read_price(struct reader *r, struct tg_op *op)
{
    get_sku(r, op->u.price.sku);
    op->u.price.amount = get_int_or(r, "amount", 0, INT64_MAX, -1);
    op->u.price.from_wall_us = get_time(r, "from");
    op->u.price.until_wall_us = get_time(r, "until");
    op->u.price.limit = (int32_t)get_int_or(r, "limit", 1, INT32_MAX, 0);
}

static void read_stock(struct reader *r, struct tg_op *op)
{
    const json_t *set = field(r, "set", false);
    const json_t *delta = field(r, "delta", false);

    get_sku(r, op->u.stock.sku);
    get_text(r, "location", op->u.stock.location, sizeof(op->u.stock.location), 32, MAY_BE_EMPTY);
    if ((set == NULL) == (delta == NULL)) {
        complain(r, "delta", "Give either \"delta\" or \"set\".");
        return;
    }
    op->u.stock.absolute = set != NULL;
    op->u.stock.value = (int32_t)(set != NULL ? need_int(r, "set", 0, INT32_MAX)
                                              : need_int(r, "delta", -INT32_MAX, INT32_MAX));
}

static void read_hide(struct reader *r, struct tg_op *op)
{
    get_chat_id(r, "message", op->u.moderate.message, REQUIRED);
    op->u.moderate.undo = get_bool(r, "undo");
}

static void read_mute(struct reader *r, struct tg_op *op)
{
    get_text(r, "person", op->u.moderate.person, sizeof(op->u.moderate.person),
             sizeof(op->u.moderate.person) - 1, REQUIRED);
    op->u.moderate.undo = get_bool(r, "undo");
    op->u.moderate.seconds =
        (int32_t)get_int_or(r, "seconds", 1, MUTE_SECONDS_MAX, MUTE_SECONDS_DEFAULT);
}

static void read_rehearse(struct reader *r, struct tg_op *op)
{
    (void)field(r, "on", true); /* complains when it is missing: no guess what was meant */
    op->u.rehearse.on = get_bool(r, "on");
}

static void read_wait(struct reader *r, struct tg_op *op)
{
    get_sku(r, op->u.wait.sku);
    op->u.wait.leave = get_bool(r, "leave");
    op->u.wait.qty = (int32_t)get_int_or(r, "qty", 1, TG_QTY_MAX, 1);
    op->u.wait.at = get_int_or(r, "at", 0, INT64_MAX, -1);
}

static void read_window(struct reader *r, struct tg_op *op)
{
    get_sku(r, op->u.window.sku);
    (void)field(r, "open", true); /* no guess what was meant */
    op->u.window.open = get_bool(r, "open");
    op->u.window.for_s = (int32_t)get_int_or(r, "for_s", 0, WINDOW_SECONDS_MAX, 0);
}

/* "p" and base64url; whether there is such a person nobody knows: people are made by buying. */
static void get_buyer(struct reader *r, const char *name, char *out, size_t size)
{
    get_text(r, name, out, size, size - 1, MAY_BE_EMPTY);
    if (r->bad || out[0] == '\0')
        return;
    if (out[0] != 'p' || !id_is_valid(out, strlen(out)))
        complain(r, name, "The field \"%s\" must be a buyer's person id.", name);
}

static void read_sell(struct reader *r, struct tg_op *op)
{
    get_sku(r, op->u.sell.sku);
    op->u.sell.qty = (int32_t)get_int_or(r, "qty", 1, TG_QTY_MAX, 1);
    op->u.sell.price = get_int_or(r, "price", 0, INT64_MAX, -1);
    get_text(r, "name", op->u.sell.name, sizeof(op->u.sell.name), TG_NAME_MAX, REQUIRED);
    get_buyer(r, "person", op->u.sell.person, sizeof(op->u.sell.person));
    get_text(r, "code", op->u.sell.code, sizeof(op->u.sell.code), 32, MAY_BE_EMPTY);
    get_text(r, "location", op->u.sell.location, sizeof(op->u.sell.location), 32, MAY_BE_EMPTY);
    op->u.sell.back_order = get_bool(r, "back_order");
}

struct op_row {
    const char *name;
    enum tg_op_kind kind;
    bool has_id;
    void (*read)(struct reader *r, struct tg_op *op); /* NULL = no further fields */
};

static const struct op_row rows[] = {
    {"join", TG_OP_JOIN, false, read_join},
    {"chat", TG_OP_CHAT, true, read_chat},
    {"react", TG_OP_REACT, false, read_react},
    {"buy", TG_OP_BUY, true, read_line},
    {"cart.set", TG_OP_CART_SET, true, read_line},
    {"checkout", TG_OP_CHECKOUT, true, read_checkout},
    {"pin", TG_OP_PIN, true, read_pin},
    {"unpin", TG_OP_UNPIN, true, read_pin},
    {"price", TG_OP_PRICE, true, read_price},
    {"stock", TG_OP_STOCK, true, read_stock},
    {"hide", TG_OP_HIDE, true, read_hide},
    {"mute", TG_OP_MUTE, true, read_mute},
    {"show.start", TG_OP_SHOW_START, true, NULL},
    {"show.end", TG_OP_SHOW_END, true, NULL},
    {"show.rehearse", TG_OP_SHOW_REHEARSE, true, read_rehearse},
    {"wait", TG_OP_WAIT, true, read_wait},
    {"window", TG_OP_WINDOW, true, read_window},
    {"sell", TG_OP_SELL, true, read_sell},
    {"ping", TG_OP_PING, true, NULL},
    /* In the contract, built in a later part. */
    {"ask", TG_OP_LATER, true, NULL},
    {"vote", TG_OP_LATER, true, NULL},
    {"poll.open", TG_OP_LATER, true, NULL},
    {"poll.close", TG_OP_LATER, true, NULL},
    {"answer", TG_OP_LATER, true, NULL},
    {"ban", TG_OP_LATER, true, NULL},
    {"slow", TG_OP_LATER, true, NULL},
    {"announce", TG_OP_LATER, true, NULL},
};

const char *tg_op_name(enum tg_op_kind kind)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        if (rows[i].kind == kind && kind != TG_OP_LATER)
            return rows[i].name;
    }
    return NULL;
}

/* The id is read first, and without complaint, so that every later refusal can carry it. */
static bool read_id(const struct reader *r, char out[TG_OP_ID_MAX + 1])
{
    const json_t *value = json_object_get(r->root, "id");

    if (!json_is_string(value) || !id_is_valid(json_string_value(value), json_string_length(value)))
        return false;
    return tg_str_copy(out, TG_OP_ID_MAX + 1, json_string_value(value),
                       json_string_length(value)) == TG_OK;
}

static tg_err read_op(struct reader *r, struct tg_op *op)
{
    bool has_id = read_id(r, r->error->id);
    const struct op_row *row = NULL;
    char name[24];

    get_text(r, "op", name, sizeof(name), sizeof(name) - 1, REQUIRED);
    for (size_t i = 0; i < TG_ARRAY_LEN(rows) && row == NULL && !r->bad; i++) {
        if (strcmp(rows[i].name, name) == 0)
            row = &rows[i];
    }
    if (row == NULL) {
        complain(r, "op", "The operation is not one of this server's.");
        return TG_ERR_UNSUPPORTED;
    }
    op->kind = row->kind;
    memset(&op->u, 0, tg_op_size(op) - offsetof(struct tg_op, u));
    if (row->has_id && !has_id)
        complain(r, "id", "The field \"id\" must be 1 to 64 characters of A-Z a-z 0-9 _ -.");
    if (row->has_id)
        memcpy(op->id, r->error->id, sizeof(op->id));
    if (row->kind == TG_OP_LATER)
        memcpy(op->u.later, name, sizeof(name));
    if (row->read != NULL)
        row->read(r, op);
    return r->bad ? TG_ERR_MALFORMED : TG_OK;
}

/* jansson parses recursively: look at the nesting before it does. */
static bool depth_is_fine(const char *text, size_t len)
{
    bool in_text = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '{' || c == '['))
            depth++;
        else if (!in_text && (c == '}' || c == ']'))
            depth--;
        if (depth > DEPTH_MAX)
            return false;
    }
    return true;
}

static json_t *load(struct reader *r, const char *text, size_t len)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL) {
        complain(r, "", "The frame is not valid JSON (line %d, column %d).", error.line,
                 error.column);
        return NULL;
    }
    if (!json_is_object(root)) {
        complain(r, "", "The frame must be one JSON object.");
        json_decref(root);
        return NULL;
    }
    return root;
}

tg_err tg_channel_parse(struct tg_op *ret, const char *text, size_t len,
                        struct tg_channel_error *reterr)
{
    struct tg_channel_error error = {.code = "bad_request"};
    struct reader r = {.error = &error};
    struct tg_op op; /* long: cleared and copied as far as its kind goes */
    tg_err err = TG_ERR_LIMIT;

    op.id[0] = '\0';
    if (len > TG_WS_FRAME_MAX) {
        complain(&r, "", "The frame is longer than %d bytes.", TG_WS_FRAME_MAX);
    } else if (!depth_is_fine(text, len)) {
        complain(&r, "", "The frame is nested deeper than %d levels.", DEPTH_MAX);
    } else {
        err = TG_ERR_MALFORMED;
        r.root = load(&r, text, len);
        if (r.root != NULL)
            err = read_op(&r, &op);
        json_decref(r.root);
    }
    if (err == TG_OK)
        memcpy(ret, &op, tg_op_size(&op));
    else
        *reterr = error;
    return err;
}
