/* Exports, which imports read again: torg JSON Lines and Google Merchant RSS; the rest is
 * elsewhere. */
#include <string.h>

#include "base/str.h"
#include "feed/feed_priv.h"

enum tg_export_format tg_export_format_parse(const char *name)
{
    if (strcmp(name, "torg") == 0)
        return TG_EXPORT_TORG;
    if (strcmp(name, "google") == 0)
        return TG_EXPORT_GOOGLE;
    if (strcmp(name, "shopify") == 0 || strcmp(name, "csv") == 0)
        return TG_EXPORT_SHOPIFY;
    if (strcmp(name, "woocommerce") == 0)
        return TG_EXPORT_WOOCOMMERCE;
    return TG_EXPORT_FORMAT_COUNT;
}

/* --- Google --- */

static void xml_text(struct tg_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            tg_buf_add_str(out, "&amp;");
            break;
        case '<':
            tg_buf_add_str(out, "&lt;");
            break;
        case '>':
            tg_buf_add_str(out, "&gt;");
            break;
        default:
            /* Control characters have no form in XML 1.0. */
            if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
                tg_buf_add(out, text, 1);
            break;
        }
    }
}

static void element(struct tg_buf *out, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    tg_buf_printf(out, "<g:%s>", name);
    xml_text(out, text);
    tg_buf_printf(out, "</g:%s>\n", name);
}

static void picture(const struct tg_export *x, struct tg_buf *out, const char *name,
                    const struct tg_feed_picture *p)
{
    tg_buf_printf(out, "<g:%s>", name);
    if (p->url[0] == '/')
        xml_text(out, x->base_url);
    xml_text(out, p->url);
    tg_buf_printf(out, "</g:%s>\n", name);
}

static void money(const struct tg_export *x, struct tg_buf *out, const char *name, int64_t amount)
{
    char text[32];

    tg_feed_money_text(text, amount, x->currency);
    tg_buf_printf(out, "<g:%s>%s %s</g:%s>\n", name, text, x->currency, name);
}

static void google_options(struct tg_buf *out, const struct tg_feed_variant *v)
{
    static const char *const known[] = {"color", "size", "material", "pattern"};

    for (uint32_t i = 0; i < v->options.count; i++)
        for (size_t k = 0; k < TG_ARRAY_LEN(known); k++)
            if (strcmp(v->options.at[i].name, known[k]) == 0)
                element(out, known[k], v->options.at[i].value);
}

static void google_item(const struct tg_export *x, struct tg_buf *out,
                        const struct tg_feed_product *p, const struct tg_feed_variant *v,
                        int64_t available)
{
    const struct tg_feed_pictures *own = v->pictures.count > 0 ? &v->pictures : &p->pictures;
    const char *link = tg_export_attribute(p, "Link");
    bool sale = v->compare_at > v->price;

    tg_buf_add_str(out, "<item>\n");
    element(out, "id", v->sku);
    if (p->variants.count > 1 || strcmp(p->id, v->sku) != 0)
        element(out, "item_group_id", p->id);
    element(out, "title", p->title);
    element(out, "description", p->description);
    if (link != NULL) {
        element(out, "link", link);
    } else {
        tg_buf_add_str(out, "<g:link>");
        xml_text(out, x->base_url);
        tg_buf_add_str(out, "/</g:link>\n");
    }
    for (uint32_t i = 0; i < own->count; i++)
        picture(x, out, i == 0 ? "image_link" : "additional_image_link", &own->at[i]);
    element(out, "availability", available > 0 ? "in_stock" : "out_of_stock");
    money(x, out, "price", sale ? v->compare_at : v->price);
    if (sale)
        money(x, out, "sale_price", v->price);
    element(out, "brand", p->brand);
    element(out, "gtin", v->barcode);
    element(out, "mpn", tg_export_attribute(p, "MPN"));
    if (p->categories.count > 0)
        element(out, "product_type", p->categories.at[0]);
    google_options(out, v);
    element(out, "gender", tg_export_attribute(p, "Gender"));
    element(out, "age_group", tg_export_attribute(p, "Age group"));
    element(out, "condition", tg_export_attribute(p, "Condition"));
    if (v->weight_g >= 0)
        tg_buf_printf(out, "<g:shipping_weight>%lld g</g:shipping_weight>\n",
                      (long long)v->weight_g);
    tg_buf_add_str(out, "</item>\n");
}

/* --- all --- */

void tg_export_head(const struct tg_export *x, struct tg_buf *out)
{
    if (x->format == TG_EXPORT_GOOGLE)
        tg_buf_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<rss version=\"2.0\" xmlns:g=\"http://base.google.com/ns/1.0\">\n"
                            "<channel>\n<title>torg</title>\n");
    if (x->format == TG_EXPORT_SHOPIFY)
        tg_export_shopify_head(out);
    if (x->format == TG_EXPORT_WOOCOMMERCE)
        tg_export_woo_head(out);
}

void tg_export_product(const struct tg_export *x, struct tg_buf *out,
                       const struct tg_feed_product *p, const int64_t *available)
{
    struct tg_jo j = tg_jo(out);

    switch (x->format) {
    case TG_EXPORT_TORG:
        tg_feed_write_torg(&j, p, x->currency);
        tg_buf_add_str(out, "\n");
        break;
    case TG_EXPORT_GOOGLE:
        for (uint32_t i = 0; i < p->variants.count; i++)
            google_item(x, out, p, &p->variants.at[i], available[i]);
        break;
    case TG_EXPORT_SHOPIFY:
        tg_export_shopify(x, out, p, available);
        break;
    case TG_EXPORT_WOOCOMMERCE:
        tg_export_woo(x, out, p, available);
        break;
    case TG_EXPORT_FORMAT_COUNT:
        break;
    }
}

void tg_export_tail(const struct tg_export *x, struct tg_buf *out)
{
    if (x->format == TG_EXPORT_GOOGLE)
        tg_buf_add_str(out, "</channel>\n</rss>\n");
}
