/*
 * torgingestsrc: access units that another thread pushes become a live GStreamer stream.
 *
 * One element a track (and layer). The queue is bounded; when it is full, frames are dropped until
 * the next keyframe, so that a decoder downstream never sees a broken chain of references. Set-up
 * bytes never queue by themselves: they travel with the frame that follows and become caps there.
 * A codec without set-up bytes gets its caps with its first frame.
 */
#include "plugins/ingest_src.h"

#include "base/limits.h"

struct ingest_entry {
    struct tg_au au;
    struct tg_slab *config; /* new caps before this frame, or NULL */
    bool announce;          /* the first frame of a codec without set-up bytes: caps before it */
    bool discont;           /* frames before it were dropped */
};

struct queue {
    GMutex lock; /* guards all below; never held while calling out */
    GCond cond;
    struct ingest_entry ring[TG_INGEST_FRAMES_MAX];
    guint head;
    guint count;
    guint frames_max;
    gsize bytes;
    gsize bytes_max;
    guint64 dropped;
    struct tg_slab *config_next; /* arrived, its first frame did not */
    enum tg_codec codec;         /* TG_CODEC_NONE until it is known */
    unsigned codecs;             /* never changes; see TgIngestSrcClass */
    bool dropping;
    bool flushing;
    bool ended;
};

typedef struct queue TgIngestSrcPrivate; /* the name that GObject's macro wants */

G_DEFINE_TYPE_WITH_PRIVATE(TgIngestSrc, tg_ingest_src, GST_TYPE_PUSH_SRC)

/* `object` is a torgingestsrc or derived from it. */
static struct queue *queue_of(gpointer object)
{
    return tg_ingest_src_get_instance_private(TG_INGEST_SRC(object));
}

enum { PROP_0, PROP_MAX_FRAMES, PROP_MAX_BYTES, PROP_QUEUED, PROP_DROPPED };

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string)avc, alignment=(string)au; "
                    "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw"));

static void drop_entry(struct ingest_entry *entry)
{
    tg_slab_unref(entry->au.data);
    tg_slab_unref(entry->config);
    *entry = (struct ingest_entry){0};
}

/* lock held; count > 0 */
static struct ingest_entry take_entry(struct queue *self)
{
    struct ingest_entry entry = self->ring[self->head];

    self->ring[self->head] = (struct ingest_entry){0};
    self->head = (self->head + 1) % TG_INGEST_FRAMES_MAX;
    self->count--;
    self->bytes -= entry.au.data->len;
    return entry;
}

static void clear_queue(struct queue *self)
{
    while (self->count > 0) {
        struct ingest_entry entry = take_entry(self);

        drop_entry(&entry);
    }
}

static bool has_setup_bytes(enum tg_codec codec)
{
    return codec == TG_CODEC_H264 || codec == TG_CODEC_AAC;
}

/* lock held. The last set-up bytes win: a stream's decoder needs only those. */
static tg_err take_config(struct queue *self, const struct tg_au *au)
{
    if (self->codec != TG_CODEC_NONE && self->codec != au->codec)
        return TG_ERR_UNSUPPORTED;
    if ((self->codecs & 1U << au->codec) == 0 || !has_setup_bytes(au->codec))
        return TG_ERR_UNSUPPORTED;
    self->codec = au->codec;
    tg_slab_unref(self->config_next);
    self->config_next = tg_slab_ref(au->data);
    return TG_OK;
}

/* lock held. OK: a decoder could begin, or began earlier. */
static tg_err check_codec(const struct queue *self, const struct tg_au *au, bool key)
{
    if (self->codec != TG_CODEC_NONE)
        return au->codec == self->codec ? TG_OK : TG_ERR_UNSUPPORTED;
    if (has_setup_bytes(au->codec))
        return TG_ERR_AGAIN;
    if ((self->codecs & 1U << au->codec) == 0)
        return TG_ERR_UNSUPPORTED;
    return key ? TG_OK : TG_ERR_AGAIN;
}

/* lock held. Keeps a reference of its own when OK. */
static tg_err take_frame(struct queue *self, const struct tg_au *au)
{
    bool key = au->key || au->track == TG_TRACK_AUDIO;
    guint at = (self->head + self->count) % TG_INGEST_FRAMES_MAX;
    tg_err err = check_codec(self, au, key);

    if (err != TG_OK)
        return err;
    if (au->dts_us < 0 || au->pts_us < 0)
        return TG_ERR_AGAIN;
    if ((self->dropping && !key) || self->count >= self->frames_max ||
        self->bytes + au->data->len > self->bytes_max) {
        self->dropping = true;
        self->dropped++;
        return TG_ERR_LIMIT;
    }
    self->ring[at] = (struct ingest_entry){.au = *au,
                                           .config = self->config_next,
                                           .announce = self->codec == TG_CODEC_NONE,
                                           .discont = self->dropping};
    (void)tg_slab_ref(au->data); /* the ring's */
    self->codec = au->codec;
    self->config_next = NULL;
    self->dropping = false;
    self->count++;
    self->bytes += au->data->len;
    g_cond_signal(&self->cond);
    return TG_OK;
}

tg_err tg_ingest_src_push(GstElement *src, const struct tg_au *take_au)
{
    struct queue *self = queue_of(src);
    tg_err err;

    g_mutex_lock(&self->lock);
    if (self->ended)
        err = TG_ERR_CLOSED;
    else
        err = take_au->config ? take_config(self, take_au) : take_frame(self, take_au);
    g_mutex_unlock(&self->lock);
    tg_slab_unref(take_au->data);
    return err;
}

void tg_ingest_src_end(GstElement *src)
{
    struct queue *self = queue_of(src);

    g_mutex_lock(&self->lock);
    self->ended = true;
    g_cond_signal(&self->cond);
    g_mutex_unlock(&self->lock);
}

static void unref_slab(gpointer slab)
{
    tg_slab_unref(slab);
}

/* (transfer full); the slab's reference moves into the buffer: no copy. */
static GstBuffer *wrap_slab(struct tg_slab *take_slab)
{
    return gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, take_slab->data, take_slab->cap, 0,
                                       take_slab->len, take_slab, unref_slab);
}

/* (transfer full); takes the reference of config, which is NULL for codecs without set-up bytes. */
static GstCaps *make_caps(enum tg_codec codec, struct tg_slab *take_config)
{
    GstBuffer *data;
    GstCaps *caps;

    if (codec == TG_CODEC_VP8)
        return gst_caps_new_empty_simple("video/x-vp8");
    if (codec == TG_CODEC_OPUS) /* RFC 7587 s4.1: 48 kHz; browsers play stereo whatever is in it */
        return gst_caps_new_simple("audio/x-opus", "rate", G_TYPE_INT, 48000, "channels",
                                   G_TYPE_INT, 2, "channel-mapping-family", G_TYPE_INT, 0, NULL);
    data = wrap_slab(take_config);
    if (codec == TG_CODEC_H264)
        caps =
            gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING, "avc", "alignment",
                                G_TYPE_STRING, "au", "codec_data", GST_TYPE_BUFFER, data, NULL);
    else
        caps = gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 4, "stream-format",
                                   G_TYPE_STRING, "raw", "framed", G_TYPE_BOOLEAN, TRUE,
                                   "codec_data", GST_TYPE_BUFFER, data, NULL);
    gst_buffer_unref(data);
    return caps;
}

/* Takes the entry's config. */
static gboolean set_caps_from(GstBaseSrc *base, const struct ingest_entry *entry)
{
    GstCaps *caps = make_caps(entry->au.codec, entry->config);
    gboolean ok = gst_base_src_set_caps(base, caps);

    gst_caps_unref(caps);
    return ok;
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **ret)
{
    struct queue *self = queue_of(push);
    struct ingest_entry entry = {0};
    GstFlowReturn flow = GST_FLOW_OK;
    GstBuffer *buffer;

    g_mutex_lock(&self->lock);
    while (self->count == 0 && !self->flushing && !self->ended)
        g_cond_wait(&self->cond, &self->lock);
    if (self->flushing)
        flow = GST_FLOW_FLUSHING;
    else if (self->count == 0)
        flow = GST_FLOW_EOS;
    else
        entry = take_entry(self);
    g_mutex_unlock(&self->lock);
    if (flow != GST_FLOW_OK)
        return flow;
    if ((entry.config != NULL || entry.announce) && !set_caps_from(GST_BASE_SRC(push), &entry)) {
        tg_slab_unref(entry.au.data);
        return GST_FLOW_NOT_NEGOTIATED;
    }
    buffer = wrap_slab(entry.au.data);
    GST_BUFFER_PTS(buffer) = (GstClockTime)entry.au.pts_us * GST_USECOND;
    GST_BUFFER_DTS(buffer) = (GstClockTime)entry.au.dts_us * GST_USECOND;
    if (entry.au.track == TG_TRACK_VIDEO && !entry.au.key)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    if (entry.discont)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    *ret = buffer;
    return GST_FLOW_OK;
}

static gboolean set_flushing(struct queue *self, bool flushing)
{
    g_mutex_lock(&self->lock);
    self->flushing = flushing;
    g_cond_signal(&self->cond);
    g_mutex_unlock(&self->lock);
    return TRUE;
}

static gboolean unlock(GstBaseSrc *base)
{
    return set_flushing(queue_of(base), true);
}

static gboolean unlock_stop(GstBaseSrc *base)
{
    return set_flushing(queue_of(base), false);
}

static gboolean stop(GstBaseSrc *base)
{
    struct queue *self = queue_of(base);

    g_mutex_lock(&self->lock);
    clear_queue(self);
    g_mutex_unlock(&self->lock);
    return TRUE;
}

/* Caps follow the set-up bytes; the base class must not make some up from the template. */
static gboolean negotiate(GstBaseSrc *base TG_UNUSED)
{
    return TRUE;
}

static gboolean is_seekable(GstBaseSrc *base TG_UNUSED)
{
    return FALSE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    struct queue *self = queue_of(object);

    g_mutex_lock(&self->lock);
    if (id == PROP_MAX_FRAMES)
        self->frames_max = g_value_get_uint(value);
    else if (id == PROP_MAX_BYTES)
        self->bytes_max = g_value_get_uint(value);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    g_mutex_unlock(&self->lock);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    struct queue *self = queue_of(object);

    g_mutex_lock(&self->lock);
    if (id == PROP_MAX_FRAMES)
        g_value_set_uint(value, self->frames_max);
    else if (id == PROP_MAX_BYTES)
        g_value_set_uint(value, (guint)self->bytes_max);
    else if (id == PROP_QUEUED)
        g_value_set_uint(value, self->count);
    else if (id == PROP_DROPPED)
        g_value_set_uint64(value, self->dropped);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    g_mutex_unlock(&self->lock);
}

static gint push_au_action(TgIngestSrc *self, gpointer au)
{
    return (gint)tg_ingest_src_push(GST_ELEMENT(self), au);
}

static void end_action(TgIngestSrc *self)
{
    tg_ingest_src_end(GST_ELEMENT(self));
}

/* Not in init: there the object is not of its own class yet. */
static void constructed(GObject *object)
{
    queue_of(object)->codecs = TG_INGEST_SRC_GET_CLASS(object)->codecs;
    G_OBJECT_CLASS(tg_ingest_src_parent_class)->constructed(object);
}

static void finalize(GObject *object)
{
    struct queue *self = queue_of(object);

    clear_queue(self);
    tg_slab_unref(self->config_next);
    g_mutex_clear(&self->lock);
    g_cond_clear(&self->cond);
    G_OBJECT_CLASS(tg_ingest_src_parent_class)->finalize(object);
}

static void install_properties(GObjectClass *object)
{
    const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
    const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    g_object_class_install_property(
        object, PROP_MAX_FRAMES,
        g_param_spec_uint("max-frames", "Max frames", "Queue bound in frames", 1,
                          TG_INGEST_FRAMES_MAX, TG_INGEST_FRAMES_MAX, rw));
    g_object_class_install_property(object, PROP_MAX_BYTES,
                                    g_param_spec_uint("max-bytes", "Max bytes",
                                                      "Queue bound in bytes", 1, G_MAXINT,
                                                      TG_INGEST_BYTES_MAX, rw));
    g_object_class_install_property(
        object, PROP_QUEUED,
        g_param_spec_uint("queued", "Queued", "Frames waiting now", 0, G_MAXUINT, 0, ro));
    g_object_class_install_property(object, PROP_DROPPED,
                                    g_param_spec_uint64("dropped", "Dropped",
                                                        "Frames dropped because the queue was full",
                                                        0, G_MAXUINT64, 0, ro));
}

static void tg_ingest_src_class_init(TgIngestSrcClass *klass)
{
    GObjectClass *object = G_OBJECT_CLASS(klass);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseSrcClass *base = GST_BASE_SRC_CLASS(klass);

    object->set_property = set_property;
    object->get_property = get_property;
    object->constructed = constructed;
    object->finalize = finalize;
    install_properties(object);
    /* Class handlers are found by name so that the two C functions above stay the only way in. */
    g_signal_new_class_handler("push-au", G_TYPE_FROM_CLASS(klass),
                               G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(push_au_action),
                               NULL, NULL, NULL, G_TYPE_INT, 1, G_TYPE_POINTER);
    g_signal_new_class_handler("end-of-stream", G_TYPE_FROM_CLASS(klass),
                               G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK(end_action), NULL,
                               NULL, NULL, G_TYPE_NONE, 0);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(element, "torg ingest source", "Source/Network",
                                          "Live access units pushed by a publisher's session",
                                          "torg");
    klass->codecs = 1U << TG_CODEC_H264 | 1U << TG_CODEC_AAC;
    base->unlock = unlock;
    base->unlock_stop = unlock_stop;
    base->stop = stop;
    base->negotiate = negotiate;
    base->is_seekable = is_seekable;
    GST_PUSH_SRC_CLASS(klass)->create = create;
}

static void tg_ingest_src_init(TgIngestSrc *self)
{
    struct queue *queue = queue_of(self);

    g_mutex_init(&queue->lock);
    g_cond_init(&queue->cond);
    queue->frames_max = TG_INGEST_FRAMES_MAX;
    queue->bytes_max = TG_INGEST_BYTES_MAX;
    gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
    gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}
