#include "media/ladder.h"

#include <gst/gst.h>
#include <stdio.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/pipeline.h"

enum {
    /*
     * Pictures waiting for an encoder: what a burst of the line brings (200 ms), and no more, for a
     * raw 720p picture takes 1.4 MB.
     */
    QUEUE_PICTURES = 6,
    KEY_PICTURES = 60, /* 2 s at 30 a second; who needs one sooner asks */
};

struct tg_ladder {
    struct tg_ladder_cfg cfg;
    struct tg_pipeline pipeline;
    unsigned count;
    struct tg_keyframes keys[TG_RENDITIONS_MAX]; /* of layer 1, 2, ... */
};

bool tg_ladder_size(unsigned width, unsigned height, unsigned lines, unsigned *ret_width,
                    unsigned *ret_height)
{
    const unsigned side = TG_MIN(width, height);

    if (side <= lines || lines < 2)
        return false;
    /* Rounded to the nearest even number; cannot overflow: sides are 16 bits. */
    *ret_width = (width * lines / side + 1) & ~1U;
    *ret_height = (height * lines / side + 1) & ~1U;
    return true;
}

/* --- building ----------------------------------------------------------------------------------
 */

/* On the decoder's thread: the queue leaks the oldest picture to make room. */
static void on_overrun(GstElement *queue TG_UNUSED, gpointer ctx TG_UNUSED)
{
    TG_COUNT(media_rendition_dropped_total);
}

/* (transfer floating); NULL when the plugin is not installed. */
static GstElement *make_queue(void)
{
    GstElement *queue = gst_element_factory_make("queue", NULL);

    if (queue == NULL)
        return NULL;
    g_object_set(queue, "max-size-buffers", (guint)QUEUE_PICTURES, "max-size-bytes", 0U,
                 "max-size-time", (guint64)0, NULL);
    gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");
    (void)g_signal_connect(queue, "overrun", G_CALLBACK(on_overrun), NULL);
    return queue;
}

/* (transfer floating); one thread, as the other cores send: more would also add delay. */
static GstElement *make_decoder(bool vp8)
{
    GstElement *decoder = gst_element_factory_make(vp8 ? "vp8dec" : "avdec_h264", NULL);

    if (decoder != NULL)
        gst_util_set_object_arg(G_OBJECT(decoder), vp8 ? "threads" : "max-threads", "1");
    return decoder;
}

/* source, decoder and tee; NULL: an element is missing. *ret_tee is borrowed from the pipeline. */
static GstElement *build_front(struct tg_ladder *ladder, GstElement **ret_tee)
{
    GstElement *parts[] = {gst_element_factory_make(TG_ELEMENT_RTC_SRC, NULL),
                           make_decoder(ladder->cfg.vp8), gst_element_factory_make("tee", NULL)};
    bool good = true;

    for (size_t i = 0; i < TG_ARRAY_LEN(parts); i++) {
        good = parts[i] != NULL && good;
        if (parts[i] != NULL)
            (void)gst_bin_add(GST_BIN(ladder->pipeline.bin), parts[i]); /* new: cannot fail */
    }
    if (!good || !gst_element_link_many(parts[0], parts[1], parts[2], NULL))
        return NULL;
    *ret_tee = parts[2];
    return parts[0];
}

struct rung_text {
    char caps[160];
    char kbps[16];
    char bps[16];
    char key[16];
};

static tg_err build_steps(struct tg_ladder *ladder, GstElement *queue, struct rung_text *text,
                          const struct tg_fanout_out *out, GstElement **ret_sink)
{
    const struct tg_chain_step scale = {.factory = "videoscale",
                                        .settings = {{"add-borders", "false"}, {"n-threads", "1"}}};
    const struct tg_chain_step size = {.factory = "capsfilter", .settings = {{"caps", text->caps}}};
    const struct tg_chain_step h264[] = {
        scale,
        size,
        {.factory = "x264enc",
         .settings = {{"tune", "zerolatency"},
                      {"speed-preset", "superfast"},
                      {"bitrate", text->kbps},
                      {"key-int-max", text->key},
                      {"bframes", "0"},
                      {"threads", "1"},
                      {"option-string", "scenecut=0:weightp=0"}}},
        {.factory = "capsfilter",
         .settings = {{"caps", "video/x-h264,profile=constrained-baseline,stream-format=avc"}}},
    };
    const struct tg_chain_step vp8[] = {
        scale,
        size,
        {.factory = "vp8enc",
         .settings = {{"deadline", "1"},
                      {"cpu-used", "8"},
                      {"threads", "1"},
                      {"target-bitrate", text->bps},
                      {"end-usage", "cbr"},
                      {"buffer-size", "1000"},
                      {"buffer-initial-size", "500"},
                      {"buffer-optimal-size", "600"},
                      {"keyframe-max-dist", text->key}}},
    };

    return ladder->cfg.vp8
               ? tg_chain_build(ladder->pipeline.bin, queue, vp8, TG_ARRAY_LEN(vp8), out, ret_sink)
               : tg_chain_build(ladder->pipeline.bin, queue, h264, TG_ARRAY_LEN(h264), out,
                                ret_sink);
}

static tg_err build_rung(struct tg_ladder *ladder, GstElement *tee, unsigned kbps, unsigned width,
                         unsigned height)
{
    const struct tg_fanout_out out =
        tg_feeder_out(ladder->cfg.feeder, (uint8_t)(ladder->count + 1));
    GstElement *queue = make_queue();
    GstElement *sink = NULL;
    struct rung_text text;
    tg_err err;

    if (queue == NULL)
        return TG_ERR_IO;
    /* All fit: the numbers are short. */
    (void)snprintf(text.caps, sizeof(text.caps),
                   "video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1", width,
                   height);
    (void)snprintf(text.kbps, sizeof(text.kbps), "%u", kbps);
    (void)snprintf(text.bps, sizeof(text.bps), "%u", kbps * 1000);
    (void)snprintf(text.key, sizeof(text.key), "%d", KEY_PICTURES);
    err = build_steps(ladder, queue, &text, &out, &sink);
    if (err == TG_OK && !gst_element_link(tee, queue))
        err = TG_ERR_IO;
    if (err == TG_OK)
        tg_keyframes_begin(&ladder->keys[ladder->count++], ladder->cfg.source->media->context,
                           sink);
    return err;
}

static void on_pipeline_error(void *ctx, const char *error, const char *detail)
{
    struct tg_ladder *ladder = ctx;

    tg_log_warn("media", "renditions_off", "show=%u err=%s detail=%s", ladder->cfg.source->show,
                TG_LOG_Q(error), TG_LOG_Q(detail));
    ladder->cfg.on_error(ladder->cfg.ctx);
}

static tg_err build(struct tg_ladder *ladder, GstElement **ret_first)
{
    const struct tg_media_cfg *cfg = &ladder->cfg.source->media->cfg;
    GstElement *tee = NULL;
    tg_err err = TG_OK;

    *ret_first = build_front(ladder, &tee);
    if (*ret_first == NULL)
        return TG_ERR_IO;
    for (size_t i = 0; i < cfg->rendition_count && err == TG_OK; i++) {
        unsigned width;
        unsigned height;

        if (tg_ladder_size(ladder->cfg.width, ladder->cfg.height, cfg->renditions[i].lines, &width,
                           &height))
            err = build_rung(ladder, tee, cfg->renditions[i].kbps, width, height);
    }
    return err == TG_OK ? tg_pipeline_play(&ladder->pipeline) : err;
}

static bool has_work(const struct tg_ladder_cfg *cfg)
{
    const struct tg_media_cfg *media = &cfg->source->media->cfg;
    unsigned width;
    unsigned height;

    for (size_t i = 0; i < media->rendition_count; i++)
        if (tg_ladder_size(cfg->width, cfg->height, media->renditions[i].lines, &width, &height))
            return true;
    return false;
}

tg_err tg_ladder_new(struct tg_ladder **ret, const struct tg_ladder_cfg *cfg)
{
    struct tg_ladder *ladder;
    GstElement *first = NULL;
    tg_err err;

    *ret = NULL;
    if (!has_work(cfg))
        return TG_OK;
    ladder = g_new0(struct tg_ladder, 1);
    ladder->cfg = *cfg;
    tg_pipeline_begin(&ladder->pipeline, cfg->source->media->context, on_pipeline_error, ladder);
    err = build(ladder, &first);
    tg_metric_add(TG_M_media_renditions, ladder->count);
    if (err != TG_OK) {
        tg_ladder_free(ladder);
        return err;
    }
    tg_source_tap(cfg->source, first);
    tg_log_info("media", "renditions_on", "show=%u count=%u width=%u height=%u", cfg->source->show,
                ladder->count, cfg->width, cfg->height);
    *ret = ladder;
    return TG_OK;
}

void tg_ladder_free(struct tg_ladder *ladder)
{
    if (ladder == NULL)
        return;
    tg_source_tap(ladder->cfg.source, NULL);
    for (unsigned i = 0; i < ladder->count; i++)
        tg_keyframes_end(&ladder->keys[i]);
    tg_pipeline_end(&ladder->pipeline);
    tg_metric_add(TG_M_media_renditions, -(int64_t)ladder->count);
    g_free(ladder);
}

bool tg_ladder_keyframe(struct tg_ladder *ladder, unsigned layer)
{
    if (ladder == NULL || layer == 0 || layer > ladder->count)
        return false;
    tg_keyframes_wish(&ladder->keys[layer - 1]);
    return true;
}
