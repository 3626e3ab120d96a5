/*
 * One publisher's pipeline. Its chains share nothing but the pipeline: each runs in the streaming
 * thread of its torgingestsrc, so a slow decoder holds up only its own track.
 */
#include <gst/gst.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/media_priv.h"

struct tg_publisher {
    GstElement *pipeline;
    GSource *watch;
    struct tg_fanout_out out;
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

static gboolean on_bus(GstBus *bus TG_UNUSED, GstMessage *message, gpointer ctx)
{
    struct tg_publisher *publisher = ctx;
    GError *error = NULL;
    char *detail = NULL;

    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
        return G_SOURCE_CONTINUE;
    gst_message_parse_error(message, &error, &detail);
    TG_COUNT(media_pipeline_errors_total);
    tg_log_warn("media", "pipeline_error", "show=%u generation=%u err=%s detail=%s",
                publisher->out.show, publisher->out.generation, TG_LOG_Q(error->message),
                TG_LOG_Q(detail == NULL ? "" : detail));
    g_clear_error(&error);
    g_free(detail);
    publisher->on_error(publisher->ctx,
                        "torg could not process what the encoder sent and ended the stream. "
                        "Check that it sends H.264 video and AAC audio, then start it again.");
    return G_SOURCE_REMOVE; /* the publisher is gone, and the watch with it */
}

struct tg_publisher *tg_publisher_new(GMainContext *context, const struct tg_fanout_out *out,
                                      tg_publisher_error_fn on_error, void *ctx)
{
    struct tg_publisher *publisher = g_new0(struct tg_publisher, 1);
    GstBus *bus;

    publisher->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    publisher->out = *out;
    publisher->on_error = on_error;
    publisher->ctx = ctx;
    bus = gst_element_get_bus(publisher->pipeline);
    publisher->watch = gst_bus_create_watch(bus);
    g_source_set_callback(publisher->watch, G_SOURCE_FUNC(on_bus), publisher, NULL);
    (void)g_source_attach(publisher->watch, context); /* the id is not needed */
    gst_object_unref(bus);
    if (gst_element_set_state(publisher->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        g_clear_pointer(&publisher, tg_publisher_free);
    return publisher;
}

tg_err tg_publisher_add_chain(struct tg_publisher *publisher, enum tg_track track,
                              GstElement *ingest)
{
    if (track == TG_TRACK_VIDEO)
        return tg_chain_build(publisher->pipeline, ingest, NULL, 0, &publisher->out, NULL);
    return tg_chain_build(publisher->pipeline, ingest, aac_to_opus, TG_ARRAY_LEN(aac_to_opus),
                          &publisher->out, NULL);
}

void tg_publisher_free(struct tg_publisher *publisher)
{
    if (publisher == NULL)
        return;
    g_source_destroy(publisher->watch);
    g_source_unref(publisher->watch);
    (void)gst_element_set_state(publisher->pipeline, GST_STATE_NULL); /* to NULL cannot fail */
    gst_object_unref(publisher->pipeline);
    g_free(publisher);
}
