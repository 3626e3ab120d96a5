/* Shopify's and WooCommerce's product CSV, written: whatever the format has a column for. */
#include <string.h>

#include "base/str.h"
#include "feed/feed_priv.h"

enum { WOO_ATTRIBUTES = 12 }; /* as many as the import reads */

const char *tg_export_attribute(const struct tg_feed_product *p, const char *name)
{
    for (uint32_t i = 0; i < p->attributes.count; i++)
        if (strcmp(p->attributes.at[i].name, name) == 0)
            return p->attributes.at[i].value;
    return NULL;
}

/* A cell of the row; NULL is empty. */
static void cell(struct tg_buf *out, const char *text)
{
    bool quote = text != NULL && strpbrk(text, ",\"\r\n") != NULL;

    if (quote)
        tg_buf_add_str(out, "\"");
    if (text != NULL && tg_csv_runs(text))
        tg_buf_add_str(out, "'");
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '"')
            tg_buf_add_str(out, "\"");
        tg_buf_add(out, text, 1);
    }
    tg_buf_add_str(out, quote ? "\"," : ",");
}

/* The row's last cell has a comma behind it, too. */
static void end_row(struct tg_buf *out)
{
    if (out->err == TG_OK && out->len > 0)
        out->len--;
    tg_buf_add_str(out, "\r\n");
}

static void cell_int(struct tg_buf *out, int64_t value)
{
    if (value >= 0)
        tg_buf_printf(out, "%lld", (long long)value);
    tg_buf_add_str(out, ",");
}

static void cell_money(const struct tg_export *x, struct tg_buf *out, int64_t amount)
{
    char text[32] = "";

    if (amount >= 0)
        tg_feed_money_text(text, amount, x->currency);
    cell(out, text);
}

/* Both call it HTML: plain text with its marks escaped. */
static void cell_html(struct tg_buf *out, const char *text)
{
    tg_buf_add_str(out, text != NULL && tg_csv_runs(text) ? "\"'" : "\"");
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '&')
            tg_buf_add_str(out, "&amp;");
        else if (*text == '<')
            tg_buf_add_str(out, "&lt;");
        else if (*text == '>')
            tg_buf_add_str(out, "&gt;");
        else if (*text == '"')
            tg_buf_add_str(out, "\"\"");
        else
            tg_buf_add(out, text, 1);
    }
    tg_buf_add_str(out, "\",");
}

/* --- Shopify --- */

void tg_export_shopify_head(struct tg_buf *out)
{
    tg_buf_add_str(out, "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Status,"
                        "Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,"
                        "Option3 Value,Variant SKU,Variant Grams,Variant Inventory Qty,"
                        "Variant Price,Variant Compare At Price,Variant Barcode,Image Src,"
                        "Image Alt Text,Variant Image,Variant Tax Code,Cost per item\r\n");
}

static void shopify_product(struct tg_buf *out, const struct tg_feed_product *p, bool first)
{
    bool two = p->categories.count > 1; /* all that it has room for */

    cell(out, p->id);
    cell(out, first ? p->title : "");
    cell_html(out, first ? p->description : "");
    cell(out, first ? p->brand : "");
    cell(out, first && two ? p->categories.at[0] : "");
    cell(out, first && p->categories.count > 0 ? p->categories.at[two ? 1 : 0] : "");
    cell(out, first ? tg_export_attribute(p, "Tags") : "");
    cell(out, first ? (p->archived == 1 ? "archived" : "active") : "");
}

static void shopify_options(struct tg_buf *out, const struct tg_feed_product *p,
                            const struct tg_feed_variant *v, bool first)
{
    const struct tg_feed_variant *head = &p->variants.at[0];

    for (uint32_t i = 0; i < TG_FEED_OPTIONS_MAX; i++) {
        bool plain = i == 0 && v->options.count == 0;
        const char *name = i < head->options.count ? head->options.at[i].name
                           : plain                 ? "Title"
                                                   : "";

        cell(out, first ? name : "");
        cell(out, i < v->options.count ? v->options.at[i].value : plain ? "Default Title" : "");
    }
}

static void shopify_variant(const struct tg_export *x, struct tg_buf *out,
                            const struct tg_feed_product *p, uint32_t at, int64_t available)
{
    const struct tg_feed_variant *v = &p->variants.at[at];

    shopify_product(out, p, at == 0);
    shopify_options(out, p, v, at == 0);
    cell(out, v->sku);
    cell_int(out, v->weight_g);
    cell_int(out, available < 0 ? 0 : available);
    cell_money(x, out, v->price);
    cell_money(x, out, v->compare_at);
    cell(out, v->barcode);
    cell(out, at < p->pictures.count ? p->pictures.at[at].url : "");
    cell(out, at < p->pictures.count ? p->pictures.at[at].alt : "");
    cell(out, v->pictures.count > 0 ? v->pictures.at[0].url : "");
    cell(out, v->tax_class);
    cell_money(x, out, v->cost);
    end_row(out);
}

/* Pictures beyond the variants have rows of their own. */
static void shopify_picture(struct tg_buf *out, const struct tg_feed_product *p, uint32_t at)
{
    shopify_product(out, p, false);
    tg_buf_add_str(out, ",,,,,,,,,,,,");
    cell(out, p->pictures.at[at].url);
    cell(out, p->pictures.at[at].alt);
    tg_buf_add_str(out, ",,,");
    end_row(out);
}

void tg_export_shopify(const struct tg_export *x, struct tg_buf *out,
                       const struct tg_feed_product *p, const int64_t *available)
{
    for (uint32_t i = 0; i < p->variants.count; i++)
        shopify_variant(x, out, p, i, available[i]);
    for (uint32_t i = p->variants.count; i < p->pictures.count && p->variants.count > 0; i++)
        shopify_picture(out, p, i);
}

/* --- WooCommerce --- */

void tg_export_woo_head(struct tg_buf *out)
{
    tg_buf_add_str(out, "Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,Description,"
                        "Tax class,Stock,Weight (g),Sale price,Regular price,Categories,Tags,"
                        "Images,Parent,Upsells,Cross-sells,Brands");
    for (int i = 1; i <= WOO_ATTRIBUTES; i++)
        tg_buf_printf(out, ",Attribute %d name,Attribute %d value(s)", i, i);
    tg_buf_add_str(out, "\r\n");
}

/* One of a list within a cell: "\," is a comma of its own. */
static void part(struct tg_buf *list, const char *text)
{
    if (list->len > 0)
        tg_buf_add_str(list, ", ");
    for (; *text != '\0'; text++) {
        if (*text == ',')
            tg_buf_add_str(list, "\\");
        tg_buf_add(list, text, 1);
    }
}

static void cell_list(struct tg_buf *out, struct tg_buf *list)
{
    cell(out, tg_buf_cstr(list));
    if (list->err != TG_OK && out->err == TG_OK)
        out->err = list->err;
    tg_buf_clear(list);
}

/* Columns of the product: a variation has none of them. */
static void woo_lists(struct tg_buf *out, const struct tg_feed_product *p, const char *parent)
{
    bool whole = parent[0] == '\0';
    struct tg_buf list;

    tg_buf_init(&list, 1 << 20);
    for (uint32_t i = 0; whole && i < p->categories.count; i++)
        part(&list, p->categories.at[i]);
    cell_list(out, &list);
    cell(out, whole ? tg_export_attribute(p, "Tags") : "");
    for (uint32_t i = 0; whole && i < p->pictures.count; i++)
        part(&list, p->pictures.at[i].url);
    cell_list(out, &list);
    cell(out, parent);
    for (uint32_t i = 0; whole && i < p->related.count; i++)
        part(&list, p->related.at[i]);
    cell_list(out, &list);
    for (uint32_t i = 0; whole && i < p->accessories.count; i++)
        part(&list, p->accessories.at[i]);
    cell_list(out, &list);
    cell(out, whole ? p->brand : "");
    tg_buf_done(&list);
}

static void woo_pairs(struct tg_buf *out, const struct tg_feed_pairs *pairs)
{
    uint32_t used = 0;

    for (uint32_t i = 0; pairs != NULL && i < pairs->count && used < WOO_ATTRIBUTES; i++) {
        if (strcmp(pairs->at[i].name, "Tags") == 0)
            continue;
        cell(out, pairs->at[i].name);
        cell(out, pairs->at[i].value);
        used++;
    }
    for (; used < WOO_ATTRIBUTES; used++)
        tg_buf_add_str(out, ",,");
    end_row(out);
}

struct woo_row {
    const char *type;
    const char *sku;
    const char *parent; /* "" = it is the product's own row */
    const struct tg_feed_variant *variant;
    const struct tg_feed_pairs *pairs;
    int64_t available;
};

static void woo_row(const struct tg_export *x, struct tg_buf *out, const struct tg_feed_product *p,
                    const struct woo_row *row)
{
    const struct tg_feed_variant *v = row->variant;
    bool sale = v != NULL && v->compare_at > v->price;
    int64_t archived = v != NULL && row->parent[0] != '\0' ? v->archived : p->archived;

    cell(out, row->type);
    cell(out, row->sku);
    cell(out, v == NULL ? "" : v->barcode);
    cell(out, p->title);
    cell(out, archived == 1 ? "0" : "1");
    if (row->parent[0] == '\0')
        cell_html(out, p->description);
    else
        cell(out, "");
    cell(out, v == NULL ? "" : v->tax_class);
    cell_int(out, v == NULL ? -1 : row->available < 0 ? 0 : row->available);
    cell_int(out, v == NULL ? -1 : v->weight_g);
    cell_money(x, out, sale ? v->price : -1);
    cell_money(x, out, v == NULL ? -1 : sale ? v->compare_at : v->price);
    woo_lists(out, p, row->parent);
    woo_pairs(out, row->pairs);
}

/* A simple product is known by its SKU; any other is a variable one, known by its id. */
static bool simple(const struct tg_feed_product *p)
{
    return p->variants.count == 1 && p->variants.at[0].options.count == 0 &&
           strcmp(p->variants.at[0].sku, p->id) == 0;
}

void tg_export_woo(const struct tg_export *x, struct tg_buf *out, const struct tg_feed_product *p,
                   const int64_t *available)
{
    struct woo_row row = {.type = "simple", .sku = p->id, .parent = "", .pairs = &p->attributes};

    if (simple(p)) {
        row.variant = &p->variants.at[0];
        row.available = available[0];
        woo_row(x, out, p, &row);
        return;
    }
    row.type = "variable";
    row.pairs = NULL;
    woo_row(x, out, p, &row);
    for (uint32_t i = 0; i < p->variants.count; i++) {
        const struct woo_row each = {.type = "variation",
                                     .sku = p->variants.at[i].sku,
                                     .parent = p->id,
                                     .variant = &p->variants.at[i],
                                     .pairs = &p->variants.at[i].options,
                                     .available = available[i]};

        woo_row(x, out, p, &each);
    }
}
