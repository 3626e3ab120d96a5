/* SQLite behind db.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/backup_priv.h"
#include "store/db_priv.h"
#include "store/migrations.h"
#include "store/sql_text.h"

enum { BUSY_MS = 5000, CHECK_SIZE_MAX = 64 * 1024 * 1024 };

/* "torg" in the file's header: another program's database is not ours to migrate. */
#define APPLICATION_ID 0x746f7267

struct lite {
    sqlite3 *raw;
    sqlite3_stmt *stmts[TG_SQL_COUNT];
};

static struct lite *lite_of(const struct tg_db *db)
{
    return db->conn;
}

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
    const struct lite *l = lite_of(db);

    tg_str_cut(db->error, sizeof(db->error), l->raw != NULL ? sqlite3_errmsg(l->raw) : "");
    return err_of(rc);
}

static tg_err lite_exec(struct tg_db *db, const char *sql)
{
    int rc = sqlite3_exec(lite_of(db)->raw, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? TG_OK : failed(db, rc);
}

static void lite_close(struct tg_db *db)
{
    struct lite *l = lite_of(db);

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

static void lite_rollback(struct tg_db *db)
{
    sqlite3 *raw = lite_of(db)->raw;

    /* A full disk makes SQLite roll back by itself; then there is nothing left to do. The error
     * text of the failure that led here must survive, so this goes around tg_q. */
    if (sqlite3_get_autocommit(raw) == 0)
        (void)sqlite3_exec(raw, "ROLLBACK", NULL, NULL, NULL);
}

/* --- one use of a statement --- */

static void check(struct tg_q *q, int rc)
{
    if (rc != SQLITE_OK)
        q->err = failed(q->db, rc);
}

static void lite_use(struct tg_q *q)
{
    struct lite *l = lite_of(q->db);

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
        q->err = failed(q->db, rc);
    return rc == SQLITE_ROW;
}

static void lite_run(struct tg_q *q)
{
    while (lite_row(q))
        continue;
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

static const struct tg_db_ops ops = {
    .engine = TG_DB_SQLITE,
    .close = lite_close,
    .exec = lite_exec,
    .ready = lite_ready,
    .rollback = lite_rollback,
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

/* --- opening --- */

static tg_err pragma_int(struct tg_db *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(lite_of(db)->raw, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st); /* its error is in rc */
    return rc == SQLITE_ROW ? TG_OK : failed(db, rc == SQLITE_DONE ? SQLITE_ERROR : rc);
}

tg_err tg_sqlite_check(struct tg_db *db)
{
    sqlite3_stmt *st = NULL;
    tg_err err = TG_OK;
    int rc;

    rc = sqlite3_prepare_v2(lite_of(db)->raw, "PRAGMA quick_check(1)", -1, &st, NULL);
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

/* A small file is read through once; a large one shows its damage when it is met. */
static tg_err check_damage(struct tg_db *db)
{
    int64_t pages = 0;
    int64_t page_size = 0;
    tg_err err = pragma_int(db, "PRAGMA page_count", &pages);

    if (err == TG_OK)
        err = pragma_int(db, "PRAGMA page_size", &page_size);
    if (err != TG_OK || pages * page_size > CHECK_SIZE_MAX)
        return err;
    return tg_sqlite_check(db);
}

tg_err tg_sqlite_copy(struct tg_db *db, const char *file)
{
    sqlite3 *to = NULL;
    sqlite3_backup *backup;
    int rc;

    if (access(file, F_OK) == 0) {
        tg_str_cut(db->error, sizeof(db->error), "the file exists already");
        return TG_ERR_CONFLICT;
    }
    rc = sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    backup = rc == SQLITE_OK ? sqlite3_backup_init(to, "main", lite_of(db)->raw, "main") : NULL;
    if (backup != NULL) {
        /* In one go: a snapshot, and no writer waits for it. */
        (void)sqlite3_backup_step(backup, -1); /* its error is the finish's */
        rc = sqlite3_backup_finish(backup);
        /* One file that stands alone. */
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_errcode(to);
    }
    if (rc != SQLITE_OK)
        tg_str_cut(db->error, sizeof(db->error), sqlite3_errmsg(to));
    (void)sqlite3_close(to); /* nothing of it is open */
    return err_of(rc);
}

static tg_err run_migration(struct tg_db *db, unsigned from)
{
    struct tg_buf sql;
    tg_err err;

    tg_buf_init(&sql, TG_MIGRATION_MAX);
    err = tg_sql_schema(&sql, tg_migrations[from], TG_DB_SQLITE);
    if (err == TG_OK)
        err = lite_exec(db, tg_buf_cstr(&sql));
    tg_buf_done(&sql);
    return err;
}

/* A step must leave no row that refers to nothing. */
static tg_err check_references(struct tg_db *db)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(lite_of(db)->raw, "PRAGMA foreign_key_check", -1, &st, NULL);
    tg_err err = TG_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        tg_str_printf(db->error, sizeof(db->error), "the new schema does not fit what is in %.60s",
                      (const char *)sqlite3_column_text(st, 0));
        err = TG_ERR_MALFORMED;
    } else if (rc != SQLITE_DONE) {
        err = failed(db, rc);
    }
    (void)sqlite3_finalize(st); /* its error is in rc */
    return err;
}

/* Before a schema that is in use changes: a copy beside it. */
static tg_err keep_copy(struct tg_db *db, const char *path, int64_t version)
{
    char copy[600];

    if (version == 0 || version == (int64_t)tg_migration_count)
        return TG_OK;
    if (snprintf(copy, sizeof(copy), "%s.schema%lld-%lld", path, (long long)version,
                 (long long)(tg_clock_wall() / TG_US_PER_S)) >= (int)sizeof(copy))
        return TG_ERR_LIMIT;
    return tg_sqlite_copy(db, copy);
}

static tg_err migrate_one(struct tg_db *db, unsigned from)
{
    char version[64];
    tg_err err = lite_exec(db, "BEGIN IMMEDIATE");

    if (err != TG_OK)
        return err;
    tg_str_printf(version, sizeof(version), "PRAGMA user_version = %u; COMMIT", from + 1);
    err = run_migration(db, from);
    if (err == TG_OK && from > 0)
        err = check_references(db);
    if (err == TG_OK)
        err = lite_exec(db, version);
    if (err != TG_OK) {
        char why[sizeof(db->error)];

        memcpy(why, db->error, sizeof(why));
        /* The first error is the one to report. */
        (void)sqlite3_exec(lite_of(db)->raw, "ROLLBACK", NULL, NULL, NULL);
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

static tg_err prepare_write(struct tg_db *db, const char *path, bool fast)
{
    char mark[64];
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    if (err == TG_OK)
        err = check_damage(db);
    /* FULL: the WAL is on the platter before a commit returns. The promise hangs on it. */
    if (err == TG_OK)
        err = lite_exec(db, fast ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL");
    if (err == TG_OK)
        err = lite_exec(db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;"
                            "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -64000;"
                            /* A checkpoint writes a page once, however often the log has it: every
                             * 16 MB, so that hot pages are spared and none takes long. */
                            "PRAGMA wal_autocheckpoint = 4000;"
                            "PRAGMA journal_size_limit = 67108864");
    tg_str_printf(mark, sizeof(mark), "PRAGMA application_id = %d", APPLICATION_ID);
    if (err == TG_OK && version == 0)
        err = lite_exec(db, mark);
    if (err == TG_OK)
        err = keep_copy(db, path, version);
    for (unsigned v = (unsigned)version; err == TG_OK && v < tg_migration_count; v++)
        err = migrate_one(db, v);
    return err;
}

static tg_err prepare_read(struct tg_db *db)
{
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    return err == TG_OK ? lite_exec(db, "PRAGMA query_only = ON") : err;
}

tg_err tg_db_sqlite_open(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode)
{
    int flags =
        mode == TG_DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    struct lite *l = tg_calloc(1, sizeof(*l));
    int rc;

    if (l == NULL) {
        tg_str_cut(db->error, sizeof(db->error), "out of memory");
        return TG_ERR_NOMEM;
    }
    db->conn = l;
    db->ops = &ops;
    rc = sqlite3_open_v2(cfg->url, &l->raw, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return failed(db, rc);
    (void)sqlite3_busy_timeout(l->raw, BUSY_MS); /* cannot fail on an open connection */
    return mode == TG_DB_READ ? prepare_read(db) : prepare_write(db, cfg->url, cfg->fast);
}
