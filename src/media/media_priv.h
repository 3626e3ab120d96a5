/*
 * media_priv.h - what the files of media/ share. The media thread owns everything here but the
 * members that say `lock`.
 */
#ifndef TG_MEDIA_MEDIA_PRIV_H
#define TG_MEDIA_MEDIA_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "media/media.h"
#include "msg/element.h"

/* GLib's own typedefs, repeated so that this header needs no GLib (C11 allows it). */
typedef struct _GstElement GstElement;
typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;
typedef struct _GSource GSource;

struct tg_publisher; /* publisher.c */
struct tg_demo_host; /* demo_host.h */
struct tg_demo_scene;

/* Shared by the session's thread, the show and tasks on their way: ref-counted. */
struct tg_source {
    atomic_uint refs;
    struct tg_media *media;
    uint16_t show;
    enum tg_source_kind kind;
    char publisher[TG_PUBLISHER_SIZE];
    uint32_t generation;
    atomic_bool closed;                  /* pushes answer CLOSED */
    GstElement *ingest[TG_TRACK_COUNT];  /* never changes after open */
    bool configured[TG_TRACK_COUNT];     /* session's thread: a chain was asked for */
    uint8_t nal_len_size;                /* session's thread: from the last avcC */
    _Atomic(const char *) closed_reason; /* static text for the session, or NULL */
};

struct tg_media_show {
    struct tg_media *media;
    uint16_t ordinal;
    tg_us epoch_us;
    uint32_t generation;            /* lock */
    struct tg_source *source;       /* lock; the newest publisher, a reference */
    struct tg_source *playing;      /* whom the pipeline belongs to, a reference */
    struct tg_publisher *publisher; /* its pipeline */
    struct tg_demo_host *demo;      /* NULL = not a demo show */
    uint32_t demo_generation;       /* of the demo host's present pipeline */
};

struct tg_media {
    struct tg_media_cfg cfg;
    struct tg_mailbox *mailbox;
    GMainContext *context;
    GMainLoop *loop;
    GSource *mail;
    struct tg_thread *thread;
    struct tg_demo_scene *scene; /* made for the first demo show */
    GSource *scene_idle;
    struct tg_mutex lock;                      /* the only lock of media/ */
    struct tg_media_show *shows[TG_SHOWS_MAX]; /* lock; written by the media thread only */
    bool stopping;                             /* lock */
};

/* --- source.c: publishers' side --- */
tg_err tg_source_open(void *ctx, const struct tg_source_info *info, struct tg_source **ret);
tg_err tg_source_poll(struct tg_source *source, uint32_t *ret_key_layers,
                      const char **reterr_reason);
tg_err tg_source_push(struct tg_source *source, const struct tg_au *take_au,
                      const char **reterr_reason);
void tg_source_close(struct tg_source *source);
struct tg_source *tg_source_ref(struct tg_source *source);
void tg_source_unref(struct tg_source *source);
/* Pushes answer CLOSED with this static text from now on; the first text stays. */
void tg_source_end(struct tg_source *source, const char *reason);

/* --- media.c: what source.c asks the media thread for. Any thread. --- */
enum tg_source_task {
    TG_TASK_OPENED,
    TG_TASK_CHAIN_VIDEO,
    TG_TASK_CHAIN_AUDIO,
    TG_TASK_CLOSED,
    TG_TASK_REFUSED
};
void tg_media_post_task(struct tg_media *media, enum tg_source_task task, struct tg_source *source);

/* --- media.c: for the demo host --- */
/* A new generation of the show begins, sent by the demo host; app/ is told. */
void tg_media_show_on_air(struct tg_media_show *show);
/* Where the demo host's frames go now. */
struct tg_fanout_out tg_media_show_out(const struct tg_media_show *show);

/* --- publisher.c: one publisher's pipeline. Media thread. --- */
/* error: a plain-words notice, static or borrowed for the call. May free the publisher. */
typedef void (*tg_publisher_error_fn)(void *ctx, const char *notice);
/* NULL: GStreamer refused. */
struct tg_publisher *tg_publisher_new(GMainContext *context, const struct tg_fanout_out *out,
                                      tg_publisher_error_fn on_error, void *ctx);
/* Errors: IO (an element is missing or refused). */
TG_MUST_CHECK tg_err tg_publisher_add_chain(struct tg_publisher *publisher, enum tg_track track,
                                            GstElement *ingest);
/* Streaming threads have ended when it returns. NULL is legal. */
void tg_publisher_free(struct tg_publisher *publisher);

/* --- chain.c: elements in a row. Media thread. --- */
struct tg_chain_step {
    const char *factory;
    const char *settings[10][2]; /* property, value as text */
};
/*
 * first -> steps... -> torgfanoutsink(out), all added to the pipeline and in its state. Errors: IO;
 * what was added stays in the pipeline and dies with it. *ret_sink is borrowed from the pipeline;
 * NULL = not wanted.
 */
TG_MUST_CHECK tg_err tg_chain_build(GstElement *pipeline, GstElement *first,
                                    const struct tg_chain_step *steps, size_t step_count,
                                    const struct tg_fanout_out *out, GstElement **ret_sink);

#endif
