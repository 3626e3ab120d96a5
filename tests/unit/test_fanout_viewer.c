/*
 * test_fanout_viewer.c - one viewer: start, sequence numbers, retransmission, reports, pacing.
 * Every packet is opened by libsrtp's receiver, so what is checked is what a browser would see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/seq.h"
#include "fanout/viewer.h"

enum { VIDEO_SSRC = 100, RTX_SSRC = 200, AUDIO_SSRC = 300, SEQ0 = 0x7ff0, RTX_SEQ0 = 50 };
enum { EXT_DELAY = 5, EXT_CAPTURE = 6, MS = TG_US_PER_MS };

static const tg_us epoch_us = 5 * (tg_us)TG_US_PER_S;
static const tg_us wall_offset_us = 1700000000 * (tg_us)TG_US_PER_S;

struct got {
    struct tg_rtp rtp;
    uint8_t bytes[TG_VIEWER_PACKET_MAX];
};

struct bed {
    struct tg_viewer v;
    struct tg_history *video;
    struct tg_history *audio;
    struct tg_srtp_tx *tx;
    struct tg_srtp *browser;
    tg_us now;
    uint32_t generation;
    enum tg_codec codec; /* of the video that is pushed */
    size_t payload;      /* bytes of a packet's, 0 = 8 */
    struct got got;      /* last packet */
};

static struct tg_viewer_source source(const struct bed *b)
{
    return (struct tg_viewer_source){.video = {{.history = b->video}}, .audio = b->audio};
}

static void bed_init(struct bed *b, bool rtx)
{
    struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};
    struct tg_viewer_cfg cfg = {.epoch_us = epoch_us, .wall_offset_us = wall_offset_us};

    memset(b, 0, sizeof(*b));
    memset(keys.server_key, 7, sizeof(keys.server_key));
    memset(keys.server_salt, 9, sizeof(keys.server_salt));
    memcpy(cfg.cname, "viewer", 7);
    cfg.tracks[TG_TRACK_VIDEO] = (struct tg_viewer_track_cfg){
        .on = true,
        .codecs = {{TG_CODEC_H264, 102, rtx ? 103 : -1}, {TG_CODEC_VP8, 96, rtx ? 97 : -1}},
        .ssrc = VIDEO_SSRC,
        .rtx_ssrc = RTX_SSRC,
        .ext_playout_delay = EXT_DELAY,
        .ext_abs_capture_time = EXT_CAPTURE,
        .seq_first = SEQ0,
        .rtx_seq_first = RTX_SEQ0};
    cfg.tracks[TG_TRACK_AUDIO] = (struct tg_viewer_track_cfg){
        .on = true, .codecs = {{TG_CODEC_OPUS, 111, -1}}, .ssrc = AUDIO_SSRC};
    b->now = epoch_us + 10 * (tg_us)TG_US_PER_S;
    b->generation = 1;
    b->codec = TG_CODEC_H264;
    assert_int_equal(tg_history_new(&b->video, 256), TG_OK);
    assert_int_equal(tg_history_new(&b->audio, TG_HISTORY_AUDIO), TG_OK);
    assert_int_equal(tg_srtp_tx_new(&b->tx, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtp_new(&b->browser, &keys, TG_SRTP_CLIENT), TG_OK);
    tg_viewer_init(&b->v, &cfg);
}

static void bed_done(struct bed *b)
{
    tg_viewer_done(&b->v);
    tg_history_free(b->video);
    tg_history_free(b->audio);
    tg_srtp_tx_free(b->tx);
    tg_srtp_free(b->browser);
}

/* A frame captured now whose payloads say (media ms, packet). */
static void push(struct bed *b, enum tg_track track, size_t packets, bool key)
{
    const size_t len = b->payload > 0 ? b->payload : 8;
    struct tg_frame *f = tg_frame_new(packets, packets * len);
    struct tg_wr w;

    assert_non_null(f);
    f->track = (uint8_t)track;
    f->codec = (uint8_t)(track == TG_TRACK_VIDEO ? b->codec : TG_CODEC_OPUS);
    f->flags = key ? TG_FRAME_KEY : 0;
    f->generation = b->generation;
    f->media_us = b->now - epoch_us;
    f->rtp_ts = tg_media_to_rtp(f->media_us, track);
    f->bytes_len = (uint32_t)(packets * len);
    w = tg_wr(f->bytes, f->bytes_len);
    for (size_t i = 0; i < packets; i++) {
        f->packets[i] = (struct tg_frame_packet){
            .offset = (uint32_t)(i * len), .len = (uint16_t)len, .marker = i + 1 == packets};
        w.at = f->bytes + i * len;
        tg_wr_u32(&w, f->rtp_ts);
        tg_wr_u32(&w, (uint32_t)i);
    }
    (void)tg_history_push(track == TG_TRACK_VIDEO ? b->video : b->audio, f, b->now);
}

/* A group of `frames` frames, 33 ms apart, of 2 packets, the first one a keyframe of 5. */
static void push_gop(struct bed *b, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        push(b, TG_TRACK_VIDEO, i == 0 ? 5 : 2, i == 0);
        b->now += 33 * (tg_us)MS;
    }
}

static void start(struct bed *b)
{
    const struct tg_viewer_source src = source(b);

    tg_viewer_start(&b->v, &src, b->now);
}

/* Sends one packet through the browser's SRTP into b->got. False: nothing to send now. */
static bool take(struct bed *b)
{
    const struct tg_viewer_source src = source(b);
    struct tg_viewer_packet p;
    size_t len = 0;

    if (tg_viewer_next(&b->v, &src, b->now, &p) != TG_VIEWER_SEND)
        return false;
    assert_int_equal(
        tg_viewer_write(&b->v, &p, b->tx, b->now, b->got.bytes, sizeof(b->got.bytes), &len), TG_OK);
    assert_int_equal(tg_srtp_unprotect_rtp(b->browser, b->got.bytes, len, &len), TG_OK);
    assert_int_equal(tg_rtp_parse(&b->got.rtp, b->got.bytes, len), TG_OK);
    return true;
}

static size_t take_all_bytes(struct bed *b)
{
    size_t bytes = 0;

    while (take(b))
        bytes += (size_t)(b->got.rtp.payload.data - b->got.bytes) + b->got.rtp.payload.len + 16;
    return bytes;
}

static size_t take_all(struct bed *b)
{
    size_t count = 0;

    while (take(b))
        count++;
    return count;
}

static void nack(struct bed *b, uint32_t media_ssrc, const uint16_t *seqs, size_t count)
{
    uint8_t out[256];
    struct tg_wr w = tg_wr(out, sizeof(out));

    tg_rtcp_write_nack(&w, 1, media_ssrc, seqs, count);
    assert_false(w.bad);
    tg_viewer_rtcp(&b->v, b->now, tg_span(out, tg_wr_len(&w)));
}

static void test_start_sends_from_the_keyframe_with_true_times(void **state)
{
    struct bed b;
    uint16_t seq = SEQ0;
    uint32_t ts = 0;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 3);
    tg_us key_media = b.now - epoch_us;

    push_gop(&b, 4);
    start(&b);
    for (size_t i = 0; i < 5 + 3 * 2; i++) {
        struct tg_rtp_ext ext;

        assert_true(take(&b));
        assert_int_equal(b.got.rtp.seq, seq++);
        assert_int_equal(b.got.rtp.ssrc, VIDEO_SSRC);
        assert_int_equal(b.got.rtp.pt, 102);
        if (i == 0)
            assert_int_equal(b.got.rtp.ts, tg_media_to_rtp(key_media, TG_TRACK_VIDEO));
        assert_true(i == 0 || tg_ts_diff(b.got.rtp.ts, ts) >= 0);
        ts = b.got.rtp.ts;
        assert_int_equal(b.got.rtp.marker, i == 4 || (i > 4 && i % 2 == 0));
        assert_true(tg_rtp_ext_find(&b.got.rtp, EXT_DELAY, &ext));
        assert_memory_equal(ext.data, "\0\0\0", 3);
        assert_int_equal(b.got.rtp.payload.len, 8);
    }
    assert_false(take(&b));
    assert_false(b.v.wants_key);
    bed_done(&b);
}

/* At the start nothing is kept back; then a little, so that the sound can be brought to the
 * picture. */
static void test_playout_delay_follows_the_start(void **state)
{
    struct bed b;
    const size_t gop = 5 + 3 * 2;
    size_t no = 0;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 4);
    start(&b);
    for (; no < 3 * (size_t)TG_VIEWER_START_PACKETS; no++) {
        struct tg_rtp_ext ext;
        bool start = no < TG_VIEWER_START_PACKETS;
        bool key = no % gop < 5;

        if (no % gop == 0 && no > 0)
            push_gop(&b, 4);
        assert_true(take(&b));
        if (!key && no >= 2 * (size_t)TG_VIEWER_START_PACKETS) {
            assert_false(tg_rtp_ext_find(&b.got.rtp, EXT_DELAY, &ext));
            continue;
        }
        assert_true(tg_rtp_ext_find(&b.got.rtp, EXT_DELAY, &ext));
        assert_memory_equal(ext.data, start ? "\0\0\0" : "\0\x40\x32", 3); /* 40..500 ms */
    }
    bed_done(&b);
}

static size_t stamps_of(struct bed *b, uint32_t ssrc)
{
    size_t count = 0;

    while (take(b)) {
        struct tg_rtp_ext ext;

        if (b->got.rtp.ssrc == ssrc && tg_rtp_ext_find(&b->got.rtp, EXT_CAPTURE, &ext)) {
            assert_int_equal(ext.len, TG_ABS_CAPTURE_TIME_LEN);
            count++;
        }
    }
    return count;
}

/* Each frame's packets are of one size, but for the last: then they leave in one segmented send. */
static void test_capture_time_comes_with_keyframes_and_each_second(void **state)
{
    struct bed b;
    size_t stamps = 0;

    (void)state;
    bed_init(&b, true);
    b.v.tracks[TG_TRACK_AUDIO].cfg.ext_abs_capture_time = EXT_CAPTURE;
    push(&b, TG_TRACK_VIDEO, 3, true);
    start(&b);
    assert_int_equal(stamps_of(&b, VIDEO_SSRC), 1);
    for (int i = 0; i < 100; i++) { /* 3.3 s */
        b.now += 33 * (tg_us)MS;
        push(&b, TG_TRACK_VIDEO, 3, false);
        stamps += stamps_of(&b, VIDEO_SSRC);
    }
    assert_int_equal(stamps, 3);
    push(&b, TG_TRACK_VIDEO, 3, true);
    assert_int_equal(stamps_of(&b, VIDEO_SSRC), 1);
    stamps = 0;
    for (int i = 0; i < 100; i++) { /* 2 s; every frame of sound is a keyframe */
        b.now += 20 * (tg_us)MS;
        push(&b, TG_TRACK_AUDIO, 1, true);
        stamps += stamps_of(&b, AUDIO_SSRC);
    }
    assert_int_equal(stamps, 2);
    b.now -= 60 * (tg_us)TG_US_PER_S; /* another clock */
    push(&b, TG_TRACK_AUDIO, 1, true);
    assert_int_equal(stamps_of(&b, AUDIO_SSRC), 1);
    bed_done(&b);
}

static void test_start_without_keyframe_waits_and_asks(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    push(&b, TG_TRACK_VIDEO, 2, false);
    start(&b);
    assert_false(take(&b));
    assert_false(b.v.wants_key); /* nothing came yet: perhaps the source sleeps */
    push(&b, TG_TRACK_VIDEO, 2, false);
    assert_false(take(&b));
    assert_true(b.v.wants_key);
    push(&b, TG_TRACK_VIDEO, 3, true);
    assert_int_equal(take_all(&b), 3);
    bed_done(&b);
}

static void test_start_without_any_history_is_legal(void **state)
{
    struct bed b;
    const struct tg_viewer_source none = {0};
    struct tg_viewer_packet p;

    (void)state;
    bed_init(&b, true);
    tg_viewer_start(&b.v, &none, b.now);
    assert_int_equal(tg_viewer_next(&b.v, &none, b.now, &p), TG_VIEWER_IDLE);
    push_gop(&b, 2);
    assert_int_equal(take_all(&b), 7);
    bed_done(&b);
}

/* A picture from before a pause would be a wrong one. */
static void test_start_ignores_a_silent_source(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 3);
    b.now += TG_START_SILENCE_US;
    start(&b);
    assert_false(take(&b));
    push_gop(&b, 1);
    assert_int_equal(take_all(&b), 5);
    bed_done(&b);
}

static void test_audio_starts_at_the_live_edge(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    for (int i = 0; i < 10; i++)
        push(&b, TG_TRACK_AUDIO, 1, false);
    start(&b);
    assert_false(take(&b));
    push(&b, TG_TRACK_AUDIO, 1, false);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.ssrc, AUDIO_SSRC);
    assert_int_equal(b.got.rtp.pt, 111);
    assert_int_equal(b.got.rtp.ts, tg_media_to_rtp(b.now - epoch_us, TG_TRACK_AUDIO));
    bed_done(&b);
}

static void test_nack_with_rtx_carries_the_original_number(void **state)
{
    struct bed b;
    const uint16_t seqs[] = {SEQ0 + 1, SEQ0 + 6};
    uint8_t payload[8];
    uint32_t ts;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 2);
    start(&b);
    (void)take(&b);
    assert_true(take(&b)); /* SEQ0 + 1 */
    memcpy(payload, b.got.rtp.payload.data, 8);
    ts = b.got.rtp.ts;
    (void)take_all(&b);
    nack(&b, VIDEO_SSRC, seqs, 2);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.ssrc, RTX_SSRC);
    assert_int_equal(b.got.rtp.pt, 103);
    assert_int_equal(b.got.rtp.seq, RTX_SEQ0);
    assert_int_equal(b.got.rtp.ts, ts);
    assert_int_equal(b.got.rtp.payload.len, 10);
    assert_int_equal(b.got.rtp.payload.data[0] << 8 | b.got.rtp.payload.data[1], SEQ0 + 1);
    assert_memory_equal(b.got.rtp.payload.data + 2, payload, 8);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.seq, RTX_SEQ0 + 1);
    assert_true(b.got.rtp.marker);
    assert_false(take(&b));
    assert_int_equal(b.v.counts.resent, 2);
    bed_done(&b);
}

/* Same nonce, so the bytes must be the same (proto/srtp.h). */
static void test_nack_without_rtx_repeats_the_packet_exactly(void **state)
{
    struct bed b;
    static uint8_t first[12][TG_VIEWER_PACKET_MAX];
    size_t len[12];
    size_t count = 0;
    struct tg_viewer_packet p;
    uint16_t seqs[12];

    (void)state;
    bed_init(&b, false);
    push_gop(&b, 4);
    start(&b);
    const struct tg_viewer_source src = source(&b);

    while (tg_viewer_next(&b.v, &src, b.now, &p) == TG_VIEWER_SEND) {
        seqs[count] = (uint16_t)(SEQ0 + count);
        assert_int_equal(
            tg_viewer_write(&b.v, &p, b.tx, b.now, first[count], sizeof(first[0]), &len[count]),
            TG_OK);
        count++;
    }
    assert_int_equal(count, 11);
    nack(&b, VIDEO_SSRC, seqs, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t again[TG_VIEWER_PACKET_MAX];
        size_t again_len = 0;

        assert_int_equal(tg_viewer_next(&b.v, &src, b.now, &p), TG_VIEWER_SEND);
        assert_int_equal(tg_viewer_write(&b.v, &p, b.tx, b.now, again, sizeof(again), &again_len),
                         TG_OK);
        assert_int_equal(again_len, len[i]);
        assert_memory_equal(again, first[i], len[i]);
    }
    bed_done(&b);
}

static void test_nack_again_within_a_round_trip_is_held(void **state)
{
    struct bed b;
    const uint16_t seq = SEQ0;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 1);
    start(&b);
    (void)take_all(&b);
    nack(&b, VIDEO_SSRC, &seq, 1);
    nack(&b, VIDEO_SSRC, &seq, 1);
    assert_int_equal(take_all(&b), 1);
    b.now += 49 * MS; /* an unknown round trip counts as 50 ms */
    nack(&b, VIDEO_SSRC, &seq, 1);
    assert_int_equal(take_all(&b), 0);
    assert_int_equal(b.v.counts.nack_held, 2);
    b.now += MS;
    nack(&b, VIDEO_SSRC, &seq, 1);
    assert_int_equal(take_all(&b), 1);
    bed_done(&b);
}

static void test_nack_of_unsent_or_foreign_is_ignored(void **state)
{
    struct bed b;
    const uint16_t seqs[] = {SEQ0 - 1, SEQ0 + 100};
    const uint16_t good = SEQ0;

    (void)state;
    bed_init(&b, true);
    nack(&b, VIDEO_SSRC, &good, 1); /* before anything was sent */
    push_gop(&b, 1);
    start(&b);
    (void)take_all(&b);
    nack(&b, VIDEO_SSRC, seqs, 2);
    nack(&b, RTX_SSRC, &good, 1);
    nack(&b, 12345, &good, 1);
    assert_int_equal(take_all(&b), 0);
    bed_done(&b);
}

/* Numbers stay consecutive over a skip; what lies before it can still be asked for. */
static void test_nack_across_skipped_frames_finds_the_right_packet(void **state)
{
    struct bed b;
    const uint16_t seqs[] = {SEQ0 + 4, SEQ0 + 5};

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 1); /* 5 packets */
    start(&b);
    assert_int_equal(take_all(&b), 5);
    b.generation++;
    push(&b, TG_TRACK_VIDEO, 3, false); /* of no use to this viewer */
    push_gop(&b, 1);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.seq, SEQ0 + 5);
    uint32_t ts = b.got.rtp.ts;

    (void)take_all(&b);
    nack(&b, VIDEO_SSRC, seqs, 2);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.payload.data[9], 4); /* packet 4 of the first frame */
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.ts, ts);
    assert_int_equal(b.got.rtp.payload.data[9], 0);
    bed_done(&b);
}

static void test_nack_of_what_left_the_history_is_counted(void **state)
{
    struct bed b;
    const uint16_t seq = SEQ0;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 1);
    start(&b);
    (void)take_all(&b);
    for (int i = 0; i < 300; i++) { /* 256 frames are kept */
        push(&b, TG_TRACK_VIDEO, 1, false);
        b.now += 5 * MS;
        assert_true(take(&b));
    }
    nack(&b, VIDEO_SSRC, &seq, 1);
    assert_false(take(&b));
    assert_int_equal(b.v.counts.nack_gone, 1);
    bed_done(&b);
}

static void test_resend_rate_is_bounded(void **state)
{
    const uint32_t per_s = 3000000 / 8 * TG_RESEND_PCT / 100; /* of a rate that is not known */
    struct bed b;
    uint16_t seqs[64];
    size_t sent = 0;

    (void)state;
    bed_init(&b, true);
    b.payload = 1000;
    for (int i = 0; i < 200; i++) {
        push(&b, TG_TRACK_VIDEO, 10, i == 0);
        b.now += 20 * MS;
        if (i == 0)
            start(&b);
        (void)take_all(&b);
    }
    tg_us begin = b.now;

    for (uint16_t round = 0; b.now < begin + TG_US_PER_S; round++) {
        for (uint16_t i = 0; i < 64; i++)
            seqs[i] = (uint16_t)(SEQ0 + 200 + (round % 20) * 64 + i);
        nack(&b, VIDEO_SSRC, seqs, 64);
        sent += take_all_bytes(&b);
        b.now += 10 * MS;
    }
    assert_in_range(sent, per_s, per_s + TG_RESEND_BURST + 2 * TG_VIEWER_PACKET_MAX);
    assert_true(b.v.counts.nack_held > 1000);
    bed_done(&b);
}

static void test_large_start_is_paced_in_bytes(void **state)
{
    struct bed b;
    size_t sent;

    (void)state;
    bed_init(&b, true);
    b.payload = 1100;
    push(&b, TG_TRACK_VIDEO, 200, true);
    push(&b, TG_TRACK_AUDIO, 1, false);
    start(&b);
    sent = take_all_bytes(&b);
    assert_in_range(sent, TG_PACE_BURST, TG_PACE_BURST + TG_VIEWER_PACKET_MAX);
    const struct tg_viewer_source src = source(&b);
    struct tg_viewer_packet p;

    assert_int_equal(tg_viewer_next(&b.v, &src, b.now, &p), TG_VIEWER_PACED);
    push(&b, TG_TRACK_AUDIO, 1, false); /* audio does not wait behind the picture */
    assert_int_equal(take_all(&b), 1);
    b.now += 2 * MS;
    assert_in_range(take_all_bytes(&b), 2 * TG_PACE_BPS / 8000 - TG_VIEWER_PACKET_MAX,
                    2 * TG_PACE_BPS / 8000 + TG_VIEWER_PACKET_MAX);
    b.now += 100 * MS; /* credit does not pile up beyond one burst */
    assert_in_range(take_all_bytes(&b), TG_PACE_BURST, TG_PACE_BURST + TG_VIEWER_PACKET_MAX);
    bed_done(&b);
}

static void test_new_publisher_waits_for_its_keyframe(void **state)
{
    struct bed b;
    uint16_t seq;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 2);
    start(&b);
    (void)take_all(&b);
    seq = b.got.rtp.seq;
    b.generation++;
    push(&b, TG_TRACK_VIDEO, 2, false);
    assert_false(take(&b));
    assert_true(b.v.wants_key);
    b.generation--;
    push(&b, TG_TRACK_VIDEO, 2, true); /* a straggler of the old one */
    assert_false(take(&b));
    b.generation++;
    push(&b, TG_TRACK_VIDEO, 2, true);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.seq, (uint16_t)(seq + 1));
    bed_done(&b);
}

static void test_falling_behind_goes_on_at_the_newest_keyframe(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 2);
    start(&b);
    assert_true(take(&b)); /* in the middle of the keyframe, then nothing for long */
    push_gop(&b, 300);
    assert_true(b.video->tail > 2);
    assert_false(b.video->has_key);
    assert_false(take(&b));
    assert_true(b.v.wants_key);
    assert_int_equal(b.v.counts.sync_lost, 1);
    push_gop(&b, 1);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.seq, SEQ0 + 1);
    bed_done(&b);
}

static void test_late_viewer_jumps_to_a_newer_keyframe(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 20);
    start(&b);
    for (int i = 0; i < 5; i++)
        assert_true(take(&b)); /* the keyframe; 19 frames wait */
    tg_us key_media = b.now - epoch_us;

    push_gop(&b, 3);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.ts, tg_media_to_rtp(key_media, TG_TRACK_VIDEO));
    assert_int_equal(b.got.rtp.seq, SEQ0 + 5);
    assert_int_equal(b.v.counts.skipped, 19);
    bed_done(&b);
}

static void send_rtcp(struct bed *b, const uint8_t *bytes, size_t len)
{
    tg_viewer_rtcp(&b->v, b->now, tg_span(bytes, len));
}

static void pli(struct bed *b)
{
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));

    tg_rtcp_write_pli(&w, 1, VIDEO_SSRC);
    send_rtcp(b, out, tg_wr_len(&w));
}

/* Whatever such a viewer asks for, a keyframe is no help: the host must not be bothered. */
static void test_foreign_codec_is_skipped_without_asking(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    b.v.tracks[TG_TRACK_VIDEO].cfg.codecs[1] = (struct tg_viewer_codec){.codec = TG_CODEC_NONE};
    b.codec = TG_CODEC_VP8;
    push_gop(&b, 3);
    start(&b);
    for (int i = 0; i < 300; i++) { /* more than the history holds */
        push(&b, TG_TRACK_VIDEO, 2, false);
        push(&b, TG_TRACK_AUDIO, 1, false);
        b.now += 33 * (tg_us)MS;
        assert_true(take(&b)); /* sound goes on */
        assert_int_equal(b.got.rtp.ssrc, AUDIO_SSRC);
        assert_false(take(&b));
        pli(&b);
        assert_false(b.v.wants_key);
    }
    assert_int_equal(b.v.counts.sync_lost, 0);
    b.generation++; /* a host whose codec it knows takes over */
    b.codec = TG_CODEC_H264;
    push(&b, TG_TRACK_VIDEO, 2, false);
    assert_false(take(&b));
    assert_true(b.v.wants_key);
    push(&b, TG_TRACK_VIDEO, 2, true);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.pt, 102);
    assert_int_equal(b.got.rtp.seq, SEQ0);
    bed_done(&b);
}

static void test_codec_changes_with_the_publisher(void **state)
{
    static const enum tg_codec codecs[] = {TG_CODEC_VP8, TG_CODEC_H264, TG_CODEC_VP8};
    static const uint8_t pts[] = {96, 102, 96};
    struct bed b;
    uint16_t seq = SEQ0;
    uint32_t ts = 0;

    (void)state;
    bed_init(&b, true);
    start(&b);
    for (size_t i = 0; i < TG_ARRAY_LEN(codecs); i++) {
        b.codec = codecs[i];
        push(&b, TG_TRACK_VIDEO, 3, false); /* before its keyframe: of no use */
        assert_false(take(&b));
        assert_true(b.v.wants_key);
        b.v.wants_key = false;
        push_gop(&b, 3);
        for (size_t k = 0; k < 5 + 2 * 2; k++) {
            assert_true(take(&b));
            assert_int_equal(b.got.rtp.pt, pts[i]);
            assert_int_equal(b.got.rtp.ssrc, VIDEO_SSRC);
            assert_int_equal(b.got.rtp.seq, seq++);
            assert_true(ts == 0 || tg_ts_diff(b.got.rtp.ts, ts) >= 0);
            ts = b.got.rtp.ts;
        }
        assert_false(take(&b));
        b.generation++;
    }
    assert_int_equal(b.v.tracks[TG_TRACK_VIDEO].packets, 3 * 9);
    bed_done(&b);
}

/* Nobody promised that the generation grows with the codec. */
static void test_codec_change_within_a_generation_waits_for_a_keyframe(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 1);
    start(&b);
    assert_int_equal(take_all(&b), 5);
    b.codec = TG_CODEC_VP8;
    push(&b, TG_TRACK_VIDEO, 2, false);
    assert_false(take(&b));
    assert_true(b.v.wants_key);
    push(&b, TG_TRACK_VIDEO, 2, true);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.pt, 96);
    bed_done(&b);
}

/* What was sent before a change of codec comes again as what it was. */
static void test_nack_across_a_codec_change_uses_the_frames_codec(void **state)
{
    struct bed b;
    const uint16_t seqs[] = {SEQ0 + 4, SEQ0 + 5};

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 1);
    start(&b);
    assert_int_equal(take_all(&b), 5);
    b.generation++;
    b.codec = TG_CODEC_VP8;
    push(&b, TG_TRACK_VIDEO, 3, false);
    push_gop(&b, 1);
    assert_int_equal(take_all(&b), 5);
    nack(&b, VIDEO_SSRC, seqs, 2);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.ssrc, RTX_SSRC);
    assert_int_equal(b.got.rtp.pt, 103);
    assert_int_equal(b.got.rtp.seq, RTX_SEQ0);
    assert_int_equal(b.got.rtp.payload.data[9], 4);
    assert_true(take(&b));
    assert_int_equal(b.got.rtp.pt, 97);
    assert_int_equal(b.got.rtp.seq, RTX_SEQ0 + 1);
    assert_int_equal(b.got.rtp.payload.data[9], 0);
    bed_done(&b);
}

/* RTX for one codec and none for the other; without RTX the same bytes must come again. */
static void test_resend_without_rtx_is_identical_across_a_codec_change(void **state)
{
    struct bed b;
    static uint8_t first[10][TG_VIEWER_PACKET_MAX];
    size_t len[10];
    size_t count = 0;
    struct tg_viewer_packet p;
    uint16_t seqs[10];

    (void)state;
    bed_init(&b, true);
    b.v.tracks[TG_TRACK_VIDEO].cfg.codecs[0].rtx_pt = -1;
    push_gop(&b, 1);
    start(&b);
    const struct tg_viewer_source src = source(&b);

    for (int part = 0; part < 2; part++) {
        while (tg_viewer_next(&b.v, &src, b.now, &p) == TG_VIEWER_SEND) {
            seqs[count] = (uint16_t)(SEQ0 + count);
            assert_int_equal(
                tg_viewer_write(&b.v, &p, b.tx, b.now, first[count], sizeof(first[0]), &len[count]),
                TG_OK);
            count++;
        }
        b.generation++;
        b.codec = TG_CODEC_VP8;
        if (part == 0)
            push_gop(&b, 1);
    }
    assert_int_equal(count, 10);
    nack(&b, VIDEO_SSRC, seqs, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t again[TG_VIEWER_PACKET_MAX];
        size_t again_len = 0;

        assert_int_equal(tg_viewer_next(&b.v, &src, b.now, &p), TG_VIEWER_SEND);
        assert_int_equal(tg_viewer_write(&b.v, &p, b.tx, b.now, again, sizeof(again), &again_len),
                         TG_OK);
        if (i >= 5) { /* VP8: RTX */
            assert_int_equal(again[1] & 0x7f, 97);
            continue;
        }
        assert_int_equal(again_len, len[i]);
        assert_memory_equal(again, first[i], len[i]);
    }
    bed_done(&b);
}

static void test_pli_asks_unless_a_keyframe_is_on_its_way(void **state)
{
    struct bed b;
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));

    (void)state;
    bed_init(&b, true);
    tg_rtcp_write_pli(&w, 1, VIDEO_SSRC);
    push_gop(&b, 1);
    start(&b);
    (void)take_all(&b);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_false(b.v.wants_key);
    b.now += 301 * (tg_us)MS;
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_true(b.v.wants_key);
    b.v.wants_key = false;
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_fir(&w, 1, AUDIO_SSRC, 1);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_false(b.v.wants_key);
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_fir(&w, 1, VIDEO_SSRC, 1);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_true(b.v.wants_key);
    assert_int_equal(b.v.counts.plis, 3);
    bed_done(&b);
}

/* The report and the media lie on one line: RTP time of the wall clock's instant. */
static void test_report_maps_media_time_and_answers_rrtr(void **state)
{
    struct bed b;
    uint8_t out[TG_VIEWER_REPORT_MAX];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp p;
    struct tg_rtcp_dlrr dlrr;
    struct tg_span body;
    uint8_t type = 0;
    size_t len;

    (void)state;
    bed_init(&b, true);
    push_gop(&b, 1);
    start(&b);
    assert_int_equal(tg_viewer_report(&b.v, b.now, out, sizeof(out)), 0);
    (void)take_all(&b);
    tg_rtcp_write_rrtr(&w, 77, 0x1111222233334444ULL);
    send_rtcp(&b, out, tg_wr_len(&w));
    b.now += 500 * (tg_us)MS;
    len = tg_viewer_report(&b.v, b.now, out, sizeof(out));
    struct tg_rd r = tg_rd(out, len);

    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_SR);
    assert_int_equal(p.ssrc, VIDEO_SSRC);
    assert_true(p.sr.ntp == tg_ntp_from_wall(b.now + wall_offset_us));
    assert_int_equal(p.sr.rtp_ts, tg_media_to_rtp(b.now - epoch_us, TG_TRACK_VIDEO));
    assert_int_equal(p.sr.packets, 5);
    assert_int_equal(p.sr.bytes, 40);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(tg_rtcp_cname(&p, &body), TG_OK);
    assert_memory_equal(body.data, "viewer", 6);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_XR);
    r = tg_rd(p.fci.data, p.fci.len);
    assert_true(tg_rtcp_xr_next(&r, &type, &body));
    assert_int_equal(type, TG_RTCP_XR_DLRR);
    r = tg_rd(body.data, body.len);
    assert_true(tg_rtcp_dlrr_next(&r, &dlrr));
    assert_int_equal(dlrr.ssrc, 77);
    assert_int_equal(dlrr.lrr, 0x22223333);
    assert_int_equal(dlrr.dlrr, 32768);
    bed_done(&b);
}

static void test_reports_come_at_once_early_and_each_second(void **state)
{
    static const tg_us wait_ms[] = {0, 200, 1000, 1000};
    struct bed b;
    uint8_t out[TG_VIEWER_REPORT_MAX];

    (void)state;
    bed_init(&b, true);
    assert_true(tg_viewer_report_at(&b.v) == TG_US_NEVER);
    push_gop(&b, 1);
    push(&b, TG_TRACK_AUDIO, 1, false);
    start(&b);
    (void)take_all(&b);
    for (size_t i = 0; i < TG_ARRAY_LEN(wait_ms); i++) {
        if (wait_ms[i] > 0) {
            b.now += wait_ms[i] * MS - 1;
            assert_int_equal(tg_viewer_report(&b.v, b.now, out, sizeof(out)), 0);
            b.now++;
        }
        assert_true(tg_viewer_report(&b.v, b.now, out, sizeof(out)) > 0);
    }
    bed_done(&b);
}

static void test_round_trip_from_receiver_reports(void **state)
{
    struct bed b;
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp_report report = {.ssrc = VIDEO_SSRC};

    (void)state;
    bed_init(&b, true);
    report.lsr = tg_ntp_mid(tg_ntp_from_wall(b.now + wall_offset_us));
    report.dlsr = tg_ntp_delay(100 * (tg_us)MS);
    b.now += 140 * (tg_us)MS;
    tg_rtcp_write_rr(&w, 1, &report, 1);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_in_range(b.v.rtt_us, 39900, 40100);
    report.ssrc = 4711; /* about somebody else */
    report.dlsr = 0;
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_rr(&w, 1, &report, 1);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_in_range(b.v.rtt_us, 39900, 40100);
    bed_done(&b);
}

static void test_bye_remb_and_junk(void **state)
{
    struct bed b;
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));
    const uint32_t ssrc = 1;

    (void)state;
    bed_init(&b, true);
    tg_rtcp_write_remb(&w, 1, 1000000, &ssrc, 1);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_in_range(b.v.bwe.remb_bps, 999000, 1000000);
    assert_int_equal(b.v.bwe.estimate_bps, b.v.bwe.remb_bps);
    assert_int_equal(b.v.counts.feedback, 1);
    assert_false(b.v.bye);
    send_rtcp(&b, (const uint8_t *)"junk", 4);
    assert_int_equal(b.v.counts.rtcp_bad, 1);
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_bye(&w, &ssrc, 1);
    send_rtcp(&b, out, tg_wr_len(&w));
    assert_true(b.v.bye);
    bed_done(&b);
}

static void test_history_keeps_within_its_packets(void **state)
{
    struct bed b;
    uint32_t index = 0;

    (void)state;
    bed_init(&b, true);
    for (int i = 0; i < 30; i++)
        push(&b, TG_TRACK_VIDEO, 100, i == 15);
    assert_int_equal(b.video->head - b.video->tail, TG_HISTORY_PACKETS / 100);
    assert_true(b.video->has_key);
    assert_null(tg_history_find(b.video, 0, &index));
    assert_non_null(tg_history_find(b.video, 2999, &index));
    assert_int_equal(index, 99);
    assert_null(tg_history_find(b.video, 3000, &index));
    for (int i = 0; i < 20; i++)
        push(&b, TG_TRACK_VIDEO, 100, false);
    assert_false(b.video->has_key);                       /* it left */
    push(&b, TG_TRACK_VIDEO, TG_FRAME_PACKETS_MAX, true); /* larger than the whole history */
    assert_int_equal(b.video->head - b.video->tail, 1);
    bed_done(&b);
}

static void test_history_survives_every_failed_allocation(void **state)
{
    struct tg_history *h = NULL;
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    for (long n = 0; err != TG_OK; n++) {
        tg_alloc_fail_nth(n);
        err = tg_history_new(&h, 8);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
        assert_true(n < 10);
    }
    tg_history_free(h);
    assert_int_equal(tg_history_new(&h, 7), TG_ERR_LIMIT);
    tg_history_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_sends_from_the_keyframe_with_true_times),
        cmocka_unit_test(test_playout_delay_follows_the_start),
        cmocka_unit_test(test_capture_time_comes_with_keyframes_and_each_second),
        cmocka_unit_test(test_start_without_keyframe_waits_and_asks),
        cmocka_unit_test(test_start_without_any_history_is_legal),
        cmocka_unit_test(test_start_ignores_a_silent_source),
        cmocka_unit_test(test_audio_starts_at_the_live_edge),
        cmocka_unit_test(test_nack_with_rtx_carries_the_original_number),
        cmocka_unit_test(test_nack_without_rtx_repeats_the_packet_exactly),
        cmocka_unit_test(test_nack_again_within_a_round_trip_is_held),
        cmocka_unit_test(test_nack_of_unsent_or_foreign_is_ignored),
        cmocka_unit_test(test_nack_across_skipped_frames_finds_the_right_packet),
        cmocka_unit_test(test_nack_of_what_left_the_history_is_counted),
        cmocka_unit_test(test_resend_rate_is_bounded),
        cmocka_unit_test(test_large_start_is_paced_in_bytes),
        cmocka_unit_test(test_new_publisher_waits_for_its_keyframe),
        cmocka_unit_test(test_falling_behind_goes_on_at_the_newest_keyframe),
        cmocka_unit_test(test_late_viewer_jumps_to_a_newer_keyframe),
        cmocka_unit_test(test_foreign_codec_is_skipped_without_asking),
        cmocka_unit_test(test_codec_changes_with_the_publisher),
        cmocka_unit_test(test_codec_change_within_a_generation_waits_for_a_keyframe),
        cmocka_unit_test(test_nack_across_a_codec_change_uses_the_frames_codec),
        cmocka_unit_test(test_resend_without_rtx_is_identical_across_a_codec_change),
        cmocka_unit_test(test_pli_asks_unless_a_keyframe_is_on_its_way),
        cmocka_unit_test(test_report_maps_media_time_and_answers_rrtr),
        cmocka_unit_test(test_reports_come_at_once_early_and_each_second),
        cmocka_unit_test(test_round_trip_from_receiver_reports),
        cmocka_unit_test(test_bye_remb_and_junk),
        cmocka_unit_test(test_history_keeps_within_its_packets),
        cmocka_unit_test(test_history_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
