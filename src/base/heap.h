/*
 * heap.h - a binary min-heap of deadlines, intrusive: the node lives in the object that waits.
 *
 * Equal deadlines come out in no promised order. Owner: one thread.
 */
#ifndef TG_BASE_HEAP_H
#define TG_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

struct tg_heap_node {
    tg_us at;     /* the deadline */
    size_t place; /* position + 1 in the heap; 0 = not in it */
};

struct tg_heap {
    struct tg_heap_node **nodes;
    size_t count;
    size_t cap;
};

void tg_heap_done(struct tg_heap *heap);
/* Put in, or move when already in. Errors: NOMEM (only when not in yet; unchanged then). */
TG_MUST_CHECK tg_err tg_heap_set(struct tg_heap *heap, struct tg_heap_node *node, tg_us at);
/* Not being in is legal. */
void tg_heap_remove(struct tg_heap *heap, struct tg_heap_node *node);
/* Earliest deadline, TG_US_NEVER when empty. */
tg_us tg_heap_deadline(const struct tg_heap *heap);
/* Take the earliest node when its deadline is <= now; NULL = none due. */
struct tg_heap_node *tg_heap_pop_due(struct tg_heap *heap, tg_us now);

#endif
