/* Prices: what one unit costs at this instant, and who may change it. */
#include "base/str.h"
#include "shop/shop_priv.h"

int64_t tg_variant_price(const struct tg_variant *v)
{
    return v->flash >= 0 ? v->flash : v->price;
}

int64_t tg_variant_compare_at(const struct tg_variant *v)
{
    /* During a flash price the honest "before" is the ordinary price, and only when it is higher.
     */
    if (v->flash >= 0)
        return v->price > v->flash ? v->price : -1;
    return v->compare_at > v->price ? v->compare_at : -1;
}

/* Monotonic moment of a wall time that lies ahead; due at once when it has passed. */
tg_us tg_mono_of(struct tg_shop_now now, tg_us wall)
{
    return now.mono + TG_MAX(wall - now.wall, (tg_us)0);
}

bool tg_price_ok(int64_t amount, int64_t min)
{
    return amount >= min && amount <= TG_PRICE_MAX_MINOR;
}

static void note_price(struct tg_shop *shop, const struct tg_variant *v, tg_us wall,
                       const char *actor)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_PRICE, wall);

    e->variant = v;
    tg_str_cut(e->actor, sizeof(e->actor), actor);
}

void tg_flash_end(struct tg_shop *shop, struct tg_variant *v, tg_us wall)
{
    tg_shop_touch_variant(shop, v);
    tg_heap_remove(&shop->flash_ends, &v->flash_end);
    v->flash = -1;
    v->flash_until_wall = -1;
    note_price(shop, v, wall, "");
}

static bool price_claim_ok(const struct tg_claim *c, tg_us wall, struct tg_verdict *out)
{
    if (c->amount != -1 && !tg_price_ok(c->amount, 1)) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "amount must be 1 to %d.", (int)TG_PRICE_MAX_MINOR);
        return false;
    }
    if (c->amount != -1 && c->until_wall != -1 && c->until_wall <= wall) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "until must lie in the future.");
        return false;
    }
    return true;
}

void tg_decide_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out)
{
    struct tg_variant *v = tg_shop_find(shop, c->sku);
    bool timed = c->amount != -1 && c->until_wall != -1;

    out->variant = v;
    if (v == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (!price_claim_ok(c, now.wall, out))
        return;
    tg_shop_touch_variant(shop, v);
    if (!timed)
        tg_heap_remove(&shop->flash_ends, &v->flash_end);
    else if (tg_heap_set(&shop->flash_ends, &v->flash_end, tg_mono_of(now, c->until_wall)) !=
             TG_OK) {
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
        return;
    }
    v->flash = c->amount;
    v->flash_until_wall = timed ? c->until_wall : -1;
    note_price(shop, v, now.wall, c->person);
}

/* --- the stage of a claim --- */

static bool price_ok(const struct tg_shop *shop, const struct tg_want *w, struct tg_verdict *out)
{
    char text[TG_MONEY_SIZE];

    /* A fall in price is a gift and never asked about. */
    if (w->shown < 0 || tg_variant_price(w->variant) <= w->shown)
        return true;
    tg_money_text(text, tg_variant_price(w->variant), shop->cfg.currency);
    tg_refuse(out, TG_CODE_PRICE_CHANGED, "%s costs %s now.", w->variant->product->title, text);
    return false;
}

bool tg_wish_price(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_wish *wish, struct tg_verdict *out)
{
    (void)now;
    (void)c;
    for (uint32_t i = 0; i < wish->count; i++) {
        struct tg_want *w = &wish->wants[i];

        out->variant = w->variant;
        if (!price_ok(shop, w, out))
            return false;
        w->price = tg_variant_price(w->variant);
    }
    return true;
}
