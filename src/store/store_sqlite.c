#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"

enum { PAYLOAD_MAX = 256 * 1024 };

static void store_free(struct tg_store *store)
{
    struct tg_store_sqlite *s = tg_sqlite(store);

    tg_db_close(&s->db); /* an open transaction is rolled back by it */
    tg_buf_done(&s->payload);
    tg_free(s);
}

static tg_err one_int(struct tg_db *db, enum tg_sql which, int64_t *ret)
{
    struct tg_q q = tg_q(db, which);

    if (tg_q_row(&q))
        *ret = tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}

static tg_err next_token(struct tg_store *store, uint32_t *ret)
{
    int64_t last = 0;
    tg_err err = one_int(&tg_sqlite(store)->db, TG_SQL_LAST_TOKEN, &last);

    if (err == TG_OK)
        *ret = (uint32_t)last + 1;
    return err;
}

static tg_err has_products(struct tg_store *store, bool *ret)
{
    struct tg_q q = tg_q(&tg_sqlite(store)->db, TG_SQL_ANY_PRODUCT);
    bool any = tg_q_row(&q);
    tg_err err = tg_q_end(&q);

    if (err == TG_OK)
        *ret = any;
    return err;
}

static tg_err run(struct tg_store_sqlite *s, enum tg_sql which)
{
    struct tg_q q = tg_q(&s->db, which);

    return tg_q_run(&q);
}

tg_err tg_sqlite_begin_read(struct tg_store_sqlite *s)
{
    tg_err err = s->in_transaction ? TG_OK : run(s, TG_SQL_BEGIN_READ);

    s->in_transaction = err == TG_OK;
    return err;
}

static tg_err begin(struct tg_store *store)
{
    struct tg_store_sqlite *s = tg_sqlite(store);
    tg_err err;

    /* The batch's reads opened it; its first write takes the writer's lock. Should another program
     * have written in between, that write answers AGAIN and the batch is decided anew. */
    if (s->in_transaction)
        return TG_OK;
    err = run(s, TG_SQL_BEGIN);

    s->in_transaction = err == TG_OK;
    return err;
}

static tg_err commit(struct tg_store *store)
{
    struct tg_store_sqlite *s = tg_sqlite(store);
    tg_err err = run(s, TG_SQL_COMMIT);

    if (err == TG_OK)
        s->in_transaction = false;
    return err;
}

static void rollback(struct tg_store *store)
{
    struct tg_store_sqlite *s = tg_sqlite(store);

    if (!s->in_transaction)
        return;
    s->in_transaction = false;
    /* A full disk makes SQLite roll back by itself; then there is nothing left to do. The error
     * text of the failure that led here must survive, so this goes around tg_q. */
    if (sqlite3_get_autocommit(s->db.raw) == 0)
        (void)sqlite3_exec(s->db.raw, "ROLLBACK", NULL, NULL, NULL);
}

static tg_err purge(struct tg_store *store, tg_us wall, size_t max)
{
    struct tg_q q = tg_q(&tg_sqlite(store)->db, TG_SQL_PURGE_IDEM);

    tg_q_int(&q, wall - TG_IDEM_DISK_US);
    tg_q_int(&q, (int64_t)max);
    return tg_q_run(&q);
}

static const char *error_text(struct tg_store *store)
{
    return tg_sqlite(store)->db.error;
}

static const struct tg_store_ops ops = {
    .end = store_free,
    .load_shop = tg_sqlite_load_shop,
    .load_registry = tg_sqlite_load_registry,
    .next_token = next_token,
    .has_products = has_products,
    .load = tg_sqlite_load,
    .begin = begin,
    .write = tg_sqlite_write,
    .write_idem = tg_sqlite_write_idem,
    .write_show = tg_sqlite_write_show,
    .write_show_state = tg_sqlite_write_show_state,
    .write_token = tg_sqlite_write_token,
    .write_revoke = tg_sqlite_write_revoke,
    .write_product = tg_sqlite_write_product,
    .commit = commit,
    .rollback = rollback,
    .audit = tg_sqlite_audit,
    .purge = purge,
    .error = error_text,
};

void tg_store_free(struct tg_store *store)
{
    if (store != NULL)
        store->ops->end(store);
}

tg_err tg_store_sqlite_new(struct tg_store **ret, const struct tg_store_sqlite_cfg *cfg,
                           char reterr[256])
{
    struct tg_store_sqlite *s = tg_calloc(1, sizeof(*s));
    tg_err err;

    if (s == NULL) {
        (void)snprintf(reterr, 256, "out of memory");
        return TG_ERR_NOMEM;
    }
    s->head.ops = &ops;
    tg_buf_init(&s->payload, PAYLOAD_MAX);
    err = tg_db_open(&s->db, cfg->path, cfg->fast ? TG_DB_WRITE_FAST : TG_DB_WRITE, reterr);
    if (err != TG_OK) {
        tg_free(s);
        return err;
    }
    *ret = &s->head;
    return TG_OK;
}
