/*
 * media.h - the media thread: one GStreamer pipeline a show, from its publisher to the fan-out.
 *
 * A publisher (RTMP now) opens a source of a show and pushes access units; the thread builds the
 * chains H.264 -> torgfanoutsink and AAC -> Opus -> torgfanoutsink as the codecs' set-up bytes
 * come. A demo show without a publisher is fed by the built-in host, which sleeps while nobody
 * watches. GStreamer states change only on the media thread. No GLib in this header.
 *
 * Owner: app/ (new, start, stop, free). Order at stop: end all publishers' threads or let their
 * pushes answer CLOSED, tg_media_stop, close every source, tg_media_free.
 */
#ifndef TG_MEDIA_MEDIA_H
#define TG_MEDIA_MEDIA_H

#include "base/mailbox.h"
#include "msg/media.h"

struct tg_media;

/* What the demo host shows. Borrowed until tg_media_free. */
struct tg_demo_product {
    const char *title;
    const char *price_text; /* as people read it: "899 kr" */
    const void *svg;        /* square drawing; may be NULL: a plain tile */
    size_t svg_len;
};

/* On the media thread: who feeds the show changed. The demo host counts as a publisher. */
typedef void (*tg_media_source_fn)(void *ctx, const struct tg_air *air);

struct tg_media_cfg {
    tg_frame_out_fn frame_out; /* on streaming threads, see msg/media.h */
    void *frame_ctx;
    tg_media_source_fn on_source;
    void *source_ctx;
    const struct tg_demo_product *products;
    size_t product_count;
    tg_us demo_sleep_us;    /* demo host, slate: sleep after so long without watchers; 0 = 10 s */
    const char *slate_text; /* below the title, UTF-8, copied; NULL = "Back in a moment" */
    tg_us grace_us;         /* a show is STALL for so long after its publisher left; 0 = 60 s */
    const struct tg_rendition *renditions; /* sizes falling; borrowed until free */
    size_t rendition_count;                /* at most TG_RENDITIONS_MAX */
    tg_us stall_us; /* a publisher so long without pictures gets the slate; 0 = 1 s */
};

/*
 * Once a process, before any thread starts (it sets an environment variable): GStreamer with its
 * registry in data_dir, so that the slow scan happens once. NULL = the user's registry. app/ calls
 * tg_plugins_register() after it. Errors: IO (GStreamer cannot start), LIMIT (path too long).
 */
TG_MUST_CHECK tg_err tg_media_init(const char *data_dir);

/* cfg is copied. Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_media_new(struct tg_media **ret, const struct tg_media_cfg *cfg);
/* Errors: NOMEM, IO. Once. */
TG_MUST_CHECK tg_err tg_media_start(struct tg_media *media);
/* Ends all pipelines and joins the thread; pushes answer CLOSED from now on. Not started: legal. */
void tg_media_stop(struct tg_media *media);
/* After stop, when every source was closed. NULL is legal. */
void tg_media_free(struct tg_media *media);

/* Takes struct tg_media_msg; full = LIMIT (push back). Valid until free. */
struct tg_mailbox *tg_media_mailbox(struct tg_media *media);
/* What a publisher's session calls (msg/media.h). Valid until free. */
struct tg_source_ops tg_media_source_ops(struct tg_media *media);

#endif
