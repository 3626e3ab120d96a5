/*
 * test_rtcp.c - RTCP compounds: every packet type read back as it was written, and bad input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/rtcp.h"

static void assert_report_equal(struct tg_rtcp_report a, struct tg_rtcp_report b)
{
    assert_true(a.ssrc == b.ssrc);
    assert_int_equal(a.lost_fraction, b.lost_fraction);
    assert_int_equal(a.lost_total, b.lost_total);
    assert_true(a.seq_max == b.seq_max);
    assert_true(a.jitter == b.jitter);
    assert_true(a.lsr == b.lsr);
    assert_true(a.dlsr == b.dlsr);
}

static void test_sr_sdes_dlrr_compound_round_trip(void **state)
{
    const struct tg_rtcp_sr sr = {
        .ntp = 0x1122334455667788ULL, .rtp_ts = 0xfffffff0, .packets = 7, .bytes = 8000};
    const struct tg_rtcp_report report = {1, 255, -8388608, 0x10001, 90, 0xdeadbeef, 65536};
    const struct tg_rtcp_dlrr dlrr = {.ssrc = 77, .lrr = 78, .dlrr = 79};
    uint8_t out[256];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp p;
    struct tg_span text;
    struct tg_rtcp_dlrr got;
    uint8_t type;

    (void)state;
    tg_rtcp_write_sr(&w, 42, &sr, &report, 1);
    tg_rtcp_write_cname(&w, 42, "torg");
    tg_rtcp_write_dlrr(&w, 42, &dlrr, 1);
    assert_false(w.bad);
    struct tg_rd r = tg_rd(out, tg_wr_len(&w));

    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_SR);
    assert_int_equal(p.ssrc, 42);
    assert_true(p.sr.ntp == sr.ntp && p.sr.rtp_ts == sr.rtp_ts);
    assert_int_equal(p.sr.packets, 7);
    assert_int_equal(p.sr.bytes, 8000);
    assert_int_equal(p.report_count, 1);
    assert_report_equal(tg_rtcp_report_at(&p, 0), report);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_SDES);
    assert_int_equal(tg_rtcp_cname(&p, &text), TG_OK);
    assert_int_equal(text.len, 4);
    assert_memory_equal(text.data, "torg", 4);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_XR);
    struct tg_rd blocks = tg_rd(p.fci.data, p.fci.len);

    assert_true(tg_rtcp_xr_next(&blocks, &type, &text));
    assert_int_equal(type, TG_RTCP_XR_DLRR);
    struct tg_rd subs = tg_rd(text.data, text.len);

    assert_true(tg_rtcp_dlrr_next(&subs, &got));
    assert_int_equal(got.ssrc, 77);
    assert_int_equal(got.lrr, 78);
    assert_int_equal(got.dlrr, 79);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_ERR_AGAIN);
}

/* Any length of text must end in a zero byte on a word border (RFC 3550 s6.5). */
static void test_cname_of_every_length_round_trips(void **state)
{
    char name[TG_RTCP_CNAME_MAX + 2];
    uint8_t out[400];
    struct tg_rtcp p;
    struct tg_span text;

    (void)state;
    memset(name, 'n', sizeof(name));
    for (size_t len = 0; len <= TG_RTCP_CNAME_MAX; len++) {
        struct tg_wr w = tg_wr(out, sizeof(out));

        name[len] = '\0';
        tg_rtcp_write_cname(&w, 1, name);
        name[len] = 'n';
        assert_false(w.bad);
        assert_int_equal(tg_wr_len(&w) % 4, 0);
        assert_int_equal(out[tg_wr_len(&w) - 1], 0);
        struct tg_rd r = tg_rd(out, tg_wr_len(&w));

        assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
        assert_int_equal(tg_rtcp_cname(&p, &text), TG_OK);
        assert_int_equal(text.len, len);
        assert_int_equal(tg_rtcp_next(&r, &p), TG_ERR_AGAIN);
    }
    name[TG_RTCP_CNAME_MAX + 1] = '\0';
    struct tg_wr w = tg_wr(out, sizeof(out));

    tg_rtcp_write_cname(&w, 1, name);
    assert_true(w.bad);
}

static void test_rr_and_bye_round_trip(void **state)
{
    const struct tg_rtcp_report reports[2] = {{1, 2, 3, 4, 5, 6, 7}, {8, 9, -1, 11, 12, 13, 14}};
    const uint32_t ssrcs[2] = {0xa, 0xb};
    uint8_t out[256];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp p;
    uint32_t ssrc = 0;

    (void)state;
    tg_rtcp_write_rr(&w, 5, reports, 2);
    tg_rtcp_write_bye(&w, ssrcs, 2);
    struct tg_rd r = tg_rd(out, tg_wr_len(&w));

    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_RR);
    assert_int_equal(p.report_count, 2);
    assert_report_equal(tg_rtcp_report_at(&p, 1), reports[1]);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_BYE);
    struct tg_rd list = tg_rd(p.fci.data, p.fci.len);

    assert_true(tg_rtcp_bye_next(&list, &ssrc));
    assert_int_equal(ssrc, 0xa);
    assert_true(tg_rtcp_bye_next(&list, &ssrc));
    assert_false(tg_rtcp_bye_next(&list, &ssrc));
}

static void test_nack_packs_and_unpacks_over_the_wrap(void **state)
{
    const uint16_t seqs[] = {65530, 65531, 65535, 0, 10, 11, 28};
    uint8_t out[64];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp p;
    uint16_t pid = 0;
    uint16_t blp = 0;
    size_t at = 0;

    (void)state;
    tg_rtcp_write_nack(&w, 1, 2, seqs, TG_ARRAY_LEN(seqs));
    assert_int_equal(tg_wr_len(&w), 12 + 3 * 4);
    struct tg_rd r = tg_rd(out, tg_wr_len(&w));

    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_NACK);
    assert_int_equal(p.media_ssrc, 2);
    struct tg_rd fci = tg_rd(p.fci.data, p.fci.len);

    while (tg_rtcp_nack_next(&fci, &pid, &blp)) {
        assert_int_equal(pid, seqs[at++]);
        for (unsigned bit = 0; bit < 16; bit++) {
            if ((blp >> bit & 1) != 0)
                assert_int_equal((uint16_t)(pid + bit + 1), seqs[at++]);
        }
    }
    assert_int_equal(at, TG_ARRAY_LEN(seqs));
}

static void test_pli_fir_remb_rrtr_round_trip(void **state)
{
    const uint32_t ssrcs[1] = {9};
    uint8_t out[128];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp p;
    uint32_t ssrc = 0;
    uint8_t seq = 0;
    uint8_t type = 0;
    struct tg_span body;
    uint64_t ntp = 0;

    (void)state;
    tg_rtcp_write_pli(&w, 1, 2);
    tg_rtcp_write_fir(&w, 1, 3, 200);
    tg_rtcp_write_remb(&w, 1, 2500000, ssrcs, 1);
    tg_rtcp_write_rrtr(&w, 1, 0xffffffff00000001ULL);
    struct tg_rd r = tg_rd(out, tg_wr_len(&w));

    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_PLI);
    assert_int_equal(p.media_ssrc, 2);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_FIR);
    struct tg_rd fci = tg_rd(p.fci.data, p.fci.len);

    assert_true(tg_rtcp_fir_next(&fci, &ssrc, &seq));
    assert_int_equal(ssrc, 3);
    assert_int_equal(seq, 200);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_REMB);
    assert_true(p.remb_bps <= 2500000 && p.remb_bps > 2499900); /* 18 bits of mantissa */
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    fci = tg_rd(p.fci.data, p.fci.len);
    assert_true(tg_rtcp_xr_next(&fci, &type, &body));
    assert_int_equal(type, TG_RTCP_XR_RRTR);
    assert_int_equal(tg_rtcp_rrtr_parse(&ntp, body), TG_OK);
    assert_true(ntp == 0xffffffff00000001ULL);
}

static void test_remb_of_absurd_exponent_saturates(void **state)
{
    const uint8_t bytes[] = {0x8f, 206, 0,   4,   0,   0,   0, 1,    0, 0,
                             0,    0,   'R', 'E', 'M', 'B', 0, 0xfc, 0, 1};
    struct tg_rd r = tg_rd(bytes, sizeof(bytes));
    struct tg_rtcp p;

    (void)state;
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_REMB);
    assert_true(p.remb_bps == UINT64_MAX);
}

static void test_bad_compounds_are_refused(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t len;
        tg_err err;
    } cases[] = {
        {{0x80, 201, 0, 1, 0, 0}, 6, TG_ERR_TRUNCATED},       /* shorter than it says */
        {{0x40, 201, 0, 1, 0, 0, 0, 1}, 8, TG_ERR_MALFORMED}, /* version 1 */
        {{0x81, 201, 0, 1, 0, 0, 0, 1}, 8, TG_ERR_MALFORMED}, /* block missing */
        {{0xa0, 201, 0, 1, 0, 0, 0, 3}, 8, TG_ERR_MALFORMED}, /* padding not in words */
        {{0xa0, 201, 0, 1, 0, 0, 0, 8}, 8, TG_ERR_MALFORMED}, /* padding above the body */
        {{0x81, 205, 0, 1, 0, 0, 0, 1}, 8, TG_ERR_MALFORMED}, /* no media SSRC */
        {{0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}, 12, TG_ERR_MALFORMED}, /* NACK of nothing */
        {{0x82, 203, 0, 1, 0, 0, 0, 1}, 8, TG_ERR_MALFORMED},              /* BYE of two, has one */
    };
    struct tg_rtcp p;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(cases); i++) {
        struct tg_rd r = tg_rd(cases[i].bytes, cases[i].len);

        assert_int_equal(tg_rtcp_next(&r, &p), cases[i].err);
    }
}

/* As Chromium sends it: one delta and one byte of padding, counted by the P bit. */
static void test_twcc_is_padded_by_bytes(void **state)
{
    const uint8_t bytes[] = {0xaf, 205,  0,    5, 0, 0, 0,    1,   0, 0, 0, 2, 0, 9, 0, 1, 0, 0,
                             0x10, 0x07, 0x20, 1, 4, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    struct tg_rd r = tg_rd(bytes, sizeof(bytes));
    struct tg_rtcp p;
    struct tg_twcc t;
    struct tg_twcc_status status;

    (void)state;
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_TWCC);
    assert_int_equal(p.fci.len, 11);
    assert_int_equal(tg_twcc_parse(&t, p.fci), TG_OK);
    assert_true(tg_twcc_next(&t, &status));
    assert_true(status.received && status.seq == 9);
    assert_false(tg_twcc_next(&t, &status));
    assert_int_equal(tg_rd_left(&t.deltas), 0);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK); /* and what follows is not lost */
    assert_int_equal(p.kind, TG_RTCP_PLI);
}

static void test_unknown_type_is_passed_over(void **state)
{
    const uint8_t bytes[] = {0x80, 204, 0, 2, 0, 0, 0, 1, 't', 'o', 'r', 'g',
                             0x81, 206, 0, 2, 0, 0, 0, 1, 0,   0,   0,   2};
    struct tg_rd r = tg_rd(bytes, sizeof(bytes));
    struct tg_rtcp p;

    (void)state;
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_OTHER);
    assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
    assert_int_equal(p.kind, TG_RTCP_PLI);
}

static void test_writers_mark_no_room(void **state)
{
    const struct tg_rtcp_sr sr = {0};
    uint8_t out[27];
    struct tg_wr w = tg_wr(out, sizeof(out));

    (void)state;
    tg_rtcp_write_sr(&w, 1, &sr, NULL, 0);
    assert_true(w.bad);
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_rr(&w, 1, NULL, 32);
    assert_true(w.bad);
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_bye(&w, NULL, 0);
    assert_true(w.bad);
    w = tg_wr(out, sizeof(out));
    tg_rtcp_write_nack(&w, 1, 2, NULL, 0);
    assert_true(w.bad);
}

/* The example of the draft's s3.1: run length, one-bit and two-bit vectors in one feedback. */
static void test_twcc_reads_all_chunk_forms(void **state)
{
    const uint8_t fci[] = {0xff, 0xfe, 0, 19, 0xff, 0xff, 0xff, 7, /* base 65534, ref -1 */
                           0x20, 0x03,                             /* run: 3 x small */
                           0xa0, 0x01,    /* 14 one-bit: received, 12 lost, received */
                           0xe0, 0x00,    /* 7 two-bit: large, lost ... (2 needed) */
                           4,    8,    0, /* small deltas */
                           1,    2,       /* of the vector */
                           0xff, 0xfc};   /* large: -1 ms */
    struct tg_twcc t;
    struct tg_twcc_status s[19];

    (void)state;
    assert_int_equal(tg_twcc_parse(&t, tg_span(fci, sizeof(fci))), TG_OK);
    assert_int_equal(t.ref_64ms, -1);
    for (size_t i = 0; i < 19; i++)
        assert_true(tg_twcc_next(&t, &s[i]));
    assert_false(tg_twcc_next(&t, &s[0]));
    assert_int_equal(s[2].seq, 0); /* wrapped */
    assert_true(s[2].received);
    assert_int_equal(s[2].arrival_us, -64000 + 12 * 250);
    assert_true(s[3].received);
    assert_int_equal(s[3].arrival_us, -64000 + 13 * 250);
    assert_false(s[4].received);
    assert_true(s[16].received);
    assert_int_equal(s[16].arrival_us, -64000 + 15 * 250);
    assert_false(s[18].received);
}

static void test_twcc_large_delta_is_signed(void **state)
{
    const uint8_t fci[] = {0, 1, 0, 1, 0, 0, 1, 0, 0x40, 0x01, 0xff, 0xfc};
    struct tg_twcc t;
    struct tg_twcc_status s;

    (void)state;
    assert_int_equal(tg_twcc_parse(&t, tg_span(fci, sizeof(fci))), TG_OK);
    assert_true(tg_twcc_next(&t, &s));
    assert_int_equal(s.arrival_us, 63000);
}

static void test_twcc_lies_are_refused(void **state)
{
    const uint8_t none[] = {0, 1, 0, 0, 0, 0, 1, 0};
    const uint8_t zero_run[] = {0, 1, 0, 1, 0, 0, 1, 0, 0x20, 0x00};
    const uint8_t short_chunks[] = {0, 1, 0, 15, 0, 0, 1, 0, 0x80, 0x00};
    const uint8_t many[] = {0, 1, 0xff, 0xff, 0, 0, 1, 0, 0x1f, 0xff};
    const uint8_t no_delta[] = {0, 1, 0, 2, 0, 0, 1, 0, 0x20, 0x02, 4};
    struct tg_twcc t;
    struct tg_twcc_status s;

    (void)state;
    assert_int_equal(tg_twcc_parse(&t, tg_span(none, sizeof(none))), TG_ERR_MALFORMED);
    assert_int_equal(tg_twcc_parse(&t, tg_span(zero_run, sizeof(zero_run))), TG_ERR_MALFORMED);
    assert_int_equal(tg_twcc_parse(&t, tg_span(short_chunks, sizeof(short_chunks))),
                     TG_ERR_TRUNCATED);
    assert_int_equal(tg_twcc_parse(&t, tg_span(many, sizeof(many))), TG_ERR_LIMIT);
    assert_int_equal(tg_twcc_parse(&t, tg_span(no_delta, sizeof(no_delta))), TG_OK);
    assert_true(tg_twcc_next(&t, &s));
    assert_false(tg_twcc_next(&t, &s));
    assert_true(t.deltas.bad);
}

static void test_ntp_and_round_trip_time(void **state)
{
    uint64_t ntp = tg_ntp_from_wall((tg_us)1500000);

    (void)state;
    assert_true(ntp >> 32 == 2208988801U);
    assert_true((uint32_t)ntp == 0x80000000U);
    assert_int_equal(tg_ntp_delay(TG_US_PER_S), 65536);
    assert_int_equal(tg_ntp_delay(-1), 0);
    assert_true(tg_ntp_delay(INT64_MAX) == UINT32_MAX);
    assert_int_equal(tg_ntp_delay_us(32768), TG_US_PER_S / 2);
    /* RFC 3550 s6.4.1 figure 2: A = 0xb710:8000, DLSR = 5.250 s, LSR = 0xb705:2000 -> 6.125 s. */
    assert_int_equal(tg_rtcp_rtt(0xb7108000U, 0xb7052000U, 0x00054000U), 6125000);
    assert_int_equal(tg_rtcp_rtt(0xb7108000U, 0, 5), -1);
    assert_int_equal(tg_rtcp_rtt(100, 101, 0), -1);
    assert_int_equal(tg_rtcp_rtt(0x00200000U, 1, 0), -1); /* 32 s */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sr_sdes_dlrr_compound_round_trip),
        cmocka_unit_test(test_cname_of_every_length_round_trips),
        cmocka_unit_test(test_rr_and_bye_round_trip),
        cmocka_unit_test(test_nack_packs_and_unpacks_over_the_wrap),
        cmocka_unit_test(test_pli_fir_remb_rrtr_round_trip),
        cmocka_unit_test(test_remb_of_absurd_exponent_saturates),
        cmocka_unit_test(test_bad_compounds_are_refused),
        cmocka_unit_test(test_twcc_is_padded_by_bytes),
        cmocka_unit_test(test_unknown_type_is_passed_over),
        cmocka_unit_test(test_writers_mark_no_room),
        cmocka_unit_test(test_twcc_reads_all_chunk_forms),
        cmocka_unit_test(test_twcc_large_delta_is_signed),
        cmocka_unit_test(test_twcc_lies_are_refused),
        cmocka_unit_test(test_ntp_and_round_trip_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
