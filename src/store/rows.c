#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "store/rows_priv.h"

#define DAMAGE_LOG_US ((tg_us)10 * TG_US_PER_S)

enum order_column {
    O_NUMBER,
    O_ID,
    O_STATE,
    O_PERSON,
    O_SHOW,
    O_SOURCE,
    O_CURRENCY,
    O_TOTAL,
    O_CREATED,
    O_CHANGED,
    O_PAY_BY,
    O_PAYMENT,
    O_PAYMENT_STATE,
    O_PAYMENT_TRIES,
    O_LINES,
    O_DISCOUNT,
    O_TAX,
    O_CODES,
    O_TAKES,
    O_TICKET,
    O_CHANNEL,
    O_UNHELD,
    O_AUTHORISED,
    O_CAPTURED,
    O_REFUNDED,
    O_REFUND_DUE,
    O_EVENTS,
    O_PAID_BY,
    O_FROM,
    O_BACK_ORDER,
};

bool tg_row_order_line(struct tg_order *order, uint32_t at, const struct tg_q *row)
{
    struct tg_order_line *line = &order->lines[at];

    if (at >= order->line_count)
        return false;
    tg_q_copy_text(row, 0, line->sku, sizeof(line->sku));
    tg_q_copy_text(row, 1, line->title, sizeof(line->title));
    tg_q_copy_text(row, 2, line->options, sizeof(line->options));
    line->qty = (int32_t)tg_q_get_int(row, 3);
    line->price = tg_q_get_int(row, 4);
    line->cost = tg_q_get_int(row, 5);
    line->discount = tg_q_get_int(row, 6);
    line->tax_bp = (int32_t)tg_q_get_int(row, 7);
    line->tax = tg_q_get_int(row, 8);
    line->flash_since = tg_q_get_int(row, 9);
    line->cancelled = (int32_t)tg_q_get_int(row, 10);
    line->fulfilled = (int32_t)tg_q_get_int(row, 11);
    line->returned = (int32_t)tg_q_get_int(row, 12);
    return true;
}

static tg_err read_lines(struct tg_db *db, struct tg_order *order)
{
    struct tg_q q = tg_q(db, TG_SQL_ORDER_LINES);
    uint32_t count = 0;
    bool fits = true;
    tg_err err;

    tg_q_int(&q, order->number);
    while (fits && tg_q_row(&q))
        fits = tg_row_order_line(order, count++, &q);
    err = tg_q_end(&q);
    if (err == TG_OK && count != order->line_count)
        err = TG_ERR_MALFORMED;
    return err;
}

/* Discount and tax of an order are those of its lines, too. */
static bool parts_add_up(const struct tg_order *order)
{
    int64_t discount = 0;
    int64_t tax = 0;

    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];
        int32_t kept = line->qty - line->cancelled;

        /* no line's are above its own sum, and those add up to a total that fits: tg_order_sum */
        discount += tg_line_discount(line, kept);
        tax += tg_line_tax(line, kept);
    }
    return discount == order->discount && tax == order->tax;
}

static void take_of_line(struct tg_order *order, uint32_t line)
{
    const struct tg_order_line *l = &order->lines[line];
    struct tg_order_take *t = &order->takes[order->take_count++];
    *t = (struct tg_order_take){
        .line = line, .each = 1, .qty = tg_order_promises(order) ? tg_line_open(l) : 0};
    tg_str_cut(t->sku, sizeof(t->sku), l->sku);
    tg_str_cut(t->place, sizeof(t->place), TG_LOCATION_MAIN);
}

static bool has_take(const struct tg_order *order, uint32_t line)
{
    for (uint32_t i = 0; i < order->take_count; i++)
        if (order->takes[i].line == line)
            return true;
    return false;
}

bool tg_row_order_take(struct tg_order *order, uint32_t rows, const struct tg_q *row)
{
    struct tg_order_take *t;

    if (order->unheld)
        return true; /* it has nothing yet */
    if (order->take_count >= rows)
        return false;
    t = &order->takes[order->take_count++];
    t->line = (uint32_t)tg_q_get_int(row, 0);
    tg_q_copy_text(row, 1, t->sku, sizeof(t->sku));
    t->location = (uint16_t)tg_q_get_int(row, 2);
    t->each = (int32_t)tg_q_get_int(row, 3);
    t->qty = (int32_t)tg_q_get_int(row, 4);
    t->ships_from_wall = tg_q_get_int(row, 5);
    tg_q_copy_text(row, 6, t->place, sizeof(t->place));
    return true;
}

static tg_err read_takes(struct tg_db *db, struct tg_order *order, uint32_t rows)
{
    struct tg_q q = tg_q(db, TG_SQL_ORDER_TAKES);
    bool fits = true;
    tg_err err;

    tg_q_int(&q, order->number);
    while (fits && tg_q_row(&q))
        fits = tg_row_order_take(order, rows, &q);
    err = tg_q_end(&q);
    return err == TG_OK && !fits ? TG_ERR_MALFORMED : err;
}

/* A line without a row takes its own SKU at main. */
static tg_err complete_takes(struct tg_order *order)
{
    if (order->unheld)
        return TG_OK;
    for (uint32_t i = 0; i < order->take_count; i++)
        if (order->takes[i].line >= order->line_count || order->takes[i].each < 1 ||
            order->takes[i].qty < 0)
            return TG_ERR_MALFORMED;
    for (uint32_t i = 0; i < order->line_count; i++)
        if (!has_take(order, i))
            take_of_line(order, i);
    return TG_OK;
}

tg_err tg_row_order_head(const struct tg_q *row, struct tg_order **ret, uint32_t *ret_takes)
{
    struct tg_order *order = NULL;
    size_t lines = (size_t)tg_q_get_int(row, O_LINES);
    uint32_t takes = (uint32_t)tg_q_get_int(row, O_TAKES);
    tg_err err = tg_order_new(&order, lines, takes + lines);

    if (err != TG_OK)
        return err == TG_ERR_LIMIT ? TG_ERR_MALFORMED : err;
    order->number = tg_q_get_int(row, O_NUMBER);
    tg_q_copy_text(row, O_ID, order->id, sizeof(order->id));
    order->state = (enum tg_order_state)tg_q_get_int(row, O_STATE);
    tg_q_copy_text(row, O_PERSON, order->person, sizeof(order->person));
    order->show = tg_q_is_null(row, O_SHOW) ? UINT16_MAX : (uint16_t)tg_q_get_int(row, O_SHOW);
    tg_q_copy_text(row, O_SOURCE, order->source, sizeof(order->source));
    tg_q_copy_text(row, O_CURRENCY, order->currency, sizeof(order->currency));
    order->total = tg_q_get_int(row, O_TOTAL);
    order->created_wall = tg_q_get_int(row, O_CREATED);
    order->changed_wall = tg_q_get_int(row, O_CHANGED);
    order->pay_by_wall = tg_q_get_int(row, O_PAY_BY);
    tg_q_copy_text(row, O_PAYMENT, order->payment, sizeof(order->payment));
    order->payment_state = (enum tg_payment_state)tg_q_get_int(row, O_PAYMENT_STATE);
    order->payment_tries = (uint32_t)tg_q_get_int(row, O_PAYMENT_TRIES);
    order->discount = tg_q_get_int(row, O_DISCOUNT);
    order->tax = tg_q_get_int(row, O_TAX);
    tg_q_copy_text(row, O_CODES, order->codes, sizeof(order->codes));
    order->ticket = tg_q_get_int(row, O_TICKET);
    order->takes_sold = order->state != TG_ORDER_AWAITING;
    order->channel = (enum tg_channel)tg_q_get_int(row, O_CHANNEL);
    order->unheld = tg_q_get_int(row, O_UNHELD) != 0;
    order->back_order = tg_q_get_int(row, O_BACK_ORDER) != 0;
    order->authorised = tg_q_get_int(row, O_AUTHORISED);
    order->captured = tg_q_get_int(row, O_CAPTURED);
    order->refunded = tg_q_get_int(row, O_REFUNDED);
    order->refund_due = tg_q_get_int(row, O_REFUND_DUE);
    order->events = (uint32_t)tg_q_get_int(row, O_EVENTS);
    order->paid_by = (uint32_t)tg_q_get_int(row, O_PAID_BY);
    order->from = tg_q_is_null(row, O_FROM) ? UINT16_MAX : (uint16_t)tg_q_get_int(row, O_FROM);
    order->take_count = 0;
    *ret = order;
    *ret_takes = takes;
    return TG_OK;
}

tg_err tg_row_order_whole(struct tg_db *db, struct tg_order *order)
{
    int64_t sum = 0;
    tg_err err = complete_takes(order);

    if (err == TG_OK &&
        (tg_order_state_name(order->state) == NULL ||
         tg_payment_state_name(order->payment_state) == NULL ||
         tg_channel_name(order->channel) == NULL || order->captured < 0 || order->refunded < 0 ||
         order->refunded > order->captured || tg_order_sum(&sum, order) != TG_OK ||
         sum != order->total || !parts_add_up(order))) {
        tg_str_printf(db->error, sizeof(db->error), "order %lld does not add up",
                      (long long)order->number);
        err = TG_ERR_MALFORMED;
    }
    return err;
}

tg_err tg_row_order(struct tg_db *db, const struct tg_q *row, struct tg_order **ret)
{
    struct tg_order *order = NULL;
    uint32_t takes = 0;
    tg_err err = tg_row_order_head(row, &order, &takes);

    if (err == TG_OK)
        err = read_lines(db, order);
    if (err == TG_OK && takes > 0)
        err = read_takes(db, order, takes);
    if (err == TG_OK)
        err = tg_row_order_whole(db, order);
    if (err != TG_OK) {
        tg_order_free(order);
        return err;
    }
    *ret = order;
    return TG_OK;
}

tg_err tg_row_damaged(struct tg_db *db, tg_us mono, tg_err err)
{
    uint64_t times;

    if (err != TG_ERR_MALFORMED)
        return err;
    times = tg_log_burst(&db->damage_burst, mono, DAMAGE_LOG_US);
    if (times > 0)
        tg_log_error("store", "order-damaged", "reason=%s times=%llu", TG_LOG_Q(db->error),
                     (unsigned long long)times);
    return TG_OK;
}

tg_err tg_row_intents(struct tg_db *db, struct tg_order *order)
{
    struct tg_q q = tg_q(db, TG_SQL_ORDER_INTENTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, order->number);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_intent in = {.number = (uint32_t)tg_q_get_int(&q, 0),
                               .kind = (enum tg_intent_kind)tg_q_get_int(&q, 1),
                               .state = (enum tg_intent_state)tg_q_get_int(&q, 2),
                               .of = (uint32_t)tg_q_get_int(&q, 3),
                               .amount = tg_q_get_int(&q, 5),
                               .asked_wall = tg_q_get_int(&q, 6),
                               .changed_wall = tg_q_get_int(&q, 7),
                               .asks = (uint32_t)tg_q_get_int(&q, 9)};

        tg_q_copy_text(&q, 8, in.provider, sizeof(in.provider));
        tg_q_copy_text(&q, 4, in.reference, sizeof(in.reference));
        tg_q_copy_text(&q, 10, in.operation, sizeof(in.operation));
        err = tg_intent_kind_name(in.kind) == NULL || tg_intent_state_name(in.state) == NULL ||
                      in.amount < 0 || in.of >= in.number
                  ? TG_ERR_MALFORMED
                  : tg_order_add_intent(order, &in);
    }
    if (err == TG_OK && !tg_payment_adds_up(order))
        err = TG_ERR_MALFORMED;
    if (err == TG_ERR_LIMIT || err == TG_ERR_MALFORMED) {
        tg_str_printf(db->error, sizeof(db->error), "the payments of order %lld do not add up",
                      (long long)order->number);
        err = TG_ERR_MALFORMED;
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

tg_err tg_row_order_by(struct tg_db *db, enum tg_sql which, const char *key, struct tg_order **ret)
{
    struct tg_order *order = NULL;
    struct tg_q q = tg_q(db, which);
    tg_err err = TG_ERR_NOTFOUND;
    tg_err ended;

    tg_q_text(&q, key);
    if (tg_q_row(&q))
        err = tg_row_order(db, &q, &order);
    ended = tg_q_end(&q);
    if (ended != TG_OK)
        err = ended;
    if (err != TG_OK) {
        tg_order_free(order);
        return err;
    }
    *ret = order;
    return TG_OK;
}

void tg_row_location(const struct tg_q *row, struct tg_location *ret)
{
    *ret = (struct tg_location){.ord = (uint16_t)tg_q_get_int(row, 0),
                                .kind = (enum tg_location_kind)tg_q_get_int(row, 2),
                                .priority = (int32_t)tg_q_get_int(row, 6),
                                .closed = tg_q_get_int(row, 7) != 0,
                                .show = tg_q_is_null(row, 8) ? UINT16_MAX
                                                             : (uint16_t)tg_q_get_int(row, 8),
                                .ships_from_wall = tg_q_get_int(row, 9)};
    tg_q_copy_text(row, 1, ret->id, sizeof(ret->id));
    tg_q_copy_text(row, 3, ret->name, sizeof(ret->name));
    tg_q_copy_text(row, 4, ret->address, sizeof(ret->address));
    tg_q_copy_text(row, 5, ret->hours, sizeof(ret->hours));
}

void tg_row_product(const struct tg_q *row, struct tg_product *ret)
{
    *ret = (struct tg_product){.number = (uint32_t)tg_q_get_int(row, 1)};
    tg_q_copy_text(row, 0, ret->id, sizeof(ret->id));
    tg_q_copy_text(row, 2, ret->title, sizeof(ret->title));
    tg_q_copy_text(row, 3, ret->description, sizeof(ret->description));
    tg_q_copy_text(row, 4, ret->image, sizeof(ret->image));
    tg_q_copy_text(row, 5, ret->image_alt, sizeof(ret->image_alt));
    ret->archived = tg_q_get_int(row, 6) != 0;
}

void tg_row_variant(const struct tg_q *row, int first, struct tg_variant *ret)
{
    *ret = (struct tg_variant){.price = tg_q_get_int(row, first + 2),
                               .compare_at = tg_q_get_int(row, first + 3),
                               .cost = tg_q_get_int(row, first + 4),
                               .flash = tg_q_get_int(row, first + 5),
                               .flash_until_wall = tg_q_get_int(row, first + 6)};
    tg_q_copy_text(row, first, ret->sku, sizeof(ret->sku));
    tg_q_copy_text(row, first + 1, ret->options, sizeof(ret->options));
    ret->stock = (struct tg_stock_count){.on_hand = (int32_t)tg_q_get_int(row, first + 7),
                                         .held = (int32_t)tg_q_get_int(row, first + 8),
                                         .sold = (int32_t)tg_q_get_int(row, first + 9)};
    tg_q_copy_text(row, first + 10, ret->tax_class, sizeof(ret->tax_class));
    ret->flash_since_wall = tg_q_get_int(row, first + 11);
    ret->flash_limit = (int32_t)tg_q_get_int(row, first + 12);
    ret->flash_used = (int32_t)tg_q_get_int(row, first + 13);
    ret->lowest = tg_q_get_int(row, first + 14);
    ret->flash_lowest = tg_q_get_int(row, first + 15);
    ret->stock_version = tg_q_get_int(row, first + 16);
    ret->archived = tg_q_get_int(row, first + 17) != 0;
}
