/*
 * reorder.h - packets of one medium by sequence number: what came, what is missing and since when.
 *
 * Pure. Owner: one rx_stream. Fixed slots, taken once; numbers are unwrapped (tg_seq_unwrap).
 *
 *     next                     highest
 *      v                          v
 *     |P|P|-|P|-|-|P|P|P|P|-|P|P|P|         P packet, - missing; next .. next + size - 1 fit
 */
#ifndef TG_RTC_REORDER_H
#define TG_RTC_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"

enum tg_reorder_flag {
    TG_REORDER_MARKER = 1 << 0,
    TG_REORDER_START = 1 << 1,   /* a frame certainly begins here */
    TG_REORDER_KEY = 1 << 2,     /* belongs to a keyframe */
    TG_REORDER_PADDING = 1 << 3, /* no payload: only takes a number */
};

enum tg_reorder_state { TG_REORDER_EMPTY, TG_REORDER_MISSING, TG_REORDER_PACKET };

struct tg_reorder_slot {
    tg_us at; /* PACKET: when it came; MISSING: when a later one came */
    uint32_t ts;
    uint16_t len;
    uint8_t flags; /* enum tg_reorder_flag */
    uint8_t state; /* enum tg_reorder_state */
};

struct tg_reorder {
    size_t size;
    uint64_t next;    /* all below left or were given up */
    uint64_t highest; /* of those that came; next - 1 = nothing is held */
    struct tg_reorder_slot *slots;
    uint8_t *bytes;
};

/* size: a power of two. Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_reorder_init(struct tg_reorder *q, size_t size);
void tg_reorder_done(struct tg_reorder *q);
/* Empty; seq > 0 is the first number expected. */
void tg_reorder_start(struct tg_reorder *q, uint64_t seq);
/* The first number is an earlier one after all: seq < next, and all of it fits. */
void tg_reorder_rewind(struct tg_reorder *q, tg_us now, uint64_t seq);

static inline bool tg_reorder_fits(const struct tg_reorder *q, uint64_t seq)
{
    return seq >= q->next && seq - q->next < q->size;
}
/*
 * One packet that fits, payload <= TG_UDP_PACKET_MAX; `slot` gives at, ts and flags. What it was
 * before: EMPTY (newer than all others; *ret_missing numbers were jumped over), MISSING (a repair),
 * PACKET (a duplicate: nothing changed).
 */
enum tg_reorder_state tg_reorder_put(struct tg_reorder *q, uint64_t seq,
                                     const struct tg_reorder_slot *slot, struct tg_span payload,
                                     uint64_t *ret_missing);
/* The packet with that number, NULL = not held. */
const struct tg_reorder_slot *tg_reorder_at(const struct tg_reorder *q, uint64_t seq);
/* Since when it is known to be missing; -1 = it is not. */
tg_us tg_reorder_missing_since(const struct tg_reorder *q, uint64_t seq);
/* Of a held packet; stays until the next put, also when it was dropped meanwhile. */
struct tg_span tg_reorder_payload(const struct tg_reorder *q, uint64_t seq);
/* Next becomes seq >= next. */
void tg_reorder_drop(struct tg_reorder *q, uint64_t seq);

#endif
