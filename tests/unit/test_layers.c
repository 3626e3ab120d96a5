/*
 * test_layers.c - which simulcast encoding is which layer, while the publisher turns them on and
 * off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/layers.h"

#define MS (tg_us) TG_US_PER_MS

enum { LOW, MID, HIGH };

static const unsigned widths[] = {320, 640, 1280};

static int frame(struct tg_layers *l, unsigned e, bool key, tg_us ms)
{
    return tg_layers_frame(l, e, key, key ? widths[e] : 0, key ? widths[e] * 9 / 16 : 0, ms * MS);
}

/* All three flow and have their places. */
static struct tg_layers settled(void)
{
    struct tg_layers l;

    tg_layers_init(&l);
    (void)frame(&l, HIGH, true, 1000);
    (void)frame(&l, MID, true, 1001);
    (void)frame(&l, LOW, true, 1002);
    return l;
}

static void test_layers_one_encoding_is_layer_0_from_its_first_key_on(void **state)
{
    struct tg_layers l;

    (void)state;
    tg_layers_init(&l);
    assert_int_equal(tg_layers_wanted(&l), 0);
    assert_int_equal(frame(&l, 0, false, 0), -1);
    assert_int_equal(tg_layers_wanted(&l), 1);
    assert_int_equal(tg_layers_frame(&l, 0, true, 0, 0, 33 * MS), 0); /* no size: still a picture */
    assert_int_equal(frame(&l, 0, false, 66), 0);
    assert_int_equal(tg_layers_wanted(&l), 0);
    tg_layers_lost(&l, 0);
    assert_int_equal(frame(&l, 0, false, 99), -1);
    assert_int_equal(tg_layers_wanted(&l), 1);
    assert_int_equal(frame(&l, 0, true, 132), 0);
    assert_int_equal(l.changes, 0);
}

static void test_layers_order_is_by_size_whatever_comes_first(void **state)
{
    struct tg_layers l;
    uint16_t w = 0;
    uint16_t h = 0;

    (void)state;
    tg_layers_init(&l);
    assert_int_equal(frame(&l, LOW, true, 0), 0);
    assert_int_equal(frame(&l, MID, true, 1), 0); /* better: takes it */
    assert_int_equal(frame(&l, LOW, false, 33), -1);
    assert_int_equal(tg_layers_wanted(&l), 1U << LOW);
    assert_int_equal(frame(&l, HIGH, true, 34), 0);
    assert_int_equal(tg_layers_wanted(&l), 1U << LOW | 1U << MID);
    assert_int_equal(frame(&l, LOW, true, 66), 2);
    assert_int_equal(frame(&l, MID, true, 67), 1);
    assert_int_equal(tg_layers_wanted(&l), 0);
    tg_layers_size(&l, &w, &h);
    assert_int_equal(w, 1280);
    assert_int_equal(h, 720);
    for (unsigned layer = 0; layer < 3; layer++)
        assert_int_equal(tg_layers_encoding(&l, layer), HIGH - layer);
}

/* Chromium turns the best encoding off, for half a minute: the others keep their numbers. */
static void test_layers_keep_their_numbers_while_the_best_is_paused(void **state)
{
    struct tg_layers l = settled();
    uint16_t w = 0;
    uint16_t h = 0;
    tg_us ms = 1033;

    (void)state;
    assert_int_equal(frame(&l, HIGH, false, 1030), 0);
    assert_int_equal(tg_layers_best(&l), HIGH);
    for (; ms < 30000; ms += 33) {
        assert_int_equal(frame(&l, MID, ms % 2 == 0, ms), 1);
        assert_int_equal(frame(&l, LOW, ms % 2 == 0, ms), 2);
        assert_int_equal(tg_layers_wanted(&l), 0);
    }
    assert_int_equal(tg_layers_encoding(&l, 0), HIGH); /* what a keyframe wish is for */
    assert_int_equal(tg_layers_best(&l), MID);
    tg_layers_size(&l, &w, &h);
    assert_int_equal(w, 640);
    assert_int_equal(frame(&l, HIGH, true, ms), 0);
    assert_int_equal(tg_layers_best(&l), HIGH);
    assert_int_equal(frame(&l, MID, false, ms), 1);
    assert_int_equal(frame(&l, LOW, false, ms), 2);
    assert_int_equal(l.changes, 0);
}

/* A frame is lost behind it: the paused one's way back is a keyframe, which is asked for. */
static void test_layers_paused_best_comes_back_with_a_keyframe_when_torn(void **state)
{
    struct tg_layers l = settled();

    (void)state;
    tg_layers_lost(&l, HIGH);
    assert_int_equal(frame(&l, MID, false, 3000), 1);
    assert_int_equal(tg_layers_wanted(&l), 0); /* nobody is asked for what does not flow */
    assert_int_equal(frame(&l, HIGH, false, 3001), -1);
    assert_int_equal(tg_layers_wanted(&l), 1U << HIGH);
    assert_int_equal(frame(&l, HIGH, true, 3033), 0);
}

/* A screen that does not move: one frame a second of each encoding. */
static void test_layers_slow_frames_of_all_move_nothing(void **state)
{
    struct tg_layers l = settled();

    (void)state;
    for (tg_us ms = 2000; ms < 9000; ms += 1000) {
        assert_int_equal(frame(&l, HIGH, false, ms), 0);
        assert_int_equal(tg_layers_wanted(&l), 0);
        assert_int_equal(frame(&l, MID, false, ms + 5), 1);
        assert_int_equal(frame(&l, LOW, false, ms + 9), 2);
        assert_int_equal(tg_layers_wanted(&l), 0);
    }
}

/* The best one shrinks below the next: it keeps layer 0 until the better one has a keyframe. */
static void test_layers_nobody_moves_down_before_the_layer_is_taken(void **state)
{
    struct tg_layers l = settled();

    (void)state;
    assert_int_equal(tg_layers_frame(&l, HIGH, true, 480, 270, 1100 * MS), 0);
    assert_int_equal(tg_layers_wanted(&l), 1U << MID);
    assert_int_equal(frame(&l, HIGH, false, 1133), 0);
    assert_int_equal(frame(&l, MID, true, 1134), 0);
    assert_int_equal(frame(&l, HIGH, false, 1166), -1);
    assert_int_equal(tg_layers_frame(&l, HIGH, true, 480, 270, 1200 * MS), 1);
}

static void test_layers_ended_encoding_leaves_its_layer(void **state)
{
    struct tg_layers l = settled();

    (void)state;
    tg_layers_end(&l, HIGH);
    assert_int_equal(tg_layers_encoding(&l, 0), -1);
    assert_int_equal(tg_layers_wanted(&l), 1U << MID | 1U << LOW);
    assert_int_equal(frame(&l, MID, true, 1050), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_one_encoding_is_layer_0_from_its_first_key_on),
        cmocka_unit_test(test_layers_order_is_by_size_whatever_comes_first),
        cmocka_unit_test(test_layers_keep_their_numbers_while_the_best_is_paused),
        cmocka_unit_test(test_layers_paused_best_comes_back_with_a_keyframe_when_torn),
        cmocka_unit_test(test_layers_slow_frames_of_all_move_nothing),
        cmocka_unit_test(test_layers_nobody_moves_down_before_the_layer_is_taken),
        cmocka_unit_test(test_layers_ended_encoding_leaves_its_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
