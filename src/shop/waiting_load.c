/* Lines of people who wait, as the store brings and forgets them. */
#include "base/alloc.h"
#include "shop/waiting_priv.h"

static void unload(struct tg_shop *shop, struct tg_waiter *w)
{
    TG_ASSERT(!w->in_batch);
    tg_heap_remove(&shop->turns, &w->turn);
    tg_line_leave(w);
    tg_line_leave_queuer(shop, w);
    tg_line_drop(shop, NULL, w->queuer);
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
    struct tg_waiter *kept = tg_line_find(shop, w->person, w->sku);
    tg_err err = TG_OK;

    if (tg_shop_variant(shop, w->sku) == NULL)
        return TG_ERR_NOTFOUND;
    if (w->person[0] == '\0' || w->ticket < 1 || w->qty < 1 || w->qty > TG_QTY_MAX ||
        w->offered < 0 || w->offered > w->qty || (w->offered > 0) != (w->until_wall >= 0))
        return TG_ERR_LIMIT;
    if (kept != NULL)
        unload(shop, kept);
    err = tg_line_add(shop, w->person, w->sku, &kept);
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
        tg_line_drop(shop, kept->line, kept->queuer);
        tg_free(kept);
        return err;
    }
    tg_line_enter(kept);
    tg_line_enter_queuer(shop, kept);
    tg_line_touch_line(
        shop, kept->line); /* another node may have changed it: tell them with the next batch */
    tg_line_make_due(shop, kept->line); /* units may have come free while nobody looked */
    return TG_OK;
}

void tg_shop_forget_line(struct tg_shop *shop, const char *sku)
{
    struct tg_line *line = tg_line_of(shop, sku);

    if (line == NULL)
        return;
    while (line->first != NULL)
        unload(shop, line->first);
    tg_line_drop(shop, line, NULL);
}

void tg_shop_forget_lines(struct tg_shop *shop)
{
    struct tg_line *line;

    for (size_t cursor = 0; (line = tg_map_each(&shop->lines, &cursor)) != NULL;)
        while (line->first != NULL)
            unload(shop, line->first); /* the line itself stays: the map is being walked */
}
