/*
 * test_viewer_quality.c - one viewer and several layers: change of layer, NACK across it, pins,
 * dead layers, pauses, probes, transport-wide numbers.
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
enum { EXT_TWCC = 4, LAYERS = 3, MS = TG_US_PER_MS, FRAME_US = 33 * MS, PAYLOAD = 1000 };

static const tg_us epoch_us = 5 * (tg_us)TG_US_PER_S;

struct bed {
    struct tg_viewer v;
    struct tg_history *video[LAYERS];
    struct tg_history *audio;
    struct tg_viewer_source src;
    struct tg_srtp_tx *tx;
    struct tg_srtp *browser;
    tg_us now;
    uint32_t generation;
    struct tg_rtp rtp; /* last packet */
    uint8_t bytes[TG_VIEWER_PACKET_MAX];
    bool probe;
    uint8_t layer;
};

static void bed_init(struct bed *b, unsigned layers, bool rtx)
{
    static const uint32_t bps[LAYERS] = {2500000, 1000000, 300000};
    struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};
    struct tg_viewer_cfg cfg = {.epoch_us = epoch_us, .cname = "viewer"};

    memset(b, 0, sizeof(*b));
    cfg.tracks[TG_TRACK_VIDEO] =
        (struct tg_viewer_track_cfg){.on = true,
                                     .codecs = {{TG_CODEC_H264, 102, rtx ? 103 : -1}},
                                     .ssrc = VIDEO_SSRC,
                                     .rtx_ssrc = RTX_SSRC,
                                     .ext_twcc = EXT_TWCC,
                                     .seq_first = SEQ0,
                                     .rtx_seq_first = RTX_SEQ0};
    cfg.tracks[TG_TRACK_AUDIO] = (struct tg_viewer_track_cfg){
        .on = true, .codecs = {{TG_CODEC_OPUS, 111, -1}}, .ssrc = AUDIO_SSRC};
    b->now = epoch_us + 10 * (tg_us)TG_US_PER_S;
    b->generation = 1;
    for (unsigned i = 0; i < LAYERS; i++) {
        assert_int_equal(tg_history_new(&b->video[i], 256), TG_OK);
        if (i < layers)
            b->src.video[i] = (struct tg_viewer_layer){.history = b->video[i], .bps = bps[i]};
    }
    assert_int_equal(tg_history_new(&b->audio, TG_HISTORY_AUDIO), TG_OK);
    b->src.audio = b->audio;
    assert_int_equal(tg_srtp_tx_new(&b->tx, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtp_new(&b->browser, &keys, TG_SRTP_CLIENT), TG_OK);
    tg_viewer_init(&b->v, &cfg);
}

static void bed_done(struct bed *b)
{
    tg_viewer_done(&b->v);
    for (unsigned i = 0; i < LAYERS; i++)
        tg_history_free(b->video[i]);
    tg_history_free(b->audio);
    tg_srtp_tx_free(b->tx);
    tg_srtp_free(b->browser);
}

/* Payloads begin with the layer and the packet's index. */
static void push(struct bed *b, enum tg_track track, unsigned layer, size_t packets, bool key)
{
    struct tg_frame *f = tg_frame_new(packets, packets * PAYLOAD);

    assert_non_null(f);
    f->track = (uint8_t)track;
    f->layer = (uint8_t)layer;
    f->codec = track == TG_TRACK_VIDEO ? TG_CODEC_H264 : TG_CODEC_OPUS;
    f->flags = key ? TG_FRAME_KEY : 0;
    f->generation = b->generation;
    f->media_us = b->now - epoch_us;
    f->rtp_ts = tg_media_to_rtp(f->media_us, track);
    f->bytes_len = (uint32_t)(packets * PAYLOAD);
    memset(f->bytes, 0, f->bytes_len);
    for (size_t i = 0; i < packets; i++) {
        f->packets[i] = (struct tg_frame_packet){
            .offset = (uint32_t)(i * PAYLOAD), .len = PAYLOAD, .marker = i + 1 == packets};
        f->bytes[i * PAYLOAD] = (uint8_t)layer;
        f->bytes[i * PAYLOAD + 1] = (uint8_t)i;
    }
    (void)tg_history_push(track == TG_TRACK_VIDEO ? b->video[layer] : b->audio, f, b->now);
}

static bool take(struct bed *b)
{
    struct tg_viewer_packet p;
    size_t len = 0;

    if (tg_viewer_next(&b->v, &b->src, b->now, &p) != TG_VIEWER_SEND)
        return false;
    assert_int_equal(tg_viewer_write(&b->v, &p, b->tx, b->now, b->bytes, sizeof(b->bytes), &len),
                     TG_OK);
    assert_int_equal(tg_srtp_unprotect_rtp(b->browser, b->bytes, len, &len), TG_OK);
    assert_int_equal(tg_rtp_parse(&b->rtp, b->bytes, len), TG_OK);
    b->probe = p.probe;
    b->layer = b->rtp.payload.data[0];
    return true;
}

static size_t take_all(struct bed *b)
{
    size_t count = 0;

    while (take(b))
        count++;
    return count;
}

/* One frame of each layer that is on, keyframes where the mask says. */
static void tick(struct bed *b, unsigned layers, unsigned keys)
{
    b->now += FRAME_US;
    for (unsigned i = 0; i < LAYERS; i++) {
        if ((layers >> i & 1) != 0)
            push(b, TG_TRACK_VIDEO, i, 2, (keys >> i & 1) != 0);
    }
}

/* Ticks and takes for so long. */
static size_t run(struct bed *b, unsigned layers, unsigned ms)
{
    size_t count = 0;

    for (unsigned t = 0; t < ms; t += 33) {
        tick(b, layers, 0);
        count += take_all(b);
    }
    return count;
}

static void begin(struct bed *b, unsigned layers)
{
    tick(b, layers, layers);
    tg_viewer_start(&b->v, &b->src, b->now);
    (void)take_all(b);
}

static void nack(struct bed *b, uint16_t seq)
{
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));

    tg_rtcp_write_nack(&w, 1, VIDEO_SSRC, &seq, 1);
    tg_viewer_rtcp(&b->v, b->now, tg_span(out, tg_wr_len(&w)));
}

static bool numbered(const struct bed *b, uint16_t *ret_number)
{
    struct tg_rtp_ext ext;

    if (!tg_rtp_ext_find(&b->rtp, EXT_TWCC, &ext))
        return false;
    assert_int_equal(ext.len, 2);
    *ret_number = (uint16_t)(ext.data[0] << 8 | ext.data[1]);
    return true;
}

static void test_a_change_waits_for_its_keyframe_and_keeps_the_numbers(void **state)
{
    struct bed b;
    uint16_t seq;
    uint32_t ts;

    (void)state;
    bed_init(&b, 3, true);
    begin(&b, 7);
    assert_int_equal(tg_viewer_layer(&b.v), 0);
    tg_viewer_pin(&b.v, 2);
    tick(&b, 7, 0);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.layer, 0); /* the picture goes on */
    assert_int_equal(b.v.wants_key, 4);
    seq = b.rtp.seq;
    ts = b.rtp.ts;
    tick(&b, 7, 4);
    assert_true(take(&b));
    assert_int_equal(b.layer, 2);
    assert_int_equal(b.rtp.seq, (uint16_t)(seq + 1));
    assert_true(tg_ts_diff(b.rtp.ts, ts) > 0);
    assert_int_equal(b.rtp.ssrc, VIDEO_SSRC);
    assert_int_equal(take_all(&b), 1); /* nothing of the old layer's newest frame */
    assert_int_equal(tg_viewer_layer(&b.v), 2);
    assert_int_equal(b.v.counts.switches, 1);
    tick(&b, 7, 0);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.layer, 2);
    bed_done(&b);
}

/* The larger picture's keyframe comes a little later than the smaller frame of the same time. */
static void test_a_frame_waits_for_the_other_layers_frame_of_its_time(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 2, true);
    b.v.quality.pin = 1;
    begin(&b, 3);
    assert_int_equal(tg_viewer_layer(&b.v), 1);
    tg_viewer_pin(&b.v, 0);
    tick(&b, 3, 0);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.v.wants_key, 1);
    tick(&b, 2, 0); /* only the smaller one came so far */
    assert_false(take(&b));
    push(&b, TG_TRACK_VIDEO, 0, 3, true);
    assert_int_equal(take_all(&b), 3);
    assert_int_equal(b.layer, 0);
    /* Nobody waits for ever. */
    tg_viewer_pin(&b.v, 1);
    tick(&b, 3, 0);
    (void)take_all(&b);
    tick(&b, 1, 0);
    assert_false(take(&b));
    b.now += 61 * MS;
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.layer, 0);
    bed_done(&b);
}

static void test_media_time_never_goes_back(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 2, true);
    begin(&b, 3);
    tick(&b, 3, 2); /* a keyframe of the other layer, before it is wanted */
    assert_int_equal(take_all(&b), 2);
    tg_viewer_pin(&b.v, 1);
    for (int i = 0; i < 10; i++) {
        tick(&b, 3, 0);
        assert_int_equal(take_all(&b), 2);
        assert_int_equal(b.layer, 0); /* that one is too old */
    }
    tick(&b, 3, 2);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.layer, 1);
    bed_done(&b);
}

static void test_nack_finds_the_layer_that_was_sent(void **state)
{
    struct bed b;
    uint16_t before;

    (void)state;
    bed_init(&b, 2, true);
    begin(&b, 3);
    before = b.rtp.seq;
    tg_viewer_pin(&b.v, 1);
    tick(&b, 3, 2);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.layer, 1);
    nack(&b, before);
    nack(&b, (uint16_t)(before + 1));
    assert_true(take(&b));
    assert_int_equal(b.rtp.ssrc, RTX_SSRC);
    assert_int_equal(b.rtp.payload.data[0] << 8 | b.rtp.payload.data[1], before);
    assert_int_equal(b.rtp.payload.data[2], 0);
    assert_int_equal(b.rtp.payload.data[3], 1);
    assert_true(take(&b));
    assert_int_equal(b.rtp.payload.data[2], 1);
    assert_int_equal(b.rtp.payload.data[3], 0);
    assert_false(take(&b));
    bed_done(&b);
}

static void test_numbers_only_with_a_choice_and_rtx(void **state)
{
    struct bed b;
    uint16_t number = 0;

    (void)state;
    bed_init(&b, 1, true); /* one layer */
    begin(&b, 1);
    assert_false(numbered(&b, &number));
    assert_null(b.v.bwe.twcc);
    bed_done(&b);
    bed_init(&b, 3, false); /* without RTX what is repeated must be identical */
    begin(&b, 7);
    (void)run(&b, 7, 500);
    assert_false(numbered(&b, &number));
    assert_null(b.v.bwe.twcc);
    bed_done(&b);
    bed_init(&b, 3, true);
    begin(&b, 7);
    assert_true(numbered(&b, &number));
    assert_int_equal(number, 1); /* a keyframe of two packets went out */
    nack(&b, SEQ0);
    assert_true(take(&b));
    assert_int_equal(b.rtp.ssrc, RTX_SSRC);
    assert_true(numbered(&b, &number));
    assert_int_equal(number, 2);
    push(&b, TG_TRACK_AUDIO, 0, 1, true);
    assert_true(take(&b));
    assert_int_equal(b.rtp.ssrc, AUDIO_SSRC);
    assert_false(numbered(&b, &number));
    bed_done(&b);
}

static void test_without_memory_it_goes_on_without_numbers(void **state)
{
    struct bed b;
    uint16_t number = 0;

    (void)state;
    bed_init(&b, 3, true);
    tick(&b, 7, 7);
    tg_alloc_fail_nth(0);
    tg_viewer_start(&b.v, &b.src, b.now);
    tg_alloc_fail_nth(-1);
    assert_int_equal(take_all(&b), 2);
    assert_false(numbered(&b, &number));
    (void)run(&b, 7, 200);
    assert_true(numbered(&b, &number)); /* it asked again */
    bed_done(&b);
}

static void test_a_dead_layer_is_left(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 2, true);
    begin(&b, 3);
    b.v.wants_key = 0;
    (void)run(&b, 2, 1700);
    assert_int_equal(b.v.layer_to, 1);
    assert_int_equal(b.v.wants_key, 2);
    tick(&b, 2, 2);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(tg_viewer_layer(&b.v), 1);
    bed_done(&b);
}

/* The slate, or a publisher with one layer: soon, and whatever its media time. */
static void test_a_new_publisher_with_fewer_layers_takes_its_viewers_along(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3, true);
    b.v.quality.pin = 2;
    begin(&b, 7);
    assert_int_equal(b.layer, 2);
    b.generation++;
    tick(&b, 1, 1);
    assert_false(take(&b));
    assert_true(run(&b, 1, 600) > 0);
    assert_int_equal(b.layer, 0);
    assert_int_equal(tg_viewer_layer(&b.v), 0);
    bed_done(&b);
}

static void test_starved_sends_sound_alone_and_returns_at_a_keyframe(void **state)
{
    struct bed b;
    uint16_t seq;

    (void)state;
    bed_init(&b, 3, true);
    begin(&b, 7);
    b.v.bwe.estimate_bps = 100000;
    for (int i = 0; i < 40; i++) { /* down at once, then the pause */
        b.v.bwe.estimate_bps = 100000;
        tick(&b, 7, 0);
        (void)take_all(&b);
    }
    assert_int_equal(tg_viewer_layer(&b.v), -1);
    assert_int_equal(b.v.counts.starved, 1);
    seq = (uint16_t)b.v.tracks[TG_TRACK_VIDEO].seq_next;
    nack(&b, (uint16_t)(seq - 1));
    push(&b, TG_TRACK_AUDIO, 0, 1, true);
    assert_true(take(&b));
    assert_int_equal(b.rtp.ssrc, AUDIO_SSRC);
    for (int i = 0; i < 90; i++) {
        tick(&b, 7, i % 30 == 0 ? 7 : 0);
        while (take(&b))
            assert_int_equal(b.rtp.ssrc, RTX_SSRC); /* probes, of what was sent */
    }
    b.v.bwe.estimate_bps = 1000000;
    b.v.wants_key = 0;
    (void)run(&b, 7, 100);
    assert_false(b.v.quality.starved);
    assert_int_equal(b.v.counts.starved, 0);
    assert_int_equal(b.v.wants_key, 4);
    tick(&b, 7, 4);
    assert_int_equal(take_all(&b), 2);
    assert_int_equal(b.layer, 2);
    assert_int_equal(b.rtp.seq, (uint16_t)(seq + 1));
    bed_done(&b);
}

static void test_a_probe_sends_again_what_was_sent_at_its_rate(void **state)
{
    struct bed b;
    size_t probes = 0;

    (void)state;
    bed_init(&b, 2, true);
    begin(&b, 3);
    b.v.bwe.estimate_bps = 1200000;
    (void)run(&b, 3, 700);
    assert_int_equal(b.v.layer_to, 1);
    tick(&b, 3, 2);
    (void)take_all(&b);
    assert_int_equal(b.layer, 1);
    for (unsigned t = 0; t < 6000 && b.v.counts.probes == 0; t += 33) {
        b.v.bwe.estimate_bps = 1200000;
        (void)run(&b, 3, 33);
    }
    assert_int_equal(b.v.counts.probes, 1);
    assert_true(b.v.counts.probed > 0); /* it began with a burst of two */
    for (unsigned t = 0; t < 200; t++) {
        b.now += MS;
        while (take(&b)) {
            assert_true(b.probe);
            assert_int_equal(b.rtp.ssrc, RTX_SSRC);
            probes++;
        }
    }
    assert_in_range(probes + b.v.counts.probed, 40, 130); /* 3.2 Mbit/s for 150 ms are 60 */
    assert_int_equal(b.v.counts.resent, 0);
    assert_false(b.v.probing);
    bed_done(&b);
}

/* Paced or without room: more than a second behind for more than a second. */
static void test_far_behind_asks_for_a_keyframe_and_jumps(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 1, true);
    begin(&b, 1);
    b.v.wants_key = 0;
    b.v.key_sent_at = 0;
    for (int i = 0; i < 75; i++) { /* 2.5 s of which it takes a little */
        tick(&b, 1, 0);
        if (i % 3 == 0)
            (void)take(&b);
    }
    for (int i = 0; i < 40 && b.v.wants_key == 0; i++) {
        tick(&b, 1, 0);
        (void)take(&b);
    }
    assert_int_equal(b.v.wants_key, 1);
    tick(&b, 1, 1);
    (void)take(&b);
    (void)take(&b); /* the frame that was begun is ended */
    (void)take(&b);
    assert_int_equal(b.rtp.ts, tg_media_to_rtp(b.now - epoch_us, TG_TRACK_VIDEO));
    bed_done(&b);
}

/* On a narrow way a picture does not leave in one burst. */
static void test_the_estimate_bounds_the_burst(void **state)
{
    struct bed b;
    size_t burst;

    (void)state;
    bed_init(&b, 2, true);
    begin(&b, 3);
    (void)run(&b, 3, 200);
    b.now += FRAME_US;
    push(&b, TG_TRACK_VIDEO, 0, 60, true);
    burst = take_all(&b);
    assert_in_range(burst, 10, 40); /* 1/15 s of 2.5 Mbit/s are 21 KB */
    b.v.bwe.estimate_bps = 500000;  /* an eighth of the picture's time at most */
    b.v.quality_at = 0;
    b.now += 10 * MS;
    assert_in_range(take_all(&b), 0, 6);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_waits_for_its_keyframe_and_keeps_the_numbers),
        cmocka_unit_test(test_a_frame_waits_for_the_other_layers_frame_of_its_time),
        cmocka_unit_test(test_media_time_never_goes_back),
        cmocka_unit_test(test_nack_finds_the_layer_that_was_sent),
        cmocka_unit_test(test_numbers_only_with_a_choice_and_rtx),
        cmocka_unit_test(test_without_memory_it_goes_on_without_numbers),
        cmocka_unit_test(test_a_dead_layer_is_left),
        cmocka_unit_test(test_a_new_publisher_with_fewer_layers_takes_its_viewers_along),
        cmocka_unit_test(test_starved_sends_sound_alone_and_returns_at_a_keyframe),
        cmocka_unit_test(test_a_probe_sends_again_what_was_sent_at_its_rate),
        cmocka_unit_test(test_far_behind_asks_for_a_keyframe_and_jumps),
        cmocka_unit_test(test_the_estimate_bounds_the_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
