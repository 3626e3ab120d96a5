#include "support/lib/postgres_server.h"

#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/macros.h"
#include "base/str.h"

enum { START_TRIES = 600, TRY_US = 50000 };

/* PostgreSQL refuses to run as root. */
static void become_postgres(void)
{
    struct passwd *pw;

    if (geteuid() != 0)
        return;
    pw = getpwnam("postgres"); // NOLINT(concurrency-mt-unsafe): right after the fork
    if (pw == NULL || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        _exit(126);
}

/* `words` is a program of s->bin and its arguments; none of them needs quoting. */
static pid_t spawn(const struct tg_pg_server *s, const char *words)
{
    char command[640];
    pid_t pid;

    tg_str_printf(command, sizeof(command), "cd %s && exec %s/%s >>log 2>&1", s->dir, s->bin,
                  words);
    pid = fork();
    if (pid != 0)
        return pid;
    become_postgres();
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT); /* a test that dies leaves no server behind */
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool find_programs(struct tg_pg_server *s)
{
    glob_t found;
    bool good = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

    if (good) {
        tg_str_cut(s->bin, sizeof(s->bin), found.gl_pathv[found.gl_pathc - 1]);
        *strrchr(s->bin, '/') = '\0';
    } else {
        fprintf(stderr, "no PostgreSQL server is installed: deploy/packages/install test\n");
    }
    globfree(&found);
    return good;
}

static bool make_dir(struct tg_pg_server *s)
{
    struct passwd *pw =
        geteuid() == 0 ? getpwnam("postgres") : NULL; // NOLINT(concurrency-mt-unsafe)

    tg_str_printf(s->dir, sizeof(s->dir), "/tmp/torg-pg-XXXXXX");
    return mkdtemp(s->dir) != NULL && chmod(s->dir, 0755) == 0 &&
           (pw == NULL || chown(s->dir, pw->pw_uid, pw->pw_gid) == 0);
}

static bool make_cluster(const struct tg_pg_server *s)
{
    pid_t pid = spawn(s, "initdb -D data -U torg -A trust --no-locale -E UTF8 --no-sync");
    int status = 1;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "initdb failed: see %s/log\n", s->dir);
        return false;
    }
    return true;
}

static void base_url(const struct tg_pg_server *s, char *out, size_t size)
{
    tg_str_printf(out, size, "postgresql:///postgres?user=torg&host=%s", s->dir);
}

bool tg_pg_server_restart(struct tg_pg_server *s)
{
    char words[200];
    char url[160];

    tg_str_printf(words, sizeof(words),
                  "postgres -D data -k %s -c listen_addresses= -c shared_buffers=64MB"
                  " -c max_connections=40 -c recovery_init_sync_method=syncfs",
                  s->dir);
    base_url(s, url, sizeof(url));
    for (int i = 0; i < START_TRIES; i++) {
        if (s->pid == 0 || waitpid(s->pid, NULL, WNOHANG) != 0)
            s->pid = spawn(s, words); /* backends of the killed one still hold its memory: again */
        if (PQping(url) == PQPING_OK)
            return true;
        (void)usleep(TRY_US);
    }
    fprintf(stderr, "PostgreSQL did not start: see %s/log\n", s->dir);
    return false;
}

bool tg_pg_server_start(struct tg_pg_server *s)
{
    *s = (struct tg_pg_server){.pid = 0};
    return find_programs(s) && make_dir(s) && make_cluster(s) && tg_pg_server_restart(s);
}

/* The postmaster first, so that nobody mourns the others. */
static void kill_all(pid_t postmaster)
{
    char path[64];
    int children[256];
    size_t count = 0;
    FILE *f;

    tg_str_printf(path, sizeof(path), "/proc/%d/task/%d/children", (int)postmaster,
                  (int)postmaster);
    f = fopen(path, "re");
    while (f != NULL && count < TG_ARRAY_LEN(children) && fscanf(f, "%d", &children[count]) == 1)
        count++;
    if (f != NULL)
        (void)fclose(f);
    (void)kill(postmaster, SIGKILL);
    for (size_t i = 0; i < count; i++)
        (void)kill((pid_t)children[i], SIGKILL);
}

void tg_pg_server_kill(struct tg_pg_server *s)
{
    if (s->pid <= 0)
        return;
    kill_all(s->pid);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

pid_t tg_pg_server_kill_later(const struct tg_pg_server *s, unsigned us)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void)usleep(us);
    kill_all(s->pid);
    _exit(0);
}

void tg_pg_server_stop(struct tg_pg_server *s)
{
    pid_t pid;

    if (s->pid > 0) {
        (void)kill(s->pid, SIGQUIT);
        (void)waitpid(s->pid, NULL, 0);
        s->pid = 0;
    }
    if (strncmp(s->dir, "/tmp/torg-pg-", 13) != 0)
        return;
    pid = fork();
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", "--", s->dir, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
}

bool tg_pg_server_sql(const char *url, const char *sql)
{
    PGconn *conn = PQconnectdb(url);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!good)
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return good;
}

bool tg_pg_server_url(struct tg_pg_server *s, char *out, size_t size)
{
    char base[160];
    char sql[64];

    base_url(s, base, sizeof(base));
    /* Processes that were forked with the server each count for themselves. */
    tg_str_printf(sql, sizeof(sql), "CREATE SCHEMA t%d_%u", (int)getpid(), ++s->schemas);
    tg_str_printf(out, size, "%s&options=-csearch_path%%3Dt%d_%u", base, (int)getpid(), s->schemas);
    return tg_pg_server_sql(base, sql);
}
