/* WooCommerce's product CSV: a row is a simple product, a variable product, or a variation that
 * names its parent, which stands further up. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed_priv.h"

enum column {
    W_TYPE,
    W_SKU,
    W_NAME,
    W_ID,
    W_GTIN,
    W_PUBLISHED,
    W_SHORT,
    W_DESCRIPTION,
    W_TAX_CLASS,
    W_STOCK,
    W_WEIGHT,
    W_WEIGHT_G,
    W_SALE,
    W_SALE_FROM,
    W_SALE_TO,
    W_REGULAR,
    W_CATEGORIES,
    W_TAGS,
    W_IMAGES,
    W_PARENT,
    W_UPSELLS,
    W_CROSS,
    W_BRANDS,
    W_ATTRIBUTE, /* the first of ATTRIBUTES pairs of name and value */
};
enum { NEEDED = W_ID, ATTRIBUTES = 12, W_COUNT = W_ATTRIBUTE + 2 * ATTRIBUTES };

static const char *const names[W_COUNT] = {
    "Type",
    "SKU",
    "Name",
    "ID",
    "GTIN, UPC, EAN, or ISBN",
    "Published",
    "Short description",
    "Description",
    "Tax class",
    "Stock",
    "Weight (kg)",
    "Weight (g)",
    "Sale price",
    "Date sale price starts",
    "Date sale price ends",
    "Regular price",
    "Categories",
    "Tags",
    "Images",
    "Parent",
    "Upsells",
    "Cross-sells",
    "Brands",
    "Attribute 1 name",
    "Attribute 1 value(s)",
    "Attribute 2 name",
    "Attribute 2 value(s)",
    "Attribute 3 name",
    "Attribute 3 value(s)",
    "Attribute 4 name",
    "Attribute 4 value(s)",
    "Attribute 5 name",
    "Attribute 5 value(s)",
    "Attribute 6 name",
    "Attribute 6 value(s)",
    "Attribute 7 name",
    "Attribute 7 value(s)",
    "Attribute 8 name",
    "Attribute 8 value(s)",
    "Attribute 9 name",
    "Attribute 9 value(s)",
    "Attribute 10 name",
    "Attribute 10 value(s)",
    "Attribute 11 name",
    "Attribute 11 value(s)",
    "Attribute 12 name",
    "Attribute 12 value(s)",
};

static const char *cell(struct tg_feed *f, enum column column)
{
    return tg_feed_cell(f, (size_t)column);
}

/* Comma-separated; "\," is a comma. Calls each with a trimmed part. */
typedef void (*part_fn)(struct tg_feed *f, enum column column, const char *part);

static void split(struct tg_feed *f, enum column column, part_fn each)
{
    const char *at = cell(f, column);
    char part[1024];
    size_t used = 0;

    for (;; at++) {
        if (*at == '\\' && at[1] == ',') {
            at++;
        } else if (*at == ',' || *at == '\0') {
            while (used > 0 && strchr(TG_FEED_BLANKS, part[used - 1]) != NULL)
                used--;
            part[used] = '\0';
            if (used > 0)
                each(f, column, part);
            used = 0;
            if (*at == '\0')
                return;
            continue;
        }
        if (used == 0 && strchr(TG_FEED_BLANKS, *at) != NULL)
            continue;
        if (used + 1 < sizeof(part))
            part[used++] = *at;
    }
}

static void add_category(struct tg_feed *f, enum column column, const char *part)
{
    if (!tg_feed_f_category(f, f->product.line, names[column], part, &f->product.categories))
        f->spoiled = true;
}

static void add_image(struct tg_feed *f, enum column column, const char *part)
{
    if (!tg_feed_f_picture(f, f->product.line, names[column], part, "", &f->product.pictures))
        f->spoiled = true;
}

/* Links name SKUs, or "id:12"; torg names products. */
static void add_link(struct tg_feed *f, enum column column, const char *part)
{
    struct tg_feed_names *list =
        column == W_UPSELLS ? &f->product.related : &f->product.accessories;
    const char *known = tg_feed_seen(f, part);
    char id[TG_FEED_ID_SIZE];
    const char **put;

    tg_feed_id(id, known != NULL ? known : part);
    put = TG_FEED_ADD(f->building, list, TG_FEED_LINKS_MAX);
    if (put != NULL)
        *put = tg_feed_text(f->building, id, strlen(id));
}

/* Attributes of a product, or of a variation, whose they are options. A file without such columns
 * says nothing of them. */
static void attributes(struct tg_feed *f, struct tg_feed_pairs *list, bool options)
{
    for (int i = 0; i < ATTRIBUTES; i++) {
        enum column column = (enum column)(W_ATTRIBUTE + 2 * i + 1);
        const char *name = cell(f, (enum column)(W_ATTRIBUTE + 2 * i));
        const char *value = cell(f, column);
        uint32_t line = f->product.line;

        list->given = list->given || tg_feed_has(f, column);
        if (name[0] == '\0' || value[0] == '\0')
            continue;
        if (options ? !tg_feed_f_option(f, line, names[column], name, value, list)
                    : !tg_feed_f_attribute(f, line, names[column], name, value, list))
            f->spoiled = true;
    }
}

/* "" says nothing. */
static void published(struct tg_feed *f, int64_t *ret_archived)
{
    const char *value = cell(f, W_PUBLISHED);

    if (strcmp(value, "1") == 0)
        *ret_archived = 0;
    else if (strcmp(value, "0") == 0 || strcmp(value, "-1") == 0)
        *ret_archived = 1;
    else if (value[0] != '\0')
        tg_feed_say(f, f->product.line, names[W_PUBLISHED], value, "This is no state of a product.",
                    "Use 1 for published, 0 for private, -1 for a draft.");
}

static void product_attributes(struct tg_feed *f, bool variable)
{
    struct tg_feed_product *p = &f->product;

    p->attributes.given = tg_feed_has(f, W_TAGS) || tg_feed_has(f, W_ATTRIBUTE + 1);
    if (!variable) /* those of variable products are options */
        attributes(f, &p->attributes, false);
    if (cell(f, W_TAGS)[0] != '\0' &&
        !tg_feed_f_attribute(f, p->line, names[W_TAGS], "Tags", cell(f, W_TAGS), &p->attributes))
        f->spoiled = true;
}

static void product_fields(struct tg_feed *f, bool variable)
{
    struct tg_feed_product *p = &f->product;
    const char *text = cell(f, W_DESCRIPTION);

    p->title = tg_feed_f_text(f, p->line, names[W_NAME], cell(f, W_NAME), TG_FEED_TITLE_MAX);
    if (cell(f, W_NAME)[0] == '\0')
        tg_feed_say(f, p->line, names[W_NAME], "", "The name is empty.",
                    "Give each product a name.");
    if (text[0] == '\0')
        text = cell(f, W_SHORT);
    if (tg_feed_has(f, W_DESCRIPTION) || tg_feed_has(f, W_SHORT))
        p->description = tg_feed_f_lines(f, p->line, names[W_DESCRIPTION],
                                         tg_feed_plain(f->building, text), TG_FEED_DESCRIPTION_MAX);
    if (tg_feed_has(f, W_BRANDS))
        p->brand =
            tg_feed_f_text(f, p->line, names[W_BRANDS], cell(f, W_BRANDS), TG_FEED_TITLE_MAX);
    published(f, &p->archived);
    f->spoiled = f->spoiled || f->fault_count > 0;
    p->categories.given = tg_feed_has(f, W_CATEGORIES);
    p->pictures.given = tg_feed_has(f, W_IMAGES);
    p->related.given = tg_feed_has(f, W_UPSELLS);
    p->accessories.given = tg_feed_has(f, W_CROSS);
    split(f, W_CATEGORIES, add_category);
    split(f, W_IMAGES, add_image);
    split(f, W_UPSELLS, add_link);
    split(f, W_CROSS, add_link);
    product_attributes(f, variable);
}

/* "" and "parent" are the standard (or the parent's, which is the same here). */
static bool tax_class(struct tg_feed *f, struct tg_feed_variant *v)
{
    const char *value = cell(f, W_TAX_CLASS);
    size_t len = strlen(value);

    if (!tg_feed_has(f, W_TAX_CLASS))
        return true;
    if (strcmp(value, "parent") == 0 || strcmp(value, "standard") == 0)
        len = 0;
    if (len < 32 && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") >= len) {
        v->tax_class = tg_feed_text(f->building, value, len);
        return true;
    }
    tg_feed_say(f, v->line, names[W_TAX_CLASS], value, "This is no slug of a tax class.",
                "Use 1 to 31 of a-z, 0-9 and -, such as reduced-rate.");
    return false;
}

static bool weight(struct tg_feed *f, struct tg_feed_variant *v)
{
    enum column column = tg_feed_has(f, W_WEIGHT_G) ? W_WEIGHT_G : W_WEIGHT;
    const char *value = cell(f, column);

    if (value[0] == '\0')
        return true;
    if (tg_feed_weight(&v->weight_g, value, column == W_WEIGHT ? "kg" : "g") == TG_OK)
        return true;
    tg_feed_say(f, v->line, names[column], value, "This is no weight.",
                "Write a number such as 0.45.");
    return false;
}

static bool prices(struct tg_feed *f, struct tg_feed_variant *v)
{
    const struct tg_feed_sale sale = {.field = names[W_SALE],
                                      .price = cell(f, W_SALE),
                                      .from_field = names[W_SALE_FROM],
                                      .from = cell(f, W_SALE_FROM),
                                      .to_field = names[W_SALE_TO],
                                      .to = cell(f, W_SALE_TO)};

    return tg_feed_f_prices(f, v, names[W_REGULAR], cell(f, W_REGULAR),
                            tg_feed_has(f, W_SALE) ? &sale : NULL);
}

static void variant(struct tg_feed *f, bool variation)
{
    struct tg_feed_product *p = &f->product;
    struct tg_feed_variant v;
    struct tg_feed_variant *put;
    bool ok;

    tg_feed_variant_init(&v);
    v.line = p->line;
    v.sku = tg_feed_f_sku(f, v.line, names[W_SKU], cell(f, W_SKU));
    ok = v.sku != NULL;
    ok = prices(f, &v) && ok;
    if (tg_feed_has(f, W_GTIN)) {
        v.barcode = tg_feed_f_gtin(f, v.line, names[W_GTIN], cell(f, W_GTIN));
        ok = v.barcode != NULL && ok;
    }
    if (cell(f, W_STOCK)[0] != '\0')
        ok = tg_feed_f_count(f, v.line, names[W_STOCK], cell(f, W_STOCK), &v.stock) && ok;
    ok = tax_class(f, &v) && ok;
    ok = weight(f, &v) && ok;
    if (variation) {
        size_t before = f->fault_count;

        published(f, &v.archived);
        attributes(f, &v.options, true);
        ok = tg_feed_f_options_ok(f, v.line, &v.options) && before == f->fault_count && ok;
    }
    put = ok ? TG_FEED_ADD(f->building, &p->variants, 1) : NULL;
    if (put == NULL)
        f->spoiled = true;
    else
        *put = v;
}

static void remember(struct tg_feed *f, const char *id)
{
    char key[64];
    bool fresh;
    tg_err err = TG_OK;

    if (cell(f, W_SKU)[0] != '\0')
        err = tg_feed_see(f, cell(f, W_SKU), id, &fresh);
    if (err == TG_OK && cell(f, W_ID)[0] != '\0' && strlen(cell(f, W_ID)) < 48) {
        tg_str_printf(key, sizeof(key), "id:%s", cell(f, W_ID));
        err = tg_feed_see(f, key, id, &fresh);
    }
    if (err == TG_ERR_NOMEM)
        f->err = err;
}

static void own_id(struct tg_feed *f, char id[TG_FEED_ID_SIZE])
{
    char text[64];

    if (cell(f, W_SKU)[0] != '\0' || strlen(cell(f, W_ID)) > 48) {
        tg_feed_id(id, cell(f, W_SKU));
        return;
    }
    tg_str_printf(text, sizeof(text), "id-%s", cell(f, W_ID));
    tg_feed_id(id, text);
}

static bool parent_id(struct tg_feed *f, char id[TG_FEED_ID_SIZE])
{
    const char *parent = cell(f, W_PARENT);
    const char *known = tg_feed_seen(f, parent);

    if (known != NULL) {
        tg_str_cut(id, TG_FEED_ID_SIZE, known);
        return true;
    }
    tg_feed_say(f, f->product.line, names[W_PARENT], parent,
                "The parent of this variation does not stand further up.",
                "Put the variable product in front of its variations; look for its own fault.");
    return false;
}

/* "simple", also "simple, virtual" and the like. */
static bool is_type(const char *text, const char *type)
{
    size_t len = strlen(type);

    return strncmp(text, type, len) == 0 && (text[len] == '\0' || text[len] == ',');
}

static void row(struct tg_feed *f)
{
    struct tg_feed_product *p;
    const char *type;
    char id[TG_FEED_ID_SIZE];
    bool variable;
    bool variation;

    if (!f->headed) {
        (void)tg_feed_header(f, names, W_COUNT, NEEDED); /* false has stopped the feed */
        return;
    }
    type = cell(f, W_TYPE);
    variable = is_type(type, "variable");
    variation = is_type(type, "variation");
    p = tg_feed_open(f, f->csv.row_line);
    if (!variable && !variation && !is_type(type, "simple")) {
        tg_feed_say(f, p->line, names[W_TYPE], type, "torg does not know this type of product.",
                    "simple, variable and variation can be imported.");
        f->open = false;
        return;
    }
    if (variation) {
        p->partial = true;
        if (!parent_id(f, id)) {
            f->open = false;
            return;
        }
    } else {
        own_id(f, id);
        product_fields(f, variable);
    }
    p->id = tg_feed_text(f->building, id, strlen(id));
    if (!variable)
        variant(f, variation);
    if (!variation && !f->spoiled)
        remember(f, id);
    tg_feed_close(f);
}

static void step(struct tg_feed *f)
{
    tg_feed_rows(f, row);
}

const struct tg_feed_ops tg_feed_woo = {.step = step, .end = step};
