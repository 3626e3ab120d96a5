#include <gst/gst.h>

#include "base/log.h"
#include "media/media_priv.h"

/* (transfer floating); NULL when the plugin is not installed. */
static GstElement *make_step(const struct tg_chain_step *step)
{
    GstElement *element = gst_element_factory_make(step->factory, NULL);

    if (element == NULL) {
        tg_log_error("media", "element_missing", "factory=%s", step->factory);
        return NULL;
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(step->settings) && step->settings[i][0] != NULL; i++)
        gst_util_set_object_arg(G_OBJECT(element), step->settings[i][0], step->settings[i][1]);
    return element;
}

/* The element joins the bin, behind `last`, in the bin's state. */
static bool append(GstElement *bin, GstElement *last, GstElement *element)
{
    if (!gst_bin_add(GST_BIN(bin), element))
        return false;
    return last == NULL || gst_element_link(last, element);
}

static bool sync_states(GstElement *const *elements, size_t count)
{
    /* From the sink up: nothing flows into an element that is not ready for it. */
    for (size_t i = count; i > 0; i--)
        if (!gst_element_sync_state_with_parent(elements[i - 1]))
            return false;
    return true;
}

tg_err tg_chain_build(GstElement *pipeline, GstElement *first, const struct tg_chain_step *steps,
                      size_t step_count, const struct tg_fanout_out *out, GstElement **ret_sink)
{
    enum { CHAIN_MAX = 12 };
    GstElement *chain[CHAIN_MAX];
    const struct tg_chain_step sink = {.factory = TG_ELEMENT_FANOUT_SINK};
    size_t count = 0;

    TG_ASSERT(step_count + 2 <= CHAIN_MAX);
    if (!append(pipeline, NULL, first))
        return TG_ERR_IO;
    chain[count++] = first;
    for (size_t i = 0; i <= step_count; i++) {
        GstElement *element = make_step(i < step_count ? &steps[i] : &sink);

        if (element == NULL || !append(pipeline, chain[count - 1], element))
            return TG_ERR_IO;
        if (i == step_count)
            g_object_set(element, "out", out, NULL);
        chain[count++] = element;
    }
    if (!sync_states(chain, count))
        return TG_ERR_IO;
    if (ret_sink != NULL)
        *ret_sink = chain[count - 1];
    return TG_OK;
}
