/*
 * test_sdp_whip.c - publishers' offers as real programs make them, what is picked, the answer read
 * back, and offers that cannot be taken whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/macros.h"
#include "proto/sdp_whip.h"
#include "tests/unit/whip_offers.h"

enum { TEXT_SIZE = 16384 };

static char chromium_simulcast[TEXT_SIZE];
static struct tg_sdp offer;  /* too large for the stack */
static struct tg_sdp answer; /* likewise */
static struct tg_sdp_whip pick;
static const char *reason;

static int join_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(chromium_lines); i++)
        strncat(chromium_simulcast, chromium_lines[i],
                sizeof(chromium_simulcast) - strlen(chromium_simulcast) - 1);
    return 0;
}

/* text with every `from` replaced by `to`. The result lasts until the call after the next. */
static const char *with(const char *text, const char *from, const char *to)
{
    static char texts[2][TEXT_SIZE];
    static unsigned turn;
    char *out = texts[turn ^= 1];
    size_t at = 0;
    unsigned hits = 0;

    while (*text != '\0') {
        const bool hit = strncmp(text, from, strlen(from)) == 0;

        assert_true(at + strlen(to) + 2 < TEXT_SIZE);
        if (hit) {
            memcpy(out + at, to, strlen(to));
            at += strlen(to);
            text += strlen(from);
            hits++;
        } else {
            out[at++] = *text++;
        }
    }
    out[at] = '\0';
    assert_true(hits > 0);
    return out;
}

static tg_err take(const char *text)
{
    tg_err err = tg_sdp_parse(&offer, text, strlen(text), &reason);

    return err == TG_OK ? tg_sdp_whip_pick(&pick, &offer, &reason) : err;
}

static void assert_taken(const char *text)
{
    reason = "";
    assert_int_equal(take(text), TG_OK);
    assert_string_equal(reason, "");
}

static void assert_refused(const char *text, tg_err want, const char *want_reason)
{
    tg_err err;

    reason = "";
    err = take(text);
    assert_string_equal(reason, want_reason);
    assert_int_equal(err, want);
}

static struct tg_sdp_local local_of(void)
{
    static const struct tg_addr here = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 7}, .port = 8189};
    struct tg_sdp_local local = {.ice_ufrag = "abcdefgh",
                                 .ice_pwd = "abcdefghijklmnopqrstuvwx",
                                 .candidates = &here,
                                 .candidate_count = 1,
                                 .session_id = 42};

    memset(local.fingerprint, 0xAB, sizeof(local.fingerprint));
    return local;
}

/* Text of the answer to what was taken last; lasts until the next call. Also in `answer`. */
static const char *write_answer(unsigned start_kbps)
{
    static char text[TEXT_SIZE];
    const struct tg_sdp_local local = local_of();
    struct tg_buf out;

    tg_buf_init(&out, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whip_answer(&out, &offer, &pick, &local, start_kbps), TG_OK);
    assert_true(out.len < sizeof(text));
    memcpy(text, tg_buf_cstr(&out), out.len + 1);
    tg_buf_done(&out);
    assert_int_equal(tg_sdp_parse(&answer, text, strlen(text), &reason), TG_OK);
    return text;
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("no \"%s\" in\n%s", line, text);
}

static void assert_has_not(const char *text, const char *line)
{
    if (strstr(text, line) != NULL)
        fail_msg("\"%s\" in\n%s", line, text);
}

/* --- real offers ------------------------------------------------------------------------------ */

static void test_whip_chromium_simulcast_is_picked_whole(void **state)
{
    const struct tg_sdp_in *v = &pick.video;

    (void)state;
    assert_taken(chromium_simulcast);
    assert_int_equal(v->media, 1);
    assert_false(v->vp8); /* though VP8 stands first */
    assert_int_equal(v->pt, 102);
    assert_int_equal(v->rtx_pt, 103);
    assert_int_equal(v->packetization_mode, 1);
    assert_int_equal(v->profile_level_id, 0x42001f);
    assert_int_equal(v->fb, TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_FIR | TG_SDP_FB_REMB |
                                TG_SDP_FB_TWCC);
    assert_int_equal(v->rid_count, 3);
    assert_string_equal(v->rids[0], "low");
    assert_string_equal(v->rids[1], "mid");
    assert_string_equal(v->rids[2], "high");
    assert_int_equal(v->ext_mid, 4);
    assert_int_equal(v->ext_rid, 10);
    assert_int_equal(v->ext_repaired_rid, 11);
    assert_int_equal(v->ext_twcc, 3);
    assert_int_equal(v->ssrc_count, 0);
    assert_string_equal(v->mid, "1");
    assert_true(v->rcvr_rtt && v->rtcp_rsize);
    assert_int_equal(pick.audio.media, 0);
    assert_int_equal(pick.audio.pt, 111);
    assert_int_equal(pick.audio.rtx_pt, -1);
    assert_int_equal(pick.audio.fb, TG_SDP_FB_TWCC);
    assert_int_equal(pick.audio.ext_twcc, 3);
    assert_int_equal(pick.audio.ext_audio_level, 1);
    assert_int_equal(pick.audio.ssrc_count, 1);
    assert_false(pick.audio.stereo_sent);
    assert_string_equal(pick.ice_ufrag, "0lDg");
}

static void test_whip_answer_to_chromium_reads_back_as_meant(void **state)
{
    const struct tg_sdp_media *v = &answer.media[1];
    const char *text;

    (void)state;
    assert_taken(chromium_simulcast);
    text = write_answer(2000);
    assert_true(answer.ice_lite);
    assert_int_equal(answer.media_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct tg_sdp_media *m = &answer.media[i];

        assert_int_equal(m->dir, TG_SDP_RECVONLY);
        assert_int_equal(m->setup, TG_SDP_PASSIVE);
        assert_true(m->bundled && m->rtcp_mux && m->rtcp_rsize && m->rcvr_rtt);
        assert_string_equal(m->mid, offer.media[i].mid);
        assert_int_equal(m->ext_id[TG_SDP_EXT_TWCC], 3);
        assert_int_equal(m->ext_id[TG_SDP_EXT_ORIENTATION], 0); /* the sender rotates */
        assert_int_equal(m->ext_id[TG_SDP_EXT_ABS_SEND_TIME], 0);
        assert_int_equal(m->ssrc_count, 0);
    }
    assert_int_equal(answer.media[0].candidate_count, 1);
    assert_int_equal(v->codec_count, 2);
    assert_int_equal(v->codecs[0].pt, 102);
    assert_int_equal(v->codecs[0].profile_level_id, 0x42001f);
    assert_int_equal(v->codecs[0].packetization_mode, 1);
    assert_true(v->codecs[0].level_asymmetry);
    assert_int_equal(v->codecs[0].fb, pick.video.fb);
    assert_int_equal(v->codecs[1].apt, 102);
    assert_has(text, "a=rid:low recv\r\na=rid:mid recv\r\na=rid:high recv\r\n"
                     "a=simulcast:recv low;mid;high\r\n");
    assert_has(text, "profile-level-id=42001f;x-google-start-bitrate=2000\r\n");
    assert_has(text, "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;"
                     "maxaveragebitrate=128000\r\n");
    assert_has(text, "a=rtcp-fb:111 transport-cc\r\n");
    assert_has(text, "a=rtcp-mux-only\r\n");
    assert_has(text, "a=group:BUNDLE 0 1\r\n");
    assert_has_not(text, "a=msid:");
}

static const char rids_of_chromium[] = "a=rid:low send\r\na=rid:mid send\r\na=rid:high send\r\n"
                                       "a=simulcast:send low;mid;high\r\n";

/* The same browser without rids declares its SSRCs. */
static void test_whip_chromium_without_simulcast_declares_ssrcs(void **state)
{
    const char *text;

    (void)state;
    assert_taken(with(chromium_simulcast, rids_of_chromium,
                      "a=ssrc-group:FID 4213006536 1673868786\r\n"
                      "a=ssrc:4213006536 cname:yneZPF2B/DP4jNpD\r\n"
                      "a=ssrc:1673868786 cname:yneZPF2B/DP4jNpD\r\n"));
    assert_int_equal(pick.video.rid_count, 0);
    assert_int_equal(pick.video.ext_rid, 0);
    assert_int_equal(pick.video.ext_repaired_rid, 0);
    assert_int_equal(pick.video.ssrc_count, 2);
    assert_int_equal(pick.video.ssrcs[0], 4213006536u);
    assert_int_equal(pick.video.pair_count, 1);
    assert_int_equal(pick.video.pairs[0].rtx, 1673868786);
    text = write_answer(0);
    assert_has_not(text, "rid");
    assert_has_not(text, "x-google");
}

static void test_whip_webrtcbin_is_taken(void **state)
{
    const char *text;

    (void)state;
    assert_taken(webrtcbin_offer);
    assert_int_equal(pick.video.media, 0);
    assert_int_equal(pick.video.pt, 96);
    assert_int_equal(pick.video.rtx_pt, -1);
    assert_int_equal(pick.video.profile_level_id, 0x42c01e);
    assert_int_equal(pick.video.fb, TG_SDP_FB_PLI | TG_SDP_FB_FIR); /* TWCC without its extension */
    assert_int_equal(pick.audio.media, 1);                          /* port 0, bundle-only */
    assert_false(pick.audio.stereo_sent);
    assert_int_equal(pick.video.ssrcs[0], 2308609948u);
    text = write_answer(1500);
    assert_int_equal(answer.media[1].port, 9);
    assert_has(text, "a=group:BUNDLE video0 audio1\r\n");
    assert_has_not(text, "transport-cc");
    assert_has_not(text, "extmap");
}

static void test_whip_libdatachannel_is_taken(void **state)
{
    const char *text;

    (void)state;
    assert_taken(libdatachannel_offer);
    assert_string_equal(pick.ice_pwd, "4bnMoCbFYbFwwRzNVrT2ez"); /* of the session */
    assert_int_equal(pick.fingerprint[0], 0x8E);
    assert_int_equal(pick.video.fb, TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_REMB);
    assert_int_equal(pick.video.rtx_pt, -1);
    assert_true(pick.audio.stereo_sent);
    assert_false(pick.video.rtcp_rsize);
    assert_int_equal(pick.audio.ssrcs[0], 1380971425);
    text = write_answer(1500);
    assert_has(text, "a=setup:passive\r\n");
    assert_has_not(text, "rtcp-rsize");
}

static void test_whip_firefox_simulcast_is_taken(void **state)
{
    (void)state;
    assert_taken(firefox_offer);
    assert_int_equal(pick.video.pt, 126); /* mode 1; 97 has mode 0 */
    assert_int_equal(pick.video.rtx_pt, 127);
    assert_int_equal(pick.video.rid_count, 2);
    assert_string_equal(pick.video.rids[0], "hi");
    assert_int_equal(pick.video.ext_rid, 8);
    assert_int_equal(pick.video.ext_repaired_rid, 9);
    assert_int_equal(pick.video.ext_twcc, 7);
    assert_int_equal(pick.audio.fb, 0);
    assert_true(pick.audio.stereo_sent);
    assert_has(write_answer(0), "a=simulcast:recv hi;lo\r\n");
}

/* RFC 9725 s4.2: the video is bundle-only and has no transport of its own. */
static void test_whip_example_of_the_rfc_is_taken(void **state)
{
    const char *text;

    (void)state;
    assert_taken(rfc9725_offer);
    assert_true(pick.video.vp8);
    assert_int_equal(pick.video.pt, 96);
    assert_int_equal(pick.video.rtx_pt, 97);
    assert_string_equal(pick.ice_ufrag, "EsAw");
    text = write_answer(1800);
    assert_has(text, "a=rtpmap:96 VP8/90000\r\n");
    assert_has(text, "a=fmtp:96 x-google-start-bitrate=1800\r\n");
    assert_has_not(write_answer(0), "a=fmtp:96");
}

/* --- picking ---------------------------------------------------------------------------------- */

static void test_whip_h264_mode_0_and_any_profile_before_vp8(void **state)
{
    (void)state;
    assert_taken(with(with(chromium_simulcast, "packetization-mode=1", "packetization-mode=2"),
                      "profile-level-id=42001f", "profile-level-id=640c1f"));
    assert_false(pick.video.vp8);
    assert_int_equal(pick.video.packetization_mode, 0);
    assert_int_equal(pick.video.profile_level_id, 0x640c1f);
    assert_has(write_answer(0), "packetization-mode=0;profile-level-id=640c1f\r\n");
    assert_taken(with(chromium_simulcast, "H264/90000", "AV1/90000"));
    assert_true(pick.video.vp8);
    assert_int_equal(pick.video.rid_count, 3);
}

/* Without a profile the default of RFC 6184 is a level of 1.0: not to be held against it. */
static void test_whip_profile_that_was_not_said_is_not_answered(void **state)
{
    (void)state;
    assert_taken(with(libdatachannel_offer, "profile-level-id=42e01f;", ""));
    assert_int_equal(pick.video.profile_level_id, 0x420010);
    assert_has_not(write_answer(0), "profile-level-id");
}

static void test_whip_sendrecv_audio_only_and_video_only_are_fine(void **state)
{
    (void)state;
    assert_taken(with(libdatachannel_offer, "a=sendonly", "a=sendrecv"));
    assert_taken(with(libdatachannel_offer, "m=video 41234", "m=video 0"));
    assert_int_equal(pick.video.media, -1);
    write_answer(0);
    assert_int_equal(answer.media[1].port, 0);
    assert_taken(with(libdatachannel_offer, "m=audio 41234", "m=audio 0"));
    assert_int_equal(pick.audio.media, -1);
    write_answer(0);
    assert_int_equal(answer.media[0].port, 0);
    assert_int_equal(answer.media[1].candidate_count, 1);
}

static void test_whip_simulcast_takes_three_of_more_and_first_alternatives(void **state)
{
    (void)state;
    assert_taken(with(chromium_simulcast, rids_of_chromium,
                      "a=simulcast:send a,b;~c;d;e recv z\r\na=rid:z recv\r\na=rid:e send\r\n"
                      "a=rid:d send\r\na=rid:c send pt=102\r\na=rid:b send\r\na=rid:a send\r\n"));
    assert_int_equal(pick.video.rid_count, 3);
    assert_string_equal(pick.video.rids[0], "a");
    assert_string_equal(pick.video.rids[1], "c");
    assert_string_equal(pick.video.rids[2], "d");
    assert_has(write_answer(0), "a=simulcast:recv a;c;d\r\n");
    /* Rids alone are no simulcast (RFC 8853 s5.2). */
    assert_taken(with(chromium_simulcast, "a=simulcast:send low;mid;high\r\n", ""));
    assert_int_equal(pick.video.rid_count, 0);
}

static void test_whip_data_channel_beside_media_is_rejected_in_its_place(void **state)
{
    static char text[TEXT_SIZE];

    (void)state;
    assert_int_equal(snprintf(text, sizeof(text), "%s%s", libdatachannel_offer,
                              "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"),
                     strlen(libdatachannel_offer) + 59);
    assert_taken(text);
    write_answer(0);
    assert_int_equal(answer.media_count, 3);
    assert_int_equal(answer.media[2].port, 0);
    assert_string_equal(answer.media[2].mid, "2");
}

/* --- what is refused -------------------------------------------------------------------------- */

static const char second_video[] =
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:9\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n";
static const char only_data[] =
    "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n";

static void test_whip_offers_that_cannot_be_taken_whole(void **state)
{
    static char text[TEXT_SIZE];

    (void)state;
    (void)snprintf(text, sizeof(text), "%s%s", libdatachannel_offer, second_video);
    assert_refused(text, TG_ERR_UNSUPPORTED, "the offer sends more than one video");
    assert_refused(with(libdatachannel_offer, "m=video 41234", "m=audio 41234"), TG_ERR_UNSUPPORTED,
                   "the offer sends more than one audio");
    assert_refused(with(libdatachannel_offer, "m=video 41234", "m=text 41234"), TG_ERR_UNSUPPORTED,
                   "the offer sends something that is neither audio nor video");
    assert_refused(only_data, TG_ERR_UNSUPPORTED, "the SDP offers no video or audio that is sent");
    assert_refused(with(libdatachannel_offer, "a=sendonly", "a=recvonly"), TG_ERR_UNSUPPORTED,
                   "the SDP offers no video or audio that is sent");
    assert_refused(with(libdatachannel_offer, "a=sendonly", "a=inactive"), TG_ERR_UNSUPPORTED,
                   "the SDP offers no video or audio that is sent");
    assert_refused(with(libdatachannel_offer, "H264/90000", "H265/90000"), TG_ERR_UNSUPPORTED,
                   "the video has neither H.264 (baseline, main or high) nor VP8");
    assert_refused(with(libdatachannel_offer, "=42e01f", "=f4001f"), TG_ERR_UNSUPPORTED,
                   "the video has neither H.264 (baseline, main or high) nor VP8");
    assert_refused(with(libdatachannel_offer, "opus/48000/2", "PCMU/8000"), TG_ERR_UNSUPPORTED,
                   "the audio has no Opus");
    assert_refused(with(libdatachannel_offer, "a=msid:obsstream obsstream-video", "a=msid:b v"),
                   TG_ERR_UNSUPPORTED,
                   "audio and video belong to two streams (a=msid), but WHIP has one");
    assert_taken(with(libdatachannel_offer, "a=msid:obsstream obsstream-video", "a=msid:- v"));
    assert_refused(with(chromium_simulcast, "sdes:rtp-stream-id", "sdes:other"), TG_ERR_UNSUPPORTED,
                   "simulcast needs the rtp-stream-id header extension");
}

static void test_whip_offers_that_are_broken(void **state)
{
    (void)state;
    assert_refused(with(libdatachannel_offer, "BUNDLE 0 1", "BUNDLE 0"), TG_ERR_MALFORMED,
                   "audio and video are not in one a=group:BUNDLE");
    assert_refused(with(libdatachannel_offer, "a=rtcp-mux\r\n", ""), TG_ERR_MALFORMED,
                   "an m-line has no a=rtcp-mux");
    assert_refused(with(libdatachannel_offer, "setup:actpass", "setup:passive"), TG_ERR_MALFORMED,
                   "the offer is setup:passive, but torg needs actpass or active");
    assert_taken(with(libdatachannel_offer, "setup:actpass", "setup:active"));
    assert_refused(with(libdatachannel_offer, "sha-256", "sha-512"), TG_ERR_MALFORMED,
                   "no sha-256 fingerprint");
    assert_refused(with(libdatachannel_offer, "ufrag:jP2q", "ufrag:j-2q"), TG_ERR_MALFORMED,
                   TG_ICE_CREDENTIALS_RULE);
    assert_refused(with(libdatachannel_offer, "VrT2ez", "VrT2e"), TG_ERR_MALFORMED,
                   TG_ICE_CREDENTIALS_RULE);
    assert_refused(with(chromium_simulcast, "rid:mid ", "rid:a;b "), TG_ERR_MALFORMED,
                   "a rid has other characters than letters, digits, - and _");
    assert_refused(with(chromium_simulcast, "rid:mid ", "rid:low "), TG_ERR_MALFORMED,
                   "two rids of an m-line have the same name");
}

static void test_whip_answer_without_memory_says_so(void **state)
{
    const struct tg_sdp_local local = local_of();

    (void)state;
    assert_taken(chromium_simulcast);
    for (long n = 0;; n++) {
        struct tg_buf out;
        tg_err err;

        tg_buf_init(&out, TG_SDP_MAX);
        tg_alloc_fail_nth(n);
        err = tg_sdp_write_whip_answer(&out, &offer, &pick, &local, 2000);
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
        cmocka_unit_test(test_whip_chromium_simulcast_is_picked_whole),
        cmocka_unit_test(test_whip_answer_to_chromium_reads_back_as_meant),
        cmocka_unit_test(test_whip_chromium_without_simulcast_declares_ssrcs),
        cmocka_unit_test(test_whip_webrtcbin_is_taken),
        cmocka_unit_test(test_whip_libdatachannel_is_taken),
        cmocka_unit_test(test_whip_firefox_simulcast_is_taken),
        cmocka_unit_test(test_whip_example_of_the_rfc_is_taken),
        cmocka_unit_test(test_whip_h264_mode_0_and_any_profile_before_vp8),
        cmocka_unit_test(test_whip_profile_that_was_not_said_is_not_answered),
        cmocka_unit_test(test_whip_sendrecv_audio_only_and_video_only_are_fine),
        cmocka_unit_test(test_whip_simulcast_takes_three_of_more_and_first_alternatives),
        cmocka_unit_test(test_whip_data_channel_beside_media_is_rejected_in_its_place),
        cmocka_unit_test(test_whip_offers_that_cannot_be_taken_whole),
        cmocka_unit_test(test_whip_offers_that_are_broken),
        cmocka_unit_test(test_whip_answer_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, join_lines, NULL);
}
