/* An import, or undoing one, as a job: its life, and a slice at a time. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sale/catalog_job_priv.h"

enum { STEPS_MAX = 4096 }; /* of one slice, whatever the clock says */
#define RETRY_US TG_US_PER_S
#define LOG_EVERY_US ((tg_us)10 * TG_US_PER_S)

static const char other_node[] =
    "Another server of this shop is importing, or undoing an import. Wait for its end.";

void tg_catalog_job_fault(void *ctx, const struct tg_feed_fault *fault)
{
    struct tg_catalog_job *job = ctx;

    job->import.faults++;
    TG_ASSERT(job->pending_count < TG_CATALOG_FAULTS_PENDING); /* see slice() */
    job->pending[job->pending_count++] = *fault;
}

static void flush_faults(struct tg_catalog_job *job)
{
    struct tg_catalog_slice *s = &job->slice;
    size_t i = 0;

    for (; s->err == TG_OK && i < job->pending_count && job->fault_seq < TG_IMPORT_FAULTS_MAX; i++)
        s->err = tg_cat_add_fault(job->sale->cfg.store, job->import.id, ++job->fault_seq,
                                  &job->pending[i]);
    if (s->err == TG_OK)
        job->pending_count = 0;
}

/* --- life --- */

static tg_err job_new(struct tg_catalog_job **ret, struct tg_sale *sale,
                      const struct tg_sale_req *req)
{
    struct tg_catalog_job *job = tg_calloc(1, sizeof(*job));
    tg_err err;

    if (job == NULL)
        return TG_ERR_NOMEM;
    job->sale = sale;
    job->rng = tg_rng_os();
    tg_map_init(&job->seen, &job->rng);
    tg_map_init(&job->decided, &job->rng);
    job->pending = tg_calloc(TG_CATALOG_FAULTS_PENDING, sizeof(*job->pending));
    err = job->pending == NULL ? TG_ERR_NOMEM : tg_catalog_slice_init(&job->slice, sale);
    if (err != TG_OK) {
        tg_catalog_job_free(job);
        return err;
    }
    job->items_max = TG_CATALOG_SLICE_ITEMS;
    job->slice.on_fault = tg_catalog_job_fault;
    job->slice.knows = tg_catalog_file_knows;
    job->slice.on_parts = tg_catalog_later_parts;
    job->slice.ctx = job;
    tg_str_cut(job->slice.actor, sizeof(job->slice.actor), req->who.id);
    *ret = job;
    return TG_OK;
}

/* The import's row: the first one makes it this node's. CONFLICT: another node is at work, or took
 * this one for dead. */
static tg_err put_row(struct tg_catalog_job *job, struct tg_shop_now now, bool first)
{
    struct tg_store *store = job->sale->cfg.store;
    tg_err err =
        first ? tg_cat_may_import(store, now.wall) : tg_cat_import_mine(store, job->import.id);

    job->import.lease_wall = now.wall + TG_IMPORT_LEASE_US;
    if (err == TG_OK && job->import.id == 0)
        err = tg_cat_next_import(store, &job->import.id);
    return err == TG_OK ? tg_cat_put_import(store, &job->import) : err;
}

/* ... in a transaction of its own. */
static tg_err save(struct tg_catalog_job *job, struct tg_shop_now now)
{
    struct tg_store *store = job->sale->cfg.store;
    tg_err err = store->ops->begin(store);

    if (err == TG_OK)
        err = put_row(job, now, false);
    if (err == TG_OK)
        err = store->ops->commit(store);
    if (err != TG_OK)
        store->ops->rollback(store);
    return err;
}

tg_err tg_catalog_job_import(struct tg_catalog_job **ret, struct tg_sale *sale,
                             struct tg_shop_now now, struct tg_sale_req *req, char why[160])
{
    struct tg_catalog_job *job = NULL;
    tg_err err = job_new(&job, sale, req);

    if (err != TG_OK)
        return err;
    job->import.flags = (uint32_t)req->number;
    job->import.state = TG_IMPORT_RUNNING;
    job->import.started_wall = now.wall;
    tg_str_cut(job->import.format, sizeof(job->import.format), req->key);
    tg_str_cut(job->import.file, sizeof(job->import.file), req->text);
    tg_str_cut(job->import.actor, sizeof(job->import.actor), req->who.id);
    job->own_file = req->flag;
    req->flag = false; /* the file goes with the job now */
    job->checking = (job->import.flags & (TG_IMPORT_DRY | TG_IMPORT_STRICT)) != 0;
    job->phase = job->checking ? TG_CATALOG_CHECK : TG_CATALOG_APPLY;
    err = tg_catalog_file_open(job, req->body == NULL ? "" : (const char *)req->body->data, why);
    if (err == TG_OK)
        err = tg_catalog_file_again(job);
    if (err == TG_OK)
        err = put_row(job, now, true);
    if (err == TG_ERR_CONFLICT)
        tg_str_cut(why, 160, other_node);
    if (err != TG_OK) {
        tg_catalog_job_free(job);
        return err;
    }
    job->slice.import = job->import.id;
    *ret = job;
    return TG_OK;
}

tg_err tg_catalog_job_undo(struct tg_catalog_job **ret, struct tg_sale *sale,
                           struct tg_shop_now now, const struct tg_sale_req *req, char why[160])
{
    struct tg_store *store = sale->cfg.store;
    struct tg_catalog_job *job = NULL;
    int64_t id = req->number;
    int64_t newest = 0;
    tg_err err = job_new(&job, sale, req);

    if (err != TG_OK)
        return err;
    if (id == 0)
        err = tg_cat_last_import(store, &id);
    if (err == TG_OK)
        err = tg_cat_next_import(store, &newest);
    if (err == TG_OK)
        err = tg_cat_import(store, id, &job->import);
    if (err == TG_ERR_NOTFOUND)
        tg_str_cut(why, 160,
                   id == 0 ? "There is no import that could be undone."
                           : "There is no such import.");
    if (err == TG_OK && (job->import.flags & TG_IMPORT_DRY) != 0) {
        tg_str_cut(why, 160, "That was a dry run: it changed nothing.");
        err = TG_ERR_CONFLICT;
    } else if (err == TG_OK && job->import.state == TG_IMPORT_UNDONE) {
        tg_str_cut(why, 160, "That import is undone already.");
        err = TG_ERR_CONFLICT;
    } else if (err == TG_OK && newest - id > TG_IMPORTS_KEPT) {
        tg_str_cut(why, 160, "That import is too old: only the last 20 can be undone.");
        err = TG_ERR_CONFLICT;
    }
    job->import.state = TG_IMPORT_UNDOING;
    job->below = INT64_MAX;
    job->phase = TG_CATALOG_UNDO;
    job->fault_seq = TG_MIN(job->import.faults, (int64_t)TG_IMPORT_FAULTS_MAX);
    if (err == TG_OK) {
        err = put_row(job, now, true);
        if (err == TG_ERR_CONFLICT)
            tg_str_cut(why, 160, other_node);
    }
    if (err != TG_OK) {
        tg_catalog_job_free(job);
        return err;
    }
    *ret = job;
    return TG_OK;
}

const struct tg_import *tg_catalog_job_cancel(struct tg_catalog_job *job, struct tg_shop_now now)
{
    if (job->import.state != TG_IMPORT_CANCELLED)
        tg_import_cancel(&job->import, now.wall);
    job->phase = TG_CATALOG_SAVE;
    job->again = false;
    return &job->import;
}

int64_t tg_catalog_job_id(const struct tg_catalog_job *job)
{
    return job->import.id;
}

void tg_catalog_job_free(struct tg_catalog_job *job)
{
    if (job == NULL)
        return;
    tg_feed_free(job->feed);
    tg_catalog_file_forget(job);
    tg_map_done(&job->seen);
    tg_catalog_later_done(job);
    if (job->file != NULL)
        (void)fclose(job->file); /* it was only read */
    if (job->own_file)
        (void)unlink(job->path); /* not there is as good */
    tg_catalog_slice_done(&job->slice);
    tg_free(job->pending);
    tg_free(job);
}

/* --- the slices --- */

static void finish(struct tg_catalog_job *job, struct tg_shop_now now)
{
    if (job->import.state == TG_IMPORT_UNDOING) {
        job->import.state = TG_IMPORT_UNDONE;
        job->import.undone_wall = now.wall;
        job->import.reason[0] = '\0'; /* why it was cut off before */
    } else {
        job->import.state = job->import.reason[0] == '\0' ? TG_IMPORT_DONE : TG_IMPORT_FAILED;
        job->import.ended_wall = now.wall;
    }
    job->phase = TG_CATALOG_ENDED;
}

static void one_step(struct tg_catalog_job *job, struct tg_shop_now now)
{
    switch (job->phase) {
    case TG_CATALOG_CHECK:
    case TG_CATALOG_APPLY:
        tg_catalog_file_step(job);
        break;
    case TG_CATALOG_PARTS:
        tg_catalog_later_step(job);
        break;
    case TG_CATALOG_READ:
        tg_catalog_file_read(job);
        break;
    case TG_CATALOG_ARCHIVE:
        tg_catalog_archive_step(job);
        break;
    case TG_CATALOG_UNDO:
        tg_catalog_undo_step(job);
        break;
    case TG_CATALOG_FINISH:
        finish(job, now);
        break;
    case TG_CATALOG_SAVE:
    case TG_CATALOG_ENDED:
        break;
    }
}

/* --- when the database refuses --- */

static void take_mark(struct tg_catalog_job *job)
{
    if (job->phase == TG_CATALOG_READ) { /* they have their parts, on disk */
        tg_catalog_later_cut(job, NULL);
        tg_feed_arena_clear(&job->later_arena);
        job->later_at = NULL;
    }
    job->mark = (struct tg_catalog_mark){.import = job->import,
                                         .phase = job->phase,
                                         .checking = job->checking,
                                         .got = job->got,
                                         .in_product = job->product != NULL,
                                         .variant = job->variant,
                                         .skip = job->skip,
                                         .archived_to = job->archived_to,
                                         .archive_variant = job->archive_variant,
                                         .archive_began = job->archive_began,
                                         .below = job->below,
                                         .fault_seq = job->fault_seq,
                                         .seq = job->slice.seq,
                                         .last = job->last,
                                         .later_at = job->later_at};
    memcpy(job->mark.archive_id, job->archive_id, sizeof(job->archive_id));
}

/* What this slice read and counted was not: as it was at its begin. */
static tg_err back_to_mark(struct tg_catalog_job *job)
{
    const struct tg_catalog_mark *mark = &job->mark;
    bool reads = mark->phase == TG_CATALOG_CHECK || mark->phase == TG_CATALOG_APPLY;
    bool moved = job->phase != mark->phase || job->got != mark->got ||
                 job->variant != mark->variant || (job->product != NULL) != mark->in_product;
    tg_err err = TG_OK;

    job->again = job->again || (reads && moved);
    if (reads && moved)
        err = tg_catalog_file_again(job);
    job->import = mark->import;
    if (reads && moved)
        job->import.bytes_done = 0; /* it is counted again as it is read */
    job->phase = mark->phase;
    job->archived_to = mark->archived_to;
    memcpy(job->archive_id, mark->archive_id, sizeof(job->archive_id));
    job->archive_variant = mark->archive_variant;
    job->archive_began = mark->archive_began;
    job->below = mark->below;
    job->fault_seq = mark->fault_seq;
    job->slice.seq = mark->seq;
    job->checking = mark->checking;
    tg_catalog_later_cut(job, mark->last);
    job->later_at = mark->later_at;
    job->pending_count = 0; /* a slice leaves none behind */
    return err;
}

static void fail(struct tg_catalog_job *job, struct tg_shop_now now, tg_err err)
{
    bool undo = job->import.state == TG_IMPORT_UNDOING;

    tg_log_error("sale", "import-lost", "import=%lld err=%s reason=%s", (long long)job->import.id,
                 tg_err_name(err),
                 TG_LOG_Q(job->sale->cfg.store->ops->error(job->sale->cfg.store)));
    job->import.state = TG_IMPORT_FAILED;
    job->import.ended_wall = now.wall;
    tg_str_cut(job->import.reason, sizeof(job->import.reason),
               undo ? "The database refused. Undo it again: what is taken back stays so."
                    : "The database refused. Import the file again: what is there already counts "
                      "as unchanged.");
    job->phase = TG_CATALOG_SAVE;
    job->again = false;
}

/* The database comes back, or its disk gets room: the same slice again. Anything else ends it. */
static void refused(struct tg_catalog_job *job, struct tg_shop_now now, tg_err err)
{
    uint64_t times;

    if (err != TG_ERR_CLOSED && err != TG_ERR_AGAIN && err != TG_ERR_IO) {
        fail(job, now, err);
        return;
    }
    times = tg_log_burst(&job->burst, now.mono, LOG_EVERY_US);
    if (times > 0)
        tg_log_warn("sale", "import-waits", "import=%lld err=%s times=%llu",
                    (long long)job->import.id, tg_err_name(err), (unsigned long long)times);
    job->retry_at = now.mono + RETRY_US;
    err = back_to_mark(job);
    if (err != TG_OK)
        fail(job, now, err);
}

tg_us tg_catalog_job_deadline(const struct tg_catalog_job *job)
{
    return job->retry_at;
}

static void save_failure(struct tg_catalog_job *job, struct tg_shop_now now)
{
    tg_err err = save(job, now);

    if (err == TG_OK || err == TG_ERR_CONFLICT) /* another node said that it is over */
        job->phase = TG_CATALOG_ENDED;
    else
        job->retry_at = now.mono + RETRY_US;
}

/* --- a slice --- */

/* A server gets the rows with the commit: what that takes shows only then, and the next slice has
 * as many as it has time for. */
static void learn(struct tg_catalog_job *job, tg_us until)
{
    if (!job->sale->cfg.store->ops->shared(job->sale->cfg.store))
        return;
    if (tg_clock_mono() > until)
        job->items_max = TG_MAX(job->items_max * 3 / 4, (size_t)TG_CATALOG_ITEMS_MIN);
    else
        job->items_max = TG_MIN(job->items_max + 4, (size_t)TG_CATALOG_SLICE_ITEMS);
}

static void slice(struct tg_catalog_job *job, struct tg_shop_now now)
{
    struct tg_catalog_slice *s = &job->slice;
    tg_us until = tg_clock_mono() + TG_CATALOG_SLICE_US;
    enum tg_catalog_phase began = job->phase;
    bool over = false;
    tg_err err;

    take_mark(job);
    s->dry = job->checking;
    job->cut = false;
    tg_catalog_slice_begin(s, now, NULL);
    job->ahead_at = 0; /* the arena is empty */
    job->ahead_count = 0;
    job->asked_to = 0;
    job->import.lease_wall = now.wall + TG_IMPORT_LEASE_US;
    if (s->err == TG_OK) {
        s->err = tg_cat_import_mine(job->sale->cfg.store, job->import.id);
        over = s->err == TG_ERR_CONFLICT;
    }
    /* A phase ends with its slice: what it left to decide comes first. */
    for (int i = 0; s->err == TG_OK && i < STEPS_MAX && job->phase == began && !job->cut &&
                    !tg_catalog_slice_full(s);
         i++) {
        one_step(job, now);
        if (s->product_count + s->variant_count >= job->items_max ||
            job->pending_count >= TG_CATALOG_FAULTS_SLICE ||
            ((i & 7) == 7 && tg_clock_mono() >= until))
            break;
    }
    tg_catalog_slice_decide(s);
    flush_faults(job);
    if (s->err == TG_OK)
        s->err = tg_cat_put_import(job->sale->cfg.store, &job->import);
    err = tg_catalog_slice_end(s);
    learn(job, until);
    if (over) {
        tg_log_info("sale", "import-over", "import=%lld", (long long)job->import.id);
        job->phase = TG_CATALOG_ENDED; /* another node cancelled it, or took this one for dead */
    } else if (err != TG_OK) {
        refused(job, now, err);
    }
}

bool tg_catalog_job_step(struct tg_catalog_job *job, struct tg_shop_now now)
{
    if (now.mono < job->retry_at)
        return false;
    if (job->phase == TG_CATALOG_SAVE) {
        save_failure(job, now);
    } else if (job->again) {
        tg_err err = tg_catalog_file_to_mark(job);

        if (err != TG_OK)
            fail(job, now, err);
    } else {
        slice(job, now);
    }
    return job->phase == TG_CATALOG_ENDED;
}
