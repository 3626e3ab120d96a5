#include <stdio.h>
#include <string.h>

#include "base/slab.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/changes.h"
#include "store/rows_priv.h"

tg_err tg_row_err(struct tg_db *db, const char *what, const char *id, tg_err err)
{
    if (err == TG_OK || err == TG_ERR_NOMEM)
        return err;
    tg_str_printf(db->error, sizeof(db->error), "%s %.64s: %s", what, id, tg_err_name(err));
    return TG_ERR_MALFORMED;
}

static tg_err end(struct tg_q *q, tg_err err)
{
    tg_err ended = tg_q_end(q);

    return err != TG_OK ? err : ended;
}

/* --- what loaders share --- */

void tg_reload_tell(const struct tg_reload *r, enum tg_change kind, const char *key)
{
    if (r->store != NULL && r->store->watch.changed != NULL)
        r->store->watch.changed(r->store->watch.ctx, kind, key);
}

tg_err tg_reload_told(const struct tg_reload *r, enum tg_change kind, const char *key, tg_err err)
{
    if (err == TG_OK && r->keys != NULL)
        tg_reload_tell(r, kind, key);
    return err;
}

bool tg_row_kept(const struct tg_shop *shop, const char *sku)
{
    return tg_shop_variant(shop, sku) != NULL;
}

tg_err tg_reload_walk(const struct tg_reload *r, enum tg_sql all, enum tg_sql one,
                      const struct tg_q_many *many)
{
    struct tg_q q;
    tg_err err = TG_OK;

    if (r->keys != NULL)
        return tg_q_each(r->db, one, r->count, many);
    q = tg_q(r->db, all);
    while (err == TG_OK && tg_q_row(&q))
        err = many->row(many->ctx, 0, &q);
    return end(&q, err);
}

bool tg_reload_ask_text(void *ctx, size_t i, struct tg_q *q)
{
    const struct tg_reload *r = ctx;

    tg_q_text(q, r->keys[i]);
    return true;
}

bool tg_reload_ask_number(void *ctx, size_t i, struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    int64_t number = 0;

    if (tg_parse_i64(&number, r->keys[i], strlen(r->keys[i]), 0, INT64_MAX) != TG_OK)
        return false;
    tg_q_int(q, number);
    return true;
}

/* --- a batch's keys --- */

/* A batch being loaded: each loader asks for all claims at once. */
struct batch {
    struct tg_db *db;
    struct tg_shop_now now;
    const struct tg_claim *claims;
    struct tg_shop *shop;
    struct tg_idem *idem;
    bool shared;         /* other nodes write, too */
    struct tg_cart cart; /* being read */
    struct tg_stock_row *rows;
};

/* What this node refused, another one may have done since. */
static bool idem_known(const struct batch *b, const struct tg_claim *c)
{
    const struct tg_idem_entry *entry =
        tg_idem_find(b->idem, b->now.mono, tg_claim_key_person(c), c->op, c->id);

    return entry != NULL && (!b->shared || entry->status < 400);
}

static bool ask_idem(void *ctx, size_t i, struct tg_q *q)
{
    const struct batch *b = ctx;
    const struct tg_claim *c = &b->claims[i];

    if (c->op[0] == '\0' || idem_known(b, c))
        return false;
    tg_q_text(q, tg_claim_key_person(c));
    tg_q_text(q, c->op);
    tg_q_text(q, c->id);
    tg_q_int(q, b->now.wall - TG_IDEM_DISK_US);
    return true;
}

static tg_err take_idem(void *ctx, size_t i, const struct tg_q *q)
{
    const struct batch *b = ctx;
    const struct tg_claim *c = &b->claims[i];
    struct tg_idem_entry entry = {.digest = (uint64_t)tg_q_get_int(q, 0),
                                  .status = (int)tg_q_get_int(q, 1)};
    tg_err err = TG_OK;

    if (idem_known(b, c))
        return TG_OK; /* two of this batch have one key */
    tg_str_cut(entry.person, sizeof(entry.person), tg_claim_key_person(c));
    tg_str_cut(entry.op, sizeof(entry.op), c->op);
    tg_str_cut(entry.id, sizeof(entry.id), c->id);
    if (!tg_q_is_null(q, 2)) {
        size_t len = 0;
        const void *reply = tg_q_get_blob(q, 2, &len);

        entry.reply = tg_slab_copy(reply, len);
        err = entry.reply == NULL ? TG_ERR_NOMEM : TG_OK;
    }
    if (err == TG_OK) {
        tg_idem_forget(b->idem, entry.person, entry.op, entry.id);
        err = tg_idem_put(b->idem, b->now.mono, &entry, false);
    }
    tg_slab_unref(entry.reply);
    return err;
}

/* Two places a claim: the person's own cart, and the one that is merged into it. */
static const char *cart_person(const struct batch *b, size_t i)
{
    const struct tg_claim *c = &b->claims[i / 2];

    return i % 2 == 0 ? c->person : c->key;
}

static bool ask_cart(void *ctx, size_t i, struct tg_q *q)
{
    const struct batch *b = ctx;
    const struct tg_claim *c = &b->claims[i / 2];

    if (!(i % 2 == 0 ? tg_shop_needs_cart(b->shop, c) : tg_shop_needs_other_cart(b->shop, c)))
        return false;
    tg_q_text(q, cart_person(b, i));
    return true;
}

static void add_cart_line(struct tg_cart *cart, const struct tg_q *q)
{
    struct tg_cart_line *line;

    if (cart->line_count == TG_CART_LINES_MAX)
        return;
    cart->gaps |= tg_q_get_int(q, 3) != cart->line_count;
    line = &cart->lines[cart->line_count++];
    tg_q_copy_text(q, 0, line->sku, sizeof(line->sku));
    line->qty = (int32_t)tg_q_get_int(q, 1);
    line->price = tg_q_get_int(q, 2);
}

static tg_err take_cart_line(void *ctx, size_t i, const struct tg_q *q)
{
    struct batch *b = ctx;

    (void)i;
    add_cart_line(&b->cart, q);
    return TG_OK;
}

static tg_err put_cart(void *ctx, size_t i)
{
    struct batch *b = ctx;
    tg_err err;

    /* No cart on disk is not remembered: there are more people who look than who buy. */
    if (b->cart.line_count == 0)
        return TG_OK;
    tg_str_cut(b->cart.person, sizeof(b->cart.person), cart_person(b, i));
    err = tg_shop_load_cart(b->shop, &b->cart);
    b->cart.line_count = 0;
    b->cart.gaps = false;
    return err;
}

tg_err tg_store_cart(struct tg_store *store, const char *person, struct tg_cart *ret)
{
    struct tg_q q = tg_q(&tg_store_db(store->ops->real(store))->db, TG_SQL_CART);

    *ret = (struct tg_cart){.line_count = 0};
    tg_str_cut(ret->person, sizeof(ret->person), person);
    tg_q_text(&q, person);
    while (tg_q_row(&q))
        add_cart_line(ret, &q);
    return tg_q_end(&q);
}

/* --- what moved since somebody counted --- */

static bool ask_moved(void *ctx, size_t i, struct tg_q *q)
{
    const struct batch *b = ctx;
    const struct tg_stock_row *row = &b->rows[i];
    const struct tg_location *l =
        tg_shop_location(b->shop, row->location[0] == '\0' ? TG_LOCATION_MAIN : row->location);

    if (row->how != TG_STOCK_SET || row->counted_wall < 0 || l == NULL)
        return false;
    tg_q_text(q, row->sku);
    tg_q_int(q, l->ord);
    tg_q_int(q, row->counted_wall);
    return true;
}

static tg_err take_moved(void *ctx, size_t i, const struct tg_q *q)
{
    const struct batch *b = ctx;

    b->rows[i].moved_since = tg_q_get_int(q, 0);
    b->rows[i].newest_count_wall = tg_q_get_int(q, 1);
    return TG_OK;
}

static tg_err load_moved(struct batch *b, const struct tg_claim *c)
{
    const struct tg_q_many many = {.bind = ask_moved, .row = take_moved, .ctx = b};

    b->rows = c->rows;
    for (uint32_t i = 0; i < c->row_count; i++) {
        c->rows[i].moved_since = 0;
        c->rows[i].newest_count_wall = -1;
    }
    return tg_q_each(b->db, TG_SQL_MOVED_SINCE, c->row_count, &many);
}

/* What an order took may be archived and gone from memory since; it comes back to its place. */
static tg_err bring_goods(struct tg_db *db, struct tg_shop_now now, const struct tg_order *order,
                          struct tg_shop *shop)
{
    tg_err err = TG_OK;

    for (uint32_t i = 0; err == TG_OK && i < order->take_count; i++)
        if (!tg_row_kept(shop, order->takes[i].sku))
            err = tg_bring_variant(db, now, shop, order->takes[i].sku);
    for (uint32_t i = 0; err == TG_OK && i < order->take_count; i++)
        if (!tg_row_kept(shop, order->takes[i].sku))
            return TG_ERR_LIMIT;
    return err;
}

/* One that does not add up refuses its claims, and no others. */
tg_err tg_load_order_by(struct tg_db *db, struct tg_shop_now now, enum tg_sql which,
                        const char *key, struct tg_shop *shop)
{
    struct tg_order *order = NULL;
    tg_err err = tg_row_order_by(db, which, key, &order);

    if (err == TG_ERR_NOTFOUND)
        return TG_OK; /* the shop says so itself */
    if (err == TG_OK && order->payment_tries > 0)
        err = tg_row_intents(db, order);
    if (err != TG_OK) {
        bool damaged = err == TG_ERR_MALFORMED;

        tg_order_free(order);
        err = tg_row_damaged(db, now.mono, err);
        return damaged ? tg_shop_note_damaged(shop, key) : err;
    }
    err = bring_goods(db, now, order, shop);
    if (err != TG_OK) {
        bool no_room = err == TG_ERR_LIMIT || err == TG_ERR_MALFORMED;

        if (no_room)
            err = tg_row_damaged(db, now.mono, tg_row_err(db, "goods of order", order->id, err));
        tg_order_free(order);
        return no_room && err == TG_OK ? tg_shop_note_damaged(shop, key) : err;
    }
    return tg_shop_load_order(shop, now, order);
}

static tg_err load_old_order(const struct batch *b, const struct tg_claim *c)
{
    if (!tg_shop_needs_order(b->shop, c))
        return TG_OK;
    return tg_load_order_by(b->db, b->now,
                            tg_claim_by_payment(c) ? TG_SQL_ORDER_BY_PAYMENT : TG_SQL_ORDER_BY_ID,
                            c->key, b->shop);
}

tg_err tg_store_load(struct tg_store *store, struct tg_shop_now now, const struct tg_claim *claims,
                     size_t count, struct tg_shop *shop, struct tg_idem *idem)
{
    struct batch b = {.db = &tg_store_db(store)->db,
                      .now = now,
                      .claims = claims,
                      .shop = shop,
                      .idem = idem,
                      .shared = tg_store_db(store)->shared};
    const struct tg_q_many of_idem = {.bind = ask_idem, .row = take_idem, .ctx = &b};
    const struct tg_q_many of_cart = {
        .bind = ask_cart, .row = take_cart_line, .end = put_cart, .ctx = &b};
    struct tg_store_db *s = tg_store_db(store);
    tg_err err = TG_OK;

    if (s->shared)
        err = tg_changes_catch_up(s, now, shop);
    else if (count > 0)
        err = tg_store_begin_batch(s);

    if (err == TG_OK)
        err = tg_q_each(b.db, TG_SQL_IDEM, count, &of_idem);
    if (err == TG_OK)
        err = tg_q_each(b.db, TG_SQL_CART, 2 * count, &of_cart);
    if (err == TG_OK)
        err = tg_store_load_units(b.db, claims, count, shop);
    if (err == TG_OK)
        err = tg_store_load_code_uses(b.db, claims, count, shop);
    for (size_t i = 0; err == TG_OK && i < count; i++)
        if (claims[i].row_count > 0)
            err = load_moved(&b, &claims[i]);
    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = load_old_order(&b, &claims[i]);
    if (err == TG_OK)
        err = tg_store_load_persons(b.db, now, claims, count, shop);
    return err;
}

tg_err tg_store_unanswered(struct tg_store *store, tg_us wall, char (*ret)[TG_PAYMENT_ID_SIZE],
                           size_t max, size_t *ret_count, bool *ret_open)
{
    struct tg_db *db = &tg_store_db(store)->db;
    struct tg_q q = tg_q(db, TG_SQL_OPEN_INTENTS);
    tg_err err;

    *ret_count = 0;
    tg_q_int(&q, wall - TG_INTENT_WAIT_US);
    tg_q_int(&q, wall);
    tg_q_int(&q, wall - TG_INTENT_WAIT_MAX_US);
    tg_q_int(&q, wall - TG_INTENT_GIVE_UP_US);
    tg_q_int(&q, (int64_t)max);
    while (*ret_count < max && tg_q_row(&q))
        tg_q_copy_text(&q, 0, ret[(*ret_count)++], TG_PAYMENT_ID_SIZE);
    err = tg_q_end(&q);
    *ret_open = *ret_count > 0;
    if (err != TG_OK || *ret_open)
        return err;
    q = tg_q(db, TG_SQL_ANY_OPEN_INTENT);
    tg_q_int(&q, wall - TG_INTENT_GIVE_UP_US);
    *ret_open = tg_q_row(&q);
    return tg_q_end(&q);
}

/* --- audit --- */

tg_err tg_store_audit(struct tg_store *store, tg_audit_fn each, void *ctx)
{
    return tg_db_audit(&tg_store_db(store)->db, each, ctx);
}
