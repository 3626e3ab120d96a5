/*
 * live.h - the live thread: it runs the show rooms (show/), keeps who is in, and tells the web
 * workers what their sockets get.
 *
 * One thread. Everything comes in by its mailbox (TG_MSG_LIVE_*, msg/msg.h) and is decided in
 * arrival order. Out go WEB_CAST, WEB_SEND and WEB_CUT to web workers, JOURNAL lines to the
 * journal, TG_SALE_SHOW_STATE to sale. Overflow of the mailbox: push back, web workers answer
 * "busy".
 */
#ifndef TG_LIVE_LIVE_H
#define TG_LIVE_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "msg/live.h"
#include "store/registry.h"

struct tg_live;

/* Everything is borrowed until tg_live_free, except texts, which are copied. */
struct tg_live_cfg {
    struct tg_mailbox *const *webs; /* one a web worker */
    size_t web_count;               /* 0..TG_LIVE_WEBS_MAX */
    struct tg_mailbox *journal;     /* NULL = nothing is written */
    const char *journal_dir; /* where shows are read back from when they are added; NULL = no */
    struct tg_registry *registry; /* is told viewers and on_air */
    int32_t stock_band;           /* above it viewers read "many"; 0 = the catalogue's own */
    int64_t chat_slow_ms;         /* slow mode of every show; 0 = off */
    /*
     * A show's state changed, or a show was added that is in rehearsal; before anybody else learns
     * of it. On the live thread: must not block. NULL = nobody wants to know.
     */
    void (*state_changed)(void *ctx, uint16_t show, enum tg_show_state state);
    void *state_ctx;
};

enum { TG_LIVE_WEBS_MAX = 64 };

/* Errors: NOMEM, LIMIT (web_count), IO (eventfd). */
TG_MUST_CHECK tg_err tg_live_new(struct tg_live **ret, const struct tg_live_cfg *cfg);
/* Valid from new to free; may be posted to before start. */
struct tg_mailbox *tg_live_mailbox(struct tg_live *live);
/* Who is told of show.start and show.end (the two services need each other). Before start. */
void tg_live_set_sale(struct tg_live *live, struct tg_mailbox *sale);
/* Start the journal and the web workers' mailboxes before. */
TG_MUST_CHECK tg_err tg_live_start(struct tg_live *live);
/* Handles what was posted before, then ends the thread. Stop web workers and sale first. */
void tg_live_stop(struct tg_live *live);
void tg_live_free(struct tg_live *live);

#endif
