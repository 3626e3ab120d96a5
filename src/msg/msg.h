/*
 * msg.h - the head of every message that threads exchange, and how one is freed.
 *
 * A message is one heap block (base/alloc.h) that begins with struct tg_msg; its kind says which
 * struct it is. Posting it to a mailbox moves the ownership (tg_msg_free is every mailbox's free
 * function). Which thread receives what:
 *
 *   live    LIVE_*   from web workers, sale, media, main         (msg/live.h)
 *   sale    SALE_*   from web workers, live, main                (msg/sale.h)
 *   web-N   WEB_*    from live, sale, rtc workers, read          (msg/web.h)
 *   rtc-N   RTC_*    from web workers, main                      (msg/rtc.h)
 *   media   MEDIA_*  from rtc workers, main, live                (msg/media.h)
 *   journal JOURNAL_* from live                                  (msg/live.h)
 *   read-N  READ_*   from web workers, main                      (msg/sale.h)
 *   outbound HOOK_WORK from sale                                 (msg/webhook.h)
 */
#ifndef TG_MSG_MSG_H
#define TG_MSG_MSG_H

#include <stdint.h>

#include "base/mailbox.h"
#include "base/slab.h"

enum tg_msg_kind {
    TG_MSG_LIVE_JOIN = 1,  /* struct tg_live_join */
    TG_MSG_LIVE_LEAVE,     /* struct tg_live_leave */
    TG_MSG_LIVE_OP,        /* struct tg_live_op */
    TG_MSG_LIVE_CATALOG,   /* struct tg_live_catalog */
    TG_MSG_LIVE_SALE,      /* struct tg_live_sale */
    TG_MSG_LIVE_SHOW,      /* struct tg_live_show: a show exists now */
    TG_MSG_LIVE_SOURCE,    /* struct tg_live_source */
    TG_MSG_LIVE_UPLINK,    /* struct tg_live_uplink */
    TG_MSG_LIVE_RULES,     /* struct tg_live_rules */
    TG_MSG_JOURNAL,        /* struct tg_journal_append */
    TG_MSG_SALE_REQ,       /* struct tg_sale_req */
    TG_MSG_READ_REQ,       /* struct tg_read_req */
    TG_MSG_WEB_CAST,       /* struct tg_web_cast */
    TG_MSG_WEB_SEND,       /* struct tg_web_send */
    TG_MSG_WEB_PERSON,     /* struct tg_web_person */
    TG_MSG_WEB_REPLY,      /* struct tg_web_reply */
    TG_MSG_WEB_CUT,        /* struct tg_web_cut */
    TG_MSG_WEB_EVENTS_END, /* struct tg_web_events_end, from the web worker that was told */
    TG_MSG_RTC_REQ,        /* struct tg_rtc_req */
    TG_MSG_RTC_REPLY,      /* struct tg_rtc_reply, to the web worker that asked */
    TG_MSG_MEDIA,          /* struct tg_media_msg */
    TG_MSG_HOOK_WORK,      /* struct tg_hook_work: outbound to sale (in a request), and back */
};

struct tg_msg {
    enum tg_msg_kind kind;
};

/* Frees any message with what it holds (slabs are unreferenced). NULL is legal. */
void tg_msg_free(void *msg);
/* A zeroed message of `size` bytes with its kind set; NULL when out of memory. */
TG_MUST_CHECK void *tg_msg_new(enum tg_msg_kind kind, size_t size);

/*
 * Where an answer goes: one connection or HTTP request of one web worker (or the admin socket's
 * waiting request). `slot` and `generation` are the receiver's own; a late answer to a connection
 * that is gone is dropped there.
 */
struct tg_conn {
    struct tg_mailbox *mb; /* NULL = nobody waits */
    uint32_t slot;
    uint32_t generation;
};

#endif
