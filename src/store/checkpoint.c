#include "store/checkpoint.h"

#include <semaphore.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/sqlite_priv.h"
#include "store/store_priv.h"

enum {
    PASSES_MAX = 5, /* a disk that is slower than the sale must not be asked for ever */
    NICE = 10,      /* on a core that it shares with the sale, a ninth of it */
};

static const struct tg_checkpoint_cfg defaults = {
    .step = TG_LITE_CHECKPOINT_FRAMES, .left = 300, .net = 64000};

/* Whose turn it is. IDLE -> ASKED and LAST -> IDLE by the committing thread, the rest by ours. */
enum turn { IDLE, ASKED, LAST };

struct tg_checkpoint {
    struct tg_checkpoint_cfg cfg;
    struct tg_thread *thread;
    sem_t asked;
    atomic_bool stop;
    atomic_int turn;
    atomic_int frames; /* in the log after the last commit */
    atomic_bool failing;
    atomic_bool lost; /* a sync failed: what the file has is not known */
    bool fast;        /* tests only: no fsync */

    struct tg_mutex passing; /* one pass at a time, with its sync and what it says of the disk */
    int done TG_GUARDED_BY(passing); /* of this log, in the file */

    sqlite3 *own;
    /* The committing thread's. */
    sqlite3 *writer;
    int ask_at;   /* when the log has so many frames */
    int ended_at; /* frames when it last tried to reach the end; 0 = the log is new */
};

/* --- both threads --- */

static void note_failure(struct tg_checkpoint *c, int rc)
{
    bool sync = rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;

    TG_COUNT(store_checkpoint_failures_total);
    if (sync && !atomic_exchange(&c->lost, true))
        tg_log_error("store", "checkpoints-ended", "reason=%s fix=%s", TG_LOG_Q(sqlite3_errstr(rc)),
                     TG_LOG_Q("look at the disk, then start torgd anew; until then the log grows"));
    else if (!sync && !atomic_exchange(&c->failing, true))
        tg_log_error("store", "checkpoint-failed", "reason=%s", TG_LOG_Q(sqlite3_errstr(rc)));
}

static void note_success(struct tg_checkpoint *c, int log, int done)
{
    /* Fewer than last time: the log has begun anew since. */
    tg_metric_add(TG_M_store_checkpoint_frames_total, done < c->done ? done : done - c->done);
    if (done == log && done != c->done)
        TG_COUNT(store_checkpoints_total);
    c->done = done;
    if (atomic_exchange(&c->failing, false))
        tg_log_info("store", "checkpoint-works-again", "%s", "");
}

/* SQLite syncs the file only in the pass that reaches the log's end. When every pass of ours does,
 * that one has little to wait for. */
static int sync_file(struct tg_checkpoint *c)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(c->own, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    return rc == SQLITE_OK && !c->fast ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

static int copy(struct tg_checkpoint *c, sqlite3 *raw, bool *ret_moved)
{
    int log = -1;
    int done = -1;
    int rc = sqlite3_wal_checkpoint_v2(raw, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &done);

    *ret_moved = false;
    /* Somebody else's checkpoint is no failure, nor is a reader on an old snapshot. */
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return SQLITE_OK;
    if (rc != SQLITE_OK)
        return sqlite3_extended_errcode(raw);
    *ret_moved = done != c->done;
    note_success(c, log, done);
    return *ret_moved && raw == c->own ? sync_file(c) : SQLITE_OK;
}

/* *ret_moved: something came into the file; *ret_done: frames that have. false = it failed. */
static bool pass(struct tg_checkpoint *c, sqlite3 *raw, int *ret_done, bool *ret_moved)
{
    bool ok = false;

    tg_mutex_lock(&c->passing);
    if (!atomic_load(&c->lost)) {
        int rc = copy(c, raw, ret_moved);

        ok = rc == SQLITE_OK;
        if (!ok)
            note_failure(c, rc);
    }
    *ret_done = c->done;
    tg_mutex_unlock(&c->passing);
    return ok;
}

/* --- our thread --- */

/* Returns whose turn it is then. */
static enum turn work(struct tg_checkpoint *c)
{
    for (int i = 0; i < PASSES_MAX; i++) {
        int done = 0;
        int left;
        bool moved = false;

        if (atomic_load(&c->stop) || !pass(c, c->own, &done, &moved))
            return IDLE; /* asked again a step later */
        left = atomic_load(&c->frames) - done;
        if (left < 0)
            return IDLE; /* it reached the end, and the log has begun anew */
        if (left <= c->cfg.left || !moved)
            break;
    }
    return LAST;
}

static void run(void *ctx)
{
    struct tg_checkpoint *c = ctx;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* on Linux of this thread only */
    while (!atomic_load(&c->stop)) {
        if (sem_wait(&c->asked) == 0 && atomic_load(&c->turn) == ASKED)
            atomic_store(&c->turn, (int)work(c));
    }
}

/* --- the committing thread --- */

/* After each commit, outside the transaction. Its result would be the commit's. */
static int committed(void *ctx, sqlite3 *raw, const char *schema, int frames)
{
    struct tg_checkpoint *c = ctx;
    int turn = atomic_load(&c->turn);
    bool anew = frames < atomic_load(&c->frames);
    bool moved = false;
    int done = 0;

    (void)schema;
    atomic_store(&c->frames, frames);
    tg_metric_set(TG_M_store_log_frames, frames);
    if (atomic_load(&c->lost))
        return SQLITE_OK;
    if (anew) {
        c->ended_at = 0;
        c->ask_at = c->cfg.step;
    }
    if (turn == LAST)
        atomic_store(&c->turn, IDLE);
    if ((turn == LAST && !anew) || frames - c->ended_at >= c->cfg.net) {
        (void)pass(c, raw, &done, &moved); /* it noted a failure; the commit stands anyway */
        c->ended_at = frames;
        /* A reader that was in the way may be gone soon. */
        c->ask_at = frames + TG_MAX(c->cfg.step / 4, 1);
    } else if (turn != ASKED && frames >= c->ask_at) {
        c->ask_at = frames + c->cfg.step;
        atomic_store(&c->turn, ASKED);
        (void)sem_post(&c->asked); /* cannot overflow: one for each ASKED */
    }
    return SQLITE_OK;
}

/* --- start and stop --- */

static int connect_own(struct tg_checkpoint *c)
{
    int rc = sqlite3_open_v2(sqlite3_db_filename(c->writer, "main"), &c->own,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    /* Only a connection that has read knows that there is a log. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->own, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if (rc == SQLITE_OK && c->fast)
        rc = sqlite3_exec(c->own, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    return rc;
}

static void end(struct tg_checkpoint *c)
{
    (void)sqlite3_close(c->own); /* it has no statements */
    (void)sem_destroy(&c->asked);
    tg_mutex_done(&c->passing);
    tg_free(c);
}

tg_err tg_checkpoint_start(struct tg_checkpoint **ret, struct tg_store *store,
                           const struct tg_checkpoint_cfg *cfg, char reterr[256])
{
    struct tg_db *db = &tg_store_db(store->ops->real(store))->db;
    struct tg_checkpoint *c;
    tg_err err;

    *ret = NULL;
    if (tg_db_engine(db) != TG_DB_SQLITE)
        return TG_OK;
    c = tg_calloc(1, sizeof(*c));
    if (c == NULL) {
        tg_str_cut(reterr, 256, "out of memory");
        return TG_ERR_NOMEM;
    }
    c->cfg = cfg == NULL ? defaults : *cfg;
    c->writer = tg_lite_of(db)->raw;
    c->fast = tg_lite_of(db)->fast;
    c->ask_at = c->cfg.step;
    tg_mutex_init(&c->passing);
    TG_ASSERT(sem_init(&c->asked, 0, 0) == 0);
    err = tg_lite_err(connect_own(c));
    if (err == TG_OK)
        err = tg_thread_start(&c->thread, "checkpoint", run, c);
    if (err != TG_OK) {
        tg_str_printf(reterr, 256, "the thread of checkpoints cannot start (%s)", tg_err_name(err));
        end(c);
        return err;
    }
    (void)sqlite3_wal_hook(c->writer, committed, c); /* replaces its own way; cannot fail */
    *ret = c;
    return TG_OK;
}

void tg_checkpoint_stop(struct tg_checkpoint *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->stop, true);
    (void)sem_post(&c->asked);
    tg_thread_join(c->thread);
    (void)sqlite3_wal_hook(c->writer, NULL, NULL);
    /* The last to close would make a checkpoint and delete the log. */
    if (atomic_load(&c->lost))
        (void)sqlite3_db_config(c->writer, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    else
        (void)sqlite3_wal_autocheckpoint(c->writer, TG_LITE_CHECKPOINT_FRAMES);
    end(c);
}
