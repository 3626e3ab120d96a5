/*
 * flv.c - FLV tag bodies; see flv.h.
 */
#include "proto/flv.h"

#include "base/macros.h"

enum { CODEC_AVC = 7, FORMAT_AAC = 10, FORMAT_ENHANCED = 9, FRAME_KEY = 1, FRAME_INFO = 5 };

/* Enhanced RTMP packet types. */
enum {
    EX_SEQUENCE_START = 0,
    EX_CODED_FRAMES = 1,
    EX_SEQUENCE_END = 2,
    EX_CODED_FRAMES_X = 3, /* composition time is 0 */
    EX_METADATA = 4
};

#define FOURCC(a, b, c, d)                                                                         \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const char *fourcc_reason(uint32_t fourcc)
{
    switch (fourcc) {
    case FOURCC('h', 'v', 'c', '1'):
        return "HEVC (H.265) is not supported yet, choose H.264.";
    case FOURCC('a', 'v', '0', '1'):
        return "AV1 is not supported yet, choose H.264.";
    case FOURCC('v', 'p', '0', '9'):
        return "VP9 is not supported yet, choose H.264.";
    case FOURCC('v', 'p', '0', '8'):
        return "VP8 over RTMP is not supported yet, choose H.264.";
    case FOURCC('O', 'p', 'u', 's'):
        return "Opus over RTMP is not supported yet, choose AAC.";
    default:
        return NULL;
    }
}

static const char *video_codec_reason(unsigned codec)
{
    if (codec == 12)
        return "HEVC (H.265) is not supported yet, choose H.264.";
    return "This video codec is not supported, choose H.264.";
}

/* Signed 24-bit composition time. */
static int32_t read_cts(struct tg_rd *r)
{
    uint32_t raw = tg_rd_u24(r);

    return (raw & 0x800000U) != 0 ? (int32_t)raw - 0x1000000 : (int32_t)raw;
}

static tg_err finish_video(struct tg_flv_video *ret, struct tg_rd *r, struct tg_flv_video v)
{
    if (r->bad)
        return TG_ERR_TRUNCATED;
    v.data = tg_rd_span(r, tg_rd_left(r));
    if ((v.what == TG_FLV_CONFIG || v.what == TG_FLV_FRAME) && v.data.len == 0)
        return TG_ERR_TRUNCATED;
    *ret = v;
    return TG_OK;
}

static tg_err parse_enhanced_video(struct tg_flv_video *ret, struct tg_rd *r, unsigned head,
                                   const char **reterr_reason)
{
    struct tg_flv_video v = {.key = (head >> 4 & 7U) == FRAME_KEY};
    unsigned type = head & 0x0fU;
    uint32_t fourcc = tg_rd_u32(r);

    if (r->bad)
        return TG_ERR_TRUNCATED;
    if (fourcc != FOURCC('a', 'v', 'c', '1')) {
        const char *reason = fourcc_reason(fourcc);

        *reterr_reason = reason != NULL ? reason : video_codec_reason(0);
        return TG_ERR_UNSUPPORTED;
    }
    switch (type) {
    case EX_SEQUENCE_START:
        v.what = TG_FLV_CONFIG;
        break;
    case EX_CODED_FRAMES:
        v.what = TG_FLV_FRAME;
        v.cts_ms = read_cts(r);
        break;
    case EX_CODED_FRAMES_X:
        v.what = TG_FLV_FRAME;
        break;
    case EX_SEQUENCE_END:
        v.what = TG_FLV_END;
        break;
    case EX_METADATA:
        v.what = TG_FLV_OTHER;
        break;
    default:
        *reterr_reason = "This form of Enhanced RTMP video is not supported, choose plain H.264.";
        return TG_ERR_UNSUPPORTED;
    }
    return finish_video(ret, r, v);
}

tg_err tg_flv_video_parse(struct tg_flv_video *ret, struct tg_span body, const char **reterr_reason)
{
    struct tg_rd r = tg_rd(body.data, body.len);
    struct tg_flv_video v = {0};
    unsigned head = tg_rd_u8(&r);
    unsigned type;

    if (r.bad)
        return TG_ERR_TRUNCATED;
    if ((head & 0x80U) != 0)
        return parse_enhanced_video(ret, &r, head, reterr_reason);
    if (head >> 4 == FRAME_INFO) {
        v.what = TG_FLV_OTHER;
        return finish_video(ret, &r, v);
    }
    if ((head & 0x0fU) != CODEC_AVC) {
        *reterr_reason = video_codec_reason(head & 0x0fU);
        return TG_ERR_UNSUPPORTED;
    }
    v.key = head >> 4 == FRAME_KEY;
    type = tg_rd_u8(&r);
    v.cts_ms = read_cts(&r);
    if (type > 2)
        return TG_ERR_MALFORMED;
    v.what = type == 0 ? TG_FLV_CONFIG : type == 1 ? TG_FLV_FRAME : TG_FLV_END;
    return finish_video(ret, &r, v);
}

static const char *audio_format_reason(unsigned format)
{
    switch (format) {
    case 2:
    case 14:
        return "MP3 audio is not supported, choose AAC.";
    case 11:
        return "Speex audio is not supported, choose AAC.";
    case 13: /* unofficial, seen from some tools */
        return "Opus over RTMP is not supported yet, choose AAC.";
    default:
        return "This audio codec is not supported, choose AAC.";
    }
}

/* Enhanced RTMP v2 audio: only mp4a, which is AAC under another name. */
static tg_err parse_enhanced_audio(struct tg_flv_audio *a, struct tg_rd *r, unsigned type,
                                   const char **reterr_reason)
{
    uint32_t fourcc = tg_rd_u32(r);

    if (r->bad)
        return TG_ERR_TRUNCATED;
    if (fourcc != FOURCC('m', 'p', '4', 'a')) {
        const char *reason = fourcc_reason(fourcc);

        *reterr_reason = reason != NULL ? reason : audio_format_reason(0);
        return TG_ERR_UNSUPPORTED;
    }
    if (type > 2) {
        *reterr_reason = "This form of Enhanced RTMP audio is not supported, choose plain AAC.";
        return TG_ERR_UNSUPPORTED;
    }
    a->what = type == 0 ? TG_FLV_CONFIG : type == 1 ? TG_FLV_FRAME : TG_FLV_END;
    return TG_OK;
}

tg_err tg_flv_audio_parse(struct tg_flv_audio *ret, struct tg_span body, const char **reterr_reason)
{
    struct tg_rd r = tg_rd(body.data, body.len);
    struct tg_flv_audio a = {0};
    unsigned head = tg_rd_u8(&r);

    if (r.bad)
        return TG_ERR_TRUNCATED;
    if (head >> 4 == FORMAT_ENHANCED) {
        tg_err err = parse_enhanced_audio(&a, &r, head & 0x0fU, reterr_reason);

        if (err != TG_OK)
            return err;
    } else if (head >> 4 == FORMAT_AAC) {
        unsigned type = tg_rd_u8(&r);

        if (r.bad)
            return TG_ERR_TRUNCATED;
        if (type > 1)
            return TG_ERR_MALFORMED;
        a.what = type == 0 ? TG_FLV_CONFIG : TG_FLV_FRAME;
    } else {
        *reterr_reason = audio_format_reason(head >> 4);
        return TG_ERR_UNSUPPORTED;
    }
    a.data = tg_rd_span(&r, tg_rd_left(&r));
    if (a.what == TG_FLV_CONFIG && a.data.len == 0)
        return TG_ERR_TRUNCATED;
    if (a.what == TG_FLV_FRAME && a.data.len == 0)
        a.what = TG_FLV_OTHER; /* seen from encoders that are muted */
    *ret = a;
    return TG_OK;
}
