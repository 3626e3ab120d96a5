/*
 * dtls.h - DTLS 1.2 for WebRTC: handshake, fingerprints, SRTP keys, close.
 *
 * Spec: RFC 6347, RFC 5763, RFC 5764, RFC 8122 (fingerprint). Sans-IO around OpenSSL, except that
 * OpenSSL keeps the retransmission timer on its own clock (CONVENTIONS s5, known hole).
 * Owner: one rtc worker; a tg_dtls_ctx is shared by the sessions of that worker only.
 *
 * Use: input each datagram that tg_dtls_is_record() accepts, tick at the deadline; after either,
 * take all output with poll and look at the state. When CONNECTED, export the keys once.
 * A post-quantum ClientHello comes in two datagrams; both are simply input.
 * A server may then park the session: the library's state goes, 50 KiB of it.
 */
#ifndef TG_PROTO_DTLS_H
#define TG_PROTO_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"
#include "proto/srtp.h"

enum {
    TG_DTLS_MTU = 1200,      /* largest datagram made; the same bound as for RTP (RFC 8854 s5) */
    TG_DTLS_OUT_MAX = 16,    /* datagrams queued between polls; a flight of ours is at most 4 */
    TG_DTLS_INPUT_MAX = 200, /* datagrams until it is parked: handshake with loss, alerts */
    TG_FINGERPRINT_LEN = 32, /* SHA-256 */
    TG_FINGERPRINT_TEXT_SIZE = 96, /* 32 upper-case hex pairs with colons, NUL */
};

/* First byte 20..63 (RFC 7983), known content type, version 0xFEFx, length within the datagram. */
bool tg_dtls_is_record(const void *datagram, size_t len);

/* "AB:CD:..." of 32 pairs, either case. MALFORMED otherwise. Text need not be NUL-terminated. */
TG_MUST_CHECK tg_err tg_fingerprint_parse(uint8_t ret_sha256[TG_FINGERPRINT_LEN], const char *text,
                                          size_t len);
void tg_fingerprint_write(char out[TG_FINGERPRINT_TEXT_SIZE],
                          const uint8_t sha256[TG_FINGERPRINT_LEN]);

/* --- per worker ----------------------------------------------------------------------------- */

struct tg_dtls_ctx;

/* A fresh self-signed ECDSA P-256 certificate. Errors: NOMEM, IO (OpenSSL refused). */
TG_MUST_CHECK tg_err tg_dtls_ctx_new(struct tg_dtls_ctx **ret);
/* After all its sessions. */
void tg_dtls_ctx_free(struct tg_dtls_ctx *ctx);
/* SHA-256 of our certificate, for `a=fingerprint:sha-256 ...`; valid as long as ctx. */
const uint8_t *tg_dtls_ctx_fingerprint(const struct tg_dtls_ctx *ctx);
const char *tg_dtls_ctx_fingerprint_text(const struct tg_dtls_ctx *ctx);

/* --- per session ---------------------------------------------------------------------------- */

struct tg_dtls;

enum tg_dtls_state {
    TG_DTLS_HANDSHAKE,
    TG_DTLS_CONNECTED,
    TG_DTLS_CLOSED, /* close_notify came or was sent */
    TG_DTLS_FAILED, /* alert, wrong fingerprint, no common SRTP profile, timeout, limit */
};

struct tg_dtls_cfg {
    enum tg_srtp_side role;                  /* server (a=setup:passive) or client */
    uint8_t peer_sha256[TG_FINGERPRINT_LEN]; /* from the peer's SDP */
};

/* Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_dtls_new(struct tg_dtls **ret, struct tg_dtls_ctx *ctx,
                                 const struct tg_dtls_cfg *cfg);
/* Sends nothing; call tg_dtls_close and drain poll first to be polite. */
void tg_dtls_free(struct tg_dtls *d);

/* Client: makes the ClientHello. Server: nothing to do, legal. */
TG_MUST_CHECK tg_err tg_dtls_start(struct tg_dtls *d);
/*
 * One datagram. Errors: AUTH (fingerprint or no SRTP profile: state FAILED), CLOSED (session is
 * over), LIMIT (longer than TG_UDP_PACKET_MAX, or too many datagrams: FAILED), IO (FAILED: the
 * peer broke the protocol). Junk that DTLS silently discards is OK.
 */
TG_MUST_CHECK tg_err tg_dtls_input(struct tg_dtls *d, tg_us now, const void *datagram, size_t len);
/* Retransmits when due. TIMEOUT (FAILED): the peer stayed silent too long. */
TG_MUST_CHECK tg_err tg_dtls_tick(struct tg_dtls *d, tg_us now);
/* When to tick next; TG_US_NEVER when nothing is pending. */
tg_us tg_dtls_deadline(const struct tg_dtls *d, tg_us now);
/* The next datagram to send, in order; {NULL, 0} = none. Valid until the next call. */
struct tg_span tg_dtls_poll(struct tg_dtls *d);
/* How long that one is, 0 = none. It stays there. */
size_t tg_dtls_next_len(const struct tg_dtls *d);
/* Queues close_notify when connected; the state is CLOSED after that. */
void tg_dtls_close(struct tg_dtls *d);

enum tg_dtls_state tg_dtls_state(const struct tg_dtls *d);
/* AGAIN unless CONNECTED (or closed after that); CLOSED when parked; IO. Wipe *ret after use. */
TG_MUST_CHECK tg_err tg_dtls_export(struct tg_dtls *d, struct tg_srtp_keys *ret);
/*
 * Server, once the keys are exported: gives up OpenSSL's state and keeps what answers a peer that
 * lost our last flight, understands its close_notify and writes ours (dtls_park.h). Datagrams still
 * in poll stay there. Errors change nothing, the session goes on with the library: AGAIN (not
 * connected), UNSUPPORTED (a client, a suite other than AES-GCM), NOMEM, IO.
 */
TG_MUST_CHECK tg_err tg_dtls_park(struct tg_dtls *d);
bool tg_dtls_parked(const struct tg_dtls *d);

#endif
