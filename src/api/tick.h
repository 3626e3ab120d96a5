/*
 * tick.h - one WebSocket frame a tick: events of a show and answers to single sockets become as few
 * frames as possible, in order. Pure (time is an argument, no socket).
 *
 * A group is the sockets of one show and audience on one web worker. Casts gather in the group's
 * pending text; when the last frame is at least a tick old they go out at once, else at the tick's
 * end. The group's frame is one ref-counted buffer that every member queues by pointer. A member
 * that was sent something of its own in the tick, or joined in the middle of it, gets a frame of
 * its own with the group's text around it:
 *
 *     pending   {"ev":..},{"ev":..},{"ev":..}
 *     item at             ^ {"re":..}           -> [{"ev":..},{"re":..},{"ev":..},{"ev":..}]
 *
 * Owner of everything here: one web worker.
 */
#ifndef TG_API_TICK_H
#define TG_API_TICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/dlist.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"

enum { TG_WIRE_HEAD = 32 }; /* libwebsockets writes the frame header in front of the payload */

/* One frame's payload; the payload starts at bytes + TG_WIRE_HEAD. */
struct tg_wire {
    uint32_t refs;
    uint32_t len;
    uint8_t bytes[];
};
void tg_wire_unref(struct tg_wire *wire);

/* Frames waiting for one socket. Bounded by TG_WS_QUEUE_MAX bytes and TG_WS_QUEUE_FRAMES_MAX. */
struct tg_outq {
    struct tg_wire **ring;
    uint32_t cap; /* 0 or a power of two */
    uint32_t head;
    uint32_t count;
    size_t bytes;
};
/* Takes a reference of its own. LIMIT when over a bound, NOMEM. */
TG_MUST_CHECK tg_err tg_outq_push(struct tg_outq *q, struct tg_wire *wire);
/* The oldest frame, which the caller now owns a reference of; NULL = empty. */
struct tg_wire *tg_outq_pop(struct tg_outq *q);
void tg_outq_done(struct tg_outq *q);

struct tg_tick_group;
struct tg_tick_item;
struct tg_tick_member {
    struct tg_tick_group *group; /* NULL = has not joined */
    struct tg_dlist in_group;
    struct tg_dlist in_dirty;
    struct tg_tick_item *items; /* its own sends of this tick, oldest first */
    struct tg_tick_item *items_last;
    uint32_t start; /* where in the group's pending text its share begins */
    struct tg_outq q;
    bool overflow; /* its queue was full: it lost a frame and must be cut */
};

struct tg_tick_group {
    struct tg_dlist members;
    struct tg_dlist in_dirty;
    size_t count;
    struct tg_buf pending;
    tg_us flushed; /* when its last frame was made */
};

/* A frame was queued for the member, or (overflow) it must be cut. */
typedef void (*tg_tick_wake_fn)(void *ctx, struct tg_tick_member *member);

struct tg_tick {
    struct tg_dlist dirty_groups;
    struct tg_dlist dirty_members;
    tg_tick_wake_fn wake;
    void *ctx;
};

void tg_tick_init(struct tg_tick *tick, tg_tick_wake_fn wake, void *ctx);
void tg_tick_group_init(struct tg_tick_group *group);
/* All members have left. */
void tg_tick_group_done(struct tg_tick_group *group);
/* Zero-initialised memory is a member that has not joined. */
void tg_tick_join(struct tg_tick_group *group, struct tg_tick_member *member);
/* Leaves its group and drops all that waits for it. */
void tg_tick_leave(struct tg_tick_member *member);

/* One JSON object for all members. */
void tg_tick_cast(struct tg_tick *tick, struct tg_tick_group *group, tg_us now, const void *json,
                  size_t len);
/* One JSON object for one member, after what was cast before and before what comes later. */
void tg_tick_send(struct tg_tick *tick, struct tg_tick_member *member, const void *json,
                  size_t len);
/* Make the frames that are due. Call after each batch of the above and at the returned time. */
tg_us tg_tick_run(struct tg_tick *tick, tg_us now);

#endif
