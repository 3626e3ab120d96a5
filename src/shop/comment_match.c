/* What a chat line means among the products of a show. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "shop/comment.h"
#include "shop/shop_priv.h"

/* --- option values out of their JSON -------------------------------------------------------------
 */

enum { VALUE_SIZE = TG_OPTIONS_SIZE };

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3f));
    out[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

static bool hex4(const char *text, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;

        if (digit == 16)
            return false; /* also at the text's end */
        value = value << 4 | digit;
    }
    *ret = value;
    return value > 0 && (value < 0xd800 || value >= 0xe000); /* halves of pairs are dropped */
}

/* The string that begins after the quote at *at; *at ends after its closing quote. */
static void read_string(const char **at, char out[VALUE_SIZE])
{
    const char *s = *at;
    size_t len = 0;

    while (*s != '\0' && *s != '"') {
        char piece[4] = {*s};
        size_t width = 1;
        uint32_t c;

        if (*s == '\\' && s[1] == 'u') {
            width = hex4(s + 2, &c) ? put_utf8(piece, c) : 0;
            s += TG_MIN(strnlen(s, 6), 6);
        } else if (*s == '\\' && s[1] != '\0') {
            piece[0] = s[1] == 'n' || s[1] == 't' || s[1] == 'r' ? ' ' : s[1];
            s += 2;
        } else {
            s++;
        }
        if (len + width >= VALUE_SIZE)
            break;
        memcpy(out + len, piece, width);
        len += width;
    }
    out[len] = '\0';
    s = *s == '"' ? s : s + strcspn(s, "\"");
    *at = *s == '"' ? s + 1 : s;
}

/* The next value of an object of strings (and plain numbers); false = no more. */
static bool next_value(const char **at, char out[VALUE_SIZE])
{
    const char *s = *at;

    s += strcspn(s, "\"");
    if (*s == '\0')
        return false;
    s++;
    read_string(&s, out); /* the name */
    s += strspn(s, " :\t\r\n");
    if (*s == '"') {
        s++;
        read_string(&s, out);
    } else {
        size_t len = TG_MIN(strcspn(s, ",} "), (size_t)VALUE_SIZE - 1);

        memcpy(out, s, len);
        out[len] = '\0';
        s += len;
    }
    *at = s;
    return true;
}

void tg_option_text(char out[TG_OPTION_TEXT_SIZE], const char *options_json)
{
    const char *at = options_json;
    char value[VALUE_SIZE];
    char all[3 * VALUE_SIZE] = "";

    while (next_value(&at, value)) {
        size_t len = strlen(all);

        (void)snprintf(all + len, sizeof(all) - len, "%s%s", len == 0 ? "" : ", ", value);
    }
    tg_str_cut(out, TG_OPTION_TEXT_SIZE, all);
}

/* --- which variant -------------------------------------------------------------------------------
 */

enum fit { FIT_NOT, FIT_PARTLY, FIT_WHOLLY };

/* How many of the value's words were written; *ret_total of how many. */
static uint32_t written(const struct tg_words *value, const struct tg_words *rest, bool *seen)
{
    uint32_t count = 0;

    for (uint32_t v = 0; v < value->count; v++)
        for (uint32_t r = 0; r < rest->count; r++)
            if (strcmp(value->word[v], rest->word[r]) == 0) {
                seen[r] = true;
                count++;
                break;
            }
    return count;
}

/* Wholly: every word is of this variant, and every value named is named in full. */
static enum fit fit_in(const char *options, const struct tg_words *rest, uint32_t *ret_left)
{
    bool seen[TG_COMMENT_TOKENS_MAX] = {false};
    bool whole = true;
    const char *at = options;
    char value[VALUE_SIZE];

    while (next_value(&at, value)) {
        struct tg_words words;
        uint32_t count;

        tg_words_split(&words, value);
        count = written(&words, rest, seen);
        whole = whole && (count == 0 || count == words.count);
    }
    *ret_left = UINT32_MAX;
    for (uint32_t r = 0; r < rest->count; r++) {
        if (seen[r])
            continue;
        if (*ret_left != UINT32_MAX)
            return FIT_NOT;
        *ret_left = r; /* one plain number may be the quantity */
    }
    return whole ? FIT_WHOLLY : FIT_PARTLY;
}

/* In whichever of the product's languages it fits best: who watches in Swedish writes so. */
static enum fit fit_of(const struct tg_variant *v, const struct tg_words *rest, uint32_t *ret_left)
{
    const struct tg_langs *texts = v->product->texts;
    enum fit best = fit_in(v->options, rest, ret_left);

    for (uint32_t i = 0; texts != NULL && i < texts->count; i++) {
        char buf[TG_OPTIONS_IN_SIZE];
        const char *options = tg_options_in(buf, v->options, &texts->at[i]);
        uint32_t left = UINT32_MAX;
        enum fit fit = options == v->options ? FIT_NOT : fit_in(options, rest, &left);

        if (fit > best || (fit == best && fit != FIT_NOT && left == UINT32_MAX)) {
            best = fit;
            *ret_left = left;
        }
    }
    return best;
}

struct search {
    const struct tg_shop *shop;
    uint16_t show;
    const struct tg_comment *line;
    struct tg_words rest; /* without the number that is the quantity */
    struct tg_comment_wish *out;
};

static const struct tg_product *product_numbered(const struct tg_shop *shop, uint32_t number)
{
    size_t low = 0;
    size_t high = tg_shop_product_count(shop);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct tg_product *p = tg_shop_product_at(shop, middle);

        if (p->number == number)
            return p->archived ? NULL : p;
        if (p->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A number that the show gives to some SKUs of a product means those alone; what is no longer sold
 * is not meant. */
static bool numbered(const struct search *s, const struct tg_variant *v, bool by_show)
{
    const struct tg_show_item *item = tg_shop_show_item(s->shop, s->show, v->sku);

    return tg_variant_sold(v) && (!by_show || (item != NULL && item->number == s->line->number));
}

static bool is_number(const char *word)
{
    return word[0] != '\0' && word[strspn(word, "0123456789")] == '\0';
}

/* Some variant of the product, also one that is not sold, has an option with this word; NULL = with
 * any number. */
static bool has_option(const struct tg_product *p, const char *word)
{
    char value[VALUE_SIZE];

    for (const struct tg_variant *v = p->first; v != NULL; v = v->next)
        for (const char *at = v->options; next_value(&at, value);) {
            struct tg_words words;

            tg_words_split(&words, value);
            for (uint32_t i = 0; i < words.count; i++)
                if (word == NULL ? is_number(words.word[i]) : strcmp(words.word[i], word) == 0)
                    return true;
        }
    return false;
}

/* A plain number that is hardly anything else: no size, no price, no next product of a list. */
static bool is_quantity(const struct search *s, const struct tg_product *p, uint32_t at)
{
    const struct tg_words *rest = &s->rest;
    bool after_size = false;

    if (strlen(rest->word[at]) != 1 || rest->apart[at] || has_option(p, rest->word[at]))
        return false;
    for (uint32_t i = 0; i < at; i++)
        after_size = after_size || is_number(rest->word[i]);
    return after_size || !has_option(p, NULL);
}

/* The word that variants leave over when it is a number, the same for all; SIZE_MAX = none. */
static size_t loose_number(const struct search *s, const struct tg_product *p, bool by_show)
{
    size_t found = SIZE_MAX;

    for (const struct tg_variant *v = p->first; v != NULL; v = v->next) {
        uint32_t left = UINT32_MAX;
        int64_t n;

        if (!numbered(s, v, by_show) || fit_of(v, &s->rest, &left) == FIT_NOT)
            continue;
        if (left == UINT32_MAX || (found != SIZE_MAX && found != left) ||
            tg_parse_i64(&n, s->rest.word[left], strlen(s->rest.word[left]), 1, 999999999) != TG_OK)
            return SIZE_MAX;
        found = left;
    }
    return found;
}

/* Every word must have a place; one number that no variant has is the quantity. */
static bool settle_quantity(struct search *s, const struct tg_product *p, bool by_show)
{
    uint32_t left = UINT32_MAX;
    int64_t n = 0;
    size_t at;

    s->rest = s->line->rest;
    for (const struct tg_variant *v = p->first; v != NULL; v = v->next)
        if (numbered(s, v, by_show) && fit_of(v, &s->rest, &left) != FIT_NOT && left == UINT32_MAX)
            return true; /* the words fit as they are */
    at = s->line->qty == 0 ? loose_number(s, p, by_show) : SIZE_MAX;
    if (at == SIZE_MAX || !is_quantity(s, p, (uint32_t)at) ||
        tg_parse_i64(&n, s->rest.word[at], strlen(s->rest.word[at]), 1, 9) != TG_OK)
        return false;
    s->out->qty = (int32_t)n;
    s->rest.count--;
    memmove(s->rest.word[at], s->rest.word[at + 1], (s->rest.count - at) * sizeof(s->rest.word[0]));
    return true;
}

static void add_choice(struct tg_comment_wish *out, const struct tg_variant *v)
{
    if (out->choice_count < TG_COMMENT_CHOICES_MAX)
        out->choices[out->choice_count++] = v;
}

/* The only variant that fits best; NULL = none, or several (they are in choices). */
static const struct tg_variant *pick(struct search *s, const struct tg_product *p, bool by_show)
{
    const struct tg_variant *best = NULL;
    enum fit best_fit = FIT_NOT;
    uint32_t count = 0;

    for (const struct tg_variant *v = p->first; v != NULL; v = v->next) {
        uint32_t left = UINT32_MAX;
        enum fit fit = numbered(s, v, by_show) ? fit_of(v, &s->rest, &left) : FIT_NOT;

        if (fit == FIT_NOT || left != UINT32_MAX || fit < best_fit)
            continue;
        if (fit > best_fit) {
            count = 0;
            s->out->choice_count = 0;
        }
        best_fit = fit;
        best = v;
        count++;
        add_choice(s->out, v);
    }
    if (count == 0) /* what was written fits none: name them all */
        for (const struct tg_variant *v = p->first; v != NULL; v = v->next)
            if (numbered(s, v, by_show))
                add_choice(s->out, v);
    return count == 1 ? best : NULL;
}

static void ask_which(const struct search *s)
{
    struct tg_comment_wish *out = s->out;
    char list[TG_COMMENT_CHOICES_MAX * (TG_OPTION_TEXT_SIZE + 3)] = "";
    struct tg_verdict v = {.code = TG_CODE_OK};

    for (uint32_t i = 0; i < out->choice_count; i++) {
        char text[TG_OPTION_TEXT_SIZE];
        size_t len = strlen(list);

        tg_option_text(text, out->choices[i]->options);
        (void)snprintf(list + len, sizeof(list) - len, "%s%s", len == 0 ? "" : " | ", text);
    }
    if (out->choice_count <= 1)
        tg_refuse(&v, TG_CODE_BAD_REQUEST,
                  "Nothing was bought. Write the number and how many, e.g. %u x2.",
                  s->line->number);
    else
        tg_refuse(&v, TG_CODE_BAD_REQUEST, "Which one? Write %u and one of: %s", s->line->number,
                  list);
    out->code = v.code;
    tg_str_cut(out->message, sizeof(out->message), v.message);
}

static void say(struct tg_comment_wish *out, enum tg_code code, const char *text)
{
    out->code = code;
    tg_str_cut(out->message, sizeof(out->message), text);
}

static void find_variant(struct search *s, const struct tg_product *p, bool by_show)
{
    struct tg_comment_wish *out = s->out;

    out->qty = s->line->qty;
    if (!settle_quantity(s, p, by_show)) {
        (void)pick(s, p, by_show);
        ask_which(s);
        return;
    }
    out->qty = out->qty == 0 ? 1 : out->qty;
    out->variant = pick(s, p, by_show);
    if (out->variant == NULL)
        ask_which(s);
    else if (s->line->twice)
        say(out, TG_CODE_BAD_REQUEST, "Nothing was bought. Write one product in a line.");
    else if (out->qty > TG_QTY_MAX)
        say(out, TG_CODE_LIMIT, "At most 100 of one product in an order.");
}

void tg_shop_comment(const struct tg_shop *shop, uint16_t show, const char *text,
                     struct tg_comment_wish *ret)
{
    struct tg_comment line;
    struct search s = {.shop = shop, .show = show, .line = &line, .out = ret};
    const struct tg_variant *numbered_here;
    const struct tg_product *p;

    *ret = (struct tg_comment_wish){.kind = TG_COMMENT_TALK};
    tg_comment_parse(&line, tg_shop_rules(shop, show), text);
    ret->kind = line.kind;
    if (line.kind != TG_COMMENT_BUY)
        return;
    numbered_here = tg_show_numbered(shop, show, line.number);
    p = numbered_here != NULL ? numbered_here->product : product_numbered(shop, line.number);
    if (p == NULL)
        say(ret, TG_CODE_NOT_FOUND, "Nothing was bought: there is no such number in the show.");
    else
        find_variant(&s, p, numbered_here != NULL);
    /* Without the word in front it may have been talk: nobody is corrected. */
    if (ret->code != TG_CODE_OK && !line.worded)
        *ret = (struct tg_comment_wish){.kind = TG_COMMENT_TALK};
}
