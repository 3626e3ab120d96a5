#include "support/lib/clip.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include "proto/h264.h"

static struct tg_slab *slab_of(GstBuffer *buffer)
{
    struct tg_slab *slab = tg_slab_new(gst_buffer_get_size(buffer));

    TG_ASSERT(slab != NULL);
    slab->len = (uint32_t)gst_buffer_extract(buffer, 0, slab->data, slab->cap);
    return slab;
}

static tg_us running_us(GstSample *sample, GstClockTime time)
{
    GstClockTime running =
        gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME, time);

    return GST_CLOCK_TIME_IS_VALID(running) ? (tg_us)(running / GST_USECOND) : 0;
}

static void take_config(struct tg_slab **config, GstSample *sample)
{
    const GstStructure *s = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
    const GValue *value = gst_structure_get_value(s, "codec_data");

    if (value != NULL && *config == NULL)
        *config = slab_of(gst_value_get_buffer(value));
}

/* FLV and MP4 carry the parameter sets in the set-up bytes only; x264enc repeats them in band. */
static void strip_params(struct tg_slab *slab)
{
    struct tg_h264_iter it = tg_h264_iter(slab->data, slab->len, 4);
    uint32_t len = 0;
    struct tg_span nal;

    while (tg_h264_iter_next(&it, &nal)) {
        struct tg_wr w = tg_wr(slab->data + len, 4);

        if (tg_h264_type(nal) == TG_H264_SPS || tg_h264_type(nal) == TG_H264_PPS)
            continue;
        memmove(slab->data + len + 4, nal.data, nal.len); /* never ahead of the reader */
        tg_wr_u32(&w, (uint32_t)nal.len);
        len += 4 + (uint32_t)nal.len;
    }
    TG_ASSERT(!it.bad);
    slab->len = len;
}

/* Run the pipeline; every sample of its appsink becomes a unit. Returns how many. */
static size_t collect(const char *launch, struct tg_clip_unit *units, struct tg_slab **config)
{
    GstElement *pipeline = gst_parse_launch(launch, NULL);
    GstElement *sink;
    GstSample *sample;
    size_t count = 0;

    TG_ASSERT(pipeline != NULL);
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    (void)gst_element_set_state(pipeline, GST_STATE_PLAYING); /* a failure shows as no sample */
    while ((sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) != NULL) {
        GstBuffer *buffer = gst_sample_get_buffer(sample);

        TG_ASSERT(count < TG_CLIP_UNITS_MAX);
        take_config(config, sample);
        units[count] = (struct tg_clip_unit){
            .data = slab_of(buffer),
            .key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
            .pts_us = running_us(sample, GST_BUFFER_PTS(buffer)),
            .dts_us = running_us(sample, GST_BUFFER_DTS_OR_PTS(buffer))};
        count++;
        gst_sample_unref(sample);
    }
    (void)gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
    TG_ASSERT(count > 0);
    return count;
}

static char *video_launch(const struct tg_clip_cfg *cfg)
{
    static const char h264[] =
        "x264enc speed-preset=ultrafast key-int-max=15 bframes=%d b-adapt=false threads=1 "
        "rc-lookahead=0 sync-lookahead=0 bitrate=2000 aud=true ! "
        "video/x-h264,stream-format=avc,alignment=au";
    g_autofree char *avc = g_strdup_printf(h264, cfg->bframes);

    return g_strdup_printf(
        "videotestsrc num-buffers=%d pattern=%s ! "
        "video/x-raw,format=I420,width=%d,height=%d,framerate=30/1 ! %s ! "
        "appsink name=out sync=false",
        cfg->frames, cfg->pattern == NULL ? "ball" : cfg->pattern, cfg->width, cfg->height,
        cfg->vp8 ? "vp8enc deadline=1 cpu-used=8 threads=1 keyframe-max-dist=15" : avc);
}

static char *audio_launch(const struct tg_clip_cfg *cfg)
{
    const int rate = cfg->opus_ms > 0 ? 48000 : cfg->audio_rate == 0 ? 44100 : cfg->audio_rate;
    const int samples = cfg->opus_ms > 0 ? cfg->opus_ms * 48 : 1024;
    g_autofree char *opus = g_strdup_printf("opusenc frame-size=%d", cfg->opus_ms);

    return g_strdup_printf("audiotestsrc num-buffers=%d samplesperbuffer=%d freq=440 ! "
                           "audio/x-raw,rate=%d,channels=2 ! %s ! appsink name=out sync=false",
                           cfg->audio_frames, samples, rate,
                           cfg->opus_ms > 0 ? opus
                                            : "avenc_aac bitrate=128000 ! "
                                              "audio/mpeg,mpegversion=4,stream-format=raw");
}

void tg_clip_make(struct tg_clip *ret, const struct tg_clip_cfg *cfg)
{
    *ret = (struct tg_clip){.video_codec = cfg->vp8 ? TG_CODEC_VP8 : TG_CODEC_H264,
                            .audio_codec = cfg->opus_ms > 0 ? TG_CODEC_OPUS : TG_CODEC_AAC,
                            .video = g_new0(struct tg_clip_unit, TG_CLIP_UNITS_MAX),
                            .audio = g_new0(struct tg_clip_unit, TG_CLIP_UNITS_MAX)};
    if (cfg->frames > 0) {
        g_autofree char *video = video_launch(cfg);

        ret->video_count = collect(video, ret->video, &ret->video_config);
        TG_ASSERT((ret->video_config != NULL) == !cfg->vp8);
        for (size_t i = 0; i < ret->video_count && !cfg->vp8; i++)
            strip_params(ret->video[i].data);
    }
    if (cfg->audio_frames > 0) {
        g_autofree char *audio = audio_launch(cfg);

        ret->audio_count = collect(audio, ret->audio, &ret->audio_config);
    }
}

static void free_units(struct tg_clip_unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tg_slab_unref(units[i].data);
    g_free(units);
}

void tg_clip_done(struct tg_clip *clip)
{
    tg_slab_unref(clip->video_config);
    tg_slab_unref(clip->audio_config);
    free_units(clip->video, clip->video_count);
    free_units(clip->audio, clip->audio_count);
    *clip = (struct tg_clip){0};
}

struct tg_au tg_clip_au(const struct tg_clip *clip, enum tg_track track, size_t index)
{
    const bool video = track == TG_TRACK_VIDEO;
    struct tg_au au = {.track = track,
                       .codec = video ? clip->video_codec : clip->audio_codec,
                       .config = index == SIZE_MAX};
    const struct tg_clip_unit *unit;

    if (au.config) {
        au.data = tg_slab_ref(video ? clip->video_config : clip->audio_config);
        return au;
    }
    TG_ASSERT(index < (video ? clip->video_count : clip->audio_count));
    unit = video ? &clip->video[index] : &clip->audio[index];
    au.key = unit->key;
    au.pts_us = unit->pts_us;
    au.dts_us = unit->dts_us;
    au.data = tg_slab_ref(unit->data);
    return au;
}
