/* test_rtc_load.c - how busy a worker is: smoothing, and the real clocks of this thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <time.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "net/rtc_load.h"

static unsigned smooth_for(unsigned from, unsigned permille, tg_us us)
{
    for (; us > 0; us -= TG_US_PER_S / 2)
        from = tg_rtc_load_smooth(from, permille, TG_US_PER_S / 2);
    return from;
}

static void test_load_follows_in_seconds_not_at_once(void **state)
{
    (void)state;
    assert_in_range(smooth_for(0, 1000, TG_US_PER_S / 2) / 16, 150, 250); /* a burst */
    assert_in_range(smooth_for(0, 1000, 2 * (tg_us)TG_US_PER_S) / 16, 550, 650);
    assert_in_range(smooth_for(0, 1000, 10 * (tg_us)TG_US_PER_S) / 16, 980, 1000);
    assert_in_range(smooth_for(16000, 0, 10 * (tg_us)TG_US_PER_S) / 16, 0, 20);
    assert_int_equal(smooth_for(16 * 300, 300, 5 * (tg_us)TG_US_PER_S) / 16, 300);
}

static void nap(tg_us us)
{
    const struct timespec t = {.tv_nsec = us * 1000};

    (void)nanosleep(&t, NULL);
}

/* A thread that sleeps has little load, one that spins has much, and work aside is none. */
static void test_load_is_cpu_time_of_the_thread(void **state)
{
    const int64_t before = tg_metric_get(TG_M_rtc_load_permille);
    struct tg_rtc_load l = {0};
    tg_us now = tg_clock_mono();
    tg_us end;

    (void)state;
    tg_rtc_load_turn(&l, now);
    nap(510 * (tg_us)TG_US_PER_MS);
    tg_rtc_load_turn(&l, tg_clock_mono());
    assert_true(l.smooth / 16 < 50);
    for (end = tg_clock_mono() + 600 * (tg_us)TG_US_PER_MS; now < end; now = tg_clock_mono())
        tg_rtc_load_turn(&l, tg_clock_mono());
    assert_true(l.smooth / 16 > 30); /* also on a machine that many share */
    assert_int_equal(tg_metric_get(TG_M_rtc_load_permille) - before, l.smooth / 16);
    const unsigned busy = l.smooth;
    const tg_us cpu = tg_rtc_load_cpu();

    now = tg_clock_mono();
    for (end = now + 520 * (tg_us)TG_US_PER_MS; now < end; now = tg_clock_mono()) {
    }
    tg_rtc_load_aside(&l, tg_rtc_load_cpu() - cpu);
    tg_rtc_load_turn(&l, tg_clock_mono());
    assert_true(l.smooth < busy);
    tg_rtc_load_done(&l);
    assert_int_equal(tg_metric_get(TG_M_rtc_load_permille), before);
}

/* Turns that take longer than a frame half of the time: overload, whatever the CPU clock says. */
static void test_load_of_slow_turns_is_full(void **state)
{
    struct tg_rtc_load l = {0};

    (void)state;
    tg_rtc_load_turn(&l, tg_clock_mono());
    for (int i = 0; i < 6; i++) {
        const tg_us began = tg_clock_mono();

        nap(100 * (tg_us)TG_US_PER_MS);
        tg_rtc_load_turn(&l, began);
    }
    assert_in_range(l.smooth / 16, 190, 400); /* one sample of 1000 */
    assert_true(tg_metric_get(TG_M_rtc_turn_max_us) >= 100 * TG_US_PER_MS);
    tg_rtc_load_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_follows_in_seconds_not_at_once),
        cmocka_unit_test(test_load_is_cpu_time_of_the_thread),
        cmocka_unit_test(test_load_of_slow_turns_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
