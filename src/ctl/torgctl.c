/*
 * torgctl.c - the operator's tool. Talks to the running server through DIR/torgd.sock; when no
 * server holds the data directory, runs the same command on the database in its own process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/answer.h"
#include "ctl/catalog.h"
#include "ctl/commands.h"
#include "ctl/doctor.h"
#include "ctl/files.h"
#include "ctl/remote.h"
#include "ctl/session.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
    struct ctl_where where;
    bool as_json;
};

/* NULL: told on stderr. */
static json_t *run(const struct options *opt, json_t *request)
{
    struct ctl_session session = {.where = &opt->where};
    const char *cmd = ctl_text(request, "cmd");
    json_t *answer;

    if (opt->where.url != NULL && strchr(cmd, '.') == NULL) /* about this machine */
        return ctl_ask_remote(&opt->where, request);
    if (strcmp(cmd, "backup") == 0)
        return ctl_backup(&opt->where, request);
    if (strcmp(cmd, "restore") == 0)
        return ctl_restore(&opt->where, request);
    if (strcmp(cmd, "doctor") == 0)
        return ctl_doctor(&opt->where);
    answer = ctl_is_catalog_command(request) ? ctl_run_catalog(&session, request, opt->as_json)
                                             : ctl_ask(&session, request);
    ctl_session_end(&session);
    return answer;
}

/* The options before the command; the place of the command, or 0 with the exit status. */
static int parse(int argc, char **argv, struct options *ret, int *ret_status)
{
    int at = 1;

    *ret_status = EXIT_USAGE;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            ctl_help(stdout);
            *ret_status = EXIT_SUCCESS;
            return 0;
        }
        if (strcmp(argv[at], "--json") == 0) {
            ret->as_json = true;
        } else if (strcmp(argv[at], "--data") == 0 && at + 1 < argc) {
            ret->where.data_dir = argv[++at];
        } else if (strcmp(argv[at], "--config") == 0 && at + 1 < argc) {
            ret->where.config = argv[++at];
        } else if (strcmp(argv[at], "--url") == 0 && at + 1 < argc) {
            ret->where.url = argv[++at];
        } else if (strcmp(argv[at], "--token") == 0 && at + 1 < argc) {
            ret->where.token = argv[++at];
        } else {
            (void)fprintf(stderr, "torgctl: unknown option %s; see torgctl --help\n", argv[at]);
            return 0;
        }
    }
    if (at < argc)
        return at;
    ctl_help(stderr);
    return 0;
}

int main(int argc, char **argv)
{
    struct options opt = {.where = {.data_dir = "."}};
    char reason[256] = "";
    json_t *request = NULL;
    json_t *answer;
    int status;
    int at;
    bool ok;

    (void)umask(077); /* backups, exports, a database: their owner's alone */
    at = parse(argc, argv, &opt, &status);
    if (at == 0)
        return status;
    /* --json may stand behind the command too. */
    if (argc - at > 1 && strcmp(argv[argc - 1], "--json") == 0) {
        opt.as_json = true;
        argc--;
    }
    if (ctl_parse(argc - at, argv + at, &request, reason, sizeof(reason)) != CTL_OK) {
        (void)fprintf(stderr, "torgctl: %s; see torgctl --help\n", reason);
        return EXIT_USAGE;
    }
    answer = run(&opt, request);
    ok = answer != NULL && ctl_print(answer, opt.as_json);
    json_decref(answer);
    json_decref(request);
    return ok ? EXIT_SUCCESS : EXIT_FAILED;
}
