/* The canonical JSON of products, written. */
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/feed_priv.h"

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

static void write_options(struct tg_jo *j, const char *key, const struct tg_feed_pairs *options)
{
    tg_jo_obj(j, key);
    for (uint32_t i = 0; i < options->count; i++)
        tg_jo_str(j, options->at[i].name, options->at[i].value);
    tg_jo_end_obj(j);
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
        if (list->at[i].options.count > 0)
            write_options(j, "options", &list->at[i].options);
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
