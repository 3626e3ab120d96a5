#include "proto/nack.h"

#include <string.h>

enum {
    REORDER_US = 8 * TG_US_PER_MS, /* overtaken packets come within it on most paths */
    REORDER_PACKETS = 3,
    RETRY_US_MIN = 20 * TG_US_PER_MS,     /* pacing and timers on both sides */
    RETRY_US_PATIENT = 60 * TG_US_PER_MS, /* after some tries: the line is down for a moment */
    TRIES_QUICK = 4,
    BATCH_US = 2 * TG_US_PER_MS, /* what is due so soon goes along */
};

void tg_nack_init(struct tg_nack *n, tg_us rtt_us)
{
    n->rtt_us = rtt_us;
    n->started = false;
    n->due = TG_US_NEVER;
    n->count = 0;
}

static void remove_first(struct tg_nack *n, size_t count)
{
    n->count -= count;
    memmove(n->entries, n->entries + count, n->count * sizeof(n->entries[0]));
}

/* [from, to) is missing. */
static void add(struct tg_nack *n, tg_us now, uint64_t from, uint64_t to)
{
    if (to - from > TG_NACK_PENDING_MAX)
        from = to - TG_NACK_PENDING_MAX;
    const size_t more = (size_t)(to - from); /* <= TG_NACK_PENDING_MAX, just made so */

    if (more == 0)
        return;
    if (n->count + more > TG_NACK_PENDING_MAX)
        remove_first(n, n->count + more - TG_NACK_PENDING_MAX);
    for (uint64_t seq = from; seq < to; seq++)
        n->entries[n->count++] = (struct tg_nack_entry){.seq = seq, .due = now + REORDER_US};
    n->due = TG_MIN(n->due, now + REORDER_US);
}

/* One more packet overtook those not asked for yet; they are the youngest, at the end. */
static void count_later(struct tg_nack *n, tg_us now)
{
    for (size_t i = n->count; i > 0 && n->entries[i - 1].tries == 0; i--) {
        struct tg_nack_entry *e = &n->entries[i - 1];

        if (e->later < REORDER_PACKETS && ++e->later == REORDER_PACKETS) {
            e->due = TG_MIN(e->due, now);
            n->due = TG_MIN(n->due, e->due);
        }
    }
}

/* First entry with a number not below seq. */
static size_t find(const struct tg_nack *n, uint64_t seq)
{
    size_t low = 0;
    size_t high = n->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (n->entries[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * A packet asked for twice leaves open which request it answers, unless it comes so soon after the
 * last one that it must answer an earlier one. Without that a round trip far above the assumed one
 * would never be found out, since everything would be asked for twice.
 */
static tg_us answer(const struct tg_nack *n, tg_us now, const struct tg_nack_entry *e)
{
    if (e->tries == 1)
        return now - e->asked_last;
    if (e->tries > 1 && now - e->asked_last < n->rtt_us / 2)
        return now - e->asked_first;
    return -1;
}

tg_us tg_nack_input(struct tg_nack *n, tg_us now, uint64_t seq)
{
    if (!n->started || seq > n->highest) {
        if (n->started)
            add(n, now, n->highest + 1, seq);
        n->started = true;
        n->highest = seq;
        count_later(n, now);
        return -1;
    }
    const size_t at = find(n, seq);

    if (at == n->count || n->entries[at].seq != seq)
        return -1;
    const tg_us rtt_us = answer(n, now, &n->entries[at]);

    n->count--;
    memmove(n->entries + at, n->entries + at + 1, (n->count - at) * sizeof(n->entries[0]));
    return rtt_us;
}

void tg_nack_forget(struct tg_nack *n, uint64_t seq)
{
    const size_t gone = find(n, seq);

    if (gone > 0)
        remove_first(n, gone);
}

static tg_us retry_us(const struct tg_nack *n, unsigned tries)
{
    tg_us floor = tries > TRIES_QUICK ? RETRY_US_PATIENT : RETRY_US_MIN;

    return TG_MAX(n->rtt_us + n->rtt_us / 4, floor);
}

/* Those asked for often enough leave; `due` becomes exact. */
static void tidy(struct tg_nack *n)
{
    size_t kept = 0;

    n->due = TG_US_NEVER;
    for (size_t i = 0; i < n->count; i++) {
        if (n->entries[i].tries >= TG_NACK_TRIES_MAX)
            continue;
        n->due = TG_MIN(n->due, n->entries[i].due);
        n->entries[kept++] = n->entries[i];
    }
    n->count = kept;
}

size_t tg_nack_poll(struct tg_nack *n, tg_us now, uint16_t *ret_seqs, size_t max)
{
    size_t count = 0;

    if (now < n->due)
        return 0;
    for (size_t i = 0; i < n->count && count < max; i++) {
        struct tg_nack_entry *e = &n->entries[i];

        if (e->due > now + BATCH_US)
            continue;
        if (e->tries++ == 0)
            e->asked_first = now;
        e->asked_last = now;
        e->due = now + retry_us(n, e->tries);
        ret_seqs[count++] = (uint16_t)e->seq;
    }
    tidy(n);
    return count;
}

tg_us tg_nack_deadline(const struct tg_nack *n)
{
    return n->count == 0 ? TG_US_NEVER : n->due;
}
