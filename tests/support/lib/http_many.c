/*
 * http_many.c - see http_many.h.
 */
#include "support/lib/http_many.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

enum { REPLY_MAX = 256 * 1024, REQUEST_MAX = 4096, EVENTS = 64 };

struct request {
    struct request *next;
    uint32_t tag;
    size_t len;
    char text[];
};

struct line {
    int fd;
    bool busy;
    uint32_t tag;
    struct tg_buf in;
};

struct http_many {
    struct http_many_cfg cfg;
    int epoll;
    struct line *lines;
    struct request *first;
    struct request *last;
    size_t open;
};

int http_many_fd(const struct http_many *h)
{
    return h->epoll;
}

size_t http_many_open(const struct http_many *h)
{
    return h->open;
}

tg_err http_many_new(struct http_many **ret, const struct http_many_cfg *cfg)
{
    struct http_many *h = tg_calloc(1, sizeof(*h));

    if (h == NULL)
        return TG_ERR_NOMEM;
    h->cfg = *cfg;
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->lines = tg_calloc(cfg->connections, sizeof(*h->lines));
    if (h->epoll < 0 || h->lines == NULL) {
        http_many_free(h);
        return TG_ERR_IO;
    }
    for (size_t i = 0; i < cfg->connections; i++) {
        h->lines[i].fd = -1;
        tg_buf_init(&h->lines[i].in, REPLY_MAX);
    }
    *ret = h;
    return TG_OK;
}

void http_many_free(struct http_many *h)
{
    if (h == NULL)
        return;
    while (h->first != NULL) {
        struct request *r = h->first;

        h->first = r->next;
        tg_free(r);
    }
    for (size_t i = 0; h->lines != NULL && i < h->cfg.connections; i++) {
        if (h->lines[i].fd >= 0)
            (void)close(h->lines[i].fd);
        tg_buf_done(&h->lines[i].in);
    }
    if (h->epoll >= 0)
        (void)close(h->epoll);
    tg_free(h->lines);
    tg_free(h);
}

/* Blocking: loopback only, and once a connection. */
static bool dial(struct http_many *h, struct line *l)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = l};
    int one = 1;

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return false;
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* or a little later */
    if (connect(l->fd, (const struct sockaddr *)&h->cfg.server, sizeof(h->cfg.server)) == 0 &&
        epoll_ctl(h->epoll, EPOLL_CTL_ADD, l->fd, &ev) == 0)
        return true;
    (void)close(l->fd);
    l->fd = -1;
    return false;
}

static void ended(struct http_many *h, struct line *l, int status, const char *body, size_t len)
{
    uint32_t tag = l->tag;

    TG_ASSERT(l->busy);
    l->busy = false;
    h->open--;
    h->cfg.on_reply(h->cfg.ctx, tag, status, body, len);
}

static void hang_up(struct http_many *h, struct line *l)
{
    (void)close(l->fd);
    l->fd = -1;
    tg_buf_clear(&l->in);
    if (l->busy)
        ended(h, l, 0, "", 0);
}

/* What waits goes out on the lines that are free. */
static void pump(struct http_many *h)
{
    for (size_t i = 0; h->first != NULL && i < h->cfg.connections; i++) {
        struct line *l = &h->lines[i];
        struct request *r = h->first;

        if (l->busy || (l->fd < 0 && !dial(h, l)))
            continue;
        h->first = r->next;
        l->busy = true;
        l->tag = r->tag;
        /* One small request at a time always fits the socket's buffer. */
        if (send(l->fd, r->text, r->len, MSG_NOSIGNAL) != (ssize_t)r->len)
            hang_up(h, l);
        tg_free(r);
    }
}

tg_err http_many_post(struct http_many *h, uint32_t tag, const char *path, const char *key,
                      const char *json)
{
    struct request *r = tg_calloc(1, sizeof(*r) + REQUEST_MAX);

    if (r == NULL)
        return TG_ERR_NOMEM;
    r->tag = tag;
    tg_str_printf(r->text, REQUEST_MAX,
                  "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                  "Idempotency-Key: %s\r\nContent-Length: %zu\r\n\r\n%s",
                  path, h->cfg.host, key, strlen(json), json);
    r->len = strlen(r->text);
    if (h->first == NULL)
        h->first = r;
    else
        h->last->next = r;
    h->last = r;
    h->open++;
    pump(h);
    return TG_OK;
}

/* false = more must come */
static bool take_reply(struct http_many *h, struct line *l)
{
    const char *text = tg_buf_cstr(&l->in);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "\r\ncontent-length:");
    size_t head;
    size_t body = 0;
    int status;

    if (end == NULL)
        return false;
    head = (size_t)(end - text) + 4;
    if (length != NULL && length < end)
        body = (size_t)strtoul(length + 17, NULL, 10);
    if (l->in.len < head + body)
        return false;
    status = l->in.len > 12 ? (int)strtoul(text + 9, NULL, 10) : 0;
    ended(h, l, status, text + head, body);
    tg_buf_consume(&l->in, head + body);
    return true;
}

static void receive(struct http_many *h, struct line *l)
{
    uint8_t bytes[8192];
    ssize_t got = recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        hang_up(h, l);
        return;
    }
    tg_buf_add(&l->in, bytes, (size_t)got);
    if (l->in.err != TG_OK || (l->busy && take_reply(h, l) && l->in.len > 0))
        hang_up(h, l); /* more than was asked for */
}

void http_many_serve(struct http_many *h)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(h->epoll, events, EVENTS, 0);

    for (int i = 0; i < count; i++)
        receive(h, events[i].data.ptr);
    pump(h);
}
