/* Any text as an offer; what is accepted must give an answer that we can read ourselves. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "proto/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tg_sdp offer;
static struct tg_sdp answer;

static void check_answer(struct tg_buf *out)
{
    const char *reason = NULL;

    TG_ASSERT(tg_sdp_parse(&answer, (const char *)out->data, out->len, &reason) == TG_OK);
    TG_ASSERT(answer.media_count == offer.media_count);
    for (size_t i = 0; i < offer.media_count; i++)
        TG_ASSERT(strcmp(answer.media[i].mid, offer.media[i].mid) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tg_addr addr = tg_addr_v4(127, 0, 0, 1, 8189);
    const struct tg_sdp_local local = {.ice_ufrag = "abcdefgh",
                                       .ice_pwd = "abcdefghijklmnopqrstuvwx",
                                       .candidates = &addr,
                                       .candidate_count = 1,
                                       .cname = "c",
                                       .stream_id = "s"};
    struct tg_sdp_whep pick;
    struct tg_buf out;
    const char *reason = NULL;

    if (tg_sdp_parse(&offer, (const char *)data, size, &reason) != TG_OK ||
        tg_sdp_whep_pick(&pick, &offer, &reason) != TG_OK) {
        TG_ASSERT(reason != NULL);
        return 0;
    }
    tg_buf_init(&out, 2 * TG_SDP_MAX);
    TG_ASSERT(tg_sdp_write_whep_answer(&out, &offer, &pick, &local) == TG_OK);
    check_answer(&out);
    tg_buf_done(&out);
    return 0;
}
