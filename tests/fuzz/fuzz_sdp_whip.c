/* Any text as a publisher's offer; what is accepted must give an answer that we can read. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "proto/sdp_whip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tg_sdp offer;
static struct tg_sdp answer;

static void check_track(const struct tg_sdp_in *in, enum tg_sdp_kind kind)
{
    const struct tg_sdp_media *m;

    if (in->media < 0)
        return;
    TG_ASSERT(in->media < offer.media_count && in->rid_count <= TG_WHIP_RIDS_MAX);
    m = &answer.media[in->media];
    TG_ASSERT(m->kind == kind && m->port == 9 && m->dir == TG_SDP_RECVONLY);
    TG_ASSERT(m->codecs[0].pt == in->pt);
    TG_ASSERT(m->codec_count == (in->rtx_pt >= 0 && kind == TG_SDP_VIDEO ? 2 : 1));
    TG_ASSERT(m->rid_count == in->rid_count);
    for (size_t i = 0; i < in->rid_count; i++)
        TG_ASSERT(!m->rids[i].send && strcmp(m->rids[i].id, in->rids[i]) == 0);
    TG_ASSERT(m->ext_id[TG_SDP_EXT_ORIENTATION] == 0);
    TG_ASSERT((in->ext_twcc != 0) == ((in->fb & TG_SDP_FB_TWCC) != 0));
}

static void check_answer(const struct tg_buf *out, const struct tg_sdp_whip *pick)
{
    const char *reason = NULL;

    TG_ASSERT(tg_sdp_parse(&answer, (const char *)out->data, out->len, &reason) == TG_OK);
    TG_ASSERT(answer.media_count == offer.media_count);
    for (size_t i = 0; i < offer.media_count; i++) {
        TG_ASSERT(strcmp(answer.media[i].mid, offer.media[i].mid) == 0);
        TG_ASSERT((answer.media[i].port != 0) ==
                  ((int)i == pick->video.media || (int)i == pick->audio.media));
    }
    check_track(&pick->video, TG_SDP_VIDEO);
    check_track(&pick->audio, TG_SDP_AUDIO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tg_addr addr = tg_addr_v4(127, 0, 0, 1, 8189);
    const struct tg_sdp_local local = {.ice_ufrag = "abcdefgh",
                                       .ice_pwd = "abcdefghijklmnopqrstuvwx",
                                       .candidates = &addr,
                                       .candidate_count = 1};
    struct tg_sdp_whip pick;
    struct tg_buf out;
    const char *reason = NULL;

    if (tg_sdp_parse(&offer, (const char *)data, size, &reason) != TG_OK ||
        tg_sdp_whip_pick(&pick, &offer, &reason) != TG_OK) {
        TG_ASSERT(reason != NULL);
        return 0;
    }
    tg_buf_init(&out, 2 * TG_SDP_MAX);
    TG_ASSERT(tg_sdp_write_whip_answer(&out, &offer, &pick, &local, size & 1 ? 2000 : 0) == TG_OK);
    check_answer(&out, &pick);
    tg_buf_done(&out);
    return 0;
}
