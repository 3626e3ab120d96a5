/* Asking PostgreSQL: what is sent, the wait for its result, and what its errors are to us. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/postgres_priv.h"

enum {
    /* Above every timeout of the session, which answer first when the server lives. */
    ANSWER_S = 20,
    LOOK_EVERY_MS = 200, /* at the stop flag */
};

/* --- errors --- */

static tg_err err_of(const char *state)
{
    if (state == NULL)
        return TG_ERR_IO;
    if (strncmp(state, "23", 2) == 0)
        return TG_ERR_CONFLICT;
    if (strncmp(state, "40", 2) == 0 || strcmp(state, "55P03") == 0 || strcmp(state, "57014") == 0)
        return TG_ERR_AGAIN; /* serialisation, deadlock, lock or statement timeout */
    if (strcmp(state, "53200") == 0)
        return TG_ERR_NOMEM;
    if (strncmp(state, "XX", 2) == 0)
        return TG_ERR_MALFORMED;
    if (strncmp(state, "42", 2) == 0)
        return TG_ERR_BUG;
    return TG_ERR_IO;
}

void tg_pg_lost(struct tg_pg *p)
{
    if (p->phase != TG_PG_UP)
        return;
    p->phase = TG_PG_DOWN;
    p->retry_at = 0;
    p->backoff_us = 0;
    tg_pg_drop(p);
}

tg_err tg_pg_failed(struct tg_db *db, PGresult *take_result)
{
    struct tg_pg *p = tg_pg_of(db);
    const char *state = PQresultErrorField(take_result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(take_result, PG_DIAG_MESSAGE_PRIMARY);
    char line[sizeof(db->error)];
    tg_err err = err_of(state);

    if (text == NULL)
        text = p->conn != NULL ? PQerrorMessage(p->conn) : "no connection";
    tg_str_cut(line, sizeof(line), text);
    line[strcspn(line, "\n")] = '\0';
    tg_str_cut(db->error, sizeof(db->error), line);
    /* Shut down, crashed or starting (57P0x), a standby now (25006), or simply gone. */
    if (PQstatus(p->conn) != CONNECTION_OK ||
        (state != NULL && (strncmp(state, "57P", 3) == 0 || strcmp(state, "25006") == 0 ||
                           strncmp(state, "08", 2) == 0))) {
        tg_pg_lost(p);
        err = TG_ERR_CLOSED;
    }
    PQclear(take_result);
    return err;
}

/* --- asking --- */

/* Nobody waits for the rest of the statement: the server is asked to end it. */
static void break_off(struct tg_db *db)
{
    PGcancel *cancel = PQgetCancel(tg_pg_of(db)->conn);
    char ignored[256];

    if (cancel != NULL)
        (void)PQcancel(cancel, ignored, sizeof(ignored)); /* failed: it ends by itself */
    PQfreeCancel(cancel);
    tg_str_cut(db->error, sizeof(db->error), "it was broken off");
    tg_pg_lost(tg_pg_of(db));
}

/* false: the connection is given up. *until is 0 before the first wait. */
static bool wait_readable(struct tg_db *db, tg_us *until)
{
    struct tg_pg *p = tg_pg_of(db);
    struct pollfd pfd = {.fd = PQsocket(p->conn), .events = POLLIN};
    tg_us now = tg_clock_mono();
    int ready;

    if (*until == 0)
        *until = p->unhurried ? TG_US_NEVER : now + (tg_us)ANSWER_S * TG_US_PER_S;
    if (p->stop != NULL && atomic_load(p->stop)) {
        break_off(db);
        return false;
    }
    if (p->unhurried)
        ready = poll(&pfd, 1, p->stop == NULL ? -1 : LOOK_EVERY_MS);
    else
        ready = now >= *until ? 0 : poll(&pfd, 1, (int)((*until - now) / 1000) + 1);
    if (ready > 0 || (ready < 0 && errno == EINTR) || (p->unhurried && ready == 0))
        return true;
    tg_str_cut(db->error, sizeof(db->error), "the server did not answer");
    tg_pg_lost(p);
    return false;
}

PGresult *tg_pg_result(struct tg_db *db)
{
    struct tg_pg *p = tg_pg_of(db);
    tg_us until = 0;

    while (PQisBusy(p->conn)) {
        if (!wait_readable(db, &until))
            return NULL;
        if (PQconsumeInput(p->conn) == 0) {
            (void)tg_pg_failed(db, NULL); /* the caller sees no result and asks why again */
            return NULL;
        }
    }
    return PQgetResult(p->conn);
}

tg_err tg_pg_finish(struct tg_db *db, int sent, PGresult **ret)
{
    struct tg_pg *p = tg_pg_of(db);
    PGresult *kept = NULL;
    PGresult *result;
    ExecStatusType status;

    if (sent == 0)
        return tg_pg_failed(db, NULL);
    while ((result = tg_pg_result(db)) != NULL) {
        status = PQresultStatus(kept);
        /* The first error is the one to report. */
        if (kept != NULL && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            PQclear(result);
            continue;
        }
        PQclear(kept);
        kept = result;
    }
    if (p->phase != TG_PG_UP) {
        PQclear(kept);
        return TG_ERR_CLOSED;
    }
    status = PQresultStatus(kept);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return tg_pg_failed(db, kept);
    if (ret != NULL)
        *ret = kept;
    else
        PQclear(kept);
    return TG_OK;
}

tg_err tg_pg_simple(struct tg_db *db, const char *sql, PGresult **ret)
{
    struct tg_pg *p = tg_pg_of(db);

    if (p->phase == TG_PG_DOWN)
        return TG_ERR_CLOSED;
    return tg_pg_finish(db, PQsendQuery(p->conn, sql), ret);
}
