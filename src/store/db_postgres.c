/* PostgreSQL behind db.h: statements and their values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/postgres_priv.h"

enum {
    SQL_MAX = 64 * 1024,
    BLOB_MAX = 16 * 1024 * 1024,
    OID_BYTEA = 17,
    NUMBER_SIZE = 24,
};

/* --- preparing --- */

tg_err tg_pg_stmt(struct tg_pg_stmt **ret, struct tg_db *db, enum tg_sql which)
{
    struct tg_pg *p = tg_pg_of(db);

    if (p->stmts[which] == NULL) {
        struct tg_pg_stmt *st = tg_calloc(1, sizeof(*st));

        if (st == NULL)
            return TG_ERR_NOMEM;
        tg_buf_init(&st->blob, BLOB_MAX);
        p->stmts[which] = st;
    }
    *ret = p->stmts[which];
    return TG_OK;
}

void tg_pg_name(char out[16], enum tg_sql which, enum tg_pg_form form)
{
    tg_str_printf(out, 16, "%c%d", "pbm"[form], (int)which);
}

static const char *type_name(Oid type)
{
    switch (type) {
    case 16:
        return "boolean";
    case 17:
        return "bytea";
    case 20:
        return "bigint";
    case 23:
        return "integer";
    case 25:
        return "text";
    default:
        return NULL;
    }
}

static tg_err form_text(struct tg_buf *out, const struct tg_pg_stmt *st,
                        const struct tg_sql_text *text, enum tg_pg_form form)
{
    const char *sql = text->postgres;
    const char *types[TG_SQL_PARAMS_MAX];
    int params;

    if (form == TG_PG_PLAIN)
        return tg_sql_plain(out, sql, &params);
    for (int i = 0; i < st->params; i++) {
        types[i] = type_name(st->types[i]);
        if (types[i] == NULL)
            return TG_ERR_BUG;
    }
    return form == TG_PG_BULK ? tg_sql_bulk(out, sql, types, st->params, text->once)
                              : tg_sql_many(out, sql, types, st->params);
}

static tg_err describe(struct tg_db *db, struct tg_pg_stmt *st, const char *name)
{
    PGresult *result = NULL;
    tg_err err = tg_pg_finish(db, PQsendDescribePrepared(tg_pg_of(db)->conn, name), &result);

    if (err != TG_OK)
        return err;
    st->params = PQnparams(result);
    TG_ASSERT(st->params <= TG_SQL_PARAMS_MAX); /* tg_sql_plain saw to it */
    for (int i = 0; i < st->params; i++)
        st->types[i] = PQparamtype(result, i);
    PQclear(result);
    st->described = true;
    return TG_OK;
}

// NOLINTNEXTLINE(misc-no-recursion): one level
tg_err tg_pg_prepare(struct tg_db *db, enum tg_sql which, enum tg_pg_form form)
{
    struct tg_pg *p = tg_pg_of(db);
    struct tg_pg_stmt *st = NULL;
    struct tg_buf sql;
    char name[16];
    tg_err err = tg_pg_stmt(&st, db, which);

    if (err == TG_OK && !st->described && form != TG_PG_PLAIN)
        err = tg_pg_prepare(db, which, TG_PG_PLAIN);
    if (err != TG_OK || st->prepared[form])
        return err;
    tg_pg_name(name, which, form);
    tg_buf_init(&sql, SQL_MAX);
    err = form_text(&sql, st, &tg_sql_texts[which], form);
    if (err == TG_OK)
        err = tg_pg_finish(db, PQsendPrepare(p->conn, name, tg_buf_cstr(&sql), 0, NULL), NULL);
    else
        tg_str_printf(db->error, sizeof(db->error), "%s has no form for many rows",
                      tg_sql_texts[which].name);
    tg_buf_done(&sql);
    if (err == TG_OK && form == TG_PG_PLAIN && !st->described)
        err = describe(db, st, name);
    st->prepared[form] = err == TG_OK;
    return err;
}

/* --- one use of a statement --- */

static void pg_use(struct tg_q *q)
{
    struct tg_pg *p = tg_pg_of(q->db);
    struct tg_pg_stmt *st = NULL;

    /* Readers come back by themselves; the writer's connection is its store's affair. */
    if (p->mode == TG_DB_READ && PQtransactionStatus(p->conn) != PQTRANS_INTRANS)
        q->err = tg_pg_ready(q->db, tg_clock_mono());
    if (p->phase != TG_PG_UP) {
        tg_str_cut(q->db->error, sizeof(q->db->error), "no connection to the database");
        q->err = TG_ERR_CLOSED;
        return;
    }
    q->err = tg_pg_stmt(&st, q->db, q->which);
    q->st = st;
    q->row = -1;
    if (st != NULL)
        st->first_column = 0;
}

static struct tg_pg_value *next_value(struct tg_q *q)
{
    struct tg_pg_stmt *st = q->st;

    TG_ASSERT(q->bound < TG_SQL_PARAMS_MAX);
    return &st->values[q->bound++];
}

static void pg_bind_int(struct tg_q *q, int64_t value)
{
    *next_value(q) = (struct tg_pg_value){.kind = TG_DB_TEXT, .is_int = true, .number = value};
}

static void pg_bind(struct tg_q *q, enum tg_db_value kind, const void *data, size_t len)
{
    *next_value(q) = (struct tg_pg_value){.kind = kind, .data = data, .len = len};
}

/* BEGIN and its like are no prepared statements: they must work in a failed transaction. */
static bool is_transaction(enum tg_sql which)
{
    return which == TG_SQL_BEGIN || which == TG_SQL_BEGIN_READ || which == TG_SQL_BEGIN_BATCH ||
           which == TG_SQL_COMMIT || which == TG_SQL_ROLLBACK;
}

/* Bytes are sent as they are, numbers as text. */
static tg_err send_plain(struct tg_q *q)
{
    struct tg_pg_stmt *st = q->st;
    const char *data[TG_SQL_PARAMS_MAX];
    int lens[TG_SQL_PARAMS_MAX];
    int formats[TG_SQL_PARAMS_MAX];
    char numbers[TG_SQL_PARAMS_MAX][NUMBER_SIZE];
    char name[16];

    if (q->bound != st->params) {
        tg_str_printf(q->db->error, sizeof(q->db->error), "%s: %d values for %d places",
                      tg_sql_texts[q->which].name, q->bound, st->params);
        return TG_ERR_BUG;
    }
    for (int i = 0; i < q->bound; i++) {
        const struct tg_pg_value *v = &st->values[i];

        lens[i] = (int)v->len;
        /* Binary also for text: it is taken by its length and need not end in a NUL. */
        formats[i] = v->is_int ? 0 : 1;
        data[i] = v->kind == TG_DB_NULL ? NULL : v->data == NULL ? "" : v->data;
        if (v->is_int) {
            tg_str_printf(numbers[i], NUMBER_SIZE, "%lld", (long long)v->number);
            data[i] = numbers[i];
        }
    }
    tg_pg_name(name, q->which, TG_PG_PLAIN);
    return tg_pg_finish(
        q->db, PQsendQueryPrepared(tg_pg_of(q->db)->conn, name, q->bound, data, lens, formats, 0),
        &st->result);
}

static tg_err ask(struct tg_q *q)
{
    struct tg_pg *p = tg_pg_of(q->db);
    struct tg_pg_stmt *st = q->st;
    tg_err err = TG_OK;

    if (q->which == TG_SQL_COMMIT)
        return tg_pg_flush(q->db, true);
    if (is_transaction(q->which))
        return tg_pg_simple(q->db, tg_sql_texts[q->which].postgres, &st->result);
    if (p->rows_waiting > 0)
        err = tg_pg_flush(q->db, false);
    if (err == TG_OK)
        err = tg_pg_prepare(q->db, q->which, TG_PG_PLAIN);
    return err == TG_OK ? send_plain(q) : err;
}

static bool pg_row(struct tg_q *q)
{
    const struct tg_pg_stmt *st = q->st;

    if (st->result == NULL) {
        q->err = ask(q);
        if (q->err != TG_OK)
            return false;
    }
    return ++q->row < PQntuples(st->result);
}

static void pg_run(struct tg_q *q)
{
    struct tg_pg *p = tg_pg_of(q->db);
    const struct tg_pg_stmt *st = q->st;

    if (tg_sql_texts[q->which].bulk && PQtransactionStatus(p->conn) == PQTRANS_INTRANS)
        q->err = tg_pg_collect(q->db, q->which, q->st);
    else
        q->err = ask(q);
    if (q->err == TG_OK && st->result != NULL)
        q->changed = strtoll(PQcmdTuples(st->result), NULL, 10);
}

static void pg_end(struct tg_q *q)
{
    struct tg_pg_stmt *st = q->st;

    if (st == NULL)
        return;
    PQclear(st->result);
    st->result = NULL;
}

static const char *value_at(const struct tg_q *q, int column)
{
    const struct tg_pg_stmt *st = q->st;

    return PQgetvalue(st->result, q->row, column + st->first_column);
}

static int64_t pg_get_int(const struct tg_q *q, int column)
{
    /* "" for NULL becomes 0, as in SQLite; sums come as numeric without a fraction. */
    return strtoll(value_at(q, column), NULL, 10);
}

static const char *pg_get_text(const struct tg_q *q, int column)
{
    return value_at(q, column);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

static const void *pg_get_blob(const struct tg_q *q, int column, size_t *ret_len)
{
    struct tg_pg_stmt *st = q->st;
    const char *hex = value_at(q, column);

    if (PQftype(st->result, column + st->first_column) != OID_BYTEA) {
        *ret_len = strlen(hex);
        return hex;
    }
    tg_buf_clear(&st->blob);
    for (hex += *hex == '\\' ? 2 : 0; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        uint8_t byte = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));

        tg_buf_add(&st->blob, &byte, 1);
    }
    *ret_len = st->blob.err == TG_OK ? st->blob.len : 0;
    return st->blob.data;
}

static bool pg_is_null(const struct tg_q *q, int column)
{
    const struct tg_pg_stmt *st = q->st;

    return PQgetisnull(st->result, q->row, column + st->first_column) == 1;
}

static tg_err pg_prepare(struct tg_db *db, enum tg_sql which)
{
    tg_err err;

    if (is_transaction(which))
        return TG_OK;
    err = tg_pg_prepare(db, which, TG_PG_PLAIN);
    if (err == TG_OK && tg_sql_texts[which].bulk)
        err = tg_pg_prepare(db, which, TG_PG_BULK);
    return err;
}

static void pg_rollback(struct tg_db *db)
{
    struct tg_pg *p = tg_pg_of(db);
    char why[sizeof(db->error)];

    tg_pg_drop(p);
    if (p->phase != TG_PG_UP || PQtransactionStatus(p->conn) == PQTRANS_IDLE)
        return;
    memcpy(why, db->error, sizeof(why));
    if (tg_pg_simple(db, "ROLLBACK", NULL) == TG_OK)
        memcpy(db->error, why, sizeof(why));
    else
        tg_pg_lost(p); /* a connection whose state nobody knows is of no use */
}

static tg_err pg_unhurried(struct tg_db *db, const atomic_bool *stop)
{
    struct tg_pg *p = tg_pg_of(db);

    p->unhurried = true;
    p->stop = stop;
    return tg_pg_simple(db,
                        "SET statement_timeout = 0; SET lock_timeout = 0;"
                        "SET idle_in_transaction_session_timeout = 0;"
                        "SET enable_seqscan = on; SET work_mem = '64MB'",
                        NULL);
}

static void pg_close(struct tg_db *db)
{
    struct tg_pg *p = tg_pg_of(db);

    for (size_t i = 0; i < TG_SQL_COUNT; i++) {
        struct tg_pg_stmt *st = p->stmts[i];

        if (st == NULL)
            continue;
        PQclear(st->result);
        tg_buf_done(&st->blob);
        for (size_t k = 0; k < TG_SQL_PARAMS_MAX; k++)
            tg_buf_done(&st->arrays[k]);
        tg_free(st);
    }
    PQfinish(p->conn);
    tg_free(p->url);
    tg_free(p->name);
    if (p->password != NULL)
        explicit_bzero(p->password, strlen(p->password));
    tg_free(p->password);
    tg_free(p);
}

static tg_err pg_exec(struct tg_db *db, const char *sql)
{
    return tg_pg_simple(db, sql, NULL);
}

const struct tg_db_ops tg_pg_ops = {
    .engine = TG_DB_POSTGRES,
    .close = pg_close,
    .exec = pg_exec,
    .ready = tg_pg_ready,
    .rollback = pg_rollback,
    .unhurried = pg_unhurried,
    .prepare = pg_prepare,
    .use = pg_use,
    .bind_int = pg_bind_int,
    .bind = pg_bind,
    .run = pg_run,
    .row = pg_row,
    .end = pg_end,
    .get_int = pg_get_int,
    .get_text = pg_get_text,
    .get_blob = pg_get_blob,
    .is_null = pg_is_null,
    .each = tg_pg_each,
};
