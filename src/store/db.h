/*
 * db.h - one connection to a database, whichever it is: opening it safely, its prepared statements,
 * rows in and out.
 *
 * Every statement of torg is a row of sql.def, the same text for SQLite and PostgreSQL: prepared
 * once a connection, values only ever bound. Only app/ picks the engine, by the URL. Owner: one
 * thread per connection.
 */
#ifndef TG_STORE_DB_H
#define TG_STORE_DB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/macros.h"

enum tg_sql {
#define TG_SQL(name, text) TG_SQL_##name,
#include "store/sql.def"
    TG_SQL_COUNT
};

enum tg_db_engine { TG_DB_SQLITE, TG_DB_POSTGRES };

struct tg_db_cfg {
    /* postgresql://..., or else SQLite: a file's path, made by the writer when it is not there. */
    const char *url;
    const char *password_file; /* PostgreSQL: holds the password; NULL or "" = libpq's own ways */
    const char *name;          /* PostgreSQL: application_name; NULL = "torg" */
    const char *keep_dir; /* PostgreSQL: where the writer puts a copy before the schema changes */
    bool no_backup;       /* ... of which the operator has one of his own */
    bool fast;            /* tests only: SQLite without fsync */
    bool shared;          /* tests only: SQLite for several nodes, one batch at a time */
    tg_us clock_wrong_us; /* tests only: how far this machine's clock is ahead */
};

/* true = the URL names a PostgreSQL database. */
bool tg_db_is_postgres(const char *url);
/* Can it be one, and is there no password in it? MALFORMED with the reason. */
TG_MUST_CHECK tg_err tg_db_check_url(const char *url, char reterr[128]);

struct tg_db_ops;
struct tg_db {
    const struct tg_db_ops *ops;      /* NULL = closed */
    void *conn;                       /* the engine's own */
    char error[192];                  /* of the last failure; no values, no secrets */
    struct tg_log_burst damage_burst; /* of rows that make no sense */
    /* How often each statement was asked and waited for: what is only noted does not count, a query
     * for many keys counts once. */
    uint32_t asked[TG_SQL_COUNT];
};

/* Errors of all functions: see store.h. */
enum tg_db_mode { TG_DB_WRITE, TG_DB_READ };
/* The writer migrates. reterr: plain words. On failure *db needs no tg_db_close. */
TG_MUST_CHECK tg_err tg_db_open(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode,
                                char reterr[256]);
/* NULL conn is legal. An open transaction is lost. */
void tg_db_close(struct tg_db *db);
enum tg_db_engine tg_db_engine(const struct tg_db *db);
/* Fixed SQL without values: pragmas, migrations. */
TG_MUST_CHECK tg_err tg_db_exec(struct tg_db *db, const char *sql);
/*
 * PostgreSQL: gets a lost connection back, step by step and without waiting long: CLOSED = not yet
 * (`now` is monotonic and paces the attempts). OK when the connection stands. SQLite: OK.
 */
TG_MUST_CHECK tg_err tg_db_ready(struct tg_db *db, tg_us now);
/*
 * From now on nothing has a time limit, on a connection that nobody else waits for; a statement
 * under way ends with CLOSED soon after *stop (NULL = never) becomes true. The connection is of no
 * use then.
 */
TG_MUST_CHECK tg_err tg_db_unhurried(struct tg_db *db, const atomic_bool *stop);
/* Prepares every row of sql.def in all its forms; db->error names the first that the engine does
 * not take. For tests, and for a look at a schema that may have been meddled with. */
TG_MUST_CHECK tg_err tg_db_check_statements(struct tg_db *db);
/* Ends whatever transaction is open; the text of the error that led here survives. */
void tg_db_rollback(struct tg_db *db);

/* One use of a statement: bind in order, then run or walk the rows. Sticky error. */
struct tg_q {
    struct tg_db *db;
    enum tg_sql which;
    int bound;
    int row;  /* PostgreSQL: place in the result */
    void *st; /* the engine's statement */
    tg_err err;
    bool asked;      /* it is counted */
    int64_t changed; /* after run: rows that it wrote or deleted (0 of one that is only noted) */
};
struct tg_q tg_q(struct tg_db *db, enum tg_sql which);
void tg_q_int(struct tg_q *q, int64_t value);
/* Borrowed until run or end. */
void tg_q_text(struct tg_q *q, const char *text);
void tg_q_blob(struct tg_q *q, const void *data, size_t len);
void tg_q_null(struct tg_q *q);
/*
 * For statements without rows. Ends the use. A TG_BULK row of sql.def may only be noted here
 * (PostgreSQL, inside a transaction) and sent later with its like; its error comes then.
 */
TG_MUST_CHECK tg_err tg_q_run(struct tg_q *q);
/* The next row; false = end or error, which tg_q_end tells apart. */
bool tg_q_row(struct tg_q *q);
TG_MUST_CHECK tg_err tg_q_end(struct tg_q *q);
/* Columns of the row; text is "" for NULL and valid until the next row. */
int64_t tg_q_get_int(const struct tg_q *q, int column);
const char *tg_q_get_text(const struct tg_q *q, int column);
/* Cut to fit. */
void tg_q_copy_text(const struct tg_q *q, int column, char *out, size_t size);
const void *tg_q_get_blob(const struct tg_q *q, int column, size_t *ret_len);
bool tg_q_is_null(const struct tg_q *q, int column);

/*
 * The same query for many keys: one after the other on SQLite, in one round trip on PostgreSQL.
 * bind may ask `db` nothing else, row and end may.
 */
struct tg_q_many {
    /* Binds key i; false = nothing to ask for it. */
    bool (*bind)(void *ctx, size_t i, struct tg_q *q);
    /* A row of key i; the rows of one key come together, keys in rising order. Of keys that are
     * equal PostgreSQL asks only the first. */
    tg_err (*row)(void *ctx, size_t i, const struct tg_q *q);
    /* After the last row of a key that was asked, also when it had none. May be NULL. */
    tg_err (*end)(void *ctx, size_t i);
    void *ctx;
};
TG_MUST_CHECK tg_err tg_q_each(struct tg_db *db, enum tg_sql which, size_t count,
                               const struct tg_q_many *many);

#endif
