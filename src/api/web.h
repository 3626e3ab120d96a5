/*
 * web.h - the web workers: HTTP and WebSocket for browsers, shops and players.
 *
 * N threads, each with a libwebsockets context and a listening socket of its own on one address
 * (SO_REUSEPORT). A connection lives on one worker. Order of life: new (sockets are bound, the
 * mailboxes exist) -> start (threads run) -> stop (sockets are closed, threads joined) -> free,
 * after everybody who posts to the mailboxes has ended. All functions: main thread.
 */
#ifndef TG_API_WEB_H
#define TG_API_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/assets.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "store/registry.h"

struct tg_web;

/* A list of texts from the configuration. */
struct tg_texts {
    const char *const *items;
    size_t count;
};

/* Borrowed until free, with all it points to. */
struct tg_web_cfg {
    const char *listen; /* listen.h; NULL = ":8080" */
    unsigned workers;   /* 1..TG_WEB_WORKERS_MAX */
    unsigned conns_max; /* open connections of all workers together; 0 = 20000 */
    /* TLS: both files, or self_signed with data_dir, or neither for plain HTTP. */
    const char *tls_cert;
    const char *tls_key;
    bool tls_self_signed;
    const char *data_dir;
    struct tg_registry *registry;
    const char *base_url;             /* how the world sees us behind a proxy; NULL = Host header */
    struct tg_texts embed_origins;    /* "https://shop.example" */
    struct tg_texts trusted_networks; /* cidr.h; no rate limits per address */
    struct tg_texts trusted_proxies;  /* cidr.h; their X-Forwarded-For is believed */
    struct tg_texts metrics_allow;    /* cidr.h; besides loopback */
    struct tg_texts hook_networks;    /* cidr.h; internal ones that webhooks may lead to */
    struct tg_texts ice_servers;      /* "stun:host:port", "turn:host:port?transport=udp" */
    const char *turn_secret;          /* shared with the turn: servers; NULL = none */
    bool sandbox;                     /* the sandbox payment provider answers (demo, or allowed) */
    bool (*ready)(void *ctx);         /* for /readyz; any worker's thread; NULL = always */
    void *ready_ctx;
    tg_us send_us;                  /* time to read an answer, and for each MiB; 0 = 30 s */
    const struct tg_assets *assets; /* NULL = the compiled-in pages */
};

/* The other services' mailboxes. All exist until stop returned. rtc[i] is worker i of the ids. */
struct tg_web_peers {
    struct tg_mailbox *live;
    struct tg_mailbox *sale;
    struct tg_mailbox *const *read;
    size_t read_count;
    struct tg_mailbox *const *rtc;
    size_t rtc_count;
};

/*
 * Errors: MALFORMED (a text of cfg; *reterr_key names its key), CONFLICT (the address is taken), IO
 * (socket, certificate; errno where it applies), LIMIT (workers), NOMEM.
 */
TG_MUST_CHECK tg_err tg_web_new(struct tg_web **ret, const struct tg_web_cfg *cfg,
                                const char **reterr_key);
/* One mailbox a worker, for WEB_* and RTC_REPLY messages; valid until free. */
struct tg_mailbox *const *tg_web_mailboxes(const struct tg_web *web, size_t *ret_count);
uint16_t tg_web_port(const struct tg_web *web);
bool tg_web_is_tls(const struct tg_web *web);
/* peers is copied. Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_web_start(struct tg_web *web, const struct tg_web_peers *peers);
/* Closes sockets with 1012 (service restart) and joins the threads; at most about a second. Legal
 * when not started.
 */
void tg_web_stop(struct tg_web *web);
/* NULL is legal. */
void tg_web_free(struct tg_web *web);

#endif
