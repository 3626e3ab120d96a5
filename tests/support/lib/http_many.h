/*
 * http_many.h - HTTP/1.1 POSTs over a few keep-alive connections, for load generators: one request
 * at a time on each, what is more waits its turn. No TLS, answers with Content-Length only.
 * Owner: one thread.
 */
#ifndef TESTS_SUPPORT_HTTP_MANY_H
#define TESTS_SUPPORT_HTTP_MANY_H

#include <netinet/in.h>

#include "base/buf.h"

struct http_many;

struct http_many_cfg {
    struct sockaddr_in server;
    const char *host; /* for the Host header */
    size_t connections;
    /* status 0: the connection broke, nothing is known. The body is borrowed. */
    void (*on_reply)(void *ctx, uint32_t tag, int status, const char *body, size_t len);
    void *ctx;
};

/* Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err http_many_new(struct http_many **ret, const struct http_many_cfg *cfg);
void http_many_free(struct http_many *h);
/* Readable when http_many_serve has something to do. */
int http_many_fd(const struct http_many *h);
void http_many_serve(struct http_many *h);
/* key: Idempotency-Key. Errors: NOMEM. */
TG_MUST_CHECK tg_err http_many_post(struct http_many *h, uint32_t tag, const char *path,
                                    const char *key, const char *json);
/* Requests that have no reply yet. */
size_t http_many_open(const struct http_many *h);

#endif
