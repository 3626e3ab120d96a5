/* postgres_priv.h - the parts of the PostgreSQL engine. */
#ifndef TG_STORE_POSTGRES_PRIV_H
#define TG_STORE_POSTGRES_PRIV_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "store/db_priv.h"
#include "store/sql_text.h"

/* A bound value, borrowed until the statement is run. */
struct tg_pg_value {
    enum tg_db_value kind;
    bool is_int;
    int64_t number;
    const void *data;
    size_t len;
};

/* The three forms of one row of sql.def. */
enum tg_pg_form { TG_PG_PLAIN, TG_PG_BULK, TG_PG_MANY, TG_PG_FORMS };

struct tg_pg_stmt {
    bool prepared[TG_PG_FORMS]; /* on this connection */
    bool described;
    int params;
    Oid types[TG_SQL_PARAMS_MAX];
    struct tg_pg_value values[TG_SQL_PARAMS_MAX]; /* of the use that is being bound */
    PGresult *result;
    int first_column;   /* of the row's own: 2 behind a key's place */
    struct tg_buf blob; /* a BYTEA column, decoded */
    /* Collected rows: an array a parameter. */
    struct tg_buf arrays[TG_SQL_PARAMS_MAX];
    bool has_null[TG_SQL_PARAMS_MAX];
    size_t rows;
};

enum tg_pg_phase { TG_PG_UP, TG_PG_DOWN, TG_PG_CONNECTING };

struct tg_pg {
    PGconn *conn;
    struct tg_pg_stmt *stmts[TG_SQL_COUNT];
    size_t rows_waiting; /* collected and not sent, of all statements */
    size_t bytes_waiting;
    enum tg_db_mode mode;
    bool unhurried;          /* no time limit: see tg_db_unhurried */
    const atomic_bool *stop; /* ... until this, if not NULL */
    /* Getting a lost connection back. */
    enum tg_pg_phase phase;
    tg_us retry_at;
    tg_us give_up_at;
    tg_us backoff_us;
    PostgresPollingStatusType polling;
    /* How to connect. */
    char *url;
    char *password;
    char *name;
};

static inline struct tg_pg *tg_pg_of(const struct tg_db *db)
{
    return db->conn;
}

/* --- postgres_ask.c --- */

/* The connection is of no use any more; what was collected goes with it. */
void tg_pg_lost(struct tg_pg *p);
/* Notes why in db->error; a dead connection is noted as lost. `result` may be NULL; is cleared. */
tg_err tg_pg_failed(struct tg_db *db, PGresult *take_result);
/* The next result of what was sent; waits no longer than a statement may last. */
PGresult *tg_pg_result(struct tg_db *db);
/* The result of the one thing that was sent. */
TG_MUST_CHECK tg_err tg_pg_finish(struct tg_db *db, int sent, PGresult **ret);
/* One or more statements without values. *ret may be NULL: the result is not wanted. */
TG_MUST_CHECK tg_err tg_pg_simple(struct tg_db *db, const char *sql, PGresult **ret);

/* --- db_postgres.c --- */

extern const struct tg_db_ops tg_pg_ops;

/* Makes a form ready; types and params are known then. */
TG_MUST_CHECK tg_err tg_pg_prepare(struct tg_db *db, enum tg_sql which, enum tg_pg_form form);
/* Room for the statement's state. */
TG_MUST_CHECK tg_err tg_pg_stmt(struct tg_pg_stmt **ret, struct tg_db *db, enum tg_sql which);
void tg_pg_name(char out[16], enum tg_sql which, enum tg_pg_form form);

/* --- postgres_bulk.c --- */

/* Add the bound values to the collected rows. */
TG_MUST_CHECK tg_err tg_pg_collect(struct tg_db *db, enum tg_sql which, struct tg_pg_stmt *st);
/* Send the collected rows, statement by statement in sql.def's order; and a COMMIT behind them.
 * One round trip. */
TG_MUST_CHECK tg_err tg_pg_flush(struct tg_db *db, bool commit);
/* Throw them away. */
void tg_pg_drop(struct tg_pg *p);
TG_MUST_CHECK tg_err tg_pg_each(struct tg_db *db, enum tg_sql which, size_t count,
                                const struct tg_q_many *many);

/* --- postgres_open.c --- */

TG_MUST_CHECK tg_err tg_pg_ready(struct tg_db *db, tg_us now);
/* Whatever schema is there. On failure db wants tg_db_close. */
TG_MUST_CHECK tg_err tg_pg_connect(struct tg_db *db, const struct tg_db_cfg *cfg,
                                   enum tg_db_mode mode);

/* --- postgres_schema.c --- */

/* The first column of the first row; 0 = no row. */
TG_MUST_CHECK tg_err tg_pg_number(struct tg_db *db, const char *sql, int64_t *ret);
/* 0 = nothing is there. UNSUPPORTED: another program's, or a newer torg's. */
TG_MUST_CHECK tg_err tg_pg_version(struct tg_db *db, int64_t *ret);
/* Is it the version that this torg knows? The writer sees to it that it is. */
TG_MUST_CHECK tg_err tg_pg_check_schema(struct tg_db *db, const struct tg_db_cfg *cfg);
#endif
