/*
 * dtls_park.h - what is left of a DTLS 1.2 session once the SRTP keys are exported: some 300 bytes
 * in place of the library's state of tens of kilobytes.
 *
 * Pure. Spec: RFC 6347 s4.1 (records), s4.2.4 (a retransmitted last flight is answered), RFC 5246
 * s6.3 (keys), s7.2 (alerts), RFC 5288 (AES-GCM). Owner: its tg_dtls.
 *
 *   record: type 1, version fe fd, epoch 2, sequence number 6, length 2,
 *           nonce 8, ciphertext, tag 16          (epoch 1; the nonce's first 4 bytes are a key)
 *
 * Only records of epoch 1 that authenticate have an effect: an alert, once, and the peer's
 * Finished, which says that it did not get our last flight. Everything else is ignored, application
 * data and new handshakes as well. One cheap decryption an alert or Finished, none for other types,
 * two a datagram at most: it may come from anybody who can forge a source.
 */
#ifndef TG_PROTO_DTLS_PARK_H
#define TG_PROTO_DTLS_PARK_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"

enum {
    TG_DTLS_PARK_KEY_MAX = 32,    /* AES-256 */
    TG_DTLS_PARK_SALT_LEN = 4,    /* the implicit part of the nonce */
    TG_DTLS_PARK_FLIGHT_MAX = 96, /* ChangeCipherSpec 14 + Finished 61, and some room */
    TG_DTLS_PARK_RESENDS_MAX = 8, /* a peer that still has not got it has no line to us */
    TG_DTLS_PARK_CLOSE_LEN = 39,  /* header 13, nonce 8, alert 2, tag 16 */
};
#define TG_DTLS_PARK_RESEND_US (100 * (tg_us)TG_US_PER_MS)

struct tg_dtls_park_dir {
    uint8_t key[TG_DTLS_PARK_KEY_MAX];
    uint8_t salt[TG_DTLS_PARK_SALT_LEN];
};

/* Copied; wipe it after use. */
struct tg_dtls_park_cfg {
    size_t key_len;                /* 16 or 32 */
    struct tg_dtls_park_dir read;  /* the peer's write keys */
    struct tg_dtls_park_dir write; /* ours */
    uint64_t next_seq;             /* of our next record in epoch 1 */
    uint64_t next_nonce;           /* its explicit nonce: no record of ours had it */
    struct tg_span flight;         /* our last one: whole records, to be sent as one datagram */
};

struct tg_dtls_park;

enum tg_dtls_park_event {
    TG_DTLS_PARK_NOTHING,
    TG_DTLS_PARK_RESEND, /* send tg_dtls_park_flight again */
    TG_DTLS_PARK_CLOSED, /* the peer's close_notify */
    TG_DTLS_PARK_FATAL,  /* the peer's fatal alert */
};

/* Errors: NOMEM; LIMIT (key length, a flight that is empty or too long). */
TG_MUST_CHECK tg_err tg_dtls_park_new(struct tg_dtls_park **ret,
                                      const struct tg_dtls_park_cfg *cfg);
/* Wipes the keys. */
void tg_dtls_park_free(struct tg_dtls_park *p);
/* One datagram of whole records; what follows a broken one is ignored. */
enum tg_dtls_park_event tg_dtls_park_input(struct tg_dtls_park *p, tg_us now, const void *datagram,
                                           size_t len);
/* Valid as long as p. */
struct tg_span tg_dtls_park_flight(const struct tg_dtls_park *p);
/* Our close_notify, a fresh record each time. Errors: IO (OpenSSL refused). */
TG_MUST_CHECK tg_err tg_dtls_park_close(struct tg_dtls_park *p,
                                        uint8_t ret[TG_DTLS_PARK_CLOSE_LEN]);

#endif
