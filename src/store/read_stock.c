/* Stock for staff's lists: counts by place, movements, places. */
#include "base/str.h"
#include "store/read.h"
#include "store/rows_priv.h"

static tg_err position(struct tg_db *db, int64_t moved_after, int64_t *ret)
{
    struct tg_q q = tg_q(db, moved_after > 0 ? TG_SQL_STOCK_MOVED_TO : TG_SQL_STOCK_POSITION);

    *ret = moved_after;
    if (moved_after > 0)
        tg_q_int(&q, moved_after);
    if (tg_q_row(&q))
        *ret = tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}

tg_err tg_read_stock(struct tg_read_db *db, const struct tg_stock_page *page, tg_read_stock_fn each,
                     void *ctx, int64_t *ret_position)
{
    tg_err err = tg_read_begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    err = position(tg_read_conn(db), page->moved_after, ret_position);
    if (err != TG_OK)
        return tg_read_end(db, err);
    q = tg_q(tg_read_conn(db), page->moved_after > 0 ? TG_SQL_STOCK_MOVED_PAGE : TG_SQL_STOCK_PAGE);
    if (page->moved_after > 0)
        tg_q_int(&q, page->moved_after);
    tg_q_text(&q, page->above);
    tg_q_int(&q, page->limit);
    while (err == TG_OK && tg_q_row(&q)) {
        char sku[TG_SKU_MAX + 1];
        char location[TG_LOCATION_SIZE];
        const struct tg_stock_read row = {.sku = sku,
                                          .available = (int32_t)tg_q_get_int(&q, 1),
                                          .rules = {.safety = (int32_t)tg_q_get_int(&q, 2),
                                                    .order_max = (int32_t)tg_q_get_int(&q, 3),
                                                    .person_max = (int32_t)tg_q_get_int(&q, 4)},
                                          .location = location,
                                          .count = {.on_hand = (int32_t)tg_q_get_int(&q, 6),
                                                    .held = (int32_t)tg_q_get_int(&q, 7),
                                                    .sold = (int32_t)tg_q_get_int(&q, 8)},
                                          .version = tg_q_get_int(&q, 9)};

        tg_q_copy_text(&q, 0, sku, sizeof(sku));
        tg_q_copy_text(&q, 5, location, sizeof(location));
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return tg_read_end(db, err != TG_OK ? err : ended);
}

tg_err tg_read_movements(struct tg_read_db *db, const char *sku, tg_us as_of, int64_t id,
                         uint32_t limit, tg_read_movement_fn each, void *ctx)
{
    tg_err err = tg_read_begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(tg_read_conn(db), TG_SQL_MOVEMENTS_OF);
    tg_q_text(&q, sku);
    tg_q_int(&q, as_of);
    tg_q_int(&q, id);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        char location[TG_LOCATION_SIZE];
        char actor[TG_PERSON_ID_SIZE];
        char cause[TG_CAUSE_SIZE];
        const struct tg_movement_read row = {.id = tg_q_get_int(&q, 0),
                                             .location = location,
                                             .movement = (enum tg_movement)tg_q_get_int(&q, 2),
                                             .qty = (int32_t)tg_q_get_int(&q, 3),
                                             .order = tg_q_get_int(&q, 4),
                                             .actor = actor,
                                             .cause = cause,
                                             .at_wall = tg_q_get_int(&q, 7),
                                             .as_of_wall = tg_q_get_int(&q, 8)};

        tg_q_copy_text(&q, 1, location, sizeof(location));
        tg_q_copy_text(&q, 5, actor, sizeof(actor));
        tg_q_copy_text(&q, 6, cause, sizeof(cause));
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return tg_read_end(db, err != TG_OK ? err : ended);
}

static tg_err left_at(struct tg_read_db *db, const char *sku, uint16_t location, int32_t *ret)
{
    struct tg_q q;

    *ret = sku[0] == '\0' ? -1 : 0;
    if (sku[0] == '\0')
        return TG_OK;
    q = tg_q(tg_read_conn(db), TG_SQL_STOCK_AT);
    tg_q_text(&q, sku);
    tg_q_int(&q, location);
    if (tg_q_row(&q))
        *ret = (int32_t)tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}

tg_err tg_read_locations(struct tg_read_db *db, const char *sku, tg_read_location_fn each,
                         void *ctx)
{
    tg_err err = tg_read_begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(tg_read_conn(db), TG_SQL_LOCATIONS);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_location l;
        int32_t left;

        tg_row_location(&q, &l);
        err = left_at(db, sku, l.ord, &left);
        if (err == TG_OK)
            err = each(ctx, &l, left);
    }
    ended = tg_q_end(&q);
    return tg_read_end(db, err != TG_OK ? err : ended);
}
