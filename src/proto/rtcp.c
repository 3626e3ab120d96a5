#include "proto/rtcp.h"

enum {
    PT_SR = 200,
    PT_RR = 201,
    PT_SDES = 202,
    PT_BYE = 203,
    PT_RTPFB = 205,
    PT_PSFB = 206,
    PT_XR = 207,
    FMT_NACK = 1,
    FMT_TWCC = 15,
    FMT_PLI = 1,
    FMT_FIR = 4,
    FMT_AFB = 15,
    REPORT_LEN = 24,
    SDES_CNAME = 1,
};

static const uint8_t remb_id[4] = {'R', 'E', 'M', 'B'};

/* --- parsing -------------------------------------------------------------------------------- */

static struct tg_span rest(struct tg_rd *r)
{
    return tg_rd_span(r, tg_rd_left(r));
}

static tg_err report_parse(struct tg_rtcp *p, struct tg_rd *r)
{
    p->ssrc = tg_rd_u32(r);
    if (p->pt == PT_SR) {
        p->kind = TG_RTCP_SR;
        p->sr.ntp = tg_rd_u64(r);
        p->sr.rtp_ts = tg_rd_u32(r);
        p->sr.packets = tg_rd_u32(r);
        p->sr.bytes = tg_rd_u32(r);
    } else {
        p->kind = TG_RTCP_RR;
    }
    p->report_count = p->count;
    /* Profile-specific extensions may follow the blocks (RFC 3550 s6.4.1). */
    p->reports = tg_rd_span(r, (size_t)p->report_count * REPORT_LEN);
    return r->bad ? TG_ERR_MALFORMED : TG_OK;
}

static tg_err list_parse(struct tg_rtcp *p, struct tg_rd *r)
{
    struct tg_rd first = *r;

    p->kind = p->pt == PT_SDES ? TG_RTCP_SDES : TG_RTCP_BYE;
    if (p->count > 0)
        p->ssrc = tg_rd_u32(&first);
    if (first.bad)
        return TG_ERR_MALFORMED;
    /* BYE: the SSRCs only, without the reason text. */
    p->fci = p->pt == PT_BYE ? tg_rd_span(r, (size_t)p->count * 4) : rest(r);
    return r->bad ? TG_ERR_MALFORMED : TG_OK;
}

static tg_err remb_parse(struct tg_rtcp *p)
{
    struct tg_rd r = tg_rd(p->fci.data, p->fci.len);
    struct tg_span id = tg_rd_span(&r, sizeof(remb_id));
    uint8_t count = tg_rd_u8(&r);
    uint32_t rate = tg_rd_u24(&r);

    if (r.bad || id.data == NULL || memcmp(id.data, remb_id, sizeof(remb_id)) != 0)
        return TG_OK; /* another application's feedback */
    if (tg_rd_left(&r) < (size_t)count * 4)
        return TG_ERR_MALFORMED;
    unsigned exponent = rate >> 18;
    uint64_t mantissa = rate & 0x3ffff;

    p->kind = TG_RTCP_REMB;
    p->remb_bps = exponent > 46 && mantissa > 0 ? UINT64_MAX
                  : exponent > 46               ? 0
                                                : mantissa << exponent;
    return TG_OK;
}

static tg_err feedback_parse(struct tg_rtcp *p, struct tg_rd *r)
{
    p->ssrc = tg_rd_u32(r);
    p->media_ssrc = tg_rd_u32(r);
    p->fci = rest(r);
    if (r->bad)
        return TG_ERR_MALFORMED;
    if (p->pt == PT_RTPFB && p->count == FMT_NACK) {
        p->kind = TG_RTCP_NACK;
        return p->fci.len < 4 || p->fci.len % 4 != 0 ? TG_ERR_MALFORMED : TG_OK;
    }
    if (p->pt == PT_RTPFB && p->count == FMT_TWCC) {
        p->kind = TG_RTCP_TWCC;
        return p->fci.len < 8 ? TG_ERR_MALFORMED : TG_OK;
    }
    if (p->pt == PT_PSFB && p->count == FMT_PLI) {
        p->kind = TG_RTCP_PLI;
        return TG_OK;
    }
    if (p->pt == PT_PSFB && p->count == FMT_FIR) {
        p->kind = TG_RTCP_FIR;
        return p->fci.len < 8 || p->fci.len % 8 != 0 ? TG_ERR_MALFORMED : TG_OK;
    }
    return p->pt == PT_PSFB && p->count == FMT_AFB ? remb_parse(p) : TG_OK;
}

static tg_err body_parse(struct tg_rtcp *p, struct tg_rd *r)
{
    switch (p->pt) {
    case PT_SR:
    case PT_RR:
        return report_parse(p, r);
    case PT_SDES:
    case PT_BYE:
        return list_parse(p, r);
    case PT_RTPFB:
    case PT_PSFB:
        return feedback_parse(p, r);
    case PT_XR:
        p->kind = TG_RTCP_XR;
        p->ssrc = tg_rd_u32(r);
        p->fci = rest(r);
        return r->bad ? TG_ERR_MALFORMED : TG_OK;
    default:
        return TG_OK;
    }
}

tg_err tg_rtcp_next(struct tg_rd *r, struct tg_rtcp *ret)
{
    struct tg_rtcp p = {.kind = TG_RTCP_OTHER};

    if (tg_rd_left(r) == 0)
        return r->bad ? TG_ERR_TRUNCATED : TG_ERR_AGAIN;
    uint8_t first = tg_rd_u8(r);

    p.pt = tg_rd_u8(r);
    uint16_t words = tg_rd_u16(r);
    struct tg_span body = tg_rd_span(r, (size_t)words * 4);

    if (r->bad)
        return TG_ERR_TRUNCATED;
    if (first >> 6 != 2)
        return TG_ERR_MALFORMED;
    if ((first & 0x20) != 0) {
        uint8_t padding = body.len == 0 ? 0 : body.data[body.len - 1];
        /* RFC 3550 s6.4.1, but browsers fill up transport-wide feedback by single bytes. */
        const bool words_only = p.pt != PT_RTPFB;

        if (padding == 0 || padding > body.len || (words_only && padding % 4 != 0))
            return TG_ERR_MALFORMED;
        body.len -= padding;
    }
    p.count = first & 31;
    struct tg_rd in = tg_rd(body.data, body.len);
    tg_err err = body_parse(&p, &in);

    if (err == TG_OK)
        *ret = p;
    return err;
}

static int32_t sign_24(uint32_t value)
{
    return (value & 0x800000) != 0 ? (int32_t)value - 0x1000000 : (int32_t)value;
}

struct tg_rtcp_report tg_rtcp_report_at(const struct tg_rtcp *p, size_t i)
{
    struct tg_rd r = tg_rd(p->reports.data, p->reports.len);
    struct tg_rtcp_report out = {0};

    tg_rd_skip(&r, i * REPORT_LEN);
    out.ssrc = tg_rd_u32(&r);
    out.lost_fraction = tg_rd_u8(&r);
    out.lost_total = sign_24(tg_rd_u24(&r));
    out.seq_max = tg_rd_u32(&r);
    out.jitter = tg_rd_u32(&r);
    out.lsr = tg_rd_u32(&r);
    out.dlsr = tg_rd_u32(&r);
    return out;
}

bool tg_rtcp_nack_next(struct tg_rd *r, uint16_t *ret_pid, uint16_t *ret_blp)
{
    if (r->bad || tg_rd_left(r) < 4)
        return false;
    *ret_pid = tg_rd_u16(r);
    *ret_blp = tg_rd_u16(r);
    return true;
}

bool tg_rtcp_fir_next(struct tg_rd *r, uint32_t *ret_ssrc, uint8_t *ret_seq)
{
    if (r->bad || tg_rd_left(r) < 8)
        return false;
    *ret_ssrc = tg_rd_u32(r);
    *ret_seq = tg_rd_u8(r);
    tg_rd_skip(r, 3);
    return true;
}

bool tg_rtcp_bye_next(struct tg_rd *r, uint32_t *ret_ssrc)
{
    if (r->bad || tg_rd_left(r) < 4)
        return false;
    *ret_ssrc = tg_rd_u32(r);
    return true;
}

bool tg_rtcp_xr_next(struct tg_rd *r, uint8_t *ret_type, struct tg_span *ret_body)
{
    if (r->bad || tg_rd_left(r) < 4)
        return false;
    uint8_t type = tg_rd_u8(r);

    tg_rd_skip(r, 1);
    uint16_t words = tg_rd_u16(r);
    struct tg_span body = tg_rd_span(r, (size_t)words * 4);

    if (r->bad)
        return false;
    *ret_type = type;
    *ret_body = body;
    return true;
}

tg_err tg_rtcp_rrtr_parse(uint64_t *ret_ntp, struct tg_span body)
{
    struct tg_rd r = tg_rd(body.data, body.len);

    if (body.len != 8)
        return TG_ERR_MALFORMED;
    *ret_ntp = tg_rd_u64(&r);
    return TG_OK;
}

bool tg_rtcp_dlrr_next(struct tg_rd *r, struct tg_rtcp_dlrr *ret)
{
    if (r->bad || tg_rd_left(r) < 12)
        return false;
    ret->ssrc = tg_rd_u32(r);
    ret->lrr = tg_rd_u32(r);
    ret->dlrr = tg_rd_u32(r);
    return true;
}

tg_err tg_rtcp_cname(const struct tg_rtcp *p, struct tg_span *ret)
{
    struct tg_rd r = tg_rd(p->fci.data, p->fci.len);

    tg_rd_skip(&r, 4); /* SSRC */
    while (!r.bad && tg_rd_left(&r) > 0) {
        uint8_t type = tg_rd_u8(&r);

        if (type == 0)
            break; /* end of the chunk */
        uint8_t len = tg_rd_u8(&r);
        struct tg_span text = tg_rd_span(&r, len);

        if (!r.bad && type == SDES_CNAME) {
            *ret = text;
            return TG_OK;
        }
    }
    return r.bad ? TG_ERR_MALFORMED : TG_ERR_NOTFOUND;
}

/* --- writing -------------------------------------------------------------------------------- */

static void head_write(struct tg_wr *w, unsigned count, uint8_t pt, size_t body_len)
{
    if (count > 31 || body_len % 4 != 0 || body_len / 4 > UINT16_MAX) {
        w->bad = true;
        return;
    }
    tg_wr_u8(w, (uint8_t)(0x80 | count));
    tg_wr_u8(w, pt);
    tg_wr_u16(w, (uint16_t)(body_len / 4));
}

static void reports_write(struct tg_wr *w, const struct tg_rtcp_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tg_rtcp_report *b = &reports[i];

        tg_wr_u32(w, b->ssrc);
        tg_wr_u8(w, b->lost_fraction);
        tg_wr_u24(w, (uint32_t)b->lost_total & 0xffffff);
        tg_wr_u32(w, b->seq_max);
        tg_wr_u32(w, b->jitter);
        tg_wr_u32(w, b->lsr);
        tg_wr_u32(w, b->dlsr);
    }
}

void tg_rtcp_write_sr(struct tg_wr *w, uint32_t ssrc, const struct tg_rtcp_sr *sr,
                      const struct tg_rtcp_report *reports, size_t count)
{
    if (count > TG_RTCP_REPORTS_MAX) {
        w->bad = true;
        return;
    }
    head_write(w, (unsigned)count, PT_SR, 24 + count * REPORT_LEN);
    tg_wr_u32(w, ssrc);
    tg_wr_u64(w, sr->ntp);
    tg_wr_u32(w, sr->rtp_ts);
    tg_wr_u32(w, sr->packets);
    tg_wr_u32(w, sr->bytes);
    reports_write(w, reports, count);
}

void tg_rtcp_write_rr(struct tg_wr *w, uint32_t ssrc, const struct tg_rtcp_report *reports,
                      size_t count)
{
    if (count > TG_RTCP_REPORTS_MAX) {
        w->bad = true;
        return;
    }
    head_write(w, (unsigned)count, PT_RR, 4 + count * REPORT_LEN);
    tg_wr_u32(w, ssrc);
    reports_write(w, reports, count);
}

void tg_rtcp_write_cname(struct tg_wr *w, uint32_t ssrc, const char *cname)
{
    size_t len = strlen(cname);
    /* SSRC, item head, text, at least one zero byte that ends the chunk on a word border. */
    size_t body_len = (4 + 2 + len) / 4 * 4 + 4;

    if (len > TG_RTCP_CNAME_MAX) {
        w->bad = true;
        return;
    }
    head_write(w, 1, PT_SDES, body_len);
    tg_wr_u32(w, ssrc);
    tg_wr_u8(w, SDES_CNAME);
    tg_wr_u8(w, (uint8_t)len);
    tg_wr_bytes(w, cname, len);
    for (size_t at = 6 + len; at < body_len; at++)
        tg_wr_u8(w, 0);
}

void tg_rtcp_write_bye(struct tg_wr *w, const uint32_t *ssrcs, size_t count)
{
    if (count < 1 || count > 31) {
        w->bad = true;
        return;
    }
    head_write(w, (unsigned)count, PT_BYE, count * 4);
    for (size_t i = 0; i < count; i++)
        tg_wr_u32(w, ssrcs[i]);
}

/* Numbers from seqs[*at] on that fit one PID/BLP pair. */
static uint16_t nack_mask(const uint16_t *seqs, size_t count, size_t *at)
{
    uint16_t pid = seqs[*at];
    uint16_t mask = 0;

    for ((*at)++; *at < count; (*at)++) {
        unsigned gap = (uint16_t)(seqs[*at] - pid);

        if (gap == 0)
            continue;
        if (gap > 16)
            break;
        mask = (uint16_t)(mask | 1U << (gap - 1));
    }
    return mask;
}

void tg_rtcp_write_nack(struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                        size_t count)
{
    size_t pairs = 0;

    for (size_t at = 0; at < count; pairs++)
        (void)nack_mask(seqs, count, &at); /* counting only */
    if (pairs == 0) {
        w->bad = true;
        return;
    }
    head_write(w, FMT_NACK, PT_RTPFB, 8 + pairs * 4);
    tg_wr_u32(w, ssrc);
    tg_wr_u32(w, media_ssrc);
    for (size_t at = 0; at < count;) {
        tg_wr_u16(w, seqs[at]);
        tg_wr_u16(w, nack_mask(seqs, count, &at));
    }
}

void tg_rtcp_write_pli(struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc)
{
    head_write(w, FMT_PLI, PT_PSFB, 8);
    tg_wr_u32(w, ssrc);
    tg_wr_u32(w, media_ssrc);
}

void tg_rtcp_write_fir(struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t seq)
{
    head_write(w, FMT_FIR, PT_PSFB, 16);
    tg_wr_u32(w, ssrc);
    tg_wr_u32(w, 0); /* RFC 5104 s4.3.1.1: the target stands in the FCI */
    tg_wr_u32(w, media_ssrc);
    tg_wr_u8(w, seq);
    tg_wr_u24(w, 0);
}

void tg_rtcp_write_remb(struct tg_wr *w, uint32_t ssrc, uint64_t bps, const uint32_t *ssrcs,
                        size_t count)
{
    unsigned exponent = 0;

    if (count > 255) {
        w->bad = true;
        return;
    }
    for (; bps > 0x3ffff; bps >>= 1)
        exponent++;
    head_write(w, FMT_AFB, PT_PSFB, 16 + count * 4);
    tg_wr_u32(w, ssrc);
    tg_wr_u32(w, 0);
    tg_wr_bytes(w, remb_id, sizeof(remb_id));
    tg_wr_u8(w, (uint8_t)count);
    tg_wr_u24(w, (uint32_t)exponent << 18 | (uint32_t)bps);
    for (size_t i = 0; i < count; i++)
        tg_wr_u32(w, ssrcs[i]);
}

void tg_rtcp_write_rrtr(struct tg_wr *w, uint32_t ssrc, uint64_t ntp)
{
    head_write(w, 0, PT_XR, 16);
    tg_wr_u32(w, ssrc);
    tg_wr_u8(w, TG_RTCP_XR_RRTR);
    tg_wr_u8(w, 0);
    tg_wr_u16(w, 2);
    tg_wr_u64(w, ntp);
}

void tg_rtcp_write_dlrr(struct tg_wr *w, uint32_t ssrc, const struct tg_rtcp_dlrr *blocks,
                        size_t count)
{
    if (count > 1000) {
        w->bad = true;
        return;
    }
    head_write(w, 0, PT_XR, 8 + count * 12);
    tg_wr_u32(w, ssrc);
    tg_wr_u8(w, TG_RTCP_XR_DLRR);
    tg_wr_u8(w, 0);
    tg_wr_u16(w, (uint16_t)(count * 3));
    for (size_t i = 0; i < count; i++) {
        tg_wr_u32(w, blocks[i].ssrc);
        tg_wr_u32(w, blocks[i].lrr);
        tg_wr_u32(w, blocks[i].dlrr);
    }
}

/* --- NTP time ------------------------------------------------------------------------------- */

uint64_t tg_ntp_from_wall(tg_us wall_us)
{
    const uint64_t unix_epoch_s = 2208988800U; /* 1970 as seconds since 1900 */
    uint64_t us = wall_us < 0 ? 0 : (uint64_t)wall_us;
    uint64_t fraction = ((us % TG_US_PER_S) << 32) / TG_US_PER_S;

    return (us / TG_US_PER_S + unix_epoch_s) << 32 | fraction;
}

uint32_t tg_ntp_delay(tg_us delay_us)
{
    const tg_us delay_us_max = (tg_us)65535 * TG_US_PER_S;

    if (delay_us <= 0)
        return 0;
    if (delay_us > delay_us_max)
        return UINT32_MAX;
    return (uint32_t)((delay_us << 16) / TG_US_PER_S);
}

tg_us tg_ntp_delay_us(uint32_t delay)
{
    return ((tg_us)delay * TG_US_PER_S) >> 16;
}

tg_us tg_rtcp_rtt(uint32_t now_mid, uint32_t lsr, uint32_t dlsr)
{
    const tg_us rtt_us_max = (tg_us)10 * TG_US_PER_S;
    uint32_t rtt = now_mid - lsr - dlsr;

    if (lsr == 0 || rtt > INT32_MAX || tg_ntp_delay_us(rtt) > rtt_us_max)
        return -1;
    return tg_ntp_delay_us(rtt);
}
