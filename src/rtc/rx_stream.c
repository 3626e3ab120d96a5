#include "base/alloc.h"
#include "base/seq.h"
#include "proto/vp8.h"
#include "rtc/rx_stream_priv.h"

enum {
    CLOCK_VIDEO = 90000,
    CLOCK_AUDIO = 48000,
    DROPOUT_MAX = 3000,                /* RFC 3550 A.1 */
    CUT_PACKETS = 64,                  /* fewer are repaired within a round trip */
    EARLIER_MAX = 32,                  /* how far the first packets may be out of order */
    QUIET_US = 2 * (tg_us)TG_US_PER_S, /* nobody sends: nothing to repair */
    TRANSIT_STEP_S = 5,                /* a new clock, not jitter */
    JITTER_FRACTION = 4                /* jitter16 = jitter << 4 */
};
static const uint64_t SEQ_ZERO = 0x10000; /* so that numbers before the first stay positive */

tg_err tg_rx_stream_new(struct tg_rx_stream **ret, const struct tg_rx_stream_cfg *cfg)
{
    struct tg_rx_stream *s = tg_calloc(1, sizeof(*s));
    tg_err err;

    if (s == NULL)
        return TG_ERR_NOMEM;
    s->cfg = *cfg;
    s->stats.audio_dbov = 1;
    err = tg_reorder_init(&s->ring, cfg->kind == TG_RX_OPUS ? TG_REORDER_AUDIO : TG_REORDER_VIDEO);
    if (err != TG_OK) {
        tg_free(s);
        return err;
    }
    *ret = s;
    return TG_OK;
}

void tg_rx_stream_free(struct tg_rx_stream *s)
{
    if (s == NULL)
        return;
    tg_reorder_done(&s->ring);
    tg_free(s);
}

void tg_rx_stream_begin(struct tg_rx_stream *s, tg_us now, uint32_t ssrc)
{
    if (s->started)
        tg_rx_frames_give_up(s, now, s->ring.highest + 1);
    s->ssrc = ssrc;
    s->live = true;
    s->started = false;
    s->received = 0;
    s->expected_told = 0;
    s->received_told = 0;
    s->jitter16 = 0;
    s->has_transit = false;
    s->lsr = 0;
}

void tg_rx_stream_rtt(struct tg_rx_stream *s, tg_us rtt_us)
{
    s->cfg.rtt_us = rtt_us;
    s->nack.rtt_us = rtt_us;
}

/* key_due: until when a keyframe is hoped for without asking. */
static void start(struct tg_rx_stream *s, tg_us key_due, uint16_t seq)
{
    s->started = true;
    s->seq_first = SEQ_ZERO + seq;
    s->bad_seq = 0;
    s->received = 0;
    s->expected_told = 0;
    s->received_told = 0;
    tg_reorder_start(&s->ring, s->seq_first);
    tg_nack_init(&s->nack, s->cfg.rtt_us);
    tg_rx_frames_begin(s);
    s->key_due = key_due;
}

/* --- packets in ----------------------------------------------------------------------------- */

/*
 * RFC 3550 A.1: a number far away from all others is taken only when its successor follows. false =
 * do not take it.
 */
static bool plausible(struct tg_rx_stream *s, tg_us now, const struct tg_rtp *p, bool by_rtx)
{
    const int distance = tg_seq_diff(p->seq, (uint16_t)s->ring.highest);

    if (distance <= DROPOUT_MAX && distance >= -DROPOUT_MAX)
        return true;
    if (by_rtx)
        return false;
    if (s->bad_seq != SEQ_ZERO + p->seq) {
        s->bad_seq = SEQ_ZERO + (uint16_t)(p->seq + 1);
        return false;
    }
    tg_rx_frames_give_up(s, now, s->ring.highest + 1);
    start(s, now, p->seq);
    return true;
}

/* RFC 3550 A.8, but once a frame: its packets carry one time and are sent one after another. */
static void measure_jitter(struct tg_rx_stream *s, tg_us now, const struct tg_rtp *p)
{
    const uint32_t clock = s->cfg.kind == TG_RX_OPUS ? CLOCK_AUDIO : CLOCK_VIDEO;
    /* Microseconds to 1/90000 or 1/48000 s; wraps like the timestamps. */
    const uint64_t arrival =
        s->cfg.kind == TG_RX_OPUS ? (uint64_t)now * 6 / 125 : (uint64_t)now * 9 / 100;
    const uint32_t transit = (uint32_t)arrival - p->ts;

    if (s->has_transit && p->ts == s->transit_ts)
        return;
    if (s->has_transit) {
        const int32_t step = (int32_t)(transit - s->transit);
        const uint32_t d = step < 0 ? 0U - (uint32_t)step : (uint32_t)step;

        if (d < clock * TRANSIT_STEP_S)
            s->jitter16 += d - ((s->jitter16 + 8) >> JITTER_FRACTION);
    }
    s->has_transit = true;
    s->transit = transit;
    s->transit_ts = p->ts;
    s->stats.jitter_us = (tg_us)(s->jitter16 >> JITTER_FRACTION) * TG_US_PER_S / clock;
}

static uint8_t flags_of(const struct tg_rx_stream *s, const struct tg_rtp *p)
{
    unsigned flags = p->marker ? TG_REORDER_MARKER : 0U;
    bool begins = false;
    bool key = false;

    if (p->payload.len == 0)
        return TG_REORDER_PADDING;
    if (s->cfg.kind == TG_RX_H264) {
        const struct tg_h264_peek peek = tg_h264_peek(p->payload);

        begins = peek.start;
        key = peek.key;
    } else if (s->cfg.kind == TG_RX_VP8) {
        struct tg_vp8_payload vp8;

        /* RFC 6386 s9.1: the lowest bit of a frame's first byte is 0 in a keyframe. */
        begins = tg_vp8_payload_parse(&vp8, p->payload) == TG_OK && vp8.start;
        key = begins && vp8.frame.len > 0 && (vp8.frame.data[0] & 1) == 0;
    }
    return (uint8_t)(flags | (begins ? TG_REORDER_START : 0U) | (key ? TG_REORDER_KEY : 0U));
}

/*
 * The line was cut: what was lost meanwhile is older than any hole may get, or more than is ever
 * asked for. A keyframe now is on air sooner than its repair.
 */
static bool hopeless(const struct tg_rx_stream *s, tg_us silence_us, uint64_t seq)
{
    const uint64_t missing = seq > s->ring.highest ? seq - s->ring.highest - 1 : 0;

    if (s->cfg.kind == TG_RX_OPUS)
        return false;
    return missing > TG_NACK_PENDING_MAX ||
           (silence_us > TG_RX_HOLE_US_MAX && missing > CUT_PACKETS);
}

/* The ring shall hold seq; what is in the way is given up, and a bit more, so that this is rare. */
static bool make_room(struct tg_rx_stream *s, tg_us now, tg_us silence_us, uint64_t seq)
{
    /* The very first packets may come in the wrong order. */
    if (seq < s->ring.next && s->ring.next == s->seq_first && s->stats.frames == 0 &&
        s->seq_first - seq <= EARLIER_MAX && s->ring.highest - seq < s->ring.size) {
        tg_reorder_rewind(&s->ring, now, seq);
        s->seq_first = seq;
        tg_rx_frames_begin(s);
    }
    if (seq < s->ring.next)
        return false;
    if (hopeless(s, silence_us, seq))
        tg_rx_frames_give_up(s, now, seq);
    else if (!tg_reorder_fits(&s->ring, seq))
        tg_rx_frames_give_up(s, now, seq - s->ring.size * 3 / 4);
    return true;
}

static void count_packet(struct tg_rx_stream *s, const struct tg_rtp *p)
{
    s->stats.packets++;
    s->stats.bytes += p->payload.len;
}

tg_us tg_rx_stream_input(struct tg_rx_stream *s, tg_us now, const struct tg_rtp *p, bool by_rtx)
{
    struct tg_reorder_slot slot = {.at = now, .ts = p->ts};
    uint64_t missing = 0;
    tg_us rtt_us = -1;

    TG_ASSERT(p->payload.len <= TG_UDP_PACKET_MAX);
    const tg_us silence_us = now - s->stats.last_packet_at;

    s->stats.last_packet_at = now;
    if (!s->started && by_rtx)
        return -1; /* a repair of what was never sent to this stream */
    if (!s->started)
        start(s, now + TG_RECEIVER_PLI_US, p->seq); /* encoders begin with a keyframe */
    if (!plausible(s, now, p, by_rtx))
        return -1;
    const uint64_t seq = tg_seq_unwrap(s->ring.highest, p->seq);

    s->received += !by_rtx;
    if (!by_rtx && seq > s->ring.highest)
        measure_jitter(s, now, p);
    if (!make_room(s, now, silence_us, seq))
        return -1; /* too late, or twice */
    slot.flags = flags_of(s, p);
    const enum tg_reorder_state was = tg_reorder_put(&s->ring, seq, &slot, p->payload, &missing);

    if (was == TG_REORDER_PACKET)
        return -1;
    count_packet(s, p);
    s->stats.lost += missing;
    s->stats.repaired += was == TG_REORDER_MISSING;
    if (s->cfg.nack)
        rtt_us = tg_nack_input(&s->nack, now, seq);
    tg_nack_forget(&s->nack, s->ring.next); /* make_room may have given up what was jumped over */
    if ((slot.flags & TG_REORDER_KEY) != 0 && (!s->has_key || seq > s->key_seq)) {
        s->has_key = true;
        s->key_seq = seq;
    }
    return rtt_us;
}

/* --- feedback ------------------------------------------------------------------------------- */

void tg_rx_stream_sr(struct tg_rx_stream *s, tg_us now, uint64_t ntp)
{
    s->lsr = tg_ntp_mid(ntp);
    s->sr_at = now;
}

void tg_rx_stream_want_key(struct tg_rx_stream *s, tg_us now)
{
    if (s->want || s->cfg.kind == TG_RX_OPUS)
        return;
    s->want = true;
    s->want_sent = false;
    s->want_at = now;
}

/* A hole that is worth a keyframe, from when on. */
static tg_us hole_key_at(const struct tg_rx_stream *s)
{
    const tg_us since = tg_reorder_missing_since(&s->ring, s->scan);

    return since < 0 ? TG_US_NEVER : since + tg_rx_hole_key_us(s);
}

tg_us tg_rx_stream_key_at(const struct tg_rx_stream *s, tg_us now)
{
    tg_us at = TG_US_NEVER;

    if (!s->live || !s->started || !s->cfg.pli || s->cfg.kind == TG_RX_OPUS)
        return TG_US_NEVER;
    const bool quiet = now - s->stats.last_packet_at > QUIET_US;

    if (!quiet) {
        at = hole_key_at(s);
        if (s->need_key)
            at = TG_MIN(at, s->key_due);
    }
    if (s->want && !(quiet && s->want_sent))
        at = TG_MIN(at, s->want_at);
    if (at == TG_US_NEVER || s->pli_at == 0)
        return at;
    return TG_MAX(at, s->pli_at + TG_RECEIVER_PLI_US);
}

void tg_rx_stream_key_sent(struct tg_rx_stream *s, tg_us now)
{
    s->pli_at = now;
    s->want_sent = true;
    s->stats.plis++;
}

struct tg_rtcp_report tg_rx_stream_report(struct tg_rx_stream *s, tg_us now)
{
    struct tg_rtcp_report out = {.ssrc = s->ssrc};

    if (!s->started)
        return out;
    const uint32_t expected = (uint32_t)(s->ring.highest - s->seq_first + 1);
    const int64_t lost = (int64_t)expected - s->received;
    const uint32_t expected_new = expected - s->expected_told;
    const int64_t lost_new = (int64_t)expected_new - (s->received - s->received_told);

    if (expected_new > 0 && lost_new > 0)
        out.lost_fraction = (uint8_t)TG_MIN(lost_new * 256 / expected_new, 255);
    out.lost_total = (int32_t)TG_MAX(TG_MIN(lost, 0x7fffff), -0x800000);
    out.seq_max = (uint32_t)(s->ring.highest - SEQ_ZERO);
    out.jitter = s->jitter16 >> JITTER_FRACTION;
    out.lsr = s->lsr;
    out.dlsr = s->lsr == 0 ? 0 : tg_ntp_delay(now - s->sr_at);
    s->expected_told = expected;
    s->received_told = s->received;
    return out;
}

static tg_us frame_deadline(const struct tg_rx_stream *s, tg_us now)
{
    const uint64_t head = s->cfg.kind == TG_RX_OPUS ? s->ring.next : s->scan;
    const tg_us since = tg_reorder_missing_since(&s->ring, head);

    if (since < 0)
        return TG_US_NEVER;
    if (s->cfg.kind == TG_RX_OPUS)
        return since + tg_rx_audio_wait_us(s);
    if (s->has_key && since + tg_rx_hole_jump_us(s) > now)
        return since + tg_rx_hole_jump_us(s);
    return since + TG_RX_HOLE_US_MAX;
}

tg_us tg_rx_stream_deadline(const struct tg_rx_stream *s, tg_us now)
{
    tg_us at;

    if (!s->started)
        return TG_US_NEVER;
    at = TG_MIN(frame_deadline(s, now), tg_rx_stream_key_at(s, now));
    return s->cfg.nack && s->live ? TG_MIN(at, tg_nack_deadline(&s->nack)) : at;
}
