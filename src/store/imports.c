/* Imports: their sums, what they changed, what was wrong in their files. */
#include <string.h>

#include "base/str.h"
#include "store/catalogue_priv.h"
#include "store/store_priv.h"

static struct tg_db *db_of(struct tg_store *store)
{
    return &tg_store_db(store->ops->real(store))->db;
}

const char *tg_import_state_name(enum tg_import_state state)
{
    static const char *const names[] = {"waiting", "running", "done",     "failed",
                                        "undoing", "undone",  "cancelled"};

    return (size_t)state < TG_ARRAY_LEN(names) ? names[state] : "failed";
}

static void counts_row(const struct tg_q *row, int first, struct tg_import_counts *ret)
{
    *ret = (struct tg_import_counts){.added = tg_q_get_int(row, first),
                                     .changed = tg_q_get_int(row, first + 1),
                                     .unchanged = tg_q_get_int(row, first + 2),
                                     .archived = tg_q_get_int(row, first + 3)};
}

void tg_cat_row_import(const struct tg_q *row, struct tg_import *ret)
{
    *ret = (struct tg_import){.id = tg_q_get_int(row, 0),
                              .state = (enum tg_import_state)tg_q_get_int(row, 1),
                              .flags = (uint32_t)tg_q_get_int(row, 3),
                              .bytes = tg_q_get_int(row, 6),
                              .bytes_done = tg_q_get_int(row, 7),
                              .counted = tg_q_get_int(row, 16),
                              .faults = tg_q_get_int(row, 17),
                              .started_wall = tg_q_get_int(row, 19),
                              .ended_wall = tg_q_get_int(row, 20),
                              .undone_wall = tg_q_get_int(row, 21)};
    tg_q_copy_text(row, 2, ret->format, sizeof(ret->format));
    tg_q_copy_text(row, 4, ret->file, sizeof(ret->file));
    tg_q_copy_text(row, 5, ret->actor, sizeof(ret->actor));
    tg_q_copy_text(row, 18, ret->reason, sizeof(ret->reason));
    counts_row(row, 8, &ret->products);
    counts_row(row, 12, &ret->variants);
}

static tg_err one_int(struct tg_db *db, enum tg_sql which, int64_t *ret)
{
    struct tg_q q = tg_q(db, which);

    *ret = tg_q_row(&q) ? tg_q_get_int(&q, 0) : 0;
    return tg_q_end(&q);
}

tg_err tg_cat_next_import(struct tg_store *store, int64_t *ret)
{
    return one_int(db_of(store), TG_SQL_CAT_NEXT_IMPORT, ret);
}

tg_err tg_cat_last_import(struct tg_store *store, int64_t *ret)
{
    return one_int(db_of(store), TG_SQL_CAT_LAST_IMPORT, ret);
}

static void bind_counts(struct tg_q *q, const struct tg_import_counts *c)
{
    tg_q_int(q, c->added);
    tg_q_int(q, c->changed);
    tg_q_int(q, c->unchanged);
    tg_q_int(q, c->archived);
}

static bool at_work(enum tg_import_state state)
{
    return state == TG_IMPORT_WAITING || state == TG_IMPORT_RUNNING || state == TG_IMPORT_UNDOING;
}

tg_err tg_cat_put_import(struct tg_store *store, const struct tg_import *import)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_PUT_IMPORT);

    tg_q_int(&q, import->id);
    tg_q_int(&q, import->state);
    tg_q_text(&q, import->format);
    tg_q_int(&q, import->flags);
    tg_q_text(&q, import->file);
    tg_q_text(&q, import->actor);
    tg_q_int(&q, import->bytes);
    tg_q_int(&q, import->bytes_done);
    bind_counts(&q, &import->products);
    bind_counts(&q, &import->variants);
    tg_q_int(&q, import->counted);
    tg_q_int(&q, import->faults);
    tg_q_text(&q, import->reason);
    tg_q_int(&q, import->started_wall);
    tg_q_int(&q, import->ended_wall);
    tg_q_int(&q, import->undone_wall);
    tg_q_text(&q, at_work(import->state) ? tg_store_db(store->ops->real(store))->node : "");
    tg_q_int(&q, import->lease_wall);
    return tg_q_run(&q);
}

tg_err tg_cat_may_import(struct tg_store *store, tg_us wall)
{
    struct tg_q q;
    bool any;
    tg_err err = tg_cat_cut_off(store, wall, TG_CAT_CUT_LATE);

    if (err != TG_OK)
        return err;
    q = tg_q(db_of(store), TG_SQL_CAT_AT_WORK);
    tg_q_text(&q, tg_store_db(store->ops->real(store))->node);
    any = tg_q_row(&q);
    err = tg_q_end(&q);
    return err == TG_OK && any ? TG_ERR_CONFLICT : err;
}

tg_err tg_cat_import_mine(struct tg_store *store, int64_t id)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_IMPORT_NODE);
    bool mine;
    tg_err err;

    tg_q_int(&q, id);
    mine = tg_q_row(&q) &&
           strcmp(tg_q_get_text(&q, 0), tg_store_db(store->ops->real(store))->node) == 0;
    err = tg_q_end(&q);
    return err == TG_OK && !mine ? TG_ERR_CONFLICT : err;
}

tg_err tg_cat_db_import(struct tg_db *db, int64_t id, struct tg_import *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_IMPORT);
    bool found;
    tg_err err;

    tg_q_int(&q, id);
    found = tg_q_row(&q);
    if (found)
        tg_cat_row_import(&q, ret);
    err = tg_q_end(&q);
    return err == TG_OK && !found ? TG_ERR_NOTFOUND : err;
}

tg_err tg_cat_import(struct tg_store *store, int64_t id, struct tg_import *ret)
{
    return tg_cat_db_import(db_of(store), id, ret);
}

void tg_import_cancel(struct tg_import *import, tg_us wall)
{
    const char *reason = "It was cancelled. What it had changed by then stays; undo takes it back.";

    if (import->state == TG_IMPORT_UNDOING)
        reason = "The undo was cancelled. What is taken back stays so; undo it again for the rest.";
    else if ((import->flags & TG_IMPORT_DRY) != 0)
        reason = "It was cancelled. A dry run changes nothing.";
    tg_str_cut(import->reason, sizeof(import->reason), reason);
    import->state = TG_IMPORT_CANCELLED;
    import->ended_wall = wall;
}

tg_err tg_cat_cancel(struct tg_store *store, int64_t id, tg_us wall, struct tg_import *ret)
{
    tg_err err = TG_OK;

    if (id == 0)
        err = one_int(db_of(store), TG_SQL_CAT_RUNNING_IMPORT, &id);
    if (err == TG_OK)
        err = tg_cat_import(store, id, ret);
    if (err == TG_OK && !at_work(ret->state))
        err = TG_ERR_CONFLICT;
    if (err != TG_OK)
        return err;
    tg_import_cancel(ret, wall);
    return tg_cat_put_import(store, ret);
}

tg_err tg_cat_add_change(struct tg_store *store, int64_t import,
                         const struct tg_import_change *change)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_ADD_CHANGE);

    tg_q_int(&q, import);
    tg_q_int(&q, change->seq);
    tg_q_int(&q, change->kind);
    tg_q_text(&q, change->item);
    tg_q_text(&q, change->before);
    tg_q_int(&q, (int64_t)change->after);
    tg_q_int(&q, change->qty);
    return tg_q_run(&q);
}

static void change_row(const struct tg_q *row, struct tg_feed_arena *a,
                       struct tg_import_change *ret)
{
    const char *item = tg_q_get_text(row, 2);
    const char *before = tg_q_get_text(row, 3);

    *ret = (struct tg_import_change){.seq = tg_q_get_int(row, 0),
                                     .kind = (enum tg_import_kind)tg_q_get_int(row, 1),
                                     .after = (uint64_t)tg_q_get_int(row, 4),
                                     .qty = tg_q_get_int(row, 5)};
    ret->item = tg_feed_text(a, item, strlen(item));
    ret->before = tg_feed_text(a, before, strlen(before));
}

tg_err tg_cat_changes_below(struct tg_store *store, struct tg_feed_arena *a, int64_t import,
                            int64_t below, struct tg_import_change *ret, size_t max,
                            size_t *ret_count)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_CHANGES_BELOW);
    tg_err err;

    *ret_count = 0;
    tg_q_int(&q, import);
    tg_q_int(&q, below);
    tg_q_int(&q, (int64_t)max);
    while (*ret_count < max && (*ret_count == 0 || a->used < TG_CAT_AHEAD_BYTES) && tg_q_row(&q))
        change_row(&q, a, &ret[(*ret_count)++]);
    err = tg_q_end(&q);
    return err != TG_OK ? err : a->err;
}

tg_err tg_cat_set_change(struct tg_store *store, int64_t import, int64_t seq, uint64_t after)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_SET_CHANGE);

    tg_q_int(&q, (int64_t)after);
    tg_q_int(&q, import);
    tg_q_int(&q, seq);
    return tg_q_run(&q);
}

tg_err tg_cat_drop_change(struct tg_store *store, int64_t import, int64_t seq)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_DROP_CHANGE);

    tg_q_int(&q, import);
    tg_q_int(&q, seq);
    return tg_q_run(&q);
}

tg_err tg_cat_add_fault(struct tg_store *store, int64_t import, int64_t seq,
                        const struct tg_feed_fault *fault)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_ADD_FAULT);

    tg_q_int(&q, import);
    tg_q_int(&q, seq);
    tg_q_int(&q, fault->line);
    tg_q_text(&q, fault->field);
    tg_q_text(&q, fault->value);
    tg_q_text(&q, fault->reason);
    tg_q_text(&q, fault->fix);
    return tg_q_run(&q);
}

tg_err tg_cat_cut_off(struct tg_store *store, tg_us wall, enum tg_cat_cut which)
{
    struct tg_q q = tg_q(db_of(store), TG_SQL_CAT_CUT_OFF);

    tg_q_text(&q, "The server stopped meanwhile. Undo it again: what is taken back stays so.");
    tg_q_text(&q, "The server stopped meanwhile. Import the file again: what is there already "
                  "counts as unchanged.");
    tg_q_int(&q, wall);
    tg_q_int(&q, which == TG_CAT_CUT_ALL ? INT64_MAX : wall);
    tg_q_text(&q, which == TG_CAT_CUT_OTHERS ? tg_store_db(store->ops->real(store))->node
                                             : "-"); /* is no node's name */
    return tg_q_run(&q);
}

tg_err tg_cat_tidy(struct tg_store *store, tg_us wall)
{
    tg_err err = store->ops->begin(store);

    /* The only node has just begun: whatever is at work is dead. */
    if (err == TG_OK)
        err = tg_cat_cut_off(store, wall,
                             store->ops->shared(store) ? TG_CAT_CUT_LATE : TG_CAT_CUT_ALL);
    if (err == TG_OK)
        err = store->ops->commit(store);
    if (err != TG_OK)
        store->ops->rollback(store);
    return err;
}
