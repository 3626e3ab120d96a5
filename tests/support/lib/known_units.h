/* known_units.h - for tests without a store: nobody has bought anything before, and that is known.
 */
#ifndef TESTS_SUPPORT_KNOWN_UNITS_H
#define TESTS_SUPPORT_KNOWN_UNITS_H

#include "shop/shop.h"

static inline void know_units(struct tg_shop *shop, const char *person, const char *sku,
                              uint16_t show)
{
    struct tg_units_key keys[TG_UNITS_KEYS];
    uint32_t count = tg_units_keys(keys, person, sku, show);

    for (uint32_t i = 0; i < count; i++)
        if (tg_shop_needs_units(shop, &keys[i]) && tg_shop_load_units(shop, &keys[i], 0) != TG_OK)
            return; /* without memory it stays unknown */
}

/* What the store would bring before the claim is decided. */
static inline void know_units_of(struct tg_shop *shop, const struct tg_claim *c)
{
    const struct tg_cart *cart =
        c->kind == TG_CLAIM_CHECKOUT ? tg_shop_cart(shop, c->person) : NULL;

    if (c->kind == TG_CLAIM_BUY)
        know_units(shop, c->person, c->sku, c->show);
    for (uint32_t i = 0; cart != NULL && i < cart->line_count; i++)
        know_units(shop, c->person, cart->lines[i].sku, c->show);
}

#endif
