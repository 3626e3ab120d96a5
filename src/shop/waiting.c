/* Lines of people who wait: who stands where, what the store brings, the batch. */
#include "shop/waiting.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/waiting_priv.h"

const char *tg_waiter_state_name(enum tg_waiter_state state)
{
    static const char *const names[] = {"waiting", "turn", "lapsed", "taken", "left"};

    return (size_t)state < TG_ARRAY_LEN(names) ? names[state] : NULL;
}

/* --- looking --- */

struct tg_line *tg_line_of(const struct tg_shop *shop, const char *sku)
{
    return shop->lines.count == 0 ? NULL : tg_map_get_str(&shop->lines, sku);
}

struct tg_waiter *tg_line_find(const struct tg_shop *shop, const char *person, const char *sku)
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
    return tg_line_find(shop, person, sku);
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
    const struct tg_line *line = tg_line_of(shop, sku);

    return line == NULL ? 0 : line->count;
}

const struct tg_waiter *tg_shop_line_first(const struct tg_shop *shop, const char *sku)
{
    const struct tg_line *line = tg_line_of(shop, sku);

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

void tg_line_touch_line(struct tg_shop *shop, struct tg_line *line)
{
    if (line->in_batch)
        return;
    line->in_batch = true;
    line->tell_place = 0;
    line->batch_next = shop->batch_lines;
    shop->batch_lines = line;
}

void tg_line_make_due(struct tg_shop *shop, struct tg_line *line)
{
    if (line->due)
        return;
    line->due = true;
    line->due_next = shop->due_lines;
    shop->due_lines = line;
}

/* By ticket; newcomers stand last, so that is where the search begins. */
void tg_line_enter(struct tg_waiter *w)
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

void tg_line_leave(struct tg_waiter *w)
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

void tg_line_enter_queuer(struct tg_shop *shop, struct tg_waiter *w)
{
    w->next_mine = w->queuer->first;
    w->queuer->first = w;
    w->queuer->count++;
    shop->waiter_count++;
}

void tg_line_leave_queuer(struct tg_shop *shop, struct tg_waiter *w)
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
    struct tg_line *line = tg_line_of(shop, sku);
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
void tg_line_drop(struct tg_shop *shop, struct tg_line *line, struct tg_queuer *q)
{
    if (q != NULL && q->first == NULL && q->in_batch == 0) {
        (void)tg_map_del(&shop->queuers, q->person, strlen(q->person)); /* it is in */
        tg_free(q);
    }
    if (line != NULL && line->first == NULL && !line->in_batch && !line->due) {
        (void)tg_map_del(&shop->lines, line->sku, strlen(line->sku)); /* it is in */
        tg_free(line);
    }
}

tg_err tg_line_add(struct tg_shop *shop, const char *person, const char *sku,
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
            tg_line_drop(shop, w->line, w->queuer);
        tg_free(w);
        return err;
    }
    tg_str_cut(w->person, sizeof(w->person), person);
    tg_str_cut(w->sku, sizeof(w->sku), sku);
    w->until_wall = -1;
    *ret = w;
    return TG_OK;
}

/* --- the batch --- */

void tg_line_touch(struct tg_shop *shop, struct tg_waiter *w)
{
    tg_line_touch_line(shop, w->line);
    if (w->in_batch)
        return;
    w->in_batch = true;
    w->queuer->in_batch++;
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

void tg_line_depart(struct tg_shop *shop, struct tg_waiter *w, enum tg_waiter_state state)
{
    tg_line_touch(shop, w);
    tg_heap_remove(&shop->turns, &w->turn);
    tg_line_leave(w);
    tg_line_leave_queuer(shop, w);
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
        tg_line_leave(w);
        tg_line_leave_queuer(shop, w);
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
    tg_line_enter(w);
    tg_line_enter_queuer(shop, w);
}

/* What was offered and is undone is to be offered again: what made it free may not have been the
 * batch's, but read with it. */
static void end_lines(struct tg_shop *shop, bool undo)
{
    struct tg_line *next;

    for (struct tg_line *line = shop->batch_lines; line != NULL; line = next) {
        next = line->batch_next;
        line->in_batch = false;
        if (undo && line->first != NULL)
            tg_line_make_due(shop, line);
        tg_line_drop(shop, line, NULL);
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
        w->queuer->in_batch--;
        w->fresh = false;
        if (!forget)
            continue;
        tg_line_drop(shop, NULL, w->queuer);
        tg_free(w);
    }
    shop->batch_waiters = NULL;
    end_lines(shop, undo);
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
