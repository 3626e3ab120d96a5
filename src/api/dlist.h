/*
 * dlist.h - a circular doubly linked list, intrusive. Owner: one thread.
 */
#ifndef TG_API_DLIST_H
#define TG_API_DLIST_H

#include <stdbool.h>
#include <stddef.h>

struct tg_dlist {
    struct tg_dlist *prev;
    struct tg_dlist *next; /* NULL in a node = not in any list */
};

static inline void tg_dlist_init(struct tg_dlist *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool tg_dlist_in(const struct tg_dlist *node)
{
    return node->next != NULL;
}

static inline bool tg_dlist_empty(const struct tg_dlist *head)
{
    return head->next == head;
}

static inline void tg_dlist_add(struct tg_dlist *head, struct tg_dlist *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Not being in is legal. */
static inline void tg_dlist_del(struct tg_dlist *node)
{
    if (node->next == NULL)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = NULL;
    node->next = NULL;
}

/* The loop body may delete `node` itself, nothing else. */
#define TG_DLIST_EACH(node, head)                                                                  \
    for (struct tg_dlist *node = (head)->next, *node##_next = node->next; node != (head);          \
         node = node##_next, node##_next = node->next)

#endif
