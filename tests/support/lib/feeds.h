/*
 * feeds.h - catalogue files as shops have them, made from a seed: Nordic titles, several variants a
 * product, pictures, categories, sales; and, on demand, every kind of fault that imports must name.
 */
#ifndef TESTS_SUPPORT_FEEDS_H
#define TESTS_SUPPORT_FEEDS_H

#include "base/buf.h"
#include "feed/feed.h"

struct tg_feeds_cfg {
    enum tg_feed_format format;
    uint64_t seed;
    uint32_t variants; /* at least so many good ones */
    uint32_t faulty;   /* one row in so many is at fault; 0 = none */
};

struct tg_feeds_made {
    uint32_t products;
    uint32_t variants; /* good ones */
    uint32_t faults;   /* rows at fault */
};

/* Appends the file; out's maximum must be large enough (about 700 bytes a variant). */
void tg_feeds_make(struct tg_buf *out, const struct tg_feeds_cfg *cfg, struct tg_feeds_made *ret);

#endif
