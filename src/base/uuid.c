#include "base/uuid.h"

#include "base/macros.h"
#include "base/str.h"

/* RFC 9562 s5.7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits. */
void tg_uuid7(char out[TG_UUID_SIZE], tg_us wall_us, struct tg_rng *rng)
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    uint64_t ms = (uint64_t)(wall_us / TG_US_PER_MS);
    uint8_t bytes[16];
    size_t from = 0;
    size_t at = 0;

    tg_rng_bytes(rng, bytes, sizeof(bytes));
    for (size_t i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    for (size_t i = 0; i < TG_ARRAY_LEN(groups); i++) {
        tg_hex_encode(out + at, TG_UUID_SIZE - at, bytes + from, groups[i]);
        from += groups[i];
        at += 2U * groups[i];
        if (i + 1 < TG_ARRAY_LEN(groups))
            out[at++] = '-';
    }
}
