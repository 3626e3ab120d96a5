#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/catalogue_priv.h"
#include "store/changes.h"
#include "store/read.h"
#include "store/rows_priv.h"

struct tg_read_db {
    struct tg_db db;
    struct tg_taxes taxes;
    struct tg_store_clock clock;
};

tg_err tg_read_db_new(struct tg_read_db **ret, const struct tg_db_cfg *cfg, char reterr[256])
{
    struct tg_read_db *r = tg_calloc(1, sizeof(*r));
    tg_err err;

    if (r == NULL) {
        (void)snprintf(reterr, 256, "out of memory");
        return TG_ERR_NOMEM;
    }
    err = tg_db_open(&r->db, cfg, TG_DB_READ, reterr);
    if (err != TG_OK) {
        tg_free(r);
        return err;
    }
    r->clock.wrong_us = cfg->clock_wrong_us;
    *ret = r;
    return TG_OK;
}

void tg_read_look_at_clock(struct tg_read_db *db)
{
    tg_us now = tg_clock_mono();

    if (tg_db_ready(&db->db, now) == TG_OK) /* away: the last that was seen */
        tg_changes_clock(&db->db, &db->clock, now);
}

tg_us tg_read_wall(const struct tg_read_db *db)
{
    return tg_changes_wall(&db->clock);
}

void tg_read_db_taxes(struct tg_read_db *db, const struct tg_taxes *taxes)
{
    db->taxes = *taxes;
}

struct tg_db *tg_read_connection(struct tg_read_db *db)
{
    return &db->db;
}

void tg_read_db_free(struct tg_read_db *db)
{
    if (db == NULL)
        return;
    tg_db_close(&db->db);
    tg_free(db);
}

struct tg_db *tg_read_conn(struct tg_read_db *db)
{
    return &db->db;
}

const struct tg_taxes *tg_read_taxes(const struct tg_read_db *db)
{
    return &db->taxes;
}

tg_err tg_read_begin(struct tg_read_db *db)
{
    tg_err err = tg_db_ready(&db->db, tg_clock_mono());
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_BEGIN_READ);
    return tg_q_run(&q);
}

tg_err tg_read_end(struct tg_read_db *db, tg_err err)
{
    tg_db_rollback(&db->db); /* nothing was written */
    return err;
}

static tg_err walk_orders(struct tg_read_db *db, struct tg_q *q, tg_read_order_fn each, void *ctx)
{
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(q)) {
        struct tg_order *order = NULL;

        err = tg_row_order(&db->db, q, &order);
        if (err == TG_OK)
            err = each(ctx, order);
        else
            err = tg_row_damaged(&db->db, tg_clock_mono(), err);
        tg_order_free(order);
    }
    ended = tg_q_end(q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_orders(struct tg_read_db *db, const char *person, int64_t below, uint32_t limit,
                      tg_read_order_fn each, void *ctx)
{
    struct tg_order_filter filter = {.person = person == NULL ? "" : person,
                                     .show = UINT16_MAX,
                                     .state = -1,
                                     .below = below,
                                     .limit = limit};

    int64_t left;

    return tg_read_orders_by(db, &filter, each, ctx, &left);
}

/* Nodes' clocks differ by seconds: numbers and times are in the same order but for that. */
#define SINCE_MARGIN_US ((tg_us)600 * TG_US_PER_S)

enum { LOOKED_AT_MAX = 20000 };

/* The first number that can have been made `since` then, by halving: times have no index. */
static tg_err first_since(struct tg_read_db *db, tg_us since, int64_t below, int64_t *ret)
{
    int64_t low = 0;
    int64_t high = below;
    tg_err err = TG_OK;

    *ret = 0;
    if (since <= SINCE_MARGIN_US)
        return TG_OK;
    while (err == TG_OK && low < high) {
        int64_t middle = low + (high - low) / 2;
        struct tg_q q = tg_q(&db->db, TG_SQL_ORDER_MADE);
        bool there;

        tg_q_int(&q, middle);
        there = tg_q_row(&q);
        if (there && tg_q_get_int(&q, 1) < since - SINCE_MARGIN_US)
            low = tg_q_get_int(&q, 0) + 1;
        else
            high = middle;
        err = tg_q_end(&q);
    }
    *ret = low;
    return err;
}

/* One request looks at so many of a show's orders, where it is not the show that was asked for
 * alone. The number of the last one; 0 = all below are looked at. */
static tg_err show_window(struct tg_read_db *db, uint16_t show, int64_t below, int64_t *ret)
{
    struct tg_q q = tg_q(&db->db, TG_SQL_SHOW_WINDOW);

    *ret = 0;
    tg_q_int(&q, show);
    tg_q_int(&q, below);
    tg_q_int(&q, LOOKED_AT_MAX);
    if (tg_q_row(&q) && tg_q_get_int(&q, 1) == LOOKED_AT_MAX)
        *ret = tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}

static enum tg_sql walk_of(const struct tg_order_filter *filter)
{
    if (filter->person[0] != '\0')
        return TG_SQL_ORDERS_ALL_OF_PERSON;
    if (filter->show != UINT16_MAX)
        return TG_SQL_ORDERS_ALL_OF_SHOW;
    if (filter->state < 0)
        return TG_SQL_ORDERS_ALL;
    return filter->state == TG_ORDER_AWAITING ? TG_SQL_ORDERS_ALL_UNPAID
                                              : TG_SQL_ORDERS_ALL_IN_STATE;
}

static tg_err orders_by(struct tg_read_db *db, const struct tg_order_filter *filter,
                        tg_read_order_fn each, void *ctx, int64_t *ret_left)
{
    enum tg_sql which = walk_of(filter);
    int64_t first;
    struct tg_q q;
    tg_err err = first_since(db, filter->since_wall, filter->below, &first);

    if (err == TG_OK && which == TG_SQL_ORDERS_ALL_OF_SHOW && filter->state >= 0)
        err = show_window(db, filter->show, filter->below, ret_left);
    if (err != TG_OK)
        return err;
    if (*ret_left <= first)
        *ret_left = 0; /* what is older is not asked for */
    q = tg_q(&db->db, which);
    tg_q_int(&q, filter->below);
    tg_q_int(&q, filter->state);
    tg_q_int(&q, filter->show == UINT16_MAX ? -1 : filter->show);
    tg_q_text(&q, filter->person);
    tg_q_int(&q, filter->since_wall);
    tg_q_int(&q, filter->limit);
    tg_q_int(&q, TG_MAX(first, *ret_left));
    return walk_orders(db, &q, each, ctx);
}

tg_err tg_read_orders_by(struct tg_read_db *db, const struct tg_order_filter *filter,
                         tg_read_order_fn each, void *ctx, int64_t *ret_left)
{
    tg_err err = tg_read_begin(db);

    *ret_left = 0;
    return err == TG_OK ? tg_read_end(db, orders_by(db, filter, each, ctx, ret_left)) : err;
}

static tg_err one_order(struct tg_read_db *db, enum tg_sql which, const char *key,
                        struct tg_order **ret)
{
    tg_err err = tg_read_begin(db);

    return err == TG_OK ? tg_read_end(db, tg_row_order_by(&db->db, which, key, ret)) : err;
}

static tg_err numbered_order(struct tg_read_db *db, int64_t number, struct tg_order **ret)
{
    struct tg_order *order = NULL;
    tg_err err = tg_read_begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_ORDER_BY_NUMBER);
    tg_q_int(&q, number);
    err = tg_q_row(&q) ? tg_row_order(&db->db, &q, &order) : TG_ERR_NOTFOUND;
    ended = tg_q_end(&q);
    err = tg_read_end(db, ended != TG_OK ? ended : err);
    if (err == TG_OK)
        *ret = order;
    else
        tg_order_free(order);
    return err;
}

tg_err tg_read_order(struct tg_read_db *db, const char *id, struct tg_order **ret)
{
    int64_t number;

    if (tg_parse_i64(&number, id, strlen(id), 1, INT64_MAX) == TG_OK)
        return numbered_order(db, number, ret);
    return one_order(db, TG_SQL_ORDER_BY_ID, id, ret);
}

tg_err tg_read_payment(struct tg_read_db *db, const char *payment, struct tg_order **ret)
{
    return one_order(db, TG_SQL_ORDER_BY_PAYMENT, payment, ret);
}

/* --- what happened to orders --- */

static tg_err walk_events(struct tg_q *q, int first, int64_t order_number, tg_read_event_fn each,
                          void *ctx)
{
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(q)) {
        bool all = first > 0;
        struct tg_event_row row = {
            .order_number = all ? tg_q_get_int(q, 0) : order_number,
            .seq = (uint32_t)tg_q_get_int(q, first),
            .kind = (enum tg_order_event)tg_q_get_int(q, first + 1),
            .actor = tg_q_get_text(q, first + 2),
            .amount = tg_q_get_int(q, first + 3),
            .data = tg_q_get_text(q, first + 4),
            .reason = tg_q_get_text(q, first + 5),
            .at_wall = tg_q_get_int(q, first + 6),
            .order_id = all ? tg_q_get_text(q, first + 7) : "",
            .currency = all ? tg_q_get_text(q, first + 8) : "",
        };

        err = tg_order_event_name(row.kind) == NULL ? TG_ERR_MALFORMED : each(ctx, &row);
    }
    ended = tg_q_end(q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_events(struct tg_read_db *db, int64_t order_number, tg_read_event_fn each, void *ctx)
{
    tg_err err = tg_read_begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_ORDER_EVENTS);
    tg_q_int(&q, order_number);
    return tg_read_end(db, walk_events(&q, 0, order_number, each, ctx));
}

/* The window of a page of one show's history; 0 without a show. */
static tg_err page_window(struct tg_read_db *db, const struct tg_history_page *page, int64_t *ret)
{
    *ret = 0;
    if (page->show == UINT16_MAX)
        return TG_OK;
    return show_window(db, page->show, TG_MIN(page->order_number, INT64_MAX - 1) + 1, ret);
}

tg_err tg_read_returns(struct tg_read_db *db, const struct tg_history_page *page,
                       tg_read_event_fn each, void *ctx, int64_t *ret_left)
{
    bool of_show = page->show != UINT16_MAX;
    tg_err err = tg_read_begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    err = page_window(db, page, ret_left);
    if (err != TG_OK)
        return tg_read_end(db, err);
    q = tg_q(&db->db, of_show ? TG_SQL_RETURNS_OF_SHOW : TG_SQL_ALL_RETURNS);
    tg_q_int(&q, page->order_number);
    tg_q_int(&q, page->number);
    tg_q_int(&q, of_show ? page->show : -1);
    tg_q_int(&q, page->limit);
    tg_q_int(&q, *ret_left);
    return tg_read_end(db, walk_events(&q, 1, 0, each, ctx));
}

static tg_err walk_intents(struct tg_q *q, tg_read_intent_fn each, void *ctx)
{
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(q)) {
        struct tg_intent_row row = {
            .order_number = tg_q_get_int(q, 0),
            .currency = tg_q_get_text(q, 7),
            .order_id = tg_q_get_text(q, 10),
            .payment = tg_q_get_text(q, 11),
            .intent = {.number = (uint32_t)tg_q_get_int(q, 1),
                       .kind = (enum tg_intent_kind)tg_q_get_int(q, 2),
                       .state = (enum tg_intent_state)tg_q_get_int(q, 3),
                       .amount = tg_q_get_int(q, 6),
                       .asked_wall = tg_q_get_int(q, 8),
                       .changed_wall = tg_q_get_int(q, 9),
                       .asks = (uint32_t)tg_q_get_int(q, 12),
                       .of = (uint32_t)tg_q_get_int(q, 13)},
        };

        tg_q_copy_text(q, 4, row.intent.provider, sizeof(row.intent.provider));
        tg_q_copy_text(q, 5, row.intent.reference, sizeof(row.intent.reference));
        tg_q_copy_text(q, 14, row.intent.operation, sizeof(row.intent.operation));
        err = tg_intent_kind_name(row.intent.kind) == NULL ||
                      tg_intent_state_name(row.intent.state) == NULL
                  ? TG_ERR_MALFORMED
                  : each(ctx, &row);
    }
    ended = tg_q_end(q);
    return err != TG_OK ? err : ended;
}

static enum tg_sql intents_walk(const struct tg_history_page *page)
{
    if (page->show != UINT16_MAX)
        return TG_SQL_INTENTS_OF_SHOW;
    if (page->state == TG_INTENT_ASKED)
        return TG_SQL_INTENTS_ASKED;
    return page->state == TG_INTENT_FAILED ? TG_SQL_INTENTS_FAILED : TG_SQL_ALL_INTENTS;
}

tg_err tg_read_intents(struct tg_read_db *db, const struct tg_history_page *page,
                       tg_read_intent_fn each, void *ctx, int64_t *ret_left)
{
    tg_err err = tg_read_begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    err = page_window(db, page, ret_left);
    if (err != TG_OK)
        return tg_read_end(db, err);
    q = tg_q(&db->db, intents_walk(page));
    tg_q_int(&q, page->order_number);
    tg_q_int(&q, page->number);
    tg_q_int(&q, page->state);
    tg_q_int(&q, page->show == UINT16_MAX ? -1 : page->show);
    tg_q_int(&q, page->limit);
    tg_q_int(&q, *ret_left);
    return tg_read_end(db, walk_intents(&q, each, ctx));
}

/* --- codes --- */

static tg_err walk_codes(struct tg_read_db *db, struct tg_q *q, tg_read_code_fn each, void *ctx,
                         tg_err none)
{
    tg_err err = none;
    bool any = false;
    tg_err ended;

    while ((err == TG_OK || !any) && tg_q_row(q)) {
        char show[TG_SHOW_ID_MAX + 1];
        struct tg_discount *d = NULL;

        any = true;
        err = tg_row_discount(&db->db, q, &d, show);
        if (err == TG_OK)
            err = each(ctx, d, show);
        tg_discount_free(d);
    }
    ended = tg_q_end(q);
    return ended != TG_OK ? ended : err;
}

tg_err tg_read_codes(struct tg_read_db *db, const char *above, uint32_t limit, tg_read_code_fn each,
                     void *ctx)
{
    tg_err err = tg_read_begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_CODES_AFTER);
    tg_q_text(&q, above);
    tg_q_int(&q, limit);
    return tg_read_end(db, walk_codes(db, &q, each, ctx, TG_OK));
}

tg_err tg_read_code(struct tg_read_db *db, const char *code, tg_read_code_fn each, void *ctx)
{
    tg_err err = tg_read_begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_CODE);
    tg_q_text(&q, code);
    return tg_read_end(db, walk_codes(db, &q, each, ctx, TG_ERR_NOTFOUND));
}
