/*
 * Exports as jobs of one read thread: a page between two requests, on a connection of their own, in
 * one snapshot. They are kept in memory: after a restart nobody knows them, and their files are
 * gone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sale/export.h"
#include "sale/reader_priv.h"

enum { JOBS = 8 };
#define KEEP_US ((tg_us)3600 * TG_US_PER_S) /* so long an export can be fetched */

enum state { FREE, WAITING, RUNNING, DONE, FAILED };

struct job {
    enum state state;
    char id[24];
    struct tg_export x;
    char format[16];
    char path[320];
    char part[330]; /* until it is complete */
    bool ours;      /* in the data directory: it goes with the job */
    struct tg_export_progress progress;
    const char *reason;
    tg_us started_wall;
    tg_us ended_wall;
    tg_us ended_mono;
};

struct tg_reader_exports {
    struct job jobs[JOBS];
    struct job *running;
    struct tg_read_db *db;
    struct tg_export_run *run;
    FILE *file;
    tg_us last_wall; /* of the last id */
};

static void forget(struct job *job)
{
    if (job->state == DONE && job->ours)
        (void)unlink(job->path); /* not there is as good */
    *job = (struct job){.state = FREE};
}

static void close_run(struct tg_reader_exports *e)
{
    tg_export_end(e->run);
    e->run = NULL;
    tg_read_db_free(e->db);
    e->db = NULL;
    if (e->file != NULL)
        (void)fclose(e->file); /* a complete one was closed before */
    e->file = NULL;
}

void tg_reader_exports_free(struct tg_reader *r)
{
    struct tg_reader_exports *e = r->exports;

    if (e == NULL)
        return;
    close_run(e);
    for (size_t i = 0; i < JOBS; i++) {
        if (e->jobs[i].state == RUNNING)
            (void)unlink(e->jobs[i].part); /* not there is as good */
        forget(&e->jobs[i]);
    }
    tg_free(e);
    r->exports = NULL;
}

/* --- answers --- */

static void write_job(struct tg_reader *r, const struct tg_read_req *req, const struct job *job)
{
    static const char *const names[] = {"", "waiting", "running", "done", "failed"};
    struct tg_jo j = tg_jo(&r->buf);
    char link[64];
    const char *file = job->state != DONE ? NULL : job->ours ? link : job->path;

    tg_str_printf(link, sizeof(link), "/api/v1/exports/%s/file", job->id);
    tg_jo_obj(&j, NULL);
    tg_jo_obj(&j, "export");
    tg_jo_str(&j, "id", job->id);
    tg_jo_str(&j, "state", names[job->state]);
    tg_jo_str(&j, "format", job->format);
    tg_jo_int(&j, "products", job->progress.products_all);
    tg_jo_int(&j, "products_done", job->progress.products);
    tg_jo_int(&j, "bytes", job->progress.bytes);
    tg_jo_str(&j, "reason", job->reason);
    tg_reader_when(&j, "started", job->started_wall);
    tg_reader_when(&j, "ended", job->state == DONE || job->state == FAILED ? job->ended_wall : -1);
    /* Where an operator wanted it is not for everybody. */
    if (!job->ours && (req->who.roles & TG_ROLE_ADMIN) == 0)
        file = NULL;
    tg_jo_str(&j, "file", file);
    tg_jo_end_obj(&j);
    tg_jo_end_obj(&j);
}

static struct job *job_of(struct tg_reader_exports *e, const char *id)
{
    for (size_t i = 0; e != NULL && id[0] != '\0' && i < JOBS; i++)
        if (e->jobs[i].state != FREE && strcmp(e->jobs[i].id, id) == 0)
            return &e->jobs[i];
    return NULL;
}

static bool has_ended(const struct job *job)
{
    return job->state == DONE || job->state == FAILED;
}

tg_us tg_reader_tidy(struct tg_reader *r, tg_us mono)
{
    struct tg_reader_exports *e = r->exports;
    tg_us next = TG_US_NEVER;

    for (size_t i = 0; e != NULL && i < JOBS; i++) {
        struct job *job = &e->jobs[i];

        if (has_ended(job) && job->ended_mono + KEEP_US <= mono)
            forget(job);
        if (has_ended(job))
            next = TG_MIN(next, job->ended_mono + KEEP_US);
    }
    return next;
}

/* A free one, else the oldest that has ended; NULL: all wait. */
static struct job *room(struct tg_reader_exports *e)
{
    struct job *best = NULL;

    for (size_t i = 0; i < JOBS; i++) {
        struct job *job = &e->jobs[i];

        if (job->state == FREE)
            return job;
        if (has_ended(job) && (best == NULL || job->ended_mono < best->ended_mono))
            best = job;
    }
    if (best != NULL)
        forget(best);
    return best;
}

static bool place(struct tg_reader *r, const struct tg_read_req *req, struct job *job)
{
    int len;

    job->ours = req->path[0] == '\0';
    if (job->ours && r->cfg.data_dir == NULL)
        return false;
    len = job->ours
              ? snprintf(job->path, sizeof(job->path), "%s/export-%s", r->cfg.data_dir, job->id)
              : snprintf(job->path, sizeof(job->path), "%s", req->path);
    if (len < 0 || (size_t)len >= sizeof(job->path))
        return false;
    tg_str_printf(job->part, sizeof(job->part), "%s.part", job->path);
    return true;
}

/* How the world sees us; paths begin with the slash that would end it. */
static void base_url(const struct tg_reader *r, struct tg_export *x)
{
    const char *url = r->cfg.base_url == NULL ? "" : r->cfg.base_url;
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    if (len < sizeof(x->base_url))
        memcpy(x->base_url, url, len);
}

static void begin(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_export x = {.format = tg_export_format_parse(req->word)};
    struct tg_reader_exports *e = r->exports;
    struct job *job;

    if (x.format == TG_EXPORT_FORMAT_COUNT) {
        tg_reader_problem_at(r, req, 400, "bad_request", "format",
                             "format must be torg, google, shopify or woocommerce.");
        return;
    }
    if (e == NULL)
        e = r->exports = tg_calloc(1, sizeof(*e));
    job = e == NULL ? NULL : room(e);
    if (job == NULL) {
        tg_reader_problem(r, req, 503, "busy", "Too many exports are waiting. Try again later.");
        return;
    }
    e->last_wall = TG_MAX(tg_clock_wall(), e->last_wall + 1);
    *job = (struct job){.state = WAITING, .x = x, .started_wall = e->last_wall};
    tg_str_printf(job->id, sizeof(job->id), "x%llx", (unsigned long long)e->last_wall);
    tg_str_cut(job->format, sizeof(job->format), req->word);
    tg_str_cut(job->x.currency, sizeof(job->x.currency), r->cfg.currency);
    base_url(r, &job->x);
    if (!place(r, req, job)) {
        job->state = FREE;
        tg_reader_problem_at(r, req, 422, "bad_request", "file",
                             "The server has no place for this file.");
        return;
    }
    write_job(r, req, job);
    tg_str_printf(r->location, sizeof(r->location), "/api/v1/exports/%s", job->id);
    tg_reader_send(r, req, 202);
    r->location[0] = '\0';
}

void tg_reader_export(struct tg_reader *r, const struct tg_read_req *req)
{
    const struct job *job = job_of(r->exports, req->key);

    if ((req->who.roles & TG_ROLE_MAY_PRICE) == 0) {
        tg_reader_problem(r, req, 403, "forbidden", "You may not see this.");
    } else if (req->what == TG_READ_EXPORT) {
        begin(r, req);
    } else if (job == NULL) {
        tg_reader_problem(r, req, 404, "not_found",
                          "There is no such export (any more). Begin a new one.");
    } else if (req->what == TG_READ_EXPORT_FILE && (job->state != DONE || !job->ours)) {
        tg_reader_problem(r, req, 409, "conflict",
                          "There is no file to fetch: look at the export's state.");
    } else {
        write_job(r, req, job);
        tg_reader_send(r, req, 200);
    }
}

/* --- work --- */

static void ended(struct tg_reader *r, struct job *job, tg_err err, const char *reason)
{
    struct tg_reader_exports *e = r->exports;

    close_run(e);
    e->running = NULL;
    if (err != TG_OK) {
        tg_log_error("read", "export-failed", "err=%s", tg_err_name(err));
        (void)unlink(job->part); /* not there is as good */
    }
    job->state = err == TG_OK ? DONE : FAILED;
    job->reason = err == TG_OK ? NULL : reason;
    job->ended_wall = tg_clock_wall();
    job->ended_mono = tg_clock_mono();
}

static void start_next(struct tg_reader *r)
{
    struct tg_reader_exports *e = r->exports;
    struct job *next = NULL;
    char why[256] = "";
    tg_err err;

    for (size_t i = 0; i < JOBS; i++)
        if (e->jobs[i].state == WAITING &&
            (next == NULL || e->jobs[i].started_wall < next->started_wall))
            next = &e->jobs[i];
    if (next == NULL)
        return;
    next->state = RUNNING;
    e->running = next;
    e->file = fopen(next->part, "wbe");
    if (e->file == NULL) {
        ended(r, next, TG_ERR_IO, "The server cannot write this file.");
        return;
    }
    err = tg_read_db_new(&e->db, &r->cfg.db, why);
    if (err == TG_OK)
        err = tg_export_begin(&e->run, e->db, &next->x, e->file);
    if (err != TG_OK)
        ended(r, next, err, "The database could not be read. Begin again.");
}

static void finish(struct tg_reader *r, struct job *job)
{
    struct tg_reader_exports *e = r->exports;
    bool kept = fclose(e->file) == 0 && rename(job->part, job->path) == 0;

    e->file = NULL;
    ended(r, job, kept ? TG_OK : TG_ERR_IO, "The file could not be written: is its disk full?");
}

bool tg_reader_work(struct tg_reader *r)
{
    struct tg_reader_exports *e = r->exports;
    struct job *job;
    bool done = false;
    tg_err err;

    if (e == NULL)
        return false;
    if (e->running == NULL)
        start_next(r);
    job = e->running;
    if (job == NULL)
        return false;
    err = tg_export_step(e->run, &done);
    job->progress = tg_export_progress(e->run);
    if (done)
        finish(r, job);
    else if (err != TG_OK)
        ended(r, job, err, "The database could not be read, or its disk is full. Begin again.");
    return true; /* this one, or the next that waits */
}
