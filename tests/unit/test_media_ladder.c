/*
 * test_media_ladder.c - renditions of a publisher's only video layer: real clips in through
 * tg_source_ops, frames of all layers out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "media/ladder.h"
#include "media/media.h"
#include "plugins/plugins.h"
#include "support/lib/clip.h"
#include "support/lib/frames.h"

enum {
    SHOW = 2,
    WAIT_US = 10 * TG_US_PER_S,
    EPOCH_US = 100 * TG_US_PER_S, /* the show is so old */
    LAYERS = 3,
    PACE_US = 12000, /* between two frames: faster than life, slower than three encoders */
};

static const struct tg_rendition renditions[] = {{.lines = 240, .kbps = 400},
                                                 {.lines = 120, .kbps = 150}};
static const unsigned widths[LAYERS] = {640, 426, 214};
static const unsigned heights[LAYERS] = {360, 240, 120};

static struct tg_clip clip;       /* 150 frames of H.264 640x360, a keyframe each 15 */
static struct tg_clip clip_small; /* 30 of 160x90: smaller than any rendition */
static struct tg_clip clip_vp8;   /* 60 of VP8 640x360 */

struct rig {
    struct tg_media *media;
    struct tg_source_ops ops;
    struct tg_frames frames;
};

static void post(struct rig *rig, enum tg_media_what what, uint32_t count)
{
    struct tg_media_msg *msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));

    assert_non_null(msg);
    msg->what = what;
    msg->show = SHOW;
    msg->count = count;
    msg->epoch_us = tg_clock_mono() - EPOCH_US;
    assert_int_equal(tg_mailbox_post(tg_media_mailbox(rig->media), msg), TG_OK);
}

static void rig_init(struct rig *rig)
{
    const struct tg_media_cfg cfg = {.frame_out = tg_frames_out,
                                     .frame_ctx = &rig->frames,
                                     .stall_us = 5 * TG_US_PER_S,
                                     .renditions = renditions,
                                     .rendition_count = TG_ARRAY_LEN(renditions)};

    *rig = (struct rig){0};
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
    assert_int_equal(tg_metric_get(TG_M_media_renditions), 0);
}

static struct tg_source *open_source(struct rig *rig, enum tg_source_kind kind, uint8_t encodings)
{
    const tg_us until = tg_clock_mono() + WAIT_US;
    const struct tg_source_info info = {
        .show = SHOW, .kind = kind, .publisher = "p", .encodings = encodings};
    struct tg_source *source = NULL;
    tg_err err;

    do
        err = rig->ops.open(rig->ops.ctx, &info, &source);
    while (err == TG_ERR_NOTFOUND && tg_clock_mono() < until);
    assert_int_equal(err, TG_OK);
    return source;
}

static void push_one(struct rig *rig, struct tg_source *source, const struct tg_clip *from,
                     size_t index, tg_us shift_us)
{
    struct tg_au au = tg_clip_au(from, TG_TRACK_VIDEO, index);
    const char *reason = "";

    au.pts_us += shift_us;
    au.dts_us += shift_us;
    assert_int_equal(rig->ops.push(source, &au, &reason), TG_OK);
}

/* At a pace that everybody can keep up with. */
static void push(struct rig *rig, struct tg_source *source, const struct tg_clip *from,
                 size_t begin, size_t end, tg_us shift_us)
{
    if (begin == 0 && from->video_config != NULL)
        push_one(rig, source, from, SIZE_MAX, shift_us);
    for (size_t i = begin; i < end; i++) {
        push_one(rig, source, from, i, shift_us);
        g_usleep(PACE_US);
    }
}

static bool wait_renditions(int64_t count)
{
    const tg_us until = tg_clock_mono() + WAIT_US;

    while (tg_metric_get(TG_M_media_renditions) != count && tg_clock_mono() < until)
        g_usleep(2000);
    return tg_metric_get(TG_M_media_renditions) == count;
}

struct seen {
    size_t frames;
    size_t keys;
    size_t bytes;
    tg_us first_us;
    tg_us last_us;
};

/*
 * What came on a layer with this generation, `from` a media time on. Each frame must have its
 * layer's size, the first one be a keyframe, and times only grow.
 */
static struct seen look(struct rig *rig, unsigned layer, uint32_t generation, tg_us from_us)
{
    const size_t count = tg_frames_count(&rig->frames, TG_TRACK_VIDEO);
    struct seen s = {.last_us = -1};

    for (size_t i = 0; i < count; i++) {
        struct tg_frame *f = tg_frames_get(&rig->frames, TG_TRACK_VIDEO, i);

        if (f->layer == layer && f->generation == generation && f->media_us >= from_us) {
            assert_true(f->media_us > s.last_us);
            s.first_us = s.frames == 0 ? f->media_us : s.first_us;
            s.frames++;
            s.keys += (f->flags & TG_FRAME_KEY) != 0;
            s.bytes += f->bytes_len;
            s.last_us = f->media_us;
        }
        tg_frame_unref(f);
    }
    return s;
}

/* Until the layer has a frame of this time. */
static bool wait_layer(struct rig *rig, unsigned layer, uint32_t generation, tg_us media_us)
{
    const tg_us until = tg_clock_mono() + WAIT_US;

    while (look(rig, layer, generation, 0).last_us < media_us && tg_clock_mono() < until)
        g_usleep(1000);
    return look(rig, layer, generation, 0).last_us >= media_us;
}

/* Frames one by one, never more ahead of the renditions than their queues hold. */
static void push_kept(struct rig *rig, struct tg_source *source, const struct tg_clip *from,
                      size_t begin)
{
    enum { AHEAD = 3, BEGUN = 15 }; /* renditions begin at the clip's second keyframe */

    for (size_t i = begin; i < from->video_count; i++) {
        push_one(rig, source, from, i, 0);
        for (unsigned l = 0; l < LAYERS && i >= BEGUN + AHEAD; l++)
            assert_true(wait_layer(rig, l, 1, from->video[i - AHEAD].pts_us));
    }
}

static void check_sizes_and_first_keys(struct rig *rig, enum tg_codec codec)
{
    const size_t count = tg_frames_count(&rig->frames, TG_TRACK_VIDEO);
    bool begun[LAYERS] = {false};

    for (size_t i = 0; i < count; i++) {
        struct tg_frame *f = tg_frames_get(&rig->frames, TG_TRACK_VIDEO, i);

        assert_true(f->layer < LAYERS);
        assert_int_equal(f->codec, codec);
        assert_int_equal(f->width, widths[f->layer]);
        assert_int_equal(f->height, heights[f->layer]);
        assert_true(begun[f->layer] || (f->flags & TG_FRAME_KEY) != 0);
        begun[f->layer] = true;
        tg_frame_unref(f);
    }
    for (unsigned l = 0; l < LAYERS; l++)
        assert_true(begun[l]);
}

/* Every picture of the layer is one of the clip's, with its very time, and none is left out. */
static void check_times(struct rig *rig, unsigned layer, const struct tg_clip *of, tg_us shift_us)
{
    const struct seen s = look(rig, layer, 1, 0);
    size_t at = 0;
    size_t same = 0;

    while (of->video[at].pts_us + shift_us < s.first_us)
        at++;
    for (size_t i = 0; i < tg_frames_count(&rig->frames, TG_TRACK_VIDEO); i++) {
        struct tg_frame *f = tg_frames_get(&rig->frames, TG_TRACK_VIDEO, i);

        if (f->layer == layer) {
            assert_int_equal(f->media_us, of->video[at].pts_us + shift_us);
            assert_int_equal(f->rtp_ts, tg_media_to_rtp(f->media_us, TG_TRACK_VIDEO));
            at++;
            same++;
        }
        tg_frame_unref(f);
    }
    assert_int_equal(same, s.frames);
}

static void test_ladder_makes_layers_of_the_source_times_and_asked_rates(void **state)
{
    const tg_us end_us = clip.video[clip.video_count - 1].pts_us;
    const int64_t dropped = tg_metric_get(TG_M_media_rendition_dropped_total);
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig, TG_SOURCE_RTMP, 0);
    push(&rig, source, &clip, 0, 3, 0);
    assert_true(wait_renditions(2));
    push_kept(&rig, source, &clip, 3);
    for (unsigned l = 0; l < LAYERS; l++)
        assert_true(wait_layer(&rig, l, 1, end_us));
    check_sizes_and_first_keys(&rig, TG_CODEC_H264);
    for (unsigned l = 0; l < LAYERS; l++)
        check_times(&rig, l, &clip, 0);
    assert_int_equal(look(&rig, 0, 1, 0).frames, clip.video_count);
    for (unsigned l = 1; l < LAYERS; l++) {
        const struct seen s = look(&rig, l, 1, 0);
        const uint64_t kbps = s.bytes * 8 * 1000 / (uint64_t)(s.last_us - s.first_us);

        assert_int_equal(s.first_us, clip.video[15].pts_us); /* the next keyframe */
        assert_true(s.last_us - s.first_us > 4 * TG_US_PER_S);
        assert_in_range(kbps, renditions[l - 1].kbps * 65 / 100,
                        renditions[l - 1].kbps * 135 / 100);
    }
    assert_int_equal(tg_metric_get(TG_M_media_rendition_dropped_total), dropped);
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_keyframe_wish_reaches_one_rendition(void **state)
{
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig, TG_SOURCE_RTMP, 0);
    push(&rig, source, &clip, 0, 3, 0);
    assert_true(wait_renditions(2));
    push(&rig, source, &clip, 3, 30, 0);
    assert_true(wait_layer(&rig, 2, 1, clip.video[29].pts_us));
    post(&rig, TG_MEDIA_KEYFRAME, 2);
    g_usleep(20000);
    push(&rig, source, &clip, 30, 50, 0);
    assert_true(wait_layer(&rig, 1, 1, clip.video[49].pts_us));
    assert_true(wait_layer(&rig, 2, 1, clip.video[49].pts_us));
    assert_int_equal(look(&rig, 1, 1, 0).keys, 1); /* its first */
    assert_int_equal(look(&rig, 2, 1, 0).keys, 2);
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_ladder_runs_while_somebody_watches(void **state)
{
    const tg_us later = 5 * TG_US_PER_S;
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    source = open_source(&rig, TG_SOURCE_RTMP, 0);
    push(&rig, source, &clip, 0, 20, 0);
    assert_true(wait_layer(&rig, 0, 1, clip.video[19].pts_us));
    assert_int_equal(tg_metric_get(TG_M_media_renditions), 0);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    assert_true(wait_renditions(2));
    push(&rig, source, &clip, 20, 40, 0);
    assert_true(wait_layer(&rig, 2, 1, clip.video[39].pts_us));
    post(&rig, TG_MEDIA_WATCHERS, 0);
    assert_true(wait_renditions(0));
    push(&rig, source, &clip, 40, 60, 0);
    assert_true(wait_layer(&rig, 0, 1, clip.video[59].pts_us));
    assert_int_equal(look(&rig, 2, 1, clip.video[40].pts_us).frames, 0);
    post(&rig, TG_MEDIA_WATCHERS, 2);
    assert_true(wait_renditions(2));
    push(&rig, source, &clip, 0, 20, later);
    assert_true(wait_layer(&rig, 2, 1, later + clip.video[19].pts_us));
    assert_int_equal(look(&rig, 2, 1, later).keys, 1);
    assert_int_equal(look(&rig, 2, 1, later).first_us, later); /* its keyframe */
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_takeover_ends_the_layers(void **state)
{
    const tg_us shift = 10 * TG_US_PER_S;
    struct rig rig;
    struct tg_source *first;
    struct tg_source *second;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    first = open_source(&rig, TG_SOURCE_RTMP, 0);
    push(&rig, first, &clip, 0, 3, 0);
    assert_true(wait_renditions(2));
    push(&rig, first, &clip, 3, 30, 0);
    assert_true(wait_layer(&rig, 1, 1, clip.video[20].pts_us));
    second = open_source(&rig, TG_SOURCE_WHIP, 1);
    push(&rig, second, &clip_small, 0, 30, shift);
    assert_true(wait_layer(&rig, 0, 2, shift + clip_small.video[29].pts_us));
    assert_true(wait_renditions(0));
    assert_int_equal(look(&rig, 1, 2, 0).frames, 0); /* nothing is smaller than 160x90 */
    assert_int_equal(look(&rig, 2, 2, 0).frames, 0);
    push(&rig, second, &clip, 0, 3, shift + 2 * TG_US_PER_S); /* it grows, and has renditions */
    assert_true(wait_renditions(2));
    push(&rig, second, &clip, 3, 30, shift + 2 * TG_US_PER_S);
    assert_true(wait_layer(&rig, 2, 2, shift + 2 * TG_US_PER_S + clip.video[29].pts_us));
    rig.ops.close(first);
    rig.ops.close(second);
    rig_done(&rig);
}

static void test_simulcast_gets_no_renditions(void **state)
{
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig, TG_SOURCE_WHIP, 3);
    push(&rig, source, &clip_vp8, 0, 30, 0);
    assert_true(wait_layer(&rig, 0, 1, clip_vp8.video[29].pts_us));
    g_usleep(300000); /* of ticks */
    assert_int_equal(tg_metric_get(TG_M_media_renditions), 0);
    rig.ops.close(source);
    rig_done(&rig);
}

/* A VP8 source has VP8 renditions, and is asked for the keyframe that they begin with. */
static void test_vp8_ladder_is_vp8_and_asks_for_a_keyframe(void **state)
{
    const tg_us end_us = clip_vp8.video[clip_vp8.video_count - 1].pts_us;
    const char *reason = "";
    uint32_t wish = 0;
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig, TG_SOURCE_WHIP, 1);
    push(&rig, source, &clip_vp8, 0, 3, 0);
    assert_true(wait_renditions(2));
    g_usleep(20000);
    assert_int_equal(rig.ops.poll(source, &wish, &reason), TG_OK);
    assert_int_equal(wish, 1);
    push_kept(&rig, source, &clip_vp8, 3);
    for (unsigned l = 0; l < LAYERS; l++)
        assert_true(wait_layer(&rig, l, 1, end_us));
    check_sizes_and_first_keys(&rig, TG_CODEC_VP8);
    for (unsigned l = 0; l < LAYERS; l++)
        check_times(&rig, l, &clip_vp8, 0);
    rig.ops.close(source);
    rig_done(&rig);
}

/* Four seconds at once: renditions lose pictures and say so, layer 0 loses nothing. */
static void test_flood_drops_renditions_and_never_layer_0(void **state)
{
    const size_t burst = 120; /* what layer 0's own queue holds */
    const int64_t before = tg_metric_get(TG_M_media_rendition_dropped_total);
    tg_us shift = 5 * TG_US_PER_S;
    size_t rounds = 0;
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig, TG_SOURCE_RTMP, 0);
    push(&rig, source, &clip, 0, 3, 0);
    assert_true(wait_renditions(2));
    do { /* encoders may be fast */
        for (size_t i = 0; i < burst; i++)
            push_one(&rig, source, &clip, i, shift);
        assert_true(wait_layer(&rig, 0, 1, shift + clip.video[burst - 1].pts_us));
        rounds++;
        shift += 5 * TG_US_PER_S;
    } while (tg_metric_get(TG_M_media_rendition_dropped_total) == before && rounds < 15);
    assert_true(tg_metric_get(TG_M_media_rendition_dropped_total) > before);
    assert_int_equal(look(&rig, 0, 1, 0).frames, 3 + rounds * burst);
    push(&rig, source, &clip, 0, 20, shift); /* and they go on */
    assert_true(wait_layer(&rig, 1, 1, shift + clip.video[19].pts_us));
    rig.ops.close(source);
    rig_done(&rig);
}

/* The frame with its slice data turned to rubbish; what says what it is stays. */
static void push_damaged(struct rig *rig, struct tg_source *source, size_t index, tg_us shift_us)
{
    struct tg_au au = tg_clip_au(&clip, TG_TRACK_VIDEO, index);
    struct tg_slab *bad = tg_slab_copy(au.data->data, au.data->len);
    const char *reason = "";

    assert_non_null(bad);
    for (size_t i = 40; i < bad->len; i++)
        bad->data[i] = (uint8_t)(bad->data[i] ^ (i * 37 + index)) | 1; /* no start codes */
    tg_slab_unref(au.data);
    au.data = bad;
    au.pts_us += shift_us;
    au.dts_us += shift_us;
    assert_int_equal(rig->ops.push(source, &au, &reason), TG_OK);
}

static void test_damaged_pictures_do_not_end_the_ladder(void **state)
{
    const int64_t errors = tg_metric_get(TG_M_media_pipeline_errors_total);
    const tg_us later = 5 * TG_US_PER_S;
    struct rig rig;
    struct tg_source *source;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    source = open_source(&rig, TG_SOURCE_RTMP, 0);
    push(&rig, source, &clip, 0, 3, 0);
    assert_true(wait_renditions(2));
    push(&rig, source, &clip, 3, 20, 0);
    for (size_t i = 20; i < 90; i++) {
        push_damaged(&rig, source, i, 0);
        g_usleep(PACE_US);
    }
    assert_true(wait_layer(&rig, 0, 1, clip.video[89].pts_us)); /* not ours to judge */
    push(&rig, source, &clip, 0, 40, later);
    assert_true(wait_layer(&rig, 1, 1, later + clip.video[39].pts_us));
    assert_true(wait_layer(&rig, 2, 1, later + clip.video[39].pts_us));
    assert_int_equal(tg_metric_get(TG_M_media_pipeline_errors_total), errors);
    rig.ops.close(source);
    rig_done(&rig);
}

static void test_ladder_sizes_keep_the_shape(void **state)
{
    static const struct {
        unsigned w, h, lines, out_w, out_h;
    } cases[] = {
        {1280, 720, 480, 854, 480},  {1280, 720, 240, 426, 240},     {720, 1280, 480, 480, 854},
        {1080, 1080, 480, 480, 480}, {8192, 8192, 1080, 1080, 1080}, {641, 361, 121, 214, 122},
    };
    unsigned w;
    unsigned h;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(cases); i++) {
        assert_true(tg_ladder_size(cases[i].w, cases[i].h, cases[i].lines, &w, &h));
        assert_int_equal(w, cases[i].out_w);
        assert_int_equal(h, cases[i].out_h);
    }
    assert_false(tg_ladder_size(1280, 720, 720, &w, &h));
    assert_false(tg_ladder_size(360, 640, 480, &w, &h));
    assert_false(tg_ladder_size(0, 0, 480, &w, &h));
}

static int setup(void **state)
{
    const struct tg_clip_cfg large = {
        .width = 640, .height = 360, .frames = 150, .pattern = "smpte"};
    const struct tg_clip_cfg small = {.width = 160, .height = 90, .frames = 30};
    const struct tg_clip_cfg vp8 = {.width = 640, .height = 360, .frames = 60, .vp8 = true};

    (void)state;
    assert_int_equal(tg_media_init(NULL), TG_OK);
    assert_int_equal(tg_plugins_register(), TG_OK);
    tg_clip_make(&clip, &large);
    tg_clip_make(&clip_small, &small);
    tg_clip_make(&clip_vp8, &vp8);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_clip_done(&clip);
    tg_clip_done(&clip_small);
    tg_clip_done(&clip_vp8);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder_sizes_keep_the_shape),
        cmocka_unit_test(test_ladder_makes_layers_of_the_source_times_and_asked_rates),
        cmocka_unit_test(test_keyframe_wish_reaches_one_rendition),
        cmocka_unit_test(test_ladder_runs_while_somebody_watches),
        cmocka_unit_test(test_takeover_ends_the_layers),
        cmocka_unit_test(test_simulcast_gets_no_renditions),
        cmocka_unit_test(test_vp8_ladder_is_vp8_and_asks_for_a_keyframe),
        cmocka_unit_test(test_damaged_pictures_do_not_end_the_ladder),
        cmocka_unit_test(test_flood_drops_renditions_and_never_layer_0),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
