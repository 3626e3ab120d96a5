/*
 * many_udp.c - see many_udp.h.
 */
#include "support/lib/many_udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"

enum {
    BATCH = 64,
    BATCHES_MAX = 8,
    BUFFER_GRO = 65536,
    BUFFER_ONE = 2048,
    SOCKBUF = 64 * 1024 * 1024,
    CONTROL = 256
};

/* Endpoints are 127.16.0.0 .. 127.79.255.255 unless asked otherwise. */
static const uint32_t first_loopback = 127U << 24 | 16U << 16;

struct many_udp {
    uint32_t first_ip;
    int fd;
    uint16_t port;
    uint64_t overflows;
    size_t buffer_size;
    uint8_t *buffers; /* BATCH x buffer_size */
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_in from[BATCH];
    _Alignas(16) uint8_t control[BATCH][CONTROL];
};

static bool open_socket(struct many_udp *m)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int on = 1;

    m->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        getsockname(m->fd, (struct sockaddr *)&at, &len) != 0 ||
        setsockopt(m->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0)
        return false;
    m->port = ntohs(at.sin_port);
    return true;
}

/* Each of these only makes it faster or tells more; all may be refused. */
static void tune_socket(const struct many_udp *m, bool gro)
{
    int on = 1;
    int size = SOCKBUF;

    if (gro)
        (void)setsockopt(m->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
    (void)setsockopt(m->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    (void)setsockopt(m->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    if (setsockopt(m->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        (void)setsockopt(m->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

tg_err many_udp_new(struct many_udp **ret, uint32_t first_ip, bool gro)
{
    struct many_udp *m = tg_calloc(1, sizeof(*m));

    if (m == NULL)
        return TG_ERR_NOMEM;
    m->first_ip = first_ip != 0 ? first_ip : first_loopback;
    m->buffer_size = gro ? BUFFER_GRO : BUFFER_ONE;
    m->buffers = tg_calloc(BATCH, m->buffer_size);
    m->fd = -1;
    if (m->buffers == NULL || !open_socket(m)) {
        many_udp_free(m);
        return TG_ERR_IO;
    }
    tune_socket(m, gro);
    *ret = m;
    return TG_OK;
}

void many_udp_free(struct many_udp *m)
{
    if (m == NULL)
        return;
    if (m->fd >= 0)
        (void)close(m->fd);
    tg_free(m->buffers);
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

static struct tg_addr addr_of(uint32_t ip, uint16_t port)
{
    return tg_addr_v4((uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip,
                      port);
}

struct tg_addr many_udp_addr(const struct many_udp *m, uint32_t endpoint)
{
    return addr_of(m->first_ip + endpoint, m->port);
}

/* What the kernel says of one read. */
struct note {
    uint32_t endpoint;
    size_t piece; /* bytes of each datagram but the last */
    tg_us wall_us;
};

static struct note read_note(struct many_udp *m, size_t i)
{
    struct msghdr *hdr = &m->msgs[i].msg_hdr;
    struct note note = {.endpoint = UINT32_MAX, .piece = m->msgs[i].msg_len};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            note.endpoint = ntohl(info.ipi_addr.s_addr) - m->first_ip;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;

            memcpy(&size, CMSG_DATA(c), sizeof(size));
            if (size > 0)
                note.piece = (size_t)size;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;

            memcpy(&at, CMSG_DATA(c), sizeof(at));
            note.wall_us = (tg_us)at.tv_sec * TG_US_PER_S + (tg_us)at.tv_nsec / 1000;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t count;

            memcpy(&count, CMSG_DATA(c), sizeof(count));
            m->overflows = count;
        }
    }
    return note;
}

static void take(struct many_udp *m, size_t i, many_udp_fn fn, void *ctx)
{
    const struct note note = read_note(m, i);
    size_t len = m->msgs[i].msg_len;
    struct tg_addr from = addr_of(ntohl(m->from[i].sin_addr.s_addr), ntohs(m->from[i].sin_port));
    uint8_t *bytes = m->iov[i].iov_base;

    if (note.endpoint >= MANY_UDP_ENDPOINTS || note.piece == 0)
        return;
    for (size_t at = 0; at < len; at += note.piece)
        fn(ctx, note.endpoint, &from, bytes + at, TG_MIN(note.piece, len - at), note.wall_us);
}

void many_udp_receive(struct many_udp *m, many_udp_fn fn, void *ctx)
{
    for (unsigned batch = 0; batch < BATCHES_MAX; batch++) {
        int got;

        for (size_t i = 0; i < BATCH; i++) {
            m->iov[i] = (struct iovec){.iov_base = m->buffers + i * m->buffer_size,
                                       .iov_len = m->buffer_size};
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
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(m->first_ip + endpoint)};
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
