/* The batch: what it touched, what of it is written, and how it is undone. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

enum { EFFECTS_KEPT = 32768 }; /* ~11 MB; the largest ordinary batch has fewer */

tg_err tg_shop_reserve(struct tg_shop *shop, size_t more)
{
    size_t cap = shop->effect_cap == 0 ? 256 : shop->effect_cap;
    struct tg_effect *grown;

    while (cap < shop->effect_count + more)
        cap *= 2;
    if (cap == shop->effect_cap)
        return TG_OK;
    grown = tg_realloc(shop->effects, cap, sizeof(*grown));
    if (grown == NULL)
        return TG_ERR_NOMEM;
    shop->effects = grown;
    shop->effect_cap = cap;
    return TG_OK;
}

struct tg_effect *tg_shop_effect(struct tg_shop *shop, enum tg_effect_kind kind, tg_us wall)
{
    struct tg_effect *e;

    TG_ASSERT(shop->effect_count < shop->effect_cap);
    TG_ASSERT(!shop->sealed);
    e = &shop->effects[shop->effect_count++];
    *e = (struct tg_effect){.kind = kind, .wall = wall};
    return e;
}

static void touch_variant(struct tg_shop *shop, struct tg_variant *v)
{
    if (v->in_batch)
        return;
    v->in_batch = true;
    for (uint32_t i = 0; i < v->place_count; i++) {
        v->places[i].before = v->places[i].count;
        v->places[i].before_version = v->places[i].version;
    }
    v->before_stock = v->stock;
    v->before_available = tg_variant_available(v);
    v->before_rules = v->rules;
    tg_price_keep(v);
    v->before_flash_timed = v->flash_end.place != 0;
    v->before_flash_at = v->flash_end.at;
    v->batch_next = shop->batch_variants;
    shop->batch_variants = v;
}

void tg_shop_touch_variant(struct tg_shop *shop, struct tg_variant *v)
{
    if (v->in_batch)
        return;
    /* What is left of a bundle changes with its parts: remember how much that was. */
    for (struct tg_part *p = v->part_of; p != NULL; p = p->next_of_item)
        touch_variant(shop, p->bundle);
    touch_variant(shop, v);
}

void tg_shop_touch_cart(struct tg_shop *shop, struct tg_cart *cart, const struct tg_claim *c,
                        uint32_t from)
{
    TG_ASSERT(from <= cart->line_count);
    cart->changed_by = c->ref;
    if (!cart->in_batch) {
        cart->changed = 0;
        cart->shorter = false;
    }
    if (cart->gaps) {
        from = 0;
        cart->gaps = false;
    }
    if (from < cart->line_count) {
        cart->changed |= UINT64_MAX << from;
        cart->shorter = true;
    }
    if (cart->in_batch)
        return;
    cart->in_batch = true;
    cart->batch_next = shop->batch_carts;
    shop->batch_carts = cart;
}

void tg_shop_touch_sales(struct tg_shop *shop, struct tg_show_sales *sales)
{
    if (sales->in_batch)
        return;
    sales->in_batch = true;
    sales->before_units = sales->units;
    sales->batch_next = shop->batch_sales;
    shop->batch_sales = sales;
}

const struct tg_variant *tg_shop_each_variant(const struct tg_shop *shop,
                                              const struct tg_variant **cursor)
{
    *cursor = *cursor == NULL ? shop->batch_variants : (*cursor)->batch_next;
    return *cursor;
}

const struct tg_order *tg_shop_each_order(const struct tg_shop *shop,
                                          const struct tg_order **cursor)
{
    *cursor = *cursor == NULL ? shop->batch_orders : (*cursor)->batch_next;
    return *cursor;
}

const struct tg_show_sales *tg_shop_each_sales(const struct tg_shop *shop,
                                               const struct tg_show_sales **cursor)
{
    *cursor = *cursor == NULL ? shop->batch_sales : (*cursor)->batch_next;
    return *cursor;
}

const struct tg_cart *tg_shop_each_cart(const struct tg_shop *shop, const struct tg_cart **cursor)
{
    *cursor = *cursor == NULL ? shop->batch_carts : (*cursor)->batch_next;
    return *cursor;
}

/* The codes whose uses or meaning changed. */
static void seal_codes(struct tg_shop *shop, tg_us wall)
{
    for (const struct tg_code_entry *c = shop->batch_codes; c != NULL; c = c->batch_next) {
        struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_CODE, wall);

        e->discount = c->now;
        e->qty = c->fresh || c->before != NULL;
    }
}

static bool place_differs(const struct tg_place *p)
{
    return p->count.on_hand != p->before.on_hand || p->count.held != p->before.held ||
           p->count.sold != p->before.sold || p->version != p->before_version;
}

static size_t seal_count(const struct tg_shop *shop)
{
    size_t count = 0;

    for (const struct tg_variant *v = shop->batch_variants; v != NULL; v = v->batch_next)
        count += v->place_count + 2;
    for (const struct tg_code_entry *c = shop->batch_codes; c != NULL; c = c->batch_next)
        count++;
    for (const struct tg_cart *c = shop->batch_carts; c != NULL; c = c->batch_next)
        count++;
    for (const struct tg_show_sales *s = shop->batch_sales; s != NULL; s = s->batch_next)
        count++;
    for (const struct tg_order *o = shop->batch_orders; o != NULL; o = o->batch_next)
        count += (size_t)o->takes_changed + (o->dirty && !o->fresh);
    return count + tg_price_left_count(shop) + tg_rules_effect_count(shop) +
           tg_line_effect_count(shop);
}

static bool rules_differ(const struct tg_stock_rules *a, const struct tg_stock_rules *b)
{
    return a->safety != b->safety || a->order_max != b->order_max || a->person_max != b->person_max;
}

/* Units sold at a flash price are no news: the order tells of them. */
static bool price_differs(const struct tg_variant *v)
{
    return v->price != v->before_price || v->compare_at != v->before_compare_at ||
           v->flash != v->before_flash || v->flash_until_wall != v->before_until_wall ||
           v->flash_limit != v->before_flash_limit;
}

static void seal_news(struct tg_shop *shop, const struct tg_variant *v, bool counted, tg_us wall)
{
    struct tg_effect *e;
    int32_t what = 0;

    if (counted || v->parts_changed || rules_differ(&v->rules, &v->before_rules) ||
        tg_variant_available(v) != v->before_available)
        what |= TG_TELL_STOCK;
    if (price_differs(v))
        what |= TG_TELL_PRICE;
    if (what == 0)
        return;
    e = tg_shop_effect(shop, TG_EFFECT_TELL, wall);
    e->variant = v;
    e->qty = what;
    memcpy(e->price.currency, shop->cfg.currency, sizeof(e->price.currency));
}

static void seal_stock(struct tg_shop *shop, tg_us wall)
{
    for (const struct tg_variant *v = shop->batch_variants; v != NULL; v = v->batch_next) {
        bool counted = false;

        for (uint32_t i = 0; i < v->place_count; i++)
            if (place_differs(&v->places[i])) {
                struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_STOCK, wall);

                e->variant = v;
                e->location = v->places[i].at->ord;
                counted = true;
            }
        if (v->flash_used != v->before_flash_used)
            tg_shop_effect(shop, TG_EFFECT_FLASH_USED, wall)->variant = v;
        seal_news(shop, v, counted, wall);
    }
    for (const struct tg_order *o = shop->batch_orders; o != NULL; o = o->batch_next)
        if (o->takes_changed)
            tg_shop_effect(shop, TG_EFFECT_TAKES, wall)->order = o;
}

/* One row for each object whose new state is written whole, however often it changed. */
static tg_err seal(struct tg_shop *shop, tg_us wall)
{
    tg_err err = tg_shop_reserve(shop, seal_count(shop));

    if (err != TG_OK)
        return err;
    /* A new order is written as it is in the end anyway. */
    for (const struct tg_order *o = shop->batch_orders; o != NULL; o = o->batch_next)
        if (o->dirty && !o->fresh)
            tg_shop_effect(shop, TG_EFFECT_ORDER, wall)->order = o;
    seal_stock(shop, wall);
    seal_codes(shop, wall);
    for (const struct tg_cart *c = shop->batch_carts; c != NULL; c = c->batch_next)
        tg_shop_effect(shop, TG_EFFECT_CART, wall)->cart = c;
    for (const struct tg_show_sales *s = shop->batch_sales; s != NULL; s = s->batch_next) {
        struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_SHOW_SALES, wall);

        e->show = s->key.show;
        e->variant = s->variant;
        e->qty = s->units;
    }
    tg_price_left_effects(shop, wall);
    tg_rules_effects(shop, wall);
    tg_line_effects(shop, wall);
    shop->sealed = true;
    return TG_OK;
}

tg_err tg_shop_effects(struct tg_shop *shop, tg_us wall, const struct tg_effect **ret,
                       size_t *ret_count)
{
    tg_err err = shop->sealed ? TG_OK : seal(shop, wall);

    if (err != TG_OK)
        return err;
    *ret = shop->effect_count > 0 ? shop->effects : NULL;
    *ret_count = shop->effect_count;
    return TG_OK;
}

static void forget_carts(struct tg_shop *shop)
{
    struct tg_rng *rng = shop->cfg.rng;

    tg_shop_free_all(&shop->cart_by_person);
    tg_map_init(&shop->cart_by_person, rng);
}

void tg_shop_forget_cached(struct tg_shop *shop)
{
    TG_ASSERT(shop->batch_carts == NULL);
    forget_carts(shop);
    tg_units_clear(shop);
    tg_codes_forget_persons(shop);
}

static void forget_cart(struct tg_shop *shop, struct tg_cart *cart)
{
    (void)tg_map_del(&shop->cart_by_person, cart->person, strlen(cart->person));
    tg_free(cart);
}

void tg_shop_free_details(struct tg_shop *shop)
{
    struct tg_event_detail *next;

    for (struct tg_event_detail *d = shop->batch_details; d != NULL; d = next) {
        next = d->next;
        tg_free(d);
    }
    shop->batch_details = NULL;
}

static void end_batch(struct tg_shop *shop)
{
    for (struct tg_variant *v = shop->batch_variants; v != NULL; v = v->batch_next) {
        v->in_batch = false;
        tg_parts_commit(v);
    }
    for (struct tg_show_sales *s = shop->batch_sales; s != NULL; s = s->batch_next)
        s->in_batch = false;
    shop->batch_variants = NULL;
    shop->batch_sales = NULL;
    shop->batch_orders = NULL;
    shop->batch_carts = NULL;
    tg_shop_free_details(shop);
    tg_shop_free_damaged(shop);
    shop->effect_count = 0;
    if (shop->effect_cap > EFFECTS_KEPT) { /* of a rare large batch */
        tg_free(shop->effects);
        shop->effects = NULL;
        shop->effect_cap = 0;
    }
    shop->sealed = false;
    shop->numbered = false;
    shop->ticketed = false;
}

void tg_shop_commit(struct tg_shop *shop)
{
    struct tg_order *next;

    /* Only unpaid orders stay in memory; of the others the disk knows best. */
    for (struct tg_order *order = shop->batch_orders; order != NULL; order = next) {
        next = order->batch_next;
        order->in_batch = false;
        order->fresh = false;
        order->changed = false;
        order->takes_changed = false;
        order->takes_found = false;
        order->dirty = false;
        order->lines_dirty = false;
        if (order->state != TG_ORDER_AWAITING)
            tg_order_forget(shop, order);
    }
    for (struct tg_cart *cart = shop->batch_carts; cart != NULL; cart = cart->batch_next)
        cart->in_batch = false;
    tg_price_books_commit(shop);
    tg_codes_commit(shop);
    tg_rules_end_batch(shop, false);
    tg_line_end_batch(shop, false);
    tg_locations_commit(shop);
    end_batch(shop);
    tg_shelf_end_batch(shop, false);
    if (shop->cart_by_person.count > TG_CARTS_CACHED)
        forget_carts(shop);
    tg_units_forget(shop);
}

static void undo_variant(struct tg_shop *shop, struct tg_variant *v)
{
    for (uint32_t i = 0; i < v->place_count; i++) {
        v->places[i].count = v->places[i].before;
        v->places[i].version = v->places[i].before_version;
    }
    v->stock = v->before_stock;
    tg_price_undo(v);
    v->rules = v->before_rules;
    tg_parts_rollback(v);
    if (!v->before_flash_timed)
        tg_heap_remove(&shop->flash_ends, &v->flash_end);
}

void tg_shop_rollback(struct tg_shop *shop)
{
    struct tg_order *next_order;
    struct tg_cart *next_cart;

    for (struct tg_order *order = shop->batch_orders; order != NULL; order = order->batch_next)
        if (order->fresh)
            tg_heap_remove(&shop->expiries, &order->expiry); /* first, to make the room */
    for (struct tg_order *order = shop->batch_orders; order != NULL; order = next_order) {
        next_order = order->batch_next;
        tg_order_undo(shop, order);
    }
    for (struct tg_variant *v = shop->batch_variants; v != NULL; v = v->batch_next)
        undo_variant(shop, v);
    for (struct tg_variant *v = shop->batch_variants; v != NULL; v = v->batch_next)
        if (v->before_flash_timed) /* the same room as with the orders */
            TG_ASSERT(tg_heap_set(&shop->flash_ends, &v->flash_end, v->before_flash_at) == TG_OK);
    for (struct tg_cart *cart = shop->batch_carts; cart != NULL; cart = next_cart) {
        next_cart = cart->batch_next;
        forget_cart(shop, cart); /* read again from disk when somebody needs it */
    }
    for (struct tg_show_sales *s = shop->batch_sales; s != NULL; s = s->batch_next)
        s->units = s->before_units;
    tg_rules_end_batch(shop, true);
    tg_line_end_batch(shop, true);
    tg_units_clear(shop);
    tg_price_books_rollback(shop);
    tg_codes_rollback(shop);
    tg_locations_rollback(shop);
    if (shop->ticketed)
        shop->last_ticket = shop->before_ticket;
    if (shop->numbered)
        shop->next_number = shop->before_number;
    end_batch(shop);
    tg_shelf_end_batch(shop, true);
}
