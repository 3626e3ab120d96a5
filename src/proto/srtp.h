/*
 * srtp.h - SRTP and SRTCP with the keys of a DTLS handshake.
 *
 * Spec: RFC 3711 (AES_CM_128_HMAC_SHA1_80), RFC 7714 (AEAD_AES_128_GCM), RFC 5764 s4.2 (key
 * layout). Pure. Owner: one rtc worker per object.
 *
 *   struct tg_srtp_tx   the fast path: outbound RTP, and outbound RTCP
 *   struct tg_srtcp_rx  inbound RTCP
 *   struct tg_srtp      a session on libsrtp: inbound RTP of publishers; the tests' reference
 *
 * Protected packet:   | RTP header | encrypted payload | tag 16 (GCM) or 10 (SHA1_80) |
 * Protected RTCP:     | 8 bytes clear | encrypted | [tag GCM] | E + index 4 | [tag SHA1_80] |
 */
#ifndef TG_PROTO_SRTP_H
#define TG_PROTO_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum tg_srtp_profile { /* values of the use_srtp registry */
                       TG_SRTP_AES128_CM_SHA1_80 = 0x0001,
                       TG_SRTP_AEAD_AES_128_GCM = 0x0007,
};

enum {
    TG_SRTP_KEY_LEN = 16,
    TG_SRTP_SALT_MAX = 14,        /* CM uses 14 bytes, GCM 12 */
    TG_SRTP_RTP_TRAILER = 16,     /* most that protecting adds to an RTP packet */
    TG_SRTP_RTCP_TRAILER = 24,    /* most that protecting adds to a compound RTCP packet */
    TG_SRTP_TX_STREAMS_MAX = 8,   /* SSRCs of one viewer: video, rtx, audio and spare */
    TG_SRTCP_RX_SOURCES_MAX = 16, /* SSRCs that one peer reports from: TG_RECEIVER_SSRCS */
};

/* Secret: tg_srtp_keys_wipe() when the session's objects are made. */
struct tg_srtp_keys {
    enum tg_srtp_profile profile;
    uint8_t client_key[TG_SRTP_KEY_LEN];
    uint8_t server_key[TG_SRTP_KEY_LEN];
    uint8_t client_salt[TG_SRTP_SALT_MAX];
    uint8_t server_salt[TG_SRTP_SALT_MAX];
};

/* Which end of the DTLS handshake we are: sends with its own key, receives with the other's. */
enum tg_srtp_side { TG_SRTP_SERVER, TG_SRTP_CLIENT };

/* 12 or 14. */
size_t tg_srtp_salt_len(enum tg_srtp_profile profile);
void tg_srtp_keys_wipe(struct tg_srtp_keys *keys);

/* --- session on libsrtp: inbound RTP ---------------------------------------------------------- */

struct tg_srtp;

/*
 * Initialises libsrtp on first use (any thread): 50 ms on Debian, so a worker makes one at its
 * start. Keys are copied. About 0.7 ms for GCM: per session, never per packet. Errors: NOMEM,
 * UNSUPPORTED (profile), IO (the library refused).
 */
TG_MUST_CHECK tg_err tg_srtp_new(struct tg_srtp **ret, const struct tg_srtp_keys *keys,
                                 enum tg_srtp_side side);
void tg_srtp_free(struct tg_srtp *srtp);

/*
 * In place; *ret_len <= len. Replay window 1024 packets per SSRC. Any number of SSRCs.
 * Errors: MALFORMED (too short, not RTP/RTCP), CONFLICT (replayed or older than the window),
 * AUTH (wrong tag). The bytes are undefined after an error.
 */
TG_MUST_CHECK tg_err tg_srtp_unprotect_rtp(struct tg_srtp *srtp, uint8_t *packet, size_t len,
                                           size_t *ret_len);
TG_MUST_CHECK tg_err tg_srtp_unprotect_rtcp(struct tg_srtp *srtp, uint8_t *packet, size_t len,
                                            size_t *ret_len);
/*
 * For tests: a peer's RTCP goes through tg_srtp_tx and tg_srtcp_rx. One compound RTCP packet of len
 * bytes (multiple of 4, the buffer aligned to 4) in a buffer of cap bytes, in place. Errors: LIMIT
 * (cap < len + TG_SRTP_RTCP_TRAILER), MALFORMED, IO.
 */
TG_MUST_CHECK tg_err tg_srtp_protect_rtcp(struct tg_srtp *srtp, uint8_t *packet, size_t len,
                                          size_t cap, size_t *ret_len);
/*
 * Slow outbound RTP through libsrtp, same contract as protect_rtcp with TG_SRTP_RTP_TRAILER: for
 * tests and publishers' tools. Never mix with a tg_srtp_tx for the same SSRC.
 */
TG_MUST_CHECK tg_err tg_srtp_protect_rtp(struct tg_srtp *srtp, uint8_t *packet, size_t len,
                                         size_t cap, size_t *ret_len);

/* --- fast path: outbound RTP and RTCP --------------------------------------------------------- */

/*
 * The ciphers' engine is chosen once, by the CPU, at the first use (any thread, about 1 ms; the
 * others wait): Intel's multi-buffer library on x86-64 with AES-NI, OpenSSL's EVP elsewhere. Its
 * calls keep no state between packets, so objects of different threads share nothing.
 */
struct tg_srtp_tx;

/* "ipsec-mb-vaes", "ipsec-mb" or "evp". */
const char *tg_srtp_tx_engine_name(void);

enum tg_srtp_tx_engine { TG_SRTP_TX_BEST, TG_SRTP_TX_EVP, TG_SRTP_TX_IPSEC_MB };
/*
 * Tests and measurements: objects made from now on, in all threads, use this engine; those that
 * are there keep theirs. UNSUPPORTED: not on this machine; the choice is as before.
 */
TG_MUST_CHECK tg_err tg_srtp_tx_engine(enum tg_srtp_tx_engine which);

/*
 * Derives and expands the session keys: about 4 us, 1.4 KB in one block (evp: 2.7 KB in some). Keys
 * are copied, and wiped by free. Errors: NOMEM, UNSUPPORTED, IO.
 */
TG_MUST_CHECK tg_err tg_srtp_tx_new(struct tg_srtp_tx **ret, const struct tg_srtp_keys *keys,
                                    enum tg_srtp_side side);
void tg_srtp_tx_free(struct tg_srtp_tx *tx);

/* Asks the cache for what protect will read: for the next viewer, while this one is served. */
void tg_srtp_tx_warm(const struct tg_srtp_tx *tx);

/* Bytes that protecting adds to RTP: 16 for GCM, 10 for SHA1_80. */
size_t tg_srtp_tx_trailer(const struct tg_srtp_tx *tx);

struct tg_srtp_plain {
    struct tg_span header;  /* whole RTP header with CSRCs and extensions, 12 bytes or more */
    struct tg_span prefix;  /* start of the payload (RTX: the OSN); empty = none, the fast case */
    struct tg_span payload; /* rest of the payload */
};

/*
 * Writes the protected packet to out: no allocation, one pass over the payload where it lies. SSRC
 * and sequence number are read from the header; the roll-over counter is kept per SSRC (0 at its
 * first packet), a sequence number at most 2^15 behind the newest is its retransmission. A
 * retransmission on the same SSRC must be identical byte for byte, header included: the nonce
 * repeats, and a different plaintext under it would give the key stream away. Inputs must not
 * overlap out, except that header may be out itself. Errors: LIMIT (cap, or more than
 * TG_SRTP_TX_STREAMS_MAX SSRCs), MALFORMED (header), IO.
 */
TG_MUST_CHECK tg_err tg_srtp_tx_protect(struct tg_srtp_tx *tx, const struct tg_srtp_plain *in,
                                        uint8_t *out, size_t cap, size_t *ret_len);
/*
 * One compound RTCP packet of len bytes (multiple of 4) in a buffer of cap bytes, in place; no
 * allocation. The SRTCP index is one for all SSRCs of the session, 0 at its first packet (RFC 3711
 * s3.4). Errors: LIMIT (cap < len + TG_SRTP_RTCP_TRAILER, or 2^31 packets), MALFORMED, IO.
 */
TG_MUST_CHECK tg_err tg_srtp_tx_protect_rtcp(struct tg_srtp_tx *tx, uint8_t *packet, size_t len,
                                             size_t cap, size_t *ret_len);

/* --- inbound RTCP ----------------------------------------------------------------------------- */

struct tg_srtcp_rx;

/* With the other side's key. Under 0.5 KB (evp and SHA1_80: 1.5 KB). NOMEM, UNSUPPORTED, IO. */
TG_MUST_CHECK tg_err tg_srtcp_rx_new(struct tg_srtcp_rx **ret, const struct tg_srtp_keys *keys,
                                     enum tg_srtp_side side);
void tg_srtcp_rx_free(struct tg_srtcp_rx *rx);
/*
 * In place; *ret_len < len; no allocation. Replay window of 64 packets for each sender SSRC.
 * Errors: MALFORMED (too short, not RTCP, E bit clear: not encrypted), CONFLICT (replayed or older
 * than the window), AUTH (wrong tag), LIMIT (authentic, but of an SSRC beyond
 * TG_SRTCP_RX_SOURCES_MAX: nothing is forgotten, or old packets could come again). The bytes are
 * undefined after an error.
 */
TG_MUST_CHECK tg_err tg_srtcp_rx_unprotect(struct tg_srtcp_rx *rx, uint8_t *packet, size_t len,
                                           size_t *ret_len);

#endif
