#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "media/demo_scene.h"
#include "media/demo_sound.h"
#include "media/media.h"
#include "plugins/plugins.h"
#include "proto/h264.h"
#include "support/lib/clip.h"
#include "support/lib/frames.h"

enum { SHOW = 0, WAIT_US = 10 * TG_US_PER_S };

static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 80 80' width='80' "
                          "height='80'><rect width='80' height='80' fill='#0a0'/></svg>";
static const struct tg_demo_product products[] = {
    {.title = "Green square", .price_text = "99 kr", .svg = svg, .svg_len = sizeof(svg) - 1},
    {.title = "A product with quite a long name that has to be made smaller to fit into the bar",
     .price_text = "12 345 678 kr"},
    {.title = "Broken", .price_text = "1 kr", .svg = "<svg", .svg_len = 4},
};

static int setup(void **state)
{
    (void)state;
    assert_int_equal(tg_media_init(NULL), TG_OK);
    assert_int_equal(tg_plugins_register(), TG_OK);
    return 0;
}

/* --- the picture and the sound --------------------------------------------------------------- */

/* Mean and spread of the luma in a rectangle. */
static double spread(const uint8_t *canvas, int x0, int y0, int w, int h, double *ret_mean)
{
    double sum = 0;
    double squares = 0;
    const double n = (double)w * h;

    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++) {
            double v = canvas[y * TG_CANVAS_W + x];

            sum += v;
            squares += v * v;
        }
    *ret_mean = sum / n;
    return sqrt(fmax(0, squares / n - sum * sum / n / n));
}

static void test_scene_is_a_picture_that_moves(void **state)
{
    struct tg_demo_scene *scene = tg_demo_scene_new(products, TG_ARRAY_LEN(products));
    uint8_t *now = g_malloc(TG_CANVAS_BYTES);
    uint8_t *later = g_malloc(TG_CANVAS_BYTES);
    size_t different = 0;
    size_t outside = 0;
    double mean;

    (void)state;
    assert_false(tg_demo_scene_ready(scene));
    while (tg_demo_scene_step(scene))
        continue;
    assert_true(tg_demo_scene_ready(scene));
    for (tg_us at = 0; at < 30 * TG_US_PER_S; at += 2470000) {
        tg_demo_scene_paint(scene, now, at);
        tg_demo_scene_paint(scene, later, at + 1000000);
        assert_true(spread(now, 0, 0, TG_CANVAS_W, TG_CANVAS_H, &mean) > 20);
        assert_true(mean > 60 && mean < 235);
        different = 0;
        for (size_t i = 0; i < TG_CANVAS_BYTES; i++)
            different += (size_t)(abs(now[i] - later[i]) > 8);
        assert_true(different > 2000);
        for (size_t i = 0; i < TG_CANVAS_W * TG_CANVAS_H; i++)
            outside += now[i] < 14 || now[i] > 238; /* limited range, a step of rounding */
    }
    assert_int_equal(outside, 0);
    g_free(now);
    g_free(later);
    tg_demo_scene_free(scene);
}

/* The middle of the card is the product's drawing: this one is pure green. */
static void test_scene_shows_the_products_drawing(void **state)
{
    struct tg_demo_scene *scene = tg_demo_scene_new(products, 1);
    uint8_t *canvas = g_malloc(TG_CANVAS_BYTES);
    double mean;

    (void)state;
    while (tg_demo_scene_step(scene))
        continue;
    tg_demo_scene_paint(scene, canvas, 3 * TG_US_PER_S);
    assert_true(spread(canvas, 850, 300, 100, 60, &mean) < 1.5);
    assert_true(fabs(mean - (16 + 0.6142 * 0xaa)) < 2.5); /* BT.709 luma of #00aa00 */
    g_free(canvas);
    tg_demo_scene_free(scene);
}

static void test_scene_without_products_still_paints(void **state)
{
    struct tg_demo_scene *scene = tg_demo_scene_new(NULL, 0);
    uint8_t *canvas = g_malloc(TG_CANVAS_BYTES);

    (void)state;
    while (tg_demo_scene_step(scene))
        continue;
    tg_demo_scene_paint(scene, canvas, (tg_us)359999 * TG_US_PER_S);
    g_free(canvas);
    tg_demo_scene_free(scene);
}

/* Off every edge and by every fraction: ASan watches the bounds. */
static void test_paint_is_cut_at_every_edge(void **state)
{
    uint32_t argb[34 * 30];
    uint8_t *canvas = g_malloc0(TG_CANVAS_BYTES);
    struct tg_sprite *sprite;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(argb); i++)
        argb[i] = 0xffffffff;
    sprite = tg_sprite_new((const uint8_t *)argb, 34 * 4, 34, 30);
    for (int x = -40 * 256; x < 1300 * 256; x += 5 * 256 + 37)
        for (int y = -40 * 256; y < 740 * 256; y += 97 * 256 + 11)
            tg_paint(canvas, sprite, x, y, (x & 0xff) + 1);
    memset(canvas, 16, TG_CANVAS_BYTES);
    tg_paint(canvas, sprite, 100 * 256, 100 * 256, TG_PAINT_OPAQUE);
    assert_int_equal(canvas[100 * TG_CANVAS_W + 100], 235);
    assert_int_equal(canvas[100 * TG_CANVAS_W + 99], 16);
    assert_int_equal(canvas[129 * TG_CANVAS_W + 133], 235);
    assert_int_equal(canvas[129 * TG_CANVAS_W + 134], 16);
    assert_int_equal(canvas[TG_CANVAS_W * TG_CANVAS_H + 50 * TG_CANVAS_W / 2 + 50], 128);
    tg_sprite_free(sprite);
    g_free(canvas);
}

static void test_sound_is_soft_and_the_same_in_any_cut(void **state)
{
    enum { FRAMES = TG_SOUND_RATE * 4 };
    int16_t *whole = g_new(int16_t, FRAMES * 2);
    int16_t *part = g_new(int16_t, 960 * 2);
    double squares = 0;
    int peak = 0;

    (void)state;
    tg_demo_sound(whole, FRAMES, 0);
    for (size_t i = 0; i < FRAMES * 2; i++) {
        squares += (double)whole[i] * whole[i];
        peak = MAX(peak, abs(whole[i]));
    }
    tg_demo_sound(part, 960, 960 * 37);
    assert_memory_equal(part, whole + 960 * 37 * 2, 960 * 2 * sizeof(int16_t));
    assert_true(peak > 1000 && peak < 12000);
    assert_true(sqrt(squares / (FRAMES * 2)) > 200);
    g_free(whole);
    g_free(part);
}

/* --- the host -------------------------------------------------------------------------------- */

struct rig {
    struct tg_media *media;
    struct tg_source_ops ops;
    struct tg_frames frames;
    atomic_uint generation;
    atomic_bool on;
};

static void on_source(void *ctx, const struct tg_air *air)
{
    const uint16_t show = air->show;
    const bool on = air->state == TG_AIR_ON;
    const uint32_t generation = air->generation;
    const char *notice = air->notice;

    struct rig *rig = ctx;

    assert_int_equal(show, SHOW);
    assert_string_equal(notice, "");
    atomic_store(&rig->on, on);
    atomic_store(&rig->generation, generation);
}

static void post(struct rig *rig, enum tg_media_what what, uint32_t count)
{
    struct tg_media_msg *msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));

    assert_non_null(msg);
    msg->what = what;
    msg->show = SHOW;
    msg->count = count;
    msg->demo = true;
    msg->epoch_us = tg_clock_mono() - 5 * TG_US_PER_S;
    assert_int_equal(tg_mailbox_post(tg_media_mailbox(rig->media), msg), TG_OK);
}

static void rig_init(struct rig *rig)
{
    const struct tg_media_cfg cfg = {.frame_out = tg_frames_out,
                                     .frame_ctx = &rig->frames,
                                     .on_source = on_source,
                                     .source_ctx = rig,
                                     .products = products,
                                     .product_count = TG_ARRAY_LEN(products),
                                     .demo_sleep_us = 200 * TG_US_PER_MS};

    memset(rig, 0, sizeof(*rig));
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
}

static bool is_key(struct rig *rig, size_t index)
{
    struct tg_frame *f = tg_frames_get(&rig->frames, TG_TRACK_VIDEO, index);
    bool key = (f->flags & TG_FRAME_KEY) != 0;

    tg_frame_unref(f);
    return key;
}

/* Waits until nothing has come for 300 ms: the host sleeps. */
static bool wait_silence(struct rig *rig)
{
    const tg_us until = tg_clock_mono() + WAIT_US;
    size_t before;

    do {
        before = tg_frames_count(&rig->frames, TG_TRACK_VIDEO);
        if (!tg_frames_wait(&rig->frames, TG_TRACK_VIDEO, before + 1, 300 * TG_US_PER_MS))
            return true;
    } while (tg_clock_mono() < until);
    return false;
}

static void check_first_frames(struct rig *rig)
{
    struct tg_frame *video = tg_frames_get(&rig->frames, TG_TRACK_VIDEO, 0);
    struct tg_frame *audio = tg_frames_get(&rig->frames, TG_TRACK_AUDIO, 0);
    struct tg_frame *audio_2 = tg_frames_get(&rig->frames, TG_TRACK_AUDIO, 1);
    unsigned types[8];

    assert_true(tg_frame_nal_types(video, types, 8) >= 3);
    assert_int_equal(types[0], TG_H264_SPS);
    assert_int_equal(types[1], TG_H264_PPS);
    assert_int_equal(types[2], TG_H264_IDR);
    assert_int_equal(video->media_us % 40000, 0);
    /* The show began 5 s before. */
    assert_true(video->media_us > 4900000 && video->media_us < 15000000);
    assert_true(llabs(video->media_us - audio->media_us) < 200000);
    assert_int_equal(audio_2->media_us - audio->media_us, 20000);
    tg_frame_unref(video);
    tg_frame_unref(audio);
    tg_frame_unref(audio_2);
}

/* The media thread has the show, and its host is on air. */
static bool wait_on(struct rig *rig)
{
    const tg_us until = tg_clock_mono() + WAIT_US;

    while (!atomic_load(&rig->on) && tg_clock_mono() < until)
        g_usleep(1000);
    return atomic_load(&rig->on);
}

static void test_host_wakes_for_watchers_and_sleeps_without(void **state)
{
    struct rig rig;
    uint32_t generation;

    (void)state;
    rig_init(&rig);
    assert_true(wait_on(&rig));
    assert_false(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 1, 400 * TG_US_PER_MS));
    post(&rig, TG_MEDIA_WATCHERS, 1);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 5, WAIT_US));
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, 5, WAIT_US));
    check_first_frames(&rig);
    generation = atomic_load(&rig.generation);
    post(&rig, TG_MEDIA_WATCHERS, 0);
    post(&rig, TG_MEDIA_WATCHERS, 2); /* a reload within the grace: no sleep */
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 20, WAIT_US));
    assert_int_equal(atomic_load(&rig.generation), generation);
    post(&rig, TG_MEDIA_WATCHERS, 0);
    assert_true(wait_silence(&rig));
    tg_frames_clear(&rig.frames);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 1, WAIT_US));
    assert_true(is_key(&rig, 0));
    assert_int_equal(atomic_load(&rig.generation), generation + 1);
    rig_done(&rig);
}

/* Opus frames decoded as a browser does, without any pre-skip: stereo samples, `count` of them. */
static void decode(struct rig *rig, size_t packets, int16_t *out, size_t count)
{
    GstElement *pipeline = gst_parse_launch(
        "appsrc name=in format=time caps=audio/x-opus,channel-mapping-family=0,channels=2,"
        "rate=48000 ! opusdec ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! "
        "appsink name=out sync=false",
        NULL);
    g_autoptr(GstElement) in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    GstSample *sample;
    size_t at = 0;

    (void)gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (size_t i = 0; i < packets; i++) {
        struct tg_frame *f = tg_frames_get(&rig->frames, TG_TRACK_AUDIO, i);
        GstBuffer *buffer = gst_buffer_new_memdup(tg_frame_payload(f, 0).data, f->bytes_len);

        GST_BUFFER_PTS(buffer) = i * 20 * GST_MSECOND;
        assert_int_equal(gst_app_src_push_buffer(GST_APP_SRC(in), buffer), GST_FLOW_OK);
        tg_frame_unref(f);
    }
    (void)gst_app_src_end_of_stream(GST_APP_SRC(in));
    while ((sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) != NULL) {
        at += gst_buffer_extract(gst_sample_get_buffer(sample), 0, (uint8_t *)out + at,
                                 count * 4 - at);
        gst_sample_unref(sample);
    }
    assert_int_equal(at, count * 4);
    (void)gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

/* What a browser plays at an RTP time is the sound of that media time, to the sample or nearly. */
static void test_sound_is_heard_at_its_media_time(void **state)
{
    enum { PACKETS = 30, COUNT = PACKETS * 960, REACH = 600, SKIP = 4800 };
    int16_t *heard = g_new0(int16_t, COUNT * 2);
    int16_t *meant = g_new0(int16_t, COUNT * 2);
    struct tg_frame *first;
    double best = -1;
    int lag = -REACH - 1;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_AUDIO, PACKETS, WAIT_US));
    first = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, 0);
    decode(&rig, PACKETS, heard, COUNT);
    tg_demo_sound(meant, COUNT, first->media_us * 48 / 1000);
    for (int shift = -REACH; shift <= REACH; shift++) {
        double sum = 0;

        for (int i = SKIP; i < COUNT - SKIP; i++)
            sum += (double)heard[2 * (i + shift)] * meant[2 * i];
        if (sum > best) {
            best = sum;
            lag = shift;
        }
    }
    tg_frame_unref(first);
    rig_done(&rig);
    g_free(heard);
    g_free(meant);
    assert_in_range(lag + 10, 0, 20); /* 0.2 ms */
}

static void test_host_gives_keyframes_but_not_in_a_storm(void **state)
{
    struct rig rig;
    unsigned keys = 0;
    size_t count;
    tg_us begin;

    (void)state;
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 3, WAIT_US));
    begin = tg_clock_mono();
    for (size_t i = 4; i <= 34; i++) { /* a wish with each of 30 frames: 1.2 s */
        post(&rig, TG_MEDIA_KEYFRAME, 0);
        assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, i, WAIT_US));
    }
    count = tg_frames_count(&rig.frames, TG_TRACK_VIDEO);
    for (size_t i = 3; i < count; i++)
        keys += is_key(&rig, i);
    /* One at once, one each 500 ms, and the regular one. */
    assert_in_range(keys, 2, (tg_clock_mono() - begin) / 500000 + 2);
    rig_done(&rig);
}

static void test_publisher_takes_the_demo_show_and_gives_it_back(void **state)
{
    const struct tg_clip_cfg cfg = {.width = 320, .height = 180, .frames = 10};
    struct tg_source *source = NULL;
    const char *reason = NULL;
    struct tg_clip clip;
    struct tg_frame *last;
    struct rig rig;
    uint32_t mine;
    size_t count;
    struct tg_au au;

    (void)state;
    tg_clip_make(&clip, &cfg);
    rig_init(&rig);
    post(&rig, TG_MEDIA_WATCHERS, 1);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, 3, WAIT_US));
    assert_int_equal(rig.ops.open(rig.ops.ctx, &(struct tg_source_info){.show = SHOW}, &source),
                     TG_OK);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO,
                               tg_frames_count(&rig.frames, TG_TRACK_VIDEO) + 10,
                               WAIT_US)); /* the host goes on until there is a picture */
    au = tg_clip_au(&clip, TG_TRACK_VIDEO, SIZE_MAX);
    assert_int_equal(rig.ops.push(source, &au, &reason), TG_OK);
    au = tg_clip_au(&clip, TG_TRACK_VIDEO, 0);
    assert_int_equal(rig.ops.push(source, &au, &reason), TG_OK);
    assert_true(wait_silence(&rig)); /* the host is gone though somebody watches */
    mine = atomic_load(&rig.generation);
    count = tg_frames_count(&rig.frames, TG_TRACK_VIDEO);
    last = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, count - 1);
    assert_int_equal(last->generation, mine);
    tg_frame_unref(last);
    rig.ops.close(source);
    assert_true(tg_frames_wait(&rig.frames, TG_TRACK_VIDEO, count + 4, WAIT_US));
    assert_true(is_key(&rig, count));
    assert_int_equal(atomic_load(&rig.generation), mine + 1);
    assert_true(atomic_load(&rig.on));
    rig_done(&rig);
    tg_clip_done(&clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scene_is_a_picture_that_moves),
        cmocka_unit_test(test_scene_shows_the_products_drawing),
        cmocka_unit_test(test_scene_without_products_still_paints),
        cmocka_unit_test(test_paint_is_cut_at_every_edge),
        cmocka_unit_test(test_sound_is_soft_and_the_same_in_any_cut),
        cmocka_unit_test(test_host_wakes_for_watchers_and_sleeps_without),
        cmocka_unit_test(test_sound_is_heard_at_its_media_time),
        cmocka_unit_test(test_host_gives_keyframes_but_not_in_a_storm),
        cmocka_unit_test(test_publisher_takes_the_demo_show_and_gives_it_back),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
