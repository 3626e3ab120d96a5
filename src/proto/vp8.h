/*
 * vp8.h - VP8 over RTP: payload descriptor in, frames out and in again. Pure, stateless.
 *
 * Spec: RFC 7741 (payload format), RFC 6386 s9.1 (frame header).
 *
 *   |X|R|N|S|R| PID |   X: extension byte follows, N: non-reference frame, S: start of partition
 *   |I|L|T|K| RSV   |   (X) I: picture id, L: TL0PICIDX, T: temporal id, K: key index
 *   |M| picture id  | (I)  ... | TL0PICIDX (L) | TID Y KEYIDX (T or K) | VP8 payload ...
 */
#ifndef TG_PROTO_VP8_H
#define TG_PROTO_VP8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"

struct tg_vp8_payload {
    bool start;           /* S = 1 and PID = 0: the frame begins here */
    bool non_reference;   /* N */
    int32_t picture_id;   /* 7 or 15 bits, -1 = none */
    uint8_t temporal_id;  /* 0 = base or none */
    struct tg_span frame; /* VP8 bytes behind the descriptor, at least one; into the input */
};
/* One RTP payload. Errors: TRUNCATED, MALFORMED (nothing behind the descriptor). */
TG_MUST_CHECK tg_err tg_vp8_payload_parse(struct tg_vp8_payload *ret, struct tg_span payload);

struct tg_vp8_info {
    bool key;
    bool show;      /* show_frame */
    uint16_t width; /* keyframes only, else 0 */
    uint16_t height;
};
/* A whole frame's header. Errors: TRUNCATED, MALFORMED (start code of a keyframe, size 0). */
TG_MUST_CHECK tg_err tg_vp8_info_parse(struct tg_vp8_info *ret, struct tg_span frame);

/*
 * A frame as RTP payloads: the one-byte descriptor (no picture id) before pieces of equal size, the
 * last at most a few bytes smaller, so that they leave as one segmented send. As tg_h264_pack.
 */
struct tg_vp8_pack {
    size_t packet_count;  /* results of init */
    size_t bytes_total;   /* all payloads together */
    struct tg_span frame; /* private from here */
    size_t piece;
    size_t at;
};
/* frame not empty; its bytes must stay until the last next(). Errors: LIMIT (payload_max < 64). */
TG_MUST_CHECK tg_err tg_vp8_pack_init(struct tg_vp8_pack *ret, struct tg_span frame,
                                      size_t payload_max);
/* Writes one payload; false = all written. *ret_marker: the frame's last. */
bool tg_vp8_pack_next(struct tg_vp8_pack *pack, struct tg_wr *w, bool *ret_marker);

#endif
