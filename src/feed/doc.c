/* The canonical JSON of products, written and read. */
#include <string.h>

#include <jansson.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/feed_priv.h"

/* --- writing --- */

static void write_text(struct tg_jo *j, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        tg_jo_str(j, key, text);
}

static void write_pictures(struct tg_jo *j, const struct tg_feed_pictures *list)
{
    if (list->count == 0)
        return;
    tg_jo_arr(j, "pictures");
    for (uint32_t i = 0; i < list->count; i++) {
        tg_jo_obj(j, NULL);
        tg_jo_str(j, "url", list->at[i].url);
        write_text(j, "alt", list->at[i].alt);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
}

static void write_names(struct tg_jo *j, const char *key, const struct tg_feed_names *list)
{
    if (list->count == 0)
        return;
    tg_jo_arr(j, key);
    for (uint32_t i = 0; i < list->count; i++)
        tg_jo_str(j, NULL, list->at[i]);
    tg_jo_end_arr(j);
}

static void write_langs(struct tg_jo *j, const struct tg_feed_langs *list)
{
    if (list->count == 0)
        return;
    tg_jo_obj(j, "texts");
    for (uint32_t i = 0; i < list->count; i++) {
        tg_jo_obj(j, list->at[i].lang);
        write_text(j, "title", list->at[i].title);
        write_text(j, "description", list->at[i].description);
        tg_jo_end_obj(j);
    }
    tg_jo_end_obj(j);
}

void tg_feed_write_details(struct tg_jo *j, const struct tg_feed_product *p)
{
    write_text(j, "title", p->title);
    write_text(j, "description", p->description);
    write_text(j, "brand", p->brand);
    write_langs(j, &p->texts);
    write_pictures(j, &p->pictures);
    write_names(j, "categories", &p->categories);
    if (p->attributes.count > 0) {
        tg_jo_arr(j, "attributes");
        for (uint32_t i = 0; i < p->attributes.count; i++) {
            tg_jo_obj(j, NULL);
            tg_jo_str(j, "name", p->attributes.at[i].name);
            tg_jo_str(j, "value", p->attributes.at[i].value);
            tg_jo_end_obj(j);
        }
        tg_jo_end_arr(j);
    }
    write_names(j, "accessories", &p->accessories);
    write_names(j, "related", &p->related);
}

void tg_feed_write_variant_details(struct tg_jo *j, const struct tg_feed_variant *v)
{
    write_text(j, "barcode", v->barcode);
    if (v->weight_g != TG_FEED_KEEP && v->weight_g >= 0)
        tg_jo_int(j, "weight_g", v->weight_g);
    write_pictures(j, &v->pictures);
}

void tg_feed_product_doc(struct tg_buf *out, const struct tg_feed_product *p)
{
    struct tg_jo j = tg_jo(out);

    tg_jo_obj(&j, NULL);
    tg_feed_write_details(&j, p);
    tg_jo_end_obj(&j);
}

void tg_feed_variant_doc(struct tg_buf *out, const struct tg_feed_variant *v)
{
    struct tg_jo j = tg_jo(out);

    tg_jo_obj(&j, NULL);
    tg_feed_write_variant_details(&j, v);
    tg_jo_end_obj(&j);
}

static void write_options(struct tg_jo *j, const char *key, const struct tg_feed_pairs *options)
{
    tg_jo_obj(j, key);
    for (uint32_t i = 0; i < options->count; i++)
        tg_jo_str(j, options->at[i].name, options->at[i].value);
    tg_jo_end_obj(j);
}

void tg_feed_options_json(struct tg_buf *out, const struct tg_feed_pairs *options)
{
    struct tg_jo j = tg_jo(out);

    write_options(&j, NULL, options);
}

static void write_money(struct tg_jo *j, const char *key, int64_t amount, const char *currency)
{
    if (amount == TG_FEED_KEEP || amount < 0)
        return;
    tg_jo_obj(j, key);
    tg_jo_int(j, "amount", amount);
    tg_jo_str(j, "currency", currency);
    tg_jo_end_obj(j);
}

void tg_feed_write_variant(struct tg_jo *j, const struct tg_feed_variant *v, const char *currency)
{
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", v->sku);
    if (v->options.count > 0)
        write_options(j, "options", &v->options);
    write_money(j, "price", v->price, currency);
    write_money(j, "compare_at", v->compare_at, currency);
    write_money(j, "cost", v->cost, currency);
    if (v->prices.count > 0) {
        tg_jo_arr(j, "prices");
        for (uint32_t i = 0; i < v->prices.count; i++) {
            tg_jo_obj(j, NULL);
            write_money(j, "price", v->prices.at[i].price, v->prices.at[i].currency);
            tg_jo_end_obj(j);
        }
        tg_jo_end_arr(j);
    }
    write_text(j, "tax_class", v->tax_class);
    tg_feed_write_variant_details(j, v);
    if (v->parts.count > 0) {
        tg_jo_arr(j, "parts");
        for (uint32_t i = 0; i < v->parts.count; i++) {
            tg_jo_obj(j, NULL);
            tg_jo_str(j, "sku", v->parts.at[i].sku);
            tg_jo_int(j, "qty", v->parts.at[i].qty);
            tg_jo_end_obj(j);
        }
        tg_jo_end_arr(j);
    }
    if (v->archived == 1)
        tg_jo_bool(j, "archived", true);
    tg_jo_end_obj(j);
}

void tg_feed_write_torg(struct tg_jo *j, const struct tg_feed_product *p, const char *currency)
{
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "id", p->id);
    if (p->number > 0)
        tg_jo_int(j, "number", p->number);
    tg_feed_write_details(j, p);
    if (p->archived == 1)
        tg_jo_bool(j, "archived", true);
    tg_jo_arr(j, "variants");
    for (uint32_t i = 0; i < p->variants.count; i++)
        tg_feed_write_variant(j, &p->variants.at[i], currency);
    tg_jo_end_arr(j);
    tg_jo_end_obj(j);
}

/* --- reading --- */

struct reader {
    struct tg_feed_arena *arena;
    tg_feed_fault_fn fault;
    void *ctx;
    uint32_t line;
    size_t faults;
    char where[40]; /* "variants[2]." */
    char currency[4];
};

static void bad(struct reader *r, const char *key, const json_t *value, const char *reason,
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

/* A text of at most `max` bytes without control characters (newlines where `lines`). NULL: told, or
 * the member is null ("" then). */
static const char *text_of(struct reader *r, const char *key, const json_t *value, size_t max,
                           bool lines)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (json_is_null(value))
        return "";
    if (text == NULL) {
        bad(r, key, value, "This must be a text.", "Put it in double quotes.");
        return NULL;
    }
    if (len > max) {
        bad(r, key, value, "The text is too long.", "Shorten it.");
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 && !(lines && (c == '\n' || c == '\t' || c == '\r'))) {
            bad(r, key, value, "The text has a control character in it.", "Remove it.");
            return NULL;
        }
    }
    return tg_feed_text(r->arena, text, len);
}

static bool number_of(struct reader *r, const char *key, const json_t *value, int64_t min,
                      int64_t max, int64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        char fix[96];

        tg_str_printf(fix, sizeof(fix), "Give a whole number from %lld to %lld.", (long long)min,
                      (long long)max);
        bad(r, key, value, "This is not a number that is allowed here.", fix);
        return false;
    }
    *ret = json_integer_value(value);
    return true;
}

static bool currency_ok(const char *c)
{
    return c != NULL && strlen(c) == 3 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' &&
           c[1] <= 'Z' && c[2] >= 'A' && c[2] <= 'Z';
}

/* {"amount", "currency"}, or a whole number (currency stays ""). */
static bool money_of(struct reader *r, const char *key, const json_t *value, int64_t *ret,
                     char currency[4])
{
    currency[0] = '\0';
    if (!json_is_object(value))
        return number_of(r, key, value, 0, TG_FEED_PRICE_MAX, ret);
    if (!currency_ok(json_string_value(json_object_get(value, "currency")))) {
        bad(r, key, value, "currency must be a code of three capitals.",
            "Write for example {\"amount\": 34900, \"currency\": \"NOK\"}.");
        return false;
    }
    memcpy(currency, json_string_value(json_object_get(value, "currency")), 4);
    return number_of(r, key, json_object_get(value, "amount"), 0, TG_FEED_PRICE_MAX, ret);
}

/* ... of the shop's own currency. null = none. */
static bool own_money(struct reader *r, const char *key, const json_t *value, int64_t *ret)
{
    char currency[4];

    if (json_is_null(value)) {
        *ret = -1;
        return true;
    }
    if (!money_of(r, key, value, ret, currency))
        return false;
    if (currency[0] != '\0' && r->currency[0] != '\0' && strcmp(currency, r->currency) != 0) {
        bad(r, key, value, "One product has amounts in two currencies.",
            "Further currencies belong into \"prices\".");
        return false;
    }
    if (currency[0] != '\0')
        memcpy(r->currency, currency, 4);
    return true;
}

static bool flag_of(struct reader *r, const char *key, const json_t *value, int64_t *ret)
{
    if (!json_is_boolean(value)) {
        bad(r, key, value, "This must be true or false.", "Write true or false, without quotes.");
        return false;
    }
    *ret = json_is_true(value) ? 1 : 0;
    return true;
}

static bool list_ok(struct reader *r, const char *key, const json_t *value, size_t max)
{
    if (!json_is_array(value) && !json_is_null(value)) {
        bad(r, key, value, "This must be a list.", "Put it in [ ].");
        return false;
    }
    if (json_array_size(value) > max) {
        bad(r, key, NULL, "The list is too long.", "Leave some of it out.");
        return false;
    }
    return true;
}

static void read_pictures(struct reader *r, const json_t *value, struct tg_feed_pictures *ret)
{
    size_t i;
    json_t *item;

    if (!list_ok(r, "pictures", value, TG_FEED_PICTURES_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        const char *url = json_string_value(json_object_get(item, "url"));
        json_t *alt = json_object_get(item, "alt");
        struct tg_feed_picture *p;

        if (url == NULL || !tg_feed_url_ok(url)) {
            bad(r, "pictures", item, "url is no address of a picture.",
                "Give an address that begins with https://, or a path that begins with /.");
            continue;
        }
        p = TG_FEED_ADD(r->arena, ret, TG_FEED_PICTURES_MAX);
        if (p == NULL)
            return;
        p->url = tg_feed_text(r->arena, url, strlen(url));
        p->alt = alt == NULL ? "" : text_of(r, "pictures", alt, TG_FEED_TITLE_MAX, false);
    }
}

static void read_names(struct reader *r, const char *key, const json_t *value, size_t max, bool ids,
                       struct tg_feed_names *ret)
{
    size_t i;
    json_t *item;

    if (!list_ok(r, key, value, max))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        const char *text = text_of(r, key, item, TG_FEED_TITLE_MAX, false);
        char id[TG_FEED_ID_SIZE];
        const char **name;

        if (text == NULL)
            continue;
        if (ids) {
            tg_feed_id(id, text);
            if (strcmp(id, text) != 0) {
                bad(r, key, item, "This is no id of a product.",
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

static void read_attributes(struct reader *r, const json_t *value, struct tg_feed_pairs *ret)
{
    size_t i;
    json_t *item;

    if (!list_ok(r, "attributes", value, TG_FEED_ATTRIBUTES_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        const json_t *name = json_object_get(item, "name");
        const json_t *text = json_object_get(item, "value");
        struct tg_feed_pair pair;
        struct tg_feed_pair *put;

        if (!json_is_string(name) || !json_is_string(text)) {
            bad(r, "attributes", item, "An attribute needs name and value.",
                "Write {\"name\": \"Material\", \"value\": \"Wool\"}.");
            continue;
        }
        pair.name = text_of(r, "attributes", name, TG_FEED_TITLE_MAX, false);
        pair.value = text_of(r, "attributes", text, 1000, true);
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

static void read_langs(struct reader *r, json_t *value, struct tg_feed_langs *ret)
{
    const char *lang;
    json_t *item;

    if (!json_is_object(value) && !json_is_null(value)) {
        bad(r, "texts", value, "This must be an object of languages.",
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
            bad(r, "texts", item, "A language has no such name.", "Use codes such as nb or sv-SE.");
            continue;
        }
        l = TG_FEED_ADD(r->arena, ret, TG_FEED_TEXTS_MAX);
        if (l == NULL) {
            if (r->arena->err == TG_OK)
                bad(r, "texts", NULL, "There are too many languages.", "Leave some of them out.");
            return;
        }
        l->lang = tg_feed_text(r->arena, lang, strlen(lang));
        l->title = title == NULL ? NULL : text_of(r, "texts", title, TG_FEED_TITLE_MAX, false);
        l->description = description == NULL
                             ? NULL
                             : text_of(r, "texts", description, TG_FEED_DESCRIPTION_MAX, true);
    }
    sort_langs(ret);
}

static void read_options(struct reader *r, json_t *value, struct tg_feed_pairs *ret)
{
    struct tg_buf text;
    const char *name;
    json_t *item;

    if (!json_is_object(value) && !json_is_null(value)) {
        bad(r, "options", value, "This must be an object.", "Write {\"size\": \"M\"}.");
        return;
    }
    ret->given = true;
    json_object_foreach(value, name, item)
    {
        struct tg_feed_pair *p;
        const char *words = text_of(r, "options", item, TG_FEED_OPTIONS_SIZE, false);

        if (words == NULL)
            continue;
        p = TG_FEED_ADD(r->arena, ret, TG_FEED_OPTIONS_MAX);
        if (p == NULL) {
            if (r->arena->err == TG_OK)
                bad(r, "options", value, "A variant has at most three options.",
                    "Make the others attributes of the product.");
            return;
        }
        p->name = tg_feed_text(r->arena, name, strlen(name));
        p->value = words;
    }
    tg_buf_init(&text, 4096);
    tg_feed_options_json(&text, ret);
    if (text.err != TG_OK || text.len >= TG_FEED_OPTIONS_SIZE)
        bad(r, "options", value, "The options are too long together.",
            "Shorten names and values to 90 characters in all.");
    tg_buf_done(&text);
}

static void read_prices(struct reader *r, json_t *value, struct tg_feed_prices *ret)
{
    size_t i;
    json_t *item;

    if (!list_ok(r, "prices", value, TG_FEED_PRICES_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        struct tg_feed_price price;
        uint32_t at;

        if (!money_of(r, "prices", json_object_get(item, "price"), &price.price, price.currency))
            continue;
        if (price.currency[0] == '\0') {
            bad(r, "prices", item, "A further price needs its currency.",
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
            bad(r, "prices", item, "The currency stands there twice.", "Leave one of them out.");
    }
}

static bool sku_ok(const char *sku)
{
    size_t len = strlen(sku);

    return len > 0 && len <= TG_SKU_MAX && tg_utf8_printable(sku, len) && sku[0] != ' ' &&
           sku[len - 1] != ' ';
}

static const char *sku_of(struct reader *r, const char *key, const json_t *value)
{
    const char *sku = json_string_value(value);

    if (sku != NULL && sku_ok(sku))
        return tg_feed_text(r->arena, sku, strlen(sku));
    bad(r, key, value, "A SKU has 1 to 64 characters and no blanks at its ends.",
        "Give each variant the SKU that your shop knows it by.");
    return NULL;
}

static void read_parts(struct reader *r, json_t *value, struct tg_feed_parts *ret)
{
    size_t i;
    json_t *item;

    if (!list_ok(r, "parts", value, TG_BUNDLE_PARTS_MAX))
        return;
    ret->given = true;
    json_array_foreach(value, i, item)
    {
        struct tg_feed_part part = {.sku = sku_of(r, "parts", json_object_get(item, "sku"))};
        uint32_t at;

        if (part.sku == NULL ||
            !number_of(r, "parts", json_object_get(item, "qty"), 1, TG_QTY_MAX, &part.qty))
            continue;
        if (TG_FEED_ADD(r->arena, ret, TG_BUNDLE_PARTS_MAX) == NULL)
            return;
        for (at = ret->count - 1; at > 0 && strcmp(ret->at[at - 1].sku, part.sku) > 0; at--)
            ret->at[at] = ret->at[at - 1];
        ret->at[at] = part;
        if (at > 0 && strcmp(ret->at[at - 1].sku, part.sku) == 0)
            bad(r, "parts", item, "The part stands there twice.", "Add the quantities up.");
    }
}

static bool tax_class_ok(const char *text)
{
    size_t len = strlen(text);

    return len < 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static void variant_member(struct reader *r, struct tg_feed_variant *v, const char *key,
                           json_t *value)
{
    if (strcmp(key, "sku") == 0) {
        v->sku = sku_of(r, key, value);
    } else if (strcmp(key, "barcode") == 0) {
        v->barcode = text_of(r, key, value, 14, false);
        if (v->barcode != NULL && v->barcode[0] != '\0' && !tg_feed_gtin_ok(v->barcode))
            bad(r, key, value, "This is no GTIN: its check digit or length is wrong.",
                "Copy all 8, 12, 13 or 14 digits from the package, or leave it empty.");
    } else if (strcmp(key, "tax_class") == 0) {
        v->tax_class = text_of(r, key, value, 31, false);
        if (v->tax_class != NULL && !tax_class_ok(v->tax_class))
            bad(r, key, value, "A tax class has 1 to 31 of a-z, 0-9, - and _.",
                "Use a name such as standard or reduced.");
    } else if (strcmp(key, "price") == 0) {
        if (json_is_null(value))
            bad(r, key, value, "A variant needs its price.", "Give an amount.");
        else
            (void)own_money(r, key, value, &v->price); /* told */
    } else if (strcmp(key, "compare_at") == 0) {
        (void)own_money(r, key, value, &v->compare_at); /* told */
    } else if (strcmp(key, "cost") == 0) {
        (void)own_money(r, key, value, &v->cost); /* told */
    } else if (strcmp(key, "weight_g") == 0) {
        if (json_is_null(value))
            v->weight_g = -1;
        else
            (void)number_of(r, key, value, 0, TG_FEED_WEIGHT_MAX_G, &v->weight_g); /* told */
    } else if (strcmp(key, "stock") == 0) {
        (void)number_of(r, key, value, 0, TG_STOCK_MAX, &v->stock); /* told */
    } else if (strcmp(key, "archived") == 0) {
        (void)flag_of(r, key, value, &v->archived); /* told */
    } else if (strcmp(key, "options") == 0) {
        read_options(r, value, &v->options);
    } else if (strcmp(key, "prices") == 0) {
        read_prices(r, value, &v->prices);
    } else if (strcmp(key, "pictures") == 0) {
        read_pictures(r, value, &v->pictures);
    } else if (strcmp(key, "parts") == 0) {
        read_parts(r, value, &v->parts);
    } else {
        bad(r, key, value, "A variant has no such field.", "Leave it out, or correct its name.");
    }
}

static void read_variant(struct reader *r, json_t *value, struct tg_feed_variant *v)
{
    const char *key;
    json_t *item;

    tg_feed_variant_init(v);
    v->line = r->line;
    json_object_foreach(value, key, item) variant_member(r, v, key, item);
}

static void read_variants(struct reader *r, json_t *value, struct tg_feed_product *p)
{
    size_t i;
    json_t *item;

    if (!list_ok(r, "variants", value, TG_FEED_VARIANTS_MAX))
        return;
    p->variants.given = true;
    json_array_foreach(value, i, item)
    {
        struct tg_feed_variant v;
        struct tg_feed_variant *put;
        size_t before = r->faults;

        tg_str_printf(r->where, sizeof(r->where), "variants[%zu].", i);
        tg_feed_variant_init(&v);
        if (json_is_object(item))
            read_variant(r, item, &v);
        else
            bad(r, "", item, "A variant must be an object.", "Write {\"sku\": ...}.");
        if (before == r->faults && v.sku == NULL)
            bad(r, "sku", NULL, "The variant has no SKU.",
                "Give each variant the SKU that your shop knows it by.");
        r->where[0] = '\0';
        if (before != r->faults)
            continue;
        put = TG_FEED_ADD(r->arena, &p->variants, TG_FEED_VARIANTS_MAX);
        if (put == NULL)
            return;
        *put = v;
    }
}

static void product_member(struct reader *r, struct tg_feed_product *p, const char *key,
                           json_t *value)
{
    char id[TG_FEED_ID_SIZE];

    if (strcmp(key, "id") == 0) {
        p->id = text_of(r, key, value, TG_FEED_ID_SIZE - 1, false);
        if (p->id == NULL)
            return;
        tg_feed_id(id, p->id);
        if (strcmp(id, p->id) != 0)
            bad(r, key, value, "This is no id of a product.",
                "Use 1 to 39 of A-Z, a-z, 0-9, - and _.");
    } else if (strcmp(key, "number") == 0) {
        (void)number_of(r, key, value, 1, 999999, &p->number); /* told */
    } else if (strcmp(key, "title") == 0) {
        p->title = text_of(r, key, value, TG_FEED_TITLE_MAX, false);
        if (p->title != NULL && p->title[0] == '\0')
            bad(r, key, value, "A product needs its title.", "Give it a name.");
    } else if (strcmp(key, "description") == 0) {
        p->description = text_of(r, key, value, TG_FEED_DESCRIPTION_MAX, true);
    } else if (strcmp(key, "brand") == 0) {
        p->brand = text_of(r, key, value, TG_FEED_TITLE_MAX, false);
    } else if (strcmp(key, "archived") == 0) {
        (void)flag_of(r, key, value, &p->archived); /* told */
    } else if (strcmp(key, "texts") == 0) {
        read_langs(r, value, &p->texts);
    } else if (strcmp(key, "pictures") == 0) {
        read_pictures(r, value, &p->pictures);
    } else if (strcmp(key, "categories") == 0) {
        read_names(r, key, value, TG_FEED_CATEGORIES_MAX, false, &p->categories);
    } else if (strcmp(key, "attributes") == 0) {
        read_attributes(r, value, &p->attributes);
    } else if (strcmp(key, "accessories") == 0) {
        read_names(r, key, value, TG_FEED_LINKS_MAX, true, &p->accessories);
    } else if (strcmp(key, "related") == 0) {
        read_names(r, key, value, TG_FEED_LINKS_MAX, true, &p->related);
    } else if (strcmp(key, "variants") == 0) {
        read_variants(r, value, p);
    } else {
        bad(r, key, value, "A product has no such field.", "Leave it out, or correct its name.");
    }
}

/* The object in `json`; NULL: told, or no memory. */
static json_t *load(struct reader *r, const char *json, size_t len, tg_err *reterr)
{
    json_error_t error;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
    char reason[160];

    *reterr = TG_ERR_MALFORMED;
    if (json_is_object(root))
        return root;
    json_decref(root);
    if (root == NULL && json_error_code(&error) == json_error_out_of_memory) {
        *reterr = TG_ERR_NOMEM;
        return NULL;
    }
    if (r->line > 0 && root == NULL)
        r->line += (uint32_t)TG_MAX(error.line - 1, 0);
    tg_str_cut(reason, sizeof(reason), root != NULL ? "This is no JSON object." : error.text);
    bad(r, "", NULL, reason, "Correct the JSON: a comma, a quote or a bracket is wrong.");
    return NULL;
}

static tg_err verdict(const struct reader *r)
{
    if (r->arena->err != TG_OK)
        return r->arena->err;
    return r->faults > 0 ? TG_ERR_MALFORMED : TG_OK;
}

static tg_err read_product(struct reader *r, struct tg_feed_product *ret, const char *json,
                           size_t len)
{
    const char *key;
    json_t *item;
    tg_err err;
    json_t *root = load(r, json, len, &err);

    tg_feed_product_init(ret);
    ret->line = r->line;
    if (root == NULL)
        return err;
    json_object_foreach(root, key, item) product_member(r, ret, key, item);
    memcpy(ret->currency, r->currency, sizeof(ret->currency));
    json_decref(root);
    return verdict(r);
}

tg_err tg_feed_product_read(struct tg_feed_arena *a, struct tg_feed_product *ret, const char *json,
                            size_t len, tg_feed_fault_fn fault, void *ctx)
{
    struct reader r = {.arena = a, .fault = fault, .ctx = ctx};

    return read_product(&r, ret, json, len);
}

tg_err tg_feed_variant_read(struct tg_feed_arena *a, struct tg_feed_variant *ret, const char *json,
                            size_t len, tg_feed_fault_fn fault, void *ctx)
{
    struct reader r = {.arena = a, .fault = fault, .ctx = ctx};
    tg_err err;
    json_t *root = load(&r, json, len, &err);

    tg_feed_variant_init(ret);
    if (root == NULL)
        return err;
    read_variant(&r, root, ret);
    json_decref(root);
    return verdict(&r);
}

tg_err tg_feed_options_read(struct tg_feed_arena *a, struct tg_feed_pairs *ret, const char *json)
{
    struct reader r = {.arena = a};
    tg_err err;
    json_t *root = load(&r, json, strlen(json), &err);

    if (root == NULL)
        return err;
    read_options(&r, root, ret);
    json_decref(root);
    return verdict(&r);
}

/* --- for the feed of torg's own format --- */

static void tell_feed(void *ctx, const struct tg_feed_fault *fault)
{
    struct tg_feed *f = ctx;

    tg_feed_say(f, fault->line, fault->field, fault->value, fault->reason, fault->fix);
    /* A fault within a variant costs that variant, any other the product. */
    if (strncmp(fault->field, "variants[", 9) != 0)
        f->spoiled = true;
}

tg_err tg_feed_take_json(struct tg_feed *f, const char *json, size_t len, uint32_t line)
{
    struct tg_feed_product *p = tg_feed_open(f, line);
    struct reader r = {.arena = f->building, .fault = tell_feed, .ctx = f, .line = line};
    tg_err err = read_product(&r, p, json, len);

    if (err == TG_ERR_NOMEM)
        return err;
    if (err == TG_ERR_LIMIT) {
        tg_feed_say(f, line, "", "", "The product is too big.", "Split it.");
        f->spoiled = true;
    }
    if (!f->spoiled && p->id == NULL) {
        tg_feed_say(f, line, "id", "", "The product has no id.",
                    "Give each product an id that stays the same.");
        f->spoiled = true;
    }
    if (!f->spoiled && p->currency[0] != '\0' && strcmp(p->currency, f->cfg.currency) != 0) {
        tg_feed_say(f, line, "price", p->currency, "The amounts are in another currency.",
                    "Put them into \"prices\", and the shop's own currency into \"price\".");
        f->spoiled = true;
    }
    tg_feed_close(f);
    return TG_OK;
}
