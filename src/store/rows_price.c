#include "base/str.h"
#include "store/rows_priv.h"

enum code_column {
    C_CODE,
    C_KIND,
    C_BP,
    C_AMOUNT,
    C_CURRENCY,
    C_MINIMUM,
    C_SHOW,
    C_PERSON_MAX,
    C_USES_MAX,
    C_FROM,
    C_UNTIL,
    C_COMBINABLE,
    C_ENDED,
    C_USES,
    C_SKU_COUNT,
    C_PERSON_COUNT,
    C_SHOW_ID,
};

/* The texts of a list, `count` of them, each `size` bytes. */
static tg_err read_list(struct tg_db *db, enum tg_sql which, const char *code, char *out,
                        size_t size, uint32_t count)
{
    struct tg_q q = tg_q(db, which);
    uint32_t i = 0;
    tg_err err;

    tg_q_text(&q, code);
    while (i < count && tg_q_row(&q))
        tg_q_copy_text(&q, 0, out + size * i++, size);
    err = tg_q_end(&q);
    return err == TG_OK && i != count ? TG_ERR_MALFORMED : err;
}

tg_err tg_row_discount(struct tg_db *db, const struct tg_q *row, struct tg_discount **ret,
                       char show[TG_SHOW_ID_MAX + 1])
{
    struct tg_discount *d = NULL;
    tg_err err = tg_discount_new(&d, (size_t)tg_q_get_int(row, C_SKU_COUNT),
                                 (size_t)tg_q_get_int(row, C_PERSON_COUNT));

    if (err != TG_OK)
        return err == TG_ERR_LIMIT ? TG_ERR_MALFORMED : err;
    tg_q_copy_text(row, C_CODE, d->code, sizeof(d->code));
    d->kind = (enum tg_discount_kind)tg_q_get_int(row, C_KIND);
    d->bp = (int32_t)tg_q_get_int(row, C_BP);
    d->amount = tg_q_get_int(row, C_AMOUNT);
    tg_q_copy_text(row, C_CURRENCY, d->currency, sizeof(d->currency));
    d->minimum = tg_q_get_int(row, C_MINIMUM);
    d->show = tg_q_get_int(row, C_SHOW) < 0 ? UINT16_MAX : (uint16_t)tg_q_get_int(row, C_SHOW);
    d->person_max = (int32_t)tg_q_get_int(row, C_PERSON_MAX);
    d->uses_max = (int32_t)tg_q_get_int(row, C_USES_MAX);
    d->from_wall = tg_q_get_int(row, C_FROM);
    d->until_wall = tg_q_get_int(row, C_UNTIL);
    d->combinable = tg_q_get_int(row, C_COMBINABLE) != 0;
    d->ended = tg_q_get_int(row, C_ENDED) != 0;
    d->uses = (int32_t)tg_q_get_int(row, C_USES);
    tg_q_copy_text(row, C_SHOW_ID, show, TG_SHOW_ID_MAX + 1);
    err = read_list(db, TG_SQL_CODE_SKUS, d->code, d->skus[0], sizeof(d->skus[0]), d->sku_count);
    if (err == TG_OK)
        err = read_list(db, TG_SQL_CODE_PERSONS, d->code, d->persons[0], sizeof(d->persons[0]),
                        d->person_count);
    if (err == TG_OK && (tg_discount_flaw(d) != NULL || d->uses < 0)) {
        tg_str_printf(db->error, sizeof(db->error), "code %s breaks the rules", d->code);
        err = TG_ERR_MALFORMED;
    }
    if (err != TG_OK) {
        tg_discount_free(d);
        return err;
    }
    *ret = d;
    return TG_OK;
}
