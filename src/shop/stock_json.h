/*
 * stock_json.h - stock and places as the API's JSON. Used where the shop is in memory and where it
 * was just read, so that one client sees one form.
 */
#ifndef TG_SHOP_STOCK_JSON_H
#define TG_SHOP_STOCK_JSON_H

#include "base/json_out.h"
#include "shop/shop.h"

/* Staff's view of an item or bundle. */
void tg_stock_write(struct tg_jo *j, const char *key, const struct tg_variant *v);

/* The same piece by piece, for who has no tg_variant: open, places, end. */
struct tg_stock_view {
    const char *sku;
    int32_t available; /* to everybody */
    int64_t version;
    struct tg_stock_rules rules;
};
void tg_stock_write_open(struct tg_jo *j, const char *key, const struct tg_stock_view *view);
void tg_stock_write_place(struct tg_jo *j, const char *location,
                          const struct tg_stock_count *count);

/* Staff see everything; everybody else name, address and opening hours. */
void tg_location_write(struct tg_jo *j, const char *key, const struct tg_location *l, bool staff);
/* Its members alone, into an open object. */
void tg_location_write_open(struct tg_jo *j, const struct tg_location *l, bool staff);

#endif
