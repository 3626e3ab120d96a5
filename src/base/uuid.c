#include "base/uuid.h"

#include "base/str.h"

void tg_uuid7(char out[TG_UUID_SIZE], tg_us wall_us, struct tg_rng *rng)
{
    uint64_t ms = (uint64_t)(wall_us / TG_US_PER_MS);
    uint64_t random[2] = {tg_rng_u64(rng), tg_rng_u64(rng)};

    tg_str_printf(out, TG_UUID_SIZE, "%08x-%04x-7%03x-%04x-%012llx",
                  (unsigned)(ms >> 16 & UINT32_MAX), (unsigned)(ms & 0xffff),
                  (unsigned)(random[0] & 0xfff), (unsigned)(random[0] >> 16 & 0x3fff) | 0x8000U,
                  (unsigned long long)(random[1] & 0xffffffffffffULL));
}
