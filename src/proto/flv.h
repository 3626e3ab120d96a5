/*
 * flv.h - the bodies of FLV video and audio tags, which RTMP messages 9 and 8 carry.
 * Pure. Specs: Adobe FLV 10.1 Annex E.4.2 (audio), E.4.3 (video); Enhanced RTMP v1 (fourcc video)
 * and v2 (fourcc audio). Nothing owns memory: `data` points into the input.
 *
 *   video  frame type (4 bits) codec (4 bits: 7 AVC) | packet type u8 | composition s24 | data
 *   audio  format (4 bits: 10 AAC) rate size channels | packet type u8 | data
 *   enhanced video  1 (bit) frame type (3 bits) packet type (4 bits) | fourcc | [s24] | data
 */
#ifndef TG_PROTO_FLV_H
#define TG_PROTO_FLV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum tg_flv_what {
    TG_FLV_CONFIG, /* avcC or AudioSpecificConfig */
    TG_FLV_FRAME,  /* length-prefixed NAL units, or one raw AAC frame */
    TG_FLV_END,    /* end of sequence */
    TG_FLV_OTHER   /* nothing to decode: info frames, metadata; ignore */
};

struct tg_flv_video {
    enum tg_flv_what what;
    bool key;       /* as the encoder says; the NAL units decide */
    int32_t cts_ms; /* presentation - decoding time, signed 24 bits */
    struct tg_span data;
};
/*
 * H.264 only. UNSUPPORTED: another codec, *reterr_reason (static text) tells the host in plain
 * words. TRUNCATED (an empty body too), MALFORMED (unknown packet type).
 */
TG_MUST_CHECK tg_err tg_flv_video_parse(struct tg_flv_video *ret, struct tg_span body,
                                        const char **reterr_reason);

struct tg_flv_audio {
    enum tg_flv_what what;
    struct tg_span data;
};
/* AAC only. Errors as above. */
TG_MUST_CHECK tg_err tg_flv_audio_parse(struct tg_flv_audio *ret, struct tg_span body,
                                        const char **reterr_reason);

#endif
