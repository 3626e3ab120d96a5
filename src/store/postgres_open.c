/* Connecting to PostgreSQL, and getting a lost connection back. */
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
#include "store/postgres_priv.h"

enum {
    PASSWORD_MAX = 1024,
    CONNECT_S = 5,
    STEP_MS = 20, /* the sale thread waits no longer at a time for a connection */
};
#define BACKOFF_FIRST_US ((tg_us)100 * 1000)
#define BACKOFF_MAX_US ((tg_us)2 * TG_US_PER_S)
#define CONNECT_US ((tg_us)CONNECT_S * TG_US_PER_S)

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
                      access(file, R_OK) == 0 ? "it is empty" : strerrordesc_np(errno));
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
        if (o->val != NULL &&
            (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0)) {
            tg_str_cut(reterr, 128, "must not hold the password; use store.password_file");
            err = TG_ERR_MALFORMED;
        }
    PQconninfoFree(options);
    return err;
}

tg_err tg_pg_connect(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode)
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
    tg_err err = tg_pg_connect(db, cfg, mode);

    return err == TG_OK ? tg_pg_check_schema(db, cfg) : err;
}
