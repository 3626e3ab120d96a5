/*
 * live.h - what the live thread (show rooms) and the journal are told.
 */
#ifndef TG_MSG_LIVE_H
#define TG_MSG_LIVE_H

#include "msg/catalog.h"
#include "msg/frame.h"
#include "msg/msg.h"
#include "msg/op.h"
#include "msg/role.h"

/*
 * A socket joins. Sent by the web worker to *sale* inside a tg_sale_req (so that the cart is in the
 * answer); sale fills cart_json and posts it on to live, which answers WEB_SEND with `joined`.
 */
struct tg_live_join {
    struct tg_msg head; /* TG_MSG_LIVE_JOIN */
    struct tg_conn conn;
    uint16_t show;
    struct tg_person who;
    char resume[TG_TOKEN_SIZE]; /* the secret given back as joined.you.token; "" for staff */
    char source[TG_SOURCE_MAX * 4 + 1];
    int64_t since;                      /* -1 = none */
    char since_epoch[TG_EPOCH_MAX + 1]; /* "" = not said */
    struct tg_slab *cart_json;          /* the `cart` value; NULL = empty cart */
};

struct tg_live_leave {
    struct tg_msg head; /* TG_MSG_LIVE_LEAVE */
    struct tg_conn conn;
    uint16_t show;
};

/* chat react pin unpin hide mute show.start show.end; roles were checked by the web worker too. */
struct tg_live_op {
    struct tg_msg head; /* TG_MSG_LIVE_OP */
    struct tg_conn conn;
    uint16_t show;
    struct tg_person who;
    struct tg_op op;
};

/* A new snapshot of the catalogue: at start and after imports. */
struct tg_live_catalog {
    struct tg_msg head; /* TG_MSG_LIVE_CATALOG */
    struct tg_catalog *catalog;
};

/* After a commit: the values now of one SKU. Zero-filled fields say nothing changed there. */
struct tg_live_sale {
    struct tg_msg head; /* TG_MSG_LIVE_SALE */
    char sku[TG_SKU_MAX + 1];
    uint16_t show; /* where `sold` counts; UINT16_MAX = no show */
    bool stock_changed;
    int32_t available;
    bool price_changed;
    int64_t price;
    int64_t compare_at;
    int64_t price_until_wall_us; /* -1 = open */
    int32_t sold_count;          /* units sold in this show so far; 0 = no `sold` event */
};

struct tg_live_show {
    struct tg_msg head; /* TG_MSG_LIVE_SHOW */
    uint16_t show;
    char id[TG_SHOW_ID_MAX + 1];
    char title[TG_TITLE_SIZE];
    uint8_t state;  /* enum tg_show_state */
    tg_us epoch_us; /* media time = mono now - epoch */
};

enum tg_show_state { TG_SHOW_SCHEDULED, TG_SHOW_LIVE, TG_SHOW_ENDED };
/* "scheduled", "live", "ended". */
const char *tg_show_state_name(enum tg_show_state state);

/* A publisher came, went, or was refused in plain words (shown to staff). */
struct tg_live_source {
    struct tg_msg head; /* TG_MSG_LIVE_SOURCE */
    uint16_t show;
    bool on;
    uint32_t generation;
    char notice[160]; /* "" = none; e.g. "Turn B-frames off ..." */
};

/* One line of a show's timeline, as JSON without newline. */
struct tg_journal_append {
    struct tg_msg head; /* TG_MSG_JOURNAL */
    uint16_t show;
    struct tg_slab *line;
};

#endif
