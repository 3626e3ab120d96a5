#include "media/codecs.h"

#include <gst/gst.h>

#include "base/macros.h"

#define BASE "gstreamer1.0-plugins-base"
#define GOOD "gstreamer1.0-plugins-good"
#define UGLY "gstreamer1.0-plugins-ugly"
#define LIBAV "gstreamer1.0-libav"
#define BAD "gstreamer1.0-plugins-bad"
#define CORE "libgstreamer1.0-0"

static const struct tg_element elements[] = {
    {"queue", CORE, "any picture"},
    {"capsfilter", CORE, "any picture"},
    {"tee", CORE, "smaller pictures"},
    {"audioconvert", BASE, "sound over RTMP"},
    {"audioresample", BASE, "sound over RTMP"},
    {"aacparse", GOOD, "sound over RTMP"},
    {"avdec_aac", LIBAV, "sound over RTMP"},
    {"opusenc", BASE, "sound over RTMP, the slate"},
    {"x264enc", UGLY, "the slate, smaller H.264 pictures"},
    {"avdec_h264", LIBAV, "smaller H.264 pictures"},
    {"vp8enc", GOOD, "the slate of VP8 shows, smaller VP8 pictures"},
    {"vp8dec", GOOD, "smaller VP8 pictures"},
    {"videoscale", BASE, "smaller pictures"},
    {"rsvgdec", BAD, "the demo's pictures"},
};

bool tg_element_missing(size_t *at, struct tg_element *ret)
{
    while (*at < TG_ARRAY_LEN(elements)) {
        const struct tg_element *c = &elements[(*at)++];
        GstElementFactory *factory = gst_element_factory_find(c->factory);

        if (factory == NULL) {
            *ret = *c;
            return true;
        }
        gst_object_unref(factory);
    }
    return false;
}
