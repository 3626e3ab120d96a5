/*
 * GLib's locks, told to ThreadSanitizer. Debian's libglib is not instrumented and its GMutex waits
 * on a futex of its own, so that TSan would report every hand-over under it. Linked into torgd in
 * TG_BUILD=tsan only, these definitions come before the library's, call it, and say what order it
 * gave. (What libraries do inside themselves is left out by
 * TSAN_OPTIONS=ignore_noninstrumented_modules=1.)
 */
#include <dlfcn.h>
#include <gst/gst.h>
#include <stdatomic.h>
#include <stdint.h>

void __tsan_acquire(void *addr);
void __tsan_release(void *addr);

/* Everything that was attached to a main context before its loop last looked. */
static char attached;

/* Where a library's own function is, once it has been looked up. */
typedef _Atomic(uintptr_t) slot;

static uintptr_t look_up(slot *kept, const char *name)
{
    uintptr_t found = atomic_load_explicit(kept, memory_order_relaxed);

    if (found == 0) {
        found = (uintptr_t)dlsym(RTLD_NEXT, name);
        atomic_store_explicit(kept, found, memory_order_relaxed);
    }
    return found;
}

#define REAL(name) ((__typeof__(&(name)))look_up(&kept, #name))

#define LOCK(name, type)                                                                           \
    void name(type *lock)                                                                          \
    {                                                                                              \
        static slot kept;                                                                          \
        REAL(name)(lock);                                                                          \
        __tsan_acquire(lock);                                                                      \
    }

#define TRY(name, type)                                                                            \
    gboolean name(type *lock)                                                                      \
    {                                                                                              \
        static slot kept;                                                                          \
        gboolean got = REAL(name)(lock);                                                           \
        if (got)                                                                                   \
            __tsan_acquire(lock);                                                                  \
        return got;                                                                                \
    }

#define UNLOCK(name, type)                                                                         \
    void name(type *lock)                                                                          \
    {                                                                                              \
        static slot kept;                                                                          \
        __tsan_release(lock);                                                                      \
        REAL(name)(lock);                                                                          \
    }

LOCK(g_mutex_lock, GMutex)
TRY(g_mutex_trylock, GMutex)
UNLOCK(g_mutex_unlock, GMutex)
LOCK(g_rec_mutex_lock, GRecMutex)
TRY(g_rec_mutex_trylock, GRecMutex)
UNLOCK(g_rec_mutex_unlock, GRecMutex)
LOCK(g_rw_lock_reader_lock, GRWLock)
UNLOCK(g_rw_lock_reader_unlock, GRWLock)
LOCK(g_rw_lock_writer_lock, GRWLock)
UNLOCK(g_rw_lock_writer_unlock, GRWLock)

void g_cond_wait(GCond *cond, GMutex *lock)
{
    static slot kept;

    __tsan_release(lock);
    REAL(g_cond_wait)(cond, lock);
    __tsan_acquire(lock);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *lock, gint64 mono_us)
{
    static slot kept;
    gboolean woken;

    __tsan_release(lock);
    woken = REAL(g_cond_wait_until)(cond, lock, mono_us);
    __tsan_acquire(lock);
    return woken;
}

/* The last reference's holder sees what every other holder did. */
void g_object_unref(gpointer object)
{
    static slot kept;

    __tsan_release(object);
    __tsan_acquire(object);
    REAL(g_object_unref)(object);
}

void gst_mini_object_unref(GstMiniObject *object)
{
    static slot kept;

    __tsan_release(object);
    __tsan_acquire(object);
    REAL(gst_mini_object_unref)(object);
}

guint g_source_attach(GSource *source, GMainContext *context)
{
    static slot kept;

    __tsan_release(&attached);
    return REAL(g_source_attach)(source, context);
}

static gint look(GPollFD *fds, guint count, gint wait_ms)
{
    gint ready = g_poll(fds, count, wait_ms);

    __tsan_acquire(&attached);
    return ready;
}

void g_main_loop_run(GMainLoop *loop)
{
    static slot kept;

    g_main_context_set_poll_func(g_main_loop_get_context(loop), look);
    REAL(g_main_loop_run)(loop);
}
