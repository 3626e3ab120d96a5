/*
 * h264_priv.h - bits of a NAL unit's payload with the emulation prevention bytes taken out
 * (ITU-T H.264 s7.3.1) and Exp-Golomb codes (s9.1). Reading past the end yields 0 and sets `bad`.
 */
#ifndef TG_PROTO_H264_PRIV_H
#define TG_PROTO_H264_PRIV_H

#include "base/bytes.h"

struct tg_h264_bits {
    struct tg_rd rd;
    unsigned zeros; /* zero bytes just read, for 00 00 03 */
    uint8_t byte;
    unsigned left; /* bits of byte not yet given out */
    bool bad;
};

/* From behind the NAL header byte. */
struct tg_h264_bits tg_h264_bits(struct tg_span nal);
/* count <= 32. */
uint32_t tg_h264_u(struct tg_h264_bits *b, unsigned count);
/* ue(v) and se(v); a code longer than 32 bits sets bad. */
uint32_t tg_h264_ue(struct tg_h264_bits *b);
int32_t tg_h264_se(struct tg_h264_bits *b);

#endif
