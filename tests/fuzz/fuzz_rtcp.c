/*
 * fuzz_rtcp.c - walk a compound with every reader; NACKs are written again and must say the same.
 */
#include "base/macros.h"
#include "proto/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_xr(struct tg_span fci)
{
    struct tg_rd r = tg_rd(fci.data, fci.len);
    struct tg_span body;
    struct tg_rtcp_dlrr dlrr;
    uint64_t ntp = 0;
    uint8_t type = 0;

    while (tg_rtcp_xr_next(&r, &type, &body)) {
        struct tg_rd sub = tg_rd(body.data, body.len);

        (void)!tg_rtcp_rrtr_parse(&ntp, body);
        while (tg_rtcp_dlrr_next(&sub, &dlrr))
            (void)tg_rtcp_rtt((uint32_t)ntp, dlrr.lrr, dlrr.dlrr);
    }
}

static void read_nack(struct tg_span fci)
{
    enum { SEQS_MAX = 512 };
    static uint16_t seqs[SEQS_MAX];
    static uint8_t out[8192];
    struct tg_rd r = tg_rd(fci.data, fci.len);
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtcp p;
    size_t count = 0;
    uint16_t pid = 0;
    uint16_t blp = 0;

    while (count + 17 <= SEQS_MAX && tg_rtcp_nack_next(&r, &pid, &blp)) {
        seqs[count++] = pid;
        for (unsigned bit = 0; bit < 16; bit++) {
            if ((blp >> bit & 1) != 0)
                seqs[count++] = (uint16_t)(pid + bit + 1);
        }
    }
    tg_rtcp_write_nack(&w, 1, 2, seqs, count);
    TG_ASSERT(!w.bad);
    r = tg_rd(out, tg_wr_len(&w));
    TG_ASSERT(tg_rtcp_next(&r, &p) == TG_OK && p.kind == TG_RTCP_NACK);
    r = tg_rd(p.fci.data, p.fci.len);
    TG_ASSERT(tg_rtcp_nack_next(&r, &pid, &blp) && pid == seqs[0]);
}

static void read_twcc(struct tg_span fci)
{
    struct tg_twcc t;
    struct tg_twcc_status s;
    unsigned count = 0;

    if (tg_twcc_parse(&t, fci) != TG_OK)
        return;
    while (tg_twcc_next(&t, &s))
        count++;
    TG_ASSERT(count == t.status_count || t.deltas.bad);
}

static void read_lists(const struct tg_rtcp *p)
{
    struct tg_rd r = tg_rd(p->fci.data, p->fci.len);
    struct tg_span name;
    uint32_t ssrc = 0;
    uint8_t seq = 0;

    if (p->kind == TG_RTCP_SDES && tg_rtcp_cname(p, &name) == TG_OK)
        TG_ASSERT(name.data + name.len <= p->fci.data + p->fci.len);
    if (p->kind == TG_RTCP_BYE) {
        while (tg_rtcp_bye_next(&r, &ssrc)) {
        }
    }
    if (p->kind == TG_RTCP_FIR) {
        while (tg_rtcp_fir_next(&r, &ssrc, &seq)) {
        }
    }
    for (size_t i = 0; i < p->report_count; i++)
        (void)tg_rtcp_report_at(p, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd r = tg_rd(data, size);
    struct tg_rtcp p;

    while (tg_rtcp_next(&r, &p) == TG_OK) {
        read_lists(&p);
        if (p.kind == TG_RTCP_XR)
            read_xr(p.fci);
        if (p.kind == TG_RTCP_NACK)
            read_nack(p.fci);
        if (p.kind == TG_RTCP_TWCC)
            read_twcc(p.fci);
    }
    return 0;
}
