/*
 * rtc_worker.h - one thread that runs WebRTC sessions on one UDP port, and the TCP port of the same
 * number (ICE-TCP) for networks that block UDP.
 *
 * The worker owns the sockets, the loop, the sessions (each a tg_peer), their addresses and
 * deadlines, and answers PATCH (trickle and ICE restarts) and DELETE. What a session is for - a
 * viewer (fanout), a publisher (ingest) - is a handler's business. All handler functions run on the
 * worker's thread.
 *
 *   one turn: datagrams in (bounded) -> peers -> handlers; mailbox; due deadlines; each handler's
 *   on_turn (fan-out drains its frame rings here); everything queued goes out in batches
 *
 * No allocation per packet. Datagrams of unknown sources cost a look-up and a counter.
 */
#ifndef TG_NET_RTC_WORKER_H
#define TG_NET_RTC_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/rng.h"
#include "msg/rtc.h"
#include "net/udp.h"
#include "proto/sdp.h"
#include "rtc/peer.h"

enum {
    TG_RTC_SESSIONS_MAX = 20000, /* of one worker; a viewer's costs 13 KiB once it is connected */
    TG_RTC_HANDSHAKES_MAX =
        2000, /* sessions that are not connected yet: bounds a flood of offers */
    TG_RTC_ADVERTISE_MAX = 8,
    TG_RTC_HANDLERS_MAX = 4,
    TG_RTC_BATCHES_PER_TURN = 8, /* receive batches of one turn: 512 datagrams */
    TG_RTC_ETAG_SIZE = 17,       /* 96 random bits as base64url, NUL */
};

struct tg_rtc_worker;

/* One session as handlers see it. Valid from open until on_closed returns. */
struct tg_rtc_session {
    struct tg_peer *peer;  /* for tg_peer_tx, tg_peer_remote */
    struct tg_addr remote; /* where media goes, port 0 = not known yet */
    bool connected;        /* SRTP keys are there */
    bool stalled;          /* its TCP connection had no room for a packet: on_writable follows */
    void *user;            /* the handler's own */
    const struct tg_rtc_handler *handler;
    char id[TG_RTC_SESSION_SIZE];
    char ufrag[TG_ICE_LOCAL_UFRAG + 1]; /* ours */
    char pwd[TG_ICE_LOCAL_PWD + 1];
    char etag[TG_RTC_ETAG_SIZE]; /* names the ICE session: a restart changes all three */
    uint16_t show;
    bool publisher; /* a WHIP session, else WHEP */
    char name[24];  /* a publisher's, for the reply; its handler sets it (msg/media.h); "" = none */
    uint32_t ordinal; /* for logs: counts up from 1 */
};

/* Unused functions may be NULL. ctx is the handler's state for this one worker. */
struct tg_rtc_handler {
    const char *name;
    void *ctx;
    /* First on the thread. An error ends the start. */
    tg_err (*on_start)(void *ctx, struct tg_rtc_worker *w);
    /*
     * A request other than PATCH, DELETE and STOP. True: it is this handler's, and the handler
     * answers (tg_rtc_reply). SHOW_ADD and REHEARSE are given to every handler whatever they
     * return. The worker frees the request after the call.
     */
    bool (*on_request)(void *ctx, struct tg_rtc_req *req, tg_us now);
    void (*on_connected)(void *ctx, struct tg_rtc_session *s, tg_us now);
    /* The peer's address changed; s->remote is the new one. Not called for the first address. */
    void (*on_moved)(void *ctx, struct tg_rtc_session *s, tg_us now);
    /* Plaintext, valid during the call. */
    void (*on_rtp)(void *ctx, struct tg_rtc_session *s, struct tg_span packet, tg_us now);
    void (*on_rtcp)(void *ctx, struct tg_rtc_session *s, struct tg_span packet, tg_us now);
    /* tg_rtc_reserve had no room for it, and now there is some (TCP). */
    void (*on_writable)(void *ctx, struct tg_rtc_session *s, tg_us now);
    /* The session is over, whatever the reason; s is freed after the call. */
    void (*on_closed)(void *ctx, struct tg_rtc_session *s, enum tg_peer_reason reason, tg_us now);
    /* Once a loop turn, after input. */
    void (*on_turn)(void *ctx, tg_us now);
    /* When on_turn must run at the latest; TG_US_NEVER = only with input or a wake. */
    tg_us (*deadline)(void *ctx, tg_us now);
    /* Last on the thread; all sessions are closed by then. */
    void (*on_stop)(void *ctx, tg_us now);
};

/* Copied, but for the handlers: they must outlive the worker. */
struct tg_rtc_worker_cfg {
    unsigned index;        /* begins the session ids; names the thread rtc-<index> */
    struct tg_addr listen; /* port = this worker's own, 0 = any free one */
    bool tcp;              /* ICE-TCP too, on the TCP port of the same number */
    tg_us tcp_lost_us;     /* a viewer whose connection broke may come back; 0 = the limit's */
    /* Addresses for candidates; ports are filled in. count 0: tg_rtc_advertise_default. */
    struct tg_addr advertise[TG_RTC_ADVERTISE_MAX];
    size_t advertise_count;
    const struct tg_rtc_handler *handlers[TG_RTC_HANDLERS_MAX];
    size_t handler_count;
};

/*
 * Binds, makes the DTLS certificate, starts the thread and waits until every on_start has run.
 * Errors: NOMEM, IO (port in use ...), or on_start's.
 */
TG_MUST_CHECK tg_err tg_rtc_worker_start(struct tg_rtc_worker **ret,
                                         const struct tg_rtc_worker_cfg *cfg);
/* Ends the sessions with close_notify, joins, frees. NULL is legal. Posters must have ended. */
void tg_rtc_worker_stop(struct tg_rtc_worker *w);
/* Any thread: where tg_rtc_req messages go. A full box answers LIMIT, as every mailbox. */
struct tg_mailbox *tg_rtc_worker_mailbox(struct tg_rtc_worker *w);
/* Any thread: run a turn soon, for example because a frame ring has something. Cheap to repeat. */
void tg_rtc_worker_wake(struct tg_rtc_worker *w);
/* Any thread: the address it listens on, with the real port. */
struct tg_addr tg_rtc_worker_addr(const struct tg_rtc_worker *w);
/* Any thread: how busy it is, 0..1000, smoothed over seconds; the whole process counts too. */
unsigned tg_rtc_load_permille(const struct tg_rtc_worker *w);

/*
 * What to advertise when the configuration is silent: the interfaces' addresses, and 127.0.0.1
 * when there is none or `listen` is loopback or loopback is asked for (demo). A listen address that
 * is not "any" is advertised alone.
 */
size_t tg_rtc_advertise_default(struct tg_addr *out, size_t max, const struct tg_addr *listen,
                                bool with_loopback);

/* --- for handlers, on the worker's thread ----------------------------------------------------- */

struct tg_rtc_open {
    const char *remote_ufrag;
    const char *remote_pwd;
    const uint8_t *remote_sha256; /* TG_FINGERPRINT_LEN bytes */
    tg_us consent_us;             /* patience with a silent peer; 0 = TG_ICE_CONSENT_US */
    uint16_t show;                /* PATCH and DELETE must name it, and the kind */
    bool publisher;
    bool receives; /* the other side sends RTP: costs libsrtp's 40 KB, see tg_peer_cfg */
    void *user;
};

/*
 * A new session that waits for the peer's first check; fill the answer from tg_rtc_local.
 * Errors: LIMIT (too many sessions or handshakes), NOMEM, IO.
 */
TG_MUST_CHECK tg_err tg_rtc_open(struct tg_rtc_worker *w, const struct tg_rtc_handler *handler,
                                 const struct tg_rtc_open *cfg, tg_us now,
                                 struct tg_rtc_session **ret);
/* Our side of the session's description: credentials, fingerprint, candidates, a session id. The
 * SSRCs, cname and stream id stay as they are. Points into s and w. */
void tg_rtc_local(struct tg_rtc_worker *w, const struct tg_rtc_session *s,
                  struct tg_sdp_local *inout);
/* close_notify, then on_closed later in this turn, not inside the call. Twice is legal. */
void tg_rtc_close(struct tg_rtc_worker *w, struct tg_rtc_session *s, tg_us now);
/*
 * Answer a request. answer is copied (NULL = none), detail may be NULL. s is NULL on errors.
 * Does nothing when nobody waits.
 */
void tg_rtc_reply(const struct tg_rtc_req *req, tg_err err, const char *detail,
                  const struct tg_rtc_session *s, const struct tg_buf *answer);
/* OK to TG_RTC_LAYER. */
struct tg_rtc_layers {
    int8_t layer; /* see msg/rtc.h */
    int8_t pin;
    struct tg_rtc_layer layers[TG_LAYERS_MAX];
};
void tg_rtc_reply_layers(const struct tg_rtc_req *req, const struct tg_rtc_session *s,
                         const struct tg_rtc_layers *now);
/* The session with that id, of any show and kind; NULL = there is none, or it is ending. */
struct tg_rtc_session *tg_rtc_find(struct tg_rtc_worker *w, const char *id);
/* A refusal with LIMIT that tells when to ask again; position 0 and ticket "" = no place. */
void tg_rtc_reply_wait(const struct tg_rtc_req *req, const char *detail, uint32_t position,
                       uint16_t retry_s, const char *ticket);
/*
 * The send path: room for one packet of at most cap <= TG_UDP_PACKET_MAX bytes to the session's
 * peer, by UDP (net/udp.h) or its TCP connection; then commit what was written, or nothing. Packets
 * leave at the end of the turn, or earlier when the arena is full. Packets to one viewer that are
 * committed one after another and have one size leave as one segmented send. NULL: no room now. By
 * UDP the packet is dropped and counted; by TCP on_writable follows.
 */
uint8_t *tg_rtc_reserve(struct tg_rtc_worker *w, struct tg_rtc_session *s, size_t cap);
void tg_rtc_commit(struct tg_rtc_worker *w, struct tg_rtc_session *s, size_t len);
/* The packets to one peer are complete: what waits may leave now (tg_udp_pass). */
void tg_rtc_pass(struct tg_rtc_worker *w);
/* Protects a compound RTCP packet and queues it. False: not connected or no room; it is dropped. */
bool tg_rtc_send_rtcp(struct tg_rtc_worker *w, struct tg_rtc_session *s, const uint8_t *packet,
                      size_t len);
struct tg_rng *tg_rtc_rng(struct tg_rtc_worker *w);

#endif
