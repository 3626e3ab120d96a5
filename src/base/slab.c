#include "base/slab.h"

#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"

struct tg_slab *tg_slab_new(size_t cap)
{
    struct tg_slab *slab;

    if (cap > UINT32_MAX - sizeof(*slab))
        return NULL;
    slab = tg_calloc(1, sizeof(*slab) + cap);
    if (slab == NULL)
        return NULL;
    atomic_init(&slab->refs, 1);
    slab->cap = (uint32_t)cap;
    return slab;
}

struct tg_slab *tg_slab_copy(const void *data, size_t len)
{
    struct tg_slab *slab = tg_slab_new(len);

    if (slab == NULL)
        return NULL;
    if (len > 0)
        memcpy(slab->data, data, len);
    slab->len = (uint32_t)len;
    return slab;
}

struct tg_slab *tg_slab_ref(struct tg_slab *slab)
{
    unsigned before = atomic_fetch_add_explicit(&slab->refs, 1, memory_order_relaxed);

    TG_ASSERT(before > 0);
    return slab;
}

void tg_slab_unref(struct tg_slab *slab)
{
    unsigned before;

    if (slab == NULL)
        return;
    before = atomic_fetch_sub_explicit(&slab->refs, 1, memory_order_acq_rel);
    TG_ASSERT(before > 0);
    if (before == 1)
        tg_free(slab);
}
