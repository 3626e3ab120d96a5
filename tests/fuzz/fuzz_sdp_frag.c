/* Any text as a PATCH body; what is accepted must be answerable, and the answer readable. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "proto/sdp_whip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tg_addr addr = tg_addr_v4(127, 0, 0, 1, 8189);
    const struct tg_sdp_local local = {.ice_ufrag = "abcdefgh",
                                       .ice_pwd = "abcdefghijklmnopqrstuvwx",
                                       .candidates = &addr,
                                       .candidate_count = 1};
    struct tg_sdp_frag in;
    struct tg_sdp_frag back;
    struct tg_buf out;
    const char *reason = NULL;

    if (tg_sdp_frag_parse(&in, (const char *)data, size, &reason) != TG_OK) {
        TG_ASSERT(reason != NULL);
        return 0;
    }
    TG_ASSERT(in.ice_pwd[0] == '\0' || tg_ice_credentials_ok(in.ice_ufrag, in.ice_pwd));
    tg_buf_init(&out, TG_SDP_MAX);
    TG_ASSERT(tg_sdp_frag_write(&out, &local, &in) == TG_OK);
    TG_ASSERT(tg_sdp_frag_parse(&back, (const char *)out.data, out.len, &reason) == TG_OK);
    TG_ASSERT(strcmp(back.ice_ufrag, local.ice_ufrag) == 0);
    TG_ASSERT(strcmp(back.mid, in.mid) == 0 && back.candidate_count == 1);
    tg_buf_done(&out);
    return 0;
}
