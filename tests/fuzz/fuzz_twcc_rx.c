/*
 * Arrivals as the bytes choose: u16 time step (in 50 us), i16 number step. Every feedback packet
 * must be read back by the parser, with times that are those of the arrivals.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "proto/rtcp.h"
#include "proto/twcc_rx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tg_us came[1 << 16]; /* the last arrival under each number */

static void tell(struct tg_twcc_rx *t, size_t room)
{
    uint8_t packet[1200];
    struct tg_wr w = tg_wr(packet, room);
    struct tg_rtcp p;
    struct tg_twcc fb;
    struct tg_twcc_status status;
    const size_t pending = t->pending;
    const bool more = tg_twcc_rx_write(t, &w, 1, 2);
    struct tg_rd r = tg_rd(packet, tg_wr_len(&w));

    TG_ASSERT(!w.bad && pending > 0);
    TG_ASSERT(more == (tg_twcc_rx_deadline(t) != TG_US_NEVER));
    TG_ASSERT(tg_rtcp_next(&r, &p) == TG_OK && p.kind == TG_RTCP_TWCC);
    TG_ASSERT(tg_rd_left(&r) == 0);
    TG_ASSERT(tg_twcc_parse(&fb, p.fci) == TG_OK);
    /* The reference time has 24 bits: compare within its span. */
    while (tg_twcc_next(&fb, &status)) {
        const int64_t span = INT64_C(64000) << 24;
        const int64_t late = came[status.seq] - status.arrival_us;

        TG_ASSERT(!status.received || ((late % span + span) % span) < 250);
    }
    TG_ASSERT(!fb.deltas.bad && tg_rd_left(&fb.deltas) < 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_twcc_rx t;
    struct tg_rd r = tg_rd(data, size);
    const size_t room = TG_TWCC_RX_ROOM_MIN + (size_t)tg_rd_u8(&r) * 4;
    uint16_t seq = tg_rd_u16(&r);
    tg_us now = 1;

    memset(came, 0, sizeof(came));
    tg_twcc_rx_init(&t);
    while (tg_rd_left(&r) >= 4) {
        now += (tg_us)tg_rd_u16(&r) * 50;
        seq = (uint16_t)(seq + tg_rd_u16(&r));
        tg_twcc_rx_input(&t, now, seq);
        if (t.at[seq % TG_TWCC_RX_WINDOW] == now)
            came[seq] = now; /* neither a duplicate nor too old */
        for (int turns = 0; tg_twcc_rx_deadline(&t) <= now; turns++) {
            TG_ASSERT(turns < 3000);
            tell(&t, room);
        }
    }
    return 0;
}
