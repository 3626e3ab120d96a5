#include <string.h>

#include "base/str.h"
#include "shop/shop_json.h"
#include "store/catalogue_priv.h"
#include "store/changes.h"

static tg_err add_order_row(struct tg_db *db, const struct tg_order *o)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_ORDER);

    tg_q_int(&q, o->number);
    tg_q_text(&q, o->id);
    tg_q_int(&q, o->state);
    tg_q_text(&q, o->person);
    if (o->show == UINT16_MAX)
        tg_q_null(&q);
    else
        tg_q_int(&q, o->show);
    tg_q_text(&q, o->source);
    tg_q_text(&q, o->currency);
    tg_q_int(&q, o->total);
    tg_q_int(&q, o->created_wall);
    tg_q_int(&q, o->changed_wall);
    tg_q_int(&q, o->pay_by_wall);
    tg_q_int(&q, o->discount);
    tg_q_int(&q, o->tax);
    tg_q_text(&q, o->codes);
    tg_q_int(&q, o->ticket);
    tg_q_int(&q, o->channel);
    tg_q_int(&q, o->unheld);
    tg_q_text(&q, o->payment);
    tg_q_int(&q, o->payment_state);
    tg_q_int(&q, o->events);
    if (o->from == UINT16_MAX)
        tg_q_null(&q);
    else
        tg_q_int(&q, o->from);
    tg_q_int(&q, o->back_order);
    return tg_q_run(&q);
}

static tg_err add_line(struct tg_db *db, const struct tg_order *o, uint32_t index)
{
    const struct tg_order_line *line = &o->lines[index];
    struct tg_q q = tg_q(db, TG_SQL_ADD_LINE);

    tg_q_int(&q, o->number);
    tg_q_int(&q, index);
    tg_q_text(&q, o->person);
    tg_q_text(&q, line->sku);
    tg_q_text(&q, line->title);
    tg_q_text(&q, line->options);
    tg_q_int(&q, line->qty);
    tg_q_int(&q, line->price);
    tg_q_int(&q, line->cost);
    tg_q_int(&q, line->discount);
    tg_q_int(&q, line->tax_bp);
    tg_q_int(&q, line->tax);
    tg_q_int(&q, line->flash_since);
    return tg_q_run(&q);
}

/* Those that the lines do not say already. */
static tg_err put_takes(struct tg_db *db, const struct tg_order *o)
{
    tg_err err = TG_OK;
    struct tg_q q;

    if (o->takes_found) {
        q = tg_q(db, TG_SQL_DROP_TAKES);
        tg_q_int(&q, o->number);
        err = tg_q_run(&q);
    }
    for (uint32_t i = 0; err == TG_OK && i < o->take_count; i++) {
        const struct tg_order_take *t = &o->takes[i];

        if (tg_order_take_plain(o, i))
            continue;
        q = tg_q(db, TG_SQL_PUT_TAKE);
        tg_q_int(&q, o->number);
        tg_q_int(&q, t->line);
        tg_q_text(&q, t->sku);
        tg_q_int(&q, t->location);
        tg_q_int(&q, t->each);
        tg_q_int(&q, t->qty);
        tg_q_int(&q, t->ships_from_wall);
        err = tg_q_run(&q);
    }
    return err;
}

/* Most who buy buy again, and under the same name: that is not written again, unless another node
 * wrote one since. */
static tg_err put_person(struct tg_store_db *s, const struct tg_order *o)
{
    uint64_t digest = tg_idem_digest_str(tg_idem_digest_str(0, o->person), o->name);
    uint64_t *kept = tg_store_name_of(s, o->person);
    struct tg_q q;
    tg_err err;

    if (o->name[0] == '\0' || *kept == digest)
        return TG_OK;
    q = tg_q(&s->db, TG_SQL_PUT_PERSON);
    tg_q_text(&q, o->person);
    tg_q_text(&q, o->name);
    tg_q_int(&q, o->created_wall);
    err = tg_q_run(&q);
    if (err == TG_OK) {
        *kept = digest;
        s->names_open = true;
        tg_changes_note(s, TG_CHANGE_NAME, o->person);
    }
    return err;
}

static tg_err write_order_new(struct tg_store_db *s, const struct tg_effect *e)
{
    tg_err err = add_order_row(&s->db, e->order);

    for (uint32_t i = 0; err == TG_OK && i < e->order->line_count; i++)
        err = add_line(&s->db, e->order, i);
    if (err == TG_OK)
        err = put_takes(&s->db, e->order);
    /* What a new order is beyond its row: only when more happened to it in its first batch. */
    if (err == TG_OK && (e->order->payment_tries > 0 || e->order->lines_dirty))
        err = tg_store_write_order(s, e);
    if (err == TG_OK)
        err = put_person(s, e->order);
    return err == TG_OK ? tg_outbox_order(s, "order.created", e) : err;
}

static tg_err add_movement(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_MOVEMENT);

    tg_q_text(&q, e->variant->sku);
    tg_q_int(&q, e->location);
    tg_q_int(&q, e->movement);
    tg_q_int(&q, e->qty);
    if (e->order == NULL)
        tg_q_null(&q);
    else
        tg_q_int(&q, e->order->number);
    tg_q_text(&q, e->actor);
    tg_q_text(&q, e->cause);
    tg_q_int(&q, e->wall);
    tg_q_int(&q, e->as_of_wall);
    return tg_q_run(&q);
}

static tg_err put_stock(struct tg_db *db, const char *sku, uint16_t location,
                        const struct tg_stock_count *count, int64_t version)
{
    struct tg_q q = tg_q(db, TG_SQL_PUT_STOCK);

    tg_q_text(&q, sku);
    tg_q_int(&q, location);
    tg_q_int(&q, count->on_hand);
    tg_q_int(&q, count->held);
    tg_q_int(&q, count->sold);
    tg_q_int(&q, version);
    return tg_q_run(&q);
}

static tg_err write_stock(struct tg_db *db, const struct tg_effect *e)
{
    const struct tg_place *p = tg_variant_place(e->variant, e->location);

    TG_ASSERT(p != NULL); /* the effect names one of its places */
    return put_stock(db, e->variant->sku, e->location, &p->count, p->version);
}

static tg_err write_location(struct tg_store_db *s, const struct tg_effect *e)
{
    const struct tg_location *l = e->at;
    struct tg_q q = tg_q(&s->db, TG_SQL_PUT_LOCATION);
    tg_err err;

    tg_q_int(&q, l->ord);
    tg_q_text(&q, l->id);
    tg_q_int(&q, l->kind);
    tg_q_text(&q, l->name);
    tg_q_text(&q, l->address);
    tg_q_text(&q, l->hours);
    tg_q_int(&q, l->priority);
    tg_q_int(&q, l->closed);
    if (l->show == UINT16_MAX)
        tg_q_null(&q);
    else
        tg_q_int(&q, l->show);
    tg_q_int(&q, l->ships_from_wall);
    tg_q_int(&q, e->wall);
    tg_q_text(&q, e->actor);
    err = tg_q_run(&q);
    return err == TG_OK ? tg_outbox_location(s, e) : err;
}

static tg_err write_stock_rules(struct tg_db *db, const struct tg_effect *e)
{
    const struct tg_stock_rules *rules = &e->variant->rules;
    struct tg_q q = tg_q(db, TG_SQL_PUT_STOCK_RULES);

    tg_q_text(&q, e->variant->sku);
    tg_q_int(&q, rules->safety);
    tg_q_int(&q, rules->order_max);
    tg_q_int(&q, rules->person_max);
    tg_q_int(&q, e->wall);
    tg_q_text(&q, e->actor);
    return tg_q_run(&q);
}

static tg_err write_parts(struct tg_db *db, const struct tg_effect *e)
{
    const struct tg_variant *v = e->variant;
    struct tg_q q = tg_q(db, TG_SQL_DROP_PARTS);
    tg_err err;

    tg_q_text(&q, v->sku);
    err = tg_q_run(&q);
    for (uint32_t i = 0; err == TG_OK && i < v->part_count; i++) {
        q = tg_q(db, TG_SQL_ADD_PART);
        tg_q_text(&q, v->sku);
        tg_q_text(&q, v->parts[i].item->sku);
        tg_q_int(&q, i);
        tg_q_int(&q, v->parts[i].qty);
        err = tg_q_run(&q);
    }
    return err == TG_OK ? tg_store_raise_version(db, v->sku) : err;
}

/* A cart that grows line by line is not written anew with each of them. */
static tg_err write_cart(struct tg_db *db, const struct tg_effect *e)
{
    const struct tg_cart *cart = e->cart;
    struct tg_q q;
    tg_err err = TG_OK;

    if (cart->shorter) {
        q = tg_q(db, TG_SQL_CUT_CART);
        tg_q_text(&q, cart->person);
        tg_q_int(&q, cart->line_count);
        err = tg_q_run(&q);
    }
    for (uint32_t i = 0; err == TG_OK && i < cart->line_count; i++) {
        if ((cart->changed >> i & 1) == 0)
            continue;
        q = tg_q(db, TG_SQL_PUT_CART_LINE);
        tg_q_text(&q, cart->person);
        tg_q_int(&q, i);
        tg_q_text(&q, cart->lines[i].sku);
        tg_q_int(&q, cart->lines[i].qty);
        tg_q_int(&q, cart->lines[i].price);
        tg_q_int(&q, e->wall);
        err = tg_q_run(&q);
    }
    return err;
}

static tg_err write_currency_price(struct tg_store_db *s, const struct tg_effect *e)
{
    tg_err err = tg_store_write_currency_price(&s->db, e);

    return err == TG_OK ? tg_outbox_currency_price(s, e) : err;
}

static tg_err put_show_sales(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q = tg_q(db, TG_SQL_PUT_SHOW_SALES);

    tg_q_int(&q, e->show);
    tg_q_text(&q, e->variant->sku);
    tg_q_int(&q, e->qty);
    return tg_q_run(&q);
}

tg_err tg_store_write(struct tg_store *store, const struct tg_effect *effect)
{
    struct tg_store_db *s = tg_store_db(store);

    TG_ASSERT(s->in_transaction);
    tg_changes_note_effect(s, effect);
    switch (effect->kind) {
    case TG_EFFECT_ORDER_NEW:
        return write_order_new(s, effect);
    case TG_EFFECT_ORDER:
        return tg_store_write_order(s, effect);
    case TG_EFFECT_EVENT:
        return tg_store_write_event(s, effect);
    case TG_EFFECT_INTENT:
        return tg_store_write_intent(s, effect);
    case TG_EFFECT_MOVEMENT:
        return add_movement(&s->db, effect);
    case TG_EFFECT_PRICE:
        return tg_store_write_price(&s->db, effect);
    case TG_EFFECT_PRICE_LEFT:
        return tg_store_write_price_left(&s->db, effect);
    case TG_EFFECT_CURRENCY_PRICE:
        return write_currency_price(s, effect);
    case TG_EFFECT_PLAN:
        return tg_store_write_plan(&s->db, effect);
    case TG_EFFECT_FLASH_USED:
        return tg_store_write_flash_used(&s->db, effect);
    case TG_EFFECT_CODE:
        return tg_store_write_code(&s->db, effect);
    case TG_EFFECT_CODE_USE:
        return tg_store_write_code_use(&s->db, effect);
    case TG_EFFECT_STOCK:
        return write_stock(&s->db, effect);
    case TG_EFFECT_TAKES:
        return put_takes(&s->db, effect->order);
    case TG_EFFECT_LOCATION:
        return write_location(s, effect);
    case TG_EFFECT_STOCK_RULES:
        return write_stock_rules(&s->db, effect);
    case TG_EFFECT_PARTS:
        return write_parts(&s->db, effect);
    case TG_EFFECT_CART:
        return write_cart(&s->db, effect);
    case TG_EFFECT_SHOW_SALES:
        return put_show_sales(&s->db, effect);
    case TG_EFFECT_RULES:
    case TG_EFFECT_SHOW_ITEM:
    case TG_EFFECT_WAITER:
    case TG_EFFECT_WAITER_GONE:
        return tg_store_write_rule(&s->db, effect);
    case TG_EFFECT_TELL:
        return tg_outbox_variant(s, effect);
    }
    return TG_ERR_BUG;
}

tg_err tg_store_write_idem(struct tg_store *store, tg_us wall, const struct tg_idem_entry *entry)
{
    struct tg_q q = tg_q(&tg_store_db(store)->db, TG_SQL_PUT_IDEM);

    tg_q_text(&q, entry->person);
    tg_q_text(&q, entry->op);
    tg_q_text(&q, entry->id);
    tg_q_int(&q, (int64_t)entry->digest);
    tg_q_int(&q, entry->status);
    if (entry->reply == NULL)
        tg_q_null(&q);
    else
        tg_q_blob(&q, entry->reply->data, entry->reply->len);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

/* --- shows, tokens, products --- */

static void note_number(struct tg_store *store, enum tg_change kind, int64_t number)
{
    char key[24];

    tg_str_printf(key, sizeof(key), "%lld", (long long)number);
    tg_changes_note(tg_store_db(store), kind, key);
}

tg_err tg_store_write_show(struct tg_store *store, const struct tg_show_info *show,
                           const char *actor)
{
    struct tg_q q = tg_q(&tg_store_db(store)->db, TG_SQL_ADD_SHOW);

    note_number(store, TG_CHANGE_SHOW, show->ord);
    tg_q_int(&q, show->ord);
    tg_q_text(&q, show->id);
    tg_q_text(&q, show->title);
    tg_q_int(&q, show->state);
    tg_q_int(&q, show->demo);
    tg_q_int(&q, show->created_wall_us);
    tg_q_text(&q, actor);
    return tg_q_run(&q);
}

tg_err tg_store_write_show_state(struct tg_store *store, uint16_t ord, enum tg_show_state state,
                                 tg_us wall)
{
    struct tg_q q = tg_q(&tg_store_db(store)->db, TG_SQL_SET_SHOW_STATE);

    note_number(store, TG_CHANGE_SHOW, ord);
    tg_q_int(&q, state);
    tg_q_int(&q, wall);
    tg_q_int(&q, ord);
    return tg_q_run(&q);
}

tg_err tg_store_write_token(struct tg_store *store, const struct tg_token_info *token, tg_us wall,
                            const char *actor)
{
    struct tg_q q = tg_q(&tg_store_db(store)->db, TG_SQL_ADD_TOKEN);

    note_number(store, TG_CHANGE_TOKEN, token->ordinal);
    tg_q_int(&q, token->ordinal);
    tg_q_blob(&q, token->hash, sizeof(token->hash));
    tg_q_int(&q, token->roles);
    tg_q_int(&q, token->publish_only);
    if (token->one_show)
        tg_q_int(&q, token->show);
    else
        tg_q_null(&q);
    tg_q_int(&q, token->expires_wall_us);
    tg_q_text(&q, token->label);
    tg_q_int(&q, wall);
    tg_q_text(&q, actor);
    return tg_q_run(&q);
}

tg_err tg_store_write_revoke(struct tg_store *store, const char *token_id, tg_us wall,
                             const char *actor)
{
    struct tg_q q;
    int64_t ordinal = 0;

    if (token_id[0] != 't' ||
        tg_parse_i64(&ordinal, token_id + 1, strlen(token_id + 1), 1, UINT32_MAX) != TG_OK)
        return TG_ERR_NOTFOUND;
    note_number(store, TG_CHANGE_TOKEN, ordinal);
    q = tg_q(&tg_store_db(store)->db, TG_SQL_REVOKE_TOKEN);
    tg_q_int(&q, wall);
    tg_q_text(&q, actor);
    tg_q_int(&q, ordinal);
    return tg_q_run(&q);
}

static tg_err add_variant(struct tg_db *db, const struct tg_product *p, const struct tg_variant *v,
                          size_t position, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_VARIANT);

    tg_q_text(&q, v->sku);
    tg_q_text(&q, p->id);
    tg_q_int(&q, (int64_t)position);
    tg_q_text(&q, v->options[0] == '\0' ? "{}" : v->options);
    tg_q_int(&q, v->price);
    tg_q_int(&q, v->compare_at);
    tg_q_int(&q, v->cost);
    tg_q_int(&q, wall);
    tg_q_text(&q, v->tax_class);
    return tg_q_run(&q);
}

static tg_err index_variant(struct tg_db *db, const struct tg_product *p,
                            const struct tg_variant *v)
{
    struct tg_feed_variant indexed = {.sku = v->sku};
    struct tg_cat_place place = {.version = 1};
    struct tg_feed_arena arena = {.err = TG_OK};
    tg_err err = TG_OK;

    tg_str_cut(place.product_id, sizeof(place.product_id), p->id);
    if (v->options[0] != '\0')
        err = tg_feed_options_read(&arena, &indexed.options, v->options);
    if (err == TG_OK)
        err = tg_cat_index_variant(db, &place, &indexed);
    tg_feed_arena_done(&arena);
    return err;
}

tg_err tg_store_write_product(struct tg_store *store, const struct tg_product_import *import,
                              tg_us wall, const char *actor)
{
    struct tg_store_db *s = tg_store_db(store);
    struct tg_db *db = &s->db;
    const struct tg_product *p = &import->product;
    const struct tg_feed_product found = {
        .id = p->id, .number = p->number, .title = p->title, .description = p->description};
    struct tg_q q = tg_q(db, TG_SQL_ADD_PRODUCT);
    tg_err err;

    tg_changes_note(s, TG_CHANGE_PRODUCT, p->id);
    tg_q_text(&q, p->id);
    tg_q_int(&q, p->number);
    tg_q_text(&q, p->title);
    tg_q_text(&q, p->description);
    tg_q_text(&q, p->image);
    tg_q_text(&q, p->image_alt);
    tg_q_int(&q, wall);
    err = tg_q_run(&q);
    if (err == TG_OK)
        err = tg_cat_index(s, &found, true);
    for (size_t i = 0; err == TG_OK && i < import->variant_count; i++) {
        const struct tg_variant *v = &import->variants[i];
        struct tg_effect move = {.kind = TG_EFFECT_MOVEMENT,
                                 .movement = TG_MOVE_RECEIVE,
                                 .qty = v->stock.on_hand,
                                 .variant = v,
                                 .wall = wall,
                                 .as_of_wall = wall};

        tg_str_cut(move.actor, sizeof(move.actor), actor);
        tg_changes_note(s, TG_CHANGE_VARIANT, v->sku);
        err = add_variant(db, p, v, i, wall);
        if (err == TG_OK)
            err = index_variant(db, p, v);
        if (err == TG_OK && move.qty > 0)
            err = add_movement(db, &move);
        if (err == TG_OK && move.qty > 0)
            err = put_stock(db, v->sku, 0, &v->stock, 1);
    }
    return err;
}
