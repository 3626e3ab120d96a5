/*
 * ws_many.h - thousands of show-channel sockets in one process: raw RFC 6455 clients on one epoll.
 *
 * Every frame is masked with a key of its own; frames of the server may come in any pieces. What
 * is sent is queued where the kernel takes no more. Owner: one thread.
 */
#ifndef TESTS_SUPPORT_WS_MANY_H
#define TESTS_SUPPORT_WS_MANY_H

#include <netinet/in.h>

#include "base/buf.h"
#include "base/rng.h"

enum ws_state {
    WS_IDLE,       /* not connected yet */
    WS_CONNECTING, /* TCP, or the upgrade's answer is under way */
    WS_OPEN,
    WS_CLOSED, /* by whomever; stays so */
};

struct ws {
    int fd;
    uint32_t index;
    enum ws_state state;
    bool writing;      /* EPOLLOUT is on */
    uint16_t close_by; /* the server's close code, 0 = none */
    struct tg_buf in;  /* the part of a frame that has come */
    struct tg_buf out; /* what the kernel did not take yet */
};

struct ws_many;

struct ws_many_cfg {
    struct sockaddr_in server;
    const char *host; /* for the Host header, "127.0.0.1:8080" */
    const char *path; /* "/ws/demo" */
    size_t count;
    uint64_t seed; /* of the masks */
    void (*on_open)(void *ctx, struct ws *w);
    /* One whole text message; not NUL-terminated, borrowed. */
    void (*on_text)(void *ctx, struct ws *w, const char *text, size_t len);
    void (*on_closed)(void *ctx, struct ws *w);
    void *ctx;
};

/* Errors: NOMEM, IO. cfg's strings are borrowed for the life. */
TG_MUST_CHECK tg_err ws_many_new(struct ws_many **ret, const struct ws_many_cfg *cfg);
void ws_many_free(struct ws_many *m);
struct ws *ws_many_at(struct ws_many *m, size_t index);
/* Begin the connection and its upgrade. IO: no socket could be had. */
TG_MUST_CHECK tg_err ws_many_connect(struct ws_many *m, size_t index);
/* Queue and send one text message. A socket that is not open swallows it. */
void ws_many_send(struct ws_many *m, struct ws *w, const char *text, size_t len);
/* Serve what happened, wait at most `wait_us` for it (0 = do not wait). */
void ws_many_serve(struct ws_many *m, tg_us wait_us);
/* For further descriptors of the caller (level-triggered EPOLLIN); serve calls `ready`. */
TG_MUST_CHECK tg_err ws_many_watch(struct ws_many *m, int fd, void (*ready)(void *ctx));

#endif
