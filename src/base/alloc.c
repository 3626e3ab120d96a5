#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

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

void *tg_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : calloc(n, size); /* calloc checks the product itself */
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
