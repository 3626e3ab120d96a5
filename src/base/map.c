#include "base/map.h"

#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"

/* Open addressing with linear probing; deletion shifts the run back, so there are no tombstones. */
struct tg_map_slot {
    const void *key;
    size_t key_len;
    uint64_t hash;
    void *value; /* NULL = free */
};

static uint64_t rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein). */
static uint64_t hash_of(const struct tg_map *map, const void *key, size_t len)
{
    const uint8_t *in = key;
    uint64_t v[4] = {map->secret[0] ^ UINT64_C(0x736f6d6570736575),
                     map->secret[1] ^ UINT64_C(0x646f72616e646f6d),
                     map->secret[0] ^ UINT64_C(0x6c7967656e657261),
                     map->secret[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word;
    size_t at = 0;

    for (; at + 8 <= len; at += 8) {
        memcpy(&word, in + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)len << 56;
    for (size_t i = 0; at + i < len; i++)
        word |= (uint64_t)in[at + i] << (8 * i);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void tg_map_init(struct tg_map *map, struct tg_rng *rng)
{
    *map = (struct tg_map){0};
    map->secret[0] = tg_rng_u64(rng);
    map->secret[1] = tg_rng_u64(rng);
}

void tg_map_done(struct tg_map *map)
{
    tg_free(map->slots);
    map->slots = NULL;
    map->cap = 0;
    map->count = 0;
}

/* Where the key is, or the free slot where it would go. There is always a free slot. */
static size_t find(const struct tg_map *map, const void *key, size_t len, uint64_t hash)
{
    size_t at = (size_t)hash & (map->cap - 1);

    for (;;) {
        const struct tg_map_slot *slot = &map->slots[at];

        if (slot->value == NULL)
            return at;
        if (slot->hash == hash && slot->key_len == len && memcmp(slot->key, key, len) == 0)
            return at;
        at = (at + 1) & (map->cap - 1);
    }
}

static tg_err grow(struct tg_map *map)
{
    struct tg_map bigger = *map;

    bigger.cap = map->cap == 0 ? 16 : map->cap * 2;
    bigger.slots = tg_calloc(bigger.cap, sizeof(*bigger.slots));
    if (bigger.slots == NULL)
        return TG_ERR_NOMEM;
    for (size_t i = 0; i < map->cap; i++) {
        const struct tg_map_slot *slot = &map->slots[i];

        if (slot->value != NULL)
            bigger.slots[find(&bigger, slot->key, slot->key_len, slot->hash)] = *slot;
    }
    tg_free(map->slots);
    *map = bigger;
    return TG_OK;
}

tg_err tg_map_put(struct tg_map *map, const void *key, size_t key_len, void *value)
{
    uint64_t hash = hash_of(map, key, key_len);
    size_t at;

    TG_ASSERT(value != NULL);
    if (map->count * 4 >= map->cap * 3) {
        tg_err err = grow(map);

        if (err != TG_OK)
            return err;
    }
    at = find(map, key, key_len, hash);
    if (map->slots[at].value != NULL)
        return TG_ERR_CONFLICT;
    map->slots[at] =
        (struct tg_map_slot){.key = key, .key_len = key_len, .hash = hash, .value = value};
    map->count++;
    return TG_OK;
}

void *tg_map_get(const struct tg_map *map, const void *key, size_t key_len)
{
    if (map->count == 0)
        return NULL;
    return map->slots[find(map, key, key_len, hash_of(map, key, key_len))].value;
}

void *tg_map_get_str(const struct tg_map *map, const char *key)
{
    return tg_map_get(map, key, strlen(key));
}

void *tg_map_del(struct tg_map *map, const void *key, size_t key_len)
{
    size_t hole;
    void *value;

    if (map->count == 0)
        return NULL;
    hole = find(map, key, key_len, hash_of(map, key, key_len));
    value = map->slots[hole].value;
    if (value == NULL)
        return NULL;
    map->slots[hole] = (struct tg_map_slot){0};
    map->count--;
    /* Move back every later member of the run that probing would no longer reach. */
    for (size_t at = (hole + 1) & (map->cap - 1); map->slots[at].value != NULL;
         at = (at + 1) & (map->cap - 1)) {
        size_t home = (size_t)map->slots[at].hash & (map->cap - 1);

        if (((at - home) & (map->cap - 1)) < ((at - hole) & (map->cap - 1)))
            continue;
        map->slots[hole] = map->slots[at];
        map->slots[at] = (struct tg_map_slot){0};
        hole = at;
    }
    return value;
}

void *tg_map_each(const struct tg_map *map, size_t *cursor)
{
    while (*cursor < map->cap) {
        void *value = map->slots[(*cursor)++].value;

        if (value != NULL)
            return value;
    }
    return NULL;
}
