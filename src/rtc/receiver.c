/* Which packet is whose (RFC 8852, RFC 4588), and the order in which things come out. */
#include "rtc/receiver_priv.h"

#include <string.h>

#include "base/alloc.h"

enum {
    RTT_US_ASSUMED = 100 * TG_US_PER_MS,
    RETIRED_US = 5 * TG_US_PER_S /* after that an old SSRC may come to life again */
};

static bool twcc_wanted(const struct tg_sdp_whip *pick)
{
    return ((pick->video.fb | pick->audio.fb) & TG_SDP_FB_TWCC) != 0 &&
           (pick->video.ext_twcc != 0 || pick->audio.ext_twcc != 0);
}

/* SSRCs are the transport's: reduced-size only when every m-line agreed. */
static bool reduced_agreed(const struct tg_sdp_whip *pick)
{
    return (pick->video.media < 0 || pick->video.rtcp_rsize) &&
           (pick->audio.media < 0 || pick->audio.rtcp_rsize);
}

/* --- SSRCs ---------------------------------------------------------------------------------- */

struct tg_receiver_ssrc *tg_receiver_find(struct tg_receiver *r, uint32_t ssrc)
{
    for (unsigned i = 0; i < TG_RECEIVER_SSRCS; i++)
        if (r->ssrcs[i].use != TG_RECEIVER_FREE && r->ssrcs[i].ssrc == ssrc)
            return &r->ssrcs[i];
    return NULL;
}

/* A free entry, or the one retired longest ago, or the oldest: a publisher has 8 in use at most. */
static struct tg_receiver_ssrc *entry_for(struct tg_receiver *r, uint32_t ssrc)
{
    struct tg_receiver_ssrc *best = tg_receiver_find(r, ssrc);

    if (best != NULL)
        return best;
    best = &r->ssrcs[0];
    for (unsigned i = 0; i < TG_RECEIVER_SSRCS; i++) {
        struct tg_receiver_ssrc *e = &r->ssrcs[i];

        if (e->use == TG_RECEIVER_FREE)
            return e;
        if ((e->use == TG_RECEIVER_RETIRED) != (best->use == TG_RECEIVER_RETIRED)
                ? e->use == TG_RECEIVER_RETIRED
                : e->at < best->at)
            best = e;
    }
    return best;
}

/* One SSRC each for the media and the RTX of an encoding: the one before is retired. */
static void bind(struct tg_receiver *r, uint32_t ssrc, unsigned encoding, enum tg_receiver_use use)
{
    for (unsigned i = 0; i < TG_RECEIVER_SSRCS; i++) {
        struct tg_receiver_ssrc *e = &r->ssrcs[i];

        if (e->use == use && e->encoding == encoding && e->ssrc != ssrc) {
            e->use = TG_RECEIVER_RETIRED;
            e->at = r->now;
        }
    }
    *entry_for(r, ssrc) = (struct tg_receiver_ssrc){
        .ssrc = ssrc, .use = (uint8_t)use, .encoding = (uint8_t)encoding, .at = r->now};
}

/* What the offer declares; with rids the packets say it themselves. */
static void bind_declared(struct tg_receiver *r)
{
    const struct tg_sdp_in *video = &r->pick.video;
    const struct tg_sdp_in *audio = &r->pick.audio;

    if (audio->media >= 0 && audio->ssrc_count > 0)
        bind(r, audio->ssrcs[0], TG_RECEIVER_AUDIO, TG_RECEIVER_MEDIA);
    if (video->media < 0 || video->rid_count > 0 || video->ssrc_count == 0)
        return;
    bind(r, video->ssrcs[0], 0, TG_RECEIVER_MEDIA);
    for (unsigned i = 0; i < video->pair_count; i++)
        if (video->pairs[i].media == video->ssrcs[0])
            bind(r, video->pairs[i].rtx, 0, TG_RECEIVER_RTX);
}

tg_err tg_receiver_new(struct tg_receiver **ret, const struct tg_receiver_cfg *cfg, tg_us now)
{
    struct tg_receiver *r = tg_calloc(1, sizeof(*r));

    if (r == NULL)
        return TG_ERR_NOMEM;
    r->pick = *cfg->pick;
    r->ssrc = cfg->ssrc;
    r->now = now;
    r->rtt_us = cfg->rtt_us > 0 ? cfg->rtt_us : RTT_US_ASSUMED;
    r->rtt_report = -1;
    r->rtt_repair = -1;
    r->twcc_on = twcc_wanted(cfg->pick);
    r->reduced = reduced_agreed(cfg->pick);
    r->report_at = now + TG_US_PER_S;
    tg_twcc_rx_init(&r->twcc);
    tg_h264_unpack_init(&r->unpack, TG_FRAME_SIZE_MAX);
    bind_declared(r);
    *ret = r;
    return TG_OK;
}

void tg_receiver_free(struct tg_receiver *r)
{
    if (r == NULL)
        return;
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        tg_rx_stream_free(r->streams[i]);
    tg_h264_unpack_done(&r->unpack);
    tg_free(r);
}

/* --- whose packet --------------------------------------------------------------------------- */

static bool ext_text_is(const struct tg_rtp *p, uint8_t id, const char *text)
{
    struct tg_rtp_ext ext;

    return id != 0 && tg_rtp_ext_find(p, id, &ext) && ext.len == strlen(text) &&
           memcmp(ext.data, text, ext.len) == 0;
}

static bool ext_is_there(const struct tg_rtp *p, uint8_t id)
{
    struct tg_rtp_ext ext;

    return id != 0 && tg_rtp_ext_find(p, id, &ext);
}

/* MID first, since a payload type may mean two things; then the payload type. */
static const struct tg_sdp_in *medium_of(const struct tg_receiver *r, const struct tg_rtp *p)
{
    const struct tg_sdp_in *both[] = {&r->pick.video, &r->pick.audio};

    for (unsigned i = 0; i < TG_ARRAY_LEN(both); i++)
        if (both[i]->media >= 0 && both[i]->mid[0] != '\0' &&
            ext_text_is(p, both[i]->ext_mid, both[i]->mid))
            return both[i];
    for (unsigned i = 0; i < TG_ARRAY_LEN(both); i++)
        if (both[i]->media >= 0 && (p->pt == both[i]->pt || p->pt == both[i]->rtx_pt))
            return both[i];
    return NULL;
}

/* Encoding by (repaired) rid; without simulcast there is one only. -1 = not known. */
static int encoding_of(const struct tg_sdp_in *video, const struct tg_rtp *p, bool rtx)
{
    const uint8_t ext_id = rtx ? video->ext_repaired_rid : video->ext_rid;

    if (video->rid_count == 0)
        return 0;
    for (unsigned i = 0; i < video->rid_count && i < TG_WHIP_RIDS_MAX; i++)
        if (ext_text_is(p, ext_id, video->rids[i]))
            return (int)i;
    return -1;
}

/* An SSRC not seen before: where does it belong? */
static tg_err place(struct tg_receiver *r, const struct tg_rtp *p, struct tg_receiver_ssrc *ret)
{
    const struct tg_sdp_in *in = medium_of(r, p);
    int encoding;

    if (in == NULL || (p->pt != in->pt && p->pt != in->rtx_pt))
        return TG_ERR_NOTFOUND;
    const bool rtx = p->pt == in->rtx_pt;

    if (in == &r->pick.audio && ext_is_there(p, in->ext_rid))
        return TG_ERR_NOTFOUND; /* no simulcast of audio */
    encoding = in == &r->pick.audio ? TG_RECEIVER_AUDIO : encoding_of(in, p, rtx);
    if (encoding < 0)
        return TG_ERR_NOTFOUND;
    *ret = (struct tg_receiver_ssrc){.ssrc = p->ssrc,
                                     .use = rtx ? TG_RECEIVER_RTX : TG_RECEIVER_MEDIA,
                                     .encoding = (uint8_t)encoding};
    return TG_OK;
}

static tg_err lookup(struct tg_receiver *r, const struct tg_rtp *p, struct tg_receiver_ssrc *ret)
{
    const struct tg_receiver_ssrc *entry = tg_receiver_find(r, p->ssrc);

    if (entry == NULL)
        return place(r, p, ret);
    if (entry->use == TG_RECEIVER_RETIRED) {
        if (r->now - entry->at < RETIRED_US)
            return TG_ERR_NOTFOUND;
        return place(r, p, ret);
    }
    const struct tg_sdp_in *in =
        entry->encoding == TG_RECEIVER_AUDIO ? &r->pick.audio : &r->pick.video;

    if (p->pt != (entry->use == TG_RECEIVER_RTX ? in->rtx_pt : in->pt))
        return TG_ERR_NOTFOUND;
    *ret = *entry;
    return TG_OK;
}

/* --- packets in ----------------------------------------------------------------------------- */

static void note_arrival(struct tg_receiver *r, const struct tg_rtp *p)
{
    const uint8_t id = r->pick.video.ext_twcc != 0 ? r->pick.video.ext_twcc
                                                   : r->pick.audio.ext_twcc; /* one a bundle */
    struct tg_rtp_ext ext;

    if (!r->twcc_on || !tg_rtp_ext_find(p, id, &ext) || ext.len < 2)
        return;
    struct tg_rd rd = tg_rd(ext.data, ext.len);

    tg_twcc_rx_input(&r->twcc, r->now, tg_rd_u16(&rd));
}

static tg_err stream_for(struct tg_receiver *r, unsigned encoding, struct tg_rx_stream **ret)
{
    const bool audio = encoding == TG_RECEIVER_AUDIO;
    const struct tg_sdp_in *in = audio ? &r->pick.audio : &r->pick.video;
    const struct tg_rx_stream_cfg cfg = {.kind = audio     ? TG_RX_OPUS
                                                 : in->vp8 ? TG_RX_VP8
                                                           : TG_RX_H264,
                                         .nack = (in->fb & TG_SDP_FB_NACK) != 0,
                                         .pli = (in->fb & (TG_SDP_FB_PLI | TG_SDP_FB_FIR)) != 0,
                                         .rtt_us = r->rtt_us};

    if (r->streams[encoding] == NULL) {
        tg_err err = tg_rx_stream_new(&r->streams[encoding], &cfg);

        if (err != TG_OK)
            return err;
        if (r->want[encoding])
            tg_rx_stream_want_key(r->streams[encoding], r->now + TG_RECEIVER_PLI_US);
    }
    *ret = r->streams[encoding];
    return TG_OK;
}

/* RFC 6464: level 0..127 below full scale. */
static void note_level(struct tg_receiver *r, struct tg_rx_stream *s, const struct tg_rtp *p)
{
    struct tg_rtp_ext ext;

    if (r->pick.audio.ext_audio_level == 0 ||
        !tg_rtp_ext_find(p, r->pick.audio.ext_audio_level, &ext) || ext.len < 1)
        return;
    const int16_t dbov = (int16_t) - (ext.data[0] & 0x7f);

    if (s->stats.audio_dbov > 0 || dbov > s->stats.audio_dbov)
        s->stats.audio_dbov = dbov;
}

static tg_err on_media(struct tg_receiver *r, const struct tg_rtp *p,
                       const struct tg_receiver_ssrc *whose)
{
    struct tg_rx_stream *s = NULL;
    tg_us rtt_us;
    tg_err err = stream_for(r, whose->encoding, &s);

    if (err != TG_OK)
        return err;
    if (!s->live || s->ssrc != p->ssrc) {
        bind(r, p->ssrc, whose->encoding, TG_RECEIVER_MEDIA);
        tg_rx_stream_begin(s, r->now, p->ssrc);
    }
    if (whose->encoding == TG_RECEIVER_AUDIO)
        note_level(r, s, p);
    rtt_us = tg_rx_stream_input(s, r->now, p, false);
    /* With RTX a late packet on the media's own SSRC was overtaken, not sent again. */
    if (rtt_us >= 0 && r->pick.video.rtx_pt < 0)
        tg_receiver_rtt_sample(r, &r->rtt_repair, rtt_us);
    return TG_OK;
}

/* RFC 4588 s4: the original sequence number, then the payload; padding alone is a probe. */
static tg_err on_rtx(struct tg_receiver *r, const struct tg_rtp *p,
                     const struct tg_receiver_ssrc *whose)
{
    struct tg_rx_stream *s = r->streams[whose->encoding];
    struct tg_rd rd = tg_rd(p->payload.data, p->payload.len);
    struct tg_rtp media = *p;
    tg_us rtt_us;

    media.seq = p->payload.len == 0 ? 0 : tg_rd_u16(&rd);
    if (rd.bad)
        return TG_ERR_MALFORMED;
    const struct tg_receiver_ssrc *known = tg_receiver_find(r, p->ssrc);

    if (known == NULL || known->use != TG_RECEIVER_RTX)
        bind(r, p->ssrc, whose->encoding, TG_RECEIVER_RTX);
    if (p->payload.len == 0 || s == NULL || !s->live)
        return TG_OK;
    media.payload = tg_rd_span(&rd, tg_rd_left(&rd));
    media.ssrc = s->ssrc;
    rtt_us = tg_rx_stream_input(s, r->now, &media, true);
    if (rtt_us >= 0)
        tg_receiver_rtt_sample(r, &r->rtt_repair, rtt_us);
    return TG_OK;
}

tg_err tg_receiver_rtp(struct tg_receiver *r, tg_us now, struct tg_span packet)
{
    struct tg_receiver_ssrc whose = {0};
    struct tg_rtp p;
    tg_err err;

    r->now = now;
    if (packet.len > TG_UDP_PACKET_MAX)
        return TG_ERR_LIMIT;
    if (tg_rtp_parse(&p, packet.data, packet.len) != TG_OK)
        return TG_ERR_MALFORMED;
    note_arrival(r, &p);
    err = lookup(r, &p, &whose);
    if (err != TG_OK)
        return err;
    return whose.use == TG_RECEIVER_RTX ? on_rtx(r, &p, &whose) : on_media(r, &p, &whose);
}

/* --- out ------------------------------------------------------------------------------------ */

void tg_receiver_tick(struct tg_receiver *r, tg_us now)
{
    r->now = now;
}

tg_us tg_receiver_deadline(const struct tg_receiver *r)
{
    tg_us at = tg_receiver_feedback_deadline(r);

    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        if (r->streams[i] != NULL)
            at = TG_MIN(at, tg_rx_stream_deadline(r->streams[i], r->now));
    return at;
}

void tg_receiver_want_key(struct tg_receiver *r, tg_us now, unsigned encoding)
{
    TG_ASSERT(encoding < TG_RECEIVER_STREAMS);
    r->now = now;
    if (r->streams[encoding] != NULL)
        tg_rx_stream_want_key(r->streams[encoding], now);
    else
        r->want[encoding] = true;
}

static bool poll_clock(struct tg_receiver *r, unsigned i, struct tg_receiver_out *ret)
{
    struct tg_receiver_news *news = &r->news[i];

    if (!news->clock)
        return false;
    news->clock = false;
    *ret = (struct tg_receiver_out){.kind = TG_RECEIVER_CLOCK,
                                    .encoding = i,
                                    .rtp_ts = news->rtp_ts,
                                    .ntp = news->ntp,
                                    .arrival = news->at};
    return true;
}

static bool poll_frame(struct tg_receiver *r, unsigned i, struct tg_receiver_out *ret)
{
    struct tg_rx_frame f;

    if (!tg_rx_stream_frame(r->streams[i], r->now, &r->unpack, &f))
        return false;
    *ret = (struct tg_receiver_out){.kind = TG_RECEIVER_FRAME,
                                    .encoding = i,
                                    .bytes = f.bytes,
                                    .key = f.key,
                                    .gap = f.gap,
                                    .marker = f.marker,
                                    .rtp_ts = f.ts,
                                    .arrival = f.arrival};
    return true;
}

static bool poll_bye(struct tg_receiver *r, unsigned i, struct tg_receiver_out *ret)
{
    if (!r->news[i].bye)
        return false;
    r->news[i].bye = false;
    *ret = (struct tg_receiver_out){.kind = TG_RECEIVER_BYE, .encoding = i};
    return true;
}

bool tg_receiver_poll(struct tg_receiver *r, struct tg_receiver_out *ret)
{
    struct tg_span rtcp;

    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++) {
        if (r->streams[i] == NULL)
            continue;
        if (poll_clock(r, i, ret) || poll_frame(r, i, ret) || poll_bye(r, i, ret))
            return true;
    }
    if (!tg_receiver_feedback(r, &rtcp))
        return false;
    *ret = (struct tg_receiver_out){.kind = TG_RECEIVER_RTCP, .bytes = rtcp};
    return true;
}

/* --- what is known -------------------------------------------------------------------------- */

void tg_receiver_stats(struct tg_receiver *r, unsigned encoding, struct tg_receiver_stats *ret)
{
    TG_ASSERT(encoding < TG_RECEIVER_STREAMS);
    *ret = (struct tg_receiver_stats){0};
    if (r->streams[encoding] == NULL)
        return;
    *ret = r->streams[encoding]->stats;
    r->streams[encoding]->stats.audio_dbov = 1;
}

tg_us tg_receiver_rtt(const struct tg_receiver *r)
{
    return r->rtt_report >= 0 ? r->rtt_report : r->rtt_repair;
}
