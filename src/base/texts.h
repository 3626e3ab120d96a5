/*
 * texts.h - what a product is called in further languages: immutable, counted, so that the shop and
 * the snapshots of the catalogue share one copy. Pure; references may be taken on any thread.
 */
#ifndef TG_BASE_TEXTS_H
#define TG_BASE_TEXTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/lang.h"

struct tg_text {
    char lang[TG_LANG_SIZE];
    const char *title;       /* "" = as it was written first; so the others */
    const char *description; /* cut for lists */
    const char *options;     /* a JSON object: words of the options to words in this language */
};

struct tg_langs {
    atomic_uint refs;
    uint32_t count;
    struct tg_text at[];
};

enum { TG_TEXTS_MAX = 16, TG_OPTIONS_IN_SIZE = 288 }; /* options, three times as long */

/* A copy with all its strings; *ret NULL when there are none. NOMEM. */
TG_MUST_CHECK tg_err tg_langs_new(struct tg_langs **ret, const struct tg_text *texts,
                                  uint32_t count);
/* NULL is legal. */
struct tg_langs *tg_langs_ref(struct tg_langs *t);
void tg_langs_unref(struct tg_langs *t);
/* The one that serves a language best; NULL = what was written first does. NULL texts are legal. */
const struct tg_text *tg_langs_pick(const struct tg_langs *t, const char *lang);

/*
 * A variant's options in a language: names and values that the text has words for are replaced.
 * `options` and text->options are JSON objects of strings as base/json_out.h writes them; text
 * NULL, what has no room, what has another form and names that would be one name stay as they are.
 * Returns out, or options.
 */
const char *tg_options_in(char out[TG_OPTIONS_IN_SIZE], const char *options,
                          const struct tg_text *text);
/* One pair after the other of such an object, still escaped; start with *at = the object. False =
 * no more. */
struct tg_pair_raw {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};
bool tg_pairs_next(const char **at, struct tg_pair_raw *ret);

#endif
