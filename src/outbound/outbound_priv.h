/* outbound_priv.h - one call to an endpoint, and what the files of this room share. */
#ifndef TG_OUTBOUND_OUTBOUND_PRIV_H
#define TG_OUTBOUND_OUTBOUND_PRIV_H

#include <curl/curl.h>

#include "base/buf.h"
#include "outbound/outbound.h"

enum {
    TG_CALL_ANSWER_MAX = 16 * 1024, /* bytes of an answer that are read */
    TG_CALL_HEADERS_MAX = 32 * 1024,
    TG_CALL_KEPT = 512, /* ... and kept until the excerpt is made */
};

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

/* call.c. Begin: body and secrets are ready; errors NOMEM, MALFORMED (a secret), IO (curl). */
TG_MUST_CHECK tg_err tg_call_begin(struct tg_call *call, CURLM *multi,
                                   const struct tg_outbound_cfg *cfg, const struct tg_hook *hook,
                                   const struct tg_hook_message *message, tg_us wall);
/* Fills result: status, duration, error, answer. */
void tg_call_finish(struct tg_call *call, CURLcode code, tg_us now_mono);
/* Frees what the call holds; the slot keeps its result. */
void tg_call_end(struct tg_call *call, CURLM *multi);

#endif
