/*
 * loop.h - an epoll loop for one thread: descriptors, timers, a mailbox, a wake from other threads.
 *
 * One turn: wait, read the clock once, call the ready descriptors, due timers, the mailbox's
 * messages, the turn function. Callbacks run on the loop's thread and may add, change or remove any
 * watch or timer, also their own. A handler that takes over 20 ms is logged.
 */
#ifndef TG_NET_LOOP_H
#define TG_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/macros.h"
#include "base/mailbox.h"

struct tg_loop;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. */
typedef void (*tg_loop_fd_fn)(void *ctx, uint32_t events, tg_us now);
typedef void (*tg_loop_fn)(void *ctx, tg_us now);
/* Owns msg. */
typedef void (*tg_loop_msg_fn)(void *ctx, void *take_msg, tg_us now);

/* Caller's memory, usually a member; zero-initialise. Must stay until unwatched. */
struct tg_watch {
    int fd;
    bool on;
    tg_loop_fd_fn fn;
    void *ctx;
};

/* Caller's memory; zero-initialise. Must stay until it fired or was cleared. */
struct tg_timer {
    struct tg_heap_node node;
    tg_loop_fn fn;
    void *ctx;
};

/* Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_loop_new(struct tg_loop **ret);
/* Watches and timers left are forgotten; descriptors are their owners'. */
void tg_loop_free(struct tg_loop *loop);

/* Level-triggered. The descriptor stays the caller's: unwatch before closing it. Errors: IO. */
TG_MUST_CHECK tg_err tg_loop_watch(struct tg_loop *loop, struct tg_watch *w, int fd,
                                   uint32_t events, tg_loop_fd_fn fn, void *ctx);
/* Change the events of a watched descriptor. */
void tg_loop_rewatch(struct tg_loop *loop, struct tg_watch *w, uint32_t events);
/* Not being watched is legal. */
void tg_loop_unwatch(struct tg_loop *loop, struct tg_watch *w);

/* Once, at `at` (again: moves it). Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_loop_timer_set(struct tg_loop *loop, struct tg_timer *t, tg_us at,
                                       tg_loop_fn fn, void *ctx);
void tg_loop_timer_clear(struct tg_loop *loop, struct tg_timer *t);

/*
 * Call fn for each message, at most 256 and for about 2 ms a turn, so that many requests at once do
 * not keep the turn function waiting. mb stays the caller's. Errors: IO.
 */
TG_MUST_CHECK tg_err tg_loop_mailbox(struct tg_loop *loop, struct tg_mailbox *mb, tg_loop_msg_fn fn,
                                     void *ctx);
/* Called at the end of every turn. */
void tg_loop_turn(struct tg_loop *loop, tg_loop_fn fn, void *ctx);
/* Run the next turn at `at` at the latest (kept for one turn; for turn functions). */
void tg_loop_wake_at(struct tg_loop *loop, tg_us at);
/* Any thread: run a turn soon. Many calls before that turn cost one system call. */
void tg_loop_wake(struct tg_loop *loop);
/* Turns until tg_loop_stop. */
void tg_loop_run(struct tg_loop *loop);
/* One turn that waits at most wait_us; for tests. */
void tg_loop_once(struct tg_loop *loop, tg_us wait_us);
/* Any thread: run returns after the present turn. */
void tg_loop_stop(struct tg_loop *loop);

#endif
