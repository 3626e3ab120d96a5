/*
 * load_answer.c - a player's answer where the server offers (Janus). RFC 8829 s5.3.1, as a browser
 * would: the one H.264 video m-line received, nothing else.
 */
#include "support/lib/load.h"

static const struct tg_sdp_codec *h264_of(const struct tg_sdp_media *m)
{
    for (size_t i = 0; i < m->codec_count; i++)
        if (tg_sdp_codec_is(&m->codecs[i], "H264"))
            return &m->codecs[i];
    return NULL;
}

tg_err load_write_answer(struct tg_buf *out, const struct tg_sdp_media *m,
                         const struct tg_sdp_local *local, const char *fingerprint)
{
    const struct tg_sdp_codec *codec = h264_of(m);
    const struct tg_addr *at = &local->candidates[0];

    if (m->kind != TG_SDP_VIDEO || codec == NULL)
        return TG_ERR_UNSUPPORTED;
    tg_buf_printf(out,
                  "v=0\r\no=- %llu 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %s\r\n"
                  "m=video 9 UDP/TLS/RTP/SAVPF %u\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\n"
                  "a=recvonly\r\na=rtcp-mux\r\n",
                  (unsigned long long)local->session_id, m->mid, codec->pt, m->mid);
    tg_buf_printf(out,
                  "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\n"
                  "a=setup:active\r\n",
                  local->ice_ufrag, local->ice_pwd, fingerprint);
    tg_buf_printf(out,
                  "a=rtpmap:%u H264/90000\r\n"
                  "a=fmtp:%u profile-level-id=42e01f;packetization-mode=1\r\n"
                  "a=rtcp-fb:%u nack\r\na=rtcp-fb:%u nack pli\r\na=rtcp-fb:%u goog-remb\r\n",
                  codec->pt, codec->pt, codec->pt, codec->pt, codec->pt);
    tg_buf_printf(out,
                  "a=candidate:1 1 udp 2130706431 %u.%u.%u.%u %u typ host\r\n"
                  "a=end-of-candidates\r\n",
                  at->ip[12], at->ip[13], at->ip[14], at->ip[15], at->port);
    return out->err;
}
