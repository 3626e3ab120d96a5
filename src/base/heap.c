#include "base/heap.h"

#include "base/alloc.h"

void tg_heap_done(struct tg_heap *heap)
{
    tg_free(heap->nodes);
    *heap = (struct tg_heap){0};
}

static void put(struct tg_heap *heap, size_t at, struct tg_heap_node *node)
{
    heap->nodes[at] = node;
    node->place = at + 1;
}

static void sift_up(struct tg_heap *heap, size_t at)
{
    struct tg_heap_node *node = heap->nodes[at];

    while (at > 0 && heap->nodes[(at - 1) / 2]->at > node->at) {
        put(heap, at, heap->nodes[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(heap, at, node);
}

static void sift_down(struct tg_heap *heap, size_t at)
{
    struct tg_heap_node *node = heap->nodes[at];

    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->nodes[child + 1]->at < heap->nodes[child]->at)
            child++;
        if (heap->nodes[child]->at >= node->at)
            break;
        put(heap, at, heap->nodes[child]);
        at = child;
    }
    put(heap, at, node);
}

tg_err tg_heap_set(struct tg_heap *heap, struct tg_heap_node *node, tg_us at)
{
    if (node->place == 0) {
        if (heap->count == heap->cap) {
            size_t cap = heap->cap == 0 ? 16 : heap->cap * 2;
            struct tg_heap_node **grown =
                tg_realloc(heap->nodes, cap, sizeof(struct tg_heap_node *));

            if (grown == NULL)
                return TG_ERR_NOMEM;
            heap->nodes = grown;
            heap->cap = cap;
        }
        put(heap, heap->count++, node);
    }
    TG_ASSERT(heap->nodes[node->place - 1] == node);
    node->at = at;
    sift_up(heap, node->place - 1);
    sift_down(heap, node->place - 1);
    return TG_OK;
}

void tg_heap_remove(struct tg_heap *heap, struct tg_heap_node *node)
{
    size_t at = node->place;
    struct tg_heap_node *last;

    if (at == 0)
        return;
    at--;
    TG_ASSERT(heap->nodes[at] == node);
    node->place = 0;
    last = heap->nodes[--heap->count];
    if (last == node)
        return;
    put(heap, at, last);
    sift_up(heap, at);
    sift_down(heap, last->place - 1);
}

tg_us tg_heap_deadline(const struct tg_heap *heap)
{
    return heap->count == 0 ? TG_US_NEVER : heap->nodes[0]->at;
}

struct tg_heap_node *tg_heap_pop_due(struct tg_heap *heap, tg_us now)
{
    struct tg_heap_node *node;

    if (heap->count == 0 || heap->nodes[0]->at > now)
        return NULL;
    node = heap->nodes[0];
    tg_heap_remove(heap, node);
    return node;
}
