/*
 * h_rtc.h - what WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) share on the HTTP side: offers,
 * trickle, the end of a session and their answers. The sessions live in rtc workers; the first part
 * of a session's id names the worker. Owner: a web worker.
 */
#ifndef TG_API_H_RTC_H
#define TG_API_H_RTC_H

#include "api/req.h"

#define TG_TYPE_SDP "application/sdp"
#define TG_TYPE_SDPFRAG "application/trickle-ice-sdpfrag"
#define TG_WHEP_EVENTS "active,inactive,layers,viewercount,reconnect"

/* The type and a body: false when 415 or 400 was answered. `what` names the body in plain words. */
TG_MUST_CHECK bool tg_rtc_body(struct tg_req *q, const char *type, const char *what);
/*
 * An offer for the show, with all but who asks filled in: staff or token is the caller's. NULL: 503
 * was answered.
 */
TG_MUST_CHECK struct tg_rtc_req *tg_rtc_offer(struct tg_req *q, enum tg_rtc_what what,
                                              const struct tg_show_info *show);
/* Sends an offer to the next rtc worker. */
void tg_rtc_ask_any(struct tg_req *q, struct tg_rtc_req *take_msg);
/* PATCH or DELETE for the session of the path's second parameter. */
void tg_rtc_ask_session(struct tg_req *q, enum tg_rtc_what what, const struct tg_show_info *show,
                        bool publisher);
/* LAYER for that session (WHEP); layer as in struct tg_rtc_req. q->finish_rtc answers. */
void tg_rtc_ask_layer(struct tg_req *q, const struct tg_show_info *show, int8_t layer);
/* Which worker has "<worker>.<secret>"? False: none. */
TG_MUST_CHECK bool tg_rtc_worker_of(const struct tg_worker *w, const char *session, size_t len,
                                    unsigned *ret);
/* Link headers of the configured STUN and TURN servers. */
void tg_rtc_links(struct tg_req *q);
/* 307 to "/<door>/<show>"; POST stays POST (RFC 9725 s4.5). */
void tg_rtc_redirect(struct tg_req *q, const char *door, const char *show);

/* h_whep_layer.c: Link headers of the extensions, of a session whose video is m-line `video`. */
void tg_whep_links(struct tg_req *q, const char *session, unsigned video);
/* The index of the first m=video line, 0 when there is none. */
unsigned tg_whep_video_line(const void *sdp, size_t len);
/* The same from the query of an extension's address. */
unsigned tg_whep_video_of(const struct tg_req *q);
/* {"<video>":[{"rid":"0",...}]} of a LAYER answer. */
void tg_whep_layers_write(struct tg_buf *out, const struct tg_rtc_reply *r, unsigned video);

#endif
