/* The canonical JSON of products, read. */
#include <string.h>

#include <jansson.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/doc_priv.h"
static bool tax_class_ok(const char *text)
{
    size_t len = strlen(text);

    return len < 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static void variant_member(struct tg_doc_reader *r, struct tg_feed_variant *v, const char *key,
                           json_t *value)
{
    if (strcmp(key, "sku") == 0) {
        v->sku = tg_doc_sku(r, key, value);
    } else if (strcmp(key, "barcode") == 0) {
        v->barcode = tg_doc_text(r, key, value, 14, false);
        if (v->barcode != NULL && v->barcode[0] != '\0' && !tg_feed_gtin_ok(v->barcode))
            tg_doc_bad(r, key, value, "This is no GTIN: its check digit or length is wrong.",
                       "Copy all 8, 12, 13 or 14 digits from the package, or leave it empty.");
    } else if (strcmp(key, "tax_class") == 0) {
        v->tax_class = tg_doc_text(r, key, value, 31, false);
        if (v->tax_class != NULL && !tax_class_ok(v->tax_class))
            tg_doc_bad(r, key, value, "A tax class has 1 to 31 of a-z, 0-9, - and _.",
                       "Use a name such as standard or reduced.");
    } else if (strcmp(key, "price") == 0) {
        if (json_is_null(value))
            tg_doc_bad(r, key, value, "A variant needs its price.", "Give an amount.");
        else
            (void)tg_doc_own_money(r, key, value, &v->price); /* told */
    } else if (strcmp(key, "compare_at") == 0) {
        (void)tg_doc_own_money(r, key, value, &v->compare_at); /* told */
    } else if (strcmp(key, "cost") == 0) {
        (void)tg_doc_own_money(r, key, value, &v->cost); /* told */
    } else if (strcmp(key, "weight_g") == 0) {
        if (json_is_null(value))
            v->weight_g = -1;
        else
            (void)tg_doc_number(r, key, value, 0, TG_FEED_WEIGHT_MAX_G, &v->weight_g); /* told */
    } else if (strcmp(key, "stock") == 0) {
        (void)tg_doc_number(r, key, value, 0, TG_STOCK_MAX, &v->stock); /* told */
    } else if (strcmp(key, "archived") == 0) {
        (void)tg_doc_flag(r, key, value, &v->archived); /* told */
    } else if (strcmp(key, "options") == 0) {
        tg_doc_options(r, value, &v->options);
    } else if (strcmp(key, "prices") == 0) {
        tg_doc_prices(r, value, &v->prices);
    } else if (strcmp(key, "pictures") == 0) {
        tg_doc_pictures(r, value, &v->pictures);
    } else if (strcmp(key, "parts") == 0) {
        tg_doc_parts(r, value, &v->parts);
    } else {
        tg_doc_bad(r, key, value, "A variant has no such field.",
                   "Leave it out, or correct its name.");
    }
}

static void read_variant(struct tg_doc_reader *r, json_t *value, struct tg_feed_variant *v)
{
    const char *key;
    json_t *item;

    tg_feed_variant_init(v);
    v->line = r->line;
    json_object_foreach(value, key, item) variant_member(r, v, key, item);
    memcpy(v->currency, r->currency, sizeof(v->currency));
}

static void read_variants(struct tg_doc_reader *r, json_t *value, struct tg_feed_product *p)
{
    size_t i;
    json_t *item;

    if (!tg_doc_list_ok(r, "variants", value, TG_FEED_VARIANTS_MAX))
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
            tg_doc_bad(r, "", item, "A variant must be an object.", "Write {\"sku\": ...}.");
        if (before == r->faults && v.sku == NULL)
            tg_doc_bad(r, "sku", NULL, "The variant has no SKU.",
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

static void product_member(struct tg_doc_reader *r, struct tg_feed_product *p, const char *key,
                           json_t *value)
{
    char id[TG_FEED_ID_SIZE];

    if (strcmp(key, "id") == 0) {
        p->id = tg_doc_text(r, key, value, TG_FEED_ID_SIZE - 1, false);
        if (p->id == NULL)
            return;
        tg_feed_id(id, p->id);
        if (strcmp(id, p->id) != 0)
            tg_doc_bad(r, key, value, "This is no id of a product.",
                       "Use 1 to 39 of A-Z, a-z, 0-9, - and _.");
    } else if (strcmp(key, "number") == 0) {
        (void)tg_doc_number(r, key, value, 1, TG_FEED_NUMBER_MAX, &p->number); /* told */
    } else if (strcmp(key, "title") == 0) {
        p->title = tg_doc_text(r, key, value, TG_FEED_TITLE_MAX, false);
        if (p->title != NULL && p->title[0] == '\0')
            tg_doc_bad(r, key, value, "A product needs its title.", "Give it a name.");
    } else if (strcmp(key, "description") == 0) {
        p->description = tg_doc_text(r, key, value, TG_FEED_DESCRIPTION_MAX, true);
    } else if (strcmp(key, "brand") == 0) {
        p->brand = tg_doc_text(r, key, value, TG_FEED_TITLE_MAX, false);
    } else if (strcmp(key, "archived") == 0) {
        (void)tg_doc_flag(r, key, value, &p->archived); /* told */
    } else if (strcmp(key, "texts") == 0) {
        tg_doc_langs(r, value, &p->texts);
    } else if (strcmp(key, "pictures") == 0) {
        tg_doc_pictures(r, value, &p->pictures);
    } else if (strcmp(key, "categories") == 0) {
        tg_doc_names(r, key, value, TG_FEED_CATEGORIES_MAX, false, &p->categories);
    } else if (strcmp(key, "attributes") == 0) {
        tg_doc_attributes(r, value, &p->attributes);
    } else if (strcmp(key, "accessories") == 0) {
        tg_doc_names(r, key, value, TG_FEED_LINKS_MAX, true, &p->accessories);
    } else if (strcmp(key, "related") == 0) {
        tg_doc_names(r, key, value, TG_FEED_LINKS_MAX, true, &p->related);
    } else if (strcmp(key, "variants") == 0) {
        read_variants(r, value, p);
    } else {
        tg_doc_bad(r, key, value, "A product has no such field.",
                   "Leave it out, or correct its name.");
    }
}

/* The object in `json`; NULL: told, or no memory. */
static json_t *load(struct tg_doc_reader *r, const char *json, size_t len, tg_err *reterr)
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
    tg_doc_bad(r, "", NULL, reason, "Correct the JSON: a comma, a quote or a bracket is wrong.");
    return NULL;
}

static tg_err verdict(const struct tg_doc_reader *r)
{
    if (r->arena->err != TG_OK)
        return r->arena->err;
    return r->faults > 0 ? TG_ERR_MALFORMED : TG_OK;
}

static tg_err read_product(struct tg_doc_reader *r, struct tg_feed_product *ret, const char *json,
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
    struct tg_doc_reader r = {.arena = a, .fault = fault, .ctx = ctx};

    return read_product(&r, ret, json, len);
}

tg_err tg_feed_variant_read(struct tg_feed_arena *a, struct tg_feed_variant *ret, const char *json,
                            size_t len, tg_feed_fault_fn fault, void *ctx)
{
    struct tg_doc_reader r = {.arena = a, .fault = fault, .ctx = ctx};
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
    struct tg_doc_reader r = {.arena = a};
    tg_err err;
    json_t *root = load(&r, json, strlen(json), &err);

    if (root == NULL)
        return err;
    tg_doc_options(&r, root, ret);
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
    struct tg_doc_reader r = {.arena = f->building, .fault = tell_feed, .ctx = f, .line = line};
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
