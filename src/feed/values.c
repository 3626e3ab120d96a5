/* Values as people and feeds write them: money, GTINs, weights, addresses, ids, HTML. */
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/feed.h"

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

unsigned tg_feed_decimals(const char *currency)
{
    static const char none[][4] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
                                   "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};
    static const char three[][4] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};

    for (size_t i = 0; i < TG_ARRAY_LEN(none); i++)
        if (strcmp(none[i], currency) == 0)
            return 0;
    for (size_t i = 0; i < TG_ARRAY_LEN(three); i++)
        if (strcmp(three[i], currency) == 0)
            return 3;
    return 2;
}

/* A decimal number with one "." or "," in front of the fraction and blanks, "'" or the other mark
 * between thousands, one kind of them and always three digits apart, as `decimals` places. A third
 * place beyond them must be 0. */
static tg_err decimal(int64_t *ret, const char *text, size_t len, unsigned decimals)
{
    int64_t value = 0;
    size_t mark = len;
    unsigned places = 0;
    unsigned group = 0; /* digits since the last mark between thousands */
    char between = '\0';
    bool any = false;

    /* The last "." or "," is the decimal mark, unless exactly three digits follow it and it is not
     * the only way to read the number ("1,299" is a thousand; "1.299" too: no price has three
     * decimals here but those of three-decimal currencies). */
    for (size_t i = 0; i < len; i++)
        if (text[i] == '.' || text[i] == ',')
            mark = i;
    if (mark < len && len - mark - 1 == 3 && decimals != 3)
        mark = len;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (i == mark) {
            if (between != '\0' && (group != 3 || c == between))
                return TG_ERR_MALFORMED;
            continue;
        }
        if (!digit(c)) {
            bool marks = c == ' ' || c == '\'' || c == '.' || c == ',';

            /* "1.2.3" is a date or a slip, no amount. */
            if (!marks || i > mark || !any || (between == '\0' ? group > 3 : group != 3) ||
                (between != '\0' && c != between))
                return TG_ERR_MALFORMED;
            between = c;
            group = 0;
            continue;
        }
        any = true;
        group++;
        if (i > mark && ++places > decimals) {
            if (c != '0')
                return TG_ERR_MALFORMED;
            continue;
        }
        if (value > INT64_C(100000000000000))
            return TG_ERR_LIMIT;
        value = value * 10 + (c - '0');
    }
    if (!any || (mark == len && between != '\0' && group != 3))
        return TG_ERR_MALFORMED;
    for (; places < decimals; places++)
        value *= 10;
    *ret = value;
    return TG_OK;
}

static bool currency_at(const char *text, size_t len)
{
    return len >= 3 && upper(text[0]) && upper(text[1]) && upper(text[2]);
}

tg_err tg_feed_money(int64_t *ret, char ret_currency[4], const char *text,
                     const char *default_currency)
{
    char currency[4] = "";
    size_t len = strlen(text);
    int64_t value;
    tg_err err;

    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    if (currency_at(text, len)) {
        memcpy(currency, text, 3);
        text += 3;
        len -= 3;
    } else if (len > 3 && currency_at(text + len - 3, 3)) {
        memcpy(currency, text + len - 3, 3);
        len -= 3;
    }
    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    err = decimal(&value, text, len,
                  tg_feed_decimals(currency[0] != '\0' ? currency : default_currency));
    if (err != TG_OK)
        return err;
    if (value > TG_FEED_PRICE_MAX)
        return TG_ERR_LIMIT;
    memcpy(ret_currency, currency, 4);
    *ret = value;
    return TG_OK;
}

void tg_feed_money_text(char out[32], int64_t amount, const char *currency)
{
    unsigned decimals = tg_feed_decimals(currency);
    int64_t unit = decimals == 0 ? 1 : decimals == 3 ? 1000 : 100;

    if (decimals == 0)
        tg_str_printf(out, 32, "%lld", (long long)amount);
    else
        tg_str_printf(out, 32, "%lld.%0*lld", (long long)(amount / unit), (int)decimals,
                      (long long)(amount % unit));
}

/* A part between slashes: addresses fold those that are empty, . or .. (RFC 3986 5.2.4). */
static bool part_ok(const char *part, size_t len)
{
    return len > 0 && !(part[0] == '.' && (len == 1 || (len == 2 && part[1] == '.')));
}

bool tg_feed_sku_ok(const char *text, size_t len)
{
    if (len == 0 || len > TG_SKU_MAX || !tg_utf8_printable(text, len) || text[0] == ' ' ||
        text[len - 1] == ' ')
        return false;
    for (size_t at = 0; at <= len;) {
        const char *slash = memchr(text + at, '/', len - at);
        size_t part = slash == NULL ? len - at : (size_t)(slash - text) - at;

        if (!part_ok(text + at, part))
            return false;
        at += part + 1;
    }
    return true;
}

bool tg_feed_gtin_ok(const char *text)
{
    size_t len = strlen(text);
    unsigned sum = 0;

    if (len != 8 && len != 12 && len != 13 && len != 14)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!digit(text[i]))
            return false;
        /* From the right: the check digit counts once, then 3, 1, 3 ... */
        sum += (unsigned)(text[i] - '0') * ((len - 1 - i) % 2 == 1 ? 3U : 1U);
    }
    return sum % 10 == 0;
}

/* How much of a number to read for three decimals; *ret_up 1 when the rest rounds it up. */
static size_t to_thousandths(const char *text, size_t len, int64_t *ret_up)
{
    size_t end = len;

    *ret_up = 0;
    while (end > 0 && digit(text[end - 1]))
        end--;
    if (end == 0 || (text[end - 1] != '.' && text[end - 1] != ',') || len - end <= 3)
        return len;
    *ret_up = text[end + 3] >= '5' ? 1 : 0;
    return end + 3;
}

tg_err tg_feed_weight(int64_t *ret_g, const char *text, const char *unit)
{
    static const struct {
        const char *name;
        int64_t mg; /* milligrams of one */
    } units[] = {{"g", 1000},      {"gram", 1000},    {"grams", 1000},  {"kg", 1000000},
                 {"kgs", 1000000}, {"mg", 1},         {"oz", 28350},    {"lb", 453592},
                 {"lbs", 453592},  {"pound", 453592}, {"t", 1000000000}};
    size_t len = strcspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *name = text[len] != '\0' ? text + len : unit;
    int64_t thousandths;
    int64_t up;
    tg_err err;

    while (len > 0 && text[len - 1] == ' ')
        len--;
    len = to_thousandths(text, len, &up);
    err = decimal(&thousandths, text, len, 3);
    if (err != TG_OK)
        return err;
    thousandths += up;
    for (size_t i = 0; i < TG_ARRAY_LEN(units); i++) {
        if (strcmp(units[i].name, name) != 0)
            continue;
        if (thousandths > INT64_C(1000000000000) / units[i].mg * 1000)
            return TG_ERR_LIMIT;
        thousandths = (thousandths * units[i].mg + 500000) / 1000000;
        if (thousandths > TG_FEED_WEIGHT_MAX_G)
            return TG_ERR_LIMIT;
        *ret_g = thousandths;
        return TG_OK;
    }
    return TG_ERR_MALFORMED;
}

bool tg_feed_url_ok(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len >= TG_URL_SIZE || tg_utf8_chars(text, len) == SIZE_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f || text[i] == '"' || text[i] == '<' ||
            text[i] == '>')
            return false;
    return (text[0] == '/' && text[1] != '/') || strncmp(text, "https://", 8) == 0 ||
           strncmp(text, "http://", 7) == 0;
}

static bool id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c) || c == '-' || c == '_';
}

void tg_feed_id(char out[TG_FEED_ID_SIZE], const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a: the same id at every import */
    size_t len = strlen(text);
    bool clean = len > 0 && len < TG_FEED_ID_SIZE;
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
        clean = clean && id_char(text[i]);
    }
    if (clean) {
        memcpy(out, text, len + 1);
        return;
    }
    for (size_t i = 0; i < len && at < 24; i++)
        if (id_char(text[i]))
            out[at++] = text[i];
    tg_str_printf(out + at, TG_FEED_ID_SIZE - at, "%s%012llx", at > 0 ? "-" : "p-",
                  (unsigned long long)(hash >> 16));
}

/* --- HTML --- */

static bool block_tag(const char *name, size_t len)
{
    static const char *const blocks[] = {"p",  "br", "div", "li", "ul", "ol",
                                         "h1", "h2", "h3",  "h4", "tr", "table"};

    for (size_t i = 0; i < TG_ARRAY_LEN(blocks); i++)
        if (strlen(blocks[i]) == len && strncmp(blocks[i], name, len) == 0)
            return true;
    return false;
}

/* One entity at text[0] == '&': its length, and its text. 0 = none. */
static size_t entity(const char *text, char out[5])
{
    static const struct {
        const char *name;
        const char *value;
    } known[] = {{"amp;", "&"},           {"lt;", "<"},           {"gt;", ">"},
                 {"quot;", "\""},         {"apos;", "'"},         {"#39;", "'"},
                 {"nbsp;", " "},          {"aring;", "\xc3\xa5"}, {"oslash;", "\xc3\xb8"},
                 {"aelig;", "\xc3\xa6"},  {"auml;", "\xc3\xa4"},  {"ouml;", "\xc3\xb6"},
                 {"eacute;", "\xc3\xa9"}, {"ndash;", "-"},        {"mdash;", "-"}};

    for (size_t i = 0; i < TG_ARRAY_LEN(known); i++) {
        size_t len = strlen(known[i].name);

        if (strncmp(text + 1, known[i].name, len) == 0) {
            tg_str_cut(out, 5, known[i].value);
            return len + 1;
        }
    }
    return 0;
}

static void put(char *out, size_t *at, char c)
{
    bool white = c == ' ' || c == '\n';

    /* Runs of white space become one; a newline wins over a blank. */
    if (white && *at == 0)
        return;
    if (white && (out[*at - 1] == ' ' || out[*at - 1] == '\n')) {
        if (c == '\n')
            out[*at - 1] = '\n';
        return;
    }
    out[(*at)++] = c;
}

const char *tg_feed_plain(struct tg_feed_arena *a, const char *html)
{
    size_t len = strlen(html);
    char *out = tg_feed_alloc(a, len + 1);
    size_t at = 0;
    bool tags = true; /* there may be a '>' further on */

    if (out == NULL)
        return "";
    for (size_t i = 0; i < len; i++) {
        char value[5];
        size_t used;

        if (html[i] == '<' && tags) {
            const char *end = strchr(html + i, '>');
            size_t name = i + 1 + (html[i + 1] == '/' ? 1 : 0);

            if (end != NULL) {
                size_t name_len = strspn(html + name, "abcdefghijklmnopqrstuvwxyz123456");

                if (block_tag(html + name, name_len))
                    put(out, &at, '\n');
                i = (size_t)(end - html);
                continue;
            }
            tags = false; /* looked for once, not for each '<' */
        }
        used = html[i] == '&' ? entity(html + i, value) : 0;
        if (used > 0) {
            for (const char *c = value; *c != '\0'; c++)
                put(out, &at, *c);
            i += used - 1;
        } else if (html[i] == '\t' || html[i] == '\r') {
            put(out, &at, ' ');
        } else {
            put(out, &at, html[i]);
        }
    }
    while (at > 0 && (out[at - 1] == ' ' || out[at - 1] == '\n'))
        at--;
    out[at] = '\0';
    return out;
}
