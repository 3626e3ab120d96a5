/* Orders: how they are placed, and what becomes of them. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/uuid.h"
#include "shop/shop_priv.h"

static void fill_line(struct tg_order_line *line, const struct tg_want *w)
{
    const struct tg_variant *v = w->variant;

    tg_str_cut(line->sku, sizeof(line->sku), v->sku);
    tg_str_cut(line->title, sizeof(line->title), v->product->title);
    tg_str_cut(line->options, sizeof(line->options), v->options);
    line->qty = w->qty;
    line->price = w->price;
    line->cost = v->cost;
    line->discount = w->discount;
    line->tax_bp = w->tax_bp;
    line->tax = w->tax;
    line->flash_since = w->flash ? v->flash_since_wall : 0;
}

/* What was held for a turn of the waiting list stays held, also where who pays first gets it; and
 * with it what is bought together with it: an order is paid or lost as a whole. */
static bool is_unheld(const struct tg_shop *shop, const struct tg_claim *c,
                      const struct tg_wish *wish)
{
    if (!tg_shop_rules(shop, c->show)->first_paid)
        return false;
    for (uint32_t i = 0; i < wish->count; i++)
        if (wish->wants[i].on_turn > 0)
            return false;
    return true;
}

/* The random bits are the right to pay. The claim's ticket in front only keeps the database's index
 * growing at its end. */
static void payment_id(char out[TG_PAYMENT_ID_SIZE], struct tg_shop *shop)
{
    uint8_t ticket[7];
    uint8_t secret[16];

    for (size_t i = 0; i < sizeof(ticket); i++)
        ticket[i] = (uint8_t)((uint64_t)shop->last_ticket >> 8 * (sizeof(ticket) - 1 - i));
    tg_rng_bytes(shop->cfg.rng, secret, sizeof(secret));
    tg_hex_encode(out, TG_PAYMENT_ID_SIZE, ticket, sizeof(ticket));
    tg_b64url_encode(out + 2 * sizeof(ticket), TG_PAYMENT_ID_SIZE - 2 * sizeof(ticket), secret,
                     sizeof(secret));
}

/* tg_wish_stock has seen that it is there. */
static uint16_t from_of(const struct tg_shop *shop, const struct tg_claim *c)
{
    const struct tg_location *l =
        c->location[0] == '\0' ? NULL : tg_shop_location(shop, c->location);

    return l == NULL ? UINT16_MAX : l->ord;
}

static void fill_order(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                       const struct tg_wish *wish, struct tg_order *order)
{
    const struct tg_show_rules *rules = tg_shop_rules(shop, c->show);

    tg_uuid7(order->id, now.wall, shop->cfg.rng);
    payment_id(order->payment, shop);
    tg_str_cut(order->person, sizeof(order->person), c->person);
    tg_str_cut(order->name, sizeof(order->name), c->name);
    tg_str_cut(order->source, sizeof(order->source), c->source);
    memcpy(order->currency, wish->currency, sizeof(order->currency));
    memcpy(order->codes, wish->codes, sizeof(order->codes));
    order->show = c->show;
    order->channel = c->channel;
    order->created_wall = now.wall;
    order->changed_wall = now.wall;
    order->pay_by_wall = now.wall + (rules->hold_us > 0 ? rules->hold_us : shop->cfg.hold_us);
    order->unheld = is_unheld(shop, c, wish);
    order->from = from_of(shop, c);
    order->back_order = c->back_order;
}

static tg_err index_order(struct tg_shop *shop, struct tg_order *order)
{
    tg_err err = tg_map_put(&shop->order_by_id, order->id, strlen(order->id), order);

    if (err != TG_OK)
        return err;
    err = tg_map_put(&shop->order_by_payment, order->payment, strlen(order->payment), order);
    if (err != TG_OK)
        (void)tg_map_del(&shop->order_by_id, order->id, strlen(order->id)); /* put just above */
    return err;
}

/* Everything that can fail, before anything of the shop changes. */
static tg_err prepare_order(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                            const struct tg_wish *wish, struct tg_order **ret)
{
    bool unheld = is_unheld(shop, c, wish);
    struct tg_order *order = NULL;
    tg_err err = tg_order_new(&order, wish->count, unheld ? 0 : wish->take_count);

    if (err == TG_OK && shop->order_by_id.count >= TG_OPEN_ORDERS_MAX)
        err = TG_ERR_LIMIT;
    if (err == TG_OK)
        err = tg_codes_ready(shop, wish->codes, c->person);
    for (uint32_t i = 0; err == TG_OK && i < wish->count; i++) {
        fill_line(&order->lines[i], &wish->wants[i]);
        order->discount += wish->wants[i].discount;
        order->tax += wish->wants[i].tax;
        err = tg_sales_ready(shop, c->show, wish->wants[i].variant);
    }
    if (err == TG_OK)
        err = tg_order_sum(&order->total, order);
    if (err == TG_OK) {
        fill_order(shop, now, c, wish, order);
        if (!unheld)
            tg_takes_fill(order, wish);
        err = tg_heap_set(&shop->expiries, &order->expiry, tg_mono_of(now, order->pay_by_wall));
    }
    if (err == TG_OK)
        err = index_order(shop, order);
    if (err != TG_OK) {
        if (order != NULL)
            tg_heap_remove(&shop->expiries, &order->expiry);
        tg_order_free(order);
        return err;
    }
    *ret = order;
    return TG_OK;
}

void tg_order_place(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out)
{
    struct tg_order *order = NULL;
    tg_err err;

    err = prepare_order(shop, now, c, wish, &order);
    if (err != TG_OK) {
        tg_refuse(out, err == TG_ERR_LIMIT ? TG_CODE_BUSY : TG_CODE_INTERNAL,
                  err == TG_ERR_LIMIT ? "Too many open orders; try again in a minute."
                                      : "The server is out of memory.");
        return;
    }
    if (!shop->numbered) {
        shop->before_number = shop->next_number;
        shop->numbered = true;
    }
    order->number = shop->next_number++;
    order->ticket = out->ticket;
    tg_shop_touch_order(shop, order);
    order->fresh = true;
    tg_shop_effect(shop, TG_EFFECT_ORDER_NEW, now.wall)->order = order;
    if (!order->unheld)
        tg_takes_hold(shop, order, now.wall);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        tg_units_add(shop, c->person, line->sku, c->show, line->qty);
        tg_sales_add(shop, c->show, line->sku, line->qty);
    }
    tg_charge_taken(shop, now, order, wish);
    out->order = order;
    /* Nobody can pay nothing. In first-paid mode it was seen to be there just now. */
    if (order->total == 0 && (!order->unheld || tg_order_goods_find(shop, order) == TG_OK))
        tg_order_paid(shop, order, now.wall);
}

/* --- after the claim --- */

tg_err tg_shop_load_order(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *take_order)
{
    struct tg_order *order = take_order;
    tg_err err;

    order->expiry = (struct tg_heap_node){0};
    order->in_batch = false;
    order->fresh = false;
    order->changed = false;
    order->dirty = false;
    order->lines_dirty = false;
    err = index_order(shop, order);
    if (err != TG_OK) {
        tg_order_free(order);
        return err;
    }
    if (order->state != TG_ORDER_AWAITING) {
        tg_shop_touch_order(shop, order); /* forgotten again when the batch ends */
        return TG_OK;
    }
    err = tg_heap_set(&shop->expiries, &order->expiry,
                      now.mono + TG_MAX(order->pay_by_wall - now.wall, (tg_us)0));
    if (err != TG_OK) {
        (void)tg_map_del(&shop->order_by_payment, order->payment, strlen(order->payment));
        (void)tg_map_del(&shop->order_by_id, order->id, strlen(order->id)); /* both put above */
        tg_order_free(order);
    }
    return err;
}

bool tg_claim_by_payment(const struct tg_claim *c)
{
    return c->kind == TG_CLAIM_PAY || c->kind == TG_CLAIM_NEWS || c->kind == TG_CLAIM_RETRY ||
           c->kind == TG_CLAIM_ASK_AGAIN || c->kind == TG_CLAIM_GIVE_UP;
}

bool tg_shop_needs_order(const struct tg_shop *shop, const struct tg_claim *c)
{
    switch (c->kind) {
    case TG_CLAIM_PAY:
    case TG_CLAIM_NEWS:
    case TG_CLAIM_RETRY:
    case TG_CLAIM_ASK_AGAIN:
    case TG_CLAIM_GIVE_UP:
        return tg_map_get_str(&shop->order_by_payment, c->key) == NULL;
    case TG_CLAIM_CANCEL:
    case TG_CLAIM_FULFIL:
    case TG_CLAIM_RETURN:
    case TG_CLAIM_REFUND:
    case TG_CLAIM_NOTE:
        return tg_map_get_str(&shop->order_by_id, c->key) == NULL;
    default:
        return false;
    }
}

const struct tg_order *tg_shop_late_order(const struct tg_shop *shop, const struct tg_claim *c)
{
    const struct tg_order *order =
        tg_claim_by_payment(c) ? tg_map_get_str(&shop->order_by_payment, c->key) : NULL;

    return order != NULL && order->state == TG_ORDER_EXPIRED ? order : NULL;
}

size_t tg_shop_order_count(const struct tg_shop *shop)
{
    return shop->order_by_id.count;
}

const struct tg_order *tg_shop_order_each(const struct tg_shop *shop, size_t *cursor)
{
    return tg_map_each(&shop->order_by_id, cursor);
}

/* --- one order's life --- */

void tg_refuse_missing(const struct tg_shop *shop, const struct tg_claim *c, const char *what,
                       struct tg_verdict *out)
{
    for (const struct tg_damaged *d = shop->batch_damaged; d != NULL; d = d->next)
        if (strcmp(d->key, c->key) == 0) {
            tg_refuse(out, TG_CODE_INTERNAL,
                      "The order cannot be read: its record is damaged, or the server has no room"
                      " for its goods. Whoever runs the shop must see to it.");
            return;
        }
    tg_refuse(out, TG_CODE_NOT_FOUND, "%s", what);
}

struct tg_order *tg_order_asked(struct tg_shop *shop, const struct tg_claim *c,
                                struct tg_verdict *out)
{
    struct tg_order *order = tg_map_get_str(&shop->order_by_id, c->key);
    bool staff = c->staff && order != NULL && (c->show == UINT16_MAX || c->show == order->show);
    bool own = order != NULL && c->kind == TG_CLAIM_CANCEL && strcmp(order->person, c->person) == 0;

    /* Another person's order does not exist for a buyer. */
    if (!staff && !own) {
        tg_refuse_missing(shop, c, "There is no such order.", out);
        return NULL;
    }
    tg_shop_touch_order(shop, order);
    out->order = order;
    return order;
}

void tg_order_change(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    tg_shop_touch_order(shop, order);
    order->changed = true;
    order->dirty = true;
    order->changed_wall = wall;
}

void tg_order_enter(struct tg_shop *shop, struct tg_order *order, enum tg_order_state state,
                    tg_us wall)
{
    TG_ASSERT(state != TG_ORDER_AWAITING); /* nothing goes back to the start */
    tg_order_change(shop, order, wall);
    order->state = state;
    tg_heap_remove(&shop->expiries, &order->expiry);
}

void tg_order_note(struct tg_shop *shop, struct tg_order *order, enum tg_order_event event,
                   int64_t amount, const char *actor, const struct tg_event_detail *detail,
                   tg_us wall)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_EVENT, wall);

    tg_shop_touch_order(shop, order);
    order->dirty = true; /* its row counts its events */
    e->order = order;
    e->seq = ++order->events;
    e->event = event;
    e->amount = amount;
    e->detail = detail;
    tg_str_cut(e->actor, sizeof(e->actor), actor);
}

static void copy_words(char *out, size_t size, const char *words)
{
    tg_str_cut(out, size, words == NULL ? "" : words);
}

struct tg_event_detail *tg_event_detail_new(struct tg_shop *shop, const struct tg_claim *c,
                                            uint32_t lines, struct tg_verdict *out)
{
    struct tg_event_detail *d = tg_calloc(1, sizeof(*d) + lines * sizeof(d->lines[0]));

    if (d == NULL) {
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
        return NULL;
    }
    copy_words(d->reason, sizeof(d->reason), c->reason);
    copy_words(d->carrier, sizeof(d->carrier), c->carrier);
    copy_words(d->tracking, sizeof(d->tracking), c->tracking);
    d->next = shop->batch_details;
    shop->batch_details = d;
    return d;
}

void tg_order_expire(struct tg_shop *shop, struct tg_order *order, tg_us wall)
{
    TG_ASSERT(order->state == TG_ORDER_AWAITING);
    tg_order_change(shop, order, wall);
    if (!order->unheld)
        tg_takes_release_all(shop, order, wall);
    for (uint32_t i = 0; i < order->line_count; i++)
        tg_order_count_units(shop, order, i, -tg_line_open(&order->lines[i]));
    tg_charge_return(shop, order, wall);
    tg_order_enter(shop, order, TG_ORDER_EXPIRED, wall);
    tg_order_note(shop, order, TG_EVENT_EXPIRED, -1, "", NULL, wall);
}
