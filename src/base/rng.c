#include "base/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/macros.h"

static uint64_t rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct tg_rng tg_rng_os(void)
{
    return (struct tg_rng){.os = true};
}

struct tg_rng tg_rng_seeded(uint64_t seed)
{
    struct tg_rng rng = {.os = false};

    for (size_t i = 0; i < TG_ARRAY_LEN(rng.s); i++)
        rng.s[i] = splitmix(&seed);
    return rng;
}

static void from_kernel(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);

        if (got < 0) {
            TG_ASSERT(errno == EINTR); /* the kernel's generator cannot fail once seeded */
            continue;
        }
        out += got;
        len -= (size_t)got;
    }
}

/*
 * Ids ask for a few bytes at a time, and each time costs a system call: they share one. What is
 * given out is wiped here, so that no byte is given out twice or can be found later. A fork would
 * copy the rest; this server does not fork.
 */
enum { POOL_SIZE = 256, POOL_ASK_MAX = 32 };

static void os_bytes(uint8_t *out, size_t len)
{
    static _Thread_local uint8_t pool[POOL_SIZE];
    static _Thread_local size_t left;

    if (len > POOL_ASK_MAX) {
        from_kernel(out, len);
        return;
    }
    if (left < len) {
        from_kernel(pool, sizeof(pool));
        left = sizeof(pool);
    }
    left -= len;
    memcpy(out, pool + left, len);
    memset(pool + left, 0, len);
}

/* xoshiro256** by Blackman and Vigna (public domain algorithm). */
static uint64_t seeded_next(struct tg_rng *rng)
{
    uint64_t result = rotl(rng->s[1] * 5, 7) * 9;
    uint64_t t = rng->s[1] << 17;

    rng->s[2] ^= rng->s[0];
    rng->s[3] ^= rng->s[1];
    rng->s[1] ^= rng->s[2];
    rng->s[0] ^= rng->s[3];
    rng->s[2] ^= t;
    rng->s[3] = rotl(rng->s[3], 45);
    return result;
}

uint64_t tg_rng_u64(struct tg_rng *rng)
{
    uint64_t value;

    if (!rng->os)
        return seeded_next(rng);
    os_bytes((uint8_t *)&value, sizeof(value));
    return value;
}

uint32_t tg_rng_u32(struct tg_rng *rng)
{
    return (uint32_t)(tg_rng_u64(rng) >> 32);
}

void tg_rng_bytes(struct tg_rng *rng, void *out, size_t len)
{
    uint8_t *bytes = out;

    if (rng->os) {
        os_bytes(bytes, len);
        return;
    }
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t word = seeded_next(rng);

        memcpy(bytes + i, &word, TG_MIN(sizeof(word), len - i));
    }
}

uint64_t tg_rng_below(struct tg_rng *rng, uint64_t bound)
{
    TG_ASSERT(bound > 0);
    /* Reject the uneven tail so that every value is equally likely. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;

    do {
        value = tg_rng_u64(rng);
    } while (value >= limit);
    return value % bound;
}
