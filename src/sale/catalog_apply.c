/* One product or variant as somebody wants it: what differs is written, with what was before. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/catalog_priv.h"

enum { DOC_MAX = 4 << 20 };

/* --- values --- */

static void empty_product(struct tg_feed_product *p)
{
    *p = (struct tg_feed_product){
        .number = TG_FEED_KEEP, .archived = 0, .title = "", .description = "", .brand = ""};
    p->texts.given = true;
    p->pictures.given = true;
    p->categories.given = true;
    p->attributes.given = true;
    p->accessories.given = true;
    p->related.given = true;
}

static void empty_variant(struct tg_feed_variant *v)
{
    *v = (struct tg_feed_variant){.price = TG_FEED_KEEP,
                                  .compare_at = -1,
                                  .cost = -1,
                                  .weight_g = -1,
                                  .stock = TG_FEED_KEEP,
                                  .archived = 0,
                                  .barcode = "",
                                  .tax_class = ""};
    v->options.given = true;
    v->prices.given = true;
    v->pictures.given = true;
    v->parts.given = true;
}

/* As tg_catalog_variant_text(). */
static const char *product_text(struct tg_catalog_slice *s, const struct tg_feed_product *p)
{
    struct tg_buf out;
    struct tg_jo j = tg_jo(&out);
    struct tg_feed_product bare = *p;
    const char *text = NULL;

    bare.variants.count = 0;
    tg_buf_init(&out, DOC_MAX);
    tg_feed_write_torg(&j, &bare, s->sale->cfg.currency);
    if (out.err == TG_OK)
        text = tg_feed_text(&s->arena, (const char *)out.data, out.len);
    if (out.err != TG_OK || s->arena.err != TG_OK)
        s->err = out.err != TG_OK ? out.err : s->arena.err;
    tg_buf_done(&out);
    return s->err == TG_OK ? text : NULL;
}

const char *tg_catalog_variant_text(struct tg_catalog_slice *s, const struct tg_feed_variant *v)
{
    struct tg_buf out;
    struct tg_jo j = tg_jo(&out);
    const char *text = NULL;

    tg_buf_init(&out, DOC_MAX);
    tg_feed_write_variant(&j, v, s->sale->cfg.currency);
    if (out.err == TG_OK)
        text = tg_feed_text(&s->arena, (const char *)out.data, out.len);
    if (out.err != TG_OK || s->arena.err != TG_OK)
        s->err = out.err != TG_OK ? out.err : s->arena.err;
    tg_buf_done(&out);
    return s->err == TG_OK ? text : NULL;
}

uint64_t tg_catalog_digest(const char *text)
{
    uint64_t digest = tg_idem_digest_str(0, text);

    return digest == 0 ? 1 : digest; /* 0 = whatever it is */
}

static void note_change(struct tg_catalog_slice *s, enum tg_import_kind kind, const char *item,
                        const char *before, const char *after)
{
    struct tg_import_change change = {.seq = s->seq + 1,
                                      .kind = kind,
                                      .item = item,
                                      .before = before,
                                      .after = tg_catalog_digest(after)};

    if (s->import == 0 || s->dry || s->err != TG_OK)
        return;
    s->err = tg_cat_add_change(s->sale->cfg.store, s->import, &change);
    s->seq++;
}

static enum tg_catalog_outcome refuse(struct tg_catalog_slice *s, uint32_t line, const char *field,
                                      const char *value, const char *reason, const char *fix)
{
    tg_catalog_fault(s, line, field, value, reason, fix);
    return TG_CATALOG_REFUSED;
}

/* --- products --- */

static void product_to_memory(struct tg_catalog_slice *s, const struct tg_feed_product *p)
{
    struct tg_product *m = &s->products[s->product_count++];

    *m = (struct tg_product){.number = (uint32_t)p->number, .archived = p->archived == 1};
    s->err = s->err != TG_OK ? s->err : tg_cat_texts_of(&m->texts, &p->texts);
    tg_str_cut(m->id, sizeof(m->id), p->id);
    tg_str_cut(m->title, sizeof(m->title), p->title);
    tg_str_cut(m->description, sizeof(m->description), p->description);
    if (p->pictures.count > 0) {
        tg_str_cut(m->image, sizeof(m->image), p->pictures.at[0].url);
        tg_str_cut(m->image_alt, sizeof(m->image_alt),
                   p->pictures.at[0].alt == NULL ? "" : p->pictures.at[0].alt);
    }
}

static bool product_complete(struct tg_catalog_slice *s, const struct tg_feed_product *p)
{
    if (p->title == NULL || p->title[0] == '\0') {
        tg_catalog_fault(s, p->line, "title", "", "A new product needs its title.",
                         "Give it a name.");
        return false;
    }
    return tg_catalog_number_free(s, p);
}

static enum tg_catalog_outcome put_product(struct tg_catalog_slice *s,
                                           const struct tg_feed_product *p, const char *before,
                                           const char *after, int64_t version)
{
    if (!s->dry && s->err == TG_OK)
        s->err = tg_cat_put_product(s->sale->cfg.store, p, version, s->now.wall);
    note_change(s, TG_IMPORT_PRODUCT, p->id, before, after);
    if (s->err != TG_OK)
        return TG_CATALOG_REFUSED;
    product_to_memory(s, p);
    return before[0] == '\0' ? TG_CATALOG_ADDED : TG_CATALOG_CHANGED;
}

enum tg_catalog_outcome tg_catalog_product(struct tg_catalog_slice *s,
                                           const struct tg_feed_product *given,
                                           const struct tg_catalog_want *want, int64_t *ret_version)
{
    struct tg_feed_product base;
    const char *before = "";
    const char *after;
    int64_t version = 0;
    bool was_archived;
    tg_err err = tg_catalog_old_product(s, given->id, &base, &version);

    if (err != TG_OK && err != TG_ERR_NOTFOUND) {
        s->err = err;
        return TG_CATALOG_REFUSED;
    }
    was_archived = err == TG_OK && base.archived == 1;
    if (err == TG_OK && want->must_be_new && !was_archived)
        return refuse(s, given->line, "id", given->id, "There is a product with this id already.",
                      "Change that one, or choose another id.");
    if (err == TG_OK && want->if_version != 0 && want->if_version != version)
        return refuse(s, given->line, "If-Match", given->id, "Somebody else changed it meanwhile.",
                      "Read it again, and decide again.");
    if (err == TG_OK)
        before = product_text(s, &base);
    if (before != NULL && want->if_digest != 0 && want->if_digest != tg_catalog_digest(before))
        return refuse(s, given->line, "id", given->id, "Somebody else changed it since.",
                      "It stays as it is; change it by hand if it is wrong.");
    if (err == TG_ERR_NOTFOUND || want->whole) {
        int64_t number = err == TG_OK ? base.number : want->number;

        empty_product(&base);
        base.number = number;
    } else if (was_archived && given->archived == TG_FEED_KEEP) {
        base.archived = 0; /* who gives it again sells it again */
    }
    tg_feed_merge_product(&base, given);
    base.id = given->id;
    base.line = given->line;
    after = product_text(s, &base);
    if (before == NULL || after == NULL)
        return TG_CATALOG_REFUSED;
    *ret_version = version;
    if (strcmp(before, after) == 0)
        return TG_CATALOG_UNCHANGED;
    if (!tg_catalog_product_fits(s, given->id, given->line) || !product_complete(s, &base))
        return TG_CATALOG_REFUSED;
    *ret_version = version + 1;
    (void)put_product(s, &base, before, after, version + 1); /* an error is in s->err */
    if (s->err != TG_OK)
        return TG_CATALOG_REFUSED;
    if (base.archived == 1 && !was_archived && before[0] != '\0')
        return TG_CATALOG_ARCHIVED;
    return before[0] == '\0' || was_archived ? TG_CATALOG_ADDED : TG_CATALOG_CHANGED;
}

/* --- variants --- */

static void variant_to_memory(struct tg_catalog_slice *s, const char *product_id,
                              const struct tg_feed_variant *v)
{
    struct tg_variant *m = &s->variants[s->variant_count].variant;
    struct tg_buf options;

    *m = (struct tg_variant){.price = v->price,
                             .compare_at = v->compare_at,
                             .cost = v->cost,
                             .flash = -1,
                             .flash_until_wall = -1,
                             .archived = v->archived == 1};
    tg_str_cut(s->variants[s->variant_count].product_id, TG_FEED_ID_SIZE, product_id);
    tg_str_cut(m->sku, sizeof(m->sku), v->sku);
    tg_str_cut(m->tax_class, sizeof(m->tax_class), v->tax_class);
    tg_buf_init(&options, 4096);
    tg_feed_options_json(&options, &v->options);
    tg_str_cut(m->options, sizeof(m->options), tg_buf_cstr(&options));
    if (options.err != TG_OK)
        s->err = options.err;
    tg_buf_done(&options);
    s->variant_count++;
}

static void claim_currencies(struct tg_catalog_slice *s, const struct tg_feed_prices *was,
                             const struct tg_feed_variant *v)
{
    for (uint32_t i = 0; i < v->prices.count; i++) {
        struct tg_catalog_claim *c = tg_catalog_add_claim(s, TG_CLAIM_LIST_PRICE, v);

        memcpy(c->currency, v->prices.at[i].currency, sizeof(c->currency));
        c->amount = v->prices.at[i].price;
    }
    for (uint32_t i = 0; i < was->count; i++) {
        bool stays = false;

        for (uint32_t k = 0; k < v->prices.count; k++)
            stays = stays || strcmp(was->at[i].currency, v->prices.at[k].currency) == 0;
        if (!stays) {
            struct tg_catalog_claim *c = tg_catalog_add_claim(s, TG_CLAIM_LIST_PRICE, v);

            memcpy(c->currency, was->at[i].currency, sizeof(c->currency));
            c->amount = -1;
        }
    }
}

static void claims_of(struct tg_catalog_slice *s, const struct tg_feed_variant *was,
                      const struct tg_feed_variant *v)
{
    bool same = was != NULL && was->prices.count == v->prices.count;

    for (uint32_t i = 0; same && i < v->prices.count; i++)
        same = strcmp(was->prices.at[i].currency, v->prices.at[i].currency) == 0 &&
               was->prices.at[i].price == v->prices.at[i].price;
    if (was != NULL && (was->price != v->price || was->compare_at != v->compare_at)) {
        struct tg_catalog_claim *c = tg_catalog_add_claim(s, TG_CLAIM_LIST_PRICE, v);

        c->amount = v->price;
        c->compare_at = v->compare_at;
    }
    if (!same) {
        static const struct tg_feed_prices none;

        claim_currencies(s, was == NULL ? &none : &was->prices, v);
    }
    if (was == NULL ? v->parts.count > 0 : !tg_catalog_same_parts(&was->parts, &v->parts))
        tg_catalog_claim_parts(s, v);
}

/* What comes back from the archive with nothing of it anywhere may be counted anew. */
static bool nothing_left(const struct tg_catalog_slice *s, const char *sku)
{
    const struct tg_variant *v = tg_shop_variant(s->sale->shop, sku);

    return v == NULL || (v->stock.on_hand == 0 && v->stock.held == 0 && v->stock.sold == 0);
}

/* The first count of a SKU that nobody ever counted; later ones are the stock keepers', and all of
 * them when the shop's own system has the stock. */
static bool first_count(struct tg_catalog_slice *s, const struct tg_feed_variant *given,
                        bool bundle, bool fresh)
{
    struct tg_catalog_claim *c;
    bool counted;

    if (given->stock == TG_FEED_KEEP || given->stock <= 0 || s->err != TG_OK ||
        tg_shop_config(s->sale->shop)->stock_owner != TG_STOCK_TORG)
        return false;
    counted = !fresh && !nothing_left(s, given->sku);
    if (!fresh && !counted)
        s->err = tg_cat_counted(s->sale->cfg.store, given->sku, &counted);
    if (s->err != TG_OK || counted)
        return false;
    if (bundle) {
        tg_catalog_fault(s, given->line, "stock", given->sku, "A bundle has no stock of its own.",
                         "Leave it out, and count its parts.");
        return false;
    }
    if (s->dry)
        return true;
    c = tg_catalog_add_claim(s, TG_CLAIM_STOCK, given);
    c->absolute = true;
    c->value = (int32_t)given->stock;
    c->first = true;
    return true;
}

static enum tg_catalog_outcome put_variant(struct tg_catalog_slice *s,
                                           const struct tg_cat_place *place,
                                           const struct tg_feed_variant *v, const char *before,
                                           const char *after)
{
    if (!s->dry && s->err == TG_OK)
        s->err = tg_cat_put_variant(s->sale->cfg.store, place, v, s->now.wall);
    note_change(s, TG_IMPORT_VARIANT, v->sku, before, after);
    if (s->err == TG_OK)
        variant_to_memory(s, place->product_id, v);
    return s->err == TG_OK ? TG_CATALOG_CHANGED : TG_CATALOG_REFUSED;
}

/* The product of a new variant is there, and takes it at the end. */
static bool place_for(struct tg_catalog_slice *s, const char *product_id,
                      const struct tg_feed_variant *given, const struct tg_catalog_want *want,
                      struct tg_cat_place *ret)
{
    struct tg_feed_product p;
    int64_t version;
    tg_err err = want->known || tg_shop_product(s->sale->shop, product_id) != NULL
                     ? TG_OK
                     : tg_catalog_old_product(s, product_id, &p, &version);

    *ret = (struct tg_cat_place){.version = 0};
    tg_str_cut(ret->product_id, sizeof(ret->product_id), product_id);
    if (err == TG_ERR_NOTFOUND) {
        tg_catalog_fault(s, given->line, "product", product_id, "There is no such product.",
                         "Its own row is missing or at fault; correct that one first.");
        return false;
    }
    if (err == TG_OK)
        err = tg_catalog_next_position(s, product_id, &ret->position);
    s->err = s->err != TG_OK ? s->err : err;
    return s->err == TG_OK;
}

static bool variant_ok(struct tg_catalog_slice *s, const char *product_id,
                       const struct tg_cat_place *place, const struct tg_feed_variant *v)
{
    char reason[120];

    if (strcmp(place->product_id, product_id) != 0 && product_id[0] != '\0') {
        tg_str_printf(reason, sizeof(reason), "The SKU belongs to the product %s.",
                      place->product_id);
        tg_catalog_fault(s, v->line, "sku", v->sku, reason,
                         "A SKU stays with its product; give the new one another SKU.");
        return false;
    }
    for (uint32_t i = 0; i < v->prices.count; i++) {
        if (strcmp(v->prices.at[i].currency, s->sale->cfg.currency) != 0)
            continue;
        tg_catalog_fault(s, v->line, "prices", v->prices.at[i].currency,
                         "This is the shop's own currency.",
                         "Put the amount into \"price\"; \"prices\" has the other currencies.");
        return false;
    }
    if (v->price == TG_FEED_KEEP) {
        tg_catalog_fault(s, v->line, "price", v->sku, "A new variant needs its price.",
                         "Give an amount.");
        return false;
    }
    return true;
}

enum tg_catalog_outcome tg_catalog_variant(struct tg_catalog_slice *s, const char *product_id,
                                           const struct tg_feed_variant *given,
                                           const struct tg_catalog_want *want, bool *ret_counted,
                                           int64_t *ret_version)
{
    struct tg_feed_variant was;
    struct tg_feed_variant v;
    struct tg_cat_place place;
    const char *before = "";
    const char *after;
    enum tg_catalog_outcome outcome;
    bool bundle;
    tg_err err = tg_catalog_old_variant(s, given->sku, &was, &place);
    bool fresh = err == TG_ERR_NOTFOUND;
    bool was_archived = !fresh && was.archived == 1;

    *ret_counted = false;
    if (err != TG_OK && !fresh) {
        s->err = err;
        return TG_CATALOG_REFUSED;
    }
    if (!fresh && want->must_be_new && !was_archived)
        return refuse(s, given->line, "sku", given->sku,
                      "There is a variant with this SKU already.",
                      "Change that one, or choose another SKU.");
    if (!fresh && want->if_version != 0 && want->if_version != place.version)
        return refuse(s, given->line, "If-Match", given->sku, "Somebody else changed it meanwhile.",
                      "Read it again, and decide again.");
    if (fresh && !place_for(s, product_id, given, want, &place))
        return TG_CATALOG_REFUSED;
    if (!fresh)
        before = tg_catalog_variant_text(s, &was);
    if (before != NULL && want->if_digest != 0 && want->if_digest != tg_catalog_digest(before))
        return refuse(s, given->line, "sku", given->sku, "Somebody else changed it since.",
                      "It stays as it is; change it by hand if it is wrong.");
    if (fresh || want->whole)
        empty_variant(&v);
    else
        v = was;
    if (was_archived && given->archived == TG_FEED_KEEP)
        v.archived = 0; /* who gives it again sells it again */
    tg_feed_merge_variant(&v, given);
    v.sku = given->sku;
    v.line = given->line;
    if (v.compare_at <= v.price)
        v.compare_at = -1;
    if (!variant_ok(s, product_id, &place, &v) || ((fresh || !tg_catalog_knows_variant(s, v.sku)) &&
                                                   !tg_catalog_variant_fits(s, v.sku, v.line)))
        return TG_CATALOG_REFUSED;
    bundle = v.parts.count > 0;
    (void)tg_catalog_settle_parts(s, fresh ? NULL : &was.parts, &v); /* a refusal is a fault */
    after = tg_catalog_variant_text(s, &v);
    if (before == NULL || after == NULL)
        return TG_CATALOG_REFUSED;
    *ret_version = place.version;
    outcome = TG_CATALOG_UNCHANGED;
    if (strcmp(before, after) != 0) {
        size_t first = s->claim_count;

        *ret_version = ++place.version;
        claims_of(s, fresh ? NULL : &was, &v);
        outcome = put_variant(s, &place, &v, before, after);
        for (size_t i = first; i < s->claim_count; i++) {
            s->claims[i].version = place.version;
            s->claims[i].change = s->import != 0 ? s->seq : 0;
        }
        if (outcome != TG_CATALOG_REFUSED && (fresh || was_archived))
            outcome = TG_CATALOG_ADDED;
        else if (outcome != TG_CATALOG_REFUSED && v.archived == 1)
            outcome = TG_CATALOG_ARCHIVED;
    }
    if (outcome != TG_CATALOG_REFUSED)
        *ret_counted =
            first_count(s, given, bundle, fresh || (was_archived && nothing_left(s, v.sku)));
    return s->err == TG_OK ? outcome : TG_CATALOG_REFUSED;
}

/* --- archiving --- */

enum tg_catalog_outcome tg_catalog_archive_product(struct tg_catalog_slice *s, const char *id)
{
    struct tg_catalog_want want = {0};
    struct tg_feed_product given;
    int64_t version;

    tg_feed_product_init(&given);
    given.id = id;
    given.archived = 1;
    return tg_catalog_product(s, &given, &want, &version);
}

enum tg_catalog_outcome tg_catalog_archive_variant(struct tg_catalog_slice *s, const char *sku)
{
    struct tg_catalog_want want = {0};
    struct tg_feed_variant given;
    int64_t version;
    bool counted;

    tg_feed_variant_init(&given);
    given.sku = sku;
    given.archived = 1;
    return tg_catalog_variant(s, "", &given, &want, &counted, &version);
}
