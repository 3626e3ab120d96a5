#include "live/board.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/limits.h"

enum { MANY = INT32_MAX };

void tg_board_init(struct tg_board *b, struct tg_rng *rng, int32_t band)
{
    *b = (struct tg_board){.band_fixed = band};
    tg_map_init(&b->by_sku, rng);
    /* One product more than the limit is written before it is taken back. */
    tg_buf_init(&b->viewers.text, (size_t)4 * TG_JOINED_PRODUCTS_MAX);
    tg_buf_init(&b->staff.text, (size_t)4 * TG_JOINED_PRODUCTS_MAX);
}

void tg_board_done(struct tg_board *b)
{
    tg_map_done(&b->by_sku);
    tg_buf_done(&b->viewers.text);
    tg_buf_done(&b->staff.text);
    for (uint32_t i = 0; i < b->lang_count; i++) {
        tg_buf_done(&b->langs[i].viewers.text);
        tg_buf_done(&b->langs[i].staff.text);
    }
    b->lang_count = 0;
    tg_free(b->variants);
    tg_free(b->queue);
    tg_catalog_unref(b->catalog);
    b->catalog = NULL;
    b->variants = NULL;
    b->queue = NULL;
}

/* What viewers read. */
static int32_t banded(const struct tg_board *b, int32_t available)
{
    return available > b->band ? MANY : available;
}

static tg_err fill(struct tg_board *b)
{
    for (uint32_t i = 0; i < b->catalog->variant_count; i++) {
        const struct tg_variant_view *view = &b->catalog->variants[i];
        struct tg_board_variant *v = &b->variants[i];
        tg_err err;

        *v = (struct tg_board_variant){.view = view,
                                       .price = view->price,
                                       .compare_at = view->compare_at,
                                       .price_until_wall_us = view->price_until_wall_us,
                                       .lowest = view->lowest,
                                       .price_left = view->price_left,
                                       .available = view->available,
                                       .told_viewers = banded(b, view->available)};
        err = tg_map_put(&b->by_sku, view->sku, strlen(view->sku), v);
        if (err == TG_ERR_NOMEM)
            return err; /* CONFLICT: the first of two equal SKUs counts */
    }
    return TG_OK;
}

/* The first languages of the catalogue's products. */
static void find_langs(struct tg_board *b)
{
    for (uint32_t i = 0; i < b->catalog->product_count; i++) {
        const struct tg_langs *t = b->catalog->products[i].texts;

        for (uint32_t k = 0; t != NULL && k < t->count && b->lang_count < TG_BOARD_LANGS; k++) {
            struct tg_board_lang *at = &b->langs[b->lang_count];
            bool have = false;

            for (uint32_t l = 0; !have && l < b->lang_count; l++)
                have = tg_lang_fit(b->langs[l].lang, t->at[k].lang) == 3;
            if (have)
                continue;
            memcpy(at->lang, t->at[k].lang, sizeof(at->lang));
            tg_buf_init(&at->viewers.text, (size_t)4 * TG_JOINED_PRODUCTS_MAX);
            tg_buf_init(&at->staff.text, (size_t)4 * TG_JOINED_PRODUCTS_MAX);
            b->lang_count++;
        }
    }
}

tg_err tg_board_set_catalog(struct tg_board *b, struct tg_catalog *take_catalog)
{
    struct tg_board next = {.catalog = take_catalog, .band_fixed = b->band_fixed};
    tg_err err = TG_ERR_NOMEM;

    next.band = b->band_fixed > 0 ? b->band_fixed : take_catalog->stock_band;
    next.by_sku = (struct tg_map){.secret = {b->by_sku.secret[0], b->by_sku.secret[1]}};
    next.variants = tg_calloc((size_t)take_catalog->variant_count + 1, sizeof(*next.variants));
    next.queue =
        tg_calloc((size_t)take_catalog->variant_count + 1, sizeof(struct tg_board_variant *));
    if (next.variants != NULL && next.queue != NULL)
        err = fill(&next);
    if (err != TG_OK) {
        tg_board_done(&next);
        return err;
    }
    find_langs(&next);
    /* The text buffers stay; everything else changes hands. */
    next.viewers.text = b->viewers.text;
    next.staff.text = b->staff.text;
    b->viewers.text = (struct tg_buf){0};
    b->staff.text = (struct tg_buf){0};
    tg_board_done(b);
    *b = next;
    return TG_OK;
}

bool tg_board_has(const struct tg_board *b, const char *sku)
{
    return tg_map_get_str(&b->by_sku, sku) != NULL;
}

const char *tg_board_currency(const struct tg_board *b)
{
    return b->catalog == NULL ? "XTS" : b->catalog->currency;
}

static void stale_viewers(struct tg_board *b)
{
    b->viewers.fresh = false;
    for (uint32_t i = 0; i < b->lang_count; i++)
        b->langs[i].viewers.fresh = false;
}

static void stale_staff(struct tg_board *b)
{
    b->staff.fresh = false;
    for (uint32_t i = 0; i < b->lang_count; i++)
        b->langs[i].staff.fresh = false;
}

static void apply_numbers(struct tg_board *b, struct tg_board_variant *v,
                          const struct tg_live_sale *sale)
{
    if (sale->stock_changed && v->available != sale->available) {
        if (banded(b, v->available) != banded(b, sale->available))
            stale_viewers(b);
        v->available = sale->available;
        v->stock_changed = true;
        stale_staff(b);
    }
    if (sale->price_changed) {
        v->price = sale->price;
        v->compare_at = sale->compare_at;
        v->price_until_wall_us = sale->price_until_wall_us;
        v->lowest = sale->lowest;
        v->price_left = sale->price_left;
        v->price_changed = true;
        stale_viewers(b);
        stale_staff(b);
    }
    if (sale->sold_count > 0 && sale->show != UINT16_MAX) {
        v->sold_count = sale->sold_count;
        v->sold_show = sale->show;
        v->sold_changed = true;
    }
}

bool tg_board_apply(struct tg_board *b, const struct tg_live_sale *sale, bool *ret_must_flush)
{
    struct tg_board_variant *v = tg_map_get_str(&b->by_sku, sale->sku);

    *ret_must_flush = false;
    if (v == NULL)
        return false;
    if (v->sold_changed && sale->sold_count > 0 && v->sold_show != sale->show) {
        *ret_must_flush = true;
        return true;
    }
    b->urgent = b->urgent || sale->price_changed ||
                (sale->stock_changed && (v->available > 0) != (sale->available > 0));
    apply_numbers(b, v, sale);
    if (!v->queued && (v->price_changed || v->stock_changed || v->sold_changed)) {
        v->queued = true;
        b->queue[b->queue_count++] = v; /* each at most once: the queue has room for all */
    }
    return true;
}

struct tg_board_variant *tg_board_next(struct tg_board *b)
{
    if (b->queue_at < b->queue_count)
        return b->queue[b->queue_at];
    b->queue_count = b->queue_kept;
    b->queue_at = 0;
    b->queue_kept = 0;
    b->urgent = false;
    return NULL;
}

void tg_board_told(struct tg_board *b, struct tg_board_variant *v, bool sold_too)
{
    TG_ASSERT(b->queue_at < b->queue_count && b->queue[b->queue_at] == v);
    b->queue_at++;
    v->told_viewers = banded(b, v->available);
    v->sold_changed = v->sold_changed && !sold_too;
    v->queued = v->sold_changed;
    v->price_changed = false;
    v->stock_changed = false;
    if (v->queued)
        b->queue[b->queue_kept++] = v; /* behind what is read already */
}

bool tg_board_viewers_need_stock(const struct tg_board *b, const struct tg_board_variant *v)
{
    return v->stock_changed && banded(b, v->available) != v->told_viewers;
}

/* --- JSON ----------------------------------------------------------------------------------------
 */

static void write_money(const struct tg_board *b, struct tg_jo *j, const char *key, int64_t amount)
{
    tg_jo_obj(j, key);
    tg_jo_int(j, "amount", amount);
    tg_jo_str(j, "currency", tg_board_currency(b));
    tg_jo_end_obj(j);
}

static void write_price(const struct tg_board *b, struct tg_jo *j, const char *key,
                        const struct tg_board_variant *v)
{
    char until[TG_RFC3339_SIZE];

    write_money(b, j, key, v->price);
    if (v->compare_at >= 0)
        write_money(b, j, "compare_at", v->compare_at);
    if (v->lowest > 0)
        write_money(b, j, "lowest_30d", v->lowest);
    if (v->price_left > 0)
        tg_jo_int(j, "left", v->price_left);
    if (v->price_until_wall_us >= 0) {
        tg_rfc3339(until, v->price_until_wall_us);
        tg_jo_str(j, "until", until);
    }
}

static void write_stock(struct tg_jo *j, const char *key, int32_t value)
{
    if (value == MANY)
        tg_jo_str(j, key, "many");
    else
        tg_jo_int(j, key, value);
}

static void write_variant(const struct tg_board *b, struct tg_jo *j,
                          const struct tg_board_variant *v, bool staff, const struct tg_text *text)
{
    char buf[TG_OPTIONS_IN_SIZE];
    const char *options = tg_options_in(buf, v->view->options, text);

    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", v->view->sku);
    tg_jo_raw(j, "options", options, strlen(options));
    write_price(b, j, "price", v);
    if (v->view->tax_bp > 0)
        tg_jo_int(j, "tax_bp", v->view->tax_bp);
    write_stock(j, "stock", staff ? v->available : banded(b, v->available));
    tg_jo_end_obj(j);
}

static void write_product(const struct tg_board *b, struct tg_jo *j,
                          const struct tg_product_view *p, bool staff, const char *lang)
{
    const struct tg_text *text = tg_langs_pick(p->texts, lang);

    tg_product_write_open(j, p, text);
    tg_jo_arr(j, "variants");
    for (uint32_t i = 0; i < p->variant_count; i++)
        write_variant(b, j, &b->variants[p->variant_first + i], staff, text);
    tg_jo_end_arr(j);
    tg_jo_end_obj(j);
}

/* A product whose variants lie outside the snapshot is a bug of its maker. */
static void check_product(const struct tg_catalog *c, const struct tg_product_view *p)
{
    TG_ASSERT(p->variant_first <= c->variant_count);
    TG_ASSERT(p->variant_count <= c->variant_count - p->variant_first);
}

static void write_products(struct tg_board *b, struct tg_board_json *out, bool staff,
                           const char *lang)
{
    struct tg_jo j = tg_jo(&out->text);
    uint32_t count = b->catalog == NULL ? 0 : b->catalog->product_count;

    tg_buf_clear(&out->text);
    out->more = false;
    tg_jo_arr(&j, NULL);
    for (uint32_t i = 0; i < count && out->text.err == TG_OK; i++) {
        struct tg_jo before = j;
        size_t len = out->text.len;

        check_product(b->catalog, &b->catalog->products[i]);
        write_product(b, &j, &b->catalog->products[i], staff, lang);
        /* LIMIT: one product larger than all that may stand there. */
        if (out->text.len <= TG_JOINED_PRODUCTS_MAX && out->text.err != TG_ERR_LIMIT)
            continue;
        out->more = true;
        out->text.len = len;
        if (out->text.err == TG_ERR_LIMIT)
            out->text.err = TG_OK;
        j = before;
        break;
    }
    tg_jo_end_arr(&j);
}

/* NULL = none of the catalogue's serves who reads this one. */
static struct tg_board_lang *lang_for(struct tg_board *b, const char *lang)
{
    struct tg_board_lang *best = NULL;
    int fit = 0;

    for (uint32_t i = 0; i < b->lang_count; i++) {
        int this_fit = tg_lang_fit(b->langs[i].lang, lang);

        if (this_fit > fit) {
            fit = this_fit;
            best = &b->langs[i];
        }
    }
    return best;
}

tg_err tg_board_products(struct tg_board *b, bool staff, const char *lang, const char **ret_json,
                         size_t *ret_len, bool *ret_more)
{
    struct tg_board_lang *in = lang_for(b, lang);
    struct tg_board_json *out = staff ? &b->staff : &b->viewers;

    if (in != NULL)
        out = staff ? &in->staff : &in->viewers;
    if (!out->fresh)
        write_products(b, out, staff, in == NULL ? "" : in->lang);
    out->fresh = out->text.err == TG_OK;
    if (!out->fresh)
        return TG_ERR_NOMEM;
    *ret_json = tg_buf_cstr(&out->text);
    *ret_len = out->text.len;
    *ret_more = out->more;
    return out->text.err;
}

void tg_board_write_event(const struct tg_board *b, const struct tg_board_variant *v,
                          enum tg_board_what what, int64_t at, struct tg_buf *out)
{
    static const char *const names[] = {"price", "stock", "stock", "sold"};
    struct tg_jo j = tg_jo(out);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", names[what]);
    tg_jo_int(&j, "at", at);
    tg_jo_str(&j, "sku", v->view->sku);
    if (what == TG_BOARD_PRICE)
        write_price(b, &j, "value", v);
    else if (what == TG_BOARD_SOLD)
        tg_jo_int(&j, "count", v->sold_count);
    else
        write_stock(&j, "value", what == TG_BOARD_STOCK ? v->available : banded(b, v->available));
    tg_jo_end_obj(&j);
}
