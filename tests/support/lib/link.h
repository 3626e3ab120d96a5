/*
 * link.h - one direction of a bad network, as a value: seeded loss, delay, jitter, reordering,
 * duplicates and a rate limit. Sans-IO, so that it serves the UDP relay and simulations alike; the
 * same seed and input give the same output.
 */
#ifndef TESTS_SUPPORT_LINK_H
#define TESTS_SUPPORT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/macros.h"
#include "base/rng.h"

enum {
    LINK_PACKET_MAX = 2048,
    LINK_PACKETS_MAX = 65536,               /* under way at once */
    LINK_QUEUE_US_MAX = 500 * TG_US_PER_MS, /* waiting for the rate limit: then tail drop */
    LINK_REORDER_US = 15 * TG_US_PER_MS     /* a reordered packet comes that much later */
};

struct link_cfg {
    double loss;    /* 0..1, each packet by itself */
    double reorder; /* 0..1: held back so that later ones overtake it */
    double dup;     /* 0..1: comes twice */
    tg_us delay_us;
    tg_us jitter_us;    /* added uniformly from 0 on; does not reorder */
    uint32_t rate_kbit; /* 0 = no limit */
    uint64_t seed;
};

struct link_packet {
    struct tg_heap_node node; /* when it arrives */
    uint32_t tag;             /* the caller's */
    size_t len;
    uint8_t bytes[];
};

struct link_stats {
    uint64_t in;
    uint64_t out;
    uint64_t lost;
    uint64_t queue_drops; /* by the rate limit */
    uint64_t duplicated;
    uint64_t reordered;
};

struct link {
    struct link_cfg cfg;
    struct tg_rng rng;
    struct tg_heap heap;
    size_t under_way;
    tg_us line_free; /* when the rate limit lets the next packet begin */
    tg_us last_due;  /* order is kept but for reordered packets */
    struct link_stats stats;
};

void link_init(struct link *l, const struct link_cfg *cfg);
void link_done(struct link *l);
/* One packet enters at `now`. Packets too long, or too many, are lost. */
void link_push(struct link *l, tg_us now, uint32_t tag, const void *bytes, size_t len);
/* The next packet that has arrived by now; NULL = none. Free with link_packet_free. */
struct link_packet *link_pop(struct link *l, tg_us now);
void link_packet_free(struct link_packet *packet);
/* When the next one arrives; TG_US_NEVER = nothing under way. */
tg_us link_deadline(const struct link *l);

#endif
