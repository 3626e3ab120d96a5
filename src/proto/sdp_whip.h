/*
 * sdp_whip.h - what a publisher's offer gives us, and the answer. Pure.
 * Spec: RFC 9725 (WHIP) s4.2, RFC 8829, RFC 8853 and RFC 8851 (simulcast by rid), RFC 6184 s8,
 * RFC 7741 s6, RFC 7587, RFC 4588.
 */
#ifndef TG_PROTO_SDP_WHIP_H
#define TG_PROTO_SDP_WHIP_H

#include "proto/sdp.h"

enum { TG_WHIP_RIDS_MAX = 3 }; /* simulcast encodings of one publisher that are taken */

/* One m-line that sends to us. */
struct tg_sdp_in {
    int8_t media; /* index of the m-line, -1 = the offer has none of this kind */
    bool vp8;     /* video: VP8, else H.264 */
    uint8_t pt;
    int16_t rtx_pt;             /* -1 = none offered */
    uint8_t fb;                 /* offered and understood, enum tg_sdp_fb */
    uint8_t packetization_mode; /* H.264 */
    uint32_t profile_level_id;  /* H.264 */
    bool rcvr_rtt;
    bool rtcp_rsize;
    bool stereo_sent; /* Opus: the offer says sprop-stereo or stereo */
    /* Header extension ids that both know, 0 = none. No orientation: the sender must rotate. */
    uint8_t ext_mid;
    uint8_t ext_rid;
    uint8_t ext_repaired_rid;
    uint8_t ext_twcc;
    uint8_t ext_audio_level;
    char mid[TG_SDP_NAME_SIZE];
    uint8_t ssrc_count; /* declared; without simulcast the first is the medium's */
    uint32_t ssrcs[TG_SDP_SSRCS_MAX];
    uint8_t pair_count;
    struct tg_sdp_ssrc_pair pairs[TG_SDP_SSRCS_MAX / 2];
    uint8_t rid_count;                             /* 0 = no simulcast */
    char rids[TG_WHIP_RIDS_MAX][TG_SDP_NAME_SIZE]; /* in the order of the offer */
};

struct tg_sdp_whip {
    struct tg_sdp_in video;
    struct tg_sdp_in audio;
    char ice_ufrag[TG_ICE_UFRAG_SIZE]; /* of the bundle's transport */
    char ice_pwd[TG_ICE_PWD_SIZE];
    uint8_t fingerprint[TG_SDP_FINGERPRINT_SIZE];
};

/*
 * H.264 (any profile of baseline, main, high; mode 1 before mode 0, then the offer's order) before
 * VP8; Opus. MALFORMED (400): transport faults as in tg_sdp_whep_pick. UNSUPPORTED (422): nothing
 * that sends, an m-line that sends and has no codec of ours, two m-lines of one kind, a data
 * channel alone: an offer is taken whole or refused, with the reason.
 */
TG_MUST_CHECK tg_err tg_sdp_whip_pick(struct tg_sdp_whip *ret, const struct tg_sdp *offer,
                                      const char **reterr_reason);

/*
 * recvonly, passive, ice-lite; a=rid ... recv and a=simulcast:recv for what was picked. start_kbps:
 * x-google-start-bitrate of the video, so that Chromium begins with a good picture; 0 = not said.
 * Errors are the buffer's: LIMIT, NOMEM.
 */
TG_MUST_CHECK tg_err tg_sdp_write_whip_answer(struct tg_buf *out, const struct tg_sdp *offer,
                                              const struct tg_sdp_whip *pick,
                                              const struct tg_sdp_local *local,
                                              unsigned start_kbps);

/* A publisher's fragment (RFC 8840 s9, application/trickle-ice-sdpfrag): a PATCH body. */
struct tg_sdp_frag {
    char ice_ufrag[TG_ICE_UFRAG_SIZE]; /* "" = not there */
    char ice_pwd[TG_ICE_PWD_SIZE];
    uint8_t candidate_count; /* well-formed ones; a lite agent does not need them */
    bool end_of_candidates;
    /* Of its first m-line, for our answer: mid "" = not there, kind AUDIO, VIDEO or OTHER. */
    enum tg_sdp_kind kind;
    char mid[TG_SDP_NAME_SIZE];
};
/* MALFORMED with a reason in plain words; LIMIT (len > TG_SDP_MAX). */
TG_MUST_CHECK tg_err tg_sdp_frag_parse(struct tg_sdp_frag *ret, const char *text, size_t len,
                                       const char **reterr_reason);
/*
 * Our answer to an ICE restart: credentials and candidates, in the m-line that the client's
 * fragment had. Errors are the buffer's: LIMIT, NOMEM.
 */
TG_MUST_CHECK tg_err tg_sdp_frag_write(struct tg_buf *out, const struct tg_sdp_local *local,
                                       const struct tg_sdp_frag *in);

#endif
