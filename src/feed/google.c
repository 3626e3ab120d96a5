/* Google Merchant: an item's attributes as a product with one variant. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed_priv.h"

enum field {
    G_ID,
    G_TITLE,
    G_PRICE,
    G_SALE_PRICE,
    G_SALE_DATE,
    G_DESCRIPTION,
    G_LINK,
    G_IMAGE,
    G_ADDITIONAL,
    G_AVAILABILITY,
    G_BRAND,
    G_GTIN,
    G_MPN,
    G_GROUP,
    G_TYPE,
    G_CATEGORY,
    G_COLOR,
    G_SIZE,
    G_MATERIAL,
    G_PATTERN,
    G_GENDER,
    G_AGE,
    G_CONDITION,
    G_WEIGHT,
    G_QUANTITY,
    G_COST,
    G_COUNT
};
enum { NEEDED = G_SALE_PRICE };

static const char *const names[G_COUNT] = {"id",
                                           "title",
                                           "price",
                                           "sale_price",
                                           "sale_price_effective_date",
                                           "description",
                                           "link",
                                           "image_link",
                                           "additional_image_link",
                                           "availability",
                                           "brand",
                                           "gtin",
                                           "mpn",
                                           "item_group_id",
                                           "product_type",
                                           "google_product_category",
                                           "color",
                                           "size",
                                           "material",
                                           "pattern",
                                           "gender",
                                           "age_group",
                                           "condition",
                                           "shipping_weight",
                                           "quantity",
                                           "cost_of_goods_sold"};

struct tg_google_item {
    const char *values[G_COUNT];
    const char *more[TG_FEED_PICTURES_MAX];
    uint32_t more_count;
    struct tg_feed_pairs details;
};

static struct tg_google_item *item_of(struct tg_feed *f)
{
    return f->state;
}

tg_err tg_google_begin(struct tg_feed *f, uint32_t line)
{
    struct tg_google_item *item = f->state;

    if (item == NULL) {
        item = tg_calloc(1, sizeof(*item));
        if (item == NULL)
            return TG_ERR_NOMEM;
        f->state = item;
    }
    (void)tg_feed_open(f, line);
    memset(item, 0, sizeof(*item));
    return TG_OK;
}

/* name "product_detail" with value "Name: text" is how google_xml.c hands one on. */
void tg_google_field(struct tg_feed *f, const char *name, const char *value)
{
    struct tg_google_item *item = item_of(f);
    const char *copy;

    if (value[0] == '\0')
        return;
    if (strcmp(name, "product_detail") == 0) {
        const char *colon = strstr(value, ": ");
        char head[TG_FEED_TITLE_MAX + 1];

        if (colon == NULL ||
            tg_str_copy(head, sizeof(head), value, (size_t)(colon - value)) != TG_OK)
            return;
        (void)tg_feed_f_attribute(f, f->product.line, name, head, colon + 2,
                                  &item->details); /* told */
        return;
    }
    for (int i = 0; i < G_COUNT; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        copy = tg_feed_text(f->building, value, strlen(value));
        if (i == G_ADDITIONAL && item->more_count < TG_FEED_PICTURES_MAX)
            item->more[item->more_count++] = copy;
        item->values[i] = copy;
        return;
    }
}

static const char *value_of(struct tg_feed *f, enum field field)
{
    const char *value = item_of(f)->values[field];

    return value == NULL ? "" : value;
}

static const char *text_of(struct tg_feed *f, enum field field, size_t max)
{
    const char *value = item_of(f)->values[field];

    return value == NULL ? NULL : tg_feed_f_text(f, f->product.line, names[field], value, max);
}

static void pictures(struct tg_feed *f, struct tg_feed_pictures *list, bool more)
{
    const struct tg_google_item *item = item_of(f);
    uint32_t line = f->product.line;

    if (item->values[G_IMAGE] != NULL &&
        !tg_feed_f_picture(f, line, names[G_IMAGE], item->values[G_IMAGE], "", list))
        f->spoiled = true;
    for (uint32_t i = 0; more && i < item->more_count; i++) {
        /* In a table several stand in one cell, with commas between. */
        const char *at = item->more[i];

        while (*at != '\0') {
            size_t len = strcspn(at, ",");
            const char *url = tg_feed_text(f->building, at, len);

            if (url[0] != '\0' && !tg_feed_f_picture(f, line, names[G_ADDITIONAL], url, "", list))
                f->spoiled = true;
            at += len + (at[len] == ',' ? 1 : 0);
        }
    }
}

static void attribute(struct tg_feed *f, enum field field, const char *label)
{
    const char *value = value_of(f, field);

    if (value[0] != '\0' && !tg_feed_f_attribute(f, f->product.line, names[field], label, value,
                                                 &f->product.attributes))
        f->spoiled = true;
}

static void details(struct tg_feed *f, bool grouped)
{
    struct tg_feed_product *p = &f->product;
    const struct tg_google_item *item = item_of(f);

    if (item->values[G_TYPE] != NULL || item->values[G_CATEGORY] != NULL) {
        enum field field = item->values[G_TYPE] != NULL ? G_TYPE : G_CATEGORY;

        if (!tg_feed_f_category(f, p->line, names[field], item->values[field], &p->categories))
            f->spoiled = true;
    }
    if (!grouped) {
        attribute(f, G_COLOR, "Color");
        attribute(f, G_SIZE, "Size");
        attribute(f, G_MATERIAL, "Material");
        attribute(f, G_PATTERN, "Pattern");
    }
    attribute(f, G_GENDER, "Gender");
    attribute(f, G_AGE, "Age group");
    attribute(f, G_CONDITION, "Condition");
    attribute(f, G_MPN, "MPN");
    attribute(f, G_LINK, "Link");
    for (uint32_t i = 0; i < item->details.count; i++) {
        struct tg_feed_pair *pair =
            TG_FEED_ADD(f->building, &p->attributes, TG_FEED_ATTRIBUTES_MAX);

        if (pair != NULL)
            *pair = item->details.at[i];
    }
}

static void options(struct tg_feed *f, struct tg_feed_variant *v)
{
    static const struct {
        enum field field;
        const char *label;
    } known[] = {
        {G_COLOR, "color"}, {G_SIZE, "size"}, {G_MATERIAL, "material"}, {G_PATTERN, "pattern"}};
    uint32_t line = v->line;

    for (size_t i = 0; i < TG_ARRAY_LEN(known); i++) {
        const char *value = value_of(f, known[i].field);

        if (f->format == TG_FEED_GOOGLE_TSV && tg_feed_has(f, known[i].field))
            v->options.given = true; /* an empty cell says "none" */
        if (value[0] != '\0' && v->options.count < TG_FEED_OPTIONS_MAX &&
            !tg_feed_f_option(f, line, names[known[i].field], known[i].label, value, &v->options))
            f->spoiled = true;
    }
    if (!tg_feed_f_options_ok(f, line, &v->options))
        f->spoiled = true;
}

/* A table without the column says nothing of sales; an item without the element says "none". */
static bool prices(struct tg_feed *f, struct tg_feed_variant *v)
{
    const char *price = value_of(f, G_PRICE);
    const char *dates = value_of(f, G_SALE_DATE);
    const char *slash = strchr(dates, '/');
    struct tg_feed_sale sale = {.field = names[G_SALE_PRICE],
                                .price = value_of(f, G_SALE_PRICE),
                                .from_field = names[G_SALE_DATE],
                                .from = "",
                                .to_field = names[G_SALE_DATE],
                                .to = ""};

    if (f->format == TG_FEED_GOOGLE_TSV && !tg_feed_has(f, G_SALE_PRICE))
        return tg_feed_f_prices(f, v, names[G_PRICE], price, NULL);
    if (sale.price[0] != '\0' && dates[0] != '\0') {
        if (slash == NULL || slash == dates || slash[1] == '\0') {
            tg_feed_say(f, v->line, names[G_SALE_DATE], dates, "These are not two times.",
                        "Write them as 2027-11-26T08:00+0100/2027-11-29T23:59+0100.");
            return false;
        }
        sale.from = tg_feed_text(f->building, dates, (size_t)(slash - dates));
        sale.to = slash + 1;
    }
    return tg_feed_f_prices(f, v, names[G_PRICE], price, &sale);
}

static bool availability_ok(struct tg_feed *f)
{
    static const char *const known[] = {"in_stock",           "out_of_stock", "preorder",
                                        "backorder",          "in stock",     "out of stock",
                                        "available for order"};
    const char *value = value_of(f, G_AVAILABILITY);

    for (size_t i = 0; i < TG_ARRAY_LEN(known); i++)
        if (strcmp(known[i], value) == 0)
            return true;
    if (value[0] == '\0')
        return true;
    tg_feed_say(f, f->product.line, names[G_AVAILABILITY], value,
                "This is no availability that Google knows.",
                "Use in_stock, out_of_stock, preorder or backorder.");
    return false;
}

static bool variant(struct tg_feed *f, struct tg_feed_variant *v, bool grouped)
{
    const char *weight = value_of(f, G_WEIGHT);
    const char *cost = value_of(f, G_COST);
    const char *quantity = value_of(f, G_QUANTITY);
    bool ok = true;

    v->sku = tg_feed_f_sku(f, v->line, names[G_ID], value_of(f, G_ID));
    ok = v->sku != NULL && availability_ok(f);
    ok = prices(f, v) && ok;
    if (value_of(f, G_GTIN)[0] != '\0') {
        v->barcode = tg_feed_f_gtin(f, v->line, names[G_GTIN], value_of(f, G_GTIN));
        ok = v->barcode != NULL && ok;
    }
    if (weight[0] != '\0' && tg_feed_weight(&v->weight_g, weight, "kg") != TG_OK) {
        tg_feed_say(f, v->line, names[G_WEIGHT], weight, "This is no weight.",
                    "Write it as 0.5 kg or 500 g.");
        ok = false;
    }
    if (cost[0] != '\0')
        ok = tg_feed_f_money(f, v->line, names[G_COST], cost, &v->cost) && ok;
    if (quantity[0] != '\0')
        ok = tg_feed_f_count(f, v->line, names[G_QUANTITY], quantity, &v->stock) && ok;
    if (grouped)
        options(f, v);
    return ok;
}

void tg_google_end(struct tg_feed *f)
{
    struct tg_feed_product *p = &f->product;
    const char *group = value_of(f, G_GROUP);
    bool grouped = group[0] != '\0';
    struct tg_feed_variant *v;
    char id[TG_FEED_ID_SIZE];
    bool fresh = true;

    tg_feed_id(id, grouped ? group : value_of(f, G_ID));
    p->id = tg_feed_text(f->building, id, strlen(id));
    p->partial = grouped && tg_feed_seen(f, id) != NULL;
    if (!p->partial) {
        p->title = text_of(f, G_TITLE, TG_FEED_TITLE_MAX);
        if (value_of(f, G_TITLE)[0] == '\0') {
            tg_feed_say(f, p->line, names[G_TITLE], "", "The title is empty.",
                        "Give each product a name.");
            f->spoiled = true;
        }
        p->brand = text_of(f, G_BRAND, TG_FEED_TITLE_MAX);
        if (value_of(f, G_DESCRIPTION)[0] != '\0')
            p->description = tg_feed_f_lines(f, p->line, names[G_DESCRIPTION],
                                             tg_feed_plain(f->building, value_of(f, G_DESCRIPTION)),
                                             TG_FEED_DESCRIPTION_MAX);
        f->spoiled = f->spoiled || f->fault_count > 0;
        pictures(f, &p->pictures, true);
        details(f, grouped);
    }
    v = TG_FEED_ADD(f->building, &p->variants, 1);
    if (v == NULL) {
        tg_feed_close(f);
        return;
    }
    tg_feed_variant_init(v);
    v->line = p->line;
    if (!variant(f, v, grouped))
        f->spoiled = true;
    if (grouped)
        pictures(f, &v->pictures, false);
    if (grouped && !p->partial && !f->spoiled && tg_feed_see(f, id, NULL, &fresh) == TG_ERR_NOMEM)
        f->err = TG_ERR_NOMEM;
    tg_feed_close(f);
}

/* --- as a table --- */

static void row(struct tg_feed *f)
{
    if (!f->headed) {
        (void)tg_feed_header(f, names, G_COUNT, NEEDED); /* false has stopped the feed */
        return;
    }
    if (tg_google_begin(f, f->csv.row_line) != TG_OK) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    for (size_t i = 0; i < G_COUNT; i++)
        if (tg_feed_has(f, i))
            tg_google_field(f, names[i], tg_feed_cell(f, i));
    tg_google_end(f);
}

static void step(struct tg_feed *f)
{
    tg_feed_rows(f, row);
}

static void done(struct tg_feed *f)
{
    tg_free(f->state);
    f->state = NULL;
}

const struct tg_feed_ops tg_feed_google_tsv = {.step = step, .end = step, .done = done};
