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
 * VP8: one frame (RFC 6386); Opus: one packet (RFC 6716). Both have no set-up bytes: their first
 * frame says what they are.
 */
struct tg_au {
    enum tg_track track;
    enum tg_codec codec;
    bool key;
    bool config;
    uint8_t layer; /* video: < TG_LAYERS_MAX, 0 = the best that is sent now; audio: 0 */
    tg_us dts_us;  /* on the show's media clock */
    tg_us pts_us;
    struct tg_slab *data;
};

enum tg_source_kind { TG_SOURCE_RTMP, TG_SOURCE_SRT, TG_SOURCE_WHIP, TG_SOURCE_DEMO };
/* "rtmp", "srt", "whip", "demo". */
const char *tg_source_kind_name(enum tg_source_kind kind);

/* A publisher's public name, unique on this node: "w0-17"; the studio page knows its own. */
enum { TG_PUBLISHER_SIZE = 24 };

struct tg_source; /* a publisher as media/ sees it */

struct tg_source_info {
    uint16_t show;
    enum tg_source_kind kind;
    char publisher[TG_PUBLISHER_SIZE];
    uint8_t encodings; /* simulcast encodings of its video that were agreed; 0 and 1 = one */
};

/* All functions may be called from any one thread per source; none blocks for long. */
struct tg_source_ops {
    void *ctx;
    /*
     * The newest authenticated publisher takes the show over, at its first keyframe: until then
     * the older one stays on air. After it the older one's push and poll answer CLOSED. Errors:
     * NOTFOUND (no such show), LIMIT, NOMEM.
     */
    tg_err (*open)(void *ctx, const struct tg_source_info *info, struct tg_source **ret);
    /*
     * Takes au->data. CLOSED: another publisher has the show, end the session. LIMIT: the pipeline
     * is behind and the frame was dropped. UNSUPPORTED: see reason (static text, plain words).
     */
    tg_err (*push)(struct tg_source *source, const struct tg_au *take_au,
                   const char **reterr_reason);
    /*
     * What the show wants of the publisher, at least every 100 ms: *ret_key_layers has bit l set
     * when layer l needs a keyframe (each wish is told once). CLOSED as for push, with the reason:
     * a publisher that is silent learns here that it was taken over.
     */
    tg_err (*poll)(struct tg_source *source, uint32_t *ret_key_layers, const char **reterr_reason);
    /* Frees the source. */
    void (*close)(struct tg_source *source);
};

/* A size and rate that torg makes of a publisher's only video: "480p:1200". */
enum { TG_RENDITIONS_MAX = TG_LAYERS_MAX - 1 };
struct tg_rendition {
    uint16_t lines; /* the picture's shorter side */
    uint16_t kbps;
};

enum tg_media_what {
    TG_MEDIA_SHOW_ADD, /* a show exists now: epoch_us, title; demo = it has the built-in host */
    TG_MEDIA_SHOW_END, /* it ended: no slate from here until the next publisher */
    TG_MEDIA_WATCHERS, /* count = WebRTC viewers of the show now (sleep and wake the demo host) */
    TG_MEDIA_KEYFRAME, /* count = layer: a viewer needs its keyframe; coalesced by the sender */
};

struct tg_media_msg {
    struct tg_msg head; /* TG_MSG_MEDIA */
    enum tg_media_what what;
    uint16_t show;
    uint32_t count;
    bool demo;
    tg_us epoch_us;            /* SHOW_ADD: media time = mono now - epoch */
    char title[TG_TITLE_SIZE]; /* SHOW_ADD: for the slate */
};

/* Who feeds a show now. */
enum tg_air_state {
    TG_AIR_OFF,   /* nobody, and no publisher is connected */
    TG_AIR_ON,    /* a publisher's pictures flow (or the demo host's) */
    TG_AIR_STALL, /* a publisher is connected and silent, or left a moment ago: the slate */
};

/* A change of it, as the media thread tells it. Texts are borrowed for the call. */
struct tg_air {
    uint16_t show;
    enum tg_air_state state;
    enum tg_source_kind kind;
    uint32_t generation;
    const char *publisher; /* who is on air, or was until now; "" = the demo host, nobody */
    const char *notice;    /* plain words for staff, "" = none */
};

/*
 * Where finished frames go: called on a GStreamer streaming thread, one thread per (show, track) at
 * a time. Never blocks. Takes the frame.
 */
typedef void (*tg_frame_out_fn)(void *ctx, struct tg_frame *take_frame);

#endif
