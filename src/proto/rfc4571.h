/*
 * rfc4571.h - packets on a stream: each has its length in front.
 * Pure. Spec: RFC 4571 s2 (as ICE-TCP uses it: RFC 6544 s3). Owner: one TCP connection.
 *
 *    0                   1                   2
 *   +-------------------+-------------------+----------- - -
 *   | length (16 bits, big-endian)          | one packet
 *   +-------------------+-------------------+----------- - -
 *
 * torg's packets are never empty (RFC 4571 allows it; ICE, DTLS and SRTP have none) and never
 * longer than a datagram may be.
 */
#ifndef TG_PROTO_RFC4571_H
#define TG_PROTO_RFC4571_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"

enum { TG_RFC4571_HEAD = 2 };

/* Zero-initialise. Members are private. */
struct tg_rfc4571 {
    uint16_t have; /* bytes of the present frame, its head included */
    uint8_t head[TG_RFC4571_HEAD];
    _Alignas(8) uint8_t packet[TG_UDP_PACKET_MAX]; /* libsrtp reads words */
};

/*
 * The next packet of the stream, taken from what was read before and from `in`, which moves on. OK:
 * *ret_packet may be written to and is valid until the next call. AGAIN: `in` is used up.
 * MALFORMED: a length of zero; LIMIT: above TG_UDP_PACKET_MAX: the stream cannot be read any
 * further.
 */
TG_MUST_CHECK tg_err tg_rfc4571_next(struct tg_rfc4571 *r, struct tg_rd *in, uint8_t **ret_packet,
                                     size_t *ret_len);
/* The head of a packet of len <= 65535 bytes. */
void tg_rfc4571_head(uint8_t out[TG_RFC4571_HEAD], size_t len);

#endif
