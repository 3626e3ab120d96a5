/* Transport-wide congestion control feedback: draft-holmer-rmcat-transport-wide-cc-extensions-01.
 */
#include "proto/rtcp.h"

enum {
    SYMBOL_LOST = 0,
    SYMBOL_SMALL = 1, /* delta of one byte */
    SYMBOL_LARGE = 2, /* delta of two bytes, signed */
    DELTA_US = 250,
    REF_US = 64000,
};

/* Statuses that one chunk describes. */
static uint16_t chunk_count(uint16_t chunk)
{
    if ((chunk & 0x8000) == 0)
        return chunk & 0x1fff; /* run length */
    return (chunk & 0x4000) == 0 ? 14 : 7;
}

/* Symbol of a chunk when `left` of its statuses are not read yet, left >= 1. */
static unsigned chunk_symbol(uint16_t chunk, uint16_t left)
{
    if ((chunk & 0x8000) == 0)
        return chunk >> 13 & 3;
    if ((chunk & 0x4000) == 0)
        return chunk >> (left - 1) & 1;
    return chunk >> ((left - 1) * 2) & 3;
}

tg_err tg_twcc_parse(struct tg_twcc *ret, struct tg_span fci)
{
    struct tg_rd r = tg_rd(fci.data, fci.len);
    struct tg_twcc t = {0};

    t.base_seq = tg_rd_u16(&r);
    t.status_count = tg_rd_u16(&r);
    uint32_t ref = tg_rd_u24(&r);

    t.fb_count = tg_rd_u8(&r);
    t.ref_64ms = (ref & 0x800000) != 0 ? (int32_t)ref - 0x1000000 : (int32_t)ref;
    t.time_us = (int64_t)t.ref_64ms * REF_US;
    if (r.bad)
        return TG_ERR_TRUNCATED;
    if (t.status_count == 0)
        return TG_ERR_MALFORMED;
    if (t.status_count > TG_RTCP_TWCC_PACKETS_MAX)
        return TG_ERR_LIMIT;
    struct tg_rd start = r;

    for (uint32_t covered = 0; covered < t.status_count;) {
        uint16_t count = chunk_count(tg_rd_u16(&r));

        if (r.bad)
            return TG_ERR_TRUNCATED;
        if (count == 0)
            return TG_ERR_MALFORMED;
        covered += count;
    }
    t.chunks = tg_rd_sub(&start, tg_rd_left(&start) - tg_rd_left(&r));
    t.deltas = r;
    *ret = t;
    return TG_OK;
}

bool tg_twcc_next(struct tg_twcc *t, struct tg_twcc_status *ret)
{
    if (t->seq_index == t->status_count || t->deltas.bad)
        return false;
    if (t->chunk_left == 0) {
        t->chunk = tg_rd_u16(&t->chunks); /* there is one: parse counted them */
        t->chunk_left = chunk_count(t->chunk);
    }
    unsigned symbol = chunk_symbol(t->chunk, t->chunk_left);
    struct tg_twcc_status out = {.seq = (uint16_t)(t->base_seq + t->seq_index)};

    t->chunk_left--;
    t->seq_index++;
    if (symbol == SYMBOL_SMALL)
        t->time_us += (int64_t)tg_rd_u8(&t->deltas) * DELTA_US;
    else if (symbol == SYMBOL_LARGE)
        t->time_us += (int64_t)(int16_t)tg_rd_u16(&t->deltas) * DELTA_US;
    if (t->deltas.bad)
        return false;
    /* Symbol 3 is reserved: nothing known about that packet, so it counts as lost. */
    out.received = symbol == SYMBOL_SMALL || symbol == SYMBOL_LARGE;
    out.arrival_us = out.received ? t->time_us : 0;
    *ret = out;
    return true;
}
