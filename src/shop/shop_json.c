#include "shop/shop_json.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

void tg_money_write(struct tg_jo *j, const char *key, int64_t amount, const char *currency)
{
    tg_jo_obj(j, key);
    tg_jo_int(j, "amount", amount);
    tg_jo_str(j, "currency", currency);
    tg_jo_end_obj(j);
}

static void when_write(struct tg_jo *j, const char *key, tg_us wall)
{
    char text[TG_RFC3339_SIZE];

    tg_rfc3339(text, wall);
    tg_jo_str(j, key, text);
}

/* Options are JSON that import has checked; anything else would break the message. */
static void options_write(struct tg_jo *j, const char *options)
{
    size_t len = strlen(options);

    if (len >= 2 && options[0] == '{' && options[len - 1] == '}')
        tg_jo_raw(j, "options", options, len);
    else
        tg_jo_raw(j, "options", "{}", 2);
}

static void line_write(struct tg_jo *j, const struct tg_order *order,
                       const struct tg_order_line *line, enum tg_order_view view)
{
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", line->sku);
    tg_jo_str(j, "title", line->title);
    options_write(j, line->options);
    tg_jo_int(j, "qty", line->qty);
    tg_money_write(j, "price", line->price, order->currency);
    tg_money_write(j, "total", line->price * line->qty, order->currency); /* checked at the sale */
    if (view == TG_ORDER_VIEW_STAFF && line->cost >= 0)
        tg_money_write(j, "cost", line->cost, order->currency);
    tg_jo_end_obj(j);
}

void tg_order_write(struct tg_jo *j, const char *key, const struct tg_order *order,
                    const char *pay_base, enum tg_order_view view)
{
    char url[TG_URL_SIZE];

    tg_jo_obj(j, key);
    tg_jo_str(j, "id", order->id);
    tg_jo_int(j, "number", order->number);
    tg_jo_str(j, "state", tg_order_state_name(order->state));
    tg_jo_arr(j, "lines");
    for (uint32_t i = 0; i < order->line_count; i++)
        line_write(j, order, &order->lines[i], view);
    tg_jo_end_arr(j);
    tg_money_write(j, "total", order->total, order->currency);
    when_write(j, "created", order->created_wall);
    if (order->state == TG_ORDER_AWAITING) {
        when_write(j, "pay_by", order->pay_by_wall);
        if (pay_base != NULL) {
            tg_str_printf(url, sizeof(url), "%s%s", pay_base, order->payment);
            tg_jo_str(j, "pay_url", url);
        }
    }
    if (view == TG_ORDER_VIEW_STAFF) {
        tg_jo_str(j, "person", order->person);
        tg_jo_str(j, "source", order->source[0] == '\0' ? NULL : order->source);
        tg_jo_str(j, "payment", tg_payment_state_name(order->payment_state));
    }
    tg_jo_end_obj(j);
}

/* What happened to the line since it was put in. */
static void changes_write(struct tg_jo *j, const struct tg_variant *v,
                          const struct tg_cart_line *line, const char *currency)
{
    bool price = v != NULL && line->price >= 0 && line->price != tg_variant_price(v);

    tg_jo_arr(j, "changes");
    if (v == NULL)
        tg_jo_str(j, NULL, "gone");
    if (price)
        tg_jo_str(j, NULL, "price_changed");
    if (v != NULL && tg_variant_available(v) < line->qty)
        tg_jo_str(j, NULL, "sold_out");
    tg_jo_end_arr(j);
    if (price)
        tg_money_write(j, "price_was", line->price, currency);
}

static int64_t cart_line_write(struct tg_jo *j, const struct tg_variant *v, int32_t qty,
                               const char *currency)
{
    int64_t price = tg_variant_price(v);
    int64_t sum = price * qty; /* prices are at most 10^9 and quantities at most 100 */

    tg_jo_str(j, "title", v->product->title);
    options_write(j, v->options);
    tg_jo_str(j, "image", v->product->image);
    tg_money_write(j, "price", price, currency);
    tg_money_write(j, "total", sum, currency);
    tg_jo_int(j, "available", TG_MIN(tg_variant_available(v), TG_QTY_MAX));
    return sum;
}

void tg_cart_write(struct tg_jo *j, const char *key, const struct tg_shop *shop,
                   const struct tg_cart *cart)
{
    const char *currency = tg_shop_config(shop)->currency;
    uint32_t count = cart == NULL ? 0 : cart->line_count;
    int64_t total = 0;

    tg_jo_obj(j, key);
    tg_jo_arr(j, "lines");
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_cart_line *line = &cart->lines[i];
        const struct tg_variant *v = tg_shop_variant(shop, line->sku);

        tg_jo_obj(j, NULL);
        tg_jo_str(j, "sku", line->sku);
        tg_jo_int(j, "qty", line->qty);
        if (v == NULL)
            tg_jo_bool(j, "gone", true);
        else
            total += cart_line_write(j, v, line->qty, currency);
        changes_write(j, v, line, currency);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
    tg_money_write(j, "total", total, currency);
    tg_jo_end_obj(j);
}
