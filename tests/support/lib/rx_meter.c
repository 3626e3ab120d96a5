/*
 * rx_meter.c - see rx_meter.h.
 */
#include "support/lib/rx_meter.h"

#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "proto/h264.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

enum { FU_START = 0x80, FU_TYPE = 0x1f };
static const uint64_t ntp_to_unix_s = 2208988800U; /* from 1900 to 1970 */

static struct rx_stream *stream_of(struct rx_meter *m, uint32_t ssrc, uint16_t seq)
{
    for (size_t i = 0; i < RX_STREAMS; i++) {
        struct rx_stream *s = &m->streams[i];

        if (!s->on)
            *s = (struct rx_stream){.ssrc = ssrc,
                                    .on = true,
                                    .first = 65536U + seq,
                                    .newest = 65536U + seq,
                                    .mark_newest = 65535U + seq};
        if (s->ssrc == ssrc)
            return s;
    }
    return NULL;
}

static tg_us wall_of(struct tg_rtp_ext ext)
{
    struct tg_rd r = tg_rd(ext.data, ext.len);
    uint64_t seconds = tg_rd_u32(&r);
    uint64_t fraction = tg_rd_u32(&r);

    if (r.bad || seconds < ntp_to_unix_s)
        return 0;
    return (tg_us)((seconds - ntp_to_unix_s) * TG_US_PER_S + ((fraction * TG_US_PER_S) >> 32));
}

static void read_exts(const struct rx_meter *m, const struct tg_rtp *rtp, struct rx_seen *ret)
{
    struct tg_rtp_ext ext;

    if (m->ext_capture != 0 && tg_rtp_ext_find(rtp, m->ext_capture, &ext)) {
        ret->capture_wall_us = wall_of(ext);
        ret->has_capture = ret->capture_wall_us != 0;
    }
    if (m->ext_twcc != 0 && tg_rtp_ext_find(rtp, m->ext_twcc, &ext) && ext.len == 2) {
        struct tg_rd r = tg_rd(ext.data, ext.len);

        ret->twcc = tg_rd_u16(&r);
        ret->has_twcc = true;
    }
}

/* True: complete with this packet. */
static bool frame_packet(struct rx_frame *f, const struct tg_rtp *rtp, uint64_t seq)
{
    if (!f->on || f->done || rtp->ts != f->ts || seq < f->seq_first)
        return false;
    f->packets++;
    if (rtp->marker)
        f->seq_marker = seq;
    f->done = f->seq_marker != 0 && f->packets == f->seq_marker - f->seq_first + 1;
    return f->done;
}

/* The header of a protected packet: P says nothing here, its padding is encrypted. */
static bool parse_clear(struct tg_rtp *ret, const uint8_t *bytes, size_t len)
{
    struct tg_rd r = tg_rd(bytes, len);
    uint8_t first = tg_rd_u8(&r);
    uint8_t second = tg_rd_u8(&r);

    *ret = (struct tg_rtp){.marker = (second & 0x80) != 0, .pt = second & 0x7f};
    ret->seq = tg_rd_u16(&r);
    ret->ts = tg_rd_u32(&r);
    ret->ssrc = tg_rd_u32(&r);
    tg_rd_skip(&r, (size_t)(first & 0x0f) * 4);
    if ((first & 0x10) != 0) {
        ret->has_ext = true;
        ret->ext_profile = tg_rd_u16(&r);
        ret->ext = tg_rd_span(&r, (size_t)tg_rd_u16(&r) * 4);
    }
    return !r.bad;
}

bool rx_meter_packet(struct rx_meter *m, const uint8_t *bytes, size_t len, struct rx_seen *ret)
{
    struct rx_stream *s;
    struct tg_rtp rtp;
    uint64_t seq;

    *ret = (struct rx_seen){0};
    if (!parse_clear(&rtp, bytes, len))
        return false;
    s = stream_of(m, rtp.ssrc, rtp.seq);
    if (s == NULL)
        return false;
    seq = tg_seq_unwrap(s->newest, rtp.seq);
    s->newest = TG_MAX(s->newest, seq);
    s->packets++;
    ret->ssrc = rtp.ssrc;
    ret->video = rtp.pt == m->video_pt;
    if (rtp.has_ext)
        read_exts(m, &rtp, ret);
    if (!ret->video || m->frame.done)
        return true;
    if (!m->frame.on)
        m->frame = (struct rx_frame){.on = true, .ts = rtp.ts, .seq_first = seq};
    ret->frame_done = frame_packet(&m->frame, &rtp, seq);
    return true;
}

/* Does a keyframe begin with this payload? */
static bool begins_key(struct tg_span payload)
{
    struct tg_rd r = tg_rd(payload.data, payload.len);
    unsigned type = tg_rd_u8(&r) & FU_TYPE;
    uint8_t fu = tg_rd_u8(&r);

    if (r.bad)
        return false;
    if (type == TG_H264_FU_A)
        return (fu & FU_START) != 0 && (fu & FU_TYPE) == TG_H264_IDR;
    if (type == TG_H264_STAP_A) {
        tg_rd_skip(&r, 1);
        type = tg_rd_u8(&r) & FU_TYPE;
    }
    return type == TG_H264_SPS || type == TG_H264_IDR;
}

static tg_us read_clock(const struct tg_rtp *rtp)
{
    struct tg_rd r = tg_rd(rtp->payload.data + rtp->payload.len, rtp->padding);
    tg_us wall_us;

    if (rtp->padding != RX_CLOCK_LEN)
        return 0;
    wall_us = (tg_us)tg_rd_u64(&r);
    return tg_rd_u8(&r) == 't' && tg_rd_u8(&r) == 'g' && tg_rd_u8(&r) == 'C' ? wall_us : 0;
}

void rx_meter_plain(struct rx_meter *m, const uint8_t *bytes, size_t len, bool *ret_key,
                    tg_us *ret_sent_us)
{
    struct tg_rtp rtp;
    struct rx_stream *s;
    uint64_t seq;

    *ret_key = false;
    *ret_sent_us = 0;
    if (tg_rtp_parse(&rtp, bytes, len) != TG_OK || rtp.pt != m->video_pt)
        return;
    s = stream_of(m, rtp.ssrc, rtp.seq);
    if (s == NULL)
        return;
    *ret_sent_us = read_clock(&rtp);
    seq = tg_seq_unwrap(s->newest, rtp.seq);
    if (!m->key.on && begins_key(rtp.payload))
        m->key = (struct rx_frame){.on = true, .ts = rtp.ts, .seq_first = seq};
    *ret_key = frame_packet(&m->key, &rtp, seq);
}

uint64_t rx_meter_lost(const struct rx_meter *m)
{
    uint64_t lost = 0;

    for (size_t i = 0; i < RX_STREAMS; i++) {
        const struct rx_stream *s = &m->streams[i];
        uint64_t want = s->on ? s->newest - s->first + 1 : 0;

        lost += want > s->packets ? want - s->packets : 0;
    }
    return lost;
}

uint64_t rx_meter_packets(const struct rx_meter *m)
{
    uint64_t packets = 0;

    for (size_t i = 0; i < RX_STREAMS; i++)
        packets += m->streams[i].packets;
    return packets;
}

void rx_meter_mark(struct rx_meter *m)
{
    m->marked = true;
    for (size_t i = 0; i < RX_STREAMS; i++) {
        m->streams[i].mark_newest = m->streams[i].newest;
        m->streams[i].mark_packets = m->streams[i].packets;
    }
}

void rx_meter_window(const struct rx_meter *m, uint64_t *ret_packets, uint64_t *ret_lost)
{
    *ret_packets = 0;
    *ret_lost = 0;
    for (size_t i = 0; i < RX_STREAMS; i++) {
        const struct rx_stream *s = &m->streams[i];
        uint64_t want = s->on ? s->newest - s->mark_newest : 0;
        uint64_t have = s->packets - s->mark_packets;

        *ret_packets += have;
        *ret_lost += want > have ? want - have : 0;
    }
}
