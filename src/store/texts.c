/* Texts of products in further languages: rows to values and back, into memory. */
#include "store/texts_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/catalogue.h"
#include "store/changes.h"
#include "store/rows_priv.h"

enum { TITLE, DESCRIPTION, OPTIONS, COLUMNS };

/* --- writing --- */

static tg_err add_text(struct tg_db *db, const char *id, const struct tg_feed_lang *l)
{
    struct tg_q q = tg_q(db, TG_SQL_CAT_ADD_TEXT);
    char title[TG_TITLE_SIZE];
    char description[512];
    struct tg_buf options;
    tg_err err;

    tg_buf_init(&options, TG_TEXT_OPTIONS_MAX);
    if (l->options.count > 0)
        tg_feed_options_json(&options, &l->options);
    tg_str_cut(title, sizeof(title), l->title == NULL ? "" : l->title);
    tg_str_cut(description, sizeof(description), l->description == NULL ? "" : l->description);
    tg_q_text(&q, id);
    tg_q_text(&q, l->lang);
    tg_q_text(&q, title);
    tg_q_text(&q, description);
    tg_q_text(&q, options.err == TG_OK && options.len > 0 ? tg_buf_cstr(&options) : "");
    err = tg_q_run(&q);
    tg_buf_done(&options);
    return err;
}

tg_err tg_cat_put_texts(struct tg_db *db, const struct tg_feed_product *p, bool is_new)
{
    tg_err err = TG_OK;
    struct tg_q q;

    if (!is_new) {
        q = tg_q(db, TG_SQL_CAT_DROP_TEXTS);
        tg_q_text(&q, p->id);
        err = tg_q_run(&q);
    }
    for (uint32_t i = 0; err == TG_OK && i < p->texts.count; i++)
        err = add_text(db, p->id, &p->texts.at[i]);
    return err;
}

tg_err tg_cat_texts_of(struct tg_langs **ret, const struct tg_feed_langs *langs)
{
    struct tg_text texts[TG_FEED_TEXTS_MAX] = {{.title = NULL}};
    struct tg_buf options[TG_FEED_TEXTS_MAX];
    uint32_t count = TG_MIN(langs->count, (uint32_t)TG_FEED_TEXTS_MAX);
    tg_err err;

    for (uint32_t i = 0; i < count; i++) {
        const struct tg_feed_lang *l = &langs->at[i];

        tg_buf_init(&options[i], TG_TEXT_OPTIONS_MAX);
        if (l->options.count > 0)
            tg_feed_options_json(&options[i], &l->options);
        texts[i] = (struct tg_text){
            .title = l->title,
            .description = l->description,
            .options =
                options[i].err == TG_OK && options[i].len > 0 ? tg_buf_cstr(&options[i]) : "",
        };
        tg_str_cut(texts[i].lang, sizeof(texts[i].lang), l->lang);
    }
    err = tg_langs_new(ret, texts, count);
    for (uint32_t i = 0; i < count; i++)
        tg_buf_done(&options[i]);
    return err;
}

/* --- reading --- */

void tg_texts_row_init(struct tg_texts_row *t)
{
    memset(t, 0, sizeof(*t));
}

static void forget(struct tg_texts_row *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        for (int c = 0; c < COLUMNS; c++)
            tg_free(t->owned[i][c]);
    t->count = 0;
}

tg_err tg_texts_row_add(struct tg_texts_row *t, const struct tg_q *q)
{
    struct tg_text *text = &t->texts[t->count];

    if (t->count == TG_TEXTS_MAX)
        return TG_OK; /* feed/ takes no more */
    for (int c = 0; c < COLUMNS; c++)
        t->owned[t->count][c] = tg_strdup(tg_q_get_text(q, 2 + c));
    *text = (struct tg_text){.title = t->owned[t->count][TITLE],
                             .description = t->owned[t->count][DESCRIPTION],
                             .options = t->owned[t->count][OPTIONS]};
    tg_q_copy_text(q, 1, text->lang, sizeof(text->lang));
    t->count++;
    return text->title == NULL || text->description == NULL || text->options == NULL ? TG_ERR_NOMEM
                                                                                     : TG_OK;
}

tg_err tg_texts_row_take(struct tg_texts_row *t, struct tg_langs **ret)
{
    tg_err err = tg_langs_new(ret, t->texts, t->count);

    forget(t);
    return err;
}

void tg_texts_row_done(struct tg_texts_row *t)
{
    forget(t);
}

tg_err tg_read_texts(struct tg_read_db *db, const char *sku, struct tg_langs **ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_TEXTS_OF_SKU);
    struct tg_texts_row row;
    tg_err err = TG_OK;
    tg_err ended;

    *ret = NULL;
    tg_texts_row_init(&row);
    tg_q_text(&q, sku);
    while (err == TG_OK && tg_q_row(&q))
        err = tg_texts_row_add(&row, &q);
    ended = tg_q_end(&q);
    if (err == TG_OK && ended == TG_OK)
        err = tg_texts_row_take(&row, ret);
    tg_texts_row_done(&row);
    return err != TG_OK ? err : ended;
}

/* --- into memory --- */

struct reload {
    const struct tg_reload *r;
    struct tg_texts_row row;
    char product[TG_FEED_ID_SIZE]; /* whose they are; "" = nobody's yet */
};

static tg_err put(struct reload *r, const char *product)
{
    struct tg_langs *texts = NULL;
    tg_err err = tg_texts_row_take(&r->row, &texts);

    if (err == TG_OK)
        tg_shop_put_texts(r->r->shop, product, texts);
    return err;
}

static tg_err take_of_key(void *ctx, size_t i, const struct tg_q *q)
{
    struct reload *r = ctx;

    (void)i;
    return tg_texts_row_add(&r->row, q);
}

static tg_err end_of_key(void *ctx, size_t i)
{
    struct reload *r = ctx;

    return put(r, r->r->keys[i]);
}

static bool ask_key(void *ctx, size_t i, struct tg_q *q)
{
    const struct reload *r = ctx;

    tg_q_text(q, r->r->keys[i]);
    return true;
}

static tg_err reload_all(struct reload *r)
{
    struct tg_q q = tg_q(r->r->db, TG_SQL_TEXTS);
    tg_err err = TG_OK;
    tg_err ended;

    for (uint32_t i = 0; i < tg_shop_product_count(r->r->shop); i++)
        tg_shop_put_texts(r->r->shop, tg_shop_product_at(r->r->shop, i)->id, NULL);
    while (err == TG_OK && tg_q_row(&q)) {
        if (strcmp(r->product, tg_q_get_text(&q, 0)) != 0) {
            if (r->product[0] != '\0')
                err = put(r, r->product);
            tg_q_copy_text(&q, 0, r->product, sizeof(r->product));
        }
        if (err == TG_OK)
            err = tg_texts_row_add(&r->row, &q);
    }
    ended = tg_q_end(&q);
    if (err == TG_OK && ended == TG_OK && r->product[0] != '\0')
        err = put(r, r->product);
    return err != TG_OK ? err : ended;
}

tg_err tg_reload_texts(const struct tg_reload *r)
{
    struct reload ctx = {.r = r};
    const struct tg_q_many many = {
        .bind = ask_key, .row = take_of_key, .end = end_of_key, .ctx = &ctx};
    tg_err err;

    tg_texts_row_init(&ctx.row);
    err = r->keys == NULL ? reload_all(&ctx) : tg_q_each(r->db, TG_SQL_TEXTS_OF, r->count, &many);
    tg_texts_row_done(&ctx.row);
    return err;
}
