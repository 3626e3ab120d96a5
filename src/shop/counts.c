/*
 * Stock changed by hand: counted, corrected, received, moved, granted, taken back. Every change
 * becomes a movement, a difference: two who change one number at the same time both count.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "shop/shop_priv.h"

const char *tg_stock_how_name(enum tg_stock_how how)
{
    static const char *const names[] = {"set",      "adjust", "receive",
                                        "transfer", "grant",  "take_back"};

    return (size_t)how < TG_ARRAY_LEN(names) ? names[how] : NULL;
}

/* One row while it is decided. */
struct change {
    struct tg_shop *shop;
    struct tg_shop_now now;
    const struct tg_claim *claim;
    struct tg_stock_row *row;
    struct tg_variant *item;
    const struct tg_location *at;
    const struct tg_location *to;
};

static bool refuse_row(struct change *ch, enum tg_code code, const char *fmt, ...) TG_PRINTF(3, 4);

static bool refuse_row(struct change *ch, enum tg_code code, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut again below */
    va_end(args);
    ch->row->code = code;
    tg_str_cut(ch->row->message, sizeof(ch->row->message), text);
    return false;
}

static const struct tg_location *place_named(const struct tg_shop *shop, const char *id)
{
    return tg_shop_location(shop, id[0] == '\0' ? TG_LOCATION_MAIN : id);
}

static struct tg_stock_count count_at(const struct tg_variant *v, const struct tg_location *at)
{
    const struct tg_place *p = tg_variant_place(v, at->ord);

    return p == NULL ? (struct tg_stock_count){0} : p->count;
}

static int32_t free_at(const struct change *ch)
{
    struct tg_stock_count s = count_at(ch->item, ch->at);

    return s.on_hand - s.held - s.sold;
}

/* --- is it legal --- */

static bool names_ok(struct change *ch)
{
    struct tg_stock_row *row = ch->row;

    ch->item = tg_shop_find(ch->shop, row->sku);
    ch->at = place_named(ch->shop, row->location);
    if (ch->item == NULL || ch->at == NULL)
        return refuse_row(ch, TG_CODE_NOT_FOUND, "There is no such %s.",
                          ch->item == NULL ? "product" : "location");
    if (ch->item->part_count > 0)
        return refuse_row(ch, TG_CODE_CONFLICT,
                          "A bundle has no stock of its own; count its parts.");
    if (row->if_version >= 0 && row->if_version != tg_variant_version(ch->item))
        return refuse_row(ch, TG_CODE_STALE,
                          "The stock has changed since: read it again, then decide.");
    if (row->how != TG_STOCK_TRANSFER)
        return true;
    ch->to = place_named(ch->shop, row->to);
    if (ch->to == NULL || row->to[0] == '\0')
        return refuse_row(ch, TG_CODE_NOT_FOUND, "There is no such location to move to.");
    if (ch->to == ch->at)
        return refuse_row(ch, TG_CODE_BAD_REQUEST, "It is there already.");
    if (ch->to->kind == TG_LOCATION_PROMISE)
        return refuse_row(ch, TG_CODE_BAD_REQUEST,
                          "Goods cannot be moved into a promise; set how many it promises.");
    return true;
}

static bool owner_ok(struct change *ch)
{
    bool grant = ch->row->how == TG_STOCK_GRANT || ch->row->how == TG_STOCK_TAKE_BACK;
    bool theirs = ch->shop->cfg.stock_owner == TG_STOCK_ALLOTMENT;

    if (ch->row->how == TG_STOCK_TRANSFER || grant == theirs)
        return true;
    return refuse_row(ch, TG_CODE_CONFLICT,
                      theirs ? "This shop's stock is counted in its own system, which grants units "
                               "to torg; change it there."
                             : "torg counts this shop's stock itself: there is nobody to grant "
                               "units. Use receive or adjust.");
}

static bool value_ok(struct change *ch)
{
    const struct tg_stock_row *row = ch->row;

    if (row->how == TG_STOCK_ADJUST || row->how == TG_STOCK_SET)
        return true;
    if (row->value < 1)
        return refuse_row(ch, TG_CODE_BAD_REQUEST, "%s takes 1 or more units.",
                          tg_stock_how_name(row->how));
    return true;
}

/* --- moving --- */

static tg_err ready(struct change *ch, const struct tg_location *at)
{
    tg_err err = tg_place_ready(ch->shop, ch->item, at->ord);

    return err == TG_OK ? tg_shop_reserve(ch->shop, 2) : err;
}

static void move(struct change *ch, const struct tg_location *at, enum tg_movement movement,
                 int32_t qty)
{
    struct tg_effect e = {
        .movement = movement, .qty = qty, .location = at->ord, .wall = ch->now.wall};

    if (movement == TG_MOVE_COUNT && ch->row->counted_wall >= 0)
        e.as_of_wall = TG_MIN(ch->row->counted_wall, ch->now.wall);
    tg_str_cut(e.actor, sizeof(e.actor), ch->claim->person);
    tg_str_cut(e.cause, sizeof(e.cause), ch->row->cause);
    tg_stock_move(ch->shop, ch->item, &e);
    ch->row->done = qty;
}

static bool more_ok(struct change *ch, int64_t on_hand_more)
{
    if ((int64_t)ch->item->stock.on_hand + on_hand_more <= TG_STOCK_MAX)
        return true;
    return refuse_row(ch, TG_CODE_BAD_REQUEST, "%s is above %d.",
                      ch->row->how == TG_STOCK_SET ? "set" : "delta", (int)TG_STOCK_MAX);
}

/*
 * What was counted, less what was on hand at that moment. A count is as of its moment, whenever it
 * arrives: the same one twice changes nothing, and one that is older than another says nothing.
 */
static int64_t counted_more(const struct change *ch)
{
    const struct tg_stock_row *row = ch->row;
    int64_t since = row->counted_wall >= 0 ? row->moved_since : 0;
    bool older = row->counted_wall >= 0 && row->newest_count_wall > row->counted_wall;

    /* What this batch moved, after the store looked. */
    for (size_t i = 0; row->counted_wall >= 0 && i < ch->shop->effect_count; i++) {
        const struct tg_effect *e = &ch->shop->effects[i];

        if (e->kind != TG_EFFECT_MOVEMENT || e->variant != ch->item || e->location != ch->at->ord ||
            e->as_of_wall <= row->counted_wall)
            continue;
        since += tg_move_on_hand(e->movement, e->qty);
        older |= e->movement == TG_MOVE_COUNT;
    }
    return older ? 0 : row->value - (count_at(ch->item, ch->at).on_hand - since);
}

static bool change_count(struct change *ch)
{
    static const enum tg_movement movements[] = {TG_MOVE_COUNT, TG_MOVE_ADJUST, TG_MOVE_RECEIVE};
    struct tg_stock_count s = count_at(ch->item, ch->at);
    int64_t more = ch->row->how == TG_STOCK_SET ? counted_more(ch) : ch->row->value;
    int32_t bound = s.held + s.sold;

    if (s.on_hand + more < bound)
        return refuse_row(ch, TG_CODE_BAD_REQUEST,
                          "%s cannot go below %d: that many are held or sold already.",
                          ch->row->how == TG_STOCK_SET ? "set" : "delta", (int)bound);
    if (!more_ok(ch, more))
        return false;
    /* A count that was right is worth a row: it outweighs older ones that are still on their way.
     */
    if (more == 0 && (ch->row->how != TG_STOCK_SET || ch->row->counted_wall < 0))
        return true;
    if (ready(ch, ch->at) != TG_OK)
        return refuse_row(ch, TG_CODE_INTERNAL, "The server is out of memory.");
    move(ch, ch->at, movements[ch->row->how], (int32_t)more);
    return true;
}

static bool grant(struct change *ch)
{
    if (!more_ok(ch, ch->row->value))
        return false;
    if (ready(ch, ch->at) != TG_OK)
        return refuse_row(ch, TG_CODE_INTERNAL, "The server is out of memory.");
    move(ch, ch->at, TG_MOVE_GRANT, ch->row->value);
    return true;
}

/* As many as are free: what is promised stays. */
static bool take_back(struct change *ch)
{
    int32_t qty = TG_MIN(ch->row->value, free_at(ch));

    if (qty == 0)
        return true;
    if (ready(ch, ch->at) != TG_OK)
        return refuse_row(ch, TG_CODE_INTERNAL, "The server is out of memory.");
    move(ch, ch->at, TG_MOVE_TAKE_BACK, qty);
    return true;
}

static bool transfer(struct change *ch)
{
    if (free_at(ch) < ch->row->value)
        return refuse_row(ch, TG_CODE_SOLD_OUT, "Only %d are free at %s.", (int)free_at(ch),
                          ch->at->id);
    if (ready(ch, ch->at) != TG_OK || ready(ch, ch->to) != TG_OK)
        return refuse_row(ch, TG_CODE_INTERNAL, "The server is out of memory.");
    move(ch, ch->at, TG_MOVE_TRANSFER_OUT, ch->row->value);
    move(ch, ch->to, TG_MOVE_TRANSFER_IN, ch->row->value);
    return true;
}

static bool change(struct change *ch)
{
    if (!names_ok(ch) || !owner_ok(ch) || !value_ok(ch))
        return false;
    switch (ch->row->how) {
    case TG_STOCK_SET:
    case TG_STOCK_ADJUST:
    case TG_STOCK_RECEIVE:
        return change_count(ch);
    case TG_STOCK_TRANSFER:
        return transfer(ch);
    case TG_STOCK_GRANT:
        return grant(ch);
    case TG_STOCK_TAKE_BACK:
        return take_back(ch);
    case TG_STOCK_HOW_COUNT:
        break;
    }
    return refuse_row(ch, TG_CODE_BAD_REQUEST, "There is no such change of stock.");
}

static void answer(const struct change *ch)
{
    struct tg_stock_row *row = ch->row;
    struct tg_stock_count s;

    if (ch->item == NULL || ch->at == NULL)
        return;
    s = count_at(ch->item, ch->at);
    row->on_hand = s.on_hand;
    row->held = s.held;
    row->sold = s.sold;
    row->available = tg_variant_available(ch->item);
    row->version = tg_variant_version(ch->item);
}

static bool decide_row(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                       struct tg_stock_row *row, struct tg_variant **ret_item)
{
    struct change ch = {.shop = shop, .now = now, .claim = c, .row = row};
    bool ok;

    row->code = TG_CODE_OK;
    row->done = 0;
    row->message[0] = '\0';
    ok = change(&ch);
    answer(&ch);
    *ret_item = ch.item;
    return ok;
}

/* --- claims --- */

/* What the rows before the one that failed had moved. */
static void undo_rows(struct tg_shop *shop, size_t first_effect)
{
    while (shop->effect_count > first_effect)
        tg_stock_unmove(shop, &shop->effects[--shop->effect_count]);
}

void tg_decide_stock_rows(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                          struct tg_verdict *out)
{
    size_t first_effect = shop->effect_count;
    const struct tg_stock_row *failed = NULL;
    struct tg_variant *item = NULL;

    if (c->row_count == 0) { /* only look */
        out->variant = tg_shop_find(shop, c->sku);
        if (out->variant == NULL)
            tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    for (uint32_t i = 0; i < c->row_count; i++)
        if (!decide_row(shop, now, c, &c->rows[i], &item) && failed == NULL)
            failed = &c->rows[i];
    if (c->row_count == 1)
        out->variant = item;
    if (failed == NULL || !c->all_or_nothing)
        return;
    undo_rows(shop, first_effect);
    for (uint32_t i = 0; i < c->row_count; i++)
        c->rows[i].done = 0;
    tg_refuse(out, failed->code, "%s", failed->message);
}

void tg_decide_stock(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out)
{
    struct tg_stock_row row = {.how = c->absolute ? TG_STOCK_SET : TG_STOCK_ADJUST,
                               .value = c->value,
                               .counted_wall = -1,
                               .if_version = -1};
    struct tg_variant *item = NULL;

    tg_str_cut(row.sku, sizeof(row.sku), c->sku);
    tg_str_cut(row.location, sizeof(row.location), c->location);
    if (!decide_row(shop, now, c, &row, &item))
        tg_refuse(out, row.code, "%s", row.message);
    out->variant = item;
}
