#include "base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"

struct tg_mailbox {
    struct tg_mutex lock;
    void **slots TG_GUARDED_BY(lock); /* circular, grows to capacity on demand */
    size_t slots_cap TG_GUARDED_BY(lock);
    size_t head TG_GUARDED_BY(lock);
    size_t count TG_GUARDED_BY(lock);
    bool signalled TG_GUARDED_BY(lock); /* a wake is on its way; do not send a second */
    bool closed TG_GUARDED_BY(lock);
    size_t capacity;
    int fd;
    tg_msg_free_fn free_msg;
    tg_wake_fn wake;
    void *wake_ctx;
};

tg_err tg_mailbox_new(struct tg_mailbox **ret, size_t capacity, tg_msg_free_fn free_msg)
{
    struct tg_mailbox *mb;

    if (capacity < 1 || capacity > 1048576)
        return TG_ERR_LIMIT;
    mb = tg_calloc(1, sizeof(*mb));
    if (mb == NULL)
        return TG_ERR_NOMEM;
    mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mb->fd < 0) {
        tg_free(mb);
        return TG_ERR_IO;
    }
    tg_mutex_init(&mb->lock);
    mb->capacity = capacity;
    mb->free_msg = free_msg;
    *ret = mb;
    return TG_OK;
}

void tg_mailbox_free(struct tg_mailbox *mb)
{
    void *msg;

    if (mb == NULL)
        return;
    while (tg_mailbox_take(mb, &msg, 1) == 1)
        mb->free_msg(msg);
    (void)close(mb->fd); /* nothing to flush on an eventfd */
    tg_mutex_lock(&mb->lock);
    tg_free(mb->slots);
    tg_mutex_unlock(&mb->lock);
    tg_mutex_done(&mb->lock);
    tg_free(mb);
}

void tg_mailbox_set_wake(struct tg_mailbox *mb, tg_wake_fn wake, void *ctx)
{
    mb->wake = wake;
    mb->wake_ctx = ctx;
}

static void signal_consumer(struct tg_mailbox *mb)
{
    uint64_t one = 1;

    if (mb->wake != NULL)
        mb->wake(mb->wake_ctx);
    else
        while (write(mb->fd, &one, sizeof(one)) < 0 && errno == EINTR)
            continue; /* EAGAIN means the counter is full: it is readable then */
}

static tg_err grow(struct tg_mailbox *mb) TG_REQUIRES(mb->lock)
{
    size_t cap = mb->slots_cap == 0 ? 16 : mb->slots_cap * 2;
    void **slots = tg_calloc(cap, sizeof(*slots));

    if (slots == NULL)
        return TG_ERR_NOMEM;
    for (size_t i = 0; i < mb->count; i++)
        slots[i] = mb->slots[(mb->head + i) % mb->slots_cap];
    tg_free(mb->slots);
    mb->slots = slots;
    mb->slots_cap = cap;
    mb->head = 0;
    return TG_OK;
}

static tg_err enqueue(struct tg_mailbox *mb, void *msg, bool bounded) TG_REQUIRES(mb->lock)
{
    if (mb->closed)
        return TG_ERR_CLOSED;
    if (bounded && mb->count >= mb->capacity)
        return TG_ERR_LIMIT;
    if (mb->count == mb->slots_cap) {
        tg_err err = grow(mb);

        if (err != TG_OK)
            return err;
    }
    mb->slots[(mb->head + mb->count) % mb->slots_cap] = msg;
    mb->count++;
    return TG_OK;
}

/* Somebody must be told that messages wait; true = by the caller, without the lock. */
static bool must_wake(struct tg_mailbox *mb) TG_REQUIRES(mb->lock)
{
    bool must = mb->count > 0 && !mb->signalled;

    mb->signalled = mb->signalled || must;
    return must;
}

static tg_err post(struct tg_mailbox *mb, void *msg, bool bounded, bool quiet)
{
    bool must_signal = false;
    tg_err err;

    TG_ASSERT(msg != NULL);
    tg_mutex_lock(&mb->lock);
    err = enqueue(mb, msg, bounded);
    if (err == TG_OK && !quiet)
        must_signal = must_wake(mb);
    tg_mutex_unlock(&mb->lock);
    if (err != TG_OK)
        mb->free_msg(msg);
    else if (must_signal)
        signal_consumer(mb);
    return err;
}

tg_err tg_mailbox_post(struct tg_mailbox *mb, void *take_msg)
{
    return post(mb, take_msg, true, false);
}

tg_err tg_mailbox_post_quiet(struct tg_mailbox *mb, void *take_msg)
{
    return post(mb, take_msg, true, true);
}

tg_err tg_mailbox_post_reply(struct tg_mailbox *mb, void *take_msg)
{
    return post(mb, take_msg, false, false);
}

tg_err tg_mailbox_post_reply_quiet(struct tg_mailbox *mb, void *take_msg)
{
    return post(mb, take_msg, false, true);
}

void tg_mailbox_wake(struct tg_mailbox *mb)
{
    bool must_signal;

    tg_mutex_lock(&mb->lock);
    must_signal = must_wake(mb);
    tg_mutex_unlock(&mb->lock);
    if (must_signal)
        signal_consumer(mb);
}

size_t tg_mailbox_take(struct tg_mailbox *mb, void **out, size_t max)
{
    uint64_t drained;
    size_t taken = 0;

    tg_mutex_lock(&mb->lock);
    while (taken < max && mb->count > 0) {
        out[taken++] = mb->slots[mb->head];
        mb->head = (mb->head + 1) % mb->slots_cap;
        mb->count--;
    }
    if (mb->count == 0 && mb->signalled && !mb->closed) {
        mb->signalled = false;
        if (mb->wake == NULL)
            (void)!read(mb->fd, &drained, sizeof(drained)); /* EAGAIN: the wake is still coming */
    }
    tg_mutex_unlock(&mb->lock);
    return taken;
}

void tg_mailbox_wait(struct tg_mailbox *mb, tg_us wait_us)
{
    struct pollfd pfd = {.fd = mb->fd, .events = POLLIN};
    int wait_ms = -1;

    if (wait_us != TG_US_NEVER)
        wait_ms = wait_us <= 0 ? 0 : (int)TG_MIN((wait_us + 999) / 1000, (tg_us)INT32_MAX);
    (void)poll(&pfd, 1, wait_ms); /* EINTR: the caller's loop comes again */
}

int tg_mailbox_fd(const struct tg_mailbox *mb)
{
    return mb->fd;
}

void tg_mailbox_close(struct tg_mailbox *mb)
{
    tg_mutex_lock(&mb->lock);
    mb->closed = true;
    mb->signalled = true;
    tg_mutex_unlock(&mb->lock);
    signal_consumer(mb);
}

_Bool tg_mailbox_ended(struct tg_mailbox *mb)
{
    bool ended;

    tg_mutex_lock(&mb->lock);
    ended = mb->closed && mb->count == 0;
    tg_mutex_unlock(&mb->lock);
    return ended;
}
