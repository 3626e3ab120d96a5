#include "ctl/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "app/admin.h"
#include "base/clock.h"
#include "base/str.h"
#include "ctl/doctor_priv.h"
#include "media/codecs.h"
#include "media/media.h"
#include "store/backup.h"

enum {
    DISK_BAD_MB = 256,
    DISK_LOW_MB = 2048,
    CLOCK_APART_US = TG_US_PER_S,
    MB = 1024 * 1024,
};
/* When this was written: a clock before it is wrong. */
#define CLOCK_MIN_US (INT64_C(1735689600) * TG_US_PER_S)

void ctl_found(struct doctor *d, const char *check, enum finding finding, const char *fmt, ...)
{
    static const char *const names[] = {"good", "warning", "bad"};
    char text[800];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a cut text is fine */
    va_end(args);
    d->bad += finding == BAD;
    (void)json_array_append_new(d->checks, json_pack("{s:s, s:s, s:s}", "check", check, "result",
                                                     names[finding], "text", text));
}

/* --- data directory and disk --- */

static void check_directory(struct doctor *d)
{
    const char *dir = d->where->data_dir;
    struct stat st;

    if (stat(dir, &st) != 0)
        ctl_found(d, "data directory", errno == ENOENT ? WARNING : BAD, "%s: %s%s", dir,
                  strerrordesc_np(errno), errno == ENOENT ? "; torgd makes it" : "");
    else if (!S_ISDIR(st.st_mode))
        ctl_found(d, "data directory", BAD, "%s is no directory", dir);
    else if (access(dir, R_OK | W_OK | X_OK) != 0)
        ctl_found(d, "data directory", BAD, "%s: you may not write here (%s)", dir,
                  strerrordesc_np(errno));
    else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        ctl_found(d, "data directory", WARNING,
                  "%s is open to others (mode %03o), and people and payments are in it: chmod 700",
                  dir, (unsigned)(st.st_mode & 0777));
    else if (st.st_uid != geteuid())
        ctl_found(d, "data directory", WARNING, "%s belongs to another user (uid %u)", dir,
                  (unsigned)st.st_uid);
    else
        ctl_found(d, "data directory", GOOD, "%s%s", dir,
                  d->running ? "; torgd runs on it" : "; no torgd runs on it");
}

static void check_disk(struct doctor *d, const char *path)
{
    struct statvfs fs;
    unsigned long long free_mb;

    if (statvfs(path, &fs) != 0) {
        ctl_found(d, "free disk", WARNING, "%s: %s", path, strerrordesc_np(errno));
        return;
    }
    free_mb = (unsigned long long)fs.f_bavail * fs.f_frsize / MB;
    ctl_found(d, "free disk",
              free_mb < DISK_BAD_MB   ? BAD
              : free_mb < DISK_LOW_MB ? WARNING
                                      : GOOD,
              "%llu MB where %s is%s", free_mb, path,
              free_mb < DISK_LOW_MB ? "; when it is full nothing can be sold" : "");
}

/* --- database --- */

static void check_pg_dump(struct doctor *d)
{
    const char *path = getenv("PATH"); // NOLINT(concurrency-mt-unsafe): one thread
    char file[600];

    for (; path != NULL && *path != '\0'; path += strcspn(path, ":"), path += *path == ':') {
        (void)snprintf(file, sizeof(file), "%.*s/pg_dump", (int)strcspn(path, ":"), path);
        if (access(file, X_OK) == 0)
            return;
    }
    ctl_found(d, "database", WARNING,
              "pg_dump is not installed (package postgresql-client): no backups, and none before "
              "the schema changes");
}

static tg_err ask_clock(const struct tg_db_cfg *cfg, tg_us *ret, char reterr[256])
{
    struct tg_db db;
    tg_err err = tg_db_open(&db, cfg, TG_DB_READ, reterr);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db, TG_SQL_CLOCK_US);
    if (tg_q_row(&q))
        *ret = tg_q_get_int(&q, 0);
    err = tg_q_end(&q);
    if (err != TG_OK)
        tg_str_cut(reterr, 256, db.error);
    tg_db_close(&db);
    return err;
}

/* Several nodes end holds and turns by their clocks, and the database's is common to all. */
static void check_database_clock(struct doctor *d, const struct tg_db_cfg *cfg)
{
    char why[256] = "";
    tg_us there = 0;
    tg_us apart;

    if (ask_clock(cfg, &there, why) != TG_OK) {
        ctl_found(d, "database", WARNING, "%s", why);
        return;
    }
    apart = there - tg_clock_wall();
    if (apart > CLOCK_APART_US || apart < -CLOCK_APART_US)
        ctl_found(d, "clock", BAD, "this machine and the database are %lld ms apart",
                  (long long)(apart / TG_US_PER_MS));
}

static void check_database(struct doctor *d)
{
    char url[TG_CFG_TEXT_SIZE];
    char why[256] = "";
    struct tg_db_cfg cfg;

    if (ctl_database(d->config, d->where, url, &cfg) != TG_OK) {
        ctl_found(d, "database", BAD, "its path is too long");
        return;
    }
    if (!tg_db_is_postgres(url) && access(url, F_OK) != 0) {
        ctl_found(d, "database", WARNING, "%s: not there yet; torgd makes it", url);
        return;
    }
    if (tg_backup_check(&cfg, why) != TG_OK) {
        ctl_found(d, "database", BAD, "%s", why);
    } else {
        ctl_found(d, "database", GOOD, "%s %s", url,
                  tg_db_is_postgres(url) ? "answers" : "was read through");
        if (tg_db_is_postgres(url))
            check_database_clock(d, &cfg);
    }
    if (tg_db_is_postgres(url))
        check_pg_dump(d);
    else
        check_disk(d, url);
}

/* --- clock, codecs --- */

static void check_clock(struct doctor *d)
{
    struct timex state = {.modes = 0};
    int rc = adjtimex(&state);

    if (tg_clock_wall() < CLOCK_MIN_US)
        ctl_found(d, "clock", BAD, "it is years behind: certificates, holds and codes go by it");
    else if (rc < 0)
        ctl_found(d, "clock", WARNING, "nobody can say who keeps it right (%s)",
                  strerrordesc_np(errno));
    else if (rc == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
        ctl_found(d, "clock", WARNING,
                  "nobody keeps it right here: install chrony or systemd-timesyncd");
    else
        ctl_found(d, "clock", GOOD, "kept right, within %ld ms", state.maxerror / 1000);
}

static void check_codecs(struct doctor *d)
{
    struct tg_element codec;
    size_t at = 0;
    unsigned missing = 0;

    if (tg_media_init(access(d->where->data_dir, W_OK) == 0 ? d->where->data_dir : NULL) != TG_OK) {
        ctl_found(d, "codecs", BAD, "GStreamer cannot start");
        return;
    }
    while (tg_element_missing(&at, &codec)) {
        missing++;
        ctl_found(d, "codecs", BAD, "%s is missing (package %s): %s", codec.factory, codec.package,
                  codec.what);
    }
    if (missing == 0)
        ctl_found(d, "codecs", GOOD, "all that torg uses are installed");
}

/* --- all of it --- */

static bool is_running(const struct ctl_where *where)
{
    json_t *request = json_pack("{s:s}", "cmd", "show.list");
    json_t *answer = NULL;
    char ignored[256];
    tg_err err = ctl_ask_server(where, request, &answer, ignored);

    json_decref(answer);
    json_decref(request);
    return err != TG_ERR_NOTFOUND;
}

static void check_all(struct doctor *d, const char *source)
{
    ctl_found(d, "configuration", GOOD, "%s", source);
    check_directory(d);
    if (access(d->where->data_dir, F_OK) == 0)
        check_disk(d, d->where->data_dir);
    check_database(d);
    check_clock(d);
    ctl_check_ports(d);
    ctl_check_certificate(d);
    check_codecs(d);
}

json_t *ctl_doctor(const struct ctl_where *where)
{
    static struct tg_config config;
    struct doctor d = {.where = where, .config = &config, .checks = json_array()};
    char source[600] = "";
    char reason[800] = "";
    json_t *answer;

    d.running = is_running(where);
    if (ctl_settings(&config, where, source, reason) == TG_OK)
        check_all(&d, source);
    else
        ctl_found(&d, "configuration", BAD, "%s", reason);
    answer = json_pack("{s:b, s:o}", "ok", d.bad == 0, "checks", d.checks);
    if (d.bad > 0) {
        char text[64];

        tg_str_printf(text, sizeof(text), "%u of these would keep torg from working", d.bad);
        (void)json_object_set_new(answer, "message", json_string(text));
    }
    return answer;
}
