/* Fields with their faults: each check says what is wrong and what to do. */
#include <string.h>

#include "base/str.h"
#include "feed/feed_priv.h"

static void too_long(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                     size_t max)
{
    char reason[96];

    tg_str_printf(reason, sizeof(reason), "The text has %zu bytes; %zu are allowed.", strlen(value),
                  max);
    tg_feed_say(f, line, field, value, reason, "Shorten it.");
}

static bool no_control(struct tg_feed *f, uint32_t line, const char *field, const char *value)
{
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value >= 0x20 || strchr(TG_FEED_BLANKS, *value) != NULL)
            continue;
        tg_feed_say(f, line, field, "", "The text has a control character in it.", "Remove it.");
        return false;
    }
    return true;
}

const char *tg_feed_f_text(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                           size_t max)
{
    const char *whole = value;
    size_t at = 0;
    char *out;

    if (!no_control(f, line, field, value))
        return NULL;
    out = tg_feed_alloc(f->building, TG_MIN(strlen(value), max) + 1);
    if (out == NULL)
        return ""; /* the arena says so */
    while (*value != '\0') {
        size_t run = strspn(value, TG_FEED_BLANKS);
        bool broken = strcspn(value, "\t\r\n") < run;
        size_t take = run == 0 ? strcspn(value, TG_FEED_BLANKS) : broken ? 1 : run;

        if (run > 0 && (at == 0 || value[run] == '\0')) {
            value += run;
            continue;
        }
        if (take > max - at) {
            too_long(f, line, field, whole, max);
            return NULL;
        }
        memcpy(out + at, broken ? " " : value, take);
        at += take;
        value += run > 0 ? run : take;
    }
    return out;
}

const char *tg_feed_f_lines(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                            size_t max)
{
    if (strlen(value) > max) {
        too_long(f, line, field, value, max);
        return NULL;
    }
    return no_control(f, line, field, value) ? tg_feed_text(f->building, value, strlen(value))
                                             : NULL;
}

const char *tg_feed_f_sku(struct tg_feed *f, uint32_t line, const char *field, const char *value)
{
    size_t len;

    value += strspn(value, " ");
    len = strlen(value);
    while (len > 0 && value[len - 1] == ' ')
        len--;
    if (tg_feed_sku_ok(value, len))
        return tg_feed_text(f->building, value, len);
    tg_feed_say(f, line, field, value,
                len == 0 ? "The SKU is empty."
                         : "A SKU has at most 64 printable bytes, and / only between others.",
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
                     int64_t *ret)
{
    char currency[4];
    tg_err err = tg_feed_money(ret, currency, value, f->cfg.currency);

    if (err != TG_OK) {
        tg_feed_say(f, line, field, value,
                    err == TG_ERR_LIMIT ? "The amount is higher than torg can hold."
                                        : "This is no amount of money.",
                    "Write it as 349.00 or 349.00 NOK.");
        return false;
    }
    if (currency[0] == '\0' || strcmp(currency, f->cfg.currency) == 0)
        return true;
    tg_feed_say(f, line, field, value, "The amount is in another currency than the shop's.",
                "Export the feed in the shop's currency.");
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
    const char *words;

    if (!tg_feed_url_ok(url)) {
        tg_feed_say(f, line, field, url, "This is no address of a picture.",
                    "Give an address that begins with https:// and has at most 512 characters.");
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].url, url) == 0)
            return true; /* the same picture again says nothing new */
    tg_str_cut(cut, sizeof(cut), alt);
    words = tg_feed_f_text(f, line, field, cut, TG_FEED_TITLE_MAX);
    if (words == NULL)
        return false;
    p = TG_FEED_ADD(f->building, list, TG_FEED_PICTURES_MAX);
    if (p == NULL) {
        if (f->building->err == TG_OK)
            tg_feed_say(f, line, field, url, "There are more than 50 pictures.",
                        "Leave some of them out.");
        return false;
    }
    p->url = tg_feed_text(f->building, url, strlen(url));
    p->alt = words;
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

    value = tg_feed_f_text(f, line, field, value, TG_FEED_PRODUCT_MAX);
    if (value == NULL)
        return false;
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

static bool add_pair(struct tg_feed *f, uint32_t line, const char *field,
                     const struct tg_feed_pair *pair, struct tg_feed_pairs *list, uint32_t max)
{
    struct tg_feed_pair *p;

    if (pair->name == NULL || pair->value == NULL)
        return false;
    p = TG_FEED_ADD(f->building, list, max);
    if (p == NULL) {
        if (f->building->err == TG_OK)
            tg_feed_say(f, line, field, pair->value, "There are too many of these.",
                        "Leave some of them out.");
        return false;
    }
    *p = *pair;
    return true;
}

bool tg_feed_f_attribute(struct tg_feed *f, uint32_t line, const char *field, const char *name,
                         const char *value, struct tg_feed_pairs *list)
{
    struct tg_feed_pair pair = {.name = tg_feed_f_text(f, line, field, name, TG_FEED_TITLE_MAX),
                                .value = tg_feed_f_lines(f, line, field, value, TG_FEED_VALUE_MAX)};

    return add_pair(f, line, field, &pair, list, TG_FEED_ATTRIBUTES_MAX);
}

bool tg_feed_f_option(struct tg_feed *f, uint32_t line, const char *field, const char *name,
                      const char *value, struct tg_feed_pairs *list)
{
    struct tg_feed_pair pair = {.name = tg_feed_f_text(f, line, field, name, TG_FEED_TITLE_MAX),
                                .value = tg_feed_f_text(f, line, field, value, TG_FEED_VALUE_MAX)};

    return add_pair(f, line, field, &pair, list, TG_FEED_OPTIONS_MAX);
}

static bool names_differ(const struct tg_feed_pairs *options)
{
    for (uint32_t i = 0; i < options->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(options->at[i].name, options->at[k].name) == 0)
                return false;
    return true;
}

bool tg_feed_f_options_ok(struct tg_feed *f, uint32_t line, const struct tg_feed_pairs *options)
{
    struct tg_buf text;
    bool ok;

    tg_buf_init(&text, 4096);
    tg_feed_options_json(&text, options);
    ok = text.err == TG_OK && text.len < TG_FEED_OPTIONS_SIZE;
    if (text.err == TG_ERR_NOMEM) {
        f->err = TG_ERR_NOMEM;
    } else if (!ok) {
        tg_feed_say(f, line, "options", tg_buf_cstr(&text), "The options are too long together.",
                    "Shorten names and values to 90 characters in all.");
    } else if (!names_differ(options)) {
        ok = false;
        tg_feed_say(f, line, "options", tg_buf_cstr(&text), "Two options have the same name.",
                    "Name them apart, for example Size and Colour.");
    }
    tg_buf_done(&text);
    return ok;
}

static bool moment(struct tg_feed *f, uint32_t line, const char *field, const char *text, bool end,
                   tg_us *ret)
{
    if (text[0] == '\0' || tg_feed_time(ret, text, end) == TG_OK)
        return true;
    tg_feed_say(f, line, field, text, "This is no time.",
                "Write it as 2027-11-26T08:00+0100 or 2027-11-26.");
    return false;
}

/* Does the sale price hold at the import's start? */
static bool sale_now(struct tg_feed *f, uint32_t line, const struct tg_feed_sale *sale, bool *ret)
{
    tg_us from = INT64_MIN;
    tg_us to = INT64_MAX;

    if (!moment(f, line, sale->from_field, sale->from, false, &from) ||
        !moment(f, line, sale->to_field, sale->to, true, &to))
        return false;
    if (to <= from) {
        tg_feed_say(f, line, sale->to_field, sale->to, "The sale ends before it begins.",
                    "Swap the times.");
        return false;
    }
    *ret = f->cfg.wall_us >= from && f->cfg.wall_us < to;
    return true;
}

bool tg_feed_f_prices(struct tg_feed *f, struct tg_feed_variant *v, const char *field,
                      const char *price, const struct tg_feed_sale *sale)
{
    int64_t amount;
    bool now;

    if (price[0] == '\0') {
        tg_feed_say(f, v->line, field, price, "The price is empty.",
                    "Give each variant its price, or leave the row out.");
        return false;
    }
    if (!tg_feed_f_money(f, v->line, field, price, &v->price))
        return false;
    if (sale == NULL)
        return true;
    v->compare_at = -1;
    if (sale->price[0] == '\0')
        return true;
    if (!tg_feed_f_money(f, v->line, sale->field, sale->price, &amount) ||
        !sale_now(f, v->line, sale, &now))
        return false;
    if (amount > v->price) {
        tg_feed_say(f, v->line, sale->field, sale->price,
                    "The sale price is higher than the price.",
                    "Swap them, or leave the sale price empty.");
        return false;
    }
    if (now && amount < v->price) {
        v->compare_at = v->price;
        v->price = amount;
    }
    return true;
}
