/*
 * ws_priv.h - one socket of the show channel. Owner: its web worker.
 */
#ifndef TG_API_WS_PRIV_H
#define TG_API_WS_PRIV_H

#include "api/channel_parse.h"
#include "api/web_priv.h"
#include "base/json_out.h"

enum tg_sock_state {
    TG_SOCK_NEW,     /* `join` has not come */
    TG_SOCK_JOINING, /* asked live (through sale); nothing more is read until it answers */
    TG_SOCK_JOINED,
    TG_SOCK_LEAVING /* closed while joining: stays until live's answer, so that leave follows join
                     */
};

struct tg_wperson {
    char id[TG_PERSON_SIZE];
    struct tg_dlist socks;
};

struct tg_sock {
    struct tg_worker *w;
    struct lws *wsi; /* NULL when leaving */
    enum tg_sock_state state;
    struct tg_tick_member member;
    struct tg_dlist in_socks;
    struct tg_dlist in_person;
    struct tg_wperson *person;
    uint32_t slot;
    uint32_t generation;
    uint16_t show;
    bool trusted;              /* no rate limits */
    struct tg_person who;      /* from join on */
    char staff_token[24];      /* id of the token that the roles come from; "" = none */
    char token[TG_TOKEN_SIZE]; /* what the handshake carried; "" = nothing */
    char *source;              /* campaign; NULL = none */
    tg_us since;               /* of the state */
    tg_us heard;               /* last byte */
    tg_us pinged;
    tg_us bucket; /* of this connection, rate.h */
    unsigned bad_count;
    tg_us bad_since;
    struct tg_buf in; /* a message that came in parts */
    size_t skipped;   /* bytes of an oversized message so far */
    bool ping_due;
    uint16_t close_code; /* 0 = stays open; else closes when its queue is empty */
};

/* ws_op.c: one whole text message. */
void tg_sock_message(struct tg_sock *s, const char *text, size_t len);
/* A refusal: {"re":id,"ok":false,...}. id "" writes null; field and retry_ms may be NULL and 0. */
void tg_sock_refuse(struct tg_sock *s, const char *id, const char *code, const char *field,
                    const char *message, uint32_t retry_ms);
/* The same, counted: the fifth bad frame within a minute closes with 1008. */
void tg_sock_bad(struct tg_sock *s, const char *id, const char *field, const char *message);

/* False: the token behind the roles was revoked or has expired; the socket is being closed. */
bool tg_sock_still_staff(struct tg_sock *s);

/* ws.c */
void tg_sock_close(struct tg_sock *s, uint16_t code);

#endif
