/* Opening SQLite: whose file it is, its schema's version and its steps, and copies of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/audit.h"
#include "store/backup_priv.h"
#include "store/migrations.h"
#include "store/sql_text.h"
#include "store/sqlite_priv.h"

enum {
    BUSY_MS = 5000,
    CHECK_SIZE_MAX = 64 * 1024 * 1024,
    COPY_PAGES = 4096, /* between two looks at the stop flag */
    COPY_SIZE = 600,
};

/* "torg" in the file's header: another program's database is not ours to migrate. */
#define APPLICATION_ID 0x746f7267
#define LOOK_EVERY_US ((tg_us)100 * TG_US_PER_MS)

static tg_err pragma_int(struct tg_db *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(tg_lite_of(db)->raw, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st); /* its error is in rc */
    return rc == SQLITE_ROW ? TG_OK : tg_lite_failed(db, rc == SQLITE_DONE ? SQLITE_ERROR : rc);
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

/* The look at the pages is one step of SQLite's machine, and before 3.41 nothing but an interrupt
 * from outside ends it: a thread looks at the stop flag until its mailbox is closed. */
struct onlooker {
    const struct tg_lite *lite;
    struct tg_mailbox *end;
};

static void look_on(void *ctx)
{
    const struct onlooker *o = ctx;

    while (!tg_mailbox_ended(o->end)) {
        if (atomic_load(o->lite->stop))
            sqlite3_interrupt(o->lite->raw); /* of no effect before the step: so again and again */
        tg_mailbox_wait(o->end, LOOK_EVERY_US);
    }
}

/* sqlite3_step() that ends soon after the stop flag is up. */
static int step_under_watch(struct tg_db *db, sqlite3_stmt *st)
{
    struct onlooker o = {.lite = tg_lite_of(db)};
    struct tg_thread *thread = NULL;
    int rc = SQLITE_NOMEM;

    if (o.lite->stop == NULL)
        return sqlite3_step(st);
    if (atomic_load(o.lite->stop))
        return SQLITE_INTERRUPT;
    if (tg_mailbox_new(&o.end, 1, tg_free) != TG_OK)
        return rc;
    if (tg_thread_start(&thread, "store-look", look_on, &o) == TG_OK) {
        rc = sqlite3_step(st);
        tg_mailbox_close(o.end);
        tg_thread_join(thread);
    }
    tg_mailbox_free(o.end);
    return rc;
}

static tg_err read_through(struct tg_db *db)
{
    sqlite3_stmt *st = NULL;
    tg_err err = TG_OK;
    int rc;

    rc = sqlite3_prepare_v2(tg_lite_of(db)->raw, "PRAGMA quick_check(1)", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = step_under_watch(db, st);
    if (rc == SQLITE_INTERRUPT) {
        tg_str_cut(db->error, sizeof(db->error), "it was broken off");
        err = tg_lite_err(rc);
    } else if (rc != SQLITE_ROW) {
        err = tg_lite_failed(db, rc);
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
    return read_through(db);
}

tg_err tg_sqlite_check_whole(struct tg_db *db)
{
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    if (err == TG_OK && version == 0) {
        tg_str_cut(db->error, sizeof(db->error), "there is no shop in it");
        err = TG_ERR_UNSUPPORTED;
    }
    return err == TG_OK ? read_through(db) : err;
}

/* In steps, so that it can be broken off, under one snapshot: no writer waits for it, and none
 * makes it begin again. */
static int copy_pages(struct tg_db *db, sqlite3 *to)
{
    const struct tg_lite *l = tg_lite_of(db);
    sqlite3_backup *backup;
    int64_t ignored = 0;
    int rc = SQLITE_OK;

    if (tg_lite_exec(db, "BEGIN") != TG_OK ||
        pragma_int(db, "SELECT count(*) FROM sqlite_schema", &ignored) != TG_OK)
        return SQLITE_IOERR;
    backup = sqlite3_backup_init(to, "main", l->raw, "main");
    if (backup == NULL)
        rc = sqlite3_errcode(to);
    while (backup != NULL && rc == SQLITE_OK) {
        rc = l->stop != NULL && atomic_load(l->stop) ? SQLITE_INTERRUPT
                                                     : sqlite3_backup_step(backup, COPY_PAGES);
    }
    if (backup != NULL && sqlite3_backup_finish(backup) != SQLITE_OK && rc == SQLITE_DONE)
        rc = SQLITE_IOERR;
    tg_lite_rollback(db); /* it only read */
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Whoever may read the shop may read the copy, and nobody else. */
static tg_err new_file(struct tg_db *db, const char *file)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)close(fd); /* nothing was written */
        return TG_OK;
    }
    tg_str_cut(db->error, sizeof(db->error),
               errno == EEXIST ? "the file exists already" : strerrordesc_np(errno));
    return errno == EEXIST ? TG_ERR_CONFLICT : TG_ERR_IO;
}

tg_err tg_sqlite_copy(struct tg_db *db, const char *file)
{
    sqlite3 *to = NULL;
    tg_err err = new_file(db, file);
    int rc;

    if (err != TG_OK)
        return err;
    rc = sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK)
        rc = copy_pages(db, to);
    /* One file that stands alone. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (rc == SQLITE_INTERRUPT)
        tg_str_cut(db->error, sizeof(db->error), "it was broken off");
    else if (rc != SQLITE_OK)
        tg_str_cut(db->error, sizeof(db->error), sqlite3_errmsg(to));
    (void)sqlite3_close(to); /* nothing of it is open */
    if (rc != SQLITE_OK)
        (void)unlink(file); /* half of it is of no use */
    return tg_lite_err(rc);
}

static tg_err run_migration(struct tg_db *db, unsigned from)
{
    struct tg_buf sql;
    tg_err err;

    tg_buf_init(&sql, TG_MIGRATION_MAX);
    err = tg_sql_schema(&sql, tg_migrations[from], TG_DB_SQLITE);
    if (err == TG_OK)
        err = tg_lite_exec(db, tg_buf_cstr(&sql));
    tg_buf_done(&sql);
    return err;
}

/* A step must leave no row that refers to nothing. */
static tg_err check_references(struct tg_db *db)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(tg_lite_of(db)->raw, "PRAGMA foreign_key_check", -1, &st, NULL);
    tg_err err = TG_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        tg_str_printf(db->error, sizeof(db->error), "the new schema does not fit what is in %.60s",
                      (const char *)sqlite3_column_text(st, 0));
        err = TG_ERR_MALFORMED;
    } else if (rc != SQLITE_DONE) {
        err = tg_lite_failed(db, rc);
    }
    (void)sqlite3_finalize(st); /* its error is in rc */
    return err;
}

/* Before a schema that is in use changes: a copy beside it. */
static tg_err keep_copy(struct tg_db *db, const char *path, int64_t version, char copy[COPY_SIZE])
{
    if (snprintf(copy, COPY_SIZE, "%s.schema%lld-%lld", path, (long long)version,
                 (long long)(tg_clock_wall() / TG_US_PER_MS)) >= COPY_SIZE) {
        tg_str_cut(db->error, sizeof(db->error), "the path is too long");
        copy[0] = '\0';
        return TG_ERR_LIMIT;
    }
    return tg_sqlite_copy(db, copy);
}

/* All steps and the look at what came out, in one transaction. */
static tg_err migrate_all(struct tg_db *db, int64_t version)
{
    char mark[64];
    struct tg_tally before = {0};
    tg_err err = version > 0 ? tg_db_tally(db, &before) : TG_OK;

    for (int64_t v = version; err == TG_OK && v < (int64_t)tg_migration_count; v++)
        err = run_migration(db, (unsigned)v);
    if (err == TG_OK && version > 0)
        err = check_references(db);
    if (err == TG_OK && version > 0)
        err = tg_db_verify(db, &before);
    tg_str_printf(mark, sizeof(mark), "PRAGMA user_version = %u", tg_migration_count);
    return err == TG_OK ? tg_lite_exec(db, mark) : err;
}

static tg_err migrate(struct tg_db *db, const struct tg_db_cfg *cfg, int64_t version)
{
    char why[sizeof(db->error)];
    char copy[COPY_SIZE] = "";
    tg_err err = TG_OK;

    if (version == (int64_t)tg_migration_count)
        return TG_OK;
    if (version > 0 && !cfg->no_backup)
        err = keep_copy(db, cfg->url, version, copy);
    if (err == TG_OK)
        err = tg_lite_exec(db, "BEGIN IMMEDIATE");
    if (err == TG_OK)
        err = migrate_all(db, version);
    if (err == TG_OK)
        err = tg_lite_exec(db, "COMMIT");
    if (err == TG_OK)
        return TG_OK;
    tg_lite_rollback(db);
    if (copy[0] != '\0')
        (void)unlink(copy); /* everything is as it was; each try would leave another */
    tg_str_cut(why, sizeof(why), db->error);
    (void)snprintf(db->error, sizeof(db->error), "schema %lld to %u: %.120s; nothing was changed",
                   (long long)version, tg_migration_count, why);
    return err;
}

static tg_err prepare_write(struct tg_db *db, const struct tg_db_cfg *cfg)
{
    char mark[64];
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    if (err == TG_OK)
        err = check_damage(db);
    /* FULL: the WAL is on the platter before a commit returns. The promise hangs on it. */
    if (err == TG_OK)
        err =
            tg_lite_exec(db, cfg->fast ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL");
    if (err == TG_OK)
        err = tg_lite_exec(db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;"
                               /* Not more: a batch that split a page makes SQLite look at each
                                * page of the cache at its commit, until the file has 1 GB (the
                                * number that balance_nonroot lends a page stands there). */
                               "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000;"
                               "PRAGMA journal_size_limit = 67108864");
    (void)sqlite3_wal_autocheckpoint(tg_lite_of(db)->raw, TG_LITE_CHECKPOINT_FRAMES);
    tg_str_printf(mark, sizeof(mark), "PRAGMA application_id = %d", APPLICATION_ID);
    if (err == TG_OK && version == 0)
        err = tg_lite_exec(db, mark);
    return err == TG_OK ? migrate(db, cfg, version) : err;
}

static tg_err prepare_read(struct tg_db *db)
{
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    return err == TG_OK ? tg_lite_exec(db, "PRAGMA query_only = ON") : err;
}

tg_err tg_db_sqlite_open(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode)
{
    int flags =
        mode == TG_DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    struct tg_lite *l = tg_calloc(1, sizeof(*l));
    int rc;

    if (l == NULL) {
        tg_str_cut(db->error, sizeof(db->error), "out of memory");
        return TG_ERR_NOMEM;
    }
    db->conn = l;
    db->ops = &tg_lite_ops;
    l->fast = cfg->fast;
    rc = sqlite3_open_v2(cfg->url, &l->raw, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return tg_lite_failed(db, rc);
    (void)sqlite3_busy_timeout(l->raw, BUSY_MS); /* cannot fail on an open connection */
    return mode == TG_DB_READ ? prepare_read(db) : prepare_write(db, cfg);
}
