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

/* --- short numbers --- */

/* The product as this slice leaves it; NULL: it has nothing of it. */
static const struct tg_product *in_slice(const struct tg_catalog_slice *s, const char *id)
{
    for (size_t i = s->product_count; i-- > 0;)
        if (strcmp(s->products[i].id, id) == 0)
            return &s->products[i];
    return NULL;
}

/* Whose number it is: after what this slice did, so that it matters to nobody where a slice ends.
 */
static const struct tg_product *holder_of(const struct tg_catalog_slice *s, uint32_t number)
{
    const struct tg_product *has = tg_shop_product_numbered(s->sale->shop, number);

    for (size_t i = s->product_count; i-- > 0;)
        if (s->products[i].number == number && in_slice(s, s->products[i].id) == &s->products[i])
            return &s->products[i];
    if (has == NULL || in_slice(s, has->id) != NULL)
        return NULL;
    return s->dry && s->knows != NULL && s->knows(s->ctx, TG_CATALOG_KNOWN_NUMBER, has->id) ? NULL
                                                                                            : has;
}

/* What is archived needs no number that another wants: it gets one behind all others, or the first
 * that nobody has. */
static bool give_up_number(struct tg_catalog_slice *s, const struct tg_product *has)
{
    const struct tg_shop *shop = s->sale->shop;
    size_t count = tg_shop_product_count(shop);
    uint32_t number = count == 0 ? 1 : tg_shop_product_at(shop, count - 1)->number + 1;
    struct tg_catalog_want want = {0};
    struct tg_feed_product given;
    int64_t version;

    /* There are more numbers than a shop has products. */
    for (;; number++) {
        number = tg_shop_free_number(shop, number > TG_FEED_NUMBER_MAX ? 1 : number);
        if (number <= TG_FEED_NUMBER_MAX && holder_of(s, number) == NULL)
            break;
    }
    tg_feed_product_init(&given);
    given.id = tg_feed_text(&s->arena, has->id, strlen(has->id));
    given.number = number;
    given.archived = 1;
    if (given.id == NULL)
        s->err = s->arena.err;
    return given.id != NULL && tg_catalog_product(s, &given, &want, &version) != TG_CATALOG_REFUSED;
}

bool tg_catalog_number_free(struct tg_catalog_slice *s, const struct tg_feed_product *p)
{
    const struct tg_product *has = holder_of(s, (uint32_t)p->number);
    char value[24];
    char reason[120];

    if (has == NULL || strcmp(has->id, p->id) == 0)
        return true;
    if (has->archived && s->product_count + 1 < TG_CATALOG_SLICE_ITEMS)
        return give_up_number(s, has);
    tg_str_printf(value, sizeof(value), "%lld", (long long)p->number);
    tg_str_printf(reason, sizeof(reason), "The short number belongs to the product %s.", has->id);
    tg_catalog_fault(s, p->line, "number", value, reason,
                     "Give another number, or none: then torg gives the lowest free one.");
    return false;
}
