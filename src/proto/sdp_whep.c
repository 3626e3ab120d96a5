/* Answering a WHEP offer, and the offer of a player (draft-ietf-wish-whep, RFC 8829). */
#include "proto/sdp.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "proto/dtls.h"
#include "proto/rtp.h"

/* --- picking ---------------------------------------------------------------------------------- */

static bool wants_media(const struct tg_sdp_media *m)
{
    return (m->port != 0 || m->bundle_only) &&
           (m->dir == TG_SDP_RECVONLY || m->dir == TG_SDP_SENDRECV);
}

/* Index of the first m-line of the kind that wants to receive, -1 = none. */
static int8_t find_media(const struct tg_sdp *offer, enum tg_sdp_kind kind)
{
    for (size_t i = 0; i < offer->media_count; i++) {
        if (offer->media[i].kind == kind && wants_media(&offer->media[i]))
            return (int8_t)i;
    }
    return -1;
}

/*
 * How well a receiver of that profile suits what torg sends, which is constrained baseline or a
 * host's own baseline, main or high: 0 = not at all.
 */
static int profile_rank(uint32_t profile_level_id)
{
    unsigned idc = profile_level_id >> 16 & 0xff;
    bool constrained = (profile_level_id >> 8 & 0x40) != 0; /* constraint_set1_flag */

    switch (idc) {
    case 0x42:
        return constrained ? 4 : 3;
    case 0x4d:
        return 2;
    case 0x64:
        return 1;
    default:
        return 0;
    }
}

static const struct tg_sdp_codec *best_h264(const struct tg_sdp_media *m,
                                            const char **reterr_reason)
{
    const struct tg_sdp_codec *best = NULL;
    const char *reason = "the offer has no H.264 with packetization-mode=1";

    for (size_t i = 0; i < m->codec_count; i++) {
        const struct tg_sdp_codec *c = &m->codecs[i];
        int rank = profile_rank(c->profile_level_id);

        if (!tg_sdp_codec_is(c, "H264") || c->clock != 90000 || c->packetization_mode != 1)
            continue;
        if (rank == 0)
            reason = "the offer's H.264 profiles are not baseline, main or high";
        else if (best == NULL || rank > profile_rank(best->profile_level_id))
            best = c;
    }
    if (best == NULL)
        *reterr_reason = reason;
    return best;
}

static const struct tg_sdp_codec *find_opus(const struct tg_sdp_media *m)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        if (tg_sdp_codec_is(&m->codecs[i], "opus") && m->codecs[i].clock == 48000)
            return &m->codecs[i];
    }
    return NULL;
}

static int16_t find_rtx(const struct tg_sdp_media *m, uint8_t pt)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        if (tg_sdp_codec_is(&m->codecs[i], "rtx") && m->codecs[i].apt == pt)
            return m->codecs[i].pt;
    }
    return -1;
}

/* A one-byte header extension has ids of 1..14 (RFC 8285 s4.2); torg writes no others. */
static uint8_t ext_of(const struct tg_sdp_media *m, enum tg_sdp_ext ext)
{
    return m->ext_id[ext] <= 14 ? m->ext_id[ext] : 0;
}

static void fill_track(struct tg_sdp_track *t, int8_t index, const struct tg_sdp_media *m,
                       const struct tg_sdp_codec *codec)
{
    *t = (struct tg_sdp_track){
        .media = index,
        .pt = codec->pt,
        .rtx_pt = find_rtx(m, codec->pt),
        .fb = codec->fb,
        .clock = codec->clock,
        .profile_level_id = codec->profile_level_id,
        .rcvr_rtt = m->rcvr_rtt,
        .rtcp_rsize = m->rtcp_rsize,
        .ext_mid = ext_of(m, TG_SDP_EXT_MID),
        .ext_abs_capture_time = ext_of(m, TG_SDP_EXT_ABS_CAPTURE_TIME),
        .ext_playout_delay = ext_of(m, TG_SDP_EXT_PLAYOUT_DELAY),
        .ext_twcc = ext_of(m, TG_SDP_EXT_TWCC),
    };
    memcpy(t->mid, m->mid, sizeof(t->mid));
}

static tg_err pick_tracks(struct tg_sdp_whep *w, const struct tg_sdp *offer,
                          const char **reterr_reason)
{
    int8_t video = find_media(offer, TG_SDP_VIDEO);
    int8_t audio = find_media(offer, TG_SDP_AUDIO);
    const struct tg_sdp_codec *codec;

    if (video < 0 && audio < 0) {
        *reterr_reason = "the SDP offers no receiving video or audio";
        return TG_ERR_UNSUPPORTED;
    }
    if (video >= 0) {
        codec = best_h264(&offer->media[video], reterr_reason);
        if (codec == NULL)
            return TG_ERR_UNSUPPORTED;
        fill_track(&w->video, video, &offer->media[video], codec);
    }
    codec = audio < 0 ? NULL : find_opus(&offer->media[audio]);
    if (codec != NULL)
        fill_track(&w->audio, audio, &offer->media[audio], codec);
    if (w->video.media < 0 && w->audio.media < 0) {
        *reterr_reason = "the offer has audio only, and no Opus";
        return TG_ERR_UNSUPPORTED;
    }
    return TG_OK;
}

/* NULL = fine. */
static const char *transport_fault(const struct tg_sdp_media *m, bool both)
{
    if (!m->rtcp_mux)
        return "an m-line has no a=rtcp-mux";
    if (both && !m->bundled)
        return "audio and video are not in one a=group:BUNDLE";
    if (m->ice_ufrag[0] == '\0')
        return "no ice-ufrag";
    if (m->ice_pwd[0] == '\0')
        return "no ice-pwd";
    if (strlen(m->ice_ufrag) < 4 || strlen(m->ice_pwd) < 22)
        return "ice-ufrag or ice-pwd is too short (4 and 22 characters at least)";
    if (!m->has_fingerprint)
        return "no sha-256 fingerprint";
    if (m->setup == TG_SDP_PASSIVE)
        return "the offer is setup:passive, but torg needs actpass or active";
    return NULL;
}

/* With BUNDLE the transport is that of the first m-line of the bundle (RFC 9143 s7.1). */
static tg_err pick_transport(struct tg_sdp_whep *w, const struct tg_sdp *offer,
                             const char **reterr_reason)
{
    bool both = w->video.media >= 0 && w->audio.media >= 0;
    int8_t first = w->video.media >= 0 ? w->video.media : w->audio.media;
    const char *fault;

    if (both)
        first = TG_MIN(w->video.media, w->audio.media);
    for (size_t i = 0; i < 2; i++) {
        int8_t index = i == 0 ? w->video.media : w->audio.media;

        fault = index < 0 ? NULL : transport_fault(&offer->media[index], both);
        if (fault != NULL) {
            *reterr_reason = fault;
            return TG_ERR_MALFORMED;
        }
    }
    const struct tg_sdp_media *m = &offer->media[first];
    memcpy(w->ice_ufrag, m->ice_ufrag, sizeof(w->ice_ufrag));
    memcpy(w->ice_pwd, m->ice_pwd, sizeof(w->ice_pwd));
    memcpy(w->fingerprint, m->fingerprint, sizeof(w->fingerprint));
    return TG_OK;
}

tg_err tg_sdp_whep_pick(struct tg_sdp_whep *ret, const struct tg_sdp *offer,
                        const char **reterr_reason)
{
    struct tg_sdp_whep w = {.video = {.media = -1, .rtx_pt = -1},
                            .audio = {.media = -1, .rtx_pt = -1}};
    tg_err err = pick_tracks(&w, offer, reterr_reason);

    if (err == TG_OK)
        err = pick_transport(&w, offer, reterr_reason);
    if (err == TG_OK)
        *ret = w;
    return err;
}

/* --- writing, both sides ---------------------------------------------------------------------- */

static void write_session(struct tg_buf *out, const struct tg_sdp_local *local)
{
    tg_buf_printf(out, "v=0\r\no=- %" PRIu64 " 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
                  local->session_id);
}

static void write_transport(struct tg_buf *out, const struct tg_sdp_local *local, const char *setup)
{
    char text[TG_FINGERPRINT_TEXT_SIZE];

    tg_fingerprint_write(text, local->fingerprint);
    tg_buf_printf(out,
                  "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\n",
                  local->ice_ufrag, local->ice_pwd, text, setup);
}

/* RFC 8839 s5.1; priority of RFC 8445 s5.1.2.1: host, component 1, best first. */
static void write_candidates(struct tg_buf *out, const struct tg_sdp_local *local)
{
    for (size_t i = 0; i < local->candidate_count && i < TG_SDP_CANDIDATES_MAX; i++) {
        const struct tg_addr *addr = &local->candidates[i];
        bool v4 = tg_addr_is_v4(addr);
        uint32_t priority = 126u << 24 | (65535u - (uint32_t)i) << 8 | 255u;
        char ip[INET6_ADDRSTRLEN];

        if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr->ip + 12 : addr->ip, ip, sizeof(ip)) ==
            NULL)
            continue;
        tg_buf_printf(out, "a=candidate:%zu 1 udp %" PRIu32 " %s %u typ host\r\n", i + 1, priority,
                      ip, (unsigned)addr->port);
    }
    tg_buf_add_str(out, "a=end-of-candidates\r\n");
}

static void write_fb(struct tg_buf *out, uint8_t pt, uint8_t fb)
{
    static const struct {
        uint8_t bit;
        const char *text;
    } rows[] = {
        {TG_SDP_FB_REMB, "goog-remb"}, {TG_SDP_FB_TWCC, "transport-cc"}, {TG_SDP_FB_FIR, "ccm fir"},
        {TG_SDP_FB_NACK, "nack"},      {TG_SDP_FB_PLI, "nack pli"},
    };

    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        if ((fb & rows[i].bit) != 0)
            tg_buf_printf(out, "a=rtcp-fb:%u %s\r\n", (unsigned)pt, rows[i].text);
    }
}

/* --- the answer ------------------------------------------------------------------------------- */

static void write_rejected(struct tg_buf *out, const struct tg_sdp_media *m)
{
    tg_buf_printf(out, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\n", m->kind_text, m->proto, m->formats);
    if (m->mid[0] != '\0')
        tg_buf_printf(out, "a=mid:%s\r\n", m->mid);
    tg_buf_add_str(out, "a=inactive\r\n");
}

static void write_exts(struct tg_buf *out, const struct tg_sdp_track *t)
{
    if (t->ext_mid != 0)
        tg_buf_printf(out, "a=extmap:%u urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
                      (unsigned)t->ext_mid);
    if (t->ext_abs_capture_time != 0)
        tg_buf_printf(
            out, "a=extmap:%u http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n",
            (unsigned)t->ext_abs_capture_time);
    if (t->ext_playout_delay != 0)
        tg_buf_printf(out, "a=extmap:%u %s\r\n", (unsigned)t->ext_playout_delay,
                      TG_RTP_EXT_URI_PLAYOUT_DELAY);
    if (t->ext_twcc != 0 && (t->fb & TG_SDP_FB_TWCC) != 0)
        tg_buf_printf(out,
                      "a=extmap:%u http://www.ietf.org/id/"
                      "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
                      (unsigned)t->ext_twcc);
}

static void write_video_codec(struct tg_buf *out, const struct tg_sdp_track *t)
{
    unsigned pt = t->pt;

    tg_buf_printf(out, "a=rtpmap:%u H264/90000\r\n", pt);
    write_fb(out, t->pt, t->fb);
    tg_buf_printf(out,
                  "a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=1;"
                  "profile-level-id=%06" PRIx32 "\r\n",
                  pt, t->profile_level_id);
    if (t->rtx_pt >= 0)
        tg_buf_printf(out, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%u\r\n", t->rtx_pt, t->rtx_pt,
                      pt);
}

static void write_video_sources(struct tg_buf *out, const struct tg_sdp_track *t,
                                const struct tg_sdp_local *local)
{
    if (t->rtx_pt >= 0)
        tg_buf_printf(out, "a=ssrc-group:FID %" PRIu32 " %" PRIu32 "\r\n", local->video_ssrc,
                      local->rtx_ssrc);
    tg_buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", local->video_ssrc, local->cname);
    if (t->rtx_pt >= 0)
        tg_buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", local->rtx_ssrc, local->cname);
}

static void write_audio(struct tg_buf *out, const struct tg_sdp_track *t,
                        const struct tg_sdp_local *local)
{
    unsigned pt = t->pt;

    tg_buf_printf(out, "a=rtpmap:%u opus/48000/2\r\n", pt);
    write_fb(out, t->pt, t->fb & TG_SDP_FB_TWCC);
    tg_buf_printf(out, "a=fmtp:%u minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n", pt);
    tg_buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", local->audio_ssrc, local->cname);
}

static void write_m_line(struct tg_buf *out, const struct tg_sdp_track *t,
                         const struct tg_sdp_media *m)
{
    tg_buf_printf(out, "m=%s 9 %s %u", m->kind_text, m->proto, (unsigned)t->pt);
    if (m->kind == TG_SDP_VIDEO && t->rtx_pt >= 0)
        tg_buf_printf(out, " %d", t->rtx_pt);
    tg_buf_add_str(out, "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
    if (m->mid[0] != '\0')
        tg_buf_printf(out, "a=mid:%s\r\n", m->mid);
}

static void write_accepted(struct tg_buf *out, const struct tg_sdp_track *t,
                           const struct tg_sdp_media *m, const struct tg_sdp_local *local,
                           bool first)
{
    bool video = m->kind == TG_SDP_VIDEO;

    write_m_line(out, t, m);
    write_transport(out, local, "passive");
    if (first) /* the others ride on this one's transport */
        write_candidates(out, local);
    tg_buf_add_str(out, "a=sendonly\r\na=rtcp-mux\r\n");
    if (t->rtcp_rsize)
        tg_buf_add_str(out, "a=rtcp-rsize\r\n");
    if (t->rcvr_rtt)
        tg_buf_add_str(out, "a=rtcp-xr:rcvr-rtt=all\r\n");
    write_exts(out, t);
    tg_buf_printf(out, "a=msid:%s %s\r\n", local->stream_id, video ? "video" : "audio");
    if (video) {
        write_video_codec(out, t);
        write_video_sources(out, t, local);
    } else {
        write_audio(out, t, local);
    }
}

static const struct tg_sdp_track *track_of(const struct tg_sdp_whep *pick, size_t index)
{
    if (pick->video.media == (int)index)
        return &pick->video;
    return pick->audio.media == (int)index ? &pick->audio : NULL;
}

static void write_bundle(struct tg_buf *out, const struct tg_sdp *offer,
                         const struct tg_sdp_whep *pick)
{
    bool any = false;

    for (size_t i = 0; i < offer->media_count; i++) {
        if (track_of(pick, i) == NULL || !offer->media[i].bundled)
            continue;
        tg_buf_printf(out, "%s %s", any ? "" : "a=group:BUNDLE", offer->media[i].mid);
        any = true;
    }
    if (any)
        tg_buf_add_str(out, "\r\n");
}

tg_err tg_sdp_write_whep_answer(struct tg_buf *out, const struct tg_sdp *offer,
                                const struct tg_sdp_whep *pick, const struct tg_sdp_local *local)
{
    bool first = true;

    write_session(out, local);
    write_bundle(out, offer, pick);
    tg_buf_add_str(out, "a=ice-lite\r\na=msid-semantic: WMS *\r\n");
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct tg_sdp_track *t = track_of(pick, i);

        if (t == NULL) {
            write_rejected(out, &offer->media[i]);
        } else {
            write_accepted(out, t, &offer->media[i], local, first);
            first = false;
        }
    }
    return out->err;
}

/* --- the offer -------------------------------------------------------------------------------- */

static void write_offer_common(struct tg_buf *out, const struct tg_sdp_local *local,
                               const char *mid)
{
    tg_buf_add_str(out, "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
    write_transport(out, local, "actpass");
    tg_buf_printf(out,
                  "a=mid:%s\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                  "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n"
                  "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtcp-xr:rcvr-rtt=all\r\n",
                  mid);
}

tg_err tg_sdp_write_whep_offer(struct tg_buf *out, const struct tg_sdp_local *local)
{
    write_session(out, local);
    tg_buf_add_str(out, "a=group:BUNDLE 0 1\r\na=msid-semantic: WMS\r\n"
                        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    write_offer_common(out, local, "0");
    tg_buf_add_str(out, "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
                        "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n");
    write_offer_common(out, local, "1");
    tg_buf_add_str(out, "a=rtpmap:102 H264/90000\r\n");
    write_fb(out, 102, TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_FIR | TG_SDP_FB_REMB);
    tg_buf_add_str(out, "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
                        "profile-level-id=42e01f\r\n"
                        "a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n");
    return out->err;
}
