/*
 * thread.h - threads with names, mutexes with clang's thread-safety annotations, owner checks.
 */
#ifndef TG_BASE_THREAD_H
#define TG_BASE_THREAD_H

#include <pthread.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"

#if defined(__clang__)
#define TG_TSA(x) __attribute__((x))
#else
#define TG_TSA(x)
#endif
/* A member is guarded by that lock. For the reader: clang 14 cannot name sibling members in C. */
#define TG_GUARDED_BY(m)
#define TG_REQUIRES(m) TG_TSA(requires_capability(m))

struct TG_TSA(capability("mutex")) tg_mutex {
    pthread_mutex_t raw;
};

void tg_mutex_init(struct tg_mutex *m);
void tg_mutex_done(struct tg_mutex *m);
void tg_mutex_lock(struct tg_mutex *m) TG_TSA(acquire_capability(*m));
void tg_mutex_unlock(struct tg_mutex *m) TG_TSA(release_capability(*m));

typedef void (*tg_thread_fn)(void *ctx);
struct tg_thread;

/* name is copied, at most 15 characters. All signals are blocked in the thread. Errors: NOMEM, IO.
 */
TG_MUST_CHECK tg_err tg_thread_start(struct tg_thread **ret, const char *name, tg_thread_fn run,
                                     void *ctx);
/* Waits for the end and frees. NULL is legal. */
void tg_thread_join(struct tg_thread *thread);

/* Lets others have the core for so long, or less when a signal comes. Only to pace work that comes
 * in a stream: what waits for something waits for its event. */
void tg_thread_pause(tg_us us);

/* Which thread owns an object: the first check binds it, later checks from another thread abort. */
struct tg_owner {
    pthread_t thread;
    _Bool bound;
};
void tg_owner_check(struct tg_owner *owner);
/* Before the object is handed to another thread. */
void tg_owner_release(struct tg_owner *owner);

#endif
