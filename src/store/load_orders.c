/* Orders that await payment: at the start, and those of other nodes whose time is over. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/changes.h"
#include "store/rows_priv.h"

enum { CHUNK = 512, NUMBERS_MAX = 64 * 1024 * 1024 };
#define DAMAGED_AGAIN_US ((tg_us)60 * TG_US_PER_S)

/* So many at a time, each kind of row with one question. */
struct loading {
    const struct tg_reload *r;
    const int64_t *numbers;
    size_t count;
    struct tg_order *orders[CHUNK]; /* NULL = in memory already */
    uint32_t takes[CHUNK];          /* rows that it must have */
    uint32_t lines[CHUNK];          /* rows that came */
};

static bool ask_number(void *ctx, size_t i, struct tg_q *q)
{
    const struct loading *l = ctx;

    tg_q_int(q, l->numbers[i]);
    return true;
}

/* One that does not add up is left alone, and what it holds with it: the others can be sold on. */
static tg_err passed_over(struct loading *l, size_t i, tg_err err)
{
    if (err != TG_ERR_MALFORMED)
        return err;
    tg_order_free(l->orders[i]);
    l->orders[i] = NULL;
    tg_str_printf(l->r->db->error, sizeof(l->r->db->error), "order %lld does not add up",
                  (long long)l->numbers[i]);
    if (l->r->store != NULL)
        l->r->store->damaged++;
    return tg_row_damaged(l->r->db, l->r->now.mono, err);
}

static tg_err take_head(void *ctx, size_t i, const struct tg_q *q)
{
    struct loading *l = ctx;

    return passed_over(l, i, tg_row_order_head(q, &l->orders[i], &l->takes[i]));
}

static bool ask_lines(void *ctx, size_t i, struct tg_q *q)
{
    const struct loading *l = ctx;

    if (l->orders[i] == NULL)
        return false;
    tg_q_int(q, l->numbers[i]);
    return true;
}

static tg_err take_line(void *ctx, size_t i, const struct tg_q *q)
{
    struct loading *l = ctx;

    if (l->orders[i] == NULL || tg_row_order_line(l->orders[i], l->lines[i]++, q))
        return TG_OK;
    return passed_over(l, i, TG_ERR_MALFORMED);
}

static bool ask_takes(void *ctx, size_t i, struct tg_q *q)
{
    const struct loading *l = ctx;

    return l->takes[i] > 0 && ask_lines(ctx, i, q);
}

static tg_err take_take(void *ctx, size_t i, const struct tg_q *q)
{
    struct loading *l = ctx;

    if (l->orders[i] == NULL || tg_row_order_take(l->orders[i], l->takes[i], q))
        return TG_OK;
    return passed_over(l, i, TG_ERR_MALFORMED);
}

static tg_err into_shop(struct loading *l, size_t i)
{
    struct tg_order *order = l->orders[i];
    tg_err err =
        l->lines[i] == order->line_count ? tg_row_order_whole(l->r->db, order) : TG_ERR_MALFORMED;

    if (err == TG_OK && order->payment_tries > 0)
        err = tg_row_intents(l->r->db, order);
    if (err != TG_OK)
        return passed_over(l, i, err);
    l->orders[i] = NULL;
    return tg_row_err(l->r->db, "order", "", tg_shop_load_order(l->r->shop, l->r->now, order));
}

static void drop_known(struct loading *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->orders[i] != NULL && tg_shop_has_order(l->r->shop, l->orders[i]->id)) {
            tg_order_free(l->orders[i]);
            l->orders[i] = NULL;
        }
}

static tg_err load_chunk(struct loading *l)
{
    const struct tg_q_many heads = {.bind = ask_number, .row = take_head, .ctx = l};
    const struct tg_q_many lines = {.bind = ask_lines, .row = take_line, .ctx = l};
    const struct tg_q_many takes = {.bind = ask_takes, .row = take_take, .ctx = l};
    tg_err err = tg_q_each(l->r->db, TG_SQL_ORDER_BY_NUMBER, l->count, &heads);

    drop_known(l);
    if (err == TG_OK)
        err = tg_q_each(l->r->db, TG_SQL_ORDER_LINES, l->count, &lines);
    if (err == TG_OK)
        err = tg_q_each(l->r->db, TG_SQL_ORDER_TAKES, l->count, &takes);
    for (size_t i = 0; err == TG_OK && i < l->count; i++)
        if (l->orders[i] != NULL)
            err = into_shop(l, i);
    for (size_t i = 0; i < l->count; i++)
        tg_order_free(l->orders[i]);
    return err;
}

static tg_err load_numbers(const struct tg_reload *r, const int64_t *numbers, size_t count)
{
    tg_err err = TG_OK;

    for (size_t at = 0; err == TG_OK && at < count; at += CHUNK) {
        struct loading *l = tg_calloc(1, sizeof(*l));

        if (l == NULL)
            return TG_ERR_NOMEM;
        l->r = r;
        l->numbers = numbers + at;
        l->count = TG_MIN(count - at, (size_t)CHUNK);
        err = load_chunk(l);
        tg_free(l);
    }
    return err;
}

/* When those that were found are due. */
struct dues {
    tg_us first;
    tg_us last;
    size_t count;
};

/* The numbers first: nothing else can be asked while a question is open. */
static tg_err load_found(const struct tg_reload *r, struct tg_q *q, struct dues *dues)
{
    struct tg_buf numbers;
    tg_err err;

    tg_buf_init(&numbers, NUMBERS_MAX);
    while (tg_q_row(q)) {
        int64_t number = tg_q_get_int(q, 0);

        if (dues != NULL) {
            dues->last = tg_q_get_int(q, 1);
            dues->first = dues->count++ == 0 ? dues->last : dues->first;
        }
        tg_buf_add(&numbers, &number, sizeof(number));
    }
    err = tg_q_end(q);
    if (err == TG_OK)
        err = numbers.err;
    if (err == TG_OK && numbers.len > 0)
        err = load_numbers(r, (const int64_t *)(const void *)numbers.data,
                           numbers.len / sizeof(int64_t));
    tg_buf_done(&numbers);
    return err;
}

tg_err tg_reload_orders(const struct tg_reload *r)
{
    struct tg_q q;
    tg_err err = TG_OK;

    if (r->keys == NULL) {
        tg_shop_forget_order(r->shop, NULL);
        q = tg_q(r->db, TG_SQL_OPEN_ORDERS);
        return load_found(r, &q, NULL);
    }
    for (size_t i = 0; err == TG_OK && i < r->count; i++) {
        char id[TG_UUID_SIZE];

        tg_str_printf(id, sizeof(id), "%.*s", (int)strcspn(r->keys[i], " "), r->keys[i]);
        tg_shop_forget_order(r->shop, id);
        err = tg_reload_told(r, TG_CHANGE_ORDER, r->keys[i], TG_OK);
    }
    return err;
}

/*
 * One that was passed over stays due: it would wake every node at each look, and 1,024 of them
 * would hide all others. So what was due up to then is left out for a while: the rest is in memory.
 */
static void leave_out(struct tg_store_db *s, const struct dues *dues, tg_us mono)
{
    bool full = dues->count == TG_SALE_BATCH_MAX; /* more may be due at the last one's moment */

    s->due_past = full && dues->last > dues->first ? dues->last - 1 : dues->last;
    s->due_again_at = mono + DAMAGED_AGAIN_US;
}

tg_err tg_load_due(const struct tg_reload *r)
{
    struct tg_store_db *s = r->store;
    struct tg_q q = tg_q(r->db, TG_SQL_DUE_ORDERS);
    uint64_t damaged = s->damaged;
    struct dues dues = {.count = 0};
    tg_err err;

    if (r->now.mono >= s->due_again_at)
        s->due_past = 0;
    tg_q_int(&q, s->due_past);
    tg_q_int(&q, r->now.wall);
    tg_q_int(&q, TG_SALE_BATCH_MAX);
    err = load_found(r, &q, &dues);
    if (err == TG_OK && s->damaged != damaged)
        leave_out(s, &dues, r->now.mono);
    return err;
}

tg_err tg_store_order(struct tg_store *store, const char *id, struct tg_order **ret)
{
    return tg_row_order_by(&tg_store_db(store->ops->real(store))->db, TG_SQL_ORDER_BY_ID, id, ret);
}
