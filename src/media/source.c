/*
 * The publishers' side: open, push, poll and close run on the session's thread and never wait for
 * GStreamer. A push ends in the bounded queue of a torgingestsrc or torgrtcsrc; everything else
 * becomes a task of the media thread.
 */
#include <gst/gst.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "media/media_priv.h"
#include "proto/h264.h"
#include "proto/vp8.h"

static const char reason_stopping[] = "The server is stopping.";
static const char reason_codec[] =
    "torg takes H.264 video and AAC audio. Choose those in the encoder's output settings.";
static const char reason_codec_rtc[] =
    "torg takes H.264 or VP8 video and Opus audio from browsers and phones.";
static const char reason_codec_change[] =
    "The codec changed in the middle of the stream. Stop, choose one codec, and start again.";
static const char reason_setup[] = "The encoder's H.264 set-up data is broken.";
static const char reason_colour[] =
    "Browsers play 8-bit 4:2:0 video only. Choose the format NV12 or I420 in the encoder.";
static const char reason_bframes[] =
    "The video has B-frames, which browsers cannot play live. Set \"B-frames\" (or \"max "
    "B-frames\") to 0 in the encoder, or choose the tune zerolatency, and start again.";

struct tg_source *tg_source_ref(struct tg_source *source)
{
    (void)atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void tg_source_unref(struct tg_source *source)
{
    if (source == NULL || atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t t = 0; t < TG_TRACK_COUNT; t++)
        for (size_t l = 0; l < TG_LAYERS_MAX; l++)
            gst_clear_object(&source->elements[t][l]); /* the last: no signal comes after it */
    gst_clear_object(&source->tap);
    tg_slab_unref(source->video_config);
    tg_mutex_done(&source->tap_lock);
    g_free(source);
}

void tg_source_end(struct tg_source *source, const char *reason)
{
    const char *none = NULL;

    (void)atomic_compare_exchange_strong(&source->closed_reason, &none, reason);
    atomic_store(&source->closed, true);
}

/* On the thread that asks for the keyframe. */
static void on_keyframe_wanted(GstElement *element TG_UNUSED, struct tg_source_wish *wish)
{
    (void)atomic_fetch_or(wish->layers, 1U << wish->layer);
}

/* false: the plugin is not registered. */
static bool add_element(struct tg_source *source, enum tg_track track, unsigned layer)
{
    const bool rtc = source->kind == TG_SOURCE_WHIP;
    GstElement *element =
        gst_element_factory_make(rtc ? TG_ELEMENT_RTC_SRC : TG_ELEMENT_INGEST_SRC, NULL);

    if (element == NULL)
        return false;
    source->elements[track][layer] = gst_object_ref_sink(element);
    if (!rtc || track != TG_TRACK_VIDEO)
        return true;
    source->wishes[layer] = (struct tg_source_wish){.layers = &source->key_wishes, .layer = layer};
    (void)g_signal_connect(element, "keyframe-wanted", G_CALLBACK(on_keyframe_wanted),
                           &source->wishes[layer]); /* lives as long as the element */
    return true;
}

/* NULL: the plugin is not registered. */
static struct tg_source *make_source(struct tg_media *media, const struct tg_source_info *info)
{
    struct tg_source *source = g_new0(struct tg_source, 1);
    const unsigned layers = info->kind == TG_SOURCE_WHIP ? TG_LAYERS_MAX : 1;
    bool ok;

    atomic_init(&source->refs, 1);
    source->media = media;
    source->show = info->show;
    source->kind = info->kind;
    source->encodings = info->encodings;
    tg_mutex_init(&source->tap_lock);
    tg_str_cut(source->publisher, sizeof(source->publisher), info->publisher);
    ok = add_element(source, TG_TRACK_AUDIO, 0);
    for (unsigned l = 0; l < layers && ok; l++)
        ok = add_element(source, TG_TRACK_VIDEO, l);
    if (!ok) {
        tg_source_unref(source);
        return NULL;
    }
    return source;
}

static bool show_exists(struct tg_media *media, uint16_t show)
{
    bool there;

    if (show >= TG_SHOWS_MAX)
        return false;
    tg_mutex_lock(&media->lock);
    there = media->shows[show] != NULL && !media->stopping;
    tg_mutex_unlock(&media->lock);
    return there;
}

tg_err tg_source_open(void *ctx, const struct tg_source_info *info, struct tg_source **ret)
{
    struct tg_media *media = ctx;
    struct tg_source *source;

    if (!show_exists(media, info->show))
        return TG_ERR_NOTFOUND;
    source = make_source(media, info);
    if (source == NULL)
        return TG_ERR_NOMEM;
    TG_COUNT(media_sources_total);
    tg_media_post_task(media, &(struct tg_media_task){.what = TG_TASK_OPENED, .source = source});
    *ret = source;
    return TG_OK;
}

void tg_source_close(struct tg_source *source)
{
    atomic_store(&source->closed, true);
    tg_media_post_task(source->media,
                       &(struct tg_media_task){.what = TG_TASK_CLOSED, .source = source});
    tg_source_unref(source);
}

/* --- push: what may go on; all NULL = fine, else why not ---------------------------------------
 */

static void remember_picture(struct tg_source *source, unsigned layer, unsigned width,
                             unsigned height)
{
    if (layer == 0)
        atomic_store(&source->picture, width << 16 | height);
}

/* The set-up bytes of H.264: only what browsers can show goes on. */
static const char *check_avcc(struct tg_source *source, const struct tg_au *au)
{
    struct tg_avcc avcc;
    struct tg_h264_sps sps;

    if (tg_avcc_parse(&avcc, au->data->data, au->data->len) != TG_OK ||
        tg_h264_sps_parse(&sps, avcc.sps[0]) != TG_OK)
        return reason_setup;
    if (sps.chroma_format != 1 || sps.bit_depth_luma != 8)
        return reason_colour;
    source->nal_len_size[au->layer] = avcc.nal_len_size;
    remember_picture(source, au->layer, sps.width, sps.height);
    return NULL;
}

static bool has_bframes(const struct tg_source *source, const struct tg_au *au)
{
    struct tg_span nals[TG_H264_NALS_MAX];
    const uint8_t len_size = source->nal_len_size[au->layer];
    size_t count = 0;

    /* A malformed unit is the sink's to drop and count. */
    return len_size != 0 &&
           tg_h264_split(nals, &count, au->data->data, au->data->len, len_size) == TG_OK &&
           tg_h264_has_b(nals, count);
}

/* The frame's own header says whether it is a keyframe; a broken one is the sink's to drop. */
static void read_vp8(struct tg_source *source, struct tg_au *au)
{
    struct tg_vp8_info info;

    au->key = tg_vp8_info_parse(&info, tg_span(au->data->data, au->data->len)) == TG_OK && info.key;
    if (au->key)
        remember_picture(source, au->layer, info.width, info.height);
}

static bool takes_codec(const struct tg_source *source, const struct tg_au *au)
{
    const bool rtc = source->kind == TG_SOURCE_WHIP;

    switch (au->codec) {
    case TG_CODEC_H264:
        return au->track == TG_TRACK_VIDEO;
    case TG_CODEC_VP8:
        return au->track == TG_TRACK_VIDEO && rtc && !au->config;
    case TG_CODEC_OPUS:
        return au->track == TG_TRACK_AUDIO && rtc && !au->config;
    case TG_CODEC_AAC:
        return au->track == TG_TRACK_AUDIO && !rtc;
    default:
        return false;
    }
}

static const char *check_codec(struct tg_source *source, const struct tg_au *au)
{
    enum tg_codec *codec = &source->codec[au->track];

    if (!takes_codec(source, au))
        return source->kind == TG_SOURCE_WHIP ? reason_codec_rtc : reason_codec;
    if (*codec != TG_CODEC_NONE && *codec != au->codec)
        return reason_codec_change;
    *codec = au->codec;
    if (au->track == TG_TRACK_VIDEO)
        atomic_store(&source->video_codec, (unsigned)au->codec);
    return NULL;
}

static const char *check_au(struct tg_source *source, struct tg_au *au)
{
    const char *reason = check_codec(source, au);

    if (reason != NULL)
        return reason;
    if (au->codec == TG_CODEC_VP8)
        read_vp8(source, au);
    if (au->codec != TG_CODEC_H264)
        return NULL;
    if (au->config)
        return check_avcc(source, au);
    return has_bframes(source, au) ? reason_bframes : NULL;
}

/* --- push: handing on ---------------------------------------------------------------------------
 */

/* The chain is built when its first set-up bytes are queued, or the first frame without such. */
static void need_chain(struct tg_source *source, const struct tg_au *au)
{
    bool *chained = &source->chained[au->track][au->layer];

    if (*chained)
        return;
    *chained = true;
    tg_media_post_task(source->media, &(struct tg_media_task){.what = TG_TASK_CHAIN,
                                                              .source = source,
                                                              .track = au->track,
                                                              .codec = au->codec,
                                                              .layer = au->layer});
}

/* --- the tap -----------------------------------------------------------------------------------
 */

void tg_source_tap(struct tg_source *source, GstElement *tap)
{
    GstElement *before;

    tg_mutex_lock(&source->tap_lock);
    before = source->tap;
    source->tap = tap == NULL ? NULL : gst_object_ref(tap);
    source->tap_last++;
    tg_mutex_unlock(&source->tap_lock);
    gst_clear_object(&before);
}

/* A reference; NULL = none. */
static GstElement *take_tap(struct tg_source *source, unsigned *ret_which)
{
    GstElement *tap;

    tg_mutex_lock(&source->tap_lock);
    tap = source->tap == NULL ? NULL : gst_object_ref(source->tap);
    *ret_which = source->tap_last;
    tg_mutex_unlock(&source->tap_lock);
    return tap;
}

static void push_tap(GstElement *tap, const struct tg_au *au, struct tg_slab *data)
{
    struct tg_au copy = *au;
    gint err = TG_OK;

    copy.data = tg_slab_ref(data);
    g_signal_emit_by_name(tap, "push-au", &copy, &err);
    if (err == TG_ERR_LIMIT)
        TG_COUNT(media_rendition_dropped_total);
}

/* From a keyframe on, with the set-up bytes that it needs. */
static void feed_tap(struct tg_source *source, GstElement *tap, unsigned which,
                     const struct tg_au *au)
{
    if (source->tap_begun != which) {
        if (au->config || !au->key)
            return;
        if (source->video_config != NULL) {
            struct tg_au config = *au;

            config.config = true;
            push_tap(tap, &config, source->video_config);
        }
        source->tap_begun = which;
    }
    push_tap(tap, au, au->data);
}

static void tap(struct tg_source *source, const struct tg_au *au)
{
    GstElement *element;
    unsigned which;

    if (au->track != TG_TRACK_VIDEO || au->layer != 0)
        return;
    if (au->config) {
        tg_slab_unref(source->video_config);
        source->video_config = tg_slab_ref(au->data);
    }
    element = take_tap(source, &which);
    if (element == NULL)
        return;
    feed_tap(source, element, which, au);
    gst_object_unref(element);
}

static tg_err hand_on(struct tg_source *source, const struct tg_au *take_au)
{
    gint err = TG_ERR_BUG;

    g_signal_emit_by_name(source->elements[take_au->track][take_au->layer], "push-au", take_au,
                          &err);
    if (err == TG_OK)
        need_chain(source, take_au); /* reads no data: that is the queue's now */
    if (err == TG_ERR_AGAIN) { /* before the set-up bytes or a keyframe: nothing could decode it */
        TG_COUNT(media_frames_early_total);
        return TG_OK;
    }
    if (err == TG_ERR_LIMIT)
        TG_COUNT(media_frames_dropped_total);
    return (tg_err)err;
}

/* CLOSED with *reterr_reason when another has the show or the server stops. */
static tg_err check_open(struct tg_source *source, const char **reterr_reason)
{
    const char *reason = atomic_load(&source->closed_reason);

    if (!atomic_load(&source->closed) && !atomic_load(&source->media->stopped))
        return TG_OK;
    *reterr_reason = reason == NULL ? reason_stopping : reason;
    return TG_ERR_CLOSED;
}

tg_err tg_source_poll(struct tg_source *source, uint32_t *ret_key_layers,
                      const char **reterr_reason)
{
    *ret_key_layers = atomic_exchange(&source->key_wishes, 0);
    return check_open(source, reterr_reason);
}

tg_err tg_source_push(struct tg_source *source, const struct tg_au *take_au,
                      const char **reterr_reason)
{
    struct tg_au au = *take_au;
    const char *reason;

    TG_ASSERT(au.track < TG_TRACK_COUNT && au.layer < TG_LAYERS_MAX);
    TG_ASSERT(au.data != NULL);
    TG_ASSERT(source->elements[au.track][au.layer] != NULL);
    if (check_open(source, reterr_reason) != TG_OK) {
        tg_slab_unref(au.data);
        return TG_ERR_CLOSED;
    }
    reason = check_au(source, &au);
    if (reason != NULL) {
        TG_COUNT(media_sources_refused_total);
        tg_slab_unref(au.data);
        tg_source_end(source, reason);
        tg_media_post_task(source->media,
                           &(struct tg_media_task){.what = TG_TASK_REFUSED, .source = source});
        *reterr_reason = reason;
        return TG_ERR_UNSUPPORTED;
    }
    *reterr_reason = "The server cannot keep up with this stream.";
    tap(source, &au);
    return hand_on(source, &au);
}
