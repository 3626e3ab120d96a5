/*
 * test_rfc4571.c - packets out of a stream, however it was cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/rfc4571.h"

/* Packets of 1, 2, 300 and 1500 bytes, each filled with its number. */
static const size_t sizes[] = {1, 2, 300, TG_UDP_PACKET_MAX};

static size_t stream(uint8_t *out)
{
    size_t at = 0;

    for (size_t i = 0; i < TG_ARRAY_LEN(sizes); i++) {
        tg_rfc4571_head(out + at, sizes[i]);
        memset(out + at + TG_RFC4571_HEAD, (int)i + 1, sizes[i]);
        at += TG_RFC4571_HEAD + sizes[i];
    }
    return at;
}

static void expect(struct tg_rfc4571 *r, struct tg_rd *in, size_t *inout_count)
{
    uint8_t *packet = NULL;
    size_t len = 0;

    while (tg_rfc4571_next(r, in, &packet, &len) == TG_OK) {
        assert_true(*inout_count < TG_ARRAY_LEN(sizes));
        assert_int_equal(len, sizes[*inout_count]);
        assert_int_equal(packet[0], *inout_count + 1);
        assert_int_equal(packet[len - 1], *inout_count + 1);
        ++*inout_count;
    }
    assert_int_equal(tg_rd_left(in), 0);
}

static void test_rfc4571_head_is_big_endian(void **state)
{
    uint8_t head[TG_RFC4571_HEAD];

    (void)state;
    tg_rfc4571_head(head, 0x0123);
    assert_int_equal(head[0], 0x01);
    assert_int_equal(head[1], 0x23);
}

static void test_rfc4571_split_at_every_byte_reads_the_same(void **state)
{
    static uint8_t bytes[2048];
    const size_t len = stream(bytes);

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        struct tg_rfc4571 r = {0};
        struct tg_rd a = tg_rd(bytes, cut);
        struct tg_rd b = tg_rd(bytes + cut, len - cut);
        size_t count = 0;

        expect(&r, &a, &count);
        expect(&r, &b, &count);
        assert_int_equal(count, TG_ARRAY_LEN(sizes));
    }
}

static void test_rfc4571_byte_by_byte_reads_the_same(void **state)
{
    static uint8_t bytes[2048];
    const size_t len = stream(bytes);
    struct tg_rfc4571 r = {0};
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        struct tg_rd in = tg_rd(bytes + i, 1);

        expect(&r, &in, &count);
    }
    assert_int_equal(count, TG_ARRAY_LEN(sizes));
}

static void test_rfc4571_empty_packet_is_malformed(void **state)
{
    const uint8_t bytes[] = {0, 1, 7, 0, 0, 0, 1, 7};
    struct tg_rfc4571 r = {0};
    struct tg_rd in = tg_rd(bytes, sizeof(bytes));
    uint8_t *packet = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_rfc4571_next(&r, &in, &packet, &len), TG_OK);
    assert_int_equal(len, 1);
    assert_int_equal(tg_rfc4571_next(&r, &in, &packet, &len), TG_ERR_MALFORMED);
}

/* Refused when the length is there, not when 64 KB have come. */
static void test_rfc4571_oversize_packet_is_refused_at_its_head(void **state)
{
    const uint8_t bytes[] = {(TG_UDP_PACKET_MAX + 1) >> 8, (TG_UDP_PACKET_MAX + 1) & 0xff};
    struct tg_rfc4571 r = {0};
    struct tg_rd in = tg_rd(bytes, sizeof(bytes));
    uint8_t *packet = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_rfc4571_next(&r, &in, &packet, &len), TG_ERR_LIMIT);
    assert_null(packet);
    assert_int_equal(tg_rfc4571_next(&r, &in, &packet, &len), TG_ERR_LIMIT); /* for good */
}

static void test_rfc4571_no_bytes_is_no_packet(void **state)
{
    struct tg_rfc4571 r = {0};
    struct tg_rd in = tg_rd(NULL, 0);
    uint8_t *packet = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_rfc4571_next(&r, &in, &packet, &len), TG_ERR_AGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4571_head_is_big_endian),
        cmocka_unit_test(test_rfc4571_split_at_every_byte_reads_the_same),
        cmocka_unit_test(test_rfc4571_byte_by_byte_reads_the_same),
        cmocka_unit_test(test_rfc4571_empty_packet_is_malformed),
        cmocka_unit_test(test_rfc4571_oversize_packet_is_refused_at_its_head),
        cmocka_unit_test(test_rfc4571_no_bytes_is_no_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
