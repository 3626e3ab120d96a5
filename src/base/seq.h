/*
 * seq.h - comparing RTP sequence numbers and timestamps that wrap (RFC 1982 arithmetic).
 */
#ifndef TG_BASE_SEQ_H
#define TG_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* Signed distance from b to a: > 0 when a is newer. Exactly half the space counts as older. */
static inline int tg_seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}

static inline bool tg_seq_newer(uint16_t a, uint16_t b)
{
    return tg_seq_diff(a, b) > 0;
}

static inline int32_t tg_ts_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

/* The full 64-bit number nearest to `ref` whose low 16 bits are `seq`; never below 0. */
static inline uint64_t tg_seq_unwrap(uint64_t ref, uint16_t seq)
{
    int delta = tg_seq_diff(seq, (uint16_t)ref);

    if (delta < 0 && ref < (uint64_t)-delta)
        return seq;
    return ref + (uint64_t)(int64_t)delta;
}

#endif
