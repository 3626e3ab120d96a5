/*
 * addr.h - transport addresses between base/addr.h, sockets, text and the machine's interfaces.
 */
#ifndef TG_NET_ADDR_H
#define TG_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/err.h"

/* Length of the result. as_v6: a v4 address stays v4-mapped, for an AF_INET6 socket. */
socklen_t tg_addr_to_sockaddr(struct sockaddr_storage *ret, const struct tg_addr *addr, bool as_v6);
/* MALFORMED for families other than v4 and v6. via = 0. */
TG_MUST_CHECK tg_err tg_addr_from_sockaddr(struct tg_addr *ret, const void *sa, socklen_t len);
/*
 * Addresses of this machine's interfaces that are up, v4 before v6, loopback and link-local left
 * out; at most max, with this port. Returns the count. Reads the kernel's tables: at start only.
 */
size_t tg_addr_local(struct tg_addr *out, size_t max, uint16_t port);

#endif
