/*
 * rtp.h - RTP packets: header, header extensions, RTX payloads. Pure, stateless.
 *
 * Spec: RFC 3550 s5.1, RFC 8285 (extensions), RFC 4588 (RTX), playout-delay (Chromium's
 * rtp-hdrext), abs-capture-time (Chromium's rtp-hdrext).
 *
 *    0                   1                   2                   3
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |                             SSRC                              |
 *   |  CSRC * CC ...                                                |
 *   |  X: profile 0xBEDE            |  length in 32-bit words       |
 *   |  id |len-1| data ...     padded with 0                        |
 */
#ifndef TG_PROTO_RTP_H
#define TG_PROTO_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
    TG_RTP_HEADER_LEN = 12,
    TG_RTP_EXT_ONE_BYTE = 0xBEDE,
    TG_RTP_EXT_TWO_BYTE = 0x1000, /* the high 12 bits */
    TG_RTP_EXT_MAX = 8,           /* elements that the writer takes */
    TG_RTP_HEADER_MAX = 12 + 4 + TG_RTP_EXT_MAX * 17 + 3,
    TG_RTX_OSN_LEN = 2,
};

enum tg_mux { TG_MUX_UNKNOWN, TG_MUX_STUN, TG_MUX_DTLS, TG_MUX_RTP, TG_MUX_RTCP };
/* What a datagram on a bundled WebRTC port is (RFC 7983, RFC 5761 s4). Looks at two bytes. */
enum tg_mux tg_mux_kind(const void *datagram, size_t len);

struct tg_rtp {
    bool marker;
    uint8_t pt;
    uint8_t csrc_count;
    uint8_t padding; /* bytes of padding, already taken off payload */
    uint16_t seq;
    uint32_t ts;
    uint32_t ssrc;
    bool has_ext;
    uint16_t ext_profile;
    struct tg_span ext;     /* extension bytes after the length word; into the input */
    struct tg_span payload; /* into the input */
    size_t header_len;      /* up to the payload */
};

/* Errors: TRUNCATED, MALFORMED (version, padding longer than payload). */
TG_MUST_CHECK tg_err tg_rtp_parse(struct tg_rtp *ret, const void *data, size_t len);

struct tg_rtp_ext {
    uint8_t id; /* 1..14 (one-byte form), 1..255 (two-byte form) */
    uint8_t len;
    const uint8_t *data;
};
/*
 * Walks the elements of both forms. Start with r = tg_rd over ext. false at the end; r->bad then
 * says that the block was broken (what came before still stands, RFC 8285 s4.1.2).
 */
bool tg_rtp_ext_next(uint16_t ext_profile, struct tg_rd *r, struct tg_rtp_ext *ret);
/* First element with that id; false = none. */
bool tg_rtp_ext_find(const struct tg_rtp *rtp, uint8_t id, struct tg_rtp_ext *ret);

/*
 * Header with V=2 and ext_count one-byte elements (id 1..14, len 1..16); pt, marker, seq, ts, ssrc
 * of `rtp` are used, the rest ignored. Too little room, or an element out of range: w->bad.
 */
void tg_rtp_write_header(struct tg_wr *w, const struct tg_rtp *rtp, const struct tg_rtp_ext *exts,
                         size_t ext_count);

/* playout-delay: 12 bits min, 12 bits max, in units of 10 ms; 3 bytes. */
enum { TG_PLAYOUT_DELAY_LEN = 3, TG_ABS_CAPTURE_TIME_LEN = 8 };
void tg_playout_delay_write(uint8_t out[TG_PLAYOUT_DELAY_LEN], unsigned min_10ms,
                            unsigned max_10ms);
/* abs-capture-time, short form: the NTP time of capture, 32.32 fixed point. */
void tg_abs_capture_time_write(uint8_t out[TG_ABS_CAPTURE_TIME_LEN], uint64_t ntp);

/* Extension URIs as they stand in SDP. */
#define TG_RTP_EXT_URI_PLAYOUT_DELAY "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
#define TG_RTP_EXT_URI_ABS_CAPTURE_TIME                                                            \
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
#define TG_RTP_EXT_URI_TWCC                                                                        \
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define TG_RTP_EXT_URI_MID "urn:ietf:params:rtp-hdrext:sdes:mid"

#endif
