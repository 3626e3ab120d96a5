/*
 * test_rtp.c - RTP headers and extensions: RFC 3550, RFC 8285.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/rtp.h"

static void test_mux_by_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(tg_mux_kind("\x00\x01", 2), TG_MUX_STUN);
    assert_int_equal(tg_mux_kind("\x16\xfe", 2), TG_MUX_DTLS);
    assert_int_equal(tg_mux_kind("\x3f\xfe", 2), TG_MUX_DTLS);
    assert_int_equal(tg_mux_kind("\x40\x00", 2), TG_MUX_UNKNOWN);
    assert_int_equal(tg_mux_kind("\x80\x60", 2), TG_MUX_RTP);
    assert_int_equal(tg_mux_kind("\x80\xe0", 2), TG_MUX_RTP); /* PT 96 with marker */
    assert_int_equal(tg_mux_kind("\x80\xc8", 2), TG_MUX_RTCP);
    assert_int_equal(tg_mux_kind("\x8f\xce", 2), TG_MUX_RTCP);
    assert_int_equal(tg_mux_kind("\xc0\xc8", 2), TG_MUX_UNKNOWN);
    assert_int_equal(tg_mux_kind("\x80", 1), TG_MUX_UNKNOWN);
}

static void test_parse_plain_header(void **state)
{
    const uint8_t bytes[] = {0x80, 0xe6, 0x12, 0x34, 0, 0, 0, 5, 0xde, 0xad, 0xbe, 0xef, 'a', 'b'};
    struct tg_rtp p;

    (void)state;
    assert_int_equal(tg_rtp_parse(&p, bytes, sizeof(bytes)), TG_OK);
    assert_true(p.marker);
    assert_int_equal(p.pt, 102);
    assert_int_equal(p.seq, 0x1234);
    assert_int_equal(p.ts, 5);
    assert_true(p.ssrc == 0xdeadbeef);
    assert_int_equal(p.header_len, 12);
    assert_int_equal(p.payload.len, 2);
    assert_memory_equal(p.payload.data, "ab", 2);
}

static void test_parse_csrc_extension_and_padding(void **state)
{
    const uint8_t bytes[] = {0xb1, 0x60, 0,    1,    0, 0, 0,    2, 0, 0, 0,   3,   0, 0,
                             0,    4,    0xbe, 0xde, 0, 1, 0x50, 7, 0, 0, 'x', 'y', 0, 2};
    struct tg_rtp p;
    struct tg_rtp_ext ext;

    (void)state;
    assert_int_equal(tg_rtp_parse(&p, bytes, sizeof(bytes)), TG_OK);
    assert_int_equal(p.csrc_count, 1);
    assert_int_equal(p.header_len, 24);
    assert_int_equal(p.padding, 2);
    assert_int_equal(p.payload.len, 2);
    assert_true(tg_rtp_ext_find(&p, 5, &ext));
    assert_int_equal(ext.len, 1);
    assert_int_equal(ext.data[0], 7);
    assert_false(tg_rtp_ext_find(&p, 6, &ext));
}

static void test_parse_every_cut_is_truncated(void **state)
{
    const uint8_t bytes[] = {0x91, 0x60, 0, 1, 0,    0,    0, 2, 0,    0, 0, 3,
                             0,    0,    0, 4, 0xbe, 0xde, 0, 1, 0x50, 7, 0, 0};
    struct tg_rtp p;

    (void)state;
    for (size_t len = 0; len < sizeof(bytes); len++)
        assert_int_equal(tg_rtp_parse(&p, bytes, len), TG_ERR_TRUNCATED);
    assert_int_equal(tg_rtp_parse(&p, bytes, sizeof(bytes)), TG_OK);
}

static void test_parse_bad_version_and_padding_is_malformed(void **state)
{
    uint8_t bytes[14] = {0x40, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 3};
    struct tg_rtp p;

    (void)state;
    assert_int_equal(tg_rtp_parse(&p, bytes, sizeof(bytes)), TG_ERR_MALFORMED);
    bytes[0] = 0xa0; /* padding of 3 in a payload of 2 */
    assert_int_equal(tg_rtp_parse(&p, bytes, sizeof(bytes)), TG_ERR_MALFORMED);
    bytes[13] = 0;
    assert_int_equal(tg_rtp_parse(&p, bytes, sizeof(bytes)), TG_ERR_MALFORMED);
    assert_int_equal(tg_rtp_parse(&p, bytes, 12), TG_ERR_MALFORMED);
}

static void test_write_then_parse_gives_the_same(void **state)
{
    const struct tg_rtp in = {.marker = true, .pt = 127, .seq = 65535, .ts = 0xfffffffe, .ssrc = 9};
    uint8_t delay[TG_PLAYOUT_DELAY_LEN];
    uint8_t capture[TG_ABS_CAPTURE_TIME_LEN];
    uint8_t out[TG_RTP_HEADER_MAX];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtp p;
    struct tg_rtp_ext ext;

    (void)state;
    tg_playout_delay_write(delay, 1, 0xabc);
    tg_abs_capture_time_write(capture, 0x0102030405060708ULL);
    const struct tg_rtp_ext exts[] = {{.id = 5, .len = sizeof(delay), .data = delay},
                                      {.id = 14, .len = sizeof(capture), .data = capture}};

    tg_rtp_write_header(&w, &in, exts, 2);
    assert_false(w.bad);
    assert_int_equal(tg_rtp_parse(&p, out, tg_wr_len(&w)), TG_OK);
    assert_true(p.marker);
    assert_int_equal(p.pt, in.pt);
    assert_int_equal(p.seq, in.seq);
    assert_true(p.ts == in.ts);
    assert_int_equal(p.ssrc, in.ssrc);
    assert_int_equal(p.header_len, tg_wr_len(&w));
    assert_true(tg_rtp_ext_find(&p, 5, &ext));
    assert_memory_equal(ext.data, "\x00\x1a\xbc", 3);
    assert_true(tg_rtp_ext_find(&p, 14, &ext));
    assert_int_equal(ext.len, 8);
    assert_memory_equal(ext.data, "\1\2\3\4\5\6\7\10", 8);
}

static void test_write_refuses_bad_elements_and_small_room(void **state)
{
    const struct tg_rtp in = {.pt = 96};
    const uint8_t data[17] = {0};
    uint8_t out[TG_RTP_HEADER_MAX];
    struct tg_rtp_ext ext = {.id = 15, .len = 1, .data = data};
    struct tg_wr w = tg_wr(out, sizeof(out));

    (void)state;
    tg_rtp_write_header(&w, &in, &ext, 1);
    assert_true(w.bad);
    ext = (struct tg_rtp_ext){.id = 1, .len = 17, .data = data};
    w = tg_wr(out, sizeof(out));
    tg_rtp_write_header(&w, &in, &ext, 1);
    assert_true(w.bad);
    w = tg_wr(out, 11);
    tg_rtp_write_header(&w, &in, NULL, 0);
    assert_true(w.bad);
}

static void test_ext_two_byte_form(void **state)
{
    const uint8_t block[] = {0, 200, 2, 'h', 'i', 1, 0, 0};
    struct tg_rd r = tg_rd(block, sizeof(block));
    struct tg_rtp_ext ext;

    (void)state;
    assert_true(tg_rtp_ext_next(0x1005, &r, &ext));
    assert_int_equal(ext.id, 200);
    assert_memory_equal(ext.data, "hi", 2);
    assert_true(tg_rtp_ext_next(0x1005, &r, &ext));
    assert_int_equal(ext.len, 0);
    assert_false(tg_rtp_ext_next(0x1005, &r, &ext));
    assert_false(r.bad);
}

static void test_ext_broken_or_reserved_stops(void **state)
{
    const uint8_t cut[] = {0x13, 1, 2, 3}; /* says 4 bytes, has 3 */
    const uint8_t fifteen[] = {0x10, 9, 0xf0, 0, 0x20, 1};
    struct tg_rd r = tg_rd(cut, sizeof(cut));
    struct tg_rtp_ext ext;

    (void)state;
    assert_false(tg_rtp_ext_next(TG_RTP_EXT_ONE_BYTE, &r, &ext));
    assert_true(r.bad);
    r = tg_rd(fifteen, sizeof(fifteen));
    assert_true(tg_rtp_ext_next(TG_RTP_EXT_ONE_BYTE, &r, &ext));
    assert_false(tg_rtp_ext_next(TG_RTP_EXT_ONE_BYTE, &r, &ext));
    assert_false(r.bad);
    r = tg_rd(fifteen, sizeof(fifteen));
    assert_false(tg_rtp_ext_next(0x4321, &r, &ext)); /* unknown profile: nothing of ours */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mux_by_first_bytes),
        cmocka_unit_test(test_parse_plain_header),
        cmocka_unit_test(test_parse_csrc_extension_and_padding),
        cmocka_unit_test(test_parse_every_cut_is_truncated),
        cmocka_unit_test(test_parse_bad_version_and_padding_is_malformed),
        cmocka_unit_test(test_write_then_parse_gives_the_same),
        cmocka_unit_test(test_write_refuses_bad_elements_and_small_room),
        cmocka_unit_test(test_ext_two_byte_form),
        cmocka_unit_test(test_ext_broken_or_reserved_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
