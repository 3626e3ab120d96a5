#include "media/demo_src.h"

#include <gst/base/gstpushsrc.h>

#include "base/clock.h"

/* After a stall longer than this the missed buffers are left out instead of made up for. */
enum { CATCH_UP_US = 400 * TG_US_PER_MS };

G_DECLARE_FINAL_TYPE(TgDemoSrc, tg_demo_src, TG, DEMO_SRC, GstPushSrc)

struct _TgDemoSrc {
    GstPushSrc parent;
    struct tg_demo_src_cfg cfg;
    GstCaps *caps;
    GMutex lock;
    GCond cond;
    bool flushing; /* lock */
    int64_t next;  /* streaming thread; -1 = not begun */
};

G_DEFINE_FINAL_TYPE(TgDemoSrc, tg_demo_src, GST_TYPE_PUSH_SRC)

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* false: flushing. GLib's monotonic clock and ours are the same CLOCK_MONOTONIC. */
static bool wait_until(TgDemoSrc *self, tg_us mono_us)
{
    bool run;

    g_mutex_lock(&self->lock);
    while (!self->flushing && tg_clock_mono() < mono_us)
        (void)g_cond_wait_until(&self->cond, &self->lock, mono_us); /* the loop tells why it woke */
    run = !self->flushing;
    g_mutex_unlock(&self->lock);
    return run;
}

/* Which buffer comes now; *ret_discont = others were left out. */
static int64_t pick(TgDemoSrc *self, bool *ret_discont)
{
    const tg_us now = TG_MAX(tg_clock_mono() - self->cfg.epoch_us, 0);
    const int64_t current = now / self->cfg.interval_us;

    *ret_discont = self->next < 0;
    if (self->next < 0 || now - self->next * self->cfg.interval_us > CATCH_UP_US) {
        *ret_discont = true;
        return current; /* begun already: the first picture leaves at once */
    }
    return self->next;
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **ret)
{
    TgDemoSrc *self = TG_DEMO_SRC(push);
    bool discont = false;
    int64_t index = pick(self, &discont);
    const tg_us media_us = index * self->cfg.interval_us;
    GstBuffer *buffer;
    GstMapInfo map;

    if (!wait_until(self, self->cfg.epoch_us + media_us))
        return GST_FLOW_FLUSHING;
    buffer = gst_buffer_new_allocate(NULL, self->cfg.size, NULL);
    if (!gst_buffer_map(buffer, &map, GST_MAP_WRITE)) {
        gst_buffer_unref(buffer);
        return GST_FLOW_ERROR;
    }
    self->cfg.fill(self->cfg.ctx, map.data, map.size, index);
    gst_buffer_unmap(buffer, &map);
    GST_BUFFER_PTS(buffer) = (GstClockTime)media_us * GST_USECOND;
    GST_BUFFER_DURATION(buffer) = (GstClockTime)self->cfg.interval_us * GST_USECOND;
    if (discont)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    self->next = index + 1;
    *ret = buffer;
    return GST_FLOW_OK;
}

static gboolean set_flushing(GstBaseSrc *base, bool flushing)
{
    TgDemoSrc *self = TG_DEMO_SRC(base);

    g_mutex_lock(&self->lock);
    self->flushing = flushing;
    g_cond_signal(&self->cond);
    g_mutex_unlock(&self->lock);
    return TRUE;
}

static gboolean unlock(GstBaseSrc *base)
{
    return set_flushing(base, true);
}

static gboolean unlock_stop(GstBaseSrc *base)
{
    return set_flushing(base, false);
}

static gboolean start(GstBaseSrc *base)
{
    TG_DEMO_SRC(base)->next = -1;
    return TRUE;
}

static gboolean negotiate(GstBaseSrc *base)
{
    return gst_base_src_set_caps(base, TG_DEMO_SRC(base)->caps);
}

static gboolean is_seekable(GstBaseSrc *base TG_UNUSED)
{
    return FALSE;
}

static void finalize(GObject *object)
{
    TgDemoSrc *self = TG_DEMO_SRC(object);

    gst_clear_caps(&self->caps);
    g_mutex_clear(&self->lock);
    g_cond_clear(&self->cond);
    G_OBJECT_CLASS(tg_demo_src_parent_class)->finalize(object);
}

static void tg_demo_src_class_init(TgDemoSrcClass *klass)
{
    GstBaseSrcClass *base = GST_BASE_SRC_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &src_template);
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "torg demo source", "Source",
                                          "Computed pictures and sound", "torg");
    base->unlock = unlock;
    base->unlock_stop = unlock_stop;
    base->start = start;
    base->negotiate = negotiate;
    base->is_seekable = is_seekable;
    GST_PUSH_SRC_CLASS(klass)->create = create;
}

static void tg_demo_src_init(TgDemoSrc *self)
{
    g_mutex_init(&self->lock);
    g_cond_init(&self->cond);
    self->next = -1;
    gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
    gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

GstElement *tg_demo_src_new(const struct tg_demo_src_cfg *cfg)
{
    TgDemoSrc *self = g_object_new(tg_demo_src_get_type(), NULL);

    self->cfg = *cfg;
    self->cfg.caps = NULL;
    self->caps = gst_caps_from_string(cfg->caps);
    return GST_ELEMENT(self);
}
