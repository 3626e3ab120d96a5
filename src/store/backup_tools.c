/* Backup and restore of PostgreSQL: pg_dump and pg_restore as child processes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/backup_priv.h"

enum { PASSWORD_MAX = 1024, LOOK_EVERY_MS = 200, LINE_SIZE = 200 };

#define PASSWORD_NAME "PGPASSWORD="

/* --- a child --- */

/* Our environment with the password: libpq reads it there, and other users do not see it. Made by
 * hand, for other threads read ours. The caller frees the array. */
static char **environment(char *password)
{
    const size_t len = strlen(PASSWORD_NAME);
    size_t count = 0;
    size_t used = 0;
    char **out;

    while (environ[count] != NULL)
        count++;
    out = tg_calloc(count + 2, sizeof(*out));
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (password[0] == '\0' || strncmp(environ[i], PASSWORD_NAME, len) != 0)
            out[used++] = environ[i];
    if (password[0] != '\0')
        out[used] = password;
    return out;
}

/* torgd's threads block all signals; its children must not, or nothing ends them. */
static int attributes(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t broken_pipe;
    int rc = posix_spawnattr_init(attr);

    if (rc != 0)
        return rc;
    (void)sigemptyset(&none); /* these cannot fail with valid signals */
    (void)sigemptyset(&broken_pipe);
    (void)sigaddset(&broken_pipe, SIGPIPE);
    rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &broken_pipe);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return rc;
}

static tg_err spawn(const char *const *argv, char **env, int err_fd, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc;

    if (attributes(&attr) != 0)
        return TG_ERR_NOMEM;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        (void)posix_spawnattr_destroy(&attr);
        return TG_ERR_NOMEM;
    }
    rc = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    if (rc == 0)
        rc = posix_spawnp(ret, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc == 0 ? TG_OK : rc == ENOENT ? TG_ERR_NOTFOUND : TG_ERR_IO;
}

/* What the child says on stderr until it closes it, the first line of it; false = broken off. */
static bool read_line(int fd, const atomic_bool *stop, char line[LINE_SIZE])
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    char chunk[256];
    size_t len = 0;
    ssize_t got = 1;

    while (got > 0) {
        size_t room = LINE_SIZE - 1 - len;

        if (stop != NULL && atomic_load(stop))
            return false;
        if (poll(&pfd, 1, LOOK_EVERY_MS) <= 0)
            continue;
        got = read(fd, room > 0 ? line + len : chunk, room > 0 ? room : sizeof(chunk));
        len += got > 0 && room > 0 ? (size_t)got : 0;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static tg_err wait_for(const char *name, pid_t pid, int fd, const atomic_bool *stop,
                       char reterr[256])
{
    char line[LINE_SIZE] = "";
    int status = -1;
    bool broken_off = !read_line(fd, stop, line);

    if (broken_off)
        (void)kill(pid, SIGTERM); /* it is our child and was not waited for */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (broken_off)
        return tg_backup_fail(reterr, TG_ERR_CLOSED, name, "it was broken off");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TG_OK;
    return tg_backup_fail(reterr, TG_ERR_IO, name, line[0] == '\0' ? "failed" : line);
}

static tg_err run_tool(const char *const *argv, char *password, const atomic_bool *stop,
                       char reterr[256])
{
    char **env = environment(password);
    pid_t pid = 0;
    int ends[2];
    tg_err err;

    if (env == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        tg_free(env);
        return tg_backup_fail(reterr, TG_ERR_IO, argv[0], strerrordesc_np(errno));
    }
    err = spawn(argv, env, ends[1], &pid);
    (void)close(ends[1]);
    if (err == TG_OK)
        err = wait_for(argv[0], pid, ends[0], stop, reterr);
    else
        (void)tg_backup_fail(reterr, err, argv[0],
                             err == TG_ERR_NOTFOUND
                                 ? "is not installed; it comes with the package postgresql-client"
                                 : "cannot be started");
    (void)close(ends[0]);
    tg_free(env);
    return err;
}

static tg_err with_password(const struct tg_db_cfg *cfg, const char *const *argv,
                            const atomic_bool *stop, char reterr[256])
{
    char text[sizeof(PASSWORD_NAME) + PASSWORD_MAX] = "";
    const size_t len = strlen(PASSWORD_NAME);
    tg_err err = TG_OK;

    if (cfg->password_file != NULL && cfg->password_file[0] != '\0') {
        tg_str_cut(text, sizeof(text), PASSWORD_NAME);
        err = tg_pg_password(cfg->password_file, text + len, PASSWORD_MAX);
    }
    if (err == TG_OK)
        err = run_tool(argv, text, stop, reterr);
    else
        (void)tg_backup_fail(reterr, err, cfg->password_file, "holds no password");
    explicit_bzero(text, sizeof(text));
    return err;
}

/* --- dump and restore --- */

tg_err tg_pg_dump(const struct tg_db_cfg *cfg, const char *file, const atomic_bool *stop,
                  char reterr[256])
{
    char schema[TG_PG_NAME_SIZE];
    char schema_arg[TG_PG_NAME_SIZE * 2 + 16];
    char file_arg[700];
    const char *argv[] = {"pg_dump",         "--format=custom", "--no-owner",
                          "--no-privileges", schema_arg,        file_arg,
                          "--dbname",        cfg->url,          NULL};
    tg_err err = tg_pg_schema(cfg, schema, reterr);
    int fd;

    if (err != TG_OK)
        return err;
    /* A pattern, unless it is quoted. */
    tg_str_printf(schema_arg, sizeof(schema_arg), "--schema=\"%s\"", schema);
    (void)snprintf(file_arg, sizeof(file_arg), "--file=%s", file); /* bounded by the caller */
    /* pg_dump would make it readable by others. */
    fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return tg_backup_fail(reterr, TG_ERR_IO, file, strerrordesc_np(errno));
    (void)close(fd); /* nothing was written */
    return with_password(cfg, argv, stop, reterr);
}

/* Its contents only: the schema itself stands there, empty. (A dump of "public" has no CREATE
 * SCHEMA, others do.) */
static tg_err fill(const struct tg_db_cfg *cfg, const char *schema, const char *file,
                   char reterr[256])
{
    char schema_arg[TG_PG_NAME_SIZE + 16];
    const char *argv[] = {"pg_restore", "--no-owner", "--no-privileges", "--single-transaction",
                          schema_arg,   "--dbname",   cfg->url,          file,
                          NULL};
    tg_err err;

    tg_str_printf(schema_arg, sizeof(schema_arg), "--schema=%s", schema);
    err = with_password(cfg, argv, NULL, reterr);
    return err == TG_OK ? tg_pg_check_whole(cfg, reterr) : err;
}

static tg_err restore(const struct tg_db_cfg *cfg, const char *file, char ret_kept[256],
                      char reterr[256])
{
    char schema[TG_PG_NAME_SIZE] = "";
    char kept[TG_PG_NAME_SIZE] = "";
    char why[256] = "";
    tg_err back;
    tg_err err = tg_pg_schema(cfg, schema, reterr);

    if (err == TG_OK)
        err = tg_pg_set_aside(cfg, kept, reterr);
    if (err != TG_OK)
        return err;
    err = fill(cfg, schema, file, reterr);
    if (err == TG_OK) {
        tg_str_cut(ret_kept, 256, kept);
        return TG_OK;
    }
    back = tg_pg_put_back(cfg, schema, kept, why);
    return back == TG_OK
               ? err
               : tg_backup_fail(reterr, back, "the old schema could not be put back", why);
}

/* Ctrl-C and a closed terminal end pg_restore, and the old schema is put back before they end us.
 */
tg_err tg_pg_restore(const struct tg_db_cfg *cfg, const char *file, char ret_kept[256],
                     char reterr[256])
{
    sigset_t ends;
    sigset_t before;
    tg_err err;

    (void)sigemptyset(&ends); /* these cannot fail with valid signals */
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigaddset(&ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &ends, &before);
    err = restore(cfg, file, ret_kept, reterr);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}
