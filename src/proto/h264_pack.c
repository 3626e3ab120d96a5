/*
 * h264_pack.c - one access unit as RTP payloads (RFC 6184, packetization-mode=1).
 *
 * The same three size functions drive the counting in init and the writing in next, so the two
 * cannot disagree.
 */
#include "proto/h264.h"

#include "base/macros.h"

enum { FU_HEADER_LEN = 2, FU_START = 0x80, FU_END = 0x40, STAP_HEADER_LEN = 1, STAP_LEN_LEN = 2 };

static bool wanted(struct tg_span nal)
{
    unsigned type = tg_h264_type(nal);

    return (type >= TG_H264_SLICE && type <= TG_H264_IDR) || type == TG_H264_SPS ||
           type == TG_H264_PPS;
}

static bool has_type(const struct tg_span *nals, size_t count, unsigned type)
{
    for (size_t i = 0; i < count; i++)
        if (tg_h264_type(nals[i]) == type)
            return true;
    return false;
}

static bool add(struct tg_h264_pack *p, const struct tg_span *nals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (p->nal_count == TG_H264_NALS_MAX)
            return false;
        p->nals[p->nal_count++] = nals[i];
    }
    return true;
}

/* The units to send in order: missing SPS first, missing PPS right before the first IDR. */
static tg_err collect(struct tg_h264_pack *p, const struct tg_span *nals, size_t count,
                      const struct tg_avcc *params)
{
    bool put_sps = p->key && params != NULL && !has_type(nals, count, TG_H264_SPS);
    bool put_pps = p->key && params != NULL && !has_type(nals, count, TG_H264_PPS);

    if (put_sps && !add(p, params->sps, params->sps_count))
        return TG_ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        if (!wanted(nals[i]))
            continue;
        if (put_pps && tg_h264_type(nals[i]) == TG_H264_IDR) {
            put_pps = false;
            if (!add(p, params->pps, params->pps_count))
                return TG_ERR_LIMIT;
        }
        if (!add(p, &nals[i], 1))
            return TG_ERR_LIMIT;
    }
    return TG_OK;
}

/* How many units from `at` on go into one STAP-A; below 2 it is not worth one. */
static size_t stap_units(const struct tg_h264_pack *p, size_t at, size_t *ret_bytes)
{
    size_t bytes = STAP_HEADER_LEN;
    size_t units = 0;

    while (at + units < p->nal_count) {
        size_t more = STAP_LEN_LEN + p->nals[at + units].len;

        if (bytes + more > p->payload_max)
            break;
        bytes += more;
        units++;
    }
    *ret_bytes = bytes;
    return units;
}

/* Bytes of the unit (without its header) in each FU-A but the last. */
static size_t fu_size(const struct tg_h264_pack *p, size_t nal_len)
{
    size_t body = nal_len - 1;
    size_t room = p->payload_max - FU_HEADER_LEN;
    size_t count = (body + room - 1) / room;

    return (body + count - 1) / count;
}

tg_err tg_h264_pack_init(struct tg_h264_pack *ret, const struct tg_span *nals, size_t count,
                         const struct tg_avcc *params, size_t payload_max)
{
    tg_err err;

    *ret = (struct tg_h264_pack){.payload_max = payload_max, .key = tg_h264_is_key(nals, count)};
    if (payload_max < TG_H264_PAYLOAD_MIN || payload_max > UINT16_MAX)
        return TG_ERR_LIMIT;
    err = collect(ret, nals, count, params);
    if (err != TG_OK)
        return err;
    for (size_t at = 0; at < ret->nal_count;) {
        size_t len = ret->nals[at].len;
        size_t bytes;
        size_t units = stap_units(ret, at, &bytes);

        if (units >= 2) {
            ret->packet_count++;
            ret->bytes_total += bytes;
            at += units;
            continue;
        }
        if (len <= payload_max) {
            ret->packet_count++;
            ret->bytes_total += len;
        } else {
            size_t size = fu_size(ret, len);
            size_t fragments = (len - 1 + size - 1) / size;

            ret->packet_count += fragments;
            ret->bytes_total += len - 1 + fragments * FU_HEADER_LEN;
        }
        at++;
    }
    return TG_OK;
}

/* RFC 6184 s5.7.1: F is the OR, NRI the maximum of the aggregated units' values. */
static void write_stap(struct tg_h264_pack *p, struct tg_wr *w, size_t units)
{
    unsigned forbidden = 0;
    unsigned nri = 0;

    for (size_t i = 0; i < units; i++) {
        unsigned head = p->nals[p->nal_at + i].data[0];

        forbidden |= head & 0x80U;
        nri = TG_MAX(nri, head & 0x60U);
    }
    tg_wr_u8(w, (uint8_t)(forbidden | nri | TG_H264_STAP_A));
    for (size_t i = 0; i < units; i++) {
        struct tg_span nal = p->nals[p->nal_at + i];

        tg_wr_u16(w, (uint16_t)nal.len); /* fits: below payload_max <= 65535 */
        tg_wr_bytes(w, nal.data, nal.len);
    }
    p->nal_at += units;
}

/* RFC 6184 s5.8: the unit's header byte travels split over FU indicator and FU header. */
static void write_fu(struct tg_h264_pack *p, struct tg_wr *w)
{
    struct tg_span nal = p->nals[p->nal_at];
    size_t size = fu_size(p, nal.len);
    size_t left = nal.len - 1 - p->byte_at;
    size_t take = TG_MIN(size, left);
    struct tg_rd r = tg_rd(nal.data, nal.len);
    unsigned head = tg_rd_u8(&r);
    unsigned mark = (p->byte_at == 0 ? FU_START : 0U) | (take == left ? FU_END : 0U);

    tg_rd_skip(&r, p->byte_at);
    tg_wr_u8(w, (uint8_t)((head & 0xe0U) | TG_H264_FU_A));
    tg_wr_u8(w, (uint8_t)(mark | (head & 0x1fU)));
    tg_wr_bytes(w, tg_rd_span(&r, take).data, take);
    p->byte_at += take;
    if (take == left) {
        p->byte_at = 0;
        p->nal_at++;
    }
}

bool tg_h264_pack_next(struct tg_h264_pack *pack, struct tg_wr *w, bool *ret_marker)
{
    size_t bytes;
    size_t units;

    if (pack->nal_at >= pack->nal_count)
        return false;
    units = pack->byte_at > 0 ? 0 : stap_units(pack, pack->nal_at, &bytes);
    if (units >= 2) {
        write_stap(pack, w, units);
    } else if (pack->nals[pack->nal_at].len <= pack->payload_max) {
        tg_wr_bytes(w, pack->nals[pack->nal_at].data, pack->nals[pack->nal_at].len);
        pack->nal_at++;
    } else {
        write_fu(pack, w);
    }
    *ret_marker = pack->nal_at == pack->nal_count;
    return true;
}
