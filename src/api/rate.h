/*
 * rate.h - token buckets in a bounded table (GCRA: a bucket is one time). Pure.
 *
 * A bucket's key is whatever is limited (an address, a person) together with what is limited. The
 * table is set-associative: when a set is full, the bucket nearest to full is forgotten, which only
 * ever errs in the client's favour. Owner: one web worker, so the limits hold per worker.
 */
#ifndef TG_API_RATE_H
#define TG_API_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/rng.h"

struct tg_rate_rule {
    uint32_t per_min; /* sustained, > 0 */
    uint32_t burst;   /* at once, > 0 */
};

/* One bucket by itself: zero-initialised = full. True: taken. False: *ret_wait_ms until the next
 * one. */
bool tg_rate_take_one(tg_us *bucket, tg_us now, const struct tg_rate_rule *rule,
                      uint32_t *ret_wait_ms);

struct tg_rate;
/* entries is rounded up to a power of two. Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_rate_new(struct tg_rate **ret, size_t entries, struct tg_rng *rng);
void tg_rate_free(struct tg_rate *rate);
bool tg_rate_take(struct tg_rate *rate, tg_us now, const void *key, size_t key_len, unsigned what,
                  const struct tg_rate_rule *rule, uint32_t *ret_wait_ms);
/* An address's key: IPv4 whole, IPv6 the first 64 bits (one subscriber). Length 16. */
void tg_rate_addr_key(uint8_t out[16], const struct tg_addr *addr);

#endif
