/*
 * many_udp.h - thousands of UDP endpoints on a few sockets, for load generators on loopback: every
 * endpoint is an address 127.x.y.z of its own, so a server tells them apart, while one socket with
 * IP_PKTINFO and receive offload carries them all. Linux, IPv4. Owner: one thread.
 */
#ifndef TESTS_SUPPORT_MANY_UDP_H
#define TESTS_SUPPORT_MANY_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct many_udp;

enum { MANY_UDP_ENDPOINTS = 1 << 22 };

/* bytes may be written to. endpoint = 0..MANY_UDP_ENDPOINTS - 1. */
typedef void (*many_udp_fn)(void *ctx, uint32_t endpoint, const struct tg_addr *from,
                            uint8_t *bytes, size_t len);

/* Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err many_udp_new(struct many_udp **ret);
void many_udp_free(struct many_udp *m);
int many_udp_fd(const struct many_udp *m);
/* Calls fn for what has come, at most some thousand datagrams. */
void many_udp_receive(struct many_udp *m, many_udp_fn fn, void *ctx);
/* False: the kernel did not take it. */
bool many_udp_send(struct many_udp *m, uint32_t endpoint, const struct tg_addr *to,
                   const void *bytes, size_t len);
/* Datagrams that the kernel dropped because this process did not read in time. */
uint64_t many_udp_overflows(const struct many_udp *m);

#endif
