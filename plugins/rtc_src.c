/*
 * torgrtcsrc: what a WebRTC publisher sends becomes a live GStreamer stream - torgingestsrc's queue
 * with the codecs of browsers, and a way back for keyframe wishes.
 */
#include <gst/video/video.h>

#include "plugins/ingest_src.h"

G_DECLARE_FINAL_TYPE(TgRtcSrc, tg_rtc_src, TG, RTC_SRC, TgIngestSrc)

struct _TgRtcSrc {
    TgIngestSrc parent;
};

G_DEFINE_FINAL_TYPE(TgRtcSrc, tg_rtc_src, tg_ingest_src_get_type())

enum { SIGNAL_KEYFRAME_WANTED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string)avc, alignment=(string)au; "
                    "video/x-vp8; "
                    "audio/x-opus, rate=(int)48000, channels=(int)2, "
                    "channel-mapping-family=(int)0"));

static gboolean on_event(GstBaseSrc *base, GstEvent *event)
{
    if (!gst_video_event_is_force_key_unit(event))
        return GST_BASE_SRC_CLASS(tg_rtc_src_parent_class)->event(base, event);
    g_signal_emit(base, signals[SIGNAL_KEYFRAME_WANTED], 0);
    return TRUE;
}

static void tg_rtc_src_class_init(TgRtcSrcClass *klass)
{
    GstElementClass *element = GST_ELEMENT_CLASS(klass);

    signals[SIGNAL_KEYFRAME_WANTED] =
        g_signal_new("keyframe-wanted", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                     NULL, G_TYPE_NONE, 0);
    gst_element_class_add_static_pad_template(element, &src_template); /* instead of the parent's */
    gst_element_class_set_static_metadata(element, "torg WebRTC source", "Source/Network",
                                          "Live frames pushed by a WebRTC publisher's session",
                                          "torg");
    GST_BASE_SRC_CLASS(klass)->event = on_event;
    TG_INGEST_SRC_CLASS(klass)->codecs =
        1U << TG_CODEC_H264 | 1U << TG_CODEC_VP8 | 1U << TG_CODEC_OPUS;
}

static void tg_rtc_src_init(TgRtcSrc *self G_GNUC_UNUSED)
{
}
