/*
 * From where a claim's units come: its stock stage.
 *
 * Demand is summed for each item over all lines, bundles taken apart, before anything is judged.
 * Then each item is planned once: the claim's own place and no other; or else the show's
 * allotments, one place that can serve the rest whole, several places, and promises last, for who
 * agrees to wait.
 */
#include "base/str.h"
#include "shop/shop_priv.h"

struct demand {
    struct tg_variant *item;
    int32_t qty;
    int32_t left; /* ... that are not to be had */
};

/* What the claim may take from. */
struct ask {
    const struct tg_location *only; /* NULL = wherever there is some */
    uint16_t show;
    bool staff;                 /* safety stock, too */
    bool promises;              /* the buyer agrees to wait for goods that are not here yet */
    const struct tg_wish *lent; /* its wants' units of turns are free for it; NULL = none are */
};

struct pick {
    const struct tg_place *place;
    int32_t qty;
};

struct plan {
    const struct ask *ask;
    const struct tg_variant *item;
    int32_t shelves_left; /* of warehouses and stores together, without the safety stock */
    int32_t left;         /* still to be found */
    uint32_t count;
    struct pick picks[TG_LOCATIONS_MAX];
};

/* --- one item --- */

static int32_t left_at(const struct tg_place *p)
{
    return p->count.on_hand - p->count.held - p->count.sold;
}

/* Units that were held for a turn of the buyer until this claim; 0 = *ret_place is untouched. */
static int32_t lent(const struct tg_variant *v, const struct ask *ask,
                    const struct tg_place **ret_place)
{
    for (uint32_t i = 0; ask->lent != NULL && i < ask->lent->count; i++) {
        const struct tg_want *want = &ask->lent->wants[i];

        if (want->variant == v && want->on_turn > 0) {
            *ret_place = tg_variant_place(v, want->turn_at);
            return want->on_turn;
        }
    }
    return 0;
}

/* What the buyer's turn held is left whatever the safety stock says by now. */
static int32_t shelves_left(const struct tg_variant *v, const struct ask *ask)
{
    int64_t sum = ask->staff ? 0 : -(int64_t)v->rules.safety;
    const struct tg_place *place = NULL;
    int32_t own = lent(v, ask, &place);

    if (place == NULL || !tg_on_shelves(place->at) || place->at->closed)
        own = 0;

    for (uint32_t i = 0; i < v->place_count; i++)
        if (tg_on_shelves(v->places[i].at) && !v->places[i].at->closed)
            sum += left_at(&v->places[i]);
    return (int32_t)TG_MAX(sum - own, (int64_t)0) + own; /* at most TG_STOCK_MAX */
}

static bool picked(const struct plan *plan, const struct tg_place *p)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->picks[i].place == p)
            return true;
    return false;
}

static void pick(struct plan *plan, const struct tg_place *p, int32_t most)
{
    int32_t qty = TG_MIN(TG_MIN(plan->left, left_at(p)), most);

    if (qty <= 0)
        return;
    plan->picks[plan->count++] = (struct pick){.place = p, .qty = qty};
    plan->left -= qty;
    if (tg_on_shelves(p->at))
        plan->shelves_left -= qty;
}

static bool of_kind(const struct plan *plan, const struct tg_location *l,
                    enum tg_location_kind kind)
{
    if (kind == TG_LOCATION_WAREHOUSE) /* stands for all shelves */
        return tg_on_shelves(l);
    return l->kind == kind && (kind != TG_LOCATION_ALLOTMENT || l->show == plan->ask->show);
}

/* The first place, by priority, that is not picked yet and has at least so many. */
static const struct tg_place *next_place(const struct plan *plan, enum tg_location_kind kind,
                                         int32_t least)
{
    const struct tg_place *best = NULL;

    for (uint32_t i = 0; i < plan->item->place_count; i++) {
        const struct tg_place *p = &plan->item->places[i];

        if (p->at->closed || !of_kind(plan, p->at, kind) || left_at(p) < least || picked(plan, p))
            continue;
        if (best == NULL || p->at->priority < best->at->priority ||
            (p->at->priority == best->at->priority && p->at->ord < best->at->ord))
            best = p;
    }
    return best;
}

static void pick_all(struct plan *plan, enum tg_location_kind kind)
{
    const struct tg_place *p;

    while (plan->left > 0 && (kind != TG_LOCATION_WAREHOUSE || plan->shelves_left > 0) &&
           (p = next_place(plan, kind, 1)) != NULL)
        pick(plan, p, kind == TG_LOCATION_WAREHOUSE ? plan->shelves_left : INT32_MAX);
}

static void plan_item(struct plan *plan, const struct ask *ask, const struct tg_variant *item,
                      int32_t want)
{
    const struct tg_place *whole;
    const struct tg_place *turn = NULL;
    int32_t part;

    plan->ask = ask;
    plan->item = item;
    plan->left = want;
    plan->count = 0;
    plan->shelves_left = shelves_left(item, ask);
    if (ask->only != NULL) {
        const struct tg_place *p = tg_variant_place(item, ask->only->ord);

        if (p != NULL && !p->at->closed && (ask->promises || p->at->kind != TG_LOCATION_PROMISE))
            pick(plan, p, tg_on_shelves(p->at) ? plan->shelves_left : INT32_MAX);
        return;
    }
    if (ask->show != UINT16_MAX)
        pick_all(plan, TG_LOCATION_ALLOTMENT);
    part = TG_MIN(plan->left, plan->shelves_left);
    whole = part > 0 ? next_place(plan, TG_LOCATION_WAREHOUSE, part) : NULL;
    if (whole != NULL)
        pick(plan, whole, part);
    pick_all(plan, TG_LOCATION_WAREHOUSE);
    part = lent(item, ask, &turn);
    if (turn != NULL && !picked(plan, turn)) /* closed since, or another show's */
        pick(plan, turn, part);
    if (ask->promises)
        pick_all(plan, TG_LOCATION_PROMISE);
}

int32_t tg_stock_one_place(const struct tg_shop *shop, const struct tg_variant *v, uint16_t show,
                           int32_t want, const uint16_t *only, uint16_t *ret_location)
{
    const struct ask ask = {.only = only == NULL ? NULL : tg_shop_location_at(shop, *only),
                            .show = show};
    struct plan plan;

    TG_ASSERT(v->part_count == 0);
    plan_item(&plan, &ask, v, want);
    if (plan.count == 0)
        return 0;
    *ret_location = plan.picks[0].place->at->ord;
    return plan.picks[0].qty;
}

/* --- the whole wish --- */

static bool add_demand(struct demand *demands, uint32_t *count, struct tg_variant *item,
                       int32_t qty)
{
    for (uint32_t i = 0; i < *count; i++)
        if (demands[i].item == item) {
            demands[i].qty += qty; /* at most 50 lines of 100 bundles of 100: no overflow */
            return true;
        }
    if (*count == TG_TAKES_MAX)
        return false;
    demands[(*count)++] = (struct demand){.item = item, .qty = qty, .left = qty};
    return true;
}

static bool sum_up(const struct tg_wish *wish, struct demand *demands, uint32_t *ret_count)
{
    *ret_count = 0;
    for (uint32_t i = 0; i < wish->count; i++) {
        const struct tg_want *w = &wish->wants[i];

        if (w->variant->part_count == 0) {
            if (!add_demand(demands, ret_count, w->variant, w->qty))
                return false;
            continue;
        }
        for (uint32_t k = 0; k < w->variant->part_count; k++)
            if (!add_demand(demands, ret_count, w->variant->parts[k].item,
                            w->qty * w->variant->parts[k].qty))
                return false;
    }
    return true;
}

/* Units of the item in one of the variant; 0 = none. */
static int32_t units_in(const struct tg_variant *v, const struct tg_variant *item)
{
    if (v == item)
        return 1;
    for (uint32_t i = 0; i < v->part_count; i++)
        if (v->parts[i].item == item)
            return v->parts[i].qty;
    return 0;
}

/* The item's picks to the lines that want it, in their order. false: too many pairs. */
static bool hand_out(struct tg_wish *wish, struct plan *plan, struct tg_variant *item)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < wish->count; i++) {
        int32_t each = units_in(wish->wants[i].variant, item);
        int32_t need = each * wish->wants[i].qty;

        while (need > 0) {
            struct pick *p = &plan->picks[at];
            int32_t qty = TG_MIN(need, p->qty);

            TG_ASSERT(at < plan->count); /* the plan is the lines' sum */
            if (wish->take_count == TG_TAKES_MAX)
                return false;
            wish->takes[wish->take_count++] = (struct tg_take){
                .want = i, .variant = item, .at = p->place->at, .each = each, .qty = qty};
            need -= qty;
            p->qty -= qty;
            if (p->qty == 0)
                at++;
        }
    }
    return true;
}

static uint32_t wants_of(const struct tg_wish *wish, const struct tg_variant *item,
                         uint32_t *ret_first)
{
    uint32_t count = 0;

    for (uint32_t i = wish->count; i-- > 0;)
        if (units_in(wish->wants[i].variant, item) > 0) {
            *ret_first = i;
            count++;
        }
    return count;
}

static void refuse_short(const struct tg_wish *wish, const struct demand *d, struct tg_verdict *out)
{
    int32_t found = d->qty - d->left;
    uint32_t first = 0;
    uint32_t wants = wants_of(wish, d->item, &first);
    const struct tg_variant *v = wish->wants[first].variant;
    const char *title = v->product->title;
    int32_t left = found / units_in(v, d->item); /* NOLINT: the want has the item */

    out->variant = v;
    if (wants > 1 && found > 0)
        tg_refuse(out, TG_CODE_SOLD_OUT, "Only %d of %s left, the cart needs %d.", (int)found,
                  d->item->product->title, (int)d->qty);
    else if (left > 0)
        tg_refuse(out, TG_CODE_SOLD_OUT, "Only %d of %s left.", (int)left, title);
    else
        tg_refuse(out, TG_CODE_SOLD_OUT, "%s is sold out.", title);
}

/* NOTFOUND: *ret_short is the item that is not left. LIMIT: too many takes. */
static tg_err allot(const struct ask *ask, struct tg_wish *wish, struct demand *ret_short)
{
    struct demand demands[TG_TAKES_MAX];
    struct plan plan;
    uint32_t count;

    wish->take_count = 0;
    if (!sum_up(wish, demands, &count))
        return TG_ERR_LIMIT;
    for (uint32_t i = 0; i < count; i++) {
        plan_item(&plan, ask, demands[i].item, demands[i].qty);
        if (plan.left > 0) {
            *ret_short = demands[i];
            ret_short->left = plan.left;
            return TG_ERR_NOTFOUND;
        }
        if (!hand_out(wish, &plan, demands[i].item))
            return TG_ERR_LIMIT;
    }
    return TG_OK;
}

/* Would the claim go through with what is promised? Then the buyer can be asked. */
static void ask_about_promises(const struct ask *ask, struct tg_wish *wish, struct demand *missing,
                               struct tg_verdict *out)
{
    struct ask with = *ask;
    struct demand still = {0};

    with.promises = true;
    out->ships_from_wall = 0;
    if (ask->promises || allot(&with, wish, &still) != TG_OK)
        return;
    for (uint32_t i = 0; i < wish->take_count; i++) {
        const struct tg_take *t = &wish->takes[i];

        if (t->at->kind != TG_LOCATION_PROMISE)
            continue;
        if (t->variant == missing->item)
            out->back_order += t->qty;
        if (t->at->ships_from_wall <= 0)
            out->ships_from_wall = -1; /* one without a date: nobody knows */
        else if (out->ships_from_wall >= 0)
            out->ships_from_wall = TG_MAX(out->ships_from_wall, t->at->ships_from_wall);
    }
    wish->take_count = 0;
}

/* What a bundle needs of its scarce part, in bundles. */
static void say_back_order(const struct demand *missing, struct tg_verdict *out)
{
    int32_t each = units_in(out->variant, missing->item);
    char text[sizeof(out->message)];

    if (out->back_order == 0)
        return;
    out->back_order = (out->back_order + each - 1) / each; /* NOLINT: it has the item */
    tg_str_cut(text, sizeof(text), out->message);
    tg_refuse(out, TG_CODE_SOLD_OUT, "%s %d can be ordered now and are sent when they come.", text,
              (int)out->back_order);
}

static bool place_ok(const struct tg_shop *shop, const struct tg_claim *c, struct ask *ask,
                     struct tg_verdict *out)
{
    const struct tg_location *l;

    if (c->location[0] == '\0')
        return true;
    l = tg_shop_location(shop, c->location);
    if (l == NULL || (l->kind == TG_LOCATION_ALLOTMENT && l->show != c->show)) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such location.");
        return false;
    }
    if (l->closed) {
        tg_refuse(out, TG_CODE_CLOSED, "%s is closed.", l->name);
        return false;
    }
    ask->only = l;
    return true;
}

bool tg_wish_stock(const struct tg_shop *shop, const struct tg_claim *c, struct tg_wish *wish,
                   struct tg_verdict *out)
{
    struct ask ask = {.show = c->show,
                      .staff = c->channel == TG_CHANNEL_STAFF,
                      .promises = c->back_order,
                      .lent = wish};
    struct demand missing = {0};
    tg_err err;

    if (!place_ok(shop, c, &ask, out))
        return false;
    err = allot(&ask, wish, &missing);
    if (err == TG_ERR_NOTFOUND) {
        refuse_short(wish, &missing, out);
        ask_about_promises(&ask, wish, &missing, out);
        say_back_order(&missing, out);
    } else if (err != TG_OK)
        tg_refuse(out, TG_CODE_LIMIT, "This is too much for one order: buy some of it in another.");
    return err == TG_OK;
}

tg_err tg_takes_find(struct tg_shop *shop, struct tg_order *order)
{
    struct ask ask = {.only =
                          order->from == UINT16_MAX ? NULL : tg_shop_location_at(shop, order->from),
                      .show = order->show,
                      .staff = order->channel == TG_CHANNEL_STAFF,
                      .promises = order->back_order};
    struct demand missing;
    struct tg_wish wish;
    tg_err err;

    TG_ASSERT(order->take_count == 0);
    wish.count = order->line_count;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        wish.wants[i].variant = tg_shop_find(shop, line->sku);
        wish.wants[i].qty = line->qty - line->cancelled - line->fulfilled;
        if (wish.wants[i].variant == NULL)
            return TG_ERR_NOTFOUND;
    }
    err = allot(&ask, &wish, &missing);
    if (err == TG_OK && wish.take_count > 0)
        err = tg_order_set_takes(order, wish.take_count);
    if (err != TG_OK)
        return err;
    tg_takes_fill(order, &wish);
    order->takes_changed = true;
    order->takes_found = true;
    return TG_OK;
}
