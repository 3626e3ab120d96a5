#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "plugins/plugins.h"
#include "proto/h264.h"
#include "proto/vp8.h"
#include "support/lib/clip.h"
#include "support/lib/frames.h"

static struct tg_clip clip;     /* 30 frames of video, 40 of AAC */
static struct tg_clip rtc_clip; /* 30 frames of VP8, 20 Opus packets of 60 ms */

static int setup(void **state)
{
    const struct tg_clip_cfg cfg = {.width = 320, .height = 180, .frames = 30, .audio_frames = 40};
    const struct tg_clip_cfg rtc = {
        .width = 640, .height = 360, .frames = 30, .audio_frames = 20, .vp8 = true, .opus_ms = 60};

    (void)state;
    gst_init(NULL, NULL);
    assert_int_equal(tg_plugins_register(), TG_OK);
    assert_int_equal(tg_plugins_register(), TG_OK);
    tg_clip_make(&clip, &cfg);
    tg_clip_make(&rtc_clip, &rtc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_clip_done(&clip);
    tg_clip_done(&rtc_clip);
    return 0;
}

/* --- torgingestsrc ------------------------------------------------------------------------- */

struct ingest {
    GstElement *src; /* owned by the harness too */
    GstHarness *h;
};

static struct ingest source_new(const char *factory)
{
    struct ingest t = {.src = gst_element_factory_make(factory, NULL)};

    assert_non_null(t.src);
    t.h = gst_harness_new_with_element(t.src, NULL, "src");
    return t;
}

static struct ingest ingest_new(void)
{
    return source_new(TG_ELEMENT_INGEST_SRC);
}

static void ingest_done(struct ingest *t)
{
    gst_harness_teardown(t->h);
    gst_object_unref(t->src);
}

static tg_err push(struct ingest *t, enum tg_track track, size_t index)
{
    const struct tg_au au = tg_clip_au(&clip, track, index);

    return tg_ingest_src_push(t->src, &au);
}

static void test_ingest_video_carries_caps_and_exact_times(void **state)
{
    struct ingest t = ingest_new();
    GstBuffer *buffer;
    GstCaps *caps;

    (void)state;
    assert_int_equal(push(&t, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(push(&t, TG_TRACK_VIDEO, i), TG_OK);
    gst_harness_play(t.h);
    for (size_t i = 0; i < 20; i++) {
        buffer = gst_harness_pull(t.h);
        assert_non_null(buffer);
        assert_int_equal(GST_BUFFER_PTS(buffer), clip.video[i].pts_us * 1000);
        assert_int_equal(GST_BUFFER_DTS(buffer), clip.video[i].dts_us * 1000);
        assert_int_equal(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
                         !clip.video[i].key);
        assert_int_equal(
            gst_buffer_memcmp(buffer, 0, clip.video[i].data->data, clip.video[i].data->len), 0);
        gst_buffer_unref(buffer);
    }
    caps = gst_pad_get_current_caps(t.h->sinkpad);
    assert_true(gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-h264"));
    assert_true(gst_structure_has_field(gst_caps_get_structure(caps, 0), "codec_data"));
    gst_caps_unref(caps);
    ingest_done(&t);
}

static void test_ingest_frame_before_setup_bytes_is_refused(void **state)
{
    struct ingest t = ingest_new();

    (void)state;
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 0), TG_ERR_AGAIN);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 0), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, SIZE_MAX), TG_ERR_UNSUPPORTED);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, 0), TG_ERR_UNSUPPORTED);
    ingest_done(&t);
}

/* Keyframes of the clip are 0 and 15. */
static void test_ingest_full_drops_until_the_next_keyframe(void **state)
{
    struct ingest t = ingest_new();
    guint64 dropped = 0;
    GstBuffer *buffer;

    (void)state;
    g_object_set(t.src, "max-frames", 4, NULL);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(push(&t, TG_TRACK_VIDEO, i), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 4), TG_ERR_LIMIT);
    gst_harness_play(t.h);
    for (size_t i = 0; i < 4; i++)
        gst_buffer_unref(gst_harness_pull(t.h));
    /* Room again, but these refer to the dropped one. */
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 5), TG_ERR_LIMIT);
    assert_true(clip.video[15].key);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 15), TG_OK);
    buffer = gst_harness_pull(t.h);
    assert_int_equal(GST_BUFFER_PTS(buffer), clip.video[15].pts_us * 1000);
    assert_true(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
    gst_buffer_unref(buffer);
    g_object_get(t.src, "dropped", &dropped, NULL);
    assert_int_equal(dropped, 2);
    ingest_done(&t);
}

static void test_ingest_frame_before_time_zero_is_left_out(void **state)
{
    struct ingest t = ingest_new();
    struct tg_au au = tg_clip_au(&clip, TG_TRACK_AUDIO, SIZE_MAX);

    (void)state;
    au.pts_us = au.dts_us = -1000; /* set-up bytes have no time that matters */
    assert_int_equal(tg_ingest_src_push(t.src, &au), TG_OK);
    au = tg_clip_au(&clip, TG_TRACK_AUDIO, 0);
    au.pts_us = au.dts_us = -1000;
    assert_int_equal(tg_ingest_src_push(t.src, &au), TG_ERR_AGAIN);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, 0), TG_OK);
    ingest_done(&t);
}

static void test_ingest_byte_bound_drops(void **state)
{
    struct ingest t = ingest_new();

    (void)state;
    g_object_set(t.src, "max-bytes", clip.video[0].data->len + 1, NULL);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 0), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 1), TG_ERR_LIMIT);
    ingest_done(&t);
}

static void test_ingest_stop_while_waiting_is_quick(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct ingest t = ingest_new();
        tg_us before = tg_clock_mono();

        gst_harness_play(t.h);
        if (i % 2 == 0)
            assert_int_equal(push(&t, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
        ingest_done(&t);
        assert_true(tg_clock_mono() - before < TG_US_PER_S);
    }
}

static void test_ingest_flush_then_flows_on(void **state)
{
    struct ingest t = ingest_new();
    GstPad *pad = gst_element_get_static_pad(t.src, "src");

    (void)state;
    assert_int_equal(push(&t, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
    gst_harness_play(t.h);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, 0), TG_OK);
    gst_buffer_unref(gst_harness_pull(t.h));
    (void)gst_element_set_state(t.src, GST_STATE_PAUSED);
    (void)gst_element_set_state(t.src, GST_STATE_PLAYING);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, 1), TG_OK);
    gst_buffer_unref(gst_harness_pull(t.h));
    gst_object_unref(pad);
    ingest_done(&t);
}

static void test_ingest_end_drains_then_eos(void **state)
{
    struct ingest t = ingest_new();
    GstEvent *event;
    bool eos = false;

    (void)state;
    assert_int_equal(push(&t, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, 0), TG_OK);
    tg_ingest_src_end(t.src);
    assert_int_equal(push(&t, TG_TRACK_AUDIO, 1), TG_ERR_CLOSED);
    gst_harness_play(t.h);
    gst_buffer_unref(gst_harness_pull(t.h));
    while (!eos && (event = gst_harness_pull_event(t.h)) != NULL) {
        eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
        gst_event_unref(event);
    }
    assert_true(eos);
    ingest_done(&t);
}

/* --- torgrtcsrc ------------------------------------------------------------------------------ */

static tg_err push_rtc(struct ingest *t, enum tg_track track, size_t index)
{
    const struct tg_au au = tg_clip_au(&rtc_clip, track, index);

    return tg_ingest_src_push(t->src, &au);
}

static void check_rtc_buffers(struct ingest *t, const struct tg_clip_unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        GstBuffer *buffer = gst_harness_pull(t->h);

        assert_non_null(buffer);
        assert_int_equal(GST_BUFFER_PTS(buffer), units[i].pts_us * 1000);
        assert_int_equal(gst_buffer_get_size(buffer), units[i].data->len);
        assert_int_equal(gst_buffer_memcmp(buffer, 0, units[i].data->data, units[i].data->len), 0);
        gst_buffer_unref(buffer);
    }
}

static void test_rtc_vp8_begins_with_a_keyframe_that_brings_caps(void **state)
{
    struct ingest t = source_new(TG_ELEMENT_RTC_SRC);
    GstCaps *caps;

    (void)state;
    assert_int_equal(push_rtc(&t, TG_TRACK_VIDEO, 1), TG_ERR_AGAIN);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(push_rtc(&t, TG_TRACK_VIDEO, i), TG_OK);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, SIZE_MAX), TG_ERR_UNSUPPORTED); /* H.264 now */
    gst_harness_play(t.h);
    check_rtc_buffers(&t, rtc_clip.video, 20);
    caps = gst_pad_get_current_caps(t.h->sinkpad);
    assert_true(gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-vp8"));
    gst_caps_unref(caps);
    ingest_done(&t);
}

static void test_rtc_opus_passes_as_stereo(void **state)
{
    struct ingest t = source_new(TG_ELEMENT_RTC_SRC);
    GstCaps *caps;
    gint value = 0;

    (void)state;
    assert_int_equal(push(&t, TG_TRACK_AUDIO, SIZE_MAX), TG_ERR_UNSUPPORTED); /* AAC */
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(push_rtc(&t, TG_TRACK_AUDIO, i), TG_OK);
    gst_harness_play(t.h);
    check_rtc_buffers(&t, rtc_clip.audio, 20);
    caps = gst_pad_get_current_caps(t.h->sinkpad);
    assert_true(gst_structure_get_int(gst_caps_get_structure(caps, 0), "channels", &value));
    assert_int_equal(value, 2);
    assert_true(gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &value));
    assert_int_equal(value, 48000);
    gst_caps_unref(caps);
    ingest_done(&t);
}

static void test_rtc_h264_takes_set_up_bytes(void **state)
{
    struct ingest t = source_new(TG_ELEMENT_RTC_SRC);

    (void)state;
    assert_int_equal(push(&t, TG_TRACK_VIDEO, 0), TG_ERR_AGAIN);
    assert_int_equal(push(&t, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(push(&t, TG_TRACK_VIDEO, i), TG_OK);
    gst_harness_play(t.h);
    check_rtc_buffers(&t, clip.video, 20);
    ingest_done(&t);
}

static void test_ingest_refuses_what_browsers_send(void **state)
{
    struct ingest t = ingest_new();

    (void)state;
    assert_int_equal(push_rtc(&t, TG_TRACK_VIDEO, 0), TG_ERR_UNSUPPORTED);
    assert_int_equal(push_rtc(&t, TG_TRACK_AUDIO, 0), TG_ERR_UNSUPPORTED);
    ingest_done(&t);
}

static void count_wish(GstElement *element, gpointer count)
{
    (void)element;
    (*(unsigned *)count)++;
}

static void test_rtc_keyframe_event_becomes_a_signal(void **state)
{
    struct ingest t = source_new(TG_ELEMENT_RTC_SRC);
    unsigned wishes = 0;

    (void)state;
    (void)g_signal_connect(t.src, "keyframe-wanted", G_CALLBACK(count_wish), &wishes);
    assert_int_equal(push_rtc(&t, TG_TRACK_VIDEO, 0), TG_OK);
    gst_harness_play(t.h);
    check_rtc_buffers(&t, rtc_clip.video, 1);
    assert_true(gst_harness_push_upstream_event(
        t.h, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0)));
    assert_int_equal(wishes, 1);
    (void)gst_harness_push_upstream_event(t.h, gst_event_new_reconfigure());
    assert_int_equal(wishes, 1);
    ingest_done(&t);
}

/* --- torgfanoutsink ------------------------------------------------------------------------ */

struct fanout {
    GstElement *sink;
    GstHarness *h;
    struct tg_frames frames;
};

static GstCaps *avc_caps(const struct tg_slab *config)
{
    GstBuffer *data = gst_buffer_new_memdup(config->data, config->len);
    GstCaps *caps =
        gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING, "avc", "alignment",
                            G_TYPE_STRING, "au", "codec_data", GST_TYPE_BUFFER, data, NULL);

    gst_buffer_unref(data);
    return caps;
}

static void fanout_init(struct fanout *t, GstCaps *take_caps)
{
    const struct tg_fanout_out out = {
        .fn = tg_frames_out, .ctx = &t->frames, .show = 7, .layer = 1, .generation = 9};

    t->sink = gst_element_factory_make(TG_ELEMENT_FANOUT_SINK, NULL);
    assert_non_null(t->sink);
    tg_frames_init(&t->frames);
    g_object_set(t->sink, "out", &out, NULL);
    t->h = gst_harness_new_with_element(t->sink, "sink", NULL);
    gst_harness_set_src_caps(t->h, take_caps);
}

static void fanout_done(struct fanout *t)
{
    gst_harness_teardown(t->h);
    gst_object_unref(t->sink);
    tg_frames_done(&t->frames);
}

static GstFlowReturn push_bytes(struct fanout *t, const void *data, size_t len, tg_us pts_us)
{
    GstBuffer *buffer = gst_buffer_new_memdup(data, len);

    GST_BUFFER_PTS(buffer) = (GstClockTime)pts_us * GST_USECOND;
    return gst_harness_push(t->h, buffer);
}

static void check_video_frame(const struct tg_frame *f, const struct tg_clip_unit *unit)
{
    unsigned types[64];
    size_t count = tg_frame_nal_types(f, types, TG_ARRAY_LEN(types));

    assert_int_equal(f->show, 7);
    assert_int_equal(f->layer, 1);
    assert_int_equal(f->generation, 9);
    assert_int_equal(f->codec, TG_CODEC_H264);
    assert_int_equal(f->media_us, unit->pts_us);
    assert_int_equal(f->rtp_ts, (uint32_t)(unit->pts_us * 9 / 100));
    assert_int_equal((f->flags & TG_FRAME_KEY) != 0, unit->key);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        assert_true(types[i] != TG_H264_SEI && types[i] != TG_H264_AUD);
    if (unit->key) {
        assert_int_equal(types[0], TG_H264_SPS);
        assert_int_equal(types[1], TG_H264_PPS);
    }
    for (size_t i = 0; i < f->packet_count; i++) {
        assert_true(f->packets[i].len > 0 && f->packets[i].len <= TG_RTP_MTU - 12);
        assert_int_equal(f->packets[i].marker, i + 1 == f->packet_count);
    }
}

static void test_fanout_video_frames_are_clean_and_timed(void **state)
{
    struct fanout t;

    (void)state;
    fanout_init(&t, avc_caps(clip.video_config));
    for (size_t i = 0; i < clip.video_count; i++) {
        struct tg_frame *f;

        assert_int_equal(
            push_bytes(&t, clip.video[i].data->data, clip.video[i].data->len, clip.video[i].pts_us),
            GST_FLOW_OK);
        f = tg_frames_get(&t.frames, TG_TRACK_VIDEO, i);
        check_video_frame(f, &clip.video[i]);
        tg_frame_unref(f);
    }
    fanout_done(&t);
}

/* The clip does carry what the test above says is gone. */
static void test_clip_has_sei_and_aud(void **state)
{
    struct tg_h264_iter it = tg_h264_iter(clip.video[0].data->data, clip.video[0].data->len, 4);
    unsigned seen = 0;
    struct tg_span nal;

    (void)state;
    while (tg_h264_iter_next(&it, &nal))
        seen |= 1U << tg_h264_type(nal);
    assert_true((seen & 1U << TG_H264_SEI) != 0);
    assert_true((seen & 1U << TG_H264_AUD) != 0);
    assert_true((seen & 1U << TG_H264_SPS) == 0);
}

static void test_fanout_byte_stream_remembers_parameter_sets(void **state)
{
    static const uint8_t first[] = {0,    0,    0,    1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01,
                                    0x40, 0x16, 0xe9, 0, 0,    0,    1,    0x68, 0xce, 0x3c,
                                    0x80, 0,    0,    0, 1,    0x65, 0x88, 0x84, 0x21, 0xa0};
    static const uint8_t second[] = {0, 0, 0, 1, 0x65, 0x88, 0x84, 0x21, 0xa0};
    unsigned types[8];
    struct fanout t;
    struct tg_frame *f;

    (void)state;
    fanout_init(&t, gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
    assert_int_equal(push_bytes(&t, first, sizeof(first), 0), GST_FLOW_OK);
    assert_int_equal(push_bytes(&t, second, sizeof(second), 40000), GST_FLOW_OK);
    f = tg_frames_get(&t.frames, TG_TRACK_VIDEO, 1);
    assert_int_equal(tg_frame_nal_types(f, types, 8), 3);
    assert_int_equal(types[0], TG_H264_SPS);
    assert_int_equal(types[1], TG_H264_PPS);
    assert_int_equal(types[2], TG_H264_IDR);
    tg_frame_unref(f);
    fanout_done(&t);
}

static void test_fanout_bad_unit_is_dropped_and_counted(void **state)
{
    static const uint8_t bad[] = {0, 0, 0xff, 0xff, 0x65, 1, 2, 3};
    int64_t before = tg_metric_get(TG_M_media_frames_bad_total);
    struct fanout t;

    (void)state;
    fanout_init(&t, avc_caps(clip.video_config));
    assert_int_equal(push_bytes(&t, bad, sizeof(bad), 0), GST_FLOW_OK);
    assert_int_equal(tg_frames_count(&t.frames, TG_TRACK_VIDEO), 0);
    assert_int_equal(tg_metric_get(TG_M_media_frames_bad_total), before + 1);
    assert_int_equal(push_bytes(&t, clip.video[0].data->data, clip.video[0].data->len, 1000),
                     GST_FLOW_OK);
    assert_int_equal(tg_frames_count(&t.frames, TG_TRACK_VIDEO), 1);
    fanout_done(&t);
}

static void test_fanout_broken_codec_data_is_refused(void **state)
{
    struct tg_slab *junk = tg_slab_copy("\x01\x42\xc0", 3);
    struct fanout t;

    (void)state;
    fanout_init(&t, avc_caps(junk));
    assert_int_equal(push_bytes(&t, "\0\0\0\1\x65", 5, 0), GST_FLOW_NOT_NEGOTIATED);
    fanout_done(&t);
    tg_slab_unref(junk);
}

/* As opusenc does it: the first packet's first 312 samples (6.5 ms) lie before its time. */
static void test_fanout_opus_packets_are_20_ms_apart(void **state)
{
    uint8_t packet[300] = {0xfc, 1, 2, 3};
    struct fanout t;

    (void)state;
    fanout_init(&t, gst_caps_from_string("audio/x-opus,channel-mapping-family=0"));
    for (tg_us i = 0; i < 5; i++) {
        GstBuffer *buffer = gst_buffer_new_memdup(packet, sizeof(packet));

        GST_BUFFER_PTS(buffer) =
            (GstClockTime)(i == 0 ? 1000000 : 993500 + i * 20000) * GST_USECOND;
        if (i == 0)
            (void)gst_buffer_add_audio_clipping_meta(buffer, GST_FORMAT_DEFAULT, 312, 0);
        assert_int_equal(gst_harness_push(t.h, buffer), GST_FLOW_OK);
    }
    for (size_t i = 0; i < 5; i++) {
        struct tg_frame *f = tg_frames_get(&t.frames, TG_TRACK_AUDIO, i);

        assert_int_equal(f->media_us, 993500 + i * 20000);
        assert_int_equal(f->rtp_ts, 993500 * 48 / 1000 + i * 960);
        assert_int_equal(f->codec, TG_CODEC_OPUS);
        assert_int_equal((f->flags & TG_FRAME_AUDIO_GAP) != 0, i == 0);
        assert_int_equal(f->packet_count, 1);
        assert_memory_equal(tg_frame_payload(f, 0).data, packet, sizeof(packet));
        tg_frame_unref(f);
    }
    fanout_done(&t);
}

/* The payloads without their descriptors are the encoder's frame again, byte for byte. */
static void check_vp8_frame(const struct tg_frame *f, const struct tg_clip_unit *unit)
{
    struct tg_rd left = tg_rd(unit->data->data, unit->data->len);

    assert_int_equal(f->codec, TG_CODEC_VP8);
    assert_int_equal(f->layer, 1);
    assert_int_equal(f->media_us, unit->pts_us);
    assert_int_equal((f->flags & TG_FRAME_KEY) != 0, unit->key);
    for (size_t i = 0; i < f->packet_count; i++) {
        struct tg_vp8_payload p;
        struct tg_span span;

        assert_true(f->packets[i].len <= TG_RTP_MTU - 12);
        assert_int_equal(f->packets[i].marker, i + 1 == f->packet_count);
        assert_int_equal(tg_vp8_payload_parse(&p, tg_frame_payload(f, i)), TG_OK);
        assert_int_equal(p.start, i == 0);
        span = tg_rd_span(&left, p.frame.len);
        assert_non_null(span.data);
        assert_memory_equal(span.data, p.frame.data, p.frame.len);
    }
    assert_int_equal(tg_rd_left(&left), 0);
}

static void test_fanout_vp8_is_bit_exact(void **state)
{
    struct fanout t;

    (void)state;
    fanout_init(&t, gst_caps_from_string("video/x-vp8"));
    for (size_t i = 0; i < rtc_clip.video_count; i++) {
        const struct tg_clip_unit *unit = &rtc_clip.video[i];
        struct tg_frame *f;

        assert_int_equal(push_bytes(&t, unit->data->data, unit->data->len, unit->pts_us),
                         GST_FLOW_OK);
        f = tg_frames_get(&t.frames, TG_TRACK_VIDEO, i);
        check_vp8_frame(f, unit);
        tg_frame_unref(f);
    }
    assert_int_equal(push_bytes(&t, "\x10\x02", 2, 2000000), GST_FLOW_OK); /* dropped */
    assert_int_equal(tg_frames_count(&t.frames, TG_TRACK_VIDEO), rtc_clip.video_count);
    fanout_done(&t);
}

static void test_fanout_opus_of_any_length_passes_untouched(void **state)
{
    static const uint8_t long_packet[600] = {0xff, 0x06, 1, 2, 3}; /* 120 ms: six times 20 */
    struct fanout t;
    struct tg_frame *f;

    (void)state;
    fanout_init(&t, gst_caps_from_string("audio/x-opus,channels=2,rate=48000,"
                                         "channel-mapping-family=0"));
    for (size_t i = 0; i < rtc_clip.audio_count; i++) {
        const struct tg_clip_unit *unit = &rtc_clip.audio[i];

        assert_int_equal(push_bytes(&t, unit->data->data, unit->data->len, unit->pts_us),
                         GST_FLOW_OK);
        f = tg_frames_get(&t.frames, TG_TRACK_AUDIO, i);
        assert_int_equal(f->bytes_len, unit->data->len);
        assert_memory_equal(f->bytes, unit->data->data, unit->data->len);
        assert_int_equal(f->rtp_ts, (uint32_t)(unit->pts_us * 6 / 125));
        tg_frame_unref(f);
    }
    assert_int_equal(push_bytes(&t, long_packet, sizeof(long_packet), 5000000), GST_FLOW_OK);
    f = tg_frames_get(&t.frames, TG_TRACK_AUDIO, rtc_clip.audio_count);
    assert_int_equal(f->bytes_len, sizeof(long_packet));
    assert_memory_equal(f->bytes, long_packet, sizeof(long_packet));
    tg_frame_unref(f);
    fanout_done(&t);
}

static void test_fanout_counts_without_a_way_out(void **state)
{
    const struct tg_fanout_out nowhere = {0};
    guint64 frames = 0;
    guint64 keyframes = 0;
    struct fanout t;

    (void)state;
    fanout_init(&t, avc_caps(clip.video_config));
    tg_fanout_sink_set_out(t.sink, &nowhere);
    for (size_t i = 0; i < clip.video_count; i++)
        (void)push_bytes(&t, clip.video[i].data->data, clip.video[i].data->len,
                         clip.video[i].pts_us);
    g_object_get(t.sink, "frames", &frames, "keyframes", &keyframes, NULL);
    assert_int_equal(frames, 30);
    assert_int_equal(keyframes, 2);
    fanout_done(&t);
}

static void test_fanout_keyframe_request_goes_upstream(void **state)
{
    struct fanout t;
    GstEvent *event;
    bool seen = false;

    (void)state;
    fanout_init(&t, avc_caps(clip.video_config));
    g_signal_emit_by_name(t.sink, "request-keyframe");
    while (!seen && (event = gst_harness_try_pull_upstream_event(t.h)) != NULL) {
        seen = gst_video_event_is_force_key_unit(event);
        gst_event_unref(event);
    }
    assert_true(seen);
    fanout_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ingest_video_carries_caps_and_exact_times),
        cmocka_unit_test(test_ingest_frame_before_setup_bytes_is_refused),
        cmocka_unit_test(test_ingest_full_drops_until_the_next_keyframe),
        cmocka_unit_test(test_ingest_frame_before_time_zero_is_left_out),
        cmocka_unit_test(test_ingest_byte_bound_drops),
        cmocka_unit_test(test_ingest_stop_while_waiting_is_quick),
        cmocka_unit_test(test_ingest_flush_then_flows_on),
        cmocka_unit_test(test_ingest_end_drains_then_eos),
        cmocka_unit_test(test_rtc_vp8_begins_with_a_keyframe_that_brings_caps),
        cmocka_unit_test(test_rtc_opus_passes_as_stereo),
        cmocka_unit_test(test_rtc_h264_takes_set_up_bytes),
        cmocka_unit_test(test_ingest_refuses_what_browsers_send),
        cmocka_unit_test(test_rtc_keyframe_event_becomes_a_signal),
        cmocka_unit_test(test_fanout_video_frames_are_clean_and_timed),
        cmocka_unit_test(test_clip_has_sei_and_aud),
        cmocka_unit_test(test_fanout_byte_stream_remembers_parameter_sets),
        cmocka_unit_test(test_fanout_bad_unit_is_dropped_and_counted),
        cmocka_unit_test(test_fanout_broken_codec_data_is_refused),
        cmocka_unit_test(test_fanout_opus_packets_are_20_ms_apart),
        cmocka_unit_test(test_fanout_vp8_is_bit_exact),
        cmocka_unit_test(test_fanout_opus_of_any_length_passes_untouched),
        cmocka_unit_test(test_fanout_counts_without_a_way_out),
        cmocka_unit_test(test_fanout_keyframe_request_goes_upstream),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
