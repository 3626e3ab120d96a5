/* What backup and restore need of PostgreSQL: which schema it is, and out of the way with it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/backup_priv.h"
#include "store/postgres_priv.h"

enum { LOOKS_MAX = 50 }; /* five seconds */

static tg_err schema_of(struct tg_db *db, char out[TG_PG_NAME_SIZE])
{
    PGresult *result = NULL;
    tg_err err = tg_pg_simple(db, "SELECT current_schema()", &result);

    if (err != TG_OK)
        return err;
    tg_str_cut(out, TG_PG_NAME_SIZE, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    if (out[0] != '\0')
        return TG_OK;
    tg_str_cut(db->error, sizeof(db->error), "the URL leads to no schema");
    return TG_ERR_NOTFOUND;
}

/* Opens without looking at the schema. */
static tg_err open_bare(struct tg_db *db, const struct tg_db_cfg *cfg, char reterr[256])
{
    tg_err err;

    *db = (struct tg_db){0};
    err = tg_pg_connect(db, cfg, TG_DB_WRITE);
    if (err == TG_OK)
        err = tg_db_unhurried(db, NULL);
    if (err != TG_OK) {
        tg_str_cut(reterr, 256, db->error);
        tg_db_close(db);
    }
    return err;
}

/* Closes; the reason of what failed survives. */
static tg_err done(struct tg_db *db, tg_err err, char reterr[256])
{
    if (err != TG_OK)
        tg_str_cut(reterr, 256, db->error);
    tg_db_close(db);
    return err;
}

tg_err tg_pg_schema(const struct tg_db_cfg *cfg, char out[TG_PG_NAME_SIZE], char reterr[256])
{
    struct tg_db db;
    tg_err err = open_bare(&db, cfg, reterr);

    return err == TG_OK ? done(&db, schema_of(&db, out), reterr) : err;
}

/* 1 and 2 in `format` become the names, quoted by the server's own rule: at most 128 bytes. */
static tg_err with_names(struct tg_db *db, const char *format, const char *first,
                         const char *second)
{
    char sql[600];
    char *a = PQescapeIdentifier(tg_pg_of(db)->conn, first, strlen(first));
    char *b = PQescapeIdentifier(tg_pg_of(db)->conn, second, strlen(second));
    tg_err err = TG_ERR_NOMEM;

    if (a != NULL && b != NULL) {
        const char *const parts[2] = {a, b};
        size_t len = 0;

        for (const char *at = format; *at != '\0' && len + 160 < sizeof(sql); at++) {
            if (*at == '1' || *at == '2')
                len += (size_t)snprintf(sql + len, 150, "%s", parts[*at - '1']);
            else
                sql[len++] = *at;
        }
        sql[len] = '\0';
        err = tg_pg_simple(db, sql, NULL);
    }
    PQfreemem(a);
    PQfreemem(b);
    return err;
}

/* The session of a server that has just stopped takes a moment to end. */
static tg_err count_others(struct tg_db *db, int64_t *ret)
{
    static const char others[] = "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                                 " current_database() AND application_name LIKE 'torg%'"
                                 " AND pid <> pg_backend_pid()";
    int64_t slept;
    tg_err err = tg_pg_number(db, others, ret);

    for (int i = 0; err == TG_OK && *ret > 0 && i < LOOKS_MAX; i++) {
        err = tg_pg_number(db, "SELECT count(*) FROM pg_sleep(0.1), pg_stat_clear_snapshot()",
                           &slept);
        if (err == TG_OK)
            err = tg_pg_number(db, others, ret);
    }
    return err;
}

static tg_err set_aside(struct tg_db *db, char ret_kept[TG_PG_NAME_SIZE])
{
    char schema[TG_PG_NAME_SIZE] = "";
    char start[TG_PG_NAME_SIZE - 18]; /* what follows it has 18 bytes */
    int64_t others = 0;
    tg_err err = count_others(db, &others);

    if (err == TG_OK && others > 0) {
        tg_str_cut(db->error, sizeof(db->error), "a server runs on this database; stop it first");
        return TG_ERR_CONFLICT;
    }
    if (err == TG_OK)
        err = schema_of(db, schema);
    if (err != TG_OK)
        return err;
    tg_str_cut(start, sizeof(start), schema);
    tg_str_printf(ret_kept, TG_PG_NAME_SIZE, "%s_before_%lld", start,
                  (long long)(tg_clock_wall() / TG_US_PER_S));
    return with_names(db, "ALTER SCHEMA 1 RENAME TO 2; CREATE SCHEMA 1", schema, ret_kept);
}

tg_err tg_pg_set_aside(const struct tg_db_cfg *cfg, char ret_kept[TG_PG_NAME_SIZE],
                       char reterr[256])
{
    struct tg_db db;
    tg_err err = open_bare(&db, cfg, reterr);

    return err == TG_OK ? done(&db, set_aside(&db, ret_kept), reterr) : err;
}

tg_err tg_pg_put_back(const struct tg_db_cfg *cfg, const char *schema, const char *kept,
                      char reterr[256])
{
    struct tg_db db;
    tg_err err = open_bare(&db, cfg, reterr);

    if (err != TG_OK)
        return err;
    err = with_names(&db, "DROP SCHEMA IF EXISTS 1 CASCADE; ALTER SCHEMA 2 RENAME TO 1", schema,
                     kept);
    return done(&db, err, reterr);
}

tg_err tg_pg_check_whole(const struct tg_db_cfg *cfg, char reterr[256])
{
    struct tg_db db;
    int64_t version = 0;
    tg_err err = open_bare(&db, cfg, reterr);

    if (err != TG_OK)
        return err;
    err = tg_pg_version(&db, &version);
    if (err == TG_OK && version == 0) {
        tg_str_cut(db.error, sizeof(db.error), "it holds no shop of this database's schema");
        err = TG_ERR_UNSUPPORTED;
    }
    return done(&db, err, reterr);
}
