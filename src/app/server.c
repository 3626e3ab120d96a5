#include "app/server.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api/web.h"
#include "app/admin_socket.h"
#include "app/config_left.h"
#include "app/core.h"
#include "app/demo.h"
#include "app/media_wiring.h"
#include "app/reason.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "outbound/outbound.h"

enum { WORKERS_MAX = 64 };

struct tg_server {
    struct tg_server_cfg cfg;
    struct tg_core *core;
    struct tg_web *web;
    struct tg_wiring *wiring;
    struct tg_read_db *outbound_db;
    struct tg_outbound *outbound;
    struct tg_admin admin;
    struct tg_demo_logins logins;
    struct tg_admin_socket *admin_socket;
    char pid_path[TG_CFG_TEXT_SIZE];
    /* What web workers borrow from the configuration as lists of texts. */
    const char *embed_origins[TG_CFG_LIST_MAX];
    const char *trusted_networks[TG_CFG_LIST_MAX + 2];
    const char *trusted_proxies[TG_CFG_LIST_MAX];
    const char *metrics_allow[TG_CFG_LIST_MAX];
    const char *hook_networks[TG_CFG_LIST_MAX];
    const char *ice_servers[TG_CFG_LIST_MAX];
    char turn_secret[TG_CFG_SECRET_SIZE];
};

static struct tg_texts texts(const char **out, const struct tg_cfg_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        out[i] = list->items[i];
    return (struct tg_texts){.items = out, .count = list->count};
}

unsigned tg_worker_count(int64_t configured)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (configured > 0)
        return (unsigned)configured;
    return (unsigned)TG_MAX(1, TG_MIN(cores, WORKERS_MAX));
}

static bool is_ready(void *ctx)
{
    const struct tg_server *s = ctx;

    /* Web workers start last: when they answer, everything else runs. */
    return tg_sale_ready(tg_core_sale(s->core));
}

static tg_err ice_servers(struct tg_server *s, struct tg_web_cfg *cfg, char *reason, size_t size)
{
    struct tg_config_error why = {0};
    tg_err err = tg_config_turn_secret(s->cfg.config, s->turn_secret, &why);

    if (err != TG_OK)
        return tg_because(err, reason, size, "%s: %s", why.key, why.reason);
    cfg->ice_servers = texts(s->ice_servers, &s->cfg.config->rtc_ice_servers);
    cfg->turn_secret = s->turn_secret[0] != '\0' ? s->turn_secret : NULL;
    return TG_OK;
}

static tg_err new_web(struct tg_server *s, char *reason, size_t size)
{
    const struct tg_config *c = s->cfg.config;
    const char *listen = c->http_listen;
    const char *key = NULL;
    struct tg_web_cfg cfg = {
        .listen = listen[0] == '*' ? listen + 1 : listen,
        .workers = tg_worker_count(c->http_workers),
        .tls_self_signed = strcmp(c->http_tls, "self-signed") == 0,
        .data_dir = s->cfg.data_dir,
        .base_url = c->http_base_url,
        .registry = tg_core_registry(s->core),
        .embed_origins = texts(s->embed_origins, &c->embed_origins),
        .trusted_networks = texts(s->trusted_networks, &c->trusted_networks),
        .trusted_proxies = texts(s->trusted_proxies, &c->trusted_proxies),
        .metrics_allow = texts(s->metrics_allow, &c->metrics_allow),
        .hook_networks = texts(s->hook_networks, &c->webhooks_allow_networks),
        .sandbox = s->cfg.demo || c->payments_allow_sandbox,
        .ready = is_ready,
        .ready_ctx = s,
    };
    tg_err err;

    if (strcmp(c->http_tls, "files") == 0) {
        cfg.tls_cert = c->http_cert;
        cfg.tls_key = c->http_key;
    }
    if (s->cfg.demo) { /* in the demo loopback is a trusted network */
        s->trusted_networks[cfg.trusted_networks.count++] = "127.0.0.0/8";
        s->trusted_networks[cfg.trusted_networks.count++] = "::1/128";
    }
    err = ice_servers(s, &cfg, reason, size);
    if (err != TG_OK)
        return err;
    err = tg_web_new(&s->web, &cfg, &key);
    if (err == TG_ERR_CONFLICT)
        return tg_because(err, reason, size,
                          "http.listen: %s is in use; stop the other program or "
                          "choose another port",
                          c->http_listen);
    if (err != TG_OK)
        return tg_because(err, reason, size, "%s: the web server cannot be set up (%s, %s)",
                          key != NULL ? key : "http.listen", tg_err_name(err), strerror(errno));
    return TG_OK;
}

static void show_added(void *ctx, const struct tg_show_info *show)
{
    struct tg_server *s = ctx;

    tg_wiring_show_added(s->wiring, show);
}

static void show_state(void *ctx, uint16_t show, enum tg_show_state state)
{
    const struct tg_server *s = ctx;

    tg_wiring_show_state(s->wiring, show, state);
}

static tg_err prepare_core(struct tg_server *s, char *reason, size_t size)
{
    struct tg_core_peers peers = {
        .on_show_added = show_added, .on_show_state = show_state, .ctx = s};

    peers.webs = tg_web_mailboxes(s->web, &peers.web_count);
    return tg_core_prepare(s->core, &peers, reason, size);
}

static tg_err start_web(struct tg_server *s, char *reason, size_t size)
{
    struct tg_web_peers peers = {
        .live = tg_core_live_mailbox(s->core),
        .sale = tg_sale_mailbox(tg_core_sale(s->core)),
    };
    tg_err err;

    peers.read = tg_core_read_mailboxes(s->core, &peers.read_count);
    peers.rtc = tg_wiring_rtc_mailboxes(s->wiring, &peers.rtc_count);
    err = tg_web_start(s->web, &peers);
    return err == TG_OK ? TG_OK
                        : tg_because(err, reason, size, "the web workers cannot start (%s)",
                                     tg_err_name(err));
}

/* Only torgctl reads it, and only when no server runs: selling does not wait for it. */
static void leave_config(const struct tg_server *s)
{
    tg_err err = tg_config_leave(s->cfg.config, s->cfg.data_dir, s->cfg.demo);

    if (err != TG_OK)
        tg_log_error("app", "config-not-left", "err=%s reason=%s", tg_err_name(err),
                     TG_LOG_Q("torgd.yaml cannot be written; without a server torgctl needs"
                              " --config"));
}

static tg_err open_admin(struct tg_server *s, char *reason, size_t size)
{
    tg_err err = tg_core_admin(s->core, &s->admin);
    FILE *pid;

    if (err == TG_OK)
        err = tg_admin_socket_start(&s->admin_socket, s->cfg.data_dir, s->core);
    if (err != TG_OK)
        return tg_because(err, reason, size, "cannot open %s/torgd.sock (%s, %s)", s->cfg.data_dir,
                          tg_err_name(err), strerror(errno));
    (void)snprintf(s->pid_path, sizeof(s->pid_path), "%s/torgd.pid", s->cfg.data_dir);
    pid = fopen(s->pid_path, "we");
    if (pid == NULL)
        return tg_because(TG_ERR_IO, reason, size, "cannot write %s (%s)", s->pid_path,
                          strerror(errno));
    (void)fprintf(pid, "%ld\n", (long)getpid());
    return fclose(pid) == 0 ? TG_OK
                            : tg_because(TG_ERR_IO, reason, size, "cannot write %s", s->pid_path);
}

/* The demo's show is live from the first start on; a merchandiser's "end" is undone by the next. */
static void start_demo_show(struct tg_server *s)
{
    static const char line[] = "{\"cmd\":\"show.start\",\"show\":\"demo\"}";
    struct tg_buf out;

    tg_buf_init(&out, TG_ADMIN_LINE_MAX);
    tg_admin_run(&s->admin, line, sizeof(line) - 1, &out);
    tg_buf_done(&out);
}

/* A database of several nodes is told apart by random names; alone, our earlier life's leases are
 * ours. */
static tg_err start_outbound(struct tg_server *s, char *reason, size_t size)
{
    const struct tg_cfg_list *allow = &s->cfg.config->webhooks_allow_networks;
    struct tg_db_cfg db = tg_core_database(s->core);
    struct tg_outbound_cfg cfg = {.sale = tg_sale_mailbox(tg_core_sale(s->core))};
    char why[256] = "";
    tg_err err = tg_read_db_new(&s->outbound_db, &db, why);

    if (err != TG_OK)
        return tg_because(err, reason, size, "%s", why);
    for (size_t i = 0; err == TG_OK && i < allow->count; i++)
        err = tg_cidr_list_add(&cfg.allow, allow->items[i]);
    cfg.db = s->outbound_db;
    if (strncmp(s->cfg.config->store_url, "sqlite:", 7) == 0)
        tg_str_cut(cfg.node, sizeof(cfg.node), "alone");
    if (err == TG_OK)
        err = tg_outbound_new(&s->outbound, &cfg);
    if (err == TG_OK)
        err = tg_outbound_start(s->outbound);
    return err == TG_OK
               ? TG_OK
               : tg_because(err, reason, size, "webhooks cannot start (%s)", tg_err_name(err));
}

/* The start order; tg_server_stop is its reverse. */
static tg_err start_all(struct tg_server *s, char *reason, size_t size)
{
    const struct tg_core_cfg core = {
        .data_dir = s->cfg.data_dir,
        .config = s->cfg.config,
        .demo = s->cfg.demo,
        .no_backup = s->cfg.no_backup,
    };
    const struct tg_wiring_cfg wiring = {
        .config = s->cfg.config, .data_dir = s->cfg.data_dir, .demo = s->cfg.demo};
    tg_err err = tg_core_open(&s->core, &core, reason, size);

    if (err == TG_OK)
        err = new_web(s, reason, size); /* its port and mailboxes, no thread yet */
    if (err == TG_OK)
        err = prepare_core(s, reason, size);
    if (err == TG_OK) {
        err = s->cfg.demo
                  ? tg_demo_boot(tg_core_sale(s->core), tg_core_registry(s->core), &s->logins)
                  : tg_demo_revoke(tg_core_sale(s->core));
        if (err != TG_OK)
            (void)tg_because(err, reason, size, "cannot set up the demo's logins (%s)",
                             tg_err_name(err));
    }
    if (err == TG_OK)
        err = tg_wiring_start(&s->wiring, &wiring, tg_core_registry(s->core),
                              tg_core_live_mailbox(s->core), reason, size);
    if (err == TG_OK)
        err = tg_core_run(s->core, reason, size); /* tells everybody the shows */
    if (err == TG_OK)
        err = start_outbound(s, reason, size);
    if (err == TG_OK)
        err = tg_wiring_listen(s->wiring, reason, size); /* publishers may come */
    if (err == TG_OK)
        err = start_web(s, reason, size); /* viewers may come */
    if (err == TG_OK)
        leave_config(s);
    if (err == TG_OK)
        err = open_admin(s, reason, size);
    if (err == TG_OK && s->cfg.demo)
        start_demo_show(s);
    return err;
}

tg_err tg_server_start(struct tg_server **ret, const struct tg_server_cfg *cfg, char *reason,
                       size_t size)
{
    struct tg_server *s = tg_calloc(1, sizeof(*s));
    tg_us began = tg_clock_mono();
    tg_err err;

    if (s == NULL)
        return tg_because(TG_ERR_NOMEM, reason, size, "out of memory");
    s->cfg = *cfg;
    tg_metric_set(TG_M_start_time_seconds, tg_clock_wall() / TG_US_PER_S);
    err = start_all(s, reason, size);
    if (err != TG_OK) {
        tg_server_stop(s);
        return err;
    }
    tg_log_info("app", "started", "took_ms=%lld demo=%d",
                (long long)((tg_clock_mono() - began) / TG_US_PER_MS), cfg->demo);
    *ret = s;
    return TG_OK;
}

void tg_server_announce(struct tg_server *s)
{
    char host[TG_CFG_TEXT_SIZE] = "";
    char url[TG_CFG_TEXT_SIZE + 32];
    uint16_t ignored;

    if (tg_config_hostport(s->cfg.config->http_listen, host, sizeof(host), &ignored) != TG_OK ||
        host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        tg_str_cut(host, sizeof(host), "127.0.0.1");
    (void)snprintf(url, sizeof(url), strchr(host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
                   tg_web_is_tls(s->web) ? "https" : "http", host, tg_web_port(s->web));
    if (s->cfg.demo)
        tg_demo_print(&s->logins, url, tg_wiring_rtmp_port(s->wiring));
    else
        (void)printf("\n  Shows        %s/\n", url);
    (void)printf("\ntorg is ready.\n");
    (void)fflush(stdout); /* a closed terminal is no reason to fail */
}

static bool take_signal(int fd, void (*reload)(void *ctx), void *ctx)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return false;
    if (info.ssi_signo == SIGHUP) {
        reload(ctx);
        return false;
    }
    tg_log_info("app", "stopping", "signal=%u", info.ssi_signo);
    return true;
}

void tg_server_run(void (*reload)(void *ctx), void *ctx)
{
    sigset_t set;
    struct pollfd signals = {.events = POLLIN};
    bool stop = false;

    (void)sigemptyset(&set); /* these cannot fail with valid signals */
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    signals.fd = signalfd(-1, &set, SFD_CLOEXEC);
    TG_ASSERT(signals.fd >= 0);
    while (!stop) {
        if (poll(&signals, 1, -1) > 0) /* EINTR: again */
            stop = take_signal(signals.fd, reload, ctx);
    }
    (void)close(signals.fd);
}

void tg_server_reload(struct tg_server *s, const struct tg_config *fresh)
{
    tg_wiring_reload(s->wiring, fresh);
}

void tg_server_stop(struct tg_server *s)
{
    if (s == NULL)
        return;
    tg_admin_socket_stop(s->admin_socket);
    if (s->pid_path[0] != '\0')
        (void)unlink(s->pid_path);
    if (s->web != NULL)
        tg_web_stop(s->web); /* nobody asks any more */
    tg_wiring_unlisten(s->wiring);
    if (s->outbound != NULL)
        tg_outbound_stop(s->outbound); /* gives its leases back */
    tg_core_halt(s->core);             /* everything asked is decided and committed */
    tg_wiring_stop(s->wiring);
    if (s->admin.inbox != NULL)
        tg_admin_done(&s->admin);
    tg_outbound_free(s->outbound);
    tg_read_db_free(s->outbound_db);
    tg_web_free(s->web); /* its mailboxes took the last answers */
    tg_core_free(s->core);
    OPENSSL_cleanse(s->turn_secret, sizeof(s->turn_secret));
    tg_free(s);
}
