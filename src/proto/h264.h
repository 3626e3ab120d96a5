/*
 * h264.h - H.264 seen from outside the decoder: NAL units, parameter sets, and RTP payloads.
 * Pure. Specs: ITU-T H.264 s7.3 (NAL unit, SPS, slice header) and Annex B and E; ISO 14496-15
 * s5.3.3.1 (AVCDecoderConfigurationRecord); RFC 6184 (RTP, packetization-mode=1).
 * No object here owns memory: every span points into the caller's input.
 */
#ifndef TG_PROTO_H264_H
#define TG_PROTO_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum tg_h264_nal_type {
    TG_H264_SLICE = 1,
    TG_H264_SLICE_A = 2,
    TG_H264_IDR = 5,
    TG_H264_SEI = 6,
    TG_H264_SPS = 7,
    TG_H264_PPS = 8,
    TG_H264_AUD = 9,
    TG_H264_END_SEQ = 10,
    TG_H264_END_STREAM = 11,
    TG_H264_FILLER = 12,
    TG_H264_STAP_A = 24, /* RFC 6184 */
    TG_H264_FU_A = 28,   /* RFC 6184 */
};

enum {
    TG_H264_SPS_MAX = 4,    /* parameter sets of one stream: encoders send 1 */
    TG_H264_PPS_MAX = 8,    /* 1, x264 with several PPS 2..3 */
    TG_H264_NALS_MAX = 256, /* NAL units of one access unit: far above any slice count in use */
    TG_H264_SIDE_MAX = 8192 /* luma width or height accepted by the SPS parser */
};

/* nal_unit_type of a NAL unit (its first byte); 0 for an empty one. */
static inline unsigned tg_h264_type(struct tg_span nal)
{
    return nal.len == 0 ? 0 : nal.data[0] & 0x1fU;
}
/* "slice", "idr", "sei", "sps", "pps", "aud", ... "other". */
const char *tg_h264_type_name(unsigned type);

/*
 * Walk the NAL units of one access unit. nal_len_size is 1, 2 or 4 for length-prefixed units (FLV,
 * MP4) and 0 for Annex B start codes. next() is false at the end; `it.bad` then says whether the
 * input was malformed (a length beyond the end). Empty units are skipped.
 */
struct tg_h264_iter {
    struct tg_rd rd;
    uint8_t nal_len_size;
    bool bad;
};
struct tg_h264_iter tg_h264_iter(const void *data, size_t len, unsigned nal_len_size);
bool tg_h264_iter_next(struct tg_h264_iter *it, struct tg_span *ret_nal);
/*
 * All NAL units of an access unit in out[TG_H264_NALS_MAX]. MALFORMED, or LIMIT when there are
 * more than fit; *ret_count is then the number before the trouble.
 */
TG_MUST_CHECK tg_err tg_h264_split(struct tg_span out[TG_H264_NALS_MAX], size_t *ret_count,
                                   const void *data, size_t len, unsigned nal_len_size);

/*
 * AVCDecoderConfigurationRecord, "avcC":
 *   version=1 | profile | constraints | level | 111111 len_size-1 (2 bits) | 111 sps_count (5 bits)
 *   sps_count x (u16 len, SPS) | pps_count (u8) | pps_count x (u16 len, PPS) | [high-profile tail]
 */
struct tg_avcc {
    uint8_t profile;
    uint8_t constraints;
    uint8_t level;
    uint8_t nal_len_size; /* 1, 2 or 4 */
    uint8_t sps_count;
    uint8_t pps_count;
    struct tg_span sps[TG_H264_SPS_MAX];
    struct tg_span pps[TG_H264_PPS_MAX];
};
/*
 * The spans point into data. Errors: TRUNCATED, MALFORMED (version, length size 3, a set of the
 * wrong NAL type, no SPS or PPS), LIMIT (more sets than fit).
 */
TG_MUST_CHECK tg_err tg_avcc_parse(struct tg_avcc *ret, const void *data, size_t len);
/* The record of a stream with 4-byte lengths: for sources that have Annex B. Mirror of parse. */
void tg_avcc_write(struct tg_wr *w, const struct tg_avcc *avcc);

enum { TG_H264_PROFILE_BASELINE = 66, TG_H264_PROFILE_MAIN = 77, TG_H264_PROFILE_HIGH = 100 };

struct tg_h264_sps {
    uint8_t profile;
    uint8_t constraints; /* constraint_set0_flag in the top bit */
    uint8_t level;
    uint8_t chroma_format; /* 1 = 4:2:0 */
    uint8_t bit_depth_luma;
    uint8_t poc_type; /* pic_order_cnt_type; 2 = output order is decoding order */
    bool frame_mbs_only;
    uint8_t ref_frames_max;
    int8_t reorder_frames; /* max_num_reorder_frames of the VUI; -1 = not told */
    uint16_t width;        /* after cropping, luma samples */
    uint16_t height;
};
/* nal = one SPS with its NAL header. Errors: TRUNCATED, MALFORMED, LIMIT (picture too large). */
TG_MUST_CHECK tg_err tg_h264_sps_parse(struct tg_h264_sps *ret, struct tg_span nal);
/*
 * May pictures of this stream come out in another order than they were coded (B-frames)? False
 * only when the SPS rules it out (baseline, poc type 2, or reorder frames told as 0).
 */
bool tg_h264_sps_may_reorder(const struct tg_h264_sps *sps);

enum tg_h264_slice_type { TG_H264_P, TG_H264_B, TG_H264_I, TG_H264_SP, TG_H264_SI };
struct tg_h264_slice {
    uint32_t first_mb; /* 0 = the picture's first slice */
    enum tg_h264_slice_type type;
};
/* nal = types 1, 2 or 5. Errors: TRUNCATED, MALFORMED (other NAL types too). */
TG_MUST_CHECK tg_err tg_h264_slice_parse(struct tg_h264_slice *ret, struct tg_span nal);

/* The list holds an IDR picture: decoding can start here. */
bool tg_h264_is_key(const struct tg_span *nals, size_t count);
/* The list holds a B slice. */
bool tg_h264_has_b(const struct tg_span *nals, size_t count);

/*
 * One access unit as RTP payloads (RFC 6184 s5.6 single NAL, s5.7.1 STAP-A, s5.8 FU-A).
 * Only what a decoder needs goes out (types 1..5, 7, 8): SEI, AUD, filler, end-of-sequence/stream
 * and extensions are dropped. Before an IDR the parameter sets of `params` are put in when the
 * access unit brings none of its own of that kind. Neighbouring units that fit are aggregated; a
 * unit that does not fit becomes FU-A fragments which are all of one size but the last, at most a
 * few bytes smaller, so that they leave as one segmented send.
 *
 *     struct tg_h264_pack pack;
 *     err = tg_h264_pack_init(&pack, nals, count, &avcc, TG_RTP_MTU - 12);
 *     frame = tg_frame_new(pack.packet_count, pack.bytes_total);
 *     while (tg_h264_pack_next(&pack, &w, &marker)) ... the payload is what w grew by
 */
struct tg_h264_pack {
    size_t packet_count; /* results of init */
    size_t bytes_total;  /* all payloads together */
    bool key;

    struct tg_span nals[TG_H264_NALS_MAX]; /* private from here */
    size_t nal_count;
    size_t payload_max;
    size_t nal_at;
    size_t byte_at;
};
enum { TG_H264_PAYLOAD_MIN = 64 };
/*
 * params may be NULL. packet_count is 0 when nothing is left to send. The spans' bytes must stay
 * until the last next(). Errors: LIMIT (payload_max below TG_H264_PAYLOAD_MIN or above 65535, or
 * too many units).
 */
TG_MUST_CHECK tg_err tg_h264_pack_init(struct tg_h264_pack *ret, const struct tg_span *nals,
                                       size_t count, const struct tg_avcc *params,
                                       size_t payload_max);
/* Writes one payload; false = all written. *ret_marker: this was the access unit's last. */
bool tg_h264_pack_next(struct tg_h264_pack *pack, struct tg_wr *w, bool *ret_marker);

#endif
