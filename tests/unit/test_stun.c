/*
 * test_stun.c - RFC 5769 vectors, round trips, and what must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/stun.h"

static const char vector_pwd[] = "VOkJxbRl1RmTxUk/WvJxBt";

/* RFC 5769 s2.1 */
static const uint8_t vector_request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};

/* RFC 5769 s2.2 */
static const uint8_t vector_response_v4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};

/* RFC 5769 s2.3 */
static const uint8_t vector_response_v6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c};

static void test_stun_rfc5769_request_parses_and_verifies(void **state)
{
    struct tg_stun msg;

    (void)state;
    assert_int_equal(tg_stun_parse(&msg, vector_request, sizeof(vector_request)), TG_OK);
    assert_int_equal(msg.type, TG_STUN_REQUEST);
    assert_int_equal(msg.username.len, 9);
    assert_memory_equal(msg.username.data, "evtj:h6vY", 9);
    assert_int_equal(msg.priority, 0x6e0001ff);
    assert_true(msg.has_controlled);
    assert_true(msg.tie_breaker == 0x932ff9b151263b36u);
    assert_true(msg.has_fingerprint);
    assert_true(tg_stun_check_integrity(&msg, vector_request, sizeof(vector_request), vector_pwd));
    assert_false(tg_stun_check_integrity(&msg, vector_request, sizeof(vector_request), "wrong"));
}

static void test_stun_rfc5769_responses_give_the_mapped_address(void **state)
{
    const struct tg_addr v4 = tg_addr_v4(192, 0, 2, 1, 32853);
    const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78,
                            0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
    struct tg_stun msg;

    (void)state;
    assert_int_equal(tg_stun_parse(&msg, vector_response_v4, sizeof(vector_response_v4)), TG_OK);
    assert_true(msg.has_mapped && tg_addr_equal(&msg.mapped, &v4));
    assert_true(
        tg_stun_check_integrity(&msg, vector_response_v4, sizeof(vector_response_v4), vector_pwd));
    assert_int_equal(tg_stun_parse(&msg, vector_response_v6, sizeof(vector_response_v6)), TG_OK);
    assert_memory_equal(msg.mapped.ip, v6, 16);
    assert_int_equal(msg.mapped.port, 32853);
    assert_true(
        tg_stun_check_integrity(&msg, vector_response_v6, sizeof(vector_response_v6), vector_pwd));
}

static void test_stun_every_flipped_bit_of_a_vector_is_noticed(void **state)
{
    uint8_t copy[sizeof(vector_request)];

    (void)state;
    for (size_t bit = 0; bit < sizeof(copy) * 8; bit++) {
        struct tg_stun msg;

        memcpy(copy, vector_request, sizeof(copy));
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (tg_stun_parse(&msg, copy, sizeof(copy)) == TG_OK)
            /* Only the fingerprint attribute itself may vanish; the integrity never lies. */
            assert_true(!msg.has_fingerprint);
    }
}

static void test_stun_every_cut_is_refused(void **state)
{
    struct tg_stun msg;

    (void)state;
    for (size_t len = 0; len < sizeof(vector_request); len++)
        assert_int_not_equal(tg_stun_parse(&msg, vector_request, len), TG_OK);
}

static struct tg_stun full_request(void)
{
    struct tg_stun msg = {.type = TG_STUN_REQUEST,
                          .id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                          .username = tg_span("abcd:efghi", 10),
                          .has_priority = true,
                          .priority = 0x7e0001ff,
                          .use_candidate = true,
                          .has_controlling = true,
                          .tie_breaker = 0x0102030405060708};

    return msg;
}

static void test_stun_request_round_trip(void **state)
{
    const struct tg_stun in = full_request();
    struct tg_stun out;
    uint8_t bytes[TG_STUN_SIZE_MAX];
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &in, "0123456789012345678901"),
                     TG_OK);
    assert_int_equal(tg_stun_parse(&out, bytes, len), TG_OK);
    assert_int_equal(out.type, in.type);
    assert_memory_equal(out.id, in.id, sizeof(in.id));
    assert_int_equal(out.username.len, 10);
    assert_memory_equal(out.username.data, "abcd:efghi", 10);
    assert_int_equal(out.priority, in.priority);
    assert_true(out.use_candidate && out.has_controlling && !out.has_controlled);
    assert_true(out.tie_breaker == in.tie_breaker && out.has_fingerprint);
    assert_true(tg_stun_check_integrity(&out, bytes, len, "0123456789012345678901"));
}

static void test_stun_mapped_addresses_round_trip(void **state)
{
    struct tg_addr v6 = {.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 7}, .port = 65535};
    const struct tg_addr addrs[] = {tg_addr_v4(10, 20, 30, 40, 1), v6};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(addrs); i++) {
        struct tg_stun in = {.type = TG_STUN_SUCCESS, .has_mapped = true, .mapped = addrs[i]};
        struct tg_stun out;
        uint8_t bytes[128];
        size_t len = 0;

        assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &in, "pw"), TG_OK);
        assert_int_equal(tg_stun_parse(&out, bytes, len), TG_OK);
        assert_true(out.has_mapped && tg_addr_equal(&out.mapped, &addrs[i]));
    }
}

static void test_stun_420_names_the_unknown_attributes(void **state)
{
    struct tg_stun in = {
        .type = TG_STUN_ERROR, .error_code = 420, .unknown_count = 3, .unknown = {0x7777, 3, 4}};
    struct tg_stun out;
    uint8_t bytes[128];
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &in, NULL), TG_OK);
    assert_int_equal(tg_stun_parse(&out, bytes, len), TG_OK);
    assert_int_equal(out.error_code, 420);
    assert_int_equal(out.unknown_count, 3);
    assert_memory_equal(out.unknown, in.unknown, sizeof(in.unknown));
    assert_int_equal(out.integrity_at, 0);
}

/* A Binding request with one more attribute, without integrity and fingerprint. */
static size_t request_with(uint8_t *out, size_t cap, uint16_t type, const void *value, size_t len)
{
    struct tg_wr w = tg_wr(out, cap);

    tg_wr_u16(&w, TG_STUN_REQUEST);
    tg_wr_u16(&w, (uint16_t)(4 + (len + 3) / 4 * 4));
    tg_wr_u32(&w, 0x2112A442);
    tg_wr_bytes(&w, "abcdefghijkl", 12);
    tg_wr_u16(&w, type);
    tg_wr_u16(&w, (uint16_t)len);
    tg_wr_bytes(&w, value, len);
    tg_wr_bytes(&w, "\0\0\0", (4 - len % 4) % 4);
    assert_false(w.bad);
    return tg_wr_len(&w);
}

static void test_stun_required_unknown_is_reported_optional_is_not(void **state)
{
    struct tg_stun msg;
    uint8_t bytes[64];
    size_t len = request_with(bytes, sizeof(bytes), 0x7001, "abc", 3);

    (void)state;
    assert_int_equal(tg_stun_parse(&msg, bytes, len), TG_OK);
    assert_int_equal(msg.unknown_count, 1);
    assert_int_equal(msg.unknown[0], 0x7001);
    len = request_with(bytes, sizeof(bytes), 0xC057, "abcd", 4);
    assert_int_equal(tg_stun_parse(&msg, bytes, len), TG_OK);
    assert_int_equal(msg.unknown_count, 0);
}

static void test_stun_attributes_of_a_wrong_size_are_malformed(void **state)
{
    static const uint16_t types[] = {0x0024, 0x0025, 0x0020, 0x0008, 0x8028, 0x8029, 0x802A};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(types); i++) {
        struct tg_stun msg;
        uint8_t bytes[64];
        const size_t len = request_with(bytes, sizeof(bytes), types[i], "abc", 3);

        assert_int_equal(tg_stun_parse(&msg, bytes, len), TG_ERR_MALFORMED);
    }
}

static void test_stun_other_methods_are_unsupported(void **state)
{
    struct tg_stun msg;
    uint8_t bytes[64];
    const size_t len = request_with(bytes, sizeof(bytes), 0xC057, "", 0);

    (void)state;
    bytes[1] = 0x03; /* Allocate */
    assert_int_equal(tg_stun_parse(&msg, bytes, len), TG_ERR_UNSUPPORTED);
}

static void test_stun_write_into_every_short_buffer_is_refused(void **state)
{
    const struct tg_stun in = full_request();
    uint8_t bytes[256];
    size_t need = 0;

    (void)state;
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &need, &in, "pw"), TG_OK);
    for (size_t cap = 0; cap < need; cap++) {
        size_t len = 0;

        assert_int_equal(tg_stun_write(bytes, cap, &len, &in, "pw"), TG_ERR_LIMIT);
    }
}

static void test_stun_attributes_after_integrity_do_not_count(void **state)
{
    struct tg_stun in = {.type = TG_STUN_REQUEST};
    struct tg_stun out;
    uint8_t bytes[256];
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &in, "pw"), TG_OK);
    /* Replace the fingerprint by USE-CANDIDATE and a zero-length optional attribute. */
    memcpy(bytes + len - 8, "\x00\x25\x00\x00\xC0\x00\x00\x00", 8);
    assert_int_equal(tg_stun_parse(&out, bytes, len), TG_OK);
    assert_false(out.use_candidate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stun_rfc5769_request_parses_and_verifies),
        cmocka_unit_test(test_stun_rfc5769_responses_give_the_mapped_address),
        cmocka_unit_test(test_stun_every_flipped_bit_of_a_vector_is_noticed),
        cmocka_unit_test(test_stun_every_cut_is_refused),
        cmocka_unit_test(test_stun_request_round_trip),
        cmocka_unit_test(test_stun_mapped_addresses_round_trip),
        cmocka_unit_test(test_stun_420_names_the_unknown_attributes),
        cmocka_unit_test(test_stun_required_unknown_is_reported_optional_is_not),
        cmocka_unit_test(test_stun_attributes_of_a_wrong_size_are_malformed),
        cmocka_unit_test(test_stun_other_methods_are_unsupported),
        cmocka_unit_test(test_stun_write_into_every_short_buffer_is_refused),
        cmocka_unit_test(test_stun_attributes_after_integrity_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
