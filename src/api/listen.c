#include "api/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cidr.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    LISTEN_BACKLOG = 4096,
    /* Bytes the kernel may hold unsent for one client: a laggard shows in our own queue early. */
    LISTEN_UNSENT_MAX = 128 * 1024,
};

static tg_err parse_host(struct tg_listen *ret, const char *host, size_t len)
{
    if (len == 0) {
        ret->any = true;
        return TG_OK;
    }
    if (host[0] == '[') {
        if (len < 3 || host[len - 1] != ']')
            return TG_ERR_MALFORMED;
        host++;
        len -= 2;
    } else if (memchr(host, ':', len) != NULL) {
        return TG_ERR_MALFORMED; /* an IPv6 address without brackets hides its port */
    }
    return tg_addr_parse(&ret->addr, host, len, ret->addr.port);
}

tg_err tg_listen_parse(struct tg_listen *ret, const char *text)
{
    const char *colon = strrchr(text, ':');
    const char *port_text = colon == NULL ? text : colon + 1;
    struct tg_listen at = {.any = false};
    int64_t port;
    tg_err err;

    if (tg_parse_i64(&port, port_text, strlen(port_text), 0, 65535) != TG_OK)
        return TG_ERR_MALFORMED;
    err = parse_host(&at, text, colon == NULL ? 0 : (size_t)(colon - text));
    if (err != TG_OK)
        return err;
    at.addr.port = (uint16_t)port;
    *ret = at;
    return TG_OK;
}

static socklen_t fill_sockaddr(struct sockaddr_storage *out, const struct tg_addr *addr)
{
    memset(out, 0, sizeof(*out));
    if (tg_addr_is_v4(addr)) {
        struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)out;

        in4->sin_family = AF_INET;
        in4->sin_port = htons(addr->port);
        memcpy(&in4->sin_addr, addr->ip + 12, 4);
        return sizeof(*in4);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(addr->port);
    memcpy(&in6->sin6_addr, addr->ip, 16);
    return sizeof(*in6);
}

static void set_options(int fd, bool v6, bool share)
{
    int on = 1;
    int off = 0;
    int unsent_max = LISTEN_UNSENT_MAX;

    /* What fails here shows in bind() or costs only speed. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (share)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (v6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof(unsent_max));
}

/* A bound socket, not listening yet. */
static tg_err open_bound(int *ret, const struct tg_addr *addr, bool share)
{
    struct sockaddr_storage sa;
    socklen_t len = fill_sockaddr(&sa, addr);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno == EAFNOSUPPORT ? TG_ERR_UNSUPPORTED : TG_ERR_IO;
    set_options(fd, sa.ss_family == AF_INET6, share);
    if (bind(fd, (const struct sockaddr *)&sa, len) != 0) {
        int cause = errno;

        (void)close(fd); /* nothing was written */
        errno = cause;
        return cause == EADDRINUSE ? TG_ERR_CONFLICT : TG_ERR_IO;
    }
    *ret = fd;
    return TG_OK;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return 0;
    /* NOLINTNEXTLINE: the kernel filled in what the family says */
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)(void *)&sa)->sin_port);
}

/* Without SO_REUSEPORT the kernel tells whether somebody else listens there. */
static tg_err claim_port(struct tg_addr *addr)
{
    int fd;
    tg_err err = open_bound(&fd, addr, false);

    if (err != TG_OK)
        return err;
    if (listen(fd, 1) != 0)
        err = errno == EADDRINUSE ? TG_ERR_CONFLICT : TG_ERR_IO;
    addr->port = bound_port(fd);
    (void)close(fd); /* only asked */
    return err;
}

static tg_err open_all(const struct tg_addr *addr, int *fds, size_t count)
{
    size_t done = 0;
    tg_err err = TG_OK;

    for (; done < count; done++) {
        err = open_bound(&fds[done], addr, true);
        if (err != TG_OK)
            break;
        if (listen(fds[done], LISTEN_BACKLOG) != 0) {
            err = TG_ERR_IO;
            done++;
            break;
        }
    }
    if (err == TG_OK)
        return TG_OK;
    while (done > 0)
        (void)close(fds[--done]); /* all or none */
    return err;
}

tg_err tg_listen_open(const struct tg_listen *at, int *fds, size_t count, uint16_t *ret_port)
{
    struct tg_addr addr = at->addr; /* any: all zero = [::], which takes IPv4 as well */
    tg_err err = claim_port(&addr);

    if (err != TG_OK && err != TG_ERR_CONFLICT && at->any) {
        /* A machine without IPv6. */
        addr = tg_addr_v4(0, 0, 0, 0, at->addr.port);
        err = claim_port(&addr);
    }
    if (err != TG_OK)
        return err;
    err = open_all(&addr, fds, count);
    if (err == TG_OK)
        *ret_port = addr.port;
    return err;
}
