/* Which frame leaves next, and what is given up for it. */
#include "proto/vp8.h"
#include "rtc/rx_stream_priv.h"

enum { AUDIO_WAIT_US = 80 * TG_US_PER_MS, AUDIO_WAIT_US_MAX = 200 * TG_US_PER_MS };

/* --- giving up ------------------------------------------------------------------------------ */

/* Frames are told apart by their times; a frame that is dropped in pieces counts once. */
static void count_drop(struct tg_rx_stream *s, const struct tg_reorder_slot *slot)
{
    if ((slot->flags & TG_REORDER_PADDING) != 0 || (s->has_drop && s->drop_ts == slot->ts))
        return;
    s->has_drop = true;
    s->drop_ts = slot->ts;
    s->stats.frames_dropped++;
}

/* What leaves the ring unseen also leaves the scan, the keyframe in sight and the requests. */
static void pass(struct tg_rx_stream *s, uint64_t to)
{
    tg_reorder_drop(&s->ring, to);
    s->scan = s->ring.next;
    s->scan_open = false;
    if (s->has_key && s->key_seq < s->ring.next)
        s->has_key = false;
    tg_nack_forget(&s->nack, s->ring.next);
}

static void discard(struct tg_rx_stream *s, uint64_t to)
{
    for (uint64_t seq = s->ring.next; seq < to && seq <= s->ring.highest; seq++) {
        const struct tg_reorder_slot *slot = tg_reorder_at(&s->ring, seq);

        if (slot != NULL)
            count_drop(s, slot);
        else
            s->stats.given_up++;
    }
    if (to > s->ring.highest + 1) { /* never seen, and no longer waited for */
        s->stats.lost += to - s->ring.highest - 1;
        s->stats.given_up += to - s->ring.highest - 1;
    }
    pass(s, to);
    s->gap = true;
}

void tg_rx_frames_give_up(struct tg_rx_stream *s, tg_us now, uint64_t to)
{
    discard(s, to);
    s->synced = false;
    s->has_last = false;
    if (s->cfg.kind == TG_RX_OPUS)
        return;
    s->need_key = true;
    s->key_due = TG_MIN(s->key_due, now);
}

void tg_rx_frames_begin(struct tg_rx_stream *s)
{
    s->synced = false;
    s->has_last = false;
    s->has_drop = false;
    s->has_key = false;
    s->scan = s->ring.next;
    s->scan_open = false;
    s->need_key = s->cfg.kind != TG_RX_OPUS;
}

/* --- the head of the ring ------------------------------------------------------------------- */

/* After something was given up: drop packets until one certainly begins a frame. */
static void find_start(struct tg_rx_stream *s, tg_us now)
{
    const struct tg_reorder_slot *slot;

    while (!s->synced && (slot = tg_reorder_at(&s->ring, s->ring.next)) != NULL) {
        const bool padding = (slot->flags & TG_REORDER_PADDING) != 0;

        if (!padding &&
            ((slot->flags & TG_REORDER_START) != 0 || (s->has_last && s->last_ts != slot->ts))) {
            s->synced = true;
            return;
        }
        if (!padding) {
            s->has_last = true;
            s->last_ts = slot->ts;
            s->synced = (slot->flags & TG_REORDER_MARKER) != 0;
        }
        discard(s, s->ring.next + 1);
        s->key_due = TG_MIN(s->key_due, now);
    }
}

enum head {
    HEAD_WAIT,  /* all that came is there, the frame is not at its end */
    HEAD_HOLE,  /* scan is missing */
    HEAD_WHOLE, /* the frame reaches from next to scan - 1 */
};

/* Looks on where it stopped last time: each packet is looked at once. */
static enum head look(struct tg_rx_stream *s)
{
    while (s->scan <= s->ring.highest) {
        const struct tg_reorder_slot *slot = tg_reorder_at(&s->ring, s->scan);

        if (slot == NULL)
            return HEAD_HOLE;
        if ((slot->flags & TG_REORDER_PADDING) != 0) {
            if (s->scan_open)
                s->scan++;
            else
                pass(s, s->scan + 1); /* padding between frames; scan goes along */
            continue;
        }
        if (s->scan_open && slot->ts != s->scan_ts)
            return HEAD_WHOLE;
        s->scan_open = true;
        s->scan_ts = slot->ts;
        s->scan++;
        if ((slot->flags & TG_REORDER_MARKER) != 0)
            return HEAD_WHOLE;
    }
    return HEAD_WAIT;
}

/* --- putting together ----------------------------------------------------------------------- */

static tg_err vp8_add(struct tg_h264_unpack *u, struct tg_span payload, bool first)
{
    struct tg_vp8_payload p;
    tg_err err = tg_vp8_payload_parse(&p, payload);

    if (err == TG_OK && first && !p.start)
        err = TG_ERR_MALFORMED; /* the frame's beginning never was */
    if (err != TG_OK)
        return err;
    tg_buf_add(&u->au, p.frame.data, p.frame.len);
    return u->au.err;
}

static tg_err vp8_end(struct tg_h264_unpack *u, struct tg_span *ret_frame)
{
    struct tg_vp8_info info;

    *ret_frame = tg_span(u->au.data, u->au.len);
    tg_err err = tg_vp8_info_parse(&info, *ret_frame);

    u->key = err == TG_OK && info.key;
    return err;
}

/* The frame from next to end - 1. */
static tg_err put_together(const struct tg_rx_stream *s, uint64_t end, struct tg_h264_unpack *u,
                           struct tg_rx_frame *ret)
{
    const bool vp8 = s->cfg.kind == TG_RX_VP8;
    bool first = true;

    tg_h264_unpack_begin(u);
    *ret = (struct tg_rx_frame){.ts = s->scan_ts, .gap = s->gap, .arrival = TG_US_NEVER};
    for (uint64_t seq = s->ring.next; seq < end; seq++) {
        const struct tg_reorder_slot *slot = tg_reorder_at(&s->ring, seq);
        tg_err err;

        if ((slot->flags & TG_REORDER_PADDING) != 0)
            continue;
        ret->arrival = TG_MIN(ret->arrival, slot->at);
        ret->marker = (slot->flags & TG_REORDER_MARKER) != 0;
        err = vp8 ? vp8_add(u, tg_reorder_payload(&s->ring, seq), first)
                  : tg_h264_unpack_add(u, tg_reorder_payload(&s->ring, seq));
        if (err != TG_OK)
            return err;
        first = false;
    }
    return vp8 ? vp8_end(u, &ret->bytes) : tg_h264_unpack_end(u, &ret->bytes);
}

/* The whole frame at the head: out, or dropped. */
static bool take(struct tg_rx_stream *s, tg_us now, struct tg_h264_unpack *u,
                 struct tg_rx_frame *ret)
{
    const uint64_t end = s->scan;
    const tg_err err = put_together(s, end, u, ret);

    if (err != TG_OK || (s->need_key && !u->key)) {
        discard(s, end);
        s->need_key = true;
        s->key_due = TG_MIN(s->key_due, now);
        return false;
    }
    pass(s, end);
    ret->key = u->key;
    s->gap = false;
    s->has_drop = false;
    s->stats.frames++;
    if (u->key) {
        s->need_key = false;
        s->key_due = TG_US_NEVER;
        s->want = false;
    }
    return true;
}

/* --- holes ---------------------------------------------------------------------------------- */

/* Back to the first packet of the frame of key_seq; false = that is not certain. */
static bool key_begin(const struct tg_rx_stream *s, uint64_t *ret)
{
    const uint32_t ts = tg_reorder_at(&s->ring, s->key_seq)->ts;
    uint64_t first = s->key_seq;

    for (uint64_t seq = s->key_seq; seq > s->ring.next; seq--) {
        const struct tg_reorder_slot *slot = tg_reorder_at(&s->ring, seq - 1);

        if (slot == NULL)
            break;
        if ((slot->flags & TG_REORDER_PADDING) != 0)
            continue;
        if (slot->ts != ts || (slot->flags & TG_REORDER_MARKER) != 0) {
            *ret = first;
            return true;
        }
        first = seq - 1;
    }
    *ret = first;
    return (tg_reorder_at(&s->ring, first)->flags & TG_REORDER_START) != 0;
}

/* Is all there from key_seq to the end of its frame? */
static bool key_ends(const struct tg_rx_stream *s)
{
    const uint32_t ts = tg_reorder_at(&s->ring, s->key_seq)->ts;

    for (uint64_t seq = s->key_seq; seq <= s->ring.highest; seq++) {
        const struct tg_reorder_slot *slot = tg_reorder_at(&s->ring, seq);

        if (slot == NULL)
            return false;
        if ((slot->flags & TG_REORDER_PADDING) != 0)
            continue;
        if (slot->ts != ts || (slot->flags & TG_REORDER_MARKER) != 0)
            return true;
    }
    return false;
}

static bool jump_to_key(struct tg_rx_stream *s)
{
    uint64_t first = 0;

    if (!s->has_key || s->key_seq < s->scan || !key_begin(s, &first) || !key_ends(s))
        return false;
    discard(s, first);
    s->synced = true;
    s->need_key = true; /* a keyframe it must be, should it turn out broken */
    return true;
}

/* Packet `scan` is missing. true: something was given up, look again. */
static bool on_hole(struct tg_rx_stream *s, tg_us now)
{
    const tg_us age = now - tg_reorder_missing_since(&s->ring, s->scan);
    uint64_t to = s->scan + 1;

    if ((s->need_key || age >= tg_rx_hole_jump_us(s)) && jump_to_key(s))
        return true;
    if (age < TG_RX_HOLE_US_MAX)
        return false;
    while (tg_reorder_missing_since(&s->ring, to) >= 0 &&
           now - tg_reorder_missing_since(&s->ring, to) >= TG_RX_HOLE_US_MAX)
        to++;
    tg_rx_frames_give_up(s, now, to);
    return true;
}

static bool video_frame(struct tg_rx_stream *s, tg_us now, struct tg_h264_unpack *u,
                        struct tg_rx_frame *ret)
{
    for (;;) {
        find_start(s, now);
        switch (look(s)) {
        case HEAD_WHOLE:
            if (take(s, now, u, ret))
                return true;
            break;
        case HEAD_HOLE:
            if (!on_hole(s, now))
                return false;
            break;
        case HEAD_WAIT:
            return false;
        }
    }
}

/* --- audio ---------------------------------------------------------------------------------- */

tg_us tg_rx_audio_wait_us(const struct tg_rx_stream *s)
{
    if (!s->cfg.nack)
        return AUDIO_WAIT_US;
    return TG_MIN(TG_MAX(2 * s->cfg.rtt_us, (tg_us)AUDIO_WAIT_US), (tg_us)AUDIO_WAIT_US_MAX);
}

static bool audio_frame(struct tg_rx_stream *s, tg_us now, struct tg_rx_frame *ret)
{
    while (s->ring.next <= s->ring.highest) {
        const struct tg_reorder_slot *slot = tg_reorder_at(&s->ring, s->ring.next);

        if (slot == NULL) {
            if (now - tg_reorder_missing_since(&s->ring, s->ring.next) < tg_rx_audio_wait_us(s))
                return false;
            discard(s, s->ring.next + 1);
            continue;
        }
        if ((slot->flags & TG_REORDER_PADDING) != 0) {
            pass(s, s->ring.next + 1);
            continue;
        }
        *ret = (struct tg_rx_frame){.bytes = tg_reorder_payload(&s->ring, s->ring.next),
                                    .key = true,
                                    .gap = s->gap,
                                    .marker = (slot->flags & TG_REORDER_MARKER) != 0,
                                    .ts = slot->ts,
                                    .arrival = slot->at};
        s->gap = false;
        s->stats.frames++;
        pass(s, s->ring.next + 1);
        return true;
    }
    return false;
}

bool tg_rx_stream_frame(struct tg_rx_stream *s, tg_us now, struct tg_h264_unpack *u,
                        struct tg_rx_frame *ret)
{
    if (!s->started)
        return false;
    return s->cfg.kind == TG_RX_OPUS ? audio_frame(s, now, ret) : video_frame(s, now, u, ret);
}
