/*
 * shop_json.h - orders, carts and money as the contract's JSON. Pure. The same writer serves
 * replies, events, HTTP and the outbox, so that an order looks the same everywhere.
 */
#ifndef TG_SHOP_SHOP_JSON_H
#define TG_SHOP_SHOP_JSON_H

#include "base/json_out.h"
#include "shop/rules.h"
#include "shop/shop.h"
#include "shop/waiting.h"

/* {"amount": minor units, "currency": ISO 4217} */
void tg_money_write(struct tg_jo *j, const char *key, int64_t amount, const char *currency);

/* {"carrier"?,"tracking"?,"restock"?,"lines":[{"line","qty"}]?}: what a buyer may read of an event.
 * Lines count from 1. */
void tg_event_data_write(struct tg_jo *j, const struct tg_event_detail *detail);

enum tg_order_view {
    TG_ORDER_VIEW_BUYER, /* what the buyer may know */
    TG_ORDER_VIEW_STAFF, /* and person, campaign source, cost prices, payment state */
    TG_ORDER_VIEW_WORLD, /* the same without cost prices: for other systems, and staff who do not
                            set prices */
};

/*
 * {"id","number","state","lines":[{"line","sku","title","options","qty","price","total","discount"?,
 *  "tax_bp","tax"}],"total","discount"?,"codes"?,"tax","created","pay_by","pay_url"?}; totals are
 * less their discounts and have their tax within; what was cancelled, sent and came back of a line,
 * and what was paid and paid back, only when there is something; "reserved": false in first-paid
 * mode; pay_by and pay_url only while it awaits payment,
 * pay_url only with a pay_base ("/pay/sandbox/"; NULL = none), to which the payment id is appended.
 */
void tg_order_write(struct tg_jo *j, const char *key, const struct tg_order *order,
                    const char *pay_base, enum tg_order_view view);
/* The members of tg_order_write, into an open object. */
void tg_order_write_open(struct tg_jo *j, const struct tg_order *order, const char *pay_base,
                         enum tg_order_view view);

/* What the lines' products are called in a language: NULL = as the order has it. The answer is
 * valid until the next question. */
struct tg_line_texts {
    const struct tg_text *(*of)(void *ctx, const char *sku);
    void *ctx;
};
/* The same, titles and options in a language. */
void tg_order_write_in(struct tg_jo *j, const char *key, const struct tg_order *order,
                       const char *pay_base, enum tg_order_view view,
                       const struct tg_line_texts *texts);

/*
 * {"lines":[{"sku","title","options","image","qty","price","total","tax_bp","tax","available"}],
 *  "total","tax"}, priced now; a line whose SKU is no longer sold has only "sku", "qty" and "gone":
 * true. NULL = empty. lang "" = as the products were written first. Each line says what happened
 * since it was put in: "changes": "gone", "price_changed" (with "price_was"), "sold_out" (fewer
 * left than asked for). Whether some text was there in lang.
 */
bool tg_cart_write(struct tg_jo *j, const char *key, const struct tg_shop *shop,
                   const struct tg_cart *cart, uint16_t show, const char *lang);

/* The same of a quote, with "discount"? and "codes"?; a code that may not be used stands in
 * "code_error": {"code","message"}. A line without a price in the currency is "gone", too. */
bool tg_quote_write(struct tg_jo *j, const char *key, const struct tg_quote *quote,
                    const char *lang);

/*
 * {"code","percent_bp"|"amount","minimum"?,"currency"?,"show","skus"?,"persons"?,"person_max",
 *  "uses_max","uses","from","until","combinable"}; show is its public id, NULL = everywhere.
 */
void tg_discount_write(struct tg_jo *j, const char *key, const struct tg_discount *discount,
                       const char *show);

/* The rules' keys, into an open object: first_paid, waiting, comments, comment_bare, comment_word,
 * hold_s, turn_s, person_units, lag_ms; 0 = the shop's own. */
void tg_rules_write(struct tg_jo *j, const struct tg_show_rules *rules);
/* "sku","number","from","until" into an open object; null = none. Media time in ms. */
void tg_show_item_window_write(struct tg_jo *j, const struct tg_show_item *item);
/* The same and "units_max","person_max". */
void tg_show_item_write(struct tg_jo *j, const struct tg_show_item *item);
/* "sku","state","place","qty","until" into an open object. qty is what the turn offers, or what is
 * wanted. */
void tg_waiter_write(struct tg_jo *j, const struct tg_waiter *w, uint32_t place);

#endif
