/* Turns of the waiting list: offers, purchases on them, and who may stand in line. */
#include "base/str.h"
#include "shop/waiting_priv.h"

/* A movement of the line's own: no order stands behind it. */
static void move(struct tg_shop *shop, struct tg_waiter *w, enum tg_movement kind, int32_t qty,
                 tg_us wall)
{
    struct tg_effect m = {.movement = kind, .qty = qty, .location = w->location, .wall = wall};
    struct tg_variant *v = tg_shop_find(shop, w->sku);

    TG_ASSERT(v != NULL); /* a variant with somebody in line is never taken out of the shop */
    tg_str_cut(m.actor, sizeof(m.actor), "waiting");
    tg_stock_move(shop, v, &m);
}

void tg_line_freed(struct tg_shop *shop, const struct tg_variant *v)
{
    struct tg_line *line = tg_line_of(shop, v->sku);

    if (line != NULL && line->first != NULL)
        tg_line_make_due(shop, line);
}

static tg_us turn_us(const struct tg_shop *shop, const struct tg_waiter *w)
{
    tg_us own = tg_shop_rules(shop, w->show)->turn_us;

    return own == 0 ? TG_TURN_US : own;
}

static tg_err offer(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w,
                    uint16_t location, int32_t qty)
{
    tg_us turn = turn_us(shop, w);
    tg_err err = tg_shop_reserve(shop, 4);

    if (err == TG_OK && w->state == TG_WAITER_WAITING)
        err = tg_heap_set(&shop->turns, &w->turn, now.mono + turn);
    if (err != TG_OK)
        return err;
    tg_line_touch(shop, w); /* before the heap's place counts as its own: see turn_at */
    if (w->state == TG_WAITER_WAITING) {
        w->state = TG_WAITER_TURN;
        w->until_wall = now.wall + turn;
        w->location = location;
    }
    w->offered += qty;
    move(shop, w, TG_MOVE_HOLD, qty, now.wall);
    return TG_OK;
}

/* In order: whoever stands in front gets all that they can have before the next gets any. */
static tg_err serve_line(struct tg_shop *shop, struct tg_shop_now now, const struct tg_line *line)
{
    const struct tg_variant *v = tg_shop_find(shop, line->sku);
    tg_err err = TG_OK;
    bool dry = false; /* nothing is left for people of the show `dry_show` */
    uint16_t dry_show = 0;

    for (struct tg_waiter *w = line->first; w != NULL && err == TG_OK && v != NULL; w = w->next) {
        bool turn = w->state == TG_WAITER_TURN;
        uint16_t location = w->location;
        int32_t qty;

        if (!tg_variant_sold(v))
            break; /* a turn that could not be bought; it is served when it is sold again */
        if (v->stock.on_hand <= v->stock.held + v->stock.sold)
            break;
        if (w->offered == w->qty || (!turn && dry && dry_show == w->show))
            continue;
        /* A turn is held at one place; what is free elsewhere goes to the next in line. */
        qty = tg_stock_one_place(shop, v, w->show, w->qty - w->offered, turn ? &location : NULL,
                                 &location);
        if (qty > 0) {
            err = offer(shop, now, w, location, qty);
        } else if (!turn) {
            dry = true;
            dry_show = w->show;
        }
    }
    return err;
}

void tg_line_serve(struct tg_shop *shop, struct tg_shop_now now)
{
    while (shop->due_lines != NULL) {
        struct tg_line *line = shop->due_lines;

        tg_line_touch_line(shop, line);
        if (serve_line(shop, now, line) != TG_OK)
            return; /* when there is memory again */
        shop->due_lines = line->due_next;
        line->due = false;
        tg_line_drop(shop, line, NULL);
    }
}

bool tg_line_due(const struct tg_shop *shop)
{
    return shop->due_lines != NULL;
}

/* Reserved by the caller: one movement. */
static void take_back(struct tg_shop *shop, struct tg_waiter *w, enum tg_waiter_state state,
                      tg_us wall)
{
    int32_t offered = w->offered;

    tg_line_depart(shop, w, state);
    if (offered > 0)
        move(shop, w, TG_MOVE_RELEASE, offered, wall);
}

bool tg_line_lapse(struct tg_shop *shop, struct tg_shop_now now)
{
    struct tg_heap_node *node;

    if (tg_heap_deadline(&shop->turns) > now.mono || tg_shop_reserve(shop, 1) != TG_OK)
        return false; /* without memory: later */
    node = tg_heap_pop_due(&shop->turns, now.mono);
    take_back(shop, TG_CONTAINER_OF(node, struct tg_waiter, turn), TG_WAITER_LAPSED, now.wall);
    return true;
}

void tg_line_catch_up(struct tg_shop *shop, struct tg_shop_now now)
{
    while (tg_line_lapse(shop, now))
        continue;
    tg_line_serve(shop, now);
}

/* --- buying on a turn --- */

struct tg_waiter *tg_line_turn(const struct tg_shop *shop, struct tg_shop_now now,
                               const char *person, const char *sku)
{
    struct tg_waiter *w = tg_line_find(shop, person, sku);

    if (w == NULL || w->state != TG_WAITER_TURN)
        return NULL;
    return w->turn.at > now.mono ? w : NULL; /* over, but there was no memory to say so */
}

void tg_line_lend(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty)
{
    tg_line_touch(shop, w);
    w->offered -= qty;
    move(shop, w, TG_MOVE_RELEASE, qty, now.wall);
}

void tg_line_unlend(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty)
{
    w->offered += qty;
    move(shop, w, TG_MOVE_HOLD, qty, now.wall);
}

void tg_line_bought(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty)
{
    if (w->offered > 0 || qty >= w->qty) {
        take_back(shop, w, TG_WAITER_TAKEN, now.wall);
        return;
    }
    /* All that could be had, and less than was wanted: the rest waits on at its place. */
    w->qty -= qty;
    w->state = TG_WAITER_WAITING;
    w->until_wall = -1;
    tg_heap_remove(&shop->turns, &w->turn);
}

/* --- the claim --- */

static bool wait_ok(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_variant *v, struct tg_verdict *out)
{
    if (c->person[0] == '\0')
        tg_refuse(out, TG_CODE_UNAUTHORIZED, "Join first.");
    else if (v == NULL || (!c->leave && !tg_variant_sold(v)))
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
    else if (!c->leave && (c->qty < 1 || c->qty > TG_QTY_MAX))
        tg_refuse(out, TG_CODE_BAD_REQUEST, "qty must be 1 to %d.", (int)TG_QTY_MAX);
    else if (!c->leave && !tg_shop_rules(shop, c->show)->waiting)
        tg_refuse(out, TG_CODE_CLOSED, "This show has no waiting list.");
    else if (!c->leave && v->part_count > 0)
        tg_refuse(out, TG_CODE_BAD_REQUEST, "Nobody can wait for a bundle; wait for its parts.");
    return out->code == TG_CODE_OK;
}

static int64_t next_ticket(const struct tg_line *line)
{
    return line->last == NULL ? 1 : line->last->ticket + 1;
}

static void leave(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w,
                  struct tg_verdict *out)
{
    if (w == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "You are not waiting for it.");
        return;
    }
    take_back(shop, w, TG_WAITER_LEFT, now.wall);
    out->waiter = w;
}

/* Fewer keeps the place; more is a new wish and goes to the end. A turn stays as it is. */
static void change(struct tg_shop *shop, const struct tg_claim *c, struct tg_waiter *w,
                   struct tg_verdict *out)
{
    out->waiter = w;
    if (w->state == TG_WAITER_WAITING && c->qty != w->qty) {
        tg_line_touch(shop, w);
        if (c->qty > w->qty && w->next != NULL) {
            w->ticket = next_ticket(w->line);
            tg_line_leave(w);
            tg_line_enter(w);
        }
        w->qty = c->qty;
        w->show = c->show;
    }
    out->place = tg_waiter_place(w);
}

static void come(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                 const struct tg_variant *v, struct tg_verdict *out)
{
    struct tg_waiter *w = NULL;
    tg_err err;

    if (!tg_window_ok(shop, c, v, out))
        return;
    if (tg_variant_here_in(v, c->show) >= c->qty) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "%s is there to buy; nobody has to wait.",
                  v->product->title);
        return;
    }
    err = tg_line_add(shop, c->person, v->sku, &w);
    if (err != TG_OK) {
        tg_refuse(out, err == TG_ERR_LIMIT ? TG_CODE_LIMIT : TG_CODE_INTERNAL,
                  err == TG_ERR_LIMIT ? "The waiting list is full."
                                      : "The server is out of memory.");
        return;
    }
    w->show = c->show;
    w->qty = c->qty;
    w->since_wall = now.wall;
    w->ticket = next_ticket(w->line);
    tg_line_enter(w);
    tg_line_enter_queuer(shop, w);
    tg_line_touch(shop, w);
    w->fresh = true;
    tg_line_make_due(shop, w->line); /* fewer than wanted may be there */
    tg_line_serve(shop, now);
    out->waiter = w;
    out->place = tg_waiter_place(w);
    /* The answer tells it, at any place in line. */
    w->told_place = out->place;
    w->told_turn = w->state == TG_WAITER_TURN;
    w->told_qty = w->told_turn ? w->offered : w->qty;
}

void tg_decide_wait(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out)
{
    struct tg_variant *v = tg_shop_find(shop, c->sku);
    struct tg_waiter *w;

    out->variant = v;
    if (!wait_ok(shop, c, v, out))
        return;
    w = tg_line_find(shop, c->person, c->sku);
    if (c->leave)
        leave(shop, now, w, out);
    else if (w != NULL)
        change(shop, c, w, out);
    else
        come(shop, now, c, v, out);
}
