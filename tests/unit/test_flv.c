/*
 * test_flv.c - FLV tag bodies (plain and enhanced) and AudioSpecificConfig.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/aac.h"
#include "proto/flv.h"

#define SPAN(...) tg_span((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_flv_avc_config_and_frames(void **state)
{
    struct tg_flv_video v;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x17, 0, 0, 0, 0, 1, 2), &reason), TG_OK);
    assert_int_equal(v.what, TG_FLV_CONFIG);
    assert_int_equal(v.data.len, 2);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x17, 1, 0, 0, 67, 9), &reason), TG_OK);
    assert_int_equal(v.what, TG_FLV_FRAME);
    assert_true(v.key);
    assert_int_equal(v.cts_ms, 67);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x27, 1, 0xff, 0xff, 0xfe, 9), &reason), TG_OK);
    assert_false(v.key);
    assert_int_equal(v.cts_ms, -2);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x17, 2, 0, 0, 0), &reason), TG_OK);
    assert_int_equal(v.what, TG_FLV_END);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x57, 1), &reason), TG_OK);
    assert_int_equal(v.what, TG_FLV_OTHER);
}

static void test_flv_enhanced_avc1_is_h264(void **state)
{
    struct tg_flv_video v;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x90, 'a', 'v', 'c', '1', 5), &reason), TG_OK);
    assert_int_equal(v.what, TG_FLV_CONFIG);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0xa1, 'a', 'v', 'c', '1', 0, 0, 33, 5), &reason),
                     TG_OK);
    assert_int_equal(v.what, TG_FLV_FRAME);
    assert_int_equal(v.cts_ms, 33);
    assert_false(v.key);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x93, 'a', 'v', 'c', '1', 5), &reason), TG_OK);
    assert_int_equal(v.what, TG_FLV_FRAME);
    assert_int_equal(v.cts_ms, 0);
    assert_true(v.key);
}

static void expect_refusal(struct tg_span body, bool video, const char *word)
{
    struct tg_flv_video v;
    struct tg_flv_audio a;
    const char *reason = NULL;
    tg_err err =
        video ? tg_flv_video_parse(&v, body, &reason) : tg_flv_audio_parse(&a, body, &reason);

    assert_int_equal(err, TG_ERR_UNSUPPORTED);
    assert_non_null(reason);
    assert_non_null(strstr(reason, word));
}

static void test_flv_other_codecs_are_refused_by_name(void **state)
{
    (void)state;
    expect_refusal(SPAN(0x90, 'h', 'v', 'c', '1', 5), true, "HEVC");
    expect_refusal(SPAN(0x90, 'a', 'v', '0', '1', 5), true, "AV1");
    expect_refusal(SPAN(0x90, 'v', 'p', '0', '9', 5), true, "VP9");
    expect_refusal(SPAN(0x1c, 0, 0, 0, 0, 5), true, "HEVC");
    expect_refusal(SPAN(0x12, 0), true, "H.264");
    expect_refusal(SPAN(0x2f, 0), false, "MP3");
    expect_refusal(SPAN(0x90, 'O', 'p', 'u', 's', 5), false, "Opus");
    expect_refusal(SPAN(0x3f, 0), false, "AAC");
}

static void test_flv_audio_config_frame_and_mp4a(void **state)
{
    struct tg_flv_audio a;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(tg_flv_audio_parse(&a, SPAN(0xaf, 0, 0x12, 0x10), &reason), TG_OK);
    assert_int_equal(a.what, TG_FLV_CONFIG);
    assert_int_equal(tg_flv_audio_parse(&a, SPAN(0xaf, 1, 1), &reason), TG_OK);
    assert_int_equal(a.what, TG_FLV_FRAME);
    assert_int_equal(tg_flv_audio_parse(&a, SPAN(0x90, 'm', 'p', '4', 'a', 0x12), &reason), TG_OK);
    assert_int_equal(a.what, TG_FLV_CONFIG);
    assert_int_equal(tg_flv_audio_parse(&a, SPAN(0xaf, 1), &reason), TG_OK);
    assert_int_equal(a.what, TG_FLV_OTHER);
}

static void test_flv_cut_bodies_are_truncated(void **state)
{
    static const uint8_t video[] = {0x17, 1, 0, 0, 0};
    static const uint8_t enhanced[] = {0x91, 'a', 'v', 'c', '1', 0, 0, 0};
    struct tg_flv_video v;
    struct tg_flv_audio a;
    const char *reason = NULL;

    (void)state;
    for (size_t len = 0; len <= sizeof(video); len++)
        assert_int_equal(tg_flv_video_parse(&v, tg_span(video, len), &reason), TG_ERR_TRUNCATED);
    for (size_t len = 1; len <= sizeof(enhanced); len++)
        assert_int_equal(tg_flv_video_parse(&v, tg_span(enhanced, len), &reason), TG_ERR_TRUNCATED);
    assert_int_equal(tg_flv_audio_parse(&a, tg_span(NULL, 0), &reason), TG_ERR_TRUNCATED);
    assert_int_equal(tg_flv_audio_parse(&a, SPAN(0xaf), &reason), TG_ERR_TRUNCATED);
    assert_int_equal(tg_flv_video_parse(&v, SPAN(0x17, 3, 0, 0, 0, 1), &reason), TG_ERR_MALFORMED);
    assert_null(reason);
}

static void test_aac_config_reads_rate_and_channels(void **state)
{
    const uint8_t lc_44100_stereo[] = {0x12, 0x10};
    const uint8_t lc_48000_mono[] = {0x11, 0x88};
    const uint8_t he_aac[] = {0x2b, 0x11, 0x88, 0x00}; /* SBR: core 24000, extension 48000, LC */
    const uint8_t reserved_rate[] = {0x16, 0x90};
    struct tg_aac_config c;

    (void)state;
    assert_int_equal(tg_aac_config_parse(&c, lc_44100_stereo, 2), TG_OK);
    assert_int_equal(c.object_type, 2);
    assert_int_equal(c.rate_hz, 44100);
    assert_int_equal(c.channels, 2);
    assert_int_equal(tg_aac_config_parse(&c, lc_48000_mono, 2), TG_OK);
    assert_int_equal(c.rate_hz, 48000);
    assert_int_equal(c.channels, 1);
    assert_int_equal(tg_aac_config_parse(&c, he_aac, sizeof(he_aac)), TG_OK);
    assert_int_equal(c.object_type, 2);
    assert_int_equal(c.rate_hz, 24000);
    assert_int_equal(c.channels, 2);
    assert_int_equal(tg_aac_config_parse(&c, reserved_rate, 2), TG_ERR_MALFORMED);
    assert_int_equal(tg_aac_config_parse(&c, lc_44100_stereo, 1), TG_ERR_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flv_avc_config_and_frames),
        cmocka_unit_test(test_flv_enhanced_avc1_is_h264),
        cmocka_unit_test(test_flv_other_codecs_are_refused_by_name),
        cmocka_unit_test(test_flv_audio_config_frame_and_mp4a),
        cmocka_unit_test(test_flv_cut_bodies_are_truncated),
        cmocka_unit_test(test_aac_config_reads_rate_and_channels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
