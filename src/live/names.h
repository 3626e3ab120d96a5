/*
 * names.h - display names by person id, apart from the shows' journals: what is personal can be
 * erased without touching append-only history. The TG_NAMES_MAX most recent are kept. Owner: the
 * live thread. No I/O.
 */
#ifndef TG_LIVE_NAMES_H
#define TG_LIVE_NAMES_H

#include <stdbool.h>

#include "base/map.h"

struct tg_name;

struct tg_names {
    struct tg_map map;
    struct tg_name *newest;
    struct tg_name *oldest;
};

void tg_names_init(struct tg_names *n, struct tg_rng *rng);
void tg_names_done(struct tg_names *n);
/* True when the name is new or another than before: then it belongs on disk. NOMEM: true, too. */
bool tg_names_note(struct tg_names *n, const char *person, const char *name);
/* "" = unknown. Borrowed until the next note. */
const char *tg_names_get(const struct tg_names *n, const char *person);

#endif
