/*
 * h264_unpack.h - RTP payloads to one access unit: the mirror of tg_h264_pack.
 *
 * Spec: RFC 6184 s5.6 (single NAL unit), s5.7.1 (STAP-A), s5.8 (FU-A); packetization modes 0 and 1.
 * Pure; owns its buffer.
 *
 *     tg_h264_unpack_begin(&u);
 *     for each payload of the frame, in sequence order
 *         err = tg_h264_unpack_add(&u, payload);
 *     err = tg_h264_unpack_end(&u, &au);       | u32 length | NAL unit | u32 length | NAL unit ...
 */
#ifndef TG_PROTO_H264_UNPACK_H
#define TG_PROTO_H264_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

struct tg_h264_unpack {
    struct tg_buf au; /* kept from one access unit to the next */
    bool key;         /* an IDR picture is in it */
    size_t nal_count; /* private from here */
    size_t length_at; /* of the unit that is being put together */
    bool open;
};

/* No allocation until the first add. */
void tg_h264_unpack_init(struct tg_h264_unpack *u, size_t size_max);
void tg_h264_unpack_done(struct tg_h264_unpack *u);
/* Empty, for the next access unit. */
void tg_h264_unpack_begin(struct tg_h264_unpack *u);
/*
 * One payload. UNSUPPORTED: interleaved kinds (STAP-B, MTAP, FU-B); MALFORMED; LIMIT: over size_max
 * or TG_H264_NALS_MAX; NOMEM. After an error the access unit is worth nothing: begin anew.
 */
TG_MUST_CHECK tg_err tg_h264_unpack_add(struct tg_h264_unpack *u, struct tg_span payload);
/* *ret_au is valid until the next call. MALFORMED: no unit, or one without its last fragment. */
TG_MUST_CHECK tg_err tg_h264_unpack_end(struct tg_h264_unpack *u, struct tg_span *ret_au);

struct tg_h264_peek {
    bool start; /* an access unit certainly begins here: it opens with AUD or SPS */
    bool key;   /* a piece of an IDR picture is in it */
};
/* What one payload tells before its frame is whole. Broken ones tell nothing. */
struct tg_h264_peek tg_h264_peek(struct tg_span payload);

#endif
