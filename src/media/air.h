/*
 * air.h - the on-air switch of a show: the one place through which the frames of all its feeders
 * (publishers, the slate, the demo host) go on to the fan-out.
 *
 * One feeder is current; what the others make is dropped here. An armed feeder becomes current in
 * the streaming thread of its own first keyframe, so no frame is lost or sent twice at the change:
 *
 *   take    now, before its first frame (nobody else feeds the show)
 *   arm     at its first video keyframe of layer 0, or of the best layer it sends when those above
 *           are silent for 1.5 s; with sound only after audio_only_us; with its first frame of any
 *           kind when nobody is current
 *   rescue  as arm, but only while the current feeder is stalled; the one it replaces is armed
 *
 * Frames are rewritten in place before anybody else sees them: `generation` grows at every change,
 * each video layer of a generation begins with a keyframe, and media time of a (track, layer) only
 * grows. Video that is not later than what was sent moves to 1 ms behind it; sound that overlaps
 * what was sent is dropped; so is what claims to be more than a second ahead of the clock, for
 * which the next feeder would have to stand still.
 *
 * Owner: the media thread; frames and tg_air_now come from any thread.
 */
#ifndef TG_MEDIA_AIR_H
#define TG_MEDIA_AIR_H

#include <stdatomic.h>
#include <stdbool.h>

#include "msg/element.h"

struct tg_air_switch;
struct tg_feeder;

struct tg_air_cfg {
    tg_frame_out_fn
        frame_out; /* called with the switch's lock held: never blocks, never calls back */
    void *frame_ctx;
    uint16_t show;
    tg_us epoch_us;      /* media time = mono now - epoch */
    tg_us audio_only_us; /* how long a feeder without video waits before it may take the air */
    void (*on_change)(void *ctx); /* any thread, no lock held: ask tg_air_now what it is */
    void *ctx;
};
struct tg_air_switch *tg_air_switch_new(const struct tg_air_cfg *cfg);
/* After the last feeder. NULL is legal. */
void tg_air_switch_free(struct tg_air_switch *air);

/*
 * key_wishes: bit l is set when a frame of video layer l cannot be used without a keyframe; may be
 * NULL; borrowed until free.
 */
struct tg_feeder *tg_feeder_new(struct tg_air_switch *air, atomic_uint *key_wishes);
/* Leaves the air. When its streaming threads have ended. NULL is legal. */
void tg_feeder_free(struct tg_feeder *feeder);
/* Where a torgfanoutsink of this feeder hands its frames. Valid until free. */
struct tg_fanout_out tg_feeder_out(struct tg_feeder *feeder, uint8_t layer);
void tg_feeder_arm(struct tg_feeder *feeder);
void tg_feeder_rescue(struct tg_feeder *feeder);
void tg_feeder_take(struct tg_feeder *feeder);
/* No frame of it goes on from here; current or armed before. */
void tg_feeder_leave(struct tg_feeder *feeder);

struct tg_air_now {
    const struct tg_feeder *current; /* NULL = nobody; to compare only */
    uint32_t generation;
    bool stalled; /* the current one is */
};
struct tg_air_now tg_air_now(struct tg_air_switch *air);

/*
 * Is the feeder current and silent? All its tracks for stall_us, or its video for three times as
 * long: a shared screen that stands still sends a frame a second, and its host speaks. The next
 * frame of its video (or sound, when it has no video) ends the stall.
 */
bool tg_air_check_stall(struct tg_air_switch *air, struct tg_feeder *feeder, tg_us now,
                        tg_us stall_us);

#endif
