/*
 * macros.h - assertions that stay on in release, and the few macros that every room uses.
 */
#ifndef TG_BASE_MACROS_H
#define TG_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#define TG_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define TG_MIN(a, b) ((a) < (b) ? (a) : (b))
#define TG_MAX(a, b) ((a) > (b) ? (a) : (b))
#define TG_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define TG_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define TG_UNUSED __attribute__((unused))
#define TG_LIKELY(x) __builtin_expect(!!(x), 1)
#define TG_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Scope cleanup: TG_AUTO(tg_x_freep) struct tg_x *x = NULL; the function gets a pointer to x. */
#define TG_AUTO(fn) __attribute__((cleanup(fn)))

/* A bug, never bad input: prints the place and a backtrace and aborts, in release builds too. */
#define TG_ASSERT(cond)                                                                            \
    do {                                                                                           \
        if (TG_UNLIKELY(!(cond)))                                                                  \
            tg_assert_failed(#cond, __FILE__, __LINE__);                                           \
    } while (0)

_Noreturn void tg_assert_failed(const char *cond, const char *file, int line);

/* Microseconds. Monotonic "now" values never go back within a process. */
typedef int64_t tg_us;
enum { TG_US_PER_MS = 1000, TG_US_PER_S = 1000000 };
#define TG_US_NEVER INT64_MAX

#endif
