#include "net/rtc_handshakes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

struct slot {
    void *owner; /* NULL = forgotten */
    struct tg_addr from;
    size_t len;
    uint8_t bytes[TG_UDP_PACKET_MAX];
};

/* The block is some megabytes; what no crowd ever filled is never touched, so it costs nothing. */
struct tg_rtc_handshakes {
    size_t capacity;
    size_t first;
    size_t count;
    struct slot slots[];
};

tg_err tg_rtc_handshakes_new(struct tg_rtc_handshakes **ret, size_t capacity)
{
    struct tg_rtc_handshakes *q;
    size_t size;

    if (capacity == 0 || __builtin_mul_overflow(capacity, sizeof(q->slots[0]), &size) ||
        __builtin_add_overflow(size, sizeof(*q), &size))
        return TG_ERR_LIMIT;
    q = tg_calloc(1, size);
    if (q == NULL)
        return TG_ERR_NOMEM;
    q->capacity = capacity;
    *ret = q;
    return TG_OK;
}

void tg_rtc_handshakes_free(struct tg_rtc_handshakes *q)
{
    tg_free(q);
}

bool tg_rtc_handshakes_put(struct tg_rtc_handshakes *q, void *owner, const struct tg_addr *from,
                           const uint8_t *bytes, size_t len)
{
    struct slot *slot = &q->slots[(q->first + q->count) % q->capacity];

    TG_ASSERT(owner != NULL);
    if (q->count == q->capacity || len > sizeof(slot->bytes))
        return false;
    slot->owner = owner;
    slot->from = *from;
    slot->len = len;
    memcpy(slot->bytes, bytes, len);
    q->count++;
    return true;
}

void tg_rtc_handshakes_forget(struct tg_rtc_handshakes *q, const void *owner)
{
    for (size_t i = 0; i < q->count; i++) {
        struct slot *slot = &q->slots[(q->first + i) % q->capacity];

        if (slot->owner == owner)
            slot->owner = NULL;
    }
}

size_t tg_rtc_handshakes_run(struct tg_rtc_handshakes *q, tg_rtc_clock_fn clock, tg_us budget_us,
                             tg_rtc_handshake_fn fn, void *ctx)
{
    const tg_us began = q->count == 0 ? 0 : clock();
    size_t done = 0;

    while (q->count > 0) {
        struct slot *slot = &q->slots[q->first];

        const bool wanted = slot->owner != NULL;

        /* The slot stays taken during the call: a put must not write where fn reads. */
        if (wanted)
            fn(ctx, slot->owner, &slot->from, slot->bytes, slot->len);
        q->first = (q->first + 1) % q->capacity;
        q->count--;
        done += wanted ? 1 : 0;
        if (wanted && clock() - began >= budget_us)
            break;
    }
    return done;
}

size_t tg_rtc_handshakes_count(const struct tg_rtc_handshakes *q)
{
    return q->count;
}
