/* Rules of shows, kept by show and by (show, SKU). */
#include "shop/rules.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

struct item_key {
    char sku[TG_SKU_MAX + 1]; /* zero-padded: the key is these bytes */
    uint16_t show;
};

struct kept_item {
    struct item_key key;
    struct tg_show_item item;
};

static struct item_key key_of(uint16_t show, const char *sku)
{
    struct item_key key;

    memset(&key, 0, sizeof(key));
    tg_str_cut(key.sku, sizeof(key.sku), sku);
    key.show = show;
    return key;
}

const struct tg_show_rules *tg_shop_rules(const struct tg_shop *shop, uint16_t show)
{
    static const struct tg_show_rules none = {.show = UINT16_MAX};
    const struct tg_show_rules *rules = tg_map_get(&shop->rules, &show, sizeof(show));

    return rules == NULL ? &none : rules;
}

const struct tg_show_item *tg_shop_show_item(const struct tg_shop *shop, uint16_t show,
                                             const char *sku)
{
    struct item_key key = key_of(show, sku);
    const struct kept_item *kept = tg_map_get(&shop->show_items, &key, sizeof(key));

    return kept == NULL ? NULL : &kept->item;
}

tg_err tg_shop_put_rules(struct tg_shop *shop, const struct tg_show_rules *rules)
{
    struct tg_show_rules *kept = tg_map_get(&shop->rules, &rules->show, sizeof(rules->show));
    tg_err err;

    if (kept != NULL) {
        *kept = *rules;
        return TG_OK;
    }
    kept = tg_calloc(1, sizeof(*kept));
    if (kept == NULL)
        return TG_ERR_NOMEM;
    *kept = *rules;
    err = tg_map_put(&shop->rules, &kept->show, sizeof(kept->show), kept);
    if (err != TG_OK)
        tg_free(kept);
    return err;
}

tg_err tg_shop_put_show_item(struct tg_shop *shop, const struct tg_show_item *item)
{
    struct item_key key = key_of(item->show, item->sku);
    struct kept_item *kept = tg_map_get(&shop->show_items, &key, sizeof(key));
    tg_err err;

    if (kept != NULL) {
        kept->item = *item;
        return TG_OK;
    }
    if (shop->show_items.count >= TG_SHOW_ITEMS_MAX)
        return TG_ERR_LIMIT;
    kept = tg_calloc(1, sizeof(*kept));
    if (kept == NULL)
        return TG_ERR_NOMEM;
    kept->key = key;
    kept->item = *item;
    err = tg_map_put(&shop->show_items, &kept->key, sizeof(kept->key), kept);
    if (err != TG_OK)
        tg_free(kept);
    return err;
}
