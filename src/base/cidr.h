/*
 * cidr.h - lists of networks from the configuration: limits.trusted_networks, metrics.allow ...
 *
 * "10.0.0.0/8", "2001:db8::/32", a bare address (its full length) or "loopback". Pure values.
 */
#ifndef TG_BASE_CIDR_H
#define TG_BASE_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"

struct tg_cidr {
    uint8_t ip[16]; /* IPv4 is v4-mapped, its prefix counts from bit 96 */
    unsigned bits;  /* 0..128 */
};

enum { TG_CIDR_LIST_MAX = 64 };
struct tg_cidr_list {
    struct tg_cidr nets[TG_CIDR_LIST_MAX];
    size_t count;
};

/* MALFORMED: not a network, or bits set right of the prefix. */
TG_MUST_CHECK tg_err tg_cidr_parse(struct tg_cidr *ret, const char *text);
bool tg_cidr_match(const struct tg_cidr *net, const struct tg_addr *addr);
/* Adds one configured text; LIMIT beyond TG_CIDR_LIST_MAX, MALFORMED. */
TG_MUST_CHECK tg_err tg_cidr_list_add(struct tg_cidr_list *list, const char *text);
bool tg_cidr_list_match(const struct tg_cidr_list *list, const struct tg_addr *addr);

#endif
