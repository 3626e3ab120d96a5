#include "proto/rtp.h"

enum tg_mux tg_mux_kind(const void *datagram, size_t len)
{
    struct tg_rd r = tg_rd(datagram, len);
    uint8_t first = tg_rd_u8(&r);
    uint8_t second = tg_rd_u8(&r);

    if (r.bad)
        return TG_MUX_UNKNOWN;
    if (first <= 3)
        return TG_MUX_STUN;
    if (first >= 20 && first <= 63)
        return TG_MUX_DTLS;
    if (first < 128 || first > 191)
        return TG_MUX_UNKNOWN;
    second &= 0x7f;
    return second >= 64 && second <= 95 ? TG_MUX_RTCP : TG_MUX_RTP;
}

static tg_err ext_parse(struct tg_rtp *p, struct tg_rd *r)
{
    p->ext_profile = tg_rd_u16(r);
    uint16_t words = tg_rd_u16(r);

    p->ext = tg_rd_span(r, (size_t)words * 4);
    p->has_ext = true;
    return r->bad ? TG_ERR_TRUNCATED : TG_OK;
}

/* The last byte of a padded packet counts the padding, itself included (RFC 3550 s5.1). */
static tg_err padding_strip(struct tg_rtp *p)
{
    if (p->payload.len == 0)
        return TG_ERR_MALFORMED;
    p->padding = p->payload.data[p->payload.len - 1];
    if (p->padding == 0 || p->padding > p->payload.len)
        return TG_ERR_MALFORMED;
    p->payload.len -= p->padding;
    return TG_OK;
}

tg_err tg_rtp_parse(struct tg_rtp *ret, const void *data, size_t len)
{
    struct tg_rd r = tg_rd(data, len);
    struct tg_rtp p = {0};
    uint8_t first = tg_rd_u8(&r);
    uint8_t second = tg_rd_u8(&r);

    p.seq = tg_rd_u16(&r);
    p.ts = tg_rd_u32(&r);
    p.ssrc = tg_rd_u32(&r);
    if (r.bad)
        return TG_ERR_TRUNCATED;
    if (first >> 6 != 2)
        return TG_ERR_MALFORMED;
    p.csrc_count = first & 15;
    p.marker = (second & 0x80) != 0;
    p.pt = second & 0x7f;
    tg_rd_skip(&r, (size_t)p.csrc_count * 4);
    if (r.bad || ((first & 0x10) != 0 && ext_parse(&p, &r) != TG_OK))
        return TG_ERR_TRUNCATED;
    p.header_len = len - tg_rd_left(&r);
    p.payload = tg_rd_span(&r, tg_rd_left(&r));
    if ((first & 0x20) != 0 && padding_strip(&p) != TG_OK)
        return TG_ERR_MALFORMED;
    *ret = p;
    return TG_OK;
}

static bool ext_next_one_byte(struct tg_rd *r, struct tg_rtp_ext *ret)
{
    while (tg_rd_left(r) > 0) {
        uint8_t head = tg_rd_u8(r);
        uint8_t id = head >> 4;
        uint8_t len = (uint8_t)((head & 15) + 1);

        if (head == 0)
            continue; /* padding */
        if (id == 15)
            break; /* RFC 8285 s4.2: stop here, what follows is unknown */
        struct tg_span data = tg_rd_span(r, len);

        if (r->bad)
            return false;
        if (id == 0)
            continue; /* id 0 with a length: ignored with its data */
        *ret = (struct tg_rtp_ext){.id = id, .len = len, .data = data.data};
        return true;
    }
    tg_rd_skip(r, tg_rd_left(r));
    return false;
}

static bool ext_next_two_byte(struct tg_rd *r, struct tg_rtp_ext *ret)
{
    while (tg_rd_left(r) > 0) {
        uint8_t id = tg_rd_u8(r);

        if (id == 0)
            continue; /* padding */
        uint8_t len = tg_rd_u8(r);
        struct tg_span data = tg_rd_span(r, len);

        if (r->bad)
            return false;
        *ret = (struct tg_rtp_ext){.id = id, .len = len, .data = data.data};
        return true;
    }
    return false;
}

bool tg_rtp_ext_next(uint16_t ext_profile, struct tg_rd *r, struct tg_rtp_ext *ret)
{
    if (r->bad)
        return false;
    if (ext_profile == TG_RTP_EXT_ONE_BYTE)
        return ext_next_one_byte(r, ret);
    if ((ext_profile & 0xfff0) == TG_RTP_EXT_TWO_BYTE)
        return ext_next_two_byte(r, ret);
    return false;
}

bool tg_rtp_ext_find(const struct tg_rtp *rtp, uint8_t id, struct tg_rtp_ext *ret)
{
    struct tg_rd r = tg_rd(rtp->ext.data, rtp->ext.len);
    struct tg_rtp_ext ext;

    if (!rtp->has_ext)
        return false;
    while (tg_rtp_ext_next(rtp->ext_profile, &r, &ext)) {
        if (ext.id == id) {
            *ret = ext;
            return true;
        }
    }
    return false;
}

static void exts_write(struct tg_wr *w, const struct tg_rtp_ext *exts, size_t ext_count)
{
    size_t total = 0;

    for (size_t i = 0; i < ext_count; i++) {
        if (exts[i].id < 1 || exts[i].id > 14 || exts[i].len < 1 || exts[i].len > 16) {
            w->bad = true;
            return;
        }
        total += 1U + exts[i].len;
    }
    tg_wr_u16(w, TG_RTP_EXT_ONE_BYTE);
    tg_wr_u16(w, (uint16_t)((total + 3) / 4));
    for (size_t i = 0; i < ext_count; i++) {
        tg_wr_u8(w, (uint8_t)(exts[i].id << 4 | (exts[i].len - 1)));
        tg_wr_bytes(w, exts[i].data, exts[i].len);
    }
    for (; total % 4 != 0; total++)
        tg_wr_u8(w, 0);
}

void tg_rtp_write_header(struct tg_wr *w, const struct tg_rtp *rtp, const struct tg_rtp_ext *exts,
                         size_t ext_count)
{
    if (ext_count > TG_RTP_EXT_MAX || rtp->pt > 127) {
        w->bad = true;
        return;
    }
    tg_wr_u8(w, ext_count > 0 ? 0x90 : 0x80);
    tg_wr_u8(w, (uint8_t)((rtp->marker ? 0x80 : 0) | rtp->pt));
    tg_wr_u16(w, rtp->seq);
    tg_wr_u32(w, rtp->ts);
    tg_wr_u32(w, rtp->ssrc);
    if (ext_count > 0)
        exts_write(w, exts, ext_count);
}

void tg_playout_delay_write(uint8_t out[TG_PLAYOUT_DELAY_LEN], unsigned min_10ms, unsigned max_10ms)
{
    struct tg_wr w = tg_wr(out, TG_PLAYOUT_DELAY_LEN);

    tg_wr_u24(&w, (min_10ms & 0xfff) << 12 | (max_10ms & 0xfff));
}

void tg_abs_capture_time_write(uint8_t out[TG_ABS_CAPTURE_TIME_LEN], uint64_t ntp)
{
    struct tg_wr w = tg_wr(out, TG_ABS_CAPTURE_TIME_LEN);

    tg_wr_u64(&w, ntp);
}
