/*
 * bucket.h - a token bucket in one number (the "generic cell rate algorithm" of ITU-T I.371).
 *
 * `used_until_ms` is when the bucket will be full again. A cost of n tokens moves it n intervals
 * ahead; it may not lie further ahead than the burst. Zero-initialised = full. Pure.
 */
#ifndef TG_SHOW_BUCKET_H
#define TG_SHOW_BUCKET_H

#include <stdint.h>

#include "base/macros.h"

struct tg_bucket {
    int64_t used_until_ms;
};

struct tg_bucket_rule {
    int64_t interval_ms; /* one token comes back every interval, > 0 */
    int64_t burst;       /* tokens of a full bucket, > 0 */
};

/* Milliseconds of use that still lie ahead: 0 = full, burst * interval_ms = empty. */
static inline int64_t tg_bucket_used_ms(const struct tg_bucket *b, int64_t now_ms)
{
    return b->used_until_ms > now_ms ? b->used_until_ms - now_ms : 0;
}

/* Takes n tokens and answers 0; or takes nothing and answers the milliseconds to wait for them. */
static inline int64_t tg_bucket_take(struct tg_bucket *b, struct tg_bucket_rule rule,
                                     int64_t now_ms, int64_t n)
{
    int64_t used = tg_bucket_used_ms(b, now_ms) + n * rule.interval_ms;
    int64_t over = used - rule.burst * rule.interval_ms;

    if (over > 0)
        return over;
    b->used_until_ms = now_ms + used;
    return 0;
}

#endif
