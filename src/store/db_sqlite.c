/* SQLite behind db.h: statements and results. */
#include "base/alloc.h"
#include "base/str.h"
#include "store/sqlite_priv.h"

enum { LOOK_EVERY_STEPS = 100000 }; /* of SQLite's machine, between two looks at the stop flag */

tg_err tg_lite_err(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return TG_OK;
    case SQLITE_NOMEM:
        return TG_ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TG_ERR_AGAIN;
    case SQLITE_INTERRUPT:
        return TG_ERR_CLOSED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TG_ERR_MALFORMED;
    case SQLITE_CONSTRAINT:
        return TG_ERR_CONFLICT;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return TG_ERR_BUG;
    default:
        return TG_ERR_IO;
    }
}

tg_err tg_lite_failed(struct tg_db *db, int rc)
{
    const struct tg_lite *l = tg_lite_of(db);

    tg_str_cut(db->error, sizeof(db->error), l->raw != NULL ? sqlite3_errmsg(l->raw) : "");
    return tg_lite_err(rc);
}

tg_err tg_lite_exec(struct tg_db *db, const char *sql)
{
    int rc = sqlite3_exec(tg_lite_of(db)->raw, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? TG_OK : tg_lite_failed(db, rc);
}

static void lite_close(struct tg_db *db)
{
    struct tg_lite *l = tg_lite_of(db);

    for (size_t i = 0; i < TG_SQL_COUNT; i++)
        (void)sqlite3_finalize(l->stmts[i]); /* repeats the error of its last step */
    (void)sqlite3_close(l->raw);             /* busy is impossible: all statements are gone */
    tg_free(l);
}

static tg_err lite_ready(struct tg_db *db, tg_us now)
{
    (void)db;
    (void)now;
    return TG_OK;
}

static int look_at_stop(void *ctx)
{
    const struct tg_lite *l = ctx;

    return atomic_load(l->stop) ? 1 : 0;
}

static tg_err lite_unhurried(struct tg_db *db, const atomic_bool *stop)
{
    struct tg_lite *l = tg_lite_of(db);

    l->stop = stop;
    sqlite3_progress_handler(l->raw, LOOK_EVERY_STEPS, stop == NULL ? NULL : look_at_stop, l);
    return TG_OK;
}

void tg_lite_rollback(struct tg_db *db)
{
    sqlite3 *raw = tg_lite_of(db)->raw;

    /* A full disk makes SQLite roll back by itself; then there is nothing left to do. The error
     * text of the failure that led here must survive, so this goes around tg_q. */
    if (sqlite3_get_autocommit(raw) == 0)
        (void)sqlite3_exec(raw, "ROLLBACK", NULL, NULL, NULL);
}

/* --- one use of a statement --- */

static void check(struct tg_q *q, int rc)
{
    if (rc != SQLITE_OK)
        q->err = tg_lite_failed(q->db, rc);
}

static void lite_use(struct tg_q *q)
{
    struct tg_lite *l = tg_lite_of(q->db);

    if (l->stmts[q->which] == NULL)
        check(q, sqlite3_prepare_v3(l->raw, tg_sql_texts[q->which].sqlite, -1,
                                    SQLITE_PREPARE_PERSISTENT, &l->stmts[q->which], NULL));
    q->st = l->stmts[q->which];
}

static tg_err lite_prepare(struct tg_db *db, enum tg_sql which)
{
    struct tg_q q = tg_q(db, which);

    return tg_q_end(&q);
}

static void lite_bind_int(struct tg_q *q, int64_t value)
{
    check(q, sqlite3_bind_int64(q->st, ++q->bound, value));
}

static void lite_bind(struct tg_q *q, enum tg_db_value kind, const void *data, size_t len)
{
    int at = ++q->bound;

    switch (kind) {
    case TG_DB_TEXT:
        check(q, sqlite3_bind_text64(q->st, at, data, len, SQLITE_STATIC, SQLITE_UTF8));
        break;
    case TG_DB_BLOB:
        check(q, sqlite3_bind_blob64(q->st, at, data, len, SQLITE_STATIC));
        break;
    case TG_DB_NULL:
        check(q, sqlite3_bind_null(q->st, at));
        break;
    }
}

static bool lite_row(struct tg_q *q)
{
    int rc = sqlite3_step(q->st);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        q->err = tg_lite_failed(q->db, rc);
    return rc == SQLITE_ROW;
}

static void lite_run(struct tg_q *q)
{
    while (lite_row(q))
        continue;
    q->changed = sqlite3_changes64(sqlite3_db_handle(q->st));
}

static void lite_end(struct tg_q *q)
{
    if (q->st == NULL)
        return;
    (void)sqlite3_reset(q->st); /* repeats the step's error, which is in q->err */
    (void)sqlite3_clear_bindings(q->st);
}

static int64_t lite_get_int(const struct tg_q *q, int column)
{
    return sqlite3_column_int64(q->st, column);
}

static const char *lite_get_text(const struct tg_q *q, int column)
{
    const void *text = sqlite3_column_text(q->st, column);

    return text == NULL ? "" : text;
}

static const void *lite_get_blob(const struct tg_q *q, int column, size_t *ret_len)
{
    const void *data = sqlite3_column_blob(q->st, column);

    *ret_len = (size_t)sqlite3_column_bytes(q->st, column);
    return data;
}

static bool lite_is_null(const struct tg_q *q, int column)
{
    return sqlite3_column_type(q->st, column) == SQLITE_NULL;
}

/* There is no round trip to save: one key after the other. */
static tg_err lite_each(struct tg_db *db, enum tg_sql which, size_t count,
                        const struct tg_q_many *many)
{
    struct tg_q q = tg_q(db, which);
    tg_err err = q.err;

    for (size_t i = 0; err == TG_OK && i < count; i++) {
        if (!many->bind(many->ctx, i, &q))
            continue;
        while (err == TG_OK && tg_q_row(&q))
            err = many->row(many->ctx, i, &q);
        if (err == TG_OK)
            err = q.err;
        if (err == TG_OK && many->end != NULL)
            err = many->end(many->ctx, i);
        lite_end(&q);
        q.bound = 0;
    }
    return err;
}

const struct tg_db_ops tg_lite_ops = {
    .engine = TG_DB_SQLITE,
    .close = lite_close,
    .exec = tg_lite_exec,
    .ready = lite_ready,
    .rollback = tg_lite_rollback,
    .unhurried = lite_unhurried,
    .prepare = lite_prepare,
    .use = lite_use,
    .bind_int = lite_bind_int,
    .bind = lite_bind,
    .run = lite_run,
    .row = lite_row,
    .end = lite_end,
    .get_int = lite_get_int,
    .get_text = lite_get_text,
    .get_blob = lite_get_blob,
    .is_null = lite_is_null,
    .each = lite_each,
};
