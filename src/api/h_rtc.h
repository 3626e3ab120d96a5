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
/* Link headers of the configured STUN and TURN servers. */
void tg_rtc_links(struct tg_req *q);
/* 307 to "/<door>/<show>"; POST stays POST (RFC 9725 s4.5). */
void tg_rtc_redirect(struct tg_req *q, const char *door, const char *show);

#endif
