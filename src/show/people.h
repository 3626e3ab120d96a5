/*
 * people.h - what a show remembers of a person to keep the chat fair: rates, and mutes.
 *
 * Rates are kept for the TG_SHOW_PEOPLE_MAX most recent speakers; whoever was forgotten starts with
 * a full bucket. Mutes stay until they expire. Pure. Owner: the show.
 */
#ifndef TG_SHOW_PEOPLE_H
#define TG_SHOW_PEOPLE_H

#include <stdint.h>

#include "base/map.h"
#include "show/bucket.h"

enum { TG_SHOW_PERSON_ID_SIZE = 24 };

struct tg_speaker {
    struct tg_speaker *newer;
    struct tg_speaker *older;
    struct tg_bucket chat;
    struct tg_bucket react;
    int64_t spoke_ms; /* last accepted chat line; -1 = none */
    int64_t shown_ms; /* last chat line that all viewers saw; -1 = none */
    char id[TG_SHOW_PERSON_ID_SIZE];
};

struct tg_people {
    struct tg_map speakers;
    struct tg_speaker *newest;
    struct tg_speaker *oldest;
    struct tg_map mutes;
};

void tg_people_init(struct tg_people *p, struct tg_rng *rng);
void tg_people_done(struct tg_people *p);
/* The person's record, made when new, now the most recent. NULL: NOMEM. Valid until next call. */
TG_MUST_CHECK struct tg_speaker *tg_people_speaker(struct tg_people *p, const char *id);
/*
 * Mute until a media time (until_ms <= now_ms unmutes). Errors: LIMIT (TG_SHOW_MUTES_MAX people are
 * muted), NOMEM; MALFORMED when the id is longer than an id can be.
 */
TG_MUST_CHECK tg_err tg_people_mute(struct tg_people *p, const char *id, int64_t now_ms,
                                    int64_t until_ms);
/* Milliseconds until the person may speak again, 0 = now. */
int64_t tg_people_muted_ms(struct tg_people *p, const char *id, int64_t now_ms);

#endif
