#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "media/media.h"
#include "plugins/plugins.h"
#include "proto/h264.h"
#include "support/lib/clip.h"
#include "support/lib/frames.h"

enum { SHOW = 3, WAIT_US = 10 * TG_US_PER_S };

static struct tg_clip clip;       /* 60 frames 320x180, AAC 44.1 kHz */
static struct tg_clip clip_other; /* another size */
static struct tg_clip clip_b;     /* with B-frames */

struct rig {
    struct tg_media *media;
    struct tg_source_ops ops;
    struct tg_frames frames;
    GMutex lock;
    GCond cond;
    unsigned told; /* lock: on_source calls */
    bool on;
    uint32_t generation;
    char notice[256];
};

static void on_source(void *ctx, const struct tg_air *air)
{
    const uint16_t show = air->show;
    const bool on = air->state == TG_AIR_ON;
    const uint32_t generation = air->generation;
    const char *notice = air->notice;

    struct rig *rig = ctx;

    assert_int_equal(show, SHOW);
    g_mutex_lock(&rig->lock);
    rig->told++;
    rig->on = on;
    rig->generation = generation;
    (void)g_strlcpy(rig->notice, notice, sizeof(rig->notice));
    g_cond_broadcast(&rig->cond);
    g_mutex_unlock(&rig->lock);
}

/* Until on_source was called `count` times in all. */
static bool wait_told(struct rig *rig, unsigned count)
{
    const gint64 until = g_get_monotonic_time() + WAIT_US;
    bool in_time = true;

    g_mutex_lock(&rig->lock);
    while (rig->told < count && in_time)
        in_time = g_cond_wait_until(&rig->cond, &rig->lock, until);
    in_time = rig->told >= count;
    g_mutex_unlock(&rig->lock);
    return in_time;
}

static void post(struct rig *rig, enum tg_media_what what, uint32_t count)
{
    struct tg_media_msg *msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));

    assert_non_null(msg);
    msg->what = what;
    msg->show = SHOW;
    msg->count = count;
    msg->epoch_us = tg_clock_mono();
    assert_int_equal(tg_mailbox_post(tg_media_mailbox(rig->media), msg), TG_OK);
}

/* The show is added by message, so the first open may be too early. */
static struct tg_source *open_source(struct rig *rig)
{
    const tg_us until = tg_clock_mono() + WAIT_US;
    struct tg_source *source = NULL;
    tg_err err;

    do
        err = rig->ops.open(rig->ops.ctx, &(struct tg_source_info){.show = SHOW}, &source);
    while (err == TG_ERR_NOTFOUND && tg_clock_mono() < until);
    assert_int_equal(err, TG_OK);
    return source;
}

static void rig_init(struct rig *rig)
{
    const struct tg_media_cfg cfg = {.frame_out = tg_frames_out,
                                     .frame_ctx = &rig->frames,
                                     .on_source = on_source,
                                     .source_ctx = rig};

    *rig = (struct rig){0};
    g_mutex_init(&rig->lock);
    g_cond_init(&rig->cond);
    tg_frames_init(&rig->frames);
    assert_int_equal(tg_media_new(&rig->media, &cfg), TG_OK);
    assert_int_equal(tg_media_start(rig->media), TG_OK);
    rig->ops = tg_media_source_ops(rig->media);
    post(rig, TG_MEDIA_SHOW_ADD, 0);
}

static void rig_done(struct rig *rig)
{
    tg_media_stop(rig->media);
    tg_media_free(rig->media);
    tg_frames_done(&rig->frames);
    g_mutex_clear(&rig->lock);
    g_cond_clear(&rig->cond);
}

static tg_err push_at(struct rig *rig, struct tg_source *source, const struct tg_clip *from,
                      enum tg_track track, size_t index, tg_us shift_us)
{
    struct tg_au au = tg_clip_au(from, track, index);
    const char *reason = NULL;
    tg_err err;

    au.pts_us += shift_us;
    au.dts_us += shift_us;
    err = rig->ops.push(source, &au, &reason);
    assert_true(err == TG_OK || (reason != NULL && reason[0] != '\0'));
    return err;
}

static tg_err push(struct rig *rig, struct tg_source *source, enum tg_track track, size_t index)
{
    return push_at(rig, source, &clip, track, index, 0);
}

/* Set-up bytes and all of the clip's frames; the tests' clips fit into the queues. */
static void push_clip(struct rig *rig, struct tg_source *source)
{
    assert_int_equal(push(rig, source, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    assert_int_equal(push(rig, source, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < clip.video_count; i++)
        assert_int_equal(push(rig, source, TG_TRACK_VIDEO, i), TG_OK);
    for (size_t i = 0; i < clip.audio_count; i++)
        assert_int_equal(push(rig, source, TG_TRACK_AUDIO, i), TG_OK);
}

static int setup(void **state)
{
    const struct tg_clip_cfg plain = {
        .width = 320, .height = 180, .frames = 60, .audio_frames = 86};
    const struct tg_clip_cfg other = {.width = 640, .height = 360, .frames = 30};
    const struct tg_clip_cfg bframes = {.width = 320, .height = 180, .frames = 20, .bframes = 2};

    (void)state;
    assert_int_equal(tg_media_init(NULL), TG_OK);
    assert_int_equal(tg_plugins_register(), TG_OK);
    tg_clip_make(&clip, &plain);
    tg_clip_make(&clip_other, &other);
    tg_clip_make(&clip_b, &bframes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_clip_done(&clip);
    tg_clip_done(&clip_other);
    tg_clip_done(&clip_b);
    return 0;
}

/* --- tests --------------------------------------------------------------------------------- */

static void check_video(struct tg_frames *frames, size_t index, uint32_t generation)
{
    struct tg_frame *f = tg_frames_get(frames, TG_TRACK_VIDEO, index);
    unsigned types[64];
    size_t count = tg_frame_nal_types(f, types, TG_ARRAY_LEN(types));

    assert_int_equal(f->show, SHOW);
    assert_int_equal(f->generation, generation);
    assert_int_equal(f->media_us, clip.video[index].pts_us);
    assert_int_equal((f->flags & TG_FRAME_KEY) != 0, clip.video[index].key);
    for (size_t i = 0; i < count; i++)
        assert_true(types[i] != TG_H264_SEI && types[i] != TG_H264_AUD);
    if (clip.video[index].key) {
        assert_int_equal(types[0], TG_H264_SPS);
        assert_int_equal(types[1], TG_H264_PPS);
        assert_int_equal(types[2], TG_H264_IDR);
    }
    tg_frame_unref(f);
}

static void test_video_passes_through_with_exact_times(void **state)
{
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    push_clip(&rig, source);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, clip.video_count, WAIT_US));
    for (size_t i = 0; i < clip.video_count; i++)
        check_video(&rig.frames, i, 1);
    assert_true(rig.on);
    rig.ops.close(source);
    assert_true(wait_told(&rig, 2));
    assert_false(rig.on);
    rig_done(&rig);
}

static void test_audio_becomes_continuous_opus(void **state)
{
    /* 86 AAC frames of 23.22 ms hold 99 whole Opus frames; the last may still be in the encoder. */
    const size_t expected = 98;
    struct rig rig;
    struct tg_source *source;
    struct tg_frame *before;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    push_clip(&rig, source);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, expected, WAIT_US));
    before = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, 0);
    assert_int_equal(before->media_us, 0); /* 6.5 ms of look-ahead are before the media's begin */
    for (size_t i = 1; i < expected; i++) {
        struct tg_frame *f = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, i);

        assert_int_equal(f->codec, TG_CODEC_OPUS);
        assert_int_equal(f->flags & TG_FRAME_AUDIO_GAP, 0);
        if (i > 1) {
            assert_int_equal(f->media_us - before->media_us, 20000);
            assert_int_equal((uint32_t)(f->rtp_ts - before->rtp_ts), 960);
        } else {
            assert_int_equal(f->media_us, 13500);
        }
        tg_frame_unref(before);
        before = f;
    }
    tg_frame_unref(before);
    rig.ops.close(source);
    rig_done(&rig);
}

/*
 * A minute of 44.1 kHz sound with timestamps in whole milliseconds, as RTMP has them: the Opus
 * frames must neither jump nor run away from them.
 */
static void test_audio_over_a_minute_does_not_drift(void **state)
{
    const tg_us start_us = 5000000;
    const size_t frames = 2584; /* of 1024 samples */
    size_t expected = 2995;
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < frames; i++) {
        const tg_us ms = (tg_us)(i * 1024 * 1000 / 44100);
        struct tg_au au = tg_clip_au(&clip, TG_TRACK_AUDIO, 10 + i % 60);
        const char *reason = NULL;

        au.pts_us = au.dts_us = start_us + ms * 1000;
        assert_int_equal(rig.ops.push(source, &au, &reason), TG_OK);
        if (i % 64 == 63) /* a live source does not come faster than it is played */
            assert_true(
                tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, (size_t)(ms / 20) - 4, WAIT_US));
    }
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, expected, WAIT_US));
    for (size_t i = 0; i < expected; i++) {
        struct tg_frame *f = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, i);

        assert_int_equal(f->media_us, start_us - 6500 + (tg_us)i * 20000);
        tg_frame_unref(f);
    }
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_one_track_alone_works(void **state)
{
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, 0), TG_OK);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 1, WAIT_US));
    rig.ops.close(source);
    source = open_source(&rig);
    assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, i), TG_OK);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, 5, WAIT_US));
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_newest_publisher_takes_over(void **state)
{
    struct rig rig;
    struct tg_source *first;
    struct tg_source *second;
    size_t before;
    struct tg_frame *f;

    (void)state;
    rig_init(&rig);
    first = open_source(&rig);
    push_clip(&rig, first);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, clip.video_count, WAIT_US));
    second = open_source(&rig);
    assert_int_equal(push(&rig, first, TG_TRACK_VIDEO, 0), TG_ERR_CLOSED);
    assert_true(wait_told(&rig, 2));
    assert_int_equal(rig.generation, 2);
    assert_non_null(strstr(rig.notice, "taken over"));
    before = tg_frames_count(&rig.frames, TG_TRACK_VIDEO);
    push_clip(&rig, second);
    rig.ops.close(first); /* the one who lost leaves: nobody notices */
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, before + clip.video_count, WAIT_US));
    f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, before);
    assert_int_equal(f->generation, 2);
    assert_true((f->flags & TG_FRAME_KEY) != 0);
    tg_frame_unref(f);
    assert_true(rig.on);
    assert_int_equal(rig.told, 2);
    rig.ops.close(second);
    assert_true(wait_told(&rig, 3));
    assert_false(rig.on);
    rig_done(&rig);
}

static void test_new_resolution_goes_on_in_the_same_session(void **state)
{
    struct rig rig;
    struct tg_source *source;
    struct tg_frame *small;
    struct tg_frame *large;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, i), TG_OK);
    assert_int_equal(push_at(&rig, source, &clip_other, TG_TRACK_VIDEO, SIZE_MAX, 0), TG_OK);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(push_at(&rig, source, &clip_other, TG_TRACK_VIDEO, i, 500000), TG_OK);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 30, WAIT_US));
    small = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, 0);
    large = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, 15);
    assert_true((large->flags & TG_FRAME_KEY) != 0);
    assert_int_equal(large->generation, small->generation);
    /* Both begin with a STAP-A of SPS and PPS; the SPS differ. */
    assert_true(memcmp(tg_frame_payload(small, 0).data, tg_frame_payload(large, 0).data, 16) != 0);
    tg_frame_unref(small);
    tg_frame_unref(large);
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_bframes_are_refused_in_plain_words(void **state)
{
    struct rig rig;
    struct tg_source *source;
    tg_err err = TG_OK;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    assert_int_equal(push_at(&rig, source, &clip_b, TG_TRACK_VIDEO, SIZE_MAX, 0), TG_OK);
    for (size_t i = 0; i < clip_b.video_count && err == TG_OK; i++)
        err = push_at(&rig, source, &clip_b, TG_TRACK_VIDEO, i, 0);
    assert_int_equal(err, TG_ERR_UNSUPPORTED);
    assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, 0), TG_ERR_CLOSED);
    assert_true(wait_told(&rig, 2));
    assert_false(rig.on);
    assert_non_null(strstr(rig.notice, "B-frames"));
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_foreign_codec_and_broken_setup_are_refused(void **state)
{
    struct tg_au vp8 = {.track = TG_TRACK_VIDEO, .codec = TG_CODEC_VP8, .config = true};
    struct tg_au avcc = {.track = TG_TRACK_VIDEO, .codec = TG_CODEC_H264, .config = true};
    const char *reason = NULL;
    struct tg_source *source;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    vp8.data = tg_slab_copy("x", 1);
    assert_int_equal(rig.ops.push(source, &vp8, &reason), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(reason, "H.264"));
    rig.ops.close(source);
    source = open_source(&rig);
    avcc.data = tg_slab_copy("\x01\x42\xc0\x1f\xff", 5);
    assert_int_equal(rig.ops.push(source, &avcc, &reason), TG_ERR_UNSUPPORTED);
    rig.ops.close(source);
    assert_int_equal(rig.ops.open(rig.ops.ctx, &(struct tg_source_info){.show = SHOW + 1}, &source),
                     TG_ERR_NOTFOUND);
    assert_int_equal(
        rig.ops.open(rig.ops.ctx, &(struct tg_source_info){.show = UINT16_MAX}, &source),
        TG_ERR_NOTFOUND);
    rig_done(&rig);
}

static tg_err push_junk(struct rig *rig, struct tg_source *source, bool config, tg_us pts_us)
{
    static const uint8_t junk[200] = {0xff, 0xff, 0xff, 0xa5, 0x5a};
    const char *reason = NULL;
    struct tg_au au = {.track = TG_TRACK_AUDIO,
                       .codec = TG_CODEC_AAC,
                       .config = config,
                       .pts_us = pts_us,
                       .dts_us = pts_us,
                       .data = tg_slab_copy(junk, sizeof(junk))};

    return rig->ops.push(source, &au, &reason);
}

/* Set-up bytes that no decoder takes end that source with a notice; the next one is served. */
static void test_pipeline_error_ends_only_its_source(void **state)
{
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    assert_int_equal(push_junk(&rig, source, true, 0), TG_OK);
    assert_int_equal(push_junk(&rig, source, false, 0), TG_OK);
    assert_true(wait_told(&rig, 2));
    assert_false(rig.on);
    assert_non_null(strstr(rig.notice, "H.264"));
    assert_int_equal(push_junk(&rig, source, false, 0), TG_ERR_CLOSED);
    rig.ops.close(source);
    source = open_source(&rig);
    push_clip(&rig, source);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, clip.video_count, WAIT_US));
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_damaged_sound_frames_are_survived(void **state)
{
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig);
    assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
    for (size_t i = 0; i < clip.audio_count; i++)
        if (i % 8 == 3)
            assert_int_equal(push_junk(&rig, source, false, clip.audio[i].pts_us), TG_OK);
        else
            assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, i), TG_OK);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, 70, WAIT_US));
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_start_and_stop_a_hundred_times(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct rig rig;
        struct tg_source *source;

        rig_init(&rig);
        if (i % 4 == 0) {
            source = open_source(&rig);
            assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, SIZE_MAX), TG_OK);
            assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, SIZE_MAX), TG_OK);
            for (size_t k = 0; k < 5; k++) {
                assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, k), TG_OK);
                assert_int_equal(push(&rig, source, TG_TRACK_AUDIO, k), TG_OK);
            }
            if (i % 8 == 0)
                assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, 2, WAIT_US));
            tg_media_stop(rig.media);
            assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, 0), TG_ERR_CLOSED);
            rig.ops.close(source);
        }
        rig_done(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_video_passes_through_with_exact_times),
        cmocka_unit_test(test_audio_becomes_continuous_opus),
        cmocka_unit_test(test_audio_over_a_minute_does_not_drift),
        cmocka_unit_test(test_one_track_alone_works),
        cmocka_unit_test(test_newest_publisher_takes_over),
        cmocka_unit_test(test_new_resolution_goes_on_in_the_same_session),
        cmocka_unit_test(test_bframes_are_refused_in_plain_words),
        cmocka_unit_test(test_foreign_codec_and_broken_setup_are_refused),
        cmocka_unit_test(test_pipeline_error_ends_only_its_source),
        cmocka_unit_test(test_damaged_sound_frames_are_survived),
        cmocka_unit_test(test_start_and_stop_a_hundred_times),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
