/*
 * timeline.h - a show's public must-arrive events: numbered without gaps, the newest kept for those
 * who come back with `since`. Pure. Owner: the show.
 */
#ifndef TG_SHOW_TIMELINE_H
#define TG_SHOW_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct tg_timeline_event {
    char *json;
    size_t len;
};

struct tg_timeline {
    int64_t last;                                   /* seq of the newest event ever, 0 = none yet */
    size_t count;                                   /* kept: last - count + 1 .. last */
    struct tg_timeline_event ring[TG_TIMELINE_MAX]; /* event `seq` lives at seq % TG_TIMELINE_MAX */
};

void tg_timeline_done(struct tg_timeline *t);
/* Keeps a copy as event last + 1. NOMEM leaves everything as it was. */
TG_MUST_CHECK tg_err tg_timeline_add(struct tg_timeline *t, const char *json, size_t len);
/*
 * Like add, for an event read back from the journal: seq is its own. Events that were lost on the
 * way (a gap) make all before them unusable for `since`. MALFORMED when seq is not newer.
 */
TG_MUST_CHECK tg_err tg_timeline_restore(struct tg_timeline *t, int64_t seq, const char *json,
                                         size_t len);
/* True when everything after `since` is kept (and since is not ahead of us). */
bool tg_timeline_covers(const struct tg_timeline *t, int64_t since);
/* A kept event; asserts that it is. Valid until the next add. */
const struct tg_timeline_event *tg_timeline_at(const struct tg_timeline *t, int64_t seq);

#endif
