/* What finds no room in memory is refused before it is written: nobody could load it again. */
#include <string.h>

#include "base/str.h"
#include "sale/catalog_priv.h"

static bool fits(struct tg_catalog_slice *s, size_t count, uint32_t line, const char *field,
                 const char *value)
{
    char reason[120];

    if (s->err != TG_OK || count < TG_VARIANTS_MAX)
        return s->err == TG_OK;
    tg_str_printf(reason, sizeof(reason), "The shop has %d %s already, and can hold no more.",
                  (int)TG_VARIANTS_MAX, strcmp(field, "id") == 0 ? "products" : "variants");
    tg_catalog_fault(s, line, field, value, reason,
                     "Archive what is no longer sold; it makes room when the server starts again.");
    return false;
}

bool tg_catalog_product_fits(struct tg_catalog_slice *s, const char *id, uint32_t line)
{
    const struct tg_shop *shop = s->sale->shop;
    size_t count = tg_shop_product_count(shop);

    if (tg_shop_product(shop, id) != NULL)
        return true;
    for (size_t i = 0; i < s->product_count; i++)
        count += tg_shop_product(shop, s->products[i].id) == NULL;
    return fits(s, count, line, "id", id);
}

bool tg_catalog_variant_fits(struct tg_catalog_slice *s, const char *sku, uint32_t line)
{
    struct tg_shop *shop = s->sale->shop;
    size_t count = tg_shop_variant_count(shop);

    if (tg_shop_variant(shop, sku) != NULL)
        return true;
    for (size_t i = 0; i < s->variant_count; i++)
        count += tg_shop_variant(shop, s->variants[i].variant.sku) == NULL;
    return fits(s, count, line, "sku", sku);
}

bool tg_catalog_knows_variant(struct tg_catalog_slice *s, const char *sku)
{
    if (s->err == TG_OK)
        s->err = tg_store_bring_variant(s->sale->cfg.store, s->now, s->sale->shop, sku);
    return s->err != TG_OK || tg_shop_variant(s->sale->shop, sku) != NULL;
}
