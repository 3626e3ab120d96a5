/* What a batch must know of single people: how much they bought and used, what they may undo. */
#include "base/str.h"
#include "store/rows_priv.h"
#include "store/store_priv.h"

enum { UNDOS_MAX = 8 }; /* orders that one batch can undo one after another, a person */

/* Claims whose sums are being read; each loader asks for all claims at once. */
struct persons {
    struct tg_db *db;
    const struct tg_claim *claims;
    struct tg_shop *shop;
    uint32_t kind; /* of sum: index of tg_units_keys */
    size_t places; /* asked of each claim: one where none of the batch is about a whole cart */
};

static const enum tg_sql sums[TG_UNITS_KEYS] = {TG_SQL_PERSON_UNITS, TG_SQL_PERSON_UNITS_IN_SHOW,
                                                TG_SQL_PERSON_SHOW_UNITS};

static const char *sku_in(const struct persons *p, const char *person, size_t at)
{
    const struct tg_cart *cart = tg_shop_cart(p->shop, person);

    return cart != NULL && at < cart->line_count ? cart->lines[at].sku : "";
}

/* The SKU in place `at` of what a claim may take in, or the next one of the same batch: of its own
 * line, of the person's cart, of the cart that becomes the person's. */
static const char *sku_of(const struct persons *p, const struct tg_claim *c, size_t at)
{
    switch (c->kind) {
    case TG_CLAIM_BUY:
    case TG_CLAIM_CART_SET:
        return at == 0 ? c->sku : "";
    case TG_CLAIM_CHECKOUT:
    case TG_CLAIM_CART: /* says how many may be bought */
        return sku_in(p, c->person, at);
    case TG_CLAIM_CART_MERGE:
        return sku_in(p, c->key, at);
    default:
        return "";
    }
}

static size_t places_of(const struct tg_claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (claims[i].kind != TG_CLAIM_BUY && claims[i].kind != TG_CLAIM_CART_SET)
            return TG_CART_LINES_MAX;
    return 1;
}

/* The sum of this kind for the line; false = nothing to count. */
static bool units_key(const struct persons *p, size_t i, struct tg_units_key *ret)
{
    const struct tg_claim *c = &p->claims[i / p->places];
    const char *sku = sku_of(p, c, i % p->places);
    struct tg_units_key keys[TG_UNITS_KEYS];

    if (c->person[0] == '\0' || sku[0] == '\0' ||
        tg_units_keys(keys, c->person, sku, c->show) <= p->kind)
        return false;
    *ret = keys[p->kind];
    return true;
}

static void bind_key(struct tg_q *q, const struct tg_units_key *key)
{
    tg_q_text(q, key->person);
    if (key->sku[0] != '\0')
        tg_q_text(q, key->sku);
    if (key->show != UINT16_MAX)
        tg_q_int(q, key->show);
}

static tg_err put_units(struct tg_shop *shop, const struct tg_units_key *key, const struct tg_q *q)
{
    int64_t units = tg_q_get_int(q, 0);

    return tg_shop_load_units(shop, key, (int32_t)TG_MIN(units, (int64_t)INT32_MAX));
}

static bool ask_units(void *ctx, size_t i, struct tg_q *q)
{
    const struct persons *p = ctx;
    struct tg_units_key key;

    if (!units_key(p, i, &key) || !tg_shop_needs_units(p->shop, &key))
        return false;
    bind_key(q, &key);
    return true;
}

static tg_err take_units(void *ctx, size_t i, const struct tg_q *q)
{
    const struct persons *p = ctx;
    struct tg_units_key key;

    TG_ASSERT(units_key(p, i, &key)); /* it was asked for */
    return put_units(p->shop, &key, q);
}

tg_err tg_store_load_units(struct tg_db *db, const struct tg_claim *claims, size_t count,
                           struct tg_shop *shop)
{
    struct persons p = {
        .db = db, .claims = claims, .shop = shop, .places = places_of(claims, count)};
    const struct tg_q_many many = {.bind = ask_units, .row = take_units, .ctx = &p};
    uint32_t kinds = tg_shop_limits_in_shows(shop) ? TG_UNITS_KEYS : 1;
    tg_err err = TG_OK;

    for (p.kind = 0; err == TG_OK && p.kind < kinds; p.kind++)
        err = tg_q_each(db, sums[p.kind], count * p.places, &many);
    return err;
}

/* --- late payments: what was released is counted again --- */

static tg_err load_sums(struct tg_db *db, const struct tg_order *order, uint32_t line,
                        struct tg_shop *shop)
{
    struct tg_units_key keys[TG_UNITS_KEYS];
    uint32_t count = tg_units_keys(keys, order->person, order->lines[line].sku, order->show);
    tg_err err = TG_OK;

    TG_ASSERT(count <= TG_UNITS_KEYS);
    for (uint32_t k = 0; err == TG_OK && k < count; k++) {
        struct tg_q q;
        tg_err ended;

        if (!tg_shop_needs_units(shop, &keys[k]))
            continue;
        q = tg_q(db, sums[k]);
        bind_key(&q, &keys[k]);
        if (tg_q_row(&q))
            err = put_units(shop, &keys[k], &q);
        ended = tg_q_end(&q);
        err = err == TG_OK ? ended : err;
    }
    return err;
}

static tg_err load_uses(struct tg_db *db, const struct tg_order *order, struct tg_shop *shop)
{
    char codes[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    int count = order->codes[0] == '\0' ? 0 : tg_codes_split(codes, order->codes);
    tg_err err = TG_OK;

    for (int i = 0; err == TG_OK && i < count; i++) {
        struct tg_q q;
        tg_err ended;

        if (!tg_shop_needs_code_uses(shop, codes[i], order->person))
            continue;
        q = tg_q(db, TG_SQL_CODE_USES);
        tg_q_text(&q, codes[i]);
        tg_q_text(&q, order->person);
        if (tg_q_row(&q))
            err = tg_shop_load_code_uses(shop, codes[i], order->person,
                                         (int32_t)TG_MIN(tg_q_get_int(&q, 0), (int64_t)INT32_MAX));
        ended = tg_q_end(&q);
        err = err == TG_OK ? ended : err;
    }
    return err;
}

static tg_err load_late(struct tg_db *db, const struct tg_claim *c, struct tg_shop *shop)
{
    const struct tg_order *order = tg_shop_late_order(shop, c);
    tg_err err = order == NULL ? TG_OK : load_uses(db, order, shop);

    for (uint32_t i = 0; order != NULL && err == TG_OK && i < order->line_count; i++)
        err = load_sums(db, order, i, shop);
    return err;
}

/* --- undo --- */

/* The person's last unpaid orders by comment in the show, whichever node took them. */
static tg_err load_undos(struct tg_db *db, struct tg_shop_now now, const struct tg_claim *c,
                         struct tg_shop *shop)
{
    char ids[UNDOS_MAX][TG_UUID_SIZE];
    struct tg_q q = tg_q(db, TG_SQL_UNDO_ORDERS);
    size_t count = 0;
    tg_err err;

    tg_q_text(&q, c->person);
    tg_q_int(&q, c->show);
    tg_q_int(&q, UNDOS_MAX);
    while (count < UNDOS_MAX && tg_q_row(&q))
        tg_q_copy_text(&q, 0, ids[count++], sizeof(ids[0]));
    err = tg_q_end(&q);
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        if (tg_shop_load_undo(shop, ids[i]))
            continue;
        err = tg_load_order_by(db, now, TG_SQL_ORDER_BY_ID, ids[i], shop);
        if (err == TG_OK)
            (void)tg_shop_load_undo(shop, ids[i]); /* just brought */
    }
    return err;
}

tg_err tg_store_load_persons(struct tg_db *db, struct tg_shop_now now,
                             const struct tg_claim *claims, size_t count, struct tg_shop *shop)
{
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++) {
        const struct tg_claim *c = &claims[i];

        if (tg_claim_by_payment(c))
            err = load_late(db, c, shop);
        else if (c->kind == TG_CLAIM_UNDO && c->person[0] != '\0')
            err = load_undos(db, now, c, shop);
    }
    return err;
}
