/*
 * addr.h - a transport address as a plain value. IPv4 is kept v4-mapped (::ffff:a.b.c.d), so that
 * one comparison serves both families. net/ turns it into a sockaddr.
 */
#ifndef TG_BASE_ADDR_H
#define TG_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct tg_addr {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
    /* 0 = UDP; else the worker's number of a TCP connection (RFC 4571 frames), part of the address.
     */
    uint16_t tcp;
    /*
     * net/: which of our own addresses the datagram came to, so that the answer leaves from there;
     * 0 = the socket has only one, or the kernel may choose. No part of the address itself.
     */
    uint16_t via;
};

enum { TG_ADDR_KEY_LEN = 20 }; /* ip, port and tcp: a hash key */
_Static_assert(offsetof(struct tg_addr, via) == TG_ADDR_KEY_LEN, "no padding in the key");

static inline bool tg_addr_equal(const struct tg_addr *a, const struct tg_addr *b)
{
    return a->port == b->port && a->tcp == b->tcp && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static inline bool tg_addr_is_v4(const struct tg_addr *a)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

static inline struct tg_addr tg_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct tg_addr){.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d},
                            .port = port};
}

/* "127.0.0.1" or "::1", no brackets, no port (it is given apart). MALFORMED otherwise. */
TG_MUST_CHECK tg_err tg_addr_parse(struct tg_addr *ret, const char *text, size_t len,
                                   uint16_t port);
/* 0.0.0.0 or :: */
bool tg_addr_is_any(const struct tg_addr *addr);
/* 127.0.0.0/8 or ::1 */
bool tg_addr_is_loopback(const struct tg_addr *addr);
/*
 * May it be the address of a machine on the internet? False for everything that the IANA
 * special-purpose registries (RFC 6890) name: loopback, private, link-local, shared (CGNAT),
 * documentation, benchmarking, multicast, reserved; for IPv6 all but global unicast, and what
 * carries an IPv4 address within (NAT64 counts as that address; 6to4 and Teredo are refused).
 */
bool tg_addr_is_public(const struct tg_addr *addr);

#endif
