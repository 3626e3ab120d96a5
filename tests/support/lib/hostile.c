/* The ways of doing harm: each makes one packet. */
#include "support/lib/hostile.h"

#include <string.h>

#include "base/str.h"
#include "proto/rtcp.h"

/* --- packets ---------------------------------------------------------------------------------- */

static void send_rtp(struct attack *a, uint8_t *packet, size_t len)
{
    size_t out = 0;

    if (tg_srtp_protect_rtp(tg_peer_srtp(a->peer), packet, len, PACKET_MAX + 64, &out) == TG_OK &&
        many_udp_send(a->udp, 1, tg_peer_remote(a->peer), packet, out))
        a->sent++;
    else
        a->not_sent++;
}

static void send_rtcp(struct attack *a, uint8_t *packet, size_t len)
{
    size_t out = 0;

    if (tg_srtp_tx_protect_rtcp(tg_peer_tx(a->peer), packet, len, PACKET_MAX + 64, &out) == TG_OK &&
        many_udp_send(a->udp, 1, tg_peer_remote(a->peer), packet, out))
        a->sent++;
    else
        a->not_sent++;
}

struct rtp_like {
    uint8_t pt;
    bool marker;
    uint16_t seq;
    uint32_t ts;
    uint32_t ssrc;
    const char *rid; /* NULL = no such extension */
};

/* Header with one-byte extensions (RFC 8285 s4.2): transport-wide sequence and, perhaps, rid. */
static void write_header(struct attack *a, struct tg_wr *w, const struct rtp_like *h)
{
    size_t rid = h->rid != NULL ? strlen(h->rid) : 0;
    size_t used = 3 + (rid > 0 ? 1 + rid : 0);

    tg_wr_u8(w, 0x90);
    tg_wr_u8(w, (uint8_t)(h->pt | (h->marker ? 0x80 : 0)));
    tg_wr_u16(w, h->seq);
    tg_wr_u32(w, h->ts);
    tg_wr_u32(w, h->ssrc);
    tg_wr_u16(w, 0xbede);
    tg_wr_u16(w, (uint16_t)((used + 3) / 4));
    tg_wr_u8(w, EXT_TWCC << 4 | 1);
    tg_wr_u16(w, a->twcc++);
    if (rid > 0) {
        tg_wr_u8(w, (uint8_t)(EXT_RID << 4 | (rid - 1)));
        tg_wr_bytes(w, h->rid, rid);
    }
    for (; used % 4 != 0; used++)
        tg_wr_u8(w, 0);
}

static void send_like(struct attack *a, const struct rtp_like *h, const uint8_t *payload,
                      size_t len)
{
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);

    write_header(a, &w, h);
    tg_wr_bytes(&w, payload, len);
    if (!w.bad)
        send_rtp(a, packet, tg_wr_len(&w));
}

static void send_video(struct attack *a, uint16_t seq, bool marker, const uint8_t *payload,
                       size_t len)
{
    const struct rtp_like h = {
        .pt = PT_VIDEO, .marker = marker, .seq = seq, .ts = a->ts, .ssrc = SSRC_VIDEO};

    send_like(a, &h, payload, len);
}

/* --- the modes -------------------------------------------------------------------------------- */

static void make_random(struct attack *a)
{
    uint8_t bytes[1000];
    const struct rtp_like h = {.pt = (uint8_t)(tg_rng_u32(&a->rng) & 0x7f),
                               .marker = (a->n & 1) != 0,
                               .seq = (uint16_t)tg_rng_u32(&a->rng),
                               .ts = tg_rng_u32(&a->rng),
                               .ssrc = a->n % 3 == 0 ? SSRC_VIDEO : SSRC_AUDIO};

    if (h.pt >= 64 && h.pt <= 95)
        return; /* would be RTCP */
    tg_rng_bytes(&a->rng, bytes, sizeof(bytes));
    send_like(a, &h, bytes, (size_t)tg_rng_below(&a->rng, sizeof(bytes)));
}

/* The right stream with holes up to half the sequence space: each would be asked for again. */
static void make_gaps(struct attack *a)
{
    static const uint8_t slice[] = {0x41, 0x9a, 0x02, 0x03, 0x04};

    a->seq = (uint16_t)(a->seq + 1 + tg_rng_below(&a->rng, a->n % 4 == 0 ? 30000 : 400));
    a->twcc = (uint16_t)(a->twcc + tg_rng_below(&a->rng, 20000));
    a->ts += 3000;
    send_video(a, a->seq, true, slice, sizeof(slice));
}

/* A stream of its own for each packet. */
static void make_ssrcs(struct attack *a)
{
    static const uint8_t slice[] = {0x65, 0x88, 0x84};
    const struct rtp_like h = {.pt = a->n % 2 == 0 ? PT_VIDEO : PT_AUDIO,
                               .marker = true,
                               .seq = 1,
                               .ts = a->ts,
                               .ssrc = 0x10000000U + (uint32_t)a->n};

    send_like(a, &h, slice, sizeof(slice));
}

static void make_rids(struct attack *a)
{
    static const uint8_t slice[] = {0x65, 0x88, 0x84};
    char rid[12];
    const struct rtp_like h = {.pt = PT_VIDEO,
                               .marker = true,
                               .seq = 1,
                               .ts = a->ts,
                               .ssrc = 0x20000000U + (uint32_t)a->n,
                               .rid = rid};

    tg_str_printf(rid, sizeof(rid), "r%x", (unsigned)a->n);
    send_like(a, &h, slice, sizeof(slice));
}

/* Repairs of what was never sent, or for the thousandth time (RFC 4588 s4). */
static void make_rtx(struct attack *a)
{
    uint8_t payload[1100] = {0};
    struct tg_wr w = tg_wr(payload, sizeof(payload));
    const struct rtp_like h = {.pt = PT_RTX, .seq = a->seq++, .ts = a->ts, .ssrc = SSRC_RTX};

    tg_wr_u16(&w, (uint16_t)(a->n % 3 == 0 ? 7 : tg_rng_u32(&a->rng)));
    tg_wr_u8(&w, 0x41);
    send_like(a, &h, payload, a->n % 10 == 0 ? 1 : sizeof(payload));
    if (a->n % 50 == 0)
        send_video(a, (uint16_t)(a->n / 50), true, payload, 20);
}

/* One frame without an end: FU-A fragments (RFC 6184 s5.8) of one time, past TG_FRAME_SIZE_MAX. */
static void make_oversize(struct attack *a)
{
    uint8_t payload[1200] = {0x7c, 0x05};

    if (a->n % 20000 == 0)
        payload[1] = 0x85; /* start */
    send_video(a, a->seq++, false, payload, sizeof(payload));
}

/* Thousands of tiny fragments and aggregates that lie about their lengths. */
static void make_payloads(struct attack *a)
{
    static const uint8_t lies[][8] = {
        {0x78, 0xff, 0xff, 0x65, 0x01},       /* STAP-A: 65,535 bytes in 3 */
        {0x78, 0x00, 0x00, 0x00, 0x00},       /* STAP-A of nothing */
        {0x7c, 0xc5, 0x00, 0x00},             /* FU-A: start and end at once */
        {0x7c, 0x45, 0x00},                   /* FU-A: an end without a start */
        {0x67, 0xff, 0xff, 0xff, 0xff, 0xff}, /* a broken SPS */
        {0x68, 0x00},                         /* a broken PPS */
        {0x65},                               /* an IDR slice of nothing */
        {0x1f, 0x00},                         /* reserved */
    };

    a->ts += a->n % 7 == 0 ? 3000 : 0;
    send_video(a, a->seq++, a->n % 3 == 0, lies[a->n % TG_ARRAY_LEN(lies)], a->n % 8);
}

/* Sender reports whose clock leaps (RFC 3550 s6.4.1), and one frame now and then to map. */
static void make_reports(struct attack *a)
{
    static const uint8_t slice[] = {0x41, 0x9a, 0x02};
    static const uint64_t mad[] = {0, UINT64_MAX, 1, 1ULL << 63, 0x00000000ffffffff};
    const struct tg_rtcp_sr sr = {.ntp = a->n % 6 == 5 ? tg_rng_u64(&a->rng)
                                                       : mad[a->n % TG_ARRAY_LEN(mad)],
                                  .rtp_ts = tg_rng_u32(&a->rng),
                                  .packets = UINT32_MAX,
                                  .bytes = UINT32_MAX};
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);

    tg_rtcp_write_sr(&w, a->n % 2 == 0 ? SSRC_VIDEO : SSRC_AUDIO, &sr, NULL, 0);
    tg_rtcp_write_cname(&w, SSRC_VIDEO, "hostile");
    if (!w.bad)
        send_rtcp(a, packet, tg_wr_len(&w));
    a->ts += tg_rng_u32(&a->rng); /* RTP time leaps as well */
    send_video(a, a->seq++, true, slice, sizeof(slice));
}

/* A publisher that asks for repairs and keyframes of what it does not receive. */
static void make_feedback(struct attack *a)
{
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);
    uint16_t seqs[200];

    for (size_t i = 0; i < TG_ARRAY_LEN(seqs); i++)
        seqs[i] = (uint16_t)(i * 17 + a->n);
    tg_rtcp_write_rr(&w, SSRC_VIDEO, NULL, 0);
    tg_rtcp_write_nack(&w, SSRC_VIDEO, tg_rng_u32(&a->rng), seqs, TG_ARRAY_LEN(seqs));
    for (unsigned i = 0; i < 20; i++)
        tg_rtcp_write_pli(&w, SSRC_VIDEO, tg_rng_u32(&a->rng));
    tg_rtcp_write_fir(&w, SSRC_VIDEO, SSRC_VIDEO, (uint8_t)a->n);
    tg_rtcp_write_rrtr(&w, SSRC_VIDEO, tg_rng_u64(&a->rng));
    if (!w.bad)
        send_rtcp(a, packet, tg_wr_len(&w));
}

static void make_rtcp_noise(struct attack *a)
{
    uint8_t packet[PACKET_MAX + 64];
    size_t len = 8 + 4 * (size_t)tg_rng_below(&a->rng, 200);
    static const uint8_t kinds[] = {200, 201, 202, 203, 204, 205, 206, 207};

    tg_rng_bytes(&a->rng, packet, len);
    packet[0] = (uint8_t)(0x80 | (packet[0] & 0x1f));
    packet[1] = kinds[a->n % TG_ARRAY_LEN(kinds)];
    if (a->n % 2 == 0) { /* half of them with a length that is right */
        packet[2] = (uint8_t)((len / 4 - 1) >> 8);
        packet[3] = (uint8_t)(len / 4 - 1);
    }
    send_rtcp(a, packet, len);
}

/* "The stream ends", between its packets. */
static void make_byes(struct attack *a)
{
    static const uint8_t slice[] = {0x41, 0x9a, 0x02};
    const uint32_t ssrcs[] = {SSRC_VIDEO, SSRC_AUDIO};
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);

    tg_rtcp_write_rr(&w, SSRC_VIDEO, NULL, 0);
    tg_rtcp_write_bye(&w, ssrcs, TG_ARRAY_LEN(ssrcs));
    if (!w.bad)
        send_rtcp(a, packet, tg_wr_len(&w));
    a->ts += 3000;
    send_video(a, a->seq++, true, slice, sizeof(slice));
}

const struct mode hostile_modes[] = {
    {"random", make_random, false, false},
    {"gaps", make_gaps, false, false},
    {"ssrcs", make_ssrcs, false, false},
    {"rids", make_rids, false, false},
    {"rtx", make_rtx, false, false},
    {"oversize", make_oversize, false, false},
    {"payloads", make_payloads, false, false},
    {"reports", make_reports, false, false},
    {"feedback", make_feedback, false, false},
    {"rtcp-noise", make_rtcp_noise, false, false},
    {"byes", make_byes, false, false},
    {"silent", NULL, false, false},
    {"no-dtls", NULL, true, false},
    {"posts", NULL, false, true},
};
const size_t hostile_mode_count = TG_ARRAY_LEN(hostile_modes);
