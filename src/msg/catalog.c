#include "msg/catalog.h"

#include "base/alloc.h"
#include "base/macros.h"

struct tg_catalog *tg_catalog_new(size_t products, size_t variants)
{
    struct tg_catalog *catalog;

    if (products > TG_VARIANTS_MAX || variants > TG_VARIANTS_MAX)
        return NULL;
    catalog = tg_calloc(1, sizeof(*catalog));
    if (catalog == NULL)
        return NULL;
    catalog->products = tg_calloc(products + 1, sizeof(*catalog->products));
    catalog->variants = tg_calloc(variants + 1, sizeof(*catalog->variants));
    atomic_init(&catalog->refs, 1);
    catalog->product_count = (uint32_t)products;
    catalog->variant_count = (uint32_t)variants;
    if (catalog->products == NULL || catalog->variants == NULL) {
        tg_catalog_unref(catalog);
        return NULL;
    }
    for (size_t i = 0; i < variants; i++)
        catalog->variants[i].price_until_wall_us = catalog->variants[i].price_left = -1;
    return catalog;
}

struct tg_catalog *tg_catalog_ref(struct tg_catalog *catalog)
{
    TG_ASSERT(atomic_fetch_add_explicit(&catalog->refs, 1, memory_order_relaxed) > 0);
    return catalog;
}

void tg_catalog_unref(struct tg_catalog *catalog)
{
    unsigned before;

    if (catalog == NULL)
        return;
    before = atomic_fetch_sub_explicit(&catalog->refs, 1, memory_order_acq_rel);
    TG_ASSERT(before > 0);
    if (before > 1)
        return;
    for (uint32_t i = 0; catalog->products != NULL && i < catalog->product_count; i++)
        tg_langs_unref(catalog->products[i].texts);
    tg_free(catalog->products);
    tg_free(catalog->variants);
    tg_free(catalog);
}

static const char *either(const char *translated, const char *own)
{
    return translated != NULL && translated[0] != '\0' ? translated : own;
}

void tg_product_write_open(struct tg_jo *j, const struct tg_product_view *product,
                           const struct tg_text *text)
{
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "id", product->id);
    tg_jo_str(j, "title", either(text == NULL ? NULL : text->title, product->title));
    tg_jo_int(j, "number", product->number);
    tg_jo_str(j, "description",
              either(text == NULL ? NULL : text->description, product->description));
    tg_jo_arr(j, "images");
    if (product->image[0] != '\0') {
        tg_jo_obj(j, NULL);
        tg_jo_str(j, "url", product->image);
        tg_jo_str(j, "alt", product->image_alt);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
}
