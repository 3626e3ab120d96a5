/*
 * test_rtmp_chunk.c - chunk headers by hand, cuts at every byte, interleaving, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "proto/rtmp_chunk.h"

struct feed {
    struct tg_rtmp_reader reader;
    struct tg_rd in;
};

static void feed_init(struct feed *f, const void *bytes, size_t len)
{
    tg_rtmp_reader_init(&f->reader);
    f->in = tg_rd(bytes, len);
}

static void expect_msg(struct feed *f, uint8_t type, uint32_t timestamp, size_t len)
{
    struct tg_rtmp_msg msg;

    assert_int_equal(tg_rtmp_reader_next(&f->reader, &f->in, &msg), TG_OK);
    assert_int_equal(msg.type, type);
    assert_int_equal(msg.timestamp, timestamp);
    assert_int_equal(msg.payload.len, len);
}

static void expect_err(struct feed *f, tg_err want)
{
    struct tg_rtmp_msg msg;

    assert_int_equal(tg_rtmp_reader_next(&f->reader, &f->in, &msg), want);
    tg_rtmp_reader_done(&f->reader);
}

static void test_chunk_types_0_to_3_build_timestamps(void **state)
{
    static const uint8_t bytes[] = {
        0x04, 0,   0, 100, 0,   0, 2, 9, 1,   0, 0, 0, 'a', 'b', /* fmt 0: at 100 */
        0x44, 0,   0, 40,  0,   0, 1, 8, 'c', /* fmt 1: + 40, other length and type */
        0x84, 0,   0, 33,  'd',               /* fmt 2: + 33 */
        0xc4, 'e',                            /* fmt 3: + 33 again */
    };
    struct feed f;

    (void)state;
    feed_init(&f, bytes, sizeof(bytes));
    expect_msg(&f, 9, 100, 2);
    expect_msg(&f, 8, 140, 1);
    expect_msg(&f, 8, 173, 1);
    expect_msg(&f, 8, 206, 1);
    expect_err(&f, TG_ERR_AGAIN);
}

static void test_chunk_wide_csids_are_lanes_of_their_own(void **state)
{
    static const uint8_t bytes[] = {
        0x00, 10,   0,    0, 1, 0, 0, 1, 8, 0, 0, 0, 0, 'a',      /* csid 74 */
        0x01, 0xff, 0x01, 0, 0, 2, 0, 0, 1, 8, 0, 0, 0, 0,   'b', /* csid 64 + 255 + 256 */
        0xc0, 10,   'c',
    };
    struct feed f;

    (void)state;
    feed_init(&f, bytes, sizeof(bytes));
    expect_msg(&f, 8, 1, 1);
    expect_msg(&f, 8, 2, 1);
    expect_msg(&f, 8, 2, 1); /* fmt 3 after fmt 0 repeats its timestamp as delta */
    expect_err(&f, TG_ERR_AGAIN);
}

static void test_chunk_extended_timestamp_also_on_continuations(void **state)
{
    struct tg_rtmp_msg msg = {.csid = 4, .timestamp = 0x01000000, .type = 9, .stream_id = 1};
    uint8_t payload[300] = {0};
    struct tg_buf out;
    struct feed f;

    (void)state;
    tg_buf_init(&out, 4096);
    msg.payload = tg_span(payload, sizeof(payload));
    tg_rtmp_write(&out, &msg, 128);
    assert_int_equal(out.err, TG_OK);
    assert_int_equal(out.len, 12 + 4 + 2 * (1 + 4) + sizeof(payload));
    feed_init(&f, out.data, out.len);
    expect_msg(&f, 9, 0x01000000, sizeof(payload));
    expect_err(&f, TG_ERR_AGAIN);
    tg_buf_done(&out);
}

static void test_chunk_interleaved_messages_come_whole(void **state)
{
    static const uint8_t bytes[] = {
        2,    0,   0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0,   0,   0, 2, /* set chunk size 2 */
        0x04, 0,   0, 5, 0, 0, 3, 9, 1, 0, 0, 0, 'v', 'i',       /* video, first part */
        0x05, 0,   0, 6, 0, 0, 1, 8, 1, 0, 0, 0, 'a',            /* audio between */
        0xc4, 'd',                                               /* video, rest */
    };
    struct feed f;

    (void)state;
    feed_init(&f, bytes, sizeof(bytes));
    expect_msg(&f, 8, 6, 1);
    expect_msg(&f, 9, 5, 3);
    expect_err(&f, TG_ERR_AGAIN);
}

static void test_chunk_abort_drops_the_half_message(void **state)
{
    static const uint8_t bytes[] = {
        2,    0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0,   0,   0, 2, /* set chunk size 2 */
        0x04, 0, 0, 5, 0, 0, 3, 9, 1, 0, 0, 0, 'v', 'i',       /* half a message */
        2,    0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0,   0,         /* abort 4, in two chunks of 2 */
        0xc2, 0, 4,                                            /* ... */
        0x04, 0, 0, 7, 0, 0, 1, 9, 1, 0, 0, 0, 'x',            /* a new one begins cleanly */
    };
    struct feed f;

    (void)state;
    feed_init(&f, bytes, sizeof(bytes));
    expect_msg(&f, 9, 7, 1);
    expect_err(&f, TG_ERR_AGAIN);
}

static void test_chunk_bad_headers_are_malformed(void **state)
{
    static const uint8_t fmt3_first[] = {0xc4};
    static const uint8_t size_zero[] = {2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t size_short[] = {2, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t header_inside[] = {
        2, 0, 0, 0, 0, 0, 4, 1,   0,    0, 0, 0, 0, 0, 0, 1, 0x04, 0, 0, 5, 0,
        0, 3, 9, 1, 0, 0, 0, 'v', 0x04, 0, 0, 5, 0, 0, 3, 9, 1,    0, 0, 0, 'v',
    };
    struct feed f;

    (void)state;
    feed_init(&f, fmt3_first, sizeof(fmt3_first));
    expect_err(&f, TG_ERR_MALFORMED);
    feed_init(&f, size_zero, sizeof(size_zero));
    expect_err(&f, TG_ERR_MALFORMED);
    feed_init(&f, size_short, sizeof(size_short));
    expect_err(&f, TG_ERR_MALFORMED);
    feed_init(&f, header_inside, sizeof(header_inside));
    expect_err(&f, TG_ERR_MALFORMED);
}

static void test_chunk_limits_hold(void **state)
{
    static const uint8_t huge_video[] = {4, 0, 0, 0, 0xff, 0xff, 0xff, 9, 0, 0, 0, 0};
    static const uint8_t huge_command[] = {3, 0, 0, 0, 2, 0, 0, 20, 0, 0, 0, 0};
    static const uint8_t huge_control[] = {2, 0, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0};
    uint8_t lanes[(TG_RTMP_CSIDS_MAX + 1) * 12] = {0};
    struct feed f;
    struct tg_rtmp_msg msg;

    (void)state;
    feed_init(&f, huge_video, sizeof(huge_video));
    expect_err(&f, TG_ERR_LIMIT);
    feed_init(&f, huge_command, sizeof(huge_command));
    expect_err(&f, TG_ERR_LIMIT);
    feed_init(&f, huge_control, sizeof(huge_control));
    expect_err(&f, TG_ERR_LIMIT);
    for (unsigned i = 0; i <= TG_RTMP_CSIDS_MAX; i++) {
        lanes[i * 12 + 0] = (uint8_t)(3 + i);
        lanes[i * 12 + 7] = 8;
    }
    feed_init(&f, lanes, sizeof(lanes));
    for (unsigned i = 0; i < TG_RTMP_CSIDS_MAX; i++)
        assert_int_equal(tg_rtmp_reader_next(&f.reader, &f.in, &msg), TG_OK);
    expect_err(&f, TG_ERR_LIMIT);
}

/* Many half messages at once: the sum is bounded, not only each. */
static void test_chunk_half_messages_together_are_bounded(void **state)
{
    static uint8_t body[TG_RTMP_MSG_MAX];
    const uint8_t grow[] = {2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff};
    struct feed f;
    struct tg_rtmp_msg msg;
    tg_err err = TG_ERR_AGAIN;

    (void)state;
    feed_init(&f, grow, sizeof(grow));
    assert_int_equal(tg_rtmp_reader_next(&f.reader, &f.in, &msg), TG_ERR_AGAIN);
    f.reader.chunk_size = TG_RTMP_MSG_MAX - 1;
    for (unsigned i = 0; i < 3 && err == TG_ERR_AGAIN; i++) {
        uint8_t head[] = {(uint8_t)(4 + i), 0, 0, 0, 0x40, 0, 0, 9, 1, 0, 0, 0};

        f.in = tg_rd(head, sizeof(head));
        assert_int_equal(tg_rtmp_reader_next(&f.reader, &f.in, &msg), TG_ERR_AGAIN);
        f.in = tg_rd(body, TG_RTMP_MSG_MAX - 1);
        err = tg_rtmp_reader_next(&f.reader, &f.in, &msg);
    }
    assert_int_equal(err, TG_ERR_LIMIT);
    tg_rtmp_reader_done(&f.reader);
}

/* Whatever the cuts and the chunk size: what was written is what is read. */
static void test_chunk_write_then_read_in_random_pieces(void **state)
{
    struct tg_rng rng = tg_rng_seeded(7);
    static uint8_t payload[5000];

    (void)state;
    tg_rng_bytes(&rng, payload, sizeof(payload));
    for (unsigned round = 0; round < 200; round++) {
        struct tg_rtmp_msg msg = {.csid = 2 + (uint32_t)tg_rng_below(&rng, 65598),
                                  .timestamp = tg_rng_u32(&rng),
                                  .stream_id = tg_rng_u32(&rng),
                                  .type = 9};
        uint32_t chunk = 128;
        struct tg_rtmp_reader r;
        struct tg_rtmp_msg got;
        struct tg_buf out;
        tg_err err = TG_ERR_AGAIN;
        size_t at = 0;

        msg.payload = tg_span(payload, (size_t)tg_rng_below(&rng, sizeof(payload)));
        tg_buf_init(&out, 65536);
        tg_rtmp_write(&out, &msg, chunk);
        assert_int_equal(out.err, TG_OK);
        tg_rtmp_reader_init(&r);
        while (err == TG_ERR_AGAIN && at < out.len) {
            size_t piece = 1 + (size_t)tg_rng_below(&rng, 200);
            struct tg_rd in;

            piece = piece > out.len - at ? out.len - at : piece;
            in = tg_rd(out.data + at, piece);
            err = tg_rtmp_reader_next(&r, &in, &got);
            at += piece;
        }
        assert_int_equal(err, TG_OK);
        assert_int_equal(at, out.len);
        assert_int_equal(r.bytes, out.len);
        assert_int_equal(got.csid, msg.csid);
        assert_int_equal(got.timestamp, msg.timestamp);
        assert_int_equal(got.stream_id, msg.stream_id);
        assert_int_equal(got.payload.len, msg.payload.len);
        if (msg.payload.len > 0)
            assert_memory_equal(got.payload.data, payload, msg.payload.len);
        tg_rtmp_reader_done(&r);
        tg_buf_done(&out);
    }
}

static void test_chunk_out_of_memory_is_nomem(void **state)
{
    static const uint8_t bytes[] = {0x04, 0, 0, 100, 0, 0, 2, 9, 1, 0, 0, 0, 'a', 'b'};

    (void)state;
    for (long nth = 0; nth < 2; nth++) {
        struct feed f;

        feed_init(&f, bytes, sizeof(bytes));
        tg_alloc_fail_nth(nth);
        expect_err(&f, TG_ERR_NOMEM);
        tg_alloc_fail_nth(-1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_types_0_to_3_build_timestamps),
        cmocka_unit_test(test_chunk_wide_csids_are_lanes_of_their_own),
        cmocka_unit_test(test_chunk_extended_timestamp_also_on_continuations),
        cmocka_unit_test(test_chunk_interleaved_messages_come_whole),
        cmocka_unit_test(test_chunk_abort_drops_the_half_message),
        cmocka_unit_test(test_chunk_bad_headers_are_malformed),
        cmocka_unit_test(test_chunk_limits_hold),
        cmocka_unit_test(test_chunk_half_messages_together_are_bounded),
        cmocka_unit_test(test_chunk_write_then_read_in_random_pieces),
        cmocka_unit_test(test_chunk_out_of_memory_is_nomem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
