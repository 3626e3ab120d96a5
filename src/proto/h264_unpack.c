#include "proto/h264_unpack.h"

#include "proto/h264.h"

enum { LENGTH_LEN = 4, FU_START = 0x80, FU_END = 0x40, SINGLE_LAST = 23 };

void tg_h264_unpack_init(struct tg_h264_unpack *u, size_t size_max)
{
    *u = (struct tg_h264_unpack){0};
    tg_buf_init(&u->au, size_max);
}

void tg_h264_unpack_done(struct tg_h264_unpack *u)
{
    tg_buf_done(&u->au);
}

void tg_h264_unpack_begin(struct tg_h264_unpack *u)
{
    tg_buf_clear(&u->au);
    u->key = false;
    u->open = false;
    u->nal_count = 0;
}

/* A unit begins; its length is filled in when it is known. */
static void unit_open(struct tg_h264_unpack *u, uint8_t head)
{
    static const uint8_t no_length[LENGTH_LEN];

    u->length_at = u->au.len;
    tg_buf_add(&u->au, no_length, sizeof(no_length));
    tg_buf_add(&u->au, &head, 1);
    u->open = true;
    u->nal_count++;
    u->key = u->key || (head & 0x1fU) == TG_H264_IDR;
}

static tg_err unit_close(struct tg_h264_unpack *u)
{
    u->open = false;
    if (u->au.err != TG_OK)
        return u->au.err;
    struct tg_wr w = tg_wr(u->au.data + u->length_at, LENGTH_LEN);

    tg_wr_u32(&w, (uint32_t)(u->au.len - u->length_at - LENGTH_LEN)); /* fits: below size_max */
    return u->nal_count > TG_H264_NALS_MAX ? TG_ERR_LIMIT : TG_OK;
}

static tg_err unit_add(struct tg_h264_unpack *u, struct tg_span nal)
{
    const unsigned type = tg_h264_type(nal);
    struct tg_rd r = tg_rd(nal.data, nal.len);
    uint8_t head = tg_rd_u8(&r);

    if (u->open || type == 0 || type > SINGLE_LAST)
        return TG_ERR_MALFORMED;
    unit_open(u, head);
    struct tg_span body = tg_rd_span(&r, tg_rd_left(&r));

    tg_buf_add(&u->au, body.data, body.len);
    return unit_close(u);
}

/* RFC 6184 s5.7.1: size, unit, size, unit, ... */
static tg_err stap_add(struct tg_h264_unpack *u, struct tg_rd r)
{
    if (tg_rd_left(&r) == 0)
        return TG_ERR_MALFORMED;
    while (tg_rd_left(&r) > 0) {
        uint16_t len = tg_rd_u16(&r);
        struct tg_span nal = tg_rd_span(&r, len);

        if (r.bad || nal.len == 0)
            return TG_ERR_MALFORMED;
        tg_err err = unit_add(u, nal);

        if (err != TG_OK)
            return err;
    }
    return TG_OK;
}

/* RFC 6184 s5.8: the unit's header travels split over FU indicator and FU header. */
static tg_err fu_add(struct tg_h264_unpack *u, uint8_t indicator, struct tg_rd r)
{
    uint8_t fu = tg_rd_u8(&r);
    const unsigned type = fu & 0x1fU;
    const bool start = (fu & FU_START) != 0;

    /* Start and end in one would be a single unit (s5.8: MUST NOT). */
    if (r.bad || tg_rd_left(&r) == 0 || type == 0 || type > SINGLE_LAST || start == u->open ||
        (start && (fu & FU_END) != 0))
        return TG_ERR_MALFORMED;
    if (start)
        unit_open(u, (uint8_t)((indicator & 0xe0U) | type));
    struct tg_span body = tg_rd_span(&r, tg_rd_left(&r));

    tg_buf_add(&u->au, body.data, body.len);
    if ((fu & FU_END) != 0)
        return unit_close(u);
    return u->au.err;
}

tg_err tg_h264_unpack_add(struct tg_h264_unpack *u, struct tg_span payload)
{
    struct tg_rd r = tg_rd(payload.data, payload.len);
    uint8_t head = tg_rd_u8(&r);
    const unsigned type = head & 0x1fU;

    if (r.bad)
        return TG_ERR_MALFORMED;
    if (type == TG_H264_FU_A)
        return fu_add(u, head, r);
    if (type == TG_H264_STAP_A)
        return stap_add(u, r);
    return type > SINGLE_LAST ? TG_ERR_UNSUPPORTED : unit_add(u, payload);
}

tg_err tg_h264_unpack_end(struct tg_h264_unpack *u, struct tg_span *ret_au)
{
    if (u->au.err != TG_OK)
        return u->au.err;
    if (u->open || u->nal_count == 0)
        return TG_ERR_MALFORMED;
    *ret_au = tg_span(u->au.data, u->au.len);
    return TG_OK;
}

static bool opens(unsigned type)
{
    return type == TG_H264_AUD || type == TG_H264_SPS;
}

static struct tg_h264_peek stap_peek(struct tg_rd r)
{
    struct tg_h264_peek out = {0};

    for (bool first = true; tg_rd_left(&r) > 0; first = false) {
        uint16_t len = tg_rd_u16(&r);
        struct tg_span nal = tg_rd_span(&r, len);

        if (r.bad)
            break;
        out.start = out.start || (first && opens(tg_h264_type(nal)));
        out.key = out.key || tg_h264_type(nal) == TG_H264_IDR;
    }
    return out;
}

struct tg_h264_peek tg_h264_peek(struct tg_span payload)
{
    struct tg_rd r = tg_rd(payload.data, payload.len);
    unsigned type = tg_rd_u8(&r) & 0x1fU;
    bool whole = true;

    if (type == TG_H264_STAP_A)
        return stap_peek(r);
    if (type == TG_H264_FU_A) {
        uint8_t fu = tg_rd_u8(&r);

        whole = (fu & FU_START) != 0;
        type = fu & 0x1fU;
    }
    return (struct tg_h264_peek){.start = whole && opens(type), .key = type == TG_H264_IDR};
}
