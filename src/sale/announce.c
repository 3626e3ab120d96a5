/* What everybody else learns of a batch, after its commit. */
#include <string.h>

#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale_priv.h"
#include "shop/shop_json.h"

void tg_announce_person(struct tg_sale *sale, const char *person)
{
    struct tg_slab *slab =
        sale->buf.err == TG_OK ? tg_slab_copy(sale->buf.data, sale->buf.len) : NULL;

    for (size_t i = 0; slab != NULL && i < sale->cfg.web_count; i++) {
        struct tg_web_person *msg = tg_msg_new(TG_MSG_WEB_PERSON, sizeof(*msg));

        if (msg == NULL)
            break; /* the page asks for its orders again when it reconnects */
        tg_str_cut(msg->person, sizeof(msg->person), person);
        msg->json = tg_slab_ref(slab);
        (void)tg_mailbox_post_reply_quiet(sale->cfg.web[i], msg); /* closed: it is stopping */
    }
    tg_slab_unref(slab);
}

/* An event that says what an answer of this batch just said is its text. */
static void say_again(struct tg_sale *sale, const struct tg_item *item, const char *what,
                      const char *person)
{
    struct tg_jo j = tg_jo(&sale->buf);

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", what);
    tg_jo_raw(&j, what, (const char *)item->said.in->data + item->said.at, item->said.len);
    tg_jo_end_obj(&j);
    tg_announce_person(sale, person);
}

/* As it was made: what happened to it in the same batch is not in the answer. */
static bool is_new(const struct tg_order *order)
{
    return order->fresh && !order->changed;
}

/* In the buyer's language. */
static void tell_order(struct tg_sale *sale, const struct tg_order *order)
{
    struct tg_sale_texts in = {.sale = sale, .lang = tg_lang_of(sale, order->person)};
    const struct tg_line_texts texts = {.of = tg_sale_text_of, .ctx = &in};
    struct tg_jo j = tg_jo(&sale->buf);

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "order");
    tg_order_write_in(&j, "order", order, tg_sale_pay_base(sale), TG_ORDER_VIEW_BUYER, &texts);
    tg_jo_end_obj(&j);
    tg_announce_person(sale, order->person);
}

static void tell_new_orders(struct tg_sale *sale)
{
    for (size_t i = 0; i < sale->item_count; i++) {
        const struct tg_item *item = &sale->items[i];
        const struct tg_order *order = item->said.of;

        if (order == NULL || item->claim.kind == TG_CLAIM_CART_SET || !is_new(order))
            continue;
        if (item->said.in != NULL)
            say_again(sale, item, "order", order->person);
        else
            tell_order(sale, order);
    }
}

static void tell_orders(struct tg_sale *sale)
{
    const struct tg_order *cursor = NULL;
    const struct tg_order *order;

    while ((order = tg_shop_each_order(sale->shop, &cursor)) != NULL)
        if (!is_new(order) && (order->fresh || order->changed))
            tell_order(sale, order);
}

void tg_announce_cart(struct tg_sale *sale, const struct tg_cart *cart)
{
    struct tg_jo j = tg_jo(&sale->buf);

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "cart");
    (void)tg_cart_write(&j, "cart", sale->shop, cart, UINT16_MAX, tg_lang_of(sale, cart->person));
    tg_jo_end_obj(&j);
    tg_announce_person(sale, cart->person);
}

static void tell_carts(struct tg_sale *sale)
{
    const struct tg_cart *cursor = NULL;
    const struct tg_cart *cart;

    while ((cart = tg_shop_each_cart(sale->shop, &cursor)) != NULL) {
        const struct tg_item *item =
            cart->changed_by < sale->item_count ? &sale->items[cart->changed_by] : NULL;

        if (item != NULL && item->said.in != NULL && item->said.of == cart)
            say_again(sale, item, "cart", cart->person);
        else
            tg_announce_cart(sale, cart);
    }
}

/* What a shopper pays or sees beside it. */
static bool price_differs(const struct tg_variant *v)
{
    return v->flash != v->before_flash || v->flash_until_wall != v->before_until_wall ||
           v->price != v->before_price || v->compare_at != v->before_compare_at ||
           v->flash_limit != v->before_flash_limit ||
           (v->flash_limit > 0 && v->flash_used != v->before_flash_used);
}

void tg_announce_price(struct tg_live_sale *msg, const struct tg_variant *v)
{
    msg->lowest = tg_variant_lowest(v);
    msg->price_left = tg_variant_flash_left(v);
    msg->price = tg_variant_price(v);
    msg->compare_at = tg_variant_compare_at(v);
    msg->price_until_wall_us = v->flash >= 0 ? v->flash_until_wall : -1;
}

static void tell_variants(struct tg_sale *sale)
{
    const struct tg_variant *cursor = NULL;
    const struct tg_variant *v;

    while ((v = tg_shop_each_variant(sale->shop, &cursor)) != NULL) {
        struct tg_live_sale *msg = tg_msg_new(TG_MSG_LIVE_SALE, sizeof(*msg));

        if (msg == NULL)
            return;
        tg_str_cut(msg->sku, sizeof(msg->sku), v->sku);
        msg->show = UINT16_MAX;
        msg->available = tg_variant_available(v);
        msg->stock_changed = msg->available != v->before_available;
        msg->price_changed = price_differs(v);
        tg_announce_price(msg, v);
        if (msg->stock_changed || msg->price_changed)
            (void)tg_mailbox_post_reply_quiet(sale->cfg.live, msg); /* closed: live is stopping */
        else
            tg_msg_free(msg);
    }
}

static void tell_sold(struct tg_sale *sale)
{
    const struct tg_show_sales *cursor = NULL;
    const struct tg_show_sales *s;

    while ((s = tg_shop_each_sales(sale->shop, &cursor)) != NULL) {
        struct tg_live_sale *msg;

        if (s->units == s->before_units)
            continue;
        msg = tg_msg_new(TG_MSG_LIVE_SALE, sizeof(*msg));
        if (msg == NULL)
            return;
        tg_str_cut(msg->sku, sizeof(msg->sku), s->key.sku);
        msg->show = s->key.show;
        msg->sold_count = s->units;
        msg->available = tg_variant_available(s->variant);
        tg_announce_price(msg, s->variant);
        (void)tg_mailbox_post_reply_quiet(sale->cfg.live, msg); /* closed: live is stopping */
    }
}

void tg_announce_batch(struct tg_sale *sale)
{
    tell_new_orders(sale);
    tell_orders(sale);
    tell_carts(sale);
    tg_selling_announce(sale);
    if (sale->cfg.live == NULL)
        return;
    tell_variants(sale);
    tell_sold(sale);
}

/* --- the catalogue --- */

static void fill_variants(const struct tg_shop *shop, struct tg_catalog *catalog,
                          const struct tg_product *p, uint32_t *at)
{
    for (const struct tg_variant *v = p->first; v != NULL; v = v->next) {
        struct tg_variant_view *view = &catalog->variants[*at];

        if (v->archived)
            continue;
        (*at)++;
        tg_str_cut(view->sku, sizeof(view->sku), v->sku);
        tg_str_cut(view->options, sizeof(view->options), v->options);
        view->price = tg_variant_price(v);
        view->compare_at = tg_variant_compare_at(v);
        view->price_until_wall_us = v->flash >= 0 ? v->flash_until_wall : -1;
        view->lowest = tg_variant_lowest(v);
        view->price_left = tg_variant_flash_left(v);
        view->tax_bp = tg_shop_tax_bp(shop, v);
        view->available = tg_variant_available(v);
    }
}

static struct tg_catalog *make_catalog(struct tg_sale *sale)
{
    struct tg_catalog *catalog =
        tg_catalog_new(tg_shop_product_count(sale->shop), tg_shop_variant_count(sale->shop));
    uint32_t products = 0;
    uint32_t at = 0;

    if (catalog == NULL)
        return NULL;
    tg_str_cut(catalog->currency, sizeof(catalog->currency), sale->cfg.currency);
    catalog->stock_band = sale->cfg.stock_band;
    for (uint32_t i = 0; i < catalog->product_count; i++) {
        const struct tg_product *p = tg_shop_product_at(sale->shop, i);
        struct tg_product_view *view = &catalog->products[products];

        if (p->archived)
            continue;
        products++;
        tg_str_cut(view->id, sizeof(view->id), p->id);
        tg_str_cut(view->title, sizeof(view->title), p->title);
        tg_str_cut(view->description, sizeof(view->description), p->description);
        tg_str_cut(view->image, sizeof(view->image), p->image);
        tg_str_cut(view->image_alt, sizeof(view->image_alt), p->image_alt);
        view->number = p->number;
        view->texts = tg_langs_ref(p->texts);
        view->variant_first = at;
        fill_variants(sale->shop, catalog, p, &at);
        view->variant_count = at - view->variant_first;
    }
    catalog->product_count = products;
    catalog->variant_count = at;
    return catalog;
}

void tg_announce_catalog(struct tg_sale *sale)
{
    struct tg_live_catalog *msg;

    if (sale->cfg.live == NULL)
        return;
    msg = tg_msg_new(TG_MSG_LIVE_CATALOG, sizeof(*msg));
    if (msg == NULL)
        return;
    msg->catalog = make_catalog(sale);
    if (msg->catalog == NULL)
        tg_msg_free(msg);
    else
        (void)tg_mailbox_post_reply(sale->cfg.live, msg); /* closed: live is stopping */
}
