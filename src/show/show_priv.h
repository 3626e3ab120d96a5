/*
 * show_priv.h - the inside of a show, shared by show_*.c.
 */
#ifndef TG_SHOW_SHOW_PRIV_H
#define TG_SHOW_SHOW_PRIV_H

#include "base/json_out.h"
#include "base/limits.h"
#include "show/bucket.h"
#include "show/media_clock.h"
#include "show/people.h"
#include "show/replies.h"
#include "show/show.h"
#include "show/timeline.h"

enum {
    SHOW_OUTS_MAX = 8,          /* of one input: a tick makes 4, a chat line 4 */
    SHOW_TEXT_MAX = 128 * 1024, /* bytes of them */
    SHOW_REACTIONS = 5,         /* kinds */
    SHOW_REACTIONS_EVERY_MS = 250,
    SHOW_VIEWERS_EVERY_MS = 1000,
    SHOW_CLOCK_EVERY_MS = 10000,
};

/* A chat line that newcomers still read. */
struct show_line {
    int64_t n;
    bool hidden;
    char *json; /* the event; NULL = free place */
    size_t len;
};

struct show_out {
    enum tg_show_out_kind kind;
    size_t offset;
    size_t len;
    bool must;
};

/* A value of which only the newest matters, sent at most once per interval. */
struct show_latest {
    bool pending;
    int64_t sent_ms; /* last time; INT64_MIN / 2 = never */
};

struct tg_show {
    struct tg_show_cfg cfg;
    struct tg_media_clock clock;
    enum tg_show_phase phase;
    bool on_air;
    bool anybody;
    uint32_t viewers;

    struct tg_timeline timeline;
    struct tg_replies replies;
    struct tg_people people;

    int64_t chat_n;                          /* the newest line's number */
    struct show_line recent[TG_CHAT_RECENT]; /* ring; recent_at = next place */
    size_t recent_at;
    struct tg_bucket shown; /* the show's display rate */

    char pins[TG_PINS_MAX][TG_SKU_MAX + 1];
    size_t pin_count;

    int64_t reactions[SHOW_REACTIONS];
    struct show_latest reactions_out;
    struct show_latest viewers_out;
    int64_t clock_sent_ms;

    struct tg_buf event; /* the public event of this input */
    struct tg_buf text;  /* of outs */
    struct show_out outs[SHOW_OUTS_MAX];
    size_t out_count;
    size_t out_next;
};

/*
 * One input under way. First all texts are written, then show_commit makes them true together with
 * the timeline and the remembered reply, or takes everything back; only then the caller changes the
 * state.
 */
struct show_call {
    struct tg_show *s;
    const struct tg_show_req *rq; /* NULL: not an operation of a person */
    int64_t at;                   /* media ms */
    struct tg_reply_key key;
    bool has_event; /* s->event goes into the timeline */
    bool has_reply; /* the output made last is the reply */
    bool refused;
};

/* Begins an input that nobody asked for. */
struct show_call show_begin_own(struct tg_show *s, tg_us now);
/*
 * Begins an operation. False when it was answered before (the answer is out again) or the id was
 * used for something else (a conflict is out): return show_finish then.
 */
bool show_begin(struct show_call *call, struct tg_show *s, const struct tg_show_req *rq,
                const char *op, uint64_t content);
void show_clear_out(struct tg_show *s);
/* One output: begin, write into the returned writer, end. */
struct tg_jo show_out_begin(struct tg_show *s, enum tg_show_out_kind kind);
void show_out_end(struct tg_show *s);
void show_out_copy(struct tg_show *s, enum tg_show_out_kind kind, const char *json, size_t len);

/* {"re":id,"ok":true[,key:value]}; key NULL = none. The input's last output. */
void show_ok(struct show_call *call, const char *key, int64_t value);
/* A refusal; retry_ms < 0 and field NULL = without. The input's last output. */
void show_no(struct show_call *call, const char *code, const char *field, int64_t retry_ms,
             const char *message);
/* show_no and show_commit in one. */
TG_MUST_CHECK tg_err show_refuse(struct show_call *call, const char *code, const char *field,
                                 int64_t retry_ms, const char *message);
/* OK, or NOMEM with the output taken back. */
TG_MUST_CHECK tg_err show_finish(struct tg_show *s);
TG_MUST_CHECK tg_err show_commit(struct show_call *call);

/*
 * The input's public must-arrive event, at most one: {"ev":ev,"seq":..,"at":..,...}. begin, write
 * the further fields, end: it goes to everybody and, with who did it, into the journal.
 */
struct tg_jo show_event_begin(struct show_call *call, const char *ev);
void show_event_end(struct show_call *call, struct tg_jo *j);
/* The number that event has. */
int64_t show_event_seq(const struct show_call *call);

/* --- state changes that both operations and the journal make --- */
void show_do_pin(struct tg_show *s, const char *sku, bool pin);
bool show_is_pinned(const struct tg_show *s, const char *sku);
void show_do_hide(struct tg_show *s, int64_t n, bool hidden);
TG_MUST_CHECK tg_err show_keep_line(struct tg_show *s, int64_t n, const char *json, size_t len);
/* 0 when text is no id of a line that exists. */
int64_t show_line_number(const struct tg_show *s, const char *text);

struct show_chat_event {
    int64_t n;
    int64_t at;
    const char *person;
    const char *name;
    const char *roles_json;
    const char *text;
    const char *reply_to;
};
void show_write_chat(struct tg_jo *j, const struct show_chat_event *chat);

#endif
