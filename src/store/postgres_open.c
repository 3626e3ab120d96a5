/* Connecting to PostgreSQL, the schema's version and its steps, and getting a lost connection back.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/backup_priv.h"
#include "store/migrations.h"
#include "store/postgres_priv.h"

enum {
    PASSWORD_MAX = 1024,
    CONNECT_S = 5,
    STEP_MS = 20, /* the sale thread waits no longer at a time for a connection */
};
#define BACKOFF_FIRST_US ((tg_us)100 * 1000)
#define BACKOFF_MAX_US ((tg_us)2 * TG_US_PER_S)
#define CONNECT_US ((tg_us)CONNECT_S * TG_US_PER_S)

/* "torg" as a number: who migrates holds this lock. */
#define LOCK "pg_advisory_xact_lock(1953460839)"

/*
 * One shop is one lock: whoever holds it has to answer soon, or the server ends his session. Plans
 * are made while tables are small and must not turn into scans when they have grown.
 */
static const char session_write[] =
    "SET statement_timeout = '15s'; SET lock_timeout = '5s';"
    "SET idle_in_transaction_session_timeout = '10s'; SET synchronous_commit = on;"
    "SET enable_seqscan = off; SET jit = off; SET client_min_messages = warning";
static const char session_read[] =
    "SET statement_timeout = '15s'; SET lock_timeout = '5s';"
    "SET idle_in_transaction_session_timeout = '30s'; SET jit = off;"
    "SET default_transaction_read_only = on; SET client_min_messages = warning";

void tg_pg_place(char out[96], const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *host = "";
    const char *name = "";

    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (o->val != NULL && strcmp(o->keyword, "host") == 0)
            host = o->val;
        if (o->val != NULL && strcmp(o->keyword, "dbname") == 0)
            name = o->val;
    }
    (void)snprintf(out, 96, "%.40s at %.45s", name[0] == '\0' ? "(default)" : name,
                   host[0] == '\0' ? "(default)" : host); /* cut is fine */
    PQconninfoFree(options);
}

/* --- connecting --- */

struct params {
    const char *keys[16];
    const char *values[16];
    int count;
};

static void param(struct params *ps, const char *key, const char *value)
{
    ps->keys[ps->count] = key;
    ps->values[ps->count++] = value;
}

/* The URL first: what it says of the session's texts counts less than what follows. */
static struct params params_of(const struct tg_pg *p)
{
    struct params ps = {.count = 0};

    param(&ps, "connect_timeout", "5");
    param(&ps, "keepalives_idle", "5");
    param(&ps, "keepalives_interval", "2");
    param(&ps, "keepalives_count", "3");
    param(&ps, "tcp_user_timeout", "10000");
    if (p->mode == TG_DB_WRITE)
        param(&ps, "target_session_attrs", "read-write");
    param(&ps, "dbname", p->url);
    if (p->password != NULL)
        param(&ps, "password", p->password);
    param(&ps, "application_name", p->name);
    param(&ps, "client_encoding", "UTF8");
    return ps;
}

/* What the server says unasked: the log is not libpq's to write to, and a farewell is seen. */
static void not_a_word(void *ctx, const char *message)
{
    (void)ctx;
    (void)message;
}

static tg_err setup_session(struct tg_db *db)
{
    struct tg_pg *p = tg_pg_of(db);

    (void)PQsetNoticeProcessor(p->conn, not_a_word, NULL); /* the one before is of no use */
    for (size_t i = 0; i < TG_SQL_COUNT; i++)
        if (p->stmts[i] != NULL)
            for (int form = 0; form < TG_PG_FORMS; form++)
                p->stmts[i]->prepared[form] = false;
    return tg_pg_simple(db, p->mode == TG_DB_WRITE ? session_write : session_read, NULL);
}

static tg_err connect_now(struct tg_db *db)
{
    struct tg_pg *p = tg_pg_of(db);
    struct params ps = params_of(p);

    p->conn = PQconnectdbParams(ps.keys, ps.values, 1);
    if (p->conn == NULL)
        return TG_ERR_NOMEM;
    if (PQstatus(p->conn) != CONNECTION_OK)
        return tg_pg_failed(db, NULL);
    return setup_session(db);
}

/* --- coming back --- */

static void later(struct tg_pg *p, tg_us now)
{
    p->phase = TG_PG_DOWN;
    p->backoff_us =
        p->backoff_us == 0 ? BACKOFF_FIRST_US : TG_MIN(p->backoff_us * 2, BACKOFF_MAX_US);
    p->retry_at = now + p->backoff_us;
}

static void begin_connect(struct tg_db *db, tg_us now)
{
    struct tg_pg *p = tg_pg_of(db);
    struct params ps = params_of(p);

    PQfinish(p->conn);
    p->conn = PQconnectStartParams(ps.keys, ps.values, 1);
    p->give_up_at = now + CONNECT_US;
    p->polling = PGRES_POLLING_WRITING;
    p->phase = TG_PG_CONNECTING;
    if (p->conn == NULL || PQstatus(p->conn) == CONNECTION_BAD) {
        (void)tg_pg_failed(db, NULL); /* the reason, in db->error */
        later(p, now);
    }
}

/* One step of the handshake when the socket is ready for it. */
static void go_on(struct tg_db *db)
{
    struct tg_pg *p = tg_pg_of(db);
    struct pollfd pfd = {.fd = PQsocket(p->conn),
                         .events = p->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT};

    if (poll(&pfd, 1, STEP_MS) > 0)
        p->polling = PQconnectPoll(p->conn);
}

/* Between two questions the server is silent; what there is to read then is its farewell. */
static bool alive(const struct tg_pg *p)
{
    struct pollfd pfd = {.fd = PQsocket(p->conn), .events = POLLIN};

    for (int i = 0; i < 2 && PQstatus(p->conn) == CONNECTION_OK && poll(&pfd, 1, 0) > 0; i++)
        if (PQconsumeInput(p->conn) == 0)
            return false;
    return PQstatus(p->conn) == CONNECTION_OK;
}

tg_err tg_pg_ready(struct tg_db *db, tg_us now)
{
    struct tg_pg *p = tg_pg_of(db);

    if (p->phase == TG_PG_UP && alive(p))
        return TG_OK;
    if (p->phase == TG_PG_UP)
        (void)tg_pg_failed(db, NULL); /* notes the loss */
    if (p->phase == TG_PG_DOWN && now >= p->retry_at)
        begin_connect(db, now);
    /* On the same machine a handshake is a few steps of less than a millisecond. */
    for (int steps = 0; p->phase == TG_PG_CONNECTING && steps < 16; steps++) {
        PostgresPollingStatusType before = p->polling;

        go_on(db);
        if (p->polling == PGRES_POLLING_FAILED || now >= p->give_up_at) {
            (void)tg_pg_failed(db, NULL); /* the reason, in db->error */
            later(p, now);
        } else if (p->polling == PGRES_POLLING_OK) {
            p->phase = TG_PG_UP;
            if (setup_session(db) != TG_OK) {
                later(p, now);
                return TG_ERR_CLOSED;
            }
            p->backoff_us = 0;
            return TG_OK;
        } else if (before == p->polling && steps > 2) {
            break; /* nothing comes; next turn */
        }
    }
    return TG_ERR_CLOSED;
}

/* --- the schema --- */

static tg_err one_number(struct tg_db *db, const char *sql, int64_t *ret)
{
    PGresult *result = NULL;
    tg_err err = tg_pg_simple(db, sql, &result);

    if (err != TG_OK)
        return err;
    *ret = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return TG_OK;
}

static tg_err check_version(struct tg_db *db, int64_t *ret)
{
    int64_t ours = 0;
    int64_t tables = 0;
    tg_err err = one_number(db,
                            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
                            " AND tablename = 'torg_schema'",
                            &ours);

    if (err == TG_OK)
        err = one_number(db, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()",
                         &tables);
    if (err != TG_OK)
        return err;
    *ret = 0;
    if (ours == 0 && tables > 0) {
        tg_str_printf(db->error, sizeof(db->error), "its schema belongs to another program");
        return TG_ERR_UNSUPPORTED;
    }
    if (ours > 0)
        err = one_number(db, "SELECT version FROM torg_schema", ret);
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

/* All steps in one transaction; two nodes that start at once do it one after the other. */
static tg_err migrate(struct tg_db *db)
{
    int64_t version = 0;
    tg_err err = tg_pg_simple(db,
                              "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
                              "SELECT " LOCK,
                              NULL);

    if (err == TG_OK)
        err = check_version(db, &version);
    if (err == TG_OK && version == 0)
        err = tg_pg_simple(db,
                           "CREATE TABLE torg_schema (version BIGINT NOT NULL);"
                           "INSERT INTO torg_schema VALUES (0)",
                           NULL);
    for (int64_t v = version; err == TG_OK && v < (int64_t)tg_migration_count; v++)
        err = run_step(db, v);
    if (err == TG_OK)
        err = tg_pg_simple(db, "COMMIT", NULL);
    if (err != TG_OK)
        tg_db_rollback(db);
    return err;
}

static tg_err check_schema(struct tg_db *db)
{
    int64_t version = 0;
    tg_err err = check_version(db, &version);

    if (err != TG_OK || version == (int64_t)tg_migration_count)
        return err;
    if (tg_pg_of(db)->mode == TG_DB_WRITE)
        return migrate(db);
    tg_str_printf(db->error, sizeof(db->error), "its schema is of an older torg");
    return TG_ERR_UNSUPPORTED;
}

/* --- opening --- */

tg_err tg_pg_password(const char *file, char *out, size_t size)
{
    FILE *f = fopen(file, "re");
    size_t len = f == NULL ? 0 : fread(out, 1, size - 1, f);

    if (f != NULL)
        (void)fclose(f); /* only read */
    out[len] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return out[0] == '\0' ? TG_ERR_IO : TG_OK;
}

static tg_err read_password(struct tg_db *db, const char *file, char **ret)
{
    char text[PASSWORD_MAX];
    tg_err err = tg_pg_password(file, text, sizeof(text));

    if (err != TG_OK) {
        tg_str_printf(db->error, sizeof(db->error), "store.password_file holds no password (%.60s)",
                      access(file, R_OK) == 0 ? "it is empty" : strerror(errno));
        return err;
    }
    *ret = tg_strdup(text);
    explicit_bzero(text, sizeof(text));
    return *ret == NULL ? TG_ERR_NOMEM : TG_OK;
}

tg_err tg_db_check_url(const char *url, char reterr[128])
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);
    tg_err err = options == NULL ? TG_ERR_MALFORMED : TG_OK;

    if (options == NULL)
        tg_str_cut(reterr, 128, why == NULL ? "out of memory" : why);
    reterr[options == NULL ? strcspn(reterr, "\n") : 0] = '\0';
    PQfreemem(why);
    for (const PQconninfoOption *o = options; err == TG_OK && o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, "password") == 0 && o->val != NULL) {
            tg_str_cut(reterr, 128, "must not hold the password; use store.password_file");
            err = TG_ERR_MALFORMED;
        }
    PQconninfoFree(options);
    return err;
}

static tg_err connect_to(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode)
{
    struct tg_pg *p = tg_calloc(1, sizeof(*p));
    tg_err err = TG_OK;

    if (p == NULL) {
        tg_str_cut(db->error, sizeof(db->error), "out of memory");
        return TG_ERR_NOMEM;
    }
    db->conn = p;
    db->ops = &tg_pg_ops;
    p->mode = mode;
    p->url = tg_strdup(cfg->url);
    p->name = tg_strdup(cfg->name == NULL ? "torg" : cfg->name);
    if (p->url == NULL || p->name == NULL)
        return TG_ERR_NOMEM;
    if (cfg->password_file != NULL && cfg->password_file[0] != '\0')
        err = read_password(db, cfg->password_file, &p->password);
    return err == TG_OK ? connect_now(db) : err;
}

tg_err tg_db_postgres_open(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode)
{
    tg_err err = connect_to(db, cfg, mode);

    return err == TG_OK ? check_schema(db) : err;
}

/* --- for backup and restore --- */

static tg_err schema_of(struct tg_db *db, char out[64])
{
    PGresult *result = NULL;
    tg_err err = tg_pg_simple(db, "SELECT current_schema()", &result);

    if (err != TG_OK)
        return err;
    tg_str_cut(out, 64, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return out[0] != '\0' ? TG_OK : TG_ERR_NOTFOUND;
}

/* Opens without looking at the schema. */
static tg_err open_bare(struct tg_db *db, const struct tg_db_cfg *cfg, char reterr[256])
{
    tg_err err;

    *db = (struct tg_db){0};
    err = connect_to(db, cfg, TG_DB_WRITE);
    if (err != TG_OK) {
        tg_str_cut(reterr, 256, db->error);
        tg_db_close(db);
    }
    return err;
}

tg_err tg_pg_schema(const struct tg_db_cfg *cfg, char out[64], char reterr[256])
{
    struct tg_db db;
    tg_err err = open_bare(&db, cfg, reterr);

    if (err != TG_OK)
        return err;
    err = schema_of(&db, out);
    if (err != TG_OK)
        tg_str_cut(reterr, 256, db.error);
    tg_db_close(&db);
    return err;
}

/* ALTER SCHEMA a RENAME TO b; the names are quoted by the server's own rule. */
static tg_err rename_schema(struct tg_db *db, const char *from, const char *to, bool drop_first)
{
    char sql[400];
    char *a = PQescapeIdentifier(tg_pg_of(db)->conn, from, strlen(from));
    char *b = PQescapeIdentifier(tg_pg_of(db)->conn, to, strlen(to));
    tg_err err = TG_ERR_NOMEM;

    if (a != NULL && b != NULL) {
        (void)snprintf(sql, sizeof(sql), "%s%s%sALTER SCHEMA %s RENAME TO %s",
                       drop_first ? "DROP SCHEMA IF EXISTS " : "", drop_first ? b : "",
                       drop_first ? " CASCADE;" : "", a, b);
        err = tg_pg_simple(db, sql, NULL);
    }
    PQfreemem(a);
    PQfreemem(b);
    return err;
}

static tg_err set_aside(struct tg_db *db, char ret_kept[80])
{
    char schema[64] = "";
    int64_t others = 0;
    tg_err err = one_number(db,
                            "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                            " current_database() AND application_name LIKE 'torg%'"
                            " AND pid <> pg_backend_pid()",
                            &others);

    if (err == TG_OK && others > 0) {
        tg_str_cut(db->error, sizeof(db->error), "a server runs on this database; stop it first");
        return TG_ERR_CONFLICT;
    }
    if (err == TG_OK)
        err = schema_of(db, schema);
    if (err != TG_OK)
        return err;
    tg_str_printf(ret_kept, 80, "%.40s_before_%lld", schema,
                  (long long)(tg_clock_wall() / TG_US_PER_S));
    return rename_schema(db, schema, ret_kept, false);
}

tg_err tg_pg_set_aside(const struct tg_db_cfg *cfg, char ret_kept[80], char reterr[256])
{
    struct tg_db db;
    tg_err err = open_bare(&db, cfg, reterr);

    if (err != TG_OK)
        return err;
    err = set_aside(&db, ret_kept);
    if (err != TG_OK)
        tg_str_cut(reterr, 256, db.error);
    tg_db_close(&db);
    return err;
}

tg_err tg_pg_put_back(const struct tg_db_cfg *cfg, const char *kept, char reterr[256])
{
    struct tg_db db;
    char schema[64];
    const char *tail = strstr(kept, "_before_");
    tg_err err = open_bare(&db, cfg, reterr);

    if (err != TG_OK)
        return err;
    tg_str_cut(schema, sizeof(schema), kept);
    schema[tail == NULL ? 0 : TG_MIN((size_t)(tail - kept), sizeof(schema) - 1)] = '\0';
    err = rename_schema(&db, kept, schema, true);
    if (err != TG_OK)
        tg_str_cut(reterr, 256, db.error);
    tg_db_close(&db);
    return err;
}
