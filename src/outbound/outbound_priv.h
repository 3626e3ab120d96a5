/* outbound_priv.h - one call to an endpoint, the thread, and what the files of this room share. */
#ifndef TG_OUTBOUND_OUTBOUND_PRIV_H
#define TG_OUTBOUND_OUTBOUND_PRIV_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/log.h"
#include "outbound/outbound.h"

enum {
    TG_CALL_ANSWER_MAX = 16 * 1024, /* bytes of an answer that are read */
    TG_CALL_HEADERS_MAX = 32 * 1024,
    TG_CALL_KEPT = 512,     /* ... and kept until the excerpt is made */
    TG_OUTBOUND_SLOTS = 32, /* calls at a time */
};
_Static_assert((int)TG_OUTBOUND_SLOTS <= (int)TG_HOOK_BATCH, "all slots fit one message");

enum tg_slot_state {
    TG_SLOT_FREE,
    TG_SLOT_ASKED, /* sale was asked for the lease */
    TG_SLOT_CALLING,
    TG_SLOT_RESULT, /* result waits to be told to sale */
    TG_SLOT_TOLD,   /* sale has it */
};

struct tg_call {
    enum tg_slot_state state;
    bool in_work;                 /* in the message that sale has */
    struct tg_hook_result result; /* key from ASKED on */
    CURL *easy;
    struct curl_slist *headers;
    struct tg_buf body;
    const struct tg_cidr_list *allow;
    bool plain;   /* http://: only into allowed networks */
    bool refused; /* an address was not allowed */
    bool too_long;
    size_t read;
    size_t header_bytes;
    size_t kept;
    char answer[TG_CALL_KEPT];
    char why[CURL_ERROR_SIZE];
    unsigned tries;       /* attempts of this round before this one */
    tg_us began;          /* monotonic */
    tg_us retry_after_us; /* the endpoint asked for it; -1 = not */
};

/* An endpoint, and how it does in this process. */
struct tg_target {
    struct tg_hook hook;
    unsigned active; /* slots that are not free */
    unsigned failures;
    tg_us hold_until; /* monotonic */
};

struct tg_outbound {
    struct tg_outbound_cfg cfg;
    struct tg_rng rng;
    struct tg_mailbox *mailbox;
    struct tg_thread *thread;
    CURLM *multi;
    struct tg_call slots[TG_OUTBOUND_SLOTS];
    struct tg_target targets[TG_WEBHOOKS_MAX];
    size_t target_count;
    struct tg_hook *fresh; /* while the list is read again: TG_WEBHOOKS_MAX each */
    struct tg_target *kept;
    size_t first; /* whose turn it is */
    bool asked;   /* sale has our message */
    tg_us next_poll;
    struct tg_log_burst read_burst;
};

/* outbound.c. NULL = it is gone. */
struct tg_target *tg_outbound_target(struct tg_outbound *o, int64_t ord);
/* The slot is free again. */
void tg_outbound_release(struct tg_outbound *o, struct tg_call *slot);
size_t tg_outbound_count(const struct tg_outbound *o, enum tg_slot_state state);
void tg_outbound_read_failed(struct tg_outbound *o, tg_us now, tg_err err);

/* attempt.c. The lease is ours: call, unless it is not to be. */
void tg_outbound_begin(struct tg_outbound *o, struct tg_call *slot, tg_us now, tg_us wall);
/* Lets calls go on, and judges those that ended. */
void tg_outbound_run_calls(struct tg_outbound *o);

/* call.c. Begin: body and secrets are ready; errors NOMEM, MALFORMED (a secret), IO (curl). */
TG_MUST_CHECK tg_err tg_call_begin(struct tg_call *call, CURLM *multi,
                                   const struct tg_outbound_cfg *cfg, const struct tg_hook *hook,
                                   const struct tg_hook_message *message, tg_us wall);
/* Fills result: status, duration, error, answer. */
void tg_call_finish(struct tg_call *call, CURLcode code, tg_us now_mono);
/* Frees what the call holds; the slot keeps its result. */
void tg_call_end(struct tg_call *call, CURLM *multi);

#endif
