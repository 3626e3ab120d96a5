#include "base/texts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/str.h"

/* --- texts --- */

static size_t size_of(const char *text)
{
    return text == NULL ? 1 : strlen(text) + 1;
}

static const char *keep(char **room, const char *text)
{
    char *at = *room;
    size_t size = size_of(text);

    memcpy(at, text == NULL ? "" : text, size);
    *room += size;
    return at;
}

tg_err tg_langs_new(struct tg_langs **ret, const struct tg_text *texts, uint32_t count)
{
    size_t size = sizeof(struct tg_langs) + count * sizeof(texts[0]);
    struct tg_langs *t;
    char *room;

    *ret = NULL;
    if (count == 0)
        return TG_OK;
    for (uint32_t i = 0; i < count; i++)
        size += size_of(texts[i].title) + size_of(texts[i].description) + size_of(texts[i].options);
    t = tg_calloc(1, size);
    if (t == NULL)
        return TG_ERR_NOMEM;
    atomic_init(&t->refs, 1);
    t->count = count;
    room = (char *)t + sizeof(*t) + count * sizeof(texts[0]);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(t->at[i].lang, texts[i].lang, sizeof(t->at[i].lang));
        t->at[i].title = keep(&room, texts[i].title);
        t->at[i].description = keep(&room, texts[i].description);
        t->at[i].options = keep(&room, texts[i].options);
    }
    *ret = t;
    return TG_OK;
}

struct tg_langs *tg_langs_ref(struct tg_langs *t)
{
    if (t != NULL)
        TG_ASSERT(atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed) > 0);
    return t;
}

void tg_langs_unref(struct tg_langs *t)
{
    unsigned before;

    if (t == NULL)
        return;
    before = atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel);
    TG_ASSERT(before > 0);
    if (before == 1)
        tg_free(t);
}

const struct tg_text *tg_langs_pick(const struct tg_langs *t, const char *lang)
{
    const struct tg_text *best = NULL;
    int fit = 0;

    for (uint32_t i = 0; t != NULL && lang[0] != '\0' && i < t->count; i++) {
        int this_fit = tg_lang_fit(t->at[i].lang, lang);

        if (this_fit > fit) {
            fit = this_fit;
            best = &t->at[i];
        }
    }
    return best;
}

/* --- options --- */

/* A string in quotes at *at, which is moved behind it. */
static bool string_at(const char **at, const char **ret, size_t *ret_len)
{
    const char *c = *at;

    if (*c != '"')
        return false;
    *ret = ++c;
    for (; *c != '"'; c++) {
        if (*c == '\\')
            c++;
        if (*c == '\0')
            return false;
    }
    *ret_len = (size_t)(c - *ret);
    *at = c + 1;
    return true;
}

bool tg_pairs_next(const char **at, struct tg_pair_raw *ret)
{
    const char *c = *at;

    if (*c != '{' && *c != ',')
        return false;
    c++;
    if (!string_at(&c, &ret->name, &ret->name_len) || *c++ != ':' ||
        !string_at(&c, &ret->value, &ret->value_len))
        return false;
    *at = c;
    return true;
}

static void translate(const struct tg_text *text, const char **word, size_t *len)
{
    const char *at = text->options;
    struct tg_pair_raw pair;

    while (tg_pairs_next(&at, &pair))
        if (pair.name_len == *len && memcmp(pair.name, *word, *len) == 0) {
            *word = pair.value;
            *len = pair.value_len;
            return;
        }
}

static bool has_name(const char *object, const struct tg_pair_raw *of)
{
    struct tg_pair_raw pair;

    while (tg_pairs_next(&object, &pair))
        if (pair.name_len == of->name_len && memcmp(pair.name, of->name, of->name_len) == 0)
            return true;
    return false;
}

const char *tg_options_in(char out[TG_OPTIONS_IN_SIZE], const char *options,
                          const struct tg_text *text)
{
    const char *at = options;
    struct tg_pair_raw pair;
    size_t used = 0;

    if (text == NULL || text->options[0] == '\0')
        return options;
    out[0] = '\0';
    while (tg_pairs_next(&at, &pair)) {
        translate(text, &pair.name, &pair.name_len);
        translate(text, &pair.value, &pair.value_len);
        if (used + pair.name_len + pair.value_len + 8 > TG_OPTIONS_IN_SIZE || has_name(out, &pair))
            return options;
        tg_str_printf(out + used, TG_OPTIONS_IN_SIZE - used, "%c\"%.*s\":\"%.*s\"",
                      used == 0 ? '{' : ',', (int)pair.name_len, pair.name, (int)pair.value_len,
                      pair.value);
        used += strlen(out + used);
    }
    if (used == 0 || *at != '}')
        return options;
    memcpy(out + used, "}", 2);
    return out;
}
