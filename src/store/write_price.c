/* Prices and codes as the shop decided them. */
#include <string.h>

#include "store/store_priv.h"

static tg_err add_price_change(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_PRICE_CHANGE);

    tg_q_text(&q, e->variant->sku);
    tg_q_int(&q, e->price.flash);
    tg_q_int(&q, e->price.until_wall);
    tg_q_text(&q, e->actor);
    tg_q_int(&q, e->wall);
    tg_q_text(&q, e->price.currency);
    tg_q_int(&q, e->price.price);
    tg_q_int(&q, e->price.compare_at);
    tg_q_int(&q, e->price.was);
    tg_q_int(&q, e->price.amount);
    tg_q_int(&q, e->price.left);
    return tg_q_run(&q);
}

tg_err tg_store_write_price(struct tg_db *db, const struct tg_effect *e)
{
    const struct tg_variant *v = e->variant;
    struct tg_q q = tg_q(db, TG_SQL_SET_PRICE);
    tg_err err;

    tg_q_int(&q, v->price);
    tg_q_int(&q, v->compare_at);
    tg_q_int(&q, v->flash);
    tg_q_int(&q, v->flash_until_wall);
    tg_q_int(&q, v->flash_since_wall);
    tg_q_int(&q, v->flash_limit);
    tg_q_int(&q, v->flash_used);
    tg_q_int(&q, v->lowest);
    tg_q_int(&q, v->flash_lowest);
    tg_q_int(&q, e->wall);
    /* Flash prices are no part of the catalogue that If-Match and undo look at. */
    tg_q_int(&q, v->price != v->before_price || v->compare_at != v->before_compare_at);
    tg_q_text(&q, v->sku);
    err = tg_q_run(&q);
    return err == TG_OK ? add_price_change(db, e) : err;
}

tg_err tg_store_write_price_left(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q = tg_q(db, TG_SQL_SET_PRICE_LEFT);

    tg_q_int(&q, e->qty);
    tg_q_text(&q, e->variant->sku);
    tg_q_int(&q, e->as_of_wall);
    tg_q_int(&q, e->amount);
    return tg_q_run(&q);
}

tg_err tg_store_raise_version(struct tg_db *db, const char *sku)
{
    struct tg_q q = tg_q(db, TG_SQL_RAISE_VERSION);

    tg_q_int(&q, 1);
    tg_q_text(&q, sku);
    return tg_q_run(&q);
}

tg_err tg_store_write_currency_price(struct tg_db *db, const struct tg_effect *e)
{
    bool gone = e->price.price < 0;
    struct tg_q q = tg_q(db, gone ? TG_SQL_DROP_CURRENCY_PRICE : TG_SQL_PUT_CURRENCY_PRICE);
    tg_err err;

    tg_q_text(&q, e->variant->sku);
    tg_q_text(&q, e->price.currency);
    if (!gone) {
        tg_q_int(&q, e->price.price);
        tg_q_int(&q, e->wall);
    }
    err = tg_q_run(&q);
    if (err == TG_OK)
        err = tg_store_raise_version(db, e->variant->sku);
    return err == TG_OK ? add_price_change(db, e) : err;
}

tg_err tg_store_write_plan(struct tg_db *db, const struct tg_effect *e)
{
    bool gone = e->plan.amount < 0;
    struct tg_q q = tg_q(db, gone ? TG_SQL_DROP_FLASH_PLAN : TG_SQL_PUT_FLASH_PLAN);

    tg_q_text(&q, e->variant->sku);
    if (!gone) {
        tg_q_int(&q, e->plan.amount);
        tg_q_int(&q, e->plan.from_wall);
        tg_q_int(&q, e->plan.until_wall);
        tg_q_int(&q, e->plan.limit);
    }
    return tg_q_run(&q);
}

tg_err tg_store_write_flash_used(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q = tg_q(db, TG_SQL_SET_FLASH_USED);

    tg_q_int(&q, e->variant->flash_used);
    tg_q_text(&q, e->variant->sku);
    return tg_q_run(&q);
}

/* --- codes --- */

static tg_err put_code(struct tg_db *db, const struct tg_discount *d, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_PUT_CODE);

    tg_q_text(&q, d->code);
    tg_q_int(&q, d->kind);
    tg_q_int(&q, d->bp);
    tg_q_int(&q, d->amount);
    tg_q_text(&q, d->currency);
    tg_q_int(&q, d->minimum);
    tg_q_int(&q, d->show == UINT16_MAX ? -1 : d->show);
    tg_q_int(&q, d->person_max);
    tg_q_int(&q, d->uses_max);
    tg_q_int(&q, d->from_wall);
    tg_q_int(&q, d->until_wall);
    tg_q_int(&q, d->combinable);
    tg_q_int(&q, d->ended);
    tg_q_int(&q, d->uses);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

static tg_err drop_list(struct tg_db *db, enum tg_sql which, const char *code)
{
    struct tg_q q = tg_q(db, which);

    tg_q_text(&q, code);
    return tg_q_run(&q);
}

static tg_err add_to_list(struct tg_db *db, enum tg_sql which, const char *code, uint32_t line,
                          const char *text)
{
    struct tg_q q = tg_q(db, which);

    tg_q_text(&q, code);
    tg_q_int(&q, line);
    tg_q_text(&q, text);
    return tg_q_run(&q);
}

static tg_err put_lists(struct tg_db *db, const struct tg_discount *d)
{
    tg_err err = drop_list(db, TG_SQL_DROP_CODE_SKUS, d->code);

    if (err == TG_OK)
        err = drop_list(db, TG_SQL_DROP_CODE_PERSONS, d->code);
    for (uint32_t i = 0; err == TG_OK && i < d->sku_count; i++)
        err = add_to_list(db, TG_SQL_ADD_CODE_SKU, d->code, i, d->skus[i]);
    for (uint32_t i = 0; err == TG_OK && i < d->person_count; i++)
        err = add_to_list(db, TG_SQL_ADD_CODE_PERSON, d->code, i, d->persons[i]);
    return err;
}

tg_err tg_store_write_code(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q;
    tg_err err;

    if (e->qty != 0) {
        err = put_code(db, e->discount, e->wall);
        return err == TG_OK ? put_lists(db, e->discount) : err;
    }
    q = tg_q(db, TG_SQL_SET_CODE_USES);
    tg_q_int(&q, e->discount->uses);
    tg_q_text(&q, e->discount->code);
    return tg_q_run(&q);
}

tg_err tg_store_write_code_use(struct tg_db *db, const struct tg_effect *e)
{
    struct tg_q q = tg_q(db, e->qty > 0 ? TG_SQL_ADD_ORDER_CODE : TG_SQL_DROP_ORDER_CODE);

    tg_q_text(&q, e->code);
    tg_q_text(&q, e->order->person);
    tg_q_int(&q, e->order->number);
    return tg_q_run(&q);
}
