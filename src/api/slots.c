#include "api/slots.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/macros.h"

static tg_err grow(struct tg_slots *s)
{
    uint32_t cap = s->cap == 0 ? 64 : s->cap * 2;
    struct tg_slot *slots;

    if (s->cap >= TG_WEB_SLOTS_MAX)
        return TG_ERR_LIMIT;
    slots = tg_realloc(s->slots, cap, sizeof(*slots));
    if (slots == NULL)
        return TG_ERR_NOMEM;
    for (uint32_t i = cap; i > s->cap; i--) {
        slots[i - 1] = (struct tg_slot){.generation = 1, .next_free = s->free};
        s->free = i;
    }
    s->slots = slots;
    s->cap = cap;
    return TG_OK;
}

tg_err tg_slots_put(struct tg_slots *s, enum tg_slot_kind kind, void *object, uint32_t *ret_slot,
                    uint32_t *ret_generation)
{
    struct tg_slot *slot;

    TG_ASSERT(kind != TG_SLOT_FREE);
    if (s->free == 0) {
        tg_err err = grow(s);

        if (err != TG_OK)
            return err;
    }
    *ret_slot = s->free - 1;
    slot = &s->slots[*ret_slot];
    s->free = slot->next_free;
    slot->kind = kind;
    slot->object = object;
    *ret_generation = slot->generation;
    s->count++;
    return TG_OK;
}

void *tg_slots_get(const struct tg_slots *s, enum tg_slot_kind kind, uint32_t slot,
                   uint32_t generation)
{
    if (slot >= s->cap || s->slots[slot].kind != kind || s->slots[slot].generation != generation)
        return NULL;
    return s->slots[slot].object;
}

void tg_slots_del(struct tg_slots *s, uint32_t slot)
{
    TG_ASSERT(slot < s->cap && s->slots[slot].kind != TG_SLOT_FREE);
    s->slots[slot] =
        (struct tg_slot){.generation = s->slots[slot].generation + 1, .next_free = s->free};
    s->free = slot + 1;
    s->count--;
}

void tg_slots_done(struct tg_slots *s)
{
    tg_free(s->slots);
    *s = (struct tg_slots){.slots = NULL};
}
