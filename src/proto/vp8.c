#include "proto/vp8.h"

enum {
    /* RFC 7741 s4.2: required byte, extension byte, TID byte. */
    DESC_EXTENDED = 0x80,
    DESC_NON_REFERENCE = 0x20,
    DESC_START = 0x10,
    DESC_PID = 0x07,
    EXT_PICTURE_ID = 0x80,
    EXT_TL0PICIDX = 0x40,
    EXT_TID = 0x20,
    EXT_KEYIDX = 0x10,
    PICTURE_ID_LONG = 0x80,
    DESC_LEN = 1, /* as we write it */
    PAYLOAD_MIN = 64,

    /* RFC 6386 s9.1: frame tag, little-endian; then start code and size of a keyframe. */
    TAG_INTER = 1 << 0,
    TAG_SHOW = 1 << 4,
    SIZE_MASK = 0x3fff, /* the two bits above it ask the player to scale */
};

static int32_t read_picture_id(struct tg_rd *r)
{
    unsigned high = tg_rd_u8(r);

    if ((high & PICTURE_ID_LONG) == 0)
        return (int32_t)high;
    return (int32_t)((high & ~(unsigned)PICTURE_ID_LONG) << 8 | tg_rd_u8(r));
}

tg_err tg_vp8_payload_parse(struct tg_vp8_payload *ret, struct tg_span payload)
{
    struct tg_rd r = tg_rd(payload.data, payload.len);
    unsigned first = tg_rd_u8(&r);
    unsigned ext = (first & DESC_EXTENDED) != 0 ? tg_rd_u8(&r) : 0;
    struct tg_vp8_payload p = {.start = (first & DESC_START) != 0 && (first & DESC_PID) == 0,
                               .non_reference = (first & DESC_NON_REFERENCE) != 0,
                               .picture_id = -1};

    if ((ext & EXT_PICTURE_ID) != 0)
        p.picture_id = read_picture_id(&r);
    if ((ext & EXT_TL0PICIDX) != 0)
        tg_rd_skip(&r, 1);
    if ((ext & (EXT_TID | EXT_KEYIDX)) != 0) {
        unsigned tid = tg_rd_u8(&r);

        p.temporal_id = (ext & EXT_TID) != 0 ? (uint8_t)(tid >> 6) : 0;
    }
    if (r.bad)
        return TG_ERR_TRUNCATED;
    if (tg_rd_left(&r) == 0)
        return TG_ERR_MALFORMED;
    p.frame = tg_rd_span(&r, tg_rd_left(&r));
    *ret = p;
    return TG_OK;
}

static uint16_t read_u16le(struct tg_rd *r)
{
    unsigned low = tg_rd_u8(r);

    return (uint16_t)(low | (unsigned)tg_rd_u8(r) << 8);
}

tg_err tg_vp8_info_parse(struct tg_vp8_info *ret, struct tg_span frame)
{
    struct tg_rd r = tg_rd(frame.data, frame.len);
    unsigned tag = tg_rd_u8(&r); /* all flags are in the first byte */
    struct tg_vp8_info info = {.key = (tag & TAG_INTER) == 0, .show = (tag & TAG_SHOW) != 0};
    uint32_t start_code;

    tg_rd_skip(&r, 2); /* the first partition's size is the decoder's business */
    if (r.bad)
        return TG_ERR_TRUNCATED;
    if (info.key) {
        start_code = tg_rd_u24(&r);
        info.width = read_u16le(&r) & SIZE_MASK;
        info.height = read_u16le(&r) & SIZE_MASK;
        if (r.bad)
            return TG_ERR_TRUNCATED;
        if (start_code != 0x9d012a || info.width == 0 || info.height == 0)
            return TG_ERR_MALFORMED;
    }
    *ret = info;
    return TG_OK;
}

tg_err tg_vp8_pack_init(struct tg_vp8_pack *ret, struct tg_span frame, size_t payload_max)
{
    size_t room;
    size_t count;

    TG_ASSERT(frame.len > 0);
    if (payload_max < PAYLOAD_MIN || payload_max > UINT16_MAX)
        return TG_ERR_LIMIT;
    room = payload_max - DESC_LEN;
    count = (frame.len - 1) / room + 1;
    /*
     * Equal pieces: piece <= room, so they are at least `count`; and count pieces of this size hold
     * the frame, so they are at most `count`.
     */
    *ret = (struct tg_vp8_pack){.packet_count = count,
                                .bytes_total = frame.len + count * DESC_LEN,
                                .frame = frame,
                                .piece = (frame.len - 1) / count + 1};
    return TG_OK;
}

bool tg_vp8_pack_next(struct tg_vp8_pack *pack, struct tg_wr *w, bool *ret_marker)
{
    struct tg_rd r = tg_rd(pack->frame.data, pack->frame.len);
    size_t take;

    tg_rd_skip(&r, pack->at);
    if (tg_rd_left(&r) == 0)
        return false;
    take = TG_MIN(pack->piece, tg_rd_left(&r));
    tg_wr_u8(w, pack->at == 0 ? DESC_START : 0);
    tg_wr_bytes(w, tg_rd_span(&r, take).data, take);
    pack->at += take;
    *ret_marker = pack->at == pack->frame.len;
    return true;
}
