#include "base/ring.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/macros.h"

struct tg_ring {
    void **slots;
    size_t mask;
    /* Padding keeps the two indices apart: they are written by different threads. */
    char pad_head[64];
    atomic_size_t head; /* next slot to pop */
    char pad_tail[64];
    atomic_size_t tail; /* next slot to push */
    char pad_end[64];
};

tg_err tg_ring_new(struct tg_ring **ret, size_t capacity)
{
    struct tg_ring *ring;

    if (capacity < 2 || capacity > 65536 || (capacity & (capacity - 1)) != 0)
        return TG_ERR_LIMIT;
    ring = tg_calloc(1, sizeof(*ring));
    if (ring == NULL)
        return TG_ERR_NOMEM;
    ring->slots = tg_calloc(capacity, sizeof(*ring->slots));
    if (ring->slots == NULL) {
        tg_free(ring);
        return TG_ERR_NOMEM;
    }
    ring->mask = capacity - 1;
    *ret = ring;
    return TG_OK;
}

void tg_ring_free(struct tg_ring *ring)
{
    if (ring == NULL)
        return;
    tg_free(ring->slots);
    tg_free(ring);
}

bool tg_ring_push(struct tg_ring *ring, void *item)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    TG_ASSERT(item != NULL);
    if (tail - head > ring->mask)
        return false;
    ring->slots[tail & ring->mask] = item;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

void *tg_ring_pop(struct tg_ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    void *item;

    if (head == tail)
        return NULL;
    item = ring->slots[head & ring->mask];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return item;
}
