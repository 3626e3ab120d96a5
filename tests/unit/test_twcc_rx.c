/*
 * test_twcc_rx.c - transport-wide feedback: what is written is what the parser reads back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "proto/rtcp.h"
#include "proto/twcc_rx.h"

enum { MS = TG_US_PER_MS, SPACE = 1 << 16 };

static struct tg_twcc_rx rx;
/* What the sender learned, by sequence number; -1 = not told, 0 = told to be lost. */
static int64_t told[SPACE];
static uint8_t packet[1200];
static size_t packet_len;

static void begin(void)
{
    tg_twcc_rx_init(&rx);
    for (size_t i = 0; i < SPACE; i++)
        told[i] = -1;
}

/* Writes one feedback packet and reads it back. */
static bool tell(size_t room, struct tg_twcc *ret)
{
    struct tg_wr w = tg_wr(packet, room);
    bool more = tg_twcc_rx_write(&rx, &w, 0x11111111, 0x22222222);
    struct tg_rd r = tg_rd(packet, tg_wr_len(&w));
    struct tg_rtcp p;
    struct tg_twcc t;
    struct tg_twcc_status status;
    unsigned count = 0;

    assert_false(w.bad);
    packet_len = tg_wr_len(&w);
    assert_int_equal(packet_len % 4, 0);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_TWCC);
    assert_int_equal(p.ssrc, 0x11111111);
    assert_int_equal(p.media_ssrc, 0x22222222);
    assert_int_equal(tg_rd_left(&r), 0);
    assert_int_equal(tg_twcc_parse(&t, p.fci), TG_OK);
    *ret = t;
    for (; tg_twcc_next(&t, &status); count++)
        if (status.received || told[status.seq] <= 0)
            told[status.seq] = status.received ? status.arrival_us : 0;
    assert_false(t.deltas.bad);
    assert_int_equal(count, t.status_count);
    assert_true(tg_rd_left(&t.deltas) < 4); /* nothing but padding is left */
    return more;
}

static void assert_near(uint16_t seq, tg_us at)
{
    /* Times are cut to 250 us. */
    if (told[seq] > at || told[seq] < at - 250)
        fail_msg("seq %u: told %lld, came %lld", seq, (long long)told[seq], (long long)at);
}

/* Bytes worked out by hand from the draft's figures. */
static void test_twcc_three_packets_give_the_drafts_bytes(void **state)
{
    static const uint8_t want[] = {0x8f, 205, 0, 6, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22,
                                   0, 5, 0, 4, 0, 0, 2, 0,
                                   /* two-bit vector: small lost small large | small delta.. */
                                   0xd1, 0x80, 16, 4, 0x03, 0xe8, 0, 0};
    struct tg_twcc t;

    (void)state;
    begin();
    tg_twcc_rx_input(&rx, 132 * MS, 5); /* reference 2 * 64 ms; 16 ticks later */
    tg_twcc_rx_input(&rx, 133 * MS, 7);
    tg_twcc_rx_input(&rx, 383 * MS, 8);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(packet_len, sizeof(want));
    assert_memory_equal(packet, want, sizeof(want));
    assert_int_equal(t.base_seq, 5);
    assert_near(5, 132 * MS);
    assert_int_equal(told[6], 0);
    assert_near(7, 133 * MS);
    assert_near(8, 383 * MS);
}

static void test_twcc_is_due_soon_when_there_is_much(void **state)
{
    (void)state;
    begin();
    assert_true(tg_twcc_rx_deadline(&rx) == TG_US_NEVER);
    tg_twcc_rx_input(&rx, 1000 * MS, 65000);
    assert_int_equal(tg_twcc_rx_deadline(&rx), 1100 * MS);
    for (uint16_t i = 1; i < 10; i++)
        tg_twcc_rx_input(&rx, (1000 + i) * MS, (uint16_t)(65000 + i));
    assert_int_equal(tg_twcc_rx_deadline(&rx), 1050 * MS);
    for (uint16_t i = 10; i < 300; i++)
        tg_twcc_rx_input(&rx, 1010 * MS, (uint16_t)(65000 + i));
    assert_int_equal(tg_twcc_rx_deadline(&rx), 1000 * MS);
}

static void test_twcc_goes_on_where_it_stopped(void **state)
{
    struct tg_twcc t;

    (void)state;
    begin();
    tg_twcc_rx_input(&rx, 1000 * MS, 65535);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(t.fb_count, 0);
    assert_true(tg_twcc_rx_deadline(&rx) == TG_US_NEVER);
    assert_false(tg_twcc_rx_write(&rx, &(struct tg_wr){0}, 1, 2));
    tg_twcc_rx_input(&rx, 1060 * MS, 2);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(t.fb_count, 1);
    assert_int_equal(t.base_seq, 0);
    assert_int_equal(t.status_count, 3);
    assert_int_equal(told[0], 0);
    assert_near(2, 1060 * MS);
}

static void test_twcc_late_packet_is_told_after_all(void **state)
{
    struct tg_twcc t;

    (void)state;
    begin();
    for (uint16_t seq = 10; seq < 20; seq++)
        if (seq != 14)
            tg_twcc_rx_input(&rx, 1000 * MS + seq, seq);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(told[14], 0);
    tg_twcc_rx_input(&rx, 1090 * MS, 14);
    tg_twcc_rx_input(&rx, 1095 * MS, 14); /* a duplicate tells nothing */
    assert_int_equal(tg_twcc_rx_deadline(&rx), 1190 * MS);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(t.base_seq, 14);
    assert_near(14, 1090 * MS);
    assert_near(19, 1000 * MS + 19);
}

static void test_twcc_times_too_far_apart_are_split(void **state)
{
    struct tg_twcc t;

    (void)state;
    begin();
    tg_twcc_rx_input(&rx, 1000 * MS, 10);
    tg_twcc_rx_input(&rx, 11000 * MS, 12); /* more than 8.19 s later */
    assert_true(tell(sizeof(packet), &t));
    assert_int_equal(t.status_count, 2);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(t.base_seq, 12);
    assert_near(10, 1000 * MS);
    assert_near(12, 11000 * MS);
}

static void test_twcc_gap_larger_than_a_packet_is_split(void **state)
{
    struct tg_twcc t;
    unsigned packets = 1;

    (void)state;
    begin();
    tg_twcc_rx_input(&rx, 1000 * MS, 60000);
    tg_twcc_rx_input(&rx, 1001 * MS, (uint16_t)(60000 + 1500));
    while (tell(sizeof(packet), &t))
        packets++;
    assert_int_equal(packets, 2);
    assert_near(60000, 1000 * MS);
    assert_near((uint16_t)(60000 + 1500), 1001 * MS);
    assert_int_equal(told[(uint16_t)(60000 + 700)], 0);
}

static void test_twcc_jump_beyond_the_window_begins_anew(void **state)
{
    struct tg_twcc t;

    (void)state;
    begin();
    tg_twcc_rx_input(&rx, 1000 * MS, 10);
    tg_twcc_rx_input(&rx, 1001 * MS, 30000);
    assert_false(tell(sizeof(packet), &t));
    assert_int_equal(t.base_seq, 30000);
    assert_int_equal(t.status_count, 1);
}

/* Random loss, bursts, pauses and reordering; everything that came is told with its time. */
static void one_run(uint64_t seed, size_t room)
{
    static tg_us came[SPACE];
    struct tg_rng rng = tg_rng_seeded(seed);
    const uint16_t first = (uint16_t)tg_rng_u32(&rng);
    tg_us now = 1 + (tg_us)tg_rng_below(&rng, 1U << 30);
    uint16_t held = 0;
    bool holding = false;
    struct tg_twcc t;

    begin();
    memset(came, 0, sizeof(came));
    for (unsigned i = 0; i < 3000; i++) {
        uint16_t seq = (uint16_t)(first + i);

        now += (tg_us)tg_rng_below(&rng, tg_rng_below(&rng, 50) == 0 ? 200 * MS : 3 * MS);
        if (i > 0 && tg_rng_below(&rng, 8) == 0) {
            if (holding && tg_rng_below(&rng, 2) == 0) {
                came[held] = now; /* the packet held back comes; this one is lost */
                tg_twcc_rx_input(&rx, now, held);
                holding = false;
            } else if (!holding) {
                held = seq;
                holding = true;
            }
        } else {
            came[seq] = now;
            tg_twcc_rx_input(&rx, now, seq);
        }
        if (holding && (uint16_t)(seq - held) > 100)
            holding = false; /* lost */
        while (tg_twcc_rx_deadline(&rx) <= now)
            (void)tell(room, &t);
    }
    while (tg_twcc_rx_deadline(&rx) != TG_US_NEVER)
        (void)tell(room, &t);
    for (unsigned i = 0; i < 3000; i++) {
        uint16_t seq = (uint16_t)(first + i);

        if (came[seq] != 0)
            assert_near(seq, came[seq]);
        else
            assert_true(told[seq] <= 0);
    }
}

static void test_twcc_random_runs_are_read_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        one_run(seed, sizeof(packet));
        one_run(seed, TG_TWCC_RX_ROOM_MIN + seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twcc_three_packets_give_the_drafts_bytes),
        cmocka_unit_test(test_twcc_is_due_soon_when_there_is_much),
        cmocka_unit_test(test_twcc_goes_on_where_it_stopped),
        cmocka_unit_test(test_twcc_late_packet_is_told_after_all),
        cmocka_unit_test(test_twcc_times_too_far_apart_are_split),
        cmocka_unit_test(test_twcc_gap_larger_than_a_packet_is_split),
        cmocka_unit_test(test_twcc_jump_beyond_the_window_begins_anew),
        cmocka_unit_test(test_twcc_random_runs_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
