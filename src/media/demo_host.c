#include "media/demo_host.h"

#include <gst/gst.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "media/demo_scene.h"
#include "media/demo_sound.h"
#include "media/demo_src.h"

enum {
    SLEEP_US = 10 * TG_US_PER_S,
    KEYFRAME_US = 500000, /* every wish answered at once would make a storm of them */
    SOUND_FRAMES = TG_SOUND_RATE / 50,
};

struct tg_demo_host {
    struct tg_demo_host_cfg cfg;
    bool on_air; /* no publisher has the show */
    uint32_t watchers;
    GstElement *pipeline;   /* NULL = asleep */
    GstElement *video_sink; /* borrowed from the pipeline */
    GSource *bus_watch;
    GSource *sleep_timer;
    GSource *keyframe_timer;
    tg_us keyframe_next; /* mono: not before */
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

static void stop_timer(GSource **timer)
{
    if (*timer == NULL)
        return;
    g_source_destroy(*timer);
    g_clear_pointer(timer, g_source_unref);
}

static GSource *start_timer(struct tg_demo_host *host, tg_us wait_us, GSourceFunc fn)
{
    GSource *timer = g_timeout_source_new((guint)(wait_us / TG_US_PER_MS + 1));

    g_source_set_callback(timer, fn, host, NULL);
    (void)g_source_attach(timer, host->cfg.show->media->context); /* the id is not needed */
    return timer;
}

static void fall_asleep(struct tg_demo_host *host)
{
    stop_timer(&host->sleep_timer);
    stop_timer(&host->keyframe_timer);
    stop_timer(&host->bus_watch);
    if (host->pipeline == NULL)
        return;
    (void)gst_element_set_state(host->pipeline, GST_STATE_NULL); /* to NULL cannot fail */
    gst_clear_object(&host->pipeline);
    host->video_sink = NULL;
    tg_metric_set(TG_M_media_demo_awake, 0);
    tg_log_info("media", "demo_asleep", "show=%u", host->cfg.show->ordinal);
}

static gboolean on_sleep(gpointer ctx)
{
    struct tg_demo_host *host = ctx;

    if (host->watchers == 0)
        fall_asleep(host);
    return G_SOURCE_REMOVE;
}

static gboolean on_bus(GstBus *bus TG_UNUSED, GstMessage *message, gpointer ctx)
{
    struct tg_demo_host *host = ctx;
    GError *error = NULL;

    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
        return G_SOURCE_CONTINUE;
    gst_message_parse_error(message, &error, NULL);
    TG_COUNT(media_pipeline_errors_total);
    tg_log_error("media", "demo_error", "err=%s", TG_LOG_Q(error->message));
    g_clear_error(&error);
    fall_asleep(host); /* the next change of the audience tries again */
    return G_SOURCE_REMOVE;
}

static tg_err build_chains(struct tg_demo_host *host)
{
    const tg_us epoch_us = host->cfg.show->epoch_us;
    const struct tg_fanout_out out = tg_media_show_out(host->cfg.show);
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
    tg_err err = tg_chain_build(host->pipeline, tg_demo_src_new(&video), video_steps,
                                TG_ARRAY_LEN(video_steps), &out, &host->video_sink);

    if (err == TG_OK)
        err = tg_chain_build(host->pipeline, tg_demo_src_new(&audio), audio_steps,
                             TG_ARRAY_LEN(audio_steps), &out, NULL);
    return err;
}

static void watch_bus(struct tg_demo_host *host)
{
    GstBus *bus = gst_element_get_bus(host->pipeline);

    host->bus_watch = gst_bus_create_watch(bus);
    g_source_set_callback(host->bus_watch, G_SOURCE_FUNC(on_bus), host, NULL);
    (void)g_source_attach(host->bus_watch, host->cfg.show->media->context); /* id: not needed */
    gst_object_unref(bus);
}

static void wake_up(struct tg_demo_host *host)
{
    if (host->pipeline != NULL || !host->on_air)
        return;
    while (!tg_demo_scene_ready(host->cfg.scene)) /* a viewer in the server's first moments */
        (void)tg_demo_scene_step(host->cfg.scene);
    tg_media_show_on_air(host->cfg.show);
    host->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    host->keyframe_next = 0;
    watch_bus(host);
    if (build_chains(host) != TG_OK ||
        gst_element_set_state(host->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        TG_COUNT(media_pipeline_errors_total);
        tg_log_error("media", "demo_start", "show=%u", host->cfg.show->ordinal);
        fall_asleep(host);
        return;
    }
    tg_metric_set(TG_M_media_demo_awake, 1);
    tg_log_info("media", "demo_awake", "show=%u", host->cfg.show->ordinal);
}

/* --- what media.c says ----------------------------------------------------------------------- */

struct tg_demo_host *tg_demo_host_new(const struct tg_demo_host_cfg *cfg)
{
    struct tg_demo_host *host = g_new0(struct tg_demo_host, 1);

    host->cfg = *cfg;
    if (host->cfg.sleep_us == 0)
        host->cfg.sleep_us = SLEEP_US;
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
    else
        tg_media_show_on_air(host->cfg.show); /* nobody there yet, but the show has its host */
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
        stop_timer(&host->sleep_timer);
        wake_up(host);
    } else if (host->pipeline != NULL && host->sleep_timer == NULL) {
        host->sleep_timer = start_timer(host, host->cfg.sleep_us, on_sleep);
    }
}

static void force_keyframe(struct tg_demo_host *host)
{
    host->keyframe_next = tg_clock_mono() + KEYFRAME_US;
    g_signal_emit_by_name(host->video_sink, "request-keyframe");
}

static gboolean on_keyframe_due(gpointer ctx)
{
    struct tg_demo_host *host = ctx;

    g_clear_pointer(&host->keyframe_timer, g_source_unref);
    force_keyframe(host);
    return G_SOURCE_REMOVE;
}

void tg_demo_host_keyframe(struct tg_demo_host *host)
{
    const tg_us now = tg_clock_mono();

    if (host->pipeline == NULL || host->keyframe_timer != NULL)
        return;
    if (now >= host->keyframe_next)
        force_keyframe(host);
    else
        host->keyframe_timer = start_timer(host, host->keyframe_next - now, on_keyframe_due);
}
