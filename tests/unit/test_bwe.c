/*
 * test_bwe.c - the bandwidth estimator on a toy line: packets of one size, a rate, a queue, a
 * delay. What comes of it in a whole viewer is in tests/sim/sim_bwe.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "proto/twcc_rx.h"
#include "rtc/bwe.h"

enum { MS = TG_US_PER_MS, SIZE = 1000, KBIT = 1000 };

struct bed {
    struct tg_bwe b;
    struct tg_twcc_rx *rx;
    tg_us now;
    tg_us line_free;
    tg_us delay_us;
    uint32_t line_bps;
    uint16_t seq;
    unsigned lose_every; /* 0 = none */
    bool mute;           /* feedback is lost */
    struct {
        tg_us at;
        uint16_t seq;
    } way[512];
    size_t head;
    size_t tail;
    tg_us send_at;
};

static void bed_init(struct bed *b, uint32_t start_bps)
{
    memset(b, 0, sizeof(*b));
    b->now = 50 * (tg_us)TG_US_PER_S;
    b->line_bps = 4000 * KBIT;
    b->delay_us = 20 * MS;
    b->rx = tg_calloc(1, sizeof(*b->rx));
    assert_non_null(b->rx);
    tg_twcc_rx_init(b->rx);
    tg_bwe_init(&b->b);
    assert_int_equal(tg_bwe_twcc_on(&b->b, b->now, start_bps), TG_OK);
    b->send_at = b->now;
}

static void bed_done(struct bed *b)
{
    tg_bwe_done(&b->b);
    tg_free(b->rx);
}

static void send_one(struct bed *b)
{
    tg_bwe_sent(&b->b, b->now, b->seq, SIZE);
    b->line_free = TG_MAX(b->line_free, b->now) + SIZE * 8 * (tg_us)TG_US_PER_S / b->line_bps;
    if (b->line_free - b->now > 500 * MS)
        b->line_free -= SIZE * 8 * (tg_us)TG_US_PER_S / b->line_bps; /* the queue is full */
    else if (b->lose_every == 0 || b->seq % b->lose_every != 0) {
        b->way[b->head % TG_ARRAY_LEN(b->way)].at = b->line_free + b->delay_us;
        b->way[b->head % TG_ARRAY_LEN(b->way)].seq = b->seq;
        b->head++;
    }
    b->seq++;
}

static void feedback(struct bed *b)
{
    uint8_t out[1200];
    bool more = true;

    while (more) {
        struct tg_wr w = tg_wr(out, sizeof(out));
        struct tg_rtcp p;
        struct tg_twcc fb;

        more = tg_twcc_rx_write(b->rx, &w, 1, 2);
        struct tg_rd r = tg_rd(out, tg_wr_len(&w));

        if (b->mute || tg_rtcp_next(&r, &p) != TG_OK)
            continue;
        assert_int_equal(tg_twcc_parse(&fb, p.fci), TG_OK);
        tg_bwe_feedback(&b->b, b->now, &fb);
    }
}

/* Sends at `bps` for so long. */
static void run(struct bed *b, uint32_t bps, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        b->now += MS;
        while (bps > 0 && b->send_at <= b->now) {
            send_one(b);
            b->send_at += SIZE * 8 * (tg_us)TG_US_PER_S / bps;
        }
        if (bps == 0)
            b->send_at = b->now;
        while (b->tail < b->head && b->way[b->tail % TG_ARRAY_LEN(b->way)].at <= b->now) {
            tg_twcc_rx_input(b->rx, b->now, b->way[b->tail % TG_ARRAY_LEN(b->way)].seq);
            b->tail++;
        }
        if (b->now >= tg_twcc_rx_deadline(b->rx))
            feedback(b);
        if (i % 100 == 0)
            tg_bwe_tick(&b->b, b->now);
    }
}

static void test_twcc_on_needs_memory(void **state)
{
    struct tg_bwe b;
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    tg_bwe_init(&b);
    for (long n = 0; err != TG_OK; n++) {
        tg_alloc_fail_nth(n);
        err = tg_bwe_twcc_on(&b, 1, 1000 * KBIT);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || (err == TG_ERR_NOMEM && b.twcc == NULL && n < 3));
    }
    tg_bwe_done(&b);
    tg_bwe_done(&b);
}

static void test_acknowledged_rate_is_what_arrives(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 1000 * KBIT);
    run(&b, 1000 * KBIT, 2000);
    assert_in_range(b.b.acked_bps, 950 * KBIT, 1050 * KBIT);
    assert_int_equal(tg_bwe_state(&b.b), TG_BWE_NORMAL);
    assert_true(tg_bwe_queue_us(&b.b) < 10 * MS);
    bed_done(&b);
}

/* However long nothing goes wrong, what was not sent was not proved. */
static void test_estimate_grows_only_with_what_is_sent(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 500 * KBIT);
    run(&b, 500 * KBIT, 60000);
    assert_in_range(b.b.estimate_bps, 700 * KBIT, 800 * KBIT);
    bed_done(&b);
}

static void test_overuse_falls_below_the_lines_rate(void **state)
{
    struct bed b;
    unsigned ms = 0;

    (void)state;
    bed_init(&b, 3000 * KBIT);
    run(&b, 2500 * KBIT, 5000);
    assert_true(b.b.estimate_bps >= 2900 * KBIT);
    b.line_bps = 800 * KBIT;
    for (; ms < 1000 && b.b.estimate_bps > 1000 * KBIT; ms += 10)
        run(&b, 2500 * KBIT, 10);
    assert_true(ms <= 500);
    assert_in_range(b.b.estimate_bps, 550 * KBIT, 800 * KBIT);
    assert_true(b.b.overuse);
    run(&b, 300 * KBIT, 5000); /* the queue drains */
    assert_false(b.b.overuse);
    assert_true(tg_bwe_queue_us(&b.b) < 30 * MS);
    bed_done(&b);
}

static void test_a_longer_way_is_no_overuse(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3000 * KBIT);
    run(&b, 2500 * KBIT, 5000);
    b.delay_us = 200 * MS;
    for (int i = 0; i < 100; i++) {
        run(&b, 2500 * KBIT, 100);
        assert_true(b.b.estimate_bps >= 2400 * KBIT);
    }
    assert_true(tg_bwe_queue_us(&b.b) < 30 * MS); /* that is the way now */
    bed_done(&b);
}

static void test_loss_of_a_twentieth_is_borne_and_a_fifth_is_not(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 3000 * KBIT);
    b.lose_every = 20;
    run(&b, 2500 * KBIT, 20000);
    assert_in_range(b.b.loss_pm, 30, 70);
    assert_true(b.b.estimate_bps >= 2375 * KBIT);
    b.lose_every = 5;
    run(&b, 2500 * KBIT, 20000);
    assert_in_range(b.b.loss_pm, 170, 230);
    assert_in_range(b.b.estimate_bps, 1500 * KBIT, 2100 * KBIT);
    bed_done(&b);
}

/* Sends what the probe asks for on top of `bps`. */
static bool probe(struct bed *b, uint32_t bps, uint32_t at)
{
    const struct tg_bwe_probe *p = NULL;

    if (!tg_bwe_probe(&b->b, b->now, at, &p))
        return false;
    while ((p = tg_bwe_probing(&b->b, b->now)) != NULL) {
        while ((uint64_t)p->sent * 8 * TG_US_PER_S <
               (uint64_t)p->bps * (uint64_t)(b->now - p->started_at))
            send_one(b);
        run(b, bps, 1);
    }
    return true;
}

static void test_a_probe_proves_what_is_not_sent(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 500 * KBIT);
    run(&b, 300 * KBIT, 3000);
    assert_true(probe(&b, 300 * KBIT, 1300 * KBIT));
    assert_false(probe(&b, 300 * KBIT, 1300 * KBIT)); /* that one is not judged yet */
    run(&b, 300 * KBIT, 300);
    assert_in_range(b.b.estimate_bps, 1170 * KBIT, 1300 * KBIT);
    assert_int_equal(b.b.probe_failures, 0);
    run(&b, 300 * KBIT, 5000);
    assert_true(b.b.estimate_bps >= 1170 * KBIT); /* it holds */
    bed_done(&b);
}

static void test_a_probe_finds_the_limit_and_becomes_rare(void **state)
{
    struct bed b;
    unsigned probes = 0;

    (void)state;
    bed_init(&b, 500 * KBIT);
    b.line_bps = 800 * KBIT;
    run(&b, 300 * KBIT, 3000);
    for (int i = 0; i < 600; i++) {
        probes += probe(&b, 300 * KBIT, 1300 * KBIT) ? 1 : 0;
        run(&b, 300 * KBIT, 100);
        assert_true(b.b.estimate_bps < 900 * KBIT);
    }
    assert_in_range(probes, 10, 14); /* a minute */
    assert_true(b.b.probe_failures >= 5);
    bed_done(&b);
}

static void test_without_feedback_a_probe_fails_and_the_queue_is_forgotten(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b, 500 * KBIT);
    run(&b, 300 * KBIT, 2000);
    b.mute = true;
    assert_true(probe(&b, 300 * KBIT, 1300 * KBIT));
    run(&b, 300 * KBIT, 2000);
    assert_int_equal(b.b.probe_failures, 1);
    assert_true(b.b.estimate_bps < 700 * KBIT);
    assert_true(tg_bwe_queue_us(&b.b) == 0);
    bed_done(&b);
}

/* Without transport-wide feedback. */
static void test_remb_binds_and_fades(void **state)
{
    struct tg_bwe b;
    tg_us now = TG_US_PER_S;

    (void)state;
    tg_bwe_init(&b);
    assert_int_equal(b.estimate_bps, 0);
    tg_bwe_remb(&b, now, 700 * KBIT);
    assert_int_equal(b.estimate_bps, 700 * KBIT);
    tg_bwe_tick(&b, now + 5 * (tg_us)TG_US_PER_S);
    assert_int_equal(b.estimate_bps, 700 * KBIT);
    for (int i = 0; i < 100; i++)
        tg_bwe_tick(&b, now + 11 * (tg_us)TG_US_PER_S + i * 100 * MS);
    assert_true(b.estimate_bps > 1500 * KBIT);
    tg_bwe_remb(&b, now, UINT64_MAX);
    assert_int_equal(b.estimate_bps, TG_BWE_MAX_BPS);
}

static void test_losses_in_reports_bind_to_what_arrives(void **state)
{
    struct tg_bwe b;

    (void)state;
    tg_bwe_init(&b);
    for (int i = 0; i < 10; i++)
        tg_bwe_report(&b, 12, 2000 * KBIT); /* 5 % */
    assert_int_equal(b.estimate_bps, 0);
    for (int i = 0; i < 30; i++)
        tg_bwe_report(&b, 77, 2000 * KBIT); /* 30 % */
    assert_in_range(b.estimate_bps, 1350 * KBIT, 1450 * KBIT);
    for (int i = 0; i < 30; i++)
        tg_bwe_report(&b, 0, 2000 * KBIT);
    assert_int_equal(b.estimate_bps, 0); /* free again */
}

/* Numbers that were never sent, or long ago, and a clock that jumps: nothing happens. */
static void test_foreign_feedback_is_harmless(void **state)
{
    struct bed b;
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_twcc fb;

    (void)state;
    bed_init(&b, 1000 * KBIT);
    run(&b, 1000 * KBIT, 1000);
    const uint32_t estimate = b.b.estimate_bps;

    tg_wr_u16(&w, (uint16_t)(b.seq + 100));
    tg_wr_u16(&w, 10);
    tg_wr_u24(&w, 0x800000);
    tg_wr_u8(&w, 3);
    tg_wr_u16(&w, 0x2000 | 10);
    for (int i = 0; i < 10; i++)
        tg_wr_u8(&w, 255);
    assert_int_equal(tg_twcc_parse(&fb, tg_span(out, tg_wr_len(&w))), TG_OK);
    tg_bwe_feedback(&b.b, b.now, &fb);
    assert_int_equal(b.b.estimate_bps, estimate);
    send_one(&b);
    out[0] = (uint8_t)((b.seq - 5) >> 8); /* of this line's, at another clock's time */
    out[1] = (uint8_t)(b.seq - 5);
    assert_int_equal(tg_twcc_parse(&fb, tg_span(out, tg_wr_len(&w))), TG_OK);
    tg_bwe_feedback(&b.b, b.now, &fb);
    run(&b, 1000 * KBIT, 3000);
    assert_true(b.b.estimate_bps >= 950 * KBIT);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twcc_on_needs_memory),
        cmocka_unit_test(test_acknowledged_rate_is_what_arrives),
        cmocka_unit_test(test_estimate_grows_only_with_what_is_sent),
        cmocka_unit_test(test_overuse_falls_below_the_lines_rate),
        cmocka_unit_test(test_a_longer_way_is_no_overuse),
        cmocka_unit_test(test_loss_of_a_twentieth_is_borne_and_a_fifth_is_not),
        cmocka_unit_test(test_a_probe_proves_what_is_not_sent),
        cmocka_unit_test(test_a_probe_finds_the_limit_and_becomes_rare),
        cmocka_unit_test(test_without_feedback_a_probe_fails_and_the_queue_is_forgotten),
        cmocka_unit_test(test_remb_binds_and_fades),
        cmocka_unit_test(test_losses_in_reports_bind_to_what_arrives),
        cmocka_unit_test(test_foreign_feedback_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
