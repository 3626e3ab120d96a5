#include "store/audit.h"

#include <stdio.h>

#include "base/str.h"
#include "store/store_priv.h"

tg_err tg_db_audit(struct tg_db *db, tg_audit_fn each, void *ctx)
{
    struct tg_q q = tg_q(db, TG_SQL_AUDIT);
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_audit_row row = {.location = (uint16_t)tg_q_get_int(&q, 1),
                                   .moved_on_hand = tg_q_get_int(&q, 2),
                                   .moved_held = tg_q_get_int(&q, 3),
                                   .moved_sold = tg_q_get_int(&q, 4),
                                   .kept_on_hand = tg_q_get_int(&q, 5),
                                   .kept_held = tg_q_get_int(&q, 6),
                                   .kept_sold = tg_q_get_int(&q, 7),
                                   .orders_held = tg_q_get_int(&q, 8),
                                   .orders_sold = tg_q_get_int(&q, 9),
                                   .offered = tg_q_get_int(&q, 10)};

        tg_q_copy_text(&q, 0, row.sku, sizeof(row.sku));
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

tg_err tg_store_audit_page(struct tg_store *store, const char *above, uint32_t limit,
                           tg_audit_fn each, void *ctx)
{
    struct tg_q q = tg_q(&tg_store_db(store)->db, TG_SQL_AUDIT_PAGE);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_text(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_audit_row row = {.location = (uint16_t)tg_q_get_int(&q, 1),
                                   .kept_on_hand = tg_q_get_int(&q, 2),
                                   .kept_held = tg_q_get_int(&q, 3),
                                   .kept_sold = tg_q_get_int(&q, 4),
                                   .offered = tg_q_get_int(&q, 5)};

        tg_q_copy_text(&q, 0, row.sku, sizeof(row.sku));
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

static tg_err run(struct tg_db *db, enum tg_sql which)
{
    struct tg_q q = tg_q(db, which);

    return tg_q_run(&q);
}

tg_err tg_audit_snapshot(const struct tg_db_cfg *cfg, const atomic_bool *stop, tg_audit_fn each,
                         void *ctx, char reterr[256])
{
    struct tg_db db;
    tg_err err = tg_db_open(&db, cfg, TG_DB_READ, reterr);

    if (err != TG_OK)
        return err;
    err = tg_db_unhurried(&db, stop);
    if (err == TG_OK)
        err = run(&db, TG_SQL_BEGIN_READ);
    if (err == TG_OK)
        err = tg_db_audit(&db, each, ctx);
    if (err == TG_OK)
        err = run(&db, TG_SQL_COMMIT);
    if (err != TG_OK)
        (void)snprintf(reterr, 256, "the database could not be read: %.160s", db.error);
    tg_db_close(&db);
    return err;
}

/* --- before and after the schema changes --- */

/* In TALLY's order. */
static const char *const names[TG_TALLY_SIZE] = {
    "shows",  "tokens", "products",    "variants",        "price changes",
    "people", "orders", "order lines", "units in orders", "stock movements"};

tg_err tg_db_tally(struct tg_db *db, struct tg_tally *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_TALLY);

    if (tg_q_row(&q))
        for (int i = 0; i < TG_TALLY_SIZE; i++)
            ret->rows[i] = tg_q_get_int(&q, i);
    return tg_q_end(&q);
}

static tg_err nothing_lost(struct tg_db *db, const struct tg_tally *before)
{
    struct tg_tally now = {0};
    tg_err err = tg_db_tally(db, &now);

    for (size_t i = 0; err == TG_OK && i < TG_TALLY_SIZE; i++) {
        if (now.rows[i] == before->rows[i])
            continue;
        tg_str_printf(db->error, sizeof(db->error),
                      "the new schema would have %lld %s where there are %lld",
                      (long long)now.rows[i], names[i], (long long)before->rows[i]);
        err = TG_ERR_MALFORMED;
    }
    return err;
}

static tg_err nothing_dangles(struct tg_db *db)
{
    struct tg_q q = tg_q(db, TG_SQL_ORPHANS);
    char why[sizeof(db->error)] = "";
    tg_err err;

    while (why[0] == '\0' && tg_q_row(&q)) {
        if (tg_q_get_int(&q, 1) != 0)
            (void)snprintf(why, sizeof(why), "%lld rows of %.60s name what is not there",
                           (long long)tg_q_get_int(&q, 1), tg_q_get_text(&q, 0));
    }
    err = tg_q_end(&q);
    if (err != TG_OK || why[0] == '\0')
        return err;
    tg_str_cut(db->error, sizeof(db->error), why);
    return TG_ERR_MALFORMED;
}

static tg_err must_add_up(void *ctx, const struct tg_audit_row *row)
{
    char *out = ctx;
    char why[160];

    if (tg_audit_row_ok(row, why))
        return TG_OK;
    (void)snprintf(out, 192, "the stock of %.60s does not add up: %.90s", row->sku, why);
    return TG_ERR_MALFORMED;
}

tg_err tg_db_verify(struct tg_db *db, const struct tg_tally *before)
{
    char why[sizeof(db->error)] = "";
    tg_err err = nothing_lost(db, before);

    if (err == TG_OK)
        err = nothing_dangles(db);
    if (err == TG_OK)
        err = tg_db_audit(db, must_add_up, why);
    if (why[0] != '\0')
        tg_str_cut(db->error, sizeof(db->error), why);
    return err;
}
