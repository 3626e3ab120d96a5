/*
 * test_nack.c - which packets are asked for again, and when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/nack.h"

enum { RTT = 100 * TG_US_PER_MS, MS = TG_US_PER_MS };

static struct tg_nack nack;

static void begin(uint64_t first)
{
    tg_nack_init(&nack, RTT);
    assert_int_equal(tg_nack_input(&nack, 0, first), -1);
    assert_true(tg_nack_deadline(&nack) == TG_US_NEVER);
}

static size_t poll_all(tg_us now, uint16_t *seqs)
{
    size_t count = tg_nack_poll(&nack, now, seqs, TG_NACK_PENDING_MAX);

    assert_int_equal(tg_nack_poll(&nack, now, seqs + count, 1), 0);
    return count;
}

static void test_nack_in_order_asks_nothing(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(70000);
    for (uint64_t seq = 70001; seq < 70100; seq++) {
        assert_int_equal(tg_nack_input(&nack, 1000, seq), -1);
        assert_int_equal(poll_all(1000, seqs), 0);
    }
    assert_true(tg_nack_deadline(&nack) == TG_US_NEVER);
}

static void test_nack_waits_for_reordering_by_time(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 10 * MS, 102);
    assert_int_equal(poll_all(10 * MS, seqs), 0);
    assert_int_equal(tg_nack_deadline(&nack), 18 * MS);
    assert_int_equal(poll_all(18 * MS - 1, seqs), 0);
    assert_int_equal(poll_all(18 * MS, seqs), 1);
    assert_int_equal(seqs[0], 101);
}

static void test_nack_two_more_packets_end_the_wait(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 1000, 102);
    (void)tg_nack_input(&nack, 1001, 103);
    assert_int_equal(poll_all(1001, seqs), 0);
    (void)tg_nack_input(&nack, 1002, 104);
    assert_int_equal(poll_all(1002, seqs), 1);
    assert_int_equal(seqs[0], 101);
}

static void test_nack_overtaken_packet_is_not_asked_for(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 1000, 102);
    assert_int_equal(tg_nack_input(&nack, 1001, 101), -1); /* never asked: no round trip */
    assert_int_equal(poll_all(RTT, seqs), 0);
    assert_true(tg_nack_deadline(&nack) == TG_US_NEVER);
}

static void test_nack_wrap_at_65535_asks_the_low_bits(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(0x1fffd);
    (void)tg_nack_input(&nack, 0, 0x20002);
    assert_int_equal(poll_all(8 * MS, seqs), 4);
    assert_int_equal(seqs[0], 0xfffe);
    assert_int_equal(seqs[1], 0xffff);
    assert_int_equal(seqs[2], 0);
    assert_int_equal(seqs[3], 1);
}

static void test_nack_repeats_after_a_round_trip(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];
    tg_us at;

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 0, 102);
    assert_int_equal(poll_all(8 * MS, seqs), 1);
    assert_int_equal(tg_nack_deadline(&nack), 8 * MS + RTT * 5 / 4);
    assert_int_equal(poll_all(8 * MS + RTT, seqs), 0);
    at = tg_nack_deadline(&nack);
    assert_int_equal(poll_all(at, seqs), 1);
    /* A quick line: not sooner than 20 ms. */
    nack.rtt_us = MS;
    at = tg_nack_deadline(&nack);
    assert_int_equal(poll_all(at, seqs), 1);
    assert_int_equal(tg_nack_deadline(&nack), at + 20 * MS);
}

static void test_nack_gives_up_after_its_tries(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];
    int asked = 0;

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 0, 102);
    for (tg_us at; (at = tg_nack_deadline(&nack)) != TG_US_NEVER; asked++)
        assert_int_equal(poll_all(at, seqs), 1);
    assert_int_equal(asked, TG_NACK_TRIES_MAX);
}

static void test_nack_tells_the_round_trip_when_asked_once(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 0, 103);
    assert_int_equal(poll_all(8 * MS, seqs), 2);
    assert_int_equal(tg_nack_input(&nack, 70 * MS, 101), 62 * MS);
    assert_int_equal(tg_nack_input(&nack, 71 * MS, 101), -1); /* a duplicate */
    assert_int_equal(poll_all(133 * MS, seqs), 1);
    /* Asked for twice; 80 ms after the second time both are possible answers. */
    assert_int_equal(tg_nack_input(&nack, 213 * MS, 102), -1);
}

/* The line is slower than assumed: everything is asked for twice before the first answer comes. */
static void test_nack_finds_out_a_longer_round_trip(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 0, 102);
    assert_int_equal(poll_all(8 * MS, seqs), 1);
    assert_int_equal(poll_all(133 * MS, seqs), 1);
    assert_int_equal(tg_nack_input(&nack, 158 * MS, 101), 150 * MS);
}

static void test_nack_forgets_what_is_given_up(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 0, 110);
    tg_nack_forget(&nack, 108);
    assert_int_equal(poll_all(8 * MS, seqs), 2);
    assert_int_equal(seqs[0], 108);
    assert_int_equal(seqs[1], 109);
    tg_nack_forget(&nack, 1000);
    assert_true(tg_nack_deadline(&nack) == TG_US_NEVER);
}

static void test_nack_full_keeps_the_newest(void **state)
{
    uint16_t seqs[TG_NACK_PENDING_MAX];

    (void)state;
    begin(1000);
    (void)tg_nack_input(&nack, 0, 1011); /* 10 missing */
    (void)tg_nack_input(&nack, 0, 1012 + TG_NACK_PENDING_MAX - 5);
    assert_int_equal(poll_all(8 * MS, seqs), TG_NACK_PENDING_MAX);
    assert_int_equal(seqs[0], 1006);
    assert_int_equal(seqs[4], 1010);
    assert_int_equal(seqs[5], 1012);
    begin(1000);
    (void)tg_nack_input(&nack, 0, 1000 + TG_NACK_PENDING_MAX * 10);
    assert_int_equal(poll_all(8 * MS, seqs), TG_NACK_PENDING_MAX);
    assert_int_equal(seqs[0], 1000 + TG_NACK_PENDING_MAX * 9);
}

static void test_nack_polls_in_portions(void **state)
{
    uint16_t seqs[4];

    (void)state;
    begin(100);
    (void)tg_nack_input(&nack, 0, 111);
    assert_int_equal(tg_nack_poll(&nack, 8 * MS, seqs, 4), 4);
    assert_int_equal(seqs[3], 104);
    assert_true(tg_nack_deadline(&nack) <= 8 * MS);
    assert_int_equal(tg_nack_poll(&nack, 8 * MS, seqs, 4), 4);
    assert_int_equal(seqs[0], 105);
    assert_int_equal(tg_nack_poll(&nack, 8 * MS, seqs, 4), 2);
    assert_int_equal(tg_nack_poll(&nack, 8 * MS, seqs, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nack_in_order_asks_nothing),
        cmocka_unit_test(test_nack_waits_for_reordering_by_time),
        cmocka_unit_test(test_nack_two_more_packets_end_the_wait),
        cmocka_unit_test(test_nack_overtaken_packet_is_not_asked_for),
        cmocka_unit_test(test_nack_wrap_at_65535_asks_the_low_bits),
        cmocka_unit_test(test_nack_repeats_after_a_round_trip),
        cmocka_unit_test(test_nack_gives_up_after_its_tries),
        cmocka_unit_test(test_nack_tells_the_round_trip_when_asked_once),
        cmocka_unit_test(test_nack_finds_out_a_longer_round_trip),
        cmocka_unit_test(test_nack_forgets_what_is_given_up),
        cmocka_unit_test(test_nack_full_keeps_the_newest),
        cmocka_unit_test(test_nack_polls_in_portions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
