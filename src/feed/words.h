/*
 * words.h - the words of a product as the search keeps them, and how near two words are.
 *
 * Words are folded: lower case, a letter for each Nordic or accented one (å ä æ -> a, ø ö -> o,
 * é -> e), 1 to 24 bytes of [a-z0-9] and of other scripts' letters as they are. Pure.
 */
#ifndef TG_FEED_WORDS_H
#define TG_FEED_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { TG_WORD_SIZE = 25, TG_WORDS_MAX = 64, TG_GRAM_SIZE = 16, TG_GRAMS_MAX = 26 };

struct tg_words {
    size_t count;
    char at[TG_WORDS_MAX][TG_WORD_SIZE]; /* each once */
};

/* Adds the words of a text; what is over TG_WORDS_MAX is left out. */
void tg_words_add(struct tg_words *w, const char *text);

/* A name or value as filters compare it: its words with "-" between, "Dark Blue" -> "dark-blue".
 * Cut to fit; "" when nothing of it is a word. */
void tg_words_slug(char *out, size_t size, const char *text);

struct tg_grams {
    size_t count;
    char at[TG_GRAMS_MAX][TG_GRAM_SIZE]; /* each once */
};
/* What two words must share to be looked at: "^", its first and first two letters, and every three
 * letters in a row. */
void tg_grams_of(struct tg_grams *g, const char *word);

/*
 * How well a word of the catalogue serves a word that was typed: 0 = the same, 1 = it begins so,
 * 2 and 3 = so many letters are wrong, missing, too many or swapped; -1 = not at all. Words of up
 * to three letters must be right, up to six may have one mistake, longer ones two.
 */
int tg_word_distance(const char *typed, const char *word);

#endif
