/*
 * test_rx_meter.c - what the load generator's viewers count (tests/support/lib).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "support/lib/histogram.h"
#include "support/lib/rx_meter.h"

enum { VIDEO = 102, EXT_CAPTURE = 5, EXT_TWCC = 6 };

static const uint8_t p_slice[] = {0x41, 0x9a, 0x00, 0x00};
static const uint8_t parameter_sets[] = {0x78, 0x00, 0x02, 0x67, 0x42};
static const uint8_t idr_begin[] = {0x7c, 0x85, 0x00, 0x00};
static const uint8_t idr_end[] = {0x7c, 0x45, 0x00, 0x00};

static struct rx_meter meter(void)
{
    return (struct rx_meter){.video_pt = VIDEO, .ext_capture = EXT_CAPTURE, .ext_twcc = EXT_TWCC};
}

static size_t write_packet(uint8_t out[256], struct tg_rtp rtp, const uint8_t *payload, size_t len)
{
    struct tg_wr w = tg_wr(out, 256);

    rtp.pt = VIDEO;
    rtp.ssrc = 7;
    tg_rtp_write_header(&w, &rtp, NULL, 0);
    tg_wr_bytes(&w, payload, len);
    assert_false(w.bad);
    return tg_wr_len(&w);
}

static struct rx_seen receive(struct rx_meter *m, struct tg_rtp rtp)
{
    struct rx_seen seen;
    uint8_t packet[256];
    size_t len = write_packet(packet, rtp, p_slice, sizeof(p_slice));

    assert_true(rx_meter_packet(m, packet, len, &seen));
    return seen;
}

static bool receive_plain(struct rx_meter *m, struct tg_rtp rtp, const uint8_t *payload, size_t len)
{
    struct rx_seen seen;
    uint8_t packet[256];
    size_t size = write_packet(packet, rtp, payload, len);
    tg_us sent;
    bool key;

    assert_true(rx_meter_packet(m, packet, size, &seen));
    rx_meter_plain(m, packet, size, &key, &sent);
    assert_int_equal(sent, 0);
    return key;
}

static void test_packets_a_gap_is_lost_also_over_the_wrap(void **state)
{
    struct rx_meter m = meter();

    (void)state;
    (void)receive(&m, (struct tg_rtp){.seq = 65534});
    (void)receive(&m, (struct tg_rtp){.seq = 0});
    (void)receive(&m, (struct tg_rtp){.seq = 3});
    (void)receive(&m, (struct tg_rtp){.seq = 2}); /* late, not lost */
    assert_int_equal(rx_meter_packets(&m), 4);
    assert_int_equal(rx_meter_lost(&m), 2);
}

static void test_window_counts_only_what_came_since(void **state)
{
    struct rx_meter m = meter();
    uint64_t packets;
    uint64_t lost;

    (void)state;
    (void)receive(&m, (struct tg_rtp){.seq = 10});
    (void)receive(&m, (struct tg_rtp){.seq = 15});
    rx_meter_mark(&m);
    rx_meter_window(&m, &packets, &lost);
    assert_int_equal(packets, 0);
    assert_int_equal(lost, 0);
    (void)receive(&m, (struct tg_rtp){.seq = 17});
    (void)receive(&m, (struct tg_rtp){.seq = 18});
    rx_meter_window(&m, &packets, &lost);
    assert_int_equal(packets, 2);
    assert_int_equal(lost, 1);
}

static void test_window_a_stream_that_begins_in_it_counts_whole(void **state)
{
    struct rx_meter m = meter();
    uint64_t packets;
    uint64_t lost;

    (void)state;
    rx_meter_mark(&m);
    (void)receive(&m, (struct tg_rtp){.seq = 100});
    (void)receive(&m, (struct tg_rtp){.seq = 102});
    rx_meter_window(&m, &packets, &lost);
    assert_int_equal(packets, 2);
    assert_int_equal(lost, 1);
}

static void test_first_frame_is_done_with_its_last_packet(void **state)
{
    struct rx_meter m = meter();

    (void)state;
    assert_false(receive(&m, (struct tg_rtp){.seq = 1, .ts = 900}).frame_done);
    assert_false(receive(&m, (struct tg_rtp){.seq = 3, .ts = 900, .marker = true}).frame_done);
    assert_false(receive(&m, (struct tg_rtp){.seq = 4, .ts = 3900, .marker = true}).frame_done);
    assert_true(receive(&m, (struct tg_rtp){.seq = 2, .ts = 900}).frame_done);
}

static void test_key_waits_for_an_idr_and_all_of_it(void **state)
{
    struct rx_meter m = meter();

    (void)state;
    assert_false(receive_plain(&m, (struct tg_rtp){.seq = 1, .ts = 1, .marker = true}, p_slice,
                               sizeof(p_slice)));
    assert_false(receive_plain(&m, (struct tg_rtp){.seq = 2, .ts = 2}, parameter_sets,
                               sizeof(parameter_sets)));
    assert_false(
        receive_plain(&m, (struct tg_rtp){.seq = 3, .ts = 2}, idr_begin, sizeof(idr_begin)));
    assert_true(receive_plain(&m, (struct tg_rtp){.seq = 4, .ts = 2, .marker = true}, idr_end,
                              sizeof(idr_end)));
}

static void test_extensions_tell_capture_time_and_twcc_number(void **state)
{
    struct rx_meter m = meter();
    const tg_us wall = 1700000000123456;
    uint8_t capture[TG_ABS_CAPTURE_TIME_LEN];
    const uint8_t twcc[] = {0x12, 0x34};
    const struct tg_rtp_ext exts[] = {{.id = EXT_CAPTURE, .len = sizeof(capture), .data = capture},
                                      {.id = EXT_TWCC, .len = sizeof(twcc), .data = twcc}};
    const struct tg_rtp rtp = {.pt = VIDEO, .ssrc = 7};
    struct rx_seen seen;
    uint8_t packet[256];
    struct tg_wr w = tg_wr(packet, sizeof(packet));

    (void)state;
    tg_abs_capture_time_write(capture, tg_ntp_from_wall(wall));
    tg_rtp_write_header(&w, &rtp, exts, 2);
    assert_true(rx_meter_packet(&m, packet, tg_wr_len(&w), &seen));
    assert_true(seen.video && seen.has_capture && seen.has_twcc);
    assert_in_range(seen.capture_wall_us, wall - 1, wall + 1);
    assert_int_equal(seen.twcc, 0x1234);
}

static void test_padding_clock_is_read_from_the_plain_packet(void **state)
{
    struct rx_meter m = meter();
    const tg_us wall = 1700000000123456;
    struct rx_seen seen;
    uint8_t packet[256];
    size_t len = write_packet(packet, (struct tg_rtp){.seq = 1}, p_slice, sizeof(p_slice));
    struct tg_wr w = tg_wr(packet + len, sizeof(packet) - len);
    tg_us sent;
    bool key;

    (void)state;
    packet[0] |= 0x20;
    tg_wr_u64(&w, (uint64_t)wall);
    tg_wr_bytes(&w, "tgC", 3);
    tg_wr_u8(&w, RX_CLOCK_LEN);
    len += tg_wr_len(&w);
    assert_true(rx_meter_packet(&m, packet, len, &seen));
    rx_meter_plain(&m, packet, len, &key, &sent);
    assert_int_equal(sent, wall);
    packet[len - 2] = 'x'; /* another's padding */
    rx_meter_plain(&m, packet, len, &key, &sent);
    assert_int_equal(sent, 0);
}

static void test_bad_input_short_packets_and_too_many_streams_are_refused(void **state)
{
    struct rx_meter m = meter();
    struct rx_seen seen;
    uint8_t packet[256];
    size_t len = write_packet(packet, (struct tg_rtp){.seq = 1}, p_slice, sizeof(p_slice));

    (void)state;
    for (size_t i = 0; i < TG_RTP_HEADER_LEN; i++)
        assert_false(rx_meter_packet(&m, packet, i, &seen));
    for (uint8_t i = 0; i < RX_STREAMS; i++) {
        packet[11] = i;
        assert_true(rx_meter_packet(&m, packet, len, &seen));
    }
    packet[11] = RX_STREAMS;
    assert_false(rx_meter_packet(&m, packet, len, &seen));
}

static void test_histogram_percentiles(void **state)
{
    static struct histogram h;

    (void)state;
    assert_true(histogram_ms(&h, 500) < 0);
    for (tg_us i = 1; i <= 1000; i++)
        histogram_add(&h, i * TG_US_PER_MS);
    assert_true(histogram_ms(&h, 500) == 500);
    assert_true(histogram_ms(&h, 990) == 990);
    histogram_add(&h, -5);
    histogram_add(&h, 60 * TG_US_PER_S); /* beyond the last step */
    assert_true(histogram_ms(&h, 1000) == 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_a_gap_is_lost_also_over_the_wrap),
        cmocka_unit_test(test_window_counts_only_what_came_since),
        cmocka_unit_test(test_window_a_stream_that_begins_in_it_counts_whole),
        cmocka_unit_test(test_first_frame_is_done_with_its_last_packet),
        cmocka_unit_test(test_key_waits_for_an_idr_and_all_of_it),
        cmocka_unit_test(test_extensions_tell_capture_time_and_twcc_number),
        cmocka_unit_test(test_padding_clock_is_read_from_the_plain_packet),
        cmocka_unit_test(test_bad_input_short_packets_and_too_many_streams_are_refused),
        cmocka_unit_test(test_histogram_percentiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
