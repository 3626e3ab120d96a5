/*
 * http_once.h - one HTTP/1.1 request on a tg_loop, for load generators: no TLS, no redirects, one
 * connection a request. Owner: the loop's thread.
 */
#ifndef TESTS_SUPPORT_HTTP_ONCE_H
#define TESTS_SUPPORT_HTTP_ONCE_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

struct http_once;

struct http_reply {
    tg_err err; /* CLOSED, IO, MALFORMED, LIMIT: no answer */
    int status;
    char location[256]; /* "" = none */
    const char *body;
    size_t body_len;
};
/* Once. The reply is valid during the call; the request is freed after it. */
typedef void (*http_once_fn)(void *ctx, const struct http_reply *reply, tg_us now);

/* Connects (blocking: loopback only) and sends. Errors: NOMEM, IO; fn is not called then. */
TG_MUST_CHECK tg_err http_once_start(struct http_once **ret, struct tg_loop *loop,
                                     const struct tg_addr *to, const struct tg_buf *request,
                                     http_once_fn fn, void *ctx);
/* Give up; fn is not called. NULL is legal. */
void http_once_free(struct http_once *h);

#endif
