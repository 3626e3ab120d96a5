/*
 * alloc.h - checked allocation. Thread-safe. Tests can make the Nth allocation fail.
 *
 * All rooms but media/ and plugins/ (GLib) allocate through these, so that the "every allocation
 * fails once" tests reach them.
 */
#ifndef TG_BASE_ALLOC_H
#define TG_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Zeroed memory of n * size bytes, NULL when out of memory or when the product overflows. */
TG_MUST_CHECK void *tg_calloc(size_t n, size_t size);
/* Like realloc of n * size; the old block stays valid on NULL. */
TG_MUST_CHECK void *tg_realloc(void *old, size_t n, size_t size);
/* A copy of the first len bytes, followed by a NUL. */
TG_MUST_CHECK char *tg_strndup(const char *text, size_t len);
TG_MUST_CHECK char *tg_strdup(const char *text);
void tg_free(void *ptr);
/* For TG_AUTO(tg_freep): frees what the pointed-to pointer holds. */
void tg_freep(void *ptr_to_ptr);
/* false on overflow, *ret untouched then. */
TG_MUST_CHECK bool tg_mul_size(size_t a, size_t b, size_t *ret);

/*
 * Tests only: the allocation number `nth` (0 = the next one) of this thread fails; -1 switches off.
 * tg_alloc_failed() says whether the armed failure has happened.
 */
void tg_alloc_fail_nth(long nth);
bool tg_alloc_failed(void);

#endif
