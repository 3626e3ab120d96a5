/*
 * fuzz_bwe.c - bytes choose packets that leave, feedback (well formed, changed or junk), probes,
 * REMB, reports and time steps. Checked: the estimate stays within its bounds, a probe ends, what
 * is acknowledged is no more than was sent, no endless loop.
 */
#include "base/bytes.h"
#include "rtc/bwe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bed {
    struct tg_bwe b;
    tg_us now;
    uint16_t seq;
    bool twcc;
};

static void check(const struct bed *b)
{
    TG_ASSERT(b->b.estimate_bps <= TG_BWE_MAX_BPS);
    TG_ASSERT(b->b.estimate_bps == 0 || b->b.estimate_bps >= TG_BWE_MIN_BPS);
    TG_ASSERT(b->b.acked_bps <= TG_BWE_MAX_BPS);
    TG_ASSERT(b->b.loss_pm <= 1000);
    if (b->twcc)
        TG_ASSERT(b->b.estimate_bps != 0);
}

/* Feedback about the newest packets: statuses and deltas from the input. */
static void feedback_near(struct bed *b, struct tg_rd *r)
{
    uint8_t fci[80];
    struct tg_wr w = tg_wr(fci, sizeof(fci));
    uint8_t count = tg_rd_u8(r) % 29;
    struct tg_twcc fb;

    tg_wr_u16(&w, (uint16_t)(b->seq - tg_rd_u8(r)));
    tg_wr_u16(&w, (uint16_t)(count + 1));
    tg_wr_u24(&w, (uint32_t)(b->now / 64000) & 0xffffff);
    tg_wr_u8(&w, tg_rd_u8(r));
    for (unsigned i = 0; i <= count / 7U; i++)
        tg_wr_u16(&w, (uint16_t)(0xc000 | tg_rd_u16(r)));
    for (unsigned i = 0; i <= 2U * count; i++)
        tg_wr_u8(&w, tg_rd_u8(r));
    if (!w.bad && tg_twcc_parse(&fb, tg_span(fci, tg_wr_len(&w))) == TG_OK)
        tg_bwe_feedback(&b->b, b->now, &fb);
}

static void feedback_junk(struct bed *b, struct tg_rd *r)
{
    size_t len = TG_MIN((size_t)tg_rd_u8(r), tg_rd_left(r));
    struct tg_twcc fb;

    if (tg_twcc_parse(&fb, tg_rd_span(r, len)) == TG_OK)
        tg_bwe_feedback(&b->b, b->now, &fb);
}

static void send_some(struct bed *b, unsigned count, size_t size)
{
    for (unsigned i = 0; b->twcc && i < count; i++)
        tg_bwe_sent(&b->b, b->now, b->seq++, size);
}

static void probe(struct bed *b, uint32_t bps)
{
    const struct tg_bwe_probe *p = NULL;

    if (!tg_bwe_probe(&b->b, b->now, bps, &p))
        return;
    TG_ASSERT(b->twcc && p->until > b->now && p->until <= b->now + TG_BWE_PROBE_US);
    TG_ASSERT(tg_bwe_probing(&b->b, b->now) == p);
    TG_ASSERT(tg_bwe_probing(&b->b, p->until) == NULL);
}

static void step(struct bed *b, struct tg_rd *r)
{
    uint8_t what = tg_rd_u8(r);

    switch (what & 7) {
    case 0:
        send_some(b, what >> 3, 1200);
        break;
    case 1:
        b->now += (tg_us)(what >> 3) * (what >> 3) * 1000;
        break;
    case 2:
        feedback_near(b, r);
        break;
    case 3:
        feedback_junk(b, r);
        break;
    case 4:
        tg_bwe_tick(&b->b, b->now);
        break;
    case 5:
        probe(b, tg_rd_u32(r));
        break;
    case 6:
        tg_bwe_remb(&b->b, b->now, (uint64_t)tg_rd_u32(r) << (what >> 3));
        break;
    default:
        tg_bwe_report(&b->b, tg_rd_u8(r), tg_rd_u32(r));
        break;
    }
    check(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd r = tg_rd(data, size);
    uint8_t mode = tg_rd_u8(&r);
    struct bed b = {.now = (tg_us)mode << 34, .seq = (uint16_t)(mode * 257)};

    tg_bwe_init(&b.b);
    b.twcc = (mode & 1) != 0;
    if (b.twcc)
        TG_ASSERT(tg_bwe_twcc_on(&b.b, b.now, tg_rd_u32(&r)) == TG_OK);
    while (!r.bad && tg_rd_left(&r) > 0)
        step(&b, &r);
    tg_bwe_done(&b.b);
    return 0;
}
