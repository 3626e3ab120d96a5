/*
 * web_priv.h - inside the api room: one web worker and what lives on it.
 */
#ifndef TG_API_WEB_PRIV_H
#define TG_API_WEB_PRIV_H

#include <libwebsockets.h>
#include <stdatomic.h>

#include "api/auth.h"
#include "api/origin.h"
#include "api/rate.h"
#include "api/router.h"
#include "api/slots.h"
#include "api/tick.h"
#include "api/web.h"
#include "base/cidr.h"
#include "base/map.h"
#include "base/thread.h"
#include "msg/web.h"

enum {
    TG_WEB_CHUNK = 16 * 1024, /* bytes of a response written at once */
    TG_WEB_GROUPS = 2         /* of a show: viewers, staff */
};

/* What all workers share; constant after start. */
struct tg_web {
    struct tg_web_cfg cfg;
    struct tg_web_peers peers;
    const struct tg_assets *assets;
    struct tg_origin_cfg origins;
    char own_origin[300];
    struct tg_cidr_list trusted;
    struct tg_cidr_list proxies;
    struct tg_cidr_list metrics;
    struct tg_cidr_list hook_networks;
    bool tls;
    char tls_cert[512];
    char tls_key[512];
    uint16_t port;
    size_t conns_max; /* of one worker */
    struct tg_worker *workers;
    size_t worker_count;
    struct tg_mailbox **mailboxes;
    char *csp_page;  /* Content-Security-Policy of pages that nobody may frame */
    char *csp_embed; /* ... of the watch page, which embed.origins may */
};

/* The sockets of one show on one worker. */
struct tg_wshow {
    struct tg_tick_group groups[TG_WEB_GROUPS];
};

struct tg_worker {
    struct tg_web *web;
    unsigned index;
    struct tg_mailbox *mb;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    int listen_fd; /* -1 once libwebsockets owns it */
    struct tg_thread *thread;
    atomic_bool stop;
    bool stopping;
    tg_us stop_at;
    lws_sorted_usec_list_t tick_timer;
    lws_sorted_usec_list_t second_timer;
    size_t conns;
    struct tg_slots slots;
    struct tg_rate *rate;
    struct tg_tick tick;
    struct tg_wshow *shows[TG_SHOWS_MAX];
    struct tg_map people; /* person id -> struct tg_wperson */
    struct tg_dlist socks;
    struct tg_dlist waiting; /* requests that wait for another thread */
    struct tg_dlist events;  /* WHEP event streams */
    size_t event_streams;
    char (*events_ended)[TG_EVENTS_ID_SIZE]; /* those that players ended, a ring; NULL = none yet */
    size_t events_ended_count;               /* ever */
    unsigned next_rtc;
    unsigned next_read;
    struct tg_rng rng;
    int ready_fd;        /* epoll: joined sockets and the mailbox; -1 = not open */
    tg_us looked_at;     /* when libwebsockets last looked at all sockets */
    tg_us tick_at;       /* when the tick wants to run; TG_US_NEVER */
    unsigned sale_waits; /* messages posted to sale since it was last woken */
    tg_us now;           /* of this loop turn */
    tg_us now_wall;      /* ... wall clock */
    uint8_t scratch[LWS_PRE + TG_WEB_CHUNK];
};

/* worker.c */
void tg_worker_clock(struct tg_worker *w);
tg_err tg_worker_open(struct tg_worker *w);
void tg_worker_run(void *worker);
void tg_worker_close(struct tg_worker *w);
/* Take what waits in the mailbox. */
void tg_worker_messages(struct tg_worker *w);
/* Wakes sale for what was posted to it quietly. */
void tg_worker_turn_ends(struct tg_worker *w);

/* look.c: waiting for work. The mailbox is there and outlives it. IO. */
TG_MUST_CHECK tg_err tg_look_open(struct tg_worker *w);
void tg_look_close(struct tg_worker *w);
/* A joined socket, until it closes: its frames need not wait for a look at all sockets. */
void tg_look_add(struct tg_worker *w, int fd);
/* One look at everything, and at what is ready before it; false = libwebsockets cannot go on. */
bool tg_look(struct tg_worker *w);
static inline struct tg_worker *tg_worker_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* http.c, ws.c: libwebsockets' callbacks of the two protocols. */
int tg_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len);
int tg_ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len);
enum { TG_HTTP_PSS_SIZE = sizeof(void *), TG_WS_PSS_SIZE = sizeof(void *) };

/* http_in.c: headers of a request that is being parsed. "" when absent or longer than size. */
void tg_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size);
/* name is lower-case with its colon. */
void tg_header_custom(struct lws *wsi, const char *name, char *out, size_t size);
/*
 * The client's address: the socket's, or what a trusted proxy says (all zeros when that cannot be
 * read). *ret_certain: false when a proxy that we were not told about stands between.
 */
struct tg_addr tg_peer_addr(struct tg_worker *w, struct lws *wsi, bool *ret_certain);
/* One token of the address's bucket; false: *ret_wait_ms. Always true for trusted networks. */
/* As many more as there are, up to count; nothing is refused for it. */
void tg_rate_addr_more(struct tg_worker *w, const struct tg_addr *peer, enum tg_rate_class what,
                       size_t count);
bool tg_rate_addr(struct tg_worker *w, const struct tg_addr *peer, enum tg_rate_class what,
                  uint32_t *ret_wait_ms);

/* The same of a token from one address (`token`: its public id). */
bool tg_rate_addr_token(struct tg_worker *w, const struct tg_addr *peer, const char *token,
                        enum tg_rate_class what, uint32_t *ret_wait_ms);

/* One of the person's own, shared with their sockets on this worker; true when there is no such
 * rule.
 */
bool tg_rate_person(struct tg_worker *w, const struct tg_addr *peer, const char *person,
                    enum tg_rate_class what, uint32_t *ret_wait_ms);

/* A late answer nobody waits for any more. */
void tg_reply_orphan(struct tg_worker *w, void *msg);

/* Messages of the mailbox: true when it was for them. They do not keep msg. */
bool tg_req_message(struct tg_worker *w, void *msg);
bool tg_ws_message(struct tg_worker *w, void *msg);
/* Once a second. */
void tg_req_second(struct tg_worker *w);
void tg_ws_second(struct tg_worker *w);
/* Ask all sockets to go and come back (1012). */
void tg_ws_stop(struct tg_worker *w);
/* Before the context ends / after it. */
void tg_ws_done(struct tg_worker *w);
/* tg_tick_wake_fn; ctx is the worker. */
void tg_ws_wake(void *worker, struct tg_tick_member *member);
/* HTTP_CONFIRM_UPGRADE: 0 = go on, > 0 = refused with an answer, < 0 = hang up. */
int tg_ws_upgrade(struct tg_worker *w, struct lws *wsi, const char *protocol);
/* After a batch of messages or received frames: make frames, set the timer. */
void tg_worker_flush(struct tg_worker *w);

#endif
