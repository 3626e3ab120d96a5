/*
 * test_h264_unpack.c - RTP payloads to access units, and back and forth with tg_h264_pack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/rng.h"
#include "proto/h264.h"
#include "proto/h264_unpack.h"

#define SPAN_OF(a) tg_span((a), sizeof(a))

static tg_err feed(struct tg_h264_unpack *u, const void *bytes, size_t len)
{
    return tg_h264_unpack_add(u, tg_span(bytes, len));
}

static void assert_au(struct tg_h264_unpack *u, const void *want, size_t len)
{
    struct tg_span au;

    assert_int_equal(tg_h264_unpack_end(u, &au), TG_OK);
    assert_int_equal(au.len, len);
    assert_memory_equal(au.data, want, len);
}

static void test_single_unit_gets_a_length(void **state)
{
    struct tg_h264_unpack u;

    (void)state;
    tg_h264_unpack_init(&u, 1000);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x41\x9a\x01", 3), TG_OK);
    assert_au(&u, "\0\0\0\3\x41\x9a\x01", 7);
    assert_false(u.key);
    tg_h264_unpack_done(&u);
}

static void test_stap_a_is_taken_apart(void **state)
{
    struct tg_h264_unpack u;

    (void)state;
    tg_h264_unpack_init(&u, 1000);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x78\0\2\x67\x42\0\3\x68\xce\x0f\0\1\x65", 13), TG_OK);
    assert_au(&u, "\0\0\0\2\x67\x42\0\0\0\3\x68\xce\x0f\0\0\0\1\x65", 18);
    assert_true(u.key);
    tg_h264_unpack_done(&u);
}

static void test_fu_a_is_joined_with_its_header(void **state)
{
    struct tg_h264_unpack u;

    (void)state;
    tg_h264_unpack_init(&u, 1000);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x7c\x85\x11\x22", 4), TG_OK); /* NRI 3, start, IDR */
    assert_int_equal(feed(&u, "\x7c\x05\x33", 3), TG_OK);
    assert_int_equal(feed(&u, "\x7c\x45\x44", 3), TG_OK);
    assert_au(&u, "\0\0\0\5\x65\x11\x22\x33\x44", 9);
    assert_true(u.key);
    tg_h264_unpack_begin(&u);
    assert_false(u.key);
    tg_h264_unpack_done(&u);
}

static void test_broken_payloads_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        tg_err want;
    } cases[] = {
        {"", 0, TG_ERR_MALFORMED},
        {"\x60\x01", 2, TG_ERR_MALFORMED},           /* type 0 */
        {"\x78", 1, TG_ERR_MALFORMED},               /* empty STAP-A */
        {"\x78\0\0", 3, TG_ERR_MALFORMED},           /* empty unit in it */
        {"\x78\0\5\x67", 4, TG_ERR_MALFORMED},       /* unit beyond the end */
        {"\x78\0\1\x67\0", 5, TG_ERR_MALFORMED},     /* half a size */
        {"\x78\0\2\x78\0", 5, TG_ERR_MALFORMED},     /* STAP-A in STAP-A */
        {"\x7c", 1, TG_ERR_MALFORMED},               /* FU-A without its header */
        {"\x7c\x85", 2, TG_ERR_MALFORMED},           /* ... without bytes */
        {"\x7c\x05\x33", 3, TG_ERR_MALFORMED},       /* ... without a start */
        {"\x7c\xc5\x33", 3, TG_ERR_MALFORMED},       /* start and end at once */
        {"\x7c\x80\x33", 3, TG_ERR_MALFORMED},       /* type 0 inside */
        {"\x79\0\0\0\1\x67", 6, TG_ERR_UNSUPPORTED}, /* STAP-B */
        {"\x7d\x85\0\0\x33", 5, TG_ERR_UNSUPPORTED}, /* FU-B */
        {"\x7f\x01", 2, TG_ERR_UNSUPPORTED},         /* type 31 */
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(cases); i++) {
        struct tg_h264_unpack u;

        tg_h264_unpack_init(&u, 1000);
        tg_h264_unpack_begin(&u);
        if (feed(&u, cases[i].bytes, cases[i].len) != cases[i].want)
            fail_msg("case %zu", i);
        tg_h264_unpack_done(&u);
    }
}

static void test_unfinished_units_make_no_access_unit(void **state)
{
    struct tg_h264_unpack u;
    struct tg_span au;

    (void)state;
    tg_h264_unpack_init(&u, 1000);
    tg_h264_unpack_begin(&u);
    assert_int_equal(tg_h264_unpack_end(&u, &au), TG_ERR_MALFORMED);
    assert_int_equal(feed(&u, "\x7c\x85\x11", 3), TG_OK);
    assert_int_equal(tg_h264_unpack_end(&u, &au), TG_ERR_MALFORMED);
    /* Another unit in the middle of one, and a second start. */
    assert_int_equal(feed(&u, "\x41\x9a", 2), TG_ERR_MALFORMED);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x7c\x85\x11", 3), TG_OK);
    assert_int_equal(feed(&u, "\x7c\x85\x11", 3), TG_ERR_MALFORMED);
    tg_h264_unpack_done(&u);
}

static void test_size_and_units_are_bounded(void **state)
{
    struct tg_h264_unpack u;
    tg_err err = TG_OK;

    (void)state;
    tg_h264_unpack_init(&u, 16);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x41\1\2\3\4\5\6\7\x8\x9\xa\xb", 12), TG_OK);
    assert_int_equal(feed(&u, "\x41", 1), TG_ERR_LIMIT);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x41", 1), TG_OK);
    tg_h264_unpack_done(&u);
    tg_h264_unpack_init(&u, 100000);
    tg_h264_unpack_begin(&u);
    for (int i = 0; i <= TG_H264_NALS_MAX && err == TG_OK; i++)
        err = feed(&u, "\x41", 1);
    assert_int_equal(err, TG_ERR_LIMIT);
    tg_h264_unpack_done(&u);
}

static void test_peek_tells_starts_and_keys(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool start;
        bool key;
    } cases[] = {
        {"\x67\x42", 2, true, false},
        {"\x09\xf0", 2, true, false},
        {"\x68\xce", 2, false, false},
        {"\x65\x88", 2, false, true},
        {"\x41\x9a", 2, false, false},
        {"\x7c\x85\x11", 3, false, true},
        {"\x7c\x05\x11", 3, false, true},
        {"\x7c\x41\x11", 3, false, false},
        {"\x7c\x87\x11", 3, true, false}, /* an SPS in pieces */
        {"\x7c\x07\x11", 3, false, false},
        {"\x78\0\2\x67\x42\0\1\x68", 8, true, false},
        {"\x78\0\2\x67\x42\0\1\x65", 8, true, true},
        {"\x78\0\1\x68\0\2\x67\x42", 8, false, false},
        {"\x78\0\1\x68\0\x20\x65\x42", 8, false, false}, /* cut off */
        {"", 0, false, false},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(cases); i++) {
        const struct tg_h264_peek peek = tg_h264_peek(tg_span(cases[i].bytes, cases[i].len));

        if (peek.start != cases[i].start || peek.key != cases[i].key)
            fail_msg("case %zu", i);
    }
}

enum { NALS = 5, NAL_MAX = 5000 };

/* What was packed comes back bit by bit, at every payload size. */
static void test_round_trip_with_pack(void **state)
{
    static uint8_t bytes[NALS][NAL_MAX];
    static uint8_t want[NALS * (NAL_MAX + 4)];
    static struct tg_h264_pack pack;
    struct tg_rng rng = tg_rng_seeded(7);
    struct tg_h264_unpack u;

    (void)state;
    tg_h264_unpack_init(&u, sizeof(want));
    for (int round = 0; round < 300; round++) {
        struct tg_span nals[NALS];
        struct tg_wr expect = tg_wr(want, sizeof(want));
        uint8_t payload[1500];
        bool marker = false;

        for (int i = 0; i < NALS; i++) {
            size_t len = 1 + tg_rng_below(&rng, i % 2 == 0 ? NAL_MAX : 60);

            tg_rng_bytes(&rng, bytes[i], len);
            bytes[i][0] = i == 0 ? 0x67 : i == 1 ? 0x68 : i == 2 ? 0x65 : 0x41;
            nals[i] = tg_span(bytes[i], len);
            tg_wr_u32(&expect, (uint32_t)len);
            tg_wr_bytes(&expect, bytes[i], len);
        }
        assert_int_equal(tg_h264_pack_init(&pack, nals, NALS, NULL, 64 + tg_rng_below(&rng, 1400)),
                         TG_OK);
        tg_h264_unpack_begin(&u);
        for (struct tg_wr w = tg_wr(payload, sizeof(payload));
             tg_h264_pack_next(&pack, &w, &marker); w = tg_wr(payload, sizeof(payload)))
            assert_int_equal(feed(&u, payload, tg_wr_len(&w)), TG_OK);
        assert_true(marker);
        assert_au(&u, want, tg_wr_len(&expect));
        assert_true(u.key);
    }
    tg_h264_unpack_done(&u);
}

static void test_without_memory_says_so(void **state)
{
    struct tg_h264_unpack u;
    struct tg_span au;

    (void)state;
    tg_h264_unpack_init(&u, 1000);
    tg_h264_unpack_begin(&u);
    tg_alloc_fail_nth(0);
    assert_int_equal(feed(&u, "\x41\x9a\x01", 3), TG_ERR_NOMEM);
    assert_true(tg_alloc_failed());
    tg_alloc_fail_nth(-1);
    assert_int_equal(tg_h264_unpack_end(&u, &au), TG_ERR_NOMEM);
    tg_h264_unpack_begin(&u);
    assert_int_equal(feed(&u, "\x41\x9a\x01", 3), TG_OK);
    assert_int_equal(tg_h264_unpack_end(&u, &au), TG_OK);
    tg_h264_unpack_done(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_unit_gets_a_length),
        cmocka_unit_test(test_stap_a_is_taken_apart),
        cmocka_unit_test(test_fu_a_is_joined_with_its_header),
        cmocka_unit_test(test_broken_payloads_are_refused),
        cmocka_unit_test(test_unfinished_units_make_no_access_unit),
        cmocka_unit_test(test_size_and_units_are_bounded),
        cmocka_unit_test(test_peek_tells_starts_and_keys),
        cmocka_unit_test(test_round_trip_with_pack),
        cmocka_unit_test(test_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
