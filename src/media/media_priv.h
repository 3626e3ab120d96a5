/*
 * media_priv.h - what the files of media/ share. The media thread owns everything here but the
 * members that say otherwise.
 */
#ifndef TG_MEDIA_MEDIA_PRIV_H
#define TG_MEDIA_MEDIA_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "media/air.h"
#include "media/media.h"
#include "msg/element.h"

/* GLib's own typedefs, repeated so that this header needs no GLib (C11 allows it). */
typedef struct _GstElement GstElement;
typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;
typedef struct _GSource GSource;

struct tg_demo_scene;
struct tg_media_show; /* show.h */

/* Ends the "keyframe-wanted" of one layer in its source. */
struct tg_source_wish {
    atomic_uint *layers;
    unsigned layer;
};

/* Shared by the session's thread, the show and tasks on their way: ref-counted. */
struct tg_source {
    atomic_uint refs;
    struct tg_media *media;
    uint16_t show;
    enum tg_source_kind kind;
    char publisher[TG_PUBLISHER_SIZE];
    uint8_t encodings;                   /* as tg_source_info */
    atomic_bool closed;                  /* pushes answer CLOSED */
    _Atomic(const char *) closed_reason; /* static text for the session, or NULL */
    atomic_uint key_wishes;              /* bit l: layer l; told by the next poll */
    atomic_uint picture;                 /* of layer 0: width << 16 | height, 0 = not known */
    atomic_uint video_codec;             /* enum tg_codec, NONE = no video yet */
    /* Never change after open; NULL = the source has no such layer. */
    GstElement *elements[TG_TRACK_COUNT][TG_LAYERS_MAX];
    struct tg_source_wish wishes[TG_LAYERS_MAX];

    /* session's thread */
    enum tg_codec codec[TG_TRACK_COUNT];
    bool chained[TG_TRACK_COUNT][TG_LAYERS_MAX]; /* a chain was asked for */
    uint8_t nal_len_size[TG_LAYERS_MAX];         /* from the last avcC */
    struct tg_slab *video_config;                /* the last avcC of layer 0, for the tap */
    unsigned tap_begun;                          /* this tap had a keyframe; 0 = none */

    struct tg_mutex tap_lock;
    GstElement *tap;   /* tap_lock: a torgrtcsrc, also gets layer 0's video; NULL = none */
    unsigned tap_last; /* tap_lock: counts them */
};

struct tg_media {
    struct tg_media_cfg cfg; /* with its defaults */
    char *slate_text;
    struct tg_mailbox *mailbox;
    GMainContext *context;
    GMainLoop *loop;
    GSource *mail;
    struct tg_thread *thread;
    struct tg_demo_scene *scene; /* made for the first demo show */
    GSource *scene_idle;
    atomic_bool stopped;                       /* pushes answer CLOSED */
    struct tg_mutex lock;                      /* never held together with a switch's */
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

/* Layer 0's video goes to this torgrtcsrc too, from its next keyframe on. NULL ends it. */
void tg_source_tap(struct tg_source *source, GstElement *tap);

/* --- media.c: what other threads ask the media thread for --- */
enum tg_source_task { TG_TASK_OPENED, TG_TASK_CHAIN, TG_TASK_CLOSED, TG_TASK_REFUSED };
struct tg_media_task {
    enum tg_source_task what;
    struct tg_source *source;
    enum tg_track track; /* CHAIN */
    enum tg_codec codec;
    uint8_t layer;
};
/* Any thread. Copied; it takes a reference of its own. Tasks run in the order they were posted. */
void tg_media_post_task(struct tg_media *media, const struct tg_media_task *task);

/* --- timers.c: GLib's timers on the media thread --- */
typedef int (*tg_timer_fn)(void *ctx); /* GSourceFunc; G_SOURCE_REMOVE or G_SOURCE_CONTINUE */
GSource *tg_timer_start(GMainContext *context, tg_us wait_us, tg_timer_fn fn, void *ctx);
/* NULL inside is legal. Not needed, but legal, after the timer removed itself. */
void tg_timer_stop(GSource **timer);

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
