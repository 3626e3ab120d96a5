/*
 * replies.h - "the same id again gets the same reply": answers remembered in bounded memory under
 * (person, operation, id).
 *
 * Answers that changed something and refusals are kept apart, each oldest out first: a person who
 * is refused all the time cannot push out what others did. Refusals are forgotten after ten
 * minutes. Pure. Owner: the show.
 */
#ifndef TG_SHOW_REPLIES_H
#define TG_SHOW_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

struct tg_reply;

struct tg_reply_list {
    struct tg_reply *first; /* oldest */
    struct tg_reply *last;
    size_t count;
};

struct tg_replies {
    struct tg_map map;
    struct tg_reply_list done;
    struct tg_reply_list refused;
};

struct tg_reply_key {
    const char *person;
    const char *op;
    const char *id;
    uint64_t content; /* tg_reply_content of what was asked */
};

void tg_replies_init(struct tg_replies *r, struct tg_rng *rng);
void tg_replies_done(struct tg_replies *r);

/*
 * OK: answered before, ret_json and ret_len are that answer (valid until the next put). CONFLICT:
 * the same id with other content. NOTFOUND: new.
 */
TG_MUST_CHECK tg_err tg_replies_find(struct tg_replies *r, int64_t now_ms,
                                     const struct tg_reply_key *key, const char **ret_json,
                                     size_t *ret_len);
/* Remember; not remembering for want of memory is harmless, so nothing is returned. */
void tg_replies_put(struct tg_replies *r, int64_t now_ms, const struct tg_reply_key *key,
                    bool refused, const char *json, size_t len);

/* Folds texts into one number: start with 0, then content = tg_reply_content(content, text). */
uint64_t tg_reply_content(uint64_t content, const char *text);

#endif
