/*
 * history.h - the newest frames of one layer of one show's track: what a new viewer starts from and
 * what retransmissions are taken from.
 *
 * Pure. Owner: one rtc worker. Frames are numbered from 0 in order of arrival, their packets too:
 *
 *   frames    tail ............ key ............ head-1 | head = the next one
 *   packets   each frame covers [packet_first, packet_first + packet_count)
 *
 * The oldest frames leave when TG_HISTORY_PACKETS packets or the frame capacity are exceeded; the
 * newest frame always stays.
 *
 * Some frames are stamped: their first packet tells the time of capture. Receivers interpolate for
 * seconds, so a stamp with each keyframe and each TG_STAMP_EVERY_US of media is enough. More would
 * make the first packet of every frame longer than its others, which then do not leave in one
 * segmented send.
 */
#ifndef TG_FANOUT_HISTORY_H
#define TG_FANOUT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "msg/frame.h"

struct tg_history_entry {
    struct tg_frame *frame;
    uint64_t packet_first;
    bool stamped;
};

struct tg_history {
    struct tg_history_entry *ring;
    uint64_t cap; /* a power of two */
    uint64_t tail;
    uint64_t head;
    uint64_t packet_next; /* number that the next packet gets */
    uint64_t key;         /* newest keyframe of this generation, valid when has_key */
    bool has_key;
    bool has_generation;
    uint32_t generation;
    tg_us key_at; /* when it came */
    tg_us head_at;
    tg_us stamp_next; /* media time from which on the next frame is stamped */
};

#define TG_STAMP_EVERY_US ((tg_us)TG_US_PER_S)

/* Errors: NOMEM, LIMIT (frames_max not a power of two). */
TG_MUST_CHECK tg_err tg_history_new(struct tg_history **ret, size_t frames_max);
/* Drops its references. NULL is legal. */
void tg_history_free(struct tg_history *h);
/* False: the frame is of an older generation than the newest and was dropped. */
bool tg_history_push(struct tg_history *h, struct tg_frame *take_frame, tg_us now);
/* NULL when it is gone or not there yet. */
const struct tg_history_entry *tg_history_at(const struct tg_history *h, uint64_t frame_no);
/* The frame that holds a packet, and which of its packets that is; NULL = gone. */
const struct tg_history_entry *tg_history_find(const struct tg_history *h, uint64_t packet_no,
                                               uint32_t *ret_index);
/*
 * A picture can start from the kept keyframe: there is one, it is not older than TG_START_AGE_US,
 * and frames still come (the newest is not older than TG_START_SILENCE_US).
 */
#define TG_START_AGE_US (12 * (tg_us)TG_US_PER_S)    /* GOPs of 10 s are seen from encoders */
#define TG_START_SILENCE_US (2 * (tg_us)TG_US_PER_S) /* an old picture would be a wrong one */
bool tg_history_startable(const struct tg_history *h, tg_us now);

#endif
