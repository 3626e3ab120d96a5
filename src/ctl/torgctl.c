/*
 * torgctl.c - the operator's tool. Talks to the running server through DIR/torgd.sock; when no
 * server holds the data directory, runs the same command on the database in its own process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/admin.h"
#include "app/core.h"
#include "base/log.h"
#include "base/str.h"
#include "ctl/catalog.h"
#include "ctl/commands.h"
#include "ctl/files.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* OK with the answer in out; NOTFOUND: no server listens there. */
static tg_err ask_server(const char *data_dir, const char *line, struct tg_buf *out)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 3600}; /* a backup or an audit may take minutes */
    char chunk[4096];
    ssize_t got;
    int fd;

    if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/torgd.sock", data_dir) >=
        (int)sizeof(addr.sun_path))
        return TG_ERR_LIMIT;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return TG_ERR_IO;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                     sizeof(patience)); /* worst: it waits */
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        (void)close(fd);
        return errno == EACCES ? TG_ERR_AUTH : TG_ERR_NOTFOUND;
    }
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
        (void)shutdown(fd, SHUT_WR); /* the end of the request; an error shows at recv */
    while ((got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        tg_buf_add(out, chunk, (size_t)got);
    (void)close(fd);
    return got < 0 || out->len == 0 ? TG_ERR_IO : out->err;
}

/* OK: the database is there. It is never made here: a mistyped --data must not leave a new shop. */
static tg_err find_database(const char *data_dir)
{
    char path[1024];

    if (snprintf(path, sizeof(path), "%s/torg.db", data_dir) >= (int)sizeof(path))
        return TG_ERR_LIMIT;
    return access(path, F_OK) == 0 ? TG_OK : TG_ERR_NOTFOUND;
}

/* Who answers: the running server, or the database in this process. */
struct session {
    const char *data_dir;
    struct tg_core *core; /* open: no server holds the directory */
    struct tg_admin admin;
};

static tg_err open_database(struct session *s)
{
    static struct tg_config config;
    const struct tg_core_cfg cfg = {.data_dir = s->data_dir, .config = &config};
    const struct tg_core_peers nobody = {0};
    char reason[256] = "";
    tg_err err = ctl_config(&config);

    if (err != TG_OK)
        return err;
    if (strcmp(config.store_url, "sqlite:") == 0)
        err = find_database(s->data_dir);
    if (err != TG_OK) {
        (void)fprintf(stderr, "torgctl: no server runs on %s and there is no torg.db in it\n",
                      s->data_dir);
        return err;
    }
    tg_log_set_level(TG_LOG_WARN); /* the answer is what the operator wants to see */
    err = tg_core_open(&s->core, &cfg, reason, sizeof(reason));
    if (err == TG_OK)
        err = tg_core_prepare(s->core, &nobody, reason, sizeof(reason));
    if (err == TG_OK)
        err = tg_core_run(s->core, reason, sizeof(reason));
    if (err == TG_OK)
        err = tg_core_admin(s->core, &s->admin);
    if (err != TG_OK)
        (void)fprintf(stderr, "torgctl: %s\n", reason[0] != '\0' ? reason : tg_err_name(err));
    return err;
}

static void session_end(struct session *s)
{
    tg_core_halt(s->core); /* its threads post to the admin's mailbox until here */
    tg_admin_done(&s->admin);
    tg_core_free(s->core);
}

static tg_err session_ask(void *ctx, const char *line, struct tg_buf *out)
{
    struct session *s = ctx;
    tg_err err = TG_ERR_NOTFOUND;

    if (s->core == NULL)
        err = ask_server(s->data_dir, line, out);
    if (err == TG_ERR_NOTFOUND) {
        err = s->core != NULL ? TG_OK : open_database(s);
        if (err == TG_OK)
            tg_admin_run(&s->admin, line, strlen(line), out);
        return err;
    }
    if (err == TG_ERR_AUTH)
        (void)fprintf(stderr, "torgctl: %s/torgd.sock belongs to another user\n", s->data_dir);
    else if (err != TG_OK)
        (void)fprintf(stderr, "torgctl: the server did not answer (%s)\n", tg_err_name(err));
    return err;
}

static int run(const char *data_dir, bool as_json, json_t *request)
{
    struct session s = {.data_dir = data_dir};
    json_t *answer = NULL;
    bool ok = false;

    if (ctl_is_catalog_command(request))
        answer = ctl_run_catalog(request, as_json, session_ask, &s);
    else
        answer = ctl_ask(request, session_ask, &s);
    if (answer != NULL && as_json) {
        (void)json_dumpf(answer, stdout, JSON_COMPACT); /* a closed pipe shows nowhere else */
        (void)printf("\n");
        ok = json_is_true(json_object_get(answer, "ok"));
    } else if (answer != NULL) {
        ok = ctl_print(answer);
    }
    json_decref(answer);
    session_end(&s);
    return ok ? EXIT_SUCCESS : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    const char *data_dir = ".";
    bool as_json = false;
    char reason[256] = "";
    json_t *request = NULL;
    int at = 1;
    int status;

    (void)umask(077); /* backups, exports, a database: their owner's alone */
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            ctl_help(stdout);
            return EXIT_SUCCESS;
        }
        if (strcmp(argv[at], "--json") == 0) {
            as_json = true;
        } else if (strcmp(argv[at], "--data") == 0 && at + 1 < argc) {
            data_dir = argv[++at];
        } else if (strcmp(argv[at], "--url") == 0 || strcmp(argv[at], "--token") == 0) {
            (void)fprintf(stderr, "torgctl: %s is not built yet; use --data DIR\n", argv[at]);
            return EXIT_USAGE;
        } else {
            (void)fprintf(stderr, "torgctl: unknown option %s; see torgctl --help\n", argv[at]);
            return EXIT_USAGE;
        }
    }
    if (at == argc) {
        ctl_help(stderr);
        return EXIT_USAGE;
    }
    /* --json may stand behind the command too. */
    if (argc - at > 1 && strcmp(argv[argc - 1], "--json") == 0) {
        as_json = true;
        argc--;
    }
    if (ctl_is_file_command(argv[at]))
        return ctl_run_file_command(data_dir, argc - at, argv + at, ask_server);
    if (ctl_parse(argc - at, argv + at, &request, reason, sizeof(reason)) != CTL_OK) {
        (void)fprintf(stderr, "torgctl: %s; see torgctl --help\n", reason);
        return EXIT_USAGE;
    }
    status = run(data_dir, as_json, request);
    json_decref(request);
    return status;
}
