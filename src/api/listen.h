/*
 * listen.h - the listening sockets of the web workers: one a worker, all on one address, shared by
 * the kernel with SO_REUSEPORT (libwebsockets 4.1 cannot, FINDINGS s7).
 */
#ifndef TG_API_LISTEN_H
#define TG_API_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"

struct tg_listen {
    struct tg_addr addr;
    bool any; /* no address given: every interface, IPv6 and IPv4 */
};

/*
 * "127.0.0.1:8080", "[::1]:8080", "[::]:8080" (both families), "0.0.0.0:8080", ":8080", "8080".
 * MALFORMED otherwise.
 */
TG_MUST_CHECK tg_err tg_listen_parse(struct tg_listen *ret, const char *text);
/*
 * Opens `count` sockets into fds (all or none). Port 0 takes a free one; *ret_port is what came
 * out. CONFLICT: somebody listens there already (also another process of the same user, which
 * SO_REUSEPORT alone would let through); IO: errno says why.
 */
TG_MUST_CHECK tg_err tg_listen_open(const struct tg_listen *at, int *fds, size_t count,
                                    uint16_t *ret_port);

#endif
