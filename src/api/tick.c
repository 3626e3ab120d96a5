#include "api/tick.h"

#include <string.h>

#include "base/alloc.h"

enum {
    OUTQ_SMALL = 8, /* slots kept while idle: 10,000 quiet sockets cost 64 bytes each */
    TICK_US = TG_WS_TICK_MS * TG_US_PER_MS
};

struct tg_tick_item {
    struct tg_tick_item *next;
    uint32_t at; /* the group's pending length when it came */
    uint32_t len;
    uint8_t json[];
};

void tg_wire_unref(struct tg_wire *wire)
{
    if (wire == NULL)
        return;
    TG_ASSERT(wire->refs > 0);
    if (--wire->refs == 0)
        tg_free(wire);
}

static tg_err outq_grow(struct tg_outq *q)
{
    uint32_t cap = q->cap == 0 ? OUTQ_SMALL : q->cap * 2;
    struct tg_wire **ring = tg_calloc(cap, sizeof(struct tg_wire *));

    if (ring == NULL)
        return TG_ERR_NOMEM;
    for (uint32_t i = 0; i < q->count; i++)
        ring[i] = q->ring[(q->head + i) & (q->cap - 1)];
    tg_free(q->ring);
    q->ring = ring;
    q->cap = cap;
    q->head = 0;
    return TG_OK;
}

tg_err tg_outq_push(struct tg_outq *q, struct tg_wire *wire)
{
    if (q->count >= TG_WS_QUEUE_FRAMES_MAX)
        return TG_ERR_LIMIT;
    /* One frame always fits, however long: `joined` of a big catalogue. */
    if (q->count > 0 && q->bytes + wire->len > TG_WS_QUEUE_MAX)
        return TG_ERR_LIMIT;
    if (q->count == q->cap) {
        tg_err err = outq_grow(q);

        if (err != TG_OK)
            return err;
    }
    q->ring[(q->head + q->count) & (q->cap - 1)] = wire;
    q->count++;
    q->bytes += wire->len;
    wire->refs++;
    return TG_OK;
}

struct tg_wire *tg_outq_pop(struct tg_outq *q)
{
    struct tg_wire *wire;

    if (q->count == 0)
        return NULL;
    wire = q->ring[q->head];
    q->head = (q->head + 1) & (q->cap - 1);
    q->count--;
    q->bytes -= wire->len;
    if (q->count == 0 && q->cap > OUTQ_SMALL) {
        tg_free(q->ring);
        q->ring = NULL;
        q->cap = 0;
        q->head = 0;
    }
    return wire;
}

void tg_outq_done(struct tg_outq *q)
{
    struct tg_wire *wire;

    while ((wire = tg_outq_pop(q)) != NULL)
        tg_wire_unref(wire);
    tg_free(q->ring);
    *q = (struct tg_outq){.ring = NULL};
}

void tg_tick_init(struct tg_tick *tick, tg_tick_wake_fn wake, void *ctx)
{
    tg_dlist_init(&tick->dirty_groups);
    tg_dlist_init(&tick->dirty_members);
    tick->wake = wake;
    tick->ctx = ctx;
}

void tg_tick_group_init(struct tg_tick_group *group)
{
    *group = (struct tg_tick_group){.count = 0};
    tg_dlist_init(&group->members);
    /* Offsets into it fit 32 bits. */
    tg_buf_init(&group->pending, TG_WS_QUEUE_MAX);
}

void tg_tick_group_done(struct tg_tick_group *group)
{
    TG_ASSERT(group->count == 0);
    tg_dlist_del(&group->in_dirty);
    tg_buf_done(&group->pending);
}

static void drop_items(struct tg_tick_member *m)
{
    while (m->items != NULL) {
        struct tg_tick_item *item = m->items;

        m->items = item->next;
        tg_free(item);
    }
    m->items_last = NULL;
}

void tg_tick_join(struct tg_tick_group *group, struct tg_tick_member *m)
{
    TG_ASSERT(m->group == NULL);
    m->group = group;
    m->start = (uint32_t)group->pending.len;
    for (struct tg_tick_item *item = m->items; item != NULL; item = item->next)
        item->at = m->start; /* what it was sent before it joined stands in front */
    tg_dlist_add(&group->members, &m->in_group);
    group->count++;
}

void tg_tick_leave(struct tg_tick_member *m)
{
    if (m->group != NULL) {
        tg_dlist_del(&m->in_group);
        TG_ASSERT(m->group->count > 0);
        m->group->count--;
        m->group = NULL;
    }
    tg_dlist_del(&m->in_dirty);
    drop_items(m);
    tg_outq_done(&m->q);
    m->start = 0;
}

/* Queue a frame for a member; a member that cannot take it is marked for the cut. */
static void deliver(struct tg_tick *tick, struct tg_tick_member *m, struct tg_wire *wire)
{
    if (m->overflow)
        return;
    if (wire == NULL || tg_outq_push(&m->q, wire) != TG_OK) {
        m->overflow = true;
        tg_outq_done(&m->q);
    }
    tick->wake(tick->ctx, m);
}

static struct tg_wire *wire_new(size_t len)
{
    struct tg_wire *wire = tg_calloc(1, sizeof(*wire) + TG_WIRE_HEAD + len);

    if (wire == NULL)
        return NULL;
    wire->refs = 1;
    wire->len = (uint32_t)len;
    return wire;
}

struct writer {
    uint8_t *out;
    size_t len;
    bool more; /* an object stands already */
};

/* Whole objects, without their outer commas. `from` may begin with the comma that parts it. */
static void put(struct writer *w, const void *json, size_t len)
{
    const uint8_t *text = json;

    if (len > 0 && text[0] == ',') {
        text++;
        len--;
    }
    if (len == 0)
        return;
    if (w->more)
        w->out[w->len++] = ',';
    memcpy(w->out + w->len, text, len);
    w->len += len;
    w->more = true;
}

/* [ the group's text from `start`, with the member's items at their places ]; NULL: no memory. */
static struct tg_wire *compose(const struct tg_tick_member *m, const uint8_t *pending, size_t len)
{
    size_t size = 2 + len;
    struct writer w = {.len = 0};
    size_t at = m->start;
    struct tg_wire *wire;

    for (const struct tg_tick_item *item = m->items; item != NULL; item = item->next)
        size += item->len + 2; /* its comma and the one after it */
    wire = wire_new(size);
    if (wire == NULL)
        return NULL;
    w.out = wire->bytes + TG_WIRE_HEAD;
    w.out[w.len++] = '[';
    for (const struct tg_tick_item *item = m->items; item != NULL; item = item->next) {
        put(&w, pending + at, item->at - at);
        put(&w, item->json, item->len);
        at = item->at;
    }
    put(&w, pending + at, len - at);
    w.out[w.len++] = ']';
    TG_ASSERT(w.len <= size);
    wire->len = (uint32_t)w.len;
    return wire;
}

static const uint8_t nothing[1];

static void flush_member(struct tg_tick *tick, struct tg_tick_member *m)
{
    const struct tg_buf *pending = m->group == NULL ? NULL : &m->group->pending;
    size_t len = pending == NULL ? 0 : pending->len;

    if (m->items != NULL || m->start < len) {
        struct tg_wire *wire = compose(m, len == 0 ? nothing : pending->data, len);

        deliver(tick, m, wire);
        tg_wire_unref(wire);
    }
    drop_items(m);
    tg_dlist_del(&m->in_dirty);
}

static void flush_group(struct tg_tick *tick, struct tg_tick_group *group, tg_us now)
{
    struct tg_wire *shared = wire_new(group->pending.len + 2);

    if (shared != NULL) {
        shared->bytes[TG_WIRE_HEAD] = '[';
        memcpy(shared->bytes + TG_WIRE_HEAD + 1, group->pending.data, group->pending.len);
        shared->bytes[TG_WIRE_HEAD + 1 + group->pending.len] = ']';
    }
    TG_DLIST_EACH(node, &group->members)
    {
        struct tg_tick_member *m = TG_CONTAINER_OF(node, struct tg_tick_member, in_group);

        if (m->items != NULL || m->start > 0)
            flush_member(tick, m);
        else
            deliver(tick, m, shared);
        m->start = 0;
    }
    tg_wire_unref(shared);
    tg_buf_clear(&group->pending);
    group->flushed = now;
    tg_dlist_del(&group->in_dirty);
}

static bool fits(const struct tg_buf *b, size_t len)
{
    return b->len + len + 1 <= b->max;
}

/* Out of memory or longer than any queue: every member lost an event and must come back. */
static void cut_all(struct tg_tick *tick, struct tg_tick_group *group)
{
    TG_DLIST_EACH(node, &group->members)
    deliver(tick, TG_CONTAINER_OF(node, struct tg_tick_member, in_group), NULL);
    tg_buf_clear(&group->pending);
}

void tg_tick_cast(struct tg_tick *tick, struct tg_tick_group *group, tg_us now, const void *json,
                  size_t len)
{
    if (group->count == 0 || len == 0)
        return;
    if (group->pending.len > 0 && !fits(&group->pending, len))
        flush_group(tick, group, now);
    if (group->pending.len > 0)
        tg_buf_add(&group->pending, ",", 1);
    tg_buf_add(&group->pending, json, len);
    if (group->pending.err != TG_OK) {
        cut_all(tick, group);
        return;
    }
    if (!tg_dlist_in(&group->in_dirty))
        tg_dlist_add(&tick->dirty_groups, &group->in_dirty);
}

void tg_tick_send(struct tg_tick *tick, struct tg_tick_member *m, const void *json, size_t len)
{
    struct tg_tick_item *item = tg_calloc(1, sizeof(*item) + len);

    if (item == NULL || len > UINT32_MAX / 2) {
        tg_free(item);
        deliver(tick, m, NULL);
        return;
    }
    item->at = m->group == NULL ? 0 : (uint32_t)m->group->pending.len;
    item->len = (uint32_t)len;
    memcpy(item->json, json, len);
    if (m->items == NULL)
        m->items = item;
    else
        m->items_last->next = item;
    m->items_last = item;
    if (!tg_dlist_in(&m->in_dirty))
        tg_dlist_add(&tick->dirty_members, &m->in_dirty);
}

tg_us tg_tick_run(struct tg_tick *tick, tg_us now)
{
    tg_us next = TG_US_NEVER;

    TG_DLIST_EACH(node, &tick->dirty_groups)
    {
        struct tg_tick_group *group = TG_CONTAINER_OF(node, struct tg_tick_group, in_dirty);

        if (now - group->flushed >= TICK_US)
            flush_group(tick, group, now);
        else
            next = TG_MIN(next, group->flushed + TICK_US);
    }
    TG_DLIST_EACH(node, &tick->dirty_members)
    {
        struct tg_tick_member *m = TG_CONTAINER_OF(node, struct tg_tick_member, in_dirty);

        /* Nothing of the group stands before its answer: no reason to wait. */
        if (m->group == NULL || m->start == m->group->pending.len)
            flush_member(tick, m);
        else
            tg_dlist_del(&m->in_dirty); /* goes out with the group's frame */
    }
    return next;
}
