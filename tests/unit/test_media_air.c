#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "media/air.h"
#include "support/lib/frames.h"

enum { SHOW = 5 };

struct rig {
    struct tg_air_switch *air;
    struct tg_feeder *a;
    struct tg_feeder *b;
    atomic_uint wishes_a;
    atomic_uint wishes_b;
    struct tg_frames frames;
    unsigned changes;
};

static void on_change(void *ctx)
{
    ((struct rig *)ctx)->changes++;
}

static void rig_init_audio(struct rig *rig, tg_us audio_only_us)
{
    const struct tg_air_cfg cfg = {.frame_out = tg_frames_out,
                                   .frame_ctx = &rig->frames,
                                   .show = SHOW,
                                   .audio_only_us = audio_only_us,
                                   .on_change = on_change,
                                   .ctx = rig};

    memset(rig, 0, sizeof(*rig));
    tg_frames_init(&rig->frames);
    rig->air = tg_air_switch_new(&cfg);
    rig->a = tg_feeder_new(rig->air, &rig->wishes_a);
    rig->b = tg_feeder_new(rig->air, &rig->wishes_b);
}

static void rig_init(struct rig *rig)
{
    rig_init_audio(rig, 3 * TG_US_PER_S);
}

static void rig_done(struct rig *rig)
{
    tg_feeder_free(rig->a);
    tg_feeder_free(rig->b);
    tg_air_switch_free(rig->air);
    tg_frames_done(&rig->frames);
}

/* As a torgfanoutsink hands it on. */
static void feed(struct tg_feeder *feeder, enum tg_track track, uint8_t layer, tg_us media_us,
                 bool key)
{
    const struct tg_fanout_out out = tg_feeder_out(feeder, layer);
    struct tg_frame *f = tg_frame_new(1, 2);

    assert_non_null(f);
    memcpy(f->bytes, "\xfc\x00", 2); /* Opus: one frame of 20 ms */
    f->packets[0] = (struct tg_frame_packet){.len = 2, .marker = track == TG_TRACK_VIDEO};
    f->packet_count = 1;
    f->bytes_len = 2;
    f->track = (uint8_t)track;
    f->layer = out.layer;
    f->show = out.show;
    f->media_us = media_us;
    f->flags = key ? TG_FRAME_KEY : 0;
    out.fn(out.ctx, f);
}

static void video(struct tg_feeder *feeder, tg_us media_us, bool key)
{
    feed(feeder, TG_TRACK_VIDEO, 0, media_us, key);
}

static void audio(struct tg_feeder *feeder, tg_us media_us)
{
    feed(feeder, TG_TRACK_AUDIO, 0, media_us, true);
}

static void check_last(struct rig *rig, enum tg_track track, size_t count, uint32_t generation,
                       tg_us media_us)
{
    struct tg_frame *f;

    assert_int_equal(tg_frames_count(&rig->frames, track), count);
    f = tg_frames_get(&rig->frames, track, count - 1);
    assert_int_equal(f->generation, generation);
    assert_int_equal(f->media_us, media_us);
    assert_int_equal(f->rtp_ts, tg_media_to_rtp(media_us, track));
    assert_int_equal(f->show, SHOW);
    tg_frame_unref(f);
}

static unsigned count_video(struct rig *rig)
{
    return (unsigned)tg_frames_count(&rig->frames, TG_TRACK_VIDEO);
}

/* --- who is on air -----------------------------------------------------------------------------
 */

static void test_armed_feeder_takes_the_air_at_its_keyframe(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    tg_feeder_arm(rig.b);
    video(rig.a, 1040000, false);
    video(rig.b, 1050000, false);
    feed(rig.b, TG_TRACK_VIDEO, 1, 1050000, true); /* another layer's */
    audio(rig.b, 1050000);
    check_last(&rig, TG_TRACK_VIDEO, 2, 1, 1040000);
    assert_int_equal(rig.changes, 0);
    video(rig.b, 1080000, true);
    check_last(&rig, TG_TRACK_VIDEO, 3, 2, 1080000);
    assert_int_equal(rig.changes, 1);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.b);
    video(rig.a, 1090000, true); /* it lost the air for good */
    assert_int_equal(count_video(&rig), 3);
    rig_done(&rig);
}

/* It comes back on a thin line: its best layer is silent, and another one will do. */
static void test_feeder_without_its_best_layer_takes_the_air_later(void **state)
{
    struct rig rig;
    tg_us begin;
    tg_us now;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    tg_feeder_arm(rig.b);
    begin = tg_clock_mono();
    do {
        feed(rig.b, TG_TRACK_VIDEO, 2, 1050000, true);
        now = tg_clock_mono();
    } while (tg_air_now(rig.air).current == rig.a && now - begin < 5 * TG_US_PER_S);
    assert_in_range(now - begin, 1400 * TG_US_PER_MS, 2500 * TG_US_PER_MS);
    check_last(&rig, TG_TRACK_VIDEO, 2, 2, 1050000);
    assert_int_equal(atomic_load(&rig.wishes_b), 1); /* until then the best was wished for */
    video(rig.b, 1060000, false);
    assert_int_equal(count_video(&rig), 2);
    video(rig.b, 1080000, true); /* the best one begins: no change of who is on air */
    check_last(&rig, TG_TRACK_VIDEO, 3, 2, 1080000);
    rig_done(&rig);
}

static void test_lower_layer_waits_while_a_better_one_flows(void **state)
{
    struct rig rig;
    tg_us begin;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    tg_feeder_arm(rig.b);
    begin = tg_clock_mono();
    do { /* layer 0 has no keyframe yet: it is asked for one */
        video(rig.b, 1040000, false);
        feed(rig.b, TG_TRACK_VIDEO, 1, 1050000, true);
    } while (tg_clock_mono() - begin < 1700 * TG_US_PER_MS);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.a);
    rig_done(&rig);
}

static void test_without_anybody_on_air_the_first_frame_takes_it(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    video(rig.a, 900000, true); /* not armed */
    tg_feeder_arm(rig.a);
    audio(rig.a, 1000000);
    check_last(&rig, TG_TRACK_AUDIO, 1, 1, 1000000);
    video(rig.a, 1000000, false); /* nothing to decode it with */
    assert_int_equal(count_video(&rig), 0);
    video(rig.a, 1040000, true);
    check_last(&rig, TG_TRACK_VIDEO, 1, 1, 1040000);
    rig_done(&rig);
}

static void test_sound_alone_takes_the_air_later(void **state)
{
    struct rig rig;

    (void)state;
    rig_init_audio(&rig, 500 * TG_US_PER_MS);
    tg_feeder_take(rig.a);
    tg_feeder_arm(rig.b);
    audio(rig.b, 1000000);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.a);
    while (tg_air_now(rig.air).current == rig.a)
        audio(rig.b, 1020000);
    assert_int_equal(tg_air_now(rig.air).generation, 2);
    rig_done(&rig);
    rig_init_audio(&rig, 0);
    tg_feeder_take(rig.a);
    tg_feeder_arm(rig.b);
    video(rig.b, 1000000, false); /* it has a camera: its keyframe is waited for */
    audio(rig.b, 1000000);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.a);
    rig_done(&rig);
}

static void test_rescue_waits_for_a_stall_and_gives_the_air_back(void **state)
{
    struct rig rig;
    tg_us now;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    now = tg_clock_mono();
    assert_false(tg_air_check_stall(rig.air, rig.a, now, TG_US_PER_S));
    tg_feeder_rescue(rig.b);
    video(rig.b, 1100000, true); /* no stall: not wanted */
    assert_ptr_equal(tg_air_now(rig.air).current, rig.a);
    assert_true(tg_air_check_stall(rig.air, rig.a, now + 2 * TG_US_PER_S, TG_US_PER_S));
    audio(rig.a, 1200000); /* its camera is still silent */
    assert_true(tg_air_now(rig.air).stalled);
    video(rig.b, 1200000, true);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.b);
    video(rig.a, 1300000, false);
    check_last(&rig, TG_TRACK_VIDEO, 2, 2, 1200000);
    assert_int_equal(atomic_load(&rig.wishes_a), 1); /* it is back, and a keyframe is wished for */
    video(rig.a, 1340000, true);
    check_last(&rig, TG_TRACK_VIDEO, 3, 3, 1340000);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.a);
    rig_done(&rig);
}

static void test_stall_that_ends_before_the_rescue_is_forgotten(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    assert_true(tg_air_check_stall(rig.air, rig.a, tg_clock_mono() + 2 * TG_US_PER_S, TG_US_PER_S));
    tg_feeder_rescue(rig.b);
    video(rig.a, 1100000, false);
    video(rig.b, 1100000, true);
    check_last(&rig, TG_TRACK_VIDEO, 2, 1, 1100000);
    assert_false(tg_air_now(rig.air).stalled);
    assert_int_equal(rig.changes, 1);
    rig_done(&rig);
}

/* A shared screen that stands still, with its host talking. */
static void test_sound_makes_a_still_picture_no_stall(void **state)
{
    const tg_us begin = tg_clock_mono();
    struct rig rig;
    tg_us then;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    do
        then = tg_clock_mono();
    while (then - begin < 60 * TG_US_PER_MS);
    audio(rig.a, 1060000); /* not before `then`; the picture is at least a little older */
    assert_false(tg_air_check_stall(rig.air, rig.a, then + 10 * TG_US_PER_S, 10 * TG_US_PER_S));
    tg_feeder_take(rig.b);
    video(rig.b, 1000000, true);
    assert_true(tg_air_check_stall(rig.air, rig.b, then + 20 * TG_US_PER_S, 10 * TG_US_PER_S));
    rig_done(&rig);
}

static void test_sound_does_not_hide_a_dead_camera_for_long(void **state)
{
    struct rig rig;
    tg_us begin;
    tg_us then;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    begin = tg_clock_mono();
    do
        then = tg_clock_mono();
    while (then - begin < 60 * TG_US_PER_MS);
    audio(rig.a, 1060000);
    /* 20 ms after the sound at most, 80 ms after the picture at least. */
    assert_true(tg_air_check_stall(rig.air, rig.a, then + 20 * TG_US_PER_MS, 20 * TG_US_PER_MS));
    rig_done(&rig);
}

/* --- time ------------------------------------------------------------------------------------- */

static void test_video_time_never_goes_back(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    video(rig.a, 1000000, false);
    check_last(&rig, TG_TRACK_VIDEO, 2, 1, 1001000);
    tg_feeder_take(rig.b);
    video(rig.b, 700000, true); /* its clock is behind */
    check_last(&rig, TG_TRACK_VIDEO, 3, 2, 1002000);
    video(rig.b, 733000, false);
    check_last(&rig, TG_TRACK_VIDEO, 4, 2, 1003000);
    video(rig.b, 1033000, false);
    check_last(&rig, TG_TRACK_VIDEO, 5, 2, 1033000);
    rig_done(&rig);
}

/* Who watched layer 0 may get layer 1 of the next publisher. */
static void test_new_layers_begin_behind_all_that_was_sent(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 2000000, true);
    tg_feeder_arm(rig.b);
    video(rig.b, 1900000, true);
    feed(rig.b, TG_TRACK_VIDEO, 1, 1900000, false); /* each layer begins with a keyframe */
    check_last(&rig, TG_TRACK_VIDEO, 2, 2, 2001000);
    assert_int_equal(atomic_load(&rig.wishes_b), 2);
    feed(rig.b, TG_TRACK_VIDEO, 1, 1900000, true);
    check_last(&rig, TG_TRACK_VIDEO, 3, 2, 2001000);
    rig_done(&rig);
}

static void test_sound_that_overlaps_is_dropped_at_a_change(void **state)
{
    struct rig rig;
    struct tg_frame *f;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    audio(rig.a, 1000000);
    audio(rig.a, 1020000); /* sounds until 1040000 */
    tg_feeder_take(rig.b);
    audio(rig.b, 1010000);
    audio(rig.b, 1030000);
    check_last(&rig, TG_TRACK_AUDIO, 2, 1, 1020000);
    audio(rig.b, 1050000);
    check_last(&rig, TG_TRACK_AUDIO, 3, 2, 1050000);
    f = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, 2);
    assert_true((f->flags & TG_FRAME_AUDIO_GAP) != 0 && f->packets[0].marker);
    tg_frame_unref(f);
    audio(rig.b, 1065000); /* within one feeder a little overlap is the encoder's affair */
    check_last(&rig, TG_TRACK_AUDIO, 4, 2, 1065000);
    f = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, 3);
    assert_false((f->flags & TG_FRAME_AUDIO_GAP) != 0 || f->packets[0].marker);
    tg_frame_unref(f);
    audio(rig.b, 1400000); /* after a silence */
    f = tg_frames_get(&rig.frames, TG_TRACK_AUDIO, 4);
    assert_true((f->flags & TG_FRAME_AUDIO_GAP) != 0 && f->packets[0].marker);
    tg_frame_unref(f);
    rig_done(&rig);
}

static void test_who_leaves_is_silent_at_once(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, 1000000, true);
    tg_feeder_leave(rig.a);
    video(rig.a, 1040000, true);
    assert_int_equal(count_video(&rig), 1);
    assert_null(tg_air_now(rig.air).current);
    assert_int_equal(tg_air_now(rig.air).generation, 1);
    rig_done(&rig);
}

/* --- who lives in the future ---------------------------------------------------------------------
 */

static void test_frames_of_the_future_hold_nobody_back(void **state)
{
    const tg_us now = tg_clock_mono(); /* the rig's show began with the clock */
    struct rig rig;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    video(rig.a, now, true);
    audio(rig.a, now);
    video(rig.a, now + 3600 * (tg_us)TG_US_PER_S, true);
    audio(rig.a, now + 3600 * (tg_us)TG_US_PER_S);
    check_last(&rig, TG_TRACK_VIDEO, 1, 1, now);
    check_last(&rig, TG_TRACK_AUDIO, 1, 1, now);
    video(rig.a, now + 40000, false); /* it may refer to the one that was dropped */
    assert_int_equal(count_video(&rig), 1);
    assert_int_equal(atomic_load(&rig.wishes_a), 1);
    tg_feeder_arm(rig.b);
    video(rig.b, now + 3600 * (tg_us)TG_US_PER_S, true);
    assert_ptr_equal(tg_air_now(rig.air).current, rig.a);
    video(rig.b, now + 80000, true);
    check_last(&rig, TG_TRACK_VIDEO, 2, 2, now + 80000);
    audio(rig.b, now + 80000);
    check_last(&rig, TG_TRACK_AUDIO, 2, 2, now + 80000);
    rig_done(&rig);
}

static void test_flood_of_frames_stays_near_the_clock(void **state)
{
    const tg_us began = tg_clock_mono();
    struct rig rig;
    struct tg_frame *f;

    (void)state;
    rig_init(&rig);
    tg_feeder_take(rig.a);
    for (unsigned i = 0; i < 3000;
         i++) /* a millisecond each: they came too late to be told apart */
        video(rig.a, began, true);
    f = tg_frames_get(&rig.frames, TG_TRACK_VIDEO, count_video(&rig) - 1);
    assert_true(f->media_us <= tg_clock_mono() + TG_US_PER_S);
    tg_frame_unref(f);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_armed_feeder_takes_the_air_at_its_keyframe),
        cmocka_unit_test(test_feeder_without_its_best_layer_takes_the_air_later),
        cmocka_unit_test(test_lower_layer_waits_while_a_better_one_flows),
        cmocka_unit_test(test_without_anybody_on_air_the_first_frame_takes_it),
        cmocka_unit_test(test_sound_alone_takes_the_air_later),
        cmocka_unit_test(test_rescue_waits_for_a_stall_and_gives_the_air_back),
        cmocka_unit_test(test_stall_that_ends_before_the_rescue_is_forgotten),
        cmocka_unit_test(test_sound_makes_a_still_picture_no_stall),
        cmocka_unit_test(test_sound_does_not_hide_a_dead_camera_for_long),
        cmocka_unit_test(test_video_time_never_goes_back),
        cmocka_unit_test(test_new_layers_begin_behind_all_that_was_sent),
        cmocka_unit_test(test_sound_that_overlaps_is_dropped_at_a_change),
        cmocka_unit_test(test_who_leaves_is_silent_at_once),
        cmocka_unit_test(test_frames_of_the_future_hold_nobody_back),
        cmocka_unit_test(test_flood_of_frames_stays_near_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
