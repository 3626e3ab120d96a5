#include "store/db.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "store/db_priv.h"

const struct tg_sql_text tg_sql_texts[TG_SQL_COUNT] = {
#define TG_SQL(id, text) [TG_SQL_##id] = {.name = #id, .sqlite = (text), .postgres = (text)},
#define TG_BULK(id, text)                                                                          \
    [TG_SQL_##id] = {.name = #id, .sqlite = (text), .postgres = (text), .bulk = true},
#define TG_BULK_ONCE(id, text)                                                                     \
    [TG_SQL_##id] = {.name = #id, .sqlite = (text), .postgres = (text), .bulk = true, .once = true},
#define TG_SQL_TWO(id, lite, post)                                                                 \
    [TG_SQL_##id] = {.name = #id, .sqlite = (lite), .postgres = (post)},
#include "store/sql.def"
};

tg_err tg_db_open(struct tg_db *db, const struct tg_db_cfg *cfg, enum tg_db_mode mode,
                  char reterr[256])
{
    char place[96];
    tg_err err;

    *db = (struct tg_db){0};
    if (tg_db_is_postgres(cfg->url)) {
        tg_pg_place(place, cfg->url);
        err = tg_db_postgres_open(db, cfg, mode);
    } else {
        tg_str_cut(place, sizeof(place), cfg->url);
        err = tg_db_sqlite_open(db, cfg, mode);
    }
    if (err != TG_OK) {
        char why[400];

        (void)snprintf(why, sizeof(why), "the database %s cannot be used: %s", place, db->error);
        tg_str_cut(reterr, 256, why);
        tg_db_close(db);
    }
    return err;
}

bool tg_db_is_postgres(const char *url)
{
    return strncmp(url, "postgresql:", 11) == 0 || strncmp(url, "postgres:", 9) == 0;
}

void tg_db_close(struct tg_db *db)
{
    if (db->ops != NULL)
        db->ops->close(db);
    *db = (struct tg_db){0};
}

enum tg_db_engine tg_db_engine(const struct tg_db *db)
{
    return db->ops->engine;
}

tg_err tg_db_exec(struct tg_db *db, const char *sql)
{
    return db->ops->exec(db, sql);
}

tg_err tg_db_ready(struct tg_db *db, tg_us now)
{
    return db->ops->ready(db, now);
}

tg_err tg_db_check_statements(struct tg_db *db)
{
    char why[sizeof(db->error)];

    for (int i = 0; i < TG_SQL_COUNT; i++) {
        tg_err err = db->ops->prepare(db, (enum tg_sql)i);

        if (err == TG_OK)
            continue;
        tg_str_cut(why, sizeof(why), db->error);
        (void)snprintf(db->error, sizeof(db->error), "%s: %.150s", tg_sql_texts[i].name, why);
        return err;
    }
    return TG_OK;
}

tg_err tg_db_unhurried(struct tg_db *db, const atomic_bool *stop)
{
    return db->ops->unhurried(db, stop);
}

void tg_db_rollback(struct tg_db *db)
{
    db->ops->rollback(db);
}

/* --- one use of a statement --- */

struct tg_q tg_q(struct tg_db *db, enum tg_sql which)
{
    struct tg_q q = {.db = db, .which = which, .err = TG_OK};

    db->ops->use(&q);
    return q;
}

void tg_q_int(struct tg_q *q, int64_t value)
{
    if (q->err == TG_OK)
        q->db->ops->bind_int(q, value);
}

void tg_q_text(struct tg_q *q, const char *text)
{
    if (q->err == TG_OK)
        q->db->ops->bind(q, TG_DB_TEXT, text, strlen(text));
}

void tg_q_blob(struct tg_q *q, const void *data, size_t len)
{
    if (q->err == TG_OK)
        q->db->ops->bind(q, TG_DB_BLOB, data, len);
}

void tg_q_null(struct tg_q *q)
{
    if (q->err == TG_OK)
        q->db->ops->bind(q, TG_DB_NULL, NULL, 0);
}

static void count_it(struct tg_q *q)
{
    q->db->asked[q->which] += q->asked ? 0 : 1;
    q->asked = true;
}

bool tg_q_row(struct tg_q *q)
{
    count_it(q);
    return q->err == TG_OK && q->db->ops->row(q);
}

tg_err tg_q_end(struct tg_q *q)
{
    q->db->ops->end(q);
    return q->err;
}

tg_err tg_q_run(struct tg_q *q)
{
    if (!tg_sql_texts[q->which].bulk)
        count_it(q);
    if (q->err == TG_OK)
        q->db->ops->run(q);
    return tg_q_end(q);
}

int64_t tg_q_get_int(const struct tg_q *q, int column)
{
    return q->db->ops->get_int(q, column);
}

const char *tg_q_get_text(const struct tg_q *q, int column)
{
    return q->db->ops->get_text(q, column);
}

void tg_q_copy_text(const struct tg_q *q, int column, char *out, size_t size)
{
    tg_str_cut(out, size, tg_q_get_text(q, column));
}

const void *tg_q_get_blob(const struct tg_q *q, int column, size_t *ret_len)
{
    return q->db->ops->get_blob(q, column, ret_len);
}

bool tg_q_is_null(const struct tg_q *q, int column)
{
    return q->db->ops->is_null(q, column);
}

tg_err tg_q_each(struct tg_db *db, enum tg_sql which, size_t count, const struct tg_q_many *many)
{
    uint32_t asked = db->asked[which] + 1;
    tg_err err = db->ops->each(db, which, count, many);

    db->asked[which] = asked;
    return err;
}
