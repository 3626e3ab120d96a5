/*
 * failures.h - how often an address sent a wrong key lately, in bounded memory.
 * Pure. Owner: one listener. IPv6 addresses count by their /64, because a host owns all of it.
 */
#ifndef TG_INGEST_FAILURES_H
#define TG_INGEST_FAILURES_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/limits.h"
#include "base/macros.h"

struct tg_failures {
    struct {
        uint8_t ip[16];
        unsigned count; /* 0 = free */
        tg_us since;
    } rows[TG_RTMP_FAILURE_ADDRS];
};

void tg_failures_init(struct tg_failures *f);
/* One more; the row that began first makes room when all are taken. */
void tg_failures_note(struct tg_failures *f, const struct tg_addr *from, tg_us now);
/* TG_RTMP_FAILURES_MAX or more within the last minute. */
bool tg_failures_blocked(const struct tg_failures *f, const struct tg_addr *from, tg_us now);

#endif
