/* waiting_priv.h - lines of people who wait, for the two files that move them. */
#ifndef TG_SHOP_WAITING_PRIV_H
#define TG_SHOP_WAITING_PRIV_H

#include "shop/shop_priv.h"

struct tg_line {
    char sku[TG_SKU_MAX + 1];
    struct tg_waiter *first;
    struct tg_waiter *last;
    uint32_t count;
    bool due; /* units came free: somebody may be next */
    struct tg_line *due_next;
    bool in_batch; /* somebody came, went or has another turn */
    struct tg_line *batch_next;
    struct tg_waiter *tell; /* who is told next */
    uint32_t tell_place;
};

struct tg_queuer {
    char person[TG_PERSON_ID_SIZE];
    struct tg_waiter *first;
    uint32_t count;
    uint32_t in_batch; /* waiters of the batch that point here, gone ones, too */
};

/* NULL = nobody waits for it. */
struct tg_line *tg_line_of(const struct tg_shop *shop, const char *sku);
struct tg_waiter *tg_line_find(const struct tg_shop *shop, const char *person, const char *sku);
/* The line moves: those in it are told. */
void tg_line_touch_line(struct tg_shop *shop, struct tg_line *line);
/* Remember it, and that its line moves, before its first change in the batch. */
void tg_line_touch(struct tg_shop *shop, struct tg_waiter *w);
/* Out of the line, in this batch. */
void tg_line_depart(struct tg_shop *shop, struct tg_waiter *w, enum tg_waiter_state state);
/* In and out of its place by ticket; the person's list is apart. */
void tg_line_enter(struct tg_waiter *w);
void tg_line_leave(struct tg_waiter *w);
void tg_line_enter_queuer(struct tg_shop *shop, struct tg_waiter *w);
void tg_line_leave_queuer(struct tg_shop *shop, struct tg_waiter *w);
/* A new one, in no line yet. LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_line_add(struct tg_shop *shop, const char *person, const char *sku,
                                 struct tg_waiter **ret);
/* Somebody may be next. */
void tg_line_make_due(struct tg_shop *shop, struct tg_line *line);
/* What is empty goes; NULL is legal. */
void tg_line_drop(struct tg_shop *shop, struct tg_line *line, struct tg_queuer *q);

#endif
