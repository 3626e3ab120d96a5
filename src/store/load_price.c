/* What the shop must know of prices and codes. */
#include "base/str.h"
#include "store/changes.h"
#include "store/rows_priv.h"

static tg_err end(struct tg_q *q, tg_err err)
{
    tg_err ended = tg_q_end(q);

    return err != TG_OK ? err : ended;
}

/* Rows of a variant that is no longer sold are history; anything else the shop refuses is damage.
 */
static tg_err judged(struct tg_db *db, const char *what, const char *id, tg_err err)
{
    if (err == TG_OK || err == TG_ERR_NOMEM || err == TG_ERR_NOTFOUND)
        return err == TG_ERR_NOTFOUND ? TG_OK : err;
    tg_str_printf(db->error, sizeof(db->error), "%s %.64s: %s", what, id, tg_err_name(err));
    return TG_ERR_MALFORMED;
}

static tg_err load_past(struct tg_db *db, struct tg_shop_now now, struct tg_shop *shop)
{
    struct tg_q q = tg_q(db, TG_SQL_PRICE_PAST);
    tg_err err = TG_OK;

    tg_q_int(&q, now.wall - (tg_us)TG_PRICE_PAST_DAYS * 24 * 3600 * TG_US_PER_S);
    tg_q_text(&q, tg_shop_config(shop)->currency);
    while (err == TG_OK && tg_q_row(&q)) {
        const char *sku = tg_q_get_text(&q, 0);

        err = judged(db, "a past price of", sku,
                     tg_shop_load_price_past(shop, sku, tg_q_get_int(&q, 1), tg_q_get_int(&q, 2),
                                             (int32_t)tg_q_get_int(&q, 3)));
    }
    return end(&q, err);
}

static tg_err load_currency_prices(struct tg_db *db, struct tg_shop *shop)
{
    struct tg_q q = tg_q(db, TG_SQL_CURRENCY_PRICES);
    tg_err err = TG_OK;

    while (err == TG_OK && tg_q_row(&q)) {
        const char *sku = tg_q_get_text(&q, 0);

        err = judged(
            db, "a price of", sku,
            tg_shop_put_currency_price(shop, sku, tg_q_get_text(&q, 1), tg_q_get_int(&q, 2)));
    }
    return end(&q, err);
}

static tg_err load_plans(struct tg_db *db, struct tg_shop_now now, struct tg_shop *shop)
{
    struct tg_q q = tg_q(db, TG_SQL_FLASH_PLANS);
    tg_err err = TG_OK;

    while (err == TG_OK && tg_q_row(&q)) {
        const char *sku = tg_q_get_text(&q, 0);
        const struct tg_flash_plan plan = {.amount = tg_q_get_int(&q, 1),
                                           .from_wall = tg_q_get_int(&q, 2),
                                           .until_wall = tg_q_get_int(&q, 3),
                                           .limit = (int32_t)tg_q_get_int(&q, 4)};

        err = judged(db, "a planned price of", sku, tg_shop_put_flash_plan(shop, now, sku, &plan));
    }
    return end(&q, err);
}

static tg_err load_codes(struct tg_db *db, struct tg_shop *shop)
{
    struct tg_q q = tg_q(db, TG_SQL_CODES);
    tg_err err = TG_OK;

    while (err == TG_OK && tg_q_row(&q)) {
        char show[TG_SHOW_ID_MAX + 1];
        struct tg_discount *d = NULL;

        err = tg_row_discount(db, &q, &d, show);
        if (err == TG_OK)
            err = judged(db, "code", d->code, tg_shop_put_discount(shop, d));
        tg_discount_free(d);
    }
    return end(&q, err);
}

tg_err tg_store_load_prices(struct tg_db *db, struct tg_shop_now now, struct tg_shop *shop)
{
    tg_err err = load_past(db, now, shop);

    if (err == TG_OK)
        err = load_currency_prices(db, shop);
    if (err == TG_OK)
        err = load_plans(db, now, shop);
    return err == TG_OK ? load_codes(db, shop) : err;
}

/* --- anew, when another node changed them --- */

static bool ask_key(void *ctx, size_t i, struct tg_q *q)
{
    const struct tg_reload *r = ctx;

    tg_q_text(q, r->keys[i]);
    return true;
}

static bool ask_past(void *ctx, size_t i, struct tg_q *q)
{
    const struct tg_reload *r = ctx;

    tg_q_text(q, r->keys[i]);
    tg_q_int(q, r->now.wall - (tg_us)TG_PRICE_PAST_DAYS * 24 * 3600 * TG_US_PER_S);
    tg_q_text(q, tg_shop_config(r->shop)->currency);
    return true;
}

static tg_err take_past(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const char *sku = tg_q_get_text(q, 0);

    (void)i;
    return judged(r->db, "a past price of", sku,
                  tg_shop_load_price_past(r->shop, sku, tg_q_get_int(q, 1), tg_q_get_int(q, 2),
                                          (int32_t)tg_q_get_int(q, 3)));
}

static tg_err take_currency_price(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const char *sku = tg_q_get_text(q, 0);

    (void)i;
    return judged(
        r->db, "a price of", sku,
        tg_shop_put_currency_price(r->shop, sku, tg_q_get_text(q, 1), tg_q_get_int(q, 2)));
}

static tg_err take_plan(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    const char *sku = tg_q_get_text(q, 0);
    const struct tg_flash_plan plan = {.amount = tg_q_get_int(q, 1),
                                       .from_wall = tg_q_get_int(q, 2),
                                       .until_wall = tg_q_get_int(q, 3),
                                       .limit = (int32_t)tg_q_get_int(q, 4)};

    (void)i;
    return judged(r->db, "a planned price of", sku,
                  tg_shop_put_flash_plan(r->shop, r->now, sku, &plan));
}

/* Rows that are gone answer nothing, so their places in memory are emptied first. */
static tg_err empty_prices(const struct tg_reload *r, const char *sku)
{
    const struct tg_flash_plan none = {.amount = -1};
    tg_err err = tg_shop_put_flash_plan(r->shop, r->now, sku, &none);

    if (err == TG_OK) {
        tg_shop_forget_price_past(r->shop, sku);
        tg_shop_forget_currency_prices(r->shop, sku);
    }
    return judged(r->db, "a planned price of", sku, err);
}

tg_err tg_reload_prices(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many past = {.bind = ask_past, .row = take_past, .ctx = &ctx};
    const struct tg_q_many plan = {.bind = ask_key, .row = take_plan, .ctx = &ctx};
    const struct tg_q_many further = {.bind = ask_key, .row = take_currency_price, .ctx = &ctx};
    tg_err err = TG_OK;

    if (r->keys == NULL) {
        for (size_t i = 0; err == TG_OK && i < tg_shop_product_count(r->shop); i++)
            for (const struct tg_variant *v = tg_shop_product_at(r->shop, i)->first;
                 err == TG_OK && v != NULL; v = v->next)
                err = empty_prices(r, v->sku);
        return err == TG_OK ? tg_store_load_prices(r->db, r->now, r->shop) : err;
    }
    for (size_t i = 0; err == TG_OK && i < r->count; i++)
        err = empty_prices(r, r->keys[i]);
    if (err == TG_OK)
        err = tg_q_each(r->db, TG_SQL_PRICE_PAST_OF, r->count, &past);
    if (err == TG_OK)
        err = tg_q_each(r->db, TG_SQL_FLASH_PLAN_OF, r->count, &plan);
    if (err == TG_OK)
        err = tg_q_each(r->db, TG_SQL_CURRENCY_PRICES_OF, r->count, &further);
    return err;
}

static tg_err take_code(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    char show[TG_SHOW_ID_MAX + 1];
    struct tg_discount *d = NULL;
    tg_err err = tg_row_discount(r->db, q, &d, show);

    (void)i;
    if (err == TG_OK)
        err = judged(r->db, "code", d->code, tg_shop_put_discount(r->shop, d));
    tg_discount_free(d);
    return err;
}

tg_err tg_reload_codes(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = ask_key, .row = take_code, .ctx = &ctx};

    return r->keys == NULL ? load_codes(r->db, r->shop)
                           : tg_q_each(r->db, TG_SQL_CODE_ANY, r->count, &many);
}

/* --- a batch's keys --- */

struct batch {
    const struct tg_claim *claims;
    struct tg_shop *shop;
};

/* Code `at` of a claim; false = it has no such, or it is known already how often it was used. */
static bool code_of(const struct batch *b, size_t i, char code[TG_DISCOUNT_CODE_SIZE])
{
    char codes[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    const struct tg_claim *c = &b->claims[i / TG_ORDER_CODES_MAX];
    int at = (int)(i % TG_ORDER_CODES_MAX);

    if (c->code[0] == '\0' || c->person[0] == '\0' || tg_codes_split(codes, c->code) <= at)
        return false;
    tg_str_cut(code, TG_DISCOUNT_CODE_SIZE, codes[at]);
    return tg_shop_needs_code_uses(b->shop, code, c->person);
}

static bool ask_uses(void *ctx, size_t i, struct tg_q *q)
{
    const struct batch *b = ctx;
    char code[TG_DISCOUNT_CODE_SIZE];
    const struct tg_discount *d;

    if (!code_of(b, i, code))
        return false;
    d = tg_shop_discount(b->shop, code);
    tg_q_text(q, d->code); /* the shop's own, which stays */
    tg_q_text(q, b->claims[i / TG_ORDER_CODES_MAX].person);
    return true;
}

static tg_err take_uses(void *ctx, size_t i, const struct tg_q *q)
{
    const struct batch *b = ctx;
    char code[TG_DISCOUNT_CODE_SIZE];

    if (!code_of(b, i, code))
        return TG_OK; /* an equal key before it brought them */
    return tg_shop_load_code_uses(b->shop, code, b->claims[i / TG_ORDER_CODES_MAX].person,
                                  (int32_t)TG_MIN(tg_q_get_int(q, 0), (int64_t)INT32_MAX));
}

tg_err tg_store_load_code_uses(struct tg_db *db, const struct tg_claim *claims, size_t count,
                               struct tg_shop *shop)
{
    struct batch b = {.claims = claims, .shop = shop};
    const struct tg_q_many uses = {.bind = ask_uses, .row = take_uses, .ctx = &b};

    return tg_q_each(db, TG_SQL_CODE_USES, count * TG_ORDER_CODES_MAX, &uses);
}
