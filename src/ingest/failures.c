/*
 * failures.c - see failures.h.
 */
#include "ingest/failures.h"

#include <string.h>

#define WINDOW_US (60 * (tg_us)TG_US_PER_S)

static void network_of(uint8_t out[16], const struct tg_addr *addr)
{
    memcpy(out, addr->ip, 16);
    if (!tg_addr_is_v4(addr))
        memset(out + 8, 0, 8);
}

void tg_failures_init(struct tg_failures *f)
{
    memset(f, 0, sizeof(*f));
}

void tg_failures_note(struct tg_failures *f, const struct tg_addr *from, tg_us now)
{
    uint8_t ip[16];
    size_t at = 0; /* where a new row goes: the one that began first, free rows before all */

    network_of(ip, from);
    for (size_t i = 0; i < TG_RTMP_FAILURE_ADDRS; i++) {
        if (f->rows[i].count > 0 && now - f->rows[i].since < WINDOW_US &&
            memcmp(f->rows[i].ip, ip, sizeof(ip)) == 0) {
            f->rows[i].count++;
            return;
        }
        if (f->rows[i].since < f->rows[at].since)
            at = i;
    }
    memcpy(f->rows[at].ip, ip, sizeof(ip));
    f->rows[at].count = 1;
    f->rows[at].since = now;
}

bool tg_failures_blocked(const struct tg_failures *f, const struct tg_addr *from, tg_us now)
{
    uint8_t ip[16];

    network_of(ip, from);
    for (size_t i = 0; i < TG_RTMP_FAILURE_ADDRS; i++)
        if (f->rows[i].count >= TG_RTMP_FAILURES_MAX && now - f->rows[i].since < WINDOW_US &&
            memcmp(f->rows[i].ip, ip, sizeof(ip)) == 0)
            return true;
    return false;
}
