#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "proto/vp8.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define SPAN(...) tg_span(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)))

/* --- descriptor: the examples of RFC 7741 s4.6 ----------------------------------------------- */

static void test_payload_first_packet_of_a_keyframe(void **state)
{
    /* s4.6.1: X=1, S=1, I=1, 7-bit picture id 17. */
    struct tg_vp8_payload p;

    (void)state;
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0x90, 0x80, 0x11, 0x50, 0xab)), TG_OK);
    assert_true(p.start);
    assert_false(p.non_reference);
    assert_int_equal(p.picture_id, 17);
    assert_int_equal(p.temporal_id, 0);
    assert_int_equal(p.frame.len, 2);
    assert_int_equal(p.frame.data[0], 0x50);
}

static void test_payload_long_picture_id_with_layers(void **state)
{
    /* s4.6.5: X, S, N; I, L, T; 15-bit picture id 4711, TL0PICIDX 255, TID 2, Y. */
    struct tg_vp8_payload p;

    (void)state;
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0xb0, 0xe0, 0x92, 0x67, 0xff, 0xa0, 0x01)),
                     TG_OK);
    assert_true(p.start);
    assert_true(p.non_reference);
    assert_int_equal(p.picture_id, 4711);
    assert_int_equal(p.temporal_id, 2);
    assert_int_equal(p.frame.len, 1);
}

static void test_payload_key_index_is_no_temporal_id(void **state)
{
    struct tg_vp8_payload p;

    (void)state;
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0x80, 0x10, 0xdf, 0x77)), TG_OK);
    assert_int_equal(p.temporal_id, 0);
    assert_int_equal(p.picture_id, -1);
    assert_false(p.start);
    assert_int_equal(p.frame.data[0], 0x77);
}

static void test_payload_starts_a_frame_only_in_partition_zero(void **state)
{
    struct tg_vp8_payload p;

    (void)state;
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0x10, 0x01)), TG_OK);
    assert_true(p.start);
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0x11, 0x01)), TG_OK);
    assert_false(p.start);
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0x00, 0x01)), TG_OK);
    assert_false(p.start);
}

static void test_payload_cut_anywhere_is_refused(void **state)
{
    static const uint8_t whole[] = {0xb0, 0xf0, 0x92, 0x67, 0xff, 0xa0, 0x01};
    struct tg_vp8_payload p;

    (void)state;
    for (size_t len = 0; len < 6; len++)
        assert_int_equal(tg_vp8_payload_parse(&p, tg_span(whole, len)), TG_ERR_TRUNCATED);
    assert_int_equal(tg_vp8_payload_parse(&p, tg_span(whole, 6)), TG_ERR_MALFORMED);
    assert_int_equal(tg_vp8_payload_parse(&p, tg_span(whole, 7)), TG_OK);
    assert_int_equal(tg_vp8_payload_parse(&p, SPAN(0x10)), TG_ERR_MALFORMED);
}

/* --- frame header ---------------------------------------------------------------------------- */

static void test_info_keyframe_tells_its_size(void **state)
{
    /* As libvpx writes 1280x720, with scaling bits set that are not the size's. */
    struct tg_vp8_info info;

    (void)state;
    assert_int_equal(
        tg_vp8_info_parse(&info, SPAN(0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x45, 0xd0, 0xc2)),
        TG_OK);
    assert_true(info.key);
    assert_true(info.show);
    assert_int_equal(info.width, 1280);
    assert_int_equal(info.height, 720);
}

static void test_info_interframe_has_no_size(void **state)
{
    struct tg_vp8_info info;

    (void)state;
    assert_int_equal(tg_vp8_info_parse(&info, SPAN(0x31, 0x02, 0x00)), TG_OK);
    assert_false(info.key);
    assert_true(info.show);
    assert_int_equal(info.width, 0);
    assert_int_equal(tg_vp8_info_parse(&info, SPAN(0x21, 0x02, 0x00, 0x01)), TG_OK);
    assert_false(info.show);
}

static void test_info_broken_keyframes_are_refused(void **state)
{
    static const uint8_t key[] = {0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02};
    uint8_t bad[sizeof(key)];
    struct tg_vp8_info info;

    (void)state;
    for (size_t len = 0; len < sizeof(key); len++)
        assert_int_equal(tg_vp8_info_parse(&info, tg_span(key, len)), TG_ERR_TRUNCATED);
    assert_int_equal(tg_vp8_info_parse(&info, tg_span(key, sizeof(key))), TG_OK);
    for (size_t i = 3; i < 6; i++) {
        memcpy(bad, key, sizeof(bad));
        bad[i] ^= 0x01;
        assert_int_equal(tg_vp8_info_parse(&info, tg_span(bad, sizeof(bad))), TG_ERR_MALFORMED);
    }
    for (size_t i = 6; i < 10; i += 2) {
        memcpy(bad, key, sizeof(bad));
        bad[i] = 0;
        bad[i + 1] = 0xc0; /* scaling alone is no size */
        assert_int_equal(tg_vp8_info_parse(&info, tg_span(bad, sizeof(bad))), TG_ERR_MALFORMED);
    }
}

/* --- packing -----------------------------------------------------------------------------------
 */

enum { FRAME_MAX = 6000 };

static void check_pack(size_t len, size_t payload_max)
{
    static uint8_t frame[FRAME_MAX];
    static uint8_t joined[FRAME_MAX];
    uint8_t out[FRAME_MAX];
    struct tg_wr back = tg_wr(joined, sizeof(joined));
    struct tg_vp8_pack pack;
    bool marker = false;
    size_t packets = 0;
    size_t total = 0;
    size_t first = 0;

    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 7 + len);
    assert_int_equal(tg_vp8_pack_init(&pack, tg_span(frame, len), payload_max), TG_OK);
    for (;;) {
        struct tg_wr w = tg_wr(out, sizeof(out));
        struct tg_vp8_payload p;

        if (!tg_vp8_pack_next(&pack, &w, &marker))
            break;
        assert_true(tg_wr_len(&w) <= payload_max);
        assert_int_equal(tg_vp8_payload_parse(&p, tg_span(out, tg_wr_len(&w))), TG_OK);
        assert_int_equal(p.start, packets == 0);
        assert_int_equal(p.picture_id, -1);
        first = packets == 0 ? tg_wr_len(&w) : first;
        if (!marker)
            assert_int_equal(tg_wr_len(&w), first);
        else
            assert_true(tg_wr_len(&w) + pack.packet_count > first);
        tg_wr_bytes(&back, p.frame.data, p.frame.len);
        total += tg_wr_len(&w);
        packets++;
    }
    assert_true(marker);
    assert_int_equal(packets, pack.packet_count);
    assert_int_equal(total, pack.bytes_total);
    assert_int_equal(tg_wr_len(&back), len);
    assert_memory_equal(joined, frame, len);
}

static void test_pack_any_length_comes_back_in_equal_pieces(void **state)
{
    (void)state;
    for (size_t len = 1; len < 600; len++)
        check_pack(len, 64);
    for (size_t len = 1180; len < 1200; len++)
        check_pack(len, 1188);
    check_pack(FRAME_MAX - 1, 1188);
}

static void test_pack_fills_a_payload_exactly(void **state)
{
    uint8_t frame[1188] = {0};
    struct tg_vp8_pack pack;

    (void)state;
    assert_int_equal(tg_vp8_pack_init(&pack, tg_span(frame, 1187), 1188), TG_OK);
    assert_int_equal(pack.packet_count, 1);
    assert_int_equal(tg_vp8_pack_init(&pack, tg_span(frame, 1188), 1188), TG_OK);
    assert_int_equal(pack.packet_count, 2);
    assert_int_equal(pack.piece, 594);
}

static void test_pack_payload_sizes_out_of_range_are_refused(void **state)
{
    uint8_t frame[10] = {0};
    struct tg_vp8_pack pack;

    (void)state;
    assert_int_equal(tg_vp8_pack_init(&pack, tg_span(frame, 10), 63), TG_ERR_LIMIT);
    assert_int_equal(tg_vp8_pack_init(&pack, tg_span(frame, 10), 65536), TG_ERR_LIMIT);
    assert_int_equal(tg_vp8_pack_init(&pack, tg_span(frame, 10), 64), TG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_first_packet_of_a_keyframe),
        cmocka_unit_test(test_payload_long_picture_id_with_layers),
        cmocka_unit_test(test_payload_key_index_is_no_temporal_id),
        cmocka_unit_test(test_payload_starts_a_frame_only_in_partition_zero),
        cmocka_unit_test(test_payload_cut_anywhere_is_refused),
        cmocka_unit_test(test_info_keyframe_tells_its_size),
        cmocka_unit_test(test_info_interframe_has_no_size),
        cmocka_unit_test(test_info_broken_keyframes_are_refused),
        cmocka_unit_test(test_pack_any_length_comes_back_in_equal_pieces),
        cmocka_unit_test(test_pack_fills_a_payload_exactly),
        cmocka_unit_test(test_pack_payload_sizes_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
