/*
 * stun.h - STUN messages as ICE uses them: parse into a value, check integrity, write.
 * Pure. Spec: RFC 8489 s5-s7, s14; RFC 8445 s7.1 (ICE attributes).
 *
 *    0                   1                   2                   3
 *   |0 0|   type (14 bits)      |       length (multiple of 4)      |
 *   |                    magic cookie 0x2112A442                    |
 *   |                  transaction id (12 bytes)                    |
 *   |  attribute type | length | value, padded to 4 ...             |
 *
 * Long-term credentials, SHA-256 integrity and the other methods are left out: ICE needs none.
 */
#ifndef TG_PROTO_STUN_H
#define TG_PROTO_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
    TG_STUN_HEADER_SIZE = 20,
    TG_STUN_ID_SIZE = 12,
    TG_STUN_ATTR_USERNAME = 0x0006,
    TG_STUN_UNKNOWN_MAX = 8, /* unknown attribute types that a 420 names */
    TG_STUN_SIZE_MAX = 1024, /* with a USERNAME of 513 bytes; longer ones are refused */
};

enum tg_stun_type {
    TG_STUN_REQUEST = 0x0001,
    TG_STUN_INDICATION = 0x0011,
    TG_STUN_SUCCESS = 0x0101,
    TG_STUN_ERROR = 0x0111,
};

/* Spans point into the parsed bytes (parse) or the caller's memory (write). */
struct tg_stun {
    uint16_t type; /* enum tg_stun_type */
    uint8_t id[TG_STUN_ID_SIZE];
    struct tg_span username; /* data NULL = absent */
    bool has_priority;
    uint32_t priority;
    bool use_candidate;
    bool has_controlling;
    bool has_controlled;
    uint64_t tie_breaker; /* of whichever of the two */
    bool has_mapped;
    struct tg_addr mapped; /* XOR-MAPPED-ADDRESS */
    uint16_t error_code;   /* 0 = absent, else 300..699 */
    /* Comprehension-required attributes (< 0x8000) that torg does not know; a request gets 420. */
    uint8_t unknown_count;
    uint16_t unknown[TG_STUN_UNKNOWN_MAX];
    /* Where MESSAGE-INTEGRITY starts in the message, 0 = absent. Set by parse. */
    uint16_t integrity_at;
    bool has_fingerprint; /* parse: present and right */
};

/* First two bits zero, cookie in place, length fits: cheap, for demultiplexing (RFC 8489 s5). */
bool tg_stun_looks_like(const uint8_t *bytes, size_t len);

/*
 * One whole datagram. TRUNCATED or MALFORMED: not STUN, a length that does not add up, a wrong
 * FINGERPRINT, a known attribute of a wrong size; UNSUPPORTED: a method other than Binding.
 * Attributes behind MESSAGE-INTEGRITY are ignored, but for FINGERPRINT (s14.5).
 */
TG_MUST_CHECK tg_err tg_stun_parse(struct tg_stun *ret, const uint8_t *bytes, size_t len);
/* Short-term credential (s9.1): HMAC-SHA1 under the password over `bytes` as parsed into msg. */
bool tg_stun_check_integrity(const struct tg_stun *msg, const uint8_t *bytes, size_t len,
                             const char *password);
/*
 * Writes the message, MESSAGE-INTEGRITY when password is not NULL, FINGERPRINT always.
 * LIMIT: cap is too small or a field too long.
 */
TG_MUST_CHECK tg_err tg_stun_write(uint8_t *out, size_t cap, size_t *ret_len,
                                   const struct tg_stun *msg, const char *password);

#endif
