/*
 * rtmp_chunk.h - RTMP messages out of and into interleaved chunks.
 * Pure. Spec: Adobe RTMP 1.0 s5.3 (chunks), s5.4.1 (Set Chunk Size), s5.4.2 (Abort).
 *
 *   basic header  fmt (2 bits) | csid (6 bits; 0: +1 byte, 1: +2 bytes)
 *   fmt 0         timestamp u24 | length u24 | type u8 | stream id u32 LE
 *   fmt 1         delta u24     | length u24 | type u8
 *   fmt 2         delta u24
 *   fmt 3         nothing: goes on, or a new message just like the one before
 *   [extended timestamp u32 when the 24-bit field is ffffff, on fmt 3 too]
 */
#ifndef TG_PROTO_RTMP_CHUNK_H
#define TG_PROTO_RTMP_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"

enum tg_rtmp_type {
    TG_RTMP_SET_CHUNK_SIZE = 1,
    TG_RTMP_ABORT = 2,
    TG_RTMP_ACK = 3,
    TG_RTMP_USER_CONTROL = 4,
    TG_RTMP_WINDOW_ACK_SIZE = 5,
    TG_RTMP_SET_PEER_BANDWIDTH = 6,
    TG_RTMP_AUDIO = 8,
    TG_RTMP_VIDEO = 9,
    TG_RTMP_DATA_AMF3 = 15,
    TG_RTMP_COMMAND_AMF3 = 17,
    TG_RTMP_DATA_AMF0 = 18,
    TG_RTMP_COMMAND_AMF0 = 20,
    TG_RTMP_AGGREGATE = 22
};

struct tg_rtmp_msg {
    uint32_t csid;
    uint32_t timestamp; /* milliseconds, wraps */
    uint32_t stream_id;
    uint8_t type; /* enum tg_rtmp_type, or unknown */
    struct tg_span payload;
};

enum { TG_RTMP_CHUNK_SIZE_DEFAULT = 128, TG_RTMP_CHUNK_HEADER_MAX = 18 };

struct tg_rtmp_lane; /* one chunk stream */
/* Owner: one connection. init/done; the members are private. */
struct tg_rtmp_reader {
    struct tg_rtmp_lane *lanes[TG_RTMP_CSIDS_MAX];
    unsigned lane_count;
    uint32_t chunk_size;
    uint64_t bytes; /* all bytes taken in, for acknowledgements; readable */
    uint8_t head[TG_RTMP_CHUNK_HEADER_MAX];
    size_t head_len;
    struct tg_rtmp_lane *lane; /* whose chunk body is being read; NULL = in a header */
    uint32_t body_left;
};

void tg_rtmp_reader_init(struct tg_rtmp_reader *r);
void tg_rtmp_reader_done(struct tg_rtmp_reader *r);
/*
 * Consumes bytes of `in` until a message is complete. Set Chunk Size and Abort are obeyed here and
 * not given out. OK: *ret, its payload valid until the next call. AGAIN: all of `in` used.
 * MALFORMED; LIMIT (chunk streams, message size or buffered bytes, see limits.h); NOMEM. After
 * an error the connection is lost.
 */
TG_MUST_CHECK tg_err tg_rtmp_reader_next(struct tg_rtmp_reader *r, struct tg_rd *in,
                                         struct tg_rtmp_msg *ret);

/*
 * Appends msg as one fmt 0 chunk and fmt 3 continuations. csid 2..65599, chunk_size > 0; a payload
 * of 2^24 bytes or more, or a csid out of range, sets out->err = LIMIT.
 */
void tg_rtmp_write(struct tg_buf *out, const struct tg_rtmp_msg *msg, uint32_t chunk_size);

#endif
