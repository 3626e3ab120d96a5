/*
 * rtc.h - web workers ask an rtc worker for WebRTC sessions (WHEP now, WHIP in part 2).
 */
#ifndef TG_MSG_RTC_H
#define TG_MSG_RTC_H

#include "msg/frame.h"
#include "msg/msg.h"

enum tg_rtc_what {
    TG_RTC_WHEP_OFFER, /* make a viewer: sdp = offer */
    TG_RTC_PATCH,      /* trickle fragment (RFC 8840): sdp = body; answered ok, lite needs none */
    TG_RTC_DELETE,     /* end the session */
    TG_RTC_SHOW_ADD,   /* a show exists now; no reply */
    TG_RTC_STOP,       /* end all sessions with DTLS close_notify, then the thread; no reply */
};

/*
 * Session ids: "<worker>." + 22 characters of base64url (128 random bits). The id is the secret of
 * the session resource; the part before the dot picks the rtc worker.
 */
enum { TG_RTC_SESSION_SIZE = 32 };

struct tg_rtc_req {
    struct tg_msg head; /* TG_MSG_RTC_REQ */
    enum tg_rtc_what what;
    uint16_t show;
    struct tg_conn conn;
    char session[TG_RTC_SESSION_SIZE]; /* PATCH, DELETE */
    struct tg_slab *sdp;               /* <= TG_SDP_MAX bytes, or NULL */
};

struct tg_rtc_reply {
    struct tg_msg head; /* TG_MSG_RTC_REPLY */
    struct tg_conn conn;
    enum tg_rtc_what what;
    /* OK; MALFORMED (400), UNSUPPORTED (422: no usable codec ...), NOTFOUND (404), LIMIT (503). */
    tg_err err;
    char detail[128]; /* plain words for problem+json; "" on OK */
    char session[TG_RTC_SESSION_SIZE];
    char etag[32];       /* without quotes */
    struct tg_slab *sdp; /* the answer */
};

#endif
