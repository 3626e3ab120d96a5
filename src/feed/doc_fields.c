/* Members of the canonical JSON that are one value: text, number, money, SKU. */
#include <string.h>

#include <jansson.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/doc_priv.h"
void tg_doc_bad(struct tg_doc_reader *r, const char *key, const json_t *value, const char *reason,
                const char *fix)
{
    struct tg_feed_fault fault = {.line = r->line};
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char field[128];

    r->faults++;
    tg_str_printf(field, sizeof(field), "%s%.60s", r->where, key);
    tg_str_cut(fault.field, sizeof(fault.field), field);
    tg_str_cut(fault.value, sizeof(fault.value), text == NULL ? "" : text);
    tg_str_cut(fault.reason, sizeof(fault.reason), reason);
    tg_str_cut(fault.fix, sizeof(fault.fix), fix);
    if (text != NULL) {
        json_malloc_t alloc_fn;
        json_free_t free_fn;

        json_get_alloc_funcs(&alloc_fn, &free_fn);
        free_fn(text);
    }
    if (r->fault != NULL)
        r->fault(r->ctx, &fault);
}

static const char control_reason[] = "The text has a control character in it.";

static bool has_control(const char *text, size_t len, bool lines)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 && !(lines && (c == '\n' || c == '\t' || c == '\r')))
            return true;
    }
    return false;
}

/* A text of at most `max` bytes without control characters (newlines where `lines`). NULL: told, or
 * the member is null ("" then). */
const char *tg_doc_text(struct tg_doc_reader *r, const char *key, const json_t *value, size_t max,
                        bool lines)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (json_is_null(value))
        return "";
    if (text == NULL) {
        tg_doc_bad(r, key, value, "This must be a text.", "Put it in double quotes.");
        return NULL;
    }
    if (len > max) {
        tg_doc_bad(r, key, value, "The text is too long.", "Shorten it.");
        return NULL;
    }
    if (has_control(text, len, lines)) {
        tg_doc_bad(r, key, value, control_reason, "Remove it.");
        return NULL;
    }
    return tg_feed_text(r->arena, text, len);
}

bool tg_doc_name_ok(struct tg_doc_reader *r, const char *key, const json_t *value, const char *name)
{
    if (!has_control(name, strlen(name), false))
        return true;
    tg_doc_bad(r, key, value, control_reason, "Remove it.");
    return false;
}

bool tg_doc_number(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t min,
                   int64_t max, int64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        char fix[96];

        tg_str_printf(fix, sizeof(fix), "Give a whole number from %lld to %lld.", (long long)min,
                      (long long)max);
        tg_doc_bad(r, key, value, "This is not a number that is allowed here.", fix);
        return false;
    }
    *ret = json_integer_value(value);
    return true;
}

bool tg_doc_currency_ok(const char *c)
{
    return c != NULL && strlen(c) == 3 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' &&
           c[1] <= 'Z' && c[2] >= 'A' && c[2] <= 'Z';
}

/* {"amount", "currency"}, or a whole number (currency stays ""). */
bool tg_doc_money(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t *ret,
                  char currency[4])
{
    currency[0] = '\0';
    if (!json_is_object(value))
        return tg_doc_number(r, key, value, 0, TG_FEED_PRICE_MAX, ret);
    if (!tg_doc_currency_ok(json_string_value(json_object_get(value, "currency")))) {
        tg_doc_bad(r, key, value, "currency must be a code of three capitals.",
                   "Write for example {\"amount\": 34900, \"currency\": \"NOK\"}.");
        return false;
    }
    memcpy(currency, json_string_value(json_object_get(value, "currency")), 4);
    return tg_doc_number(r, key, json_object_get(value, "amount"), 0, TG_FEED_PRICE_MAX, ret);
}

/* ... of the shop's own currency. null = none. */
bool tg_doc_own_money(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t *ret)
{
    char currency[4];

    if (json_is_null(value)) {
        *ret = -1;
        return true;
    }
    if (!tg_doc_money(r, key, value, ret, currency))
        return false;
    if (currency[0] != '\0' && r->currency[0] != '\0' && strcmp(currency, r->currency) != 0) {
        tg_doc_bad(r, key, value, "One product has amounts in two currencies.",
                   "Further currencies belong into \"prices\".");
        return false;
    }
    if (currency[0] != '\0')
        memcpy(r->currency, currency, 4);
    return true;
}

bool tg_doc_flag(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t *ret)
{
    if (!json_is_boolean(value)) {
        tg_doc_bad(r, key, value, "This must be true or false.",
                   "Write true or false, without quotes.");
        return false;
    }
    *ret = json_is_true(value) ? 1 : 0;
    return true;
}

bool tg_doc_list_ok(struct tg_doc_reader *r, const char *key, const json_t *value, size_t max)
{
    if (!json_is_array(value) && !json_is_null(value)) {
        tg_doc_bad(r, key, value, "This must be a list.", "Put it in [ ].");
        return false;
    }
    if (json_array_size(value) > max) {
        tg_doc_bad(r, key, NULL, "The list is too long.", "Leave some of it out.");
        return false;
    }
    return true;
}

const char *tg_doc_sku(struct tg_doc_reader *r, const char *key, const json_t *value)
{
    const char *sku = json_string_value(value);

    if (sku != NULL && tg_feed_sku_ok(sku, strlen(sku)))
        return tg_feed_text(r->arena, sku, strlen(sku));
    tg_doc_bad(r, key, value,
               "A SKU has 1 to 64 characters, no blanks at its ends, / only between others.",
               "Give each variant the SKU that your shop knows it by.");
    return NULL;
}
