#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void tg_buf_init(struct tg_buf *b, size_t size_max)
{
    *b = (struct tg_buf){.max = size_max};
}

void tg_buf_done(struct tg_buf *b)
{
    tg_free(b->data);
    *b = (struct tg_buf){.max = b->max};
}

void tg_buf_clear(struct tg_buf *b)
{
    b->len = 0;
    b->err = TG_OK;
}

/* One byte more than asked is kept free for tg_buf_cstr's NUL. */
tg_err tg_buf_reserve(struct tg_buf *b, size_t more)
{
    size_t want;
    uint8_t *grown;

    if (b->err != TG_OK)
        return b->err;
    if (more > b->max || b->len > b->max - more)
        return b->err = TG_ERR_LIMIT;
    if (b->len + more < b->cap)
        return TG_OK;
    want = TG_MAX(b->len + more + 1, TG_MIN(b->cap * 2, b->max + 1));
    want = TG_MAX(want, (size_t)64);
    grown = tg_realloc(b->data, want, 1);
    if (grown == NULL)
        return b->err = TG_ERR_NOMEM;
    b->data = grown;
    b->cap = want;
    return TG_OK;
}

void tg_buf_add(struct tg_buf *b, const void *data, size_t len)
{
    uint8_t *room = len == 0 ? NULL : tg_buf_room(b, len);

    if (room == NULL)
        return;
    memcpy(room, data, len);
    b->len += len;
}

void tg_buf_add_str(struct tg_buf *b, const char *text)
{
    tg_buf_add(b, text, strlen(text));
}

void tg_buf_printf(struct tg_buf *b, const char *fmt, ...)
{
    va_list args;
    int need;

    va_start(args, fmt);
    need = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    TG_ASSERT(need >= 0);
    if (tg_buf_reserve(b, (size_t)need) != TG_OK)
        return;
    va_start(args, fmt);
    (void)vsnprintf((char *)b->data + b->len, (size_t)need + 1, fmt, args);
    va_end(args);
    b->len += (size_t)need;
}

void tg_buf_consume(struct tg_buf *b, size_t len)
{
    TG_ASSERT(len <= b->len);
    if (len > 0 && len < b->len)
        memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

const char *tg_buf_cstr(struct tg_buf *b)
{
    if (b->data == NULL)
        return "";
    b->data[b->len] = '\0'; /* tg_buf_reserve kept this byte free */
    return (const char *)b->data;
}
