/*
 * fuzz_vp8.c - VP8 payload descriptor and frame header; the bytes as a frame are packed and must
 * come back through the parser unchanged. First byte: the payload size of the packing.
 */
#include "base/macros.h"
#include "proto/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pack_and_join(struct tg_span frame, size_t payload_max)
{
    struct tg_rd left = tg_rd(frame.data, frame.len);
    struct tg_vp8_pack pack;
    uint8_t out[64 + 255];
    bool marker = false;
    size_t packets = 0;

    TG_ASSERT(tg_vp8_pack_init(&pack, frame, payload_max) == TG_OK);
    for (;;) {
        struct tg_wr w = tg_wr(out, payload_max);
        struct tg_vp8_payload p;

        if (!tg_vp8_pack_next(&pack, &w, &marker))
            break;
        TG_ASSERT(!w.bad);
        TG_ASSERT(tg_vp8_payload_parse(&p, tg_span(out, tg_wr_len(&w))) == TG_OK);
        TG_ASSERT(p.start == (packets == 0));
        TG_ASSERT(p.frame.len <= tg_rd_left(&left));
        TG_ASSERT(memcmp(tg_rd_span(&left, p.frame.len).data, p.frame.data, p.frame.len) == 0);
        packets++;
    }
    TG_ASSERT(marker && packets == pack.packet_count && tg_rd_left(&left) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_vp8_payload p;
    struct tg_vp8_info info;
    struct tg_span rest;

    if (size < 2)
        return 0;
    rest = tg_span(data + 1, size - 1);
    if (tg_vp8_payload_parse(&p, rest) == TG_OK) {
        TG_ASSERT(p.frame.len > 0 && p.frame.data + p.frame.len == data + size);
        TG_ASSERT(p.picture_id >= -1 && p.picture_id < 1 << 15 && p.temporal_id < 4);
        if (tg_vp8_info_parse(&info, p.frame) == TG_OK)
            TG_ASSERT(info.key == (info.width != 0) && info.key == (info.height != 0));
    }
    pack_and_join(rest, 64U + data[0]);
    return 0;
}
