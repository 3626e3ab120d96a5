/* What staff read of shows: reports, items; and tokens. */
#include <string.h>

#include "base/str.h"
#include "store/read.h"
#include "store/rows_priv.h"

/* --- tokens --- */

tg_err tg_read_tokens(struct tg_read_db *db, uint32_t above, uint32_t limit, tg_read_token_fn each,
                      void *ctx)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_ALL_TOKENS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_token_row row = {.ordinal = (uint32_t)tg_q_get_int(&q, 0),
                                   .roles = (uint32_t)tg_q_get_int(&q, 1),
                                   .publish_only = tg_q_get_int(&q, 2) != 0,
                                   .expires_wall = tg_q_get_int(&q, 4),
                                   .created_wall = tg_q_get_int(&q, 6),
                                   .revoked_wall = -1};

        tg_q_copy_text(&q, 3, row.show, sizeof(row.show));
        tg_q_copy_text(&q, 5, row.label, sizeof(row.label));
        if (!tg_q_is_null(&q, 7))
            row.revoked_wall = tg_q_get_int(&q, 7);
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

/* --- reports --- */

static tg_err report_sources(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_REPORT_SOURCES);

    tg_q_int(&q, show);
    while (ret->source_count < TG_ARRAY_LEN(ret->sources) && tg_q_row(&q)) {
        uint32_t i = ret->source_count++;

        tg_q_copy_text(&q, 0, ret->sources[i].source, sizeof(ret->sources[i].source));
        tg_q_copy_text(&q, 1, ret->sources[i].currency, sizeof(ret->sources[i].currency));
        ret->sources[i].orders = tg_q_get_int(&q, 2);
        ret->sources[i].amount = tg_q_get_int(&q, 3);
        ret->sources[i].refunded = tg_q_get_int(&q, 4);
    }
    return tg_q_end(&q);
}

static void add_sum(struct tg_report_part *part, const struct tg_q *q)
{
    struct tg_report_sum *sum;

    part->orders += tg_q_get_int(q, 2);
    part->units += tg_q_get_int(q, 5);
    part->returned += tg_q_get_int(q, 6);
    part->cost += tg_q_get_int(q, 7);
    if (part->sum_count == TG_ARRAY_LEN(part->sums))
        return; /* more currencies than a shop has prices in */
    sum = &part->sums[part->sum_count++];
    *sum = (struct tg_report_sum){
        .orders = tg_q_get_int(q, 2), .amount = tg_q_get_int(q, 3), .refunded = tg_q_get_int(q, 4)};
    tg_q_copy_text(q, 1, sum->currency, sizeof(sum->currency));
}

static tg_err report_states(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_REPORT);

    tg_q_int(&q, show);
    while (tg_q_row(&q)) {
        int64_t state = tg_q_get_int(&q, 0);

        if (state >= 0 && state < TG_ORDER_STATE_COUNT)
            add_sum(&ret->by_state[state], &q);
    }
    return tg_q_end(&q);
}

static tg_err report_buyers(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_REPORT_BUYERS);

    tg_q_int(&q, show);
    while (tg_q_row(&q)) {
        int64_t state = tg_q_get_int(&q, 0);

        if (state >= 0 && state < TG_ORDER_STATE_COUNT)
            ret->by_state[state].buyers = tg_q_get_int(&q, 1);
    }
    return tg_q_end(&q);
}

tg_err tg_read_report(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    tg_err err = tg_read_begin(db);

    memset(ret, 0, sizeof(*ret)); /* a literal of its size does not fit the stack */
    if (err != TG_OK)
        return err;
    err = report_states(db, show, ret);
    if (err == TG_OK)
        err = report_buyers(db, show, ret);
    if (err == TG_OK)
        err = report_sources(db, show, ret);
    return tg_read_end(db, err);
}

/* --- what shows say of SKUs --- */

tg_err tg_read_show_items(struct tg_read_db *db, uint16_t show, const char *above, uint32_t limit,
                          tg_read_show_item_fn each, void *ctx)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_ITEMS_OF_SHOW);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, show);
    tg_q_text(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_show_item item = {.show = show,
                                    .number = (uint32_t)tg_q_get_int(&q, 1),
                                    .units_max = (int32_t)tg_q_get_int(&q, 2),
                                    .person_max = (int32_t)tg_q_get_int(&q, 3),
                                    .from_ms = tg_q_get_int(&q, 4),
                                    .until_ms = tg_q_get_int(&q, 5),
                                    .show_only = tg_q_get_int(&q, 6) != 0};

        tg_q_copy_text(&q, 0, item.sku, sizeof(item.sku));
        err = each(ctx, &item);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

/* --- the waiting list --- */

tg_err tg_read_waiting(struct tg_read_db *db, const char *sku, const char *person,
                       struct tg_waiter *ret, uint32_t *ret_place, int64_t *ret_count)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_WAITING_PLACE);
    tg_err err;

    *ret = (struct tg_waiter){.until_wall = -1};
    *ret_place = 0;
    *ret_count = 0;
    tg_str_cut(ret->sku, sizeof(ret->sku), sku);
    tg_q_text(&q, sku);
    tg_q_text(&q, person);
    if (tg_q_row(&q)) {
        ret->qty = (int32_t)tg_q_get_int(&q, 0);
        ret->offered = (int32_t)tg_q_get_int(&q, 1);
        ret->until_wall = tg_q_get_int(&q, 2);
        ret->state = ret->until_wall >= 0 ? TG_WAITER_TURN : TG_WAITER_WAITING;
        *ret_place = (uint32_t)tg_q_get_int(&q, 3);
    }
    err = tg_q_end(&q);
    if (err != TG_OK)
        return err;
    q = tg_q(tg_read_conn(db), TG_SQL_WAITING_COUNT);
    tg_q_text(&q, sku);
    if (tg_q_row(&q))
        *ret_count = tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}
