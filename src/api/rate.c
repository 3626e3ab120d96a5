#include "api/rate.h"

#include <string.h>

#include "base/alloc.h"

enum { RATE_WAYS = 8 };

struct entry {
    uint64_t id; /* keyed hash of the key and `what`; 0 = unused */
    tg_us bucket;
};

struct tg_rate {
    struct entry *entries;
    size_t sets; /* a power of two */
    uint64_t secret[2];
};

bool tg_rate_take_one(tg_us *bucket, tg_us now, const struct tg_rate_rule *rule,
                      uint32_t *ret_wait_ms)
{
    TG_ASSERT(rule->per_min > 0 && rule->burst > 0);
    const tg_us gap = (tg_us)60 * TG_US_PER_S / rule->per_min;
    const tg_us ahead_max = gap * (tg_us)(rule->burst - 1);
    tg_us next = *bucket > now ? *bucket : now;

    if (next - now > ahead_max) {
        *ret_wait_ms = (uint32_t)((next - now - ahead_max + 999) / TG_US_PER_MS);
        return false;
    }
    *bucket = next + gap;
    return true;
}

tg_err tg_rate_new(struct tg_rate **ret, size_t entries, struct tg_rng *rng)
{
    struct tg_rate *rate = tg_calloc(1, sizeof(*rate));
    size_t sets = 1;

    if (rate == NULL)
        return TG_ERR_NOMEM;
    while (sets * RATE_WAYS < entries)
        sets *= 2;
    rate->entries = tg_calloc(sets * RATE_WAYS, sizeof(*rate->entries));
    if (rate->entries == NULL) {
        tg_free(rate);
        return TG_ERR_NOMEM;
    }
    rate->sets = sets;
    rate->secret[0] = tg_rng_u64(rng);
    rate->secret[1] = tg_rng_u64(rng) | 1;
    *ret = rate;
    return TG_OK;
}

void tg_rate_free(struct tg_rate *rate)
{
    if (rate == NULL)
        return;
    tg_free(rate->entries);
    tg_free(rate);
}

/* A strong mixer of 64 bits (the finaliser of splitmix64). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static uint64_t hash_key(const struct tg_rate *rate, const uint8_t *key, size_t len, unsigned what)
{
    uint64_t h = mix(rate->secret[0] ^ (uint64_t)what << 32 ^ len);

    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = 0;

        memcpy(&word, key + at, TG_MIN(len - at, (size_t)8));
        h = mix((h ^ word) * rate->secret[1] + rate->secret[0]);
    }
    return h == 0 ? 1 : h;
}

bool tg_rate_take(struct tg_rate *rate, tg_us now, const void *key, size_t key_len, unsigned what,
                  const struct tg_rate_rule *rule, uint32_t *ret_wait_ms)
{
    uint64_t id = hash_key(rate, key, key_len, what);
    struct entry *set = &rate->entries[(id & (rate->sets - 1)) * RATE_WAYS];
    struct entry *use = &set[0];

    for (size_t i = 0; i < RATE_WAYS; i++) {
        if (set[i].id == id) {
            use = &set[i];
            break;
        }
        if (set[i].bucket < use->bucket)
            use = &set[i];
    }
    if (use->id != id)
        *use = (struct entry){.id = id, .bucket = 0};
    return tg_rate_take_one(&use->bucket, now, rule, ret_wait_ms);
}

void tg_rate_addr_key(uint8_t out[16], const struct tg_addr *addr)
{
    memcpy(out, addr->ip, 16);
    if (!tg_addr_is_v4(addr))
        memset(out + 8, 0, 8);
}
