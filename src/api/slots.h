/*
 * slots.h - numbers for things that wait for an answer from another thread (struct tg_conn).
 *
 * A late answer to something gone finds another generation and is dropped. Owner: one web worker.
 */
#ifndef TG_API_SLOTS_H
#define TG_API_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum tg_slot_kind { TG_SLOT_FREE, TG_SLOT_SOCK, TG_SLOT_REQ, TG_SLOT_EVENTS };

struct tg_slot {
    void *object;
    uint32_t generation;
    uint32_t next_free; /* when free: index + 1, 0 = last */
    enum tg_slot_kind kind;
};

struct tg_slots {
    struct tg_slot *slots;
    uint32_t cap;
    uint32_t count; /* used */
    uint32_t free;  /* index + 1, 0 = none */
};

/* LIMIT beyond TG_WEB_SLOTS_MAX, NOMEM. */
TG_MUST_CHECK tg_err tg_slots_put(struct tg_slots *s, enum tg_slot_kind kind, void *object,
                                  uint32_t *ret_slot, uint32_t *ret_generation);
/* NULL when it is gone or of another kind. */
void *tg_slots_get(const struct tg_slots *s, enum tg_slot_kind kind, uint32_t slot,
                   uint32_t generation);
void tg_slots_del(struct tg_slots *s, uint32_t slot);
void tg_slots_done(struct tg_slots *s);

#endif
