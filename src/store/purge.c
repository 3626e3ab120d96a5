/* The old end, cut off: remembered answers, messages to the world, what imports changed. */
#include "store/catalogue.h"
#include "store/changes.h"

/* Longer than any retry, so that what was given up can still be looked at and started anew. */
#define OUTBOX_KEEP_US ((tg_us)30 * 86400 * TG_US_PER_S)
/* A node that was away longer reads everything anew. */
#define CHANGES_KEPT_US ((tg_us)3600 * TG_US_PER_S)

struct purge {
    struct tg_db *db;
    int64_t max; /* rows of a kind */
    bool more;   /* some kind had as many, so there may be others */
};

/* The statement's last value is its LIMIT. */
static tg_err cut(struct purge *p, struct tg_q *q)
{
    tg_err err;

    tg_q_int(q, p->max);
    err = tg_q_run(q);
    if (err == TG_OK && q->changed >= p->max)
        p->more = true;
    return err;
}

static tg_err cut_of(struct purge *p, enum tg_sql which, int64_t owner, int64_t below)
{
    struct tg_q q = tg_q(p->db, which);

    tg_q_int(&q, owner);
    tg_q_int(&q, below);
    return cut(p, &q);
}

static tg_err one(struct purge *p, enum tg_sql which, int64_t above, int64_t *ret)
{
    struct tg_q q = tg_q(p->db, which);

    *ret = 0;
    tg_q_int(&q, above);
    if (tg_q_row(&q))
        *ret = tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}

static tg_err cut_answers(struct purge *p, tg_us wall)
{
    struct tg_q q = tg_q(p->db, TG_SQL_PURGE_IDEM);

    tg_q_int(&q, wall - TG_IDEM_DISK_US);
    return cut(p, &q);
}

/* What refers goes before what it refers to; endpoints that were deleted have rows, too. */
static tg_err cut_messages(struct purge *p, tg_us wall)
{
    int64_t below = tg_outbox_first(wall - OUTBOX_KEEP_US);
    struct tg_q q;
    int64_t hook = 0;
    tg_err err = one(p, TG_SQL_HOOK_AFTER, hook, &hook);

    while (err == TG_OK && hook > 0) {
        err = cut_of(p, TG_SQL_PURGE_ATTEMPTS, hook, below);
        if (err == TG_OK)
            err = cut_of(p, TG_SQL_PURGE_DELIVERIES, hook, below);
        if (err == TG_OK)
            err = one(p, TG_SQL_HOOK_AFTER, hook, &hook);
    }
    if (err != TG_OK)
        return err;
    q = tg_q(p->db, TG_SQL_PURGE_OUTBOX);
    tg_q_int(&q, below);
    return cut(p, &q);
}

/* Of imports that cannot be undone any more: one import at a time, the oldest first. */
static tg_err cut_imports(struct purge *p, int64_t next)
{
    static const enum tg_sql kinds[][2] = {
        {TG_SQL_OLDEST_IMPORT_CHANGES, TG_SQL_PURGE_IMPORT_CHANGES},
        {TG_SQL_OLDEST_IMPORT_FAULTS, TG_SQL_PURGE_IMPORT_FAULTS},
    };
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < TG_ARRAY_LEN(kinds); i++) {
        int64_t id = 0;
        struct tg_q q;

        err = one(p, kinds[i][0], next - TG_IMPORTS_KEPT, &id);
        if (err != TG_OK || id == 0)
            continue;
        q = tg_q(p->db, kinds[i][1]);
        tg_q_int(&q, id);
        err = cut(p, &q);
        p->more = p->more || q.changed > 0; /* there may be another import */
    }
    return err;
}

tg_err tg_store_purge(struct tg_store *store, tg_us wall, size_t max, bool *ret_more)
{
    struct tg_store_db *s = tg_store_db(store);
    struct purge p = {.db = &s->db, .max = (int64_t)max};
    struct tg_q q;
    int64_t next = 0;
    tg_err err = tg_changes_fence(s);

    *ret_more = false;
    if (err == TG_OK)
        err = cut_answers(&p, wall);
    if (err == TG_OK)
        err = cut_messages(&p, wall);
    if (err == TG_OK)
        err = tg_cat_next_import(store, &next);
    if (err == TG_OK && next > TG_IMPORTS_KEPT)
        err = cut_imports(&p, next);
    if (err == TG_OK && s->shared) {
        q = tg_q(&s->db, TG_SQL_PURGE_CHANGES);
        tg_q_int(&q, wall - CHANGES_KEPT_US);
        err = tg_q_run(&q);
        if (err == TG_OK)
            err = tg_cat_cut_off(store, wall, TG_CAT_CUT_OTHERS);
    }
    if (err == TG_OK)
        *ret_more = p.more;
    return err;
}
