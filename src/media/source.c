/*
 * The publishers' side: open, push and close run on the session's thread (RTMP) and never wait for
 * GStreamer. A push ends in the bounded queue of a torgingestsrc; everything else becomes a task of
 * the media thread.
 */
#include <gst/gst.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "media/media_priv.h"
#include "proto/h264.h"

static const char reason_taken[] = "Another encoder has taken over this show.";
static const char reason_codec[] =
    "torg takes H.264 video and AAC audio. Choose those in the encoder's output settings.";
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
    for (size_t i = 0; i < TG_TRACK_COUNT; i++)
        gst_clear_object(&source->ingest[i]);
    g_free(source);
}

void tg_source_end(struct tg_source *source, const char *reason)
{
    const char *none = NULL;

    (void)atomic_compare_exchange_strong(&source->closed_reason, &none, reason);
    atomic_store(&source->closed, true);
}

/* NULL: the plugin is not registered. */
static struct tg_source *make_source(struct tg_media *media, const struct tg_source_info *info)
{
    struct tg_source *source = g_new0(struct tg_source, 1);

    atomic_init(&source->refs, 1);
    source->media = media;
    source->show = info->show;
    source->kind = info->kind;
    tg_str_cut(source->publisher, sizeof(source->publisher), info->publisher);
    for (size_t i = 0; i < TG_TRACK_COUNT; i++) {
        GstElement *element = gst_element_factory_make(TG_ELEMENT_INGEST_SRC, NULL);

        if (element == NULL) {
            tg_source_unref(source);
            return NULL;
        }
        source->ingest[i] = gst_object_ref_sink(element);
    }
    return source;
}

/* The show's newest publisher is `source` now; the one before (or NULL) is handed to the caller. */
static tg_err take_show(struct tg_media *media, struct tg_source *source, struct tg_source **ret)
{
    struct tg_media_show *show;
    tg_err err = TG_ERR_NOTFOUND;

    tg_mutex_lock(&media->lock);
    show = media->shows[source->show];
    if (show != NULL && !media->stopping) {
        *ret = show->source;
        show->source = tg_source_ref(source);
        source->generation = ++show->generation;
        err = TG_OK;
    }
    tg_mutex_unlock(&media->lock);
    return err;
}

tg_err tg_source_open(void *ctx, const struct tg_source_info *info, struct tg_source **ret)
{
    struct tg_media *media = ctx;
    struct tg_source *source;
    struct tg_source *before = NULL;
    tg_err err;

    if (info->show >= TG_SHOWS_MAX)
        return TG_ERR_NOTFOUND;
    source = make_source(media, info);
    if (source == NULL)
        return TG_ERR_NOMEM;
    err = take_show(media, source, &before);
    if (err != TG_OK) {
        tg_source_unref(source);
        return err;
    }
    if (before != NULL)
        tg_source_end(before, reason_taken);
    tg_source_unref(before);
    TG_COUNT(media_sources_total);
    tg_media_post_task(media, TG_TASK_OPENED, source);
    *ret = source;
    return TG_OK;
}

void tg_source_close(struct tg_source *source)
{
    atomic_store(&source->closed, true);
    tg_media_post_task(source->media, TG_TASK_CLOSED, source);
    tg_source_unref(source);
}

/* --- push ---------------------------------------------------------------------------------- */

/* The set-up bytes of H.264: only what browsers can show goes on. NULL = fine. */
static const char *check_avcc(struct tg_source *source, const struct tg_slab *config)
{
    struct tg_avcc avcc;
    struct tg_h264_sps sps;

    if (tg_avcc_parse(&avcc, config->data, config->len) != TG_OK ||
        tg_h264_sps_parse(&sps, avcc.sps[0]) != TG_OK)
        return reason_setup;
    if (sps.chroma_format != 1 || sps.bit_depth_luma != 8)
        return reason_colour;
    source->nal_len_size = avcc.nal_len_size;
    return NULL;
}

static bool has_bframes(const struct tg_source *source, const struct tg_slab *au)
{
    struct tg_span nals[TG_H264_NALS_MAX];
    size_t count = 0;

    /* A malformed unit is the sink's to drop and count. */
    return tg_h264_split(nals, &count, au->data, au->len, source->nal_len_size) == TG_OK &&
           tg_h264_has_b(nals, count);
}

/* NULL = may go on; else why not. */
static const char *check_au(struct tg_source *source, const struct tg_au *au)
{
    if (au->track == TG_TRACK_AUDIO)
        return au->codec == TG_CODEC_AAC ? NULL : reason_codec;
    if (au->codec != TG_CODEC_H264)
        return reason_codec;
    if (au->config)
        return check_avcc(source, au->data);
    if (source->nal_len_size != 0 && has_bframes(source, au->data))
        return reason_bframes;
    return NULL;
}

static tg_err hand_on(struct tg_source *source, const struct tg_au *take_au)
{
    enum tg_track track = take_au->track;
    bool config = take_au->config;
    gint err = TG_ERR_BUG;

    g_signal_emit_by_name(source->ingest[track], "push-au", take_au, &err);
    if (err == TG_OK && config && !source->configured[track]) {
        source->configured[track] = true;
        tg_media_post_task(source->media,
                           track == TG_TRACK_VIDEO ? TG_TASK_CHAIN_VIDEO : TG_TASK_CHAIN_AUDIO,
                           source);
    }
    if (err == TG_ERR_AGAIN) { /* frames before the set-up bytes: nothing could decode them */
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
    const char *reason;

    if (!atomic_load(&source->closed))
        return TG_OK;
    reason = atomic_load(&source->closed_reason);
    *reterr_reason = reason == NULL ? "The server is stopping." : reason;
    return TG_ERR_CLOSED;
}

tg_err tg_source_poll(struct tg_source *source, uint32_t *ret_key_layers,
                      const char **reterr_reason)
{
    *ret_key_layers = 0;
    return check_open(source, reterr_reason);
}

tg_err tg_source_push(struct tg_source *source, const struct tg_au *take_au,
                      const char **reterr_reason)
{
    const char *reason;

    TG_ASSERT(take_au->track < TG_TRACK_COUNT);
    TG_ASSERT(take_au->data != NULL);
    if (check_open(source, reterr_reason) != TG_OK) {
        tg_slab_unref(take_au->data);
        return TG_ERR_CLOSED;
    }
    reason = check_au(source, take_au);
    if (reason != NULL) {
        TG_COUNT(media_sources_refused_total);
        tg_slab_unref(take_au->data);
        tg_source_end(source, reason);
        tg_media_post_task(source->media, TG_TASK_REFUSED, source);
        *reterr_reason = reason;
        return TG_ERR_UNSUPPORTED;
    }
    *reterr_reason = "The server cannot keep up with this stream.";
    return hand_on(source, take_au);
}
