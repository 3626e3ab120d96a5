#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "store/backup_priv.h"

extern char **environ;

static tg_err fail(char reterr[256], tg_err err, const char *what, const char *why)
{
    (void)snprintf(reterr, 256, "%.120s: %.120s", what, why); /* a cut reason is fine */
    return err;
}

/* --- files --- */

static tg_err sync_file(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd); /* synced or not is known */
    return good ? TG_OK : TG_ERR_IO;
}

/* Must be a database of ours that this torg can read. */
static tg_err check_sqlite(const char *file, char reterr[256])
{
    const struct tg_db_cfg cfg = {.url = file};
    struct tg_db db;
    tg_err err = tg_db_open(&db, &cfg, TG_DB_READ, reterr);

    if (err == TG_OK) {
        err = tg_sqlite_check(&db);
        if (err != TG_OK)
            (void)fail(reterr, err, file, db.error);
        tg_db_close(&db);
    }
    return err;
}

static tg_err copy_sqlite(const char *from, const char *to, char reterr[256])
{
    const struct tg_db_cfg cfg = {.url = from};
    struct tg_db db;
    tg_err err = tg_db_open(&db, &cfg, TG_DB_READ, reterr);

    if (err != TG_OK)
        return err;
    err = tg_sqlite_copy(&db, to);
    if (err != TG_OK)
        (void)fail(reterr, err, to, db.error);
    tg_db_close(&db);
    return err;
}

static tg_err restore_sqlite(const char *path, const char *file, char ret_kept[256],
                             char reterr[256])
{
    static const char *const tails[] = {"-wal", "-shm"};
    char part[512];
    char kept[512];
    tg_err err = check_sqlite(file, reterr);

    if (err != TG_OK)
        return err;
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part) ||
        snprintf(kept, sizeof(kept), "%s.before-restore-%lld", path,
                 (long long)(tg_clock_wall() / TG_US_PER_S)) >= (int)sizeof(kept))
        return fail(reterr, TG_ERR_LIMIT, path, "the path is too long");
    err = copy_sqlite(file, part, reterr);
    if (err == TG_OK)
        err = sync_file(part);
    if (err != TG_OK)
        return err;
    ret_kept[0] = '\0';
    if (access(path, F_OK) == 0) {
        /* As one file: what still stands in the log of writes goes with it. */
        err = copy_sqlite(path, kept, reterr);
        if (err != TG_OK)
            return err;
        tg_str_cut(ret_kept, 256, kept);
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        (void)snprintf(kept, sizeof(kept), "%s%s", path, tails[i]);
        (void)unlink(kept); /* of the database that goes; may not be there */
    }
    if (rename(part, path) != 0)
        return fail(reterr, TG_ERR_IO, path, strerror(errno));
    return TG_OK;
}

/* --- PostgreSQL: child processes --- */

/* What the child says on stderr, one line of it. */
static void read_line(int fd, char *out, size_t size)
{
    size_t len = 0;
    ssize_t got;

    while (len + 1 < size && (got = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static tg_err spawn(const char *const *argv, int err_fd, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    int rc;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return TG_ERR_NOMEM;
    rc = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    if (rc == 0)
        rc = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? TG_OK : rc == ENOENT ? TG_ERR_NOTFOUND : TG_ERR_IO;
}

static tg_err run_tool(const char *const *argv, char reterr[256])
{
    int ends[2];
    int status = -1;
    char line[200] = "";
    pid_t pid = 0;
    tg_err err;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(reterr, TG_ERR_IO, argv[0], strerror(errno));
    err = spawn(argv, ends[1], &pid);
    (void)close(ends[1]);
    if (err == TG_OK) {
        read_line(ends[0], line, sizeof(line));
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(ends[0]);
    if (err == TG_ERR_NOTFOUND)
        return fail(reterr, err, argv[0],
                    "is not installed; it comes with the package postgresql-client");
    if (err == TG_OK && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        err = TG_ERR_IO;
    return err == TG_OK ? TG_OK : fail(reterr, err, argv[0], line[0] == '\0' ? "failed" : line);
}

/* libpq reads the password from the environment, which other users do not see. */
static tg_err with_password(const struct tg_db_cfg *cfg, const char *const *argv, char reterr[256])
{
    char password[1024];
    tg_err err = TG_OK;

    if (cfg->password_file == NULL || cfg->password_file[0] == '\0')
        return run_tool(argv, reterr);
    err = tg_pg_password(cfg->password_file, password, sizeof(password));
    if (err != TG_OK)
        return fail(reterr, err, cfg->password_file, "holds no password");
    if (setenv("PGPASSWORD", password, 1) != 0)
        err = TG_ERR_NOMEM;
    if (err == TG_OK)
        err = run_tool(argv, reterr);
    (void)unsetenv("PGPASSWORD");
    explicit_bzero(password, sizeof(password));
    return err;
}

static tg_err dump(const struct tg_db_cfg *cfg, const char *file, char reterr[256])
{
    char schema[64];
    char schema_arg[80];
    char file_arg[600];
    const char *argv[] = {"pg_dump",         "--format=custom", "--no-owner",
                          "--no-privileges", schema_arg,        file_arg,
                          "--dbname",        cfg->url,          NULL};
    tg_err err = tg_pg_schema(cfg, schema, reterr);

    if (err != TG_OK)
        return err;
    tg_str_printf(schema_arg, sizeof(schema_arg), "--schema=%s", schema);
    (void)snprintf(file_arg, sizeof(file_arg), "--file=%s", file); /* bounded by the caller */
    return with_password(cfg, argv, reterr);
}

static tg_err restore_postgres(const struct tg_db_cfg *cfg, const char *file, char ret_kept[256],
                               char reterr[256])
{
    const char *argv[] = {
        "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--dbname", cfg->url,
        file,         NULL};
    char kept[80] = "";
    tg_err err = tg_pg_set_aside(cfg, kept, reterr);
    tg_err back;
    char why[256] = "";

    if (err != TG_OK)
        return err;
    err = with_password(cfg, argv, reterr);
    if (err == TG_OK) {
        struct tg_db db;

        err = tg_db_open(&db, cfg, TG_DB_READ, reterr);
        if (err == TG_OK)
            tg_db_close(&db);
    }
    if (err == TG_OK) {
        tg_str_cut(ret_kept, 256, kept);
        return TG_OK;
    }
    back = tg_pg_put_back(cfg, kept, why);
    return back == TG_OK ? err : fail(reterr, back, "the old schema could not be put back", why);
}

/* --- both --- */

tg_err tg_backup(const struct tg_db_cfg *cfg, const char *file, char reterr[256])
{
    char part[512];
    tg_err err;

    if (snprintf(part, sizeof(part), "%s.part", file) >= (int)sizeof(part))
        return fail(reterr, TG_ERR_LIMIT, file, "the path is too long");
    if (access(file, F_OK) == 0)
        return fail(reterr, TG_ERR_CONFLICT, file, "exists already");
    (void)unlink(part); /* of a backup that was interrupted */
    err =
        tg_db_is_postgres(cfg->url) ? dump(cfg, part, reterr) : copy_sqlite(cfg->url, part, reterr);
    if (err == TG_OK && !tg_db_is_postgres(cfg->url))
        err = check_sqlite(part, reterr);
    if (err == TG_OK && (sync_file(part) != TG_OK || rename(part, file) != 0))
        err = fail(reterr, TG_ERR_IO, file, strerror(errno));
    if (err != TG_OK)
        (void)unlink(part);
    return err;
}

tg_err tg_restore(const struct tg_db_cfg *cfg, const char *file, char ret_kept[256],
                  char reterr[256])
{
    ret_kept[0] = '\0';
    if (access(file, R_OK) != 0)
        return fail(reterr, TG_ERR_IO, file, strerror(errno));
    return tg_db_is_postgres(cfg->url) ? restore_postgres(cfg, file, ret_kept, reterr)
                                       : restore_sqlite(cfg->url, file, ret_kept, reterr);
}
