/* payments_priv.h - the books of an order's money, which the payments_*.c of this room share.
 *
 * Every authorisation (promise of money) has an account of its own: what was captured of it and
 * what went back. One of them pays the order (`paid_by`); money of any other is not the order's and
 * goes back whole. The order's sums are always those of the intents (recount). */
#ifndef TG_SHOP_PAYMENTS_PRIV_H
#define TG_SHOP_PAYMENTS_PRIV_H

#include "shop/shop_priv.h"

/* A new question, or money that came unasked; room: tg_intents_ready. Its row is written with its
 * answer. */
struct tg_intent *tg_intent_add(const struct tg_shop *shop, struct tg_order *order,
                                enum tg_intent_kind kind, uint32_t of, int64_t amount, tg_us wall);
/* ... and the provider is asked. quiet: what it does when done is said by another event. */
void tg_intent_ask(struct tg_shop *shop, struct tg_order *order, enum tg_intent_kind kind,
                   uint32_t of, int64_t amount, bool quiet, tg_us wall);
/* Its row, as it is when the batch ends. */
void tg_intent_write(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in,
                     tg_us wall);
/* The provider's answer to one question, of in->amount. */
void tg_intent_answer(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in, bool done,
                      bool quiet, tg_us wall);
/* What the account still has room for: no more is taken than was promised, none goes back that did
 * not come. in: a capture or refund, which is not done itself. */
int64_t tg_intent_room(const struct tg_order *order, const struct tg_intent *in);
/* A capture or refund that was not done yet is: what the provider moved is booked (amount < 1 =
 * what was asked), as far as there is room, which may be nothing; the rest is told of. */
void tg_intent_book(struct tg_shop *shop, struct tg_order *order, struct tg_intent *in,
                    int64_t amount, tg_us wall);
/* The newest of its kind, of the authorisation (0 = of any); NULL = none. */
struct tg_intent *tg_intent_last(const struct tg_order *order, enum tg_intent_kind kind,
                                 uint32_t of);
/* The newest in this state. */
struct tg_intent *tg_intent_newest(const struct tg_order *order, enum tg_intent_kind kind,
                                   uint32_t of, enum tg_intent_state state);
/* Amounts of one kind and state of one authorisation. */
int64_t tg_intent_sum(const struct tg_order *order, enum tg_intent_kind kind,
                      enum tg_intent_state state, uint32_t of);
/* What came of the authorisation and is neither back nor on its way back. */
int64_t tg_payment_kept(const struct tg_order *order, uint32_t of);
/* It was let go of. */
bool tg_payment_void(const struct tg_order *order, uint32_t of);
/* The order's sums and payment state, from its intents. */
void tg_payment_recount(struct tg_order *order);
/* More was taken than the order costs now: units were cancelled while the money was on its way. */
void tg_payment_tidy(struct tg_order *order);
/* Some of the promise was not taken, and nobody waits for it. */
bool tg_payment_idle(const struct tg_order *order, uint32_t of);
/* ... then it is let go of, once. */
void tg_payment_unwanted(struct tg_shop *shop, struct tg_order *order, uint32_t of, tg_us wall);
/* Let go of what was not taken of the promise, unless that is done or on its way. */
void tg_payment_let_go(struct tg_shop *shop, struct tg_order *order, uint32_t of, tg_us wall);
/* Money that is there already, a capture that nobody asked for: booked as far as there is room;
 * the rest is told of. */
void tg_payment_take_in(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                        bool quiet, tg_us wall);
/* ... of an authorisation that is known; what the order does not cost goes back. */
void tg_payment_take_more(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                          tg_us wall);
/* payments_new.c: promised, or taken at once (the news of the promise may come later, or never). */
void tg_payment_new(struct tg_shop *shop, struct tg_shop_now now, struct tg_order *order,
                    const struct tg_claim *c, bool taken, struct tg_verdict *out);
/* Asks what of account `of` (an authorisation's number) has to go back and was not asked yet. */
void tg_payment_settle_of(struct tg_shop *shop, struct tg_order *order, uint32_t of, tg_us wall);
/* What came for nothing: let go of it, or pay it back when it was taken already. */
void tg_payment_send_back(struct tg_shop *shop, struct tg_order *order, uint32_t of, int64_t amount,
                          bool taken, tg_us wall);
/* Room for more intents, if there is any; whoever needs it asks tg_intents_ready. */
void tg_intents_grow(struct tg_order *order);
/* ... for one. */
bool tg_intents_left(const struct tg_order *order);
/* The order of a payment; NULL: the verdict says why. Room for intents is not sure. */
struct tg_order *tg_payment_order(struct tg_shop *shop, const struct tg_claim *c,
                                  struct tg_verdict *out);

#endif
