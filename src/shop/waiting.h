/*
 * waiting.h - who waits for what is sold out, and whose turn it is.
 *
 * One line for each SKU of the shop, in the order in which people came (ticket); what somebody in
 * a show may wait for, and how long a turn lasts, say the rules of that show. Units that come free
 * are offered to the head before anybody else can buy: the offer holds min(wanted, free) units as
 * stock for a turn, and more that comes free while it lasts is added to it before the next in line
 * gets any. The head is never passed over
 * (but a turn is held at one place: what comes free at others meanwhile goes to the next in line).
 *
 *     buys as many as are offered, or more     the rest of the wish keeps its place
 *     buys fewer                               leaves; what is left over goes on to the next
 *     passes (leave)                           leaves; all of it goes on
 *     lets the turn lapse                      leaves; may come again at the end
 *
 * A turn is a promise: the purchase window does not end it, nor does a restart (its end is wall
 * time, counted from ready). Bundles have no line: their parts do.
 *
 * Part of the shop's memory and batch; owner as in shop.h.
 */
#ifndef TG_SHOP_WAITING_H
#define TG_SHOP_WAITING_H

#include "shop/shop.h"

enum tg_waiter_state {
    TG_WAITER_WAITING,
    TG_WAITER_TURN,
    /* Gone from the line: told once, kept nowhere. */
    TG_WAITER_LAPSED, /* the turn went by */
    TG_WAITER_TAKEN,  /* bought what was offered */
    TG_WAITER_LEFT,   /* did not want to wait any longer */
};
/* "waiting", "turn", "lapsed", "taken", "left"; NULL beyond. */
const char *tg_waiter_state_name(enum tg_waiter_state state);

struct tg_line;
struct tg_queuer;

struct tg_waiter {
    char person[TG_PERSON_ID_SIZE];
    char sku[TG_SKU_MAX + 1];
    uint16_t show;  /* whose rules count */
    int64_t ticket; /* rises along the line */
    int32_t qty;    /* still wanted */
    int32_t offered;
    uint16_t location; /* where the offered units are held */
    tg_us since_wall;
    tg_us until_wall; /* of the turn; -1 = waiting */

    /* The shop's own. */
    enum tg_waiter_state state;
    struct tg_line *line;
    struct tg_waiter *next; /* in line */
    struct tg_waiter *prev;
    struct tg_queuer *queuer;
    struct tg_waiter *next_mine; /* of the same person */
    struct tg_heap_node turn;
    struct tg_waiter *batch_next;
    bool in_batch;
    bool fresh; /* came in this batch */
    bool gone;  /* left in this batch */
    bool told_turn;
    int32_t told_qty;    /* what the person knows: */
    uint32_t told_place; /* 0 = nothing yet */
    struct {
        int64_t ticket;
        int32_t qty;
        int32_t offered;
        uint16_t location;
        uint16_t show;
        tg_us until_wall;
        enum tg_waiter_state state;
        tg_us turn_at;
    } before;
};

/* --- loading --- */

/* New, or instead of the same person's in this line. CONFLICT: the ticket is another's. LIMIT: out
 * of range, or too many. NOTFOUND: no such SKU. NOMEM. */
TG_MUST_CHECK tg_err tg_shop_load_waiter(struct tg_shop *shop, struct tg_shop_now now,
                                         const struct tg_waiter *w);
/* Before a line is read anew: empty it, outside a batch. Holds are the stock's, not touched. */
void tg_shop_forget_line(struct tg_shop *shop, const char *sku);
void tg_shop_forget_lines(struct tg_shop *shop);

/* --- looking --- */

/* NULL = not in line. */
const struct tg_waiter *tg_shop_waiter(const struct tg_shop *shop, const char *person,
                                       const char *sku);
/* 1 = the head. */
uint32_t tg_waiter_place(const struct tg_waiter *w);
/* How many stand in the SKU's line. */
uint32_t tg_shop_waiting(const struct tg_shop *shop, const char *sku);
/* In the order of the line; NULL = empty. Next is w->next. */
const struct tg_waiter *tg_shop_line_first(const struct tg_shop *shop, const char *sku);
/* All lines of one person; start with *cursor = NULL. NULL = end. */
const struct tg_waiter *tg_shop_each_waiting(const struct tg_shop *shop, const char *person,
                                             const struct tg_waiter **cursor);
/* Units that offers hold, by SKU: the audit counts them. */
int32_t tg_shop_offered(const struct tg_shop *shop, const char *sku);
int32_t tg_shop_offered_at(const struct tg_shop *shop, const char *sku, uint16_t location);

/*
 * People who must be told where they stand after this batch, once each: those who changed, and of
 * the lines that moved the first TG_WAITERS_TOLD. Call until false before commit; *ret_place is 0
 * for those who are gone.
 */
bool tg_shop_tell_waiter(struct tg_shop *shop, const struct tg_waiter **ret, uint32_t *ret_place);

#endif
