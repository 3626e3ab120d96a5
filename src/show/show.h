/*
 * show.h - one show as a state machine: chat, pins, moderation, reactions, its state, its timeline.
 *
 * Pure. Owner: the live thread, one per show. Input goes in with the monotonic time; what is to be
 * done about it comes out of tg_show_poll as finished JSON: events for everybody, for staff, for
 * the connection that asked, and lines for the journal. Drain poll before the next input; the texts
 * are valid until then. Roles are the caller's to check; `staff` only lifts the rates.
 *
 * Every operation answers with one reply (CONTRACT "Replies"), also when it refuses. The functions
 * fail only with NOMEM; nothing has happened then and nothing comes out.
 */
#ifndef TG_SHOW_SHOW_H
#define TG_SHOW_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/rng.h"

struct tg_show;

enum tg_show_phase {
    TG_SHOW_PHASE_SCHEDULED,
    TG_SHOW_PHASE_LIVE,
    TG_SHOW_PHASE_ENDED,
    TG_SHOW_PHASE_REHEARSAL, /* live to staff only */
    TG_SHOW_PHASE_COUNT
};

struct tg_show_cfg {
    const char *id;    /* borrowed for the show's life */
    const char *title; /* likewise */
    tg_us epoch_us;    /* media time = now - epoch */
    /*
     * Names this run of the server; borrowed, "" or NULL = none. After a crash the journal may lack
     * the last events that viewers saw: their `since` then counts events that never come again, so
     * it holds in the run it is of and no other.
     */
    const char *epoch;
    enum tg_show_phase phase;
    struct tg_rng *rng;    /* secrets of hash tables; used in new only */
    int64_t chat_burst;    /* lines of one person at once, > 0 */
    int64_t chat_every_ms; /* one more comes back every so often, > 0 */
    int64_t slow_ms;       /* slow mode: between two lines of one person; 0 = off */
    int64_t shown_per_s;   /* lines a second that viewers are shown, 1..1000; staff see all */
    /* Whether the catalogue has a SKU; called during tg_show_pin and tg_show_write_joined. */
    bool (*sku_known)(void *ctx, const char *sku);
    void *ctx;
};

/* What torg uses unless told otherwise: 5 lines per 10 s, no slow mode, 20 shown a second. */
struct tg_show_cfg tg_show_cfg_default(void);

/* Who asks. Texts are UTF-8; the id has at most 23 characters. */
struct tg_show_person {
    const char *id;
    const char *name;       /* "" = none */
    const char *roles_json; /* ["viewer"] */
    bool staff;
};

struct tg_show_req {
    tg_us now;
    const struct tg_show_person *who;
    const char *id; /* the client's own id of this operation: 1..64 characters */
};

/* Errors: NOMEM, LIMIT (cfg out of range). */
TG_MUST_CHECK tg_err tg_show_new(struct tg_show **ret, const struct tg_show_cfg *cfg);
void tg_show_free(struct tg_show *show);

/* --- output --------------------------------------------------------------------------------------
 */

enum tg_show_out_kind {
    TG_SHOW_OUT_ALL,     /* an event for every socket of the show */
    TG_SHOW_OUT_VIEWERS, /* for those without a staff role */
    TG_SHOW_OUT_STAFF,   /* for staff */
    TG_SHOW_OUT_REPLY,   /* for the connection that asked (a reply, or an event only it gets) */
    TG_SHOW_OUT_JOURNAL, /* a line of the show's journal, without newline */
    TG_SHOW_OUT_PHASE,   /* the show's state changed by an operation: tell the shop; no text */
};

struct tg_show_out {
    enum tg_show_out_kind kind;
    const char *json;
    size_t len;
    bool must; /* carries a seq: nobody may miss it */
};

bool tg_show_poll(struct tg_show *show, struct tg_show_out *ret);
/* When to tick next; TG_US_NEVER = nothing pending. */
tg_us tg_show_deadline(const struct tg_show *show);
/* Sends what is due: reactions, viewers, clock. `wall` is microseconds since 1970. */
TG_MUST_CHECK tg_err tg_show_tick(struct tg_show *show, tg_us now, tg_us wall);

/* --- operations ----------------------------------------------------------------------------------
 */

/* reply_to "" = none. Refusals: bad_request closed muted slow_mode rate not_found conflict. */
TG_MUST_CHECK tg_err tg_show_chat(struct tg_show *show, const struct tg_show_req *rq,
                                  const char *text, const char *reply_to);
/* kind is an index of tg_show_reaction_name, n 1..50. No reply; too much is dropped. */
TG_MUST_CHECK tg_err tg_show_react(struct tg_show *show, tg_us now,
                                   const struct tg_show_person *who, unsigned kind, int n);
/* Pinned already is fine. Refusals: not_found, limit (TG_PINS_MAX), conflict. */
TG_MUST_CHECK tg_err tg_show_pin(struct tg_show *show, const struct tg_show_req *rq,
                                 const char *sku);
/* Not pinned is fine. */
TG_MUST_CHECK tg_err tg_show_unpin(struct tg_show *show, const struct tg_show_req *rq,
                                   const char *sku);
/* message is a chat id ("c12"); undo shows it again. Refusals: not_found, conflict. */
TG_MUST_CHECK tg_err tg_show_hide(struct tg_show *show, const struct tg_show_req *rq,
                                  const char *message, bool undo);
/* seconds 0 = unmute. Refusals: forbidden (staff, whose ids begin with "s"), limit, conflict. */
TG_MUST_CHECK tg_err tg_show_mute(struct tg_show *show, const struct tg_show_req *rq,
                                  const char *person, int32_t seconds);
/* Start or end the show. Refusals: closed (end of a show that has not begun), conflict. */
TG_MUST_CHECK tg_err tg_show_run(struct tg_show *show, const struct tg_show_req *rq,
                                 enum tg_show_phase to);
/*
 * Begin a rehearsal (of a show that is scheduled or has ended) or go back to scheduled; it ends in
 * tg_show_run(LIVE) as well. It is so already: fine. Refusals: conflict (the show is live).
 */
TG_MUST_CHECK tg_err tg_show_rehearse(struct tg_show *show, const struct tg_show_req *rq, bool on);
/* An answer to an operation that something outside the show refuses, e.g. a role. */
TG_MUST_CHECK tg_err tg_show_refuse(struct tg_show *show, const struct tg_show_req *rq,
                                    const char *code, const char *message);
/* {"re":id,"ok":true} */
TG_MUST_CHECK tg_err tg_show_accept(struct tg_show *show, const struct tg_show_req *rq);

/* --- what happens outside ------------------------------------------------------------------------
 */

/* The state as the shop's database has it; an event when it differs, no PHASE output. */
TG_MUST_CHECK tg_err tg_show_set_phase(struct tg_show *show, tg_us now, enum tg_show_phase phase);
/* A publisher came or went; also sends the clock, because frames now come from another source. */
TG_MUST_CHECK tg_err tg_show_set_source(struct tg_show *show, tg_us now, tg_us wall, bool on_air);
/* Sockets of viewers now; sent by ticks, at most once a second. */
void tg_show_set_viewers(struct tg_show *show, tg_us now, uint32_t viewers);
/* Whether anybody is in (also staff): without an audience the clock is not sent. */
void tg_show_set_audience(struct tg_show *show, tg_us now, bool anybody);

enum tg_show_phase tg_show_phase(const struct tg_show *show);
int64_t tg_show_seq(const struct tg_show *show);
int64_t tg_show_media_ms(const struct tg_show *show, tg_us now);
/* "scheduled", "live", "ended", "rehearsal". */
const char *tg_show_phase_name(enum tg_show_phase phase);
/* "heart", "fire", "clap", "laugh", "wow"; NULL beyond. */
const char *tg_show_reaction_name(unsigned kind);

/* --- joining -------------------------------------------------------------------------------------
 */

struct tg_show_join {
    tg_us now;
    tg_us wall;
    const struct tg_show_person *who;
    const char *token;    /* the resume secret; "" = none (staff) */
    const char *products; /* JSON of `products` */
    size_t products_len;
    bool products_more; /* the catalogue has more than stands there */
    const char *cart;   /* JSON of `cart` */
    size_t cart_len;
    const char *waiting; /* JSON of `waiting`; NULL = none */
    size_t waiting_len;
    const char *selling; /* JSON of `selling`; NULL = none */
    size_t selling_len;
    const char *notice;      /* staff only: the source's trouble in plain words; "" = none */
    int64_t since;           /* -1 = none */
    const char *since_epoch; /* the epoch it is of; "" or NULL = not said, and not judged */
};

/*
 * Appends the `joined` event to out. *ret_resumed: `since` was in reach, joined.seq is since, and
 * the caller sends tg_show_missed(since + 1 .. tg_show_seq()) after it. Errors: out's.
 */
TG_MUST_CHECK tg_err tg_show_write_joined(const struct tg_show *show, const struct tg_show_join *in,
                                          struct tg_buf *out, bool *ret_resumed);
/* A public event that is still kept (asserts). Valid until the next input. */
const char *tg_show_missed(const struct tg_show *show, int64_t seq, size_t *ret_len);

/* --- restoring from the journal ------------------------------------------------------------------
 */

enum tg_show_record_kind {
    TG_SHOW_RECORD_CHAT,
    TG_SHOW_RECORD_PIN,
    TG_SHOW_RECORD_UNPIN,
    TG_SHOW_RECORD_HIDE,
    TG_SHOW_RECORD_MUTE,
    TG_SHOW_RECORD_STATE, /* an event `show` */
    TG_SHOW_RECORD_EVENT, /* another public event: counts and is kept, means nothing to the state */
};

/* One journal line, parsed. Texts are borrowed and never NULL for their kind. */
struct tg_show_record {
    enum tg_show_record_kind kind;
    const char *by; /* person who did it; "" = nobody */
    const char *op; /* the operation's id; "" = none */
    int64_t at;     /* media ms */
    /* public events */
    int64_t seq;
    const char *json; /* the event as it was sent */
    size_t json_len;
    const char *sku;     /* PIN, UNPIN */
    const char *message; /* HIDE */
    bool undo;           /* HIDE */
    /* CHAT; `by` is the author */
    int64_t n;
    const char *name;
    const char *roles_json;
    const char *text;
    const char *reply_to; /* "" = none */
    bool shown;           /* all viewers saw it */
    /* MUTE */
    const char *person;
    int64_t until_ms; /* <= at: unmuted */
};

/* In the journal's order, before any input. Errors: NOMEM; MALFORMED: impossible here, skipped. */
TG_MUST_CHECK tg_err tg_show_restore(struct tg_show *show, const struct tg_show_record *rec);

#endif
