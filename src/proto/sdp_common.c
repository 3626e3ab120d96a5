/* What WHEP and WHIP do alike: reading an offer's transport and codecs, and writing an answer. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "proto/dtls.h"
#include "proto/rtp.h"
#include "proto/sdp_priv.h"

/* --- choosing --------------------------------------------------------------------------------- */

bool tg_sdp_alive(const struct tg_sdp_media *m)
{
    return m->port != 0 || m->bundle_only;
}

const struct tg_sdp_codec *tg_sdp_find_codec(const struct tg_sdp_media *m, const char *name,
                                             uint32_t clock)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        if (tg_sdp_codec_is(&m->codecs[i], name) && m->codecs[i].clock == clock)
            return &m->codecs[i];
    }
    return NULL;
}

int16_t tg_sdp_find_rtx(const struct tg_sdp_media *m, uint8_t pt)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        if (tg_sdp_codec_is(&m->codecs[i], "rtx") && m->codecs[i].apt == pt)
            return m->codecs[i].pt;
    }
    return -1;
}

int tg_sdp_h264_rank(uint32_t profile_level_id)
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

uint8_t tg_sdp_ext_of(const struct tg_sdp_media *m, enum tg_sdp_ext ext)
{
    return m->ext_id[ext] <= 14 ? m->ext_id[ext] : 0;
}

const char *tg_sdp_ext_uri(enum tg_sdp_ext ext)
{
    static const char *const uris[TG_SDP_EXT_COUNT] = {
        [TG_SDP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
        [TG_SDP_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        [TG_SDP_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        [TG_SDP_EXT_TWCC] =
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        [TG_SDP_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        [TG_SDP_EXT_ABS_CAPTURE_TIME] =
            "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
        [TG_SDP_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        [TG_SDP_EXT_ORIENTATION] = "urn:3gpp:video-orientation",
        [TG_SDP_EXT_PLAYOUT_DELAY] = TG_RTP_EXT_URI_PLAYOUT_DELAY,
    };

    return uris[ext];
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
    if (!tg_ice_credentials_ok(m->ice_ufrag, m->ice_pwd))
        return TG_ICE_CREDENTIALS_RULE;
    if (!m->has_fingerprint)
        return "no sha-256 fingerprint";
    if (m->setup == TG_SDP_PASSIVE)
        return "the offer is setup:passive, but torg needs actpass or active";
    return NULL;
}

tg_err tg_sdp_pick_transport(const struct tg_sdp_media **ret, const struct tg_sdp *offer,
                             int8_t video, int8_t audio, const char **reterr_reason)
{
    const bool both = video >= 0 && audio >= 0;
    const int8_t first = both ? TG_MIN(video, audio) : TG_MAX(video, audio);

    TG_ASSERT(first >= 0);
    for (size_t i = 0; i < 2; i++) {
        const int8_t index = i == 0 ? video : audio;
        const char *fault = index < 0 ? NULL : transport_fault(&offer->media[index], both);

        if (fault != NULL) {
            *reterr_reason = fault;
            return TG_ERR_MALFORMED;
        }
    }
    *ret = &offer->media[first];
    return TG_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

void tg_sdp_write_session(struct tg_buf *out, const struct tg_sdp_local *local)
{
    tg_buf_printf(out, "v=0\r\no=- %" PRIu64 " 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
                  local->session_id);
}

void tg_sdp_write_ice_session(struct tg_buf *out)
{
    tg_buf_add_str(out, "a=ice-lite\r\na=ice-options:trickle ice2\r\n");
}

void tg_sdp_write_credentials(struct tg_buf *out, const struct tg_sdp_local *local)
{
    tg_buf_printf(out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", local->ice_ufrag, local->ice_pwd);
}

void tg_sdp_write_transport(struct tg_buf *out, const struct tg_sdp_local *local, const char *setup)
{
    char text[TG_FINGERPRINT_TEXT_SIZE];

    tg_fingerprint_write(text, local->fingerprint);
    tg_sdp_write_credentials(out, local);
    tg_buf_printf(out, "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n", text, setup);
}

/*
 * RFC 8839 s5.1. Priorities (RFC 8445 s5.1.2.1: type, local preference, component 1), best first:
 * hosts by UDP, then the same by TCP, with the type preference that browsers give to it and the
 * direction preference of RFC 6544 s4.2, passive.
 */
static void write_candidate(struct tg_buf *out, const struct tg_addr *addr, size_t i, bool tcp,
                            size_t foundation)
{
    const bool v4 = tg_addr_is_v4(addr);
    const uint32_t type = tcp ? 90u : 126u;
    const uint32_t local = tcp ? 4u << 13 | (8191u - (uint32_t)i) : 65535u - (uint32_t)i;
    char ip[INET6_ADDRSTRLEN];

    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr->ip + 12 : addr->ip, ip, sizeof(ip)) == NULL)
        return;
    tg_buf_printf(out, "a=candidate:%zu 1 %s %" PRIu32 " %s %u typ host%s\r\n", foundation,
                  tcp ? "tcp" : "udp", type << 24 | local << 8 | 255u, ip, (unsigned)addr->port,
                  tcp ? " tcptype passive" : "");
}

void tg_sdp_write_candidates(struct tg_buf *out, const struct tg_sdp_local *local)
{
    const size_t count = TG_MIN(local->candidate_count, (size_t)TG_SDP_CANDIDATES_MAX);

    for (size_t i = 0; i < count; i++)
        write_candidate(out, &local->candidates[i], i, false, i + 1);
    for (size_t i = 0; local->tcp && i < count; i++)
        write_candidate(out, &local->candidates[i], i, true, count + i + 1);
    tg_buf_add_str(out, "a=end-of-candidates\r\n");
}

void tg_sdp_write_fb(struct tg_buf *out, uint8_t pt, uint8_t fb)
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

void tg_sdp_write_ext(struct tg_buf *out, uint8_t id, enum tg_sdp_ext ext)
{
    if (id != 0)
        tg_buf_printf(out, "a=extmap:%u %s\r\n", (unsigned)id, tg_sdp_ext_uri(ext));
}

void tg_sdp_write_rtx(struct tg_buf *out, int16_t rtx_pt, int16_t pt)
{
    if (rtx_pt >= 0)
        tg_buf_printf(out, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", rtx_pt, rtx_pt, pt);
}

void tg_sdp_write_bundle(struct tg_buf *out, const struct tg_sdp *offer, int8_t video, int8_t audio)
{
    bool any = false;

    for (size_t i = 0; i < offer->media_count; i++) {
        if (((int)i != video && (int)i != audio) || !offer->media[i].bundled)
            continue;
        tg_buf_printf(out, "%s %s", any ? "" : "a=group:BUNDLE", offer->media[i].mid);
        any = true;
    }
    if (any)
        tg_buf_add_str(out, "\r\n");
}

void tg_sdp_write_rejected(struct tg_buf *out, const struct tg_sdp_media *m)
{
    tg_buf_printf(out, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\n", m->kind_text, m->proto, m->formats);
    if (m->mid[0] != '\0')
        tg_buf_printf(out, "a=mid:%s\r\n", m->mid);
    tg_buf_add_str(out, "a=inactive\r\n");
}

void tg_sdp_write_m_line(struct tg_buf *out, const struct tg_sdp_media *m, const int16_t *pts,
                         size_t count)
{
    tg_buf_printf(out, "m=%s 9 %s", m->kind_text, m->proto);
    for (size_t i = 0; i < count; i++) {
        if (pts[i] >= 0)
            tg_buf_printf(out, " %d", pts[i]);
    }
    tg_buf_add_str(out, "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
    if (m->mid[0] != '\0')
        tg_buf_printf(out, "a=mid:%s\r\n", m->mid);
}
