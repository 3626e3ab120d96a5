/*
 * db.h - one SQLite connection: opening it safely, its prepared statements, rows in and out.
 *
 * Every statement of torg is a row of sql.def: prepared once, values only ever bound. Owner: one
 * thread per connection.
 */
#ifndef TG_STORE_DB_H
#define TG_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum tg_sql {
#define TG_SQL(name, text) TG_SQL_##name,
#include "store/sql.def"
#undef TG_SQL
    TG_SQL_COUNT
};

struct sqlite3;
struct sqlite3_stmt;

struct tg_db {
    struct sqlite3 *raw;
    struct sqlite3_stmt *stmts[TG_SQL_COUNT];
    char error[192]; /* of the last failure */
};

/* Errors of all functions: see store.h. */
enum tg_db_mode { TG_DB_WRITE, TG_DB_WRITE_FAST, TG_DB_READ };
/* reterr: plain words. On failure *db needs no tg_db_close. */
TG_MUST_CHECK tg_err tg_db_open(struct tg_db *db, const char *path, enum tg_db_mode mode,
                                char reterr[256]);
void tg_db_close(struct tg_db *db);
/* Fixed SQL without values: pragmas, migrations. */
TG_MUST_CHECK tg_err tg_db_exec(struct tg_db *db, const char *sql);

/* One use of a statement: bind in order, then run or walk the rows. Sticky error. */
struct tg_q {
    struct tg_db *db;
    struct sqlite3_stmt *st;
    int bound;
    int rc;
};
struct tg_q tg_q(struct tg_db *db, enum tg_sql which);
void tg_q_int(struct tg_q *q, int64_t value);
/* Borrowed until run or end. */
void tg_q_text(struct tg_q *q, const char *text);
void tg_q_blob(struct tg_q *q, const void *data, size_t len);
void tg_q_null(struct tg_q *q);
/* For statements without rows. Ends the use. */
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

#endif
