#include "base/thread.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"

struct tg_thread {
    pthread_t id;
    char name[16];
    tg_thread_fn run;
    void *ctx;
};

void tg_mutex_init(struct tg_mutex *m)
{
    TG_ASSERT(pthread_mutex_init(&m->raw, NULL) == 0);
}

void tg_mutex_done(struct tg_mutex *m)
{
    TG_ASSERT(pthread_mutex_destroy(&m->raw) == 0);
}

/* The annotation on the declaration speaks for these two; their bodies cannot be analysed. */
TG_TSA(no_thread_safety_analysis) void tg_mutex_lock(struct tg_mutex *m)
{
    TG_ASSERT(pthread_mutex_lock(&m->raw) == 0);
}

TG_TSA(no_thread_safety_analysis) void tg_mutex_unlock(struct tg_mutex *m)
{
    TG_ASSERT(pthread_mutex_unlock(&m->raw) == 0);
}

static void *trampoline(void *arg)
{
    struct tg_thread *thread = arg;

    (void)prctl(PR_SET_NAME, thread->name); /* cosmetic */
    thread->run(thread->ctx);
    return NULL;
}

tg_err tg_thread_start(struct tg_thread **ret, const char *name, tg_thread_fn run, void *ctx)
{
    struct tg_thread *thread = tg_calloc(1, sizeof(*thread));
    sigset_t all;
    sigset_t before;
    int rc;

    if (thread == NULL)
        return TG_ERR_NOMEM;
    *thread = (struct tg_thread){.run = run, .ctx = ctx};
    tg_str_cut(thread->name, sizeof(thread->name), name);
    (void)sigfillset(&all); /* cannot fail on a valid pointer */
    TG_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    rc = pthread_create(&thread->id, NULL, trampoline, thread);
    TG_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (rc != 0) {
        tg_free(thread);
        return TG_ERR_IO;
    }
    *ret = thread;
    return TG_OK;
}

void tg_thread_join(struct tg_thread *thread)
{
    if (thread == NULL)
        return;
    TG_ASSERT(pthread_join(thread->id, NULL) == 0);
    tg_free(thread);
}

void tg_thread_pause(tg_us us)
{
    struct timespec pause = {.tv_sec = us / TG_US_PER_S,
                             .tv_nsec = (long)(us % TG_US_PER_S) * 1000};

    (void)nanosleep(&pause, NULL); /* cut short by a signal: less is as good */
}

void tg_owner_check(struct tg_owner *owner)
{
    if (!owner->bound) {
        owner->thread = pthread_self();
        owner->bound = 1;
        return;
    }
    TG_ASSERT(pthread_equal(owner->thread, pthread_self()));
}

void tg_owner_release(struct tg_owner *owner)
{
    owner->bound = 0;
}
