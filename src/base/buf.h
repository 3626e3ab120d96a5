/*
 * buf.h - a growable byte buffer with a stated maximum.
 *
 * Appending past the maximum, or without memory, sets the sticky `err` and drops the bytes; check
 * it once at the end. Owner: one thread. `data` may move at every append.
 */
#ifndef TG_BASE_BUF_H
#define TG_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"

struct tg_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
    tg_err err; /* OK, LIMIT or NOMEM */
};

void tg_buf_init(struct tg_buf *b, size_t size_max);
void tg_buf_done(struct tg_buf *b);
/* Empty again, err cleared, memory kept. */
void tg_buf_clear(struct tg_buf *b);
/* Makes room for `more` bytes and the NUL; the buffer's err. Use tg_buf_room. */
tg_err tg_buf_reserve(struct tg_buf *b, size_t more);
/* Where `len` bytes may be written, which the caller then adds to b->len; NULL: err is set. */
static inline uint8_t *tg_buf_room(struct tg_buf *b, size_t len)
{
    bool fits = b->err == TG_OK && len <= b->max - b->len && b->len + len < b->cap;

    return fits || tg_buf_reserve(b, len) == TG_OK ? b->data + b->len : NULL;
}
void tg_buf_add(struct tg_buf *b, const void *data, size_t len);
void tg_buf_add_str(struct tg_buf *b, const char *text);
void tg_buf_printf(struct tg_buf *b, const char *fmt, ...) TG_PRINTF(2, 3);
/* Drop the first len bytes (len <= b->len). */
void tg_buf_consume(struct tg_buf *b, size_t len);
/* NUL-terminated view (the NUL is not counted in len); "" when memory failed. */
const char *tg_buf_cstr(struct tg_buf *b);

#endif
