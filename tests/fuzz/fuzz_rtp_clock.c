/*
 * fuzz_rtp_clock.c - the RTP clock as an engine. A head byte says what follows: bit 0 report, bits
 * 1-2 the encoding, bit 3 absolute RTP time (else a step of 16 bits), bits 4-5 the unit of the time
 * since the last call. Whatever a publisher sends, media time stays at or above 0, grows within an
 * encoding and lies in the future only by what growing takes.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "ingest/rtp_clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tg_us units[] = {10, 1000, 100 * TG_US_PER_MS, 10 * (tg_us)TG_US_PER_S};
    struct tg_rd r = tg_rd(data, size);
    struct tg_rtp_clock c;
    uint32_t ts[TG_RECEIVER_STREAMS] = {0};
    tg_us last[TG_RECEIVER_STREAMS] = {-1, -1, -1, -1};
    tg_us now = 0;

    tg_rtp_clock_init(&c);
    while (tg_rd_left(&r) >= 4) {
        uint8_t head = tg_rd_u8(&r);
        unsigned stream = (head >> 1) & 3U;
        uint32_t before = ts[stream];

        now += units[(head >> 4) & 3U] * tg_rd_u8(&r);
        ts[stream] = (head & 8) != 0 ? tg_rd_u32(&r) : ts[stream] + tg_rd_u16(&r);
        if ((head & 1) != 0) {
            uint64_t ntp = tg_rd_u64(&r);

            tg_rtp_clock_report(&c, stream, ts[stream], ntp, now, (tg_us)(head >> 6) * 40000 - 1);
            ts[stream] = before; /* frames go on where they were */
            continue;
        }
        tg_us out = tg_rtp_clock_frame(&c, stream, ts[stream], now - (head >> 6) * 1000, now);

        if (out < 0 || out < last[stream] || (out == last[stream] && ts[stream] != before))
            abort();
        if (out > TG_MAX(now, last[stream] + TG_RTP_CLOCK_STEP_US))
            abort();
        last[stream] = out;
    }
    return 0;
}
