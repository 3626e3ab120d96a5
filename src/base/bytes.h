/*
 * bytes.h - bounded reading and writing of wire data.
 *
 * All bytes from the network pass a tg_rd: a read past the end yields 0 and sets the sticky `bad`;
 * check `bad` before a value is used as length, index or loop bound, and at the end. tg_wr is the
 * mirror: a write past the end is dropped and sets `bad`. Big-endian unless the name ends in le.
 * Neither owns its memory.
 */
#ifndef TG_BASE_BYTES_H
#define TG_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes; valid as long as their owner says. */
struct tg_span {
    const uint8_t *data;
    size_t len;
};

static inline struct tg_span tg_span(const void *data, size_t len)
{
    return (struct tg_span){.data = data, .len = len};
}

struct tg_rd {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct tg_rd tg_rd(const void *data, size_t len)
{
    const uint8_t *bytes = data;

    return (struct tg_rd){.at = bytes, .end = len == 0 ? bytes : bytes + len, .bad = false};
}

static inline size_t tg_rd_left(const struct tg_rd *r)
{
    return (size_t)(r->end - r->at);
}

/* The next len bytes without copying; {NULL, 0} and bad when there are fewer. */
static inline struct tg_span tg_rd_span(struct tg_rd *r, size_t len)
{
    struct tg_span out = {.data = r->at, .len = len};

    if (r->bad || len > tg_rd_left(r)) {
        r->bad = true;
        r->at = r->end;
        return (struct tg_span){.data = NULL, .len = 0};
    }
    if (len > 0)
        r->at += len;
    return out;
}

/* A reader over the next len bytes; empty and bad (both) when there are fewer. */
static inline struct tg_rd tg_rd_sub(struct tg_rd *r, size_t len)
{
    struct tg_span part = tg_rd_span(r, len);
    struct tg_rd sub = tg_rd(part.data, part.len);

    sub.bad = r->bad;
    return sub;
}

static inline void tg_rd_skip(struct tg_rd *r, size_t len)
{
    (void)tg_rd_span(r, len);
}

static inline void tg_rd_copy(struct tg_rd *r, void *out, size_t len)
{
    struct tg_span part = tg_rd_span(r, len);

    if (part.data != NULL && len > 0)
        memcpy(out, part.data, len);
    else if (len > 0)
        memset(out, 0, len);
}

static inline uint8_t tg_rd_u8(struct tg_rd *r)
{
    struct tg_span p = tg_rd_span(r, 1);

    return p.data == NULL ? 0 : p.data[0];
}

static inline uint16_t tg_rd_u16(struct tg_rd *r)
{
    struct tg_span p = tg_rd_span(r, 2);

    return p.data == NULL ? 0 : (uint16_t)((unsigned)p.data[0] << 8 | p.data[1]);
}

static inline uint32_t tg_rd_u24(struct tg_rd *r)
{
    struct tg_span p = tg_rd_span(r, 3);

    return p.data == NULL ? 0 : (uint32_t)p.data[0] << 16 | (uint32_t)p.data[1] << 8 | p.data[2];
}

static inline uint32_t tg_rd_u32(struct tg_rd *r)
{
    uint32_t high = tg_rd_u16(r);
    uint32_t low = tg_rd_u16(r);

    return high << 16 | low;
}

static inline uint64_t tg_rd_u64(struct tg_rd *r)
{
    uint64_t high = tg_rd_u32(r);
    uint64_t low = tg_rd_u32(r);

    return high << 32 | low;
}

static inline uint32_t tg_rd_u32le(struct tg_rd *r)
{
    return __builtin_bswap32(tg_rd_u32(r));
}

struct tg_wr {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

static inline struct tg_wr tg_wr(void *out, size_t cap)
{
    uint8_t *bytes = out;

    return (struct tg_wr){
        .start = bytes, .at = bytes, .end = cap == 0 ? bytes : bytes + cap, .bad = false};
}

static inline size_t tg_wr_len(const struct tg_wr *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t tg_wr_left(const struct tg_wr *w)
{
    return (size_t)(w->end - w->at);
}

/* Room for len bytes that the caller fills; NULL and bad when there is none. */
static inline uint8_t *tg_wr_skip(struct tg_wr *w, size_t len)
{
    uint8_t *out = w->at;

    if (w->bad || len > tg_wr_left(w)) {
        w->bad = true;
        return NULL;
    }
    if (len > 0)
        w->at += len;
    return out;
}

static inline void tg_wr_bytes(struct tg_wr *w, const void *data, size_t len)
{
    uint8_t *out = tg_wr_skip(w, len);

    if (out != NULL && len > 0)
        memcpy(out, data, len); /* NOLINT: callers have data when they have len */
}

static inline void tg_wr_u8(struct tg_wr *w, uint8_t value)
{
    uint8_t *out = tg_wr_skip(w, 1);

    if (out != NULL)
        out[0] = value;
}

static inline void tg_wr_u16(struct tg_wr *w, uint16_t value)
{
    uint8_t *out = tg_wr_skip(w, 2);

    if (out != NULL) {
        out[0] = (uint8_t)(value >> 8);
        out[1] = (uint8_t)value;
    }
}

static inline void tg_wr_u24(struct tg_wr *w, uint32_t value)
{
    uint8_t *out = tg_wr_skip(w, 3);

    if (out != NULL) {
        out[0] = (uint8_t)(value >> 16);
        out[1] = (uint8_t)(value >> 8);
        out[2] = (uint8_t)value;
    }
}

static inline void tg_wr_u32(struct tg_wr *w, uint32_t value)
{
    uint8_t *out = tg_wr_skip(w, 4);

    if (out != NULL) {
        out[0] = (uint8_t)(value >> 24);
        out[1] = (uint8_t)(value >> 16);
        out[2] = (uint8_t)(value >> 8);
        out[3] = (uint8_t)value;
    }
}

static inline void tg_wr_u64(struct tg_wr *w, uint64_t value)
{
    tg_wr_u32(w, (uint32_t)(value >> 32));
    tg_wr_u32(w, (uint32_t)value);
}

static inline void tg_wr_u32le(struct tg_wr *w, uint32_t value)
{
    tg_wr_u32(w, __builtin_bswap32(value));
}

/* Overwrite two bytes written earlier at offset `at_len` (a length field known only later). */
static inline void tg_wr_patch_u16(struct tg_wr *w, size_t at_len, uint16_t value)
{
    if (w->bad || at_len + 2 > tg_wr_len(w)) {
        w->bad = true;
        return;
    }
    w->start[at_len] = (uint8_t)(value >> 8);
    w->start[at_len + 1] = (uint8_t)value;
}

#endif
