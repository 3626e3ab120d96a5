/*
 * lang.h - languages as their tags say them (BCP 47): "nb", "sv-SE". Pure.
 */
#ifndef TG_BASE_LANG_H
#define TG_BASE_LANG_H

#include <stdbool.h>
#include <stddef.h>

enum { TG_LANG_SIZE = 12 }; /* a language and a region; with NUL */

/* 2 to 11 of [A-Za-z0-9-], begins with a letter. */
bool tg_lang_ok(const char *tag, size_t len);
/* The language of Accept-Language that is liked best (RFC 9110 s12.5.4); "" = none that we could
 * have. Only one: what a text was first written in has no tag, and is better than a third choice.
 */
void tg_lang_first(char ret[TG_LANG_SIZE], const char *accept);
/* How well a text in `have` serves who wants `want`: 3 the same tag, 2 the same language, 1 another
 * Norwegian (no, nb, nn), 0 not at all. */
int tg_lang_fit(const char *have, const char *want);

#endif
