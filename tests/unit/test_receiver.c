/*
 * test_receiver.c - whose packet it is, what leaves when, and which feedback the publisher gets.
 * How it fares on bad lines: tests/sim/sim_receiver.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/str.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "rtc/receiver.h"

enum {
    MS = TG_US_PER_MS,
    PT_H264 = 102,
    PT_RTX = 103,
    PT_OPUS = 111,
    EXT_MID = 1,
    EXT_RID = 2,
    EXT_REPAIRED = 3,
    EXT_TWCC = 4,
    EXT_LEVEL = 5,
    OUR_SSRC = 0x77,
    AUDIO = TG_RECEIVER_AUDIO
};

/* SPS, PPS and IDR in one STAP-A; a slice; a slice in two pieces. */
#define KEY "\x78\0\2\x67\x42\0\1\x68\0\2\x65\x88"
#define KEY_AU "\0\0\0\2\x67\x42\0\0\0\1\x68\0\0\0\2\x65\x88"
#define DELTA "\x41\x9a\x01"
#define DELTA_AU "\0\0\0\3\x41\x9a\x01"
#define BYTES(text) tg_span((text), sizeof(text) - 1)

static struct tg_receiver *receiver;
static tg_us now;

/* All that came out at one moment. */
enum { OUTS = 64, OUT_BYTES = 4096 };
static struct tg_receiver_out outs[OUTS];
static uint8_t out_bytes[OUT_BYTES];
static size_t out_count;

static struct tg_sdp_whip pick_h264(void)
{
    return (struct tg_sdp_whip){
        .video = {.media = 1,
                  .pt = PT_H264,
                  .rtx_pt = PT_RTX,
                  .fb = TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_FIR | TG_SDP_FB_TWCC,
                  .packetization_mode = 1,
                  .rtcp_rsize = true,
                  .ext_mid = EXT_MID,
                  .ext_rid = EXT_RID,
                  .ext_repaired_rid = EXT_REPAIRED,
                  .ext_twcc = EXT_TWCC,
                  .mid = "1"},
        .audio = {.media = 0,
                  .pt = PT_OPUS,
                  .rtx_pt = -1,
                  .fb = TG_SDP_FB_TWCC,
                  .rtcp_rsize = true,
                  .ext_mid = EXT_MID,
                  .ext_twcc = EXT_TWCC,
                  .ext_audio_level = EXT_LEVEL,
                  .mid = "0"}};
}

static struct tg_sdp_whip pick_simulcast(void)
{
    struct tg_sdp_whip pick = pick_h264();

    pick.video.rid_count = 3;
    tg_str_cut(pick.video.rids[0], sizeof(pick.video.rids[0]), "h");
    tg_str_cut(pick.video.rids[1], sizeof(pick.video.rids[1]), "m");
    tg_str_cut(pick.video.rids[2], sizeof(pick.video.rids[2]), "lo");
    return pick;
}

static void begin(const struct tg_sdp_whip *pick)
{
    const struct tg_receiver_cfg cfg = {.pick = pick, .ssrc = OUR_SSRC};

    now = 10 * (tg_us)TG_US_PER_S;
    assert_int_equal(tg_receiver_new(&receiver, &cfg, now), TG_OK);
    out_count = 0;
}

static void end(void)
{
    tg_receiver_free(receiver);
    receiver = NULL;
}

/* Collects copies, since spans are valid until the next call only. */
static void drain(void)
{
    struct tg_receiver_out out;
    size_t used = 0;

    out_count = 0;
    while (tg_receiver_poll(receiver, &out)) {
        assert_true(out_count < OUTS);
        assert_true(used + out.bytes.len <= OUT_BYTES);
        if (out.bytes.len > 0)
            memcpy(out_bytes + used, out.bytes.data, out.bytes.len);
        out.bytes.data = out_bytes + used;
        used += out.bytes.len;
        outs[out_count++] = out;
    }
    assert_true(tg_receiver_deadline(receiver) > now);
}

/* The n-th output of that kind; NULL = there are fewer. */
static const struct tg_receiver_out *out_at(enum tg_receiver_out_kind kind, size_t n)
{
    for (size_t i = 0; i < out_count; i++)
        if (outs[i].kind == kind && n-- == 0)
            return &outs[i];
    return NULL;
}

/* Is a packet of that kind in the RTCP that came out? */
static bool sent(enum tg_rtcp_kind kind, struct tg_rtcp *ret)
{
    const struct tg_receiver_out *out;

    for (size_t i = 0; (out = out_at(TG_RECEIVER_RTCP, i)) != NULL; i++) {
        struct tg_rd r = tg_rd(out->bytes.data, out->bytes.len);
        struct tg_rtcp p;

        while (tg_rtcp_next(&r, &p) == TG_OK)
            if (p.kind == kind) {
                *ret = p;
                return true;
            }
        assert_int_equal(tg_rd_left(&r), 0);
    }
    return false;
}

static tg_err rtp_ext(uint8_t pt, uint32_t ssrc, uint16_t seq, uint32_t ts, bool marker,
                      struct tg_span payload, const struct tg_rtp_ext *ext)
{
    uint8_t bytes[1600];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    const struct tg_rtp head = {.pt = pt, .ssrc = ssrc, .seq = seq, .ts = ts, .marker = marker};
    tg_err err;

    tg_rtp_write_header(&w, &head, ext, ext != NULL ? 1 : 0);
    tg_wr_bytes(&w, payload.data, payload.len);
    assert_false(w.bad);
    err = tg_receiver_rtp(receiver, now, tg_span(bytes, tg_wr_len(&w)));
    drain();
    return err;
}

static tg_err rtp(uint16_t seq, uint32_t ts, bool marker, struct tg_span payload)
{
    return rtp_ext(PT_H264, 1, seq, ts, marker, payload, NULL);
}

static tg_err rtp_text(uint8_t pt, uint32_t ssrc, uint16_t seq, uint32_t ts, struct tg_span payload,
                       uint8_t ext_id, const char *text)
{
    const struct tg_rtp_ext ext = {
        .id = ext_id, .len = (uint8_t)strlen(text), .data = (const uint8_t *)text};

    return rtp_ext(pt, ssrc, seq, ts, true, payload, &ext);
}

/* An RTX packet of the video's first SSRC. */
static tg_err rtx(uint32_t ssrc, uint16_t seq, uint16_t osn, uint32_t ts, bool marker,
                  struct tg_span payload)
{
    uint8_t bytes[200];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_wr_u16(&w, osn);
    tg_wr_bytes(&w, payload.data, payload.len);
    return rtp_ext(PT_RTX, ssrc, seq, ts, marker, tg_span(bytes, tg_wr_len(&w)), NULL);
}

static void pass(tg_us us)
{
    now += us;
    tg_receiver_tick(receiver, now);
    drain();
}

static void assert_frame(unsigned encoding, uint32_t ts, bool key, bool gap, struct tg_span bytes)
{
    const struct tg_receiver_out *out = out_at(TG_RECEIVER_FRAME, 0);

    assert_non_null(out);
    assert_int_equal(out->encoding, encoding);
    assert_int_equal(out->rtp_ts, ts);
    assert_int_equal(out->key, key);
    assert_int_equal(out->gap, gap);
    assert_int_equal(out->bytes.len, bytes.len);
    assert_memory_equal(out->bytes.data, bytes.data, bytes.len);
}

static void assert_no_frame(void)
{
    assert_null(out_at(TG_RECEIVER_FRAME, 0));
}

static struct tg_receiver_stats stats_of(unsigned encoding)
{
    struct tg_receiver_stats stats;

    tg_receiver_stats(receiver, encoding, &stats);
    return stats;
}

/* --- frames -------------------------------------------------------------------------------------
 */

static void test_receiver_frames_leave_at_their_marker(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(65535, 3000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 3000, true, false, BYTES(KEY_AU));
    assert_int_equal(outs[0].arrival, now);
    now += 33 * MS;
    assert_int_equal(rtp(0, 6000, false, BYTES("\x5c\x81\x11")), TG_OK);
    assert_no_frame();
    now += 2 * MS;
    assert_int_equal(rtp(1, 6000, true, BYTES("\x5c\x41\x22")), TG_OK);
    assert_frame(0, 6000, false, false, BYTES("\0\0\0\3\x41\x11\x22"));
    assert_int_equal(outs[0].arrival, now - 2 * MS);
    assert_int_equal(stats_of(0).frames, 2);
    assert_int_equal(stats_of(0).packets, 3);
    assert_int_equal(stats_of(0).lost, 0);
    end();
}

static void test_receiver_frame_without_marker_leaves_at_the_next_time(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, false, BYTES(KEY)), TG_OK);
    assert_no_frame();
    assert_int_equal(rtp(11, 6000, false, BYTES(DELTA)), TG_OK);
    assert_frame(0, 3000, true, false, BYTES(KEY_AU));
    assert_int_equal(rtp(12, 9000, false, BYTES(DELTA)), TG_OK);
    assert_frame(0, 6000, false, false, BYTES(DELTA_AU));
    end();
}

static void test_receiver_overtaken_packets_are_put_in_order(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    assert_no_frame();
    assert_int_equal(rtp(11, 6000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 0)->rtp_ts, 6000);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 1)->rtp_ts, 9000);
    assert_int_equal(rtp(11, 6000, true, BYTES(DELTA)), TG_OK); /* twice: nothing */
    assert_no_frame();
    assert_int_equal(stats_of(0).lost, 1);
    assert_int_equal(stats_of(0).repaired, 1);
    assert_int_equal(stats_of(0).nacks, 0);
    end();
}

static void test_receiver_waits_for_the_first_keyframe(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(DELTA)), TG_OK); /* perhaps the end of a frame */
    assert_no_frame();
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_int_equal(p.ssrc, OUR_SSRC);
    assert_int_equal(p.media_ssrc, 1);
    now += 33 * MS;
    assert_int_equal(rtp(11, 6000, true, BYTES(DELTA)), TG_OK);
    assert_no_frame();
    assert_false(sent(TG_RTCP_PLI, &p)); /* one was just sent */
    assert_int_equal(rtp(12, 9000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 9000, true, true, BYTES(KEY_AU));
    assert_int_equal(stats_of(0).frames_dropped, 2);
    assert_int_equal(stats_of(0).plis, 1);
    end();
}

static void test_receiver_first_packets_may_come_in_any_order(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(11, 3000, false, BYTES("\x67\x42")), TG_OK);
    assert_int_equal(rtp(10, 3000, false, BYTES("\x09\xf0")), TG_OK);
    assert_int_equal(rtp(12, 3000, true, BYTES("\x65\x88")), TG_OK);
    assert_frame(0, 3000, true, false, BYTES("\0\0\0\2\x09\xf0\0\0\0\2\x67\x42\0\0\0\2\x65\x88"));
    assert_false(sent(TG_RTCP_PLI, &p)); /* it began with a keyframe */
    end();
}

static void test_receiver_padding_takes_numbers_only(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, false, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(11, 3000, false, tg_span(NULL, 0)), TG_OK); /* inside a frame */
    assert_int_equal(rtp(12, 3000, true, BYTES("\x65\x99")), TG_OK);
    assert_frame(0, 3000, true, false, BYTES(KEY_AU "\0\0\0\2\x65\x99"));
    assert_int_equal(rtp(13, 3000, false, tg_span(NULL, 0)), TG_OK); /* and between two */
    assert_no_frame();
    assert_int_equal(rtp(14, 6000, true, BYTES(DELTA)), TG_OK);
    assert_frame(0, 6000, false, false, BYTES(DELTA_AU));
    assert_int_equal(stats_of(0).frames_dropped, 0);
    end();
}

static void test_receiver_broken_frame_is_dropped_and_a_keyframe_asked_for(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(11, 6000, true, BYTES("\x79\0\0\0\1\x41")), TG_OK); /* STAP-B */
    assert_no_frame();
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    assert_no_frame();
    assert_int_equal(rtp(13, 12000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 12000, true, true, BYTES(KEY_AU));
    assert_int_equal(stats_of(0).frames_dropped, 2);
    end();
}

/* --- holes --------------------------------------------------------------------------------------
 */

static void test_receiver_hole_is_asked_for_and_repaired_by_rtx(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;
    struct tg_rd fci;
    uint16_t pid = 0;
    uint16_t blp = 0;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    pass(8 * MS);
    assert_true(sent(TG_RTCP_NACK, &p));
    assert_int_equal(p.media_ssrc, 1);
    fci = tg_rd(p.fci.data, p.fci.len);
    assert_true(tg_rtcp_nack_next(&fci, &pid, &blp));
    assert_int_equal(pid, 11);
    assert_int_equal(blp, 0);
    assert_int_equal(tg_receiver_rtt(receiver), -1);
    now += 60 * MS;
    assert_int_equal(rtx(2, 500, 11, 6000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 0)->rtp_ts, 6000);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 1)->rtp_ts, 9000);
    assert_false(out_at(TG_RECEIVER_FRAME, 1)->gap);
    assert_int_equal(tg_receiver_rtt(receiver), 60 * MS);
    assert_int_equal(stats_of(0).nacks, 1);
    assert_int_equal(stats_of(0).repaired, 1);
    end();
}

static void test_receiver_newer_keyframe_goes_ahead_of_an_old_hole(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(rtp(13, 12000, true, BYTES(KEY)), TG_OK);
    assert_no_frame(); /* the hole may be repaired in a moment */
    pass(124 * MS);
    assert_no_frame();
    pass(1 * MS); /* 1.25 round trips */
    assert_frame(0, 12000, true, true, BYTES(KEY_AU));
    assert_int_equal(stats_of(0).given_up, 1);
    assert_int_equal(stats_of(0).frames_dropped, 1);
    pass(1000 * MS);
    assert_false(sent(TG_RTCP_NACK, &p)); /* what was given up is not asked for */
    assert_int_equal(rtx(2, 500, 11, 6000, true, BYTES(DELTA)), TG_OK);
    assert_no_frame();
    end();
}

static void test_receiver_old_hole_asks_for_a_keyframe_and_is_given_up(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    pass(249 * MS);
    assert_false(sent(TG_RTCP_PLI, &p));
    pass(1 * MS);
    assert_true(sent(TG_RTCP_PLI, &p));
    pass(499 * MS);
    assert_false(sent(TG_RTCP_PLI, &p));
    pass(1 * MS);
    assert_true(sent(TG_RTCP_PLI, &p));
    pass(250 * MS); /* a second */
    assert_int_equal(stats_of(0).given_up, 1);
    assert_int_equal(stats_of(0).frames_dropped, 1);
    assert_int_equal(rtp(13, 12000, true, BYTES(DELTA)), TG_OK);
    assert_no_frame();
    assert_int_equal(rtp(14, 15000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 15000, true, true, BYTES(KEY_AU));
    end();
}

static void test_receiver_incomplete_keyframe_does_not_go_ahead(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    /* 11 is lost; 12 is SPS and PPS, 13 of the IDR is lost too. */
    assert_int_equal(rtp(12, 9000, false, BYTES("\x78\0\2\x67\x42\0\1\x68")), TG_OK);
    assert_int_equal(rtp(14, 9000, true, BYTES("\x7c\x45\x44")), TG_OK);
    pass(200 * MS);
    assert_no_frame();
    assert_int_equal(rtx(2, 1, 13, 9000, false, BYTES("\x7c\x85\x33")), TG_OK);
    assert_frame(0, 9000, true, true, BYTES("\0\0\0\2\x67\x42\0\0\0\1\x68\0\0\0\3\x65\x33\x44"));
    end();
}

static void test_receiver_cut_line_goes_on_with_a_keyframe(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    for (uint16_t seq = 11; seq < 20; seq++)
        assert_int_equal(rtp(seq, 3000U * seq, true, BYTES(DELTA)), TG_OK);
    pass(20 * (tg_us)TG_US_PER_S);
    assert_false(sent(TG_RTCP_PLI, &p)); /* nobody is there */
    assert_int_equal(rtp(500, 900000, true, BYTES(DELTA)), TG_OK);
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_false(sent(TG_RTCP_NACK, &p));
    now += 80 * MS;
    assert_int_equal(rtp(501, 903000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 903000, true, true, BYTES(KEY_AU));
    /* Far away: taken from the second packet on. */
    now += 60 * (tg_us)TG_US_PER_S;
    assert_int_equal(rtp(20000, 1800000, true, BYTES(DELTA)), TG_OK);
    assert_false(sent(TG_RTCP_PLI, &p));
    assert_int_equal(rtp(20001, 1803000, true, BYTES(DELTA)), TG_OK);
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_int_equal(rtp(20002, 1806000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 1806000, true, true, BYTES(KEY_AU));
    end();
}

/* The keyframe takes a while to come whole: nothing that was lost in the cut is asked for. */
static void test_receiver_cut_line_is_not_repaired_while_a_keyframe_comes(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    pass(3 * (tg_us)TG_US_PER_S);
    assert_int_equal(rtp(500, 900000, false, BYTES("\x67\x42\0\1")), TG_OK);
    for (uint16_t seq = 501; seq < 506; seq++) {
        assert_int_equal(rtp(seq, 900000, false, BYTES("\x68\1")), TG_OK);
        assert_false(sent(TG_RTCP_NACK, &p));
    }
    pass(30 * MS);
    assert_false(sent(TG_RTCP_NACK, &p));
    assert_int_equal(rtp(506, 900000, true, BYTES("\x65\x88")), TG_OK);
    assert_non_null(out_at(TG_RECEIVER_FRAME, 0));
    end();
}

static void test_receiver_endless_frame_gives_room(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(0, 3000, false, BYTES(KEY)), TG_OK);
    for (unsigned seq = 1; seq < 3 * TG_REORDER_VIDEO; seq++) {
        assert_int_equal(rtp((uint16_t)seq, 3000, false, BYTES(DELTA)), TG_OK);
        assert_no_frame();
    }
    assert_int_equal(rtp(3 * TG_REORDER_VIDEO, 6000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 6000, true, true, BYTES(KEY_AU));
    end();
}

/* --- keyframe requests --------------------------------------------------------------------------
 */

static void test_receiver_wanted_keyframe_is_asked_for_with_distance(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    tg_receiver_want_key(receiver, now, 0); /* nothing is there yet */
    drain();
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_false(sent(TG_RTCP_PLI, &p));
    tg_receiver_want_key(receiver, now, 0);
    drain();
    assert_true(sent(TG_RTCP_PLI, &p));
    now += 10 * MS;
    assert_int_equal(rtp(11, 6000, true, BYTES(KEY)), TG_OK);
    tg_receiver_want_key(receiver, now, 0);
    drain();
    assert_false(sent(TG_RTCP_PLI, &p));
    assert_int_equal(tg_receiver_deadline(receiver), now + 490 * MS);
    pass(490 * MS);
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    pass(500 * MS); /* the request was lost: again */
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_int_equal(rtp(13, 12000, true, BYTES(KEY)), TG_OK);
    pass(500 * MS);
    assert_false(sent(TG_RTCP_PLI, &p));
    end();
}

static void test_receiver_fir_when_nothing_else_was_offered(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;
    struct tg_rd fci;
    uint32_t ssrc = 0;
    uint8_t seq = 9;

    (void)state;
    pick.video.fb = TG_SDP_FB_FIR;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(DELTA)), TG_OK);
    assert_false(sent(TG_RTCP_PLI, &p));
    assert_true(sent(TG_RTCP_FIR, &p));
    fci = tg_rd(p.fci.data, p.fci.len);
    assert_true(tg_rtcp_fir_next(&fci, &ssrc, &seq));
    assert_int_equal(ssrc, 1);
    assert_int_equal(seq, 0);
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    pass(500 * MS);
    assert_true(sent(TG_RTCP_FIR, &p));
    fci = tg_rd(p.fci.data, p.fci.len);
    assert_true(tg_rtcp_fir_next(&fci, &ssrc, &seq));
    assert_int_equal(seq, 1);
    assert_false(sent(TG_RTCP_NACK, &p)); /* not negotiated */
    end();
}

/* --- whose packet -------------------------------------------------------------------------------
 */

static void test_receiver_simulcast_goes_by_rid(void **state)
{
    struct tg_sdp_whip pick = pick_simulcast();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp_ext(PT_H264, 10, 1, 3000, true, BYTES(KEY), NULL), TG_ERR_NOTFOUND);
    assert_int_equal(rtp_text(PT_H264, 10, 1, 3000, BYTES(KEY), EXT_RID, "lo"), TG_OK);
    assert_frame(2, 3000, true, false, BYTES(KEY_AU));
    assert_int_equal(rtp_text(PT_H264, 11, 1, 3000, BYTES(KEY), EXT_RID, "h"), TG_OK);
    assert_frame(0, 3000, true, false, BYTES(KEY_AU));
    assert_int_equal(rtp_text(PT_H264, 12, 1, 3000, BYTES(KEY), EXT_RID, "l"), TG_ERR_NOTFOUND);
    assert_int_equal(rtp_text(PT_H264, 12, 1, 3000, BYTES(KEY), EXT_RID, "low"), TG_ERR_NOTFOUND);
    /* Known now: the rid is not needed any more. */
    assert_int_equal(rtp_ext(PT_H264, 10, 3, 9000, true, BYTES(DELTA), NULL), TG_OK);
    assert_no_frame();
    /* RTX tells what it repairs. */
    assert_int_equal(rtp_text(PT_RTX, 20, 7, 6000, BYTES("\0\2" DELTA), EXT_REPAIRED, "lo"), TG_OK);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 0)->rtp_ts, 6000);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 0)->encoding, 2);
    assert_int_equal(rtp_ext(PT_RTX, 21, 7, 6000, true, BYTES("\0\2" DELTA), NULL),
                     TG_ERR_NOTFOUND);
    assert_int_equal(stats_of(1).packets, 0);
    assert_int_equal(stats_of(2).packets, 3);
    end();
}

static void test_receiver_new_ssrc_replaces_the_old_one(void **state)
{
    struct tg_sdp_whip pick = pick_simulcast();

    (void)state;
    begin(&pick);
    assert_int_equal(rtp_text(PT_H264, 10, 100, 3000, BYTES(KEY), EXT_RID, "h"), TG_OK);
    assert_int_equal(rtp_text(PT_H264, 11, 9, 70000, BYTES(KEY), EXT_RID, "h"), TG_OK);
    assert_frame(0, 70000, true, true, BYTES(KEY_AU));
    /* What still comes of the old one is late, whatever rid it names. */
    assert_int_equal(rtp_text(PT_H264, 10, 101, 6000, BYTES(DELTA), EXT_RID, "h"), TG_ERR_NOTFOUND);
    assert_int_equal(rtp_ext(PT_H264, 11, 10, 73000, true, BYTES(DELTA), NULL), TG_OK);
    assert_frame(0, 73000, false, false, BYTES(DELTA_AU));
    end();
}

static void test_receiver_declared_ssrcs_need_no_extension(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    pick.video.ssrc_count = 2;
    pick.video.ssrcs[0] = 1;
    pick.video.ssrcs[1] = 2;
    pick.video.pair_count = 1;
    pick.video.pairs[0] = (struct tg_sdp_ssrc_pair){.media = 1, .rtx = 2};
    begin(&pick);
    assert_int_equal(rtp(10, 3000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 3000, true, false, BYTES(KEY_AU));
    assert_int_equal(rtp(12, 9000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(rtx(2, 9, 11, 6000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 0)->rtp_ts, 6000);
    /* The RTX SSRC carries RTX only. */
    assert_int_equal(rtp_ext(PT_H264, 2, 10, 3000, true, BYTES(KEY), NULL), TG_ERR_NOTFOUND);
    end();
}

static void test_receiver_mid_tells_equal_payload_types_apart(void **state)
{
    struct tg_sdp_whip pick = pick_h264();

    (void)state;
    pick.audio.pt = PT_H264;
    begin(&pick);
    assert_int_equal(rtp_text(PT_H264, 30, 1, 960, BYTES("opus"), EXT_MID, "0"), TG_OK);
    assert_frame(AUDIO, 960, true, false, BYTES("opus"));
    assert_int_equal(rtp_text(PT_H264, 31, 1, 3000, BYTES(KEY), EXT_MID, "1"), TG_OK);
    assert_frame(0, 3000, true, false, BYTES(KEY_AU));
    end();
}

static void test_receiver_refuses_what_is_nobodys(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    uint8_t big[1600] = {0x80, PT_H264};

    (void)state;
    begin(&pick);
    assert_int_equal(tg_receiver_rtp(receiver, now, BYTES("short")), TG_ERR_MALFORMED);
    assert_int_equal(tg_receiver_rtp(receiver, now, tg_span(big, sizeof(big))), TG_ERR_LIMIT);
    assert_int_equal(rtp_ext(77, 1, 1, 0, true, BYTES(KEY), NULL), TG_ERR_NOTFOUND);
    assert_int_equal(rtp_ext(PT_RTX, 2, 1, 0, true, BYTES("\0"), NULL), TG_ERR_MALFORMED);
    assert_int_equal(rtp_ext(PT_RTX, 2, 1, 0, true, tg_span(NULL, 0), NULL), TG_OK); /* a probe */
    assert_int_equal(rtx(2, 2, 77, 0, true, BYTES(KEY)), TG_OK); /* of media that never came */
    assert_int_equal(out_count, 0);
    assert_int_equal(stats_of(0).packets, 0);
    end();
}

/* --- audio --------------------------------------------------------------------------------------
 */

static tg_err opus(uint16_t seq, bool marker, const char *text, const struct tg_rtp_ext *ext)
{
    return rtp_ext(PT_OPUS, 30, seq, seq * 960U, marker, tg_span(text, strlen(text)), ext);
}

static void test_receiver_audio_waits_briefly_and_goes_on(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(opus(1, true, "one", NULL), TG_OK);
    assert_frame(AUDIO, 960, true, false, BYTES("one"));
    assert_true(outs[0].marker);
    assert_int_equal(opus(3, false, "three", NULL), TG_OK);
    assert_no_frame();
    assert_int_equal(opus(2, false, "two", NULL), TG_OK);
    assert_frame(AUDIO, 1920, true, false, BYTES("two"));
    assert_int_equal(out_at(TG_RECEIVER_FRAME, 1)->rtp_ts, 2880);
    assert_int_equal(opus(5, false, "five", NULL), TG_OK);
    assert_int_equal(tg_receiver_deadline(receiver), now + 80 * MS);
    pass(79 * MS);
    assert_no_frame();
    pass(1 * MS);
    assert_frame(AUDIO, 4800, true, true, BYTES("five"));
    assert_false(sent(TG_RTCP_NACK, &p));
    assert_int_equal(stats_of(AUDIO).given_up, 1);
    assert_int_equal(stats_of(AUDIO).nacks, 0);
    end();
}

static void test_receiver_audio_level_is_the_loudest_since_asked(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    uint8_t level = 0x80 | 40;
    const struct tg_rtp_ext ext = {.id = EXT_LEVEL, .len = 1, .data = &level};

    (void)state;
    begin(&pick);
    assert_int_equal(opus(1, true, "one", NULL), TG_OK);
    assert_int_equal(stats_of(AUDIO).audio_dbov, 1);
    assert_int_equal(opus(2, false, "two", &ext), TG_OK);
    level = 30;
    assert_int_equal(opus(3, false, "three", &ext), TG_OK);
    level = 127;
    assert_int_equal(opus(4, false, "four", &ext), TG_OK);
    assert_int_equal(stats_of(AUDIO).audio_dbov, -30);
    assert_int_equal(stats_of(AUDIO).audio_dbov, 1);
    end();
}

/* RFC 8285 s4.3: an element of the two-byte form may be empty. */
static void test_receiver_empty_audio_level_is_none(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    const uint8_t packet[] = {0x90, PT_OPUS, 0, 1, 0, 0, 0,         0,
                              0,    0,       0, 9, /* two-byte form, one word */
                              0x10, 0,       0, 1, 0, 0, EXT_LEVEL, 0};
    uint8_t *exact = tg_calloc(1, sizeof(packet)); /* nothing behind it may be read */

    (void)state;
    assert_non_null(exact);
    memcpy(exact, packet, sizeof(packet));
    begin(&pick);
    assert_int_equal(tg_receiver_rtp(receiver, now, tg_span(exact, sizeof(packet))), TG_OK);
    drain();
    assert_int_equal(stats_of(AUDIO).audio_dbov, 1);
    end();
    tg_free(exact);
}

/* --- VP8 ----------------------------------------------------------------------------------------
 */

/* Keyframe header: tag, start code, 16 x 16. */
#define VP8_KEY "\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00"
#define VP8_DELTA "\x11\x02\x00"

static void test_receiver_vp8_frames_are_joined_without_descriptors(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    pick.video.vp8 = true;
    begin(&pick);
    assert_int_equal(rtp(10, 3000, false, BYTES("\x10" VP8_KEY)), TG_OK);
    assert_int_equal(rtp(11, 3000, true, BYTES("\x80\x80\x12\x55\x66")), TG_OK); /* picture id */
    assert_frame(0, 3000, true, false, BYTES(VP8_KEY "\x55\x66"));
    assert_int_equal(rtp(12, 6000, true, BYTES("\x10" VP8_DELTA)), TG_OK);
    assert_frame(0, 6000, false, false, BYTES(VP8_DELTA));
    /* A frame without its beginning is no frame. */
    assert_int_equal(rtp(13, 9000, true, BYTES("\x00\x44")), TG_OK);
    assert_no_frame();
    assert_true(sent(TG_RTCP_PLI, &p));
    assert_int_equal(rtp(14, 12000, true, BYTES("\x10" VP8_KEY)), TG_OK);
    assert_frame(0, 12000, true, true, BYTES(VP8_KEY));
    end();
}

/* --- RTCP ---------------------------------------------------------------------------------------
 */

static void test_receiver_reports_each_second(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;
    struct tg_rtcp_report b;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(65534, 3000, true, BYTES(KEY)), TG_OK);
    assert_int_equal(rtp(65535, 6000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(rtp(2, 15000, true, BYTES(DELTA)), TG_OK);
    assert_int_equal(rtx(2, 1, 0, 9000, true, BYTES(DELTA)), TG_OK); /* lost all the same */
    pass(1000 * MS);
    assert_true(sent(TG_RTCP_RR, &p));
    assert_int_equal(p.ssrc, OUR_SSRC);
    assert_int_equal(p.report_count, 1);
    b = tg_rtcp_report_at(&p, 0);
    assert_int_equal(b.ssrc, 1);
    assert_int_equal(b.seq_max, 0x10002);
    assert_int_equal(b.lost_total, 2);
    assert_int_equal(b.lost_fraction, 2 * 256 / 5);
    assert_int_equal(b.lsr, 0);
    assert_true(sent(TG_RTCP_SDES, &p));
    assert_int_equal(rtp(3, 18000, true, BYTES(DELTA)), TG_OK);
    pass(999 * MS);
    assert_false(sent(TG_RTCP_RR, &p));
    pass(1 * MS);
    assert_true(sent(TG_RTCP_RR, &p));
    assert_int_equal(tg_rtcp_report_at(&p, 0).lost_fraction, 0);
    end();
}

static void test_receiver_sender_report_gives_the_clock_and_lsr(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    const struct tg_rtcp_sr sr = {.ntp = UINT64_C(0x1122334455667788), .rtp_ts = 4000};
    const struct tg_receiver_out *out;
    uint8_t bytes[64];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(1, 3000, true, BYTES(KEY)), TG_OK);
    tg_rtcp_write_sr(&w, 1, &sr, NULL, 0);
    assert_int_equal(tg_receiver_rtcp(receiver, now, tg_span(bytes, tg_wr_len(&w))), TG_OK);
    drain();
    out = out_at(TG_RECEIVER_CLOCK, 0);
    assert_non_null(out);
    assert_int_equal(out->encoding, 0);
    assert_int_equal(out->rtp_ts, 4000);
    assert_true(out->ntp == sr.ntp);
    assert_int_equal(out->arrival, now);
    pass(1000 * MS);
    assert_true(sent(TG_RTCP_RR, &p));
    assert_int_equal(tg_rtcp_report_at(&p, 0).lsr, 0x33445566);
    assert_int_equal(tg_rtcp_report_at(&p, 0).dlsr, 65536);
    end();
}

static void test_receiver_bye_ends_the_feedback(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    const uint32_t ssrc = 1;
    uint8_t bytes[64];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    (void)state;
    begin(&pick);
    assert_int_equal(rtp(1, 3000, true, BYTES(KEY)), TG_OK);
    tg_rtcp_write_bye(&w, &ssrc, 1);
    assert_int_equal(tg_receiver_rtcp(receiver, now, tg_span(bytes, tg_wr_len(&w))), TG_OK);
    drain();
    assert_non_null(out_at(TG_RECEIVER_BYE, 0));
    assert_int_equal(out_at(TG_RECEIVER_BYE, 0)->encoding, 0);
    pass(3000 * MS);
    assert_int_equal(out_count, 0);
    assert_true(tg_receiver_deadline(receiver) == TG_US_NEVER);
    /* Another one takes its place. */
    assert_int_equal(rtp_ext(PT_H264, 3, 1, 3000, true, BYTES(KEY), NULL), TG_OK);
    assert_frame(0, 3000, true, true, BYTES(KEY_AU));
    end();
}

static void test_receiver_xr_measures_the_round_trip(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;
    struct tg_rd r;
    struct tg_span body;
    uint8_t type = 0;
    uint64_t ntp = 0;
    uint8_t bytes[64];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    (void)state;
    pick.video.rcvr_rtt = true;
    begin(&pick);
    assert_int_equal(rtp(1, 3000, true, BYTES(KEY)), TG_OK);
    pass(1000 * MS);
    assert_true(sent(TG_RTCP_XR, &p));
    r = tg_rd(p.fci.data, p.fci.len);
    assert_true(tg_rtcp_xr_next(&r, &type, &body));
    assert_int_equal(type, TG_RTCP_XR_RRTR);
    assert_int_equal(tg_rtcp_rrtr_parse(&ntp, body), TG_OK);
    now += 250 * MS;
    const struct tg_rtcp_dlrr dlrr = {
        .ssrc = OUR_SSRC, .lrr = tg_ntp_mid(ntp), .dlrr = tg_ntp_delay(50 * MS)};

    tg_rtcp_write_dlrr(&w, 1, &dlrr, 1);
    assert_int_equal(tg_receiver_rtcp(receiver, now, tg_span(bytes, tg_wr_len(&w))), TG_OK);
    drain();
    assert_in_range(tg_receiver_rtt(receiver), 199 * MS, 201 * MS);
    assert_int_equal(tg_receiver_rtcp(receiver, now, BYTES("nonsense")), TG_ERR_MALFORMED);
    end();
}

static void test_receiver_compounds_begin_with_a_report_unless_reduced(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    struct tg_rtcp p;

    (void)state;
    for (int reduced = 0; reduced < 2; reduced++) {
        struct tg_rd r;

        pick.audio.rtcp_rsize = reduced == 1;
        begin(&pick);
        assert_int_equal(rtp(1, 3000, true, BYTES(DELTA)), TG_OK);
        assert_non_null(out_at(TG_RECEIVER_RTCP, 0));
        r = tg_rd(outs[0].bytes.data, outs[0].bytes.len);
        assert_int_equal(tg_rtcp_next(&r, &p), TG_OK);
        assert_int_equal(p.kind, reduced ? TG_RTCP_PLI : TG_RTCP_RR);
        end();
    }
}

static void test_receiver_every_packet_counts_for_congestion_control(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    uint8_t seq[2] = {0, 1};
    const struct tg_rtp_ext ext = {.id = EXT_TWCC, .len = 2, .data = seq};
    struct tg_twcc_status status;
    struct tg_twcc t;
    struct tg_rtcp p;

    (void)state;
    begin(&pick);
    assert_int_equal(rtp_ext(PT_H264, 1, 1, 3000, true, BYTES(KEY), &ext), TG_OK);
    seq[1] = 2;
    assert_int_equal(rtp_ext(PT_OPUS, 30, 1, 960, true, BYTES("opus"), &ext), TG_OK);
    seq[1] = 4;
    assert_int_equal(rtp_ext(PT_RTX, 2, 1, 3000, true, tg_span(NULL, 0), &ext), TG_OK);
    seq[1] = 5;
    assert_int_equal(rtp_ext(77, 99, 1, 3000, true, BYTES("?"), &ext), TG_ERR_NOTFOUND);
    pass(100 * MS);
    assert_true(sent(TG_RTCP_TWCC, &p));
    assert_int_equal(tg_twcc_parse(&t, p.fci), TG_OK);
    assert_int_equal(t.base_seq, 1);
    assert_int_equal(t.status_count, 5);
    for (uint16_t i = 1; i <= 5; i++) {
        assert_true(tg_twcc_next(&t, &status));
        assert_int_equal(status.received, i != 3);
    }
    end();
}

/* --- memory -------------------------------------------------------------------------------------
 */

static void test_receiver_without_memory_says_so_and_goes_on(void **state)
{
    struct tg_sdp_whip pick = pick_h264();
    const struct tg_receiver_cfg cfg = {.pick = &pick, .ssrc = OUR_SSRC};
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_receiver_new(&receiver, &cfg, 1), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    begin(&pick);
    for (long nth = 0; err == TG_ERR_NOMEM; nth++) {
        tg_alloc_fail_nth(nth);
        err = rtp(1, 3000, true, BYTES(KEY));
        assert_true(err == TG_OK || tg_alloc_failed());
        tg_alloc_fail_nth(-1);
    }
    /* The last one to fail was the frame's buffer: it is dropped, the next keyframe comes out. */
    assert_int_equal(err, TG_OK);
    assert_no_frame();
    assert_int_equal(stats_of(0).frames_dropped, 1);
    assert_int_equal(rtp(2, 6000, true, BYTES(KEY)), TG_OK);
    assert_frame(0, 6000, true, true, BYTES(KEY_AU));
    end();
    tg_receiver_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receiver_frames_leave_at_their_marker),
        cmocka_unit_test(test_receiver_frame_without_marker_leaves_at_the_next_time),
        cmocka_unit_test(test_receiver_overtaken_packets_are_put_in_order),
        cmocka_unit_test(test_receiver_waits_for_the_first_keyframe),
        cmocka_unit_test(test_receiver_first_packets_may_come_in_any_order),
        cmocka_unit_test(test_receiver_padding_takes_numbers_only),
        cmocka_unit_test(test_receiver_broken_frame_is_dropped_and_a_keyframe_asked_for),
        cmocka_unit_test(test_receiver_hole_is_asked_for_and_repaired_by_rtx),
        cmocka_unit_test(test_receiver_newer_keyframe_goes_ahead_of_an_old_hole),
        cmocka_unit_test(test_receiver_old_hole_asks_for_a_keyframe_and_is_given_up),
        cmocka_unit_test(test_receiver_incomplete_keyframe_does_not_go_ahead),
        cmocka_unit_test(test_receiver_cut_line_goes_on_with_a_keyframe),
        cmocka_unit_test(test_receiver_cut_line_is_not_repaired_while_a_keyframe_comes),
        cmocka_unit_test(test_receiver_endless_frame_gives_room),
        cmocka_unit_test(test_receiver_wanted_keyframe_is_asked_for_with_distance),
        cmocka_unit_test(test_receiver_fir_when_nothing_else_was_offered),
        cmocka_unit_test(test_receiver_simulcast_goes_by_rid),
        cmocka_unit_test(test_receiver_new_ssrc_replaces_the_old_one),
        cmocka_unit_test(test_receiver_declared_ssrcs_need_no_extension),
        cmocka_unit_test(test_receiver_mid_tells_equal_payload_types_apart),
        cmocka_unit_test(test_receiver_refuses_what_is_nobodys),
        cmocka_unit_test(test_receiver_audio_waits_briefly_and_goes_on),
        cmocka_unit_test(test_receiver_audio_level_is_the_loudest_since_asked),
        cmocka_unit_test(test_receiver_empty_audio_level_is_none),
        cmocka_unit_test(test_receiver_vp8_frames_are_joined_without_descriptors),
        cmocka_unit_test(test_receiver_reports_each_second),
        cmocka_unit_test(test_receiver_sender_report_gives_the_clock_and_lsr),
        cmocka_unit_test(test_receiver_bye_ends_the_feedback),
        cmocka_unit_test(test_receiver_xr_measures_the_round_trip),
        cmocka_unit_test(test_receiver_compounds_begin_with_a_report_unless_reduced),
        cmocka_unit_test(test_receiver_every_packet_counts_for_congestion_control),
        cmocka_unit_test(test_receiver_without_memory_says_so_and_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
