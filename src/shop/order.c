#include "shop/order.h"

#include <string.h>

#include "base/alloc.h"

const char *tg_order_state_name(enum tg_order_state state)
{
    static const char *const names[] = {"awaiting_payment", "paid",      "fulfilled",
                                        "expired",          "cancelled", "returned",
                                        "partly_fulfilled"};

    return (size_t)state < TG_ARRAY_LEN(names) ? names[state] : NULL;
}

const char *tg_payment_state_name(enum tg_payment_state state)
{
    static const char *const names[] = {"pending", "declined",        "paid",    "authorised",
                                        "voided",  "partly_refunded", "refunded"};

    return (size_t)state < TG_ARRAY_LEN(names) ? names[state] : NULL;
}

const char *tg_channel_name(enum tg_channel channel)
{
    static const char *const names[] = {"button", "cart", "comment", "staff", "waiting"};

    return (size_t)channel < TG_ARRAY_LEN(names) ? names[channel] : NULL;
}

tg_err tg_order_new(struct tg_order **ret, size_t lines, size_t takes)
{
    struct tg_order *order;

    if (lines < 1 || lines > TG_CART_LINES_MAX || takes > TG_TAKES_MAX + TG_CART_LINES_MAX)
        return TG_ERR_LIMIT;
    order = tg_calloc(1, sizeof(*order) + lines * sizeof(order->lines[0]) +
                             takes * sizeof(order->takes[0]));
    if (order == NULL)
        return TG_ERR_NOMEM;
    order->line_count = (uint32_t)lines;
    order->take_count = (uint32_t)takes;
    order->takes = (struct tg_order_take *)(void *)&order->lines[lines];
    *ret = order;
    return TG_OK;
}

void tg_order_free(struct tg_order *order)
{
    if (order == NULL)
        return;
    tg_free(order->takes_apart);
    tg_free(order->intents);
    tg_free(order);
}

/* The part of `whole` that `units` of `qty` have, rounded half up: at most 10^11 * 100. */
static int64_t share(int64_t whole, int32_t units, int32_t qty)
{
    return (whole * units + qty / 2) / qty;
}

int64_t tg_line_discount(const struct tg_order_line *line, int32_t units)
{
    return share(line->discount, units, line->qty);
}

int64_t tg_line_worth(const struct tg_order_line *line, int32_t units)
{
    return line->price * units - tg_line_discount(line, units);
}

int64_t tg_line_tax(const struct tg_order_line *line, int32_t units)
{
    return share(line->tax, units, line->qty);
}

int32_t tg_line_open(const struct tg_order_line *line)
{
    return line->qty - line->cancelled - line->fulfilled;
}

static bool line_ok(const struct tg_order_line *line)
{
    int64_t sum;
    int64_t shared;

    if (line->qty < 1 || line->price < 0 || line->discount < 0 || line->tax < 0)
        return false;
    if (line->cancelled < 0 || line->fulfilled < 0 || line->returned < 0 ||
        line->cancelled > line->qty || line->fulfilled > line->qty - line->cancelled ||
        line->returned > line->fulfilled)
        return false;
    return !__builtin_mul_overflow(line->price, (int64_t)line->qty, &sum) &&
           line->discount <= sum && line->tax <= sum &&
           !__builtin_mul_overflow(sum, (int64_t)line->qty + 1, &shared);
}

tg_err tg_order_set_takes(struct tg_order *order, size_t takes)
{
    struct tg_order_take *fresh;

    if (takes < 1 || takes > TG_TAKES_MAX)
        return TG_ERR_LIMIT;
    fresh = tg_calloc(takes, sizeof(*fresh));
    if (fresh == NULL)
        return TG_ERR_NOMEM;
    tg_free(order->takes_apart);
    order->takes_apart = fresh;
    order->takes = fresh;
    order->take_count = (uint32_t)takes;
    return TG_OK;
}

bool tg_order_take_plain(const struct tg_order *order, uint32_t take)
{
    const struct tg_order_take *t = &order->takes[take];

    if (t->location != 0 || t->ships_from_wall != 0 ||
        strcmp(t->sku, order->lines[t->line].sku) != 0)
        return false;
    for (uint32_t i = 0; i < order->take_count; i++)
        if (i != take && order->takes[i].line == t->line)
            return false;
    return true;
}

int32_t tg_order_line_promised(const struct tg_order *order, uint32_t line, tg_us *ret_ships_from)
{
    int32_t most = 0;
    tg_us latest = 0;

    for (uint32_t i = 0; i < order->take_count; i++) {
        const struct tg_order_take *t = &order->takes[i];
        int32_t units = 0;

        if (t->line != line || t->ships_from_wall == 0)
            continue;
        for (uint32_t k = 0; k < order->take_count; k++)
            if (order->takes[k].line == line && order->takes[k].ships_from_wall != 0 &&
                strcmp(order->takes[k].sku, t->sku) == 0)
                units += order->takes[k].qty;
        /* A bundle waits for the last of its parts. */
        most = TG_MAX(most, (units + t->each - 1) / t->each);
        if (t->ships_from_wall < 0 || latest < 0)
            latest = -1;
        else
            latest = TG_MAX(latest, t->ships_from_wall);
    }
    *ret_ships_from = latest;
    return most;
}

tg_err tg_order_sum(int64_t *ret, const struct tg_order *order)
{
    int64_t total = 0;

    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        if (!line_ok(line) ||
            __builtin_add_overflow(total, tg_line_worth(line, line->qty - line->cancelled), &total))
            return TG_ERR_LIMIT;
    }
    *ret = total;
    return TG_OK;
}

void tg_order_resum(struct tg_order *order)
{
    order->total = 0;
    order->discount = 0;
    order->tax = 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];
        int32_t kept = line->qty - line->cancelled;

        order->total += tg_line_worth(line, kept);
        order->discount += tg_line_discount(line, kept);
        order->tax += tg_line_tax(line, kept);
    }
}

bool tg_order_promises(const struct tg_order *order)
{
    switch (order->state) {
    case TG_ORDER_AWAITING:
        return !order->unheld;
    case TG_ORDER_PAID:
    case TG_ORDER_PARTLY:
        return true;
    case TG_ORDER_FULFILLED:
    case TG_ORDER_EXPIRED:
    case TG_ORDER_CANCELLED:
    case TG_ORDER_RETURNED:
        break;
    }
    return false;
}
