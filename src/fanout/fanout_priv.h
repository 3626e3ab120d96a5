/*
 * fanout_priv.h - what the shows (fanout.c), the workers' side (shard.c) and WHEP (shard_whep.c)
 * share.
 */
#ifndef TG_FANOUT_FANOUT_PRIV_H
#define TG_FANOUT_FANOUT_PRIV_H

#include <stdatomic.h>

#include "base/ring.h"
#include "base/thread.h"
#include "fanout/admission.h"
#include "fanout/fanout.h"
#include "fanout/viewer.h"

/* One show's way to one worker. */
struct tg_fanout_feed {
    struct tg_ring *rings[TG_TRACK_COUNT]; /* of tg_frame references */
    bool skip_to_key[TG_LAYERS_MAX];       /* the emitting thread's: the ring was full */
    atomic_uint viewers;                   /* of this worker: 0 = need not be woken a frame */
};

/* Made once, never changed but for the atomics; freed with the fan-out. */
struct tg_fanout_show {
    uint16_t ordinal;
    tg_us epoch_us;
    atomic_uint viewers;
    atomic_bool off_air; /* see tg_fanout_show_on_air */
    struct {
        _Atomic tg_us asked_at; /* 0 = never */
        atomic_bool pending;    /* asked for again within the interval */
    } keys[TG_LAYERS_MAX];
    struct tg_fanout_feed *feeds;
};

/* A viewer and its session. Owner: the worker. */
struct tg_shard_viewer {
    struct tg_viewer core;
    struct tg_rtc_session *session;
    struct tg_srtp_tx *tx; /* the peer's; NULL until connected */
    uint16_t show;
    bool staff; /* may watch a rehearsal */
    struct tg_admission_grant grant;
    size_t index;  /* in the show's viewers */
    uint64_t turn; /* last turn that pumped it */
    bool busy;     /* in the list of those that have something to send without a new frame */
    struct tg_shard_viewer *busy_prev;
    struct tg_shard_viewer *busy_next;
};

/* What a layer sends, measured over a second or more. */
struct tg_shard_rate {
    tg_us since;
    uint64_t bytes;
};

struct tg_shard_show {
    struct tg_history *histories[TG_TRACK_COUNT][TG_LAYERS_MAX];
    struct tg_viewer_source source; /* points to them */
    struct tg_shard_rate rates[TG_LAYERS_MAX];
    struct tg_shard_viewer **viewers;
    size_t viewer_count;
    size_t viewer_cap;
    bool fresh; /* frames came in this turn */
};

/* One worker's side. Owner: the worker's thread, but for `worker`. */
struct tg_shard {
    struct tg_fanout *fanout;
    unsigned index;
    struct tg_rtc_handler handler;
    _Atomic(struct tg_rtc_worker *) worker; /* for emitters to wake; NULL = not running */
    struct tg_sdp *offer;                   /* scratch: 45 KB, one offer at a time */
    struct tg_shard_show *shows[TG_SHOWS_MAX];
    bool rehearsing[TG_SHOWS_MAX]; /* only staff may watch */
    size_t viewer_count;
    size_t started_low;  /* viewers whose grant is a lower layer */
    uint64_t sent_bytes; /* since the last report to the guard */
    tg_us reported_at;
    uint64_t turn;
    struct tg_shard_viewer *busy; /* who waits longest first */
    struct tg_shard_viewer *busy_last;
    bool busy_left;                 /* the turn's time was over before the list was */
    struct tg_viewer_counts counts; /* of this turn, then added to the metrics */
    uint32_t frames_in;
    uint32_t frames_dropped;
    uint32_t send_failed;
};

/* One for all workers (guard.c). */
struct tg_guard {
    struct tg_mutex lock;
    struct tg_admission *core TG_GUARDED_BY(lock);
};

struct tg_fanout {
    struct tg_fanout_cfg cfg;
    struct tg_guard guard;
    tg_us wall_offset_us;
    atomic_uint show_end; /* highest ordinal + 1 */
    _Atomic(struct tg_fanout_show *) shows[TG_SHOWS_MAX];
    struct tg_shard shards[TG_FANOUT_WORKERS_MAX];
};

/* NULL = no such show. Any thread. */
struct tg_fanout_show *tg_fanout_show_get(struct tg_fanout *f, uint16_t show);
/* Any thread: a keyframe is needed; asks now, or remembers to ask when the interval is over. */
void tg_fanout_want_key(struct tg_fanout *f, struct tg_fanout_show *show, unsigned layer,
                        tg_us now);
/* Workers, every turn: asks for what was remembered. When to look again, TG_US_NEVER = not. */
tg_us tg_fanout_key_retry(struct tg_fanout *f, struct tg_fanout_show *show, tg_us now);
/* Workers: a viewer came or went. */
void tg_fanout_count(struct tg_fanout *f, struct tg_fanout_show *show, unsigned worker, bool came);

/* shard.c */
void tg_shard_init(struct tg_shard *s, struct tg_fanout *f, unsigned index);
/* Puts the viewer into its show (also the counts). Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_shard_join(struct tg_shard *s, struct tg_fanout_show *show,
                                   struct tg_shard_viewer *v);
void tg_shard_leave(struct tg_shard *s, struct tg_shard_viewer *v);

/* guard.c */
TG_MUST_CHECK tg_err tg_guard_init(struct tg_fanout *f);
void tg_guard_done(struct tg_fanout *f);
/* Is there room for who asks? full: this worker cannot take one more whatever the budget. */
void tg_guard_ask(struct tg_shard *s, const struct tg_rtc_req *req, tg_us now, bool full,
                  struct tg_admission_answer *ret);
/* The viewer is made and has the grant from now on. */
void tg_guard_took(struct tg_shard *s, struct tg_shard_viewer *v,
                   const struct tg_admission_grant *grant);
/* It came to nothing: keep a place in the waiting room, or only give the grant back. */
void tg_guard_undo(struct tg_shard *s, const struct tg_admission_grant *grant, tg_us now,
                   struct tg_admission_answer *ret);
void tg_guard_drop(struct tg_shard *s, struct tg_admission_grant *inout);
void tg_guard_connected(struct tg_shard *s, struct tg_shard_viewer *v, tg_us now);
void tg_guard_left(struct tg_shard *s, struct tg_shard_viewer *v);
/* Once a turn, before the turn's counts are cleared. */
void tg_guard_turn(struct tg_shard *s, tg_us now);

/* shard_whep.c: answers the request in every case. */
void tg_shard_offer(struct tg_shard *s, const struct tg_rtc_req *req, tg_us now);

/* shard_layer.c: what the viewer gets and could get, and its wish; answers in every case. */
void tg_shard_layer(struct tg_shard *s, const struct tg_rtc_req *req);

#endif
