/*
 * What the world is told of the shop itself: orders with what happened to them, stock and prices of
 * SKUs, products. Each message is written in the transaction of what it tells of, and only when
 * some endpoint wants its topic.
 */
#include <string.h>

#include "base/str.h"
#include "shop/shop_json.h"
#include "shop/stock_json.h"
#include "store/catalogue.h"
#include "store/store_priv.h"

static tg_err add(struct tg_store_db *s, const char *topic, int64_t order_number, tg_us wall)
{
    if (s->payload.err != TG_OK)
        return s->payload.err;
    return tg_outbox_add(s, topic, order_number, tg_buf_cstr(&s->payload), wall);
}

/* --- orders --- */

static void event_lines(struct tg_jo *j, const struct tg_order *o, const struct tg_event_detail *d)
{
    tg_jo_arr(j, "lines");
    for (uint32_t i = 0; i < d->line_count; i++) {
        TG_ASSERT(d->lines[i].line < o->line_count);
        tg_jo_obj(j, NULL);
        tg_jo_int(j, "line", (int64_t)d->lines[i].line + 1);
        tg_jo_str(j, "sku", o->lines[d->lines[i].line].sku);
        tg_jo_int(j, "qty", d->lines[i].qty);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
}

/* Reasons stay here: words that staff write may name people. */
static void write_event(struct tg_jo *j, const struct tg_effect *e)
{
    const struct tg_event_detail *d = e->detail;

    tg_jo_obj(j, "event");
    tg_jo_str(j, "kind", tg_order_event_name(e->event));
    tg_jo_int(j, "seq", e->seq);
    if (e->amount >= 0)
        tg_money_write(j, "amount", e->amount, e->order->currency);
    if (d != NULL && d->carrier[0] != '\0')
        tg_jo_str(j, "carrier", d->carrier);
    if (d != NULL && d->tracking[0] != '\0')
        tg_jo_str(j, "tracking", d->tracking);
    if (d != NULL && e->event == TG_EVENT_RETURNED)
        tg_jo_bool(j, "restock", d->restock);
    if (d != NULL && d->line_count > 0)
        event_lines(j, e->order, d);
    tg_jo_end_obj(j);
}

tg_err tg_outbox_order(struct tg_store_db *s, const char *topic, const struct tg_effect *e)
{
    struct tg_jo j = tg_jo(&s->payload);

    if (!tg_outbox_wanted(s, topic))
        return TG_OK;
    tg_buf_clear(&s->payload);
    tg_jo_obj(&j, NULL);
    tg_order_write_open(&j, e->order, NULL, TG_ORDER_VIEW_WORLD);
    if (e->kind == TG_EFFECT_EVENT)
        write_event(&j, e);
    tg_jo_end_obj(&j);
    return add(s, topic, e->order->number, e->wall);
}

/* --- stock and prices --- */

static tg_err tell_stock(struct tg_store_db *s, const struct tg_effect *e)
{
    struct tg_jo j = tg_jo(&s->payload);

    if (!tg_outbox_wanted(s, "stock.changed"))
        return TG_OK;
    tg_buf_clear(&s->payload);
    tg_stock_write(&j, NULL, e->variant);
    return add(s, "stock.changed", 0, e->wall);
}

static void write_flash(struct tg_jo *j, const struct tg_variant *v, const char *currency)
{
    char until[TG_RFC3339_SIZE];

    tg_jo_obj(j, "flash");
    tg_money_write(j, "price", v->flash, currency);
    if (v->flash_until_wall >= 0) {
        tg_rfc3339(until, v->flash_until_wall);
        tg_jo_str(j, "until", until);
    } else {
        tg_jo_null(j, "until");
    }
    tg_jo_int(j, "limit", v->flash_limit);
    tg_jo_end_obj(j);
}

static void write_price(struct tg_jo *j, const struct tg_variant *v, const char *currency)
{
    char tag[TG_PRICE_TAG_SIZE];

    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", v->sku);
    tg_money_write(j, "price", tg_variant_price(v), currency);
    tg_money_write(j, "ordinary", v->price, currency);
    if (v->compare_at >= 0)
        tg_money_write(j, "compare_at", v->compare_at, currency);
    else
        tg_jo_null(j, "compare_at");
    if (v->flash >= 0)
        write_flash(j, v, currency);
    else
        tg_jo_null(j, "flash");
    tg_variant_price_tag(tag, v);
    tg_jo_str(j, "etag", tag);
    tg_jo_end_obj(j);
}

static tg_err tell_price(struct tg_store_db *s, const struct tg_effect *e)
{
    struct tg_jo j = tg_jo(&s->payload);

    if (!tg_outbox_wanted(s, "price.changed"))
        return TG_OK;
    tg_buf_clear(&s->payload);
    write_price(&j, e->variant, e->price.currency);
    return add(s, "price.changed", 0, e->wall);
}

tg_err tg_outbox_variant(struct tg_store_db *s, const struct tg_effect *e)
{
    tg_err err = (e->qty & TG_TELL_STOCK) != 0 ? tell_stock(s, e) : TG_OK;

    return err == TG_OK && (e->qty & TG_TELL_PRICE) != 0 ? tell_price(s, e) : err;
}

tg_err tg_outbox_currency_price(struct tg_store_db *s, const struct tg_effect *e)
{
    struct tg_jo j = tg_jo(&s->payload);

    if (!tg_outbox_wanted(s, "price.changed"))
        return TG_OK;
    tg_buf_clear(&s->payload);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "sku", e->variant->sku);
    tg_jo_str(&j, "currency", e->price.currency);
    if (e->price.price >= 0)
        tg_money_write(&j, "price", e->price.price, e->price.currency);
    else
        tg_jo_null(&j, "price");
    tg_jo_end_obj(&j);
    return add(s, "price.changed", 0, e->wall);
}

tg_err tg_outbox_location(struct tg_store_db *s, const struct tg_effect *e)
{
    struct tg_jo j = tg_jo(&s->payload);

    if (!tg_outbox_wanted(s, "location.changed"))
        return TG_OK;
    tg_buf_clear(&s->payload);
    tg_location_write(&j, NULL, e->at, true);
    return add(s, "location.changed", 0, e->wall);
}

/* --- products: a product and its variants come one after the other, and are one message --- */

enum { VARIANTS_MAX = 128 * 1024 };

static tg_err end_product(struct tg_store_db *s)
{
    struct tg_outbox_product *p = &s->product;
    struct tg_jo j = tg_jo(&s->payload);
    tg_err err;

    if (p->id[0] == '\0')
        return TG_OK;
    tg_buf_clear(&s->payload);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "id", p->id);
    if (p->described) {
        tg_jo_int(&j, "number", p->number);
        tg_jo_str(&j, "title", p->title);
        tg_jo_bool(&j, "archived", p->archived);
        tg_jo_int(&j, "version", p->version);
    }
    tg_jo_arr(&j, "variants");
    if (p->variants.len > 0)
        tg_jo_raw(&j, NULL, (const char *)p->variants.data, p->variants.len);
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
    err = p->variants.err;
    if (err == TG_OK)
        err = add(s, p->archived ? "product.archived" : "product.changed", 0, p->wall);
    p->id[0] = '\0';
    return err;
}

/* "product.archived" is asked for later: whoever wants one of the two pays for building both. */
static tg_err begin_product(struct tg_store_db *s, const char *id, tg_us wall, bool *ret_wanted)
{
    struct tg_outbox_product *p = &s->product;
    tg_err err;

    *ret_wanted = tg_outbox_wanted(s, "product.changed") || tg_outbox_wanted(s, "product.archived");
    if (!*ret_wanted || strcmp(p->id, id) == 0)
        return TG_OK;
    err = end_product(s);
    p->described = false;
    p->archived = false;
    p->wall = wall;
    tg_str_cut(p->id, sizeof(p->id), id);
    if (p->variants.max == 0)
        tg_buf_init(&p->variants, VARIANTS_MAX);
    tg_buf_clear(&p->variants);
    return err;
}

tg_err tg_outbox_product(struct tg_store_db *s, const struct tg_feed_product *found,
                         int64_t version, tg_us wall)
{
    struct tg_outbox_product *p = &s->product;
    bool wanted;
    tg_err err = begin_product(s, found->id, wall, &wanted);

    if (err != TG_OK || !wanted)
        return err;
    p->described = true;
    p->version = version;
    p->number = found->number;
    p->archived = found->archived > 0;
    tg_str_cut(p->title, sizeof(p->title), found->title == NULL ? "" : found->title);
    return TG_OK;
}

tg_err tg_outbox_product_variant(struct tg_store_db *s, const struct tg_cat_place *place,
                                 const struct tg_feed_variant *v, tg_us wall)
{
    struct tg_buf *out = &s->product.variants;
    struct tg_jo j = tg_jo(out);
    bool wanted;
    tg_err err = begin_product(s, place->product_id, wall, &wanted);

    if (err != TG_OK || !wanted)
        return err;
    if (out->len > 0)
        tg_buf_add_str(out, ",");
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "sku", v->sku);
    tg_jo_bool(&j, "archived", v->archived > 0);
    tg_jo_int(&j, "version", place->version);
    tg_jo_end_obj(&j);
    return out->err;
}

tg_err tg_outbox_end(struct tg_store_db *s)
{
    return end_product(s);
}

void tg_outbox_undo(struct tg_store_db *s)
{
    s->product.id[0] = '\0';
}
