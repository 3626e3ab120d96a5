/*
 * A publisher that does what the bytes say: packets of any stream, order and content, RTCP,
 * silence. Nothing may crash; what comes out must be well formed; requests keep their distance;
 * deadlines pass.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "proto/h264.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/vp8.h"
#include "rtc/receiver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 600, PT_VIDEO = 102, PT_RTX = 103, PT_AUDIO = 111, SOURCES = 8 };
enum { EXT_MID = 1, EXT_RID, EXT_REPAIRED, EXT_TWCC, EXT_LEVEL };

struct source {
    uint16_t seq;
    uint32_t ts;
};

struct world {
    struct tg_sdp_whip pick;
    struct tg_receiver *receiver;
    tg_us now;
    struct source sources[SOURCES];
    uint16_t twcc_seq;
    tg_us pli_at[SOURCES]; /* by SSRC, of one encoding each or fewer */
    uint64_t frames[TG_RECEIVER_STREAMS];
};

static const struct {
    const char *bytes;
    size_t len;
} payloads[] = {
    {"\x78\0\2\x67\x42\0\1\x68\0\2\x65\x88", 12}, /* a keyframe */
    {"\x41\x9a\x01", 3},
    {"\x7c\x85\x11", 3}, /* IDR in pieces */
    {"\x7c\x05\x22", 3},
    {"\x7c\x45\x33", 3},
    {"\x67\x42", 2},
    {"\x10\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00", 11}, /* VP8 */
    {"\x10\x11\x02\x00", 4},
    {"\x00\x44", 2},
    {"", 0},
};

static void check_frame(struct world *w, const struct tg_receiver_out *out)
{
    static struct tg_span nals[TG_H264_NALS_MAX];
    struct tg_vp8_info info;
    size_t count = 0;

    TG_ASSERT(out->encoding < TG_RECEIVER_STREAMS && out->bytes.len > 0);
    TG_ASSERT(out->arrival <= w->now);
    w->frames[out->encoding]++;
    if (out->encoding == TG_RECEIVER_AUDIO)
        return;
    TG_ASSERT(!out->gap || out->key);
    TG_ASSERT(w->frames[out->encoding] > 1 || out->key);
    if (w->pick.video.vp8) {
        TG_ASSERT(tg_vp8_info_parse(&info, out->bytes) == TG_OK && info.key == out->key);
        return;
    }
    TG_ASSERT(tg_h264_split(nals, &count, out->bytes.data, out->bytes.len, 4) == TG_OK);
    TG_ASSERT(count > 0 && tg_h264_is_key(nals, count) == out->key);
}

static void check_rtcp(struct world *w, struct tg_span bytes)
{
    struct tg_rd r = tg_rd(bytes.data, bytes.len);
    struct tg_rtcp p;
    struct tg_twcc t;
    tg_err err;

    TG_ASSERT(bytes.len > 0 && bytes.len <= TG_RTP_MTU);
    while ((err = tg_rtcp_next(&r, &p)) == TG_OK) {
        if (p.kind == TG_RTCP_TWCC)
            TG_ASSERT(tg_twcc_parse(&t, p.fci) == TG_OK);
        if (p.kind == TG_RTCP_NACK)
            TG_ASSERT((w->pick.video.fb & TG_SDP_FB_NACK) != 0 && p.fci.len > 0);
        if (p.kind != TG_RTCP_PLI || p.media_ssrc >= SOURCES)
            continue;
        tg_us *at = &w->pli_at[p.media_ssrc];

        TG_ASSERT(*at == 0 || w->now - *at >= TG_RECEIVER_PLI_US);
        *at = w->now;
    }
    TG_ASSERT(err == TG_ERR_AGAIN);
}

static void drain(struct world *w)
{
    struct tg_receiver_out out;

    for (int turns = 0; tg_receiver_poll(w->receiver, &out); turns++) {
        TG_ASSERT(turns < 5000);
        if (out.kind == TG_RECEIVER_FRAME)
            check_frame(w, &out);
        else if (out.kind == TG_RECEIVER_RTCP)
            check_rtcp(w, out.bytes);
    }
    TG_ASSERT(tg_receiver_deadline(w->receiver) > w->now);
}

/* op: 3 bits of SSRC, marker, RTX, which extensions; steps of number and time; payload. */
static void packet(struct world *w, struct tg_rd *r)
{
    const uint8_t op = tg_rd_u8(r);
    const uint8_t more = tg_rd_u8(r);
    const uint8_t step = tg_rd_u8(r);
    const uint8_t kind = tg_rd_u8(r);
    struct source *s = &w->sources[op & 7];
    const bool audio = (op & 7) == 7;
    uint8_t bytes[400];
    uint8_t twcc[2];
    struct tg_rtp_ext exts[2];
    size_t ext_count = 0;
    struct tg_wr out = tg_wr(bytes, sizeof(bytes));

    /* Mostly the next one; else a jump, far or near, or one before. */
    s->seq = (uint16_t)(s->seq + (step < 200 ? 1 : step < 240 ? step - 225 : (step - 240) * 997));
    s->ts += (more & 0x40) != 0 ? 3000U : 0U;
    if ((more & 1) != 0) {
        twcc[0] = (uint8_t)(w->twcc_seq >> 8);
        twcc[1] = (uint8_t)w->twcc_seq;
        w->twcc_seq = (uint16_t)(w->twcc_seq + 1 + (step > 250) * 700);
        exts[ext_count++] = (struct tg_rtp_ext){.id = EXT_TWCC, .len = 2, .data = twcc};
    }
    if ((more & 2) != 0)
        exts[ext_count++] = (struct tg_rtp_ext){.id = (more & 4) != 0 ? EXT_RID : EXT_REPAIRED,
                                                .len = 1,
                                                .data = (const uint8_t *)&"hml0"[more >> 3 & 3]};
    const struct tg_rtp head = {.ssrc = op & 7,
                                .seq = s->seq,
                                .ts = s->ts,
                                .marker = (op & 8) != 0,
                                .pt = audio            ? PT_AUDIO
                                      : (op & 16) != 0 ? PT_RTX
                                                       : PT_VIDEO};

    tg_rtp_write_header(&out, &head, exts, ext_count);
    if ((op & 16) != 0 && !audio)
        tg_wr_u16(&out, (uint16_t)(w->sources[(op & 7) / 2].seq - (op >> 5)));
    if (kind < 200) {
        const size_t i = kind % TG_ARRAY_LEN(payloads);

        tg_wr_bytes(&out, payloads[i].bytes, payloads[i].len);
    } else {
        const struct tg_span raw = tg_rd_span(r, TG_MIN((size_t)kind - 199, tg_rd_left(r)));

        tg_wr_bytes(&out, raw.data, raw.len);
    }
    (void)tg_receiver_rtp(w->receiver, w->now, tg_span(bytes, tg_wr_len(&out)));
    drain(w);
}

static void control(struct world *w, struct tg_rd *r, uint8_t arg)
{
    uint8_t bytes[300];
    struct tg_wr out = tg_wr(bytes, sizeof(bytes));
    const uint32_t ssrc = arg & 7;
    struct tg_rtcp_sr sr = {.ntp = (uint64_t)w->now << 12, .rtp_ts = w->sources[ssrc].ts};
    struct tg_rtcp_dlrr dlrr = {.ssrc = 99};

    if ((arg & 0x18) == 0) {
        tg_rtcp_write_sr(&out, ssrc, &sr, NULL, 0);
    } else if ((arg & 0x18) == 8) {
        tg_rtcp_write_bye(&out, &ssrc, 1);
    } else if ((arg & 0x18) == 0x10) {
        dlrr.lrr = tg_ntp_mid(tg_ntp_from_wall(w->now)) - (uint32_t)arg * 500;
        tg_rtcp_write_dlrr(&out, ssrc, &dlrr, 1);
    } else {
        const struct tg_span raw = tg_rd_span(r, TG_MIN((size_t)arg, tg_rd_left(r)));

        tg_wr_bytes(&out, raw.data, raw.len);
    }
    (void)tg_receiver_rtcp(w->receiver, w->now, tg_span(bytes, tg_wr_len(&out)));
    drain(w);
}

static void step(struct world *w, struct tg_rd *r)
{
    const uint8_t what = tg_rd_u8(r);
    struct tg_receiver_stats stats;

    switch (what & 7) {
    case 5:
        w->now += (tg_us)(what >> 3) * (what >> 3) * 1500;
        tg_receiver_tick(w->receiver, w->now);
        drain(w);
        break;
    case 6:
        control(w, r, tg_rd_u8(r));
        break;
    case 7:
        if (what >= 0xf0) {
            const struct tg_span raw = tg_rd_span(r, TG_MIN((size_t)60, tg_rd_left(r)));

            (void)tg_receiver_rtp(w->receiver, w->now, raw);
        } else {
            tg_receiver_want_key(w->receiver, w->now, what >> 5 & 3);
        }
        drain(w);
        tg_receiver_stats(w->receiver, what >> 5 & 3, &stats);
        TG_ASSERT(stats.repaired <= stats.lost + 32); /* the first packets may be out of order */
        break;
    default:
        w->now += 700;
        packet(w, r);
        break;
    }
}

static void open_world(struct world *w, uint8_t choice)
{
    struct tg_receiver_cfg cfg = {.pick = &w->pick, .ssrc = 99};

    w->pick =
        (struct tg_sdp_whip){.video = {.media = 0,
                                       .vp8 = (choice & 1) != 0,
                                       .pt = PT_VIDEO,
                                       .rtx_pt = (choice & 2) != 0 ? PT_RTX : -1,
                                       .fb = (uint8_t)(TG_SDP_FB_TWCC | TG_SDP_FB_PLI |
                                                       ((choice & 4) != 0 ? TG_SDP_FB_NACK : 0)),
                                       .rtcp_rsize = (choice & 8) != 0,
                                       .rcvr_rtt = (choice & 16) != 0,
                                       .ext_mid = EXT_MID,
                                       .ext_rid = EXT_RID,
                                       .ext_repaired_rid = EXT_REPAIRED,
                                       .ext_twcc = EXT_TWCC},
                             .audio = {.media = 1,
                                       .pt = PT_AUDIO,
                                       .rtx_pt = -1,
                                       .rtcp_rsize = true,
                                       .ext_audio_level = EXT_LEVEL,
                                       .ext_twcc = EXT_TWCC}};
    if ((choice & 32) != 0) {
        w->pick.video.rid_count = 3;
        for (unsigned i = 0; i < 3; i++)
            w->pick.video.rids[i][0] = "hml"[i];
    } else if ((choice & 64) != 0) {
        w->pick.video.ssrc_count = 2;
        w->pick.video.ssrcs[0] = 1;
        w->pick.video.pair_count = 1;
        w->pick.video.pairs[0] = (struct tg_sdp_ssrc_pair){.media = 1, .rtx = 2};
    }
    w->now = 1;
    TG_ASSERT(tg_receiver_new(&w->receiver, &cfg, w->now) == TG_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct tg_rd r = tg_rd(data, size);

    memset(&w, 0, sizeof(w));
    open_world(&w, tg_rd_u8(&r));
    for (int i = 0; i < STEPS_MAX && tg_rd_left(&r) > 0; i++)
        step(&w, &r);
    tg_receiver_free(w.receiver);
    return 0;
}
