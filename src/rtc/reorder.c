#include "rtc/reorder.h"

#include <string.h>

#include "base/alloc.h"

tg_err tg_reorder_init(struct tg_reorder *q, size_t size)
{
    TG_ASSERT(size > 0 && (size & (size - 1)) == 0);
    *q = (struct tg_reorder){.size = size};
    q->slots = tg_calloc(size, sizeof(q->slots[0]));
    q->bytes = tg_calloc(size, TG_UDP_PACKET_MAX);
    if (q->slots == NULL || q->bytes == NULL) {
        tg_reorder_done(q);
        return TG_ERR_NOMEM;
    }
    tg_reorder_start(q, 1);
    return TG_OK;
}

void tg_reorder_done(struct tg_reorder *q)
{
    tg_free(q->slots);
    tg_free(q->bytes);
    *q = (struct tg_reorder){0};
}

static struct tg_reorder_slot *slot_of(const struct tg_reorder *q, uint64_t seq)
{
    return &q->slots[seq & (q->size - 1)];
}

void tg_reorder_start(struct tg_reorder *q, uint64_t seq)
{
    memset(q->slots, 0, q->size * sizeof(q->slots[0]));
    q->next = seq;
    q->highest = seq - 1;
}

/* [from, to) is missing from now on. */
static void mark_missing(struct tg_reorder *q, tg_us now, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq < to; seq++)
        *slot_of(q, seq) = (struct tg_reorder_slot){.state = TG_REORDER_MISSING, .at = now};
}

void tg_reorder_rewind(struct tg_reorder *q, tg_us now, uint64_t seq)
{
    TG_ASSERT(seq > 0 && seq < q->next);
    TG_ASSERT(q->highest - seq < q->size);
    mark_missing(q, now, seq, q->next);
    q->next = seq;
}

enum tg_reorder_state tg_reorder_put(struct tg_reorder *q, uint64_t seq,
                                     const struct tg_reorder_slot *slot, struct tg_span payload,
                                     uint64_t *ret_missing)
{
    struct tg_reorder_slot *at = slot_of(q, seq);
    enum tg_reorder_state was = TG_REORDER_EMPTY;

    TG_ASSERT(tg_reorder_fits(q, seq));
    TG_ASSERT(payload.len <= TG_UDP_PACKET_MAX);
    *ret_missing = 0;
    if (seq > q->highest) {
        *ret_missing = seq - q->highest - 1;
        mark_missing(q, slot->at, q->highest + 1, seq);
        q->highest = seq;
    } else {
        was = (enum tg_reorder_state)at->state;
        if (was == TG_REORDER_PACKET)
            return was;
    }
    *at = *slot;
    at->state = TG_REORDER_PACKET;
    at->len = (uint16_t)payload.len;
    if (payload.len > 0)
        memcpy(q->bytes + (seq & (q->size - 1)) * TG_UDP_PACKET_MAX, payload.data, payload.len);
    return was;
}

const struct tg_reorder_slot *tg_reorder_at(const struct tg_reorder *q, uint64_t seq)
{
    if (seq < q->next || seq > q->highest || slot_of(q, seq)->state != TG_REORDER_PACKET)
        return NULL;
    return slot_of(q, seq);
}

tg_us tg_reorder_missing_since(const struct tg_reorder *q, uint64_t seq)
{
    if (seq < q->next || seq > q->highest || slot_of(q, seq)->state != TG_REORDER_MISSING)
        return -1;
    return slot_of(q, seq)->at;
}

struct tg_span tg_reorder_payload(const struct tg_reorder *q, uint64_t seq)
{
    return tg_span(q->bytes + (seq & (q->size - 1)) * TG_UDP_PACKET_MAX, slot_of(q, seq)->len);
}

void tg_reorder_drop(struct tg_reorder *q, uint64_t seq)
{
    TG_ASSERT(seq >= q->next);
    for (; q->next < seq && q->next <= q->highest; q->next++)
        slot_of(q, q->next)->state = TG_REORDER_EMPTY;
    if (q->next < seq) {
        q->next = seq;
        q->highest = seq - 1;
    }
}
