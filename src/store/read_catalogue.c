/* The catalogue for pages and exports: whole products, the search, imports. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/words.h"
#include "store/catalogue_priv.h"

enum { FOUND_MAX = TG_CAT_FOUND_MAX, WORDS_TYPED_MAX = 3, LIKES_MAX = 8 };

/* What one read keeps: everything in it goes when the read ends. */
struct reading {
    struct tg_db *db;
    struct tg_feed_arena arena;
    bool archived; /* variants, too */
    tg_cat_view_fn each;
    void *ctx;
};

static tg_err begin(struct tg_db *db)
{
    struct tg_q q = tg_q(db, TG_SQL_BEGIN_READ);

    return tg_q_run(&q);
}

static tg_err end(struct tg_db *db, tg_err err)
{
    struct tg_q q = tg_q(db, TG_SQL_ROLLBACK);
    tg_err ended = tg_q_run(&q);

    return err != TG_OK ? err : ended;
}

/* --- whole products --- */

struct numbers {
    int64_t versions[TG_FEED_VARIANTS_MAX];
    int64_t available[TG_FEED_VARIANTS_MAX];
    int64_t prices[TG_FEED_VARIANTS_MAX];
};

enum { V_FLASH = 12, V_AVAILABLE = 13 };

static tg_err take_variants(struct reading *r, struct tg_feed_product *p, struct numbers *n)
{
    struct tg_q q = tg_q(r->db, TG_SQL_CAT_VARIANTS_OF);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_text(&q, p->id);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_feed_variant v;
        struct tg_cat_place place;
        struct tg_feed_variant *put;

        err = tg_cat_row_variant(&q, &r->arena, &v, &place);
        if (err != TG_OK || (v.archived != 0 && !r->archived))
            continue;
        put = TG_FEED_ADD(&r->arena, &p->variants, TG_FEED_VARIANTS_MAX);
        if (put == NULL)
            break;
        n->versions[p->variants.count - 1] = place.version;
        n->available[p->variants.count - 1] = tg_q_get_int(&q, V_AVAILABLE);
        n->prices[p->variants.count - 1] =
            tg_q_get_int(&q, V_FLASH) >= 0 ? tg_q_get_int(&q, V_FLASH) : v.price;
        *put = v;
    }
    ended = tg_q_end(&q);
    if (err == TG_OK)
        err = ended;
    for (uint32_t i = 0; err == TG_OK && i < p->variants.count; i++)
        err = tg_cat_more(r->db, &r->arena, &p->variants.at[i]);
    return err != TG_OK ? err : r->arena.err;
}

static tg_err give(struct reading *r, struct tg_cat_view *view)
{
    struct numbers *n = tg_feed_alloc(&r->arena, sizeof(*n));
    tg_err err;

    if (n == NULL)
        return r->arena.err;
    view->product.variants.given = true;
    err = take_variants(r, &view->product, n);
    if (err != TG_OK)
        return err;
    view->versions = n->versions;
    view->available = n->available;
    view->prices = n->prices;
    return r->each(r->ctx, view);
}

static tg_err by_id(struct reading *r, const char *id)
{
    struct tg_q q = tg_q(r->db, TG_SQL_CAT_PRODUCT);
    struct tg_cat_view view = {.version = 0};
    tg_err err = TG_ERR_NOTFOUND;
    tg_err ended;

    tg_feed_arena_clear(&r->arena);
    tg_q_text(&q, id);
    if (tg_q_row(&q))
        err = tg_cat_row_product(&q, &r->arena, &view.product, &view.version);
    ended = tg_q_end(&q);
    if (ended != TG_OK || err != TG_OK)
        return ended != TG_OK ? ended : err;
    return give(r, &view);
}

/* Ids first: a statement is not open while others run (PostgreSQL), and memory stays small. */
struct ids {
    uint32_t count;
    struct {
        int64_t number;
        char id[TG_FEED_ID_SIZE];
    } at[FOUND_MAX];
};

static tg_err take_ids(struct tg_q *q, struct ids *ids, int number_column, int id_column,
                       uint32_t max)
{
    while (ids->count < max && tg_q_row(q)) {
        bool have = false;
        char id[TG_FEED_ID_SIZE];

        tg_q_copy_text(q, id_column, id, sizeof(id));
        for (uint32_t i = 0; !have && i < ids->count; i++)
            have = strcmp(ids->at[i].id, id) == 0;
        if (have)
            continue;
        ids->at[ids->count].number = number_column < 0 ? 0 : tg_q_get_int(q, number_column);
        memcpy(ids->at[ids->count++].id, id, sizeof(id));
    }
    return tg_q_end(q);
}

static tg_err give_all(struct reading *r, const struct ids *ids)
{
    tg_err err = TG_OK;

    for (uint32_t i = 0; err == TG_OK && i < ids->count; i++)
        err = by_id(r, ids->at[i].id);
    return err;
}

tg_err tg_read_products(struct tg_read_db *db, int64_t above, uint32_t limit, tg_cat_view_fn each,
                        void *ctx)
{
    struct reading r = {.db = tg_read_connection(db), .each = each, .ctx = ctx};
    struct ids *ids = tg_calloc(1, sizeof(*ids));
    struct tg_q q;
    tg_err err;

    if (ids == NULL)
        return TG_ERR_NOMEM;
    err = begin(r.db);
    if (err == TG_OK) {
        q = tg_q(r.db, TG_SQL_CAT_PRODUCTS);
        tg_q_int(&q, above);
        tg_q_int(&q, limit);
        err = take_ids(&q, ids, 1, 0, FOUND_MAX);
        if (err == TG_OK)
            err = give_all(&r, ids);
        err = end(r.db, err);
    }
    tg_feed_arena_done(&r.arena);
    tg_free(ids);
    return err;
}

tg_err tg_read_product(struct tg_read_db *db, const char *id, tg_cat_view_fn each, void *ctx)
{
    struct reading r = {.db = tg_read_connection(db), .archived = true, .each = each, .ctx = ctx};
    tg_err err = begin(r.db);

    if (err == TG_OK)
        err = end(r.db, by_id(&r, id));
    tg_feed_arena_done(&r.arena);
    return err;
}

tg_err tg_read_product_of(struct tg_read_db *db, const char *sku, char ret[TG_FEED_ID_SIZE])
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_VARIANT);
    bool found;
    tg_err err;

    tg_q_text(&q, sku);
    found = tg_q_row(&q);
    if (found)
        tg_q_copy_text(&q, 1, ret, TG_FEED_ID_SIZE);
    err = tg_q_end(&q);
    return err == TG_OK && !found ? TG_ERR_NOTFOUND : err;
}

/* --- the search --- */

/* The words of the catalogue that serve one that was typed, best first. */
struct likes {
    uint32_t count;
    char at[LIKES_MAX][TG_WORD_SIZE];
    int distance[LIKES_MAX];
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

static tg_err find_likes(struct tg_db *db, const char *typed, struct likes *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_FIND_WORDS);
    struct tg_grams grams;

    *ret = (struct likes){0};
    tg_grams_of(&grams, typed);
    for (size_t i = 0; i < TG_GRAMS_MAX; i++)
        tg_q_text(&q, grams.at[i < grams.count ? i : grams.count - 1]);
    while (tg_q_row(&q)) {
        int distance = tg_word_distance(typed, tg_q_get_text(&q, 0));

        if (distance >= 0)
            keep_like(ret, tg_q_get_text(&q, 0), distance);
    }
    return tg_q_end(&q);
}

/* Products that have a like of every word; `right`: only the words as they were typed, or words
 * that begin so. */
static tg_err find_all(struct tg_db *db, const struct likes *likes, size_t count, bool right,
                       struct ids *ids)
{
    struct tg_q q = tg_q(db, TG_SQL_FIND_PRODUCTS);

    for (size_t w = 0; w < WORDS_TYPED_MAX; w++) {
        const struct likes *l = &likes[w < count ? w : 0];
        const char *last = "";

        for (size_t i = 0; i < LIKES_MAX; i++) {
            if (i < l->count && (!right || l->distance[i] <= 1))
                last = l->at[i];
            tg_q_text(&q, last);
        }
    }
    return take_ids(&q, ids, 0, 1, FOUND_MAX);
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

static tg_err find(struct tg_db *db, const char *text, struct ids *ids)
{
    struct likes likes[WORDS_TYPED_MAX];
    struct tg_q q = tg_q(db, TG_SQL_FIND_EXACT);
    struct tg_words words = {0};
    size_t count;
    tg_err err;

    tg_q_text(&q, text);
    err = take_ids(&q, ids, -1, 0, FOUND_MAX);
    tg_words_add(&words, text);
    longest_first(&words);
    count = TG_MIN(words.count, (size_t)WORDS_TYPED_MAX);
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        err = find_likes(db, words.at[i], &likes[i]);
        if (err == TG_OK && likes[i].count == 0)
            return TG_OK;
    }
    if (err == TG_OK && count > 0)
        err = find_all(db, likes, count, true, ids);
    if (err == TG_OK && count > 0)
        err = find_all(db, likes, count, false, ids);
    return err;
}

static void bind_filter(struct tg_q *q, const struct tg_cat_filter *f)
{
    tg_q_text(q, f->category);
    tg_q_int(q, f->price_min);
    tg_q_int(q, f->price_max);
}

static tg_err passes(struct tg_db *db, const struct tg_cat_filter *f, const char *id, bool *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_FILTER_ONE);

    tg_q_text(&q, id);
    bind_filter(&q, f);
    *ret = tg_q_row(&q);
    return tg_q_end(&q);
}

/* The page of what was found: `above` of it was given already. */
static tg_err page(struct tg_db *db, const struct tg_cat_filter *f, const struct ids *found,
                   struct ids *ids, int64_t *ret_next)
{
    int64_t at = f->above;
    tg_err err = TG_OK;

    *ret_next = -1;
    for (; err == TG_OK && at < found->count; at++) {
        bool pass = false;

        if (ids->count == f->limit) {
            *ret_next = at;
            break;
        }
        err = passes(db, f, found->at[at].id, &pass);
        if (pass) {
            ids->at[ids->count] = found->at[at];
            ids->at[ids->count++].number = at + 1; /* the cursor behind it */
        }
    }
    return err;
}

static tg_err by_words(struct tg_db *db, const struct tg_cat_filter *f, struct ids *ids,
                       int64_t *ret_next)
{
    struct ids *found = tg_calloc(1, sizeof(*found));
    tg_err err;

    if (found == NULL)
        return TG_ERR_NOMEM;
    err = find(db, f->words, found);
    if (err == TG_OK)
        err = page(db, f, found, ids, ret_next);
    tg_free(found);
    return err;
}

static tg_err by_number(struct tg_db *db, const struct tg_cat_filter *f, struct ids *ids,
                        int64_t *ret_next)
{
    struct tg_q q = tg_q(db, TG_SQL_FILTER_ALL);
    tg_err err;

    tg_q_int(&q, f->above);
    bind_filter(&q, f);
    tg_q_int(&q, f->limit);
    err = take_ids(&q, ids, 0, 1, FOUND_MAX);
    *ret_next = ids->count == f->limit && ids->count > 0 ? ids->at[ids->count - 1].number : -1;
    return err;
}

tg_err tg_read_search(struct tg_read_db *db, const struct tg_cat_filter *filter,
                      tg_cat_view_fn each, void *ctx, int64_t *ret_next)
{
    struct reading r = {.db = tg_read_connection(db), .each = each, .ctx = ctx};
    struct ids *ids = tg_calloc(1, sizeof(*ids));
    tg_err err;

    if (ids == NULL)
        return TG_ERR_NOMEM;
    err = begin(r.db);
    if (err == TG_OK) {
        err = filter->words[0] != '\0' ? by_words(r.db, filter, ids, ret_next)
                                       : by_number(r.db, filter, ids, ret_next);
        if (err == TG_OK)
            err = give_all(&r, ids);
        err = end(r.db, err);
    }
    tg_feed_arena_done(&r.arena);
    tg_free(ids);
    return err;
}

tg_err tg_read_find(struct tg_read_db *db, const struct tg_cat_filter *filter,
                    struct tg_cat_found *ret)
{
    struct tg_db *conn = tg_read_connection(db);
    struct ids *ids = tg_calloc(1, sizeof(*ids));
    int64_t next;
    tg_err err;

    if (ids == NULL)
        return TG_ERR_NOMEM;
    err = begin(conn);
    if (err == TG_OK)
        err = end(conn, filter->words[0] != '\0' ? by_words(conn, filter, ids, &next)
                                                 : by_number(conn, filter, ids, &next));
    ret->count = 0;
    for (uint32_t i = 0; err == TG_OK && i < ids->count; i++) {
        memcpy(ret->at[i].id, ids->at[i].id, sizeof(ret->at[i].id));
        ret->at[i].cursor = ids->at[i].number;
        ret->count++;
    }
    tg_free(ids);
    return err;
}

/* --- imports --- */

tg_err tg_read_import(struct tg_read_db *db, int64_t id, struct tg_import *ret)
{
    return tg_cat_db_import(tg_read_connection(db), id, ret);
}

tg_err tg_read_imports(struct tg_read_db *db, int64_t below, uint32_t limit, tg_import_fn each,
                       void *ctx)
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_IMPORTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, below);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_import import;

        tg_cat_row_import(&q, &import);
        err = each(ctx, &import);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_import_faults(struct tg_read_db *db, int64_t id, int64_t above, uint32_t limit,
                             tg_import_fault_fn each, void *ctx)
{
    struct tg_q q = tg_q(tg_read_connection(db), TG_SQL_CAT_FAULTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, id);
    tg_q_int(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_feed_fault fault = {.line = (uint32_t)tg_q_get_int(&q, 1)};

        tg_q_copy_text(&q, 2, fault.field, sizeof(fault.field));
        tg_q_copy_text(&q, 3, fault.value, sizeof(fault.value));
        tg_q_copy_text(&q, 4, fault.reason, sizeof(fault.reason));
        tg_q_copy_text(&q, 5, fault.fix, sizeof(fault.fix));
        err = each(ctx, tg_q_get_int(&q, 0), &fault);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}
