/* Members of the canonical JSON that are lists: pictures, texts, options, prices, parts. */
#include <string.h>

#include <jansson.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/doc_priv.h"
void tg_doc_pictures(struct tg_doc_reader *r, const json_t *value, struct tg_feed_pictures *ret)
{
    size_t i;
    json_t *item;

    if (!tg_doc_list_ok(r, "pictures", value, TG_FEED_PICTURES_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        const char *url = json_string_value(json_object_get(item, "url"));
        json_t *alt = json_object_get(item, "alt");
        struct tg_feed_picture *p;

        if (url == NULL || !tg_feed_url_ok(url)) {
            tg_doc_bad(r, "pictures", item, "url is no address of a picture.",
                       "Give an address that begins with https://, or a path that begins with /.");
            continue;
        }
        p = TG_FEED_ADD(r->arena, ret, TG_FEED_PICTURES_MAX);
        if (p == NULL)
            return;
        p->url = tg_feed_text(r->arena, url, strlen(url));
        p->alt = alt == NULL ? "" : tg_doc_text(r, "pictures", alt, TG_FEED_TITLE_MAX, false);
    }
}

void tg_doc_names(struct tg_doc_reader *r, const char *key, const json_t *value, size_t max,
                  bool ids, struct tg_feed_names *ret)
{
    size_t i;
    json_t *item;

    if (!tg_doc_list_ok(r, key, value, max))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        const char *text = tg_doc_text(r, key, item, TG_FEED_TITLE_MAX, false);
        char id[TG_FEED_ID_SIZE];
        const char **name;

        if (text == NULL)
            continue;
        if (ids) {
            tg_feed_id(id, text);
            if (strcmp(id, text) != 0) {
                tg_doc_bad(r, key, item, "This is no id of a product.",
                           "Use 1 to 39 of A-Z, a-z, 0-9, - and _.");
                continue;
            }
        }
        name = TG_FEED_ADD(r->arena, ret, (uint32_t)max);
        if (name == NULL)
            return;
        *name = text;
    }
}

void tg_doc_attributes(struct tg_doc_reader *r, const json_t *value, struct tg_feed_pairs *ret)
{
    size_t i;
    json_t *item;

    if (!tg_doc_list_ok(r, "attributes", value, TG_FEED_ATTRIBUTES_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        const json_t *name = json_object_get(item, "name");
        const json_t *text = json_object_get(item, "value");
        struct tg_feed_pair pair;
        struct tg_feed_pair *put;

        if (!json_is_string(name) || !json_is_string(text)) {
            tg_doc_bad(r, "attributes", item, "An attribute needs name and value.",
                       "Write {\"name\": \"Material\", \"value\": \"Wool\"}.");
            continue;
        }
        pair.name = tg_doc_text(r, "attributes", name, TG_FEED_TITLE_MAX, false);
        pair.value = tg_doc_text(r, "attributes", text, TG_FEED_VALUE_MAX, true);
        if (pair.name == NULL || pair.value == NULL)
            continue;
        put = TG_FEED_ADD(r->arena, ret, TG_FEED_ATTRIBUTES_MAX);
        if (put == NULL)
            return;
        *put = pair;
    }
}

static bool lang_ok(const char *lang)
{
    size_t len = strlen(lang);

    return len >= 2 && len <= 11 &&
           strspn(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == len;
}

static void sort_langs(struct tg_feed_langs *list)
{
    for (uint32_t i = 1; i < list->count; i++)
        for (uint32_t k = i; k > 0 && strcmp(list->at[k].lang, list->at[k - 1].lang) < 0; k--) {
            struct tg_feed_lang swap = list->at[k];

            list->at[k] = list->at[k - 1];
            list->at[k - 1] = swap;
        }
}

/* {"red": "rød"}: the words of options in a language. */
static void option_words(struct tg_doc_reader *r, json_t *value, struct tg_feed_pairs *ret)
{
    const char *word;
    json_t *item;

    if (value == NULL || json_is_null(value))
        return;
    if (!json_is_object(value)) {
        tg_doc_bad(r, "texts", value, "options must be an object of words.",
                   "Write {\"nb\": {\"options\": {\"red\": \"rød\"}}}.");
        return;
    }
    json_object_foreach(value, word, item)
    {
        const char *text = tg_doc_text(r, "texts", item, TG_FEED_OPTIONS_SIZE, false);
        struct tg_feed_pair *pair;

        if (text == NULL || strlen(word) >= TG_FEED_OPTIONS_SIZE ||
            !tg_doc_name_ok(r, "texts", value, word))
            continue;
        pair = TG_FEED_ADD(r->arena, ret, TG_FEED_WORDS_MAX);
        if (pair == NULL) {
            if (r->arena->err == TG_OK)
                tg_doc_bad(r, "texts", NULL, "There are too many words of options.",
                           "Leave some of them out.");
            return;
        }
        pair->name = tg_feed_text(r->arena, word, strlen(word));
        pair->value = text;
    }
}

void tg_doc_langs(struct tg_doc_reader *r, json_t *value, struct tg_feed_langs *ret)
{
    const char *lang;
    json_t *item;

    if (!json_is_object(value) && !json_is_null(value)) {
        tg_doc_bad(r, "texts", value, "This must be an object of languages.",
                   "Write {\"sv\": {\"title\": \"...\"}}.");
        return;
    }
    ret->given = true;
    json_object_foreach(value, lang, item)
    {
        json_t *title = json_object_get(item, "title");
        json_t *description = json_object_get(item, "description");
        struct tg_feed_lang *l;

        if (!lang_ok(lang)) {
            tg_doc_bad(r, "texts", item, "A language has no such name.",
                       "Use codes such as nb or sv-SE.");
            continue;
        }
        l = TG_FEED_ADD(r->arena, ret, TG_FEED_TEXTS_MAX);
        if (l == NULL) {
            if (r->arena->err == TG_OK)
                tg_doc_bad(r, "texts", NULL, "There are too many languages.",
                           "Leave some of them out.");
            return;
        }
        l->lang = tg_feed_text(r->arena, lang, strlen(lang));
        l->title = title == NULL ? NULL : tg_doc_text(r, "texts", title, TG_FEED_TITLE_MAX, false);
        l->description = description == NULL
                             ? NULL
                             : tg_doc_text(r, "texts", description, TG_FEED_DESCRIPTION_MAX, true);
        option_words(r, json_object_get(item, "options"), &l->options);
    }
    sort_langs(ret);
}

void tg_doc_options(struct tg_doc_reader *r, json_t *value, struct tg_feed_pairs *ret)
{
    struct tg_buf text;
    const char *name;
    json_t *item;

    if (!json_is_object(value) && !json_is_null(value)) {
        tg_doc_bad(r, "options", value, "This must be an object.", "Write {\"size\": \"M\"}.");
        return;
    }
    ret->given = true;
    json_object_foreach(value, name, item)
    {
        struct tg_feed_pair *p;
        const char *words = tg_doc_text(r, "options", item, TG_FEED_OPTIONS_SIZE, false);

        if (words == NULL || !tg_doc_name_ok(r, "options", value, name))
            continue;
        p = TG_FEED_ADD(r->arena, ret, TG_FEED_OPTIONS_MAX);
        if (p == NULL) {
            if (r->arena->err == TG_OK)
                tg_doc_bad(r, "options", value, "A variant has at most three options.",
                           "Make the others attributes of the product.");
            return;
        }
        p->name = tg_feed_text(r->arena, name, strlen(name));
        p->value = words;
    }
    tg_buf_init(&text, 4096);
    tg_feed_options_json(&text, ret);
    if (text.err != TG_OK || text.len >= TG_FEED_OPTIONS_SIZE)
        tg_doc_bad(r, "options", value, "The options are too long together.",
                   "Shorten names and values to 90 characters in all.");
    tg_buf_done(&text);
}

void tg_doc_prices(struct tg_doc_reader *r, json_t *value, struct tg_feed_prices *ret)
{
    size_t i;
    json_t *item;

    if (!tg_doc_list_ok(r, "prices", value, TG_FEED_PRICES_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        struct tg_feed_price price;
        uint32_t at;

        if (!tg_doc_money(r, "prices", json_object_get(item, "price"), &price.price,
                          price.currency))
            continue;
        if (price.currency[0] == '\0') {
            tg_doc_bad(r, "prices", item, "A further price needs its currency.",
                       "Write {\"price\": {\"amount\": 3490, \"currency\": \"EUR\"}}.");
            continue;
        }
        if (TG_FEED_ADD(r->arena, ret, TG_FEED_PRICES_MAX) == NULL)
            return;
        for (at = ret->count - 1; at > 0 && strcmp(ret->at[at - 1].currency, price.currency) > 0;
             at--)
            ret->at[at] = ret->at[at - 1];
        ret->at[at] = price;
        if (at > 0 && strcmp(ret->at[at - 1].currency, price.currency) == 0)
            tg_doc_bad(r, "prices", item, "The currency stands there twice.",
                       "Leave one of them out.");
    }
}

void tg_doc_parts(struct tg_doc_reader *r, json_t *value, struct tg_feed_parts *ret)
{
    size_t i;
    json_t *item;

    if (!tg_doc_list_ok(r, "parts", value, TG_BUNDLE_PARTS_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        struct tg_feed_part part = {.sku = tg_doc_sku(r, "parts", json_object_get(item, "sku"))};
        uint32_t at;

        if (part.sku == NULL ||
            !tg_doc_number(r, "parts", json_object_get(item, "qty"), 1, TG_QTY_MAX, &part.qty))
            continue;
        if (TG_FEED_ADD(r->arena, ret, TG_BUNDLE_PARTS_MAX) == NULL)
            return;
        for (at = ret->count - 1; at > 0 && strcmp(ret->at[at - 1].sku, part.sku) > 0; at--)
            ret->at[at] = ret->at[at - 1];
        ret->at[at] = part;
        if (at > 0 && strcmp(ret->at[at - 1].sku, part.sku) == 0)
            tg_doc_bad(r, "parts", item, "The part stands there twice.", "Add the quantities up.");
    }
}
