#include "store/db.h"

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/str.h"
#include "store/migrations.h"

enum { BUSY_MS = 5000, CHECK_SIZE_MAX = 64 * 1024 * 1024 };

/* "torg" in the file's header: another program's database is not ours to migrate. */
#define APPLICATION_ID 0x746f7267

static const char *const texts[TG_SQL_COUNT] = {
#define TG_SQL(name, text) text,
#include "store/sql.def"
#undef TG_SQL
};

static tg_err err_of(int rc)
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

static tg_err failed(struct tg_db *db, int rc)
{
    tg_str_cut(db->error, sizeof(db->error), db->raw != NULL ? sqlite3_errmsg(db->raw) : "");
    return err_of(rc);
}

tg_err tg_db_exec(struct tg_db *db, const char *sql)
{
    int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? TG_OK : failed(db, rc);
}

void tg_db_close(struct tg_db *db)
{
    for (size_t i = 0; i < TG_SQL_COUNT; i++)
        (void)sqlite3_finalize(db->stmts[i]); /* repeats the error of its last step */
    (void)sqlite3_close(db->raw);             /* busy is impossible: all statements are gone */
    *db = (struct tg_db){0};
}

/* --- one use of a statement --- */

struct tg_q tg_q(struct tg_db *db, enum tg_sql which)
{
    struct tg_q q = {.db = db, .rc = SQLITE_OK};

    if (db->stmts[which] == NULL)
        q.rc = sqlite3_prepare_v3(db->raw, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->stmts[which], NULL);
    q.st = db->stmts[which];
    return q;
}

static void bound(struct tg_q *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void tg_q_int(struct tg_q *q, int64_t value)
{
    bound(q, sqlite3_bind_int64(q->st, ++q->bound, value));
}

void tg_q_text(struct tg_q *q, const char *text)
{
    bound(q, sqlite3_bind_text(q->st, ++q->bound, text, -1, SQLITE_STATIC));
}

void tg_q_blob(struct tg_q *q, const void *data, size_t len)
{
    bound(q, sqlite3_bind_blob64(q->st, ++q->bound, data, len, SQLITE_STATIC));
}

void tg_q_null(struct tg_q *q)
{
    bound(q, sqlite3_bind_null(q->st, ++q->bound));
}

bool tg_q_row(struct tg_q *q)
{
    if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW)
        return false;
    q->rc = sqlite3_step(q->st);
    return q->rc == SQLITE_ROW;
}

tg_err tg_q_end(struct tg_q *q)
{
    tg_err err = err_of(q->rc) == TG_OK ? TG_OK : failed(q->db, q->rc);

    if (q->st != NULL) {
        (void)sqlite3_reset(q->st); /* repeats the step's error, which is in err */
        (void)sqlite3_clear_bindings(q->st);
    }
    return err;
}

tg_err tg_q_run(struct tg_q *q)
{
    while (tg_q_row(q))
        continue;
    return tg_q_end(q);
}

int64_t tg_q_get_int(const struct tg_q *q, int column)
{
    return sqlite3_column_int64(q->st, column);
}

const char *tg_q_get_text(const struct tg_q *q, int column)
{
    const void *text = sqlite3_column_text(q->st, column);

    return text == NULL ? "" : text;
}

void tg_q_copy_text(const struct tg_q *q, int column, char *out, size_t size)
{
    tg_str_cut(out, size, tg_q_get_text(q, column));
}

const void *tg_q_get_blob(const struct tg_q *q, int column, size_t *ret_len)
{
    const void *data = sqlite3_column_blob(q->st, column);

    *ret_len = (size_t)sqlite3_column_bytes(q->st, column);
    return data;
}

bool tg_q_is_null(const struct tg_q *q, int column)
{
    return sqlite3_column_type(q->st, column) == SQLITE_NULL;
}

/* --- opening --- */

static tg_err pragma_int(struct tg_db *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db->raw, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st); /* its error is in rc */
    return rc == SQLITE_ROW ? TG_OK : failed(db, rc == SQLITE_DONE ? SQLITE_ERROR : rc);
}

/* A small file is read through once; a large one shows its damage when it is met. */
static tg_err check_damage(struct tg_db *db)
{
    sqlite3_stmt *st = NULL;
    int64_t pages = 0;
    int64_t page_size = 0;
    tg_err err = pragma_int(db, "PRAGMA page_count", &pages);
    int rc;

    if (err == TG_OK)
        err = pragma_int(db, "PRAGMA page_size", &page_size);
    if (err != TG_OK || pages * page_size > CHECK_SIZE_MAX)
        return err;
    rc = sqlite3_prepare_v2(db->raw, "PRAGMA quick_check(1)", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc != SQLITE_ROW) {
        err = failed(db, rc);
    } else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0) {
        tg_str_cut(db->error, sizeof(db->error), (const char *)sqlite3_column_text(st, 0));
        err = TG_ERR_MALFORMED;
    }
    (void)sqlite3_finalize(st); /* its error is in rc */
    return err;
}

static tg_err migrate_one(struct tg_db *db, unsigned from)
{
    char version[64];
    tg_err err = tg_db_exec(db, "BEGIN IMMEDIATE");

    if (err != TG_OK)
        return err;
    tg_str_printf(version, sizeof(version), "PRAGMA user_version = %u; COMMIT", from + 1);
    err = tg_db_exec(db, tg_migrations[from]);
    if (err == TG_OK)
        err = tg_db_exec(db, version);
    if (err != TG_OK) {
        char why[sizeof(db->error)];

        memcpy(why, db->error, sizeof(why));
        /* The first error is the one to report. */
        (void)sqlite3_exec(db->raw, "ROLLBACK", NULL, NULL, NULL);
        memcpy(db->error, why, sizeof(why));
    }
    return err;
}

static tg_err check_version(struct tg_db *db, int64_t *ret)
{
    int64_t app = 0;
    int64_t objects = 0;
    tg_err err = pragma_int(db, "PRAGMA application_id", &app);

    if (err == TG_OK)
        err = pragma_int(db, "PRAGMA user_version", ret);
    if (err == TG_OK)
        err = pragma_int(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (err != TG_OK)
        return err;
    if (app != APPLICATION_ID && objects > 0) {
        tg_str_printf(db->error, sizeof(db->error), "it belongs to another program");
        return TG_ERR_UNSUPPORTED;
    }
    if (*ret > (int64_t)tg_migration_count) {
        tg_str_printf(db->error, sizeof(db->error),
                      "it was made by a newer torg (schema %lld, this one knows %u)",
                      (long long)*ret, tg_migration_count);
        return TG_ERR_UNSUPPORTED;
    }
    return TG_OK;
}

static tg_err prepare_write(struct tg_db *db, bool fast)
{
    char mark[64];
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    if (err == TG_OK)
        err = check_damage(db);
    /* FULL: the WAL is on the platter before a commit returns. The promise hangs on it. */
    if (err == TG_OK)
        err = tg_db_exec(db, fast ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL");
    if (err == TG_OK)
        err = tg_db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;"
                             "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;"
                             "PRAGMA journal_size_limit = 67108864");
    tg_str_printf(mark, sizeof(mark), "PRAGMA application_id = %d", APPLICATION_ID);
    if (err == TG_OK && version == 0)
        err = tg_db_exec(db, mark);
    for (unsigned v = (unsigned)version; err == TG_OK && v < tg_migration_count; v++)
        err = migrate_one(db, v);
    return err;
}

static tg_err prepare_read(struct tg_db *db)
{
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    return err == TG_OK ? tg_db_exec(db, "PRAGMA query_only = ON") : err;
}

tg_err tg_db_open(struct tg_db *db, const char *path, enum tg_db_mode mode, char reterr[256])
{
    int flags =
        mode == TG_DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    tg_err err;
    int rc;

    *db = (struct tg_db){0};
    rc = sqlite3_open_v2(path, &db->raw, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        err = failed(db, rc);
    } else {
        (void)sqlite3_busy_timeout(db->raw, BUSY_MS); /* cannot fail on an open connection */
        err = mode == TG_DB_READ ? prepare_read(db) : prepare_write(db, mode == TG_DB_WRITE_FAST);
    }
    if (err != TG_OK) {
        (void)snprintf(reterr, 256, "the database %.100s cannot be used: %.120s", path, db->error);
        tg_db_close(db);
    }
    return err;
}
