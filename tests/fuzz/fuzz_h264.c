/*
 * fuzz_h264.c - any bytes as avcC, SPS, slices, access units; the packetizer's count is checked
 * against what it writes. First byte: NAL length size and payload size.
 */
#include <stdlib.h>

#include "proto/h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pack(const struct tg_span *nals, size_t count, const struct tg_avcc *avcc,
                 size_t payload_max)
{
    static uint8_t out[2048];
    struct tg_h264_pack p;
    size_t packets = 0;
    size_t bytes = 0;
    bool marker = false;

    if (tg_h264_pack_init(&p, nals, count, avcc, payload_max) != TG_OK)
        return;
    for (;;) {
        struct tg_wr w = tg_wr(out, payload_max);

        if (!tg_h264_pack_next(&p, &w, &marker))
            break;
        packets++;
        bytes += tg_wr_len(&w);
        if (w.bad || tg_wr_len(&w) == 0 || marker != (packets == p.packet_count))
            abort();
    }
    if (packets != p.packet_count || bytes != p.bytes_total)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned sizes[4] = {0, 1, 2, 4};
    struct tg_span nals[TG_H264_NALS_MAX];
    struct tg_avcc avcc;
    struct tg_h264_sps sps;
    size_t count;
    bool have_avcc;

    if (size == 0)
        return 0;
    have_avcc = tg_avcc_parse(&avcc, data + 1, size - 1) == TG_OK;
    if (have_avcc && avcc.sps_count == 0)
        abort();
    if (tg_h264_sps_parse(&sps, tg_span(data + 1, size - 1)) == TG_OK &&
        (sps.width == 0 || sps.height == 0 || sps.reorder_frames > 16))
        abort();
    if (tg_h264_split(nals, &count, data + 1, size - 1, sizes[data[0] & 3]) == TG_ERR_LIMIT &&
        count != TG_H264_NALS_MAX)
        abort();
    (void)tg_h264_has_b(nals, count);
    for (size_t i = 0; i < count; i++)
        if (tg_h264_sps_parse(&sps, nals[i]) == TG_OK && sps.width > TG_H264_SIDE_MAX)
            abort();
    pack(nals, count, have_avcc ? &avcc : NULL, TG_H264_PAYLOAD_MIN + (data[0] >> 2) * 20U);
    return 0;
}
