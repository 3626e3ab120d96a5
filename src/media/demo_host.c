#include "media/demo_host.h"

#include <gst/gst.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/demo_scene.h"
#include "media/demo_sound.h"
#include "media/demo_src.h"
#include "media/pipeline.h"

enum { SOUND_FRAMES = TG_SOUND_RATE / 50 };

struct tg_demo_host {
    struct tg_demo_host_cfg cfg;
    bool on_air; /* no publisher has the show */
    uint32_t watchers;
    struct tg_feeder *feeder; /* NULL = asleep */
    struct tg_pipeline pipeline;
    struct tg_keyframes keys;
    GSource *sleep_timer;
};

/*
 * What the pages play and WebRTC negotiates: constrained baseline without B-frames, one slice a
 * picture. pass=qual holds the quality and lets the rate follow, up to bitrate (kbit/s).
 */
static const struct tg_chain_step video_steps[] = {
    {.factory = "x264enc",
     .settings = {{"tune", "zerolatency"},
                  {"speed-preset", "superfast"},
                  {"pass", "qual"},
                  {"quantizer", "22"},
                  {"bitrate", "2500"},
                  {"key-int-max", "50"},
                  {"bframes", "0"},
                  {"threads", "1"},
                  {"option-string", "scenecut=0:weightp=0"}}},
    {.factory = "capsfilter",
     .settings = {{"caps", "video/x-h264,profile=constrained-baseline,stream-format=avc"}}},
};
static const struct tg_chain_step audio_steps[] = {
    {.factory = "opusenc",
     .settings = {{"bitrate", "96000"}, {"frame-size", "20"}, {"complexity", "4"}}},
};

/* --- making media: streaming threads --------------------------------------------------------- */

static void fill_video(void *ctx, uint8_t *out, size_t size, int64_t index)
{
    TG_ASSERT(size == TG_CANVAS_BYTES);
    tg_demo_scene_paint(ctx, out, index * TG_US_PER_S / TG_DEMO_FPS);
}

static void fill_audio(void *ctx TG_UNUSED, uint8_t *out, size_t size, int64_t index)
{
    int16_t frames[SOUND_FRAMES * TG_SOUND_CHANNELS];

    TG_ASSERT(size == sizeof(frames));
    tg_demo_sound(frames, SOUND_FRAMES, index * SOUND_FRAMES);
    memcpy(out, frames, size);
}

/* --- asleep and awake ------------------------------------------------------------------------ */

static void fall_asleep(struct tg_demo_host *host)
{
    tg_timer_stop(&host->sleep_timer);
    if (host->feeder == NULL)
        return;
    tg_feeder_leave(host->feeder);
    tg_keyframes_end(&host->keys);
    tg_pipeline_end(&host->pipeline);
    g_clear_pointer(&host->feeder, tg_feeder_free);
    tg_metric_set(TG_M_media_demo_awake, 0);
    tg_log_info("media", "demo_asleep", "show=%u", host->cfg.ordinal);
}

static gboolean on_sleep(gpointer ctx)
{
    struct tg_demo_host *host = ctx;

    if (host->watchers == 0)
        fall_asleep(host);
    return G_SOURCE_REMOVE;
}

static void on_pipeline_error(void *ctx, const char *error, const char *detail TG_UNUSED)
{
    tg_log_error("media", "demo_error", "err=%s", TG_LOG_Q(error));
    fall_asleep(ctx); /* the next change of the audience tries again */
}

static tg_err build_chains(struct tg_demo_host *host)
{
    const tg_us epoch_us = host->cfg.epoch_us;
    const struct tg_fanout_out out = tg_feeder_out(host->feeder, 0);
    const struct tg_demo_src_cfg video = {
        .caps = "video/x-raw,format=I420,width=1280,height=720,framerate=25/1,"
                "pixel-aspect-ratio=1/1,interlace-mode=progressive,colorimetry=bt709",
        .size = TG_CANVAS_BYTES,
        .interval_us = TG_US_PER_S / TG_DEMO_FPS,
        .epoch_us = epoch_us,
        .fill = fill_video,
        .ctx = host->cfg.scene};
    const struct tg_demo_src_cfg audio = {
        .caps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2,"
                "channel-mask=(bitmask)0x3",
        .size = sizeof(int16_t[SOUND_FRAMES * TG_SOUND_CHANNELS]),
        .interval_us = TG_US_PER_S / 50,
        .epoch_us = epoch_us,
        .fill = fill_audio,
        .ctx = NULL};
    GstElement *sink = NULL;
    tg_err err = tg_chain_build(host->pipeline.bin, tg_demo_src_new(&video), video_steps,
                                TG_ARRAY_LEN(video_steps), &out, &sink);

    tg_keyframes_begin(&host->keys, host->cfg.context, sink);
    if (err == TG_OK)
        err = tg_chain_build(host->pipeline.bin, tg_demo_src_new(&audio), audio_steps,
                             TG_ARRAY_LEN(audio_steps), &out, NULL);
    return err;
}

static void wake_up(struct tg_demo_host *host)
{
    if (host->feeder != NULL || !host->on_air)
        return;
    while (!tg_demo_scene_ready(host->cfg.scene)) /* a viewer in the server's first moments */
        (void)tg_demo_scene_step(host->cfg.scene);
    host->feeder = tg_feeder_new(host->cfg.air, NULL);
    tg_feeder_take(host->feeder);
    host->cfg.on_awake(host->cfg.ctx); /* told before the first frame of the new generation */
    tg_pipeline_begin(&host->pipeline, host->cfg.context, on_pipeline_error, host);
    if (build_chains(host) != TG_OK || tg_pipeline_play(&host->pipeline) != TG_OK) {
        TG_COUNT(media_pipeline_errors_total);
        tg_log_error("media", "demo_start", "show=%u", host->cfg.ordinal);
        fall_asleep(host);
        return;
    }
    tg_metric_set(TG_M_media_demo_awake, 1);
    tg_log_info("media", "demo_awake", "show=%u", host->cfg.ordinal);
}

/* --- what show.c says ------------------------------------------------------------------------ */

struct tg_demo_host *tg_demo_host_new(const struct tg_demo_host_cfg *cfg)
{
    struct tg_demo_host *host = g_new0(struct tg_demo_host, 1);

    host->cfg = *cfg;
    return host;
}

void tg_demo_host_free(struct tg_demo_host *host)
{
    if (host == NULL)
        return;
    fall_asleep(host);
    g_free(host);
}

void tg_demo_host_take(struct tg_demo_host *host)
{
    host->on_air = true;
    if (host->watchers > 0)
        wake_up(host);
}

void tg_demo_host_leave(struct tg_demo_host *host)
{
    host->on_air = false;
    fall_asleep(host);
}

void tg_demo_host_watchers(struct tg_demo_host *host, uint32_t count)
{
    host->watchers = count;
    if (count > 0) {
        tg_timer_stop(&host->sleep_timer);
        wake_up(host);
    } else if (host->feeder != NULL && host->sleep_timer == NULL) {
        host->sleep_timer = tg_timer_start(host->cfg.context, host->cfg.sleep_us, on_sleep, host);
    }
}

void tg_demo_host_keyframe(struct tg_demo_host *host)
{
    tg_keyframes_wish(&host->keys);
}
