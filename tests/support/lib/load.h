/*
 * load.h - the viewers of whep_load: many players in one process, each a real peer. Joined by WHEP
 * or, where a server offers first, by an offer that is handed in; measured by rx_meter.
 * Owner: the loop's thread.
 */
#ifndef TESTS_SUPPORT_LOAD_H
#define TESTS_SUPPORT_LOAD_H

#include <stdio.h>

#include "base/addr.h"
#include "base/limits.h"
#include "base/rng.h"
#include "net/loop.h"
#include "proto/ice_lite.h"
#include "proto/sdp.h"
#include "proto/twcc_rx.h"
#include "rtc/peer.h"
#include "support/lib/histogram.h"
#include "support/lib/http_once.h"
#include "support/lib/many_udp.h"
#include "support/lib/rx_meter.h"

enum {
    LOAD_TICK_US = 10 * TG_US_PER_MS,
    LOAD_JOIN_US_MAX = 15 * TG_US_PER_S,
    LOAD_SLOTS = 1 << 16,
};

enum viewer_state { IDLE, POSTING, JOINING, WATCHING };

struct load;

struct viewer {
    struct load *load;
    enum viewer_state state;
    uint32_t serial; /* of this join = its endpoint */
    bool verify;     /* decrypts everything */
    tg_us due;       /* nothing to do by the clock before */
    tg_us next_report;
    tg_us last_packet;
    struct rx_meter meter;
    struct tg_peer *peer;
    struct tg_twcc_rx *twcc; /* NULL = not negotiated */
    uint32_t twcc_ssrc;      /* whose packets it is about */
    tg_us began;             /* the POST, or what the offer came with */
    tg_us first_packet;      /* of video, 0 = none yet */
    struct http_once *http;
    char ufrag[TG_ICE_LOCAL_UFRAG + 1];
    char pwd[TG_ICE_LOCAL_PWD + 1];
    char location[256];
};

struct load_totals {
    uint64_t joins;
    uint64_t joined;
    uint64_t failed;
    uint64_t leaves;
    uint64_t ended_by_server;
    uint64_t packets;
    uint64_t bytes;
    uint64_t lost;
    uint64_t verified;
    uint64_t verified_lost;
    uint64_t decrypt_errors;
    uint64_t http_errors;
};

/* Since the last "mark"; latencies of those who were watching then. */
struct load_window {
    bool on;
    tg_us began;
    double cpu_s; /* of this process, at the begin */
    uint64_t overflows;
    struct load_totals totals;
    struct histogram latency;
};

/* Since the last "grow". */
struct load_joins {
    tg_us asked_first; /* when the first and the last of them began */
    tg_us asked_last;
    struct histogram packet; /* began -> first video packet */
    struct histogram frame;  /* ... -> the first frame that came is complete */
    struct histogram key;    /* ... -> a keyframe is complete; of those who decrypt */
};

struct load {
    /* from the command line */
    struct tg_addr http;
    char show[TG_SHOW_ID_MAX + 1];
    size_t viewers_max;
    tg_us seconds_us;
    unsigned verify_every;
    tg_us hold_us;
    bool send_delete;
    uint32_t first_ip; /* of the viewers, see many_udp.h */
    bool gro;
    bool twcc;
    bool controlled; /* by lines on stdin */

    /* these, "grow" changes */
    size_t viewers_wanted;
    unsigned ramp; /* joins a second */
    uint64_t joins_max;

    struct tg_loop *loop;
    struct many_udp *udp;
    struct tg_dtls_ctx *dtls;
    struct tg_rng rng;
    struct tg_sdp *sdp;
    struct viewer *viewers;
    struct viewer **slots; /* by endpoint mod LOAD_SLOTS */
    size_t http_open;      /* DELETE requests under way */
    uint32_t serial;
    tg_us began;
    tg_us next_join;
    tg_us now; /* of the loop's turn */
    struct load_totals t;
    struct histogram join; /* began -> first video packet, all of them */
    struct load_joins joins;
    struct load_window window;
};

/* All memory and sockets; what the command line says must be set. Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err load_init(struct load *l);
void load_done(struct load *l);
/* Seconds of CPU that this process took. */
double load_cpu_s(void);

/* POST an offer. v must be IDLE. */
void viewer_join(struct load *l, struct viewer *v, tg_us now);
/*
 * A server's offer: connects to its first candidate and writes our answer. v must be IDLE; it is
 * again after an error: MALFORMED, UNSUPPORTED (no H.264), NOMEM, LIMIT, IO.
 */
TG_MUST_CHECK tg_err viewer_answer(struct load *l, struct viewer *v, tg_us now, const char *offer,
                                   size_t offer_len, struct tg_buf *answer);
/* close_notify and DELETE; IDLE after it. */
void viewer_leave(struct load *l, struct viewer *v, tg_us now);
/* To be called every LOAD_TICK_US. */
void viewer_tick(struct load *l, struct viewer *v, tg_us now);
/* Reads what has come for all of them. */
void load_receive(struct load *l, tg_us now);

/* Writes what a player answers to an offer of one H.264 m-line; UNSUPPORTED: it has none. */
TG_MUST_CHECK tg_err load_write_answer(struct tg_buf *out, const struct tg_sdp_media *m,
                                       const struct tg_sdp_local *local, const char *fingerprint);

/* Lines of JSON on stdin, see load_control.c. Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err load_control_start(struct load *l);
void load_control_stop(struct load *l);
/* Tells what a command waits for; to be called with every tick. */
void load_control_tick(struct load *l, tg_us now);

#endif
