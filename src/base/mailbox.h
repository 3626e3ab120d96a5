/*
 * mailbox.h - how threads talk: a bounded queue of messages, many producers, one consumer.
 *
 * A message is a heap struct of msg/ whose ownership moves with the post. Overflow rule: push back
 * - post answers LIMIT, the message is freed, and the producer tells its own client "busy". The
 * consumer is woken through an eventfd (for epoll, or tg_mailbox_wait) or, when it has a loop of
 * its own (libwebsockets, GLib), through a wake function that must be callable from any thread.
 */
#ifndef TG_BASE_MAILBOX_H
#define TG_BASE_MAILBOX_H

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

struct tg_mailbox;
typedef void (*tg_msg_free_fn)(void *msg);
typedef void (*tg_wake_fn)(void *ctx);

/* free_msg frees what nobody took. Errors: NOMEM, LIMIT (capacity 1..1048576), IO (eventfd). */
TG_MUST_CHECK tg_err tg_mailbox_new(struct tg_mailbox **ret, size_t capacity,
                                    tg_msg_free_fn free_msg);
/* After all producers ended. Frees what is left. */
void tg_mailbox_free(struct tg_mailbox *mb);
/* Call before the first post. Replaces the eventfd wake. */
void tg_mailbox_set_wake(struct tg_mailbox *mb, tg_wake_fn wake, void *ctx);
/* Any thread. OK, LIMIT (full), CLOSED; the message is taken (freed on error) in every case. */
tg_err tg_mailbox_post(struct tg_mailbox *mb, void *take_msg);
/*
 * Like post, but the consumer sleeps on: for many messages in a row, after which tg_mailbox_wake
 * wakes it once. Waking it for the first would have it run, on a busy machine, before the second is
 * there.
 */
tg_err tg_mailbox_post_quiet(struct tg_mailbox *mb, void *take_msg);
/*
 * Like post, but goes in even when full: for answers to requests that were admitted through a
 * bounded mailbox, so their number is bounded already. NOMEM or CLOSED frees the message.
 */
tg_err tg_mailbox_post_reply(struct tg_mailbox *mb, void *take_msg);
/* Both at once. */
tg_err tg_mailbox_post_reply_quiet(struct tg_mailbox *mb, void *take_msg);
/* Any thread. Wakes the consumer when messages wait. */
void tg_mailbox_wake(struct tg_mailbox *mb);
/* Consumer: up to max messages in posting order, without waiting. The caller owns them. */
size_t tg_mailbox_take(struct tg_mailbox *mb, void **out, size_t max);
/* Consumer: wait until a message is there or wait_us passed (TG_US_NEVER: for ever). */
void tg_mailbox_wait(struct tg_mailbox *mb, tg_us wait_us);
/* Readable when messages wait. Take clears it when the box is empty. */
int tg_mailbox_fd(const struct tg_mailbox *mb);
/* Any thread. Later posts answer CLOSED; the consumer is woken. */
void tg_mailbox_close(struct tg_mailbox *mb);
/* Consumer: true once closed and empty. */
_Bool tg_mailbox_ended(struct tg_mailbox *mb);

#endif
