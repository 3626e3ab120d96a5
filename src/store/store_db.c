#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/catalogue.h"
#include "store/changes.h"

enum { PAYLOAD_MAX = 256 * 1024 };

static void store_free(struct tg_store *store)
{
    struct tg_store_db *s = tg_store_db(store);

    tg_db_close(&s->db); /* an open transaction is rolled back by it */
    tg_buf_done(&s->payload);
    tg_buf_done(&s->keys);
    tg_buf_done(&s->product.variants);
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
    tg_err err = one_int(&tg_store_db(store)->db, TG_SQL_LAST_TOKEN, &last);

    if (err == TG_OK)
        *ret = (uint32_t)last + 1;
    return err;
}

static tg_err has_products(struct tg_store *store, bool *ret)
{
    struct tg_q q = tg_q(&tg_store_db(store)->db, TG_SQL_ANY_PRODUCT);
    bool any = tg_q_row(&q);
    tg_err err = tg_q_end(&q);

    if (err == TG_OK)
        *ret = any;
    return err;
}

static tg_err run(struct tg_store_db *s, enum tg_sql which)
{
    struct tg_q q = tg_q(&s->db, which);

    return tg_q_run(&q);
}

tg_err tg_store_begin_batch(struct tg_store_db *s)
{
    tg_err err = s->in_transaction ? TG_OK : run(s, TG_SQL_BEGIN_BATCH);

    if (err == TG_OK && s->shared && !s->in_transaction)
        err = tg_changes_lock(s);
    s->in_transaction = err == TG_OK;
    return err;
}

static tg_err begin(struct tg_store *store)
{
    struct tg_store_db *s = tg_store_db(store);
    tg_err err;

    /* The batch's reads opened it; its first write takes the writer's lock. Should another program
     * have written in between, that write answers AGAIN and the batch is decided anew. */
    if (s->in_transaction)
        return tg_outbox_begin(s);
    err = s->shared ? tg_store_begin_batch(s) : run(s, TG_SQL_BEGIN);
    s->in_transaction = err == TG_OK;
    return err == TG_OK ? tg_outbox_begin(s) : err;
}

static tg_err commit(struct tg_store *store)
{
    struct tg_store_db *s = tg_store_db(store);
    int64_t version = s->version;
    /* Behind its own memory (a tool, the demo's seed) a node tells everybody, itself too. */
    bool current = s->locked_version == s->version;
    tg_err err = tg_outbox_end(s);

    if (err == TG_OK && s->shared)
        err = tg_changes_write(s, tg_changes_wall(&s->clock), &version);
    if (err == TG_OK)
        err = run(s, TG_SQL_COMMIT);
    if (err != TG_OK) {
        /* Whether it reached the disk nobody knows; where versions are kept they will tell. */
        s->left_out = s->left_out || !s->shared;
        return err;
    }
    s->in_transaction = false;
    s->names_open = false;
    s->words_open = false;
    tg_buf_clear(&s->keys);
    if (current)
        s->version = version;
    return TG_OK;
}

static void rollback(struct tg_store *store)
{
    struct tg_store_db *s = tg_store_db(store);

    tg_buf_clear(&s->keys);
    tg_outbox_undo(s);
    if (!s->in_transaction)
        return;
    s->in_transaction = false;
    if (s->names_open)
        memset(s->names, 0, sizeof(s->names));
    s->names_open = false;
    if (s->words_open)
        memset(s->words, 0, sizeof(s->words));
    s->words_open = false;
    tg_db_rollback(&s->db);
}

static tg_err poll_others(struct tg_store *store, struct tg_shop_now now, bool *ret)
{
    *ret = false;
    return tg_store_db(store)->shared ? tg_changes_poll(tg_store_db(store), now, ret) : TG_OK;
}

static void watch(struct tg_store *store, const struct tg_store_watch *watcher)
{
    tg_store_db(store)->watch = *watcher;
}

static bool shared(struct tg_store *store)
{
    return tg_store_db(store)->shared;
}

static tg_us wall_off(struct tg_store *store)
{
    return tg_store_db(store)->clock.off;
}

static bool behind(struct tg_store *store)
{
    return tg_store_db(store)->behind || tg_store_db(store)->outdated;
}

static const char *error_text(struct tg_store *store)
{
    return tg_store_db(store)->db.error;
}

static struct tg_store *itself(struct tg_store *store)
{
    return store;
}

static const struct tg_store_ops ops = {
    .real = itself,
    .end = store_free,
    .load_shop = tg_store_load_shop,
    .load_registry = tg_store_load_registry,
    .next_token = next_token,
    .has_products = has_products,
    .load = tg_store_load,
    .begin = begin,
    .write = tg_store_write,
    .write_idem = tg_store_write_idem,
    .write_show = tg_store_write_show,
    .write_show_state = tg_store_write_show_state,
    .write_token = tg_store_write_token,
    .write_revoke = tg_store_write_revoke,
    .hook_look = tg_store_hook_look,
    .write_hook = tg_store_write_hook,
    .write_hook_work = tg_store_write_hook_work,
    .write_product = tg_store_write_product,
    .commit = commit,
    .rollback = rollback,
    .audit = tg_store_audit,
    .unanswered = tg_store_unanswered,
    .purge = tg_store_purge,
    .poll = poll_others,
    .watch = watch,
    .shared = shared,
    .wall_off = wall_off,
    .behind = behind,
    .error = error_text,
};

void tg_store_free(struct tg_store *store)
{
    if (store != NULL)
        store->ops->end(store);
}

tg_err tg_store_new(struct tg_store **ret, const struct tg_db_cfg *cfg, char reterr[256])
{
    struct tg_store_db *s = tg_calloc(1, sizeof(*s));
    struct tg_rng rng;
    tg_err err;

    if (s == NULL) {
        (void)snprintf(reterr, 256, "out of memory");
        return TG_ERR_NOMEM;
    }
    s->head.ops = &ops;
    rng = tg_rng_os();
    s->salt = (int64_t)tg_rng_below(&rng, 1U << TG_MESSAGE_SALT_BITS);
    tg_str_printf(s->node, sizeof(s->node), "%016llx", (unsigned long long)tg_rng_u64(&rng));
    tg_buf_init(&s->payload, PAYLOAD_MAX);
    err = tg_db_open(&s->db, cfg, TG_DB_WRITE, reterr);
    if (err != TG_OK) {
        tg_free(s);
        return err;
    }
    s->shared = cfg->shared || tg_db_engine(&s->db) == TG_DB_POSTGRES;
    s->clock.wrong_us = cfg->clock_wrong_us;
    tg_changes_clock(&s->db, &s->clock, tg_clock_mono());
    *ret = &s->head;
    return TG_OK;
}
