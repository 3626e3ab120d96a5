/*
 * sdp.h - session descriptions as WebRTC uses them: a bounded parser, and writers for WHEP (WHIP:
 * sdp_whip.h).
 * Pure. Spec: RFC 8866 (SDP), RFC 8829 (JSEP), RFC 9143 (BUNDLE), RFC 8839 (ICE), RFC 8122
 * (fingerprint), RFC 5888 (mid), RFC 8853/8851 (simulcast, rid), RFC 6184 s8 (H.264), RFC 4588
 * (rtx), draft-ietf-wish-whep.
 *
 * What torg does not use is skipped; what it uses must be well formed. Reasons are static texts in
 * plain words for a person who debugs a player. Session-level ICE, fingerprint, setup and direction
 * are copied into every m-line that has none of its own, and those of a bundle's first m-line into
 * its bundle-only m-lines.
 */
#ifndef TG_PROTO_SDP_H
#define TG_PROTO_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "proto/ice_lite.h"

enum {
    TG_SDP_LINE_MAX = 2048,    /* Chromium's longest line is an m= line of 200 bytes */
    TG_SDP_MEDIA_MAX = 16,     /* m-lines */
    TG_SDP_CODECS_MAX = 64,    /* payload types of one m-line: Chromium offers about 45 for video */
    TG_SDP_SSRCS_MAX = 16,     /* SSRCs of one m-line */
    TG_SDP_RIDS_MAX = 8,       /* simulcast layers of one m-line */
    TG_SDP_CANDIDATES_MAX = 8, /* host candidates kept of one m-line; more are skipped */
    TG_SDP_NAME_SIZE = 17,     /* mid, rid, codec name: 16 characters and the NUL */
    TG_SDP_STREAM_SIZE = 65,   /* msid: 64 characters (RFC 8830 s2) and the NUL */
    TG_SDP_FINGERPRINT_SIZE = 32, /* SHA-256 */
};

enum tg_sdp_kind { TG_SDP_OTHER, TG_SDP_AUDIO, TG_SDP_VIDEO, TG_SDP_APPLICATION };
/* As the sender of the description means it: recvonly = wants to receive. */
enum tg_sdp_dir { TG_SDP_SENDRECV, TG_SDP_SENDONLY, TG_SDP_RECVONLY, TG_SDP_INACTIVE };
enum tg_sdp_setup { TG_SDP_SETUP_NONE, TG_SDP_ACTPASS, TG_SDP_ACTIVE, TG_SDP_PASSIVE };

/* a=rtcp-fb of one payload type ("*" counts for all). */
enum tg_sdp_fb {
    TG_SDP_FB_NACK = 1 << 0,
    TG_SDP_FB_PLI = 1 << 1, /* nack pli */
    TG_SDP_FB_FIR = 1 << 2, /* ccm fir */
    TG_SDP_FB_REMB = 1 << 3,
    TG_SDP_FB_TWCC = 1 << 4, /* transport-cc */
};

/* Header extensions that torg knows (RFC 8285); ids differ between offers. */
enum tg_sdp_ext {
    TG_SDP_EXT_MID,
    TG_SDP_EXT_RID,
    TG_SDP_EXT_REPAIRED_RID,
    TG_SDP_EXT_TWCC,
    TG_SDP_EXT_ABS_SEND_TIME,
    TG_SDP_EXT_ABS_CAPTURE_TIME,
    TG_SDP_EXT_AUDIO_LEVEL,
    TG_SDP_EXT_ORIENTATION,
    TG_SDP_EXT_PLAYOUT_DELAY,
    TG_SDP_EXT_COUNT
};

struct tg_sdp_codec {
    uint8_t pt;
    char name[TG_SDP_NAME_SIZE]; /* as written, "" when the rtpmap is missing; compare ignoring case
                                  */
    uint32_t clock;
    uint8_t channels; /* 1 when not given */
    uint8_t fb;       /* enum tg_sdp_fb */
    int16_t apt;      /* rtx: the payload type it repairs, -1 = none */
    /* H.264 fmtp; defaults as RFC 6184 s8.1: mode 0, profile 0x420010. */
    uint8_t packetization_mode;
    bool level_asymmetry;
    uint32_t profile_level_id;
    bool has_profile; /* the fmtp names it */
    bool stereo;      /* Opus: stereo=1 or sprop-stereo=1 */
};

struct tg_sdp_rid {
    char id[TG_SDP_NAME_SIZE];
    bool send;      /* direction as its owner means it */
    bool simulcast; /* named in a=simulcast:send, alternatives left out */
};

struct tg_sdp_ssrc_pair {
    uint32_t media;
    uint32_t rtx; /* a=ssrc-group:FID */
};

struct tg_sdp_media {
    enum tg_sdp_kind kind;
    char mid[TG_SDP_NAME_SIZE];
    uint16_t port; /* 0 = rejected (or, with bundle_only, riding on the bundle) */
    bool bundle_only;
    bool bundled; /* named in a=group:BUNDLE */
    enum tg_sdp_dir dir;
    enum tg_sdp_setup setup;
    bool rtcp_mux;
    bool rtcp_rsize;
    bool rcvr_rtt; /* a=rtcp-xr:rcvr-rtt=all */
    char ice_ufrag[TG_ICE_UFRAG_SIZE];
    char ice_pwd[TG_ICE_PWD_SIZE];
    bool has_fingerprint; /* a sha-256 one */
    uint8_t fingerprint[TG_SDP_FINGERPRINT_SIZE];
    uint8_t ext_id[TG_SDP_EXT_COUNT]; /* 0 = not there */
    uint8_t codec_count;
    struct tg_sdp_codec codecs[TG_SDP_CODECS_MAX]; /* in order of the sender's preference */
    uint8_t ssrc_count;
    uint32_t ssrcs[TG_SDP_SSRCS_MAX];
    uint8_t pair_count;
    struct tg_sdp_ssrc_pair pairs[TG_SDP_SSRCS_MAX / 2];
    uint8_t rid_count;
    struct tg_sdp_rid rids[TG_SDP_RIDS_MAX]; /* those of a simulcast first, in its order */
    bool simulcast;                          /* a=simulcast is there */
    char stream[TG_SDP_STREAM_SIZE];         /* the first a=msid's, "" = none, "-" = no stream */
    uint8_t candidate_count;
    struct tg_addr candidates[TG_SDP_CANDIDATES_MAX]; /* udp, component 1, literal addresses */
    /* "<port-proto-formats>" of the m= line as it was, for a rejected m-line in the answer. */
    char proto[33];
    char formats[25]; /* the first format */
    char kind_text[TG_SDP_NAME_SIZE];
};

/* About 60 KB: take it from the heap, not from the stack. */
struct tg_sdp {
    bool ice_lite;
    uint8_t media_count;
    struct tg_sdp_media media[TG_SDP_MEDIA_MAX];
};

/*
 * Lines end in CRLF or LF. MALFORMED: broken, with a reason; LIMIT: more m-lines or payload types
 * than torg reads, or a value too long. len <= TG_SDP_MAX.
 */
TG_MUST_CHECK tg_err tg_sdp_parse(struct tg_sdp *ret, const char *text, size_t len,
                                  const char **reterr_reason);

/* --- WHEP, server side ------------------------------------------------------------------------ */

/* What a viewer's m-line will get. */
struct tg_sdp_track {
    int8_t media;   /* index of the m-line, -1 = the offer has none for this kind */
    int16_t pt;     /* H.264 or Opus; -1 = a video viewer that takes VP8 only */
    int16_t rtx_pt; /* -1 = none offered */
    uint8_t fb;     /* offered and understood, enum tg_sdp_fb */
    /* Video: answered beside H.264, so that the sender may change over with its source. */
    int16_t vp8_pt; /* -1 = none offered */
    int16_t vp8_rtx_pt;
    uint8_t vp8_fb;
    uint32_t clock;
    uint32_t profile_level_id; /* H.264 */
    bool rcvr_rtt;
    bool rtcp_rsize;
    uint8_t ext_mid; /* header extension ids that both know, 0 = none */
    uint8_t ext_abs_capture_time;
    uint8_t ext_playout_delay;
    uint8_t ext_twcc;
    char mid[TG_SDP_NAME_SIZE];
};

struct tg_sdp_whep {
    struct tg_sdp_track video;
    struct tg_sdp_track audio;
    char ice_ufrag[TG_ICE_UFRAG_SIZE]; /* of the bundle's transport */
    char ice_pwd[TG_ICE_PWD_SIZE];
    uint8_t fingerprint[TG_SDP_FINGERPRINT_SIZE];
};

/*
 * Choose codecs for a viewer. MALFORMED (400): no ICE credentials, no SHA-256 fingerprint, m-lines
 * without rtcp-mux or outside one bundle, a setup that leaves us no passive role. UNSUPPORTED
 * (422): nothing to receive, or video with neither H.264 packetization-mode=1 of a playable profile
 * nor VP8.
 * An offer with audio only, or whose audio has no Opus, is fine as long as one track is left.
 */
TG_MUST_CHECK tg_err tg_sdp_whep_pick(struct tg_sdp_whep *ret, const struct tg_sdp *offer,
                                      const char **reterr_reason);

/* Our own side of a description. */
struct tg_sdp_local {
    const char *ice_ufrag;
    const char *ice_pwd;
    uint8_t fingerprint[TG_SDP_FINGERPRINT_SIZE];
    const struct tg_addr *candidates; /* where we listen, best first */
    size_t candidate_count;
    bool tcp;            /* and there by ICE-TCP, passive, too */
    uint64_t session_id; /* of the o= line: random, below 2^62 */
    /* Senders: SSRCs, cname and stream name; unused in an offer to receive. */
    uint32_t video_ssrc;
    uint32_t rtx_ssrc;
    uint32_t audio_ssrc;
    const char *cname;     /* token characters */
    const char *stream_id; /* a=msid: token characters */
};

/* H.264 before VP8. Errors are the buffer's: LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_sdp_write_whep_answer(struct tg_buf *out, const struct tg_sdp *offer,
                                              const struct tg_sdp_whep *pick,
                                              const struct tg_sdp_local *local);

/* --- WHEP, player side (load generator, tests) ------------------------------------------------ */

/* A recvonly offer: mid 0 audio (Opus 111), mid 1 video (H.264 102 + rtx 103), as Chromium's. */
TG_MUST_CHECK tg_err tg_sdp_write_whep_offer(struct tg_buf *out, const struct tg_sdp_local *local);

/* "opus" == "OPUS". */
bool tg_sdp_codec_is(const struct tg_sdp_codec *codec, const char *name);

#endif
