/*
 * torgd.c - the server's command line.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/server.h"
#include "base/log.h"
#include "base/str.h"

enum { EXIT_BAD_CONFIG = 2 };

struct options {
    const char *config;
    const char *data;
    bool demo;
    bool check;
    bool no_backup;
};

static void help(FILE *out)
{
    (void)fputs(
        "Usage: torgd [--config FILE] [--data DIR] [--demo] [--check] [--print-config]\n"
        "             [--no-backup]\n"
        "\n"
        "  --config FILE   YAML configuration; see configs/torg.yaml (default: none needed)\n"
        "  --data DIR      data directory: database, journal, admin socket (default: ./data)\n"
        "  --demo          demo shop with one live show; prints URLs and fresh logins\n"
        "  --check         validate the configuration, then exit 0 or 1\n"
        "  --no-backup     when the database's schema must change: make no copy before (see\n"
        "                  src/store/README.md; PostgreSQL needs pg_dump for one)\n"
        "  --print-config  print the configuration reference with every default\n"
        "\n"
        "Signals: SIGTERM and SIGINT stop cleanly; SIGHUP reloads the log level and the\n"
        "capacity limits (rtc.egress_mbps, rtc.cpu_max_percent).\n"
        "Not built yet: SRT, LL-HLS, recording, restream, NATS,\n"
        "reloading certificates by SIGHUP (restart instead).\n",
        out);
}

static bool parse(int argc, char **argv, struct options *ret)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            help(stdout);
            exit(EXIT_SUCCESS);
        } else if (strcmp(argv[i], "--print-config") == 0) {
            tg_config_reference(stdout);
            exit(EXIT_SUCCESS);
        } else if (strcmp(argv[i], "--demo") == 0) {
            ret->demo = true;
        } else if (strcmp(argv[i], "--no-backup") == 0) {
            ret->no_backup = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            ret->check = true;
        } else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            ret->config = argv[++i];
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            ret->data = argv[++i];
        } else {
            (void)fprintf(stderr, "torgd: unknown option or missing value: %s (see --help)\n",
                          argv[i]);
            return false;
        }
    }
    return true;
}

static tg_err load(struct tg_config *cfg, const struct options *opt, struct tg_config_error *reterr)
{
    tg_err err = TG_OK;

    tg_config_defaults(cfg);
    if (opt->config != NULL)
        err = tg_config_load(cfg, opt->config, reterr);
    if (err == TG_OK)
        err = tg_config_env(cfg, (const char *const *)environ, reterr);
    if (err == TG_OK) {
        err = tg_config_check(cfg, reterr);
        if (err != TG_OK && opt->config != NULL)
            tg_str_cut(reterr->file, sizeof(reterr->file), opt->config);
    }
    return err;
}

/* "torgd: FILE:LINE: KEY REASON", without the parts that are not known. */
static void print_refusal(const struct tg_config_error *e)
{
    const char *blank = e->key[0] != '\0' ? " " : "";

    if (e->line > 0)
        (void)fprintf(stderr, "torgd: %s:%u: %s%s%s\n", e->file, e->line, e->key, blank, e->reason);
    else if (e->file[0] != '\0')
        (void)fprintf(stderr, "torgd: %s: %s%s%s\n", e->file, e->key, blank, e->reason);
    else
        (void)fprintf(stderr, "torgd: %s%s%s\n", e->key, blank, e->reason);
}

static void apply_log_level(const struct tg_config *cfg)
{
    enum tg_log_level level;

    if (tg_log_parse_level(&level, cfg->log_level))
        tg_log_set_level(level);
}

struct running {
    const struct options *opt;
    struct tg_server *server;
};

static void reload(void *ctx)
{
    static struct tg_config fresh;
    const struct running *running = ctx;
    struct tg_config_error err = {0};

    if (load(&fresh, running->opt, &err) != TG_OK) {
        tg_log_error("app", "reload_refused", "line=%u key=%s", err.line, TG_LOG_Q(err.key));
        return;
    }
    apply_log_level(&fresh);
    tg_server_reload(running->server, &fresh);
    tg_log_info("app", "reloaded", "log_level=%s egress_mbps=%lld cpu_max_percent=%lld",
                fresh.log_level, (long long)fresh.rtc_egress_mbps,
                (long long)fresh.rtc_cpu_max_percent);
}

static void block_signals(void)
{
    sigset_t set;

    (void)sigfillset(&set); /* neither can fail with these arguments */
    (void)sigdelset(&set, SIGSEGV);
    (void)sigdelset(&set, SIGBUS);
    (void)sigdelset(&set, SIGFPE);
    (void)sigdelset(&set, SIGILL);
    (void)sigdelset(&set, SIGABRT);
    (void)pthread_sigmask(SIG_SETMASK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/*
 * The allocator keeps freed memory in a pool of its own for each of 8 threads a core. Pipelines'
 * threads come and go with publishers, and their pools grew by 130 KB a takeover; a pool a core is
 * enough where nothing on the data path allocates a packet.
 */
static void bound_allocator(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);

    (void)mallopt(M_ARENA_MAX, cores > 2 ? (int)cores : 2); /* refused: as it was */
}

/*
 * Every socket of a viewer is a descriptor, and so is every stranger's TCP connection. The
 * customary 1,024 are for programs with select(); the most is ours, since libwebsockets' tables
 * grow with it.
 */
static void raise_descriptors(void)
{
    const rlim_t most = 65536;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= most)
        return;
    files.rlim_cur = files.rlim_max < most ? files.rlim_max : most;
    (void)setrlimit(RLIMIT_NOFILE, &files); /* refused: as it was */
}

int main(int argc, char **argv)
{
    static struct tg_config config;
    struct options opt = {.data = "data"};
    struct tg_config_error refused = {0};
    struct tg_server *server;
    char reason[512] = "";
    tg_err err;

    (void)umask(077); /* what we write is ours alone: people, payments, secrets */
    if (!parse(argc, argv, &opt))
        return EXIT_BAD_CONFIG;
    err = load(&config, &opt, &refused);
    if (err != TG_OK) {
        print_refusal(&refused);
        return opt.check ? EXIT_FAILURE : EXIT_BAD_CONFIG;
    }
    if (opt.check) {
        (void)printf("The configuration is good.\n");
        return EXIT_SUCCESS;
    }
    apply_log_level(&config);
    raise_descriptors();
    bound_allocator();
    block_signals(); /* before any thread: main alone takes them, by signalfd */
    const struct tg_server_cfg cfg = {
        .config = &config, .data_dir = opt.data, .demo = opt.demo, .no_backup = opt.no_backup};
    err = tg_server_start(&server, &cfg, reason, sizeof(reason));
    if (err != TG_OK) {
        (void)fprintf(stderr, "torgd: %s\n", reason[0] != '\0' ? reason : tg_err_name(err));
        return err == TG_ERR_MALFORMED ? EXIT_BAD_CONFIG : EXIT_FAILURE;
    }
    struct running running = {.opt = &opt, .server = server};

    tg_server_announce(server);
    tg_server_run(reload, &running);
    tg_server_stop(server);
    return EXIT_SUCCESS;
}
