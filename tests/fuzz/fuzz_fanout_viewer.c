/*
 * fuzz_fanout_viewer.c - bytes choose frames, time steps, RTCP from the viewer and how much is
 * sent; with several layers also pins, rates and the estimate. Checked: numbers on each SSRC stay
 * consecutive, also over changes of layer, and transport-wide numbers over both; media time never
 * goes back within a generation; a frame's time is never changed, each packet has the payload type
 * of its frame's codec, what is sent again on the same SSRC is the same bytes, no endless loop.
 */
#include <string.h>

#include "base/alloc.h"
#include "fanout/viewer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SENT_MAX = 4096, EXT_TWCC = 14 };

struct bed {
    struct tg_viewer v;
    struct tg_history *histories[TG_TRACK_COUNT]; /* of video: layer 0 */
    struct tg_history *lower[TG_LAYERS_MAX];      /* [0] is not used */
    struct tg_viewer_source src;
    bool layered;
    uint16_t twcc;
    bool twcc_any;
    bool media_any;
    tg_us media_us; /* of the newest video frame sent, and its generation */
    uint32_t generation;
    struct tg_srtp_tx *tx;
    tg_us now;
    uint8_t mode;
    uint16_t seq[TG_TRACK_COUNT];
    struct {
        uint64_t seq;
        uint32_t sum;
        bool set;
    } sent[SENT_MAX]; /* video, by sequence number */
};

/* FNV-1a of what left: a packet that is repeated must be repeated exactly (SRTP nonce). */
static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 2166136261U;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * 16777619U;
    return sum;
}

static bool has_vp8(uint8_t mode)
{
    return (mode & 8) == 0;
}

static void frame_push(struct bed *b, struct tg_rd *r)
{
    uint8_t shape = tg_rd_u8(r);
    enum tg_track track = (shape & 1) != 0 ? TG_TRACK_AUDIO : TG_TRACK_VIDEO;
    size_t packets = track == TG_TRACK_AUDIO ? 1 : (size_t)(shape >> 4) * (shape >> 4);
    struct tg_frame *f = tg_frame_new(packets, 4);

    TG_ASSERT(f != NULL);
    f->track = (uint8_t)track;
    f->codec = track == TG_TRACK_AUDIO ? TG_CODEC_OPUS : TG_CODEC_H264;
    f->flags = (shape & 2) != 0 ? TG_FRAME_KEY : 0;
    f->generation = (shape & 12) == 12 ? tg_rd_u8(r) : 1;
    if (track == TG_TRACK_VIDEO && ((shape & 12) == 8 || (f->generation & 1) == 0))
        f->codec = TG_CODEC_VP8;
    f->media_us = b->now;
    f->rtp_ts = tg_media_to_rtp(b->now, track);
    for (size_t i = 0; i < packets; i++)
        f->packets[i] = (struct tg_frame_packet){.len = 4, .marker = i + 1 == packets};
    if (track == TG_TRACK_VIDEO && b->layered) {
        f->layer = shape >> 2 & 3;
        f->generation = 1;
        f->codec = TG_CODEC_H264;
    }
    (void)tg_history_push(f->layer > 0 ? b->lower[f->layer] : b->histories[track], f, b->now);
}

/* Two sources may make frames at one time; one layer's never do. */
static void media_check(struct bed *b, const struct tg_viewer_packet *p)
{
    const struct tg_frame *f = p->entry->frame;

    if (p->track != TG_TRACK_VIDEO || p->resend || p->index != 0)
        return;
    if (b->media_any && b->generation == f->generation)
        TG_ASSERT(f->media_us >= b->media_us);
    b->media_any = true;
    b->media_us = f->media_us;
    b->generation = f->generation;
}

static void twcc_check(struct bed *b, const struct tg_rtp *rtp)
{
    struct tg_rtp_ext ext;

    if (!tg_rtp_ext_find(rtp, EXT_TWCC, &ext))
        return;
    TG_ASSERT(b->layered && rtp->ssrc != 3 && ext.len == 2);
    uint16_t number = (uint16_t)(ext.data[0] << 8 | ext.data[1]);

    TG_ASSERT(!b->twcc_any || number == b->twcc);
    b->twcc = (uint16_t)(number + 1);
    b->twcc_any = true;
}

static void packet_check(struct bed *b, const struct tg_viewer_packet *p, const uint8_t *out,
                         size_t len)
{
    struct tg_rtp rtp;
    size_t trailer = tg_srtp_tx_trailer(b->tx);
    bool vp8 = p->entry->frame->codec == TG_CODEC_VP8;

    TG_ASSERT(tg_rtp_parse(&rtp, out, len - trailer) == TG_OK);
    TG_ASSERT(rtp.ts == p->entry->frame->rtp_ts);
    twcc_check(b, &rtp);
    media_check(b, p);
    TG_ASSERT(!p->probe || rtp.ssrc == 2);
    TG_ASSERT(!vp8 || has_vp8(b->mode));
    if (rtp.ssrc == 1)
        TG_ASSERT(rtp.pt == (vp8 ? 96 : 102));
    if (rtp.ssrc == 2)
        TG_ASSERT(p->resend && rtp.pt == (vp8 ? 97 : 103));
    if (p->resend) {
        if (rtp.ssrc == 1 && b->sent[p->seq % SENT_MAX].set &&
            b->sent[p->seq % SENT_MAX].seq == p->seq)
            TG_ASSERT(b->sent[p->seq % SENT_MAX].sum == sum_of(out, len));
        return;
    }
    TG_ASSERT(rtp.seq == b->seq[p->track]);
    if (p->track == TG_TRACK_VIDEO) {
        uint64_t seq = b->v.tracks[TG_TRACK_VIDEO].seq_next - 1;

        b->sent[seq % SENT_MAX].seq = seq;
        b->sent[seq % SENT_MAX].sum = sum_of(out, len);
        b->sent[seq % SENT_MAX].set = true;
    }
    b->seq[p->track]++;
}

static void send_some(struct bed *b, unsigned count_max)
{
    struct tg_viewer_packet p;
    uint8_t out[TG_VIEWER_PACKET_MAX];
    size_t len = 0;

    for (unsigned i = 0; i < count_max; i++) {
        if (tg_viewer_next(&b->v, &b->src, b->now, &p) != TG_VIEWER_SEND)
            return;
        TG_ASSERT(tg_viewer_write(&b->v, &p, b->tx, b->now, out, sizeof(out), &len) == TG_OK);
        packet_check(b, &p, out, len);
    }
}

static void step(struct bed *b, struct tg_rd *r)
{
    uint8_t what = tg_rd_u8(r);
    uint8_t report[TG_VIEWER_REPORT_MAX];
    size_t len;

    switch (what & 3) {
    case 0:
        frame_push(b, r);
        break;
    case 1:
        if (b->layered && (what & 0x80) != 0) {
            uint8_t layer = tg_rd_u8(r);

            if ((layer & 4) != 0)
                tg_viewer_pin(&b->v, (layer >> 4 & 7) - 1);
            else
                b->src.video[layer & 3].bps = (uint32_t)(layer >> 3) * 100000;
            if ((layer & 8) != 0 && b->v.bwe.estimate_bps != 0)
                b->v.bwe.estimate_bps = TG_BWE_MIN_BPS + (uint32_t)layer * 10000;
        }
        b->now += (tg_us)(what >> 2) * (what >> 2) * TG_US_PER_MS;
        len = tg_viewer_report(&b->v, b->now, report, sizeof(report));
        TG_ASSERT(len % 4 == 0 && len <= sizeof(report));
        break;
    case 2:
        len = TG_MIN((size_t)tg_rd_u8(r), tg_rd_left(r));
        tg_viewer_rtcp(&b->v, b->now, tg_rd_span(r, len));
        break;
    default:
        send_some(b, what);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bed b; /* large for a stack */
    struct tg_rd r = tg_rd(data, size);
    uint8_t mode = tg_rd_u8(&r);
    const struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};
    struct tg_viewer_cfg cfg = {.cname = "fuzz"};

    memset(&b, 0, sizeof(b));
    b.now = 1000000;
    b.layered = (mode & 0x8a) == 0x8a; /* without sound and VP8 */
    b.mode = mode;
    b.seq[TG_TRACK_VIDEO] = 0x7ff0;
    b.seq[TG_TRACK_AUDIO] = 5;
    cfg.tracks[TG_TRACK_VIDEO] =
        (struct tg_viewer_track_cfg){.on = true,
                                     .codecs = {{TG_CODEC_H264, 102, (mode & 1) != 0 ? 103 : -1}},
                                     .ssrc = 1,
                                     .rtx_ssrc = 2,
                                     .ext_playout_delay = mode >> 1 & 7,
                                     .ext_abs_capture_time = mode >> 4 & 7,
                                     .ext_twcc = b.layered ? EXT_TWCC : 0,
                                     .seq_first = b.seq[0]};
    cfg.tracks[TG_TRACK_AUDIO] = (struct tg_viewer_track_cfg){.on = (mode & 0x80) == 0,
                                                              .codecs = {{TG_CODEC_OPUS, 111, -1}},
                                                              .ssrc = 3,
                                                              .seq_first = b.seq[1]};
    if (has_vp8(mode)) /* RTX for both, one or none */
        cfg.tracks[TG_TRACK_VIDEO].codecs[1] =
            (struct tg_viewer_codec){TG_CODEC_VP8, 96, (mode & 2) != 0 ? 97 : -1};
    TG_ASSERT(tg_history_new(&b.histories[0], 64) == TG_OK);
    TG_ASSERT(tg_history_new(&b.histories[1], 16) == TG_OK);
    TG_ASSERT(tg_srtp_tx_new(&b.tx, &keys, TG_SRTP_SERVER) == TG_OK);
    b.src = (struct tg_viewer_source){.video = {{.history = b.histories[0], .bps = 900000}},
                                      .audio = b.histories[1]};
    for (unsigned i = 1; b.layered && i < TG_LAYERS_MAX; i++) {
        TG_ASSERT(tg_history_new(&b.lower[i], 64) == TG_OK);
        b.src.video[i] = (struct tg_viewer_layer){.history = b.lower[i], .bps = 900000 >> i};
    }
    tg_viewer_init(&b.v, &cfg);
    for (unsigned before = mode >> 4; before > 0 && tg_rd_left(&r) > 0; before--)
        frame_push(&b, &r);
    tg_viewer_start(&b.v, &b.src, b.now);
    while (!r.bad && tg_rd_left(&r) > 0)
        step(&b, &r);
    tg_viewer_done(&b.v);
    tg_srtp_tx_free(b.tx);
    for (unsigned i = 1; i < TG_LAYERS_MAX; i++)
        tg_history_free(b.lower[i]);
    tg_history_free(b.histories[0]);
    tg_history_free(b.histories[1]);
    return 0;
}
