/*
 * twcc_rx.h - when each packet of a publisher came, told to it: the receiving side of
 * transport-wide congestion control. The reader of what is written here is tg_twcc_parse.
 *
 * Pure. Spec: draft-holmer-rmcat-transport-wide-cc-extensions-01. Owner: one a transport; all its
 * packets count, audio, video and retransmissions alike.
 *
 * A packet that comes after the feedback that called it lost is told again, with its neighbours:
 * feedback packets may overlap.
 */
#ifndef TG_PROTO_TWCC_RX_H
#define TG_PROTO_TWCC_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/macros.h"

enum {
    TG_TWCC_RX_US = 50 * TG_US_PER_MS,      /* between two feedback packets ... */
    TG_TWCC_RX_SLOW_US = 100 * TG_US_PER_MS /* ... and when hardly anything comes */
};

struct tg_twcc_rx {
    bool started;
    uint8_t fb_count;
    size_t pending;              /* arrivals not told yet */
    tg_us since;                 /* the first of them */
    uint64_t base;               /* the next feedback begins here */
    uint64_t highest;            /* unwrapped */
    tg_us at[TG_TWCC_RX_WINDOW]; /* arrivals by number; 0 = not yet */
};

void tg_twcc_rx_init(struct tg_twcc_rx *t);
/* The packet with that transport-wide number came at now > 0. */
void tg_twcc_rx_input(struct tg_twcc_rx *t, tg_us now, uint16_t seq);
/* When to write next, TG_US_NEVER = nothing to tell. */
tg_us tg_twcc_rx_deadline(const struct tg_twcc_rx *t);
/*
 * Appends one feedback packet about what is not told yet, as much as w has room for (at least
 * TG_TWCC_RX_ROOM_MIN). true: there is more, write again.
 */
enum { TG_TWCC_RX_ROOM_MIN = 64 };
bool tg_twcc_rx_write(struct tg_twcc_rx *t, struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc);

#endif
