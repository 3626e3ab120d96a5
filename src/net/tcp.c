#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/addr.h"

enum { ACCEPT_PAUSE_US = 100 * TG_US_PER_MS };

/* --- listener --------------------------------------------------------------------------------- */

struct tg_tcp_listener {
    struct tg_loop *loop;
    int fd;
    struct tg_addr addr;
    struct tg_watch watch;
    struct tg_timer pause;
    struct tg_log_burst refused;
    tg_tcp_accept_fn fn;
    void *ctx;
};

static tg_err listen_family(struct tg_tcp_listener *l, const struct tg_addr *at, bool v6)
{
    struct sockaddr_storage sa;
    socklen_t len = tg_addr_to_sockaddr(&sa, at, v6);
    const int off = 0;
    const int on = 1;

    l->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return TG_ERR_IO;
    if ((v6 && setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) ||
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(l->fd, (const struct sockaddr *)&sa, len) != 0 || listen(l->fd, TG_TCP_BACKLOG) != 0)
        return TG_ERR_IO;
    len = sizeof(sa);
    if (getsockname(l->fd, (struct sockaddr *)&sa, &len) != 0)
        return TG_ERR_IO;
    return tg_addr_from_sockaddr(&l->addr, &sa, len);
}

static void resume_accept(void *ctx, tg_us now)
{
    struct tg_tcp_listener *l = ctx;

    (void)now;
    tg_loop_rewatch(l->loop, &l->watch, EPOLLIN);
}

static void pause_accept(struct tg_tcp_listener *l, tg_us now)
{
    const uint64_t times = tg_log_burst(&l->refused, now, 10 * (tg_us)TG_US_PER_S);

    if (times > 0)
        tg_log_warn("tcp", "accept_paused", "err=no_descriptors times=%llu",
                    (unsigned long long)times);
    if (tg_loop_timer_set(l->loop, &l->pause, now + ACCEPT_PAUSE_US, resume_accept, l) == TG_OK)
        tg_loop_rewatch(l->loop, &l->watch, 0);
}

static void on_listener(void *ctx, uint32_t events, tg_us now)
{
    struct tg_tcp_listener *l = ctx;

    (void)events;
    for (int i = 0; i < TG_TCP_ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        struct tg_addr from;
        const int on = 1;
        const int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accept(l, now);
            return; /* AGAIN, or a connection that broke while it waited */
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* speed only */
        if (tg_addr_from_sockaddr(&from, &sa, len) == TG_OK)
            l->fn(l->ctx, fd, &from, now);
        else
            (void)close(fd);
    }
}

tg_err tg_tcp_listen(struct tg_tcp_listener **ret, struct tg_loop *loop, const struct tg_addr *at,
                     tg_tcp_accept_fn fn, void *ctx)
{
    struct tg_tcp_listener *l = tg_calloc(1, sizeof(*l));
    tg_err err;

    if (l == NULL)
        return TG_ERR_NOMEM;
    l->loop = loop;
    l->fn = fn;
    l->ctx = ctx;
    err = listen_family(l, at, !tg_addr_is_v4(at));
    if (err != TG_OK && tg_addr_is_any(at) && !tg_addr_is_v4(at) && errno != EADDRINUSE) {
        struct tg_addr v4 = tg_addr_v4(0, 0, 0, 0, at->port); /* a machine without IPv6 */

        if (l->fd >= 0)
            (void)close(l->fd);
        err = listen_family(l, &v4, false);
    }
    if (err == TG_OK)
        err = tg_loop_watch(loop, &l->watch, l->fd, EPOLLIN, on_listener, l);
    if (err != TG_OK) {
        tg_tcp_listener_free(l);
        return err;
    }
    *ret = l;
    return TG_OK;
}

void tg_tcp_listener_free(struct tg_tcp_listener *l)
{
    const int saved = errno; /* the caller of listen wants the reason */

    if (l == NULL)
        return;
    tg_loop_unwatch(l->loop, &l->watch);
    tg_loop_timer_clear(l->loop, &l->pause);
    if (l->fd >= 0)
        (void)close(l->fd);
    tg_free(l);
    errno = saved;
}

struct tg_addr tg_tcp_listener_addr(const struct tg_tcp_listener *l)
{
    return l->addr;
}

/* --- connection ------------------------------------------------------------------------------- */

struct tg_tcp {
    struct tg_loop *loop;
    int fd;
    struct tg_watch watch;
    struct tg_timer patience;
    struct tg_tcp_cfg cfg;
    struct tg_buf out;
    bool want_out;  /* EPOLLOUT is asked for */
    bool finishing; /* no more sends, no more input */
    bool closed;    /* on_closed has been called or must not be */
    bool broken;    /* a write failed outside the loop's callback */
    bool *freed;    /* set to true by free, for a callback in progress */
};

static void update_events(struct tg_tcp *c)
{
    const bool want = c->out.len > 0 || c->finishing || c->broken;
    /* Input of a finishing connection is not read; its end shows as HUP or a failing write. */
    const uint32_t in = c->finishing ? 0 : EPOLLIN;

    c->want_out = want;
    tg_loop_rewatch(c->loop, &c->watch, in | (want ? EPOLLOUT : 0));
}

static void shut(struct tg_tcp *c, tg_err why, tg_us now)
{
    if (c->closed)
        return;
    c->closed = true;
    tg_loop_unwatch(c->loop, &c->watch);
    tg_loop_timer_clear(c->loop, &c->patience);
    c->cfg.on_closed(c->cfg.ctx, why, now);
}

/* Bytes taken by the socket; SIZE_MAX = broken. */
static size_t write_some(struct tg_tcp *c, const uint8_t *bytes, size_t len)
{
    const ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

    if (n >= 0)
        return (size_t)n;
    return errno == EAGAIN || errno == EINTR ? 0 : SIZE_MAX;
}

/* False: the connection is over (and maybe freed). */
static bool drain_out(struct tg_tcp *c, tg_us now)
{
    if (c->broken) {
        shut(c, TG_ERR_IO, now);
        return false;
    }
    if (c->out.len > 0) {
        const size_t n = write_some(c, c->out.data, c->out.len);

        if (n == SIZE_MAX) {
            shut(c, TG_ERR_IO, now);
            return false;
        }
        tg_buf_consume(&c->out, n);
    }
    if (c->out.len == 0 && c->finishing) {
        shut(c, TG_OK, now);
        return false;
    }
    update_events(c);
    return true;
}

static void read_some(struct tg_tcp *c, tg_us now)
{
    static _Thread_local uint8_t bytes[TG_TCP_READ];
    bool freed = false;

    c->freed = &freed;
    for (int i = 0; i < TG_TCP_READS_PER_TURN && !c->finishing && !c->closed; i++) {
        const ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0)
            shut(c, n == 0 ? TG_ERR_CLOSED : TG_ERR_IO, now);
        else
            c->cfg.on_data(c->cfg.ctx, bytes, (size_t)n, now);
        if (freed)
            return;
        if (n < (ssize_t)sizeof(bytes))
            break;
    }
    c->freed = NULL;
}

static void on_connection(void *ctx, uint32_t events, tg_us now)
{
    struct tg_tcp *c = ctx;

    if ((events & (EPOLLOUT | EPOLLERR)) != 0 && c->want_out && !drain_out(c, now))
        return;
    if (c->finishing && (events & (EPOLLHUP | EPOLLERR)) != 0)
        shut(c, TG_ERR_CLOSED, now);
    else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        read_some(c, now);
}

tg_err tg_tcp_new(struct tg_tcp **ret, struct tg_loop *loop, int take_fd,
                  const struct tg_tcp_cfg *cfg)
{
    struct tg_tcp *c = tg_calloc(1, sizeof(*c));
    tg_err err;

    if (c == NULL) {
        (void)close(take_fd);
        return TG_ERR_NOMEM;
    }
    c->loop = loop;
    c->fd = take_fd;
    c->cfg = *cfg;
    tg_buf_init(&c->out, cfg->out_max);
    err = tg_loop_watch(loop, &c->watch, take_fd, EPOLLIN, on_connection, c);
    if (err != TG_OK) {
        tg_tcp_free(c);
        return err;
    }
    *ret = c;
    return TG_OK;
}

void tg_tcp_free(struct tg_tcp *c)
{
    if (c == NULL)
        return;
    if (c->freed != NULL)
        *c->freed = true;
    tg_loop_unwatch(c->loop, &c->watch);
    tg_loop_timer_clear(c->loop, &c->patience);
    (void)close(c->fd);
    tg_buf_done(&c->out);
    tg_free(c);
}

tg_err tg_tcp_send(struct tg_tcp *c, const void *bytes, size_t len)
{
    const uint8_t *data = bytes;
    size_t done = 0;

    if (c->closed || c->finishing || c->broken)
        return TG_ERR_CLOSED;
    if (len > c->out.max - c->out.len)
        return TG_ERR_LIMIT;
    if (c->out.len == 0) {
        done = write_some(c, data, len);
        if (done == SIZE_MAX) {
            c->broken = true; /* told from the loop, not inside this call */
            update_events(c);
            return TG_ERR_CLOSED;
        }
    }
    if (done == len)
        return TG_OK;
    tg_buf_add(&c->out, data + done, len - done);
    if (c->out.err != TG_OK) {
        c->broken = true; /* a part is out already: the stream cannot go on */
        update_events(c);
        return c->out.err;
    }
    if (!c->want_out)
        update_events(c);
    return TG_OK;
}

static void on_patience(void *ctx, tg_us now)
{
    shut(ctx, TG_ERR_TIMEOUT, now);
}

void tg_tcp_finish(struct tg_tcp *c, tg_us now, tg_us wait_us)
{
    if (c->closed || c->finishing)
        return;
    c->finishing = true;
    if (tg_loop_timer_set(c->loop, &c->patience, now + wait_us, on_patience, c) != TG_OK)
        c->broken = true; /* no patience without a timer: it ends at the next chance */
    update_events(c);
}

size_t tg_tcp_queued(const struct tg_tcp *c)
{
    return c->out.len;
}
