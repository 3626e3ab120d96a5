/*
 * fuzz_ingest.c - the clock map as an engine, and stream keys. Clock map: each 7 bytes are one tag:
 * track, timestamp (absolute or a small step), time since the last one. Whatever an encoder sends,
 * media time stays at or above 0 and never goes backwards within a track.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ingest/clock_map.h"
#include "ingest/stream_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const uint8_t *data, size_t size)
{
    struct tg_stream_key key;
    char text[TG_RTMP_KEY_SIZE];

    if (size >= sizeof(text))
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    if (tg_stream_key_parse(&key, text) != TG_OK)
        return;
    if (strlen(key.show) > TG_SHOW_ID_MAX || strlen(key.key) >= TG_TOKEN_SIZE ||
        strpbrk(key.show, " ?/&=") != NULL || strpbrk(key.key, " ?/&=") != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd r = tg_rd(data, size);
    struct tg_clock_map m;
    tg_us last[TG_TRACK_COUNT] = {-1, -1};
    tg_us arrival_us = -TG_US_PER_S;
    uint32_t ts = 0;

    if (size > 0)
        check_key(data, size);
    tg_clock_map_init(&m);
    while (tg_rd_left(&r) >= 7) {
        uint8_t head = tg_rd_u8(&r);
        uint32_t value = tg_rd_u32(&r);
        enum tg_track track = (head & 1) != 0 ? TG_TRACK_AUDIO : TG_TRACK_VIDEO;
        bool same;
        tg_us out_us;

        ts = (head & 2) != 0 ? value : ts + (value & 0x3f);
        arrival_us += (tg_us)tg_rd_u16(&r) * ((head & 4) != 0 ? 1000 : 1);
        same = m.seen[track] && m.ts_ms[track] == ts;
        out_us = tg_clock_map_input(&m, track, ts, arrival_us);
        if (out_us < 0 || out_us < last[track] || (out_us == last[track] && !same))
            abort();
        last[track] = out_us;
    }
    return 0;
}
