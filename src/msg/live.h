/*
 * live.h - what the live thread (show rooms) and the journal are told.
 */
#ifndef TG_MSG_LIVE_H
#define TG_MSG_LIVE_H

#include "msg/catalog.h"
#include "msg/frame.h"
#include "msg/media.h"
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
    struct tg_slab *waiting_json;       /* the `waiting` value; NULL = waits for nothing */
};

struct tg_live_leave {
    struct tg_msg head; /* TG_MSG_LIVE_LEAVE */
    struct tg_conn conn;
    uint16_t show;
};

/*
 * chat react pin unpin hide mute show.start show.end show.rehearse; roles were checked by the web
 * worker too.
 */
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
    int64_t lowest;              /* of the 30 days before the reduction; 0 = not known */
    int32_t price_left;          /* units left at a flash price; -1 = no limit */
    int32_t sold_count;          /* units sold in this show so far; 0 = no `sold` event */
};

/* How a show sells, at the start and after each change. */
struct tg_live_rules {
    struct tg_msg head; /* TG_MSG_LIVE_RULES */
    uint16_t show;
    bool comments;         /* chat lines may buy: forward them */
    struct tg_slab *json;  /* `selling` of joined */
    struct tg_slab *event; /* to all sockets now; NULL = nothing */
};

struct tg_live_show {
    struct tg_msg head; /* TG_MSG_LIVE_SHOW */
    uint16_t show;
    char id[TG_SHOW_ID_MAX + 1];
    char title[TG_TITLE_SIZE];
    uint8_t state;  /* enum tg_show_state */
    tg_us epoch_us; /* media time = mono now - epoch */
};

enum tg_show_state { TG_SHOW_SCHEDULED, TG_SHOW_LIVE, TG_SHOW_ENDED, TG_SHOW_REHEARSAL };
/* "scheduled", "live", "ended", "rehearsal" (live to staff only). */
const char *tg_show_state_name(enum tg_show_state state);

/* A publisher came, went, fell silent, or was refused in plain words (shown to staff). */
struct tg_live_source {
    struct tg_msg head; /* TG_MSG_LIVE_SOURCE */
    uint16_t show;
    bool change; /* false: only the notice is news */
    enum tg_air_state state;
    enum tg_source_kind kind;
    uint32_t generation;
    char publisher[TG_PUBLISHER_SIZE];
    char notice[160]; /* "" = none; e.g. "Turn B-frames off ..." */
};

/* What is wrong with a publisher's line, as the server sees it; names go over the wire. */
enum tg_uplink_trouble {
    TG_UPLINK_LOW,     /* "low": bitrate below what a good picture needs */
    TG_UPLINK_FALLING, /* "falling": bitrate fell by half within seconds */
    TG_UPLINK_LOSS,    /* "loss": packets lost on the way in, before repair */
    TG_UPLINK_JITTER,  /* "jitter": packets come in bursts */
    TG_UPLINK_FROZEN,  /* "frozen": connected, but no new pictures */
    TG_UPLINK_SILENT,  /* "silent": no sound, or silence only */
    TG_UPLINK_CLIPPED, /* "clipped": sound at the ceiling */
    TG_UPLINK_TROUBLE_COUNT
};
const char *tg_uplink_trouble_name(enum tg_uplink_trouble trouble);

/* The publisher's line in the last second, once a second; staff see it as `uplink`. */
struct tg_live_uplink {
    struct tg_msg head; /* TG_MSG_LIVE_UPLINK */
    uint16_t show;
    enum tg_source_kind kind;
    char publisher[TG_PUBLISHER_SIZE];
    uint32_t video_bps;
    uint32_t audio_bps;
    uint16_t width; /* of the best layer's last keyframe; 0 = not known */
    uint16_t height;
    uint16_t frames;        /* of the best layer in this second */
    uint16_t loss_permille; /* lost on the way in, before repair */
    uint16_t unrepaired_permille;
    int32_t jitter_ms;  /* -1 = not known */
    int32_t rtt_ms;     /* -1 = not known */
    int16_t audio_dbov; /* loudest of the second, -127..0; 1 = not known */
    uint32_t troubles;  /* 1 << enum tg_uplink_trouble */
};

/* One line of a show's timeline, as JSON without newline. */
struct tg_journal_append {
    struct tg_msg head; /* TG_MSG_JOURNAL */
    uint16_t show;
    struct tg_slab *line;
};

#endif
