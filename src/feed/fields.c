/* Fields with their faults: each check says what is wrong and what to do. */
#include <string.h>

#include "base/str.h"
#include "feed/feed_priv.h"

const char *tg_feed_f_text(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                           size_t max)
{
    size_t len = strlen(value);

    if (len > max) {
        char reason[96];

        tg_str_printf(reason, sizeof(reason), "The text has %zu bytes; %zu are allowed.", len, max);
        tg_feed_say(f, line, field, value, reason, "Shorten it.");
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c < 0x20 && c != '\n' && c != '\t' && c != '\r') {
            tg_feed_say(f, line, field, "", "The text has a control character in it.",
                        "Remove it.");
            return NULL;
        }
    }
    return tg_feed_text(f->building, value, len);
}

const char *tg_feed_f_sku(struct tg_feed *f, uint32_t line, const char *field, const char *value)
{
    size_t len = strlen(value);

    if (len > 0 && len <= TG_SKU_MAX && tg_utf8_printable(value, len))
        return tg_feed_text(f->building, value, len);
    tg_feed_say(f, line, field, value,
                len == 0 ? "The SKU is empty." : "A SKU has at most 64 printable bytes.",
                "Give each variant the SKU that your shop knows it by.");
    return NULL;
}

const char *tg_feed_f_gtin(struct tg_feed *f, uint32_t line, const char *field, const char *value)
{
    /* Spreadsheets put a quote in front to keep the zeros. */
    if (value[0] == '\'')
        value++;
    if (value[0] == '\0')
        return "";
    if (tg_feed_gtin_ok(value))
        return tg_feed_text(f->building, value, strlen(value));
    tg_feed_say(f, line, field, value, "This is no GTIN: its check digit or length is wrong.",
                strpbrk(value, "eE") != NULL
                    ? "A spreadsheet has made it a number; format the column as text."
                    : "Copy all 8, 12, 13 or 14 digits from the package, or leave it empty.");
    return NULL;
}

bool tg_feed_f_money(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                     int64_t *ret, char ret_currency[4])
{
    tg_err err = tg_feed_money(ret, ret_currency, value, f->cfg.currency);

    if (err == TG_OK)
        return true;
    tg_feed_say(f, line, field, value,
                err == TG_ERR_LIMIT ? "The amount is higher than torg can hold."
                                    : "This is no amount of money.",
                "Write it as 349.00 or 349.00 NOK.");
    return false;
}

bool tg_feed_f_count(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                     int64_t *ret)
{
    if (tg_parse_i64(ret, value, strlen(value), -TG_STOCK_MAX, TG_STOCK_MAX) == TG_OK) {
        if (*ret < 0)
            *ret = 0; /* sold more than there was, over there: nothing is on hand */
        return true;
    }
    tg_feed_say(f, line, field, value, "This is no number of units.",
                "Write a whole number without a sign or point.");
    return false;
}

bool tg_feed_f_picture(struct tg_feed *f, uint32_t line, const char *field, const char *url,
                       const char *alt, struct tg_feed_pictures *list)
{
    struct tg_feed_picture *p;
    char cut[TG_FEED_TITLE_MAX + 1];

    if (!tg_feed_url_ok(url)) {
        tg_feed_say(f, line, field, url, "This is no address of a picture.",
                    "Give an address that begins with https:// and has at most 512 characters.");
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].url, url) == 0)
            return true; /* the same picture again says nothing new */
    p = TG_FEED_ADD(f->building, list, TG_FEED_PICTURES_MAX);
    if (p == NULL) {
        if (f->building->err == TG_OK)
            tg_feed_say(f, line, field, url, "There are more than 50 pictures.",
                        "Leave some of them out.");
        return false;
    }
    tg_str_cut(cut, sizeof(cut), alt);
    p->url = tg_feed_text(f->building, url, strlen(url));
    p->alt = tg_feed_text(f->building, cut, strlen(cut));
    return true;
}

/* Both "A > B" and "A&gt;B" happen; steps are trimmed. */
bool tg_feed_f_category(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                        struct tg_feed_names *list)
{
    char path[TG_FEED_TITLE_MAX + 1];
    size_t depth = 0;
    size_t used = 0;
    const char **put;

    while (*value != '\0') {
        size_t len = strcspn(value, ">");
        const char *step = value;
        size_t step_len = len;

        value += len + (value[len] == '>' ? 1 : 0);
        while (step_len > 0 && *step == ' ') {
            step++;
            step_len--;
        }
        while (step_len > 0 && step[step_len - 1] == ' ')
            step_len--;
        if (step_len == 0)
            continue;
        if (++depth > TG_FEED_CATEGORY_DEPTH || used + step_len + 3 >= sizeof(path)) {
            tg_feed_say(f, line, field, step, "The category is too deep or too long.",
                        "Use at most 8 steps and 200 bytes.");
            return false;
        }
        if (used > 0) {
            memcpy(path + used, " > ", 3);
            used += 3;
        }
        memcpy(path + used, step, step_len);
        used += step_len;
    }
    path[used] = '\0';
    if (used == 0)
        return true;
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], path) == 0)
            return true;
    put = TG_FEED_ADD(f->building, list, TG_FEED_CATEGORIES_MAX);
    if (put == NULL) {
        if (f->building->err == TG_OK)
            tg_feed_say(f, line, field, path, "The product stands in more than 16 categories.",
                        "Leave some of them out.");
        return false;
    }
    *put = tg_feed_text(f->building, path, used);
    return true;
}

bool tg_feed_f_pair(struct tg_feed *f, uint32_t line, const char *field, const char *name,
                    const char *value, struct tg_feed_pairs *list, uint32_t max)
{
    struct tg_feed_pair *p;
    const char *name_copy = tg_feed_f_text(f, line, field, name, TG_FEED_TITLE_MAX);
    const char *value_copy = tg_feed_f_text(f, line, field, value, 1000);

    if (name_copy == NULL || value_copy == NULL)
        return false;
    p = TG_FEED_ADD(f->building, list, max);
    if (p == NULL) {
        if (f->building->err == TG_OK)
            tg_feed_say(f, line, field, value, "There are too many of these.",
                        "Leave some of them out.");
        return false;
    }
    p->name = name_copy;
    p->value = value_copy;
    return true;
}

bool tg_feed_f_options_ok(struct tg_feed *f, uint32_t line, const struct tg_feed_pairs *options)
{
    struct tg_buf text;
    bool ok;

    tg_buf_init(&text, 4096);
    tg_feed_options_json(&text, options);
    ok = text.err == TG_OK && text.len < TG_FEED_OPTIONS_SIZE;
    if (text.err == TG_ERR_NOMEM)
        f->err = TG_ERR_NOMEM;
    else if (!ok)
        tg_feed_say(f, line, "options", tg_buf_cstr(&text), "The options are too long together.",
                    "Shorten names and values to 90 characters in all.");
    tg_buf_done(&text);
    return ok;
}

static bool own_currency(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                         const char *currency)
{
    if (currency[0] == '\0' || strcmp(currency, f->cfg.currency) == 0)
        return true;
    tg_feed_say(f, line, field, value, "The price is in another currency than the shop's.",
                "Export the feed in the shop's currency.");
    return false;
}

bool tg_feed_f_prices(struct tg_feed *f, struct tg_feed_variant *v, const char *price_field,
                      const char *price, const char *sale_field, const char *sale)
{
    char currency[4];
    int64_t amount;

    if (price[0] == '\0') {
        tg_feed_say(f, v->line, price_field, price, "The price is empty.",
                    "Give each variant its price, or leave the row out.");
        return false;
    }
    if (!tg_feed_f_money(f, v->line, price_field, price, &v->price, currency) ||
        !own_currency(f, v->line, price_field, price, currency))
        return false;
    v->compare_at = -1;
    if (sale[0] == '\0')
        return true;
    if (!tg_feed_f_money(f, v->line, sale_field, sale, &amount, currency) ||
        !own_currency(f, v->line, sale_field, sale, currency))
        return false;
    if (amount > v->price) {
        tg_feed_say(f, v->line, sale_field, sale, "The sale price is higher than the price.",
                    "Swap them, or leave the sale price empty.");
        return false;
    }
    if (amount < v->price) {
        v->compare_at = v->price;
        v->price = amount;
    }
    return true;
}
