/* Reports and requests to the publisher, and what its reports tell. */
#include "rtc/receiver_priv.h"

enum {
    REPORT_US = TG_US_PER_S,
    NACKS_A_COMPOUND = 48, /* of each stream; far apart they take 4 bytes each */
    TWCC_ROOM = 256        /* below it the next compound carries it */
};
static const char CNAME[] = "torg";

/* --- in ------------------------------------------------------------------------------------- */

void tg_receiver_rtt_sample(struct tg_receiver *r, tg_us *smoothed, tg_us sample)
{
    const tg_us rtt_us_min = TG_US_PER_MS;
    const tg_us rtt_us_max = 2 * (tg_us)TG_US_PER_S;

    sample = TG_MAX(TG_MIN(sample, rtt_us_max), rtt_us_min);
    *smoothed = *smoothed < 0 ? sample : (*smoothed * 7 + sample) / 8;
    /* An answered request also shows how long the sender takes; timers wait for both. */
    r->rtt_us = r->rtt_repair >= 0 ? r->rtt_repair : r->rtt_report;
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        if (r->streams[i] != NULL)
            tg_rx_stream_rtt(r->streams[i], r->rtt_us);
}

static void on_sr(struct tg_receiver *r, const struct tg_rtcp *p)
{
    const struct tg_receiver_ssrc *entry = tg_receiver_find(r, p->ssrc);

    if (entry == NULL || entry->use != TG_RECEIVER_MEDIA || r->streams[entry->encoding] == NULL)
        return;
    tg_rx_stream_sr(r->streams[entry->encoding], r->now, p->sr.ntp);
    if (p->sr.ntp == 0)
        return; /* RFC 3550 s6.4.1: the sender has no wall clock */
    struct tg_receiver_news *news = &r->news[entry->encoding];

    news->clock = true;
    news->ntp = p->sr.ntp;
    news->rtp_ts = p->sr.rtp_ts;
    news->at = r->now;
}

static void on_bye(struct tg_receiver *r, const struct tg_rtcp *p)
{
    struct tg_rd rd = tg_rd(p->fci.data, p->fci.len);
    uint32_t ssrc = 0;

    while (tg_rtcp_bye_next(&rd, &ssrc)) {
        struct tg_receiver_ssrc *entry = tg_receiver_find(r, ssrc);

        if (entry == NULL || entry->use == TG_RECEIVER_RETIRED)
            continue;
        if (entry->use == TG_RECEIVER_MEDIA && r->streams[entry->encoding] != NULL) {
            r->streams[entry->encoding]->live = false;
            r->news[entry->encoding].bye = true;
        }
        entry->use = TG_RECEIVER_RETIRED;
        entry->at = r->now;
    }
}

static void on_xr(struct tg_receiver *r, const struct tg_rtcp *p)
{
    struct tg_rd rd = tg_rd(p->fci.data, p->fci.len);
    struct tg_span body;
    uint8_t type = 0;

    while (tg_rtcp_xr_next(&rd, &type, &body)) {
        struct tg_rd blocks = tg_rd(body.data, body.len);
        struct tg_rtcp_dlrr dlrr;

        if (type != TG_RTCP_XR_DLRR)
            continue;
        while (tg_rtcp_dlrr_next(&blocks, &dlrr)) {
            tg_us rtt_us;

            if (dlrr.ssrc != r->ssrc)
                continue;
            rtt_us = tg_rtcp_rtt(tg_ntp_mid(tg_ntp_from_wall(r->now)), dlrr.lrr, dlrr.dlrr);
            if (rtt_us >= 0)
                tg_receiver_rtt_sample(r, &r->rtt_report, rtt_us);
        }
    }
}

tg_err tg_receiver_rtcp(struct tg_receiver *r, tg_us now, struct tg_span packet)
{
    struct tg_rd rd = tg_rd(packet.data, packet.len);
    struct tg_rtcp p;
    tg_err err;

    r->now = now;
    while ((err = tg_rtcp_next(&rd, &p)) == TG_OK) {
        if (p.kind == TG_RTCP_SR)
            on_sr(r, &p);
        else if (p.kind == TG_RTCP_BYE)
            on_bye(r, &p);
        else if (p.kind == TG_RTCP_XR)
            on_xr(r, &p);
    }
    return err == TG_ERR_AGAIN ? TG_OK : TG_ERR_MALFORMED;
}

/* --- out ------------------------------------------------------------------------------------ */

static bool speaks(const struct tg_rx_stream *s)
{
    return s != NULL && s->live && s->started;
}

/* RFC 3550 s6.1: a compound begins with a report and names its sender; RFC 5506 spares both. */
static void write_head(struct tg_receiver *r, struct tg_wr *w)
{
    struct tg_rtcp_report reports[TG_RECEIVER_STREAMS];
    size_t count = 0;

    if (r->now < r->report_at) {
        if (!r->reduced)
            tg_rtcp_write_rr(w, r->ssrc, NULL, 0);
        return;
    }
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        if (speaks(r->streams[i]))
            reports[count++] = tg_rx_stream_report(r->streams[i], r->now);
    r->report_at = r->now + REPORT_US;
    tg_rtcp_write_rr(w, r->ssrc, reports, count);
    tg_rtcp_write_cname(w, r->ssrc, CNAME);
    /* Any clock serves, since only the publisher's delay is taken off; `now` is at hand. */
    if (r->pick.video.rcvr_rtt || r->pick.audio.rcvr_rtt)
        tg_rtcp_write_rrtr(w, r->ssrc, tg_ntp_from_wall(r->now));
}

static void write_nacks(struct tg_receiver *r, struct tg_rx_stream *s, struct tg_wr *w)
{
    uint16_t seqs[NACKS_A_COMPOUND];
    size_t count;

    if (!s->cfg.nack)
        return;
    count = tg_nack_poll(&s->nack, r->now, seqs, TG_ARRAY_LEN(seqs));
    s->stats.nacks += count;
    if (count > 0)
        tg_rtcp_write_nack(w, r->ssrc, s->ssrc, seqs, count);
}

static void write_key_request(struct tg_receiver *r, struct tg_rx_stream *s, struct tg_wr *w)
{
    if (tg_rx_stream_key_at(s, r->now) > r->now)
        return;
    if ((r->pick.video.fb & TG_SDP_FB_PLI) != 0)
        tg_rtcp_write_pli(w, r->ssrc, s->ssrc);
    else
        tg_rtcp_write_fir(w, r->ssrc, s->ssrc, s->fir_seq++);
    tg_rx_stream_key_sent(s, r->now);
}

/* Chromium wants some SSRC of its own there; which one does not matter. */
static uint32_t any_ssrc(const struct tg_receiver *r)
{
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        if (speaks(r->streams[i]))
            return r->streams[i]->ssrc;
    return 0;
}

static bool anybody(const struct tg_receiver *r)
{
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        if (speaks(r->streams[i]))
            return true;
    return false;
}

tg_us tg_receiver_feedback_deadline(const struct tg_receiver *r)
{
    tg_us at = TG_MIN(anybody(r) ? r->report_at : TG_US_NEVER, tg_twcc_rx_deadline(&r->twcc));

    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++) {
        const struct tg_rx_stream *s = r->streams[i];

        if (!speaks(s))
            continue;
        at = TG_MIN(at, tg_rx_stream_key_at(s, r->now));
        if (s->cfg.nack)
            at = TG_MIN(at, tg_nack_deadline(&s->nack));
    }
    return at;
}

bool tg_receiver_feedback(struct tg_receiver *r, struct tg_span *ret)
{
    struct tg_wr w = tg_wr(r->rtcp, sizeof(r->rtcp));
    size_t head_len;

    if (tg_receiver_feedback_deadline(r) > r->now)
        return false;
    const bool report = r->now >= r->report_at;

    write_head(r, &w);
    head_len = tg_wr_len(&w);
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++) {
        if (!speaks(r->streams[i]))
            continue;
        write_nacks(r, r->streams[i], &w);
        write_key_request(r, r->streams[i], &w);
    }
    if (tg_twcc_rx_deadline(&r->twcc) <= r->now && tg_wr_left(&w) >= TWCC_ROOM)
        (void)tg_twcc_rx_write(&r->twcc, &w, r->ssrc, any_ssrc(r)); /* the rest is still due */
    TG_ASSERT(!w.bad); /* at most 140 bytes of head, 4 * 204 of NACK, 3 * 20 of FIR */
    /* Requests that were taken back meanwhile leave an empty head. */
    if (!report && tg_wr_len(&w) == head_len)
        return false;
    *ret = tg_span(r->rtcp, tg_wr_len(&w));
    return true;
}
