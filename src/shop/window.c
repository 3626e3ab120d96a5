/* When, and in which show, something may be bought: in front of all other stages of a claim. */
#include "base/str.h"
#include "shop/shop_priv.h"

enum tg_window tg_window_at(const struct tg_show_rules *rules, const struct tg_show_item *item,
                            int64_t media_ms, int64_t at_ms)
{
    int64_t lag = rules->lag_ms == 0 ? TG_LAG_MS : rules->lag_ms;
    int64_t at = at_ms < 0 ? media_ms : TG_MIN(at_ms, media_ms);

    if (item == NULL)
        return TG_WINDOW_OPEN;
    at = TG_MAX(at, media_ms - lag);
    if (item->from_ms >= 0 && at < item->from_ms)
        return TG_WINDOW_EARLY;
    return item->until_ms >= 0 && at >= item->until_ms ? TG_WINDOW_LATE : TG_WINDOW_OPEN;
}

bool tg_sold_in(const struct tg_shop *shop, uint16_t show, const struct tg_variant *v)
{
    const struct tg_show_item *item =
        v->show_only == 0 || show == UINT16_MAX ? NULL : tg_shop_show_item(shop, show, v->sku);

    return v->show_only == 0 || (item != NULL && item->show_only);
}

bool tg_window_ok(const struct tg_shop *shop, const struct tg_claim *c, const struct tg_variant *v,
                  struct tg_verdict *out)
{
    enum tg_window window = TG_WINDOW_OPEN;

    if (!tg_sold_in(shop, c->show, v)) {
        out->variant = v;
        tg_refuse(out, TG_CODE_CLOSED, "%s is sold in its show only.", v->product->title);
        return false;
    }
    if (c->show != UINT16_MAX)
        window = tg_window_at(tg_shop_rules(shop, c->show),
                              tg_shop_show_item(shop, c->show, v->sku), c->media_ms, c->at_ms);
    if (window == TG_WINDOW_OPEN)
        return true;
    out->variant = v;
    tg_refuse(out, TG_CODE_CLOSED,
              window == TG_WINDOW_EARLY ? "%s cannot be bought yet."
                                        : "The time to buy %s is over.",
              v->product->title);
    return false;
}

bool tg_wish_window(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out)
{
    /* Staff sell when and where they like. */
    if (c->channel == TG_CHANNEL_STAFF || shop->show_items.count == 0)
        return true;
    for (uint32_t i = 0; i < wish->count; i++) {
        const struct tg_want *w = &wish->wants[i];

        /* A turn of the waiting list is a promise: of the units that it offers. */
        if (w->on_turn >= w->qty || tg_window_ok(shop, c, w->variant, out))
            continue;
        if (w->on_turn > 0)
            tg_refuse(out, TG_CODE_CLOSED, "Only %d of %s are yours now: the time to buy is over.",
                      (int)w->on_turn, w->variant->product->title);
        return false;
    }
    return true;
}

/* Open or closed from this frame on; the rest of the rule stays. */
void tg_decide_window(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    const struct tg_show_item *old = tg_shop_show_item(shop, c->show, c->sku);
    struct tg_show_item item = {.show = c->show, .from_ms = -1, .until_ms = -1};

    out->variant = tg_shop_variant(shop, c->sku);
    if (out->variant == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (c->media_ms < 0) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "A window needs a show.");
        return;
    }
    if (old != NULL)
        item = *old;
    tg_str_cut(item.sku, sizeof(item.sku), c->sku);
    if (c->open) {
        item.from_ms = c->media_ms;
        item.until_ms = c->for_ms > 0 ? c->media_ms + c->for_ms : -1;
    } else {
        item.from_ms = TG_MAX(item.from_ms, (int64_t)0);
        item.until_ms = c->media_ms;
    }
    tg_rules_change_item(shop, &item, out);
}
