/*
 * What a claim is charged: the price of each line at this instant, or the one that stood on the
 * page when it was tapped; the codes; the tax within. And what an order gives back when it comes to
 * nothing.
 *
 * Never silently dearer: a line that would cost more than the page showed is asked about again. A
 * fall in price is a gift and never asked about.
 */
#include <string.h>

#include "base/str.h"
#include "shop/shop_priv.h"

static const char *currency_of(const struct tg_shop *shop, const struct tg_claim *c)
{
    return c->currency == NULL || c->currency[0] == '\0' ? shop->cfg.currency : c->currency;
}

bool tg_claim_in_own_currency(const struct tg_shop *shop, const struct tg_claim *c)
{
    return strcmp(currency_of(shop, c), shop->cfg.currency) == 0;
}

/* The instant of the tap. What the page says of it is bounded by what its picture may lag behind.
 */
static tg_us tap_wall(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c)
{
    int32_t lag_ms = tg_shop_rules(shop, c->show)->lag_ms;
    int64_t back_ms;

    if (c->at_ms < 0 || c->media_ms < 0)
        return now.wall;
    back_ms = TG_MAX(c->media_ms - c->at_ms, (int64_t)0);
    return now.wall - TG_MIN(back_ms, (int64_t)(lag_ms > 0 ? lag_ms : TG_LAG_MS)) * 1000;
}

static void price_now(struct tg_want *w)
{
    w->flash = tg_flash_covers(w->variant, w->qty);
    w->price = tg_variant_price_of(w->variant, w->qty);
    w->honoured = NULL;
}

/*
 * The price that the page may have shown at the tap, when that is better than the one of now. Who
 * says no price (a comment, a cart's button) saw what was valid at the tap, or is now when they do
 * not say when that was: that is what they are held to, and asked about when it cannot be honoured.
 */
static void honour(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_want *w)
{
    struct tg_price_past *past = NULL;
    bool tapped = c->at_ms >= 0 && c->media_ms >= 0;
    int64_t saw;

    if (w->said ? w->price > w->shown : tapped)
        past = tg_price_at(tg_price_book(shop, w->variant->sku), tap_wall(shop, now, c));
    if (!w->said) {
        saw = past != NULL ? past->amount : tg_variant_price(w->variant);
        w->shown = w->shown < 0 ? saw : TG_MIN(w->shown, saw);
    }
    if (past == NULL || w->price <= w->shown || past->amount > w->shown ||
        (past->left >= 0 && past->left < w->qty))
        return;
    w->flash = false;
    w->honoured = past;
    w->price = past->amount;
}

static bool in_currency(const struct tg_shop *shop, struct tg_wish *wish, struct tg_verdict *out)
{
    for (uint32_t i = 0; i < wish->count; i++) {
        struct tg_want *w = &wish->wants[i];

        w->price = tg_shop_price_in(shop, w->variant, wish->currency);
        w->flash = false;
        w->honoured = NULL;
        if (w->price < 0) {
            out->variant = w->variant;
            tg_refuse(out, TG_CODE_NOT_FOUND, "%s has no price in %s.", w->variant->product->title,
                      wish->currency);
            return false;
        }
    }
    return true;
}

static bool price_lines(const struct tg_shop *shop, struct tg_shop_now now,
                        const struct tg_claim *c, struct tg_wish *wish, struct tg_verdict *out)
{
    tg_str_cut(wish->currency, sizeof(wish->currency), currency_of(shop, c));
    if (strcmp(wish->currency, shop->cfg.currency) != 0)
        return in_currency(shop, wish, out);
    for (uint32_t i = 0; i < wish->count; i++) {
        price_now(&wish->wants[i]);
        honour(shop, now, c, &wish->wants[i]);
    }
    return true;
}

static void refuse_changed(const struct tg_shop *shop, const struct tg_wish *wish,
                           struct tg_verdict *out)
{
    const struct tg_price_now *first = &out->changes[0];
    const struct tg_variant *v = first->variant;
    int32_t left = tg_variant_flash_left(v);
    char text[TG_MONEY_SIZE];
    char flash[TG_MONEY_SIZE];

    tg_money_text(text, first->price, wish->currency);
    memcpy(out->currency, wish->currency, sizeof(out->currency));
    out->variant = v;
    if (strcmp(wish->currency, shop->cfg.currency) == 0 && left > 0 && first->price > v->flash) {
        tg_money_text(flash, v->flash, wish->currency);
        tg_refuse(out, TG_CODE_PRICE_CHANGED, "Only %d of %s left at %s; more cost %s each.",
                  (int)left, v->product->title, flash, text);
    } else if (out->change_count > 1) {
        tg_refuse(out, TG_CODE_PRICE_CHANGED, "%s costs %s now, and %d more prices changed.",
                  v->product->title, text, (int)out->change_count - 1);
    } else {
        tg_refuse(out, TG_CODE_PRICE_CHANGED, "%s costs %s now.", v->product->title, text);
    }
}

/* Every line that is dearer than shown, not only the first. */
static bool as_shown(struct tg_shop *shop, const struct tg_wish *wish, struct tg_verdict *out)
{
    out->changes = shop->changes;
    out->change_count = 0;
    for (uint32_t i = 0; i < wish->count; i++) {
        const struct tg_want *w = &wish->wants[i];

        if (w->shown >= 0 && w->price > w->shown)
            shop->changes[out->change_count++] =
                (struct tg_price_now){.variant = w->variant, .price = w->price};
    }
    if (out->change_count == 0)
        return true;
    refuse_changed(shop, wish, out);
    return false;
}

/* A code may give less than when the page asked. */
static bool total_as_shown(const struct tg_claim *c, const struct tg_wish *wish,
                           struct tg_verdict *out)
{
    char text[TG_MONEY_SIZE];
    int64_t total = 0;

    for (uint32_t i = 0; i < wish->count; i++)
        total += wish->wants[i].price * wish->wants[i].qty - wish->wants[i].discount;
    if (c->amount < 0 || total <= c->amount)
        return true;
    memcpy(out->currency, wish->currency, sizeof(out->currency));
    out->total = total;
    tg_money_text(text, total, wish->currency);
    tg_refuse(out, TG_CODE_PRICE_CHANGED, "It costs %s in all now.", text);
    return false;
}

static void fill_tax(const struct tg_shop *shop, struct tg_wish *wish)
{
    for (uint32_t i = 0; i < wish->count; i++) {
        struct tg_want *w = &wish->wants[i];

        w->tax_bp = tg_shop_tax_bp(shop, w->variant);
        w->tax = tg_money_tax(w->price * w->qty - w->discount, w->tax_bp);
    }
}

bool tg_wish_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_wish *wish, struct tg_verdict *out)
{
    for (uint32_t i = 0; i < wish->count; i++)
        wish->wants[i].discount = 0;
    if (!price_lines(shop, now, c, wish, out) || !as_shown(shop, wish, out))
        return false;
    out->variant = wish->count == 1 ? wish->wants[0].variant : NULL;
    if (!tg_codes_apply(shop, now, c, wish, out) || !total_as_shown(c, wish, out))
        return false;
    fill_tax(shop, wish);
    return true;
}

/* --- a quote --- */

void tg_quote_line_may(const struct tg_shop *shop, const char *person, uint16_t show,
                       struct tg_quote_line *line)
{
    if (line->variant == NULL)
        return;
    line->here = tg_variant_here_in(line->variant, show);
    line->available = tg_variant_available_in(line->variant, show);
    line->limit = tg_limit_left(shop, person, show, line->variant);
    /* Who looks from no show may check out in any: nothing can be said yet. */
    line->closed = show != UINT16_MAX && !tg_sold_in(shop, show, line->variant);
}

/* The cart's lines that can be sold as a wish; of[i] is the quote's line of want i. */
static void wish_of_cart(const struct tg_shop *shop, const struct tg_cart *cart,
                         struct tg_quote *quote, struct tg_wish *wish,
                         uint32_t of[TG_CART_LINES_MAX])
{
    wish->count = 0;
    for (uint32_t i = 0; i < cart->line_count; i++) {
        struct tg_quote_line *line = &quote->lines[quote->line_count++];
        struct tg_variant *v = tg_shop_find_sold(shop, cart->lines[i].sku);

        *line = (struct tg_quote_line){.sku = cart->lines[i].sku, .qty = cart->lines[i].qty};
        if (strcmp(quote->currency, shop->cfg.currency) == 0)
            line->put = &cart->lines[i];
        if (v == NULL || tg_shop_price_in(shop, v, quote->currency) < 0)
            continue;
        line->variant = v;
        of[wish->count] = i;
        wish->wants[wish->count++] =
            (struct tg_want){.variant = v, .qty = cart->lines[i].qty, .shown = -1};
    }
}

void tg_shop_quote(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_quote *ret)
{
    const struct tg_cart *cart = tg_shop_cart(shop, c->person);
    struct tg_verdict verdict = {.code = TG_CODE_OK};
    uint32_t of[TG_CART_LINES_MAX] = {0};
    struct tg_wish wish = {.count = 0};

    memset(ret, 0, sizeof(*ret)); /* a literal would stand on the stack, too */
    ret->code_verdict = TG_CODE_OK;
    tg_str_cut(ret->currency, sizeof(ret->currency), currency_of(shop, c));
    if (cart == NULL)
        return;
    wish_of_cart(shop, cart, ret, &wish, of);
    if (wish.count == 0 || !price_lines(shop, now, c, &wish, &verdict))
        return; /* every line has a price in this currency: it was looked up just before */
    if (!tg_codes_apply(shop, now, c, &wish, &verdict)) {
        ret->code_verdict = verdict.code;
        memcpy(ret->message, verdict.message, sizeof(ret->message));
    }
    fill_tax(shop, &wish);
    memcpy(ret->codes, wish.codes, sizeof(ret->codes));
    for (uint32_t i = 0; i < wish.count; i++) {
        const struct tg_want *w = &wish.wants[i];
        struct tg_quote_line *line = &ret->lines[of[i]];

        tg_quote_line_may(shop, c->person, c->show, line);
        line->price = w->price;
        line->discount = w->discount;
        line->tax_bp = w->tax_bp;
        line->tax = w->tax;
        ret->total += w->price * w->qty - w->discount;
        ret->discount += w->discount;
        ret->tax += w->tax;
    }
}

/* --- taken and given back --- */

static void take_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_want *w)
{
    struct tg_variant *v = w->variant;

    if (w->honoured != NULL && w->honoured->left > 0) {
        struct tg_price_book *book = tg_price_book(shop, v->sku);

        TG_ASSERT(book != NULL);
        tg_price_book_touch(shop, book);
        w->honoured->left -= w->qty;
        w->honoured->less = true;
    }
    if (!w->flash)
        return;
    tg_shop_touch_variant(shop, v);
    v->flash_used += w->qty;
    if (tg_variant_flash_left(v) == 0)
        tg_flash_end(shop, v, now.wall, true);
}

void tg_charge_taken(struct tg_shop *shop, struct tg_shop_now now, const struct tg_order *order,
                     const struct tg_wish *wish)
{
    for (uint32_t i = 0; i < wish->count; i++)
        take_price(shop, now, &wish->wants[i]);
    tg_codes_count(shop, order, 1, now.wall);
}

void tg_charge_return_units(struct tg_shop *shop, const struct tg_order_line *line, int32_t units)
{
    struct tg_variant *v = line->flash_since == 0 ? NULL : tg_shop_find(shop, line->sku);

    /* Only to the very flash price that it was sold at, and while that runs. */
    if (v == NULL || units <= 0 || v->flash < 0 || v->flash_since_wall != line->flash_since)
        return;
    tg_shop_touch_variant(shop, v);
    v->flash_used = TG_MAX(v->flash_used - units, 0);
}

void tg_charge_again(struct tg_shop *shop, const struct tg_order *order, tg_us wall)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];
        struct tg_variant *v = line->flash_since == 0 ? NULL : tg_shop_find(shop, line->sku);

        if (v == NULL || v->flash < 0 || v->flash_since_wall != line->flash_since)
            continue;
        tg_shop_touch_variant(shop, v);
        v->flash_used += line->qty - line->cancelled;
        if (tg_variant_flash_left(v) == 0)
            tg_flash_end(shop, v, wall, true);
    }
    tg_codes_count(shop, order, 1, wall);
}

void tg_charge_return(struct tg_shop *shop, const struct tg_order *order, tg_us wall)
{
    for (uint32_t i = 0; i < order->line_count; i++)
        tg_charge_return_units(shop, &order->lines[i],
                               order->lines[i].qty - order->lines[i].cancelled);
    tg_codes_count(shop, order, -1, wall);
}
