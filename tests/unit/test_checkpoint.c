/*
 * test_checkpoint.c - the log of writes while checkpoints are made beside the commits: it must not
 * grow for ever, and whatever the disk refuses, nothing that was committed may be missing.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/metrics.h"
#include "base/thread.h"
#include "store/checkpoint.h"
#include "store/sqlite_priv.h"
#include "store/store_priv.h"
#include "support/lib/store_box.h"

enum { STEP = 100, LEFT = 20, NET = 400, PAGE = 4096, FRAME = PAGE + 24, ROWS = 20 };

static const struct tg_checkpoint_cfg small = {.step = STEP, .left = LEFT, .net = NET};

/* --- a disk that refuses: what SQLite's files do is looked at on the way --- */

static atomic_int write_fails; /* writes of the database's file: disk full */
static atomic_int sync_fails;  /* they are taken and lost, as the next fsync says */

static const sqlite3_io_methods *real_io;
static sqlite3_io_methods disk_io;

static int disk_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    if (atomic_load(&write_fails))
        return SQLITE_FULL;
    return atomic_load(&sync_fails) ? SQLITE_OK : real_io->xWrite(file, data, len, at);
}

static int disk_sync(sqlite3_file *file, int flags)
{
    return atomic_load(&sync_fails) ? SQLITE_IOERR_FSYNC : real_io->xSync(file, flags);
}

static sqlite3_vfs *real_vfs;
static sqlite3_vfs disk_vfs;

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    int rc = real_vfs->xOpen(real_vfs, name, file, flags, out);

    (void)vfs;
    if (rc != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0)
        return rc;
    if (real_io == NULL) {
        real_io = file->pMethods;
        disk_io = *real_io;
        disk_io.xWrite = disk_write;
        disk_io.xSync = disk_sync;
    }
    assert_ptr_equal(file->pMethods, real_io);
    file->pMethods = &disk_io;
    return SQLITE_OK;
}

static int disk_setup(void **state)
{
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    disk_vfs = *real_vfs;
    disk_vfs.pNext = NULL;
    disk_vfs.zName = "disk";
    disk_vfs.xOpen = disk_open;
    return sqlite3_vfs_register(&disk_vfs, 1);
}

/* --- a shop and a table beside it that is written as fast as can be --- */

struct rig {
    struct box *b;
    struct tg_checkpoint *c;
    long log_max; /* pages of the log's file, after any commit */
};

static void exec(const struct rig *r, const char *sql)
{
    struct tg_db *db = &tg_store_db(r->b->store)->db;

    if (tg_db_exec(db, sql) != TG_OK)
        fail_msg("%s: %s", sql, db->error);
}

static long log_pages(const struct rig *r)
{
    char path[128];
    struct stat st;

    tg_str_printf(path, sizeof(path), "%s-wal", r->b->path);
    return stat(path, &st) == 0 ? (long)(st.st_size / FRAME) : 0;
}

/* One transaction; a page a row, most of them random ones of those that are there. */
static void commit(struct rig *r)
{
    exec(r, "BEGIN IMMEDIATE");
    for (int i = 0; i < ROWS; i++)
        exec(r, "INSERT INTO filler VALUES (abs(random()) % 1000, randomblob(2500), 1)"
                " ON CONFLICT (id) DO UPDATE SET body = excluded.body, times = times + 1");
    exec(r, "UPDATE filled SET rows = rows + 20");
    exec(r, "COMMIT");
    r->log_max = TG_MAX(r->log_max, log_pages(r));
}

static void start(struct rig *r)
{
    char why[256] = "";

    assert_int_equal(tg_checkpoint_start(&r->c, r->b->store, &small, why), TG_OK);
    assert_non_null(r->c);
}

static int setup(void **state)
{
    struct rig *r = tg_calloc(1, sizeof(*r));

    assert_non_null(r);
    r->b = box_new();
    open_all(r->b);
    exec(r, "CREATE TABLE filler (id INTEGER PRIMARY KEY, body BLOB, times INTEGER)");
    exec(r, "CREATE TABLE filled (rows INTEGER); INSERT INTO filled VALUES (0)");
    exec(r, "PRAGMA wal_checkpoint(TRUNCATE)");
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    tg_checkpoint_stop(r->c);
    atomic_store(&write_fails, 0);
    atomic_store(&sync_fails, 0);
    close_all(r->b);
    box_free(r->b);
    tg_free(r);
    return 0;
}

static int64_t ask(const struct rig *r, const char *sql)
{
    sqlite3 *raw = NULL;
    sqlite3_stmt *st = NULL;
    int64_t answer;

    assert_int_equal(sqlite3_open_v2(r->b->path, &raw, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    answer = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(raw);
    return answer;
}

/* The shop opened anew has all that was committed. */
static void assert_all_there(struct rig *r, int commits)
{
    tg_checkpoint_stop(r->c);
    r->c = NULL;
    close_all(r->b);
    atomic_store(&write_fails, 0);
    atomic_store(&sync_fails, 0);
    open_all(r->b);
    assert_int_equal(ask(r, "SELECT rows FROM filled"), (int64_t)commits * ROWS);
    assert_int_equal(ask(r, "SELECT sum(times) FROM filler"), (int64_t)commits * ROWS);
    assert_int_equal(ask(r, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)"), 1);
}

/* Commits until the log has begun anew. */
static int commit_until_anew(struct rig *r, int max)
{
    for (int i = 1; i <= max; i++) {
        int64_t before = tg_metric_get(TG_M_store_log_frames);

        commit(r);
        if (tg_metric_get(TG_M_store_log_frames) < before)
            return i;
    }
    fail_msg("the log did not begin anew within %d commits", max);
    return 0;
}

/* --- cases --- */

static void test_checkpoint_writes_without_pause_log_stays_bounded(void **state)
{
    struct rig *r = *state;
    int64_t whole = tg_metric_get(TG_M_store_checkpoints_total);
    int64_t frames = tg_metric_get(TG_M_store_checkpoint_frames_total);
    enum { COMMITS = 600, COMMIT_PAGES = 2 * ROWS };

    start(r);
    for (int i = 0; i < COMMITS; i++)
        commit(r);
    /* At least 10,000 pages went through it; the bound does not depend on how fast the disk is. */
    assert_in_range(r->log_max, STEP, STEP + NET + COMMIT_PAGES);
    assert_true(tg_metric_get(TG_M_store_checkpoints_total) - whole >=
                COMMITS * ROWS / (STEP + NET + COMMIT_PAGES) - 1);
    assert_true(tg_metric_get(TG_M_store_checkpoint_frames_total) - frames >= COMMITS * ROWS / 2);
    assert_all_there(r, COMMITS);
}

static void test_checkpoint_reader_on_old_snapshot_log_begins_anew_after_it(void **state)
{
    struct rig *r = *state;
    sqlite3 *reader = NULL;
    int commits = 60;
    long held;

    start(r);
    commit(r);
    assert_int_equal(sqlite3_open_v2(r->b->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM filler", NULL, NULL, NULL),
                     SQLITE_OK);
    for (int i = 1; i < commits; i++)
        commit(r);
    held = log_pages(r);
    assert_true(held > STEP + NET + 2 * ROWS); /* nothing may overwrite what it sees */
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    commits += commit_until_anew(r, (STEP + NET) / ROWS + 2);
    assert_true(log_pages(r) <= held + STEP + NET + 2 * ROWS);
    sqlite3_close(reader);
    assert_all_there(r, commits);
}

static void test_checkpoint_disk_full_is_counted_and_tried_again(void **state)
{
    struct rig *r = *state;
    int64_t failures = tg_metric_get(TG_M_store_checkpoint_failures_total);
    int commits = 60;

    start(r);
    atomic_store(&write_fails, 1);
    for (int i = 0; i < commits; i++)
        commit(r); /* the log takes them */
    assert_true(tg_metric_get(TG_M_store_checkpoint_failures_total) > failures);
    atomic_store(&write_fails, 0);
    commits += commit_until_anew(r, 2 * (STEP + NET) / ROWS);
    assert_all_there(r, commits);
}

/* What an fsync refused may be lost although a later one is content: the log must stay as it is
 * until it is copied anew from its start. */
static void test_checkpoint_failed_sync_log_is_kept_and_nothing_lost(void **state)
{
    struct rig *r = *state;
    int64_t failures = tg_metric_get(TG_M_store_checkpoint_failures_total);
    int commits = 60;

    exec(r, "PRAGMA synchronous = FULL"); /* as in torgd; the box leaves it out */
    tg_lite_of(&tg_store_db(r->b->store)->db)->fast = false;
    start(r);
    atomic_store(&sync_fails, 1);
    for (int i = 0; i < commits; i++)
        commit(r);
    assert_int_equal(tg_metric_get(TG_M_store_checkpoint_failures_total), failures + 1);
    atomic_store(&sync_fails, 0); /* the disk is well again, what it lost stays lost */
    for (int i = 0; i < 60; i++, commits++)
        commit(r);
    assert_true(log_pages(r) >= commits * ROWS / 2);
    assert_all_there(r, commits);
}

/* In a process of its own: commits, and a byte for each, until it is killed. */
static pid_t writer(struct rig *r, int *ret_told)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid != 0) {
        (void)close(ends[1]);
        *ret_told = ends[0];
        return pid;
    }
    open_all(r->b);
    start(r);
    do
        commit(r);
    while (write(ends[1], "", 1) == 1);
    _exit(1);
}

/* The kills come wherever the thread happens to be. */
static void test_checkpoint_killed_nothing_committed_is_missing(void **state)
{
    struct rig *r = *state;
    int64_t told = 0;

    close_all(r->b);
    for (int i = 0; i < 8; i++) {
        int status = 0;
        int from = -1;
        pid_t pid = writer(r, &from);
        char byte;
        int64_t rows;

        for (int n = 0; n < 20 + 7 * i; n++, told++)
            assert_int_equal(read(from, &byte, 1), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        (void)close(from);
        rows = ask(r, "SELECT rows FROM filled");
        assert_true(rows >= told * ROWS);
        assert_int_equal(rows % ROWS, 0);
        assert_int_equal(ask(r, "SELECT sum(times) FROM filler"), rows);
        assert_int_equal(ask(r, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)"), 1);
        told = rows / ROWS;
    }
    open_all(r->b);
}

static void test_checkpoint_stopped_store_makes_them_itself(void **state)
{
    struct rig *r = *state;
    int64_t whole = tg_metric_get(TG_M_store_checkpoints_total);

    for (int i = 0; i < 20; i++) {
        start(r);
        commit(r);
        tg_checkpoint_stop(r->c);
        r->c = NULL;
    }
    whole = tg_metric_get(TG_M_store_checkpoints_total);
    exec(r, "PRAGMA wal_autocheckpoint = 100");
    r->log_max = 0;
    exec(r, "PRAGMA wal_checkpoint(TRUNCATE)");
    for (int i = 0; i < 40; i++)
        commit(r);
    assert_in_range(r->log_max, 100, 100 + 2 * 2 * ROWS);
    assert_int_equal(tg_metric_get(TG_M_store_checkpoints_total), whole);
    assert_all_there(r, 60);
}

static void test_checkpoint_no_memory_does_not_start(void **state)
{
    struct rig *r = *state;
    tg_err err = TG_ERR_NOMEM;
    char why[256];

    for (long n = 0; err != TG_OK; n++) {
        tg_alloc_fail_nth(n);
        err = tg_checkpoint_start(&r->c, r->b->store, &small, why);
        tg_alloc_fail_nth(-1);
        if (err != TG_OK)
            assert_int_equal(err, TG_ERR_NOMEM);
    }
    commit(r);
    assert_all_there(r, 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_checkpoint_writes_without_pause_log_stays_bounded),
        CASE(test_checkpoint_reader_on_old_snapshot_log_begins_anew_after_it),
        CASE(test_checkpoint_disk_full_is_counted_and_tried_again),
        CASE(test_checkpoint_failed_sync_log_is_kept_and_nothing_lost),
        CASE(test_checkpoint_killed_nothing_committed_is_missing),
        CASE(test_checkpoint_stopped_store_makes_them_itself),
        CASE(test_checkpoint_no_memory_does_not_start),
    };

    return cmocka_run_group_tests(tests, disk_setup, NULL);
}
