#include "net/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    BATCH = 64,         /* descriptors of one turn */
    MESSAGES_MAX = 256, /* mailbox messages of one turn */
    MESSAGES_STEP = 8,  /* ... taken between two looks at the clock */
    MESSAGES_US = 2 * TG_US_PER_MS,
    SLOW_US = 20 * TG_US_PER_MS,
};

struct tg_loop {
    int epoll;
    int wake;
    atomic_bool woken; /* a wake is on its way; saves system calls */
    atomic_bool stop;
    struct tg_watch wake_watch;
    struct tg_watch mailbox_watch;
    struct tg_heap timers;
    struct tg_mailbox *mailbox;
    tg_loop_msg_fn message_fn;
    void *message_ctx;
    tg_loop_fn turn_fn;
    void *turn_ctx;
    tg_us wake_at;
    struct epoll_event batch[BATCH];
    int batch_at;
    int batch_count;
    struct tg_log_burst slow;
};

/* --- life ------------------------------------------------------------------------------------- */

static void on_wake(void *ctx, uint32_t events, tg_us now)
{
    struct tg_loop *loop = ctx;
    uint64_t count;

    (void)events;
    (void)now;
    (void)!read(loop->wake, &count, sizeof(count)); /* level-triggered: nothing to do on error */
    /*
     * After the read: a wake in between finds `woken` still set and writes nothing, but what it
     * announces was done before, so this turn sees it.
     */
    (void)atomic_exchange(&loop->woken, false);
}

tg_err tg_loop_new(struct tg_loop **ret)
{
    struct tg_loop *loop = tg_calloc(1, sizeof(*loop));

    if (loop == NULL)
        return TG_ERR_NOMEM;
    atomic_init(&loop->woken, false);
    atomic_init(&loop->stop, false);
    loop->wake_at = TG_US_NEVER;
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->wake < 0 || loop->epoll < 0 ||
        tg_loop_watch(loop, &loop->wake_watch, loop->wake, EPOLLIN, on_wake, loop) != TG_OK) {
        tg_loop_free(loop);
        return TG_ERR_IO;
    }
    *ret = loop;
    return TG_OK;
}

void tg_loop_free(struct tg_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->epoll >= 0)
        (void)close(loop->epoll);
    if (loop->wake >= 0)
        (void)close(loop->wake);
    tg_heap_done(&loop->timers);
    tg_free(loop);
}

/* --- descriptors ------------------------------------------------------------------------------ */

tg_err tg_loop_watch(struct tg_loop *loop, struct tg_watch *w, int fd, uint32_t events,
                     tg_loop_fd_fn fn, void *ctx)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};

    TG_ASSERT(!w->on);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
        return errno == ENOMEM ? TG_ERR_NOMEM : TG_ERR_IO;
    *w = (struct tg_watch){.fd = fd, .on = true, .fn = fn, .ctx = ctx};
    return TG_OK;
}

void tg_loop_rewatch(struct tg_loop *loop, struct tg_watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};

    TG_ASSERT(w->on);
    /* Cannot fail: the descriptor is in the set and no memory is needed. */
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, w->fd, &ev);
}

void tg_loop_unwatch(struct tg_loop *loop, struct tg_watch *w)
{
    if (!w->on)
        return;
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, w->fd, NULL); /* it is in the set */
    w->on = false;
    /* The same turn must not call it any more: its memory may be gone. */
    for (int i = loop->batch_at; i < loop->batch_count; i++) {
        if (loop->batch[i].data.ptr == w)
            loop->batch[i].data.ptr = NULL;
    }
}

/* --- timers and mailbox ----------------------------------------------------------------------- */

tg_err tg_loop_timer_set(struct tg_loop *loop, struct tg_timer *t, tg_us at, tg_loop_fn fn,
                         void *ctx)
{
    t->fn = fn;
    t->ctx = ctx;
    return tg_heap_set(&loop->timers, &t->node, at);
}

void tg_loop_timer_clear(struct tg_loop *loop, struct tg_timer *t)
{
    tg_heap_remove(&loop->timers, &t->node);
}

static void run_timers(struct tg_loop *loop, tg_us now)
{
    struct tg_heap_node *node;

    while ((node = tg_heap_pop_due(&loop->timers, now)) != NULL) {
        struct tg_timer *t = TG_CONTAINER_OF(node, struct tg_timer, node);

        t->fn(t->ctx, now);
    }
}

static void on_mailbox(void *ctx, uint32_t events, tg_us now)
{
    struct tg_loop *loop = ctx;
    const tg_us until = tg_clock_mono() + MESSAGES_US;
    void *messages[MESSAGES_STEP];
    size_t count = MESSAGES_STEP;

    (void)events;
    /* What is left makes the mailbox readable in the next turn. */
    for (int done = 0; done < MESSAGES_MAX && count == MESSAGES_STEP; done += MESSAGES_STEP) {
        if (done > 0 && tg_clock_mono() >= until)
            return;
        count = tg_mailbox_take(loop->mailbox, messages, MESSAGES_STEP);
        for (size_t i = 0; i < count; i++)
            loop->message_fn(loop->message_ctx, messages[i], now);
    }
}

tg_err tg_loop_mailbox(struct tg_loop *loop, struct tg_mailbox *mb, tg_loop_msg_fn fn, void *ctx)
{
    loop->mailbox = mb;
    loop->message_fn = fn;
    loop->message_ctx = ctx;
    return tg_loop_watch(loop, &loop->mailbox_watch, tg_mailbox_fd(mb), EPOLLIN, on_mailbox, loop);
}

void tg_loop_turn(struct tg_loop *loop, tg_loop_fn fn, void *ctx)
{
    loop->turn_fn = fn;
    loop->turn_ctx = ctx;
}

void tg_loop_wake_at(struct tg_loop *loop, tg_us at)
{
    loop->wake_at = TG_MIN(loop->wake_at, at);
}

/* --- turning ---------------------------------------------------------------------------------- */

void tg_loop_wake(struct tg_loop *loop)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&loop->woken, true))
        (void)!write(loop->wake, &one, sizeof(one)); /* full = awake anyway */
}

void tg_loop_stop(struct tg_loop *loop)
{
    atomic_store(&loop->stop, true);
    tg_loop_wake(loop);
}

static int wait_events(struct tg_loop *loop, tg_us wait_us)
{
    const struct timespec wait = {.tv_sec = wait_us / TG_US_PER_S,
                                  .tv_nsec = wait_us % TG_US_PER_S * 1000};
    const int got =
        epoll_pwait2(loop->epoll, loop->batch, BATCH, wait_us == TG_US_NEVER ? NULL : &wait, NULL);

    return got < 0 ? 0 : got; /* EINTR: a turn without events */
}

static void run_events(struct tg_loop *loop, tg_us now)
{
    for (loop->batch_at = 0; loop->batch_at < loop->batch_count; loop->batch_at++) {
        const struct epoll_event *ev = &loop->batch[loop->batch_at];
        struct tg_watch *w = ev->data.ptr;

        if (w != NULL)
            w->fn(w->ctx, ev->events, now);
    }
    loop->batch_at = 0;
    loop->batch_count = 0;
}

static void warn_slow(struct tg_loop *loop, tg_us began, const char *what)
{
    const tg_us now = tg_clock_mono();
    uint64_t times;

    if (now - began <= SLOW_US)
        return;
    times = tg_log_burst(&loop->slow, now, 10 * (tg_us)TG_US_PER_S);
    if (times > 0)
        tg_log_warn("loop", "slow_turn", "part=%s took_ms=%lld times=%llu", what,
                    (long long)((now - began) / TG_US_PER_MS), (unsigned long long)times);
}

void tg_loop_once(struct tg_loop *loop, tg_us wait_us)
{
    const tg_us next = TG_MIN(loop->wake_at, tg_heap_deadline(&loop->timers));
    tg_us now;

    if (next != TG_US_NEVER) {
        now = tg_clock_mono();
        wait_us = TG_MIN(wait_us, next <= now ? 0 : next - now);
    }
    loop->wake_at = TG_US_NEVER;
    loop->batch_count = wait_events(loop, wait_us);
    now = tg_clock_mono();
    run_events(loop, now);
    warn_slow(loop, now, "events");
    run_timers(loop, now);
    if (loop->turn_fn != NULL) {
        loop->turn_fn(loop->turn_ctx, now);
        warn_slow(loop, now, "turn");
    }
}

void tg_loop_run(struct tg_loop *loop)
{
    while (!atomic_load(&loop->stop))
        tg_loop_once(loop, TG_US_NEVER);
}
