/* A viewer's packet: which bytes it has for this viewer, protected. */
#include "fanout/viewer_priv.h"

enum { CACHE_LINE = 64 };

_Static_assert((int)TG_VIEWER_PACKET_MAX <= (int)TG_UDP_PACKET_MAX, "a packet fits a datagram");

static void run_note(struct tg_viewer_track *t, uint64_t seq, uint64_t packet, uint8_t layer)
{
    const struct tg_viewer_run *last = &t->runs[(t->run_count - 1) % TG_VIEWER_RUNS];

    if (t->run_count > 0 && last->layer == layer &&
        last->packet_first + (seq - last->seq_first) == packet)
        return;
    t->runs[t->run_count % TG_VIEWER_RUNS] =
        (struct tg_viewer_run){.seq_first = seq, .packet_first = packet, .layer = layer};
    t->run_count++;
}

struct delay {
    uint8_t min_10ms, max_10ms;
};

/*
 * What the player is told to keep back, if this packet says so. At the start nothing (0..0): frames
 * show as soon as they are decoded, so a burst of old ones is caught up. That mode leaves the sound
 * behind, so from then on the player keeps a little and brings the two together.
 */
static bool delay_of(const struct tg_frame *f, uint64_t packet_no, struct delay *ret)
{
    if (packet_no < TG_VIEWER_START_PACKETS)
        *ret = (struct delay){0, 0};
    else if (packet_no < 2 * TG_VIEWER_START_PACKETS || (f->flags & TG_FRAME_KEY) != 0)
        *ret = (struct delay){TG_VIEWER_DELAY_MIN_10MS, TG_VIEWER_DELAY_MAX_10MS};
    else
        return false;
    return true;
}

/* Which extensions a packet has follows from its sequence number and frame alone (see viewer.h). */
static size_t exts_make(const struct tg_viewer *v, const struct tg_viewer_track *t, uint64_t seq,
                        const struct tg_viewer_packet *p, struct tg_rtp_ext exts[2],
                        uint8_t data[TG_PLAYOUT_DELAY_LEN + TG_ABS_CAPTURE_TIME_LEN])
{
    const struct tg_frame *f = p->entry->frame;
    struct delay delay;
    size_t count = 0;

    if (t->cfg.ext_playout_delay != 0 && p->track == TG_TRACK_VIDEO &&
        delay_of(f, seq - t->seq_first, &delay)) {
        tg_playout_delay_write(data, delay.min_10ms, delay.max_10ms);
        exts[count++] = (struct tg_rtp_ext){
            .id = t->cfg.ext_playout_delay, .len = TG_PLAYOUT_DELAY_LEN, .data = data};
    }
    if (t->cfg.ext_abs_capture_time != 0 && p->index == 0 && p->entry->stamped) {
        uint8_t *at = data + TG_PLAYOUT_DELAY_LEN;

        tg_abs_capture_time_write(at,
                                  tg_ntp_from_wall(v->epoch_us + f->media_us + v->wall_offset_us));
        exts[count++] = (struct tg_rtp_ext){
            .id = t->cfg.ext_abs_capture_time, .len = TG_ABS_CAPTURE_TIME_LEN, .data = at};
    }
    return count;
}

/*
 * The next transport-wide number, as an extension. Never without RTX: what is sent twice with one
 * SRTP nonce must be the same bytes, and this number is new each time.
 */
static size_t twcc_make(struct tg_viewer *v, const struct tg_viewer_track *t,
                        struct tg_rtp_ext *ext, uint8_t data[2])
{
    struct tg_wr w = tg_wr(data, 2);

    tg_wr_u16(&w, v->twcc_next);
    *ext = (struct tg_rtp_ext){.id = t->cfg.ext_twcc, .len = 2, .data = data};
    return 1;
}

/* Protects header + prefix + the packet's payload. */
static tg_err packet_seal(struct tg_viewer *v, tg_us now, const struct tg_viewer_packet *p,
                          const struct tg_rtp *header, uint64_t seq, struct tg_span prefix,
                          struct tg_viewer_sink *sink)
{
    const struct tg_viewer_track *t = &v->tracks[p->track];
    uint8_t data[TG_PLAYOUT_DELAY_LEN + TG_ABS_CAPTURE_TIME_LEN];
    uint8_t twcc[2];
    struct tg_rtp_ext exts[3];
    struct tg_wr w = tg_wr(sink->out, sink->cap);
    size_t ext_count = exts_make(v, t, seq, p, exts, data);
    const bool numbered = v->twcc_on && p->track == TG_TRACK_VIDEO;

    if (numbered)
        ext_count += twcc_make(v, t, &exts[ext_count], twcc);
    tg_rtp_write_header(&w, header, exts, ext_count);
    if (w.bad)
        return TG_ERR_LIMIT;
    const struct tg_srtp_plain in = {
        .header = tg_span(sink->out, tg_wr_len(&w)),
        .prefix = prefix,
        .payload = tg_frame_payload(p->entry->frame, p->index),
    };

    tg_err err = tg_srtp_tx_protect(sink->tx, &in, sink->out, sink->cap, &sink->len);

    if (numbered && err == TG_OK)
        tg_bwe_sent(&v->bwe, now, v->twcc_next++, sink->len);
    return err;
}

/* The codec is the frame's, so a packet of before a change of codec is resent as what it was. */
static const struct tg_viewer_codec *codec_of(const struct tg_viewer_track *t,
                                              const struct tg_viewer_packet *p)
{
    const struct tg_viewer_codec *c = tg_viewer_codec_of(t, p->entry->frame->codec);

    TG_ASSERT(c != NULL); /* frame_wanted let it pass */
    return c;
}

static struct tg_rtp header_of(const struct tg_viewer_track *t, const struct tg_viewer_packet *p,
                               uint64_t seq)
{
    const struct tg_frame *f = p->entry->frame;

    return (struct tg_rtp){
        .marker = f->packets[p->index].marker ||
                  (p->track == TG_TRACK_AUDIO && (f->flags & TG_FRAME_AUDIO_GAP) != 0),
        .pt = codec_of(t, p)->pt,
        .seq = (uint16_t)seq,
        .ts = f->rtp_ts,
        .ssrc = t->cfg.ssrc,
    };
}

static tg_err write_live(struct tg_viewer *v, tg_us now, const struct tg_viewer_packet *p,
                         struct tg_viewer_sink *sink)
{
    struct tg_viewer_track *t = &v->tracks[p->track];
    const struct tg_frame *f = p->entry->frame;
    uint64_t seq = t->seq_next++;
    const struct tg_rtp header = header_of(t, p, seq);

    run_note(t, seq, p->entry->packet_first + p->index, p->layer);
    t->need_key = false;
    t->started = true;
    if (p->track == TG_TRACK_VIDEO) {
        v->video_media_us = f->media_us;
        v->hold_at = 0;
    }
    if (v->report_at == TG_US_NEVER)
        v->report_at = 0; /* the first report follows the first packets */
    t->packet_at++;
    if (t->packet_at == f->packet_count) {
        t->frame_no++;
        t->packet_at = 0;
    }
    t->packets++;
    t->bytes += f->packets[p->index].len;
    return packet_seal(v, now, p, &header, seq, tg_span(NULL, 0), sink);
}

/* RFC 4588 s4: own SSRC, payload type and numbers; the original number leads the payload. */
static tg_err write_resend(struct tg_viewer *v, tg_us now, const struct tg_viewer_packet *p,
                           struct tg_viewer_sink *sink)
{
    struct tg_viewer_track *t = &v->tracks[p->track];
    const struct tg_viewer_codec *codec = codec_of(t, p);
    struct tg_rtp header = header_of(t, p, p->seq);
    uint8_t osn[TG_RTX_OSN_LEN];
    struct tg_wr w = tg_wr(osn, sizeof(osn));

    if (p->probe) {
        v->counts.probed++;
    } else {
        v->resend_head++;
        v->counts.resent++;
    }
    if (codec->rtx_pt < 0)
        return packet_seal(v, now, p, &header, p->seq, tg_span(NULL, 0), sink);
    tg_wr_u16(&w, header.seq);
    header.pt = (uint8_t)codec->rtx_pt;
    header.ssrc = t->cfg.rtx_ssrc;
    header.seq = (uint16_t)t->rtx_seq_next++;
    t->rtx_packets++;
    t->rtx_bytes += p->entry->frame->packets[p->index].len + (uint32_t)sizeof(osn);
    return packet_seal(v, now, p, &header, p->seq, tg_span(osn, sizeof(osn)), sink);
}

tg_err tg_viewer_write(struct tg_viewer *v, const struct tg_viewer_packet *p, struct tg_srtp_tx *tx,
                       tg_us now, uint8_t *out, size_t cap, /* NOLINT: written through sink */
                       size_t *ret_len)
{
    struct tg_viewer_sink sink = {.tx = tx, .out = out, .cap = cap};
    tg_err err = p->resend ? write_resend(v, now, p, &sink) : write_live(v, now, p, &sink);

    if (err != TG_OK)
        return err;
    /* A probe keeps a rate of its own. */
    if ((p->track == TG_TRACK_VIDEO || p->resend) && !p->probe)
        v->credit -= (int32_t)sink.len;
    if (p->resend && !p->probe)
        v->resend_credit -= (int32_t)sink.len;
    v->counts.packets++;
    v->counts.bytes += (uint32_t)sink.len;
    *ret_len = sink.len;
    return TG_OK;
}

/* --- one viewer ahead ----------------------------------------------------------------------- */

static void warm(const void *from, size_t len)
{
    for (size_t i = 0; i < len; i += CACHE_LINE)
        __builtin_prefetch((const char *)from + i);
}

void tg_viewer_warm(const struct tg_viewer *v)
{
    warm(v, offsetof(struct tg_viewer, resends));
    warm(&v->report_at, sizeof(*v) - offsetof(struct tg_viewer, report_at));
}
