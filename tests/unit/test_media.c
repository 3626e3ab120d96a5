#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "media/media.h"
#include "media/slate.h"
#include "plugins/plugins.h"
#include "proto/h264.h"
#include "proto/vp8.h"
#include "support/lib/clip.h"
#include "support/lib/frames.h"

enum {
    SHOW = 3,
    WAIT_US = 10 * TG_US_PER_S,
    EPOCH_US = 100 * TG_US_PER_S, /* the show is so old: media time now */
};

static struct tg_clip clip;       /* 60 frames 320x180, AAC 44.1 kHz */
static struct tg_clip clip_other; /* another size */
static struct tg_clip clip_b;     /* with B-frames */
static struct tg_clip clip_rtc;   /* 30 frames of VP8 640x360, 50 Opus packets of 20 ms */

struct rig {
    struct tg_media *media;
    struct tg_source_ops ops;
    struct tg_frames frames;
    GMutex lock;
    GCond cond;
    enum tg_air_state state; /* lock: what on_source told last */
    uint32_t generation;     /* lock */
    char publisher[TG_PUBLISHER_SIZE];
    GString *notices; /* lock: all of them */
};

static void on_source(void *ctx, const struct tg_air *air)
{
    struct rig *rig = ctx;

    assert_int_equal(air->show, SHOW);
    g_mutex_lock(&rig->lock);
    rig->state = air->state;
    rig->generation = air->generation;
    (void)g_strlcpy(rig->publisher, air->publisher, sizeof(rig->publisher));
    g_string_append(rig->notices, air->notice);
    g_cond_broadcast(&rig->cond);
    g_mutex_unlock(&rig->lock);
}

/* Until on_source has told this state. */
static bool wait_state(struct rig *rig, enum tg_air_state state)
{
    const gint64 until = g_get_monotonic_time() + WAIT_US;
    bool in_time = true;

    g_mutex_lock(&rig->lock);
    while (rig->state != state && in_time)
        in_time = g_cond_wait_until(&rig->cond, &rig->lock, until);
    in_time = rig->state == state;
    g_mutex_unlock(&rig->lock);
    return in_time;
}

/* Until a notice had these words. */
static bool wait_notice(struct rig *rig, const char *words)
{
    const gint64 until = g_get_monotonic_time() + WAIT_US;
    bool in_time = true;

    g_mutex_lock(&rig->lock);
    while (strstr(rig->notices->str, words) == NULL && in_time)
        in_time = g_cond_wait_until(&rig->cond, &rig->lock, until);
    in_time = strstr(rig->notices->str, words) != NULL;
    g_mutex_unlock(&rig->lock);
    return in_time;
}

static uint32_t told_generation(struct rig *rig)
{
    uint32_t generation;

    g_mutex_lock(&rig->lock);
    generation = rig->generation;
    g_mutex_unlock(&rig->lock);
    return generation;
}

static void post(struct rig *rig, enum tg_media_what what, uint32_t count)
{
    struct tg_media_msg *msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));

    assert_non_null(msg);
    msg->what = what;
    msg->show = SHOW;
    msg->count = count;
    msg->epoch_us = tg_clock_mono() - EPOCH_US;
    (void)g_strlcpy(msg->title, "Wool sweaters straight from the knitting machine",
                    sizeof(msg->title));
    assert_int_equal(tg_mailbox_post(tg_media_mailbox(rig->media), msg), TG_OK);
}

/* The show is added by message, so the first open may be too early. */
static struct tg_source *open_as(struct rig *rig, enum tg_source_kind kind, const char *name)
{
    const tg_us until = tg_clock_mono() + WAIT_US;
    struct tg_source_info info = {.show = SHOW, .kind = kind};
    struct tg_source *source = NULL;
    tg_err err;

    (void)g_strlcpy(info.publisher, name, sizeof(info.publisher));
    do
        err = rig->ops.open(rig->ops.ctx, &info, &source);
    while (err == TG_ERR_NOTFOUND && tg_clock_mono() < until);
    assert_int_equal(err, TG_OK);
    return source;
}

static struct tg_source *open_source(struct rig *rig)
{
    return open_as(rig, TG_SOURCE_RTMP, "rtmp-1");
}

/* 0 = the defaults. */
static void rig_init_times(struct rig *rig, tg_us stall_us, tg_us grace_us)
{
    const struct tg_media_cfg cfg = {.frame_out = tg_frames_out,
                                     .frame_ctx = &rig->frames,
                                     .on_source = on_source,
                                     .source_ctx = rig,
                                     .demo_sleep_us = 300 * TG_US_PER_MS,
                                     .stall_us = stall_us,
                                     .grace_us = grace_us};

    *rig = (struct rig){.notices = g_string_new(NULL)};
    g_mutex_init(&rig->lock);
    g_cond_init(&rig->cond);
    tg_frames_init(&rig->frames);
    assert_int_equal(tg_media_new(&rig->media, &cfg), TG_OK);
    assert_int_equal(tg_media_start(rig->media), TG_OK);
    rig->ops = tg_media_source_ops(rig->media);
    post(rig, TG_MEDIA_SHOW_ADD, 0);
}

static void rig_init(struct rig *rig)
{
    rig_init_times(rig, 0, 0);
}

static void rig_done(struct rig *rig)
{
    tg_media_stop(rig->media);
    tg_media_free(rig->media);
    tg_frames_done(&rig->frames);
    g_string_free(rig->notices, TRUE);
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

    const struct tg_clip_cfg rtc = {
        .width = 640, .height = 360, .frames = 30, .audio_frames = 50, .vp8 = true, .opus_ms = 20};

    (void)state;
    assert_int_equal(tg_media_init(NULL), TG_OK);
    assert_int_equal(tg_plugins_register(), TG_OK);
    tg_clip_make(&clip, &plain);
    tg_clip_make(&clip_other, &other);
    tg_clip_make(&clip_b, &bframes);
    tg_clip_make(&clip_rtc, &rtc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_clip_done(&clip);
    tg_clip_done(&clip_other);
    tg_clip_done(&clip_b);
    tg_clip_done(&clip_rtc);
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
    assert_int_equal(f->width, 320);
    assert_int_equal(f->height, 180);
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
    assert_true(wait_state(&rig, TG_AIR_ON));
    assert_string_equal(rig.publisher, "rtmp-1");
    rig.ops.close(source);
    assert_true(wait_state(&rig, TG_AIR_STALL)); /* for the time of grace */
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
        assert_int_equal(f->width, 0);
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
    assert_int_equal(small->width, 320);
    assert_int_equal(large->width, 640);
    assert_int_equal(large->height, 360);
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
    assert_int_equal(push_at(&rig, source, &clip_b, TG_TRACK_VIDEO, 0, 0), TG_OK);
    assert_true(wait_state(&rig, TG_AIR_ON));
    for (size_t i = 1; i < clip_b.video_count && err == TG_OK; i++)
        err = push_at(&rig, source, &clip_b, TG_TRACK_VIDEO, i, 0);
    assert_int_equal(err, TG_ERR_UNSUPPORTED);
    assert_int_equal(push(&rig, source, TG_TRACK_VIDEO, 0), TG_ERR_CLOSED);
    assert_true(wait_notice(&rig, "B-frames"));
    assert_true(wait_state(&rig, TG_AIR_STALL));
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
    assert_true(wait_notice(&rig, "H.264"));
    assert_int_equal(rig.state, TG_AIR_OFF); /* it never was on air */
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

/* --- continuity --------------------------------------------------------------------------------
 */

/* Time of each track only grows, RTP time follows it exactly, generations only grow, and each
 * begins with a keyframe on each layer. */
static void check_continuity(struct rig *rig)
{
    for (int track = 0; track < TG_TRACK_COUNT; track++) {
        const size_t count = tg_frames_count(&rig->frames, (enum tg_track)track);
        uint32_t keyed[TG_LAYERS_MAX] = {0};
        tg_us last[TG_LAYERS_MAX] = {-1, -1, -1, -1};
        uint32_t generation = 0;

        for (size_t i = 0; i < count; i++) {
            struct tg_frame *f = tg_frames_get(&rig->frames, (enum tg_track)track, i);

            assert_true(f->media_us > last[f->layer]);
            assert_int_equal(f->rtp_ts, tg_media_to_rtp(f->media_us, (enum tg_track)track));
            assert_true(f->generation >= generation);
            if ((f->flags & TG_FRAME_KEY) != 0)
                keyed[f->layer] = f->generation;
            assert_int_equal(keyed[f->layer], f->generation);
            last[f->layer] = f->media_us;
            generation = f->generation;
            tg_frame_unref(f);
        }
    }
}

/* Until a video frame of this generation is out; its index. */
static size_t wait_generation(struct rig *rig, uint32_t generation)
{
    const tg_us until = tg_clock_mono() + WAIT_US;

    for (size_t i = 0; tg_clock_mono() < until;) {
        struct tg_frame *f;
        bool found;

        if (!tg_frames_wait(&rig->frames, TG_TRACK_VIDEO, i + 1, 50 * TG_US_PER_MS))
            continue;
        f = tg_frames_get(&rig->frames, TG_TRACK_VIDEO, i);
        found = f->generation == generation;
        tg_frame_unref(f);
        if (found)
            return i;
        i++;
    }
    fail_msg("no frame of generation %u", generation);
    return SIZE_MAX;
}

static bool wait_closed(struct rig *rig, struct tg_source *source, const char *words)
{
    const tg_us until = tg_clock_mono() + WAIT_US;
    const char *reason = "";
    uint32_t layers;

    while (tg_clock_mono() < until) {
        if (rig->ops.poll(source, &layers, &reason) == TG_ERR_CLOSED)
            return strstr(reason, words) != NULL;
        g_usleep(1000);
    }
    return false;
}

static bool is_open(struct rig *rig, struct tg_source *source)
{
    const char *reason = "";
    uint32_t layers;

    return rig->ops.poll(source, &layers, &reason) == TG_OK;
}

static size_t video_count(struct rig *rig)
{
    return tg_frames_count(&rig->frames, TG_TRACK_VIDEO);
}

/* Set-up bytes and the frames [from, to) of the clip, `shift` later than it has them. */
static void push_video(struct rig *rig, struct tg_source *source, size_t from, size_t to,
                       tg_us shift)
{
    if (from == 0)
        assert_int_equal(push_at(rig, source, &clip, TG_TRACK_VIDEO, SIZE_MAX, shift), TG_OK);
    for (size_t i = from; i < to; i++)
        assert_int_equal(push_at(rig, source, &clip, TG_TRACK_VIDEO, i, shift), TG_OK);
}

/* Keyframes of the clip are 0, 15, 30, 45. */
static void test_takeover_is_seamless(void **state)
{
    const tg_us shift = 18 * TG_US_PER_S;
    struct rig rig;
    struct tg_source *first;
    struct tg_source *second;
    struct tg_frame *f;

    (void)state;
    rig_init(&rig);
    first = open_as(&rig, TG_SOURCE_RTMP, "rtmp-1");
    push_video(&rig, first, 0, 20, shift);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 20, WAIT_US));
    second = open_as(&rig, TG_SOURCE_WHIP, "w0-2");
    assert_int_equal(push_at(&rig, second, &clip, TG_TRACK_VIDEO, SIZE_MAX, shift), TG_OK);
    push_video(&rig, second, 20, 30, shift); /* in the middle of a group: not yet */
    push_video(&rig, first, 20, 25, shift);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 25, WAIT_US));
    assert_true(is_open(&rig, first));
    push_video(&rig, second, 30, 45, shift);
    assert_true(wait_closed(&rig, first, "taken over"));
    assert_int_equal(push(&rig, first, TG_TRACK_VIDEO, 25), TG_ERR_CLOSED);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 40, WAIT_US));
    f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, 25);
    assert_int_equal(f->generation, 2);
    assert_int_equal(f->media_us, clip.video[30].pts_us + shift);
    tg_frame_unref(f);
    assert_true(wait_notice(&rig, "taken over"));
    assert_int_equal(told_generation(&rig), 2);
    assert_string_equal(rig.publisher, "w0-2");
    rig.ops.close(first); /* nobody notices */
    push_video(&rig, second, 45, 60, shift);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 55, WAIT_US));
    assert_int_equal(rig.state, TG_AIR_ON);
    check_continuity(&rig);
    rig.ops.close(second);
    rig_done(&rig);
}

static void test_who_never_delivers_never_takes_over(void **state)
{
    struct rig rig;
    struct tg_source *first;
    struct tg_source *between;
    struct tg_source *newest;

    (void)state;
    rig_init(&rig);
    first = open_source(&rig);
    push_video(&rig, first, 0, 5, 0);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 5, WAIT_US));
    between = open_as(&rig, TG_SOURCE_WHIP, "w0-1");
    newest = open_as(&rig, TG_SOURCE_WHIP, "w0-2");
    assert_true(wait_closed(&rig, between, "taken over")); /* it never was on air */
    rig.ops.close(between);
    rig.ops.close(newest);
    push_video(&rig, first, 5, 60, 0);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 60, WAIT_US));
    assert_true(is_open(&rig, first));
    assert_int_equal(told_generation(&rig), 1);
    rig.ops.close(first);
    rig_done(&rig);
}

static void test_takeovers_by_turns_fifty_times(void **state)
{
    struct rig rig;
    struct tg_source *before = NULL;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    for (uint32_t i = 0; i < 50; i++) {
        struct tg_source *next =
            open_as(&rig, i % 2 == 0 ? TG_SOURCE_RTMP : TG_SOURCE_WHIP, "turn");

        push_video(&rig, next, 0, 16, (tg_us)i * 500000);
        (void)wait_generation(&rig, i + 1);
        if (before != NULL) {
            assert_true(wait_closed(&rig, before, "taken over"));
            rig.ops.close(before);
        }
        before = next;
    }
    check_continuity(&rig);
    rig.ops.close(before);
    rig_done(&rig);
}

/* --- the slate --- */

static void check_slate_size(const struct tg_frame *f, unsigned width, unsigned height)
{
    struct tg_h264_sps sps;
    struct tg_rd r = tg_rd(tg_frame_payload(f, 0).data, tg_frame_payload(f, 0).len);
    uint16_t len;

    assert_int_equal(tg_rd_u8(&r) & 0x1f, TG_H264_STAP_A);
    len = tg_rd_u16(&r);
    assert_int_equal(tg_h264_sps_parse(&sps, tg_rd_span(&r, len)), TG_OK);
    assert_int_equal(sps.width, width);
    assert_int_equal(sps.height, height);
    assert_int_equal(sps.profile, TG_H264_PROFILE_BASELINE);
}

static void test_silent_publisher_gets_the_slate_and_returns(void **state)
{
    const tg_us shift = 18 * TG_US_PER_S;
    const char *reason = "";
    struct rig rig;
    struct tg_source *source;
    struct tg_frame *f;
    uint32_t layers = 0;
    size_t at;
    tg_us begin;

    (void)state;
    rig_init_times(&rig, 300 * TG_US_PER_MS, 0);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_as(&rig, TG_SOURCE_WHIP, "w0-1");
    push_video(&rig, source, 0, 20, shift);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 20, WAIT_US));
    begin = tg_clock_mono();
    at = wait_generation(&rig, 2);
    assert_true(tg_clock_mono() - begin < 1500 * TG_US_PER_MS);
    f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, at);
    assert_true((f->flags & TG_FRAME_KEY) != 0);
    check_slate_size(f, 320, 180);
    tg_frame_unref(f);
    assert_true(wait_state(&rig, TG_AIR_STALL));
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, 10, WAIT_US));
    assert_int_equal(rig.ops.poll(source, &layers, &reason), TG_OK);
    assert_int_equal(layers, 1); /* a keyframe, please */
    push_video(&rig, source, 20, 30, shift + 2 * TG_US_PER_S);
    at = video_count(&rig);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, at + 2, WAIT_US));
    assert_int_equal(told_generation(&rig), 2); /* of no use without a keyframe */
    push_video(&rig, source, 30, 45, shift + 2 * TG_US_PER_S);
    (void)wait_generation(&rig, 3);
    assert_true(wait_state(&rig, TG_AIR_ON));
    check_continuity(&rig);
    rig.ops.close(source);
    rig_done(&rig);
}

/* Nothing new for so long. */
static bool wait_silence(struct rig *rig, tg_us quiet_us)
{
    const tg_us until = tg_clock_mono() + WAIT_US;

    while (tg_clock_mono() < until)
        if (!tg_frames_wait(&rig->frames, TG_TRACK_VIDEO, video_count(rig) + 1, quiet_us))
            return true;
    return false;
}

static void test_slate_after_the_publisher_left_until_the_show_is_over(void **state)
{
    struct rig rig;
    struct tg_source *source;
    uint32_t generation;
    size_t at;

    (void)state;
    rig_init_times(&rig, 0, 600 * TG_US_PER_MS);
    post(&rig, TG_MEDIA_WATCHERS, 3); /* nobody was on air yet: no slate */
    assert_false(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 1, 500 * TG_US_PER_MS));
    source = open_source(&rig);
    push_video(&rig, source, 0, 20, 0);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 20, WAIT_US));
    rig.ops.close(source);
    (void)wait_generation(&rig, 2);
    assert_true(wait_state(&rig, TG_AIR_STALL));
    assert_true(wait_state(&rig, TG_AIR_OFF));
    at = video_count(&rig);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, at + 3, WAIT_US)); /* it goes on */
    post(&rig, TG_MEDIA_WATCHERS, 0);
    assert_true(wait_silence(&rig, 700 * TG_US_PER_MS)); /* it sleeps */
    generation = told_generation(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    (void)wait_generation(&rig, generation + 1);
    post(&rig, TG_MEDIA_SHOW_END, 0);
    assert_true(wait_silence(&rig, 700 * TG_US_PER_MS));
    source = open_source(&rig); /* and the next publisher is served */
    push_video(&rig, source, 0, 16, 40 * TG_US_PER_S);
    (void)wait_generation(&rig, generation + 2);
    check_continuity(&rig);
    rig.ops.close(source);
    (void)wait_generation(&rig, generation + 3);
    rig_done(&rig);
}

/* How far apart the slate's keyframes are, in its media time, and that a wish brings one. */
static void test_slate_gives_keyframes(void **state)
{
    struct rig rig;
    struct tg_source *source;
    struct tg_frame *f;
    size_t keys = 0;
    size_t at;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig);
    push_video(&rig, source, 0, 1, 0);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 1, WAIT_US));
    rig.ops.close(source);
    at = wait_generation(&rig, 2);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, at + 3, WAIT_US));
    post(&rig, TG_MEDIA_KEYFRAME, 0);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, at + 6, WAIT_US));
    for (size_t i = at; i < at + 6; i++) {
        f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, i);
        keys += (f->flags & TG_FRAME_KEY) != 0;
        tg_frame_unref(f);
    }
    assert_int_equal(keys, 2); /* the first, and the wished */
    at += 6;
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, at + 11, WAIT_US));
    for (size_t i = at; i < at + 11; i++) {
        f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, i);
        keys += (f->flags & TG_FRAME_KEY) != 0;
        tg_frame_unref(f);
    }
    assert_in_range(keys, 3, 4);
    rig_done(&rig);
}

/* --- WebRTC publishers --- */

static struct tg_au rtc_au(enum tg_track track, size_t index, uint8_t layer, tg_us shift)
{
    struct tg_au au = tg_clip_au(&clip_rtc, track, index);

    au.layer = layer;
    au.key = false; /* the frame's own header is believed */
    au.pts_us += shift;
    au.dts_us += shift;
    return au;
}

static void push_rtc(struct rig *rig, struct tg_source *source, enum tg_track track, size_t index,
                     uint8_t layer)
{
    const struct tg_au au = rtc_au(track, index, layer, 18 * TG_US_PER_S);
    const char *reason = "";

    assert_int_equal(rig->ops.push(source, &au, &reason), TG_OK);
}

static void check_vp8(const struct tg_frame *f, const struct tg_clip_unit *unit)
{
    struct tg_rd left = tg_rd(unit->data->data, unit->data->len);

    assert_int_equal(f->codec, TG_CODEC_VP8);
    assert_int_equal(f->width, 640);
    assert_int_equal(f->height, 360);
    assert_int_equal(f->media_us, unit->pts_us + 18 * TG_US_PER_S);
    assert_int_equal((f->flags & TG_FRAME_KEY) != 0, unit->key);
    for (size_t i = 0; i < f->packet_count; i++) {
        struct tg_vp8_payload p;

        assert_int_equal(tg_vp8_payload_parse(&p, tg_frame_payload(f, i)), TG_OK);
        assert_true(tg_rd_left(&left) >= p.frame.len);
        assert_memory_equal(tg_rd_span(&left, p.frame.len).data, p.frame.data, p.frame.len);
    }
    assert_int_equal(tg_rd_left(&left), 0);
}

static void test_vp8_layers_and_opus_pass_bit_exact(void **state)
{
    const size_t count = clip_rtc.video_count;
    size_t at[2] = {0, 0};
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_as(&rig, TG_SOURCE_WHIP, "w0-1");
    for (size_t i = 0; i < count; i++) {
        push_rtc(&rig, source, TG_TRACK_VIDEO, i, 0);
        push_rtc(&rig, source, TG_TRACK_VIDEO, i, 1);
        if (i == 0) /* layer 0 is what takes the air */
            assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 1, WAIT_US));
    }
    for (size_t i = 0; i < clip_rtc.audio_count; i++)
        push_rtc(&rig, source, TG_TRACK_AUDIO, i, 0);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 2 * count - 15, WAIT_US));
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, clip_rtc.audio_count, WAIT_US));
    assert_false(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 2 * count + 1, 200000));
    for (size_t i = 0; i < video_count(&rig); i++) {
        struct tg_frame *f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, i);

        assert_true(f->layer < 2);
        if (at[f->layer] == 0 && f->media_us > clip_rtc.video[0].pts_us + 18 * TG_US_PER_S)
            at[f->layer] = 15; /* its first keyframe came before layer 0 was on air */
        check_vp8(f, &clip_rtc.video[at[f->layer]++]);
        tg_frame_unref(f);
    }
    assert_int_equal(at[0], count);
    assert_int_equal(at[1], count);
    for (size_t i = 0; i < clip_rtc.audio_count; i++) {
        struct tg_frame *f = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, i);

        assert_int_equal(f->bytes_len, clip_rtc.audio[i].data->len);
        assert_memory_equal(f->bytes, clip_rtc.audio[i].data->data, f->bytes_len);
        assert_int_equal((f->flags & TG_FRAME_AUDIO_GAP) != 0, i == 0);
        tg_frame_unref(f);
    }
    check_continuity(&rig);
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_slate_after_vp8_is_vp8_of_the_same_size(void **state)
{
    struct rig rig;
    struct tg_source *source;
    struct tg_vp8_info info;
    struct tg_vp8_payload p;
    struct tg_frame *f;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_as(&rig, TG_SOURCE_WHIP, "w0-1");
    push_rtc(&rig, source, TG_TRACK_VIDEO, 0, 0);
    (void)wait_generation(&rig, 1);
    rig.ops.close(source);
    f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, wait_generation(&rig, 2));
    assert_int_equal(f->codec, TG_CODEC_VP8);
    assert_int_equal(tg_vp8_payload_parse(&p, tg_frame_payload(f, 0)), TG_OK);
    assert_int_equal(tg_vp8_info_parse(&info, p.frame), TG_OK);
    assert_int_equal(info.width, 640);
    assert_int_equal(info.height, 360);
    tg_frame_unref(f);
    rig_done(&rig);
}

/* The layers of the next wish. */
static uint32_t wait_wish(struct rig *rig, struct tg_source *source)
{
    const tg_us until = tg_clock_mono() + WAIT_US;
    const char *reason = "";
    uint32_t layers = 0;

    while (layers == 0 && tg_clock_mono() < until) {
        assert_int_equal(rig->ops.poll(source, &layers, &reason), TG_OK);
        g_usleep(1000);
    }
    return layers;
}

static void test_keyframe_wish_reaches_the_asked_layer_once(void **state)
{
    const char *reason = "";
    uint32_t layers = 0;
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_as(&rig, TG_SOURCE_WHIP, "w0-1");
    push_rtc(&rig, source, TG_TRACK_VIDEO, 0, 0);
    (void)wait_generation(&rig, 1);
    push_rtc(&rig, source, TG_TRACK_VIDEO, 0, 2);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 2, WAIT_US));
    assert_true(wait_state(&rig, TG_AIR_ON));
    assert_int_equal(rig.ops.poll(source, &layers, &reason), TG_OK);
    assert_int_equal(layers, 0);
    post(&rig, TG_MEDIA_KEYFRAME, 0);
    assert_int_equal(wait_wish(&rig, source), 1);
    post(&rig, TG_MEDIA_KEYFRAME, 2);
    assert_int_equal(wait_wish(&rig, source), 1U << 2);
    post(&rig, TG_MEDIA_KEYFRAME, 1); /* it sends no such layer */
    assert_int_equal(wait_wish(&rig, source), 1);
    post(&rig, TG_MEDIA_KEYFRAME, 99);
    assert_int_equal(wait_wish(&rig, source), 1);
    g_usleep(50000);
    assert_int_equal(rig.ops.poll(source, &layers, &reason), TG_OK);
    assert_int_equal(layers, 0); /* each wish is told once */
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_codec_change_and_foreign_codecs_are_refused(void **state)
{
    struct rig rig;
    struct tg_source *source;
    struct tg_au au = rtc_au(TG_TRACK_VIDEO, 0, 0, 0);
    const char *reason = "";

    (void)state;
    rig_init(&rig);
    source = open_as(&rig, TG_SOURCE_WHIP, "w0-1");
    assert_int_equal(rig.ops.push(source, &au, &reason), TG_OK);
    au = tg_clip_au(&clip, TG_TRACK_VIDEO, SIZE_MAX);
    assert_int_equal(rig.ops.push(source, &au, &reason), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(reason, "codec changed"));
    rig.ops.close(source);
    source = open_as(&rig, TG_SOURCE_WHIP, "w0-2");
    au = tg_clip_au(&clip, TG_TRACK_AUDIO, SIZE_MAX); /* AAC */
    assert_int_equal(rig.ops.push(source, &au, &reason), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(reason, "Opus"));
    rig.ops.close(source);
    rig_done(&rig);
}

/* --- the slate's picture --- */

static void test_slate_keeps_shapes_within_limits(void **state)
{
    static const struct {
        unsigned in[2];
        int out[2];
    } rows[] = {{{0, 0}, {1280, 720}},       {{1280, 720}, {1280, 720}},
                {{720, 1280}, {720, 1280}},  {{1920, 1080}, {1280, 720}},
                {{1080, 1920}, {720, 1280}}, {{641, 361}, {640, 360}},
                {{8192, 16}, {1280, 128}},   {{2, 2}, {128, 128}}};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        int width = 0;
        int height = 0;

        tg_slate_size(rows[i].in[0], rows[i].in[1], &width, &height);
        assert_int_equal(width, rows[i].out[0]);
        assert_int_equal(height, rows[i].out[1]);
    }
}

static void test_slate_draws_any_title(void **state)
{
    static const char *const titles[] = {
        "",
        " ",
        "One",
        "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft",
        "\xff\xfe not UTF-8 \xc3",
        "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s "
        "t "
        "u v w x y z a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(titles); i++) {
        uint8_t *picture = tg_slate_picture(320, 568, titles[i], titles[(i + 1) % 5]);
        unsigned low = 255;
        unsigned high = 0;

        for (size_t k = 0; k < (size_t)320 * 568; k++) {
            low = TG_MIN(low, picture[k]);
            high = TG_MAX(high, picture[k]);
        }
        assert_true(low < 60 && high > 100); /* dark, and something on it */
        g_free(picture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_video_passes_through_with_exact_times),
        cmocka_unit_test(test_audio_becomes_continuous_opus),
        cmocka_unit_test(test_audio_over_a_minute_does_not_drift),
        cmocka_unit_test(test_one_track_alone_works),
        cmocka_unit_test(test_new_resolution_goes_on_in_the_same_session),
        cmocka_unit_test(test_bframes_are_refused_in_plain_words),
        cmocka_unit_test(test_foreign_codec_and_broken_setup_are_refused),
        cmocka_unit_test(test_pipeline_error_ends_only_its_source),
        cmocka_unit_test(test_damaged_sound_frames_are_survived),
        cmocka_unit_test(test_takeover_is_seamless),
        cmocka_unit_test(test_who_never_delivers_never_takes_over),
        cmocka_unit_test(test_takeovers_by_turns_fifty_times),
        cmocka_unit_test(test_silent_publisher_gets_the_slate_and_returns),
        cmocka_unit_test(test_slate_after_the_publisher_left_until_the_show_is_over),
        cmocka_unit_test(test_slate_gives_keyframes),
        cmocka_unit_test(test_vp8_layers_and_opus_pass_bit_exact),
        cmocka_unit_test(test_slate_after_vp8_is_vp8_of_the_same_size),
        cmocka_unit_test(test_keyframe_wish_reaches_the_asked_layer_once),
        cmocka_unit_test(test_codec_change_and_foreign_codecs_are_refused),
        cmocka_unit_test(test_slate_keeps_shapes_within_limits),
        cmocka_unit_test(test_slate_draws_any_title),
        cmocka_unit_test(test_start_and_stop_a_hundred_times),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
