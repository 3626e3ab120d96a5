/* The search: ids of products by words that may be typed wrong. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/words.h"
#include "store/catalogue_priv.h"

enum {
    WORDS_TYPED_MAX = 3,
    LIKES_MAX = 8,
    IN_TITLE = 0,
    ANYWHERE = 1,
    COMMON = 4000,      /* words that FIND_GRAM counts at most */
    WORDS_LOOKED = 8000 /* words that share a gram with one that was typed */
};

tg_err tg_cat_take_ids(struct tg_q *q, struct tg_cat_found *found, int number_column, int id_column)
{
    while (found->count < TG_CAT_FOUND_MAX && tg_q_row(q)) {
        bool have = false;
        char id[TG_FEED_ID_SIZE];

        tg_q_copy_text(q, id_column, id, sizeof(id));
        for (uint32_t i = 0; !have && i < found->count; i++)
            have = strcmp(found->at[i].id, id) == 0;
        if (have)
            continue;
        found->at[found->count].cursor = tg_q_get_int(q, number_column);
        memcpy(found->at[found->count++].id, id, sizeof(id));
    }
    return tg_q_end(q);
}

void tg_cat_bind_filter(struct tg_q *q, const struct tg_cat_filter *f)
{
    tg_q_int(q, f->price_min);
    tg_q_int(q, f->price_max);
    tg_q_text(q, f->category);
    for (size_t i = 0; i < TG_READ_ATTRIBUTES_MAX; i++) {
        tg_q_text(q, f->attributes[i].name);
        tg_q_text(q, f->attributes[i].value);
    }
    tg_q_int(q, f->show);
}

_Static_assert(TG_READ_ATTRIBUTES_MAX == 3, "TG_SQL_PASSES has as many");

/* The words of the catalogue that serve one that was typed, best first. */
struct likes {
    uint32_t count;
    char at[LIKES_MAX][TG_WORD_SIZE];
    int distance[LIKES_MAX];
    int64_t products; /* that have one of them */
};

static void keep_like(struct likes *l, const char *word, int distance)
{
    uint32_t at = l->count < LIKES_MAX ? l->count : LIKES_MAX - 1;

    if (l->count == LIKES_MAX && l->distance[at] <= distance)
        return;
    for (; at > 0 && l->distance[at - 1] > distance; at--) {
        memcpy(l->at[at], l->at[at - 1], TG_WORD_SIZE);
        l->distance[at] = l->distance[at - 1];
    }
    tg_str_cut(l->at[at], TG_WORD_SIZE, word);
    l->distance[at] = distance;
    if (l->count < LIKES_MAX)
        l->count++;
}

struct rare {
    struct tg_grams grams;
    int64_t words[TG_GRAMS_MAX]; /* that have it */
};

static bool ask_gram(void *ctx, size_t i, struct tg_q *q)
{
    const struct rare *r = ctx;

    tg_q_text(q, r->grams.at[i]);
    return true;
}

static tg_err take_words(void *ctx, size_t i, const struct tg_q *q)
{
    struct rare *r = ctx;

    r->words[i] = tg_q_get_int(q, 0);
    return TG_OK;
}

static void swap_grams(struct rare *r, size_t a, size_t b)
{
    int64_t words = r->words[a];
    char gram[TG_GRAM_SIZE];

    memcpy(gram, r->grams.at[a], sizeof(gram));
    memcpy(r->grams.at[a], r->grams.at[b], sizeof(gram));
    memcpy(r->grams.at[b], gram, sizeof(gram));
    r->words[a] = r->words[b];
    r->words[b] = words;
}

/* The rarest grams of a word, as many as may be looked at. A word that is the same or begins so
 * has all of them; what is nearly so is found as far as the bound goes. */
static tg_err rare_grams(struct tg_db *db, const char *typed, struct rare *ret)
{
    const struct tg_q_many many = {.bind = ask_gram, .row = take_words, .ctx = ret};
    int64_t sum = 0;
    size_t keep = 0;
    tg_err err;

    *ret = (struct rare){0};
    tg_grams_of(&ret->grams, typed);
    err = tg_q_each(db, TG_SQL_FIND_GRAM, ret->grams.count, &many);
    if (err != TG_OK)
        return err;
    for (size_t i = 1; i < ret->grams.count; i++)
        for (size_t k = i; k > 0 && ret->words[k] < ret->words[k - 1]; k--)
            swap_grams(ret, k, k - 1);
    while (keep < ret->grams.count && ret->words[keep] < COMMON &&
           sum + ret->words[keep] <= WORDS_LOOKED)
        sum += ret->words[keep++];
    /* When what is rare is in no word at all, one more: it was typed wrong there. */
    if (keep < ret->grams.count && sum == 0)
        keep++;
    ret->grams.count = keep;
    return TG_OK;
}

static tg_err find_likes(struct tg_db *db, const char *typed, struct likes *ret)
{
    struct rare rare;
    const struct tg_grams *grams = &rare.grams;
    tg_err err = rare_grams(db, typed, &rare);
    struct tg_q q;

    *ret = (struct likes){0};
    if (err != TG_OK || grams->count == 0)
        return err;
    q = tg_q(db, TG_SQL_FIND_WORDS);
    for (size_t i = 0; i < TG_GRAMS_MAX; i++)
        tg_q_text(&q, grams->at[i < grams->count ? i : grams->count - 1]);
    while (tg_q_row(&q)) {
        int distance = tg_word_distance(typed, tg_q_get_text(&q, 0));

        if (distance >= 0)
            keep_like(ret, tg_q_get_text(&q, 0), distance);
    }
    return tg_q_end(&q);
}

/* Every ? of a list is bound, the last word again for those that are not there. */
static void bind_likes(struct tg_q *q, const struct likes *l, bool right)
{
    const char *last = "";

    for (size_t i = 0; i < LIKES_MAX; i++) {
        if (i < l->count && (!right || l->distance[i] <= 1))
            last = l->at[i];
        tg_q_text(q, last);
    }
}

static tg_err count_products(struct tg_db *db, struct likes *l)
{
    struct tg_q q = tg_q(db, TG_SQL_FIND_COUNT);

    bind_likes(&q, l, false);
    tg_q_int(&q, ANYWHERE);
    l->products = tg_q_row(&q) ? tg_q_get_int(&q, 0) : 0;
    return tg_q_end(&q);
}

/* Products that have a like of every word; `right`: only the words as they were typed, or words
 * that begin so. likes[0] is the rarest. */
static tg_err find_all(struct tg_db *db, const struct tg_cat_filter *f, const struct likes *likes,
                       size_t count, bool right, int place, struct tg_cat_found *found)
{
    struct tg_q q = tg_q(db, TG_SQL_FIND_PRODUCTS);

    tg_q_int(&q, place);
    tg_q_int(&q, TG_CAT_FOUND_MAX);
    tg_cat_bind_filter(&q, f);
    for (size_t w = 0; w < WORDS_TYPED_MAX; w++)
        bind_likes(&q, &likes[w < count ? w : 0], right);
    return tg_cat_take_ids(&q, found, 0, 1);
}

static void longest_first(struct tg_words *w)
{
    for (size_t i = 1; i < w->count; i++)
        for (size_t k = i; k > 0 && strlen(w->at[k]) > strlen(w->at[k - 1]); k--) {
            char swap[TG_WORD_SIZE];

            memcpy(swap, w->at[k], TG_WORD_SIZE);
            memcpy(w->at[k], w->at[k - 1], TG_WORD_SIZE);
            memcpy(w->at[k - 1], swap, TG_WORD_SIZE);
        }
}

static void rarest_first(struct likes *likes, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (likes[i].products < likes[0].products) {
            struct likes swap = likes[0];

            likes[0] = likes[i];
            likes[i] = swap;
        }
}

static tg_err find_exact(struct tg_db *db, const struct tg_cat_filter *f, struct tg_cat_found *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_FIND_EXACT);

    tg_q_text(&q, f->words);
    tg_q_int(&q, TG_CAT_FOUND_MAX);
    tg_cat_bind_filter(&q, f);
    return tg_cat_take_ids(&q, ret, 0, 1);
}

static bool any_nearly(const struct likes *likes, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++)
        any = any || likes[i].distance[likes[i].count - 1] > 1;
    return any;
}

/* Right words in titles first, then right ones anywhere, then those that are nearly so; no further
 * than the page that is asked for. */
static tg_err find_passes(struct tg_db *db, const struct tg_cat_filter *f,
                          const struct likes *likes, size_t count, struct tg_cat_found *found)
{
    static const struct {
        bool right;
        int place;
    } passes[] = {{true, IN_TITLE}, {true, ANYWHERE}, {false, IN_TITLE}, {false, ANYWHERE}};
    size_t pass_count = any_nearly(likes, count) ? TG_ARRAY_LEN(passes) : 2;
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < pass_count; i++) {
        if ((int64_t)found->count > f->above + (int64_t)f->limit)
            break;
        err = find_all(db, f, likes, count, passes[i].right, passes[i].place, found);
    }
    return err;
}

static tg_err find(struct tg_db *db, const struct tg_cat_filter *f, struct tg_cat_found *found)
{
    struct likes likes[WORDS_TYPED_MAX];
    struct tg_words words = {0};
    tg_err err = find_exact(db, f, found);
    size_t count;

    tg_words_add(&words, f->words);
    longest_first(&words);
    count = TG_MIN(words.count, (size_t)WORDS_TYPED_MAX);
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        err = find_likes(db, words.at[i], &likes[i]);
        if (err == TG_OK && likes[i].count == 0)
            return TG_OK;
        if (err == TG_OK)
            err = count_products(db, &likes[i]);
    }
    if (err != TG_OK || count == 0)
        return err;
    rarest_first(likes, count);
    return find_passes(db, f, likes, count, found);
}

tg_err tg_cat_search(struct tg_db *db, const struct tg_cat_filter *filter, struct tg_cat_found *ret)
{
    uint32_t from;
    tg_err err;

    ret->count = 0;
    ret->next = -1;
    err = find(db, filter, ret);
    if (err != TG_OK)
        return err;
    from = (uint32_t)TG_MIN(filter->above, (int64_t)ret->count);
    if (ret->count - from > filter->limit)
        ret->next = (int64_t)from + filter->limit;
    ret->count = TG_MIN(ret->count - from, filter->limit);
    memmove(&ret->at[0], &ret->at[from], ret->count * sizeof(ret->at[0]));
    for (uint32_t i = 0; i < ret->count; i++)
        ret->at[i].cursor = (int64_t)from + i + 1;
    return TG_OK;
}
