#include "feed/words.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

/* Letters of Latin-1 and Latin Extended-A, U+00C0..U+017F, without their marks; NUL = no letter. */
static char folded(unsigned code)
{
    static const char latin1[] = "aaaaaaaceeeeiiiidnooooo?ouuuuytsaaaaaaaceeeeiiiidnooooo?ouuuuyty";
    static const char extended[] =
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
        "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    char c = '?';

    _Static_assert(sizeof(latin1) == 65 && sizeof(extended) == 129, "one letter for each");
    if (code >= 0xc0 && code < 0x100)
        c = latin1[code - 0xc0];
    else if (code >= 0x100 && code < 0x180)
        c = extended[code - 0x100];
    return c == '?' ? '\0' : c;
}

static unsigned code_of(const char *text, size_t len)
{
    const unsigned char *u = (const unsigned char *)text;

    if (len == 2)
        return (u[0] & 0x1fU) << 6 | (u[1] & 0x3fU);
    return 0x10000; /* as it is */
}

static void add_word(struct tg_words *w, const char *word, size_t len)
{
    if (len == 0 || w->count == TG_WORDS_MAX)
        return;
    for (size_t i = 0; i < w->count; i++)
        if (strlen(w->at[i]) == len && memcmp(w->at[i], word, len) == 0)
            return;
    memcpy(w->at[w->count], word, len);
    w->at[w->count++][len] = '\0';
}

void tg_words_add(struct tg_words *w, const char *text)
{
    size_t left = strlen(text);
    char word[TG_WORD_SIZE];
    size_t used = 0;

    while (left > 0) {
        size_t width = tg_utf8_len(text, left);
        const char *put = NULL;
        size_t put_len = 0;
        char lower;

        if (width == 0)
            width = 1; /* not UTF-8: between words */
        else if (width == 1) {
            lower = *text >= 'A' && *text <= 'Z' ? (char)(*text | 0x20) : *text;
            if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) {
                put = &lower;
                put_len = 1;
            }
        } else {
            unsigned code = code_of(text, width);

            lower = folded(code);
            put = lower == '\0' ? NULL : &lower;
            put_len = 1;
            if (code >= 0x180) {
                put = text;
                put_len = width;
            }
        }
        if (put == NULL) {
            add_word(w, word, used);
            used = 0;
        } else if (used + put_len < TG_WORD_SIZE) {
            memcpy(word + used, put, put_len);
            used += put_len;
        }
        text += width;
        left -= width;
    }
    add_word(w, word, used);
}

void tg_words_slug(char *out, size_t size, const char *text)
{
    struct tg_words w = {0};
    size_t used = 0;

    tg_words_add(&w, text);
    out[0] = '\0';
    for (size_t i = 0; i < w.count; i++) {
        size_t len = strlen(w.at[i]);

        if (used + len + 2 > size)
            break;
        if (i > 0)
            out[used++] = '-';
        memcpy(out + used, w.at[i], len + 1);
        used += len;
    }
}

static void add_gram(struct tg_grams *g, const char *text, size_t len, bool start)
{
    char gram[TG_GRAM_SIZE];
    size_t at = 0;

    if (start)
        gram[at++] = '^';
    memcpy(gram + at, text, len);
    gram[at + len] = '\0';
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->at[i], gram) == 0)
            return;
    if (g->count < TG_GRAMS_MAX)
        memcpy(g->at[g->count++], gram, at + len + 1);
}

void tg_grams_of(struct tg_grams *g, const char *word)
{
    size_t starts[TG_WORD_SIZE + 1];
    size_t len = strlen(word);
    size_t chars = 0;

    *g = (struct tg_grams){0};
    for (size_t at = 0; at < len && chars < TG_WORD_SIZE;) {
        size_t width = tg_utf8_len(word + at, len - at);

        starts[chars++] = at;
        at += width == 0 ? 1 : width;
    }
    starts[chars] = len;
    if (chars >= 1)
        add_gram(g, word, starts[1], true);
    if (chars >= 2)
        add_gram(g, word, starts[2], true);
    for (size_t i = 0; i + 3 <= chars; i++)
        add_gram(g, word + starts[i], starts[i + 3] - starts[i], false);
}

/* Damerau-Levenshtein with swaps of neighbours; both are shorter than TG_WORD_SIZE. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned char rows[3][TG_WORD_SIZE + 1];

    for (size_t k = 0; k <= m; k++)
        rows[0][k] = (unsigned char)k;
    for (size_t i = 1; i <= n; i++) {
        unsigned char *now = rows[i % 3];
        const unsigned char *last = rows[(i + 2) % 3];
        const unsigned char *before = rows[(i + 1) % 3];

        now[0] = (unsigned char)i;
        for (size_t k = 1; k <= m; k++) {
            unsigned best = last[k - 1] + (a[i - 1] == b[k - 1] ? 0U : 1U);

            best = TG_MIN(best, last[k] + 1U);
            best = TG_MIN(best, now[k - 1] + 1U);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                best = TG_MIN(best, before[k - 2] + 1U);
            now[k] = (unsigned char)best;
        }
    }
    return rows[n % 3][m];
}

int tg_word_distance(const char *typed, const char *word)
{
    size_t n = strlen(typed);
    size_t m = strlen(word);
    int allowed = n <= 3 ? 0 : n <= 6 ? 1 : 2;
    int d;

    if (n >= TG_WORD_SIZE || m >= TG_WORD_SIZE)
        return -1;
    if (n == m && memcmp(typed, word, n) == 0)
        return 0;
    if (n < m && memcmp(typed, word, n) == 0)
        return 1;
    if (allowed == 0)
        return -1;
    d = distance(typed, n, word, m);
    if (d <= allowed)
        return 1 + d;
    /* The mistake within the beginning of a longer word. */
    for (size_t cut = n - 1; m > n && cut <= n + 1 && cut <= m; cut++)
        d = TG_MIN(d, distance(typed, n, word, cut));
    return d <= allowed ? 2 + d : -1;
}
