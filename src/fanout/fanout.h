/*
 * fanout.h - WebRTC viewers: frames in from the shows' pipelines, packets out from the rtc workers.
 *
 *   pipeline thread -> tg_fanout_emit -> one ring per (show, track, worker) -> worker: history,
 *   viewers -> UDP
 *
 * Owner: app/. Order of life: new, handlers into the workers' configurations, start workers, add
 * shows, emit ... stop whoever emits, stop workers, free.
 *
 * Overflow of a ring (the worker is stuck for seconds): the new frame is dropped; video then drops
 * on to the next keyframe, because what refers to a lost frame is of no use, and asks for one.
 */
#ifndef TG_FANOUT_FANOUT_H
#define TG_FANOUT_FANOUT_H

#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "msg/frame.h"
#include "net/rtc_worker.h"

struct tg_fanout;

enum { TG_FANOUT_WORKERS_MAX = 64 };

/* Two keyframes of one layer are asked for at least this far apart (FINDINGS: PLI storms). */
#define TG_KEYFRAME_INTERVAL_US (500 * (tg_us)TG_US_PER_MS)

/* The budget of the capacity guard (admission.h). */
struct tg_fanout_limits {
    uint64_t egress_bps;       /* what the line carries; 0 = no limit */
    unsigned cpu_permille_max; /* of a worker's core and of all cores; 0 or 1000 = no limit */
};

/* The functions run on rtc workers (request_keyframe also on pipeline threads) and never block. */
struct tg_fanout_cfg {
    unsigned workers; /* 1..TG_FANOUT_WORKERS_MAX */
    struct tg_fanout_limits limits;
    size_t waiting_max; /* places of the waiting room, <= TG_WAITING_MAX; 0 = nobody can wait */
    uint32_t guess_bps; /* video of a show that was never on air */
    uint32_t pace_bps;  /* most that one viewer is sent at; 0 = TG_PACE_BPS */
    void *ctx;
    /* A viewer cannot go on, or change to this layer, without a keyframe. Coalesced, see above. */
    void (*request_keyframe)(void *ctx, uint16_t show, unsigned layer);
    /* Viewers of the show now, over all workers; the last call carries the true number. */
    void (*viewers)(void *ctx, uint16_t show, uint32_t count);
};

/* Errors: NOMEM, LIMIT (workers, waiting_max). */
TG_MUST_CHECK tg_err tg_fanout_new(struct tg_fanout **ret, const struct tg_fanout_cfg *cfg);
/* After the workers and all emitters have ended. NULL is legal. */
void tg_fanout_free(struct tg_fanout *f);
/* For the configuration of worker number `worker` (< cfg.workers); lives as long as f. */
const struct tg_rtc_handler *tg_fanout_handler(struct tg_fanout *f, unsigned worker);
/*
 * Any thread. Media time of the show = monotonic now - epoch_us. A show without a source may have
 * viewers; they get media when it comes. Errors: LIMIT (ordinal), CONFLICT (is there), NOMEM.
 */
TG_MUST_CHECK tg_err tg_fanout_show_add(struct tg_fanout *f, uint16_t show, tg_us epoch_us);
/*
 * Any thread: what the show sends now is no measure of it (off air: the slate). Shows are on air
 * until they are told to be off. An unknown show is legal.
 */
void tg_fanout_show_on_air(struct tg_fanout *f, uint16_t show, bool on_air);
/* Any thread: for viewers who come from now on. */
void tg_fanout_set_limits(struct tg_fanout *f, const struct tg_fanout_limits *limits);
/*
 * A tg_frame_out_fn with ctx = the fan-out. One thread at a time per (show, track). Never blocks;
 * frames of unknown shows are dropped.
 */
void tg_fanout_emit(void *fanout, struct tg_frame *take_frame);

#endif
