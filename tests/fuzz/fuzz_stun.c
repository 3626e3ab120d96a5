/* Any bytes as a STUN message; what parses is written again and must read back the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "proto/ice_lite.h"
#include "proto/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct tg_stun *a, const struct tg_stun *b)
{
    TG_ASSERT(a->type == b->type && memcmp(a->id, b->id, sizeof(a->id)) == 0);
    TG_ASSERT(a->username.len == b->username.len);
    TG_ASSERT(a->has_priority == b->has_priority && a->priority == b->priority);
    TG_ASSERT(a->use_candidate == b->use_candidate && a->error_code == b->error_code);
    TG_ASSERT(a->has_mapped == b->has_mapped);
    TG_ASSERT(!a->has_mapped || tg_addr_equal(&a->mapped, &b->mapped));
    TG_ASSERT(b->has_fingerprint && b->integrity_at != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char pwd[] = "VOkJxbRl1RmTxUk/WvJxBt";
    uint8_t out[TG_STUN_SIZE_MAX];
    struct tg_span ufrag;
    struct tg_stun msg;
    struct tg_stun again;
    size_t len = 0;

    if (tg_ice_peek_ufrag(data, size, &ufrag))
        TG_ASSERT(ufrag.len <= size);
    if (tg_stun_parse(&msg, data, size) != TG_OK)
        return 0;
    (void)tg_stun_check_integrity(&msg, data, size, pwd);
    if (tg_stun_write(out, sizeof(out), &len, &msg, pwd) != TG_OK)
        return 0;
    TG_ASSERT(tg_stun_parse(&again, out, len) == TG_OK);
    TG_ASSERT(tg_stun_check_integrity(&again, out, len, pwd));
    /* Both roles at once is nonsense that survives as one tie breaker. */
    if (!(msg.has_controlled && msg.has_controlling))
        TG_ASSERT(again.tie_breaker == msg.tie_breaker);
    check_same(&msg, &again);
    return 0;
}
