#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL_MAX = 1024 }; /* glibc's thread cache ends there */

/* Through a pointer that the compiler cannot know: it makes calloc of malloc and memset. */
static void *(*volatile zero_fn)(void *, int, size_t) = memset;

static void zero(void *block, size_t size)
{
    (void)zero_fn(block, 0, size);
}

static _Thread_local long fail_in = -1;
static _Thread_local bool failed;

void tg_alloc_fail_nth(long nth)
{
    fail_in = nth;
    failed = false;
}

bool tg_alloc_failed(void)
{
    return failed;
}

static bool must_fail(void)
{
    if (fail_in < 0)
        return false;
    if (fail_in-- > 0)
        return false;
    failed = true;
    return true;
}

bool tg_mul_size(size_t a, size_t b, size_t *ret)
{
    size_t product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *ret = product;
    return true;
}

/* glibc's calloc never takes from the thread's own free blocks, malloc does: half the price of a
 * message. Large ones may come fresh from the kernel, as zeroes, which only calloc knows. */
void *tg_calloc(size_t n, size_t size)
{
    size_t total;
    void *block;

    if (must_fail() || !tg_mul_size(n, size, &total))
        return NULL;
    if (total > SMALL_MAX)
        return calloc(n, size);
    block = malloc(total);
    if (block != NULL)
        zero(block, total);
    return block;
}

void *tg_realloc(void *old, size_t n, size_t size)
{
    size_t total;

    if (must_fail() || !tg_mul_size(n, size, &total) || total == 0)
        return NULL;
    return realloc(old, total);
}

char *tg_strndup(const char *text, size_t len)
{
    char *copy = tg_calloc(len + 1, 1);

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *tg_strdup(const char *text)
{
    return tg_strndup(text, strlen(text));
}

void tg_free(void *ptr)
{
    free(ptr);
}

void tg_freep(void *ptr_to_ptr)
{
    void **slot = ptr_to_ptr;

    free(*slot);
    *slot = NULL;
}
