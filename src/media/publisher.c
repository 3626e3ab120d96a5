/*
 * Chains share nothing but the pipeline: each runs in the streaming thread of its source element,
 * so a slow decoder holds up only its own track.
 */
#include "media/publisher.h"

#include <gst/gst.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/ladder.h"
#include "media/pipeline.h"

struct tg_publisher {
    struct tg_source *source;
    struct tg_feeder *feeder;
    struct tg_pipeline pipeline;
    GstElement *video_sinks[TG_LAYERS_MAX]; /* borrowed from the pipeline */
    struct tg_ladder *ladder;               /* NULL = no renditions now */
    unsigned ladder_picture; /* tg_source.picture it was made for, or found too small; 0 = none */
    uint32_t ladder_generation;
    bool ladder_broken;
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

/* --- keyframes and renditions -------------------------------------------------------------------
 */

static void wish(struct tg_publisher *publisher, unsigned layer)
{
    if (publisher->video_sinks[layer] != NULL)
        g_signal_emit_by_name(publisher->video_sinks[layer], "request-keyframe");
}

void tg_publisher_wish_keyframe(struct tg_publisher *publisher, unsigned layer)
{
    if (tg_ladder_keyframe(publisher->ladder, layer))
        return;
    wish(publisher, layer < TG_LAYERS_MAX && publisher->video_sinks[layer] != NULL ? layer : 0);
}

void tg_publisher_wish_keyframes(struct tg_publisher *publisher)
{
    for (unsigned l = 0; l < TG_LAYERS_MAX; l++)
        wish(publisher, l);
}

static void on_ladder_error(void *ctx)
{
    struct tg_publisher *publisher = ctx;

    TG_COUNT(media_pipeline_errors_total);
    publisher->ladder_broken = true;
    g_clear_pointer(&publisher->ladder, tg_ladder_free);
}

/* One layer only: who sends several has smaller ones already. */
static bool wants_renditions(const struct tg_publisher *publisher)
{
    const struct tg_source *source = publisher->source;

    if (publisher->ladder_broken || source->encodings > 1 || publisher->video_sinks[0] == NULL)
        return false;
    for (size_t l = 1; l < TG_LAYERS_MAX; l++)
        if (publisher->video_sinks[l] != NULL)
            return false;
    return source->media->cfg.rendition_count > 0;
}

static void stop_ladder(struct tg_publisher *publisher)
{
    g_clear_pointer(&publisher->ladder, tg_ladder_free);
    publisher->ladder_picture = 0;
}

static void start_ladder(struct tg_publisher *publisher, unsigned picture)
{
    struct tg_source *source = publisher->source;
    const struct tg_ladder_cfg cfg = {.source = source,
                                      .feeder = publisher->feeder,
                                      .width = picture >> 16,
                                      .height = picture & 0xffff,
                                      .vp8 = atomic_load(&source->video_codec) == TG_CODEC_VP8,
                                      .on_error = on_ladder_error,
                                      .ctx = publisher};

    stop_ladder(publisher);
    publisher->ladder_picture = picture;
    if (tg_ladder_new(&publisher->ladder, &cfg) != TG_OK) {
        tg_log_warn("media", "renditions_refused", "show=%u", source->show);
        on_ladder_error(publisher);
    }
    if (publisher->ladder != NULL)
        wish(publisher, 0); /* it begins at a keyframe of the publisher's */
}

void tg_publisher_renditions(struct tg_publisher *publisher, bool run, uint32_t generation)
{
    const unsigned picture = atomic_load(&publisher->source->picture);

    if (!run || picture == 0 || !wants_renditions(publisher))
        stop_ladder(publisher);
    else if (picture != publisher->ladder_picture)
        start_ladder(publisher, picture); /* its first frames are keyframes */
    else if (generation != publisher->ladder_generation)
        for (unsigned l = 1; l < TG_LAYERS_MAX; l++)
            (void)tg_ladder_keyframe(publisher->ladder, l); /* of those that there are */
    publisher->ladder_generation = generation;
}

void tg_publisher_free(struct tg_publisher *publisher)
{
    if (publisher == NULL)
        return;
    tg_feeder_leave(publisher->feeder); /* at once: the next feeder does not wait for the threads */
    stop_ladder(publisher);
    tg_pipeline_end(&publisher->pipeline);
    tg_feeder_free(publisher->feeder);
    tg_source_unref(publisher->source);
    g_free(publisher);
}
