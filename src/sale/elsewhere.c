/* What other nodes did: the store has read it into memory, and this node's pages hear of it. */
#include <string.h>

#include "base/metrics.h"
#include "base/str.h"
#include "sale/sale_priv.h"
#include "shop/shop_json.h"

enum { TOLD_MAX = 32 };

static void tell_variant(struct tg_sale *sale, const struct tg_variant *v)
{
    struct tg_live_sale *msg =
        sale->cfg.live == NULL || v == NULL ? NULL : tg_msg_new(TG_MSG_LIVE_SALE, sizeof(*msg));

    if (msg == NULL)
        return;
    tg_str_cut(msg->sku, sizeof(msg->sku), v->sku);
    msg->show = UINT16_MAX;
    msg->available = tg_variant_available(v);
    msg->stock_changed = true;
    msg->price_changed = true;
    tg_announce_price(msg, v);
    (void)tg_mailbox_post_reply(sale->cfg.live, msg); /* closed: live is stopping */
}

/* The key is the show's ordinal, a space and the SKU. */
static void tell_sales(struct tg_sale *sale, const char *key)
{
    const char *sku = strchr(key, ' ');
    const struct tg_variant *v = sku == NULL ? NULL : tg_shop_variant(sale->shop, sku + 1);
    struct tg_live_sale *msg;
    int64_t show = 0;

    if (sale->cfg.live == NULL || v == NULL ||
        tg_parse_i64(&show, key, (size_t)(sku - key), 0, TG_SHOWS_MAX - 1) != TG_OK)
        return;
    msg = tg_msg_new(TG_MSG_LIVE_SALE, sizeof(*msg));
    if (msg == NULL)
        return;
    tg_str_cut(msg->sku, sizeof(msg->sku), v->sku);
    msg->show = (uint16_t)show;
    msg->sold_count = tg_shop_show_units(sale->shop, (uint16_t)show, v->sku);
    msg->available = tg_variant_available(v);
    tg_announce_price(msg, v);
    (void)tg_mailbox_post_reply(sale->cfg.live, msg); /* closed: live is stopping */
}

static void meet_show(struct tg_sale *sale, const char *id)
{
    struct tg_show_info show;

    if (tg_registry_show_get(sale->cfg.registry, id, strlen(id), &show) != TG_OK)
        return;
    sale->next_show = (uint16_t)TG_MAX(sale->next_show, show.ord + 1);
    tg_admin_tell_show(sale, &show);
}

static void meet_token(struct tg_sale *sale, const char *id)
{
    int64_t ordinal = 0;

    if (tg_parse_i64(&ordinal, id + 1, strlen(id + 1), 1, UINT32_MAX - 1) == TG_OK)
        sale->next_token = TG_MAX(sale->next_token, (uint32_t)ordinal + 1);
}

/* --- people who look on here --- */

static void keep(struct tg_sale *sale, enum tg_change kind, const char *key, size_t len)
{
    struct tg_sale_heard heard = {.kind = kind};

    if (tg_str_copy(heard.key, sizeof(heard.key), key, len) != TG_OK)
        return;
    for (size_t i = 0; i < sale->elsewhere_count; i++)
        if (sale->elsewhere[i].kind == kind && strcmp(sale->elsewhere[i].key, heard.key) == 0)
            return;
    if (sale->elsewhere_count == TG_ARRAY_LEN(sale->elsewhere)) {
        TG_COUNT(sale_untold_total);
        return; /* the page asks for its orders and its cart when it is shown again */
    }
    sale->elsewhere[sale->elsewhere_count++] = heard;
}

/* The key is the order's id, a space and its buyer. */
static void keep_order(struct tg_sale *sale, const char *key)
{
    const char *person = strchr(key, ' ');

    if (person != NULL && tg_registry_person_here(sale->cfg.registry, person + 1))
        keep(sale, TG_CHANGE_ORDER, key, (size_t)(person - key));
}

static void keep_cart(struct tg_sale *sale, const char *person)
{
    if (tg_registry_person_here(sale->cfg.registry, person))
        keep(sale, TG_CHANGE_CART, person, strlen(person));
}

static tg_err tell_order(struct tg_sale *sale, const char *id)
{
    struct tg_sale_texts in = {.sale = sale, .lang = ""};
    const struct tg_line_texts texts = {.of = tg_sale_text_of, .ctx = &in};
    struct tg_jo j = tg_jo(&sale->buf);
    struct tg_order *order = NULL;
    tg_err err = tg_store_order(sale->cfg.store, id, &order);

    if (err != TG_OK)
        return err == TG_ERR_NOTFOUND || err == TG_ERR_MALFORMED ? TG_OK : err;
    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "order");
    in.lang = tg_lang_of(sale, order->person);
    tg_order_write_in(&j, "order", order, tg_sale_pay_base(sale), TG_ORDER_VIEW_BUYER, &texts);
    tg_jo_end_obj(&j);
    tg_announce_person(sale, order->person);
    tg_order_free(order);
    return TG_OK;
}

static tg_err tell_cart(struct tg_sale *sale, const char *person)
{
    struct tg_cart cart;
    tg_err err = tg_store_cart(sale->cfg.store, person, &cart);

    if (err == TG_OK)
        tg_announce_cart(sale, &cart);
    return err;
}

/* Outside the batch and its lock; some a turn, so that buying goes on. */
void tg_announce_people_elsewhere(struct tg_sale *sale)
{
    size_t count = TG_MIN(sale->elsewhere_count, (size_t)TOLD_MAX);
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = sale->elsewhere[i].kind == TG_CHANGE_CART ? tell_cart(sale, sale->elsewhere[i].key)
                                                        : tell_order(sale, sale->elsewhere[i].key);
    if (count == 0)
        return;
    if (err != TG_OK) /* no database: the pages ask when they reconnect */
        count = sale->elsewhere_count;
    sale->elsewhere_count -= count;
    memmove(sale->elsewhere, sale->elsewhere + count,
            sale->elsewhere_count * sizeof(sale->elsewhere[0]));
}

/* The key is how they left, the person and the SKU. */
static void tell_gone(struct tg_sale *sale, const char *key)
{
    struct tg_waiter w = {.until_wall = -1};
    struct tg_jo j = tg_jo(&sale->buf);
    const char *person = strchr(key, ' ');
    const char *sku = person == NULL ? NULL : strchr(person + 1, ' ');
    int64_t state = 0;

    if (sku == NULL ||
        tg_parse_i64(&state, key, (size_t)(person - key), TG_WAITER_LAPSED, TG_WAITER_LEFT) !=
            TG_OK ||
        tg_str_copy(w.person, sizeof(w.person), person + 1, (size_t)(sku - person - 1)) != TG_OK ||
        !tg_registry_person_here(sale->cfg.registry, w.person))
        return;
    tg_str_cut(w.sku, sizeof(w.sku), sku + 1);
    w.state = (enum tg_waiter_state)state;
    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "waiting");
    tg_waiter_write(&j, &w, 0);
    tg_jo_end_obj(&j);
    tg_announce_person(sale, w.person);
}

/* Everything was read anew. */
static void meet_all(struct tg_sale *sale)
{
    uint32_t next = 0;

    sale->catalog_stale = true;
    for (unsigned ord = sale->next_show; ord < TG_SHOWS_MAX; ord++) {
        struct tg_show_info show;

        if (tg_registry_show_at(sale->cfg.registry, (uint16_t)ord, &show) == TG_OK)
            meet_show(sale, show.id);
    }
    for (uint16_t ord = 0; ord < sale->next_show; ord++)
        tg_selling_announce_ord(sale, ord);
    if (sale->cfg.store->ops->next_token(sale->cfg.store, &next) == TG_OK)
        sale->next_token = TG_MAX(sale->next_token, next);
}

void tg_announce_elsewhere(void *ctx, enum tg_change kind, const char *key)
{
    struct tg_sale *sale = ctx;

    if (key == NULL)
        meet_all(sale);
    else if (kind == TG_CHANGE_PRODUCT)
        sale->catalog_stale = true;
    else if (kind == TG_CHANGE_VARIANT)
        tell_variant(sale, tg_shop_variant(sale->shop, key));
    else if (kind == TG_CHANGE_SALES)
        tell_sales(sale, key);
    else if (kind == TG_CHANGE_RULES)
        tg_selling_announce_key(sale, key);
    else if (kind == TG_CHANGE_ORDER || kind == TG_CHANGE_NEW)
        keep_order(sale, key);
    else if (kind == TG_CHANGE_CART)
        keep_cart(sale, key);
    else if (kind == TG_CHANGE_GONE)
        tell_gone(sale, key);
    else if (kind == TG_CHANGE_SHOW)
        meet_show(sale, key);
    else if (kind == TG_CHANGE_TOKEN)
        meet_token(sale, key);
}
