/* Counts of items at places: how they move, what is left, and the audit. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

/* --- what is left --- */

const struct tg_place *tg_variant_place(const struct tg_variant *v, uint16_t location)
{
    for (uint32_t i = 0; i < v->place_count; i++)
        if (v->places[i].at->ord == location)
            return &v->places[i];
    return NULL;
}

static int32_t item_available(const struct tg_variant *v, uint16_t show, bool promises)
{
    int64_t shelves = 0;
    int64_t apart = 0;

    for (uint32_t i = 0; i < v->place_count; i++) {
        const struct tg_place *p = &v->places[i];
        int32_t left = p->count.on_hand - p->count.held - p->count.sold;

        if (p->at->closed)
            continue;
        if (p->at->kind == TG_LOCATION_PROMISE)
            apart += promises ? left : 0;
        else if (p->at->kind != TG_LOCATION_ALLOTMENT)
            shelves += left;
        else if (p->at->show == show)
            apart += left;
    }
    shelves = TG_MAX(shelves - v->rules.safety, (int64_t)0);
    return (int32_t)(shelves + apart); /* all places together hold at most TG_STOCK_MAX */
}

static int32_t available(const struct tg_variant *v, uint16_t show, bool promises)
{
    int32_t least = INT32_MAX;

    if (v->part_count == 0)
        return item_available(v, show, promises);
    for (uint32_t i = 0; i < v->part_count; i++)
        least = TG_MIN(least, item_available(v->parts[i].item, show, promises) / v->parts[i].qty);
    return least;
}

int32_t tg_variant_available_in(const struct tg_variant *v, uint16_t show)
{
    return available(v, show, true);
}

int32_t tg_variant_here_in(const struct tg_variant *v, uint16_t show)
{
    return available(v, show, false);
}

int32_t tg_variant_available(const struct tg_variant *v)
{
    return tg_variant_available_in(v, UINT16_MAX);
}

int64_t tg_variant_version(const struct tg_variant *v)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < v->place_count; i++)
        sum += v->places[i].version;
    return sum;
}

/* --- moving --- */

const char *tg_movement_name(enum tg_movement movement)
{
    static const char *const names[] = {
        NULL,   "receive", "adjust",       "hold",        "release", "sell",      "unsell",
        "ship", "return",  "transfer_out", "transfer_in", "grant",   "take_back", "count"};

    return (size_t)movement < TG_ARRAY_LEN(names) ? names[movement] : NULL;
}

static void apply(struct tg_stock_count *s, enum tg_movement movement, int32_t qty)
{
    switch (movement) {
    case TG_MOVE_RECEIVE:
    case TG_MOVE_ADJUST:
    case TG_MOVE_COUNT:
    case TG_MOVE_RETURN:
    case TG_MOVE_TRANSFER_IN:
    case TG_MOVE_GRANT:
        s->on_hand += qty;
        break;
    case TG_MOVE_TRANSFER_OUT:
    case TG_MOVE_TAKE_BACK:
        s->on_hand -= qty;
        break;
    case TG_MOVE_HOLD:
        s->held += qty;
        break;
    case TG_MOVE_RELEASE:
        s->held -= qty;
        break;
    case TG_MOVE_SELL:
        s->held -= qty;
        s->sold += qty;
        break;
    case TG_MOVE_UNSELL:
        s->sold -= qty;
        break;
    case TG_MOVE_SHIP:
        s->on_hand -= qty;
        s->sold -= qty;
        break;
    }
}

int32_t tg_move_on_hand(enum tg_movement movement, int32_t qty)
{
    struct tg_stock_count s = {0};

    apply(&s, movement, qty);
    return s.on_hand;
}

/* What staff do to somebody's order carries their name, and what they said of it. */
static void name_staff(const struct tg_shop *shop, struct tg_effect *e)
{
    const char *actor = shop->by == NULL ? "" : tg_claim_key_person(shop->by);

    if (e->order == NULL || e->actor[0] != '\0' || actor[0] == '\0' ||
        strcmp(actor, e->order->person) == 0)
        return;
    tg_str_cut(e->actor, sizeof(e->actor), actor);
    if (e->cause[0] == '\0')
        tg_str_cut(e->cause, sizeof(e->cause), shop->by->reason == NULL ? "" : shop->by->reason);
}

void tg_stock_move(struct tg_shop *shop, struct tg_variant *v, const struct tg_effect *movement)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_MOVEMENT, movement->wall);
    struct tg_place *p = NULL;

    for (uint32_t i = 0; i < v->place_count && p == NULL; i++)
        if (v->places[i].at->ord == movement->location)
            p = &v->places[i];
    TG_ASSERT(p != NULL);
    tg_shop_touch_variant(shop, v);
    *e = *movement;
    e->kind = TG_EFFECT_MOVEMENT;
    name_staff(shop, e);
    e->variant = v;
    if (e->as_of_wall == 0)
        e->as_of_wall = e->wall;
    apply(&p->count, movement->movement, movement->qty);
    apply(&v->stock, movement->movement, movement->qty);
    p->version++;
    /* The promise of this room. Every caller has checked before it moved. */
    TG_ASSERT(p->count.on_hand >= 0);
    TG_ASSERT(p->count.held >= 0);
    TG_ASSERT(p->count.sold >= 0);
    TG_ASSERT((int64_t)p->count.held + p->count.sold <= p->count.on_hand);
    TG_ASSERT(v->stock.on_hand <= TG_STOCK_MAX);
    tg_line_freed(shop, v);
}

void tg_stock_unmove(struct tg_shop *shop, const struct tg_effect *movement)
{
    struct tg_variant *v = tg_shop_find(shop, movement->variant->sku);

    for (uint32_t i = 0; i < v->place_count; i++)
        if (v->places[i].at->ord == movement->location) {
            apply(&v->places[i].count, movement->movement, -movement->qty);
            v->places[i].version--;
        }
    apply(&v->stock, movement->movement, -movement->qty);
}

tg_err tg_place_ready(struct tg_shop *shop, struct tg_variant *v, uint16_t location)
{
    struct tg_place *grown;

    if (tg_variant_place(v, location) != NULL)
        return TG_OK;
    TG_ASSERT(location < shop->location_count);
    grown = tg_realloc(v->places, v->place_count + 1, sizeof(*grown));
    if (grown == NULL)
        return TG_ERR_NOMEM;
    v->places = grown;
    /* Without units it says nothing: it may stay when the batch is undone. */
    v->places[v->place_count++] = (struct tg_place){.at = &shop->locations[location]->now};
    return TG_OK;
}

tg_err tg_place_first(const struct tg_shop *shop, struct tg_variant *v)
{
    const struct tg_stock_count *s = &v->stock;

    v->places = NULL;
    v->place_count = 0;
    v->parts = NULL;
    v->part_count = 0;
    v->part_of = NULL;
    v->parts_changed = false;
    if (s->on_hand == 0 && s->held == 0 && s->sold == 0 && v->stock_version == 0)
        return TG_OK;
    v->places = tg_calloc(1, sizeof(*v->places));
    if (v->places == NULL)
        return TG_ERR_NOMEM;
    v->places[0] = (struct tg_place){
        .at = &shop->locations[0]->now, .count = v->stock, .version = v->stock_version};
    v->place_count = 1;
    return TG_OK;
}

static bool row_ok(const struct tg_place_row *row, const struct tg_stock_count *others)
{
    if (row->on_hand < 0 || row->held < 0 || row->sold < 0 || row->version < 0)
        return false;
    return (int64_t)row->held + row->sold <= row->on_hand &&
           (int64_t)others->on_hand + row->on_hand <= TG_STOCK_MAX;
}

tg_err tg_shop_put_place(struct tg_shop *shop, const struct tg_place_row *row)
{
    struct tg_variant *v = tg_shop_find(shop, row->sku);
    struct tg_stock_count others;
    struct tg_place *p;
    tg_err err;

    if (v == NULL || row->location >= shop->location_count)
        return TG_ERR_NOTFOUND;
    TG_ASSERT(!v->in_batch);
    err = tg_place_ready(shop, v, row->location);
    if (err != TG_OK)
        return err;
    p = &v->places[tg_variant_place(v, row->location) - v->places];
    others = (struct tg_stock_count){.on_hand = v->stock.on_hand - p->count.on_hand,
                                     .held = v->stock.held - p->count.held,
                                     .sold = v->stock.sold - p->count.sold};
    if (!row_ok(row, &others))
        return TG_ERR_LIMIT;
    p->count =
        (struct tg_stock_count){.on_hand = row->on_hand, .held = row->held, .sold = row->sold};
    p->version = row->version;
    v->stock = (struct tg_stock_count){.on_hand = others.on_hand + row->on_hand,
                                       .held = others.held + row->held,
                                       .sold = others.sold + row->sold};
    return TG_OK;
}

tg_err tg_stock_return(struct tg_shop *shop, struct tg_variant *v, uint16_t location, int32_t qty,
                       const struct tg_order *order, tg_us wall)
{
    const struct tg_location *at = tg_shop_location_at(shop, location);
    struct tg_effect move = {
        .movement = TG_MOVE_RETURN, .qty = qty, .location = location, .order = order, .wall = wall};
    tg_err err;

    if (at == NULL || at->kind == TG_LOCATION_ALLOTMENT || at->kind == TG_LOCATION_PROMISE)
        return TG_ERR_NOTFOUND;
    if (shop->cfg.stock_owner == TG_STOCK_ALLOTMENT)
        return TG_OK;
    if (qty < 1 || (int64_t)v->stock.on_hand + qty > TG_STOCK_MAX)
        return TG_ERR_LIMIT;
    err = tg_place_ready(shop, v, location);
    if (err == TG_OK)
        err = tg_shop_reserve(shop, 1);
    if (err == TG_OK)
        tg_stock_move(shop, v, &move);
    return err;
}

/* --- audit --- */

static bool differ(char why[160], const char *what, int64_t kept, int64_t other)
{
    if (kept == other)
        return false;
    tg_str_printf(why, 160, "%s: the stock table says %lld, derived is %lld", what, (long long)kept,
                  (long long)other);
    return true;
}

bool tg_audit_row_ok(const struct tg_audit_row *row, char why[160])
{
    return !differ(why, "on hand by movements", row->kept_on_hand, row->moved_on_hand) &&
           !differ(why, "held by movements", row->kept_held, row->moved_held) &&
           !differ(why, "sold by movements", row->kept_sold, row->moved_sold) &&
           !differ(why, "held by unpaid orders and turns", row->kept_held,
                   row->orders_held + row->offered) &&
           !differ(why, "sold by paid orders", row->kept_sold, row->orders_sold);
}

static bool forgot(char why[160], const char *what, int64_t memory, int64_t disk)
{
    if (memory == disk)
        return false;
    tg_str_printf(why, 160, "%s: memory says %lld, the disk %lld", what, (long long)memory,
                  (long long)disk);
    return true;
}

bool tg_shop_audit_memory(const struct tg_shop *shop, const struct tg_audit_row *row, char why[160])
{
    const struct tg_variant *v = tg_shop_variant(shop, row->sku);
    const struct tg_place *p = v == NULL ? NULL : tg_variant_place(v, row->location);
    struct tg_stock_count s = {0};

    if (v == NULL) {
        tg_str_printf(why, 160, "the SKU is on disk, but not in memory");
        return false;
    }
    if (p != NULL)
        s = p->count;
    return !forgot(why, "on hand", s.on_hand, row->kept_on_hand) &&
           !forgot(why, "held", s.held, row->kept_held) &&
           !forgot(why, "sold", s.sold, row->kept_sold) &&
           !forgot(why, "offered to the waiting list",
                   tg_shop_offered_at(shop, row->sku, row->location), row->offered);
}

bool tg_shop_audit(const struct tg_shop *shop, const struct tg_audit_row *row, char why[160])
{
    return tg_audit_row_ok(row, why) && tg_shop_audit_memory(shop, row, why);
}
