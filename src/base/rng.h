/*
 * rng.h - randomness as a value, so that simulations can replay it.
 *
 * Secrets (tokens, ICE passwords, DTLS) come from tg_rng_os(); a generator from tg_rng_seeded() is
 * for tests and simulation only. Not thread-safe: one generator per owner.
 */
#ifndef TG_BASE_RNG_H
#define TG_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_rng {
    uint64_t s[4]; /* xoshiro256** state when seeded */
    bool os;       /* true: every byte comes from the kernel's CSPRNG */
};

struct tg_rng tg_rng_os(void);
struct tg_rng tg_rng_seeded(uint64_t seed);
void tg_rng_bytes(struct tg_rng *rng, void *out, size_t len);
uint64_t tg_rng_u64(struct tg_rng *rng);
uint32_t tg_rng_u32(struct tg_rng *rng);
/* Uniform in [0, bound), bound > 0. */
uint64_t tg_rng_below(struct tg_rng *rng, uint64_t bound);

#endif
