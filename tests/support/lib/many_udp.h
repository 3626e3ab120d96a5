/*
 * many_udp.h - thousands of UDP endpoints on a few sockets, for load generators on loopback: every
 * endpoint is an address of its own (127.x.y.z, all of which are local), so a server tells them
 * apart, while one socket with IP_PKTINFO carries them all. Linux, IPv4. Owner: one thread.
 */
#ifndef TESTS_SUPPORT_MANY_UDP_H
#define TESTS_SUPPORT_MANY_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/macros.h"

struct many_udp;

enum { MANY_UDP_ENDPOINTS = 1 << 22 };

/*
 * bytes may be written to. endpoint = 0..MANY_UDP_ENDPOINTS - 1. wall_us: when the kernel got it,
 * however late it is read (microseconds since 1970), 0 = not known.
 */
typedef void (*many_udp_fn)(void *ctx, uint32_t endpoint, const struct tg_addr *from,
                            uint8_t *bytes, size_t len, tg_us wall_us);

/*
 * first_ip: of endpoint 0, 0 = 127.16.0.0; all that are used must be local to this machine.
 * gro: let the kernel hand over a run of a sender's packets as one (UDP_GRO). On loopback that also
 * spares the *sender* the work of cutting it up, so a benchmark has to say which it was.
 * Errors: NOMEM, IO.
 */
TG_MUST_CHECK tg_err many_udp_new(struct many_udp **ret, uint32_t first_ip, bool gro);
void many_udp_free(struct many_udp *m);
int many_udp_fd(const struct many_udp *m);
/* The address of an endpoint. */
struct tg_addr many_udp_addr(const struct many_udp *m, uint32_t endpoint);
/* Calls fn for what has come, at most some thousand datagrams. */
void many_udp_receive(struct many_udp *m, many_udp_fn fn, void *ctx);
/* False: the kernel did not take it. */
bool many_udp_send(struct many_udp *m, uint32_t endpoint, const struct tg_addr *to,
                   const void *bytes, size_t len);
/* Datagrams that the kernel dropped because this process did not read in time; known with the next
 * datagram that comes. */
uint64_t many_udp_overflows(const struct many_udp *m);

#endif
