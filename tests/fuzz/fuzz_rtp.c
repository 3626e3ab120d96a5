/*
 * fuzz_rtp.c - RTP header and extensions; what was parsed is written and must parse to the same.
 */
#include "base/macros.h"
#include "proto/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rewrite(const struct tg_rtp *p)
{
    struct tg_rtp_ext exts[TG_RTP_EXT_MAX];
    struct tg_rtp_ext ext;
    struct tg_rd r = tg_rd(p->ext.data, p->ext.len);
    uint8_t out[TG_RTP_HEADER_MAX];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rtp again;
    size_t count = 0;

    while (count < TG_RTP_EXT_MAX && tg_rtp_ext_next(p->ext_profile, &r, &ext)) {
        TG_ASSERT(ext.data >= p->ext.data);
        TG_ASSERT(ext.data + ext.len <= p->ext.data + p->ext.len);
        if (ext.id >= 1 && ext.id <= 14 && ext.len >= 1 && ext.len <= 16)
            exts[count++] = ext;
    }
    tg_rtp_write_header(&w, p, exts, count);
    TG_ASSERT(!w.bad);
    TG_ASSERT(tg_rtp_parse(&again, out, tg_wr_len(&w)) == TG_OK);
    TG_ASSERT(again.seq == p->seq && again.ts == p->ts && again.ssrc == p->ssrc);
    TG_ASSERT(again.pt == p->pt && again.marker == p->marker);
    r = tg_rd(again.ext.data, again.ext.len);
    for (size_t i = 0; i < count; i++) {
        TG_ASSERT(tg_rtp_ext_next(again.ext_profile, &r, &ext));
        TG_ASSERT(ext.id == exts[i].id && ext.len == exts[i].len);
        TG_ASSERT(memcmp(ext.data, exts[i].data, ext.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rtp p;

    (void)tg_mux_kind(data, size);
    if (tg_rtp_parse(&p, data, size) != TG_OK)
        return 0;
    TG_ASSERT(p.header_len + p.payload.len + p.padding == size);
    rewrite(&p);
    return 0;
}
