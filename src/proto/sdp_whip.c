/* Answering a publisher's offer (RFC 9725 s4.2, s4.4). */
#include "proto/sdp_whip.h"

#include <inttypes.h>
#include <string.h>

#include "proto/sdp_priv.h"

/* --- picking ---------------------------------------------------------------------------------- */

static bool sends_media(const struct tg_sdp_media *m)
{
    return tg_sdp_alive(m) && m->kind != TG_SDP_APPLICATION &&
           (m->dir == TG_SDP_SENDONLY || m->dir == TG_SDP_SENDRECV);
}

/* Mode 1 before mode 0, then the offer's order: what the encoder prefers is cheapest for it. */
static const struct tg_sdp_codec *find_h264(const struct tg_sdp_media *m)
{
    const struct tg_sdp_codec *found = NULL;

    for (size_t i = 0; i < m->codec_count; i++) {
        const struct tg_sdp_codec *c = &m->codecs[i];

        if (!tg_sdp_codec_is(c, "H264") || c->clock != 90000 || c->packetization_mode > 1 ||
            tg_sdp_h264_rank(c->profile_level_id) == 0)
            continue;
        if (found == NULL || c->packetization_mode > found->packetization_mode)
            found = c;
    }
    return found;
}

static void take_sources(struct tg_sdp_in *in, const struct tg_sdp_media *m)
{
    in->ssrc_count = m->ssrc_count;
    memcpy(in->ssrcs, m->ssrcs, sizeof(in->ssrcs));
    in->pair_count = m->pair_count;
    memcpy(in->pairs, m->pairs, sizeof(in->pairs));
    for (size_t i = 0; i < m->rid_count && in->rid_count < TG_WHIP_RIDS_MAX; i++) {
        if (m->rids[i].simulcast)
            memcpy(in->rids[in->rid_count++], m->rids[i].id, sizeof(in->rids[0]));
    }
}

static void take_media(struct tg_sdp_in *in, size_t index, const struct tg_sdp_media *m,
                       const struct tg_sdp_codec *codec)
{
    *in = (struct tg_sdp_in){
        .media = (int8_t)index,
        .vp8 = tg_sdp_codec_is(codec, "VP8"),
        .pt = codec->pt,
        .rtx_pt = tg_sdp_find_rtx(m, codec->pt),
        .fb = codec->fb,
        .packetization_mode = codec->packetization_mode,
        .profile_level_id = codec->profile_level_id,
        .rcvr_rtt = m->rcvr_rtt,
        .rtcp_rsize = m->rtcp_rsize,
        .stereo_sent = codec->stereo,
        .ext_mid = tg_sdp_ext_of(m, TG_SDP_EXT_MID),
        .ext_twcc = tg_sdp_ext_of(m, TG_SDP_EXT_TWCC),
    };
    memcpy(in->mid, m->mid, sizeof(in->mid));
    /* One is of no use without the other. */
    if (in->ext_twcc == 0)
        in->fb &= (uint8_t)~TG_SDP_FB_TWCC;
    if ((in->fb & TG_SDP_FB_TWCC) == 0)
        in->ext_twcc = 0;
    take_sources(in, m);
}

static const char *pick_video(struct tg_sdp_in *in, size_t index, const struct tg_sdp_media *m)
{
    const struct tg_sdp_codec *codec = find_h264(m);

    if (codec == NULL)
        codec = tg_sdp_find_codec(m, "VP8", 90000);
    if (codec == NULL)
        return "the video has neither H.264 (baseline, main or high) nor VP8";
    take_media(in, index, m, codec);
    if (in->rid_count == 0)
        return NULL;
    in->ext_rid = tg_sdp_ext_of(m, TG_SDP_EXT_RID);
    in->ext_repaired_rid = tg_sdp_ext_of(m, TG_SDP_EXT_REPAIRED_RID);
    return in->ext_rid != 0 ? NULL : "simulcast needs the rtp-stream-id header extension";
}

static const char *pick_audio(struct tg_sdp_in *in, size_t index, const struct tg_sdp_media *m)
{
    const struct tg_sdp_codec *codec = tg_sdp_find_codec(m, "opus", 48000);

    if (codec == NULL)
        return "the audio has no Opus";
    take_media(in, index, m, codec);
    in->rid_count = 0;
    in->ext_audio_level = tg_sdp_ext_of(m, TG_SDP_EXT_AUDIO_LEVEL);
    return NULL;
}

/* NULL = fine. One MediaStream, one track of each kind, nothing left out (RFC 9725 s4.4.2/3). */
static const char *pick_media(struct tg_sdp_whip *w, size_t index, const struct tg_sdp_media *m)
{
    if (!sends_media(m))
        return NULL;
    switch (m->kind) {
    case TG_SDP_VIDEO:
        if (w->video.media >= 0)
            return "the offer sends more than one video";
        return pick_video(&w->video, index, m);
    case TG_SDP_AUDIO:
        if (w->audio.media >= 0)
            return "the offer sends more than one audio";
        return pick_audio(&w->audio, index, m);
    case TG_SDP_APPLICATION:
    case TG_SDP_OTHER:
    default:
        return "the offer sends something that is neither audio nor video";
    }
}

/* "-" is a track without a stream: as good as one of the same. */
static bool two_streams(const struct tg_sdp *offer, const struct tg_sdp_whip *w)
{
    const char *video;
    const char *audio;

    if (w->video.media < 0 || w->audio.media < 0)
        return false;
    video = offer->media[w->video.media].stream;
    audio = offer->media[w->audio.media].stream;
    return video[0] != '\0' && audio[0] != '\0' && strcmp(video, "-") != 0 &&
           strcmp(audio, "-") != 0 && strcmp(video, audio) != 0;
}

static tg_err pick_tracks(struct tg_sdp_whip *w, const struct tg_sdp *offer,
                          const char **reterr_reason)
{
    const char *fault = NULL;

    for (size_t i = 0; fault == NULL && i < offer->media_count; i++)
        fault = pick_media(w, i, &offer->media[i]);
    if (fault == NULL && w->video.media < 0 && w->audio.media < 0)
        fault = "the SDP offers no video or audio that is sent";
    if (fault == NULL && two_streams(offer, w))
        fault = "audio and video belong to two streams (a=msid), but WHIP has one";
    if (fault == NULL)
        return TG_OK;
    *reterr_reason = fault;
    return TG_ERR_UNSUPPORTED;
}

tg_err tg_sdp_whip_pick(struct tg_sdp_whip *ret, const struct tg_sdp *offer,
                        const char **reterr_reason)
{
    struct tg_sdp_whip w = {.video = {.media = -1, .rtx_pt = -1},
                            .audio = {.media = -1, .rtx_pt = -1}};
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

/* An offer that left the profile to its default must not be held to a level of 1.0. */
static bool names_profile(const struct tg_sdp_media *m, uint8_t pt)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        if (m->codecs[i].pt == pt)
            return m->codecs[i].has_profile;
    }
    return false;
}

static void write_video_fmtp(struct tg_buf *out, const struct tg_sdp_in *in,
                             const struct tg_sdp_media *m, unsigned start_kbps)
{
    if (in->vp8 && start_kbps == 0)
        return;
    tg_buf_printf(out, "a=fmtp:%u ", (unsigned)in->pt);
    if (!in->vp8) {
        tg_buf_printf(out, "level-asymmetry-allowed=1;packetization-mode=%u",
                      (unsigned)in->packetization_mode);
        if (names_profile(m, in->pt))
            tg_buf_printf(out, ";profile-level-id=%06" PRIx32, in->profile_level_id);
    }
    if (start_kbps > 0)
        tg_buf_printf(out, "%sx-google-start-bitrate=%u", in->vp8 ? "" : ";", start_kbps);
    tg_buf_add_str(out, "\r\n");
}

static void write_rids(struct tg_buf *out, const struct tg_sdp_in *in)
{
    if (in->rid_count == 0)
        return;
    for (size_t i = 0; i < in->rid_count; i++)
        tg_buf_printf(out, "a=rid:%s recv\r\n", in->rids[i]);
    for (size_t i = 0; i < in->rid_count; i++)
        tg_buf_printf(out, "%s%s", i == 0 ? "a=simulcast:recv " : ";", in->rids[i]);
    tg_buf_add_str(out, "\r\n");
}

static void write_video(struct tg_buf *out, const struct tg_sdp_in *in,
                        const struct tg_sdp_media *m, unsigned start_kbps)
{
    tg_buf_printf(out, "a=rtpmap:%u %s/90000\r\n", (unsigned)in->pt, in->vp8 ? "VP8" : "H264");
    tg_sdp_write_fb(out, in->pt, in->fb);
    write_video_fmtp(out, in, m, start_kbps);
    tg_sdp_write_rtx(out, in->rtx_pt, in->pt);
    write_rids(out, in);
}

static void write_audio(struct tg_buf *out, const struct tg_sdp_in *in)
{
    tg_buf_printf(out, "a=rtpmap:%u opus/48000/2\r\n", (unsigned)in->pt);
    tg_sdp_write_fb(out, in->pt, in->fb & (TG_SDP_FB_TWCC | TG_SDP_FB_NACK));
    tg_buf_printf(out,
                  "a=fmtp:%u minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;"
                  "maxaveragebitrate=128000\r\n",
                  (unsigned)in->pt);
}

static void write_exts(struct tg_buf *out, const struct tg_sdp_in *in)
{
    tg_sdp_write_ext(out, in->ext_mid, TG_SDP_EXT_MID);
    tg_sdp_write_ext(out, in->ext_rid, TG_SDP_EXT_RID);
    tg_sdp_write_ext(out, in->ext_repaired_rid, TG_SDP_EXT_REPAIRED_RID);
    tg_sdp_write_ext(out, in->ext_twcc, TG_SDP_EXT_TWCC);
    tg_sdp_write_ext(out, in->ext_audio_level, TG_SDP_EXT_AUDIO_LEVEL);
}

static void write_accepted(struct tg_buf *out, const struct tg_sdp_in *in,
                           const struct tg_sdp_media *m, const struct tg_sdp_local *local,
                           bool first)
{
    const int16_t pts[] = {in->pt, in->rtx_pt};

    tg_sdp_write_m_line(out, m, pts, m->kind == TG_SDP_VIDEO ? 2 : 1);
    tg_sdp_write_transport(out, local, "passive");
    if (first) /* the other rides on this one's transport */
        tg_sdp_write_candidates(out, local);
    /* rtcp-mux-only: RFC 9725 s4.4.1 wants it, though RFC 8858 s4.2 has it in offers only. */
    tg_buf_add_str(out, "a=recvonly\r\na=rtcp-mux\r\na=rtcp-mux-only\r\n");
    if (in->rtcp_rsize)
        tg_buf_add_str(out, "a=rtcp-rsize\r\n");
    if (in->rcvr_rtt)
        tg_buf_add_str(out, "a=rtcp-xr:rcvr-rtt=all\r\n");
    write_exts(out, in);
}

tg_err tg_sdp_write_whip_answer(struct tg_buf *out, const struct tg_sdp *offer,
                                const struct tg_sdp_whip *pick, const struct tg_sdp_local *local,
                                unsigned start_kbps)
{
    bool first = true;

    tg_sdp_write_session(out, local);
    tg_sdp_write_bundle(out, offer, pick->video.media, pick->audio.media);
    tg_sdp_write_ice_session(out);
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct tg_sdp_media *m = &offer->media[i];

        if (pick->video.media == (int)i) {
            write_accepted(out, &pick->video, m, local, first);
            write_video(out, &pick->video, m, start_kbps);
            first = false;
        } else if (pick->audio.media == (int)i) {
            write_accepted(out, &pick->audio, m, local, first);
            write_audio(out, &pick->audio);
            first = false;
        } else {
            tg_sdp_write_rejected(out, m);
        }
    }
    return out->err;
}
