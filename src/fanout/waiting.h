/*
 * waiting.h - the waiting room: a bounded first-in-first-out line of tickets.
 *
 * Pure; time and randomness are arguments. Owner: one at a time (fanout/guard.c holds its lock).
 *
 * Who waits asks again and again with a ticket and keeps the place; who is not seen for three times
 * the pause that was told falls out. A place is a number that counts up; its slot in a ring is
 * found through the ticket, which holds the number's low bits. Positions are exact: a Fenwick tree
 * counts who still waits in front. Everything is O(log n) or better, and nothing is allocated after
 * new.
 *
 *   ticket   4 bytes of place | 12 random bytes, as base64url: 96 bits that nobody can guess
 */
#ifndef TG_FANOUT_WAITING_H
#define TG_FANOUT_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"
#include "base/rng.h"
#include "msg/rtc.h"

struct tg_waiting;

/* Room for max <= TG_WAITING_MAX, 0 is legal (then nobody can wait). Errors: NOMEM, LIMIT. */
TG_MUST_CHECK tg_err tg_waiting_new(struct tg_waiting **ret, size_t max);
/* NULL is legal. */
void tg_waiting_free(struct tg_waiting *w);

/* Before anything else at this `now`: who was not seen in time falls out. */
void tg_waiting_expire(struct tg_waiting *w, tg_us now);
/*
 * A new place at the end, and its ticket; tg_waiting_seen must follow. False: the room is full, or
 * its first and last are TG_WAITING_MAX places apart.
 */
bool tg_waiting_push(struct tg_waiting *w, struct tg_rng *rng, char ret_ticket[TG_RTC_TICKET_SIZE],
                     uint64_t *ret_place);
/* False: never was, or fell out. Any text is legal. */
bool tg_waiting_find(const struct tg_waiting *w, const char *ticket, uint64_t *ret_place);
/* 1 = the first. The place must be one that waits. */
uint32_t tg_waiting_position(const struct tg_waiting *w, uint64_t place);
/* The place keeps until now + 3 * retry_s (rounded up to a second). retry_s: 1..40. */
void tg_waiting_seen(struct tg_waiting *w, tg_us now, uint64_t place, unsigned retry_s);
/* It was admitted, or fell out. */
void tg_waiting_remove(struct tg_waiting *w, uint64_t place);
/*
 * The admission failed after all: back to the old place. False: others have taken its slot
 * meanwhile. tg_waiting_seen must follow.
 */
bool tg_waiting_restore(struct tg_waiting *w, uint64_t place);
/* The ticket of a place that waits. */
void tg_waiting_ticket(const struct tg_waiting *w, uint64_t place,
                       char ret_ticket[TG_RTC_TICKET_SIZE]);
uint32_t tg_waiting_count(const struct tg_waiting *w);

#endif
