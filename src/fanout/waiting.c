#include "fanout/waiting.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/str.h"

enum {
    TICKET_BYTES = 16,
    WHEEL = 128, /* seconds; longer than three times any pause */
    RETRY_S_MAX = 40,
    NONE = UINT32_MAX >> 1,
};
_Static_assert(3 * RETRY_S_MAX + 2 < WHEEL, "a second has one meaning in the wheel");
_Static_assert((TICKET_BYTES * 4 + 2) / 3 < TG_RTC_TICKET_SIZE, "a ticket fits its text");

enum state { FREE, WAITING, GONE };

struct slot {
    uint64_t place;
    uint8_t ticket[TICKET_BYTES];
    uint32_t prev; /* in its second of the wheel, NONE = first */
    uint32_t next;
    uint8_t second; /* index into the wheel */
    uint8_t state;  /* enum state */
};

struct tg_waiting {
    size_t max;
    uint32_t cap; /* slots, a power of two */
    uint32_t count;
    uint64_t head; /* no place before it waits */
    uint64_t tail; /* the next place */
    int64_t expired_s;
    uint32_t wheel[WHEEL];
    struct slot *slots;
    uint32_t *tree; /* Fenwick tree over the slots, from 1 */
};

tg_err tg_waiting_new(struct tg_waiting **ret, size_t max)
{
    struct tg_waiting *w;

    if (max > TG_WAITING_MAX)
        return TG_ERR_LIMIT;
    w = tg_calloc(1, sizeof(*w));
    if (w == NULL)
        return TG_ERR_NOMEM;
    w->max = max;
    w->cap = 1;
    while (w->cap < max)
        w->cap *= 2;
    for (size_t i = 0; i < WHEEL; i++)
        w->wheel[i] = NONE;
    w->slots = tg_calloc(w->cap, sizeof(*w->slots));
    w->tree = tg_calloc((size_t)w->cap + 1, sizeof(*w->tree));
    if (w->slots == NULL || w->tree == NULL) {
        tg_waiting_free(w);
        return TG_ERR_NOMEM;
    }
    *ret = w;
    return TG_OK;
}

void tg_waiting_free(struct tg_waiting *w)
{
    if (w == NULL)
        return;
    tg_free(w->tree);
    tg_free(w->slots);
    tg_free(w);
}

/* --- who waits in front ----------------------------------------------------------------------- */

static struct slot *slot_of(const struct tg_waiting *w, uint64_t place)
{
    return &w->slots[place & (w->cap - 1)];
}

/* Lengths: unsigned wrap-around serves both directions. */
static void tree_add(struct tg_waiting *w, uint64_t place, uint32_t n)
{
    for (uint32_t i = (uint32_t)(place & (w->cap - 1)) + 1; i <= w->cap; i += i & (0U - i))
        w->tree[i] += n;
}

/* Of the first `slots` slots. */
static uint32_t tree_sum(const struct tg_waiting *w, uint32_t slots)
{
    uint32_t sum = 0;

    for (uint32_t i = slots; i > 0; i -= i & (0U - i))
        sum += w->tree[i];
    return sum;
}

uint32_t tg_waiting_position(const struct tg_waiting *w, uint64_t place)
{
    const uint32_t first = (uint32_t)(w->head & (w->cap - 1));
    const uint32_t last = (uint32_t)(place & (w->cap - 1));
    const uint32_t upto = tree_sum(w, last + 1);
    const uint32_t before = tree_sum(w, first);

    TG_ASSERT(slot_of(w, place)->place == place);
    TG_ASSERT(slot_of(w, place)->state == WAITING);
    /* The ring's end may lie between the two. */
    return last >= first ? upto - before : w->count - before + upto;
}

uint32_t tg_waiting_count(const struct tg_waiting *w)
{
    return w->count;
}

/* --- the wheel -------------------------------------------------------------------------------- */

static void wheel_remove(struct tg_waiting *w, struct slot *s)
{
    if (s->prev != NONE)
        w->slots[s->prev].next = s->next;
    else
        w->wheel[s->second] = s->next;
    if (s->next != NONE)
        w->slots[s->next].prev = s->prev;
    s->prev = NONE;
    s->next = NONE;
}

static void wheel_add(struct tg_waiting *w, struct slot *s, int64_t second)
{
    const uint32_t index = (uint32_t)(s - w->slots);

    s->second = (uint8_t)(second % WHEEL);
    s->prev = NONE;
    s->next = w->wheel[s->second];
    if (s->next != NONE)
        w->slots[s->next].prev = index;
    w->wheel[s->second] = index;
}

void tg_waiting_seen(struct tg_waiting *w, tg_us now, uint64_t place, unsigned retry_s)
{
    struct slot *s = slot_of(w, place);

    TG_ASSERT(s->place == place && s->state == WAITING);
    TG_ASSERT(retry_s >= 1 && retry_s <= RETRY_S_MAX);
    if (s->second != WHEEL)
        wheel_remove(w, s);
    wheel_add(w, s, now / TG_US_PER_S + 1 + 3 * (int64_t)retry_s);
}

void tg_waiting_expire(struct tg_waiting *w, tg_us now)
{
    const int64_t now_s = now / TG_US_PER_S;

    if (now_s - w->expired_s > WHEEL)
        w->expired_s = now_s - WHEEL; /* then every second of the wheel is over */
    while (w->expired_s < now_s) {
        uint32_t *first = &w->wheel[++w->expired_s % WHEEL];

        while (*first != NONE)
            tg_waiting_remove(w, w->slots[*first].place);
    }
}

/* --- places ----------------------------------------------------------------------------------- */

void tg_waiting_ticket(const struct tg_waiting *w, uint64_t place,
                       char ret_ticket[TG_RTC_TICKET_SIZE])
{
    const struct slot *s = slot_of(w, place);

    TG_ASSERT(s->place == place && s->state == WAITING);
    tg_b64url_encode(ret_ticket, TG_RTC_TICKET_SIZE, s->ticket, sizeof(s->ticket));
}

static void enter(struct tg_waiting *w, struct slot *s)
{
    s->state = WAITING;
    s->second = WHEEL; /* in none yet */
    w->count++;
    tree_add(w, s->place, 1);
}

bool tg_waiting_push(struct tg_waiting *w, struct tg_rng *rng, char ret_ticket[TG_RTC_TICKET_SIZE],
                     uint64_t *ret_place)
{
    struct slot *s = slot_of(w, w->tail);
    struct tg_wr wr = tg_wr(s->ticket, sizeof(s->ticket));

    if (w->count >= w->max || w->tail - w->head >= w->cap)
        return false;
    s->place = w->tail++;
    tg_wr_u32(&wr, (uint32_t)s->place);
    tg_rng_bytes(rng, s->ticket + tg_wr_len(&wr), sizeof(s->ticket) - tg_wr_len(&wr));
    enter(w, s);
    tg_waiting_ticket(w, s->place, ret_ticket);
    *ret_place = s->place;
    return true;
}

bool tg_waiting_find(const struct tg_waiting *w, const char *ticket, uint64_t *ret_place)
{
    uint8_t bytes[TICKET_BYTES];
    struct tg_rd rd = tg_rd(bytes, sizeof(bytes));
    size_t len = 0;

    if (tg_b64url_decode(bytes, sizeof(bytes), &len, ticket, strlen(ticket)) != TG_OK ||
        len != sizeof(bytes))
        return false;
    const struct slot *s = slot_of(w, tg_rd_u32(&rd));

    if (s->state != WAITING || !tg_secret_equal(s->ticket, sizeof(s->ticket), bytes, len))
        return false;
    *ret_place = s->place;
    return true;
}

void tg_waiting_remove(struct tg_waiting *w, uint64_t place)
{
    struct slot *s = slot_of(w, place);

    TG_ASSERT(s->place == place && s->state == WAITING);
    if (s->second != WHEEL)
        wheel_remove(w, s);
    s->state = GONE;
    w->count--;
    tree_add(w, place, UINT32_MAX);
    while (w->head < w->tail && slot_of(w, w->head)->state != WAITING)
        w->head++;
}

bool tg_waiting_restore(struct tg_waiting *w, uint64_t place)
{
    struct slot *s = slot_of(w, place);

    /* Its slot is another's only when the line is a whole ring further on. */
    if (s->place != place || s->state != GONE || w->tail - place > w->cap || w->count >= w->max)
        return false;
    enter(w, s);
    w->head = TG_MIN(w->head, place);
    return true;
}
