/*
 * test_clock_map.c - encoders' timestamps on the media clock: bursts, drift, pauses, resets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "ingest/clock_map.h"

#define MS (tg_us) TG_US_PER_MS
#define V TG_TRACK_VIDEO
#define A TG_TRACK_AUDIO

static struct tg_clock_map new_map(void)
{
    struct tg_clock_map m;

    tg_clock_map_init(&m);
    return m;
}

static void test_clock_first_tag_is_its_arrival_then_timestamps_count(void **state)
{
    struct tg_clock_map m = new_map();

    (void)state;
    assert_int_equal(tg_clock_map_input(&m, V, 5000, 1000 * MS), 1000 * MS);
    assert_int_equal(tg_clock_map_input(&m, V, 5040, 1040 * MS), 1040 * MS);
    /* late: the timestamp counts, not the arrival */
    assert_int_equal(tg_clock_map_input(&m, V, 5080, 1130 * MS), 1080 * MS);
    assert_int_equal(tg_clock_map_input(&m, A, 5070, 1131 * MS), 1070 * MS);
    assert_int_equal(m.jumps, 0);
}

static void test_clock_timestamp_wraps_without_a_jump(void **state)
{
    struct tg_clock_map m = new_map();

    (void)state;
    assert_int_equal(tg_clock_map_input(&m, V, UINT32_MAX - 19, 1000 * MS), 1000 * MS);
    assert_int_equal(tg_clock_map_input(&m, V, 20, 1040 * MS), 1040 * MS);
    assert_int_equal(m.jumps, 0);
}

/* 800 ms of media arrive at once, then real time: afterwards nothing lies in the future. */
static void test_clock_startup_burst_converges_to_fastest_tag(void **state)
{
    struct tg_clock_map m = new_map();
    tg_us out = 0;

    (void)state;
    for (uint32_t ts = 0; ts <= 800; ts += 40)
        out = tg_clock_map_input(&m, V, ts, 1000 * MS + (tg_us)ts * 10);
    assert_in_range(out, 1000 * MS, 1030 * MS);
    for (uint32_t ts = 840; ts <= 2000; ts += 40) {
        out = tg_clock_map_input(&m, V, ts, (1008 + (tg_us)ts - 800) * MS);
        assert_true(llabs(out - (1008 + (tg_us)ts - 800) * MS) <= 25 * MS);
    }
    assert_in_range(out, 2207 * MS, 2209 * MS);
}

static void test_clock_never_goes_backwards_and_keeps_lip_sync(void **state)
{
    struct tg_rng rng = tg_rng_seeded(3);
    struct tg_clock_map m = new_map();
    tg_us last[2] = {-1, -1};
    tg_us arrival = 500 * MS;
    uint32_t late = 0;

    (void)state;
    for (uint32_t ts = 0; ts < 600000; ts += 20) {
        enum tg_track track = ts % 40 == 0 ? V : A;
        tg_us out;

        if (tg_rng_below(&rng, 400) == 0)
            late = (uint32_t)tg_rng_below(&rng, 200); /* a new jitter level */
        arrival = TG_MAX(arrival, ((tg_us)ts + late + 500) * MS);
        out = tg_clock_map_input(&m, track, ts, arrival);
        assert_true(out > last[track]);
        assert_true(out - arrival < 200 * MS); /* never more than the jitter's change */
        if (last[!track] >= 0)
            assert_in_range(out - last[!track], 19 * MS, 21 * MS + 200);
        last[track] = out;
    }
    assert_int_equal(m.jumps, 0);
}

/* An encoder whose clock runs 300 ppm slow: after an hour the error is far below a second. */
static void test_clock_drift_is_worked_off(void **state)
{
    struct tg_clock_map m = new_map();
    tg_us out = 0;
    tg_us arrival = 0;

    (void)state;
    for (uint32_t i = 0; i < 90000; i++) {
        arrival = (tg_us)i * 40012; /* 40 ms of media every 40.012 ms */
        out = tg_clock_map_input(&m, V, i * 40, arrival);
    }
    assert_true(llabs(arrival - out) < 20 * MS);
    for (uint32_t i = 90000; i < 180000; i++) {
        arrival += 39988;
        out = tg_clock_map_input(&m, V, i * 40, arrival);
    }
    assert_true(llabs(arrival - out) < 20 * MS);
    assert_int_equal(m.jumps, 0);
}

/* The encoder stood still for 5 s and goes on with its timestamps as if nothing was. */
static void test_clock_pause_jumps_to_arrival(void **state)
{
    struct tg_clock_map m = new_map();
    tg_us out = 0;

    (void)state;
    for (uint32_t ts = 0; ts < 10000; ts += 40)
        out = tg_clock_map_input(&m, V, ts, (tg_us)ts * MS);
    for (uint32_t ts = 10000; ts < 12500; ts += 40)
        out = tg_clock_map_input(&m, V, ts, (5000 + (tg_us)ts) * MS);
    assert_true(llabs(out - (5000 + 12480) * MS) < 10 * MS);
    assert_int_equal(m.jumps, 1);
}

static void test_clock_stall_of_a_second_is_jitter_not_a_jump(void **state)
{
    struct tg_clock_map m = new_map();
    tg_us out = 0;

    (void)state;
    for (uint32_t ts = 0; ts < 10000; ts += 40)
        out = tg_clock_map_input(&m, V, ts, (tg_us)ts * MS);
    for (uint32_t ts = 10000; ts < 11000; ts += 40) /* stuck in TCP, then all at once */
        out = tg_clock_map_input(&m, V, ts, 11000 * MS);
    for (uint32_t ts = 11000; ts < 15000; ts += 40)
        out = tg_clock_map_input(&m, V, ts, (tg_us)ts * MS);
    assert_true(llabs(out - 14960 * MS) < 2 * MS);
    assert_int_equal(m.jumps, 0);
}

static void test_clock_reset_of_timestamps_goes_on_from_arrival(void **state)
{
    struct tg_clock_map m = new_map();
    tg_us before = 0;

    (void)state;
    for (uint32_t ts = 0; ts < 60000; ts += 40) {
        before = tg_clock_map_input(&m, V, ts, (tg_us)ts * MS);
        (void)tg_clock_map_input(&m, A, ts + 5, (tg_us)ts * MS);
    }
    assert_true(tg_clock_map_input(&m, V, 0, 60010 * MS) > before);
    assert_int_equal(tg_clock_map_input(&m, V, 40, 60050 * MS), 60050 * MS);
    assert_int_equal(m.jumps, 1);
}

static void test_clock_timestamps_far_ahead_do_not_reach_the_future(void **state)
{
    struct tg_clock_map m = new_map();
    tg_us out = 0;

    (void)state;
    for (uint32_t ts = 0; ts < 10000; ts += 40)
        out = tg_clock_map_input(&m, V, ts, (tg_us)ts * MS);
    out = tg_clock_map_input(&m, V, 15000, 10000 * MS); /* 5 s skipped, within GAP_MAX */
    assert_in_range(out, 9961 * MS, 10005 * MS);
    out = tg_clock_map_input(&m, V, 4000000, 10040 * MS); /* more: a new time line */
    assert_in_range(out, 10000 * MS, 10045 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_first_tag_is_its_arrival_then_timestamps_count),
        cmocka_unit_test(test_clock_timestamp_wraps_without_a_jump),
        cmocka_unit_test(test_clock_startup_burst_converges_to_fastest_tag),
        cmocka_unit_test(test_clock_never_goes_backwards_and_keeps_lip_sync),
        cmocka_unit_test(test_clock_drift_is_worked_off),
        cmocka_unit_test(test_clock_pause_jumps_to_arrival),
        cmocka_unit_test(test_clock_stall_of_a_second_is_jitter_not_a_jump),
        cmocka_unit_test(test_clock_reset_of_timestamps_goes_on_from_arrival),
        cmocka_unit_test(test_clock_timestamps_far_ahead_do_not_reach_the_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
