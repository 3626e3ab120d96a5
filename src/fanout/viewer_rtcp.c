/* A viewer's RTCP: reports out, feedback in. */
#include "fanout/viewer_priv.h"

enum { START_REPORTS = 5 }; /* ours, one a second */

/* --- in ------------------------------------------------------------------------------------- */

static struct tg_viewer_track *track_of(struct tg_viewer *v, uint32_t ssrc, enum tg_track *ret)
{
    for (unsigned i = 0; i < TG_TRACK_COUNT; i++) {
        if (v->tracks[i].cfg.on && v->tracks[i].cfg.ssrc == ssrc) {
            *ret = (enum tg_track)i;
            return &v->tracks[i];
        }
    }
    return NULL;
}

static void on_nack(struct tg_viewer *v, tg_us now, const struct tg_rtcp *p)
{
    struct tg_rd r = tg_rd(p->fci.data, p->fci.len);
    enum tg_track track = TG_TRACK_VIDEO;
    uint16_t pid = 0;
    uint16_t blp = 0;

    if (track_of(v, p->media_ssrc, &track) == NULL)
        return;
    while (tg_rtcp_nack_next(&r, &pid, &blp)) {
        tg_viewer_nack(v, now, track, pid);
        for (unsigned bit = 0; bit < 16; bit++) {
            if ((blp >> bit & 1) != 0)
                tg_viewer_nack(v, now, track, (uint16_t)(pid + bit + 1));
        }
    }
}

/*
 * A player asks while its first keyframe is still on the way; that one answers it. Loss inside it
 * is repaired by NACK, and a player that really cannot go on asks again.
 */
static void on_pli(struct tg_viewer *v, tg_us now)
{
    const tg_us patience = 300 * (tg_us)TG_US_PER_MS + (v->rtt_us > 0 ? v->rtt_us : 0);

    v->counts.plis++;
    if (v->tracks[TG_TRACK_VIDEO].foreign)
        return; /* the show's codec is not one that this player takes: a keyframe changes nothing */
    if (v->quality.starved)
        return; /* no picture is sent on purpose */
    if (v->running && (v->key_sent_at == 0 || now - v->key_sent_at > patience))
        v->wants_key |= (uint8_t)(1U << v->layer);
}

static void on_fir(struct tg_viewer *v, tg_us now, const struct tg_rtcp *p)
{
    struct tg_rd r = tg_rd(p->fci.data, p->fci.len);
    uint32_t ssrc = 0;
    uint8_t seq = 0;

    while (tg_rtcp_fir_next(&r, &ssrc, &seq)) {
        if (ssrc == v->tracks[TG_TRACK_VIDEO].cfg.ssrc)
            on_pli(v, now);
    }
}

static void on_reports(struct tg_viewer *v, tg_us now, const struct tg_rtcp *p)
{
    uint32_t now_mid = tg_ntp_mid(tg_ntp_from_wall(now + v->wall_offset_us));
    enum tg_track track;

    for (size_t i = 0; i < p->report_count; i++) {
        struct tg_rtcp_report b = tg_rtcp_report_at(p, i);
        tg_us rtt = tg_rtcp_rtt(now_mid, b.lsr, b.dlsr);

        if (track_of(v, b.ssrc, &track) == NULL)
            continue;
        /* The first seconds are a burst: what it costs says little about what comes after. */
        if (track == TG_TRACK_VIDEO && !v->quality.starved && v->report_count > START_REPORTS)
            tg_bwe_report(&v->bwe, b.lost_fraction, v->rate_bps);
        if (rtt < 0)
            continue;
        v->rtt_us = v->rtt_us < 0 ? rtt : (v->rtt_us * 3 + rtt) / 4;
        v->bwe.rtt_us = v->rtt_us;
    }
}

static void on_rrtr(struct tg_viewer *v, tg_us now, uint32_t ssrc, uint64_t ntp)
{
    struct tg_viewer_rrtr *slot = NULL;

    if (ssrc == 0)
        return;
    for (size_t i = 0; i < TG_VIEWER_RRTRS; i++) {
        if (v->rrtrs[i].ssrc == ssrc)
            slot = &v->rrtrs[i];
        else if (slot == NULL && v->rrtrs[i].ssrc == 0)
            slot = &v->rrtrs[i];
    }
    if (slot != NULL)
        *slot = (struct tg_viewer_rrtr){.ssrc = ssrc, .ntp_mid = tg_ntp_mid(ntp), .at = now};
}

static void on_xr(struct tg_viewer *v, tg_us now, const struct tg_rtcp *p)
{
    struct tg_rd r = tg_rd(p->fci.data, p->fci.len);
    struct tg_span body;
    uint8_t type = 0;
    uint64_t ntp = 0;

    while (tg_rtcp_xr_next(&r, &type, &body)) {
        if (type == TG_RTCP_XR_RRTR && tg_rtcp_rrtr_parse(&ntp, body) == TG_OK)
            on_rrtr(v, now, p->ssrc, ntp);
    }
}

static void on_twcc(struct tg_viewer *v, tg_us now, const struct tg_rtcp *p)
{
    struct tg_twcc fb;

    if (!v->twcc_on)
        return;
    if (tg_twcc_parse(&fb, p->fci) != TG_OK) {
        v->counts.rtcp_bad++;
        return;
    }
    tg_bwe_feedback(&v->bwe, now, &fb);
    if (v->bwe.overuse || tg_bwe_rising(&v->bwe))
        v->quality_at = 0; /* does not wait for its turn */
}

void tg_viewer_rtcp(struct tg_viewer *v, tg_us now, struct tg_span compound)
{
    struct tg_rd r = tg_rd(compound.data, compound.len);
    struct tg_rtcp p;
    tg_err err;

    while ((err = tg_rtcp_next(&r, &p)) == TG_OK) {
        if (p.kind == TG_RTCP_NACK)
            on_nack(v, now, &p);
        else if (p.kind == TG_RTCP_PLI)
            on_pli(v, now);
        else if (p.kind == TG_RTCP_FIR)
            on_fir(v, now, &p);
        else if (p.kind == TG_RTCP_RR || p.kind == TG_RTCP_SR)
            on_reports(v, now, &p);
        else if (p.kind == TG_RTCP_XR)
            on_xr(v, now, &p);
        else if (p.kind == TG_RTCP_BYE)
            v->bye = true;
        else if (p.kind == TG_RTCP_REMB || p.kind == TG_RTCP_TWCC)
            v->counts.feedback++;
        if (p.kind == TG_RTCP_REMB)
            tg_bwe_remb(&v->bwe, now, p.remb_bps);
        else if (p.kind == TG_RTCP_TWCC)
            on_twcc(v, now, &p);
    }
    if (err != TG_ERR_AGAIN)
        v->counts.rtcp_bad++;
}

/* --- out ------------------------------------------------------------------------------------ */

/* The same straight line for media and reports: wall = now + offset, media = now - epoch. */
static void sr_write(struct tg_wr *w, const struct tg_viewer *v, tg_us now, enum tg_track track,
                     bool rtx)
{
    const struct tg_viewer_track *t = &v->tracks[track];
    const struct tg_rtcp_sr sr = {
        .ntp = tg_ntp_from_wall(now + v->wall_offset_us),
        .rtp_ts = tg_media_to_rtp(now - v->epoch_us, track),
        .packets = rtx ? t->rtx_packets : t->packets,
        .bytes = rtx ? t->rtx_bytes : t->bytes,
    };
    uint32_t ssrc = rtx ? t->cfg.rtx_ssrc : t->cfg.ssrc;

    tg_rtcp_write_sr(w, ssrc, &sr, NULL, 0);
    tg_rtcp_write_cname(w, ssrc, v->cname);
}

static void dlrr_write(struct tg_wr *w, struct tg_viewer *v, tg_us now, uint32_t ssrc)
{
    struct tg_rtcp_dlrr blocks[TG_VIEWER_RRTRS];
    size_t count = 0;

    for (size_t i = 0; i < TG_VIEWER_RRTRS; i++) {
        struct tg_viewer_rrtr *r = &v->rrtrs[i];

        if (r->ssrc == 0)
            continue;
        blocks[count++] = (struct tg_rtcp_dlrr){
            .ssrc = r->ssrc, .lrr = r->ntp_mid, .dlrr = tg_ntp_delay(now - r->at)};
        r->ssrc = 0; /* each reference time is answered once */
    }
    if (count > 0)
        tg_rtcp_write_dlrr(w, ssrc, blocks, count);
}

size_t tg_viewer_report(struct tg_viewer *v, tg_us now, uint8_t *out, size_t cap)
{
    /* Receivers need two reports before they map time, so the second one comes early. */
    const tg_us early_us = 200 * (tg_us)TG_US_PER_MS;
    struct tg_wr w = tg_wr(out, cap);
    uint32_t ssrc = 0;

    if (now < v->report_at)
        return 0;
    for (unsigned i = 0; i < TG_TRACK_COUNT; i++) {
        const struct tg_viewer_track *t = &v->tracks[i];

        if (!t->started)
            continue;
        ssrc = ssrc == 0 ? t->cfg.ssrc : ssrc;
        sr_write(&w, v, now, (enum tg_track)i, false);
        if (t->rtx_packets > 0)
            sr_write(&w, v, now, (enum tg_track)i, true);
    }
    v->report_at = now + (v->report_count == 0 ? early_us : (tg_us)TG_US_PER_S);
    v->report_count++;
    if (ssrc == 0)
        return 0;
    dlrr_write(&w, v, now, ssrc);
    return w.bad ? 0 : tg_wr_len(&w);
}

tg_us tg_viewer_report_at(const struct tg_viewer *v)
{
    return v->report_at;
}
