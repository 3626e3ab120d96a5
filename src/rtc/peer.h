/*
 * peer.h - one WebRTC peer: ICE, DTLS and SRTP joined, still without sockets or clocks.
 * Spec: RFC 7983 (demultiplexing), RFC 5764, RFC 8445. Owner: one rtc worker (or the load
 * generator). The one clock below is OpenSSL's own, see proto/dtls.h.
 *
 * After every input, tick and close drain poll; what poll hands out is valid until the next call.
 * Costs are bounded before the peer has proved anything: a first valid check must come within 15 s
 * of tg_peer_new, the DTLS handshake must end within 10 s of that check.
 *
 *   datagram --> first byte 0..3: STUN   20..63: DTLS   128..191: RTP, or RTCP when PT is 64..95
 */
#ifndef TG_RTC_PEER_H
#define TG_RTC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/rng.h"
#include "proto/dtls.h"
#include "proto/ice_lite.h"
#include "proto/srtp.h"

#define TG_PEER_ICE_US (15 * (tg_us)TG_US_PER_S)
#define TG_PEER_DTLS_US (10 * (tg_us)TG_US_PER_S)

enum tg_peer_class { TG_PEER_STUN, TG_PEER_DTLS, TG_PEER_RTP, TG_PEER_RTCP, TG_PEER_JUNK };
/* By the first two bytes only (RFC 7983, RFC 5761 s4). */
enum tg_peer_class tg_peer_classify(const uint8_t *bytes, size_t len);

struct tg_peer;

/* Texts are copied; dtls_ctx and rng must outlive the peer. */
struct tg_peer_cfg {
    bool client; /* active DTLS and controlling ICE: the load generator; false = server */
    /* The other side sends RTP: a publisher's session, the load generator. Costs libsrtp's state;
     * without it RTP is refused (UNSUPPORTED). RTCP goes both ways in any case. */
    bool receives;
    const char *local_ufrag;
    const char *local_pwd;
    const char *remote_ufrag;
    const char *remote_pwd;
    uint8_t remote_sha256[TG_FINGERPRINT_LEN];
    tg_us consent_us; /* patience with a silent peer; 0 = TG_ICE_CONSENT_US */
    struct tg_dtls_ctx *dtls_ctx;
    struct tg_rng *rng;
};

/* Why a peer ended. */
enum tg_peer_reason {
    TG_PEER_OPEN,          /* it has not */
    TG_PEER_ICE_TIMEOUT,   /* no valid check within 15 s */
    TG_PEER_DTLS_TIMEOUT,  /* the handshake did not end within 10 s */
    TG_PEER_DTLS_FAILED,   /* alert, wrong fingerprint, no common profile, library refused */
    TG_PEER_CONSENT,       /* no valid check for consent_us */
    TG_PEER_REMOTE_CLOSED, /* close_notify */
    TG_PEER_LOCAL_CLOSED,  /* tg_peer_close */
};
/* A fixed lower-case token such as "ice_timeout". */
const char *tg_peer_reason_name(enum tg_peer_reason reason);

enum tg_peer_out_kind {
    TG_PEER_OUT_SEND,      /* bytes to addr */
    TG_PEER_OUT_ADDR,      /* route datagrams from addr to this peer */
    TG_PEER_OUT_ADDR_OFF,  /* ... and no longer from this one */
    TG_PEER_OUT_MOVED,     /* tg_peer_remote() is addr now (also the first time) */
    TG_PEER_OUT_RETIRED,   /* the ICE credentials from before the restart are forgotten */
    TG_PEER_OUT_CONNECTED, /* keys are there: tg_peer_tx() works */
    TG_PEER_OUT_RTP,       /* bytes = plaintext RTP packet, inside the input's buffer */
    TG_PEER_OUT_RTCP,      /* bytes = plaintext compound RTCP, inside the input's buffer */
    TG_PEER_OUT_CLOSED,    /* reason; nothing follows, free the peer */
};

struct tg_peer_out {
    enum tg_peer_out_kind kind;
    enum tg_peer_reason reason;
    struct tg_addr addr;
    struct tg_span bytes;
};

/* Errors: NOMEM, LIMIT (credentials of a wrong length or alphabet), IO (OpenSSL). */
TG_MUST_CHECK tg_err tg_peer_new(struct tg_peer **ret, const struct tg_peer_cfg *cfg, tg_us now);
/* Sends nothing. NULL is legal. */
void tg_peer_free(struct tg_peer *p);
/* Client: begin with this address of the server. */
void tg_peer_connect(struct tg_peer *p, tg_us now, const struct tg_addr *to);
/*
 * ICE begins anew with these credentials (tg_ice_restart); DTLS and SRTP go on. LIMIT: credentials
 * of a wrong length or alphabet; CLOSED.
 */
TG_MUST_CHECK tg_err tg_peer_restart(struct tg_peer *p, tg_us now,
                                     const struct tg_ice_creds *creds);
/*
 * One datagram; its bytes are decrypted in place. OK, or why it was of no use (for counters; the
 * peer is as before): MALFORMED, TRUNCATED, UNSUPPORTED (RTP too, to a peer that does not receive),
 * AUTH, CONFLICT (replayed SRTP, ICE role), NOTFOUND (from an address without a valid check, an
 * answer nobody asked for, media before the keys), LIMIT, CLOSED. When DTLS itself fails, CLOSED is
 * in poll.
 */
tg_err tg_peer_input(struct tg_peer *p, tg_us now, const struct tg_addr *from, uint8_t *bytes,
                     size_t len);
void tg_peer_tick(struct tg_peer *p, tg_us now);
bool tg_peer_poll(struct tg_peer *p, struct tg_peer_out *ret);
/* When to tick next. */
tg_us tg_peer_deadline(const struct tg_peer *p, tg_us now);
/* End it: close_notify when connected, then CLOSED(LOCAL_CLOSED), in poll. */
void tg_peer_close(struct tg_peer *p, tg_us now);

bool tg_peer_connected(const struct tg_peer *p);
/* Is the DTLS library's state given up (tg_dtls_park)? */
bool tg_peer_parked(const struct tg_peer *p);
/* Where media goes; NULL before the first valid check. Valid as long as the peer. */
const struct tg_addr *tg_peer_remote(const struct tg_peer *p);
/* Has that address proved the password? */
bool tg_peer_knows(const struct tg_peer *p, const struct tg_addr *addr);
/* Outbound RTP and RTCP, NULL until CONNECTED. Owned by the peer. */
struct tg_srtp_tx *tg_peer_tx(struct tg_peer *p);
/* libsrtp's session (slow RTP of tests), NULL until CONNECTED and without cfg.receives. The peer's.
 */
struct tg_srtp *tg_peer_srtp(struct tg_peer *p);

#endif
