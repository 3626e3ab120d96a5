#include "support/lib/feeds.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/rng.h"

static const char *const things[] = {"genser",  "lue",       "sjal",  "votter", "jakke", "bukse",
                                     "skjorte", "ryggsekk",  "kjole", "sokker", "skål",  "krus",
                                     "lykt",    "ljusstake", "pläd",  "mössa",  "tröja", "väska"};
static const char *const kinds[] = {"Ull", "Merino", "Grønn", "Blå",    "Sjøgrønn", "Höst",
                                    "Vår", "Fjell",  "Kyst",  "Vinter", "Skog",     "Midnatt"};
static const char *const makers[] = {"Fjord & Fjell", "Norrsken", "Østfold Ull", "Älvdal"};
static const char *const colors[] = {"rød", "blå", "grønn", "svart", "hvit", "grå"};
static const char *const sizes[] = {"XS", "S", "M", "L", "XL"};
static const char *const categories[] = {"Klær > Overdeler", "Klær > Tilbehør", "Hjem > Kjøkken",
                                         "Hjem > Stue > Tekstil"};

/* One good variant of one good product. */
struct piece {
    uint32_t product;
    uint32_t variant;
    bool first;
    char title[96];
    char sku[32];
    char gtin[16];
    const char *maker;
    const char *category;
    const char *color;
    const char *size;
    unsigned price; /* kroner */
    unsigned sale;  /* 0 = none */
    unsigned stock;
    unsigned grams;
};

#define PICK(rng, list) (list)[tg_rng_below(rng, TG_ARRAY_LEN(list))]

static void gtin(char out[16], uint64_t number)
{
    unsigned sum = 0;

    (void)snprintf(out, 16, "70%010u", (unsigned)(number % 10000000000U % 4000000000U));
    for (size_t i = 0; i < 12; i++)
        sum += (unsigned)(out[i] - '0') * (i % 2 == 1 ? 3U : 1U);
    out[12] = (char)('0' + (10 - sum % 10) % 10);
    out[13] = '\0';
}

static void make_product(struct piece *p, struct tg_rng *rng, uint32_t number)
{
    *p = (struct piece){.product = number, .first = true};
    (void)snprintf(p->title, sizeof(p->title), "%s%s %u", PICK(rng, kinds), PICK(rng, things),
                   number);
    p->maker = PICK(rng, makers);
    p->category = PICK(rng, categories);
}

static void make_variant(struct piece *p, struct tg_rng *rng, uint32_t variant)
{
    p->variant = variant;
    p->first = variant == 0;
    p->color = colors[variant % TG_ARRAY_LEN(colors)];
    p->size = sizes[variant / TG_ARRAY_LEN(colors) % TG_ARRAY_LEN(sizes)];
    p->price = 49 + (unsigned)tg_rng_below(rng, 2000);
    p->sale = tg_rng_below(rng, 5) == 0 ? p->price - 10 : 0;
    p->stock = (unsigned)tg_rng_below(rng, 200);
    p->grams = 50 + (unsigned)tg_rng_below(rng, 3000);
    (void)snprintf(p->sku, sizeof(p->sku), "SKU-%05u-%02u", p->product, variant);
    gtin(p->gtin, (uint64_t)p->product * 100 + variant);
}

/* --- the formats, one row at a time; `fault` 0 = good --- */

enum fault { GOOD, BAD_PRICE, BAD_GTIN, NO_SKU, BAD_PICTURE, BAD_OTHER, FAULTS };

static const char *price_text(char out[32], const struct piece *p, enum fault fault,
                              const char *unit)
{
    if (fault == BAD_PRICE)
        (void)snprintf(out, 32, "free");
    else
        (void)snprintf(out, 32, "%u.00%s", p->price, unit);
    return out;
}

static const char *gtin_text(const struct piece *p, enum fault fault)
{
    return fault == BAD_GTIN ? "7012345678901" : p->gtin;
}

static const char *image_of(enum fault fault)
{
    return fault == BAD_PICTURE ? "no picture" : "https://cdn.example.com/p";
}

static void google_xml(struct tg_buf *out, const struct piece *p, enum fault fault)
{
    char price[32];

    tg_buf_add_str(out, "<item>\n");
    if (fault != NO_SKU)
        tg_buf_printf(out, "<g:id>%s</g:id>\n", p->sku);
    tg_buf_printf(out,
                  "<g:item_group_id>G-%05u</g:item_group_id>\n<title>%s</title>\n"
                  "<description><![CDATA[<p>%s &amp; mer</p>]]></description>\n"
                  "<link>https://shop.example.com/p/%u?a=1&amp;b=2</link>\n",
                  p->product, p->title, p->title, p->product);
    tg_buf_printf(out,
                  "<g:image_link>%s/%u.jpg</g:image_link>\n"
                  "<g:additional_image_link>https://cdn.example.com/p/%u-b.jpg"
                  "</g:additional_image_link>\n<g:availability>%s</g:availability>\n",
                  image_of(fault), p->product, p->product,
                  fault == BAD_OTHER ? "maybe" : "in_stock");
    tg_buf_printf(out, "<g:price>%s</g:price>\n", price_text(price, p, fault, " NOK"));
    if (p->sale > 0)
        tg_buf_printf(out, "<g:sale_price>%u.00 NOK</g:sale_price>\n", p->sale);
    tg_buf_printf(
        out,
        "<g:brand>%s</g:brand><g:gtin>%s</g:gtin>"
        "<g:product_type>%s</g:product_type><g:color>%s</g:color><g:size>%s</g:size>"
        "<g:quantity>%u</g:quantity><g:shipping_weight>%u g</g:shipping_weight>\n",
        strchr(p->maker, '&') != NULL ? "Fjord &amp; Fjell" : p->maker, gtin_text(p, fault),
        strcmp(p->category, "Klær > Overdeler") == 0 ? "Klær &gt; Overdeler" : "Hjem &gt; Stue",
        p->color, p->size, p->stock, p->grams);
    tg_buf_add_str(out, "<g:shipping><g:country>NO</g:country><g:price>49 NOK</g:price>"
                        "</g:shipping>\n</item>\n");
}

static void google_tsv(struct tg_buf *out, const struct piece *p, enum fault fault)
{
    char price[32];

    tg_buf_printf(out, "%s\tG-%05u\t%s\t\"%s, \"\"myk\"\"\"\thttps://shop.example.com/%u\t",
                  fault == NO_SKU ? "" : p->sku, p->product, p->title, p->title, p->product);
    tg_buf_printf(out, "%s/%u.jpg\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", image_of(fault), p->product,
                  fault == BAD_OTHER ? "maybe" : "in_stock", price_text(price, p, fault, " NOK"),
                  p->maker, gtin_text(p, fault), p->category, p->color, p->size);
}

static void shopify(struct tg_buf *out, const struct piece *p, enum fault fault)
{
    char price[32];

    tg_buf_printf(out, "handle-%05u,", p->product);
    if (p->first)
        tg_buf_printf(out, "\"%s\",\"<p>%s,\nlinje to</p>\",%s,%s,\"ull, \"\"fin\"\"\",active,",
                      p->title, p->title, p->maker, p->category);
    else
        tg_buf_add_str(out, ",,,,,,");
    tg_buf_printf(out, "%s,%s,%s,%s,%s,%s,%u,%s,", p->first ? "Farge" : "", p->color,
                  p->first ? "Størrelse" : "", p->size, fault == NO_SKU ? "" : p->sku,
                  fault == BAD_OTHER ? "tung" : "250", p->stock, price_text(price, p, fault, ""));
    if (p->sale > 0)
        tg_buf_printf(out, "%u.00", p->price + 100);
    tg_buf_printf(out, ",'%s,%s/%u-%u.jpg,%s\r\n", gtin_text(p, fault), image_of(fault), p->product,
                  p->variant, p->title);
}

static void woo_parent(struct tg_buf *out, const struct piece *p)
{
    tg_buf_printf(out, "%u,variable,W-%05u,,\"%s\",1,\"<b>%s</b>\",,,,,,\"%s\",", p->product + 1,
                  p->product, p->title, p->title, p->category);
    tg_buf_printf(out, "\"https://cdn.example.com/p/%u.jpg, https://cdn.example.com/p/%u-b.jpg\",,",
                  p->product, p->product);
    tg_buf_add_str(out, "Farge,\"rød, blå\",Størrelse,\"S, M\"\r\n");
}

static void woo(struct tg_buf *out, const struct piece *p, enum fault fault)
{
    char price[32];

    if (p->first)
        woo_parent(out, p);
    tg_buf_printf(out, "%u,%s,%s,%s,\"%s - %s\",%s,,%s,%u,%s,%s,",
                  100000 + p->product * 40 + p->variant,
                  fault == BAD_PICTURE ? "grouped" : "variation", fault == NO_SKU ? "" : p->sku,
                  gtin_text(p, fault), p->title, p->color, "1", p->variant % 2 == 0 ? "" : "parent",
                  p->stock, fault == BAD_OTHER ? "tung" : "0.25", "");
    tg_buf_printf(out, "%s,,,%s%u,Farge,%s,Størrelse,%s\r\n", price_text(price, p, fault, ""),
                  p->variant % 2 == 0 ? "id:" : "W-0000", p->variant % 2 == 0 ? p->product + 1 : 0,
                  p->color, p->size);
}

static void torg_variant(struct tg_buf *out, const struct piece *p, enum fault fault)
{
    if (!p->first)
        tg_buf_add_str(out, ",");
    tg_buf_add_str(out, "{");
    if (fault != NO_SKU)
        tg_buf_printf(out, "\"sku\":\"%s\",", p->sku);
    tg_buf_printf(out, "\"options\":{\"farge\":\"%s\",\"størrelse\":\"%s\"},", p->color, p->size);
    if (fault == BAD_PRICE)
        tg_buf_add_str(out, "\"price\":\"free\"");
    else
        tg_buf_printf(out, "\"price\":{\"amount\":%u00,\"currency\":\"NOK\"}", p->price);
    tg_buf_printf(out, ",\"barcode\":\"%s\",\"weight_g\":%u,\"stock\":%u", gtin_text(p, fault),
                  p->grams, p->stock);
    if (p->sale > 0)
        tg_buf_printf(out, ",\"prices\":[{\"price\":{\"amount\":%u00,\"currency\":\"SEK\"}}]",
                      p->sale);
    if (fault == BAD_PICTURE)
        tg_buf_add_str(out, ",\"pictures\":[{\"url\":\"no picture\"}]");
    if (fault == BAD_OTHER)
        tg_buf_add_str(out, ",\"colour\":\"red\"");
    tg_buf_add_str(out, "}");
}

static void torg_product(struct tg_buf *out, const struct piece *p)
{
    tg_buf_printf(out,
                  "{\"id\":\"t-%05u\",\"number\":%u,\"title\":\"%s\",\"brand\":\"%s\","
                  "\"texts\":{\"en\":{\"title\":\"English %u\"}},"
                  "\"pictures\":[{\"url\":\"https://cdn.example.com/%u.jpg\",\"alt\":\"%s\"}],",
                  p->product, p->product + 1, p->title, p->maker, p->product, p->product, p->title);
    tg_buf_printf(out,
                  "\"categories\":[\"%s\"],\"attributes\":[{\"name\":\"Material\","
                  "\"value\":\"Ull\"}],\"related\":[\"t-00000\"],\"variants\":[",
                  p->category);
}

static const char *head_of(enum tg_feed_format format)
{
    switch (format) {
    case TG_FEED_GOOGLE_XML:
        return "<?xml version=\"1.0\"?>\n<rss xmlns:g=\"http://base.google.com/ns/1.0\""
               " version=\"2.0\">\n<channel>\n<title>Butikk</title>\n"
               "<link>https://shop.example.com</link>\n";
    case TG_FEED_GOOGLE_TSV:
        return "id\titem group id\ttitle\tdescription\tlink\timage link\tavailability\tprice\t"
               "brand\tgtin\tproduct type\tcolor\tsize\n";
    case TG_FEED_SHOPIFY:
        return "\xef\xbb\xbfHandle,Title,Body (HTML),Vendor,Type,Tags,Status,Option1 Name,"
               "Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,"
               "Variant Inventory Qty,Variant Price,Variant Compare At Price,Variant Barcode,"
               "Image Src,Image Alt Text\r\n";
    case TG_FEED_WOOCOMMERCE:
        return "ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,Description,Tax class,"
               "Stock,Weight (kg),Sale price,Regular price,Categories,Images,Parent,"
               "Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)\r\n";
    case TG_FEED_AUTO:
    case TG_FEED_GOOGLE:
    case TG_FEED_TORG:
    case TG_FEED_FORMAT_COUNT:
        break;
    }
    return "";
}

static void write_piece(struct tg_buf *out, enum tg_feed_format format, const struct piece *p,
                        enum fault fault)
{
    switch (format) {
    case TG_FEED_GOOGLE_XML:
        google_xml(out, p, fault);
        break;
    case TG_FEED_GOOGLE_TSV:
        google_tsv(out, p, fault);
        break;
    case TG_FEED_SHOPIFY:
        shopify(out, p, fault);
        break;
    case TG_FEED_WOOCOMMERCE:
        woo(out, p, fault);
        break;
    case TG_FEED_TORG:
        if (p->first)
            torg_product(out, p);
        torg_variant(out, p, fault);
        break;
    case TG_FEED_AUTO:
    case TG_FEED_GOOGLE:
    case TG_FEED_FORMAT_COUNT:
        break;
    }
}

void tg_feeds_make(struct tg_buf *out, const struct tg_feeds_cfg *cfg, struct tg_feeds_made *ret)
{
    struct tg_rng rng = tg_rng_seeded(cfg->seed);

    *ret = (struct tg_feeds_made){0};
    tg_buf_add_str(out, head_of(cfg->format));
    while (ret->variants < cfg->variants) {
        uint32_t count = 1 + (uint32_t)tg_rng_below(&rng, 6);
        struct piece p;

        make_product(&p, &rng, ret->products++);
        for (uint32_t i = 0; i < count; i++) {
            /* The first row of a product stays good: the product would go with it. */
            bool bad = i > 0 && cfg->faulty > 0 && tg_rng_below(&rng, cfg->faulty) == 0;
            enum fault fault = bad ? (enum fault)(1 + tg_rng_below(&rng, FAULTS - 1)) : GOOD;

            make_variant(&p, &rng, i);
            if (fault == BAD_PICTURE &&
                (cfg->format == TG_FEED_GOOGLE_TSV || cfg->format == TG_FEED_SHOPIFY))
                fault = BAD_PRICE; /* there the picture is a fault beside a good variant */
            if (fault == BAD_GTIN && strcmp(p.gtin, "7012345678901") == 0)
                fault = GOOD;
            write_piece(out, cfg->format, &p, fault);
            if (fault == GOOD)
                ret->variants++;
            else
                ret->faults++;
        }
        if (cfg->format == TG_FEED_TORG)
            tg_buf_add_str(out, "]}\n");
    }
    if (cfg->format == TG_FEED_GOOGLE_XML)
        tg_buf_add_str(out, "</channel>\n</rss>\n");
}
