/*
 * pipeline.h - what every pipeline of media/ has: a bin, a watch of its bus, a clean end; and the
 * limit on keyframes that an encoder of ours is asked for. Media thread.
 */
#ifndef TG_MEDIA_PIPELINE_H
#define TG_MEDIA_PIPELINE_H

#include "media/media_priv.h"

/* Once, on the media thread; the texts are borrowed. It may free the pipeline. */
typedef void (*tg_pipeline_error_fn)(void *ctx, const char *error, const char *detail);

struct tg_pipeline {
    GstElement *bin;
    GSource *watch;
    tg_pipeline_error_fn on_error;
    void *ctx;
};
/* An empty one. The struct must stay where it is until end. */
void tg_pipeline_begin(struct tg_pipeline *pipeline, GMainContext *context,
                       tg_pipeline_error_fn on_error, void *ctx);
/* Errors: IO (GStreamer refused); end it then. */
TG_MUST_CHECK tg_err tg_pipeline_play(struct tg_pipeline *pipeline);
/* Its streaming threads have ended when it returns. Any number of times; zeroed is legal. */
void tg_pipeline_end(struct tg_pipeline *pipeline);

/* At most one forced keyframe per 500 ms; a wish within that comes at its end. */
struct tg_keyframes {
    GMainContext *context;
    GstElement *sink; /* borrowed; NULL = no encoder: wishes are forgotten */
    GSource *timer;
    tg_us next; /* mono: not before */
};
void tg_keyframes_begin(struct tg_keyframes *keys, GMainContext *context, GstElement *sink);
void tg_keyframes_wish(struct tg_keyframes *keys);
void tg_keyframes_end(struct tg_keyframes *keys);

#endif
