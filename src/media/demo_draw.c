/*
 * Helpers of the demo host's drawings. SVG goes through GStreamer's rsvgdec, which is there anyway,
 * so that torg does not link librsvg itself.
 */
#include <cairo.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <string.h>

#include "base/log.h"
#include "media/demo_art.h"

/* Inter when it is installed; fontconfig finds the nearest otherwise (DejaVu Sans on Debian). */
#define FONT_FAMILY "Inter"

enum { SVG_SIDE_MAX = 4096 };

struct tg_sprite *tg_draw_sprite(int width, int height, tg_draw_fn draw, const void *arg)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    cairo_t *cr = cairo_create(surface);
    struct tg_sprite *sprite;

    draw(cr, arg);
    TG_ASSERT(cairo_status(cr) ==
              CAIRO_STATUS_SUCCESS); /* constant drawings: only NOMEM, as GLib */
    cairo_surface_flush(surface);
    sprite = tg_sprite_new(cairo_image_surface_get_data(surface),
                           (size_t)cairo_image_surface_get_stride(surface), width, height);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return sprite;
}

void tg_draw_color(cairo_t *cr, uint32_t rgb, double alpha)
{
    cairo_set_source_rgba(cr, (double)(rgb >> 16 & 0xff) / 255, (double)(rgb >> 8 & 0xff) / 255,
                          (double)(rgb & 0xff) / 255, alpha);
}

void tg_draw_round_rect(cairo_t *cr, double x, double y, double w, double h, double radius)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x + w - radius, y + radius, radius, -G_PI_2, 0);
    cairo_arc(cr, x + w - radius, y + h - radius, radius, 0, G_PI_2);
    cairo_arc(cr, x + radius, y + h - radius, radius, G_PI_2, G_PI);
    cairo_arc(cr, x + radius, y + radius, radius, G_PI, 3 * G_PI_2);
    cairo_close_path(cr);
}

/* Soft edges by stacking faint, growing shapes: cairo has no blur, and this is drawn once. */
void tg_draw_shadow(cairo_t *cr, double x, double y, double w, double h, double radius,
                    double depth)
{
    enum { LAYERS = 14 };

    for (int i = 0; i < LAYERS; i++) {
        double grow = depth * (double)i / LAYERS;

        tg_draw_round_rect(cr, x - grow, y - grow + depth / 3, w + 2 * grow, h + 2 * grow,
                           radius + grow);
        tg_draw_color(cr, 0x4a2c14, 0.022);
        cairo_fill(cr);
    }
}

static void use_font(cairo_t *cr, const struct tg_text *text, double size)
{
    cairo_select_font_face(cr, FONT_FAMILY, CAIRO_FONT_SLANT_NORMAL,
                           text->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

double tg_draw_text_width(cairo_t *cr, const struct tg_text *text)
{
    cairo_text_extents_t extents;

    use_font(cr, text, text->size);
    cairo_text_extents(cr, text->text, &extents);
    return extents.x_advance;
}

double tg_draw_text(cairo_t *cr, double x, double y, const struct tg_text *text)
{
    double width = tg_draw_text_width(cr, text);
    double size = text->size;

    if (text->room > 0 && width > text->room) {
        size = text->size * text->room / width;
        width = text->room;
    }
    use_font(cr, text, size);
    tg_draw_color(cr, text->rgb, 1);
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, text->text);
    return width;
}

/* --- SVG ----------------------------------------------------------------------------------- */

/* rsvgdec's BGRA has straight alpha; cairo wants it premultiplied. */
static cairo_surface_t *surface_from(const GstVideoFrame *frame)
{
    const int width = GST_VIDEO_FRAME_WIDTH(frame);
    const int height = GST_VIDEO_FRAME_HEIGHT(frame);
    const uint8_t *from = GST_VIDEO_FRAME_PLANE_DATA(frame, 0);
    const int from_stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    uint8_t *to = cairo_image_surface_get_data(surface);
    const int to_stride = cairo_image_surface_get_stride(surface);

    for (int y = 0; to != NULL && y < height; y++)
        for (int x = 0; x < width; x++) {
            const uint8_t *p = from + (ptrdiff_t)y * from_stride + (ptrdiff_t)x * 4;
            const uint32_t a = p[3];
            const uint32_t argb = a << 24 | (p[2] * a + 127) / 255 << 16 |
                                  (p[1] * a + 127) / 255 << 8 | (p[0] * a + 127) / 255;

            memcpy(to + (ptrdiff_t)y * to_stride + (ptrdiff_t)x * 4, &argb, sizeof(argb));
        }
    cairo_surface_mark_dirty(surface);
    return surface;
}

static cairo_surface_t *surface_from_sample(GstSample *sample)
{
    cairo_surface_t *surface = NULL;
    GstVideoFrame frame;
    GstVideoInfo info;

    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        GST_VIDEO_INFO_WIDTH(&info) > SVG_SIDE_MAX || GST_VIDEO_INFO_HEIGHT(&info) > SVG_SIDE_MAX)
        return NULL;
    if (!gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
        return NULL;
    surface = surface_from(&frame);
    gst_video_frame_unmap(&frame);
    return surface;
}

cairo_surface_t *tg_draw_svg(const void *svg, size_t len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GstElement) pipeline =
        gst_parse_launch("appsrc name=in format=time caps=image/svg+xml ! rsvgdec ! "
                         "video/x-raw,format=BGRA ! appsink name=out sync=false",
                         &error);
    g_autoptr(GstElement) in = NULL;
    g_autoptr(GstElement) out = NULL;
    g_autoptr(GstSample) sample = NULL;
    GstBuffer *buffer;

    if (pipeline == NULL || error != NULL) {
        tg_log_error("media", "svg", "err=%s", TG_LOG_Q(error == NULL ? "" : error->message));
        return NULL;
    }
    in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    (void)gst_element_set_state(pipeline, GST_STATE_PLAYING); /* a failure shows as no sample */
    buffer = gst_buffer_new_memdup(svg, len);
    GST_BUFFER_PTS(buffer) = 0;
    (void)gst_app_src_push_buffer(GST_APP_SRC(in), buffer);
    (void)gst_app_src_end_of_stream(GST_APP_SRC(in));
    sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out), 2 * GST_SECOND);
    (void)gst_element_set_state(pipeline, GST_STATE_NULL); /* to NULL cannot fail */
    return sample == NULL ? NULL : surface_from_sample(sample);
}
