/* db_priv.h - what an engine is for db.c. */
#ifndef TG_STORE_DB_PRIV_H
#define TG_STORE_DB_PRIV_H

#include "store/db.h"

enum tg_db_value { TG_DB_TEXT, TG_DB_BLOB, TG_DB_NULL };

struct tg_db_ops {
    enum tg_db_engine engine;
    void (*close)(struct tg_db *db);
    tg_err (*exec)(struct tg_db *db, const char *sql);
    tg_err (*ready)(struct tg_db *db, tg_us now);
    void (*rollback)(struct tg_db *db);
    tg_err (*unhurried)(struct tg_db *db, const atomic_bool *stop);
    tg_err (*prepare)(struct tg_db *db, enum tg_sql which); /* all forms */
    /* One use: q->err is set on failure, and no call below does anything then but end. */
    void (*use)(struct tg_q *q);
    void (*bind_int)(struct tg_q *q, int64_t value);
    void (*bind)(struct tg_q *q, enum tg_db_value kind, const void *data, size_t len);
    void (*run)(struct tg_q *q);
    bool (*row)(struct tg_q *q);
    void (*end)(struct tg_q *q);
    int64_t (*get_int)(const struct tg_q *q, int column);
    const char *(*get_text)(const struct tg_q *q, int column);
    const void *(*get_blob)(const struct tg_q *q, int column, size_t *ret_len);
    bool (*is_null)(const struct tg_q *q, int column);
    tg_err (*each)(struct tg_db *db, enum tg_sql which, size_t count, const struct tg_q_many *many);
};

/* The engines; as tg_db_open, with db->error instead of reterr, closing nothing on failure. */
TG_MUST_CHECK tg_err tg_db_sqlite_open(struct tg_db *db, const struct tg_db_cfg *cfg,
                                       enum tg_db_mode mode);
TG_MUST_CHECK tg_err tg_db_postgres_open(struct tg_db *db, const struct tg_db_cfg *cfg,
                                         enum tg_db_mode mode);
/* A PostgreSQL URL's database and host, for people: no secrets. */
void tg_pg_place(char out[96], const char *url);

/* What a row of sql.def says. */
struct tg_sql_text {
    const char *name;
    const char *sqlite;
    const char *postgres;
    bool bulk;
    bool once; /* bulk, and no key comes twice in a batch */
};
extern const struct tg_sql_text tg_sql_texts[TG_SQL_COUNT];

#endif
