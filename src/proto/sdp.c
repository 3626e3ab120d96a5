#include "proto/sdp.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/str.h"
#include "proto/dtls.h"
#include "proto/sdp_priv.h"

#define RID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

struct parse {
    struct tg_sdp *sdp;
    struct tg_sdp_media session; /* values in front of the first m-line */
    struct tg_sdp_media *m;      /* where attributes go: &session or an m-line */
    bool session_dir;
    bool media_dir[TG_SDP_MEDIA_MAX];
    struct tg_span bundle;                      /* mids of a=group:BUNDLE */
    struct tg_span simulcast[TG_SDP_MEDIA_MAX]; /* the rids that it sends */
    tg_err err;
    const char *reason;
};

static void fail(struct parse *p, tg_err err, const char *reason)
{
    if (p->err == TG_OK) {
        p->err = err;
        p->reason = reason;
    }
}

bool tg_sdp_codec_is(const struct tg_sdp_codec *codec, const char *name)
{
    return strcasecmp(codec->name, name) == 0;
}

static bool span_hex24(struct tg_span s, uint32_t *ret)
{
    uint32_t value = 0;

    if (s.len != 6)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        const uint8_t c = s.data[i];
        const uint8_t low = c | 0x20;

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value << 4 | (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    *ret = value;
    return true;
}

/* --- attributes of codecs --------------------------------------------------------------------- */

static struct tg_sdp_codec *codec_of(struct parse *p, struct tg_span pt_text)
{
    int64_t pt;

    if (!tg_sdp_number(pt_text, 127, &pt)) {
        fail(p, TG_ERR_MALFORMED, "a payload type is not a number of 0 to 127");
        return NULL;
    }
    for (size_t i = 0; i < p->m->codec_count; i++) {
        if (p->m->codecs[i].pt == pt)
            return &p->m->codecs[i];
    }
    return NULL; /* described, but not on the m-line: of no use */
}

/* "102 H264/90000", "111 opus/48000/2" */
static void on_rtpmap(struct parse *p, struct tg_rd *r)
{
    struct tg_sdp_codec *codec = codec_of(p, tg_sdp_word(r));
    struct tg_span map = tg_sdp_word(r);
    struct tg_rd parts = tg_rd(map.data, map.len);
    struct tg_span name = tg_sdp_until(&parts, '/');
    int64_t clock;
    int64_t channels;

    if (codec == NULL)
        return;
    if (!tg_sdp_number(tg_sdp_until(&parts, '/'), UINT32_MAX, &clock)) {
        fail(p, TG_ERR_MALFORMED, "an rtpmap has no clock rate");
        return;
    }
    if (!tg_sdp_keep(codec->name, sizeof(codec->name), name))
        codec->name[0] = '\0'; /* a codec with a name that long is none of ours */
    codec->clock = (uint32_t)clock;
    if (tg_sdp_number(tg_sdp_until(&parts, '/'), UINT8_MAX, &channels))
        codec->channels = (uint8_t)channels;
}

static void fmtp_param(struct parse *p, struct tg_sdp_codec *codec, struct tg_span param)
{
    struct tg_rd r = tg_rd(param.data, param.len);
    struct tg_span key;
    struct tg_span value;
    int64_t number;

    while (tg_rd_left(&r) > 0 && *r.at == ' ')
        tg_rd_skip(&r, 1);
    key = tg_sdp_until(&r, '=');
    value = tg_sdp_word(&r);
    if (tg_sdp_is(key, "apt") && tg_sdp_number(value, 127, &number))
        codec->apt = (int16_t)number;
    else if (tg_sdp_is(key, "packetization-mode") && tg_sdp_number(value, 2, &number))
        codec->packetization_mode = (uint8_t)number;
    else if (tg_sdp_is(key, "level-asymmetry-allowed"))
        codec->level_asymmetry = tg_sdp_is(value, "1");
    else if (tg_sdp_is(key, "stereo") || tg_sdp_is(key, "sprop-stereo"))
        codec->stereo = codec->stereo || tg_sdp_is(value, "1");
    else if (tg_sdp_is(key, "profile-level-id")) {
        codec->has_profile = span_hex24(value, &codec->profile_level_id);
        if (!codec->has_profile)
            fail(p, TG_ERR_MALFORMED, "a profile-level-id is not of six hexadecimal digits");
    }
}

static void on_fmtp(struct parse *p, struct tg_rd *r)
{
    struct tg_sdp_codec *codec = codec_of(p, tg_sdp_word(r));

    while (codec != NULL && tg_rd_left(r) > 0)
        fmtp_param(p, codec, tg_sdp_until(r, ';'));
}

static uint8_t fb_of(struct tg_span type, struct tg_span param)
{
    if (tg_sdp_is(type, "nack"))
        return param.len == 0 ? TG_SDP_FB_NACK : tg_sdp_is(param, "pli") ? TG_SDP_FB_PLI : 0;
    if (tg_sdp_is(type, "ccm"))
        return tg_sdp_is(param, "fir") ? TG_SDP_FB_FIR : 0;
    if (tg_sdp_is(type, "goog-remb"))
        return TG_SDP_FB_REMB;
    return tg_sdp_is(type, "transport-cc") ? TG_SDP_FB_TWCC : 0;
}

static void on_rtcp_fb(struct parse *p, struct tg_rd *r)
{
    struct tg_span pt = tg_sdp_word(r);
    struct tg_span type = tg_sdp_word(r);
    uint8_t fb = fb_of(type, tg_sdp_word(r));
    struct tg_sdp_codec *codec = tg_sdp_is(pt, "*") ? NULL : codec_of(p, pt);

    if (codec != NULL) {
        codec->fb |= fb;
        return;
    }
    for (size_t i = 0; tg_sdp_is(pt, "*") && i < p->m->codec_count; i++)
        p->m->codecs[i].fb |= fb;
}

static void on_extmap(struct parse *p, struct tg_rd *r)
{
    struct tg_span first = tg_sdp_word(r);
    struct tg_span uri = tg_sdp_word(r);
    struct tg_rd id_and_dir = tg_rd(first.data, first.len);
    int64_t id;

    if (!tg_sdp_number(tg_sdp_until(&id_and_dir, '/'), 255, &id) || id == 0) {
        fail(p, TG_ERR_MALFORMED, "an extmap id is not a number of 1 to 255");
        return;
    }
    for (size_t i = 0; i < TG_SDP_EXT_COUNT; i++) {
        if (tg_sdp_is(uri, tg_sdp_ext_uri((enum tg_sdp_ext)i)))
            p->m->ext_id[i] = (uint8_t)id;
    }
}

/* --- attributes of sources -------------------------------------------------------------------- */

static void on_ssrc(struct parse *p, struct tg_rd *r)
{
    struct tg_sdp_media *m = p->m;
    int64_t ssrc;

    if (!tg_sdp_number(tg_sdp_word(r), UINT32_MAX, &ssrc)) {
        fail(p, TG_ERR_MALFORMED, "an ssrc is not a 32-bit number");
        return;
    }
    for (size_t i = 0; i < m->ssrc_count; i++) {
        if (m->ssrcs[i] == ssrc)
            return;
    }
    if (m->ssrc_count == TG_SDP_SSRCS_MAX)
        fail(p, TG_ERR_LIMIT, "an m-line has more SSRCs than torg reads");
    else
        m->ssrcs[m->ssrc_count++] = (uint32_t)ssrc;
}

static void on_ssrc_group(struct parse *p, struct tg_rd *r)
{
    struct tg_sdp_media *m = p->m;
    bool fid = tg_sdp_is(tg_sdp_word(r), "FID");
    int64_t media;
    int64_t rtx;

    if (!fid || m->pair_count == TG_ARRAY_LEN(m->pairs))
        return;
    if (tg_sdp_number(tg_sdp_word(r), UINT32_MAX, &media) &&
        tg_sdp_number(tg_sdp_word(r), UINT32_MAX, &rtx))
        m->pairs[m->pair_count++] =
            (struct tg_sdp_ssrc_pair){.media = (uint32_t)media, .rtx = (uint32_t)rtx};
}

static struct tg_sdp_rid *rid_of(struct tg_sdp_media *m, struct tg_span id)
{
    for (size_t i = 0; i < m->rid_count; i++) {
        if (strlen(m->rids[i].id) == id.len && memcmp(m->rids[i].id, id.data, id.len) == 0)
            return &m->rids[i];
    }
    return NULL;
}

/* "a=rid:hi send" (RFC 8851 s10); restrictions behind it are the sender's own business. */
static void on_rid(struct parse *p, struct tg_rd *r)
{
    struct tg_sdp_media *m = p->m;
    struct tg_span id = tg_sdp_word(r);
    struct tg_sdp_rid rid = {0};

    if (!tg_sdp_keep(rid.id, sizeof(rid.id), id)) {
        fail(p, TG_ERR_MALFORMED, "a rid is empty or longer than 16 characters");
        return;
    }
    if (!tg_sdp_only(id, RID_CHARS)) {
        fail(p, TG_ERR_MALFORMED, "a rid has other characters than letters, digits, - and _");
        return;
    }
    rid.send = tg_sdp_is(tg_sdp_word(r), "send");
    if (rid_of(m, id) != NULL)
        fail(p, TG_ERR_MALFORMED, "two rids of an m-line have the same name");
    else if (m->rid_count == TG_SDP_RIDS_MAX)
        fail(p, TG_ERR_LIMIT, "an m-line has more simulcast layers than torg reads");
    else
        m->rids[m->rid_count++] = rid;
}

/* "a=simulcast:send hi;mid;~lo recv x": kept until all rids of the m-line are known. */
static void on_simulcast(struct parse *p, struct tg_rd *r)
{
    p->m->simulcast = true;
    for (struct tg_span dir = tg_sdp_word(r); dir.len > 0; dir = tg_sdp_word(r)) {
        struct tg_span list = tg_sdp_word(r);

        if (tg_sdp_is(dir, "send") && p->sdp->media_count > 0)
            p->simulcast[p->sdp->media_count - 1] = list;
    }
}

/* "a=msid:stream track" (RFC 8830); a name longer than it may be counts as none. */
static void on_msid(struct parse *p, struct tg_rd *r)
{
    struct tg_span stream = tg_sdp_word(r);

    if (p->m->stream[0] == '\0' && !tg_sdp_keep(p->m->stream, sizeof(p->m->stream), stream))
        p->m->stream[0] = '\0';
}

/* --- attributes of the transport -------------------------------------------------------------- */

static void on_ufrag(struct parse *p, struct tg_rd *r)
{
    if (!tg_sdp_keep(p->m->ice_ufrag, sizeof(p->m->ice_ufrag), tg_sdp_word(r)))
        fail(p, TG_ERR_MALFORMED, "ice-ufrag is empty or longer than 256 characters");
}

static void on_pwd(struct parse *p, struct tg_rd *r)
{
    if (!tg_sdp_keep(p->m->ice_pwd, sizeof(p->m->ice_pwd), tg_sdp_word(r)))
        fail(p, TG_ERR_MALFORMED, "ice-pwd is empty or longer than 256 characters");
}

static void on_fingerprint(struct parse *p, struct tg_rd *r)
{
    struct tg_span hash = tg_sdp_word(r);
    struct tg_span hex = tg_sdp_word(r);

    if (!tg_sdp_is(hash, "sha-256"))
        return;
    if (tg_fingerprint_parse(p->m->fingerprint, (const char *)hex.data, hex.len) != TG_OK)
        fail(p, TG_ERR_MALFORMED, "the sha-256 fingerprint is not of 32 hexadecimal pairs");
    p->m->has_fingerprint = p->err == TG_OK;
}

static void on_setup(struct parse *p, struct tg_rd *r)
{
    struct tg_span value = tg_sdp_word(r);

    if (tg_sdp_is(value, "actpass"))
        p->m->setup = TG_SDP_ACTPASS;
    else if (tg_sdp_is(value, "active"))
        p->m->setup = TG_SDP_ACTIVE;
    else if (tg_sdp_is(value, "passive"))
        p->m->setup = TG_SDP_PASSIVE;
    else
        fail(p, TG_ERR_MALFORMED, "a=setup is none of actpass, active, passive");
}

static bool candidate_addr(struct tg_addr *ret, struct tg_span ip, struct tg_span port)
{
    char text[INET6_ADDRSTRLEN];
    struct tg_addr addr = tg_addr_v4(0, 0, 0, 0, 0);
    int64_t number;

    if (!tg_sdp_keep(text, sizeof(text), ip) || !tg_sdp_number(port, UINT16_MAX, &number) ||
        number == 0)
        return false;
    if (inet_pton(AF_INET, text, addr.ip + 12) != 1 && inet_pton(AF_INET6, text, addr.ip) != 1)
        return false;
    addr.port = (uint16_t)number;
    *ret = addr;
    return true;
}

/* "1 1 udp 2130706431 192.0.2.1 8189 typ host"; names (mDNS) and TCP are skipped. */
static void on_candidate(struct parse *p, struct tg_rd *r)
{
    struct tg_sdp_media *m = p->m;
    struct tg_addr addr;
    bool ours;

    (void)tg_sdp_word(r);
    ours = tg_sdp_is(tg_sdp_word(r), "1");
    ours = tg_sdp_is(tg_sdp_word(r), "udp") && ours;
    (void)tg_sdp_word(r);
    struct tg_span ip = tg_sdp_word(r);
    if (ours && candidate_addr(&addr, ip, tg_sdp_word(r)) &&
        m->candidate_count < TG_SDP_CANDIDATES_MAX)
        m->candidates[m->candidate_count++] = addr;
}

static void on_mid(struct parse *p, struct tg_rd *r)
{
    if (!tg_sdp_keep(p->m->mid, sizeof(p->m->mid), tg_sdp_word(r)))
        fail(p, TG_ERR_MALFORMED, "a mid is empty or longer than 16 characters");
}

static void on_group(struct parse *p, struct tg_rd *r)
{
    if (tg_sdp_is(tg_sdp_word(r), "BUNDLE") && p->bundle.data == NULL)
        p->bundle = tg_rd_span(r, tg_rd_left(r));
}

static void on_rtcp_xr(struct parse *p, struct tg_rd *r)
{
    while (tg_rd_left(r) > 0) {
        if (tg_sdp_starts(tg_sdp_word(r), "rcvr-rtt=all"))
            p->m->rcvr_rtt = true;
    }
}

/* --- flags ------------------------------------------------------------------------------------ */

static void set_dir(struct parse *p, enum tg_sdp_dir dir)
{
    p->m->dir = dir;
    if (p->m == &p->session)
        p->session_dir = true;
    else
        p->media_dir[p->sdp->media_count - 1] = true;
}

static void on_flag(struct parse *p, struct tg_span name)
{
    if (tg_sdp_is(name, "sendrecv"))
        set_dir(p, TG_SDP_SENDRECV);
    else if (tg_sdp_is(name, "sendonly"))
        set_dir(p, TG_SDP_SENDONLY);
    else if (tg_sdp_is(name, "recvonly"))
        set_dir(p, TG_SDP_RECVONLY);
    else if (tg_sdp_is(name, "inactive"))
        set_dir(p, TG_SDP_INACTIVE);
    else if (tg_sdp_is(name, "rtcp-mux") || tg_sdp_is(name, "rtcp-mux-only"))
        p->m->rtcp_mux = true;
    else if (tg_sdp_is(name, "rtcp-rsize"))
        p->m->rtcp_rsize = true;
    else if (tg_sdp_is(name, "bundle-only"))
        p->m->bundle_only = true;
    else if (tg_sdp_is(name, "ice-lite"))
        p->sdp->ice_lite = true;
}

static const struct {
    const char *name;
    void (*fn)(struct parse *p, struct tg_rd *r);
} attributes[] = {
    {"rtpmap", on_rtpmap},   {"fmtp", on_fmtp},
    {"rtcp-fb", on_rtcp_fb}, {"extmap", on_extmap},
    {"ssrc", on_ssrc},       {"ssrc-group", on_ssrc_group},
    {"rid", on_rid},         {"ice-ufrag", on_ufrag},
    {"ice-pwd", on_pwd},     {"fingerprint", on_fingerprint},
    {"setup", on_setup},     {"candidate", on_candidate},
    {"mid", on_mid},         {"group", on_group},
    {"rtcp-xr", on_rtcp_xr}, {"simulcast", on_simulcast},
    {"msid", on_msid},
};

static void on_attribute(struct parse *p, struct tg_rd *r)
{
    bool has_value = tg_rd_left(r) > 0 && memchr(r->at, ':', tg_rd_left(r)) != NULL;
    struct tg_span name = tg_sdp_until(r, ':');

    if (!has_value) {
        on_flag(p, name);
        return;
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(attributes); i++) {
        if (tg_sdp_is(name, attributes[i].name)) {
            attributes[i].fn(p, r);
            return;
        }
    }
}

/* --- m-lines ---------------------------------------------------------------------------------- */

static enum tg_sdp_kind kind_of(const char *text)
{
    if (strcmp(text, "audio") == 0)
        return TG_SDP_AUDIO;
    if (strcmp(text, "video") == 0)
        return TG_SDP_VIDEO;
    return strcmp(text, "application") == 0 ? TG_SDP_APPLICATION : TG_SDP_OTHER;
}

static void add_codec(struct parse *p, struct tg_span format)
{
    struct tg_sdp_media *m = p->m;
    int64_t pt;

    if (!tg_sdp_number(format, 127, &pt)) {
        fail(p, TG_ERR_MALFORMED, "a payload type is not a number of 0 to 127");
    } else if (m->codec_count == TG_SDP_CODECS_MAX) {
        fail(p, TG_ERR_LIMIT, "an m-line has more payload types than torg reads");
    } else {
        m->codecs[m->codec_count++] = (struct tg_sdp_codec){
            .pt = (uint8_t)pt, .channels = 1, .apt = -1, .profile_level_id = 0x420010};
    }
}

static void read_formats(struct parse *p, struct tg_rd *r)
{
    bool rtp = strstr(p->m->proto, "RTP/") != NULL;
    bool first = true;

    for (struct tg_span format = tg_sdp_word(r); format.len > 0 && p->err == TG_OK;
         format = tg_sdp_word(r)) {
        if (first && !tg_sdp_keep(p->m->formats, sizeof(p->m->formats), format))
            fail(p, TG_ERR_MALFORMED, "a format of an m-line is too long");
        first = false;
        if (rtp)
            add_codec(p, format);
    }
    if (first)
        fail(p, TG_ERR_MALFORMED, "an m-line has no formats");
}

/* "video 9 UDP/TLS/RTP/SAVPF 96 97" */
static void on_media(struct parse *p, struct tg_rd *r)
{
    struct tg_span kind = tg_sdp_word(r);
    struct tg_span port = tg_sdp_word(r);
    struct tg_rd port_rd = tg_rd(port.data, port.len);
    struct tg_span proto = tg_sdp_word(r);
    int64_t number;

    if (p->sdp->media_count == TG_SDP_MEDIA_MAX) {
        fail(p, TG_ERR_LIMIT, "the SDP has more m-lines than torg reads");
        return;
    }
    p->m = &p->sdp->media[p->sdp->media_count++];
    *p->m = (struct tg_sdp_media){0};
    if (!tg_sdp_keep(p->m->kind_text, sizeof(p->m->kind_text), kind) ||
        !tg_sdp_number(tg_sdp_until(&port_rd, '/'), UINT16_MAX, &number) ||
        !tg_sdp_keep(p->m->proto, sizeof(p->m->proto), proto)) {
        fail(p, TG_ERR_MALFORMED,
             "an m-line is not of the form <kind> <port> <protocol> <formats>");
        return;
    }
    p->m->kind = kind_of(p->m->kind_text);
    p->m->port = (uint16_t)number;
    read_formats(p, r);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void on_line(struct parse *p, struct tg_span line)
{
    struct tg_rd r = tg_rd(line.data, line.len);
    tg_err err;
    const char *fault = tg_sdp_line_fault(line, &err);

    if (fault != NULL) {
        fail(p, err, fault);
        return;
    }
    tg_rd_skip(&r, 2);
    if (line.data[0] == 'm')
        on_media(p, &r);
    else if (line.data[0] == 'a')
        on_attribute(p, &r);
}

static void inherit(struct parse *p, size_t index)
{
    struct tg_sdp_media *m = &p->sdp->media[index];
    const struct tg_sdp_media *s = &p->session;

    if (m->ice_ufrag[0] == '\0')
        memcpy(m->ice_ufrag, s->ice_ufrag, sizeof(m->ice_ufrag));
    if (m->ice_pwd[0] == '\0')
        memcpy(m->ice_pwd, s->ice_pwd, sizeof(m->ice_pwd));
    if (!m->has_fingerprint && s->has_fingerprint) {
        m->has_fingerprint = true;
        memcpy(m->fingerprint, s->fingerprint, sizeof(m->fingerprint));
    }
    if (m->setup == TG_SDP_SETUP_NONE)
        m->setup = s->setup;
    if (!p->media_dir[index] && p->session_dir)
        m->dir = s->dir;
    for (size_t i = 0; i < TG_SDP_EXT_COUNT; i++) {
        if (m->ext_id[i] == 0)
            m->ext_id[i] = s->ext_id[i];
    }
}

static struct tg_sdp_media *media_of(struct tg_sdp *sdp, struct tg_span mid)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        struct tg_sdp_media *m = &sdp->media[i];

        if (strlen(m->mid) == mid.len && memcmp(m->mid, mid.data, mid.len) == 0)
            return m;
    }
    return NULL;
}

/*
 * In an offer of the max-bundle policy only the first m-line of the bundle names the transport; the
 * others say bundle-only and ride on it (RFC 8829 s5.2.1).
 */
static void share_transport(struct tg_sdp_media *m, const struct tg_sdp_media *first)
{
    if (!m->bundle_only || m->ice_ufrag[0] != '\0')
        return;
    memcpy(m->ice_ufrag, first->ice_ufrag, sizeof(m->ice_ufrag));
    memcpy(m->ice_pwd, first->ice_pwd, sizeof(m->ice_pwd));
    memcpy(m->fingerprint, first->fingerprint, sizeof(m->fingerprint));
    m->has_fingerprint = first->has_fingerprint;
    m->setup = first->setup;
    m->rtcp_mux = first->rtcp_mux;
    m->rtcp_rsize = m->rtcp_rsize || first->rtcp_rsize;
}

static void mark_bundle(struct parse *p)
{
    struct tg_rd r = tg_rd(p->bundle.data, p->bundle.len);
    struct tg_sdp_media *first = NULL;

    for (struct tg_span mid = tg_sdp_word(&r); mid.len > 0; mid = tg_sdp_word(&r)) {
        struct tg_sdp_media *m = media_of(p->sdp, mid);

        if (m == NULL)
            continue;
        m->bundled = true;
        if (first == NULL)
            first = m;
        else
            share_transport(m, first);
    }
}

/* Rids of the simulcast come first, in its order; of alternatives ("a,b") the first counts. */
static void order_rids(struct tg_sdp_media *m, struct tg_span list)
{
    struct tg_rd r = tg_rd(list.data, list.len);
    size_t at = 0;

    while (tg_rd_left(&r) > 0 && at < m->rid_count) {
        struct tg_span group = tg_sdp_until(&r, ';');
        struct tg_rd names = tg_rd(group.data, group.len);
        struct tg_span id = tg_sdp_until(&names, ',');
        struct tg_sdp_rid *rid;

        if (id.len > 0 && id.data[0] == '~') /* paused at first */
            id = tg_span(id.data + 1, id.len - 1);
        rid = rid_of(m, id);
        if (rid == NULL || !rid->send || rid->simulcast)
            continue;
        rid->simulcast = true;
        const struct tg_sdp_rid swap = m->rids[at];
        m->rids[at++] = *rid;
        *rid = swap;
    }
}

static void check_mids(struct parse *p)
{
    for (size_t i = 0; i < p->sdp->media_count; i++) {
        const char *mid = p->sdp->media[i].mid;

        for (size_t k = i + 1; mid[0] != '\0' && k < p->sdp->media_count; k++) {
            if (strcmp(mid, p->sdp->media[k].mid) == 0)
                fail(p, TG_ERR_MALFORMED, "two m-lines have the same mid");
        }
    }
}

static void parse_lines(struct parse *p, const char *text, size_t len)
{
    struct tg_rd r = tg_rd(text, len);

    if (!tg_sdp_starts(tg_span(text, len), "v=0"))
        fail(p, TG_ERR_MALFORMED, "the body is not SDP: it does not begin with v=0");
    while (tg_rd_left(&r) > 0 && p->err == TG_OK) {
        struct tg_span line = tg_sdp_line(&r);

        if (line.len > 0) /* a blank line at the end is common and harmless */
            on_line(p, line);
    }
}

tg_err tg_sdp_parse(struct tg_sdp *ret, const char *text, size_t len, const char **reterr_reason)
{
    struct parse p = {.sdp = ret};

    if (len > TG_SDP_MAX) {
        *reterr_reason = "the SDP is longer than 64 KiB";
        return TG_ERR_LIMIT;
    }
    ret->ice_lite = false;
    ret->media_count = 0;
    p.m = &p.session;
    parse_lines(&p, text, len);
    if (p.err == TG_OK) {
        for (size_t i = 0; i < ret->media_count; i++)
            inherit(&p, i);
        for (size_t i = 0; i < ret->media_count; i++)
            order_rids(&ret->media[i], p.simulcast[i]);
        check_mids(&p);
        mark_bundle(&p);
    }
    if (p.err != TG_OK)
        *reterr_reason = p.reason;
    return p.err;
}
