#include "media/pipeline.h"

#include <gst/gst.h>

#include "base/clock.h"
#include "base/metrics.h"

enum { KEYFRAME_US = 500000 }; /* every wish answered at once would make a storm of them */

static gboolean on_bus(GstBus *bus TG_UNUSED, GstMessage *message, gpointer ctx)
{
    struct tg_pipeline *pipeline = ctx;
    GError *error = NULL;
    char *detail = NULL;

    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
        return G_SOURCE_CONTINUE;
    gst_message_parse_error(message, &error, &detail);
    TG_COUNT(media_pipeline_errors_total);
    pipeline->on_error(pipeline->ctx, error->message, detail == NULL ? "" : detail);
    g_clear_error(&error);
    g_free(detail);
    return G_SOURCE_REMOVE; /* the pipeline may be gone, and the watch with it */
}

void tg_pipeline_begin(struct tg_pipeline *pipeline, GMainContext *context,
                       tg_pipeline_error_fn on_error, void *ctx)
{
    GstBus *bus;

    pipeline->bin = gst_object_ref_sink(gst_pipeline_new(NULL));
    pipeline->on_error = on_error;
    pipeline->ctx = ctx;
    bus = gst_element_get_bus(pipeline->bin);
    pipeline->watch = gst_bus_create_watch(bus);
    g_source_set_callback(pipeline->watch, G_SOURCE_FUNC(on_bus), pipeline, NULL);
    (void)g_source_attach(pipeline->watch, context); /* the id is not needed */
    gst_object_unref(bus);
}

tg_err tg_pipeline_play(struct tg_pipeline *pipeline)
{
    return gst_element_set_state(pipeline->bin, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE
               ? TG_ERR_IO
               : TG_OK;
}

void tg_pipeline_end(struct tg_pipeline *pipeline)
{
    tg_timer_stop(&pipeline->watch);
    if (pipeline->bin == NULL)
        return;
    (void)gst_element_set_state(pipeline->bin, GST_STATE_NULL); /* to NULL cannot fail */
    gst_clear_object(&pipeline->bin);
}

/* --- keyframes -------------------------------------------------------------------------------- */

void tg_keyframes_begin(struct tg_keyframes *keys, GMainContext *context, GstElement *sink)
{
    *keys = (struct tg_keyframes){.context = context, .sink = sink};
}

static void force(struct tg_keyframes *keys)
{
    keys->next = tg_clock_mono() + KEYFRAME_US;
    g_signal_emit_by_name(keys->sink, "request-keyframe");
}

static gboolean on_due(gpointer ctx)
{
    struct tg_keyframes *keys = ctx;

    g_clear_pointer(&keys->timer, g_source_unref);
    force(keys);
    return G_SOURCE_REMOVE;
}

void tg_keyframes_wish(struct tg_keyframes *keys)
{
    const tg_us now = tg_clock_mono();

    if (keys->sink == NULL || keys->timer != NULL)
        return;
    if (now >= keys->next)
        force(keys);
    else
        keys->timer = tg_timer_start(keys->context, keys->next - now, on_due, keys);
}

void tg_keyframes_end(struct tg_keyframes *keys)
{
    tg_timer_stop(&keys->timer);
    keys->sink = NULL;
}
