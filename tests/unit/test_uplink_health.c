/*
 * test_uplink_health.c - when a host is told of trouble, and when it is taken back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/uplink_health.h"

static const struct tg_live_uplink fine = {.video_bps = 2000000,
                                           .audio_bps = 64000,
                                           .width = 1280,
                                           .height = 720,
                                           .frames = 30,
                                           .jitter_ms = 5,
                                           .rtt_ms = 40,
                                           .audio_dbov = -20};

static uint32_t seconds(struct tg_uplink_health *h, struct tg_live_uplink u, unsigned n)
{
    uint32_t troubles = h->troubles;

    for (unsigned i = 0; i < n; i++)
        troubles = tg_uplink_health_second(h, &u, true);
    return troubles;
}

static struct tg_uplink_health settled(void)
{
    struct tg_uplink_health h;

    tg_uplink_health_init(&h);
    assert_int_equal(seconds(&h, fine, 20), 0);
    return h;
}

/* The trouble comes after exactly `raise` seconds of `bad` and goes after `clear` of `fine`. */
static void expect_trouble(struct tg_live_uplink bad, enum tg_uplink_trouble which, unsigned raise,
                           unsigned clear)
{
    struct tg_uplink_health h = settled();

    assert_int_equal(seconds(&h, bad, raise - 1) & 1U << which, 0);
    assert_int_equal(seconds(&h, fine, 1) & 1U << which, 0); /* a moment only: no word */
    assert_int_equal(seconds(&h, bad, raise - 1) & 1U << which, 0);
    assert_int_equal(seconds(&h, bad, 1) & 1U << which, 1U << which);
    if (clear > 1)
        assert_int_equal(seconds(&h, fine, clear - 1) & 1U << which, 1U << which);
    assert_int_equal(seconds(&h, fine, 1) & 1U << which, 0);
}

static void test_uplink_each_trouble_has_its_patience(void **state)
{
    struct tg_live_uplink u;

    (void)state;
    u = fine, u.loss_permille = 20;
    expect_trouble(u, TG_UPLINK_LOSS, 2, 4);
    u = fine, u.unrepaired_permille = 5;
    expect_trouble(u, TG_UPLINK_LOSS, 2, 4);
    u = fine, u.jitter_ms = 60;
    expect_trouble(u, TG_UPLINK_JITTER, 3, 4);
    u = fine, u.frames = 0;
    expect_trouble(u, TG_UPLINK_FROZEN, 2, 2);
    u = fine, u.audio_dbov = -61;
    expect_trouble(u, TG_UPLINK_SILENT, 5, 1);
    u = fine, u.audio_bps = 0, u.audio_dbov = 1;
    expect_trouble(u, TG_UPLINK_SILENT, 5, 1);
    u = fine, u.audio_dbov = -1;
    expect_trouble(u, TG_UPLINK_CLIPPED, 3, 4);
    u = fine, u.video_bps = 640000;
    expect_trouble(u, TG_UPLINK_LOW, 3, 4);
}

static void test_uplink_falling_is_told_then_becomes_low_or_normal(void **state)
{
    struct tg_uplink_health h = settled();
    struct tg_live_uplink u = fine;

    (void)state;
    u.video_bps = 900000; /* less than half, and still enough for the picture */
    assert_int_equal(seconds(&h, u, 1), 0);
    assert_int_equal(seconds(&h, u, 1), 1U << TG_UPLINK_FALLING);
    assert_int_equal(seconds(&h, u, 20), 0);
    u.video_bps = 200000;
    u.width = 320;
    u.height = 180;
    assert_int_equal(seconds(&h, u, 30), 1U << TG_UPLINK_LOW);
}

static void test_uplink_start_and_unknown_figures_raise_nothing(void **state)
{
    struct tg_uplink_health h;
    struct tg_live_uplink u = fine;

    (void)state;
    tg_uplink_health_init(&h);
    u.video_bps = 300000; /* the encoder climbs */
    u.jitter_ms = -1;
    u.rtt_ms = -1;
    u.audio_dbov = 1;
    assert_int_equal(seconds(&h, u, 6), 0);
    u.video_bps = 2000000;
    assert_int_equal(seconds(&h, u, 20), 0);
}

static void test_uplink_between_the_thresholds_nothing_changes(void **state)
{
    struct tg_uplink_health h = settled();
    struct tg_live_uplink u = fine;

    (void)state;
    u.loss_permille = 15;
    assert_int_equal(seconds(&h, u, 30), 0);
    u.loss_permille = 50;
    assert_int_equal(seconds(&h, u, 5), 1U << TG_UPLINK_LOSS);
    u.loss_permille = 15;
    assert_int_equal(seconds(&h, u, 30), 1U << TG_UPLINK_LOSS);
}

static void test_uplink_sound_alone_is_no_frozen_picture(void **state)
{
    struct tg_uplink_health h;
    struct tg_live_uplink u = {.audio_bps = 64000, .audio_dbov = -20, .jitter_ms = -1};

    (void)state;
    tg_uplink_health_init(&h);
    for (int i = 0; i < 20; i++)
        assert_int_equal(tg_uplink_health_second(&h, &u, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uplink_each_trouble_has_its_patience),
        cmocka_unit_test(test_uplink_falling_is_told_then_becomes_low_or_normal),
        cmocka_unit_test(test_uplink_start_and_unknown_figures_raise_nothing),
        cmocka_unit_test(test_uplink_between_the_thresholds_nothing_changes),
        cmocka_unit_test(test_uplink_sound_alone_is_no_frozen_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
