/*
 * http_once.c - see http_once.h.
 */
#include "support/lib/http_once.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/addr.h"
#include "net/tcp.h"

enum { REPLY_MAX = 256 * 1024 };

struct http_once {
    struct tg_tcp *tcp;
    struct tg_buf in;
    http_once_fn fn;
    void *ctx;
};

void http_once_free(struct http_once *h)
{
    if (h == NULL)
        return;
    tg_tcp_free(h->tcp);
    tg_buf_done(&h->in);
    tg_free(h);
}

static void finish(struct http_once *h, const struct http_reply *reply, tg_us now)
{
    h->fn(h->ctx, reply, now);
    http_once_free(h);
}

/* The value of a header in head (NUL-terminated, CRLF lines); NULL = not there. */
static const char *header(const char *head, const char *name, size_t *ret_len)
{
    size_t name_len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + 1;

            value += strspn(value, " ");
            *ret_len = strcspn(value, "\r");
            return value;
        }
    }
    return NULL;
}

/* Joins chunks in place; false = not complete yet (or broken: then it never will be). */
static bool dechunk(char *body, size_t len, size_t *ret_len)
{
    size_t at = 0;
    size_t out = 0;

    for (;;) {
        char *end = memchr(body + at, '\n', len - at);
        unsigned long size;

        if (end == NULL)
            return false;
        size = strtoul(body + at, NULL, 16);
        at = (size_t)(end + 1 - body);
        if (size == 0) {
            *ret_len = out;
            return true;
        }
        if (size > len - at || len - at - size < 2)
            return false;
        memmove(body + out, body + at, size);
        out += size;
        at += size + 2;
    }
}

/* True: the reply is complete (or can never be: reply->err). closed = no more bytes come. */
static bool parse(struct http_once *h, bool closed, struct http_reply *reply)
{
    char *text = (char *)(uintptr_t)tg_buf_cstr(&h->in);
    char *head_end = strstr(text, "\r\n\r\n");
    const char *value;
    size_t value_len = 0;
    size_t have;

    if (head_end == NULL || sscanf(text, "HTTP/1.%*c %d", &reply->status) != 1) {
        reply->err = closed ? TG_ERR_CLOSED : TG_ERR_MALFORMED;
        return closed || (head_end != NULL);
    }
    head_end[2] = '\0';
    have = h->in.len - (size_t)(head_end + 4 - text);
    reply->body = head_end + 4;
    reply->body_len = have;
    value = header(text, "location", &value_len);
    if (value != NULL &&
        tg_str_copy(reply->location, sizeof(reply->location), value, value_len) != TG_OK)
        reply->location[0] = '\0';
    value = header(text, "content-length", &value_len);
    if (value != NULL) {
        size_t want = strtoul(value, NULL, 10);

        head_end[2] = '\r';
        reply->body_len = want;
        reply->err = have < want ? TG_ERR_TRUNCATED : TG_OK;
        return have >= want || closed;
    }
    value = header(text, "transfer-encoding", &value_len);
    head_end[2] = '\r';
    if (value != NULL) {
        /* Joining in place spoils the buffer: try only when the last chunk has come. */
        if (have >= 5 && memcmp(reply->body + have - 5, "0\r\n\r\n", 5) == 0)
            return dechunk(head_end + 4, have, &reply->body_len);
        reply->err = closed ? TG_ERR_TRUNCATED : TG_OK;
        return closed;
    }
    return closed || reply->status == 204;
}

static void on_data(void *ctx, const uint8_t *bytes, size_t len, tg_us now)
{
    struct http_once *h = ctx;
    struct http_reply reply = {.err = TG_OK};

    tg_buf_add(&h->in, bytes, len);
    if (h->in.err != TG_OK) {
        reply.err = h->in.err;
        finish(h, &reply, now);
        return;
    }
    if (strstr(tg_buf_cstr(&h->in), "\r\n\r\n") != NULL && parse(h, false, &reply))
        finish(h, &reply, now);
}

static void on_closed(void *ctx, tg_err why, tg_us now)
{
    struct http_once *h = ctx;
    struct http_reply reply = {.err = TG_OK};

    (void)why;
    (void)parse(h, true, &reply);
    finish(h, &reply, now);
}

static int connect_to(const struct tg_addr *to)
{
    struct sockaddr_storage sa;
    socklen_t len = tg_addr_to_sockaddr(&sa, to, false);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&sa, len) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

tg_err http_once_start(struct http_once **ret, struct tg_loop *loop, const struct tg_addr *to,
                       const struct tg_buf *request, http_once_fn fn, void *ctx)
{
    struct tg_tcp_cfg cfg = {.on_data = on_data, .on_closed = on_closed, .out_max = REPLY_MAX};
    struct http_once *h = tg_calloc(1, sizeof(*h));
    int fd;
    tg_err err;

    if (h == NULL)
        return TG_ERR_NOMEM;
    h->fn = fn;
    h->ctx = ctx;
    tg_buf_init(&h->in, REPLY_MAX);
    cfg.ctx = h;
    fd = connect_to(to);
    err = fd < 0 ? TG_ERR_IO : tg_tcp_new(&h->tcp, loop, fd, &cfg);
    if (err == TG_OK)
        err = tg_tcp_send(h->tcp, request->data, request->len);
    if (err != TG_OK) {
        http_once_free(h);
        return err;
    }
    *ret = h;
    return TG_OK;
}
