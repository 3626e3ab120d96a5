/*
 * test_viewer_stream.c - what is known of a TCP viewer's line, from how full its queue was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fanout/viewer_priv.h"

enum { S = TG_US_PER_S };

/* One second in which so many bytes were sent. */
static uint32_t second(struct tg_viewer *v, tg_us *now, uint64_t bytes, bool full)
{
    v->stream.bytes += bytes;
    v->stream.full = v->stream.full || full;
    *now += S;
    tg_viewer_stream_tick(v, *now);
    return v->stream.estimate_bps;
}

static void test_stream_that_never_was_full_is_not_known(void **state)
{
    static struct tg_viewer v;
    tg_us now = S;

    (void)state;
    tg_viewer_stream_set(&v, now, true);
    for (int i = 0; i < 5; i++)
        assert_int_equal(second(&v, &now, 300000, false), 0);
}

static void test_stream_full_for_two_seconds_carries_the_better_one(void **state)
{
    static struct tg_viewer v;
    tg_us now = S;

    (void)state;
    tg_viewer_stream_set(&v, now, true);
    assert_int_equal(second(&v, &now, 100000, true), 0);
    assert_int_equal(second(&v, &now, 125000, true), 1000000);
    assert_int_equal(second(&v, &now, 50000, true), 1000000);
    assert_int_equal(second(&v, &now, 50000, true), 400000);
    assert_int_equal(second(&v, &now, 50000, false), 0);
}

/* 2.5 Mbit/s, and a line that stands still from the middle of one second to that of another. */
static void test_stream_that_stalled_is_not_taken_for_narrow(void **state)
{
    static struct tg_viewer v;
    tg_us now = S;

    (void)state;
    tg_viewer_stream_set(&v, now, true);
    assert_int_equal(second(&v, &now, 312500, false), 0);
    assert_int_equal(second(&v, &now, 150000, true), 0);
    assert_int_equal(second(&v, &now, 0, true), 0);
    assert_int_equal(second(&v, &now, 150000, true), 0);
    assert_int_equal(second(&v, &now, 700000, true), 5600000); /* it catches up */
    assert_int_equal(second(&v, &now, 312500, false), 0);
}

static void test_stream_looked_at_sooner_waits_for_its_second(void **state)
{
    static struct tg_viewer v;

    (void)state;
    tg_viewer_stream_set(&v, S, true);
    v.stream.full = true;
    v.stream.bytes = 1000;
    tg_viewer_stream_tick(&v, 2 * S - 1);
    assert_int_equal(v.stream.bytes, 1000);
    tg_viewer_stream_tick(&v, 2 * S);
    assert_int_equal(v.stream.bytes, 0);
}

/* What browsers say of a reliable line (REMB, delay) does not count; a try that failed does. */
static void test_stream_decides_instead_of_the_receivers_guess(void **state)
{
    static struct tg_viewer v;
    struct tg_quality_in in = {.estimate_bps = 50000, .proves = true, .hard = true, .loss_pm = 7};

    (void)state;
    in.layers[0].on = true;
    in.layers[0].bps = 2500000;
    tg_viewer_stream_set(&v, S, true);
    v.bwe.estimate_bps = 50000;
    tg_viewer_stream_input(&v, &in);
    assert_int_equal(in.estimate_bps, 0);
    assert_int_equal(v.bwe.estimate_bps, 0);
    assert_false(in.proves || in.hard);
    assert_int_equal(in.loss_pm, 0);
    v.stream.estimate_bps = 900000;
    tg_viewer_stream_input(&v, &in);
    assert_int_equal(in.estimate_bps, 900000);
    assert_int_equal(in.loss_pm, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_that_never_was_full_is_not_known),
        cmocka_unit_test(test_stream_full_for_two_seconds_carries_the_better_one),
        cmocka_unit_test(test_stream_that_stalled_is_not_taken_for_narrow),
        cmocka_unit_test(test_stream_looked_at_sooner_waits_for_its_second),
        cmocka_unit_test(test_stream_decides_instead_of_the_receivers_guess),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
