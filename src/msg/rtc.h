/*
 * rtc.h - web workers ask an rtc worker for WebRTC sessions: WHEP viewers and WHIP publishers.
 */
#ifndef TG_MSG_RTC_H
#define TG_MSG_RTC_H

#include "msg/frame.h"
#include "msg/msg.h"

enum tg_rtc_what {
    TG_RTC_WHEP_OFFER, /* make a viewer: sdp = offer */
    TG_RTC_WHIP_OFFER, /* make a publisher: sdp = offer */
    /*
     * sdp = a trickle fragment (RFC 8840) for the session: candidates (a lite agent needs none), or
     * new ICE credentials, which restart ICE (RFC 9725 s4.3.2): answered with ours in `sdp` and a
     * new etag.
     */
    TG_RTC_PATCH,
    TG_RTC_DELETE, /* end the session */
    /*
     * WHEP: layer = the one the viewer asks for, -1 = torg chooses. Always answered with the
     * show's layers and what is sent (also: layer = TG_RTC_LAYER_ASK changes nothing).
     */
    TG_RTC_LAYER,
    TG_RTC_SHOW_ADD, /* a show exists now; no reply */
    TG_RTC_REHEARSE, /* on: only staff may watch the show, others' sessions end; off; no reply */
    TG_RTC_STOP,     /* end all sessions with DTLS close_notify, then the thread; no reply */
};

/*
 * Session ids: "<worker>." + 22 characters of base64url (128 random bits). The id is the secret of
 * the session resource; the part before the dot picks the rtc worker.
 */
enum { TG_RTC_SESSION_SIZE = 32 };

enum { TG_RTC_LAYER_AUTO = -1, TG_RTC_LAYER_ASK = -2 };

/* One video layer of a show as a worker knows it. */
struct tg_rtc_layer {
    bool on;        /* frames come now */
    uint16_t width; /* 0 = not known */
    uint16_t height;
    uint32_t bps; /* of the last second */
};

/*
 * The waiting room: a viewer for whom there is no room gets a ticket and a position (1 = next), and
 * asks again with the ticket after retry_s. Who does not come back in time loses the place.
 */
enum { TG_RTC_TICKET_SIZE = 24 }; /* 128 bits, 96 of them random, as base64url, NUL */

struct tg_rtc_req {
    struct tg_msg head; /* TG_MSG_RTC_REQ */
    enum tg_rtc_what what;
    uint16_t show;
    struct tg_conn conn;
    tg_us epoch_us;                    /* offers: media time of the show = mono now - epoch */
    bool staff;                        /* WHEP_OFFER: may watch a rehearsal */
    bool on;                           /* REHEARSE */
    bool publisher;                    /* PATCH, DELETE: a WHIP session is meant, else WHEP */
    char token[24];                    /* WHIP_OFFER: public id of the token; asked again later */
    char session[TG_RTC_SESSION_SIZE]; /* PATCH, DELETE, LAYER */
    int8_t layer;                      /* LAYER */
    char ticket[TG_RTC_TICKET_SIZE];   /* WHEP_OFFER: from an earlier refusal, "" = none */
    /*
     * PATCH: If-Match as "" (not there), "*", or strong tags with their quotes, ", " between.
     * A pair of quotes is a tag that no session has.
     */
    char if_match[96];
    struct tg_slab *sdp; /* <= TG_SDP_MAX bytes, or NULL */
};

struct tg_rtc_reply {
    struct tg_msg head; /* TG_MSG_RTC_REPLY */
    struct tg_conn conn;
    enum tg_rtc_what what;
    uint16_t show; /* the request's */
    /*
     * OK; MALFORMED (400), UNSUPPORTED (422: no usable codec ...), NOTFOUND (404: also a session
     * of another show or kind), AUTH (403: a rehearsal), CONFLICT (412: another etag), AGAIN (428:
     * If-Match is missing), LIMIT (503).
     */
    tg_err err;
    char detail[128]; /* plain words for problem+json; "" on OK */
    char session[TG_RTC_SESSION_SIZE];
    char etag[32];       /* without quotes */
    char publisher[24];  /* WHIP_OFFER: the publisher's public name (msg/media.h) */
    struct tg_slab *sdp; /* the answer; PATCH: NULL after a trickle, else the fragment */
    /* WHEP_OFFER refused with LIMIT because there is no room: else position 0 and "". */
    uint32_t position;
    uint16_t retry_s;
    char ticket[TG_RTC_TICKET_SIZE];
    /* LAYER */
    int8_t layer;     /* sent now, -1 = no picture yet */
    int8_t layer_pin; /* asked for, or TG_RTC_LAYER_AUTO */
    struct tg_rtc_layer layers[TG_LAYERS_MAX];
};

#endif
