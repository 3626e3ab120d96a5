/* Shopify's product CSV: the rows of a product stand together under one handle; its first row has
 * the product, further rows have variants, pictures or both. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed_priv.h"

enum column {
    S_HANDLE,
    S_TITLE,
    S_BODY,
    S_VENDOR,
    S_CATEGORY,
    S_TYPE,
    S_TAGS,
    S_STATUS,
    S_PUBLISHED,
    S_NAME1,
    S_VALUE1,
    S_NAME2,
    S_VALUE2,
    S_NAME3,
    S_VALUE3,
    S_SKU,
    S_GRAMS,
    S_QTY,
    S_PRICE,
    S_COMPARE,
    S_BARCODE,
    S_IMAGE,
    S_IMAGE_ALT,
    S_VARIANT_IMAGE,
    S_WEIGHT_UNIT,
    S_TAX,
    S_COST,
    S_COUNT
};
enum { NEEDED = S_BODY };

static const char *const names[S_COUNT] = {"Handle",
                                           "Title",
                                           "Body (HTML)",
                                           "Vendor",
                                           "Product Category",
                                           "Type",
                                           "Tags",
                                           "Status",
                                           "Published",
                                           "Option1 Name",
                                           "Option1 Value",
                                           "Option2 Name",
                                           "Option2 Value",
                                           "Option3 Name",
                                           "Option3 Value",
                                           "Variant SKU",
                                           "Variant Grams",
                                           "Variant Inventory Qty",
                                           "Variant Price",
                                           "Variant Compare At Price",
                                           "Variant Barcode",
                                           "Image Src",
                                           "Image Alt Text",
                                           "Variant Image",
                                           "Variant Weight Unit",
                                           "Variant Tax Code",
                                           "Cost per item"};

/* The handle of the open product, and its options' names (they stand in its first row). */
struct shopify {
    char handle[256];
    char option_names[TG_FEED_OPTIONS_MAX][64];
};

static const char *cell(struct tg_feed *f, enum column column)
{
    return tg_feed_cell(f, (size_t)column);
}

static uint32_t line_of(const struct tg_feed *f)
{
    return f->csv.row_line;
}

static void tags(struct tg_feed *f)
{
    if (cell(f, S_TAGS)[0] != '\0' && !tg_feed_f_attribute(f, line_of(f), names[S_TAGS], "Tags",
                                                           cell(f, S_TAGS), &f->product.attributes))
        f->spoiled = true;
}

static bool word(const char *text, const char *lower)
{
    while (*lower != '\0' && (*text | 0x20) == *lower) {
        text++;
        lower++;
    }
    return *text == *lower;
}

/* Older exports have no Status; there what is not published is not for sale. */
static void status(struct tg_feed *f)
{
    enum column column = cell(f, S_STATUS)[0] != '\0' ? S_STATUS : S_PUBLISHED;
    const char *value = cell(f, column);

    if (value[0] == '\0')
        return;
    if (word(value, column == S_STATUS ? "active" : "true")) {
        f->product.archived = 0;
    } else if (column == S_STATUS ? word(value, "archived") || word(value, "draft")
                                  : word(value, "false")) {
        f->product.archived = 1;
    } else {
        tg_feed_say(f, line_of(f), names[column], value, "This is no status of a product.",
                    column == S_STATUS ? "Use active, draft or archived." : "Use true or false.");
        f->spoiled = true;
    }
}

static void product_fields(struct tg_feed *f)
{
    struct tg_feed_product *p = &f->product;
    uint32_t line = line_of(f);

    p->title = tg_feed_f_text(f, line, names[S_TITLE], cell(f, S_TITLE), TG_FEED_TITLE_MAX);
    if (cell(f, S_TITLE)[0] == '\0')
        tg_feed_say(f, line, names[S_TITLE], "", "The first row of a product has its title.",
                    "Give the product a name, or put its rows together.");
    if (tg_feed_has(f, S_BODY))
        p->description =
            tg_feed_f_lines(f, line, names[S_BODY], tg_feed_plain(f->building, cell(f, S_BODY)),
                            TG_FEED_DESCRIPTION_MAX);
    if (tg_feed_has(f, S_VENDOR))
        p->brand = tg_feed_f_text(f, line, names[S_VENDOR], cell(f, S_VENDOR), TG_FEED_TITLE_MAX);
    f->spoiled = f->fault_count > 0;
    if (tg_feed_has(f, S_CATEGORY) || tg_feed_has(f, S_TYPE)) {
        p->categories.given = true;
        if (!tg_feed_f_category(f, line, names[S_CATEGORY], cell(f, S_CATEGORY), &p->categories) ||
            !tg_feed_f_category(f, line, names[S_TYPE], cell(f, S_TYPE), &p->categories))
            f->spoiled = true;
    }
    p->pictures.given = tg_feed_has(f, S_IMAGE);
    p->attributes.given = tg_feed_has(f, S_TAGS);
    tags(f);
    status(f);
}

static void option_names(struct tg_feed *f, struct shopify *s)
{
    for (size_t i = 0; i < TG_FEED_OPTIONS_MAX; i++)
        tg_str_cut(s->option_names[i], sizeof(s->option_names[i]),
                   cell(f, (enum column)(S_NAME1 + 2 * (int)i)));
}

static bool options(struct tg_feed *f, const struct shopify *s, struct tg_feed_variant *v)
{
    for (size_t i = 0; i < TG_FEED_OPTIONS_MAX; i++) {
        enum column column = (enum column)(S_VALUE1 + 2 * (int)i);
        const char *value = cell(f, column);

        v->options.given = v->options.given || tg_feed_has(f, column);
        if (value[0] == '\0')
            continue;
        /* A product without options has one named Title, "Default Title". */
        if (i == 0 && strcmp(value, "Default Title") == 0)
            continue;
        if (s->option_names[i][0] == '\0') {
            tg_feed_say(f, v->line, names[column - 1], "",
                        "The option has a value here and no name in the product's first row.",
                        "Name the option, for example Size.");
            return false;
        }
        if (!tg_feed_f_option(f, v->line, names[column], s->option_names[i], value, &v->options))
            return false;
    }
    return tg_feed_f_options_ok(f, v->line, &v->options);
}

static bool weight(struct tg_feed *f, struct tg_feed_variant *v)
{
    const char *grams = cell(f, S_GRAMS);

    if (grams[0] == '\0' || strcmp(grams, "0") == 0 || strcmp(grams, "0.0") == 0)
        return true;
    if (tg_feed_weight(&v->weight_g, grams, "g") == TG_OK)
        return true;
    tg_feed_say(f, v->line, names[S_GRAMS], grams, "This is no weight.",
                "Write the weight in grams.");
    return false;
}

/* Avalara's codes ("P0000000") are no classes of ours. */
static void tax_class(struct tg_feed *f, struct tg_feed_variant *v)
{
    const char *value = cell(f, S_TAX);
    size_t len = strlen(value);

    if (tg_feed_has(f, S_TAX) && len < 32 &&
        strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len)
        v->tax_class = tg_feed_text(f->building, value, len);
}

static bool prices(struct tg_feed *f, struct tg_feed_variant *v)
{
    const char *compare = cell(f, S_COMPARE);
    const char *cost = cell(f, S_COST);
    int64_t amount;
    bool ok = tg_feed_f_prices(f, v, names[S_PRICE], cell(f, S_PRICE), NULL);

    if (tg_feed_has(f, S_COMPARE))
        v->compare_at = -1;
    if (compare[0] != '\0') {
        if (!tg_feed_f_money(f, v->line, names[S_COMPARE], compare, &amount))
            ok = false;
        else if (amount > v->price)
            v->compare_at = amount;
    }
    if (cost[0] != '\0')
        ok = tg_feed_f_money(f, v->line, names[S_COST], cost, &v->cost) && ok;
    return ok;
}

static bool variant_fields(struct tg_feed *f, const struct shopify *s, struct tg_feed_variant *v)
{
    bool ok = true;

    v->sku = tg_feed_f_sku(f, v->line, names[S_SKU],
                           cell(f, S_SKU)[0] == '\'' ? cell(f, S_SKU) + 1 : cell(f, S_SKU));
    ok = v->sku != NULL;
    ok = prices(f, v) && ok;
    if (tg_feed_has(f, S_BARCODE)) {
        v->barcode = tg_feed_f_gtin(f, v->line, names[S_BARCODE], cell(f, S_BARCODE));
        ok = v->barcode != NULL && ok;
    }
    if (cell(f, S_QTY)[0] != '\0')
        ok = tg_feed_f_count(f, v->line, names[S_QTY], cell(f, S_QTY), &v->stock) && ok;
    if (cell(f, S_VARIANT_IMAGE)[0] != '\0')
        ok = tg_feed_f_picture(f, v->line, names[S_VARIANT_IMAGE], cell(f, S_VARIANT_IMAGE), "",
                               &v->pictures) &&
             ok;
    tax_class(f, v);
    return options(f, s, v) && weight(f, v) && ok;
}

static void variant(struct tg_feed *f, const struct shopify *s)
{
    struct tg_feed_product *p = &f->product;
    struct tg_feed_variant v;
    struct tg_feed_variant *put;

    tg_feed_variant_init(&v);
    v.line = line_of(f);
    if (!variant_fields(f, s, &v) || f->spoiled)
        return;
    put = TG_FEED_ADD(f->building, &p->variants, TG_FEED_VARIANTS_MAX);
    if (put != NULL)
        *put = v;
    else if (f->building->err == TG_OK)
        tg_feed_say(f, v.line, names[S_SKU], v.sku, "The product has more than 2048 variants.",
                    "Split it.");
}

static bool begin(struct tg_feed *f, struct shopify *s, const char *handle)
{
    struct tg_feed_product *p;
    char id[TG_FEED_ID_SIZE];
    bool fresh = false;
    tg_err err;

    if (tg_str_copy(s->handle, sizeof(s->handle), handle, strlen(handle)) != TG_OK) {
        tg_feed_say(f, line_of(f), names[S_HANDLE], handle, "The handle is longer than 255 bytes.",
                    "Shorten it.");
        return false;
    }
    p = tg_feed_open(f, line_of(f));
    tg_feed_id(id, handle);
    p->id = tg_feed_text(f->building, id, strlen(id));
    err = tg_feed_see(f, handle, NULL, &fresh);
    if (err == TG_ERR_NOMEM) {
        f->err = TG_ERR_NOMEM;
        return false;
    }
    if (err == TG_OK && !fresh) {
        tg_feed_say(f, line_of(f), names[S_HANDLE], handle,
                    "This handle stood further up, with others between.",
                    "Sort the file by handle, so that the rows of a product stand together.");
        f->spoiled = true;
        return true;
    }
    option_names(f, s);
    product_fields(f);
    return true;
}

static void row(struct tg_feed *f)
{
    struct shopify *s;
    const char *handle;

    if (!f->headed) {
        (void)tg_feed_header(f, names, S_COUNT, NEEDED); /* false has stopped the feed */
        return;
    }
    if (f->state == NULL)
        f->state = tg_calloc(1, sizeof(struct shopify));
    s = f->state;
    if (s == NULL) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    handle = cell(f, S_HANDLE);
    if (handle[0] == '\0') {
        tg_feed_say(f, line_of(f), names[S_HANDLE], "", "The handle is empty.",
                    "Each row needs the handle of its product.");
        return;
    }
    if (!f->open || strcmp(handle, s->handle) != 0) {
        if (f->open)
            tg_feed_close(f);
        if (f->err != TG_OK || !begin(f, s, handle))
            return;
    }
    if (f->spoiled)
        return; /* the product's first row is at fault; the others only follow it */
    if (cell(f, S_IMAGE)[0] != '\0')
        (void)tg_feed_f_picture(f, line_of(f), names[S_IMAGE], cell(f, S_IMAGE),
                                cell(f, S_IMAGE_ALT), &f->product.pictures); /* told */
    /* A row with neither price nor option is only a picture. */
    if (cell(f, S_PRICE)[0] != '\0' || cell(f, S_SKU)[0] != '\0' || cell(f, S_VALUE1)[0] != '\0')
        variant(f, s);
}

static void step(struct tg_feed *f)
{
    tg_feed_rows(f, row);
}

static void end(struct tg_feed *f)
{
    tg_feed_rows(f, row);
    if (!f->ready && f->open && f->err == TG_OK)
        tg_feed_close(f);
}

static void done(struct tg_feed *f)
{
    tg_free(f->state);
    f->state = NULL;
}

const struct tg_feed_ops tg_feed_shopify = {.step = step, .end = end, .done = done};
