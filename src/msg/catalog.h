/*
 * catalog.h - the products as shoppers see them: an immutable snapshot that sale makes and live
 * (and pages' reads) share. Prices and stock in it are of the moment it was made; later changes
 * come as tg_live_sale messages.
 */
#ifndef TG_MSG_CATALOG_H
#define TG_MSG_CATALOG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "base/texts.h"

struct tg_variant_view {
    char sku[TG_SKU_MAX + 1];
    char options[96];            /* JSON object, e.g. {"size":"M","color":"blue"}; "{}" = none */
    int64_t price;               /* minor units now (flash price when one runs) */
    int64_t compare_at;          /* minor units before; -1 = none */
    int64_t price_until_wall_us; /* of a flash price with an end; else -1 */
    int64_t lowest;              /* of the 30 days before the reduction; 0 = not known */
    int32_t price_left;          /* units left at a flash price; -1 = no limit */
    int32_t tax_bp;              /* VAT within the price, hundredths of a percent */
    int32_t available;           /* on hand - held - sold, >= 0 */
};

struct tg_product_view {
    char id[40];
    char title[TG_TITLE_SIZE];
    char description[512];
    char image[TG_URL_SIZE]; /* path or URL; "" = none */
    char image_alt[TG_TITLE_SIZE];
    uint32_t number;        /* the short number shown on screen ("write 7 to buy") */
    struct tg_langs *texts; /* in further languages; a reference, NULL = none */
    uint32_t variant_first; /* index into variants */
    uint32_t variant_count;
};

struct tg_catalog {
    atomic_uint refs;
    char currency[4];   /* ISO 4217 */
    int32_t stock_band; /* availability above it is shown as "many" */
    uint32_t product_count;
    uint32_t variant_count;
    struct tg_product_view *products; /* in rundown order */
    struct tg_variant_view *variants;
};

/* Zeroed arrays of the given sizes; refs = 1. NULL: NOMEM or over TG_VARIANTS_MAX. */
TG_MUST_CHECK struct tg_catalog *tg_catalog_new(size_t products, size_t variants);
struct tg_catalog *tg_catalog_ref(struct tg_catalog *catalog);
void tg_catalog_unref(struct tg_catalog *catalog);

/*
 * Opens a product's JSON object with what does not change while a show runs (id, title, number,
 * description, images), in the text's language where it says so. The caller adds the variants and
 * closes it.
 */
void tg_product_write_open(struct tg_jo *j, const struct tg_product_view *product,
                           const struct tg_text *text);

#endif
