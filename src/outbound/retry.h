/*
 * retry.h - when a message is tried again, and what of an endpoint's answer may be kept. Pure.
 */
#ifndef TG_OUTBOUND_RETRY_H
#define TG_OUTBOUND_RETRY_H

#include <stddef.h>

#include "base/macros.h"
#include "base/rng.h"

/*
 * Wait after failed attempt number `failed` (1, 2 ...) of one message: 5 s, 30 s, 2 min ... 10 h,
 * each 20 % more or less so that what failed together does not come back together. -1 = that was
 * the last one; with all waits a message is tried for about three days.
 */
tg_us tg_retry_wait(unsigned failed, struct tg_rng *rng);
/* Attempts in all. */
unsigned tg_retry_attempts(void);
/* Sum of the waits, without jitter. */
tg_us tg_retry_span(void);

/* Wait of a whole endpoint after `failures` failures in a row: 1 s doubling to 5 min, with jitter.
 */
tg_us tg_retry_pause(unsigned failures, struct tg_rng *rng);

/*
 * The first bytes of an answer as a log may keep them: one line of printable ASCII; words with an
 * @ or with six digits or more (addresses, phone and card numbers) become "...".
 */
void tg_answer_excerpt(char *out, size_t size, const void *data, size_t len);

#endif
