#include "net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "net/addr.h"

enum {
    RECV_SIZE = 1504,  /* a little over TG_UDP_PACKET_MAX, so that longer ones show */
    CONTROL_SIZE = 96, /* UDP_SEGMENT and one PKTINFO */
    PASS_RUNS = 32,    /* see tg_udp_pass: 0.3 MB, an eighth of a core's second cache */
    RETRY_DROPS = 32,  /* a full arena: packets that are dropped between two tries */
    LOCALS_MAX = 32,   /* own addresses that answers can leave from */
};
_Static_assert((int)RECV_SIZE > (int)TG_UDP_PACKET_MAX, "oversize must be visible");
_Static_assert(CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo)) <=
                   CONTROL_SIZE,
               "both control messages fit");

/* Packets to one address, one after another in the arena; all of seg bytes but the last. */
struct run {
    struct tg_addr to;
    uint32_t offset;
    uint32_t len;
    uint16_t seg;
    uint16_t count;
    bool closed; /* the last packet is a smaller one */
    bool split;  /* the kernel refused it as one segmented send */
};

struct batch {
    struct mmsghdr msgs[TG_UDP_BATCH];
    struct iovec iovs[TG_UDP_BATCH];
    struct sockaddr_storage names[TG_UDP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[TG_UDP_BATCH][CONTROL_SIZE];
};

struct tg_udp {
    int fd;
    bool v6;   /* AF_INET6: addresses are v4-mapped */
    bool many; /* bound to "any": answers must say from where */
    struct tg_addr addr;
    struct tg_udp_stats stats;
    struct tg_addr locals[LOCALS_MAX]; /* via = index + 1 */
    size_t local_count;
    /* out */
    size_t arena_len;
    size_t reserved; /* bytes of the last reserve, 0 = none */
    size_t run_count;
    size_t refused;       /* reserves that found no room since the socket took something */
    bool full;            /* the socket took no more at the last flush */
    size_t run_next;      /* first run that is not wholly sent */
    uint16_t run_packets; /* of that run: packets sent already (split runs only) */
    struct run *runs;     /* TG_UDP_RUNS_MAX */
    uint8_t *arena;       /* TG_UDP_ARENA */
    struct batch out;
    uint16_t out_packets[TG_UDP_BATCH]; /* packets of each message */
    /* in */
    struct batch in;
    struct tg_udp_packet packets[TG_UDP_BATCH];
    uint8_t buffers[TG_UDP_BATCH][RECV_SIZE];
};

/* --- life ------------------------------------------------------------------------------------- */

static void set_buffer(int fd, int forced, int plain)
{
    const int want = TG_UDP_SOCKBUF;

    /* Without the privilege the kernel cuts it to rmem_max/wmem_max: less, but it works. */
    if (setsockopt(fd, SOL_SOCKET, forced, &want, sizeof(want)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, plain, &want, sizeof(want));
}

/*
 * Packets of 1,240 bytes need no fragments (RFC 8854 s5); "don't fragment" also spares the kernel
 * the choice of an identification for each. PROBE: no path MTU that somebody claims makes them
 * smaller. Refused: they go without.
 */
static void set_unfragmented(const struct tg_udp *u)
{
    const int v4 = IP_PMTUDISC_PROBE;
    const int v6 = IPV6_PMTUDISC_PROBE;

    (void)setsockopt(u->fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
    if (u->v6)
        (void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}

static tg_err bind_family(struct tg_udp *u, const struct tg_addr *to, bool v6)
{
    struct sockaddr_storage sa;
    socklen_t len = tg_addr_to_sockaddr(&sa, to, v6);
    const int off = 0;

    u->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        return TG_ERR_IO;
    u->v6 = v6;
    if (v6 && setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
        return TG_ERR_IO;
    if (bind(u->fd, (const struct sockaddr *)&sa, len) != 0)
        return TG_ERR_IO;
    len = sizeof(sa);
    if (getsockname(u->fd, (struct sockaddr *)&sa, &len) != 0)
        return TG_ERR_IO;
    return tg_addr_from_sockaddr(&u->addr, (const struct sockaddr *)&sa, len);
}

static tg_err open_socket(struct tg_udp *u, const struct tg_addr *to)
{
    tg_err err = bind_family(u, to, !tg_addr_is_v4(to));
    const int on = 1;
    uint16_t probe = 0;
    socklen_t probe_len = sizeof(probe);

    if (err != TG_OK && tg_addr_is_any(to) && !tg_addr_is_v4(to) && errno != EADDRINUSE) {
        struct tg_addr v4 = tg_addr_v4(0, 0, 0, 0, to->port); /* a machine without IPv6 */

        if (u->fd >= 0)
            (void)close(u->fd);
        err = bind_family(u, &v4, false);
    }
    if (err != TG_OK)
        return err;
    u->many = tg_addr_is_any(&u->addr);
    if (u->many && setsockopt(u->fd, u->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                              u->v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)) != 0)
        return TG_ERR_IO;
    set_unfragmented(u);
    set_buffer(u->fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(u->fd, SO_SNDBUFFORCE, SO_SNDBUF);
    u->stats.segments = getsockopt(u->fd, IPPROTO_UDP, UDP_SEGMENT, &probe, &probe_len) == 0;
    return TG_OK;
}

tg_err tg_udp_new(struct tg_udp **ret, const struct tg_addr *bind_to)
{
    struct tg_udp *u = tg_calloc(1, sizeof(*u));
    tg_err err;

    if (u == NULL)
        return TG_ERR_NOMEM;
    u->fd = -1;
    u->arena = tg_calloc(1, TG_UDP_ARENA);
    u->runs = tg_calloc(TG_UDP_RUNS_MAX, sizeof(*u->runs));
    err = u->arena == NULL || u->runs == NULL ? TG_ERR_NOMEM : open_socket(u, bind_to);
    if (err != TG_OK) {
        tg_udp_free(u);
        return err;
    }
    *ret = u;
    return TG_OK;
}

void tg_udp_free(struct tg_udp *u)
{
    const int saved = errno; /* the caller of new wants the reason */

    if (u == NULL)
        return;
    if (u->fd >= 0)
        (void)close(u->fd);
    tg_free(u->arena);
    tg_free(u->runs);
    tg_free(u);
    errno = saved;
}

int tg_udp_fd(const struct tg_udp *u)
{
    return u->fd;
}

struct tg_addr tg_udp_addr(const struct tg_udp *u)
{
    return u->addr;
}

const struct tg_udp_stats *tg_udp_stats(const struct tg_udp *u)
{
    return &u->stats;
}

void tg_udp_disable_segments(struct tg_udp *u)
{
    u->stats.segments = false;
}

/* --- in --------------------------------------------------------------------------------------- */

static uint16_t via_of(struct tg_udp *u, const struct tg_addr *local)
{
    for (size_t i = 0; i < u->local_count; i++) {
        if (memcmp(u->locals[i].ip, local->ip, sizeof(local->ip)) == 0)
            return (uint16_t)(i + 1);
    }
    if (u->local_count == LOCALS_MAX)
        return 0;
    u->locals[u->local_count++] = *local;
    return (uint16_t)u->local_count;
}

/* Which of our addresses the datagram came to. */
static uint16_t read_via(struct tg_udp *u, struct msghdr *hdr)
{
    struct tg_addr local = tg_addr_v4(0, 0, 0, 0, 0);

    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(local.ip, info.ipi6_addr.s6_addr, 16);
            return via_of(u, &local);
        }
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(local.ip + 12, &info.ipi_addr, 4);
            return via_of(u, &local);
        }
    }
    return 0;
}

static void prepare_in(struct tg_udp *u)
{
    for (size_t i = 0; i < TG_UDP_BATCH; i++) {
        u->in.iovs[i] = (struct iovec){.iov_base = u->buffers[i], .iov_len = RECV_SIZE};
        u->in.msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &u->in.names[i],
            .msg_namelen = sizeof(u->in.names[i]),
            .msg_iov = &u->in.iovs[i],
            .msg_iovlen = 1,
            .msg_control = u->many ? u->in.control[i] : NULL,
            .msg_controllen = u->many ? CONTROL_SIZE : 0,
        };
    }
}

size_t tg_udp_receive(struct tg_udp *u, const struct tg_udp_packet **ret_packets)
{
    size_t count = 0;
    int got;

    *ret_packets = u->packets;
    prepare_in(u);
    /* Any error (also a reported ICMP "port unreachable" of an earlier send) reads as "none". */
    got = recvmmsg(u->fd, u->in.msgs, TG_UDP_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        struct msghdr *hdr = &u->in.msgs[i].msg_hdr;
        struct tg_udp_packet *p = &u->packets[count];
        const size_t len = u->in.msgs[i].msg_len;

        if (len > TG_UDP_PACKET_MAX || (hdr->msg_flags & MSG_TRUNC) != 0) {
            u->stats.oversize_in++;
            continue;
        }
        if (tg_addr_from_sockaddr(&p->from, hdr->msg_name, hdr->msg_namelen) != TG_OK)
            continue;
        p->from.via = u->many ? read_via(u, hdr) : 0;
        p->bytes = u->buffers[i];
        p->len = len;
        u->stats.bytes_in += len;
        count++;
    }
    u->stats.packets_in += count;
    return count;
}

/* --- out: filling the arena ------------------------------------------------------------------- */

/*
 * What is sent makes room for what comes. Else a link that is too slow would get nothing new until
 * the whole arena is out: everybody's picture, and the answers that keep sessions alive, in fits.
 */
static void compact(struct tg_udp *u)
{
    const size_t left = u->run_count - u->run_next;

    if (u->run_next == 0 || u->run_next < u->run_count / 4)
        return; /* not worth the copy yet */
    const uint32_t base = u->runs[u->run_next].offset;

    u->arena_len -= base;
    memmove(u->arena, u->arena + base, u->arena_len);
    memmove(u->runs, u->runs + u->run_next, left * sizeof(*u->runs));
    for (size_t i = 0; i < left; i++)
        u->runs[i].offset -= base;
    u->run_next = 0;
    u->run_count = left;
}

static bool has_room(const struct tg_udp *u, size_t cap)
{
    return u->arena_len + cap <= TG_UDP_ARENA && u->run_count < TG_UDP_RUNS_MAX;
}

uint8_t *tg_udp_reserve(struct tg_udp *u, size_t cap)
{
    TG_ASSERT(cap > 0 && cap <= TG_UDP_PACKET_MAX);
    if (!has_room(u, cap) && u->refused % RETRY_DROPS == 0) {
        (void)tg_udp_flush(u); /* what is left is looked at next */
        compact(u);
    }
    if (!has_room(u, cap)) {
        u->refused++;
        u->stats.dropped_out++;
        u->reserved = 0;
        return NULL;
    }
    u->refused = 0;
    u->reserved = cap;
    return u->arena + u->arena_len;
}

static bool joins(const struct tg_udp *u, const struct tg_addr *to, size_t len)
{
    const struct run *last;

    if (u->run_count == 0 || u->run_count - 1 < u->run_next)
        return false;
    last = &u->runs[u->run_count - 1];
    /* A run that is partly sent, one by one, stays as it is. */
    return !last->closed && !last->split && tg_addr_equal(&last->to, to) &&
           last->to.via == to->via && len <= last->seg && last->count < TG_UDP_RUN_PACKETS_MAX &&
           last->len + len <= TG_UDP_RUN_BYTES_MAX;
}

void tg_udp_commit(struct tg_udp *u, const struct tg_addr *to, size_t len)
{
    TG_ASSERT(len > 0 && len <= u->reserved);
    u->reserved = 0;
    if (joins(u, to, len)) {
        struct run *last = &u->runs[u->run_count - 1];

        last->len += (uint32_t)len;
        last->count++;
        last->closed = len < last->seg;
    } else {
        u->runs[u->run_count++] = (struct run){.to = *to,
                                               .offset = (uint32_t)u->arena_len,
                                               .len = (uint32_t)len,
                                               .seg = (uint16_t)len,
                                               .count = 1};
    }
    u->arena_len += len;
}

bool tg_udp_send(struct tg_udp *u, const struct tg_addr *to, const void *bytes, size_t len)
{
    uint8_t *out;

    if (len == 0 || len > TG_UDP_PACKET_MAX)
        return false;
    out = tg_udp_reserve(u, len);
    if (out == NULL)
        return false;
    memcpy(out, bytes, len);
    tg_udp_commit(u, to, len);
    return true;
}

static bool pending(const struct tg_udp *u)
{
    return u->run_next < u->run_count;
}

/* --- out: handing over ------------------------------------------------------------------------ */

static void *add_control(struct msghdr *hdr, uint8_t *control, int level, int type, size_t len)
{
    struct cmsghdr *c;

    hdr->msg_control = control;
    c = (struct cmsghdr *)(void *)(control + hdr->msg_controllen);
    hdr->msg_controllen += CMSG_SPACE(len);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    return CMSG_DATA(c);
}

static void add_source(struct tg_udp *u, struct msghdr *hdr, uint8_t *control, uint16_t via)
{
    const struct tg_addr *local = &u->locals[via - 1];

    if (u->v6) {
        struct in6_pktinfo info = {0};

        memcpy(info.ipi6_addr.s6_addr, local->ip, 16);
        memcpy(add_control(hdr, control, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info,
               sizeof(info));
    } else {
        struct in_pktinfo info = {0};

        memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
        memcpy(add_control(hdr, control, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info,
               sizeof(info));
    }
}

/* Message i of the batch: `count` packets of the run from packet `first` on. */
static void put_message(struct tg_udp *u, size_t i, const struct run *run, uint16_t first,
                        uint16_t count)
{
    struct msghdr *hdr = &u->out.msgs[i].msg_hdr;
    const uint32_t from = (uint32_t)first * run->seg;
    const uint32_t whole = (uint32_t)count * run->seg;
    const uint32_t len = TG_MIN(whole, run->len - from);

    memset(u->out.control[i], 0, CONTROL_SIZE);
    u->out.iovs[i] = (struct iovec){.iov_base = u->arena + run->offset + from, .iov_len = len};
    *hdr = (struct msghdr){.msg_name = &u->out.names[i],
                           .msg_namelen = tg_addr_to_sockaddr(&u->out.names[i], &run->to, u->v6),
                           .msg_iov = &u->out.iovs[i],
                           .msg_iovlen = 1};
    if (count > 1)
        memcpy(add_control(hdr, u->out.control[i], IPPROTO_UDP, UDP_SEGMENT, sizeof(run->seg)),
               &run->seg, sizeof(run->seg));
    if (run->to.via != 0 && run->to.via <= u->local_count)
        add_source(u, hdr, u->out.control[i], run->to.via);
    u->out_packets[i] = count;
}

static size_t fill_batch(struct tg_udp *u)
{
    size_t n = 0;
    uint16_t first = u->run_packets;

    for (size_t at = u->run_next; at < u->run_count && n < TG_UDP_BATCH; at++) {
        struct run *run = &u->runs[at];

        if (run->count > 1 && !u->stats.segments)
            run->split = true;
        if (!run->split) {
            put_message(u, n++, run, 0, run->count);
            continue;
        }
        for (; first < run->count && n < TG_UDP_BATCH; first++)
            put_message(u, n++, run, first, 1);
        first = 0;
    }
    return n;
}

/* `messages` of the batch are done with, sent or not. */
static void advance(struct tg_udp *u, size_t messages)
{
    for (size_t i = 0; i < messages; i++) {
        const struct run *run = &u->runs[u->run_next];

        u->run_packets = (uint16_t)(u->run_packets + u->out_packets[i]);
        if (u->run_packets == run->count) {
            u->run_packets = 0;
            u->run_next++;
        }
    }
}

static void count_sent(struct tg_udp *u, size_t messages)
{
    u->stats.calls_out += messages;
    for (size_t i = 0; i < messages; i++) {
        u->stats.packets_out += u->out_packets[i];
        u->stats.bytes_out += u->out.iovs[i].iov_len;
    }
}

/* The first message of the batch was refused. False: try again when the socket is writable. */
static bool refused(struct tg_udp *u, int why)
{
    struct run *run = &u->runs[u->run_next];

    if (why == EAGAIN || why == ENOBUFS)
        return false;
    if (why == EINTR)
        return true;
    if (u->out_packets[0] > 1 && (why == EIO || why == EINVAL || why == EOPNOTSUPP ||
                                  why == ENOPROTOOPT || why == EMSGSIZE)) {
        run->split = true; /* whether it is the segmenting shows when single ones pass */
        return true;
    }
    u->stats.dropped_out += u->out_packets[0];
    advance(u, 1);
    return true;
}

void tg_udp_pass(struct tg_udp *u)
{
    /* A full socket is tried again at the end of the turn, not at every viewer. */
    if (u->run_count - u->run_next >= PASS_RUNS && !u->full)
        (void)tg_udp_flush(u);
}

bool tg_udp_flush(struct tg_udp *u)
{
    u->full = false;
    while (pending(u)) {
        const size_t n = fill_batch(u);
        const bool was_split = u->runs[u->run_next].split;
        const int sent = sendmmsg(u->fd, u->out.msgs, (unsigned)n, MSG_DONTWAIT);

        if (sent < 0) {
            if (!refused(u, errno)) {
                u->full = true;
                return false;
            }
            continue;
        }
        if (sent > 0 && was_split)
            u->stats.segments = false; /* one by one it goes: this kernel or path cannot segment */
        count_sent(u, (size_t)sent);
        advance(u, (size_t)sent);
        u->refused = 0;
    }
    u->run_next = 0;
    u->run_count = 0;
    u->arena_len = 0;
    return true;
}
