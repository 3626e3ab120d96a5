/*
 * frames.h - collecting tg_frames that a pipeline hands out, waiting for them, and looking inside.
 */
#ifndef TG_TESTS_SUPPORT_FRAMES_H
#define TG_TESTS_SUPPORT_FRAMES_H

#include <glib.h>

#include "msg/frame.h"

struct tg_frames {
    GMutex lock;
    GCond cond;
    GPtrArray *list[TG_TRACK_COUNT]; /* struct tg_frame *, lock */
};

void tg_frames_init(struct tg_frames *frames);
void tg_frames_done(struct tg_frames *frames);
/* A tg_frame_out_fn; ctx = struct tg_frames. */
void tg_frames_out(void *ctx, struct tg_frame *take_frame);
/* Waits until there are `count` frames of the track; false after wait_us. */
bool tg_frames_wait(struct tg_frames *frames, enum tg_track track, size_t count, tg_us wait_us);
size_t tg_frames_count(struct tg_frames *frames, enum tg_track track);
/* A new reference. */
struct tg_frame *tg_frames_get(struct tg_frames *frames, enum tg_track track, size_t index);
void tg_frames_clear(struct tg_frames *frames);

/* Types of the NAL units within an H.264 frame's payloads, in order; FU-A counts once. */
size_t tg_frame_nal_types(const struct tg_frame *frame, unsigned *ret_types, size_t max);

#endif
