/*
 * torgfanoutsink: one encoded frame in, one tg_frame out - the place where media leaves GStreamer.
 *
 * The only copy of the bytes is made here, by proto/'s packetizers. The media time is the
 * buffer's running time. opusenc takes its look-ahead off the times itself and says how much of the
 * first packet lies before its time (GstAudioClippingMeta); RTP has no such thing, so there the
 * time goes back by that much and all packets are 20 ms apart.
 */
#include <gst/audio/audio.h>
#include <gst/base/gstbasesink.h>
#include <gst/video/video.h>

#include "base/metrics.h"
#include "plugins/plugins.h"
#include "proto/h264.h"
#include "proto/vp8.h"

enum {
    PAYLOAD_MAX = TG_RTP_MTU - 12,
    PARAMS_MAX = 4096, /* parameter sets of one stream; a pair is below 100 bytes */
    OPUS_RATE = 48000, /* RFC 7587 s4.1 */
};

G_DECLARE_FINAL_TYPE(TgFanoutSink, tg_fanout_sink, TG, FANOUT_SINK, GstBaseSink)

struct _TgFanoutSink {
    GstBaseSink parent;

    struct tg_fanout_out out; /* object lock */
    guint64 frames;           /* object lock */
    guint64 keyframes;        /* object lock */

    /* streaming thread only */
    enum tg_codec codec;
    unsigned nal_len_size;
    bool has_params;
    bool started;
    uint16_t width; /* of the last picture that said so; 0 = none did */
    uint16_t height;
    struct tg_avcc params; /* points into params_bytes */
    uint8_t params_bytes[PARAMS_MAX];
};

G_DEFINE_FINAL_TYPE(TgFanoutSink, tg_fanout_sink, GST_TYPE_BASE_SINK)

enum { PROP_0, PROP_OUT, PROP_FRAMES, PROP_KEYFRAMES };

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string){ avc, byte-stream }, "
                    "alignment=(string)au; "
                    "video/x-vp8; "
                    "audio/x-opus, channel-mapping-family=(int)0"));

void tg_fanout_sink_set_out(GstElement *sink, const struct tg_fanout_out *out)
{
    TgFanoutSink *self = TG_FANOUT_SINK(sink);

    GST_OBJECT_LOCK(self);
    self->out = *out;
    GST_OBJECT_UNLOCK(self);
}

void tg_fanout_sink_request_keyframe(GstElement *sink)
{
    GstEvent *event = gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0);

    /* FALSE only means that nobody upstream encodes: a passed-through publisher. */
    (void)gst_pad_push_event(GST_BASE_SINK_PAD(sink), event);
}

/* --- caps ---------------------------------------------------------------------------------- */

static void note_sps(TgFanoutSink *self, struct tg_span nal)
{
    struct tg_h264_sps sps;

    if (tg_h264_sps_parse(&sps, nal) != TG_OK)
        return;
    self->width = sps.width;
    self->height = sps.height;
}

static gboolean set_h264_caps(TgFanoutSink *self, const GstStructure *s)
{
    const GValue *value = gst_structure_get_value(s, "codec_data");
    bool avc = g_strcmp0(gst_structure_get_string(s, "stream-format"), "avc") == 0;
    gsize len = 0;

    self->codec = TG_CODEC_H264;
    self->has_params = false;
    self->nal_len_size = 0;
    if (!avc)
        return TRUE;
    if (value == NULL || value->g_type != GST_TYPE_BUFFER)
        return FALSE;
    if (gst_buffer_get_size(gst_value_get_buffer(value)) <= sizeof(self->params_bytes))
        len = gst_buffer_extract(gst_value_get_buffer(value), 0, self->params_bytes,
                                 sizeof(self->params_bytes));
    if (tg_avcc_parse(&self->params, self->params_bytes, len) != TG_OK)
        return FALSE;
    self->has_params = true;
    self->nal_len_size = self->params.nal_len_size;
    note_sps(self, self->params.sps[0]);
    return TRUE;
}

static gboolean set_caps(GstBaseSink *base, GstCaps *caps)
{
    TgFanoutSink *self = TG_FANOUT_SINK(base);
    const GstStructure *s = gst_caps_get_structure(caps, 0);

    if (gst_structure_has_name(s, "video/x-h264"))
        return set_h264_caps(self, s);
    self->codec = gst_structure_has_name(s, "video/x-vp8") ? TG_CODEC_VP8 : TG_CODEC_OPUS;
    return TRUE;
}

/* --- frames -------------------------------------------------------------------------------- */

/* A new size may come in band whatever the caps said. */
static void look_for_size(TgFanoutSink *self, const struct tg_span *nals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tg_h264_type(nals[i]) == TG_H264_SPS)
            note_sps(self, nals[i]);
}

/* A byte stream brings its parameter sets in band: keep the newest pair for later keyframes. */
static void remember_params(TgFanoutSink *self, const struct tg_span *nals, size_t count)
{
    struct tg_avcc seen = {.nal_len_size = 4};
    struct tg_wr w = tg_wr(self->params_bytes, sizeof(self->params_bytes));

    for (size_t i = 0; i < count; i++) {
        unsigned type = tg_h264_type(nals[i]);

        if (type == TG_H264_SPS && seen.sps_count < TG_H264_SPS_MAX)
            seen.sps[seen.sps_count++] = nals[i];
        else if (type == TG_H264_PPS && seen.pps_count < TG_H264_PPS_MAX)
            seen.pps[seen.pps_count++] = nals[i];
    }
    if (seen.sps_count == 0 || seen.pps_count == 0 || seen.sps[0].len < 4)
        return;
    seen.profile = seen.sps[0].data[1];
    seen.constraints = seen.sps[0].data[2];
    seen.level = seen.sps[0].data[3];
    tg_avcc_write(&w, &seen);
    self->has_params =
        !w.bad && tg_avcc_parse(&self->params, self->params_bytes, tg_wr_len(&w)) == TG_OK;
}

/* TG_OK with *ret NULL: nothing of the access unit is left to send. */
static tg_err make_h264(TgFanoutSink *self, struct tg_frame **ret, const GstMapInfo *map)
{
    struct tg_span nals[TG_H264_NALS_MAX];
    struct tg_h264_pack pack;
    struct tg_frame *frame;
    struct tg_wr w;
    bool marker = false;
    size_t count = 0;
    tg_err err = tg_h264_split(nals, &count, map->data, map->size, self->nal_len_size);

    if (err != TG_OK)
        return err;
    if (self->nal_len_size == 0)
        remember_params(self, nals, count);
    look_for_size(self, nals, count);
    err =
        tg_h264_pack_init(&pack, nals, count, self->has_params ? &self->params : NULL, PAYLOAD_MAX);
    *ret = NULL;
    if (err != TG_OK || pack.packet_count == 0)
        return err;
    frame = tg_frame_new(pack.packet_count, pack.bytes_total);
    if (frame == NULL)
        return TG_ERR_NOMEM;
    w = tg_wr(frame->bytes, pack.bytes_total);
    for (size_t i = 0; i < pack.packet_count; i++) {
        size_t start = tg_wr_len(&w);
        bool more = tg_h264_pack_next(&pack, &w, &marker);

        TG_ASSERT(more && !w.bad); /* init counted packets and bytes */
        frame->packets[i] = (struct tg_frame_packet){
            .offset = (uint32_t)start, .len = (uint16_t)(tg_wr_len(&w) - start), .marker = marker};
    }
    frame->bytes_len = (uint32_t)tg_wr_len(&w);
    frame->track = TG_TRACK_VIDEO;
    frame->flags = pack.key ? TG_FRAME_KEY : 0;
    *ret = frame;
    return TG_OK;
}

static tg_err make_vp8(TgFanoutSink *self, struct tg_frame **ret, const GstMapInfo *map)
{
    struct tg_vp8_info info;
    struct tg_vp8_pack pack;
    struct tg_frame *frame;
    struct tg_wr w;
    bool marker = false;
    tg_err err = tg_vp8_info_parse(&info, tg_span(map->data, map->size));

    if (err == TG_OK)
        err = tg_vp8_pack_init(&pack, tg_span(map->data, map->size), PAYLOAD_MAX);
    if (err != TG_OK)
        return err;
    frame = tg_frame_new(pack.packet_count, pack.bytes_total);
    if (frame == NULL)
        return TG_ERR_NOMEM;
    w = tg_wr(frame->bytes, pack.bytes_total);
    for (size_t i = 0; i < pack.packet_count; i++) {
        size_t start = tg_wr_len(&w);
        bool more = tg_vp8_pack_next(&pack, &w, &marker);

        TG_ASSERT(more && !w.bad); /* init counted packets and bytes */
        frame->packets[i] = (struct tg_frame_packet){
            .offset = (uint32_t)start, .len = (uint16_t)(tg_wr_len(&w) - start), .marker = marker};
    }
    frame->bytes_len = (uint32_t)tg_wr_len(&w);
    frame->track = TG_TRACK_VIDEO;
    frame->flags = info.key ? TG_FRAME_KEY : 0;
    if (info.key) {
        self->width = info.width;
        self->height = info.height;
    }
    *ret = frame;
    return TG_OK;
}

/* One Opus packet is one payload (RFC 7587 s4.2). */
static tg_err make_opus(TgFanoutSink *self, struct tg_frame **ret, const GstMapInfo *map,
                        bool discont)
{
    bool first = !self->started || discont;
    struct tg_frame *frame;

    *ret = NULL;
    if (map->size == 0)
        return TG_OK;
    if (map->size > PAYLOAD_MAX)
        return TG_ERR_LIMIT;
    frame = tg_frame_new(1, map->size);
    if (frame == NULL)
        return TG_ERR_NOMEM;
    memcpy(frame->bytes, map->data, map->size);
    frame->packets[0] = (struct tg_frame_packet){.len = (uint16_t)map->size, .marker = first};
    frame->bytes_len = (uint32_t)map->size;
    frame->track = TG_TRACK_AUDIO;
    frame->flags = (uint8_t)(TG_FRAME_KEY | (first ? TG_FRAME_AUDIO_GAP : 0));
    *ret = frame;
    return TG_OK;
}

/* How much of the packet's sound lies before its time. */
static GstClockTime clipped_start(GstBuffer *buffer)
{
    const GstAudioClippingMeta *meta = gst_buffer_get_audio_clipping_meta(buffer);

    if (meta == NULL || meta->format != GST_FORMAT_DEFAULT)
        return 0;
    return gst_util_uint64_scale_int(GST_SECOND, (gint)MIN(meta->start, OPUS_RATE), OPUS_RATE);
}

/* false: the buffer has no time, or lies outside the segment. */
static bool media_time(TgFanoutSink *self, GstBuffer *buffer, tg_us *ret)
{
    const GstSegment *segment = &GST_BASE_SINK(self)->segment;
    guint64 running;

    if (!GST_BUFFER_PTS_IS_VALID(buffer))
        return false;
    running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (!GST_CLOCK_TIME_IS_VALID(running))
        return false;
    running -= MIN(running, self->codec == TG_CODEC_OPUS ? clipped_start(buffer) : 0);
    *ret = (tg_us)((running + GST_USECOND / 2) / GST_USECOND);
    return true;
}

static void hand_on(TgFanoutSink *self, struct tg_frame *take_frame)
{
    struct tg_fanout_out out;

    GST_OBJECT_LOCK(self);
    out = self->out;
    self->frames++;
    if ((take_frame->flags & TG_FRAME_KEY) != 0)
        self->keyframes++;
    GST_OBJECT_UNLOCK(self);
    self->started = true;
    take_frame->codec = (uint8_t)self->codec;
    take_frame->show = out.show;
    take_frame->layer = out.layer;
    take_frame->generation = out.generation;
    if (take_frame->track == TG_TRACK_VIDEO) {
        take_frame->width = self->width;
        take_frame->height = self->height;
    }
    take_frame->rtp_ts = tg_media_to_rtp(take_frame->media_us, (enum tg_track)take_frame->track);
    if (out.fn == NULL) {
        tg_frame_unref(take_frame);
        return;
    }
    TG_COUNT(media_frames_out_total);
    out.fn(out.ctx, take_frame);
}

static tg_err make_frame(TgFanoutSink *self, struct tg_frame **ret, const GstMapInfo *map,
                         bool discont)
{
    switch (self->codec) {
    case TG_CODEC_H264:
        return make_h264(self, ret, map);
    case TG_CODEC_VP8:
        return make_vp8(self, ret, map);
    default:
        return make_opus(self, ret, map, discont);
    }
}

/* What cannot be sent is dropped and counted: one bad frame never ends a show. */
static GstFlowReturn render(GstBaseSink *base, GstBuffer *buffer)
{
    TgFanoutSink *self = TG_FANOUT_SINK(base);
    bool discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    struct tg_frame *frame = NULL;
    tg_us media_us = 0;
    GstMapInfo map;
    tg_err err = TG_ERR_MALFORMED;

    if (media_time(self, buffer, &media_us) && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        err = make_frame(self, &frame, &map, discont);
        gst_buffer_unmap(buffer, &map);
    }
    if (err != TG_OK) {
        TG_COUNT(media_frames_bad_total);
        return GST_FLOW_OK;
    }
    if (frame != NULL) {
        frame->media_us = media_us;
        hand_on(self, frame);
    }
    return GST_FLOW_OK;
}

static gboolean start(GstBaseSink *base)
{
    TgFanoutSink *self = TG_FANOUT_SINK(base);

    self->started = false;
    self->has_params = false;
    self->codec = TG_CODEC_NONE;
    self->width = 0;
    self->height = 0;
    return TRUE;
}

/* --- GObject ------------------------------------------------------------------------------- */

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    if (id == PROP_OUT && g_value_get_pointer(value) != NULL)
        tg_fanout_sink_set_out(GST_ELEMENT(object), g_value_get_pointer(value));
    else if (id != PROP_OUT)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    TgFanoutSink *self = TG_FANOUT_SINK(object);

    GST_OBJECT_LOCK(self);
    if (id == PROP_FRAMES)
        g_value_set_uint64(value, self->frames);
    else if (id == PROP_KEYFRAMES)
        g_value_set_uint64(value, self->keyframes);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    GST_OBJECT_UNLOCK(self);
}

static void request_keyframe_action(TgFanoutSink *self)
{
    tg_fanout_sink_request_keyframe(GST_ELEMENT(self));
}

static void install_properties(GObjectClass *object)
{
    const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    g_object_class_install_property(
        object, PROP_OUT,
        g_param_spec_pointer("out", "Out", "struct tg_fanout_out: where frames go (copied)",
                             G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
    g_object_class_install_property(
        object, PROP_FRAMES,
        g_param_spec_uint64("frames", "Frames", "Frames made so far", 0, G_MAXUINT64, 0, ro));
    g_object_class_install_property(object, PROP_KEYFRAMES,
                                    g_param_spec_uint64("keyframes", "Keyframes",
                                                        "Of these, decodable by themselves", 0,
                                                        G_MAXUINT64, 0, ro));
}

static void tg_fanout_sink_class_init(TgFanoutSinkClass *klass)
{
    GObjectClass *object = G_OBJECT_CLASS(klass);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseSinkClass *base = GST_BASE_SINK_CLASS(klass);

    object->set_property = set_property;
    object->get_property = get_property;
    install_properties(object);
    g_signal_new_class_handler(
        "request-keyframe", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(request_keyframe_action), NULL, NULL, NULL, G_TYPE_NONE, 0);
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_set_static_metadata(element, "torg fan-out sink", "Sink/Network",
                                          "Hands whole encoded frames to torg's WebRTC workers",
                                          "torg");
    base->set_caps = set_caps;
    base->start = start;
    base->render = render;
}

static void tg_fanout_sink_init(TgFanoutSink *self)
{
    /* Live and unsynchronised: frames leave as they come, and no state change waits for one. */
    gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
    gst_base_sink_set_async_enabled(GST_BASE_SINK(self), FALSE);
    gst_base_sink_set_last_sample_enabled(GST_BASE_SINK(self), FALSE);
    gst_base_sink_set_qos_enabled(GST_BASE_SINK(self), FALSE);
}
