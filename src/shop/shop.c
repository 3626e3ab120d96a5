#include "shop/shop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

/*
 * The most that one claim writes: its order; a movement to hold and one to sell a take (an order
 * read from disk may have one more a line); the end of a flash price a line; a turn a line lent and
 * taken back; uses of codes, events and what is asked of the payment provider.
 */
enum {
    CLAIM_EFFECTS_MAX =
        2 * (TG_TAKES_MAX + TG_CART_LINES_MAX) + 3 * TG_CART_LINES_MAX + TG_ORDER_CODES_MAX + 32,
    FIRST_NUMBER = 1001
};

const char *tg_code_name(enum tg_code code)
{
    static const char *const names[] = {"ok",        "bad_request", "unauthorized",  "forbidden",
                                        "not_found", "sold_out",    "price_changed", "limit",
                                        "conflict",  "closed",      "busy",          "internal",
                                        "stale"};

    return (size_t)code < TG_ARRAY_LEN(names) ? names[code] : "internal";
}

void tg_refuse(struct tg_verdict *out, enum tg_code code, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a cut title is cut again below */
    va_end(args);
    out->code = code;
    tg_str_cut(out->message, sizeof(out->message), text);
}

void tg_refuse_field(struct tg_verdict *out, const char *field, enum tg_code code, const char *fmt,
                     ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a cut title is cut again below */
    va_end(args);
    out->code = code;
    out->field = field;
    tg_str_cut(out->message, sizeof(out->message), text);
}

tg_err tg_shop_new(struct tg_shop **ret, const struct tg_shop_cfg *cfg)
{
    static const struct tg_location main_place = {
        .id = TG_LOCATION_MAIN, .name = "Main", .show = UINT16_MAX, .ships_from_wall = -1};
    struct tg_shop *shop;

    if (cfg->hold_us <= 0 || cfg->person_units_max < 0 || cfg->first_number < 0 ||
        !tg_currency_ok(cfg->currency))
        return TG_ERR_LIMIT;
    shop = tg_calloc(1, sizeof(*shop));
    if (shop == NULL)
        return TG_ERR_NOMEM;
    shop->cfg = *cfg;
    shop->next_number = cfg->first_number > 0 ? cfg->first_number : FIRST_NUMBER;
    tg_map_init(&shop->product_by_id, cfg->rng);
    tg_map_init(&shop->variant_by_sku, cfg->rng);
    tg_map_init(&shop->order_by_id, cfg->rng);
    tg_map_init(&shop->order_by_payment, cfg->rng);
    tg_map_init(&shop->cart_by_person, cfg->rng);
    tg_map_init(&shop->units, cfg->rng);
    tg_map_init(&shop->show_sales, cfg->rng);
    tg_map_init(&shop->rules, cfg->rng);
    tg_map_init(&shop->show_items, cfg->rng);
    tg_map_init(&shop->books, cfg->rng);
    tg_map_init(&shop->currency_prices, cfg->rng);
    tg_map_init(&shop->codes, cfg->rng);
    tg_map_init(&shop->code_persons, cfg->rng);
    tg_map_init(&shop->show_numbers, cfg->rng);
    tg_map_init(&shop->lines, cfg->rng);
    tg_map_init(&shop->queuers, cfg->rng);
    if (tg_shop_put_location(shop, &main_place) != TG_OK) {
        tg_shop_free(shop);
        return TG_ERR_NOMEM;
    }
    *ret = shop;
    return TG_OK;
}

void tg_shop_free_all(struct tg_map *map)
{
    size_t cursor = 0;
    void *value;

    while ((value = tg_map_each(map, &cursor)) != NULL)
        tg_free(value);
    tg_map_done(map);
}

static void free_variants(struct tg_shop *shop)
{
    size_t cursor = 0;
    struct tg_variant *v;

    while ((v = tg_map_each(&shop->variant_by_sku, &cursor)) != NULL) {
        tg_free(v->places);
        tg_parts_free(v);
    }
    tg_shop_free_all(&shop->variant_by_sku);
}

static void free_products(struct tg_shop *shop)
{
    size_t cursor = 0;
    struct tg_product *p;

    while ((p = tg_map_each(&shop->product_by_id, &cursor)) != NULL)
        tg_langs_unref(p->texts);
    tg_shop_free_all(&shop->product_by_id);
}

void tg_shop_free(struct tg_shop *shop)
{
    if (shop == NULL)
        return;
    tg_shop_free_details(shop);
    tg_shelf_end_batch(shop, false);
    free_variants(shop);
    tg_locations_free(shop);
    free_products(shop);
    tg_shop_free_orders(shop);
    tg_shop_free_damaged(shop);
    tg_shop_free_all(&shop->cart_by_person);
    tg_shop_free_all(&shop->units);
    tg_shop_free_all(&shop->show_sales);
    tg_shop_free_all(&shop->rules);
    tg_shop_free_all(&shop->show_items);
    tg_shop_free_all(&shop->books);
    tg_shop_free_all(&shop->currency_prices);
    tg_free(shop->currencies);
    tg_codes_free(shop);
    tg_shop_free_all(&shop->code_persons);
    tg_shop_free_all(&shop->show_numbers);
    tg_line_done(shop);
    tg_heap_done(&shop->expiries);
    tg_heap_done(&shop->flash_ends);
    tg_heap_done(&shop->flash_starts);
    tg_free(shop->products);
    tg_free(shop->effects);
    tg_free(shop);
}

const struct tg_shop_cfg *tg_shop_config(const struct tg_shop *shop)
{
    return &shop->cfg;
}

void tg_shop_load_next_number(struct tg_shop *shop, int64_t number)
{
    TG_ASSERT(number > 0);
    shop->next_number = number;
}

/* --- time and decisions --- */

void tg_shop_load_ticket(struct tg_shop *shop, int64_t last)
{
    shop->last_ticket = TG_MAX(shop->last_ticket, last);
}

int64_t tg_ticket_next(struct tg_shop *shop, struct tg_shop_now now)
{
    if (!shop->ticketed) {
        shop->before_ticket = shop->last_ticket;
        shop->ticketed = true;
    }
    /* The clock makes the numbers rise over restarts without a write for refusals. */
    shop->last_ticket = TG_MAX(shop->last_ticket + 1, now.wall);
    return shop->last_ticket;
}

tg_us tg_shop_deadline(const struct tg_shop *shop)
{
    tg_us orders = tg_heap_deadline(&shop->expiries);
    tg_us starts = tg_heap_deadline(&shop->flash_starts);
    tg_us ends = tg_heap_deadline(&shop->flash_ends);
    tg_us prices = TG_MIN(starts, ends);
    tg_us turns = tg_line_due(shop) ? 0 : tg_heap_deadline(&shop->turns);

    return TG_MIN(TG_MIN(orders, prices), turns);
}

size_t tg_shop_tick(struct tg_shop *shop, struct tg_shop_now now, size_t max)
{
    size_t count = 0;

    tg_line_serve(shop, now);
    if (tg_line_due(shop))
        return 0; /* no memory: later */
    while (count < max && tg_shop_deadline(shop) <= now.mono) {
        struct tg_heap_node *node;

        if (tg_shop_reserve(shop, CLAIM_EFFECTS_MAX) != TG_OK)
            break; /* later, when there is memory again */
        node = tg_heap_pop_due(&shop->expiries, now.mono);
        if (node != NULL) {
            struct tg_order *order = TG_CONTAINER_OF(node, struct tg_order, expiry);

            tg_order_expire(shop, order, now.wall);
        } else if (tg_line_lapse(shop, now)) {
            /* what it held is free now */
        } else if (tg_heap_deadline(&shop->flash_ends) <= now.mono) {
            struct tg_variant *v =
                TG_CONTAINER_OF(shop->flash_ends.nodes[0], struct tg_variant, flash_end);

            tg_flash_end(shop, v, now.wall, false);
        } else {
            struct tg_price_book *book =
                TG_CONTAINER_OF(shop->flash_starts.nodes[0], struct tg_price_book, start);

            if (!tg_flash_begin(shop, now, book))
                break; /* later, when there is memory again */
        }
        tg_line_serve(shop, now);
        if (tg_line_due(shop))
            break; /* no memory: later */
        count++;
    }
    return count;
}

/* The staff's claim whose movements name them; NULL: the order's buyer, or nobody by hand. */
static const struct tg_claim *staff_deed(const struct tg_claim *c)
{
    switch (c->kind) {
    case TG_CLAIM_BUY:
    case TG_CLAIM_CHECKOUT:
        return c->channel == TG_CHANNEL_STAFF ? c : NULL;
    case TG_CLAIM_CANCEL:
    case TG_CLAIM_FULFIL:
    case TG_CLAIM_RETURN:
        return c->staff ? c : NULL;
    default:
        return NULL;
    }
}

void tg_shop_decide(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *ret)
{
    *ret = (struct tg_verdict){.code = TG_CODE_OK};
    tg_line_catch_up(shop, now);
    shop->by = staff_deed(c);
    if (tg_shop_reserve(shop, CLAIM_EFFECTS_MAX) != TG_OK) {
        tg_refuse(ret, TG_CODE_INTERNAL, "The server is out of memory.");
        return;
    }
    switch (c->kind) {
    case TG_CLAIM_NONE:
        break;
    case TG_CLAIM_BUY:
        tg_decide_buy(shop, now, c, ret);
        break;
    case TG_CLAIM_CART_SET:
        tg_decide_cart_set(shop, c, ret);
        break;
    case TG_CLAIM_CHECKOUT:
        tg_decide_checkout(shop, now, c, ret);
        break;
    case TG_CLAIM_CART:
        ret->cart = tg_shop_cart(shop, c->person);
        break;
    case TG_CLAIM_CART_MERGE:
        tg_decide_cart_merge(shop, c, ret);
        break;
    case TG_CLAIM_PRICE:
        tg_decide_price(shop, now, c, ret);
        break;
    case TG_CLAIM_STOCK:
        tg_decide_stock(shop, now, c, ret);
        break;
    case TG_CLAIM_STOCK_ROWS:
        tg_decide_stock_rows(shop, now, c, ret);
        break;
    case TG_CLAIM_LOCATION:
        tg_decide_location(shop, now, c, ret);
        break;
    case TG_CLAIM_STOCK_RULES:
        tg_decide_stock_rules(shop, now, c, ret);
        break;
    case TG_CLAIM_PAY:
        tg_decide_pay(shop, now, c, ret);
        break;
    case TG_CLAIM_CANCEL:
        tg_decide_cancel(shop, now, c, ret);
        break;
    case TG_CLAIM_LIST_PRICE:
        tg_decide_list_price(shop, now, c, ret);
        break;
    case TG_CLAIM_CODE_NEW:
    case TG_CLAIM_CODE_SET:
    case TG_CLAIM_CODE_END:
        tg_decide_code(shop, c, ret);
        break;
    case TG_CLAIM_WAIT:
        tg_decide_wait(shop, now, c, ret);
        break;
    case TG_CLAIM_UNDO:
        tg_decide_undo(shop, now, c, ret);
        break;
    case TG_CLAIM_RULES:
        tg_decide_rules(shop, c, ret);
        break;
    case TG_CLAIM_SHOW_ITEM:
        tg_decide_show_item(shop, c, ret);
        break;
    case TG_CLAIM_SHOW_LOOK:
        tg_decide_show_look(shop, c, ret);
        break;
    case TG_CLAIM_WINDOW:
        tg_decide_window(shop, c, ret);
        break;
    case TG_CLAIM_NEWS:
        tg_decide_news(shop, now, c, ret);
        break;
    case TG_CLAIM_RETRY:
        tg_decide_retry(shop, now, c, ret);
        break;
    case TG_CLAIM_ASK_AGAIN:
        tg_decide_ask_again(shop, now, c, ret);
        break;
    case TG_CLAIM_GIVE_UP:
        tg_decide_give_up(shop, now, c, ret);
        break;
    case TG_CLAIM_FULFIL:
        tg_decide_fulfil(shop, now, c, ret);
        break;
    case TG_CLAIM_RETURN:
        tg_decide_return(shop, now, c, ret);
        break;
    case TG_CLAIM_REFUND:
        tg_decide_refund(shop, now, c, ret);
        break;
    case TG_CLAIM_NOTE:
        tg_decide_note(shop, now, c, ret);
        break;
    }
    shop->by = NULL;
    tg_line_serve(shop, now);
}
