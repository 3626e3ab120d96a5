/*
 * web.h - what a web worker is told: events for the sockets of a show, and answers.
 */
#ifndef TG_MSG_WEB_H
#define TG_MSG_WEB_H

#include "msg/frame.h"
#include "msg/msg.h"
#include "msg/page.h"
#include "msg/role.h"

enum tg_audience { TG_AUDIENCE_ALL, TG_AUDIENCE_VIEWERS, TG_AUDIENCE_STAFF };

/*
 * One serialised event object ({"ev":...}, no array brackets) for the sockets of a show that have
 * been answered `joined`. The worker makes one WebSocket frame a tick of what came in.
 */
struct tg_web_cast {
    struct tg_msg head; /* TG_MSG_WEB_CAST */
    uint16_t show;
    enum tg_audience audience;
    struct tg_slab *json; /* shared by all workers */
};

/* One serialised event or reply object for one socket, in order with the casts around it. */
struct tg_web_send {
    struct tg_msg head; /* TG_MSG_WEB_SEND */
    struct tg_conn conn;
    bool joined; /* this is the `joined` event: casts follow from here on */
    struct tg_slab *json;
};

/* One serialised event for every socket of one person, in whatever show (order, cart). */
struct tg_web_person {
    struct tg_msg head; /* TG_MSG_WEB_PERSON */
    char person[TG_PERSON_SIZE];
    struct tg_slab *json; /* shared by all workers */
};

/* The answer to an HTTP request. */
struct tg_web_reply {
    struct tg_msg head; /* TG_MSG_WEB_REPLY */
    struct tg_conn conn;
    int status;                /* HTTP status */
    char location[128];        /* "" = no Location header */
    char etag[40];             /* with its quotes; "" = no ETag header */
    char next[TG_CURSOR_SIZE]; /* of a list with a next page: becomes Link rel="next" */
    bool in_lang;              /* texts of the body are in the language that was asked for */
    struct tg_slab *json;      /* body; application/problem+json when status >= 400; NULL = none */
};

/* Close one socket with a WebSocket status code (a ban, a mute beyond patience, server stop). */
struct tg_web_cut {
    struct tg_msg head; /* TG_MSG_WEB_CUT */
    struct tg_conn conn;
    uint16_t code;
};

/* A player ended its stream of WHEP events: who serves it closes it, all refuse it from now on. */
enum { TG_EVENTS_ID_SIZE = 28 };
struct tg_web_events_end {
    struct tg_msg head; /* TG_MSG_WEB_EVENTS_END */
    char stream[TG_EVENTS_ID_SIZE];
};

#endif
