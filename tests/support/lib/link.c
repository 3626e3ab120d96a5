/*
 * link.c - see link.h.
 */
#include "support/lib/link.h"

#include <string.h>

#include "base/alloc.h"

void link_init(struct link *l, const struct link_cfg *cfg)
{
    memset(l, 0, sizeof(*l));
    l->cfg = *cfg;
    l->rng = tg_rng_seeded(cfg->seed);
}

void link_done(struct link *l)
{
    struct link_packet *packet;

    while ((packet = link_pop(l, TG_US_NEVER)) != NULL)
        link_packet_free(packet);
    tg_heap_done(&l->heap);
}

/* Always draws, so that one chance does not shift the others. */
static bool chance(struct link *l, double probability)
{
    double drawn = (double)(tg_rng_u64(&l->rng) >> 11) / 9007199254740992.0; /* 2^53 */

    return drawn < probability;
}

static void schedule(struct link *l, tg_us at, uint32_t tag, const void *bytes, size_t len)
{
    struct link_packet *packet;

    if (l->under_way >= LINK_PACKETS_MAX) {
        l->stats.queue_drops++;
        return;
    }
    packet = tg_calloc(1, sizeof(*packet) + len);
    if (packet == NULL) {
        l->stats.lost++;
        return;
    }
    packet->tag = tag;
    packet->len = len;
    if (len > 0)
        memcpy(packet->bytes, bytes, len);
    if (tg_heap_set(&l->heap, &packet->node, at) != TG_OK) {
        tg_free(packet);
        l->stats.lost++;
        return;
    }
    l->under_way++;
}

/* When the line has sent the packet; false = the queue in front of it is full. */
static bool through_line(struct link *l, tg_us now, size_t len, tg_us *ret_at)
{
    tg_us begin = TG_MAX(now, l->line_free);

    *ret_at = now;
    if (l->cfg.rate_kbit == 0)
        return true;
    if (begin - now > LINK_QUEUE_US_MAX)
        return false;
    l->line_free = begin + (tg_us)((uint64_t)len * 8000 / l->cfg.rate_kbit);
    *ret_at = l->line_free;
    return true;
}

void link_push(struct link *l, tg_us now, uint32_t tag, const void *bytes, size_t len)
{
    bool lose = chance(l, l->cfg.loss);
    bool reorder = chance(l, l->cfg.reorder);
    bool dup = chance(l, l->cfg.dup);
    uint64_t jitter = tg_rng_below(&l->rng, (uint64_t)l->cfg.jitter_us + 1);
    tg_us at;

    l->stats.in++;
    if (lose || len > LINK_PACKET_MAX) {
        l->stats.lost++;
        return;
    }
    if (!through_line(l, now, len, &at)) {
        l->stats.queue_drops++;
        return;
    }
    at += l->cfg.delay_us + (tg_us)jitter;
    if (reorder) {
        l->stats.reordered++;
        at += LINK_REORDER_US;
    } else {
        /* One microsecond apart: equal deadlines leave the heap in any order. */
        at = TG_MAX(at, l->last_due + 1);
        l->last_due = at;
    }
    schedule(l, at, tag, bytes, len);
    if (dup) {
        l->stats.duplicated++;
        schedule(l, at + 1, tag, bytes, len);
        l->last_due = TG_MAX(l->last_due, at + 1);
    }
}

struct link_packet *link_pop(struct link *l, tg_us now)
{
    struct tg_heap_node *node = tg_heap_pop_due(&l->heap, now);

    if (node == NULL)
        return NULL;
    l->under_way--;
    l->stats.out++;
    return TG_CONTAINER_OF(node, struct link_packet, node);
}

void link_packet_free(struct link_packet *packet)
{
    tg_free(packet);
}

tg_us link_deadline(const struct link *l)
{
    return tg_heap_deadline(&l->heap);
}
