#include "shop/waiting.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

struct tg_line {
    char sku[TG_SKU_MAX + 1];
    struct tg_waiter *first;
    struct tg_waiter *last;
    uint32_t count;
    bool due; /* units came free: somebody may be next */
    struct tg_line *due_next;
    bool in_batch; /* somebody came, went or has another turn */
    struct tg_line *batch_next;
    struct tg_waiter *tell; /* who is told next */
    uint32_t tell_place;
};

struct tg_queuer {
    char person[TG_PERSON_ID_SIZE];
    struct tg_waiter *first;
    uint32_t count;
};

const char *tg_waiter_state_name(enum tg_waiter_state state)
{
    static const char *const names[] = {"waiting", "turn", "lapsed", "taken", "left"};

    return (size_t)state < TG_ARRAY_LEN(names) ? names[state] : NULL;
}

/* --- looking --- */

static struct tg_line *line_of(const struct tg_shop *shop, const char *sku)
{
    return shop->lines.count == 0 ? NULL : tg_map_get_str(&shop->lines, sku);
}

static struct tg_waiter *find(const struct tg_shop *shop, const char *person, const char *sku)
{
    const struct tg_queuer *q =
        shop->queuers.count == 0 ? NULL : tg_map_get_str(&shop->queuers, person);

    for (struct tg_waiter *w = q == NULL ? NULL : q->first; w != NULL; w = w->next_mine)
        if (strcmp(w->sku, sku) == 0)
            return w;
    return NULL;
}

const struct tg_waiter *tg_shop_waiter(const struct tg_shop *shop, const char *person,
                                       const char *sku)
{
    return find(shop, person, sku);
}

uint32_t tg_waiter_place(const struct tg_waiter *w)
{
    uint32_t place = 1;

    if (w->next == NULL)
        return w->line->count;
    for (const struct tg_waiter *at = w->prev; at != NULL; at = at->prev)
        place++;
    return place;
}

uint32_t tg_shop_waiting(const struct tg_shop *shop, const char *sku)
{
    const struct tg_line *line = line_of(shop, sku);

    return line == NULL ? 0 : line->count;
}

const struct tg_waiter *tg_shop_line_first(const struct tg_shop *shop, const char *sku)
{
    const struct tg_line *line = line_of(shop, sku);

    return line == NULL ? NULL : line->first;
}

const struct tg_waiter *tg_shop_each_waiting(const struct tg_shop *shop, const char *person,
                                             const struct tg_waiter **cursor)
{
    const struct tg_queuer *q;

    if (*cursor == NULL) {
        q = tg_map_get_str(&shop->queuers, person);
        *cursor = q == NULL ? NULL : q->first;
    } else {
        *cursor = (*cursor)->next_mine;
    }
    return *cursor;
}

int32_t tg_shop_offered(const struct tg_shop *shop, const char *sku)
{
    int32_t sum = 0;

    for (const struct tg_waiter *w = tg_shop_line_first(shop, sku); w != NULL; w = w->next)
        sum += w->offered;
    return sum;
}

int32_t tg_shop_offered_at(const struct tg_shop *shop, const char *sku, uint16_t location)
{
    int32_t sum = 0;

    for (const struct tg_waiter *w = tg_shop_line_first(shop, sku); w != NULL; w = w->next)
        if (w->location == location)
            sum += w->offered;
    return sum;
}

/* --- lines: coming and going --- */

static void touch_line(struct tg_shop *shop, struct tg_line *line)
{
    if (line->in_batch)
        return;
    line->in_batch = true;
    line->tell_place = 0;
    line->batch_next = shop->batch_lines;
    shop->batch_lines = line;
}

static void make_due(struct tg_shop *shop, struct tg_line *line)
{
    if (line->due)
        return;
    line->due = true;
    line->due_next = shop->due_lines;
    shop->due_lines = line;
}

/* By ticket; newcomers stand last, so that is where the search begins. */
static void enter_line(struct tg_waiter *w)
{
    struct tg_line *line = w->line;
    struct tg_waiter *after = line->last;

    while (after != NULL && after->ticket > w->ticket)
        after = after->prev;
    w->prev = after;
    w->next = after == NULL ? line->first : after->next;
    if (after == NULL)
        line->first = w;
    else
        after->next = w;
    if (w->next == NULL)
        line->last = w;
    else
        w->next->prev = w;
    line->count++;
}

static void leave_line(struct tg_waiter *w)
{
    struct tg_line *line = w->line;

    if (w->prev == NULL)
        line->first = w->next;
    else
        w->prev->next = w->next;
    if (w->next == NULL)
        line->last = w->prev;
    else
        w->next->prev = w->prev;
    w->prev = NULL;
    w->next = NULL;
    line->count--;
}

static void enter_queuer(struct tg_shop *shop, struct tg_waiter *w)
{
    w->next_mine = w->queuer->first;
    w->queuer->first = w;
    w->queuer->count++;
    shop->waiter_count++;
}

static void leave_queuer(struct tg_shop *shop, struct tg_waiter *w)
{
    struct tg_waiter **at = &w->queuer->first;

    while (*at != w)
        at = &(*at)->next_mine;
    *at = w->next_mine;
    w->next_mine = NULL;
    w->queuer->count--;
    shop->waiter_count--;
}

static tg_err line_ready(struct tg_shop *shop, const char *sku, struct tg_line **ret)
{
    struct tg_line *line = line_of(shop, sku);
    tg_err err;

    if (line == NULL) {
        line = tg_calloc(1, sizeof(*line));
        if (line == NULL)
            return TG_ERR_NOMEM;
        tg_str_cut(line->sku, sizeof(line->sku), sku);
        err = tg_map_put(&shop->lines, line->sku, strlen(line->sku), line);
        if (err != TG_OK) {
            tg_free(line);
            return err;
        }
    }
    *ret = line;
    return TG_OK;
}

static tg_err queuer_ready(struct tg_shop *shop, const char *person, struct tg_queuer **ret)
{
    struct tg_queuer *q = tg_map_get_str(&shop->queuers, person);
    tg_err err;

    if (q == NULL) {
        q = tg_calloc(1, sizeof(*q));
        if (q == NULL)
            return TG_ERR_NOMEM;
        tg_str_cut(q->person, sizeof(q->person), person);
        err = tg_map_put(&shop->queuers, q->person, strlen(q->person), q);
        if (err != TG_OK) {
            tg_free(q);
            return err;
        }
    }
    *ret = q;
    return TG_OK;
}

/* Outside a batch, or at its end. */
static void drop_empty(struct tg_shop *shop, struct tg_line *line, struct tg_queuer *q)
{
    if (q != NULL && q->first == NULL) {
        (void)tg_map_del(&shop->queuers, q->person, strlen(q->person)); /* it is in */
        tg_free(q);
    }
    if (line != NULL && line->first == NULL && !line->in_batch && !line->due) {
        (void)tg_map_del(&shop->lines, line->sku, strlen(line->sku)); /* it is in */
        tg_free(line);
    }
}

static tg_err add_waiter(struct tg_shop *shop, const char *person, const char *sku,
                         struct tg_waiter **ret)
{
    struct tg_waiter *w = tg_calloc(1, sizeof(*w));
    tg_err err = w == NULL ? TG_ERR_NOMEM : line_ready(shop, sku, &w->line);

    if (err == TG_OK)
        err = queuer_ready(shop, person, &w->queuer);
    if (err == TG_OK &&
        (w->line->count >= TG_WAITERS_SKU_MAX || w->queuer->count >= TG_WAITERS_PERSON_MAX ||
         shop->waiter_count >= TG_WAITERS_MAX))
        err = TG_ERR_LIMIT;
    if (err != TG_OK) {
        if (w != NULL)
            drop_empty(shop, w->line, w->queuer);
        tg_free(w);
        return err;
    }
    tg_str_cut(w->person, sizeof(w->person), person);
    tg_str_cut(w->sku, sizeof(w->sku), sku);
    w->until_wall = -1;
    *ret = w;
    return TG_OK;
}

/* --- loading --- */

static void unload(struct tg_shop *shop, struct tg_waiter *w)
{
    TG_ASSERT(!w->in_batch);
    tg_heap_remove(&shop->turns, &w->turn);
    leave_line(w);
    leave_queuer(shop, w);
    drop_empty(shop, NULL, w->queuer);
    tg_free(w);
}

static bool ticket_taken(const struct tg_line *line, int64_t ticket)
{
    const struct tg_waiter *w = line->last;

    while (w != NULL && w->ticket > ticket)
        w = w->prev;
    return w != NULL && w->ticket == ticket;
}

tg_err tg_shop_load_waiter(struct tg_shop *shop, struct tg_shop_now now, const struct tg_waiter *w)
{
    struct tg_waiter *kept = find(shop, w->person, w->sku);
    tg_err err = TG_OK;

    if (tg_shop_variant(shop, w->sku) == NULL)
        return TG_ERR_NOTFOUND;
    if (w->person[0] == '\0' || w->ticket < 1 || w->qty < 1 || w->qty > TG_QTY_MAX ||
        w->offered < 0 || w->offered > w->qty || (w->offered > 0) != (w->until_wall >= 0))
        return TG_ERR_LIMIT;
    if (kept != NULL)
        unload(shop, kept);
    err = add_waiter(shop, w->person, w->sku, &kept);
    if (err != TG_OK)
        return err;
    kept->show = w->show;
    kept->ticket = w->ticket;
    kept->qty = w->qty;
    kept->offered = w->offered;
    kept->location = w->location;
    kept->since_wall = w->since_wall;
    kept->until_wall = w->until_wall;
    kept->state = w->offered > 0 ? TG_WAITER_TURN : TG_WAITER_WAITING;
    if (ticket_taken(kept->line, w->ticket))
        err = TG_ERR_CONFLICT;
    else if (w->offered > 0)
        err = tg_heap_set(&shop->turns, &kept->turn, tg_mono_of(now, w->until_wall));
    if (err != TG_OK) {
        drop_empty(shop, kept->line, kept->queuer);
        tg_free(kept);
        return err;
    }
    enter_line(kept);
    enter_queuer(shop, kept);
    touch_line(shop,
               kept->line); /* another node may have changed it: tell them with the next batch */
    make_due(shop, kept->line); /* units may have come free while nobody looked */
    return TG_OK;
}

void tg_shop_forget_line(struct tg_shop *shop, const char *sku)
{
    struct tg_line *line = line_of(shop, sku);

    if (line == NULL)
        return;
    while (line->first != NULL)
        unload(shop, line->first);
    drop_empty(shop, line, NULL);
}

void tg_shop_forget_lines(struct tg_shop *shop)
{
    struct tg_line *line;

    for (size_t cursor = 0; (line = tg_map_each(&shop->lines, &cursor)) != NULL;)
        while (line->first != NULL)
            unload(shop, line->first); /* the line itself stays: the map is being walked */
}

/* --- the batch --- */

static void touch(struct tg_shop *shop, struct tg_waiter *w)
{
    touch_line(shop, w->line);
    if (w->in_batch)
        return;
    w->in_batch = true;
    w->before.ticket = w->ticket;
    w->before.qty = w->qty;
    w->before.offered = w->offered;
    w->before.location = w->location;
    w->before.show = w->show;
    w->before.until_wall = w->until_wall;
    w->before.state = w->state;
    w->before.turn_at = w->turn.at;
    w->batch_next = shop->batch_waiters;
    shop->batch_waiters = w;
}

static void depart(struct tg_shop *shop, struct tg_waiter *w, enum tg_waiter_state state)
{
    touch(shop, w);
    tg_heap_remove(&shop->turns, &w->turn);
    leave_line(w);
    leave_queuer(shop, w);
    w->state = state;
    w->offered = 0;
    w->gone = true;
}

size_t tg_line_effect_count(const struct tg_shop *shop)
{
    size_t count = 0;

    for (const struct tg_waiter *w = shop->batch_waiters; w != NULL; w = w->batch_next)
        count++;
    return count;
}

/* Those who left first: somebody may have left and come again in one batch. */
void tg_line_effects(struct tg_shop *shop, tg_us wall)
{
    for (int gone = 1; gone >= 0; gone--)
        for (const struct tg_waiter *w = shop->batch_waiters; w != NULL; w = w->batch_next) {
            struct tg_effect *e;

            if (w->gone != (gone == 1) || (w->gone && w->fresh))
                continue;
            e = tg_shop_effect(shop, w->gone ? TG_EFFECT_WAITER_GONE : TG_EFFECT_WAITER, wall);
            e->waiter = w;
        }
}

static void undo_waiter(struct tg_shop *shop, struct tg_waiter *w)
{
    tg_heap_remove(&shop->turns, &w->turn);
    if (!w->gone) {
        leave_line(w);
        leave_queuer(shop, w);
    }
    if (w->fresh)
        return;
    w->ticket = w->before.ticket;
    w->qty = w->before.qty;
    w->offered = w->before.offered;
    w->location = w->before.location;
    w->show = w->before.show;
    w->until_wall = w->before.until_wall;
    w->state = w->before.state;
    w->gone = false;
    enter_line(w);
    enter_queuer(shop, w);
}

static void end_lines(struct tg_shop *shop)
{
    struct tg_line *next;

    for (struct tg_line *line = shop->batch_lines; line != NULL; line = next) {
        next = line->batch_next;
        line->in_batch = false;
        drop_empty(shop, line, NULL);
    }
    shop->batch_lines = NULL;
}

void tg_line_end_batch(struct tg_shop *shop, bool undo)
{
    struct tg_waiter *next;

    for (struct tg_waiter *w = shop->batch_waiters; w != NULL && undo; w = w->batch_next)
        undo_waiter(shop, w);
    for (struct tg_waiter *w = shop->batch_waiters; w != NULL; w = next) {
        bool forget = undo ? w->fresh : w->gone;

        next = w->batch_next;
        if (undo && !w->fresh && w->before.state == TG_WAITER_TURN)
            /* It had this place before the batch and heaps never shrink: there is room. */
            TG_ASSERT(tg_heap_set(&shop->turns, &w->turn, w->before.turn_at) == TG_OK);
        w->in_batch = false;
        w->fresh = false;
        if (!forget)
            continue;
        drop_empty(shop, NULL, w->queuer);
        tg_free(w);
    }
    shop->batch_waiters = NULL;
    end_lines(shop);
}

static bool tell_one(struct tg_waiter *w, uint32_t place, const struct tg_waiter **ret,
                     uint32_t *ret_place)
{
    bool turn = w->state == TG_WAITER_TURN;
    int32_t qty = turn ? w->offered : w->qty;

    if (w->told_place == place && w->told_turn == turn && w->told_qty == qty)
        return false;
    w->told_place = place;
    w->told_turn = turn;
    w->told_qty = qty;
    *ret = w;
    *ret_place = place;
    return true;
}

bool tg_shop_tell_waiter(struct tg_shop *shop, const struct tg_waiter **ret, uint32_t *ret_place)
{
    for (struct tg_waiter *w = shop->batch_waiters; w != NULL; w = w->batch_next)
        if (w->gone && w->told_place != UINT32_MAX && !(w->fresh && w->told_place == 0)) {
            w->told_place = UINT32_MAX; /* once */
            *ret = w;
            *ret_place = 0;
            return true;
        }
    for (struct tg_line *line = shop->batch_lines; line != NULL; line = line->batch_next) {
        if (line->tell_place == 0) {
            line->tell = line->first;
            line->tell_place = 1;
        }
        while (line->tell != NULL && line->tell_place <= TG_WAITERS_TOLD) {
            struct tg_waiter *w = line->tell;
            uint32_t place = line->tell_place++;

            line->tell = w->next;
            if (tell_one(w, place, ret, ret_place))
                return true;
        }
    }
    return false;
}

/* --- offers --- */

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
    struct tg_line *line = line_of(shop, v->sku);

    if (line != NULL && line->first != NULL)
        make_due(shop, line);
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
    touch(shop, w); /* before the heap's place counts as its own: see turn_at */
    if (w->state == TG_WAITER_WAITING) {
        w->state = TG_WAITER_TURN;
        w->until_wall = now.wall + turn;
        w->location = location;
    }
    w->offered += qty;
    move(shop, w, TG_MOVE_HOLD, qty, now.wall);
    return TG_OK;
}

/* In order: whoever stands in front gets all that they want before the next gets any. */
static tg_err serve_line(struct tg_shop *shop, struct tg_shop_now now, const struct tg_line *line)
{
    const struct tg_variant *v = tg_shop_find(shop, line->sku);
    tg_err err = TG_OK;

    for (struct tg_waiter *w = line->first; w != NULL && err == TG_OK && v != NULL; w = w->next) {
        uint16_t location = w->location;
        int32_t qty;

        if (w->offered == w->qty)
            continue;
        /* A turn is held at one place; what is free elsewhere goes to the next in line. */
        qty = tg_stock_one_place(shop, v, w->show, w->qty - w->offered,
                                 w->state == TG_WAITER_TURN ? &location : NULL, &location);
        if (qty > 0)
            err = offer(shop, now, w, location, qty);
    }
    return err;
}

void tg_line_serve(struct tg_shop *shop, struct tg_shop_now now)
{
    while (shop->due_lines != NULL) {
        struct tg_line *line = shop->due_lines;

        if (serve_line(shop, now, line) != TG_OK)
            return; /* when there is memory again */
        shop->due_lines = line->due_next;
        line->due = false;
        drop_empty(shop, line, NULL);
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

    depart(shop, w, state);
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
    struct tg_waiter *w = find(shop, person, sku);

    if (w == NULL || w->state != TG_WAITER_TURN)
        return NULL;
    return w->turn.at > now.mono ? w : NULL; /* over, but there was no memory to say so */
}

void tg_line_lend(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty)
{
    touch(shop, w);
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
    else if (v == NULL)
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
        touch(shop, w);
        if (c->qty > w->qty && w->next != NULL) {
            w->ticket = next_ticket(w->line);
            leave_line(w);
            enter_line(w);
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
    if (tg_variant_available_in(v, c->show) >= c->qty) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "%s is there to buy; nobody has to wait.",
                  v->product->title);
        return;
    }
    err = add_waiter(shop, c->person, v->sku, &w);
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
    enter_line(w);
    enter_queuer(shop, w);
    touch(shop, w);
    w->fresh = true;
    make_due(shop, w->line); /* fewer than wanted may be there */
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
    w = find(shop, c->person, c->sku);
    if (c->leave)
        leave(shop, now, w, out);
    else if (w != NULL)
        change(shop, c, w, out);
    else
        come(shop, now, c, v, out);
}

void tg_line_done(struct tg_shop *shop)
{
    size_t cursor = 0;
    struct tg_waiter *next;
    struct tg_line *line;
    struct tg_queuer *q;

    for (struct tg_waiter *w = shop->batch_waiters; w != NULL; w = next) {
        next = w->batch_next;
        if (w->gone)
            tg_free(w);
    }
    while ((line = tg_map_each(&shop->lines, &cursor)) != NULL) {
        for (struct tg_waiter *w = line->first; w != NULL; w = next) {
            next = w->next;
            tg_free(w);
        }
        tg_free(line);
    }
    cursor = 0;
    while ((q = tg_map_each(&shop->queuers, &cursor)) != NULL)
        tg_free(q);
    tg_map_done(&shop->lines);
    tg_map_done(&shop->queuers);
    tg_heap_done(&shop->turns);
}
