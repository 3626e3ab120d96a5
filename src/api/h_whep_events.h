/*
 * h_whep_events.h - WHEP's server-sent events (draft-ietf-wish-whep's extensions): viewers, the
 * source on air, layers, and a word before the server stops.
 *
 *   POST .../sse ["viewercount"] -> 201, Location .../sse/{stream}
 *   GET  .../sse/{stream}        -> text/event-stream until the session ends
 *   DELETE                       -> ended for good, on whatever worker it is
 *
 * A stream's id says what it wants, so any web worker can serve it without having made it; the
 * session's id in front is the secret. Once a second a stream compares what it told with the
 * registry's numbers, and each 2 s it asks the rtc worker, which also says when the session is
 * over. Nothing queues: while a client does not read, later values replace earlier ones. Owner: a
 * web worker.
 */
#ifndef TG_API_H_WHEP_EVENTS_H
#define TG_API_H_WHEP_EVENTS_H

#include "api/req.h"

enum tg_events_kind {
    TG_EVENTS_ACTIVE,
    TG_EVENTS_INACTIVE,
    TG_EVENTS_LAYERS,
    TG_EVENTS_VIEWERCOUNT,
    TG_EVENTS_RECONNECT,
    TG_EVENTS_KINDS
};
extern const char *const tg_events_names[TG_EVENTS_KINDS];

/* What of the layers is news when it changes: the choice, then size and activity of each. */
struct tg_events_shape {
    uint64_t words[1 + TG_LAYERS_MAX];
};

struct tg_events {
    struct tg_req *q;
    struct tg_dlist in_events; /* while it streams */
    uint32_t slot;             /* where the rtc worker's answers go */
    uint32_t generation;
    char session[TG_RTC_SESSION_SIZE];
    char stream[TG_EVENTS_ID_SIZE];
    unsigned worker;
    uint16_t show;
    uint32_t wanted; /* 1 << enum tg_events_kind */
    unsigned video;
    /* told last */
    bool told_air;
    bool on_air;
    bool told_viewers;
    uint32_t viewers;
    bool told_layers;
    struct tg_events_shape shape;
    tg_us layers_at;
    tg_us asked_at;
    tg_us wrote_at;
    bool end; /* when all is written */
};

/* h_whep_stream.c: q->events streams from now on; `reply` is the rtc worker's first word. LIMIT: no
 * room. */
TG_MUST_CHECK tg_err tg_events_begin(struct tg_req *q, const struct tg_rtc_reply *reply);
/* With its request; NULL is legal. */
void tg_events_free(struct tg_events *e);
/* WRITEABLE of a request in state STREAM; -1 = close the connection. */
int tg_events_write(struct tg_req *q);
/* An rtc worker's answer: false when no stream asked. */
bool tg_events_reply(struct tg_worker *w, const struct tg_rtc_reply *reply);
/* Some worker was told that the stream ends. */
void tg_events_ended(struct tg_worker *w, const char *stream);
bool tg_events_was_ended(const struct tg_worker *w, const char *stream);
void tg_events_second(struct tg_worker *w);
/* The server stops: tell players to come back, then end. */
void tg_events_stop(struct tg_worker *w);

#endif
