/*
 * slab.h - ref-counted bytes that threads share.
 *
 * Filled by the one who made it, immutable once it was handed on. ref/unref from any thread; the
 * last unref frees. Used for media frames, access units and serialised show events.
 */
#ifndef TG_BASE_SLAB_H
#define TG_BASE_SLAB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tg_slab {
    atomic_uint refs;
    uint32_t len; /* used bytes, set by the maker */
    uint32_t cap;
    _Alignas(16) uint8_t data[];
};

/* One reference, len = 0. NULL when out of memory or cap > UINT32_MAX. */
TG_MUST_CHECK struct tg_slab *tg_slab_new(size_t cap);
/* A slab holding a copy of len bytes. */
TG_MUST_CHECK struct tg_slab *tg_slab_copy(const void *data, size_t len);
struct tg_slab *tg_slab_ref(struct tg_slab *slab);
/* NULL is legal. */
void tg_slab_unref(struct tg_slab *slab);

#endif
