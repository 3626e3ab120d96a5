#include "api/web.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/ice_link.h"
#include "api/listen.h"
#include "api/tls_self.h"
#include "api/web_priv.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

enum { CONNS_DEFAULT = 20000, CSP_MAX = 8192 };

static tg_err fill_list(struct tg_cidr_list *list, const struct tg_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        tg_err err = tg_cidr_list_add(list, texts->items[i]);

        if (err != TG_OK)
            return err;
    }
    return TG_OK;
}

static tg_err fill_networks(struct tg_web *web, const char **reterr_key)
{
    tg_err err = fill_list(&web->trusted, &web->cfg.trusted_networks);

    *reterr_key = "limits.trusted_networks";
    if (err == TG_OK) {
        *reterr_key = "limits.trusted_proxies";
        err = fill_list(&web->proxies, &web->cfg.trusted_proxies);
    }
    if (err == TG_OK) {
        *reterr_key = "metrics.allow";
        err = fill_list(&web->metrics, &web->cfg.metrics_allow);
    }
    if (err == TG_OK) {
        *reterr_key = "webhooks.allow_networks";
        err = fill_list(&web->hook_networks, &web->cfg.hook_networks);
    }
    return err;
}

static tg_err fill_origins(struct tg_web *web, const char **reterr_key)
{
    const struct tg_web_cfg *cfg = &web->cfg;

    *reterr_key = "embed.origins";
    for (size_t i = 0; i < cfg->embed_origins.count; i++) {
        if (!tg_origin_listable(cfg->embed_origins.items[i]))
            return TG_ERR_MALFORMED;
    }
    web->origins.embed = cfg->embed_origins.items;
    web->origins.embed_count = cfg->embed_origins.count;
    if (cfg->base_url == NULL || cfg->base_url[0] == '\0')
        return TG_OK;
    *reterr_key = "http.base_url";
    web->origins.own = web->own_origin;
    return tg_origin_of_url(web->own_origin, sizeof(web->own_origin), cfg->base_url);
}

/*
 * Our pages bring no inline script or style. hls.js works in a blob worker; pictures may come from
 * the shop's own servers; sockets go to the page's own host (ws: and wss: because older Safari does
 * not count them to 'self').
 */
static tg_err make_csp(char **ret, const struct tg_texts *frame_ancestors)
{
    struct tg_buf b;

    tg_buf_init(&b, CSP_MAX);
    tg_buf_add_str(&b, "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
                       "img-src 'self' data: https:; media-src 'self' blob:; connect-src 'self' "
                       "ws: wss:; worker-src 'self' blob:; manifest-src 'self'; form-action "
                       "'self'; base-uri 'none'; frame-ancestors ");
    if (frame_ancestors == NULL) {
        tg_buf_add_str(&b, "'none'");
    } else {
        tg_buf_add_str(&b, "'self'");
        for (size_t i = 0; i < frame_ancestors->count; i++)
            tg_buf_printf(&b, " %s", frame_ancestors->items[i]);
    }
    *ret = b.err == TG_OK && b.len < 2000 ? tg_strndup((const char *)b.data, b.len) : NULL;
    if (b.err == TG_OK && b.len >= 2000)
        b.err = TG_ERR_LIMIT;
    tg_buf_done(&b);
    if (b.err != TG_OK)
        return b.err;
    return *ret == NULL ? TG_ERR_NOMEM : TG_OK;
}

/* They end up in headers: nothing may open a second one. */
static tg_err check_ice_servers(const struct tg_texts *servers)
{
    if (servers->count > TG_ICE_SERVERS_MAX)
        return TG_ERR_LIMIT;
    for (size_t i = 0; i < servers->count; i++) {
        if (!tg_ice_uri_ok(servers->items[i]))
            return TG_ERR_MALFORMED;
    }
    return TG_OK;
}

static tg_err fill_tls(struct tg_web *web)
{
    const struct tg_web_cfg *cfg = &web->cfg;

    if (cfg->tls_self_signed) {
        web->tls = true;
        return tg_tls_self(web->tls_cert, web->tls_key, sizeof(web->tls_cert), cfg->data_dir);
    }
    if (cfg->tls_cert == NULL || cfg->tls_cert[0] == '\0')
        return TG_OK;
    web->tls = true;
    if (cfg->tls_key == NULL ||
        tg_str_copy(web->tls_cert, sizeof(web->tls_cert), cfg->tls_cert, strlen(cfg->tls_cert)) !=
            TG_OK ||
        tg_str_copy(web->tls_key, sizeof(web->tls_key), cfg->tls_key, strlen(cfg->tls_key)) !=
            TG_OK)
        return TG_ERR_MALFORMED;
    /* libwebsockets only warns; a server without its certificate must not start. */
    return access(web->tls_cert, R_OK) == 0 && access(web->tls_key, R_OK) == 0 ? TG_OK : TG_ERR_IO;
}

static tg_err open_sockets(struct tg_web *web, const char **reterr_key)
{
    const char *text = web->cfg.listen == NULL ? ":8080" : web->cfg.listen;
    int fds[TG_WEB_WORKERS_MAX];
    struct tg_listen at;
    tg_err err = tg_listen_parse(&at, text);

    *reterr_key = "http.listen";
    if (err == TG_OK)
        err = tg_listen_open(&at, fds, web->worker_count, &web->port);
    for (size_t i = 0; err == TG_OK && i < web->worker_count; i++)
        web->workers[i].listen_fd = fds[i];
    return err;
}

static tg_err make_workers(struct tg_web *web)
{
    size_t count = web->cfg.workers;

    if (count < 1 || count > TG_WEB_WORKERS_MAX)
        return TG_ERR_LIMIT;
    web->workers = tg_calloc(count, sizeof(*web->workers));
    web->mailboxes = tg_calloc(count, sizeof(struct tg_mailbox *));
    if (web->workers == NULL || web->mailboxes == NULL)
        return TG_ERR_NOMEM;
    web->worker_count = count;
    web->conns_max =
        (web->cfg.conns_max == 0 ? (size_t)CONNS_DEFAULT : web->cfg.conns_max) / count + 1;
    for (size_t i = 0; i < count; i++) {
        struct tg_worker *w = &web->workers[i];
        tg_err err;

        w->web = web;
        w->index = (unsigned)i;
        w->listen_fd = -1;
        w->ready_fd = -1;
        atomic_init(&w->stop, false);
        err = tg_mailbox_new(&w->mb, TG_MB_WEB, tg_msg_free);
        if (err != TG_OK)
            return err;
        web->mailboxes[i] = w->mb;
    }
    return TG_OK;
}

static tg_err set_up(struct tg_web *web, const char **reterr_key)
{
    tg_err err = fill_networks(web, reterr_key);

    if (err == TG_OK)
        err = fill_origins(web, reterr_key);
    if (err == TG_OK) {
        *reterr_key = "embed.origins";
        err = make_csp(&web->csp_page, NULL);
    }
    if (err == TG_OK)
        err = make_csp(&web->csp_embed, &web->cfg.embed_origins);
    if (err == TG_OK) {
        *reterr_key = "rtc.ice_servers";
        err = check_ice_servers(&web->cfg.ice_servers);
    }
    if (err == TG_OK) {
        *reterr_key = "http.tls";
        err = fill_tls(web);
    }
    if (err == TG_OK) {
        *reterr_key = "http.workers";
        err = make_workers(web);
    }
    if (err == TG_OK)
        err = open_sockets(web, reterr_key);
    for (size_t i = 0; err == TG_OK && i < web->worker_count; i++) {
        *reterr_key = web->tls ? "http.tls" : "http.listen";
        err = tg_worker_open(&web->workers[i]);
    }
    return err;
}

tg_err tg_web_new(struct tg_web **ret, const struct tg_web_cfg *cfg, const char **reterr_key)
{
    struct tg_web *web = tg_calloc(1, sizeof(*web));
    const char *key = "";
    tg_err err;

    TG_ASSERT(cfg->registry != NULL);
    if (web == NULL)
        return TG_ERR_NOMEM;
    web->cfg = *cfg;
    web->assets = cfg->assets == NULL ? &tg_web_assets : cfg->assets;
    err = set_up(web, &key);
    if (err != TG_OK) {
        *reterr_key = key;
        tg_web_free(web);
        return err;
    }
    *ret = web;
    return TG_OK;
}

struct tg_mailbox *const *tg_web_mailboxes(const struct tg_web *web, size_t *ret_count)
{
    *ret_count = web->worker_count;
    return web->mailboxes;
}

uint16_t tg_web_port(const struct tg_web *web)
{
    return web->port;
}

bool tg_web_is_tls(const struct tg_web *web)
{
    return web->tls;
}

tg_err tg_web_start(struct tg_web *web, const struct tg_web_peers *peers)
{
    web->peers = *peers;
    for (size_t i = 0; i < web->worker_count; i++) {
        char name[16];
        tg_err err;

        tg_str_printf(name, sizeof(name), "web-%zu", i % 100);
        err = tg_thread_start(&web->workers[i].thread, name, tg_worker_run, &web->workers[i]);
        if (err != TG_OK)
            return err;
    }
    tg_log_info("api", "listening", "port=%u workers=%zu tls=%d", web->port, web->worker_count,
                web->tls);
    return TG_OK;
}

void tg_web_stop(struct tg_web *web)
{
    for (size_t i = 0; i < web->worker_count; i++) {
        atomic_store(&web->workers[i].stop, true);
        if (web->workers[i].thread != NULL)
            lws_cancel_service(web->workers[i].lws); /* it looks within LOOK_APART_US_MAX */
    }
    for (size_t i = 0; i < web->worker_count; i++) {
        tg_thread_join(web->workers[i].thread);
        web->workers[i].thread = NULL;
        tg_mailbox_close(web->workers[i].mb);
    }
    web->peers = (struct tg_web_peers){.live = NULL}; /* they may be gone from here on */
}

void tg_web_free(struct tg_web *web)
{
    if (web == NULL)
        return;
    for (size_t i = 0; i < web->worker_count; i++) {
        tg_worker_close(&web->workers[i]);
        tg_mailbox_free(web->workers[i].mb);
    }
    tg_free(web->workers);
    tg_free(web->mailboxes);
    tg_free(web->csp_page);
    tg_free(web->csp_embed);
    tg_free(web);
}
