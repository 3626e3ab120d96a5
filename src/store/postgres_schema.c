/* The schema of a PostgreSQL database: its version, its steps, the copy before and the look after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/migrations.h"
#include "store/postgres_priv.h"

enum { COPY_SIZE = 600 };
/* So much of a schema's name is left where it stands aside: see tg_pg_set_aside(). */
#define ASIDE_START "45"

/* "torg" as a number: who migrates holds this lock. */
#define LOCK "pg_advisory_xact_lock(1953460839)"

tg_err tg_pg_number(struct tg_db *db, const char *sql, int64_t *ret)
{
    PGresult *result = NULL;
    tg_err err = tg_pg_simple(db, sql, &result);

    if (err != TG_OK)
        return err;
    *ret = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return TG_OK;
}

tg_err tg_pg_version(struct tg_db *db, int64_t *ret)
{
    int64_t ours = 0;
    int64_t tables = 0;
    tg_err err = tg_pg_number(db,
                              "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
                              " AND tablename = 'torg_schema'",
                              &ours);

    if (err == TG_OK)
        err = tg_pg_number(db, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()",
                           &tables);
    if (err != TG_OK)
        return err;
    *ret = 0;
    if (ours == 0 && tables > 0) {
        tg_str_printf(db->error, sizeof(db->error), "its schema belongs to another program");
        return TG_ERR_UNSUPPORTED;
    }
    if (ours > 0)
        err = tg_pg_number(db, "SELECT version FROM torg_schema", ret);
    if (err == TG_OK && *ret > (int64_t)tg_migration_count) {
        tg_str_printf(db->error, sizeof(db->error),
                      "it was made by a newer torg (schema %lld, this one knows %u)",
                      (long long)*ret, tg_migration_count);
        return TG_ERR_UNSUPPORTED;
    }
    return err;
}

static tg_err run_step(struct tg_db *db, int64_t from)
{
    struct tg_buf sql;
    tg_err err;

    tg_buf_init(&sql, TG_MIGRATION_MAX);
    err = tg_sql_schema(&sql, tg_migrations[from], TG_DB_POSTGRES);
    if (err == TG_OK)
        tg_buf_printf(&sql, "\n;UPDATE torg_schema SET version = %lld", (long long)from + 1);
    if (err == TG_OK)
        err = tg_pg_simple(db, tg_buf_cstr(&sql), NULL);
    tg_buf_done(&sql);
    return err;
}

/* The database's own time limits; ours is off as well (tg_pg.unhurried). */
static const char begin[] =
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
    "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL enable_seqscan = on;"
    "SET LOCAL work_mem = '64MB'; SELECT " LOCK;

/* A node of the older torg may still sell: it waits from here on, so that the copy lacks nothing.
 */
static tg_err stop_others(struct tg_db *db)
{
    int64_t tables = 0;
    tg_err err = tg_pg_number(db,
                              "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
                              " AND tablename = 'shop_version'",
                              &tables);

    if (err != TG_OK || tables == 0)
        return err;
    return tg_pg_simple(db, "SELECT one FROM shop_version FOR UPDATE", NULL);
}

static tg_err keep_copy(struct tg_db *db, const struct tg_db_cfg *cfg, int64_t version,
                        char copy[COPY_SIZE])
{
    char why[256] = "";
    tg_err err;

    if (cfg->no_backup)
        return TG_OK;
    if (cfg->keep_dir == NULL) {
        tg_str_cut(db->error, sizeof(db->error),
                   "its schema is of an older torg; start torgd, which brings it up to date");
        return TG_ERR_UNSUPPORTED;
    }
    if (snprintf(copy, COPY_SIZE, "%s/torg.schema%lld-%lld.dump", cfg->keep_dir, (long long)version,
                 (long long)(tg_clock_wall() / TG_US_PER_MS)) >= COPY_SIZE) {
        tg_str_cut(db->error, sizeof(db->error), "the data directory's path is too long");
        copy[0] = '\0';
        return TG_ERR_LIMIT;
    }
    err = tg_backup(cfg, copy, NULL, why);
    if (err != TG_OK)
        tg_str_printf(db->error, sizeof(db->error),
                      "no backup before its schema changes (torgd --no-backup does without): %.96s",
                      why);
    return err;
}

/* A restore that was cut off leaves an empty schema, and the shop beside it: no new one there. */
static tg_err none_aside(struct tg_db *db)
{
    PGresult *result = NULL;
    tg_err err = tg_pg_simple(db,
                              "SELECT schemaname FROM pg_tables WHERE tablename = 'torg_schema'"
                              " AND starts_with(schemaname,"
                              " left(current_schema(), " ASIDE_START ") || '_before_')"
                              " ORDER BY schemaname DESC LIMIT 1",
                              &result);

    if (err != TG_OK)
        return err;
    if (PQntuples(result) > 0) {
        tg_str_printf(db->error, sizeof(db->error),
                      "it is empty, for a restore was cut off; restore again, or rename the schema"
                      " %.63s back",
                      PQgetvalue(result, 0, 0));
        err = TG_ERR_UNSUPPORTED;
    }
    PQclear(result);
    return err;
}

static tg_err steps(struct tg_db *db, const struct tg_db_cfg *cfg, int64_t version,
                    char copy[COPY_SIZE])
{
    struct tg_tally before = {0};
    tg_err err = version == 0 ? none_aside(db) : TG_OK;

    if (err == TG_OK && version == 0)
        err = tg_pg_simple(db,
                           "CREATE TABLE torg_schema (version BIGINT NOT NULL);"
                           "INSERT INTO torg_schema VALUES (0)",
                           NULL);
    else if (err == TG_OK)
        err = stop_others(db);
    if (err == TG_OK && version > 0)
        err = keep_copy(db, cfg, version, copy);
    if (err == TG_OK && version > 0)
        err = tg_db_tally(db, &before);
    for (int64_t v = version; err == TG_OK && v < (int64_t)tg_migration_count; v++)
        err = run_step(db, v);
    return err == TG_OK && version > 0 ? tg_db_verify(db, &before) : err;
}

/* All in one transaction; two nodes that start at once do it one after the other. */
static tg_err migrate(struct tg_db *db, const struct tg_db_cfg *cfg)
{
    char copy[COPY_SIZE] = "";
    int64_t version = 0;
    tg_err err = tg_pg_simple(db, begin, NULL);

    if (err == TG_OK)
        err = tg_pg_version(db, &version);
    if (err == TG_OK && version < (int64_t)tg_migration_count)
        err = steps(db, cfg, version, copy);
    if (err == TG_OK)
        err = tg_pg_simple(db, "COMMIT", NULL);
    if (err == TG_OK)
        return TG_OK;
    tg_db_rollback(db);
    if (copy[0] != '\0' && err != TG_ERR_CLOSED) /* lost in the COMMIT: it may be done */
        (void)unlink(copy); /* everything is as it was; each try would leave another */
    return err;
}

tg_err tg_pg_check_schema(struct tg_db *db, const struct tg_db_cfg *cfg)
{
    struct tg_pg *p = tg_pg_of(db);
    int64_t version = 0;
    tg_err err = tg_pg_version(db, &version);

    if (err != TG_OK || version == (int64_t)tg_migration_count)
        return err;
    if (p->mode == TG_DB_WRITE) {
        p->unhurried = true;
        err = migrate(db, cfg);
        p->unhurried = false;
        return err;
    }
    tg_str_printf(db->error, sizeof(db->error), "its schema is of an older torg");
    return TG_ERR_UNSUPPORTED;
}
