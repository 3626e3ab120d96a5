/*
 * udp.h - one UDP socket: large buffers, batches in, segmented batches out, no allocation.
 * Linux only (recvmmsg, sendmmsg, UDP_SEGMENT). Owner: one thread.
 *
 * Outgoing packets are written straight into the socket's arena and leave at the flush. Packets to
 * one destination that follow each other with one size (only the last may be smaller) become one
 * segmented send; when the kernel or the path refuses segmentation, the run is sent one by one and
 * segmentation stays off.
 */
#ifndef TG_NET_UDP_H
#define TG_NET_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/limits.h"

struct tg_udp;

enum {
    TG_UDP_BATCH = 64,               /* datagrams of one recvmmsg, runs of one sendmmsg */
    TG_UDP_ARENA = 4 * 1024 * 1024,  /* bytes waiting for the socket: 13 ms at 2.5 Gbit/s */
    TG_UDP_RUN_BYTES_MAX = 64000,    /* below the largest UDP payload, 65,507 */
    TG_UDP_RUN_PACKETS_MAX = 64,     /* UDP_MAX_SEGMENTS of older kernels */
    TG_UDP_RUNS_MAX = 8192,          /* runs waiting for the socket */
    TG_UDP_SOCKBUF = 8 * 1024 * 1024 /* asked for; the kernel may give less (rmem_max) */
};

struct tg_udp_packet {
    struct tg_addr
        from;       /* with via: send to it and the datagram leaves from where this one came to */
    uint8_t *bytes; /* may be written to */
    size_t len;
};

/*
 * Binds. port 0 = any free one, see tg_udp_addr. An address of all zero bytes listens on v6 and v4;
 * on a machine without v6 on v4 only. Errors: NOMEM, IO (in use, no such address; errno tells).
 */
TG_MUST_CHECK tg_err tg_udp_new(struct tg_udp **ret, const struct tg_addr *bind_to);
void tg_udp_free(struct tg_udp *u);
int tg_udp_fd(const struct tg_udp *u);
/* What it is bound to. */
struct tg_addr tg_udp_addr(const struct tg_udp *u);

/*
 * Up to TG_UDP_BATCH datagrams without waiting; 0 = none. Valid until the next call. Datagrams
 * above TG_UDP_PACKET_MAX are dropped and counted.
 */
size_t tg_udp_receive(struct tg_udp *u, const struct tg_udp_packet **ret_packets);

/*
 * Room for one packet of at most cap <= TG_UDP_PACKET_MAX bytes. NULL: the arena is full because
 * the socket does not take more; the packet is to be dropped (counted here). Follow with commit
 * (or nothing: a reserve without commit has no effect).
 */
uint8_t *tg_udp_reserve(struct tg_udp *u, size_t cap);
/* The reserved packet is len bytes, len <= cap of the reserve. */
void tg_udp_commit(struct tg_udp *u, const struct tg_addr *to, size_t len);
/* Copying form of the two. False = dropped. */
bool tg_udp_send(struct tg_udp *u, const struct tg_addr *to, const void *bytes, size_t len);
/*
 * The packets to one peer are complete: what waits may leave now when it makes a batch. Sent while
 * it is still in the cache, the arena's first part is used again and again.
 */
void tg_udp_pass(struct tg_udp *u);
/* Hand everything to the kernel. False: some is left, call again when the socket is writable. */
bool tg_udp_flush(struct tg_udp *u);

struct tg_udp_stats {
    uint64_t packets_in;
    uint64_t bytes_in;
    uint64_t packets_out;
    uint64_t bytes_out;
    uint64_t calls_out;   /* messages handed to sendmmsg: packets_out / calls_out = segments */
    uint64_t dropped_out; /* no room, or refused by the kernel for good */
    uint64_t oversize_in;
    bool segments; /* UDP_SEGMENT is in use */
};
const struct tg_udp_stats *tg_udp_stats(const struct tg_udp *u);
/* Tests: behave as if the kernel refused UDP_SEGMENT. */
void tg_udp_disable_segments(struct tg_udp *u);

#endif
