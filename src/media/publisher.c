/*
 * Chains share nothing but the pipeline: each runs in the streaming thread of its source element,
 * so a slow decoder holds up only its own track.
 */
#include "media/publisher.h"

#include <gst/gst.h>

#include "base/log.h"
#include "media/pipeline.h"

struct tg_publisher {
    struct tg_source *source;
    struct tg_feeder *feeder;
    struct tg_pipeline pipeline;
    GstElement *video_sinks[TG_LAYERS_MAX]; /* borrowed from the pipeline */
    tg_publisher_error_fn on_error;
    void *ctx;
};

/*
 * Browsers play Opus at 48 kHz. 20 ms frames are what every WebRTC stack is tuned for. Complexity 5
 * costs half of the default for a difference that only trained ears hear at 128 kbit/s.
 */
static const struct tg_chain_step aac_to_opus[] = {
    {.factory = "aacparse"},
    {.factory = "avdec_aac"},
    {.factory = "audioconvert"},
    {.factory = "audioresample"},
    {.factory = "capsfilter", .settings = {{"caps", "audio/x-raw,rate=48000,channels=2"}}},
    {.factory = "opusenc",
     .settings = {{"bitrate", "128000"}, {"frame-size", "20"}, {"complexity", "5"}}},
};

static void on_pipeline_error(void *ctx, const char *error, const char *detail)
{
    struct tg_publisher *publisher = ctx;

    tg_log_warn("media", "pipeline_error", "show=%u err=%s detail=%s", publisher->source->show,
                TG_LOG_Q(error), TG_LOG_Q(detail));
    publisher->on_error(publisher->ctx, publisher,
                        "torg could not process what the encoder sent and ended the stream. "
                        "Check that it sends H.264 video and AAC audio, then start it again.");
}

struct tg_publisher *tg_publisher_new(struct tg_air_switch *air, struct tg_source *source,
                                      tg_publisher_error_fn on_error, void *ctx)
{
    struct tg_publisher *publisher = g_new0(struct tg_publisher, 1);
    const bool can_ask = source->kind == TG_SOURCE_WHIP;

    publisher->source = tg_source_ref(source);
    publisher->feeder = tg_feeder_new(air, can_ask ? &source->key_wishes : NULL);
    publisher->on_error = on_error;
    publisher->ctx = ctx;
    tg_pipeline_begin(&publisher->pipeline, source->media->context, on_pipeline_error, publisher);
    if (tg_pipeline_play(&publisher->pipeline) != TG_OK)
        g_clear_pointer(&publisher, tg_publisher_free);
    return publisher;
}

tg_err tg_publisher_add_chain(struct tg_publisher *publisher, enum tg_track track,
                              enum tg_codec codec, uint8_t layer)
{
    const struct tg_fanout_out out = tg_feeder_out(publisher->feeder, layer);
    const size_t steps = codec == TG_CODEC_AAC ? TG_ARRAY_LEN(aac_to_opus) : 0;
    GstElement *sink = NULL;
    tg_err err = tg_chain_build(publisher->pipeline.bin, publisher->source->elements[track][layer],
                                aac_to_opus, steps, &out, &sink);

    if (err == TG_OK && track == TG_TRACK_VIDEO)
        publisher->video_sinks[layer] = sink;
    return err;
}

struct tg_source *tg_publisher_source(const struct tg_publisher *publisher)
{
    return publisher->source;
}

struct tg_feeder *tg_publisher_feeder(const struct tg_publisher *publisher)
{
    return publisher->feeder;
}

void tg_publisher_wish_keyframe(struct tg_publisher *publisher)
{
    for (size_t l = 0; l < TG_LAYERS_MAX; l++)
        if (publisher->video_sinks[l] != NULL)
            g_signal_emit_by_name(publisher->video_sinks[l], "request-keyframe");
}

void tg_publisher_free(struct tg_publisher *publisher)
{
    if (publisher == NULL)
        return;
    tg_feeder_leave(publisher->feeder); /* at once: the next feeder does not wait for the threads */
    tg_pipeline_end(&publisher->pipeline);
    tg_feeder_free(publisher->feeder);
    tg_source_unref(publisher->source);
    g_free(publisher);
}
