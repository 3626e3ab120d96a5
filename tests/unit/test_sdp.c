/*
 * test_sdp.c - a browser's offer, what is picked from it, the answer read back, and bad offers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/macros.h"
#include "proto/sdp.h"
#include "tests/unit/sdp_offers.h"

static char chromium_recvonly[8192];
static struct tg_sdp offer;  /* too large for the stack */
static struct tg_sdp answer; /* likewise */

static int join_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(chromium_lines); i++)
        strncat(chromium_recvonly, chromium_lines[i],
                sizeof(chromium_recvonly) - strlen(chromium_recvonly) - 1);
    return 0;
}

static tg_err parse(struct tg_sdp *ret, const char *text, const char **reason)
{
    return tg_sdp_parse(ret, text, strlen(text), reason);
}

/* A text with every `from` replaced by `to` of the same or smaller length. */
static void replace(char *out, const char *in, const char *from, const char *to)
{
    unsigned hits = 0;

    assert_true(strlen(to) <= strlen(from));
    while (*in != '\0') {
        if (strncmp(in, from, strlen(from)) == 0) {
            memcpy(out, to, strlen(to));
            out += strlen(to);
            in += strlen(from);
            hits++;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    assert_true(hits > 0);
}

/* The browser's offer, changed. */
static const char *variant(const char *from, const char *to)
{
    static char text[sizeof(chromium_recvonly)];

    replace(text, chromium_recvonly, from, to);
    return text;
}

static const char *variant2(const char *from, const char *to, const char *from2, const char *to2)
{
    static char text[sizeof(chromium_recvonly)];

    replace(text, variant(from, to), from2, to2);
    return text;
}

static void assert_refused(const char *text, tg_err want, const char *want_reason)
{
    struct tg_sdp_whep pick;
    const char *reason = "";
    tg_err err = parse(&offer, text, &reason);

    if (err == TG_OK)
        err = tg_sdp_whep_pick(&pick, &offer, &reason);
    assert_string_equal(reason, want_reason);
    assert_int_equal(err, want);
}

static void test_sdp_chromium_offer_is_read(void **state)
{
    const char *reason = NULL;
    const struct tg_sdp_media *v;

    (void)state;
    assert_int_equal(parse(&offer, chromium_recvonly, &reason), TG_OK);
    assert_null(reason);
    assert_int_equal(offer.media_count, 2);
    v = &offer.media[0];
    assert_int_equal(v->kind, TG_SDP_VIDEO);
    assert_int_equal(v->dir, TG_SDP_RECVONLY);
    assert_int_equal(v->setup, TG_SDP_ACTPASS);
    assert_string_equal(v->mid, "0");
    assert_true(v->bundled && v->rtcp_mux && v->rtcp_rsize && v->rcvr_rtt && v->has_fingerprint);
    assert_int_equal(v->ext_id[TG_SDP_EXT_MID], 9);
    assert_int_equal(v->ext_id[TG_SDP_EXT_TWCC], 4);
    assert_int_equal(v->ext_id[TG_SDP_EXT_ABS_CAPTURE_TIME], 0);
    assert_true(v->codec_count > 30);
    assert_int_equal(v->candidate_count, 0); /* mDNS names */
    assert_int_equal(offer.media[1].kind, TG_SDP_AUDIO);
    assert_true(strlen(v->ice_ufrag) >= 4 && strlen(v->ice_pwd) >= 22);
}

static void test_sdp_pick_prefers_constrained_baseline_and_its_rtx(void **state)
{
    struct tg_sdp_whep pick;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(parse(&offer, chromium_recvonly, &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(pick.video.media, 0);
    assert_int_equal(pick.video.pt, 108);
    assert_int_equal(pick.video.rtx_pt, 109);
    assert_int_equal(pick.video.profile_level_id, 0x42e01f);
    assert_int_equal(pick.video.vp8_pt, 96);
    assert_int_equal(pick.video.vp8_rtx_pt, 97);
    assert_int_equal(pick.video.vp8_fb, pick.video.fb);
    assert_int_equal(pick.video.fb, TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_FIR |
                                        TG_SDP_FB_REMB | TG_SDP_FB_TWCC);
    assert_int_equal(pick.audio.media, 1);
    assert_int_equal(pick.audio.pt, 111);
    assert_int_equal(pick.audio.rtx_pt, -1);
    assert_int_equal(pick.audio.vp8_pt, -1);
    assert_string_equal(pick.ice_ufrag, offer.media[0].ice_ufrag);
    assert_null(reason);
}

static void test_sdp_pick_falls_back_by_profile(void **state)
{
    struct tg_sdp_whep pick;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(parse(&offer, variant("profile-level-id=42e01f", ""), &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(pick.video.pt, 102);
    assert_int_equal(pick.video.profile_level_id, 0x42001f);
    /* Without any baseline, main. */
    assert_int_equal(parse(&offer, variant("profile-level-id=42", "profile-level-id=f4"), &reason),
                     TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(pick.video.profile_level_id, 0x4d001f);
}

static void test_sdp_pick_takes_vp8_alone_or_h264_alone(void **state)
{
    struct tg_sdp_whep pick;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(parse(&offer, variant("H264/90000", "AV1/90000"), &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(pick.video.pt, -1);
    assert_int_equal(pick.video.rtx_pt, -1);
    assert_int_equal(pick.video.vp8_pt, 96);
    assert_int_equal(pick.video.clock, 90000);
    assert_int_equal(parse(&offer, variant("VP8/90000", "VP9/90000"), &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(pick.video.pt, 108);
    assert_int_equal(pick.video.vp8_pt, -1);
    assert_int_equal(pick.video.vp8_rtx_pt, -1);
}

static struct tg_sdp_local local_of(const struct tg_addr *candidates, size_t count)
{
    struct tg_sdp_local local = {.ice_ufrag = "abcdefgh",
                                 .ice_pwd = "abcdefghijklmnopqrstuvwx",
                                 .candidates = candidates,
                                 .candidate_count = count,
                                 .session_id = 4611686018427387903u,
                                 .video_ssrc = 1111,
                                 .rtx_ssrc = 2222,
                                 .audio_ssrc = 3333,
                                 .cname = "torg",
                                 .stream_id = "show"};

    memset(local.fingerprint, 0xAB, sizeof(local.fingerprint));
    return local;
}

/* Parses text, picks, writes the answer into out. */
static void make_answer(struct tg_buf *out, const char *text)
{
    struct tg_addr v6 = {.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 8189};
    const struct tg_addr candidates[] = {tg_addr_v4(192, 0, 2, 7, 8189), v6};
    const struct tg_sdp_local local = local_of(candidates, 2);
    struct tg_sdp_whep pick;
    const char *reason = "";

    tg_buf_init(out, TG_SDP_MAX);
    assert_int_equal(parse(&offer, text, &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(tg_sdp_write_whep_answer(out, &offer, &pick, &local), TG_OK);
}

static void test_sdp_answer_reads_back_as_meant(void **state)
{
    struct tg_buf out;
    const char *reason = "";
    const struct tg_sdp_media *v = &answer.media[0];

    (void)state;
    make_answer(&out, chromium_recvonly);
    assert_int_equal(parse(&answer, tg_buf_cstr(&out), &reason), TG_OK);
    assert_true(answer.ice_lite);
    assert_int_equal(answer.media_count, 2);
    assert_int_equal(v->dir, TG_SDP_SENDONLY);
    assert_int_equal(v->setup, TG_SDP_PASSIVE);
    assert_true(v->bundled && v->rtcp_mux && v->rtcp_rsize && v->rcvr_rtt);
    assert_string_equal(v->ice_ufrag, "abcdefgh");
    assert_int_equal(v->fingerprint[31], 0xAB);
    assert_int_equal(v->codec_count, 4);
    assert_int_equal(v->codecs[0].pt, 108);
    assert_int_equal(v->codecs[0].packetization_mode, 1);
    assert_true(v->codecs[0].level_asymmetry);
    assert_int_equal(v->codecs[1].apt, 108);
    assert_true(tg_sdp_codec_is(&v->codecs[2], "VP8"));
    assert_int_equal(v->codecs[2].pt, 96);
    assert_int_equal(v->codecs[2].fb, v->codecs[0].fb);
    assert_int_equal(v->codecs[3].pt, 97);
    assert_int_equal(v->codecs[3].apt, 96);
    assert_int_equal(v->pair_count, 1);
    assert_int_equal(v->pairs[0].media, 1111);
    assert_int_equal(v->pairs[0].rtx, 2222);
    assert_int_equal(v->candidate_count, 2);
    assert_int_equal(v->candidates[0].port, 8189);
    assert_int_equal(answer.media[1].codecs[0].pt, 111);
    assert_int_equal(answer.media[1].ssrcs[0], 3333);
    assert_non_null(strstr(tg_buf_cstr(&out), "\r\na=end-of-candidates\r\n"));
    assert_non_null(strstr(tg_buf_cstr(&out), " 2001:db8::1 8189 typ host\r\n"));
    tg_buf_done(&out);
}

/* RFC 6544 s4.5: after the UDP ones, each with a foundation of its own and a lower priority. */
static void test_sdp_answer_with_tcp_names_each_address_twice(void **state)
{
    const struct tg_addr candidates[] = {tg_addr_v4(192, 0, 2, 7, 8189),
                                         tg_addr_v4(192, 0, 2, 8, 8189)};
    struct tg_sdp_local local = local_of(candidates, 2);
    struct tg_sdp_whep pick;
    struct tg_buf out;
    const char *reason = "";

    (void)state;
    local.tcp = true;
    tg_buf_init(&out, TG_SDP_MAX);
    assert_int_equal(parse(&offer, chromium_recvonly, &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(tg_sdp_write_whep_answer(&out, &offer, &pick, &local), TG_OK);
    assert_non_null(
        strstr(tg_buf_cstr(&out),
               "a=candidate:1 1 udp 2130706431 192.0.2.7 8189 typ host\r\n"
               "a=candidate:2 1 udp 2130706175 192.0.2.8 8189 typ host\r\n"
               "a=candidate:3 1 tcp 1520435199 192.0.2.7 8189 typ host tcptype passive\r\n"
               "a=candidate:4 1 tcp 1520434943 192.0.2.8 8189 typ host tcptype passive\r\n"
               "a=end-of-candidates\r\n"));
    assert_int_equal(parse(&answer, tg_buf_cstr(&out), &reason), TG_OK);
    assert_int_equal(answer.media[0].candidate_count, 2); /* we use UDP ourselves */
    tg_buf_done(&out);
}

static void test_sdp_answer_to_vp8_alone_has_no_h264(void **state)
{
    struct tg_buf out;

    (void)state;
    make_answer(&out, variant("H264/90000", "AV1/90000"));
    assert_null(strstr(tg_buf_cstr(&out), "H264"));
    assert_non_null(strstr(tg_buf_cstr(&out), "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"));
    tg_buf_done(&out);
}

static void test_sdp_answer_echoes_only_what_was_offered(void **state)
{
    struct tg_buf out;

    (void)state;
    make_answer(&out, variant("a=rtcp-fb:108 nack pli\r\n", ""));
    assert_null(strstr(tg_buf_cstr(&out), "a=rtcp-fb:108 nack pli"));
    assert_non_null(strstr(tg_buf_cstr(&out), "a=rtcp-fb:108 nack\r\n"));
    tg_buf_done(&out);
    make_answer(&out, variant("a=rtcp-xr:rcvr-rtt=all\r\n", ""));
    assert_null(strstr(tg_buf_cstr(&out), "rcvr-rtt"));
    assert_null(strstr(tg_buf_cstr(&out), "abs-capture-time"));
    tg_buf_done(&out);
}

/* A third m-line of a kind that torg refuses, and a second video. */
static void test_sdp_answer_rejects_other_m_lines_in_their_place(void **state)
{
    static char text[sizeof(chromium_recvonly) + 512];
    struct tg_buf out;
    const char *reason = "";

    (void)state;
    strncpy(text, variant("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1"), sizeof(text) - 1);
    strncat(text,
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n",
            sizeof(text) - strlen(text) - 1);
    make_answer(&out, text);
    assert_int_equal(parse(&answer, tg_buf_cstr(&out), &reason), TG_OK);
    assert_int_equal(answer.media_count, 4);
    assert_int_equal(answer.media[2].port, 0);
    assert_string_equal(answer.media[2].formats, "webrtc-datachannel");
    assert_string_equal(answer.media[2].mid, "2");
    assert_int_equal(answer.media[2].dir, TG_SDP_INACTIVE);
    assert_int_equal(answer.media[3].port, 0);
    assert_false(answer.media[2].bundled || answer.media[3].bundled);
    assert_non_null(strstr(tg_buf_cstr(&out), "a=group:BUNDLE 0 1\r\n"));
    tg_buf_done(&out);
}

static void test_sdp_bad_offers_get_plain_words(void **state)
{
    (void)state;
    assert_refused(variant2("packetization-mode=1", "packetization-mode=0", "VP8/90000", "VP9/90"),
                   TG_ERR_UNSUPPORTED,
                   "the offer has no H.264 with packetization-mode=1 and no VP8");
    assert_refused(variant2("H264/90000", "AV1/90000", "VP8/90000", "VP9/90"), TG_ERR_UNSUPPORTED,
                   "the offer has no H.264 with packetization-mode=1 and no VP8");
    assert_refused(variant("a=recvonly", "a=sendonly"), TG_ERR_UNSUPPORTED,
                   "the SDP offers no receiving video or audio");
    assert_refused(variant("a=rtcp-mux\r\n", ""), TG_ERR_MALFORMED, "an m-line has no a=rtcp-mux");
    assert_refused(variant("a=ice-ufrag:", "a=ice-xx:"), TG_ERR_MALFORMED, "no ice-ufrag");
    assert_refused(variant("a=ice-pwd:", "a=ice-xx:"), TG_ERR_MALFORMED, "no ice-pwd");
    assert_refused(variant("a=fingerprint:sha-256", "a=fingerprint:sha-512"), TG_ERR_MALFORMED,
                   "no sha-256 fingerprint");
    assert_refused(variant("a=setup:actpass", "a=setup:passive"), TG_ERR_MALFORMED,
                   "the offer is setup:passive, but torg needs actpass or active");
    assert_refused(variant("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), TG_ERR_MALFORMED,
                   "audio and video are not in one a=group:BUNDLE");
    assert_refused(variant("v=0", "{}"), TG_ERR_MALFORMED,
                   "the body is not SDP: it does not begin with v=0");
    assert_refused(variant("a=mid:1", "a=mid:0"), TG_ERR_MALFORMED,
                   "two m-lines have the same mid");
    assert_refused("v=0\r\n", TG_ERR_UNSUPPORTED, "the SDP offers no receiving video or audio");
    assert_refused("v=0\r\nnonsense\r\n", TG_ERR_MALFORMED,
                   "an SDP line is not of the form x=value");
    assert_refused("v=0\r\na=mid:0\rm=x\r\n", TG_ERR_MALFORMED,
                   "an SDP line has control characters");
}

static void test_sdp_limits_are_refused_not_cut(void **state)
{
    static char text[TG_SDP_MAX + 64];
    const char *reason = "";
    size_t len;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(tg_sdp_parse(&offer, text, sizeof(text), &reason), TG_ERR_LIMIT);
    memcpy(text, "v=0\r\na=", 7);
    assert_int_equal(tg_sdp_parse(&offer, text, 7 + TG_SDP_LINE_MAX, &reason), TG_ERR_LIMIT);
    strncpy(text, "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF", sizeof(text) - 1);
    len = strlen(text);
    for (int i = 0; i <= TG_SDP_CODECS_MAX; i++)
        memcpy(text + len + (size_t)i * 3, " 96", 3);
    assert_int_equal(tg_sdp_parse(&offer, text, len + 3 * (TG_SDP_CODECS_MAX + 1), &reason),
                     TG_ERR_LIMIT);
    assert_string_equal(reason, "an m-line has more payload types than torg reads");
    strncpy(text, "v=0\n", sizeof(text) - 1);
    for (int i = 0; i <= TG_SDP_MEDIA_MAX; i++)
        strncat(text, "m=audio 9 RTP/AVP 0\n", sizeof(text) - strlen(text) - 1);
    assert_int_equal(parse(&offer, text, &reason), TG_ERR_LIMIT);
}

static void test_sdp_session_values_reach_the_m_lines(void **state)
{
    static const char text[] =
        "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=ice-lite\na=ice-ufrag:abcd\n"
        "a=ice-pwd:abcdefghijklmnopqrstuv\na=setup:passive\na=recvonly\n"
        "a=fingerprint:sha-256 "
        "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:"
        "1D:1E:1F\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtcp-fb:* nack\na=rtpmap:111 opus/48000/2\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96\na=ice-ufrag:other\na=sendrecv\na=simulcast:send q;h\n"
        "a=rid:q send\na=rid:h send pt=96\na=candidate:1 1 UDP 1 192.0.2.9 77 typ host\n"
        "a=candidate:1 1 tcp 1 192.0.2.9 78 typ host\na=candidate:1 2 udp 1 192.0.2.9 79 typ "
        "host\n";
    const char *reason = "";

    (void)state;
    assert_int_equal(parse(&offer, text, &reason), TG_OK);
    assert_string_equal(offer.media[0].ice_ufrag, "abcd");
    assert_string_equal(offer.media[1].ice_ufrag, "other");
    assert_string_equal(offer.media[1].ice_pwd, "abcdefghijklmnopqrstuv");
    assert_int_equal(offer.media[1].fingerprint[31], 0x1F);
    assert_int_equal(offer.media[0].dir, TG_SDP_RECVONLY);
    assert_int_equal(offer.media[1].dir, TG_SDP_SENDRECV);
    assert_int_equal(offer.media[0].codecs[0].fb, TG_SDP_FB_NACK);
    assert_int_equal(offer.media[0].codecs[0].channels, 2);
    assert_true(offer.media[1].simulcast);
    assert_int_equal(offer.media[1].rid_count, 2);
    assert_string_equal(offer.media[1].rids[1].id, "h");
    assert_int_equal(offer.media[1].candidate_count, 1);
    assert_int_equal(offer.media[1].candidates[0].port, 77);
}

static void test_sdp_own_offer_is_accepted_by_own_answerer(void **state)
{
    const struct tg_sdp_local local = local_of(NULL, 0);
    struct tg_buf text;
    struct tg_buf out;
    struct tg_sdp_whep pick;
    const char *reason = "";

    (void)state;
    tg_buf_init(&text, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_offer(&text, &local), TG_OK);
    make_answer(&out, tg_buf_cstr(&text));
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    assert_int_equal(pick.video.pt, 102);
    assert_int_equal(pick.video.rtx_pt, 103);
    assert_int_equal(pick.video.ext_abs_capture_time, 5);
    assert_int_equal(pick.audio.media, 0);
    assert_non_null(strstr(tg_buf_cstr(&out), "a=extmap:5 http"));
    tg_buf_done(&text);
    tg_buf_done(&out);
}

static void test_sdp_answer_without_memory_says_so(void **state)
{
    const struct tg_sdp_local local = local_of(NULL, 0);
    struct tg_sdp_whep pick;
    const char *reason = "";

    (void)state;
    assert_int_equal(parse(&offer, chromium_recvonly, &reason), TG_OK);
    assert_int_equal(tg_sdp_whep_pick(&pick, &offer, &reason), TG_OK);
    for (long n = 0;; n++) {
        struct tg_buf out;
        tg_err err;

        tg_buf_init(&out, TG_SDP_MAX);
        tg_alloc_fail_nth(n);
        err = tg_sdp_write_whep_answer(&out, &offer, &pick, &local);
        const bool failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        tg_buf_done(&out);
        if (!failed) {
            assert_int_equal(err, TG_OK);
            assert_true(n > 0);
            break;
        }
        assert_int_equal(err, TG_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sdp_chromium_offer_is_read),
        cmocka_unit_test(test_sdp_pick_prefers_constrained_baseline_and_its_rtx),
        cmocka_unit_test(test_sdp_pick_falls_back_by_profile),
        cmocka_unit_test(test_sdp_pick_takes_vp8_alone_or_h264_alone),
        cmocka_unit_test(test_sdp_answer_reads_back_as_meant),
        cmocka_unit_test(test_sdp_answer_with_tcp_names_each_address_twice),
        cmocka_unit_test(test_sdp_answer_to_vp8_alone_has_no_h264),
        cmocka_unit_test(test_sdp_answer_echoes_only_what_was_offered),
        cmocka_unit_test(test_sdp_answer_rejects_other_m_lines_in_their_place),
        cmocka_unit_test(test_sdp_bad_offers_get_plain_words),
        cmocka_unit_test(test_sdp_limits_are_refused_not_cut),
        cmocka_unit_test(test_sdp_session_values_reach_the_m_lines),
        cmocka_unit_test(test_sdp_own_offer_is_accepted_by_own_answerer),
        cmocka_unit_test(test_sdp_answer_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, join_lines, NULL);
}
