#include "shop/shop_json.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "shop/shop_priv.h"

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
static void options_write(struct tg_jo *j, const char *given, const struct tg_text *text)
{
    char buf[TG_OPTIONS_IN_SIZE];
    const char *options = tg_options_in(buf, given, text);
    size_t len = strlen(options);

    if (len >= 2 && options[0] == '{' && options[len - 1] == '}')
        tg_jo_raw(j, "options", options, len);
    else
        tg_jo_raw(j, "options", "{}", 2);
}

void tg_event_data_write(struct tg_jo *j, const struct tg_event_detail *d)
{
    tg_jo_obj(j, NULL);
    if (d->carrier[0] != '\0')
        tg_jo_str(j, "carrier", d->carrier);
    if (d->tracking[0] != '\0')
        tg_jo_str(j, "tracking", d->tracking);
    if (d->restock)
        tg_jo_bool(j, "restock", true);
    if (d->line_count > 0) {
        tg_jo_arr(j, "lines");
        for (uint32_t i = 0; i < d->line_count; i++) {
            tg_jo_obj(j, NULL);
            tg_jo_int(j, "line", (int64_t)d->lines[i].line + 1);
            tg_jo_int(j, "qty", d->lines[i].qty);
            tg_jo_end_obj(j);
        }
        tg_jo_end_arr(j);
    }
    tg_jo_end_obj(j);
}

static void count_write(struct tg_jo *j, const char *key, int32_t units)
{
    if (units > 0)
        tg_jo_int(j, key, units);
}

/* Units that are promised beyond the shelves, and from when they ship. */
static void promise_write(struct tg_jo *j, const struct tg_order *order, uint32_t line)
{
    tg_us from = 0;
    int32_t units = tg_order_line_promised(order, line, &from);

    if (units == 0)
        return;
    tg_jo_int(j, "back_order", units);
    if (from > 0)
        when_write(j, "ships_from", from);
    else
        tg_jo_null(j, "ships_from");
}

static void title_write(struct tg_jo *j, const char *title, const struct tg_text *text)
{
    tg_jo_str(j, "title", text != NULL && text->title[0] != '\0' ? text->title : title);
}

static void line_write(struct tg_jo *j, const struct tg_order *order,
                       const struct tg_order_line *line, enum tg_order_view view,
                       const struct tg_line_texts *texts)
{
    const struct tg_text *text = texts == NULL ? NULL : texts->of(texts->ctx, line->sku);

    tg_jo_obj(j, NULL);
    tg_jo_int(j, "line", (line - order->lines) + 1);
    tg_jo_str(j, "sku", line->sku);
    title_write(j, line->title, text);
    options_write(j, line->options, text);
    tg_jo_int(j, "qty", line->qty);
    tg_money_write(j, "price", line->price, order->currency);
    tg_money_write(j, "total", line->price * line->qty - line->discount,
                   order->currency); /* checked at the sale */
    if (line->discount > 0)
        tg_money_write(j, "discount", line->discount, order->currency);
    tg_jo_int(j, "tax_bp", line->tax_bp);
    tg_money_write(j, "tax", line->tax, order->currency);
    count_write(j, "cancelled", line->cancelled);
    count_write(j, "fulfilled", line->fulfilled);
    count_write(j, "returned", line->returned);
    if (view == TG_ORDER_VIEW_STAFF && line->cost >= 0)
        tg_money_write(j, "cost", line->cost, order->currency);
    promise_write(j, order, (uint32_t)(line - order->lines));
    tg_jo_end_obj(j);
}

static void codes_write(struct tg_jo *j, const char *codes)
{
    char texts[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    int count = codes[0] == '\0' ? 0 : tg_codes_split(texts, codes);

    if (count <= 0)
        return;
    tg_jo_arr(j, "codes");
    for (int i = 0; i < count; i++)
        tg_jo_str(j, NULL, texts[i]);
    tg_jo_end_arr(j);
}

static void order_write_open(struct tg_jo *j, const struct tg_order *order, const char *pay_base,
                             enum tg_order_view view, const struct tg_line_texts *texts)
{
    /* More may have been given back and cancelled than came: that cannot go back. */
    const int64_t due = TG_MIN(order->refund_due, order->captured) - order->refunded;
    char url[TG_URL_SIZE];

    tg_jo_str(j, "id", order->id);
    tg_jo_int(j, "number", order->number);
    tg_jo_str(j, "state", tg_order_state_name(order->state));
    tg_jo_arr(j, "lines");
    for (uint32_t i = 0; i < order->line_count; i++)
        line_write(j, order, &order->lines[i], view, texts);
    tg_jo_end_arr(j);
    tg_money_write(j, "total", order->total, order->currency);
    if (order->discount > 0)
        tg_money_write(j, "discount", order->discount, order->currency);
    codes_write(j, order->codes);
    tg_money_write(j, "tax", order->tax, order->currency);
    when_write(j, "created", order->created_wall);
    if (order->captured > 0)
        tg_money_write(j, "paid", order->captured, order->currency);
    if (order->refunded > 0)
        tg_money_write(j, "refunded", order->refunded, order->currency);
    if (due > 0)
        tg_money_write(j, "refund_due", due, order->currency);
    if (order->state == TG_ORDER_AWAITING) {
        if (order->unheld)
            tg_jo_bool(j, "reserved", false);
        when_write(j, "pay_by", order->pay_by_wall);
        if (pay_base != NULL) {
            tg_str_printf(url, sizeof(url), "%s%s", pay_base, order->payment);
            tg_jo_str(j, "pay_url", url);
        }
    }
    if (view != TG_ORDER_VIEW_BUYER) {
        tg_jo_str(j, "person", order->person);
        tg_jo_str(j, "source", order->source[0] == '\0' ? NULL : order->source);
        tg_jo_str(j, "payment", tg_payment_state_name(order->payment_state));
    }
}

void tg_order_write(struct tg_jo *j, const char *key, const struct tg_order *order,
                    const char *pay_base, enum tg_order_view view)
{
    tg_order_write_in(j, key, order, pay_base, view, NULL);
}

void tg_order_write_in(struct tg_jo *j, const char *key, const struct tg_order *order,
                       const char *pay_base, enum tg_order_view view,
                       const struct tg_line_texts *texts)
{
    tg_jo_obj(j, key);
    order_write_open(j, order, pay_base, view, texts);
    tg_jo_end_obj(j);
}

void tg_order_write_open(struct tg_jo *j, const struct tg_order *order, const char *pay_base,
                         enum tg_order_view view)
{
    order_write_open(j, order, pay_base, view, NULL);
}

/* What happened to the line since it was put in, and why it cannot be bought as it is. */
static void changes_write(struct tg_jo *j, const struct tg_quote_line *line, const char *currency)
{
    const struct tg_variant *v = line->variant;
    bool price =
        v != NULL && line->put != NULL && line->put->price >= 0 && line->put->price != line->price;

    tg_jo_arr(j, "changes");
    if (v == NULL)
        tg_jo_str(j, NULL, "gone");
    if (price)
        tg_jo_str(j, NULL, "price_changed");
    if (v != NULL && line->available < line->qty)
        tg_jo_str(j, NULL, "sold_out");
    else if (v != NULL && line->here < line->qty)
        tg_jo_str(j, NULL, "back_order");
    if (v != NULL && line->limit >= 0 && line->limit < line->qty)
        tg_jo_str(j, NULL, "limit");
    if (v != NULL && line->closed)
        tg_jo_str(j, NULL, "closed");
    tg_jo_end_arr(j);
    if (price)
        tg_money_write(j, "price_was", line->put->price, currency);
}

/* What a cart's line and a quote's line have alike. */
static bool goods_write(struct tg_jo *j, const struct tg_quote_line *line, const char *currency,
                        const char *lang)
{
    const struct tg_variant *v = line->variant;
    const struct tg_text *text = tg_langs_pick(v->product->texts, lang);

    title_write(j, v->product->title, text);
    options_write(j, v->options, text);
    tg_jo_str(j, "image", v->product->image);
    tg_money_write(j, "price", line->price, currency);
    /* prices are at most 10^9 and quantities at most 100 */
    tg_money_write(j, "total", line->price * line->qty - line->discount, currency);
    if (line->discount > 0)
        tg_money_write(j, "discount", line->discount, currency);
    tg_jo_int(j, "tax_bp", line->tax_bp);
    tg_money_write(j, "tax", line->tax, currency);
    tg_jo_int(j, "available", TG_MIN(line->available, TG_QTY_MAX));
    if (line->limit >= 0)
        tg_jo_int(j, "limit", line->limit);
    return text != NULL;
}

static bool line_of_cart_write(struct tg_jo *j, const struct tg_quote_line *line,
                               const char *currency, const char *lang)
{
    bool in_lang = false;

    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", line->sku);
    tg_jo_int(j, "qty", line->qty);
    if (line->variant == NULL)
        tg_jo_bool(j, "gone", true);
    else
        in_lang = goods_write(j, line, currency, lang);
    changes_write(j, line, currency);
    tg_jo_end_obj(j);
    return in_lang;
}

bool tg_cart_write(struct tg_jo *j, const char *key, const struct tg_shop *shop,
                   const struct tg_cart *cart, uint16_t show, const char *lang)
{
    bool in_lang = false;
    const char *currency = tg_shop_config(shop)->currency;
    uint32_t count = cart == NULL ? 0 : cart->line_count;
    int64_t total = 0;
    int64_t tax = 0;

    tg_jo_obj(j, key);
    tg_jo_arr(j, "lines");
    for (uint32_t i = 0; i < count; i++) {
        struct tg_quote_line line = {
            .sku = cart->lines[i].sku, .qty = cart->lines[i].qty, .put = &cart->lines[i]};

        line.variant = tg_shop_find_sold(shop, line.sku);
        if (line.variant != NULL) {
            tg_quote_line_may(shop, cart->person, show, &line);
            line.price = tg_variant_price_of(line.variant, line.qty);
            line.tax_bp = tg_shop_tax_bp(shop, line.variant);
            line.tax = tg_money_tax(line.price * line.qty, line.tax_bp);
            total += line.price * line.qty;
            tax += line.tax;
        }
        in_lang = line_of_cart_write(j, &line, currency, lang) || in_lang;
    }
    tg_jo_end_arr(j);
    tg_money_write(j, "total", total, currency);
    tg_money_write(j, "tax", tax, currency);
    tg_jo_end_obj(j);
    return in_lang;
}

bool tg_quote_write(struct tg_jo *j, const char *key, const struct tg_quote *quote,
                    const char *lang)
{
    bool in_lang = false;

    tg_jo_obj(j, key);
    tg_jo_arr(j, "lines");
    for (uint32_t i = 0; i < quote->line_count; i++)
        in_lang = line_of_cart_write(j, &quote->lines[i], quote->currency, lang) || in_lang;
    tg_jo_end_arr(j);
    tg_money_write(j, "total", quote->total, quote->currency);
    if (quote->discount > 0)
        tg_money_write(j, "discount", quote->discount, quote->currency);
    codes_write(j, quote->codes);
    tg_money_write(j, "tax", quote->tax, quote->currency);
    if (quote->code_verdict != TG_CODE_OK) {
        tg_jo_obj(j, "code_error");
        tg_jo_str(j, "code", tg_code_name(quote->code_verdict));
        tg_jo_str(j, "message", quote->message);
        tg_jo_end_obj(j);
    }
    tg_jo_end_obj(j);
    return in_lang;
}

/* --- codes --- */

static void when_or_null(struct tg_jo *j, const char *key, tg_us wall)
{
    if (wall < 0)
        tg_jo_null(j, key);
    else
        when_write(j, key, wall);
}

void tg_discount_write(struct tg_jo *j, const char *key, const struct tg_discount *d,
                       const char *show)
{
    tg_jo_obj(j, key);
    tg_jo_str(j, "code", d->code);
    if (d->kind == TG_DISCOUNT_PERCENT)
        tg_jo_int(j, "percent_bp", d->bp);
    else
        tg_jo_int(j, "amount", d->amount);
    if (d->minimum > 0)
        tg_jo_int(j, "minimum", d->minimum);
    if (d->currency[0] != '\0')
        tg_jo_str(j, "currency", d->currency);
    tg_jo_str(j, "show", show);
    if (d->sku_count > 0) {
        tg_jo_arr(j, "skus");
        for (uint32_t i = 0; i < d->sku_count; i++)
            tg_jo_str(j, NULL, d->skus[i]);
        tg_jo_end_arr(j);
    }
    if (d->person_count > 0) {
        tg_jo_arr(j, "persons");
        for (uint32_t i = 0; i < d->person_count; i++)
            tg_jo_str(j, NULL, d->persons[i]);
        tg_jo_end_arr(j);
    }
    tg_jo_int(j, "person_max", d->person_max);
    tg_jo_int(j, "uses_max", d->uses_max);
    tg_jo_int(j, "uses", d->uses);
    when_or_null(j, "from", d->from_wall);
    when_or_null(j, "until", d->until_wall);
    tg_jo_bool(j, "combinable", d->combinable);
    tg_jo_end_obj(j);
}

/* --- rules of shows, waiting list --- */

static void seconds_write(struct tg_jo *j, const char *key, tg_us us)
{
    tg_jo_int(j, key, us / TG_US_PER_S);
}

void tg_rules_write(struct tg_jo *j, const struct tg_show_rules *r)
{
    tg_jo_bool(j, "first_paid", r->first_paid);
    tg_jo_bool(j, "waiting", r->waiting);
    tg_jo_bool(j, "comments", r->comments);
    tg_jo_bool(j, "comment_bare", r->comment_bare);
    tg_jo_str(j, "comment_word", r->comment_word);
    seconds_write(j, "hold_s", r->hold_us);
    seconds_write(j, "turn_s", r->turn_us);
    tg_jo_int(j, "person_units", r->person_units);
    tg_jo_int(j, "lag_ms", r->lag_ms);
}

static void ms_write(struct tg_jo *j, const char *key, int64_t ms)
{
    if (ms < 0)
        tg_jo_null(j, key);
    else
        tg_jo_int(j, key, ms);
}

void tg_show_item_window_write(struct tg_jo *j, const struct tg_show_item *item)
{
    tg_jo_str(j, "sku", item->sku);
    if (item->number == 0)
        tg_jo_null(j, "number");
    else
        tg_jo_int(j, "number", item->number);
    ms_write(j, "from", item->from_ms);
    ms_write(j, "until", item->until_ms);
}

void tg_show_item_write(struct tg_jo *j, const struct tg_show_item *item)
{
    tg_show_item_window_write(j, item);
    tg_jo_int(j, "units_max", item->units_max);
    tg_jo_int(j, "person_max", item->person_max);
    tg_jo_bool(j, "show_only", item->show_only);
}

void tg_waiter_write(struct tg_jo *j, const struct tg_waiter *w, uint32_t place)
{
    tg_jo_str(j, "sku", w->sku);
    tg_jo_str(j, "state", tg_waiter_state_name(w->state));
    tg_jo_int(j, "place", place);
    tg_jo_int(j, "qty", w->state == TG_WAITER_TURN ? w->offered : w->qty);
    if (w->state == TG_WAITER_TURN)
        when_write(j, "until", w->until_wall);
    else
        tg_jo_null(j, "until");
}
