/*
 * many_udp.c - see many_udp.h.
 */
#include "support/lib/many_udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"

enum {
    BATCH = 16,
    BATCHES_MAX = 16,
    BUFFER = 65536,
    SOCKBUF = 32 * 1024 * 1024,
    FIRST_NET = 16, /* endpoints are 127.16.0.0 .. 127.79.255.255 */
    CONTROL = 256
};

struct many_udp {
    int fd;
    uint64_t overflows;
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_in from[BATCH];
    _Alignas(16) uint8_t control[BATCH][CONTROL];
    uint8_t buffers[BATCH][BUFFER];
};

tg_err many_udp_new(struct many_udp **ret)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct many_udp *m = tg_calloc(1, sizeof(*m));
    int on = 1;
    int size = SOCKBUF;

    if (m == NULL)
        return TG_ERR_NOMEM;
    m->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&any, sizeof(any)) != 0 ||
        setsockopt(m->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0) {
        many_udp_free(m);
        return TG_ERR_IO;
    }
    /* Each of these only makes it faster or tells more; all may be refused. */
    (void)setsockopt(m->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
    (void)setsockopt(m->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    if (setsockopt(m->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        (void)setsockopt(m->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    *ret = m;
    return TG_OK;
}

void many_udp_free(struct many_udp *m)
{
    if (m == NULL)
        return;
    if (m->fd >= 0)
        (void)close(m->fd);
    tg_free(m);
}

int many_udp_fd(const struct many_udp *m)
{
    return m->fd;
}

uint64_t many_udp_overflows(const struct many_udp *m)
{
    return m->overflows;
}

static uint32_t endpoint_of(struct in_addr addr)
{
    return (ntohl(addr.s_addr) & 0xffffffU) - ((uint32_t)FIRST_NET << 16);
}

static void split(const struct many_udp *m, size_t i, uint32_t endpoint, size_t piece,
                  many_udp_fn fn, void *ctx)
{
    size_t len = m->msgs[i].msg_len;
    uint32_t ip = ntohl(m->from[i].sin_addr.s_addr);
    struct tg_addr from = tg_addr_v4((uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8),
                                     (uint8_t)ip, ntohs(m->from[i].sin_port));
    uint8_t *bytes = m->iov[i].iov_base;

    for (size_t at = 0; at < len; at += piece)
        fn(ctx, endpoint, &from, bytes + at, TG_MIN(piece, len - at));
}

static void take(struct many_udp *m, size_t i, many_udp_fn fn, void *ctx)
{
    struct msghdr *hdr = &m->msgs[i].msg_hdr;
    uint32_t endpoint = UINT32_MAX;
    size_t piece = m->msgs[i].msg_len;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            endpoint = endpoint_of(info.ipi_addr);
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;

            memcpy(&size, CMSG_DATA(c), sizeof(size));
            if (size > 0)
                piece = (size_t)size;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t count;

            memcpy(&count, CMSG_DATA(c), sizeof(count));
            m->overflows = count;
        }
    }
    if (endpoint < MANY_UDP_ENDPOINTS && piece > 0)
        split(m, i, endpoint, piece, fn, ctx);
}

void many_udp_receive(struct many_udp *m, many_udp_fn fn, void *ctx)
{
    for (unsigned batch = 0; batch < BATCHES_MAX; batch++) {
        int got;

        for (size_t i = 0; i < BATCH; i++) {
            m->iov[i] = (struct iovec){.iov_base = m->buffers[i], .iov_len = BUFFER};
            m->msgs[i].msg_hdr = (struct msghdr){.msg_name = &m->from[i],
                                                 .msg_namelen = sizeof(m->from[i]),
                                                 .msg_iov = &m->iov[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = m->control[i],
                                                 .msg_controllen = CONTROL};
        }
        got = recvmmsg(m->fd, m->msgs, BATCH, 0, NULL);
        for (int i = 0; i < got; i++)
            take(m, (size_t)i, fn, ctx);
        if (got < BATCH)
            return;
    }
}

bool many_udp_send(struct many_udp *m, uint32_t endpoint, const struct tg_addr *to,
                   const void *bytes, size_t len)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    _Alignas(16) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr =
                                  htonl(127U << 24 | (endpoint + ((uint32_t)FIRST_NET << 16)))};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr hdr = {.msg_name = &sa,
                         .msg_namelen = sizeof(sa),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);

    memcpy(&sa.sin_addr, to->ip + 12, 4);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    return sendmsg(m->fd, &hdr, 0) == (ssize_t)len;
}
