/*
 * quality.h - which of the show's layers one viewer should get.
 *
 * Pure. Owner: one per viewer, its rtc worker. Asked about ten times a second, never per packet.
 * Layer 0 is the best. What it wants is a wish: the viewer switches at that layer's next keyframe.
 *
 *   down   the estimate no longer carries the layer, for a short while (at once when a long queue
 *          builds up): to the best layer that fits
 *   up     the estimate carries the next layer with room to spare. To know that it must be proved:
 *          probe_bps. An upgrade that had to be taken back makes the next one wait longer.
 *   dead   the layer stopped: another one, at once
 *   pause  not even the lowest layer fits (or hardly anything does): sound alone, until it fits
 */
#ifndef TG_FANOUT_QUALITY_H
#define TG_FANOUT_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/macros.h"

enum { TG_QUALITY_AUTO = -1 };

#define TG_QUALITY_EVERY_US (100 * (tg_us)TG_US_PER_MS)
#define TG_QUALITY_DOWN_US (400 * (tg_us)TG_US_PER_MS)  /* too little for so long: down */
#define TG_QUALITY_HOLD_US (1500 * (tg_us)TG_US_PER_MS) /* after a change before going up */
#define TG_QUALITY_UP_US (4 * (tg_us)TG_US_PER_S)       /* after going down; doubles ... */
#define TG_QUALITY_UP_MAX_US (60 * (tg_us)TG_US_PER_S)  /* ... up to this, when upgrades fail */
#define TG_QUALITY_TRUST_US (10 * (tg_us)TG_US_PER_S)   /* an upgrade that lasted has not failed */
#define TG_QUALITY_TRY_US (10 * (tg_us)TG_US_PER_S)     /* between tries where nothing is proved */
#define TG_QUALITY_PAUSE_US (2 * (tg_us)TG_US_PER_S)    /* a pause lasts so long at least */

enum {
    TG_QUALITY_STARVED_BPS = 150 * 1000, /* below it no picture is worth the sound's trouble */
};

struct tg_quality {
    /* set by others at any time */
    int8_t pin;           /* the user's wish, TG_QUALITY_AUTO */
    uint8_t best_allowed; /* the capacity guard's: no better layer than this */
    /* results */
    uint8_t layer;      /* wanted */
    bool starved;       /* send no video */
    uint32_t probe_bps; /* to be proved, 0 = nothing */
    /* private */
    bool low;    /* since low_at */
    bool raised; /* the last change went up */
    uint8_t pause_count;
    tg_us low_at;
    tg_us changed_at;
    tg_us up_at;   /* no upgrade before */
    tg_us up_wait; /* after the next failure */
    tg_us paused_at;
    uint32_t raised_bps; /* the estimate when it went up */
};

struct tg_quality_in {
    struct {
        bool on;      /* frames come now */
        uint32_t bps; /* 0 = not measured yet */
    } layers[TG_LAYERS_MAX];
    uint32_t estimate_bps; /* 0 = nothing is known */
    uint32_t audio_bps;    /* comes on top of any layer */
    bool proves;           /* transport-wide feedback: probes can be made */
    bool stream;           /* TCP: its full queue holds the picture back, no pause is needed */
    bool hard;             /* congested so badly that waiting costs pictures */
    uint16_t loss_pm;
};

void tg_quality_init(struct tg_quality *q);
/* The first layer: pinned, else the best that is allowed and on. */
void tg_quality_start(struct tg_quality *q, tg_us now, const struct tg_quality_in *in);
void tg_quality_tick(struct tg_quality *q, tg_us now, const struct tg_quality_in *in);

#endif
