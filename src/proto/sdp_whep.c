/* Answering a WHEP offer, and the offer of a player (draft-ietf-wish-whep, RFC 8829). */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "proto/sdp_priv.h"

/* --- picking ---------------------------------------------------------------------------------- */

static bool wants_media(const struct tg_sdp_media *m)
{
    return tg_sdp_alive(m) && (m->dir == TG_SDP_RECVONLY || m->dir == TG_SDP_SENDRECV);
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

/* The profile that best suits what torg sends: constrained baseline, or a host's own. */
static const struct tg_sdp_codec *best_h264(const struct tg_sdp_media *m,
                                            const char **reterr_reason)
{
    const struct tg_sdp_codec *best = NULL;
    const char *reason = "the offer has no H.264 with packetization-mode=1 and no VP8";

    for (size_t i = 0; i < m->codec_count; i++) {
        const struct tg_sdp_codec *c = &m->codecs[i];
        int rank = tg_sdp_h264_rank(c->profile_level_id);

        if (!tg_sdp_codec_is(c, "H264") || c->clock != 90000 || c->packetization_mode != 1)
            continue;
        if (rank == 0)
            reason = "the offer's H.264 profiles are not baseline, main or high, and it has no VP8";
        else if (best == NULL || rank > tg_sdp_h264_rank(best->profile_level_id))
            best = c;
    }
    if (best == NULL)
        *reterr_reason = reason;
    return best;
}

static struct tg_sdp_track new_track(int8_t index, const struct tg_sdp_media *m)
{
    struct tg_sdp_track t = {
        .media = index,
        .pt = -1,
        .rtx_pt = -1,
        .vp8_pt = -1,
        .vp8_rtx_pt = -1,
        .rcvr_rtt = m->rcvr_rtt,
        .rtcp_rsize = m->rtcp_rsize,
        .ext_mid = tg_sdp_ext_of(m, TG_SDP_EXT_MID),
        .ext_abs_capture_time = tg_sdp_ext_of(m, TG_SDP_EXT_ABS_CAPTURE_TIME),
        .ext_playout_delay = tg_sdp_ext_of(m, TG_SDP_EXT_PLAYOUT_DELAY),
        .ext_twcc = tg_sdp_ext_of(m, TG_SDP_EXT_TWCC),
    };

    memcpy(t.mid, m->mid, sizeof(t.mid));
    return t;
}

static void take_codec(struct tg_sdp_track *t, const struct tg_sdp_media *m,
                       const struct tg_sdp_codec *codec)
{
    t->pt = codec->pt;
    t->rtx_pt = tg_sdp_find_rtx(m, codec->pt);
    t->fb = codec->fb;
    t->clock = codec->clock;
    t->profile_level_id = codec->profile_level_id;
}

static tg_err pick_video(struct tg_sdp_track *t, const struct tg_sdp *offer, int8_t index,
                         const char **reterr_reason)
{
    const struct tg_sdp_media *m = &offer->media[index];
    const struct tg_sdp_codec *h264 = best_h264(m, reterr_reason);
    const struct tg_sdp_codec *vp8 = tg_sdp_find_codec(m, "VP8", 90000);

    if (h264 == NULL && vp8 == NULL)
        return TG_ERR_UNSUPPORTED;
    *t = new_track(index, m);
    t->clock = 90000;
    if (h264 != NULL)
        take_codec(t, m, h264);
    if (vp8 != NULL) {
        t->vp8_pt = vp8->pt;
        t->vp8_rtx_pt = tg_sdp_find_rtx(m, vp8->pt);
        t->vp8_fb = vp8->fb;
    }
    return TG_OK;
}

static tg_err pick_tracks(struct tg_sdp_whep *w, const struct tg_sdp *offer,
                          const char **reterr_reason)
{
    int8_t video = find_media(offer, TG_SDP_VIDEO);
    int8_t audio = find_media(offer, TG_SDP_AUDIO);
    const struct tg_sdp_codec *opus;

    if (video < 0 && audio < 0) {
        *reterr_reason = "the SDP offers no receiving video or audio";
        return TG_ERR_UNSUPPORTED;
    }
    if (video >= 0) {
        tg_err err = pick_video(&w->video, offer, video, reterr_reason);

        if (err != TG_OK)
            return err;
    }
    opus = audio < 0 ? NULL : tg_sdp_find_codec(&offer->media[audio], "opus", 48000);
    if (opus != NULL) {
        w->audio = new_track(audio, &offer->media[audio]);
        take_codec(&w->audio, &offer->media[audio], opus);
    }
    if (w->video.media < 0 && w->audio.media < 0) {
        *reterr_reason = "the offer has audio only, and no Opus";
        return TG_ERR_UNSUPPORTED;
    }
    return TG_OK;
}

tg_err tg_sdp_whep_pick(struct tg_sdp_whep *ret, const struct tg_sdp *offer,
                        const char **reterr_reason)
{
    const struct tg_sdp_track none = {
        .media = -1, .pt = -1, .rtx_pt = -1, .vp8_pt = -1, .vp8_rtx_pt = -1};
    struct tg_sdp_whep w = {.video = none, .audio = none};
    const struct tg_sdp_media *m = NULL;
    tg_err err = pick_tracks(&w, offer, reterr_reason);

    if (err == TG_OK)
        err = tg_sdp_pick_transport(&m, offer, w.video.media, w.audio.media, reterr_reason);
    if (err != TG_OK)
        return err;
    memcpy(w.ice_ufrag, m->ice_ufrag, sizeof(w.ice_ufrag));
    memcpy(w.ice_pwd, m->ice_pwd, sizeof(w.ice_pwd));
    memcpy(w.fingerprint, m->fingerprint, sizeof(w.fingerprint));
    *ret = w;
    return TG_OK;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void write_exts(struct tg_buf *out, const struct tg_sdp_track *t)
{
    tg_sdp_write_ext(out, t->ext_mid, TG_SDP_EXT_MID);
    tg_sdp_write_ext(out, t->ext_abs_capture_time, TG_SDP_EXT_ABS_CAPTURE_TIME);
    tg_sdp_write_ext(out, t->ext_playout_delay, TG_SDP_EXT_PLAYOUT_DELAY);
    if (((t->fb | t->vp8_fb) & TG_SDP_FB_TWCC) != 0)
        tg_sdp_write_ext(out, t->ext_twcc, TG_SDP_EXT_TWCC);
}

static void write_video_codecs(struct tg_buf *out, const struct tg_sdp_track *t)
{
    if (t->pt >= 0) {
        tg_buf_printf(out, "a=rtpmap:%d H264/90000\r\n", t->pt);
        tg_sdp_write_fb(out, (uint8_t)t->pt, t->fb);
        tg_buf_printf(out,
                      "a=fmtp:%d level-asymmetry-allowed=1;packetization-mode=1;"
                      "profile-level-id=%06" PRIx32 "\r\n",
                      t->pt, t->profile_level_id);
        tg_sdp_write_rtx(out, t->rtx_pt, t->pt);
    }
    if (t->vp8_pt >= 0) {
        tg_buf_printf(out, "a=rtpmap:%d VP8/90000\r\n", t->vp8_pt);
        tg_sdp_write_fb(out, (uint8_t)t->vp8_pt, t->vp8_fb);
        tg_sdp_write_rtx(out, t->vp8_rtx_pt, t->vp8_pt);
    }
}

static void write_video_sources(struct tg_buf *out, const struct tg_sdp_track *t,
                                const struct tg_sdp_local *local)
{
    const bool rtx = t->rtx_pt >= 0 || t->vp8_rtx_pt >= 0;

    if (rtx)
        tg_buf_printf(out, "a=ssrc-group:FID %" PRIu32 " %" PRIu32 "\r\n", local->video_ssrc,
                      local->rtx_ssrc);
    tg_buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", local->video_ssrc, local->cname);
    if (rtx)
        tg_buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", local->rtx_ssrc, local->cname);
}

static void write_audio(struct tg_buf *out, const struct tg_sdp_track *t,
                        const struct tg_sdp_local *local)
{
    tg_buf_printf(out, "a=rtpmap:%d opus/48000/2\r\n", t->pt);
    tg_sdp_write_fb(out, (uint8_t)t->pt, t->fb & TG_SDP_FB_TWCC);
    tg_buf_printf(out, "a=fmtp:%d minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n", t->pt);
    tg_buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", local->audio_ssrc, local->cname);
}

static void write_accepted(struct tg_buf *out, const struct tg_sdp_track *t,
                           const struct tg_sdp_media *m, const struct tg_sdp_local *local,
                           bool first)
{
    const bool video = m->kind == TG_SDP_VIDEO;
    const int16_t pts[] = {t->pt, t->rtx_pt, t->vp8_pt, t->vp8_rtx_pt};

    tg_sdp_write_m_line(out, m, pts, video ? TG_ARRAY_LEN(pts) : 1);
    tg_sdp_write_transport(out, local, "passive");
    if (first) /* the others ride on this one's transport */
        tg_sdp_write_candidates(out, local);
    tg_buf_add_str(out, "a=sendonly\r\na=rtcp-mux\r\n");
    if (t->rtcp_rsize)
        tg_buf_add_str(out, "a=rtcp-rsize\r\n");
    if (t->rcvr_rtt)
        tg_buf_add_str(out, "a=rtcp-xr:rcvr-rtt=all\r\n");
    write_exts(out, t);
    tg_buf_printf(out, "a=msid:%s %s\r\n", local->stream_id, video ? "video" : "audio");
    if (video) {
        write_video_codecs(out, t);
        write_video_sources(out, t, local);
    } else {
        write_audio(out, t, local);
    }
}

tg_err tg_sdp_write_whep_answer(struct tg_buf *out, const struct tg_sdp *offer,
                                const struct tg_sdp_whep *pick, const struct tg_sdp_local *local)
{
    bool first = true;

    tg_sdp_write_session(out, local);
    tg_sdp_write_bundle(out, offer, pick->video.media, pick->audio.media);
    tg_sdp_write_ice_session(out);
    tg_buf_add_str(out, "a=msid-semantic: WMS *\r\n");
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct tg_sdp_track *t = pick->video.media == (int)i   ? &pick->video
                                       : pick->audio.media == (int)i ? &pick->audio
                                                                     : NULL;

        if (t == NULL) {
            tg_sdp_write_rejected(out, &offer->media[i]);
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
    tg_sdp_write_transport(out, local, "actpass");
    tg_buf_printf(out,
                  "a=mid:%s\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                  "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n"
                  "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtcp-xr:rcvr-rtt=all\r\n",
                  mid);
}

tg_err tg_sdp_write_whep_offer(struct tg_buf *out, const struct tg_sdp_local *local)
{
    tg_sdp_write_session(out, local);
    tg_buf_add_str(out, "a=group:BUNDLE 0 1\r\na=msid-semantic: WMS\r\n"
                        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    write_offer_common(out, local, "0");
    tg_buf_add_str(out, "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
                        "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n");
    write_offer_common(out, local, "1");
    tg_buf_add_str(out, "a=rtpmap:102 H264/90000\r\n");
    tg_sdp_write_fb(out, 102, TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_FIR | TG_SDP_FB_REMB);
    tg_buf_add_str(out, "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
                        "profile-level-id=42e01f\r\n");
    tg_sdp_write_rtx(out, 103, 102);
    return out->err;
}
