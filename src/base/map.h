/*
 * map.h - a hash table from byte strings to pointers.
 *
 * The key's memory is the caller's and must live as long as the entry (usually it is a member of
 * the value). Keys are hashed with SipHash-1-3 under a secret of the map, so hostile keys cannot
 * crowd a bucket. Owner: one thread. Deleting during tg_map_each is not allowed.
 */
#ifndef TG_BASE_MAP_H
#define TG_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

struct tg_map_slot;
struct tg_map {
    struct tg_map_slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t count;
    uint64_t secret[2];
};

/* No allocation until the first put. */
void tg_map_init(struct tg_map *map, struct tg_rng *rng);
void tg_map_done(struct tg_map *map);
/* CONFLICT when the key is in; NOMEM. The map is unchanged on error. */
TG_MUST_CHECK tg_err tg_map_put(struct tg_map *map, const void *key, size_t key_len, void *value);
/* NULL = not in. */
void *tg_map_get(const struct tg_map *map, const void *key, size_t key_len);
/* The value that was in, or NULL. */
void *tg_map_del(struct tg_map *map, const void *key, size_t key_len);
void *tg_map_get_str(const struct tg_map *map, const char *key);
/* Iterate: start with *cursor = 0; NULL = end. Order is arbitrary. */
void *tg_map_each(const struct tg_map *map, size_t *cursor);

#endif
