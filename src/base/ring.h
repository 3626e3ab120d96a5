/*
 * ring.h - a bounded queue of pointers with one producer thread and one consumer thread. Lock-free.
 *
 * Overflow: push answers false and the producer drops its own item (newest). Pointers left at free
 * are the owner's to drain first.
 */
#ifndef TG_BASE_RING_H
#define TG_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct tg_ring;

/* capacity is a power of two, 2..65536, else LIMIT. */
TG_MUST_CHECK tg_err tg_ring_new(struct tg_ring **ret, size_t capacity);
void tg_ring_free(struct tg_ring *ring);
/* Producer only. */
TG_MUST_CHECK bool tg_ring_push(struct tg_ring *ring, void *item);
/* Consumer only; NULL = empty. */
void *tg_ring_pop(struct tg_ring *ring);

#endif
