/*
 * test_h264.c - NAL units, parameter sets made by x264, slice headers, RTP payloads.
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

/* x264 r3095 through ffmpeg: testsrc2, veryfast. */
static const uint8_t sps_baseline_720p[] = {0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16,
                                            0xec, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40,
                                            0x00, 0x00, 0x0f, 0x03, 0xc6, 0x0c, 0xa8};
static const uint8_t sps_high_1080p_b[] = {0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
                                           0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
                                           0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58};
static const uint8_t sps_main_360p[] = {0x67, 0x4d, 0x40, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5,
                                        0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00,
                                        0x03, 0x00, 0xf0, 0x3c, 0x58, 0xba, 0x80};
static const uint8_t sps_444_360p[] = {0x67, 0xf4, 0x00, 0x1e, 0x91, 0x9b, 0x28, 0x14, 0x05,
                                       0xff, 0x13, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08,
                                       0x00, 0x00, 0x03, 0x01, 0xe0, 0x78, 0xb1, 0x6c, 0xb0};
static const uint8_t pps[] = {0x68, 0xce, 0x0f, 0xc8};

#define SPAN_OF(a) tg_span((a), sizeof(a))

static struct tg_avcc make_avcc(void)
{
    return (struct tg_avcc){.profile = 66,
                            .constraints = 0xc0,
                            .level = 31,
                            .nal_len_size = 4,
                            .sps_count = 1,
                            .pps_count = 1,
                            .sps = {SPAN_OF(sps_baseline_720p)},
                            .pps = {SPAN_OF(pps)}};
}

static void test_sps_of_x264_gives_size_and_reordering(void **state)
{
    struct tg_h264_sps sps;

    (void)state;
    assert_int_equal(tg_h264_sps_parse(&sps, SPAN_OF(sps_baseline_720p)), TG_OK);
    assert_int_equal(sps.profile, TG_H264_PROFILE_BASELINE);
    assert_int_equal(sps.level, 31);
    assert_int_equal(sps.width, 1280);
    assert_int_equal(sps.height, 720);
    assert_int_equal(sps.reorder_frames, 0);
    assert_false(tg_h264_sps_may_reorder(&sps));
    assert_int_equal(tg_h264_sps_parse(&sps, SPAN_OF(sps_high_1080p_b)), TG_OK);
    assert_int_equal(sps.profile, TG_H264_PROFILE_HIGH);
    assert_int_equal(sps.width, 1920);
    assert_int_equal(sps.height, 1080); /* 1088 cropped */
    assert_int_equal(sps.reorder_frames, 2);
    assert_true(tg_h264_sps_may_reorder(&sps));
    assert_int_equal(tg_h264_sps_parse(&sps, SPAN_OF(sps_main_360p)), TG_OK);
    assert_int_equal(sps.width, 640);
    assert_int_equal(sps.height, 360);
    assert_int_equal(sps.reorder_frames, 0);
    assert_int_equal(sps.chroma_format, 1);
    assert_int_equal(tg_h264_sps_parse(&sps, SPAN_OF(sps_444_360p)), TG_OK);
    assert_int_equal(sps.chroma_format, 3);
    assert_int_equal(sps.width, 640);
    assert_int_equal(sps.height, 360);
}

static void test_sps_cut_anywhere_never_gives_another_size(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(sps_high_1080p_b); len++) {
        struct tg_h264_sps sps = {0};
        tg_err err = tg_h264_sps_parse(&sps, tg_span(sps_high_1080p_b, len));

        if (err == TG_OK)
            assert_int_equal(sps.height, 1080); /* only the VUI is missing */
        else
            assert_true(err == TG_ERR_TRUNCATED || err == TG_ERR_MALFORMED);
    }
}

static void test_slice_types_of_x264(void **state)
{
    static const uint8_t idr[] = {0x65, 0x88, 0x84, 0x00};
    static const uint8_t p[] = {0x41, 0x9a, 0x21, 0x18};
    static const uint8_t b[] = {0x01, 0x9e, 0xa4, 0x44};
    const struct tg_span nals[] = {SPAN_OF(p), SPAN_OF(idr), SPAN_OF(b)};
    struct tg_h264_slice slice;

    (void)state;
    assert_int_equal(tg_h264_slice_parse(&slice, nals[0]), TG_OK);
    assert_int_equal(slice.type, TG_H264_P);
    assert_int_equal(slice.first_mb, 0);
    assert_int_equal(tg_h264_slice_parse(&slice, nals[1]), TG_OK);
    assert_int_equal(slice.type, TG_H264_I);
    assert_int_equal(tg_h264_slice_parse(&slice, nals[2]), TG_OK);
    assert_int_equal(slice.type, TG_H264_B);
    assert_int_equal(tg_h264_slice_parse(&slice, SPAN_OF(pps)), TG_ERR_MALFORMED);
    assert_int_equal(tg_h264_slice_parse(&slice, tg_span(p, 1)), TG_ERR_TRUNCATED);
    assert_true(tg_h264_has_b(nals, 3));
    assert_false(tg_h264_has_b(nals, 2));
    assert_true(tg_h264_is_key(nals, 2));
    assert_false(tg_h264_is_key(nals, 1));
}

static void test_avcc_round_trip_and_cuts(void **state)
{
    struct tg_avcc avcc = make_avcc();
    struct tg_avcc back;
    uint8_t bytes[128];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    (void)state;
    tg_avcc_write(&w, &avcc);
    assert_false(w.bad);
    assert_int_equal(tg_avcc_parse(&back, bytes, tg_wr_len(&w)), TG_OK);
    assert_int_equal(back.nal_len_size, 4);
    assert_int_equal(back.sps[0].len, sizeof(sps_baseline_720p));
    assert_memory_equal(back.pps[0].data, pps, sizeof(pps));
    for (size_t len = 0; len < tg_wr_len(&w); len++) {
        tg_err err = tg_avcc_parse(&back, bytes, len);

        assert_true(err == TG_ERR_TRUNCATED || err == TG_ERR_MALFORMED);
    }
    bytes[4] = 0xfe; /* length size 3 does not exist */
    assert_int_equal(tg_avcc_parse(&back, bytes, tg_wr_len(&w)), TG_ERR_MALFORMED);
    bytes[4] = 0xff;
    bytes[5] = 0xe5; /* five SPS */
    assert_int_equal(tg_avcc_parse(&back, bytes, tg_wr_len(&w)), TG_ERR_LIMIT);
}

static void test_split_length_prefixed_and_annexb(void **state)
{
    static const uint8_t avc[] = {0, 2, 0x41, 1, 0, 0, 0, 1, 0x65};
    static const uint8_t annexb[] = {0, 0, 0, 1, 0x09, 0xf0, 0, 0, 1, 0x65, 7, 0, 0, 0, 1, 0x41};
    struct tg_span nals[TG_H264_NALS_MAX];
    size_t count;

    (void)state;
    assert_int_equal(tg_h264_split(nals, &count, avc, sizeof(avc), 2), TG_OK);
    assert_int_equal(count, 2); /* the empty unit is passed over */
    assert_int_equal(tg_h264_type(nals[1]), TG_H264_IDR);
    assert_int_equal(tg_h264_split(nals, &count, avc, sizeof(avc) - 1, 2), TG_ERR_MALFORMED);
    assert_int_equal(count, 1);
    assert_int_equal(tg_h264_split(nals, &count, annexb, sizeof(annexb), 0), TG_OK);
    assert_int_equal(count, 3);
    assert_int_equal(nals[0].len, 2);
    assert_int_equal(nals[1].len, 2);
    assert_int_equal(nals[2].len, 1);
    assert_string_equal(tg_h264_type_name(tg_h264_type(nals[0])), "aud");
}

/* Takes RTP payloads apart again, as a receiver would, into NAL units laid end to end. */
struct depack {
    uint8_t bytes[200000];
    size_t len;
    size_t nal_count;
    bool in_fu;
};

static void put(struct depack *d, struct tg_span part)
{
    assert_true(d->len + part.len <= sizeof(d->bytes));
    memcpy(d->bytes + d->len, part.data, part.len);
    d->len += part.len;
}

static void depack(struct depack *d, const uint8_t *payload, size_t len)
{
    struct tg_rd r = tg_rd(payload, len);
    unsigned type = payload[0] & 0x1f;

    if (type == TG_H264_STAP_A) {
        tg_rd_skip(&r, 1);
        while (tg_rd_left(&r) > 0) {
            uint16_t nal_len = tg_rd_u16(&r);

            put(d, tg_rd_span(&r, nal_len));
            d->nal_count++;
        }
    } else if (type == TG_H264_FU_A) {
        unsigned indicator = tg_rd_u8(&r);
        unsigned head = tg_rd_u8(&r);
        uint8_t nal_head = (uint8_t)((indicator & 0xe0) | (head & 0x1f));

        assert_int_equal((head & 0x80) != 0, !d->in_fu);
        if (!d->in_fu)
            put(d, tg_span(&nal_head, 1));
        d->in_fu = (head & 0x40) == 0;
        d->nal_count += !d->in_fu;
        put(d, tg_rd_span(&r, tg_rd_left(&r)));
    } else {
        put(d, tg_rd_span(&r, len));
        d->nal_count++;
    }
    assert_false(r.bad);
}

static void test_pack_keyframe_gets_parameter_sets_and_equal_fragments(void **state)
{
    static uint8_t idr[10000] = {0x65};
    static const uint8_t aud[] = {9, 0xf0};
    static const uint8_t sei[] = {6, 5, 1, 2};
    const struct tg_span nals[] = {SPAN_OF(aud), SPAN_OF(sei), SPAN_OF(idr)};
    struct tg_avcc avcc = make_avcc();
    struct tg_h264_pack pack;
    uint8_t out[1188];
    bool marker = false;
    size_t first_len = 0;
    unsigned at = 0;

    (void)state;
    assert_int_equal(tg_h264_pack_init(&pack, nals, 3, &avcc, 1188), TG_OK);
    assert_true(pack.key);
    assert_int_equal(pack.packet_count, 1 + 9);
    for (;; at++) {
        struct tg_wr w = tg_wr(out, sizeof(out));

        if (!tg_h264_pack_next(&pack, &w, &marker))
            break;
        assert_false(w.bad);
        assert_int_equal(marker, at == 9);
        if (at == 0)
            assert_int_equal(out[0] & 0x1f, TG_H264_STAP_A);
        else if (at == 1)
            first_len = tg_wr_len(&w);
        else if (at < 9)
            assert_int_equal(tg_wr_len(&w), first_len);
        else
            assert_in_range(tg_wr_len(&w), first_len - 8, first_len);
    }
    assert_int_equal(at, 10);
}

static void test_pack_keeps_sets_that_are_there(void **state)
{
    static const uint8_t idr[] = {0x65, 1, 2};
    const struct tg_span whole[] = {SPAN_OF(sps_main_360p), SPAN_OF(pps), SPAN_OF(idr)};
    const struct tg_span no_sps[] = {SPAN_OF(pps), SPAN_OF(idr)};
    struct tg_avcc avcc = make_avcc();
    struct tg_h264_pack pack;

    (void)state;
    assert_int_equal(tg_h264_pack_init(&pack, whole, 3, &avcc, 1188), TG_OK);
    assert_int_equal(pack.nal_count, 3);
    assert_ptr_equal(pack.nals[0].data, sps_main_360p);
    assert_int_equal(tg_h264_pack_init(&pack, no_sps, 2, &avcc, 1188), TG_OK);
    assert_int_equal(pack.nal_count, 3);
    assert_ptr_equal(pack.nals[0].data, sps_baseline_720p);
}

static void test_pack_nothing_to_send_and_limits(void **state)
{
    static const uint8_t sei[] = {6, 5, 1, 2};
    const struct tg_span nals[] = {SPAN_OF(sei)};
    static struct tg_span many[TG_H264_NALS_MAX + 1];
    static const uint8_t p[] = {0x41, 0x9a};
    struct tg_h264_pack pack;
    struct tg_wr w = tg_wr(NULL, 0);
    bool marker;

    (void)state;
    assert_int_equal(tg_h264_pack_init(&pack, nals, 1, NULL, 1188), TG_OK);
    assert_int_equal(pack.packet_count, 0);
    assert_false(tg_h264_pack_next(&pack, &w, &marker));
    assert_int_equal(tg_h264_pack_init(&pack, nals, 1, NULL, 63), TG_ERR_LIMIT);
    for (size_t i = 0; i <= TG_H264_NALS_MAX; i++)
        many[i] = tg_span(p, sizeof(p));
    assert_int_equal(tg_h264_pack_init(&pack, many, TG_H264_NALS_MAX + 1, NULL, 1188),
                     TG_ERR_LIMIT);
}

/* Random units and payload sizes: counted = written, and a receiver gets the units back. */
static void test_pack_random_units_come_back(void **state)
{
    struct tg_rng rng = tg_rng_seeded(11);
    static uint8_t pool[150000];
    static struct depack d;

    (void)state;
    tg_rng_bytes(&rng, pool, sizeof(pool));
    for (unsigned round = 0; round < 300; round++) {
        struct tg_span nals[12];
        size_t count = 1 + (size_t)tg_rng_below(&rng, 12);
        size_t payload_max = 64 + (size_t)tg_rng_below(&rng, 1400);
        struct tg_h264_pack pack;
        size_t packets = 0;
        size_t bytes = 0;
        size_t at = 0;
        bool marker = false;

        for (size_t i = 0; i < count; i++) {
            size_t len = 1 + (size_t)tg_rng_below(&rng, tg_rng_below(&rng, 3) == 0 ? 12000 : 200);

            pool[at] = (uint8_t)(0x20 | (1 + tg_rng_below(&rng, 5)));
            nals[i] = tg_span(pool + at, len);
            at += len;
        }
        memset(&d, 0, sizeof(d));
        assert_int_equal(tg_h264_pack_init(&pack, nals, count, NULL, payload_max), TG_OK);
        for (;;) {
            uint8_t out[1500];
            struct tg_wr w = tg_wr(out, payload_max);

            if (!tg_h264_pack_next(&pack, &w, &marker))
                break;
            assert_false(w.bad);
            depack(&d, out, tg_wr_len(&w));
            packets++;
            bytes += tg_wr_len(&w);
            assert_int_equal(marker, packets == pack.packet_count);
        }
        assert_int_equal(packets, pack.packet_count);
        assert_int_equal(bytes, pack.bytes_total);
        assert_int_equal(d.nal_count, count);
        assert_int_equal(d.len, at);
        assert_memory_equal(d.bytes, pool, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sps_of_x264_gives_size_and_reordering),
        cmocka_unit_test(test_sps_cut_anywhere_never_gives_another_size),
        cmocka_unit_test(test_slice_types_of_x264),
        cmocka_unit_test(test_avcc_round_trip_and_cuts),
        cmocka_unit_test(test_split_length_prefixed_and_annexb),
        cmocka_unit_test(test_pack_keyframe_gets_parameter_sets_and_equal_fragments),
        cmocka_unit_test(test_pack_keeps_sets_that_are_there),
        cmocka_unit_test(test_pack_nothing_to_send_and_limits),
        cmocka_unit_test(test_pack_random_units_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
