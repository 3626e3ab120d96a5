/*
 * media.h - how hosts' media reaches a show pipeline, and what the media thread is told.
 *
 * ingest/ (and later WHIP) calls through struct tg_source_ops; app/ gives it media/'s functions, so
 * the two services never include each other.
 */
#ifndef TG_MSG_MEDIA_H
#define TG_MSG_MEDIA_H

#include "msg/frame.h"
#include "msg/msg.h"

/*
 * One access unit or audio frame from a host, or (config) the codec's set-up bytes.
 * H.264: `data` is length-prefixed NAL units as in FLV/MP4; config = AVCDecoderConfigurationRecord
 * (ISO 14496-15 s5.3.3.1). AAC: raw frame; config = AudioSpecificConfig (ISO 14496-3 s1.6.2.1).
 */
struct tg_au {
    enum tg_track track;
    enum tg_codec codec;
    bool key;
    bool config;
    tg_us dts_us; /* on the show's media clock */
    tg_us pts_us;
    struct tg_slab *data;
};

enum tg_source_kind { TG_SOURCE_RTMP, TG_SOURCE_SRT, TG_SOURCE_WHIP, TG_SOURCE_DEMO };

struct tg_source; /* a publisher as media/ sees it */

/* All functions may be called from any one thread per source; none blocks for long. */
struct tg_source_ops {
    void *ctx;
    /*
     * The newest authenticated publisher takes the show over: an older source's next push answers
     * CLOSED. Errors: NOTFOUND (no such show), LIMIT, NOMEM.
     */
    tg_err (*open)(void *ctx, uint16_t show, enum tg_source_kind kind, struct tg_source **ret);
    /*
     * Takes au->data. CLOSED: another publisher has the show, end the session. LIMIT: the pipeline
     * is behind and the frame was dropped. UNSUPPORTED: see reason (static text, plain words).
     */
    tg_err (*push)(struct tg_source *source, const struct tg_au *take_au,
                   const char **reterr_reason);
    /* Frees the source. */
    void (*close)(struct tg_source *source);
};

enum tg_media_what {
    TG_MEDIA_SHOW_ADD, /* a show exists now; demo = it has the built-in host */
    TG_MEDIA_WATCHERS, /* count = WebRTC viewers of the show now (sleep and wake the demo host) */
    TG_MEDIA_KEYFRAME, /* a viewer needs a keyframe; coalesced by the sender */
};

struct tg_media_msg {
    struct tg_msg head; /* TG_MSG_MEDIA */
    enum tg_media_what what;
    uint16_t show;
    uint32_t count;
    bool demo;
    tg_us epoch_us; /* SHOW_ADD: media time = mono now - epoch */
};

/*
 * Where finished frames go: called on a GStreamer streaming thread, one thread per (show, track) at
 * a time. Never blocks. Takes the frame.
 */
typedef void (*tg_frame_out_fn)(void *ctx, struct tg_frame *take_frame);

#endif
