#include "proto/twcc_rx.h"

#include <string.h>

#include "base/seq.h"
#include "proto/rtcp.h"

enum {
    SYMBOL_LOST = 0,
    SYMBOL_SMALL = 1, /* delta of one byte */
    SYMBOL_LARGE = 2, /* delta of two bytes, signed */
    DELTA_US = 250,
    REF_US = 64000,
    TICKS_PER_REF = REF_US / DELTA_US,
    RTPFB = 205,
    FMT_TWCC = 15,
    HEAD_LEN = 20,     /* up to the first chunk */
    VECTOR_SMALL = 14, /* statuses of a chunk with one bit each */
    VECTOR_LARGE = 7,  /* ... with two bits each */
    FEW = 8,           /* packets within TG_TWCC_RX_US: hardly any */
    MANY = 256,        /* tell now */
    REPEAT_MAX = 512,  /* packets told again for the sake of a late one */
};

void tg_twcc_rx_init(struct tg_twcc_rx *t)
{
    memset(t, 0, sizeof(*t));
}

static tg_us *slot(struct tg_twcc_rx *t, uint64_t seq)
{
    return &t->at[seq % TG_TWCC_RX_WINDOW];
}

static void start(struct tg_twcc_rx *t, uint64_t seq)
{
    memset(t->at, 0, sizeof(t->at));
    t->started = true;
    t->pending = 0;
    t->base = seq;
    t->highest = seq;
}

static void advance(struct tg_twcc_rx *t, uint64_t seq)
{
    if (seq - t->highest >= TG_TWCC_RX_WINDOW) {
        start(t, seq); /* a sender that began anew, or a break of many seconds */
        return;
    }
    while (t->highest < seq)
        *slot(t, ++t->highest) = 0;
    if (t->highest - t->base >= TG_TWCC_RX_WINDOW)
        t->base = t->highest - TG_TWCC_RX_WINDOW + 1;
}

void tg_twcc_rx_input(struct tg_twcc_rx *t, tg_us now, uint16_t seq16)
{
    uint64_t seq;

    if (!t->started)
        start(t, UINT64_C(0x10000) + seq16); /* so that a number before the first is not negative */
    seq = tg_seq_unwrap(t->highest, seq16);
    if (seq > t->highest)
        advance(t, seq);
    else if (t->highest - seq >= TG_TWCC_RX_WINDOW || *slot(t, seq) != 0)
        return;
    if (seq < t->base) {
        if (t->base - seq > REPEAT_MAX)
            return;
        t->base = seq;
    }
    *slot(t, seq) = TG_MAX(now, 1);
    if (t->pending++ == 0)
        t->since = now;
}

tg_us tg_twcc_rx_deadline(const struct tg_twcc_rx *t)
{
    if (t->pending == 0)
        return TG_US_NEVER;
    if (t->pending >= MANY)
        return t->since;
    return t->since + (t->pending < FEW ? TG_TWCC_RX_SLOW_US : TG_TWCC_RX_US);
}

/* --- writing -------------------------------------------------------------------------------- */

struct draft {
    size_t count; /* statuses */
    size_t bytes; /* of deltas */
    size_t received;
    uint8_t symbols[TG_RTCP_TWCC_PACKETS_MAX];
    int16_t deltas[TG_RTCP_TWCC_PACKETS_MAX];
};

/* Arrival of the first packet from base on; there is one while anything is pending. */
static tg_us first_at(struct tg_twcc_rx *t)
{
    for (uint64_t seq = t->base; seq <= t->highest; seq++)
        if (*slot(t, seq) != 0)
            return *slot(t, seq);
    return 1;
}

/*
 * Statuses from base on until the packet is full, or a time is too far from the one before. Every
 * chunk but the last describes at least VECTOR_LARGE of them, which bounds the chunks' bytes.
 */
static void collect(struct tg_twcc_rx *t, struct draft *d, int64_t ref, size_t room)
{
    int64_t ticks = ref * TICKS_PER_REF;

    for (uint64_t seq = t->base; seq <= t->highest && d->count < TG_RTCP_TWCC_PACKETS_MAX; seq++) {
        const tg_us at = *slot(t, seq);
        const int64_t delta = at == 0 ? 0 : at / DELTA_US - ticks;
        const uint8_t symbol = at == 0                       ? SYMBOL_LOST
                               : delta >= 0 && delta <= 0xff ? SYMBOL_SMALL
                                                             : SYMBOL_LARGE;
        const size_t chunks_len = (d->count / VECTOR_LARGE + 1) * 2;

        if (delta < INT16_MIN || delta > INT16_MAX || d->bytes + symbol + chunks_len > room)
            break;
        d->symbols[d->count] = symbol;
        d->deltas[d->count++] = (int16_t)delta;
        d->bytes += symbol; /* the symbol's value is its delta's length */
        d->received += at != 0;
        if (at != 0)
            ticks += delta;
    }
}

/* Equal symbols from i on. */
static size_t run_len(const struct draft *d, size_t i)
{
    size_t len = 1;

    while (i + len < d->count && d->symbols[i + len] == d->symbols[i])
        len++;
    return len;
}

static bool has_large(const struct draft *d, size_t i)
{
    const size_t end = TG_MIN(i + VECTOR_SMALL, d->count);

    for (; i < end; i++)
        if (d->symbols[i] == SYMBOL_LARGE)
            return true;
    return false;
}

/* A vector of `len` symbols; those beyond the end stay "lost", the count tells that. */
static uint16_t vector(const struct draft *d, size_t i, size_t len)
{
    const unsigned bits = len == VECTOR_SMALL ? 1 : 2;
    unsigned chunk = len == VECTOR_SMALL ? 2U : 3U;

    for (size_t n = 0; n < len; n++)
        chunk = chunk << bits | (i + n < d->count ? d->symbols[i + n] : 0U);
    return (uint16_t)chunk;
}

static void chunks_write(const struct draft *d, struct tg_wr *w)
{
    for (size_t i = 0; i < d->count;) {
        const size_t run = run_len(d, i);

        if (run >= VECTOR_SMALL || i + run == d->count) {
            tg_wr_u16(w, (uint16_t)((unsigned)d->symbols[i] << 13 | (unsigned)run));
            i += run; /* run <= TG_RTCP_TWCC_PACKETS_MAX, below the field's 8191 */
        } else if (!has_large(d, i)) {
            tg_wr_u16(w, vector(d, i, VECTOR_SMALL));
            i += VECTOR_SMALL;
        } else if (run >= VECTOR_LARGE) {
            tg_wr_u16(w, (uint16_t)((unsigned)d->symbols[i] << 13 | (unsigned)run));
            i += run;
        } else {
            tg_wr_u16(w, vector(d, i, VECTOR_LARGE));
            i += VECTOR_LARGE;
        }
    }
}

static void deltas_write(const struct draft *d, struct tg_wr *w)
{
    for (size_t i = 0; i < d->count; i++) {
        if (d->symbols[i] == SYMBOL_SMALL)
            tg_wr_u8(w, (uint8_t)d->deltas[i]);
        else if (d->symbols[i] == SYMBOL_LARGE)
            tg_wr_u16(w, (uint16_t)d->deltas[i]);
    }
}

bool tg_twcc_rx_write(struct tg_twcc_rx *t, struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc)
{
    struct draft d;
    const size_t begin = tg_wr_len(w);

    if (t->pending == 0)
        return false;
    TG_ASSERT(tg_wr_left(w) >= TG_TWCC_RX_ROOM_MIN);
    const int64_t ref = first_at(t) / REF_US;

    d.count = 0;
    d.bytes = 0;
    d.received = 0;
    collect(t, &d, ref, tg_wr_left(w) - HEAD_LEN - 3); /* 3: padding */
    TG_ASSERT(d.count > 0);
    tg_wr_u8(w, 0x80 | FMT_TWCC);
    tg_wr_u8(w, RTPFB);
    tg_wr_u16(w, 0); /* patched below */
    tg_wr_u32(w, ssrc);
    tg_wr_u32(w, media_ssrc);
    tg_wr_u16(w, (uint16_t)t->base);
    tg_wr_u16(w, (uint16_t)d.count);
    tg_wr_u24(w, (uint32_t)(ref & 0xffffff));
    tg_wr_u8(w, t->fb_count++);
    chunks_write(&d, w);
    deltas_write(&d, w);
    while ((tg_wr_len(w) - begin) % 4 != 0)
        tg_wr_u8(w, 0);
    tg_wr_patch_u16(w, begin + 2, (uint16_t)((tg_wr_len(w) - begin) / 4 - 1));
    t->base += d.count;
    if (t->base > t->highest)
        t->pending = 0;
    else
        t->pending -= TG_MIN(d.received, t->pending - 1);
    return t->pending > 0;
}
