/*
 * test_quality.c - which layer a viewer gets: down, up, trust, dead layers, pins, pauses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fanout/quality.h"

enum { KBIT = 1000 };

struct bed {
    struct tg_quality q;
    struct tg_quality_in in;
    tg_us now;
};

static void bed_init(struct bed *b, unsigned layers)
{
    static const uint32_t bps[] = {2500 * KBIT, 1000 * KBIT, 300 * KBIT};

    *b = (struct bed){.now = 100 * (tg_us)TG_US_PER_S};
    for (unsigned i = 0; i < layers; i++) {
        b->in.layers[i].on = true;
        b->in.layers[i].bps = bps[i];
    }
    b->in.estimate_bps = 3000 * KBIT;
    b->in.proves = true;
    tg_quality_init(&b->q);
}

static void begin(struct bed *b)
{
    tg_quality_start(&b->q, b->now, &b->in);
}

static void run(struct bed *b, unsigned ms)
{
    for (unsigned t = 0; t < ms; t += 100) {
        b->now += TG_QUALITY_EVERY_US;
        tg_quality_tick(&b->q, b->now, &b->in);
    }
}

static void test_start_takes_the_best_allowed(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    begin(&b);
    assert_int_equal(b.q.layer, 0);
    bed_init(&b, 3);
    b.q.best_allowed = 1;
    begin(&b);
    assert_int_equal(b.q.layer, 1);
    run(&b, 20000);
    assert_int_equal(b.q.layer, 1); /* the estimate would carry the best */
    b.q.best_allowed = 0;
    run(&b, 2000);
    assert_int_equal(b.q.layer, 0);
    bed_init(&b, 3);
    b.in.layers[0].on = false;
    begin(&b);
    assert_int_equal(b.q.layer, 1);
    bed_init(&b, 0); /* nothing comes yet */
    begin(&b);
    assert_int_equal(b.q.layer, 0);
}

static void test_down_after_a_short_while_to_what_fits(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    begin(&b);
    b.in.estimate_bps = 2400 * KBIT; /* little enough to stay */
    run(&b, 5000);
    assert_int_equal(b.q.layer, 0);
    b.in.estimate_bps = 1500 * KBIT;
    run(&b, 300);
    b.in.estimate_bps = 2600 * KBIT; /* a hiccup */
    run(&b, 100);
    assert_int_equal(b.q.layer, 0);
    b.in.estimate_bps = 1500 * KBIT;
    run(&b, 600);
    assert_int_equal(b.q.layer, 1);
    b.in.estimate_bps = 320 * KBIT;
    run(&b, 600);
    assert_int_equal(b.q.layer, 2);
    assert_false(b.q.starved);
}

static void test_down_at_once_when_a_queue_stands(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    begin(&b);
    b.in.estimate_bps = 600 * KBIT;
    b.in.hard = true;
    run(&b, 100);
    assert_int_equal(b.q.layer, 2);
}

static void test_up_asks_for_a_proof_first(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    begin(&b);
    b.in.estimate_bps = 500 * KBIT;
    run(&b, 600);
    assert_int_equal(b.q.layer, 2);
    assert_int_equal(b.q.probe_bps, 0);
    run(&b, 5000);
    assert_int_equal(b.q.layer, 2);
    assert_int_equal(b.q.probe_bps, 1300 * KBIT);
    b.in.estimate_bps = 1100 * KBIT; /* it would fit, without room */
    run(&b, 5000);
    assert_int_equal(b.q.layer, 2);
    b.in.estimate_bps = 1200 * KBIT;
    run(&b, 100);
    assert_int_equal(b.q.layer, 1);
    assert_int_equal(b.q.probe_bps, 0);
    run(&b, 2000);
    assert_int_equal(b.q.probe_bps, 3250 * KBIT);
    b.in.estimate_bps = 3250 * KBIT;
    run(&b, 100);
    assert_int_equal(b.q.layer, 0);
    run(&b, 1000);
    assert_int_equal(b.q.probe_bps, 0);
}

/* Each upgrade that does not last makes the next one wait twice as long. */
static void test_failed_upgrades_become_rare(void **state)
{
    struct bed b;
    unsigned ups = 0;

    (void)state;
    bed_init(&b, 2);
    begin(&b);
    for (tg_us end = b.now + 300 * (tg_us)TG_US_PER_S; b.now < end;) {
        bool low = b.q.layer == 1;

        b.in.estimate_bps = low ? 4000 * KBIT : 1500 * KBIT; /* a way that lies */
        run(&b, 100);
        ups += low && b.q.layer == 0 ? 1 : 0;
    }
    assert_in_range(ups, 4, 9);
}

static void test_a_dead_layer_moves_its_viewer_at_once(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    begin(&b);
    b.in.layers[0].on = false;
    b.in.layers[0].bps = 0;
    run(&b, 100);
    assert_int_equal(b.q.layer, 1);
    b.in.layers[1].on = false;
    b.in.layers[2].on = false;
    b.in.layers[0].on = true; /* another publisher, with one layer */
    run(&b, 100);
    assert_int_equal(b.q.layer, 0);
    b.in.layers[0].on = false; /* nothing at all: stays */
    run(&b, 1000);
    assert_int_equal(b.q.layer, 0);
    assert_false(b.q.starved);
}

static void test_a_pin_overrides_but_not_what_is_off(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    begin(&b);
    b.q.pin = 2;
    run(&b, 100);
    assert_int_equal(b.q.layer, 2);
    run(&b, 20000);
    assert_int_equal(b.q.layer, 2);
    assert_int_equal(b.q.probe_bps, 0);
    b.q.pin = 0;
    b.in.estimate_bps = 600 * KBIT;
    run(&b, 5000);
    assert_int_equal(b.q.layer, 0);
    b.in.layers[0].on = false;
    run(&b, 100);
    assert_int_equal(b.q.layer, 1);
    b.q.best_allowed = 1;
    b.in.layers[0].on = true;
    run(&b, 1000);
    assert_int_equal(b.q.layer, 1); /* the guard's word is the last */
    b.q.pin = TG_QUALITY_AUTO;
    run(&b, 1000);
    assert_int_equal(b.q.layer, 2);
}

static void test_starved_pauses_until_it_fits(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3);
    b.q.pin = 0;
    begin(&b);
    b.in.estimate_bps = 140 * KBIT;
    run(&b, 1000);
    assert_true(b.q.starved); /* a pin does not help */
    b.q.pin = TG_QUALITY_AUTO;
    b.in.estimate_bps = 1000 * KBIT;
    run(&b, 100);
    assert_true(b.q.starved); /* not so soon */
    b.in.estimate_bps = 300 * KBIT;
    run(&b, 5000);
    assert_true(b.q.starved);
    assert_in_range(b.q.probe_bps, 300 * KBIT, 500 * KBIT);
    b.in.estimate_bps = 380 * KBIT;
    run(&b, 100);
    assert_false(b.q.starved);
    assert_int_equal(b.q.layer, 2);
}

/* One layer, no transport-wide feedback: only a clear lack pauses, and it is tried again. */
static void test_starved_without_proof_is_tried_again_rarely(void **state)
{
    struct bed b;
    unsigned tries = 0;

    (void)state;
    bed_init(&b, 1);
    b.in.proves = false;
    b.in.estimate_bps = 1500 * KBIT;
    begin(&b);
    run(&b, 20000);
    assert_false(b.q.starved);
    b.in.estimate_bps = 100 * KBIT; /* a busy player's REMB: nothing is lost, the picture stays */
    run(&b, 20000);
    assert_false(b.q.starved);
    b.in.estimate_bps = 800 * KBIT;
    b.in.loss_pm = 150;
    for (unsigned i = 0; i < 1200; i++) {
        bool was = b.q.starved;

        run(&b, 100);
        tries += was && !b.q.starved ? 1 : 0;
    }
    assert_in_range(tries, 4, 12);
}

static void test_without_proof_an_upgrade_is_tried(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 2);
    b.in.proves = false;
    begin(&b);
    b.in.estimate_bps = 900 * KBIT;
    run(&b, 600);
    assert_int_equal(b.q.layer, 1);
    run(&b, 30000);
    assert_int_equal(b.q.layer, 1);
    b.in.estimate_bps = 1450 * KBIT; /* one and a half times what comes: it holds nothing back */
    run(&b, 100);
    assert_int_equal(b.q.layer, 0);
    b.in.estimate_bps = 900 * KBIT;
    run(&b, 600);
    b.in.estimate_bps = 1450 * KBIT;
    b.in.loss_pm = 50;
    run(&b, 30000);
    assert_int_equal(b.q.layer, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_takes_the_best_allowed),
        cmocka_unit_test(test_down_after_a_short_while_to_what_fits),
        cmocka_unit_test(test_down_at_once_when_a_queue_stands),
        cmocka_unit_test(test_up_asks_for_a_proof_first),
        cmocka_unit_test(test_failed_upgrades_become_rare),
        cmocka_unit_test(test_a_dead_layer_moves_its_viewer_at_once),
        cmocka_unit_test(test_a_pin_overrides_but_not_what_is_off),
        cmocka_unit_test(test_starved_pauses_until_it_fits),
        cmocka_unit_test(test_starved_without_proof_is_tried_again_rarely),
        cmocka_unit_test(test_without_proof_an_upgrade_is_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
