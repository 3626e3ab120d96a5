/* What lists and the search find products by: categories, attributes, words. */
#include <string.h>

#include "base/str.h"
#include "feed/words.h"
#include "store/catalogue_priv.h"
#include "store/store_priv.h"

enum { SLUG_SIZE = TG_CAT_SLUG_SIZE, TEXT_WORD_MIN = 3 };
enum place { IN_TITLE, IN_TEXT };

static tg_err drop_of(struct tg_db *db, enum tg_sql which, const char *id)
{
    struct tg_q q = tg_q(db, which);

    tg_q_text(&q, id);
    return tg_q_run(&q);
}

/* --- categories --- */

static tg_err add_category(struct tg_db *db, const struct tg_feed_product *p, const char *path)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_ADD_CATEGORY);

    tg_q_text(&q, path);
    tg_q_int(&q, p->number);
    tg_q_text(&q, p->id);
    return tg_q_run(&q);
}

/* "A > B > C" lies in "A", "A > B" and itself. */
static tg_err put_categories(struct tg_db *db, const struct tg_feed_product *p, bool is_new)
{
    tg_err err = is_new ? TG_OK : drop_of(db, TG_SQL_CAT_DROP_CATEGORIES, p->id);

    for (uint32_t i = 0; err == TG_OK && i < p->categories.count && p->archived != 1; i++) {
        char path[TG_FEED_TITLE_MAX + 1];
        size_t len = 0;

        tg_str_cut(path, sizeof(path), p->categories.at[i]);
        for (size_t whole = strlen(path); err == TG_OK && len < whole;) {
            const char *next = strstr(path + len, " > ");
            size_t end = next == NULL ? whole : (size_t)(next - path);
            char cut[TG_FEED_TITLE_MAX + 1];

            tg_str_printf(cut, sizeof(cut), "%.*s", (int)end, path);
            err = add_category(db, p, cut);
            len = next == NULL ? whole : end + 3;
        }
    }
    return err;
}

/* --- attributes --- */

struct owner {
    const char *product;
    const char *sku; /* "" = the product's own */
};

static tg_err put_pairs(struct tg_db *db, const struct owner *o, const struct tg_feed_pairs *pairs)
{
    tg_err err = TG_OK;

    for (uint32_t i = 0; err == TG_OK && i < pairs->count; i++) {
        char name[SLUG_SIZE];
        char value[SLUG_SIZE];
        struct tg_q q;

        tg_words_slug(name, sizeof(name), pairs->at[i].name);
        tg_words_slug(value, sizeof(value), pairs->at[i].value);
        if (name[0] == '\0' || value[0] == '\0')
            continue;
        q = tg_q(db, TG_SQL_CAT_ADD_ATTRIBUTE);
        tg_q_text(&q, name);
        tg_q_text(&q, value);
        tg_q_text(&q, o->product);
        tg_q_text(&q, o->sku);
        err = tg_q_run(&q);
    }
    return err;
}

static tg_err drop_pairs(struct tg_db *db, const struct owner *o)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_DROP_ATTRIBUTES);

    tg_q_text(&q, o->product);
    tg_q_text(&q, o->sku);
    return tg_q_run(&q);
}

/* Its variants' go with its number. */
static tg_err move_pairs(struct tg_db *db, const struct tg_feed_product *p)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_MOVE_ATTRIBUTES);

    tg_q_int(&q, p->number);
    tg_q_text(&q, p->id);
    return tg_q_run(&q);
}

static tg_err put_attributes(struct tg_db *db, const struct tg_feed_product *p, bool is_new)
{
    const struct owner o = {.product = p->id, .sku = ""};
    tg_err err = TG_OK;

    if (!is_new) {
        err = drop_pairs(db, &o);
        if (err == TG_OK)
            err = move_pairs(db, p);
    }
    return err == TG_OK && p->archived != 1 ? put_pairs(db, &o, &p->attributes) : err;
}

tg_err tg_cat_index_variant(struct tg_db *db, const struct tg_cat_place *place,
                            const struct tg_feed_variant *v)
{
    const struct owner o = {.product = place->product_id, .sku = v->sku};
    tg_err err = place->version > 1 ? drop_pairs(db, &o) : TG_OK;

    return err == TG_OK && v->archived != 1 ? put_pairs(db, &o, &v->options) : err;
}

/* --- words --- */

struct index_words {
    struct tg_words at[2]; /* of title, brand and category; of descriptions alone */
};

static const char *word_at(const struct index_words *w, size_t i)
{
    return i < w->at[IN_TITLE].count ? w->at[IN_TITLE].at[i]
                                     : w->at[IN_TEXT].at[i - w->at[IN_TITLE].count];
}

static tg_err put_grams(struct tg_db *db, const char *word)
{
    struct tg_grams grams;
    tg_err err = TG_OK;

    tg_grams_of(&grams, word);
    for (size_t i = 0; err == TG_OK && i < grams.count; i++) {
        struct tg_q q = tg_q(db, TG_SQL_CAT_ADD_GRAM);

        tg_q_text(&q, grams.at[i]);
        tg_q_text(&q, word);
        err = tg_q_run(&q);
    }
    return err;
}

/* The letters of a word are written once and stay, so most are known; written again they change
 * nothing, and nobody needs to be asked. */
static tg_err know_word(struct tg_store_db *s, const char *word)
{
    uint64_t digest = tg_idem_digest_str(0, word);
    uint64_t *known = &s->words[digest % TG_STORE_WORDS];

    if (*known == digest)
        return TG_OK;
    *known = digest;
    s->words_open = true;
    return put_grams(&s->db, word);
}

static tg_err put_word(struct tg_db *db, const char *id, const char *word, enum place place)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_ADD_WORD);

    tg_q_text(&q, word);
    tg_q_text(&q, id);
    tg_q_int(&q, place);
    return tg_q_run(&q);
}

static void add_text(struct tg_words *w, const char *text)
{
    if (text != NULL)
        tg_words_add(w, text);
}

static bool has_word(const struct tg_words *w, const char *word)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->at[i], word) == 0)
            return true;
    return false;
}

/* Words of descriptions that the title does not have; small ones say nothing. */
static void words_of_text(struct index_words *w, const struct tg_feed_product *p)
{
    struct tg_words *text = &w->at[IN_TEXT];
    size_t kept = 0;

    add_text(text, p->description);
    for (uint32_t i = 0; i < p->texts.count; i++)
        add_text(text, p->texts.at[i].description);
    for (size_t i = 0; i < text->count; i++)
        if (strlen(text->at[i]) >= TEXT_WORD_MIN && !has_word(&w->at[IN_TITLE], text->at[i]))
            memmove(text->at[kept++], text->at[i], TG_WORD_SIZE);
    text->count = kept;
}

static void words_of(struct index_words *w, const struct tg_feed_product *p)
{
    add_text(&w->at[IN_TITLE], p->title);
    add_text(&w->at[IN_TITLE], p->brand);
    for (uint32_t i = 0; i < p->texts.count; i++)
        add_text(&w->at[IN_TITLE], p->texts.at[i].title);
    for (uint32_t i = 0; i < p->categories.count; i++)
        add_text(&w->at[IN_TITLE], p->categories.at[i]);
    words_of_text(w, p);
}

static tg_err put_words(struct tg_store_db *s, const struct tg_feed_product *p, bool is_new)
{
    struct index_words w = {.at = {{.count = 0}}};
    tg_err err = is_new ? TG_OK : drop_of(&s->db, TG_SQL_CAT_DROP_WORDS, p->id);
    size_t count;

    if (p->archived == 1)
        return err;
    words_of(&w, p);
    count = w.at[IN_TITLE].count + w.at[IN_TEXT].count;
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        enum place place = i < w.at[IN_TITLE].count ? IN_TITLE : IN_TEXT;

        err = know_word(s, word_at(&w, i));
        if (err == TG_OK)
            err = put_word(&s->db, p->id, word_at(&w, i), place);
    }
    return err;
}

tg_err tg_cat_index(struct tg_store_db *s, const struct tg_feed_product *p, bool is_new)
{
    tg_err err = put_categories(&s->db, p, is_new);

    if (err == TG_OK)
        err = put_attributes(&s->db, p, is_new);
    return err == TG_OK ? put_words(s, p, is_new) : err;
}
