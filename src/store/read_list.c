/*
 * Lists of products for shoppers: which ones, page by page, and what a list shows of them. What a
 * page costs does not grow with the catalogue: every statement goes by key, from the cursor on.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lang.h"
#include "base/log.h"
#include "base/str.h"
#include "store/catalogue_priv.h"
#include "store/rows_priv.h"
#include "store/texts_priv.h"

enum {
    LOOKED_AT_MAX = 2000, /* products that one request passes over at most */
    PRICED_MAX = 4000,    /* variants in a range of prices that is walked by price */
    VARIANTS_MAX = 2000,  /* of a page; a product alone may have more */
    GROW_MIN = 256
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

/* --- which ones --- */

/* Whether the range of prices has so few variants that all of them can be sorted by product. */
static tg_err few_at_price(struct tg_db *db, const struct tg_cat_filter *f, bool *ret)
{
    struct tg_q q = tg_q(db, TG_SQL_PRICED_COUNT);

    tg_q_int(&q, TG_MAX(f->price_min, (int64_t)0));
    tg_q_int(&q, f->price_max < 0 ? INT64_MAX : f->price_max);
    tg_q_int(&q, PRICED_MAX);
    *ret = tg_q_row(&q) && tg_q_get_int(&q, 0) < PRICED_MAX;
    return tg_q_end(&q);
}

static enum tg_sql walk_of(const struct tg_cat_filter *f)
{
    if (f->show >= 0)
        return TG_SQL_LIST_BY_SHOW;
    if (f->attributes[0].name[0] != '\0')
        return TG_SQL_LIST_BY_ATTRIBUTE;
    if (f->category[0] != '\0')
        return TG_SQL_LIST_BY_CATEGORY;
    return f->price_min < 0 && f->price_max < 0 ? TG_SQL_LIST_ALL : TG_SQL_LIST_BY_NUMBER;
}

static tg_err by_number(struct tg_db *db, const struct tg_cat_filter *f, struct tg_cat_found *ret)
{
    enum tg_sql which = walk_of(f);
    bool all = which == TG_SQL_LIST_ALL;
    uint32_t max = all ? f->limit + 1 : LOOKED_AT_MAX;
    struct tg_q q;
    int64_t last = f->above;
    uint32_t seen = 0;
    bool more = false;
    bool few = false;
    tg_err err = which == TG_SQL_LIST_BY_NUMBER ? few_at_price(db, f, &few) : TG_OK;

    if (err != TG_OK)
        return err;
    q = tg_q(db, few ? TG_SQL_LIST_BY_PRICE : which);
    tg_q_int(&q, f->above);
    tg_q_int(&q, max);
    if (!all)
        tg_cat_bind_filter(&q, f);
    ret->count = 0;
    ret->next = -1;
    while (!more && tg_q_row(&q)) {
        seen++;
        if (tg_q_get_int(&q, 2) != 0) {
            more = ret->count == f->limit;
            if (!more) {
                ret->at[ret->count].cursor = tg_q_get_int(&q, 0);
                tg_q_copy_text(&q, 1, ret->at[ret->count].id, TG_FEED_ID_SIZE);
                ret->count++;
            }
        }
        if (!more)
            last = tg_q_get_int(&q, 0);
    }
    err = tg_q_end(&q);
    if (more || (!all && seen == LOOKED_AT_MAX))
        ret->next = last;
    return err;
}

static tg_err find(struct tg_db *db, const struct tg_cat_filter *f, struct tg_cat_found *ret)
{
    struct tg_cat_filter bounded = *f;

    bounded.limit = TG_MIN(f->limit, (uint32_t)TG_CAT_FOUND_MAX);
    return f->words[0] != '\0' ? tg_cat_search(db, &bounded, ret) : by_number(db, &bounded, ret);
}

tg_err tg_read_find(struct tg_read_db *db, const struct tg_cat_filter *filter,
                    struct tg_cat_found *ret)
{
    struct tg_db *conn = tg_read_connection(db);
    tg_err err = begin(conn);

    return err == TG_OK ? end(conn, find(conn, filter, ret)) : err;
}

/* --- what is shown of them --- */

struct list {
    struct tg_db *db;
    const struct tg_taxes *taxes;
    const char *lang;
    struct tg_cat_found *found;
    struct tg_feed_arena arena; /* of one product's details */
    struct tg_product_view *products;
    char **words; /* of options in the language, one JSON object a product; NULL = none */
    struct {
        uint32_t first;
        uint32_t count;
    } * prices_of;
    bool in_lang[TG_CAT_FOUND_MAX]; /* a product: it has texts in it */
    bool damaged[TG_CAT_FOUND_MAX]; /* ... its row makes no sense: it is left out */
    struct tg_variant_view *variants;
    struct tg_list_price *prices;
    size_t variant_count;
    size_t variant_room;
    size_t price_count;
    size_t price_room;
    uint32_t priced;        /* variant of the last price, of its product */
    uint32_t variants_left; /* that the page still has room for */
    uint32_t fit;           /* products */
};

/* Room for one more; NULL: no memory. */
static void *grow(void *at, size_t size, size_t count, size_t *room)
{
    void *more;

    if (count < *room)
        return at;
    more = tg_realloc(at, *room * 2 + GROW_MIN, size);
    if (more != NULL)
        *room = *room * 2 + GROW_MIN;
    return more;
}

static bool ask_id(void *ctx, size_t i, struct tg_q *q)
{
    const struct list *l = ctx;

    tg_q_text(q, l->found->at[i].id);
    return true;
}

const struct tg_feed_lang *tg_cat_lang(const struct tg_feed_langs *texts, const char *lang)
{
    const struct tg_feed_lang *best = NULL;
    int fit = 0;

    for (uint32_t i = 0; i < texts->count; i++) {
        int this_fit = tg_lang_fit(texts->at[i].lang, lang);

        if (this_fit > fit) {
            fit = this_fit;
            best = &texts->at[i];
        }
    }
    return best;
}

static tg_err keep_words(struct list *l, size_t i, const struct tg_feed_pairs *options)
{
    struct tg_buf json;

    tg_buf_init(&json, TG_TEXT_OPTIONS_MAX);
    tg_feed_options_json(&json, options);
    if (json.err != TG_ERR_LIMIT)
        l->words[i] = tg_strdup(tg_buf_cstr(&json));
    tg_buf_done(&json);
    return l->words[i] == NULL && json.err != TG_ERR_LIMIT ? TG_ERR_NOMEM : TG_OK;
}

#define DAMAGE_LOG_US ((tg_us)10 * TG_US_PER_S)

/* One product's damage is not the page's. */
static tg_err left_out(struct list *l, size_t i)
{
    uint64_t times = tg_log_burst(&l->db->damage_burst, tg_clock_mono(), DAMAGE_LOG_US);

    l->damaged[i] = true;
    if (times > 0)
        tg_log_error("store", "product-damaged", "id=%s times=%llu", TG_LOG_Q(l->found->at[i].id),
                     (unsigned long long)times);
    return TG_OK;
}

static tg_err take_product(void *ctx, size_t i, const struct tg_q *q)
{
    struct list *l = ctx;
    struct tg_product_view *view = &l->products[i];
    const struct tg_feed_lang *text;
    struct tg_feed_product p;
    int64_t version;
    tg_err err;

    tg_feed_arena_clear(&l->arena);
    err = tg_cat_row_product(q, &l->arena, &p, &version);
    if (err == TG_ERR_MALFORMED)
        return left_out(l, i);
    if (err != TG_OK)
        return err;
    text = tg_cat_lang(&p.texts, l->lang);
    l->in_lang[i] = text != NULL;
    tg_str_cut(view->id, sizeof(view->id), p.id);
    tg_str_cut(view->title, sizeof(view->title),
               text != NULL && text->title != NULL ? text->title : p.title);
    tg_str_cut(view->description, sizeof(view->description),
               text != NULL && text->description != NULL ? text->description : p.description);
    if (p.pictures.count > 0) {
        tg_str_cut(view->image, sizeof(view->image), p.pictures.at[0].url);
        tg_str_cut(view->image_alt, sizeof(view->image_alt),
                   p.pictures.at[0].alt == NULL ? "" : p.pictures.at[0].alt);
    }
    view->number = (uint32_t)p.number;
    return text != NULL && text->options.count > 0 ? keep_words(l, i, &text->options) : TG_OK;
}

enum { V_UNITS_LEFT = 19 };

/* What is longer in another language than there is room for stays as it was. */
static void options_into(struct tg_variant_view *view, const char *translated, const char *own)
{
    const char *options = strlen(translated) < sizeof(view->options) ? translated : own;

    tg_str_cut(view->options, sizeof(view->options), options);
}

static void fill_variant(struct tg_variant_view *view, const struct tg_q *q,
                         const struct tg_taxes *taxes, const char *words)
{
    const struct tg_text text = {.options = words == NULL ? "" : words};
    char buf[TG_OPTIONS_IN_SIZE];
    struct tg_variant v;

    tg_row_variant(q, 1, &v);
    *view = (struct tg_variant_view){.price = tg_variant_price(&v),
                                     .compare_at = tg_variant_compare_at(&v),
                                     .price_until_wall_us = v.flash >= 0 ? v.flash_until_wall : -1,
                                     .lowest = tg_variant_lowest(&v),
                                     .price_left = tg_variant_flash_left(&v),
                                     .tax_bp = tg_tax_rate(taxes, v.tax_class),
                                     .available = (int32_t)tg_q_get_int(q, V_UNITS_LEFT)};
    tg_str_cut(view->sku, sizeof(view->sku), v.sku);
    options_into(view, tg_options_in(buf, v.options, &text), v.options);
}

static tg_err take_variant(void *ctx, size_t i, const struct tg_q *q)
{
    struct list *l = ctx;
    struct tg_variant_view *at = grow(l->variants, sizeof(*at), l->variant_count, &l->variant_room);

    if (at == NULL)
        return TG_ERR_NOMEM;
    l->variants = at;
    if (l->products[i].variant_count++ == 0)
        l->products[i].variant_first = (uint32_t)l->variant_count;
    fill_variant(&l->variants[l->variant_count++], q, l->taxes, l->words[i]);
    return TG_OK;
}

static tg_err take_price(void *ctx, size_t i, const struct tg_q *q)
{
    struct list *l = ctx;
    const struct tg_product_view *p = &l->products[i];
    struct tg_list_price *at = grow(l->prices, sizeof(*at), l->price_count, &l->price_room);
    const char *sku = tg_q_get_text(q, 0);
    struct tg_list_price *price;

    if (at == NULL)
        return TG_ERR_NOMEM;
    l->prices = at;
    price = &l->prices[l->price_count];
    *price = (struct tg_list_price){.price = tg_q_get_int(q, 2)};
    tg_q_copy_text(q, 1, price->currency, sizeof(price->currency));
    if (l->prices_of[i].count++ == 0) {
        l->prices_of[i].first = (uint32_t)l->price_count;
        l->priced = 0;
    }
    /* In the order of the variants. */
    while (l->priced < p->variant_count &&
           strcmp(l->variants[p->variant_first + l->priced].sku, sku) != 0)
        l->priced++;
    if (l->priced == p->variant_count)
        return TG_ERR_MALFORMED; /* one snapshot, one condition */
    price->variant = l->priced;
    l->price_count++;
    return TG_OK;
}

static tg_err take_count(void *ctx, size_t i, const struct tg_q *q)
{
    struct list *l = ctx;
    int64_t count = tg_q_get_int(q, 0);

    if (l->fit < i || (i > 0 && count > (int64_t)l->variants_left))
        return TG_OK; /* one that did not fit ends the page */
    l->variants_left -= (uint32_t)TG_MIN(count, (int64_t)l->variants_left);
    l->fit++;
    return TG_OK;
}

/* What is not read now is the next page's: at least one product is shown, with all it has. */
static tg_err cut_page(struct list *l)
{
    const struct tg_q_many many = {.bind = ask_id, .row = take_count, .ctx = l};
    tg_err err;

    l->fit = 0;
    l->variants_left = VARIANTS_MAX;
    err = tg_q_each(l->db, TG_SQL_LIST_COUNT, l->found->count, &many);
    if (err != TG_OK || l->fit == l->found->count)
        return err;
    l->found->count = l->fit;
    l->found->next = l->found->at[l->fit - 1].cursor;
    return TG_OK;
}

static tg_err load(struct list *l)
{
    struct tg_q_many many = {.bind = ask_id, .row = take_product, .ctx = l};
    tg_err err = cut_page(l);
    size_t count = l->found->count;

    if (err != TG_OK)
        return err;
    l->products = tg_calloc(count + 1, sizeof(*l->products));
    l->prices_of = tg_calloc(count + 1, sizeof(*l->prices_of));
    l->words = tg_calloc(count + 1, sizeof(*l->words));
    if (l->products == NULL || l->prices_of == NULL || l->words == NULL)
        return TG_ERR_NOMEM;
    err = tg_q_each(l->db, TG_SQL_CAT_PRODUCT, count, &many);
    many.row = take_variant;
    if (err == TG_OK)
        err = tg_q_each(l->db, TG_SQL_LIST_VARIANTS, count, &many);
    many.row = take_price;
    return err == TG_OK ? tg_q_each(l->db, TG_SQL_LIST_PRICES, count, &many) : err;
}

/* The cursor before place i, to go on with it. */
static int64_t before(const struct list *l, uint32_t i, int64_t above)
{
    return i == 0 ? above : l->found->at[i - 1].cursor;
}

static tg_err give(struct list *l, int64_t above, tg_list_fn each, void *ctx, int64_t *ret_next)
{
    tg_err err = TG_OK;

    *ret_next = l->found->next;
    for (uint32_t i = 0; err == TG_OK && i < l->found->count; i++) {
        const struct tg_product_view *p = &l->products[i];
        const struct tg_list_view view = {
            .product = p,
            .variants = p->variant_count == 0 ? NULL : &l->variants[p->variant_first],
            .prices = l->prices_of[i].count == 0 ? NULL : &l->prices[l->prices_of[i].first],
            .price_count = l->prices_of[i].count,
            .in_lang = l->in_lang[i],
            .cursor = l->found->at[i].cursor};

        err = l->damaged[i] ? TG_OK : each(ctx, &view);
        if (err == TG_ERR_AGAIN)
            *ret_next = before(l, i, above);
    }
    return err == TG_ERR_AGAIN ? TG_OK : err;
}

static void list_done(struct list *l)
{
    tg_feed_arena_done(&l->arena);
    for (uint32_t i = 0; l->words != NULL && i < l->found->count; i++)
        tg_free(l->words[i]);
    tg_free(l->words);
    tg_free(l->products);
    tg_free(l->prices_of);
    tg_free(l->variants);
    tg_free(l->prices);
}

tg_err tg_read_list(struct tg_read_db *db, const struct tg_cat_filter *filter, const char *lang,
                    tg_list_fn each, void *ctx, int64_t *ret_next)
{
    struct tg_cat_found *found = tg_calloc(1, sizeof(*found));
    struct list l = {
        .db = tg_read_connection(db), .taxes = tg_read_taxes(db), .lang = lang, .found = found};
    tg_err err = found == NULL ? TG_ERR_NOMEM : begin(l.db);

    if (err == TG_OK) {
        err = find(l.db, filter, found);
        if (err == TG_OK)
            err = load(&l);
        err = end(l.db, err);
    }
    if (err == TG_OK)
        err = give(&l, filter->above, each, ctx, ret_next);
    list_done(&l);
    tg_free(found);
    return err;
}

static tg_err is_listed(struct tg_db *db, const char *id)
{
    struct tg_q q = tg_q(db, TG_SQL_PRODUCT_LISTED);
    bool there;
    tg_err err;

    tg_q_text(&q, id);
    there = tg_q_row(&q);
    err = tg_q_end(&q);
    return err == TG_OK && !there ? TG_ERR_NOTFOUND : err;
}

tg_err tg_read_list_one(struct tg_read_db *db, const char *id, const char *lang, tg_list_fn each,
                        void *ctx)
{
    struct tg_cat_found *found = tg_calloc(1, sizeof(*found));
    struct list l = {
        .db = tg_read_connection(db), .taxes = tg_read_taxes(db), .lang = lang, .found = found};
    int64_t next;
    tg_err err = found == NULL ? TG_ERR_NOMEM : begin(l.db);

    if (err == TG_OK) {
        found->count = 1;
        found->next = -1;
        tg_str_cut(found->at[0].id, sizeof(found->at[0].id), id);
        err = is_listed(l.db, id);
        if (err == TG_OK)
            err = load(&l);
        if (err == TG_OK && l.damaged[0])
            err = TG_ERR_MALFORMED;
        err = end(l.db, err);
    }
    if (err == TG_OK)
        err = give(&l, 0, each, ctx, &next);
    list_done(&l);
    tg_free(found);
    return err;
}
