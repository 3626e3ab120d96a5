#include "media/slate.h"

#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/demo_sound.h"
#include "media/demo_src.h"
#include "media/pipeline.h"

enum {
    SOUND_BYTES = sizeof(int16_t[TG_SOUND_RATE / 50 * TG_SOUND_CHANNELS]),
    DEFAULT_WIDTH = 1280,
    DEFAULT_HEIGHT = 720,
};

struct tg_slate {
    struct tg_slate_cfg cfg;
    struct tg_feeder *feeder;
    struct tg_pipeline pipeline;
    struct tg_keyframes keys;
    uint8_t *picture; /* never changes once the pipeline plays */
    size_t picture_bytes;
};

/*
 * A still picture: after the keyframe almost nothing. One keyframe in 2 s for those who come, and
 * for the history that instant start needs.
 */
static const struct tg_chain_step h264_steps[] = {
    {.factory = "x264enc",
     .settings = {{"tune", "zerolatency"},
                  {"speed-preset", "superfast"},
                  {"pass", "qual"},
                  {"quantizer", "24"},
                  {"bitrate", "1000"},
                  {"key-int-max", "10"},
                  {"bframes", "0"},
                  {"threads", "1"},
                  {"option-string", "scenecut=0:weightp=0"}}},
    {.factory = "capsfilter",
     .settings = {{"caps", "video/x-h264,profile=constrained-baseline,stream-format=avc"}}},
};
static const struct tg_chain_step vp8_steps[] = {
    {.factory = "vp8enc",
     .settings = {{"deadline", "1"},
                  {"cpu-used", "8"},
                  {"threads", "1"},
                  {"end-usage", "cq"},
                  {"cq-level", "20"},
                  {"target-bitrate", "600000"},
                  {"lag-in-frames", "0"},
                  {"keyframe-max-dist", "10"}}},
};
static const struct tg_chain_step opus_steps[] = {
    {.factory = "opusenc",
     .settings = {{"bitrate", "16000"}, {"frame-size", "20"}, {"complexity", "0"}}},
};

/* --- making media: streaming threads --------------------------------------------------------- */

static void fill_video(void *ctx, uint8_t *out, size_t size, int64_t index TG_UNUSED)
{
    const struct tg_slate *slate = ctx;

    TG_ASSERT(size == slate->picture_bytes);
    memcpy(out, slate->picture, size);
}

static void fill_audio(void *ctx TG_UNUSED, uint8_t *out, size_t size, int64_t index TG_UNUSED)
{
    memset(out, 0, size);
}

/* --- building --------------------------------------------------------------------------------- */

void tg_slate_size(unsigned width, unsigned height, int *ret_width, int *ret_height)
{
    const unsigned side = TG_MAX(width, height);

    if (width == 0 || height == 0) {
        *ret_width = DEFAULT_WIDTH;
        *ret_height = DEFAULT_HEIGHT;
        return;
    }
    if (side > TG_SLATE_SIDE_MAX) { /* cannot overflow: sides are 16 bits */
        width = width * TG_SLATE_SIDE_MAX / side;
        height = height * TG_SLATE_SIDE_MAX / side;
    }
    *ret_width = (int)TG_MAX(width, TG_SLATE_SIDE_MIN) & ~1;
    *ret_height = (int)TG_MAX(height, TG_SLATE_SIDE_MIN) & ~1;
}

static void on_pipeline_error(void *ctx, const char *error, const char *detail TG_UNUSED)
{
    struct tg_slate *slate = ctx;

    tg_log_error("media", "slate_error", "err=%s", TG_LOG_Q(error));
    slate->cfg.on_error(slate->cfg.ctx);
}

static tg_err build_video(struct tg_slate *slate, int width, int height)
{
    const struct tg_fanout_out out = tg_feeder_out(slate->feeder, 0);
    const bool vp8 = slate->cfg.vp8;
    char caps[200];
    const struct tg_demo_src_cfg src = {.caps = caps,
                                        .size = slate->picture_bytes,
                                        .interval_us = TG_US_PER_S / TG_SLATE_FPS,
                                        .epoch_us = slate->cfg.epoch_us,
                                        .fill = fill_video,
                                        .ctx = slate};
    GstElement *sink = NULL;
    tg_err err;

    (void)snprintf(caps, sizeof(caps),
                   "video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1,"
                   "pixel-aspect-ratio=1/1,interlace-mode=progressive,colorimetry=bt709",
                   width, height, TG_SLATE_FPS); /* fits: the numbers are short */
    err = tg_chain_build(slate->pipeline.bin, tg_demo_src_new(&src), vp8 ? vp8_steps : h264_steps,
                         vp8 ? TG_ARRAY_LEN(vp8_steps) : TG_ARRAY_LEN(h264_steps), &out, &sink);
    tg_keyframes_begin(&slate->keys, slate->cfg.context, sink);
    return err;
}

static tg_err build_audio(struct tg_slate *slate)
{
    const struct tg_fanout_out out = tg_feeder_out(slate->feeder, 0);
    const struct tg_demo_src_cfg src = {
        .caps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2,"
                "channel-mask=(bitmask)0x3",
        .size = SOUND_BYTES,
        .interval_us = TG_US_PER_S / 50,
        .epoch_us = slate->cfg.epoch_us,
        .fill = fill_audio,
        .ctx = NULL};

    return tg_chain_build(slate->pipeline.bin, tg_demo_src_new(&src), opus_steps,
                          TG_ARRAY_LEN(opus_steps), &out, NULL);
}

struct tg_slate *tg_slate_new(const struct tg_slate_cfg *cfg)
{
    struct tg_slate *slate = g_new0(struct tg_slate, 1);
    int width;
    int height;
    tg_err err;

    slate->cfg = *cfg;
    tg_slate_size(cfg->width, cfg->height, &width, &height);
    slate->picture = tg_slate_picture(width, height, cfg->title, cfg->text);
    slate->cfg.title = NULL; /* borrowed for the call */
    slate->cfg.text = NULL;
    slate->picture_bytes = (size_t)width * (size_t)height * 3 / 2;
    slate->feeder = tg_feeder_new(cfg->air, NULL);
    tg_pipeline_begin(&slate->pipeline, cfg->context, on_pipeline_error, slate);
    err = build_video(slate, width, height);
    if (err == TG_OK)
        err = build_audio(slate);
    TG_COUNT(media_slates_total);
    if (err == TG_OK)
        return slate;
    TG_COUNT(media_pipeline_errors_total);
    tg_log_error("media", "slate_start", "vp8=%d", cfg->vp8);
    tg_slate_free(slate);
    return NULL;
}

tg_err tg_slate_play(struct tg_slate *slate)
{
    return tg_pipeline_play(&slate->pipeline);
}

void tg_slate_free(struct tg_slate *slate)
{
    if (slate == NULL)
        return;
    tg_feeder_leave(slate->feeder);
    tg_keyframes_end(&slate->keys);
    tg_pipeline_end(&slate->pipeline);
    tg_feeder_free(slate->feeder);
    g_free(slate->picture);
    g_free(slate);
}

struct tg_feeder *tg_slate_feeder(const struct tg_slate *slate)
{
    return slate->feeder;
}

void tg_slate_keyframe(struct tg_slate *slate)
{
    tg_keyframes_wish(&slate->keys);
}
