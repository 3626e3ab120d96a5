/*
 * nack.h - decide which lost RTP packets to ask for again, and when.
 *
 * Pure. Spec: RFC 4585 s6.2.1. Owner: one a received medium. Numbers are the unwrapped sequence
 * numbers (tg_seq_unwrap), so nothing wraps here.
 *
 *   a later packet shows a hole --> 3 later ones or 8 ms: asked --> 1.25 round trips: asked again
 *                                   (a packet overtaken by its neighbours is no loss)
 */
#ifndef TG_PROTO_NACK_H
#define TG_PROTO_NACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/macros.h"

struct tg_nack_entry {
    uint64_t seq;
    tg_us due;
    tg_us asked_first; /* times of the first and the last request */
    tg_us asked_last;
    uint8_t tries;
    uint8_t later; /* packets that came after it */
};

struct tg_nack {
    tg_us rtt_us; /* set by the owner whenever it knows better; > 0 */
    bool started; /* private from here */
    uint64_t highest;
    tg_us due; /* no entry is due before; may be too early */
    size_t count;
    struct tg_nack_entry entries[TG_NACK_PENDING_MAX]; /* ascending by seq */
};

/* Empty; also forgets everything. */
void tg_nack_init(struct tg_nack *n, tg_us rtt_us);
/*
 * That packet came, by whatever way. Numbers jumped over become pending; when there are too many
 * the oldest are not asked for. The result is what the packet tells about the round trip: the time
 * since it was asked for, or -1 when it was not, or when one cannot tell which request it answers.
 */
tg_us tg_nack_input(struct tg_nack *n, tg_us now, uint64_t seq);
/* Nothing below seq is wanted any more. */
void tg_nack_forget(struct tg_nack *n, uint64_t seq);
/*
 * Up to max numbers to ask for now, ascending, fit for tg_rtcp_write_nack. Call until 0 after input
 * and at the deadline. A packet is asked for at most TG_NACK_TRIES_MAX times.
 */
size_t tg_nack_poll(struct tg_nack *n, tg_us now, uint16_t *ret_seqs, size_t max);
/* When to poll next, TG_US_NEVER = nothing pending. */
tg_us tg_nack_deadline(const struct tg_nack *n);

#endif
